"""Going to a step of a seed's game, and asking by which seed and step the moment on screen is reached: the part of
Session for links and saved sessions, and for what outlives a crash. QtCore only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping, Sequence

from pyqtgraph.Qt import QtCore

from zoo_gui.play.cover import Cover, checked
from zoo_gui.play.disturbance import Disturbance
from zoo_gui.session_compare import Comparing
from zoo_gui.session_disturb import CALM
from zoo_gui.types import LaneInfo, Unit, ZooError
from zoo_gui.views import Change, Place


class Travelling(Comparing):
    """Answers come by ``progressed``, ``finished`` and ``failed`` under the keys that these methods return.

    placed: {key of ``load``: the id of the agent that took its place}. moments_forgotten: the ids of moments that were
    seen so far are no longer of this sitting."""

    moments_forgotten = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._journeys = 0
        self.placed: dict[str, str] = {}
        self._shared_before: tuple[int, int] | None = None  # (driver, lanes) of the game that all saw before a crash

    def restart_engine(self) -> None:
        """After the engine died: a new one, with the same agents in the same games."""
        wanted = [(info.agent_id, {**dict(info.asked), "seed": info.seed, "player": info.player,
                                   "disturbance": self.disturbances.get(info.lane, {})}) for info in self.lanes]
        wanted = wanted or [request[1:] for request in self._requests.values()]
        self._shared_before = None if self.driver is None else (self.driver, len(self.lanes))
        self._renew_engine()
        self._set_state("loading")
        self.edits.clear()
        for lane, (agent_id, options) in enumerate(wanted):
            self.load(agent_id, lane, **options)

    def _on_lanes(self, key: str, epoch: int, described: list, device: str) -> None:
        if (asked := self._requests.get(key)) is not None:
            last = len(described) - 1
            self.placed[key] = described[last if asked[0] is None else min(asked[0], last)][0].agent_id
        super()._on_lanes(key, epoch, described, device)
        if self._shared_before is not None and not self._requests:
            (driver, count), self._shared_before = self._shared_before, None
            if len(self.lanes) == count:
                self.share(driver)

    def _carry_over(self, moved: dict[int, int], new: set[int]) -> None:
        super()._carry_over(moved, new)
        if any(was != now or now in new for was, now in moved.items()):
            self.moments_forgotten.emit()

    def _on_died(self, exit_code: int | None) -> None:
        self.moments_forgotten.emit()  # the next engine counts them from 0 again
        super()._on_died(exit_code)

    def load_ahead(self, wanted: list[tuple[str, dict[str, Any]]]) -> None:
        """Have agents, (id, options as for ``load`` but the seed), ready for when they are loaded, and no others."""
        self._send("load_ahead", wanted=wanted)

    def go_to(self, places: Sequence[Place], driver: int | None = None) -> str:
        """Have every lane go to a place, and wait there; ``cancel`` of the returned key stays on the way. The last
        Progress has sentences on what was not as asked for. What was edited, covered or disturbed is so no more, but
        for what the places change. driver: the lane whose game all see; None: each its own. Raises ZooError, and then
        nothing is done, where a change cannot be made."""
        for info, place in zip(self.lanes, places):
            for change in place.changes:
                _check(info, change)
        self.pause()
        self._forget_numbers()
        changes = [[one for one in place.changes if one.start <= (place.step or 0)] for place in places]
        places = [replace(place, changes=tuple(kept)) for place, kept in zip(places, changes)]
        numbers = self._note_changes(changes)
        self._journeys += 1
        key = f"journey {self._journeys}"
        self.feed.restart("go_to", key=key, places=tuple(places), numbers=tuple(numbers), driver=driver)
        self.status["loading"] = "Playing to the step"
        self._set_state("loading")  # what is on screen is of another moment until the step comes
        self._update_status()
        return key

    def _on_swapped(self, epoch: int, tick: int, described: list) -> None:
        """Where the players are the same but for the seed, the panels keep what they show until its step comes."""
        infos = tuple(info for info, _ in described)
        same = len(infos) == len(self.lanes) and all(
            replace(before, seed=now.seed) == now for before, now in zip(self.lanes, infos))
        if not same:
            super()._on_swapped(epoch, tick, described)
            return
        self.feed.follow(epoch, tick, described)
        self.lanes = infos
        self._update_status()

    def where(self) -> str:
        """Ask by which places the lanes come to the moments on screen; the Progress has (places, notes)."""
        self._journeys += 1
        key = f"where {self._journeys}"
        steps = [self.last_step(info.lane) for info in self.lanes]
        self._send("where", key=key, moments=tuple(-1 if step is None else step.moment for step in steps))
        return key

    def save_session(
        self, path: Path, told: Mapping[str, Any], window: Mapping[str, Any], weights: bool = False
    ) -> str:
        """Save what was played, with plain data of where it comes from and of the window, into a file; the last
        Progress has its path. weights: with those of agents that do not come with the program."""
        self._journeys += 1
        key = f"save session {self._journeys}"
        steps = [self.last_step(info.lane) for info in self.lanes]
        shown = tuple(-1 if step is None else step.moment for step in steps)
        self._send("save_session", key=key, path=str(path), shown=shown, told=dict(told), window=dict(window),
                   weights=weights)  # fmt: skip
        return key

    def open_session(self, path: Path, anyway: bool = False) -> str:
        """Play a saved session anew and put it in place of what is there; a Progress has ``engine.saving``'s Differs,
        and then nothing changes unless ``anyway``, or Opened, and then ``adopt`` what it says is changed."""
        self.pause()
        self._journeys += 1
        key = f"open session {self._journeys}"
        self._send("open_session", key=key, path=str(path), anyway=anyway)
        return key

    def adopt(self, changes: Sequence[Sequence[Change]]) -> None:
        """The engine's lanes are changed so already: note it."""
        self._note_changes(changes)
        commands = [self._command(info.lane) for info in self.lanes if info.lane in self.disturbances]
        if commands:
            self.feed.intervene(*commands)
        self._update_status()

    def _note_changes(self, changes: Sequence[Sequence[Change]]) -> list[int]:
        """Note what is changed in each lane from now on, and tell the panels; the numbers of the disturbances."""
        self.edits.clear()
        for info, made in zip(self.lanes, changes):
            lane, found = info.lane, {change.kind: change.value for change in made}
            self.edits.update({(lane, Unit(*change.value[0])): tuple(change.value[1:]) for change in made
                               if change.kind == "edit"})  # fmt: skip
            cover = Cover(*found["cover"]) if "cover" in found else None
            if cover != self.covers.get(lane):
                self._note_cover(lane, cover)
            levels: Mapping[str, Any] = dict(found.get("disturb", ())) or CALM
            if levels != self.disturbances.get(lane, CALM):
                self._disturb(lane, levels)
        return [self._numbers.get(info.lane, 0) for info in self.lanes]


def _check(info: LaneInfo, change: Change) -> None:
    """Raises ZooError where a change of that lane cannot be made: what is noted would never come."""
    if change.kind == "disturb":
        Disturbance(**dict(change.value))
    elif not info.layers:
        raise ZooError("The link changes an agent's network, but this player has none.")
    elif change.kind == "edit":
        (layer, index), *_ = change.value
        Unit.parse(f"{layer}:{index}", info.layers)
    else:
        checked(change.value[0], info.observation_shape, change.value[1])
