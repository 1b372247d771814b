"""What does every unit of a layer look for? Optimised observations of a whole layer, many at once.

As ``feature_vis`` makes one, with fewer steps and several units in each step of Adam. Importing this module imports
neither TensorFlow nor Lucid.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, targets, vis_cache, vis_figures, vis_plan
from zoo_gui.analysis.ascent import POOL, Ascent
from zoo_gui.analysis.vis_plan import Plan
from zoo_gui.types import LayerInfo, Unit, ZooError, read_only

BATCH = 8  # units in one step of Adam, which takes 25 ms on one core of 2024 for a Nature network
CPPN_BATCH = 2  # each image's network costs five times as much as the other parameterisations
USUAL_ACTIVATIONS = 40_000  # of one observation; a network with more gets smaller batches, so that steps stay short
YIELD_EVERY = 0.02  # seconds, and a step: between two chances to be cancelled


@dataclass(frozen=True)
class Patterns:
    """Optimised images of a layer's units. A record on the way holds only what is new since the one before.

    units: whose images these are. images: (n, h, w, C) float32 in 0–1, oldest frame first, read-only.
    activations: (n,) float64, each unit's at its image without transforms (see FeatureVis).
    done: all units finished so far, this record's included, in the order in which they were finished.
    steps: of Adam for each unit. pre_activation: whether the activations are before the non-linearity.
    frame_channels: of each frame in an image. agent: the agent's id or path. show: what ``draw`` shows, of
    vis_figures.SHOWN.
    """

    layer: str
    units: tuple[int, ...]
    images: np.ndarray
    activations: np.ndarray
    done: tuple[int, ...]
    steps: int = 0
    pre_activation: bool = False
    frame_channels: int = 1
    agent: str = ""
    show: str = "newest"

    def after(self, earlier: "Patterns | None") -> "Patterns":
        """This record and an earlier one of the same run as one."""
        if earlier is None:
            return self
        return replace(
            self, units=earlier.units + self.units, images=read_only(np.concatenate([earlier.images, self.images])),
            activations=read_only(np.concatenate([earlier.activations, self.activations])),
        )  # fmt: skip

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure with a numbered contact sheet, by the units' numbers. Raises ZooError."""
        order = np.argsort(self.units)
        heading = f"{vis_figures.agent_words(self.agent)} · {self.layer} · {self.steps} steps"
        numbers = [self.units[i] for i in order]
        vis_figures.draw_sheet(figure, self.images[order], numbers, self.frame_channels, heading, self.show)

    def table(self) -> list[dict[str, Any]]:
        """One row for each unit, by number."""
        rows = [
            {"agent": self.agent, "unit": f"{self.layer}:{unit}", "steps": self.steps, "activation": float(value),
             "pre_activation": self.pre_activation}
            for unit, value in sorted(zip(self.units, self.activations))
        ]  # fmt: skip
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """``units`` (n,), ``images`` (n, h, w, C) and ``activations`` (n,)."""
        return {"units": np.array(self.units, int), "images": self.images, "activations": self.activations}


@ANALYSES.register("patterns")
def patterns(
    agent: Any,
    *,
    layer: str,
    units: Sequence[int] = (),
    steps: int = 128,
    seed: int = 0,
    parameterization: str = "fft",
    transforms: str = "robust",
    objective: str = "neuron",
    pre_activation: bool | str = "auto",
    learning_rate: float | None = None,
    only_current: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    tv: float = 0.0,
    blur: float = 0.0,
    start: np.ndarray | None = None,
    show: str = "newest",
    use_cache: bool = True,
) -> Iterator[Progress]:
    """Optimise an observation for each of a layer's units, some at once; all begin at the same noise.

    units: their numbers, in the order in which they are wanted; () all. show: what a figure of the result shows, the
    ``newest`` frame, all ``frames`` side by side, or the ``difference`` newest − oldest. The other parameters are
    ``feature_vis``'s; fewer steps suffice to tell units apart.

    Units of the cache come first, in one record; then one record for each batch, and between them Progress without a
    result, at least every 50 ms. Progress counts steps of all units. Each image depends on its own unit alone, up to
    rounding. Raises ZooError for a layer, unit or parameter that does not exist.
    """
    options = {
        "steps": steps, "seed": seed, "parameterization": parameterization, "transforms": transforms,
        "objective": objective, "pre_activation": pre_activation, "learning_rate": learning_rate,
        "only_current": only_current, "l1": l1, "l2": l2, "tv": tv, "blur": blur, "start": start,
    }  # fmt: skip
    name = targets.parse(f"layer:{layer}", agent).terms[0].layer
    info = next(info for info in agent.layers if info.name == name)
    wanted = _wanted(info, units)
    vis_figures.check_shown(show, agent.observation_shape[2], vis_plan.frame_channels(agent))
    first = targets.parse(Unit(info.name, wanted[0]), agent)
    plan = vis_plan.planned(agent, first, options, count=_batch(agent, info, parameterization))
    yield from _Run(agent, info, wanted, plan, use_cache, show).records()


class _Run:
    """One call of ``patterns``: what is done, what is still wanted."""

    def __init__(
        self, agent: Any, info: LayerInfo, wanted: tuple[int, ...], plan: Plan, use_cache: bool, show: str
    ):
        self.agent, self.layer, self.wanted, self.plan = agent, info.name, wanted, plan
        self.use_cache, self.show = use_cache, show
        self.done: list[int] = []
        self.total = len(wanted) * plan.steps

    def records(self) -> Iterator[Progress]:
        found: dict[int, tuple] = {}
        if self.use_cache:
            yield from self._cached(found)
        if found:
            images, activations = ([kept[i][0] for kept in found.values()] for i in range(2))
            yield self._finished(tuple(found), np.stack(images), np.array(activations))
        missing = [unit for unit in self.wanted if unit not in found]
        if not missing:
            return
        if not POOL.has(self.agent, self.plan.recipe):
            yield self._on_the_way(0, f"preparing {self.layer}")
        with POOL.lent(self.agent, self.plan.recipe) as ascent:
            size = self.plan.recipe.count
            for first in range(0, len(missing), size):
                yield from self._raised(ascent, missing[first : first + size])

    def _cached(self, found: dict[int, tuple]) -> Iterator[Progress]:
        """Fill {unit: (images, activations)} with what earlier runs kept."""
        since = time.monotonic()
        for unit in self.wanted:
            kept = vis_cache.load(self._key(unit), (1, *self.agent.observation_shape))
            if kept is not None:
                found[unit] = kept
            if time.monotonic() - since > YIELD_EVERY:
                yield self._on_the_way(0, f"{self.layer}: looking in the cache")
                since = time.monotonic()

    def _raised(self, ascent: Ascent, units: list[int]) -> Iterator[Progress]:
        """One batch: its units, the last repeated where there are too few."""
        size, steps = self.plan.recipe.count, self.plan.steps
        self.plan.begin(ascent, [*units, *units[-1:] * (size - len(units))], alike=True)
        since = time.monotonic()
        for step in range(1, steps + 1):
            ascent.step()
            if step < steps and time.monotonic() - since > YIELD_EVERY:
                words = f"{self.layer}: {len(self.done)} of {len(self.wanted)} units, step {step} of {steps}"
                yield self._on_the_way(step * len(units), words)
                since = time.monotonic()
        images, activations = (both[: len(units)] for both in ascent.look())
        remark = ""
        if self.use_cache:
            for i, unit in enumerate(units):
                remark = vis_cache.store(self._key(unit), images[i : i + 1], activations[i : i + 1]) or remark
        yield self._finished(tuple(units), np.array(images), np.array(activations), remark)

    def _key(self, unit: int) -> dict[str, Any]:
        return self.plan.key(self.agent, unit=f"{self.layer}:{unit}", of="patterns")

    def _on_the_way(self, steps: int, words: str) -> Progress:
        return Progress(len(self.done) * self.plan.steps + steps, self.total, words)

    def _finished(
        self, units: tuple[int, ...], images: np.ndarray, activations: np.ndarray, remark: str = ""
    ) -> Progress:
        self.done += units
        result = Patterns(
            self.layer, units, read_only(images), read_only(activations), tuple(self.done), self.plan.steps,
            self.plan.recipe.pre_activation, vis_plan.frame_channels(self.agent), getattr(self.agent, "name", ""),
            self.show,
        )  # fmt: skip
        complete = len(self.done) == len(self.wanted)
        words = "finished" if complete else f"{len(self.done)} of {len(self.wanted)} units"
        label = f"{self.layer}: {words}" + (f"; {remark}" if remark else "")
        return Progress(len(self.done) * self.plan.steps, self.total, label, result)


def _wanted(info: LayerInfo, units: Sequence[int]) -> tuple[int, ...]:
    """Each unit once, in the order asked for; all of the layer's where none is named."""
    chosen = tuple(dict.fromkeys(int(unit) for unit in units)) or tuple(range(info.units))
    wrong = next((unit for unit in chosen if not 0 <= unit < info.units), None)
    if wrong is not None:
        raise ZooError(f"{info.name} has units 0 to {info.units - 1}, not {wrong}.")
    return chosen


def _batch(agent: Any, info: LayerInfo, parameterization: str) -> int:
    """How many units to raise at once: fewer in a large network, by what it computes up to the layer."""
    names = [layer.name for layer in agent.layers]
    size = sum(layer.size for layer in agent.layers[: names.index(info.name) + 1])
    most = CPPN_BATCH if parameterization == "cppn" else BATCH
    return max(1, min(most, info.units, most * USUAL_ACTIVATIONS // size))
