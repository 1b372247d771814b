"""Flax's and Dopamine's msgpack: ``flax.serialization.to_bytes`` (CleanRL's models among them), ``checkpoint.msgpack``.

Names are the keys joined by "/". Kernels are HWIO and (in, out). Brain floats become float32. Of a training state the
parameters are kept; optimiser, target network and replay memory are left out. Source of the encodings: flax's
``serialization.py`` and Dopamine's ``jax/serialization.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.limits import MAX_DEPTH, NUMBERS, Budget
from zoo_gui.types import ZooError

SUFFIXES = (".msgpack", ".flax", ".cleanrl_model", ".ckpt", ".mpk")
NDARRAY, COMPLEX, SCALAR = 1, 2, 3
"""Flax's types of msgpack extension."""
CHUNKED = "__msgpack_chunked_array__"
MAX_ITEMS = 1_000_000
"""Of all maps and lists together: an agent's file is few names and much data."""
LEFT_OUT = {
    "opt_state": "the optimiser", "optimizer_state": "the optimiser", "optimizer": "the optimiser",
    "target_params": "the target network", "target_network_params": "the target network",
    "replay": "the replay memory", "replay_buffer": "the replay memory", "rng": "the random numbers",
}  # fmt: skip
PARTS = ("network", "actor", "critic")
"""What CleanRL's PPO saves in this order, without names."""


def recognises(path: Path, head: bytes) -> int:
    """A msgpack map (or list) whose first key is a short text; surely where an array follows soon."""
    key = re.match(rb"(?:[\x81-\x8f]|\xde..|\xdf....)(?:[\xa1-\xbf]|\xd9.)([A-Za-z0-9_/.~ -]{1,64})", head, re.DOTALL)
    if key is None:
        return NO
    array = re.search(rb"(?:\xc7.|\xc8..|\xc9....|[\xd4-\xd8])[\x01\x03]\x93", head, re.DOTALL)
    return SURE if array or (b"dtype" in head and b"shape" in head) else MAYBE


@register("flax", title="Flax msgpack", suffixes=SUFFIXES, recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Arrays by path. Raises ZooError for a damaged file, or one without arrays."""
    tree, remarks = decode(path.read_bytes(), path)
    return checkpoint("flax", tree, path, remarks)


def checkpoint(format: str, tree: Any, path: Path, remarks: list[str] | tuple = ()) -> Checkpoint:
    """A training state, or parameters, as nested maps and lists: its arrays, and plain values as facts."""
    tree, facts = _arguments(tree)
    arrays: dict[str, np.ndarray] = {}
    remarks = list(remarks)
    for name, value in _leaves(tree, "", 0, path):
        parts = name.split("/")
        out = next((LEFT_OUT[part] for part in parts[:3] if part in LEFT_OUT), None)
        if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind != "f":
            value = value.item()  # a counter of steps
        if out and isinstance(value, np.ndarray):
            said = f"It also holds {out}, which was left out."
            remarks += [] if said in remarks else [said]
        elif isinstance(value, np.ndarray) and not out:
            arrays[name] = value
        elif isinstance(value, (str, int, float, bool)) and len(parts) <= 2 and len(str(value)) <= 4096 and not out:
            facts[name] = value
    if not arrays:
        raise ZooError(f"{path.name} holds no network's parameters: it may be another file of the same training.")
    return Checkpoint(format, arrays, "tensorflow", facts=facts, remarks=tuple(remarks))


def decode(data: bytes, path: Path) -> tuple[Any, list[str]]:
    """(maps, lists, arrays and plain values, remarks) of msgpack bytes. Raises ZooError."""
    import msgpack

    reader = _Reader(path)
    try:
        tree = msgpack.unpackb(
            data, raw=False, strict_map_key=False, unicode_errors="replace", ext_hook=reader.extension,
            object_hook=reader.map, list_hook=reader.list, max_map_len=MAX_ITEMS, max_array_len=MAX_ITEMS,
        )  # fmt: skip
    except ZooError:
        raise
    except Exception as error:  # msgpack has its own kinds, and passes on those of the hooks
        reason = str(error) or type(error).__name__
        raise ZooError(f"{path.name} is damaged or no msgpack file: get the file again ({reason[:120]}).") from error
    return tree, reader.remarks


class _Reader:
    """msgpack's hooks: extensions and maps that are arrays, and the count of everything."""

    def __init__(self, path: Path):
        self.remarks: list[str] = []
        self._path, self._budget, self._items = path, Budget(path), 0

    def extension(self, code: int, data: bytes) -> Any:
        """An array or a scalar of Flax's; other extensions are nothing."""
        import msgpack

        if code not in (NDARRAY, SCALAR):
            return None
        parts = msgpack.unpackb(data, raw=True, max_array_len=64, max_map_len=0)
        shape, name, buffer = parts
        if not isinstance(buffer, bytes) or not isinstance(shape, list):
            raise ValueError("an array is garbled")
        name = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
        array = self._array(shape, name, buffer, "C")
        return array.item() if array is not None and code == SCALAR else array

    def map(self, table: dict) -> Any:
        """A map; Dopamine writes arrays and long integers as maps, Flax arrays over a gigabyte."""
        self._count(len(table))
        if table.get(CHUNKED) and isinstance(table.get("chunks"), dict) and isinstance(table.get("shape"), dict):
            return self._joined(table)
        if {"dtype", "shape", "data"} <= set(table) and isinstance(table["data"], bytes):
            name = re.fullmatch(r"'([<>=|]?[a-z]\d{1,2})'", str(table["dtype"]))
            order = "F" if table.get("order") == "F" else "C"
            return self._array(table["shape"], name[1] if name else "", table["data"], order)
        if set(table) == {"integer"} and re.fullmatch(r"-?\d{1,40}", str(table["integer"])):
            return int(table["integer"])
        return table

    def list(self, values: list) -> list:
        """A list."""
        self._count(len(values))
        return values

    def _count(self, items: int) -> None:
        self._items += items + 1
        if self._items > MAX_ITEMS:
            raise ZooError(f"{self._path.name} is refused: it holds millions of small values, as no agent does.")

    def _array(self, shape: Any, name: str, buffer: bytes, order: str) -> np.ndarray | None:
        dtype = _dtype(name)
        if dtype is None:
            self.remarks.append(f"An array of {name[:40] or 'records'} was passed over.")
            return None
        self._budget.take(shape, dtype.itemsize, name)
        if math.prod(shape) * dtype.itemsize != len(buffer):
            raise ValueError(f"an array of {len(buffer)} bytes does not fit its shape")
        array = np.frombuffer(buffer, dtype).reshape(shape, order=order)
        if dtype.kind not in NUMBERS:  # a brain float
            return array.astype(np.float32)
        return array.astype(dtype.newbyteorder("="), copy=False)

    def _joined(self, table: dict) -> np.ndarray:
        shape = [table["shape"][str(axis)] for axis in range(len(table["shape"]))]
        chunks = [table["chunks"][str(number)] for number in range(len(table["chunks"]))]
        if not chunks or not all(isinstance(chunk, np.ndarray) for chunk in chunks):
            raise ValueError("an array in parts is garbled")
        self._budget.take(shape, chunks[0].dtype.itemsize, "in parts")
        return np.concatenate(chunks).reshape(shape)


def _dtype(name: str) -> np.dtype | None:
    """A type of numbers by NumPy's name; None for another."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    try:
        dtype = np.dtype(name) if re.fullmatch(r"[<>=|]?[a-z]+\d{0,2}", name) else None
    except TypeError:
        return None
    return dtype if dtype is not None and dtype.kind in NUMBERS and dtype.itemsize <= 8 else None


def _arguments(tree: Any) -> tuple[Any, dict[str, Any]]:
    """(the parameters, the arguments) of CleanRL's two kinds of file; other trees as they are."""
    if not isinstance(tree, Mapping):
        return tree, {}
    if "model_weights" in tree:
        rest = {name: value for name, value in tree.items() if name not in ("model_weights", "args")}
        weights = tree["model_weights"]
        return (weights if not rest else rest | {"model_weights": weights}), _plain(tree.get("args"))
    arguments = tree.get("0")
    if set(tree) == {"0", "1"} and isinstance(arguments, Mapping) and {"env_id", "exp_name"} & set(arguments):
        inner = tree["1"]
        if isinstance(inner, Mapping) and set(inner) == {"0", "1", "2"}:
            inner = {part: inner[str(number)] for number, part in enumerate(PARTS)}
        return inner, _plain(arguments)
    return tree, {}


def _plain(table: Any) -> dict[str, Any]:
    """The short plain values of a map."""
    pairs = table.items() if isinstance(table, Mapping) else ()
    return {str(name): value for name, value in pairs
            if isinstance(value, (str, int, float, bool)) and len(str(value)) <= 4096}  # fmt: skip


def _leaves(tree: Any, name: str, depth: int, path: Path):
    """("a/b/0", value) of everything that is no map or list."""
    if depth > MAX_DEPTH:
        raise ZooError(f"{path.name} is refused: it is nested more than {MAX_DEPTH} deep.")
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, f"{name}/{key}".lstrip("/"), depth + 1, path)
    elif isinstance(tree, (list, tuple)):
        for number, value in enumerate(tree):
            yield from _leaves(value, f"{name}/{number}".lstrip("/"), depth + 1, path)
    else:
        yield name, tree
