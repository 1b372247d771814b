"""A kind of experiment in one file: how long agents' games last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results
from zoo_gui.lab.players import named, player_of
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import Progress


@dataclass(frozen=True)
class LengthSettings:
    """The keys of ``[settings]`` in the experiment's file. limit: agent steps after which a game is cut."""

    limit: int = 5000


@dataclass(frozen=True)
class Lengths:
    """steps: {agent: (games,) int64, agent steps}."""

    steps: dict[str, np.ndarray]

    @property
    def caption(self) -> str:
        return f"Lengths of {sum(map(len, self.steps.values()))} games of {len(self.steps)} agents, in agent steps."

    def table(self) -> list[dict[str, Any]]:
        return [{"agent": agent, "games": len(steps), "mean": steps.mean()} for agent, steps in self.steps.items()]

    def draw(self, figure: Any) -> None:
        axis = figure.subplots()
        axis.boxplot(list(self.steps.values()), tick_labels=list(self.steps))
        axis.set_ylabel("agent steps")


@KINDS.register("lengths")
class LengthsKind:
    """A cell is a game: what it gives depends on its settings alone, whoever computes it."""

    settings = LengthSettings
    version = 1  # raise it where the same settings give other numbers than before

    def cells(self, experiment: Experiment) -> list[Cell]:
        limit = experiment.settings.limit
        return [Cell("lengths", f"{agent} · seed {seed}", {**named(agent), "seed": seed, "limit": limit})
                for agent in experiment.agents for seed in experiment.seeds]  # fmt: skip

    def compute(self, cell: Cell) -> dict[str, np.ndarray]:
        """steps (): int64."""
        player = Player(Emulator(cell.settings["game"]), player_of(cell.settings), seed=cell.settings["seed"])
        while not player.step().done and player.steps < cell.settings["limit"]:
            pass
        return {"steps": np.int64(player.steps)}

    def result(self, experiment: Experiment, cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        """Cells may be missing: they failed, or are not computed yet."""
        found: dict[str, list[int]] = {}
        for cell in cells:
            if cell in results:
                found.setdefault(cell.settings["agent"], []).append(int(results[cell]["steps"]))
        yield Progress(1, 1, "lengths", Lengths({agent: np.array(steps) for agent, steps in found.items()}))
