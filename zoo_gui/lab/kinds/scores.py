"""How well agents play: games to their ends, beside random play and a person. A cell is one game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis.behaviour import LIMIT, yardsticks
from zoo_gui.analysis.behaviour_statistics import Estimate, estimate
from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results
from zoo_gui.lab.players import named, player_of
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import Progress, ZooError


@dataclass(frozen=True)
class ScoreSettings:
    """sticky: probability that an action is repeated, None: as each card says. limit: agent steps after which a game is
    cut; its score then does not count. game: another than the agents' own."""

    sticky: float | None = None
    limit: int = LIMIT
    game: str = ""

    def __post_init__(self):
        if self.limit < 1 or not 0.0 <= (self.sticky or 0.0) < 1.0:
            raise ZooError("limit must be 1 or more, and sticky a probability from 0 to below 1.")


@KINDS.register("scores")
class ScoresKind:
    """``zoo-gui lab run`` of ``kind = "scores"``: seeds × agents, one game each."""

    settings = ScoreSettings
    version = 1

    def cells(self, experiment: Experiment) -> list[Cell]:
        asked = experiment.settings
        told = {"sticky": asked.sticky, "limit": asked.limit}
        return [
            Cell("scores", f"{agent} · seed {seed}", {**who, "game": asked.game or who["game"], "seed": seed, **told})
            for agent, who in ((agent, named(agent)) for agent in experiment.agents)
            for seed in experiment.seeds
        ]

    def compute(self, cell: Cell) -> dict[str, np.ndarray]:
        """score (): float64, the unclipped return; steps (): agent steps; complete (): bool, played to its end; sticky
        (): as it was."""
        asked = cell.settings
        player = Player(Emulator(asked["game"]), player_of(asked), seed=asked["seed"], sticky=asked["sticky"])
        step = player.step()
        while not step.done and player.steps < asked["limit"]:
            step = player.step()
        return {"score": np.float64(step.episode_return + step.reward), "steps": np.int64(player.steps),
                "complete": np.bool_(step.done), "sticky": np.float64(player.sticky)}  # fmt: skip

    def result(self, experiment: Experiment, cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        rows = []
        for agent in experiment.agents:
            found = [(cell.settings["game"], results[cell]) for cell in cells
                     if cell.settings["agent"] == agent and cell in results]  # fmt: skip
            if found:
                rows.append(_row(agent, found[0][0], [arrays for _, arrays in found]))
        record = ScoreTable(tuple(rows), len(experiment.seeds))
        yield Progress(len(cells), len(cells), "scores", record)


@dataclass(frozen=True)
class ScoreRow:
    """An agent's games. score: of the complete ones. cut: how many were not. random, human: None where unknown."""

    agent: str
    game: str
    score: Estimate
    cut: int
    random: float | None
    human: float | None

    @property
    def normalised(self) -> float:
        """0 random play, 1 a person; nan where either is unknown."""
        if self.random is None or self.human is None or self.human == self.random:
            return float("nan")
        return (self.score.value - self.random) / (self.human - self.random)


def _row(agent: str, game: str, found: Sequence[Mapping[str, np.ndarray]]) -> ScoreRow:
    whole = [float(arrays["score"]) for arrays in found if arrays["complete"]]
    random, human = yardsticks(game, sticky=float(found[0]["sticky"]))
    return ScoreRow(agent, game, estimate(whole), len(found) - len(whole), random, human)


@dataclass(frozen=True)
class ScoreTable:
    """One row an agent."""

    rows: tuple[ScoreRow, ...]
    seeds: int

    @property
    def caption(self) -> str:
        """n, seeds, and what the interval is."""
        counts = sorted({row.score.n for row in self.rows})
        games = " or ".join(map(str, counts))
        return (f"Mean scores of {games} complete games an agent ({self.seeds} seeds), with the 95 % interval of the "
                "bootstrap over games; random play and a person where they were measured.")  # fmt: skip

    def table(self) -> list[dict[str, Any]]:
        """One row an agent."""
        return [{"agent": row.agent, "game": row.game, "mean": row.score.value, "low": row.score.low,
                 "high": row.score.high, "n": row.score.n, "cut": row.cut, "random": row.random, "human": row.human,
                 "human_normalised": row.normalised} for row in self.rows]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """{column: (agents,)} of the table."""
        table = self.table()
        return {name: np.array([row[name] if row[name] is not None else np.nan for row in table]) for name in table[0]}

    def draw(self, figure: Any) -> None:
        """Bars with intervals, one axis a game."""
        games = list(dict.fromkeys(row.game for row in self.rows))
        figure.set_size_inches(7, 1.2 + 0.45 * len(self.rows) + 0.6 * len(games))
        heights = [sum(row.game == game for row in self.rows) + 1 for game in games]
        axes = figure.subplots(len(games), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, game in zip(axes, games):
            rows = [row for row in self.rows if row.game == game]
            for place, row in enumerate(rows):
                axis.barh(place, row.score.value, 0.6, color="#4477AA")
                if np.isfinite(row.score.low):
                    below, above = row.score.value - row.score.low, row.score.high - row.score.value
                    axis.errorbar(row.score.value, place, xerr=[[below], [above]], capsize=3, color="black")
            for value, name, style in ((rows[0].random, "random", "--"), (rows[0].human, "human", ":")):
                if value is not None:
                    axis.axvline(value, color="0.4", linestyle=style, linewidth=1, label=name)
            axis.set_yticks(range(len(rows)), [row.agent for row in rows])
            axis.invert_yaxis()
            axis.set_xlabel(f"score, {game}")
            axis.legend(fontsize=8, frameon=False)
