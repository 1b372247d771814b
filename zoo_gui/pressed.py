"""Keys that were pressed, as the table of shortcuts writes them; whose they are, and to whom the keyboard goes back."""

from __future__ import annotations

import re

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets, isQObjectAlive


def sequence(event) -> str:
    """The key as the table writes it; Shift counts with letters and named keys, not with signs that need it (?, +)."""
    key, modifiers = event.key(), event.modifiers() & ~(QtCore.Qt.KeypadModifier | QtCore.Qt.GroupSwitchModifier)
    is_symbol = key < 0x100 and not chr(key).isalpha() and key != QtCore.Qt.Key_Space
    if is_symbol:
        modifiers &= ~QtCore.Qt.ShiftModifier
    return QtGui.QKeySequence(int(modifiers) | key).toString()


def is_plain(event) -> bool:
    """Whether a key is one without Ctrl or Alt and no function key, as those that belong to a field."""
    plain = not event.modifiers() & (QtCore.Qt.ControlModifier | QtCore.Qt.AltModifier)
    return plain and not re.fullmatch(r"(Shift\+)?F\d+", sequence(event))


def comes_to(watched: QtCore.QObject, window: QtWidgets.QWidget) -> bool:
    """Whether a key that ``watched`` gets is of this window, and not of a menu or dialog over it."""
    application = QtWidgets.QApplication
    over = application.activePopupWidget() is not None or application.activeModalWidget() is not None
    return isinstance(watched, QtWidgets.QWidget) and watched.window() is window and not over


def give_back(before: QtWidgets.QWidget | None, window: QtWidgets.QWidget) -> None:
    """Give the keyboard to the widget of the window that had it, or to the window where that is gone or out of sight: a
    panel may have been mended meanwhile."""
    here = before is not None and isQObjectAlive(before) and before.window() is window and before.isVisible()
    (before if here else window).setFocus()
