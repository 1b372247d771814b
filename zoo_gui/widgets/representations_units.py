"""Representations: which unit of one agent does what a unit of another does."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pyqtgraph.Qt import QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LayerInfo, Unit
from zoo_gui.widgets.controls import Quiet, role, toggle
from zoo_gui.widgets.representations_tab import PairTab
from zoo_gui.widgets.search_table import Column, UnitTable, signed

ALL = "all layers"
NOBODY = -1  # as analysis.matching_record has it


class Match(NamedTuple):
    """A row of the table: a unit, and who goes with it. p_value: its q-value, by which rows are greyed."""

    unit: Unit
    best: Unit | None
    r: float
    one: Unit | None
    one_r: float
    chance_95: float
    p_value: float


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


COLUMNS = (
    Column("Unit", "A click or Enter selects it, and its counterpart is lit; a double click goes to the counterpart.",
           lambda row: row.unit, width=84),
    Column("Best match", "The other agent's unit with the largest correlation; several may have the same one. –: left "
           "out, it never varies or hardly ever fires.", lambda row: row.best, width=84),
    Column("r", "Its correlation with the best match, over moments (and positions of maps of one size). Blue: beyond "
           "chance.", lambda row: row.r, signed, bar=True),
    Column("One to one", "Its partner where every unit gets another one, so that the correlations' sum is largest.",
           lambda row: row.one, width=84),
    Column("r", "Its correlation with that partner.", lambda row: row.one_r, signed, width=46),
    Column("Chance", "What the best match reaches in 95 % of shifts of one agent's moments in time.",
           lambda row: row.chance_95, number, width=54),
    Column("q", "How often a unit as this one has so good a match by chance, corrected for the number of units "
           "(Benjamini & Hochberg).", lambda row: row.p_value, "{:.3f}".format, width=46),
)  # fmt: skip


def matches(result: Any, side: int) -> list[Match]:
    """The rows of a Matching for the units of one of its agents."""
    rows = []
    for pairing in result.pairings:
        own, (layer, other) = pairing.sides[side], (pairing.layers[side], pairing.layers[1 - side])
        for index in range(len(own.best)):
            places = int(own.best[index]), int(own.one[index])
            best, one = (None if place == NOBODY else Unit(other, place) for place in places)
            rows.append(Match(Unit(layer, index), best, float(own.r[index]), one, float(own.one_r[index]),
                              float(own.chance_95[index]), float(own.q_value[index])))  # fmt: skip
    return rows


class UnitsTab(PairTab):
    """What is found says in the whole window which units go with each other, until an agent is replaced."""

    analysis, title, start_words = "matching", "Units", "Match"
    start_tip = "Find for each unit of one agent the unit of the other that does the same."
    hint = ("Match finds for each unit the other agent's that does the same. Then a selected unit's counterpart is lit "
            "in Activations, and Side by side shows both.")
    files = (".csv", ".png", ".svg", ".npz", ".pdf", ".json")

    def content(self) -> QtWidgets.QWidget:
        self.layers = Quiet((ALL,)), Quiet(("its pair",))
        for combo, whose in zip(self.layers, ("first", "second")):
            combo.setMinimumContentsLength(9)
            combo.setAccessibleName(f"Layer of the {whose} agent")
            combo.setToolTip("Which layers' units are matched: all that go together, or one with one. A cell of the "
                             "map chooses two, too.")  # fmt: skip
            combo.activated.connect(lambda _: self._guard(self._on_layer))
            self.controls.addWidget(combo)
        self.side = Quiet(("A",))
        self.side.setAccessibleName("Whose units are listed")
        self.side.setToolTip("Whose units are listed: a best match need not be mutual.")
        self.side.setMinimumContentsLength(16)
        self.side.activated.connect(lambda _: self._guard(self._list))
        self.one_to_one = toggle("One to one", "Light and show the one-to-one partner in place of the best match.",
                                 lambda: self._guard(self._tell))  # fmt: skip
        second = QtWidgets.QHBoxLayout()
        second.setSpacing(4)
        label = QtWidgets.QLabel("units of")
        role(label, "caption")
        for widget in (label, self.side, self.one_to_one):
            second.addWidget(widget)
        second.addStretch(1)
        self.column.addLayout(second)
        self.table = UnitTable(COLUMNS, "Units and their counterparts")
        self.table.chosen.connect(lambda unit: self._guard(self._select, unit))
        self.table.pinned.connect(lambda unit: self._guard(self._go, unit))
        return self.table

    # -- what is asked --------------------------------------------------------------------------------------------
    def parameters(self) -> dict[str, Any]:
        own, other = (combo.currentText() if combo.currentIndex() > 0 else "" for combo in self.layers)
        return {"layer": own, "other_layer": other if own else ""}

    def choose(self, layer: str, other: str) -> None:
        """Match these two layers next."""
        for combo, name in zip(self.layers, (layer, other)):
            combo.setCurrentIndex(max(0, combo.findText(name)))
        self._on_layer()

    def set_infos(self, infos, lanes) -> None:
        for combo, info, first in zip(self.layers, (*infos, None, None), (ALL, "its pair")):
            names = [first, *_named(info.layers if info is not None else ())]
            if [combo.itemText(place) for place in range(combo.count())] != names:
                before = combo.currentText()
                combo.clear()
                combo.addItems(names)
                combo.setCurrentIndex(max(0, combo.findText(before)))
        self.layers[1].setEnabled(self.layers[0].currentIndex() > 0)
        super().set_infos(infos, lanes)
        self._name_sides()

    def _on_layer(self) -> None:
        self.layers[1].setEnabled(self.layers[0].currentIndex() > 0)
        if self.layers[0].currentIndex() == 0:
            self.layers[1].setCurrentIndex(0)
        self.check_stale()

    # -- what is shown --------------------------------------------------------------------------------------------
    def joined(self, result: Any) -> Any:
        return result.after(self.result)

    def words(self) -> str:
        left = [sum(int(pairing.sides[side].left_out.sum()) for pairing in self.result.pairings) for side in (0, 1)]
        parts = [f"{count} of {lane_letter(info.lane)}" for count, info in zip(left, self.of) if count]
        out = f" Left out, as they never vary or hardly ever fire: {' and '.join(parts)}." if parts else ""
        return self.result.sentence + out

    def show_result(self) -> None:
        self._list()
        self._tell()

    def _list(self) -> None:
        self._name_sides()
        self.table.model().show_rows(matches(self.result, self.side.currentIndex()) if self.result is not None else ())
        if self.session.selected is not None:
            self.show_unit(*self.session.selected)

    def show_stale(self, stale: bool) -> None:
        self.table.model().set_stale(stale)

    def _name_sides(self) -> None:
        infos = self.of or self.infos
        names = [f"{lane_letter(info.lane)}  {info.title}" for info in infos]
        if [self.side.itemText(place) for place in range(self.side.count())] != names:
            before = max(0, self.side.currentIndex())
            self.side.clear()
            self.side.addItems(names)
            self.side.setCurrentIndex(min(before, len(names) - 1))

    def _tell(self) -> None:
        """Have the window know which units go with each other."""
        if self.result is not None and not self._gone:
            self.session.set_counterparts(tuple(info.lane for info in self.of), self.result,
                                          self.one_to_one.isChecked())  # fmt: skip

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        """A unit of a lane was selected."""
        if self.of and not self._gone and lane == self.of[self.side.currentIndex()].lane:
            self.table.show_unit(unit)
        elif self.of:
            self.table.show_unit(None)

    # -- what the person does -------------------------------------------------------------------------------------
    def _select(self, unit: Unit) -> None:
        if not self._gone:
            self.session.select(self.of[self.side.currentIndex()].lane, unit)

    def _go(self, unit: Unit) -> None:
        """To the unit's counterpart in the other agent."""
        place = self.side.currentIndex()
        other = self.result.counterpart(unit, place, self.one_to_one.isChecked())
        if other is not None and not self._gone and not math.isnan(other.r):
            self.session.select(self.of[1 - place].lane, other.unit)


def _named(layers: tuple[LayerInfo, ...]) -> list[str]:
    return [layer.name for layer in layers if not layer.groups_of]
