#!/usr/bin/env python3
"""Pictures of every layout in both themes, small, large and at 200 %: ``python tools/stage.py FOLDER [LAYOUT …]``.

Each size has a process and a virtual screen (Xvfb) of its own, for scaling is settled when Qt starts. Two agents see
one game of Breakout, a unit is selected, the game is paused. The script also looks: it names panels of one colour, and
then fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hands import Hands
from sitting import Sitting, application, leave, newcomer


class Screen(NamedTuple):
    """size: of the window, in units that the scale multiplies."""

    size: tuple[int, int]
    scale: int


SCREENS = {"1280x720": Screen((1280, 720), 1), "1920x1080": Screen((1920, 1080), 1), "200%": Screen((1280, 720), 2)}
THEMES = ("dark", "light")
AGENTS = ("distill/Breakout/1", "a2c/Breakout/1")
STEPS = 120
CHILD = "ZOO_GUI_STAGE"
PLAIN = 3.0
"""Standard deviation of grey levels up to which something is of one colour."""


def flat(image) -> bool:
    """Whether a picture (QImage) is of one colour but for its edges."""
    from pyqtgraph.Qt import QtGui

    small = image.scaled(400, 400).convertToFormat(QtGui.QImage.Format_RGB32)
    bits = small.constBits()
    bits.setsize(small.sizeInBytes())
    grey = np.frombuffer(bits, np.uint8).reshape(400, 400, 4)[..., :3].mean(axis=-1)
    height, width = grey.shape
    return bool(np.std(grey[height // 12:, width // 20: -width // 20]) < PLAIN)


def take(sitting: Sitting, path: Path) -> list[str]:
    """One picture of the window as it is; returns what is of one colour in it."""
    from zoo_gui import capture

    for panel in sitting.panels.values():
        panel.settle()
    image = capture.picture(sitting.window)
    image.save(str(path))
    seen = [name for name, panel in sitting.panels.items() if panel.is_seen]
    empty = [name for name in seen if flat(capture.picture(sitting.panels[name]))]
    failed = [name for name in seen if sitting.panels[name].failed]
    print(f"{path} {image.width()}×{image.height()}: {', '.join(seen)}", flush=True)
    return [f"{path.name}: {name} is of one colour" for name in empty] + [
        f"{path.name}: {name} failed" for name in failed]


def shoot(name: str, folder: Path, layouts: list[str]) -> list[str]:
    """All pictures of one screen."""
    faults: list[str] = []
    screen = SCREENS[name]
    with newcomer() as home:
        sitting = Sitting(AGENTS, home, screen.size)
        hands, window = Hands(sitting), sitting.window
        try:
            sitting.session.share(0)
            sitting.play_to(STEPS)
            hands.key("B")
            hands.click_unit(0, "conv2:17")
            picture = sitting.panels["inspector"].vis
            sitting.wait(lambda: picture._result is not None and not picture.job.running)
            for layout in layouts or window.layouts.names():
                window.layouts.apply(layout)
                for theme in THEMES:
                    window.theme.apply(theme)
                    sitting.rest(2.0)
                    faults += take(sitting, folder / f"{layout.lower()}_{theme}_{name.rstrip('%')}.png")
        finally:
            sitting.close()
    return faults


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    folder, layouts = Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    if name := os.environ.get(CHILD):
        screen = SCREENS[name]
        with application(tuple(side * screen.scale for side in screen.size)):
            faults = shoot(name, folder, layouts)
        print("\n".join(faults), flush=True)
        os._exit(1 if faults else 0)
    codes = []
    for name, screen in SCREENS.items():
        environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
        environment |= {CHILD: name, "QT_SCALE_FACTOR": str(screen.scale)}
        codes.append(subprocess.call([sys.executable, __file__, *sys.argv[1:]], env=environment))
    os._exit(max(codes))


if __name__ == "__main__":
    try:
        main()
    except TimeoutError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    leave()
