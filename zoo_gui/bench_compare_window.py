"""A child of ``zoo-gui bench compare``: agents that see one game, in the real window, and Compare in front."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any, Iterator

import numpy as np

from zoo_gui.bench_window import Driver

TOGETHER = ("distill/Breakout/1", "distill/Breakout/2", "distill/Breakout/1", "distill/Breakout/2")
"""Who is compared: Nature networks of one game."""
JUMPS = 5
PATIENCE = 120.0  # seconds for one thing


class CompareDriver(Driver):
    """Shares one game at its own speed and as fast as it goes, jumps to disagreements, and has agents take over."""

    def __init__(self, *arguments: Any):
        self._ended: set[str] = set()
        super().__init__(*arguments)
        self.session.finished.connect(self._ended.add)

    def _run(self) -> Iterator[float]:
        while self._first_step is None or len(self.session.lanes) < self.agents:
            yield 0.05
        while len(self.session.history(0)) < 15:
            yield 0.1
        commands = self.window.commands
        commands.call("share_input")
        while self.session.input != "shared":
            yield 0.05
        # the first networks are made ready for feature visualization in the meantime, as a person's would be
        yield from self._until(lambda: {f"prepare {lane}" for lane in range(min(2, self.agents))} <= self._ended)
        yield 2.0
        yield from self._watched("shared", self.seconds)
        self.session.set_speed(None)
        yield 1.0
        yield from self._watched("shared_at_full_speed", 4 * self.seconds)
        self.session.set_speed(1.0)
        panel = self.window.panels["compare"]
        self.result["moments"] = len(panel.track)
        times = []
        for _ in range(20):
            panel.strip.refresh()
            begun = time.perf_counter()
            panel.grab()  # as a repaint, with everything that there is
            times.append(time.perf_counter() - begun)
        self.result["compare_paint_ms"] = 1000.0 * float(np.median(times))
        yield from self._jumps(commands)
        yield from self._take_overs(commands)

    def _watched(self, name: str, seconds: float) -> Iterator[float]:
        self.watch.clear()
        yield seconds
        figures = self.watch.figures()
        for key in ("ui_fps", "frame_interval_p99_ms"):
            self.result[f"{name}_{key}"] = figures[key]

    def _jumps(self, commands: Any) -> Iterator[float]:
        """From the key to the moment on screen, and to all agents' maps of it."""
        panel, moment = self.window.panels["compare"], self.window.panels["moment"]
        shown, explained = [], []
        yield 2.0
        for _ in range(JUMPS + 1):  # the first traces the functions that explain
            begun = time.perf_counter()
            commands.call("previous_apart")
            wanted = panel.track.moment(panel.strip.shown_place)
            yield from self._until(lambda wanted=wanted: self.session.last_step(0).moment == wanted)
            shown.append(time.perf_counter() - begun)
            yield from self._until(lambda wanted=wanted: moment.explained == wanted)
            explained.append(time.perf_counter() - begun)
        self.result["jump_ms"] = 1000.0 * max(shown[1:])
        self.result["jump_with_maps_ms"] = 1000.0 * max(explained[1:])

    def _take_overs(self, commands: Any) -> Iterator[float]:
        """From the key to the same moment, with another at the wheel."""
        times = []
        for lane in (1, 0, 1, 0):
            begun = time.perf_counter()
            commands.call(f"take_over_{lane + 1}")
            yield from self._until(lambda lane=lane: self._drives(lane))
            times.append(time.perf_counter() - begun)
        self.result["take_over_ms"] = 1000.0 * max(times)

    def _drives(self, lane: int) -> bool:
        return self.session.driver == lane and None not in self.session.feed.steps

    def _until(self, condition: Any) -> Iterator[float]:
        end = time.perf_counter() + PATIENCE
        while not condition():
            if time.perf_counter() > end:
                raise SystemExit("what was waited for did not happen")
            yield 0.002


def main(seconds: float, agents: list[str]) -> None:
    """Print one line of JSON with the figures of as many agents as are named; who plays is TOGETHER."""
    from zoo_gui.launch import Sitting

    started = float(os.environ.get("ZOO_GUI_BENCH_START", time.time()))
    together = list(TOGETHER[: len(agents)])
    sitting = Sitting(argparse.Namespace(seed=1, layout="reset"), together, unattended=False)
    driver = CompareDriver(sitting, len(together), seconds, started)
    sitting.run()
    print(json.dumps(driver.result), flush=True)
    os._exit(0)  # as the console command does (see cli.entry)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
