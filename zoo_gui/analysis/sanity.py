"""Does a map depend on what the network has learnt? Its weights made random, layer by layer from the outputs down.

Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv:1810.03292), §3, the cascading test. A map that stays what
it was says nothing about the agent: an edge detector's, and guided backpropagation's nearly. No TensorFlow here.
"""

from __future__ import annotations

import warnings
from typing import Any, Callable, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.attribution import ask, attribution
from zoo_gui.analysis.attribution_record import Sanity
from zoo_gui.analysis.methods import Method, method_of
from zoo_gui.analysis.targets import Target
from zoo_gui.types import Unit, ZooError, read_only

PASSES_BELOW = 0.7
"""Rank correlation with all weights random up to which a method is said to depend on them. Not from the paper, which
draws no line: maps of random networks still follow the picture a little."""

Maps = Callable[[Any, np.ndarray], np.ndarray]


@ANALYSES.register("sanity")
def sanity(
    agent: Any,
    *,
    observation: np.ndarray,
    state: np.ndarray | None = None,
    target: Target | Unit | str = "action",
    method: str | Maps = "gradient",
    action: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Iterator[Progress]:
    """The cascading randomisation of a method's map: Progress with a Sanity after each layer.

    method: a name, or a function (agent, observation) → (h, w) of a method that is not in METHODS. seed: of the random
    weights: kernels are drawn from a normal distribution with the trained one's standard deviation, all other arrays
    are put in a random order. Raises ZooError. The rest is as of ``attribution``.
    """
    if callable(method):
        chosen = Method("own", "Own method", "", "slow", True, False, "")
    else:
        chosen = method_of(method)
        question = ask(agent, observation, target, chosen, state=state, action=action)
        action = question.action  # the same action's score throughout, whatever a random network likes best

    def drawn(network: Any, progress: Progress) -> Iterator[Progress]:
        if callable(method):
            return np.asarray(method(network, observation), np.float64)
        asked = {"state": state, "target": target, "method": method, "action": action, **options}
        found = None
        for one in attribution(network, observation=observation, **asked):
            found = one.result
            yield progress
        return found.flat.astype(np.float64)

    rng, changed, layers, maps = np.random.default_rng(seed), {}, _from_the_top(agent), []
    original = yield from drawn(agent, Progress(0, len(layers), f"{chosen.title} as trained"))
    for done, layer in enumerate(layers, 1):
        progress = Progress(done - 1, len(layers), f"making {layer} random")
        yield progress
        changed |= randomised(agent, layer, rng)
        maps.append((yield from drawn(agent.with_weights(changed), progress)))
        last = done == len(layers)
        found = _record(chosen, target, observation, original, layers[:done], maps, len(layers), last)
        yield Progress(done, len(layers), f"{layer} is random", found)


def randomised(agent: Any, layer: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """{name: random array} of one layer's weights."""
    found = {}
    for name in sorted(agent.weights):
        if name.rpartition("/")[0] != layer:
            continue
        array = np.asarray(agent.weights[name])
        if array.ndim > 1:
            found[name] = rng.normal(0.0, float(array.std()) or 1.0, array.shape).astype(np.float32)
        else:
            found[name] = rng.permutation(array)
    return found


def similarity(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """(Spearman's rank correlation of the magnitudes, SSIM of the magnitudes scaled to 0–1) of two maps (h, w); both 0
    where a map is the same everywhere."""
    from scipy.stats import ConstantInputWarning, spearmanr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        correlation = float(spearmanr(np.abs(one), np.abs(other), axis=None).statistic)
    if not np.isfinite(correlation):
        return 0.0, 0.0
    return correlation, ssim(_scaled(one), _scaled(other))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """The mean structural similarity of two pictures (h, w) in 0–1: Wang et al. 2004, eq. 13, with its Gaussian window
    of 11 pixels and deviation 1.5, K₁ = 0.01, K₂ = 0.03."""
    import cv2

    def local(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    mean1, mean2 = local(one), local(other)
    variance1, variance2 = local(one * one) - mean1**2, local(other * other) - mean2**2
    covariance = local(one * other) - mean1 * mean2
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    return float((above / ((mean1**2 + mean2**2 + c1) * (variance1 + variance2 + c2))).mean())


def _scaled(values: np.ndarray) -> np.ndarray:
    magnitude = np.abs(values)
    return magnitude / (magnitude.max() or 1.0)


def _from_the_top(agent: Any) -> tuple[str, ...]:
    """The layers that have weights, the outputs first. Raises ZooError where none has."""
    own = [info.name for info in agent.layers if not info.groups_of]
    found = [name for name in reversed(own) if any(key.startswith(f"{name}/") for key in agent.weights)]
    if not found:
        raise ZooError("The weights of this network belong to no layer by name, so that none can be made random.")
    return tuple(found)


def _record(
    method: Method, target: Any, observation: np.ndarray, original: np.ndarray, layers: tuple[str, ...],
    maps: list[np.ndarray], total: int, last: bool,
) -> Sanity:  # fmt: skip
    pairs = np.array([similarity(original, one) for one in maps])
    passed, sentence = None, ""
    if last:
        passed = bool(pairs[-1, 0] < PASSES_BELOW)
        says = "depends on the weights" if passed else "hardly depends on the weights: it says little about this agent"
        sentence = f"With random weights the map's rank correlation is {pairs[-1, 0]:.2f}: {method.title} {says}."
        if not np.abs(original).max():
            passed, sentence = None, "The map is 0 everywhere here: nothing can be said."
    return Sanity(
        method=method.name, title=method.title, target=getattr(target, "text", str(target)), signed=method.signed,
        observation=read_only(np.array(observation)), original=read_only(original.astype(np.float32)),
        layers=tuple(layers), maps=read_only(np.stack(maps).astype(np.float32)), correlations=read_only(pairs[:, 0]),
        similarities=read_only(pairs[:, 1]), total=total, passed=passed, sentence=sentence,
    )  # fmt: skip
