"""Deep Q-learning (Mnih et al. 2015) with n-step returns, on games in step; what Rainbow and Ape-X build on.

Nature's DQN learns from 8 samples for each agent step (32 every 4). So does this one, but in larger and rarer batches,
which a processor works off 2.5 times faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import torch
from torch.nn import functional as F

from training.learner import Learner, Settings, numbers, setting
from training.networks import observe
from training.replay import Batch, PrioritisedReplay, Replay
from training.values import QNetwork

ITERATION = 1024
"""Agent steps between two lines for the log."""


@dataclass(frozen=True)
class ReplaySettings(Settings):
    """What the three algorithms with a replay memory share."""

    capacity: int = setting(250_000, "agent steps in the replay memory (7 kB each)")
    learning_starts: int = setting(20_000, "agent steps before the first gradient")
    batch: int = setting(256, "transitions in one gradient")
    replay_ratio: float = setting(8.0, "transitions learned from for each agent step")
    n_step: int = setting(3, "rewards summed before the target network's value")
    gamma: float = setting(0.99, "discount")
    double: bool = setting(True, "the trained network picks the action that the target network values")
    target_period: int = setting(8_000, "agent steps between copies to the target network")
    learning_rate: float = setting(2.5e-4, "of Adam")
    adam_epsilon: float = setting(4e-5, "of Adam: 0.01 / batch")
    max_gradient: float = setting(10.0, "norm at which gradients are cut")


@dataclass(frozen=True)
class DQNSettings(ReplaySettings):
    double: bool = setting(False, "the trained network picks the action that the target network values")
    exploration: int = setting(150_000, "agent steps over which ε falls from 1")
    final_epsilon: float = setting(0.02, "probability of a random action from then on")


class DQN(Learner):
    title = "DQN (Mnih et al. 2015) with 3-step returns; rewards clipped to −1, 0, 1; a lost life ends the return"
    rule = "epsilon"
    # the best action alone may idle for ever: in Breakout, a life begins only when FIRE happens to be pressed
    epsilon = 0.01

    def __init__(self, settings: DQNSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.network, self.target = self.make_network(), self.make_network()
        self.target.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), settings.learning_rate, eps=settings.adam_epsilon, fused=True
        )
        self.replay = self.make_replay()
        self.updates = 0

    def make_network(self) -> torch.nn.Module:
        return QNetwork(self.settings.network, self.observation_shape, self.actions)

    def make_replay(self) -> Replay:
        s = self.settings
        return Replay(s.capacity, s.envs, self.observation_shape, s.n_step, s.gamma)

    def begin(self, envs, rng) -> None:
        super().begin(envs, rng)
        self.observation = envs.reset()
        self.replay.begin(self.segment)

    def iterate(self) -> Mapping[str, float]:
        logs = []
        for _ in range(max(1, ITERATION // self.envs.count)):
            self.play()
            while self.updates < self.updates_due():
                logs.append(self.learn())
        means = numbers(**{name: torch.stack([log[name] for log in logs]).mean() for name in logs[0]}) if logs else {}
        return {"epsilon": float(np.mean(self.epsilons())), **means}

    def updates_due(self) -> int:
        """Gradients that ought to have been made by now."""
        s = self.settings
        # the memory needs n steps of each game before it has anything to give
        start = max(s.learning_starts, (s.n_step + 1) * s.envs)
        return int((self.steps - start) * s.replay_ratio / s.batch)

    def epsilons(self) -> float | np.ndarray:
        """Probability of a random action now, of all games or of each."""
        s = self.settings
        return max(s.final_epsilon, 1.0 - (1.0 - s.final_epsilon) * self.steps / s.exploration)

    def play(self) -> None:
        """One step of each game, into the memory."""
        q = self.actor_values()
        action = epsilon_greedy(q, self.epsilons(), self.rng)
        answer = self.envs.step(action)
        row = self.replay.add(self.observation, action, answer)
        self.played(q, action, row)
        self.observation = answer.observation
        self.steps += self.envs.count

    def actor_values(self) -> np.ndarray:
        """Action values (N, A) by which the games are played."""
        return self.q_values(self.network, self.observation)

    def played(self, q: np.ndarray, action: np.ndarray, row: int | None) -> None:
        """After each step: the values and actions in it, the row of the memory that it completed."""

    def learn(self) -> Mapping[str, torch.Tensor]:
        """One gradient, and the copy to the target network when it is due; numbers for the log, on the device."""
        s = self.settings
        batch = self.replay.sample(s.batch, self.rng, self.progress)
        losses, priorities, q = self.losses(batch)
        loss = (batch.weight * losses).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), s.max_gradient)
        self.optimizer.step()
        self.replay.update(batch.place, priorities)
        before, self.updates = self.updates, self.updates + 1
        if crossed(before, self.updates, s.target_period * s.replay_ratio / s.batch):
            self.target.load_state_dict(self.network.state_dict())
        return {"loss": loss.detach(), "q": q.mean()}

    def losses(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Huber loss, priority |δ| and Q(s, a) of each transition, (B,)."""
        q = self.network(batch.observation).gather(1, batch.action[:, None])[:, 0]
        with torch.no_grad():
            following = self.target(batch.following)
            chooser = self.network(batch.following) if self.settings.double else following
            best = chooser.argmax(1, keepdim=True)
            target = batch.reward + batch.discount * following.gather(1, best)[:, 0]
        losses = F.smooth_l1_loss(q, target, reduction="none")
        return losses, (target - q).detach().abs(), q.detach()

    @torch.no_grad()
    def q_values(self, network: torch.nn.Module, observation: np.ndarray) -> np.ndarray:
        """Q of each action, float32 (N, A)."""
        return network(observe(observation)).cpu().numpy()

    def policy(self, observation, rng):
        return epsilon_greedy(self.q_values(self.network, observation), self.epsilon, rng)

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "target": self.target.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "replay": self.replay.state(),
            "steps": self.steps,
            "updates": self.updates,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.target.load_state_dict(state["target"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.replay.restore(state["replay"], self.make_envs)
        self.steps, self.updates = state["steps"], state["updates"]


class Prioritised:
    """A DQN whose memory is prioritised, by the settings ``alpha`` and ``beta``."""

    def make_replay(self) -> PrioritisedReplay:
        s = self.settings
        return PrioritisedReplay(
            s.capacity, s.envs, self.observation_shape, s.n_step, s.gamma, alpha=s.alpha, beta=s.beta
        )


def epsilon_greedy(q: np.ndarray, epsilon: float | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The best action of each row of q (N, A), or with probability ε (of all, or (N,)) a random one."""
    random = rng.random(len(q)) < epsilon
    return np.where(random, rng.integers(q.shape[1], size=len(q)), q.argmax(1))


def crossed(before: int, now: int, period: float) -> bool:
    """Whether a multiple of the period lies in (before, now]."""
    return now // period > before // period


SETTINGS, LEARNER = DQNSettings, DQN
