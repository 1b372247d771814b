"""What the window knows of the catalogue: read in a thread, for files are not the UI thread's work. QtCore only."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Iterator

from pyqtgraph.Qt import QtCore

from zoo_gui.workers import Streams

ENTRIES, THUMBNAILS, PATHS = "entries", "thumbnails", "paths"


class Library(QtCore.QObject):
    """Ask with ``read``, ``want_thumbnail`` and ``check``; the answers are signals.

    entries_read: the list of catalogue.Entry, twice where the person's folders take time. thumbnail_read: (id, PNG).
    checked: {id or path: why it cannot be opened, "" where it can}. failed: a sentence.
    """

    entries_read = QtCore.Signal(object)
    thumbnail_read = QtCore.Signal(str, object)
    checked = QtCore.Signal(object)
    failed = QtCore.Signal(str)
    _delivered = QtCore.Signal(str, str, object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._streams: Streams | None = None
        self._wanted: deque = deque()
        self._reading = self._closed = False
        self._delivered.connect(self._on_delivered, QtCore.Qt.QueuedConnection)

    def read(self) -> None:
        """Read the catalogue, or read it again."""
        self._start(ENTRIES, _entries)

    def want_thumbnail(self, entry) -> None:
        """Read one agent's picture."""
        self._wanted.append(entry)
        if not self._reading:
            self._reading = True
            self._start(THUMBNAILS, partial(_thumbnails, self._wanted))

    def check(self, ids: list[str]) -> None:
        """Find out which of these ids and paths can still be opened."""
        self._start(PATHS, partial(_checked, ids))

    def close(self) -> None:
        """End the thread; nothing is delivered afterwards. Safe to call twice."""
        self._closed = True
        if self._streams is not None:
            self._streams.close(1.0)
            self._streams = None

    def _start(self, key: str, make) -> None:
        if self._closed:
            return
        if self._streams is None:
            self._streams = Streams(lambda *result: self._delivered.emit(*result), name="zoo_gui catalogue")
        self._streams.start(key, make)

    def _on_delivered(self, key: str, kind: str, payload: Any) -> None:
        if self._closed:
            return
        if kind == "failed":
            self.failed.emit(payload)
        elif kind == "progress" and key == THUMBNAILS:
            self.thumbnail_read.emit(*payload)
        elif kind == "progress":
            (self.entries_read if key == ENTRIES else self.checked).emit(payload)
        if kind != "progress" and key == THUMBNAILS:
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
