"""NumPy's ``.npz`` and ``.npy``: Chainer's ``save_npz``, dumps of TensorFlow, JAX and evolution strategies.

No pickle is ever loaded: arrays of Python objects are passed over. Names are the archive's without ``.npy``; Chainer's,
which it writes in no order, are sorted. Of a Chainer trainer's snapshot only the models are kept, of anything only what
is no optimiser's.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.limits import MAX_RATIO, NUMBERS, SMALL, Budget, read_member
from zoo_gui.types import ZooError

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
MAX_TEXT = 4096
ROLLOUT = {"observations", "frames", "ram", "representation", "score", "ep_rewards"}
"""Keys of the Atari zoo's rollouts (``get_observations`` and so on)."""


def recognises(path: Path, head: bytes) -> int:
    """NumPy's magic, or a zip whose members are .npy files."""
    if head.startswith(MAGIC):
        return SURE
    if not head.startswith(b"PK"):
        return NO
    try:
        with path.open("rb") as file:
            names = open_zip(file, path).namelist()
    except (ZooError, OSError):
        return MAYBE if path.suffix == ".npz" else NO
    return SURE if names and all(name.endswith(".npy") for name in names) else NO


@register("numpy", title="NumPy", suffixes=(".npz", ".npy"), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Arrays of numbers, short texts as facts. Raises ZooError for a damaged file, a rollout, one of objects only."""
    found = _Found(path)
    try:
        with path.open("rb") as file:
            single = file.read(len(MAGIC)) == MAGIC
        if single:
            found.add(path.stem, path.read_bytes())
        else:
            _read_archive(path, found)
    except (OSError, ValueError, OverflowError) as error:
        raise ZooError(f"{path.name} is damaged or no NumPy file: get the file again ({str(error)[:120]}).") from error
    arrays = _without_optimiser(found.arrays)
    if len(ROLLOUT & set(arrays)) >= 2 and not set(arrays) - ROLLOUT:
        raise ZooError(f"{path.name} is a rollout, what an agent saw and did, and no agent: open the agent it is of.")
    if found.arrays and not arrays:
        raise ZooError(f"{path.name} holds an optimiser's state and no agent: open the file of the model beside it.")
    if not arrays and found.objects:
        raise ZooError(
            f"{path.name} holds Python objects (a pickle), which are never run: save each array with np.savez instead."
        )
    if not arrays:
        raise ZooError(f"{path.name} holds no arrays of numbers.")
    remarks = [f"Its {name[:80]} is no array of numbers and was passed over." for name in found.objects]
    if len(arrays) < len(found.arrays):
        remarks.append(f"{len(found.arrays) - len(arrays)} arrays of the optimiser or trainer were left out.")
    facts = found.facts | ({"flat": True} if single and next(iter(arrays.values())).ndim == 1 else {})
    return Checkpoint("numpy", arrays, convention(arrays), facts=facts, remarks=tuple(remarks[:8]))


def convention(names: Iterable[str]) -> str:
    """How kernels are ordered, by what frameworks call them; "" where it may be either.

    ``W`` is Chainer's; ``kernel``, ``weights`` and ``w`` are TensorFlow's, Flax's and Haiku's; ``weight`` PyTorch's.
    """
    parts = {re.split(r"[/.]", re.sub(r":\d+$", "", name))[-1] for name in names}
    if parts & {"kernel", "weights", "w"} and not parts & {"W", "weight"}:
        return "tensorflow"
    return "pytorch" if parts & {"W", "weight"} and not parts & {"kernel", "weights", "w"} else ""


class _Found:
    """What the members hold. arrays: of numbers. facts: short texts. objects: names of what is neither."""

    def __init__(self, path: Path):
        self.arrays: dict[str, np.ndarray] = {}
        self.facts: dict[str, Any] = {}
        self.objects: list[str] = []
        self._path, self._budget = path, Budget(path)

    def wanted(self, name: str, head: bytes, size: int) -> bool:
        """Whether a member of that size, by its first bytes, is to be read; checks it against the limits."""
        dtype, shape, _, start = _header(head)
        if dtype.kind == "U" and shape == () and dtype.itemsize <= MAX_TEXT:
            return True
        if dtype.kind not in NUMBERS or dtype.itemsize > 8 or dtype.subdtype:
            self.objects.append(name)
            return False
        self._budget.take(shape, dtype.itemsize, name)
        if size - start != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name[:80]} is cut short")
        return True

    def add(self, name: str, data: bytes) -> None:
        """Keep what a member, or a file, holds."""
        if not self.wanted(name, data[: MAX_HEADER + 16], len(data)):
            return
        dtype, shape, fortran, start = _header(data[: MAX_HEADER + 16])
        array = np.frombuffer(data, dtype, math.prod(shape), start).reshape(shape, order="F" if fortran else "C")
        if dtype.kind == "U":
            self.facts[name] = str(array)
        else:
            self.arrays[name] = array.astype(dtype.newbyteorder("="), copy=False)


def _header(data: bytes) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """(dtype, shape, Fortran order, where the numbers begin) of an .npy file. Raises ValueError."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 2 wrote it
        try:
            shape, fortran, dtype = read(file, max_header_size=MAX_HEADER)
        except Exception as error:  # NumPy passes on what Python's tokenizer and parser say
            raise ValueError("its header is garbled") from error
    if any(n < 0 for n in shape):
        raise ValueError("a shape is negative")
    return dtype, shape, fortran, file.tell()


def _read_archive(path: Path, found: _Found) -> None:
    with path.open("rb") as file:
        archive = open_zip(file, path)
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        unpacked = sum(member.file_size for member in members)
        if unpacked > max(4 * SMALL, MAX_RATIO * path.stat().st_size):
            raise ZooError(f"{path.name} is refused: it unpacks to {MAX_RATIO} times its size.")
        chainer = any(re.search(r"(^|/)[Wb]\.npy$", member.filename) for member in members)
        for member in sorted(members, key=lambda m: natural(m.filename)) if chainer else members:
            name = member.filename.removesuffix(".npy")
            if name not in found.arrays:
                found.add(name, read_member(archive, member.filename, path))


def natural(name: str) -> list:
    """A key that sorts 10 after 2."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _without_optimiser(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without an optimiser's moments and counters, which Chainer keeps below the weights they belong to."""
    models = {name: array for name, array in arrays.items() if "model:" in name.split("/", 2)[min(1, name.count("/"))]}
    if models:  # a trainer's snapshot: updater/model:main/…, updater/optimizer:main/…
        return models
    return {
        name: array for name, array in arrays.items()
        if not re.search(r"(^|/)(W|b|gamma|beta)/[^/]+$", name)
        and not (name in ("t", "epoch") and array.ndim == 0)
        and not re.search(r"(?i)(^|/)(optimi[sz]er|adam|rmsprop|opt_state)[^/]*/", name)
    }  # fmt: skip
