"""Pictures and films of the window, or of one panel: PNG, clipboard, mp4. Files are written off the UI thread."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import settings
from zoo_gui.play.video import Mp4Writer
from zoo_gui.types import ZooError
from zoo_gui.widgets.base import Panel
from zoo_gui.workers import Streams

#: Frames a second of a recording of the window. Half the screen's rate: cheap enough to keep the game at 60.
FPS = 30


def new_path(suffix: str, folder: Path | None = None) -> Path:
    """A path in the recordings folder that names this moment, e.g. ``zoo_gui-2026-11-22-17.03.59.mp4``."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H.%M.%S")
    return (folder or settings.recordings_dir()) / f"zoo_gui-{stamp}{suffix}"


def picture(widget: QtWidgets.QWidget) -> QtGui.QImage:
    """The widget as it looks now, RGB32."""
    image = QtGui.QImage(widget.size(), QtGui.QImage.Format_RGB32)
    image.fill(widget.palette().window().color())
    widget.render(image)
    return image


def pixels(image: QtGui.QImage) -> np.ndarray:
    """(H, W, 4) uint8 BGRA view of an RGB32 image, valid as long as the image."""
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)[:, :image.width()]


class Capture(QtCore.QObject):
    """Takes pictures and films. Signals: ``saved(path)``, ``failed(sentence)``, ``recording(seconds or None)``.

    A recording has the size that its widget had at the start; if the widget changes, the picture is fitted into it.
    """

    saved = QtCore.Signal(str)
    failed = QtCore.Signal(str)
    recording = QtCore.Signal(object)
    _delivered = QtCore.Signal(str, str, object)
    _broke = QtCore.Signal(str)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._streams = Streams(lambda *result: self._delivered.emit(*result), name="zoo_gui files")
        self._delivered.connect(self._on_delivered)
        self._broke.connect(self._on_broke)
        self._target: QtWidgets.QWidget | None = None
        self._writer: Mp4Writer | None = None
        self.is_rendering = False  # paints into a film are no paints on the screen
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.setInterval(round(1000 / FPS / 2))
        self._timer.timeout.connect(self._on_timer)
        self._started = self._told = 0.0
        self._frames = 0

    # -- pictures -----------------------------------------------------------------------------------------------
    def screenshot(self, widget: QtWidgets.QWidget, path: Path | None = None) -> None:
        """Save a PNG; ``saved`` or ``failed`` follows."""
        _settle(widget)
        image = picture(widget)
        self._streams.start(f"picture {time.monotonic_ns()}", lambda: _save_png(image, path))

    def copy(self, widget: QtWidgets.QWidget) -> None:
        """Put the picture on the clipboard."""
        _settle(widget)
        QtWidgets.QApplication.clipboard().setImage(picture(widget))

    # -- films --------------------------------------------------------------------------------------------------
    @property
    def is_recording(self) -> bool:
        return self._target is not None

    def start(self, widget: QtWidgets.QWidget, path: Path | None = None) -> None:
        """Record a widget until ``stop``."""
        if self.is_recording:
            return
        self._target, self._frames = widget, 0
        size = (widget.width(), widget.height())
        self._streams.start("open recording", lambda: self._open(path, size))

    def _open(self, path: Path | None, size: tuple[int, int]):
        target = Path(path) if path else new_path(".mp4")
        settings.writable_dir(target.parent, "recordings folder")
        yield Mp4Writer(target, size, FPS, on_error=self._broke.emit)

    def stop(self) -> None:
        """End the recording; ``saved`` follows when the file is complete."""
        if not self.is_recording:
            return
        self._timer.stop()
        self._target = None
        self._streams.cancel("open recording")
        writer, self._writer = self._writer, None
        if writer is not None:
            self._streams.start(f"close recording {id(writer)}", lambda: _close(writer))
        self.recording.emit(None)

    def _on_timer(self) -> None:
        now = time.perf_counter()
        due = int((now - self._started) * FPS) + 1 - self._frames
        if due <= 0 or self._target is None or self._writer is None:
            return
        # Time is kept by repeating a picture, never by slowing down: a talk's sound must fit.
        self.is_rendering = True
        image = picture(self._target)
        self.is_rendering = False
        self._writer.write(pixels(image), count=due)
        self._frames += due
        if now - self._told > 0.5:
            self._told = now
            self.recording.emit(now - self._started)

    # -- results ------------------------------------------------------------------------------------------------
    def _on_delivered(self, key: str, kind: str, payload) -> None:
        if kind == "failed":
            if key == "open recording":
                self._target = None
                self.recording.emit(None)
            self.failed.emit(payload)
        elif kind == "progress" and key == "open recording":
            self._writer, self._started, self._told = payload, time.perf_counter(), 0.0
            self._timer.start()
            self.recording.emit(0.0)
        elif kind == "progress" and payload is not None:
            self.saved.emit(str(payload))

    def _on_broke(self, sentence: str) -> None:
        """The encoder ended by itself, for example on a full disk."""
        self.failed.emit(sentence)
        self.stop()

    def close(self) -> None:
        """Finish a running recording and wait for the files: what was recorded is kept."""
        self._timer.stop()
        self._target = None
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        self._streams.close(10.0)


def _settle(widget: QtWidgets.QWidget) -> None:
    for panel in ([widget] if isinstance(widget, Panel) else widget.findChildren(Panel)):
        panel.settle()


def _save_png(image: QtGui.QImage, path: Path | None):
    path = Path(path) if path else new_path(".png")
    settings.writable_dir(path.parent, "pictures folder")
    if not image.save(str(path), "PNG"):
        raise ZooError(f"The picture {path} could not be written: check the folder and the disk's free space.")
    yield path


def _close(writer: Mp4Writer):
    yield writer.close()
