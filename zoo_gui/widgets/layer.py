"""One layer enlarged: a big mosaic per agent with unit numbers, axes and a colour bar."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import Mosaic, lut
from zoo_gui.naming import lane_letter
from zoo_gui.scales import LayerPicture, PictureBook
from zoo_gui.tokens import current, points
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.base import PANELS, Panel
from zoo_gui.widgets.inks import ACCENT, RIM, Ink, tick_font
from zoo_gui.widgets.items import MosaicItem, Outline, letter_font
from zoo_gui.widgets.lights import Light, hover_words, lit

QRectF, Qt = QtCore.QRectF, QtCore.Qt

SMALLEST_NUMBERED = 22  # screen pixels of a tile that still gets its number
MARK_EVERY = 15


class NumberedMosaic(MosaicItem):
    """A mosaic in data pixels whose tiles bear their unit's number, as large on screen at any zoom."""

    numbers = True

    def paint(self, painter, option, widget=None) -> None:
        super().paint(painter, option, widget)
        transform = painter.worldTransform()
        tile = transform.mapRect(self.tile_box(0))
        if not self.numbers or min(tile.width(), tile.height()) < SMALLEST_NUMBERED:
            return
        painter.save()
        painter.resetTransform()
        painter.setFont(letter_font(9))
        rise = painter.fontMetrics().ascent()
        for unit in range(self.mosaic.count):
            place = transform.map(self.tile_box(unit).topLeft()) + QtCore.QPointF(3, rise + 1)
            painter.setPen(RIM)  # a rim, so that the number shows on any colour
            painter.drawText(place + QtCore.QPointF(1, 1), str(unit))
            painter.setPen(ACCENT)
            painter.drawText(place, str(unit))
        painter.restore()


def _title(info: LaneInfo, layer: str, lanes: int) -> str:
    """Above a plot of so many: a plot is never narrower than its title, and beside others it must be."""
    if lanes > 1:
        return f"{lane_letter(info.lane)} · {layer}"
    return f"{info.title} · {layer}"


class LayerPlot:
    """One agent's layer as a plot: axes count columns and the first unit of each row."""

    def __init__(self, info: LaneInfo, picture: LayerPicture, plot: pg.PlotItem, lanes: int = 1):
        self.lane, self.picture, self.plot, self.view = info.lane, picture, plot, plot.getViewBox()
        layer = picture.info
        shape = "×".join(map(str, layer.shape))
        plot.setTitle(_title(info, f"{layer.name} {shape}", lanes), size=f"{points(10):.1f}pt", color=current().text)
        for side in ("left", "bottom"):
            plot.getAxis(side).setStyle(tickFont=tick_font())
        for side, words in (("left", "first unit of the row"), ("bottom", "column of the mosaic")):
            plot.setLabel(side, words, **{"font-size": f"{points(9):.1f}pt", "color": current().text})
        self.view.setAspectLocked(len(layer.shape) == 3)
        self.view.invertY(True)
        self.item = NumberedMosaic(Mosaic.of(layer.shape, layer.units), "background", Ink(0.7))
        self.outline = Outline()
        self.outline.setZValue(2)
        self.outline.hide()
        self.light = Light()
        self.light.setZValue(3)
        for item in (self.item, self.outline, self.light):
            self.view.addItem(item, ignoreBounds=True)
        self.bar: pg.ColorBarItem | None = None
        self._steps = 0

    def fit(self) -> None:
        """Choose the columns for the view's aspect and show the whole mosaic."""
        box, shape = self.view.rect(), self.picture.info.shape
        mosaic = Mosaic.fit(shape, max(1.0, box.width()), max(1.0, box.height()))
        height, width = mosaic.size
        self.item.set_mosaic(mosaic)
        self.item.set_box(QRectF(0, 0, width, height))
        down, across = mosaic.tile
        rows = [((row + 0.5) * down, str(row * mosaic.columns)) for row in range(mosaic.rows)]
        columns = [((column + 0.5) * across, str(column)) for column in range(mosaic.columns)]
        self.plot.getAxis("left").setTicks([rows])
        every = max(1, round(mosaic.columns / 10))
        self.plot.getAxis("bottom").setTicks([columns[::every]])
        self.show_whole()

    def show_whole(self) -> None:
        self.view.setRange(self.item.box, padding=0.01, disableAutoRange=True)

    def draw(self, view: dict) -> None:
        """Show the picture's newest values."""
        picture = self.picture
        if picture.values is None:
            return
        self.item.numbers = view.get("labels", True)
        self.item.show(picture.colours(view))
        self._set_bar(view)
        if self._steps % MARK_EVERY == 0:
            self.item.set_marks(picture.vitality.marks())
        self._steps += 1

    def _set_bar(self, view: dict) -> None:
        """The colour bar's levels, when they moved by more than 2 %: its axis is slow to draw."""
        boost, signed = self.picture.boost(view), self.picture.info.signed
        high = (float(self.picture.scale.level()) or 1.0) if boost <= 0 else 1.0
        name = view["signed_colormap"] if signed else view["colormap"]
        key = (name, view.get("gamma", 1.0), boost <= 0)
        if self.bar is None or key != self._bar_key:
            table = lut(name, 256, view.get("gamma", 1.0), signed).view(np.uint8).reshape(-1, 4)
            colours = pg.ColorMap(None, table[:, [2, 1, 0, 3]])
            if self.bar is None:
                self.bar = pg.ColorBarItem(width=14, interactive=False, colorMap=colours, colorMapMenu=False)
                self.plot.layout.addItem(self.bar, 2, 5)
            self.bar.setColorMap(colours)
            axis = self.bar.getAxis("right")
            axis.setLabel("activation" if boost <= 0 else "part of the channel's own scale")
            axis.setWidth(56)  # or the label lies over the numbers
            self._bar_key, self._bar_high = key, -1.0
        if abs(high - self._bar_high) > 0.02 * high:
            self._bar_high = high
            self.bar.setLevels((-high if signed else 0.0, high))


@PANELS.register("layer")
class LayerPanel(Panel):
    """The layer of ``view["enlarged"]``, else the selected unit's, else the first."""

    title = "Layer"
    area = "centre"
    about = "One layer of each agent, large: its units with their numbers, on axes, with a colour bar."

    def _connect(self) -> None:
        super()._connect()
        self.session.counterparts_changed.connect(lambda: self.is_seen and self._guard(self._light))

    def build(self) -> QtWidgets.QWidget:
        self._graphics = graphics = pg.GraphicsLayoutWidget()
        graphics.setBackground(current().background)
        graphics.setProperty("ground", "background")
        graphics.setAccessibleName("The layer, unit by unit")
        graphics.setFocusPolicy(QtCore.Qt.NoFocus)
        graphics.scene().sigMouseClicked.connect(partial(self._guard, self._click))
        graphics.scene().sigMouseMoved.connect(partial(self._guard, self._point))
        graphics.sigDeviceRangeChanged.connect(lambda *_: self._refit.start())
        self._refit = QtCore.QTimer(graphics, singleShot=True, interval=0)
        self._refit.timeout.connect(lambda: self._guard(self._fit))
        self._plots: dict[int, LayerPlot] = {}
        self._shown: tuple | None = None
        self._pointer: QtCore.QPointF | None = None
        self._book = PictureBook.of(self.session)
        return graphics

    def show_look(self, look) -> None:
        if self._plots:  # not of an empty panel: the pictures are shared with other panels
            self._shown = None
            self.set_lanes(self.lanes)
            self.show_unit(*(self.session.selected or (0, None)))

    @property
    def layer_name(self) -> str | None:
        """Name of the layer shown."""
        if self.session.view.get("enlarged"):
            return self.session.view["enlarged"]
        if self.session.selected is not None:
            return self.session.selected[1].layer
        return next((info.layers[0].name for info in self.lanes if info.layers), None)

    def set_lanes(self, lanes) -> None:
        self._book.set_lanes(lanes)
        self._book.set_mode(self.session.view["scale"])
        name = self.layer_name
        if (lanes, name) == self._shown and self._are_the_books():
            return
        self._shown = (lanes, name)
        self._graphics.clear()
        self._plots = {}
        for info in lanes:
            row, column = divmod(info.lane, 2) if len(lanes) > 2 else (0, info.lane)  # axes need their width
            if name is not None and info.layer(name) is not None:
                plot = self._graphics.addPlot(row=row, col=column)
                self._plots[info.lane] = LayerPlot(info, self._book[info.lane, name], plot, len(lanes))
            else:
                who = info.title if len(lanes) == 1 else lane_letter(info.lane)
                self._graphics.addLabel(f"{who} has no layer {name or ''}", row=row, col=column)
        self._draw()
        self._refit.start()

    def _are_the_books(self) -> bool:
        """Whether the plots show what the book has now: out of sight, an agent may have come and gone."""
        return all(plot.picture is self._book[plot.lane, plot.picture.info.name] for plot in self._plots.values())

    def show_step(self, lane, step, summaries) -> None:
        self._book.take(lane, step)
        if lane in self._plots:
            self._plots[lane].draw(self.session.view)
        if self._pointer is not None:
            self._hover()

    def show_unit(self, lane, unit) -> None:
        self.set_lanes(self.lanes)
        for plot in self._plots.values():
            mine = unit is not None and plot.lane == lane and plot.picture.info.name == unit.layer
            plot.outline.setVisible(mine)
            if mine:
                plot.outline.set_box(plot.item.tile_box(min(unit.index, plot.picture.info.units - 1)))
        self._light()

    def _light(self) -> None:
        """Frame what the other agents have in place of the selected unit."""
        found = {(facing.lane, facing.unit.layer): (facing, words) for facing, words in lit(self.session)}
        for plot in self._plots.values():
            facing, words = found.get((plot.lane, plot.picture.info.name), (None, ""))
            plot.light.setVisible(facing is not None)
            if facing is not None:
                plot.light.light(facing, plot.item.tile_box(min(facing.unit.index, plot.picture.info.units - 1)), words)

    def show_view(self, view) -> None:
        self._book.set_mode(view["scale"])
        self.set_lanes(self.lanes)
        self._draw()

    def _draw(self) -> None:
        for plot in self._plots.values():
            plot.draw(self.session.view)

    def _fit(self) -> None:
        for plot in self._plots.values():
            plot.fit()
        self._draw()
        if self.session.selected is not None:
            self.show_unit(*self.session.selected)

    def _find(self, position):
        for plot in self._plots.values():
            if plot.view.sceneBoundingRect().contains(position):
                return plot, plot.item.hit(plot.view.mapSceneToView(position))
        return None, None

    def _click(self, event) -> None:
        if event.button() != Qt.LeftButton:
            return
        plot, hit = self._find(event.scenePos())
        if plot is not None and event.double():
            plot.show_whole()
        elif hit is not None:
            self.session.select(plot.lane, Unit(plot.picture.info.name, hit.unit))

    def _point(self, position) -> None:
        self._pointer = position
        self._hover()

    def _hover(self) -> None:
        plot, hit = self._find(self._pointer)
        if hit is None:
            self.session.hover("")
            return
        unit = Unit(plot.picture.info.name, hit.unit)
        self.session.hover(plot.picture.describe(hit) + hover_words(self.session, plot.lane, unit))

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self._pointer = None
