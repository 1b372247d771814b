"""What a card must satisfy beyond its keys and types; each check gives the fault in words, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
    units: dict[str, int] = {}  # of each earlier layer, 0 where it is a map
    for layer, fed in network.wired():
        fault = _layer_fault(layer, fed, units)
        if fault:
            return f"layer {layer.name}: {fault}"
        units[layer.name] = units[fed[1]] if layer.kind == "dueling" else layer.units
    return None


def _layer_fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int]) -> str | None:
    if not _NAME.fullmatch(layer.name):
        return "a name is letters, digits, points, hyphens and underscores"
    if layer.name in units:
        return "the name is used twice"
    if layer.source == ():
        return "“from” is an empty list: name the layers that feed it, or leave it out"
    unknown = [name for name in fed if name not in units]
    if unknown:
        return f"“from” names {unknown[0]}, which is no earlier layer"
    if layer.activation not in ACTIVATIONS:
        return f"activation “{layer.activation}” is none of {', '.join(ACTIVATIONS)}"
    if layer.role not in ROLES:
        return f"role “{layer.role}” is none of {', '.join(filter(None, ROLES))}"
    if layer.kind not in _KINDS:
        return f"kind “{layer.kind}” is none of {', '.join(_KINDS)}"
    if layer.filters and layer.kind != "conv":
        return "filters belong to a conv layer"
    if layer.support is not None and layer.kind != "expectation":
        return "support belongs to an expectation layer"
    return _KINDS[layer.kind](layer, fed, units)


def _conv_fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int]) -> str | None:
    if len(fed) > 1:
        return f"a conv layer reads one layer, and “from” names {len(fed)}"
    if layer.filters < 1:
        return f"filters is {layer.filters}, not 1 or more"
    if min(*layer.kernel, *layer.stride) < 1:
        return "kernel and stride must be 1 or more"
    if layer.padding not in ("VALID", "SAME"):
        return f"padding “{layer.padding}” is neither VALID nor SAME"
    if layer.role:
        return "an output must be a vector, not a map"
    return "units belong to a dense layer" if layer.units else None


def _dense_fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int]) -> str | None:
    if len(fed) > 1:
        return f"a dense layer reads one layer, and “from” names {len(fed)}"
    return f"units is {layer.units}, not 1 or more" if layer.units < 1 else None


def _dueling_fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int]) -> str | None:
    if len(fed) != 2:
        return "a dueling layer reads two layers: from = [the value, the advantages]"
    value, advantage = (units[name] for name in fed)
    if not value or advantage % value:
        return f"{fed[1]} has {advantage} units, which must be a multiple of the {value} of {fed[0]}"
    if layer.units not in (0, advantage):
        return f"units is {layer.units}, but {fed[1]} has {advantage}: leave units out"
    return None


def _expectation_fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int]) -> str | None:
    if len(fed) != 1:
        return f"an expectation layer reads one layer, and “from” names {len(fed)}"
    if layer.units < 1:
        return f"units is {layer.units}, not 1 or more"
    source = units[fed[0]]
    if source % layer.units:
        return f"{fed[0]} has {source} units, which must be a multiple of units, {layer.units}"
    if layer.support is not None and (source < 2 * layer.units or layer.support[0] >= layer.support[1]):
        return "support must be [lowest, highest] return, of two or more atoms for each unit"
    return None


def _weightless(check: Callable) -> Callable:
    """What holds for both kinds of layer that have no weights, before their own check."""

    def fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int]) -> str | None:
        maps = [name for name in fed if not units[name]]
        if maps:
            return f"{layer.kind} reads dense layers, and {maps[0]} is a conv layer"
        if layer.activation != "linear":
            return f"activation belongs to conv and dense layers, not to {layer.kind}"
        return check(layer, fed, units)

    return fault


_KINDS = {
    "conv": _conv_fault,
    "dense": _dense_fault,
    "dueling": _weightless(_dueling_fault),
    "expectation": _weightless(_expectation_fault),
}
"""Kind → its own check: (layer, the names of those that feed it, units of each earlier layer) → fault or None."""


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
    units = card.network.units()
    heads = [layer.name for layer in card.network.layers if layer.role in ("logits", "q")]
    if len(heads) != 1:
        return f"the network has {len(heads)} layers with role logits or q, and needs exactly one"
    if units[heads[0]] != len(actions.names):
        return f"layer {heads[0]} has {units[heads[0]]} units but actions.names has {len(actions.names)} names"
    values = [layer.name for layer in card.network.layers if layer.role == "value"]
    if len(values) > 1 or any(units[name] != 1 for name in values):
        return "the role value belongs to one layer of one unit"
    return None


def _check_weights(card: Card) -> str | None:
    name = card.weights.file
    if not name or Path(name).name != name or name in (".", "..") or "\\" in name:
        return f"weights.file “{name}” must be a file name beside the card, without folders"
    if card.weights.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", card.weights.sha256):
        return "weights.sha256 must be 64 hexadecimal digits"
    return None
