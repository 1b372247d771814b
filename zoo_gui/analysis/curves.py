"""Training curves: scores against frames, agent steps or hours, smoothed, and several runs of an algorithm averaged.

Smoothing is the mean of all games that ended within a window, so a row of eighty games counts ten times as much as one
of eight. Runs are averaged on common frames, where all of them have rows: nothing is extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from zoo_gui.analysis.behaviour_statistics import CONFIDENCE, METHOD, RESAMPLES
from zoo_gui.analysis.training_logs import Log
from zoo_gui.types import ZooError, read_only

AXES = {"frames": "million emulator frames", "steps": "million agent steps", "hours": "hours of training"}
SMOOTH = 0.05
POINTS = 400
"""Places of an average."""
COLUMNS = ("score", "entropy")


@dataclass(frozen=True)
class Curve:
    """A run. x: (N,) in the axis's unit, rising. raw, smooth: (N,), nan where unknown."""

    log: Log
    x: np.ndarray
    raw: np.ndarray
    smooth: np.ndarray


@dataclass(frozen=True)
class Average:
    """Several runs of an algorithm in a game. x, mean, low, high: (M,); low and high: the bootstrap interval over the
    n runs."""

    label: str
    algorithm: str
    game: str
    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def curves(logs: Sequence[Log], axis: str = "frames", smooth: float = SMOOTH, seed: int = 0) -> "Curves":
    """Curves of these runs. axis: a key of AXES. smooth: the window's width, as a share of the run's length; 0: none.

    Raises ZooError for an unknown axis, an impossible width, and where no run has the axis's numbers.
    """
    if axis not in AXES:
        raise ZooError(f"“{axis}” is no axis for curves: choose {', '.join(AXES)}.")
    if not 0.0 <= smooth <= 1.0:
        raise ZooError(f"{smooth:g} is no share of a training: smooth takes a number from 0 to 1.")
    found: dict[str, list[Curve]] = {name: [] for name in COLUMNS}
    remarks = [text for log in logs for text in log.remarks]
    for log in logs:
        x = _axis(log, axis)
        for name in COLUMNS:
            raw = getattr(log, name)
            there = np.isfinite(x) & np.isfinite(raw)
            if there.any():
                y = np.full(len(x), np.nan)
                y[there] = smoothed(x[there], raw[there], log.games[there], smooth * np.ptp(x[there]))
                found[name].append(Curve(log, x, raw, read_only(y)))
        if not np.isfinite(x).any():
            remarks.append(f"{log.label} does not say its {axis}: it has no curve here.")
    if not found["score"]:
        raise ZooError(f"None of these runs says its {axis}: choose another axis.")
    averages = {name: _averages(found[name], seed, remarks) for name in COLUMNS}
    return Curves(tuple(found["score"]), tuple(found["entropy"]), tuple(averages["score"]), tuple(averages["entropy"]),
                  axis, smooth, tuple(dict.fromkeys(remarks)))  # fmt: skip


def smoothed(x: np.ndarray, y: np.ndarray, weights: np.ndarray, width: float) -> np.ndarray:
    """(N,): at each x (rising) the mean of all y whose x is no more than half a ``width`` away, by ``weights``."""
    first = np.searchsorted(x, x - width / 2, "left")
    last = np.searchsorted(x, x + width / 2, "right")
    sums = np.concatenate([[0.0], np.cumsum(y * weights)])
    counts = np.concatenate([[0.0], np.cumsum(weights)])
    return (sums[last] - sums[first]) / (counts[last] - counts[first])


def averaged(runs: Sequence[tuple[np.ndarray, np.ndarray]], seed: int = 0) -> tuple[np.ndarray, ...] | None:
    """(x, mean, low, high), each (M,): the mean of several curves (x, y), linear between rows, with the bootstrap
    interval over curves, where all of them have rows; None where they have no place in common."""
    from scipy.stats import bootstrap

    low, high = max(x[0] for x, _ in runs), min(x[-1] for x, _ in runs)
    if low > high:
        return None
    places = np.unique(np.concatenate([x[(x >= low) & (x <= high)] for x, _ in runs] + [[low, high]]))
    if len(places) > POINTS:
        places = np.linspace(low, high, POINTS)
    table = np.stack([np.interp(places, x, y) for x, y in runs])
    if len(runs) < 2:
        nothing = np.full(len(places), np.nan)
        return places, table.mean(0), nothing, nothing
    limits = bootstrap((table,), np.mean, axis=0, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method=METHOD,
                       vectorized=True, batch=100, random_state=np.random.default_rng(seed))  # fmt: skip
    return places, table.mean(0), limits.confidence_interval.low, limits.confidence_interval.high


def _axis(log: Log, axis: str) -> np.ndarray:
    if axis == "hours":
        return read_only(log.seconds / 3600)
    return read_only(log.frames / 1e6 / (log.frame_skip if axis == "steps" else 1))


def _averages(found: Sequence[Curve], seed: int, remarks: list[str]) -> list[Average]:
    groups: dict[tuple[str, str], list[Curve]] = {}
    for curve in found:
        groups.setdefault((curve.log.algorithm, curve.log.game), []).append(curve)
    averages = []
    for (algorithm, game), mine in groups.items():
        if len(mine) < 2:
            continue
        known = [np.isfinite(curve.smooth) for curve in mine]
        joint = averaged([(curve.x[there], curve.smooth[there]) for curve, there in zip(mine, known)], seed)
        if joint is None:
            remarks.append(f"The runs of {algorithm} in {game} have no stretch in common: they are not averaged.")
            continue
        averages.append(Average(f"{algorithm}, mean of {len(mine)} runs", algorithm, game,
                                *(read_only(part) for part in joint), len(mine)))  # fmt: skip
    return averages


@dataclass(frozen=True)
class Curves:
    """Curves of scores and of entropies, and their averages. axis, smooth: as asked. remarks: what a reader must know.
    with_entropy: whether entropies are drawn."""

    scores: tuple[Curve, ...]
    entropies: tuple[Curve, ...]
    averages: tuple[Average, ...]
    entropy_averages: tuple[Average, ...]
    axis: str
    smooth: float
    remarks: tuple[str, ...] = ()
    with_entropy: bool = False

    @property
    def caption(self) -> str:
        """Runs, smoothing, and what the bands are."""
        runs = len(self.scores)
        soft = (f"lines: means of all games within {self.smooth:.0%} of the training, points: each row of the log"
                if self.smooth else "lines: each row of the log")  # fmt: skip
        band = (f"; averages over {', '.join(str(one.n) for one in self.averages)} runs with the {CONFIDENCE:.0%} "
                "interval of the bootstrap over runs, where all have rows") if self.averages else ""  # fmt: skip
        single = "" if self.averages else "; one run of each, so how runs differ is not known"
        who = "a run: scores of the games that it" if runs == 1 else f"{runs} runs: scores of the games that each"
        return (f"Training of {who} played, exploring as it does; {soft}{band}{single}. Marks: checkpoints that were "
                "kept.")  # fmt: skip

    def table(self) -> list[dict[str, Any]]:
        """A row for each row of a log (kind ``run``) and each place of an average (kind ``average``)."""
        entropies = {id(curve.log): curve for curve in self.entropies}
        rows = []
        for curve in self.scores:
            log, other = curve.log, entropies.get(id(curve.log))
            for place in range(len(curve.x)):
                rows.append({"kind": "run", "run": log.label, "algorithm": log.algorithm, "game": log.game,
                             "frames": log.frames[place], "steps": log.frames[place] / log.frame_skip,
                             "hours": log.seconds[place] / 3600, "score": curve.raw[place],
                             "smoothed": curve.smooth[place], "games": log.games[place],
                             "entropy": log.entropy[place],
                             "entropy_smoothed": np.nan if other is None else other.smooth[place]})  # fmt: skip
        unit = {"frames": 1e6, "steps": 1e6, "hours": 1}[self.axis]
        for one in self.averages:
            for place in range(len(one.x)):
                rows.append({"kind": "average", "run": one.label, "algorithm": one.algorithm, "game": one.game,
                             self.axis: one.x[place] * unit, "smoothed": one.mean[place], "low": one.low[place],
                             "high": one.high[place], "runs": one.n})  # fmt: skip
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """{run or average, a bar, x | score | smoothed | low | high: (N,)}."""
        found = {}
        for number, curve in enumerate(self.scores):
            name = f"{number} {curve.log.algorithm} {curve.log.game}"
            found |= {f"{name}/x": curve.x, f"{name}/score": curve.raw, f"{name}/smoothed": curve.smooth}
        for one in self.averages:
            name = f"mean {one.algorithm} {one.game}"
            found |= {f"{name}/x": one.x, f"{name}/smoothed": one.mean}
            found |= {f"{name}/low": one.low, f"{name}/high": one.high}
        return found

    def summary(self) -> list[dict[str, Any]]:
        """A row for each run: how long, and how well at its best and at its end."""
        rows = []
        for curve in self.scores:
            log, known = curve.log, curve.smooth[np.isfinite(curve.smooth)]
            hours = log.seconds[np.isfinite(log.seconds)]
            rows.append({"run": log.label, "game": log.game, "rows": len(curve.x),
                         "million_frames": log.frames[-1] / 1e6,
                         "hours": hours[-1] / 3600 if len(hours) else np.nan, "best": known.max(), "end": known[-1],
                         "random": log.random, "human": log.human, "checkpoints": len(log.marks)})  # fmt: skip
        return rows

    def draw(self, figure: Any) -> None:
        """An axis for each game; below it the entropy, where that was asked for and is known."""
        from zoo_gui.analysis.curves_drawing import draw

        draw(figure, self)
