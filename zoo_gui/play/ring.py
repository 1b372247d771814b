"""The last seconds, always at hand: H.264 in segments of two seconds in a temporary folder, the oldest of which go."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Mapping

import psutil

from zoo_gui.play.video import Mp4Writer, _check_writable, _ffmpeg
from zoo_gui.provenance_files import ffmpeg_options
from zoo_gui.types import ZooError

SEGMENT = 2
"""Seconds of a segment: a saved film is up to so much longer than was asked for."""
PREFIX = "zoo_gui-ring-"
SETTLE = 0.4
"""Seconds in which the encoder writes what it was given last."""


class RingWriter(Mp4Writer):
    """Keeps the last ``seconds`` of what is written; ``save`` makes a film of them. ``close`` forgets them.

    bytes: what the segments take on the disk.
    """

    def __init__(self, size: tuple[int, int], fps: float, seconds: float,
                 on_error: Callable[[str], None] | None = None, scaled_to: tuple[int, int] | None = None):
        """Raises ZooError where there is no room for temporary files, or no ffmpeg."""
        tidy()
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        except OSError as error:
            raise ZooError(f"The last seconds cannot be kept: there is no room for temporary files ({error.strerror}). "
                           "Free some, or name another folder in TMPDIR.") from error  # fmt: skip
        self.seconds = seconds
        self._lock = threading.Lock()
        try:
            super().__init__(folder, size, fps, on_error=on_error, crf=23, scaled_to=scaled_to)
        except ZooError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def save(self, path: str | os.PathLike, about: Mapping[str, Any] | None = None) -> Path:
        """Write the last seconds to an mp4 of constant rate; takes a moment. Raises ZooError."""
        path = Path(path)
        _check_writable(path)
        time.sleep(SETTLE)
        with self._lock:  # nothing is deleted meanwhile
            files = [file for file in self._files() if file.stat().st_size]
            wanted = files[-(round(self.seconds / SEGMENT) + 1):]
            if not wanted:
                path.unlink(missing_ok=True)
                raise ZooError("Nothing is kept yet: wait a second, then save the last seconds.")
            command = [_ffmpeg(), *"-hide_banner -loglevel error -nostdin -y".split()]
            command += ["-i", f"concat:{'|'.join(map(str, wanted))}", "-c", "copy", *ffmpeg_options(about)]
            command += ["-movflags", "+faststart", "-f", "mp4", str(path)]
            try:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
            except (OSError, subprocess.SubprocessError) as error:
                full = b"No space left" in (getattr(error, "stderr", b"") or b"")
                path.unlink(missing_ok=True)
                raise ZooError(f"The last seconds could not be saved in {path} because "
                               f"{'the disk is full' if full else 'ffmpeg failed'}.") from error  # fmt: skip
        return path

    # -- how it is kept ------------------------------------------------------------------------------------------
    def _prepare(self) -> None:
        pass

    def _output(self, crf: int, preset: str, about: Mapping[str, Any] | None) -> list[str]:
        # No picture waits in the encoder, and every segment begins with a whole one.
        options = f"-c:v libx264 -preset {preset} -tune zerolatency -crf {crf} -pix_fmt yuv420p -flush_packets 1"
        length = round(self.fps * SEGMENT)
        cut = f"-g {length} -keyint_min {length} -sc_threshold 0 -f segment -segment_time {SEGMENT}"
        form = "-segment_format mpegts -segment_format_options flush_packets=1"
        return [*options.split(), *cut.split(), *form.split(), str(self.path / "%08d.ts")]

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("*.ts"))

    def _measure(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            files = self._files()
            for old in files[: -(round(self.seconds / SEGMENT) + 2)]:
                old.unlink(missing_ok=True)
                files.remove(old)
            with contextlib.suppress(OSError):
                self.bytes = sum(file.stat().st_size for file in files)
        finally:
            self._lock.release()

    def _sentence(self, reason: str) -> str:
        return f"The last seconds are no longer kept because {reason}: switch it on again when that is solved."

    def _finish(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def tidy() -> None:
    """Delete what programs left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        found = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if found and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)
