"""Running a file's graph operation by operation, so that nothing of the file but its numbers reaches TensorFlow.

Each node of an allowed operation becomes a call of that operation; attributes that it does not know are dropped, NCHW
is computed as NHWC, ``tf.cond`` as a choice. The same code runs eagerly, in ``tf.function`` and in a ``tf.Graph``.
Importing this module imports TensorFlow.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def, graph_ops
from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.agents.graphs.graph_nodes import Graph, Node, check_allowed, producer
from zoo_gui.types import ZooError

tf = configure_tensorflow()
MAX_ELEMENTS = 1 << 25
"""Of one tensor for one observation: 128 MiB of float32. The largest of a Nature network has 14,112."""
MAX_ALL_ELEMENTS = 1 << 26
MAX_PRODUCTS = 2 * 10**10
"""Multiplications for one observation: a Nature network does 10⁷."""
SMALL = 1024
"""Elements up to which a constant is written into each graph, where TensorFlow reads shapes from it."""
_CHANNELS_LAST, _CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_RENAMED = {("Squeeze", "squeeze_dims"): "axis"}


class Program:
    """The part of a graph that computes some tensors from its input.

    graph: the nodes. entry: the tensor that is given. wanted: the tensors to compute. given: further tensors that the
    caller provides (weights). Raises ZooError where that part holds an operation that may not run.
    """

    def __init__(self, graph: Graph, entry: str, wanted: Iterable[str], given: Iterable[str] = ()):
        self.graph, self.entry, self.wanted = graph, entry, tuple(wanted)
        self.steps = graph.order(self.wanted, {entry, *given})
        check_allowed(self.steps, graph.source)
        self.arrays = {node.name: _constant(graph, node) for node in self.steps if node.op == "Const"}
        self.others = [node for node in self.steps if node.op in ("Placeholder", "PlaceholderV2")]
        self.is_random = any(node.op in graph_ops.RANDOM for node in self.steps)
        self.opened: dict[str, list[int]] = {}
        """Shapes that stand in for constant ones: see ``open_batch``."""
        self._tensors: dict[str, Any] = {}

    @property
    def mixes(self) -> bool:
        """Whether an observation's numbers depend on what else is in its batch: normalisation as in training."""
        return any(node.op in graph_ops.NORMS and node.flag("is_training", True) for node in self.steps)

    def open_batch(self) -> None:
        """Take a fixed batch of one, in the constant shapes of the graph's reshapes, for any number."""
        shapes = [node.inputs[1] for node in self.steps if node.op == "Reshape" and len(node.inputs) == 2]
        for name, shape in fixed(
            self.graph, [name for name in shapes if producer(name) in self.graph.constants]
        ).items():
            if shape.ndim == 1 and shape[:1] == 1 and (shape >= 0).all():
                self.opened[name] = [-1, *shape[1:].tolist()]

    def run(
        self,
        x: Any,
        count: Any,
        given: Mapping[str, Any],
        edit: Callable[[str, Any], Any] | None = None,
        eager: bool = True,
        watch: Callable[[Node, list, list], None] | None = None,
        instead: Mapping[str, Callable[[Any], Any] | None] | None = None,
    ) -> dict[str, Any]:
        """{tensor: value} of what is wanted. x: the entry's value; count: of observations in it.

        edit: (tensor, value) → the value that what follows sees. eager: constants may be shared tensors. watch: is told
        each node, its inputs and its outputs. instead: {operation of one input: what is called in its place}. Raises
        ZooError for a node that TensorFlow refuses.
        """
        values = {self.entry: x, **given}
        for node in self.steps:
            if node.op == "Const":
                outputs = [self._constant_tensor(node.name, eager)]
            elif instead and instead.get(node.op) is not None:
                outputs = [instead[node.op](values[node.inputs[0]])]
            else:
                outputs = self._computed(node, values, count)
            if watch is not None:
                watch(node, [values.get(name) for name in node.inputs], outputs)
            for port, value in enumerate(outputs):
                name = node.name if port == 0 else f"{node.name}:{port}"
                if name not in values:  # the entry and the weights stay what they are
                    values[name] = edit(name, value) if edit is not None else value
        missing = [name for name in self.wanted if name not in values]
        if missing:
            raise ZooError(f"{self.graph.source} has no tensor “{missing[0][:80]}”.")
        return {name: values[name] for name in self.wanted}

    def _constant_tensor(self, name: str, eager: bool) -> Any:
        array = self.arrays[name]
        if not eager or array.size <= SMALL:
            return tf.constant(array)
        if name not in self._tensors:
            with tf.init_scope():
                self._tensors[name] = tf.constant(array)
        return self._tensors[name]

    def _computed(self, node: Node, values: Mapping[str, Any], count: Any) -> list:
        if node.op in ("Placeholder", "PlaceholderV2"):
            return [_placeholder(node, count)]
        missing = [name for name in node.inputs if name not in values]
        if missing:
            raise ZooError(f"{self.graph.source} is damaged: its graph has no tensor “{missing[0][:80]}”.")
        inputs = [values[name] for name in node.inputs]
        try:
            if node.op == "Merge":
                return _merged(self.graph, node, inputs, values)
            if node.op == "Reshape" and node.inputs[1] in self.opened:
                inputs[1] = tf.constant(self.opened[node.inputs[1]], tf.int32)
            return _call(node, inputs)
        except ZooError:
            raise
        except Exception as error:  # TensorFlow raises ValueError, TypeError, its own errors and more
            reason = str(error).partition("\n")[0][:200]
            raise ZooError(
                f"{self.graph.source} cannot be run: TensorFlow refuses its node {node.name[:80]} ({node.op}): {reason}"
            ) from error


class Meter:
    """Adds up what a graph takes for one observation. Raises ZooError beyond what an agent could need."""

    def __init__(self, program: Program):
        self._source, self._elements, self._products = program.graph.source, 0, 0
        self._read = {name for node in program.steps for name in node.inputs} | set(program.wanted)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def watch(self, node: Node, inputs: list, outputs: list) -> None:
        """See ``Program.run``."""
        for port, value in enumerate(outputs):
            name = node.name if port == 0 else f"{node.name}:{port}"
            if name not in self._read:
                continue
            shape = value.shape.as_list() if value.shape.rank is not None else [None]
            if None in shape:
                raise ZooError(
                    f"{self._source} cannot be run: the size of what {node.name[:80]} ({node.op}) gives is unknown."
                )
            self.shapes[name] = tuple(shape)
            self._elements += math.prod(shape)
            if math.prod(shape) > MAX_ELEMENTS or self._elements > MAX_ALL_ELEMENTS:
                raise ZooError(
                    f"{self._source} is refused: its node {node.name[:80]} makes more numbers than any agent's."
                )
        if node.op in graph_ops.WEIGHTED and len(inputs) > 1:
            kernel = inputs[1].shape.as_list()
            inner = math.prod(kernel[:-1]) if node.op in graph_ops.CONVOLUTIONS else max(kernel[-2:], default=1)
            self._products += math.prod(outputs[0].shape.as_list()) * inner
            if self._products > MAX_PRODUCTS:
                raise ZooError(f"{self._source} is refused: it computes more for one observation than any agent does.")


def fixed(graph: Graph, tensors: Iterable[str]) -> dict[str, np.ndarray]:
    """{tensor: its array} of what follows from the file's constants alone. Raises ZooError."""
    plain = {name: graph.constant(name) for name in dict.fromkeys(tensors)}
    found = {name: _typed(graph, name, array) for name, array in plain.items() if array is not None}
    program = Program(graph, "", [name for name in plain if name not in found])
    with tf.Graph().as_default():  # sizes first, then numbers
        program.run(tf.zeros([1]), 1, {}, eager=False, watch=Meter(program).watch)
    with tf.init_scope():
        return found | {name: value.numpy() for name, value in program.run(tf.zeros([1]), 1, {}).items()}


def _constant(graph: Graph, node: Node) -> np.ndarray:
    array = graph.constant(node.name)
    if array is None:
        raise ZooError(f"{graph.source} is damaged: the constant {node.name[:80]} has no value.")
    return _typed(graph, node.name, array)


def _typed(graph: Graph, tensor: str, array: np.ndarray) -> np.ndarray:
    """A constant in the type that the graph has it in: bfloat16 is read as float32."""
    node = graph.source_of(tensor)
    half = node is not None and node.attr["value"].tensor.dtype == graph_def.BFLOAT16
    return array.astype(tf.bfloat16.as_numpy_dtype) if half else array


def leading(declared: tuple[int, ...], count: Any) -> list:
    """The lengths of an input of that declared shape for ``count`` observations: they go along the last open axis of
    those before the observation's own three (T × B: one step of B)."""
    lengths = [1 if length < 0 else length for length in declared]
    open_axes = [axis for axis, length in enumerate(declared[: max(1, len(declared) - 3)]) if length < 0]
    if open_axes:
        lengths[open_axes[-1]] = count
    return lengths


def _placeholder(node: Node, count: Any) -> Any:
    """What an input that is not the observation gets: false, zeros, or 1 where it is a probability to keep."""
    shape = graph_def.shape_of(node.attr["shape"].shape) if "shape" in node.attr else None
    dtype = tf.as_dtype(node.type("dtype") or graph_def.FLOAT)
    lengths = [1 if length < 0 else length for length in shape or ()]
    if shape and shape[0] < 0:
        lengths[0] = count
    if math.prod(abs(length) for length in shape or ()) > MAX_ELEMENTS:
        raise ValueError("too large")
    if dtype.is_bool:
        return tf.fill(lengths, False)
    keeps = dtype.is_floating and "keep" in node.name.lower()
    return tf.fill(lengths, tf.cast(1 if keeps else 0, dtype))


@functools.cache
def _parameters(op: str) -> tuple[Callable, tuple[str, ...]]:
    """The function of an operation and its parameters, inputs first. Raises ZooError where TensorFlow lacks it."""
    function = getattr(tf.raw_ops, op, None)
    if function is None:
        raise ZooError(f"This TensorFlow ({tf.__version__}) no longer has the operation {op}, which the graph needs.")
    return function, tuple(name for name in inspect.signature(function).parameters if name != "name")


def _call(node: Node, inputs: list) -> list:
    """The outputs of a node for the values of its inputs."""
    op = node.op
    if op in ("PlaceholderWithDefault", "CheckNumerics", "PreventGradient", "EnsureShape", "Snapshot"):
        return [tf.identity(inputs[0])]
    if op == "IdentityN":
        return [tf.identity(value) for value in inputs]
    if op == "Switch":  # both sides are computed, Merge chooses
        return [tf.identity(inputs[0]), tf.identity(inputs[0])]
    if op in graph_ops.BINARY:
        inputs = _agreeing(inputs)
    if node.channels_first and op not in ("SpaceToDepth", "DepthToSpace"):
        return _channels_first(node, inputs)
    return _raw(op, inputs, _attributes(node))


def _raw(op: str, inputs: list, attributes: Mapping[str, Any]) -> list:
    function, parameters = _parameters(op)
    grouped = _grouped(op, inputs)
    if len(grouped) > len(parameters):
        raise ValueError(f"{len(inputs)} inputs")
    named = dict(zip(parameters, grouped))
    named |= {key: value for key, value in attributes.items() if key in parameters and key not in named}
    result = function(**named)
    return list(result) if isinstance(result, (list, tuple)) else [result]


def _grouped(op: str, inputs: list) -> list:
    """Inputs as the operation's arguments: those of which there may be any number as one list."""
    if op in ("AddN", "Einsum", "Pack", "ShapeN"):
        return [inputs]
    if op in ("Concat", "ConcatOffset"):
        return [inputs[0], inputs[1:]]
    if op == "ConcatV2":
        return [inputs[:-1], inputs[-1]]
    if op == "DynamicStitch":
        return [inputs[: len(inputs) // 2], inputs[len(inputs) // 2 :]]
    return inputs


def _agreeing(inputs: list) -> list:
    """Where the observation comes as float32 instead of bytes, what it is combined with follows it."""
    floats = [value.dtype for value in inputs if value.dtype.is_floating]
    if not floats:
        return inputs
    return [tf.cast(v, floats[0]) if v.dtype.is_integer and v.dtype.size == 1 else v for v in inputs]


def _channels_first(node: Node, inputs: list) -> list:
    """An NCHW operation as NHWC, which is all that TensorFlow computes on a CPU."""
    maps, attributes = inputs[0], _attributes(node)
    if maps.shape.rank != 4:
        axes = [0, *range(2, maps.shape.rank), 1]
        back = [0, maps.shape.rank - 1, *range(1, maps.shape.rank - 1)]
    else:
        axes, back = list(_CHANNELS_LAST), list(_CHANNELS_FIRST)
    for key in ("strides", "ksize", "dilations"):
        if key in attributes and len(attributes[key]) == 4:
            attributes[key] = [attributes[key][axis] for axis in _CHANNELS_LAST]
    pads = attributes.get("explicit_paddings") or []
    if len(pads) == 8:
        attributes["explicit_paddings"] = [n for axis in _CHANNELS_LAST for n in pads[2 * axis : 2 * axis + 2]]
    attributes["data_format"] = "NHWC"
    outputs = _raw(node.op, [tf.transpose(maps, axes), *inputs[1:]], attributes)
    return [tf.transpose(outputs[0], back), *outputs[1:]]


def _attributes(node: Node) -> dict[str, Any]:
    """A node's attributes as values for Python. Functions and resources have no place in an allowed operation."""
    found = {}
    for key, value in node.attr.items():
        if not key.startswith("_"):
            found[_RENAMED.get((node.op, key), key)] = _value(value)
    return {key: value for key, value in found.items() if value is not None}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "s":
        return value.s.decode("utf-8", "replace")
    if kind in ("i", "f", "b"):
        return getattr(value, kind)
    if kind == "type":
        return tf.as_dtype(value.type)
    if kind == "shape":
        return graph_def.shape_of(value.shape)
    if kind == "list":
        listed = value.list
        texts = [text.decode("utf-8", "replace") for text in listed.s]
        return texts or list(listed.i) or list(listed.f) or list(listed.b) or [tf.as_dtype(t) for t in listed.type]
    return None


def _merged(graph: Graph, node: Node, inputs: list, values: Mapping[str, Any]) -> list:
    """The two sides of a ``tf.cond`` joined by its condition: (value, which side)."""
    sides = [_side(graph, name) for name in node.inputs]
    chosen = next((side for side in sides if side is not None), None)
    if len(inputs) != 2 or chosen is None:
        raise ValueError("a join without its condition")
    first_is_true = sides[0][1] if sides[0] is not None else not sides[1][1]
    true, false = inputs if first_is_true else inputs[::-1]
    condition = values[chosen[0]]
    known = tf.get_static_value(condition)
    if known is not None:
        return [tf.identity(true if bool(known) else false), tf.cast(bool(known) == first_is_true, tf.int32)]
    return [tf.where(condition, true, false), tf.where(condition == first_is_true, 0, 1)]


def _side(graph: Graph, tensor: str) -> tuple[str, bool] | None:
    """(the condition, whether this tensor belongs to its true side) of the nearest Switch behind it; None without."""
    seen, waiting = set(), [tensor]
    while waiting:
        name = waiting.pop(0)
        node = graph.nodes.get(producer(name))
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op == "Switch" and len(node.inputs) == 2:
            return node.inputs[1], name.endswith(":1")
        waiting.extend(node.inputs)
    return None
