"""A claim about a map is tested: what the agent does when it does not see a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.naming import readable_action
from zoo_gui.scales import number
from zoo_gui.tokens import current, points
from zoo_gui.widgets.controls import still
from zoo_gui.widgets.inks import line_height, tick_font
from zoo_gui.widgets.why_question import button, combo
from zoo_gui.widgets.why_tab import Asked, WhyTab

FILLS = ("mean", "black", "blur", "background")
HINT = "Drag a box on a map above, or with Shift on the game: does the agent need what is in it?"


class CoverTab(WhyTab):
    """What the agent does when it does not see the chosen region, beside such regions elsewhere; and in the game."""

    name, title = "cover", "Cover test"

    def __init__(self, session):
        super().__init__(session)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 2)
        column.setSpacing(3)
        row = QtWidgets.QHBoxLayout()
        self.fill = combo(FILLS, "What takes the region's place, in all frames.", "Fill")
        self.fill.activated.connect(lambda _: self.start())
        self.cover_button = button("Cover it in the live game", "From now on the agent does not see the region: an "
                                   "intervention, until Uncover or all changes are undone.", self._cover)
        self.uncover_button = button("Uncover", "The agents see everything again.", self._uncover)
        self.save_button = button("Save…", "As a figure, a table or numbers.", self.save)
        for widget in (QtWidgets.QLabel("fill"), self.fill, self.cover_button, self.uncover_button, self.save_button):
            row.addWidget(widget)
        row.addStretch(1)
        self.said = QtWidgets.QLabel(HINT)
        self.said.setWordWrap(True)
        body = QtWidgets.QHBoxLayout()
        body.addWidget(self._make_table(), 3)
        body.addWidget(self._make_controls(), 2)
        column.addLayout(row)
        column.addWidget(self.said)
        column.addLayout(body, 1)
        column.addStretch(0)
        self._show_result()
        self.show_state()

    def _make_table(self) -> QtWidgets.QTableWidget:
        self.table = QtWidgets.QTableWidget(0, 4)
        self.table.setEditTriggers(QtWidgets.QAbstractItemView.NoEditTriggers)
        self.table.setSelectionMode(QtWidgets.QAbstractItemView.NoSelection)
        self.table.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.Stretch)
        self.table.setAccessibleName("Before and after covering")
        self.table.setMinimumHeight(80)
        return self.table

    def _make_controls(self) -> pg.PlotWidget:
        self.controls = pg.PlotWidget()
        self.controls.setBackground(current().background)
        self.controls.setProperty("ground", "background")
        self.controls.setAccessibleName("Change here and elsewhere")
        self.controls.setFocusPolicy(QtCore.Qt.NoFocus)
        self.controls.setMinimumHeight(80)
        still(self.controls.getPlotItem(), self.controls)
        self.controls.setToolTip("How much the agent changes when regions of the same size at random places are "
                                 "covered: bars; the line is this region.")
        self.controls.getAxis("left").setStyle(showValues=False)
        self.bars = pg.BarGraphItem(x=[0], height=[0], width=1, pen=None)
        self.line = pg.InfiniteLine(angle=90)
        self.controls.addItem(self.bars)
        self.controls.addItem(self.line)
        self.set_look()
        return self.controls

    def set_look(self) -> None:
        """Take the colours and letters of the present theme and type."""
        look = current()
        self.table.verticalHeader().setDefaultSectionSize(line_height() + 6)
        self.controls.getPlotItem().setTitle("change here (line), elsewhere (bars)", size=f"{points(8):.1f}pt",
                                             color=look.text)
        self.controls.getAxis("bottom").setStyle(tickFont=tick_font())
        self.bars.setOpts(brush=look.dim)
        self.line.setPen(pg.mkPen(look.about, width=2))

    # -- a test -------------------------------------------------------------------------------------------------
    @property
    def region(self) -> tuple[int, int, int, int] | None:
        """What the person chose in the game or the maps of the agent that is asked about."""
        chosen = self.session.region
        return chosen[1] if chosen is not None and self.asked is not None and chosen[0] == self.asked.lane else None

    def set_question(self, asked: Asked | None) -> None:
        """Of another moment the region is tested anew, unless the agent does not see it anyhow."""
        super().set_question(asked)
        if self._is_covered and self.result is not None:
            self.said.setText(f"Covered in the live game now. Before that: {self.result.sentence}")
        else:
            self.set_region()

    @property
    def _is_covered(self) -> bool:
        """Whether the region is covered in the live game: then there is nothing to compare with."""
        cover = self.session.covers.get(self.asked.lane) if self.asked is not None else None
        return cover is not None and cover.box == self.region

    def set_region(self) -> None:
        """Another region was chosen, or none: earlier answers go."""
        self.stop()
        self.result = None
        self._show_result()
        self.said.setText(HINT)
        if self._is_covered:
            self.said.setText("This region is covered in the live game. Uncover it to test what it does.")
        elif self.region is not None:
            self.said.setText(f"{words_of(self.region)}: testing …")
            self.start()
        self.show_state()

    def parameters(self) -> dict[str, Any] | None:
        if self.region is None:
            return None
        return {"boxes": (self.region,), "fill": self.fill.currentText(), **self.asked.parameters()}

    def take(self, progress) -> None:
        if progress.result is None:
            self.said.setText(f"{words_of(self.region)}: {progress.label}")
            return
        self.said.setText(self.result.sentence)
        self._show_result()
        self.show_state()

    def show_state(self, sentence: str = "") -> None:
        self.cover_button.setEnabled(self.region is not None)
        self.uncover_button.setEnabled(bool(self.session.covers))
        self.save_button.setEnabled(self.result is not None and not self.job.running)
        if sentence:
            self.said.setText(sentence)

    def _cover(self) -> None:
        self.session.set_cover(self.asked.lane, self.region, self.fill.currentText())

    def _uncover(self) -> None:
        for lane in list(self.session.covers):
            self.session.set_cover(lane, None)

    # -- showing ------------------------------------------------------------------------------------------------
    def _show_result(self) -> None:
        self.table.setVisible(self.result is not None)
        self.controls.setVisible(self.result is not None and len(self.result.control_changes) > 0)
        self.table.setRowCount(0)
        if self.result is not None:
            self._fill_table(self.result)
            self._show_controls(self.result)

    def _fill_table(self, result: Any) -> None:
        kind = "Q" if result.scores_kind == "q" else "probability"
        self.table.setHorizontalHeaderLabels([f"{kind} of", "before", "covered", "change"])
        names = map(readable_action, result.action_names)
        rows = list(zip(names, result.before.tolist(), result.after.tolist()))
        if np.isfinite(result.value_before) and np.isfinite(result.value_after):
            rows.append(("value", result.value_before, result.value_after))
        self.table.setRowCount(len(rows))
        bold = QtGui.QFont(self.table.font())
        bold.setBold(True)
        for place, (name, before, after) in enumerate(rows):
            texts = (name, number(before), number(after), f"{after - before:+.3g}")
            for column, text in enumerate(texts):
                item = QtWidgets.QTableWidgetItem(text.replace("-", "−") if column else text)
                if (column, place) in ((1, result.action_before), (2, result.action_after)):
                    item.setFont(bold)
                if column:
                    item.setTextAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
                self.table.setItem(place, column, item)
        self.table.setToolTip("Bold: the likeliest action, before, and with the region covered.")

    def _show_controls(self, result: Any) -> None:
        changes = np.asarray(result.control_changes, float)
        if not changes.size:
            return
        high = max(float(changes.max()), float(result.change), 1e-9)
        counts, edges = np.histogram(changes, bins=20, range=(0.0, high * 1.05))
        self.bars.setOpts(x0=edges[:-1], x1=edges[1:], x=None, width=None, height=counts)
        self.line.setValue(result.change)
        self.controls.setXRange(0, high * 1.05, padding=0.02)
        self.controls.setYRange(0, max(1, counts.max()), padding=0.05)


def words_of(region: tuple[int, int, int, int]) -> str:
    """``rows 40–52, columns 10–30``: what a region is, in observation pixels."""
    top, left, height, width = region
    return f"Rows {top}–{top + height - 1}, columns {left}–{left + width - 1} of what the network sees"
