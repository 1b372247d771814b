"""Finding the layers of a graph that nobody described: inputs, weighted operations, heads. No TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from zoo_gui.agents.graphs import graph_def, graph_ops
from zoo_gui.agents.graphs.graph_nodes import Graph, Node, producer
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec

PASSING = graph_ops.UNARY | graph_ops.NORMS | {"Reshape", "Squeeze", "ExpandDims", "Transpose", "Concat", "ConcatV2"}
"""Operations that a layer's numbers pass on their way from the product to the activation; input 0 is the data."""
_TO_WEIGHTS = ("Identity", "Snapshot", "Reshape", "Squeeze", "StridedSlice", "Cast", "Transpose", "ExpandDims")
_ADDS = ("BiasAdd", "BiasAddV1", "Add", "AddV2")
_AFFINE = (*_ADDS, "Sub", "Mul", "Div", "RealDiv")
_BACKWARD = re.compile(r"(^|/)(gradients|gradients_\d+|train|optimizer|Adam|RMSProp|loss)(/|_|$)")
_TARGET = re.compile(r"(^|/)(target|old|tp1|train)", re.I)
_VALUE = re.compile(r"(^|[/_])(value|vf|v|critic|baseline|state_value)(_?\w?\d*)?([/_]|$)", re.I)
_POLICY = re.compile(r"(^|[/_])(policy|pi|logits|actor|action|act|p)([/_]|$)", re.I)
_Q = re.compile(r"(^|[/_])(q|q_?values?|q_?func|q_?net\w*|action_value|online|dqn|qnet\w*)([/_]|$)", re.I)
_CALL = re.compile(r"(Stateful)?PartitionedCall")
MAX_LAYERS = 400


@dataclass(frozen=True)
class Site:
    """Where a layer has its weights. op: the product's node. kernel, bias: the tensors; "" where there is no bias."""

    op: Node
    kernel: str
    bias: str = ""


def data_inputs(graph: Graph, node: Node) -> list[str]:
    """The tensors that carry what a node computes with: those that depend on the observation, without shapes."""
    fed = node.inputs[:1] if node.op in PASSING and "Concat" not in node.op else node.inputs
    return [
        name for name in fed
        if producer(name) in graph.nodes and producer(name) not in graph.constants
        and graph.nodes[producer(name)].op not in graph_ops.SIZES
    ]  # fmt: skip


def site(graph: Graph, node: str, stop: Iterable[str] = ()) -> Site | None:
    """The weights behind a layer's output, not beyond the nodes ``stop``; None where its inputs are several or none."""
    stop, current, bias = set(stop) - {node}, graph.nodes.get(node), ""
    for _ in range(64):
        if current is None or current.name in stop:
            return None
        if current.op in graph_ops.WEIGHTED:
            kernel = current.inputs[1] if len(current.inputs) == 2 else ""
            return Site(current, kernel, bias) if producer(kernel) in graph.constants else None
        data = data_inputs(graph, current)
        if len(data) != 1 or current.op not in PASSING | graph_ops.BINARY:
            return None
        if current.op in _ADDS and len(current.inputs) == 2:
            bias = next((name for name in current.inputs if name not in data), "")
        elif current.op in graph_ops.NORMS:
            bias = ""
        current = graph.nodes.get(producer(data[0]))
    return None


def const_name(graph: Graph, tensor: str) -> str:
    """The name of the Const that a weight comes from, "" where it is computed from several."""
    node = graph.source_of(tensor, _TO_WEIGHTS) if tensor else None
    return node.name if node is not None and node.op == "Const" else ""


def array_names(graph: Graph, network: NetworkSpec) -> dict[str, str]:
    """{``layer/kernel``: the graph's node} for the layers of a network whose weights are plain constants."""
    nodes = [producer(spec.node) for spec in network.layers]
    names = {}
    for spec, node in zip(network.layers, nodes):
        found = site(graph, node, nodes)
        if found is not None:
            parts = (("kernel", found.kernel), ("bias", found.bias))
            names |= {f"{spec.name}/{part}": const_name(graph, tensor) for part, tensor in parts}
    return {name: node for name, node in names.items() if node}


def units_of(graph: Graph, node: str) -> int:
    """How many units a layer's weights give it; 0 where that cannot be told."""
    found = site(graph, node)
    kernel = graph.constant(found.kernel) if found is not None else None
    if kernel is None and found is not None:
        name = const_name(graph, found.kernel)
        kernel = graph.constant(name) if name else None
    if kernel is None or kernel.ndim < 2:
        return 0
    swapped = found.op.flag("transpose_b") or found.op.flag("adj_y")
    return int(kernel.shape[-2 if swapped else -1])


def placeholders(graph: Graph) -> list[dict[str, Any]]:
    """What the graph reads: [{name, dtype, shape}], the most image-like first; shape None where it is unknown."""
    found = []
    for node in graph.nodes.values():
        if node.op in ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"):
            shape = graph_def.shape_of(node.attr["shape"].shape) if "shape" in node.attr else None
            dtype = graph_def.NAMES.get(node.type("dtype"), "unknown")
            found.append({"name": node.name, "dtype": dtype, "shape": None if shape is None else list(shape)})
    return sorted(found, key=lambda item: -_image_likeness(item["shape"]))


def _image_likeness(shape: list[int] | None) -> int:
    if not shape:  # an old graph says () where it does not know
        return 1
    return 2 if len(shape) in (4, 5) else 1 if len(shape) in (2, 3) else 0


def layout_of(shape: list[int] | None) -> str:
    """``NCHW`` where an input's shape says that its channels come first, else ``NHWC``."""
    if shape and len(shape) >= 4:
        height, width, channels = shape[-3:]
        if 0 < height <= 16 and width > 16 and channels > 16:
            return "NCHW"
    return "NHWC"


def find_network(graph: Graph) -> NetworkSpec | None:
    """The layers between the graph's image and its outputs, roles guessed from names and from what reads them.

    None where no input leads to a layer with weights. Roles are guesses: the card decides.
    """
    for item in placeholders(graph)[:8]:
        products = _products(graph, item["name"])
        if products:
            ends = _ends(graph, products)
            layers = _named(graph, ends, item["name"])
            if layers:
                scale = (0.0, 255.0) if takes_bytes(graph, item) else (0.0, 1.0)
                return NetworkSpec(
                    tuple(layers), input_range=scale, input=item["name"], input_layout=layout_of(item["shape"])
                )
    return None


def takes_bytes(graph: Graph, item: dict[str, Any]) -> bool:
    """Whether an input (of ``placeholders``) takes 0–255: its type is uint8, or the graph divides it itself."""
    return item["dtype"] == "uint8" or _divides(graph, item["name"])


def _divides(graph: Graph, entry: str) -> bool:
    """Whether the graph itself divides its input by 255 (or 256) before the first layer."""
    before = graph.reached([entry], lambda node: node.op in graph_ops.ALLOWED - graph_ops.WEIGHTED - graph_ops.SIZES)
    for name in before:
        node = graph.nodes[name]
        if node.op in ("Div", "RealDiv", "Mul") and not any(
            producer(x) in graph.nodes and graph.nodes[producer(x)].op in graph_ops.WEIGHTED for x in node.inputs
        ):
            numbers = [array for array in map(graph.constant, node.inputs) if array is not None and array.size == 1]
            factor = float(numbers[0].ravel()[0]) if numbers else 0.0
            if 250 <= factor <= 260 and node.op != "Mul" or 250 <= 1 / (factor or 1) <= 260 and node.op == "Mul":
                return True
    return False


def _products(graph: Graph, entry: str) -> list[Node]:
    """The weighted operations that the input reaches, without those of training and of target networks."""

    def follow(node: Node) -> bool:
        return node.op in graph_ops.ALLOWED and node.op not in graph_ops.SIZES and not _BACKWARD.search(node.name)

    reached = graph.reached([entry], follow)
    nodes = [
        graph.nodes[name] for name in reached
        if graph.nodes[name].op in graph_ops.WEIGHTED and len(graph.nodes[name].inputs) == 2
        and producer(graph.nodes[name].inputs[1]) in graph.constants
    ]  # fmt: skip
    online = [node for node in nodes if not _TARGET.search(node.name)]
    return (online or nodes)[:MAX_LAYERS]


def _ends(graph: Graph, products: Iterable[Node]) -> dict[str, Node]:
    """{the node that ends a layer, after bias and activation: its product}."""
    ends: dict[str, Node] = {}
    for product in products:
        current = last = product
        for _ in range(16):
            following = _next(graph, current)
            if following is None:
                break
            current = following
            if current.op in _AFFINE or current.op in graph_ops.NORMS:
                last = current
            if current.op in graph_ops.ACTIVATIONS:
                last = current
                break
        ends.setdefault(last.name, product)
    return ends


def _next(graph: Graph, node: Node) -> Node | None:
    """The one operation that still belongs to the layer of ``node``; None at its end."""
    readers = [graph.nodes[name] for name in graph.consumers[node.name]]
    readers = [r for r in readers if r.op not in graph_ops.SIZES and not _BACKWARD.search(r.name)]
    if len(readers) != 1:
        return None
    reader = readers[0]
    if reader.op in _AFFINE:
        return reader if len(data_inputs(graph, reader)) == 1 and len(reader.inputs) > 1 else None
    inside = reader.op in ("Identity", "Cast", "Reshape", "Squeeze") or reader.op in graph_ops.NORMS
    inside = inside or reader.op in graph_ops.ACTIVATIONS and "oftmax" not in reader.op
    return reader if inside else None


def _named(graph: Graph, ends: dict[str, Node], entry: str) -> list[LayerSpec]:
    """Layers in the order of computation, with names, roles and what feeds them."""
    heads = list(_heads(graph, ends))
    known = dict.fromkeys([*ends, *(name for name, _ in heads)])
    order = [node.name for node in graph.order([*known], [entry]) if node.name in known]
    names = _short_names(graph, order, ends)
    sources = {name: _feeding(graph, name, known, entry) for name in order}
    read = {feeder for fed in sources.values() for feeder in fed}
    roles = _roles(graph, order, dict(heads), read)
    layers, before = [], ""
    for name in order:
        fed = tuple(names[feeder] for feeder in order if feeder in sources[name])
        if not fed and layers:
            fed = (before,)  # a card cannot say "the observation" of a later layer
        source = None if not fed or fed == (before,) else fed[0] if len(fed) == 1 else fed
        before = names[name]
        layers.append(LayerSpec(before, "graph", node=name, role=roles.get(name, ""), source=source))
    return layers


def _heads(graph: Graph, ends: dict[str, Node]) -> Iterator[tuple[str, str]]:
    """(node, role) of what the graph itself picks actions from: what an argmax, a softmax or a draw reads."""
    below = graph.reached(ends, lambda node: node.op in graph_ops.ALLOWED and not _BACKWARD.search(node.name))
    drawn = graph.reached([n.name for n in graph.nodes.values() if n.op in graph_ops.RANDOM], lambda node: True)
    for name in below:
        reader = graph.nodes[name]
        role = {"ArgMax": "q", "Softmax": "logits", "LogSoftmax": "logits", "Multinomial": "logits"}.get(reader.op)
        if role is None or _TARGET.search(name):
            continue
        node = graph.source_of(reader.inputs[0], ("Identity", "Reshape"))
        if node is not None and node.op in ("Add", "AddV2", "Sub") and node.name in drawn:
            node = next((graph.nodes[producer(x)] for x in node.inputs if producer(x) not in drawn), None)  # Gumbel-max
            role = "logits"
        if node is not None and node.op not in ("Softmax", "LogSoftmax") and (node.name in ends or node.name in below):
            yield node.name, role


def _roles(graph: Graph, order: list[str], heads: dict[str, str], read: set[str]) -> dict[str, str]:
    """{node: role}: one head that picks actions, one value."""
    outputs = [name for name in order if name not in read]
    sizes = {name: units_of(graph, name) for name in order}
    texts = {name: " ".join((name, *_passed_on(graph, name))) for name in outputs}
    picks = [name for name in outputs if name in heads] or [name for name in outputs if sizes[name] != 1]
    values = [name for name in outputs if sizes[name] == 1 and name not in picks]
    roles = {}
    if picks:
        named = [name for name in picks if _POLICY.search(texts[name]) or _Q.search(texts[name])]
        pick = (named or picks)[0]
        greedy = _Q.search(texts[pick]) or heads.get(pick) == "q" and not values and not _POLICY.search(texts[pick])
        roles[pick] = "q" if greedy and heads.get(pick) != "logits" else "logits"
    if values:
        roles[next((name for name in values if _VALUE.search(texts[name])), values[0])] = "value"
    return roles


def _passed_on(graph: Graph, name: str) -> list[str]:
    """The names under which a node's output goes on: of the Identity nodes and the like that read it."""
    return list(graph.reached([name], lambda node: node.op in ("Identity", "IdentityN", "Squeeze", "Reshape")))[:16]


def _feeding(graph: Graph, name: str, known: Iterable[str], entry: str) -> set[str]:
    """The nearest layers that a layer reads."""
    found, seen, waiting = set(), set(), list(graph.nodes[name].inputs)
    while waiting:
        node = producer(waiting.pop())
        if node in seen or node == entry or node not in graph.nodes:
            continue
        seen.add(node)
        if node in known:
            found.add(node)
        elif graph.nodes[node].op not in graph_ops.SIZES:
            waiting.extend(graph.nodes[node].inputs)
    return found


def _short_names(graph: Graph, order: Iterable[str], ends: dict[str, Node]) -> dict[str, str]:
    """{node: a name for the layer}: the last part of its scope, else its kind and a number; each once."""
    taken: set[str] = set()
    names, numbers = {}, {"conv": 0, "dense": 0, "head": 0}
    for node in order:
        product = ends.get(node)
        kind = "head" if product is None else "conv" if product.op in graph_ops.CONVOLUTIONS else "dense"
        numbers[kind] += 1
        scope = node.rpartition("/")[2]
        if product is not None:  # "model/c1/Conv2D" is c1; an operation without a scope is called as its weights are
            weights = const_name(graph, product.inputs[1])
            scope = (
                product.name.rpartition("/")[0] if _same_scope(product.name, weights) else weights.rpartition("/")[0]
            )
        text = re.sub(r"[^A-Za-z0-9._-]+", "_", scope.rpartition("/")[2]).strip("_")
        if not text or _CALL.match(text):
            text = f"{kind}{numbers[kind]}"
        name, number = text, 1
        while name in taken:
            number += 1
            name = f"{text}_{number}"
        taken.add(name)
        names[node] = name
    return names


def _same_scope(product: str, weights: str) -> bool:
    """Whether the product stands deeper than the network as a whole: at least as deep as its weights."""
    return not weights or product.count("/") >= weights.count("/")


def head_units(graph: Graph, node: str) -> int:
    """How many units an output has, from the nearest weights behind it; 0 where they do not say.

    Of a sum of streams (dueling) the largest counts. A constant vector that multiplies the numbers on their way is the
    support of a distribution (C51): there are that many numbers for each unit.
    """
    found, atoms, seen, waiting = 0, 1, set(), [node]
    while waiting:
        current = graph.nodes.get(waiting.pop(0))
        if current is None or current.name in seen or current.op in graph_ops.SIZES:
            continue
        seen.add(current.name)
        if current.op in graph_ops.WEIGHTED:
            found = max(found, units_of(graph, current.name))
            continue
        for tensor in current.inputs if current.op == "Mul" else ():
            array = graph.constant(tensor)
            if array is not None and array.ndim and 1 < array.size == array.shape[-1]:
                atoms = array.size
        waiting.extend(producer(tensor) for tensor in current.inputs)
    return found // atoms if found % atoms == 0 else 0
