"""Beside the scatter: what its colours and shapes mean."""

from __future__ import annotations

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import bgra
from zoo_gui.tokens import DARK
from zoo_gui.widgets.embedding_colours import SIGNS, Colouring, Kind, letter
from zoo_gui.widgets.inks import hue
from zoo_gui.widgets.items import letter_font

Qt, QRectF = QtCore.Qt, QtCore.QRectF
GAP, BAR = 9, 110


class Legend(QtWidgets.QWidget):
    """One line: a bar with its ends, or a sign and a name for each kind; and whose each shape is. ``chosen``: the
    points of a kind that was clicked, (N,) bool."""

    chosen = QtCore.Signal(object)

    def __init__(self):
        super().__init__()
        self.colouring: Colouring | None = None
        self._shapes: tuple[tuple[str, str], ...] = ()
        self._boxes: list[tuple[QRectF, Kind]] = []
        self.set_type()
        self.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("What the colours mean")

    def set_type(self) -> None:
        self._font = letter_font(9)
        self._metrics = QtGui.QFontMetricsF(self._font)
        self.setFixedHeight(round(self._metrics.height()) + 2)
        self._arrange()

    def show_colouring(self, found: Colouring | None, lanes: tuple[int | None, ...] = ()) -> None:
        """lanes: of the agents, in the order of their shapes; one alone needs none."""
        self.colouring = found
        alone = len(lanes) < 2 or found is None or any(kind.sign != SIGNS[0] for kind in found.kinds)
        self._shapes = () if alone else tuple((SIGNS[n % 4], letter(lane)) for n, lane in enumerate(lanes))
        self._arrange()
        self.setAccessibleDescription(self.words)
        self.update()

    @property
    def words(self) -> str:
        """The legend, read out."""
        found = self.colouring
        if found is None:
            return ""
        parts = [f"{kind.text} {kind.rows.sum():,}" for kind in found.kinds] or [f"from {found.low} to {found.high}"]
        return ", ".join(parts + [f"{sign} {name}" for sign, name in self._shapes])

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Where the kinds stand; those that there is no room for go."""
        self._boxes, left = [], 0.0
        room = self.width() - self._shapes_width()
        for kind in () if self.colouring is None else self.colouring.kinds:
            across = self._metrics.horizontalAdvance(f"{kind.sign} {kind.text}") + GAP
            if left + across - GAP > room:
                break
            self._boxes.append((QRectF(left, 0, across, self.height()), kind))
            left += across

    def _shapes_width(self) -> float:
        words = "  ".join(f"{sign} {name}" for sign, name in self._shapes)
        return self._metrics.horizontalAdvance(words) + GAP if words else 0.0

    def paintEvent(self, event) -> None:
        painter, found = QtGui.QPainter(self), self.colouring
        painter.setFont(self._font)
        if found is None:
            return
        painter.fillRect(self.rect(), hue(DARK.background))  # as the map's: the colours are made for it
        ink = hue(DARK.text)
        for box, kind in self._boxes:
            painter.setPen(QtGui.QColor(kind.colour))
            painter.drawText(box, int(Qt.AlignLeft | Qt.AlignVCenter), kind.sign)
            painter.setPen(ink)
            painter.drawText(box.adjusted(self._metrics.horizontalAdvance(f"{kind.sign} "), 0, 0, 0),
                             int(Qt.AlignLeft | Qt.AlignVCenter), kind.text)  # fmt: skip
        if found.table is not None:
            self._paint_bar(painter, found, ink)
        painter.setPen(ink)
        words = "  ".join(f"{sign} {name}" for sign, name in self._shapes)
        painter.drawText(self.rect(), int(Qt.AlignRight | Qt.AlignVCenter), words)

    def _paint_bar(self, painter: QtGui.QPainter, found: Colouring, ink: QtGui.QColor) -> None:
        left = self._metrics.horizontalAdvance(found.low) + 4
        right = self._metrics.horizontalAdvance(found.high) + 4
        across = max(10.0, min(BAR, self.width() - self._shapes_width() - left - right))
        bar = QRectF(left, 3, across, self.height() - 6)
        pixels = bgra(np.ascontiguousarray(found.table[None].astype(np.uint32)))
        painter.drawImage(bar, ndarray_to_qimage(pixels, QtGui.QImage.Format_RGB32))
        painter.setPen(ink)
        painter.drawText(QRectF(0, 0, left, self.height()), int(Qt.AlignLeft | Qt.AlignVCenter), found.low)
        painter.drawText(QRectF(bar.right() + 4, 0, right + 2, self.height()), int(Qt.AlignLeft | Qt.AlignVCenter),
                         found.high)  # fmt: skip

    def _kind_at(self, position: QtCore.QPoint) -> Kind | None:
        return next((kind for box, kind in self._boxes if box.contains(QtCore.QPointF(position))), None)

    def mouseMoveEvent(self, event) -> None:
        kind = self._kind_at(event.pos())
        self.setCursor(Qt.PointingHandCursor if kind is not None else Qt.ArrowCursor)
        self.setToolTip(kind.tip if kind is not None else self.words)

    def mousePressEvent(self, event) -> None:
        kind = self._kind_at(event.pos())
        if event.button() == Qt.LeftButton and kind is not None:
            self.chosen.emit(kind.rows)
