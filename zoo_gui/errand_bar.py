"""Something that takes a while, said in the status bar, with a button that ends it."""

from __future__ import annotations

from typing import Callable

from pyqtgraph.Qt import QtCore, QtWidgets

PATIENCE = 400
"""Milliseconds before it is said: what is done sooner needs no words."""


class Errand(QtWidgets.QWidget):
    """One at a time: ``begin`` and ``tell``, then ``end``. It shows itself only where it takes long."""

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.words, self.bar, self.stop = QtWidgets.QLabel(), QtWidgets.QProgressBar(), QtWidgets.QPushButton("Stop")
        self.bar.setMaximumWidth(140)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How far it is")
        for widget in (self.words, self.bar, self.stop):
            row.addWidget(widget)
        self.stop.clicked.connect(self._on_stop)
        self._stopped: Callable[[], None] | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.show)
        self.hide()

    def begin(self, words: str, stopped: Callable[[], None] | None = None) -> None:
        """Something begins. stopped: what the button does; None: it cannot be ended."""
        self._stopped = stopped
        self.stop.setVisible(stopped is not None)
        self.stop.setToolTip(f"End this: {words}")
        self.tell(words, 0, 0)
        if not self.isVisible():
            self._timer.start(PATIENCE)

    def tell(self, words: str, done: int, total: int) -> None:
        """How far it is; total 0: nobody knows."""
        self.words.setText(words)
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def end(self) -> None:
        """It is over."""
        self._timer.stop()
        self._stopped = None
        self.hide()

    def _on_stop(self) -> None:
        stopped = self._stopped
        self.end()
        if stopped is not None:
            stopped()
