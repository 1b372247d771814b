"""The held picture: the window as it was at one moment, with a pen to draw on it."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.shortcuts import key_of
from zoo_gui.tokens import DARK

#: Names of colours, and the tokens that they are: bright ones, whatever the theme, for games and maps are dark.
COLOURS = (("Yellow", DARK.mark), ("Blue", DARK.lanes[0]), ("Green", DARK.lanes[2]), ("Pink", DARK.about))
WIDTH = 4.0
Qt = QtCore.Qt


class Held(QtWidgets.QWidget):
    """Covers the window while it holds a picture. ``ended``: it does not any more."""

    ended = QtCore.Signal()

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setCursor(Qt.CrossCursor)
        self.setAccessibleName("Held picture")
        self._picture = self._drawn = QtGui.QPixmap()
        self._strokes: list[tuple[str, QtGui.QPolygonF]] = []
        self._colour = 0
        self._bar = QtWidgets.QFrame(self)
        self._bar.setObjectName("pens")
        self._bar.setAttribute(Qt.WA_StyledBackground)
        self._bar.setStyleSheet(f"#pens {{ background: {DARK.raised}; border: 1px solid {DARK.control}; "
                                "border-radius: 6px; }")
        self._bar.setCursor(Qt.ArrowCursor)
        row = QtWidgets.QHBoxLayout(self._bar)
        row.setContentsMargins(8, 5, 8, 5)
        self._tips: list[tuple[QtWidgets.QToolButton, str, str]] = []
        self.pens = [self._button(f"● {name}", f"Draw in {name.lower()}", partial(self.choose, number - 1),
                                  f"draw_{number}") for number, (name, _) in enumerate(COLOURS, 1)]  # fmt: skip
        for text, words, command, does in (("Undo", "Take the last line back", "draw_undo", self.undo),
                                           ("Clear", "Take all lines back", "draw_clear", self.clear),
                                           ("Done", "Let the picture go", "hold_picture", self.hide)):
            self._button(text, words, does, command).setStyleSheet(
                f"color: {DARK.text}; background: {DARK.base}; padding: 2px 8px; border: 1px solid {DARK.control}; "
                "border-radius: 4px;")
        self._name_keys()
        self.hide()

    def _button(self, text: str, words: str, does, command: str) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setText(text)
        button.setAccessibleName(words)
        button.setFocusPolicy(Qt.NoFocus)
        button.clicked.connect(lambda *_: does())
        self._bar.layout().addWidget(button)
        self._tips.append((button, words, command))
        return button

    def _name_keys(self) -> None:
        """As they are now."""
        for button, words, command in self._tips:
            button.setToolTip(f"{words} ({key_of(command)})")

    @property
    def strokes(self) -> int:
        """Lines drawn so far."""
        return len(self._strokes)

    def hold(self) -> None:
        """Hold what the window shows now."""
        window = self.parentWidget()
        self._picture = window.grab()
        self._strokes = []
        self._name_keys()
        self.choose(self._colour)
        self._redraw()
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self._bar.adjustSize()
        self._place_bar()
        self._bar.show()
        self.setFocus()

    def _place_bar(self) -> None:
        self._bar.move((self.width() - self._bar.width()) // 2, 8)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place_bar()

    def choose(self, number: int) -> None:
        """Which colour the next line has."""
        self._colour = number
        for place, (button, (_, colour)) in enumerate(zip(self.pens, COLOURS)):
            button.setCheckable(True)
            button.setChecked(place == number)
            button.setStyleSheet(f"color: {colour}; background: {DARK.base}; padding: 2px 8px; border-radius: 4px; "
                                 f"border: 2px solid {colour if place == number else DARK.base}")

    def undo(self) -> None:
        """Take the last line back."""
        if self._strokes:
            self._strokes.pop()
            self._redraw()

    def clear(self) -> None:
        """Take all lines back."""
        if self._strokes:
            self._strokes = []
            self._redraw()

    # -- drawing ------------------------------------------------------------------------------------------------
    def _redraw(self) -> None:
        self._drawn = QtGui.QPixmap(self._picture)
        painter = self._pen(QtGui.QPainter(self._drawn), "")
        for colour, line in self._strokes:
            self._pen(painter, colour).drawPolyline(line)
        painter.end()
        self.update()

    def _pen(self, painter: QtGui.QPainter, colour: str) -> QtGui.QPainter:
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        width = WIDTH * max(1.0, self.height() / 1080)
        painter.setPen(QtGui.QPen(QtGui.QColor(colour or DARK.mark), width, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
        return painter

    def mousePressEvent(self, event) -> None:
        place = QtCore.QPointF(event.pos())
        self._strokes.append((COLOURS[self._colour][1], QtGui.QPolygonF([place])))
        self._draw(place, place)

    def mouseMoveEvent(self, event) -> None:
        if event.buttons() and self._strokes:
            line = self._strokes[-1][1]
            before, place = line[line.count() - 1], QtCore.QPointF(event.pos())
            line.append(place)
            self._draw(before, place)

    def _draw(self, before: QtCore.QPointF, place: QtCore.QPointF) -> None:
        """One piece of the line that is being drawn; only its place is painted."""
        painter = self._pen(QtGui.QPainter(self._drawn), self._strokes[-1][0])
        painter.drawLine(before, place) if before != place else painter.drawPoint(place)
        painter.end()
        self.update(QtCore.QRectF(before, place).normalized().adjusted(-9, -9, 9, 9).toAlignedRect())

    def paintEvent(self, event) -> None:
        ratio = self._drawn.devicePixelRatioF()
        part = QtCore.QRectF(event.rect())
        source = QtCore.QRectF(part.topLeft() * ratio, part.size() * ratio)
        painter = QtGui.QPainter(self)
        painter.fillRect(event.rect(), QtGui.QColor(DARK.base))  # where the window has grown is no picture
        painter.drawPixmap(part, self._drawn, source)

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        if event.spontaneous():  # the window is minimised, and comes back
            return
        self._picture = self._drawn = QtGui.QPixmap()
        self._strokes = []
        self.ended.emit()
