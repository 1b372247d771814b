"""The steps of a card's ``transforms``, one small function each: from a screen to a frame of the observation.

Each is made once for a pipeline by ``compiled`` and is then a pure function of the frame: (H, W) or (H, W, 3), uint8,
float32 or float64. Which library's arithmetic a step has is part of the card (``agents.preprocessing_spec``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from zoo_gui.agents.preprocessing_spec import Transform
from zoo_gui.play import resizing
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError

Function = Callable[[np.ndarray], np.ndarray]
Maker = Callable[[Transform, np.ndarray], Function]
LARGEST_SIDE = 1024
"""Pixels: a card may not ask for larger frames on the way, for its file is a stranger's."""
MOST_STEPS = 64


class Compiled(NamedTuple):
    """functions: to apply in order. frame: what they make of a black screen. box: (top, left, height, width), where on
    the screen the frame lies, in screen pixels; pads reach beyond the screen."""

    functions: tuple[Function, ...]
    frame: np.ndarray
    box: tuple[float, float, float, float]


def compiled(transforms: tuple[Transform, ...], screen: np.ndarray) -> Compiled:
    """The functions of ``transforms`` for screens like ``screen``, tried on it.

    Raises ZooError that names the step: unknown, with a key that is missing or impossible, or too large.
    """
    if len(transforms) > MOST_STEPS:
        raise ZooError(f"The preprocessing has {len(transforms)} transforms: {MOST_STEPS} are the most.")
    functions, frame, box = [], screen, (0.0, 0.0, *map(float, screen.shape[:2]))
    for number, transform in enumerate(transforms, 1):
        if transform.op not in MAKERS:
            raise unknown("transform", transform.op, MAKERS)
        try:
            function = MAKERS[transform.op](transform, frame)
            result = function(frame)
        except (ValueError, IndexError, OverflowError, TypeError, cv2.error) as error:
            raise ZooError(f"The preprocessing's step {number}, {transform.op}, is impossible: {error}.") from error
        box = _moved(transform, box, frame.shape, result.shape)
        functions.append(function)
        frame = result
    return Compiled(tuple(functions), frame, box)


def _moved(transform: Transform, box: tuple, before: tuple, after: tuple) -> tuple[float, float, float, float]:
    """Where on the screen the frame lies after a step."""
    top, left, height, width = box
    down, across = height / before[0], width / before[1]  # screen pixels to a pixel of the frame
    if transform.op == "crop":
        return top + transform.box[0] * down, left + transform.box[1] * across, after[0] * down, after[1] * across
    if transform.op == "pad":
        return top - transform.box[0] * down, left - transform.box[2] * across, after[0] * down, after[1] * across
    if transform.op == "subsample":
        return top, left, after[0] * transform.step[0] * down, after[1] * transform.step[1] * across
    return box


# -- makers: each checks its keys against an example of the frame, and gives the function -----------------------------
def _grey(transform: Transform, frame: np.ndarray) -> Function:
    if transform.method == "ale":
        raise ValueError("the method ale must be the first step")
    if transform.method not in GREYS:
        raise unknown("method of grey", transform.method, [*GREYS, "ale"])
    if frame.ndim != 3:
        raise ValueError("the frame has no colours any more")
    if transform.method in ("opencv", "pil"):
        if frame.dtype != np.uint8 or transform.rounding:
            raise ValueError(f"the method {transform.method} is of bytes and has a rounding of its own")
        return GREYS[transform.method]
    if transform.rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, not “{transform.rounding}”")
    function, rounded = GREYS[transform.method], ROUNDINGS[transform.rounding]
    kind = np.float32 if frame.dtype == np.float32 else np.float64
    weights = np.array(transform.weights or (1.0, 1.0, 1.0), kind)
    if transform.method != "mean" and len(transform.weights) != 3:
        raise ValueError("weights must be three numbers, for red, green and blue")
    # Memory of the function's own: allocated for each frame, it would cost more than the arithmetic.
    planes = np.empty((3, *frame.shape[:2]), kind)
    return lambda frame: rounded(function(frame, weights, planes))


def _weighted(frame: np.ndarray, weights: np.ndarray, planes: np.ndarray) -> np.ndarray:
    np.multiply(frame.transpose(2, 0, 1), weights[:, None, None], out=planes)
    total = planes[0] + planes[1]
    total += planes[2]
    return total


def _dot(frame: np.ndarray, weights: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """``np.dot(frame, weights)``. Of float32 it sums the float32 products in float64, which is done here without its
    call of BLAS for each pixel; of float64 its last place is BLAS's own."""
    if frame.dtype != np.float32:
        return np.dot(frame, weights)
    np.multiply(frame.transpose(2, 0, 1), weights[:, None, None], out=planes)
    total = np.add(planes[0], planes[1], dtype=np.float64)
    total += planes[2]
    return total.astype(np.float32)


def _mean(frame: np.ndarray, _weights: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """``frame.mean(2)``."""
    np.copyto(planes, frame.transpose(2, 0, 1))
    total = planes[0] + planes[1]
    total += planes[2]
    total /= 3
    return total


def _pil_grey(frame: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.array(Image.fromarray(frame).convert("L"))


GREYS: Mapping[str, Callable[..., np.ndarray]] = {
    "weights": _weighted,
    "dot": _dot,
    "mean": _mean,
    "opencv": partial(cv2.cvtColor, code=cv2.COLOR_RGB2GRAY),
    "pil": _pil_grey,
}


def _floor(frame: np.ndarray) -> np.ndarray:
    return np.clip(frame, 0, 255).astype(np.uint8)


def _round(frame: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


ROUNDINGS: Mapping[str, Function] = {"none": lambda frame: frame, "floor": _floor, "round": _round}


def _channel(transform: Transform, frame: np.ndarray) -> Function:
    if frame.ndim != 3 or not 0 <= transform.index < frame.shape[2]:
        raise ValueError(f"the frame has no channel {transform.index}")
    return lambda frame: frame[..., transform.index]


def _crop(transform: Transform, frame: np.ndarray) -> Function:
    if transform.box is None:
        raise ValueError("box = [top, left, height, width] is missing")
    top, left, height, width = transform.box
    down, across = frame.shape[:2]
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > down or left + width > across:
        raise ValueError(f"{height}×{width} pixels from row {top}, column {left} are not within {down}×{across}")
    return lambda frame: frame[top : top + height, left : left + width]


def _subsample(transform: Transform, frame: np.ndarray) -> Function:
    down, across = transform.step
    if min(down, across) < 1:
        raise ValueError("step must be 1 or more")
    return lambda frame: frame[::down, ::across]


def _pad(transform: Transform, frame: np.ndarray) -> Function:
    if transform.box is None or min(transform.box) < 0:
        raise ValueError("box = [top, bottom, left, right] must say how many pixels to add")
    top, bottom, left, right = transform.box
    _check_size((frame.shape[0] + top + bottom, frame.shape[1] + left + right))
    by = _value(transform.by, frame)
    around = ((top, bottom), (left, right), (0, 0))[: frame.ndim]
    return lambda frame: np.pad(frame, around, constant_values=by)


def _resize(transform: Transform, frame: np.ndarray) -> Function:
    if transform.size is None:
        raise ValueError("size = [height, width] is missing")
    _check_size(transform.size)
    return partial(_resized, resizing.find(transform.method), transform.size)


def _resized(method: resizing.Resize, size: tuple[int, int], frame: np.ndarray) -> np.ndarray:
    return method(frame, size)


def _stretch(transform: Transform, frame: np.ndarray) -> Function:
    if transform.rounding not in ("", "round", "none"):
        raise ValueError(f"rounding must be none or round, not “{transform.rounding}”")
    return partial(_bytescale, transform.rounding == "none")


def _bytescale(keep_floats: bool, frame: np.ndarray) -> np.ndarray:
    """A frame of one value becomes 0, as in SciPy."""
    if frame.dtype == np.uint8:
        return frame
    low, high = frame.min(), frame.max()
    scaled = np.clip((frame - low) * (255.0 / ((high - low) or 1)), 0, 255)
    return scaled if keep_floats else (scaled + 0.5).astype(np.uint8)


def _replace(transform: Transform, frame: np.ndarray) -> Function:
    by, values = _value(transform.by, frame), transform.values

    def replaced(frame: np.ndarray) -> np.ndarray:
        found = frame == values[0]
        for value in values[1:]:
            found |= frame == value
        return np.where(found, by, frame)

    if not values:
        raise ValueError("values are missing")
    return replaced


def _threshold(transform: Transform, frame: np.ndarray) -> Function:
    return lambda frame: np.multiply(frame > transform.by, 255, dtype=frame.dtype)


def _scale(transform: Transform, frame: np.ndarray) -> Function:
    return lambda frame: frame * (np.float64(transform.factor) if frame.dtype == np.uint8 else transform.factor)


def _float(transform: Transform, frame: np.ndarray) -> Function:
    return lambda frame: frame.astype(np.float32)


def _bytes(transform: Transform, frame: np.ndarray) -> Function:
    rounding = transform.rounding or "floor"
    if rounding == "none" or rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be floor or round, not “{rounding}”")
    return ROUNDINGS[rounding]


def _value(by: float, frame: np.ndarray) -> np.generic:
    """``by`` in the frame's type."""
    value = frame.dtype.type(by) if frame.dtype != np.uint8 or by in range(256) else None
    if value is None:
        raise ValueError(f"by = {by:g} is not one of the bytes 0 to 255")
    return value


def _check_size(size: tuple[int, int]) -> None:
    if min(size) < 1 or max(size) > LARGEST_SIDE:
        raise ValueError(f"{size[0]}×{size[1]} is not between 1×1 and {LARGEST_SIDE}×{LARGEST_SIDE} pixels")


MAKERS: Mapping[str, Maker] = {
    "grey": _grey, "channel": _channel, "crop": _crop, "subsample": _subsample, "pad": _pad, "resize": _resize,
    "stretch": _stretch, "replace": _replace, "threshold": _threshold, "scale": _scale, "float": _float,
    "bytes": _bytes,
}  # fmt: skip
"""Every op that a Transform may have."""
