"""The Search panel's other tabs: units that say nothing new, and what each layer knows of the console's memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import lut
from zoo_gui.types import Unit
from zoo_gui.widgets.controls import fit, role
from zoo_gui.widgets.inks import ACCENT, RIM
from zoo_gui.widgets.search_tab import SearchTab
from zoo_gui.widgets.search_table import Column, UnitTable

Qt = QtCore.Qt
FOUND = {
    "dead": "It never fires; without a rectifier, it never changes.",
    "never off": "It fires at every moment, so that its rectifier does nothing; of a map: its peak hardly changes.",
    "duplicate": "It rises and falls as the others of its group do (correlation above 0.99, up to sign).",
    "redundant": "The other units of its layer predict it (held-out R² above 0.95).",
    "rare": "It fires at fewer than ten moments, too few to compare it.",
}
FINDING_COLUMNS = (
    Column("Unit", "A click or Enter selects it, a double click pins it to the plots.", lambda row: row.unit, width=90),
    Column("What", "\n".join(f"{name}: {words}" for name, words in FOUND.items()), lambda row: row.what, width=80),
    Column("R²", "How well the others of its layer predict it in held-out play.", lambda row: row.r2, "{:.3f}".format,
           width=52),
    Column("Alike", "The others of its group.", lambda row: row.others or None, width=0),
)  # fmt: skip
CELL = QtCore.QSize(34, 19)


class Finding(NamedTuple):
    """A row of the table."""

    unit: Unit
    what: str
    r2: float | None = None
    others: str = ""


def findings(result) -> list[Finding]:
    """What a Redundancy says, a row for each unit and finding."""
    rows = [Finding(unit, "dead") for unit in result.dead]
    rows += [Finding(unit, "duplicate", None, ", ".join(str(other) for other in group if other != unit))
             for group in result.duplicates for unit in group]  # fmt: skip
    rows += [Finding(unit, "redundant", r2) for unit, r2 in result.redundant]
    rows += [Finding(unit, "never off") for unit in result.never_off]
    return rows + [Finding(unit, "rare") for unit in result.rare]


class RedundancyTab(SearchTab):
    """Which units say nothing, or nothing that others do not say?"""

    analysis, title, start_words = "redundancy", "Dead & duplicate", "Compare"
    files = (".csv", ".png", ".json", ".svg", ".pdf")
    hint = "Compare finds units that never fire, never stop, or say only what others of their layer say."

    def content(self) -> QtWidgets.QWidget:
        self.table = UnitTable(FINDING_COLUMNS, "Units that say nothing new")
        self.table.chosen.connect(lambda unit: self._guard(self.session.select, self.info.lane, unit))
        self.table.pinned.connect(lambda unit: self._guard(self.session.pin, self.info.lane, unit))
        return self.table

    def show_result(self, result) -> None:
        self.table.model().show_rows(findings(result) if result is not None else ())

    def show_stale(self, stale: bool) -> None:
        self.table.model().set_stale(stale)

    def show_unit(self, unit: Unit | None) -> None:
        self.table.show_unit(unit)

    def suggestion(self) -> str:
        return "dead and duplicate units"


class ProbeModel(QtCore.QAbstractTableModel):
    """Layers by bytes: held-out R² as a number on its colour, in brackets where chance does as well."""

    def __init__(self):
        super().__init__()
        self.result, self.stale = None, False
        self._colours = lut("viridis")

    def show_result(self, result) -> None:
        self.beginResetModel()
        self.result, self.stale = result, False
        self._rows = [] if result is None else list(result.rows)
        self.endResetModel()

    def set_stale(self, stale: bool) -> None:
        self.stale = stale
        self.layoutChanged.emit()

    def probe(self, index):
        return self._rows[index.row() * len(self.result.bytes) + index.column()]

    def rowCount(self, parent=None) -> int:
        return 0 if self.result is None or (parent is not None and parent.isValid()) else len(self.result.layers)

    def columnCount(self, parent=None) -> int:
        return 0 if self.result is None or (parent is not None and parent.isValid()) else len(self.result.bytes)

    def headerData(self, section: int, orientation, role=Qt.DisplayRole):
        across = orientation == Qt.Horizontal
        if role == Qt.DisplayRole and self.result is not None:
            return str((self.result.bytes if across else self.result.layers)[section])
        if role == Qt.ToolTipRole and self.result is not None and not across:
            return self.result.features[self.result.layers[section]]
        return None

    def data(self, index, role=Qt.DisplayRole):
        probe = self.probe(index)
        doubtful = probe.p_value > 0.05 or probe.r2 <= 0
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            number = "<0" if probe.r2 < 0 else f"{probe.r2:.2f}".lstrip("0")
            return f"({number})" if doubtful else number
        if role in (Qt.BackgroundRole, Qt.ForegroundRole):
            packed = int(self._colours[int(np.clip(probe.r2, 0, 1) * (len(self._colours) - 1))])
            colour = QtGui.QColor(packed & 0xFFFFFF)
            if self.stale:
                colour = QtGui.QColor(QtGui.qGray(colour.rgb()) * 0x010101)
            ink = RIM if colour.lightness() > 110 else ACCENT
            return colour if role == Qt.BackgroundRole else ink
        if role == Qt.TextAlignmentRole:
            return int(Qt.AlignCenter)
        if role == Qt.ToolTipRole:
            return probe_words(probe)
        return None


def probe_words(probe) -> str:
    """One probe in a sentence."""
    return (f"{probe.layer} → RAM byte {probe.byte}: held-out R² {probe.r2:.3f}; chance reaches {probe.chance:.3f} "
            f"(p {probe.p_value:.3f}); the byte's value a step before says {probe.previous:.3f}").replace("-", "−")


class ProbesTab(SearchTab):
    """What does a layer know of the game?"""

    analysis, title, start_words = "probes", "Probes", "Probe"
    hint = "Probe reads the console's memory off each layer by a weighted sum, in play that this was not fitted to."

    def content(self) -> QtWidgets.QWidget:
        self.bytes = QtWidgets.QLineEdit()
        self.bytes.setPlaceholderText("all bytes that vary")
        self.bytes.setAccessibleName("RAM bytes")
        self.bytes.setToolTip("Which of the 128 bytes, for example 49,50; empty: all that vary.")
        role(self.bytes, "caption")
        fit(self.bytes, "n" * 18)
        self.bytes.setFocusPolicy(Qt.StrongFocus)
        self.bytes.textChanged.connect(lambda _: self._guard(self.check_stale))
        self.controls.addWidget(self.bytes)
        self.table = QtWidgets.QTableView()
        self.table.setModel(ProbeModel())
        self.table.setAccessibleName("Held-out R² of every layer and byte")
        role(self.table, "caption")
        self.table.setFocusPolicy(Qt.StrongFocus)
        self.table.setSelectionMode(self.table.SingleSelection)
        self.table.horizontalHeader().setDefaultSectionSize(CELL.width())
        self.table.horizontalHeader().setMinimumSectionSize(CELL.width())
        self.table.verticalHeader().setDefaultSectionSize(CELL.height())
        self.table.setMouseTracking(True)
        self.table.entered.connect(lambda index: self.session.hover(probe_words(self.table.model().probe(index))))
        return self.table

    def parameters(self) -> dict[str, Any] | None:
        text = self.bytes.text().replace(" ", "").strip(",")
        parts = text.split(",") if text else []
        if not all(part.isdecimal() for part in parts):
            self.said.setText("Write bytes as numbers from 0 to 127 with commas, for example 49,50.")
            return None
        return {"bytes": tuple(map(int, parts))}

    def show_result(self, result) -> None:
        self.table.model().show_result(result)

    def show_stale(self, stale: bool) -> None:
        self.table.model().set_stale(stale)
