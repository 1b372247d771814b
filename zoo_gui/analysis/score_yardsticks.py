"""What a score is held against: random play, the best constant action, a person; each with where it is from."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

from zoo_gui.agents.card import Card
from zoo_gui.agents.fetching import sources
from zoo_gui.backports import tomllib
from zoo_gui.play import games
from zoo_gui.settings import resource_path

MEASURED, CARD, LITERATURE = "measured", "card", "literature"


@dataclass(frozen=True)
class Yardsticks:
    """Mean scores in a game, None where unknown. constant_action: the best one, as ALE names it. source: MEASURED for
    the zoo under the same stickiness, of the CARD, or of the LITERATURE (Mnih et al. 2015 and what it cites)."""

    random: float | None = None
    constant: float | None = None
    constant_action: str = ""
    human: float | None = None
    source: str = ""

    def normalised(self, score: float) -> float:
        """0 random play, 1 a person; nan where either is unknown, or both are the same."""
        if self.random is None or self.human is None or self.human == self.random:
            return math.nan
        return (score - self.random) / (self.human - self.random)


def yardsticks(game: str, sticky: float = 0.0, card: Card | None = None) -> Yardsticks:
    """Those of a game: measured for the zoo, with sticky actions where ``sticky`` is not 0; else what the card says;
    else the literature's."""
    name = games.identity(game)
    measured = _measured().get(name)
    if measured is not None:
        row = measured["sticky" if sticky else "noop"]
        return Yardsticks(row["random"], row["constant"], row["action"], measured.get("human"), MEASURED)
    if card is not None and card.scores.random is not None and games.identity(card.game) == name:
        said = card.scores
        return Yardsticks(said.random, said.constant, said.constant_action, said.human, CARD)
    known = _literature().get(name, {})
    return Yardsticks(known.get("random"), None, "", known.get("human"), LITERATURE if known else "")


@functools.cache
def _measured() -> dict[str, Any]:
    return tomllib.loads(resource_path("baselines.toml").read_text(encoding="utf-8"))


@functools.cache
def _literature() -> Any:
    return sources.parse(resource_path("catalogue", "yardsticks.toml")).yardsticks
