"""The zoo: every agent that can be had, to look through while others play."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.types import Progress
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.parts import of_widgets
from zoo_gui.widgets.zoo_browser import ZooBrowser


@PANELS.register("zoo")
class ZooPanel(Panel):
    """The catalogue; read when the panel is first seen, and again when an agent was downloaded.

    ``opened(id, beside)``: the person chose an agent. ``walled(id)``: it is to be shown on the wall. ``folder_wanted``:
    a folder of agents is to be added.
    """

    title = "Zoo"
    area = "centre"
    about = "Every agent that can be had: those that come along, those in your folders, and those that others publish."
    opened = QtCore.Signal(str, bool)
    walled = QtCore.Signal(str)
    folder_wanted = QtCore.Signal()

    def _connect(self) -> None:
        super()._connect()
        self.session.library.entries_read.connect(self._on_entries)
        self.session.loading_changed.connect(self._on_loading)
        self.session.progressed.connect(self._on_download)

    def build(self) -> QtWidgets.QWidget:
        self._asked = False
        self._progress: dict[str, Progress] = {}
        self._loading: dict[str, str] = {}
        self.browser = browser = ZooBrowser()
        for field in (browser.search, browser.game, browser.algorithm, browser.tag, browser.source):
            field.setFocusPolicy(QtCore.Qt.StrongFocus)
        library = self.session.library
        self.browser.picture_wanted.connect(library.want_thumbnail)
        self.browser.opened.connect(self.opened)
        self.browser.cancelled.connect(self._cancel)
        self.browser.has_wall = True
        self.browser.walled.connect(self.walled)
        library.thumbnail_read.connect(self.browser.set_thumbnail)
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)  # less than its parts ask for: behind another panel it must not widen that one
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.browser, 1)
        column.addLayout(self._make_buttons())
        return content

    def _make_buttons(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setContentsMargins(6, 0, 6, 6)
        for text, tip, press in (
            ("Open", "In place of the active agent (Enter)", lambda: self.browser.open_selected(False)),
            ("Open beside", "With the others, on one clock (Shift+Enter)", lambda: self.browser.open_selected(True)),
            ("Add a folder …", "List the agents in a folder of yours, too", self.folder_wanted.emit),
            ("Read again", "Look for new agents in your folders and catalogues", self.session.library.read),
        ):
            button = QtWidgets.QPushButton(text)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked, press=press: press())
            row.addWidget(button)
            if text == "Open beside":
                row.addStretch(1)
        return row

    def focus_search(self) -> None:
        """Where typing searches."""
        self.browser.search.setFocus(QtCore.Qt.ShortcutFocusReason)
        self.browser.search.selectAll()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._read_when_seen()

    def seen_changed(self, seen: bool) -> None:
        super().seen_changed(seen)
        self._read_when_seen()

    def _read_when_seen(self) -> None:
        """The catalogue is read when somebody looks; a dock that is made behind another one is shown for a moment."""
        QtCore.QTimer.singleShot(0, self._read)

    def _read(self) -> None:
        if self.is_seen and not self._asked and not self.failed:
            self._asked = True
            self.session.library.read()

    def _on_entries(self, entries: list) -> None:
        self._guard(self.browser.set_entries, entries)

    def named_parts(self) -> list[Part]:
        browser = self.browser
        return of_widgets(
            self,
            (browser.search, "search", "Words of the game, the algorithm, the stage or the id."),
            (browser.table, "a row for each agent", "A double click opens it; the columns sort."),
        )

    # -- downloads ----------------------------------------------------------------------------------------------
    def _on_loading(self, loading: dict[str, str]) -> None:
        """Which agents are on their way; where one that was downloaded arrived, statuses changed."""
        arrived = [key for key in self._progress if key not in loading]
        self._loading = dict(loading)
        self._progress = {key: value for key, value in self._progress.items() if key in loading}
        self._show_loading()
        if arrived and self._asked:
            self.session.library.read()

    def _on_download(self, key: str, progress) -> None:
        if key in self._loading:
            self._progress[key] = progress
            self._show_loading()

    def _show_loading(self) -> None:
        self._guard(self.browser.set_loading, {id: _told(self._progress.get(key)) for key, id in self._loading.items()})

    def _cancel(self, agent_id: str) -> None:
        for key, id in self._loading.copy().items():
            if id == agent_id:
                self.session.cancel(key)


def _told(progress: Progress | None) -> tuple[str, float | None]:
    """What is said of an agent on its way, and how far it is, 0–1."""
    if progress is None:
        return "loading …", None
    done = f"{progress.done / 1e6:.1f}"
    if not progress.total:
        return f"{done} MB", None
    return f"{done} of {progress.total / 1e6:.1f} MB", progress.done / progress.total
