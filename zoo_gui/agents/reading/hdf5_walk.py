"""Reads an HDF5 file within limits: the process behind ``hdf5.read_tree``, which starts it as a program.

HDF5 can point to other files (external links, external storage, virtual datasets), build cycles with links, and unpack
a few bytes into gigabytes (fill values, compressed chunks). All of these are looked for before anything is read.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from zoo_gui.agents.reading.hdf5 import Tree
from zoo_gui.agents.reading.limits import (
    MAX_ARRAY_BYTES, MAX_ARRAYS, MAX_DEPTH, MAX_RATIO, MAX_TOTAL_BYTES, NUMBERS, SMALL, Budget,
)  # fmt: skip
from zoo_gui.types import ZooError

MAX_ATTRIBUTE_BYTES = 16 << 20
MAX_TEXTS = 4096
"""Texts or numbers in one attribute, and attributes of one group."""
MAX_TEXT_BYTES = 1 << 30
"""What such texts may unpack to at worst: each could point to the same text, as long as the file."""
FILTERS = (1, 2, 3, 4, 5, 6, 32000)
"""deflate, shuffle, Fletcher32, szip, nbit, scale-offset, LZF: HDF5's and h5py's own; others are code of others."""
BASE_BYTES = 1 << 30
"""Memory for Python, NumPy and HDF5 themselves."""


def read(path: Path, data: bytes | None = None, without: tuple[str, ...] = ()) -> Tree:
    """As ``hdf5.read_tree``, in this process: what HDF5's library does to it is not guarded against."""
    try:
        file = path if data is None else io.BytesIO(data)
        size = path.stat().st_size if data is None else len(data)
        with h5py.File(file, "r") as opened:
            walk = _Walk(path, size, without)
            walk.group(opened, "", 0)
            return walk.tree
    except ZooError:
        raise
    except Exception as error:  # h5py passes on HDF5's errors as OSError, RuntimeError, KeyError, ValueError and more
        reason = str(error).split("(")[0].strip() or type(error).__name__
        reason = " ".join(reason.split())[:120]
        raise ZooError(f"{path.name} is damaged or no HDF5 file: get the file again ({reason}).") from error


def write(tree: Tree, file: BinaryIO) -> None:
    """A JSON header behind its length, then the arrays' bytes."""
    arrays = [[name, array.dtype.str, array.shape] for name, array in tree.arrays.items()]
    _header(file, {"arrays": arrays, "attributes": tree.attributes, "left_out": tree.left_out})
    for array in tree.arrays.values():
        file.write(np.ascontiguousarray(array).data)


def _header(file: BinaryIO, table: dict) -> None:
    text = json.dumps(table).encode()
    file.write(struct.pack("<Q", len(text)) + text)


def main() -> None:
    """Read what the first argument, JSON, says; write the tree, or the sentence of an error, to the standard output."""
    call = json.loads(sys.argv[1])
    data = sys.stdin.buffer.read() if call["given"] else None
    path = Path(call["path"])
    size = path.stat().st_size if data is None else len(data)
    memory = BASE_BYTES + 3 * min(MAX_TOTAL_BYTES, max(SMALL, MAX_RATIO * size))
    resource.setrlimit(resource.RLIMIT_CPU, (call["seconds"], call["seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        tree = read(path, data, tuple(call["without"]))
    except ZooError as error:
        _header(sys.stdout.buffer, {"error": str(error)})
    else:
        write(tree, sys.stdout.buffer)


class _Walk:
    """Fills a Tree from an open file of ``size`` bytes."""

    def __init__(self, path: Path, size: int, without: tuple[str, ...]):
        self.tree = Tree()
        self._path, self._size, self._without = path, size, without
        self._budget, self._unpacked = Budget(path), 0
        self._groups: set[int] = set()
        self._entries = 0

    def group(self, group: Any, name: str, depth: int) -> None:
        """Read the group's attributes and what is in it."""
        address = h5py.h5o.get_info(group.id).addr
        if depth > MAX_DEPTH or address in self._groups:
            raise self._refused("its groups are nested too deeply or lead back to themselves")
        self._groups.add(address)
        self.tree.attributes[name] = self._attributes(group)
        for key in group:
            self._entries += 1
            if self._entries > MAX_ARRAYS:
                raise self._refused(f"it has more than {MAX_ARRAYS} entries")
            inner = f"{name}/{key}".lstrip("/")
            if inner in self._without:
                continue
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise self._refused(f"{inner[:80]} is a link, and links may lead out of the file")
            kind = group.get(key, getclass=True)
            if kind is h5py.Group:
                self.group(group[key], inner, depth + 1)
            elif kind is h5py.Dataset:
                self._dataset(group[key], inner)

    def _dataset(self, dataset: Any, name: str) -> None:
        if dataset.is_virtual or dataset.external:
            raise self._refused(f"{name[:80]} keeps its numbers in another file")
        try:
            dtype = dataset.dtype
        except TypeError:  # a type that NumPy does not have
            self.tree.left_out.append(name)
            return
        if dtype.kind not in NUMBERS or dtype.itemsize > 8 or dataset.shape is None or dtype.subdtype:
            self.tree.left_out.append(name)
            return
        self._check(dataset, name)
        array = np.empty(dataset.shape, dtype)
        if array.size:
            dataset.read_direct(array)
        if dtype == np.uint16 and "dtype" in dataset.attrs and self._attributes(dataset).get("dtype") == "bfloat16":
            import ml_dtypes  # Keras 3 writes brain floats so

            array = array.view(ml_dtypes.bfloat16).astype(np.float32)
        self.tree.arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)

    def _check(self, dataset: Any, name: str) -> None:
        """Raise ZooError unless reading the dataset takes a bearable amount of memory."""
        self._budget.take(dataset.shape, dataset.dtype.itemsize, name)
        self._unpacked += dataset.nbytes
        chunk = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize if dataset.chunks else 0
        most = max(SMALL, MAX_RATIO * self._size)
        if self._unpacked > most or chunk > min(most, MAX_ARRAY_BYTES):
            raise self._refused(f"{name[:80]} unpacks to {MAX_RATIO} times the file's size")
        properties = dataset.id.get_create_plist()
        for index in range(properties.get_nfilters()):
            if properties.get_filter(index)[0] not in FILTERS:
                raise self._refused(f"{name[:80]} is packed in a way that is not HDF5's own: save it with gzip")

    def _attributes(self, thing: Any) -> dict[str, Any]:
        found = {}
        for index, name in enumerate(thing.attrs):
            if index >= MAX_TEXTS:
                raise self._refused("it has thousands of attributes")
            value = self._attribute(thing, name)
            if value is not None:
                found[name] = value
        return found

    def _attribute(self, thing: Any, name: str) -> Any:
        """An attribute's text, texts or numbers; None for anything else, or for too much of it."""
        low = thing.attrs.get_id(name)
        try:
            dtype = low.dtype
        except TypeError:
            return None
        count = int(np.prod(low.shape, dtype=object)) if low.shape is not None else 0
        text = h5py.check_string_dtype(dtype)
        variable = text is not None and text.length is None
        if variable and (count > MAX_TEXTS or count * self._size > MAX_TEXT_BYTES and count > 1):
            return None
        if count * dtype.itemsize > MAX_ATTRIBUTE_BYTES or low.shape is None:
            return None
        if text is None and (dtype.kind not in NUMBERS or count > MAX_TEXTS):
            return None
        value = thing.attrs[name]
        if text is None:
            return np.asarray(value).tolist()
        return [_text(item) for item in value.ravel()] if isinstance(value, np.ndarray) else _text(value)

    def _refused(self, reason: str) -> ZooError:
        return ZooError(f"{self._path.name} is refused: {reason}.")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main()
