"""Pictures and films of the window, a panel or a region: PNG, clipboard, mp4, GIF, numbered pictures, and the last
seconds whenever one wishes. Files are written off the UI thread, and say what they show."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import captions, settings
from zoo_gui.camera import Camera
from zoo_gui.play import recordings
from zoo_gui.play.ring import RingWriter
from zoo_gui.play.video import Mp4Writer
from zoo_gui.provenance import commit, of_session, versions
from zoo_gui.provenance_files import stamped
from zoo_gui.recording import SIZES, Recording
from zoo_gui.shortcuts import tip
from zoo_gui.takes import Take
from zoo_gui.types import ZooError
from zoo_gui.widgets.base import Panel
from zoo_gui.workers import Later, Streams

#: Pictures a second of a recording for which nothing else was said, and of the last seconds. Half the screen's rate.
FPS = 30
LOW = 200 << 20  # bytes: a disk with less is about to be full
WATCH = 3.0  # seconds between looks at how much room the disk has
_given: set[Path] = set()
_giving = threading.Lock()


def new_path(suffix: str, folder: Path | None = None) -> Path:
    """A path in the recordings folder that names this moment, e.g. ``zoo_gui-2026-11-22-17.03.59.mp4``; of several in
    one second the second is ``…59-2.mp4``. Looks at the disk."""
    stem = f"zoo_gui-{datetime.now().strftime('%Y-%m-%d-%H.%M.%S')}"
    folder = folder or settings.recordings_dir()
    with _giving:
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        path = next(path for name in names if not ((path := folder / f"{name}{suffix}") in _given or path.exists()))
        _given.add(path)
    return path


def picture(widget: QtWidgets.QWidget) -> QtGui.QImage:
    """The widget as it looks now, RGB32, in the screen's pixels."""
    ratio = widget.devicePixelRatioF()
    image = QtGui.QImage(widget.size() * ratio, QtGui.QImage.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(widget.palette().window().color())
    widget.render(image)
    return image


class Capture(QtCore.QObject):
    """Takes pictures and films. Signals: ``saved(path)``, ``failed(sentence)``, ``warned(sentence)``,
    ``recording(seconds or None)``, ``ring_changed(bool)``.

    about: makes what a file says of itself, by a few words about what it shows. hidden: widgets that are on screen but
    in no film.
    """

    saved = QtCore.Signal(str)
    failed = QtCore.Signal(str)
    warned = QtCore.Signal(str)
    recording = QtCore.Signal(object)
    ring_changed = QtCore.Signal(bool)
    _delivered = QtCore.Signal(str, str, object)
    _broke = QtCore.Signal(object, str)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.hidden: tuple[QtWidgets.QWidget, ...] = ()
        self._streams = Streams(lambda *result: self._delivered.emit(*result), name="zoo_gui files")
        # Films take a while to be finished: meanwhile pictures are saved, and another film begins.
        self._ends = Streams(lambda *result: self._delivered.emit(*result), name="zoo_gui films")
        self._delivered.connect(self._on_delivered)
        self._broke.connect(self._on_broke)
        self._streams.start("versions", _read_versions)  # pictures say them, and the UI thread reads no files
        self._finishing: dict[str, Mp4Writer] = {}
        self._take: Take | None = None
        self._ring: Take | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.timeout.connect(self._on_timer)
        self._told = 0.0

    def about(self, what: str, **more: Any) -> dict[str, Any]:
        """What a file of this moment says of itself."""
        session = getattr(self.parent(), "session", None)
        return {} if session is None or not hasattr(session, "edits") else of_session(session, what, **more)

    # -- pictures -----------------------------------------------------------------------------------------------
    def screenshot(self, widget: QtWidgets.QWidget, path: Path | None = None) -> None:
        """Save a PNG; ``saved`` or ``failed`` follows."""
        _settle(widget)
        image, about = picture(widget), self.about(f"A picture of {_name(widget)}")
        self._streams.start(f"picture {time.monotonic_ns()}", lambda: save_png(image, path, about))

    def copy(self, widget: QtWidgets.QWidget) -> None:
        """Put the picture on the clipboard."""
        _settle(widget)
        QtWidgets.QApplication.clipboard().setImage(picture(widget))

    def run(self, key: str, make: Callable[[], Iterator]) -> None:
        """Run a generator in the thread that writes files: one of that key at a time."""
        self._streams.start(key, make)

    def write(self, make: Callable[[], Path]) -> None:
        """Have a file written off this thread: ``make`` gives its path. ``saved`` or ``failed`` follows."""
        self._streams.start(f"write {time.monotonic_ns()}", lambda: _made(make))

    # -- films --------------------------------------------------------------------------------------------------
    @property
    def is_recording(self) -> bool:
        return self._take is not None

    @property
    def is_rendering(self) -> bool:
        """Whether a picture for a film is being painted: that is no paint on the screen."""
        return any(take.is_rendering for take in self._takes())

    @property
    def bytes(self) -> int:
        """How large the recording is so far."""
        return self._take.writer.bytes if self._take is not None and self._take.writer is not None else 0

    def start(self, widget: QtWidgets.QWidget, options: Recording | Path | str | None = None) -> None:
        """Record a widget until ``stop``; or the region of its window that the options name. options: a path alone
        means an mp4 as the screen shows it."""
        if self.is_recording:
            return
        options = options if isinstance(options, Recording) else Recording(path=options and Path(options))
        region = None if options.region is None else QtCore.QRect(*options.region)
        fps = recordings.GIF_RATE if options.form == "gif" else options.fps
        try:
            below = captions.height if options.captions else _nothing
            camera = Camera(
                widget, region, options.pixels, options.crisp, below, self.hidden, options.pointer
            )
        except ValueError:
            self.failed.emit("There is nothing of the window in that region: drag another one.")
            return
        written = captions.Captions(self.parent().session, options.captions, self) if options.captions else None
        self._take = take = Take(camera, fps, written)
        what = f"A film of {f'the region {options.what} of the window' if region else _name(widget)}"
        about = self.about(what, recorded={"size": options.size, "fps": fps, "captions": list(options.captions)})
        scaled = options.pixels if not options.crisp else None
        self._streams.start(take.key, lambda: self._open(options, camera.canvas, scaled, fps, about))

    def _open(self, options: Recording, size: tuple[int, int], scaled: tuple[int, int] | None, fps: float, about: dict):
        path = options.path or new_path(recordings.FORMATS[options.form])
        settings.writable_dir(path.parent, "recordings folder")
        if sentence := recordings.warning(path.parent, options.form, scaled or size, fps):
            yield sentence
        make = recordings.WRITERS[options.form]
        yield from self._handed_over(
            make(path, size, fps, crf=recordings.QUALITIES[options.quality], about=about, scaled_to=scaled)
        )
        with contextlib.suppress(OSError):  # a folder that was renamed: the encoder has its file open
            while shutil.disk_usage(path.parent).free > LOW:
                yield Later(WATCH)
            disk = f"the disk of {path.parent}: the recording ends when they are used up."
            yield f"Only {LOW >> 20} MB are free on {disk}"

    def _handed_over(self, writer: Mp4Writer) -> Iterator:
        """Give the UI thread what writes pictures, and wait until it has it, however busy it is. Ended before that,
        nobody else will close it."""
        writer.tell(partial(self._broke.emit, writer))
        try:
            yield writer
            while not writer.in_use:
                yield Later(0.05)
        finally:
            if not writer.in_use:
                writer.close()

    def stop(self) -> None:
        """End the recording; ``saved`` follows when the file is complete."""
        if not self.is_recording:
            return
        take, self._take = self._take, None
        self._streams.cancel(take.key)
        self._finish(take)
        self._set_timer()
        self.recording.emit(None)

    def _finish(self, take: Take) -> None:
        """Close what it wrote, in a thread."""
        writer = take.end()
        if writer is not None:
            key = f"close recording {id(writer)}"
            self._finishing[key] = writer
            self._ends.start(key, lambda: _close(writer))

    # -- the last seconds -----------------------------------------------------------------------------------------
    @property
    def keeps_last(self) -> bool:
        return self._ring is not None

    def start_ring(self, widget: QtWidgets.QWidget, seconds: float, fps: float = FPS) -> None:
        """Keep the last seconds from now on, as the screen shows them, in at most 1080p."""
        self.stop_ring()
        camera = Camera(widget, hidden=self.hidden)
        largest = SIZES["1080p"]
        scaled = largest if camera.canvas[0] > largest[0] or camera.canvas[1] > largest[1] else None
        self._ring = take = Take(camera, fps)
        self._streams.start(
            take.key, lambda: self._handed_over(RingWriter(camera.canvas, fps, seconds, scaled_to=scaled))
        )

    def stop_ring(self) -> None:
        """Forget them, and keep none any more."""
        if self._ring is None:
            return
        take, self._ring = self._ring, None
        self._streams.cancel(take.key)
        writer = take.end()
        if writer is not None:
            self._ends.start(f"forget {id(writer)}", lambda: _forget(writer))
        self._set_timer()
        self.ring_changed.emit(False)

    def save_ring(self, path: Path | None = None) -> None:
        """Write the last seconds to an mp4; ``saved`` or ``failed`` follows."""
        if self._ring is None or self._ring.writer is None:
            words = "The last seconds are not kept: switch that on in the recording options"
            self.failed.emit(f"{tip('record_options', words)}.")
            return
        writer, about = self._ring.writer, self.about("The last seconds of the window")
        self._ends.start(f"save last {time.monotonic_ns()}", lambda: _save_ring(writer, path, about))

    # -- the clock ------------------------------------------------------------------------------------------------
    def _takes(self) -> list[Take]:
        return [take for take in (self._take, self._ring) if take is not None]

    def _set_timer(self) -> None:
        running = [take for take in self._takes() if take.writer is not None]
        if running:
            self._timer.start(round(1000 / max(take.fps for take in running) / 2))
        else:
            self._timer.stop()

    def _on_timer(self) -> None:
        for take in self._takes():
            take.shoot()
        if self._take is not None and self._take.writer is not None and time.perf_counter() - self._told > 0.5:
            self._told = time.perf_counter()
            self.recording.emit(self._take.seconds)

    # -- results ------------------------------------------------------------------------------------------------
    def _on_delivered(self, key: str, kind: str, payload) -> None:
        if kind != "progress":
            self._finishing.pop(key, None)
        take = next((take for take in self._takes() if take.key == key), None)
        if kind == "failed":
            if take is not None and take is self._take:
                self.stop()
            elif take is not None:
                self.stop_ring()
            self.failed.emit(payload)
        elif isinstance(payload, Mp4Writer):
            if take is None:  # ended meanwhile: the thread closes it
                return
            take.begin(payload)
            self._set_timer()
            self.recording.emit(0.0) if take is self._take else self.ring_changed.emit(True)
        elif isinstance(payload, str):
            self.warned.emit(payload)
        elif kind == "progress" and payload is not None:
            self.saved.emit(str(payload))

    def _on_broke(self, writer: Mp4Writer, sentence: str) -> None:
        """An encoder ended by itself, for example on a full disk."""
        self.failed.emit(sentence)
        if self._ring is not None and self._ring.writer is writer:
            self.stop_ring()
        else:
            self.stop()

    def close(self) -> None:
        """Finish a running recording and wait for the files: what was recorded is kept."""
        self._timer.stop()
        running = [writer for take in self._takes() if (writer := take.end()) is not None]
        for writer in [*running, *self._finishing.values()]:
            try:
                writer.close()
            except ZooError as error:
                self.failed.emit(str(error))
        self._take = self._ring = None
        self._streams.close(10.0)
        self._ends.close(60.0)


def _nothing(height: int) -> int:
    return 0


def _name(widget: QtWidgets.QWidget) -> str:
    panel = widget.widget() if isinstance(widget, QtWidgets.QDockWidget) else widget
    return f"the panel {panel.title}" if isinstance(panel, Panel) else "the window"


def _read_versions() -> Iterator[None]:
    """Have ``provenance`` know what it reads once, from the checkout and the installed packages."""
    commit(), versions()
    yield


def _settle(widget: QtWidgets.QWidget) -> None:
    for panel in ([widget] if isinstance(widget, Panel) else widget.findChildren(Panel)):
        panel.settle()


def save_png(image: QtGui.QImage, path: Path | None, about: dict) -> Iterator[Path]:
    """Write a picture, and give its path; None: named after the moment. Raises ZooError."""
    path = Path(path) if path else new_path(".png")
    settings.writable_dir(path.parent, "pictures folder")
    buffer = QtCore.QBuffer()
    buffer.open(QtCore.QIODevice.WriteOnly)
    try:
        if not image.save(buffer, "PNG"):
            raise OSError("no PNG")
        path.write_bytes(stamped(bytes(buffer.data()), ".png", about))
    except OSError as error:
        raise ZooError(
            f"The picture {path} could not be written: check the folder and the disk's free space."
        ) from error
    yield path


def _made(make: Callable[[], Path]):
    yield make()


def _close(writer: Mp4Writer):
    yield writer.close()


def _forget(writer: Mp4Writer):
    writer.close()
    yield None


def _save_ring(writer: RingWriter, path: Path | None, about: dict):
    path = Path(path) if path else new_path(".mp4")
    settings.writable_dir(path.parent, "recordings folder")
    yield writer.save(path, about)
