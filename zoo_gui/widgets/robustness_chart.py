"""How the score falls: the episodes of a sitting one after the other, and their means by level."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui.naming import lane_letter
from zoo_gui.tokens import current, pixels, points
from zoo_gui.widgets.controls import still
from zoo_gui.widgets.inks import lane_colour, letter_font, tick_font
from zoo_gui.widgets.robustness_rows import Scale

Qt = QtCore.Qt
STYLES = (Qt.SolidLine, Qt.DashLine, Qt.DotLine, Qt.DashDotLine)
MARKS = ("o", "s", "t", "d")
NOTHING = "No whole episode at one level yet. Full speed gets there sooner."
CLOSE = 0.06
"""Share of the steps shown within which changes of level count as one."""
SPAN = 2000
"""Steps that the return is shown of."""


class Level(NamedTuple):
    """What is known at a level. scores: of its episodes, or the one number that stands for it. words: what is written
    beside it."""

    level: float
    scores: tuple[float, ...]
    words: str


class Column(NamedTuple):
    """A lane's numbers by level. running: the score so far of the episode that is played, None: none that counts.
    now: the level of now, None where another disturbance is on. clean: the mean where nothing is on."""

    lane: int
    running: float | None
    levels: tuple[Level, ...]
    now: float | None
    clean: float | None


class Course(NamedTuple):
    """A lane's newest steps. steps: their numbers. returns: the episode's return after each. changes: (step, level in
    words) from which on another level was on."""

    lane: int
    steps: np.ndarray
    returns: np.ndarray
    changes: tuple[tuple[float, str], ...]


class Plot(pg.PlotWidget):
    """A plot that is only looked at, whose items are made anew at each drawing; there are few."""

    _words: dict[str, str] = {}

    def __init__(self, name: str, bottom: str, left: str):
        super().__init__()
        self.setBackground(current().base)
        self.setProperty("ground", "base")
        self.setMinimumSize(140, 90)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.NoFocus)
        still(self.getPlotItem(), self)
        self._words = {"bottom": bottom, "left": left}
        for side in self._words:
            self.getAxis(side).setStyle(tickTextOffset=3, maxTickLevel=0)
            self.getAxis(side).enableAutoSIPrefix(False)
        self.set_look()

    def set_look(self) -> None:
        """Take the colours and letters of the present theme and type."""
        for side, words in self._words.items():
            axis = self.getAxis(side)
            axis.setStyle(tickFont=tick_font())
            axis.setPen(current().control)
            axis.setTextPen(current().text)
            self.label(side, words)
        self.getAxis("left").setWidth(pixels(54))

    def label(self, side: str, words: str) -> None:
        """An axis's words."""
        axis = self.getAxis(side)
        self._words[side] = words
        axis.setLabel(words, **{"font-size": f"{points(8):.1f}pt", "color": current().text})
        axis.resizeEvent()  # else other words stand where the old ones had their middle
        self._show_label(side)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        for side in self._words:
            self._show_label(side)

    def _show_label(self, side: str) -> None:
        """An axis that is shorter than its words has none."""
        room = self.getViewBox().height() if side == "left" else self.getViewBox().width()
        fits = QtGui.QFontMetrics(letter_font(8)).horizontalAdvance(self._words[side]) <= room + pixels(12)
        if self.getAxis(side).label.isVisible() != fits:
            self.getAxis(side).showLabel(fits)

    def write(self, text: str, x: float, y: float, colour: str, anchor=(0.5, 1.0)) -> None:
        item = pg.TextItem(text, color=colour, anchor=anchor)
        item.setFont(tick_font())
        item.setPos(x, y)
        self.addItem(item, ignoreBounds=True)

    def say(self, text: str) -> None:
        """Words in the middle, where there is nothing to be seen."""
        (left, right), (low, high) = self.viewRange()
        self.write(self._folded(text), (left + right) / 2, (low + high) / 2, current().text, (0.5, 0.5))

    def _folded(self, text: str) -> str:
        """A text in lines that the plot has room for."""
        metrics, lines = QtGui.QFontMetrics(tick_font()), [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}".lstrip()
            if lines[-1] and metrics.horizontalAdvance(longer) > 0.9 * self.getViewBox().width():
                lines.append(word)
            else:
                lines[-1] = longer
        return "\n".join(lines)

    def fit(self, ys: Sequence[float]) -> None:
        """An axis from 0, or below it, to a little above the highest."""
        known = [y for y in ys if np.isfinite(y)]
        low, high = min([0.0, *known]), max([0.0, *known])
        span = (high - low) or 1.0
        self.setYRange(low - (0.08 * span if low < 0 else 0.02 * span), high + 0.3 * span, padding=0)


class CoursePlot(Plot):
    """The return of the running episode, step by step: where the score no longer grows, the line is flat."""

    def __init__(self):
        super().__init__("Return, step by step", "agent steps", "return so far")
        self.setToolTip("The return of the episode that is played, which begins again at 0; a vertical line where "
                        "another level was chosen.")  # fmt: skip
        self._marked: tuple | None = None
        self._curves: dict[int, pg.PlotDataItem] = {}

    def set_look(self) -> None:
        super().set_look()
        self._marked = None

    def draw(self, courses: Sequence[Course]) -> None:
        """Show these lanes. Items are made anew only where levels or axes changed."""
        shown = [course for course in courses if len(course.steps)]
        newest = max((course.steps[-1] for course in shown), default=0)
        stride = SPAN // 50  # each move of an axis lays it out anew
        last = stride * (newest // stride + 1)
        first = max(min((course.steps[0] for course in shown), default=0), last - SPAN)
        last = max(last, first + 100)
        kept = {course.lane: tuple(apart(course.changes, CLOSE * (last - first))) for course in shown}
        kept = {lane: tuple(one for one in changes if one[0] >= first) for lane, changes in kept.items()}
        high = max((float(course.returns.max()) for course in shown), default=0.0)
        low = min((float(course.returns.min()) for course in shown), default=0.0)
        made = (first, last, tuple(kept.items()), low, high)
        if made != self._marked:
            self._marked = made
            self._make(kept, first, last, low, high)
        for course in shown:
            self._curves[course.lane].setData(*corners(course.steps, course.returns))

    def _make(self, kept: dict[int, tuple], first: float, last: float, low: float, high: float) -> None:
        """Axes, marks, and a curve for each lane."""
        self.clear()
        self.fit([low, high])
        self.setXRange(first, last, padding=0.01)
        self._curves = {
            lane: self.plot(pen=pg.mkPen(lane_colour(lane), width=1.5, style=STYLES[lane % 4])) for lane in kept
        }
        said: set[tuple[float, str]] = set()
        for lane, changes in kept.items():
            for change in changes:
                if change not in said:
                    alike = all(change in others for others in kept.values())  # then once is enough
                    self._mark(*change, None if alike else lane)
                    said.add(change)

    def _mark(self, step: float, words: str, lane: int | None) -> None:
        """Where a level was chosen, of one lane or of all."""
        self.addItem(pg.InfiniteLine(step, 90, pen=pg.mkPen(current().control, width=1, style=Qt.DotLine)))
        (first, last), (_, top) = self.viewRange()
        ink = current().text if lane is None else lane_colour(lane)
        side = 0.0 if step < first + 0.7 * (last - first) else 1.0
        self.write(words, step, top, ink, (side, 0.0 if lane is None else -0.9 * lane))


class LevelsPlot(Plot):
    """Means by level, along the slider's scale; small points are episodes, dashes the mean of undisturbed ones."""

    def __init__(self):
        super().__init__("Mean score by level", "level", "mean return")
        self.setToolTip("Large marks: the mean at a level, with the number of episodes (n) or steps; small ones: each "
                        "episode; hollow: the one that is played; horizontal lines: undisturbed play; the vertical "
                        "line: the level of now.")  # fmt: skip

    def draw(self, columns: Sequence[Column], about: Any, scale: Scale, episodes: bool) -> None:
        """Show these lanes. episodes: whether scores are of episodes."""
        self.clear()
        self._running: dict[int, pg.PlotDataItem] = {}
        self.label("bottom", f"{about.title.lower()} ({about.unit})")
        self.label("left", "mean return" if episodes else "points / 1,000 steps")
        self.getAxis("bottom").setTicks([[(scale.place(one), f"{one:g}".replace("-", "−")) for one in about.levels]])
        self.setXRange(-0.04, 1.04, padding=0)
        known = [score for column in columns for level in column.levels for score in level.scores]
        self.fit(known + [column.running for column in columns if column.running is not None and episodes])
        for column in columns:
            self._draw_column(column, scale, episodes)
        marks = [(scale.place(level.level), float(np.mean(level.scores))) for one in columns for level in one.levels]
        self._taken = [QtCore.QRectF(x - 5, y - 5, 10, 10) for x, y in map(self._pixel, marks)]
        for column in columns:
            for level in column.levels:
                words = f"{lane_letter(column.lane)} {level.words}" if len(columns) > 1 else level.words
                mean = float(np.mean(level.scores))
                self._write_beside(words, scale.place(level.level), mean, lane_colour(column.lane))
        if not known:
            self.say(NOTHING if episodes else "No step yet.")

    def _draw_column(self, column: Column, scale: Scale, episodes: bool) -> None:
        colour, mark, style = lane_colour(column.lane), MARKS[column.lane % 4], STYLES[column.lane % 4]
        if column.clean is not None:
            self.addItem(pg.InfiniteLine(column.clean, 0, pen=pg.mkPen(colour, width=1, style=Qt.DashLine)))
        xs = [scale.place(level.level) for level in column.levels]
        single = [(x, score) for x, level in zip(xs, column.levels) for score in level.scores if episodes]
        if single:
            faint = QtGui.QColor(colour)
            faint.setAlpha(130)
            self.plot(*zip(*single), pen=None, symbol=mark, symbolSize=4, symbolBrush=faint, symbolPen=None)
        if xs:
            means = [float(np.mean(level.scores)) for level in column.levels]
            self.plot(xs, means, pen=pg.mkPen(colour, width=2, style=style), symbol=mark, symbolSize=9,
                      symbolBrush=colour, symbolPen=None)  # fmt: skip
        if column.now is None:
            return
        self.addItem(pg.InfiniteLine(scale.place(column.now), 90, pen=pg.mkPen(colour, width=1, style=Qt.DotLine)))

    def show_running(self, columns: Sequence[Column], scale: Scale) -> None:
        """Where the episodes stand that are being played: the cheap part of drawing."""
        for column in columns:
            lane, known = column.lane, column.now is not None and column.running is not None
            if lane not in self._running and known:
                self._running[lane] = self.plot(pen=None, symbol=MARKS[lane % 4], symbolSize=9, symbolBrush=None,
                                                symbolPen=lane_colour(lane))  # fmt: skip
            if lane in self._running:
                place = ([scale.place(column.now)], [column.running]) if known else ([], [])
                self._running[lane].setData(*place)

    def _write_beside(self, words: str, x: float, y: float, colour: str) -> None:
        """Above the mark, or higher where something is written already."""
        width, height = pixels(6) * len(words) + 4.0, float(pixels(12))
        across, down = self._pixel((x, y))
        left = min(max(across - width / 2, 0), max(self.getViewBox().width() - width, 0))
        box = QtCore.QRectF(left, down - height - 6, width, height)
        while any(box.intersects(other) for other in self._taken) and box.top() > 0:
            box.translate(0, -4)
        self._taken.append(box)
        (left, right), (low, high) = self.viewRange()
        size = self.getViewBox().size()
        self.write(words, left + box.left() / max(size.width(), 1) * (right - left),
                   high - box.bottom() / max(size.height(), 1) * (high - low), colour, (0.0, 1.0))  # fmt: skip

    def _pixel(self, place: tuple[float, float]) -> tuple[float, float]:
        """Where a point lies in the view, from its top left."""
        (left, right), (low, high) = self.viewRange()
        size = self.getViewBox().size()
        return (place[0] - left) / (right - left) * size.width(), (high - place[1]) / (high - low) * size.height()


def apart(changes: Sequence[tuple[float, str]], least: float) -> list[tuple[float, str]]:
    """Those after which nothing changes for so many steps: levels that a slider passed on its way go, but the last."""
    nexts = [step for step, _ in changes[1:]] + [np.inf]
    return [change for change, then in zip(changes, nexts) if then - change[0] >= least]


def corners(xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points of a line of steps at which it changes, and its ends."""
    if len(xs) < 3:
        return xs, ys
    turns = np.flatnonzero(np.diff(ys))
    kept = np.unique(np.concatenate([[0], turns, turns + 1, [len(xs) - 1]]))
    return xs[kept], ys[kept]
