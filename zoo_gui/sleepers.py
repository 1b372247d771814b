"""Widgets that nobody sees sleep through a switch of looks, and take it over afterwards, a few at a time.

Qt gives all of a window's widgets another style sheet at once, and takes the old one from them first. Of two thousand
some two hundred are on screen; those are what a person waits for. Three facts about Qt 5 make it possible to leave the
others out (``QApplication::setStyle``): what is not marked as polished is neither polished nor unpolished, what is
marked as having a style of its own is not told of the switch, and a widget is polished again whenever it is sent the
event of it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import Iterator

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

REST_MS, PAUSE_MS = 400, 20
"""After a switch until the first sleepers wake, and between turns in which some do."""
TURN = 0.004
"""Seconds of a turn."""
POLISHED, OWN_STYLE = QtCore.Qt.WA_WState_Polished, QtCore.Qt.WA_SetStyle
BARS = QtWidgets.QStatusBar, QtWidgets.QToolBar
"""Which are as high as what is hidden in them."""
Widgets = list[QtWidgets.QWidget]


class Sleepers(QtCore.QObject):
    """The sleeping widgets of the application, by the outermost that is out of sight with them.

    Whatever is shown wakes before it is seen: ``wake`` does it, a filter calls it where a widget is shown. ``panels``
    are those of the window that may lie behind others of their tabs, which Qt counts as visible.
    """

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self._window = window
        self._beds: dict[QtWidgets.QWidget, Widgets] = {}
        self._known: dict[QtWidgets.QWidget, Widgets] = {}  # what is in it: to ask Qt each time takes long
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._wake_some)

    # -- a switch -----------------------------------------------------------------------------------------------
    @contextmanager
    def asleep(self) -> Iterator[None]:
        """What is not seen does not take part in what is done meanwhile with the application's style."""
        self._timer.stop()
        for root in list(self._unseen()):
            self._lay_down(root)
        told = [widget for bed in self._beds.values() for widget in bed if _set(widget, OWN_STYLE, True)]
        try:
            yield
        finally:
            for widget in told:
                _set(widget, OWN_STYLE, False)
            self._timer.start(REST_MS)

    def _unseen(self) -> Iterator[QtWidgets.QWidget]:
        """The outermost widgets that are out of sight."""
        hidden = {panel for panel in getattr(self._window, "panels", {}).values() if not panel.is_seen}
        todo = list(QtWidgets.QApplication.topLevelWidgets())
        while todo:
            widget = todo.pop()
            if widget not in hidden and widget.isVisible():
                todo += [child for child in widget.children() if isinstance(child, QtWidgets.QWidget)]
            elif isinstance(widget, QtWidgets.QDockWidget) and widget.widget() is not None:
                yield widget.widget()  # is told before its dock that it is shown, and must be awake then
            elif not isinstance(widget.parent(), BARS):
                yield widget

    def _lay_down(self, root: QtWidgets.QWidget) -> None:
        if root not in self._known:
            self._known[root] = [root, *root.findChildren(QtWidgets.QWidget)]
        new = [widget for widget in self._known[root] if _lay(widget)]
        if root in self._beds:
            self._beds[root] += new
        elif new:
            self._beds[root] = new
            root.installEventFilter(self)

    # -- waking -------------------------------------------------------------------------------------------------
    def wake(self, root: QtWidgets.QWidget) -> None:
        """Have a widget and what is in it take over what they slept through: they are about to be seen."""
        bed = self._rise(root)
        for widget in bed:
            _wake(widget)
        if bed:  # while it is being shown, layouts ask for the sizes of before
            QtCore.QTimer.singleShot(0, partial(_measure, bed))

    def _rise(self, root: QtWidgets.QWidget) -> Widgets:
        bed = self._beds.pop(root, [])
        try:
            root.removeEventFilter(self)
        except RuntimeError:  # it was deleted meanwhile
            self._known.pop(root, None)
        return bed

    def _wake_some(self) -> None:
        end = time.perf_counter() + TURN
        while self._beds and time.perf_counter() < end:
            root, bed = next(iter(self._beds.items()))
            while bed and time.perf_counter() < end:
                _wake(bed.pop(0))
            if not bed:
                self._rise(root)
        if self._beds:
            self._timer.start(PAUSE_MS)

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Show:
            self.wake(watched)
        return False


def _set(widget: QtWidgets.QWidget, attribute, on: bool) -> bool:
    """Whether the widget is there still."""
    try:
        widget.setAttribute(attribute, on)
    except RuntimeError:
        return False
    return True


def _lay(widget: QtWidgets.QWidget) -> bool:
    """Whether it sleeps from now on: not one that never was on screen, nor one that sleeps already."""
    try:
        if not widget.testAttribute(POLISHED) or widget.testAttribute(OWN_STYLE):
            return False
        widget.setAttribute(POLISHED, False)
    except RuntimeError:
        return False
    return True


def _measure(bed: Widgets) -> None:
    for widget in bed:
        try:
            widget.updateGeometry()
        except RuntimeError:
            pass


def _wake(widget: QtWidgets.QWidget) -> None:
    try:
        if widget.testAttribute(QtCore.Qt.WA_SetPalette):
            widget.setPalette(QtGui.QPalette())  # the colours that the old style sheet gave it
        QtCore.QCoreApplication.sendEvent(widget, QtCore.QEvent(QtCore.QEvent.Polish))
        QtCore.QCoreApplication.sendEvent(widget, QtCore.QEvent(QtCore.QEvent.StyleChange))
    except RuntimeError:
        pass
