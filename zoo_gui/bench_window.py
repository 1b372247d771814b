"""A child of ``zoo-gui bench``: the real window, driven by itself, every panel open, with a stopwatch at its paints."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

import numpy as np


class Watch:
    """Times at which the game was painted and at which the UI thread had a turn, in seconds."""

    def __init__(self):
        self.paints: list[float] = []
        self.turns: list[float] = []

    def clear(self) -> None:
        self.paints.clear()
        self.turns.clear()

    def figures(self) -> dict[str, float]:
        """Paints a second; 99th percentile and longest of the gaps, where a gap is one between paints."""
        gaps = np.diff(self.paints) * 1000.0
        stalls = np.diff(self.turns) * 1000.0
        return {
            "ui_fps": float(1000.0 / gaps.mean()),
            "frame_interval_p99_ms": float(np.percentile(gaps, 99)),
            "longest_stall_ms": float(max(gaps.max(), stalls.max())),
        }


class Driver:
    """Leads the window through the measurements; each phase is a generator that yields how long to wait (seconds)."""

    def __init__(self, sitting, agents: int, seconds: float, started: float):
        from pyqtgraph.Qt import QtCore, QtWidgets

        self.sitting, self.seconds, self.started, self.agents = sitting, seconds, started, agents
        self.window, self.session, self.watch = sitting.window, sitting.session, Watch()
        self.result: dict[str, float] = {}
        self._first_step: float | None = None
        self._qt = (QtCore, QtWidgets)
        watch = self.watch

        class PaintFilter(QtCore.QObject):
            def eventFilter(self, watched, event):
                if event.type() == QtCore.QEvent.Paint:
                    watch.paints.append(time.perf_counter())
                return False

        self._filter = PaintFilter()
        for view in self.window.panels["game"].findChildren(QtWidgets.QAbstractScrollArea):
            view.viewport().installEventFilter(self._filter)
        self._turns = QtCore.QTimer()
        self._turns.setTimerType(QtCore.Qt.PreciseTimer)
        self._turns.timeout.connect(self._on_turn)
        self._turns.start(5)
        self.session.stepped.connect(self._on_stepped)
        self._plan = self._run()
        self._advance()

    def _on_turn(self) -> None:
        self.watch.turns.append(time.perf_counter())
        if "window_seconds" not in self.result and self.watch.paints:
            self.result["window_seconds"] = time.time() - self.started

    def _on_stepped(self, lane: int, step, summaries) -> None:
        # The second step: the first is shown while paused, the second is the game living.
        if self._first_step is None and summaries and summaries[-1].number >= 1:
            self._first_step = time.time() - self.started

    def _advance(self) -> None:
        try:
            wait = next(self._plan)
        except StopIteration:
            self.window.close()
            return
        self._qt[0].QTimer.singleShot(int(wait * 1000), self._advance)

    def _run(self):
        while self._first_step is None:
            yield 0.05
        self.result["first_step_seconds"] = self._first_step
        while len(self.session.lanes) < self.agents or len(self.session.history(0)) < 15:
            yield 0.1
        yield from self._game_speed()
        yield from self._with_feature_vis()
        yield from self._full_speed()
        self._memory()

    def _game_speed(self):
        self.session.set_saliency("action")
        yield 1.5
        self.watch.clear()
        yield self.seconds
        self.result.update(self.watch.figures())

    def _with_feature_vis(self):
        """A unit clicked every two seconds, each with its feature visualization forming."""
        layers = [layer for layer in self.session.lanes[0].layers if layer.kind in ("conv", "dense")]
        from zoo_gui.types import Unit

        self.watch.clear()
        for turn in range(max(2, int(self.seconds / 2))):
            layer = layers[turn % len(layers)]
            self.session.select(0, Unit(layer.name, (7 * turn) % layer.units))
            yield 2.0
        for key, value in self.watch.figures().items():
            self.result[f"{key}_during_feature_vis"] = value
        self.session.select(0, None)
        yield 0.5

    def _full_speed(self):
        """As fast as it goes, as the program starts (saliency off) and with saliency on; then the pause key."""
        self.session.set_speed(None)
        for target, suffix in (("action", "_with_saliency"), (None, "")):
            self.session.set_saliency(target)
            yield 1.5
            steps, start = self._count(), time.perf_counter()
            self.watch.clear()
            yield self.seconds
            self.result[f"live_steps_per_second{suffix}"] = (self._count() - steps) / (time.perf_counter() - start)
        self.result["ui_fps_at_full_speed"] = self.watch.figures()["ui_fps"]
        latencies = []
        for speed in (None, 1.0):
            self.session.set_speed(speed)
            self.session.play()
            for _ in range(5):
                yield 0.3
                latencies.append((yield from self._pause()))
                self.session.play()
        self.result["pause_latency_ms"] = max(latencies)

    def _pause(self):
        """Press the key and wait: milliseconds until the picture changed for the last time."""
        QtCore, QtWidgets = self._qt
        from pyqtgraph.Qt import QtGui

        changes = []
        self.session.frame_shown.connect(lambda lane, frame: changes.append(time.perf_counter()))
        pressed = time.perf_counter()
        for kind in (QtCore.QEvent.KeyPress, QtCore.QEvent.KeyRelease):
            event = QtGui.QKeyEvent(kind, QtCore.Qt.Key_F, QtCore.Qt.NoModifier, "f")
            QtWidgets.QApplication.sendEvent(self.window, event)
        yield 0.3
        assert not self.session.running, "the key did not pause the game"
        last = max([moment for moment in changes if moment > pressed], default=pressed)
        return (last - pressed) * 1000.0

    def _count(self) -> int:
        return sum(int(self.session.history(info.lane).column("number", 1)[-1]) for info in self.session.lanes)

    def _memory(self) -> None:
        import psutil

        process = psutil.Process()
        tree = [process, *process.children(recursive=True)]
        self.result["rss_mb"] = sum(one.memory_info().rss for one in tree) / 2**20
        self.result["pss_mb"] = sum(one.memory_full_info().pss for one in tree) / 2**20


def main(seconds: float, agents: list[str]) -> None:
    """Print one line of JSON with the figures."""
    from zoo_gui.launch import Sitting

    started = float(os.environ.get("ZOO_GUI_BENCH_START", time.time()))
    sitting = Sitting(argparse.Namespace(seed=1, layout="reset"), agents, unattended=False)
    driver = Driver(sitting, len(agents), seconds, started)
    sitting.run()
    print(json.dumps(driver.result), flush=True)
    os._exit(0)  # as the console command does (see cli.entry)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
