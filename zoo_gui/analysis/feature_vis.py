"""What does a unit look for? An image that Lucid optimises until it excites the unit, forming as one watches.

Olah, Mordvintsev and Schubert 2017, "Feature Visualization" (Distill, doi:10.23915/distill.00007); Lucid 0.3.8 is the
engine. Parameters, their reasons and limits: docs/feature_visualization.md. Importing this module imports neither
TensorFlow nor Lucid.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, vis_cache, vis_figures
from zoo_gui.analysis.ascent import OBJECTIVES, PARAMETERIZATIONS, TRANSFORMS, Ascent, Pool, Recipe
from zoo_gui.registry import unknown
from zoo_gui.types import Unit, ZooError, read_only

LUCID_VERSION = "0.3.8"
METHOD_VERSION = 1  # raise it when the same parameters give another image
SHOW_EVERY = 0.05  # seconds between two images
MAX_STEPS = 100_000
_pool = Pool()


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
        heading = f"{self.agent} · {self.target} · {self.step} steps · activation{before} at the left"
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
    unit: Unit | str,
    steps: int = 256,
    seed: int = 0,
    parameterization: str = "fft",
    transforms: str = "robust",
    objective: str = "neuron",
    pre_activation: bool | str = "auto",
    learning_rate: float = 0.02,
    use_cache: bool = True,
    start: np.ndarray | None = None,
) -> Iterator[Progress]:
    """Optimise an observation until it excites ``unit``; up to 20 images a second, the first after one step.

    parameterization: ``fft``, ``pixel`` or ``pyramid``. transforms: ``robust`` (padding, jitter, scale, rotation),
    ``jitter`` (one pixel) or ``none``. objective: ``neuron`` (centre of the map) or ``channel`` (mean over positions;
    the same for a dense layer). pre_activation: before the non-linearity; ``auto``: where there is a rectifier, whose
    gradient is zero while the unit is silent. start: (h, w, C) in 0–1 to begin from instead of grey noise.

    The same arguments give the same image bit for bit on the same machine. Results are Progress records whose
    ``result`` is a FeatureVis, None while a layer's graph is built. Closing the generator stops at once. Raises
    ZooError for a unit or a parameter that does not exist.
    """
    unit = Unit.parse(unit if isinstance(unit, str) else str(Unit(*unit)), agent.layers)
    recipe = _recipe(agent, unit, objective, parameterization, transforms, pre_activation)
    start = _checked(agent, steps, seed, learning_rate, start)
    key = _cache_key(agent, unit, recipe, steps, seed, learning_rate, start)
    kept = vis_cache.load(key, agent.observation_shape) if use_cache else None
    if kept is not None:
        image, activation = read_only(kept[0]), kept[1]
        result = _record(agent, unit, steps, steps, image, activation, recipe.pre_activation, True)
        yield Progress(steps, steps, f"{unit}: from the cache", result)
        return
    if not _pool.has(agent, recipe):
        yield Progress(0, steps, f"{unit}: preparing {unit.layer}")
    ascent = _pool.take(agent, recipe)
    try:
        ascent.reset(unit.index, seed, learning_rate, start)
        yield from _climb(agent, ascent, unit, steps, key if use_cache else None)
    except Exception:
        ascent.close()  # a session that failed is not used again
        raise
    except GeneratorExit:
        _pool.give(agent, ascent)
        raise
    _pool.give(agent, ascent)


def prepare(agent: Any, layer: str, **parameters: Any) -> None:
    """Warm a layer (about half a second): ``feature_vis`` of any of its units then starts within milliseconds.

    parameters: objective, parameterization, transforms, pre_activation, as for ``feature_vis``.
    """
    unit = Unit.parse(f"{layer}:0", agent.layers)
    ascent = _pool.take(agent, _recipe(agent, unit, **parameters))
    try:
        ascent.reset(0)
        ascent.step()
        ascent.look()
    except Exception:
        ascent.close()
        raise
    _pool.give(agent, ascent)


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
    _pool.clear()


def _climb(agent: Any, ascent: Ascent, unit: Unit, steps: int, key: dict | None) -> Iterator[Progress]:
    """Step until done, with an image after the first step and every SHOW_EVERY seconds; keep the last under ``key``."""
    shown = -1.0
    for done in range(1, steps + 1):
        ascent.step()
        if done < steps and time.monotonic() - shown < SHOW_EVERY:
            continue
        image, activation = ascent.look()
        label = f"{unit}: step {done} of {steps}"
        if done == steps and key is not None:
            label = vis_cache.store(key, image, activation) or label
        result = _record(agent, unit, done, steps, read_only(image), activation, ascent.recipe.pre_activation)
        shown = time.monotonic()
        yield Progress(done, steps, label, result)


def _record(agent, unit, step, total, image, activation, pre, cached=False) -> FeatureVis:
    return FeatureVis(
        unit, str(unit), step, total, image, read_only(image[None]), activation, np.array([activation]), pre, cached,
        agent=getattr(agent, "name", ""),
    )  # fmt: skip


def _recipe(
    agent: Any,
    unit: Unit,
    objective: str = "neuron",
    parameterization: str = "fft",
    transforms: str = "robust",
    pre_activation: bool | str = "auto",
) -> Recipe:
    for kind, name, known in (
        ("objective", objective, OBJECTIVES),
        ("parameterization", parameterization, PARAMETERIZATIONS),
        ("set of transforms", transforms, TRANSFORMS),
        ("choice of pre_activation", str(pre_activation), ("auto", "True", "False")),
    ):
        if name not in known:
            raise unknown(kind, name, known)
    layer = next(info for info in agent.layers if info.name == unit.layer)
    if str(pre_activation) == "auto":
        pre_activation = not layer.signed
    if layer.kind != "conv":
        objective = "channel"  # a dense unit has one position: both are the unit itself
    return Recipe(unit.layer, str(pre_activation) == "True", objective, parameterization, transforms)


def _checked(
    agent: Any, steps: int, seed: int, learning_rate: float, start: np.ndarray | None
) -> np.ndarray | None:
    """``start`` as float32; raises ZooError for numbers that make no sense."""
    if not 1 <= steps <= MAX_STEPS:
        raise ZooError(f"A feature visualization takes 1 to {MAX_STEPS} steps, not {steps}.")
    if not (0 <= seed < 2**63 and seed == int(seed)):
        raise ZooError(f"The seed must be a whole number from 0, not {seed}.")
    if not 0 < learning_rate < float("inf"):
        raise ZooError(f"The learning rate must be a positive number, not {learning_rate}.")
    if start is None:
        return None
    start = np.asarray(start, np.float32)
    if start.shape != tuple(agent.observation_shape) or not ((start >= 0) & (start <= 1)).all():
        wanted = "×".join(map(str, agent.observation_shape))
        raise ZooError(f"The image to start from must be {wanted} with values from 0 to 1.")
    return start


def _cache_key(
    agent: Any, unit: Unit, recipe: Recipe, steps: int, seed: int, learning_rate: float, start: np.ndarray | None
) -> dict[str, Any]:
    """Everything that the final image depends on."""
    return {
        "agent": agent.hash,
        "unit": str(unit),
        **recipe._asdict(),
        "steps": int(steps),
        "seed": int(seed),
        "learning_rate": float(learning_rate),
        "start": None if start is None else hashlib.sha256(start.tobytes()).hexdigest(),
        "lucid": LUCID_VERSION,
        "method": METHOD_VERSION,
    }
