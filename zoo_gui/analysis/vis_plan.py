"""What was asked of feature visualization, checked: which graph it needs, what is fed, and what names its result.

Shared by ``feature_vis`` and ``patterns``, which have the same options. Imports neither TensorFlow nor Lucid.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from zoo_gui.analysis import vis_transforms
from zoo_gui.analysis.ascent import OBJECTIVES, PARAMETERIZATIONS, Ascent, Recipe
from zoo_gui.analysis.targets import Target
from zoo_gui.analysis.vis_objectives import PENALTIES
from zoo_gui.registry import unknown
from zoo_gui.types import LayerInfo, ZooError

LUCID_VERSION = "0.3.8"
METHOD_VERSION = 2  # raise it when the same parameters give another image
MAX_STEPS = 100_000
MOST_ANSWERS = 4
MOST_WEIGHT = 1000.0
RATES = {"fft": 0.02, "pixel": 0.02, "pyramid": 0.02, "cppn": 0.003}
"""The learning rate where none is given; a CPPN's weights each move the whole image."""


@dataclass(frozen=True)
class Plan:
    """recipe: of the graph. weights: of the recipe's penalties. start: (h, w, C) float32 in 0–1, or None. black: the
    level in 0–1 of an observation of zeros."""

    recipe: Recipe
    steps: int
    seed: int
    learning_rate: float
    weights: tuple[float, ...]
    start: np.ndarray | None
    black: float

    def begin(self, ascent: Ascent, units: Sequence[int] | int, alike: bool = False) -> None:
        """Put the ascent to its start."""
        ascent.reset(units, self.seed, self.learning_rate, self.start, self.weights, alike, self.black)

    def key(self, agent: Any, **more: Any) -> dict[str, Any]:
        """Everything that the final images depend on, as JSON values; ``more`` says what is raised."""
        start = None if self.start is None else hashlib.sha256(self.start.tobytes()).hexdigest()
        return {
            "agent": agent.hash,
            **self.recipe._asdict(),
            "terms": [vars(term) for term in self.recipe.terms],
            "steps": self.steps,
            "seed": self.seed,
            "learning_rate": self.learning_rate,
            "weights": self.weights,
            "start": start,
            "lucid": LUCID_VERSION,
            "method": METHOD_VERSION,
            **more,
        }


def planned(agent: Any, target: Target, options: Mapping[str, Any], count: int = 1, diversity: float = 0.0) -> Plan:
    """The plan of a target. options: by the names of ``feature_vis``'s parameters; those left out have its defaults.

    Raises ZooError for what does not exist or makes no sense.
    """
    recipe = recipe_of(agent, target, **{name: options[name] for name in _OF_GRAPH if name in options})
    start = _start(agent, options.get("start"))
    if start is not None and recipe.parameterization == "cppn":
        raise ZooError("A CPPN cannot begin at an observation: choose fft, pixel or pyramid.")
    weights = {kind: _weight(kind, options.get(kind, 0.0)) for kind in PENALTIES[:-1]}
    weights["diversity"] = _weight("diversity", diversity)
    if not (isinstance(count, (int, np.integer)) and 1 <= count):
        raise ZooError(f"The number of answers is a whole number from 1, not {count}.")
    if count == 1:
        weights["diversity"] = 0.0  # one image is like no other
    on = tuple(kind for kind in PENALTIES if weights[kind])
    likeness = _likeness(agent, recipe.layers[0]) if weights["diversity"] else ""
    recipe = recipe._replace(count=int(count), penalties=on, likeness=likeness)
    steps, seed, rate = _numbers(options, recipe.parameterization)
    return Plan(recipe, steps, seed, rate, tuple(weights[kind] for kind in on), start, black(agent))


def recipe_of(
    agent: Any,
    target: Target,
    objective: str = "neuron",
    parameterization: str = "fft",
    transforms: str = "robust",
    pre_activation: bool | str = "auto",
    only_current: bool = False,
) -> Recipe:
    """The graph of one image; raises ZooError for a choice that does not exist."""
    for kind, name, known in (
        ("objective", objective, OBJECTIVES),
        ("parameterization", parameterization, PARAMETERIZATIONS),
        ("choice of pre_activation", str(pre_activation), ("auto", "True", "False")),
    ):
        if name not in known:
            raise unknown(kind, name, known)
    infos = {info.name: info for info in agent.layers}
    read = [infos[name] for name in target.layers]
    if not any(len(info.shape) == 3 for info in read):
        objective = "channel"  # a dense unit has one position: both are the unit itself
    if str(pre_activation) == "auto":
        pre_activation = _before(target, read)
    free, channels = frame_channels(agent), agent.observation_shape[2]
    if only_current and free == channels:
        raise ZooError("This agent sees one frame at a time: there are no past frames to leave as they are.")
    return Recipe(
        read[0].name, str(pre_activation) == "True", objective, parameterization, vis_transforms.canonical(transforms),
        terms=() if target.unit else target.terms, free=free if only_current else 0,
    )  # fmt: skip


_OF_GRAPH = ("objective", "parameterization", "transforms", "pre_activation", "only_current")


def frame_channels(agent: Any) -> int:
    """Channels of each frame in the agent's observation: 3 where it is in colour."""
    card = getattr(agent, "card", None)
    return 3 if card is not None and card.preprocessing.color == "rgb" else 1


def black(agent: Any) -> float:
    """What 0 of the observation is in 0–1, clipped to it."""
    low, high = getattr(agent, "observation_range", (0.0, 255.0))
    return float(np.clip(-low / (high - low), 0.0, 1.0))


def _before(target: Target, read: Sequence[LayerInfo]) -> bool:
    """Whether ``auto`` reads layers before their non-linearity: units behind a rectifier, which has no gradient while
    they are silent. Directions and whole layers are questions about what the layer gives."""
    of_units = all(term.index is not None and term.direction is None for term in target.terms)
    return of_units and any(not info.signed for info in read)


def _likeness(agent: Any, layer: str) -> str:
    """Where answers are compared: at the layer itself if it is a map, else at the nearest map that feeds it, else at
    the layer."""
    infos = {info.name: info for info in agent.layers}
    if len(infos[layer].shape) == 3:
        return layer
    names = list(infos)
    sources = getattr(agent, "sources", None) or {name: tuple(names[:i][-1:]) for i, name in enumerate(names)}
    waiting, seen = list(sources.get(layer, ())), set()
    while waiting:
        name = waiting.pop(0)
        if name not in infos or name in seen:
            continue
        if len(infos[name].shape) == 3:
            return name
        seen.add(name)
        waiting += sources.get(name, ())
    return layer


def _numbers(options: Mapping[str, Any], parameterization: str) -> tuple[int, int, float]:
    steps, seed, rate = options.get("steps", 256), options.get("seed", 0), options.get("learning_rate")
    rate = RATES[parameterization] if rate is None else rate
    if not 1 <= steps <= MAX_STEPS:
        raise ZooError(f"A feature visualization takes 1 to {MAX_STEPS} steps, not {steps}.")
    if not (0 <= seed < 2**63 and seed == int(seed)):
        raise ZooError(f"The seed must be a whole number from 0, not {seed}.")
    if not 0 < rate < float("inf"):
        raise ZooError(f"The learning rate must be a positive number, not {rate}.")
    return int(steps), int(seed), float(rate)


def _weight(kind: str, weight: float) -> float:
    if not 0 <= weight <= MOST_WEIGHT:
        raise ZooError(f"The weight of {kind} goes from 0 to {MOST_WEIGHT:g}, not {weight}.")
    return float(weight)


def _start(agent: Any, start: np.ndarray | None) -> np.ndarray | None:
    if start is None:
        return None
    start = np.asarray(start, np.float32)
    if start.shape != tuple(agent.observation_shape) or not ((start >= 0) & (start <= 1)).all():
        wanted = "×".join(map(str, agent.observation_shape))
        raise ZooError(f"The image to start from must be {wanted} with values from 0 to 1.")
    return start
