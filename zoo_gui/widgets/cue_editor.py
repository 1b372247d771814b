"""The dialog in which a list of cues is made: it stays open beside the window, whose view it adds."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

Qt = QtCore.Qt


class CueEditor(QtWidgets.QDialog):
    """Shows captions and tells what the person wants; who made it keeps the list.

    added, replaced(row): the view on screen, as a new cue or in place of one. moved(row, by), removed(row),
    renamed(row, caption), gone(row). opened, saved, rehearsed. hinted(on): whether the next cue is announced.
    """

    added = QtCore.Signal()
    replaced = QtCore.Signal(int)
    moved = QtCore.Signal(int, int)
    removed = QtCore.Signal(int)
    renamed = QtCore.Signal(int, str)
    gone = QtCore.Signal(int)
    opened = QtCore.Signal()
    saved = QtCore.Signal()
    rehearsed = QtCore.Signal()
    hinted = QtCore.Signal(bool)

    def __init__(self, hint: bool, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle("Cues")
        self.setModal(False)
        self.resize(560, 420)
        column = QtWidgets.QVBoxLayout(self)
        self.said = QtWidgets.QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.PlainText)
        column.addWidget(self.said)
        middle = QtWidgets.QHBoxLayout()
        self.list = QtWidgets.QListWidget()
        self.list.setAccessibleName("Cues")
        self.list.setEditTriggers(QtWidgets.QAbstractItemView.EditKeyPressed)
        self.list.itemChanged.connect(self._on_changed)
        self.list.itemActivated.connect(lambda item: self.gone.emit(self.list.row(item)))
        self.list.currentRowChanged.connect(lambda row: self._show_possible())
        middle.addWidget(self.list, 1)
        side = QtWidgets.QVBoxLayout()
        self.add = self._button(side, "Add this view", "What the window shows now becomes a cue", self.added.emit)
        self.of_row = [
            self._button(side, "Show", "Show this cue in the window (Enter)", lambda: self.gone.emit(self.row)),
            self._button(side, "Rename", "Change the caption (F2)",
                         lambda: self.list.editItem(self.list.currentItem())),
            self._button(side, "Replace", "What the window shows now takes this cue's place, under its caption",
                         lambda: self.replaced.emit(self.row)),
            self._button(side, "Up", "Earlier", lambda: self.moved.emit(self.row, -1)),
            self._button(side, "Down", "Later", lambda: self.moved.emit(self.row, 1)),
            self._button(side, "Remove", "Take this cue out of the list", lambda: self.removed.emit(self.row)),
        ]
        side.addStretch()
        self.rehearse = self._button(side, "Rehearse", "Show one cue after the other, and say which cannot be shown",
                                     self.rehearsed.emit)
        middle.addLayout(side)
        column.addLayout(middle, 1)
        last = QtWidgets.QHBoxLayout()
        self.hint = QtWidgets.QCheckBox("Announce the next cue")
        self.hint.setToolTip("Its caption stands small at the right while presenting")
        self.hint.setChecked(hint)
        self.hint.toggled.connect(self.hinted)
        last.addWidget(self.hint)
        last.addStretch()
        self._button(last, "Open…", "Open a list of cues", self.opened.emit)
        self.save = self._button(last, "Save…", "Save the list as a file that people can read and change",
                                 self.saved.emit)
        self._button(last, "Close", "The list stays", self.close)
        column.addLayout(last)

    @staticmethod
    def _button(layout, text: str, tip: str, does) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.clicked.connect(lambda *_: does())
        layout.addWidget(button)
        return button

    @property
    def row(self) -> int:
        """The chosen cue, counted from 0; -1: none."""
        return self.list.currentRow()

    def show_cues(self, name: str, captions: list[str], at: int, notes: list[str]) -> None:
        """The list as it is now, ``at`` chosen; ``notes``: sentences on what is wrong with it."""
        self.list.blockSignals(True)
        self.list.clear()
        for number, caption in enumerate(captions, 1):
            item = QtWidgets.QListWidgetItem(caption)
            item.setFlags(item.flags() | Qt.ItemIsEditable)
            item.setToolTip(f"Cue {number}")
            self.list.addItem(item)
        self.list.setCurrentRow(max(0, min(at, len(captions) - 1)))
        self.list.blockSignals(False)
        self.setWindowTitle(f"Cues — {name}")
        told = "\n".join(notes) if notes else "" if captions else (
            "No cues yet. Bring the window to what the audience is to see first, then press Add this view.")
        self.said.setText(told)
        self.said.setVisible(bool(told))
        self._show_possible()

    def _show_possible(self) -> None:
        row, count = self.row, self.list.count()
        for button in self.of_row:
            button.setEnabled(row >= 0)
        self.of_row[3].setEnabled(row > 0)
        self.of_row[4].setEnabled(0 <= row < count - 1)
        self.rehearse.setEnabled(count > 0)
        self.save.setEnabled(count > 0)

    def _on_changed(self, item: QtWidgets.QListWidgetItem) -> None:
        self.renamed.emit(self.list.row(item), item.text())
