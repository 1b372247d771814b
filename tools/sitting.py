"""A sitting for scripts: the real window with agents in it, played to a fixed step of a fixed seed.

The window is a newcomer's, on the present screen or on a virtual one (Xvfb). ``pictures.py``, ``panel_pictures.py`` and
``talk.py`` say what is done in it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from PIL import Image

from zoo_gui.bench import screen

SIZE = (1600, 900)
SEED = 3
LONGEST = 900.0
"""Seconds after which what is waited for counts as never coming."""


@contextmanager
def application(size: tuple[int, int] = SIZE) -> Iterator[object]:
    """Qt's application with the program's looks, on a screen, of this size where it is a virtual one: one for all
    sittings of a script."""
    from pyqtgraph.Qt import QtCore, QtWidgets

    from zoo_gui import theme

    with screen(size):
        for name in ("AA_EnableHighDpiScaling", "AA_UseHighDpiPixmaps"):
            QtCore.QCoreApplication.setAttribute(getattr(QtCore.Qt, name))
        made = QtWidgets.QApplication(sys.argv[:1])
        theme.apply(made)
        yield made


@contextmanager
def newcomer() -> Iterator[Path]:
    """A folder for settings and cache, which then are those of a person who never started the program before."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_GUI_CONFIG=f"{home}/settings.json", ZOO_GUI_CACHE=f"{home}/cache")
        yield Path(home)


class Sitting:
    """A window with agents in it, and a person's patience. ``window``, ``session``, ``panels``."""

    def __init__(self, agents: tuple[str, ...], home: Path, size: tuple[int, int] = SIZE):
        from pyqtgraph.Qt import QtGui

        from zoo_gui.app import MainWindow
        from zoo_gui.session import Session
        from zoo_gui.settings import Settings

        self.session = Session()
        self.session.message.connect(self._on_message)
        self.session.start_engine()
        settings = Settings(home / "settings.json")
        settings.set("tour/seen", True)
        self.window = MainWindow(self.session, settings)
        self.window.resize(*size)
        self.panels = self.window.panels
        self.window.show()
        QtGui.QCursor.setPos(size[0] - 1, size[1] - 1)  # what is under the mouse would be shown otherwise
        for lane, agent in enumerate(agents):
            self.session.load(agent, lane, seed=SEED)
        if agents:
            self.wait(lambda: len(self.session.lanes) == len(agents))

    @staticmethod
    def _on_message(level: str, sentence: str) -> None:
        if level == "error":
            raise SystemExit(sentence)

    def wait(self, holds: Callable[[], object]) -> None:
        """Let the window live until this holds. Raises TimeoutError."""
        end = time.monotonic() + LONGEST
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError("a picture's sitting does not come to its end")
            self.rest(0.01)

    def rest(self, seconds: float) -> None:
        """Let the window live for so long."""
        from pyqtgraph.Qt import QtWidgets

        end = time.monotonic() + seconds
        while True:
            QtWidgets.QApplication.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.005)

    def show(self, panel: str):
        """Bring a panel to the front. Returns it."""
        self.window.show_panel(panel)
        self.rest(0.3)
        return self.panels[panel]

    @property
    def step(self) -> int:
        """Of the first agent's game, counted from 1; 0 before it."""
        numbers = self.session.history(0).column("number", 1)
        return int(numbers[0]) + 1 if len(numbers) else 0

    def play_to(self, step: int) -> None:
        """Play to this step of the first game, and pause there: first fast, then so that every step is shown."""
        for speed, until in ((4.0, step - 160), (2.0, step - 20)):
            self.session.set_speed(speed)
            self.session.play()
            self.wait(lambda until=until: self.step >= until)
        self.session.pause()
        self.rest(0.5)
        while self.step < step:
            before = self.step
            self.session.step_once()
            self.wait(lambda before=before: self.step > before)
        self.session.set_speed(1.0)

    def close(self) -> None:
        self.window.close()
        self.session.close()
        self.window.deleteLater()
        self.rest(0.1)


def shrink(path: Path) -> None:
    """Write a picture again as small as PNG gets. Not in fewer colours: those are what the pictures show."""
    Image.open(path).convert("RGB").save(path, optimize=True)


def leave() -> None:
    """End the script: Qt and TensorFlow have been seen to crash while their libraries are unloaded."""
    sys.stdout.flush()
    os._exit(0)
