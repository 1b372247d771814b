"""TensorFlow's SavedModel folders, of TensorFlow 1 and 2 and of Keras 2: variables, and the network by Keras's own
description or as a graph. Nothing is loaded by TensorFlow and nothing runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo_gui.agents.graphs import graph_def
from zoo_gui.agents.reading import variable_names
from zoo_gui.agents.formats import NO, SURE, Checkpoint, register
from zoo_gui.agents.formats.keras_hdf5 import names_of, parse_config
from zoo_gui.agents.formats.tensorflow_checkpoint import Variables, read_variables
from zoo_gui.agents.formats.tensorflow_graph import graph_checkpoint, kind_of, read_bytes
from zoo_gui.agents.graphs.graph_freeze import freeze, inline, restored
from zoo_gui.agents.reading.keras_config import KerasModel, read_model
from zoo_gui.types import ZooError

FILE = "saved_model.pb"
_MODELS = ("_tf_keras_sequential", "_tf_keras_network", "_tf_keras_model")


def recognises(path: Path, head: bytes) -> int:
    """A folder with ``saved_model.pb``, or such a file."""
    if path.is_dir():
        return SURE if (path / FILE).is_file() else NO
    return SURE if kind_of(head) == "SavedModel" else NO


@register("saved-model", title="TensorFlow SavedModel", suffixes=(FILE,), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """The variables of a SavedModel and its network. path: the folder or its file. Raises ZooError."""
    file = path / FILE if path.is_dir() else path
    saved = graph_def.parse("SavedModel", read_bytes(file), file.name)
    if not saved.meta_graphs:
        raise ZooError(f"{file.name} holds no graph: it is damaged, or another kind of file.")
    meta = next((graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags), saved.meta_graphs[0])
    index = file.with_name("variables") / "variables.index"
    variables = read_variables(index) if index.is_file() else None
    graph, keys, remark = _graph(meta, variables, file)
    if variables is None:
        if graph is None:
            raise ZooError(f"{file.name} has no weights: its folder “variables” is missing, and {_lower(remark)}")
        return replace(graph, facts={**graph.facts, **_facts(meta)})
    plain = Checkpoint("saved-model", variables.arrays, "tensorflow", facts=dict(variables.facts) | _facts(meta))
    plain = replace(plain, remarks=variables.remarks)
    told = _keras(meta, variables, file)
    if told is not None:
        network, names, facts, remarks = told
        plain = replace(plain, network=network, names=names, facts={**plain.facts, **facts})
        plain = replace(plain, remarks=(*plain.remarks, *remarks))
    if graph is None:
        return replace(plain, remarks=(*plain.remarks, remark))
    if plain.network is not None:
        return replace(plain, graph=graph.graph)
    if graph.network is None:
        return replace(plain, remarks=(*plain.remarks, *graph.remarks))
    names = {ours: variables.names.get(keys.get(node, node), "") for ours, node in graph.names.items()}
    names = {ours: name for ours, name in names.items() if name in plain.arrays}
    return replace(plain, network=graph.network, names=names, facts={**plain.facts, **graph.facts}, graph=graph.graph)


def _graph(meta: Any, variables: Variables | None, file: Path) -> tuple[Checkpoint | None, dict[str, str], str]:
    """(what the graph holds once its variables are constants, or None; {its node: a variable's key}; why not)."""
    try:
        definition = inline(meta.graph_def, file.name, _outputs(meta))
        keys = restored(definition)
        frozen, _ = freeze(definition, variables.by_variable(keys) if variables is not None else {})
        return graph_checkpoint("saved-model", frozen, file), keys, ""
    except ZooError as error:
        return None, {}, f"Its graph was passed over. {error}"


def _outputs(meta: Any) -> dict[str, str]:
    """{name: tensor} of what the model's signatures give; names say what a layer is for ("q_values")."""
    return {
        re.sub(r"\W", "_", f"{output.key[:60]}_{number}" if number else output.key[:60]): output.value.name
        for number, entry in enumerate(list(meta.signature_def)[:8])
        for output in list(entry.value.outputs)[:16]
        if output.value.name and not entry.key.startswith("__")
    }


def _facts(meta: Any) -> dict[str, Any]:
    """What the model says of itself: TensorFlow's version, its signatures as {name: {inputs, outputs}} of shapes."""
    facts: dict[str, Any] = {}
    if meta.meta_info_def.tensorflow_version:
        facts["tensorflow"] = meta.meta_info_def.tensorflow_version[:40]
    signatures = {}
    for entry in list(meta.signature_def)[:16]:
        if not entry.key.startswith("__"):
            signatures[entry.key[:80]] = {"inputs": _infos(entry.value.inputs), "outputs": _infos(entry.value.outputs)}
    return facts | ({"signatures": signatures} if signatures else {})


def _infos(entries: Any) -> dict[str, Any]:
    return {entry.key[:80]: list(graph_def.shape_of(entry.value.tensor_shape) or ()) for entry in list(entries)[:32]}


def _keras(meta: Any, variables: Variables, file: Path) -> tuple[Any, dict, dict, tuple[str, ...]] | None:
    """(network, names, facts, remarks) by the description that Keras 2 leaves in a SavedModel; None without one."""
    config = _config(meta, file)
    if config is None:
        return None
    model: KerasModel = read_model(config)
    names, said = names_of(model, variable_names.by_layer(variables.arrays))
    network = model.network if names is not None else None
    return network, names or {}, dict(model.facts), (*model.remarks, *said)


def _config(meta: Any, file: Path) -> Any:
    """The model's {"class_name", "config"}: in keras_metadata.pb (TensorFlow 2.5 to 2.15), else beside its object."""
    beside = file.with_name("keras_metadata.pb")
    texts = []
    if beside.is_file():
        try:
            nodes = graph_def.parse("KerasMetadata", read_bytes(beside), beside.name).nodes
        except ZooError:
            return None  # only a help: the graph says the same
        texts = [node.metadata for node in nodes if node.identifier in _MODELS]
    texts += [
        node.user_object.metadata for node in meta.object_graph_def.nodes if node.user_object.identifier in _MODELS
    ]
    for text in texts:
        try:
            config = _without_tuples(parse_config(text))
        except RecursionError:
            continue
        if isinstance(config, dict) and isinstance(config.get("config"), (dict, list)) and "class_name" in config:
            return config
    return None


def _without_tuples(part: Any) -> Any:
    """TensorFlow writes a tuple as {"class_name": "__tuple__", "items": […]}."""
    if isinstance(part, list):
        return [_without_tuples(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("class_name") == "__tuple__" and isinstance(part.get("items"), list):
        return _without_tuples(part["items"])
    return {key: _without_tuples(value) for key, value in part.items()}


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
