"""The layouts that come with the program: which panels stand where, for one to four agents. No Qt.

A plan is columns of cells; the panels of a cell are tabs, the first in front. Shares are percent of the window.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple


class Cell(NamedTuple):
    """share: of its column's height."""

    share: int
    panels: tuple[str, ...]


class Column(NamedTuple):
    """share: of the window's width."""

    share: int
    cells: tuple[Cell, ...]


class Plan(NamedTuple):
    """hosts: {area of a panel: panel whose cell takes those that the plan does not name}; they are hidden until a
    command brings them. strangers: but those that no plan names are shown."""

    columns: tuple[Column, ...]
    hosts: Mapping[str, str]
    strangers: bool = False

    @property
    def named(self) -> set[str]:
        """The panels that the plan puts somewhere."""
        return {name for column in self.columns for cell in column.cells for name in cell.panels}


NAMES = ("Inspect", "Explore", "Compare", "Lab", "Talk")
PURPOSES = {
    "Inspect": "one moment of the game, from input to action, with everything else a tab away",
    "Explore": "what units look for: patterns, groups, filters and search beside the unit",
    "Compare": "agents side by side: where they part, a moment of two, their representations",
    "Lab": "many runs: experiments, the wall, maps of states, robustness",
    "Talk": "for an audience: a large game, the activations and the unit, nothing else",
}
#: Shares of the width for the left, centre and right columns of Inspect, by number of agents.
WIDTHS = {1: (27, 45, 28), 2: (33, 42, 25), 3: (37, 40, 23), 4: (38, 40, 22)}
#: Shares of the height for the game, the network's input and the actions.
HEIGHTS = {1: (52, 20, 28), 2: (38, 20, 42), 3: (50, 20, 30), 4: (52, 16, 32)}
TABS = ("activations", "layer", "moment", "why", "patterns", "zoo", "wall")


def plan(name: str, agents: int) -> Plan:
    """One of NAMES."""
    return _MAKERS[name](agents)


def _inspect(agents: int) -> Plan:
    left, centre, right = WIDTHS[agents]
    game, observation, actions = HEIGHTS[agents]
    return Plan(
        (
            Column(left, (Cell(game, ("game",)), Cell(observation, ("observation",)), Cell(actions, ("actions",)))),
            Column(centre, (Cell(70, TABS), Cell(30, ("plots", "compare", "embedding")))),
            Column(right, (Cell(100, ("inspector",)),)),
        ),
        {"left": "actions", "centre": "activations", "right": "inspector", "bottom": "plots"}, strangers=True,
    )  # fmt: skip


def _explore(agents: int) -> Plan:
    return Plan(
        (
            Column((26, 32, 36, 38)[agents - 1],
                   (Cell(45, ("game", "observation")), Cell(55, ("activations", "layer")))),
            Column((46, 42, 40, 38)[agents - 1],
                   (Cell(62, ("patterns", "groups", "filters", "why")), Cell(38, ("search", "embedding", "plots")))),
            Column((28, 26, 24, 24)[agents - 1], (Cell(100, ("inspector",)),)),
        ),
        {"left": "game", "centre": "patterns", "right": "inspector", "bottom": "search"},
    )


def _compare(agents: int) -> Plan:
    return Plan(
        (
            Column((34, 42, 46, 48)[agents - 1],
                   (Cell(56, ("game", "observation")), Cell(44, ("actions", "activations")))),
            Column((66, 58, 54, 52)[agents - 1],
                   (Cell(66, ("moment", "pair", "representations", "inspector")), Cell(34, ("compare", "plots")))),
        ),
        {"left": "game", "centre": "moment", "right": "moment", "bottom": "compare"},
    )


def _lab(agents: int) -> Plan:
    return Plan(
        (
            Column(50, (Cell(50, ("lab", "zoo")), Cell(50, ("robustness", "plots")))),
            Column(50, (Cell(50, ("wall", "game")), Cell(50, ("embedding",)))),
        ),
        {"left": "wall", "centre": "lab", "right": "embedding", "bottom": "embedding"},
    )


def _talk(agents: int) -> Plan:
    hosts = {"left": "game", "centre": "activations", "right": "inspector", "bottom": "activations"}
    if agents == 1:
        return Plan((Column(39, (Cell(100, ("game",)),)), Column(33, (Cell(100, ("activations",)),)),
                     Column(28, (Cell(100, ("inspector",)),))), hosts)  # fmt: skip
    large = (0, 56, 48, 42)[agents - 1]
    games = Column(72, (Cell(large, ("game",)), Cell(100 - large, ("activations",))))
    return Plan((games, Column(28, (Cell(100, ("inspector",)),))), hosts)


_MAKERS = {"Inspect": _inspect, "Explore": _explore, "Compare": _compare, "Lab": _lab, "Talk": _talk}

EVERY = frozenset().union(*(plan(name, 1).named for name in NAMES))
"""The panels that some layout names."""
