"""What makes playing harder: noise on what an agent sees, on its weights and on what it does, and other ill luck.

Such et al. 2019, "An Atari Model Zoo for Analyzing, Visualizing, and Comparing Deep Reinforcement Learning Agents"
(section 4.2, S1.2), disturbed observations and the kernels of convolutions; sticky actions are those of Machado et al.
2018, once per agent step. docs/robustness.md defines each. All is a function of the seed, the episode and the step in
it, and nothing is drawn from the episode's own random numbers: a disturbance at rest changes nothing, and a rewound
game comes again.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoo_gui.registry import unknown
from zoo_gui.types import ZooError, read_only

NOISE = 0x6E6F697365
"""Tells the random numbers of disturbances apart from those of the episodes, which are [seed, episode]."""
LAYERS = ("convolutions", "all")
MOST_LATENCY = 30
_OBSERVATION, _ACTION, _STICKY, _DROP, _PLACE = range(5)  # each its own numbers, whatever else is on


@dataclass(frozen=True)
class About:
    """For people and sliders. rest: the level that changes nothing. low, high: a slider's ends; most: the greatest
    level there is. levels: of a sweep, by default."""

    title: str
    unit: str
    rest: float
    low: float
    high: float
    levels: tuple[float, ...]
    words: str
    most: float = math.inf


_CHANCES = (0.0, 0.1, 0.25, 0.5, 0.75)
DISTURBANCES: dict[str, About] = {
    "observation_noise": About(
        "Observation noise", "SD, input 0–1", 0.0, 0.0, 0.5, (0.0, 0.02, 0.05, 0.1, 0.2, 0.4),
        "normal noise on the input, new at each step"),
    "parameter_noise": About(
        "Parameter noise", "SD", 0.0, 0.0, 0.1, (0.0, 0.005, 0.01, 0.02, 0.05, 0.1),
        "normal noise on the weights, drawn once for each seed"),
    "action_noise": About(
        "Action noise", "probability", 0.0, 0.0, 1.0, _CHANCES, "an action drawn uniformly in place of the agent's",
        1.0),
    "sticky": About(
        "Sticky actions", "probability", 0.0, 0.0, 1.0, _CHANCES, "the action before once more in place of the agent's",
        1.0),
    "frame_drop": About(
        "Frame drops", "probability", 0.0, 0.0, 1.0, _CHANCES, "the agent sees its last observation again", 1.0),
    "brightness": About(
        "Brightness", "input 0–1", 0.0, -1.0, 1.0, (-0.5, -0.2, -0.1, 0.0, 0.1, 0.2, 0.5),
        "added to the input, clipped", 1.0),
    "contrast": About(
        "Contrast", "factor", 1.0, 0.0, 4.0, (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0),
        "differences from mid-grey times this, clipped"),
    "occlusion": About(
        "Occlusion", "share of the area", 0.0, 0.0, 1.0, (0.0, 0.02, 0.05, 0.1, 0.2, 0.4),
        "a grey rectangle on the input, in another place each episode", 1.0),
    "latency": About(
        "Latency", "agent steps", 0, 0, 10, (0, 1, 2, 3, 5, 8), "actions come so many steps late", MOST_LATENCY),
}  # fmt: skip


def about_of(name: str) -> About:
    """What is known of a disturbance. Raises ZooError with near names."""
    if name not in DISTURBANCES:
        raise unknown("disturbance", name, DISTURBANCES)
    return DISTURBANCES[name]


@dataclass(frozen=True)
class Disturbance:
    """All at rest by default, and then nothing is changed. Levels that make no sense raise ZooError.

    What the agent sees, in this order: with the probability ``frame_drop`` its last observation again; ``contrast``
    around mid-grey, ``brightness`` added, clipped to the range that observations have; a mid-grey rectangle of the
    observation's proportions over the share ``occlusion`` of its area, at a place drawn for each episode;
    ``observation_noise``, the standard deviation of normal noise in 0–1 units, drawn anew at each step for all frames
    of the stack, not clipped (observations are float32 then).

    What it does, in this order: its action of ``latency`` agent steps ago (none before an episode's first); with the
    probability ``action_noise`` one drawn uniformly; with the probability ``sticky`` the one that was done before.

    parameter_noise: standard deviation of normal noise on the weights, absolute, drawn once for each seed.
    parameter_layers: the kernels of ``convolutions``, as the paper has it, or ``all`` kernels and biases.
    """

    observation_noise: float = 0.0
    parameter_noise: float = 0.0
    parameter_layers: str = "convolutions"
    action_noise: float = 0.0
    sticky: float = 0.0
    frame_drop: float = 0.0
    brightness: float = 0.0
    contrast: float = 1.0
    occlusion: float = 0.0
    latency: int = 0

    def __post_init__(self):
        for name, about in DISTURBANCES.items():
            level, least = getattr(self, name), min(0.0, about.low)
            if not math.isfinite(level) or not least <= level <= about.most or name == "latency" and level % 1:
                most = f" to {about.most:g}" if math.isfinite(about.most) else ""
                number = "whole number" if name == "latency" else "number"
                raise ZooError(f"{about.title} cannot be {level:g}: give a {number} from {least:g}{most}.")
        if self.parameter_layers not in LAYERS:
            raise unknown("parameter_layers", self.parameter_layers, LAYERS)
        object.__setattr__(self, "latency", int(self.latency))

    def with_level(self, name: str, level: float) -> "Disturbance":
        """The same with one at another level. Raises ZooError."""
        about_of(name)
        return dataclasses.replace(self, **{name: level})

    @property
    def on(self) -> tuple[str, ...]:
        """The names of those that change something."""
        return tuple(name for name, about in DISTURBANCES.items() if getattr(self, name) != about.rest)

    @property
    def words(self) -> str:
        """``observation noise 0.1 (SD, input 0–1), latency 2 (agent steps)``, for captions; "" at rest."""
        said = []
        for name in self.on:
            about, layers = DISTURBANCES[name], f", {self.parameter_layers}" if name == "parameter_noise" else ""
            said.append(f"{about.title.lower()} {getattr(self, name):g} ({about.unit}{layers})")
        return ", ".join(said)


class Scale(NamedTuple):
    """low, high: the range of observations; unit: what 1 of 0–1 units is in theirs."""

    low: float = 0.0
    high: float = 255.0
    unit: float = 255.0


def scale_of(spec: Any) -> Scale:
    """Of a card's preprocessing. Of normalised observations the unit is 1, a standard deviation."""
    return Scale(*spec.observation_range, 1.0 if spec.running is not None else 255.0)


class Disturbed(NamedTuple):
    """What was done to one step: enough to make what the agent saw from what there was to see, bit for bit.

    index: of the step whose observation it was, an earlier one after a frame drop. wanted: the action that was chosen.
    """

    disturbance: Disturbance
    seed: int
    episode: int
    index: int
    scale: Scale
    wanted: int = 0

    def rng(self, stream: int, index: int | None = None) -> np.random.Generator:
        """The numbers of a stream at this step."""
        return _rng(self.seed, self.episode, self.index if index is None else index, stream)

    def seen(self, observation: np.ndarray) -> np.ndarray:
        """What the agent sees of an observation (h, w, C): its dtype, float32 under noise; read-only."""
        asked = self.disturbance
        if asked.contrast != 1.0 or asked.brightness:
            observation = relit(observation, self.scale, asked.brightness, asked.contrast)
        if asked.occlusion:
            observation = occluded(observation, asked.occlusion, self.rng(_PLACE, 0), self.scale)
        if asked.observation_noise:
            deviation = asked.observation_noise * self.scale.unit
            observation = with_noise(observation, deviation, self.rng(_OBSERVATION))
        return read_only(observation)

    def done(self, actions: int, previous: int | None, late: int) -> int:
        """The action that is done, of so many. late: the one that arrives now; previous: done before, None at first."""
        if not (self.disturbance.action_noise or self.disturbance.sticky):
            return late
        return done_instead(self.disturbance, late, previous, actions, self.rng(_ACTION), self.rng(_STICKY))


def drops(disturbance: Disturbance, seed: int, episode: int, index: int) -> bool:
    """Whether the agent sees its last observation again at this step."""
    return bool(disturbance.frame_drop and _rng(seed, episode, index, _DROP).random() < disturbance.frame_drop)


def _rng(seed: int, episode: int, index: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, NOISE, episode, index, stream])


# -- what each does; also for rollouts, whose random numbers are drawn in a row ---------------------------------
def with_noise(observation: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """float32, not clipped: normal noise of that standard deviation added, in the observation's units."""
    noise = rng.standard_normal(observation.shape, np.float32)
    noise *= np.float32(deviation)
    return read_only(noise + observation)


def relit(observation: np.ndarray, scale: Scale, brightness: float, contrast: float) -> np.ndarray:
    """(x − mid) · contrast + mid + brightness · unit, clipped to the range, or to what the observation has beyond it;
    bytes are rounded."""
    middle, offset = (scale.low + scale.high) / 2, brightness * scale.unit
    if observation.dtype == np.uint8:
        values = np.rint((np.arange(256) - middle) * contrast + middle + offset)
        return np.clip(values, 0, 255).astype(np.uint8)[observation]
    low, high = min(scale.low, observation.min()), max(scale.high, observation.max())
    return np.clip((observation - np.float32(middle)) * np.float32(contrast) + np.float32(middle + offset), low, high)


def occluded(observation: np.ndarray, share: float, rng: np.random.Generator, scale: Scale) -> np.ndarray:
    """A copy with a mid-grey rectangle in all frames, which has the observation's proportions and that share of its
    area to the nearest pixel. rng: all places are as likely; a greater share comes from the same two numbers."""
    height, width = (max(1, round(size * math.sqrt(share))) for size in observation.shape[:2])
    down, right = rng.random(2)
    top, left = int(down * (observation.shape[0] - height + 1)), int(right * (observation.shape[1] - width + 1))
    result = observation.copy()
    middle = (scale.low + scale.high) / 2
    result[top : top + height, left : left + width] = np.rint(middle) if result.dtype == np.uint8 else middle
    return result


def done_instead(
    asked: Any,
    action: int,
    previous: int | None,
    actions: int,
    action_rng: np.random.Generator,
    sticky_rng: np.random.Generator,
) -> int:
    """The action that is done: chance first, then the one before again. asked: ``action_noise`` and ``sticky``."""
    if asked.action_noise and action_rng.random() < asked.action_noise:
        action = int(action_rng.integers(actions))
    if asked.sticky and sticky_rng.random() < asked.sticky and previous is not None:
        action = previous
    return action


def parameter_rng(seed: int) -> np.random.Generator:
    """What the weights' noise of a seed is drawn from, in a rollout as in a game."""
    return np.random.default_rng(np.random.SeedSequence([seed, NOISE]).spawn(4)[3])


def with_parameter_noise(
    agent: Any, deviation: float, rng: np.random.Generator, layers: str = "convolutions"
) -> Any:
    """A copy of the agent whose weights have normal noise of that standard deviation added.

    Absolute, as the zoo has it, not relative to the weights. layers: the kernels of ``convolutions``, or ``all``
    kernels and biases, of which the convolutions' kernels get the same noise. Raises ZooError for a network without
    convolutions where only these are meant.
    """
    groups = {info.name for info in agent.layers if info.groups_of}
    own = {key: array for key, array in agent.weights.items() if key.rpartition("/")[0] not in groups}
    chosen = {key: array for key, array in own.items() if array.ndim >= 4}
    if not chosen and layers == "convolutions":
        raise ZooError(f"{agent.title} has no convolutions: parameter noise is for their kernels, set it to 0.")
    if layers == "all":
        chosen |= own
    noisy = {key: np.float32(array + rng.normal(0.0, deviation, array.shape)) for key, array in chosen.items()}
    return agent.with_weights(noisy)
