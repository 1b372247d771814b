"""The frozen records that every layer of the package exchanges.

Arrays inside a record are read-only. No Qt, no TensorFlow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Mapping, NamedTuple

import numpy as np


class ZooError(Exception):
    """A failure that a person can act on: one sentence saying what is wrong and what to do.

    Front ends show ``str(error)`` and never a traceback.
    """


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` units of work, and what it has so far (None: nothing to show yet).

    total is 0 while it is unknown: of a download whose length the server does not say.
    """

    done: int
    total: int
    label: str = ""
    result: Any = None

    @property
    def complete(self) -> bool:
        return self.done >= self.total


class CardNeeded(ZooError):
    """A file that cannot be opened before a person says what it does not say itself. path: of the file."""

    def __init__(self, sentence: str, path: str):
        super().__init__(sentence)
        self.path = path


class ReceptiveField(NamedTuple):
    """Where a convolution's output position looks, in observation pixels (Araujo et al. 2019).

    Position (row, column) of the map sees ``size`` pixels from ``start + position * stride``, per axis as
    (vertical, horizontal). ``start`` is negative under SAME padding.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """(top, left, height, width) in observation pixels of what position (row, column) sees."""
        return (
            self.start[0] + row * self.stride[0],
            self.start[1] + column * self.stride[1],
            self.size[0],
            self.size[1],
        )


@dataclass(frozen=True)
class LayerInfo:
    """One layer that the traced function returns.

    shape: (H, W, C) of a convolution or (N,) of a dense layer, without the batch.
    kind: ``conv``, ``dense``, ``logits``, ``q`` or ``value``.
    signed: whether activations may be negative (no rectifier), hence a diverging colour map.
    receptive_field: for convolutions, else None (a dense unit sees the whole observation).
    unit_names: what a person calls the units, "" where nothing; () for a layer without names.
    groups_of: the layer whose units this one groups (``Agent.with_groups``); "" for a layer of the network's own.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    signed: bool = False
    receptive_field: ReceptiveField | None = None
    unit_names: tuple[str, ...] = ()
    groups_of: str = ""

    @property
    def units(self) -> int:
        """Number of units: channels of a convolution, neurons of a dense layer."""
        return self.shape[-1]

    @property
    def size(self) -> int:
        """Number of activations: H·W·C or N."""
        return int(np.prod(self.shape))

    def label(self, index: int) -> str:
        """``conv2:17``, with the unit's name where it has one: ``conv3_groups:2 “paddle”``."""
        name = self.unit_names[index] if index < len(self.unit_names) else ""
        return f"{self.name}:{index} “{name}”" if name else f"{self.name}:{index}"


class Unit(NamedTuple):
    """A channel of a convolution or a neuron of a dense layer, written ``conv2:17``."""

    layer: str
    index: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}"

    @classmethod
    def parse(cls, text: str, layers: tuple[LayerInfo, ...] = ()) -> "Unit":
        """Read ``conv2:17``; with ``layers`` given, check that the unit exists.

        Raises ZooError that names the valid layers or the valid range.
        """
        layer, _, index = text.strip().partition(":")
        if not index.strip().isdigit():
            raise ZooError(f"“{text}” is not a unit: write layer:index, for example conv2:17.")
        unit = cls(layer.strip(), int(index))
        if layers:
            by_name = {info.name: info for info in layers}
            if unit.layer not in by_name:
                raise ZooError(f"There is no layer “{unit.layer}”: this network has {', '.join(by_name)}.")
            if unit.index >= by_name[unit.layer].units:
                raise ZooError(f"{unit.layer} has units 0 to {by_name[unit.layer].units - 1}, not {unit.index}.")
        return unit


@dataclass(frozen=True)
class Decision:
    """What an agent made of one observation.

    action: index into the agent's ``action_names``.
    scores: (A,) float32, logits of a policy or Q-values; empty for a player without a network.
    scores_kind: ``logits`` or ``q``.
    value: state value; where the network has no value head max Q of a Q agent, None of a policy agent.
    activations: {layer name: array of LayerInfo.shape, float32}, after the non-linearity.
    flat: the same activations as one float32 vector in layer order, (sum of sizes,).
    state: the memory of a recurrent network after the observation, (S,) float32; else empty.
    """

    action: int
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    scores_kind: str = "logits"
    value: float | None = None
    activations: Mapping[str, np.ndarray] = field(default_factory=dict)
    flat: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    state: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def probabilities(self) -> np.ndarray:
        """(A,) softmax of the scores, float32: the policy of a policy agent; of Q-values, only a display scale."""
        if self.scores.size == 0:
            return self.scores
        exponent = np.exp(self.scores - self.scores.max())
        return exponent / exponent.sum()

    @property
    def entropy(self) -> float:
        """Entropy of ``probabilities`` in nats; nan without scores."""
        p = self.probabilities
        return float(-(p * np.log(np.maximum(p, 1e-12))).sum()) if p.size else float("nan")


@dataclass(frozen=True)
class Step:
    """One agent step. Frame and activations are what the agent saw before acting; reward is what that action earned.

    player: ``agent``, ``random`` or ``human``.
    episode, index: episode number and agent step within it, from 0.
    frame: (H, W, 3) uint8, the screen before acting; H is 210 or 250, W 160.
    frames: (S, H, W, 3) uint8, the emulator frames to show during this step: ``frame`` and then those between the
        action and the next step's ``frame``. S = frame skip when all frames were asked for, else 1.
    observation: (h, w, C) as the network gets it before scaling, with a cover where one is on, oldest frame first,
        colour frames with three channels each: uint8, or float32 where the pipeline does not round, takes differences
        (−255–255) or normalises; empty without a network.
    ram: (128,) uint8 before acting.
    episode_return: sum of unclipped rewards before this action.
    lives: before acting; 0 in games without lives.
    saliency: (h, w, C) float32, what the attribution method that is on says of each pixel, by default the signed
        gradient with respect to the observation in 0–1 units; or None.
    edited: whether an intervention is on: a unit's gain or offset is changed, the observation is covered, or the player
        is disturbed.
    moment: the id under which a sitting keeps this step (``play.moments``); -1 outside of one.
    """

    player: str
    episode: int
    index: int
    frame: np.ndarray
    frames: np.ndarray
    observation: np.ndarray
    ram: np.ndarray
    decision: Decision
    reward: float
    episode_return: float
    lives: int
    terminated: bool
    truncated: bool
    saliency: np.ndarray | None = None
    edited: bool = False
    moment: int = -1

    @property
    def done(self) -> bool:
        return self.terminated or self.truncated


class StepSummary(NamedTuple):
    """The numbers of one step, for plots: every step has one, also those that were never drawn.

    number: steps since this lane was loaded; moment: the step's id, as in Step; value and entropy are nan where
    undefined; best_score is max of the scores (max Q for a Q agent); pinned holds the activation of each pinned unit (a
    channel's maximum).
    disturbance: the number under which the front end asked for what disturbs this step (``Session.set_disturbance``),
    0: nothing does.
    Where lanes see one game: choice is the greedy action's meaning, a place in ``naming.MEANINGS``, else −1;
    apart_0 to apart_3 say how far this decision is from that of the lane, 0 to 1 (``play.agreement``), else nan.
    """

    number: int
    episode: int
    index: int
    action: int
    reward: float
    episode_return: float
    value: float
    best_score: float
    entropy: float
    lives: int
    done: bool
    inference_ms: float
    moment: int = -1
    choice: int = -1
    apart_0: float = math.nan
    apart_1: float = math.nan
    apart_2: float = math.nan
    apart_3: float = math.nan
    disturbance: int = 0
    pinned: tuple[float, ...] = ()


@dataclass(frozen=True)
class LaneInfo:
    """One player beside others: what the panels need to know of it before its first step.

    lane: 0 to 3, the column. agent_id: catalogue id or path; title: human-readable. game: human-readable name.
    screen: (H, W) of the game. observation_shape: (h, w, C), (0, 0, 0) without a network.
    scores_kind: ``logits`` or ``q``. has_value: whether Decision.value is given.
    description: a few lines about the agent (how it was trained, its measured score).
    observation_range: what black and white stand for in a picture of the observation. observation_dtype: ``uint8`` or
    ``float32``. frame_channels: of each frame in it, 3 where it is in colour. frame_box: the part of the screen that it
    covers, (top, left, height, width) in screen pixels; None: all of it. input: ``own`` (it plays its own game),
    ``drives`` (the others see its game), ``watches`` or ``replay`` (it says what it would do, in a game that another
    lane drives or that was played before); then frame_skip is that of the game, not of the agent. meanings: what the
    game makes of each action, names of ``naming.MEANINGS``: of different agents those that are equal are the same.
    agent_hash, card_hash: ``Agent.hash`` and ``Agent.card_hash``, "" without a network. asked: (name, value) of the
    game and the sticky actions that it was loaded with, where they are not the agent's own.
    """

    lane: int
    agent_id: str
    title: str
    game: str
    layers: tuple[LayerInfo, ...]
    action_names: tuple[str, ...]
    screen: tuple[int, int]
    observation_shape: tuple[int, int, int]
    frame_skip: int
    seed: int
    player: str
    scores_kind: str = "logits"
    has_value: bool = False
    description: str = ""
    observation_range: tuple[float, float] = (0.0, 255.0)
    observation_dtype: str = "uint8"
    frame_channels: int = 1
    frame_box: tuple[int, int, int, int] | None = None
    input: str = "own"
    meanings: tuple[str, ...] = ()
    agent_hash: str = ""
    card_hash: str = ""
    asked: tuple[tuple[str, Any], ...] = ()

    def layer(self, name: str) -> LayerInfo | None:
        """The layer of that name, or None."""
        return next((info for info in self.layers if info.name == name), None)


@dataclass(frozen=True)
class GuessRow:
    """One thing that a stranger's file does not say by itself, for people.

    key: what ``zoo-gui card --set`` calls it; label: in words. value: as text, "" where nothing is plausible.
    confidence: 0–1. reason: why, a phrase. options: other plausible values, likelier first. needed: there is no card
    without it. unsure: somebody should say it. chosen: somebody did.
    """

    key: str
    label: str
    value: str
    confidence: float
    reason: str
    options: tuple[str, ...]
    needed: bool
    unsure: bool
    chosen: bool


@dataclass(frozen=True)
class CardReport:
    """What is known of a stranger's file. format: of the file, for people. network: one line for each layer. card: its
    text, "" where something necessary is missing. remarks: sentences."""

    path: str
    format: str
    guesses: tuple[GuessRow, ...]
    network: tuple[str, ...]
    card: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """How an agent of several plays so far: a guess about a stranger's file, or a game on the wall.

    name: the guess's as it was given, or the agent's id. frame: (H, W, 3) uint8, its screen now, empty (0, 0, 3) where
    it cannot play. steps: agent steps so far. games: games that ended, and mean: their mean return, None before the
    first. gained: the return of the game that is being played. fault: why it cannot play, one sentence, else "".
    """

    name: str
    frame: np.ndarray
    steps: int = 0
    games: int = 0
    mean: float | None = None
    gained: float = 0.0
    fault: str = ""

    @property
    def standing(self) -> float:
        """A number to compare guesses by: the mean over all games, the running one with them if it is ahead."""
        if self.mean is None:
            return self.gained
        return max(self.mean, (self.mean * self.games + self.gained) / (self.games + 1))


def read_only(array: np.ndarray) -> np.ndarray:
    """The same array, marked read-only."""
    array.flags.writeable = False
    return array
