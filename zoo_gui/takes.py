"""A recording that runs: a camera, what writes its pictures, and the clock that keeps their rate."""

from __future__ import annotations

import itertools
import time

from zoo_gui.camera import Camera
from zoo_gui.captions import Captions
from zoo_gui.play.video import Mp4Writer

SHARE = 0.5
"""Of the UI thread's time that taking pictures may take: beyond it pictures are repeated, and the game stays smooth."""


_numbers = itertools.count()


class Take:
    """``shoot`` takes a picture where one is due; the rate is constant, whatever comes between. key: its own name among
    what runs in threads."""

    def __init__(self, camera: Camera, fps: float, captions: Captions | None = None):
        self.camera, self.fps, self.captions = camera, fps, captions
        self.key = f"recording {next(_numbers)}"
        self.writer: Mp4Writer | None = None
        self.started = self._next = 0.0
        self.frames = self.drawn = 0
        self.spent = 0.0  # seconds in which the UI thread worked for it

    def begin(self, writer: Mp4Writer) -> None:
        """From now on."""
        self.writer, self.started = writer, time.perf_counter()
        writer.in_use = True

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def is_rendering(self) -> bool:
        return self.camera.is_rendering

    def shoot(self) -> None:
        """Append a picture, for as long as none was taken."""
        now, worked = time.perf_counter(), time.thread_time()
        due = int((now - self.started) * self.fps) + 1 - self.frames
        if due <= 0 or self.writer is None or now < self._next:
            return
        if self.captions is not None and self.camera.strip:
            self.captions.paint(self.camera.caption_image)
        # Time is kept by repeating a picture, never by slowing down: a talk's sound must fit.
        with self.camera.picture() as picture:
            self.writer.write(picture, count=due)
        self.frames += due
        self.drawn += 1
        self.spent += time.thread_time() - worked
        self._next = now + (time.perf_counter() - now) / SHARE

    def end(self) -> Mp4Writer | None:
        """No picture more; what wrote them, to be closed by whoever may wait."""
        if self.captions is not None:
            self.captions.close()
            self.captions = None
        writer, self.writer = self.writer, None
        return writer
