"""Whose game the agents see, and who drives: the switches above the disagreement strip."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.controls import button, keyed, mark, role, toggle

OWN, SHARED, REPLAY = "own", "shared", "replay"
CHOICES = {
    OWN: ("Each its own", "Each agent plays its own game"),
    SHARED: ("One game", "One agent drives; the others see the same game, and say what they would do"),
    REPLAY: ("Replay…", "All see a game that was played before: an agent's so far, its rollout of a seed, or a file."),
}


class InputBar(QtWidgets.QWidget):
    """``wanted``: ``own``, ``shared`` or ``replay`` was chosen; ``driver``: the lane that is to act."""

    wanted = QtCore.Signal(str)
    driver = QtCore.Signal(int)

    def __init__(self):
        super().__init__()
        self._lanes: tuple[LaneInfo, ...] = ()
        self.inputs = {
            name: toggle(text, tip, lambda name=name: self._choose(name)) for name, (text, tip) in CHOICES.items()
        }
        self.words = QtWidgets.QLabel("drives:")
        role(self.words, "caption")
        self.drivers = [button(lane_letter(lane), "", lambda lane=lane: self._drive(lane)) for lane in range(4)]
        for lane, made in enumerate(self.drivers):
            made.setCheckable(True)
            mark(role(made, "driver"), "lane", lane)
            made.setFocusPolicy(QtCore.Qt.TabFocus)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        for name, made in self.inputs.items():
            made.setFocusPolicy(QtCore.Qt.TabFocus)
            made.setAccessibleName(f"Whose game: {name}")
            if name != REPLAY:
                keyed(made, "share_input", CHOICES[name][1])
            row.addWidget(made)
        row.addSpacing(8)
        row.addWidget(self.words)
        for made in self.drivers:
            row.addWidget(made)

    def show_lanes(self, lanes: tuple[LaneInfo, ...], chosen: str, driver: int | None) -> None:
        """How it is now."""
        self._lanes = lanes
        self._now = chosen, driver
        for name, made in self.inputs.items():
            made.setChecked(name == chosen)
        self.words.setText("drives:" if chosen == SHARED else "let drive:")
        for lane, made in enumerate(self.drivers):
            made.setVisible(lane < len(lanes))
            made.setChecked(lane == driver)
            if lane < len(lanes):
                tip = "drives" if lane == driver else "takes over from this moment on, all others watch"
                keyed(made, f"take_over_{lane + 1}", f"{lane_letter(lane)} · {lanes[lane].title} {tip}")
                made.setAccessibleName(f"{lane_letter(lane)} drives")

    _now: tuple[str, int | None] = (OWN, None)

    def _choose(self, name: str) -> None:
        self.show_lanes(self._lanes, *self._now)  # the switches say what is, not what is wished
        if name != self._now[0] or name == REPLAY:
            self.wanted.emit(name)

    def _drive(self, lane: int) -> None:
        self.show_lanes(self._lanes, *self._now)
        if lane != self._now[1]:
            self.driver.emit(lane)
