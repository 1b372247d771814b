"""Between the card wizard and the engine: what it asks is run there, what comes back is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore

from zoo_gui.widgets.card_wizard import CardWizard

KEY = "wizard "
"""Begins the keys of the wizard's jobs; the task follows."""
SHOWN = {"draft": "show_report", "preview": "show_previews", "save_card": "show_saved"}


class CardWizards(QtCore.QObject):
    """Opens the wizard, one at a time, for the file of the active agent or one that cannot be opened without it."""

    def __init__(self, window):
        """window: the MainWindow."""
        super().__init__(window)
        self.window, self.session = window, window.session
        self.wizard: CardWizard | None = None
        self.session.card_needed.connect(self.open)
        self.session.progressed.connect(self._on_progressed)
        self.session.failed.connect(self._on_failed)

    def open_active(self) -> None:
        """The wizard for the active agent's file; one that came with the program has nothing to ask."""
        lanes, active = self.session.lanes, self.window.active_lane
        path = lanes[active].agent_id if active < len(lanes) else ""
        if Path(path).suffix and ("/" in path or path.startswith("~")) and not path.endswith(".toml"):
            self.open(path)
        else:
            self.session.message.emit("info", "Open a weights file first: this asks about agents of other programs.")

    def open(self, path: str) -> None:
        """The wizard for a file."""
        if self.wizard is not None:
            self.wizard.reject()
        self.wizard = CardWizard(path, self.window)
        self.wizard.asked.connect(self._ask)
        self.wizard.stopped.connect(self._stop)
        self.wizard.opened.connect(self.window.replace_agent)
        self.wizard.finished.connect(self._forget)
        self.wizard.open()
        self.wizard.start()

    def _ask(self, task: str, parameters: dict[str, Any]) -> None:
        self.session.run(KEY + task, task, None, **parameters)

    def _stop(self) -> None:
        self.session.cancel(f"{KEY}preview")

    def _forget(self, _result: int) -> None:
        self.wizard = None

    def _on_progressed(self, key: str, progress: Any) -> None:
        task = key.removeprefix(KEY)
        if self.wizard is not None and key.startswith(KEY) and progress.result is not None:
            getattr(self.wizard, SHOWN[task])(progress.result)

    def _on_failed(self, key: str, sentence: str) -> None:
        if self.wizard is not None and key.startswith(KEY):
            shows_preview = key == f"{KEY}preview"
            (self.wizard.previews.show_fault if shows_preview else self.wizard.show_fault)(sentence)
