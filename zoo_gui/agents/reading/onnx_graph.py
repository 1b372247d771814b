"""An ONNX graph → layers of ours: convolutions, matrices, non-linearities, norms, pooling and what lies between them.

Operators: https://onnx.ai/onnx/operators/. What a card cannot say raises ``graph_builder.Unreadable``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from zoo_gui.agents.reading.graph_builder import Builder, Layer, Unreadable, Value, dueling, with_number

ACTIVATIONS = {
    "Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Elu": "elu", "Selu": "selu", "Softplus": "softplus",
    "LeakyRelu": "leaky_relu", "Softmax": "softmax", "LogSoftmax": "softmax",
}  # fmt: skip
FOLDED = ("Cast", "Concat", "Gather", "Identity", "Reshape", "Shape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
SMALL = 64
"""Numbers in a constant that is computed of others."""
SHAPE = Value("", made="shape", source="a shape")
"""What is computed of shapes, for a Reshape to read."""


class Node:
    """A node with its attributes, its inputs' values (a Value, an array, or None), and a name for its layer."""

    def __init__(self, node: Any, values: dict[str, Any]):
        from onnx.helper import get_attribute_value

        self.kind = node.op_type if not node.domain or node.domain == "ai.onnx" else f"{node.domain}.{node.op_type}"
        self.inputs, self.outputs = list(node.input), list(node.output)
        self.values = [values.get(name) if name else None for name in node.input]
        self.attributes = {entry.name: get_attribute_value(entry) for entry in node.attribute if entry.name != "value"}
        stem = next((name for name, value in zip(self.inputs, self.values) if isinstance(value, np.ndarray)), "")
        named = re.fullmatch(r"(.+)[./](weight|kernel|W|w|bias|gamma|[A-Za-z]*MatMul[^/]*|ReadVar.*)(:\d+)?", stem)
        self.layer = Layer(self.kind, {}, named[1] if named else node.name or self.kind.lower(), ())

    @property
    def value(self) -> Value:
        """The first input, a tensor on its way."""
        if not self.values or not isinstance(self.values[0], Value):
            raise self.unreadable()
        return self.values[0]

    def constant(self, index: int) -> np.ndarray | None:
        """The input of that number where it is a constant, None where there is none."""
        value = self.values[index] if index < len(self.values) else None
        if isinstance(value, Value) or (value is None and index < len(self.inputs) and self.inputs[index]):
            raise self.unreadable()
        return value

    def numbers(self, name: str, index: int) -> list[int] | None:
        """Whole numbers that were an attribute in old versions and are an input in new ones."""
        if name in self.attributes:
            found = self.attributes[name]
            return list(found) if isinstance(found, (list, tuple)) else [found]
        array = self.constant(index)
        return None if array is None else [int(n) for n in np.ravel(array)[:16]]

    def unreadable(self) -> Unreadable:
        """The sentence that names the operator."""
        name = self.layer.name[:60]
        return Unreadable(f"Its operator {self.kind[:40]} ({name}) is used in a way that a card cannot say.")


def outputs(builder: Builder, graph: Any, constants: dict[str, np.ndarray]) -> list[Value]:
    """The graph's outputs as values. Raises Unreadable."""
    values: dict[str, Any] = dict(constants)
    for entry in graph.input:
        if entry.name not in values:
            shape = [dim.dim_value or None for dim in entry.type.tensor_type.shape.dim]
            values[entry.name] = _input(builder, entry.name, shape)
    used = Counter(name for node in graph.node for name in node.input)
    used.update(entry.name for entry in graph.output)
    for entry in graph.node:
        if entry.op_type == "Constant":
            _constant(entry, values)
            continue
        node = Node(entry, values)
        if _is_small(node):
            values[entry.output[0]] = _folded(entry, node)
            continue
        found = _of_shapes(node) or _handled(builder, node)
        values[entry.output[0]] = replace(found, shared=found.shared or used[entry.output[0]] > 1)
    found = [values.get(entry.name) for entry in graph.output]
    found = [value for value in found if isinstance(value, Value)]
    if not found:
        raise Unreadable("Its graph has no output that its input leads to.")
    return found


def _input(builder: Builder, name: str, shape: list[int | None]) -> Value:
    if len(shape) == 3 and shape[0] is not None:  # without a batch
        shape = [None, *shape]
    return builder.input(name, tuple(shape[1:]))


def _constant(entry: Any, values: dict[str, Any]) -> None:
    """A constant of plain numbers; those with a tensor are among the constants already."""
    for attribute in entry.attribute:
        number = {"value_float": attribute.f, "value_int": attribute.i, "value_ints": list(attribute.ints),
                  "value_floats": list(attribute.floats)}.get(attribute.name)  # fmt: skip
        if number is not None:
            values[entry.output[0]] = np.asarray(number)


def _handled(builder: Builder, node: Node) -> Value:
    handler = TABLE.get(node.kind)
    if handler is None:
        raise Unreadable(f"Its operator {node.kind[:40]} is none of a card's, so the structure is not known.")
    return handler(builder, node)


def _is_small(node: Node) -> bool:
    """Whether a node makes a few numbers of a few: the sides of a padding, the shape for a Reshape."""
    arrays = [value for value in node.values if value is not None]
    small = arrays and all(isinstance(value, np.ndarray) and value.size <= SMALL for value in arrays)
    if node.kind == "ConstantOfShape" and small:
        return 0 <= int(np.prod(arrays[0], dtype=object)) <= SMALL
    return bool(small) and node.kind in FOLDED


def _folded(entry: Any, node: Node) -> np.ndarray:
    """What such a node makes, by ONNX's own evaluator."""
    from onnx.reference import ReferenceEvaluator

    try:
        values = {name: value for name, value in zip(node.inputs, node.values) if name}
        return np.asarray(ReferenceEvaluator(entry).run(None, values)[0])
    except Exception as error:  # of a garbled node, whatever NumPy says
        raise node.unreadable() from error


def _of_shapes(node: Node) -> Value | None:
    """What is computed of a shape is known only to be one."""
    if node.kind == "Shape" or any(isinstance(value, Value) and value.made == "shape" for value in node.values[:1]):
        return SHAPE
    joined = node.kind == "Concat" and any(isinstance(value, Value) and value.made == "shape" for value in node.values)
    return SHAPE if joined else None


def _pads(node: Node) -> str | tuple[int, ...]:
    auto = node.attributes.get("auto_pad", b"NOTSET")
    auto = auto.decode() if isinstance(auto, bytes) else str(auto)
    if auto == "SAME_UPPER":
        return "SAME"
    if auto == "VALID":
        return "VALID"
    if auto != "NOTSET":
        raise node.unreadable()
    top, left, bottom, right = (int(n) for n in node.attributes.get("pads", (0, 0, 0, 0)))
    if (top, left) == (bottom, right):
        return (top, left) if top or left else "VALID"
    return (top, bottom, left, right)


def _pair(node: Node, name: str, default: Any = (1, 1)) -> tuple[int, int]:
    vertical, horizontal = node.attributes.get(name, default)
    return int(vertical), int(horizontal)


def _conv(builder: Builder, node: Node) -> Value:
    kernel, bias = node.constant(1), node.constant(2)
    value = builder.layout(node.layer, node.value, "CHW")
    if kernel is None or kernel.ndim != 4 or node.attributes.get("group", 1) != 1 or _pair(node, "dilations") != (1, 1):
        raise node.unreadable()
    padding = _pads(node)
    if value.pad:
        if padding != "VALID":
            raise node.unreadable()
        padding = value.pad
    parts = {"kernel": (node.inputs[1],)} | ({"bias": (node.inputs[2],)} if bias is not None else {})
    found = builder.add(node.layer, "conv", [replace(value, pad=())], kernel.shape[0], parts, filters=kernel.shape[0],
                        kernel=tuple(kernel.shape[2:]), stride=_pair(node, "strides"), padding=padding,
                        bias=bias is not None)  # fmt: skip
    return replace(found, map=True, axes="CHW")


def _dense(builder: Builder, node: Node) -> Value:
    value, kernel = node.value, node.constant(1)
    bias = node.constant(2) if node.kind == "Gemm" else None
    turned = bool(node.attributes.get("transB", 0))
    if (kernel is None or kernel.ndim != 2 or (value.map and not value.flat) or node.attributes.get("transA", 0)
            or node.attributes.get("alpha", 1.0) != 1.0 or node.attributes.get("beta", 1.0) != 1.0):  # fmt: skip
        raise node.unreadable()
    units = kernel.shape[0 if turned else 1]
    if bias is not None and bias.size != units:
        raise node.unreadable()
    parts = {"kernel": (node.inputs[1],)} | ({"bias": (node.inputs[2],)} if bias is not None else {})
    return builder.add(node.layer, "dense", [value], units, parts, units=units, bias=bias is not None)


def _activation(builder: Builder, node: Node) -> Value:
    name, alpha = ACTIVATIONS[node.kind], node.attributes.get("alpha")
    if name == "elu" and alpha not in (None, 1.0):
        raise node.unreadable()
    return builder.activate(node.layer, node.value, name, (alpha or 0.01) if name == "leaky_relu" else None)


def _batchnorm(builder: Builder, node: Node) -> Value:
    value = node.value
    if value.map and not value.flat:
        value = builder.layout(node.layer, value, "CHW")
    parts = {part: (node.inputs[at],) for at, part in enumerate(("scale", "offset", "mean", "variance"), 1)}
    if any(node.constant(at) is None for at in range(1, 5)):
        raise node.unreadable()
    found = builder.add(node.layer, "batchnorm", [value], value.units, parts,
                        epsilon=float(node.attributes.get("epsilon", 1e-5)))  # fmt: skip
    return replace(found, map=value.map and not value.flat, axes=value.axes)


def _pool(builder: Builder, node: Node) -> Value:
    value, padding = builder.layout(node.layer, node.value, "CHW"), _pads(node)
    kind = "maxpool" if node.kind == "MaxPool" else "avgpool"
    counted = kind == "avgpool" and node.attributes.get("count_include_pad", 0) and padding != "VALID"
    if counted or node.attributes.get("ceil_mode", 0) or _pair(node, "dilations") != (1, 1):
        raise node.unreadable()
    found = builder.add(node.layer, kind, [value], value.units, kernel=_pair(node, "kernel_shape"),
                        stride=_pair(node, "strides"), padding=padding)  # fmt: skip
    return replace(found, map=True, axes="CHW")


def _mean(builder: Builder, node: Node) -> Value:
    """A mean of a map's positions, or of a vector's units (an advantage)."""
    value = node.value
    axes = node.numbers("axes", 1) if node.kind == "ReduceMean" else [2, 3]
    if value.map and not value.flat:
        value = builder.layout(node.layer, value, "CHW")
        if sorted(axis % 4 for axis in axes or ()) != [2, 3]:
            raise node.unreadable()
        return builder.add(node.layer, "mean", [value], value.units)
    if axes not in ([1], [-1]):
        raise node.unreadable()
    return replace(value, made="mean", of=(value,), source=node.layer.name, units=1)


def _flatten(builder: Builder, node: Node) -> Value:
    if node.attributes.get("axis", 1) != 1:
        raise node.unreadable()
    return replace(node.value, flat=True) if node.value.map else node.value


def _reshape(builder: Builder, node: Node) -> Value:
    """To a vector; any other shape only where it is a vector's."""
    shape = node.values[1] if len(node.values) > 1 else node.attributes.get("shape")
    target = None if shape is None or isinstance(shape, Value) else [int(n) for n in np.ravel(shape)[:8]]
    if target is None or len(target) == 2 or (len(target) == 1 and not node.value.map):
        return replace(node.value, flat=True) if node.value.map else node.value
    raise node.unreadable()


def _same(builder: Builder, node: Node) -> Value:
    return node.value


def _squeeze(builder: Builder, node: Node) -> Value:
    """Of a vector nothing that matters here; of a pooled map a flattening."""
    value = node.value
    if value.map and not value.flat:
        raise node.unreadable()
    return value


def _transpose(builder: Builder, node: Node) -> Value:
    turn = {(0, 3, 1, 2): ("HWC", "CHW"), (0, 2, 3, 1): ("CHW", "HWC")}.get(tuple(node.attributes.get("perm", ())))
    if turn is None:
        raise node.unreadable()
    return replace(builder.layout(node.layer, node.value, turn[0]), axes=turn[1])


def _pad(builder: Builder, node: Node) -> Value:
    value, pads = builder.layout(node.layer, node.value, "CHW"), node.numbers("pads", 1)
    fill = node.attributes.get("value", None) if "pads" in node.attributes else node.constant(2)
    mode = node.attributes.get("mode", b"constant")
    if mode not in (b"constant", "constant") or pads is None or len(pads) != 8 or (fill is not None and np.any(fill)):
        raise node.unreadable()
    if any(pads[at] for at in (0, 1, 4, 5)) or value.pad:
        raise node.unreadable()
    return replace(value, pad=(pads[2], pads[6], pads[3], pads[7]), shared=True)


def _arithmetic(op: str) -> Callable[[Builder, Node], Value]:
    def handler(builder: Builder, node: Node) -> Value:
        left, right = node.values
        if isinstance(left, Value) and isinstance(right, Value):
            found = dueling(builder, node.layer, op, left, right) if op in ("add", "subtract") else None
            return found or _joined(builder, node, op, [left, right])
        value, number = (left, right) if isinstance(left, Value) else (right, left)
        if not isinstance(value, Value) or not isinstance(number, np.ndarray):
            raise node.unreadable()
        if number.size == 1 and not value.name:
            return with_number(node.layer, op, value, float(number.ravel()[0]), value is right)
        if op == "add":
            return _with_bias(builder, node, value, number)
        raise node.unreadable()

    return handler


def _with_bias(builder: Builder, node: Node, value: Value, bias: np.ndarray) -> Value:
    """A constant of one number for each unit, after a layer without bias."""
    spec = builder.specs.get(value.name)
    fits = bias.size == value.units and bias.shape[-3 if value.map else -1 :][:1] == (value.units,)
    if not spec or spec.bias or spec.kind not in ("conv", "dense") or value.shared or value.made or not fits:
        raise node.unreadable()
    if spec.activation != "linear" or value.flat:
        raise node.unreadable()
    name = node.inputs[0] if isinstance(node.values[1], Value) else node.inputs[1]
    builder.specs[spec.name] = replace(spec, bias=True)
    builder.weights[f"{spec.name}/bias"] = (), (name,)
    return value


def _joined(builder: Builder, node: Node, op: str, values: list[Value]) -> Value:
    maps = {value.map and not value.flat for value in values}
    if op not in ("add", "multiply", "concat") or len(maps) > 1:
        raise node.unreadable()
    if maps == {True}:
        values = [builder.layout(node.layer, value, "CHW") for value in values]
    units = [value.units for value in values]
    total = (sum(units) if all(units) else 0) if op == "concat" else max(units)
    found = builder.add(node.layer, op, values, total)
    return replace(found, map=maps == {True}, axes="CHW" if maps == {True} else "")


def _concat(builder: Builder, node: Node) -> Value:
    if any(not isinstance(value, Value) for value in node.values) or node.attributes.get("axis") not in (1, -1):
        raise node.unreadable()
    if node.attributes["axis"] == -1 and any(value.map and not value.flat for value in node.values):
        raise node.unreadable()
    return _joined(builder, node, "concat", node.values)


TABLE: dict[str, Callable[[Builder, Node], Value]] = {
    "Conv": _conv, "Gemm": _dense, "MatMul": _dense, "BatchNormalization": _batchnorm, "MaxPool": _pool,
    "AveragePool": _pool, "GlobalAveragePool": _mean, "ReduceMean": _mean, "Flatten": _flatten, "Reshape": _reshape,
    "Squeeze": _squeeze, "Unsqueeze": _squeeze, "Transpose": _transpose, "Pad": _pad, "Concat": _concat,
    "Add": _arithmetic("add"), "Sub": _arithmetic("subtract"), "Mul": _arithmetic("multiply"),
    "Div": _arithmetic("divide"), "Identity": _same, "Cast": _same, "Dropout": _same, "Shape": _same,
} | dict.fromkeys(ACTIVATIONS, _activation)  # fmt: skip
"""Operator → its handler."""
