"""The game's screen as people see it: a pixel's shape on a television, and sprites that flicker."""

from __future__ import annotations

import cv2
import numpy as np

PIXEL = (5, 3)
"""(width, height) of a game pixel: a television of the time showed them 12:7."""


def aspect(screen: tuple[int, int]) -> float:
    """Width over height of a screen of (H, W) pixels as it was seen."""
    return screen[1] * PIXEL[0] / (screen[0] * PIXEL[1])


def steady(frames: np.ndarray) -> np.ndarray:
    """(H, W, 3) of emulator frames (S, H, W, 3): the brighter of the last two at each pixel.

    Games show some sprites only in every second frame. A television and the eye leave them in sight; a film of fewer
    than 60 pictures a second would lose them. Agents see the screen so as well (Mnih et al. 2015).
    """
    return frames[-1] if len(frames) < 2 else np.maximum(frames[-2], frames[-1])


def scaled(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3 or 4) uint8 at ``size`` (width, height): pixels keep sharp edges, and all of them the same size, within
    a part of a pixel."""
    across, down = -(-size[0] // frame.shape[1]), -(-size[1] // frame.shape[0])
    if across > 1 or down > 1:
        large = frame.shape[1] * across, frame.shape[0] * down
        frame = cv2.resize(frame, large, interpolation=cv2.INTER_NEAREST)
    shrinks = max(frame.shape[1] / size[0], frame.shape[0] / size[1]) >= 2
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # as good for less than half, and five times as fast
    return frame if frame.shape[1::-1] == tuple(size) else cv2.resize(frame, size, interpolation=method)
