"""Each agent's game, with score and lives, saliency over it and what the selected unit sees."""

from __future__ import annotations

from functools import partial

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import Veil, blend, observation_to_screen, rgb32, saliency_map, veil
from zoo_gui.scales import Scale, number, stack_is_full
from zoo_gui.types import LaneInfo, Step, Unit
from zoo_gui.widgets.base import PANELS, Panel
from zoo_gui.widgets.items import Canvas, Outline, PixelItem, TextLine, line_height

QRectF = QtCore.QRectF

ASPECT = 4 / 3  # a television's: the console's pixels are wider than high
MARGIN, GAP = 5, 10
TITLE, SCORE = 9.5, 11.0  # points
SALIENCY_BLUR = 1.0  # observation pixels: gradients of single pixels are noise to the eye
PLAYERS = {"agent": "agent plays", "random": "random actions", "human": "you play"}


class GameCell:
    """One agent's picture and the lines around it."""

    def __init__(self, info: LaneInfo, canvas: Canvas):
        self.info = info
        self.title = canvas.add(TextLine(canvas.ink(), points=TITLE, bold=True))
        self.score = canvas.add(TextLine(canvas.ink(), points=SCORE, bold=True))
        self.more = canvas.add(TextLine(canvas.ink(0.7)))
        self.picture = canvas.add(PixelItem())
        self.field = canvas.add(Outline(), 2)
        self.label = canvas.add(TextLine("#ffffff", ground="#000000"), 3)
        self.caption = canvas.add(TextLine(canvas.ink(0.8)))
        self.field.hide()
        self.title.set_text(info.title if info.game in info.title else f"{info.title} · {info.game}")
        self.unit: Unit | None = None
        self._veil: Veil | None = None
        self._frame: np.ndarray | None = None
        self._scale = Scale(1, half_life=45)
        self._saliency_text = self._unit_text = ""

    def place(self, x: float, y: float, width: float, height: float) -> None:
        """Fill the rectangle: title and score above, the picture in its aspect, a caption below."""
        title, score = line_height(TITLE) + 2, line_height(SCORE) + 2
        across, down = _picture_size(width, height - _lines())
        left = int(x + (width - across) / 2)
        self.title.set_box(QRectF(left, y, across, title))
        self.picture.set_box(QRectF(left, int(y + title + score), int(across), int(down)))
        self._place_score()

    def _place_score(self) -> None:
        box = self.picture.box
        top, height = box.top() - line_height(SCORE) - 2, line_height(SCORE) + 2
        wide = min(box.width(), self.score.text_width(self.score.text) + 10)
        self.score.set_box(QRectF(box.left(), top, wide, height))
        self.more.set_box(QRectF(box.left() + wide, top, max(0.0, box.width() - wide), height))
        self.caption.set_box(QRectF(box.left(), box.bottom() + 2, box.width(), line_height()))

    def show_numbers(self, step: Step) -> None:
        self.score.set_text(f"{step.episode_return:g}")
        lives = f"{step.lives} {'life' if step.lives == 1 else 'lives'} · " if step.lives else ""
        self.more.set_text(f"{lives}episode {step.episode + 1} · {PLAYERS.get(step.player, step.player)}")
        self._place_score()

    def show_saliency(self, step: Step, target: str | None, view: dict, signed: bool) -> None:
        """Make the overlay from the step's gradient; None takes it away.

        Full colour is the largest of the last seconds, or of this step where ``view`` has the scale ``frame``.
        """
        if step.saliency is None or not step.saliency.size:
            self._veil = None
            self._write_caption(saliency="")
            return
        weights = np.nan_to_num(saliency_map(step.saliency, signed, SALIENCY_BLUR), posinf=0.0, neginf=0.0)
        magnitude = np.abs(weights)
        self._scale.mode = "frame" if view["scale"] == "frame" else "running"
        self._scale.update(np.array([_high_end(magnitude)], np.float32), counts=stack_is_full(step))
        weights = np.sign(weights) * np.sqrt(magnitude / (float(self._scale.level()) or 1.0))
        self._veil = veil(weights, self.info.screen, view["saliency_opacity"], self.info.frame_box)
        what = {"action": "chosen action", "value": "value", "unit": "selected unit"}.get(target, "")
        self._write_caption(saliency=f"saliency: {what}{', magenta + cyan −' if signed else ''}")

    def show_frame(self, frame: np.ndarray) -> None:
        """Paint (H, W, 3) uint8 under the overlay."""
        self._frame = frame
        pixels = rgb32(frame)
        if self._veil is not None and self._veil.keep.shape == pixels.shape:
            pixels = blend(pixels, self._veil)
        self.picture.set_pixels(pixels)

    def refresh(self) -> None:
        """Paint the last frame anew."""
        if self._frame is not None:
            self.show_frame(self._frame)

    def show_field(self, step: Step | None) -> None:
        """Draw what the selected unit sees where it is strongest."""
        layer = self.info.layer(self.unit.layer) if self.unit else None
        values = step.decision.activations.get(self.unit.layer) if layer and step else None
        if values is None or self.unit.index >= values.shape[-1]:
            self._put_field(None, "", "")
        elif layer.receptive_field is None or values.ndim != 3:
            self._put_field(None, "", f"{self.unit} = {number(values[self.unit.index])} sees the whole screen")
        else:
            plane = values[..., self.unit.index]
            row, column = np.unravel_index(int(np.argmax(plane)), plane.shape)
            if not plane[row, column] and not layer.signed:
                self._put_field(None, "", f"{self.unit} is silent")
                return
            box = layer.receptive_field.box(int(row), int(column))
            seen = observation_to_screen(box, self.info.observation_shape[:2], self.info.screen, self.info.frame_box)
            self._put_field(seen, f"{self.unit} = {number(plane[row, column])}", "")

    def _put_field(self, seen: tuple[float, float, float, float] | None, text: str, caption: str) -> None:
        """Outline ``seen``, (x, y, width, height) in screen pixels, with a label; or say it in the caption."""
        self.field.setVisible(seen is not None)
        self.label.set_text(text)
        self._write_caption(unit=caption)
        if seen is not None:
            frame, (down, across) = self.picture.box, self.info.screen
            sx, sy = frame.width() / across, frame.height() / down
            box = QRectF(frame.x() + seen[0] * sx, frame.y() + seen[1] * sy, seen[2] * sx, seen[3] * sy)
            self.field.set_box(box)
            self._put_label(text, box)

    def _write_caption(self, saliency: str | None = None, unit: str | None = None) -> None:
        self._saliency_text = self._saliency_text if saliency is None else saliency
        self._unit_text = self._unit_text if unit is None else unit
        self.caption.set_text(" · ".join(part for part in (self._saliency_text, self._unit_text) if part))

    def _put_label(self, text: str, beside: QRectF) -> None:
        """Above the box, or inside where there is no room above."""
        frame, height = self.picture.box, line_height() + 2
        width = min(self.label.text_width(text) + 8, frame.width())
        left = min(max(beside.left() - 1, frame.left()), frame.right() - width)
        top = beside.top() - height - 2 if beside.top() - height - 2 >= frame.top() else beside.top() + 2
        self.label.set_box(QRectF(left, top, width, height))


def _lines() -> int:
    """Pixels of the lines around a picture."""
    return line_height(TITLE) + line_height(SCORE) + line_height() + 6


def _high_end(magnitude: np.ndarray) -> float:
    """The 99.5th percentile: single pixels may go beyond full colour, so that the rest can be seen."""
    place = int(0.995 * (magnitude.size - 1))
    return float(np.partition(magnitude, place, axis=None)[place])


def _picture_size(width: float, height: float) -> tuple[float, float]:
    across = max(8.0, min(width, height * ASPECT))
    return across, across / ASPECT


def best_grid(count: int, width: float, height: float, head: float) -> int:
    """Columns that make ``count`` pictures largest, each under a heading; side by side when that is as good."""
    def size(columns: int) -> float:
        rows = -(-count // columns)
        across = (width - GAP * (columns - 1)) / columns
        down = (height - GAP * (rows - 1)) / rows - head
        return round(_picture_size(across, down)[0], 3)

    return max(range(1, count + 1), key=lambda columns: (size(columns), columns))


@PANELS.register("game")
class GamePanel(Panel):
    """The screen as a television shows it; the context menu has the saliency's sign."""

    title = "Game"
    area = "left"

    def build(self) -> QtWidgets.QWidget:
        self._canvas = canvas = Canvas()
        canvas.resized.connect(lambda: self._guard(self._arrange))
        canvas.clicked.connect(lambda _, double: canvas.view.show_whole() if double else None)
        self._signed = QtGui.QAction("Signed saliency", canvas, checkable=True)
        self._signed.toggled.connect(partial(self._guard, self._repaint))
        canvas.view.actions.append(self._signed)
        self._cells: dict[int, GameCell] = {}
        self._shown: tuple[LaneInfo, ...] | None = None
        return canvas

    def set_lanes(self, lanes) -> None:
        if lanes == self._shown:
            return
        self._shown = lanes
        self._canvas.clear_items()
        self._cells = {info.lane: GameCell(info, self._canvas) for info in lanes}
        if self.session.selected is not None:
            self.show_unit(*self.session.selected)
        self._arrange()

    def show_step(self, lane, step, summaries) -> None:
        cell = self._cells.get(lane)
        if cell is None:
            return
        cell.show_numbers(step)
        cell.show_saliency(step, self.session.saliency, self.session.view, self._signed.isChecked())
        cell.show_field(step)
        if step.saliency is not None:
            cell.refresh()

    def show_frame(self, lane, frame) -> None:
        if lane in self._cells:
            self._cells[lane].show_frame(frame)

    def show_unit(self, lane, unit) -> None:
        for cell in self._cells.values():
            cell.unit = unit if cell.info.lane == lane else None
            cell.show_field(self.session.last_step(cell.info.lane))

    def show_view(self, view) -> None:
        self._repaint()

    def _repaint(self, _checked: bool = False) -> None:
        """Show each lane's last step anew: the settings changed."""
        for lane, cell in self._cells.items():
            step = self.session.last_step(lane)
            if step is not None:
                self.show_step(lane, step, [])
                cell.refresh()

    def _arrange(self) -> None:
        if not self._cells:
            return
        width, height = (size - 2 * MARGIN for size in self._canvas.extent)
        columns = best_grid(len(self._cells), width, height, _lines())
        rows = -(-len(self._cells) // columns)
        across, down = (width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows
        for place, cell in enumerate(self._cells.values()):
            row, column = divmod(place, columns)
            cell.place(MARGIN + column * (across + GAP), MARGIN + row * (down + GAP), across, down)
            cell.show_field(self.session.last_step(cell.info.lane))
