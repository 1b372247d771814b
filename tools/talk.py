#!/usr/bin/env python3
"""Give a three-minute talk with the real window, by keys and mouse, and keep what an audience would have seen.

    python tools/talk.py FOLDER [--size 1920x1080] [--pace 2.5] [--keyboard]

A newcomer's window opens an agent, plays, shows units, explains, puts a second agent beside the first, goes where they
disagree, and presents; the program records it all by itself. FOLDER then has talk.mp4 and talk.log: the times between
frames, and every stop with what was being done. On the present screen, or on a virtual one (Xvfb). --keyboard: the same
without touching the mouse. ``tools/stage.py`` makes the pictures of all layouts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from hands import Hands
from sitting import Sitting, application, leave, newcomer

FIRST, SECOND = "ppo breakout", "a2c breakout run 1"


class Talk:
    """The acts, in order: each says in the log what it is."""

    def __init__(self, sitting: Sitting, hands: Hands, times, mouse: bool):
        self.sitting, self.hands, self.times, self.mouse = sitting, hands, times, mouse
        self.session, self.window = sitting.session, sitting.window

    def say(self, act: str) -> None:
        """Begin an act."""
        self.times.act = act
        print(act, flush=True)

    def look(self, times: float = 1.0) -> None:
        """The audience looks."""
        self.sitting.rest(self.hands.pace * times)

    def unit(self, lane: int, name: str) -> None:
        """Select a unit: by a click on it, or by typing its name."""
        from pyqtgraph.Qt import QtWidgets

        if self.mouse:
            self.hands.click_unit(lane, name)
            return
        self.hands.key("Ctrl+G")
        self.hands.type(name)
        self.hands.key("Return", QtWidgets.QApplication.focusWidget() or self.window.focusWidget())
        self.sitting.wait(lambda: self.session.selected and str(self.session.selected[1]) == name)
        self.window.setFocus()

    def record(self) -> None:
        self.say("record")
        self.hands.key("F9")
        self.sitting.wait(lambda: self.window.capture.is_recording)

    def open(self) -> None:
        self.say("open an agent")
        self.hands.choose_agent("Ctrl+O", FIRST)
        if not self.session.running:
            self.hands.key("Space")

    def play(self) -> None:
        self.say("play")
        self.look(4)
        for key in ("Space", "Right", "Right", "Space"):
            self.hands.key(key)

    def units(self) -> None:
        self.say("units")
        for name in ("conv1:3", "conv2:17", "conv2:9"):
            self.unit(0, name)
            self.look(2)
        self.hands.key("Z")
        self.look()
        self.hands.key("Z")

    def saliency(self) -> None:
        self.say("saliency")
        self.hands.key("B")
        self.look(2)
        for _ in range(4):
            self.hands.key("N")
        self.look()

    def compare(self) -> None:
        self.say("a second agent")
        self.hands.choose_agent("Ctrl+Shift+O", SECOND)
        self.look(2)
        self.say("the same game for both")
        self.hands.key("V")
        self.sitting.wait(lambda: self.session.driver == 0)
        self.hands.key("Alt+3")
        self.look(5)

    def disagree(self) -> None:
        self.say("where they disagree")
        for _ in range(2):
            self.hands.key("[")
            self.look(2)

    def present(self) -> None:
        self.say("the layouts")
        for key in ("Alt+2", "Alt+4", "Alt+1", "Alt+5"):
            self.hands.key(key)
        if not self.session.running:
            self.hands.key("Space")
        self.say("presenter mode")
        self.hands.key("F5")
        self.look()
        if self.mouse:
            self.hands.key("F7")
            self.hands.click(self.window.panels["game"])
            self.look()
        self.hands.key("F5")
        self.say("the light theme")
        self.hands.key("Ctrl+Shift+T")
        self.look()

    def keep(self, path: Path) -> None:
        self.say("stop recording")
        saved: list[str] = []
        self.window.capture.saved.connect(saved.append)
        self.window.capture.failed.connect(_fail)
        self.hands.key("F9")
        self.sitting.wait(lambda: saved)
        self.times.end()
        shutil.move(saved[-1], path)


def _fail(sentence: str) -> None:
    raise SystemExit(sentence)


def give(folder: Path, size: tuple[int, int], pace: float, mouse: bool) -> None:
    """The whole talk."""
    from pyqtgraph.Qt import QtWidgets

    from frame_times import FrameTimes

    with newcomer() as home:
        os.environ["ZOO_GUI_RECORDINGS"] = str(home / "recordings")
        sitting = Sitting((), home, size)
        QtWidgets.QApplication.setActiveWindow(sitting.window)
        times = FrameTimes(sitting.window, sitting.panels["game"], lambda: sitting.session.running)
        talk = Talk(sitting, Hands(sitting, pace), times, mouse)
        try:
            for act in (talk.record, talk.open, talk.play, talk.units, talk.saliency, talk.compare, talk.disagree,
                        talk.present):  # fmt: skip
                act()
            talk.keep(folder / "talk.mp4")
            failed = [name for name, panel in sitting.panels.items() if panel.failed]
        finally:
            sitting.close()
    lines = [f"window {size[0]}×{size[1]}, {'mouse and keys' if mouse else 'keys alone'}", *times.lines()]
    lines.append(f"panels that failed: {', '.join(failed) or 'none'}")
    (folder / "talk.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1280x720", metavar="WxH")
    parser.add_argument("--pace", type=float, default=2.5, metavar="S", help="seconds to look at each thing (2.5)")
    parser.add_argument("--keyboard", action="store_true", help="without the mouse")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    size = tuple(map(int, options.size.split("x")))
    with application(size):
        give(options.folder, size, options.pace, not options.keyboard)


if __name__ == "__main__":
    try:
        main()
    except (SystemExit, TimeoutError) as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    leave()
