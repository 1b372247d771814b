"""Resizing a frame as OpenCV, Pillow, TensorFlow and scikit-image do it, so that agents see what they were trained on.

OpenCV's and Pillow's are those libraries. TensorFlow's are computed here, in float32 and in the order of its CPU
kernels, so that no pipeline needs TensorFlow; the tests hold them against the kernels bit for bit. scikit-image's are
the calls into SciPy that it makes itself (0.19 and newer); its older versions differ in the last place of a float64.

Each takes (H, W) or (H, W, 3), uint8, float32 or float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import cv2
import numpy as np

from zoo_gui.registry import unknown

Size = tuple[int, int]
Resize = Callable[[np.ndarray, Size], np.ndarray]


def find(method: str) -> Resize:
    """The function (frame, (height, width)) → frame of a name in METHODS. Raises ZooError with near names."""
    if method not in METHODS:
        raise unknown("resizing method", method, METHODS)
    return METHODS[method]


def _opencv(flag: int, frame: np.ndarray, size: Size) -> np.ndarray:
    return cv2.resize(frame, size[::-1], interpolation=flag)


def _pillow(name: str, frame: np.ndarray, size: Size) -> np.ndarray:
    """Bytes stay bytes; all else is float32, channel by channel, for Pillow has no colours of floats."""
    from PIL import Image

    if frame.dtype != np.uint8:
        if frame.ndim == 3:
            return np.dstack([_pillow(name, frame[..., i], size) for i in range(frame.shape[2])])
        frame = frame.astype(np.float32)
    return np.array(Image.fromarray(frame).resize(size[::-1], Image.Resampling[name]))


# -- TensorFlow -----------------------------------------------------------------------------------------------------
CENTRES = ("legacy", "align-corners", "half-pixel")
"""Where output pixel i lies: i · in / out (TensorFlow 1); i · (in − 1) / (out − 1), its ``align_corners``;
(i + ½) · in / out − ½ (TensorFlow 2)."""


def _scale(before: int, after: int) -> np.float32:
    """Input pixels to an output pixel, divided as the kernels do."""
    return np.float32(before) / np.float32(after)


def _positions(before: int, after: int, centres: str) -> np.ndarray:
    """(after,) float32: where each output pixel lies among ``before`` input pixels."""
    index = np.arange(after, dtype=np.float32)
    if centres == "align-corners" and after > 1:
        return index * _scale(before - 1, after - 1)
    scale = _scale(before, after)
    return (index + np.float32(0.5)) * scale - np.float32(0.5) if centres == "half-pixel" else index * scale


@lru_cache(maxsize=32)
def _neighbours(before: int, after: int, centres: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each output pixel: the input pixels before and behind it, and how far it lies between them, float32."""
    place = _positions(before, after, centres)
    floor = np.floor(place)
    lower = np.maximum(floor.astype(np.intp), 0)
    upper = np.minimum(np.ceil(place).astype(np.intp), before - 1)
    return lower, upper, place - floor


def _tensorflow_bilinear(centres: str, frame: np.ndarray, size: Size) -> np.ndarray:
    """``resize_bilinear``: along the rows first, each pair as left + (right − left) · distance."""
    above, below, down = _neighbours(frame.shape[0], size[0], centres)
    left, right, across = _neighbours(frame.shape[1], size[1], centres)
    shape = (1,) * (frame.ndim - 2)
    across, down = across.reshape(-1, *shape), down.reshape(-1, 1, *shape)
    frame = frame.astype(np.float32, copy=False)

    def along(rows: np.ndarray) -> np.ndarray:
        start = rows.take(left, 1)
        return start + (rows.take(right, 1) - start) * across

    top, bottom = along(frame.take(above, 0)), along(frame.take(below, 0))
    return top + (bottom - top) * down


def _tensorflow_nearest(centres: str, frame: np.ndarray, size: Size) -> np.ndarray:
    """``resize_nearest_neighbor``: keeps the type."""
    for axis in (0, 1):
        before = frame.shape[axis]
        place = _positions(before, size[axis], "legacy" if centres == "half-pixel" else centres)
        if centres == "align-corners":
            place = np.floor(place + np.float32(0.5))
        elif centres == "half-pixel":
            place = (np.arange(size[axis], dtype=np.float32) + np.float32(0.5)) * _scale(before, size[axis])
        frame = frame.take(np.minimum(place.astype(np.intp), before - 1), axis)
    return frame


@lru_cache(maxsize=32)
def _area_taps(before: int, after: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Pairs (input pixel, its float32 share) for all output pixels: the first under each, the second …; 0 beyond."""
    scale = _scale(before, after)
    start = np.arange(after, dtype=np.float32) * scale
    end = np.arange(1, after + 1, dtype=np.float32) * scale
    first, last = np.floor(start).astype(np.intp), np.ceil(end).astype(np.intp)
    taps = []
    for k in range(int((last - first).max())):
        pixel = first + k
        here, behind = pixel.astype(np.float32), (pixel + 1).astype(np.float32)
        inside = np.where(behind > end, end - here, np.float32(1))
        share = np.where(here < start, np.where(behind > end, scale, behind - start), inside)
        taps.append((np.clip(pixel, 0, before - 1), np.where(pixel < last, share, np.float32(0))))
    return tuple(taps)


def _tensorflow_area(frame: np.ndarray, size: Size) -> np.ndarray:
    """``resize_area``: the mean of the pixels under each new pixel, each weighted by its share."""
    shape = (1,) * (frame.ndim - 2)
    frame = frame.astype(np.float32, copy=False)
    across, down = _area_taps(frame.shape[1], size[1]), _area_taps(frame.shape[0], size[0])
    rows = sum(frame.take(pixel, 1) * share.reshape(-1, *shape) for pixel, share in across)
    total = sum(rows.take(pixel, 0) * share.reshape(-1, 1, *shape) for pixel, share in down)
    area = _scale(frame.shape[0], size[0]) * _scale(frame.shape[1], size[1])
    return total * np.float32(1.0 / float(area))


# -- scikit-image ---------------------------------------------------------------------------------------------------
def _skimage(antialias: bool, frame: np.ndarray, size: Size) -> np.ndarray:
    """``resize(frame, size, order=1, mode="reflect", preserve_range=True, anti_aliasing=antialias)``.

    Its mode makes no difference where the frame shrinks and is not smoothed: then no position lies outside. So this is
    also what versions before 0.15 did by default (without smoothing, mode ``constant``).
    """
    from scipy import ndimage

    frame = frame if frame.dtype == np.float32 else frame.astype(np.float64)
    factors = np.divide(frame.shape, (*size, *frame.shape[2:]))
    low, high = frame.min(), frame.max()
    smooth = ndimage.gaussian_filter(frame, np.maximum(0, (factors - 1) / 2), mode="mirror") if antialias else frame
    result = ndimage.zoom(smooth, [1 / factor for factor in factors], order=1, mode="mirror", grid_mode=True)
    return np.clip(result, low, high)


_FLAGS = {
    "nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA, "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}  # fmt: skip
METHODS: Mapping[str, Resize] = {
    **{f"opencv-{name}": partial(_opencv, flag) for name, flag in _FLAGS.items()},
    **{
        f"pil-{name.lower()}": partial(_pillow, name)
        for name in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS", "BOX", "HAMMING")
    },
    "tf-bilinear": partial(_tensorflow_bilinear, "legacy"),
    "tf-bilinear-align-corners": partial(_tensorflow_bilinear, "align-corners"),
    "tf-bilinear-half": partial(_tensorflow_bilinear, "half-pixel"),
    "tf-nearest": partial(_tensorflow_nearest, "legacy"),
    "tf-nearest-align-corners": partial(_tensorflow_nearest, "align-corners"),
    "tf-nearest-half": partial(_tensorflow_nearest, "half-pixel"),
    "tf-area": _tensorflow_area,
    "skimage-bilinear": partial(_skimage, False),
    "skimage-bilinear-antialias": partial(_skimage, True),
}
"""Every way to resize. OpenCV's area method averages the pixels under each new pixel, Pillow's filters widen as the
frame shrinks, TensorFlow's bilinear ones look at four pixels however much it shrinks."""
