"""Which of a TensorFlow checkpoint's arrays are an agent's weights, and what they are called. No TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT = re.compile(
    r"(^|/)(Adam|AdamW|Adamax|Nadam|NAdam|RMSProp|Momentum|Adagrad|AdagradDA|Adadelta|Ftrl|AMSGrad|"
    r"ExponentialMovingAverage|LARSOptimizer|RMSPropApplier)(_\d+)?$"
)
_STATE = re.compile(
    r"(^|/)(beta[12]_power(_\d+)?|global_step|save_counter|optimizer\d*(/.*)?|\w*_?optimizer(/.*)?|"
    r"training/\w+/.*|Adam/.*|RMSprop/.*|adam/.*|rmsprop/.*|iter|iterations|learning_rate|decay)$"
)
_COPIES = (("Target/", "Online/"), ("target_q_func/", "q_func/"), ("target_network/", "online_network/"))
"""What a target network is called, and the network that it copies."""
_ORDER = ("gamma", "beta", "kernel", "recurrent_kernel", "bias", "moving_mean", "moving_variance")


def stripped(key: str) -> str:
    """A key of an object-based checkpoint without what TensorFlow puts behind each."""
    return key.removesuffix(SUFFIX)


def full_names(objects: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """{checkpoint key: the variable's own name, ``conv2d/kernel``} where no two variables share it.

    Two that are equal to the last bit are one: Keras 3's ``export`` writes each variable twice.
    """
    sharing: dict[str, list[str]] = {}
    for node in objects.nodes:
        for attribute in node.attributes:
            name = attribute.full_name.removesuffix(":0")
            if name and attribute.checkpoint_key in arrays:
                sharing.setdefault(name, []).append(attribute.checkpoint_key)
    found = {}
    for name, keys in sharing.items():
        first = arrays[keys[0]]
        if all(arrays[key].shape == first.shape and arrays[key].tobytes() == first.tobytes() for key in keys[1:]):
            found |= dict.fromkeys(keys, name)
    return found


def optimizer_keys(objects: Any) -> set[str]:
    """The keys of what belongs to an optimizer: its slots, and whatever hangs below an object of that name."""
    keys, below = set(), set()
    for node in objects.nodes:
        below |= {slot.slot_variable_node_id for slot in node.slot_variables}
        below |= {child.node_id for child in node.children if re.fullmatch(r"_?\w*optimizer\w*", child.local_name)}
        if node.slot_variables:
            below |= {
                child.node_id for child in node.children if child.local_name in ("iter", "decay", "learning_rate")
            }
    seen: set[int] = set()
    while below:
        number = below.pop()
        if number in seen or not 0 <= number < len(objects.nodes):
            continue
        seen.add(number)
        node = objects.nodes[number]
        keys |= {attribute.checkpoint_key for attribute in node.attributes}
        # Keras 3's optimizers keep their numbers in lists; a model that an optimizer points to is not its own
        below |= {
            child.node_id for child in node.children if child.local_name.isdigit() or child.local_name == "_variables"
        }
    return keys


def place(key: str, name: str) -> list:
    """A sort key that puts layer 10 after layer 9, a layer's kernel before its bias, and doubles last."""
    path = stripped(key)
    layer, _, part = path.rpartition("/")
    if part.isdecimal():  # numbered as Keras counts them: the order is told
        layer, part = path, ""
    part = part.lstrip("_")
    rank = _ORDER.index(part) if part in _ORDER else len(_ORDER) + (part in ("biases", "b"))
    return [key.startswith("_"), [(text, int(n or -1)) for text, n in re.findall(r"(\D*)(\d{0,9})", layer)], rank, name]


def is_training_state(name: str, names: Iterable[str]) -> bool:
    """Whether an array is an optimizer's or a moving average of another one."""
    slot = _SLOT.search(name)
    if slot and (name[: slot.start()] in names or slot.start() == 0):
        return True
    # an optimizer in a scope of its own: "optimizer/a2c/fc/weights/Adam"
    return bool(slot and slot.group(2) != "ExponentialMovingAverage") or bool(_STATE.search(name))


def is_copy(name: str, names: Iterable[str]) -> bool:
    """Whether an array is a target network's, and the file has that of the network itself."""
    return any(copy in name and name.replace(copy, own, 1) in names for copy, own in _COPIES)


def by_layer(names: Iterable[str]) -> dict[str, list[str]]:
    """{layer: its arrays in Keras's order} of names such as ``conv2d/kernel``; the layer is what stands in front."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.partition("/")[0], []).append(name)

    def rank(name: str) -> int:
        part = name.rpartition("/")[2]
        return _ORDER.index(part) if part in _ORDER else len(_ORDER)

    return {layer: sorted(arrays, key=rank) for layer, arrays in layers.items()}


def parse_objects(text: bytes, source: str) -> Any:
    """The object graph of a checkpoint, an empty one for b"". Raises ZooError."""
    return graph_def.parse("TrackableGraph", text, source)
