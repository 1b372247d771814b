"""Many small games in one picture: the part of the wall that draws them, and that mouse and keys act on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import rgb32
from zoo_gui.types import Preview
from zoo_gui.widgets.inks import hue
from zoo_gui.widgets.items import ACCENT, RIM, letter_font

Qt = QtCore.Qt
ASPECT = 160 * 5 / (210 * 3)
"""Width over height of a game, as a television of the time showed it."""
GAP = 6


@dataclass
class Tile:
    """One game. agent: its id; title, words: what it is called. image reads memory."""

    agent: str
    title: str
    words: str
    preview: Preview | None = None
    image: QtGui.QImage | None = None
    memory: np.ndarray | None = None

    def take(self, preview: Preview) -> None:
        """Show this from now on."""
        self.preview = preview
        if preview.frame.size:
            self.memory = rgb32(preview.frame)
            self.image = ndarray_to_qimage(self.memory, QtGui.QImage.Format_RGB32)

    @property
    def score(self) -> str:
        """Of the game that is played."""
        playing = self.preview is not None and self.preview.steps and not self.preview.fault
        return f"{self.preview.gained:,g}".replace("-", "−") if playing else ""

    @property
    def mean(self) -> str:
        """Of the games before, where there were any."""
        if self.preview is None or not self.preview.games:
            return ""
        return f"mean of {self.preview.games}: {self.preview.mean:,.4g}".replace("-", "−")

    @property
    def said(self) -> str:
        """Everything in words."""
        parts = [f"{self.title} · {self.words}", self.agent]
        parts += [f"score {self.score}"] if self.score else []
        parts += [self.mean] if self.mean else []
        parts += [self.preview.fault] if self.preview is not None and self.preview.fault else []
        return " · ".join(parts)


class WallGrid(QtWidgets.QWidget):
    """``opened(agent, beside)``: a tile was clicked, or Enter pressed on it, with Shift beside the others.
    ``removed(agent)``: Delete, or the menu. ``said(words)``: what is under the mouse. may_remove: whether tiles can be
    taken away."""

    opened = QtCore.Signal(str, bool)
    removed = QtCore.Signal(str)
    said = QtCore.Signal(str)
    own_keys = ("Left", "Right", "Up", "Down")

    def __init__(self):
        super().__init__()
        self.tiles: list[Tile] = []
        self.current, self.may_remove = 0, False
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.PointingHandCursor)
        self.setAccessibleName("Wall of games")
        self.setMinimumSize(200, 120)
        self._pressed: int | None = None
        self._boxes: list[QtCore.QRect] = []
        self.columns = 1

    def set_type(self) -> None:
        self._arrange()

    # -- content ------------------------------------------------------------------------------------------------
    def set_tiles(self, tiles: list[Tile]) -> None:
        """Other games, in this order; of those that were here, what was seen last stays until there is news."""
        kept = self.tiles[self.current].agent if self.tiles else ""
        known = {tile.agent: tile for tile in self.tiles}
        for tile in tiles:
            if tile.agent in known and (last := known[tile.agent].preview) is not None and not last.fault:
                tile.take(last)
        self.tiles = tiles
        self.current = next((place for place, tile in enumerate(tiles) if tile.agent == kept), 0)
        self._arrange()

    def take(self, previews: tuple[Preview, ...]) -> None:
        """Draw these anew."""
        places = {tile.agent: place for place, tile in enumerate(self.tiles)}
        for preview in previews:
            if preview.name in places:
                place = places[preview.name]
                self.tiles[place].take(preview)
                self.update(self._boxes[place])

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """In as many columns as show the games largest."""
        count = max(1, len(self.tiles))
        self.columns = max(range(1, count + 1), key=lambda columns: (self._across(columns), -columns))
        across = max(24.0, self._across(self.columns))
        height = across / ASPECT + self._caption()
        rows = -(-count // self.columns)
        left = (self.width() - self.columns * (across + GAP) + GAP) / 2
        top = max(GAP, (self.height() - rows * (height + GAP) + GAP) / 2)
        self._boxes = []
        for place in range(len(self.tiles)):
            row, column = divmod(place, self.columns)
            corner = math.floor(left + column * (across + GAP)), math.floor(top + row * (height + GAP))
            self._boxes.append(QtCore.QRect(*corner, math.floor(across), math.floor(height)))
        self.update()

    def _across(self, columns: int) -> float:
        """Width of a game in so many columns."""
        rows = -(-max(1, len(self.tiles)) // columns)
        across = (self.width() - GAP * (columns + 1)) / columns
        down = (self.height() - GAP * (rows + 1)) / rows - self._caption()
        return min(across, down * ASPECT)

    def _caption(self) -> int:
        return 2 * self.fontMetrics().height() + 4

    def box(self, place: int) -> QtCore.QRectF:
        """Where a tile lies, game and words."""
        return QtCore.QRectF(self._boxes[place])

    def place_at(self, position: QtCore.QPoint) -> int | None:
        """The tile there."""
        return next((place for place, box in enumerate(self._boxes) if box.contains(position)), None)

    # -- drawing ------------------------------------------------------------------------------------------------
    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform)
        for place, tile in enumerate(self.tiles):
            if event.region().intersects(self._boxes[place]):
                box = self.box(place)
                self._paint_tile(painter, tile, box)
                if place == self.current and self.hasFocus():
                    self._paint_rim(painter, box)

    def _paint_tile(self, painter: QtGui.QPainter, tile: Tile, box: QtCore.QRectF) -> None:
        game = QtCore.QRectF(box.x(), box.y(), box.width(), box.height() - self._caption())
        fault = tile.preview.fault if tile.preview is not None else ""
        if tile.image is None or fault:
            painter.fillRect(game, hue("base"))
            painter.setPen(hue("warning" if fault else "dim"))
            painter.setFont(letter_font(8))
            inside = game.adjusted(8, 6, -8, -6)
            fits = painter.fontMetrics().horizontalAdvance("loading") <= inside.width()
            painter.drawText(inside, Qt.AlignCenter | Qt.TextWordWrap, fault or ("loading …" if fits else "…"))
        else:
            painter.drawImage(game, tile.image)
        words = QtCore.QRectF(box.x(), game.bottom(), box.width(), self._caption())
        painter.fillRect(words, hue("raised"))
        line = self.fontMetrics().height()
        upper = QtCore.QRectF(words.x() + 5, words.y() + 1, words.width() - 10, line)
        self._paint_line(painter, upper, tile.title, tile.score, hue("text"), True)
        self._paint_line(painter, upper.translated(0, line), tile.words, tile.mean, hue("dim"), False)

    def _paint_line(self, painter, box: QtCore.QRectF, left: str, right: str, colour: QtGui.QColor, bold: bool) -> None:
        """Words to the left, numbers to the right; the numbers have the first claim."""
        painter.setFont(letter_font(9 if bold else 8, bold))
        painter.setPen(colour)
        metrics = painter.fontMetrics()
        painter.drawText(box, Qt.AlignRight | Qt.AlignVCenter, right)
        room = box.width() - (metrics.horizontalAdvance(right) + 8 if right else 0)
        painter.drawText(box, Qt.AlignLeft | Qt.AlignVCenter, metrics.elidedText(left, Qt.ElideRight, int(room)))

    def _paint_rim(self, painter: QtGui.QPainter, box: QtCore.QRectF) -> None:
        for colour, width in ((RIM, 4), (ACCENT, 2)):
            painter.setPen(QtGui.QPen(colour, width))
            painter.drawRect(box.adjusted(1, 1, -2, -2))

    # -- mouse and keys -----------------------------------------------------------------------------------------
    def select(self, place: int) -> None:
        """Have the keys act on this tile."""
        self.current = place
        self.setAccessibleDescription(self.tiles[place].said)
        self.said.emit(self.tiles[place].said)
        self.update()

    def keyPressEvent(self, event) -> None:
        ways = {Qt.Key_Left: -1, Qt.Key_Right: 1, Qt.Key_Up: -self.columns, Qt.Key_Down: self.columns}
        if not self.tiles:
            super().keyPressEvent(event)
        elif event.key() in ways:
            place = self.current + ways[event.key()]
            if 0 <= place < len(self.tiles):
                self.select(place)
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self.opened.emit(self.tiles[self.current].agent, bool(event.modifiers() & Qt.ShiftModifier))
        elif event.key() == Qt.Key_Delete and self.may_remove:
            self.removed.emit(self.tiles[self.current].agent)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event) -> None:
        self._pressed = self.place_at(event.pos())
        if self._pressed is not None:
            self.select(self._pressed)

    def mouseReleaseEvent(self, event) -> None:
        place = self.place_at(event.pos())
        if event.button() == Qt.LeftButton and place is not None and place == self._pressed:
            self.opened.emit(self.tiles[place].agent, bool(event.modifiers() & Qt.ShiftModifier))

    def contextMenuEvent(self, event) -> None:
        place = self.current if event.reason() == event.Keyboard else self.place_at(event.pos())
        if place is None or place >= len(self.tiles):
            return
        agent = self.tiles[place].agent
        menu = QtWidgets.QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        menu.addAction("Open", lambda: self.opened.emit(agent, False))
        menu.addAction("Open beside", lambda: self.opened.emit(agent, True))
        if self.may_remove:
            menu.addAction("Take off the wall", lambda: self.removed.emit(agent))
        menu.popup(event.globalPos())

    def mouseMoveEvent(self, event) -> None:
        place = self.place_at(event.pos())
        self.said.emit("" if place is None else f"{self.tiles[place].said} · click to open it, with Shift beside")

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.said.emit("")

    def focusInEvent(self, event) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        self.update()
