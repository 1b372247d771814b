"""What a card must satisfy beyond its keys and types; each check gives the fault in words, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo_gui.agents.card import Card, LayerSpec, Transform

FORMAT = 1
RULES = ("sample", "argmax", "epsilon")
ROLES = ("", "logits", "q", "value")
ACTIVATIONS = (
    "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "relu6", "selu", "gelu", "gelu_tanh", "silu", "softplus",
)  # fmt: skip
CONVENTIONS = ("", "pytorch", "tensorflow", "theano")
GREY_METHODS = ("weights", "dot", "mean", "opencv", "pil", "ale")
OPENINGS = ("vector-env", "noops", "envpool")
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
    if network.frame_order not in ("oldest-first", "newest-first"):
        return f"network.frame_order is “{network.frame_order}”, not oldest-first or newest-first"
    if network.input_layout not in ("NHWC", "NCHW"):
        return f"network.input_layout is “{network.input_layout}”, not NHWC or NCHW"
    if network.input_range[0] == network.input_range[1]:
        return "network.input_range is empty"
    if network.is_graph and (not network.input or any(layer.kind != "graph" for layer in network.layers)):
        return "a network of graph layers names its network.input and has no layers of another kind"
    earlier: set[str] = set()
    for layer, fed in network.wired():
        fault = _layer_fault(layer, fed, earlier)
        if fault:
            return f"layer {layer.name}: {fault}"
        earlier.add(layer.name)
    units, maps = network.units(), {layer.name for layer in network.layers if layer.kind in MAPS}
    faults = ((layer.name, _units_fault(layer, fed, units, maps)) for layer, fed in network.wired())
    return next((f"layer {name}: {fault}" for name, fault in faults if fault), None)


def _layer_fault(layer: LayerSpec, fed: tuple[str, ...], earlier: set[str]) -> str | None:
    if not _NAME.fullmatch(layer.name):
        return "a name is letters, digits, points, hyphens and underscores"
    if layer.name in earlier:
        return "the name is used twice"
    if layer.source == ():
        return "“from” is an empty list: name the layers that feed it, or leave it out"
    unknown = [name for name in fed if name not in earlier]
    if unknown:
        return f"“from” names {unknown[0]}, which is no earlier layer"
    if layer.role not in ROLES:
        return f"role “{layer.role}” is none of {', '.join(filter(None, ROLES))}"
    if layer.kind not in _KINDS:
        return f"kind “{layer.kind}” is none of {', '.join(_KINDS)}"
    least, most, keys = _KINDS[layer.kind]
    if not least <= max(len(fed), 1) <= most:
        many = {1: "one layer", 2: "two layers"}[least] if least == most else "two layers or more"
        return f"{_article(layer.kind)} layer reads {many}, and “from” names {len(fed)}"
    return _keys_fault(layer, keys) or _values_fault(layer)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _keys_fault(layer: LayerSpec, keys: tuple[str, ...]) -> str | None:
    """A key that says nothing of this kind of layer is a mistake, and one that it lacks too."""
    for key, (needed, is_set) in _BELONGS.items():
        value = getattr(layer, key)
        if key not in keys and is_set(value):
            return f"{key} belongs to {needed}, not to {layer.kind}"
    for key in ("filters", "units", "quantiles"):
        if key in keys and layer.kind != "dueling" and getattr(layer, key) < 1:
            return f"{key} is {getattr(layer, key)}, not 1 or more"
    return "node is missing" if "node" in keys and not layer.node else None


def _values_fault(layer: LayerSpec) -> str | None:
    if layer.activation not in ACTIVATIONS:
        return f"activation “{layer.activation}” is none of {', '.join(ACTIVATIONS)}"
    if min(*layer.kernel, *layer.stride) < 1:
        return "kernel and stride must be 1 or more"
    if isinstance(layer.padding, str):
        if layer.padding not in ("VALID", "SAME"):
            return f"padding “{layer.padding}” is neither VALID nor SAME"
    elif len(layer.padding) not in (2, 4) or min(layer.padding) < 0:
        return "padding must be VALID, SAME, [vertical, horizontal] or [top, bottom, left, right]"
    if layer.role and layer.kind in MAPS:
        return "an output must be a vector, not a map"
    if layer.over not in ("units", "all"):
        return f"over is “{layer.over}”, not units or all"
    if layer.gate_activation not in ("sigmoid", "hard_sigmoid"):
        return f"gate_activation is “{layer.gate_activation}”, not sigmoid or hard_sigmoid"
    if layer.centre not in ("mean", "max", "none"):
        return f"centre is “{layer.centre}”, not mean, max or none"
    order, _, rest = layer.gates.partition(" ")
    if layer.gates and (sorted(order) != sorted(GATES.get(layer.kind, "")) or rest not in ("", "interleaved")):
        return f"gates is “{layer.gates}”: name each of the gates {', '.join(GATES.get(layer.kind, ''))} once, in order"
    return "epsilon must be above 0" if layer.epsilon <= 0 else None


def _units_fault(layer: LayerSpec, fed: tuple[str, ...], units: Mapping[str, int], maps: set[str]) -> str | None:
    """What the numbers of units, and which layers are maps, say against a head."""
    before = [units[name] for name in fed]
    if layer.kind in ("dueling", "expectation", "complement") and maps.intersection(fed):
        return f"{layer.kind} reads dense layers, and {min(maps.intersection(fed))} is a map"
    if layer.kind == "dueling" and (not before[0] or before[1] % before[0]):
        return f"{fed[1]} has {before[1]} units, which must be a multiple of the {before[0]} of {fed[0]}"
    if layer.kind == "dueling" and layer.units not in (0, before[1]):
        return f"units is {layer.units}, but {fed[1]} has {before[1]}: leave units out"
    if layer.kind == "complement" and before != [1]:
        return f"it reads one unit, and {fed[0] if fed else 'the observation'} is not one"
    if layer.kind != "expectation" or not before or not before[0]:
        return None
    if before[0] % layer.units:
        return f"{fed[0]} has {before[0]} units, which must be a multiple of units, {layer.units}"
    if layer.support is not None and (before[0] < 2 * layer.units or layer.support[0] >= layer.support[1]):
        return "support must be [lowest, highest] return, of two or more atoms for each unit"
    return None


MAPS = ("conv", "maxpool", "avgpool", "cosine")
"""Kinds that give a map whatever feeds them."""
GATES = {"gru": "rzn", "lstm": "ifgo"}
"""The gates of each recurrent layer in our order."""
_MANY = 1 << 10
_GEOMETRY = ("kernel", "stride", "padding")
_KINDS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "conv": (1, 1, ("filters", *_GEOMETRY, "bias", "activation")),
    "dense": (1, 1, ("units", "bias", "activation")),
    "batchnorm": (1, 1, ("bias", "activation")),
    "layernorm": (1, 1, ("bias", "activation")),
    "gru": (1, 1, ("units", "bias", "gates")),
    "lstm": (1, 1, ("units", "bias", "gates")),
    "activation": (1, 1, ("activation",)),
    "add": (2, _MANY, ("activation",)),
    "multiply": (2, _MANY, ("activation",)),
    "concat": (2, _MANY, ()),
    "flatten": (1, 1, ()),
    "maxpool": (1, 1, _GEOMETRY),
    "avgpool": (1, 1, _GEOMETRY),
    "mean": (1, 1, ()),
    "dueling": (2, 2, ("units",)),
    "expectation": (1, 1, ("units", "support")),
    "cosine": (1, 1, ("units", "quantiles")),
    "complement": (1, 1, ()),
    "graph": (1, _MANY, ("node",)),
}
"""Kind → the least and greatest number of layers that it reads, and the keys that say something of it."""
_BELONGS: dict[str, tuple[str, Callable]] = {
    "filters": ("a conv layer", bool),
    "units": ("layers whose size is free", bool),
    "activation": ("conv, dense, norm, add, multiply and activation layers", lambda value: value != "linear"),
    "support": ("an expectation layer", lambda value: value is not None),
    "bias": ("conv, dense, norm and recurrent layers", lambda value: not value),
    "gates": ("gru and lstm layers", bool),
    "quantiles": ("a cosine layer", bool),
    "node": ("a graph layer", bool),
    "kernel": ("conv and pooling layers", lambda value: value != (1, 1)),
    "stride": ("conv and pooling layers", lambda value: value != (1, 1)),
}
"""Key → where it belongs, in words, and whether a value says something."""


def _check_preprocessing(card: Card) -> str | None:
    spec = card.preprocessing
    if spec.color not in ("gray", "rgb"):
        return f"preprocessing.color is “{spec.color}”, not gray or rgb"
    if spec.stack_init not in ("zeros", "repeat"):
        return f"preprocessing.stack_init is “{spec.stack_init}”, not zeros or repeat"
    if spec.opening not in OPENINGS:
        return f"preprocessing.opening is “{spec.opening}”, not one of {', '.join(OPENINGS)}"
    if min(spec.frame_skip, spec.max_last, spec.stack, spec.max_episode_frames, *spec.size) < 1 or spec.noop_max < 0:
        return "preprocessing holds a number below its least value"
    if max(*spec.size, spec.stack) > 1024:
        return "preprocessing asks for an observation larger than 1024"
    if spec.frame_skip_range and not 1 <= spec.frame_skip_range[0] <= spec.frame_skip_range[1] == spec.frame_skip:
        return "preprocessing.frame_skip_range must be [least, most] with frame_skip the most"
    least = spec.frame_skip_range[0] if spec.frame_skip_range else spec.frame_skip
    if spec.max_last > least:
        return f"preprocessing.max_last ({spec.max_last}) is more than frame_skip ({least})"
    if spec.crop and (min(spec.crop[:2]) < 0 or min(spec.crop[2:]) < 1):
        return "preprocessing.crop must be [top, left, height, width] inside the screen"
    if spec.running is not None and not 0.0 < spec.running < 1.0:
        return "preprocessing.running must be between 0 and 1"
    faults = (_transform_fault(transform) for transform in spec.transforms)
    fault = next(filter(None, faults), None)
    if fault:
        return f"preprocessing.transforms: {fault}"
    return None if 0.0 <= spec.sticky < 1.0 else "preprocessing.sticky must be at least 0 and below 1"


def _transform_fault(transform: Transform) -> str | None:
    op = transform.op
    if op not in OPS:
        return f"op “{op}” is none of {', '.join(OPS)}"
    missing = [key for key in OPS[op] if not getattr(transform, key)]
    if missing:
        return f"{op} needs {missing[0]}"
    if op == "grey" and (transform.method not in GREY_METHODS or len(transform.weights) not in (0, 3)):
        return f"grey needs a method ({', '.join(GREY_METHODS)}), and weights are three numbers"
    if op == "grey" and transform.method in ("weights", "dot") and not transform.weights:
        return "grey by weights needs weights = [red, green, blue]"
    if transform.rounding not in ("", "none", "floor", "round"):
        return f"rounding is “{transform.rounding}”, not none, floor or round"
    if transform.size and not 1 <= min(transform.size) <= max(transform.size) <= 1024:
        return "size must be between 1 and 1024"
    if min(transform.step) < 1 or transform.index not in (0, 1, 2):
        return "step counts from 1, and index is 0, 1 or 2"
    if transform.box and min(transform.box) < 0:
        return "box holds a negative number"
    return None


OPS: dict[str, tuple[str, ...]] = {
    "grey": ("method",), "channel": (), "crop": ("box",), "subsample": ("step",), "pad": ("box",),
    "resize": ("size", "method"), "stretch": (), "replace": ("values",), "threshold": (), "scale": ("factor",),
    "bytes": (), "float": (),
}  # fmt: skip
"""What a transform may do, and the keys that each needs."""


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
    if units[heads[0]] not in (0, len(actions.names)):  # 0: known when the graph is loaded
        return f"layer {heads[0]} has {units[heads[0]]} units but actions.names has {len(actions.names)} names"
    values = [layer.name for layer in card.network.layers if layer.role == "value"]
    if len(values) > 1 or any(units[name] > 1 for name in values):
        return "the role value belongs to one layer of one unit"
    return None


def _check_weights(card: Card) -> str | None:
    name = card.weights.file
    if not name or Path(name).name != name or name in (".", "..") or "\\" in name:
        return f"weights.file “{name}” must be a file name beside the card, without folders"
    if card.weights.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", card.weights.sha256):
        return "weights.sha256 must be 64 hexadecimal digits"
    if card.weights.convention not in CONVENTIONS:
        return f"weights.convention is “{card.weights.convention}”, not {', '.join(filter(None, CONVENTIONS))}"
    for ours, theirs in card.weights.names.items():
        texts = theirs if isinstance(theirs, (list, tuple)) else [theirs]
        if not texts or not all(isinstance(text, str) for text in texts):
            return f"weights.names: {ours} must be the name of an array of the file, or a list of names"
    if card.golden and (not card.golden.file or Path(card.golden.file).name != card.golden.file):
        return f"golden.file “{card.golden.file}” must be a file name beside the card, without folders"
    return None
