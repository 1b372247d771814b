"""What the network gets: its stacked frames, oldest first, and the newest difference."""

from __future__ import annotations

from functools import partial

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import overlays
from zoo_gui.imaging import TABLE_SIZE, Veil, bgra, blend, brightness, colourise, difference, lut, rgb32, veil
from zoo_gui.overlays import Live, Overlay
from zoo_gui.scales import Scale, number
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.inks import Ink
from zoo_gui.widgets.items import CENTRE, Canvas, PixelItem, TextLine, line_height
from zoo_gui.widgets.parts import of_boxes

QRectF = QtCore.QRectF

CHOICES = {"both": "Frames and difference", "frames": "Frames", "difference": "Difference"}
MARGIN, GAP, LANE_GAP = 5, 4, 14
FAINTEST = 16 / 255  # of the range: the difference's full colour never stands for less, or noise would glare


def frame_names(count: int) -> list[str]:
    """t−3 … t for four frames: how long before the newest each is, in agent steps."""
    return [f"t−{count - 1 - i}" if i < count - 1 else "t" for i in range(count)]


class Tile:
    """A picture under its name; ``frame``: its number in the stack, or None for the difference."""

    def __init__(self, name: str, frame: int | None, canvas: Canvas):
        self.frame = frame
        self.label = canvas.add(TextLine(Ink(0.75), align=CENTRE))
        self.picture = canvas.add(PixelItem())
        self.name = name
        self.label.set_text(name)

    def place(self, x: float, y: float, width: float, height: float) -> None:
        head = line_height()
        self.label.set_box(QRectF(x, y, width, head))
        self.picture.set_box(QRectF(int(x), int(y + head), int(width), int(height - head)))


class LaneTiles:
    """The tiles of one agent."""

    def __init__(self, info: LaneInfo, show: str, canvas: Canvas):
        self.info, self.scale = info, Scale(1)
        self.title = canvas.add(TextLine(Ink(), bold=True))
        self.title.set_text(info.title)
        count = info.observation_shape[2] // info.frame_channels
        names = frame_names(count)
        stills = [Tile(name, i, canvas) for i, name in enumerate(names)] if show != "difference" or count < 2 else []
        self._change = "Δ"
        changes = [Tile("Δ", None, canvas)] if show != "frames" and count > 1 else []
        self.tiles = stills + changes

    def place(self, x: float, y: float, width: float, height: float, titled: bool) -> None:
        """Fill the rectangle with the tiles, as large as they get, in one row or more."""
        head = line_height() + 2 if titled or not self.tiles else 0
        self.title.setVisible(bool(head))
        self.title.set_box(QRectF(x, y, width, max(1, head)))
        if not self.tiles:
            self.title.set_text(f"{self.info.title}: no network, so no input")
            return
        y, height = y + head, height - head
        down, across = self.info.observation_shape[:2]
        best = max(range(1, len(self.tiles) + 1), key=lambda columns: self._scale(columns, width, height))
        scale = max(0.1, self._scale(best, width, height))
        for i, tile in enumerate(self.tiles):
            row, column = divmod(i, best)
            tile.place(x + column * (across * scale + GAP), y + row * (down * scale + line_height() + GAP),
                       across * scale, down * scale + line_height())
            if tile.frame is None:
                self._name_change(tile)

    def _scale(self, columns: int, width: float, height: float) -> float:
        rows = -(-len(self.tiles) // columns)
        down, across = self.info.observation_shape[:2]
        return min((width - GAP * (columns - 1)) / columns / across,
                   ((height - GAP * (rows - 1)) / rows - line_height()) / down)

    def show(self, observation: np.ndarray, view: dict, shown: Overlay | None = None, age: int | None = 0) -> None:
        """Paint (h, w, C) uint8 or float32; ``shown``: a map, ``age`` steps old, whose frames each lie over theirs."""
        low, high = self.info.observation_range
        veils = self._veils(shown, age, view)
        for tile in self.tiles:
            if tile.frame is not None:
                levels = brightness(self._frame(observation, tile.frame), low, high)
                pixels = bgra(lut("grey")[levels]) if levels.ndim == 2 else rgb32(levels)
                over = veils.get(tile.frame)
                tile.picture.set_pixels(pixels if over is None else blend(pixels, over))
                words = "" if over is None else f" · {overlays.age_words(age)}" if age else " · map"
                tile.label.set_text(tile.name + words)
                continue
            change = difference(self._frame(observation, -1), self._frame(observation, -2))
            self.scale.update(np.array([np.abs(change).max()], np.float32))
            level = max(FAINTEST * (high - low), float(self.scale.level()))
            table = lut(view["signed_colormap"], TABLE_SIZE, view.get("gamma", 1.0), True)
            tile.picture.set_pixels(colourise(change, table, level, True))
            self._change = f"Δ ±{number(level)}"
            self._name_change(tile)

    def _name_change(self, tile: Tile) -> None:
        """With its level, where there is room."""
        fits = tile.label.text_width(self._change) <= tile.label.box.width()
        tile.label.set_text(self._change if fits else "Δ")

    def _veils(self, shown: Overlay | None, age: int | None, view: dict) -> dict[int, Veil]:
        """{frame: what lies over it}, all in one scale; a map for all frames together lies over the newest."""
        if shown is None:
            return {}
        planes = overlays.planes(shown)
        high = max(overlays.high_end(plane) for plane in planes)
        count = self.info.observation_shape[2] // self.info.frame_channels
        opacity = round(view["saliency_opacity"] * overlays.fading(age), 2)
        signed = shown.signed and view["saliency_signs"]
        return {count - len(planes) + i: veil(overlays.weights(plane if signed else np.abs(plane), high),
                                              self.info.observation_shape[:2], opacity)
                for i, plane in enumerate(planes)}

    def _frame(self, observation: np.ndarray, index: int) -> np.ndarray:
        """One frame, (h, w), or (h, w, 3) contiguous; counted from the newest where ``index`` is negative."""
        if self.info.frame_channels == 1:
            return observation[..., index]
        frames = observation.reshape(*observation.shape[:2], -1, self.info.frame_channels)
        return np.ascontiguousarray(frames[:, :, index])

    def describe(self, position, observation: np.ndarray) -> str | None:
        """The pixel at a canvas position, or None."""
        for tile in self.tiles:
            box = tile.picture.box
            if not box.contains(position):
                continue
            row = min(int((position.y() - box.y()) / box.height() * observation.shape[0]), observation.shape[0] - 1)
            column = min(int((position.x() - box.x()) / box.width() * observation.shape[1]), observation.shape[1] - 1)
            values = observation[row, column].astype(float).reshape(-1, self.info.frame_channels)
            value = values[tile.frame] if tile.frame is not None else values[-1] - values[-2]
            name = "change t − (t−1)" if tile.frame is None else tile.name
            return f"input {name} at row {row}, column {column} = {', '.join(f'{part:.4g}' for part in value)}"
        return None


@PANELS.register("observation")
class ObservationPanel(Panel):
    """The context menu chooses the frames, the change Δ between the two newest, or both. Where the view wants the map
    of each frame (``saliency_frames``), it lies over them."""

    title = "Network input"
    area = "left"
    about = "What the network really gets: its stack of frames, oldest first, and what changed between the two newest."
    turns_late = 2

    def build(self) -> QtWidgets.QWidget:
        self._canvas = canvas = Canvas()
        canvas.setAccessibleName("What the networks see")
        canvas.resized.connect(lambda: self._guard(self._arrange))
        canvas.pointed.connect(partial(self._guard, self._point))
        canvas.clicked.connect(lambda _, double: canvas.view.show_whole() if double else None)
        self._lanes_shown: tuple[LaneInfo, ...] | None = None
        self._live = Live(self.session)
        self._tiles: dict[int, LaneTiles] = {}
        self._pointer = None
        self.choice = getattr(self, "choice", "both")
        self._make_menu(canvas)
        return canvas

    def _make_menu(self, canvas: Canvas) -> None:
        group = QtGui.QActionGroup(canvas)
        for choice, text in CHOICES.items():
            action = group.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice == self.choice)
            action.triggered.connect(partial(self._guard, self.choose, choice))
            canvas.view.actions.append(action)

    def named_parts(self) -> list[Part]:
        rows = []
        for tiles in list(self._tiles.values())[:1]:
            stills = [tile.picture.box for tile in tiles.tiles if tile.frame is not None]
            if stills:
                rows.append((stills[0].united(stills[-1]), "frames, oldest first", "All that the network gets to see."))
            rows += [(tile.picture.box, "what changed", "The newest frame less the one before.")
                     for tile in tiles.tiles if tile.frame is None]
        return of_boxes(self, self._canvas, rows)

    def choose(self, choice: str, _checked: bool = True) -> None:
        """Show ``both``, ``frames`` or ``difference``."""
        self.choice = choice
        self._lanes_shown = None
        self.set_lanes(self.lanes)
        self._repaint()

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        session.attributed.connect(lambda lane, record: self._guard(self._on_attributed, lane, record))
        session.rewound.connect(lambda: self._live.rewind())
        session.saliency_changed.connect(lambda _: self._guard(self._begin))
        session.saliency_method_changed.connect(lambda _: self._guard(self._begin))

    def _begin(self) -> None:
        self._live.begin()
        self._repaint()

    def _on_attributed(self, lane: int, record) -> None:
        self._live.take(lane, record)
        step = self.session.last_step(lane)
        if self.is_seen and step is not None and self.session.view["saliency_frames"] == "each":
            self.show_step(lane, step, [])

    def set_lanes(self, lanes) -> None:
        if lanes == self._lanes_shown:
            return
        self._lanes_shown = lanes
        self._canvas.clear_items()
        self._tiles = {info.lane: LaneTiles(info, self.choice, self._canvas) for info in lanes}
        self._arrange()

    def show_step(self, lane, step, summaries) -> None:
        tiles = self._tiles.get(lane)
        if tiles is not None and step.observation.shape == tiles.info.observation_shape:
            each = self.session.view["saliency_frames"] == "each"
            shown = self._live.of(tiles.info, step) if each else None
            tiles.show(step.observation, self.session.view, shown, shown and shown.age(step.moment))
        if self._pointer is not None:
            self._hover()

    def show_view(self, view) -> None:
        self._repaint()

    def _repaint(self) -> None:
        for lane in self._tiles:
            step = self.session.last_step(lane)
            if step is not None:
                self.show_step(lane, step, [])

    def _arrange(self) -> None:
        count = len(self._tiles)
        if not count:
            return
        width, height = (size - 2 * MARGIN for size in self._canvas.extent)
        across = (width - LANE_GAP * (count - 1)) / count
        for place, tiles in enumerate(self._tiles.values()):
            tiles.place(MARGIN + place * (across + LANE_GAP), MARGIN, across, height, count > 1)

    def _point(self, position) -> None:
        self._pointer = position
        self._hover() if position is not None else self.session.hover("")

    def _hover(self) -> None:
        for lane, tiles in self._tiles.items():
            step = self.session.last_step(lane)
            if step is not None and step.observation.size:
                text = tiles.describe(self._pointer, step.observation)
                if text:
                    self.session.hover(text)
                    return
        self.session.hover("")
