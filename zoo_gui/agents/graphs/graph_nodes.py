"""A TensorFlow graph as nodes that are read but not run: who feeds whom, what is constant. No TensorFlow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def, graph_ops
from zoo_gui.types import ZooError

MAX_NODES = 100_000


@dataclass(frozen=True)
class Node:
    """One operation. inputs: tensors, ``name`` for output 0, ``name:1`` for others; without control inputs.

    attr: {name: Attr message}.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attr: Mapping[str, Any] = field(repr=False)

    def text(self, name: str, default: str = "") -> str:
        """A text attribute, for example ``data_format``."""
        value = self.attr.get(name)
        return value.s.decode("utf-8", "replace") if value is not None and value.s else default

    def numbers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers, for example ``strides``; () without it."""
        value = self.attr.get(name)
        return tuple(value.list.i) if value is not None else ()

    def flag(self, name: str, default: bool = False) -> bool:
        """An attribute that is true or false."""
        value = self.attr.get(name)
        return default if value is None else bool(value.b)

    def type(self, name: str) -> int:
        """A DataType; 0 without it."""
        value = self.attr.get(name)
        return 0 if value is None else value.type

    @property
    def channels_first(self) -> bool:
        """Whether the operation reads maps as NCHW."""
        return self.text("data_format") == "NCHW"


def producer(tensor: str) -> str:
    """The name of the node that a tensor comes from."""
    return tensor.partition(":")[0]


def tensor_name(text: str) -> str:
    """``a:0`` as ``a``: one name for each tensor."""
    name, _, port = text.partition(":")
    return name if port in ("", "0") else f"{name}:{port}"


class Graph:
    """The nodes of a GraphDef by name, in the file's order. Raises ZooError where it contradicts itself.

    source: the file's name, for errors.
    """

    def __init__(self, definition: Any, source: str):
        self.source = source
        if len(definition.node) > MAX_NODES:
            raise ZooError(f"{source} is refused: its graph has more than {MAX_NODES:,} nodes.")
        self.nodes: dict[str, Node] = {}
        for node in definition.node:
            inputs = tuple(tensor_name(name) for name in node.input if not name.startswith("^"))
            if not node.name or node.name in self.nodes:
                raise ZooError(f"{source} is damaged: two nodes of its graph are called “{node.name[:80]}”.")
            self.nodes[node.name] = Node(node.name, node.op, inputs, graph_def.attributes(node))
        self._constants: dict[str, np.ndarray] = {}

    @classmethod
    def parse(cls, data: bytes, source: str) -> "Graph":
        """The graph of a serialised GraphDef. Raises ZooError."""
        return cls(graph_def.parse("Graph", data, source), source)

    @cached_property
    def consumers(self) -> dict[str, list[str]]:
        """{node: the nodes that read one of its outputs}, in the file's order."""
        readers: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for name in dict.fromkeys(map(producer, node.inputs)):
                if name in readers:
                    readers[name].append(node.name)
        return readers

    def order(self, wanted: Iterable[str], leaves: Iterable[str] = ()) -> list[Node]:
        """The nodes that compute these tensors, each after those that feed it; ``leaves`` are given and not entered.

        Raises ZooError for a tensor of no node and for a circle.
        """
        leaves, done, path = set(leaves), {}, set()
        stack = [(name, False) for name in reversed(list(wanted))]
        while stack:
            tensor, left = stack.pop()
            name = producer(tensor)
            if left:
                path.discard(name)
                done[name] = self.nodes[name]
            elif tensor not in leaves and name not in done:
                if name not in self.nodes:
                    raise ZooError(f"{self.source} is damaged: its graph has no node “{name[:80]}”, which it reads.")
                if name in path:
                    self._refuse_circle(path)
                path.add(name)
                stack.append((name, True))
                stack.extend((fed, False) for fed in reversed(self.nodes[name].inputs))
        return list(done.values())

    def _refuse_circle(self, path: Iterable[str]) -> None:
        """Raise ZooError for a path that comes back to itself: TensorFlow 1's loops do, and damaged files."""
        node = next((self.nodes[name] for name in sorted(path) if self.nodes[name].op in graph_ops.LOOPS), None)
        if node is not None:
            raise ZooError(graph_ops.refusal(node.op, node.name, self.source))
        raise ZooError(f"{self.source} is damaged: its graph runs in a circle at {min(path)[:80]}.")

    def constant(self, tensor: str) -> np.ndarray | None:
        """The array behind a tensor where it is a Const, seen through Identity and Cast; else None. Raises ZooError."""
        node = self.source_of(tensor)
        if node is None or node.op != "Const" or "value" not in node.attr:
            return None
        if node.name not in self._constants:
            self._constants[node.name] = graph_def.array(node.attr["value"].tensor, node.name, self.source)
        return self._constants[node.name]

    def source_of(self, tensor: str, through: Iterable[str] = ("Identity", "Snapshot", "StopGradient")) -> Node | None:
        """The node behind a tensor, seen through those that pass their input on; None where there is none."""
        node = self.nodes.get(producer(tensor))
        for _ in range(len(self.nodes)):
            if node is None or node.op not in through or not node.inputs:
                return node
            node = self.nodes.get(producer(node.inputs[0]))
        return None

    def reached(self, starts: Iterable[str], follow: Callable[[Node], bool]) -> dict[str, None]:
        """The nodes downstream of ``starts`` (without them) that ``follow`` lets through, in order of discovery."""
        found: dict[str, None] = {}
        waiting = deque(starts)
        while waiting:
            for name in self.consumers.get(waiting.popleft(), ()):
                if name not in found and follow(self.nodes[name]):
                    found[name] = None
                    waiting.append(name)
        return found

    @cached_property
    def constants(self) -> frozenset[str]:
        """The nodes that depend on constants alone: on no placeholder, variable, file or chance."""
        unknown = [
            node.name for node in self.nodes.values()
            if node.op != "Const" and (not node.inputs or node.op not in graph_ops.ALLOWED - graph_ops.RANDOM)
        ]  # fmt: skip
        return frozenset(self.nodes) - set(unknown) - set(self.reached(unknown, lambda node: True))


def check_allowed(nodes: Iterable[Node], source: str) -> None:
    """Raise ZooError, naming it, where one of these is no numerical operation."""
    for node in nodes:
        if node.op not in graph_ops.ALLOWED:
            raise ZooError(graph_ops.refusal(node.op, node.name, source))
