"""Bounds on what an untrusted file may ask for, checked before memory is spent on it."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Iterable

import numpy as np

from zoo_gui.types import ZooError

MAX_ARRAY_BYTES = 1 << 30
"""Of one array. A Nature network has 7 MB in all."""
MAX_TOTAL_BYTES = 2 << 30
MAX_ARRAYS = 20_000
MAX_RANK = 8
MAX_RATIO = 200
"""Unpacked bytes for each packed one, above which a compressed member is a bomb; small members may be more."""
SMALL = 16 << 20
MAX_MEMBERS = 20_000
MAX_DEPTH = 64
NUMBERS = "fiub"
"""Kinds of NumPy dtype that an array may have."""


def check_shape(shape: Iterable[int], itemsize: int, name: str, path: Path) -> None:
    """Raise ZooError for an array that is too large or has an absurd shape."""
    shape = tuple(shape)
    if len(shape) > MAX_RANK or any(not isinstance(n, (int, np.integer)) or n < 0 for n in shape):
        raise ZooError(f"{path.name} is damaged: its array {name[:80]} has the shape {shape!r:.80}.")
    if math.prod(int(n) for n in shape) * itemsize > MAX_ARRAY_BYTES:
        limit = f"{MAX_ARRAY_BYTES >> 30} GiB"
        raise ZooError(f"{path.name} holds an array larger than {limit} ({name[:80]}): no agent is.")


class Budget:
    """Adds up what a file's arrays take."""

    def __init__(self, path: Path):
        self._path, self._bytes, self._count = path, 0, 0

    def take(self, shape: Iterable[int], itemsize: int, name: str) -> None:
        """Raise ZooError where this array, or all together, are too much."""
        shape = tuple(shape)
        check_shape(shape, itemsize, name, self._path)
        self._count += 1
        self._bytes += math.prod(int(n) for n in shape) * itemsize
        if self._bytes > MAX_TOTAL_BYTES:
            raise ZooError(f"{self._path.name} unpacks to more than {MAX_TOTAL_BYTES >> 30} GiB: no agent does.")
        if self._count > MAX_ARRAYS:
            raise ZooError(f"{self._path.name} holds more than {MAX_ARRAYS} arrays: no agent does.")


def check_zip(archive: zipfile.ZipFile, path: Path) -> None:
    """Raise ZooError for an archive with bombs, too many members, or members that would lie outside a folder."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ZooError(f"{path.name} has {len(members)} members, where {MAX_MEMBERS} is the limit.")
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise ZooError(f"{path.name} unpacks to more than {MAX_TOTAL_BYTES >> 30} GiB: no agent does.")
    for member in members:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]:
            raise ZooError(f"{path.name} is refused: its member {member.filename[:80]!r} points outside the archive.")
        if member.file_size > SMALL and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise ZooError(f"{path.name} is refused: {member.filename[:80]!r} unpacks to {MAX_RATIO} times its size.")


def read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """A member's bytes, never more than its header says. Raises ZooError for a damaged one."""
    member = archive.getinfo(name)
    try:
        with archive.open(member) as file:
            data = file.read(member.file_size + 1)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise ZooError(f"{path.name} is damaged: {name[:80]!r} cannot be unpacked ({error}).") from error
    except Exception as error:  # zlib, lzma and bz2 each have errors of their own
        raise ZooError(f"{path.name} is damaged: {name[:80]!r} cannot be unpacked ({error}).") from error
    if len(data) > member.file_size:
        raise ZooError(f"{path.name} is refused: {name[:80]!r} is longer than it says.")
    return data
