"""The wall: many small games at once, each with its own agent, at about the speed at which people play."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Iterator, Sequence

from zoo_gui.analysis import Progress
from zoo_gui.play.previews import after, nothing
from zoo_gui.types import Preview, ZooError
from zoo_gui.workers import Later

MOST = 16
"""Games on a wall."""
FRAMES_PER_SECOND = 60
SHARE = 0.5
"""Of a core's time, at most: the game in front comes first."""
A_TURN = 4
"""Games that step before others have their turn."""
RESUMES = 1.0
"""Seconds that a game may be behind and still make up for it."""

_kept: dict[tuple[str, int], "Seat"] = {}
"""The games of the wall that was last asked for: whoever looks away and back finds them going on. In the one thread of
the engine's jobs."""


class Seat:
    """One game. player: None before it is loaded. due: when its next step is, in seconds of time.monotonic; cost:
    seconds of a core that a step takes, about, 0 before it is known."""

    def __init__(self, agent: str, seed: int):
        self.agent, self.seed = agent, seed
        self.preview = Preview(agent, nothing())
        self.player: Any = None
        self.due, self.cost = 0.0, 0.0

    @property
    def waits(self) -> bool:
        """Whether it is still to be loaded."""
        return self.player is None and not self.preview.fault

    @property
    def plays(self) -> bool:
        return self.player is not None and not self.preview.fault

    @property
    def period(self) -> float:
        """Seconds of a step at the speed at which people play."""
        return self.player.frame_skip / FRAMES_PER_SECOND

    def load(self) -> None:
        """Make it ready; a reason why not is its preview's fault."""
        try:
            self.player = _player(self.agent, self.seed)
        except ZooError as error:
            self.preview = replace(self.preview, fault=str(error))
        except Exception as error:  # of a hundred agents' files one may surprise its reader: the others go on
            self.preview = replace(self.preview, fault=f"This cannot be played ({type(error).__name__}: {error}).")

    def step(self, now: float, rate: float) -> None:
        """Play one step, and say when the next one is."""
        begun = time.thread_time()
        try:
            self.preview = after(self.preview, self.player.step(all_frames=True))
        except ZooError as error:
            self.preview = replace(self.preview, fault=str(error))
        took = time.thread_time() - begun
        if self.preview.steps > 1:  # the network is traced in the first
            self.cost = 0.9 * self.cost + 0.1 * took if self.cost else took
        self.due = max(self.due + self.period / rate, now - RESUMES)


class Pace:
    """How fast games go, as it was measured: 1 is as fast as people play; None before."""

    WINDOW = 2.0

    def __init__(self):
        self.measured: float | None = None
        self._games, self._begun, self._played = 0, 0.0, 0.0

    def count(self, played: float, games: int) -> None:
        """So many seconds of game were played more, in all of so many games."""
        now = time.monotonic()
        if games != self._games:
            self.measured, self._games, self._begun, self._played = None, games, now, 0.0
        self._played += played
        if now - self._begun >= self.WINDOW:
            self.measured = self._played / (games * (now - self._begun))
            self._begun, self._played = now, 0.0

    @property
    def words(self) -> str:
        if self.measured is None:
            return ""
        return "real time" if self.measured > 0.9 else f"{max(self.measured, 0.1):.1f} of real time"


def wall_task(agents: Sequence[str], seed: int = 0) -> Iterator[Progress | Later]:
    """Let agents play, each its own game of ``seed``, until nobody asks any more. Progress: done are those that were
    loaded, of total; label: what is to be said of the pace; result: a tuple of Preview, named by the agents' ids, of
    those that changed, at first of all.

    Nothing is downloaded. An agent that cannot play says why in its preview. Raises ZooError for no agent or too many.
    """
    agents = tuple(dict.fromkeys(agents))
    if not 1 <= len(agents) <= MOST:
        raise ZooError(f"{len(agents)} games do not fit on the wall: choose 1 to {MOST} agents.")
    seats = _seats(agents, seed)
    _spread([seat for seat in seats if seat.plays])
    pace = Pace()
    yield _news(seats, seats, pace)
    while any(seat.waits or seat.plays for seat in seats):
        waiting = next((seat for seat in seats if seat.waits), None)
        if waiting is not None:
            waiting.load()
            _spread([waiting] if waiting.plays else [])
            yield _news(seats, [waiting], pace)
        playing = [seat for seat in seats if seat.plays]
        rate = _rate(playing)
        now = time.monotonic()
        turn = sorted((seat for seat in playing if seat.due <= now), key=lambda seat: seat.due)[:A_TURN]
        for seat in turn:
            seat.step(time.monotonic(), rate)
            pace.count(seat.period, len(playing))
        if turn:
            yield _news(seats, turn, pace)
        elif waiting is None:
            yield Later(min((seat.due for seat in playing), default=now) - now)


def _news(seats: list[Seat], changed: list[Seat], pace: Pace) -> Progress:
    loaded = sum(not seat.waits for seat in seats)
    return Progress(loaded, len(seats), pace.words, tuple(seat.preview for seat in changed))


def _seats(agents: tuple[str, ...], seed: int) -> list[Seat]:
    """The games of these agents, those that are known already as they were left."""
    seats = [_kept.get((agent, seed)) or Seat(agent, seed) for agent in agents]
    for seat in seats:
        if seat.player is None:
            seat.preview = replace(seat.preview, fault="")  # it may be there now
    _kept.clear()
    _kept.update({(seat.agent, seed): seat for seat in seats})
    return seats


def _spread(seats: list[Seat]) -> None:
    """Let games begin one after the other, not all in one turn."""
    now = time.monotonic()
    for place, seat in enumerate(seats):
        seat.due = now + seat.period * place / len(seats)


def _rate(playing: list[Seat]) -> float:
    """How fast all go, 1 at the speed at which people play: so that they take no more than SHARE of a core."""
    load = sum(seat.cost / seat.period for seat in playing)
    return min(1.0, SHARE / load) if load else 1.0


def _player(agent_id: str, seed: int) -> Any:
    """A Player, without a download. Raises ZooError."""
    from zoo_gui.agents import catalogue
    from zoo_gui.play.emulator import Emulator
    from zoo_gui.play.player import Player

    entry = catalogue.find(agent_id)
    if not entry.is_here:
        raise ZooError("Not on this machine: open it to download it first.")
    if entry.card is None and entry.path is None:
        return Player(Emulator(entry.game), None, seed=seed)
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(agent_id)
    return Player(Emulator(agent.card.game), agent, seed=seed)
