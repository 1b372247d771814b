"""A layer's units as numbered tiles that scroll: optimised images as they come, still, as differences, or moving."""

from __future__ import annotations

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import TABLE_SIZE, bgra, colourise, lut
from zoo_gui.scales import number
from zoo_gui.widgets.items import ACCENT, RIM, letter_font
from zoo_gui.widgets.pictures import change, change_level, film_fps, frames_of, shown_frame

Qt = QtCore.Qt
TILE = 92  # pixels across, about: the columns fill the width
INSET = 2
STALE = 0.3  # opacity of what was made otherwise


class Units(QtCore.QAbstractListModel):
    """One row a unit. Of those that are finished ``images`` has (h, w, C) uint8, ``values`` the activation."""

    def __init__(self, parent: QtCore.QObject):
        super().__init__(parent)
        self.layer, self.count = "", 0
        self.images: dict[int, np.ndarray] = {}
        self.values: dict[int, float] = {}

    def set_layer(self, layer: str, count: int) -> None:
        self.beginResetModel()
        self.layer, self.count, self.images, self.values = layer, count, {}, {}
        self.endResetModel()

    def put(self, unit: int, image: np.ndarray, value: float) -> None:
        """A finished image, (h, w, C) float in 0–1."""
        self.images[unit] = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
        self.values[unit] = value
        self.dataChanged.emit(self.index(unit), self.index(unit))

    def words(self, unit: int) -> str:
        """What is known of a unit."""
        name = f"{self.layer}:{unit}"
        if unit not in self.values:
            return f"{name} · not computed yet · click to inspect it"
        return f"{name} · activation {number(self.values[unit])} · click to inspect it".replace("-", "−")

    def rowCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else self.count

    def data(self, index, role=Qt.DisplayRole):
        if role == Qt.DisplayRole:
            return str(index.row())
        return self.words(index.row()) if role in (Qt.ToolTipRole, Qt.AccessibleTextRole) else None


class Painter(QtWidgets.QStyledItemDelegate):
    """Draws a tile: its picture, its number on any ground, and a frame around the selected one."""

    def __init__(self, grid: "PatternsGrid"):
        super().__init__(grid)
        self._grid = grid

    def paint(self, painter, option, index) -> None:
        unit, box = index.row(), option.rect.adjusted(INSET, INSET, -INSET, -INSET)
        picture = self._grid.picture(unit)
        painter.save()
        if picture is None:
            painter.fillRect(box, option.palette.window())
        else:
            painter.setOpacity(STALE if self._grid.stale else 1.0)
            painter.drawImage(box, picture)
            painter.setOpacity(1.0)
        painter.setFont(letter_font(8))
        place = box.topLeft() + QtCore.QPoint(3, painter.fontMetrics().ascent() + 1)
        for colour, shift in ((RIM, QtCore.QPoint(1, 1)), (ACCENT, QtCore.QPoint())):
            painter.setPen(colour)
            painter.drawText(place + shift, str(unit))
        if unit == self._grid.selected:
            for colour, width in ((RIM, 4), (ACCENT, 2)):
                painter.setPen(QtGui.QPen(colour, width))
                painter.drawRect(box)
        painter.restore()


    def sizeHint(self, option, index) -> QtCore.QSize:
        return self._grid.gridSize()


class PatternsGrid(QtWidgets.QListView):
    """``chosen``: a clicked unit; ``said``: words about the one under the mouse; ``scrolled``: others are in sight."""

    chosen = QtCore.Signal(int)
    said = QtCore.Signal(str)
    scrolled = QtCore.Signal()

    def __init__(self):
        super().__init__()
        self.units = Units(self)
        self.selected: int | None = None
        self.stale = False
        self.show_as, self.colormap, self.channels = "newest", "CET-D4", 1
        self.level, self._shape = 0.0, (1, 1)  # of differences: what the full colour stands for
        self._playing, self._tick = True, 0
        self._soon = QtCore.QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show_selected)
        self._pictures: dict[int, list[tuple[QtGui.QImage, np.ndarray]]] = {}
        self.setModel(self.units)
        self.setItemDelegate(Painter(self))
        self.setViewMode(self.IconMode)
        self.setResizeMode(self.Adjust)
        self.setMovement(self.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(self.NoSelection)
        self.setVerticalScrollMode(self.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFrameShape(self.NoFrame)
        self.setFocusPolicy(Qt.TabFocus)
        self.setMouseTracking(True)
        self.viewport().setCursor(Qt.PointingHandCursor)
        self.setAccessibleName("Optimised images of the layer's units")
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))
        self.entered.connect(lambda index: self.said.emit(self.units.words(index.row())))
        self.verticalScrollBar().valueChanged.connect(lambda _: self.scrolled.emit())
        self._clock = QtCore.QTimer(self)
        self._clock.timeout.connect(self._next)

    # -- content ------------------------------------------------------------------------------------------------
    def set_layer(self, layer: str, count: int, shape: tuple[int, int] = (1, 1), channels: int = 1) -> None:
        """Start empty with so many units; (height, width) of their images, and channels of each frame in them."""
        self.channels, self.stale, self.level, self._shape = channels, False, 0.0, shape
        self.selected = None  # the next one is brought into sight
        self._pictures.clear()
        self.units.set_layer(layer, count)
        self._fit()

    def put(self, units: tuple[int, ...], images: np.ndarray, values: np.ndarray) -> None:
        """Finished images, (n, h, w, C) float in 0–1, and their activations."""
        for unit, image, value in zip(units, images, values):
            self.units.put(int(unit), image, float(value))
            self._pictures.pop(int(unit), None)
        level = change_level([change(self._image(unit), self.channels) for unit in units])
        if self.show_as == "difference" and level > self.level:
            self._pictures.clear()
            self.viewport().update()
        self.level = max(level, self.level)
        self._run()

    def show_images_as(self, what: str, colormap: str) -> None:
        """``newest`` frame, ``difference`` of newest and oldest, or ``motion``."""
        self.show_as, self.colormap = what, colormap
        self._pictures.clear()
        self.viewport().update()
        self._run()

    def set_stale(self, stale: bool) -> None:
        """What is shown was made otherwise than is wished for now."""
        self.stale = stale
        self.viewport().update()

    def set_selected(self, unit: int | None) -> None:
        """Frame a unit's tile, and bring it into sight."""
        if unit != self.selected:
            self.selected = unit
            self.viewport().update()
            self._show_selected()

    def _show_selected(self) -> None:
        if self.selected is not None and self.selected < self.units.count:
            self.scrollTo(self.units.index(self.selected))

    def visible_units(self) -> list[int]:
        """The units whose tiles are in sight, or partly."""
        sight = self.viewport().rect()
        return [unit for unit in range(self.units.count)
                if self.visualRect(self.units.index(unit)).intersects(sight)]

    def picture(self, unit: int) -> QtGui.QImage | None:
        """What the tile shows now, None before the image is finished."""
        if unit not in self.units.images:
            return None
        if unit not in self._pictures:
            self._pictures[unit] = [_image_of(pixels) for pixels in self._drawn(unit)]
        frames = self._pictures[unit]
        return frames[shown_frame(self._tick, len(frames)) if self._playing else -1][0]

    def _drawn(self, unit: int) -> list[np.ndarray]:
        """RGB32 of every frame that the tile shows in turn."""
        image = self._image(unit)
        if self.show_as == "difference":
            table = lut(self.colormap, TABLE_SIZE, 1.0, True)
            return [colourise(change(image, self.channels), table, self.level, True)]
        frames = frames_of(image, self.channels)
        return frames if self.show_as == "motion" else frames[-1:]

    def _image(self, unit: int) -> np.ndarray:
        return self.units.images[unit].astype(np.float32) / 255

    # -- motion -------------------------------------------------------------------------------------------------
    def set_playing(self, playing: bool) -> None:
        """Whether tiles may move."""
        self._playing = playing
        self.viewport().update()
        self._run()

    @property
    def moving(self) -> bool:
        return self._clock.isActive()

    def _next(self) -> None:
        self._tick += 1
        self.viewport().update()

    def _run(self) -> None:
        if self._playing and self.show_as == "motion" and self.units.images and self.isVisible():
            if not self._clock.isActive():
                self._clock.start(1000 // film_fps(next(iter(self.units.images.values())).shape[-1] // self.channels))
        else:
            self._clock.stop()

    def stop(self) -> None:
        """Nobody looks: nothing moves until something is shown anew."""
        self._clock.stop()

    # -- events -------------------------------------------------------------------------------------------------
    def _fit(self) -> None:
        """Columns of about TILE pixels that fill the width."""
        height, width = self._shape
        columns = max(2, (self.viewport().width() - 2) // TILE)
        across = max(24, (self.viewport().width() - 2) // columns)
        self.setGridSize(QtCore.QSize(across, round((across - 2 * INSET) * height / width) + 2 * INSET))

    def resizeEvent(self, event) -> None:
        sight = QtCore.QRect(QtCore.QPoint(), event.oldSize())
        if self.selected is not None and self.visualRect(self.units.index(self.selected)).intersects(sight):
            self._soon.start(0)  # what was in sight stays so, when the tiles have their new places
        super().resizeEvent(event)
        self._fit()
        self.scrolled.emit()

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.said.emit("")

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._run()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._clock.stop()


def _image_of(pixels: np.ndarray) -> tuple[QtGui.QImage, np.ndarray]:
    """A QImage, and the memory that it reads."""
    memory = np.ascontiguousarray(bgra(pixels) if pixels.ndim == 2 else pixels)
    return ndarray_to_qimage(memory, QtGui.QImage.Format_RGB32), memory
