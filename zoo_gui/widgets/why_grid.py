"""Several answers to one question, side by side: what the network saw, with each method's map over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore

from zoo_gui import overlays
from zoo_gui.scales import number
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import Ink
from zoo_gui.widgets.items import Canvas, Outline, PixelItem, TextLine, line_height
from zoo_gui.widgets.pictures import Veil

QRectF, Qt = QtCore.QRectF, QtCore.Qt
GAP = 8
NARROW = 130  # screen pixels of a tile with room for one end of its scale only
SHORT = {
    "gradient_input": "Grad. × input", "guided": "Guided", "deconv": "Deconv", "integrated": "Integrated",
    "integrated_layer": "Integr., layer", "greydanus": "Blur",
}  # fmt: skip
"""Titles of methods where a tile has no room for the whole one; the mouse says it."""
SMALLEST_BOX = 4  # screen pixels: a shorter drag is a slip


def pictures(record: Any, info: LaneInfo, view: dict) -> tuple[list[np.ndarray], float, bool]:
    """The pictures of an Attribution as ``view`` wants its frames, BGRA; what full colour stands for; whether it has
    signs. Behind a map that stands for all frames lies the newest one; behind a frame's own map lies that frame."""
    shown = overlays.overlay(record.map, record.signed, info.frame_channels)
    signed = shown.signed and view["saliency_signs"]
    planes = overlays.pictured(shown, view["saliency_frames"])
    high = max(overlays.high_end(plane) for plane in planes)
    drawn = [over(record.observation, info, plane if signed else np.abs(plane), high, view["saliency_opacity"],
                  frame - len(planes)) for frame, plane in enumerate(planes)]  # fmt: skip
    return drawn, high, signed


def over(observation: np.ndarray, info: LaneInfo, plane: np.ndarray, high: float, opacity: float = 0.7,
         frame: int = -1) -> np.ndarray:
    """A frame of what a lane's network saw under a (h, w) map: BGRA."""
    return overlays.over(observation, plane, high, frame, info.frame_channels, info.observation_range, opacity)


class Tile:
    """One method's answer: its name, its pictures, its scale; or the sentence why there is none."""

    def __init__(self, method: str, title: str, canvas: Canvas):
        self.method, self._canvas = method, canvas
        self.name = canvas.add(TextLine(Ink(), bold=True))
        self.words = canvas.add(TextLine(Ink(0.7), align=Qt.AlignHCenter), 3)
        self.bar = canvas.add(ColourBar(Ink(0.8)))
        self.frame = canvas.add(Outline(width=2), 2)
        self.veil = canvas.add(Veil(), 4)
        self.name.setToolTip(title)
        self.title, self.record = title, None
        self.items: list[PixelItem] = []
        self.regions: list[Outline] = []
        self.box = QRectF(0, 0, 1, 1)
        self._shape = (1, 1)
        self._levels = ("", ""), ""
        for item in (self.bar, self.frame, self.veil):
            item.hide()

    def wait(self, fault: str) -> None:
        """Another question: what is shown answered an earlier one. fault: why there will be no answer, or ""."""
        self.veil.setVisible(self.record is not None)
        self.say(fault or ("" if self.record is not None else "…"))

    @property
    def stale(self) -> bool:
        """Whether the map answers an earlier question."""
        return self.veil.isVisible()

    def say(self, text: str) -> None:
        """In place of a picture."""
        self.words.set_text(text)
        self.words.setVisible(bool(text))

    def show(self, record: Any, info: LaneInfo, view: dict) -> None:
        """Paint an Attribution."""
        self.record = record
        self.veil.hide()
        drawn, high, signed = pictures(record, info, view)
        self._shape = record.map.shape[:2]
        while len(self.items) < len(drawn):
            self.items.append(self._canvas.add(PixelItem()))
            self.regions.append(self._canvas.add(Outline(dashed=True), 3))
            self.regions[-1].hide()
        for index, item in enumerate(self.items):
            item.setVisible(index < len(drawn))
            if index < len(drawn):
                item.set_pixels(drawn[index])
            else:
                self.regions[index].hide()
        self.bar.show()
        self.bar.set_table(overlays.colours(signed))
        self._levels = (f"−{number(high)}" if signed else "0", number(high)), f"{'±' if signed else ''}{number(high)}"
        self.say("" if record.scale else "all zero")
        self.place(self.box)

    @property
    def seen(self) -> list[PixelItem]:
        """The pictures that are shown."""
        return [item for item in self.items if item.isVisible()]

    def place(self, box: QRectF) -> None:
        """Fill a box: the name above, the pictures side by side, the scale below."""
        self.box = box
        line = line_height()
        self.veil.set_box(box.adjusted(0, line, 0, 0))
        whole = self.name.text_width(self.title) <= box.width() or self.method not in SHORT
        self.name.set_text(self.title if whole else SHORT[self.method])
        self.name.set_box(QRectF(box.x(), box.y(), box.width(), line))
        inner = box.adjusted(0, line + 1, 0, -line - 1)
        self._place_words(inner)
        seen = self.seen
        if not seen:
            self.frame.set_box(inner)
            return
        columns, scale = fit(len(seen), self._shape, inner.width(), inner.height())
        down, across = self._shape[0] * scale, self._shape[1] * scale
        for index, item in enumerate(seen):
            row, column = divmod(index, columns)
            item.set_box(QRectF(int(inner.x() + column * (across + 2)), int(inner.y() + row * (down + 2)),
                                int(across), int(down)))
        self._place_words(seen[0].box.united(seen[-1].box))
        below = seen[-1].box.bottom() + 2
        self.bar.set_box(QRectF(box.x(), below, min(box.width(), 190.0), line))
        self.bar.set_levels(*(self._levels[0] if box.width() >= NARROW else ("", self._levels[1])))
        last = seen[min(columns, len(seen)) - 1].box
        self.frame.set_box(QRectF(seen[0].box.topLeft(), QtCore.QPointF(last.right(), seen[-1].box.bottom())))

    def _place_words(self, box: QRectF) -> None:
        """In the middle of the pictures."""
        line = line_height()
        self.words.set_box(QRectF(box.x(), box.center().y() - line / 2, box.width(), line))

    def show_region(self, region: tuple[int, int, int, int] | None) -> None:
        """Outline (top, left, height, width), in observation pixels, on every picture."""
        for item, outline in zip(self.items, self.regions):
            outline.setVisible(region is not None and item.isVisible())
            if region is not None and item.isVisible():
                top, left, height, width = region
                sx, sy = item.box.width() / self._shape[1], item.box.height() / self._shape[0]
                outline.set_box(QRectF(item.box.x() + left * sx, item.box.y() + top * sy, width * sx, height * sy))

    def region_of(self, start: QtCore.QPointF, box: QRectF) -> tuple[int, int, int, int] | None:
        """The observation pixels that a box touches which began at ``start``; None where that is on no picture."""
        item = next((one for one in self.seen if one.box.contains(start)), None)
        if item is None:
            return None
        part = box.intersected(item.box)
        sx, sy = self._shape[1] / item.box.width(), self._shape[0] / item.box.height()
        left, top = int((part.x() - item.box.x()) * sx + 1e-6), int((part.y() - item.box.y()) * sy + 1e-6)
        right = min(self._shape[1], int(np.ceil((part.right() - item.box.x()) * sx - 1e-6)))
        bottom = min(self._shape[0], int(np.ceil((part.bottom() - item.box.y()) * sy - 1e-6)))
        return (top, left, bottom - top, right - left) if bottom > top and right > left else None


def fit(count: int, shape: tuple[int, int], width: float, height: float) -> tuple[int, float]:
    """(columns, scale) that make ``count`` pictures of ``shape`` (h, w) largest within width × height."""
    def scale(columns: int) -> float:
        rows = -(-count // columns)
        return max(0.05, min((width / columns - 2) / shape[1], (height / rows - 2) / shape[0]))

    best = max(range(1, count + 1), key=lambda columns: (round(scale(columns), 4), columns))
    return best, scale(best)


class Grid(Canvas):
    """``chosen``: the method of a clicked tile. ``region``: a box that was dragged on a picture, in observation pixels,
    or None for a slip. ``said``: what is under the mouse."""

    chosen = QtCore.Signal(str)
    region = QtCore.Signal(object)
    said = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self.view.boxing = "always"
        self.view.boxed.connect(self._on_box)
        self.tiles: dict[str, Tile] = {}
        self.info: LaneInfo | None = None
        self._region: tuple[int, int, int, int] | None = None
        self.hint = self.add(TextLine(Ink(0.7), align=Qt.AlignHCenter))
        self._veil = self.add(Veil(120), 4)
        self._veil.hide()
        self.resized.connect(self.arrange)
        self.clicked.connect(self._choose)
        self.pointed.connect(self._on_point)

    def begin(self, info: LaneInfo | None, methods: list[tuple[str, str, str]]) -> None:
        """Tiles for (name, title, why it cannot answer or "") each; earlier answers stay, dimmed, until replaced."""
        self.info = info
        old, self.tiles = self.tiles, {}
        for name, title, fault in methods:
            self.tiles[name] = old.pop(name, None) or Tile(name, title, self)
            if fault:
                self._drop(self.tiles[name])
                self.tiles[name] = Tile(name, title, self)
            self.tiles[name].wait(fault)
        for tile in old.values():
            self._drop(tile)
        self.arrange()

    def show_hint(self, text: str) -> None:
        """In place of the tiles."""
        self.hint.set_text(text)
        self.hint.setVisible(bool(text))
        if text:
            self.begin(None, [])

    def take(self, record: Any, view: dict) -> None:
        """An Attribution arrived."""
        tile = self.tiles.get(record.method)
        if tile is not None and self.info is not None:
            tile.show(record, self.info, view)
            self.arrange()

    def repaint_maps(self, view: dict) -> None:
        """The view changed."""
        for tile in self.tiles.values():
            if tile.record is not None and self.info is not None:
                tile.show(tile.record, self.info, view)
        self.arrange()

    def mark_live(self, method: str | None) -> None:
        """Frame the tile whose map lies over the game."""
        for tile in self.tiles.values():
            tile.frame.setVisible(tile.method == method and bool(tile.seen))

    def set_stale(self, stale: bool) -> None:
        """Dim the maps: the game is elsewhere."""
        self._veil.setVisible(stale and any(tile.record is not None for tile in self.tiles.values()))

    @property
    def stale(self) -> bool:
        return self._veil.isVisible()

    def show_region(self, region: tuple[int, int, int, int] | None) -> None:
        self._region = region
        for tile in self.tiles.values():
            tile.show_region(region)

    def arrange(self) -> None:
        width, height = self.extent
        self._veil.set_box(QRectF(0, 0, width, height))
        self.hint.set_box(QRectF(4, height / 2 - 10, width - 8, 20))
        count = len(self.tiles)
        if not count:
            return
        line = line_height()
        shape = self.info.observation_shape[:2] if self.info is not None else (1, 1)
        most = max((len(tile.seen) for tile in self.tiles.values()), default=1) or 1

        def scale(columns: int) -> float:
            rows = -(-count // columns)
            inside = (width - GAP * (columns + 1)) / columns, (height - GAP * (rows + 1)) / rows - 2 * line - 2
            return fit(most, shape, *inside)[1]

        # of equally large ones those with the fewest empty places: tiles as wide as they can be
        columns = max(range(1, count + 1), key=lambda n: (round(scale(n), 4), -(-count % n), n))
        rows = -(-count // columns)
        across, down = (width - GAP * (columns + 1)) / columns, (height - GAP * (rows + 1)) / rows
        for index, tile in enumerate(self.tiles.values()):
            row, column = divmod(index, columns)
            tile.place(QRectF(GAP + column * (across + GAP), GAP + row * (down + GAP), across, down))
            tile.show_region(self._region)

    def _drop(self, tile: Tile) -> None:
        for item in (tile.name, tile.words, tile.bar, tile.frame, tile.veil, *tile.items, *tile.regions):
            self.view.removeItem(item)

    def _tile_at(self, position) -> Tile | None:
        if position is None:
            return None
        return next((tile for tile in self.tiles.values() if tile.box.contains(position)), None)

    def _choose(self, position, double: bool) -> None:
        tile = self._tile_at(position)
        if tile is not None and tile.record is not None and not tile.stale:
            self.chosen.emit(tile.method)

    def _on_point(self, position) -> None:
        tile = self._tile_at(position)
        record = tile.record if tile is not None else None
        if tile is None:
            self.said.emit("")
        elif record is None:
            self.said.emit(tile.words.text)
        else:
            layer = f" · by {record.layer}" if record.layer else ""
            error = f" · off by {record.error:.1%}" if record.error is not None else ""
            self.said.emit(f"{tile.title} of {record.target} = {number(record.score)}{layer}{error} · "
                           f"{1000 * record.seconds:.0f} ms · click: over the game; drag: a region to cover")

    def _on_box(self, box: QRectF, done: bool) -> None:
        start, box = box.topLeft(), box.normalized()
        tile = next((one for one in self.tiles.values() if any(item.box.contains(start) for item in one.seen)), None)
        found = tile.region_of(start, box) if tile is not None else None
        self.show_region(found)
        if done:
            large = box.width() >= SMALLEST_BOX and box.height() >= SMALLEST_BOX
            self.region.emit(found if large else None)
