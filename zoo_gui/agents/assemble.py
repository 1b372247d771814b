"""From a file's arrays to ours, as the card says: names, axes, gates, split and joined arrays. No TensorFlow."""

from __future__ import annotations

from typing import Mapping

import numpy as np

from zoo_gui.agents.card_rules import GATES
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.network_spec import RECURRENT, LayerSpec
from zoo_gui.registry import near_names
from zoo_gui.types import ZooError

OUTPUTS_FIRST = ("pytorch", "theano")
"""Conventions whose kernels begin with the outputs."""


def assemble(
    layout: Layout, arrays: Mapping[str, np.ndarray], names: Mapping[str, object], convention: str, source: str
) -> dict[str, np.ndarray]:
    """{our name: array of ``layout.shapes``, in the file's order of rows} of a file's arrays.

    names: ``WeightsSpec.names``, ours → the file's, or a list of the file's that are joined along the units; none where
    the file's names are ours. convention: ``WeightsSpec.convention``. source: the file's name in errors. Raises
    ZooError where an array is missing, or has not the shape that the card describes.
    """
    result = {}
    for spec in layout.network.layers:
        for name, shape in layout.shapes.items():
            layer, _, part = name.rpartition("/")
            if layer != spec.name:
                continue
            found = _found(spec, name, part, shape, arrays, names, convention, source)
            result[name] = _shaped(spec, part, shape, found, convention, source, name)
    return result


def _found(spec, name, part, shape, arrays, names, convention, source) -> np.ndarray:
    """The file's array, or arrays joined, with axes in our order."""
    theirs = names.get(name, name)
    if part == "recurrent_bias" and name not in names and name not in arrays:
        return _second_bias(spec, name, shape, arrays, names)
    parts = []
    for each in theirs if isinstance(theirs, (list, tuple)) else [theirs]:
        if each not in arrays:
            near = near_names(each, arrays, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ZooError(f"The card contradicts its weights {source}: there is no array {each}{hint}.")
        parts.append(_axes(spec, part, np.asarray(arrays[each]), convention))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, -1)


def _second_bias(spec: LayerSpec, name: str, shape, arrays, names) -> np.ndarray:
    """A recurrent layer of one bias has none for the state; Keras's GRU keeps both in one array (2, gates)."""
    theirs = names.get(f"{spec.name}/bias", f"{spec.name}/bias")
    bias = arrays.get(theirs) if isinstance(theirs, str) else None  # arrays joined are one bias
    if bias is not None and np.ndim(bias) == 2 and len(bias) == 2:
        return np.asarray(bias)[1]
    return np.zeros(shape, np.float32)


def _axes(spec: LayerSpec, part: str, array: np.ndarray, convention: str) -> np.ndarray:
    """An array with its axes in our order: HWIO and (in, out)."""
    if part not in ("kernel", "recurrent_kernel") or convention not in OUTPUTS_FIRST:
        return array
    if array.ndim == 4:
        array = array.transpose(2, 3, 1, 0)
        return array[::-1, ::-1] if convention == "theano" else array  # Theano convolves, others correlate
    # Theano's dense kernels are (in, out) already, as Keras makes them.
    return array.T if array.ndim == 2 and convention == "pytorch" else array


def _shaped(spec: LayerSpec, part: str, shape, array: np.ndarray, convention: str, source: str, name: str):
    """The array in the shape that the layout asks for, where it differs in a way that has one meaning only."""
    if part == "bias" and spec.kind in RECURRENT and array.ndim == 2 and len(array) == 2:
        array = array[0]  # Keras's GRU: (input bias, state bias)
    if part in ("kernel", "recurrent_kernel") and spec.kind in RECURRENT:
        array = _own_rows(part, shape, array)
    if spec.kind in RECURRENT:
        array = _gates(spec, array, convention)
    if part == "kernel" and spec.kind == "conv" and array.ndim == 2 and shape[:2] == (1, 1):
        array = array[None, None]  # a dense layer of every position
    if spec.kind == "layernorm" and len(shape) == 3 and array.ndim == 3 and convention in OUTPUTS_FIRST:
        array = array.transpose(1, 2, 0)
    if len(shape) == 1 and array.size == shape[0]:
        array = array.reshape(shape)  # a bias kept as a column
    if part == "kernel" and array.ndim == 1 and tuple(shape) == (array.size, 1):
        array = array.reshape(shape)  # the kernel of a single unit kept as a vector
    if array.shape != tuple(shape):
        wanted, got = ("×".join(map(str, numbers)) or "a single number" for numbers in (shape, array.shape))
        raise ZooError(f"The card contradicts its weights {source}: {name} should be {wanted}, but is {got}.")
    return array


def _own_rows(part: str, shape, array: np.ndarray) -> np.ndarray:
    """TensorFlow 1's cells keep one kernel for [input, state]: the rows of one of them."""
    units = shape[1] // 4 if shape[1] % 4 == 0 else 0
    if array.ndim != 2 or array.shape[0] <= shape[0] or array.shape[1] != shape[1] or not units:
        return array
    return array[: shape[0]] if part == "kernel" else array[-shape[0] :]


def _gates(spec: LayerSpec, array: np.ndarray, convention: str) -> np.ndarray:
    """The last axis, gates in the file's order, in ours."""
    ours = GATES[spec.kind]
    order, _, layout = (spec.gates or _default_gates(spec.kind, convention)).partition(" ")
    if array.shape[-1] != len(ours) * spec.units:
        return array  # the shape is at fault, and said so by the caller
    if layout == "interleaved":  # unit by unit, the gates of each
        array = array.reshape(*array.shape[:-1], spec.units, len(ours)).swapaxes(-1, -2).reshape(array.shape)
    if order == ours:
        return array
    blocks = np.split(array, len(ours), -1)
    return np.concatenate([blocks[order.index(gate)] for gate in ours], -1)


def _default_gates(kind: str, convention: str) -> str:
    """PyTorch and Keras order an LSTM's gates alike, and a GRU's not; our own files are in our order."""
    return "zrn" if kind == "gru" and convention == "tensorflow" else GATES[kind]
