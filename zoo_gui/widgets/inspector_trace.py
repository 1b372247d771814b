"""A unit's activation over the last seconds: the memory behind it and the small plot."""

from __future__ import annotations

from collections import deque

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.scales import number
from zoo_gui.tokens import current, pixels
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.controls import Fitted, role
from zoo_gui.widgets.inks import lane_colour, tick_font

GAME_FPS = 60
SECONDS = 10


class Recent:
    """The largest activation of every unit of a lane at its newest steps, a few kB a step.

    Kept for all units, so that a unit that is selected now has a past. Only steps that reached the panels are here:
    at high speed not every step does.
    """

    def __init__(self, info: LaneInfo):
        sizes = [layer.units for layer in info.layers]
        self._starts = dict(zip((layer.name for layer in info.layers), np.cumsum([0, *sizes])))
        self.window = max(2, SECONDS * GAME_FPS // info.frame_skip)
        self.seconds_per_step = info.frame_skip / GAME_FPS
        self._steps: deque[tuple[float, np.ndarray]] = deque(maxlen=self.window)

    def add(self, step_number: float, highs: list[np.ndarray]) -> None:
        """``highs``: (units,) of each layer, in order. An older number than before: the game was restarted."""
        if self._steps and step_number <= self._steps[-1][0]:
            if step_number == self._steps[-1][0]:
                self._steps.pop()
            else:
                self._steps.clear()
        self._steps.append((step_number, np.concatenate(highs)))

    def of(self, unit: Unit) -> tuple[np.ndarray, np.ndarray]:
        """(step numbers, activations) within the window, oldest first."""
        column = self._starts[unit.layer] + unit.index
        if not self._steps:
            return np.zeros(0), np.zeros(0)
        newest = self._steps[-1][0]
        kept = [(at, row[column]) for at, row in self._steps if at > newest - self.window]
        return np.array([at for at, _ in kept]), np.array([value for _, value in kept], float)


class RecentPlot(QtWidgets.QWidget):
    """The plot, with a line that says how much of the time it knows."""

    def __init__(self):
        super().__init__()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.said = Fitted("The unit's activation (a channel's largest) at the steps that reached this panel; pin "
                           "the unit to see every step.")
        role(self.said, "caption")
        self.said.setAlignment(QtCore.Qt.AlignCenter)
        self.graphics = pg.GraphicsLayoutWidget()
        self.graphics.setFocusPolicy(QtCore.Qt.NoFocus)
        self.graphics.setAccessibleName("The unit of late")
        self.graphics.setBackground(current().background)
        self.graphics.setProperty("ground", "background")
        self.graphics.ci.setContentsMargins(0, 2, 4, 0)
        self.graphics.ci.setSpacing(0)
        self.graphics.setMinimumSize(90, 100)
        self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self.box.disableAutoRange()
        self.box.setXRange(-1.06 * SECONDS, 0.08 * SECONDS, padding=0)
        left, bottom = (pg.AxisItem(side, linkView=self.box, maxTickLength=-4) for side in ("left", "bottom"))
        for axis in (left, bottom):
            axis.setStyle(tickTextOffset=3, maxTickLevel=0)
            axis.enableAutoSIPrefix(False)
        bottom.setTicks([[(-SECONDS, f"−{SECONDS} s"), (-SECONDS / 2, f"−{SECONDS // 2} s"), (0, "now")]])
        self._left, self._bottom, self._lane = left, bottom, 0
        self.graphics.addItem(left, 0, 0)
        self.graphics.addItem(self.box, 0, 1)
        self.graphics.addItem(bottom, 1, 1)
        self.curve = pg.PlotCurveItem(skipFiniteCheck=True)
        self.box.addItem(self.curve, ignoreBounds=True)
        column.addWidget(self.said)
        column.addWidget(self.graphics, 1)
        self._range = (0.0, 0.0)
        self._marks: list[tuple[float, str]] = []
        self.set_look()

    def set_look(self) -> None:
        """Take the colours and letters of the present theme and type."""
        self.curve.setPen(pg.mkPen(lane_colour(self._lane), width=1))
        for axis in (self._left, self._bottom):
            axis.setStyle(tickFont=tick_font())
        self._make_room()

    def _make_room(self) -> None:
        """The axis at the left is as wide as its numbers."""
        metrics = QtGui.QFontMetrics(tick_font())
        widest = max((metrics.horizontalAdvance(text) for _, text in self._marks), default=0)
        self._left.setWidth(max(pixels(24), widest + 9))

    def begin(self, lane: int) -> None:
        """Another unit, of this lane: a fresh axis."""
        self._lane = lane
        self.curve.setPen(pg.mkPen(lane_colour(lane), width=1))
        self._range = (0.0, 0.0)

    def show_values(self, numbers: np.ndarray, values: np.ndarray, seconds_per_step: float) -> None:
        """Draw activations at step numbers; the newest is now."""
        known = np.isfinite(values)
        numbers, values = numbers[known], values[known]
        if not len(values):
            self.curve.setData([], [])
            self.said.say("no steps yet")
            return
        self.curve.setData((numbers - numbers[-1]) * seconds_per_step, values)
        span = int(numbers[-1] - numbers[0]) + 1
        few = f"{len(values)} of "
        ways = ("{}the last {} steps", "{}{} steps", "{}{}") if len(values) < span else ("{}last {} steps", "{}{}")
        self.said.say(*(way.format(few if len(values) < span else "", span) for way in ways))
        self._fit(float(min(values.min(), 0.0)), float(max(values.max(), 0.0)))

    def _fit(self, low: float, high: float) -> None:
        """Widen the range at once, narrow it when less than a third is used: the axis stands still meanwhile."""
        span = self._range[1] - self._range[0]
        if self._range[0] <= low and high <= self._range[1] and high - low > span / 3:
            return
        room = max(0.1 * (high - low), 1e-3)
        self._range = low - (room if low < 0 else 0.0), high + room
        self.box.setYRange(*self._range, padding=0)
        marks = [0.0, high] if low == 0 else [low, 0.0, high]
        self._marks = [(mark, number(mark).replace("-", "−")) for mark in dict.fromkeys(marks)]
        self._left.setTicks([self._marks])
        self._make_room()
