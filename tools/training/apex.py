"""Ape-X DQN (Horgan et al. 2018): many games, each with its own ε; the actors set the first priorities.

There, hundreds of actors play in processes of their own while a learner learns. Here all are in one process and in
lock-step, so that a run can be repeated exactly; what belongs to the method remains: the ladder of ε, actors that play
with an older copy of the network, and priorities that the actors compute from their own n-step errors.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch

from training.dqn import DQN, Prioritised, ReplaySettings, crossed
from training.learner import setting
from training.values import DuelingQNetwork


@dataclass(frozen=True)
class ApexSettings(ReplaySettings):
    envs: int = setting(64, "games played side by side: the actors")
    replay_ratio: float = setting(4.0, "transitions learned from for each agent step")
    base_epsilon: float = setting(0.4, "ε of the first game")
    epsilon_power: float = setting(7.0, "game i of N plays with ε^(1 + power · i/(N − 1))")
    refresh: int = setting(6_400, "agent steps between copies of the network to the actors")
    alpha: float = setting(0.6, "exponent of the priorities: 0 samples uniformly")
    beta: float = setting(0.4, "exponent of the importance weights; grows linearly to 1")


class Apex(Prioritised, DQN):
    title = (
        "Ape-X-like DQN (Horgan et al. 2018): games with different ε, priorities from the actors, 3-step returns, "
        "double, dueling; rewards clipped to −1, 0, 1; a lost life ends the return"
    )

    def __init__(self, settings: ApexSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.actor = self.make_network()
        self.actor.load_state_dict(self.network.state_dict())

    def make_network(self):
        return DuelingQNetwork(self.settings.network, self.observation_shape, self.actions)

    def begin(self, envs, rng) -> None:
        super().begin(envs, rng)
        self.taken: deque[np.ndarray] = deque(maxlen=self.settings.n_step + 1)
        """Q(s, a) (N,) of the newest actions, as the actors saw it when they took them."""

    def epsilons(self):
        """ε of each game (Horgan et al. 2018, section 4.1), (N,)."""
        s = self.settings
        return s.base_epsilon ** (1 + s.epsilon_power * np.linspace(0, 1, s.envs))

    def actor_values(self):
        return self.q_values(self.actor, self.observation)

    def played(self, q, action, row) -> None:
        self.taken.append(q[np.arange(len(q)), action])
        if row is not None:
            # the step n steps ago is complete now: its reward, and the best value of the observation just played
            games = np.arange(self.envs.count)
            reward, discount = self.replay.returns(np.full_like(games, row), games)
            error = reward + discount * q.max(1) - self.taken[0]
            self.replay.update(row * len(games) + games, torch.from_numpy(np.abs(error)))
        now = self.steps + self.envs.count
        if crossed(self.steps, now, self.settings.refresh):
            self.actor.load_state_dict(self.network.state_dict())

    def state(self):
        return {**super().state(), "actor": self.actor.state_dict()}

    def restore(self, state) -> None:
        super().restore(state)
        self.actor.load_state_dict(state["actor"])


SETTINGS, LEARNER = ApexSettings, Apex
