"""A heat map with numbers: layers by layers, or layers by stages; what is not known yet looks like nothing known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import lut
from zoo_gui.widgets.inks import hue
from zoo_gui.widgets.items import ACCENT, RIM, letter_font

QRectF, Qt = QtCore.QRectF, QtCore.Qt
COLOURS = "viridis"  # equal steps look equal, also without colour vision; the same as in the saved figure
LEVEL = 0.05
ARROWS = {Qt.Key_Left: (0, -1), Qt.Key_Right: (0, 1), Qt.Key_Up: (-1, 0), Qt.Key_Down: (1, 0)}
LARGEST = 110, 96  # pixels of a cell
LEAST_NUMBERED = 13  # pixels of height: a number needs them
BAR, GAP = 11, 6
BRIGHT = 0.6  # values above it are light in COLOURS, and their ink is dark


class Grid(NamedTuple):
    """What is drawn. rows, columns: names. values, chance, chance_95, p_value: (R, C) float64, as in
    ``analysis.Similarity``: p_value is nan where a cell is not computed yet; values alone where it cannot be.
    row_title, column_title: of the axes, row_colour, column_colour: theirs. measure: what a value is."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    chance: np.ndarray
    chance_95: np.ndarray
    p_value: np.ndarray
    row_title: str = ""
    column_title: str = ""
    row_colour: str = ""
    column_colour: str = ""
    measure: str = ""

    def text(self, row: int, column: int) -> str:
        """A cell's number: in brackets where chance does as well, "–" where it cannot be computed, "" not yet."""
        value, p = self.values[row, column], self.p_value[row, column]
        if not np.isfinite(value):
            return "–" if np.isfinite(p) else ""
        number = f"{value:.2f}".replace("-", "−")
        return number if p <= LEVEL else f"({number})"

    def describe(self, row: int, column: int) -> str:
        """A cell in words."""
        value, p = self.values[row, column], self.p_value[row, column]
        where = f"{self.rows[row]} – {self.columns[column]}"
        if not np.isfinite(value):
            return f"{where}: {'cannot be compared, one of them never varies' if np.isfinite(p) else 'not known yet'}"
        chance, high = self.chance[row, column], self.chance_95[row, column]
        verdict = "" if p <= LEVEL else ": no more than chance"
        words = f"{where}: {value:.2f} · by chance {chance:.2f}, 95 % below {high:.2f} · p {p:.3f}"
        return (words + verdict).replace("-", "−")


class HeatMap(QtWidgets.QWidget):
    """``chosen(row, column)``: a clicked cell, or Enter; once it was clicked, arrows move the frame. ``said``: what is
    under the mouse, or in the frame. Painted only when something changed."""

    chosen = QtCore.Signal(int, int)
    said = QtCore.Signal(str)
    own_keys = frozenset({"Left", "Right", "Up", "Down", "Return", "Enter"})

    def __init__(self, hint: str = ""):
        super().__init__()
        self.grid: Grid | None = None
        self.hint, self.click_words = hint, ""
        self._table = lut(COLOURS)
        self._stale = False
        self._marked: tuple[int, int] | None = None
        self.set_type()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMinimumSize(180, 120)

    def set_type(self) -> None:
        self._font = letter_font(9)
        self._metrics = QtGui.QFontMetricsF(self._font)

    def show_grid(self, grid: Grid | None) -> None:
        """Show it; None: nothing."""
        if grid is None or self.grid is None or (grid.rows, grid.columns) != (self.grid.rows, self.grid.columns):
            self._marked = None
        self.grid, self._stale = grid, False
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Dim it: what is shown is not what is chosen now."""
        self._stale = stale
        self.update()

    def mark(self, cell: tuple[int, int] | None) -> None:
        """Frame a cell."""
        self._marked = cell
        self.update()

    @property
    def marked(self) -> tuple[int, int] | None:
        return self._marked

    # -- where things lie -----------------------------------------------------------------------------------------
    def _layout(self) -> tuple[QRectF, float, float, bool]:
        """(the cells' rectangle, a cell's width and height, whether column names stand upright)."""
        line, grid = self._metrics.height(), self.grid
        labels = max(self._metrics.horizontalAdvance(name) for name in grid.rows)
        left = line + 4 + labels + GAP
        right = GAP + BAR + 4 + self._metrics.horizontalAdvance("1.0") + 2
        across = min(LARGEST[0], (self.width() - left - right) / len(grid.columns))
        widest = max(self._metrics.horizontalAdvance(part) for name in grid.columns for part in name.split("\n"))
        upright = widest > across - 4
        lines = max(name.count("\n") + 1 for name in grid.columns)
        top = line + 4 + (min(widest, 90.0) if upright else lines * line) + 3
        down = min(LARGEST[1], (self.height() - top - 3) / len(grid.rows))
        return QRectF(left, top, across * len(grid.columns), down * len(grid.rows)), across, down, upright

    def cell_box(self, row: int, column: int) -> QRectF:
        """Where a cell lies."""
        box, across, down, _ = self._layout()
        return QRectF(box.x() + column * across, box.y() + row * down, across, down)

    def _cell_at(self, position: QtCore.QPointF) -> tuple[int, int] | None:
        if self.grid is None:
            return None
        box, across, down, _ = self._layout()
        if not box.contains(position):
            return None
        row, column = int((position.y() - box.y()) / down), int((position.x() - box.x()) / across)
        return min(row, len(self.grid.rows) - 1), min(column, len(self.grid.columns) - 1)

    # -- painting -------------------------------------------------------------------------------------------------
    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.setFont(self._font)
        painter.setPen(hue("text"))
        if self.grid is None or not self.grid.rows or not self.grid.columns:
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), int(Qt.AlignCenter | Qt.TextWordWrap), self.hint)
            return
        box, across, down, upright = self._layout()
        for row in range(len(self.grid.rows)):
            for column in range(len(self.grid.columns)):
                cell = QRectF(box.x() + column * across, box.y() + row * down, across, down)
                self._paint_cell(painter, cell, row, column)
        self._paint_names(painter, box, across, down, upright)
        self._paint_bar(painter, box)
        if self._marked is not None:
            row, column = self._marked
            cell = QRectF(box.x() + column * across, box.y() + row * down, across, down).adjusted(1, 1, -1, -1)
            for colour, width in ((RIM, 4), (ACCENT, 2)):
                painter.setPen(QtGui.QPen(colour, width))
                painter.drawRect(cell)
        if self._stale:
            veil = hue("background")
            veil.setAlpha(150)
            painter.fillRect(self.rect(), veil)

    def _paint_cell(self, painter: QtGui.QPainter, cell: QRectF, row: int, column: int) -> None:
        value, text = self.grid.values[row, column], self.grid.text(row, column)
        inner = cell.adjusted(0.5, 0.5, -0.5, -0.5)
        ink = hue("text")
        if np.isfinite(value):
            painter.fillRect(inner, self._colour(value))
            ink = RIM if value > BRIGHT else ACCENT
        elif not text:
            pale = QtGui.QColor(ink)
            pale.setAlpha(45)
            painter.fillRect(inner, QtGui.QBrush(pale, Qt.BDiagPattern))
        if cell.height() >= LEAST_NUMBERED and self._metrics.horizontalAdvance(text) < cell.width():
            painter.setPen(ink)
            painter.drawText(cell, int(Qt.AlignCenter), text)

    def _colour(self, value: float) -> QtGui.QColor:
        place = int(np.clip(value, 0, 1) * (len(self._table) - 1))
        return QtGui.QColor(int(self._table[place]) & 0xFFFFFF)

    def _paint_names(self, painter, box: QRectF, across: float, down: float, upright: bool) -> None:
        grid, line, ink = self.grid, self._metrics.height(), hue("text")
        painter.setPen(ink)
        every = max(1, int(np.ceil(line / max(down, 1.0)))) if down < line - 3 else 1
        for row, name in enumerate(grid.rows[::every]):
            place = QRectF(line + 4, box.y() + row * every * down, box.x() - line - 4 - GAP, down)
            painter.drawText(place, int(Qt.AlignRight | Qt.AlignVCenter | Qt.TextDontClip), name)
        top = line + 4
        for column, name in enumerate(grid.columns):
            left = box.x() + column * across
            if not upright:
                place = QRectF(left, top, across, box.y() - top - 3)
                painter.drawText(place, int(Qt.AlignHCenter | Qt.AlignBottom), name)
                continue
            painter.save()
            painter.translate(left + across / 2, box.y() - 3)
            painter.rotate(-90)
            flat = self._metrics.elidedText(name.replace("\n", " "), Qt.ElideRight, box.y() - top)
            painter.drawText(QRectF(0, -line / 2, box.y() - top, line), int(Qt.AlignLeft | Qt.AlignVCenter), flat)
            painter.restore()
        self._paint_titles(painter, box)

    def _paint_titles(self, painter, box: QRectF) -> None:
        grid, line = self.grid, self._metrics.height()
        bold = letter_font(9, bold=True)
        metrics = QtGui.QFontMetricsF(bold)
        painter.save()
        painter.setFont(bold)
        room = self.width() - box.x()
        painter.setPen(hue(grid.column_colour or "text"))
        painter.drawText(QRectF(box.x(), 0, room, line), int(Qt.AlignLeft | Qt.AlignVCenter),
                         metrics.elidedText(grid.column_title, Qt.ElideRight, room))
        painter.setPen(hue(grid.row_colour or "text"))
        room = self.height() - box.y()
        words = metrics.elidedText(grid.row_title, Qt.ElideRight, room)
        length = metrics.horizontalAdvance(words) + 2
        painter.translate(0, box.y() + max(length, min(box.height(), (box.height() + length) / 2)))
        painter.rotate(-90)
        painter.drawText(QRectF(0, 0, length, line), int(Qt.AlignLeft | Qt.AlignVCenter), words)
        painter.restore()

    def _paint_bar(self, painter, box: QRectF) -> None:
        """The scale: 0 at the foot, 1 at the top."""
        bar = QRectF(box.right() + GAP, box.y(), BAR, max(box.height(), 40.0))
        steps = len(self._table)
        for step in range(64):
            colour = QtGui.QColor(int(self._table[int(step / 63 * (steps - 1))]) & 0xFFFFFF)
            high = bar.height() / 64
            painter.fillRect(QRectF(bar.x(), bar.bottom() - (step + 1) * high, BAR, high + 0.7), colour)
        painter.setPen(hue("text"))
        line = self._metrics.height()
        for share, text in ((0.0, "0"), (0.5, ".5"), (1.0, "1")):
            middle = bar.bottom() - share * bar.height()
            top = min(max(middle - line / 2, bar.y() - 2), bar.bottom() - line + 2)
            painter.drawText(QRectF(bar.right() + 4, top, 30, line), int(Qt.AlignLeft | Qt.AlignVCenter), text)

    # -- mouse and keys -------------------------------------------------------------------------------------------
    def event(self, event) -> bool:
        """Arrows are this map's while it has the focus, not the window's shortcuts."""
        if event.type() == QtCore.QEvent.ShortcutOverride and event.key() in ARROWS and self.grid is not None:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        if self.grid is None or self._marked is None:
            super().keyPressEvent(event)
        elif event.key() in ARROWS:
            places = zip(self._marked, ARROWS[event.key()], (len(self.grid.rows), len(self.grid.columns)))
            self.mark(tuple(min(max(place + by, 0), count - 1) for place, by, count in places))
            self.said.emit(self.grid.describe(*self._marked))
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self.chosen.emit(*self._marked)
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event) -> None:
        cell = self._cell_at(QtCore.QPointF(event.pos()))
        self.setCursor(Qt.PointingHandCursor if cell is not None else Qt.ArrowCursor)
        words = "" if cell is None else self.grid.describe(*cell)
        self.said.emit(words)
        self.setToolTip(words and f"{self.grid.measure}, {words}{self.click_words}")  # the status bar has less room

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.said.emit("")

    def mousePressEvent(self, event) -> None:
        cell = self._cell_at(QtCore.QPointF(event.pos()))
        if event.button() == Qt.LeftButton and cell is not None:
            self.mark(cell)
            self.chosen.emit(*cell)
        else:
            super().mousePressEvent(event)
