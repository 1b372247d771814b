#!/usr/bin/env python3
"""Make README.md's moving picture from the real window: ``python tools/animation.py [FILE]``.

An agent plays, a unit is clicked, what the action depends on is laid over the game, a second agent joins. Each picture
is one agent step of the real game, drawn after all panels have drawn it, so that a slow machine makes the same film.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from hands import Hands
from PIL import Image
from sitting import Sitting, application, leave, newcomer

FILE = Path(__file__).resolve().parents[1] / "docs" / "images" / "animation.webp"
SIZE, SHOWN = (1280, 720), (960, 540)
FIRST, SECOND = "distill/Breakout/1", "a2c/Breakout/1"
BEGIN, STEPS = 150, 26
"""The step at which the film begins, and agent steps of each act."""
STEP_MS = 67  # four emulator frames
MOST = 3_000_000


def shot(sitting: Sitting) -> Image.Image:
    """The window as it is now."""
    from pyqtgraph.Qt import QtCore

    from zoo_gui import capture

    for panel in sitting.panels.values():
        panel.settle()
    buffer = QtCore.QBuffer()
    buffer.open(QtCore.QIODevice.WriteOnly)
    capture.picture(sitting.window).save(buffer, "PNG")
    return Image.open(io.BytesIO(bytes(buffer.data()))).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)


def play(sitting: Sitting, pictures: list[Image.Image], steps: int = STEPS) -> None:
    """So many agent steps, a picture of each."""
    for _ in range(steps):
        before = sitting.step
        sitting.session.step_once()
        sitting.wait(lambda before=before: sitting.step > before)
        sitting.rest(0.15)
        pictures.append(shot(sitting))


def film() -> list[Image.Image]:
    """All pictures."""
    pictures: list[Image.Image] = []
    with newcomer() as home:
        sitting = Sitting((FIRST,), home, SIZE)
        hands, session = Hands(sitting), sitting.session
        try:
            sitting.play_to(BEGIN)
            play(sitting, pictures)
            hands.click_unit(0, "conv2:17")
            play(sitting, pictures)
            hands.key("B")
            session.set_saliency("action", "gradcam")
            play(sitting, pictures)
            session.add_agent(SECOND)
            sitting.wait(lambda: len(session.lanes) == 2 and session.last_step(1) is not None)
            session.share(0)
            sitting.wait(lambda: session.driver == 0)
            session.pause()
            sitting.rest(1.0)
            play(sitting, pictures, 2 * STEPS)
        finally:
            sitting.close()
    return pictures


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    with application(SIZE):
        first, *rest = film()
    for quality in (70, 55, 40, 25):
        first.save(path, save_all=True, append_images=rest, duration=STEP_MS, loop=0, quality=quality, method=4)
        if path.stat().st_size <= MOST:
            break
    print(f"{path} {1 + len(rest)} pictures {path.stat().st_size // 1000} kB, quality {quality}", flush=True)


if __name__ == "__main__":
    main()
    leave()
