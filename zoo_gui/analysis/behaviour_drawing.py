"""Figures of agents' games, each into an axis of Matplotlib. Letters, hatches and line styles say what colours say."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from zoo_gui.analysis.behaviour_record import Behaviour, used
from zoo_gui.analysis.contestants import Contestant
from zoo_gui.naming import readable_action

SMALL = 8
POINT = "0.25"


def actions(axis: Any, found: Behaviour) -> None:
    """How often each agent chose each meaning, in per cent of its steps."""
    places = used([one.histogram for one in found.games])
    height = 0.8 / len(found.games)
    for row, one in enumerate(found.games):
        axis.barh(np.arange(len(places)) + (row + 0.5) * height - 0.4, 100 * one.histogram[places], height,
                  color=one.agent.colour, hatch=one.agent.hatch, edgecolor=POINT, linewidth=0.6,
                  label=one.agent.label)  # fmt: skip
    axis.set_yticks(np.arange(len(places)), [readable_action(found.meanings[place]) for place in places])
    axis.set_ylim(len(places) - 0.4, -0.6)
    axis.set_xlabel("% of the agent’s steps")
    axis.set_title("Actions, by what they do in the game", fontsize=SMALL + 1)
    axis.tick_params(labelsize=SMALL)


def scores(axis: Any, found: Behaviour) -> None:
    """Each game's score as a point (hollow: cut), the mean with its interval; random play and a person where known.
    Agents of several games are set against these: 0 random play, 1 a person."""
    several = len({one.agent.game for one in found.games}) > 1
    for row, one in enumerate(found.games):
        scaled = np.vectorize(one.normalised, otypes=[float]) if several else np.asarray
        shift = np.linspace(-0.25, 0.25, len(one.scores)) if len(one.scores) > 1 else np.zeros(len(one.scores))
        for part, face in ((one.complete, POINT), (~one.complete, "none")):
            if part.any():
                axis.scatter(scaled(one.scores[part]), row + shift[part], 14, facecolors=face, edgecolors=POINT,
                             linewidths=0.8, zorder=3)  # fmt: skip
        if one.mean.n:
            value, low, high = scaled(np.array(one.mean[:3])).tolist()
            axis.barh(row, value, 0.62, color=one.agent.colour, hatch=one.agent.hatch, edgecolor=POINT, linewidth=0.6)
            if np.isfinite(low):
                axis.errorbar(value, row + 0.36, xerr=[[max(0, value - low)], [max(0, high - value)]], color="black",
                              capsize=3, linewidth=1.2, zorder=4)  # fmt: skip
    marks = [(0.0, "random"), (1.0, "human")] if several else _yardsticks(found)
    for value, name in marks:
        axis.axvline(value, color="0.5", linewidth=0.9, linestyle="--" if name == "random" else ":", zorder=1)
        axis.text(value, -0.62, name, fontsize=SMALL - 2, ha="center", va="bottom", color="0.3")
    _rows(axis, found)
    axis.set_xlabel("score: 0 random play, 1 a person" if several else "score")
    axis.set_title("Scores: games, mean and its interval", fontsize=SMALL + 1, pad=12)


def lengths(axis: Any, found: Behaviour) -> None:
    """Each game's length in agent steps, the mean with its interval."""
    for row, one in enumerate(found.games):
        shift = np.linspace(-0.25, 0.25, len(one.lengths)) if len(one.lengths) > 1 else np.zeros(len(one.lengths))
        for part, face in ((one.complete, POINT), (~one.complete, "none")):
            if part.any():
                axis.scatter(one.lengths[part], row + shift[part], 14, facecolors=face, edgecolors=POINT,
                             linewidths=0.8, zorder=3)  # fmt: skip
        if one.length.n:
            axis.barh(row, one.length.value, 0.62, color=one.agent.colour, hatch=one.agent.hatch, edgecolor=POINT,
                      linewidth=0.6)  # fmt: skip
    _rows(axis, found)
    axis.set_xlabel("agent steps (hollow: cut)")
    axis.set_title("Lengths of games", fontsize=SMALL + 1)


def states(axis: Any, found: Behaviour) -> None:
    """How many pairs of a byte and its value each agent has met after so many of its steps."""
    for one in found.games:
        steps, pairs = one.coverage.curve()
        axis.step(steps, pairs, where="post", color=one.agent.colour, linestyle=one.agent.style, linewidth=1.8,
                  label=one.agent.letter)  # fmt: skip
        if len(steps):
            axis.annotate(one.agent.letter, (steps[-1], pairs[-1]), fontsize=SMALL, xytext=(3, 0),
                          textcoords="offset points", va="center")  # fmt: skip
    axis.set_xlabel("agent steps")
    axis.set_ylabel("pairs of byte and value")
    axis.set_title("Memory states met", fontsize=SMALL + 1)
    axis.tick_params(labelsize=SMALL)


def matrix(axis: Any, values: np.ndarray, letters: str, title: str, high: float = 1.0, percent: bool = False) -> None:
    """A square of numbers, each written into its field; nan stays empty."""
    axis.imshow(values, cmap="cividis", vmin=0, vmax=high)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            text = (f"{value:.0%}" if percent else f"{value:.2f}").replace("-", "−")
            axis.text(column, row, text, ha="center", va="center", fontsize=SMALL,
                      color="white" if value < 0.55 * high else "black")  # fmt: skip
    axis.set_xticks(range(len(letters)), list(letters))
    axis.set_yticks(range(len(letters)), list(letters))
    axis.set_title(title, fontsize=SMALL)


def _yardsticks(found: Behaviour) -> list[tuple[float, str]]:
    one = found.games[0]
    marks = [(one.random, "random"), (one.human, "human")]
    seen = np.concatenate([games.scores for games in found.games] or [np.zeros(0)])
    high = np.abs(seen).max(initial=0)
    # a person of 20,000 beside an agent of 60 would leave nothing to see
    return [(value, name) for value, name in marks if value is not None and abs(value) <= 4 * high]


def _rows(axis: Any, found: Behaviour) -> None:
    axis.set_yticks(range(len(found.games)), [one.agent.letter for one in found.games])
    axis.set_ylim(len(found.games) - 0.4, -0.6)
    axis.tick_params(labelsize=SMALL)


def legend(figure: Any, agents: Sequence[Contestant]) -> None:
    """Who has which letter, colour and hatch, above all axes."""
    from matplotlib.patches import Patch

    keys = [Patch(facecolor=one.colour, hatch=one.hatch, edgecolor=POINT, label=one.label) for one in agents]
    shown = figure.legend(handles=keys, loc="outside upper center", ncols=min(3, len(keys)), fontsize=SMALL)
    for text in shown.get_texts():  # a title may hold what Matplotlib would read as mathematics
        text.set_parse_math(False)
