"""Agents as TensorFlow 1 graphs, for Lucid and for code that was written for the zoo. Imports TensorFlow.

The graph is made anew from what the agent computes: a file's own graph is never handed to TensorFlow's runtime.
"""

from __future__ import annotations

import types
from typing import Any, Mapping

import numpy as np

from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.types import ZooError

tensorflow = configure_tensorflow()
v1 = tensorflow.compat.v1


class _Notebook(types.ModuleType):
    """``tensorflow.compat.v1`` whose placeholders can be made outside a ``with tf.Graph()``, beside eager execution."""

    def __getattr__(self, name: str) -> Any:
        return getattr(v1, name)

    def placeholder(self, *arguments: Any, **named: Any) -> Any:
        """v1.placeholder in the default graph."""
        with v1.get_default_graph().as_default():
            return v1.placeholder(*arguments, **named)


tf = _Notebook("tf")


def get_session() -> Any:
    """A new session on a new default graph, as the zoo's notebooks begin."""
    v1.reset_default_graph()
    config = v1.ConfigProto()
    config.gpu_options.allow_growth = True
    with v1.get_default_graph().as_default():
        return v1.Session(config=config)


def graph_of(agent: Any, input_name: str, low: float, high: float, nodes: Mapping[str, str], first: bool) -> Any:
    """The agent's network as a GraphDef: from ``input_name``, float32 (N, h, w, C) in low–high, to ``nodes``.

    nodes: {our layer: its node's name}. first: whether maps come out as (N, C, H, W). The weights are constants.
    """
    with v1.Graph().as_default() as graph:
        try:
            _trace(agent, input_name, low, high, nodes, first, None)
        except ZooError:  # a graph that is made for one observation at a time
            return graph_of_one(agent, input_name, low, high, nodes, first)
    return graph.as_graph_def()


def graph_of_one(agent: Any, input_name: str, low: float, high: float, nodes: Mapping[str, str], first: bool) -> Any:
    """The same for exactly one observation."""
    with v1.Graph().as_default() as graph:
        _trace(agent, input_name, low, high, nodes, first, 1)
    return graph.as_graph_def()


def _trace(agent, input_name, low, high, nodes, first, count) -> None:
    x = v1.placeholder(tensorflow.float32, [count, *agent.observation_shape], name=input_name)
    with v1.name_scope("network"):
        taps = agent.taps((x - low) / (high - low) if (low, high) != (0, 1) else x)
    for layer, node in nodes.items():
        value = taps[layer]
        if first and value.shape.rank == 4:
            value = tensorflow.transpose(value, (0, 3, 1, 2))
        tensorflow.identity(value, name=node)


def name_constants(graph_def: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Give the constants that equal these arrays these names, so that code that looks for weights finds them."""
    renamed = {}
    for node in graph_def.node:
        if node.op != "Const":
            continue
        tensor = node.attr["value"].tensor
        shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
        for name, array in arrays.items():
            if shape == array.shape and name not in renamed.values() and tensor.tensor_content == array.tobytes():
                renamed[node.name] = name
                node.name = name
                break
    for node in graph_def.node:
        for place, source in enumerate(node.input):
            bare = source.removeprefix("^").partition(":")[0]
            if bare in renamed:
                node.input[place] = source.replace(bare, renamed[bare], 1)


def import_into(graph_def: Any, feeds: Mapping[str, Any], scope: str, graph: Any) -> None:
    """``tf.import_graph_def`` that minds the gradients which Lucid overrides: importing alone would not."""
    overrides = getattr(graph, "_gradient_override_map", {})
    if overrides:
        copy = type(graph_def)()
        copy.CopyFrom(graph_def)
        for node in copy.node:
            if node.op in overrides and "_gradient_op_type" not in node.attr:
                node.attr["_gradient_op_type"].s = overrides[node.op].encode()
        graph_def = copy
    v1.import_graph_def(graph_def, dict(feeds), name=scope)


def fitted(image: Any, shape: tuple[int, int, int]) -> Any:
    """An image (N, h, w, C) brought to the network's height and width: jitter and its like leave fewer pixels, which
    are made up for with zeros at the edges."""
    if tuple(image.shape[1:3]) == tuple(shape[:2]):
        return image
    image = tensorflow.image.resize_with_crop_or_pad(image, *shape[:2])
    return tensorflow.ensure_shape(image, [None, *shape])
