"""The window: docks, menus, toolbar and shortcuts, all made from the registries and the shortcut table."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Callable

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import menus
from zoo_gui.capture import Capture
from zoo_gui.commands import Commands
from zoo_gui.cue_show import CueShow
from zoo_gui.finding import Finding
from zoo_gui.keymap import Keymap
from zoo_gui.focus import Focus
from zoo_gui.keys import ACTIVATIONS, HUMAN, Keys, stick_action
from zoo_gui.layouts import Layouts
from zoo_gui.presenter import Presenter
from zoo_gui.notebook import Notebook
from zoo_gui.restoring import Restorer
from zoo_gui.mark_signs import MarkSigns
from zoo_gui.panel_export import PanelExport
from zoo_gui.recorder import Recorder
from zoo_gui.results import ResultFolders
from zoo_gui.saved import SavedSessions
from zoo_gui.session import MAX_LANES, VIEW, Session
from zoo_gui.settings import Settings
from zoo_gui.theme import Theme
from zoo_gui.types import ZooError
from zoo_gui.views import is_link
from zoo_gui.widgets.agent_dialog import AgentDialog
from zoo_gui.widgets.banner import Banner
from zoo_gui.widgets.base import PANELS, Panel
from zoo_gui.widgets.help import HelpOverlay
from zoo_gui.widgets.status import StatusBar
from zoo_gui.wizards import CardWizards

log = logging.getLogger(__name__)

#: How many agents the File menu remembers.
RECENT = 8


class MainWindow(QtWidgets.QMainWindow):
    """One sitting's window. ``panels`` and ``docks`` are by registry name; ``close`` ends everything."""

    def __init__(self, session: Session, settings: Settings):
        super().__init__()
        self.session, self.settings = session, settings
        self.setWindowTitle("zoo_gui")
        self.setObjectName("zoo_gui")
        self.setDockNestingEnabled(True)
        self.setDockOptions(self.dockOptions() | QtWidgets.QMainWindow.AllowTabbedDocks)
        self.active_lane = 0
        self.capture = Capture(self)
        self.commands = Commands(self)
        self.theme = Theme(self)
        self.wizards = CardWizards(self)
        self._enlarged: str | None = None
        self.setAcceptDrops(True)
        self.keymap = Keymap(settings, self)
        self._restore_view()
        self._make_panels()
        self.layouts = Layouts(self)
        self._make_chrome()
        self._connect()
        self.results = ResultFolders(self)
        self.presenter = Presenter(self)
        self.recorder = Recorder(self)
        self.signs, self.exports = MarkSigns(self), PanelExport(self)
        self.restorer = Restorer(self)
        self.cues = CueShow(self)
        self.saved = SavedSessions(self)
        self.notebook = Notebook(self)
        self.finding = Finding(self)
        self.focus = Focus(self)
        self.resize(1600, 900)
        self.layouts.restore()

    # -- making -------------------------------------------------------------------------------------------------
    def _make_panels(self) -> None:
        self.panels: dict[str, QtWidgets.QWidget] = {}
        self.docks: dict[str, QtWidgets.QDockWidget] = {}
        for name, make in PANELS.discover().items():
            panel = make(self.session)
            dock = QtWidgets.QDockWidget(panel.title, self)
            dock.setObjectName(name)
            dock.setWidget(panel)
            dock.setContextMenuPolicy(QtCore.Qt.CustomContextMenu)
            dock.customContextMenuRequested.connect(self._on_dock_menu)
            dock.visibilityChanged.connect(partial(self.theme.on_seen, panel))
            dock.visibilityChanged.connect(panel.seen_changed)
            dock.topLevelChanged.connect(partial(_on_floating, dock))
            self.panels[name], self.docks[name] = panel, dock

    def _make_chrome(self) -> None:
        self.banner = Banner(self.session)
        centre = QtWidgets.QWidget()
        centre.setMaximumSize(0, 0)
        self.setCentralWidget(centre)
        self.toolbar = menus.Toolbar(self)
        self.addToolBar(QtCore.Qt.TopToolBarArea, self.toolbar)
        self.addToolBarBreak()
        strip = QtWidgets.QToolBar("Messages")
        strip.setObjectName("messages")
        strip.setMovable(False)
        strip.addWidget(self.banner)
        self.addToolBar(QtCore.Qt.TopToolBarArea, strip)
        menus.fill(self)
        self.setStatusBar(StatusBar(self.session))
        self.help = HelpOverlay(self)
        self.help.hide()
        self.keys = Keys(self, self.contexts, self.commands.call, self._on_stick)

    def _connect(self) -> None:
        session = self.session
        session.lanes_changed.connect(self._on_lanes)
        session.unit_selected.connect(self._on_selected)
        session.engine_died.connect(self._on_engine_died)
        session.view_changed.connect(self._on_view)
        session.region_changed.connect(lambda region: region is not None and self.show_panel("why"))
        session.library.failed.connect(partial(session.message.emit, "error"))
        for field in self.findChildren(QtWidgets.QLineEdit):
            field.setAcceptDrops(False)  # a file that is let go over one is meant to be opened, not to be typed
        for name in ("compare", "moment"):
            self.panels[name].command.connect(self.commands.call)
        zoo = self.panels.get("zoo")
        if zoo is not None:
            zoo.opened.connect(self.open_agent)
            zoo.folder_wanted.connect(self.add_folder)
            zoo.walled.connect(self.put_on_wall)
        self.panels["wall"].opened.connect(self.open_agent)
        self.capture.saved.connect(self._on_saved)
        self.capture.failed.connect(self._on_capture_failed)
        self._paints = PaintCounter(self.panels["game"], self._on_painted)

    # -- settings ----------------------------------------------------------------------------------------------
    def _restore_view(self) -> None:
        self.session.view.update({key: self.settings.get(f"view/{key}") for key in VIEW if key != "enlarged"})
        self.session.set_speed(self.settings.get("play/speed"))

    def _save_settings(self) -> None:
        self.layouts.save()
        for key in VIEW:
            if key != "enlarged":
                self.settings.set(f"view/{key}", self.session.view[key])
        # Full speed is for a moment: nobody expects to find it the next day.
        self.settings.set("play/speed", self.session.speed or 1.0)
        if self.session.lanes:
            self.settings.set("play/seed", self.session.lanes[0].seed)
        try:
            self.settings.save()
        except ZooError as error:
            log.warning("%s", error)

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self.layouts.show_panel(name)

    def toggle_help(self) -> None:
        self.help.setVisible(not self.help.isVisible())
        if self.help.isVisible():
            self.help.raise_()

    # -- keys ---------------------------------------------------------------------------------------------------
    def contexts(self) -> list[str]:
        """Which contexts of the shortcut table hold now, the most specific first."""
        contexts = []
        lanes = self.session.lanes
        if self.active_lane < len(lanes) and lanes[self.active_lane].player == "human":
            contexts.append(HUMAN)
        contexts += self.presenter.contexts
        focus = QtWidgets.QApplication.focusWidget()
        activations = self.panels.get("activations")
        if activations is not None and focus is not None and activations.isAncestorOf(focus):
            contexts.append(ACTIVATIONS)
        return contexts

    def _on_stick(self, pressed: frozenset) -> None:
        for info in self.session.lanes:
            if info.player == "human":
                self.session.set_human_action(info.lane, stick_action(pressed, info.action_names))

    # -- agents -------------------------------------------------------------------------------------------------
    def choose_agent(self, add: bool) -> None:
        """Open the dialog; what is chosen replaces the active lane's agent or is put beside the others."""
        library = self.session.library
        dialog = AgentDialog("Add an agent beside" if add else "Open an agent", self)
        dialog.chosen.connect(self.session.add_agent if add else self.replace_agent)
        dialog.picture_wanted.connect(library.want_thumbnail)
        library.entries_read.connect(dialog.set_entries)
        library.thumbnail_read.connect(dialog.set_thumbnail)
        dialog.open()
        library.read()

    def put_on_wall(self, agent_id: str) -> None:
        """Have an agent play among the small games."""
        self.show_panel("wall")
        self.panels["wall"].mend()
        self.panels["wall"].add(agent_id)

    def open_agent(self, agent_id: str, beside: bool = False) -> None:
        """Open an agent in the active column, or beside the others."""
        self.session.add_agent(agent_id) if beside else self.replace_agent(agent_id)

    def replace_agent(self, agent_id: str) -> None:
        """Open an agent in the active column."""
        self.session.load(agent_id, self.active_lane)

    def add_folder(self) -> None:
        """Ask for a folder whose agents are to be listed with the others."""
        folder = QtWidgets.QFileDialog.getExistingDirectory(self, "A folder with agents, each with its card")
        if folder:
            folders = self.settings.get("zoo/folders")
            self.settings.set("zoo/folders", list(dict.fromkeys([*folders, folder])))
            self.settings.save()
            self.session.library.read()

    def open_dropped(self, ids: list[str]) -> None:
        """The first in place of the active agent, the others beside it, as many as there is room for."""
        room = MAX_LANES - max(1, len(self.session.lanes)) + 1
        for n, agent_id in enumerate(ids[:room]):
            self.open_agent(agent_id, beside=n > 0)
        if len(ids) > room:
            self.session.message.emit("warning", f"{MAX_LANES} agents are the most: {len(ids) - room} were not opened.")

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        if dropped_ids(event.mimeData()):
            event.setDropAction(QtCore.Qt.CopyAction)  # a moved file would be deleted where it came from
            event.accept()

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        event.setDropAction(QtCore.Qt.CopyAction)
        event.accept()
        others = self.saved.take(dropped_ids(event.mimeData()))
        if others:
            self.results.open_dropped(others)

    def _on_lanes(self, lanes) -> None:
        self.active_lane = min(self.active_lane, len(lanes) - 1)
        recent = [info.agent_id for info in lanes] + self.settings.get("play/agents")
        self.settings.set("play/agents", list(dict.fromkeys(recent))[:RECENT])
        self.setWindowTitle(" | ".join(info.title for info in lanes) + " — zoo_gui")

    def _on_selected(self, lane: int, unit) -> None:
        if unit is not None:
            self.active_lane = lane

    def _on_view(self, view: dict) -> None:
        if view["enlarged"] != self._enlarged:
            self._enlarged = view["enlarged"]
            self.show_panel("layer" if self._enlarged else "activations")

    def _on_engine_died(self) -> None:
        self.banner.show_message(
            "error", "The process that plays has ended. A recording goes on; Restart starts the game anew.",
            ("Restart", self.session.restart_engine),
        )

    # -- capture ------------------------------------------------------------------------------------------------
    def toggle_recording(self, widget: QtWidgets.QWidget) -> None:
        """Start to record a widget, or stop the running recording."""
        self.recorder.toggle(widget)

    def _on_saved(self, path: str) -> None:
        self.session.message.emit("info", f"Saved {path}")

    def _on_capture_failed(self, sentence: str) -> None:
        self.session.message.emit("error", sentence)

    def _on_painted(self, now: float) -> None:
        if not self.capture.is_rendering:
            self.session.rates.painted(now)

    def _on_dock_menu(self, position: QtCore.QPoint) -> None:
        dock = self.sender()
        menus.dock_menu(self, dock).popup(dock.mapToGlobal(position))

    def focusNextPrevChild(self, forward: bool) -> bool:
        return self.focus.step(forward)

    # -- events -------------------------------------------------------------------------------------------------
    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        self.help.setGeometry(self.rect())

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        for part in (self._save_settings, self.notebook.close, self.capture.close, self.session.close):
            try:
                part()
            except Exception:  # the others have their turn all the same: a film that runs, notes that are nowhere else
                log.exception("a part of the window did not close as it should")
        event.accept()


def _on_floating(dock: QtWidgets.QDockWidget, floating: bool) -> None:
    """A panel that a person puts back among the others is in front of its tabs; Qt leaves it behind them."""
    if not floating and Panel.late is None:  # not while a layout is being made
        QtCore.QTimer.singleShot(0, dock.raise_)


class PaintCounter(QtCore.QObject):
    """Calls ``painted(now)`` at each paint of a panel's picture, now in seconds of time.perf_counter."""

    def __init__(self, panel: QtWidgets.QWidget, painted: Callable[[float], None]):
        super().__init__(panel)
        self._painted, self._panel = painted, panel
        panel.installEventFilter(self)
        self._watch()

    def _watch(self) -> None:
        for view in self._panel.findChildren(QtWidgets.QAbstractScrollArea):
            view.viewport().installEventFilter(self)

    def eventFilter(self, watched, event) -> bool:
        if watched is self._panel:
            if event.type() == QtCore.QEvent.ChildAdded:  # it was built anew
                QtCore.QTimer.singleShot(0, self._watch)
        elif event.type() == QtCore.QEvent.Paint:
            self._painted(time.perf_counter())
        return False


def dropped_ids(mime: QtCore.QMimeData) -> list[str]:
    """Paths and addresses that were dragged here: files, folders, links, or one line of text that is an address or a
    link to a view."""
    if mime.hasUrls():
        found = [url.toLocalFile() or url.toString() for url in mime.urls()]
        return [text for text in found if not text.startswith("data:")]
    lines = mime.text().split() if mime.hasText() else []
    address = len(lines) == 1 and (lines[0].startswith(("https://", "http://", "hf:", "gs://")) or is_link(lines[0]))
    return lines if address else []
