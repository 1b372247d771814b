"""What happens? The choice of an event, and the numbers that some of them need."""

from __future__ import annotations

import re

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import observation_to_screen
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.controls import Quiet, Whole, role

ACTION, BYTE, VALUE, REGION = "action", "byte", "value", "region"
EVENTS = {
    "a reward comes": ("reward", ()),
    "a positive reward comes": ("reward:positive", ()),
    "a negative reward comes": ("reward:negative", ()),
    "a life is lost": ("life lost", ()),
    "the episode ends": ("episode end", ()),
    "the action is …": ("action:{action}", (ACTION,)),
    "the value jumps": ("value jump", ()),
    "RAM byte … changes": ("ram:{byte} changes", (BYTE,)),
    "RAM byte … is …": ("ram:{byte}={value}", (BYTE, VALUE)),
    "RAM byte … is large": ("ram:{byte}", (BYTE,)),
    "a region changes": ("region:{region}", (REGION,)),
}
"""{in words: (as the analysis takes it, the fields that it needs)}."""
_BOX = re.compile(r"^\s*\d+\s*(,\s*\d+\s*){3}$")


class EventChoice(QtWidgets.QWidget):
    """``changed``: something else is chosen. ``text``: as ``analysis.search_events`` reads it, "" while a field is not
    filled in."""

    changed = QtCore.Signal()

    def __init__(self):
        super().__init__()
        self.kind = Quiet(tuple(EVENTS))
        self.kind.setMinimumContentsLength(21)
        self.action = Quiet(())
        self.action.setMinimumContentsLength(8)
        self.byte, self.value = Whole(), Whole()
        self.region = QtWidgets.QLineEdit()
        self.fields = {ACTION: self.action, BYTE: self.byte, VALUE: self.value, REGION: self.region}
        for widget, name, tip in (
            (self.kind, "Event", "Which units fire when this happens?"),
            (self.action, "Action", "The agent's choice at that moment."),
            (self.byte, "RAM byte", "0 to 127, of the console's memory."),
            (self.value, "Value", "0 to 255."),
            (self.region, "Region", "Top, left, height, width in screen pixels; or drag over the game holding Shift."),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
            role(widget, "caption")
        self.byte.setRange(0, 127)
        self.value.setRange(0, 255)
        self.region.setPlaceholderText("top, left, height, width")
        self.region.setMaximumWidth(150)
        for field in (self.byte, self.value, self.region):
            field.setFocusPolicy(QtCore.Qt.StrongFocus)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self.kind, *self.fields.values()):
            row.addWidget(widget)
        self.kind.activated.connect(self._on_kind)
        self.action.activated.connect(lambda _: self.changed.emit())
        for signal in (self.byte.valueChanged, self.value.valueChanged, self.region.textChanged):
            signal.connect(lambda _: self.changed.emit())
        self._on_kind()

    def set_actions(self, names: tuple[str, ...]) -> None:
        """Of the agent that is asked about; the chosen one stays where it exists."""
        if names != tuple(self.action.itemText(i) for i in range(self.action.count())):
            before = self.action.currentText()
            self.action.clear()
            self.action.addItems(names)
            self.action.setCurrentIndex(max(0, self.action.findText(before)))

    def set_region(self, box: tuple[int, int, int, int] | None, info: LaneInfo | None) -> None:
        """A region was chosen over the game, (top, left, height, width) in observation pixels."""
        if box is None or info is None:
            return
        x, y, width, height = observation_to_screen(box, info.observation_shape[:2], info.screen, info.frame_box)
        left, top = int(x), int(y)
        numbers = (top, left, max(1, round(y + height) - top), max(1, round(x + width) - left))
        self.region.setText(",".join(map(str, numbers)))

    def choose(self, words: str) -> None:
        """Choose an event by its words, a key of EVENTS."""
        self.kind.setCurrentText(words)
        self._on_kind()

    @property
    def text(self) -> str:
        template, needed = EVENTS[self.kind.currentText()]
        region = self.region.text().replace(" ", "")
        if (REGION in needed and not _BOX.match(region)) or (ACTION in needed and not self.action.count()):
            return ""
        return template.format(action=self.action.currentText(), byte=self.byte.value(), value=self.value.value(),
                               region=region)  # fmt: skip

    def _on_kind(self, *_chosen) -> None:
        needed = EVENTS[self.kind.currentText()][1]
        for name, field in self.fields.items():
            field.setVisible(name in needed)
        self.changed.emit()
