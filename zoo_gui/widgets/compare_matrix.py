"""How often, and how nearly, each two agents agree: a table of numbers whose colours say the same."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import lut
from zoo_gui.naming import lane_letter
from zoo_gui.tokens import pixels
from zoo_gui.widgets.inks import ACCENT, RIM, hue, lane_colour, letter_font

Qt, QRectF = QtCore.Qt, QtCore.QRectF
CELL, LINE = 46, 14  # pixels where the type is normal
LOWEST, HIGHEST = 15, 28  # pixels of a cell where the type is normal
CAPTIONS = "↗ same choice", "↙ mean distance"
_COLOURS = lut("cividis", 256)  # read alike by eyes that tell no red from green


class Matrix(QtWidgets.QWidget):
    """Above the diagonal the share of moments with equal greedy choices, below it the mean distance. A click on a cell
    chooses its pair; ``chosen``: (smaller lane, larger lane). ``said``: a cell in words."""

    chosen = QtCore.Signal(object)
    said = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self._together = self._equal = self._far = np.zeros((0, 0))
        self._chosen: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setAccessibleName("How often each two agents agree")
        self.setToolTip("Above the diagonal: in what share of the moments the greedy choices are the same. Below it: "
                        "how far apart the decisions are, 0 to 1, the mean. A click shows only that pair.")
        self.setSizePolicy(QtWidgets.QSizePolicy.Fixed, QtWidgets.QSizePolicy.Expanding)

    def show_lanes(self, count: int) -> None:
        """Have room for so many lanes; where their number changed nothing is known of them."""
        if count != len(self._together):
            self._together = self._equal = self._far = np.zeros((count, count))
            self.set_type()
            self.update()

    def set_type(self) -> None:
        words = QtGui.QFontMetrics(letter_font(8.25)).horizontalAdvance(CAPTIONS[0]) + 6
        self.setFixedWidth(max(pixels(18) + pixels(CELL) * len(self._together) + 4, words))
        self.setMinimumHeight(pixels(18) + pixels(LOWEST) * len(self._together))

    def show_numbers(self, together: np.ndarray, equal: np.ndarray, far: np.ndarray) -> None:
        """(lanes, lanes) each: moments that both judged, those with equal choices, the sum of their distances."""
        self.show_lanes(len(together))
        self._together, self._equal, self._far = together.copy(), equal.copy(), far.copy()
        self.update()

    def show_chosen(self, pair: tuple[int, int] | None) -> None:
        """Frame a pair's cells."""
        self._chosen = pair
        self.update()

    def number(self, row: int, column: int) -> float | None:
        """What a cell says, 0 to 1; None on the diagonal, and before there is a moment."""
        count = self._together[row, column]
        if row == column or not count:
            return None
        return float((self._equal if column > row else self._far)[row, column] / count)

    def words(self, row: int, column: int) -> str:
        """A cell in words."""
        value = self.number(row, column)
        if value is None:
            return ""
        first, second = lane_letter(min(row, column)), lane_letter(max(row, column))
        count = f"{int(self._together[row, column]):,} moments"
        return (
            f"{first} and {second} would do the same in {value:.1%} of {count}" if column > row
            else f"{first} and {second} are {value:.3f} apart, the mean of {count}: 0 is the same, 1 nothing in common"
        )  # fmt: skip

    def cell_box(self, row: int, column: int) -> QRectF:
        """Where a cell is."""
        wide = pixels(CELL)
        return QRectF(pixels(18) + column * wide, pixels(16) + row * self._high, wide - 2, self._high - 2)

    @property
    def _high(self) -> float:
        """Of a row; with room for the captions where the rows stay legible."""
        lanes, room = max(1, len(self._together)), self.height() - pixels(18)
        with_captions = (room - len(CAPTIONS) * pixels(LINE)) / lanes
        return min(pixels(HIGHEST), with_captions if with_captions >= pixels(LOWEST) else room / lanes)

    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.setFont(letter_font(8.25))
        for lane in range(len(self._together)):
            painter.setPen(hue(lane_colour(lane)))
            column, row = self.cell_box(0, lane), self.cell_box(lane, 0)
            painter.drawText(QRectF(column.x(), 0, column.width(), pixels(15)), int(Qt.AlignCenter), lane_letter(lane))
            painter.drawText(QRectF(0, row.y(), pixels(15), row.height()), int(Qt.AlignCenter), lane_letter(lane))
        for row, column in np.ndindex(*self._together.shape):
            self._paint_cell(painter, row, column)
        top, line = pixels(20) + self._high * len(self._together), pixels(LINE)
        if top + len(CAPTIONS) * line <= self.height() + 1:
            painter.setPen(hue("text"))
            for place, text in enumerate(CAPTIONS):
                painter.drawText(QRectF(2, top + place * line, self.width() - 2, line), int(Qt.AlignLeft), text)

    def _paint_cell(self, painter: QtGui.QPainter, row: int, column: int) -> None:
        box, value = self.cell_box(row, column), self.number(row, column)
        if value is None:
            painter.setPen(hue("dim"))
            painter.drawText(box, int(Qt.AlignCenter), "·" if row == column else "–")
            return
        agreement = value if column > row else 1.0 - value
        colour = QtGui.QColor.fromRgb(int(_COLOURS[round(255 * agreement)]))
        painter.fillRect(box, colour)
        painter.setPen(RIM if _light(colour) else ACCENT)
        text = f"{100 * value:.0f} %" if column > row else f"{value:.2f}"
        painter.drawText(box, int(Qt.AlignCenter), text)
        if self._chosen == (min(row, column), max(row, column)):
            for colour, width in ((RIM, 4), (ACCENT, 2)):
                painter.setPen(QtGui.QPen(colour, width))
                painter.drawRect(box.adjusted(1, 1, -1, -1))

    # -- mouse --------------------------------------------------------------------------------------------------
    def _cell_at(self, position: QtCore.QPoint) -> tuple[int, int] | None:
        return next((cell for cell in np.ndindex(*self._together.shape)
                     if cell[0] != cell[1] and self.cell_box(*cell).contains(QtCore.QPointF(position))), None)

    def mouseMoveEvent(self, event) -> None:
        cell = self._cell_at(event.pos())
        self.setCursor(Qt.ArrowCursor if cell is None else Qt.PointingHandCursor)
        self.said.emit("" if cell is None else self.words(*cell))

    def mouseReleaseEvent(self, event) -> None:
        cell = self._cell_at(event.pos())
        if event.button() == Qt.LeftButton and cell is not None:
            self.chosen.emit((min(cell), max(cell)))

    def leaveEvent(self, event) -> None:
        self.said.emit("")


def _light(colour: QtGui.QColor) -> bool:
    """Whether black letters are read better on it (WCAG's luminance; equal contrast of black and white at 0.179)."""
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
             for part in (colour.redF(), colour.greenF(), colour.blueF()))  # fmt: skip
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts)) > 0.179
