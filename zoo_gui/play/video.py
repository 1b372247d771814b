"""Pictures to mp4: H.264 through ffmpeg, in a process of its own, so that a recording outlives whatever goes wrong.

While it is being written the file is a fragmented mp4, playable up to its last second even if the disk fills up, or
this program or the encoder is killed; a clean close turns it into a plain one that starts at once everywhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Mapping

import cv2
import numpy as np

from zoo_gui.provenance_files import ffmpeg_options
from zoo_gui.types import ZooError

QUEUE = 16
"""Pictures that may wait for the encoder: 35 MB at 1600×900."""
NICENESS = 5
"""The encoder yields to the window and to the game."""
MEASURED = 0.5
"""Seconds between looks at how large the file is."""
# OpenCV converts with BT.601 in the limited range: say so, or players take large pictures for BT.709.
_COLOURS = "-colorspace smpte170m -color_primaries bt709 -color_trc iec61966-2-1 -color_range tv".split()
_REASONS = {
    "No space left on device": "the disk is full",
    "Disk quota exceeded": "your disk quota is used up",
    "File too large": "the file reached the largest size allowed here",
    "Permission denied": "the folder cannot be written",
    "Read-only file system": "the disk is read-only",
    "Unknown encoder": "this ffmpeg has no H.264 encoder",
}


class Mp4Writer:
    """One recording: fixed size, constant frame rate.

    Every ``write`` is one picture of 1 / fps seconds. When the encoder falls behind by more than QUEUE pictures, the
    newest are dropped and the one before is shown for longer, so that time stays right. frames: pictures' worth of
    time so far; dropped: how many of these repeat another for that reason. bytes: how large the file is, about. error:
    the sentence, once it has failed; reason: what it says of why.
    """

    pixels = "yuv420p"
    """How pictures are handed to the encoder."""
    in_use = False
    """Whether somebody who writes pictures will close it: for those that open it in another thread."""

    def __init__(
        self,
        path: str | os.PathLike,
        size: tuple[int, int],
        fps: float = 60,
        on_error: Callable[[str], None] | None = None,
        crf: int = 20,
        preset: str = "ultrafast",
        about: Mapping[str, Any] | None = None,
        scaled_to: tuple[int, int] | None = None,
    ):
        """size: (width, height) in pixels, rounded up to even numbers. on_error: called once, in another thread.
        about: what the file says of itself (``provenance``). scaled_to: the film's own size, into which the encoder
        fits the pictures; None: ``size``.

        Raises ZooError when the file cannot be written or ffmpeg cannot be started. An existing file is replaced.
        """
        self.path, self.fps = Path(path), fps
        self.size = (max(2, size[0] + size[0] % 2), max(2, size[1] + size[1] % 2))
        self.frames = self.dropped = self.bytes = 0
        self.error: str | None = None
        self.reason = ""
        self._on_error, self._closed, self._measured = on_error, False, 0.0
        self._owed = 0  # repeats of the picture before that the next one in the queue has to bring along
        self._canvas, self._fitted = None, (0, 0)
        self._queue: queue.Queue[tuple[int, np.ndarray | None]] = queue.Queue(QUEUE)
        found = self.path.exists()
        self._prepare()
        self._log = tempfile.TemporaryFile()
        try:
            self._process = self._start([*self._input(), *self._fitting(scaled_to), *self._output(crf, preset, about)])
        except ZooError:
            self._log.close()
            if not found:
                self._finish_nothing()
            raise
        self._thread = threading.Thread(target=self._feed, name="zoo_gui mp4", daemon=True)
        self._thread.start()

    def tell(self, on_error: Callable[[str], None]) -> None:
        """Call this once it fails, in another thread; at once where it has failed."""
        self._on_error = on_error
        if self.error:
            on_error(self.error)

    @property
    def pid(self) -> int:
        """Process id of the encoder."""
        return self._process.pid

    def write(self, picture: np.ndarray, count: int = 1, wait: bool = False) -> None:
        """Append a picture for ``count`` frames: uint8 BGRA (H, W, 4), free to change afterwards. Never waits.

        A picture of another size is fitted into the recording's, with black edges. Ignored after an error or close.
        wait: rather wait for the encoder than drop a picture, where no clock runs.
        """
        if self._closed or self.error or count < 1:
            return
        self.frames += count
        while wait and self._queue.full() and not self.error:
            time.sleep(0.001)
        if self._queue.full():
            self._owed += count
            self.dropped += count
            return
        self._queue.put((self._owed, self._converted(picture)))
        self._owed = count - 1

    def close(self, timeout: float = 60.0) -> Path:
        """Finish the file and give its path; also after an error, when what was written until then is kept.

        timeout: seconds that the encoder may go without taking or writing anything: on a busy machine it may be slow.
        Raises ZooError after an error that no ``on_error`` was told.
        """
        if not self._closed:
            self._closed = True
            if not self._ended(timeout):
                self._fail("it took too long to finish")
            self._finish()
        if self.error and self._on_error is None:
            raise ZooError(self.error)
        return self.path

    def _ended(self, patience: float) -> bool:
        """Say that nothing follows, and wait for the encoder's end; False where it stands still for so long."""
        told, seen, since = False, None, time.monotonic()
        while self._thread.is_alive():
            if told:
                self._thread.join(0.1)
            else:
                with contextlib.suppress(queue.Full):
                    self._queue.put((self._owed, None), timeout=0.1)
                    told = True
            self._measure()
            now = told, self._queue.qsize(), self.bytes
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > patience:
                return False
        return True

    def _prepare(self) -> None:
        """Raises ZooError where the file cannot be written."""
        _check_writable(self.path)

    def _finish_nothing(self) -> None:
        """Take away what was made for an encoder that could not be started."""
        with contextlib.suppress(OSError):
            self.path.rmdir() if self.path.is_dir() else self.path.unlink()

    def _finish(self) -> None:
        """What is left to do when the encoder has ended."""
        if not self.error:
            _make_plain(self.path)

    def _measure(self) -> None:
        """Look how large the file is."""
        with contextlib.suppress(OSError):
            self.bytes = self.path.stat().st_size

    def _input(self) -> list[str]:
        width, height = self.size
        form = ["-f", "rawvideo", "-pix_fmt", self.pixels, "-s", f"{width}x{height}", "-r", f"{self.fps:g}"]
        return [*form, *(_COLOURS if self.pixels == "yuv420p" else ()), "-i", "pipe:0", "-an"]

    def _fitting(self, size: tuple[int, int] | None) -> list[str]:
        if size is None or size == self.size:
            return []
        width, height = size
        fitted = f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=lanczos"
        return ["-vf", f"{fitted},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"]

    def _output(self, crf: int, preset: str, about: Mapping[str, Any] | None) -> list[str]:
        """The encoder's options, with the file's name at the end."""
        options = [*f"-c:v libx264 -preset {preset} -crf {crf} -pix_fmt yuv420p".split(), *_COLOURS]
        options += ["-g", f"{max(1, round(self.fps))}", "-flush_packets", "1", *ffmpeg_options(about)]
        return [*options, "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4", str(self.path)]

    def _start(self, arguments: list[str]) -> subprocess.Popen:
        command = [_ffmpeg(), *"-hide_banner -loglevel error -nostdin -y".split(), *arguments]
        try:
            # Its own session: Ctrl+C in the terminal and our death leave it to finish what it was given. Ignored
            # signals stay ignored, so that a file size limit is an error that it reports.
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True,
                restore_signals=False,
            )  # fmt: skip
        except OSError as error:
            raise ZooError(
                f"The video encoder ffmpeg cannot be started ({error.strerror}): reinstall imageio-ffmpeg."
            ) from error
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        return process

    def _converted(self, picture: np.ndarray) -> np.ndarray:
        """The picture as I420 at the recording's size: less to copy than BGRA, and less work for the encoder."""
        return cv2.cvtColor(self._fitted_in(picture), cv2.COLOR_BGRA2YUV_I420)

    def _fitted_in(self, picture: np.ndarray) -> np.ndarray:
        """The picture at the recording's size."""
        width, height = self.size
        if picture.shape[:2] != (height, width):
            if self._canvas is None or self._fitted != picture.shape[:2]:  # black edges are painted once
                self._canvas, self._fitted = np.zeros((height, width, 4), np.uint8), picture.shape[:2]
            picture = _fit(picture, self._canvas)
        return picture

    def _feed(self) -> None:
        """The writer thread: pictures from the queue into the encoder until the end or an error."""
        last = None
        try:
            while True:
                repeats, picture = self._queue.get()
                for _ in range(repeats if last is not None else 0):
                    self._process.stdin.write(last)
                if picture is None:
                    break
                last = picture.data
                self._process.stdin.write(last)
                if time.monotonic() - self._measured > MEASURED:
                    self._measured = time.monotonic()
                    self._measure()
            self._process.stdin.close()
            if self._process.wait():
                self._fail(self._reason())
        except OSError:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
            self._fail(self._reason())
        finally:
            self._log.close()

    def _reason(self) -> str:
        self._log.seek(0)
        log = self._log.read().decode(errors="replace")
        if self._process.returncode == 256 - errno.ENOSPC:  # some of ffmpeg's writers say no more than that
            return _REASONS["No space left on device"]
        known = (sentence for mark, sentence in _REASONS.items() if mark in log)
        return next(known, f"the encoder ended with code {self._process.returncode}")

    def _sentence(self, reason: str) -> str:
        return f"Recording stopped because {reason}: what was recorded until then is in {self.path}."

    def _fail(self, reason: str) -> None:
        if self.error is None:
            self.reason = reason
            self.error = self._sentence(reason)
            while not self._queue.empty():  # let a waiting close go on
                with contextlib.suppress(queue.Empty):
                    self._queue.get_nowait()
            if self._on_error is not None:
                self._on_error(self.error)


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise ZooError("There is no ffmpeg to write videos with: run pip install imageio-ffmpeg.") from error


def _check_writable(path: Path) -> None:
    """Raises ZooError unless ``path`` can be written; leaves an empty file there, or the one that is there as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab"):
            pass
    except OSError as error:
        raise ZooError(f"{path} cannot be written ({error.strerror}): choose another folder or name.") from error


def _fit(picture: np.ndarray, canvas: np.ndarray) -> np.ndarray:
    """``canvas`` with the picture as large as fits in its centre; where one row or column is missing, unscaled."""
    (height, width), (rows, columns) = canvas.shape[:2], picture.shape[:2]
    if not (0 <= height - rows <= 1 and 0 <= width - columns <= 1):
        scale = min(width / columns, height / rows)
        columns, rows = max(1, min(width, round(columns * scale))), max(1, min(height, round(rows * scale)))
        picture = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = picture
    return canvas


def _make_plain(path: Path) -> None:
    """Rewrite a fragmented mp4 as a plain one with its index in front. If that fails, the fragmented one stays."""
    whole = path.with_name(f".{path.name}.part")
    command = [_ffmpeg(), *"-hide_banner -loglevel error -nostdin -y -i".split(), str(path), "-c", "copy"]
    command += ["-movflags", "+faststart", "-f", "mp4", str(whole)]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
        os.replace(whole, path)
    except (OSError, subprocess.SubprocessError):
        whole.unlink(missing_ok=True)
