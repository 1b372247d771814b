"""A selected unit's counterparts in other agents, lit where they are drawn, and named in words."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore

from zoo_gui import tokens
from zoo_gui.naming import lane_letter
from zoo_gui.types import Unit
from zoo_gui.widgets.inks import RIM
from zoo_gui.widgets.items import Outline, TextLine, line_height

QRectF = QtCore.QRectF
LIGHT = tokens.DARK.mark
"""Of counterparts; the selection's own frame is white."""
POINTS = 8.0


def correlation(r: float) -> str:
    """``0.93``, with a true minus."""
    return f"{r:.2f}".replace("-", "−")


def sureness(facing: Any) -> str:
    """What is known of a counterpart's chance, as a phrase; "" where it is beyond it."""
    if facing.significant is None:
        return "not compared with chance yet"
    return "" if facing.significant else "no more than chance"


def described(facing: Any, letters: bool = True) -> str:
    """``B conv2:31 (r 0.93)``."""
    letter = f"{lane_letter(facing.lane)} " if letters else ""
    doubt = f", {sureness(facing)}" if sureness(facing) else ""
    return f"{letter}{facing.unit} (r {correlation(facing.r)}{doubt})"


class Light(Outline):
    """The frame around a counterpart: dashed where it is no more than chance, or that is not known yet."""

    def __init__(self):
        super().__init__(LIGHT, 2.0)
        self.facing: Any = None
        self.hide()

    def light(self, facing: Any, box: QRectF, words: str) -> None:
        """Frame a unit's tile. words: on hover."""
        self.facing = facing
        self._pens[1].setStyle(QtCore.Qt.SolidLine if facing.significant else QtCore.Qt.DashLine)
        self.setToolTip(words)
        self.set_box(box)
        self.update()
        self.show()


class LightLabel(TextLine):
    """Its correlation, beside the frame."""

    def __init__(self):
        super().__init__(LIGHT, points=POINTS, bold=True, ground=RIM)
        self.hide()

    def light(self, facing: Any, box: QRectF, width: float) -> None:
        """Stand above a tile's frame, within a canvas of that width; below it at the top edge."""
        self.set_text(f"r {correlation(facing.r)}")
        across, down = self.text_width(self.text) + 7, line_height(POINTS)
        top = box.top() - down - 3 if box.top() > down + 3 else box.bottom() + 3
        self.set_box(QRectF(max(0.0, min(box.left(), width - across)), top, across, down))
        self.show()


def lit(session: Any) -> list[tuple[Any, str]]:
    """(counterpart, words) of the selected unit, as far as it was matched."""
    if session.selected is None:
        return []
    lane, unit = session.selected
    return [(facing, f"goes with {lane_letter(lane)} {unit}: r {correlation(facing.r)}"
             + (f", {sureness(facing)}" if sureness(facing) else "")) for facing in session.counterparts_of(lane, unit)]


def hover_words(session: Any, lane: int, unit: Unit) -> str:
    """What to add to the words about a unit under the mouse; "" where it is not lit."""
    return next((f" · {words}" for facing, words in lit(session) if (facing.lane, facing.unit) == (lane, unit)), "")
