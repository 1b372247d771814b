"""Colours and letters of what is painted, as the present theme and type size have them."""

from __future__ import annotations

from functools import partial
from typing import Callable

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens

Qt = QtCore.Qt
ACCENT = QtGui.QColor(255, 255, 255)  # of selections; always with a dark rim, so that it shows on any colour
RIM = QtGui.QColor(0, 0, 0)


def cosmetic(colour, width: float = 1.0) -> QtGui.QPen:
    """A pen whose width is in screen pixels whatever the zoom."""
    pen = QtGui.QPen(QtGui.QColor(colour))
    pen.setWidthF(width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.MiterJoin)
    return pen


class Ink:
    """The text colour of the present theme, whichever that is when it is asked for: 1 full, towards 0 fading into the
    ground. Words need 0.7."""

    def __init__(self, strength: float = 1.0):
        self._strength = strength

    def __call__(self) -> QtGui.QColor:
        return mixed("background", "text", self._strength)


def hue(colour) -> QtGui.QColor:
    """A colour as it is now, of what an item was made with: a function that gives it, the name of a token, or just a
    colour, which is the same in any theme."""
    if callable(colour):
        colour = colour()
    if isinstance(colour, str) and hasattr(tokens.DARK, colour):
        colour = getattr(tokens.current(), colour)
    return QtGui.QColor(colour)


def lane_colour(lane: int) -> str:
    """Colour of a lane in this theme, ``#RRGGBB``; of words, too."""
    colours = tokens.current().lanes
    return colours[lane % len(colours)]


def lane_ink(lane: int) -> Callable[[], str]:
    """The same for an item that is to follow the theme."""
    return partial(lane_colour, lane)


def mixed(first: str, second: str, share: float) -> QtGui.QColor:
    """``share`` of the second colour in the first, both named as for ``hue``: opaque, so that painting stays cheap."""
    parts = zip(hue(first).getRgb()[:3], hue(second).getRgb()[:3])
    return QtGui.QColor(*(round(a + share * (b - a)) for a, b in parts))


def shades(first: str, second: str, shares: np.ndarray) -> np.ndarray:
    """The same for many shares, (N,): (N,) uint32 RGB32."""
    found = np.uint32(0xFF000000)
    for one, other, shift in zip(hue(first).getRgb()[:3], hue(second).getRgb()[:3], (16, 8, 0)):
        found = found | np.rint(one + shares * (other - one)).astype(np.uint32) << np.uint32(shift)
    return found


def tick_font() -> QtGui.QFont:
    """Of the numbers along axes."""
    return letter_font(7.5)


def letter_font(points: float = 9.0, bold: bool = False) -> QtGui.QFont:
    """The application's font in another size: ``points`` where the type is normal."""
    font = QtGui.QFont(QtWidgets.QApplication.font())
    font.setPointSizeF(tokens.points(points))
    font.setBold(bold)
    return font


def line_height(points: float = 9.0) -> int:
    """Pixels that a line of text needs."""
    return QtGui.QFontMetrics(letter_font(points)).height()


class Writer:
    """Draws short texts that come back again and again: laid out once, a third of ``drawText``'s cost."""

    CAPACITY = 3000

    def __init__(self):
        self._texts: dict[tuple[str, int, bool], QtGui.QStaticText] = {}
        self._sizes: dict[tuple[str, int, bool], tuple[float, float]] = {}
        self._fonts: dict[tuple[int, bool], QtGui.QFont] = {}

    def font(self, pixels: int, bold: bool) -> QtGui.QFont:
        if (pixels, bold) not in self._fonts:
            font = self._fonts[pixels, bold] = letter_font()
            font.setPixelSize(pixels)
            font.setBold(bold)
        return self._fonts[pixels, bold]

    def text(self, painter, row: QtCore.QRectF, text: str, pixels: int, *, bold=False, indent=0.0, right=False) -> None:
        """Draw in the middle of the row's height, ``indent`` from its left or (``right``) right end."""
        font = self.font(pixels, bold)
        static = self._texts.get((text, pixels, bold))
        if static is None:
            if len(self._texts) > self.CAPACITY:
                self._texts.clear()
                self._sizes.clear()
            static = self._texts[text, pixels, bold] = QtGui.QStaticText(text)
            static.setTextFormat(QtCore.Qt.PlainText)
            static.prepare(QtGui.QTransform(), font)
            size = static.size()
            self._sizes[text, pixels, bold] = size.width(), size.height() / 2
        width, half = self._sizes[text, pixels, bold]
        left = row.right() - indent - width if right else row.left() + indent
        painter.setFont(font)
        painter.drawStaticText(int(left), int(row.top() + row.height() / 2 - half), static)
