"""The agent card: a TOML file that says of an agent what its weights cannot say themselves. No TensorFlow.

A card names the network as data, the observation pipeline as data, the meaning of each action, the rule that picks
one, how the agent was trained, what it scored under which protocol, whose it is, and the weights file with its SHA-256.
"""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo_gui.agents import card_rules, tables
from zoo_gui.types import ZooError

CARD_FILE = "card.toml"
MAX_CARD_BYTES = 1 << 20
ALGORITHM_TITLES = {
    "ppo": "PPO", "a2c": "A2C", "acktr": "ACKTR", "impala": "IMPALA", "dqn": "DQN", "rainbow": "Rainbow",
    "apex": "Ape-X", "es": "ES", "ga": "GA", "distill": "Distilled", "random": "Random",
}  # fmt: skip


@dataclass(frozen=True)
class LayerSpec:
    """One layer, in the order of computation.

    kind: ``conv`` (filters, kernel and stride as (vertical, horizontal), padding VALID or SAME as TensorFlow pads),
    ``dense`` (units), and two that have no weights, for the outputs of value learners:

    ``dueling``, from = [value, advantage] of Q and A·Q units: A·Q units, value + advantage − the mean of advantage over
    the actions (Wang et al. 2016, eq. 9), for each of the Q numbers that describe an action's return by itself.
    ``expectation``, of A·Q units to ``units`` = A: the mean of each action's Q numbers, equally likely quantiles of its
    return (Dabney et al. 2018); with support = [low, high] they are logits of Q returns spaced evenly from low to high
    (C51, Bellemare et al. 2017). Unit a · Q + q is the q-th number of action a.

    source (key ``from``): the layer that feeds it, or a list of them; by default the one written before it, or the
    observation. role: what an output means: ``logits``, ``q`` or ``value``.
    """

    name: str
    kind: str
    filters: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: str = "VALID"
    units: int = 0
    activation: str = "linear"
    role: str = ""
    source: str | tuple[str, ...] | None = field(default=None, metadata={"key": "from"})
    support: tuple[float, float] | None = None


@dataclass(frozen=True)
class NetworkSpec:
    """Layers as data.

    flatten: the order in which the dense layers of the *file* read a map, ``HWC`` or ``CHW`` (PyTorch); rows of CHW
    kernels are reordered on loading. input_range: what 0 and 255 become before the first layer.
    """

    layers: tuple[LayerSpec, ...]
    flatten: str = "HWC"
    input_range: tuple[float, float] = (0.0, 1.0)

    def wired(self) -> Iterator[tuple[LayerSpec, tuple[str, ...]]]:
        """Each layer with the names of those that feed it; () is the observation."""
        previous: tuple[str, ...] = ()
        for layer in self.layers:
            source = layer.source
            yield layer, previous if source is None else (source,) if isinstance(source, str) else source
            previous = (layer.name,)

    def units(self) -> dict[str, int]:
        """{layer: number of its units}, a convolution's filters; a dueling layer has as many as its advantages."""
        units: dict[str, int] = {}
        for layer, fed in self.wired():
            units[layer.name] = units[fed[1]] if layer.kind == "dueling" else layer.filters or layer.units
        return units


@dataclass(frozen=True)
class PreprocessingSpec:
    """The observation pipeline and the episode rules, as data; ``play.preprocessing`` carries it out.

    Defaults are those of ale-py's AtariVectorEnv. At reset it presses FIRE for one emulator frame (where the game has
    FIRE), then does n − 1 no-op frames (n without FIRE), n uniform on 0 … noop_max − 1; the stack then holds zeros and
    the one frame of that moment, which is not max-pooled.

    frame_skip: emulator frames an action lasts. max_last: of these, the pixel-wise maximum of the last so many.
    color: ``gray`` or ``rgb``; source: where gray comes from (``ale``: the emulator's own grey palette; ``luma``).
    crop: (top, left, height, width) in screen pixels before resizing. size: (height, width) after it.
    resize: the method (``opencv-area``); ``play.preprocessing`` lists them. stack: observations in the input, oldest
    first. stack_init: what fills the stack at reset, ``zeros`` or ``repeat`` of the first one. sticky: probability that
    the emulator repeats the previous action. max_episode_frames: emulator frames after which an episode is truncated.
    """

    frame_skip: int = 4
    max_last: int = 2
    color: str = "gray"
    source: str = "ale"
    crop: tuple[int, int, int, int] | None = None
    size: tuple[int, int] = (84, 84)
    resize: str = "opencv-area"
    stack: int = 4
    stack_init: str = "zeros"
    noop_max: int = 30
    fire_on_reset: bool = True
    terminal_on_life_loss: bool = False
    sticky: float = 0.0
    max_episode_frames: int = 108000

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the network's input."""
        return (*self.size, self.stack * (3 if self.color == "rgb" else 1))


@dataclass(frozen=True)
class ActionSpec:
    """names: ALE's meaning of each output, "UPRIGHT". rule: ``sample`` the softmax, ``argmax``, ``epsilon``-greedy."""

    names: tuple[str, ...]
    rule: str
    epsilon: float = 0.0


@dataclass(frozen=True)
class WeightsSpec:
    """file: beside the card. sha256: of that file, hex. format: a name in FORMATS; by default the file's suffix."""

    file: str
    sha256: str
    format: str = ""


class _Compared:
    """What a measured mean is worth beside yardsticks. Expects ``mean``, ``scores``, ``random`` and ``constant``."""

    def better_than(self, yardstick: float | None) -> bool | None:
        """Whether the agent's mean is above a yardstick beyond chance; None where either is unknown.

        One-sided test at 5 %: the mean less 1.64 standard errors of the games' scores must be above it. Where the
        games' scores are not on the card, the mean itself must.
        """
        if self.mean is None or yardstick is None:
            return None
        error = 0.0
        if len(self.scores) > 1:
            error = statistics.stdev(self.scores) / math.sqrt(len(self.scores))
        return self.mean - 1.64 * error > yardstick

    @property
    def better_than_random(self) -> bool | None:
        """Whether the agent is better than random play; None where that is unknown."""
        return self.better_than(self.random)

    @property
    def better_than_constant(self) -> bool | None:
        """Whether the agent is better than the best constant action; None where that is unknown."""
        return self.better_than(self.constant)


@dataclass(frozen=True)
class Measurement(_Compared):
    """A mean score over whole games, unclipped: how many, under what protocol, and each game's.

    random, constant: what random play and the best constant action (``constant_action``, ALE's name) score under the
    same protocol.
    """

    mean: float
    episodes: int
    protocol: str
    scores: tuple[float, ...] = ()
    random: float | None = None
    constant: float | None = None
    constant_action: str = ""


@dataclass(frozen=True)
class Scores(_Compared):
    """The agent's score beside the game's yardsticks, and what it scored under other protocols (``also``)."""

    mean: float | None = None
    episodes: int = 0
    protocol: str = ""
    scores: tuple[float, ...] = ()
    random: float | None = None
    constant: float | None = None
    constant_action: str = ""
    human: float | None = None
    human_source: str = ""
    also: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class Training:
    """How the agent came to be.

    steps: agent steps (not emulator frames). minutes: by the clock. hours: machine hours, of one core. command, commit:
    what was run, and the commit of this project that ran it. library: what computed, "PyTorch 2.13.0". settings:
    hyperparameters as they were.
    """

    method: str = ""
    teacher: str = ""
    steps: int | None = None
    minutes: float | None = None
    hours: float | None = None
    seed: int | None = None
    command: str = ""
    commit: str = ""
    library: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """An agent's card, checked: see the module and the parts' docstrings for the keys."""

    format: int
    algorithm: str
    game: str
    run: int
    network: NetworkSpec
    preprocessing: PreprocessingSpec
    actions: ActionSpec
    weights: WeightsSpec
    tag: str = ""
    title: str = ""
    description: str = ""
    credit: str = ""
    licence: str = ""
    training: Training = field(default_factory=Training)
    scores: Scores = field(default_factory=Scores)

    @property
    def id(self) -> str:
        """``algorithm/Game/run`` and ``/tag`` where there is one."""
        return "/".join(filter(None, (self.algorithm, self.game, str(self.run), self.tag)))

    @property
    def algorithm_title(self) -> str:
        """The algorithm as people write it: "Ape-X" for ``apex``."""
        return ALGORITHM_TITLES.get(self.algorithm, self.algorithm)

    @property
    def frames(self) -> int | None:
        """Emulator frames that the agent was trained on, None where the card does not say."""
        steps = self.training.steps
        return None if steps is None else steps * self.preprocessing.frame_skip

    @property
    def full_title(self) -> str:
        """The title, or one made of the parts: "PPO · Space Invaders · run 1", "PPO initial · …" of an earlier stage:
        what tells agents apart comes first, for panels cut titles off where they are narrow."""
        game = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.game)
        return self.title or " · ".join((f"{self.algorithm_title} {self.tag}".strip(), game, f"run {self.run}"))

    @classmethod
    def read(cls, path: Path) -> "Card":
        """Read and check a card. Raises ZooError."""
        try:
            if path.stat().st_size > MAX_CARD_BYTES:
                raise ZooError(f"{path} is not a valid card: it is larger than {MAX_CARD_BYTES >> 20} MiB.")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ZooError(f"The card {path} cannot be read: {reason}.") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, source: str = "The card") -> "Card":
        """Check a card's text; ``source`` names it in errors. Raises ZooError."""
        try:
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ZooError(f"{source} is not a valid card: {str(error) or 'too deeply nested'}.") from error
        card = tables.build(cls, table, "", source)
        fault = card_rules.fault(card)
        if fault:
            raise ZooError(f"{source} is not a valid card: {fault}.")
        return card

    def to_toml(self) -> str:
        """The card's text: ``parse`` of it gives an equal card."""
        preprocessing = tables.dump(self.preprocessing, full=True)  # spelt out: readers must not guess defaults
        return tables.toml(tables.dump(self) | {"preprocessing": preprocessing})

    def replaced(self, **changes: Any) -> "Card":
        """A copy with other values; not checked again."""
        return dataclasses.replace(self, **changes)
