"""Representations: every layer of one agent beside every layer of another."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.widgets.controls import Quiet
from zoo_gui.widgets.inks import lane_ink
from zoo_gui.widgets.representations_map import Grid, HeatMap
from zoo_gui.widgets.representations_tab import PairTab

METHODS = {"CKA": "cka", "CKA, debiased": "debiased", "SVCCA": "svcca"}
MEASURES = {"cka": "linear CKA", "debiased": "linear CKA, debiased", "svcca": "SVCCA"}
METHOD_TIP = (
    "Linear CKA: whether moments that are alike for one layer are alike for the other; 1: the same but for rotation "
    "and scale (Kornblith et al. 2019). Debiased: without the bias of few moments. SVCCA: how well the main directions "
    "of one can be written by those of the other (Raghu et al. 2017); slower."
)
LEGEND = " In brackets: no more than chance (p > 0.05), which comes from moving one agent's moments in time."


class MeasureTab(PairTab):
    """A map of how alike layers are, by a measure that is chosen."""

    def add_measure(self) -> None:
        """Put the choice of the measure beside the buttons."""
        self.method = Quiet(tuple(METHODS))
        self.method.setMinimumContentsLength(7)
        self.method.setAccessibleName("Measure")
        self.method.setToolTip(METHOD_TIP)
        self.method.activated.connect(lambda _: self._guard(self.check_stale))
        self.controls.addWidget(self.method)

    def make_map(self, name: str, click_words: str) -> HeatMap:
        """The map; name: for those who do not see it. click_words: what a click does."""
        self.map = HeatMap()
        self.map.setAccessibleName(name)
        self.map.click_words = f" · a click {click_words}"
        self.map.said.connect(self.session.hover)
        return self.map

    def parameters(self) -> dict[str, Any]:
        return {"method": METHODS[self.method.currentText()]}

    def words(self) -> str:
        remarks = " ".join(("", *self.result.remarks))
        return f"{self.result.sentence}{remarks}{LEGEND}"

    def show_stale(self, stale: bool) -> None:
        self.map.set_stale(stale)


class LayersTab(MeasureTab):
    """``chosen(layer, other layer)``: a clicked cell, to match the units of."""

    analysis, title, start_words = "similarity", "Layers", "Compare"
    start_tip = "Compare all layers of the two agents at the same moments."
    hint = "Compare shows how alike all layers of the two agents are, at the same moments."
    chosen = QtCore.Signal(str, str)

    def content(self) -> QtWidgets.QWidget:
        self.add_measure()
        found = self.make_map("Similarity of layers", "chooses the two layers for matching units")
        found.chosen.connect(lambda row, column: self._guard(self._on_cell, row, column))
        return found

    def show_result(self) -> None:
        found, (one, other) = self.result, self.of
        self.map.show_grid(Grid(
            *found.layers, found.values, found.chance, found.chance_95, found.p_value,
            f"{lane_letter(one.lane)}  {found.titles[0]}", f"{lane_letter(other.lane)}  {found.titles[1]}",
            lane_ink(one.lane), lane_ink(other.lane), MEASURES[found.method],
        ))  # fmt: skip

    def set_infos(self, infos, lanes) -> None:
        before = [info.lane for info in self.of]
        super().set_infos(infos, lanes)
        if self.result is not None and [info.lane for info in self.of] != before:
            stale = self._is_stale()
            self.show_result()  # other letters
            self.show_stale(bool(stale))

    def _on_cell(self, row: int, column: int) -> None:
        if not self._gone:
            self.map.mark((row, column))
            self.chosen.emit(self.result.layers[0][row], self.result.layers[1][column])
