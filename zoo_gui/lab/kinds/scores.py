"""How well agents play: games to their ends, beside yardsticks and what others published. A cell is one game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis.behaviour import LIMIT
from zoo_gui.analysis.score_record import ScoreRow, ScoreTable, algorithm_of
from zoo_gui.analysis.score_yardsticks import yardsticks
from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results
from zoo_gui.lab.players import named, player_of
from zoo_gui.play import games
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import Progress, ZooError


@dataclass(frozen=True)
class ScoreSettings:
    """sticky: probability that an action is repeated, None: as each card says. limit: agent steps after which a game is
    cut; its score then does not count. game: another than the agents' own. published: whether others' numbers stand
    beside these."""

    sticky: float | None = None
    limit: int = LIMIT
    game: str = ""
    published: bool = True

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
        step = player.step(pictures=False)
        while not step.done and player.steps < asked["limit"]:
            step = player.step(pictures=False)
        return {"score": np.float64(step.episode_return + step.reward), "steps": np.int64(player.steps),
                "complete": np.bool_(step.done), "sticky": np.float64(player.sticky)}  # fmt: skip

    def result(self, experiment: Experiment, cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        rows = []
        for agent in experiment.agents:
            found = [(cell.settings["game"], results[cell]) for cell in cells
                     if cell.settings["agent"] == agent and cell in results]  # fmt: skip
            if found:
                rows.append(_row(agent, found[0][0], [arrays for _, arrays in found]))
        record = ScoreTable(tuple(rows), experiment.settings.published)
        yield Progress(len(cells), len(cells), "scores", record)


def _row(agent: str, game: str, found: Sequence[Mapping[str, np.ndarray]]) -> ScoreRow:
    from zoo_gui.agents import catalogue
    from zoo_gui.agents.card import Card

    entry = catalogue.find(agent)
    card = entry.card or (Card.read(entry.path) if entry.path is not None else None)
    sticky = float(found[0]["sticky"])
    whole = tuple(float(arrays["score"]) for arrays in found if arrays["complete"])
    conditions = f"{sticky:g} sticky actions" if sticky else "no sticky actions"
    return ScoreRow(agent, algorithm_of(entry), games.identity(game), whole, yardsticks(game, sticky, card),
                    len(found) - len(whole), conditions)  # fmt: skip
