"""What chosen moments have in common, beside the scatter: what was seen, what was done, which units differ most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import colourise, lut, rgb32
from zoo_gui.naming import lane_letter, readable_action
from zoo_gui.scales import number
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.controls import column_of, mark, role
from zoo_gui.widgets.inks import hue
from zoo_gui.widgets.items import letter_font
from zoo_gui.widgets.pictures import Strip, Tile, change_level, grey

Qt, QRectF = QtCore.Qt, QtCore.QRectF
UNITS_A_LAYER = 3
SIGNED = "CET-D4"
EFFECT_TIP = (
    "Mean activation in the chosen moments less that in the others, in pooled standard deviations. ▲ more active, ▼ "
    "less. Moments that follow each other are alike: what counts is in how many stretches of play they lie. A click "
    "selects the unit."
)


class ActionBars(QtWidgets.QWidget):
    """How often each action was done: of the chosen moments as a bar, of the others as a frame."""

    def __init__(self):
        super().__init__()
        self.rows: list[tuple[str, float, float]] = []
        self.set_type()
        self.setAccessibleName("Actions of the chosen moments")

    def set_type(self) -> None:
        self._font = letter_font(8)
        self._line = QtGui.QFontMetrics(self._font).height()
        self.setFixedHeight((self._line + 1) * len(self.rows) + 2)

    def show_counts(self, names: tuple[str, ...], inside: np.ndarray, outside: np.ndarray) -> None:
        """Counts of each action, those that were never done left out."""
        shares = [counts / max(1, counts.sum()) for counts in (inside, outside)]
        self.rows = [(readable_action(name), float(own), float(other)) for name, own, other, count in
                     zip(names, *shares, inside + outside) if count]  # fmt: skip
        self.setFixedHeight((self._line + 1) * len(self.rows) + 2)
        said = ", ".join(f"{name} {own:.0%} (else {other:.0%})" for name, own, other in self.rows)
        self.setToolTip(f"Share of each action. Bar: of the chosen moments; frame: of the others. {said}")
        self.update()

    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.setFont(self._font)
        metrics, ink = QtGui.QFontMetricsF(self._font), hue("text")
        names = max((metrics.horizontalAdvance(row[0]) for row in self.rows), default=0.0) + 5
        numbers = metrics.horizontalAdvance("100 %") + 4
        room = max(4.0, self.width() - names - numbers)
        for place, (name, own, other) in enumerate(self.rows):
            top = place * (self._line + 1)
            painter.setPen(ink)
            painter.drawText(QRectF(0, top, names, self._line), int(Qt.AlignLeft | Qt.AlignVCenter), name)
            painter.drawText(QRectF(self.width() - numbers, top, numbers, self._line),
                             int(Qt.AlignRight | Qt.AlignVCenter), f"{own:.0%}")  # fmt: skip
            painter.fillRect(QRectF(names, top + 3, room * own, self._line - 6), hue("accent"))
            painter.drawRect(QRectF(names, top + 2, room * other, self._line - 5))


class Section(QtWidgets.QWidget):
    """One agent's chosen moments. ``chosen``: a unit that was clicked."""

    chosen = QtCore.Signal(int, object)

    def __init__(self):
        super().__init__()
        self.info: LaneInfo | None = None
        self.result: Any = None
        self.head, self.said, self.numbers = (QtWidgets.QLabel() for _ in range(3))
        for label in (self.said, self.numbers):
            role(label, "caption")
            label.setWordWrap(True)
        self.strip = Strip(3)
        self.strip.setAccessibleName("Mean input of the chosen moments")
        self.actions = ActionBars()
        self.units = QtWidgets.QGridLayout()
        self.units.setSpacing(2)
        self._legend = QtWidgets.QLabel("units that differ most, Cohen's d:")
        self._legend.setToolTip(EFFECT_TIP)
        role(self._legend, "caption")
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(2)
        for widget in (self.head, self.said, self.strip, self.numbers, self.actions, self._legend):
            column.addWidget(widget)
        column.addLayout(self.units)
        self.show_words("")

    def show_lane(self, info: LaneInfo) -> None:
        """Whose moments."""
        self.info = info
        self.head.setText(f"{lane_letter(info.lane)}  {info.title}")
        mark(role(self.head, "caption"), "lane", info.lane)

    def show_words(self, words: str) -> None:
        """What happens, while there is no result."""
        self.result = None
        self.said.setText(words)
        for widget in (self.strip, self.numbers, self.actions, self._legend):
            widget.hide()
        self._clear_units()

    def show_result(self, result: Any) -> None:
        """A ``analysis.selection_record.Selection``."""
        self.result = result
        self.said.setText(result.sentence)
        self.strip.show_tiles(self._tiles(result))
        self.numbers.setText(" · ".join(
            f"{words} {_plain(own)} (else {_plain(other)})" for key, words in
            (("value", "value"), ("reward", "reward"), ("episode_return", "score"))
            for own, other in [result.numbers[key]] if math.isfinite(own)))  # fmt: skip
        self.numbers.setToolTip("Means over the chosen moments, and over the others.")
        self.actions.show_counts(result.action_names, result.actions, result.actions_outside)
        for widget in (self.strip, self.numbers, self.actions, self._legend):
            widget.show()
        self._show_units(result)

    @staticmethod
    def _tiles(result: Any) -> list[Tile]:
        own, other = (part[..., -result.frame_channels :] for part in (result.mean, result.mean_outside))
        of = "the mean of {} moments, newest frame"
        tiles = [Tile(_picture(own), "these", tip=of.format(result.pictured[0]))]
        if result.pictured[1]:
            gap = (own - other).mean(-1)
            level = change_level([gap])
            table = lut(SIGNED, signed=True)
            tiles += [Tile(_picture(other), "the others", tip=of.format(result.pictured[1])),
                      Tile(colourise(gap, table, level, signed=True), f"±{number(level)}",
                           tip=f"the difference, from −{number(level)} to {number(level)} of the range")]  # fmt: skip
        return tiles

    def _clear_units(self) -> None:
        while (item := self.units.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()

    def _show_units(self, result: Any) -> None:
        self._clear_units()
        for row, layer in enumerate(result.layers):
            name = QtWidgets.QLabel(layer)
            role(name, "caption")
            self.units.addWidget(name, row, 0)
            best = result.strongest(UNITS_A_LAYER, layer)
            if not best:
                name.setText(f"{layer}: no unit varies")
            for place, one in enumerate(best):
                self.units.addWidget(self._unit_button(one), row, place + 1)

    def _unit_button(self, one: Any) -> QtWidgets.QPushButton:
        made = QtWidgets.QPushButton(f"{one.unit.index} {'▲' if one.effect > 0 else '▼'}{_effect(one.effect)}")
        role(made, "caption")
        made.setStyleSheet("QPushButton { padding: 1px 4px; text-align: left }")
        made.setAutoDefault(False)
        made.setMinimumWidth(1)
        made.setAccessibleName(f"Select {one.unit}")
        made.setToolTip(f"{one.unit}: {number(one.inside)} in these, {number(one.outside)} in the others, d = "
                        f"{one.effect:+.2f}. A click selects it.".replace("-", "−"))  # fmt: skip
        made.clicked.connect(lambda *_: self.chosen.emit(self.info.lane, one.unit))
        return made


def _picture(frame: np.ndarray) -> np.ndarray:
    """(h, w, 1 or 3) float32 in 0–1 as RGB32."""
    if frame.shape[-1] == 3:
        return rgb32(np.rint(255 * np.ascontiguousarray(frame)).astype(np.uint8))
    return grey(np.ascontiguousarray(frame[..., 0]))


def _plain(value: float) -> str:
    return number(value).replace("-", "−") if math.isfinite(value) else "–"


def _effect(value: float) -> str:
    return "∞" if math.isinf(value) else f"{abs(value):.1f}" if abs(value) < 9.95 else f"{abs(value):.0f}"


class SelectionView(QtWidgets.QWidget):
    """The sections of the agents that have chosen moments, below each other. ``chosen``: (lane, unit)."""

    chosen = QtCore.Signal(int, object)

    def __init__(self):
        super().__init__()
        self.sections: dict[int, Section] = {}
        inner = QtWidgets.QWidget()
        self._column = QtWidgets.QVBoxLayout(inner)
        self._column.setContentsMargins(4, 0, 2, 0)
        self._column.addStretch(1)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(column_of(inner))
        self.setMinimumWidth(200)

    def show_lanes(self, infos: dict[int, LaneInfo]) -> None:
        """{place among the embedding's agents: its lane}: sections for these, in this order."""
        for place in [place for place in self.sections if place not in infos]:
            section = self.sections.pop(place)
            section.hide()
            section.deleteLater()
        for place, info in infos.items():
            if place not in self.sections:
                self.sections[place] = Section()
                self.sections[place].chosen.connect(self.chosen)
                self._column.insertWidget(sorted(self.sections).index(place), self.sections[place])
            self.sections[place].show_lane(info)
