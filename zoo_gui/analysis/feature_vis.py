"""What does a unit look for? An image that Lucid optimises until it excites the unit, forming as one watches.

Olah, Mordvintsev and Schubert 2017, "Feature Visualization" (Distill, doi:10.23915/distill.00007); Lucid 0.3.8 is the
engine. Parameters, their reasons and limits: docs/feature_visualization.md. Importing this module imports neither
TensorFlow nor Lucid.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, targets, vis_cache, vis_figures, vis_plan
from zoo_gui.analysis.ascent import POOL, Ascent
from zoo_gui.analysis.vis_plan import MOST_ANSWERS, Plan
from zoo_gui.types import Unit, ZooError, read_only

SHOW_EVERY = 0.05  # seconds between two images


@dataclass(frozen=True)
class FeatureVis:
    """Images on their way: one, or ``count`` answers to the same question.

    unit: what they excite, where that is one unit, else None; target: in words (zoo_gui.analysis.targets).
    step, total: steps of Adam done and asked for.
    image: the first, (h, w, C) float32 in 0–1, oldest frame first, read-only; images: all of them, (n, h, w, C).
    activation: the target's value at ``image``, without transforms and penalties: a unit's at the centre of its map
        (``channel``: its mean over positions), before the non-linearity when ``pre_activation``. activations: (n,)
        float64, of each image.
    from_cache: computed in an earlier run, not now.
    frame_channels: of each frame in an image. agent: the agent's id or path.
    """

    unit: Unit | None
    target: str
    step: int
    total: int
    image: np.ndarray
    images: np.ndarray
    activation: float
    activations: np.ndarray
    pre_activation: bool
    from_cache: bool = False
    frame_channels: int = 1
    agent: str = ""

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: a row for each answer, its frames oldest to newest, and newest − oldest."""
        before = " before the non-linearity" if self.pre_activation else ""
        captions = [f"{value:.3g}" for value in self.activations]
        of = f"{vis_figures.agent_words(self.agent)} · {self.target}"
        heading = f"{of} · {self.step} steps · activation{before} at the left"
        vis_figures.draw_answers(figure, self.images, captions, self.frame_channels, heading)

    def table(self) -> list[dict[str, Any]]:
        """One row for each answer."""
        return [
            {
                "agent": self.agent, "target": self.target, "answer": i, "steps": self.step,
                "activation": float(value), "pre_activation": self.pre_activation,
            }
            for i, value in enumerate(self.activations)
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """``images`` (n, h, w, C) and ``activations`` (n,)."""
        return {"images": self.images, "activations": self.activations}


@ANALYSES.register("feature_vis")
def feature_vis(
    agent: Any,
    *,
    unit: Unit | str | None = None,
    target: targets.Target | Unit | str | None = None,
    steps: int = 256,
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
    diversity: float = 0.0,
    count: int = 1,
    start: np.ndarray | None = None,
    use_cache: bool = True,
) -> Iterator[Progress]:
    """Optimise an observation until it excites ``unit`` or another ``target`` (zoo_gui.analysis.targets); up to 20
    images a second, the first after one step.

    parameterization: ``fft``, ``pixel``, ``pyramid`` or ``cppn``. transforms: ``robust``, ``jitter``, ``none`` or steps
    such as ``pad:4 jitter:4 scale:0.9-1.1 rotate:5 jitter:2``. objective: ``neuron`` (centre of the map) or ``channel``
    (mean over positions; the same for a dense layer). pre_activation: before the non-linearity; ``auto``: of units
    behind a rectifier, whose gradient is zero while they are silent. learning_rate: None: 0.02, of a CPPN 0.003.
    only_current: only the newest frame changes; the past is black, or that of ``start``. l1, l2, tv, blur: weights of
    penalties, relative to the activation. count: answers, 1 to 4; diversity: the weight of their likeness. start:
    (h, w, C) in 0–1 to begin from instead of grey noise.

    The same arguments give the same images bit for bit on the same machine. Results are Progress records whose
    ``result`` is a FeatureVis, None while a graph is built. Closing the generator stops at once. Raises ZooError for a
    target or a parameter that does not exist.
    """
    asked = _asked(agent, unit, target)
    if not 1 <= count <= MOST_ANSWERS:
        raise ZooError(f"A feature visualization gives 1 to {MOST_ANSWERS} answers, not {count}.")
    options = {
        "steps": steps, "seed": seed, "parameterization": parameterization, "transforms": transforms,
        "objective": objective, "pre_activation": pre_activation, "learning_rate": learning_rate,
        "only_current": only_current, "l1": l1, "l2": l2, "tv": tv, "blur": blur, "start": start,
    }  # fmt: skip
    plan = vis_plan.planned(agent, asked, options, count, diversity)
    yield from _answered(agent, asked, plan, use_cache)


def prepare(agent: Any, layer: str, **parameters: Any) -> None:
    """Warm a layer (about half a second): ``feature_vis`` of any of its units then starts within milliseconds.

    parameters: objective, parameterization, transforms, pre_activation, only_current, as for ``feature_vis``.
    """
    recipe = vis_plan.recipe_of(agent, targets.parse(f"{layer}:0", agent), **parameters)
    with POOL.lent(agent, recipe) as ascent:
        ascent.reset()
        ascent.step()
        ascent.look()


@ANALYSES.register("prepare_feature_vis")
def prepare_all(agent: Any, *, layers: tuple[str, ...] = (), **parameters: Any) -> Iterator[Progress]:
    """``prepare`` the named layers, all by default, one between two yields, so that other jobs get their turn."""
    names = tuple(layers) or tuple(info.name for info in agent.layers)
    for done, layer in enumerate(names):
        yield Progress(done, len(names), f"preparing {layer}")
        prepare(agent, layer, **parameters)
    yield Progress(len(names), len(names), "ready")


def release() -> None:
    """Free all kept sessions."""
    POOL.clear()


def _asked(agent: Any, unit: Unit | str | None, target: Any) -> targets.Target:
    if (unit is None) == (target is None):
        raise ZooError("A feature visualization takes either a unit or a target.")
    if unit is None:
        return targets.parse(target, agent)
    named = Unit.parse(unit if isinstance(unit, str) else str(Unit(*unit)), agent.layers)
    return targets.parse(named, agent)


def _answered(agent: Any, asked: targets.Target, plan: Plan, use_cache: bool) -> Iterator[Progress]:
    """From the cache, or computed in a session of the pool."""
    unit = asked.unit
    key = plan.key(agent, unit=None if unit is None else str(unit), of="answers") if use_cache else None
    kept = vis_cache.load(key, (plan.recipe.count, *agent.observation_shape)) if key else None
    if kept is not None:
        result = _record(agent, asked, plan, plan.steps, *kept, from_cache=True)
        yield Progress(plan.steps, plan.steps, f"{asked.text}: from the cache", result)
        return
    if not POOL.has(agent, plan.recipe):
        yield Progress(0, plan.steps, f"{asked.text}: preparing {', '.join(asked.layers)}")
    with POOL.lent(agent, plan.recipe) as ascent:
        plan.begin(ascent, unit.index if unit else 0)
        yield from _climb(agent, asked, plan, ascent, key)


def _climb(agent: Any, asked: targets.Target, plan: Plan, ascent: Ascent, key: dict | None) -> Iterator[Progress]:
    """Step until done, with images after the first step and every SHOW_EVERY seconds; keep the last under ``key``."""
    shown = -1.0
    for done in range(1, plan.steps + 1):
        ascent.step()
        if done < plan.steps and time.monotonic() - shown < SHOW_EVERY:
            continue
        images, activations = ascent.look()
        label = f"{asked.text}: step {done} of {plan.steps}"
        if done == plan.steps and key is not None:
            label = vis_cache.store(key, images, activations) or label
        result = _record(agent, asked, plan, done, images, activations)
        shown = time.monotonic()
        yield Progress(done, plan.steps, label, result)


def _record(
    agent: Any, asked: targets.Target, plan: Plan, done: int, images: np.ndarray, activations: np.ndarray,
    from_cache: bool = False,
) -> FeatureVis:  # fmt: skip
    images, activations = read_only(images), read_only(activations)
    return FeatureVis(
        asked.unit, asked.text, done, plan.steps, images[0], images, float(activations[0]), activations,
        plan.recipe.pre_activation, from_cache, vis_plan.frame_channels(agent), getattr(agent, "name", ""),
    )  # fmt: skip
