"""What lies in an experiment's folder, without its agents, TensorFlow or any computing: for a person and the window.

A folder may be a stranger's: texts are bounded, and nothing in it is run.
"""

from __future__ import annotations

import csv
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping

from zoo_gui.lab.experiment import Experiment
from zoo_gui.lab.folder import LOCK, read_experiment, read_json, sentence_of
from zoo_gui.types import ZooError

MAX_ROWS, MAX_FIGURE, MAX_PIXELS, MAX_CAPTION = 100_000, 64 << 20, 100_000_000, 20_000


@dataclass(frozen=True)
class FolderSummary:
    """experiment: what was asked. names: {key: name} of all cells. finished: keys of those that are. missing: names
    of those that are not, and did not fail. failures: (cell's name, sentence) of those that failed when they were last
    tried. caption, columns, rows (numbers where they are
    some), figure (a PNG file's bytes): of the result, empty or None where there is none. when: of the last run, ISO
    8601. versions: {package: version}. agents: {id: hash}."""

    path: Path
    experiment: Experiment
    names: Mapping[str, str] = field(repr=False)
    finished: frozenset[str] = field(repr=False)
    missing: tuple[str, ...] = field(repr=False)
    failures: tuple[tuple[str, str], ...]
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, float | str], ...] = field(repr=False)
    figure: bytes | None = field(repr=False)
    when: str
    versions: Mapping[str, str]
    agents: Mapping[str, str]

    @property
    def title(self) -> str:
        """For people."""
        return self.experiment.title or f"{self.experiment.kind}: {', '.join(self.experiment.agents)}"

    @property
    def state(self) -> str:
        """How far it is, for people."""
        said = [f"{len(self.finished)} of {len(self.names)} cells finished"]
        said += [f"{len(self.failures)} failed"] if self.failures else []
        said += [f"{len(self.missing)} to be computed"] if self.missing else []
        return ", ".join(said)


def read_summary(path: str | Path) -> FolderSummary:
    """What lies in a folder. Raises ZooError where it is no experiment's; what is damaged in it counts as missing."""
    path = Path(path)
    if not path.is_dir():
        raise ZooError(f"{path} is no folder: name one that an experiment was run in.")
    experiment = read_experiment(path)
    cells = [row for row in read_json(path / "cells.json", list) if isinstance(row, dict)]
    names = {str(row["key"]): str(row.get("name", row["key"])) for row in cells if "key" in row}
    files = {file.stem for file in (path / "cells").glob("*.npz")}
    failed = read_json(path / "failures.json", dict)
    failures = {key: (names[key], sentence_of(told)) for key, told in failed.items()
                if key in names and key not in files}  # fmt: skip
    missing = tuple(name for key, name in names.items() if key not in files and key not in failures)
    told = read_json(path / "provenance.json", dict)
    columns, rows = _table(path / "result.csv")
    return FolderSummary(
        path, experiment, names, frozenset(names.keys() & files), missing, tuple(failures.values()),
        _caption(path / "result.txt"), columns, rows, _figure(path / "result.png"), str(told.get("when", "")),
        _texts(told.get("versions")), _texts(told.get("agents")))  # fmt: skip


def folders_in(path: str | Path) -> list[Path]:
    """The experiments' folders in a folder, by name."""
    try:
        return sorted(entry.parent for entry in Path(path).glob("*/experiment.toml"))
    except OSError:
        return []


def is_running(path: str | Path) -> bool:
    """Whether a process of this machine computes in the folder now."""
    import filelock

    if not (Path(path) / LOCK).is_file():
        return False
    lock = filelock.FileLock(Path(path) / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except (filelock.Timeout, OSError):
        return True
    lock.release()
    return False


def _texts(table: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in table.items()} if isinstance(table, dict) else {}


def _caption(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_CAPTION).strip()
    except OSError:
        return ""


def _table(path: Path) -> tuple[tuple[str, ...], tuple[Mapping[str, float | str], ...]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(line for line in file if not line.startswith("#"))
            rows = []
            for row in reader:
                rows.append({str(name): _value(text) for name, text in row.items()})
                if len(rows) == MAX_ROWS:
                    break
            return tuple(reader.fieldnames or ()), tuple(rows)
    except (OSError, ValueError, csv.Error):
        return (), ()


def _value(text: object) -> float | str:
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return text if isinstance(text, str) else ""


def _figure(path: Path) -> bytes | None:
    """The file, where it is a PNG of a bearable size."""
    try:
        if path.stat().st_size > MAX_FIGURE:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return data if width * height <= MAX_PIXELS else None
