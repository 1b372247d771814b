"""Keyboard settings: every command with its keys, found by typing, changed by pressing other keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Mapping

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.fuzzy import Query, Text
from zoo_gui.keymap import Keymap, canonical, own_row, row_name
from zoo_gui.pressed import sequence
from zoo_gui.shortcuts import WHEN, Shortcut, spelled
from zoo_gui.tokens import pixels

Qt = QtCore.Qt
MODIFIERS = (Qt.Key_Control, Qt.Key_Shift, Qt.Key_Alt, Qt.Key_Meta, Qt.Key_AltGr, Qt.Key_CapsLock, Qt.Key_NumLock,
             Qt.Key_ScrollLock, Qt.Key_Super_L, Qt.Key_Super_R)  # fmt: skip
NAME = Qt.UserRole
HINT = "Choose a line and press Enter, or click it twice; then press its new keys."


class KeyCatcher(QtWidgets.QLabel):
    """Waits for keys while it has the focus: ``pressed(text)``, as the table writes them; ``left`` for Esc."""

    pressed = QtCore.Signal(str)
    left = QtCore.Signal()

    def __init__(self):
        super().__init__()
        self.setFocusPolicy(Qt.NoFocus)
        self.setWordWrap(True)
        self.setTextFormat(Qt.PlainText)
        self.setAccessibleName("New keys")
        self.waiting = False

    def wait(self, words: str) -> None:
        """Take the keyboard until keys come."""
        self.waiting = True
        self.setText(words)
        self.setFocus()

    def event(self, event) -> bool:
        kind = event.type()
        if not self.waiting or kind not in (QtCore.QEvent.KeyPress, QtCore.QEvent.ShortcutOverride):
            return super().event(event)
        event.accept()
        if kind == QtCore.QEvent.KeyPress and event.key() not in MODIFIERS:
            plain = not event.modifiers()
            self.waiting = False
            if event.key() == Qt.Key_Escape and plain:
                self.left.emit()
            else:
                self.pressed.emit(canonical(sequence(event)))
        return True

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if self.waiting and event.reason() != Qt.ActiveWindowFocusReason:
            self.waiting = False
            self.left.emit()


class KeysDialog(QtWidgets.QDialog):
    """Changes hold at once, everywhere; a key that another command has is named before it is taken."""

    def __init__(self, window, keymap: Keymap, others: Mapping[str, str] | None = None):
        """others: commands that the table has not, with words for them."""
        super().__init__(window)
        self._others = others or {}
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard settings")
        self._window, self.keymap = window, keymap
        self._row = ""
        self._adding = False
        self._agreed: Callable[[], None] | None = None
        self.search = QtWidgets.QLineEdit()
        self.search.setPlaceholderText("Find a command, or a key as ctrl+b")
        self.search.setAccessibleName("Find a command or a key")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.tree = self._make_tree()
        self.catcher = KeyCatcher()
        self.catcher.pressed.connect(self._on_pressed)
        self.catcher.left.connect(self._on_left)
        self.yes, self.no = QtWidgets.QPushButton(), QtWidgets.QPushButton()
        for button in (self.yes, self.no):
            button.setAutoDefault(False)
            button.hide()
        self.yes.clicked.connect(self._on_yes)
        self.no.clicked.connect(self._on_left)
        self._lay_out()
        self.keymap.changed.connect(self._fill)
        self._fill()
        self._say(HINT)
        self.resize(min(pixels(820), window.width() - 60), min(pixels(640), window.height() - 60))
        self.search.setFocus()

    # -- making -------------------------------------------------------------------------------------------------
    def _make_tree(self) -> QtWidgets.QTreeWidget:
        tree = QtWidgets.QTreeWidget()
        tree.setHeaderLabels(["What it does", "Keys", "When"])
        tree.setRootIsDecorated(False)
        tree.header().setStretchLastSection(False)
        tree.header().setSectionResizeMode(QtWidgets.QHeaderView.ResizeToContents)
        tree.header().setSectionResizeMode(0, QtWidgets.QHeaderView.Stretch)
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setAccessibleName("Commands and their keys")
        tree.itemDoubleClicked.connect(lambda *_: self.change())
        tree.itemSelectionChanged.connect(self._on_chosen)
        tree.installEventFilter(self)
        return tree

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        line = QtWidgets.QHBoxLayout()
        line.addWidget(self.catcher, 1)
        line.addWidget(self.yes)
        line.addWidget(self.no)
        column.addLayout(line)
        buttons = QtWidgets.QHBoxLayout()
        self.buttons = {}
        for name, words, tip, clicked in (
            ("change", "Change …", "Press other keys for the chosen command (Enter)", self.change),
            ("add", "Add a key …", "Press one more key for the chosen command", self.add),
            ("remove", "No key", "Take all keys from the chosen command (Delete)", self.remove),
            ("reset", "Reset", "Give the chosen command the keys that it began with", self.reset),
            ("reset_all", "Reset all", "Give every command the keys that it began with", self.reset_all),
            ("close", "Close", "Close this (Esc); changes hold already", self.accept),
        ):
            button = self.buttons[name] = QtWidgets.QPushButton(words)
            button.setAutoDefault(False)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked=False, clicked=clicked: clicked())
            if name == "close":
                buttons.addStretch()
            buttons.addWidget(button)
        column.addLayout(buttons)

    def _fill(self) -> None:
        """Every row anew; what was chosen stays so."""
        chosen = self._chosen()
        self.tree.clear()
        self._texts: dict[str, Text] = {}
        for row in self._rows():
            name = row_name(row)
            keys = "   ".join(spelled(key) for key in row.keys)
            own = self.keymap.is_own(name)
            item = QtWidgets.QTreeWidgetItem([row.text, keys or "no key", WHEN.get(row.when, row.when)])
            item.setData(0, NAME, name)
            item.setToolTip(1, self._began(row, own))
            font = item.font(1)
            font.setBold(own)
            item.setFont(1, font)
            self.tree.addTopLevelItem(item)
            self._texts[name] = Text.of(row.text, f"{row.group} {keys} {' '.join(row.keys)} {WHEN.get(row.when, '')}")
            if name == chosen:
                self.tree.setCurrentItem(item)
        self._filter()
        self.buttons["reset_all"].setEnabled(any(self.keymap.is_own(name) for name in self._texts))

    def _rows(self) -> list[Shortcut]:
        """The table, then what has no key."""
        known = {row.command for row in self.keymap.table}
        return [*map(self._worded, self.keymap.table),
                *(own_row(name, text) for name, text in self._others.items() if name not in known)]

    def _worded(self, row: Shortcut) -> Shortcut:
        """With the palette's words, where it has some."""
        return replace(row, text=self._others.get(row.command, row.text))

    def _named(self, name: str) -> Shortcut:
        """A row as it is now."""
        return self._worded(self.keymap.row(name))

    def _began(self, row: Shortcut, own: bool) -> str:
        return "Changed by you; Reset gives back the first keys." if own else "As it began."

    def _filter(self) -> None:
        query, first = Query(self.search.text()), None
        for n in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(n)
            hidden = query.match(self._texts[item.data(0, NAME)]) is None
            item.setHidden(hidden)
            first = first or (None if hidden else item)
        if first is not None and (self.tree.currentItem() is None or self.tree.currentItem().isHidden()):
            self.tree.setCurrentItem(first)

    # -- what is chosen -----------------------------------------------------------------------------------------
    def _chosen(self) -> str:
        item = self.tree.currentItem()
        return "" if item is None or item.isHidden() else item.data(0, NAME)

    def _on_chosen(self) -> None:
        name = self._chosen()
        for key in ("change", "add", "remove", "reset"):
            self.buttons[key].setEnabled(bool(name))
        if name:
            self.buttons["reset"].setEnabled(self.keymap.is_own(name))
            self.buttons["remove"].setEnabled(bool(self.keymap.row(name).keys))

    def _say(self, words: str, asking: Callable[[], None] | None = None,
             answers: tuple[str, str] = ("Take it", "Leave it there")) -> None:
        """A sentence in the line below the list; asking: what the first of the answers does."""
        self._agreed = asking
        self.yes.setText(answers[0])
        self.no.setText(answers[1])
        self.yes.setVisible(asking is not None)
        self.no.setVisible(asking is not None)
        self.catcher.setText(words)
        if asking is not None:
            self.yes.setFocus()
        elif self.catcher.hasFocus() or self.yes.hasFocus() or self.no.hasFocus() or self.focusWidget() is None:
            self.tree.setFocus()

    # -- changing -----------------------------------------------------------------------------------------------
    def change(self) -> None:
        """Wait for the keys that the chosen command is to have instead."""
        self._wait(False)

    def add(self) -> None:
        """Wait for one more key."""
        self._wait(True)

    def _wait(self, adding: bool) -> None:
        self._row, self._adding = self._chosen(), adding
        if self._row:
            self._say("")
            more = "one more key" if adding else "the new keys"
            self.catcher.wait(f"Press {more} for “{self._named(self._row).text}”. Esc: leave it as it is.")

    def _on_pressed(self, key: str) -> None:
        row = self._named(self._row)
        if fault := self._fault(key):
            self._say(fault)
            return
        keys = tuple(dict.fromkeys((*row.keys, key))) if self._adding else (key,)
        self._give(row, keys, f"“{row.text}” is now on {spelled(key)}.")

    def _give(self, row: Shortcut, keys: tuple[str, ...], done: str) -> None:
        """Give a row its keys, after asking where another has one of them."""
        name = row_name(row)

        def give() -> None:
            self.keymap.assign(name, keys, row.text)
            self._say(done + self._elsewhere(self.keymap.row(name)))

        owners = self.keymap.owners(name, keys)
        if owners:
            taken = "; ".join(f"{spelled(key)} is “{other.text}” now" for key, other in owners.items())
            self._say(f"{taken}. Shall “{row.text}” take it?", give)
        else:
            give()

    def _fault(self, key: str) -> str:
        """Why a key cannot be had."""
        if not key or key in ("Tab", "Backtab", "Shift+Tab", "Shift+Backtab"):
            return "Tab moves from one control to the next: choose another key." if key else (
                "This key has no name that can be kept: choose another one.")
        if key.startswith("Alt+") and len(key) == 5:
            for action in self._window.menuBar().actions():
                if f"&{key[-1]}".casefold() in action.text().casefold():
                    return f"{key} opens the menu {action.text().replace('&', '')}: choose another key."
        return ""

    def _elsewhere(self, row: Shortcut) -> str:
        """Where a key means something else in another context."""
        others = [other for other in self.keymap.table if other.when != row.when and set(other.keys) & set(row.keys)]
        words = [f" {WHEN[other.when] or 'elsewhere'} it is “{other.text}”" for other in others[:1]]
        return "".join(f" But{word}." for word in words)

    def remove(self) -> None:
        """Take all keys from the chosen command; menus and the palette still have it."""
        if name := self._chosen():
            self.keymap.assign(name, ())
            self._say(f"“{self._named(name).text}” has no key; the palette finds it.")

    def reset(self) -> None:
        """The keys that the chosen command began with."""
        if name := self._chosen():
            row = self._named(name)
            self._give(row, self.keymap.first_keys(name), f"“{row.text}” has its first keys again.")

    def reset_all(self) -> None:
        """Ask, then give all commands the keys that they began with."""
        def reset() -> None:
            self.keymap.reset_all()
            self._say("All keys are as they were at first.")

        self._say("Shall all commands have the keys that they began with?", reset, ("Reset all", "Leave them"))

    def _on_yes(self) -> None:
        agreed, self._agreed = self._agreed, None
        if agreed is not None:
            agreed()

    def _on_left(self) -> None:
        self._say("Nothing was changed. " + HINT)

    # -- events -------------------------------------------------------------------------------------------------
    def eventFilter(self, watched, event) -> bool:
        if event.type() != QtCore.QEvent.KeyPress:
            return False
        key = event.key()
        if watched is self.search and key in (Qt.Key_Down, Qt.Key_Up, Qt.Key_PageDown, Qt.Key_PageUp):
            self.tree.setFocus()
            QtWidgets.QApplication.sendEvent(self.tree, event)
            return True
        if key in (Qt.Key_Return, Qt.Key_Enter) and watched in (self.search, self.tree):
            self.change()
            return True
        if watched is self.tree and key == Qt.Key_Delete:
            self.remove()
            return True
        return False
