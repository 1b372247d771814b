"""Curves of scores over levels of a disturbance: line styles and markers say what colours say."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from zoo_gui.analysis.behaviour_statistics import Estimate
from zoo_gui.analysis.sweep_record import Curve, Sweep
from zoo_gui.analysis.sweep_statistics import places
from zoo_gui.play.games import title as game_title

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SMALL = 8
CAPTION_WIDTH = 170  # characters that fit across
PANELS = (
    ("raw", "score", "Scores"),
    ("own", "0 random play · 1 own undisturbed score", "By the agent’s own score"),
    ("best", "0 random play · 1 the best agent’s score", "By the best agent’s score"),
)


def draw(figure: Any, found: Sweep) -> None:
    """Fill an empty figure: a row of three panels a game, a legend under each; the caption under all."""
    games, caption = found.games, textwrap.fill(found.caption, CAPTION_WIDTH)
    heights = [3.3 + 0.2 * len(found.of(game)) for game in games] + [0.15 + 0.16 * len(caption.splitlines())]
    figure.set_size_inches(12, sum(heights))
    *parts, foot = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    foot.text(0.5, 1.0, caption, ha="center", va="top", fontsize=SMALL)
    for part, game in zip(parts, games):
        curves = found.of(game)
        axes = part.subplots(1, 3)
        for axis, (name, label, title) in zip(axes, PANELS):
            _panel(axis, found, curves, name)
            axis.set_ylabel(label, fontsize=SMALL + 1)
            axis.set_title(f"{title}, {game_title(game)}" if name == "raw" else title, fontsize=SMALL + 2)
        _legend(part, axes[0], curves)


def _panel(axis: Any, found: Sweep, curves: tuple[Curve, ...], name: str) -> None:
    at, logarithmic = places(found.levels)
    width = at[-1] - at[0] if len(at) > 1 else 1.0
    for place, curve in enumerate(curves):
        values = np.array([one[:3] for one in getattr(curve, name)])
        if not np.isfinite(values[:, 0]).any():
            continue
        # a little to the side, so that bars at one level do not hide each other
        x = at + width * 0.012 * (place - (len(curves) - 1) / 2)
        look = {"color": curve.agent.colour, "linestyle": curve.agent.style}
        axis.plot(x, values[:, 0], marker=MARKERS[place % len(MARKERS)], markersize=5.5, linewidth=1.8,
                  markeredgecolor="0.2", markeredgewidth=0.6, label=curve.agent.label, zorder=3, **look)  # fmt: skip
        known = np.isfinite(values[:, 1])
        below, above = (np.maximum(0, values[:, 0] - values[:, 1]), np.maximum(0, values[:, 2] - values[:, 0]))
        axis.errorbar(x[known], values[known, 0], yerr=[below[known], above[known]], fmt="none", capsize=2.5,
                      ecolor=curve.agent.colour, elinewidth=1.2, zorder=2)  # fmt: skip
    for level, style in _levels_of(curves, name):
        axis.axhline(level, color="0.55", linewidth=0.9, linestyle=style, zorder=1)
        if name == "raw":
            axis.text(1.005, level, "random", transform=axis.get_yaxis_transform(), fontsize=SMALL - 2, color="0.35",
                      rotation=90, va="center")  # fmt: skip
    axis.set_xticks(at, [f"{level:g}" for level in found.levels])
    if found.about.rest in found.levels and (found.about.rest or not logarithmic):
        axis.axvline(at[found.levels.index(found.about.rest)], color="0.85", linewidth=5, zorder=0)
    if logarithmic and found.levels[0] == 0:  # the axis is broken here
        axis.plot((at[0] + at[1]) / 2, 0, transform=axis.get_xaxis_transform(), clip_on=False, color="black",
                  marker=[(-1, -1.6), (1, 1.6)], markersize=9, linestyle="none")  # fmt: skip
    axis.set_xlabel(found.title + (", logarithmic" if logarithmic else ""), fontsize=SMALL + 1)
    axis.tick_params(labelsize=SMALL)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _levels_of(curves: tuple[Curve, ...], name: str) -> list[tuple[float, str]]:
    """What a panel is to be measured by: random play, and 1."""
    if name != "raw":
        return [(0.0, "--"), (1.0, ":")]
    randoms = dict.fromkeys(float(np.mean(one.played.random)) for one in curves if len(one.played.random))
    return [(random, "--") for random in randoms]


def _legend(part: Any, axis: Any, curves: tuple[Curve, ...]) -> None:
    """Under the panels: who is who, with the area under the curve."""
    handles, labels = axis.get_legend_handles_labels()
    areas = {curve.agent.label: curve.area for curve in curves}
    texts = [f"{label}     {_area(areas[label])}" for label in labels]
    part.legend(handles, texts, fontsize=SMALL, frameon=False, loc="outside lower center", handlelength=4.2)


def _area(found: Estimate) -> str:
    if not found.n:
        return "not normalised"
    text = f"area {found.value:.2f}"
    if np.isfinite(found.low):
        text += f" ({found.low:.2f} to {found.high:.2f})"
    return text.replace("-", "−")
