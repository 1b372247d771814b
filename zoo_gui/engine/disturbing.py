"""What disturbs the lanes' players, while their games go on: see ``play.disturbance``."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import numpy as np

from zoo_gui.engine.clock import Clock
from zoo_gui.types import Progress, ZooError
from zoo_gui.workers import Streams

if TYPE_CHECKING:
    from zoo_gui.engine.lane import Lane
    from zoo_gui.play.disturbance import Disturbance


class Disturbing(Clock):
    """The part of Server for disturbances. Commands run in the main thread, between two ticks."""

    def __init__(self):
        super().__init__()
        self._takes_fractions: weakref.WeakSet = weakref.WeakSet()  # agents that were traced for fractions
        self._building: set[Lane] = set()
        self._builder: Streams | None = None

    def _later(self, name: str, **keywords: Any) -> None:
        """Obey a command of our own between two ticks."""
        raise NotImplementedError

    def do_disturb(self, lane: int, disturbance: Mapping[str, Any], number: int) -> None:
        """Disturb a lane's player so from the next step on; {}: not at all. disturbance: fields of ``Disturbance``;
        number: what the summaries of its steps carry then.

        A network that must be built first, one with noise on its weights or one for inputs that are no bytes, is built
        beside the game; then the event ``disturbance_ready`` has the front end ask again, for only it knows what is on
        screen and what is wanted by then. What cannot be is the event ``disturbance_refused``.
        """
        one = self.lanes[lane] if lane < len(self.lanes) else None
        if one is None:
            return
        from zoo_gui.play.disturbance import Disturbance

        try:
            wanted = Disturbance(**disturbance)
            if not self._lacks(one.player, wanted):
                one.player.disturbance, one.disturbance = wanted, number
            elif one not in self._building:
                self._building.add(one)
                if self._builder is None:  # not among the jobs, which have the lowest priority: somebody waits for it
                    self._builder = Streams(lambda *_: None, name="zoo_gui builder")
                self._builder.start(f"disturb {id(one)}", lambda: self._built(one, wanted, number))
        except ZooError as error:
            self.send("disturbance_refused", lane, number, str(error))

    def _lacks(self, player: Any, wanted: "Disturbance") -> bool:
        """Whether a network has to be built, or traced for the inputs that noise makes of bytes."""
        if player.agent is None:
            return False
        new_to = bool(wanted.observation_noise) and not player.preprocessing.is_float
        return player.lacks(wanted) or new_to and player.decider(wanted) not in self._takes_fractions

    def _built(self, one: "Lane", wanted: "Disturbance", number: int) -> Iterator[Progress]:
        """Make the network, and have it decide once: that traces it, here and not in the game."""
        player, fault, made, agent = one.player, "", None, None
        yield Progress(0, 1, "building the network")
        try:
            made = player.noisy(wanted) if player.lacks(wanted) else None
            agent = player.decider(wanted) if made is None else made[2]
            kind = np.float32 if wanted.observation_noise or player.preprocessing.is_float else np.uint8
            agent.decide(np.zeros(agent.observation_shape, kind), np.random.default_rng(0))
        except Exception as error:
            fault = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
        self._later("lend", one=one, number=number, made=made, agent=agent if wanted.observation_noise else None,
                    fault=fault)  # fmt: skip
        yield Progress(1, 1, "ready")

    def do_lend(self, one: "Lane", number: int, made: tuple | None, agent: Any, fault: str) -> None:
        """What was built for a lane is there, or could not be made."""
        self._building.discard(one)
        if one not in self.lanes:
            return
        if fault:
            self.send("disturbance_refused", self.lanes.index(one), number, fault)
            return
        if made is not None:
            one.player.lend(made)
        if agent is not None:
            self._takes_fractions.add(agent)
        self.send("disturbance_ready", self.lanes.index(one), number)
