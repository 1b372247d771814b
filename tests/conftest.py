"""What holds for every test: no display, folders of its own, fixed seeds, nothing left running, no unexplained skip."""

from __future__ import annotations

import gc
import multiprocessing.forkserver
import os
import random
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
import pytest
from engine_rig import ForkedEngines, Rig
import training  # noqa: F401 (before TensorFlow: it says why)
from PyQt5 import sip
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import theme
from zoo_gui.engine import host

SHARED = Path(__file__).resolve().parents[2] / "shared"
# A skip hides what it skips, so what a reason may name is listed here, and counts only while it is true.
ALLOWED_SKIPS = {"../shared": not SHARED.is_dir()}
GRACE_SECONDS = 5.0

_started: weakref.WeakSet = weakref.WeakSet()


def _remember_starts(kind: type) -> None:
    """Keep every timer or thread of Qt that is started, so that the leak check can ask whether it still runs."""
    original = kind.start

    def start(self, *arguments):
        _started.add(self)
        return original(self, *arguments)

    kind.start = start


_remember_starts(QtCore.QTimer)
_remember_starts(QtCore.QThread)


@pytest.fixture(autouse=True, scope="session")
def engines_start_at_once():
    """Engines are forked off a process that has imported TensorFlow once, 3 s of work saved for each; those of the
    program start afresh, as one test has them do (``test_engine``)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "multiprocessing", SimpleNamespace(get_context=lambda kind: ForkedEngines()))
        yield
    multiprocessing.forkserver._forkserver._stop()


@pytest.fixture(scope="session")
def qapp(qapp):
    """Windows look as those of the program, whichever test is the first to open one."""
    theme.apply(qapp)
    return qapp


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Settings, cache and recordings of this test alone: the person's own are neither read nor written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ZOO_GUI_CONFIG", str(home / "settings.json"))
    monkeypatch.setenv("ZOO_GUI_CACHE", str(home / "cache"))
    monkeypatch.setenv("ZOO_GUI_RECORDINGS", str(home / "recordings"))
    return home


@pytest.fixture(autouse=True)
def fixed_seeds():
    """The global generators start alike in every test, whatever order they run in."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def nothing_left(request, own_folders):
    """After the test: no thread or process of ours, no shared memory; after a window test no widget, timer or QThread.

    pytest-qt closes the widgets that were given to ``qtbot.addWidget`` before this runs.
    """
    _started.clear()  # what an earlier test left was its own failure
    before, memory = _running(), _memory()
    windows = set(_windows()) if "qtbot" in request.fixturenames else None
    if windows is not None:
        # as in the program, nothing is freed in another thread or in the middle of being painted: a panel whose last
        # reference went with the test's function would end the process, which happened
        gc.disable()
    # a collection then looks at this test's objects alone, not at all of TensorFlow's too, half a second each time
    gc.freeze()
    yield
    left = set()
    if windows is not None:
        _deliver_deletions()
        left |= _new_windows(windows) | _qt_activity()
        gc.collect()
        gc.enable()
    gc.unfreeze()
    deadline = time.monotonic() + GRACE_SECONDS
    while (running := (_running() - before) | _our_memory(_memory() - memory)) and time.monotonic() < deadline:
        time.sleep(0.02)
    left |= running
    assert not left, f"left behind: {', '.join(sorted(left))}"


def _running() -> set[str]:
    """Our live threads, child processes and shared memory, by name."""
    threads = {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()
               if thread.name.startswith("zoo_gui") or not thread.daemon}
    return threads | {f"process {name}" for name in _children()}


def _memory() -> set[str]:
    """Segments of shared memory on this machine."""
    return {path.name for path in Path("/dev/shm").glob("psm_*")}


def _our_memory(names: set[str]) -> set[str]:
    """Those that no process of another program maps (other tests may run on this machine): ours, or nobody's."""
    if not names:
        return set()  # to look at all processes takes some milliseconds
    family = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    for path in Path("/proc").glob("[0-9]*/maps"):
        if int(path.parent.name) in family:
            continue
        try:
            text = path.read_text()
        except OSError:
            continue
        names = {name for name in names if name not in text}
    return {f"shared memory {name}" for name in (names & _memory()) - Rig.memory()}


def _children() -> set[str]:
    """Live child processes, less the helper that Python itself keeps for shared memory."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            line = " ".join(child.cmdline())
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in line and "forkserver" not in line:
                found.add(f"{line[:80]} ({child.pid})")
        except psutil.NoSuchProcess:
            continue
    return found


def _windows() -> list[QtWidgets.QWidget]:
    application = QtWidgets.QApplication.instance()
    return application.topLevelWidgets() if application else []


def _new_windows(before: set) -> set[str]:
    """Windows that the test opened and nobody closed; unreachable ones are collected first.

    A collection may free what holds a widget, whose own deletion then takes another round.
    """
    for turn in range(6):
        if not set(_windows()) - before:
            return set()
        if turn == 3:  # what holds a widget may be older than the test
            gc.unfreeze()
        gc.collect()
        _deliver_deletions()
    return {f"window {type(widget).__name__} {widget.objectName()!r}" for widget in set(_windows()) - before}


def _deliver_deletions() -> None:
    """Carry out ``deleteLater``, which waits for an event loop otherwise."""
    QtWidgets.QApplication.processEvents()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)


def _qt_activity() -> set[str]:
    """Timers and threads of Qt that still run."""
    alive = [thing for thing in list(_started) if not sip.isdeleted(thing)]
    timers = {f"timer of {type(thing.parent()).__name__}, {thing.interval()} ms" for thing in alive
              if isinstance(thing, QtCore.QTimer) and thing.isActive()}
    return timers | {f"QThread {thing!r}" for thing in alive if isinstance(thing, QtCore.QThread) and thing.isRunning()}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A skip without an allowed reason is a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """The same for modules that skip themselves as a whole."""
    report = yield
    if report.skipped:
        _refuse(report)
    return report


def _refuse(report) -> None:
    reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    if not any(true and cause in reason for cause, true in ALLOWED_SKIPS.items()):
        report.outcome, report.longrepr = "failed", f"this skip is not allowed (see tests/conftest.py): {reason}"
