"""What newer Pythons bring along, for Python 3.10."""

from __future__ import annotations

import hashlib
import sys
from typing import BinaryIO

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["file_digest", "tomllib"]

CHUNK = 1 << 20


def file_digest(file: BinaryIO, name: str) -> "hashlib._Hash":
    """The hash of what is left of a file that is open for reading, as ``hashlib.file_digest`` makes it."""
    if sys.version_info >= (3, 11):
        return hashlib.file_digest(file, name)
    digest = hashlib.new(name)
    while part := file.read(CHUNK):
        digest.update(part)
    return digest
