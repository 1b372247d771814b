"""The inspector's pictures: the unit's map (or bar) with its live value, and strips of small pictures with captions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import TABLE_SIZE, colourise, lut
from zoo_gui.scales import LayerPicture, number
from zoo_gui.types import Unit
from zoo_gui.widgets.items import BoxItem, Canvas, ColourBar, Outline, PixelItem, TextLine, line_height

QRectF, Qt = QtCore.QRectF, QtCore.Qt
GAP = 6


class Tile(NamedTuple):
    """A small picture: (H, W) uint32 RGB32, the words under it, the unit that a click on it selects, words on hover."""

    pixels: np.ndarray
    caption: str
    unit: Unit | None = None
    tip: str = ""


class Veil(BoxItem):
    """Dims what lies under it: that is not of this moment."""

    def __init__(self, ground: QtGui.QColor):
        super().__init__()
        self._colour = QtGui.QColor(ground)
        self._colour.setAlpha(175)

    def paint(self, painter, option, widget=None) -> None:
        painter.fillRect(self.box, self._colour)


class Strip(Canvas):
    """Tiles in rows of ``columns``; as high as they need. ``chosen``: the unit of a clicked tile."""

    chosen = QtCore.Signal(object)
    said = QtCore.Signal(str)

    def __init__(self, columns: int = 4):
        super().__init__()
        self._columns, self._largest = columns, 150
        self.tiles: list[Tile] = []
        self._pictures: list[PixelItem] = []
        self._captions: list[TextLine] = []
        self._bar = self.add(ColourBar(self.ink(0.8)), 1)
        self._bar.hide()
        self._veil = self.add(Veil(self.ground()), 3)
        self._veil.hide()
        self.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.resized.connect(self._arrange)
        self.clicked.connect(self._choose)
        self.pointed.connect(self._on_point)
        self.show_tiles([])

    def show_tiles(self, tiles: list[Tile], largest: int = 150) -> None:
        """Show these, each at most ``largest`` screen pixels wide; the items are kept while their number stays."""
        shapes = [tile.pixels.shape for tile in tiles]
        changed = shapes != [tile.pixels.shape for tile in self.tiles] or largest != self._largest
        self._largest = largest
        self.tiles = list(tiles)
        while len(self._pictures) < len(tiles):
            self._pictures.append(self.add(PixelItem()))
            self._captions.append(self.add(TextLine(self.ink(0.85), align=Qt.AlignHCenter), 1))
        for index, (picture, caption) in enumerate(zip(self._pictures, self._captions)):
            picture.setVisible(index < len(tiles))
            caption.setVisible(index < len(tiles))
        for tile, picture, caption in zip(tiles, self._pictures, self._captions):
            picture.set_pixels(tile.pixels)
            caption.set_text(tile.caption)
        if changed:
            self._arrange()

    def set_scale(self, table: np.ndarray, high: float) -> None:
        """A colour bar from −high to high below the tiles; ``table``: the signed look-up table they were drawn with."""
        self._bar.set_table(table)
        self._bar.set_levels(f"−{number(high)}", number(high))
        if not self._bar.isVisible():
            self._bar.show()
            self._arrange()

    def set_stale(self, stale: bool) -> None:
        """Dim the tiles, which belong to an earlier selection."""
        self._veil.setVisible(stale)

    @property
    def stale(self) -> bool:
        return self._veil.isVisible()

    def _arrange(self) -> None:
        cell = max(8.0, (self.width() - GAP * (self._columns - 1) - 2) / self._columns)
        side, text = min(float(self._largest), cell), line_height()
        rows = math.ceil(len(self.tiles) / self._columns)
        bar_top = rows * (side + text + 2) + 2
        self.setFixedHeight(max(2, round(bar_top + (text if self._bar.isVisible() and rows else 0))))
        self._bar.set_box(QRectF(self.width() / 4, bar_top, self.width() / 2, text))
        for index, (tile, picture, caption) in enumerate(zip(self.tiles, self._pictures, self._captions)):
            left = (index % self._columns) * (cell + GAP)
            top = (index // self._columns) * (side + text + 2)
            height, width = tile.pixels.shape
            scale = side / max(height, width)
            picture.set_box(QRectF(left + (cell - width * scale) / 2, top + side - height * scale,
                                   width * scale, height * scale))
            caption.set_box(QRectF(left - GAP / 2, top + side, cell + GAP, text))
        self._veil.set_box(QRectF(0, 0, *self.extent))

    def _tile_at(self, position) -> Tile | None:
        if position is None:
            return None
        return next((tile for tile, picture, caption in zip(self.tiles, self._pictures, self._captions)
                     if picture.box.contains(position) or caption.box.contains(position)), None)

    def _choose(self, position, double: bool) -> None:
        tile = self._tile_at(position)
        if tile is not None and tile.unit is not None and not self.stale:
            self.chosen.emit(tile.unit)

    def _on_point(self, position) -> None:
        tile = self._tile_at(position)
        self.setCursor(Qt.PointingHandCursor if tile is not None and tile.unit is not None else Qt.ArrowCursor)
        self.said.emit("" if tile is None else tile.tip)


def grey(frame: np.ndarray) -> np.ndarray:
    """(h, w) float in 0–1 to RGB32 greys, as they are: no stretching."""
    return colourise(frame, lut("grey", TABLE_SIZE), 1.0)


def frame_names(count: int) -> list[str]:
    """Captions of a frame stack, oldest first: t−3 … t."""
    return [f"t−{count - 1 - index}" if index < count - 1 else "t" for index in range(count)]


def frame_tiles(image: np.ndarray) -> list[Tile]:
    """(h, w, C) float32 in 0–1, oldest frame first, as one grey tile a frame."""
    return [Tile(grey(image[..., index]), name) for index, name in enumerate(frame_names(image.shape[-1]))]


def weight_tiles(weights, colormap: str) -> list[Tile]:
    """A UnitWeights as tiles in one signed scale: a kernel per input frame, or per strongest incoming unit."""
    table, kernel, scale = lut(colormap, TABLE_SIZE, 1.0, True), weights.kernel, weights.scale
    if weights.source is None:
        names = frame_names(kernel.shape[-1])
        return [Tile(colourise(np.ascontiguousarray(kernel[..., index]), table, scale, True), name,
                     tip=f"weights on frame {name}, strongest ±{number(float(np.abs(kernel[..., index]).max()))}")
                for index, name in enumerate(names)]
    single = kernel.shape[:2] == (1, 1)
    tiles = []
    for unit, strength in weights.top:
        pixels = colourise(np.ascontiguousarray(kernel[..., unit.index]), table, scale, True)
        text = number(strength).replace("-", "−")
        tiles.append(Tile(pixels, f"{unit.index} · {text}", unit,
                          f"{'weight' if single else 'norm of the weights'} from {unit}: {text}; click to inspect it"))
    return tiles


class LevelBar(BoxItem):
    """A horizontal bar from zero to a value in the range −high … high, or 0 … high."""

    def __init__(self, ink: QtGui.QColor, trough: QtGui.QColor):
        super().__init__()
        self._ink, self._trough = ink, trough
        self._share, self._zero = 0.0, 0.0

    def set_value(self, value: float, high: float, signed: bool) -> None:
        high = high if high > 1e-12 else 1.0
        low = -high if signed else 0.0
        self._zero = -low / (high - low)
        self._share = min(max((value - low) / (high - low), 0.0), 1.0)
        self.update()

    def paint(self, painter, option, widget=None) -> None:
        painter.fillRect(self.box, self._trough)
        zero, end = (self.box.left() + share * self.box.width() for share in (self._zero, self._share))
        painter.fillRect(QRectF(min(zero, end), self.box.top(), max(abs(end - zero), 1), self.box.height()), self._ink)
        painter.fillRect(QRectF(zero - 0.5, self.box.top() - 3, 1, self.box.height() + 6), self._ink)


class UnitView(Canvas):
    """The unit's activation now: a convolution's map with its strongest position framed, or a dense unit's bar."""

    def __init__(self):
        super().__init__()
        self.setMinimumSize(130, 150)
        self.setSizePolicy(QtWidgets.QSizePolicy.Fixed, QtWidgets.QSizePolicy.Expanding)
        self.setFixedWidth(180)
        self._map = self.add(PixelItem())
        self._frame = self.add(Outline(width=1.5), 2)
        self._level = self.add(LevelBar(self.ink(), self.ink(0.15)))
        self._bar = self.add(ColourBar(self.ink(0.8)), 1)
        self._value = self.add(TextLine(self.ink(), points=17, bold=True, align=Qt.AlignHCenter), 1)
        self._where = self.add(TextLine(self.ink(0.8), align=Qt.AlignHCenter), 1)
        self._shape: tuple[int, ...] = ()
        self.peak: tuple[int, int] | None = None
        self.resized.connect(self._arrange)

    def show_unit(self, picture: LayerPicture, index: int, view: dict) -> float:
        """Draw the unit's newest activation; returns the value in large (a map's maximum)."""
        info, values = picture.info, picture.values[..., index]
        level = picture.scale.level(picture.boost(view))
        high = float(level if level.ndim == 0 else level[index])
        is_map = values.ndim == 2
        if info.shape != self._shape:
            self._shape = info.shape
            self._arrange()
        for item in (self._map, self._frame, self._bar):
            item.setVisible(is_map)
        self._level.setVisible(not is_map)
        if is_map:
            table = picture.table(view)
            self._map.set_pixels(colourise(values, table, high, info.signed))
            self._bar.set_table(table)
            self._bar.set_levels(f"−{number(high)}" if info.signed else "0", number(high))
            self._frame_peak(values)
            value = float(values.max())
            silent = not values.any()
            self._frame.setVisible(not silent)
            words = f"max at {self.peak[0]}, {self.peak[1]} · mean {number(values.mean())}"
            self._where.set_text("silent everywhere" if silent else words)
        else:
            value = float(values)
            self._level.set_value(value, high, info.signed)
            self._where.set_text(f"of {'±' if info.signed else ''}{number(high)}, the layer's scale")
        self._value.set_text(number(value).replace("-", "−"))
        return value

    def _frame_peak(self, values: np.ndarray) -> None:
        row, column = (int(part) for part in np.unravel_index(values.argmax(), values.shape))
        self.peak = row, column
        box = self._map.box
        height, width = box.height() / values.shape[0], box.width() / values.shape[1]
        self._frame.set_box(QRectF(box.left() + column * width, box.top() + row * height, width, height))

    def _arrange(self) -> None:
        width, height = self.extent
        text, large = line_height(), line_height(17)
        self._value.set_box(QRectF(0, 0, width, large))
        self._where.set_box(QRectF(0, large, width, text))
        if len(self._shape) != 3:
            self._level.set_box(QRectF(10, large + text + 12, width - 20, 18))
            return
        room = height - large - 2 * text - 12
        scale = min((width - 4) / self._shape[1], room / self._shape[0])
        across, down = self._shape[1] * scale, self._shape[0] * scale
        top = large + text + 4
        self._map.set_box(QRectF((width - across) / 2, top, across, down))
        self._bar.set_box(QRectF((width - across) / 2, top + down + 4, across, text))
