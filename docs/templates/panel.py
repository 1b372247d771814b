"""A panel in one file: the lives that each agent has left, and how long it has lived."""

from __future__ import annotations

from pyqtgraph.Qt import QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo, Step, StepSummary
from zoo_gui.widgets.base import PANELS, Panel


@PANELS.register("lives")  # its name in the saved layout
class LivesPanel(Panel):
    """One line an agent: lives, and agent steps since it began or lost one."""

    title = "Lives"
    area = "right"
    about = "How many lives each agent has left, and for how long it has kept them."  # said at its title

    def build(self) -> QtWidgets.QWidget:
        """Called once, and again when the person presses Reload: forget everything held before."""
        self.lines: list[QtWidgets.QLabel] = []
        self.since: dict[int, tuple[int, int]] = {}  # lane: (lives, the step's index at which they became so few)
        content = QtWidgets.QWidget()
        self.rows = QtWidgets.QVBoxLayout(content)
        self.rows.addStretch()
        return content

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        for line in self.lines:
            line.deleteLater()
        self.lines = [QtWidgets.QLabel("–") for _ in lanes]
        self.since.clear()
        for place, line in enumerate(self.lines):
            line.setAccessibleName(f"Lives of agent {lane_letter(place)}")
            self.rows.insertWidget(place, line)

    def show_step(self, lane: int, step: Step, summaries: list[StepSummary]) -> None:
        """Drawing may skip steps; ``summaries`` has every one."""
        for summary in summaries:
            if summary.index == 0 or self.since.get(lane, (-1, 0))[0] != summary.lives:
                self.since[lane] = summary.lives, summary.index
        lives, index = self.since[lane]
        self.lines[lane].setText(f"{lane_letter(lane)}: {lives} lives, for {step.index - index} steps")
