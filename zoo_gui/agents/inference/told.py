"""A network that the file itself describes (Keras, ONNX, Stable-Baselines3, graphs): what it leaves open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo_gui.agents.formats import Checkpoint
from zoo_gui.agents.inference import overrides, roles
from zoo_gui.agents.inference.board import Board
from zoo_gui.agents.inference.geometry import SIZES
from zoo_gui.agents.inference.naming import Clue
from zoo_gui.agents.inference.observation import Input
from zoo_gui.agents.inference.roles import POLICY_METHODS, Q_METHODS
from zoo_gui.agents.network_spec import NetworkSpec
from zoo_gui.types import ZooError

SHAPE_KEYS = ("input_shape", "observation_shape", "obs_shape")


def complete(board: Board, checkpoint: Checkpoint, algorithm: str, name: str = "") -> tuple[NetworkSpec, Input, int]:
    """(the network with roles, what it takes, the number of actions, 0 where that is not known). name: of the file."""
    network = _with_roles(board, checkpoint.network, algorithm, name)
    low, high = network.input_range
    scales = [Clue((low, high), 0.85 if (low, high) == (0.0, 1.0) else 0.95, "the file's own structure says so")]
    if checkpoint.facts.get("scaled_inside"):
        scales = [Clue((low, high), 0.95, "the network scales its input itself")]
    elif (low, high) == (0.0, 1.0):
        scales.append(Clue((0.0, 255.0), 0.12, "some feed bytes as they are"))
    low, high = board.decide("network.input_range", scales)
    taken = _input(board, network, checkpoint)
    order = network.frame_order
    if taken.channels not in (0, 1, 3):
        orders = [Clue(order, 0.75, "most stack the newest frame last"), Clue("newest-first", 0.2, "some put it first")]
        order = board.decide("network.frame_order", orders)
    flatten = board.decide("network.flatten", [Clue(network.flatten, 0.97, "the file's own structure says so")])
    network = replace(network, input_range=(float(low), float(high)), frame_order=order, flatten=flatten)
    network = replace(network, layers=overrides.layers(network.layers, board.choices))
    return network, taken, _actions(network, checkpoint)


def _with_roles(board: Board, network: NetworkSpec, algorithm: str, name: str) -> NetworkSpec:
    """The network whose outputs are a policy or Q-values, as the board decides."""
    layers = list(network.layers)
    fed = {name for _, sources in network.wired() for name in sources}
    heads = [i for i, layer in enumerate(layers) if layer.role in ("logits", "q")]
    units = network.units()
    if not heads:
        ends = [i for i, layer in enumerate(layers) if layer.name not in fed and units[layer.name] != 1]
        heads = ends[:1]
    if not heads:
        return network
    has_value = any(layer.role == "value" for layer in layers)
    told = layers[heads[0]].role
    # no softmax and no value is a weaker sign than a softmax or a value
    kinds = {"logits": [("policy", 0.8)], "q": [("q", 0.7)]}.get(told, [])
    clues = [Clue(kind, sure, "the file's own structure suggests it") for kind, sure in kinds]
    if algorithm in POLICY_METHODS or has_value:
        clues.append(Clue("policy", 0.9, f"{algorithm or 'an actor with a value'} learns a policy"))
    if algorithm in Q_METHODS:
        clues.append(Clue("q", 0.95, f"{algorithm} learns Q-values"))
    named = roles.by_word(name)
    if named is not None:
        clues.append(Clue(*named))
    clues += [Clue("policy", 0.3, "the other possibility"), Clue("q", 0.31, "the other possibility")]
    best = {clue.value: clue for clue in sorted(clues, key=lambda clue: clue.confidence)}
    kind = board.decide("outputs", best.values())
    if kind not in ("policy", "q"):
        raise ZooError(f"This file's outputs are “policy” or “q”, not “{kind}”.")
    layers[heads[0]] = replace(layers[heads[0]], role="q" if kind == "q" else "logits")
    return replace(network, layers=tuple(layers))


def _actions(network: NetworkSpec, checkpoint: Checkpoint) -> int:
    head = next((layer.name for layer in network.layers if layer.role in ("logits", "q")), "")
    count = network.units().get(head, 0)
    told = checkpoint.facts.get("actions") or checkpoint.facts.get("n_actions") or 0
    return int(count or (told if isinstance(told, (int, float)) else 0))


def _input(board: Board, network: NetworkSpec, checkpoint: Checkpoint) -> Input:
    """What the first layer takes: as the file says, else the usual size that fits the arrays."""
    told = [checkpoint.facts.get(key) for key in SHAPE_KEYS]
    told += [item.get("shape") for item in checkpoint.facts.get("inputs", ()) if isinstance(item, Mapping)]
    shape = next((shape for shape in told if _is_shape(shape)), None)
    if shape is not None:
        shape = [int(side) for side in shape]
        shape = shape[-3:]
        if len(shape) == 1:
            return Input(None, 0, shape[0])
        if len(shape) == 2:
            shape = [*shape, 1]
        first = checkpoint.facts.get("input_axes") == "CHW" or network.input_layout == "NCHW" or shape[0] < shape[-1]
        height, width, channels = (shape[1], shape[2], shape[0]) if first else shape
        return Input((height, width), channels)
    if network.is_graph:
        return Input((84, 84), 4)
    channels = _channels(network, checkpoint)
    size = next((size for size in SIZES if channels and _fits(network, checkpoint, (*size, channels))), None)
    return Input(size, channels)


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and 0 < len(value) < 5 and all(
        isinstance(side, (int, float)) and side > 0 for side in value[-3:]
    )


def _channels(network: NetworkSpec, checkpoint: Checkpoint) -> int:
    """Input channels of the first convolution: what is left of its kernel's size."""
    conv = next((layer for layer in network.layers if layer.kind == "conv"), None)
    array = checkpoint.arrays.get(_name(checkpoint.names, f"{conv.name}/kernel")) if conv else None
    return 0 if array is None else array.size // (conv.filters * math.prod(conv.kernel))


def _name(names: Mapping[str, Any], ours: str) -> str:
    name = names.get(ours, ours)
    return name if isinstance(name, str) else name[0]


def _fits(network: NetworkSpec, checkpoint: Checkpoint, shape: tuple[int, int, int]) -> bool:
    from zoo_gui.agents.layout import Layout

    try:
        shapes = Layout(network, shape).shapes
    except (ZooError, ValueError):
        return False
    arrays = {ours: checkpoint.arrays.get(_name(checkpoint.names, ours)) for ours in shapes if ours.endswith("/kernel")}
    return all(array is None or array.size == math.prod(shapes[ours]) for ours, array in arrays.items())
