"""How far apart two agents' decisions at the same moment are: one number from 0 to 1, whatever kinds they are.

Two policies: the Jensen–Shannon divergence in bits (Lin 1991, "Divergence measures based on the Shannon entropy") of
their distributions over matched meanings. Where one learned values: how much less it gives for what the other would do
than for its own choice, as a part of the span of its Q-values; of two such agents, and of one beside a policy (whose
part is the probability that it gives less), the mean of both directions.
"""

from __future__ import annotations

import numpy as np

from zoo_gui.play.meaning import Meaning


def js(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(…,) float64, in bits, 0 to 1: the Jensen–Shannon divergence of distributions (…, K)."""
    middle = (p + q) / 2

    def divergence(one: np.ndarray) -> np.ndarray:
        ratio = np.divide(one, middle, out=np.ones_like(middle), where=one > 0)
        return (one * np.log2(ratio)).sum(-1)

    return np.clip((divergence(p) + divergence(q)) / 2, 0.0, 1.0)


def gap(ratings: np.ndarray, choice: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(…,) float64, 0 to 1: (largest − that of ``choice``) / (largest − least) of ratings (…, 18); 1 for a choice that
    this agent cannot make, 0 where all ratings are equal. known: (18,) bool, what it can do."""
    some = ratings[..., known]
    most, least = some.max(-1), some.min(-1)
    chosen = np.take_along_axis(ratings, np.asarray(choice)[..., None], -1)[..., 0]
    span = most - least
    lost = np.where(np.isfinite(chosen), most - chosen, span)
    return np.where(span > 0, np.clip(lost / np.where(span > 0, span, 1.0), 0.0, 1.0), 0.0)


def apart(
    a: Meaning, scores_a: np.ndarray, kind_a: str, b: Meaning, scores_b: np.ndarray, kind_b: str
) -> np.ndarray:
    """(…,) float64, 0 to 1, of the scores (…, A) and (…, B) of two agents at the same moments. kinds: ``logits`` or
    ``q``."""
    if kind_a == kind_b == "logits":
        return js(a.probabilities(scores_a), b.probabilities(scores_b))
    choice_a, choice_b = a.choice(scores_a), b.choice(scores_b)
    one = gap(_ratings(a, scores_a, kind_a), choice_b, a.known)
    other = gap(_ratings(b, scores_b, kind_b), choice_a, b.known)
    return (one + other) / 2


def _ratings(meaning: Meaning, scores: np.ndarray, kind: str) -> np.ndarray:
    """(…, 18): Q-values; of a policy its probabilities."""
    return meaning.best(scores) if kind == "q" else meaning.probabilities(scores)
