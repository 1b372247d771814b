"""Pictures of a part of the window for films: at the size of the screen, or drawn anew at any other so that words and
lines stay sharp. Only what changed since the picture before is drawn."""

from __future__ import annotations

import contextlib
from typing import Callable, Iterator

import numpy as np
import pyqtgraph.Qt
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import backing

BLOCK = 32
"""Pixels across and down of the parts that are looked at for changes."""
NOT_FILMED = "not_filmed"
"""A property of widgets that are on screen but not in films."""
_ARROW = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))


class Camera:
    """Takes pictures of a widget, or of a region of its window, with the pointer and open menus.

    size: of the pictures, None: of the target on its screen now. crisp: other sizes are drawn anew; else a picture has
    the screen's size and whoever takes it scales it. below: pixels that are kept free under the picture for captions.
    hidden: widgets that are painted out. canvas: (width, height) of the pictures as they come. Raises ValueError for a
    region outside the window.
    """

    def __init__(self, target: QtWidgets.QWidget, region: QtCore.QRect | None = None,
                 size: tuple[int, int] | None = None, crisp: bool = True, below: Callable[[int], int] = lambda high: 0,
                 hidden: tuple[QtWidgets.QWidget, ...] = (), pointer: bool = True):
        self.target, self.region, self.hidden, self.pointer = target, region, hidden, pointer
        self.is_rendering = False  # paints into a film are no paints on the screen
        if self._rect().isEmpty():
            raise ValueError("nothing of the window is in that region")
        if size is None or not crisp:
            width, height = self._natural()
            self.strip = below(height)
            self.canvas = width, height + self.strip
        else:
            self.strip, self.canvas = below(size[1]), size
        self._picture = np.zeros((self.canvas[1], self.canvas[0], 4), np.uint8)
        self._before: np.ndarray | None = None
        self._place: tuple | None = None

    @property
    def caption_image(self) -> QtGui.QImage:
        """The part under the picture, to be painted on."""
        width, height = self.canvas
        return self._image(0, height - self.strip, width, self.strip)

    @contextlib.contextmanager
    def picture(self) -> Iterator[np.ndarray]:
        """(H, W, 4) uint8 BGRA of now, valid inside the ``with``."""
        self.is_rendering = True
        try:
            content = self._draw()
            undo = []
            for rect, paint in self._extras(content):
                undo.append(self._painted(content, rect, paint))
        finally:
            self.is_rendering = False
        yield self._picture
        for part, kept in reversed(undo):
            part[:] = kept

    # -- where ---------------------------------------------------------------------------------------------------
    def _rect(self) -> QtCore.QRect:
        """What is filmed, in the window's coordinates."""
        window = self.target.window()
        if self.region is not None:
            return self.region.intersected(window.rect())
        return QtCore.QRect(self.target.mapTo(window, QtCore.QPoint(0, 0)), self.target.size())

    def _natural(self) -> tuple[int, int]:
        ratio, rect = self.target.devicePixelRatioF(), self._rect()
        return max(2, round(rect.width() * ratio)), max(2, round(rect.height() * ratio))

    def _image(self, left: int, top: int, width: int, height: int) -> QtGui.QImage:
        """A part of the picture as the toolkit paints on it."""
        part = self._picture[top : top + height, left : left + width]
        address = pyqtgraph.Qt.sip.voidptr(part.ctypes.data)
        return QtGui.QImage(address, width, height, self._picture.strides[0], QtGui.QImage.Format_RGB32)

    # -- the picture ----------------------------------------------------------------------------------------------
    def _draw(self) -> "Content":
        """Bring the picture up to date."""
        window, rect = self.target.window(), self._rect()
        content = self._placed(rect)
        seen = self._seen(window, rect)
        if seen is not None and seen.shape[:2] == content.pixels.shape[:2]:
            content.pixels[:] = seen
            self._before = None
        elif seen is not None:
            self._draw_changes(window, rect, seen, content)
        else:  # not on screen: behind a tab, minimised, or on a platform that does not hand its picture out
            self._before = None
            inside = self.target.isVisible() and window.rect().contains(rect)  # in a hidden one's place is another
            widget, region = (window, QtGui.QRegion(rect)) if inside else (self.target, QtGui.QRegion())
            widget.render(content.image, QtCore.QPoint(0, 0), region)
        return content

    def _placed(self, rect: QtCore.QRect) -> "Content":
        """Where the part of the window lies in the picture: as large as fits, in its centre."""
        room = self.canvas[0], self.canvas[1] - self.strip
        ratio = self.target.devicePixelRatioF()
        scale = min(room[0] / max(1, rect.width()), room[1] / max(1, rect.height()))
        if abs(round(rect.width() * ratio) - room[0]) <= 1 and abs(round(rect.height() * ratio) - room[1]) <= 1:
            scale = ratio
        width = max(1, min(room[0], round(rect.width() * scale)))
        height = max(1, min(room[1], round(rect.height() * scale)))
        left, top = (room[0] - width) // 2, (room[1] - height) // 2
        place = (rect.getRect(), scale, left, top)
        if place != self._place:
            self._place, self._before = place, None
            self._picture[: room[1]] = 0
        image = self._image(left, top, width, height)
        image.setDevicePixelRatio(scale)
        return Content(self._picture[top : top + height, left : left + width], image, rect, scale)

    def _seen(self, window: QtWidgets.QWidget, rect: QtCore.QRect) -> np.ndarray | None:
        """What is on screen of it, in the screen's pixels."""
        if not (self.target.isVisible() and window.rect().contains(rect)):
            return None
        shown = backing.shown(window)
        if shown is None:
            return None
        ratio = window.devicePixelRatioF()
        left, top = round(rect.left() * ratio), round(rect.top() * ratio)
        part = shown[top : top + round(rect.height() * ratio), left : left + round(rect.width() * ratio)]
        return part if part.size else None

    def _draw_changes(
        self, window: QtWidgets.QWidget, rect: QtCore.QRect, seen: np.ndarray, content: "Content"
    ) -> None:
        """Draw those parts anew, at the picture's size, that are no longer what they were on screen."""
        if self._before is None or self._before.shape != seen.shape:
            self._before = np.array(seen)
            region = QtGui.QRegion(rect)
        else:
            region = changed(self._before, seen, window.devicePixelRatioF())
            region = region.translated(rect.topLeft()).intersected(rect)
            np.copyto(self._before, seen)
        if not region.isEmpty():
            window.render(content.image, region.boundingRect().topLeft() - rect.topLeft(), region)

    # -- what is laid over it ---------------------------------------------------------------------------------------
    def _extras(self, content: "Content") -> Iterator[tuple[QtCore.QRect, Callable[[QtGui.QPainter], None]]]:
        """(where in the part that is filmed, what paints there)."""
        window = self.target.window()
        for widget in self.hidden:
            if widget.isVisible() and widget.window() is window:
                rect = QtCore.QRect(widget.mapTo(window, QtCore.QPoint(0, 0)), widget.size())
                yield rect.translated(-content.rect.topLeft()), content.paint_out
        origin = window.mapToGlobal(content.rect.topLeft())
        for other in QtWidgets.QApplication.topLevelWidgets():
            if other.isVisible() and other is not window and not other.property(NOT_FILMED):
                rect = QtCore.QRect(other.mapToGlobal(QtCore.QPoint(0, 0)) - origin, other.size())
                if rect.intersects(QtCore.QRect(QtCore.QPoint(0, 0), content.rect.size())):
                    yield rect, lambda image, rect=rect, other=other: other.render(image, rect.topLeft())
        if self.pointer:
            at = QtGui.QCursor.pos()
            under = QtWidgets.QApplication.widgetAt(at)
            shown = QtWidgets.QApplication.overrideCursor() or (under and under.cursor())  # the laser's is over all
            if under is not None and shown.shape() != QtCore.Qt.BlankCursor:
                yield QtCore.QRect(at - origin, QtCore.QSize(14, 22)), lambda image: _arrow(image, at - origin)

    def _painted(self, content: "Content", rect: QtCore.QRect, paint: Callable) -> tuple[np.ndarray, np.ndarray]:
        """Paint something on top; the pixels there and what they were."""
        left, top = int(rect.left() * content.scale) - 1, int(rect.top() * content.scale) - 1
        right, bottom = (int((rect.left() + rect.width()) * content.scale) + 2,
                         int((rect.top() + rect.height()) * content.scale) + 2)  # fmt: skip
        part = content.pixels[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        kept = part.copy()
        if paint == content.paint_out:
            if part.size:
                part[:] = content.pixels[max(0, top), max(0, left - 1)]
        else:
            paint(content.image)
        return part, kept


class Content:
    """The part of a picture that shows the window: its pixels, the same for painting, what it shows and how large."""

    def __init__(self, pixels: np.ndarray, image: QtGui.QImage, rect: QtCore.QRect, scale: float):
        self.pixels, self.image, self.rect, self.scale = pixels, image, rect, scale

    def paint_out(self) -> None:
        """Stands for painting a part in the colour beside it."""


def changed(before: np.ndarray, now: np.ndarray, ratio: float = 1.0) -> QtGui.QRegion:
    """Where two pictures of one size differ, in units of ``ratio`` pixels, by blocks."""
    height, width = now.shape[:2]
    step = max(1, round(BLOCK * ratio))
    differs = before.view(np.uint32)[..., 0] != now.view(np.uint32)[..., 0]
    rows = np.array([np.bitwise_or.reduce(differs[top : top + step]) for top in range(0, height, step)])
    blocks = np.logical_or.reduceat(rows, np.arange(0, width, step), axis=1)
    region = QtGui.QRegion()
    for row, line in enumerate(blocks):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], line.view(np.int8), [0]))))
        for first, end in zip(edges[::2], edges[1::2]):  # one pixel more on each side: scaled edges share pixels
            left, top = int(first * step / ratio) - 1, int(row * step / ratio) - 1
            across, down = int((end - first) * step / ratio) + 3, int(step / ratio) + 3
            region = region.united(QtCore.QRect(left, top, across, down))
    return region


def _arrow(image: QtGui.QImage, at: QtCore.QPoint) -> None:
    """The mouse pointer, which no toolkit paints into a picture."""
    painter = QtGui.QPainter(image)
    painter.setRenderHint(QtGui.QPainter.Antialiasing)
    painter.setPen(QtGui.QPen(QtCore.Qt.white, 1.2))
    painter.setBrush(QtCore.Qt.black)
    painter.drawPolygon(QtGui.QPolygonF([QtCore.QPointF(at.x() + x, at.y() + y) for x, y in _ARROW]))
    painter.end()
