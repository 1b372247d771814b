"""What do chosen moments have in common? What the network saw, what was done, and which units differ most from the
other moments; and the picture of one moment. For a person who points at an embedding of moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.recorded import chosen_layers, peaks, runs
from zoo_gui.analysis.selection_record import Selection, UnitEffect
from zoo_gui.imaging import brightness
from zoo_gui.play.moments import Moments
from zoo_gui.types import ZooError, read_only

__all__ = ["MomentPicture", "Selection", "UnitEffect", "cohens_d", "moment_picture", "selection_summary"]

PICTURED = 600
"""Observations that a mean is taken of, evenly spread: more cost seconds and show no more."""
BATCH = 32
NUMBERS = ("value", "reward", "episode_return")
GONE = "This moment is no longer kept: the newest are, some minutes of play."


@dataclass(frozen=True)
class MomentPicture:
    """moment: its id. frame: (H, W, 3) uint8, the screen that the agent saw before acting, read-only."""

    moment: int
    frame: np.ndarray


@ANALYSES.register("moment_picture")
def moment_picture(agent: Any, *, moments: Moments, moment: int) -> Iterator[Progress]:
    """One Progress with the MomentPicture of that id. Raises ZooError where the moment is not kept."""
    row = moments.row_of(int(moment))
    if row is None:
        raise ZooError(GONE)
    yield Progress(1, 1, "", MomentPicture(int(moment), read_only(moments.frame(row))))


@ANALYSES.register("selection_summary")
def selection_summary(
    agent: Any, *, moments: Moments, inside: Sequence[int], outside: Sequence[int]
) -> Iterator[Progress]:
    """The Selection of the moments with the ids ``inside`` beside those with the ids ``outside``; the last Progress has
    it. A unit's activation is its kept one, of a map its largest. Means of what was seen are of at most 600 moments
    each, evenly spread. Raises ZooError: none of the chosen moments is kept."""
    chosen, rest = (np.asarray(ids, np.int64).reshape(-1) for ids in (inside, outside))
    rows, other = _rows(moments, chosen), _rows(moments, np.setdiff1d(rest, chosen))
    if not len(rows):
        raise ZooError("None of the chosen moments is kept any more: embed the newest, or a rollout.")
    seen: list[np.ndarray] = []
    for part, words in ((rows, "the chosen moments"), (other, "the others")):
        for progress in _mean_input(agent, moments, _spread(part), words):
            if progress.result is None:
                yield progress
        seen.append(progress.result)
    infos = chosen_layers(agent, ())
    both = np.concatenate([rows, other])
    for progress in peaks(agent, moments, both, infos):
        yield Progress(progress.done, progress.total, progress.label or "units")
    found = {name: cohens_d(values[: len(rows)], values[len(rows) :]) for name, (values, _) in progress.result.items()}
    result = Selection(
        title=agent.title, inside=len(rows), outside=len(other), lost=len(np.unique(chosen)) - len(rows),
        episodes=len(np.unique(moments.column("episode")[rows])), runs=len(np.unique(runs(moments, rows))),
        mean=seen[0], mean_outside=seen[1], pictured=(len(_spread(rows)), len(_spread(other))),
        frame_channels=moments.frame_channels, action_names=tuple(moments.action_names),
        actions=_counts(moments, rows), actions_outside=_counts(moments, other),
        numbers={name: (_mean(moments, name, rows), _mean(moments, name, other)) for name in NUMBERS},
        layers=tuple(info.name for info in infos), effects={name: parts[0] for name, parts in found.items()},
        means={name: parts[1] for name, parts in found.items()},
        means_outside={name: parts[2] for name, parts in found.items()},
    )  # fmt: skip
    yield Progress(1, 1, result.sentence, result)


def cohens_d(inside: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(d, mean inside, mean outside), each (units,) float64, of (n, units) and (m, units) activations.

    d = (mean inside − mean outside) / s with s² = ((n − 1)·s₁² + (m − 1)·s₂²) / (n + m − 2), the pooled variance (Cohen
    1988, *Statistical Power Analysis for the Behavioral Sciences*, §2.5); nan where a unit never varies, or one side
    has no moments, or both have one; ±inf where it differs and does not vary on either side.
    """
    n, m = len(inside), len(outside)
    means, squares = zip(*(_moments_of(part) for part in (inside, outside)))
    if not n or not m or n + m < 3:
        return np.full(inside.shape[1], np.nan), *means
    with np.errstate(divide="ignore", invalid="ignore"):
        return (means[0] - means[1]) / np.sqrt((squares[0] + squares[1]) / (n + m - 2)), *means


def _moments_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean, sum of squared differences from it), each (units,) float64; exact where a unit does not vary."""
    if not len(values):
        return np.full(values.shape[1], np.nan), np.zeros(values.shape[1])
    still = values.max(0) == values.min(0)  # a mean's rounding would look like a difference
    mean = np.where(still, values[0], values.mean(0, dtype=np.float64))
    return mean, np.where(still, 0.0, ((values - mean) ** 2).sum(0, dtype=np.float64))


def _rows(moments: Moments, ids: np.ndarray) -> np.ndarray:
    """(n,) int, ascending: the rows of those that are kept."""
    kept = moments.column("id")
    return np.flatnonzero(np.isin(kept, ids))


def _spread(rows: np.ndarray) -> np.ndarray:
    return rows if len(rows) <= PICTURED else rows[np.linspace(0, len(rows) - 1, PICTURED).astype(int)]


def _mean_input(agent: Any, moments: Moments, rows: np.ndarray, words: str) -> Iterator[Progress]:
    """The last Progress has the mean of what was seen, (h, w, C) float32 in 0–1; nan without rows."""
    total = np.zeros(moments.observation_shape, np.float64)
    for start in range(0, len(rows), BATCH):
        yield Progress(start, len(rows), f"looking at {words}")
        for row in rows[start : start + BATCH]:
            total += brightness(moments.observation(int(row)), *agent.observation_range)
    mean = total / (255 * len(rows)) if len(rows) else np.full(total.shape, np.nan)
    yield Progress(len(rows), max(1, len(rows)), words, read_only(mean.astype(np.float32)))


def _counts(moments: Moments, rows: np.ndarray) -> np.ndarray:
    return np.bincount(moments.column("action")[rows], minlength=len(moments.action_names))


def _mean(moments: Moments, name: str, rows: np.ndarray) -> float:
    values = moments.column(name)[rows]
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
