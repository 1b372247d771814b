"""Choosing an agent: the zoo as a table that can be searched, or a file."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

COLUMNS = ("Game", "Algorithm", "Run", "Score", "Random", "Human", "Id")


class AgentDialog(QtWidgets.QDialog):
    """Shows catalogue entries; ``chosen(id or path)`` is emitted when the person decides.

    The entries come later (``set_entries``), because reading them is not the UI thread's work.
    """

    chosen = QtCore.Signal(str)

    def __init__(self, title: str, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(820, 460)
        self.search = QtWidgets.QLineEdit(placeholderText="Search by game, algorithm or id")
        self.search.textChanged.connect(self._filter)
        self.table = QtWidgets.QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setEditTriggers(QtWidgets.QAbstractItemView.NoEditTriggers)
        self.table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectRows)
        self.table.setSelectionMode(QtWidgets.QAbstractItemView.SingleSelection)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.itemSelectionChanged.connect(self._describe)
        self.table.itemDoubleClicked.connect(self._open_selected)
        self.description = QtWidgets.QLabel("Reading the zoo …")
        self.description.setWordWrap(True)
        self.description.setMinimumHeight(48)
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.Open | QtWidgets.QDialogButtonBox.Cancel)
        browse = buttons.addButton("From a file …", QtWidgets.QDialogButtonBox.ActionRole)
        browse.clicked.connect(self._browse)
        buttons.accepted.connect(self._open_selected)
        buttons.rejected.connect(self.reject)
        column = QtWidgets.QVBoxLayout(self)
        for widget in (self.search, self.table, self.description, buttons):
            column.addWidget(widget)
        self._entries: list = []

    def set_entries(self, entries: list) -> None:
        """Fill the table with catalogue entries."""
        self._entries = entries
        self.table.setRowCount(len(entries))
        for row, entry in enumerate(entries):
            cells = (entry.game, entry.algorithm, str(entry.run), _number(entry.score), _number(entry.random_score),
                     _number(entry.human_score), entry.id)
            for column, text in enumerate(cells):
                item = QtWidgets.QTableWidgetItem(text)
                if column in (3, 4, 5):
                    item.setTextAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
                self.table.setItem(row, column, item)
        self.description.setText("Scores are mean returns of an episode: the agent's as measured, random play's, and "
                                 "the human reference.")
        if entries:
            self.table.selectRow(0)
        self._filter(self.search.text())

    def selected_id(self) -> str | None:
        """The id of the selected row."""
        rows = self.table.selectionModel().selectedRows()
        return self._entries[rows[0].row()].id if rows else None

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for row, entry in enumerate(self._entries):
            about = f"{entry.id} {entry.title} {entry.game} {entry.algorithm}".casefold()
            self.table.setRowHidden(row, not all(word in about for word in words))
        # What “Open” opens is always something that is seen.
        chosen = self.table.currentRow()
        if chosen < 0 or self.table.isRowHidden(chosen):
            seen = [row for row in range(len(self._entries)) if not self.table.isRowHidden(row)]
            self.table.clearSelection()
            self.table.setCurrentCell(seen[0] if seen else -1, 0)
            if not seen:
                self.description.setText("No agent of the zoo is called that.")

    def _describe(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            entry = self._entries[rows[0].row()]
            self.description.setText(f"{entry.title}. {entry.description}")

    def _open_selected(self, *_item) -> None:
        if (agent_id := self.selected_id()) is not None:
            self.chosen.emit(agent_id)
            self.accept()

    def _browse(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(
            self, "Open an agent", "", "Agents (card.toml *.safetensors);;All files (*)"
        )
        if path:
            self.chosen.emit(path)
            self.accept()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
