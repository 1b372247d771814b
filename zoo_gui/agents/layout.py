"""What follows from a network's description alone: shapes, receptive fields, where each layer lies in the flat vector.

No TensorFlow. Names of weights are ``layer/kernel`` (HWIO for a convolution, (in, out) for a dense layer) and
``layer/bias``; dueling layers and expectations have none.
"""

from __future__ import annotations

from typing import Mapping

import numpy as np

from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.types import LayerInfo, ReceptiveField, ZooError

MAX_PARAMETERS = 1 << 28
_SIGNED = {"relu": False, "sigmoid": False}


class Layout:
    """The shapes of a network over observations of one shape.

    layers: one LayerInfo for each layer, in order. shapes: {weight name: shape}.
    sources: {layer: names of those that feed it, () the observation}.
    activations: {layer: slice of the flat activation vector}; size: its length.
    units: {layer: slice of the gain and offset vectors}; unit_count: their length.
    Raises ZooError where a layer does not fit what feeds it.
    """

    def __init__(self, network: NetworkSpec, observation_shape: tuple[int, int, int]):
        self.network, self.observation_shape = network, observation_shape
        self.sources: dict[str, tuple[str, ...]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._infos: dict[str, LayerInfo] = {}
        units = network.units()
        for spec, fed in network.wired():
            self.sources[spec.name] = fed
            self._add(spec, units[spec.name])
        self.layers = tuple(self._infos.values())
        self.activations = _slices({info.name: info.size for info in self.layers})
        self.units = _slices({info.name: info.units for info in self.layers})
        self.size = sum(info.size for info in self.layers)
        self.unit_count = sum(info.units for info in self.layers)

    def info(self, name: str) -> LayerInfo:
        """The layer of that name; KeyError without one."""
        return self._infos[name]

    def role(self, *roles: str) -> LayerInfo | None:
        """The layer whose kind is one of ``roles`` (``logits``, ``q``, ``value``), or None."""
        return next((info for info in self.layers if info.kind in roles), None)

    def check(self, weights: Mapping[str, np.ndarray], source: str) -> None:
        """Raise ZooError where the arrays are not those that the card describes."""
        missing = [name for name in self.shapes if name not in weights]
        extra = [name for name in weights if name not in self.shapes]
        if missing or extra:
            fault = f"it lacks {missing[0]}" if missing else f"the card does not mention its {extra[0]}"
            raise ZooError(f"The card contradicts its weights {source}: {fault}.")
        for name, shape in self.shapes.items():
            array = weights[name]
            if array.shape != shape:
                raise ZooError(
                    f"The card contradicts its weights {source}: {name} should be {_times(shape)}, "
                    f"but is {_times(array.shape)}."
                )
            if array.dtype.kind != "f" or not np.isfinite(array).all():
                raise ZooError(f"The weights {source} are damaged: {name} holds values that are not finite numbers.")

    def canonical(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays as float32 in our order: rows of dense kernels that read a map are put into H, W, C order."""
        result = {name: np.ascontiguousarray(weights[name], np.float32) for name in self.shapes}
        if self.network.flatten == "CHW":
            for spec in self.network.layers:
                shape = self._input_shape(spec)
                if spec.kind == "dense" and len(shape) == 3:
                    rows = np.arange(np.prod(shape)).reshape(shape[2], *shape[:2]).transpose(1, 2, 0).ravel()
                    result[f"{spec.name}/kernel"] = np.ascontiguousarray(result[f"{spec.name}/kernel"][rows])
        return result

    def _input_shape(self, spec: LayerSpec) -> tuple[int, ...]:
        fed = self.sources[spec.name]
        return self._infos[fed[0]].shape if fed else self.observation_shape

    def _add(self, spec: LayerSpec, units: int) -> None:
        before, shape, kernel, field = self._input_shape(spec), (units,), None, None
        if spec.kind == "dense":
            kernel = (int(np.prod(before)), units)
        elif spec.kind == "conv":
            if len(before) != 3:
                raise ZooError(f"The card contradicts itself: conv layer {spec.name} is fed by a dense layer.")
            shape, padding = _conv_output(spec, before)
            kernel = (*spec.kernel, before[2], spec.filters)
            field = _receptive_field(spec, padding, self._field_before(spec))
        if kernel is not None:
            self.shapes |= {f"{spec.name}/kernel": kernel, f"{spec.name}/bias": (kernel[-1],)}
        if sum(int(np.prod(shape)) for shape in self.shapes.values()) > MAX_PARAMETERS:
            raise ZooError(f"The card describes a network that is too large at layer {spec.name}.")
        # For whoever shows them, dueling layers and expectations are vectors of units like any other.
        kind = spec.role or ("conv" if spec.kind == "conv" else "dense")
        signed = _SIGNED.get(spec.activation, True)
        self._infos[spec.name] = LayerInfo(spec.name, shape, kind, signed, field)

    def _field_before(self, spec: LayerSpec) -> ReceptiveField:
        fed = self.sources[spec.name]
        return self._infos[fed[0]].receptive_field if fed else ReceptiveField((1, 1), (1, 1), (0, 0))


def _conv_output(spec: LayerSpec, before: tuple[int, ...]) -> tuple[tuple[int, int, int], tuple[int, int]]:
    """((H, W, C), padding before each axis) as TensorFlow computes them."""
    sizes, pads = [], []
    for length, kernel, stride in zip(before, spec.kernel, spec.stride):
        if spec.padding == "SAME":
            size = -(-length // stride)
            pad = max((size - 1) * stride + kernel - length, 0) // 2
        else:
            size, pad = (length - kernel) // stride + 1, 0
        if size < 1:
            raise ZooError(
                f"The card contradicts itself: the kernel of {spec.name} ({_times(spec.kernel)}) is larger than "
                f"its input ({_times(before[:2])})."
            )
        sizes.append(size)
        pads.append(pad)
    return (*sizes, spec.filters), tuple(pads)


def _receptive_field(spec: LayerSpec, padding: tuple[int, int], before: ReceptiveField) -> ReceptiveField:
    """The recurrence of Araujo et al. 2019, "Computing receptive fields of convolutional neural networks", §2."""
    axes = tuple(zip(before.size, before.stride, before.start, spec.kernel, spec.stride, padding))
    return ReceptiveField(
        size=tuple(size + (kernel - 1) * jump for size, jump, _, kernel, _, _ in axes),
        stride=tuple(jump * stride for _, jump, _, _, stride, _ in axes),
        start=tuple(start - pad * jump for _, jump, start, _, _, pad in axes),
    )


def _slices(lengths: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(lengths.values())).tolist()
    return {name: slice(end - length, end) for (name, length), end in zip(lengths.items(), ends)}


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
