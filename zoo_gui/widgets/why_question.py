"""What is asked: of which agent, about what, by which methods."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter, readable_action
from zoo_gui.overlays import FRAMES
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.controls import keyed

#: kind → (words, number of actions to choose)
KINDS = {
    "chosen": ("Chosen action", 0), "action": ("Action …", 1), "value": ("Value", 0),
    "advantage": ("Advantage of …", 1), "difference": ("Action … rather than …", 2), "unit": ("Selected unit", 0),
    "typed": ("Typed …", 0),
}  # fmt: skip
METHODS = ("gradient", "integrated", "gradcam", "occlusion", "greydanus", "sarfa")
"""Shown at first: one of each kind."""
FRAMES_TIP = "How the frames that the network sees become a picture: the sum is what changing all alike does."
EXAMPLE = "conv2:17, action:LEFT - action:RIGHT, 0.5*fc:3 + value"


def combo(words, tip: str, name: str) -> QtWidgets.QComboBox:
    """A drop-down that never takes the keyboard from the shortcuts."""
    made = QtWidgets.QComboBox()
    made.addItems(list(words))
    made.setFocusPolicy(QtCore.Qt.TabFocus)
    made.setToolTip(tip)
    made.setAccessibleName(name)
    made.setSizeAdjustPolicy(QtWidgets.QComboBox.AdjustToContents)
    return made


def button(text: str, tip: str, clicked) -> QtWidgets.QPushButton:
    """A push button with its words for the mouse."""
    made = QtWidgets.QPushButton(text)
    made.setAutoDefault(False)
    made.setFocusPolicy(QtCore.Qt.TabFocus)
    made.setToolTip(tip)
    made.clicked.connect(lambda *_: clicked())
    return made


class Question(QtWidgets.QWidget):
    """``changed``: something else is asked. ``asked``: explain the moment on screen. ``cancelled``, ``saved``: these
    buttons. ``frames_chosen``: how frames become a picture."""

    changed = QtCore.Signal()
    asked = QtCore.Signal()
    cancelled = QtCore.Signal()
    saved = QtCore.Signal()
    frames_chosen = QtCore.Signal(str)

    def __init__(self, methods: tuple[Any, ...]):
        super().__init__()
        self.lanes: tuple[LaneInfo, ...] = ()
        self._names: dict[int, tuple[str, ...]] = {}
        self._methods = methods
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(self._make_target())
        column.addLayout(self._make_methods())
        self._show_kind()

    def _make_target(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        self.lane_box = combo((), "Whose decision.", "Agent")
        self.kind = combo((words for words, _ in KINDS.values()), "What is explained.", "Target")
        self.actions = [combo((), "Which action.", f"Action {place}") for place in ("one", "two")]
        self.entry = QtWidgets.QLineEdit()
        self.entry.setPlaceholderText(EXAMPLE)
        self.entry.setToolTip(f"A unit, an action, or sums and differences: {EXAMPLE}. Enter asks.")
        self.entry.setAccessibleName("Target")
        self.entry.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.entry.returnPressed.connect(self.changed)
        self.explain = button("Explain this moment", "", self.asked.emit)
        keyed(self.explain, "explain_moment", "Ask about the step that is on screen now. While the game is paused this "
              "is done by itself")  # fmt: skip
        self.cancel = button("Cancel", "Stop; the maps that are there stay.", self.cancelled.emit)
        self.cancel.setEnabled(False)
        self.lane_box.activated.connect(self._on_lane)
        self.kind.activated.connect(self._on_kind)
        for widget in (self.lane_box, self.kind, *self.actions, self.entry):
            row.addWidget(widget)
        for box in self.actions:
            box.activated.connect(lambda _: self.changed.emit())
        row.addStretch(1)
        row.addWidget(self.explain)
        row.addWidget(self.cancel)
        return row

    def _make_methods(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        self.methods = QtWidgets.QToolButton()
        self.methods.setText("Methods")
        self.methods.setToolTip("Which methods are set side by side.")
        self.methods.setPopupMode(QtWidgets.QToolButton.InstantPopup)
        self.methods.setFocusPolicy(QtCore.Qt.TabFocus)
        menu = QtWidgets.QMenu(self.methods)
        self.checks: dict[str, QtWidgets.QCheckBox] = {}
        for method in self._methods:
            check = self.checks[method.name] = QtWidgets.QCheckBox(method.title)
            check.setToolTip(f"{method.text} {method.source}.")
            check.setChecked(method.name in METHODS)
            check.toggled.connect(lambda _: self.changed.emit())
            item = QtWidgets.QWidgetAction(menu)  # a plain entry would close the menu at each choice
            item.setDefaultWidget(check)
            menu.addAction(item)
        self.methods.setMenu(menu)
        self.frames = combo(FRAMES.values(), FRAMES_TIP, "Frames")
        self.frames.activated.connect(lambda index: self.frames_chosen.emit(tuple(FRAMES)[index]))
        self.save = button("Save…", "The maps as a figure (PNG, SVG, PDF), numbers (NPZ) or a table (CSV).",
                           self.saved.emit)
        self.said, self.status = QtWidgets.QLabel(), QtWidgets.QLabel()
        self.status.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Preferred)
        for widget in (self.methods, self.frames, self.save):
            row.addWidget(widget)
        row.addWidget(self.said)
        row.addWidget(self.status, 1)
        return row

    # -- what is chosen -----------------------------------------------------------------------------------------
    @property
    def lane(self) -> int:
        """Whose decision is explained."""
        return max(0, self.lane_box.currentIndex())

    @property
    def info(self) -> LaneInfo | None:
        return self.lanes[self.lane] if self.lane < len(self.lanes) else None

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the methods."""
        return tuple(name for name, check in self.checks.items() if check.isChecked())

    def target(self, unit: Unit | None) -> str:
        """What is asked about, as analyses read it; "" while that is not said. unit: the selected one."""
        kind = tuple(KINDS)[self.kind.currentIndex()]
        names = self.info.action_names if self.info is not None else ()
        first, second = (names[i] if 0 <= (i := box.currentIndex()) < len(names) else "" for box in self.actions)
        if kind == "unit":
            return str(unit) if unit is not None else ""
        if kind == "difference":
            return f"action:{first} - action:{second}"
        return {"chosen": "action", "action": f"action:{first}", "value": "value", "advantage": f"advantage:{first}",
                "typed": self.entry.text().strip()}[kind]

    def live_target(self, unit: Unit | None) -> str:
        """The same for the map over the game, which goes on with the selection."""
        return "unit" if tuple(KINDS)[self.kind.currentIndex()] == "unit" else self.target(unit)

    # -- what the panel says ------------------------------------------------------------------------------------
    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        """The agents there are."""
        lane, self.lanes = self.lane, lanes
        self.lane_box.clear()
        self.lane_box.addItems([f"{lane_letter(info.lane)} {info.title}" for info in lanes])
        self.lane_box.setCurrentIndex(min(lane, len(lanes) - 1))
        self.lane_box.setVisible(len(lanes) > 1)
        self._fill_actions()

    def set_lane(self, lane: int) -> None:
        if lane < len(self.lanes) and lane != self.lane:
            self.lane_box.setCurrentIndex(lane)
            self._fill_actions()

    def show_running(self, running: bool) -> None:
        self.cancel.setEnabled(running)

    def _fill_actions(self) -> None:
        names = self.info.action_names if self.info is not None else ()
        for place, box in enumerate(self.actions):
            if [box.itemData(index) for index in range(box.count())] == list(names):
                continue
            box.clear()
            for name in names:
                box.addItem(readable_action(name), name)
            box.setCurrentIndex(min(place, len(names) - 1))

    def _on_lane(self, _index: int) -> None:
        self._fill_actions()
        self.changed.emit()

    def _on_kind(self, _index: int) -> None:
        self._show_kind()
        if self.entry.isVisible() and not self.entry.text():
            self.entry.setFocus()
        self.changed.emit()

    def _show_kind(self) -> None:
        kind = tuple(KINDS)[self.kind.currentIndex()]
        for place, box in enumerate(self.actions):
            box.setVisible(place < KINDS[kind][1])
        self.entry.setVisible(kind == "typed")
