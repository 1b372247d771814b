"""What the weights of a layer look like, and how much each agent's first layer looks at the past."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.base import PANELS, Job, Panel
from zoo_gui.widgets.controls import Quiet, button, column_of, heading, role, toggle
from zoo_gui.widgets.filters_view import BiasBars, FilterGrid
from zoo_gui.widgets.saving import Saver

FILES = (".png", ".csv", ".npz", ".json", ".svg", ".pdf")
BIAS_TIP = (
    "The mean squared weight of the layer that reads the observation, for each frame of it, over that for the newest "
    "frame: 1 means that the past counts as much as the present (Such et al. 2019)."
)


@PANELS.register("filters")
class FiltersPanel(Panel):
    """Reads the weights when it is looked at; nothing of it changes while the game is played."""

    title = "Filters"
    area = "centre"
    about = "What the weights of a layer look like, and how much each agent's first layer looks at the past."

    def build(self) -> QtWidgets.QWidget:
        self.result: Any = None
        self._shown: tuple[LaneInfo, ...] | None = None
        self._asked: tuple[int, str] | None = None
        self._asking = self._of = ""  # whose weights are asked for, and are shown
        self._bias: dict[int, Any] = {}
        self._job = Job(self.session, "filters")
        self._bias_jobs: dict[int, Job] = {}
        content = QtWidgets.QWidget()
        self._saver = Saver(self.session, "filters", content)
        self.lane, self.layer = Quiet(()), Quiet(())
        self.lane.setMinimumContentsLength(20)
        self.layer.setMinimumContentsLength(8)
        self.lane.setToolTip("Whose weights are shown")
        self.layer.setToolTip("The layer whose weights are shown")
        self.lane.setAccessibleName("Agent")
        self.layer.setAccessibleName("Layer")
        self.lane.activated.connect(lambda _: self._guard(self._on_lane))
        self.layer.activated.connect(lambda _: self._guard(self._ask))
        self.own = toggle("Own scale", "Each unit's full colour is its own largest weight; else the layer's.",
                          lambda: self._guard(self._colour))  # fmt: skip
        self.save_button = button("Save…", "Save the layer's weights: a figure, a table or the numbers.",
                                  lambda: self._guard(self._save))  # fmt: skip
        self.save_bias = button("Save…", "Save the temporal bias of this agent: a figure, a table or the numbers.",
                                lambda: self._guard(self._save_bias))  # fmt: skip
        self.said = QtWidgets.QLabel("")
        role(self.said, "caption")
        self.said.setWordWrap(True)
        self.said.setAccessibleName("Filters: what is shown")
        self._saver.said.connect(self.said.setText)
        self.grid, self.bars = FilterGrid(), BiasBars()
        self.grid.setAccessibleName("Weights of every unit")
        self.grid.chosen.connect(lambda unit: self._guard(self._choose, unit))
        self.grid.said.connect(self.session.hover)
        self._lay_out(content)
        return content

    def _lay_out(self, content: QtWidgets.QWidget) -> None:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        for widget in (self.lane, self.layer, self.own):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.save_button)
        side = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(side)
        column.setContentsMargins(4, 0, 0, 0)
        head = QtWidgets.QHBoxLayout()
        title = heading("Temporal bias")
        title.setToolTip(BIAS_TIP)
        self.bars.setToolTip(BIAS_TIP)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.save_bias)
        column.addLayout(head)
        column.addWidget(self.bars)
        column.addStretch(1)
        split = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        split.addWidget(self.grid)
        split.addWidget(column_of(side))
        split.setStretchFactor(0, 1)
        split.setSizes([600, 240])
        whole = QtWidgets.QVBoxLayout(content)
        whole.setContentsMargins(6, 4, 6, 2)
        whole.setSpacing(3)
        whole.addLayout(row)
        whole.addWidget(self.said)
        whole.addWidget(split, 1)

    # -- what the session says ----------------------------------------------------------------------------------
    def set_lanes(self, lanes) -> None:
        waiting = any(job.running for job in (self._job, *self._bias_jobs.values()))
        if lanes == self._shown and not waiting:  # an answer that came out of sight was lost: it is asked for again
            return
        self._shown = lanes
        before = self.lane.currentData()
        self.lane.clear()
        for info in lanes:
            if info.layers:
                title = f"{lane_letter(info.lane)}  {info.title}" if len(lanes) > 1 else info.title
                self.lane.addItem(title, info.lane)
        self.lane.setCurrentIndex(max(0, self.lane.findData(before)))
        self.lane.setVisible(self.lane.count() > 1)
        self._on_lane()
        self._ask_bias()

    def show_view(self, view) -> None:
        self._colour()

    def show_unit(self, lane, unit) -> None:
        mine = unit is not None and self.result is not None and self._asked == (lane, unit.layer) == (
            lane, self.result.layer)  # fmt: skip
        self.grid.show_unit(unit.index if mine else None)

    def show_progress(self, key, progress) -> None:
        if self._job.owns(key) and progress.result is not None:
            self._job.ended()
            self._of = self._asking
            self._show(progress.result)
        for lane, job in self._bias_jobs.items():
            if job.owns(key) and progress.result is not None:
                job.ended()
                self._note_bias(lane, progress.result)

    def show_failure(self, key, sentence) -> None:
        if self._job.owns(key):
            self._job.ended()
            self._show(None)
            self.said.setText(sentence)
        for lane, job in self._bias_jobs.items():
            if job.owns(key):
                job.ended()
                self._note_bias(lane, sentence)

    # -- asking -------------------------------------------------------------------------------------------------
    def _on_lane(self) -> None:
        info = self._current()
        before, names = self.layer.currentText(), [layer.name for layer in info.layers] if info else []
        self.layer.clear()
        self.layer.addItems(names)
        self.layer.setCurrentIndex(max(0, self.layer.findText(before)))
        self._ask()

    def _current(self) -> LaneInfo | None:
        return next((info for info in self.lanes if info.lane == self.lane.currentData()), None)

    def _ask(self) -> None:
        info = self._current()
        if info is None:
            self._job.stop()
            self._show(None)
            self.said.setText("No player here has a network.")
            return
        if self.result is not None and self._of != info.agent_id:
            self._show(None)  # another agent's
            self.said.setText("reading the weights …")
        self._asked, self._asking = (info.lane, self.layer.currentText()), info.agent_id
        self._job.start("filters", info.lane, layer=self.layer.currentText())

    def _ask_bias(self) -> None:
        for job in self._bias_jobs.values():
            job.stop()
        self._bias = {}
        for info in self.lanes:
            if info.layers:  # a lane keeps its Job, so that a late answer about an earlier agent is known
                name = f"temporal bias {info.lane}"
                self._bias_jobs.setdefault(info.lane, Job(self.session, name)).start("temporal_bias", info.lane)
        self._show_bars()

    def _note_bias(self, lane: int, found: Any) -> None:
        self._bias[lane] = found
        self._show_bars()

    def _show_bars(self) -> None:
        lanes = {info.lane: info for info in self.lanes}
        several = len(lanes) > 1
        self.bars.show_rows([
            (lane, f"{lane_letter(lane)}  {lanes[lane].title}" if several else lanes[lane].title, found)
            for lane, found in sorted(self._bias.items()) if lane in lanes
        ])  # fmt: skip
        found = self._bias.get(self.lane.currentData())
        self.save_bias.setEnabled(found is not None and not isinstance(found, str))

    # -- showing ------------------------------------------------------------------------------------------------
    def _show(self, result: Any) -> None:
        self.result = result
        self.grid.show_filters(result)
        self.save_button.setEnabled(result is not None)
        if result is None:
            return
        height, width, channels, units = result.kernel.shape
        shown = len(result.strongest(0))
        each = f"frames {result.input_name(0)} to {result.input_name(channels - 1)}" if result.frames else (
            f"{channels} units of {result.source}" if shown == channels else
            f"{channels} units of {result.source}, the {shown} of largest norm shown, largest first")  # fmt: skip
        self.said.setText(f"{units} filters of {height}×{width} over {each}.")
        self._colour()
        if self.session.selected is not None:
            self.show_unit(*self.session.selected)

    def _colour(self) -> None:
        self.grid.set_colours(self.session.view["signed_colormap"], self.own.isChecked())

    def _choose(self, unit: Unit) -> None:
        self.session.select(self._asked[0], unit)

    def _save(self) -> None:
        lane, layer = self._asked
        self._saver.ask(f"filters of {layer} {self.lanes[lane].title}", FILES, "filters", lane, layer=layer)

    def _save_bias(self) -> None:
        lane = self.lane.currentData()
        self._saver.ask(f"temporal bias {self.lanes[lane].title}", FILES, "temporal_bias", lane)
