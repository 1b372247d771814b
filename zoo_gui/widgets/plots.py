"""Plots over time: reward, return, value or max Q, entropy, the chosen action and every pinned unit.

Every step is drawn, also those that no other panel showed, because the numbers come from ``session.history``.
"""

from __future__ import annotations

import csv
import io
import math
import time
from html import escape

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter, readable_action
from zoo_gui.types import LaneInfo
from zoo_gui.tokens import current
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.controls import role
from zoo_gui.widgets.inks import lane_colour
from zoo_gui.widgets.parts import of_widgets
from zoo_gui.widgets.plots_chart import QUANTITIES, Chart, Quantity, Series, columns_for, least_size

SPACING = 4  # pixels between plots
INTERVAL = 0.08  # seconds between redraws
WINDOWS = (100, 300, 1000, 3000, 10000)
GAME_FPS = 60
STYLE_SIGNS = ("━━", "╍╍", "┈┈", "━┈")


@PANELS.register("plots")
class PlotsPanel(Panel):
    """Linked plots; the newest steps while “Live” is on, else wherever they were dragged or zoomed to."""

    title = "Plots"
    area = "bottom"
    about = ("Numbers over time, every step of them: reward, return, value, entropy, the chosen action, and each "
             "pinned unit.")
    turns_late = 2

    def build(self) -> QtWidgets.QWidget:
        content = QtWidgets.QWidget()
        content.setMinimumSize(260, 110)
        self._charts: list[Chart] = []
        self._made: tuple = ()
        self._redrawn = 0.0
        self._timer = QtCore.QTimer(content)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self._guard(self._redraw))
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(4, 2, 4, 0)
        column.setSpacing(2)
        self._bar = QtWidgets.QToolBar()  # folds what does not fit behind a » button
        self._make_bar()
        self.layout_view = pg.GraphicsLayoutWidget()
        self.layout_view.setFocusPolicy(QtCore.Qt.NoFocus)
        self.layout_view.setAccessibleName("Plots of the newest steps")
        self.layout_view.setBackground(current().base)
        self.layout_view.setProperty("ground", "base")
        self.layout_view.ci.setContentsMargins(0, 0, 6, 0)
        self.layout_view.ci.setSpacing(SPACING)
        self.layout_view.scene().sigMouseMoved.connect(lambda position: self._guard(self._say_values, position))
        self.layout_view.scene().sigMouseClicked.connect(lambda event: self._guard(self._on_click, event))
        column.addWidget(self._bar)
        column.addWidget(self.layout_view, 1)
        return content

    def named_parts(self) -> list[Part]:
        return of_widgets(
            self,
            (next(iter(self.buttons.values())), "which numbers", "Each button shows or hides a plot."),
            (self.layout_view, "every step, the newest right", "Drag or turn the wheel to look elsewhere."),
            (self.live, "follow the game", "Shows the newest steps again after you looked elsewhere."),
        )

    def _make_bar(self) -> None:
        self.buttons: dict[str, QtWidgets.QToolButton] = {}
        self._pin_actions: dict[str, QtWidgets.QAction] = {}
        for quantity in QUANTITIES:
            self._bar.addWidget(self._toggle(quantity))
        self.legend = QtWidgets.QLabel()
        self._fit_soon = QtCore.QTimer(self.legend)
        self._fit_soon.setSingleShot(True)
        self._fit_soon.timeout.connect(self._fit_legend)
        self._charts_soon = QtCore.QTimer(self.legend)  # several sizes follow each other when panels are laid out
        self._charts_soon.setSingleShot(True)
        self._charts_soon.timeout.connect(lambda: self._guard(self._make_charts))
        role(self.legend, "caption")
        self.legend.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Preferred)
        self.legend.setMinimumWidth(1)
        self.legend.setAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
        self._legend_action = self._bar.addWidget(self.legend)
        self.window_box = self._box([f"{steps:,} steps" for steps in WINDOWS], 1, "How many steps are visible")
        self.window_box.activated.connect(lambda _: self.live.setChecked(True))
        self.scale_box = self._box(["steps", "seconds"], 0, "Horizontal axis: agent steps or seconds of game time")
        self.live = self._button("Live", "Follow the newest steps; dragging or zooming a plot stops it")
        self._bar.addWidget(self.live)
        self.live.setChecked(True)
        self.live.toggled.connect(lambda _: self._schedule())

    def _box(self, texts: list[str], chosen: int, tip: str) -> QtWidgets.QComboBox:
        box = QtWidgets.QComboBox()
        box.addItems(texts)
        box.setCurrentIndex(chosen)
        box.setToolTip(tip)
        box.setAccessibleName(tip)
        role(box, "caption")
        box.currentIndexChanged.connect(lambda _: self._schedule())
        self._bar.addWidget(box)
        return box

    def _button(self, text: str, tip: str) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setToolTip(tip)
        role(button, "toggle")
        button.setFocusPolicy(QtCore.Qt.TabFocus)
        return button

    def _toggle(self, quantity: Quantity) -> QtWidgets.QToolButton:
        button = self._button(quantity.title.split(" (")[0], quantity.tip)
        button.setChecked(True)
        button.toggled.connect(lambda _: self._guard(self._make_charts))
        self.buttons[quantity.key] = button
        return button

    def show_look(self, look) -> None:
        for chart in self._charts:
            chart.set_look()
            chart.label()
        if self._room is not None:
            self._make_charts()
        self._fit_soon.start()

    # -- what is shown ------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        super()._connect()
        self.session.pins_changed.connect(lambda _: self.isVisible() and self._guard(self._make_charts))

    def _fit_legend(self) -> None:
        """Letters and names where they fit, else letters alone: the actions panel and the tool tip name them too."""
        lanes = self.lanes if len(self.lanes) > 1 else ()
        signs = [f"{STYLE_SIGNS[info.lane]} {lane_letter(info.lane)}" for info in lanes]
        named = [f"{sign} {name}" for sign, name in zip(signs, short_titles([info.title for info in lanes]))]
        room = self.legend.fontMetrics().horizontalAdvance("    ".join(named)) <= self.legend.width()
        spans = [f'<span style="color:{lane_colour(info.lane)}">{escape(text)}</span>'
                 for info, text in zip(lanes, named if room else signs)]
        self.legend.setText(" &nbsp; ".join(spans))

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        self._fit_soon.start()
        self.legend.setToolTip("\n".join(f"{lane_letter(info.lane)}: {info.title}" for info in lanes))
        kinds = {info.scores_kind for info in lanes}
        self.buttons["value"].setText({("q",): "Max Q", ("logits",): "Value"}.get(tuple(kinds), "Value / max Q"))
        self.buttons["entropy"].setEnabled(kinds != {"q"})
        self.buttons["value"].setEnabled(any(info.has_value or info.scores_kind == "q" for info in lanes))
        self._make_charts()

    def _wanted(self) -> list[Quantity]:
        pinned = dict.fromkeys(pin.unit for pin in self.session.pins)
        units = [Quantity(str(unit), str(unit), "line", "Largest activation of the pinned unit", unit)
                 for unit in pinned]
        wanted = [quantity._replace(title=self.buttons["value"].text()) if quantity.key == "value" else quantity
                  for quantity in QUANTITIES if self.buttons[quantity.key].isEnabled()]
        for gone in set(self.buttons) - {quantity.key for quantity in (*QUANTITIES, *units)}:
            self.buttons.pop(gone)
            self._bar.removeAction(self._pin_actions.pop(gone))
        for quantity in units:
            if quantity.key not in self.buttons:
                self._pin_actions[quantity.key] = self._bar.insertWidget(self._legend_action, self._toggle(quantity))
        return [quantity for quantity in (*wanted, *units) if self.buttons[quantity.key].isChecked()]

    def _make_charts(self) -> None:
        wanted = self._wanted() if self.lanes else []
        width, height = self._space()
        least = least_size()
        columns = columns_for(len(wanted), width, height, least=least[0])
        self.layout_view.setMinimumHeight(-(-len(wanted) // columns) * (least[1] + SPACING))
        lanes = tuple((info.lane, info.title, info.action_names, info.scores_kind) for info in self.lanes)
        made = (tuple(wanted), columns, lanes, self._alone(wanted))
        if made == self._made:
            return
        self._made = made
        self.layout_view.clear()
        self._charts = []
        grid = self.layout_view.ci.layout
        for column in range(max(grid.columnCount(), columns)):  # equal widths; a column that is no longer used has none
            grid.setColumnStretchFactor(column, int(column < columns))
            grid.setColumnPreferredWidth(column, 100 if column < columns else 0)
        for index, quantity in enumerate(wanted):
            mine = tuple(info for info in self.lanes if self._has(info, quantity))
            chart = Chart(quantity, mine)
            last_row = index + columns >= len(wanted)
            chart.show_steps_axis(last_row)
            self.layout_view.addItem(chart.cell, index // columns, index % columns)
            if self._charts:
                chart.box.setXLink(self._charts[0].box)
            chart.box.sigRangeChangedManually.connect(self._on_dragged)
            self._charts.append(chart)
        self._schedule(0.0)

    def _space(self) -> tuple[int, int]:
        """(width, height) that the plots have where nothing scrolls."""
        whole, bar = self._room.maximumViewportSize(), max(self._bar.height(), self._bar.sizeHint().height())
        return max(50, whole.width() - 14), max(50, whole.height() - bar - 4)

    def _alone(self, wanted: list[Quantity]) -> tuple:
        """Which lanes have which pinned unit."""
        return tuple(tuple(self._has(info, quantity) for info in self.lanes) for quantity in wanted)

    def _has(self, info: LaneInfo, quantity: Quantity) -> bool:
        return quantity.unit is None or any(tuple(pin) == (info.lane, quantity.unit) for pin in self.session.pins)

    # -- time ---------------------------------------------------------------------------------------------------
    def show_step(self, lane: int, step, summaries) -> None:
        self._schedule()

    def _schedule(self, interval: float = INTERVAL) -> None:
        """Redraw all lanes together, at most every INTERVAL; the last step before a pause is always drawn."""
        if not self._timer.isActive():
            wait = interval - (time.perf_counter() - self._redrawn)
            self._timer.start(max(0, math.ceil(1000 * wait)))

    def rest(self) -> None:
        self._timer.stop()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._guard(self._fit_later)

    def _fit_later(self) -> None:
        """The bar inside is laid out after a change of size."""
        self._fit_soon.start()
        if self.is_seen:
            self._charts_soon.start()

    def _on_dragged(self, *_) -> None:
        self.live.setChecked(False)
        self._schedule()

    def _series(self, lane: int, view: tuple[float, float] | None) -> Series | None:
        """The steps of a lane in the x range ``view`` (None: the newest), one more at each side."""
        number = self.session.history(lane).column("number")
        if not len(number):
            return None
        low, high = view or (number[-1] + 1 - WINDOWS[self.window_box.currentIndex()], number[-1])
        start, stop = np.searchsorted(number, (low, high + 1))
        rows = slice(max(int(start) - 1, 0), min(int(stop) + 1, len(number)))
        return Series(lane, number[rows], rows, float(number[-1]))

    def _redraw(self) -> None:
        self._redrawn = time.perf_counter()
        if not self._charts or not self.is_seen:
            return  # behind another panel the charts are those of the lanes before
        live = self.live.isChecked()
        view = None if live else tuple(self._charts[0].box.viewRange()[0])
        series = [found for info in self.lanes if (found := self._series(info.lane, view)) is not None]
        if not series:
            self._charts[0].box.setXRange(0, WINDOWS[self.window_box.currentIndex()], padding=0)
            for chart in self._charts:
                chart.label()
            return
        boundaries = {}
        for found in series:
            episode = self.session.history(found.lane).column("episode")[found.rows]
            boundaries[found.lane] = found.x[np.flatnonzero(np.diff(episode)) + 1]
        if live:
            self._follow(min(found.x[0] for found in series), max(found.newest for found in series))
        for chart in self._charts:
            self._set_scale(chart)
            chart.draw([(found, chart.values(found, self.session.history(found.lane)))
                        for found in series if found.lane in chart.curves], boundaries)
            chart.label()
        # A Trace claims more of the plane than Qt's whole numbers of pixels can hold, which then paints nothing of it.
        self.layout_view.viewport().update()

    def _follow(self, oldest: float, newest: float) -> None:
        """Move the x range in fiftieths of the window: each move makes pyqtgraph lay out every axis anew."""
        window = WINDOWS[self.window_box.currentIndex()]
        stride = window // 50
        left = max(stride * math.ceil((newest + 1) / stride) - window, oldest)
        self._charts[0].box.setXRange(left, left + window, padding=0)

    def _set_scale(self, chart: Chart) -> None:
        axis = chart.bottom
        seconds = self.scale_box.currentIndex() == 1 and self.lanes
        scale = self.lanes[0].frame_skip / GAME_FPS if seconds else 1.0
        if axis.scale != scale:
            axis.setScale(scale)

    # -- mouse --------------------------------------------------------------------------------------------------
    def _on_click(self, event) -> None:
        if event.button() != QtCore.Qt.RightButton or event.isAccepted():
            return
        event.accept()
        menu = QtWidgets.QMenu(self.layout_view)
        menu.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        menu.addAction("Newest steps", lambda: self.live.setChecked(True))
        menu.addAction("Copy the visible numbers (CSV)", self.copy_numbers)
        scene = self.layout_view.scene()
        scene.contextMenuItem = self.layout_view.ci
        menu.addAction("Export…", scene.showExportDialog)
        menu.popup(event.screenPos().toPoint())

    def copy_numbers(self) -> None:
        """Put ``numbers`` on the clipboard."""
        QtWidgets.QApplication.clipboard().setText(self.numbers())

    def numbers(self) -> str:
        """The visible steps as CSV: a row per lane and step, a column per shown quantity (actions by name)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("lane", "agent", "step", *(chart.quantity.key for chart in self._charts)))
        view = tuple(self._charts[0].box.viewRange()[0]) if self._charts else None
        for info in self.lanes:
            found, history = self._series(info.lane, view), self.session.history(info.lane)
            if found is None:
                continue
            columns = [chart.values(found, history) if info.lane in chart.curves else np.full(len(found.x), np.nan)
                       for chart in self._charts]
            for step, *row in zip(found.x, *columns):
                texts = (info.action_names[int(value)] if chart.quantity.form == "runs" else f"{value:.9g}"
                         for chart, value in zip(self._charts, row))
                writer.writerow((lane_letter(info.lane), info.title, f"{step:.0f}", *texts))
        return text.getvalue()

    def _say_values(self, position: QtCore.QPointF) -> None:
        chart = next((chart for chart in self._charts if chart.box.sceneBoundingRect().contains(position)), None)
        if chart is None:
            return
        at = math.floor(chart.box.mapSceneToView(position).x())
        said = []
        for info in chart.lanes:
            history = self.session.history(info.lane)
            number = history.column("number")
            row = int(np.searchsorted(number, at))
            if row < len(number) and number[row] == at:
                value = chart.values(Series(info.lane, number[row:row + 1], slice(row, row + 1), at), history)[0]
                text = f"{value:.4g}"
                if chart.quantity.form == "runs":
                    text = readable_action(info.action_names[int(value)])
                said.append(f"{lane_letter(info.lane)} {text}" if len(self.lanes) > 1 else text)
        self.session.hover(f"step {at:,} · {chart.quantity.title}: {', '.join(said)}" if said else "")


def short_titles(titles: list[str]) -> list[str]:
    """What tells titles such as “PPO · Breakout · run 1” apart: the parts that not all of them have."""
    parts = [title.split(" · ") for title in titles]
    shared = set(parts[0]).intersection(*parts) if parts else set()
    return [" ".join(part for part in title if part not in shared) for title in parts]
