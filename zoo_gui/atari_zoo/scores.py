"""What random play and a person score, as the zoo has it: Mnih et al. 2015 and what it cites."""

from __future__ import annotations

import functools
from typing import Mapping

from zoo_gui.agents.fetching import sources
from zoo_gui.play import games
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError


class UnknownScore(ZooError, KeyError):
    """Nobody measured it."""

    __str__ = ZooError.__str__


def get_random_agent_scores(game: str) -> float:
    """The mean score of random play; the game in any spelling. Raises UnknownScore, a KeyError and a ZooError."""
    return _score(game, "random", "random play")


def get_human_scores(game: str) -> float:
    """The mean score of a professional tester; the game in any spelling. Raises UnknownScore."""
    return _score(game, "human", "a person")


@functools.cache
def _table() -> Mapping[str, Mapping[str, float]]:
    return sources.parse(resource_path("catalogue", "yardsticks.toml")).yardsticks


def _score(game: str, kind: str, words: str) -> float:
    name = games.identity(game)
    scores = _table().get(name, {})
    if kind not in scores:
        raise UnknownScore(f"The zoo has no score of {words} on {games.title(games.find(game))}.")
    return float(scores[kind])
