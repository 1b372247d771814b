"""The seven families of the Atari Zoo as graphs: by what names their nodes are known. No TensorFlow.

Source: the layers, weights and input nodes that atari_zoo's model_maker.py names (Such et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

from zoo_gui.agents.graphs import graph_layers
from zoo_gui.agents.graphs.graph_nodes import Graph
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec


@dataclass(frozen=True)
class FamilyLayer:
    """name: ours. node: the graph's. role: of an output. feeds: the layers that it reads, "": the one before.

    kernel: the node that holds the weights, "" where it is found by walking. optional: whether files lack it.
    """

    name: str
    node: str
    role: str = ""
    feeds: tuple[str, ...] = ()
    kernel: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Family:
    """input: the nodes that are fed, the first that exists. high: what 1 of the canonical input becomes. rule: how
    actions are picked. preprocessing: the pipeline that the zoo plays it with."""

    name: str
    layers: tuple[FamilyLayer, ...]
    input: tuple[str, ...] = ("X_t",)
    high: float = 1.0
    rule: str = "argmax"
    preprocessing: str = "zoo-tf"


def _convs(nodes: str, kernels: str, suffixes: tuple[str, ...]) -> tuple[FamilyLayer, ...]:
    return tuple(
        FamilyLayer(f"conv{i}", nodes.format(suffix), kernel=kernels.format(suffix))
        for i, suffix in enumerate(suffixes, 1)
    )


_123, _SLIM = ("1", "2", "3"), ("", "_1", "_2")
_SLIM_CONVS = _convs("Online/Conv{}/Relu", "Online/Conv{}/weights", _SLIM)
_APEX, _IMPALA = "deepq/q_func", "agent_1/agent/unroll"
FAMILIES: tuple[Family, ...] = (
    Family(
        "a2c",
        (
            *_convs("a2c/conv{}/Relu", "a2c/conv{}/weights", _123),
            FamilyLayer("fc", "a2c/fc/Relu"),
            FamilyLayer("policy", "a2c/policy/BiasAdd", "logits", ("fc",)),
            FamilyLayer("value", "a2c/value/BiasAdd", "value", ("fc",), optional=True),
        ),
        rule="sample",
    ),
    Family(
        "ga",
        (
            *_convs("ga/conv{}/relu", "ga/conv{}/w", _123),
            FamilyLayer("fc", "ga/fc/relu"),
            FamilyLayer("out", "ga/out/signal", "logits"),
        ),
    ),
    Family(
        "es",
        (
            *(FamilyLayer(f"conv{i}", f"es/layer{i}/Relu", kernel=f"es/layer{i}/conv{i}/w") for i in (1, 2, 3)),
            FamilyLayer("fc", "es/layer4/Relu"),
            FamilyLayer("out", "es/layer5/out/out", "logits"),
        ),
    ),
    Family(
        "apex",
        (
            *_convs(f"{_APEX}/convnet/Conv{{}}/Relu", f"{_APEX}/convnet/Conv{{}}/weights", _SLIM),
            FamilyLayer("action_value", f"{_APEX}/action_value/Relu", "", ("conv3",), optional=True),
            FamilyLayer("state_value", f"{_APEX}/state_value/Relu", "", ("conv3",)),
            FamilyLayer("q_values", f"{_APEX}/q_values", "q", ("action_value", "state_value")),
        ),
    ),
    Family(
        "impala",
        (
            *(
                FamilyLayer(
                    f"conv{i}", f"{_IMPALA}/batch_apply/convnet/Relu{suffix}",
                    kernel=f"agent/batch_apply/convnet/conv_2d{suffix}/w",
                )
                for i, suffix in enumerate(_SLIM, 1)
            ),
            FamilyLayer("fc", f"{_IMPALA}/batch_apply/Relu"),
            FamilyLayer("policy", f"{_IMPALA}/batch_apply_1/policy_logits/add", "logits", ("fc",)),
            FamilyLayer("value", f"{_IMPALA}/batch_apply_1/baseline/add", "value", ("fc",), optional=True),
        ),
        input=(f"{_IMPALA}/batch_apply/truediv",),
        rule="sample",
        preprocessing="zoo-np",
    ),
    Family(
        "rainbow",  # before dqn, whose nodes it has too
        (
            *_SLIM_CONVS,
            FamilyLayer("fc", "Online/fully_connected/Relu"),
            FamilyLayer("c51", "Online/fully_connected_1/BiasAdd", optional=True),
            FamilyLayer("q", "Online/Sum", "q"),
        ),
        ("Online/Cast", "Online/ToFloat"), 255.0, preprocessing="dopamine",
    ),
    Family(
        "dqn",
        (
            *_SLIM_CONVS,
            FamilyLayer("fc", "Online/fully_connected/Relu"),
            FamilyLayer("q", "Online/fully_connected_1/BiasAdd", "q"),
        ),
        ("Online/Cast", "Online/ToFloat"), 255.0, preprocessing="dopamine",
    ),
)  # fmt: skip


def find_family(graph: Graph) -> tuple[Family, str] | None:
    """The family whose nodes the graph has, and what stands before their names (``import/`` or nothing); or None."""
    for family in FAMILIES:
        last = "/" + family.layers[0].node
        prefixes = ["", *(name[: -len(last) + 1] for name in graph.nodes if name.endswith(last))]
        for prefix in prefixes[:16]:
            needed = [layer.node for layer in family.layers if not layer.optional]
            fed = any(prefix + name in graph.nodes for name in family.input)
            if fed and all(prefix + node in graph.nodes for node in needed):
                return family, prefix
    return None


def family_network(graph: Graph, family: Family, prefix: str) -> NetworkSpec:
    """The family's network in this graph: its layers with the graph's own names."""
    there = [layer for layer in family.layers if prefix + layer.node in graph.nodes]
    names = {layer.name for layer in there}
    layers = []
    for layer in there:
        fed = tuple(name for name in layer.feeds if name in names)
        source = None if not fed else fed[0] if len(fed) == 1 else fed
        layers.append(LayerSpec(layer.name, "graph", node=prefix + layer.node, role=layer.role, source=source))
    entry = next(prefix + name for name in family.input if prefix + name in graph.nodes)
    item = next((item for item in graph_layers.placeholders(graph) if item["name"] == entry), {})
    high = 255.0 if item and graph_layers.takes_bytes(graph, item) else family.high
    order = graph_layers.layout_of(item.get("shape"))
    return NetworkSpec(tuple(layers), input_range=(0.0, high), input=entry, input_layout=order)
