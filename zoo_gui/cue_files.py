"""Lists of cues on disk, for the window: read and written in a thread; what was not saved is kept and offered later."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Iterator

from pyqtgraph.Qt import QtCore

from zoo_gui import cues, leftovers
from zoo_gui.errands import Errands
from zoo_gui.types import ZooError
from zoo_gui.views import View

log = logging.getLogger(__name__)

OPEN, SAVE, CHECK, FIND, KEEP = "open cues", "save cues", "check cues", "find cues", "keep cues"
FOLDER = "cues"

Views = tuple[View, ...]


class CueFiles(Errands):
    """read: a CueList. written: a CueList. checked: sentences on what cannot be shown. left: (path, views) that an
    earlier sitting did not save."""

    name = "zoo_gui cues"
    read = QtCore.Signal(object)
    written = QtCore.Signal(object)
    checked = QtCore.Signal(object)
    left = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._asides = 0

    def open(self, path: Path) -> None:
        """Read a file."""
        self.send(OPEN, lambda: iter([cues.read(path)]))

    def save(self, views: Views, path: Path) -> None:
        """Write a file."""
        self.send(SAVE, lambda: iter([cues.write(views, path)]))

    def check(self, views: Views) -> None:
        """Find out which cannot be shown."""
        self.send(CHECK, lambda: iter([cues.doubts(views)]))

    # -- what is not saved --------------------------------------------------------------------------------------
    def find(self) -> None:
        """Look for what an earlier sitting did not save."""
        self.send(FIND, _left)

    def keep(self, views: Views, instead: Path | None = None) -> None:
        """Keep what is not saved, (): nothing is. instead: a kept file that it was in until now."""
        self.send(KEEP if instead is None else f"{KEEP} {instead.name}", lambda: _kept(views, _own(), instead))

    def put_aside(self, views: Views) -> Path:
        """Keep what another list takes the place of; where."""
        self._asides += 1
        path = _own(self._asides)
        self.send(f"{KEEP} {self._asides}", lambda: _kept(views, path))
        return path

    def close_with(self, views: Views) -> None:
        """End the thread; keep what is not saved, as ``keep``."""
        self.close()
        try:
            list(_kept(views, _own()))
        except (OSError, ZooError) as error:
            log.warning("the cues were not kept: %s", error)

    def on_result(self, key: str, payload: Any) -> None:
        {OPEN: self.read, SAVE: self.written, CHECK: self.checked, FIND: self.left}[key].emit(payload)


def _own(number: int = 0) -> Path:
    return leftovers.own(FOLDER, cues.SUFFIX, number)


def _kept(views: Views, path: Path, instead: Path | None = None) -> Iterator[None]:
    if views:
        cues.write(views, path)
    else:
        path.unlink(missing_ok=True)
    if instead is not None:
        instead.unlink(missing_ok=True)
    return
    yield


def _left() -> Iterator[tuple[Path, Views]]:
    """The newest that can be read."""
    for path in leftovers.left(FOLDER, cues.SUFFIX):
        try:
            yield path, cues.read(path).cues
            return
        except ZooError as error:
            log.info("%s", error)
