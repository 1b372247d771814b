"""The dense and recurrent layers of a network behind its convolutions, and its outputs."""

from __future__ import annotations

from zoo_gui.agents.inference.arrays import Module
from zoo_gui.agents.inference.roles import Heads
from zoo_gui.agents.inference.builder import QUANTILES, Builder
from zoo_gui.agents.inference.wiring import Node
from zoo_gui.agents.network_spec import LayerSpec


def add_vectors(builder: Builder, heads: Heads, used: set[str]) -> None:
    """All that is not a convolution: hidden layers, then the outputs that ``heads`` says."""
    embedding = next((node for node in builder.wiring.vectors if node.embeds), None)
    nodes = [node for node in builder.wiring.vectors if node.path in used and not node.embeds]
    streams = {node.stream for node in nodes if node.path not in (heads.action, heads.value)}
    joined = False
    for node in nodes:
        if node.path in (heads.action, heads.value):
            continue
        if embedding and not joined and _joins(node, embedding, builder):
            _embed(builder, embedding, node.source)
            joined = True
        stream = node.stream if len(streams) > 1 and node.stream else ""
        builder.at[node.path] = _hidden(builder, node, f"{stream}_fc".strip("_"), joined)
    by_path = {node.path: node for node in nodes}
    if embedding and not joined and _joins(by_path[heads.action], embedding, builder):
        _embed(builder, embedding, by_path[heads.action].source)
        joined = True
    if joined:
        return _implicit(builder, by_path[heads.action])
    _heads(builder, heads, by_path)


def _joins(node: Node, embedding: Node, builder: Builder) -> bool:
    """Whether a layer reads the product of features and embedded fractions."""
    return node.module.inputs == embedding.module.outputs and node.source in builder.at


def _source(builder: Builder, node: Node) -> str | None:
    return builder.at.get(node.source)


def _hidden(builder: Builder, node: Node, name: str, as_conv: bool) -> str:
    if node.module.kind != "dense":
        return _recurrent(builder, node)
    activation = builder.choices.hidden
    plain = "linear" if node.norms else activation
    spec = _dense(name, node.module, _source(builder, node), plain, as_conv)
    return builder.norms(node, builder.add(spec, node.module), activation)


def _dense(
    name: str, module: Module, source: str | None, activation: str = "linear", as_conv: bool = False, **keys
) -> LayerSpec:
    """A dense layer, or of an IQN the same for each fraction: a convolution of kernel 1×1."""
    size = {"filters": module.outputs} if as_conv else {"units": module.outputs}
    kind = "conv" if as_conv else "dense"
    return LayerSpec(name, kind, activation=activation, source=source, bias="bias" in module.parts, **size, **keys)


def _recurrent(builder: Builder, node: Node) -> str:
    """A GRU or LSTM. Keras's GRU says by its bias whether it resets after the product; TensorFlow 1's LSTM has one
    kernel for input and state, its gates in the order i, g, f, o, and adds 1 to the forget gate (BasicLSTMCell)."""
    module = node.module
    keys = {"gates": module.gates} if module.gates else {}
    bias = builder.shapes.get(module.parts.get("bias", ""), ())
    if module.kind == "gru" and builder.choices.framework == "tensorflow":
        keys["reset_after"] = len(bias) == 2
    if module.parts["kernel"] == module.parts["recurrent_kernel"]:
        keys |= {"gates": "igfo", "forget_bias": 1.0}
    spec = LayerSpec(module.kind, module.kind, units=module.outputs, source=_source(builder, node),
                     bias="bias" in module.parts, **keys)  # fmt: skip
    return builder.norms(node, builder.add(spec, module), "linear")


def _embed(builder: Builder, embedding: Node, source: str) -> None:
    """Cosines of the fractions, embedded, times the features; ``at[source]`` is then the product."""
    features = builder.at[source]
    if source.startswith("map:"):
        features = builder.add(LayerSpec("features", "flatten", source=features))
    cosine = LayerSpec("fractions", "cosine", units=embedding.module.inputs, quantiles=QUANTILES, source=features,
                       first=builder.choices.first)  # fmt: skip
    name = builder.add(cosine)
    name = builder.add(_dense("embedding", embedding.module, name, "relu", True), embedding.module)
    builder.at[source] = builder.add(LayerSpec("product", "multiply", source=(name, features)))


def _implicit(builder: Builder, action: Node) -> None:
    """An IQN's Q-values: the mean over fractions of the returns."""
    name = builder.add(_dense("returns", action.module, _source(builder, action), "linear", True), action.module)
    builder.add(LayerSpec("q", "mean", role="q", source=name))


def _heads(builder: Builder, heads: Heads, nodes: dict[str, Node]) -> None:
    action, value = nodes[heads.action], nodes.get(heads.value)
    if heads.kind == "dueling" and value:
        return _dueling(builder, heads, action, value)
    if heads.kind == "sigmoid":
        name = builder.add(_dense("logit", action.module, _source(builder, action)), action.module)
        builder.add(LayerSpec("policy", "complement", role="logits", source=name))
        return None
    if heads.atoms > 1:
        name = "returns" if heads.categorical else "quantiles"
        name = builder.add(_dense(name, action.module, _source(builder, action)), action.module)
        _expectation(builder, heads, name)
    else:
        name, role = ("q", "q") if heads.kind == "q" else ("policy", "logits")
        builder.add(_dense(name, action.module, _source(builder, action), role=role), action.module)
    if value and value.module.outputs == 1:
        builder.add(_dense("value", value.module, _source(builder, value), role="value"), value.module)
    return None


def _dueling(builder: Builder, heads: Heads, action: Node, value: Node) -> None:
    for name, node in (("value", value), ("advantage", action)):
        builder.at[name] = builder.add(_dense(name, node.module, _source(builder, node)), node.module)
    source, centre = (builder.at["value"], builder.at["advantage"]), builder.choices.centre
    if heads.atoms == 1:
        builder.add(LayerSpec("q", "dueling", role="q", source=source, centre=centre))
        return
    name = "returns" if heads.categorical else "quantiles"
    _expectation(builder, heads, builder.add(LayerSpec(name, "dueling", source=source, centre=centre)))


def _expectation(builder: Builder, heads: Heads, source: str) -> None:
    support = builder.choices.support if heads.categorical else None
    spec = LayerSpec("q", "expectation", units=heads.actions, role="q", source=source, support=support,
                     atoms_first=builder.choices.atoms_first)  # fmt: skip
    builder.add(spec)
