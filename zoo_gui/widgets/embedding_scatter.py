"""The scatter of an embedding: points that are pointed at, clicked and lassoed, and the games' dots that move in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui.imaging import bgra
from zoo_gui.naming import lane_letter
from zoo_gui.tokens import DARK
from zoo_gui.widgets.embedding_colours import SHAPES, cloud, within
from zoo_gui.widgets.inks import hue, mixed
from zoo_gui.widgets.items import ACCENT, RIM, BoxItem, Canvas, letter_font

QRectF, QPointF, Qt = QtCore.QRectF, QtCore.QPointF, QtCore.Qt
MARGIN, REACH = 14, 9  # screen pixels: around the points, and from the mouse to the point that it means
FEW, RADIUS, RADIUS_OF_MANY = 1500, 3.5, 2.6
DOT = 8.0
STEP = 3.0  # screen pixels between two corners of a lasso
ARROWS = {Qt.Key_Left: "left", Qt.Key_Right: "right", Qt.Key_Up: "up", Qt.Key_Down: "down"}
WAYS = {"up": (0, -1), "down": (0, 1)}
OWN_KEYS = frozenset({*(shift + way for way in ("Left", "Right", "Up", "Down") for shift in ("", "Shift+")),
                      "Return", "Enter", "Home", "End"})  # fmt: skip


class Dot(NamedTuple):
    """Where a lane's game is. trail: (T, 2) in the embedding's plane, the newest last; a row of nan is a gap. space:
    which of the embedding's. sure: whether the state resembles a known one."""

    lane: int
    trail: np.ndarray
    space: int
    sure: bool = True


class Cloud(BoxItem):
    """All of it, painted in screen pixels, so that points keep their size; the points are a ready picture."""

    def __init__(self, owner: "Scatter"):
        super().__init__()
        self.owner = owner
        self._key: tuple | None = None
        self._pixels: np.ndarray | None = None  # the QImage reads this memory
        self._image: QtGui.QImage | None = None

    def forget(self) -> None:
        """The points, or their colours, are others."""
        self._key = None
        self.update()

    def paint(self, painter: QtGui.QPainter, option, widget=None) -> None:
        owner, across = self.owner, painter.worldTransform()
        painter.resetTransform()
        if owner.embedding is not None:
            ratio = painter.device().devicePixelRatioF()
            key = (across.m11(), across.m22(), across.dx(), across.dy(), owner.extent, ratio)
            if key != self._key:
                self._key = key
                self._draw_points(across, ratio)
            painter.drawImage(QPointF(0, 0), self._image)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        owner.paint_marks(painter, across)

    def _draw_points(self, across: QtGui.QTransform, ratio: float) -> None:
        owner = self.owner
        width, height = (round(side * ratio) for side in owner.extent)
        places = on_screen(owner.places, across) * ratio
        picture = cloud(places, owner.colours, owner.shapes, (height, width), owner.ground().rgb() & 0xFFFFFF,
                        owner.radius * ratio, None if owner.selected is None else ~owner.selected)  # fmt: skip
        self._pixels = bgra(picture)
        self._image = ndarray_to_qimage(self._pixels, QtGui.QImage.Format_RGB32)
        self._image.setDevicePixelRatio(ratio)


def on_screen(places: np.ndarray, across: QtGui.QTransform) -> np.ndarray:
    """(N, 2) canvas positions in screen pixels."""
    return places * [across.m11(), across.m22()] + [across.dx(), across.dy()]


class Scatter(Canvas):
    """``pointed_at``: the point under the mouse, −1: none. ``picked``: one that was clicked, or Enter. ``lassoed``:
    (which points, (N,) bool; whether they are added to the others). ``stepped``: the keys moved the mark to a point.

    The wheel zooms, dragging moves, a double click shows all. A drag with Shift, or every drag while ``lassoing``,
    draws a lasso. With the focus ← and → go through time, ↑ and ↓ to the neighbour that way, and Shift takes along what
    is passed.
    """

    pointed_at, picked, stepped = QtCore.Signal(int), QtCore.Signal(int), QtCore.Signal(int)
    lassoed = QtCore.Signal(object, bool)

    def __init__(self, hint: str):
        super().__init__()
        self.setAccessibleName("Map of moments")
        self.hint = hint
        self.embedding: Any = None
        self.places = np.zeros((0, 2))
        self.colours, self.shapes = np.zeros(0, np.uint32), np.zeros(0, np.int64)
        self.selected: np.ndarray | None = None
        self.marked = self.under = -1
        self.dots: tuple[Dot, ...] = ()
        self.stale = False
        self._path: list[QPointF] = []
        self._tiles: list[tuple[np.ndarray, np.ndarray]] = []
        self._order = np.zeros(0, np.int64)
        self.cloud = self.add(Cloud(self))
        self.view.boxing = "shift"
        self.view.boxed.connect(self._on_drag)
        self.resized.connect(self._arrange)
        self.pointed.connect(self._on_point)
        self.clicked.connect(self._on_click_at)
        self.setAccessibleName("Embedding of moments")
        self._arrange()

    # -- what is shown ----------------------------------------------------------------------------------------------
    def show_embedding(self, embedding: Any) -> None:
        """Show another one; None: none. Colours are to be given next."""
        same = self.embedding is not None and embedding is not None and \
            np.array_equal(self.embedding.moments, embedding.moments) and \
            np.array_equal(self.embedding.lanes, embedding.lanes)  # fmt: skip
        self.embedding, self.stale, self._path = embedding, False, []
        if not same:
            self.selected, self.marked, self.under, self.dots = None, -1, -1, ()
        count = 0 if embedding is None else len(embedding.points)
        self.shapes = np.zeros(0, np.int64) if embedding is None else embedding.lanes % len(SHAPES)
        self._order = np.zeros(0, np.int64) if embedding is None else np.lexsort((embedding.moments, embedding.lanes))
        if len(self.colours) != count:
            self.colours = np.full(count, 0x8E939B, np.uint32)
        self._arrange()

    def show_colours(self, colours: np.ndarray) -> None:
        """(N,) uint32 RGB32."""
        self.colours = colours
        self.cloud.forget()

    def select(self, rows: np.ndarray | None) -> None:
        """Show these points bright and the others pale; (N,) bool, None: all alike."""
        self.selected = rows
        self.cloud.forget()

    def show_dots(self, dots: tuple[Dot, ...]) -> None:
        """Where the games are."""
        if dots or self.dots:
            self.dots = dots
            self.cloud.update()

    def mark(self, point: int) -> None:
        """Ring a point, −1: none."""
        self.marked = point
        self.cloud.update()

    def set_stale(self, stale: bool) -> None:
        """Dim everything: its agents are no longer there."""
        self.stale = stale
        self.cloud.update()

    def set_lassoing(self, always: bool) -> None:
        """Whether every drag draws a lasso, or only those with Shift."""
        self.view.boxing = "always" if always else "shift"
        self.viewport().setCursor(Qt.CrossCursor if always else Qt.ArrowCursor)

    @property
    def radius(self) -> float:
        """Of a point, in screen pixels."""
        return RADIUS if len(self.places) <= FEW else RADIUS_OF_MANY

    # -- where things lie -------------------------------------------------------------------------------------------
    def _arrange(self) -> None:
        """Each of the embedding's spaces in a part of the canvas of its own, all points of it in sight."""
        width, height = self.extent
        self.cloud.set_box(QRectF(0, 0, width, height))
        self._tiles, self.places = [], np.zeros((0, 2))
        if self.embedding is not None:
            points = np.asarray(self.embedding.points, np.float64)
            whose = np.asarray(self.embedding.spaces)[self.embedding.lanes]
            count = max(self.embedding.spaces) + 1
            self.places = np.full((len(points), 2), np.nan)
            for space in range(count):
                rows = whose == space
                self._tiles.append(_fitted(points[rows], (width / count * space, 0, width / count, height)))
                self.places[rows] = self.on_canvas(points[rows], space)
        self.cloud.forget()

    def on_canvas(self, points: np.ndarray, space: int) -> np.ndarray:
        """(N, 2) places of the plane as canvas positions."""
        scale, shift = self._tiles[space]
        return points * scale + shift

    def near(self, position: QPointF) -> int:
        """The point that a canvas position means; −1: none."""
        if not len(self.places):
            return -1
        zoom = self.view.viewPixelSize()
        apart = (((self.places - [position.x(), position.y()]) / zoom) ** 2).sum(1)
        apart[np.isnan(apart)] = np.inf
        best = int(apart.argmin())
        return best if apart[best] <= REACH**2 else -1

    def in_window(self, point: int) -> QtCore.QPoint:
        """A point's place in the widget."""
        return self.mapFromScene(self.view.mapViewToScene(QPointF(*self.places[point])))

    # -- painting ---------------------------------------------------------------------------------------------------
    def ground(self) -> QtGui.QColor:
        """Dark in any theme: the colours of points, up to viridis' yellow, are made for it."""
        return hue(DARK.background)

    def ink(self, strength: float = 1.0) -> QtGui.QColor:
        return mixed(DARK.background, DARK.text, strength)

    def paint_marks(self, painter: QtGui.QPainter, across: QtGui.QTransform) -> None:
        """What lies on the points."""
        if self.embedding is None:
            painter.setPen(self.ink(0.8))
            painter.setFont(letter_font(10))
            area = QtCore.QRect(QtCore.QPoint(0, 0), self.viewport().size()).adjusted(10, 6, -10, -6)
            painter.drawText(area, int(Qt.AlignCenter | Qt.TextWordWrap), self.hint)
            return
        if self.stale:
            veil = self.ground()
            veil.setAlpha(150)
            painter.fillRect(self.viewport().rect(), veil)
        self._paint_borders(painter, across)
        for point, width in ((self.under, 1.0), (self.marked, 2.0)):
            if 0 <= point < len(self.places):
                middle = QPointF(*on_screen(self.places[point], across))
                for colour, more in ((RIM, 2.0), (ACCENT, 0.0)):
                    painter.setPen(QtGui.QPen(colour, width + more))
                    painter.drawEllipse(middle, self.radius + 3, self.radius + 3)
        for dot in self.dots:
            self._paint_dot(painter, dot, across)
        if len(self._path) > 1:
            lasso = QtGui.QPolygonF([across.map(corner) for corner in self._path])
            for colour, width in ((RIM, 3.0), (ACCENT, 1.2)):
                painter.setPen(QtGui.QPen(colour, width, Qt.DashLine))
                painter.drawPolygon(lasso)

    def _paint_borders(self, painter: QtGui.QPainter, across: QtGui.QTransform) -> None:
        """Lines between maps that have nothing to do with each other, and whose each is."""
        count = len(self._tiles)
        painter.setPen(self.ink(0.7))
        for space in range(count if count > 1 else 0):
            left = across.map(QPointF(self.extent[0] / count * space, 0.0))
            if space:
                painter.drawLine(QPointF(left.x(), 0), QPointF(left.x(), self.extent[1]))
            names = [name for name, own in zip(self.embedding.agents, self.embedding.spaces) if own == space]
            painter.drawText(QPointF(left.x() + 5, 13), ", ".join(names))

    def _paint_dot(self, painter: QtGui.QPainter, dot: Dot, across: QtGui.QTransform) -> None:
        if dot.space >= len(self._tiles) or not len(dot.trail) or np.isnan(dot.trail[-1]).any():
            return
        places, colour = on_screen(self.on_canvas(dot.trail, dot.space), across), hue(DARK.lanes[dot.lane % 4])
        for number, (one, other) in enumerate(zip(places, places[1:]), 1):
            if not (np.isnan(one).any() or np.isnan(other).any()):
                colour.setAlpha(round(230 * number / len(places)))
                painter.setPen(QtGui.QPen(colour, 2.0))
                painter.drawLine(QPointF(*one), QPointF(*other))
        colour.setAlpha(255)
        middle = QPointF(*places[-1])
        painter.setPen(QtGui.QPen(RIM, 2.5))
        painter.setBrush(colour if dot.sure else self.ground())
        painter.drawEllipse(middle, DOT + 1, DOT + 1)
        painter.setPen(QtGui.QPen(ACCENT if dot.sure else colour, 1.2, Qt.SolidLine if dot.sure else Qt.DashLine))
        painter.drawEllipse(middle, DOT, DOT)
        painter.setFont(letter_font(8, bold=True))
        painter.setPen(RIM if dot.sure else colour)
        painter.drawText(QRectF(middle.x() - DOT, middle.y() - DOT, 2 * DOT, 2 * DOT), int(Qt.AlignCenter),
                         lane_letter(dot.lane))  # fmt: skip
        painter.setBrush(Qt.NoBrush)

    # -- mouse ------------------------------------------------------------------------------------------------------
    def _on_point(self, position: QPointF | None) -> None:
        point = -1 if position is None or self._path else self.near(position)
        if self.view.boxing != "always":
            self.viewport().setCursor(Qt.PointingHandCursor if point >= 0 else Qt.ArrowCursor)
        if point != self.under:
            self.under = point
            self.cloud.update()
            self.pointed_at.emit(point)

    def _on_click_at(self, position: QPointF, double: bool) -> None:
        point = self.near(position)
        if point >= 0 and not double:
            self.mark(point)
            self.picked.emit(point)
        elif point < 0 and double:
            self.view.show_whole()

    def _on_drag(self, box: QRectF, done: bool) -> None:
        """The box's corners are where the drag began and where the mouse is now: the lasso's next corner."""
        if self.embedding is None:
            return
        if not self._path:
            self._path = [box.topLeft()]
        gap = self._path[-1] - box.bottomRight()
        zoom = self.view.viewPixelSize()
        if done or abs(gap.x()) / zoom[0] + abs(gap.y()) / zoom[1] >= STEP:
            self._path.append(box.bottomRight())
        if done:
            path, self._path = np.array([(corner.x(), corner.y()) for corner in self._path]), []
            adding = bool(QtGui.QGuiApplication.keyboardModifiers() & Qt.ControlModifier)
            self.lassoed.emit(within(self.places, path), adding)
        self.cloud.update()

    # -- keys -------------------------------------------------------------------------------------------------------
    @property
    def own_keys(self) -> frozenset[str]:
        """Keys that mean something here while it has the focus, not in the window (see ``keys.Keys``)."""
        if self.embedding is None:
            return frozenset()
        return OWN_KEYS | ({"Esc"} if self.selected is not None else set())

    def event(self, event) -> bool:
        """Its keys are not the window's shortcuts while it has the focus."""
        mine = {*ARROWS, Qt.Key_Return, Qt.Key_Enter, Qt.Key_Home, Qt.Key_End, Qt.Key_Escape}
        if event.type() == QtCore.QEvent.ShortcutOverride and event.key() in mine and self.embedding is not None:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        key = event.key()
        if self.embedding is None or not len(self.places):
            event.ignore()
        elif key in ARROWS or key in (Qt.Key_Home, Qt.Key_End):
            self._walk(key, bool(event.modifiers() & Qt.ShiftModifier))
        elif key in (Qt.Key_Return, Qt.Key_Enter) and self.marked >= 0:
            self.picked.emit(self.marked)
        elif key == Qt.Key_Escape and self.selected is not None:
            self.lassoed.emit(np.zeros(len(self.places), bool), False)
        else:
            event.ignore()

    def _walk(self, key: int, along: bool) -> None:
        before = self.marked
        self.mark(self._next(key))
        self.stepped.emit(self.marked)
        if along:
            rows = np.zeros(len(self.places), bool)
            rows[[point for point in (before, self.marked) if point >= 0]] = True
            self.lassoed.emit(rows, True)

    def _next(self, key: int) -> int:
        """Where a key leads from the mark."""
        order, here = self._order, self.marked
        if here < 0:
            return int(order[-1] if key == Qt.Key_End else order[0])
        if key in (Qt.Key_Left, Qt.Key_Right):
            place = int(np.flatnonzero(order == here)[0]) + (1 if key == Qt.Key_Right else -1)
            return int(order[min(max(place, 0), len(order) - 1)])
        if key in (Qt.Key_Home, Qt.Key_End):
            mine = order[self.embedding.lanes[order] == self.embedding.lanes[here]]
            return int(mine[0 if key == Qt.Key_Home else -1])
        return self._neighbour(here, np.array(WAYS[ARROWS[key]], float))

    def _neighbour(self, here: int, way: np.ndarray) -> int:
        """The nearest point in a right angle around that direction; the same where there is none."""
        gaps = self.places - self.places[here]
        ahead = gaps @ way
        aside = np.abs(gaps @ way[::-1])
        apart = np.where((ahead > 0.5) & (aside <= ahead), np.hypot(ahead, aside), np.inf)
        best = int(np.nan_to_num(apart, nan=np.inf).argmin())
        return best if np.isfinite(apart[best]) else here


def _fitted(points: np.ndarray, box: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """((2,) scale, (2,) shift) that bring points into a box (left, top, width, height), upright and undistorted."""
    left, top, width, height = box
    known = points[np.isfinite(points).all(1)]
    low, high = (known.min(0), known.max(0)) if len(known) else (np.zeros(2), np.ones(2))
    room = np.maximum([width - 2 * MARGIN, height - 2 * MARGIN], 1.0)
    scale = float(min(room / np.maximum(high - low, 1e-9))) if (high > low).any() else 1.0
    middle = (low + high) / 2
    return np.array([scale, -scale]), np.array([left + width / 2, top + height / 2]) - middle * [scale, -scale]
