"""What a card must satisfy beyond its keys and types; each check gives the fault in words, or None."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo_gui.agents.card import Card, LayerSpec

FORMAT = 1
RULES = ("sample", "argmax", "epsilon")
ROLES = ("", "logits", "q", "value")
ACTIVATIONS = ("linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ID_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def fault(card: Card) -> str | None:
    """The first thing that is wrong with the card, or None."""
    checks = (_check_identity, _check_layers, _check_preprocessing, _check_actions, _check_weights)
    return next(filter(None, (check(card) for check in checks)), None)


def _check_identity(card: Card) -> str | None:
    if card.format != FORMAT:
        return f"its format is {card.format}, and this program reads format {FORMAT}"
    for key in ("algorithm", "game"):
        if not _ID_PART.fullmatch(getattr(card, key)):
            return f"{key} “{getattr(card, key)}” must be letters and digits without spaces or slashes"
    if card.tag and not _ID_PART.fullmatch(card.tag):
        return f"tag “{card.tag}” must be letters and digits without spaces or slashes"
    return None if card.run >= 0 else f"run is {card.run}, and runs count from 0"


def _check_layers(card: Card) -> str | None:
    network = card.network
    if not network.layers:
        return "network has no layers"
    if network.flatten not in ("HWC", "CHW"):
        return f"network.flatten is “{network.flatten}”, not HWC or CHW"
    if network.input_range[0] == network.input_range[1]:
        return "network.input_range is empty"
    seen: set[str] = set()
    for layer in network.layers:
        fault = _layer_fault(layer, seen)
        if fault:
            return f"layer {layer.name}: {fault}"
        seen.add(layer.name)
    return None


def _layer_fault(layer: LayerSpec, seen: set[str]) -> str | None:
    if not _NAME.fullmatch(layer.name):
        return "a name is letters, digits, points, hyphens and underscores"
    if layer.name in seen:
        return "the name is used twice"
    if layer.source is not None and layer.source not in seen:
        return f"“from” names {layer.source}, which is no earlier layer"
    if layer.activation not in ACTIVATIONS:
        return f"activation “{layer.activation}” is none of {', '.join(ACTIVATIONS)}"
    if layer.role not in ROLES:
        return f"role “{layer.role}” is none of {', '.join(filter(None, ROLES))}"
    if layer.kind == "conv":
        return _conv_fault(layer)
    if layer.kind != "dense":
        return f"kind “{layer.kind}” is neither conv nor dense"
    if layer.units < 1:
        return f"units is {layer.units}, not 1 or more"
    return "filters belong to a conv layer" if layer.filters else None


def _conv_fault(layer: LayerSpec) -> str | None:
    if layer.filters < 1:
        return f"filters is {layer.filters}, not 1 or more"
    if min(*layer.kernel, *layer.stride) < 1:
        return "kernel and stride must be 1 or more"
    if layer.padding not in ("VALID", "SAME"):
        return f"padding “{layer.padding}” is neither VALID nor SAME"
    if layer.role:
        return "an output must be a dense layer"
    return "units belong to a dense layer" if layer.units else None


def _check_preprocessing(card: Card) -> str | None:
    spec = card.preprocessing
    if spec.color not in ("gray", "rgb"):
        return f"preprocessing.color is “{spec.color}”, not gray or rgb"
    if spec.stack_init not in ("zeros", "repeat"):
        return f"preprocessing.stack_init is “{spec.stack_init}”, not zeros or repeat"
    if min(spec.frame_skip, spec.max_last, spec.stack, spec.max_episode_frames, *spec.size) < 1 or spec.noop_max < 0:
        return "preprocessing holds a number below its least value"
    if max(*spec.size, spec.stack) > 1024:
        return "preprocessing asks for an observation larger than 1024"
    if spec.max_last > spec.frame_skip:
        return f"preprocessing.max_last ({spec.max_last}) is more than frame_skip ({spec.frame_skip})"
    if spec.crop and (min(spec.crop[:2]) < 0 or min(spec.crop[2:]) < 1):
        return "preprocessing.crop must be [top, left, height, width] inside the screen"
    return None if 0.0 <= spec.sticky < 1.0 else "preprocessing.sticky must be at least 0 and below 1"


def _check_actions(card: Card) -> str | None:
    actions = card.actions
    if actions.rule not in RULES:
        return f"actions.rule is “{actions.rule}”, not one of {', '.join(RULES)}"
    if not 0.0 <= actions.epsilon <= 1.0:
        return f"actions.epsilon is {actions.epsilon}, not between 0 and 1"
    heads = [layer for layer in card.network.layers if layer.role in ("logits", "q")]
    if len(heads) != 1:
        return f"the network has {len(heads)} layers with role logits or q, and needs exactly one"
    if heads[0].units != len(actions.names):
        return f"layer {heads[0].name} has {heads[0].units} units but actions.names has {len(actions.names)} names"
    values = [layer for layer in card.network.layers if layer.role == "value"]
    if len(values) > 1 or any(layer.units != 1 for layer in values):
        return "the role value belongs to one layer of one unit"
    return None


def _check_weights(card: Card) -> str | None:
    name = card.weights.file
    if not name or Path(name).name != name or name in (".", "..") or "\\" in name:
        return f"weights.file “{name}” must be a file name beside the card, without folders"
    if not re.fullmatch(r"[0-9a-fA-F]{64}", card.weights.sha256):
        return "weights.sha256 must be 64 hexadecimal digits"
    return None
