"""Everything that was found in comparing agents: the record, as one table, one figure or all arrays. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import numpy as np

from zoo_gui.analysis import behaviour_drawing as drawing
from zoo_gui.analysis.behaviour_record import Behaviour
from zoo_gui.analysis.biases import TemporalBiases
from zoo_gui.analysis.contestants import Contestant
from zoo_gui.analysis.disagreement_record import Disagreement
from zoo_gui.analysis.partings import Parting

Pair = tuple[int, int]


@dataclass(frozen=True)
class Comparison:
    """What comparing agents found; a part is None, or empty, while it is not there yet, or where it cannot be had.

    asked: the settings. why: why the agents did not see the same moments, "" where they did. disagreement, partings: of
    the same moments; partings its strongest events with frames, decisions and maps. similarities, matchings: by pair,
    as places of two agents: layers (``analysis.similarity``) and units (``analysis.matching``) set against each other.
    behaviour, biases: of each agent by itself. remarks: sentences on what is missing. versions: of what computed it.
    """

    agents: tuple[Contestant, ...]
    asked: Mapping[str, Any]
    why: str = ""
    disagreement: Disagreement | None = None
    partings: tuple[Parting, ...] = ()
    similarities: Mapping[Pair, Any] = field(default_factory=dict)
    matchings: Mapping[Pair, Any] = field(default_factory=dict)
    behaviour: Behaviour | None = None
    biases: TemporalBiases | None = None
    remarks: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def name(self, pair: Pair) -> str:
        """``A–B``."""
        return "–".join(self.agents[place].letter for place in pair)

    @property
    def sentences(self) -> list[str]:
        """What was found, in words."""
        found = []
        if self.disagreement is not None:
            found += [self._at_the_same_moments(pair) for pair in range(len(self.disagreement.pairs))]
        for pair, one in (*self.similarities.items(), *self.matchings.items()):
            found.append(f"{self.name(pair)}: {one.sentence}")
        if self.behaviour is not None:
            for games in self.behaviour.games:
                complete = int(games.complete.sum())
                if complete:
                    level = games.normalised(games.mean.value)
                    human = "" if np.isnan(level) else f", {level:.0%} of the way from random play to a person"
                    played = "1 game" if complete == 1 else f"{complete} games"
                    found.append(f"{games.agent.letter} scores {games.mean.text} in {played}{human}.")
            found += [one.sentence for one in self.behaviour.aggregates]
        return found

    def _at_the_same_moments(self, pair: int) -> str:
        found = self.disagreement
        a, b = found.pairs[pair]
        beyond = "" if np.isnan(found.kappa[a, b]) else f", κ = {found.kappa[a, b]:.2f} beyond chance".replace("-", "−")
        return (
            f"{found.name(pair)}: at {len(found.moments):,} moments {found.agreement[a, b]:.1%} of the choices are the "
            f"same{beyond}; mean {found.kind(pair)}: {found.distance[a, b]:.2f}."
        )

    def html(self) -> str:
        """The report: one page with everything in it."""
        from zoo_gui.analysis.report import page

        return page(self)

    def table(self) -> list[dict[str, Any]]:
        """A row for each agent: its games, its temporal bias, and how it stands to each of the others."""
        rows = self.behaviour.table() if self.behaviour is not None else [
            {"agent": one.letter, "title": one.title, "id": one.id, "hash": one.hash, "game": one.game}
            for one in self.agents
        ]  # fmt: skip
        for place, row in zip(range(len(self.agents)), rows):
            if self.disagreement is not None:
                found = self.disagreement
                for name, matrix in (("same choice", found.agreement), ("kappa", found.kappa),
                                     ("mean measure", found.distance)):  # fmt: skip
                    row |= {f"{name} {other.letter}": float(x) for other, x in zip(self.agents, matrix[place])}
            if self.biases is not None:
                row |= {f"bias {name}": x for name, x in zip(self.biases.names, self.biases.row(place))}
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """All parts' arrays, with what they are of in front: ``behaviour_scores``, ``similarity_A–B_values``."""
        parts: dict[str, Any] = {"disagreement": self.disagreement, "behaviour": self.behaviour, "biases": self.biases}
        parts |= {f"similarity_{self.name(pair)}": one for pair, one in self.similarities.items()}
        parts |= {f"matching_{self.name(pair)}": one for pair, one in self.matchings.items()}
        found = {f"{name}_{key}": array for name, part in parts.items() if part is not None
                 for key, array in part.arrays().items()}  # fmt: skip
        for number, parting in enumerate(self.partings):
            found[f"parting_{number}_frame"] = parting.frame
            for view in parting.views:
                found[f"parting_{number}_{view.agent.letter}_seen"] = view.seen
                if view.map is not None:
                    found[f"parting_{number}_{view.agent.letter}_map"] = view.map
        return found

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: the same moments above, the agents' own games below. A report has more."""
        shared, own = self.disagreement is not None, self.behaviour is not None
        pairs = len(self.disagreement.pairs) if shared else 0
        heights = [0.9 + 0.62 * pairs, 2.9] * shared + [6.4] * own
        if not heights:
            return
        figure.set_size_inches(9.0, sum(heights))
        parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
        if shared:
            self.disagreement.draw_strips(parts.pop(0))
            self.disagreement.draw_matrices(parts.pop(0))
        if own:
            (scores, lengths), (actions, states) = parts[0].subplots(2, 2)
            drawing.scores(scores, self.behaviour)
            drawing.lengths(lengths, self.behaviour)
            drawing.actions(actions, self.behaviour)
            drawing.states(states, self.behaviour)
        drawing.legend(figure, self.agents)
