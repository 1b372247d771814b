"""A run's training log as columns: of an agent, or any file in the shape of the zoo's logs (``agents.logs``) or ours.

The original's reader drops rows of untrained networks, sorts by time and takes gaps of over three hours out. Here
nothing is sorted: a log whose frames go back was written by a training that was taken up again from an earlier state,
and what was trained anew takes the place of what was thrown away.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from zoo_gui.agents import catalogue, logs
from zoo_gui.agents.card import Card
from zoo_gui.analysis.behaviour import yardsticks
from zoo_gui.analysis.contestants import algorithm_title
from zoo_gui.play import games
from zoo_gui.types import ZooError, read_only

GAP = 3 * 3600
"""Seconds between two rows above which nobody trained: the original's rule."""
FRAME_SKIP = 4
"""Emulator frames an agent step, where nothing says otherwise."""


@dataclass(frozen=True)
class Log:
    """A run's log, N rows. frames: (N,) emulator frames, rising. seconds: (N,) of training, gaps taken out; score,
    entropy: (N,), nan where unknown; games: (N,) how many games the score is of, at least 1. marks: {tag: frames} of
    the checkpoints that were kept. random, human: None where unknown. remarks: what was put right."""

    label: str
    algorithm: str
    game: str
    frames: np.ndarray
    seconds: np.ndarray
    score: np.ndarray
    entropy: np.ndarray
    games: np.ndarray
    marks: Mapping[str, float] = field(default_factory=dict)
    random: float | None = None
    human: float | None = None
    frame_skip: int = FRAME_SKIP
    remarks: tuple[str, ...] = ()


def read(source: str) -> Log:
    """The log of an agent (an id, or ALGO/GAME/RUN of any tag) or of a file: ``.json``, or ``.jsonl`` with an object a
    line. Raises ZooError: no such agent or file, no log, or nothing in it."""
    path = Path(source)
    if path.suffix in (".json", ".jsonl"):
        return _of_file(path)
    entry = catalogue.find(source)
    if entry.tag:
        entry = catalogue.find(f"{entry.algorithm}/{entry.game}/{entry.run}")
    if entry.path is None:
        raise ZooError(f"{entry.id} has no log on this machine: only agents that were trained here have one.")
    folder = entry.path.parent
    card = Card.read(entry.path)
    known = yardsticks(card.game, [_WithCard(card)], card.preprocessing.sticky)
    skip = card.preprocessing.frame_skip
    title = algorithm_title(entry.algorithm)
    return columns(logs.read_log(folder, entry.id), f"{title} · run {entry.run}", title, entry.game,
                   marks=_marks(folder, entry.id), random=known[0], human=known[1],
                   frame_skip=skip if isinstance(skip, int) else FRAME_SKIP)  # fmt: skip


def columns(rows: Sequence[Mapping[str, Any]], label: str, algorithm: str, game: str, **facts: Any) -> Log:
    """A Log of rows as they stand in a file; ``facts``: further fields of it. Raises ZooError where none has both
    frames and a score."""
    if not rows:
        raise ZooError(f"The log of {label} is empty: choose another run.")
    table = {name: np.array([_number(row, *keys) for row in rows])
             for name, keys in (("frames", ("frames",)), ("seconds", ("time",)), ("score", ("score",)),
                                ("entropy", ("policy_entropy", "entropy")), ("games", ("games",)))}  # fmt: skip
    remarks = list(facts.pop("remarks", ()))
    known = np.isfinite(table["frames"])
    if not known.all():
        remarks.append(f"{label}: {_rows((~known).sum())} without frames left out.")
    kept: list[int] = []
    lost = 0
    for place in np.flatnonzero(known):
        while kept and table["frames"][kept[-1]] >= table["frames"][place]:
            kept.pop()
            lost += 1
        kept.append(place)
    if lost:
        remarks.append(f"{label}: the training was taken up again from an earlier state, and {_rows(lost)} of what was "
                       "thrown away left out.")  # fmt: skip
    table = {name: column[kept] for name, column in table.items()}
    if not np.isfinite(table["score"]).any():
        raise ZooError(f"The log of {label} has no score in any row: there is no curve to draw.")
    table["seconds"], gaps = _without_gaps(table["seconds"])
    if gaps:
        remarks.append(f"{label}: {gaps} pause{'' if gaps == 1 else 's'} of over three hours, or a clock that began "
                       "anew, taken out of the time.")  # fmt: skip
    table["games"] = np.where(np.isfinite(table["games"]), np.maximum(table["games"], 1), 1)
    return Log(label, algorithm, game, **{name: read_only(column) for name, column in table.items()},
               remarks=tuple(remarks), **facts)  # fmt: skip


def _without_gaps(seconds: np.ndarray) -> tuple[np.ndarray, int]:
    """Times whose steps of over GAP, and of less than nothing, count as nothing; and how many there were."""
    known = np.flatnonzero(np.isfinite(seconds))
    steps = np.diff(seconds[known])
    odd = (steps > GAP) | (steps < 0)
    moved = seconds.copy()
    moved[known[1:]] -= np.cumsum(np.where(odd, steps, 0.0))
    return moved, int(odd.sum())


def _of_file(path: Path) -> Log:
    try:
        if path.stat().st_size > logs.MAX_BYTES:
            raise ZooError(f"{path} is larger than {logs.MAX_BYTES >> 20} MiB: no log is.")
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.strip()]
        rows = [json.loads(line) for line in lines] if path.suffix == ".jsonl" else json.loads(text)
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path} is no training log: it is not JSON ({str(error)[:80]}).") from error
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ZooError(f"{path} is no training log: it must hold a list of objects with frames, time and score.")
    told = _beside(path)
    game = games.identity(told["game"]) if told.get("game") else ""
    random, human = yardsticks(game) if game else (None, None)
    algorithm = algorithm_title(str(told.get("algorithm") or path.parent.name or path.stem))
    name = path.parent.name or path.stem
    label = f"{algorithm} · {'run ' if name.isdecimal() else ''}{name}"
    return columns(rows, label, algorithm, game, random=random, human=human)


def _beside(path: Path) -> Mapping[str, Any]:
    """What a training of ours says of itself beside its log."""
    try:
        told = json.loads((path.parent / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, Mapping) and isinstance(told.get("game", ""), str) else {}


def _marks(folder: Path, name: str) -> dict[str, float]:
    if not (folder / logs.CHECKPOINTS_FILE).exists():
        return {}
    found = logs.read_checkpoints(folder, name)
    return {item["criteria"]: float(item["best_checkpoint"]["frames"]) for item in found if item["best_checkpoint"]}


def _number(row: Mapping[str, Any], *keys: str) -> float:
    value = next((row[key] for key in keys if row.get(key) is not None), None)
    holds = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if holds else math.nan


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class _WithCard:
    """What ``yardsticks`` asks of an agent."""

    card: Card
