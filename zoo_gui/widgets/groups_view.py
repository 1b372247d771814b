"""The Groups panel's parts: the game under the groups' colours, and one row for each group."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import factors
from zoo_gui.imaging import rgb32
from zoo_gui.scales import number
from zoo_gui.types import LaneInfo, Step
from zoo_gui.widgets.controls import button, fit, mark, role
from zoo_gui.widgets.inks import ACCENT, RIM, Ink
from zoo_gui.widgets.items import Canvas, PixelItem, TextLine, line_height
from zoo_gui.widgets.pictures import Strip, Tile

QRectF, Qt = QtCore.QRectF, QtCore.Qt
ASPECT = 4 / 3
FAINT = 0.3  # of its level: a group below it gets no letter on the picture
SHEET_WIDTH = 110


class LiveGroups(Canvas):
    """The screen now, each group in its colour where it is strong, with its letter where it is strongest.

    said: words about the place under the mouse. only: the group that is shown alone, None: all.
    """

    said = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self.picture = self.add(PixelItem())
        self.caption = self.add(TextLine(Ink(0.7)))
        self._letters: list[TextLine] = []
        self._result, self._info, self._step = None, None, None
        self._strengths: np.ndarray | None = None
        self.only: int | None = None
        self.overlaid = self.with_rest = True
        self.resized.connect(self._arrange)
        self.pointed.connect(self._on_point)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Ignored)

    def show_groups(self, result: Any, info: LaneInfo | None) -> None:
        """Follow this result on that lane; None: none."""
        self._result, self._info, self._strengths, self.only = result, info, None, None
        for letter in self._letters:
            letter.hide()
        while result is not None and len(self._letters) < result.count:
            self._letters.append(self.add(TextLine(RIM, points=9, bold=True, ground=ACCENT), 2))
            self._letters[-1].hide()

    def follow(self, info: LaneInfo) -> None:
        """The lane of the result is this one now."""
        self._info = info

    def clear(self) -> None:
        """There is no game to be shown."""
        self._step = None
        self._show(np.zeros((1, 1, 3), np.uint8))
        self._say()

    def show_step(self, step: Step) -> None:
        """The newest moment of the lane."""
        self._step = step
        self.draw()

    def isolate(self, group: int | None) -> None:
        """Show one group alone, None: all of them."""
        if group != self.only:
            self.only = group
            self.draw()

    def _say(self) -> None:
        """What of the groups is seen."""
        words = "" if self._strengths is None or not self.overlaid else (
            "all groups; a row under the mouse: that one alone" if self.only is None else
            f"only {factors.LETTERS[self.only]}, the row under the mouse")  # fmt: skip
        self.caption.set_text(words)

    def draw(self) -> None:
        """Paint the moment anew."""
        self._draw()
        self._say()

    def _draw(self) -> None:
        step, result = self._step, self._result
        if step is None:
            return
        values = step.decision.activations.get(result.layer) if result is not None else None
        self._strengths = None
        if values is None or values.shape[-1] != result.kernel.shape[0]:
            self._show(step.frame)
            return
        found = result.strengths(values)
        rest = factors.residual(values, found, result.directions) / max(result.rest, 1e-12)
        self._strengths = np.atleast_2d(found / np.maximum(result.levels, 1e-12)).reshape(-1, found.shape[-1])
        shape = values.shape[:2] if values.ndim == 3 else (1, 1)
        self._strengths = self._strengths.reshape(*shape, -1)
        if not self.overlaid:
            self._show(step.frame)
            return
        shown = self._strengths
        if self.only is not None:
            shown = shown * (np.arange(shown.shape[-1]) == self.only)
        grey = rest.reshape(shape) * 0.6 if self.with_rest and self.only is None else None
        box = factors.on_screen(result.info, result.observation, self._info.screen, self._info.frame_box)
        self._show(factors.overlay(step.frame, shown, result.colours, box, rest=grey))
        self._place_letters()

    def _show(self, frame: np.ndarray) -> None:
        for letter in self._letters:
            letter.hide()
        self.picture.set_pixels(rgb32(np.ascontiguousarray(frame)))

    def _arrange(self) -> None:
        width, height = self.extent
        line = line_height()
        across = max(8.0, min(width, (height - line) * ASPECT))
        box = QRectF((width - across) / 2, 0.0, across, across / ASPECT)  # at the top, where the rows begin
        self.picture.set_box(box)
        self.caption.set_box(QRectF(box.x(), box.bottom() + 1, box.width(), line))
        self._place_letters()

    def _place_letters(self) -> None:
        """Each shown group's letter where it is strongest; of a layer without positions, in the corner."""
        if self._strengths is None or not self.overlaid:
            return
        for group in range(self._strengths.shape[-1]):
            plane, letter = self._strengths[..., group], self._letters[group]
            place = int(plane.argmax())
            shown = bool(plane.flat[place] >= FAINT) and self.only in (None, group)
            letter.setVisible(shown)
            if shown:
                letter.set_text(factors.LETTERS[group])
                centre = self._on_canvas(*divmod(place, plane.shape[1]))
                if plane.size == 1:
                    centre = self.picture.box.topLeft() + QtCore.QPointF(14 + 18 * group, 12)
                letter.set_box(QRectF(centre.x() - 7, centre.y() - line_height() / 2, 16, line_height()))

    def _cells(self) -> QRectF:
        """Where the whole map lies on the canvas."""
        top, left, height, width = factors.on_screen(
            self._result.info, self._result.observation, self._info.screen, self._info.frame_box)
        box, (down, across) = self.picture.box, self._info.screen
        sx, sy = box.width() / across, box.height() / down
        return QRectF(box.x() + left * sx, box.y() + top * sy, width * sx, height * sy)

    def _on_canvas(self, row: int, column: int) -> QtCore.QPointF:
        cells, (rows, columns) = self._cells(), self._strengths.shape[:2]
        return QtCore.QPointF(cells.x() + (column + 0.5) * cells.width() / columns,
                              cells.y() + (row + 0.5) * cells.height() / rows)

    def _on_point(self, position) -> None:
        if position is None or self._strengths is None or not self._cells().contains(position):
            self.said.emit("")
            return
        cells, (rows, columns) = self._cells(), self._strengths.shape[:2]
        row = min(int((position.y() - cells.y()) / cells.height() * rows), rows - 1)
        column = min(int((position.x() - cells.x()) / cells.width() * columns), columns - 1)
        here = self._strengths[row, column] * self._result.levels
        order = [k for k in np.argsort(-here, kind="stable")[:3] if here[k] > 0]
        words = ", ".join(f"{factors.LETTERS[k]} {number(float(here[k]))}" for k in order) or "no group"
        self.said.emit(f"{self._result.layer} at row {row}, column {column}: {words}")


class GroupRow(QtWidgets.QFrame):
    """One group: its letter and colour (a click selects it as a unit), its name, its share, its strongest moments."""

    chosen = QtCore.Signal(int)
    named = QtCore.Signal(int, str)
    visited = QtCore.Signal(object)
    pointed = QtCore.Signal(object)

    def __init__(self, result: Any, group: int, name: str = ""):
        super().__init__()
        self.group = group
        self.setAccessibleName(f"Group {result.letters[group]}")
        self.setMouseTracking(True)
        colour = f"#{bytes(result.colours[group].tolist()).hex()}"
        ink = (RIM if int(result.colours[group].astype(int) @ (299, 587, 114)) > 110_000 else ACCENT).name()
        tip = "Select this group as a unit; it becomes one first, where it is none."
        self.letter = button(result.letters[group], tip, lambda: self.chosen.emit(group))
        mark(self.letter, "strong", True)
        self.letter.setStyleSheet(f"QPushButton {{ background: {colour}; color: {ink}; padding: 3px }}")
        self.letter.setAccessibleName(f"Select group {result.letters[group]}")
        self.name = QtWidgets.QLineEdit(name)
        self.name.setPlaceholderText("name it")
        self.name.setFocusPolicy(Qt.StrongFocus)
        fit(self.name, "n" * 15)
        role(self.name, "caption")
        self.name.setToolTip("What you call it, wherever it is shown.")
        self.name.setAccessibleName(f"Name of group {result.letters[group]}")
        self.name.editingFinished.connect(lambda: self.named.emit(group, self.name.text().strip()))
        self.about = QtWidgets.QLabel(f"{result.shares[group]:.1%} explained")
        role(self.about, "caption")
        units = ", ".join(f"{unit} ({weight:.2f})" for unit, weight in result.strongest(group))
        self.units = QtWidgets.QLabel(f"units {units}")
        role(self.units, "caption")
        self.units.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Preferred)
        self.units.setToolTip("The units with the largest weights in the group.")
        self.sheet = Strip(max(1, len(result.top[group])))
        self.sheet.show_tiles([
            Tile(rgb32(result.picture(group, found)), number(found.strength), found.moment,
                 f"Game {found.episode + 1}, step {found.index}: {number(found.strength)} · a click shows it",
                 aspect=ASPECT)
            for found in result.top[group]
        ], largest=SHEET_WIDTH)  # fmt: skip
        self.sheet.chosen.connect(self.visited)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QtWidgets.QHBoxLayout()
        head.setSpacing(6)
        for widget in (self.letter, self.name, self.about):
            head.addWidget(widget)
        head.addStretch(1)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 4)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.units)
        column.addWidget(self.sheet)

    def set_selected(self, selected: bool) -> None:
        """Frame the row, or not."""
        mark(self, "chosen", selected)

    def enterEvent(self, event) -> None:
        super().enterEvent(event)
        self.pointed.emit(self.group)

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.pointed.emit(None)
