"""What the window has done in a thread because it touches files: asked by method, answered by signal. QtCore only."""

from __future__ import annotations

from typing import Any, Callable, Iterator

from pyqtgraph.Qt import QtCore

from zoo_gui.workers import Streams


class Errands(QtCore.QObject):
    """A base: subclasses ``send`` generators and override ``on_result``, which runs in the UI thread.

    The thread starts with the first errand. What a superseded errand still yields is dropped, and after ``close``
    everything. failed: a sentence.
    """

    failed = QtCore.Signal(str)
    #: Of the thread, for whoever lists them.
    name = "zoo_gui files"
    _delivered = QtCore.Signal(str, str, object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._streams: Streams | None = None
        self._closed = False
        self._delivered.connect(self._on_delivered, QtCore.Qt.QueuedConnection)

    def send(self, key: str, make: Callable[[], Iterator]) -> None:
        """Run the generator that ``make()`` returns in the thread; an errand of the same key ends first."""
        if self._closed:
            return
        if self._streams is None:
            self._streams = Streams(lambda *result: self._delivered.emit(*result), name=self.name)
        self._streams.start(key, make)

    def on_result(self, key: str, payload: Any) -> None:
        """An errand yielded this."""
        raise NotImplementedError

    def on_failed(self, key: str, sentence: str) -> None:
        """An errand failed; by default ``failed`` says so."""
        self.failed.emit(sentence)

    def on_end(self, key: str) -> None:
        """An errand finished or failed."""

    def close(self) -> None:
        """End the thread; nothing is delivered afterwards. Safe to call twice."""
        self._closed = True
        if self._streams is not None:
            self._streams.close(1.0)
            self._streams = None

    def _on_delivered(self, key: str, kind: str, payload: Any) -> None:
        if self._closed:
            return
        if kind == "progress":
            self.on_result(key, payload)
            return
        if kind == "failed":
            self.on_failed(key, payload)
        self.on_end(key)
