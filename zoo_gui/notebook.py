"""Between the notes panel and the window: bookmarks of the moment on screen, going to them, and keeping all that was
written in the cache, so that a crash loses nothing.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Iterator

import psutil
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import settings
from zoo_gui.errands import Errands
from zoo_gui.types import ZooError
from zoo_gui.views import View
from zoo_gui.widgets.notes import PICTURE

log = logging.getLogger(__name__)

PAUSE = 800
"""Milliseconds after the last letter before what was written is kept."""
LARGEST = 32 << 20
"""Bytes of kept notes that are read."""
EMPTY = json.dumps({"notes": "", "bookmarks": []})
KEEP, FIND, FORGET = "keep", "find", "forget"


class Notebook(Errands):
    """Command ``bookmark``. What is written goes to ``notes/<process>.json`` in the cache; what an earlier process left
    there is offered."""

    name = "zoo_gui notes"

    def __init__(self, window):
        """window: the MainWindow, with its panels and its restorer."""
        super().__init__(window)
        self.window, self.session, self.panel = window, window.session, window.panels["notes"]
        self._agents: tuple[str, ...] = ()  # of which the moments of this sitting's bookmarks are
        self._saved = ""  # what is in a session's file
        self._here: set[int] = set()  # moments of bookmarks that this sitting has
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self.keep)
        self.panel.changed.connect(self._timer.start)
        self.panel.asked.connect(self.do_bookmark)
        self.panel.opened.connect(self.go)
        self.panel.copied.connect(self._copy)
        self.failed.connect(lambda sentence: self.session.message.emit("warning", sentence))
        self.session.lanes_changed.connect(self._on_lanes)
        window.saved.opened.connect(self._on_opened)
        window.saved.saved.connect(self._is_saved)
        window.commands.parts.append(self)
        self.send(FIND, _left)

    # -- bookmarks ----------------------------------------------------------------------------------------------
    def do_bookmark(self) -> None:
        self.session.pause()
        self.window.restorer.current(self._add)

    def _add(self, view: View, notes: tuple[str, ...]) -> None:
        steps = [self.session.last_step(info.lane) for info in self.session.lanes]
        if not steps or any(step is None for step in steps):
            return
        place = view.place(view.driver)
        game = f" of game {place.episode + 1}" if place.episode else ""
        words = f"step {place.step or 0:,}{game}, seed {place.seed}"
        titles = " | ".join(info.title for info in self.session.lanes)
        self._here.add(steps[0].moment)
        self.panel.add({
            "link": view.link(), "label": "", "place": f"{words}\n{titles}", "notes": list(notes),
            "picture": _picture(steps[view.driver].frame), "moment": steps[0].moment,
        })  # fmt: skip
        self.window.show_panel("notes")
        if notes:
            self.session.message.emit("info", f"Bookmarked; its link alone does not say all of it: {'; '.join(notes)}.")

    def go(self, bookmark: dict[str, Any]) -> None:
        """Show a bookmark's moment: of this sitting as it was, else by its link."""
        changed = bool(self.session.edits or self.session.covers or self.session.disturbances)
        if bookmark["moment"] in self._here and (bookmark["notes"] or not changed):
            self.session.seek(0, bookmark["moment"])
            return
        if bookmark["notes"]:
            self.session.message.emit(
                "warning", f"This is the step, without what led there: {'; '.join(bookmark['notes'])}.")
        self.window.restorer.open(bookmark["link"])

    def _copy(self, link: str) -> None:
        QtWidgets.QApplication.clipboard().setText(link)
        self.session.message.emit("info", f"Copied {link}")

    def _on_lanes(self, lanes) -> None:
        """Other agents: their sitting has none of the moments of before."""
        agents = tuple(info.agent_id for info in lanes)
        if agents[: len(self._agents)] != self._agents:
            self._here.clear()
        self._agents = agents

    def _on_opened(self, _path: str) -> None:
        """A session's bookmarks are of moments that it has."""
        self._here = {one["moment"] for one in self.panel.bookmarks()}
        self._is_saved()

    # -- keeping ------------------------------------------------------------------------------------------------
    def keep(self) -> None:
        """Write down what there is."""
        self._timer.stop()
        text = self._text()
        self.send(KEEP, lambda: _kept(text))

    def on_result(self, key: str, payload: Any) -> None:
        if key == FIND:
            path, told = payload
            count = len(told["bookmarks"])
            words = f"{count} bookmark{'s' if count != 1 else ''}" if count else ""
            words = " and ".join(filter(None, ("notes" if told["notes"] else "", words)))
            self.window.banner.show_message(
                "info", f"An earlier sitting left {words}.", ("Bring them back", lambda: self._bring(path, told)))

    def _bring(self, path: Path, told: dict[str, Any]) -> None:
        text = "\n\n".join(filter(None, (self.panel.text(), told["notes"])))
        self.panel.restore(text, [*self.panel.bookmarks(), *told["bookmarks"]])
        self.window.show_panel("notes")
        self.keep()
        self.send(FORGET, lambda: _forgotten(path))

    def close(self) -> None:
        """Write down what there is, if it is nowhere else, and end the thread."""
        self._timer.stop()
        super().close()
        text = self._text()
        try:
            if text in (EMPTY, self._saved):
                _own_path().unlink(missing_ok=True)
            else:
                list(_kept(text))
        except (OSError, ZooError) as error:
            log.warning("the notes were not kept: %s", error)

    def _text(self) -> str:
        return json.dumps({"notes": self.panel.text(), "bookmarks": self.panel.bookmarks()})

    def _is_saved(self, _path: str = "") -> None:
        """All that was written is in a session's file."""
        self._saved = self._text()


def _picture(frame: Any) -> str:
    """A screen (H, W, 3) uint8 as a small PNG in base64."""
    height, width = frame.shape[:2]
    image = QtGui.QImage(frame.tobytes(), width, height, 3 * width, QtGui.QImage.Format_RGB888)
    small = image.scaled(*PICTURE, QtCore.Qt.IgnoreAspectRatio, QtCore.Qt.SmoothTransformation)
    data = QtCore.QBuffer()
    data.open(QtCore.QIODevice.WriteOnly)
    small.save(data, "PNG")
    return base64.b64encode(bytes(data.data())).decode()


def folder() -> Path:
    """Where what was written is kept."""
    return settings.cache_dir() / "notes"


def _own_path() -> Path:
    return folder() / f"{os.getpid()}.json"


def _kept(text: str) -> Iterator[None]:
    path = _own_path()
    settings.writable_dir(path.parent, "folder of notes")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    return
    yield


def _left() -> Iterator[tuple[Path, dict[str, Any]]]:
    """(file, notes and bookmarks) of the newest that a process left which is no more; others of its kind go when they
    are empty."""
    found = [path for path in folder().glob("*.json") if path.stem.isdigit() and not psutil.pid_exists(int(path.stem))]
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            told = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size <= LARGEST else {}
            notes, bookmarks = told["notes"], told["bookmarks"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(notes, str) and isinstance(bookmarks, list) and (notes.strip() or bookmarks):
            yield path, {"notes": notes, "bookmarks": bookmarks}
            return
        path.unlink(missing_ok=True)


def _forgotten(path: Path) -> Iterator[None]:
    path.unlink(missing_ok=True)
    return
    yield

