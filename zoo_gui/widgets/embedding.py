"""Where are alike moments? A map of them: pointed at, gone to, lassoed and explained, with the running games in it."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import PANELS, Job, Panel, where
from zoo_gui.widgets.controls import Fitted, Quiet, button, role, toggle
from zoo_gui.widgets.embedding_ask import AskBar
from zoo_gui.widgets.embedding_colours import COLOURINGS, colouring
from zoo_gui.widgets.embedding_hover import NO_WAY, Hover
from zoo_gui.widgets.embedding_legend import Legend
from zoo_gui.widgets.embedding_live import Live
from zoo_gui.widgets.embedding_scatter import Scatter
from zoo_gui.widgets.embedding_selection import SelectionView
from zoo_gui.widgets.saving import Saver

HINT = (
    "Run lays moments out so that alike ones lie together. Point at one to see it, click to go there, drag with Shift "
    "to choose some and see what they have in common."
)
NOBODY = "An agent with a network is needed: open one."
CHANGED = "The agents were changed meanwhile: run it again."
LASSO_TIP = (
    "Drags choose moments instead of moving the map. Without it: drag with Shift. With Ctrl: added to the chosen ones."
)
DOT_SECONDS, SUMMARY_MS = 1 / 15, 150
DOT_SHARE = 0.1  # of the window's time at most, where placing them costs more than usual
FILES = (".png", ".svg", ".csv", ".npz", ".pdf", ".json")


@PANELS.register("embedding")
class EmbeddingPanel(Panel):
    """A map of moments goes on being made while it is out of sight."""

    title = "Embedding"
    area = "bottom"
    about = ("A map of many moments: alike ones lie beside each other; point at one, go to it, lasso some, and "
             "watch the game move in it.")
    turns_late = 2
    asks_on = True

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        self.result: Any = None
        self.of: tuple[LaneInfo | None, ...] = ()
        self.asked: dict[str, Any] = {}
        self._asking: tuple[tuple[LaneInfo | None, ...], dict[str, Any]] = ((), {})
        self._placed, self._pause = 0.0, DOT_SECONDS
        content = QtWidgets.QWidget()
        content.setMinimumSize(260, 130)
        session = self.session
        self.job = Job(session, "embedding")
        self.summaries: dict[int, Job] = {}
        self.saver, self.live = Saver(session, "embedding", content), Live()
        self.bar = AskBar(lambda: self._guard(self._start), lambda: self._guard(self._cancel))
        self.scatter, self.legend, self.side = Scatter(HINT), Legend(), SelectionView()
        self.hover = Hover(session, self.scatter, self._guard)
        self._make_controls()
        self._make_timers(content)
        self._wire()
        self._lay_out(content)
        return content

    def _make_controls(self) -> None:
        self.colour = Quiet(tuple(COLOURINGS))
        self.colour.setMinimumContentsLength(11)
        self.colour.setAccessibleName("Colour")
        self.colour.setToolTip("What the points' colours tell.")
        self.lasso = toggle("Lasso", LASSO_TIP, lambda: self.scatter.set_lassoing(self.lasso.isChecked()))
        self.clear = button("None", "Choose no moments (Esc).", lambda: self._guard(self._choose, None))
        self.whole = button("Whole", "Show the whole map again (double click).", lambda: self.scatter.view.show_whole())
        self.said, self.dots_said = Fitted(), QtWidgets.QLabel()
        for label in (self.said, self.dots_said):
            role(label, "caption")
            label.setMinimumWidth(1)
        self.progress = QtWidgets.QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.setAccessibleName("Embedding: progress")
        self.menu = QtWidgets.QMenu(self.bar.save)
        self.menu.aboutToShow.connect(lambda: self._guard(self._fill_menu))
        self.bar.save.setMenu(self.menu)

    def _make_timers(self, parent: QtWidgets.QWidget) -> None:
        self._dot_soon, self._summary_soon = QtCore.QTimer(parent), QtCore.QTimer(parent)
        for timer, method in ((self._dot_soon, self._place_dots), (self._summary_soon, self._ask_summaries)):
            timer.setSingleShot(True)
            timer.timeout.connect(lambda method=method: self._guard(method))

    def _wire(self) -> None:
        def on(signal, method):
            signal.connect(lambda *values: self._guard(method, *values))

        on(self.bar.changed, self._say)
        self.colour.activated.connect(lambda _: self._guard(self._recolour))
        on(self.scatter.pointed_at, self.hover.point)
        on(self.scatter.stepped, self.hover.point)
        on(self.scatter.picked, self._go)
        on(self.scatter.lassoed, self._on_lasso)
        on(self.legend.chosen, self._choose)
        on(self.side.chosen, self._select)
        self.saver.said.connect(lambda text: self._tell(text) if text else self._guard(self._say))

    def _lay_out(self, content: QtWidgets.QWidget) -> None:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.colour)
        row.addWidget(self.legend, 1)
        for made in (self.lasso, self.clear, self.whole, self.bar.save):
            made.setFocusPolicy(QtCore.Qt.TabFocus)
            row.addWidget(made)
        words = QtWidgets.QHBoxLayout()
        words.setSpacing(8)
        words.addWidget(self.said, 1)
        words.addWidget(self.dots_said)
        self.body = QtWidgets.QSplitter(QtCore.Qt.Horizontal)
        self.body.setChildrenCollapsible(False)
        self.body.addWidget(self.scatter)
        self.body.addWidget(self.side)
        self.body.setSizes([400, 230])
        self.body.setStretchFactor(0, 1)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(2)
        column.addWidget(self.bar)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.body, 1)
        column.addLayout(words)
        for widget in (self.side, self.clear, self.progress):
            widget.hide()

    def _connect(self) -> None:
        super()._connect()
        self.session.finished.connect(lambda key: self._content is not None and self._guard(self._on_finished, key))

    # -- what the session says ------------------------------------------------------------------------------------
    def set_lanes(self, lanes) -> None:
        self.bar.set_lanes(tuple(info for info in lanes if info.layers))
        before, self.of = self.of, _moved(self.of, lanes)
        if self.of != before:
            self._recolour()
            self.side.show_lanes({place: self.of[place] for place in self.side.sections if self.of[place] is not None})
        if self.job.running:
            infos = _moved(self._asking[0], lanes)
            self._asking = infos, self._asking[1]
            if None in infos:
                self.job.stop()
                self._refresh()
                self._tell(CHANGED)
                return
        self._follow()
        self._say()

    def show_step(self, lane, step, summaries) -> None:
        self.live.take(lane, step)
        if self.live.waiting and not self._dot_soon.isActive():
            wait = self._pause - (time.perf_counter() - self._placed)
            self._dot_soon.start(max(0, math.ceil(1000 * wait)))

    def show_progress(self, key, progress) -> None:
        place = self._summary_of(key)
        if self.job.owns(key):
            self._take(progress)
        elif self.hover.job.owns(key):
            self.hover.take(progress)
        elif place is not None and place in self.side.sections:
            section = self.side.sections[place]
            section.show_words(progress.label) if progress.result is None else section.show_result(progress.result)

    def show_failure(self, key, sentence) -> None:
        place = self._summary_of(key)
        if self.job.owns(key):
            self.job.ended()
            self._refresh()
            self._tell(sentence + (" What is shown is an earlier answer." if self.result is not None else ""))
        elif self.hover.job.owns(key):
            self.hover.failed(sentence)
        elif place is not None:
            self.summaries[place].ended()
            self.side.sections[place].show_words(sentence)

    def _on_finished(self, key: str) -> None:
        for job in (self.job, self.hover.job, *self.summaries.values()):
            if job.owns(key):
                job.ended()
        if not self.job.running:
            self._say()

    def _summary_of(self, key: str) -> int | None:
        return next((place for place, job in self.summaries.items() if job.owns(key)), None)

    def rest(self) -> None:
        self._dot_soon.stop()
        self.hover.rest()

    # -- the map --------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        infos = tuple(info for info in self.lanes if info.lane in self.bar.lanes)
        if infos:
            self._asking = infos, self.bar.parameters()
            self.progress.setRange(0, 0)
            self.job.start("embedding", tuple(info.lane for info in infos), **self._asking[1])
            self._refresh()
            self._tell("looking …")

    def _cancel(self) -> None:
        self.job.stop()
        self._say()
        self._tell("Cancelled. " + self.said.whole)

    def _take(self, progress) -> None:
        self.progress.setRange(0, max(1, progress.total))
        self.progress.setValue(progress.done)
        earlier = "stale: this answers an earlier question; " if self.result is not None and \
            self.asked is not self._asking[1] else ""  # fmt: skip
        if progress.result is not None:
            earlier = ""
            self._show(progress.result)
        meanwhile = " · meanwhile: by principal components" if not earlier and self.result is not None and \
            self.result.preliminary else ""  # fmt: skip
        self._tell(f"{progress.done * 100 // max(1, progress.total)} % · {earlier}{progress.label}{meanwhile}")

    def _show(self, result: Any) -> None:
        fresh = self.asked is not self._asking[1]
        (self.of, self.asked), self.result = self._asking, result
        if fresh:
            self._choose(None)
            self.hover.forget()
        self.scatter.show_embedding(result)
        self._recolour()
        self._follow()
        self._refresh()

    def _recolour(self) -> None:
        if self.result is None:
            return
        lanes = self._letters
        found = colouring(self.result, COLOURINGS[self.colour.currentText()], lanes)
        self.scatter.show_colours(found.colours)
        self.legend.show_colouring(found, lanes)

    @property
    def _letters(self) -> tuple[int | None, ...]:
        """The lanes of the agents, None of those that are gone."""
        return tuple(None if info is None else info.lane for info in self.of)

    def _follow(self) -> None:
        """Show the dots of the lanes whose agents are in the map."""
        gone = bool(self.of) and all(info is None for info in self.of)
        self.scatter.set_stale(gone)
        self.hover.follow(self.result, self.of, self.asked.get("moments"))
        self.live.follow(self.result, {info.lane: place for place, info in enumerate(self.of) if info is not None})
        for info in self.lanes:
            step = self.session.last_step(info.lane)
            if step is not None:
                self.live.take(info.lane, step)
        self._place_dots()

    def _place_dots(self) -> None:
        begun = time.perf_counter()
        self.scatter.show_dots(self.live.place())
        self._placed = time.perf_counter()
        self._pause = max(DOT_SECONDS, (self._placed - begun) / DOT_SHARE)
        known = {info.lane for info in self.of if info is not None}
        words = [f"no dot for {lane_letter(info.lane)}: it was not embedded" for info in self.lanes
                 if info.lane not in known] + list(self.live.missing.values())  # fmt: skip
        words += [f"{lane_letter(dot.lane)} dashed: unlike any state here" for dot in self.scatter.dots if not dot.sure]
        self.dots_said.setText("; ".join(words) if self.result is not None else "")

    # -- what is said ---------------------------------------------------------------------------------------------
    def _say(self) -> None:
        """What is shown, and whether it is what is chosen."""
        self._refresh()
        if self.job.running:
            return
        if self.result is None:
            self._tell("" if self.bar.lanes else NOBODY)
            return
        self._tell(self._stale() + " ".join((self.result.caption, *self.result.remarks)))

    def _stale(self) -> str:
        """Why what is shown is not what is chosen, as a sentence; "" where it is."""
        if None in self.of:
            gone = [name for name, info in zip(self.result.agents, self.of) if info is None]
            return f"stale: {' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} not here any more. "
        same = tuple(info.lane for info in self.of) == self.bar.lanes and self.asked == self.bar.parameters()
        return "" if same else "stale: press Run for what is chosen now. "

    def _tell(self, words: str) -> None:
        self.said.say(words)

    def _refresh(self) -> None:
        running = self.job.running
        self.bar.show_running(running, bool(self.bar.lanes), self.result is not None and not running)
        self.progress.setVisible(running)
        chosen = self.scatter.selected is not None
        self.clear.setVisible(chosen)
        self.side.setVisible(chosen)

    # -- one moment -----------------------------------------------------------------------------------------------
    def _go(self, point: int) -> None:
        """Have the game show that moment again."""
        info = self.hover.info_of(point)
        if info is None:
            self.session.message.emit("info", NO_WAY)
        else:
            self.session.seek(info.lane, int(self.result.moments[point]), self.asked["moments"])

    # -- many moments -----------------------------------------------------------------------------------------------
    def _on_lasso(self, rows: np.ndarray, adding: bool) -> None:
        before = self.scatter.selected
        self._choose(rows | before if adding and before is not None else rows)

    def _choose(self, rows: np.ndarray | None) -> None:
        """Choose these moments; None, or none of them: none."""
        self._stop_summaries()
        rows = None if rows is None or not rows.any() else rows
        self.scatter.select(rows)
        self._refresh()
        places = [] if rows is None else np.unique(self.result.lanes[rows]).tolist()
        self.side.show_lanes({place: self.of[place] for place in places if self.of[place] is not None})
        for section in self.side.sections.values():
            section.show_words("looking …")
        if places:
            self._summary_soon.start(SUMMARY_MS)

    def _stop_summaries(self) -> None:
        self._summary_soon.stop()
        for job in self.summaries.values():
            job.stop()

    def _ask_summaries(self) -> None:
        rows, moments = self.scatter.selected, self.result.moments
        for place, section in self.side.sections.items():
            own = self.result.lanes == place
            job = self.summaries.setdefault(place, Job(self.session, f"embedding selection {place}"))
            job.start("selection_summary", section.info.lane, moments=self.asked["moments"],
                      inside=moments[own & rows], outside=moments[own & ~rows])  # fmt: skip

    def _select(self, lane: int, unit) -> None:
        self.session.select(lane, unit)

    # -- saving -----------------------------------------------------------------------------------------------------
    def _fill_menu(self) -> None:
        self.menu.clear()
        self.menu.addAction("the embedding …", lambda: self._guard(self._save_map))
        for place, section in self.side.sections.items():
            if section.result is not None:
                words = f"the chosen moments of {lane_letter(section.info.lane)} …"
                self.menu.addAction(words, lambda place=place: self._guard(self._save_selection, place))

    def _save_map(self) -> None:
        name = f"{' and '.join(self.result.agents)} {self.result.what} {self.result.method}"
        shown = self.result.coloured(COLOURINGS[self.colour.currentText()])
        self.saver.ask(name, FILES, "write", None, result=shown)

    def _save_selection(self, place: int) -> None:
        section = self.side.sections[place]
        self.saver.ask(f"{section.info.title} chosen moments", FILES, "write", None, result=section.result)


def _moved(infos: tuple[LaneInfo | None, ...], lanes: tuple[LaneInfo, ...]) -> tuple[LaneInfo | None, ...]:
    """The lanes in which these agents play now; None for each that is gone, or cannot be told from another."""
    here = [where(info, lanes) for info in infos]
    return tuple(None if info is None or sum(info is other for other in here) > 1 else info for info in here)
