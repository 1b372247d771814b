"""Memory over a long sitting: the real window with agents playing, units clicked, speeds changed, saliency on.

    python benchmarks/soak.py [minutes] [AGENT …]

Prints, once a minute, the resident memory (MB) of the window's process and of the engine, and at the end how much the
sum grew between the first quarter and the last. Needs a screen; without one it uses Xvfb or Qt's offscreen platform.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time

import psutil

from zoo_gui.bench import screen


class Soak:
    """Does something every five seconds, and looks at the memory every minute."""

    def __init__(self, sitting, minutes: float):
        from pyqtgraph.Qt import QtCore

        self.window, self.session = sitting.window, sitting.session
        self.end = time.monotonic() + 60.0 * minutes
        self.random, self.turns, self.sums = random.Random(0), 0, []
        self.timer = QtCore.QTimer()
        self.timer.timeout.connect(self.turn)
        self.timer.start(5000)

    def turn(self) -> None:
        from zoo_gui.types import Unit

        self.turns += 1
        lane = self.random.choice(self.session.lanes)
        layer = self.random.choice(lane.layers)
        self.session.select(lane.lane, Unit(layer.name, self.random.randrange(layer.units)))
        if self.turns % 3 == 0:
            self.session.set_speed(self.random.choice((1.0, 2.0, 8.0, None)))
        if self.turns % 4 == 0:
            self.session.set_saliency(self.random.choice((None, "action", "unit")))
        if self.turns % 12 == 0:
            self.report()
        if time.monotonic() > self.end:
            self.window.close()

    def report(self) -> None:
        process = psutil.Process()
        engine = [child.memory_info().rss for child in process.children(recursive=True)]
        window, engine = process.memory_info().rss / 2**20, sum(engine) / 2**20
        self.sums.append(window + engine)
        total = window + engine
        print(f"{self.turns // 12:3} min  window {window:6.0f}  engine {engine:6.0f}  sum {total:6.0f} MB", flush=True)


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    agents = sys.argv[2:] or ["distill/Breakout/1", "distill/Breakout/2"]
    with screen(), tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_GUI_CONFIG=f"{home}/settings.json", ZOO_GUI_CACHE=f"{home}/cache")
        from zoo_gui.launch import Sitting

        sitting = Sitting(argparse.Namespace(seed=1), agents, unattended=False)
        soak = Soak(sitting, minutes)
        sitting.run()
    quarter = max(1, len(soak.sums) // 4)
    first, last = (sum(part) / len(part) for part in (soak.sums[:quarter], soak.sums[-quarter:]))
    print(f"growth from the first quarter to the last: {last - first:+.0f} MB of {first:.0f}")


if __name__ == "__main__":
    main()
