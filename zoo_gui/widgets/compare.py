"""Where do they part? Whose game the agents see, how far apart their decisions are along time, and how often."""

from __future__ import annotations

import math
import time
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.naming import MEANINGS, lane_letter, readable_action
from zoo_gui.shortcuts import key_of
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import PANELS, Job, Panel, Part
from zoo_gui.widgets.compare_bar import OWN, REPLAY, SHARED, InputBar
from zoo_gui.widgets.compare_matrix import Matrix
from zoo_gui.widgets.compare_replay import ReplayDialog
from zoo_gui.widgets.compare_strip import Timeline
from zoo_gui.widgets.compare_track import Track
from zoo_gui.widgets.controls import Quiet, button, keyed, role
from zoo_gui.widgets.parts import of_widgets
from zoo_gui.widgets.saving import ask_path

INTERVAL, MATRIX_MS = 0.1, 500  # between redraws, in seconds; of the table, in milliseconds
PARTINGS = {"a different choice": None, "far apart: 0.25 or more": 0.25, "far apart: 0.5 or more": 0.5}
"""Where the arrows go: where choices begin to differ, or the farthest of each stretch of at least so much."""
NAMES = {("logits", "logits"): "Jensen–Shannon, bits", ("q", "q"): "Q-gap", ("logits", "q"): "policy beside Q"}
MEASURES = {
    ("logits", "logits"): "the Jensen–Shannon divergence, in bits, of the two policies over actions of one meaning",
    ("q", "q"): "how much less each gives for what the other would do, as a part of the span of its Q-values; the mean "
                "of both",
    ("logits", "q"): "one is a policy, the other learned values: the mean of the normalised Q-gap of what the policy "
                     "would do, and of how much less likely the policy does what the other would do",
}  # fmt: skip
"""What is measured between two agents, in short and whole, by their kinds of scores, sorted; from 0, the same, to 1."""
ALONE = "Comparing needs two agents of one game: add another one beside this."
APART = "Each plays its own game. Press “One game” ({key}): all see the same moments, and this shows where they part."
NO_NETWORKS = "Only one of these has a network: players without one do not say what they would do."
WAITING = "No moment was shared yet: let the game go on ({key})."


@PANELS.register("compare")
class ComparePanel(Panel):
    """``command``: a command of the shortcut table that a button stands for."""

    title = "Compare"
    area = "bottom"
    about = ("Where do agents part? Whose game all see, how far their decisions are apart along time, and how "
             "often they agree.")
    turns_late = 3
    command = QtCore.Signal(str)

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        content = QtWidgets.QWidget()
        content.setMinimumSize(260, 110)
        self.track, self.job = Track(), Job(self.session, "report")
        self._chosen: tuple[int, int] | None = None
        self._target: int | None = None
        self._replay = self._report_path = ""
        self._redrawn = 0.0
        self._timer = QtCore.QTimer(content)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self._guard(self._redraw))
        self._count_soon = QtCore.QTimer(content)
        self._count_soon.setSingleShot(True)
        self._count_soon.timeout.connect(lambda: self._guard(self._count))
        self.bar, self.strip, self.matrix = InputBar(), Timeline(self.track), Matrix()
        self._make_controls()
        self._wire()
        self._lay_out(content)
        return content

    def _make_controls(self) -> None:
        self.earlier, self.later = (
            button(sign, text, lambda command=command: self.command.emit(command))
            for sign, text, command in (("◀", "The disagreement before", "previous_apart"),
                                        ("▶", "The next disagreement", "next_apart")))  # fmt: skip
        keyed(self.earlier, "previous_apart", "The disagreement before; pauses there")
        keyed(self.later, "next_apart", "The next disagreement; pauses there")
        self.kind = Quiet(tuple(PARTINGS))
        self.kind.setMinimumContentsLength(17)
        self.kind.setAccessibleName("Disagreement")
        self.kind.setToolTip("Where the arrows go: where greedy choices begin to differ, or the farthest moment of "
                             "each stretch that is at least so far apart.")
        self.said = QtWidgets.QLabel()
        role(self.said, "caption")
        self.said.setMinimumWidth(1)
        self.said.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Preferred)
        self.cancel = button("Cancel", "Stop reading, or writing the report.", lambda: self._guard(self._cancel))
        self.report = button("Report", "Everything compared, with figures and numbers, in one HTML file.", lambda: None)
        menu = QtWidgets.QMenu(self.report)
        menu.addAction("of games that are played for it …", lambda: self._guard(self._write_report, None))
        self._of_sitting = menu.addAction("", lambda: self._guard(self._write_report, "session"))
        menu.aboutToShow.connect(self._name_reports)
        self.report.setMenu(menu)
        self.add = button("Add an agent…", "", lambda: self.command.emit("add_agent"))
        keyed(self.add, "add_agent", "Open a second agent beside this")
        for made in (self.earlier, self.later, self.cancel, self.report, self.add):
            made.setFocusPolicy(QtCore.Qt.TabFocus)
        self.cancel.hide()

    def _lay_out(self, content: QtWidgets.QWidget) -> None:
        first, second = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        for row, parts in ((first, (self.bar, self.add)), (second, (self.earlier, self.later, self.kind))):
            row.setSpacing(3)
            for part in parts:
                row.addWidget(part)
        first.addStretch(1)
        first.addWidget(self.cancel)
        first.addWidget(self.report)
        second.addWidget(self.said, 1)
        body = QtWidgets.QHBoxLayout()
        body.setSpacing(6)
        body.addWidget(self.strip, 1)
        body.addWidget(self.matrix)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(2)
        column.addLayout(first)
        column.addLayout(second)
        column.addLayout(body, 1)

    def _wire(self) -> None:
        def on(signal, method):
            signal.connect(lambda *values: self._guard(method, *values))

        on(self.bar.wanted, self._on_wanted)
        on(self.bar.driver, self.session.share)
        on(self.strip.chosen, lambda pair, place: self._go(place))
        on(self.strip.pointed, self._say_place)
        on(self.matrix.chosen, self._on_pair)
        self.matrix.said.connect(self.session.hover)

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        for signal, method in ((session.progressed, self._on_job), (session.finished, self._end_job),
                               (session.failed, self._end_job), (session.running_changed, self._on_running),
                               (session.stepped, self._on_step)):  # fmt: skip
            signal.connect(lambda *values, method=method: self._content is not None and self._guard(method, *values))

    def named_parts(self) -> list[Part]:
        return of_widgets(
            self,
            (self.bar, "whose game all see", "Each its own game, or all the same, which one of them drives."),
            (self.strip, "how far they are apart", "The distance of their decisions along time; a click goes there."),
            (self.matrix, "how often they agree", "Each pair's share of steps with the same choice."),
        )

    # -- what the session says ----------------------------------------------------------------------------------
    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        session = self.session
        several = len(lanes) > 1
        self.bar.show_lanes(lanes, session.input, session.driver)
        self.bar.setVisible(several)
        self.add.setVisible(not several)
        self.matrix.setVisible(several)
        self.matrix.show_lanes(len(lanes))
        for made in (self.earlier, self.later, self.kind, self.report):
            made.setEnabled(several)
        if self._chosen is not None and self._chosen[1] >= len(lanes):
            self._chosen = None
        self.matrix.show_chosen(self._chosen)
        self.said.setToolTip(self._explained())
        self._schedule(0.0)
        self._count_soon.start(MATRIX_MS)

    def show_step(self, lane: int, step, summaries) -> None:
        self._schedule()

    def _on_step(self, lane: int, step, summaries) -> None:
        if step.moment == self._target:
            self._target = None  # the moment that was gone to is on screen

    def _on_running(self, running: bool) -> None:
        if running:
            self._target = None
        self._schedule(0.0)

    # -- the strip ----------------------------------------------------------------------------------------------
    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs that are shown: the one that was chosen, else who drives beside each other agent."""
        if self._chosen is not None:
            return (self._chosen,)
        lanes = [info.lane for info in self.lanes if info.layers]  # others say not what they would do
        first = self.session.driver if self.session.driver in lanes else lanes[0] if lanes else 0
        return tuple((first, lane) for lane in lanes if lane != first)

    def _schedule(self, interval: float = INTERVAL) -> None:
        if not self._timer.isActive():
            wait = interval - (time.perf_counter() - self._redrawn)
            self._timer.start(max(0, math.ceil(1000 * wait)))

    def rest(self) -> None:
        self._timer.stop()
        self._count_soon.stop()

    def _read(self) -> bool:
        """Take in what is new; whether there was anything."""
        self.lanes = self.session.lanes
        return self.track.read([self.session.history(info.lane) for info in self.lanes])

    def _redraw(self) -> None:
        self._redrawn = time.perf_counter()
        if not self.is_seen:
            return
        before, lanes = self.track.end, len(self.track.together)
        changed = self._read() or (self.track.end, len(self.track.together)) != (before, lanes)
        self.strip.show_pairs(self.pairs)
        self.strip.show_hint(self._hint())
        if changed:
            self.strip.refresh()
        self.strip.set_cursor_at(self.track.place(self._shown()))
        if changed and not self._count_soon.isActive():
            self._count_soon.start(MATRIX_MS)

    def _count(self) -> None:
        """The table, at most every MATRIX_MS."""
        self.matrix.show_numbers(self.track.together, self.track.equal, self.track.far)
        if not self.job.running and not self._replay:
            self.said.setText(self._summary())

    def _hint(self) -> str:
        if len(self.lanes) < 2:
            return ALONE
        games = list(dict.fromkeys(info.game for info in self.lanes))
        if len(games) > 1:
            return f"{' and '.join(games)} are different games: only agents of one game can see the same moments."
        if sum(bool(info.layers) for info in self.lanes) < 2:
            return NO_NETWORKS
        own = self.session.input == OWN
        return APART.format(key=key_of("share_input")) if own else WAITING.format(key=key_of("toggle"))

    def _summary(self) -> str:
        count = int(self.track.together.max(initial=0))
        if not count:
            return ""
        return f"n = {count:,} moments · {' / '.join(NAMES[kinds] for kinds in self._kinds())}"

    def _kinds(self) -> list[tuple[str, str]]:
        """The kinds of scores of the pairs that there are."""
        lanes = [info for info in self.lanes if info.layers]
        return sorted({tuple(sorted((one.scores_kind, other.scores_kind)))
                       for one in lanes for other in lanes if one.lane < other.lane})  # fmt: skip

    def _explained(self) -> str:
        """What the bars are."""
        measures = " Or: ".join(MEASURES[kinds] for kinds in self._kinds())
        return ("<p>How far apart two decisions are, 0 (the same) to 1: "
                f"{measures}.</p><p>White marks: the greedy choices differ.</p><p>On the strip: click to go there, "
                "wheel to zoom, drag to move, double click for everything.</p>") if measures else ""

    def _say_place(self, under) -> None:
        if under is None or max(under[0]) >= len(self.lanes):
            self.session.hover("")
            return
        lines = self.words(*under)
        self.session.hover(" · ".join(lines))
        QtWidgets.QToolTip.showText(QtGui.QCursor.pos(), "\n".join((*lines, "click: go there")), self.strip)

    def words(self, pair: tuple[int, int], place: int) -> tuple[str, str, str]:
        """A moment of the strip, for people."""
        number, episode, index = self.track.when(place)
        far = self.track.apart((min(pair), max(pair)), place)
        said = " · ".join(f"{lane_letter(lane)} {_choice(self.track.choice(lane, place))}" for lane in pair)
        bits = " bits" if all(self.lanes[lane].scores_kind == "logits" for lane in pair) else ""
        apart = f"{far:.2f}{bits} apart" if math.isfinite(far) else "not comparable"
        return said, apart, f"step {number:,}: episode {episode + 1}, its step {index}"

    # -- going there --------------------------------------------------------------------------------------------
    def _shown(self) -> int:
        """The moment on screen, or the one that was gone to and is on its way."""
        if self._target is not None:
            return self._target
        step = self.session.last_step(0)
        return step.moment if step is not None else -1

    def jump(self, way: int) -> bool:
        """Go to the next (1) or the earlier (−1) disagreement and pause there; False where there is none."""
        if self.failed or len(self.session.lanes) < 2:
            self.session.message.emit("info", ALONE)
            return False
        self._read()
        places = self.track.partings([_sorted(pair) for pair in self.pairs], PARTINGS[self.kind.currentText()])
        shown = self._shown()
        if way > 0:
            wanted = places[places > self.track.before(shown + 1)] if len(self.track) else places
        else:
            wanted = places[places <= self.track.before(shown)][::-1] if len(self.track) else places
        if not len(wanted):
            self.session.message.emit("info", self._none(way))
            return False
        self._go(int(wanted[0]))
        return True

    def _none(self, way: int) -> str:
        if not len(self.track):
            return self._hint()
        what = "a different choice" if PARTINGS[self.kind.currentText()] is None else "a moment so far apart"
        return (f"There is no later {what[2:]} yet: let the game go on ({key_of('toggle')})." if way > 0
                else f"There is no earlier {what[2:]} among the {len(self.track):,} moments that are kept.")

    def _go(self, place: int) -> None:
        self._target = self.track.moment(place)
        self.session.seek(self.session.driver or 0, self._target)
        self.strip.set_cursor_at(place)
        self.strip.reveal(place)

    # -- what the person does -----------------------------------------------------------------------------------
    def _on_wanted(self, name: str) -> None:
        if name == OWN:
            self.session.own_games()
        elif name == SHARED:
            self.session.share(self.session.driver or 0)
        elif name == REPLAY:
            self.ask_replay()

    def ask_replay(self) -> None:
        """Ask for a game that was played, which all see then."""
        if self.failed or not self.session.lanes:
            return
        dialog = ReplayDialog(self.session.lanes, self)
        dialog.chosen.connect(lambda lane, source: self._guard(self._start_replay, lane, source))
        dialog.open()

    def _start_replay(self, lane: int, source) -> None:
        self._replay = self.session.replay(lane, source)
        self._show_job("reading the game …")

    def _on_pair(self, pair: tuple[int, int]) -> None:
        """A cell of the table: only this pair; again: all beside who drives."""
        self._chosen = None if pair == self._chosen or len(self.lanes) == 2 else pair
        self.matrix.show_chosen(self._chosen)
        self.strip.show_pairs(self.pairs)

    # -- jobs ---------------------------------------------------------------------------------------------------
    def _name_reports(self) -> None:
        count = int(self.track.together.max(initial=0))
        self._of_sitting.setText(f"of this sitting ({count:,} moments that they saw together) …")
        self._of_sitting.setEnabled(count > 1)

    def _write_report(self, moments: str | None) -> None:
        """Ask for a file; the engine compares all lanes' agents and writes it."""
        lanes = tuple(info.lane for info in self.session.lanes if info.layers)
        names = " ".join(self.session.lanes[lane].agent_id for lane in lanes)
        path = ask_path(self, f"compare {names}", (".html",))
        if path:
            self._report_path = path
            source = {} if moments is None else {"moments": moments}
            self.job.start("comparison", lanes, save_to=path, **source)
            self._show_job("comparing …")

    def _show_job(self, text: str) -> None:
        self.said.setText(text or self._summary())
        self.cancel.setVisible(bool(text))
        self.report.setEnabled(not self.job.running and len(self.session.lanes) > 1)

    def _on_job(self, key: str, progress) -> None:
        if self.job.owns(key) or key == self._replay:
            share = f" ({progress.done / progress.total:.0%})" if progress.total > 1 else ""
            self._show_job(f"{progress.label}{share}" if progress.label else self.said.text())

    def _end_job(self, key: str, sentence: str = "") -> None:
        mine = self.job.owns(key)
        if not mine and (not key or key != self._replay):
            return
        if mine:
            self.job.ended()
            if not sentence:
                self.session.message.emit("info", f"Saved {self._report_path}")
        else:
            self._replay = ""
        if sentence:
            self.session.message.emit("error", sentence)
        self._show_job("" if sentence or not mine else f"saved {Path(self._report_path).name}")
        self.cancel.hide()

    def _cancel(self) -> None:
        self.job.stop()
        if self._replay:
            self.session.cancel(self._replay)
            self._replay = ""
        self._show_job("")
        self._schedule(0.0)


def _choice(meaning: int) -> str:
    return readable_action(MEANINGS[meaning]) if meaning >= 0 else "unknown"


def _sorted(pair: tuple[int, int]) -> tuple[int, int]:
    return min(pair), max(pair)
