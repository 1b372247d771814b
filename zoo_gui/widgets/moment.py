"""The moment on screen, where several agents see it: what would each do, and what does each look at?"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.shortcuts import key_of, tip
from zoo_gui.types import LaneInfo, Step
from zoo_gui.widgets.base import PANELS, Job, Panel
from zoo_gui.widgets.controls import Quiet, button, check, role
from zoo_gui.widgets.moment_view import MomentView, Seen, parted

SETTLE_MS = 150  # a moment that is stepped past is not explained
ALONE = "Comparing needs two agents of one game: add another one beside this"
RUNNING = "Pause, or press ] for a disagreement: what each agent would do then, and why, is shown here."
APART = "The agents see different moments: press {key}, and all see one game."
NO_DIFFERENCE = "no difference"


@PANELS.register("moment")
class MomentPanel(Panel):
    """Explains by itself while the game is paused; jobs run while the panel is seen and no longer. ``command``: a
    command of the shortcut table that a button stands for."""

    title = "Moment"
    area = "centre"
    about = ("The moment on screen, where several agents see the same game: what would each do, and what does "
             "each look at?")
    turns_late = 1
    command = QtCore.Signal(str)

    def build(self) -> QtWidgets.QWidget:
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)  # behind another panel it must not widen that one
        self.view = MomentView()
        self.view.setAccessibleName("Decisions and maps of the moment")
        self.view.setFocusPolicy(QtCore.Qt.NoFocus)
        self.jobs: dict[int, Job] = {}
        self.records: dict[int, Any] = {}
        self._asked: tuple | None = None
        self._wished = ""  # of which maps the person wants the difference
        self._steps: list[Step] = []
        self._soon = QtCore.QTimer(content)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SETTLE_MS)
        self._soon.timeout.connect(lambda: self._guard(self.explain))
        self._methods = self.session.saliency_methods()
        self.method = Quiet(tuple(method.title for method in self._methods))
        self.method.setMinimumContentsLength(13)
        self.method.setAccessibleName("Method")
        self.method.setToolTip("How each agent's choice is explained; greedy choices are.")
        for index, method in enumerate(self._methods):
            self.method.setItemData(index, f"{method.text} {method.source}.", QtCore.Qt.ToolTipRole)
        self.shares = check("as shares", "Divide each map by its sum: where each agent looks, not how steep it is. All "
                            "maps have one scale, with or without.", lambda _: self._guard(self._draw_maps))
        self.shares.setChecked(True)
        self.difference = Quiet(())
        self.difference.setMinimumContentsLength(9)
        self.difference.setAccessibleName("Difference of maps")
        self.difference.setToolTip("Of which two maps the difference is shown, where both networks see pictures of one "
                                   "size.")
        self.method.activated.connect(lambda _: self._guard(self.explain))
        self.difference.activated.connect(lambda _: self._guard(self._on_difference))
        self._lay_out(content)
        return content

    def _lay_out(self, content: QtWidgets.QWidget) -> None:
        self.earlier = button("◀", "The disagreement before ([).", lambda: self.command.emit("previous_apart"))
        self.later = button("▶", "The next disagreement (]).", lambda: self.command.emit("next_apart"))
        self.said = QtWidgets.QLabel()
        role(self.said, "caption")
        self.said.setMinimumWidth(1)
        self.said.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Preferred)
        self.cancel = button("Cancel", "Stop the maps that are being made.", lambda: self._guard(self._cancel))
        self.cancel.hide()
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        for made in (self.earlier, self.later, self.method, self.shares, self.difference):
            made.setFocusPolicy(QtCore.Qt.TabFocus)
            row.addWidget(made)
        row.addWidget(self.said, 1)
        row.addWidget(self.cancel)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(5, 4, 5, 2)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.view, 1)

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        session.running_changed.connect(lambda running: self.is_seen and self._guard(self._on_running, running))
        session.finished.connect(lambda key: self._content is not None and self._guard(self._end, key))

    # -- what the session says ----------------------------------------------------------------------------------
    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        pairs = [(one.lane, other.lane) for one in lanes for other in lanes if one.lane < other.lane]
        self.difference.clear()
        for pair in pairs:
            self.difference.addItem(" − ".join(map(lane_letter, pair)), pair)
        self.difference.addItem(NO_DIFFERENCE, None)
        self.difference.setCurrentIndex(max(0, self.difference.findText(self._wished)))
        if self._asked is not None and self._asked[0] != _who(lanes):
            self._forget()
        self._look()

    def show_step(self, lane: int, step: Step, summaries) -> None:
        if not self.session.running:
            self._soon.start()

    def show_view(self, view: dict) -> None:
        self._draw_maps()

    def _on_running(self, running: bool) -> None:
        if running:
            self._soon.stop()
            self._stop_jobs()
        self._look()

    def _look(self) -> None:
        """Explain what is on screen soon, or say why not."""
        if self.session.running:
            self.view.set_stale(True)
            if not self.view.seen:
                self.view.show_hint(RUNNING if len(self.lanes) > 1 else f"{tip('add_agent', ALONE)}.")
            self.said.setText("not what is on screen: pause, or ]" if self.view.seen else "")
        else:
            self._soon.start()

    # -- the question -------------------------------------------------------------------------------------------
    def explain(self) -> None:
        """Show the moment that is on screen, and ask for each agent's map of it."""
        steps = [self.session.last_step(info.lane) for info in self.lanes]
        if len(steps) < 2 or any(step is None for step in steps) or self.session.running:
            if len(steps) < 2:
                self._forget(f"{tip('add_agent', ALONE)}.")
            return
        if not all(np.array_equal(step.ram, steps[0].ram) for step in steps):
            self._forget(APART.format(key=key_of("share_input")))
            return
        method = self._methods[self.method.currentIndex()].name
        same = self._is_shown(steps)
        if same and self._asked == (_who(self.lanes), method):
            self.view.set_stale(False)
            self.said.setText("")
            return
        self._stop_jobs()
        self._asked, self.records, self._steps = (_who(self.lanes), method), {}, steps
        seen = [Seen.of(info, step) for info, step in zip(self.lanes, steps)]
        self.view.show_moment(seen, self._words(seen))
        self.said.setText("")
        for one in seen:
            self._ask(one, method)
        self.cancel.setVisible(any(job.running for job in self.jobs.values()))

    @property
    def explained(self) -> int | None:
        """The id of the moment that all agents' maps are there of; None while some are missing."""
        able = [info for info in self.lanes if info.layers]
        return self._steps[0].moment if self._steps and len(self.records) == len(able) else None

    def _is_shown(self, steps: list[Step]) -> bool:
        return len(steps) == len(self._steps) and all(
            one is other or (one.moment == other.moment and np.array_equal(one.ram, other.ram)
                             and np.array_equal(one.decision.flat, other.decision.flat))
            for one, other in zip(steps, self._steps))  # fmt: skip

    def _ask(self, one: Seen, method: str) -> None:
        lane, step = one.info.lane, one.step
        fault = self.session.saliency_fault(lane, "action", method) if one.info.layers else "no network"
        self.view.say(lane, fault or "…")
        if fault:
            return
        at = {"at": step.moment} if step.moment >= 0 else {}
        job = self.jobs.setdefault(lane, Job(self.session, f"moment map {lane}"))
        job.start("attribution", lane, observation=step.observation, target="action", method=method,
                  action=int(np.argmax(step.decision.scores)), **at)  # fmt: skip

    def _words(self, seen: list[Seen]) -> str:
        """The moment, for people."""
        step = seen[0].step
        first = seen[self.session.driver or 0]
        far = list(filter(None, (self._apart(first, other) for other in seen if other is not first)))
        differ = "different choices" if parted(seen) else "the same choice"
        apart = f" · apart: {', '.join(far)}" if far else ""
        return f"Episode {step.episode + 1}, step {step.index}: {differ}{apart}"

    def _apart(self, one: Seen, other: Seen) -> str:
        """How far apart two decisions are here, where the sitting knows."""
        history = self.session.history(one.info.lane)
        rows = np.flatnonzero(history.column("moment") == one.step.moment)
        far = history.column(f"apart_{other.info.lane}")[rows]
        far = far[np.isfinite(far)]
        return f"{lane_letter(one.info.lane)}–{lane_letter(other.info.lane)} {far[-1]:.2f}" if len(far) else ""

    # -- answers ------------------------------------------------------------------------------------------------
    def show_progress(self, key: str, progress) -> None:
        for lane, job in self.jobs.items():
            if job.owns(key):
                if progress.result is None:
                    share = f" {progress.done / progress.total:.0%}" if progress.total > 1 else ""
                    self.view.say(lane, f"…{share}")
                else:
                    self.records[lane] = progress.result
                    self._draw_maps()

    def show_failure(self, key: str, sentence: str) -> None:
        self._end(key, sentence)

    def _end(self, key: str, sentence: str = "") -> None:
        for lane, job in self.jobs.items():
            if job.owns(key):
                job.ended()
                if sentence:
                    self.view.say(lane, sentence)
        self.cancel.setVisible(any(job.running for job in self.jobs.values()))

    def _on_difference(self) -> None:
        self._wished = self.difference.currentText()
        self._draw_maps()

    def _draw_maps(self) -> None:
        if self.records:
            self.view.show_maps(self.records, self.session.view, self.shares.isChecked(),
                                self.difference.currentData())  # fmt: skip

    # -- rest ---------------------------------------------------------------------------------------------------
    def _cancel(self) -> None:
        for lane, job in self.jobs.items():
            if job.running:
                self.view.say(lane, "cancelled")
        self._stop_jobs()

    def _stop_jobs(self) -> None:
        for job in self.jobs.values():
            job.stop()
        self.cancel.hide()

    def _forget(self, hint: str = "") -> None:
        self._stop_jobs()
        self._asked, self.records, self._steps = None, {}, []
        self.view.show_hint(hint)
        self.said.setText("")

    def rest(self) -> None:
        """What is not finished is asked again later."""
        self._soon.stop()
        if any(job.running for job in self.jobs.values()):
            self._stop_jobs()
            self._asked = None


def _who(lanes: tuple[LaneInfo, ...]) -> tuple:
    """Which agents they are, whoever drives."""
    return tuple((info.lane, info.agent_id, info.game, info.layers) for info in lanes)
