"""Making a graph whole: its functions written out in place, its variables replaced by their values. No TensorFlow.

Nothing is run: nodes are copied, renamed and replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def, graph_ops
from zoo_gui.agents.graphs.graph_nodes import MAX_NODES
from zoo_gui.types import ZooError

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
MAX_DEPTH = 24
_OUTPUTS = {
    "TopK": ("values", "indices"), "TopKV2": ("values", "indices"), "Switch": ("output_false", "output_true"),
    "Merge": ("output", "value_index"),
}  # fmt: skip
"""Names of the outputs of operations that have several; functions name them, graphs count them."""
_NORM_OUTPUTS = ("y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3")


def inline(definition: Any, source: str, outputs: Mapping[str, str] | None = None) -> Any:
    """The GraphDef with the bodies of functions in place of the calls. Raises ZooError where they call without end.

    outputs: {name: tensor}, each is added as a node ``outputs/name``.
    """
    functions = {function.signature.name: function for function in definition.library.function}
    if not outputs and not any(_is_call(node, functions) for node in definition.node):
        return definition
    result = graph_def.new("Graph")
    result.versions.CopyFrom(definition.versions)
    scopes = [_Scope("", definition.node, None, {}, None)]
    written = 0
    for scope in scopes:  # grows while it is gone through
        for node in scope.nodes:
            written += 1
            if written > MAX_NODES:
                raise ZooError(f"{source} is refused: written out, its graph has more than {MAX_NODES:,} nodes.")
            if _is_call(node, functions):
                scopes.append(scope.called(node, functions, source))
    for scope in scopes:
        for node in scope.nodes:
            if node.name not in scope.calls:
                copy = result.node.add()
                copy.CopyFrom(node)
                copy.name = scope.prefix + node.name
                inputs = [scope.resolve(name, source) for name in node.input if not name.startswith("^")]
                del copy.input[:]
                copy.input.extend(inputs)
    for name, tensor in (outputs or {}).items():
        result.node.add(name=f"outputs/{name}", op="Identity").input.append(scopes[0].resolve(tensor, source))
    return result


def _is_call(node: Any, functions: Mapping[str, Any]) -> bool:
    return node.op in CALLS or node.op in functions


class _Scope:
    """A function's body where it is called, or the graph itself.

    prefix: of its nodes' names outside. arguments: {its input: the tensor in ``outer``}. calls: {node: scope}.
    """

    def __init__(self, prefix: str, nodes: Sequence[Any], outer: "_Scope | None", arguments: dict, function: Any):
        self.prefix, self.nodes, self.outer, self.arguments, self.function = prefix, nodes, outer, arguments, function
        self.calls: dict[str, _Scope] = {}
        self.depth = 0 if outer is None else outer.depth + 1
        self._ops = {node.name: node.op for node in nodes}

    def called(self, node: Any, functions: Mapping[str, Any], source: str) -> "_Scope":
        """The scope of a call's function. Raises ZooError where there is none, or calls are nested too deeply."""
        name = node.op
        if name in CALLS:
            name = next((entry.value.func.name for entry in node.attr if entry.key == "f"), "")
        function = functions.get(name)
        if function is None:
            raise ZooError(f"{source} is damaged: its graph calls a function that it lacks ({node.name[:80]}).")
        if self.depth >= MAX_DEPTH:
            raise ZooError(f"{source} is refused: the functions of its graph call each other without end.")
        given = [tensor for tensor in node.input if not tensor.startswith("^")]
        arguments = dict(zip((argument.name for argument in function.signature.input_arg), given))
        prefix = f"{self.prefix}{node.name}/"
        if any(other.startswith(f"{node.name}/") for other in self._ops):
            prefix = f"{self.prefix}{node.name}_call/"
        self.calls[node.name] = _Scope(prefix, function.node_def, self, arguments, function)
        return self.calls[node.name]

    def resolve(self, tensor: str, source: str) -> str:
        """The tensor's name in the graph that is written. Raises ZooError where it leads nowhere."""
        scope = self
        for _ in range(4 * MAX_DEPTH * MAX_DEPTH):
            name, _, rest = tensor.partition(":")
            if scope.outer is not None and name in scope.arguments:
                tensor, scope = scope.arguments[name], scope.outer
            elif name in scope.calls:
                index = rest.rpartition(":")[2]
                inner = scope.calls[name]
                tensor, scope = inner.output(_number(index), source), inner
            else:
                return scope.prefix + name + self._port(scope, name, rest)
        raise ZooError(f"{source} is damaged: a tensor of its functions ({tensor[:80]}) comes from itself.")

    def output(self, index: int, source: str) -> str:
        """The tensor of the body that is output ``index`` of the call."""
        names = [argument.name for argument in self.function.signature.output_arg]
        ends = {entry.key: entry.value for entry in self.function.ret}
        if index >= len(names) or names[index] not in ends:
            raise ZooError(f"{source} is damaged: a function of its graph lacks output {index}.")
        return ends[names[index]]

    @staticmethod
    def _port(scope: "_Scope", name: str, rest: str) -> str:
        """``:1`` for output 1: graphs count outputs, functions write ``batch_mean:0``."""
        named, _, index = rest.rpartition(":")
        op = scope._ops.get(name, "")
        names = _NORM_OUTPUTS if op.startswith("FusedBatchNorm") else _OUTPUTS.get(op, ())
        number = _number(index) + (names.index(named) if named in names else 0)
        return f":{number}" if number else ""


def restored(definition: Any) -> dict[str, str]:
    """{variable's node: the key of a checkpoint that the graph's own restoring would read into it}.

    For graphs without calls: see ``inline``.
    """
    nodes = {node.name: node for node in definition.node}
    found = {}
    for node in definition.node:
        if node.op in ("AssignVariableOp", "Assign") and len(node.input) > 1:
            keys, port = _restored_from(nodes, node.input[1])
            variable = node.input[0].partition(":")[0]
            if port < len(keys) and variable in nodes:
                found[variable] = keys[port].decode("utf-8", "replace")
    return found


def _restored_from(nodes: Mapping[str, Any], tensor: str) -> tuple[Sequence[bytes], int]:
    """(the keys that a RestoreV2 behind this tensor reads, which of them the tensor is); () where there is none."""
    for _ in range(8):
        fed = nodes.get(tensor.partition(":")[0])
        if fed is None or len(fed.input) < 1:
            break
        if fed.op == "RestoreV2" and len(fed.input) > 1:
            listed = nodes.get(fed.input[1].partition(":")[0])
            texts = [entry.value.tensor.string_val for entry in listed.attr if entry.key == "value"] if listed else []
            return (texts[0] if texts else ()), _number(tensor.partition(":")[2])
        if fed.op not in ("Identity", "Cast"):
            break
        tensor = fed.input[0]
    return (), 0


def _number(text: str) -> int:
    """The number of an output, 0 where none is written."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def freeze(definition: Any, values: Mapping[str, Sequence[np.ndarray]]) -> tuple[Any, list[str]]:
    """(the GraphDef with constants in place of the variables that ``values`` has, the names of the others).

    values: {variable: its arrays}, several where variables share a name, in the order in which the graph has them.
    """
    result = graph_def.new("Graph")
    result.versions.CopyFrom(definition.versions)
    used: dict[str, int] = {}
    missing = []
    for node in definition.node:
        copy = result.node.add()
        if node.op in graph_ops.VARIABLES:
            name = _variable_name(node)
            arrays = values.get(name) or values.get(node.name)
            if arrays:
                place = min(used.get(name, 0), len(arrays) - 1)
                used[name] = place + 1
                write_constant(copy, node.name, arrays[place])
                continue
            missing.append(node.name)
        copy.CopyFrom(node)
        if node.op == "ReadVariableOp":
            copy.op = "Identity"
    result.library.CopyFrom(definition.library)
    for function in result.library.function:
        for node in function.node_def:
            if node.op == "ReadVariableOp":
                node.op = "Identity"
    return result, missing


def write_constant(node: Any, name: str, values: np.ndarray) -> None:
    """Make an empty node the constant of these numbers."""
    node.name, node.op = name, "Const"
    tensor = graph_def.tensor(values)
    node.attr.add(key="dtype").value.type = tensor.dtype
    node.attr.add(key="value").value.tensor.CopyFrom(tensor)


def _variable_name(node: Any) -> str:
    """The name that a checkpoint has for it: a resource's own, else the node's."""
    if node.op == "VarHandleOp":
        for entry in node.attr:
            if entry.key == "shared_name" and entry.value.s:
                return entry.value.s.decode("utf-8", "replace")
    return node.name
