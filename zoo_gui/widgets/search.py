"""Which units fire when something happens, which say nothing, what does a layer know? Questions of many moments."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.base import PANELS, Panel, where
from zoo_gui.widgets.controls import Quiet, button, role
from zoo_gui.widgets.room import only_front
from zoo_gui.widgets.search_event import EventChoice
from zoo_gui.widgets.search_findings import ProbesTab, RedundancyTab
from zoo_gui.widgets.search_tab import SearchTab
from zoo_gui.widgets.search_table import Column, UnitTable, short, signed

SOURCES: dict[str, Any] = {"a rollout of 2,500 steps": (2500, 0), "this sitting": "session"}
SOURCE_TIP = (
    "What is looked through: games that the agent plays by itself, recorded once, or this sitting so far. Moments "
    "under an intervention are left out."
)
ALL_LAYERS = "all layers"
COLUMNS = (
    Column("Unit", "A click or Enter selects it, a double click pins it to the plots.", lambda row: row.unit, width=72),
    Column("Held-out", "The effect, of play in which nothing was chosen: how much likelier the unit is larger at the "
           "event than elsewhere, than the other way round (Cliff's delta, −1 to 1); of a number's size Spearman's "
           "correlation. Blue: p up to 0.05.", lambda row: row.held_out, signed, bar=True),
    Column("Chosen", "The same where the lag and the sign were chosen.", lambda row: row.effect, signed, width=58),
    Column("AUC", "Held-out: the probability that the unit is larger at the event than elsewhere.", lambda row: row.auc,
           "{:.2f}".format, width=44),
    Column("d", "Held-out: the difference of the means in standard deviations (Cohen's d).", lambda row: row.difference,
           signed, width=50),
    Column("p", "The share of shifts of time in which the best of all units does as well.", lambda row: row.p_value,
           "{:.3f}".format, width=48),
    Column("Lag", "Agent steps from the event to the activation.", lambda row: row.lag,
           lambda lag: f"{lag:+d}" if lag else "0", width=38),
    Column("Fires at", "Mean activation at the event, held-out.", lambda row: row.at_event, short, width=50),
    Column("Else", "Mean activation elsewhere, held-out.", lambda row: row.otherwise, short, width=50),
)  # fmt: skip


class UnitSearchTab(SearchTab):
    """Which units fire when …?"""

    analysis, title, start_words = "unit_search", "Search", "Search"
    hint = "Choose what happens and press Search: every unit of every layer is tested against it."

    def content(self) -> QtWidgets.QWidget:
        self.event, self.layer = EventChoice(), Quiet((ALL_LAYERS,))
        self.layer.setMinimumContentsLength(9)
        self.layer.setAccessibleName("Layers")
        self.layer.setToolTip("Whose units are shown; all are tested.")
        self.table = UnitTable(COLUMNS, "Units by their effect")
        self.earlier = button("◀", "The example before.", lambda: self._guard(self._go, -1))
        self.later = button("▶", "The next example.", lambda: self._guard(self._go, 1))
        self.example = QtWidgets.QLabel()
        role(self.example, "caption")
        self._at = -1
        self.event.changed.connect(lambda: self._guard(self.check_stale))
        self.layer.activated.connect(lambda _: self._guard(self._on_layer))
        self.table.chosen.connect(lambda unit: self._guard(self._select, unit))
        self.table.pinned.connect(lambda unit: self._guard(self._pin, unit))
        self.controls.addWidget(self.event)
        examples = QtWidgets.QHBoxLayout()
        examples.setSpacing(4)
        for widget in (self.layer, self.earlier, self.later, self.example):
            examples.addWidget(widget)
        examples.addStretch(1)
        whole = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(examples)
        column.addWidget(self.table, 1)
        return whole

    def set_info(self, info: LaneInfo | None, moved: bool = False) -> None:
        if info is not None and info != self.info:
            self.event.set_actions(info.action_names)
            before = self.layer.currentText()
            self.layer.clear()
            self.layer.addItems([ALL_LAYERS, *(layer.name for layer in info.layers)])
            self.layer.setCurrentIndex(max(0, self.layer.findText(before)))
            self._on_layer()
        super().set_info(info, moved)

    def parameters(self) -> dict[str, Any] | None:
        if not self.event.text:
            self.said.setText("Write the region as top, left, height, width, or drag over the game with Shift held.")
            return None
        return {"event": self.event.text}

    def show_result(self, result) -> None:
        self._at = -1
        self.table.model().show_rows(result.found if result is not None else ())
        self.table.scrollToTop()
        if self.info is not None and self.session.selected and self.session.selected[0] == self.info.lane:
            self.show_unit(self.session.selected[1])
        self._say_example()

    def show_stale(self, stale: bool) -> None:
        self.table.model().set_stale(stale)

    def show_unit(self, unit: Unit | None) -> None:
        self.table.show_unit(unit)

    def suggestion(self) -> str:
        return f"units at {self.result.event}"

    def _on_layer(self) -> None:
        layer = self.layer.currentText()
        self.table.model().show_layer("" if layer == ALL_LAYERS else layer)

    def _select(self, unit: Unit) -> None:
        self.session.select(self.info.lane, unit)

    def _pin(self, unit: Unit) -> None:
        self.session.pin(self.info.lane, unit)

    def _go(self, step: int) -> None:
        """Show an example of the event in the game, paused."""
        count = len(self.result.examples)
        self._at = (self._at + step) % count if self._at >= 0 else (0 if step > 0 else count - 1)
        self.session.seek(self.info.lane, self.result.examples[self._at], self.asked["moments"])
        self._say_example()

    def _say_example(self) -> None:
        count = len(self.result.examples) if self.result is not None else 0
        for made in (self.earlier, self.later):
            made.setEnabled(count > 0)
        place = f"example {self._at + 1} of {count}" if self._at >= 0 else f"{count} examples: go to one"
        self.example.setText(place if count else "")


@PANELS.register("search")
class SearchPanel(Panel):
    """Asks about one agent at a time, and goes on while it is out of sight."""

    title = "Search"
    area = "centre"
    about = "Which units fire when something happens, which say nothing new, and what does a layer know?"

    def build(self) -> QtWidgets.QWidget:
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)  # behind another panel it must not widen that one
        self.agent, self.moments = Quiet(()), Quiet(tuple(SOURCES))
        self.agent.setMinimumContentsLength(24)
        self.moments.setMinimumContentsLength(23)
        self.agent.setAccessibleName("Agent")
        self.agent.setToolTip("Whose units are asked about.")
        self.moments.setAccessibleName("Moments of")
        self.moments.setToolTip(SOURCE_TIP)
        self.agent.activated.connect(lambda _: self._guard(self._on_agent))
        self.moments.activated.connect(lambda _: self._guard(self._on_source))
        self.search = UnitSearchTab(self.session, self._guard, self.source)
        self.redundancy = RedundancyTab(self.session, self._guard, self.source)
        self.probes = ProbesTab(self.session, self._guard, self.source)
        self.tab_pages = (self.search, self.redundancy, self.probes)
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setFocusPolicy(QtCore.Qt.TabFocus)
        self.tabs.setDocumentMode(True)
        for tab in self.tab_pages:
            self.tabs.addTab(tab, tab.title.replace("&", "&&"))
        only_front(self.tabs)
        words = QtWidgets.QLabel("in")
        role(words, "caption")
        row = QtWidgets.QHBoxLayout()
        for widget in (self.agent, words, self.moments):
            row.addWidget(widget)
        row.addStretch(1)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(6, 5, 4, 2)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.tabs, 1)
        return content

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        session.region_changed.connect(lambda region: self._guard(self._show_region, region))
        session.finished.connect(lambda key: self._tell("finished", key))
        session.failed.connect(lambda key, sentence: self._tell("failed", key, sentence))
        session.progressed.connect(lambda key, progress: self._tell("progressed", key, progress))

    def source(self) -> Any:
        """The moments that are to be looked through, as ``Session.run`` takes them."""
        return SOURCES[self.moments.currentText()]

    @property
    def info(self) -> LaneInfo | None:
        """The lane that is asked about: with a network."""
        return self.agent.currentData()

    # -- what the session says ----------------------------------------------------------------------------------
    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        """The same agent stays chosen, else the same lane; what was found of an agent that is gone goes as well."""
        before, here = self.info, where(self.info, lanes)
        chosen = (here or before).lane if before is not None else 0
        self.agent.clear()
        for info in lanes:
            if info.layers:
                letter = f"{lane_letter(info.lane)} · " if len(lanes) > 1 else ""
                self.agent.addItem(f"{letter}{info.title}", info)
        known = [self.agent.itemData(i).lane for i in range(self.agent.count())]
        self.agent.setCurrentIndex(known.index(chosen) if chosen in known else 0)
        for tab in self.tab_pages:
            tab.set_info(self.info, moved=here is not None)

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        if self.info is not None and lane == self.info.lane:
            for tab in self.tab_pages:
                tab.show_unit(unit)

    def _show_region(self, region) -> None:
        if region is not None and self.info is not None and region[0] == self.info.lane:
            self.search.event.set_region(region[1], self.info)

    def _tell(self, what: str, *said) -> None:
        """Also out of sight: a job that was begun is finished."""
        if not self.failed and self._content is not None:
            for tab in self.tab_pages:
                self._guard(getattr(tab, what), *said)

    # -- what the person does -----------------------------------------------------------------------------------
    def _on_agent(self) -> None:
        for tab in self.tab_pages:
            tab.set_info(self.info)

    def _on_source(self) -> None:
        for tab in self.tab_pages:
            tab.check_stale()
