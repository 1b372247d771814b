"""Where to? A dialog for a file, and the job that writes a result there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.provenance import of_session
from zoo_gui.settings import recordings_dir
from zoo_gui.widgets.base import Job

#: What a result may be written as; the engine refuses what one has nothing for.
ENDINGS = {
    ".png": "Picture", ".svg": "Vector graphics", ".pdf": "PDF", ".csv": "Table", ".json": "Table as JSON",
    ".npz": "Numbers for NumPy", ".html": "Report",
}  # fmt: skip


def ask_path(parent: QtWidgets.QWidget, suggestion: str, endings: tuple[str, ...]) -> str:
    """Ask for a file to write; "" where the person changed their mind. A name without an ending gets the chosen one's.

    suggestion: a name without an ending; signs that file systems refuse become dashes. endings: keys of ENDINGS.
    """
    name = re.sub(r"[^\w\-. +=]+", "-", suggestion).strip("-")
    filters = [f"{ENDINGS[ending]} (*{ending})" for ending in endings]
    path, chosen = QtWidgets.QFileDialog.getSaveFileName(
        parent, "Save", str(recordings_dir().parent / f"{name}{endings[0]}"), ";;".join(filters))
    if path and Path(path).suffix.lower() not in ENDINGS:
        path += endings[filters.index(chosen)] if chosen in filters else endings[0]
    return path


class Saver(QtCore.QObject):
    """Runs an analysis once more in the engine, which keeps what it finds in a file; ``said``: how far it is."""

    said = QtCore.Signal(str)

    def __init__(self, session, name: str, parent: QtWidgets.QWidget):
        super().__init__(parent)
        self._job, self._parent, self._path = Job(session, f"save {name}"), parent, ""
        session.progressed.connect(self._on_progress)
        session.finished.connect(self._on_finished)
        session.failed.connect(self._on_failed)

    def ask(
        self, suggestion: str, endings: tuple[str, ...], analysis: str, lane: int | tuple[int, ...], **parameters: Any
    ) -> None:
        """Ask where to, and begin; the analysis with the same parameters as what is on screen."""
        path = ask_path(self._parent, suggestion, endings)
        if path:
            self._path = path
            if lane is None:  # what is shown is written as it is; of what is computed anew the engine says it
                parameters["about"] = of_session(self._job.session, suggestion)
            self._job.start(analysis, lane, save_to=path, **parameters)
            self.said.emit("saving …")

    def _on_progress(self, key: str, progress) -> None:
        if self._job.owns(key) and progress.label:
            self.said.emit(f"saving: {progress.label}")

    def _on_finished(self, key: str) -> None:
        if self._job.owns(key):
            self._job.ended()
            self.said.emit(f"saved {Path(self._path).name}")
            self._job.session.message.emit("info", f"Saved {self._path}")

    def _on_failed(self, key: str, sentence: str) -> None:
        if self._job.owns(key):
            self._job.ended()
            self.said.emit("")
            self._job.session.message.emit("error", sentence)
