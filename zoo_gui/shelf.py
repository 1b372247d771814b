"""Result folders for the window: read and copied in a thread, for files are not the UI thread's work.

Cells are not looked at: to know them the agents would have to be loaded. What is shown is what was written down.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui.errands import Errands
from zoo_gui.lab.experiment import Experiment
from zoo_gui.lab.summary import FolderSummary, folders_in, read_summary
from zoo_gui.settings import cache_dir
from zoo_gui.types import ZooError

READ, COPY, SORT, LIST = "read", "copy", "sort", "list"
NEWEST = 8
"""Experiments that are listed of those that were run without a folder's name."""
MOST_ROWS = 20_000
"""Rows of numbers that are shown; a folder may have more."""
AGENT_COLUMNS, SEED_COLUMN = ("agent", "agents", "id"), "seed"
LEVEL_COLUMN, KIND_COLUMNS = "level", ("disturbance", "what")


class Link(NamedTuple):
    """What a row of numbers is about, to be seen in the window. options: of ``Session.load``: seed, game, sticky,
    disturbance ({name: level}), as far as the folder says."""

    agent: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Shelved:
    """A result folder as the window shows it. rows: of ``summary``, in the order of its columns, None where there is
    nothing; cut: how many rows are not among them. figure: None where there is none. facts: (what, text) of where it
    comes from."""

    summary: FolderSummary
    rows: tuple[tuple[Any, ...], ...]
    cut: int
    figure: QtGui.QImage | None
    facts: tuple[tuple[str, str], ...]

    @property
    def path(self) -> Path:
        return self.summary.path

    def link(self, row: tuple[Any, ...]) -> Link | None:
        """The agent that a row names, with its seed and the level of its disturbance; None where it names none."""
        told, asked = dict(zip(self.summary.columns, row)), self.summary.experiment
        agent = next((told[name] for name in AGENT_COLUMNS if told.get(name) in asked.agents), None)
        agent = agent or next((value for value in row if value in asked.agents), None)
        if agent is None:
            return None
        seed, level = told.get(SEED_COLUMN), told.get(LEVEL_COLUMN)
        options: dict[str, Any] = {"seed": int(seed) if isinstance(seed, float) else asked.seeds[0]}
        options |= {name: value for name in ("game", "sticky") if (value := getattr(asked.settings, name, None))}
        kind = next((told[name] for name in KIND_COLUMNS if told.get(name)), None)
        kind = kind or getattr(asked.settings, "disturbance", None)
        if isinstance(level, float) and isinstance(kind, str):
            options["disturbance"] = {kind: level}
            if kind == "parameter_noise" and (layers := getattr(asked.settings, "parameter_layers", "")):
                options["disturbance"]["parameter_layers"] = layers
        return Link(agent, options)


class Shelf(Errands):
    """Ask with ``open``, ``copy_numbers``, ``sort_out`` and ``list``; the answers are signals.

    opened: a Shelved. refused: (path, why not). copied: where to. sorted_out: (result folders, other paths). listed:
    [(path, title)] of experiments that were run without a folder's name, the newest first.
    """

    name = "zoo_gui results"
    opened = QtCore.Signal(object)
    refused = QtCore.Signal(str, str)
    copied = QtCore.Signal(str)
    sorted_out = QtCore.Signal(object, object)
    listed = QtCore.Signal(object)
    _path = ""

    def open(self, path: str) -> None:
        """Read a result folder; one that is still being read is forgotten."""
        self._path = path
        self.send(READ, partial(_shelved, path))

    def copy_numbers(self, path: str, to: str) -> None:
        """Copy a folder's table to a file."""
        self.send(COPY, partial(_copied, path, to))

    def sort_out(self, paths: Sequence[str]) -> None:
        """Find out which of these are result folders."""
        self.send(SORT, partial(_sorted, paths))

    def list(self) -> None:
        """Find out which experiments lie in the cache."""
        self.send(LIST, _listed)

    def on_result(self, key: str, payload: Any) -> None:
        if key == SORT:
            self.sorted_out.emit(*payload)
        else:
            {READ: self.opened, COPY: self.copied, LIST: self.listed}[key].emit(payload)

    def on_failed(self, key: str, sentence: str) -> None:
        self.refused.emit(self._path, sentence) if key == READ else self.failed.emit(sentence)


def _shelved(path: str) -> Iterator[Shelved]:
    yield read(path)


def read(path: str | Path) -> Shelved:
    """What a result folder says. Raises ZooError where it is none."""
    path = Path(path).expanduser().absolute()
    summary = read_summary(path.parent if path.name == "experiment.toml" else path)
    rows = tuple(tuple(_known(row.get(name)) for name in summary.columns) for row in summary.rows[:MOST_ROWS])
    return Shelved(summary, rows, len(summary.rows) - len(rows), _figure(summary.figure), _facts(summary))


def _known(value: Any) -> Any:
    return None if value in ("", None) or isinstance(value, float) and math.isnan(value) else value


def _figure(png: bytes | None) -> QtGui.QImage | None:
    image = QtGui.QImage.fromData(png or b"")
    return None if image.isNull() else image.convertToFormat(QtGui.QImage.Format_RGB32)


def _facts(summary: FolderSummary) -> tuple[tuple[str, str], ...]:
    """Where the numbers come from, in the order in which one asks."""
    facts = [("folder", str(summary.path)), ("last run", summary.when or "not finished yet"), ("cells", summary.state)]
    facts += [(name, value or "no network") for name, value in summary.agents.items()]
    settings = summary.experiment.toml().partition("[settings]")[2].strip().splitlines()
    facts += [tuple(part.strip() for part in line.split("=", 1)) for line in settings if "=" in line]
    return (*facts, *summary.versions.items())


def _copied(path: str, to: str) -> Iterator[str]:
    try:
        shutil.copyfile(Path(path) / "result.csv", to)
    except shutil.SameFileError:
        pass  # it is there already
    except OSError as error:
        raise ZooError(f"{to} cannot be written ({error.strerror}): choose another place.") from error
    yield to


def _sorted(paths: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    folders = [path for path in paths if (Path(path) / "experiment.toml").is_file()]
    yield folders, [path for path in paths if path not in folders]


def _listed() -> Iterator[list[tuple[str, str]]]:
    found = []
    for folder in sorted(folders_in(cache_dir() / "experiments"), key=_time, reverse=True)[:NEWEST]:
        try:
            asked = Experiment.read(folder / "experiment.toml")
        except ZooError:
            continue
        found.append((str(folder), asked.title or f"{asked.kind}: {', '.join(asked.agents)}"))
    yield found


def _time(folder: Path) -> float:
    try:
        return (folder / "experiment.toml").stat().st_mtime
    except OSError:
        return 0.0
