"""One agent's game: the picture with what is laid over it, and the lines around it."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore

from zoo_gui import overlays, tokens
from zoo_gui.imaging import Veil, blend, observation_to_screen, rgb32, screen_to_observation, veil
from zoo_gui.overlays import Overlay
from zoo_gui.naming import action_symbol, lane_letter, readable_action
from zoo_gui.scales import Scale, number, stack_is_full
from zoo_gui.types import LaneInfo, Step, Unit
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import ACCENT, RIM, Ink, lane_ink
from zoo_gui.widgets.items import Canvas, Outline, PixelItem, TextLine, line_height

QRectF = QtCore.QRectF

ASPECT = 4 / 3  # a television's: the console's pixels are wider than high
TITLE, SCORE = 9.5, 11.0  # points
ROLES = {"drives": "drives", "watches": "watches", "replay": "recording"}
"""What a lane is told to be where all see one game."""
PLAYERS = {"agent": "agent plays", "random": "random actions", "human": "you play"}
COVERED = tokens.DARK.warning  # of an intervention; over a game, which is dark in any theme
BAR = 150  # pixels of the colour bar where the type is normal


class GameCell:
    """One agent's picture and the lines around it."""

    def __init__(self, info: LaneInfo, canvas: Canvas):
        self.info = info
        self.title = canvas.add(TextLine(Ink(), points=TITLE, bold=True))
        self.score = canvas.add(TextLine(Ink(), points=SCORE, bold=True))
        self.badge = canvas.add(TextLine("base", bold=True, ground=lane_ink(info.lane)))
        self.more = canvas.add(TextLine(Ink(0.7)))
        self.picture = canvas.add(PixelItem())
        self.field = canvas.add(Outline(), 2)
        self.label = canvas.add(TextLine(ACCENT, ground=RIM), 4)
        self.cover = canvas.add(Outline(COVERED), 3)
        self.cover_label = canvas.add(TextLine(COVERED, ground=RIM), 4)
        self.region = canvas.add(Outline(dashed=True), 2)
        self.caption = canvas.add(TextLine(Ink(0.8)))
        self.bar = canvas.add(ColourBar(Ink(0.8)))
        for item in (self.field, self.cover, self.region, self.bar):
            item.hide()
        role = ROLES.get(info.input)
        letter = lane_letter(info.lane)
        self._badges = (f"{letter} {role}", letter) if role else ("",)
        self.badge.set_text(self._badges[0])
        self.title.set_text(info.title if info.game in info.title else f"{info.title} · {info.game}")
        self.unit: Unit | None = None
        self._said: tuple[Step, str] | None = None
        self._veil: Veil | None = None
        self._frame: np.ndarray | None = None
        self._newest: np.ndarray | None = None  # a copy, of the steady display only: the frame's memory is used again
        self._before: np.ndarray | None = None
        self._below = 0.0  # screen pixels under the picture
        self._boxes: dict[Outline, tuple[int, int, int, int] | None] = {}
        self._saliency_text = self._unit_text = self._decision_text = self._fault = ""
        self.begin_saliency("")

    # -- layout -------------------------------------------------------------------------------------------------
    def place(self, x: float, y: float, width: float, height: float) -> None:
        """Fill the rectangle: title and score above, the picture in its aspect, a caption below."""
        title, score = line_height(TITLE) + 2, line_height(SCORE) + 2
        across, down = picture_size(width, height - lines())
        left = int(x + (width - across) / 2)
        self.title.set_box(QRectF(left, y, across, title))
        self.picture.set_box(QRectF(left, int(y + title + score), int(across), int(down)))
        self._below = y + height - self.picture.box.bottom() - 2
        self._place_lines()
        for outline, box in list(self._boxes.items()):
            self._put(outline, box)
        if self._said is not None:  # there may be room for more words now, or for fewer
            self.show_numbers(*self._said)

    def _place_lines(self) -> None:
        box = self.picture.box
        top, height = box.top() - line_height(SCORE) - 2, line_height(SCORE) + 2
        wide = min(box.width(), self.score.text_width(self.score.text) + 10)
        self.score.set_box(QRectF(box.left(), top, wide, height))
        badges = [(name, self.badge.text_width(name) + 8 if name else 0.0) for name in self._badges]
        words, marked = next((one for one in badges if one[1] <= box.width() - wide), badges[-1])
        marked = min(marked, max(0.0, box.width() - wide))
        self.badge.set_text(words)
        self.badge.set_box(QRectF(box.left() + wide, top, marked, height))
        wide += marked + 4 if marked else 0.0
        self.more.set_box(QRectF(box.left() + wide, top, max(0.0, box.width() - wide), height))
        line, bar = line_height(), tokens.pixels(BAR)
        least = self.bar.least_width()
        room = min(max(min(bar, box.width() / 2), least), box.width())
        under = self._below >= 2 * line + 2  # else the colour bar shares the caption's line
        taken = room if self.bar.isVisible() and not under else 0.0
        self.caption.set_box(QRectF(box.left(), box.bottom() + 2, box.width() - taken, line))
        place = (box.left(), box.bottom() + 4 + line) if under else (box.right() - room, box.bottom() + 2)
        self.bar.set_box(QRectF(*place, min(bar, box.width()) if under else room, line))

    # -- numbers ------------------------------------------------------------------------------------------------
    def show_numbers(self, step: Step, played: str = "") -> None:
        """played: what the game is told, a name of ``naming.MEANINGS``, where another lane or a recording says it."""
        self._said = step, played
        self.score.set_text(f"{step.episode_return:g}")
        lives = f"{step.lives} {'life' if step.lives == 1 else 'lives'} · " if step.lives else ""
        player = PLAYERS.get(step.player, step.player)
        self._place_lines()
        if not self.badge.text:
            self.more.set_text(f"{lives}episode {step.episode + 1} · {player}")
            return
        by = "" if step.player == "agent" else f" · {player}"
        whole, short = self._decision(step.decision.action, played)
        texts = f"{whole}{by} · {lives}episode {step.episode + 1}", f"{whole}{by}", short
        room = self.more.box.width()
        shown = next((text for text in texts if self.more.text_width(text) <= room), "")
        self.more.set_text(shown)
        fits = self.caption.text_width(whole) <= self.caption.box.width()
        self._write_caption(decision="" if shown else whole if fits else short)

    def _decision(self, action: int, played: str) -> tuple[str, str]:
        """What this lane does, or would do, in words and shorter; ≠ where something else is played."""
        own = self.info.meanings[action] if action < len(self.info.meanings) else self.info.action_names[action]
        drives, differs = self.info.input == "drives", " ≠" if played and played != own else ""
        return (f"{'does' if drives else 'would do'} {readable_action(own)}{differs}",
                f"{'does' if drives else 'would'} {action_symbol(own)}{differs}")  # fmt: skip

    # -- what is explained --------------------------------------------------------------------------------------
    def begin_saliency(self, fault: str) -> None:
        """Another question: its scale is its own. fault: why this lane's network cannot answer it, or ""."""
        self._fault, self._scale, self._scaled = fault, Scale(1, half_life=45), -2

    def show_saliency(self, step: Step, shown: Overlay | None, view: dict) -> bool:
        """Lay a map over the picture; None takes it away. Returns whether there is one, or was.

        Full colour is the largest of the last seconds, or of this map where ``view`` has the scale ``frame``. A map of
        an earlier moment fades, and the caption says how old it is.
        """
        before, self._veil = self._veil, None
        self.bar.setVisible(shown is not None)
        self._write_caption(saliency=f"no map: {self._fault}" if self._fault and shown is None else "")
        if shown is not None:
            plane = overlays.flat(shown, view["saliency_frames"])
            signed = shown.signed and view["saliency_signs"]
            high = self._high(step, shown, plane, view["scale"])
            age = shown.age(step.moment)
            opacity = round(view["saliency_opacity"] * overlays.fading(age), 2)
            weights = overlays.weights(plane if signed else np.abs(plane), high)
            self._veil = veil(weights, self.info.screen, opacity, self.info.frame_box)
            stale = f"{overlays.age_words(age)} · " if age else ""
            self._write_caption(saliency=f"{stale}{shown.method} · {shown.target}")
            self.bar.set_table(overlays.colours(signed))
            self.bar.set_levels(f"−{number(high)}" if signed else "0", number(high))
        self._place_lines()
        return before is not None or shown is not None

    def _high(self, step: Step, shown: Overlay, plane: np.ndarray, scale: str) -> float:
        """What full colour stands for; each map counts once."""
        self._scale.mode = "frame" if scale == "frame" else "running"
        if shown.moment < 0 or shown.moment != self._scaled or scale == "frame":
            self._scaled = shown.moment
            self._scale.update(np.array([overlays.high_end(plane)], np.float32), counts=stack_is_full(step))
        return float(self._scale.level()) or 1.0

    def show_frame(self, frame: np.ndarray) -> None:
        """Paint (H, W, 3) uint8 under the overlay."""
        if frame is not self._frame:
            self._newest, self._before = (np.array(frame) if tokens.steady() else None), self._newest
            self._frame = frame
        pixels = rgb32(self._shown(frame))
        if self._veil is not None and self._veil.keep.shape == pixels.shape:
            pixels = blend(pixels, self._veil)
        self.picture.set_pixels(pixels)

    def _shown(self, frame: np.ndarray) -> np.ndarray:
        """The frame; where flicker is to be less, at each pixel the brighter of it and the one shown before."""
        before = self._before if tokens.steady() else None
        return frame if before is None or before.shape != frame.shape else np.maximum(frame, before)

    def refresh(self) -> None:
        """Paint the last frame anew."""
        if self._frame is not None:
            self.show_frame(self._frame)

    # -- outlines -----------------------------------------------------------------------------------------------
    def show_field(self, step: Step | None) -> None:
        """Draw what the selected unit sees where it is strongest."""
        layer = self.info.layer(self.unit.layer) if self.unit else None
        values = step.decision.activations.get(self.unit.layer) if layer and step else None
        if values is None or self.unit.index >= values.shape[-1]:
            self._put_field(None, "", "")
        elif layer.receptive_field is None or values.ndim != 3:
            value = number(values[self.unit.index])
            self._put_field(None, "", f"{layer.label(self.unit.index)} = {value} sees the whole screen")
        else:
            plane = values[..., self.unit.index]
            row, column = np.unravel_index(int(np.argmax(plane)), plane.shape)
            if not plane[row, column] and not layer.signed:
                self._put_field(None, "", f"{self.unit} is silent")
                return
            box = layer.receptive_field.box(int(row), int(column))
            self._put_field(box, f"{layer.label(self.unit.index)} = {number(plane[row, column])}", "")

    def show_cover(self, cover) -> None:
        """Outline what the agent does not see, a Cover; None: it sees all."""
        self._put(self.cover, None if cover is None else cover.box)
        self.cover_label.set_text("" if cover is None else f"covered: {cover.fill}")
        if cover is not None:
            self._put_label(self.cover_label, self.cover.box)

    def show_region(self, box: tuple[int, int, int, int] | None) -> None:
        """Outline the part that the person chose, in observation pixels."""
        self._put(self.region, box)

    def draw_box(self, box: QRectF) -> tuple[int, int, int, int] | None:
        """Outline a box that is being drawn, in canvas positions; returns it in observation pixels, None beside."""
        frame, (down, across) = self.picture.box, self.info.screen
        sx, sy = across / frame.width(), down / frame.height()
        area = (box.x() - frame.x()) * sx, (box.y() - frame.y()) * sy, box.width() * sx, box.height() * sy
        found = None
        if self.info.layers:
            found = screen_to_observation(area, self.info.observation_shape[:2], self.info.screen, self.info.frame_box)
        self._put(self.region, found)
        return found

    def _put(self, outline: Outline, box: tuple[int, int, int, int] | None) -> None:
        """Outline (top, left, height, width) in observation pixels; None hides it."""
        self._boxes[outline] = box
        outline.setVisible(box is not None)
        if box is None:
            return
        seen = observation_to_screen(box, self.info.observation_shape[:2], self.info.screen, self.info.frame_box)
        frame, (down, across) = self.picture.box, self.info.screen
        sx, sy = frame.width() / across, frame.height() / down
        outline.set_box(QRectF(frame.x() + seen[0] * sx, frame.y() + seen[1] * sy, seen[2] * sx, seen[3] * sy))
        if outline is self.cover:
            self._put_label(self.cover_label, outline.box)

    def _put_field(self, box: tuple[int, int, int, int] | None, text: str, caption: str) -> None:
        """Outline what a unit sees, with a label; or say it in the caption."""
        self._put(self.field, box)
        self.label.set_text(text)
        self._write_caption(unit=caption)
        if box is not None:
            self._put_label(self.label, self.field.box)

    def _write_caption(
        self, saliency: str | None = None, unit: str | None = None, decision: str | None = None
    ) -> None:
        self._decision_text = self._decision_text if decision is None else decision
        self._saliency_text = self._saliency_text if saliency is None else saliency
        self._unit_text = self._unit_text if unit is None else unit
        parts = self._decision_text, self._saliency_text, self._unit_text
        self.caption.set_text(" · ".join(part for part in parts if part))

    def _put_label(self, label: TextLine, beside: QRectF) -> None:
        """Above the box, or inside where there is no room above."""
        frame, height = self.picture.box, line_height() + 2
        width = min(label.text_width(label.text) + 8, frame.width())
        left = min(max(beside.left() - 1, frame.left()), frame.right() - width)
        top = beside.top() - height - 2 if beside.top() - height - 2 >= frame.top() else beside.top() + 2
        label.set_box(QRectF(left, top, width, height))


def lines() -> int:
    """Pixels of the lines around a picture."""
    return line_height(TITLE) + line_height(SCORE) + line_height() + 6


def picture_size(width: float, height: float) -> tuple[float, float]:
    """(width, height) of a television picture within width × height."""
    across = max(8.0, min(width, height * ASPECT))
    return across, across / ASPECT
