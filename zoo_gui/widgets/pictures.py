"""Small pictures with captions, still or moving, that several panels show: optimised frames, crops, kernels."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore

from zoo_gui.imaging import TABLE_SIZE, colourise, lut, rgb32
from zoo_gui.scales import number
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import Ink, hue
from zoo_gui.widgets.items import BoxItem, Canvas, Outline, PixelItem, TextLine, line_height

QRectF, Qt = QtCore.QRectF, QtCore.Qt
GAP = 6
FILM_FPS, LONG_FILM_FPS = 8, 6
FAINTEST = 16 / 255  # of the range: a difference's full colour never stands for less, or noise would glare


class Tile(NamedTuple):
    """A small picture.

    pixels: (H, W) uint32 RGB32 or (H, W, 4) uint8 BGRA. caption: the words under it. choice: what a click on it
    chooses, None: nothing. tip: words on hover. box: (x, y, width, height) in its pixels, to be framed. aspect: width
    by height on screen, None: that of the pixels.
    """

    pixels: np.ndarray
    caption: str
    choice: Any = None
    tip: str = ""
    box: tuple[float, float, float, float] | None = None
    aspect: float | None = None

    @property
    def shape(self) -> tuple[float, float]:
        """(height, width) on screen, up to a factor."""
        height, width = self.pixels.shape[:2]
        return (height, width) if self.aspect is None else (1.0, self.aspect)


class Veil(BoxItem):
    """Dims what lies under it: that is not of this moment."""

    def __init__(self, strength: int = 175):
        super().__init__()
        self._strength = strength

    def paint(self, painter, option, widget=None) -> None:
        colour = hue("background")
        colour.setAlpha(self._strength)
        painter.fillRect(self.box, colour)


class Strip(Canvas):
    """Tiles in rows of ``columns``; as high as they need. ``chosen``: the choice of a clicked tile.

    Its height follows its width: put it into ``controls.column_of`` where it is to scroll.
    """

    chosen = QtCore.Signal(object)
    said = QtCore.Signal(str)
    _STEPS = {Qt.Key_Left: -1, Qt.Key_Up: -1, Qt.Key_Right: 1, Qt.Key_Down: 1}

    def __init__(self, columns: int = 4):
        super().__init__()
        self._at = self.add(Outline(width=3), 2)  # where the keys are
        self._at.hide()
        self._keyed = 0
        self._columns, self._largest = columns, 150
        self.tiles: list[Tile] = []
        self._pictures: list[PixelItem] = []
        self._captions: list[TextLine] = []
        self._frames: list[Outline] = []
        self._bar = self.add(ColourBar(Ink(0.8)), 1)
        self._bar.hide()
        self._veil = self.add(Veil(), 3)
        self._veil.hide()
        self.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.resized.connect(self._arrange)
        self.clicked.connect(self._choose)
        self.pointed.connect(self._on_point)
        self.show_tiles([])

    def show_tiles(self, tiles: list[Tile], largest: int = 150, columns: int | None = None) -> None:
        """Show these, each at most ``largest`` screen pixels wide; the items are kept while their number stays."""
        columns = columns or self._columns
        places = [(tile.shape, tile.box) for tile in tiles]
        changed = places != [(tile.shape, tile.box) for tile in self.tiles]
        changed |= (largest, columns) != (self._largest, self._columns)
        self._largest, self._columns = largest, columns
        self.tiles = list(tiles)
        while len(self._pictures) < len(tiles):
            self._pictures.append(self.add(PixelItem()))
            self._captions.append(self.add(TextLine(Ink(0.85), align=Qt.AlignHCenter), 1))
            self._frames.append(self.add(Outline(width=1), 2))
        for index, (picture, caption, frame) in enumerate(zip(self._pictures, self._captions, self._frames)):
            picture.setVisible(index < len(tiles))
            caption.setVisible(index < len(tiles))
            frame.setVisible(index < len(tiles) and tiles[index].box is not None)
        for tile, picture, caption in zip(tiles, self._pictures, self._captions):
            picture.set_pixels(tile.pixels)
            caption.set_text(tile.caption)
        if changed:
            self._arrange()
        self._follow()

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

    def tile_box(self, index: int) -> QRectF:
        """Where a tile's picture lies."""
        return self._pictures[index].box

    def _arrange(self) -> None:
        cell = max(8.0, (self.width() - GAP * (self._columns - 1) - 2) / self._columns)
        text = line_height()
        sizes = []
        for height, width in (tile.shape for tile in self.tiles):
            scale = min(min(self._largest, cell) / width, self._largest / height)
            sizes.append((height * scale, width * scale))
        tall = max((height for height, _ in sizes), default=0.0)  # every row is as high as the tallest tile
        rows = math.ceil(len(self.tiles) / self._columns)
        bar_top = rows * (tall + text + 2) + 2
        self.setFixedHeight(max(2, round(bar_top + (text if self._bar.isVisible() and rows else 0))))
        self._bar.set_box(QRectF(self.width() / 4, bar_top, self.width() / 2, text))
        for index, ((height, width), tile) in enumerate(zip(sizes, self.tiles)):
            left = (index % self._columns) * (cell + GAP)
            top = (index // self._columns) * (tall + text + 2)
            box = QRectF(left + (cell - width) / 2, top + tall - height, width, height)
            self._pictures[index].set_box(box)
            self._captions[index].set_box(QRectF(left - GAP / 2, top + tall, cell + GAP, text))
            if tile.box is not None:
                self._frames[index].set_box(_inside(box, tile))
        self._veil.set_box(QRectF(0, 0, *self.extent))
        self._follow()

    @property
    def own_keys(self) -> tuple[str, ...]:
        """Arrows go from tile to tile, where a tile can be chosen; Enter chooses it."""
        return ("Left", "Up", "Right", "Down", "Return", "Enter") if self._choices else ()

    @property
    def _choices(self) -> list[int]:
        return [] if self.stale else [index for index, tile in enumerate(self.tiles) if tile.choice is not None]

    def _go(self, by: int) -> None:
        choices = self._choices
        self._at.setVisible(self.hasFocus() and bool(choices))
        if choices:
            self._keyed = min(max(self._keyed + by, 0), len(choices) - 1)
            self._follow()
            self.said.emit(self.tiles[choices[self._keyed]].tip)

    def _follow(self) -> None:
        """The keys stay at a tile that there is, and their frame around it, wherever it lies now."""
        choices = self._choices
        self._keyed = min(self._keyed, max(0, len(choices) - 1))
        if choices:
            self._at.set_box(self.tile_box(choices[self._keyed]))
        else:
            self._at.hide()

    def keyPressEvent(self, event) -> None:
        if event.key() in self._STEPS and self._choices:
            self._go(self._STEPS[event.key()])
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter) and self._at.isVisible() and self._choices:
            self.chosen.emit(self.tiles[self._choices[self._keyed]].choice)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.TabFocusReason, Qt.BacktabFocusReason):
            self._go(0)

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        self._at.hide()

    def _tile_at(self, position) -> Tile | None:
        if position is None:
            return None
        return next((tile for tile, picture, caption in zip(self.tiles, self._pictures, self._captions)
                     if picture.box.contains(position) or caption.box.contains(position)), None)

    def _choose(self, position, double: bool) -> None:
        tile = self._tile_at(position)
        if tile is not None and tile.choice is not None and not self.stale:
            self.chosen.emit(tile.choice)

    def _on_point(self, position) -> None:
        tile = self._tile_at(position)
        self.setCursor(Qt.PointingHandCursor if tile is not None and tile.choice is not None else Qt.ArrowCursor)
        self.said.emit("" if tile is None else tile.tip)


def _inside(box: QRectF, tile: Tile) -> QRectF:
    """Where a tile's own box lies on the canvas."""
    x, y, width, height = tile.box
    down, across = tile.pixels.shape[:2]
    sx, sy = box.width() / across, box.height() / down
    return QRectF(box.x() + x * sx, box.y() + y * sy, width * sx, height * sy)


def film_fps(frames: int) -> int:
    """Ticks a second of a film of so many frames. With the hold of ``shown_frame`` no second has more than six changes:
    whatever the frames show, nothing flashes (there and back) more than three times a second."""
    return FILM_FPS if frames <= 6 else LONG_FILM_FPS


def shown_frame(tick: int, frames: int) -> int:
    """Which of so many frames a film shows at a tick, 0 the oldest; the newest is held for a quarter of the loop."""
    return min(max(0, tick) % (frames + math.ceil(frames / 3)), frames - 1) if frames else 0


class Film(Strip):
    """Pictures that move: the frames of each in a loop. ``set_playing`` stops it; nothing moves while hidden."""

    def __init__(self, columns: int = 1):
        super().__init__(columns)
        self._films: list[list[np.ndarray]] = []
        self._words: list[str] = []
        self._playing, self._tick = True, 0
        self._clock = QtCore.QTimer(self)
        self._clock.timeout.connect(self._next)

    def show_films(self, films: list[list[np.ndarray]], words: list[str], largest: int = 260) -> None:
        """films: of each picture its frames, oldest first, RGB32; words: a caption each."""
        self._films, self._words = films, words
        self._draw(largest)
        self._run()

    def set_playing(self, playing: bool) -> None:
        """Move, or stand on the newest frame."""
        self._playing = playing
        if not playing:
            self._tick = self._frames_each - 1
            self._draw()
        self._run()

    @property
    def moving(self) -> bool:
        return self._clock.isActive()

    @property
    def frame(self) -> int:
        """Which frame is shown, 0 the oldest."""
        return shown_frame(self._tick, self._frames_each)

    @property
    def _frames_each(self) -> int:
        return len(self._films[0]) if self._films else 0

    def _next(self) -> None:
        self._tick += 1
        self._draw()

    def _draw(self, largest: int | None = None) -> None:
        names = frame_names(self._frames_each)
        self.show_tiles([Tile(film[self.frame], " · ".join(filter(None, (words, names[self.frame]))))
                         for film, words in zip(self._films, self._words)],
                        largest or self._largest, 1 if len(self._films) < 2 else 2)

    def _run(self) -> None:
        if self._playing and self._frames_each > 1 and self.isVisible():
            if not self._clock.isActive():
                self._clock.start(1000 // film_fps(self._frames_each))
        else:
            self._clock.stop()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._run()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._clock.stop()


def grey(frame: np.ndarray) -> np.ndarray:
    """(h, w) float in 0–1 to RGB32 greys, as they are: no stretching."""
    return colourise(frame, lut("grey", TABLE_SIZE), 1.0)


def frame_names(count: int) -> list[str]:
    """Captions of a frame stack, oldest first: t−3 … t."""
    return [f"t−{count - 1 - index}" if index < count - 1 else "t" for index in range(count)]


def frames_of(image: np.ndarray, channels: int = 1) -> list[np.ndarray]:
    """(h, w, C) in 0–1, oldest frame first, ``channels`` of each, as one RGB32 picture a frame."""
    if channels == 1:
        return [grey(image[..., index]) for index in range(image.shape[-1])]
    levels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return [rgb32(np.ascontiguousarray(levels[..., first:first + channels]))
            for first in range(0, image.shape[-1], channels)]


def frame_tiles(image: np.ndarray, channels: int = 1) -> list[Tile]:
    """(h, w, C) float32 in 0–1, oldest frame first, as one tile a frame."""
    pictures = frames_of(image, channels)
    return [Tile(pixels, name) for pixels, name in zip(pictures, frame_names(len(pictures)))]


def change(image: np.ndarray, channels: int = 1) -> np.ndarray:
    """Newest minus oldest frame of (h, w, C): (h, w) float32, signed; of colours the mean."""
    newest, oldest = image[..., -channels:], image[..., :channels]
    return (newest.astype(np.float32) - oldest).mean(-1)


def change_level(changes: list[np.ndarray]) -> float:
    """What the full colour of these differences stands for: the largest magnitude among them."""
    return max([FAINTEST, *(float(np.abs(values).max(initial=0.0)) for values in changes)])
