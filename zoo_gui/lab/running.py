"""Running an experiment: each cell that is not there yet, then what all say together."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

from zoo_gui.analysis import finish
from zoo_gui.lab import scheduling
from zoo_gui.lab.experiment import Cell, Experiment, kind_of
from zoo_gui.lab.folder import Folder
from zoo_gui.types import Progress, ZooError

__all__ = ["Outcome", "finish", "run"]


@dataclass(frozen=True)
class Outcome:
    """How an experiment ended. record: what its cells say together, None where none is finished. finished: how many of
    ``total`` cells. failures: {cell: why, in a sentence}."""

    folder: Path
    record: Any
    finished: int
    failures: Mapping[Cell, str]
    total: int


def run(
    experiment: Experiment, path: str | Path, *, workers: int | None = 1, scheduler: str = ""
) -> Iterator[Progress]:
    """Compute the cells that are missing in the folder ``path``, then the result; the last record's is the Outcome.

    workers: how many processes compute on this machine, 1: this one alone, None: as many as pay
    (``scheduling.suitable``). scheduler: the address of a Dask cluster that computes instead (tcp://host:8786). The
    numbers are the same either way. Cells that failed before are tried again; closing the generator stops, and what is
    finished stays. Raises ZooError where the experiment makes no sense, the cluster cannot be reached, or nothing can
    be written any more.
    """
    if workers != 1 or scheduler:
        scheduling.check_start()
    with Folder.held(path, experiment) as folder:
        try:
            yield from _cells(folder, workers, scheduler)
        except BaseException:  # what failed so far is worth knowing, but no reason to hide why this ends
            with contextlib.suppress(ZooError):
                folder.note()
            raise
        record = None
        total, failures = len(experiment.cells), folder.failures
        for progress in kind_of(experiment.kind).result(experiment, experiment.cells, folder) if len(folder) else ():
            record = progress.result if progress.result is not None else record
            yield Progress(total, total, progress.label)
        if record is not None:
            folder.write_result(record)
        folder.note()
        yield Progress(total, total, "", Outcome(folder.path, record, len(folder), dict(failures), total))


def _cells(folder: Folder, workers: int | None, scheduler: str) -> Iterator[Progress]:
    """Compute and keep what is missing."""
    missing, total = folder.unfinished(), len(folder.experiment.cells)
    there = total - len(missing)
    yield Progress(there, total, f"{there} of {total} cells were there" if there else f"{total} cells")
    begun = last = time.monotonic()
    count, left, name = 0, 0.0, ""
    with contextlib.closing(scheduling.computed(missing, workers, scheduler)) as events:
        for event in events:
            if isinstance(event, str):
                left, last = max(0.0, left - (time.monotonic() - last)), time.monotonic()
                yield Progress(there + count, total, event or _label(name, left))
                continue
            cell, found = event
            if isinstance(found, str):
                folder.failures[cell] = found
            else:
                folder.keep(cell, found)
            count, name, last = count + 1, cell.name, time.monotonic()
            left = (last - begun) / count * (len(missing) - count)
            yield Progress(there + count, total, _label(name, left))


def _label(name: str, left: float) -> str:
    return f"{name} · {duration(left)} left" if name else "workers start"


def duration(seconds: float) -> str:
    """For people: "12 s", "3 min", "2 h 05 min"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
