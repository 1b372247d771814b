"""Hands for a sitting: real key and mouse events, sent to the widget that a person would hit."""

from __future__ import annotations

from sitting import Sitting

from zoo_gui.types import Unit

MOVE_SECONDS, MOVES = 0.4, 12


class Hands:
    """``pace``: seconds that the person looks after each act; 0 for a test."""

    def __init__(self, sitting: Sitting, pace: float = 0.0):
        self.sitting, self.window, self.pace = sitting, sitting.window, pace

    def key(self, text: str, target=None) -> None:
        """Press a key sequence in portable text (``Ctrl+Shift+O``), in the window or in this widget."""
        from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

        widget = target or self._focus(QtWidgets)
        combined = QtGui.QKeySequence(text)[0]
        modifiers = QtCore.Qt.KeyboardModifiers(combined & int(QtCore.Qt.KeyboardModifierMask))
        QtTest.QTest.keyClick(widget, QtCore.Qt.Key(combined & ~int(QtCore.Qt.KeyboardModifierMask)), modifiers)
        self.sitting.rest(self.pace)

    def _focus(self, QtWidgets):
        """Where keys go: the focus of the window or of the dialog over it."""
        top = QtWidgets.QApplication.activeModalWidget() or self.window
        return top.focusWidget() or top

    def type(self, words: str, target=None, delay: int = 0) -> None:
        """Type words, ``delay`` milliseconds between letters."""
        from pyqtgraph.Qt import QtTest, QtWidgets

        QtTest.QTest.keyClicks(target or self._focus(QtWidgets), words, delay=delay)
        self.sitting.rest(self.pace / 2)

    def click(self, widget, place=None, modifiers=None) -> None:
        """Move the mouse there, where it is seen moving, and click: the middle of a widget, or a place in it."""
        from pyqtgraph.Qt import QtCore, QtGui, QtTest

        place = place or widget.rect().center()
        begin, end = QtGui.QCursor.pos(), widget.mapToGlobal(place)
        for step in range(1, MOVES + 1 if self.pace else 1):
            QtGui.QCursor.setPos(begin + (end - begin) * step / MOVES)
            self.sitting.rest(MOVE_SECONDS / MOVES)
        QtTest.QTest.mouseClick(widget, QtCore.Qt.LeftButton, modifiers or QtCore.Qt.NoModifier, place)
        self.sitting.rest(self.pace)

    def click_unit(self, lane: int, text: str) -> None:
        """Click a unit's tile in Activations, and wait until it is the selected one."""
        unit, panel = Unit.parse(text), self.sitting.panels["activations"]
        cell, canvas = panel._cells[lane, unit.layer], panel._canvas
        place = canvas.mapFromScene(cell.item.mapToScene(cell.item.tile_box(unit.index).center()))
        self.click(canvas.viewport(), place)
        if self.sitting.session.selected != (lane, unit):
            raise SystemExit(f"a click on {text} selected {self.sitting.session.selected}")

    def choose_agent(self, key: str, words: str) -> None:
        """Open the dialog by its key, search, and take the first that is found; wait until it is there."""
        from pyqtgraph.Qt import QtWidgets

        session, before = self.sitting.session, self.sitting.session.lanes
        self.key(key)
        self.sitting.wait(lambda: QtWidgets.QApplication.activeModalWidget())
        dialog = QtWidgets.QApplication.activeModalWidget()
        self.sitting.wait(lambda: dialog.browser.model.rowCount() > 0)
        self.type(words, dialog.browser.search, delay=60 if self.pace else 0)
        self.sitting.wait(lambda: dialog.browser.table.selectionModel().hasSelection())
        self.sitting.rest(0.3)
        self.key("Return", dialog.browser.search)
        self.sitting.wait(lambda: session.lanes != before and session.last_step(len(session.lanes) - 1) is not None)
        QtWidgets.QApplication.setActiveWindow(self.window)  # as a window manager does, where there is one
        self.sitting.rest(self.pace)
