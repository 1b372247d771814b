"""Where agents part: the record, and how it is drawn, tabled and saved. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoo_gui.analysis.behaviour_drawing import POINT, SMALL, matrix
from zoo_gui.analysis.contestants import Contestant
from zoo_gui.naming import readable_action
from zoo_gui.play.meaning import MEANINGS

KINDS = {
    ("logits", "logits"): "JS divergence, bits",
    ("q", "q"): "Q-gap, both ways",
    ("logits", "q"): "gap of Q and of probability, both ways",
}
"""What the measure of a pair is, by the kinds of the two, in this order."""


class Event(NamedTuple):
    """A moment at which two agents would do different things, the strongest of its surroundings. pair: its place in
    ``Disagreement.pairs``; measure: theirs there."""

    moment: int
    episode: int
    index: int
    row: int
    pair: int
    measure: float


@dataclass(frozen=True)
class Disagreement:
    """What several agents would do at the same moments of one game. N agents, P pairs, n moments; arrays are read-only.

    pairs: the two agents of each, as places. moments, episode, index: (n,) int64, ids, episodes and agent steps of the
    driver within them. choices: (N, n) int64, what each would do greedily, as places in ``play.meaning.MEANINGS``.
    measures: (P, n) float64, 0 to 1, how far apart the two are (``play.agreement.apart``). differs: (P, n) bool,
    whether their choices mean different things. agreement: (N, N), the part of the moments at which two choose alike;
    kappa: (N, N), the same beyond chance (Cohen 1960), nan where chance alone agrees always; distance: (N, N), the mean
    measure. events: where they part, the strongest first, one for each stretch of play. driver: the place of who
    played, −1 where no single one did.
    """

    agents: tuple[Contestant, ...]
    pairs: tuple[tuple[int, int], ...]
    moments: np.ndarray
    episode: np.ndarray
    index: np.ndarray
    choices: np.ndarray
    measures: np.ndarray
    differs: np.ndarray
    agreement: np.ndarray
    kappa: np.ndarray
    distance: np.ndarray
    events: tuple[Event, ...]
    driver: int = -1

    @property
    def letters(self) -> str:
        """Of the agents."""
        return "".join(agent.letter for agent in self.agents)

    def name(self, pair: int) -> str:
        """``A–B``."""
        return "–".join(self.letters[place] for place in self.pairs[pair])

    def kind(self, pair: int) -> str:
        """What the pair's measure is, for people."""
        return KINDS[tuple(sorted(self.agents[place].kind for place in self.pairs[pair]))]

    def words(self, row: int) -> tuple[str, ...]:
        """What each agent would do at a row, for people: ``up-right + fire``."""
        return tuple(readable_action(MEANINGS[place]) for place in self.choices[:, row])

    def next_after(self, moment: int, pair: int | None = None) -> int | None:
        """The id of the next disagreement after the moment with that id, None where none follows: where a pair (None:
        any) begins to differ, or differs in another way than just before."""
        onsets = self.moments[self._onsets(pair)]
        later = onsets[onsets > moment]
        return int(later[0]) if len(later) else None

    def last_before(self, moment: int, pair: int | None = None) -> int | None:
        """The same the other way: the last disagreement that begins before it."""
        onsets = self.moments[self._onsets(pair)]
        sooner = onsets[onsets < moment]
        return int(sooner[-1]) if len(sooner) else None

    def _onsets(self, pair: int | None) -> np.ndarray:
        """(n,) bool: rows at which a disagreement begins or becomes another."""
        places = range(len(self.pairs)) if pair is None else [pair]
        found = np.zeros(len(self.moments), bool)
        follows = (np.diff(self.episode) == 0) & (np.diff(self.index) == 1)
        for place in places:
            mine = self.choices[list(self.pairs[place])]
            same = np.append(False, (mine[:, 1:] == mine[:, :-1]).all(0) & follows)
            found |= self.differs[place] & ~same
        return found

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: a strip along time for each pair, and two matrices."""
        figure.set_size_inches(9.0, 3.6 + 0.62 * len(self.pairs))
        strips, below = figure.subfigures(2, 1, height_ratios=[0.9 + 0.62 * len(self.pairs), 2.9])
        self.draw_strips(strips)
        self.draw_matrices(below)

    def draw_strips(self, figure: Any) -> None:
        """Along time, for each pair: the measure as colour; below it a mark where the choices differ."""
        axes = figure.subplots(len(self.pairs), 1, sharex=True, squeeze=False)[:, 0]
        starts = np.flatnonzero(np.diff(self.episode) != 0) + 1
        for pair, axis in enumerate(axes):
            image = axis.imshow(self.measures[pair][None], cmap="magma_r", vmin=0, vmax=1, aspect="auto",
                                extent=(0, len(self.moments), 0.3, 1), interpolation="nearest")  # fmt: skip
            axis.vlines(np.flatnonzero(self.differs[pair]) + 0.5, 0, 0.24, color="black", linewidth=0.5)
            axis.vlines(starts, 0, 1, color="#0072B2", linewidth=1.2)
            axis.set_ylim(0, 1)
            axis.set_yticks([0.12, 0.65], ["differ", self.name(pair)], fontsize=SMALL - 1)
            axis.set_title(f"{self.name(pair)}: {self.kind(pair)}", fontsize=SMALL - 1, loc="left", pad=2)
        axes[-1].set_xlabel("agent steps of who drove; blue lines: a new game", fontsize=SMALL)
        axes[-1].tick_params(axis="x", labelsize=SMALL)
        bar = figure.colorbar(image, ax=list(axes), shrink=0.9, aspect=12, pad=0.01)
        bar.ax.tick_params(labelsize=SMALL - 1)

    def draw_matrices(self, figure: Any) -> None:
        """How often any two choose alike, that beyond chance, and how far apart they are on average."""
        axes = figure.subplots(1, 3)
        matrix(axes[0], self.agreement, self.letters, "the same choice, part of the moments", percent=True)
        matrix(axes[1], self.kappa, self.letters, "the same beyond chance (κ)")
        matrix(axes[2], self.distance, self.letters, "mean measure, 0 alike to 1 apart")
        for axis in axes:
            axis.tick_params(labelsize=SMALL, color=POINT)

    def table(self) -> list[dict[str, Any]]:
        """A row for each disagreement, the strongest first."""
        rows = []
        for rank, event in enumerate(self.events, 1):
            row = {"rank": rank, "moment": event.moment, "episode": event.episode, "step": event.index,
                   "pair": self.name(event.pair), "measure": event.measure}  # fmt: skip
            chosen = self.choices[:, event.row]
            rows.append(row | {f"choice {one.letter}": MEANINGS[place] for one, place in zip(self.agents, chosen)})
        return rows

    def pair_table(self) -> list[dict[str, Any]]:
        """A row for each pair."""
        return [
            {
                "pair": self.name(pair), "moments": len(self.moments), "same choice": float(self.agreement[a, b]),
                "kappa": float(self.kappa[a, b]), "mean measure": float(self.distance[a, b]),
                "measure": self.kind(pair),
            }
            for pair, (a, b) in enumerate(self.pairs)
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """All of them, and the agents' ids."""
        names = ("moments", "episode", "index", "choices", "measures", "differs", "agreement", "kappa", "distance")
        found = {name: getattr(self, name) for name in names}
        events = np.array([event.moment for event in self.events], np.int64)
        return found | {"pairs": np.array(self.pairs), "events": events, "meanings": np.array(MEANINGS),
                        "agents": np.array([one.id for one in self.agents])}  # fmt: skip
