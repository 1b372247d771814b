"""Score tables as a Matplotlib figure: a row an agent, an axis a game."""

from __future__ import annotations

import textwrap
from typing import Any, Sequence

import numpy as np

from zoo_gui.analysis import published
from zoo_gui.analysis.score_record import ScoreRow, ScoreTable
from zoo_gui.analysis.score_yardsticks import Yardsticks
from zoo_gui.play import games

SMALL = 8
COLOUR = "#0072B2"
REACH = 1.6
"""How far an axis goes for what lies beyond the agents' own games, in their span; further off is told at the edge."""
LINES = (("random", "--"), ("constant", "-."), ("human", ":"))


def draw(figure: Any, found: ScoreTable) -> None:
    """Games below each other, of heights as they have rows."""
    others = {game: published.scores(game) if found.with_published else () for game in found.games}
    rows = {game: [row for row in found.rows if row.game == game] for game in found.games}
    heights = [len(rows[game]) + len(others[game]) + 1.6 for game in found.games]
    figure.set_size_inches(8.5, 0.6 + 0.27 * sum(heights))
    axes = figure.subplots(len(found.games), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, game in zip(axes, found.games):
        _game(axis, rows[game], others[game])
        axis.set_title(games.title(games.find(game)), fontsize=SMALL + 1, loc="left")
    figure.supxlabel(textwrap.fill(found.caption, 110), fontsize=SMALL - 1)


def _game(axis: Any, rows: Sequence[ScoreRow], others: Sequence[published.Published]) -> None:
    low, high = _limits(rows, others)
    for place, row in enumerate(rows):
        score = row.score
        axis.plot(row.scores, np.full(len(row.scores), place), ".", color=COLOUR, alpha=0.3, markersize=4, clip_on=True)
        if np.isfinite(score.low):
            axis.errorbar(score.value, place, xerr=[[score.value - score.low], [score.high - score.value]],
                          color="black", capsize=3, linewidth=1.3, zorder=3)  # fmt: skip
        if np.isfinite(score.value):
            axis.plot(score.value, place, "o", color=COLOUR, markeredgecolor="black", markersize=6, zorder=4)
    for place, one in enumerate(others, len(rows)):
        at = min(max(one.value, low), high)
        axis.plot(at, place, "D" if at == one.value else (">" if one.value > high else "<"), color="white",
                  markeredgecolor="black", markersize=6, zorder=4, clip_on=False)  # fmt: skip
        right = at > (low + high) / 2
        axis.annotate(_figure(one.value), (at, place), xytext=(-7 if right else 7, 0), textcoords="offset points",
                      fontsize=SMALL - 1, va="center", ha="right" if right else "left",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    axis.set_xlim(low, high)
    axis.set_ylim(len(rows) + len(others) - 0.4, -0.6)
    axis.set_yticks(range(len(rows) + len(others)), [row.agent for row in rows] + [one.label for one in others],
                    fontsize=SMALL)  # fmt: skip
    axis.tick_params(axis="x", labelsize=SMALL)
    _yardsticks(axis, _best_known(rows), low, high)


def _best_known(rows: Sequence[ScoreRow]) -> Yardsticks:
    """Of a game's rows the yardsticks that say most."""
    return max((row.known for row in rows), key=lambda one: sum(getattr(one, name) is not None for name, _ in LINES))


def _yardsticks(axis: Any, known: Yardsticks, low: float, high: float) -> None:
    """Lines of the game's yardsticks, named beside the axis's title; those beyond the axis are only named."""
    told = []
    for name, style in LINES:
        value = getattr(known, name)
        if value is None:
            continue
        if low <= value <= high:
            axis.axvline(value, color="0.4", linestyle=style, linewidth=1.1, zorder=1)
        text = f"always {known.constant_action}" if name == "constant" else name
        told.append(f"{ {'--': '- -', '-.': '- ·', ':': '···'}[style]} {text} {_figure(value)}"
                    + ("" if low <= value <= high else " (beyond)"))  # fmt: skip
    axis.set_title("   ".join(told), fontsize=SMALL - 1, loc="right", color="0.3")


def _limits(rows: Sequence[ScoreRow], others: Sequence[published.Published]) -> tuple[float, float]:
    own = [value for row in rows for value in (*row.scores, row.score.value) if np.isfinite(value)]
    own += [value for value in (_best_known(rows).random,) if value is not None]
    low, high = min(own, default=0.0), max(own, default=1.0)
    span = (high - low) or max(1.0, abs(high))
    more = [one.value for one in others]
    more += [value for value in (_best_known(rows).human, _best_known(rows).constant) if value is not None]
    near = [value for value in more if low - REACH * span <= value <= high + REACH * span]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.04 * (high - low or span)
    return low - margin, high + margin


def _figure(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "−")
