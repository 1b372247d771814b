"""TensorFlow graphs with their weights inside: a frozen GraphDef (``.pb``), as the Atari Zoo and Dopamine published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def, graph_families, graph_layers, graph_ops
from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.graphs.graph_freeze import inline
from zoo_gui.agents.graphs.graph_nodes import Graph, Node, check_allowed, producer
from zoo_gui.agents.reading.limits import Budget
from zoo_gui.agents.network_spec import NetworkSpec
from zoo_gui.types import ZooError

_OPERATION = re.compile(rb"[A-Za-z_][A-Za-z0-9_.>]{1,80}")


def kind_of(head: bytes) -> str:
    """``Graph``, ``MetaGraph`` or ``SavedModel`` from the beginning of a file; "" where it is none of them."""
    try:
        first = graph_def.fields(head, 2)
        if not first:
            return ""
        number, wire, content = first[0]
        if number == 1 and wire == 0 and content == b"\x01" and len(first) > 1 and first[1][:2] == (2, 2):
            return "SavedModel" if _inner_numbers(first[1][2]) <= {1, 2, 3, 4, 5, 6, 7} else ""
        if number != 1 or wire != 2:
            return ""
        inner = graph_def.fields(content, 2)
        if [field[:2] for field in inner] == [(1, 2), (2, 2)] and _OPERATION.fullmatch(inner[1][2]):
            return "Graph"
        if len(first) > 1 and first[1][:2] == (2, 2) and _inner_numbers(content) <= {1, 2, 3, 4, 5, 6, 7, 8}:
            return "MetaGraph"
        # the operations that a MetaGraph lists first are often longer than what was read
        long = len(content) + 16 > len(head) // 2 and inner and inner[0][0] == 2 and _inner_numbers(inner[0][2]) == {1}
        return "MetaGraph" if long else ""
    except graph_def.Malformed:
        return ""


def _inner_numbers(content: bytes) -> set[int]:
    return {field[0] for field in graph_def.fields(content, 4)}


def recognises(path: Path, head: bytes) -> int:
    """Nodes with a name and an operation, as protocol buffers write them."""
    return {"Graph": SURE, "MetaGraph": MAYBE}.get(kind_of(head), NO)


@register("tensorflow-graph", title="TensorFlow graph (.pb)", suffixes=(".pb", ".meta"), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """The constants of a frozen graph, and the graph. Raises ZooError for one that is damaged or not frozen."""
    data = read_bytes(path)
    kind = kind_of(data[:4096]) or "Graph"
    definition = graph_def.parse(kind, data, path.name)
    if kind == "SavedModel":
        raise ZooError(f"{path.name} is a SavedModel without its folder: open it where its “variables” lie beside it.")
    if kind == "MetaGraph":
        definition = definition.graph_def
    if not definition.node:
        raise ZooError(f"{path.name} holds no graph: it is damaged, or another kind of file.")
    return graph_checkpoint("tensorflow-graph", definition, path)


def read_bytes(path: Path) -> bytes:
    """A file that holds a graph. Raises ZooError where it is larger than any."""
    try:
        if path.stat().st_size > graph_def.MAX_GRAPH_BYTES:
            raise ZooError(f"{path.name} is too large for a graph: {graph_def.MAX_GRAPH_BYTES >> 20} MiB is the limit.")
        return path.read_bytes()
    except OSError as error:
        raise ZooError(f"{path.name} cannot be read: {error.strerror}.") from error


def graph_checkpoint(format: str, definition: Any, path: Path) -> Checkpoint:
    """What a GraphDef with its weights inside holds. Raises ZooError where what an agent would run may not run."""
    definition = inline(definition, path.name)
    graph = Graph(definition, path.name)
    network, facts = describe(graph)
    names: dict[str, str] = {}
    if network is not None:
        steps = graph.order([spec.node for spec in network.layers], [network.input])
        check_allowed(steps, path.name)
        names = graph_layers.array_names(graph, network)
    elif any(node.op in graph_ops.VARIABLES for node in graph.nodes.values()):
        variable = next(node for node in graph.nodes.values() if node.op in graph_ops.VARIABLES)
        raise ZooError(graph_ops.refusal(variable.op, variable.name, path.name))
    remarks = _remarks(steps) if network is not None else []
    if network is None:
        remarks.append("No input of the graph leads to layers with weights: name its input and its layers on the card.")
    if any(node.op in graph_ops.LOOPS for node in graph.nodes.values()):
        remarks.append("Its graph loops, as networks with memory do: what comes after a loop cannot be run.")
    arrays = weight_arrays(graph, network, path)
    names = {ours: theirs for ours, theirs in names.items() if theirs in arrays}
    return Checkpoint(
        format, arrays, "tensorflow", network, names, facts, tuple(remarks),
        definition.SerializeToString(deterministic=True),
    )  # fmt: skip


def _remarks(steps: list[Node]) -> list[str]:
    """What a person should know of how the graph will be run."""
    others = [node.name for node in steps if node.op in ("Placeholder", "PlaceholderV2")]
    remarks = [f"Its other inputs are given zeros: {', '.join(others[:4])[:200]}."] if others else []
    drawn = next((node.name for node in steps if node.op in graph_ops.RANDOM), "")
    return remarks + ([f"It draws random numbers as it runs ({drawn[:80]})."] if drawn else [])


def describe(graph: Graph) -> tuple[NetworkSpec | None, dict[str, Any]]:
    """(the network that the graph holds, what else it says): a family of the zoo by its names, else by walking."""
    found = graph_families.find_family(graph)
    facts: dict[str, Any] = {"inputs": graph_layers.placeholders(graph)}
    if found is None:
        network = graph_layers.find_network(graph)
    else:
        family, prefix = found
        network = graph_families.family_network(graph, family, prefix)
        facts |= {
            "family": family.name, "algorithm": family.name, "rule": family.rule, "preprocessing": family.preprocessing
        }  # fmt: skip
    if network is None:
        return None, facts
    shapes = (item["shape"] for item in facts["inputs"] if item["name"] == network.input or found is not None)
    shape = next((shape[-3:] for shape in shapes if shape and len(shape) > 2 and min(shape[-3:]) > 0), None)
    facts |= {"input_shape": shape} if shape else {}
    facts |= {"scaled_inside": True} if network.input_range == (0.0, 255.0) else {}
    read = {name for _, fed in network.wired() for name in fed}
    facts["outputs"] = [
        {
            "layer": spec.name,
            "node": spec.node,
            "units": graph_layers.head_units(graph, producer(spec.node)),
            "role": spec.role,
        }
        for spec in network.layers
        if spec.role or spec.name not in read
    ]
    head = next((spec for spec in network.layers if spec.role in ("logits", "q")), None)
    actions = graph_layers.head_units(graph, producer(head.node)) if head is not None else 0
    if actions:
        facts["actions"] = actions
    return network, facts


def weight_arrays(graph: Graph, network: NetworkSpec | None, path: Path) -> dict[str, np.ndarray]:
    """{the graph's name: array} of the constants with axes; of a known network, those it computes with."""
    nodes = graph.nodes.values()
    if network is not None:
        nodes = graph.order([spec.node for spec in network.layers], [network.input])
    budget, arrays = Budget(path), {}
    for node in nodes:
        if node.op != "Const" or "value" not in node.attr:
            continue
        tensor = node.attr["value"].tensor
        shape = graph_def.shape_of(tensor.tensor_shape)
        if tensor.dtype in (1, 2, 14, 19) and shape:
            budget.take(shape, 4, node.name)
            arrays[node.name] = graph_def.array(tensor, node.name, path.name)
    return arrays
