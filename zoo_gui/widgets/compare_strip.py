"""The disagreement strip: how far apart agents' decisions are at each moment that they saw together, along time."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import bgra
from zoo_gui.naming import lane_letter
from zoo_gui.tokens import pixels
from zoo_gui.widgets.compare_track import Track
from zoo_gui.widgets.inks import ACCENT, RIM, hue, lane_colour, letter_font, mixed, shades

Qt, QRectF = QtCore.Qt, QtCore.QRectF
BAND = 6  # screen pixels of the marks of different choices
TALLEST = 220  # of a row
SLIP = 4  # screen pixels that the mouse may move in a click
NARROWEST = 20  # moments in sight
POINTS = 8.25  # of letters

Pair = tuple[int, int]


class Timeline(QtWidgets.QWidget):
    """One row a pair of lanes: bars from 0 to 1, above them a mark where the greedy choices differ. Where a
    column of pixels stands for several moments, the bar is their mean with the largest behind it in a darker shade, and
    the mark is as bright as the part of them that differs.

    The wheel zooms, dragging moves, a double click shows everything. ``chosen``: (pair, place) that was clicked;
    ``pointed``: the same under the mouse, or None. Of several moments in one column of pixels it is the farthest apart.
    """

    chosen = QtCore.Signal(object, int)
    pointed = QtCore.Signal(object)

    def __init__(self, track: Track):
        super().__init__()
        self.track = track
        self.pairs: tuple[Pair, ...] = ()
        self.hint = ""
        self._view: tuple[float, float] | None = None  # None: everything
        self._cursor: int | None = None
        self._under: tuple[Pair, int] | None = None
        self._image: QtGui.QImage | None = None
        self._pixels: np.ndarray | None = None  # the QImage reads this memory
        self._pressed: tuple[QtCore.QPoint, tuple[float, float]] | None = None
        self._dragged = False
        self.setMouseTracking(True)
        self.set_look()
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)
        self.setAccessibleName("Disagreement along time")

    # -- what is shown ------------------------------------------------------------------------------------------
    def set_look(self) -> None:
        """Take the colours and letters of the present theme and type."""
        self._image = None
        self.setMinimumSize(pixels(160), pixels(44))

    @property
    def _label(self) -> int:
        """Screen pixels of the rows' names."""
        return pixels(44)

    @property
    def _axis(self) -> int:
        """Of the line of numbers."""
        return pixels(17)

    def show_pairs(self, pairs: Sequence[Pair]) -> None:
        """Which pairs have a row; the first of each is the one that the others are compared with."""
        if tuple(pairs) != self.pairs:
            self.pairs = tuple(pairs)
            self.refresh()

    def show_hint(self, text: str) -> None:
        """In place of the rows, as long as there is nothing to show."""
        if text != self.hint:
            self.hint = text
            self.update()

    def set_cursor_at(self, place: int | None) -> None:
        """Mark the moment on screen."""
        if place != self._cursor:
            self._cursor = place
            self.update()

    @property
    def shown_place(self) -> int | None:
        """The place that is marked."""
        return self._cursor

    def refresh(self) -> None:
        """There are new numbers."""
        self._image = None
        self.update()

    def show_all(self) -> None:
        """Everything there is, and what will come."""
        self._view = None
        self.refresh()

    def reveal(self, place: int) -> None:
        """Move so that a place is in sight."""
        low, high = self.range
        if not low <= place < high:
            self._look(place - (high - low) / 2, high - low)

    @property
    def range(self) -> tuple[float, float]:
        """The places in sight, from and up to; with the newest in sight it follows what comes."""
        track = self.track
        whole = float(track.first), float(max(track.end, track.first + NARROWEST))
        if self._view is None:
            return whole
        left, width = self._view
        if left == np.inf:
            left = track.end - width
        left = min(max(left, whole[0]), max(whole[1] - width, whole[0]))
        return left, left + width

    def _look(self, left: float, width: float) -> None:
        track = self.track
        whole = max(len(track), NARROWEST)
        width = min(max(width, NARROWEST), whole)
        self._view = None if width >= whole else (np.inf if left + width >= track.end - 0.5 else left, width)
        self.refresh()

    # -- where things are ---------------------------------------------------------------------------------------
    @property
    def _area(self) -> QtCore.QRect:
        left = self._label
        return QtCore.QRect(left, 2, max(1, self.width() - left - 6), max(1, self.height() - self._axis - 2))

    def _row_height(self) -> int:
        return min(TALLEST, self._area.height() // max(1, len(self.pairs)))

    def row_box(self, index: int) -> QtCore.QRect:
        """Where a row's bars and marks are."""
        height = self._row_height()
        return QtCore.QRect(self._label, 2 + index * height, self._area.width(), max(8, height - 3))

    def x_of(self, place: int) -> float:
        """The middle of a place, in pixels."""
        low, high = self.range
        return self._label + (place + 0.5 - low) / (high - low) * self._area.width()

    def place_at(self, position: QtCore.QPoint) -> tuple[Pair, int] | None:
        """(pair, place) at a position: of all moments in that column the one farthest apart."""
        track, area = self.track, self._area
        if not len(track) or not self.pairs or not area.left() <= position.x() < area.left() + area.width():
            return None
        row = min(max(0, (position.y() - 2) // max(1, self._row_height())), len(self.pairs) - 1)
        low, high = self.range
        each = (high - low) / area.width()
        start = int(low + (position.x() - self._label) * each)
        if start >= track.end:
            return None
        stop = min(max(start + 1, int(low + (position.x() - self._label + 1) * each)), track.end)
        return self.pairs[row], track.peak(_sorted(self.pairs[row]), max(start, track.first), stop)

    # -- painting -----------------------------------------------------------------------------------------------
    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), hue("base"))
        painter.setFont(letter_font(POINTS))
        if not len(self.track) or not self.pairs:
            painter.setPen(hue("text"))
            painter.drawText(self.rect().adjusted(8, 0, -8, 0), int(Qt.AlignCenter | Qt.TextWordWrap), self.hint)
            return
        if self._image is None:
            self._draw_rows()
        painter.drawImage(self._label, 2, self._image)
        for index, pair in enumerate(self.pairs):
            self._paint_label(painter, self.row_box(index), pair)
        self._paint_axis(painter)
        bottom = self.row_box(len(self.pairs) - 1).bottom()
        if self._under is not None:
            dotted = QtGui.QPen(hue("dim"), 1, Qt.DotLine)
            self._paint_line(painter, self.x_of(self._under[1]), bottom, dotted)
        if self._cursor is not None and self.range[0] <= self._cursor < self.range[1]:
            x = self.x_of(self._cursor)
            self._paint_line(painter, x, bottom, QtGui.QPen(RIM, 4))
            self._paint_line(painter, x, bottom, QtGui.QPen(ACCENT, 2))

    def _paint_line(self, painter: QtGui.QPainter, x: float, bottom: int, pen: QtGui.QPen) -> None:
        painter.setPen(pen)
        painter.drawLine(QtCore.QPointF(x, 0), QtCore.QPointF(x, bottom + 2))

    def _paint_label(self, painter: QtGui.QPainter, box: QtCore.QRect, pair: Pair) -> None:
        """The two letters, each in its colour."""
        middle, wide, high = box.center().y(), pixels(12), pixels(16)
        for lane, x in zip(pair, (4, 4 + pixels(16))):
            painter.setPen(hue(lane_colour(lane)))
            painter.drawText(QRectF(x, middle - high / 2, wide, high), int(Qt.AlignCenter), lane_letter(lane))
        painter.setPen(hue("text"))
        painter.drawText(QRectF(4 + pixels(10), middle - high / 2, pixels(8), high), int(Qt.AlignCenter), "–")
        if box.height() >= pixels(34):
            for text, y in (("1", box.top() + BAND), ("0", box.bottom() - pixels(12))):
                place = QRectF(self._label - pixels(12), y, pixels(9), pixels(13))
                painter.drawText(place, int(Qt.AlignRight | Qt.AlignVCenter), text)

    def _paint_axis(self, painter: QtGui.QPainter) -> None:
        track, (low, high) = self.track, self.range
        first, last = max(int(low), track.first), min(int(np.ceil(high)), track.end) - 1
        box = QRectF(self._label, self.row_box(len(self.pairs) - 1).bottom() + 2, self._area.width(), self._axis - 2)
        painter.setPen(hue("text"))
        painter.drawText(box, int(Qt.AlignLeft | Qt.AlignVCenter), f"step {track.when(first)[0]:,}")
        painter.drawText(box, int(Qt.AlignRight | Qt.AlignVCenter), f"{track.when(last)[0]:,}")
        shown = last + 1 - first
        words = f"{shown:,} moments" if shown == len(track) else f"{shown:,} of {len(track):,} moments"
        painter.drawText(box, int(Qt.AlignHCenter | Qt.AlignVCenter), words)

    def _draw_rows(self) -> None:
        """Paint all rows into one picture, a column of pixels at a time: what it costs depends on its width."""
        area = self._area
        picture = np.full((area.height(), area.width()), 0xFF000000 | hue("base").rgb(), np.uint32)
        low, high = self.range
        edges = np.floor(np.linspace(low, high, area.width() + 1)).astype(int)
        edges = np.clip(edges, self.track.first, self.track.end)
        filled = int(np.searchsorted(edges, self.track.end))  # columns that have a moment
        breaks = self._breaks(edges[:filled + 1]) if filled else np.zeros(0, np.intp)
        for index, pair in enumerate(self.pairs):
            box = self.row_box(index).translated(-self._label, -2)
            part = picture[box.top():box.top() + box.height(), :filled]
            if filled and part.shape[0] > BAND:
                self._draw_row(part, pair, edges[:filled + 1], breaks)
        self._pixels = np.ascontiguousarray(bgra(picture))
        self._image = ndarray_to_qimage(self._pixels, QtGui.QImage.Format_RGB32)

    def _draw_row(self, part: np.ndarray, pair: Pair, edges: np.ndarray, breaks: np.ndarray) -> None:
        far, mean, differs = self.track.columns(_sorted(pair), edges)
        bars = part[BAND:]
        height = len(bars)
        grid = np.uint32(hue("border").rgb())
        bars[height // 2] = bars[-1] = grid
        bars[:, breaks] = grid
        colour = lane_colour(pair[1])
        for values, shade in ((far, mixed(colour, "base", 0.5)), (mean, hue(colour))):
            tall = np.rint(np.nan_to_num(values) * height).astype(int)
            tall[(values > 0.005) & (tall == 0)] = 1
            bars[np.arange(height)[:, None] >= height - tall] = 0xFF000000 | shade.rgb()
        part[:BAND - 1] = shades("base", "text", differs)

    def _breaks(self, edges: np.ndarray) -> np.ndarray:
        """Columns in which an episode begins; none where there would be too many to see."""
        start, stop = int(edges[0]), min(max(int(edges[-1]), int(edges[-2]) + 1), self.track.end)
        places = start + np.flatnonzero(self.track.begins(start, stop))
        columns = np.unique(np.searchsorted(edges[:-1], places, side="left"))
        columns = columns[columns < len(edges) - 1]
        return columns if len(columns) < len(edges) / 12 else columns[:0]

    # -- mouse --------------------------------------------------------------------------------------------------
    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._image = None

    def mousePressEvent(self, event) -> None:
        if event.button() == Qt.LeftButton:
            low, high = self.range
            self._pressed, self._dragged = (event.pos(), (low, high - low)), False

    def mouseMoveEvent(self, event) -> None:
        if self._pressed is not None and event.buttons() & Qt.LeftButton:
            by = event.pos().x() - self._pressed[0].x()
            self._dragged |= abs(by) > SLIP
            if self._dragged:
                left, width = self._pressed[1]
                self._look(left - by * width / self._area.width(), width)
                return
        self._point(self.place_at(event.pos()))

    def mouseReleaseEvent(self, event) -> None:
        pressed, self._pressed = self._pressed, None
        if event.button() == Qt.LeftButton and pressed is not None and not self._dragged:
            found = self.place_at(event.pos())
            if found is not None:
                self.chosen.emit(*found)

    def mouseDoubleClickEvent(self, event) -> None:
        self.show_all()

    def wheelEvent(self, event) -> None:
        low, high = self.range
        turn = event.angleDelta().y() / 120.0
        width = (high - low) * 0.8**turn
        at = (event.pos().x() - self._label) / self._area.width()
        width = min(max(width, NARROWEST), max(len(self.track), NARROWEST))
        self._look(low + at * (high - low) - at * width, width)
        event.accept()

    def leaveEvent(self, event) -> None:
        self._point(None)

    def _point(self, under: tuple[Pair, int] | None) -> None:
        self.setCursor(Qt.ArrowCursor if under is None else Qt.PointingHandCursor)
        if under != self._under:
            self._under = under
            self.pointed.emit(under)
            self.update()


def _sorted(pair: Pair) -> Pair:
    return min(pair), max(pair)
