"""How well agents stand a disturbance: games at each of its levels. A cell is one game; random play is one cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis.behaviour import LIMIT
from zoo_gui.analysis.contestants import MOST, RANDOM, Contestant
from zoo_gui.analysis.sweep_record import Played, swept
from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results
from zoo_gui.lab.players import named, player_of
from zoo_gui.play.disturbance import Disturbance, about_of
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import Progress, ZooError

RANDOM_GAMES = 30


@dataclass(frozen=True)
class SweepSettings:
    """disturbance: a name in ``DISTURBANCES``. levels: () its own; that at rest is always played too, for all else is
    measured by it. parameter_layers: of parameter noise. sticky: probability that an action is repeated at an emulator
    frame, None: as each card says. limit: agent steps after which a game is ended; it counts with what it has scored.
    game: another than the agents' own. random_games: games of random play in each game, which are 0 in what is
    normalised."""

    disturbance: str = "observation_noise"
    levels: tuple[float, ...] = ()
    parameter_layers: str = "convolutions"
    sticky: float | None = None
    limit: int = LIMIT
    game: str = ""
    random_games: int = RANDOM_GAMES

    def __post_init__(self):
        for level in self.all_levels:
            self.at(level)
        if len(set(self.levels)) < len(self.levels):
            raise ZooError("A level stands twice in this sweep: give each once.")
        if self.limit < 1 or self.random_games < 1 or not 0.0 <= (self.sticky or 0.0) < 1.0:
            raise ZooError("limit and random_games must be 1 or more, and sticky a probability from 0 to below 1.")

    @property
    def all_levels(self) -> tuple[float, ...]:
        """Rising, with that at rest. Raises ZooError."""
        about = about_of(self.disturbance)
        return tuple(sorted({about.rest, *(self.levels or about.levels)}))

    def at(self, level: float) -> Disturbance:
        """The disturbance at a level. Raises ZooError."""
        return Disturbance(parameter_layers=self.parameter_layers).with_level(self.disturbance, level)


@KINDS.register("sweep")
class SweepKind:
    """``zoo-gui sweep``: agents × levels × seeds."""

    settings = SweepSettings
    version = 1

    def cells(self, experiment: Experiment) -> list[Cell]:
        asked: SweepSettings = experiment.settings
        found: dict[str, Cell] = {}
        for agent in experiment.agents:
            who = named(agent)
            game, sticky = asked.game or who["game"], _sticky(who, asked)
            rules = {"game": game, "sticky": sticky, "limit": asked.limit}
            random = _random(rules, asked)
            found.setdefault(random.key, random)
            for level in asked.all_levels:
                told = {**who, **rules, "disturbance": asked.disturbance, "level": level}
                if asked.disturbance == "parameter_noise":
                    told["parameter_layers"] = asked.parameter_layers
                for seed in experiment.seeds:
                    cell = Cell("sweep", f"{agent} · {level:g} · seed {seed}", {**told, "seed": seed})
                    found[cell.key] = cell
        return list(found.values())

    def compute(self, cell: Cell) -> dict[str, np.ndarray]:
        """scores, steps, complete (G,): of each game its unclipped return, agent steps, and whether it came to its end.
        G is 1, or of random play ``games``, from the seeds 0, 1, …"""
        asked = cell.settings
        player = Player(Emulator(asked["game"]), player_of(asked), sticky=asked["sticky"])
        if "level" in asked:
            levels = {asked["disturbance"]: asked["level"]}
            layers = {name: asked[name] for name in ("parameter_layers",) if name in asked}
            player.restart(asked["seed"])
            player.disturbance = Disturbance(**levels, **layers)
        rows = [_game(player, seed, asked["limit"]) for seed in range(asked.get("games", 0)) or (asked["seed"],)]
        scores, steps, complete = zip(*rows)
        return {"scores": np.array(scores, np.float64), "steps": np.array(steps, np.int64),
                "complete": np.array(complete, np.bool_)}  # fmt: skip

    def result(self, experiment: Experiment, cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        asked: SweepSettings = experiment.settings
        there = {cell.key: results[cell] for cell in cells if cell in results}
        played = []
        for place, agent in enumerate(experiment.agents[:MOST]):
            mine = [cell for cell in cells if "level" in cell.settings and cell.settings["agent"] == agent]
            random = there.get(_random(mine[0].settings, asked).key, {"scores": np.zeros(0)})
            done = [(cell.settings, there[cell.key]) for cell in mine if cell.key in there]
            scores = {(told["level"], told["seed"]): float(arrays["scores"][0]) for told, arrays in done}
            cut = {(told["level"], told["seed"]): not arrays["complete"][0] for told, arrays in done}
            played.append(Played(_contestant(place, agent, mine[0].settings), scores, cut, random["scores"]))
        layers = asked.parameter_layers if asked.disturbance == "parameter_noise" else ""
        record = swept(asked.disturbance, asked.all_levels, played, experiment.seeds, asked.limit, layers,
                       len(cells) - len(there))  # fmt: skip
        yield Progress(len(cells), len(cells), "sweep", record)


def _sticky(who: Mapping[str, Any], asked: SweepSettings) -> float:
    agent = player_of(who)
    if asked.sticky is not None or agent is None:
        return asked.sticky or 0.0
    return agent.card.preprocessing.sticky


def _random(rules: Mapping[str, Any], asked: SweepSettings) -> Cell:
    """The cell of random play in a game, under the same rules."""
    agent, count = f"{RANDOM}/{rules['game']}", asked.random_games
    told = {name: rules[name] for name in ("game", "sticky", "limit")}
    return Cell("sweep", f"{agent} · {count} games", {"agent": agent, "agent_hash": "", **told, "games": count})


def _game(player: Player, seed: int, limit: int) -> tuple[float, int, bool]:
    player.restart(seed)
    step = player.step(pictures=False)
    while not step.done and step.index + 1 < limit:
        step = player.step(pictures=False)
    return step.episode_return + step.reward, step.index + 1, step.done


def _contestant(place: int, agent: str, told: Mapping[str, Any]) -> Contestant:
    from zoo_gui.agents import catalogue

    entry = catalogue.find(agent)
    algorithm = f"{entry.algorithm}@{entry.tag}" if entry.tag else entry.algorithm
    return Contestant(chr(ord("A") + place), agent, entry.title, told["agent_hash"], told["game"], algorithm)
