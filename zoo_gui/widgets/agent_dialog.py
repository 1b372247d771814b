"""Choosing an agent: the zoo as a table that can be searched, or a file."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

COLUMNS = {
    "Game": "",
    "Algorithm": "",
    "Run": "Which of several trainings with other random numbers",
    "Stage": "Emulator frames of training (M: million): initial is untrained, final the last agent of the run",
    "Score": "Mean score of whole games; coloured and slanted where no better than a player that sees nothing",
    "Random": "Mean score of random play",
    "Constant": "Mean score of the best constant action: the same action all the time",
    "Human": "The human reference score",
    "Id": "What to call the agent on the command line",
}
NUMBERS = ("Score", "Random", "Constant", "Human")
WARNING = "#F2A06E"
THUMBNAIL = QtCore.QSize(96, 126)
MAX_SIDE = 1024
EXPLANATION = (
    "Scores are mean returns of an episode: the agent's as measured, random play's, the best constant action's, and "
    "the human reference."
)


class AgentDialog(QtWidgets.QDialog):
    """Shows catalogue entries; ``chosen(id or path)`` is emitted when the person decides.

    The entries come later (``set_entries``), and their thumbnails after them, one by one (``set_thumbnail``), because
    reading them is not the UI thread's work.
    """

    chosen = QtCore.Signal(str)

    def __init__(self, title: str, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(960, 560)
        self.search = QtWidgets.QLineEdit(placeholderText="Search by game, algorithm, stage or id")
        self.search.textChanged.connect(self._filter)
        self.table = self._make_table()
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.Open | QtWidgets.QDialogButtonBox.Cancel)
        browse = buttons.addButton("From a file …", QtWidgets.QDialogButtonBox.ActionRole)
        browse.clicked.connect(self._browse)
        buttons.accepted.connect(self._open_selected)
        buttons.rejected.connect(self.reject)
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(self.table, 1)
        column.addLayout(self._make_about())
        column.addWidget(buttons)
        self._entries: list = []
        self._thumbnails: dict[str, bytes] = {}

    def _make_table(self) -> QtWidgets.QTableWidget:
        table = QtWidgets.QTableWidget(0, len(COLUMNS))
        table.setHorizontalHeaderLabels(list(COLUMNS))
        for column, tip in enumerate(COLUMNS.values()):
            table.horizontalHeaderItem(column).setToolTip(tip)
        table.setEditTriggers(QtWidgets.QAbstractItemView.NoEditTriggers)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectRows)
        table.setSelectionMode(QtWidgets.QAbstractItemView.SingleSelection)
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.itemSelectionChanged.connect(self._describe)
        table.itemDoubleClicked.connect(self._open_selected)
        return table

    def _make_about(self) -> QtWidgets.QHBoxLayout:
        """What stands below the table: the selected agent's thumbnail, description and remark."""
        self.thumbnail = QtWidgets.QLabel()
        self.thumbnail.setFixedSize(THUMBNAIL)
        self.thumbnail.setAlignment(QtCore.Qt.AlignCenter)
        self.thumbnail.hide()
        self.description = QtWidgets.QLabel("Reading the zoo …")
        self.remark = QtWidgets.QLabel()
        self.remark.setStyleSheet(f"color: {WARNING}")
        self.remark.hide()
        words = QtWidgets.QVBoxLayout()
        for label in (self.description, self.remark):
            label.setWordWrap(True)
            label.setTextFormat(QtCore.Qt.PlainText)  # cards are anybody's
            words.addWidget(label)
        words.addStretch(1)
        self.description.setMinimumHeight(48)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self.thumbnail, 0, QtCore.Qt.AlignTop)
        row.addLayout(words, 1)
        return row

    def set_entries(self, entries: list) -> None:
        """Fill the table with catalogue entries; the first agent whose training was finished is selected."""
        self._entries = entries
        self.table.setRowCount(len(entries))
        for row, entry in enumerate(entries):
            cells = (entry.game, entry.algorithm_title, str(entry.run), entry.tag or "final", _number(entry.score),
                     _number(entry.random_score), _number(entry.constant_score), _number(entry.human_score), entry.id)
            for column, (name, text) in enumerate(zip(COLUMNS, cells)):
                item = QtWidgets.QTableWidgetItem(text)
                if name in NUMBERS:
                    item.setTextAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
                if name == "Score" and entry.remark:
                    font = item.font()
                    font.setItalic(True)  # not by colour alone
                    item.setFont(font)
                    item.setForeground(QtGui.QColor(WARNING))
                    item.setToolTip(entry.remark)
                self.table.setItem(row, column, item)
        self.thumbnail.setVisible(any(entry.thumbnail for entry in entries))
        self.description.setText(EXPLANATION)
        if entries:
            self.table.selectRow(next((row for row, entry in enumerate(entries) if not entry.tag), 0))
        self._filter(self.search.text())

    def set_thumbnail(self, agent_id: str, png: bytes) -> None:
        """The picture of an agent, decoded when the agent is selected."""
        self._thumbnails[agent_id] = png
        if self.selected_id() == agent_id:
            self._show_thumbnail(agent_id)

    def selected_id(self) -> str | None:
        """The id of the selected row."""
        rows = self.table.selectionModel().selectedRows()
        return self._entries[rows[0].row()].id if rows else None

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for row, entry in enumerate(self._entries):
            stage = entry.tag or "final"
            about = f"{entry.id} {entry.title} {entry.game} {entry.algorithm_title} {stage}".casefold()
            self.table.setRowHidden(row, not all(word in about for word in words))
        # What “Open” opens is always something that is seen.
        chosen = self.table.currentRow()
        if chosen < 0 or self.table.isRowHidden(chosen):
            seen = [row for row in range(len(self._entries)) if not self.table.isRowHidden(row)]
            finished = [row for row in seen if not self._entries[row].tag]
            self.table.clearSelection()
            self.table.setCurrentCell((finished or seen or [-1])[0], 0)
            if not seen:
                self.description.setText("No agent of the zoo is called that.")
                self.remark.hide()
                self.thumbnail.clear()

    def _describe(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            entry = self._entries[rows[0].row()]
            self.description.setText(f"{entry.title}. {entry.description}")
            self.remark.setText(entry.remark)
            self.remark.setVisible(bool(entry.remark))
            self._show_thumbnail(entry.id)

    def _show_thumbnail(self, agent_id: str) -> None:
        """An agent's picture, or nothing where there is none, it is no picture, or one too large to be a thumbnail."""
        png = self._thumbnails.get(agent_id)
        if not png:
            self.thumbnail.clear()
            return
        buffer = QtCore.QBuffer()
        buffer.setData(png)
        buffer.open(QtCore.QIODevice.ReadOnly)
        reader = QtGui.QImageReader(buffer, b"png")
        size = reader.size()
        image = reader.read() if size.isValid() and max(size.width(), size.height()) <= MAX_SIDE else QtGui.QImage()
        if image.isNull():
            self.thumbnail.clear()
            return
        image = image.scaled(THUMBNAIL, QtCore.Qt.KeepAspectRatio, QtCore.Qt.SmoothTransformation)
        self.thumbnail.setPixmap(QtGui.QPixmap.fromImage(image))

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
