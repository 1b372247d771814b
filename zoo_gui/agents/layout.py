"""What follows from a network's description alone: shapes, receptive fields, where each layer lies in the flat vector.

No TensorFlow. Names of weights are ``layer/part``; kernels are HWIO in a convolution, (in, out) elsewhere.
"""

from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np

from zoo_gui.agents.network_spec import AS_FED, RECURRENT, LayerSpec, NetworkSpec
from zoo_gui.types import LayerInfo, ReceptiveField, ZooError

MAX_PARAMETERS = 1 << 28
MAX_ACTIVATIONS = 1 << 24
_UNSIGNED = ("relu", "relu6", "sigmoid", "softplus")
_POOLS = ("maxpool", "avgpool")
_WHOLE = ReceptiveField((1, 1), (1, 1), (0, 0))


class Layout:
    """The shapes of a network over observations of one shape.

    layers: one LayerInfo for each layer, in order. shapes: {weight name: shape}.
    sources: {layer: names of those that feed it, () the observation}.
    activations: {layer: slice of the flat activation vector}; size: its length.
    units: {layer: slice of the gain and offset vectors}; unit_count: their length.
    states: {layer with memory: slice of the state vector}; state_size: its length, 0 without memory.
    groups: {layer: names of the layers that group its units}; see ``agents.groups``.
    Raises ZooError where a layer does not fit what feeds it.
    """

    def __init__(self, network: NetworkSpec, observation_shape: tuple[int, int, int], frames: int | None = None):
        """frames: how many the observation stacks, by default one for each channel."""
        self.network, self.observation_shape = network, observation_shape
        self.frames = frames or observation_shape[2]
        self.sources: dict[str, tuple[str, ...]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._infos: dict[str, LayerInfo] = {}
        for spec, fed in network.wired():
            self.sources[spec.name] = fed
            self._add(spec, [self._infos[name].shape for name in fed] or [observation_shape])
        self.layers = tuple(self._infos.values())
        self.activations = _slices({info.name: info.size for info in self.layers})
        self.units = _slices({info.name: info.units for info in self.layers})
        memory = {"gru": 1, "lstm": 2}
        self.states = _slices({s.name: s.units * memory[s.kind] for s in network.layers if s.kind in RECURRENT})
        self.size = sum(info.size for info in self.layers)
        self.unit_count = sum(info.units for info in self.layers)
        self.state_size = sum(part.stop - part.start for part in self.states.values())
        self.groups = grouped_by(self.layers)

    def with_network(self, network: NetworkSpec) -> "Layout":
        """Of another network over the same observations."""
        return Layout(network, self.observation_shape, self.frames)

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
        """The arrays as float32 in our order: rows of kernels that read a map are put into H, W, C order, and input
        channels into the observation's, oldest frame first."""
        result = {name: np.ascontiguousarray(weights[name], np.float32) for name in self.shapes}
        for spec in self.network.layers:
            for part in self._parts_fed_by(spec, self._input_shape(spec)):
                result[part] = np.ascontiguousarray(self._reordered(spec, result[part]))
        return result

    def _parts_fed_by(self, spec: LayerSpec, before: tuple[int, ...]) -> list[str]:
        """Names of a layer's arrays that have an axis, or rows, for what feeds it."""
        parts = ("mean", "variance", "scale", "offset") if spec.kind.endswith("norm") else ("kernel",)
        names = [f"{spec.name}/{part}" for part in parts]
        return [name for name in names if name in self.shapes] if len(before) == 3 else []

    def _reordered(self, spec: LayerSpec, array: np.ndarray) -> np.ndarray:
        """One array of a layer that reads a map, in our order."""
        height, width, channels = before = self._input_shape(spec)
        newest_first = self.network.frame_order == "newest-first" and not self.sources[spec.name]
        if spec.kind in ("dense", *RECURRENT):  # rows are positions and channels
            if self.network.flatten == "CHW":
                rows = np.arange(np.prod(before)).reshape(channels, height, width).transpose(1, 2, 0).ravel()
                array = array[rows]
            if newest_first:
                each = array.reshape(height * width, self.frames, channels // self.frames, -1)
                array = each[:, ::-1].reshape(array.shape)
            return array
        axis = 2 if spec.kind == "conv" else array.ndim - 1
        if newest_first and array.shape[axis] == channels:
            split = (*array.shape[:axis], self.frames, channels // self.frames, *array.shape[axis + 1 :])
            array = np.flip(array.reshape(split), axis).reshape(array.shape)
        return array

    def _input_shape(self, spec: LayerSpec) -> tuple[int, ...]:
        fed = self.sources[spec.name]
        return self._infos[fed[0]].shape if fed else self.observation_shape

    def _add(self, spec: LayerSpec, before: list[tuple[int, ...]]) -> None:
        shape = _shape(spec, before, self.network)
        self.shapes |= {f"{spec.name}/{part}": size for part, size in _parts(spec, before[0], shape).items()}
        if sum(int(np.prod(shape)) for shape in self.shapes.values()) > MAX_PARAMETERS:
            raise ZooError(f"The card describes a network that is too large at layer {spec.name}.")
        if np.prod(shape, dtype=float) > MAX_ACTIVATIONS:
            raise ZooError(f"The card describes a map that is too large: {spec.name} is {_times(shape)}.")
        if spec.role and len(shape) != 1:
            raise ZooError(f"The card contradicts itself: {spec.name} is an output, but a map of {_times(shape)}.")
        # For whoever shows them, dueling layers and expectations are vectors of units like any other.
        kind = spec.role or ("conv" if len(shape) == 3 else "dense")
        field = self._receptive_field(spec, before[0]) if len(shape) == 3 else None
        groups_of = self.sources[spec.name][0] if spec.kind == "groups" else ""
        self._infos[spec.name] = LayerInfo(spec.name, shape, kind, self._signed(spec), field, groups_of=groups_of)

    def _signed(self, spec: LayerSpec) -> bool:
        """Whether a layer may be negative: one without a non-linearity of its own as what feeds it."""
        passes = spec.kind in (*_POOLS, "mean", "flatten", "concat") or (
            spec.kind in ("add", "multiply") and spec.activation == "linear"
        )
        if passes and self.sources[spec.name]:
            return any(self._infos[name].signed for name in self.sources[spec.name])
        return spec.activation not in _UNSIGNED

    def _receptive_field(self, spec: LayerSpec, before: tuple[int, ...]) -> ReceptiveField | None:
        fields = [self._infos[name].receptive_field for name in self.sources[spec.name]] or [_WHOLE]
        fields = [field for field in fields if field is not None]
        if not fields or spec.kind == "cosine":
            return None
        widest = max(fields, key=lambda field: field.size)
        if spec.kind in ("conv", *_POOLS):
            return grown(widest, spec.kernel, spec.stride, pads(spec, before)[::2])
        return widest


def _shape(spec: LayerSpec, before: list[tuple[int, ...]], network: NetworkSpec) -> tuple[int, ...]:
    """The shape of what a layer gives, without the batch."""
    first = before[0]
    if spec.kind in ("conv", *_POOLS):
        channels = spec.filters if spec.kind == "conv" else first[-1]
        return _window(spec, first, channels)
    if spec.kind == "cosine":
        return (1, spec.quantiles, spec.units)
    if spec.kind == "concat":
        if len({shape[:-1] for shape in before}) > 1:
            raise ZooError(f"The card contradicts itself: {spec.name} joins {', '.join(map(_times, before))}.")
        return (*first[:-1], sum(shape[-1] for shape in before))
    if spec.kind in ("add", "multiply"):
        return _broadcast(spec, before)
    if spec.kind in AS_FED:
        return first
    if spec.kind == "mean":
        return first[-1:]
    if spec.kind == "flatten":
        return (int(np.prod(first)),)
    if spec.kind in ("dueling", "expectation", "complement"):
        return _head(spec, before)
    return (*first[:-1], spec.units) if spec.kind == "groups" else (spec.units,)


def _head(spec: LayerSpec, before: list[tuple[int, ...]]) -> tuple[int, ...]:
    maps = [shape for shape in before if len(shape) != 1]
    units = spec.units if spec.kind == "expectation" else 2 if spec.kind == "complement" else before[1][0]
    if maps or (spec.kind == "expectation" and before[0][0] % units):
        fault = _times(maps[0] if maps else before[0])
        raise ZooError(f"The card contradicts itself: {spec.name} cannot be the {spec.kind} of {fault} units.")
    return (units,)


def _broadcast(spec: LayerSpec, before: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape of what is added or multiplied; a vector counts for every position of a map."""
    rank = max(map(len, before))
    try:
        return np.broadcast_shapes(*((1,) * (rank - len(shape)) + shape for shape in before))
    except ValueError as error:
        shapes = ", ".join(map(_times, before))
        raise ZooError(f"The card contradicts itself: {spec.name} cannot {spec.kind} {shapes}.") from error


def _parts(spec: LayerSpec, before: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """{part: shape} of a layer's arrays."""
    if spec.kind == "conv":
        bias = {"bias": (spec.filters,)} if spec.bias else {}
        return {"kernel": (*spec.kernel, before[2], spec.filters), **bias}
    if spec.kind == "dense":
        bias = {"bias": (spec.units,)} if spec.bias else {}
        return {"kernel": (int(np.prod(before)), spec.units), **bias}
    if spec.kind == "groups":
        kernel = (before[-1], spec.units) if len(before) == 1 else (1, 1, before[-1], spec.units)
        return {"kernel": kernel, "directions": (spec.units, before[-1])}
    if spec.kind in RECURRENT:
        gates = {"gru": 3, "lstm": 4}[spec.kind] * spec.units
        parts = {"kernel": (int(np.prod(before)), gates), "recurrent_kernel": (spec.units, gates)}
        return parts | ({"bias": (gates,), "recurrent_bias": (gates,)} if spec.bias else {})
    if spec.kind == "batchnorm":
        running = {"mean": shape[-1:], "variance": shape[-1:]}
        return running | ({"scale": shape[-1:], "offset": shape[-1:]} if spec.bias else {})
    if spec.kind == "layernorm" and spec.bias:
        over = shape if spec.over == "all" else shape[-1:]
        return {"scale": over, "offset": over}
    return {}


def _window(spec: LayerSpec, before: tuple[int, ...], channels: int) -> tuple[int, int, int]:
    """(H, W, C) of a convolution or pool."""
    if len(before) != 3:
        raise ZooError(f"The card contradicts itself: {spec.kind} layer {spec.name} is fed by a dense layer.")
    top, bottom, left, right = pads(spec, before)
    padded = (before[0] + top + bottom, before[1] + left + right)
    sizes = [(length - kernel) // stride + 1 for length, kernel, stride in zip(padded, spec.kernel, spec.stride)]
    if min(sizes) < 1:
        raise ZooError(
            f"The card contradicts itself: the kernel of {spec.name} ({_times(spec.kernel)}) is larger than "
            f"its input ({_times(before[:2])})."
        )
    return (*sizes, channels)


def pads(spec: LayerSpec, before: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the padding around a map (H, W, C)."""
    if spec.padding == "VALID":
        return (0, 0, 0, 0)
    if spec.padding == "SAME":
        both_sides = []
        for length, kernel, stride in zip(before, spec.kernel, spec.stride):
            both = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            both_sides += [both // 2, both - both // 2]
        return tuple(both_sides)
    if len(spec.padding) == 2:
        return (spec.padding[0], spec.padding[0], spec.padding[1], spec.padding[1])
    return spec.padding



def grown(before: ReceptiveField, kernel, stride, padding) -> ReceptiveField:
    """The receptive field after a window of this kernel, stride and (top, left) padding.

    The recurrence of Araujo et al. 2019, "Computing receptive fields of convolutional neural networks", §2.
    """
    axes = tuple(zip(before.size, before.stride, before.start, kernel, stride, padding))
    return ReceptiveField(
        size=tuple(size + (kernel - 1) * jump for size, jump, _, kernel, _, _ in axes),
        stride=tuple(jump * stride for _, jump, _, _, stride, _ in axes),
        start=tuple(start - pad * jump for _, jump, start, _, _, pad in axes),
    )


def grouped_by(layers: Sequence[LayerInfo]) -> dict[str, tuple[str, ...]]:
    """{layer: names of the layers that group its units}."""
    sources = dict.fromkeys(info.groups_of for info in layers if info.groups_of)
    return {name: tuple(info.name for info in layers if info.groups_of == name) for name in sources}


def _slices(lengths: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(lengths.values())).tolist()
    return {name: slice(end - length, end) for (name, length), end in zip(lengths.items(), ends)}


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
