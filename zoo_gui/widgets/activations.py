"""All layers of all agents at once: a column per agent, a row per layer, convolutions as mosaics."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import Hit, Mosaic, share_height
from zoo_gui.scales import LayerPicture, PictureBook, pair_rows
from zoo_gui.shortcuts import key_of
from zoo_gui.tokens import pixels
from zoo_gui.types import LaneInfo, LayerInfo, Unit
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import Ink
from zoo_gui.widgets.items import RIGHT, Canvas, MosaicItem, Outline, TextLine, line_height
from zoo_gui.widgets.lights import Light, LightLabel, hover_words, lit
from zoo_gui.widgets.parts import of_boxes

QRectF, Qt = QtCore.QRectF, QtCore.Qt

STRIPS = ("logits", "q", "value")  # kinds that get one line: another panel shows them as labelled bars
COLUMN_GAP, ROW_GAP, MARGIN = 14, 7, 5
STRIP_CELL = 36  # pixels of an output's cell, at most
LEAST_LAYER = 8  # pixels of a layer's height
CLEAR = 4  # pixels between text and mosaic: Qt repaints what is nearer than 2 to a change
MARK_EVERY = 15  # steps between two looks at which units are dead
ARROWS = {Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1)}


class LayerCell:
    """One layer of one agent on the canvas: its name, its colour bar and its mosaic.

    ``shares``: the scale is that of a column further left, which has the bar.
    """

    def __init__(self, lane: int, picture: LayerPicture, canvas: Canvas, shares: bool = False):
        self.lane, self.picture, self.info = lane, picture, picture.info
        self.strip = self.info.kind in STRIPS
        mosaic = Mosaic.of(self.info.shape, self.info.units)
        self.item = canvas.add(MosaicItem(mosaic, "background", Ink(0.5)))
        self.name = canvas.add(TextLine(Ink(), bold=True))
        self.shape = canvas.add(TextLine(Ink(0.7)))
        self.bar = canvas.add(TextLine(Ink(0.7), align=RIGHT) if shares else ColourBar(Ink(0.7)))
        self.name.set_text(self.info.name)
        self.shape.set_text("×".join(map(str, self.info.shape)))
        if shares:
            self.bar.set_text("same scale")
        self.shares, self._steps = shares, 0

    def place(self, x: int, y: int, width: int, height: int, head: int) -> None:
        """Fill the rectangle: heading of ``head`` pixels (0: none), then the mosaic; a strip has all in one line."""
        left = self._place_heading(x, y, width, head) if head else 0
        for part in (self.name, self.shape, self.bar):
            part.setVisible(head > 0 and part.box.width() > 0)
        if self.strip:
            mosaic = Mosaic.of(self.info.shape, self.info.units)
            right = self.bar.box.width() + 8 if head else 0
            across = max(8, min(width - left - right, STRIP_CELL * self.info.units))
            box = QRectF(x + left, y + 3, across, height - 6)
        else:
            mosaic = Mosaic.fit(self.info.shape, width, height - head)
            box = QRectF(x, y + head, width, height - head)
            if len(self.info.shape) == 3:
                scale = mosaic.scale(width, height - head)
                box = QRectF(x, y + head, int(mosaic.size[1] * scale), int(mosaic.size[0] * scale))
        self.item.set_mosaic(mosaic)
        self.item.set_box(box)

    def _place_heading(self, x: int, y: int, width: int, head: int) -> float:
        """Name, shape where it fits, colour bar; returns the width of what stands left."""
        top, head = y + (2 if self.strip else 0), head - CLEAR
        if self.shares:
            bar = self.bar.text_width(self.bar.text) + 4
        else:
            bar = max(min(pixels(170), width * 0.48), self.bar.least_width(self.info.signed))
        name, shape = (part.text_width(part.text) + 7 for part in (self.name, self.shape))
        left = max(pixels(84), name + shape) if self.strip else name + shape
        if self.strip and left + bar + pixels(60) > width or name + bar > width:
            bar = 0
        shape = shape if left + bar <= width else 0
        self.name.set_box(QRectF(x, top, min(name, width), head))
        self.shape.set_box(QRectF(x + name, top, shape, head))
        self.bar.set_box(QRectF(x + width - bar, top, bar, head))
        return left

    def draw(self, view: dict) -> None:
        """Show the picture's newest values."""
        picture = self.picture
        if picture.values is None:
            return
        self.item.show(picture.colours(view))
        if not self.shares:
            self.bar.set_levels(*picture.levels(view))
        if self._steps % MARK_EVERY == 0:
            self.item.set_marks(picture.vitality.marks())
        self._steps += 1


@PANELS.register("activations")
class ActivationsPanel(Panel):
    """Hovering names a unit and its value; click or arrow keys select; double click or Z enlarges the layer."""

    title = "Activations"
    area = "centre"
    about = "Every layer of every agent at once, as it is now: a row for each layer, a tile for each unit."

    def build(self) -> QtWidgets.QWidget:
        self._canvas = canvas = Canvas()
        canvas.setAccessibleName("Activations of every layer")
        canvas.resized.connect(lambda: self._guard(self._arrange))
        canvas.clicked.connect(partial(self._guard, self._click))
        canvas.pointed.connect(partial(self._guard, self._point))
        self.setFocusProxy(canvas)
        self._cells: dict[tuple[int, str], LayerCell] = {}
        self._titles: dict[int, TextLine] = {}
        self._pointer: QtCore.QPointF | None = None
        self._labels = True
        self._shown: tuple[LaneInfo, ...] | None = None
        self._outline = canvas.add(Outline(), 2)
        self._outline.hide()
        self._lights: list[tuple[Light, LightLabel]] = []
        self._book = PictureBook.of(self.session)
        return canvas

    def _connect(self) -> None:
        super()._connect()
        self.session.counterparts_changed.connect(lambda: self.is_seen and self._guard(self._light))

    # -- what the session says ------------------------------------------------------------------------------------
    def set_lanes(self, lanes) -> None:
        self._book.set_lanes(lanes)
        self._book.set_mode(self.session.view["scale"])
        if lanes == self._shown and all(cell.picture is self._book[key] for key, cell in self._cells.items()):
            return  # out of sight, an agent may have come and gone: the book then has new pictures of the same layers
        self._shown = lanes
        self._canvas.clear_items()
        self._outline = self._canvas.add(Outline(), 2)
        self._outline.hide()
        self._lights = []
        self._cells, self._titles, scales = {}, {}, set()
        for info in lanes:
            self._titles[info.lane] = title = self._canvas.add(TextLine(Ink(), points=9.5, bold=True))
            title.set_text(info.title if info.layers else f"{info.title}: no network to look into")
            for layer in info.layers:
                picture = self._book[info.lane, layer.name]
                shares = id(picture.scale) in scales
                scales.add(id(picture.scale))
                self._cells[info.lane, layer.name] = LayerCell(info.lane, picture, self._canvas, shares)
        self._colour_bars()
        self._arrange()

    def show_step(self, lane, step, summaries) -> None:
        self._book.take(lane, step)
        for (cell_lane, _), cell in self._cells.items():
            if cell_lane == lane:
                cell.draw(self.session.view)
        if self._pointer is not None:
            self._hover()

    def show_unit(self, lane, unit) -> None:
        cell = self._cells.get((lane, unit.layer)) if unit is not None else None
        self._outline.setVisible(cell is not None)
        if cell is not None:
            self._outline.set_box(cell.item.tile_box(min(unit.index, cell.info.units - 1)))
        self._light()

    def _light(self) -> None:
        """Frame what the other agents have in place of the selected unit."""
        found = [(facing, words) for facing, words in lit(self.session)
                 if (facing.lane, facing.unit.layer) in self._cells]
        while len(self._lights) < len(found):
            self._lights.append((self._canvas.add(Light(), 3), self._canvas.add(LightLabel(), 4)))
        for light, label in self._lights[len(found):]:
            light.hide()
            label.hide()
        for (light, label), (facing, words) in zip(self._lights, found):
            cell = self._cells[facing.lane, facing.unit.layer]
            box = cell.item.tile_box(min(facing.unit.index, cell.info.units - 1))
            light.light(facing, box, words)
            label.light(facing, box, self._canvas.extent[0])

    def show_view(self, view) -> None:
        self._book.set_mode(view["scale"])
        if view.get("labels", True) != self._labels:
            self._arrange()
        self._colour_bars()
        for cell in self._cells.values():
            cell.draw(view)

    def named_parts(self) -> list[Part]:
        first = [cell for (lane, _), cell in self._cells.items() if lane == min(lane for lane, _ in self._cells)]
        rows = []
        for cell in first:
            tiles = f"{cell.info.units} maps, a tile each" if len(cell.info.shape) == 3 else "a cell for each unit"
            words = f"What the layer {cell.info.name} makes of the moment on screen: {tiles}; click one to select it."
            rows.append((cell.item.box, f"{cell.info.name}: {tiles}", words))
        rows += [(cell.bar.box, "colour bar", "From the least to the largest value of a layer.") for cell in first[:1]]
        if self._outline.isVisible():
            keys = " ".join(key_of(f"move_{way}") for way in ("up", "left", "down", "right"))
            rows.append((self._outline.box, "the selected unit", f"Its panel is Unit; arrows or {keys} move on."))
        return of_boxes(self, self._canvas, rows)

    # -- layout ---------------------------------------------------------------------------------------------------
    def _arrange(self) -> None:
        """Give every cell its place, and draw it."""
        if not self.lanes or self._shown != self.lanes:
            return
        self._ask_for_height()
        width, height = self._canvas.extent
        rows = pair_rows(self.lanes)
        labels = self._labels = bool(self.session.view.get("labels", True))
        head = line_height() + CLEAR if labels else 0
        title = line_height(9.5) + 4 if labels or len(self.lanes) > 1 or not rows else 0
        column = (width - 2 * MARGIN - COLUMN_GAP * (len(self.lanes) - 1)) / len(self.lanes)
        tall = [[layer.shape for layer in row if layer] for row in rows if not self._is_strip(row)]
        strips = (len(rows) - len(tall)) * (line_height() + 6)
        free = height - 2 * MARGIN - title - strips - len(tall) * (head + ROW_GAP)
        heights = share_height(max(8.0, column), max(8.0 * len(tall), free), tall) if tall else []
        slack = max(0.0, free - sum(heights)) / max(1, len(tall))
        left = {info.lane: int(MARGIN + place * (column + COLUMN_GAP)) for place, info in enumerate(self.lanes)}
        for info in self.lanes:
            self._titles[info.lane].set_box(QRectF(left[info.lane], MARGIN, column, max(1, title)))
            self._titles[info.lane].setVisible(title > 0)
        top, heights = MARGIN + title, iter(heights)
        for row in rows:
            strip = self._is_strip(row)
            tallness = line_height() + 6 if strip else head + next(heights)
            for info, layer in zip(self.lanes, row):
                if layer:
                    cell = self._cells[info.lane, layer.name]
                    cell.place(left[info.lane], int(top), int(column), int(tallness), head)
                    cell.draw(self.session.view)
            top += tallness if strip else tallness + ROW_GAP + min(slack, 24)
        if self.session.selected is not None:
            self.show_unit(*self.session.selected)

    def _ask_for_height(self) -> None:
        """As much as the lines of words need, and a little for each layer between them."""
        rows = pair_rows(self.lanes)
        strips = sum(map(self._is_strip, rows))
        lines = line_height(9.5) + 4 + (len(rows) - strips) * (line_height() + CLEAR) if self._labels else 0
        least = lines + strips * (line_height() + 6) + (len(rows) - strips) * (LEAST_LAYER + ROW_GAP) + 2 * MARGIN
        if least != self._canvas.minimumHeight():
            self._canvas.setMinimumHeight(least)

    def _colour_bars(self) -> None:
        for cell in self._cells.values():
            if not cell.shares:
                cell.bar.set_table(cell.picture.table(self.session.view))

    @staticmethod
    def _is_strip(row: list[LayerInfo | None]) -> bool:
        return all(layer is None or layer.kind in STRIPS for layer in row)

    # -- mouse and keys -------------------------------------------------------------------------------------------
    def _find(self, position) -> tuple[LayerCell, Hit] | None:
        for cell in self._cells.values():
            hit = cell.item.hit(position)
            if hit is not None:
                return cell, hit
        return None

    def _point(self, position) -> None:
        self._pointer = position
        self._hover() if position is not None else self.session.hover("")

    def _hover(self) -> None:
        found = self._find(self._pointer)
        if found is None:
            self.session.hover("")
            return
        cell, hit = found
        lit_words = hover_words(self.session, cell.lane, Unit(cell.info.name, hit.unit))
        self.session.hover(cell.picture.describe(hit) + lit_words)

    def _click(self, position, double: bool) -> None:
        found = self._find(position)
        if found is None:
            if double:
                self._canvas.view.show_whole()
            return
        cell, hit = found
        if double:
            self.session.set_view(enlarged=cell.info.name)
        else:
            self.session.select(cell.lane, Unit(cell.info.name, hit.unit))

    def keyPressEvent(self, event) -> None:
        if event.key() in ARROWS:
            reach = 3 if event.modifiers() & Qt.ShiftModifier else 1
            self.move_selection(*(reach * way for way in ARROWS[event.key()]))
        elif event.key() == Qt.Key_Z and not event.modifiers():
            self.toggle_enlarged()
        else:
            super().keyPressEvent(event)

    def toggle_enlarged(self) -> None:
        """Enlarge the layer under the cursor, else the selected unit's; or stop enlarging."""
        found = self._find(self._pointer) if self._pointer is not None else None
        selected = self.session.selected
        name = found[0].info.name if found else selected[1].layer if selected else None
        self.session.set_view(enlarged=None if self.session.view.get("enlarged") else name)

    def move_selection(self, dx: int, dy: int) -> None:
        """Move the selected unit by tiles; up and down cross into the next layer at the panel's edge of a layer."""
        current = self._selected_cell()
        if current is None:
            self._select_first()
            return
        cell, index = current
        mosaic = cell.item.mosaic
        unit = mosaic.neighbour(index, dx, dy)
        if unit is None:
            beside = self._layer_beside(cell, 1 if dy > 0 else -1)
            if beside is None:
                return
            centre = cell.item.tile_box(index).center().x()
            cell, mosaic = beside, beside.item.mosaic
            row = 0 if dy > 0 else mosaic.rows - 1
            across = (centre - cell.item.box.x()) / cell.item.box.width() * mosaic.columns
            unit = min(row * mosaic.columns + min(max(int(across), 0), mosaic.columns - 1), mosaic.count - 1)
        self.session.select(cell.lane, Unit(cell.info.name, unit))

    def move_layer(self, by: int) -> None:
        """Select in the layer below (+1) or above (−1), the unit's number kept as far as it exists there."""
        current = self._selected_cell()
        if current is None:
            self._select_first()
            return
        beside = self._layer_beside(current[0], by)
        if beside is not None:
            self.session.select(beside.lane, Unit(beside.info.name, min(current[1], beside.info.units - 1)))

    def _selected_cell(self) -> tuple[LayerCell, int] | None:
        if self.session.selected is None:
            return None
        lane, unit = self.session.selected
        cell = self._cells.get((lane, unit.layer))
        return None if cell is None else (cell, min(unit.index, cell.info.units - 1))

    def _select_first(self) -> None:
        for cell in self._cells.values():
            self.session.select(cell.lane, Unit(cell.info.name, 0))
            return

    def _layer_beside(self, cell: LayerCell, by: int) -> LayerCell | None:
        column = [other for other in self._cells.values() if other.lane == cell.lane]
        place = column.index(cell) + by
        return column[place] if 0 <= place < len(column) else None
