"""``zoo-gui doctor``: is everything here that the program needs, and what to do where it is not.

What may end a process without a word (Qt without its libraries, TensorFlow on a processor that it was not built for) is
tried in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator

from zoo_gui import display, settings
from zoo_gui.types import ZooError

PATIENCE = 180.0
"""Seconds that a try in a process of its own may take: importing TensorFlow from a cold disk is slow."""
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))
NEEDED_DISK, NEEDED_MEMORY, NEEDED_SHARED = 1 << 30, 3 << 30, 48 << 20
"""Bytes: of the folders for videos and results; of a window with two agents; of what passes between its processes."""


@dataclass(frozen=True)
class Finding:
    """What was found about one thing. state: ``ok``, ``note`` (works, but …) or ``problem``. cure: what to do, ""
    where nothing is to be done."""

    about: str
    state: str
    words: str
    cure: str = ""

    asdict = asdict


def examine() -> Iterator[Finding]:
    """Every finding, as it is made. Raises nothing: what goes wrong is a finding."""
    for about, check in CHECKS.items():
        try:
            found = check()
        except ZooError as error:
            found = [Finding(about, "problem", str(error))]
        except Exception as error:  # a doctor that stumbles over one thing must still look at the others
            found = [Finding(about, "problem", f"this could not be tried ({type(error).__name__}: {error}).")]
        yield from [found] if isinstance(found, Finding) else found


def _python() -> Finding:
    version = sys.version.split()[0]
    if sys.version_info[:2] in PYTHONS:
        return Finding("Python", "ok", f"{version} in {sys.prefix}")
    return Finding("Python", "problem", f"{version} is not one of those that zoo_gui is made for.",
                   "Make an environment with Python 3.10, 3.11, 3.12 or 3.13.")  # fmt: skip


def _packages() -> Finding:
    """Whether every package that zoo_gui names is there in a version that it was tried with."""
    from packaging.requirements import Requirement

    try:
        named = [Requirement(text) for text in metadata.requires("zoo_gui") or ()]
    except metadata.PackageNotFoundError:
        return Finding("Packages", "problem", "zoo_gui itself is not installed in this environment.",
                       "Run “pip install .” in its checkout.")  # fmt: skip
    needed = [one for one in named if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [text for text in map(_unfit, needed) if text]
    if not wrong:
        return Finding("Packages", "ok", f"all {len(needed)} in versions that were tried")
    missing = any(text.endswith("missing") for text in wrong)
    return Finding("Packages", "problem" if missing else "note", ", ".join(wrong) + ".",
                   "Run “pip install --upgrade zoo_gui” here, or “make run” in a checkout.")  # fmt: skip


def _unfit(requirement: Any) -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    fits = requirement.specifier.contains(version, prereleases=True)
    return "" if fits else f"{requirement.name} {version} is not {requirement.specifier}"


def _qt() -> list[Finding]:
    """Qt draws into memory; and where there is a display, whether a window can be opened on it."""
    display.check_libraries("offscreen")
    told = _tried(
        "from pyqtgraph.Qt import QtCore, QtGui, QtWidgets; import json\n"
        "app = QtWidgets.QApplication([]); image = QtGui.QImage(8, 8, QtGui.QImage.Format_RGB32); image.fill(255)\n"
        "print(json.dumps([QtCore.QT_VERSION_STR, len(QtGui.QFontDatabase().families())]))",
        QT_QPA_PLATFORM="offscreen",
    )
    if isinstance(told, str):
        return [Finding("Qt", "problem", f"Qt does not start: {told}.",
                        "Install it again: pip install --force-reinstall PyQt5.")]  # fmt: skip
    version, fonts = told
    if not fonts:
        return [Finding("Qt", "problem", f"{version} finds no fonts: texts stay empty.",
                        "On Debian or Ubuntu: apt install fonts-dejavu-core."), _window()]  # fmt: skip
    return [Finding("Qt", "ok", f"{version} draws, with {fonts} families of fonts"), _window()]


def _window() -> Finding:
    if not display.has_display():
        return Finding("Window", "note", "There is no display here: zoo-gui then plays offscreen and leaves a video.",
                       "For a window, run it where there is a screen, or under Xvfb.")  # fmt: skip
    display.check_libraries(os.environ.get("QT_QPA_PLATFORM", "") or "xcb")
    told = _tried(
        "from pyqtgraph.Qt import QtGui, QtWidgets; import json\n"
        "app = QtWidgets.QApplication([]); screen = app.primaryScreen()\n"
        "area, ratio = screen.availableGeometry(), screen.devicePixelRatio()\n"
        "print(json.dumps([area.width(), area.height(), ratio]))"
    )
    if isinstance(told, str):
        return Finding("Window", "problem", f"No window can be opened: {told}.", "Check the variable DISPLAY.")
    width, height, ratio = told
    words = f"a screen of {width} × {height}, scaled {ratio:.0%}"
    if width < 1280 or height < 720:
        return Finding("Window", "note", f"{words}: the window is made for 1280 × 720 or more.")
    return Finding("Window", "ok", words)


def _opengl() -> Finding:
    """zoo_gui paints without OpenGL; a driver that is broken still ends Qt on some machines."""
    if not display.has_display():
        return Finding("OpenGL", "note", "not tried without a display; zoo_gui paints without it.")
    told = _tried(
        "from pyqtgraph.Qt import QtGui, QtWidgets; import ctypes, ctypes.util, json\n"
        "app = QtWidgets.QApplication([]); context = QtGui.QOpenGLContext(); made = context.create()\n"
        "surface = QtGui.QOffscreenSurface(); surface.create()\n"
        "made = made and context.makeCurrent(surface); name = ''\n"
        "if made:\n"
        "    gl = ctypes.CDLL('libGL.so.1'); gl.glGetString.restype = ctypes.c_char_p\n"
        "    name = (gl.glGetString(0x1F01) or b'').decode()\n"
        "print(json.dumps([bool(made), name]))"
    )
    if isinstance(told, str) or not told[0]:
        return Finding("OpenGL", "note", "there is none that works; zoo_gui paints without it.")
    return Finding("OpenGL", "ok", f"{told[1] or 'there'} (zoo_gui paints without it)")


def _tensorflow() -> Finding:
    """TensorFlow computes, on which device; and the first agent decides."""
    told = _tried(
        "import json, time; begun = time.perf_counter()\n"
        "from zoo_gui.agents.backend import configure_tensorflow, device_name\n"
        "tf = configure_tensorflow(); seconds = time.perf_counter() - begun\n"
        "assert float(tf.reduce_sum(tf.ones((64, 64)) @ tf.ones((64, 64)))) == 64 ** 3\n"
        "print(json.dumps([tf.__version__, device_name(), round(seconds, 1)]))"
    )
    if isinstance(told, str):
        return Finding("TensorFlow", "problem", f"TensorFlow does not compute here: {told}.",
                       "Run “pip install --force-reinstall tensorflow”; it needs a processor with AVX.")  # fmt: skip
    version, device, seconds = told
    return Finding("TensorFlow", "ok", f"{version} on {device}, imported in {seconds:g} s")


def _games() -> Finding:
    from zoo_gui.play import games
    from zoo_gui.play.emulator import Emulator

    count = len(games.names())
    if not count:
        return Finding("Games", "problem", "ale-py has no game ROMs.",
                       "Install it again: pip install --force-reinstall ale-py.")  # fmt: skip
    emulator = Emulator("Breakout")
    emulator.reset()
    emulator.act(0)
    return Finding("Games", "ok", f"{count} ROMs; Breakout runs")


def _agents() -> Finding:
    """The agents that come with the program are there, and the first of them decides."""
    from zoo_gui.agents import catalogue

    first = catalogue.default_id()
    here = [entry for entry in catalogue.entries() if entry.weights is not None]
    told = _tried(
        "import json, numpy as np\n"
        "from zoo_gui.agents.agent import Agent\n"
        f"agent = Agent.load({first!r})\n"
        "seen = np.zeros(agent.observation_shape, np.uint8)\n"
        "print(json.dumps(bool(np.isfinite(agent.decide(seen, np.random.default_rng(0)).scores).all())))"
    )
    if isinstance(told, str) or not told:
        why = f": {told}" if told else ""
        return Finding("Agents", "problem", f"{first} does not decide{why}.", "Install zoo_gui again.")
    return Finding("Agents", "ok", f"{len(here)} on this machine; {first} decides")


def _ffmpeg() -> Finding:
    """A small video is really made."""
    import numpy as np

    from zoo_gui.play.video import Mp4Writer

    with tempfile.TemporaryDirectory() as folder:
        writer = Mp4Writer(Path(folder) / "try.mp4", (64, 48), 30)
        for _ in range(10):
            writer.write(np.zeros((48, 64, 4), np.uint8), wait=True)
        size = writer.close().stat().st_size
    if not size:
        return Finding("Video", "problem", "ffmpeg wrote an empty file.",
                       "Install it again: pip install --force-reinstall imageio-ffmpeg.")  # fmt: skip
    return Finding("Video", "ok", "ffmpeg writes H.264")


def _folders() -> Iterator[Finding]:
    places = {"settings": settings.config_path().parent, "cache": settings.cache_dir(),
              "recordings": settings.recordings_dir()}  # fmt: skip
    for name, path in places.items():
        try:
            settings.writable_dir(path, f"{name} folder")
        except ZooError as error:
            yield Finding("Folders", "problem", str(error), f"Or name it: ZOO_GUI_{_VARIABLES[name]}=/another/place.")
            continue
        free = shutil.disk_usage(path).free
        state = "ok" if free >= NEEDED_DISK else "note"
        yield Finding("Folders", state, f"{name} in {path}, {free / 2**30:.1f} GB free",
                      "" if state == "ok" else "Make room: videos and results need some.")  # fmt: skip


_VARIABLES = {"settings": "CONFIG", "cache": "CACHE", "recordings": "RECORDINGS"}


def _machine() -> Iterator[Finding]:
    import psutil

    memory, cores = psutil.virtual_memory().available, len(psutil.Process().cpu_affinity() or [0])
    short = memory < NEEDED_MEMORY or cores < 2
    yield Finding("Machine", "note" if short else "ok", f"{cores} cores, {memory / 2**30:.1f} GB of memory free",
                  "Two cores and 3 GB are what a smooth window takes." if short else "")  # fmt: skip
    shared = Path("/dev/shm")
    if shared.is_dir():
        free = shutil.disk_usage(shared).free
        few = free < NEEDED_SHARED
        yield Finding("Shared memory", "problem" if few else "ok", f"{free / 2**20:,.0f} MB free in {shared}",
                      "Give the container more: docker run --shm-size=256m." if few else "")  # fmt: skip


CHECKS: dict[str, Callable[[], Any]] = {
    "Python": _python, "Packages": _packages, "Machine": _machine, "Qt": _qt, "OpenGL": _opengl,
    "TensorFlow": _tensorflow, "Games": _games, "Agents": _agents, "Video": _ffmpeg, "Folders": _folders,
}  # fmt: skip


def _tried(code: str, **environment: str) -> Any:
    """What a program prints as JSON on its last line; or a text, why it did not get so far."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment})  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it did not answer within {PATIENCE:.0f} s"
    if done.returncode < 0:
        return f"its process was ended by signal {-done.returncode}"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it ended without a word"]
        return lines[-1].rstrip(".")
    return json.loads(done.stdout.strip().splitlines()[-1])
