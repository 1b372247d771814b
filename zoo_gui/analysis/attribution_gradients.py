"""Attribution by derivatives: each method a generator that yields (done, total) and returns an Answer. No TensorFlow.

Sources, formulas and what they can say: docs/attribution.md.
"""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis.question import Answer, Question, in_slices, over_observation
from zoo_gui.types import LayerInfo, ZooError

Steps = Iterator[tuple[int, int]]


def gradient(question: Question, options: dict[str, Any]) -> Steps:
    """d target / d observation in 0–1 units (Simonyan, Vedaldi & Zisserman 2013, arXiv:1312.6034, §3)."""
    yield 0, 1
    return Answer(_slope(question, "plain", options["channel"] == "map"))


def gradient_input(question: Question, options: dict[str, Any]) -> Steps:
    """The gradient times the observation in 0–1 units, so that black counts nothing (Shrikumar et al. 2016,
    arXiv:1605.01713)."""
    yield 0, 1
    low, high = question.agent.observation_range
    x = (question.observation.astype(np.float32) - low) / (high - low)
    return Answer(_slope(question, "plain", options["channel"] == "map") * x)


def guided(question: Question, options: dict[str, Any]) -> Steps:
    """Guided backpropagation (Springenberg et al. 2014, arXiv:1412.6806)."""
    yield 0, 1
    return Answer(_projected(question, "guided", options["channel"]))


def deconv(question: Question, options: dict[str, Any]) -> Steps:
    """Deconvolution (Zeiler & Fergus 2013, arXiv:1311.2901)."""
    yield 0, 1
    return Answer(_projected(question, "deconv", options["channel"]))


def smoothgrad(question: Question, options: dict[str, Any]) -> Steps:
    """The mean gradient at ``n`` copies with normal noise of deviation ``sigma`` × (largest − smallest value)
    (Smilkov et al. 2017, arXiv:1706.03825). The sum that is explained stays the one at the observation itself."""
    x = question.observation.astype(np.float32)
    rng = np.random.default_rng(options["noise_seed"])
    spread = options["sigma"] * float(x.max() - x.min())
    seeds, total = question.seeds(options["channel"] == "map"), np.zeros(x.shape, np.float64)
    for part in in_slices(options["n"]):
        yield part.start, options["n"]
        noise = rng.normal(0.0, 1.0, (part.stop - part.start, *x.shape)).astype(np.float32)
        total += question.slopes(x + spread * noise, seeds)[1].sum(0)
    return Answer((total / options["n"]).astype(np.float32))


def integrated(question: Question, options: dict[str, Any]) -> Steps:
    """Integrated gradients from a baseline b: (x − b) ∫ ∂f(b + α (x − b)) dα, by the midpoint rule with ``steps``
    points (Sundararajan, Taly & Yan 2017, arXiv:1703.01365, eq. 1)."""
    x = question.observation.astype(np.float32)
    base = _baseline(question, options["baseline"])
    seeds, total, steps = question.seeds(), np.zeros(x.shape, np.float64), options["steps"]
    way = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    for part in in_slices(steps):
        yield part.start, steps
        alphas = way[part].reshape(-1, 1, 1, 1)
        total += question.slopes(base + alphas * (x - base), seeds)[1].sum(0)
    low, high = question.agent.observation_range
    values = total / steps * ((x - base) / (high - low))
    ends = question.slopes(np.stack([x, base]), seeds)[0]
    return Answer(values.astype(np.float32), error=_missing(float(values.sum()), float(ends[0] - ends[1])))


def integrated_layer(question: Question, options: dict[str, Any]) -> Steps:
    """Integrated gradients to a layer's activations a, from a silent layer: a ∫ ∂f(α a) dα, by the midpoint rule; what
    reaches the target past the layer stays as it is (Hilton et al. 2020, "Understanding RL Vision")."""
    info, steps = behind(question, options["layer"]), options["steps"]
    own, seeds = question.activations[info.name], question.seeds()
    own = np.asarray(own, np.float32)
    way, total = ((np.arange(steps) + 0.5) / steps).astype(np.float32), np.zeros(info.shape, np.float64)
    for part in in_slices(steps):
        yield part.start, steps
        alphas = way[part].reshape(-1, *[1] * own.ndim)
        total += _by_layer(question, seeds, info, alphas * own)[1].sum(0)
    values = (total / steps * own).astype(np.float32)
    ends = _by_layer(question, seeds, info, np.stack([own, np.zeros_like(own)]))[0]
    flat = over_observation(values.sum(-1) if values.ndim == 3 else values, info, question.observation.shape)
    return Answer(flat[..., None], info.name, values, _missing(float(values.sum()), float(ends[0] - ends[1])))


def gradcam(question: Question, options: dict[str, Any]) -> Steps:
    """max(0, Σ_c w_c a_c) with w_c the mean derivative over the map of channel c (Selvaraju et al. 2017,
    arXiv:1610.02391, eq. 1 and 2), of a convolution."""
    info = behind(question, options["layer"], convolution=True)
    yield 0, 1
    slope = question.slopes(question.observation[None], question.seeds(), layer=info.name)[1][0]
    values = slope.mean((0, 1)) * question.activations[info.name]
    flat = np.maximum(values.sum(-1), 0)
    return Answer(over_observation(flat, info, question.observation.shape)[..., None], info.name, values)


def behind(question: Question, name: str, convolution: bool = False) -> LayerInfo:
    """The layer of that name, "" for the last convolution that feeds the target. Raises ZooError where it does not."""
    agent, wanted = question.agent, question.target.layers
    feeding = _feeding(agent, wanted)
    known = {info.name: info for info in agent.layers}
    if name and name not in known:
        raise ZooError(f"There is no layer “{name}”: this network has {', '.join(known)}.")
    if name and convolution and len(known[name].shape) != 3:
        raise ZooError(f"{name} is no convolution, which Grad-CAM needs: choose one of its convolutions.")
    if name and name not in feeding:
        raise ZooError(f"{name} does not feed {', '.join(wanted)}: choose a layer before the target.")
    if name:
        return known[name]
    fitting = [info for info in agent.layers if info.name in feeding and len(info.shape) == 3]
    if not fitting:
        raise ZooError(f"No convolution feeds {', '.join(wanted)}: choose a target further back, or another method.")
    return next((info for info in reversed(fitting) if not info.groups_of), fitting[-1])


def _feeding(agent: Any, layers: tuple[str, ...]) -> set[str]:
    """Names of all layers that reach one of these, and of groups within such layers."""
    found, waiting = set(), list(layers)
    while waiting:
        for name in agent.sources.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found | {info.name for info in agent.layers if info.groups_of in found}


def _slope(question: Question, rule: str, own_map: bool) -> np.ndarray:
    return question.slopes(question.observation[None], question.seeds(own_map), rule=rule)[1][0]


def _projected(question: Question, rule: str, seed: str) -> np.ndarray:
    """By a rule for rectifiers; a channel is asked with its own map unless its maximum is wanted."""
    if not question.agent.rectifies:
        raise ZooError("This network has no rectifiers, so that this would be its plain gradient: choose the gradient.")
    unit = question.target.unit is not None
    return _slope(question, rule, seed == "map" or (seed == "auto" and unit))


def _by_layer(question: Question, seeds: dict, info: LayerInfo, values: np.ndarray):
    """(scores, slopes) with these activations (N, …) of a layer."""
    many = np.repeat(question.observation[None], len(values), 0)
    return question.slopes(many, seeds, layer=info.name, values=values)


def _baseline(question: Question, wanted: Any) -> np.ndarray:
    """(h, w, C) float32: black, each channel's mean, or the given array."""
    x = question.observation.astype(np.float32)
    if isinstance(wanted, np.ndarray):
        if wanted.shape != x.shape:
            raise ZooError(f"The baseline must have the observation's shape {x.shape}, not {wanted.shape}.")
        return wanted.astype(np.float32)
    return np.full_like(x, question.black) if wanted == "black" else np.zeros_like(x) + x.mean((0, 1))


def _missing(total: float, wanted: float) -> float:
    """How far a sum is from what it should be, as a part of the larger of the two."""
    largest = max(abs(total), abs(wanted))
    return float(total - wanted) / largest if largest else 0.0
