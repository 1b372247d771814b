"""Does a unit go with an event, beyond chance? Ranks, halves of time, shifted time.

Neighbouring moments are alike, and so are neighbouring activations: a test that takes them for independent finds
something everywhere. So the event is compared with itself moved in time: circular shifts within each stretch of play
keep how often it happens, how long it lasts and how it repeats, and break only what it has to do with the unit
(Harris 2020, "Nonsense correlations in neuroscience", on why, and on what shifts can do). What is free, the lag and the
sign, is chosen in one half of the play and tested in the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, NamedTuple, Sequence

import numpy as np

from zoo_gui.analysis.recorded import runs
from zoo_gui.play.moments import Moments

GAP = 10
"""Agent steps left out between blocks of different halves."""
BLOCKS = 16
LEAST_BLOCK = 40
LEAST_SHARE = 0.25
"""Of the events, in the smaller half; where whole episodes cannot be divided like that, blocks are."""


@dataclass(frozen=True)
class Split:
    """half: (n,) int, 0: where lag and sign are chosen, 1: where they are tested, −1: left out. segment: (n,) int,
    stretches of consecutive moments of one half. by: ``episodes`` or ``blocks``; counts: how many of these in each."""

    half: np.ndarray
    segment: np.ndarray
    by: str
    counts: tuple[int, int]


class Scores(NamedTuple):
    """Of U units, each (U,). effect, held_out: in the half where the lag was chosen, and in the other: Cliff's delta
    (2·AUC − 1), of a number Spearman's correlation. lag: agent steps from the event to the activation. direction: sign
    of ``effect``. null: (shifts, U), held-out effects in the chosen direction of the event shifted in time."""

    effect: np.ndarray
    held_out: np.ndarray
    lag: np.ndarray
    direction: np.ndarray
    null: np.ndarray


def split(moments: Moments, rows: np.ndarray, values: np.ndarray) -> Split:
    """Two halves with about as many events: of whole episodes where that is possible, else of blocks with gaps.

    values: (n,) bool of the event; of a number anything else, then halves are of moments. No activation is looked at.
    """
    weights = values.astype(float) if values.dtype == bool else np.ones(len(values))
    run = runs(moments, rows)
    episodes = moments.column("episode")[rows]
    side, shares = _halves(episodes, weights)
    if min(shares) >= LEAST_SHARE:
        half = side[episodes - episodes.min()]
        counts = tuple(len(np.unique(episodes[half == number])) for number in (0, 1))
        return Split(half, run, "episodes", counts)
    blocks = _blocks(run)
    side, _ = _halves(blocks, weights)
    half = side[blocks]
    counts = tuple(len(np.unique(blocks[half == number])) for number in (0, 1))
    return Split(_with_gaps(half, run), blocks, "blocks", counts)


def _blocks(run: np.ndarray) -> np.ndarray:
    """(n,) int: each run cut into blocks of about a sixteenth of the whole."""
    length = max(LEAST_BLOCK, len(run) // BLOCKS)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(run) != 0]))
    within = np.arange(len(run)) - starts[run]
    pieces = np.maximum(1, np.bincount(run) // length)
    piece = np.minimum(within // length, pieces[run] - 1)
    return np.unique(np.stack([run, piece]), axis=1, return_inverse=True)[1].ravel()


def _halves(groups: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """(0 or 1 of each group, counted from the smallest; the share of the weight in each half). The heaviest group goes
    first, each to the half that has less; those of no weight so that both halves are as long."""
    number = groups - groups.min()
    weight, size = np.bincount(number, weights), np.bincount(number)
    side = np.zeros(len(size), int)
    total, length = np.zeros(2), np.zeros(2)
    for group in np.lexsort((-size, -weight)):
        lighter = int(np.argmin(total if weight[group] else length))
        if weight[group] and total[0] == total[1]:
            lighter = int(np.argmin(length))
        side[group] = lighter
        total[lighter] += weight[group]
        length[lighter] += size[group]
    return side, tuple((total / max(total.sum(), 1)).tolist())


def _with_gaps(half: np.ndarray, run: np.ndarray) -> np.ndarray:
    found = half.copy()
    for start in np.flatnonzero((np.diff(half) != 0) & (np.diff(run) == 0)) + 1:
        found[start : start + GAP] = -1
    return found


def shifted(segment: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, n) int32: for each shift, which moment's event stands at each moment: a circular shift of every segment
    by a number of its own, each as likely. Segments are consecutive moments of equal numbers."""
    source = np.empty((count, len(segment)), np.int32)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(segment) != 0]))
    for start, end in zip(starts, [*starts[1:], len(segment)]):
        length = end - start
        offsets = rng.integers(0, length, (count, 1))
        source[:, start:end] = start + (np.arange(length) - offsets) % length
    return source


def centred_ranks(values: np.ndarray) -> np.ndarray:
    """(n, U) float32: ranks of each column with ties shared, less their mean."""
    from scipy.stats import rankdata

    return (rankdata(values, axis=0) - (len(values) + 1) / 2).astype(np.float32)


class Trial:
    """An event in both halves of time, as it was and shifted, to be compared with units once it is prepared."""

    def __init__(self, values: np.ndarray, division: Split, lags: Sequence[int]):
        """values: (n,) bool of the event, or float64. lags: agent steps from the event to the activation."""
        self.is_number, self.lags = values.dtype != bool, tuple(lags)
        self.parts = [np.flatnonzero(division.half == number) for number in (0, 1)]
        self._values, self._segment = values, division.segment
        self._weights: list[list[np.ndarray]] = [[], []]

    def prepare(self, shifts: int, seed: int) -> Iterator[int]:
        """Shift the event in time; yields between two pieces of work."""
        rng = np.random.default_rng(seed)
        for part, weights in zip(self.parts, self._weights):
            segment, series = self._segment[part], self._values[part].astype(np.float32)
            if self.is_number:
                series = centred_ranks(self._values[part][:, None])[:, 0]
            order = np.concatenate([np.arange(len(part), dtype=np.int32)[None], shifted(segment, shifts, rng)])
            for lag in self.lags:
                yield lag
                weights.append(_lagged(series[order], segment, lag))

    def happens(self, number: int, lag: int) -> np.ndarray:
        """(n of the half,) bool: moments of a half at which the event is ``lag`` steps ago; of a number: at which that
        is above its middle."""
        return self._weights[number][self.lags.index(lag)][0] > 0

    def score(self, activations: np.ndarray) -> Scores:
        """Of (n, U) activations."""
        ranks = [centred_ranks(activations[part]) for part in self.parts]
        first, second = (
            np.stack([self._effects(weights, rank) for weights in lagged]) for lagged, rank in zip(self._weights, ranks)
        )
        best = np.abs(first).argmax(0)[None]
        chosen = np.take_along_axis(first, best, 0)[0]
        tested = np.take_along_axis(second, best, 0)[0]
        sign = np.where(chosen < 0, -1, 1)
        lags = np.asarray(self.lags)[best[0, 0]]
        return Scores(chosen[0], tested[0], lags, sign[0], (sign * tested)[1:])

    def _effects(self, weights: np.ndarray, ranks: np.ndarray) -> np.ndarray:
        """(1 + shifts, U): Cliff's delta of Mann & Whitney's U, 2·AUC − 1, or Spearman's correlation."""
        products = weights @ ranks
        if self.is_number:
            norms = np.linalg.norm(weights, axis=1)[:, None] * np.linalg.norm(ranks, axis=0)
        else:
            events = weights.sum(1)[:, None]
            norms = events * (len(ranks) - events) / 2
        return np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)


def _lagged(series: np.ndarray, segment: np.ndarray, lag: int) -> np.ndarray:
    """(S, n) float32: what stood ``lag`` steps before, 0 where that is in another segment."""
    moved = np.zeros_like(series, np.float32)
    places = np.arange(len(segment))
    before = places - lag
    known = (before >= 0) & (before < len(segment))
    known[known] = segment[before[known]] == segment[places[known]]
    moved[:, known] = series[:, before[known]]
    return moved


def p_values(observed: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((U,) corrected for the number of units, (U,) of each alone), from (U,) effects and (shifts, U) shifted ones.

    Corrected: the share of shifts in which the largest effect of all units is as large (Westfall & Young 1993, the
    maximum of the statistic), the true time counted among them. Effects are all of one scale, −1 to 1.
    """
    count = len(null)
    alone = (1 + (null >= observed).sum(0)) / (1 + count)
    corrected = (1 + (null.max(1)[:, None] >= observed).sum(0)) / (1 + count)
    return corrected, alone
