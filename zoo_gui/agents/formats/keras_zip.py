"""Keras 3's ``.keras``: a zip of the model's config, its weights as HDF5, and versions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.formats.keras_hdf5 import OPTIMIZER, parse_config
from zoo_gui.agents.reading.hdf5 import Tree, read_tree
from zoo_gui.agents.reading.keras_config import CONTAINERS, KerasModel, read_model
from zoo_gui.agents.reading.limits import read_member
from zoo_gui.types import ZooError

WEIGHTS = "model.weights.h5"
ROOTS = ("layers", "_layer_checkpoint_dependencies")
"""Where Keras 3 and TensorFlow 2.12 to 2.15 keep a model's layers."""


def recognises(path: Path, head: bytes) -> int:
    """A zip with a config and weights by these names."""
    if not head.startswith(b"PK"):
        return NO
    try:
        with path.open("rb") as file:
            names = set(open_zip(file, path).namelist())
    except (ZooError, OSError):
        return MAYBE if path.suffix == ".keras" else NO
    return SURE if {"config.json", WEIGHTS} <= names else NO


@register("keras-zip", title="Keras 3", suffixes=(".keras",), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Arrays and the network that the file describes. Raises ZooError for a damaged or hostile file."""
    try:
        with path.open("rb") as file:
            archive = open_zip(file, path)
            parts = {name: read_member(archive, name, path) for name in ("config.json", WEIGHTS)}
            metadata = read_member(archive, "metadata.json", path) if "metadata.json" in archive.namelist() else b"{}"
    except KeyError as error:
        raise ZooError(f"{path.name} is no Keras model: save it with model.save ({str(error)[:120]}).") from error
    except OSError as error:
        raise ZooError(f"{path.name} cannot be read: {error.strerror}.") from error
    tree = read_tree(path, parts[WEIGHTS], OPTIMIZER)
    if not tree.arrays:
        raise ZooError(f"{path.name} holds no arrays of numbers: it is a Keras model without weights.")
    model = read_model(parse_config(parts["config.json"].decode("utf-8", "replace")))
    names, remarks = _names(model, tree)
    facts = {key: str(value)[:200] for key, value in _table(metadata).items()} | dict(model.facts)
    network = model.network if names is not None else None
    return Checkpoint("keras-zip", tree.arrays, "tensorflow", network, names or {}, facts, (*model.remarks, *remarks))


def _table(data: bytes) -> Mapping[str, Any]:
    try:
        table = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _names(model: KerasModel, tree: Tree) -> tuple[dict[str, Any] | None, list[str]]:
    """{our name: theirs} as ``keras_hdf5.names_of`` gives it."""
    if model.network is None:
        return None, []
    groups = _groups(model)
    names: dict[str, Any] = {}
    for ours, (path, numbers) in model.weights.items():
        theirs = [_find(tree, groups[path], number) for number in numbers]
        if None in theirs:
            return None, [f"The arrays of its layer {path[-1]} are not where Keras puts them."]
        names[ours] = theirs[0] if len(theirs) == 1 else theirs
    return names, []


def _groups(model: KerasModel) -> dict[tuple[str, ...], str]:
    """{path of a layer: a pattern of its group}: groups are named after classes, numbered within each container."""
    kinds, counts, groups = dict(model.layers), {}, {(): ""}
    for path, kind in model.layers:
        parent = path[:-1]
        if parent and kinds.get(parent) not in CONTAINERS:
            groups[path] = f"{groups[parent]}/layer"  # what a wrapper wraps
            continue
        snake = _snake(kind)
        number = counts[parent, snake] = counts.get((parent, snake), -1) + 1
        groups[path] = f"{groups[parent]}/(?:{'|'.join(ROOTS)})/{re.escape(snake)}{f'_{number}' if number else ''}"
    return groups


def _snake(name: str) -> str:
    """A class's name as Keras spells it in paths: Conv2D is conv2d, BatchNormalization batch_normalization."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _find(tree: Tree, group: str, number: int) -> str | None:
    """The array of that number in a layer's group, or in its cell's."""
    pattern = re.compile(rf"{group.lstrip('/')}(?:/cell)?/vars/{number}")
    return next((name for name in tree.arrays if pattern.fullmatch(name)), None)
