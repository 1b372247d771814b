"""What an activation movie shows and where: the game large, the network's input, every layer as a mosaic, and what the
agent makes of it. Scaled and coloured as in the window (``scales``)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any, Iterator, NamedTuple, Sequence

import cv2
import numpy as np

from zoo_gui.imaging import GREY, Mosaic, bgra, brightness, lut, rgb32, share_height
from zoo_gui.naming import readable_action
from zoo_gui.play import lettering
from zoo_gui.play.screens import aspect, scaled
from zoo_gui.scales import LayerPicture, Scale, number, stack_is_full
from zoo_gui.settings import KEYS
from zoo_gui.types import Decision, LayerInfo, Step

GROUND, DARK, WHITE, DIM, ACCENT, BAR = (
    (0x21, 0x1D, 0x1B), (0x18, 0x15, 0x13), (0xF0, 0xF0, 0xF0), (0xB4, 0xAC, 0xA4), (0x00, 0x9F, 0xE6),
    (0x8A, 0x82, 0x7A),
)  # fmt: skip
"""BGR; the accent is Okabe and Ito's orange, which any eye tells from grey."""
VIEW = {key.removeprefix("view/"): row.default for key, row in KEYS.items() if key.startswith("view/")}
COLUMNS = 5
"""The most columns of layers."""
FEW = 32
"""Units of a layer that stands in the strip below the others."""
LARGEST_CELL = 26
"""Pixels of a dense unit, at 720 lines."""
TREND = 300
"""Agent steps of the value's curve."""


class Box(NamedTuple):
    """A part of the picture, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Cell:
    """Where a layer stands: its words in the line above ``box``, its mosaic in the box's upper left corner."""

    info: LayerInfo
    box: Box
    mosaic: Mosaic

    @property
    def scale(self) -> float:
        """Pixels of the picture for one of the data."""
        return self.mosaic.scale(self.box.width, self.box.height)

    def lowered(self, pixels: int) -> "Cell":
        """The same, further down."""
        return replace(self, box=self.box._replace(y=self.box.y + pixels))


def layer_cells(layers: Sequence[LayerInfo], area: Box, line: int, gap: int, most: float) -> list[Cell]:
    """A place for each layer: the large ones in their order, in as many columns as show them largest; the few units of
    an output in a strip below. line: height of a layer's words; most: pixels of a dense unit."""
    small = [info for info in layers if len(info.shape) == 1 and info.units <= FEW]
    large = [info for info in layers if info not in small]
    strip = _strip(small, area, line, gap, most) if small else []
    taken = max((cell.box.y + cell.box.height for cell in strip), default=area.y - gap) - area.y + gap
    down = area.height - taken if large else 0
    strip = [cell.lowered(down) for cell in strip]
    upper = area._replace(height=max(1, down - gap // 2))
    parts = ([large[first:last] for first, last in pairwise((0, *cuts, len(large)))] for cuts in _cuts(len(large)))
    choices = (_in_columns(part, upper, line, gap, most) for part in parts)
    return [*(max(choices, key=_worth) if large else []), *strip]


def _cuts(count: int) -> Iterator[tuple[int, ...]]:
    """Where a row of layers may be cut into columns: anywhere for up to three of them, evenly for more columns or many
    layers, for which trying all would take seconds."""
    for columns in range(min(COLUMNS, count)):
        if columns <= 2 and count <= 12:
            yield from combinations(range(1, count), columns)
        else:
            yield tuple(round(count * place / (columns + 1)) for place in range(1, columns + 1))


def _worth(cells: list[Cell]) -> float:
    return sum(cell.info.size**0.5 * np.log(max(cell.scale, 1e-3)) for cell in cells)


def _in_columns(parts: list[list[LayerInfo]], area: Box, line: int, gap: int, most: float) -> list[Cell]:
    width = (area.width - gap * (len(parts) - 1)) // len(parts)
    cells = []
    for column, infos in enumerate(parts):
        room = max(len(infos), area.height - len(infos) * (line + gap // 2))
        y = area.y
        for info, height in zip(infos, share_height(width, room, [[info.shape] for info in infos])):
            box = Box(area.x + column * (width + gap), y + line, width, max(1, int(height)))
            mosaic = Mosaic.fit(info.shape, box.width, box.height)
            if len(info.shape) == 1 and mosaic.scale(box.width, box.height) > most:
                mosaic = Mosaic.of(info.shape, max(1, int(box.width / most)))
                box = box._replace(height=min(box.height, int(most * mosaic.rows)))
            cells.append(Cell(info, box, mosaic))
            y = box.y + box.height + gap // 2
    return cells


def _strip(infos: list[LayerInfo], area: Box, line: int, gap: int, most: float) -> list[Cell]:
    """Small layers beside each other, in as many lines as they need, from the area's top on."""
    cells, x, y = [], area.x, area.y
    for info in infos:
        wide = min(area.width, max(int(most * info.units), line * (len(info.name) + 4) // 2))
        if x > area.x and x + wide > area.x + area.width:
            x, y = area.x, y + line + int(most) + gap // 2
        cells.append(Cell(info, Box(x, y + line, wide, int(most)), Mosaic.of(info.shape, info.units)))
        x += wide + 2 * gap
    return cells


class Sheet:
    """The picture of an agent at its game. picture: uint8 BGRA (H, W, 4), changed in place by ``show`` and
    ``show_screen``."""

    def __init__(self, agent: Any, player: Any, size: tuple[int, int]):
        """agent, player: an Agent and its Player, which is asked what does not change."""
        self.agent, self.size, self.unit = agent, size, size[1] / 720
        self._spec = player.preprocessing
        self._pictures = {info.name: LayerPicture(info, Scale(info.units)) for info in agent.layers}
        self._values: deque[float] = deque(maxlen=TREND)
        self._range: list[float] = []
        self.picture = np.empty((size[1], size[0], 4), np.uint8)
        self.picture[...] = (*GROUND, 255)
        self._arrange(tuple(player.emulator.screen_shape[:2]))

    def learn(self, step: Step) -> None:
        """Take a step's levels in without showing it, so that the film begins at the scale at which it goes on."""
        for name, values in step.decision.activations.items():
            self._pictures[name].take(values, step.edited, stack_is_full(step))
        self._widen(step.decision)

    def show(self, step: Step) -> None:
        """Draw a step: all but the screen."""
        self.learn(step)
        if step.decision.value is not None:
            self._values.append(step.decision.value)
        self._draw_facts(step)
        self._draw_input(step)
        self._draw_actions(step.decision)
        self._draw_value()
        for cell in self.cells:
            self._draw_layer(cell)

    def show_screen(self, frame: np.ndarray) -> None:
        """Draw the game, (H, W, 3) uint8."""
        x, y, width, height = self.game
        self.picture[y : y + height, x : x + width] = scaled(rgb32(frame), (width, height))

    # -- places -------------------------------------------------------------------------------------------------
    def _px(self, length: float) -> int:
        return round(length * self.unit)

    def _arrange(self, screen: tuple[int, int]) -> None:
        px, (width, height) = self._px, self.size
        margin, left = px(16), px(416)
        self._title, self._font, self._small = px(19), px(15), px(12)
        top = margin + lettering.line_height(self._title, True) + px(4)
        high = min(round(left / aspect(screen)), px(420))
        self.game = Box(margin, top, round(high * aspect(screen)), high)
        self.facts = Box(margin, top + high + px(6), left, lettering.line_height(self._font, True) + px(2))
        lower = self.facts.y + self.facts.height + px(8)
        value = px(92) if self.agent.has_value else 0
        self.value = Box(margin, height - margin - value, left, value)
        self.actions = Box(margin, lower, left, self.value.y - lower - px(8))
        words = lettering.shortened(self.agent.title, left, self._title, True)
        lettering.write(self.picture, words, margin, margin - px(4), self._title, WHITE, True)
        right = margin + left + px(20)
        self._arrange_right(Box(right, margin, width - right - margin, height - 2 * margin))

    def _arrange_right(self, area: Box) -> None:
        """Input and layers."""
        px, line = self._px, lettering.line_height(self._small, True) + self._px(2)
        high, wide, channels = self.agent.observation_shape
        self._colour = 3 if self._spec.color == "rgb" and channels % 3 == 0 else 1
        frames = channels // self._colour
        scale = min(px(112) / high, (area.width - (frames - 1) * px(6)) / (frames * wide))
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        y = area.y + line
        self.frames = [Box(area.x + i * (size[0] + px(6)), y, *size) for i in range(frames)]
        self._label(f"input · {_shape((high, wide, channels))}", area.x, area.y, area.width,
                    "oldest to newest" if frames > 1 else "")  # fmt: skip
        below = y + size[1] + px(10)
        layers = Box(area.x, below, area.width, area.y + area.height - below)
        self.cells = layer_cells(self.agent.layers, layers, line, px(12), px(LARGEST_CELL))
        self._draw_legend(self.frames[-1].x + size[0] + px(28), y, area.x + area.width)

    def _draw_legend(self, x: int, y: int, right: int) -> None:
        """What the colours of layers mean, where there is room for it beside the input."""
        px, size = self._px, self._small
        bars = [(False, "0", "layer's largest"), (True, "−largest", "largest")]
        shown = [bar for bar in bars if any(info.signed == bar[0] for info in self.agent.layers)]
        step = 2 * lettering.line_height(size) + px(14)
        for signed, low, high in shown if right - x >= px(180) else []:
            name = VIEW["signed_colormap"] if signed else VIEW["colormap"]
            table = lut(name, 256, VIEW["gamma"], signed)
            bar = cv2.resize(bgra(table[None]), (px(170), px(10)), interpolation=cv2.INTER_LINEAR)
            self.picture[y : y + bar.shape[0], x : x + bar.shape[1]] = bar
            lettering.write(self.picture, low, x, y + px(12), size, DIM)
            lettering.write(self.picture, high, x + px(170), y + px(12), size, DIM, align="right")
            y += step - lettering.line_height(size)

    def _label(self, words: str, x: int, y: int, width: int, more: str = "") -> None:
        """A part's name, and more about it behind, on clean ground."""
        size = self._small
        high = lettering.line_height(size, True) + self._px(2)
        self.picture[y : y + high, x : x + width, :3] = GROUND
        words = lettering.shortened(words, width, size, True)
        lettering.write(self.picture, words, x, y, size, WHITE, True)
        at = lettering.width(words, size, True) + self._px(10)
        if more and at + lettering.width(more, size) <= width:
            lettering.write(self.picture, more, x + at, y, size, DIM)

    # -- drawing ------------------------------------------------------------------------------------------------
    def _clear(self, box: Box) -> None:
        self.picture[box.y : box.y + box.height, box.x : box.x + box.width, :3] = GROUND

    def _draw_facts(self, step: Step) -> None:
        box, size = self.facts, self._font
        self._clear(box)
        words = f"score {step.episode_return:,g}" + (f"   lives {step.lives}" if step.lives else "")
        lettering.write(self.picture, words, box.x, box.y, size, WHITE, True)
        place = f"game {step.episode + 1} · step {step.index:,}"
        lettering.write(self.picture, place, box.x + box.width, box.y, size, DIM, align="right")

    def _draw_input(self, step: Step) -> None:
        values = brightness(step.observation, *self.agent.observation_range)
        for number_, box in enumerate(self.frames):
            frame = values[..., number_ * self._colour : (number_ + 1) * self._colour]
            if self._colour == 1:
                frame = bgra(lut(GREY, 256)[frame[..., 0]])
            else:
                frame = rgb32(np.ascontiguousarray(frame))
            target = self.picture[box.y : box.y + box.height, box.x : box.x + box.width]
            target[...] = scaled(frame, (box.width, box.height))

    def _draw_layer(self, cell: Cell) -> None:
        picture, box, mosaic = self._pictures[cell.info.name], cell.box, cell.mosaic
        if picture.values is None:
            return
        low, high = picture.levels(VIEW)
        line = lettering.line_height(self._small, True) + self._px(2)
        column = min(max(box.width, self._px(120)), self.size[0] - box.x)
        self._label(f"{cell.info.name} · {_shape(cell.info.shape)}", box.x, box.y - line, column, f"{low} to {high}")
        pixels = mosaic.paste(picture.colours(VIEW), mosaic.canvas(0xFF000000 | _packed(GROUND)))
        size = max(1, int(mosaic.size[1] * cell.scale)), max(1, int(mosaic.size[0] * cell.scale))
        drawn = scaled(bgra(pixels), size)
        _rule(drawn, mosaic)
        self.picture[box.y : box.y + size[1], box.x : box.x + size[0]] = drawn

    def _draw_actions(self, decision: Decision) -> None:
        """A bar for each action; the chosen one is marked, and not by its colour alone."""
        box, px, names = self.actions, self._px, self.agent.action_names
        self._clear(box)
        is_policy = decision.scores_kind == "logits"
        line = lettering.line_height(self._small, True)
        self._label("probability of each action" if is_policy else "value of each action (Q)", box.x, box.y, box.width)
        columns = 1 if len(names) <= 9 else 2
        rows = -(-len(names) // columns)
        step = min(px(24), (box.height - line - px(4)) / rows)
        wide = (box.width - (columns - 1) * px(16)) // columns
        size = max(7, min(self._small, int(step * 0.72)))
        shares = decision.probabilities if is_policy else self._shares(decision.scores)
        said = [f"{share:.2f}" for share in shares] if is_policy else [_signed(score) for score in decision.scores]
        for place, (name, share, words) in enumerate(zip(names, shares, said)):
            column, row = divmod(place, rows)
            at = Box(box.x + column * (wide + px(16)), round(box.y + line + px(6) + row * step), wide, int(step))
            self._draw_action(at, readable_action(name), float(share), words, place == decision.action, size)

    def _draw_action(self, at: Box, name: str, share: float, words: str, chosen: bool, size: int) -> None:
        px = self._px
        label, value = round(at.width * (0.38 if at.width > px(300) else 0.6)), px(42)
        mark = "▸ " if chosen else ""
        colour = WHITE if chosen else DIM
        text = lettering.shortened(mark + name, label - px(4), size, chosen)
        lettering.write(self.picture, text, at.x, at.y, size, colour, chosen)
        room = at.width - label - value
        top, bottom = at.y + px(2), at.y + max(px(4), min(at.height - 1, lettering.line_height(size)) - px(1))
        self.picture[top:bottom, at.x + label : at.x + label + room, :3] = DARK
        filled = round(room * min(max(share, 0.0), 1.0)) if np.isfinite(share) else 0
        self.picture[top:bottom, at.x + label : at.x + label + filled, :3] = ACCENT if chosen else BAR
        lettering.write(self.picture, words, at.x + at.width, at.y, size, colour, chosen, "right")

    def _widen(self, decision: Decision) -> None:
        """The range of Q-values so far: of a bar's ends."""
        if decision.scores_kind == "q" and np.isfinite(decision.scores).all():
            self._range = [*self._range, float(decision.scores.min()), float(decision.scores.max())]
            self._range = [min(self._range), max(self._range)]

    def _shares(self, scores: np.ndarray) -> np.ndarray:
        low, high = self._range or (0.0, 1.0)
        return (scores - low) / ((high - low) or 1.0)

    def _draw_value(self) -> None:
        """The state value now, and its curve."""
        box, px = self.value, self._px
        if not box.height or not self._values:
            return
        self._clear(box)
        line = lettering.line_height(self._small, True) + px(2)
        self._label(f"state value {_signed(self._values[-1])}", box.x, box.y, box.width, f"last {TREND} steps")
        plot = Box(box.x, box.y + line, box.width, box.height - line)
        self.picture[plot.y : plot.y + plot.height, plot.x : plot.x + plot.width, :3] = DARK
        values = np.nan_to_num(np.array(self._values))
        low, high = float(values.min()), float(values.max())
        heights = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
        x = plot.x + 2 + np.arange(len(values)) * (plot.width - 5) / (TREND - 1)
        y = plot.y + plot.height - 4 - heights * (plot.height - 8)
        points = np.rint(np.stack([x, y], 1) * 16).astype(np.int32)
        cv2.polylines(self.picture, [points], False, (*ACCENT, 255), max(1, px(1.5)), cv2.LINE_AA, 4)


def _signed(value: float) -> str:
    return number(value).replace("-", "−")


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _packed(colour: tuple[int, int, int]) -> int:
    """BGR to 0xRRGGBB."""
    return colour[2] << 16 | colour[1] << 8 | colour[0]


def _rule(drawn: np.ndarray, mosaic: Mosaic) -> None:
    """Lines of the ground's colour between tiles that are large enough to spare them."""
    across, down = drawn.shape[1] / mosaic.size[1], drawn.shape[0] / mosaic.size[0]
    high, wide = mosaic.tile[0] * down, mosaic.tile[1] * across
    if min(high, wide) < 6:
        return
    line = 2 if min(high, wide) >= 20 else 1
    for column in range(1, mosaic.columns):
        drawn[:, round(column * wide) - 1 : round(column * wide) - 1 + line, :3] = GROUND
    for row in range(1, mosaic.rows):
        drawn[round(row * high) - 1 : round(row * high) - 1 + line, :, :3] = GROUND

