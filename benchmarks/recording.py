"""What recording costs: game and UI frames a second without it and with each kind, in the real window.

``python benchmarks/recording.py [AGENT …]``: a display is needed (or xvfb-run). Prints, for each kind, game fps, UI fps
and their ratio to none, the share of the UI thread that taking pictures takes, the pictures a second that were really
new (the film's rate is constant all the same), and the work of that thread for each.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

SECONDS = 8.0
KINDS = {
    "none": None, "as shown, 30": {"size": "shown", "fps": 30}, "as shown, 60": {"size": "shown", "fps": 60},
    "1080p, 30, drawn anew": {"size": "1080p", "fps": 30}, "1080p, 60, drawn anew": {"size": "1080p", "fps": 60},
    "4K, 30, drawn anew": {"size": "2160p", "fps": 30},
    "4K, 30, enlarged": {"size": "2160p", "fps": 30, "crisp": False},
    "last 30 seconds": "ring", "none again": None,
}  # fmt: skip


class Bench:
    """Leads the window through the kinds, one after the other."""

    def __init__(self, sitting, folder: Path):
        from pyqtgraph.Qt import QtCore

        self.window, self.session, self.folder = sitting.window, sitting.session, folder
        self.plan, self.first, self.later = self._run(), None, QtCore.QTimer.singleShot
        self._next()

    def _next(self) -> None:
        wait = next(self.plan, None)
        self.window.close() if wait is None else self.later(round(wait * 1000), self._next)

    def _run(self):
        from zoo_gui.recording import Recording

        while not self.session.lanes or len(self.session.history(0)) < 30:
            yield 0.2
        self.session.set_saliency("action")
        yield 2.0
        print(f"{'':24}{'game fps':>10}{'UI fps':>8}{'of none':>9}{'UI thread':>11}{'new pictures':>14}"
              f"{'ms a picture':>14}")
        for number, (name, kind) in enumerate(KINDS.items()):
            capture = self.window.capture
            if kind == "ring":
                capture.start_ring(self.window, 30)
            elif kind:
                self.window.recorder.start(Recording(**kind, path=self.folder / f"{number}.mp4"))
            while kind and not any(take.drawn > 1 for take in capture._takes()):
                yield 0.1
            yield 1.0
            self.session.rates.reset()
            take = next(iter(capture._takes()), None)
            before = (take.spent, take.drawn, take.seconds) if take else (0, 0, 0)
            games, paints = [], []
            for _ in range(round(SECONDS / 0.5)):
                yield 0.5
                games.append(self.session.status["game_fps"])
                paints.append(self.session.status["ui_fps"])
            self._print(name, take, before, games[2:], paints[2:])
            capture.stop_ring() if kind == "ring" else capture.stop()
            yield 3.0

    def _print(self, name: str, take, before: tuple, games: list, paints: list) -> None:
        game, paint = (sum(filter(None, values)) / max(1, len(values)) for values in (games, paints))
        self.first = self.first or game
        spent, drawn, seconds = ((take.spent, take.drawn, take.seconds) if take else (0, 0, 1))
        share, new = (spent - before[0]) / (seconds - before[2]), (drawn - before[1]) / (seconds - before[2])
        print(f"{name:24}{game:10.1f}{paint:8.1f}{game / self.first:9.0%}{share:11.0%}{new:14.1f}"
              f"{1000 * share / new if new else 0:14.1f}", flush=True)


def main(agents: list[str]) -> None:
    """Measure and print."""
    from zoo_gui.bench import screen
    from zoo_gui.launch import Sitting

    with screen(), tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_GUI_CONFIG"] = str(Path(folder) / "settings.json")
        sitting = Sitting(argparse.Namespace(seed=1, layout="reset"), agents, unattended=False)
        bench = Bench(sitting, Path(folder))
        sitting.run()
        assert bench.first, "nothing was measured"
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:] or ["distill/Breakout/2"])
