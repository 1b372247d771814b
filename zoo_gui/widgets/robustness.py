"""Robustness, live: sliders make the running game harder while the score falls."""

from __future__ import annotations

import csv
import io
import math
import time
from html import escape
from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import PANELS, Panel
from zoo_gui.widgets.controls import Quiet, button, column_of, keyed, mark, role, toggle
from zoo_gui.widgets.inks import lane_colour
from zoo_gui.widgets.robustness_chart import SPAN, Column, Course, CoursePlot, Level, LevelsPlot
from zoo_gui.widgets.robustness_rows import LevelRows

Qt = QtCore.Qt
ACTS = ("action_noise", "sticky", "latency")
"""Those that change what a player does; the others change what a network sees or is."""
MEASURES = ("whole episodes", "points a step")
HEADER = ("agent", "game", "disturbance", "level", "episodes", "mean_return", "steps", "points_per_1000")
INTERVAL = 0.25
"""Seconds between two drawings while the game runs."""
SLOWLY = 1.0
"""The same of means that change with every step."""
MARK = {0: "●", 1: "■", 2: "▼", 3: "◆"}


@PANELS.register("robustness")
class RobustnessPanel(Panel):
    """Rows of sliders for one lane or all; beside them what the scores became. Levels are the session's: another panel,
    Ctrl+E or a result folder may set them too."""

    title = "Robustness"
    area = "centre"
    about = "How well do agents stand noise? Sliders make the running game harder while the score falls."
    turns_late = 2

    def _connect(self) -> None:
        super()._connect()
        self.session.disturbance_changed.connect(lambda *_: self.is_seen and self._guard(self._show_levels))
        self.session.speed_changed.connect(lambda *_: self._guard(self._show_speed))

    def build(self) -> QtWidgets.QWidget:
        self._target: int | None = None
        self._drawn: Any = None
        self._redrawn = self._levels_at = 0.0
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self._guard(self._redraw))
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)
        row = QtWidgets.QHBoxLayout(content)
        row.setContentsMargins(4, 4, 4, 2)
        self.parts = QtWidgets.QSplitter(Qt.Horizontal)
        self.parts.setChildrenCollapsible(False)
        self.controls = column_of(self._make_controls())
        self.parts.addWidget(self.controls)
        self.parts.addWidget(self._make_charts())
        self.parts.setSizes([330, 400])
        self.parts.setStretchFactor(1, 1)
        row.addWidget(self.parts)
        return content

    def _make_controls(self) -> QtWidgets.QWidget:
        page = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(page)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(3)
        self._targets = QtWidgets.QHBoxLayout()
        self._targets.setSpacing(2)
        column.addLayout(self._targets)
        self.rows = LevelRows(self.session.disturbance_kinds(), self.session.parameter_layers())
        self.rows.moved.connect(lambda name, value: self._guard(self._on_moved, name, value))
        self.rows.chosen.connect(lambda _name: self._guard(self._on_chosen))
        column.addWidget(self.rows)
        self.said = QtWidgets.QLabel()
        self.said.setWordWrap(True)
        role(self.said, "caption")
        column.addWidget(self.said)
        buttons = QtWidgets.QHBoxLayout()
        self.reset_button = button("Reset", "", self._reset)
        keyed(self.reset_button, "clear_edits", "Undisturbed again; the key undoes all other changes, too")
        self.speed_button = toggle("Full speed", "", self._on_speed)
        keyed(self.speed_button, "full_speed", "Episodes are over soonest as fast as it goes; again: game speed")
        self.copy_button = button("Copy", "The means by level, as a table (CSV).", self._copy)
        self.forget_button = button("Forget", "Begin the charts anew.", self._forget)
        buttons.setSpacing(3)
        for made in (self.reset_button, self.speed_button, self.copy_button, self.forget_button):
            buttons.addWidget(made)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)
        return page

    def _make_charts(self) -> QtWidgets.QWidget:
        page = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.measure = Quiet(MEASURES)
        self.measure.setAccessibleName("Measure")
        self.measure.setToolTip("Means of whole episodes that were played at one level; or points in 1,000 steps of "
                                "all that were, which is known sooner.")  # fmt: skip
        self.measure.activated.connect(lambda _: self._guard(self._redraw))
        self.legend = QtWidgets.QLabel()
        role(self.legend, "caption")
        self.legend.setMinimumWidth(1)
        self.legend.setWordWrap(True)
        self.measure.setMinimumContentsLength(max(map(len, MEASURES)))
        self.course, self.levels = CoursePlot(), LevelsPlot()
        column.addWidget(self.legend)
        column.addWidget(self.measure, 0, Qt.AlignLeft)
        column.addWidget(self.levels, 3)
        column.addWidget(self.course, 2)
        return page

    # -- lanes and levels ---------------------------------------------------------------------------------------
    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        while (item := self._targets.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        if self._target is not None and self._target >= len(lanes):
            self._target = None
        self.targets: dict[int | None, QtWidgets.QPushButton] = {}
        label = QtWidgets.QLabel("Disturb")
        role(label, "caption")
        self._targets.addWidget(label)
        words = [(None, "all", "All agents alike.")] if len(lanes) != 1 else []
        words += [(info.lane, lane_letter(info.lane), f"Only {info.title}.") for info in lanes]
        for lane, text, tip in words:
            made = self.targets[lane] = toggle(text, tip, lambda lane=lane: self._aim(lane))
            made.setFocusPolicy(Qt.TabFocus)
            if lane is not None:
                mark(made, "lane", lane)
            self._targets.addWidget(made)
        self._targets.addStretch(1)
        self._show_legend()
        self._aim(self._target if len(lanes) != 1 else 0)
        self._show_speed()

    def _show_legend(self) -> None:
        spans = [f'<span style="color:{lane_colour(info.lane)}">{MARK[info.lane]} {lane_letter(info.lane)} '
                 f"{escape(info.title)}</span>" for info in self.lanes]
        self.legend.setText(" &nbsp; ".join(spans))
        self.legend.setToolTip("\n".join(f"{lane_letter(info.lane)}: {info.title}" for info in self.lanes))

    def show_look(self, look) -> None:
        self._show_legend()
        self.controls.setMinimumWidth(self.controls.widget().minimumSizeHint().width() + 12)
        self._drawn = None
        self._schedule(0.0)

    def _aim(self, lane: int | None) -> None:
        """Disturb this lane from now on, None: all. One that is alone was not chosen: it is all, when others come."""
        self._target = lane if len(self.lanes) > 1 else None
        for one, made in self.targets.items():
            made.setChecked(one == lane)
        self._show_levels()

    @property
    def _aimed(self) -> list[int]:
        return [info.lane for info in self.lanes if self._target in (None, info.lane)]

    def _show_levels(self) -> None:
        """Show the levels of the first lane that is aimed at."""
        aimed, on = self._aimed, self.session.disturbances
        self.rows.show_levels(on.get(aimed[0], {}) if aimed else {})
        self.rows.setEnabled(bool(aimed))
        self.reset_button.setEnabled(any(lane in on for lane in aimed))
        self._say()
        self._schedule(0.0)

    def _on_moved(self, name: str, value: Any) -> None:
        if name == "parameter_layers" and not self.rows.rows["parameter_noise"].level:
            return  # of no noise: it is read when there is some
        for lane in self._aimed:
            levels = {**self.session.disturbances.get(lane, {}), name: value}
            if levels.get("parameter_noise"):
                levels["parameter_layers"] = self.rows.layers.currentText()
            self.session.set_disturbance(lane, levels)

    def _on_chosen(self) -> None:
        if hasattr(self, "said"):
            self._say()
            self._schedule(0.0)

    def _reset(self) -> None:
        for lane in self._aimed:
            self.session.set_disturbance(lane, {})

    def _on_speed(self) -> None:
        self.session.set_speed(None if self.session.speed is not None else 1.0)
        if self.session.speed is None and not self.session.running:
            self.session.play()

    def _show_speed(self) -> None:
        self.speed_button.setChecked(self.session.speed is None)

    def _say(self) -> None:
        """What the chosen disturbance does, and to whom it cannot."""
        about = self.rows.rows[self.rows.name].about
        text = f"{about.title}: {about.words}. Unit: {about.unit}; at rest {about.rest:g}."
        blind = [lane_letter(info.lane) for info in self.lanes if not info.layers and info.lane in self._aimed]
        if blind and self.rows.name not in ACTS:
            text += f" {' and '.join(blind)} {'have' if len(blind) > 1 else 'has'} no network that it could disturb."
        differing = len({tuple(sorted(self.session.disturbances.get(lane, {}).items())) for lane in self._aimed}) > 1
        if differing:
            text += f" The agents are disturbed differently; shown is {lane_letter(self._aimed[0])}."
        self.said.setText(text)

    # -- charts -------------------------------------------------------------------------------------------------
    def show_step(self, lane: int, step, summaries) -> None:
        self._schedule()

    def rest(self) -> None:
        self._timer.stop()

    def _schedule(self, interval: float = INTERVAL) -> None:
        if not self._timer.isActive():
            wait = interval - (time.perf_counter() - self._redrawn)
            self._timer.start(max(0, round(1000 * wait)))

    def _redraw(self) -> None:
        self._redrawn = time.perf_counter()
        if not self.is_seen:
            return
        columns, whole = self._columns(), self.measure.currentIndex() == 0
        row = self.rows.rows[self.rows.name]
        running = [column.running for column in columns if column.running is not None and whole]
        top = 2 ** math.ceil(math.log2(max([1.0, *running])))  # the axis has room for it
        still = [column._replace(running=float(top) if running else None) for column in columns]
        shown = (tuple(still), self.rows.name, whole, self.levels.size())
        calm = whole or self._redrawn - self._levels_at >= SLOWLY or not self.session.running
        if shown != self._drawn and (calm or self._drawn is None or shown[1:] != self._drawn[1:]):
            self._drawn, self._levels_at = shown, self._redrawn
            self.levels.draw(still, row.about, row.scale, whole)
        if whole:
            self.levels.show_running(columns, row.scale)
        self.course.draw([self._course(info.lane) for info in self.lanes])

    def _columns(self) -> list[Column]:
        scores, whole, seen, found = self.session.scores, self.measure.currentIndex() == 0, set(), []
        for info in self.lanes:
            who = self.session.who(info.lane)
            running = scores.running.get(info.lane)
            levels = () if who in seen else self._levels_of(who, whole)  # the same agent twice has one curve
            seen.add(who)
            clean = next((float(np.mean(one.scores)) for one in levels if one.level == self._rest), None)
            score = running.score if running is not None and running.levels is not None else None
            found.append(Column(info.lane, score, levels, self._now(info.lane), clean))
        return found

    def _course(self, lane: int) -> Course:
        """A lane's newest steps, and where its level changed."""
        history = self.session.history(lane)
        steps, numbers = history.column("number", SPAN), history.column("disturbance", SPAN)
        returns = history.column("episode_return", SPAN) + history.column("reward", SPAN)
        at = np.flatnonzero(np.diff(numbers)) + 1
        changes = tuple((float(steps[row]), self._words(self.session.levels_of(int(numbers[row])))) for row in at)
        return Course(lane, steps, returns, changes)

    @property
    def _rest(self) -> float:
        return float(self.rows.rows[self.rows.name].about.rest)

    def _levels_of(self, who: Any, whole: bool) -> tuple[Level, ...]:
        """What is known of an agent at each level of the chosen disturbance, undisturbed play among it."""
        scores, name = self.session.scores, self.rows.name
        if whole:
            known = {level: (tuple(values), f"n {len(values)}") for level, values in scores.of(who, name).items()}
        else:
            pace = scores.pace(who, name).items()
            known = {level: ((points,), f"of {steps:,}") for level, (points, steps) in pace}
        rows = [Level(self._rest if level is None else float(level), *told) for level, told in known.items()]
        return tuple(sorted(rows))

    def _now(self, lane: int) -> float | None:
        levels = self.session.disturbances.get(lane, {})
        if set(levels) - {"parameter_layers", self.rows.name}:
            return None
        return float(levels.get(self.rows.name, self._rest))

    def _words(self, levels: tuple) -> str:
        """``0.1``, or with other disturbances ``sticky 0.25, latency 2``; ``none`` at rest."""
        on = [(name, level) for name, level in levels if name != "parameter_layers"]
        if len(on) == 1 and on[0][0] == self.rows.name:
            return f"{on[0][1]:g}"
        kinds = self.session.disturbance_kinds()
        return ", ".join(f"{kinds[name].title.lower()} {level:g}" for name, level in on) or "none"

    # -- numbers ------------------------------------------------------------------------------------------------
    def numbers(self) -> str:
        """CSV: a row an agent, disturbance and level of this sitting."""
        text, scores = io.StringIO(), self.session.scores
        writer = csv.writer(text)
        writer.writerow(HEADER)
        for agent, game in dict.fromkeys(self.session.who(info.lane) for info in self.lanes):
            for name, row in self.rows.rows.items():
                whole, pace = scores.of((agent, game), name), scores.pace((agent, game), name)
                for level in sorted(pace.keys() | whole.keys(), key=lambda level: (level is not None, level)):
                    if level is None and name != self.rows.name:
                        continue  # undisturbed play stands once, with the chosen one
                    values = whole.get(level, [])
                    points, steps = pace.get(level, (float("nan"), 0))
                    mean = f"{np.mean(values):.6g}" if values else ""
                    known = f"{row.about.rest if level is None else level:g}"
                    writer.writerow((agent, game, name, known, len(values), mean, steps, f"{points:.6g}"))
        return text.getvalue()

    def _copy(self) -> None:
        QtWidgets.QApplication.clipboard().setText(self.numbers())
        self.session.message.emit("info", "Copied the numbers of this sitting.")

    def _forget(self) -> None:
        self.session.scores.forget()
        self._redraw()
