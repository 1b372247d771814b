"""Which units of a layer act together: groups, found live, shown over the game, and used as units everywhere."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.base import PANELS, Job, Panel, where
from zoo_gui.widgets.controls import Quiet, Whole, button, column_of, role, toggle
from zoo_gui.widgets.groups_view import GroupRow, LiveGroups
from zoo_gui.widgets.saving import Saver

SOURCES: dict[str, Any] = {"this sitting": "session", "a rollout of 2,500 steps": (2500, 0)}
SOURCE_TIP = (
    "What is looked at: this sitting so far, or games that the agent plays by itself, recorded once. Moments under an "
    "intervention are left out."
)
OF_TIP = (
    "Units that are active together; or that together make the value, or the best action's score, larger or smaller "
    "(integrated gradients to the layer)."
)
OF = {"activations": "activations", "what makes the value": "value", "what makes the action": "action"}
HINT = "Choose a layer and press Group: units that are active together become one group, shown in its colour."
FILES = (".png", ".csv", ".json", ".npz", ".svg", ".pdf")


@PANELS.register("groups")
class GroupsPanel(Panel):
    """Asks about one lane at a time. A result stays until its agent goes; the live picture follows the lane's game."""

    title = "Groups"
    area = "centre"
    about = ("Which units of a layer act together: groups found by factorization, shown live over the game, used "
             "as units everywhere.")
    turns_late = 2

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        self.result: Any = None
        self.layer_name = ""  # of the layer that the result has become, "" before
        self._names: list[str] = []
        self._info: LaneInfo | None = None  # of the result
        self._chosen: LaneInfo | None = None  # to be asked about
        self._asked: dict[str, Any] = {}
        self._asking: dict[str, Any] = {}
        self._adding, self._before, self._wanted = "", frozenset(), None
        self._job = Job(self.session, "groups")
        content = QtWidgets.QWidget()
        content.setMinimumWidth(260)  # behind another panel it must not widen that one
        self._later = QtCore.QTimer(content)
        self._later.setSingleShot(True)
        self._later.timeout.connect(lambda: self._guard(self._choose_wanted))
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(6, 4, 6, 2)
        column.setSpacing(3)
        self._saver = Saver(self.session, "groups", content)
        column.addLayout(self._make_question())
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Grouping: progress")
        self.said = QtWidgets.QLabel(HINT)
        role(self.said, "caption")
        self.said.setWordWrap(True)
        self.said.setAccessibleName("Groups: what was found")
        self._saver.said.connect(self.said.setText)
        column.addWidget(self.bar)
        column.addWidget(self.said)
        column.addWidget(self._make_findings(), 1)
        self._refresh()
        return content

    def _make_question(self) -> QtWidgets.QLayout:
        self.lane, self.layer, self.of = Quiet(()), Quiet(()), Quiet(tuple(OF))
        self.source, self.count = Quiet(tuple(SOURCES)), Whole()
        self.count.setRange(2, 16)
        self.count.setValue(6)
        role(self.count, "caption")
        self.count.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.layer.setMinimumContentsLength(8)
        self.of.setMinimumContentsLength(14)
        self.source.setMinimumContentsLength(14)
        for widget, name, tip in (
            (self.lane, "Agent", "Whose units are grouped."), (self.layer, "Layer", "Whose units are grouped."),
            (self.count, "How many groups", "How many groups, 2 to 16."),
            (self.of, "What is grouped", OF_TIP), (self.source, "Moments", SOURCE_TIP),
        ):  # fmt: skip
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        self.start_button = button("Group", "Find the groups.", lambda: self._guard(self._start))
        self.cancel_button = button("Cancel", "Stop here.", lambda: self._guard(self._cancel))
        self.use_button = button("Use as units", "Make the groups a layer of the agent: units to select, pin, change, "
                                 "search and visualise. The game goes on.", lambda: self._guard(self._use))  # fmt: skip
        self.remove_button = button("Remove", "Take that layer away again.", lambda: self._guard(self._remove))
        self.save_button = button("Save…", "Save the groups: a figure, a table or the numbers.",
                                  lambda: self._guard(self._save))  # fmt: skip
        self.lane.activated.connect(lambda _: self._guard(self._on_lane))
        first, second = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        for widget in (self.lane, self.layer, self.count, self.of, self.source):
            first.addWidget(widget)
        first.addStretch(1)
        for widget in (self.start_button, self.cancel_button, self.use_button, self.remove_button):
            second.addWidget(widget)
        second.addStretch(1)
        second.addWidget(self.save_button)
        rows = QtWidgets.QVBoxLayout()
        for row in (first, second):
            row.setSpacing(4)
            rows.addLayout(row)
        return rows

    def _make_findings(self) -> QtWidgets.QWidget:
        self.live = LiveGroups()
        self.live.setAccessibleName("Groups over the game")
        self.live.said.connect(self.session.hover)
        self.overlay_button = toggle("Over the game", "The groups' colours over the game.",
                                     lambda: self._guard(self._on_toggles))  # fmt: skip
        self.rest_button = toggle("Unexplained", "In grey, what no group explains.",
                                  lambda: self._guard(self._on_toggles))  # fmt: skip
        switches = QtWidgets.QHBoxLayout()
        for widget in (self.overlay_button, self.rest_button):
            widget.setChecked(True)
            switches.addWidget(widget)
        switches.addStretch(1)
        upper = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(switches)
        column.addWidget(self.live, 1)
        self._list = QtWidgets.QWidget()
        self._rows_column = QtWidgets.QVBoxLayout(self._list)
        self._rows_column.setContentsMargins(0, 0, 0, 0)
        self._rows_column.setSpacing(2)
        self._rows_column.addStretch(1)
        self.rows: list[GroupRow] = []
        self.split = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        self.split.addWidget(upper)
        self.split.addWidget(column_of(self._list))
        self.split.setStretchFactor(0, 2)
        self.split.setStretchFactor(1, 3)
        self.split.setSizes([400, 600])
        return self.split

    # -- what the session says ----------------------------------------------------------------------------------
    def set_lanes(self, lanes) -> None:
        able = [info for info in lanes if info.layers]
        here, before = where(self._info, lanes), self.lane.currentData()
        chosen = where(self._chosen, lanes)
        self.lane.clear()
        for info in able:
            self.lane.addItem(f"{lane_letter(info.lane)}  {info.title}" if len(lanes) > 1 else info.title, info.lane)
        self.lane.setCurrentIndex(max(0, self.lane.findData(before if chosen is None else chosen.lane)))
        self.lane.setVisible(len(able) > 1)
        if self.result is not None and here is None:
            self._show_result(None, None)
            self.said.setText("The agent of these groups is gone.")
        elif self.result is not None:
            self._info = here
            self.live.follow(here)
            self._note_layers(here)
        self._on_lane()

    def _note_layers(self, info: LaneInfo) -> None:
        """The result may have become a layer, or be one no longer."""
        names = {layer.name for layer in info.layers if layer.groups_of}
        if self._adding and names - self._before:
            self._adding, self.layer_name = "", min(names - self._before)
            self.said.setText(f"The groups are units now: {self.layer_name}:0 to {self.result.count - 1}.")
            if self._wanted is not None:
                self._later.start(0)  # once all panels know the new layer
        if self.layer_name and self.layer_name not in names:
            self.layer_name = ""

    def _choose_wanted(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and self.layer_name:
            self._choose(wanted)

    def show_step(self, lane, step, summaries) -> None:
        shown = self._info.lane if self.result is not None else self.lane.currentData()
        if lane == shown:
            self.live.show_step(step)

    def show_unit(self, lane, unit) -> None:
        mine = unit is not None and self._info is not None and lane == self._info.lane and unit.layer == self.layer_name
        for row in self.rows:
            row.set_selected(bool(mine and self.layer_name and row.group == unit.index))

    def _on_progressed(self, key, progress) -> None:
        self._guard(self.show_progress, key, progress)  # also out of sight: groups that were asked for are found

    def _on_failed(self, key, sentence) -> None:
        self._guard(self.show_failure, key, sentence)

    def show_progress(self, key, progress) -> None:
        if key == self._adding:
            self.said.setText(f"making them units: {progress.label}")
        if not self._job.owns(key):
            return
        self.bar.setMaximum(max(1, progress.total))
        self.bar.setValue(progress.done)
        self.said.setText(progress.label)
        if progress.result is not None:
            self._job.ended()
            info = where(self._asking["info"], self.session.lanes)
            if info is None:
                self.said.setText("The agent was changed meanwhile: group again.")
            else:
                self._asked = dict(self._asking)
                self._show_result(progress.result, info)
        self._refresh()

    def show_failure(self, key, sentence) -> None:
        if key == self._adding:
            self._adding, self._wanted = "", None
            self.said.setText(sentence)
        if self._job.owns(key):
            self._job.ended()
            self.said.setText(sentence)
        self._refresh()

    # -- asking -------------------------------------------------------------------------------------------------
    def _on_lane(self) -> None:
        info = next((info for info in self.lanes if info.lane == self.lane.currentData()), None)
        self._chosen, before = info, self.layer.currentText()
        names = [layer.name for layer in info.layers if layer.units > 1 and not layer.groups_of] if info else []
        if [self.layer.itemText(i) for i in range(self.layer.count())] != names:
            self.layer.clear()
            self.layer.addItems(names)
            maps = [name for name in names if len(info.layer(name).shape) == 3]
            best = before if before in names else (maps or names or [""])[-1]
            self.layer.setCurrentIndex(max(0, self.layer.findText(best)))
        if self.result is None:
            step = None if info is None else self.session.last_step(info.lane)
            self.live.show_step(step) if step is not None else self.live.clear()
        self._refresh()

    def _start(self) -> None:
        lane = self.lane.currentData()
        info = self.lanes[lane]
        parameters = {"layer": self.layer.currentText(), "count": self.count.value(), "of": OF[self.of.currentText()],
                      "moments": SOURCES[self.source.currentText()]}  # fmt: skip
        self._asking = {"info": info, "parameters": parameters}
        self.said.setText("…")
        self.bar.setValue(0)
        self._job.start("groups", lane, **parameters)
        self._refresh()

    def _cancel(self) -> None:
        self._job.stop()
        self.bar.setValue(0)
        self.said.setText("Cancelled." if self.result is None else self._sentence())
        self._refresh()

    def _save(self) -> None:
        name = f"groups of {self.result.layer} {self._info.title}"
        self._saver.ask(name, FILES, "groups", self._info.lane, **self._asked["parameters"])

    # -- units --------------------------------------------------------------------------------------------------
    def _use(self, then: int | None = None) -> None:
        """Make the result a layer; then select this group."""
        if self._adding:
            return
        self._before = frozenset(layer.name for layer in self._info.layers if layer.groups_of)
        self._wanted = then
        self._adding = self.session.add_groups(self._info.lane, self.result, unit_names=tuple(self._names))
        self.said.setText("making them units …")
        self._refresh()

    def _remove(self) -> None:
        self.session.remove_groups(self._info.lane, self.layer_name)

    def _choose(self, group: int) -> None:
        if self.layer_name:
            self.session.select(self._info.lane, Unit(self.layer_name, group))
        else:
            self._use(group)

    def _name(self, group: int, name: str) -> None:
        self._names[group] = name
        if self.layer_name:
            self.session.name_units(self._info.lane, self.layer_name, tuple(self._names))

    def _visit(self, moment: int) -> None:
        self.session.seek(self._info.lane, moment, self._asked["parameters"]["moments"])

    # -- showing ------------------------------------------------------------------------------------------------
    def _show_result(self, result: Any, info: LaneInfo | None) -> None:
        self.result, self._info, self.layer_name, self._adding = result, info, "", ""
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self._names = [""] * (result.count if result is not None else 0)
        self.rows = [GroupRow(result, group) for group in range(len(self._names))]
        for place, row in enumerate(self.rows):
            row.chosen.connect(lambda group: self._guard(self._choose, group))
            row.named.connect(lambda group, name: self._guard(self._name, group, name))
            row.visited.connect(lambda moment: self._guard(self._visit, moment))
            row.pointed.connect(lambda group: self._guard(self.live.isolate, group))
            self._rows_column.insertWidget(place, row)
        self.live.show_groups(result, info)
        if result is not None:
            self.said.setText(self._sentence())
            step = self.session.last_step(info.lane)
            if step is not None:
                self.live.show_step(step)
        self._refresh()

    def _sentence(self) -> str:
        found = self.result
        return (f"{found.count} groups of {found.layer} by {found.of}, over {found.moments:,} moments: "
                f"{1 - found.error:.0%} explained, {found.error:.0%} not.")  # fmt: skip

    def _on_toggles(self) -> None:
        self.live.overlaid, self.live.with_rest = self.overlay_button.isChecked(), self.rest_button.isChecked()
        self.live.draw()

    def _refresh(self) -> None:
        running, there = self._job.running, self.result is not None
        self.start_button.setEnabled(not running and self.layer.count() > 0)
        self.cancel_button.setEnabled(running)
        self.use_button.setEnabled(there and not self.layer_name and not self._adding)
        self.remove_button.setEnabled(bool(there and self.layer_name))
        self.save_button.setEnabled(there)
