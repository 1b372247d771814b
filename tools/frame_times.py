"""How evenly a window draws: the times between paints of the game, and between turns of the event loop."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

STUTTER = 0.1
"""Seconds without a turn of the event loop that a person sees as a stop."""
BEAT_MS = 16


class Stop(NamedTuple):
    """at: seconds since the beginning. computed: seconds of ``seconds`` in which the thread had a core: the rest is
    other programs'. act: what was being done."""

    at: float
    seconds: float
    computed: float
    act: str


class FrameTimes(QtCore.QObject):
    """Watches one window from ``begin`` on. ``act``: what is being done, said by whoever does it."""

    def __init__(self, window: QtWidgets.QWidget, game: QtWidgets.QWidget, is_playing):
        super().__init__(window)
        self.act, self._is_playing = "", is_playing
        self.turns: list[float] = []
        self.frames: list[float] = []
        self.stops: list[Stop] = []
        self._began = self._turned = time.perf_counter()
        self._computed = time.thread_time()
        self._painted: float | None = None
        for view in game.findChildren(QtWidgets.QAbstractScrollArea):
            view.viewport().installEventFilter(self)
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.timeout.connect(self._turn)
        self._timer.start(BEAT_MS)

    def _turn(self) -> None:
        now, computed = time.perf_counter(), time.thread_time()
        took, self._turned = now - self._turned, now
        worked, self._computed = computed - self._computed, computed
        self.turns.append(took)
        if took > STUTTER:
            self.stops.append(Stop(now - self._began - took, took, worked, self.act))

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Paint:
            now = time.perf_counter()
            if not self._is_playing():
                self._painted = None
            else:
                if self._painted is not None:
                    self.frames.append(now - self._painted)
                self._painted = now
        return False

    def end(self) -> None:
        """Watch no longer."""
        self._timer.stop()

    def lines(self) -> list[str]:
        """The log: percentiles in milliseconds, and every stop."""
        text = []
        for name, times in (("turns of the event loop", self.turns), ("paints of the game at play", self.frames)):
            if times:
                half, most, nearly = np.percentile(times, (50, 95, 99)) * 1000
                text.append(f"{name}: {len(times):,}; median {half:.1f} ms, 95th percentile {most:.1f} ms, "
                            f"99th {nearly:.1f} ms, longest {max(times) * 1000:.0f} ms")  # fmt: skip
        limit = f"{STUTTER * 1000:.0f} ms"
        own = sum(stop.computed > STUTTER for stop in self.stops)
        text.append(f"stops of more than {limit}: {len(self.stops)}; with more than {limit} of computing: {own}")
        return text + [f"  {stop.at:7.2f} s  {stop.seconds * 1000:5.0f} ms, computing {stop.computed * 1000:5.0f} ms  "
                       f"{stop.act}" for stop in self.stops]  # fmt: skip
