"""The pictures of Side by side: a table of two agents and their difference, a row for each thing that is compared."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import numpy as np
from pyqtgraph.Qt import QtCore

from zoo_gui.scales import number
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import Ink, hue
from zoo_gui.widgets.items import BoxItem, Canvas, PixelItem, TextLine, letter_font, line_height
from zoo_gui.widgets.pictures import Veil

QRectF, Qt = QtCore.QRectF, QtCore.Qt
ROWS = {"now": "Activation now", "saliency": "Saliency now", "vis": "Looks for", "patches": "Fired at"}
LEFT, RIGHT, DIFFERENCE = range(3)
GAP = 6
BESIDE = 74  # pixels that words beside a picture need
LARGEST = 220
FLAT = (1, 3)  # height and width of a unit without a map


def signed_number(value: float) -> str:
    """A number in three significant digits, with a true minus."""
    return number(value).replace("-", "−")


class Words(BoxItem):
    """A few words, wrapped in their box."""

    def __init__(self, colour):
        super().__init__()
        self._colour, self._align, self.text = colour, Qt.AlignLeft | Qt.AlignTop, ""
        self.set_type()

    def set_type(self) -> None:
        self._font = letter_font(8.5)

    def show_text(self, text: str, align=Qt.AlignLeft | Qt.AlignTop) -> None:
        if (text, align) != (self.text, self._align):
            self.text, self._align = text, align
            self.update()

    def paint(self, painter, option, widget=None) -> None:
        painter.setFont(self._font)
        painter.setPen(hue(self._colour))
        painter.drawText(self.box, int(self._align | Qt.TextWordWrap), self.text)


class Picture(NamedTuple):
    """pixels: (H, W) uint32 or (H, W, 4) uint8 BGRA. choice: what a click chooses, None: nothing. tip: on hover."""

    pixels: np.ndarray
    choice: Any = None
    tip: str = ""


class Cell:
    """Pictures side by side with words beside or below them; or only words."""

    def __init__(self, canvas: Canvas):
        self._canvas, self.box = canvas, QRectF(0, 0, 1, 1)
        self.words = canvas.add(Words(Ink(0.85)), 1)
        self.veil = canvas.add(Veil(150), 2)
        self.veil.hide()
        self.items: list[PixelItem] = []
        self.pictures: tuple[Picture, ...] = ()
        self._shape: tuple[int, int] = (1, 1)

    def show(self, pictures: Sequence[Picture], words: str, shape: tuple[int, int] | None = None) -> None:
        """shape: (height, width) of each on screen, up to a factor; None: of their pixels."""
        self.veil.hide()
        shape = shape or tuple(max((p.pixels.shape[place] for p in pictures), default=1) for place in (0, 1))
        changed = (len(pictures), shape) != (len(self.pictures), self._shape) or bool(words) != bool(self.words.text)
        self.pictures, self._shape = tuple(pictures), shape
        while len(self.items) < len(pictures):
            self.items.append(self._canvas.add(PixelItem()))
            changed = True
        for place, item in enumerate(self.items):
            item.setVisible(place < len(pictures))
        for item, picture in zip(self.items, pictures):
            item.set_pixels(picture.pixels)
        self.words.show_text(words)
        if changed:
            self.place(self.box)

    def say(self, sentence: str) -> None:
        """Words in place of pictures."""
        self.show((), sentence)

    @property
    def empty(self) -> bool:
        return not self.pictures

    def place(self, box: QRectF) -> None:
        self.box = box
        count, line = len(self.pictures), line_height(8.5)
        if not count:
            self.words.set_box(box)
            self.veil.set_box(box)
            return
        height, width = self._shape
        wide = width * count

        def scale(across: float, down: float) -> float:
            return max(0.0, min((across - (count - 1) * 3) / wide, down / height, LARGEST / max(height, width)))

        below = scale(box.width(), box.height() - line)
        beside = scale(box.width() - BESIDE, box.height())
        size = max(below, beside, 1e-6)
        for place, item in enumerate(self.items[:count]):
            item.set_box(QRectF(box.x() + place * (width * size + 3), box.y(), width * size, height * size))
        end = self.items[count - 1].box
        if beside >= below:
            self.words.set_box(QRectF(end.right() + 5, box.y(), box.right() - end.right() - 5, box.height()))
        else:
            self.words.set_box(QRectF(box.x(), end.bottom() + 1, box.width(), line))
        self.veil.set_box(QRectF(box.x(), box.y(), end.right() - box.x(), end.height()))

    def hit(self, position) -> Picture | None:
        """The picture at a canvas position."""
        for item, picture in zip(self.items, self.pictures):
            if item.box.contains(position):
                return picture
        return None


class PairGrid(Canvas):
    """``chosen(column, choice)``: a clicked picture. ``said``: what is under the mouse."""

    chosen = QtCore.Signal(int, object)
    said = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self.hint = self.add(Words(Ink(0.8)), 1)
        self.heads = [self.add(TextLine(Ink(), points=9.5, bold=True)) for _ in range(3)]
        self.names = {row: self.add(TextLine(Ink(0.9), bold=True)) for row in ROWS}
        self.bars = {row: self.add(ColourBar(Ink(0.75))) for row in ROWS}
        self.cells = {row: [Cell(self) for _ in range(3)] for row in ROWS}
        for row, title in ROWS.items():
            self.names[row].set_text(title)
            self.bars[row].hide()
        self.resized.connect(self.arrange)
        self.clicked.connect(self._choose)
        self.pointed.connect(self._on_point)
        self.show_hint("")

    def show_hint(self, text: str) -> None:
        """Words in place of everything; "": the table."""
        self.hint.show_text(text, Qt.AlignCenter)
        self.hint.setVisible(bool(text))
        for item in (*self.heads, *self.names.values()):
            item.setVisible(not text)
        if text:
            for row in ROWS:
                self.bars[row].hide()
                for cell in self.cells[row]:
                    cell.say("")

    def set_heads(self, texts: Sequence[tuple[str, Any]]) -> None:
        """(text, colour) above each column."""
        for place, (text, colour) in enumerate(texts):
            self.view.removeItem(self.heads[place])
            self.heads[place] = self.add(TextLine(colour or Ink(), points=9.5, bold=True))
            self.heads[place].set_text(text)
        self.arrange()

    def set_scale(self, row: str, table: np.ndarray | None, low: str = "", high: str = "") -> None:
        """The one scale of a row's two pictures; None: none is shown."""
        self.bars[row].setVisible(table is not None)
        if table is not None:
            self.bars[row].set_table(table)
            self.bars[row].set_levels(low, high)

    def arrange(self) -> None:
        width, height = self.extent
        line = line_height()
        self.hint.set_box(QRectF(12, 8, width - 24, height - 16))
        across = (width - 4 * GAP) / 3
        lefts = [GAP + column * (across + GAP) for column in range(3)]
        for head, left in zip(self.heads, lefts):
            head.set_box(QRectF(left, 0, across, line + 2))
        down = (height - line - 4) / len(ROWS)
        for place, row in enumerate(ROWS):
            top = line + 4 + place * down
            self.names[row].set_box(QRectF(lefts[0], top, across, line))
            self.bars[row].set_box(QRectF(lefts[1], top, min(across, 190.0), line))
            for cell, left in zip(self.cells[row], lefts):
                cell.place(QRectF(left, top + line + 1, across, max(10.0, down - line - 5)))

    def _at(self, position) -> tuple[int, Picture] | None:
        if position is None:
            return None
        for cells in self.cells.values():
            for column, cell in enumerate(cells):
                picture = cell.hit(position)
                if picture is not None:
                    return column, picture
        return None

    def _choose(self, position, double: bool) -> None:
        found = self._at(position)
        if found is not None and found[1].choice is not None:
            self.chosen.emit(found[0], found[1].choice)
        elif double:
            self.view.show_whole()

    def _on_point(self, position) -> None:
        found = self._at(position)
        clickable = found is not None and found[1].choice is not None
        self.setCursor(Qt.PointingHandCursor if clickable else Qt.ArrowCursor)
        self.said.emit("" if found is None else found[1].tip)
