"""Observation pipelines as data: from the emulator's screens to what a network sees.

The steps, in order: pixel-wise maximum of the last emulator frames of an action (Atari sprites flicker), crop, resize,
stack. The defaults are those of ale-py's AtariVectorEnv, bit for bit; they descend from Mnih et al. 2015, "Human-level
control through deep reinforcement learning".
"""

from __future__ import annotations

from collections import deque
from typing import Sequence

import cv2
import numpy as np

from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play.emulator import Emulator
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError, read_only

RESIZES = {
    "opencv-area": cv2.INTER_AREA,
    "opencv-linear": cv2.INTER_LINEAR,
    "opencv-nearest": cv2.INTER_NEAREST,
}
"""Ways to resize. OpenCV's area method averages the pixels under each new pixel."""
LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
"""ITU-R BT.601 weights of R, G and B: grey from RGB."""
SOURCES = ("ale", "luma")
"""Where grey comes from: ALE's grey palette, or BT.601 luma of the RGB screen, rounded."""


class Pipeline:
    """Carries a PreprocessingSpec out for one screen size.

    The Player gives it screens with ``grab`` and ``push``; ``observation`` is what the network sees.
    """

    def __init__(self, spec: PreprocessingSpec, screen: tuple[int, int]):
        """screen: (H, W). Raises ZooError for an unknown method or a crop outside the screen."""
        if spec.resize not in RESIZES:
            raise unknown("resizing method", spec.resize, RESIZES)
        if spec.color == "gray" and spec.source not in SOURCES:
            raise unknown("source of grey", spec.source, SOURCES)
        self.spec, self.screen = spec, screen
        self.frame_box = _box(spec.crop, screen)
        self._interpolation = RESIZES[spec.resize]
        self._from_rgb = spec.color == "rgb" or spec.source == "luma"
        shape = (*screen, 3) if self._from_rgb else screen
        self._buffers = [np.empty(shape, np.uint8) for _ in range(spec.max_last)]
        self._grabbed = 0
        self._stack: deque[np.ndarray] = deque(maxlen=spec.stack)
        self._observation = read_only(np.zeros(spec.observation_shape, np.uint8))

    @property
    def observation(self) -> np.ndarray:
        """(h, w, C) uint8, read-only, oldest frame first; RGB frames take three channels each. Never changed later."""
        return self._observation

    def grab(self, emulator: Emulator) -> None:
        """Take the emulator's screen as one of the last ``max_last`` of this action."""
        buffer = self._buffers[self._grabbed % len(self._buffers)]
        (emulator.screen_rgb if self._from_rgb else emulator.screen_gray)(buffer)
        self._grabbed += 1

    def reset(self, emulator: Emulator) -> None:
        """Begin an episode with the emulator's screen: the rest of the stack is black, or repeats it."""
        self._grabbed = 0
        self.grab(emulator)
        first = self._frame()
        fill = first if self.spec.stack_init == "repeat" else read_only(np.zeros_like(first))
        self._stack.extend([fill] * (self.spec.stack - 1))
        self._append(first)

    def push(self, screens: Sequence[np.ndarray] = ()) -> None:
        """End an action: its maximum is the newest frame of the stack.

        screens: the action's last emulator frames, (H, W) or (H, W, 3) uint8 as the spec asks; by default those taken
        by ``grab`` since the last push.
        """
        for screen in screens:
            self._buffers[self._grabbed % len(self._buffers)][...] = screen
            self._grabbed += 1
        self._append(self._frame())

    def snapshot(self) -> tuple[np.ndarray, ...]:
        """The stack's frames, oldest first, each (h, w) or (h, w, 3) uint8."""
        return tuple(self._stack)

    def restore(self, stack: tuple[np.ndarray, ...]) -> None:
        """Go back to a ``snapshot``. Raises ZooError when it does not fit this pipeline."""
        if len(stack) != self.spec.stack or any(frame.shape[:2] != self.spec.size for frame in stack):
            raise ZooError("This snapshot was made with another preprocessing: load the agent it was made with.")
        self._grabbed = 0
        self._stack.extend(stack[:-1])
        self._append(stack[-1])

    def _frame(self) -> np.ndarray:
        """The grabbed screens as one (h, w) or (h, w, 3) uint8 frame; forgets them."""
        count, self._grabbed = min(self._grabbed, len(self._buffers)), 0
        newest = self._buffers[0]
        for other in self._buffers[1:count]:
            np.maximum(newest, other, out=newest)
        top, left, height, width = self.frame_box
        frame = newest[top : top + height, left : left + width]
        if self._from_rgb and self.spec.color == "gray":
            frame = cv2.transform(frame, LUMA)
        if frame.shape[:2] != self.spec.size:
            frame = cv2.resize(frame, self.spec.size[::-1], interpolation=self._interpolation)
        else:
            frame = frame.copy()
        return read_only(frame)

    def _append(self, frame: np.ndarray) -> None:
        self._stack.append(frame)
        merged = cv2.merge(list(self._stack))
        self._observation = read_only(merged.reshape(self.spec.observation_shape))


def _box(crop: tuple[int, int, int, int] | None, screen: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the observation on the screen, in screen pixels."""
    if crop is None:
        return (0, 0, *screen)
    top, left, height, width = crop
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > screen[0] or left + width > screen[1]:
        raise ZooError(
            f"The preprocessing crops {height}×{width} pixels from row {top}, column {left}, but the screen has only "
            f"{screen[0]}×{screen[1]}: correct “crop” in the card."
        )
    return (top, left, height, width)
