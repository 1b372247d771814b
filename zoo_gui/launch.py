"""From the command line to a running window; without a display, to a film and a picture of it."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo_gui import display, settings
from zoo_gui.cues import read as read_cues
from zoo_gui.types import CardNeeded, Unit, ZooError
from zoo_gui.views import View, is_link, is_session

log = logging.getLogger(__name__)

#: What `zoo-gui` records when there is no screen, in agent steps (15 a second at frame skip 4).
UNATTENDED_STEPS = 300


def run(arguments: argparse.Namespace) -> int:
    """Open the window for the parsed arguments of ``zoo-gui gui``; returns the exit code.

    Raises ZooError when the window cannot be opened or an agent does not exist.
    """
    from zoo_gui.agents import catalogue

    agents = _named(arguments)
    if getattr(arguments, "cues", None):
        arguments.cue_list = read_cues(Path(arguments.cues).expanduser())
        if arguments.present and not arguments.agents:
            agents = []  # the first cue has its own
    if agents is None:
        agents = list(arguments.agents or []) or [catalogue.default_id()]
    unattended = not display.has_display()
    for agent in agents:
        try:
            catalogue.find(agent)
        except CardNeeded:
            if unattended:
                raise  # nobody is there to answer
    if unattended:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
    display.check_libraries("offscreen" if unattended else "xcb")
    return Sitting(arguments, agents, unattended).run()


def _named(arguments: argparse.Namespace) -> list[str] | None:
    """Where a link or a session stands in place of agents: the link's agents, None where none does; notes it in
    ``arguments``, as ``view`` or ``session``. Raises ZooError."""
    named = list(arguments.agents or [])
    arguments.view = arguments.session = None
    found = [text for text in named if is_link(text) or is_session(text)]
    if not found:
        return None
    if len(named) > 1:
        raise ZooError(f"“{found[0]}” is opened alone: leave out the other names.")
    if is_session(found[0]):
        arguments.session = Path(found[0]).expanduser()
        if not arguments.session.is_file():
            raise ZooError(f"There is no session {arguments.session}: check the path.")
        return []
    arguments.view = View.of_link(found[0])
    return list(arguments.view.agents)


def _log_qt(kind, context, text: str) -> None:
    """Qt's remarks (a missing XDG_RUNTIME_DIR, say) go to the log: a person can do nothing about them."""
    log.info("Qt: %s", text)


@contextmanager
def _collecting_in_turns() -> Iterator[None]:
    """Have what Python frees in cycles freed between turns of the event loop. By itself it does so in whichever thread
    makes the next object, or in the middle of painting: then Qt may still be at work on the widget that goes."""
    from pyqtgraph.util.garbage_collector import GarbageCollector

    was_on, collector = gc.isenabled(), GarbageCollector()
    gc.collect()
    gc.freeze()  # what the window is made of stays: to look through it each time would take a tenth of a second
    try:
        yield
    finally:
        collector.timer.stop()
        gc.unfreeze()
        if was_on:
            gc.enable()


class Sitting:
    """One run of the window, with what the command line asked it to do by itself."""

    def __init__(self, arguments: argparse.Namespace, agents: list[str], unattended: bool):
        # Qt only now: the checks above must be able to speak when it cannot start.
        from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

        from zoo_gui.app import MainWindow
        from zoo_gui.session import Session
        from zoo_gui.settings import Settings, resource_path

        self.arguments, self.unattended = arguments, unattended
        if sys.stderr is sys.__stderr__:  # a crash inside Qt then says where
            faulthandler.enable()
        QtCore.qInstallMessageHandler(_log_qt)
        for name in ("AA_EnableHighDpiScaling", "AA_UseHighDpiPixmaps"):
            QtCore.QCoreApplication.setAttribute(getattr(QtCore.Qt, name))
        if display.desktop_dpi():  # 125 % and 150 % as they are: rounded, all would be a third too large or too small
            exactly = QtCore.Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
            QtGui.QGuiApplication.setHighDpiScaleFactorRoundingPolicy(exactly)
        self.application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
        self.application.setApplicationName("zoo_gui")
        QtGui.QGuiApplication.setDesktopFileName("zoo_gui")  # its menu entry, where there is one: cli_desktop
        self.application.setWindowIcon(QtGui.QIcon(str(resource_path("icons", "zoo_gui.svg"))))
        self.session = Session()
        # The engine loads TensorFlow while the window is being made.
        self.session.start_engine()
        self.settings = Settings()
        self.window = MainWindow(self.session, self.settings)
        self.failure: str | None = None
        self._plan_capture()
        self._load(agents)
        self.window.show()
        if getattr(arguments, "cue_list", None):
            self.window.cues.take(arguments.cue_list, arguments.present)
        elif getattr(arguments, "present", False):
            self.window.presenter.enter()
        if not (unattended or self.film or self.image or self.steps is not None or self.window.presenter.is_on):
            self.window.finding.offer_tour()
        self._interruptible(QtCore)

    def _load(self, agents: list[str]) -> None:
        options = {key: value for key in ("seed", "game", "player", "sticky")
                   if (value := getattr(self.arguments, key, None)) is not None}
        options.setdefault("seed", self.settings.get("play/seed"))
        if getattr(self.arguments, "speed", None) is not None:
            self.session.set_speed(None if self.arguments.speed == "max" else float(self.arguments.speed))
        if getattr(self.arguments, "layout", None) == "reset":
            self.window.layouts.reset()
        if getattr(self.arguments, "session", None):
            self.window.saved.open(self.arguments.session, getattr(self.arguments, "anyway", False))
        elif getattr(self.arguments, "view", None):
            self.window.restorer.show(self.arguments.view)
        else:
            for lane, agent in enumerate(agents):
                self.session.load(agent, lane, **options)
        if getattr(self.arguments, "lab", None):
            self.window.results.open(self.arguments.lab)

    def _plan_capture(self) -> None:
        arguments = self.arguments
        self.film = Path(arguments.record) if getattr(arguments, "record", None) else None
        self.image = Path(arguments.screenshot) if getattr(arguments, "screenshot", None) else None
        self.steps = getattr(arguments, "after_steps", None)
        if self.unattended:
            from zoo_gui.capture import new_path

            self.film = self.film or new_path(".mp4")
            self.image = self.image or self.film.with_suffix(".png")
            self.steps = self.steps or UNATTENDED_STEPS
            settings.writable_dir(self.film.parent, "recordings folder")
            print(f"There is no display: playing {self.steps} steps without a window …", flush=True)
        elif self.image and self.steps is None:
            self.steps = 60
        if self.film:
            self._recording()  # a mistake ends it at once
        if select := getattr(arguments, "select", None):
            Unit.parse(select)
        self._begun = self._done = False
        self.session.lanes_changed.connect(self._on_lanes)
        self.session.stepped.connect(self._on_stepped)
        self.session.message.connect(self._on_message)
        self.window.capture.saved.connect(self._on_saved)
        self.window.capture.failed.connect(self._on_failed)
        self._waiting: set[str] = set()

    def _on_lanes(self, lanes) -> None:
        if self._begun:
            return
        self._begun = True
        if self.film:
            self.window.recorder.start(self._recording())
        target = getattr(self.arguments, "saliency", None)
        unit = getattr(self.arguments, "select", None)
        if unit is None and self.unattended:
            convolutions = [layer for layer in lanes[0].layers if layer.kind == "conv"]
            unit = f"{convolutions[-1].name}:0" if convolutions else None
        if unit:
            self.session.select(0, Unit.parse(unit))
        if target and target != "off":
            self.session.set_saliency(target, getattr(self.arguments, "saliency_method", None))

    def _recording(self):
        """What is recorded, as the command line says. Raises ZooError."""
        from zoo_gui.play.recordings import format_of
        from zoo_gui.recording import Recording

        said = {name: value for name in ("size", "fps", "what", "captions")
                if (value := getattr(self.arguments, f"record_{name}", None)) is not None}
        said["captions"] = tuple(filter(None, said.get("captions", "").split(",")))
        return Recording(**said, form=format_of(self.film), path=self.film).checked(self.window.panels)

    def _on_stepped(self, lane: int, step, summaries) -> None:
        if self._done or self.steps is None or lane != 0 or not summaries or summaries[-1].number + 1 < self.steps:
            return
        self._done = True
        capture = self.window.capture
        if self.image:
            self._waiting.add("image")
            capture.screenshot(self.window, self.image)
        if self.film:
            self._waiting.add("film")
            capture.stop()
        if not self.image:
            self.session.pause()  # the encoder needs the cores more than a game that nobody sees
        if not self._waiting:
            self.window.close()

    def _on_saved(self, path: str) -> None:
        if self._done:
            print(f"Saved {path}", flush=True)
            self._waiting.discard("image" if path.endswith(".png") else "film")
            self.session.pause()
            if not self._waiting:
                self.window.close()

    def _on_failed(self, sentence: str) -> None:
        if self.steps is not None:
            self._fail(sentence)

    def _on_message(self, level: str, sentence: str) -> None:
        # Nobody watches: a failure must end the run, not wait in a message bar.
        if level == "error" and self.steps is not None and not self._done:
            self._fail(sentence)

    def _fail(self, sentence: str) -> None:
        self.failure = sentence
        self._done = True
        self.window.close()

    def _interruptible(self, QtCore) -> None:
        """Let Ctrl+C in the terminal close the window: Python sees signals only when Qt gives it a turn."""
        def close(*_) -> None:  # in a turn of its own: Python may be in the middle of a step's arrays just now
            QtCore.QTimer.singleShot(0, self.window.close)

        signal.signal(signal.SIGINT, close)
        signal.signal(signal.SIGTERM, close)
        self._turns = QtCore.QTimer()
        self._turns.timeout.connect(lambda: None)
        self._turns.start(200)

    def _delete_window(self) -> None:
        """Take the window apart while Qt and Python are whole: later it happens in any order."""
        from pyqtgraph.Qt import QtCore

        self.window.deleteLater()
        for _ in range(2):
            self.application.processEvents()
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
        gc.collect()

    def run(self) -> int:
        with _collecting_in_turns():
            code = self.application.exec()
        self.session.close()
        self._turns.stop()
        self._delete_window()
        if self.failure:
            raise ZooError(self.failure)
        return code
