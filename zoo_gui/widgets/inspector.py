"""One unit: its activation now and lately, what it looks for, when it fired, its weights; pin it, silence it, make it
stronger."""

from __future__ import annotations

import time

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter, readable_action
from zoo_gui.scales import PictureBook
from zoo_gui.tokens import pixels
from zoo_gui.types import LaneInfo, LayerInfo, Step, StepSummary, Unit, ZooError
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.controls import Fitted, column_of, heading, mark, role
from zoo_gui.widgets.inspector_counterparts import CounterpartLine
from zoo_gui.widgets.inspector_edit import EditBar
from zoo_gui.widgets.inspector_patches import PatchesTab
from zoo_gui.widgets.inspector_pictures import UnitView
from zoo_gui.widgets.inspector_tab import UnitTab
from zoo_gui.widgets.inspector_trace import Recent, RecentPlot
from zoo_gui.widgets.inspector_vis import VisTab
from zoo_gui.widgets.inspector_weights import WeightsTab
from zoo_gui.widgets.parts import of_widgets

DEBOUNCE = 0.12  # seconds: the first selection asks at once, one that follows sooner waits for the key to rest
HINT = "Nothing is selected.\n\nClick a unit in Activations, or type its name above: conv2:17"
NOW_HEIGHT = (150, 210)  # of the map and the recent plot: where there is little room, and where there is enough


@PANELS.register("inspector")
class InspectorPanel(Panel):
    """Follows the selection. Only the tab that is seen has a job, and no longer than it is seen."""

    title = "Unit"
    area = "right"
    about = ("Everything about the selected unit: its activation now and lately, what it looks for, at what it "
             "fired, its weights.")
    turns_late = 1

    # -- building -----------------------------------------------------------------------------------------------
    def show_look(self, look) -> None:
        for widget in (self.unit_view, self.recent_plot):
            widget.setMinimumHeight(max(NOW_HEIGHT[0], pixels(120)))
            widget.setMaximumHeight(max(NOW_HEIGHT[1], pixels(200)))

    def build(self) -> QtWidgets.QWidget:
        self._current: tuple[int, Unit] | None = None
        self._agent, self._asked = "", 0.0
        self._recent: dict[int, Recent] = {}
        self._book = PictureBook.of(self.session)
        content = QtWidgets.QWidget()
        self._wait = QtCore.QTimer(content)
        self._wait.setSingleShot(True)
        self._wait.timeout.connect(lambda: self._guard(self._ask))
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(8, 6, 8, 4)
        column.setSpacing(4)
        self._make_head(column)
        self._pages = QtWidgets.QStackedWidget()
        hint = QtWidgets.QLabel(HINT)
        hint.setWordWrap(True)
        hint.setAlignment(QtCore.Qt.AlignCenter)
        self._pages.addWidget(hint)
        self._pages.addWidget(self._make_body())
        column.addWidget(self._pages, 1)
        return content

    def named_parts(self) -> list[Part]:
        return of_widgets(
            self,
            (self.entry, "type a unit's name", "A unit as layer:index; Enter selects it."),
            (self.pin_button, "plot it", "Draws the unit's activation in Plots, at every step."),
            (self.unit_view, "its map now", "The unit's activation at this moment, large."),
            (self.recent_plot, "lately", "The unit's activation over the last steps."),
            (self.tabs, "what it looks for, fired at, weighs", "Three ways to ask what the unit is about."),
            (self.edit_bar, "silence or strengthen it", "Changes the unit while the agent plays."),
        )

    def _make_head(self, column: QtWidgets.QVBoxLayout) -> None:
        self.heading = Fitted()
        mark(self.heading, "strong", True)
        self.kind = QtWidgets.QLabel()
        role(self.kind, "caption")
        self.kind.setWordWrap(True)
        row = QtWidgets.QHBoxLayout()
        self.entry = QtWidgets.QLineEdit()
        self.entry.setPlaceholderText("conv2:17")
        self.entry.setAccessibleName("Unit")
        self.entry.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.entry.setToolTip("A unit as layer:index; Enter selects it.")
        self.entry.returnPressed.connect(lambda: self._guard(self._on_entry))
        self.wrong = QtWidgets.QLabel()
        role(self.wrong, "warning")
        self.wrong.setWordWrap(True)
        self.wrong.hide()
        self.entry.textEdited.connect(lambda _: self.wrong.hide())
        self.previous, self.next = self._arrow(-1, "Previous unit"), self._arrow(1, "Next unit")
        self.pin_button = QtWidgets.QPushButton("Pin")
        self.pin_button.setCheckable(True)
        self.pin_button.setAutoDefault(False)
        self.pin_button.setToolTip("Plot this unit's activation at every step, beside reward and value.")
        self.pin_button.clicked.connect(lambda pinned: self._guard(self._on_pin, pinned))
        row.addWidget(self.entry, 1)
        for button in (self.previous, self.next, self.pin_button):
            row.addWidget(button)
        column.addLayout(row)
        self.counterparts = CounterpartLine(self.session)
        self.counterparts.chosen.connect(lambda lane, unit: self._guard(self.session.select, lane, unit))
        for widget in (self.wrong, self.heading, self.kind, self.counterparts):
            column.addWidget(widget)

    def _arrow(self, by: int, name: str) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setArrowType(QtCore.Qt.LeftArrow if by < 0 else QtCore.Qt.RightArrow)
        button.setAutoRepeat(True)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.clicked.connect(lambda: self._guard(self._move, by))
        return button

    def _make_body(self) -> QtWidgets.QWidget:
        body = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        now = QtWidgets.QHBoxLayout()
        self.unit_view = UnitView()
        self.unit_view.setAccessibleName("The unit now")
        self.unit_view.setFocusPolicy(QtCore.Qt.NoFocus)
        self.recent_plot = RecentPlot()
        now.addWidget(self.unit_view)
        now.addWidget(self.recent_plot, 1)
        self.edit_bar = EditBar()
        self.edit_bar.edited.connect(lambda gain, offset: self._guard(self._on_edit, gain, offset))
        self.edit_bar.cleared.connect(lambda: self._guard(self._on_clear_edits))
        column.addLayout(now, 1)
        column.addWidget(self._make_tabs(), 2)
        column.addWidget(heading("Intervene"))
        column.addWidget(self.edit_bar)
        return body

    def _make_tabs(self) -> QtWidgets.QTabWidget:
        self.vis, self.patches, self.weights = (make(self.session, self._guard) for make in
                                                (VisTab, PatchesTab, WeightsTab))
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("What is known of the unit")
        for tab, text in zip(self._all_tabs, ("&Looks for", "Fired a&t", "&Weights")):
            self.tabs.addTab(column_of(tab), text)
        self.tabs.currentChanged.connect(lambda _: self._guard(self._on_tab))
        return self.tabs

    @property
    def _all_tabs(self) -> tuple[UnitTab, ...]:
        return self.vis, self.patches, self.weights

    @property
    def tab(self) -> UnitTab:
        """The one that is seen."""
        return self._all_tabs[self.tabs.currentIndex()]

    def focus_entry(self) -> None:
        """Put the cursor into the box for a unit's name."""
        self.entry.setFocus()
        self.entry.selectAll()

    # -- what the session says ----------------------------------------------------------------------------------
    def _connect(self) -> None:
        super()._connect()
        self.session.pins_changed.connect(lambda _: self.isVisible() and self._guard(self._show_pin))
        self.session.status_changed.connect(lambda _: self.isVisible() and self._guard(self._show_edit))
        self.session.finished.connect(lambda key: self.isVisible() and self._guard(self._show_finished, key))
        self.session.counterparts_changed.connect(
            lambda: self.isVisible() and self._guard(lambda: self.counterparts.again()))

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        self._book.set_lanes(lanes)
        known = {info.lane: (info.agent_id, info.layers) for info in lanes}
        for lane in [lane for lane in self._recent if self._known.get(lane) != known.get(lane)]:
            del self._recent[lane]
        self._known = known
        if self._current is not None and known.get(self._current[0], ("",))[0] != self._agent:
            self._forget()
            if self.session.selected is not None:
                self.show_unit(*self.session.selected)

    _known: dict = {}

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        info = self._info(lane)
        layer = info.layer(unit.layer) if info is not None and unit is not None else None
        if layer is None:
            self._forget()
            return
        if self._current == (lane, unit):
            self._ask_soon()  # seen only now, maybe
            return
        self.edit_bar.stop()
        self._current, self._agent = (lane, unit), info.agent_id
        self._describe(info, layer, unit)
        self.counterparts.show_unit(self._current)
        self.recent_plot.begin(lane)
        self._pages.setCurrentIndex(1)
        self._show_pin()
        self._show_edit()
        self._show_now()
        for tab in self._all_tabs:
            tab.set_unit(info, unit)
        self._ask_soon()

    def show_step(self, lane: int, step: Step, summaries: list[StepSummary]) -> None:
        info = self._info(lane)
        if info is None or not info.layers or not step.decision.activations:
            return
        self._book.take(lane, step)
        at = summaries[-1].number if summaries else self._newest_number(lane)
        highs = [self._book[lane, layer.name].high for layer in info.layers]
        if at is not None:
            self._recent.setdefault(lane, Recent(info)).add(at, highs)
        if self._current is not None and self._current[0] == lane:
            self._show_now()

    def show_view(self, view: dict) -> None:
        self._show_now()
        self.vis.refresh()

    def show_progress(self, key: str, progress) -> None:
        for tab in self._all_tabs:
            if tab.job.owns(key):
                tab.show_progress(progress)

    def show_failure(self, key: str, sentence: str) -> None:
        for tab in self._all_tabs:
            if tab.job.owns(key):
                tab.show_failure(sentence)

    def _show_finished(self, key: str) -> None:
        for tab in self._all_tabs:
            if tab.job.owns(key):
                tab.show_finished()

    # -- jobs ---------------------------------------------------------------------------------------------------
    def _ask_soon(self) -> None:
        """Start the seen tab's job: at once, or when the selection rests."""
        if not self.is_seen:
            return
        since = time.monotonic() - self._asked
        self._asked = time.monotonic()
        if since >= DEBOUNCE and not self._wait.isActive():
            self._ask()
        else:
            self._wait.start(round(1000 * DEBOUNCE))

    def _ask(self) -> None:
        if self._current is not None and self.is_seen:
            self.tab.begin()

    def _on_tab(self) -> None:
        for tab in self._all_tabs:
            if tab is not self.tab:
                tab.pause()
        if not self._wait.isActive():
            self._ask()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._guard(self._forget)

    def seen_changed(self, seen: bool) -> None:
        super().seen_changed(seen)
        if not seen:
            self._guard(self._forget)

    def _forget(self) -> None:
        """Nothing is selected, or nobody looks: end the jobs."""
        self._wait.stop()
        if self._current is not None:
            self.edit_bar.stop()
        self._current, self._agent = None, ""
        for tab in self._all_tabs:
            tab.clear()
        self._pages.setCurrentIndex(0)
        self.heading.say("")
        self.kind.setText("")
        self.counterparts.show_unit(None)
        for button in (self.previous, self.next, self.pin_button):
            button.setEnabled(False)

    # -- showing ------------------------------------------------------------------------------------------------
    def _info(self, lane: int) -> LaneInfo | None:
        return next((info for info in self.lanes if info.lane == lane), None)

    def _newest_number(self, lane: int) -> float | None:
        numbers = self.session.history(lane).column("number", 1)
        return float(numbers[0]) if len(numbers) else None

    def _describe(self, info: LaneInfo, layer: LayerInfo, unit: Unit) -> None:
        kind = "channel" if layer.kind == "conv" else "neuron"
        letter = f"{lane_letter(info.lane)} " if len(self.lanes) > 1 else ""
        kind = "group" if layer.groups_of else kind
        name = f"{layer.label(unit.index)} · {kind}"
        self.heading.say(f"{name} · {letter}{info.title}", *([f"{name} · {letter.strip()}"] if letter else []), name)
        about = f"{kind} {unit.index} of 0–{layer.units - 1}"
        if layer.kind == "conv":
            about += f" · map {layer.shape[0]}×{layer.shape[1]}"
        if layer.receptive_field is not None:
            field = layer.receptive_field
            about += f" · sees {field.size[0]}×{field.size[1]} pixels, every {field.stride[0]}"
        if layer.kind in ("logits", "q") and unit.index < len(info.action_names):
            about += f" · action: {readable_action(info.action_names[unit.index])}"
        if layer.groups_of:
            about += f" · of units of {layer.groups_of}: a change acts there"
        self.kind.setText(about)
        self.entry.setText(str(unit))
        self.wrong.hide()
        for button in (self.previous, self.next, self.pin_button):
            button.setEnabled(True)

    def _show_now(self) -> None:
        if self._current is None:
            return
        lane, unit = self._current
        picture = self._book[lane, unit.layer]
        if picture.values is not None:
            self.unit_view.show_unit(picture, unit.index, self.session.view)
        recent = self._recent.get(lane)
        if recent is None:
            return
        numbers, values = recent.of(unit)
        if (lane, unit) in [tuple(pin) for pin in self.session.pins]:  # then every step is known
            history = self.session.history(lane)
            pinned = history.pinned(unit, recent.window)
            if len(pinned) and not (pinned != pinned).any():
                numbers, values = history.column("number", recent.window), pinned
        self.recent_plot.show_values(numbers, values, recent.seconds_per_step)

    def _show_pin(self) -> None:
        if self._current is not None:
            pinned = self._current in [tuple(pin) for pin in self.session.pins]
            self.pin_button.setChecked(pinned)
            self.pin_button.setText("Unpin" if pinned else "Pin")

    def _show_edit(self) -> None:
        if self._current is not None and not self.edit_bar.busy:
            edits = getattr(self.session, "edits", {})
            gain, offset = edits.get(self._current, (1.0, 0.0))
            self.edit_bar.show_edit(gain, offset, len([key for key in edits if key != self._current]))

    # -- what the person does -----------------------------------------------------------------------------------
    def _on_entry(self) -> None:
        lane = self._current[0] if self._current else next((info.lane for info in self.lanes if info.layers), None)
        info = None if lane is None else self._info(lane)
        try:
            if info is None or not info.layers:
                raise ZooError("There is no network to inspect: open an agent first.")
            unit = Unit.parse(self.entry.text(), info.layers)
        except ZooError as error:
            self.wrong.setText(str(error))
            self.wrong.show()
            return
        self.wrong.hide()
        self.entry.clearFocus()  # letters are shortcuts again
        self.session.select(lane, unit)

    def _move(self, by: int) -> None:
        if self._current is not None:
            lane, unit = self._current
            units = self._info(lane).layer(unit.layer).units
            self.session.select(lane, Unit(unit.layer, (unit.index + by) % units))

    def _on_pin(self, pinned: bool) -> None:
        if self._current is not None:
            (self.session.pin if pinned else self.session.unpin)(*self._current)
            self._show_pin()

    def _on_edit(self, gain: float, offset: float) -> None:
        if self._current is not None:
            self.session.edit(*self._current, gain, offset)
            self.edit_bar.reset.setEnabled((gain, offset) != (1.0, 0.0))

    def _on_clear_edits(self) -> None:
        self.session.clear_edits()
        self._show_edit()
