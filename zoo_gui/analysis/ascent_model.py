"""An agent's network as ``lucid.render`` wants its models. TensorFlow is imported by who passes it in."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

LARGE_CONSTANT = 16_384  # bytes, of a constant in the graph


class Model:
    """Something that writes an agent's layers into the default graph, for ``count`` observations at once.

    layers: names of those that are read; pre: before their non-linearity. Large constants become variables (``load``
    fills them). Why: TensorFlow keeps a constant about eight times (node definitions and kernels of every callable),
    55 MB for each dense layer's session instead of 7.
    """

    labels = None

    def __init__(self, v1: Any, agent: Any, layers: Sequence[str], pre: bool, count: int = 1):
        self._v1, self._agent, self._layers, self._pre, self._count = v1, agent, tuple(layers), pre, count
        self._weights: list[tuple[Any, np.ndarray]] = []  # (placeholder, value) to assign
        self._assign: list[Any] = []

    def import_graph(self, t_input: Any, scope: str = "import", forget_xy_shape: bool = True) -> None:
        """Write the network under ``scope``; the shapes stay known, because dense layers need them."""
        v1 = self._v1
        shape = (self._count, *self._agent.observation_shape)
        self.network_input = v1.placeholder_with_default(t_input, shape, "network_input")
        definition = _ending_in(self._layers, self._definition(shape))
        inputs = {"x": self.network_input}
        for node in definition.node:
            if node.op == "Const" and node.ByteSize() > LARGE_CONSTANT:
                inputs[node.name] = self._variable(node)
        v1.import_graph_def(definition, inputs, name=scope)

    def _definition(self, shape: tuple[int, ...]) -> Any:
        """The network from a placeholder ``x`` to one operation named after each layer, as a GraphDef."""
        v1 = self._v1
        with v1.Graph().as_default() as graph:
            x = v1.placeholder(v1.float32, shape, "x")
            with v1.name_scope("network"):
                layers = self._agent.taps(x, pre=self._pre)
            for info in self._agent.layers:  # what a stranger's graph computes may have lost its shape
                if info.name in self._layers:
                    v1.ensure_shape(layers[info.name], (self._count, *info.shape), name=info.name)
        return graph.as_graph_def()

    def _variable(self, constant: Any) -> Any:
        """A variable for the Const node, whose value leaves the graph."""
        v1 = self._v1
        value = v1.make_ndarray(constant.attr["value"].tensor)
        variable = v1.Variable(v1.zeros(value.shape, value.dtype), trainable=False, collections=[])
        placeholder = v1.placeholder(value.dtype, value.shape)
        self._assign.append(v1.assign(variable, placeholder).op)
        self._weights.append((placeholder, value))
        constant.op = "Placeholder"
        del constant.attr["value"]
        return variable.read_value()

    def load(self, session: Any) -> None:
        """Give the variables their values, once."""
        session.run(self._assign, dict(self._weights))
        self._weights.clear()


def _ending_in(layers: Sequence[str], definition: Any) -> Any:
    """The GraphDef with only the nodes that ``layers`` and the input ``x`` need."""
    nodes = {node.name: node for node in definition.node}
    wanted, waiting = {"x"}, list(layers)
    while waiting:
        name = waiting.pop().removeprefix("^").partition(":")[0]
        if name not in wanted:
            wanted.add(name)
            waiting.extend(nodes[name].input)
    kept = type(definition)(versions=definition.versions, library=definition.library)
    kept.node.extend(node for node in definition.node if node.name in wanted)
    return kept
