"""The front end's clock: which step, and which of its emulator frames, is on screen now.

No Qt and no waiting: ``update(now)`` is called some 60 times a second and says what changed.

The engine runs a few ticks ahead of what is shown (``LOOKAHEAD``), so a hiccup there is not seen. When the person
changes something (an edit, the player, the saliency target), the engine goes back to the shown moment, by exact
snapshots, and steps on from it: a change always acts on what is on screen. Every such intervention starts a new
*epoch*; steps of an older epoch are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from zoo_gui.engine.shared import UNLIMITED
from zoo_gui.engine.shared import SharedLane
from zoo_gui.types import LaneInfo, Step, StepSummary

#: ALE runs at 60 frames a second (NTSC); 1x shows each of them once.
FRAMES_PER_SECOND = 60.0
#: Ticks that the engine may be ahead.
LOOKAHEAD = 4
#: Fastest pace at which frames between the agent's decisions are worth fetching: above, each shown frame is a new step.
ALL_FRAMES_UPTO = 2.0
#: Between these is a pace that can be kept count of; links and files may name any.
SLOWEST, FASTEST = 0.01, 1000.0


@dataclass
class Shown:
    """What an update changed: ``stepped`` (a new step is on screen) and each lane's summaries since the last one."""

    frame_changed: bool = False
    stepped: bool = False
    summaries: list[list[tuple[int, StepSummary]]] = field(default_factory=list)


class Feed:
    """Reads the lanes' shared memory at the pace of the clock. ``send(name, **keywords)`` reaches the engine.

    speed: 1.0 is real time, None as fast as it goes. ``steps[i]`` is lane i's step on screen, ``frame(i)`` its frame.
    """

    def __init__(self, send: Callable[..., None]):
        self._send = send
        self._memory: list[SharedLane] = []
        self.infos: tuple[LaneInfo, ...] = ()
        self.steps: list[Step | None] = []
        self.epoch, self.tick, self.running, self.immediate = 0, -1, False, False
        self.speed: float | None = 1.0
        self._sub = self._wanted = 0
        self._debt, self._updated, self._counted = 0.0, None, -1
        self._holding: int | None = None
        self._granted: tuple[int, int] | None = None
        self._hold_sent = False
        self._leftover: dict[int, list[tuple[int, StepSummary]]] = {}

    # -- lanes --------------------------------------------------------------------------------------------------
    def attach(self, epoch: int, described: list[tuple[LaneInfo, str]]) -> None:
        """Follow these lanes from their first step, which is shown even while paused."""
        self.release()
        self._memory = [SharedLane(info, name) for info, name in described]
        self.infos = tuple(info for info, _ in described)
        self.steps = [None] * len(described)
        self.epoch, self.tick, self._leftover = epoch, -1, {}
        self._send("show", all_frames=self._all_frames)
        self._begin()

    def change(self, command: str, **keywords: Any) -> None:
        """Have the engine change the lanes at the moment on screen, which comes again (``follow``)."""
        if not self._memory:
            return
        unpaced = self._unpaced
        self.epoch += 0 if unpaced else 1
        self._send(command, epoch=self.epoch, to=None if unpaced else max(self.tick, 0), **keywords)

    def follow(self, epoch: int, tick: int, described: list[tuple[LaneInfo, str]]) -> None:
        """Go on with lanes of which some have other layers now, from the engine's ``tick`` of ``epoch``: the moment on
        screen comes again, unless the person has gone elsewhere meanwhile."""
        if len(described) != len(self._memory):
            return
        for i, (info, name) in enumerate(described):
            old = self._memory[i]
            if old.name != name:
                # summaries of steps that the engine does not take back
                self._leftover[i] = [row for row in old.read_summaries(epoch, tick - 1) if row[0] > self._counted]
                old.close(unlink=True)
                self._memory[i], self.steps[i] = SharedLane(info, name), None
        self.infos = tuple(info for info, _ in described)
        if epoch != self.epoch:
            return
        self._granted, self._hold_sent, self._holding = None, False, None
        if not self._unpaced:
            self.tick, self._sub, self._wanted = tick - 1, 0, 1
        self._grant()

    def release(self) -> None:
        """Free the shared memory."""
        for memory in self._memory:
            memory.close(unlink=True)
        self._memory, self.infos, self.steps = [], (), []

    def frame(self, lane: int):
        """(H, W, 3) uint8: what the game shows now; None before the first step, and of a lane that is gone."""
        step = self.steps[lane] if lane < len(self.steps) else None
        return None if step is None else step.frames[min(self._sub, len(step.frames) - 1)]

    # -- the clock ----------------------------------------------------------------------------------------------
    def play(self) -> None:
        self.running, self._updated, self._granted = True, None, None
        self._grant()

    def pause(self) -> bool:
        """Stop on the moment that the agent saw; True when the frame on screen changes by that."""
        unpaced = self.running and self.speed is None
        self.running, self._granted = False, None
        if unpaced:
            self._hold()
        changed, self._sub = self._sub != 0, 0
        return changed

    def step_once(self) -> None:
        """Show the next step, and stay paused."""
        self.pause()
        self._wanted += 1
        self._grant()

    def set_speed(self, speed: float | None) -> None:
        unpaced = self.running and self.speed is None and speed is not None
        self.speed, self._debt = None if speed is None else max(SLOWEST, min(speed, FASTEST)), 0.0
        self._send("show", all_frames=self._all_frames)
        if unpaced:
            self._hold()
        elif self.running:
            self._grant()

    @property
    def _all_frames(self) -> bool:
        return self.speed is not None and self.speed <= ALL_FRAMES_UPTO

    def update(self, now: float) -> Shown:
        """Advance to time ``now`` (seconds, any origin)."""
        elapsed = 0.0 if self._updated is None else min(now - self._updated, 0.25)
        self._updated = now
        shown = Shown(summaries=[[] for _ in self._memory])
        if not self._memory:
            return shown
        self._skip_stale()
        while self._wanted and self._take(shown):
            self._wanted -= 1
        if self._unpaced:
            self._take_newest(shown)
        elif self.running:
            self._take_due(elapsed, shown)
        return shown

    @property
    def _unpaced(self) -> bool:
        return self._hold_sent or self._holding is not None or (self.running and self.speed is None)

    def _take_newest(self, shown: Shown) -> None:
        waiting = min(memory.waiting for memory in self._memory)
        for _ in range(waiting - 1):
            for memory in self._memory:
                memory.skip_step()
        self._take(shown)
        if self._holding is not None and self.tick >= self._holding:
            self._holding = None
            self._grant()

    def _take_due(self, elapsed: float, shown: Shown) -> None:
        """Show the frames that are due. At 1x and below one frame at most, so none is ever left out."""
        self._debt += elapsed * FRAMES_PER_SECOND * self.speed
        most = 1 if self.speed <= 1.0 else round(self._debt)
        taken = 0
        # A frame is due when it is nearer than the next turn: turns come at about the frames' own rate, and the jitter
        # of a timer must not turn into a frame shown twice and the next one late.
        while self._debt >= 0.5 and taken < most:
            if not self._next_frame(shown):
                break
            self._debt -= 1.0
            taken += 1
        # What could not be shown in time is not made up for in a rush.
        self._debt = min(self._debt, 3.0 * max(1.0, self.speed))

    def _next_frame(self, shown: Shown) -> bool:
        length = self.infos[0].frame_skip
        if self.immediate and self._sub == length - 2:
            self._grant()
        if self._sub + 1 < length:
            self._sub += 1
            shown.frame_changed = True
            return True
        return self._take(shown)

    def _take(self, shown: Shown) -> bool:
        """Put the next tick's steps on screen, if all lanes have it."""
        if not all(memory.waiting for memory in self._memory):
            return False
        for i, memory in enumerate(self._memory):
            tick = memory.read_step()
            self.steps[i] = tick.step
        self.tick, self._sub = tick.tick, 0
        for i, memory in enumerate(self._memory):
            rows = self._leftover.pop(i, []) + memory.read_summaries(self.epoch, self.tick)
            shown.summaries[i] += [row for row in rows if row[0] > self._counted]
        self._counted = max(self._counted, self.tick)
        shown.stepped = shown.frame_changed = True
        if self.running and not self.immediate:
            self._grant()
        return True

    def _skip_stale(self) -> None:
        for memory in self._memory:
            while (head := memory.peek()) is not None and head[0] != self.epoch:
                memory.skip_step()

    # -- the engine ---------------------------------------------------------------------------------------------
    def _grant(self) -> None:
        """Let the engine run as far ahead as it may. ``immediate`` (a person plays): only the step that is due."""
        if self._hold_sent or self._holding is not None:
            return
        if self.running and self.speed is None:
            upto = UNLIMITED
        elif self.running and not self.immediate:
            upto = self.tick + 1 + LOOKAHEAD
        else:
            upto = self.tick + 1 + max(self._wanted, 1 if self.running else 0)
        if (upto, self.epoch) != self._granted:
            self._granted = upto, self.epoch
            self._send("grant", upto=upto, epoch=self.epoch)

    def _hold(self) -> None:
        self._hold_sent, self._granted = True, None
        self._send("hold", epoch=self.epoch)

    def held(self, tick: int, epoch: int) -> None:
        """The engine stopped running unpaced; its last step is that of ``tick``."""
        if epoch == self.epoch and self._hold_sent:
            self._hold_sent, self._holding = False, tick

    def intervene(self, *commands: tuple[str, dict[str, Any]]) -> None:
        """Obey commands at the moment on screen: the shown step is redone when paused, else the next one follows."""
        if self._unpaced or not self._memory:
            for name, keywords in commands:
                self._send(name, **keywords)
            return
        self.epoch += 1
        at = self.tick + 1 if self.running else max(self.tick, 0)
        self._send("rewind", to=at, epoch=self.epoch)
        for name, keywords in commands:
            self._send(name, **keywords)
        if self.running:
            self._grant()
        else:
            self._wanted = 1
            self._send("grant", upto=at + 1, epoch=self.epoch)

    def restart(self, command: str, **keywords: Any) -> None:
        """``restart`` or ``next_episode``: go on from a first step, at tick 0 of a new epoch."""
        self.epoch += 1
        self._hold_sent, self._holding = False, None
        self._send(command, epoch=self.epoch, **keywords)
        self._begin()

    def _begin(self) -> None:
        self.tick = self._counted = -1
        self._sub, self._wanted, self._debt = 0, 1, 0.0
        self._hold_sent, self._holding, self._granted = False, None, None
        self._grant()

    def close(self) -> None:
        self.release()
