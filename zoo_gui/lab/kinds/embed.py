"""A map of the states that agents meet. Each rollout is a cell, which keeps its features; the map is made of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis import embedding
from zoo_gui.analysis.embedding_layout import COLUMNS, MOST_NUMBERS, Plan, States, known_what, lay_out
from zoo_gui.analysis.embedding_record import BITS, COLOURINGS, OBSERVATIONS, RAM, flattened
from zoo_gui.analysis.recorded import usable
from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results
from zoo_gui.lab.players import named, player_of
from zoo_gui.play.moments import recorded
from zoo_gui.registry import unknown
from zoo_gui.types import Progress, ZooError

AT_ONCE = 256


@dataclass(frozen=True)
class EmbedSettings:
    """what: ``ram``, ``ram bits`` (or ``bits``), ``observations`` or a layer. steps: agent steps of each rollout.
    method, perplexity, neighbours, components, iterations, random_state: see ``Plan``. colours: what the figure is
    coloured by, () what tells most. sticky, game: as of the agents where nothing is said."""

    what: str = RAM
    method: str = "tsne"
    steps: int = 2500
    perplexity: float = 30.0
    neighbours: int = 0
    components: int = 50
    iterations: int = 1000
    random_state: int = 0
    colours: tuple[str, ...] = ()
    sticky: float | None = None
    game: str = ""

    def __post_init__(self):
        object.__setattr__(self, "what", known_what(self.what))
        if not 1 <= self.steps <= embedding.MOST or not 0.0 <= (self.sticky or 0.0) < 1.0:
            raise ZooError(f"steps must be from 1 to {embedding.MOST:,}, and sticky a probability from 0 to below 1.")
        for name in self.colours:
            if name not in COLOURINGS:
                raise unknown("colouring", name, COLOURINGS)
        _ = self.plan

    @property
    def plan(self) -> Plan:
        """How states are laid out. Raises ZooError."""
        names = ("method", "perplexity", "neighbours", "components", "iterations", "random_state")
        return Plan(**{name: getattr(self, name) for name in names})


@KINDS.register("embed")
class EmbedKind:
    """``zoo-gui embed``: agents × seeds rollouts, and one map of their states."""

    settings = EmbedSettings
    version = 1

    def cells(self, experiment: Experiment) -> list[Cell]:
        asked = experiment.settings
        cells = []
        for agent_id in experiment.agents:
            who = named(agent_id)
            width = embedding.size_of(asked.what, player_of(who))
            if width * asked.steps > MOST_NUMBERS:
                raise ZooError(f"{asked.what} of {agent_id} has {width:,} numbers a state: give at most --steps "
                               f"{MOST_NUMBERS // width:,}, or choose a smaller layer.")  # fmt: skip
            told = {**who, "game": asked.game or who["game"], "what": asked.what, "steps": asked.steps,
                    "sticky": asked.sticky}  # fmt: skip
            cells += [Cell("embed", f"{agent_id} · seed {seed}", {**told, "seed": seed}) for seed in experiment.seeds]
        return cells

    def compute(self, cell: Cell) -> dict[str, np.ndarray]:
        """features: (n, 128) uint8 RAM, (n, h, w, C) observations as they are, or (n, F) float32 activations; id (n,);
        each of COLUMNS (n,) float64; space (): what it is laid out together with."""
        asked = cell.settings
        agent, what, game = player_of(asked), asked["what"], asked["game"]
        moments = recorded(agent, steps=asked["steps"], seed=asked["seed"], game=game, sticky=asked["sticky"])
        rows = usable(moments)
        if what in (RAM, BITS):
            features = moments.column("ram")[rows]
        elif what == OBSERVATIONS:
            features = moments.observations(rows)
        else:
            read = embedding.reader(what, agent, moments, rows)
            features = np.concatenate(list(read(np.arange(len(rows)))))
        told = embedding.columns(moments, rows, game, asked["seed"])
        space = np.array(embedding.space_of(what, agent, game))
        columns = {name: np.asarray(told[name], np.float64) for name in COLUMNS}
        return {"features": features, "id": moments.column("id")[rows], "space": space, **columns}

    def result(self, experiment: Experiment, cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        asked = experiment.settings
        done = [cell for cell in cells if cell in results]
        agents = [agent for agent in experiment.agents if any(cell.settings["agent"] == agent for cell in done)]
        states = [_states(results[cell], agents.index(cell.settings["agent"]), cell, results) for cell in done]
        seeds = sorted({cell.settings["seed"] for cell in done})
        apart = embedding.APART.get(asked.what, "agent")
        for progress in lay_out(states, agents, asked.what, asked.plan, apart=apart, seeds=seeds):
            record = progress.result
            if record is not None and not record.preliminary:
                yield Progress(len(cells), len(cells), "embedding", record.coloured(*asked.colours))
            else:
                yield Progress(len(cells), len(cells), progress.label)


def _states(arrays: Mapping[str, np.ndarray], lane: int, cell: Cell, results: Results) -> States:
    """A cell's States, which are read from it when they are wanted."""
    what, shape = cell.settings["what"], arrays["features"].shape
    width = 1024 if what == BITS else int(np.prod(shape[1:]))

    def read(places: np.ndarray) -> Iterator[np.ndarray]:
        features = results[cell]["features"]
        for start in range(0, len(places), AT_ONCE):
            yield flattened(what, features[places[start : start + AT_ONCE]])

    columns = {name: arrays[name] for name in COLUMNS}
    return States(lane, str(arrays["space"]), width, arrays["id"], columns, read)


def settings_of(options: Any) -> dict[str, Any]:
    """The settings that a command's options name."""
    return {name: getattr(options, name) for name in asdict(EmbedSettings()) if hasattr(options, name)}
