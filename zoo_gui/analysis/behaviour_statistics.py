"""The numbers of behaviour: intervals by the bootstrap, the interquartile mean, distances of histograms, RAM coverage.

``iqm`` and its stratified bootstrap are those of rliable: Agarwal, Schwarzer, Castro, Courville and Bellemare 2021,
"Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv:2108.13264), §4.2 and §4.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from zoo_gui.play.agreement import js
from zoo_gui.types import read_only

CONFIDENCE = 0.95
RESAMPLES = 10_000
METHOD = "percentile"
"""As rliable has it. Of few games it is a little too narrow; BCa, which corrects that, fails for equal scores."""
TRIMMED = 0.25
"""Of each end, by the interquartile mean."""
BYTES, VALUES = 128, 256
WINDOW = 1000
"""Agent steps in which distinct RAM states are counted."""


class Estimate(NamedTuple):
    """A statistic of n numbers and its interval, low to high; nan where the numbers are too few for either."""

    value: float
    low: float
    high: float
    n: int

    @property
    def text(self) -> str:
        """``12.4 (9.8–15.1)`` for people."""
        if math.isnan(self.value):
            return "–"
        if math.isnan(self.low):
            return f"{self.value:,.4g}"
        low, high = f"{self.low:,.4g}", f"{self.high:,.4g}"
        joint = " to " if self.low < 0 or self.high < 0 else "–"
        return f"{self.value:,.4g} ({low}{joint}{high})".replace("-", "−")


def estimate(
    values: Any, statistic: Callable[..., Any] = np.mean, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """``statistic`` of values (n,) with its bootstrap interval (Efron 1979), by the percentile method.

    statistic: takes ``axis``. With one value there is no interval, with none no statistic: nan. Equal values give an
    interval of width 0, which says nothing of the spread. The same values and seed give the same interval.
    """
    values = np.asarray(values, float)
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan, 0)
    low, high = _interval([values], statistic, seed, resamples)
    return Estimate(float(statistic(values)), low, high, len(values))


def iqm(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """The interquartile mean of all samples together: the mean of what is left without a quarter of the numbers at
    either end, rounded down, as scipy.stats.trim_mean cuts."""
    from scipy.stats import trim_mean

    return trim_mean(np.concatenate(samples, axis=axis), TRIMMED, axis=axis)


def stratified_iqm(strata: Sequence[Any], seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The interquartile mean of runs × games with its stratified bootstrap interval: of each game (a stratum, the
    scores of its runs) the runs are drawn anew. Where a game has a single run there is no interval: nan."""
    samples = [np.asarray(stratum, float) for stratum in strata]
    low, high = _interval(samples, iqm, seed, resamples)
    return Estimate(float(iqm(*samples)), low, high, sum(map(len, samples)))


def _interval(samples: list[np.ndarray], statistic: Callable, seed: int, resamples: int) -> tuple[float, float]:
    from scipy.stats import bootstrap

    if min(map(len, samples)) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    found = bootstrap(samples, statistic, n_resamples=resamples, confidence_level=CONFIDENCE, method=METHOD,
                      vectorized=True, random_state=rng)  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def divergences(histograms: np.ndarray, groups: Sequence[Any]) -> np.ndarray:
    """(N, N) Jensen–Shannon divergence in bits (0: the same, 1: nothing in common) between rows of (N, K), each of
    which sums to 1; nan between rows of different ``groups``, and where a row has nothing."""
    count = len(histograms)
    found = np.full((count, count), np.nan)
    full = histograms.sum(1) > 0
    for i in range(count):
        for j in range(count):
            if groups[i] == groups[j] and full[i] and full[j]:
                found[i, j] = js(histograms[i], histograms[j])
    return found


@dataclass(frozen=True)
class Coverage:
    """Which states of the console's memory an agent has been in.

    steps: agent steps that were looked at. first: (128, 256) int32, the step at which a byte first had a value, −1
    where it never had. distinct: distinct states of all 128 bytes in 1,000 steps that follow each other, the mean over
    whole thousands; nan where there were fewer.
    """

    steps: int
    first: np.ndarray
    distinct: float

    def visited(self, within: int | None = None) -> np.ndarray:
        """(128, 256) bool: the pairs of byte and value that were met in the first ``within`` steps, by default all."""
        return (self.first >= 0) & (self.first < (self.steps if within is None else within))

    def values(self, within: int | None = None) -> np.ndarray:
        """(128,) how many values each byte had."""
        return self.visited(within).sum(1)

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """(steps, pairs): after so many steps, so many pairs of byte and value had been met; where that grew."""
        steps, counts = np.unique(self.first[self.first >= 0], return_counts=True)
        return np.append(steps + 1, self.steps), np.append(np.cumsum(counts), counts.sum())


def coverage(ram: np.ndarray) -> Coverage:
    """The Coverage of states (n, 128) uint8 in the order in which they came."""
    first = np.full(BYTES * VALUES, -1, np.int32)
    places = (np.arange(BYTES) * VALUES + ram)[::-1]
    # of equal places the last assignment stays, and that is the earliest step
    first[places.ravel()] = np.repeat(np.arange(len(ram))[::-1], BYTES)
    windows = [ram[start : start + WINDOW] for start in range(0, len(ram) - WINDOW + 1, WINDOW)]
    counts = [len({row.tobytes() for row in window}) for window in windows]
    distinct = float(np.mean(counts)) if counts else math.nan
    return Coverage(len(ram), read_only(first.reshape(BYTES, VALUES)), distinct)


def overlaps(found: Sequence[Coverage], groups: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(shares (N,), overlap (N, N), steps (N,)): the part of the pairs of byte and value that all agents of a group
    have met together that each has met; and what two have both met over what either has (Jaccard). nan where nothing
    was met, and between groups.

    steps: how many of each were looked at, the fewest of its group: who plays longer would only meet more.
    """
    count = len(found)
    steps = np.array([min(other.steps for other, g in zip(found, groups) if g == own) for own in groups], int)
    visited = [one.visited(int(n)) for one, n in zip(found, steps)]
    shares, overlap = np.full(count, np.nan), np.full((count, count), np.nan)
    for i in range(count):
        together = np.any([v for v, g in zip(visited, groups) if g == groups[i]], axis=0).sum()
        if together:
            shares[i] = visited[i].sum() / together
        for j in range(count):
            either = (visited[i] | visited[j]).sum()
            if groups[i] == groups[j] and either:
                overlap[i, j] = (visited[i] & visited[j]).sum() / either
    return shares, overlap, steps
