"""Bounded reading of an untrusted HDF5 file: arrays of numbers and short attributes, and nothing outside the file.

HDF5's library runs in a process of its own (``hdf5_walk``), with limits of time and memory: garbled files make it loop
without end or crash (HDF5 1.14.6 does both), and neither may happen to who reads them. It costs 0.2 s.
"""

from __future__ import annotations

import json
import math
import os
import signal
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import zoo_gui
from zoo_gui.types import ZooError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SECONDS = 3
"""Of computing that a file may take; a Nature network takes 0.3."""
BYTES_PER_SECOND = 20 << 20
"""What is added to that: a second for so much of the file."""
PATIENCE = 10
"""Seconds by the clock for each second of computing, on a busy machine."""
WALK = "import sys; sys.path[:] = filter(None, sys.path); from zoo_gui.agents.reading.hdf5_walk import main; main()"
"""Imports nothing from the folder that we happen to be in, which may be a stranger's: as ``-P``, which 3.10 lacks."""


@dataclass(frozen=True)
class Tree:
    """arrays: {"group/dataset": array of numbers, in the machine's byte order}. attributes: {"group/group", "" for the
    root: {name: text, number, or list of either}}, groups in the order of the walk. left_out: datasets that are not
    numbers."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read_tree(path: Path, data: bytes | None = None, without: tuple[str, ...] = ()) -> Tree:
    """Everything in the file but the top-level groups ``without``.

    data: read instead of the file ``path``, which then only gives the name for errors. Raises ZooError for a file that
    is damaged, leads outside itself, or asks for more than the limits.
    """
    seconds = SECONDS + (path.stat().st_size if data is None else len(data)) // BYTES_PER_SECOND
    call = {"path": str(path.resolve()), "given": data is not None, "seconds": seconds, "without": without}
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(
        [str(Path(zoo_gui.__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])}  # fmt: skip
    command = [sys.executable, "-c", WALK, json.dumps(call)]
    try:
        done = subprocess.run(
            command, input=data or b"", env=environment, capture_output=True, timeout=seconds * PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise ZooError(f"{path.name} takes too long to read: it is damaged, get the file again.") from error
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise ZooError(f"{path.name} takes too long to read: it is damaged, get the file again.")
    if done.returncode < 0:
        raise ZooError(f"{path.name} is damaged: reading it made the HDF5 library crash, get the file again.")
    try:
        return _parse(done.stdout)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ZooError(f"{path.name} cannot be read: {said[:200] or 'the reading process gave nothing'}.") from error


def _parse(data: bytes) -> Tree:
    """What ``hdf5_walk.write`` wrote. Raises ZooError where that is a sentence."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    if "error" in header:
        raise ZooError(header["error"])
    arrays, at = {}, 8 + length
    for name, dtype, shape in header["arrays"]:
        arrays[name] = np.frombuffer(data, dtype, math.prod(shape), at).reshape(shape)
        at += arrays[name].nbytes
    return Tree(arrays, header["attributes"], header["left_out"])
