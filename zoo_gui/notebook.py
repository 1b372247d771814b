"""Between the notes panel and the window: bookmarks of the moment on screen, going to them, and keeping all that was
written in the cache, so that a crash loses nothing.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import leftovers
from zoo_gui.errands import Errands
from zoo_gui.types import ZooError
from zoo_gui.views import View
from zoo_gui.widgets.notes import LONGEST, PICTURE

log = logging.getLogger(__name__)

PAUSE = 800
"""Milliseconds after the last letter before what was written is kept."""
LARGEST = 32 << 20
"""Bytes of kept notes that are read."""
EMPTY = json.dumps({"notes": "", "bookmarks": []})
KEEP, FIND, BRING, ASIDE = "keep", "find", "bring", "aside"
FOLDER, SUFFIX = "notes", ".json"
NOWHERE = -1
"""In place of a moment's id: of a moment that this sitting does not have."""


class Notebook(Errands):
    """Command ``bookmark``. What is in no session's file goes to ``notes/<process>.json`` in the cache; what an earlier
    process left there is offered."""

    name = "zoo_gui notes"

    def __init__(self, window):
        """window: the MainWindow, with its panels and its restorer."""
        super().__init__(window)
        self.window, self.session, self.panel = window, window.session, window.panels["notes"]
        self._saved = EMPTY  # what is in a session's file
        self._here: set[tuple] = set()  # the bookmarks whose moments this sitting has
        self._asides = 0
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self.keep)
        self.panel.changed.connect(self._timer.start)
        self.panel.asked.connect(self.do_bookmark)
        self.panel.opened.connect(self.go)
        self.panel.copied.connect(self._copy)
        self.failed.connect(lambda sentence: self.session.message.emit("warning", sentence))
        self.session.moments_forgotten.connect(lambda: self._here.clear())
        window.saved.replacing.connect(self._replace)
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
        made = {
            "link": view.link(), "label": "", "place": f"{words}\n{titles}", "notes": list(notes),
            "picture": _picture(steps[view.driver].frame), "moment": steps[0].moment,
        }  # fmt: skip
        self._here.add(_which(made))
        self.panel.add(made)
        self.window.show_panel("notes")
        if notes:
            self.session.message.emit("info", f"Bookmarked; its link alone does not say all of it: {'; '.join(notes)}.")

    def go(self, bookmark: dict[str, Any]) -> None:
        """Show a bookmark's moment: of this sitting as it was, else by its link."""
        changed = bool(self.session.edits or self.session.covers or self.session.disturbances)
        if _which(bookmark) in self._here and (bookmark["notes"] or not changed):
            self.window.restorer.cancel()
            self.window.saved.stop_opening()
            self.session.seek(0, bookmark["moment"])
            return
        if bookmark["notes"]:
            self.session.message.emit(
                "warning", f"This is the step, without what led there: {'; '.join(bookmark['notes'])}.")
        self.window.restorer.open(bookmark["link"])

    def _copy(self, link: str) -> None:
        QtWidgets.QApplication.clipboard().setText(link)
        self.session.message.emit("info", f"Copied {link}")

    # -- with sessions ------------------------------------------------------------------------------------------
    def kept(self) -> tuple[str, list[dict[str, Any]]]:
        """(notes, bookmarks) for a session's file, of whose moments are only those that this sitting has."""
        return self.panel.text(), [one if _which(one) in self._here else {**one, "moment": NOWHERE}
                                   for one in self.panel.bookmarks()]  # fmt: skip

    def _replace(self, notes: Any, bookmarks: Any) -> None:
        """A session that was opened has its own, in place of what is there; what is in no file is put aside."""
        text = self._text()
        if text not in (EMPTY, self._saved):
            self._asides += 1
            path, told = leftovers.own(FOLDER, SUFFIX, self._asides), json.loads(text)
            self.send(f"{ASIDE} {self._asides}", lambda: _kept(path, text))
            self._offer(f"{_words(told).capitalize()} that were not saved made room for the session's.", path, told)
        self.panel.restore(notes, bookmarks)
        self._here = {_which(one) for one in self.panel.bookmarks() if one["moment"] != NOWHERE}
        self._saved = self._text()
        self.keep()

    def _is_saved(self, _path: str, window: Mapping[str, Any]) -> None:
        """A session's file has this of the window: what was written since is not in it."""
        self._saved = _plain(window.get("notes", ""), window.get("bookmarks", []))
        self.keep()

    # -- keeping ------------------------------------------------------------------------------------------------
    def keep(self) -> None:
        """Write down what is in no session's file."""
        self._timer.stop()
        text = self._text()
        path, is_somewhere = _own_path(), text in (EMPTY, self._saved)
        self.send(KEEP, lambda: _kept(path, None if is_somewhere else text))

    def on_result(self, key: str, payload: Any) -> None:
        if key == FIND:
            path, told = payload
            self._offer(f"An earlier sitting left {_words(told)}.", path, told)
        elif key.startswith(BRING):
            self.send(FIND, _left)  # there may be more than one

    def _offer(self, sentence: str, path: Path, told: dict[str, Any]) -> None:
        self.window.banner.show_message("info", sentence, ("Bring them back", lambda: self._bring(path, told)))

    def _bring(self, path: Path, told: dict[str, Any]) -> None:
        here, there, bookmarks = self.panel.text(), told["notes"], self.panel.bookmarks()
        text = there if here in there else here if there in here else f"{here}\n\n{there}"
        known = json.loads(_plain("", bookmarks))["bookmarks"]  # what is in both comes once
        more = [one for one in told["bookmarks"] if {**one, "moment": NOWHERE} not in known]
        self.panel.restore(text, [*bookmarks, *({**one, "moment": NOWHERE} for one in more)])
        self.window.show_panel("notes")
        now, whole = self._text(), path
        if len(text) > LONGEST or len(self.panel.bookmarks()) < len(bookmarks) + len(more):
            whole = path.with_suffix(".kept")  # not offered again: what of it had room would come twice
            self.session.message.emit("warning", f"There is no room for all of it here: the whole stays in {whole}")
        self.send(f"{BRING} {path.name}", lambda: _brought(now, path, whole))

    def close(self) -> None:
        """Write down what is in no session's file, and end the thread."""
        self._timer.stop()
        super().close()
        text = self._text()
        try:
            list(_kept(_own_path(), None if text in (EMPTY, self._saved) else text))
        except (OSError, ZooError) as error:
            log.warning("the notes were not kept: %s", error)

    def _text(self) -> str:
        return _plain(self.panel.text(), self.panel.bookmarks())


def _picture(frame: Any) -> str:
    """A screen (H, W, 3) uint8 as a small PNG in base64."""
    height, width = frame.shape[:2]
    image = QtGui.QImage(frame.tobytes(), width, height, 3 * width, QtGui.QImage.Format_RGB888)
    small = image.scaled(*PICTURE, QtCore.Qt.IgnoreAspectRatio, QtCore.Qt.SmoothTransformation)
    data = QtCore.QBuffer()
    data.open(QtCore.QIODevice.WriteOnly)
    small.save(data, "PNG")
    return base64.b64encode(bytes(data.data())).decode()


def _plain(notes: str, bookmarks: Sequence[Mapping[str, Any]]) -> str:
    """As it is kept: another sitting has none of the moments."""
    return json.dumps({"notes": notes, "bookmarks": [{**one, "moment": NOWHERE} for one in bookmarks]})


def _which(bookmark: Mapping[str, Any]) -> tuple:
    """Tells bookmarks of one sitting apart from those of another, whose moments have the same ids."""
    return tuple(bookmark[key] for key in ("moment", "link", "place", "picture"))


def _words(told: Mapping[str, Any]) -> str:
    """``notes and 2 bookmarks``."""
    count = len(told["bookmarks"])
    words = f"{count} bookmark{'s' if count != 1 else ''}" if count else ""
    return " and ".join(filter(None, ("notes" if told["notes"] else "", words)))


def _own_path() -> Path:
    return leftovers.own(FOLDER, SUFFIX)


def _kept(path: Path, text: str | None) -> Iterator[None]:
    """None: there is nothing to be kept."""
    if text is None:
        path.unlink(missing_ok=True)
    else:
        leftovers.write(path, text)
    return
    yield


def _left() -> Iterator[tuple[Path, dict[str, Any]]]:
    """(file, notes and bookmarks) of the newest that a process left which is no more; others of its kind go when they
    are empty."""
    for path in leftovers.left(FOLDER, SUFFIX):
        try:
            told = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size <= LARGEST else {}
            notes, bookmarks = told["notes"], told["bookmarks"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if not (isinstance(notes, str) and isinstance(bookmarks, list)):
            continue
        bookmarks = [one for one in bookmarks if isinstance(one, dict)]
        if notes.strip() or bookmarks:
            yield path, {"notes": notes, "bookmarks": bookmarks}
            return
        path.unlink(missing_ok=True)


def _brought(now: str, path: Path, whole: Path) -> Iterator[bool]:
    """What was brought back is kept as this sitting's; only then its file goes, or is called ``whole``."""
    leftovers.write(_own_path(), now)
    if whole == path:
        path.unlink(missing_ok=True)
    elif path.exists():
        os.replace(path, whole)
    yield True
