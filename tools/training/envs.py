"""Vectorised games: ale-py's AtariVectorEnv behind four names, so that a tiny game of a test fits in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from zoo_gui.play import games

FRAME_SKIP = 4
LONGEST_GAME = 27_000
"""Emulator frames after which a game is cut off: 7.5 minutes, so that no agent idles for ever."""


@dataclass(frozen=True)
class Answer:
    """What N games answered to one action each.

    observation: uint8 (N, C, H, W), newest plane last; where ``done``, the first of a new game. reward: float32 (N,),
    as the game gave it. done: bool (N,), the game is over (also when cut off). life_lost: bool (N,), a life was lost
    and the game goes on.
    """

    observation: np.ndarray
    reward: np.ndarray
    done: np.ndarray
    life_lost: np.ndarray


class Envs(Protocol):
    """N games in step: what an algorithm plays."""

    count: int
    action_names: tuple[str, ...]
    observation_shape: tuple[int, int, int]

    def reset(self) -> np.ndarray:
        """Begin all games; the observations, uint8 (N, C, H, W)."""

    def step(self, actions: np.ndarray) -> Answer:
        """One action (int, (N,)) in each game; games that end begin anew."""


class AtariEnvs:
    """N copies of an Atari game: 84×84 grey, maximum of the last two of four frames, four observations, no-op starts
    (1–30 frames) and FIRE at reset; rewards unclipped; the same seed gives the same games.

    sticky: the probability that the emulator repeats the previous action. threads: how many play them, which changes
    nothing but the time. Raises ZooError for a game without a ROM.
    """

    def __init__(
        self, game: str, count: int, seed: int, sticky: float = 0.0, longest: int = LONGEST_GAME, threads: int = 1
    ):
        from ale_py.vector_env import AtariVectorEnv

        self.count = count
        self._envs = AtariVectorEnv(
            games.find(game), count, num_threads=threads, autoreset_mode="SameStep", reward_clipping=False,
            repeat_action_probability=sticky, max_num_frames_per_episode=longest,
        )  # fmt: skip
        self.action_names = tuple(action.name for action in self._envs.ale.get_action_set())
        self.observation_shape = tuple(self._envs.single_observation_space.shape)
        self._seed = seed
        self._lives = np.zeros(count, np.int64)

    def reset(self) -> np.ndarray:
        # AtariVectorEnv keeps 31 bits of a seed
        observation, info = self._envs.reset(seed=self._seed % 2**31)
        self._seed += 1
        self._lives = np.array(info["lives"])
        return observation

    def step(self, actions: np.ndarray) -> Answer:
        observation, reward, terminated, truncated, info = self._envs.step(np.asarray(actions, np.int64))
        done = terminated | truncated
        lives = np.array(info["lives"])
        life_lost = (lives < self._lives) & ~done
        self._lives = lives
        return Answer(observation, reward.astype(np.float32), done, life_lost)

    def close(self) -> None:
        self._envs.close()


class Recorded:
    """Envs that keep the score and the length of every finished game."""

    def __init__(self, envs: Envs):
        self.envs = envs
        self.count, self.action_names = envs.count, envs.action_names
        self.observation_shape = envs.observation_shape
        self.finished: list[tuple[float, int]] = []
        """(score, agent steps) of the games that ended since it was last emptied."""
        self._score, self._steps = np.zeros(envs.count), np.zeros(envs.count, int)

    def reset(self) -> np.ndarray:
        self._score[:], self._steps[:] = 0, 0
        return self.envs.reset()

    def step(self, actions: np.ndarray) -> Answer:
        answer = self.envs.step(actions)
        self._score += answer.reward
        self._steps += 1
        for i in np.flatnonzero(answer.done):
            self.finished.append((float(self._score[i]), int(self._steps[i])))
            self._score[i], self._steps[i] = 0, 0
        return answer
