"""Notes on a sitting, and bookmarks of its moments: what a person wants to find again."""

from __future__ import annotations

import base64
import struct
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.controls import keyed
from zoo_gui.widgets.parts import of_widgets

PICTURE = (48, 63)
"""Pixels of a bookmark's picture, width and height."""
MOST, LONGEST, LARGEST = 500, 200_000, 40_000
"""Bookmarks; characters of the notes; of a bookmark's picture in base64."""
WIDEST = 256
"""Pixels of a side of a picture that is shown: a few bytes can hold one that takes all memory."""
KEPT = {"link": str, "label": str, "place": str, "picture": str, "notes": list, "moment": int}
"""What a bookmark is, plain data. notes: why the link does not lead to just this moment; moment: its id in the
sitting."""
HINT = "Notes on this sitting: plain text, or Markdown. They are kept with a saved session, and through a crash."


@PANELS.register("notes")
class NotesPanel(Panel):
    """Signals: changed (anything the person wrote or removed); opened (a bookmark); copied (its link); asked (a
    bookmark of the moment on screen is wanted)."""

    title, area = "Notes", "bottom"
    about = "Your notes on this sitting, and bookmarks of its moments: a click on one goes there."
    changed = QtCore.Signal()
    opened = QtCore.Signal(object)
    copied = QtCore.Signal(str)
    asked = QtCore.Signal()
    _kept: tuple[str, list[dict[str, Any]]] = ("", [])  # through a failure of the panel

    def build(self) -> QtWidgets.QWidget:
        content = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        self.field = QtWidgets.QPlainTextEdit()
        self.field.setPlaceholderText(HINT)
        self.field.setAccessibleName("Notes")
        self.field.setTabChangesFocus(True)
        self.field.setAcceptDrops(False)  # a file that is let go over it is meant to be opened
        self.list = QtWidgets.QListWidget()
        self.list.setAccessibleName("Bookmarks")
        self.list.setIconSize(QtCore.QSize(*PICTURE))
        self.list.setSpacing(2)
        self.list.setWordWrap(True)
        self.list.setEditTriggers(QtWidgets.QAbstractItemView.EditKeyPressed)
        self.list.setContextMenuPolicy(QtCore.Qt.ActionsContextMenu)
        content.addWidget(self.field)
        content.addWidget(self._with_buttons())
        content.setSizes([300, 300])
        self._show(*self._kept)
        self.field.textChanged.connect(self._on_written)
        self.list.itemChanged.connect(self._on_renamed)
        self.list.itemClicked.connect(lambda item: self.opened.emit(dict(item.data(QtCore.Qt.UserRole))))
        self.list.currentRowChanged.connect(lambda _: self._allow())
        return content

    def _with_buttons(self) -> QtWidgets.QWidget:
        side = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        row = QtWidgets.QHBoxLayout()
        self.add_button = QtWidgets.QPushButton("Bookmark")
        self.buttons = {}
        self.add_button.clicked.connect(self.asked.emit)
        keyed(self.add_button, "bookmark", "Keep the moment on screen, with its picture")
        row.addWidget(self.add_button)
        for name, words, sentence, key, do in (
            ("go", "Go", "Show the moment again (Enter, or a click on it)", "Return", self._go),
            ("rename", "Rename", "Write what this moment is (F2)", "", self._rename),
            ("link", "Link", "Copy the link that leads to this moment", "", self._copy),
            ("delete", "Delete", "Remove the bookmark (Del); the moment stays", "Del", self._delete),
        ):
            button = self.buttons[name] = QtWidgets.QPushButton(words)
            button.setToolTip(sentence)
            button.clicked.connect(do)
            row.addWidget(button)
            action = QtWidgets.QAction(words, self.list)
            action.triggered.connect(do)
            if key:
                action.setShortcut(QtGui.QKeySequence(key))
                action.setShortcutContext(QtCore.Qt.WidgetShortcut)
            self.list.addAction(action)
        row.addStretch()
        column.addLayout(row)
        column.addWidget(self.list)
        self._allow()
        return side

    def _allow(self) -> None:
        for button in self.buttons.values():
            button.setEnabled(self.list.currentItem() is not None)

    def _fail(self, error: Exception) -> None:
        if not self.failed and self._content is not None:  # what a person wrote outlives the page that it stood on
            self._kept = self.text(), self.bookmarks()
        super()._fail(error)

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        self.add_button.setEnabled(bool(lanes))

    def named_parts(self) -> list[Part]:
        return of_widgets(self, (self.field, "your notes", "Plain text or Markdown, kept with a saved session."),
                          (self.list, "bookmarks of moments", "A click on one shows its moment again."),
                          (self.add_button, "keep this moment", "Adds the moment on screen to the bookmarks."))

    # -- what is in it ------------------------------------------------------------------------------------------
    def text(self) -> str:
        """The notes."""
        if self.failed:
            return self._kept[0]
        return self.field.toPlainText()[:LONGEST]

    def bookmarks(self) -> list[dict[str, Any]]:
        """The bookmarks, plain data: see KEPT."""
        if self.failed:
            return self._kept[1]
        items = (self.list.item(row) for row in range(self.list.count()))
        return [{**item.data(QtCore.Qt.UserRole), "label": item.data(_LABEL)} for item in items]

    def restore(self, text: Any, bookmarks: Any) -> None:
        """Show these notes and bookmarks in place of those that are there; what makes no sense is left out."""
        self.mend()
        self._show(text, bookmarks)

    def _show(self, text: Any, bookmarks: Any) -> None:
        self.field.setPlainText(text[:LONGEST] if isinstance(text, str) else "")
        self.list.clear()
        for one in bookmarks[:MOST] if isinstance(bookmarks, list) else ():
            if _is_sound(one):
                self._append(one)
        self._allow()

    def add(self, bookmark: dict[str, Any]) -> None:
        """One more bookmark, the last; its label can be written at once."""
        self.mend()
        if self.list.count() >= MOST:
            self.session.message.emit("warning", f"{MOST} bookmarks are the most: delete one first.")
            return
        self.list.setCurrentItem(self._append(bookmark))
        self.list.scrollToItem(self.list.currentItem())
        self.changed.emit()

    def _append(self, bookmark: dict[str, Any]) -> QtWidgets.QListWidgetItem:
        item = QtWidgets.QListWidgetItem()
        item.setData(QtCore.Qt.UserRole, {key: bookmark[key] for key in KEPT})
        item.setData(_LABEL, bookmark["label"])
        item.setFlags(item.flags() | QtCore.Qt.ItemIsEditable)
        picture = QtGui.QPixmap()
        if picture.loadFromData(base64.b64decode(bookmark["picture"], validate=True), "PNG"):
            icon = QtGui.QIcon(picture)
            icon.addPixmap(picture, QtGui.QIcon.Selected)  # else it would be tinted
            item.setIcon(icon)
        item.setToolTip(bookmark["link"])
        _write(item)
        self.list.addItem(item)
        return item

    # -- what the person does -----------------------------------------------------------------------------------
    def _on_written(self) -> None:
        if len(self.field.toPlainText()) > LONGEST:
            self.session.message.emit("warning", f"Notes have at most {LONGEST:,} characters; the rest is not kept.")
        self.changed.emit()

    def _on_renamed(self, item: QtWidgets.QListWidgetItem) -> None:
        """The person wrote over the item's text: its first line is the label."""
        label = item.text().split("\n")[0].strip()[:200]
        self.list.blockSignals(True)
        item.setData(_LABEL, label)
        _write(item)
        self.list.blockSignals(False)
        self.changed.emit()

    def _go(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self.opened.emit(dict(item.data(QtCore.Qt.UserRole)))

    def _rename(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self.list.editItem(item)

    def _copy(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self.copied.emit(item.data(QtCore.Qt.UserRole)["link"])

    def _delete(self) -> None:
        if self.list.currentItem() is not None:
            self.list.takeItem(self.list.currentRow())
            self.changed.emit()


_LABEL = QtCore.Qt.UserRole + 1


def _write(item: QtWidgets.QListWidgetItem) -> None:
    place, label = item.data(QtCore.Qt.UserRole)["place"], item.data(_LABEL)
    item.setText(f"{label}\n{place}" if label else place)


def _is_small(picture: bytes) -> bool:
    """Whether it is a PNG of a few pixels, by its first part, which says so before anything is unpacked."""
    sides = struct.unpack(">II", picture[16:24]) if picture[12:16] == b"IHDR" and len(picture) > 24 else (0, 0)
    return picture.startswith(b"\x89PNG\r\n\x1a\n") and all(1 <= side <= WIDEST for side in sides)


def _is_sound(bookmark: Any) -> bool:
    """Whether it is what a bookmark is: it may come from a stranger's file."""
    if not isinstance(bookmark, dict) or not all(isinstance(bookmark.get(key), kind) for key, kind in KEPT.items()):
        return False
    if any(len(bookmark[key]) > 9000 for key in ("link", "label", "place")) or len(bookmark["picture"]) > LARGEST:
        return False
    try:
        picture = base64.b64decode(bookmark["picture"], validate=True)
    except ValueError:
        return False
    return (not picture or _is_small(picture)) and all(isinstance(note, str) for note in bookmark["notes"])
