"""Keys that were pressed, as the table of shortcuts writes them."""

from __future__ import annotations

import re

from pyqtgraph.Qt import QtCore, QtGui


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
