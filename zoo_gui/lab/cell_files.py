"""A finished cell's file, read as a stranger's: within limits, and without pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Mapping

import numpy as np

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.reading.limits import Budget
from zoo_gui.types import ZooError

READ_WHOLE = 8 << 20
"""Bytes up to which a file is read to see whether it is damaged; of larger ones only the table of contents is."""


def read(path: Path) -> Mapping[str, np.ndarray]:
    """{name: array}. Raises ZooError where the file is damaged or larger than cells are."""
    try:
        with path.open("rb") as file, open_zip(file, path) as archive:
            budget = Budget(path)
            return {name.removesuffix(".npy"): _array(archive, name, budget) for name in archive.namelist()}
    except ZooError as error:
        raise ZooError(f"{error} Delete it and run the experiment again ({path}).") from error
    except Exception as error:  # zlib, struct and NumPy's own parser each have errors of their own
        raise ZooError(f"{path} is damaged: delete it and run the experiment again.") from error


def is_sound(path: Path) -> bool:
    """Whether the file can be read, as far as that is seen soon."""
    try:
        with path.open("rb") as file, open_zip(file, path) as archive:
            return path.stat().st_size > READ_WHOLE or archive.testzip() is None
    except Exception:  # a ZooError, or an OSError; zlib and struct have errors of their own
        return False


def _array(archive: zipfile.ZipFile, name: str, budget: Budget) -> np.ndarray:
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = header(member)
    budget.take(shape, dtype.itemsize, name)
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
