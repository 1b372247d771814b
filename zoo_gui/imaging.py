"""Arrays to pictures: look-up colours, mosaics and hit-testing, overlays, layout. No Qt.

RGB32 is a uint32 0xffRRGGBB per pixel, which is what QImage.Format_RGB32 reads; on a little-endian machine the same
memory is BGRA bytes.
"""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from zoo_gui.registry import unknown

TABLE_SIZE = 1024  # entries of a look-up table: enough that gamma 0.3 shows no steps in the darks

GREY = "grey"  # plain grey levels, so that a uint8 picture shows as it is


# -- colour ---------------------------------------------------------------------------------------------------------
@lru_cache
def _map_folder() -> Path:
    """Where pyqtgraph keeps its colour maps (Kovesi's CET maps, viridis and its sisters); finding it imports no Qt."""
    return Path(importlib.util.find_spec("pyqtgraph").submodule_search_locations[0]) / "colors" / "maps"


def colormap_names() -> tuple[str, ...]:
    """Names that ``lut`` takes."""
    return (*sorted(path.stem for path in _map_folder().glob("*.csv")), GREY)


@lru_cache
def _anchors(name: str) -> np.ndarray:
    """(n, 3) float64 colours of a map in 0–1, evenly spaced from its low to its high end."""
    if name == GREY:
        return np.array([[0.0] * 3, [1.0] * 3])
    path = _map_folder() / f"{name}.csv"
    if not path.is_file():
        raise unknown("colour map", name, colormap_names())
    rows = [line for line in path.read_text("utf-8").splitlines() if line[:1].isdigit()]
    return np.array([[float(part) for part in row.split(",")] for row in rows])


@lru_cache(maxsize=64)
def lut(name: str, size: int = 256, gamma: float = 1.0, signed: bool = False) -> np.ndarray:
    """Look-up table of a colour map, (size,) uint32 RGB32, read-only.

    Entry i stands for the value v = i/(size−1) in 0–1, shown with the colour at v^gamma. With ``signed`` the middle
    entry stands for zero and gamma acts on the distance from it, on both sides. Raises ZooError with near names.
    """
    anchors = _anchors(name)
    value = np.linspace(-1.0 if signed else 0.0, 1.0, size)
    value = np.sign(value) * np.abs(value) ** gamma
    position = (value + 1) / 2 if signed else value
    grid = np.linspace(0, 1, len(anchors))
    red, green, blue = (np.rint(255 * np.interp(position, grid, anchors[:, i])).astype(np.uint32) for i in range(3))
    table = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    table.flags.writeable = False
    return table


def colourise(values: np.ndarray, table: np.ndarray, high, signed: bool = False) -> np.ndarray:
    """Values to RGB32 through a look-up table, same shape, uint32.

    0 … ``high`` (``signed``: −high … high) spans the table; values beyond it take its ends. ``high`` is a number or an
    array over the last axis; where it is 0, or a value is not a number, the value shows as zero.
    """
    top = len(table) - 1
    high = np.asarray(high, np.float32)
    span = top / 2 if signed else top
    factor = np.divide(span, high, out=np.zeros_like(high), where=high > 1e-30)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite values are cut below, like large ones
        index = values * factor
    index += top / 2 + 0.5 if signed else 0.5
    np.clip(index, 0, top, out=index)
    if np.isnan(index.max(initial=0)):
        index = np.nan_to_num(index, nan=top / 2 if signed else 0.0)
    return table[index.astype(np.intp)]


def rgb32(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB to (H, W, 4) uint8 BGRA, opaque: the bytes of RGB32."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)


def bgra(colours: np.ndarray) -> np.ndarray:
    """(H, W) uint32 RGB32 seen as (H, W, 4) uint8 BGRA, without a copy."""
    return np.ascontiguousarray(colours).view(np.uint8).reshape(*colours.shape, 4)


# -- mosaics --------------------------------------------------------------------------------------------------------
class Hit(NamedTuple):
    """A unit of a mosaic and the position (row, column) within its map."""

    unit: int
    row: int
    column: int


@dataclass(frozen=True)
class Mosaic:
    """Where each of ``count`` tiles of ``tile`` = (height, width) lies in a grid of ``columns``, in pixels of the data.

    Unit i is in row i // columns; ``gutter`` pixels separate tiles, none outside. A dense layer has 1×1 tiles.
    """

    count: int
    tile: tuple[int, int]
    columns: int
    gutter: int = 0

    @classmethod
    def of(cls, shape: tuple[int, ...], columns: int, gutter: int = 0) -> "Mosaic":
        """The mosaic of a layer of shape (H, W, C) or (N,)."""
        return cls(shape[-1], tuple(shape[:2]) if len(shape) == 3 else (1, 1), max(1, min(columns, shape[-1])), gutter)

    @classmethod
    def fit(cls, shape: tuple[int, ...], width: float, height: float, gutter: int = 0) -> "Mosaic":
        """The mosaic whose pixels are largest within width × height, with as many columns as that allows.

        Dense layers of more than 16 units get a multiple of 8 columns, so that an index can be counted.
        """
        columns = _column_choices(shape)
        tile = shape[:2] if len(shape) == 3 else (1, 1)
        rows = -(-shape[-1] // columns)
        across, down = columns * (tile[1] + gutter) - gutter, rows * (tile[0] + gutter) - gutter
        scales = np.minimum(width / across, height / down)
        best = np.flatnonzero(scales >= scales.max() * (1 - 1e-6))[-1]
        return cls.of(shape, int(columns[best]), gutter)

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the whole mosaic."""
        (height, width), gutter = self.tile, self.gutter
        return self.rows * (height + gutter) - gutter, self.columns * (width + gutter) - gutter

    def scale(self, width: float, height: float) -> float:
        """Screen pixels per data pixel when the mosaic fills width × height as far as its aspect lets it."""
        return min(width / self.size[1], height / self.size[0])

    def rectangle(self, unit: int) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a unit's tile."""
        row, column = divmod(unit, self.columns)
        height, width = self.tile
        return column * (width + self.gutter), row * (height + self.gutter), width, height

    def hit(self, x: float, y: float) -> Hit | None:
        """What lies at (x, y): None outside, in a gutter or in an empty cell."""
        (height, width), step = self.tile, self.gutter
        column, inner_x = divmod(x, width + step)
        row, inner_y = divmod(y, height + step)
        unit = int(row * self.columns + column)
        inside = 0 <= column < self.columns and 0 <= row and unit < self.count and inner_x < width and inner_y < height
        return Hit(unit, int(inner_y), int(inner_x)) if inside else None

    def neighbour(self, unit: int, dx: int, dy: int) -> int | None:
        """The unit dx columns and dy rows away; sideways it stops at the ends of the layer, and beyond the first or
        last row it is None."""
        if dy == 0:
            return min(max(unit + dx, 0), self.count - 1)
        row = unit // self.columns + dy
        if not 0 <= row < self.rows:
            return None
        return min(row * self.columns + unit % self.columns, self.count - 1)

    def canvas(self, fill: int = 0xFF000000, dtype=np.uint32) -> np.ndarray:
        """An array of the mosaic's size in one colour, for ``paste``."""
        return np.full(self.size, fill, dtype)

    def paste(self, tiles: np.ndarray, canvas: np.ndarray) -> np.ndarray:
        """Put (H, W, C) or (N,) into the canvas, tile by tile; gutters and empty cells keep their colour."""
        (height, width), gutter, columns = self.tile, self.gutter, self.columns
        tiles = tiles.reshape(height, width, self.count)
        full, rest = divmod(self.count, columns)
        for first, rows, across in ((0, full, columns), (full, 1, rest)):
            if not rows * across:
                continue
            part = tiles[:, :, first * columns:first * columns + rows * across].reshape(height, width, rows, across)
            for row in range(rows):
                y = (first + row) * (height + gutter)
                strip = canvas[y:y + height]
                if not gutter:
                    target = strip[:, :across * width].reshape(height, across, width)
                    target[...] = part[:, :, row].transpose(0, 2, 1)
                    continue
                for column in range(across):
                    x = column * (width + gutter)
                    strip[:, x:x + width] = part[:, :, row, column]
        return canvas


def _column_choices(shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of columns worth considering for a layer."""
    every = 8 if len(shape) == 1 and shape[0] > 16 else 1
    return np.arange(every, shape[-1] + every, every)


def tile(array: np.ndarray, columns: int, gutter: int = 1, fill=0) -> np.ndarray:
    """(H, W, C) channels or (N,) units as one picture of the array's dtype, ``columns`` tiles a row."""
    mosaic = Mosaic.of(array.shape, columns, gutter)
    return mosaic.paste(array, mosaic.canvas(fill, array.dtype))


# -- pictures of the game -------------------------------------------------------------------------------------------
def difference(newest: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """newest − previous of two frames, (h, w) or (h, w, 3), as (h, w) float32: of colours the mean change."""
    change = newest.astype(np.float32) - previous
    return change.mean(-1) if change.ndim == 3 else change


def brightness(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values to uint8 of the same shape, ``low`` to black and ``high`` to white; bytes from 0 to 255 are those."""
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    levels = (values - np.float32(low)) * np.float32(255 / (high - low)) + np.float32(0.5)
    return np.clip(levels, 0, 255).astype(np.uint8)


def saliency_map(gradient: np.ndarray, signed: bool = False, blur: float = 0.0) -> np.ndarray:
    """(h, w, C) gradient to (h, w) float32: at each pixel the frame with the largest magnitude (Simonyan et al. 2013),
    with its sign if ``signed``; ``blur``: sigma of a Gaussian over the result, in observation pixels."""
    low = high = gradient[..., 0]
    for frame in range(1, gradient.shape[-1]):  # a reduction over an axis of four is 20 times slower
        low, high = np.minimum(low, gradient[..., frame]), np.maximum(high, gradient[..., frame])
    magnitude = np.maximum(high, -low)
    weights = np.where(-low > high, low, high) if signed else magnitude
    return cv2.GaussianBlur(weights, (0, 0), blur) if blur else weights


class Veil(NamedTuple):
    """A picture's overlay, ready to blend: premultiplied ``colour`` and what to ``keep`` of the picture, uint8 BGRA."""

    colour: np.ndarray
    keep: np.ndarray


POSITIVE, NEGATIVE = (255, 77, 196), (60, 214, 255)  # RGB; magenta and cyan: seldom in games, apart for any eye


@lru_cache(maxsize=64)
def _veil_tables(opacity: float) -> tuple[np.ndarray, np.ndarray]:
    """(256,) uint32 colour and keep for weights −1 … 1, entry 128 being zero."""
    weight = (np.arange(256) - 128) / 127
    alpha = np.minimum(np.abs(weight), 1.0)[:, None] * opacity
    colour, keep = np.zeros((256, 4), np.uint8), np.zeros((256, 4), np.uint8)
    colour[:, :3] = np.where(weight[:, None] < 0, NEGATIVE, POSITIVE)[:, ::-1] * alpha
    keep[...] = 255 - 255 * alpha
    return colour.view(np.uint32).ravel(), keep.view(np.uint32).ravel()


def veil(
    weights: np.ndarray, shape: tuple[int, int], opacity: float, inside: tuple[int, int, int, int] | None = None
) -> Veil:
    """Overlay of (h, w) weights in −1 … 1 stretched over a picture of ``shape`` (H, W), or over the part ``inside`` of
    it, (top, left, height, width), which may reach beyond its edges.

    Opacity grows with the magnitude up to ``opacity``; the hue says the sign.
    """
    index = np.clip(weights * np.float32(127) + np.float32(128.5), 1, 255).astype(np.uint8)
    tables = _veil_tables(float(opacity))
    if inside is None or inside == (0, 0, *shape):
        return Veil(*(cv2.resize(bgra(table[index]), shape[::-1], interpolation=cv2.INTER_LINEAR) for table in tables))
    top, left, height, width = inside
    rows, columns = slice(max(0, top), top + height), slice(max(0, left), left + width)
    whole = []
    for table in tables:
        part = cv2.resize(bgra(table[index]), (width, height), interpolation=cv2.INTER_LINEAR)
        picture = np.ascontiguousarray(bgra(np.full(shape, table[128], np.uint32)))  # weight 0: nothing is laid over
        target = picture[rows, columns]
        target[...] = part[max(0, -top) :, max(0, -left) :][: target.shape[0], : target.shape[1]]
        whole.append(picture)
    return Veil(*whole)


def blend(picture: np.ndarray, overlay: Veil) -> np.ndarray:
    """(H, W, 4) BGRA picture under the overlay, opaque."""
    mixed = cv2.add(cv2.multiply(picture, overlay.keep, scale=1 / 255), overlay.colour)
    mixed[..., 3] = 255
    return mixed


def observation_to_screen(box: tuple[int, int, int, int], observation: tuple[int, int], screen: tuple[int, int],
                          inside: tuple[int, int, int, int] | None = None) -> tuple[float, float, float, float]:
    """(top, left, height, width) in observation pixels to (x, y, width, height) in screen pixels, cut at its edges.

    inside: the part of the screen that the observation covers, (top, left, height, width); by default all of it.
    """
    top, left, height, width = box
    above, before, high, wide = inside or (0, 0, *screen)
    down, across = high / observation[0], wide / observation[1]
    y0, y1 = max(0.0, above + top * down), min(float(screen[0]), above + (top + height) * down)
    x0, x1 = max(0.0, before + left * across), min(float(screen[1]), before + (left + width) * across)
    return x0, y0, max(0.0, x1 - x0), max(0.0, y1 - y0)


def screen_to_observation(
    area: tuple[float, float, float, float], observation: tuple[int, int], screen: tuple[int, int],
    inside: tuple[int, int, int, int] | None = None,
) -> tuple[int, int, int, int] | None:
    """(x, y, width, height) in screen pixels to (top, left, height, width), whole observation pixels that it touches.

    inside: as in ``observation_to_screen``. None where the area lies beside what the observation shows.
    """
    x, y, width, height = area
    above, before, high, wide = inside or (0, 0, *screen)
    down, across = high / observation[0], wide / observation[1]
    top, bottom = (y - above) / down, (y + height - above) / down
    left, right = (x - before) / across, (x + width - before) / across
    rows = max(0, math.floor(top + 1e-6)), min(observation[0], math.ceil(bottom - 1e-6))
    columns = max(0, math.floor(left + 1e-6)), min(observation[1], math.ceil(right - 1e-6))
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return None
    return rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]


# -- layout ---------------------------------------------------------------------------------------------------------
def share_height(width: float, height: float, rows: list[list[tuple[int, ...]]]) -> list[float]:
    """Heights of rows of mosaics, each ``width`` wide (one lane), that together fill ``height`` or nearly.

    ``rows[i]`` holds the layer shapes of row i, one for each lane that has it. Maximises the sum over the layers of
    √size · log(pixel size): a layer with four times the activations gets about twice the room. A dense layer counts
    half as much again, since each of its pixels is a unit to click on.
    """
    choices = [_heights(width, Counter(shapes)) for shapes in rows]

    def picked(price: float) -> list[float]:
        return [float(options[np.argmax(gains - price * options)]) for options, gains in choices]

    low, high = 1e-6, 1e6  # the price of a pixel of height, by bisection
    for _ in range(60):
        price = (low * high) ** 0.5
        low, high = (price, high) if sum(picked(price)) > height else (low, price)
    heights = _use_rest(picked(high), choices, height)
    excess = sum(heights) / height if height > 0 else 1.0
    return [value / max(excess, 1.0) for value in heights]


def _use_rest(heights: list[float], choices: list[tuple[np.ndarray, np.ndarray]], height: float) -> list[float]:
    """Let the row that gains most grow to its next height, as long as one fits."""
    while True:
        rest, gains = height - sum(heights), []
        for row, (options, utilities) in enumerate(choices):
            gained = utilities - utilities[np.searchsorted(options, heights[row])]
            fits = np.flatnonzero((options > heights[row]) & (options <= heights[row] + rest) & (gained > 1e-9))
            gains += [(float(gained[option]), row, float(options[option])) for option in fits]
        if not gains:
            return heights
        _, row, value = max(gains)
        heights[row] = value


def _weight(shape: tuple[int, ...]) -> float:
    return float(np.prod(shape)) ** 0.5 * (1.0 if len(shape) == 3 else 1.5)


def _heights(width: float, shapes: Counter) -> tuple[np.ndarray, np.ndarray]:
    """Every height, ascending, at which one of a row's layers fills its width exactly, and the utility of each.

    For all at once: this is asked at every change of the window's size, and took most of what an arrangement takes.
    """
    grids = {shape: _grids(shape) for shape in shapes}
    heights = np.unique(np.round(np.concatenate([width * down / across for down, across in grids.values()]), 3))
    utility = np.zeros(len(heights))
    for shape, count in shapes.items():
        down, across = grids[shape]
        scales = np.minimum(width / across, heights[:, None] / down).max(1)  # as Mosaic.fit finds them
        utility += count * _weight(shape) * np.log(scales)
    return heights, utility


def _grids(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(heights, widths) in pixels of the data of a layer's mosaics, one for each number of columns."""
    columns = np.minimum(_column_choices(shape), shape[-1])
    tile = shape[:2] if len(shape) == 3 else (1, 1)
    return -(-shape[-1] // columns) * tile[0], columns * tile[1]
