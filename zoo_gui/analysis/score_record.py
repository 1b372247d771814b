"""Score tables: agents beside random play, the best constant action, a person, and what others published.

Intervals and the interquartile mean are ``behaviour_statistics``'; sums over games and runs are rliable's (Agarwal et
al. 2021, arXiv:2108.13264): the interquartile mean of human-normalised scores, its interval stratified by game.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from zoo_gui.agents import catalogue
from zoo_gui.agents.card import Card
from zoo_gui.analysis import published
from zoo_gui.analysis.behaviour_statistics import CONFIDENCE, Estimate, estimate, iqm, stratified_iqm
from zoo_gui.analysis.contestants import algorithm_title
from zoo_gui.analysis.score_yardsticks import Yardsticks, yardsticks
from zoo_gui.types import ZooError

PLAYED, CARDS = "played now", "card"


@dataclass(frozen=True)
class ScoreRow:
    """An agent's complete games. scores: one a game, none where a card only has a mean. cut: games that did not count.
    protocol: how they were played. source: PLAYED or CARDS. only_mean: of a card that lists no scores."""

    agent: str
    algorithm: str
    game: str
    scores: tuple[float, ...]
    known: Yardsticks
    cut: int = 0
    protocol: str = ""
    source: str = PLAYED
    only_mean: float | None = None

    @property
    def score(self) -> Estimate:
        """The mean with its bootstrap interval over games."""
        if self.only_mean is not None and not self.scores:
            return Estimate(self.only_mean, float("nan"), float("nan"), 0)
        return estimate(self.scores)

    @property
    def iqm(self) -> Estimate:
        """The interquartile mean of the games with its interval."""
        return estimate(self.scores, iqm)

    @property
    def normalised(self) -> Estimate:
        """The mean and its interval, 0 random play, 1 a person; nan where either is unknown."""
        score = self.score
        value, *limits = (self.known.normalised(one) for one in score[:3])
        return Estimate(value, min(limits), max(limits), score.n)


@dataclass(frozen=True)
class Sum:
    """An algorithm's agents together. score: the interquartile mean of human-normalised mean scores over games and
    runs; its interval where every game has several runs. runs: {game: how many}."""

    algorithm: str
    score: Estimate
    runs: dict[str, int]


@dataclass(frozen=True)
class ScoreTable:
    """One row an agent. with_published: whether others' numbers stand beside them."""

    rows: tuple[ScoreRow, ...]
    with_published: bool = True

    @property
    def caption(self) -> str:
        """n, seeds, and what the intervals are."""
        counts = sorted({len(row.scores) for row in self.rows if row.scores})
        span = "" if not counts else f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
        how = "of the cards’ evaluations" if all(row.source == CARDS for row in self.rows) else "played for this table"
        others = (" Diamonds, or arrows where they are beyond the axis: published by others, under their conditions."
                  if self.with_published and any(map(published.scores, self.games)) else "")  # fmt: skip
        return (f"Mean scores of {span or 'unlisted'} complete games an agent, {how}, with the {CONFIDENCE:.0%} "
                f"interval of the bootstrap over games; points: single games.{others}")  # fmt: skip

    @property
    def games(self) -> tuple[str, ...]:
        """The games, in order."""
        return tuple(dict.fromkeys(row.game for row in self.rows))

    @property
    def sums(self) -> tuple[Sum, ...]:
        """Of each algorithm with two agents or more whose scores can be normalised."""
        found = []
        for algorithm in dict.fromkeys(row.algorithm for row in self.rows):
            strata: dict[str, list[float]] = {}
            for row in self.rows:
                if row.algorithm == algorithm and np.isfinite(row.normalised.value):
                    strata.setdefault(row.game, []).append(row.normalised.value)
            if sum(map(len, strata.values())) > 1:
                counts = {game: len(values) for game, values in strata.items()}
                found.append(Sum(algorithm, stratified_iqm(list(strata.values())), counts))
        return tuple(found)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        found = [f"{row.agent}: {row.cut} game{'' if row.cut == 1 else 's'} did not come to an end and do not count."
                 for row in self.rows if row.cut]  # fmt: skip
        for row in self.rows:
            constant = row.known.constant
            if constant is not None and np.isfinite(row.score.value) and not _above(row.score, constant):
                found.append(f"{row.agent} is not clearly better than {row.known.constant_action} all the time "
                             f"({constant:,.4g}).")  # fmt: skip
        return tuple(found)

    def table(self) -> list[dict[str, Any]]:
        """A row for each agent, then for each number that others published of its game, then for the sums."""
        rows = [self._row(row) for row in self.rows]
        for game in self.games if self.with_published else ():
            known = next(row.known for row in self.rows if row.game == game)
            rows += [{"kind": "published", "agent": one.label, "game": game, "mean": one.value,
                      "human_normalised": known.normalised(one.value), "protocol": one.where}
                     for one in published.scores(game)]  # fmt: skip
        rows += [{"kind": "sum", "agent": one.algorithm, "game": " ".join(f"{g} {n}" for g, n in one.runs.items()),
                  "human_normalised": one.score.value, "normalised_low": one.score.low,
                  "normalised_high": one.score.high, "n": one.score.n,
                  "protocol": "interquartile mean over games and runs"} for one in self.sums]  # fmt: skip
        return rows

    def _row(self, row: ScoreRow) -> dict[str, Any]:
        score, middle, level, known = row.score, row.iqm, row.normalised, row.known
        return {"kind": row.source, "agent": row.agent, "game": row.game, "mean": score.value, "low": score.low,
                "high": score.high, "iqm": middle.value, "iqm_low": middle.low, "iqm_high": middle.high, "n": score.n,
                "cut": row.cut, "random": known.random, "constant": known.constant,
                "constant_action": known.constant_action, "human": known.human, "human_normalised": level.value,
                "normalised_low": level.low, "normalised_high": level.high, "yardsticks": known.source,
                "protocol": row.protocol}  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """{column: (agents,)} of the agents' rows; scores/AGENT: (E,) each game's."""
        table = [self._row(row) for row in self.rows]
        found = {name: np.array([np.nan if row[name] is None else row[name] for row in table]) for name in table[0]}
        return found | {f"scores/{row.agent}": np.array(row.scores, float) for row in self.rows}

    def draw(self, figure: Any) -> None:
        """An axis for each game: games, means with intervals, yardsticks, and what others published."""
        from zoo_gui.analysis.score_drawing import draw

        draw(figure, self)


def of_cards(agents: Sequence[str]) -> ScoreTable:
    """The table of what agents' cards say, without playing. Raises ZooError: unknown agents, none with a score."""
    rows, without = [], []
    for name in agents:
        entry = catalogue.find(name)
        card = entry.card or (Card.read(entry.path) if entry.path is not None else None)
        if card is None or card.scores.mean is None:
            without.append(entry.id)
            continue
        said = card.scores
        known = Yardsticks(said.random, said.constant, said.constant_action, said.human, CARDS)
        if known.random is None:
            known = yardsticks(card.game, card.preprocessing.sticky, card)
        rows.append(ScoreRow(entry.id, algorithm_of(entry), entry.game, tuple(map(float, said.scores)), known,
                             protocol=said.protocol, source=CARDS, only_mean=said.mean))  # fmt: skip
    if not rows:
        raise ZooError(f"No card has a score ({', '.join(without)}): let them play, without --from-cards.")
    return ScoreTable(tuple(rows))


def algorithm_of(entry: Any) -> str:
    """An entry's algorithm for people, with the tag of an earlier stage: ``PPO initial``."""
    return algorithm_title(f"{entry.algorithm}@{entry.tag}" if entry.tag else entry.algorithm)


def _above(score: Estimate, yardstick: float) -> bool:
    return score.low > yardstick if np.isfinite(score.low) else score.value > yardstick
