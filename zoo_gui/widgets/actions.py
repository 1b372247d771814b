"""The network's output: a labelled bar for each action, the chosen one marked, and the state value.

One item paints everything, because 18 actions in four lanes would be hundreds of graphics items.
"""

from __future__ import annotations

from typing import NamedTuple

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.naming import action_symbol, lane_letter, readable_action
from zoo_gui.tokens import current, pixels
from zoo_gui.types import Decision, LaneInfo, Unit
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.controls import Fitted
from zoo_gui.widgets.inks import Writer, hue, lane_colour, mixed
from zoo_gui.widgets.parts import of_outputs

MARGIN, GAP = 8, 6
ROLES = {"drives": "does · ", "watches": "would do · ", "replay": "would do · "}
"""What the marked action means where all see one game; otherwise every agent does it."""


class Scale:
    """The range of the bars: widens at once, narrows slowly (``rate`` of the difference a step), so bars compare."""

    def __init__(self, with_zero: bool, rate: float = 0.003):
        self.low = self.high = 0.0
        self._with_zero, self._rate, self._empty = with_zero, rate, True

    def widen(self, low: float, high: float) -> None:
        if self._with_zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if self._empty:
            self.low, self.high, self._empty = low, high, False
        self.low = min(low, self.low + self._rate * (low - self.low))
        self.high = max(high, self.high + self._rate * (high - self.high))

    def fraction(self, value: float) -> float:
        """Where ``value`` lies between low and high, 0 to 1."""
        span = self.high - self.low
        return min(max((value - self.low) / span, 0.0), 1.0) if span > 1e-12 else 0.0


class Look(NamedTuple):
    """Measures (pixels) and colours of a column as it is now."""

    key: tuple
    pixels: int
    names: tuple[str, ...]
    mark: float
    start: float
    width: float
    numbers: float
    logit: float
    colour: QtGui.QColor
    faded: QtGui.QColor

    def bar(self, row: QtCore.QRectF) -> QtCore.QRectF:
        """Where the row's bar goes."""
        inset = round(row.height() * 0.16)
        return QtCore.QRectF(round(row.left() + self.start), round(row.top()) + inset, round(self.width),
                             round(row.height()) - 2 * inset)


class Column:
    """What one lane shows, and where: rows are the value (where there is one) and the actions."""

    def __init__(self, info: LaneInfo, q_scale: Scale, value_scale: Scale):
        self.info, self.q_scale, self.value_scale = info, q_scale, value_scale
        self.decision: Decision | None = None
        self.played = ""  # by meaning, where another lane says what is done
        self.is_q = info.scores_kind == "q"
        has_head = any(layer.kind == "value" for layer in info.layers)
        self.value_name = "max Q" if self.is_q and not has_head else "value"
        self.names = tuple(readable_action(name) for name in info.action_names)
        self.symbols = tuple(action_symbol(name) for name in info.action_names)
        self.rect = QtCore.QRectF()
        self.row_height = 0.0
        self.look: Look | None = None

    def take(self, decision: Decision) -> None:
        self.decision, self.probabilities = decision, decision.probabilities
        if self.is_q and decision.scores.size:
            self.q_scale.widen(float(decision.scores.min()), float(decision.scores.max()))
        if decision.value is not None:
            self.value_scale.widen(decision.value, decision.value)

    def place(self, rect: QtCore.QRectF) -> None:
        self.rect = rect
        self.row_height = min(float(pixels(26)), (rect.height() - 2) / (len(self.names) + 2))

    def row(self, index: int) -> QtCore.QRectF:
        """Rectangle of row ``index``: 0 is the title, 1 the value, then the actions."""
        top = self.rect.top() + index * self.row_height
        return QtCore.QRectF(self.rect.left(), top, self.rect.width(), self.row_height)

    def row_at(self, point: QtCore.QPointF) -> int | None:
        """Row under a point: -1 the value, else an action's index; None elsewhere."""
        if not self.rect.contains(point) or self.row_height <= 0:
            return None
        index = int((point.y() - self.rect.top()) / self.row_height) - 2
        return index if -1 <= index < len(self.names) else None

    def describe(self, row: int) -> str:
        """The row in words, for the status bar."""
        if self.decision is None:
            return ""
        if row < 0:
            value = self.decision.value
            return "" if value is None else f"{self.info.title}: {self.value_name} {value:.3f}"
        text = f"{self.info.title}: {self.names[row]}"
        if self.decision.scores.size:
            score = float(self.decision.scores[row])
            text += f", Q {score:.3f} (bars from {self.q_scale.low:.3g} to {self.q_scale.high:.3g})" if self.is_q else (
                f", probability {self.probabilities[row]:.3f}, logit {score:.3f}")
        words = ", would be chosen" if self.info.input in ("watches", "replay") else ", chosen"
        return text + (words if row == self.decision.action else "") + (", played" if self.is_played(row) else "")

    def is_played(self, row: int) -> bool:
        """Whether an action is what another lane, which drives, makes the game do."""
        return bool(self.played) and row < len(self.info.meanings) and self.info.meanings[row] == self.played

    def unit(self, row: int) -> Unit | None:
        """The output unit behind a row, None where the network has none."""
        kinds = ("value",) if row < 0 else ("logits", "q")
        layer = next((layer for layer in self.info.layers if layer.kind in kinds), None)
        return None if layer is None or max(row, 0) >= layer.units else Unit(layer.name, max(row, 0))


class OutputItem(pg.GraphicsWidget):
    """Paints all lanes' outputs side by side; hovering names a row, clicking selects its unit."""

    hovered = QtCore.Signal(str)
    clicked = QtCore.Signal(int, object)

    def __init__(self):
        super().__init__()
        self.columns: list[Column] = []
        self.selected: tuple[int, Unit] | None = None
        self._under: tuple[Column, int] | None = None
        self.set_look()

    def set_look(self) -> None:
        """Take the colours and letters of the present theme."""
        self._text, self._writer = hue("text"), Writer()
        self._dim, self._neutral, self._marked, self._trough = (
            mixed("text", "base", share) for share in (0.35, 0.25, 0.8, 0.88))
        for column in self.columns:
            column.look = None
        self._place()

    def set_columns(self, columns: list[Column]) -> None:
        self.columns, self._under = columns, None
        self._place()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        area = self.rect().adjusted(MARGIN, 2, -MARGIN, -2)
        width = (area.width() - 2 * MARGIN * (len(self.columns) - 1)) / max(len(self.columns), 1)
        for index, column in enumerate(self.columns):
            column.place(QtCore.QRectF(area.left() + index * (width + 2 * MARGIN), area.top(), width, area.height()))
        self.update()

    # -- mouse --------------------------------------------------------------------------------------------------
    def _row_under(self, point: QtCore.QPointF) -> tuple[Column, int] | None:
        for column in self.columns:
            row = column.row_at(point)
            if row is not None:
                return column, row
        return None

    def hoverEvent(self, event) -> None:
        under = None if event.isExit() else self._row_under(event.pos())
        if under != self._under:
            self._under = under
            self.say_hovered()
            if under is None:
                self.hovered.emit("")

    def say_hovered(self) -> None:
        """Name the row under the mouse with its present numbers."""
        if self._under is not None:
            column, row = self._under
            self.hovered.emit(column.describe(row))

    def mouseClickEvent(self, event) -> None:
        under = self._row_under(event.pos()) if event.button() == QtCore.Qt.LeftButton else None
        unit = under[0].unit(under[1]) if under else None
        if unit is not None:
            event.accept()
            self.clicked.emit(under[0].info.lane, unit)

    # -- painting -----------------------------------------------------------------------------------------------
    def paint(self, painter: QtGui.QPainter, *_) -> None:
        for column in self.columns:
            self._paint_column(painter, column)

    def _paint_column(self, painter: QtGui.QPainter, column: Column) -> None:
        look = self._look(column)
        self._paint_title(painter, column, look)
        self._paint_value(painter, column, look)
        for index, name in enumerate(look.names):
            self._paint_action(painter, column, index, name, look)

    def _look(self, column: Column) -> Look:
        """Measures and colours of a column, kept until its size changes."""
        key = (column.info, column.rect.width(), column.row_height)
        if column.look is None or column.look.key != key:
            size = int(min(max(column.row_height * 0.68, 9), pixels(13)))
            metrics = QtGui.QFontMetricsF(self._writer.font(size, True))
            logit = 0.0 if column.is_q else metrics.horizontalAdvance(" −00.0")
            numbers = logit + metrics.horizontalAdvance("−00.00" if column.is_q else "0.00")
            least = metrics.horizontalAdvance("▶ →●") + numbers + pixels(30)
            if not column.is_q and least > column.rect.width():
                numbers, logit = numbers - logit, 0.0
            for names in (column.names, column.symbols):
                widest = max(metrics.horizontalAdvance(name) for name in (*names, "max Q"))
                if widest + numbers + pixels(70) <= column.rect.width():
                    break
            mark = metrics.horizontalAdvance("▶ ")
            start = mark + widest + GAP
            full = lane_colour(column.info.lane)
            column.look = Look(key, size, names, mark, start, max(column.rect.width() - start - numbers - GAP, 4.0),
                               numbers, logit, hue(full), mixed(full, "base", 0.4))
        return column.look

    def _paint_title(self, painter, column: Column, look: Look) -> None:
        row = column.row(0)
        painter.setPen(self._dim)
        heading = "Q-value" if column.is_q else "π(a)  logit" if look.logit else "π(a)"
        metrics = QtGui.QFontMetricsF(self._writer.font(look.pixels, True))
        self._writer.text(painter, row, heading, look.pixels, bold=True, right=True)
        painter.setPen(look.colour)
        letter = f"{lane_letter(column.info.lane)}  " if len(self.columns) > 1 else ""
        space = row.width() - metrics.horizontalAdvance(heading) - GAP
        title = letter + ROLES.get(column.info.input, "") + column.info.title
        title = metrics.elidedText(title, QtCore.Qt.ElideRight, space)
        self._writer.text(painter, row, title, look.pixels, bold=True)

    def _paint_value(self, painter, column: Column, look: Look) -> None:
        value = column.decision.value if column.decision is not None else None
        row = column.row(1)
        self._paint_selection(painter, column, -1, row)
        painter.setPen(self._dim)
        self._writer.text(painter, row, column.value_name, look.pixels, indent=look.mark)
        if value is None:
            text = "none" if column.info.layers else "no network"
            self._writer.text(painter, row, text, look.pixels, indent=look.start)
            return
        bar, scale = look.bar(row), column.value_scale
        zero, end = (bar.left() + scale.fraction(x) * bar.width() for x in (0.0, value))
        painter.fillRect(bar, self._trough)
        filled = QtCore.QRectF(min(zero, end), bar.top(), max(abs(end - zero), 1.0), bar.height())
        painter.fillRect(filled, self._neutral)
        painter.fillRect(QtCore.QRectF(zero - 0.5, bar.top() - 2, 1, bar.height() + 4), self._text)
        painter.setPen(self._text)
        self._writer.text(painter, row, number(value), look.pixels, right=True)

    def _paint_action(self, painter, column: Column, index: int, name: str, look: Look) -> None:
        row, decision, write = column.row(index + 2), column.decision, self._writer.text
        chosen = decision is not None and decision.action == index
        self._paint_selection(painter, column, index, row)
        painter.setPen(self._text if chosen else self._dim)
        if chosen:
            write(painter, row, "▶", look.pixels, bold=True)
        elif column.is_played(index):
            write(painter, row, "▷", look.pixels)
        write(painter, row, name, look.pixels, bold=chosen, indent=look.mark)
        if decision is None or index >= decision.scores.size:
            return
        bar, score = look.bar(row), float(decision.scores[index])
        fraction = column.q_scale.fraction(score) if column.is_q else float(column.probabilities[index])
        painter.fillRect(bar, self._trough)
        filled = QtCore.QRectF(bar.left(), bar.top(), max(fraction * bar.width(), 1.0), bar.height())
        painter.fillRect(filled, look.colour if chosen else look.faded)
        if chosen:
            painter.drawRect(bar)
        if column.is_q:
            write(painter, row, number(score), look.pixels, bold=chosen, right=True)
            return
        write(painter, row, f"{fraction:.2f}", look.pixels, bold=chosen, indent=look.logit, right=True)
        painter.setPen(self._dim)
        if look.logit:
            write(painter, row, number(score, 1), look.pixels, right=True)

    def _paint_selection(self, painter, column: Column, index: int, row: QtCore.QRectF) -> None:
        if self.selected is not None and self.selected == (column.info.lane, column.unit(index)):
            painter.fillRect(row, self._marked)


def number(value: float, decimals: int = 2) -> str:
    """Fixed decimals with a true minus sign; fewer decimals where the number is long."""
    decimals = decimals if abs(value) < 100 else max(decimals - 1, 0)
    return f"{value:.{decimals}f}".replace("-", "−")


@PANELS.register("actions")
class ActionsPanel(Panel):
    """Probabilities (with logits) of a policy or Q-values, the chosen action, the value, and how often lanes agree.

    Probabilities run from 0 to 1. Q-values of one state differ little beside their size: their bars run over the range
    seen of late, which the status bar gives when the mouse is over a row.
    """

    title = "Actions"
    area = "left"
    about = "What the network puts out: a bar for each action, the chosen one marked, and the value of the state."
    turns_late = 2

    def build(self) -> QtWidgets.QWidget:
        content = QtWidgets.QWidget()
        content.setMinimumSize(170, 110)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.view = pg.GraphicsView(background=current().base)
        self.view.setProperty("ground", "base")
        self.view.setAccessibleName("Action outputs")
        self.view.setFocusPolicy(QtCore.Qt.NoFocus)
        self.item = OutputItem()
        self.item.hovered.connect(self.session.hover)
        self.item.clicked.connect(self.session.select)
        self.view.setCentralItem(self.item)
        self.agreement = Fitted("On how many steps of the shared clock all agents chose the same action.")
        self.agreement.setAlignment(QtCore.Qt.AlignCenter)
        self.agreement.setMargin(2)
        self.agreement.hide()
        column.addWidget(self.view, 1)
        column.addWidget(self.agreement)
        return content

    def named_parts(self) -> list[Part]:
        return of_outputs(self, self.view, self.item)

    def show_look(self, look) -> None:
        self.item.set_look()

    def _connect(self) -> None:
        super()._connect()
        self.session.status_changed.connect(lambda status: self._guard(self.show_status, status))

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        scales: dict[tuple[str, str], tuple[Scale, Scale]] = {}  # lanes with the same game and head share theirs
        columns = []
        for info in lanes:
            shared = scales.setdefault((info.game, info.scores_kind), (Scale(False), Scale(True)))
            columns.append(Column(info, *shared))
        self.item.set_columns(columns)
        self.agreement.setVisible(len(lanes) > 1)
        self.agreement.say("Actions agree: –", "agree –")

    def show_step(self, lane: int, step, summaries) -> None:
        column = next((column for column in self.item.columns if column.info.lane == lane), None)
        if column is None:
            return
        column.take(step.decision)
        driver = self.session.driver
        played = self.session.last_step(driver) if driver not in (None, lane) else None
        column.played = "" if played is None else self.session.lanes[driver].meanings[played.decision.action]
        self.item.say_hovered()
        self.item.update(column.rect)

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        self.item.selected = None if unit is None else (lane, unit)
        self.item.update()

    def show_status(self, status: dict) -> None:
        """Take the session's running figures; shown with two lanes or more."""
        if len(self.lanes) > 1 and status.get("agree") is not None:
            share = f"{status['agree']:.0%}"
            self.agreement.say(f"Actions agree: {share} of {status.get('agree_steps', 0):,} steps",
                               f"Actions agree: {share}", f"agree {share}")
