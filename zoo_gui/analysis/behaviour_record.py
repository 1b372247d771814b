"""What agents' own games say of them: the records, and how they are drawn, tabled and saved. No TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from zoo_gui.analysis.behaviour_statistics import Coverage, Estimate
from zoo_gui.analysis.contestants import Contestant, algorithm_title


@dataclass(frozen=True)
class GamesOf:
    """One agent's games. Arrays of one number a game, in the order of ``seeds``, are read-only.

    seeds: (E,) int64. scores: (E,) float64, unclipped returns. lengths: (E,) int64 agent steps. frames: (E,) int64
    emulator frames since the reset, no-ops and FIRE before the first step among them. complete: (E,) bool, whether the
    game came to its end; of others the score is what it was when it was cut. actions: (18,) int64, how often each
    meaning was chosen, in the order of ``Behaviour.meanings``. coverage: of the console's memory.

    mean, median, length: Estimates of scores and agent steps of complete games. random, human: mean scores of random
    play and of a person in this game, None where nobody measured it.
    """

    agent: Contestant
    seeds: np.ndarray
    scores: np.ndarray
    lengths: np.ndarray
    frames: np.ndarray
    complete: np.ndarray
    actions: np.ndarray
    coverage: Coverage
    mean: Estimate
    median: Estimate
    length: Estimate
    random: float | None = None
    human: float | None = None

    @property
    def steps(self) -> int:
        """Agent steps in all games."""
        return int(self.lengths.sum())

    @property
    def histogram(self) -> np.ndarray:
        """(18,) float64, ``actions`` as parts of 1; zeros before the first step."""
        return self.actions / max(1, self.actions.sum())

    @property
    def frames_mean(self) -> float:
        """Mean emulator frames of complete games; nan without one."""
        return float(self.frames[self.complete].mean()) if self.complete.any() else math.nan

    def normalised(self, score: float) -> float:
        """(score − random) / (human − random): 0 random play, 1 a person; nan where either is unknown."""
        if None in (self.random, self.human) or self.random == self.human:
            return math.nan
        return (score - self.random) / (self.human - self.random)


@dataclass(frozen=True)
class Aggregate:
    """An algorithm over its games and runs: the interquartile mean of human-normalised scores, each the mean of an
    agent's complete games. games: {game: how many runs}. why: why there is no interval, or ""."""

    algorithm: str
    games: dict[str, int]
    iqm: Estimate
    why: str = ""

    @property
    def title(self) -> str:
        """The algorithm for people."""
        return algorithm_title(self.algorithm)

    @property
    def sentence(self) -> str:
        """In words."""
        games = ", ".join(f"{game} × {runs}" for game, runs in self.games.items())
        return f"{self.title} over {games}: interquartile mean {self.iqm.text} of human-normalised scores."


@dataclass(frozen=True)
class Behaviour:
    """Agents by the games that they play themselves, all from the same seeds.

    games: one GamesOf an agent. meanings: the 18 of ``play.meaning``. divergences: (N, N) Jensen–Shannon divergence of
    the action histograms in bits, nan between games. shares: (N,), overlap: (N, N), compared: (N,) as ``overlaps`` of
    ``behaviour_statistics`` gives them: each agent's part of the pairs of byte and value that all agents of its game
    have met, what two share, and in how many steps of each. aggregates: of algorithms with several agents. asked: the
    settings: episodes, seed, limit (agent steps after which a game is cut), sticky (None: as the cards say). intervals:
    how they were made, for people. remarks: sentences on what is missing.
    """

    games: tuple[GamesOf, ...]
    meanings: tuple[str, ...]
    divergences: np.ndarray
    shares: np.ndarray
    overlap: np.ndarray
    compared: np.ndarray
    aggregates: tuple[Aggregate, ...]
    asked: dict[str, Any]
    intervals: str
    remarks: tuple[str, ...] = ()

    @property
    def agents(self) -> tuple[Contestant, ...]:
        """Who played."""
        return tuple(one.agent for one in self.games)

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: actions, scores, lengths of games, and memory states met over time."""
        from zoo_gui.analysis import behaviour_drawing as drawing

        figure.set_size_inches(10.0, 7.6)
        (scores, lengths), (actions, states) = figure.subplots(2, 2)
        drawing.scores(scores, self)
        drawing.lengths(lengths, self)
        drawing.actions(actions, self)
        drawing.states(states, self)
        drawing.legend(figure, self.agents)

    def table(self) -> list[dict[str, Any]]:
        """A row for each agent; then one for each algorithm with several."""
        rows = [self._row(place) for place in range(len(self.games))]
        for found in self.aggregates:
            games = " ".join(f"{game}:{runs}" for game, runs in found.games.items())
            rows.append({"agent": "", "title": found.title, "game": games, **_columns("iqm", found.iqm)})
        return rows

    def _row(self, place: int) -> dict[str, Any]:
        one = self.games[place]
        row: dict[str, Any] = {
            "agent": one.agent.letter, "title": one.agent.title, "id": one.agent.id, "hash": one.agent.hash,
            "game": one.agent.game, "seeds": " ".join(map(str, one.seeds)), "games": len(one.seeds),
            "complete": int(one.complete.sum()), **_columns("mean", one.mean), **_columns("median", one.median),
            "human-normalised": one.normalised(one.mean.value), **_columns("steps", one.length),
            "frames": one.frames_mean, "states in 1000 steps": one.coverage.distinct,
            "values a byte": float(one.coverage.values().mean()), "share of pairs": float(self.shares[place]),
            "steps compared": int(self.compared[place]),
        }  # fmt: skip
        for name, matrix in (("JS", self.divergences), ("overlap", self.overlap)):
            row |= {f"{name} {other.letter}": float(x) for other, x in zip(self.agents, matrix[place])}
        return row | {meaning: float(part) for meaning, part in zip(self.meanings, one.histogram)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Every game's numbers, padded: scores with nan, counts with −1; the histograms, matrices and coverage."""
        def padded(name: str, fill: float, dtype: Any) -> np.ndarray:
            most = max(len(one.seeds) for one in self.games)
            found = np.full((len(self.games), most), fill, dtype)
            for row, one in zip(found, self.games):
                row[: len(one.seeds)] = getattr(one, name)
            return found

        return {
            "agents": np.array([one.id for one in self.agents]), "hashes": np.array([one.hash for one in self.agents]),
            "meanings": np.array(self.meanings), "actions": np.stack([one.actions for one in self.games]),
            "seeds": padded("seeds", -1, np.int64), "scores": padded("scores", np.nan, np.float64),
            "lengths": padded("lengths", -1, np.int64), "frames": padded("frames", -1, np.int64),
            "complete": padded("complete", False, np.bool_), "divergences": self.divergences, "shares": self.shares,
            "overlap": self.overlap, "ram_first_steps": np.stack([one.coverage.first for one in self.games]),
        }  # fmt: skip


def _columns(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, f"{name} low": found.low, f"{name} high": found.high}


def used(histograms: Sequence[np.ndarray]) -> np.ndarray:
    """The meanings that any of the histograms (18,) has, as places: the others are left out of figures and tables."""
    return np.flatnonzero(np.sum(histograms, axis=0) > 0)
