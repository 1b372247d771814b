"""A Keras model's own description (config) → NetworkSpec: Keras 1 to 3, Sequential and functional. No TensorFlow.

The description is data from a stranger's file: code in it (the bytes of a Lambda) is never decoded. What it cannot be
read for is said in ``remarks``, and ``network`` is then None. Source: the ``get_config`` of Keras 1.2, 2.3, TensorFlow
2.4 to 2.15 and Keras 3, and files that they wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zoo_gui.agents.reading.graph_builder import Builder, Layer, Unreadable, Value, finished
from zoo_gui.agents.reading.keras_table import apply
from zoo_gui.agents.network_spec import NetworkSpec

CONTAINERS = ("Sequential", "Functional", "Model", "Network", "Graph")
MAX_LAYERS = 2000
MAX_NESTED = 8


@dataclass(frozen=True)
class KerasModel:
    """What a model's description says.

    network: with the roles that the outputs seem to have; None where a layer cannot be read (a remark says which).
    weights: {our ``layer/part``: (path of the Keras layer, numbers of its weights in Keras's order)}; several numbers:
    weights that are joined along the units. variables: {path of a Keras layer: how many trainable weights, how many
    others}. layers: every layer as (path, class name), in the model's order; a path is the names from the outermost
    container in. facts: plain data.
    """

    network: NetworkSpec | None
    weights: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = field(default_factory=dict)
    variables: Mapping[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    layers: tuple[tuple[tuple[str, ...], str], ...] = ()
    remarks: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_model(config: Any, backend: str = "") -> KerasModel:
    """The structure that a model's config ({"class_name", "config"}, parsed JSON) describes. Never raises for bad data.

    backend: ``theano`` where the file says so: its padding SAME is symmetric.
    """
    builder = Builder(backend)
    try:
        layers = tuple(_listed(config, ()))
    except (Unreadable, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return KerasModel(None, remarks=("Its model's description is damaged, so only its arrays are given.",))
    try:
        outputs = _model(builder, config, None, (), 0)
        network = finished(builder, outputs)
    except Unreadable as error:
        return KerasModel(None, {}, builder.variables, layers, (*builder.remarks, str(error)), builder.facts)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OverflowError):
        remark = "Its model's description lacks what it should say of a layer, so the structure is not known."
        return KerasModel(None, {}, builder.variables, layers, (*builder.remarks, remark), builder.facts)
    kept = {layer.name for layer in network.layers}
    weights = {name: theirs for name, theirs in builder.weights.items() if name.rpartition("/")[0] in kept}
    return KerasModel(network, weights, builder.variables, layers, tuple(builder.remarks), builder.facts)


def _layers_of(config: Mapping) -> list[Mapping]:
    """The layers of a container: a list by itself until Keras 2.2, else under ``layers``."""
    inner = config["config"]
    layers = inner if isinstance(inner, list) else inner["layers"]
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise Unreadable(f"Its model has more than {MAX_LAYERS} layers, so the structure is not read.")
    return layers


def layer_name(entry: Mapping) -> str:
    """The layer's name; functional models say it beside the config, Sequential ones inside."""
    inner = entry.get("config")
    name = entry.get("name") or (inner.get("name") if isinstance(inner, Mapping) else None)
    return str(name or entry["class_name"])


def _listed(entry: Mapping, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every layer below a container, wrapped ones after their wrapper."""
    if len(path) > MAX_NESTED:
        raise Unreadable("Its model is nested too deeply.")
    for layer in _layers_of(entry):
        inner = (*path, layer_name(layer))
        yield inner, str(layer["class_name"])
        wrapped = layer["config"].get("layer") if isinstance(layer.get("config"), Mapping) else None
        if layer["class_name"] in CONTAINERS:
            yield from _listed(layer, inner)
        elif isinstance(wrapped, Mapping):
            yield (*inner, layer_name(wrapped)), str(wrapped["class_name"])
            if wrapped["class_name"] in CONTAINERS:
                yield from _listed(wrapped, (*inner, layer_name(wrapped)))


def _model(builder: Builder, entry: Mapping, inputs: list[Value] | None, path: tuple, depth: int) -> list[Value]:
    """The outputs of a container; ``inputs`` None: it is the outermost one."""
    if depth > MAX_NESTED:
        raise Unreadable("Its model is nested too deeply, so the structure is not read.")
    if not isinstance(entry["config"], list) and "input_layers" in entry["config"]:
        return _functional(builder, entry["config"], inputs, path, depth)
    if entry["class_name"] not in CONTAINERS:
        raise Unreadable(f"Its model is a class of its author's ({entry['class_name']}): the structure is not known.")
    return _sequential(builder, entry, inputs, path, depth)


def _sequential(builder, entry, inputs, path, depth) -> list[Value]:
    layers = _layers_of(entry)
    value = inputs[0] if inputs else None
    if value is None:
        inner = entry["config"]
        built = inner.get("build_input_shape") if isinstance(inner, Mapping) else None
        value = builder.input("", _input_shape(layers[0]) or (built and _shape(built)))
    for layer in layers:
        if layer["class_name"] != "InputLayer":
            (value,) = _call(builder, layer, [value], {}, path, depth, "")
    return [value]


def _input_shape(layer: Mapping) -> tuple | None:
    """The shape without the batch that a layer says its input has."""
    inner = layer["config"]
    if isinstance(inner, Mapping):
        for key in ("batch_input_shape", "batch_shape"):
            if inner.get(key):
                return _shape(inner[key])
        if inner.get("input_dim"):
            return (inner["input_dim"],)
    if layer["class_name"] in CONTAINERS:
        return _input_shape(_layers_of(layer)[0])
    wrapped = inner.get("layer")
    return _input_shape(wrapped) if isinstance(wrapped, Mapping) else None


def _shape(shape: Any) -> tuple:
    return tuple(shape[1:]) if isinstance(shape, (list, tuple)) else ()


def _functional(builder, config, inputs, path, depth) -> list[Value]:
    """Each call of each layer, once what feeds it is known."""
    entries = {layer_name(entry): entry for entry in _layers_of({"config": config})}
    calls = {(name, index): _call_of(node) for name, entry in entries.items()
             for index, node in enumerate(entry.get("inbound_nodes") or [])}  # fmt: skip
    outputs = [reference[:2] for reference in _references(config["output_layers"])]
    used = Counter(key for arguments, _ in calls.values() for key in arguments if isinstance(key, tuple))
    used.update(outputs)
    values: dict[tuple[str, int], Value] = {}
    for index, (name, *_) in enumerate(_references(config["input_layers"])):
        shape = _input_shape(entries[name])
        values[name, 0] = inputs[index] if inputs else builder.input(name, shape)
    while calls:
        ready = [key for key, (fed, _) in calls.items() if all(a in values for a in fed if isinstance(a, tuple))]
        if not ready:
            break
        for key in ready:
            arguments, settings = calls.pop(key)
            arguments = [values[a] if isinstance(a, tuple) else a for a in arguments]
            repeat = f"_{key[1] + 1}" if key[1] else ""
            found = _call(builder, entries[key[0]], arguments, settings, path, depth, repeat)
            values[key] = replace(found[0], shared=found[0].shared or used[key] > 1)
    missing = [name for name, index in outputs if (name, index) not in values]
    if missing:
        raise Unreadable(f"Its output {missing[0]} is fed by a layer that is not there, so the structure is not known.")
    return [values[key] for key in outputs]


def _call(builder, entry, arguments, settings, path, depth, repeat) -> list[Value]:
    """The outputs of one layer, or of a model used as a layer."""
    name = layer_name(entry)
    if entry["class_name"] in CONTAINERS:
        values = [argument for argument in arguments if isinstance(argument, Value)]
        found = _model(builder, entry, values, (*path, name), depth + 1)
        if len(found) != 1:
            raise Unreadable(f"Its part {name} has several outputs, so the structure is not known.")
        return found
    wrapped = entry["config"].get("layer")
    if entry["class_name"] == "TimeDistributed" and isinstance(wrapped, Mapping):
        # Frame by frame what it wraps: an agent here sees one observation at a time.
        return _call(builder, wrapped, arguments, settings, (*path, name), depth + 1, repeat)
    layer = Layer(str(entry["class_name"]), entry["config"], name, (*path, name), repeat, settings)
    return [apply(builder, layer, arguments)]


def _references(node: Any) -> list[tuple[str, int, int]]:
    """("layer", call, tensor) wherever they stand in nested lists."""
    if isinstance(node, (list, tuple)):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int):
            return [(node[0], node[1], node[2])]
        return [reference for part in node for reference in _references(part)]
    return [reference for part in node.values() for reference in _references(part)] if isinstance(node, Mapping) else []


def _call_of(node: Any) -> tuple[list, dict]:
    """(what feeds a call: ("layer", call) or a number, in order; its settings) of an entry of ``inbound_nodes``."""
    arguments: list = []
    settings: dict = {}
    if isinstance(node, Mapping):  # Keras 3
        _collect(node.get("args", ()), arguments)
        for key, value in (node.get("kwargs") or {}).items():
            before = len(arguments)
            _collect(value, arguments, numbers=False)
            if len(arguments) == before:
                settings[key] = value
        return arguments, settings
    parts = [node] if node and isinstance(node[0], str) else node
    for part in parts:
        name, call, tensor, *rest = part
        if name == "_CONSTANT_VALUE":
            arguments.append(float(tensor))
            continue
        _append(arguments, name, call, tensor)
        for key, value in (rest[0] if rest and isinstance(rest[0], Mapping) else {}).items():
            inner = _references(value)
            for reference in inner:
                _append(arguments, *reference)
            if not inner:
                settings[key] = value
    return arguments, settings


def _collect(part: Any, arguments: list, numbers: bool = True) -> None:
    """Tensors, and numbers beside them, of a Keras 3 call."""
    if isinstance(part, Mapping) and part.get("class_name") == "__keras_tensor__":
        _append(arguments, *part["config"]["keras_history"])
    elif isinstance(part, (list, tuple)):
        for inner in part:
            _collect(inner, arguments, numbers)
    elif numbers and isinstance(part, (int, float)) and not isinstance(part, bool):
        arguments.append(float(part))


def _append(arguments: list, name: str, call: int, tensor: int) -> None:
    if tensor:
        raise Unreadable(f"Its layer {name} has several outputs, so the structure is not known.")
    arguments.append((name, call))
