"""Orbax checkpoints, folders of JAX training states, through TensorStore; Orbax itself is not needed.

Read are all layouts since 0.1: OCDBT or a folder for each array, zarr 2 or 3, a manager's folder of numbered steps (the
last one), Dopamine's ``checkpoint.msgpack`` and Flax's single file ``checkpoint`` in it. Names are the keys joined by
"/"; kernels are HWIO and (in, out). The JSON beside the arrays says their keys; where it is missing, names keep Orbax's
own points. Source: Orbax's checkpoint format guide, and files of Orbax 0.12.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.reading import zstd
from zoo_gui.agents.formats import HEAD, NO, SURE, Checkpoint, flax_msgpack, register
from zoo_gui.agents.reading.limits import (
    MAX_ARRAY_BYTES, MAX_ARRAYS, MAX_RATIO, MAX_TOTAL_BYTES, NUMBERS, SMALL, Budget, check_shape,
)  # fmt: skip
from zoo_gui.types import ZooError

MANIFEST, TREE, STEP, PACKED = "manifest.ocdbt", "_METADATA", "_CHECKPOINT_METADATA", "checkpoint.msgpack"
AGGREGATE = "checkpoint"
"""Flax's single file, and Orbax's of small values until 0.2."""
ITEMS = ("default", "params", "state", "pytree", "train_state", "model", "checkpoint", "items")
"""What people call the item of a composite checkpoint, likeliest first."""
DRIVERS = {".zarray": "zarr", "zarr.json": "zarr3"}
MAX_JSON = 64 << 20
SECONDS = 60


def recognises(path: Path, head: bytes) -> int:
    """A folder with Orbax's files, or of steps that have them."""
    if not path.is_dir():
        return SURE if path.name in (MANIFEST, TREE, STEP) and path.is_file() else NO
    return SURE if _find(path) is not None else NO


@register("orbax", title="Orbax", suffixes=(), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Parameters of the (last) step. Raises ZooError for a damaged checkpoint, or where TensorStore is missing."""
    top = path if path.is_dir() else path.parent
    folder = _find(top)
    if folder is None:
        raise ZooError(f"{path} is no Orbax checkpoint: choose the folder that holds {TREE} or {MANIFEST}.")
    remarks = [] if folder == top else [f"Of the checkpoint, {folder.relative_to(top)} was read."]
    for name in (PACKED, AGGREGATE):
        file = folder / name
        if file.is_file() and not (folder / MANIFEST).exists() and not _separate(folder):
            tree, said = flax_msgpack.decode(_bounded(file), file)
            return flax_msgpack.checkpoint("orbax", tree, file, remarks + said)
    return flax_msgpack.checkpoint("orbax", _arrays(folder), path, remarks)


def _arrays(folder: Path) -> dict[str, Any]:
    """Nested maps of the arrays that TensorStore finds in a folder. Raises ZooError."""
    store, tree = _Store(folder), {}
    try:
        _check_size(folder)
        keys = _keys(folder)
        for name, driver in store.names().items():
            array = store.read(name, driver)
            if array is not None:
                _put(tree, keys.get(name, (name,)), array)
    except ZooError:
        raise
    except Exception as error:  # TensorStore passes on its status as ValueError, OSError and more
        reason = str(error).split("[")[0].strip() or type(error).__name__
        raise ZooError(f"The Orbax checkpoint {folder} is damaged: get it again ({reason[:160]}).") from error
    return tree


def _find(path: Path) -> Path | None:
    """The folder that holds the arrays: this one, an item of it, or an item of its last step."""
    if _is_item(path):
        return path
    for name in ITEMS:
        if _is_item(path / name):
            return path / name
    try:
        folders = [entry for entry in path.iterdir() if entry.is_dir()][:MAX_ARRAYS]
    except OSError:
        return None
    if (path / STEP).is_file():
        return next((folder for folder in sorted(folders) if _is_item(folder)), None)
    steps = sorted((int(entry.name.rpartition("_")[2]), entry) for entry in folders if _is_step(entry.name))
    for _, step in reversed(steps):
        if _is_item(step):
            return step
        inner = [step / name for name in ITEMS if _is_item(step / name)]
        if inner:
            return inner[0]
    return None


def _is_step(name: str) -> bool:
    """Orbax's "100" and "step_100", Flax's "checkpoint_100"."""
    digits = name.rpartition("_")[2]
    return digits.isascii() and digits.isdigit() and len(digits) < 16


def _is_item(path: Path) -> bool:
    if (path / MANIFEST).is_file() or (path / PACKED).is_file():
        return True
    if (path / TREE).is_file() and _separate(path):
        return True
    file = path / AGGREGATE  # TensorFlow's checkpoints have a text file of this name
    try:
        with file.open("rb") as opened:
            return flax_msgpack.recognises(file, opened.read(HEAD)) != NO
    except OSError:
        return False


def _separate(folder: Path) -> list[str]:
    """Names of the arrays that have a folder each."""
    try:
        inside = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
    return [name for name in inside if any((folder / name / file).is_file() for file in DRIVERS)]


def _bounded(file: Path, most: int = MAX_ARRAY_BYTES) -> bytes:
    try:
        if file.stat().st_size > most:
            raise ZooError(f"{file} is refused: it is larger than {most >> 20} MiB.")
        return file.read_bytes()
    except OSError as error:
        raise ZooError(f"{file} cannot be read: {error.strerror}.") from error


def _keys(folder: Path) -> dict[str, tuple[str, ...]]:
    """{TensorStore's name of an array: its keys}, of the JSON beside the arrays; {} without it."""
    if not (folder / TREE).is_file():
        return {}
    try:
        entries = json.loads(_bounded(folder / TREE, MAX_JSON))["tree_metadata"].values()
        paths = [tuple(str(key["key"]) for key in entry["key_metadata"]) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {".".join(path): path for path in paths if path}


def _put(tree: dict, keys: tuple[str, ...], array: np.ndarray) -> None:
    """Enter an array in nested maps; one below another array gets a name with points."""
    for number, key in enumerate(keys[:-1]):
        inner = tree.setdefault(key, {})
        if not isinstance(inner, Mapping):
            keys = (*keys[:number], ".".join(keys[number:]))
            break
        tree = inner
    tree[keys[-1]] = array


class _Store:
    """The arrays of a folder, through TensorStore."""

    def __init__(self, folder: Path):
        try:
            import tensorstore
        except ImportError as error:
            raise ZooError(
                f'Reading the Orbax checkpoint {folder} needs the package tensorstore: pip install "zoo-gui[orbax]".'
            ) from error
        self._open, self._store = tensorstore.open, tensorstore.KvStore.open
        self._folder, self._budget = folder, Budget(folder)
        self._packed = (folder / MANIFEST).is_file()
        file = {"driver": "file", "path": f"{folder.resolve()}/"}
        self._base = {"driver": "ocdbt", "base": file} if self._packed else file

    def names(self) -> dict[str, str]:
        """{array: the driver for its version of zarr}."""
        if self._packed:
            store = self._store(self._base).result(timeout=SECONDS)
            keys = [key.decode("utf-8", "replace") for key in store.list().result(timeout=SECONDS)]
        else:
            keys = [f"{name}/{file}" for name in _separate(self._folder) for file in DRIVERS
                    if (self._folder / name / file).is_file()]  # fmt: skip
        parts = [key.rpartition("/") for key in keys]
        return {name: DRIVERS[file] for name, _, file in parts if file in DRIVERS and name}

    def read(self, name: str, driver: str) -> np.ndarray | None:
        """The array; None where it is not of numbers."""
        base = dict(self._base) if self._packed else {"driver": "file"}
        base["path"] = f"{name}/" if self._packed else f"{self._folder.resolve() / name}/"
        array = self._open({"driver": driver, "kvstore": base}, open=True, read=True).result(timeout=SECONDS)
        dtype = array.dtype.numpy_dtype
        brain = dtype.name == "bfloat16"
        if not brain and (dtype.kind not in NUMBERS or dtype.itemsize > 8):
            return None
        self._budget.take(array.shape, dtype.itemsize, name)
        check_shape(array.chunk_layout.read_chunk.shape or (), dtype.itemsize, name, self._folder)
        found = array.read().result(timeout=SECONDS)
        return found.astype(np.float32) if brain else np.asarray(found)


def _check_size(folder: Path) -> None:
    """Raise ZooError where the files are too many or large, or packed so that they unpack to absurd sizes."""
    size, unpacked, count = 0, 0, 0
    for file in folder.rglob("*"):
        count += 1
        if count > MAX_ARRAYS:
            raise ZooError(f"{folder} is refused: it holds more than {MAX_ARRAYS} files.")
        if file.is_file():
            size += file.stat().st_size
            if size > MAX_TOTAL_BYTES:
                raise ZooError(f"{folder} is refused: it is larger than {MAX_TOTAL_BYTES >> 30} GiB.")
            unpacked += zstd.bound(file.read_bytes())
    if unpacked > max(4 * SMALL, MAX_RATIO * size):
        raise ZooError(f"{folder} is refused: it unpacks to {MAX_RATIO} times its size.")
