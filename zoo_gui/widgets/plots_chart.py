"""One plot over time: what it shows, how its numbers become lines, and its axes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui.naming import action_symbol, readable_action
from zoo_gui.tokens import current, pixels, points
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.inks import hue, lane_colour, line_height, tick_font

STYLES = (QtCore.Qt.SolidLine, QtCore.Qt.DashLine, QtCore.Qt.DotLine, QtCore.Qt.DashDotLine)
FACTORS = (0.5, 1, 2, 5, 10, 20)
LEFT, TICKS = 46, 7.5  # of the axis at the left: pixels, and points of its numbers, where the type is normal
POINTS = 600  # drawn per curve; more are thinned, keeping every extreme


class Quantity(NamedTuple):
    """What one plot shows. form: line, stems (from zero) or runs (one row per action)."""

    key: str
    title: str
    form: str
    tip: str
    unit: Unit | None = None


QUANTITIES = (
    Quantity("reward", "Reward", "stems", "Unclipped reward of each step"),
    Quantity("return", "Return", "line", "Sum of unclipped rewards in the episode so far"),
    Quantity("value", "Value", "line", "State value; for Q agents the largest Q-value"),
    Quantity("entropy", "Entropy (nats)", "line", "Entropy of the policy; the top of the axis is a uniform policy"),
    Quantity("action", "Action", "runs", "Chosen action"),
)


# -- numbers ----------------------------------------------------------------------------------------------------
def stems(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points, from 0 to y, for each y that is not 0; to be drawn with connect="pairs"."""
    kept = np.flatnonzero(np.nan_to_num(y))
    xs, ys = np.repeat(x[kept], 2), np.zeros(2 * len(kept))
    ys[1::2] = y[kept]
    return xs, ys


def runs(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points, one horizontal line for each run of equal y; a run ends where the next begins."""
    if not len(y):
        return np.zeros(0), np.zeros(0)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(y)) + 1])
    ends = np.concatenate([x[starts[1:]], [x[-1] + 1]])
    return np.stack([x[starts], ends], 1).ravel(), np.repeat(y[starts], 2)


def thin(x: np.ndarray, y: np.ndarray, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most ``points`` points that keep the smallest and largest of each stretch, so that no peak is lost.

    The stretches start at multiples of their length in x: a moving window then thins alike from frame to frame.
    """
    if len(x) <= points:
        return x, y
    length = math.ceil(2 * (len(x) + 1) / (points - 4))
    skip = int(-x[0] % length)
    count = (len(x) - skip) // length
    parts = y[skip:skip + count * length].reshape(count, length)
    known = np.isfinite(parts)
    low = np.where(known, parts, np.inf).argmin(1)
    high = np.where(known, parts, -np.inf).argmax(1)
    inside = skip + (np.arange(count) * length)[:, None] + np.sort(np.stack([low, high], 1), 1)
    kept = np.concatenate([[0], inside.ravel(), [len(x) - 1]])
    return x[kept], y[kept]


def fitted(low: float, high: float, current: tuple[float, float]) -> tuple[float, float]:
    """An axis range for data from low to high: the current one while it serves, so that axes stand still."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return current
    span = current[1] - current[0]
    if current[0] <= low and high <= current[1] and (high - low > 0.3 * span or span <= 1e-3):
        return current
    room = max(0.12 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-4)
    return low - room, high + room


def ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """About ``count`` round numbers (1, 2 or 5 times a power of ten) from low to high, with their texts."""
    base = 10.0 ** math.floor(math.log10((high - low) / count))
    coarsest = next(place for place, factor in enumerate(FACTORS) if (high - low) / (factor * base) <= count + 0.5)
    for factor in FACTORS[coarsest::-1]:
        step = factor * base
        numbers = [step * index for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
        if len(numbers) > 1:  # one tick alone gives no scale
            break
    return [(number, f"{number:.6g}".replace("-", "−")) for number in numbers]


def columns_for(count: int, width: float, height: float, aspect: float = 2.8, least: float = 1.0) -> int:
    """How many columns make ``count`` plots in width × height come nearest to the aspect, without empty rows; each at
    least so wide, where there is one."""
    def misfit(columns: int) -> float:
        rows = math.ceil(count / columns)
        return abs(math.log((width / columns) / (height / rows) / aspect)) + 0.3 * (rows * columns - count)
    most = max(1, min(count, int(width // least)))
    return min(range(1, most + 1), key=misfit) if count else 1


def least_size() -> tuple[int, int]:
    """(width, height) of a plot whose numbers stand apart."""
    figures = line_height(TICKS)
    return pixels(LEFT + 60), line_height() + 1 + round(1.4 * figures) + figures + 4


class StepsAxis(pg.AxisItem):
    """An axis along time, with as many round numbers as have room beside each other."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        widest = QtGui.QFontMetricsF(tick_font()).horizontalAdvance(f"{maxVal:.0f}0")
        least = max((maxVal - minVal) * 1.3 * widest / max(size, 1.0), 1e-6)
        base = 10.0 ** math.floor(math.log10(least))
        return [(next(factor * base for factor in (1, 2, 5, 10) if factor * base >= 0.999 * least), 0)]


class Series(NamedTuple):
    """The visible steps of one lane: x is the step number; history rows ``rows``; the newest step's number."""

    lane: int
    x: np.ndarray
    rows: slice
    newest: float


class Trace(pg.PlotCurveItem):
    """A curve that claims the whole plane: pyqtgraph's own bounds cost more per redraw than drawing the curve."""

    PLANE = QtCore.QRectF(-1e8, -1e8, 2e8, 2e8)

    def boundingRect(self) -> QtCore.QRectF:
        return self.PLANE


class Chart:
    """One plot with a curve and the episode boundaries for each lane. y ranges are set, never found by pyqtgraph."""

    def __init__(self, quantity: Quantity, lanes: tuple[LaneInfo, ...]):
        self.quantity, self.lanes = quantity, lanes
        self._make_frame()
        self.actions = sorted({name for info in lanes for name in info.action_names}, key=self._action_order)
        self._labelled, self._bounded = None, {}
        self.y = self._first_range()
        self.box.setYRange(*self.y, padding=0)
        self.box.invertY(quantity.form == "runs")
        self.curves, self.boundaries = {}, {}
        for info in lanes:
            self.boundaries[info.lane] = self._curve("pairs")
            self.curves[info.lane] = self._curve("all" if quantity.form == "line" else "pairs")
        self.set_look()

    def set_look(self) -> None:
        """Take the colours and letters of the present theme and type."""
        self.title.setText(self.quantity.title, size=f"{points(9):.1f}pt", color=current().text)
        self.title.setFixedHeight(line_height() + 1)
        for axis in (self.left, self.bottom):
            axis.setStyle(tickFont=tick_font())
            axis.setPen(current().control)
            axis.setTextPen(current().text)
        self.left.setWidth(pixels(LEFT))
        self._labelled = None
        for info in self.lanes:
            colour, dots = hue(lane_colour(info.lane)), hue(lane_colour(info.lane))
            dots.setAlpha(110)
            style = QtCore.Qt.SolidLine if self.quantity.form != "line" else STYLES[info.lane % len(STYLES)]
            width = 3 if self.quantity.form == "runs" else 1
            pens = pg.mkPen(dots, width=1), pg.mkPen(colour, width=width, style=style)
            for pen, curve in zip(pens, (self.boundaries[info.lane], self.curves[info.lane])):
                pen.setCapStyle(QtCore.Qt.FlatCap)
                curve.setPen(pen)

    def _make_frame(self) -> None:
        """Title, axes and view. A PlotItem would bring two menus and a form of forty widgets for each plot."""
        self.cell = pg.GraphicsLayout()
        self.cell.setContentsMargins(0, 0, 0, 0)
        self.cell.setSpacing(0)
        self.title = self.cell.addLabel(self.quantity.title, 0, 1)
        self.title.setMinimumWidth(0)  # a long title must not make its plot wider than the others
        self.title.setPreferredWidth(1)
        self.cell.setPreferredWidth(100)
        self.box = pg.ViewBox(enableMenu=False, defaultPadding=0)
        self.box.setMouseEnabled(x=True, y=False)
        self.box.disableAutoRange()
        self.left, self.bottom = (make(side, linkView=self.box, maxTickLength=-4)
                                  for make, side in ((pg.AxisItem, "left"), (StepsAxis, "bottom")))
        for axis in (self.left, self.bottom):
            axis.setStyle(tickTextOffset=3, maxTickLevel=0)
            axis.enableAutoSIPrefix(False)
        self.cell.addItem(self.left, 1, 0)
        self.cell.addItem(self.box, 1, 1)
        self.cell.addItem(self.bottom, 2, 1)

    def show_steps_axis(self, shown: bool) -> None:
        """The x axis is drawn under the lowest plot of each column only."""
        self.bottom.setVisible(shown)
        self.bottom.setHeight(None if shown else 0)

    def _curve(self, connect: str) -> Trace:
        curve = Trace(connect=connect, skipFiniteCheck=True)
        self.box.addItem(curve, ignoreBounds=True)
        return curve

    def _action_order(self, name: str) -> int:
        return next(info.action_names.index(name) for info in self.lanes if name in info.action_names)

    def _first_range(self) -> tuple[float, float]:
        if self.quantity.form == "runs":
            return -0.6, len(self.actions) - 0.4
        if self.quantity.key == "entropy":
            return 0.0, 1.05 * math.log(max(2, *(len(info.action_names) for info in self.lanes), 2))
        return (-0.1, 1.1) if self.quantity.form == "stems" else (0.0, 1.0)

    def label(self) -> None:
        """Tick texts as dense as the height allows; only on a change, because it lays the axis out anew."""
        key = (self.y, int(self.box.height()) // 8)
        if key == self._labelled:
            return
        self._labelled = key
        height = max(self.box.height(), 1)
        if self.quantity.form != "runs":
            self.left.setTicks([ticks(*self.y, max(2, int(height // (2 * line_height(TICKS)))))])
            return
        names = [readable_action(name) for name in self.actions]
        if any(len(name) > 6 for name in names):
            names = [action_symbol(name) for name in self.actions]
        every = max(1, math.ceil(len(names) * pixels(12) / height))
        self.left.setTicks([list(enumerate(names))[::every]])

    # -- drawing ------------------------------------------------------------------------------------------------
    def values(self, series: Series, history) -> np.ndarray:
        """The quantity at the visible steps, (n,) float64."""
        quantity, info = self.quantity, next(info for info in self.lanes if info.lane == series.lane)
        if quantity.unit is not None:
            return history.pinned(quantity.unit)[series.rows]
        if quantity.key == "entropy" and info.scores_kind == "q":
            return np.full(len(series.x), np.nan)  # Q-values are no policy
        column = {"return": "episode_return", "value": "best_score" if info.scores_kind == "q" else "value"}
        return history.column(column.get(quantity.key, quantity.key))[series.rows]

    def draw(self, drawn: list[tuple[Series, np.ndarray]], boundaries: dict[int, np.ndarray]) -> None:
        """Show (series, values) of each lane; ``boundaries``: x of the first step of each visible episode."""
        before = self.y
        if self.quantity.form != "runs" and self.quantity.key != "entropy":
            finite = [values[np.isfinite(values)] for _, values in drawn]
            low = min((part.min() for part in finite if part.size), default=math.nan)
            high = max((part.max() for part in finite if part.size), default=math.nan)
            self.y = fitted(min(low, 0.0), max(high, 0.0), before) if self.quantity.form == "stems" else fitted(
                low, high, before)
        if self.y != before:
            self.box.setYRange(*self.y, padding=0)
        for series, values in drawn:
            self._draw_lane(series, values)
            key = (*boundaries[series.lane], *self.y)
            if self._bounded.get(series.lane) != key:
                self._bounded[series.lane] = key
                xs = np.repeat(boundaries[series.lane], 2)
                self.boundaries[series.lane].setData(xs, np.tile(self.y, len(xs) // 2))

    def _draw_lane(self, series: Series, values: np.ndarray) -> None:
        curve = self.curves[series.lane]
        if self.quantity.form == "stems":
            curve.setData(*stems(series.x, values))
        elif self.quantity.form == "runs":
            info = next(info for info in self.lanes if info.lane == series.lane)
            rows = np.array([self.actions.index(name) for name in info.action_names], float)
            xs, ys = runs(series.x, values)
            shift = 0.16 * (self.lanes.index(info) - (len(self.lanes) - 1) / 2)  # lanes beside, not over each other
            curve.setData(xs, rows[ys.astype(int)] + shift)
        else:
            xs, ys = thin(series.x, values)
            finite = bool(np.isfinite(ys).all())
            curve.setData(xs, ys, connect="all" if finite else "finite", skipFiniteCheck=finite)
