"""From keys to commands: one event filter, so that a key means what the shortcut table says, whatever has the focus.

It sees what goes to the window and to what has the focus in it. On the application it would see every event there is,
and be a tenth of what a switch of the layout or theme computes.
"""

from __future__ import annotations

from typing import Callable

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets, isQObjectAlive

from zoo_gui.pressed import comes_to, is_plain, sequence
from zoo_gui.shortcuts import ACTIVATIONS, ANYWHERE, HUMAN, current

_WAYS = {"game_up": "UP", "game_down": "DOWN", "game_left": "LEFT", "game_right": "RIGHT", "game_fire": "FIRE"}
_EDITING = tuple(getattr(QtGui.QKeySequence, name) for name in (
    "Cut", "Paste", "SelectAll", "Undo", "Redo", "MoveToNextWord", "MoveToPreviousWord", "SelectNextWord",
    "SelectPreviousWord", "DeleteStartOfWord", "DeleteEndOfWord",
))  # fmt: skip
_WAYS_OF = ("Up", "Down", "Left", "Right", "Home", "End", "PgUp", "PgDown")
_CONTROLS = (
    (QtWidgets.QAbstractButton, ("Space",)),
    (QtWidgets.QComboBox, ("Space", "Up", "Down", "Home", "End")),
    ((QtWidgets.QAbstractSlider, QtWidgets.QTabBar), _WAYS_OF),
    (QtWidgets.QAbstractItemView, ("Space", *_WAYS_OF)),
)
_TYPING = (QtWidgets.QLineEdit, QtWidgets.QTextEdit, QtWidgets.QPlainTextEdit, QtWidgets.QAbstractSpinBox)


class Keys(QtCore.QObject):
    """Calls ``command(name)`` for a key of the table and ``stick(pressed)`` for the keys of a person who plays.

    contexts: returns the contexts that hold now, the most specific first. Menus and dialogs keep their own keys, and
    plain letters typed into a field stay there. A widget that has the focus keeps those in its ``own_keys``, named as
    in the table; a person who plays, or the activations, come first.
    """

    def __init__(self, window: QtWidgets.QWidget, contexts: Callable[[], list[str]], command: Callable[[str], None],
                 stick: Callable[[frozenset[str]], None]):
        super().__init__(window)
        self._window, self._contexts, self._command, self._stick = window, contexts, command, stick
        self._held: dict[int, str] = {}  # {key: way}, as it was pressed
        self._playing = False
        self._watched: QtWidgets.QWidget | None = None
        self.read()
        window.installEventFilter(self)
        QtWidgets.QApplication.instance().focusChanged.connect(self._on_focus)
        self._on_focus(None, QtWidgets.QApplication.focusWidget())

    def read(self) -> None:
        """Take the keys as they are now: ``shortcuts.current``."""
        self._table = {
            (when, QtGui.QKeySequence(key).toString()): row.command
            for row in current() for key in row.keys for when in (row.when,)
        }

    def _on_focus(self, _before, now: QtWidgets.QWidget | None) -> None:
        """Before a widget that has the focus takes a key, and in the window, which gets those that nothing took."""
        if not isQObjectAlive(self):  # the focus leaves what is being taken apart
            return
        if self._watched is not None and isQObjectAlive(self._watched):
            self._watched.removeEventFilter(self)
        self._watched = now if now is not self._window else None
        if self._watched is not None:
            now.installEventFilter(self)
        if _takes_words(now):
            self._release_all()

    def look_who_plays(self, *_lanes) -> None:
        """A person who begins or stops to play holds nothing, whatever was held when it last was a person's turn."""
        playing = HUMAN in self._contexts()
        if playing != self._playing:
            self._playing = playing
            self._held.clear()
            self._stick(frozenset())

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if self._loses_keys(watched, event):
            self._release_all()
        if kind == QtCore.QEvent.KeyRelease:
            return self._let_go(event)
        if kind != QtCore.QEvent.KeyPress or not self._is_ours(watched):
            return False
        command = self._find(event)
        if command in _WAYS:
            self._press(event, _WAYS[command])
            return True
        if command is None:
            return False
        if not event.isAutoRepeat() or command.startswith("move_") or command == "step":
            self._command(command)
        return True

    def _loses_keys(self, watched, event) -> bool:
        """Whether the releases go elsewhere from now on: to another window, a dialog or a menu."""
        if event.type() in (QtCore.QEvent.WindowDeactivate, QtCore.QEvent.WindowBlocked):
            return watched is self._window
        return event.type() == QtCore.QEvent.FocusOut and event.reason() == QtCore.Qt.PopupFocusReason

    def _is_ours(self, watched) -> bool:
        return comes_to(watched, self._window)

    def _find(self, event) -> str | None:
        text, field = sequence(event), QtWidgets.QApplication.focusWidget()
        if _takes_words(field) and (is_plain(event) or _edits(event, field)):
            return None
        if isinstance(field, QtWidgets.QLabel) and field.hasSelectedText() and event.matches(QtGui.QKeySequence.Copy):
            return None  # words that are marked are what is copied, not a picture of the window
        for when in self._contexts():
            if (when, text) in self._table:
                return self._table[when, text]
        if text in getattr(field, "own_keys", ()) or text in _kept(field):
            return None
        return self._table.get((ANYWHERE, text))

    def command_of(self, event) -> str | None:
        """The command that a key stands for here and now."""
        return self._find(event)

    def _press(self, event, way: str) -> None:
        if not event.isAutoRepeat():
            self._held[event.key()] = way
            self._stick(frozenset(self._held.values()))

    def _let_go(self, event) -> bool:
        """By the key alone: Shift may be down by now, or somebody else may play."""
        if event.key() not in self._held:
            return False
        if not event.isAutoRepeat():
            del self._held[event.key()]
            self._stick(frozenset(self._held.values()))
        return True

    def _release_all(self) -> None:
        if self._held:
            self._held.clear()
            self._stick(frozenset())


def _kept(widget: QtWidgets.QWidget | None) -> tuple[str, ...]:
    """Keys of a control that the Tab key came to: it is worked with them, as everywhere on a desktop."""
    if widget is None or not widget.window().testAttribute(QtCore.Qt.WA_KeyboardFocusChange):
        return ()
    return next((keys for kind, keys in _CONTROLS if isinstance(widget, kind)), ())


def _takes_words(widget: QtWidgets.QWidget | None) -> bool:
    """Whether one can write there; in a page that is only read, letters stay shortcuts."""
    only_read = isinstance(widget, (QtWidgets.QTextEdit, QtWidgets.QPlainTextEdit)) and widget.isReadOnly()
    return isinstance(widget, _TYPING) and not only_read


def _edits(event, field: QtWidgets.QWidget) -> bool:
    """Whether a key with Ctrl edits the field's text; a copy does so only where something is marked."""
    if event.matches(QtGui.QKeySequence.Copy):
        cursor = field.textCursor() if hasattr(field, "textCursor") else None
        line = field if isinstance(field, QtWidgets.QLineEdit) else getattr(field, "lineEdit", lambda: None)()
        return cursor.hasSelection() if cursor is not None else line is not None and line.hasSelectedText()
    return any(event.matches(standard) for standard in _EDITING)


def stick_action(pressed: frozenset[str], action_names: tuple[str, ...]) -> int:
    """The action that comes nearest to the held keys: index into ``action_names``; directions win over fire.

    ALE's names are built from UP/DOWN, RIGHT/LEFT and FIRE in this order. Opposite directions cancel.
    """
    vertical = "UP" * ("UP" in pressed) + "DOWN" * ("DOWN" in pressed)
    sideways = "RIGHT" * ("RIGHT" in pressed) + "LEFT" * ("LEFT" in pressed)
    vertical, sideways = vertical.replace("UPDOWN", ""), sideways.replace("RIGHTLEFT", "")
    fire = "FIRE" if "FIRE" in pressed else ""
    for name in (
        vertical + sideways + fire, vertical + sideways, sideways + fire, sideways, vertical + fire, vertical, fire,
    ):
        if name and name in action_names:
            return action_names.index(name)
    return action_names.index("NOOP") if "NOOP" in action_names else 0


__all__ = ["ACTIVATIONS", "HUMAN", "Keys", "stick_action"]
