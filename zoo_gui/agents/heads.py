"""Action rules: from an output layer's scores to one action, drawn with the caller's generator. No TensorFlow."""

from __future__ import annotations

import numpy as np


def sample(scores: np.ndarray, rng: np.random.Generator, epsilon: float = 0.0) -> int:
    """An action drawn from the softmax of the logits.

    Inverse transform: one double from ``rng`` against the cumulative softmax in float64, so equal scores and an equal
    generator state give the same action everywhere.
    """
    exponent = np.exp(scores.astype(np.float64) - scores.max())
    cumulative = np.cumsum(exponent)
    return min(int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")), len(scores) - 1)


def argmax(scores: np.ndarray, rng: np.random.Generator, epsilon: float = 0.0) -> int:
    """The action with the highest score, the first of equals; draws nothing."""
    return int(np.argmax(scores))


def epsilon_greedy(scores: np.ndarray, rng: np.random.Generator, epsilon: float = 0.0) -> int:
    """With probability ``epsilon`` an action drawn uniformly, else the best; always draws one double first."""
    return int(rng.integers(len(scores))) if rng.random() < epsilon else int(np.argmax(scores))


RULES = {"sample": sample, "argmax": argmax, "epsilon": epsilon_greedy}


def choose(rule: str, scores: np.ndarray, rng: np.random.Generator, epsilon: float = 0.0) -> int:
    """An action by the card's rule; scores (A,) float32. KeyError for a rule that a card cannot name."""
    return RULES[rule](scores, rng, epsilon)
