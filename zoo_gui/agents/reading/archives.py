"""Zip archives of strangers, opened within limits."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from zoo_gui.agents.reading.limits import MAX_MEMBERS, check_zip
from zoo_gui.types import ZooError

MAX_DIRECTORY = MAX_MEMBERS << 9
"""Bytes of an archive's table of contents."""
_END, _LOCATOR, _END_64 = b"PK\5\6", b"PK\6\7", b"PK\6\6"
_LONGEST_END = 22 + 65535
"""The record at an archive's end with the longest comment."""


def open_zip(file: BinaryIO, path: Path) -> zipfile.ZipFile:
    """The archive in a file that is open, checked by ``limits.check_zip``. Raises ZooError.

    ``zipfile`` makes an object of each entry of the table of contents before one can ask how many there are, so its
    length is read first.
    """
    try:
        if _directory_bytes(file) > MAX_DIRECTORY:
            raise ZooError(f"{path.name} is refused: its table of contents is longer than any agent's.")
        archive = zipfile.ZipFile(file)
    except ZooError:
        raise
    except Exception as error:  # struct, zlib and codecs each have errors of their own
        raise ZooError(f"{path.name} is damaged: it is a cut or garbled zip archive ({error}).") from error
    check_zip(archive, path)
    return archive


def _directory_bytes(file: BinaryIO) -> int:
    """The length that the end record, or its 64-bit version, gives for the table of contents; 0 where there is none."""
    size = file.seek(0, 2)
    start = max(0, size - _LONGEST_END - 76)
    file.seek(start)
    tail = file.read(size - start)
    longest = 0
    at = tail.rfind(_END)
    if at >= 0:
        longest = int.from_bytes(tail[at + 12 : at + 16], "little")
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR:
        for place in (at - 76, tail.rfind(_END_64)):
            if place >= 0 and tail[place : place + 4] == _END_64:
                longest = int.from_bytes(tail[place + 40 : place + 48], "little")
    return longest
