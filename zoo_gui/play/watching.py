"""A player that watches: its emulator goes where another's went, while its agent says what it would do."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo_gui.play.emulator import Emulator
from zoo_gui.play.phases import Phases
from zoo_gui.play.played import BEGIN, DROP, LOOK, RESET, Played, stretches
from zoo_gui.play.preprocessing import Pipeline


class Watching:
    """The part of Player that moves it as another's step says, in place of its own rules.

    Where the driver's frame skip is the agent's own, its pipeline is fed at the same frames as in its own play: an
    agent that watches its like sees the same bit for bit. Else ``Phases`` give what it would see at any rhythm.
    """

    emulator: Emulator
    pipeline: Pipeline | None
    preprocessing: Any
    _skips: tuple[int, int]
    _state: np.ndarray
    _first_state: np.ndarray

    def _init_watching(self) -> None:
        self._journal = bytearray()
        self._phases: Phases | None = None

    def stand_with(self, other: "Watching") -> None:
        """Go to where another player of the same game stands: same emulator state and counters, own random numbers.

        Of a player of equal preprocessing the frames before are taken over too; else the stack begins with this screen.
        The memory is that of an episode's beginning.
        """
        self.emulator.restore(other.emulator.snapshot())
        self.__dict__.update({name: getattr(other, name) for name in SHARED})
        self._reseed()
        self._journal.clear()
        self._phases, self._state = None, self._first_state
        if self.pipeline is None:
            return
        if other.pipeline is not None and other.preprocessing == self.preprocessing:
            other._see_alone()
            self.pipeline.restore(other.pipeline.snapshot())
        else:
            self.pipeline.reset(self.emulator)

    def _see_alone(self) -> None:
        """Have the pipeline show what the player sees now, also after it watched at another rhythm."""
        if self._phases is not None and self.pipeline is not None:
            self.pipeline.restore(self._phases.due.snapshot())
        self._phases = None

    def _watch(self, played: Played) -> None:
        """Be ready to go where that step went."""
        if self.pipeline is None or played.skips == self._skips:
            return self._see_alone()
        spans = set(range(played.skips[0], played.skips[1] + 1))
        if self._phases is None or self._phases.spans != spans:
            state = self.pipeline.snapshot() if self._phases is None else self._phases.due.snapshot()
            self._phases = Phases(self.preprocessing, self.pipeline.screen, self._skips[1], spans)
            self._phases.start(state)

    def _relive_opening(self, played: Played) -> None:
        """Begin the episode that the driver began, if it did."""
        if played.begins:
            self._episode, self._index, self._return = played.episode, 0, 0.0
            self._reseed()
            self._state = self._first_state
        self._relive(played.opening, np.zeros((0, 0, 0, 0), np.uint8), self.preprocessing.reset_actions != ())

    def _relive(self, told: bytes, frames: np.ndarray, minds: bool) -> int:
        """Play what was told; the reward. frames: (S, H, W, 3), as for ``Player._play``. minds: whether this agent's
        own rules end an observation where the driver's did, rather than see one game that goes on."""
        reward, filled, last = 0, 0, len(frames) - 1
        for codes, mark in stretches(told):
            grab_from = len(codes) - self.preprocessing.max_last
            for played, code in enumerate(codes, 1):
                reward += self.emulator.act(code)
                if filled < last and played < len(codes):
                    filled += 1
                    self.emulator.screen_rgb(frames[filled])
                if self._phases is not None:
                    self._phases.frame(self.emulator)
                elif self.pipeline is not None and played > grab_from:
                    self.pipeline.grab(self.emulator)
            last = filled  # only the action's own frames are shown
            self._end_stretch(mark, bool(codes), minds)
        if filled + 1 < len(frames):
            frames[filled + 1 :] = frames[filled]
        return reward

    def _end_stretch(self, mark: int | None, moved: bool, minds: bool) -> None:
        """Do what a mark says. moved: whether frames were played since the mark before."""
        if mark == RESET:
            self.emulator.reset()
        elif mark == LOOK:
            for eyes in (self.pipeline, self._phases):
                if eyes is not None:
                    eyes.reset(self.emulator)
        elif mark == BEGIN and minds:
            self._state = self._first_state
        if self.pipeline is None or self._phases is not None or mark in (RESET, LOOK, None):
            return
        if mark == BEGIN and minds:
            self.pipeline.begin()
        elif mark == DROP and minds:
            self.pipeline.drop()
        elif moved:
            self.pipeline.push()


SHARED = ("_episode", "_index", "_return", "_previous", "_done")
"""What players of one game have in common besides the emulator."""
