"""What the window knows of the catalogue: read in a thread, for files are not the UI thread's work. QtCore only."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Iterator

from pyqtgraph.Qt import QtCore

from zoo_gui.errands import Errands

ENTRIES, THUMBNAILS, PATHS = "entries", "thumbnails", "paths"


class Library(Errands):
    """Ask with ``read``, ``want_thumbnail`` and ``check``; the answers are signals.

    entries_read: the list of catalogue.Entry, twice where the person's folders take time. thumbnail_read: (id, PNG).
    checked: {id or path: why it cannot be opened, "" where it can}. failed: a sentence.
    """

    name = "zoo_gui catalogue"
    entries_read = QtCore.Signal(object)
    thumbnail_read = QtCore.Signal(str, object)
    checked = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._wanted: deque = deque()
        self._reading = False

    def read(self) -> None:
        """Read the catalogue, or read it again."""
        self.send(ENTRIES, _entries)

    def want_thumbnail(self, entry) -> None:
        """Read one agent's picture."""
        self._wanted.append(entry)
        if not self._reading:
            self._reading = True
            self.send(THUMBNAILS, partial(_thumbnails, self._wanted))

    def check(self, ids: list[str]) -> None:
        """Find out which of these ids and paths can still be opened."""
        self.send(PATHS, partial(_checked, ids))

    def on_result(self, key: str, payload: Any) -> None:
        if key == THUMBNAILS:
            self.thumbnail_read.emit(*payload)
        else:
            (self.entries_read if key == ENTRIES else self.checked).emit(payload)

    def on_end(self, key: str) -> None:
        if key == THUMBNAILS:
            self._reading = False
            if self._wanted:
                self.want_thumbnail(self._wanted.popleft())


def _entries() -> Iterator[list]:
    """All but the person's folders, which may take seconds the first time; then all."""
    from zoo_gui.agents import catalogue
    from zoo_gui.agents.entry import FOLDER, SOURCES

    first = catalogue.entries([source for source in SOURCES if source != FOLDER])
    yield first
    whole = catalogue.entries()
    if whole != first:
        yield whole


def _thumbnails(wanted: deque) -> Iterator[tuple[str, bytes]]:
    from zoo_gui.agents import catalogue

    while wanted:
        entry = wanted.popleft()
        if (png := catalogue.read_thumbnail(entry)) is not None:
            yield entry.id, png


def _checked(ids: list[str]) -> Iterator[dict[str, str]]:
    """Only what is a path can be gone; an id is the catalogue's business, and an address the network's."""
    reasons = {}
    for id in ids:
        path = Path(id).expanduser()
        gone = id.startswith(("/", "~", ".")) and not path.exists()
        reasons[id] = ("its folder is gone" if not path.parent.exists() else "the file is gone") if gone else ""
    yield reasons
