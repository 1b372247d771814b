"""Units in a table: sorted by any column, an effect as a bar; a click selects a unit, a double click pins it."""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple, Sequence

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.tokens import pixels
from zoo_gui.types import Unit
from zoo_gui.widgets.controls import role
from zoo_gui.widgets.inks import hue

Qt = QtCore.Qt
ROW = Qt.UserRole
BAR = Qt.UserRole + 1
HEADER_PADDING, LEAST_BAR = 10, 24
"""Pixels beside a header's words; of a bar beside its number."""
LEVEL = 0.05
"""p up to which a bar has its full colour."""


class Column(NamedTuple):
    """title, tip: of the header. value: of a row, what it is sorted by, None last. text: of that value. bar: whether
    the value is drawn as a bar, from −1 to 1. width: at least, in pixels where the type is normal; 0, and with a
    bar: what is left."""

    title: str
    tip: str
    value: Callable[[Any], Any]
    text: Callable[[Any], str] = str
    bar: bool = False
    width: int = 64


class UnitModel(QtCore.QAbstractTableModel):
    """Rows, anything with a ``unit``; ``stale`` greys them."""

    def __init__(self, columns: Sequence[Column]):
        super().__init__()
        self.columns, self.rows, self.stale = tuple(columns), [], False
        self._all: list[Any] = []
        self._layer, self._order = "", (-1, Qt.AscendingOrder)

    def show_rows(self, rows: Sequence[Any]) -> None:
        """Other rows, in the order that the header says, at first as they come."""
        self._all, self.stale = list(rows), False
        self._arrange()

    def show_layer(self, layer: str) -> None:
        """Only that layer's units; "": all."""
        self._layer = layer
        self._arrange()

    def set_stale(self, stale: bool) -> None:
        if stale != self.stale:
            self.stale = stale
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(self.columns) - 1))

    def sort(self, column: int, order=Qt.AscendingOrder) -> None:
        self._order = (column, order)
        self._arrange()

    def row_of(self, unit: Unit | None) -> int | None:
        return next((number for number, row in enumerate(self.rows) if row.unit == unit), None)

    def _arrange(self) -> None:
        self.beginResetModel()
        self.rows = [row for row in self._all if not self._layer or row.unit.layer == self._layer]
        column, order = self._order
        if 0 <= column < len(self.columns):
            value = self.columns[column].value
            known = [row for row in self.rows if _is_known(value(row))]
            rest = [row for row in self.rows if not _is_known(value(row))]
            self.rows = sorted(known, key=value, reverse=order == Qt.DescendingOrder) + rest
        self.endResetModel()

    def rowCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation, role=Qt.DisplayRole):
        if orientation == Qt.Horizontal and role in (Qt.DisplayRole, Qt.ToolTipRole):
            return self.columns[section][role == Qt.ToolTipRole]
        return None

    def data(self, index, role=Qt.DisplayRole):
        row, column = self.rows[index.row()], self.columns[index.column()]
        value = column.value(row)
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return column.text(value) if _is_known(value) else "–"
        if role == BAR and column.bar and _is_known(value):
            return float(value)
        if role == Qt.ForegroundRole and (self.stale or getattr(row, "p_value", 0) > LEVEL):
            return hue("disabled" if self.stale else "dim")
        if role == Qt.TextAlignmentRole and isinstance(value, (int, float)):
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return row if role == ROW else None


class BarDelegate(QtWidgets.QStyledItemDelegate):
    """A number and its bar, which begins in the middle."""

    def paint(self, painter, option, index) -> None:
        value = index.data(BAR)
        if value is None:
            super().paint(painter, option, index)
            return
        row, box = index.data(ROW), option.rect.adjusted(4, 0, -4, 0)
        painter.save()
        if option.state & QtWidgets.QStyle.State_Selected:
            painter.fillRect(option.rect, option.palette.highlight())
        figures = option.fontMetrics.horizontalAdvance("−0.00")
        words = box.adjusted(0, 0, -(box.width() - figures - 8), 0)
        ink = index.data(Qt.ForegroundRole)
        painter.setPen(ink if ink is not None else option.palette.color(QtGui.QPalette.Text))
        painter.drawText(words, int(Qt.AlignRight | Qt.AlignVCenter), index.data())
        track = QtCore.QRectF(box.left() + figures + 16, box.center().y() - 3, max(20, box.width() - figures - 18), 7)
        painter.fillRect(track, option.palette.alternateBase())
        length = track.width() / 2 * max(-1.0, min(1.0, value))
        sure = getattr(row, "p_value", 0) <= LEVEL and not index.model().stale
        bar = QtCore.QRectF(track.center().x(), track.top(), length, track.height()).normalized()
        painter.fillRect(bar, hue("link" if sure else "control"))
        middle = QtCore.QRectF(track.center().x(), track.top() - 2, 1, track.height() + 4)
        painter.fillRect(middle, painter.pen().color())
        painter.restore()


class UnitTable(QtWidgets.QTableView):
    """``chosen(unit)``: a click or Enter; ``pinned(unit)``: a double click."""

    chosen = QtCore.Signal(object)
    pinned = QtCore.Signal(object)

    def __init__(self, columns: Sequence[Column], name: str):
        super().__init__()
        self.setModel(UnitModel(columns))
        self.setAccessibleName(name)
        self.setSelectionBehavior(self.SelectRows)
        self.setSelectionMode(self.SingleSelection)
        self.setShowGrid(False)
        self.setVerticalScrollMode(self.ScrollPerPixel)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setTabKeyNavigation(False)
        role(self, "caption")
        self.setItemDelegate(BarDelegate(self))
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QtWidgets.QHeaderView.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 4)
        header.setHighlightSections(False)
        header.setSortIndicator(-1, Qt.DescendingOrder)
        header.setMinimumSectionSize(30)
        self.setSortingEnabled(True)
        self.setHorizontalScrollMode(self.ScrollPerPixel)
        self.clicked.connect(lambda index: self.chosen.emit(index.data(ROW).unit))

    def set_type(self) -> None:
        """Columns as wide as their letters, and one that takes what is left; where that is too little the table
        scrolls, so that the first ones stay whole."""
        metrics, columns = self.horizontalHeader().fontMetrics(), self.model().columns
        least = [max(pixels(column.width), metrics.horizontalAdvance(column.title) + HEADER_PADDING)
                 + LEAST_BAR * column.bar for column in columns]  # fmt: skip
        bar = self.horizontalScrollBar().sizeHint().height() if sum(least) > self.viewport().width() else 0
        row = self.verticalHeader().defaultSectionSize()
        self.setMinimumHeight(self.horizontalHeader().sizeHint().height() + row + bar + 2 * self.frameWidth())
        room = self.viewport().width() - sum(least)
        for number, column in enumerate(columns):
            elastic = column.bar or column.width == 0
            self.setColumnWidth(number, least[number] + max(0, room) * elastic)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.set_type()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.FontChange:
            self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 4)
            self.set_type()

    def show_unit(self, unit: Unit | None) -> None:
        """Mark the row of a unit that was selected elsewhere."""
        row = self.model().row_of(unit)
        if row is None:
            self.clearSelection()
        elif row != self.currentIndex().row() or not self.selectionModel().hasSelection():
            self.selectRow(row)

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter):
            if self.currentIndex().isValid():
                self.chosen.emit(self.currentIndex().data(ROW).unit)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, text: str) -> None:
        """Letters are shortcuts."""

    def mouseDoubleClickEvent(self, event) -> None:
        index = self.indexAt(event.pos())
        if event.button() == Qt.LeftButton and index.isValid():
            self.pinned.emit(index.data(ROW).unit)


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def signed(value: float) -> str:
    """A number with two decimals and its sign."""
    return f"{value:+.2f}".replace("-", "−")


def short(value: float) -> str:
    """A number in three significant digits."""
    return f"{value:.3g}".replace("-", "−")
