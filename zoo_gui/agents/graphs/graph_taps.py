"""How a graph's tensors and weights become ours: which axes count observations, where channels are, which rows.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo_gui.agents.graphs.graph_fields import Field
from zoo_gui.agents.graphs.graph_run import tf

_TO_HWC = (0, 2, 3, 1)


@dataclass(frozen=True)
class Tap:
    """A tensor of the graph that is a layer. before: the same before the non-linearity. rest: its shape in the graph
    without the batch. shape: ours, (H, W, C) or (N,). first: whether the graph has channels before positions."""

    tensor: str
    before: str
    rest: tuple[int, ...]
    shape: tuple[int, ...]
    first: bool

    def ours(self, value: Any) -> Any:
        """The graph's tensor as (N, H, W, C) or (N, units), float32."""
        if self.first:
            value = tf.transpose(tf.reshape(value, [-1, *self.rest[-3:]]), _TO_HWC)
        return tf.cast(tf.reshape(value, [-1, *self.shape]), tf.float32)

    def theirs(self, value: Any, like: Any) -> Any:
        """Of (N, H, W, C) or (N, units) the tensor that has the graph's shape and type, as ``like``."""
        if self.first:
            value = tf.transpose(value, (0, 3, 1, 2))
        return tf.cast(tf.reshape(value, tf.shape(like)), like.dtype)

    def edited(self, value: Any, gain: Any, offset: Any) -> Any:
        """gain · value + offset in the graph's own shape; gain and offset: (units,)."""
        lengths = (self.shape[2], 1, 1) if self.first else self.rest if len(self.shape) == 1 else self.shape[2:]
        gain, offset = (tf.cast(tf.reshape(number, lengths), value.dtype) for number in (gain, offset))
        return value * gain + offset


@dataclass(frozen=True)
class Weight:
    """An array of the graph under our name. tensor: the graph's. shape: ours, HWIO or (in, out). swapped: whether the
    graph has (out, in). rows: which of the graph's rows ours are, where its maps are flattened C, H, W."""

    tensor: str
    shape: tuple[int, ...]
    native: tuple[int, ...]
    swapped: bool = False
    rows: np.ndarray | None = None

    def ours(self, array: np.ndarray) -> np.ndarray:
        """The graph's array in our order, float32."""
        array = np.swapaxes(array, -1, -2) if self.swapped else array
        array = array.reshape(self.shape)
        return np.ascontiguousarray(array if self.rows is None else array[self.rows], np.float32)

    def theirs(self, array: np.ndarray) -> np.ndarray:
        """Our array in the graph's order."""
        if self.rows is not None:
            back = np.empty_like(array)
            back[self.rows] = array
            array = back
        if self.swapped:
            return np.swapaxes(array.reshape(*self.native[:-2], self.native[-1], self.native[-2]), -1, -2)
        return array.reshape(self.native)


def short(shape: tuple[int, ...], count: Any) -> list:
    """The lengths of an input that is (h, w, C) or (N, h·w·C), without axes of their own for what is missing."""
    return [abs(length) for length in shape] if len(shape) == 3 else [count, -1] if len(shape) == 2 else [-1]


def batch_axes(one: tuple[int, ...], two: tuple[int, ...]) -> int | None:
    """How many leading axes count observations, from the shapes for one and for two of them; None where none does."""
    for count in range(1, len(one) + 1):
        if math.prod(one[:count]) == 1 and math.prod(two[:count]) == 2 and one[count:] == two[count:]:
            return count
    return None


def leading_ones(shape: tuple[int, ...]) -> int:
    """How many leading axes stand for the one observation; a map keeps three, a vector one."""
    most, count = len(shape) - 3 if len(shape) > 3 else len(shape) - 1, 0
    while count < most and shape[count] == 1:
        count += 1
    return count


def tap(tensor: str, before: str, rest: tuple[int, ...], field: Field | None, first: bool) -> Tap:
    """A layer's tensor in our form: a map where its last three axes are positions and channels, else a vector."""
    last = rest[-3:]
    is_map = len(last) == 3 and math.prod(rest[:-3]) == 1
    if is_map and field is not None:
        is_map = last == ((field.channels, *field.size) if first else (*field.size, field.channels))
    positions = last[1:] if first else last[:2]
    if not is_map or math.prod(positions) == 1:
        return Tap(tensor, before, rest, (math.prod(rest),), False)
    return Tap(tensor, before, rest, tuple(last[axis - 1] for axis in _TO_HWC[1:]) if first else last, first)


def rows(field: Field | None) -> np.ndarray | None:
    """Which rows of a kernel that reads this map, flattened, are H, W, C in turn; None where they are already."""
    if field is None or not field.first:
        return None
    return (
        np.arange(field.channels * math.prod(field.size))
        .reshape(field.channels, *field.size)
        .transpose(1, 2, 0)
        .ravel()
    )
