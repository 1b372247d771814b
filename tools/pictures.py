#!/usr/bin/env python3
"""Make the pictures of README.md and docs/ from the real window: ``python tools/pictures.py [NAME …]``.

Runs ``zoo-gui`` on the present screen or a virtual one (Xvfb), lets it play, and keeps its own screenshot. For the card
wizard it opens the weights of an embedded agent as a stranger's file, without their card.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zoo_gui.bench import screen

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
#: {picture: arguments of zoo-gui gui}
PICTURES = {
    "window": ["distill/Breakout/1", "--select", "conv2:17", "--saliency", "action", "--after-steps", "260"],
    "side_by_side": ["distill/Breakout/1", "ppo/Breakout/1", "--select", "conv1:3", "--after-steps", "260"],
    "seaquest": ["distill/Seaquest/1", "--select", "fc:42", "--saliency", "action", "--after-steps", "300"],
}


WIZARD = "wizard"
STRANGER = "distill/Breakout/2"
SEEN_AFTER = 900
"""Agent steps that each guess has played in the wizard's picture."""


def make_wizard() -> None:
    """The wizard, in which the two orders of frames play Breakout."""
    from pyqtgraph.Qt import QtWidgets

    from zoo_gui import theme
    from zoo_gui.agents import catalogue
    from zoo_gui.app import MainWindow
    from zoo_gui.session import Session
    from zoo_gui.settings import Settings

    application = QtWidgets.QApplication([])
    theme.apply(application)

    def wait(holds, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not holds() and time.monotonic() < end:
            application.processEvents()
            time.sleep(0.01)

    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "model.safetensors"
        shutil.copyfile(catalogue.find(STRANGER).weights, path)
        session = Session()
        session.start_engine()
        window = MainWindow(session, Settings(Path(home) / "settings.json"))
        window.wizards.open(str(path))
        wizard = window.wizards.wizard
        wait(lambda: wizard.table.rowCount())
        wizard.choose("game", "Breakout")
        wait(lambda: wizard.save.isEnabled())
        keys = [wizard.table.item(row, 0).toolTip() for row in range(wizard.table.rowCount())]
        wizard.table.selectRow(keys.index("network.frame_order"))
        wait(lambda: len(wizard.previews.tiles) > 1 and wizard.previews.steps >= SEEN_AFTER)
        wizard.grab().save(str(IMAGES / f"{WIZARD}.png"))
        window.close()
        session.close()


def make(name: str) -> None:
    """Play and take the picture; settings and cache are a newcomer's."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ZOO_GUI_CONFIG": f"{home}/settings.json", "ZOO_GUI_CACHE": f"{home}/cache"}
        command = [sys.executable, "-m", "zoo_gui", "gui", "--seed", "3", *PICTURES[name],
                   "--screenshot", str(IMAGES / f"{name}.png")]
        subprocess.run(command, env=environment, check=True)


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with screen():
        for name in sys.argv[1:] or (*PICTURES, WIZARD):
            make_wizard() if name == WIZARD else make(name)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Qt and TensorFlow have been seen to crash while their libraries are unloaded
