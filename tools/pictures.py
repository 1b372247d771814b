#!/usr/bin/env python3
"""Make the pictures of README.md and docs/ from the real window: ``python tools/pictures.py [NAME …]``.

Runs ``zoo-gui`` on the present screen or a virtual one (Xvfb), lets it play, and keeps its own screenshot.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from zoo_gui.bench import screen

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
#: {picture: arguments of zoo-gui gui}
PICTURES = {
    "window": ["distill/Breakout/1", "--select", "conv2:17", "--saliency", "action", "--after-steps", "260"],
    "side_by_side": ["distill/Breakout/1", "ppo/Breakout/1", "--select", "conv1:3", "--after-steps", "260"],
    "seaquest": ["distill/Seaquest/1", "--select", "fc:42", "--saliency", "action", "--after-steps", "300"],
}


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
        for name in sys.argv[1:] or PICTURES:
            make(name)


if __name__ == "__main__":
    main()
