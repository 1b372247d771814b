"""Words on pictures that no window draws: films. In DejaVu Sans, which matplotlib brings along, so that they are alike
on every machine."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MORE = "…"


@lru_cache
def _folder() -> Path:
    """Where the fonts lie; finding it does not import matplotlib."""
    return Path(importlib.util.find_spec("matplotlib").submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_folder() / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size)


@lru_cache(maxsize=2048)
def _mask(text: str, size: int, bold: bool) -> np.ndarray:
    """(line height, width) float32 in 0–1: how much of each pixel is ink."""
    font = _font(size, bold)
    image = Image.new("L", (max(1, round(font.getlength(text)) + 1), line_height(size, bold)))
    ImageDraw.Draw(image).text((0, 0), text, 255, font)
    return np.asarray(image, np.float32) / 255


def line_height(size: int, bold: bool = False) -> int:
    """Pixels from the top of a line of letters of ``size`` pixels to the top of the next one."""
    return sum(_font(size, bold).getmetrics())


@lru_cache(maxsize=4096)
def width(text: str, size: int, bold: bool = False) -> int:
    """Pixels that a text takes."""
    return round(_font(size, bold).getlength(text))


@lru_cache(maxsize=2048)
def shortened(text: str, most: int, size: int, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits into ``most`` pixels with “…” behind it."""
    if width(text, size, bold) <= most:
        return text
    kept = text
    while kept and width(kept + MORE, size, bold) > most:
        kept = kept[:-1]
    return kept.rstrip() + MORE if kept else ""


def wrapped(text: str, most: int, size: int, lines: int, bold: bool = False) -> list[str]:
    """The text in lines of at most ``most`` pixels, broken between words; what is beyond ``lines`` of them is cut."""
    found, words = [], text.split()
    while words and len(found) < lines:
        line = words.pop(0)
        while words and width(f"{line} {words[0]}", size, bold) <= most:
            line = f"{line} {words.pop(0)}"
        if words and len(found) == lines - 1:
            line = " ".join([line, *words])
        found.append(shortened(line, most, size, bold))
    return found


def write(
    canvas: np.ndarray, text: str, x: float, y: float, size: int, colour: tuple[int, int, int], bold: bool = False,
    align: str = "left",
) -> None:
    """Put one line on a BGRA or RGB picture (H, W, 3 or 4) uint8, in place; what is over its edges is cut off.

    x: the left, right or centre of the words, as ``align`` says; y: the top of the line; size: of the letters, all in
    pixels. colour: in the order of the picture's first three channels.
    """
    if not text:
        return
    ink = _mask(text, size, bold)
    left = round(x - {"left": 0, "centre": ink.shape[1] / 2, "right": ink.shape[1]}[align])
    top = round(y)
    rows = slice(max(0, top), max(0, min(canvas.shape[0], top + ink.shape[0])))
    columns = slice(max(0, left), max(0, min(canvas.shape[1], left + ink.shape[1])))
    ink = ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None]
    if ink.size:
        ground = canvas[rows, columns, :3]
        canvas[rows, columns, :3] = np.rint(ground + ink * (np.float32(colour) - ground))
