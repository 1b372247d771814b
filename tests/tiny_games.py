"""A game small enough that a trainer reaches its optimum within seconds."""

from __future__ import annotations

import numpy as np
from training.envs import Answer


class CatchEnvs:
    """A ball falls from a random column; the paddle on the lowest row catches it (reward 1, else −1).

    The best return is 1 and every column can be reached in time. Observation: uint8 (N, 1, HEIGHT, WIDTH), 0 or 255.
    """

    HEIGHT, WIDTH = 6, 5
    action_names = ("LEFT", "NOOP", "RIGHT")
    observation_shape = (1, HEIGHT, WIDTH)

    def __init__(self, count: int = 16, seed: int = 0):
        self.count, self._rng = count, np.random.default_rng(seed)
        self.reset()

    def reset(self) -> np.ndarray:
        self._row = np.zeros(self.count, int)
        self._ball = self._rng.integers(self.WIDTH, size=self.count)
        self._paddle = np.full(self.count, self.WIDTH // 2)
        return self._observation()

    def step(self, actions: np.ndarray) -> Answer:
        self._paddle = np.clip(self._paddle + np.asarray(actions) - 1, 0, self.WIDTH - 1)
        self._row += 1
        done = self._row == self.HEIGHT - 1
        reward = np.where(done, np.where(self._ball == self._paddle, 1.0, -1.0), 0.0).astype(np.float32)
        self._row[done] = 0
        self._ball[done] = self._rng.integers(self.WIDTH, size=int(done.sum()))
        self._paddle[done] = self.WIDTH // 2
        return Answer(self._observation(), reward, done, np.zeros(self.count, bool))

    def _observation(self) -> np.ndarray:
        observation = np.zeros((self.count, *self.observation_shape), np.uint8)
        each = np.arange(self.count)
        observation[each, 0, self._row, self._ball] = 255
        observation[each, 0, self.HEIGHT - 1, self._paddle] = 255
        return observation
