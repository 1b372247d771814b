"""A part of the window, chosen by dragging a box over it."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens

Qt = QtCore.Qt
LEAST = 16  # pixels; less was a click


class RegionPicker(QtWidgets.QWidget):
    """Lies over a window until a box was dragged: ``picked(QRect)`` in the window's coordinates, or ``left``."""

    picked = QtCore.Signal(QtCore.QRect)
    left = QtCore.Signal()

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setCursor(Qt.CrossCursor)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName("Drag a box around what is to be recorded")
        self._from: QtCore.QPoint | None = None
        self.box = QtCore.QRect()
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.setFocus()
        QtWidgets.QApplication.instance().installEventFilter(self)  # before the window's own keys, whose Esc is another

    def mousePressEvent(self, event) -> None:
        self._from = event.pos()
        self.box = QtCore.QRect()

    def mouseMoveEvent(self, event) -> None:
        if self._from is not None:
            self.box = QtCore.QRect(self._from, event.pos()).normalized() & self.rect()
            self.update()

    def mouseReleaseEvent(self, event) -> None:
        self._from = None
        if min(self.box.width(), self.box.height()) >= LEAST:
            self.hide()
            self.picked.emit(QtCore.QRect(self.box))
            self.close()

    def eventFilter(self, watched, event) -> bool:
        ours = isinstance(watched, QtWidgets.QWidget) and watched.window() is self.window()
        if event.type() != QtCore.QEvent.KeyPress or event.key() != Qt.Key_Escape or not ours:
            return False
        self.left.emit()
        self.close()
        return True

    def closeEvent(self, event) -> None:
        QtWidgets.QApplication.instance().removeEventFilter(self)
        super().closeEvent(event)

    def paintEvent(self, event) -> None:
        painter, theme = QtGui.QPainter(self), tokens.current()
        shade = QtGui.QColor(theme.background)
        shade.setAlpha(140)
        painter.setClipRegion(QtGui.QRegion(self.rect()) - QtGui.QRegion(self.box))
        painter.fillRect(self.rect(), shade)
        painter.setClipping(False)
        painter.setPen(QtGui.QPen(QtGui.QColor(theme.accent), 2))
        if not self.box.isNull():
            painter.drawRect(self.box)
        words = f"{self.box.width()} × {self.box.height()}" if not self.box.isNull() else (
            "Drag a box around what is to be recorded. Esc: back.")
        font = QtGui.QFont(self.font())
        font.setBold(True)
        painter.setFont(font)
        wide = painter.fontMetrics().horizontalAdvance(words) + 24
        place = QtCore.QRect((self.width() - wide) // 2, self.height() // 2 - 20, wide, 40)
        painter.fillRect(place, QtGui.QColor(theme.raised))
        painter.setPen(QtGui.QColor(theme.text))
        painter.drawText(place, Qt.AlignCenter, words)
