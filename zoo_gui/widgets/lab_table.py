"""The numbers of a result in a table: sorted by any column; Enter or a double click opens what a row is about."""

from __future__ import annotations

from typing import Any, Sequence

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from zoo_gui.widgets.controls import fit_rows, role

Qt = QtCore.Qt
ROW = Qt.UserRole
WIDEST = 260


class NumbersModel(QtCore.QAbstractTableModel):
    """Rows of texts and numbers; what is missing is a dash and comes last."""

    def __init__(self):
        super().__init__()
        self.columns: tuple[str, ...] = ()
        self.rows: list[tuple[Any, ...]] = []
        self._all: tuple[tuple[Any, ...], ...] = ()

    def show_rows(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Other numbers, in the order in which they come."""
        self.beginResetModel()
        self.columns, self._all, self.rows = tuple(columns), tuple(rows), list(rows)
        self.endResetModel()

    def sort(self, column: int, order=Qt.AscendingOrder) -> None:
        self.beginResetModel()
        self.rows = list(self._all)
        if 0 <= column < len(self.columns):
            known = [row for row in self._all if row[column] is not None]
            rest = [row for row in self._all if row[column] is None]
            known.sort(key=lambda row: (isinstance(row[column], str), row[column]), reverse=order == Qt.DescendingOrder)
            self.rows = known + rest
        self.endResetModel()

    def text(self) -> str:
        """The rows as they are sorted, with tabs between columns: what spreadsheets paste."""
        lines = [self.columns, *([_exact(value) for value in row] for row in self.rows)]
        return "\n".join("\t".join(line) for line in lines) + "\n"

    def rowCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation, role=Qt.DisplayRole):
        if orientation == Qt.Horizontal and role in (Qt.DisplayRole, Qt.ToolTipRole):
            return self.columns[section].replace("_", " ")
        return None

    def data(self, index, role=Qt.DisplayRole):
        row = self.rows[index.row()]
        value = row[index.column()]
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return shown(value)
        if role == Qt.ToolTipRole:
            return _exact(value)
        if role == Qt.TextAlignmentRole and isinstance(value, float):
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return row if role == ROW else None


class NumbersTable(QtWidgets.QTableView):
    """``pointed(row)``: a row was chosen, None: none is; ``opened(row, beside)``: by Enter or a double click, with
    Shift beside the others."""

    pointed = QtCore.Signal(object)
    opened = QtCore.Signal(object, bool)

    def __init__(self, name: str):
        super().__init__()
        self.setModel(NumbersModel())
        self.setAccessibleName(name)
        self.setSelectionBehavior(self.SelectRows)
        self.setSelectionMode(self.SingleSelection)
        self.setShowGrid(False)
        self.setVerticalScrollMode(self.ScrollPerPixel)
        self.setHorizontalScrollMode(self.ScrollPerPixel)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setTabKeyNavigation(False)
        role(self, "caption")
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QtWidgets.QHeaderView.Fixed)
        fit_rows(self)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(36)
        header.setStretchLastSection(True)
        header.setSortIndicator(-1, Qt.AscendingOrder)
        self.setSortingEnabled(True)
        self.clicked.connect(lambda index: self.pointed.emit(index.data(ROW)))

    def show_rows(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Other numbers; columns are as wide as their words."""
        self.horizontalHeader().setSortIndicator(-1, Qt.AscendingOrder)
        self.model().show_rows(columns, rows)
        letters = self.fontMetrics()
        for number, name in enumerate(columns):
            texts = [f"{name}  ▾", *(shown(row[number]) for row in rows[:200])]
            widest = max(letters.horizontalAdvance(text) for text in texts)
            self.setColumnWidth(number, min(WIDEST, widest + 14))
        self.pointed.emit(None)

    @property
    def row(self) -> tuple[Any, ...] | None:
        """The chosen row."""
        chosen = self.selectionModel().selectedRows()
        return chosen[0].data(ROW) if chosen else None

    def currentChanged(self, current, previous) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.pointed.emit(current.data(ROW))

    def keyPressEvent(self, event) -> None:
        if event.key() not in (Qt.Key_Return, Qt.Key_Enter):
            super().keyPressEvent(event)
        elif self.row is not None:
            self.opened.emit(self.row, bool(event.modifiers() & Qt.ShiftModifier))

    def keyboardSearch(self, text: str) -> None:
        """Letters are shortcuts."""

    def mouseDoubleClickEvent(self, event) -> None:
        index = self.indexAt(event.pos())
        if event.button() == Qt.LeftButton and index.isValid():
            self.opened.emit(index.data(ROW), bool(event.modifiers() & Qt.ShiftModifier))


def shown(value: Any) -> str:
    """A cell's words: whole numbers whole, others in four digits, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if value == int(value) if abs(value) < 1e15 else False:
        return f"{value:,.0f}".replace("-", "−") if abs(value) >= 10_000 else f"{value:.0f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.1f}".replace("-", "−")


def _exact(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.12g}"


class Picture(QtWidgets.QWidget):
    """A figure, as large as there is room; ``pressed`` when it is clicked."""

    pressed = QtCore.Signal()

    def __init__(self, name: str):
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumSize(120, 90)
        self._image: QtGui.QImage | None = None
        self._scaled: QtGui.QImage | None = None

    def show_image(self, image: QtGui.QImage | None) -> None:
        """Another figure, None: nothing."""
        self._image, self._scaled = image, None
        self.setCursor(Qt.ArrowCursor if image is None else Qt.PointingHandCursor)
        self.update()

    @property
    def image(self) -> QtGui.QImage | None:
        return self._image

    @property
    def box(self) -> QtCore.QRect:
        """Where the figure lies on the widget."""
        if self._image is None:
            return QtCore.QRect()
        size = self._image.size()
        if size.width() > self.width() or size.height() > self.height():
            size = size.scaled(self.size(), Qt.KeepAspectRatio)
        box = QtCore.QRect(QtCore.QPoint(0, 0), size)
        box.moveCenter(self.rect().center())
        return box

    def paintEvent(self, event) -> None:
        if self._image is None:
            return
        box, ratio = self.box, self.devicePixelRatioF()
        wanted = QtCore.QSize(round(box.width() * ratio), round(box.height() * ratio))
        if self._scaled is None or self._scaled.size() != wanted:  # once a size: the window is painted many times
            self._scaled = self._image.scaled(wanted, Qt.IgnoreAspectRatio, Qt.SmoothTransformation)
        QtGui.QPainter(self).drawImage(QtCore.QRectF(box), self._scaled)

    def mouseReleaseEvent(self, event) -> None:
        if event.button() == Qt.LeftButton and self.box.contains(event.pos()):
            self.pressed.emit()
