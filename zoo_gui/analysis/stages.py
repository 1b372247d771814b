"""How did a network become what it is? Each layer at each stage of a training beside the same layer at its end.

Raghu et al. 2017 look at training so with SVCCA ("networks converge bottom up"), Kornblith et al. 2019 with CKA. All
stages look at the same moments, by default those that the last one played: what differs is what they see in them.
"""

from __future__ import annotations

import math
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.agents import catalogue
from zoo_gui.analysis import ANALYSES, Progress, observed
from zoo_gui.analysis.recorded import chosen_layers
from zoo_gui.analysis.similarity import (
    MOMENTS,
    SUBSPACE_SHIFTS,
    at_shifts,
    check,
    never_varied,
    sides,
    summary,
    varies,
)
from zoo_gui.analysis.similarity_measures import shifts_of
from zoo_gui.analysis.stages_record import Stages
from zoo_gui.play.moments import Moments
from zoo_gui.play.together import record_together
from zoo_gui.types import LayerInfo, ZooError, read_only

__all__ = ["Stages", "stage_agents", "stages", "training"]


def stage_agents(agent_id: str) -> tuple[str, ...]:
    """The ids of a run's agents in the order of its training: ``…@initial``, those with tags by frames, the last.

    agent_id: any of them. Raises ZooError: an unknown id, or a run of which no other stage is here.
    """
    entry = catalogue.find(agent_id)
    key = (entry.algorithm, entry.game, entry.run)
    found = tuple(
        other.id for other in catalogue.entries((entry.source,))
        if (other.algorithm, other.game, other.run) == key and other.is_here
    )  # fmt: skip
    if len(found) < 2:
        raise ZooError(
            f"{entry.id} is the only stage of its training that is here: choose a run with several, as zoo-gui list "
            "shows them."
        )
    return found


@ANALYSES.register("training")
def training(
    agent: Any,
    *,
    moments: Moments,
    method: str = "cka",
    count: int = MOMENTS,
    layers: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[Progress]:
    """``stages`` of the run that an agent of the catalogue is of, at the moments that it saw.

    Stages with a memory see the last one play ``count`` steps anew, by ``seed``: their memory is not in the moments of
    another. Raises ZooError, also where no other stage is here.
    """
    from zoo_gui.agents.agent import Agent

    check(method, count)
    agents = []
    for number, name in enumerate(ids := stage_agents(agent.name)):
        yield Progress(0, 100, f"opening {name} ({number + 1} of {len(ids)})")
        agents.append(Agent.load(name))
    if len(agent.initial_state):
        for progress in record_together(agents, steps=count, seed=seed, driver=len(agents) - 1):
            yield Progress(0, 100, progress.label)
        moments = progress.result
    yield from stages(agents, moments=moments, method=method, count=count, layers=layers, seed=seed)


@ANALYSES.register("stages")
def stages(
    agents: Sequence[Any],
    *,
    moments: Sequence[Moments] | Moments,
    method: str = "cka",
    count: int = MOMENTS,
    layers: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[Progress]:
    """Each layer at each stage against the same layer of the last agent; each Progress that has a result has Stages, in
    which what is not computed yet is nan; the last one's is whole.

    agents: in the order of training (``stage_agents``). moments: of each (``play.together``), or one for all, as stages
    without a memory see alike. layers: () all of the last one but groups. method, count, seed: as ``similarity`` takes
    them. Raises ZooError.
    """
    check(method, count)
    agents, moments = observed.asked(agents, moments)
    last, infos = agents[-1], chosen_layers(agents[-1], layers)
    rows = observed.rows_of(moments, count)
    lags = shifts_of(len(rows[0]), SUBSPACE_SHIFTS if method == "svcca" else None, seed)
    board = _Board(method, agents, infos, len(rows[0]))
    reference: dict[str, Any] = {}
    for done, label, ready in sides(last, moments[-1], rows[-1], infos, method):
        yield Progress(int(100 * done / len(agents)), 100, f"{last.title}: {label}")
        reference |= dict([ready] if ready else [])
    for stage, agent in enumerate(agents):
        if stage == len(agents) - 1:
            found = ((1.0, name, (name, side)) for name, side in reference.items())
        else:
            found = sides(agent, moments[stage], rows[stage], _theirs(agent, infos), method)
        for done, label, ready in found:
            percent = int(100 * min(1.0, (1 + stage + done) / len(agents)))
            if ready is None:
                yield Progress(percent, 100, f"{agent.title}: {label}")
                continue
            name, side = ready
            for values in at_shifts(reference[name], side, lags):
                if values is None:
                    yield Progress(percent, 100, f"{agent.title}: comparing {name}")
            board.fill(stage, name, varies(side), *values)
            yield Progress(percent, 100, f"{agent.title}: compared {name}", board.result())
    yield Progress(100, 100, board.result().sentence, board.result())


def _theirs(agent: Any, infos: Sequence[LayerInfo]) -> list[LayerInfo]:
    """An agent's own layers of these names."""
    names = {info.name for info in infos}
    return [info for info in agent.layers if info.name in names]


class _Board:
    """The Stages as far as they are computed."""

    def __init__(self, method: str, agents: Sequence[Any], infos: Sequence[LayerInfo], n: int):
        cards = [agent.card for agent in agents]
        self._layers = tuple(info.name for info in infos)
        self._grids = np.full((4, len(agents), len(infos)), np.nan)
        self._still: dict[int, list[str]] = {}
        millions = [math.nan if card.frames is None else card.frames / 1e6 for card in cards]
        scores = [math.nan if card.scores.mean is None else card.scores.mean for card in cards]
        self._settings = {
            "method": method, "title": agents[-1].title, "n": n, "titles": tuple(agent.title for agent in agents),
            "tags": tuple(card.tag or catalogue.FINAL for card in cards),
            "frames": read_only(np.array(millions)), "scores": read_only(np.array(scores)),
        }  # fmt: skip
        self._missing = []
        for agent in agents:
            lacking = set(self._layers) - {info.name for info in agent.layers}
            if lacking:
                self._missing.append(f"{agent.title} has no {', '.join(sorted(lacking))}.")

    def fill(self, stage: int, layer: str, varied: bool, value: float, null: np.ndarray) -> None:
        """Enter a layer of a stage."""
        self._grids[:, stage, self._layers.index(layer)] = summary(value, null)
        if not varied:
            self._still.setdefault(stage, []).append(layer)

    def result(self) -> Stages:
        """As they are now."""
        values, chance, chance_95, p_value = (read_only(grid.copy()) for grid in self._grids)
        still = [
            never_varied(self._settings["titles"][stage], sorted(names, key=self._layers.index))
            for stage, names in sorted(self._still.items())
        ]
        return Stages(
            layers=self._layers, values=values, chance=chance, chance_95=chance_95, p_value=p_value,
            remarks=(*self._missing, *still), **self._settings,
        )  # fmt: skip
