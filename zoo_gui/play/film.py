"""Pictures to a film that people open: .mp4, or .gif for pages that show nothing else. A film that could not be
finished is playable as far as it came, or is not there."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping

import numpy as np

from zoo_gui.play.video import Mp4Writer, _check_writable, _ffmpeg
from zoo_gui.provenance_files import stamped
from zoo_gui.types import Progress, ZooError

MP4, GIF = ".mp4", ".gif"
RATES = {MP4: (60, 30, 20, 15, 12, 10, 6, 5), GIF: (20, 10, 5)}
"""Pictures a second: parts of the emulator's 60; of a GIF, whose delays are hundredths of a second, those that most
programs show as they are."""
LARGEST = 8192
"""Pixels across or down: beyond it few programs play H.264."""


class Film:
    """One film being made. path, size (width, height), fps. frames: how many pictures it has so far."""

    def __init__(self, path: str | os.PathLike, size: tuple[int, int], fps: int = 60,
                 about: Mapping[str, Any] | None = None):
        """An existing file is replaced. about: what the film says of itself (``provenance``). Raises ZooError: another
        ending, rate or size than can be, a place that cannot be written."""
        self.path, self.size, self.fps = check(path), (size[0] + size[0] % 2, size[1] + size[1] % 2), fps
        if fps not in RATES[self.ending]:
            raise ZooError(f"{fps} pictures a second do not suit {self.path.name}: choose one of "
                           f"{', '.join(map(str, RATES[self.ending]))}.")  # fmt: skip
        if max(self.size) > LARGEST:
            raise ZooError(f"A film of {self.size[0]}×{self.size[1]} pixels is too large to be played: make its parts "
                           "smaller or fewer.")  # fmt: skip
        self._raw = self.path
        if self.ending == GIF:  # without loss first: a palette is made for the whole film, which is known at its end
            self._raw = self.path.with_name(f".{self.path.name}.part{MP4}")
        quality = {"crf": 0} if self.ending == GIF else {"crf": 18, "preset": "veryfast"}
        self._about = about
        self._writer = Mp4Writer(self._raw, self.size, fps, on_error=lambda _sentence: None, about=about, **quality)
        self._closed = False

    @property
    def ending(self) -> str:
        """``.mp4`` or ``.gif``."""
        return self.path.suffix.lower()

    @property
    def frames(self) -> int:
        return self._writer.frames

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.fps

    def write(self, picture: np.ndarray) -> None:
        """Append a picture: uint8 BGRA (H, W, 4), free to change afterwards. Raises ZooError after a failure."""
        if self._writer.error:
            self.close()
        self._writer.write(picture, wait=True)

    def close(self) -> Path:
        """Finish the film and give its path. Raises ZooError that says what there is of it."""
        if self._closed:
            return self.path
        self._closed = True
        try:
            self._writer.close()
            if self._writer.error:
                raise ZooError(self._remains(self._writer.reason))
            if not self.frames:
                self._raw.unlink(missing_ok=True)
                raise ZooError(f"{self.path.name} would hold no picture: nothing was written.")
            if self.ending == GIF:
                gif_of(self._raw, self.path, self._about)
        finally:
            if self._raw != self.path:
                self._raw.unlink(missing_ok=True)
        return self.path

    def _remains(self, reason: str) -> str:
        """The sentence after a failure; what cannot be played is removed."""
        if self.ending == MP4 and _plays(self.path):
            return f"The film ends early because {reason}: what was made until then is in {self.path}."
        self.path.unlink(missing_ok=True)
        return f"{self.path} could not be written because {reason}: nothing of it is left."


def gif_of(raw: Path, path: Path, about: Mapping[str, Any] | None = None) -> None:
    """A film as a GIF: one palette for all of it, no dithering, which would make flat colours flicker. Raises ZooError;
    then nothing of the GIF is left, and a file that was there before is as it was."""
    palette, made = raw.with_suffix(".png"), raw.with_suffix(GIF)
    try:
        _run(["-i", str(raw), "-vf", "palettegen=stats_mode=full", str(palette)])
        use = "paletteuse=dither=none:diff_mode=rectangle"
        _run(["-i", str(raw), "-i", str(palette), "-lavfi", use, "-loop", "0", "-f", "gif", str(made)])
        if about:
            made.write_bytes(stamped(made.read_bytes(), GIF, about))
        os.replace(made, path)
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", b"") or str(error)
        full = b"No space left" in reason if isinstance(reason, bytes) else "No space left" in reason
        raise ZooError(f"{path} could not be written because "
                       f"{'the disk is full' if full else 'ffmpeg failed'}: nothing of it is left.") from error
    finally:
        palette.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


def check(path: str | os.PathLike) -> Path:
    """The path, if a film can be written there. Raises ZooError: another ending, a folder, a read-only place."""
    found = Path(path).expanduser()
    if found.suffix.lower() not in RATES:
        raise ZooError(f"“{path}” must end in {MP4} or {GIF}: that says what to write.")
    if found.is_dir():
        raise ZooError(f"{found} is a folder: name the file to write.")
    existed = found.exists()
    if existed and os.access(found, os.W_OK):
        return found
    _check_writable(found)
    if not existed:
        found.unlink()
    return found


def shot(film: Film, pictures: Iterable[np.ndarray], total: int) -> Iterator[Progress]:
    """Write all pictures; the last Progress has the film's path. Whatever ends it early, what is there is finished.

    total: how many there will be at most. Raises ZooError.
    """
    try:
        for number, picture in enumerate(pictures, 1):
            film.write(picture)
            yield Progress(min(number, total - 1), total, f"{film.seconds:.0f} of {total / film.fps:.0f} s")
    finally:
        film.close()
    yield Progress(total, total, f"{film.seconds:.1f} s", film.path)


def _run(arguments: list[str]) -> None:
    """ffmpeg, apart from our terminal's Ctrl+C."""
    command = [_ffmpeg(), *"-hide_banner -loglevel error -nostdin -y".split(), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def _plays(path: Path) -> bool:
    """Whether a film has a picture that can be decoded."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        report = ["-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
        command = [_ffmpeg(), *"-hide_banner -loglevel error -nostdin".split(), *report]
        return bool(subprocess.run(command, check=True, capture_output=True).stdout)
    return False
