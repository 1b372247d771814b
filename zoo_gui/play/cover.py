"""Covering a part of what the agent sees: "it looks at that" as a claim that can be tested.

Atrey, Clary and Jensen 2020, "Exploratory Not Explanatory" (arXiv:1912.05743): a saliency map is a hypothesis, and only
an intervention tells. A cover is laid on the observation, in all frames of the stack, before the network sees it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from zoo_gui.types import ZooError

FILLS = ("mean", "black", "blur", "background")
"""``mean``: of the observation outside the box, for each frame. ``black``: the darkest value there is. ``blur``: the
place itself, blurred with sigma 3 as Greydanus et al. do. ``background``: the median of the ring around the box."""
BLUR_SIGMA = 3.0


class Cover(NamedTuple):
    """box: (top, left, height, width) in observation pixels. fill: one of FILLS."""

    box: tuple[int, int, int, int]
    fill: str = "mean"


def checked(box: tuple[int, int, int, int], shape: tuple[int, ...], fill: str = "mean") -> Cover:
    """A cover that fits on an observation of ``shape`` (h, w, C). Raises ZooError."""
    if fill not in FILLS:
        raise ZooError(f"A cover is filled with {', '.join(FILLS)}, not “{fill}”.")
    try:
        top, left, height, width = (int(number) for number in box)
    except (TypeError, ValueError) as error:
        raise ZooError("A box is four whole numbers: top, left, height, width in observation pixels.") from error
    if height < 1 or width < 1 or top < 0 or left < 0 or top + height > shape[0] or left + width > shape[1]:
        raise ZooError(
            f"The box {top}, {left}, {height}, {width} (top, left, height, width) does not fit on an observation of "
            f"{shape[0]}×{shape[1]} pixels."
        )
    return Cover((top, left, height, width), fill)


def covered(observation: np.ndarray, cover: Cover, black: float = 0.0) -> np.ndarray:
    """A copy of an observation (h, w, C) in which the box is filled, frame by frame; its dtype as before.

    black: the lowest value that the observation may have, 0 for bytes.
    """
    top, left, height, width = cover.box
    rows, columns = slice(top, top + height), slice(left, left + width)
    result = np.array(observation)
    if cover.fill == "black":
        filling = np.full(observation.shape[-1], black)
    elif cover.fill == "blur":
        filling = cv2.GaussianBlur(observation.astype(np.float32), (0, 0), BLUR_SIGMA)
        filling = filling.reshape(observation.shape)[rows, columns]
    elif cover.fill == "mean":
        outside = np.ones(observation.shape[:2], bool)
        outside[rows, columns] = False
        filling = (observation[outside] if outside.any() else observation.reshape(-1, observation.shape[-1])).mean(0)
    else:
        filling = _around(observation, cover.box)
    result[rows, columns] = np.rint(filling) if result.dtype == np.uint8 else filling
    return result


def _around(observation: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """(C,) median of the pixels around a box, two wide; of all where there are none."""
    top, left, height, width = box
    ring = np.zeros(observation.shape[:2], bool)
    ring[max(0, top - 2) : top + height + 2, max(0, left - 2) : left + width + 2] = True
    ring[top : top + height, left : left + width] = False
    pixels = observation[ring] if ring.any() else observation.reshape(-1, observation.shape[-1])
    return np.median(pixels, 0)
