"""Two units side by side: the selected one and its counterpart in another agent, now, looked for, and fired at."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import TABLE_SIZE, colourise, lut, rgb32
from zoo_gui.naming import lane_letter
from zoo_gui.scales import PictureBook
from zoo_gui.shortcuts import tip
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.base import PANELS, Job, Panel
from zoo_gui.widgets.controls import Quiet, button, role
from zoo_gui.widgets.inks import lane_ink
from zoo_gui.widgets.lights import correlation, sureness
from zoo_gui.widgets.pair_live import LivePair
from zoo_gui.widgets.pair_view import DIFFERENCE, LEFT, RIGHT, PairGrid, Picture, signed_number
from zoo_gui.widgets.pictures import FAINTEST, frames_of

SETTLE_MS = 300  # a selection that moves on is not asked about
COUNT, NEAR = 4, 10
ROLLOUT = (2500, 0)
SOURCES: dict[str, Any] = {"this sitting": "session", "a rollout of 2,500 steps": ROLLOUT}
SOURCE_TIP = (
    "Where the moments at which each unit fired are looked for: this sitting so far, or games that each agent plays by "
    "itself, recorded once."
)
ALONE = "Two agents with networks are needed: add another one beside this"
NOTHING = ("Click a unit in Activations. It is shown here beside its counterpart in the other agent, which Match in "
           "Representations finds.")  # fmt: skip


@PANELS.register("pair")
class PairPanel(Panel):
    """Follows the selection. Its jobs begin when the selection rests, and run no longer than the panel is seen."""

    title = "Side by side"
    area = "centre"
    about = ("The selected unit and its counterpart in another agent: what both do now, look for, and fired at, "
             "with the differences.")
    turns_late = 2

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        self.sides: tuple[tuple[LaneInfo, Unit], ...] = ()
        self.found: dict[tuple[str, int], Any] = {}
        self._partial: dict[tuple[str, int], Any] = {}
        self._source: Any = "session"
        self._other: int | None = None  # the lane that the person wants beside
        self._book = PictureBook.of(self.session)
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)  # behind another panel it must not widen that one
        self.grid = PairGrid()
        self.grid.setAccessibleName("Two units side by side")
        self.grid.said.connect(self.session.hover)
        self.grid.chosen.connect(lambda column, choice: self._guard(self._visit, column, choice))
        self.live = LivePair(self.session, self.grid)
        self.jobs = {(row, column): Job(self.session, f"pair {row} {column}")
                     for row in ("vis", "patches") for column in (LEFT, RIGHT)}  # fmt: skip
        self._soon = QtCore.QTimer(content)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(lambda: self._guard(self._ask))
        self.said = QtWidgets.QLabel()
        role(self.said, "caption")
        self.said.setMinimumWidth(1)
        self.said.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Preferred)
        self.beside = Quiet(())
        self.beside.setAccessibleName("The agent beside")
        self.beside.setToolTip("Which other agent's unit stands beside the selected one.")
        self.beside.setMinimumContentsLength(9)
        self.beside.activated.connect(lambda _: self._guard(self._on_beside))
        self.source = Quiet(tuple(SOURCES))
        self.source.setMinimumContentsLength(10)
        self.source.setAccessibleName("Moments at which the units fired")
        self.source.setToolTip(SOURCE_TIP)
        self.source.activated.connect(lambda _: self._guard(self._again))
        self.again = button("Refresh", "Look again at which moments the units fired: the sitting has gone on.",
                            lambda: self._guard(self._again))  # fmt: skip
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.said, 1)
        fired = QtWidgets.QLabel("fired in")
        role(fired, "caption")
        for widget in (self.beside, fired, self.source, self.again):
            row.addWidget(widget)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(5, 4, 5, 2)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.grid, 1)
        return content

    def _connect(self) -> None:
        super()._connect()
        session = self.session
        session.counterparts_changed.connect(lambda: self.is_seen and self._guard(self._follow))
        session.attributed.connect(lambda lane, record: self._guard(self._on_map, lane, record))
        session.saliency_changed.connect(lambda _: self._guard(self._on_saliency))
        session.saliency_method_changed.connect(lambda _: self._guard(self._on_saliency))
        session.rewound.connect(lambda: self._guard(lambda: self.live.maps.rewind()))
        session.finished.connect(lambda key: self._guard(self._on_finished, key))

    # -- which two ------------------------------------------------------------------------------------------------
    def set_lanes(self, lanes) -> None:
        self._book.set_lanes(lanes)
        here = {info.lane: info for info in lanes}
        same = all(_same(info, here.get(info.lane)) for info, _ in self.sides)
        if self.sides and same and all(here[info.lane].layer(unit.layer) for info, unit in self.sides):
            self.sides = tuple((here[info.lane], unit) for info, unit in self.sides)
            self.live.follow(self.sides)
        elif self.sides:
            self._forget()
        self._follow()

    def show_unit(self, lane, unit) -> None:
        self._follow()

    def _follow(self) -> None:
        """Find out which two units are shown, and begin with them where they are others."""
        able = [info for info in self.lanes if info.layers]
        selected = self.session.selected
        mine = next((info for info in able if selected is not None and info.lane == selected[0]), None)
        others = [info for info in able if info != mine]
        self._offer(others if mine is not None else [])
        if len(able) < 2 or mine is None or mine.layer(selected[1].layer) is None:
            self._forget(f"{tip('add_agent', ALONE)}." if len(able) < 2 else NOTHING)
            return
        other = next((info for info in others if info.lane == self._other), others[0])
        unit, words = self._counterpart(mine, selected[1], other)
        if unit is None:
            self._forget(words)
            return
        sides = tuple(sorted(((mine, selected[1]), (other, unit)), key=lambda side: side[0].lane))
        self.said.setText(words)
        self.said.setToolTip(f"{words}. Match in Representations finds which units go together.")
        if sides != self.sides:
            self._begin(sides)
        elif set(self.jobs) - set(self.found):
            self._soon.start(SETTLE_MS)

    def _offer(self, others: list[LaneInfo]) -> None:
        rows = [(f"{lane_letter(info.lane)}  {info.title}", info.lane) for info in others]
        if [(self.beside.itemText(i), self.beside.itemData(i)) for i in range(self.beside.count())] != rows:
            self.beside.clear()
            for text, lane in rows:
                self.beside.addItem(text, lane)
        self.beside.setCurrentIndex(max(0, self.beside.findData(self._other)))
        self.beside.setVisible(len(others) > 1)

    def _counterpart(self, mine: LaneInfo, unit: Unit, other: LaneInfo) -> tuple[Unit | None, str]:
        """(the other lane's unit, words about why that one): by matching, else the one of the same name."""
        letter = lane_letter(other.lane)
        for facing in self.session.counterparts_of(mine.lane, unit):
            if facing.lane == other.lane and other.layer(facing.unit.layer) is not None:
                doubt = f", {sureness(facing)}" if sureness(facing) else ""
                return facing.unit, (f"{lane_letter(mine.lane)} {unit} goes with {letter} {facing.unit}: "
                                     f"r {correlation(facing.r)}{doubt}")  # fmt: skip
        layer = other.layer(unit.layer)
        if layer is not None and unit.index < layer.units:
            return unit, f"{unit} of both, by name only: not matched"
        return None, (f"{letter} {other.title} has no {unit}, and no counterpart is known: press Match in "
                      "Representations, or select another unit.")  # fmt: skip

    def _on_beside(self) -> None:
        self._other = self.beside.currentData()
        self._follow()

    def _begin(self, sides: tuple[tuple[LaneInfo, Unit], ...]) -> None:
        self._stop()
        self.sides, self.found = sides, {}
        self.grid.show_hint("")
        self.again.setEnabled(True)
        letters = [lane_letter(info.lane) for info, _ in sides]
        heads = [(f"{letter}  {info.layer(unit.layer).label(unit.index)} · {info.title}", lane_ink(info.lane))
                 for letter, (info, unit) in zip(letters, sides)]  # fmt: skip
        self.grid.set_heads([*heads, (" − ".join(letters), "")])
        for row in ("vis", "patches"):
            self.grid.set_scale(row, None)
            for column, cell in enumerate(self.grid.cells[row]):
                cell.say("…" if column != DIFFERENCE else "")
        self.live.begin(sides)
        self._soon.start(SETTLE_MS)

    # -- now ------------------------------------------------------------------------------------------------------
    def show_step(self, lane, step, summaries) -> None:
        self._book.take(lane, step)
        self.live.show_step(lane, step)

    def show_view(self, view) -> None:
        self.live.draw()
        self._draw_vis()

    def _on_map(self, lane: int, record: Any) -> None:
        self.live.maps.take(lane, record)
        if self.is_seen:
            self.live.draw()

    def _on_saliency(self) -> None:
        self.live.maps.begin()
        if self.is_seen:
            self.live.draw()

    # -- jobs -----------------------------------------------------------------------------------------------------
    def _ask(self) -> None:
        """The selection rests: ask what is not known yet, while somebody looks."""
        if not self.is_seen or not self.sides:
            return
        for (row, column), job in self.jobs.items():
            if (row, column) not in self.found and not job.running:
                info, unit = self.sides[column]
                if row == "vis":
                    job.start("feature_vis", info.lane, unit=unit)
                else:
                    self._source = SOURCES[self.source.currentText()]
                    job.start("patches", info.lane, unit=unit, k=COUNT, moments=self._source)

    def _again(self) -> None:
        """Look for the moments once more, and for what failed."""
        self._stop()
        self.found = {key: one for key, one in self.found.items() if key[0] == "vis" and not isinstance(one, str)}
        for column in (LEFT, RIGHT):
            self.grid.cells["patches"][column].say("…")
        self._ask()

    def show_progress(self, key, progress) -> None:
        for (row, column), job in self.jobs.items():
            if not job.owns(key):
                continue
            if progress.result is None:
                if self.grid.cells[row][column].empty:
                    self.grid.cells[row][column].say(progress.label)
                return
            self._drawn(row, column, progress.result)

    def _drawn(self, row: str, column: int, result: Any) -> None:
        self._partial[row, column] = result
        self._draw_vis() if row == "vis" else self._draw_patches()

    def _on_finished(self, key: str) -> None:
        for place, job in self.jobs.items():
            if job.owns(key):
                job.ended()
                if place in self._partial:
                    self.found[place] = self._partial[place]

    def show_failure(self, key, sentence) -> None:
        for (row, column), job in self.jobs.items():
            if job.owns(key):
                job.ended()
                self.found[row, column] = sentence
                self.grid.cells[row][column].say(sentence)

    def _stop(self) -> None:
        self._soon.stop()
        self._partial = {}
        for job in self.jobs.values():
            job.stop()

    def _forget(self, hint: str = NOTHING) -> None:
        self._stop()
        self.sides, self.found = (), {}
        self.live.begin(())
        self.said.setText("")
        self.again.setEnabled(False)
        self.grid.show_hint(hint)

    def rest(self) -> None:
        """What is not finished is asked again later."""
        self._stop()

    # -- what was found -------------------------------------------------------------------------------------------
    def _of(self, row: str) -> list[Any]:
        """The newest records of a row, None where there is none."""
        both = [self._partial.get((row, column), self.found.get((row, column))) for column in (LEFT, RIGHT)]
        return [None if isinstance(one, str) else one for one in both]

    def _draw_vis(self) -> None:
        if not self.sides:
            return
        newest = []
        for column, (result, (info, _)) in enumerate(zip(self._of("vis"), self.sides)):
            if result is None:
                continue
            picture = frames_of(result.image, info.frame_channels)[-1]
            before = "\nbefore the rectifier" if result.pre_activation else ""
            value = signed_number(float(result.activation))
            words = f"activation {value}{before}\nstep {result.step} of {result.total}"
            self.grid.cells["vis"][column].show([Picture(picture)], words)
            newest.append(np.asarray(result.image[..., -info.frame_channels:], np.float32).mean(-1))
        cell = self.grid.cells["vis"][DIFFERENCE]
        if len(newest) < 2:
            cell.say("")
        elif newest[LEFT].shape != newest[RIGHT].shape:
            cell.say("No difference: inputs of different sizes.")
        else:
            change = newest[LEFT] - newest[RIGHT]
            high = max(FAINTEST, float(np.abs(change).max()))
            table = lut(self.session.view["signed_colormap"], TABLE_SIZE, 1.0, True)
            cell.show([Picture(colourise(change, table, high, True))], f"newest frames\n±{signed_number(high)} of 0–1")

    def _draw_patches(self) -> None:
        both = self._of("patches")
        for column, result in enumerate(both):
            if result is None:
                continue
            cell = self.grid.cells["patches"][column]
            if not result.found:
                cell.say(result.sentence)
                continue
            pictures = [Picture(_crop(patch, result), patch.moment, _tip(patch, result)) for patch in result.found]
            values = " · ".join(signed_number(patch.activation) for patch in result.found)
            cell.show(pictures, values)
        if None not in both:
            self.grid.cells["patches"][DIFFERENCE].say(self._in_common(*both))

    def _in_common(self, one: Any, other: Any) -> str:
        """How many of the moments are the same, where both saw the same game."""
        if self.session.input == "own" or self._source != "session":
            return "Each in its own games: share the game in Compare to see whether they fire at the same moments."
        near = sum(any(abs(mine.moment - its.moment) < NEAR and mine.episode == its.episode for its in other.found)
                   for mine in one.found)
        return f"{near} of {len(one.found)} moments lie within {NEAR} steps of one of the other's."

    def _visit(self, column: int, moment: int) -> None:
        if column < len(self.sides):
            self.session.seek(self.sides[column][0].lane, moment, self._source)


def _same(one: LaneInfo, other: LaneInfo | None) -> bool:
    """Whether a lane has the same agent still, whoever plays and drives."""
    return other is not None and (one.agent_id, one.game) == (other.agent_id, other.game)


def _crop(patch: Any, result: Any) -> np.ndarray:
    """The newest frame of what the unit saw."""
    newest = np.ascontiguousarray(patch.pixels[..., -result.frame_channels:])
    return rgb32(newest) if newest.shape[-1] == 3 else lut("grey")[newest[..., 0]]


def _tip(patch: Any, result: Any) -> str:
    return (f"{result.unit} = {signed_number(patch.activation)} · game {patch.episode + 1}, step {patch.index} · "
            "click to go there")  # fmt: skip
