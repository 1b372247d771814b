"""The numbers of a sweep: scores between random play and clean play, the area under such a curve, and intervals that
know that both were measured in few games.

Such et al. 2019 (arXiv:1812.07069), section 4.2 and S1.2: 0 is random play, 1 (a) the agent's own score undisturbed,
(b) that of the best agent. Intervals are ours: the paper has none.
"""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from zoo_gui.analysis.behaviour_statistics import CONFIDENCE, RESAMPLES, Estimate

SPAN = 10
"""From the least to the greatest level, from which on an axis is logarithmic."""


def places(levels: Sequence[float]) -> tuple[np.ndarray, bool]:
    """Where sorted levels stand on their axis, (L,) float64; and whether that is logarithmic: where none is negative,
    at least three are positive, and they span a factor of 10. Then 0 stands one step left of the least positive one,
    as far as that is from the next."""
    levels = np.asarray(levels, float)
    positive = levels[levels > 0]
    if (levels < 0).any() or len(positive) < 3 or positive[-1] < SPAN * positive[0]:
        return levels, False
    logs = np.log10(positive)
    zeros = np.full(len(levels) - len(positive), logs[0] - (logs[1] - logs[0]))
    return np.concatenate([zeros, logs]), True


def share(scores: Any, clean: Any, random: float, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """(mean of scores − random) / (mean of clean − random) of games (n,) that have the same seeds, pair by pair.

    The interval is of the percentile bootstrap over seeds: a game counts with its pair, so that the clean score's
    spread is in it. No interval with one pair, nor where the clean mean is not above random in more than 2.5 % of the
    resamples; nan where it is not above random at all, or there is no pair.
    """
    return _estimate(np.asarray(scores, float)[None], clean, random, np.ones(1), seed, resamples)


def area(scores: Any, clean: Any, random: float, at: Any, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The area under the curve of ``share``, by trapezoids over the axis, divided by the axis' length: 1 is as good as
    undisturbed at every level, 0 is random play.

    scores: (L, n), levels by seeds; clean: (n,); at: (L,) rising, as ``places`` gives them. Interval as of ``share``.
    """
    at = np.asarray(at, float)
    if len(at) < 2:
        return Estimate(math.nan, math.nan, math.nan, 0)
    steps = np.diff(at)
    weights = np.concatenate([[0.0], steps / 2]) + np.concatenate([steps / 2, [0.0]])
    return _estimate(np.asarray(scores, float), clean, random, weights / steps.sum(), seed, resamples)


def _estimate(
    scores: np.ndarray, clean: Any, random: float, weights: np.ndarray, seed: int, resamples: int
) -> Estimate:
    """Σ weights · share, with its interval. scores: (L, n)."""
    count = scores.shape[1]
    weighted, clean = weights @ scores, np.asarray(clean, float)
    if not count or not clean.mean() > random:
        return Estimate(math.nan, math.nan, math.nan, count)
    value = float((weighted.mean() - random) / (clean.mean() - random))
    if count < 2:
        return Estimate(value, math.nan, math.nan, count)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    above, below = drawn @ weighted / count - random, drawn @ clean / count - random
    sound = below > 0
    tail = (1 - CONFIDENCE) / 2
    if sound.mean() < 1 - tail:
        return Estimate(value, math.nan, math.nan, count)
    low, high = np.quantile(above[sound] / below[sound], [tail, 1 - tail])
    return Estimate(value, float(low), float(high), count)
