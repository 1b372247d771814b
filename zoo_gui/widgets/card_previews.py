"""Several guesses about one file, each playing its own game: the part of the card wizard that shows them."""

from __future__ import annotations

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import rgb32
from zoo_gui.types import Preview
from zoo_gui.widgets.controls import mark

COLUMNS = 3
SCREEN = QtCore.QSize(168, 132)
"""On which a game is drawn, about as wide as a television of the time showed it."""
TELLING = 150
"""Agent steps before one guess is called ahead of the others."""


class PreviewGrid(QtWidgets.QWidget):
    """``chosen(name)`` when the person takes one; ``begin`` empties it for another question. steps: agent steps that
    every guess has played, 0 before."""

    chosen = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self.title = QtWidgets.QLabel()
        self.title.setWordWrap(True)
        self.tiles: dict[str, Tile] = {}
        self.steps = 0
        self._grid = QtWidgets.QGridLayout()
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self.title)
        column.addLayout(self._grid)
        column.addStretch(1)

    def begin(self, label: str) -> None:
        """Nothing plays yet for the guess of that name."""
        for tile in self.tiles.values():
            self._grid.removeWidget(tile)
            tile.deleteLater()
        self.tiles, self.steps = {}, 0
        self.title.setText(f"{label}: its plausible values play the same game …")
        self.title.setTextFormat(QtCore.Qt.PlainText)

    def show_fault(self, sentence: str) -> None:
        """Nothing can be played, and why."""
        self.title.setText(sentence)

    def show_previews(self, previews: tuple[Preview, ...]) -> None:
        """Draw each guess's game, and say which is ahead."""
        for preview in previews:
            if preview.name not in self.tiles:
                tile = self.tiles[preview.name] = Tile(preview.name, len(previews) > 1)
                tile.button.clicked.connect(lambda _on=False, name=preview.name: self.chosen.emit(name))
                place = len(self.tiles) - 1
                self._grid.addWidget(tile, place // COLUMNS, place % COLUMNS)
        best = leader(previews)
        self.steps = min((preview.steps for preview in previews if not preview.fault), default=0)
        for preview in previews:
            self.tiles[preview.name].show_preview(preview, preview.name == best)


def leader(previews: tuple[Preview, ...]) -> str | None:
    """The name of the guess that is ahead of all others, None where nothing can be said."""
    playing = sorted((one for one in previews if not one.fault), key=lambda one: -one.standing)
    if not playing or min(one.steps for one in playing) < TELLING:
        return None
    if len(playing) > 1 and playing[0].standing == playing[1].standing:
        return None
    return playing[0].name if len(previews) > 1 else None


class Tile(QtWidgets.QFrame):
    """One guess: its value, its game, its score, and a button to take it."""

    def __init__(self, name: str, choosable: bool):
        super().__init__()
        self.setObjectName("tile")
        self.setFrameShape(QtWidgets.QFrame.StyledPanel)
        self.name = QtWidgets.QLabel()
        metrics = self.name.fontMetrics()
        self.name.setText(metrics.elidedText(name, QtCore.Qt.ElideRight, SCREEN.width()))
        self.name.setTextFormat(QtCore.Qt.PlainText)
        self.name.setToolTip(name)
        self.screen = QtWidgets.QLabel()
        self.screen.setFixedSize(SCREEN)
        self.screen.setAlignment(QtCore.Qt.AlignCenter)
        self.screen.setWordWrap(True)
        self.score = QtWidgets.QLabel("…")
        self.button = QtWidgets.QPushButton("This one")
        self.button.setVisible(choosable)
        self.button.setAutoDefault(False)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        for widget in (self.name, self.screen, self.score, self.button):
            column.addWidget(widget)

    def show_preview(self, preview: Preview, ahead: bool) -> None:
        """Its game now."""
        mark(self, "ahead", ahead)
        if preview.fault:
            self.screen.setText("cannot play")
            self.screen.setToolTip(preview.fault)
            self.score.setText("")
            return
        if preview.frame.size:
            self.screen.setPixmap(_pixmap(preview.frame))
        games = f"mean of {preview.games}: {preview.mean:.1f}, now " if preview.games else ""
        self.score.setText(f"{games}{preview.gained:g}{'  – ahead' if ahead else ''}")


def _pixmap(frame: np.ndarray) -> QtGui.QPixmap:
    image = ndarray_to_qimage(rgb32(frame), QtGui.QImage.Format_RGB32)
    return QtGui.QPixmap.fromImage(image).scaled(SCREEN, QtCore.Qt.IgnoreAspectRatio, QtCore.Qt.SmoothTransformation)
