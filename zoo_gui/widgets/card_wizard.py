"""What is this file? What was found out about a stranger's agent, each guess with what speaks for it, and the plausible
values of one guess playing side by side, so that a person sees which is right."""

from __future__ import annotations

import html

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.types import CardReport, GuessRow, Preview
from zoo_gui.widgets.card_previews import PreviewGrid
from zoo_gui.widgets.inks import hue

COLUMNS = ("What", "Value", "Sure")
SETTLE_MS = 200
"""A row that is passed over with the arrow keys is not played."""


class CardWizard(QtWidgets.QDialog):
    """Asks what a file does not say. It computes and reads nothing itself: ``asked(task, parameters)`` says what the
    engine should do (``engine.tasks``), ``show_report``, ``show_previews``, ``show_saved`` and ``show_fault`` take the
    results; ``stopped`` says that previews are no longer looked at, ``opened(path)`` that the agent should be loaded.

    choices: {key: value as text} that the person has said, in that order.
    """

    asked = QtCore.Signal(str, dict)
    stopped = QtCore.Signal()
    opened = QtCore.Signal(str)

    def __init__(self, path: str, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        self.path, self.choices = path, {}
        self._report: CardReport | None = None
        self._key = ""
        name = QtCore.QFileInfo(path).fileName()
        self.setWindowTitle(f"What is {name}?")
        self.resize(1180, 720)
        self.heading = _label(f"<b>{html.escape(name)}</b>: reading …")
        self.table = self._make_table()
        self.reason, self.network = _label("", plain=True), _label("")
        self.network.setTextInteractionFlags(QtCore.Qt.TextSelectableByMouse)
        self.previews = PreviewGrid()
        self.previews.chosen.connect(self._choose_preview)
        self.status = _label("", plain=True)
        self._make_layout()
        self._settle = QtCore.QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._ask_previews)

    def start(self) -> None:
        """Ask for the first report."""
        self._ask_report()

    def _make_table(self) -> QtWidgets.QTableWidget:
        table = QtWidgets.QTableWidget(0, len(COLUMNS))
        table.setHorizontalHeaderLabels(COLUMNS)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectRows)
        table.setSelectionMode(QtWidgets.QAbstractItemView.SingleSelection)
        table.setEditTriggers(QtWidgets.QAbstractItemView.NoEditTriggers)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(1, QtWidgets.QHeaderView.Stretch)
        header.setSectionResizeMode(2, QtWidgets.QHeaderView.ResizeToContents)
        table.itemSelectionChanged.connect(self._on_selected)
        return table

    def _make_layout(self) -> None:
        left = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.reason)
        scroll = QtWidgets.QScrollArea(widgetResizable=True)
        scroll.setWidget(self.network)
        scroll.setMaximumHeight(150)
        column.addWidget(scroll)
        halves = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        halves.addWidget(left)
        halves.addWidget(self.previews)
        halves.setSizes([600, 580])
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.Cancel)
        self.save = buttons.addButton("Save the card and open", QtWidgets.QDialogButtonBox.AcceptRole)
        self.save.setEnabled(False)
        self.save.clicked.connect(self._ask_save)
        buttons.rejected.connect(self.reject)
        whole = QtWidgets.QVBoxLayout(self)
        whole.addWidget(self.heading)
        whole.addWidget(halves, 1)
        whole.addWidget(self.status)
        whole.addWidget(buttons)

    # -- results ------------------------------------------------------------------------------------------------
    def show_report(self, report: CardReport) -> None:
        """Fill the table; the row that was selected stays so, else the least sure one is."""
        self._report = report
        name = html.escape(QtCore.QFileInfo(report.path).fileName())
        self.heading.setText(f"<b>{name}</b>: {html.escape(report.format)}, {len(report.network)} layers found")
        self.network.setText("<br>".join(map(html.escape, report.network)) or "No network was found in it.")
        self.table.blockSignals(True)
        self.table.setRowCount(len(report.guesses))
        for row, guess in enumerate(report.guesses):
            self._fill_row(row, guess)
        keys = [guess.key for guess in report.guesses]
        self.table.blockSignals(False)
        self.table.clearSelection()
        if keys:
            self.table.selectRow(keys.index(self._key) if self._key in keys else 0)
        self._show_status()

    def _fill_row(self, row: int, guess: GuessRow) -> None:
        what = QtWidgets.QTableWidgetItem(guess.label)
        what.setToolTip(guess.key)
        sure = QtWidgets.QTableWidgetItem(_sureness(guess))
        for item in (what, sure) if guess.unsure else ():
            item.setForeground(hue("warning"))
            font = item.font()
            font.setBold(True)  # not by colour alone
            item.setFont(font)
        sure.setTextAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
        box = QtWidgets.QComboBox(editable=True)
        box.setSizeAdjustPolicy(QtWidgets.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        box.setInsertPolicy(QtWidgets.QComboBox.NoInsert)
        box.addItems(dict.fromkeys(filter(None, (guess.value, *guess.options))))
        box.setCurrentText(guess.value)
        box.lineEdit().setCursorPosition(0)
        box.setToolTip(guess.value)
        box.activated.connect(lambda _index, key=guess.key, box=box: self.choose(key, box.currentText()))
        box.lineEdit().returnPressed.connect(lambda key=guess.key, box=box: self.choose(key, box.currentText()))
        self.table.setItem(row, 0, what)
        self.table.setCellWidget(row, 1, box)
        self.table.setItem(row, 2, sure)

    def _show_status(self) -> None:
        missing = [guess.label for guess in self._report.guesses if guess.needed and not guess.value]
        unsure = [guess.label for guess in self._report.guesses if guess.unsure and guess.value]
        self.save.setEnabled(bool(self._report.card))
        sentences = []
        if missing:
            sentences.append(f"Missing: {', '.join(missing)}. Without it there is no card.")
        if unsure:
            sentences.append(f"Unsure: {', '.join(unsure)}. Select a row to see its values play.")
        if not missing and not unsure:
            sentences.append("Everything needed is known; look at what plays, then save the card.")
        self.status.setText(" ".join((*sentences, *self._report.remarks[:3])))

    def show_previews(self, previews: tuple[Preview, ...]) -> None:
        """How the values of the selected row play by now."""
        self.previews.show_previews(previews)

    def show_fault(self, sentence: str) -> None:
        """Something that was asked for failed."""
        if self._report is None:
            name = html.escape(QtCore.QFileInfo(self.path).fileName())
            self.heading.setText(f"<b>{name}</b> cannot be opened")
        self.status.setText(sentence)

    def show_saved(self, card: str) -> None:
        """The card is kept: open the agent."""
        self.opened.emit(self.path)
        self.accept()

    # -- intent -------------------------------------------------------------------------------------------------
    def choose(self, key: str, text: str) -> None:
        """The person says what ``key`` is; "" takes it back."""
        self.choices.pop(key, None)
        if text.strip():
            self.choices[key] = text.strip()
        self._ask_report()

    def done(self, result: int) -> None:
        self._settle.stop()
        self.stopped.emit()
        super().done(result)

    def _choose_preview(self, text: str) -> None:
        if self._key:
            self.choose(self._key, text)

    def _on_selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if not rows or self._report is None:
            return
        guess = self._report.guesses[rows[0].row()]
        self._key = guess.key
        self.reason.setText(f"{guess.label}: {guess.reason}.")
        self._settle.start()

    def _ask_report(self) -> None:
        self.asked.emit("draft", {"path": self.path, "choices": dict(self.choices)})

    def _ask_previews(self) -> None:
        guess = next((guess for guess in self._report.guesses if guess.key == self._key), None)
        if guess is None:
            return
        self.stopped.emit()
        self.previews.begin(guess.label)
        self.asked.emit("preview", {"path": self.path, "choices": dict(self.choices), "about": guess.key})

    def _ask_save(self) -> None:
        self.stopped.emit()
        self.asked.emit("save_card", {"path": self.path, "choices": dict(self.choices)})


def _sureness(guess: GuessRow) -> str:
    if guess.chosen:
        return "you said so"
    if not guess.value:
        return "missing" if guess.needed else "unknown"
    return f"{100 * guess.confidence:.0f} %"


def _label(text: str, plain: bool = False) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    label.setTextFormat(QtCore.Qt.PlainText if plain else QtCore.Qt.RichText)
    label.setWordWrap(True)
    return label
