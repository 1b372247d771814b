"""A small colour bar with its levels, as stands beside whatever is coloured by value."""

from __future__ import annotations

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui.imaging import bgra
from zoo_gui.widgets.inks import hue, letter_font
from zoo_gui.widgets.items import RIGHT, BoxItem

LEAST_BAR = 16  # pixels of a colour bar's colours


class ColourBar(BoxItem):
    """A small horizontal colour bar between its low and high level."""

    def __init__(self, colour):
        super().__init__()
        self._colour = colour
        self.set_type()
        self._levels = ("", "")
        self._table: np.ndarray | None = None
        self._image: QtGui.QImage | None = None

    def set_type(self) -> None:
        self._font = letter_font()
        self._metrics = QtGui.QFontMetricsF(self._font)

    def set_table(self, table: np.ndarray) -> None:
        """The look-up table, (n,) uint32."""
        if table is not self._table:
            self._table = table
            self._pixels = np.ascontiguousarray(bgra(table[None]))
            self._image = ndarray_to_qimage(self._pixels, QtGui.QImage.Format_RGB32)
            self.update()

    def set_levels(self, low: str, high: str) -> None:
        if (low, high) != self._levels:
            self._levels = (low, high)
            self.update()

    @property
    def levels(self) -> tuple[str, str]:
        return self._levels

    def least_width(self, signed: bool | None = None) -> float:
        """Pixels of both levels and a bar between them that shows its colours. signed: of usual levels, not of now."""
        low = self._levels[0] if signed is None else "−0.00" if signed else "0"
        return self._metrics.horizontalAdvance(low) + 4 + self._right + LEAST_BAR

    @property
    def _right(self) -> float:
        """Pixels kept for the high level, so that the bar stands still while it changes."""
        return max(map(self._metrics.horizontalAdvance, (self._levels[1], "0.000"))) + 4

    def paint(self, painter, option, widget=None) -> None:
        low, high = self._levels
        left, right = self._metrics.horizontalAdvance(low) + 4, self._right
        if left + right + LEAST_BAR / 2 > self.box.width():  # one says what both do
            painter.setFont(self._font)
            painter.setPen(hue(self._colour))
            whole = f"±{high}" if low == f"−{high}" else high
            words = self._metrics.elidedText(whole, QtCore.Qt.ElideRight, self.box.width())
            painter.drawText(self.box, int(RIGHT | QtCore.Qt.AlignVCenter), words)
            return
        bar = self.box.adjusted(left, self.box.height() * 0.25, -right, -self.box.height() * 0.25)
        painter.setFont(self._font)
        painter.setPen(hue(self._colour))
        painter.drawText(self.box, int(QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter), low)
        painter.drawText(QtCore.QRectF(bar.right() + 4, self.box.y(), right, self.box.height()),
                         int(QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter), high)
        if self._image is not None and bar.width() > 4:
            painter.drawImage(bar, self._image)
