"""Between the window and result folders of the lab: which are opened, from where, and what their rows open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

RECENT = 8
"""How many folders the Lab panel remembers."""
KEY = "lab/folders"


class ResultFolders(QtCore.QObject):
    """Opens them in the Lab panel and remembers them in the settings."""

    def __init__(self, window):
        """window: the MainWindow, with its panels."""
        super().__init__(window)
        self.window, self.session, self.panel = window, window.session, window.panels["lab"]
        shelf = self.session.shelf
        shelf.opened.connect(self._on_opened)
        shelf.copied.connect(lambda path: self.session.message.emit("info", f"Saved {path}"))
        shelf.failed.connect(lambda sentence: self.session.message.emit("error", sentence))
        shelf.sorted_out.connect(self._on_sorted)
        self.panel.wanted.connect(self._watch)
        self.panel.folder_wanted.connect(self.ask)
        self.panel.set_recent(window.settings.get(KEY))

    def open(self, path: str) -> None:
        """Show a folder in the Lab panel, in front."""
        self.window.show_panel("lab")
        self.panel.mend()
        self.panel.open(path)

    def open_dropped(self, paths: list[str]) -> None:
        """Result folders among what was dropped are shown; the rest are agents."""
        if any(Path(path).is_absolute() and not Path(path).suffix for path in paths):
            self.session.shelf.sort_out(paths)
        else:
            self.window.open_dropped(paths)

    def _on_sorted(self, folders: list[str], others: list[str]) -> None:
        if folders:
            self.open(folders[0])
        if others:
            self.window.open_dropped(others)

    def _on_opened(self, found: Any) -> None:
        settings = self.window.settings
        settings.set(KEY, list(dict.fromkeys([str(found.path), *settings.get(KEY)]))[:RECENT])
        self.panel.set_recent(settings.get(KEY))

    def ask(self) -> None:
        """Have the person choose a folder."""
        folder = QtWidgets.QFileDialog.getExistingDirectory(self.window, "A result folder of the lab")
        if folder:
            self.open(folder)

    def _watch(self, agent: str, beside: bool, options: dict[str, Any]) -> None:
        """Open the agent of a row as the row says; a missing seed is that of the game on screen."""
        if beside:
            self.session.add_agent(agent, **options)
        else:
            self.session.load(agent, self.window.active_lane, **options)
