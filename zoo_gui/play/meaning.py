"""What a game makes of an action, so that agents of different action sets can be compared: by meaning, not by number.

ALE's 18 actions are a stick and a button. Which of its five parts a game reads is known from the actions that ALE says
it uses; what it does not read makes no difference: UPRIGHT is RIGHT in Breakout, UP is NOOP in Pong.
"""

from __future__ import annotations

import re
from typing import Sequence

import numpy as np

from zoo_gui.naming import MEANINGS

PARTS = ("UP", "DOWN", "RIGHT", "LEFT", "FIRE")
_PART = re.compile("|".join(PARTS))


def meanings(used: Sequence[str], action_names: Sequence[str]) -> tuple[str, ...]:
    """Each action's meaning, one of MEANINGS. used: the actions that the game uses (``Emulator.minimal_actions``)."""
    read = {part for name in used for part in _PART.findall(name)}
    found = []
    for name in action_names:
        parts = [part for part in PARTS if part in _PART.findall(name) and part in read]
        found.append("".join(parts) or "NOOP")
    return tuple(found)


class Meaning:
    """The actions of one agent in one game, as columns of a table of all 18 meanings.

    indices: (A,) int64, each action's place in MEANINGS.
    """

    def __init__(self, used: Sequence[str], action_names: Sequence[str]):
        self.names = meanings(used, action_names)
        self.indices = np.array([MEANINGS.index(name) for name in self.names], np.int64)
        self._to = (self.indices[:, None] == np.arange(len(MEANINGS))).astype(np.float64)

    @property
    def known(self) -> np.ndarray:
        """(18,) bool: what this agent can do."""
        return self._to.any(0)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """(…, 18) float64 of logits (…, A): their softmax, actions of one meaning summed."""
        shifted = np.asarray(scores, np.float64) - np.max(scores, -1, keepdims=True)
        exponent = np.exp(shifted)
        return exponent / exponent.sum(-1, keepdims=True) @ self._to

    def best(self, scores: np.ndarray) -> np.ndarray:
        """(…, 18) float64 of scores (…, A): of actions of one meaning the largest; −inf of what it cannot do."""
        scores = np.asarray(scores, np.float64)
        found = np.full((*scores.shape[:-1], len(MEANINGS)), -np.inf)
        for place, index in enumerate(self.indices):
            found[..., index] = np.maximum(found[..., index], scores[..., place])
        return found

    def choice(self, scores: np.ndarray) -> np.ndarray:
        """(…,) int64, places in MEANINGS: what is done greedily, the action of the largest score."""
        return self.indices[np.argmax(scores, -1)]
