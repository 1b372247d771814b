"""Films made of arrays: what the zoo did with moviepy, as far as its notebooks went, with our own encoder."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Sequence

import cv2
import numpy as np

from zoo_gui.types import ZooError

WHITE, BLACK = 255, (0, 0, 0)


@dataclass(frozen=True)
class Clip:
    """A film. size: (width, height). picture: frame number from 0 to (height, width, 3) uint8 RGB."""

    size: tuple[int, int]
    frames: int
    picture: Callable[[int], np.ndarray] = field(repr=False)
    fps: float = 60.0

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray], fps: float = 60.0) -> "Clip":
        """A clip of pictures (H, W, 3): uint8, or float in 0–1. Raises ZooError without any."""
        if not len(pictures):
            raise ZooError("A film needs at least one picture: record a rollout with frames first.")
        height, width = pictures[0].shape[:2]

        def picture(index: int) -> np.ndarray:
            array = pictures[index]
            return array if array.dtype == np.uint8 else np.uint8(np.round(np.clip(array, 0, 1) * 255))

        return cls((width, height), len(pictures), picture, fps)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.fps

    def resize(self, factor: float) -> "Clip":
        """The same, larger or smaller; enlarged pixels stay sharp."""
        size = tuple(max(1, round(length * factor)) for length in self.size)
        method = cv2.INTER_NEAREST if factor > 1 else cv2.INTER_AREA
        return replace(self, size=size, picture=lambda i: cv2.resize(self.picture(i), size, interpolation=method))

    def subclip(self, start: float = 0.0, end: float | None = None) -> "Clip":
        """The part between two times in seconds."""
        first = min(self.frames - 1, max(0, round(start * self.fps)))
        last = self.frames if end is None else min(self.frames, max(first + 1, round(end * self.fps)))
        return replace(self, frames=last - first, picture=lambda i: self.picture(first + i))

    def write_videofile(self, path: str | Path, fps: float | None = None) -> Path:
        """Write an mp4. Raises ZooError."""
        from tqdm.auto import tqdm

        from zoo_gui.play.video import Mp4Writer

        writer = Mp4Writer(path, self.size, fps or self.fps)
        try:
            for index in tqdm(range(self.frames), desc=Path(path).name, unit=" pictures", disable=None, leave=False):
                writer.write(cv2.cvtColor(self.picture(index), cv2.COLOR_RGB2BGRA), wait=True)
        finally:
            writer.close()
        return Path(path)

    def ipython_display(self) -> Any:
        """The film in a notebook."""
        from IPython.display import HTML

        with tempfile.TemporaryDirectory() as folder:
            data = self.write_videofile(Path(folder) / "clip.mp4").read_bytes()
        coded = base64.b64encode(data).decode()
        return HTML(f'<video controls loop src="data:video/mp4;base64,{coded}"></video>')


@dataclass
class Canvas:
    """Clips and words at places on a white ground. size: (width, height)."""

    size: tuple[int, int]
    clips: list[tuple[Clip, int, int]] = field(default_factory=list)
    words: list[tuple[str, int, int, int]] = field(default_factory=list)

    def add(self, clip: Clip, x: float, y: float) -> None:
        """Put a clip's upper left corner at (x, y); what is over the edge is cut off."""
        self.clips.append((clip, round(x), round(y)))

    def write(self, text: str, x: float, y: float, size: int) -> None:
        """Put words in letters of about ``size`` pixels with their upper left corner at (x, y)."""
        self.words.append((text, round(x), round(y), size))

    def clip(self) -> Clip:
        """The film: as long as the longest clip, whose neighbours wait with their last picture. Raises ZooError."""
        if not self.clips:
            raise ZooError("A film needs at least one clip.")
        ground = np.full((self.size[1], self.size[0], 3), WHITE, np.uint8)
        for text, x, y, size in self.words:
            place = (x, y + round(0.8 * size))
            cv2.putText(ground, text, place, cv2.FONT_HERSHEY_SIMPLEX, size / 30, BLACK, 1, cv2.LINE_AA)

        def picture(index: int) -> np.ndarray:
            canvas = ground.copy()
            for clip, x, y in self.clips:
                _paste(canvas, clip.picture(min(index, clip.frames - 1)), x, y)
            return canvas

        fps = self.clips[0][0].fps
        return Clip(self.size, max(clip.frames for clip, _, _ in self.clips), picture, fps)


def _paste(canvas: np.ndarray, picture: np.ndarray, x: int, y: int) -> None:
    top, left = max(0, y), max(0, x)
    bottom, right = min(canvas.shape[0], y + picture.shape[0]), min(canvas.shape[1], x + picture.shape[1])
    if bottom > top and right > left:
        canvas[top:bottom, left:right] = picture[top - y : bottom - y, left - x : right - x]
