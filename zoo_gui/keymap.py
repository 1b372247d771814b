"""The person's own keys: read from the settings, changed one at a time, told to everything that shows or hears keys."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any, Mapping

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import shortcuts
from zoo_gui.shortcuts import ANYWHERE, OWN, TABLE, Shortcut

log = logging.getLogger(__name__)
SETTING = "keys/own"


def row_name(row: Shortcut) -> str:
    """What a row is called in the settings: its command, with its context where that is not ``anywhere``."""
    return row.command if row.when == ANYWHERE else f"{row.command}/{row.when}"


def canonical(key: str) -> str:
    """A key as Qt writes it; "" for what is no single key."""
    sequence = QtGui.QKeySequence(key)
    text = sequence.toString() if sequence.count() == 1 else ""
    return "" if not text or "Unknown" in text or not text.isprintable() else text


def own_row(name: str, text: str = "", keys: tuple[str, ...] = ()) -> Shortcut:
    """The row of something that only the palette has: ``palette panel wall``.

    text: what it does; without it, what the palette remembers it by.
    """
    words = text or name.removeprefix(OWN).removeprefix("menu ")
    return Shortcut(name, keys, words[:1].upper() + words[1:], "Your own")


def apply_own(own: Mapping[str, Any], table: tuple[Shortcut, ...] = TABLE) -> tuple[tuple[Shortcut, ...], list[str]]:
    """The table with the person's keys in it, and a sentence for each entry that is dropped.

    A key that the person gave to one command is taken from the others of its context.
    """
    table = (*table, *(own_row(name) for name in own if name.startswith(OWN)))
    names, faults, given = {row_name(row) for row in table}, [], {}
    owners: dict[tuple[str, str], str] = {}
    for name, keys in own.items():
        if name not in names:
            faults.append(f"there is no command {name!r}")
        elif not isinstance(keys, list) or not all(isinstance(key, str) and canonical(key) for key in keys):
            faults.append(f"{name} cannot have the keys {keys!r}")
        else:
            keys = tuple(dict.fromkeys(canonical(key) for key in keys))
            when = next(row.when for row in table if row_name(row) == name)
            taken = [key for key in keys if owners.setdefault((when, key), name) != name]
            faults += [f"{key} is already the key of {owners[when, key]}, and not of {name} too" for key in taken]
            given[name] = tuple(key for key in keys if key not in taken)
    rows = []
    for row in table:
        free = tuple(key for key in row.keys if owners.get((row.when, canonical(key)), row_name(row)) == row_name(row))
        rows.append(replace(row, keys=given.get(row_name(row), free)))
    return _without_empty(rows), faults


def _without_empty(rows: list[Shortcut]) -> tuple[Shortcut, ...]:
    """What only the palette has is in the table as long as it has a key."""
    return tuple(row for row in rows if row.keys or not row.command.startswith(OWN))


class Keymap(QtCore.QObject):
    """``changed``: other keys hold now; ``shortcuts.current`` has them."""

    changed = QtCore.Signal()

    def __init__(self, settings, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.settings = settings
        table, faults = apply_own(settings.get(SETTING))
        for fault in faults:
            log.warning("Keyboard setting dropped: %s", fault)
        shortcuts.use(table)

    @property
    def table(self) -> tuple[Shortcut, ...]:
        """The rows that hold now."""
        return shortcuts.current()

    def row(self, name: str) -> Shortcut:
        """A row as it is now, by ``row_name``."""
        return next((row for row in self.table if row_name(row) == name), None) or _default(name)

    def is_own(self, name: str) -> bool:
        """Whether a row has other keys than it began with."""
        return self.row(name).keys != _default(name).keys

    @staticmethod
    def first_keys(name: str) -> tuple[str, ...]:
        """The keys that a row began with."""
        return _default(name).keys

    def owners(self, name: str, keys: tuple[str, ...]) -> dict[str, Shortcut]:
        """Who has these keys now, of the same context and other than this row: {key: row}."""
        mine = self.row(name)
        rows = [row for row in self.table if row.when == mine.when and row != mine]
        return {key: row for key in keys for row in rows if key in row.keys}

    def assign(self, name: str, keys: tuple[str, ...], text: str = "") -> None:
        """Give a row exactly these keys; whoever has one of them loses it. text: what it does, of a row that is new."""
        changed = {name: keys}
        for key, row in self.owners(name, keys).items():
            left = changed.get(row_name(row), row.keys)
            changed[row_name(row)] = tuple(one for one in left if one != key)
        known = any(row_name(row) == name for row in self.table)
        table = self.table if known else (*self.table, own_row(name, text))
        self._keep([replace(row, keys=changed.get(row_name(row), row.keys)) for row in table])

    def reset(self, name: str) -> None:
        """A row has again the keys that it began with; whoever has one of them loses it."""
        self.assign(name, _default(name).keys)

    def reset_all(self) -> None:
        """All keys as they were at first."""
        self._keep(list(TABLE))

    def _keep(self, rows: list[Shortcut]) -> None:
        shortcuts.use(_without_empty(rows))
        own = {row_name(row): list(row.keys) for row in rows if row.keys != _default(row_name(row)).keys}
        self.settings.set(SETTING, own)
        self.changed.emit()


def _default(name: str) -> Shortcut:
    return own_row(name) if name.startswith(OWN) else next(row for row in TABLE if row_name(row) == name)


def plain(text: str) -> str:
    """A menu entry's words without its key and its underlined letter."""
    return text.partition("\t")[0].replace("&&", "\0").replace("&", "").replace("\0", "&")


class KeyedWords(QtCore.QObject):
    """Keeps the keys that menus and tooltips name as they are now.

    An action or a widget that stands for a command has the dynamic properties ``command`` and, where its tooltip names
    the key, ``tip``: the sentence without it (``shortcuts.tip``). Other entries of the menus have the key that the
    person gave to what the palette calls by their words.
    """

    def __init__(self, window: QtWidgets.QWidget, keymap: Keymap):
        super().__init__(window)
        self._window = window
        keymap.changed.connect(self.refresh)
        for top in window.menuBar().actions():  # shown: its entries, and then those of the menus in it
            if top.menu() is not None:
                self._watch(top.menu(), plain(top.text()))

    def refresh(self) -> None:
        """Write all of them anew."""
        for action in self._window.findChildren(QtWidgets.QAction):
            if command := action.property("command"):
                write_keys(action, command)
        for widget in self._window.findChildren(QtWidgets.QWidget):
            if (command := widget.property("command")) and (sentence := widget.property("tip")):
                widget.setToolTip(shortcuts.tip(command, sentence))

    def _watch(self, menu: QtWidgets.QMenu, path: str) -> None:
        """Write a menu's keys whenever it is to be seen: after what fills it then, which was connected before."""
        if not menu.property("keyed"):
            menu.setProperty("keyed", True)
            menu.aboutToShow.connect(partial(self._write, menu, path))

    def _write(self, menu: QtWidgets.QMenu, path: str) -> None:
        own = {row.command: row.keys[0] for row in shortcuts.current() if row.command.startswith(OWN) and row.keys}
        for action in menu.actions():
            words = plain(action.text())
            if action.menu() is not None:
                self._watch(action.menu(), words)
            elif not action.property("command"):
                key = next((own[OWN + id] for id in _ids(path, words, action.data()) if OWN + id in own), "")
                if key or action.property("keyed"):
                    action.setProperty("keyed", bool(key))
                    action.setText(action.text().partition("\t")[0] + (f"\t{key}" if key else ""))


def _ids(path: str, words: str, data: Any) -> tuple[str, ...]:
    """What the palette may remember a menu's entry by."""
    return (f"layout {words}" if path == "Layout" else f"open {data}" if path == "Recent" else "",
            f"menu {path} {words}")  # fmt: skip


def write_keys(action: QtWidgets.QAction, command: str) -> None:
    """A menu entry's key behind its text, and a toolbar's in its tooltip."""
    if sentence := action.property("tip"):
        action.setToolTip(shortcuts.tip(command, sentence))
        return
    key = shortcuts.first_key(command)
    action.setText(action.text().partition("\t")[0] + (f"\t{key}" if key else ""))
