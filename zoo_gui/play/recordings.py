"""What a recording of the window may be written as: an mp4, a GIF, or a folder of numbered pictures. All are written by
ffmpeg in a process of its own, so that whatever ends this program leaves what was recorded until then."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np

from zoo_gui.play.film import GIF, MP4, gif_of
from zoo_gui.play.video import Mp4Writer
from zoo_gui.provenance import plain
from zoo_gui.provenance_files import BESIDE
from zoo_gui.types import ZooError

FORMATS = {"mp4": MP4, "gif": GIF, "png": ""}
"""Format → the ending of its file; numbered pictures are in a folder."""
QUALITIES = {"high": 16, "good": 20, "small": 28}
"""Quality → H.264's constant rate factor."""
GIF_RATE = 20
"""Of a GIF, whose delays are hundredths of a second: the quickest that programs show as it is."""
BITS_PER_PIXEL = {"mp4": 0.03, "gif": 0.12, "png": 8.0}
"""About, of recordings of this window: to say beforehand how long the disk lasts."""
NEEDED_SECONDS = 600
"""A disk that is full sooner is worth a warning."""


class PngWriter(Mp4Writer):
    """Numbered pictures in a folder: ``000001.png`` … A kill leaves all but the last one whole."""

    pixels = "bgra"

    def _prepare(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise ZooError(f"{self.path} has something in it already: name a new folder for the pictures.")
        except OSError as error:
            raise ZooError(f"{self.path} cannot be written ({error.strerror}): choose another folder.") from error

    def _output(self, crf: int, preset: str, about: Mapping[str, Any] | None) -> list[str]:
        if about:
            told = json.dumps({**plain(about), "pictures_per_second": self.fps}, ensure_ascii=False, indent=1)
            with contextlib.suppress(OSError):
                (self.path / BESIDE).write_text(told, encoding="utf-8")
        self._counted = 0
        # Compressed lightly: the window and the game need the cores more than the disk needs the room.
        return [*"-c:v png -pix_fmt rgb24 -compression_level 1 -f image2".split(), str(self.path / "%06d.png")]

    def _converted(self, picture: np.ndarray) -> np.ndarray:
        return np.array(self._fitted_in(picture), order="C")

    def _measure(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.bytes += (self.path / f"{self._counted + 1:06d}.png").stat().st_size
                self._counted += 1

    def _finish(self) -> None:
        """After an error the last picture may be cut off."""
        if self.error:
            pictures = sorted(self.path.glob("*.png"))
            if pictures and not pictures[-1].read_bytes().endswith(b"IEND\xaeB`\x82"):
                pictures[-1].unlink(missing_ok=True)


class GifWriter(Mp4Writer):
    """A GIF: recorded without loss as ``NAME.recording.mp4``, which becomes the GIF at the end. A kill, or a failure on
    the way, leaves the mp4, which can be played."""

    def __init__(self, path: str | os.PathLike, size: tuple[int, int], fps: float = 20, *,
                 about: Mapping[str, Any] | None = None, **options: Any):
        self.film, self._about, self._made, self._lock = Path(path), about, False, threading.Lock()
        raw = self.film.with_name(f"{self.film.stem}.recording{MP4}")
        super().__init__(raw, size, fps, about=about, **{**options, "crf": 0})

    def close(self, timeout: float = 60.0) -> Path:
        """Make the GIF and give its path; where that fails, the mp4 stays. Raises ZooError."""
        with self._lock:
            kept = super().close(timeout)
            if self.error:
                return kept
            if not self._made:
                try:
                    gif_of(kept, self.film, self._about)
                except ZooError as error:
                    raise ZooError(f"{error} The recording is in {kept}.") from error
                kept.unlink(missing_ok=True)
                self._made = True
            return self.film


WRITERS: Mapping[str, Callable[..., Mp4Writer]] = {"mp4": Mp4Writer, "gif": GifWriter, "png": PngWriter}


def format_of(path: str | os.PathLike) -> str:
    """The format that a path asks for: by its ending, ``png`` for a folder. Raises ZooError for another ending."""
    ending = Path(path).suffix.lower()
    found = next((name for name, known in FORMATS.items() if known == ending), None)
    if found is None:
        raise ZooError(f"“{path}” must end in {MP4} or {GIF}, or name a folder for numbered pictures.")
    return found


def lasts(folder: Path, form: str, size: tuple[int, int], fps: float) -> float:
    """Seconds until the disk of ``folder`` is full, about; inf where that cannot be said."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return float("inf")
    return free * 8 / (BITS_PER_PIXEL[form] * size[0] * size[1] * fps)


def warning(folder: Path, form: str, size: tuple[int, int], fps: float) -> str:
    """A sentence where the disk is soon full, else ""."""
    seconds = lasts(folder, form, size, fps)
    if seconds >= NEEDED_SECONDS:
        return ""
    room = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
    return f"The disk of {folder} has room for about {room} of this recording: free some space, or make it smaller."
