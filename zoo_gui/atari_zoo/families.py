"""What the zoo's models say of themselves, and ours in the same words. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Sequence

from zoo_gui.agents.card import Card
from zoo_gui.agents.graphs.graph_families import FAMILIES, Family
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.network_spec import RECURRENT
from zoo_gui.play.rollout import representation_layer
from zoo_gui.types import LayerInfo

SIZES = (32, 64, 64, 512)
"""Units of the zoo's hidden layers: all its networks are those of Mnih et al. 2015."""
LAST_RUN = {"rainbow": 5}
"""Runs are 1 to 3, of some algorithms more."""
STYLES = {"zoo-tf": "tf", "zoo-np": "np", "dopamine": "dopamine"}


@dataclass(frozen=True)
class Facts:
    """A model's class attributes. nodes: {our layer: what it is called in ``layers`` and in the graph}."""

    layers: list[dict[str, Any]]
    weights: list[dict[str, str]]
    nodes: dict[str, str]
    kernels: dict[str, str]
    additional_layers: dict[str, dict[str, Any]] = field(default_factory=dict)
    input_name: str = "X_t"
    image_value_range: tuple[float, float] = (0, 1)
    input_scale: float = 1.0
    channel_order: str = "NHWC"
    preprocess_style: str = ""
    image_shape: tuple[int, int, int] = (84, 84, 4)
    samples: bool = False


def family_of(algorithm: str) -> Family | None:
    """The zoo's family of an algorithm, or None."""
    return next((family for family in FAMILIES if family.name == algorithm), None)


def last_run(algorithm: str) -> int:
    """The number of the last run that the zoo published."""
    return LAST_RUN.get(algorithm, 3)


def facts_of_family(family: Family, actions: int) -> Facts:
    """Of the zoo's own graphs, by their tables."""
    convs = [layer for layer in family.layers if layer.kernel]
    head = next(layer for layer in family.layers if layer.role in ("logits", "q"))
    hidden = next(layer for layer in family.layers if layer.name in ("fc", "state_value"))
    main = [*convs, hidden, head]
    layers = [{"type": "conv" if layer.kernel else "dense", "name": layer.node, "size": size}
              for layer, size in zip(main, (*SIZES, actions))]  # fmt: skip
    others = {layer.name: {"type": "dense", "name": layer.node, "size": _size(layer.name, actions)}
              for layer in family.layers if layer not in main}  # fmt: skip
    return Facts(
        layers, [{"name": layer.kernel} for layer in convs], {layer.name: layer.node for layer in family.layers},
        {f"{layer.name}/kernel": layer.kernel for layer in convs}, others, family.input[0],
        (0, 255) if family.high == 255.0 else (0, 1), family.high, "NCHW" if family.name == "apex" else "NHWC",
        STYLES[family.preprocessing], samples=family.rule == "sample",
    )  # fmt: skip


def _size(name: str, actions: int) -> int:
    """Units of the layers that the zoo does not count as such."""
    return {"value": 1, "c51": actions * 51, "action_value": 512}[name]


def facts_of_card(card: Card, layers: Sequence[LayerInfo] = ()) -> Facts:
    """Of an agent of ours: the layers with a non-linearity or a memory that lead to its output, and the output.

    layers: the agent's, of a network that runs as its file's graph.
    """
    shape = card.preprocessing.observation_shape
    infos = {info.name: info for info in layers or Layout(card.network, shape, card.preprocessing.stack).layers}
    names = _way(card, layers)
    rows = {name: {"type": "conv" if len(info.shape) == 3 else "dense", "name": name, "size": info.units}
            for name, info in infos.items()}  # fmt: skip
    convs = [layer.name for layer in card.network.layers if layer.kind == "conv"]
    return Facts(
        [rows[name] for name in names], [{"name": f"{name}/kernel"} for name in convs], {name: name for name in rows},
        {f"{name}/kernel": f"{name}/kernel" for name in convs},
        {name: row for name, row in rows.items() if name not in names}, image_shape=shape, preprocess_style="card",
        samples=card.actions.rule == "sample",
    )  # fmt: skip


def _way(card: Card, layers: Sequence[LayerInfo]) -> list[str]:
    """Names of the layers from the observation to the representation, and the output."""
    network = card.network
    fed = {layer.name: sources for layer, sources in network.wired()}
    specs = {layer.name: layer for layer in network.layers}
    head = next(layer.name for layer in network.layers if layer.role in ("logits", "q"))
    name: str | None = representation_layer(network, layers)
    way = []
    while name is not None:
        if specs[name].activation != "linear" or specs[name].kind in (*RECURRENT, "graph"):
            way.append(name)
        name = fed[name][0] if fed[name] else None
    return [*reversed(way), head]
