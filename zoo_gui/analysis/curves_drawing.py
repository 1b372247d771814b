"""Training curves into a Matplotlib figure. Line styles and names at the lines' ends say what colours say."""

from __future__ import annotations

import textwrap
from typing import Any, Sequence

import numpy as np

from zoo_gui import factors
from zoo_gui.analysis.contestants import STYLES
from zoo_gui.analysis.curves import AXES, Average, Curve, Curves
from zoo_gui.play import games as known_games

SMALL = 8
REACH = 1.0
"""How far beyond the curves, in their own height, a yardstick may lie to be drawn."""


def draw(figure: Any, found: Curves) -> None:
    """Scores, a column for each game; entropies below."""
    games = list(dict.fromkeys(curve.log.game for curve in found.scores))
    with_entropy = found.with_entropy and bool(found.entropies)
    figure.set_size_inches(max(6.0, 4.4 * len(games)), 3.6 + 2.4 * with_entropy + 0.3)
    rows = 1 + with_entropy
    axes = figure.subplots(rows, len(games), squeeze=False, sharex="col", height_ratios=(3, 2)[:rows])
    algorithms = list(dict.fromkeys(curve.log.algorithm for curve in found.scores))
    for column, game in enumerate(games):
        _scores(axes[0, column], [curve for curve in found.scores if curve.log.game == game],
                [one for one in found.averages if one.game == game], algorithms)  # fmt: skip
        title = known_games.title(known_games.find(game)) if game else "unknown game"
        axes[0, column].set_title(title, fontsize=SMALL + 2)
        if with_entropy:
            _entropies(axes[1, column], [curve for curve in found.entropies if curve.log.game == game],
                       [one for one in found.entropy_averages if one.game == game], algorithms)  # fmt: skip
        axes[-1, column].set_xlabel(AXES[found.axis], fontsize=SMALL)
    axes[0, 0].set_ylabel("score of a game", fontsize=SMALL)
    if with_entropy:
        axes[1, 0].set_ylabel("entropy (nats)", fontsize=SMALL)
    figure.supxlabel(textwrap.fill(found.caption, 32 * max(3, len(games) + 1)), fontsize=SMALL - 1)


def _scores(axis: Any, curves: Sequence[Curve], averages: Sequence[Average], algorithms: list[str]) -> None:
    _lines(axis, curves, averages, algorithms)
    for curve in curves:
        _marks(axis, curve, _look(curve.log.algorithm, algorithms)["color"])
    low, high = axis.get_ylim()
    beyond = []
    known = [(curve.log.random, "random", "--") for curve in curves]
    known += [(curve.log.human, "human", ":") for curve in curves]
    for value, name, style in dict.fromkeys(known):
        if value is None:
            continue
        if low - REACH * (high - low) <= value <= high + REACH * (high - low):
            axis.axhline(value, color="0.45", linestyle=style, linewidth=1, zorder=1)
            axis.annotate(f"{name} {value:,.4g}".replace("-", "−"), (1, value), xycoords=("axes fraction", "data"),
                          fontsize=SMALL - 2, ha="right", va="bottom", color="0.3")  # fmt: skip
        else:
            beyond.append(f"{name} {value:,.4g}".replace("-", "−"))
    if beyond:
        axis.plot([], [], " ", label=f"beyond the axis: {', '.join(beyond)}")
    axis.margins(x=0.07, y=0.1)
    axis.legend(fontsize=SMALL - 1, framealpha=0.7, edgecolor="none", loc="best")


def _entropies(axis: Any, curves: Sequence[Curve], averages: Sequence[Average], algorithms: list[str]) -> None:
    if curves:
        _lines(axis, curves, averages, algorithms)
        axis.set_ylim(bottom=0)
    else:
        axis.text(0.5, 0.5, "no entropies in these logs", transform=axis.transAxes, ha="center", va="center",
                  fontsize=SMALL, color="0.35")  # fmt: skip
        axis.set_yticks([])
    axis.tick_params(labelsize=SMALL)


def _lines(axis: Any, curves: Sequence[Curve], averages: Sequence[Average], algorithms: list[str]) -> None:
    joint = {one.algorithm for one in averages}
    for curve in curves:
        look = _look(curve.log.algorithm, algorithms)
        axis.scatter(curve.x, curve.raw, 4, color=look["color"], alpha=0.3, linewidths=0)
        there = np.isfinite(curve.smooth)
        single = curve.log.algorithm not in joint
        axis.plot(curve.x[there], curve.smooth[there], **look, linewidth=1.8 if single else 0.7,
                  alpha=1.0 if single else 0.6, marker="." if there.sum() == 1 else None,
                  label=curve.log.label if single else None)  # fmt: skip
    for one in averages:
        look = _look(one.algorithm, algorithms)
        axis.fill_between(one.x, one.low, one.high, color=look["color"], alpha=0.2, linewidth=0)
        axis.plot(one.x, one.mean, **look, linewidth=2.2, label=one.label)
    axis.tick_params(labelsize=SMALL)


def _marks(axis: Any, curve: Curve, colour: str) -> None:
    """Where checkpoints were kept, on the smoothed curve; before its first row at this row's height."""
    there = np.isfinite(curve.smooth)
    frames = curve.log.frames[there]
    for tag, at in curve.log.marks.items():
        x = np.interp(at, curve.log.frames, curve.x) if at else 0.0
        y = np.interp(at, frames, curve.smooth[there])
        axis.plot([x], [y], "D", markersize=4.5, color=colour, markeredgecolor="black", markeredgewidth=0.7, zorder=4)
        axis.annotate(tag, (x, y), fontsize=SMALL - 2, xytext=(3, -9), textcoords="offset points")


def _look(algorithm: str, algorithms: list[str]) -> dict[str, Any]:
    place = algorithms.index(algorithm)
    colour = DARK[place % len(DARK)]
    return {"color": f"#{colour}", "linestyle": STYLES[place % len(STYLES)]}


DARK = tuple(colour for colour in factors.COLOURS if colour not in ("F0E442", "88CCEE", "DDCC77"))
"""Those of which a thin line shows on white."""
