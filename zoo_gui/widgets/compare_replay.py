"""Which game is shown again? A dialog: an agent's so far, its rollout of a seed, or a file."""

from __future__ import annotations

from pathlib import Path

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.settings import recordings_dir
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.controls import Quiet, Whole, button

STEPS, MOST = 2000, 20_000


class ReplayDialog(QtWidgets.QDialog):
    """``chosen``: (lane, source) as ``Session.replay`` takes them. Goes when it is closed."""

    chosen = QtCore.Signal(int, object)

    def __init__(self, lanes: tuple[LaneInfo, ...], parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        self.setWindowTitle("A game that was played")
        self.agent = Quiet(())
        for info in lanes:
            self.agent.addItem(f"{lane_letter(info.lane)} · {info.title}", info.lane)
        self.agent.setMinimumContentsLength(28)
        self.agent.setAccessibleName("Whose game")
        self.so_far = QtWidgets.QRadioButton("its game of this sitting so far, as far as it is kept")
        self.rollout = QtWidgets.QRadioButton("its rollout of")
        self.file = QtWidgets.QRadioButton("a rollout's file:")
        self.so_far.setChecked(True)
        self.steps, self.seed = Whole(), Whole()
        self.steps.setRange(10, MOST)
        self.steps.setValue(STEPS)
        self.seed.setRange(0, 2**31 - 1)
        self.steps.setAccessibleName("Steps")
        self.seed.setAccessibleName("Seed")
        self.path = QtWidgets.QLineEdit()
        self.path.setPlaceholderText("…_rollout.npz, of zoo-gui rollout or the original zoo")
        self.path.setAccessibleName("Rollout file")
        self.browse = button("Browse…", "Choose a rollout's file.", self._browse)
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.Ok | QtWidgets.QDialogButtonBox.Cancel)
        self.ok = buttons.button(QtWidgets.QDialogButtonBox.Ok)
        self.ok.setText("Show it to all")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        self.steps.valueChanged.connect(lambda _: self.rollout.setChecked(True))
        self.seed.valueChanged.connect(lambda _: self.rollout.setChecked(True))
        self.path.textChanged.connect(self._on_path)
        for one in (self.so_far, self.rollout, self.file):
            one.toggled.connect(lambda _: self._refresh())
        self._lay_out(buttons)
        self._refresh()

    def _lay_out(self, buttons: QtWidgets.QDialogButtonBox) -> None:
        def row(*parts) -> QtWidgets.QHBoxLayout:
            made = QtWidgets.QHBoxLayout()
            for part in parts:
                made.addWidget(QtWidgets.QLabel(part) if isinstance(part, str) else part)
            made.addStretch(1)
            return made

        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(QtWidgets.QLabel("All agents see this game from its beginning and say what they would do."))
        column.addLayout(row("Of", self.agent))
        column.addWidget(self.so_far)
        column.addLayout(row(self.rollout, self.steps, "steps, seed", self.seed))
        line = row(self.file)
        line.insertWidget(1, self.path, 1)
        line.insertWidget(2, self.browse)
        column.addLayout(line)
        column.addWidget(buttons)
        self.path.setMinimumWidth(330)

    def _browse(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(
            self, "A rollout", str(recordings_dir().parent), "Rollouts (*.npz);;All files (*)")
        if path:
            self.path.setText(path)

    def _on_path(self, text: str) -> None:
        self.file.setChecked(bool(text.strip()) or self.file.isChecked())
        self._refresh()

    def _refresh(self) -> None:
        self.ok.setEnabled(not self.file.isChecked() or bool(self.path.text().strip()))
        self.agent.setEnabled(not self.file.isChecked())

    def _accept(self) -> None:
        source = "session" if self.so_far.isChecked() else (self.steps.value(), self.seed.value())
        if self.file.isChecked():
            source = Path(self.path.text().strip()).expanduser()
        self.chosen.emit(self.agent.currentData(), source)
        self.accept()
