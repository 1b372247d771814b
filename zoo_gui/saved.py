"""Saving the sitting as a file and opening one: between the window and the engine, which writes, reads and plays it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Mapping

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import settings
from zoo_gui.engine.feed import FASTEST, SLOWEST
from zoo_gui.engine.saving import Differs, Opened
from zoo_gui.errand_bar import Errand
from zoo_gui.provenance import of_session, plain
from zoo_gui.session import VIEW
from zoo_gui.types import Unit, ZooError
from zoo_gui.views import is_link, is_session

SUFFIX = ".zoo"
FOLDER = "session/folder"
FILTER = f"Sessions (*{SUFFIX})"


class SavedSessions(QtCore.QObject):
    """Commands ``save_session`` and ``open_session``. saved: the path, and what of the window is in the file.
    replacing: the notes and the bookmarks that an opened one has. opened: the path, when it is on screen."""

    saved = QtCore.Signal(str, object)
    replacing = QtCore.Signal(object, object)
    opened = QtCore.Signal(str)

    def __init__(self, window):
        """window: the MainWindow, with its restorer."""
        super().__init__(window)
        self.window, self.session = window, window.session
        self.errand = window.restorer.errand  # a link and a session are never opened at the same time
        self.writing = Errand()
        window.statusBar().addPermanentWidget(self.writing)
        self._saving: dict[str, dict[str, Any]] = {}  # what of the window goes into the file, by key
        self._opening: tuple[str, Path] = ("", Path())
        self._placed: Path | None = None  # that only has to come on screen
        window.restorer.shows.connect(self.stop_opening)
        self.session.stepped.connect(self._settle)
        self.session.progressed.connect(self._on_progress)
        self.session.failed.connect(self._on_failed)
        window.commands.parts.append(self)

    # -- saving -------------------------------------------------------------------------------------------------
    def do_save_session(self) -> None:
        if not self.session.lanes:
            self.session.message.emit("info", "There is nothing to save yet: open an agent first.")
            return
        self.session.pause()
        dialog = QtWidgets.QFileDialog(self.window, "Save the session", str(self._folder()), FILTER)
        dialog.setOption(QtWidgets.QFileDialog.DontUseNativeDialog)  # it has no room for a box of ours
        dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX[1:])
        dialog.selectFile(f"zoo_gui-{datetime.now():%Y-%m-%d-%H.%M.%S}{SUFFIX}")
        weights = QtWidgets.QCheckBox("With the weights of agents that do not come with the program")
        weights.setToolTip("So that it opens where those agents are not. Mind their licences.")
        dialog.layout().addWidget(weights, dialog.layout().rowCount(), 0, 1, -1)
        dialog.fileSelected.connect(lambda path: self.save(Path(path), weights.isChecked()))
        dialog.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        dialog.open()

    def save(self, path: Path, weights: bool = False) -> None:
        """Save the sitting; ``saved`` or a message follows."""
        self.window.settings.set(FOLDER, str(path.parent))
        told = of_session(self.session, what="A saved session")
        state = self.state()
        self._saving[self.session.save_session(path, told, plain(state), weights)] = state
        self.writing.begin(f"Saving {path.name}", self._stop_saving)

    def _stop_saving(self) -> None:
        for key in self._saving:
            self.session.cancel(key)
        self._saving.clear()

    def _end_saving(self, key: str) -> dict[str, Any]:
        state = self._saving.pop(key)
        if not self._saving:
            self.writing.end()
        return state

    def state(self) -> dict[str, Any]:
        """What the window keeps of the sitting, plain data."""
        session, chosen = self.session, self.session.selected
        notes, bookmarks = self.window.notebook.kept()
        return {
            "layout": self.window.layouts.state(), "view": dict(session.view),
            "selected": None if chosen is None else [chosen[0], str(chosen[1])],
            "pins": [[pin.lane, str(pin.unit)] for pin in session.pins],
            "saliency": session.saliency, "method": session.saliency_method, "speed": session.speed,
            "notes": notes, "bookmarks": bookmarks,
        }  # fmt: skip

    def _folder(self) -> Path:
        kept = self.window.settings.get(FOLDER)
        return Path(kept) if kept and Path(kept).is_dir() else settings.recordings_dir()

    # -- opening ------------------------------------------------------------------------------------------------
    def do_open_session(self) -> None:
        dialog = QtWidgets.QFileDialog(self.window, "Open a session", str(self._folder()), FILTER)
        dialog.setFileMode(QtWidgets.QFileDialog.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.open(Path(path)))
        dialog.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        dialog.open()

    def open(self, path: Path, anyway: bool = False) -> None:
        """Put a saved session in place of what is there; ``opened`` or a message follows."""
        self.window.restorer.cancel()
        self.stop_opening()
        self._opening = self.session.open_session(path, anyway), path
        self.errand.begin(f"Opening {path.name}", self.stop_opening)

    def take(self, texts: list[str]) -> list[str]:
        """Open a session or a link among what was dropped or named; the others."""
        sessions, links = [text for text in texts if is_session(text)], [text for text in texts if is_link(text)]
        if sessions:
            self.open(Path(sessions[0]).expanduser())
        elif links:
            self.window.restorer.open(links[0])
        return [text for text in texts if text not in sessions and text not in links]

    def stop_opening(self, *_: Any) -> None:
        """Give up one that is on its way: something else is to be seen."""
        if self._opening[0]:
            self.session.cancel(self._opening[0])
            self.errand.end()
        self._opening, self._placed = ("", Path()), None

    def _on_progress(self, key: str, payload: Any) -> None:
        if key in self._saving:
            if payload.result is None:
                self.writing.tell(payload.label.capitalize(), payload.done, payload.total)
                return
            state = self._end_saving(key)
            self.session.message.emit("info", f"Saved {payload.result}")
            self.saved.emit(str(payload.result), state)
        elif key and key == self._opening[0]:
            if isinstance(payload.result, Differs):
                self._ask(payload.result)
            elif isinstance(payload.result, Opened):
                self._restore(payload.result)
            else:
                self.errand.tell(f"Playing it anew: {payload.label}", payload.done, payload.total)

    def _on_failed(self, key: str, sentence: str) -> None:
        if key in self._saving:
            self._end_saving(key)
        elif key and key == self._opening[0]:
            self._opening = "", Path()
            self.errand.end()
        else:
            return
        self.session.message.emit("error", sentence)

    def _ask(self, differs: Differs) -> None:
        """It will not be what it was: whether to see it anyway, by the actions that were taken."""
        path = self._opening[1]
        self._opening = "", Path()
        self.errand.end()
        box = QtWidgets.QMessageBox(QtWidgets.QMessageBox.Warning, "Open a session",
                                    f"{path.name} will not be what it was.", parent=self.window)  # fmt: skip
        words = "\n".join(differs.sentences)
        box.setInformativeText(f"{words}\n\nIt can be shown by the actions that were taken then.")
        show = box.addButton("Show it anyway", QtWidgets.QMessageBox.AcceptRole)
        box.addButton("Leave it", QtWidgets.QMessageBox.RejectRole)
        box.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        show.clicked.connect(lambda: self.open(path, anyway=True))
        box.open()

    def _restore(self, opened: Opened) -> None:
        """Its lanes are there: now what the window kept, as far as it makes sense here."""
        path = self._opening[1]
        self._opening = "", Path()
        self.errand.end()
        session, kept = self.session, opened.window
        session.adopt(opened.changes)
        if isinstance(layout := kept.get("layout"), str):
            self.window.layouts.restore_state(layout)
        session.set_view(**_sound_view(kept.get("view"), session))
        for pin in list(session.pins):
            session.unpin(*pin)
        for lane, unit in _units(kept.get("pins"), session):
            session.pin(lane, unit)
        for lane, unit in _units([kept.get("selected")], session) or [(0, None)]:
            session.select(lane, unit)
        self._explain(kept)
        speed = kept.get("speed", 1.0)
        if speed is None or isinstance(speed, (int, float)) and SLOWEST <= speed <= FASTEST:
            session.set_speed(None if speed is None else float(speed))
        self.replacing.emit(kept.get("notes"), kept.get("bookmarks"))
        words = ", each bit for bit as it was" if opened.exact else " by the actions that were taken then"
        session.message.emit("info", f"{path.name}: {opened.steps:,} steps played anew{words}.")
        for sentence in opened.sentences:
            session.message.emit("info" if opened.exact else "warning", sentence)
        self._placed = path
        self._settle()

    def _settle(self, *_: Any) -> None:
        """``opened``, once its step is on screen."""
        lanes = self.session.lanes
        if self._placed is not None and all(self.session.last_step(info.lane) is not None for info in lanes):
            path, self._placed = self._placed, None
            self.opened.emit(str(path))

    def _explain(self, kept: Mapping[str, Any]) -> None:
        """What was explained over the game then, nothing where nothing was."""
        target, method = kept.get("saliency"), kept.get("method")
        try:
            sound = isinstance(target, str) and isinstance(method, str)
            sound = sound and not self.session.saliency_fault(0, target, method)
        except (ZooError, KeyError, IndexError):
            sound = False
        self.session.set_saliency(*((target, method) if sound else (None,)))


def _sound_view(told: Any, session: Any) -> dict[str, Any]:
    """The settings of a view that can be: those of another program or of a jester are left out."""
    told = told if isinstance(told, dict) else {}
    found = {key: told[key] for key in VIEW if key in told and key != "enlarged"
             and settings.KEYS[f"view/{key}"].accepts(told[key])}  # fmt: skip
    layer = told.get("enlarged")
    if isinstance(layer, str) and any(info.layer(layer) is not None for info in session.lanes):
        found["enlarged"] = layer
    return found


def _units(told: Any, session: Any) -> list[tuple[int, Unit]]:
    """(lane, unit) of those that are there."""
    found = []
    for one in told[:64] if isinstance(told, list) else ():
        try:
            lane, text = one
            if lane in range(len(session.lanes)):  # else -1 would be the last one
                found.append((int(lane), Unit.parse(text, session.lanes[int(lane)].layers)))
        except (ZooError, TypeError, ValueError, IndexError, AttributeError):
            continue
    return found
