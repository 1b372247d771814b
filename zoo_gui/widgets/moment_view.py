"""One moment as several agents see it: the screen once, what each would do, and what each looks at."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui import overlays
from zoo_gui.imaging import blend, rgb32, veil
from zoo_gui.naming import MEANINGS, action_symbol, lane_letter, readable_action
from zoo_gui.scales import number
from zoo_gui.tokens import pixels
from zoo_gui.types import LaneInfo, Step
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import ACCENT, RIM, Ink, hue, lane_colour, lane_ink, mixed
from zoo_gui.widgets.items import BoxItem, Canvas, PixelItem, TextLine, letter_font, line_height
from zoo_gui.widgets.pictures import Veil

QRectF, Qt = QtCore.QRectF, QtCore.Qt
ASPECT, GAP = 4 / 3, 8
LOWEST, HIGHEST = 15, 24  # pixels of a row of the decisions where the type is normal
MAPS = 0.62  # of the height, at most
GREYED = 0.75  # of the screen's brightness under a map: what is laid over it shows


class Seen(NamedTuple):
    """What one lane makes of the moment. values: (18,) float64 by meaning, 0 to 1, nan for what it cannot do: the
    policy's probabilities, or where each Q-value lies between the least and the largest. scores: the same, as they are.
    choice: what it would do greedily, a place in MEANINGS, −1 without a network; drawn: what it decided."""

    info: LaneInfo
    step: Step
    values: np.ndarray
    scores: np.ndarray
    choice: int
    drawn: int

    @classmethod
    def of(cls, info: LaneInfo, step: Step) -> "Seen":
        """A lane's step, its actions by meaning: of several with one meaning probabilities add up, of Q-values the
        largest counts."""
        places = [MEANINGS.index(name) for name in info.meanings]
        values, scores = np.full((2, len(MEANINGS)), np.nan)
        decision = step.decision
        drawn = places[decision.action] if decision.action < len(places) else -1
        if decision.scores.size != len(places):
            return cls(info, step, values, scores, -1, drawn)
        is_q = info.scores_kind == "q"
        given = decision.scores if is_q else decision.probabilities
        for place, value in zip(places, given.astype(np.float64)):
            known = np.isfinite(scores[place])
            scores[place] = value if not known else max(scores[place], value) if is_q else scores[place] + value
        values[:] = scores
        if is_q:
            least, span = np.nanmin(scores), np.nanmax(scores) - np.nanmin(scores)
            values = (scores - least) / span if span > 0 else np.where(np.isfinite(scores), 1.0, np.nan)
        return cls(info, step, values, scores, places[int(np.argmax(decision.scores))], drawn)


    @property
    def words(self) -> str:
        """What it would do, for people; what it decided where that was left to chance and came out otherwise."""
        if self.choice < 0:
            return "no network"
        drew = f" (drew {readable_action(MEANINGS[self.drawn])})" if self.drawn not in (-1, self.choice) else ""
        return readable_action(MEANINGS[self.choice]) + drew


def parted(seen: list[Seen]) -> bool:
    """Whether two of them would do different things."""
    return len({one.choice for one in seen if one.choice >= 0}) > 1


class Bars(BoxItem):
    """The decisions: a row a meaning, a column a lane. Rows of different choices are framed."""

    def __init__(self, canvas: Canvas):
        super().__init__()
        self._canvas, self._seen = canvas, []
        self.set_type()

    def set_type(self) -> None:
        self._font, self._bold = letter_font(9), letter_font(9, True)

    def show_decisions(self, seen: list[Seen]) -> None:
        self._seen = seen
        self.update()

    @property
    def known(self) -> int:
        """How many meanings some lane knows."""
        return int(np.isfinite([one.values for one in self._seen]).any(0).sum()) if self._seen else 0

    @property
    def rows(self) -> list[int]:
        """The meanings that have a row: those that some lane knows; where there is no room for all, the likeliest."""
        if not self._seen:
            return []
        values = np.stack([one.values for one in self._seen])
        known = np.flatnonzero(np.isfinite(values).any(0))
        room = max(1, int(self.box.height() / pixels(LOWEST)) - 1)
        if len(known) <= room:
            return list(known)
        best = np.nanmax(values[:, known], 0)
        best[np.isin(known, [one.choice for one in self._seen])] = np.inf
        return sorted(known[np.argsort(-best, kind="stable")[:max(1, room - 1)]])

    def paint(self, painter: QtGui.QPainter, option, widget=None) -> None:
        rows = self.rows
        if not rows:
            return
        known = self.known
        height = min(pixels(HIGHEST), self.box.height() / (len(rows) + 1 + (known > len(rows))))
        metrics = QtGui.QFontMetricsF(self._bold)
        names = [readable_action(MEANINGS[row]) for row in rows]
        if max(map(metrics.horizontalAdvance, names)) > 0.3 * self.box.width():
            names = [action_symbol(MEANINGS[row]) for row in rows]
        label = max(map(metrics.horizontalAdvance, names)) + 6
        across = (self.box.width() - label) / len(self._seen)
        apart = parted(self._seen)
        for line, (row, name) in enumerate(zip(rows, names), 1):
            box = QRectF(self.box.x(), self.box.y() + line * height, self.box.width(), height)
            chosen = any(one.choice == row for one in self._seen)
            if apart and chosen:
                painter.setPen(QtGui.QPen(hue("text"), 1))
                painter.setBrush(hue("raised"))
                painter.drawRect(box.adjusted(0, 0.5, -1, -1.5))
            self._write(painter, box.adjusted(3, 0, 0, 0), name, self._canvas.ink(1.0 if chosen else 0.75), chosen)
        if known > len(rows):
            text = f"and {known - len(rows)} that are less likely"
            last = QRectF(self.box.x(), self.box.y() + (len(rows) + 1) * height, self.box.width(), height)
            self._write(painter, last.adjusted(3, 0, 0, 0), text, self._canvas.ink(0.75))
        for place, one in enumerate(self._seen):
            column = QRectF(self.box.x() + label + place * across, self.box.y(), across - GAP, height)
            self._paint_column(painter, one, rows, column)

    def _paint_column(self, painter: QtGui.QPainter, one: Seen, rows: list[int], head: QRectF) -> None:
        colour, faint = hue(lane_colour(one.info.lane)), mixed(lane_colour(one.info.lane), "background", 0.45)
        metrics = QtGui.QFontMetricsF(self._bold)
        is_q = one.info.scores_kind == "q"
        words = "no network" if one.choice < 0 else "Q" if is_q else "π(a)"
        self._write(painter, head, lane_letter(one.info.lane), colour, True)
        self._write(painter, head, words, self._canvas.ink(0.75), align=Qt.AlignRight)
        figures = metrics.horizontalAdvance("−00.00" if is_q else "0.00") + 4
        for line, row in enumerate(rows, 1):
            box = head.translated(0, line * head.height())
            if not np.isfinite(one.values[row]):
                if one.choice >= 0:
                    self._write(painter, box, "cannot", self._canvas.ink(0.7), align=Qt.AlignRight)
                continue
            bar = QRectF(box.x() + 12, box.y() + 0.2 * box.height(), max(4.0, box.width() - figures - 14),
                         0.6 * box.height())
            painter.fillRect(bar, hue("raised"))
            chosen = row == one.choice
            filled = colour if chosen else faint
            painter.fillRect(QRectF(bar.x(), bar.y(), max(1.0, bar.width() * one.values[row]), bar.height()), filled)
            if chosen:
                self._write(painter, box, "▶", self._canvas.ink(), True)
            text = number(float(one.scores[row])).replace("-", "−") if is_q else f"{one.scores[row]:.2f}"
            self._write(painter, box, text, self._canvas.ink(1.0 if chosen else 0.75), chosen, Qt.AlignRight)

    def _write(self, painter, box: QRectF, text: str, colour, bold: bool = False, align=Qt.AlignLeft) -> None:
        painter.setFont(self._bold if bold else self._font)
        painter.setPen(QtGui.QColor(colour))
        painter.drawText(box, int(align | Qt.AlignVCenter), text)


class MapTile:
    """One map over the screen, with its name; or words in its place."""

    def __init__(self, canvas: Canvas, colour):
        self.name = canvas.add(TextLine(colour, bold=True))
        self.picture = canvas.add(PixelItem())
        self.words = canvas.add(TextLine(ACCENT, ground=RIM, align=Qt.AlignLeft), 2)

    def place(self, box: QRectF) -> None:
        line = line_height()
        across = min(box.width(), (box.height() - line) * ASPECT)
        self.name.set_box(QRectF(box.x(), box.y(), box.width(), line))
        self.picture.set_box(QRectF(box.x(), box.y() + line, across, across / ASPECT))
        self.words.set_box(QRectF(box.x() + 2, box.y() + line + 2, across - 4, line))

    @property
    def items(self) -> tuple:
        return self.name, self.picture, self.words


class MomentView(Canvas):
    """``show_moment`` first, then ``show_maps`` as they come; ``show_hint`` in place of everything."""

    def __init__(self):
        super().__init__()
        self.seen: list[Seen] = []
        self.planes: dict[int, np.ndarray] = {}
        self.frame = self.add(PixelItem())
        self.words = self.add(TextLine(Ink(0.85)))
        self.bars = self.add(Bars(self))
        self.bar = self.add(ColourBar(Ink(0.85)))
        self.scale_words = self.add(TextLine(Ink(0.85)))
        self.hint = self.add(TextLine(Ink(0.85), align=Qt.AlignHCenter))
        self.set_look()
        self.veil = self.add(Veil(120), 5)
        self.tiles: dict[Any, MapTile] = {}
        self.resized.connect(self.arrange)
        self.show_hint("")

    def show_hint(self, text: str) -> None:
        """Nothing is shown but these words."""
        self.seen, self.planes = [], {}
        self._drop_tiles()
        self.hint.set_text(text)
        for item in (self.frame, self.words, self.bars, self.bar, self.scale_words, self.veil):
            item.hide()
        self.arrange()

    def set_look(self) -> None:
        """Room for the decisions and a row of maps."""
        self.setMinimumHeight(pixels(150))

    def show_moment(self, seen: list[Seen], words: str) -> None:
        """A moment, maps of which follow."""
        self.seen, self.planes = seen, {}
        self.hint.set_text("")
        self.frame.set_pixels(rgb32(seen[0].step.frame))
        self.words.set_text(words)
        self.words.setToolTip(words)
        self.bars.show_decisions(seen)
        for item in (self.frame, self.words, self.bars):
            item.show()
        self.veil.hide()
        self._drop_tiles()
        for one in seen:
            self.tiles[one.info.lane] = MapTile(self, lane_ink(one.info.lane))
            self.tiles[one.info.lane].name.set_text(f"{lane_letter(one.info.lane)}: {one.words}")
            self.tiles[one.info.lane].picture.set_pixels(rgb32(_grey(one.step.frame)))
        self.bar.hide()
        self.scale_words.set_text("")
        self.arrange()

    def say(self, lane: int, text: str) -> None:
        """Over a lane's map: why there is none (yet)."""
        if lane in self.tiles:
            self.tiles[lane].words.set_text(text)
            self.tiles[lane].words.setToolTip(text)

    def set_stale(self, stale: bool) -> None:
        """Dim it: the game is elsewhere."""
        self.veil.setVisible(stale and bool(self.seen))

    @property
    def stale(self) -> bool:
        return self.veil.isVisible()

    def show_maps(self, records: dict[int, Any], view: dict, shares: bool, pair: tuple[int, int] | None) -> None:
        """Maps, {lane: Attribution}, over the screen, all with one scale. shares: each is divided by its sum of
        magnitudes, so that they say where, not how much. pair: of which the difference is shown, where both are of
        equal size."""
        shown = {one.info.lane: one.info for one in self.seen if one.info.lane in records}
        layers = {lane: overlays.overlay(records[lane].map, records[lane].signed, info.frame_channels)
                  for lane, info in shown.items()}  # fmt: skip
        signed = bool(layers) and all(one.signed for one in layers.values()) and view["saliency_signs"]
        frames = view["saliency_frames"]
        self.planes = {lane: _plane(one, frames, signed, shares) for lane, one in layers.items()}
        high = max((overlays.high_end(plane) for plane in self.planes.values()), default=0.0) or 1.0
        for lane, plane in self.planes.items():
            self._paint(lane, shown[lane], plane, high, view)
            self.say(lane, "" if plane.any() else "all zero")
        self._show_difference(shown, pair, high, view)
        self.bar.setVisible(bool(self.planes))
        if self.planes:
            self._say_scale(high, signed, shares, "difference" in self.tiles)
        self.arrange()

    def _paint(self, key: Any, info: LaneInfo, plane: np.ndarray, high: float, view: dict) -> None:
        opacity = max(view["saliency_opacity"], 0.7)
        over = veil(overlays.weights(plane, high), info.screen, opacity, info.frame_box)
        picture = rgb32(_grey(self.seen[0].step.frame))
        self.tiles[key].picture.set_pixels(blend(picture, over) if over.keep.shape == picture.shape else picture)

    def _show_difference(self, shown: dict[int, LaneInfo], pair: tuple[int, int] | None, high: float, view) -> None:
        both = pair is not None and all(lane in self.planes for lane in pair)
        if both and self.planes[pair[0]].shape == self.planes[pair[1]].shape \
                and shown[pair[0]].frame_box == shown[pair[1]].frame_box:  # fmt: skip
            if "difference" not in self.tiles:
                self.tiles["difference"] = MapTile(self, Ink())
            self.tiles["difference"].name.set_text(f"{lane_letter(pair[0])} − {lane_letter(pair[1])}")
            self._paint("difference", shown[pair[0]], self.planes[pair[0]] - self.planes[pair[1]], high, view)
        elif "difference" in self.tiles:
            self._drop(self.tiles.pop("difference"))

    def _say_scale(self, high: float, signed: bool, shares: bool, difference: bool) -> None:
        self.bar.set_table(overlays.colours(signed or difference))
        top = f"{high:.2%}" if shares else number(high)
        self.bar.set_levels(f"−{top}" if signed or difference else "0", top)
        unit = "of each map's sum" if shares else "of the choice's score a pixel"
        self.scale_words.set_text(f"one scale: {unit}{'' if signed else ', without signs'}")

    # -- layout -------------------------------------------------------------------------------------------------
    def arrange(self) -> None:
        width, height = self.extent
        line = line_height()
        self.veil.set_box(QRectF(0, 0, width, height))
        self.hint.set_box(QRectF(6, height / 2 - line / 2, width - 12, line))
        self.words.set_box(QRectF(GAP, 2, width - 2 * GAP, line))
        inside = width - 2 * GAP
        below = line + 4  # the scale
        room = height - 2 * line - 8 - 2 * GAP  # for the decisions and the maps
        columns, tile = best_columns(max(1, len(self.tiles)), inside, MAPS * room, line)
        rows = -(-max(1, len(self.tiles)) // columns)
        upper = max(40.0, room - rows * (tile + GAP))
        across = min(upper * ASPECT, (0.42 if len(self.seen) < 3 else 0.33) * inside)
        self.frame.set_box(QRectF(GAP, line + 4, across, across / ASPECT))
        if self.seen:  # what is below comes nearer where neither needs all
            upper = min(upper, max(across / ASPECT, pixels(HIGHEST) * (1 + self.bars.known)))
        self.bars.set_box(QRectF(GAP + across + 2 * GAP, line + 4, max(40.0, inside - across - 2 * GAP), upper))
        top = line + 4 + upper + GAP
        each = (inside - (columns - 1) * GAP) / columns
        for place, one in enumerate(self.tiles.values()):
            row, column = divmod(place, columns)
            one.place(QRectF(GAP + column * (each + GAP), top + row * (tile + GAP), each, tile))
        self.bar.set_box(QRectF(GAP, height - below, min(float(pixels(210)), 0.5 * inside), line))
        self.scale_words.set_box(QRectF(GAP + self.bar.box.width() + GAP, height - below,
                                        inside - self.bar.box.width() - GAP, line))
        self.scale_words.setVisible(self.bar.isVisible())

    def _drop_tiles(self) -> None:
        for one in self.tiles.values():
            self._drop(one)
        self.tiles = {}

    def _drop(self, tile: MapTile) -> None:
        for item in tile.items:
            self.view.removeItem(item)


def best_columns(count: int, width: float, height: float, head: float) -> tuple[int, float]:
    """(columns, height of each) that make ``count`` pictures, each under a heading, largest within width × height."""
    def size(columns: int) -> float:
        rows = -(-count // columns)
        return min((width - (columns - 1) * GAP) / columns / ASPECT, height / rows - GAP - head)

    columns = max(range(1, count + 1), key=lambda columns: (round(size(columns), 2), columns))
    return columns, max(20.0, size(columns)) + head


def _grey(frame: np.ndarray) -> np.ndarray:
    """The screen in grey and darker, so that colours over it are the map's: (H, W, 3) uint8."""
    grey = (frame @ np.array([0.299, 0.587, 0.114], np.float32) * GREYED).astype(np.uint8)
    return np.repeat(grey[..., None], 3, -1)


def _plane(shown: overlays.Overlay, frames: str, signed: bool, shares: bool) -> np.ndarray:
    """(h, w) float32 of a map."""
    plane = overlays.flat(shown, frames)
    plane = plane if signed else np.abs(plane)
    total = float(np.abs(plane).sum())
    return plane / total if shares and total > 0 else plane
