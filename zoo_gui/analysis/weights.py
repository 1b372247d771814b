"""Which weights feed a unit, and from where? Read off the agent's arrays; no TensorFlow.

A first convolution's kernel is a picture (Zeiler and Fergus 2014, fig. 6). Deeper kernels are not: there the L2 norm of
the part that reads one input channel says how much that channel can matter (Erhan et al. 2009 show both). Norms compare
inputs of one unit only as far as those inputs have similar sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.types import Unit, ZooError, read_only


RULES = {
    "batchnorm": "it shifts and scales each of its units",
    "layernorm": "it brings its units to mean 0 and variance 1, then shifts and scales them",
    "cosine": "its units are constants, cosines of fractions",
    "complement": "its units are the one that feeds it, and 0",
    "flatten": "its units are a map's, in a row",
    "graph": "it is a tensor of the file's own graph without a kernel",
}
"""What layers without a kernel compute, in words."""


@dataclass(frozen=True)
class UnitWeights:
    """The weights into one unit; arrays float32, read-only.

    source: the layer that feeds it, None: the observation (C is then its frames, oldest first).
    kernel: (kh, kw, C): a convolution's kernel, or for a dense unit one weight for each position and channel of the map
        that feeds it; (1, 1, N) where a dense layer feeds it.
    bias: the unit's, 0 without one. Of a layer with memory these are the weights of the candidate for its new state,
        not those of its gates. scale: the largest magnitude in ``kernel``: draw it from −scale to scale.
    position_norms: (kh, kw), L2 norm over the input channels: where the unit looks.
    input_norms: (C,), L2 norm over the positions, of each input channel.
    top: the incoming units of largest norm, largest first, each with its norm, or where it is a single weight, with
        that weight and its sign; () for the observation.
    """

    unit: Unit
    source: str | None
    kernel: np.ndarray
    bias: float
    scale: float
    position_norms: np.ndarray
    input_norms: np.ndarray
    top: tuple[tuple[Unit, float], ...]


@ANALYSES.register("weights")
def weights(agent: Any, *, unit: Unit | str, top: int = 8) -> Iterator[Progress]:
    """The weights into ``unit``: one Progress with a UnitWeights; ``top``: incoming units to name.

    Raises ZooError, for a unit of a layer without weights one that says what the layer computes.
    """
    unit = Unit.parse(unit if isinstance(unit, str) else str(Unit(*unit)), agent.layers)
    yield Progress(1, 1, f"weights of {unit}", unit_weights(agent, unit, top))


def unit_weights(agent: Any, unit: Unit, top: int = 8) -> UnitWeights:
    """The same, at once."""
    if f"{unit.layer}/kernel" not in agent.weights:
        raise ZooError(f"{unit.layer} has no weights of its own: {_rule(agent, unit.layer)}.")
    source = sources(agent)[unit.layer]
    kernel = _as_map(agent, unit, source)
    square = np.square(kernel)
    norms = np.sqrt(square.sum((0, 1)))
    incoming: tuple[tuple[Unit, float], ...] = ()
    if source is not None:
        strength = kernel[0, 0] if kernel.shape[:2] == (1, 1) else norms
        order = np.argsort(-norms, kind="stable")[: max(0, top)]
        incoming = tuple((Unit(source, int(index)), float(strength[index])) for index in order)
    return UnitWeights(
        unit,
        source,
        read_only(kernel),
        _bias(agent, unit),
        float(np.abs(kernel).max()),
        read_only(np.sqrt(square.sum(2))),
        read_only(norms),
        incoming,
    )


def sources(agent: Any) -> dict[str, str | None]:
    """{layer with a kernel: the layer that feeds it, None: the observation}."""
    kernels = {name.removesuffix("/kernel") for name in agent.weights if name.endswith("/kernel")}
    return {layer: fed[0] if fed else None for layer, fed in agent.sources.items() if layer in kernels}


def _column(agent: Any, unit: Unit) -> int:
    """Which column of its layer's kernel is the unit's: of r, z, n and i, f, g, o the candidate stands third."""
    units = next(info.units for info in agent.layers if info.name == unit.layer)
    gated = f"{unit.layer}/recurrent_kernel" in agent.weights
    return 2 * units + unit.index if gated else unit.index


def _bias(agent: Any, unit: Unit) -> float:
    bias = agent.weights.get(f"{unit.layer}/bias")
    return 0.0 if bias is None else float(bias[_column(agent, unit)])


def _rule(agent: Any, layer: str) -> str:
    """What a layer without weights computes, in words."""
    spec, fed = next((spec, fed) for spec, fed in agent.card.network.wired() if spec.name == layer)
    if spec.kind == "dueling":
        return f"each of its units is {fed[0]} + {fed[1]} − the mean of {fed[1]} over the actions"
    if spec.kind != "expectation":
        fed_by = f" of {' and '.join(fed)}" if fed else ""
        return RULES.get(spec.kind, f"it is the {spec.kind}{fed_by}")
    units = {info.name: info.units for info in agent.layers}
    count = units[fed[0]] // units[layer]
    if spec.support is None:
        return f"each of its units is the mean of {count} units of {fed[0]}, the quantiles of a return"
    low, high = spec.support
    return (
        f"each of its units is the mean return under the softmax of {count} units of {fed[0]}, the logits of returns "
        f"from {low:g} to {high:g}"
    )


def _as_map(agent: Any, unit: Unit, source: str | None) -> np.ndarray:
    """The unit's weights as (kh, kw, C): dense kernels have one row for each activation of the source, in H, W, C."""
    kernel = agent.weights[f"{unit.layer}/kernel"][..., _column(agent, unit)]
    if kernel.ndim == 3:
        return np.array(kernel, np.float32)
    shapes = {info.name: info.shape for info in agent.layers}
    shape = agent.observation_shape if source is None else shapes[source]
    return np.array(kernel, np.float32).reshape(shape if len(shape) == 3 else (1, 1, -1))
