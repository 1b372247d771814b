"""An experiment's folder: what was asked, each finished cell, what failed, and what the cells say together.

    experiment.toml    what is asked, every setting
    cells.json         all cells: key, name, settings, with the hashes of their agents
    cells/KEY.npz      one file for each finished cell: a kill loses none of them
    failures.json      {cell's key: {name, sentence}}
    provenance.json    versions, agents' hashes, when, how many cells
    result.csv .npz .png   numbers and figure; result.txt its caption
"""

from __future__ import annotations

import contextlib
import datetime
import json
from importlib import metadata
from pathlib import Path
from typing import Any, Iterator, Mapping

import filelock
import numpy as np

from zoo_gui import __version__
from zoo_gui.agents import tables
from zoo_gui.analysis import export
from zoo_gui.lab import cell_files
from zoo_gui.lab.experiment import Cell, Experiment
from zoo_gui.provenance import commit, provenance
from zoo_gui.settings import writable_dir
from zoo_gui.types import ZooError

PACKAGES = ("numpy", "scipy", "tensorflow", "ale-py", "gymnasium", "scikit-learn", "opencv-python-headless", "dask")
"""Those that numbers may depend on."""
LOCK = ".lock"
MAX_TEXT = 256 << 20
"""Bytes of a text file in a folder: a list of a million cells has fewer."""


class Folder:
    """A folder with an experiment: {cell: its arrays} of the finished ones, read when asked for, without pickle.

    failures: {cell: sentence} of those that failed when they were last tried.
    """

    def __init__(self, path: str | Path, experiment: Experiment):
        self.path, self.experiment = Path(path), experiment
        self.failures: dict[Cell, str] = {}

    @classmethod
    @contextlib.contextmanager
    def held(cls, path: str | Path, experiment: Experiment) -> Iterator["Folder"]:
        """A new folder, or one in which this experiment was begun, which nobody else writes in meanwhile.

        Raises ZooError where another experiment or something else is in it, an agent is another one by now, no file can
        be written, or another process runs the experiment.
        """
        path = Path(path)
        told = path / "experiment.toml"
        if told.exists():
            if Experiment.read(told) != experiment:
                raise ZooError(f"{path} has another experiment in it: name another folder.")
        elif path.exists() and not (path.is_dir() and {entry.name for entry in path.iterdir()} <= {LOCK, "cells"}):
            raise ZooError(f"{path} is there with something else in it: name a new folder.")
        if not experiment.cells:  # asked first: what makes no sense leaves no folder behind
            raise ZooError("This experiment has no cells: there is nothing to compute.")
        writable_dir(path / "cells", "experiment's folder")
        with _locked(path):
            folder = cls(path, experiment)
            if told.exists():
                folder._know()
            else:
                folder.write("experiment.toml", experiment.toml())
            folder._write_cells()
            folder._tidy()
            yield folder

    @classmethod
    def open(cls, path: str | Path) -> "Folder":
        """A folder that is there, with the failures it lists. Its agents must be on this machine (``read_summary`` does
        without). Raises ZooError."""
        path = Path(path)
        folder = cls(path, read_experiment(path))
        folder._know()
        return folder

    def _know(self) -> None:
        """Take over which cells failed. Raises ZooError where an agent is another one than when this was begun."""
        begun = agents_of(read_json(self.path / "cells.json", list))
        now = agents_of([{"settings": cell.settings} for cell in self.experiment.cells])
        for agent in begun.keys() & now.keys():
            if begun[agent] != now[agent]:
                raise ZooError(f"“{agent}” is another agent now than when the experiment in {self.path} was begun: "
                               "begin anew in another folder.")  # fmt: skip
        failed = read_json(self.path / "failures.json", dict)
        cells = {cell.key: cell for cell in self.experiment.cells}
        self.failures = {cells[key]: sentence_of(told) for key, told in failed.items() if key in cells}

    def _tidy(self) -> None:
        """Delete what a kill left half-written."""
        for left in (*self.path.glob(".*.*"), *(self.path / "cells").glob(".*.npz")):
            if left.name != LOCK and left.is_file():
                left.unlink(missing_ok=True)

    # -- cells --------------------------------------------------------------------------------------------------
    def __contains__(self, cell: object) -> bool:
        return isinstance(cell, Cell) and self._file(cell).is_file()

    def __iter__(self) -> Iterator[Cell]:
        return (cell for cell in self.experiment.cells if cell in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, cell: Cell) -> Mapping[str, np.ndarray]:
        """A finished cell's arrays. Raises ZooError where its file is damaged."""
        return cell_files.read(self._file(cell))

    def unfinished(self) -> list[Cell]:
        """The cells to be computed: those without a file, and those whose file is damaged, which is deleted."""
        found = []
        for cell in self.experiment.cells:
            if cell in self and not cell_files.is_sound(self._file(cell)):
                self._file(cell).unlink()
            if cell not in self:
                found.append(cell)
        return found

    def keep(self, cell: Cell, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a finished cell, whole or not at all. Raises ZooError."""
        with export.whole(self._file(cell)) as file:
            np.savez_compressed(file, **arrays)
        self.failures.pop(cell, None)

    def _file(self, cell: Cell) -> Path:
        return self.path / "cells" / f"{cell.key}.npz"

    # -- the rest -----------------------------------------------------------------------------------------------
    def write(self, name: str, text: str) -> None:
        """Write a text file. Raises ZooError."""
        with export.whole(self.path / name) as file:
            file.write(text.encode())

    def _write_cells(self) -> None:
        told = [{"key": cell.key, "name": cell.name, "settings": cell.settings} for cell in self.experiment.cells]
        self.write("cells.json", json.dumps(told, ensure_ascii=False, default=_plain))

    def note(self, **more: Any) -> None:
        """Write failures.json and provenance.json. Raises ZooError."""
        told = {cell.key: {"name": cell.name, "sentence": text} for cell, text in self.failures.items()}
        self.write("failures.json", json.dumps(told, ensure_ascii=False, indent=1))
        told = {"made_by": f"zoo_gui {__version__}", "zoo_gui": __version__, "commit": commit(),
                "versions": {name: _version(name) for name in PACKAGES},
                "agents": agents_of([{"settings": cell.settings} for cell in self.experiment.cells]),
                "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "cells": len(self.experiment.cells), "finished": len(self), "failed": len(self.failures),
                **more}  # fmt: skip
        self.write("provenance.json", json.dumps(told, ensure_ascii=False, indent=1))

    def write_result(self, record: Any) -> None:
        """Write what the cells say together. Raises ZooError."""
        about = provenance(agent_rows(self.experiment), what=export.what_of(record),
                           settings={"experiment": self.experiment.kind,
                                     **tables.dump(self.experiment.settings, full=True)})  # fmt: skip
        for ending, need in ((".csv", "table"), (".npz", "arrays"), (".png", "draw")):
            if hasattr(record, need):
                export.write(record, self.path / f"result{ending}", about)
        self.write("result.txt", f"{getattr(record, 'caption', '')}\n")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody else's meanwhile. The system ends the lock of a process that is killed."""
    lock = filelock.FileLock(path / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ZooError(f"The experiment in {path} is running already, in another process: wait for it, or name another "
                       "folder.") from None  # fmt: skip
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def read_experiment(path: Path) -> Experiment:
    """The experiment of a folder. Raises ZooError where it is none."""
    told = path / "experiment.toml"
    if not told.is_file():
        raise ZooError(f"{path} is no experiment's folder: it has no experiment.toml.")
    if told.stat().st_size > MAX_TEXT:
        raise ZooError(f"{told} is larger than any experiment.")
    return Experiment.read(told)


def read_json(path: Path, kind: type) -> Any:
    """What a file of the folder says, empty where it is missing, damaged or no ``kind``: it only repeats what the
    experiment and its cells say."""
    try:
        if path.stat().st_size > MAX_TEXT:
            return kind()
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return kind()
    return found if isinstance(found, kind) else kind()


def agents_of(cells: list) -> dict[str, str]:
    """{agent: its hash} of rows with ``settings``."""
    settings = [row.get("settings") for row in cells if isinstance(row, dict)]
    return {told["agent"]: str(told.get("agent_hash", "")) for told in settings
            if isinstance(told, Mapping) and isinstance(told.get("agent"), str)}  # fmt: skip


def agent_rows(experiment: Experiment) -> list[dict[str, str]]:
    """Its agents, with their hashes, as a provenance has them."""
    found = agents_of([{"settings": cell.settings} for cell in experiment.cells])
    return [{"id": name, "hash": digest} for name, digest in found.items()]


def sentence_of(told: Any) -> str:
    """Why a cell failed, by an entry of failures.json."""
    return str(told.get("sentence", "")) if isinstance(told, dict) else ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _plain(value: Any) -> Any:
    """NumPy's numbers as JSON has them."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain data")
