"""Do two agents see the game alike? Layers beside layers, units beside units, a run's stages beside its end."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.ask_tab import rollout_boxes
from zoo_gui.widgets.base import PANELS, Panel, where
from zoo_gui.widgets.controls import Quiet, role
from zoo_gui.widgets.representations_layers import LayersTab
from zoo_gui.widgets.representations_stages import StagesTab
from zoo_gui.widgets.representations_tab import PairTab
from zoo_gui.widgets.representations_units import UnitsTab

SITTING, ROLLOUT = "this sitting", "a rollout"
SOURCE_TIP = (
    "At which moments: those of this sitting that the agents saw together (share the game in Compare), or a rollout "
    "that the first of them plays while the other watches, recorded once. Moments under an intervention are left out."
)
STEPS, MOST_STEPS = 2000, 5000


@PANELS.register("representations")
class RepresentationsPanel(Panel):
    """Asks about two lanes at a time, and goes on while it is out of sight."""

    title = "Representations"
    area = "centre"
    about = ("Do two agents see the game alike? Layers beside layers, units beside units, and a run's stages "
             "beside its end.")
    asks_on = True

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        self._pair: list[LaneInfo | None] = [None, None]
        self._read = False
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(6, 4, 6, 2)
        column.setSpacing(3)
        column.addLayout(self._make_head())
        self.layers, self.units, self.stages = (
            make(self.session, self._guard, self._moments) for make in (LayersTab, UnitsTab, StagesTab))
        self.layers.chosen.connect(lambda one, other: self._guard(self._on_layers, one, other))
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("What is compared")
        for tab in self._all_tabs:
            self.tabs.addTab(tab, tab.title)
        self.tabs.currentChanged.connect(lambda _: self._guard(self._read_when_seen))
        column.addWidget(self.tabs, 1)
        return content

    def _make_head(self) -> QtWidgets.QHBoxLayout:
        self.first, self.second = Quiet(()), Quiet(())
        for combo, name in ((self.first, "First agent"), (self.second, "Second agent")):
            combo.setAccessibleName(name)
            combo.setToolTip("Which two agents are compared.")
            combo.setMinimumContentsLength(9)
        self.first.activated.connect(lambda _: self._guard(self._on_choice, 0))
        self.second.activated.connect(lambda _: self._guard(self._on_choice, 1))
        self.beside = QtWidgets.QLabel("beside")
        self.source = Quiet((SITTING, ROLLOUT))
        self.source.setCurrentIndex(1)
        self.source.setMinimumContentsLength(9)
        self.source.setAccessibleName("Moments")
        self.source.setToolTip(SOURCE_TIP)
        self.source.activated.connect(lambda _: self._guard(self._on_source))
        self.steps, self.seed = rollout_boxes(
            STEPS, MOST_STEPS, ("Steps of the rollout", "Seed of the rollout"),
            "at whose moments the agents are compared", lambda: self._guard(self._on_source),
        )  # fmt: skip
        at = QtWidgets.QLabel("at moments of")
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        for widget in (self.first, self.beside, self.second, at, self.source, self.steps, self.seed):
            if isinstance(widget, QtWidgets.QLabel):
                role(widget, "caption")
            row.addWidget(widget)
        row.addStretch(1)
        return row

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        session.finished.connect(lambda key: self._guard(self._on_finished, key))
        session.library.entries_read.connect(lambda entries: self._guard(self._on_entries, entries))
        session.loading_changed.connect(lambda loading: self._guard(self._on_loading))

    @property
    def _all_tabs(self) -> tuple[PairTab, ...]:
        return self.layers, self.units, self.stages

    # -- what the session says ------------------------------------------------------------------------------------
    def set_lanes(self, lanes) -> None:
        able = [info for info in lanes if info.layers]
        kept = [where(info, lanes) for info in self._pair]
        first = kept[0] if kept[0] in able else None
        second = kept[1] if kept[1] in able and kept[1] != first else None
        rest = [info for info in able if info not in (first, second)]
        first = first or (rest.pop(0) if rest else None)
        second = second or (rest.pop(0) if rest else None)
        if first is not None and second is not None and None in kept:
            first, second = sorted((first, second), key=lambda info: info.lane)
        self._pair = [first, second]
        for combo, info in zip((self.first, self.second), self._pair):
            combo.clear()
            for one in able:
                combo.addItem(f"{lane_letter(one.lane)}  {one.title}", one.lane)
            combo.setCurrentIndex(combo.findData(info.lane) if info is not None else -1)
        for widget in (self.first, self.beside, self.second):
            widget.setVisible(len(able) > 2)
        self._tell_tabs()

    def show_unit(self, lane, unit) -> None:
        self.units.show_unit(lane, unit)

    def show_progress(self, key, progress) -> None:
        for tab in self._all_tabs:
            tab.progressed(key, progress)

    def show_failure(self, key, sentence) -> None:
        for tab in self._all_tabs:
            tab.failed(key, sentence)

    def _on_finished(self, key: str) -> None:
        for tab in self._all_tabs:
            tab.finished(key)

    def _on_entries(self, entries: list) -> None:
        self._read = True
        self.stages.set_entries(entries)

    def _on_loading(self) -> None:
        self.stages.load_failed()

    def seen_changed(self, seen: bool) -> None:
        super().seen_changed(seen)
        self._guard(self._read_when_seen)

    def _read_when_seen(self) -> None:
        """The catalogue is read when somebody looks at the stages."""
        if self.is_seen and not self._read and self.tabs.currentWidget() is self.stages:
            self._read = True
            self.session.library.read()

    # -- what the person does -------------------------------------------------------------------------------------
    def _moments(self) -> Any:
        rollout = self.source.currentText() == ROLLOUT
        return (self.steps.value(), self.seed.value()) if rollout else "session"

    def _on_source(self) -> None:
        rollout = self.source.currentText() == ROLLOUT
        for box in (self.steps, self.seed):
            box.setVisible(rollout)
        for tab in self._all_tabs:
            tab.check_stale()

    def _on_choice(self, place: int) -> None:
        """Another agent was chosen; the same one twice exchanges them."""
        combo = (self.first, self.second)[place]
        chosen, before = self.lanes[combo.currentData()], self._pair[place]
        if chosen == self._pair[1 - place]:
            self._pair[1 - place] = before
        self._pair[place] = chosen
        self.set_lanes(self.lanes)

    def _tell_tabs(self) -> None:
        infos = tuple(info for info in self._pair if info is not None)
        for tab in self._all_tabs:
            tab.set_infos(infos, self.lanes)

    def _on_layers(self, layer: str, other: str) -> None:
        """Two layers are to be matched: they are chosen there, and the first is selected in the activations."""
        self.units.choose(layer, other)
        lane, selected = self.layers.of[0].lane, self.session.selected
        if selected is None or (selected[0], selected[1].layer) != (lane, layer):
            self.session.select(lane, Unit(layer, 0))
        self.layers.said.setText(f"{layer} – {other} are chosen: Match in Units finds their counterparts. "
                                 + self.layers.words())  # fmt: skip
