"""What makes playing harder, while the game goes on: the part of Session for disturbances. QtCore only."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Mapping

from pyqtgraph.Qt import QtCore

from zoo_gui.play.disturbance import DISTURBANCES, LAYERS, About, Disturbance
from zoo_gui.score_tally import REST, Levels, Scores, Who
from zoo_gui.session_why import Why
from zoo_gui.types import ZooError

CALM: Mapping[str, Any] = MappingProxyType({})


class Disturbing(Why):
    """disturbances: {lane: {name: level}} of those that are on, with ``parameter_layers`` where noise on the weights
    is; see ``play.disturbance``. scores: how the agents of this sitting played under each."""

    disturbance_changed = QtCore.Signal(int, object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.disturbances: dict[int, Mapping[str, Any]] = {}
        self.scores = Scores()
        self._disturbance_of: dict[int, str] = {}
        self._numbers: dict[int, int] = {}  # of each lane's disturbance, as the engine knows it
        self._levels: dict[int, Levels] = {0: REST}
        self._coming: dict[str, Mapping[str, Any]] = {}

    def disturbance_kinds(self) -> Mapping[str, About]:
        """{name: what it is, for people and sliders}."""
        return DISTURBANCES

    def parameter_layers(self) -> tuple[str, ...]:
        """Whose weights noise may be on."""
        return LAYERS

    def set_disturbance(self, lane: int | None, levels: Mapping[str, Any]) -> None:
        """Disturb a lane, None: all, by just these {name: level}, {}: by nothing; from the moment on screen on."""
        lanes = [info.lane for info in self.lanes] if lane is None else [lane]
        try:
            wanted = _those_on(levels)
        except (ZooError, TypeError) as error:
            self.message.emit("warning", str(error))
            return
        commands = [self._disturb(one, wanted) for one in lanes if wanted != self.disturbances.get(one, CALM)]
        if commands:
            self.feed.intervene(*commands)
            self._update_status()

    def _disturb(self, lane: int, levels: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Note it, and the command for the engine."""
        self.disturbances.pop(lane, None)
        self._numbers[lane] = 0
        if levels:
            self.disturbances[lane], self._disturbance_of[lane] = levels, self.lanes[lane].agent_id
            told = tuple(sorted(levels.items()))
            number = next((number for number, known in self._levels.items() if known == told), len(self._levels))
            self._levels[number], self._numbers[lane] = told, number
        self.disturbance_changed.emit(lane, levels)
        return self._command(lane)

    def _command(self, lane: int) -> tuple[str, dict[str, Any]]:
        levels, number = dict(self.disturbances.get(lane, CALM)), self._numbers.get(lane, 0)
        return "disturb", {"lane": lane, "disturbance": levels, "number": number}

    def _on_disturbance_ready(self, lane: int, number: int) -> None:
        """A network was built for it: now it can be. One for a level that the slider has passed is better than none."""
        wanted = self.disturbances.get(lane, CALM)
        commands = []
        if "parameter_noise" in wanted and number != self._numbers.get(lane) and number in self._levels:
            commands.append(("disturb", {"lane": lane, "disturbance": dict(self._levels[number]), "number": number}))
        self.feed.intervene(*commands, self._command(lane))

    def _on_disturbance_refused(self, lane: int, number: int, sentence: str) -> None:
        if lane < len(self.lanes) and number == self._numbers.get(lane):
            self.message.emit("warning", sentence)
            self.set_disturbance(lane, CALM)

    def _carry_disturbances(self, moved: dict[int, int], new: set[int], coming: Mapping[str, Any] | None) -> None:
        """After the lanes changed: they go where their lanes went, and stay when the same agent is loaded anew.
        coming: what the one that was loaded is to be disturbed by."""
        before, agents = self.disturbances, self._disturbance_of
        kept = {moved[lane]: lane for lane in before
                if lane in moved and agents[lane] == self.lanes[moved[lane]].agent_id}  # fmt: skip
        self.disturbances = {now: before[was] for now, was in kept.items()}
        self._disturbance_of = {now: agents[was] for now, was in kept.items()}
        self._numbers = {now: self._numbers[was] for now, was in kept.items()}
        for lane in sorted(new):
            if coming is not None:
                self.disturbances.pop(lane, None)
                self._disturb(lane, _those_on(coming))
            if lane in self.disturbances:
                self.feed.intervene(self._command(lane))
        for lane in sorted(before.keys() | self.disturbances.keys()):
            if before.get(lane) != self.disturbances.get(lane) and lane < len(self.lanes):
                self.disturbance_changed.emit(lane, self.disturbances.get(lane, CALM))

    def levels_of(self, number: int) -> Levels:
        """What disturbed a step, by ``StepSummary.disturbance``."""
        return self._levels.get(number, REST)

    def who(self, lane: int) -> Who:
        """Whose scores a lane's are."""
        info = self.lanes[lane]
        return info.agent_id if info.player == "agent" or not info.layers else info.player, info.game

    def _count_scores(self, lane: int, summaries: list) -> None:
        """Take a lane's steps into ``scores``, those that its player acted in and nothing else changed."""
        info = self.lanes[lane]
        counts = info.input in ("own", "drives") and lane not in self.covers
        counts &= not any(edited == lane for edited, _ in self.edits)
        self.scores.note(lane, self.who(lane), summaries, self._levels, counts)


def _those_on(levels: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those that change something. Raises ZooError for levels that make no sense."""
    asked = Disturbance(**levels)
    found = {name: getattr(asked, name) for name in asked.on}
    if asked.parameter_noise:
        found["parameter_layers"] = asked.parameter_layers
    return MappingProxyType(found)
