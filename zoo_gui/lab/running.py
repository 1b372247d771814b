"""Running an experiment: each cell that is not there yet, then what all say together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis import finish
from zoo_gui.lab.experiment import Cell, Experiment, kind_of
from zoo_gui.lab.folder import Folder
from zoo_gui.types import Progress, ZooError

__all__ = ["Outcome", "finish", "run"]


@dataclass(frozen=True)
class Outcome:
    """How an experiment ended. record: what its cells say together, None where none is finished."""

    folder: Path
    record: Any
    finished: int
    failures: Mapping[Cell, str]


def run(experiment: Experiment, path: str | Path) -> Iterator[Progress]:
    """Compute the cells that are missing in the folder ``path``, then the result; the last record's is the Outcome.

    Cells that failed before are tried again. Raises ZooError where the experiment makes no sense, or where nothing can
    be written any more: what is finished stays.
    """
    folder = Folder.begin(path, experiment)
    missing = [cell for cell in experiment.cells if cell not in folder]
    done, total, begun = len(experiment.cells) - len(missing), len(experiment.cells), time.monotonic()
    yield Progress(done, total, f"{done} of {total} cells were there" if done else f"{total} cells")
    for count, (cell, found) in enumerate(computed(missing), 1):
        if isinstance(found, str):
            folder.failures[cell] = found
        else:
            folder.keep(cell, found)
        left = (time.monotonic() - begun) / count * (len(missing) - count)
        yield Progress(done + count, total, f"{cell.name} · {left:.0f} s left")
    folder.note_failures()
    folder.note_provenance()
    record = None
    if len(folder):
        for progress in kind_of(experiment.kind).result(experiment, experiment.cells, folder):
            record = progress.result if progress.result is not None else record
            yield Progress(total, total, progress.label)
        folder.write_result(record)
    yield Progress(total, total, "", Outcome(folder.path, record, len(folder), dict(folder.failures)))


def computed(cells: Sequence[Cell]) -> Iterable[tuple[Cell, Mapping[str, np.ndarray] | str]]:
    """(cell, its arrays, or why it failed in a sentence) of each, as they are finished."""
    for cell in cells:
        yield cell, attempt(cell)


def attempt(cell: Cell) -> Mapping[str, np.ndarray] | str:
    """A cell's arrays, or why it failed in a sentence."""
    try:
        return kind_of(cell.kind).compute(cell)
    except ZooError as error:
        return str(error)
    except MemoryError:
        return "There was not enough memory for this cell: run fewer at a time, or a shorter one."
    except Exception as error:  # one cell of a hundred must not take the others with it
        return f"{type(error).__name__}: {error}"
