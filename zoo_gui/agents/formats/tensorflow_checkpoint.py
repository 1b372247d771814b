"""TensorFlow checkpoints: of TensorFlow 1 (by variable names, also the single file of its first format) and 2.

The path may be any of a checkpoint's files, what their names begin with, its folder, or that folder's ``checkpoint``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def
from zoo_gui.agents.reading import variable_names
from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.formats.tensorflow_graph import graph_checkpoint, kind_of, read_bytes
from zoo_gui.agents.graphs.graph_freeze import freeze, inline, restored
from zoo_gui.agents.reading.limits import Budget
from zoo_gui.agents.reading.tensor_bundle import MAGIC, Bundle, Damaged, table
from zoo_gui.types import ZooError

_PART = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
_LIST = re.compile(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', re.M)
MAX_V1_BYTES = 512 << 20
MAX_FACTS = 32
STEPS = ("global_step", "save_counter", "iter")
"""Single numbers that say how long was trained."""


@dataclass(frozen=True)
class Variables:
    """The weights of a checkpoint. arrays: {name: array}. all: the same with optimizer and target networks, by key.

    names: {key: name in ``arrays``}. facts, remarks: as in Checkpoint.
    """

    arrays: Mapping[str, np.ndarray]
    all: Mapping[str, np.ndarray]
    names: Mapping[str, str]
    facts: Mapping[str, Any]
    remarks: tuple[str, ...]

    def by_variable(self, keys: Mapping[str, str]) -> dict[str, list[np.ndarray]]:
        """{a graph's variable: its array} for ``freeze``; keys: {node: key} as far as the graph says."""
        named = {name: [array] for name, array in self.all.items()}
        named |= {name: [self.all[key]] for key, name in self.names.items()}
        return named | {node: [self.all[key]] for node, key in keys.items() if key in self.all}


def recognises(path: Path, head: bytes) -> int:
    """The end mark of a table, or the name of a checkpoint's part with its index beside it."""
    if path.is_dir():
        has = (path / "checkpoint").is_file() or any(path.glob("*.index"))
        return SURE if has and not (path / "saved_model.pb").exists() else NO
    if path.name == "checkpoint" and b"model_checkpoint_path" in head:
        return SURE
    part = _PART.search(path.name)
    if part and part[1] != "index":
        beside = path.with_name(path.name[: part.start()] + ".index").is_file()
        return SURE if beside and (part[1] != "meta" or kind_of(head)) else MAYBE if part[1] != "meta" else NO
    return SURE if _ends_as_table(path) else MAYBE if part else NO


def _ends_as_table(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(MAGIC)))
            return file.read() == MAGIC
    except OSError:
        return False


@register(
    "tensorflow-checkpoint", title="TensorFlow checkpoint",
    suffixes=(".index", ".ckpt", ".meta", ".data-00000-of-00001", "checkpoint"), recognises=recognises,
)  # fmt: skip
def read(path: Path) -> Checkpoint:
    """The weights of a checkpoint, and the graph of a ``.meta`` beside it. Raises ZooError."""
    index = find_index(path)
    found = read_variables(index)
    plain = Checkpoint("tensorflow-checkpoint", found.arrays, "tensorflow", facts=found.facts, remarks=found.remarks)
    meta = index.with_name(index.name.removesuffix(".index") + ".meta")
    return with_graph(plain, found, meta) if meta.is_file() else plain


def find_index(path: Path) -> Path:
    """The index of a checkpoint, or its only file, from any of its paths. Raises ZooError where there is none."""
    if path.is_dir():
        listed = path / "checkpoint"
        return find_index(listed) if listed.is_file() else _newest(path)
    if path.name == "checkpoint" and path.is_file():
        if path.stat().st_size > 1 << 20:
            raise ZooError(f"{path} is too large to be a list of checkpoints: choose an .index file.")
        named = _LIST.search(path.read_bytes().decode("utf-8", "replace"))
        # only the name counts: the folder in it is the author's, and no path of a file is followed
        name = re.split(r"[/\\]", named[1])[-1] if named else ""
        beside = path.with_name(f"{name}.index")
        return beside if name and beside.is_file() else _newest(path.parent)
    part = _PART.search(path.name)
    index = path.with_name((path.name[: part.start()] if part else path.name) + ".index")
    if index.is_file():
        return index
    if not part and path.is_file():
        return path
    raise ZooError(f"{index.name} is missing: a checkpoint's .index and .data files belong together.")


def _newest(folder: Path) -> Path:
    """The checkpoint of the highest number in a folder."""

    def numbers(path: Path) -> tuple:
        return [int(number) for number in re.findall(r"\d{1,18}", path.name)], path.name

    found = sorted(folder.glob("*.index"), key=numbers)
    if not found:
        raise ZooError(f"{folder} holds no checkpoint: choose an .index file.")
    return found[-1]


def read_variables(index: Path) -> Variables:
    """Every array of a checkpoint by its index, and which of them are an agent's weights. Raises ZooError."""
    if index.name.endswith(".index") or not _is_v1(index):
        bundle = Bundle(index)
        objects = variable_names.parse_objects(bundle.text(variable_names.OBJECTS), index.name)
        entries, sliced = bundle.entries, [name for name, entry in bundle.entries.items() if entry.sliced]
        arrays = bundle.arrays(lambda name: True)
    else:
        objects, sliced = variable_names.parse_objects(b"", index.name), []
        entries = arrays = _read_v1(index)
    if not arrays:
        raise ZooError(f"{index.name} holds no arrays of numbers: it is no agent's checkpoint.")
    names, remarks = _names(arrays, objects)
    remarks += [f"Its {name[:80]} is stored in slices, which are not read." for name in sliced[:4]]
    order = sorted(names, key=lambda key: variable_names.place(key, names[key]))
    kept = {names[key]: arrays[key] for key in order if arrays[key].ndim}
    numbers = {name: arrays[key].item() for key, name in names.items() if not arrays[key].ndim}
    facts = {"objects": bool(objects.nodes), "entries": len(entries)}
    facts |= {"numbers": dict(list(numbers.items())[:MAX_FACTS])} if numbers else {}
    if not kept:
        raise ZooError(f"{index.name} holds no weights: only the state of an optimizer.")
    return Variables(kept, arrays, names, facts, tuple(remarks))


def _names(arrays: Mapping[str, np.ndarray], objects: Any) -> tuple[dict[str, str], list[str]]:
    """({key: name} of the weights and of single numbers, remarks on what was left out). Doubles share a name."""
    optimizers = variable_names.optimizer_keys(objects)
    own = variable_names.full_names(objects, arrays)
    all_named = all(key in own for key in arrays if key not in optimizers and arrays[key].ndim)
    names = {key: own[key] if all_named and key in own else variable_names.stripped(key) for key in arrays}
    known = set(names.values())
    state = {
        key for key, name in names.items()
        if key in optimizers or "/.OPTIMIZER_SLOT/" in key or variable_names.is_training_state(name, known)
    }  # fmt: skip
    copies = {key for key, name in names.items() if key not in state and variable_names.is_copy(name, known)}
    counts = (("its optimizer", state), ("its target network, a copy,", copies))
    numbers = {key: sum(1 for key in keys if arrays[key].ndim) for key, keys in counts}
    remarks = [f"{count} arrays of {what} were left out." for what, count in numbers.items() if count]
    steps = {key for key in state if not arrays[key].ndim and names[key].rpartition("/")[2] in STEPS}
    return {key: name for key, name in names.items() if key not in copies and key not in state - steps}, remarks


def with_graph(plain: Checkpoint, found: Variables, meta: Path) -> Checkpoint:
    """The checkpoint with the graph of its ``.meta``, variables replaced by their values; as it is where that fails."""
    try:
        definition = graph_def.parse("MetaGraph", read_bytes(meta), meta.name).graph_def
        definition = inline(definition, meta.name)
        keys = restored(definition)
        frozen, missing = freeze(definition, found.by_variable(keys))
        graph = graph_checkpoint(plain.format, frozen, meta)
    except ZooError as error:
        return replace(plain, remarks=(*plain.remarks, f"Its graph was passed over. {error}"))
    if graph.network is None:
        return replace(plain, remarks=(*plain.remarks, f"The graph of {meta.name} has no layers that could be run."))
    names = {ours: found.names.get(keys.get(node, node), "") for ours, node in graph.names.items()}
    names = {ours: name for ours, name in names.items() if name in plain.arrays}
    facts = {**plain.facts, **graph.facts, "graph": meta.name, "without_values": len(missing)}
    return replace(plain, network=graph.network, names=names, facts=facts, graph=graph.graph)


def _is_v1(path: Path) -> bool:
    """Whether a table without ``.index`` holds its arrays itself, as TensorFlow wrote until 2016."""
    return _ends_as_table(path)


def _read_v1(path: Path) -> dict[str, np.ndarray]:
    """{name: array} of a checkpoint that is one file. Raises ZooError."""
    if path.stat().st_size > MAX_V1_BYTES:
        raise ZooError(f"{path.name} is too large for a checkpoint in one file: {MAX_V1_BYTES >> 20} MiB is the limit.")
    try:
        parts = [graph_def.parse("SavedSlices", value, path.name) for _, value in table(path.read_bytes())]
    except (OSError, Damaged) as error:
        raise ZooError(f"{path.name} is damaged or cut short ({error}): get the checkpoint again.") from error
    shapes = {tensor.name: tensor for part in parts for tensor in part.meta.tensor}
    budget, found = Budget(path), {}
    for part in parts:
        name, tensor = part.data.name, part.data.data
        described = shapes.get(name)
        if described is None or described.type not in graph_def.DTYPES or _is_sliced(part.data.slice.extent):
            continue
        tensor.dtype = described.type
        tensor.tensor_shape.CopyFrom(described.shape)
        budget.take(
            graph_def.shape_of(described.shape) or (), np.dtype(graph_def.DTYPES[described.type]).itemsize, name
        )
        found[name] = graph_def.array(tensor, name, path.name)
    return found


def _is_sliced(extents: Iterable[Any]) -> bool:
    return any(extent.length for extent in extents)
