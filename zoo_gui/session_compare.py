"""Whose game the lanes see, and analyses of several of them: the part of Session for comparing. QtCore only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pyqtgraph.Qt import QtCore

from zoo_gui.session_groups import Grouping
from zoo_gui.types import Unit

NEEDS_TWO = "Two agents are needed to compare them: open another one beside this."


class Facing(NamedTuple):
    """A unit of another lane that goes with a unit. r: their correlation. significant: whether that is beyond chance,
    None while it is not known."""

    lane: int
    unit: Unit
    r: float
    significant: bool | None


class Counterparts:
    """Which units of which lanes go with each other, as ``analysis.matching`` found."""

    def __init__(self):
        self._known: dict[tuple[int, ...], tuple[Any, bool]] = {}

    def keep(self, lanes: tuple[int, int], matching: Any, one_to_one: bool = False) -> None:
        """Take in a Matching of two lanes' agents, in their order; None: forget theirs."""
        self._known = {pair: known for pair, known in self._known.items() if set(pair) != set(lanes)}
        if matching is not None:
            self._known[tuple(lanes)] = matching, one_to_one

    def of(self, lane: int, unit: Unit) -> tuple[Facing, ...]:
        """A unit's counterparts, at most one a lane, by lane."""
        found = []
        for pair, (matching, one_to_one) in self._known.items():
            side = pair.index(lane) if lane in pair else -1
            other = matching.counterpart(unit, side, one_to_one) if side >= 0 else None
            if other is not None:
                found.append(Facing(pair[1 - side], other.unit, other.r, other.significant))
        return tuple(sorted(found))

    def carry(self, moved: dict[int, int], new: set[int]) -> bool:
        """Lanes went to other places: {before: now}, and those loaded anew, whose units are others; whether anything
        that was known changed by it."""
        before = self._known
        self._known = {
            tuple(moved[lane] for lane in pair): known for pair, known in before.items()
            if all(lane in moved and moved[lane] not in new for lane in pair)
        }  # fmt: skip
        return set(before) != set(self._known)


class Comparing(Grouping):
    """The lanes' LaneInfo.input says whose game each sees: ``lanes_changed`` tells when that changes."""

    counterparts_changed = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._counterparts = Counterparts()
        self._replays = 0
        self._recording_end: tuple[int, int] | None = None

    @property
    def input(self) -> str:
        """``own``: each lane plays its own game; ``shared``: all see the driver's; ``replay``: one that was played."""
        role = self.lanes[0].input if self.lanes else "own"
        return "shared" if role in ("drives", "watches") else role

    @property
    def driver(self) -> int | None:
        """The lane that acts in a shared game, else None."""
        return next((info.lane for info in self.lanes if info.input == "drives"), None)

    def share(self, driver: int = 0) -> None:
        """Have all lanes see one game, which a lane drives, from the moment on screen; where they do already, that lane
        takes over: the game stays as it is, bit for bit. A message where the lanes play different games."""
        if len(self.lanes) < 2:
            self.message.emit("warning", NEEDS_TWO)
        elif driver < len(self.lanes):
            self.feed.change("share", driver=driver)

    def own_games(self) -> None:
        """Have each lane go on with its own game, from where it is."""
        if self.lanes:
            self.feed.change("own")

    def replay(self, lane: int, source: str | tuple[int, int] | Path = "session") -> str:
        """Have all lanes see, from its beginning, a game that was played: the lane's in the sitting so far, in its
        rollout of (steps, seed), or in a rollout's file; returns the key of the job that reads it."""
        self._replays += 1
        key = f"replay {self._replays}"
        kind = "session" if source == "session" else "file" if isinstance(source, Path) else "rollout"
        settings = () if kind == "session" else str(source) if kind == "file" else tuple(source)
        self._send("replay", key=key, lane=lane, source=kind, settings=settings)
        return key

    def run_together(self, key: str, analysis: str, lanes: tuple[int, ...], **parameters: Any) -> None:
        """Start an analysis of several lanes' agents, as ``run``. moments: ``"session"``, those of the sitting that
        they saw together, or the (steps, seed) of a rollout that the first of them drives; ``embedding`` is of what
        each saw, in rollouts of their own, and may be of one lane."""
        self._send("run", key=key, analysis=analysis, lane=tuple(lanes), parameters=parameters)

    def set_counterparts(self, lanes: tuple[int, int], matching: Any, one_to_one: bool = False) -> None:
        """Have a Matching of two lanes' agents say which units go with each other, by best match or one to one, until
        one of the lanes gets another agent; None: nothing is known of them."""
        self._counterparts.keep(lanes, matching, one_to_one)
        self.counterparts_changed.emit()

    def counterparts_of(self, lane: int, unit: Unit) -> tuple[Facing, ...]:
        """The units of other lanes that go with a unit, as far as they were matched."""
        return self._counterparts.of(lane, unit)

    def _carry_over(self, moved: dict[int, int], new: set[int]) -> None:
        changed = self._counterparts.carry(moved, new)
        super()._carry_over(moved, new)
        if changed:
            self.counterparts_changed.emit()

    def _on_recording_ended(self, epoch: int, tick: int) -> None:
        self._recording_end = epoch, tick

    def _end_recording(self) -> None:
        """Pause where the recording's last step is on screen."""
        if self._recording_end is None or self.feed.epoch > self._recording_end[0]:
            self._recording_end = None
        elif self.feed.epoch == self._recording_end[0] and self.feed.tick >= self._recording_end[1]:
            self._recording_end = None
            if self.running:
                self.pause()
            self.message.emit("info", "The recording ends here: let an agent take over, or restart it.")
