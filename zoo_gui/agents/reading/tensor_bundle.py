"""TensorFlow's checkpoint files (a tensor bundle: ``.index`` and ``.data-00000-of-00001``), read without TensorFlow.

The index is a sorted string table as LevelDB writes it; each entry says where an array's bytes lie in a data file,
whose name follows from the index's own: nothing in the file names another. Sizes are held against the files before
anything is read. Source: tensorflow/core/util/tensor_bundle and tensorflow/tsl/lib/io/format.cc.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def
from zoo_gui.agents.reading.limits import Budget
from zoo_gui.types import ZooError

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER = 48
MAX_INDEX_BYTES = 64 << 20
MAX_ENTRIES = 200_000
MAX_TEXT = 64 << 20
MAX_SHARDS = 1024


class Damaged(Exception):
    """The table contradicts itself."""


@dataclass(frozen=True)
class Entry:
    """Where an array lies. dtype: TensorFlow's DataType. sliced: it is stored in parts, entries of their own."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    sliced: bool


class Bundle:
    """A checkpoint by its index file. entries: {name: Entry}. Raises ZooError for a damaged or hostile one."""

    def __init__(self, index: Path):
        self._path, self._prefix = index, index.name.removesuffix(".index")
        try:
            if index.stat().st_size > MAX_INDEX_BYTES:
                raise ZooError(
                    f"{index.name} is too large for a checkpoint's index: {MAX_INDEX_BYTES >> 20} MiB is the limit."
                )
            records = list(table(index.read_bytes()))
        except OSError as error:
            raise ZooError(f"{index.name} cannot be read: {error.strerror}.") from error
        except Damaged as error:
            raise ZooError(f"{index.name} is damaged or cut short ({error}): get the checkpoint again.") from error
        if not records or records[0][0] != b"":
            raise ZooError(f"{index.name} is no checkpoint's index: it has no header.")
        header = graph_def.parse("BundleHeader", records[0][1], index.name)
        if not 0 < header.num_shards <= MAX_SHARDS:
            raise ZooError(f"{index.name} is damaged: it names {header.num_shards} data files.")
        self._shards, self._order = header.num_shards, ">" if header.endianness == 1 else "<"
        self.entries = {}
        for key, value in records[1:]:
            entry = self._entry(key, value)
            if entry is not None:
                self.entries[key.decode("utf-8")] = entry

    def arrays(self, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
        """{name: array} of the numbers among the wanted entries. Raises ZooError where files and entries disagree."""
        budget, found = Budget(self._path), {}
        for name, entry in self.entries.items():
            kind = graph_def.DTYPES.get(entry.dtype) or ("u2" if entry.dtype == graph_def.BFLOAT16 else None)
            if kind is None or entry.sliced or not wanted(name):
                continue
            dtype = np.dtype(kind).newbyteorder(self._order)
            budget.take(entry.shape, dtype.itemsize, name)
            if entry.size != math.prod(entry.shape) * dtype.itemsize:
                raise ZooError(
                    f"{self._path.name} is damaged: the size of its array {name[:80]} does not fit its shape."
                )
            array = np.frombuffer(self._bytes(name, entry), dtype).reshape(entry.shape)
            array = array.astype(dtype.newbyteorder("="), copy=False)
            found[name] = graph_def.from_bfloat16(array) if entry.dtype == graph_def.BFLOAT16 else array
        return found

    def text(self, name: str) -> bytes:
        """The one text of an entry, b"" where it has none."""
        entry = self.entries.get(name)
        if entry is None or entry.dtype != graph_def.STRING or math.prod(entry.shape) != 1:
            return b""
        if entry.size > MAX_TEXT:
            raise ZooError(f"{self._path.name} is refused: its text {name[:80]} is too long.")
        data = self._bytes(name, entry)
        try:
            length, position = _varint(data, 0)
        except Damaged as error:
            raise ZooError(f"{self._path.name} is damaged: its text {name[:80]} is cut short.") from error
        text = data[position + 4 : position + 4 + length]  # after a checksum of the length
        if len(text) != length:
            raise ZooError(f"{self._path.name} is damaged: its text {name[:80]} is cut short.")
        return text

    def _entry(self, key: bytes, value: bytes) -> Entry | None:
        """An entry of the index; None for one of a part of an array, whose key is no name."""
        try:
            name = key.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if "\0" in name:
            return None
        entry: Any = graph_def.parse("BundleEntry", value, self._path.name)
        shape = graph_def.shape_of(entry.shape)
        if shape is None or not 0 <= entry.shard_id < self._shards or entry.offset < 0 or entry.size < 0:
            raise ZooError(f"{self._path.name} is damaged: its entry {name[:80]} lies nowhere.")
        return Entry(entry.dtype, shape, entry.shard_id, entry.offset, entry.size, bool(entry.slices))

    def _bytes(self, name: str, entry: Entry) -> bytes:
        path = self._path.with_name(f"{self._prefix}.data-{entry.shard:05d}-of-{self._shards:05d}")
        try:
            length = path.stat().st_size
            if entry.offset + entry.size > length:
                raise ZooError(f"{path.name} is cut short: {name[:80]} would end beyond it; get the file again.")
            with path.open("rb") as file:
                file.seek(entry.offset)
                data = file.read(entry.size)
        except FileNotFoundError as error:
            raise ZooError(
                f"{path.name} is missing: put it beside {self._path.name}, both make the checkpoint."
            ) from error
        except OSError as error:
            raise ZooError(f"{path.name} cannot be read: {error.strerror}.") from error
        if len(data) != entry.size:
            raise ZooError(f"{path.name} is cut short: get the file again.")
        return data


def table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of a sorted string table, in its order. Raises Damaged."""
    if len(data) < FOOTER or data[-8:] != MAGIC:
        raise Damaged("it lacks the end mark of a table")
    _, position = _handle(data, len(data) - FOOTER)
    (offset, size), _ = _handle(data, position)
    count = 0
    for _, value in _block(data, offset, size):
        (offset, size), _ = _handle(value, 0)
        for entry in _block(data, offset, size):
            count += 1
            if count > MAX_ENTRIES:
                raise Damaged("it has too many entries")
            yield entry


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of one block: keys share their beginning with the key before."""
    if offset + size + 5 > len(data) or size < 4:
        raise Damaged("a block lies outside")
    if data[offset + size] != 0:
        raise Damaged("its blocks are compressed, which TensorFlow never does")
    block = data[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end = size - 4 - 4 * restarts
    if end < 0:
        raise Damaged("a block's end")
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + rest + length > end:
            raise Damaged("an entry's length")
        key = key[:shared] + block[position : position + rest]
        position += rest + length
        yield key, block[position - length : position]


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    try:
        return graph_def.varint(data, position, len(data))
    except graph_def.Malformed as error:
        raise Damaged("a number") from error
