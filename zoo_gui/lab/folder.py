"""An experiment's folder: what was asked, each finished cell, what failed, and what the cells say together.

    experiment.toml    what is asked, every setting
    provenance.json    versions, agents' hashes, when
    cells/….npz        one file for each finished cell: a kill loses none of them
    failures.json      {cell's key: {name, sentence}}
    result.csv .npz .png   numbers and figure; result.txt its caption
"""

from __future__ import annotations

import datetime
import json
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np

from zoo_gui import __version__
from zoo_gui.analysis import export
from zoo_gui.lab.experiment import Cell, Experiment
from zoo_gui.settings import writable_dir
from zoo_gui.types import ZooError

PACKAGES = ("numpy", "tensorflow", "ale-py", "gymnasium", "scikit-learn", "opencv-python-headless")
"""Those that numbers depend on."""


class Folder:
    """A folder with an experiment. Cells are numpy arrays, read without pickle."""

    def __init__(self, path: str | Path, experiment: Experiment):
        self.path, self.experiment = Path(path), experiment
        self.failures: dict[Cell, str] = {}

    @classmethod
    def begin(cls, path: str | Path, experiment: Experiment) -> "Folder":
        """A new folder, or one in which this experiment was begun. Raises ZooError where another one was, or where no
        file can be written."""
        path = Path(path)
        told = path / "experiment.toml"
        if told.exists():
            if Experiment.read(told) != experiment:
                raise ZooError(f"{path} has another experiment in it: name another folder.")
        elif path.is_dir() and any(path.iterdir()):
            raise ZooError(f"{path} is a folder with something else in it: name a new one.")
        writable_dir(path / "cells", "experiment's folder")
        folder = cls(path, experiment)
        if not told.exists():
            folder.write("experiment.toml", experiment.toml())
        return folder

    @classmethod
    def open(cls, path: str | Path) -> "Folder":
        """A folder that is there, with the failures it lists. Raises ZooError."""
        path = Path(path)
        if not (path / "experiment.toml").is_file():
            raise ZooError(f"{path} is no experiment's folder: it has no experiment.toml.")
        folder = cls(path, Experiment.read(path / "experiment.toml"))
        try:
            failed = json.loads((path / "failures.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            failed = {}
        folder.failures = {cell: failed[cell.key]["sentence"] for cell in folder.experiment.cells if cell.key in failed}
        return folder

    # -- cells --------------------------------------------------------------------------------------------------
    def __contains__(self, cell: object) -> bool:
        return isinstance(cell, Cell) and self._file(cell).is_file()

    def __iter__(self) -> Iterator[Cell]:
        return (cell for cell in self.experiment.cells if cell in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, cell: Cell) -> Mapping[str, np.ndarray]:
        """A finished cell's arrays. Raises ZooError where its file is damaged."""
        try:
            with np.load(self._file(cell), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ZooError(f"{self._file(cell)} is damaged: delete it and run the experiment again.") from error

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

    def note_failures(self) -> None:
        """Write failures.json. Raises ZooError."""
        told = {cell.key: {"name": cell.name, "sentence": text} for cell, text in self.failures.items()}
        self.write("failures.json", json.dumps(told, ensure_ascii=False, indent=1))

    def note_provenance(self, **more: Any) -> None:
        """Write provenance.json. Raises ZooError."""
        agents = {cell.settings["agent"]: cell.settings["agent_hash"]
                  for cell in self.experiment.cells if "agent" in cell.settings}  # fmt: skip
        told = {"zoo_gui": __version__, "versions": {name: metadata.version(name) for name in PACKAGES},
                "agents": agents, "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "cells": len(self.experiment.cells), "finished": len(self), "failed": len(self.failures),
                **more}  # fmt: skip
        self.write("provenance.json", json.dumps(told, ensure_ascii=False, indent=1))

    def write_result(self, record: Any) -> None:
        """Write what the cells say together. Raises ZooError."""
        for ending, need in ((".csv", "table"), (".npz", "arrays"), (".png", "draw")):
            if hasattr(record, need):
                export.write(record, self.path / f"result{ending}")
        self.write("result.txt", f"{getattr(record, 'caption', '')}\n")
