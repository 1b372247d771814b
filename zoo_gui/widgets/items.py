"""Things that panels draw with: a canvas that zooms and pans, and the items on it.

What changes many times a second is painted as a ready RGB32 image: a twentieth of an ImageItem's cost.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import Hit, Mosaic, bgra
from zoo_gui.scales import DEAD, SATURATED
from zoo_gui.widgets.inks import ACCENT, RIM, Ink, cosmetic, hue, letter_font, line_height  # noqa: F401

QRectF, QPointF, QLineF, Qt = QtCore.QRectF, QtCore.QPointF, QtCore.QLineF, QtCore.Qt
LEFT, CENTRE, RIGHT = Qt.AlignLeft, Qt.AlignHCenter, Qt.AlignRight


class PictureView(pg.ViewBox):
    """A plain image view: y points down, one unit is one screen pixel at rest; wheel zooms, dragging pans.

    ``actions``: QActions above the context menu's own. ``boxing``: which drags draw a box instead: those with Shift
    (``shift``), ``always`` or none (""); ``boxed``: (box from where it began, maybe of negative size; is it done).
    """

    boxed = QtCore.Signal(object, bool)

    def __init__(self):
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0)
        self.actions: list[QtGui.QAction] = []
        self._popup: QtWidgets.QMenu | None = None
        self._whole, self.boxing = QRectF(0, 0, 1, 1), ""

    def mouseDragEvent(self, ev, axis=None) -> None:
        if ev.button() != Qt.LeftButton or self.boxing not in ("always", ev.modifiers() & Qt.ShiftModifier and "shift"):
            return super().mouseDragEvent(ev, axis)
        ev.accept()
        corners = map(self.mapSceneToView, (ev.buttonDownScenePos(), ev.scenePos()))
        self.boxed.emit(QRectF(*corners), ev.isFinish())

    def show_whole(self, whole: QRectF | None = None) -> None:
        """Back to the whole picture; ``whole``: its new extent."""
        self._whole = whole or self._whole
        self.setLimits(xMin=self._whole.left(), xMax=self._whole.right(), yMin=self._whole.top(),
                       yMax=self._whole.bottom(), minXRange=8, minYRange=8)
        self.setRange(self._whole, padding=0, disableAutoRange=True)

    def mouseClickEvent(self, ev) -> None:
        if ev.button() == Qt.RightButton:
            ev.accept()
            self.raiseContextMenu(ev)

    def raiseContextMenu(self, ev) -> None:
        self._popup = QtWidgets.QMenu()
        self._popup.addActions(self.actions)
        self._popup.addAction("Reset view", self.show_whole)
        self.scene().addParentContextMenus(self, self._popup, ev)
        self._popup.popup(ev.screenPos().toPoint())

    def getContextMenus(self, event) -> list:
        return []


class Canvas(pg.GraphicsView):
    """One PictureView that fills the widget; positions are widget pixels at rest, (0, 0) top left.

    ``clicked``: left click, (position, double); ``pointed``: the mouse's position, or None when it leaves;
    ``resized``: lay the items out anew. A double click outside of what a panel handles resets the view.
    """

    clicked = QtCore.Signal(object, bool)
    pointed = QtCore.Signal(object)
    resized = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent, background=None)
        self.view = PictureView()
        self.setCentralItem(self.view)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMinimumSize(120, 60)
        self.scene().sigMouseMoved.connect(lambda position: self.pointed.emit(self.view.mapSceneToView(position)))
        self.scene().sigMouseClicked.connect(self._on_click)
        self._paint_background()

    @property
    def extent(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return max(1, self.viewport().width()), max(1, self.viewport().height())

    def add(self, item: QtWidgets.QGraphicsItem, level: float = 0.0):
        """Put an item on the canvas; higher levels lie above. Returns the item."""
        item.setZValue(level)
        self.view.addItem(item, ignoreBounds=True)
        return item

    def clear_items(self) -> None:
        """Remove every item that was added."""
        self.view.clear()

    def ink(self, strength: float = 1.0) -> QtGui.QColor:
        """The text colour on this canvas, as it is now."""
        return Ink(strength)()

    def ground(self) -> QtGui.QColor:
        """The background colour."""
        return hue("background")

    def look_changed(self) -> None:
        """Another theme or type size: paint the ground, and have everything laid out anew."""
        self._paint_background()
        for item in self.scene().items():
            if isinstance(item, BoxItem):
                item.look_changed()
        self.resized.emit()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if hasattr(self, "view"):
            self.view.show_whole(QRectF(0, 0, *self.extent))
            self.resized.emit()

    def keyPressEvent(self, event) -> None:
        event.ignore()  # keys belong to the panel around it and to the window

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.pointed.emit(None)

    def _paint_background(self) -> None:
        self.setBackground(self.ground())

    def _on_click(self, event) -> None:
        if event.button() == Qt.LeftButton and not event.isAccepted():
            self.clicked.emit(self.view.mapSceneToView(event.scenePos()), event.double())


class BoxItem(pg.GraphicsObject):
    """An item that fills ``box``, a rectangle in canvas positions."""

    def __init__(self, box: QRectF | None = None):
        super().__init__()
        self.box = box or QRectF(0, 0, 1, 1)

    def set_box(self, box: QRectF) -> None:
        if box != self.box:
            self.prepareGeometryChange()
            self.box = box
            self._arrange()
            self.update()

    def _arrange(self) -> None:
        """The box changed."""

    def set_type(self) -> None:
        """Make fonts and what was measured with them; called again when the type size changes."""

    def look_changed(self) -> None:
        """Another theme or type size."""
        self.set_type()
        self._arrange()
        self.update()

    def boundingRect(self) -> QRectF:
        return self.box


class PixelItem(BoxItem):
    """A ready picture stretched over the box, nearest-neighbour, opaque."""

    def __init__(self, box: QRectF | None = None):
        super().__init__(box)
        self._pixels: np.ndarray | None = None  # the QImage reads this memory
        self._image: QtGui.QImage | None = None

    def set_pixels(self, pixels: np.ndarray) -> None:
        """Show (H, W, 4) uint8 BGRA or (H, W) uint32 RGB32; the array is read at every paint, not copied."""
        self._pixels = np.ascontiguousarray(bgra(pixels) if pixels.ndim == 2 else pixels)
        self._image = ndarray_to_qimage(self._pixels, QtGui.QImage.Format_RGB32)
        self.update()

    @property
    def pixels(self) -> np.ndarray | None:
        """What is shown, (H, W, 4) uint8 BGRA."""
        return self._pixels

    def paint(self, painter, option, widget=None) -> None:
        if self._image is not None:
            painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform, False)
            painter.drawImage(self.box, self._image)


class MosaicItem(PixelItem):
    """A layer's mosaic with lines between the tiles and marks on dead (cross) and saturated (corner) units."""

    def __init__(self, mosaic: Mosaic, line, mark):
        super().__init__()
        self.mosaic = mosaic
        self._hues = line, mark
        self._line, self._mark = hue(line), hue(mark)
        self._marks = np.zeros(mosaic.count, np.uint8)
        self._canvas = mosaic.canvas(0xFF000000 | self._line.rgb())
        self._grid: list[QRectF] = []
        self._grid_zoom: tuple[float, float] | None = None
        self._crosses: list[QLineF] = []
        self._corners: list[QtGui.QPolygonF] = []

    def show(self, colours: np.ndarray) -> None:
        """Show RGB32 of the layer's shape, (H, W, C) or (N,) uint32."""
        self.set_pixels(self.mosaic.paste(colours, self._canvas))

    def set_mosaic(self, mosaic: Mosaic) -> None:
        """Lay the tiles out anew; the picture stays empty until the next ``show``."""
        if mosaic != self.mosaic:
            self.mosaic, self._canvas = mosaic, mosaic.canvas(0xFF000000 | self._line.rgb())
            self._arrange()

    def look_changed(self) -> None:
        before = 0xFF000000 | self._line.rgb()
        self._line, self._mark = map(hue, self._hues)
        self._canvas[self._canvas == before] = 0xFF000000 | self._line.rgb()  # between and after the tiles
        super().look_changed()

    def set_marks(self, marks: np.ndarray) -> None:
        """(C,) of imaging.DEAD and imaging.SATURATED."""
        if not np.array_equal(marks, self._marks):
            self._marks = marks
            self._arrange()
            self.update()

    def tile_box(self, unit: int) -> QRectF:
        """Where a unit's tile lies on the canvas."""
        x, y, width, height = self.mosaic.rectangle(unit)
        across, down = self._scale()
        return QRectF(self.box.x() + x * across, self.box.y() + y * down, width * across, height * down)

    def hit(self, position: QPointF) -> Hit | None:
        """The unit and map position at a canvas position."""
        if not self.box.contains(position):
            return None
        across, down = self._scale()
        return self.mosaic.hit((position.x() - self.box.x()) / across, (position.y() - self.box.y()) / down)

    def paint(self, painter, option, widget=None) -> None:
        super().paint(painter, option, widget)
        self._paint_grid(painter)
        if self._crosses or self._corners:
            painter.setPen(cosmetic(self._mark))
            painter.drawLines(self._crosses)
            painter.setBrush(self._mark)
            for corner in self._corners:
                painter.drawPolygon(corner)

    def _paint_grid(self, painter) -> None:
        """Lines of one or two screen pixels between tiles; as filled boxes, which Qt paints faster than wide lines."""
        zoom = painter.worldTransform().m11(), painter.worldTransform().m22()
        if zoom != self._grid_zoom:
            self._grid, self._grid_zoom = self._grid_boxes(*zoom), zoom
        painter.setPen(Qt.NoPen)
        painter.setBrush(self._line)
        painter.drawRects(self._grid)

    def _grid_boxes(self, across: float, down: float) -> list[QRectF]:
        mosaic, box, tile = self.mosaic, self.box, self.tile_box(0)
        side = min(tile.width() * abs(across), tile.height() * abs(down))
        if side < 4 or mosaic.gutter:
            return []
        pixels = 2 if side >= 20 else 1
        wide, high = pixels / abs(across), pixels / abs(down)
        boxes = [QRectF(box.x() + column * tile.width() - wide / 2, box.y(), wide, box.height())
                 for column in range(1, mosaic.columns)]
        return boxes + [QRectF(box.x(), box.y() + row * tile.height() - high / 2, box.width(), high)
                        for row in range(1, mosaic.rows)]

    def _scale(self) -> tuple[float, float]:
        height, width = self.mosaic.size
        return self.box.width() / width, self.box.height() / height

    def _arrange(self) -> None:
        self._grid_zoom, self._crosses, self._corners = None, [], []
        for unit in np.flatnonzero(self._marks):
            tile = self.tile_box(int(unit))
            inset = min(tile.width(), tile.height()) * 0.2
            inner = tile.adjusted(inset, inset, -inset, -inset)
            if self._marks[unit] == DEAD:
                self._crosses += [QLineF(inner.topLeft(), inner.bottomRight()),
                                  QLineF(inner.topRight(), inner.bottomLeft())]
            elif self._marks[unit] == SATURATED:
                side = 1.5 * inset
                corner = tile.topRight()
                self._corners.append(QtGui.QPolygonF(
                    [corner, corner - QPointF(side, 0), corner + QPointF(0, side)]))


class TextLine(BoxItem):
    """One line of text in a box, cut with … where it is too long."""

    def __init__(self, colour, *, points: float = 9.0, bold: bool = False, align=LEFT, ground=None):
        super().__init__()
        self._colour, self._align, self._ground = colour, align | Qt.AlignVCenter, ground
        self._text, self._shown, self._type = "", "", (points, bold)
        self.set_type()

    def set_type(self) -> None:
        self._font = letter_font(*self._type)
        self._metrics = QtGui.QFontMetricsF(self._font)

    def set_text(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._arrange()
            self.update()

    @property
    def text(self) -> str:
        return self._text

    def text_width(self, text: str) -> float:
        """Pixels that a text would take."""
        return self._metrics.horizontalAdvance(text)

    def paint(self, painter, option, widget=None) -> None:
        if self._ground is not None and self._shown:
            width = min(self.box.width(), self.text_width(self._shown) + 6)
            painter.fillRect(QRectF(self.box.x(), self.box.y(), width, self.box.height()), hue(self._ground))
        painter.setFont(self._font)
        painter.setPen(hue(self._colour))
        margin = 3 if self._ground is not None else 0
        painter.drawText(self.box.adjusted(margin, 0, 0, 0), int(self._align), self._shown)

    def _arrange(self) -> None:
        shown = self._metrics.elidedText(self._text, Qt.ElideRight, self.box.width() + 1)
        self._shown = "" if shown == "…" else shown  # alone it says nothing


class Outline(BoxItem):
    """A frame around a box: bright with a dark rim, of constant width on screen; ``dashed``: not settled yet."""

    def __init__(self, colour=ACCENT, width: float = 2.0, dashed: bool = False):
        super().__init__()
        self._pens = cosmetic(RIM, width + 2), cosmetic(colour, width)
        self._pens[1].setStyle(Qt.DashLine if dashed else Qt.SolidLine)
        self._margin = width + 2

    def boundingRect(self) -> QRectF:
        return self.box.adjusted(-self._margin, -self._margin, self._margin, self._margin)

    def paint(self, painter, option, widget=None) -> None:
        painter.setBrush(Qt.NoBrush)
        for pen in self._pens:
            painter.setPen(pen)
            painter.drawRect(self.box)
