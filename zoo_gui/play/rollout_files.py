"""Rollouts on disk: the zoo's ``.npz`` files, written and read. A file may come from anyone: nothing in it is executed,
and its arrays are read when they are asked for, never before their sizes are known.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterator, Mapping

import numpy as np

from zoo_gui.agents.reading import limits
from zoo_gui.play.played import Recording
from zoo_gui.play.rollout import ZOO_KEYS, Recipe, Rollout
from zoo_gui.play.rollout_record import Kept, coloured, scaled
from zoo_gui.types import ZooError

SUFFIX = "_rollout.npz"
"""The zoo's names end so: ``model1_final_rollout.npz``."""
ABOUT = "about"
"""Our key: who played and how, JSON in UTF-8 bytes."""
RAW, UNIT = "observations_raw", "observations_unit"
"""Our keys, in the cache only: the observations as the agent had them, and what of theirs is 1 of the recorded."""
NUMBERS, PALETTE = "frames_numbers", "frames_palette"
"""And the screens as colour numbers, with their colours."""
LEVEL = 1  # of zlib: half the time of level 6 and a few megabytes more
CHUNK = 4 << 20
MAX_HEADER = 10_000
SHAPES = {
    "observations": (4, np.float32), RAW: (4, None), "frames": (4, np.uint8), "ram": (2, np.uint8),
    "representation": (2, np.float32), "score": (1, np.float64), "ep_rewards": (1, np.float64),
    "actions": (1, np.int64), "rewards": (1, np.float64), "values": (1, np.float32), "lives": (1, np.int64),
    "episode": (1, np.int64), "ends": (1, np.bool_), "ep_complete": (1, np.bool_),
    "played": (1, np.uint8), "played_ends": (2, np.int64), "played_facts": (2, np.int64), "played_game": (1, np.uint8),
    NUMBERS: (3, np.uint8), PALETTE: (2, np.uint8), UNIT: (0, np.float64), ABOUT: (1, np.uint8),
}  # fmt: skip
"""{key: (axes, dtype that it is read as; None: the file's, uint8 or float32)}."""
BY_EPISODE = ("ep_rewards", "ep_complete", "played", "played_game", ABOUT, UNIT, PALETTE)
INSTEAD = {"observations": RAW, "frames": NUMBERS}
"""What the cache has in place of an array."""


def save(rollout: Rollout, path: str | Path, *, compressed: bool = True, compact: bool = False) -> Path:
    """Write a rollout, wholly or not at all; returns the path. 2,501 steps are 540 MB, 5 to 15 MB compressed.

    compact: as it was recorded, which ``load`` understands and other programs do not: observations of bytes stay bytes,
    screens colour numbers. Raises ZooError.
    """
    path, arrays = Path(path), rollout.arrays
    about = {"agent": rollout.agent, "agent_hash": rollout.agent_hash,
             "recipe": rollout.recipe and rollout.recipe.asdict()}  # fmt: skip
    members: dict[str, tuple[np.ndarray, Any]] = {ABOUT: (np.frombuffer(json.dumps(about).encode(), np.uint8), _same)}
    for name in arrays:
        if not isinstance(arrays, Kept):
            members[name] = arrays[name], _same
        elif compact and name in INSTEAD:
            members[INSTEAD[name]] = arrays.raw(name), _same
        else:
            members[name] = arrays.raw(name), arrays.converted(name)
    if compact and isinstance(arrays, Kept):
        members |= {UNIT: (np.array(float(arrays.unit)), _same), PALETTE: (arrays.palette, _same)}
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with _replacing(path) as scratch, zipfile.ZipFile(scratch, "w", method, compresslevel=LEVEL) as archive:
        for name, (array, convert) in members.items():
            _write(archive, name, array, convert)
    return path


def _same(rows: np.ndarray) -> np.ndarray:
    return rows


def load(path: str | Path) -> Rollout:
    """The rollout in a file of ours or the zoo's; its arrays are read when they are asked for, anew each time.

    Raises ZooError for a file that is missing, damaged or too large, here or when an array is read.
    """
    path = Path(path)
    arrays = _Members(path)
    about = _about(arrays, path)
    recipe = about.get("recipe")
    return Rollout(arrays, str(about.get("agent", "")), str(about.get("agent_hash", "")), recipe)


def load_recording(path: str | Path) -> Recording:
    """The game of a rollout in a file, for other agents to see. Raises ZooError, also for a file of another program,
    which says what the agent did and not what the emulator was told."""
    return Recording.of_arrays(load(path).arrays, Path(path).name)


def with_suffix(text: str) -> Path:
    """The file that the zoo writes for this name: ``foo`` to ``foo_rollout.npz``; a name that ends in .npz stays."""
    return Path(text if text.endswith(".npz") else f"{text}{SUFFIX}").expanduser()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A scratch file beside ``path`` that takes its place when all went well, and disappears otherwise."""
    scratch = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        os.close(handle)
        yield Path(scratch)
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, path)
    except OSError as error:
        raise ZooError(f"The rollout {path} cannot be written ({error.strerror}): choose another place.") from error
    finally:
        if scratch:
            Path(scratch).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write(archive: zipfile.ZipFile, name: str, array: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> None:
    """One array as a member, converted a few rows at a time."""
    row = convert(array[:0]) if array.ndim else array
    shape = (*array.shape[:1], *row.shape[1:])
    header = {"descr": np.lib.format.dtype_to_descr(row.dtype), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        if array.ndim == 0 or array.size == 0:
            file.write(array.tobytes())
            return
        rows = max(1, CHUNK // max(1, array[0].nbytes))
        for first in range(0, len(array), rows):
            file.write(np.ascontiguousarray(convert(array[first : first + rows])).data)


def _about(arrays: "_Members", path: Path) -> dict[str, Any]:
    """Who played and how; empty for a file that does not say."""
    if ABOUT not in arrays:
        return {}
    try:
        about = json.loads(arrays[ABOUT].tobytes())
        known = {item.name for item in dataclasses.fields(Recipe)}
        recipe = about["recipe"]
        about["recipe"] = recipe and Recipe(**{name: value for name, value in recipe.items() if name in known})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ZooError(f"{path.name} is damaged: it does not say how it was made. Make it again.") from error
    return about


class _Members(Mapping):
    """The arrays of a file, those with a meaning for us; headers are checked at once, contents read on demand."""

    def __init__(self, path: Path):
        self._path = path
        budget = limits.Budget(path)
        self._shapes: dict[str, tuple[int, ...]] = {}
        with self._opened() as archive:
            found = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if len(found) != len(archive.infolist()) or len(found) > limits.MAX_MEMBERS:
                raise ZooError(f"{path.name} is damaged: it has an array twice, or far too many. Get it again.")
            for name in (name for name in SHAPES if name in found):
                with archive.open(found[name]) as file:
                    shape, dtype = self._header(file, name)
                size = max(dtype.itemsize, np.dtype(SHAPES[name][1] or dtype).itemsize)
                budget.take(shape, 3 * size if name == NUMBERS else size, name)  # in colour
                self._shapes[name] = shape
        self._check()

    def __getitem__(self, name: str) -> np.ndarray:
        if name == "observations" and RAW in self._shapes:
            return scaled(self._read(RAW), float(self._read(UNIT)))
        if name == "frames" and NUMBERS in self._shapes:
            return coloured(self._read(NUMBERS), self._read(PALETTE))
        if name not in self._shapes:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        ours = {RAW: "observations", UNIT: "", NUMBERS: "frames", PALETTE: "", ABOUT: ""}
        return filter(None, (ours.get(name, name) for name in self._shapes))

    def __contains__(self, name: object) -> bool:
        return name in self._shapes or INSTEAD.get(name) in self._shapes

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        """The archive; whatever goes wrong inside becomes one sentence."""
        try:
            with zipfile.ZipFile(self._path) as archive:
                yield archive
        except ZooError:
            raise
        except FileNotFoundError as error:
            raise ZooError(f"There is no rollout {self._path}.") from error
        except OSError as error:
            raise ZooError(f"The rollout {self._path} cannot be read: {error.strerror or error}.") from error
        except MemoryError as error:
            raise ZooError(f"{self._path.name} does not fit into this machine's memory.") from error
        except Exception as error:  # zipfile, zlib and numpy each have errors of their own
            why = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise ZooError(f"{self._path.name} is no rollout, or damaged ({why}): get or make it again.") from error

    def _header(self, file: BinaryIO, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """(shape, dtype) of a member, from its first bytes."""
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"{name} is of an unknown version")
        shape, fortran, dtype = read(file, max_header_size=MAX_HEADER)
        axes, _ = SHAPES[name]
        if dtype.kind not in limits.NUMBERS or fortran and len(shape) > 1:
            raise ValueError(f"{name} is not an array of plain numbers in C order")
        if len(shape) != axes and shape != (0,):  # what the zoo writes for nothing
            raise ValueError(f"{name} has {len(shape)} axes, where {axes} are needed")
        return tuple(int(n) for n in shape), dtype

    def _check(self) -> None:
        """Raise ZooError unless the arrays are of one rollout."""
        there = {key: INSTEAD[key] if INSTEAD.get(key) in self._shapes else key for key in ZOO_KEYS}
        missing = [key for key in ZOO_KEYS if there[key] not in self._shapes]
        needed = {RAW: UNIT, NUMBERS: PALETTE}
        missing += [key for of, key in needed.items() if of in self._shapes and key not in self._shapes]
        rows = {self._shapes[name][0] for name in self._shapes if name not in BY_EPISODE} - {0}
        if missing or len(rows) > 1 or self._shapes.get(PALETTE, (256, 3)) != (256, 3):
            why = f"it has no {', '.join(missing)}" if missing else "its arrays do not fit each other"
            raise ZooError(f"{self._path.name} is not one of the zoo's rollouts: {why}.")

    def _read(self, name: str) -> np.ndarray:
        """A member's array, in chunks: what a header promises is not believed before it is there."""
        with self._opened() as archive, archive.open(f"{name}.npy") as file:
            shape, dtype = self._header(file, name)
            if shape != self._shapes[name]:
                raise ValueError("it changed meanwhile")
            array = np.empty(shape, dtype)
            place, view = 0, memoryview(array.reshape(-1).view(np.uint8))
            while place < len(view):
                read = file.readinto(view[place : place + CHUNK])
                if not read:
                    raise ValueError(f"{name} is cut short")
                place += read
            if file.read(1):
                raise ValueError(f"{name} is longer than it says")
        wanted = SHAPES[name][1]
        if wanted is None and dtype not in (np.uint8, np.float32):
            raise ZooError(f"{self._path.name} is damaged: its observations are {dtype}. Make it again.")
        return array if wanted is None else array.astype(wanted, copy=False)
