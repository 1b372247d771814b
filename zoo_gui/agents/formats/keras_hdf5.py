"""HDF5 files: Keras 1 and 2 (weights, or a whole model), Keras 3's ``.weights.h5``, Chainer's ``save_hdf5``.

Names are the datasets' paths. Keras's kernels are HWIO and (in, out). Three kinds are not, and are brought to that
while reading, which a remark says: Keras 1's with Theano's order of axes where TensorFlow computed them, Keras 2's that
Theano computed (mirrored), and those of CuDNNLSTM and CuDNNGRU (transposed gate by gate). Keras 1's of Theano stay as
they are: convention ``theano``, OIHW and mirrored. Source: Keras 2's ``hdf5_format.py``, which converts the same cases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.hdf5 import SIGNATURE, Tree, read_tree
from zoo_gui.agents.reading.keras_config import KerasModel, read_model
from zoo_gui.types import ZooError

SUFFIXES = (".h5", ".hdf5", ".hdf", ".h5f", ".keras", ".weights.h5", ".model")
OPTIMIZER = ("optimizer_weights", "optimizer")
MAX_CONFIG = 16 << 20


def recognises(path: Path, head: bytes) -> int:
    """HDF5's signature, at the beginning or after a block of 512, 1024, 2048 bytes of the writer's own."""
    if any(head[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048)):
        return SURE
    return MAYBE if path.name.endswith((".h5", ".hdf5", ".h5f")) else NO


@register("keras-hdf5", title="HDF5 (Keras, Chainer)", suffixes=SUFFIXES, recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Arrays, and the network where the file holds the model. Raises ZooError for a damaged or hostile file."""
    tree = read_tree(path, without=OPTIMIZER)
    if not tree.arrays:
        raise ZooError(f"{path.name} holds no arrays of numbers: it is HDF5, but no agent's weights.")
    remarks = [f"Its {name} is no array of numbers and was passed over." for name in tree.left_out[:8]]
    root = tree.attributes[""]
    prefix = "model_weights/" if "model_weights" in tree.attributes else ""
    if prefix or _texts(root, "layer_names") is not None:
        return _keras(tree, prefix, remarks)
    if any(re.search(r"(^|/)vars/\d+$", name) for name in tree.arrays):
        return Checkpoint("keras-hdf5", _natural(tree.arrays), "tensorflow", facts=_plain(root), remarks=tuple(remarks))
    if all(re.search(r"(^|/)(W|b|gamma|beta|avg_mean|avg_var|N|[A-Za-z_]*)$", name) for name in tree.arrays) and any(
        name.rpartition("/")[2] == "W" for name in tree.arrays
    ):
        return Checkpoint("keras-hdf5", _natural(tree.arrays), "pytorch", facts=_plain(root), remarks=tuple(remarks))
    return Checkpoint("keras-hdf5", _natural(tree.arrays), facts=_plain(root), remarks=tuple(remarks))


def _keras(tree: Tree, prefix: str, remarks: list[str]) -> Checkpoint:
    """A file of Keras 1 or 2: groups of layers, and at its root perhaps the model's config."""
    root, weights = tree.attributes[""], tree.attributes[prefix.rstrip("/")]
    by_layer = _by_layer(tree, prefix, weights)
    backend = str(root.get("backend") or weights.get("backend") or "")
    facts = {"keras_version": str(root.get("keras_version") or weights.get("keras_version") or ""), "backend": backend,
             "layers": list(by_layer)}  # fmt: skip
    config = _text(root, "model_config")
    model = read_model(parse_config(config), backend) if config else None
    arrays = {name: tree.arrays[name] for names in by_layer.values() for name in names}
    arrays |= {name: array for name, array in _natural(tree.arrays).items() if name not in arrays}
    arrays, convention, said = _oriented(arrays, by_layer, backend, facts["keras_version"])
    remarks += said
    if model is None:
        return Checkpoint("keras-hdf5", arrays, convention, facts=facts, remarks=tuple(remarks))
    names, said = names_of(model, by_layer)
    arrays, converted = _without_cudnn(model, arrays, by_layer)
    network = model.network if names is not None else None
    remarks = (*remarks, *model.remarks, *said, *converted)
    return Checkpoint("keras-hdf5", arrays, convention, network, names or {}, facts | dict(model.facts), remarks)


def parse_config(text: str) -> Any:
    """A model's description, or None where it is no JSON."""
    try:
        return json.loads(text) if len(text) <= MAX_CONFIG else None
    except (ValueError, RecursionError):
        return None


def _by_layer(tree: Tree, prefix: str, root: Mapping) -> dict[str, list[str]]:
    """{layer: names of its arrays}, in the model's order, from the attributes that Keras writes."""
    layers = _texts(root, "layer_names")
    if layers is None:
        starts = {name[len(prefix) :].split("/")[0] for name in tree.arrays if name.startswith(prefix)}
        layers = sorted(starts, key=_key)
    found = {}
    for layer in layers:
        inside = [name for name in tree.arrays if name.startswith(f"{prefix}{layer}/")]
        said = _texts(tree.attributes.get(f"{prefix}{layer}", {}), "weight_names") or []
        named = [f"{prefix}{layer}/{name}" for name in said]
        known = [name for name in named if name in tree.arrays]
        found[layer] = known if len(known) == len(inside) else sorted(inside, key=_key)
    return found


def names_of(model: KerasModel, by_layer: Mapping[str, list[str]]) -> tuple[dict[str, Any] | None, list[str]]:
    """({our name: theirs, or theirs to be joined}, remarks); None where the arrays do not fit the model.

    A container's arrays are all of its layers' trainable ones, then all others.
    """
    if model.network is None:
        return None, []
    place: dict[tuple[tuple[str, ...], int], str] = {}
    for layer, arrays in by_layer.items():
        paths = [path for path, _ in model.layers if path[0] == layer and path in model.variables]
        order = [(path, number) for path in paths for number in range(model.variables[path][0])]
        order += [(path, number) for path in paths
                  for number in range(model.variables[path][0], sum(model.variables[path]))]  # fmt: skip
        if order and len(order) != len(arrays):
            return None, [f"Its layer {layer} has {len(arrays)} arrays where its description says {len(order)}."]
        place |= dict(zip(order, arrays))
    names: dict[str, Any] = {}
    for ours, (path, numbers) in model.weights.items():
        theirs = [place.get((path, number)) for number in numbers]
        if None in theirs:
            return None, [f"The arrays of its layer {path[-1]} are not in the file, so they cannot be told apart."]
        names[ours] = theirs[0] if len(theirs) == 1 else theirs
    return names, []


def _oriented(arrays: dict, by_layer: Mapping, backend: str, version: str) -> tuple[dict, str, list[str]]:
    """(arrays, convention, remarks): see the module."""
    theano = [name for names in by_layer.values() for name in names if _is_oihw(name, names, arrays)]
    kernels = [name for name, array in arrays.items() if array.ndim == 4]
    first = version.split(".")[0] in ("", "0", "1")
    if theano and len(theano) == len(kernels) and first:
        if backend in ("", "theano"):
            said = "" if backend else "It does not say whether Theano or TensorFlow computed it: Theano is assumed. "
            return arrays, "theano", [f"{said}Its convolutions have Theano's order of axes and are mirrored."]
        turned = {name: arrays[name].transpose(2, 3, 1, 0) for name in theano}
        return arrays | turned, "tensorflow", ["Its convolutions had Theano's order of axes, which was turned round."]
    if backend == "theano" and kernels:
        mirrored = {name: arrays[name][::-1, ::-1] for name in kernels}
        return arrays | mirrored, "tensorflow", ["Theano computed it, so its kernels were mirrored for TensorFlow."]
    return arrays, "tensorflow", []


def _is_oihw(name: str, names: list[str], arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether a kernel begins with the outputs, by the length of its layer's bias, or by its square."""
    shape = arrays[name].shape
    if len(shape) != 4:
        return False
    at = names.index(name)
    bias = arrays[names[at + 1]].shape if at + 1 < len(names) else ()
    if len(bias) == 1 and bias[0] in (shape[0], shape[3]) and shape[0] != shape[3]:
        return bias[0] == shape[0]
    return shape[2] == shape[3] and shape[0] != shape[1]


def _without_cudnn(model: KerasModel, arrays: dict, by_layer: Mapping) -> tuple[dict, list[str]]:
    """The arrays with those of cuDNN layers as plain LSTM and GRU layers have them."""
    turned, said = dict(arrays), []
    for path, kind in model.layers:
        names = by_layer.get(path[0], [])
        if kind not in ("CuDNNLSTM", "CuDNNGRU") or len(names) != 3 or any(arrays[name].ndim == 0 for name in names):
            continue
        gates = 4 if kind == "CuDNNLSTM" else 3
        kernel, recurrent, bias = (arrays[name] for name in names)
        width = kernel.shape[-1]
        if kernel.ndim != 2 or width % gates or recurrent.shape != (width // gates, width):
            continue
        blocks = [block.T.reshape(block.shape, order="F") for block in np.hsplit(kernel, gates)]
        turned[names[0]] = np.hstack(blocks)
        turned[names[1]] = np.hstack([block.T for block in np.hsplit(recurrent, gates)])
        if bias.size == 2 * width:
            turned[names[2]] = bias.reshape(2, -1).sum(0) if gates == 4 else bias.reshape(2, -1)
        said.append(f"Its layer {path[-1]} is cuDNN's: its arrays were put into the order of a plain {kind[5:]} layer.")
    return turned, said


def _texts(attributes: Mapping, name: str) -> list[str] | None:
    """A list of texts, which Keras splits over name0, name1, … where it is long; None where there is none."""
    if name not in attributes and f"{name}0" not in attributes:
        return None
    keys = [name] if name in attributes else [f"{name}{number}" for number in range(len(attributes))]
    parts = [attributes[key] for key in keys if key in attributes]
    return [text for part in parts for text in (part if isinstance(part, list) else [part]) if isinstance(text, str)]


def _text(attributes: Mapping, name: str) -> str:
    return "".join(_texts(attributes, name) or [])


def _plain(attributes: Mapping) -> dict[str, Any]:
    """Attributes that are short texts or numbers."""
    plain = {name: value for name, value in attributes.items() if isinstance(value, (str, int, float))}
    return {name: value for name, value in plain.items() if len(str(value)) < 4096}


def _key(name: str) -> list:
    """Sorts conv10 after conv2."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _natural(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: arrays[name] for name in sorted(arrays, key=_key)}
