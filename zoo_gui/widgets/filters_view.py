"""The Filters panel's parts: a layer's weights as a grid of pictures, and bars of how much each frame weighs."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import TABLE_SIZE, Mosaic, colourise, lut
from zoo_gui.scales import number
from zoo_gui.types import Unit
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import ACCENT, RIM, Ink, hue, lane_colour
from zoo_gui.widgets.items import Canvas, MosaicItem, Outline, letter_font, line_height

QRectF, Qt = QtCore.QRectF, QtCore.Qt
NUMBERED = 13  # screen pixels of a row of pictures that still gets its unit's number
BETWEEN = 1  # data pixels between two pictures of one unit


class NumberedRows(MosaicItem):
    """One tile for each unit, all its pictures in a row, with the unit's number in the corner."""

    def paint(self, painter, option, widget=None) -> None:
        super().paint(painter, option, widget)
        if not self.box.height() or self.tile_box(0).height() < NUMBERED:
            return
        painter.setFont(letter_font(8))
        rise = painter.fontMetrics().ascent()
        for unit in range(self.mosaic.count):
            place = self.tile_box(unit).topLeft() + QtCore.QPointF(2, rise)
            for colour, shift in ((RIM, 1), (ACCENT, 0)):  # a rim, so that it shows on any colour
                painter.setPen(colour)
                painter.drawText(place + QtCore.QPointF(shift, shift), str(unit))


class FilterGrid(Canvas):
    """Every unit's weights, a picture for each frame or for its strongest inputs. chosen: the unit of a clicked one."""

    chosen = QtCore.Signal(object)
    said = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self.result: Any = None
        self.own_scale = False
        self._channels: list[np.ndarray] = []
        self._item: NumberedRows | None = None
        self._map = "CET-D4"
        self._bar = self.add(ColourBar(Ink(0.8)), 1)
        self._outline = self.add(Outline(), 2)
        self._bar.hide()
        self._outline.hide()
        self._selected: int | None = None
        self.resized.connect(self._arrange)
        self.clicked.connect(self._choose)
        self.pointed.connect(self._on_point)

    def show_filters(self, result: Any) -> None:
        """result: Filters, None: nothing."""
        self.result = result
        if self._item is not None:
            self.view.removeItem(self._item)
            self._item = None
        self._bar.setVisible(result is not None)
        self._outline.hide()
        if result is not None:
            self._channels = [result.strongest(unit) for unit in range(result.units)]
            self._item = self.add(NumberedRows(Mosaic.of(self._shape, result.units, 1), "background", Ink(0.5)))
            self._arrange()

    def set_colours(self, name: str, own_scale: bool) -> None:
        """The signed colour map, and whether each unit's full colour is its own largest weight."""
        self._map, self.own_scale = name, own_scale
        self.draw()

    def show_unit(self, unit: int | None) -> None:
        """Frame a unit's pictures."""
        self._selected = unit
        self._outline.setVisible(unit is not None and self._item is not None)
        if self._outline.isVisible():
            self._outline.set_box(self._item.tile_box(unit))

    @property
    def _shape(self) -> tuple[int, int, int]:
        """(height, width, units) of the tiles."""
        height, width = self.result.kernel.shape[:2]
        return height, len(self._channels[0]) * (width + BETWEEN) - BETWEEN, self.result.units

    def draw(self) -> None:
        """Paint the weights anew."""
        if self._item is None:
            return
        kernel, (height, across, units) = self.result.kernel, self._shape
        tiles = np.zeros((height, across, units), np.float32)
        gaps = np.ones(across, bool)
        for place in range(len(self._channels[0])):
            left = place * (kernel.shape[1] + BETWEEN)
            gaps[left : left + kernel.shape[1]] = False
            chosen = np.array([channels[place] for channels in self._channels])
            tiles[:, left : left + kernel.shape[1]] = kernel[:, :, chosen, np.arange(units)]
        high = np.abs(tiles).max((0, 1)) if self.own_scale else self.result.scale
        table = lut(self._map, TABLE_SIZE, 1.0, True)
        colours = colourise(tiles, table, high, True)
        colours[:, gaps] = 0xFF000000 | self.ground().rgb()
        self._item.show(colours)
        self._bar.set_table(table)
        text = "own" if self.own_scale else number(self.result.scale)
        self._bar.set_levels(f"−{text}", text)

    def _arrange(self) -> None:
        if self._item is None:
            return
        width, height = self.extent
        room = height - line_height() - 6
        mosaic = Mosaic.fit(self._shape, width - 4, room, 1)
        scale = mosaic.scale(width - 4, room)
        self._item.set_mosaic(mosaic)
        self._item.set_box(QRectF(2, 2, mosaic.size[1] * scale, mosaic.size[0] * scale))
        self._bar.set_box(QRectF(2, height - line_height() - 2, min(220, width - 4), line_height()))
        self.draw()
        self.show_unit(self._selected)

    def place_of(self, unit: int) -> QRectF:
        """Where a unit's pictures lie."""
        return self._item.tile_box(unit)

    def _choose(self, position, double: bool) -> None:
        hit = self._item.hit(position) if self._item is not None else None
        if hit is not None:
            self.chosen.emit(Unit(self.result.layer, hit.unit))

    def _on_point(self, position) -> None:
        hit = self._item.hit(position) if self._item is not None and position is not None else None
        if hit is None:
            self.said.emit("")
            return
        place, column = divmod(hit.column, self.result.kernel.shape[1] + BETWEEN)
        channel = int(self._channels[hit.unit][min(place, len(self._channels[hit.unit]) - 1)])
        if column >= self.result.kernel.shape[1]:
            self.said.emit(f"{self.result.layer}:{hit.unit}")
            return
        weight = float(self.result.kernel[hit.row, column, channel, hit.unit])
        self.said.emit(f"{self.result.layer}:{hit.unit} from {self.result.input_name(channel)}, row {hit.row}, column "
                       f"{column}: {number(weight)} · norm {number(float(self.result.norms[channel, hit.unit]))}")


class BiasBars(QtWidgets.QWidget):
    """How much each frame weighs against the newest, a group of bars for each agent, with numbers."""

    HEIGHT = 112

    def __init__(self):
        super().__init__()
        self.rows: list[tuple[int, str, Any]] = []
        self.setMinimumWidth(170)
        self.setAccessibleName("Temporal bias")

    def show_rows(self, rows: list[tuple[int, str, Any]]) -> None:
        """(lane, title, TemporalBias or a sentence) of each agent."""
        self.rows = rows
        self.setFixedHeight(max(20, self.HEIGHT * len(rows)))
        self.setAccessibleDescription("; ".join(f"{title}: {self._words(found)}" for _, title, found in rows))
        self.update()

    @staticmethod
    def _words(found: Any) -> str:
        if isinstance(found, str):
            return found
        return ", ".join(f"{name} {bias:.2f}" for name, bias in zip(found.names, found.frames))

    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        for place, (lane, title, found) in enumerate(self.rows):
            box = QRectF(2, place * self.HEIGHT, self.width() - 4, self.HEIGHT - 8)
            self._paint_agent(painter, box, lane, title, found)
        painter.end()

    def _paint_agent(self, painter, box: QRectF, lane: int, title: str, found: Any) -> None:
        line, ink = line_height(), hue("text")
        painter.setPen(ink)
        painter.setFont(letter_font(9, bold=True))
        painter.drawText(QRectF(box.x(), box.y(), box.width(), line), Qt.AlignLeft, title)
        painter.setFont(letter_font(9))
        if isinstance(found, str):
            rest = box.adjusted(0, line, 0, 0)
            painter.drawText(rest, int(Qt.AlignLeft | Qt.TextWordWrap), found)
            return
        top, bottom = box.y() + 2 * line, box.bottom() - line
        step, highest = box.width() / len(found.frames), max(1.0, float(found.frames.max()))
        for frame, (name, bias) in enumerate(zip(found.names, found.frames)):
            left, tall = box.x() + frame * step, (bottom - top) * float(bias) / highest
            bar = QRectF(left + step * 0.15, bottom - tall, step * 0.7, tall)
            painter.fillRect(bar, hue(lane_colour(lane)))
            painter.drawText(QRectF(left, bottom - tall - line, step, line), int(Qt.AlignCenter), f"{bias:.2f}")
            painter.drawText(QRectF(left, bottom, step, line), int(Qt.AlignCenter), name)
