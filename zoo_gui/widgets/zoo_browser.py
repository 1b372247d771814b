"""The catalogue with its filters and what there is to say of the selected agent: the inside of panel and dialog."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets
from zoo_gui.widgets.controls import role

from zoo_gui.widgets.zoo_table import (
    FINAL, PICTURE, SOURCE_NAMES, Table, ZooModel, decoded, number, status_text, tag_of, yardsticks,
)  # fmt: skip

Qt = QtCore.Qt
EXPLANATION = (
    "Scores are mean returns of an episode: the agent's as measured or published, random play's, the best constant "
    "action's, and the human reference."
)


class ZooBrowser(QtWidgets.QWidget):
    """``opened(id, beside)``: the person chose an agent, to replace the active one or to stand beside it.
    ``cancelled(id)``: its download is to end. ``walled(id)``: it is to be shown on the wall, where there is one
    (``has_wall``). ``picture_wanted(entry)``: give its PNG to ``set_thumbnail``."""

    opened = QtCore.Signal(str, bool)
    cancelled = QtCore.Signal(str)
    walled = QtCore.Signal(str)
    picture_wanted = QtCore.Signal(object)
    has_wall = False

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.model = ZooModel(self)
        self.model.picture_wanted.connect(self.picture_wanted)
        self.table = Table(self.model)
        self.table.chosen.connect(self.open_selected)
        self.table.cancelled.connect(self.cancel_selected)
        self.table.selectionModel().selectionChanged.connect(self._describe)
        self.table.setContextMenuPolicy(Qt.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.model.modelReset.connect(self._keep_selection)
        self._chosen: str | None = None
        self._filling = False
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(self._make_filters())
        column.addWidget(self.table, 1)
        column.addLayout(self._make_about())

    def _make_filters(self) -> QtWidgets.QVBoxLayout:
        self.search = QtWidgets.QLineEdit(placeholderText="Search by game, algorithm, stage or id")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search")
        self.search.setToolTip("Only agents that have all these words in their game, algorithm, stage or id")
        self.search.setMinimumWidth(110)
        self.search.setAcceptDrops(False)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.game, self.algorithm, self.tag, self.source = map(self._combo, ("games", "algorithms", "tags", "sources"))
        self.here = QtWidgets.QPushButton("At hand", checkable=True, autoDefault=False)
        self.here.setToolTip("Only agents that are on this machine")
        self.here.toggled.connect(self._filter)
        self.count = QtWidgets.QLabel()
        self.count.setAccessibleName("How many are shown")
        first, second, both = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout(), QtWidgets.QVBoxLayout()
        first.addWidget(self.search, 1)
        first.addWidget(self.count)
        for widget in (self.game, self.algorithm, self.tag, self.source):
            second.addWidget(widget, 1)
        second.addWidget(self.here)
        both.addLayout(first)
        both.addLayout(second)
        return both

    def _combo(self, name: str) -> QtWidgets.QComboBox:
        combo = QtWidgets.QComboBox()
        combo.addItem(f"All {name}", "")
        combo.setAccessibleName(name.capitalize())
        combo.setToolTip(f"Only agents of one of the {name}")
        combo.setSizeAdjustPolicy(combo.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(8)
        combo.currentIndexChanged.connect(self._filter)
        return combo

    def _make_about(self) -> QtWidgets.QHBoxLayout:
        """What stands below the table: the selected agent's thumbnail, description and remark."""
        self.thumbnail = QtWidgets.QLabel()
        self.thumbnail.setFixedSize(PICTURE * 0.6)
        self.thumbnail.setAlignment(Qt.AlignCenter)
        self.description = QtWidgets.QLabel("Reading the zoo …")
        self.description.setMinimumHeight(3 * self.fontMetrics().height())
        self.remark = QtWidgets.QLabel()
        role(self.remark, "warning")
        self.remark.hide()
        words = QtWidgets.QVBoxLayout()
        for label in (self.description, self.remark):
            label.setWordWrap(True)
            label.setTextFormat(Qt.PlainText)  # cards are anybody's
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
            label.setAlignment(Qt.AlignTop | Qt.AlignLeft)
            words.addWidget(label)
        words.addStretch(1)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self.thumbnail, 0, Qt.AlignTop)
        row.addLayout(words, 1)
        return row

    # -- content ------------------------------------------------------------------------------------------------
    def set_entries(self, entries: list) -> None:
        """Show catalogue entries; the first agent whose training was finished is selected."""
        self._filling = True
        names = {entry.algorithm: entry.algorithm_title or entry.algorithm for entry in entries}
        sources = {entry.source for entry in entries}
        _refill(self.game, sorted((game, game) for game in {entry.game for entry in entries} if game))
        _refill(self.algorithm, sorted(((title, name) for name, title in names.items() if name), key=str))
        tags = {tag_of(entry): entry.frames or 0 for entry in entries}
        _refill(self.tag, [(tag, tag) for tag in sorted(tags, key=lambda tag: (tag != FINAL, tags[tag], tag))])
        _refill(self.source, [(title, name) for name, title in SOURCE_NAMES.items() if name in sources])
        self.model.set_entries(entries)
        self._filling = False
        self._filter()

    def set_thumbnail(self, agent_id: str, png: bytes) -> None:
        """The picture of an agent."""
        self.model.set_picture(agent_id, decoded(png))
        if self._chosen == agent_id:
            self._describe()

    def set_loading(self, loading: dict[str, tuple[str, float | None]]) -> None:
        """{id: (text, share)} of agents that are on their way."""
        self.model.set_loading(loading)

    def selected(self):
        """The entry of the selected row, None where nothing is seen."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.shown[rows[0].row()] if rows else None

    def selected_id(self) -> str | None:
        """The id of the selected row."""
        entry = self.selected()
        return entry.id if entry else None

    # -- what the person does -----------------------------------------------------------------------------------
    def _filter(self, *_changed) -> None:
        if not self._filling:
            self.model.set_filter(self.search.text(), self.here.isChecked(), game=self.game.currentData(),
                                  algorithm=self.algorithm.currentData(), tag=self.tag.currentData(),
                                  source=self.source.currentData())  # fmt: skip

    def _keep_selection(self) -> None:
        """What “Open” opens is always something that is seen: the same as before, else one whose training ended."""
        row = self.model.row_of(self._chosen)
        if row < 0 and self.model.shown:
            shown = self.model.shown
            row = next((i for i, e in enumerate(shown) if not e.tag and e.is_here), None)
            row = next((i for i, e in enumerate(shown) if not e.tag), 0) if row is None else row
        if row >= 0:
            self.table.selectRow(row)
            if self.model.is_sorted:  # who sorts wants to see the first
                self.table.scrollToTop()
            else:
                self.table.scrollTo(self.model.index(row, 0))
        shown, all = len(self.model.shown), len(self.model.entries)
        self.count.setText(f"{shown:,} of {all:,}" if shown != all else f"{all:,}")
        self._describe()

    def open_selected(self, beside: bool = False) -> None:
        """What Enter, a double click and the buttons do."""
        if (agent_id := self.selected_id()) is not None:
            self.opened.emit(agent_id, beside)

    def cancel_selected(self) -> None:
        """End the selected agent's download."""
        if (agent_id := self.selected_id()) is not None:
            self.cancelled.emit(agent_id)

    def eventFilter(self, watched, event) -> bool:
        """In the search field: Enter opens, the arrows move through the table."""
        if event.type() != QtCore.QEvent.KeyPress:
            return False
        if event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self.open_selected(bool(event.modifiers() & Qt.ShiftModifier))
            return True
        if event.key() in (Qt.Key_Down, Qt.Key_Up, Qt.Key_PageDown, Qt.Key_PageUp):
            QtCore.QCoreApplication.sendEvent(self.table, event)
            return True
        return False

    def _show_menu(self, position: QtCore.QPoint) -> None:
        entry = self.selected()
        if entry is None:
            return
        menu = QtWidgets.QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        menu.addAction("Open", lambda: self.open_selected(False))
        menu.addAction("Open beside", lambda: self.open_selected(True))
        if self.has_wall:
            menu.addAction("Show on the wall", lambda: self.walled.emit(entry.id))
        if self.model.loading(entry.id):
            menu.addAction("Cancel the download", self.cancel_selected)
        menu.addSeparator()
        menu.addAction("Copy the id", lambda: QtWidgets.QApplication.clipboard().setText(entry.id))
        menu.popup(self.table.viewport().mapToGlobal(position))

    # -- what is said -------------------------------------------------------------------------------------------
    def _describe(self, *_changed) -> None:
        entry = self.selected()
        if entry is None:
            self.remark.hide()
            self.thumbnail.clear()
            if self.model.entries:
                self.description.setText("No agent of the zoo is called that.")
            return
        self._chosen = entry.id
        facts = [f"{entry.title}. {entry.description}".strip()]
        if entry.score is not None and yardsticks(entry):
            facts.append(f"Score {number(entry.score)} ({yardsticks(entry)}).")
        if not entry.is_here:
            status = status_text(entry)
            publisher = SOURCE_NAMES.get(entry.source, entry.source)
            facts.append(f"{status[:1].upper()}{status[1:]} ({publisher}).")
        self.description.setText("\n".join(facts))
        self.description.setToolTip(EXPLANATION)
        self.remark.setText(entry.remark)
        self.remark.setVisible(bool(entry.remark))
        picture = self.model.picture(entry)
        self.thumbnail.setVisible(entry.thumbnail is not None)
        if picture is None:
            self.thumbnail.clear()
        else:
            self.thumbnail.setPixmap(picture.scaled(self.thumbnail.size(), Qt.KeepAspectRatio, Qt.SmoothTransformation))


def _refill(combo: QtWidgets.QComboBox, rows: list[tuple[str, str]]) -> None:
    """The first choice, all, and these (title, value); what was chosen stays chosen."""
    chosen = combo.currentData()
    while combo.count() > 1:
        combo.removeItem(1)
    for title, value in rows:
        combo.addItem(title, value)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
