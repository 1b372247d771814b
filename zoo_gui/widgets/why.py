"""Why did it do that? One moment explained: several methods side by side, and tests of what they claim."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import readable_action
from zoo_gui.overlays import FRAMES
from zoo_gui.shortcuts import key_of
from zoo_gui.types import LaneInfo, Step, Unit
from zoo_gui.widgets.base import PANELS, Job, Panel, Part
from zoo_gui.widgets.controls import role
from zoo_gui.widgets.inks import line_height
from zoo_gui.widgets.parts import of_widgets
from zoo_gui.widgets.saving import Saver
from zoo_gui.widgets.why_checks import FaithfulnessTab, SanityTab
from zoo_gui.widgets.why_cover import CoverTab
from zoo_gui.widgets.why_grid import Grid
from zoo_gui.widgets.why_question import Question
from zoo_gui.widgets.why_tab import FILES, Asked

TEST_HEIGHT = 270  # screen pixels that a test has use for
SETTLE_MS = 200  # a moment that is stepped past is not explained
HINT = "Pause the game, or press {key}: the moment on screen is then explained here."
NO_NETWORK = "This player has no network: there is nothing to explain. Open an agent."


@PANELS.register("why")
class WhyPanel(Panel):
    """Explains the moment on screen: by itself while the game is paused, else at the button. One agent at a time; the
    list at the left says whose decision. Jobs run while the panel is seen and no longer."""

    title = "Why"
    area = "centre"
    about = "Why did it do that? The moment on screen by several methods side by side, and tests of what they claim."
    turns_late = 1

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        self.asked: Asked | None = None
        self._wish: tuple | None = None
        self._interrupted = False
        content = QtWidgets.QWidget()
        content.setMinimumWidth(260)  # behind another panel it must not widen that one
        role(content, "caption")
        self.job, self.saver = Job(self.session, "why maps"), Saver(self.session, "why maps", content)
        self._soon = QtCore.QTimer(content)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SETTLE_MS)
        self._soon.timeout.connect(lambda: self._guard(self.explain))
        self.question, self.grid = Question(self.session.saliency_methods()), Grid()
        self.grid.setAccessibleName("Maps by every method")
        self.cover, self.sanity = CoverTab(self.session), SanityTab(self.session)
        self.faithfulness = FaithfulnessTab(self.session)
        self.tests = (self.cover, self.sanity, self.faithfulness)
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setFocusPolicy(QtCore.Qt.TabFocus)
        for test in self.tests:
            self.tabs.addTab(test, test.title)
        self._wire()
        self.split = split = QtWidgets.QSplitter(QtCore.Qt.Vertical)
        split.addWidget(self.grid)
        split.addWidget(self.tabs)
        split.setSizes([1000, 64])
        split.setStretchFactor(0, 1)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(5, 4, 5, 2)
        column.setSpacing(3)
        column.addWidget(self.question)
        column.addWidget(split, 1)
        return content

    def _make_room(self, *_clicked) -> None:
        """A test is wanted: half of the panel, of a high one less, unless the person gave it that much already."""
        whole = sum(self.split.sizes())
        room = min(whole // 2, TEST_HEIGHT)
        if self.split.sizes()[1] < 0.8 * room:
            self.split.setSizes([whole - room, room])

    def _wire(self) -> None:
        def on(signal, method):
            signal.connect(lambda *values: self._guard(method, *values))

        question = self.question
        on(question.changed, self._on_changed)
        on(question.asked, self.explain)
        on(question.cancelled, self._cancel)
        on(question.saved, self._save)
        question.frames_chosen.connect(lambda frames: self.session.set_view(saliency_frames=frames))
        on(self.grid.chosen, self._make_live)
        on(self.grid.region, lambda box: self.session.choose_region(question.lane, box))
        self.grid.said.connect(self.session.hover)
        on(self.tabs.tabBarClicked, self._make_room)

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        for signal, method in (
            (session.running_changed, self._on_running), (session.saliency_changed, self._mark_live),
            (session.saliency_method_changed, self._mark_live), (session.region_changed, self._show_region),
            (session.cover_changed, lambda *_: self.cover.show_state()), (session.finished, self._end),
        ):  # fmt: skip
            signal.connect(lambda *values, method=method: self.is_seen and self._guard(method, *values))

    def named_parts(self) -> list[Part]:
        return of_widgets(
            self,
            (self.question, "what is asked", "What is to be explained, and by which methods."),
            (self.grid, "a tile for each method", "Where the answer depends on what is seen, as each method has it."),
            (self.tabs, "tests of the answer", "Cover a region, and see; and checks of the methods themselves."),
        )

    # -- what the session says ----------------------------------------------------------------------------------
    def show_look(self, look) -> None:
        self.tabs.setMinimumHeight(5 * line_height() + 14)  # its tabs, a row of controls and a line of words

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        if lanes != self.question.lanes:
            self.question.set_lanes(lanes)
            if self.asked is not None and self.asked.info not in lanes:
                self._forget(HINT.format(key=key_of("explain_moment")))
        if self.asked is None:
            hint = HINT.format(key=key_of("explain_moment"))
            self._forget(hint if any(info.layers for info in lanes) else NO_NETWORK)
        if self.session.region != self._region:
            self._show_region(self.session.region)

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        if unit is not None:
            self.question.set_lane(lane)
        self._on_changed()

    def show_step(self, lane: int, step: Step, summaries) -> None:
        if lane == self.question.lane:
            self._say_moment(step)
            if not self.session.running and (self._interrupted or not self._explained(step)):
                self._soon.start()

    def show_view(self, view: dict) -> None:
        self.question.frames.setCurrentIndex(tuple(FRAMES).index(view["saliency_frames"]))
        self.grid.repaint_maps(view)

    def show_progress(self, key: str, progress) -> None:
        for test in self.tests:
            test.progressed(key, progress)
        if not self.job.owns(key):
            return
        result = progress.result
        self.question.said.setText(progress.label if result is None else "")
        if result is not None and np.array_equal(result.observation, self.asked.step.observation):
            self.grid.take(result, self.session.view)
            self._mark_live()

    def show_failure(self, key: str, sentence: str) -> None:
        self._end(key, sentence)

    def _end(self, key: str, sentence: str = "") -> None:
        """A job is over; ``sentence``: why it failed."""
        for test in self.tests:
            test.ended(key, sentence)
        if self.job.owns(key):
            self.job.ended()
            self.question.show_running(False)
            self.question.said.setText(sentence)

    def _on_running(self, running: bool) -> None:
        if not running:
            self._soon.start()

    # -- the question -------------------------------------------------------------------------------------------
    def explain(self) -> None:
        """Ask about the moment that is on screen now."""
        question, session = self.question, self.session
        info, step = question.info, session.last_step(question.lane)
        if info is None or step is None or not info.layers or not step.observation.size:
            return
        target = question.target(self._unit(info.lane))
        if not target:
            self._forget("Select a unit of this agent first, or type what is to be explained.")
            return
        wish = info, target, question.chosen
        if self._explained(step) and wish == self._wish:
            return
        faults = {method.name: session.saliency_fault(info.lane, target, method.name)
                  for method in session.saliency_methods()}  # fmt: skip
        if all(faults.values()):
            self._forget(next(iter(faults.values())))
            return
        same = self._explained(step) and self._wish is not None and wish[:2] == self._wish[:2]
        self._wish, self._interrupted = wish, False
        if not same:
            self.asked = Asked(info, step, target, self._words(info, step, target))
        self._begin(faults)
        self._say_moment(step)
        if not same:
            for test in self.tests:
                test.set_question(self.asked)

    def _begin(self, faults: dict[str, str]) -> None:
        """Start the maps of the chosen methods; ``faults`` says which cannot answer."""
        chosen = self.question.chosen
        titles = {method.name: method.title for method in self.session.saliency_methods()}
        self.grid.show_hint("" if chosen else "Choose methods above.")
        if chosen:
            self.grid.begin(self.asked.info, [(name, titles[name], faults[name]) for name in chosen])
        able = self._able = tuple(name for name in chosen if not faults[name])
        self.question.said.setText("")
        self.job.stop()
        if able:
            parameters = self.asked.parameters("target", "action")
            self.job.start("attributions", self.asked.lane, methods=able, **parameters)
        self.question.show_running(bool(able))
        self._mark_live()

    _able: tuple[str, ...] = ()
    _region: tuple | None = None

    def _unit(self, lane: int) -> Unit | None:
        selected = self.session.selected
        return selected[1] if selected is not None and selected[0] == lane else None

    def _words(self, info: LaneInfo, step: Step, target: str) -> str:
        """What is explained, for people."""
        return f"the chosen action, {readable_action(info.action_names[step.decision.action])}" \
            if target == "action" else target

    def _on_changed(self) -> None:
        """Another target, agent or choice of methods: asked at once, of the moment on screen."""
        wish = self.question.info, self.question.target(self._unit(self.question.lane)), self.question.chosen
        if wish != self._wish and (self._wish is not None or not self.session.running):
            self._soon.start()

    def _explained(self, step: Step) -> bool:
        """Whether this very moment is what was asked about."""
        asked = self.asked
        if asked is None or asked.info != self.question.info:
            return False
        if step is asked.step:
            return True
        return (step.moment == asked.step.moment and np.array_equal(step.observation, asked.step.observation)
                and np.array_equal(step.decision.flat, asked.step.decision.flat))  # fmt: skip

    def _cancel(self) -> None:
        if self.job.running:
            self.job.stop()
            self._wish = None  # the same may be asked again
            self.question.said.setText("cancelled")
        self.question.show_running(False)

    def _forget(self, hint: str) -> None:
        """Nothing is explained. hint: why, or what to do."""
        self.job.stop()
        self._soon.stop()
        self.asked = self._wish = None
        self.question.show_running(False)
        self.question.said.setText("")
        self.question.status.setText("")
        self.grid.show_hint(hint)
        for test in self.tests:
            test.set_question(None)

    # -- rest ---------------------------------------------------------------------------------------------------
    def rest(self) -> None:
        """Jobs end, and what was not finished is asked again later."""
        self._soon.stop()
        self._interrupted = self._interrupted or self.job.running
        self._cancel()
        for test in self.tests:
            test.stop()

    # -- showing ------------------------------------------------------------------------------------------------
    def _say_moment(self, step: Step) -> None:
        """Which moment the maps are of, and how far the game is from it."""
        if self.asked is None:
            return
        explained, ago = self.asked.step, step.moment - self.asked.step.moment
        stale = not self._explained(step)
        self.grid.set_stale(stale)
        edited = " · under an intervention" if explained.edited else ""
        now = f"{ago} steps ago" if ago > 1 else "1 step ago" if ago == 1 else "not what is on screen"
        self.question.status.setText(
            f"{f'⚠ {now} · ' if stale else ''}{self.asked.words} · episode {explained.episode + 1}, "
            f"step {explained.index}{edited}"
        )
        self.question.status.setToolTip(self.question.status.text())

    def _mark_live(self, *_changed) -> None:
        session = self.session
        same = self.asked is not None and session.saliency == self.question.live_target(self._unit(self.asked.lane))
        self.grid.mark_live(session.saliency_method if same else None)

    def _make_live(self, method: str) -> None:
        """A clicked tile: its map goes over the game, and is the one that is tested next."""
        self.session.set_saliency(self.question.live_target(self._unit(self.question.lane)), method)
        for test in (self.sanity, self.faithfulness):
            test.choose(method)

    def _show_region(self, region) -> None:
        """Another region was chosen, here or on the game: it is tested at the moment that is explained."""
        self._region = region
        if region is not None and region[0] != self.question.lane:
            self.question.set_lane(region[0])
        step = self.session.last_step(self.question.lane)
        self.grid.show_region(region[1] if region is not None else None)
        if region is not None:
            self.tabs.setCurrentWidget(self.cover)
            self._make_room()
        if region is None or step is None or self._explained(step):
            self.cover.set_region()
        else:
            self._soon.start()  # then there is a moment to test it at

    def _save(self) -> None:
        """Ask for a file; the engine answers the question once more and writes the answer."""
        if self.asked is not None and self._able:
            asked, parameters = self.asked, self.asked.parameters("target", "action")
            parameters["frames"] = self.session.view["saliency_frames"]
            self.saver.ask(asked.name("why"), FILES, "attribution_grid", asked.lane, methods=self._able, **parameters)
