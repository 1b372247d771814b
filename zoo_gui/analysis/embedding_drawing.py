"""Figures of an Embedding. Markers and letters tell agents apart as well as colours do."""

from __future__ import annotations

import textwrap
from typing import Any, Sequence

import numpy as np

from zoo_gui import factors
from zoo_gui.analysis.embedding_record import COLOURINGS, Embedding
from zoo_gui.naming import MEANINGS, readable_action

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
MOST_NAMED = 7
"""Values of a category that have a colour of their own: more cannot be told apart by colour-blind eyes."""
OTHER = "#BBBBBB"
CATEGORIES = ("agent", "action")
SMALL = 8
ROUNDS = 8
"""In so many turns the agents' points are drawn, so that none lies on all others."""


def chosen(found: Embedding) -> tuple[str, ...]:
    """The colourings that are drawn."""
    if found.colours:
        return found.colours
    tells = [name for name in ("score", "time", "action", "value") if _varies(found.column(name))]
    return (("agent", *tells) if found.joint and len(found.agents) > 1 else tuple(tells) or ("time",))[:4]


def draw(figure: Any, found: Embedding) -> None:
    """One row for each space, one column for each colouring; one space in up to two columns."""
    names = chosen(found)
    spaces = len(found.parts)
    rows, columns = (spaces, len(names)) if spaces > 1 else (-(-len(names) // 2), min(2, len(names)))
    figure.set_size_inches(4.4 * columns + 0.6, 3.7 * rows + 0.9)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[len(names) * spaces :]:
        axis.set_axis_off()
    for place in range(spaces):
        for number, name in enumerate(names):
            axis = axes[place, number] if spaces > 1 else axes.flat[number]
            panel(axis, found, name, place)
            title = f"by {COLOURINGS[name]}"
            if spaces > 1:
                title = f"{'; '.join(found.agents[k] for k in _agents(found, place))}\n{title}"
            axis.set_title(title, fontsize=SMALL + 1)
    if len(found.agents) > 1 and found.joint and "agent" not in names:
        _legend_of_markers(figure, found)
    words = " ".join((found.caption, *found.remarks))
    figure.supxlabel("\n".join(textwrap.wrap(words, 62 * columns)), fontsize=SMALL - 1)


def panel(axis: Any, found: Embedding, name: str, space: int = 0) -> None:
    """The points of a space in one colouring, into an axis of Matplotlib."""
    rows = found.parts[space].rows
    values = found.column(name)[rows]
    axis.set_xticks([])
    axis.set_yticks([])
    if found.method == "pca":
        for number, say in enumerate((axis.set_xlabel, axis.set_ylabel)):
            shares = found.parts[space].explained
            if number < len(shares):
                say(f"component {number + 1} ({shares[number]:.0%} of the variance)", fontsize=SMALL)
    if name in CATEGORIES:
        _categories(axis, found, name, rows, values)
        return
    good = np.isfinite(values)
    low, high = np.percentile(values[good], (1, 99)) if good.any() else (0.0, 1.0)
    if good.any() and high <= low:
        low, high = values[good].min(), max(values[good].max(), values[good].min() + 1)
    axis.set_facecolor("#F2F2F2")
    if not good.all():
        _scatter(axis, found, rows[~good], np.full((~good).sum(), OTHER))
    shown = _scatter(axis, found, rows[good], values[good], vmin=low, vmax=high, cmap="viridis")
    if shown is None:
        axis.text(0.5, 0.02, "unknown", transform=axis.transAxes, ha="center", fontsize=SMALL)
        return
    ends = (values[good].min() < low, values[good].max() > high)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(ends, "neither")
    bar = axis.figure.colorbar(shown, ax=axis, extend=extend, fraction=0.05, pad=0.02)
    bar.ax.tick_params(labelsize=SMALL - 1)


def _categories(axis: Any, found: Embedding, name: str, rows: np.ndarray, values: np.ndarray) -> None:
    """Points of what has names, with a legend of those that are most frequent."""
    from matplotlib.lines import Line2D

    kinds, counts = np.unique(values, return_counts=True)
    named = kinds if name == "agent" else np.sort(kinds[np.argsort(-counts, kind="stable")[:MOST_NAMED]])
    colours = np.full(len(values), OTHER, dtype=object)
    keys = []
    for place, kind in enumerate(named):
        number = int(kind) if name == "agent" else place
        colour = f"#{factors.COLOURS[number % len(factors.COLOURS)]}"
        colours[values == kind] = colour
        marker = MARKERS[int(kind) % len(MARKERS)] if name == "agent" else "o"
        label = found.agents[int(kind)] if name == "agent" else readable_action(MEANINGS[int(kind)])
        keys.append(Line2D([], [], linestyle="", marker=marker, color=colour, label=label))
    if len(kinds) > len(named):
        keys.append(Line2D([], [], linestyle="", marker="o", color=OTHER, label="others"))
    axis.set_facecolor("#F2F2F2")
    _scatter(axis, found, rows, colours)
    axis.legend(handles=keys, fontsize=SMALL - 1, loc="best", framealpha=0.85, borderpad=0.4, handletextpad=0.2)


def _scatter(axis: Any, found: Embedding, rows: np.ndarray, colours: np.ndarray, **scale: Any) -> Any:
    """Draw points in turns, each agent's with its marker; one of the collections."""
    order = np.random.default_rng(0).permutation(len(rows))
    size = float(np.clip(20_000 / max(1, len(found.parts[0].rows)), 7, 30))
    shown = None
    for part in np.array_split(order, ROUNDS):
        for lane in np.unique(found.lanes[rows[part]]):
            own = part[found.lanes[rows[part]] == lane]
            x, y = found.points[rows[own]].T
            shown = axis.scatter(x, y, size, c=list(colours[own]) if colours.dtype == object else colours[own],
                                 marker=MARKERS[lane % len(MARKERS)], linewidths=0, alpha=0.8, rasterized=True,
                                 **scale)  # fmt: skip
    return shown


def _legend_of_markers(figure: Any, found: Embedding) -> None:
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], linestyle="", marker=MARKERS[k % len(MARKERS)], color="0.3", label=label)
            for k, label in enumerate(found.agents)]  # fmt: skip
    figure.legend(handles=keys, loc="outside upper center", ncols=min(3, len(keys)), fontsize=SMALL)


def _agents(found: Embedding, space: int) -> Sequence[int]:
    return [k for k, own in enumerate(found.spaces) if own == space]


def _varies(values: np.ndarray) -> bool:
    good = values[np.isfinite(values)]
    return bool(len(good) and good.min() < good.max())


