"""How much several agents' first layers look at the past: the table of Such et al. 2019, §S2, for any agents.

``filters.temporal_bias`` has the measure; here is which agents have it, side by side. No TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.contestants import Contestant, contestants
from zoo_gui.analysis.filters import TemporalBias, temporal_bias_of
from zoo_gui.types import ZooError


@dataclass(frozen=True)
class TemporalBiases:
    """The temporal bias of several agents. found: of each, None where there is none; why: then a sentence, else ""."""

    agents: tuple[Contestant, ...]
    found: tuple[TemporalBias | None, ...]
    why: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The frames of the deepest stack, oldest first: ``t−3`` to ``t``."""
        return max((one.names for one in self.found if one is not None), key=len, default=())

    def row(self, place: int) -> list[float]:
        """An agent's bias for each of ``names``; nan for frames that it does not see."""
        one = self.found[place]
        values = [] if one is None else one.frames.tolist()
        return [float("nan")] * (len(self.names) - len(values)) + values

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: a bar for each agent and frame."""
        figure.set_size_inches(1.6 + 1.1 * max(2, len(self.names)), 2.8)
        axis = figure.subplots()
        shown = [place for place, one in enumerate(self.found) if one is not None]
        width = 0.8 / max(1, len(shown))
        for order, place in enumerate(shown):
            agent = self.agents[place]
            bars = axis.bar(np.arange(len(self.names)) + (order + 0.5) * width - 0.4, self.row(place), width,
                            color=agent.colour, hatch=agent.hatch, edgecolor="0.25", linewidth=0.6,
                            label=agent.label)  # fmt: skip
            if len(shown) <= 4:
                axis.bar_label(bars, fmt="%.2f", fontsize=6)
        axis.axhline(1.0, color="0.5", linewidth=0.8)
        axis.set_xticks(range(len(self.names)), self.names)
        axis.set_ylabel("mean squared weight / newest", fontsize=8)
        axis.tick_params(labelsize=8)
        if shown:
            for text in axis.legend(fontsize=6).get_texts():
                text.set_parse_math(False)
        else:
            axis.set_title("None of these agents has a temporal bias", fontsize=8)

    def table(self) -> list[dict[str, Any]]:
        """A row for each agent: its layer, a number for each frame, or why there is none."""
        return [
            {
                "agent": agent.letter, "title": agent.title, "id": agent.id,
                "layer": "" if one is None else one.layer, **dict(zip(self.names, self.row(place))), "why": why,
            }
            for place, (agent, one, why) in enumerate(zip(self.agents, self.found, self.why))
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """``biases`` (N, frames) float64, nan where there is none, and the agents' ids."""
        rows = np.array([self.row(place) for place in range(len(self.agents))], float)
        return {"biases": rows, "frames": np.array(self.names), "agents": np.array([one.id for one in self.agents])}


@ANALYSES.register("temporal_biases")
def temporal_biases(agents: Sequence[Any], *, game: str = "") -> Iterator[Progress]:
    """The temporal bias of each of the agents, as TemporalBiases; a player without a network has none. Raises ZooError
    where no agents are given."""
    who = contestants(agents, game)
    yield Progress(1, 1, "temporal bias", biases_of(agents, who))


def biases_of(agents: Sequence[Any], who: Sequence[Contestant]) -> TemporalBiases:
    """The same, at once."""
    found: list[TemporalBias | None] = []
    why = []
    for agent in agents:
        one, reason = None, ""
        if agent is None or isinstance(agent, str):
            reason = "It has no network."
        else:
            try:
                one = temporal_bias_of(agent)
            except ZooError as error:
                reason = str(error)
        found.append(one)
        why.append(reason)
    return TemporalBiases(tuple(who), tuple(found), tuple(why))
