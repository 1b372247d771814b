"""Figures of optimised observations: one with its frames, or a layer's in a contact sheet. Matplotlib draws.

An image is float32 (h, w, C) in 0–1, oldest frame first, ``frame_channels`` channels a frame. Greys are not stretched.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np

from zoo_gui.types import ZooError

SHOWN = ("newest", "frames", "difference")
"""What a contact sheet shows of each image: its newest frame, all of them, or newest − oldest."""
SIGNED = "RdBu_r"
GAP = 0.14  # of a tile's height, above it: the number stands there


def frames(image: np.ndarray, frame_channels: int = 1) -> list[np.ndarray]:
    """The frames of an image, oldest first: (h, w), or (h, w, 3) in colour."""
    count = image.shape[-1] // frame_channels
    parts = [image[..., i * frame_channels : (i + 1) * frame_channels] for i in range(count)]
    return [part[..., 0] if frame_channels == 1 else part for part in parts]


def moment_names(count: int) -> list[str]:
    """``t−3`` … ``t`` for so many frames, oldest first."""
    return [f"t−{count - 1 - i}" if i < count - 1 else "t" for i in range(count)]


def difference(image: np.ndarray, frame_channels: int = 1) -> np.ndarray:
    """Newest − oldest frame, (h, w) in −1–1; the mean over colours."""
    return (image[..., -frame_channels:] - image[..., :frame_channels]).mean(-1)


def check_shown(show: str, image_channels: int, frame_channels: int) -> None:
    """Raise ZooError for something that a sheet cannot show."""
    if show not in SHOWN:
        raise ZooError(f"A sheet shows {', '.join(SHOWN[:-1])} or {SHOWN[-1]}, not “{show}”.")
    if show == "difference" and image_channels == frame_channels:
        raise ZooError("This agent sees one frame at a time: there is no difference to show.")


def agent_words(name: str) -> str:
    """An agent's id as it is; of one that is a file the file's name, since folders do not fit over a figure."""
    return Path(name).name if Path(name).is_absolute() else name


def draw_answers(figure: Any, images: np.ndarray, captions: Sequence[str], frame_channels: int, heading: str) -> None:
    """Fill a matplotlib Figure: for each image (n, h, w, C) a row of its frames, and newest − oldest beside them."""
    count = images.shape[-1] // frame_channels
    columns = count + (count > 1)
    high = max(float(np.abs([difference(image, frame_channels) for image in images]).max()), 1e-6)
    figure.set_size_inches(1.7 * columns + 0.9, 1.95 * len(images) + 0.5)
    axes = figure.subplots(len(images), columns, squeeze=False)
    for row, image, caption in zip(axes, images, captions):
        for place, picture, name in zip(row, frames(image, frame_channels), moment_names(count)):
            place.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            place.set_title(name, fontsize=8)
        row[0].set_ylabel(caption, fontsize=8)
        if count > 1:
            shown = row[-1].imshow(difference(image, frame_channels), cmap=SIGNED, vmin=-high, vmax=high,
                                   interpolation="nearest")  # fmt: skip
            row[-1].set_title(f"t − (t−{count - 1})", fontsize=8)
    for place in axes.flat:
        place.set_xticks([])
        place.set_yticks([])
    if count > 1:
        figure.colorbar(shown, ax=axes[:, -1].tolist(), shrink=0.8).ax.tick_params(labelsize=7)
    figure.suptitle(heading, fontsize=10, wrap=True)


def draw_sheet(
    figure: Any, images: np.ndarray, numbers: Sequence[int], frame_channels: int, heading: str, show: str = "newest"
) -> None:
    """Fill a matplotlib Figure with a contact sheet: images (n, h, w, C), each with its number above. Raises ZooError.

    show: one of SHOWN. Differences share one scale, from the largest of the sheet.
    """
    check_shown(show, images.shape[-1], frame_channels)
    pictures = [_tile(image, frame_channels, show) for image in images]
    signed = show == "difference"
    high = max(max(float(np.abs(picture).max()) for picture in pictures), 1e-6) if signed else 1.0
    height, width = pictures[0].shape[:2]
    columns = max(1, min(len(pictures), round((len(pictures) * height / width) ** 0.5)))
    rows = -(-len(pictures) // columns)
    gap, side = max(1, round(GAP * height)), max(1, round(0.06 * height))
    size = (rows * (height + gap), columns * (width + side), *pictures[0].shape[2:])
    sheet = np.full(size, np.nan if signed else 1.0, np.float32)
    inches = 0.9 / min(height, width)
    figure.set_size_inches(max(sheet.shape[1] * inches, 2.5) + signed, sheet.shape[0] * inches + 0.45)
    place = figure.add_subplot()
    for rank, (picture, number) in enumerate(zip(pictures, numbers)):
        top, left = rank // columns * (height + gap) + gap, rank % columns * (width + side)
        sheet[top : top + height, left : left + width] = picture
        place.text(left, top - 0.15 * gap, str(number), fontsize=6, va="bottom", ha="left")
    shown = place.imshow(sheet, cmap=SIGNED if signed else "gray", vmin=-high if signed else 0, vmax=high,
                         interpolation="nearest")  # fmt: skip
    place.set_axis_off()
    if signed:
        figure.colorbar(shown, ax=place, shrink=0.5, label="newest − oldest frame").ax.tick_params(labelsize=7)
    figure.suptitle(heading, fontsize=9, wrap=True)


def _tile(image: np.ndarray, frame_channels: int, show: str) -> np.ndarray:
    if show == "difference":
        return difference(image, frame_channels)
    parts = frames(image, frame_channels)
    return np.concatenate(parts, 1) if show == "frames" else parts[-1]
