"""Choosing an agent: the zoo as a table that can be searched, or a file."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.zoo_browser import ZooBrowser

FILES = (
    "Agents (card.toml *.card.toml *.safetensors *.pt *.pth *.ptm *.zip *.h5 *.keras *.npz *.pb *.onnx *.index "
    "*.msgpack *.pkl *.tar *.cleanrl_model ckpt.*);;All files (*)"
)


class AgentDialog(QtWidgets.QDialog):
    """Shows catalogue entries; ``chosen(id or path)`` is emitted when the person decides.

    The entries come later (``set_entries``), and their thumbnails after them, one by one, as they are seen
    (``picture_wanted``, ``set_thumbnail``), because reading them is not the UI thread's work.
    """

    chosen = QtCore.Signal(str)

    def __init__(self, title: str, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(980, 620)
        self.browser = ZooBrowser()
        self.browser.opened.connect(self._open)
        self.set_entries, self.set_thumbnail = self.browser.set_entries, self.browser.set_thumbnail
        self.picture_wanted = self.browser.picture_wanted
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.Open | QtWidgets.QDialogButtonBox.Cancel)
        browse = buttons.addButton("From a file …", QtWidgets.QDialogButtonBox.ActionRole)
        browse.clicked.connect(self._browse)
        buttons.accepted.connect(lambda: self.browser.open_selected())
        buttons.rejected.connect(self.reject)
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self.browser, 1)
        column.addWidget(buttons)
        self.browser.search.setFocus()

    def _open(self, agent_id: str, _beside: bool = False) -> None:
        self.chosen.emit(agent_id)
        self.accept()

    def _browse(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self, "Open an agent", "", FILES)
        if path:
            self._open(path)
