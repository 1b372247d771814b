"""Where the maps of a graph look: receptive fields, layouts and signs, composed along its nodes. No TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zoo_gui.agents.graphs import graph_ops
from zoo_gui.agents.graphs.graph_layers import PASSING, data_inputs
from zoo_gui.agents.graphs.graph_nodes import Graph, Node, producer
from zoo_gui.agents.layout import grown
from zoo_gui.types import ReceptiveField

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Field:
    """What a tensor's positions see. size: of the map, (H, W). channels: behind each position; 0: nothing is known.

    first: whether channels come before positions (NCHW).
    """

    receptive: ReceptiveField
    size: tuple[int, int]
    channels: int
    first: bool = False


def entry_field(shape: Shape, first: bool) -> Field:
    """The field of the input itself, (…, H, W, C) or (…, C, H, W)."""
    height, width, channels = (*shape[-2:], shape[-3]) if first else shape[-3:]
    return Field(ReceptiveField((1, 1), (1, 1), (0, 0)), (height, width), channels, first)


def fields(
    graph: Graph, steps: list[Node], shapes: Mapping[str, Shape], entry: str, first: bool
) -> tuple[dict[str, Field], dict[str, Field]]:
    """({tensor: its field} of maps, or of their positions in rows; {tensor: the map} of maps flattened to one row).

    Computed in the order of ``steps``.
    """
    known, flattened = {entry: entry_field(shapes[entry], first)}, {}
    for node in steps:
        fed = [known[name] for name in node.inputs if name in known]
        if not fed or node.name not in shapes or node.name == producer(entry):
            continue
        field = _after(graph, node, fed, shapes)
        if field is not None:
            known[node.name] = field
        elif node.op == "Reshape" and shapes[node.name][-1:] == (fed[0].channels * math.prod(fed[0].size),):
            flattened[node.name] = fed[0]
    return known, flattened


def _after(graph: Graph, node: Node, fed: list[Field], shapes: Mapping[str, Shape]) -> Field | None:
    before, shape, op = fed[0], shapes[node.name], node.op
    if op in graph_ops.CONVOLUTIONS or op in graph_ops.POOLS:
        return _window(node, before, shapes)
    if op in graph_ops.PRODUCTS:
        # a product of flattened positions acts on each of them
        flat = len(shape) > 1 and shapes[node.inputs[0]][-1] == before.channels and not before.first
        return replace(before, channels=shape[-1]) if flat and not node.flag("transpose_a") else None
    if op == "Transpose":
        return _transposed(graph, node, before)
    if op in ("Pad", "PadV2", "MirrorPad"):
        return _padded(graph, node, before)
    if op in ("Reshape", "Squeeze", "ExpandDims"):
        return _reshaped(before, shape)
    if op in graph_ops.UNARY or op in graph_ops.BINARY or op in graph_ops.NORMS or op in ("AddN", "Concat", "ConcatV2"):
        joined = _union(fed)
        channels = shape[-3] if before.first and len(shape) > 2 else shape[-1] if shape else 0
        return joined and replace(joined, channels=channels)
    return None


def _window(node: Node, before: Field, shapes: Mapping[str, Shape]) -> Field | None:
    """The field of a convolution, a pool, or patches cut out."""
    first, shape = node.channels_first, shapes[node.name]
    if len(shape) != 4:
        return None
    axes = (2, 3) if first else (1, 2)
    strides, dilations = (
        node.numbers("strides") or (1,) * 4,
        node.numbers("dilations") or node.numbers("rates") or (1,) * 4,
    )
    if node.op in graph_ops.CONVOLUTIONS:
        kernel = shapes[node.inputs[1]][:2] if node.inputs[1] in shapes else (1, 1)
    else:
        sizes = node.numbers("ksize") or node.numbers("ksizes") or (1,) * 4
        kernel = tuple(sizes[axis] for axis in axes)
    pads = node.numbers("explicit_paddings")
    extents, steps, paddings = [], [], []
    for i, axis in enumerate(axes):
        extent, pad = (kernel[i] - 1) * dilations[axis] + 1, 0
        if node.text("padding") == "SAME":
            pad = max((shape[axis] - 1) * strides[axis] + extent - before.size[i], 0) // 2
        elif len(pads) == 8:
            pad = pads[2 * axis]
        extents.append(extent)
        steps.append(strides[axis])
        paddings.append(pad)
    receptive = grown(before.receptive, extents, steps, paddings)
    return Field(receptive, (shape[axes[0]], shape[axes[1]]), shape[1] if first else shape[3], first)


def _transposed(graph: Graph, node: Node, before: Field) -> Field | None:
    order = graph.constant(node.inputs[1])
    if order is None:
        return None
    order = tuple(int(axis) for axis in order.ravel())
    if order == tuple(range(len(order))):
        return before
    if order == (0, 2, 3, 1) and before.first:
        return replace(before, first=False)
    if order == (0, 3, 1, 2) and not before.first:
        return replace(before, first=True)
    return None


def _padded(graph: Graph, node: Node, before: Field) -> Field | None:
    pads = graph.constant(node.inputs[1])
    if pads is None or pads.ndim != 2 or len(pads) < 3:
        return None
    pads = pads[-2:] if before.first else pads[-3:-1]
    old = before.receptive
    start = tuple(int(begin - pad * step) for begin, pad, step in zip(old.start, pads[:, 0], old.stride))
    size = tuple(int(length + pad.sum()) for length, pad in zip(before.size, pads))
    return replace(before, receptive=old._replace(start=start), size=size)


def _reshaped(before: Field, shape: Shape) -> Field | None:
    """Positions may be put in rows, and back, as long as the channels of each stay together."""
    if before.first:
        return before if len(shape) >= 3 and shape[-3:] == (before.channels, *before.size) else None
    return before if shape and shape[-1] == before.channels else None


def _union(fed: list[Field]) -> Field | None:
    """What a sum of maps sees; None where they do not lie on one grid."""
    first = fed[0]
    if any(field.size != first.size or field.receptive.stride != first.receptive.stride for field in fed):
        return None
    starts = [field.receptive.start for field in fed]
    ends = [[s + n for s, n in zip(field.receptive.start, field.receptive.size)] for field in fed]
    start = tuple(min(values) for values in zip(*starts))
    size = tuple(max(values) - begin for values, begin in zip(zip(*ends), start))
    return replace(first, receptive=ReceptiveField(size, first.receptive.stride, start))


def channels_first(graph: Graph, node: str, entry: str, entry_first: bool) -> bool:
    """Whether a map has its channels before its positions: as the nearest operation behind it that says so."""
    current = graph.nodes.get(node)
    for _ in range(256):
        if current is None:
            return False
        if current.name == producer(entry):
            return entry_first
        if "data_format" in current.attr:
            return current.channels_first
        if current.op == "Transpose":
            order = graph.constant(current.inputs[1])
            return order is not None and order.tolist() == [0, 3, 1, 2]
        if current.op not in PASSING | graph_ops.BINARY | {"AddN", "Pad", "PadV2", "MirrorPad"}:
            return False
        data = data_inputs(graph, current)
        current = graph.nodes.get(producer(data[0])) if data else None
    return False


def activation(graph: Graph, node: str) -> Node | None:
    """The non-linearity that a layer ends with, seen through Identity; None without one."""
    found = graph.source_of(node)
    return found if found is not None and found.op in graph_ops.ACTIVATIONS else None


def signed(graph: Graph, node: str) -> bool:
    """Whether a layer's numbers may be negative."""
    found = graph.source_of(node, ("Identity", "Reshape", "Transpose", "Squeeze", "MaxPool", "AvgPool", "ConcatV2"))
    return found is None or found.op not in graph_ops.NOT_NEGATIVE
