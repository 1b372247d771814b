"""Activation movies: a game, and what a network makes of it, picture by picture. Nothing of what was is kept."""

from __future__ import annotations

from collections import deque
from typing import Any, Iterator

import numpy as np

from zoo_gui.play.emulator import Emulator
from zoo_gui.play.movie_sheet import Sheet
from zoo_gui.play.player import Player
from zoo_gui.play.screens import steady

FRAMES_PER_SECOND = 60
"""Of the emulator."""
LEARNING = 200
"""Agent steps that are played first, unseen, so that layers have their scales when the film begins."""


class Movie:
    """An agent's game in our layout, at the speed at which people play. size: (width, height). count: how many pictures
    there will be. steps_shown: agent steps so far."""

    def __init__(
        self, agent: Any, *, steps: int = 600, seed: int = 0, game: str = "", size: tuple[int, int] = (1280, 720),
        fps: int = FRAMES_PER_SECOND,
    ):
        """agent: an Agent. game: by default the agent's. Raises ZooError."""
        self.agent, self.size, self.steps, self.seed, self.fps = agent, size, steps, seed, fps
        self._game = game or agent.card.game
        self._every = FRAMES_PER_SECOND // fps
        player = self._player()
        self.count = max(1, steps * player.frame_skip // self._every)
        self.steps_shown = 0
        self.sheet = Sheet(agent, player, size)

    def _player(self) -> Player:
        return Player(Emulator(self._game), self.agent, seed=self.seed)

    def pictures(self) -> Iterator[np.ndarray]:
        """uint8 BGRA (H, W, 4), the same array each time."""
        first = self._player()
        for _ in range(min(self.steps, LEARNING)):
            self.sheet.learn(first.step())
        player, recent, frames = self._player(), deque(maxlen=2), 0
        for _ in range(self.steps):
            step = player.step(all_frames=True)
            self.sheet.show(step)
            self.steps_shown += 1
            if step.index == 0:
                recent.clear()
            for frame in step.frames:
                recent.append(frame)
                frames += 1
                if frames % self._every == 0:
                    self.sheet.show_screen(frame if self._every == 1 else steady(np.stack(recent)))
                    yield self.sheet.picture
