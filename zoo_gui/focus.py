"""All by the keyboard: the way of the Tab key through the window, and a frame around what it has come to."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets, isQObjectAlive

from zoo_gui import tokens

Qt = QtCore.Qt
WIDTH = 2  # screen pixels of the frame
_ENTER = (Qt.Key_Return, Qt.Key_Enter)


def is_stop(widget: QtWidgets.QWidget) -> bool:
    """Whether Tab stops at a widget."""
    return bool(widget.focusPolicy() & Qt.TabFocus) and widget.isVisible() and widget.isEnabled() \
        and widget.focusProxy() is None  # fmt: skip


def _dock_of(widget: QtWidgets.QWidget, window: QtWidgets.QWidget) -> QtWidgets.QDockWidget | None:
    while widget is not None and widget is not window:
        if isinstance(widget, QtWidgets.QDockWidget):
            return widget
        widget = widget.parentWidget()
    return None


class Focus(QtCore.QObject):
    """``step`` is what Tab does: the toolbar, then the panels that are seen, column by column from the left.

    The frame is shown while the keyboard moves the focus; a click hides it. Enter presses a button that has the focus.
    """

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        self._window, self._ring = window, Ring(window)
        self._watched: list[QtWidgets.QWidget] = []
        QtWidgets.QApplication.instance().focusChanged.connect(self._on_changed)
        window.setFocus()  # no field is the first: it would swallow the shortcuts

    def stops(self) -> list[QtWidgets.QWidget]:
        """All that Tab stops at, in order; first what lies around the panels."""
        window, found = self._window, []
        widget, place = window.nextInFocusChain(), 0
        while widget is not window:
            place += 1
            if is_stop(widget) and widget.window() is window:
                dock = _dock_of(widget, window)
                if dock is None:
                    found.append((0, 0, 0, place, widget))
                elif getattr(dock.widget(), "is_seen", True):
                    found.append((1, dock.x(), dock.y(), place, widget))
            widget = widget.nextInFocusChain()
        return [widget for *_, widget in sorted(found, key=lambda one: one[:4])]

    def step(self, forward: bool) -> bool:
        """Move on, or back; False where there is nothing to go to."""
        stops, now = self.stops(), QtWidgets.QApplication.focusWidget()
        if not stops:
            return False
        place = stops.index(now) if now in stops else (-1 if forward else 0)
        stops[(place + (1 if forward else -1)) % len(stops)].setFocus(
            Qt.TabFocusReason if forward else Qt.BacktabFocusReason)  # fmt: skip
        return True

    def _on_changed(self, _before, now: QtWidgets.QWidget | None) -> None:
        if not isQObjectAlive(self._window):  # the focus leaves what is being taken apart
            return
        for widget in self._watched:
            if isQObjectAlive(widget):  # a dialog or panel may have gone since
                widget.removeEventFilter(self)
        self._watched = []
        by_keys = self._window.testAttribute(Qt.WA_KeyboardFocusChange)
        if now is None or now is self._window or now.window() is not self._window:
            self._ring.hide()
            return
        widget = now
        while widget is not None and widget is not self._window:
            widget.installEventFilter(self)
            self._watched.append(widget)
            widget = widget.parentWidget()
        self._reveal(now)
        self._ring.surround(now if by_keys else None)

    @staticmethod
    def _reveal(widget: QtWidgets.QWidget) -> None:
        """Scroll to it."""
        parent = widget.parentWidget()
        while parent is not None:
            if isinstance(parent, QtWidgets.QScrollArea):
                parent.ensureWidgetVisible(widget, 10, 10)
            parent = parent.parentWidget()

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if kind in (QtCore.QEvent.Move, QtCore.QEvent.Resize, QtCore.QEvent.Hide, QtCore.QEvent.Show):
            QtCore.QTimer.singleShot(0, self._ring.follow)
        elif kind == QtCore.QEvent.MouseButtonPress:
            self._ring.surround(None)
        elif kind == QtCore.QEvent.KeyPress and watched is QtWidgets.QApplication.focusWidget() \
                and event.key() in _ENTER and not event.modifiers() & ~Qt.KeypadModifier:  # fmt: skip
            return self._press(watched)
        return False

    @staticmethod
    def _press(widget: QtWidgets.QWidget) -> bool:
        if isinstance(widget, QtWidgets.QAbstractButton):
            widget.click()
        elif isinstance(widget, QtWidgets.QComboBox) and not widget.isEditable():
            widget.showPopup()
        else:
            return False
        return True


class Ring(QtWidgets.QWidget):
    """A frame around a widget, over everything in the window; the mouse goes through it."""

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.NoFocus)
        self.around: QtWidgets.QWidget | None = None
        self.hide()

    def surround(self, widget: QtWidgets.QWidget | None) -> None:
        """Be around it; None: be gone."""
        self.around = widget
        self.follow()

    def follow(self) -> None:
        """Go to where the widget is now."""
        widget = self.around
        if widget is None or not widget.isVisible():
            self.hide()
            return
        corner = widget.mapTo(self.parentWidget(), QtCore.QPoint(0, 0))
        box = QtCore.QRect(corner, widget.size()).adjusted(-WIDTH, -WIDTH, WIDTH, WIDTH)
        self.setGeometry(box.intersected(self.parentWidget().rect()))
        inner = self.rect().adjusted(WIDTH + 1, WIDTH + 1, -WIDTH - 1, -WIDTH - 1)
        self.setMask(QtGui.QRegion(self.rect()) - QtGui.QRegion(inner))  # what lies under it is painted without it
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event) -> None:
        look, painter = tokens.current(), QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(look.link))
        painter.setPen(QtGui.QColor(look.base))
        painter.drawRect(self.rect().adjusted(WIDTH, WIDTH, -WIDTH - 1, -WIDTH - 1))
