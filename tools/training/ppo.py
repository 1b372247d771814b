"""Proximal policy optimisation (Schulman et al. 2017) with generalised advantage estimation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import torch
from torch.nn import functional as F

from training.learner import Learner, Settings, setting, softmax_sample
from training.networks import ActorCritic, device, observe
from training.returns import gae


@dataclass(frozen=True)
class PPOSettings(Settings):
    rollout: int = setting(64, "agent steps of each game between updates")
    epochs: int = setting(3, "passes over each rollout")
    minibatch: int = setting(256, "agent steps in one gradient")
    learning_rate: float = setting(5e-4, "of Adam; falls linearly to a twentieth")
    gamma: float = setting(0.99, "discount")
    lam: float = setting(0.95, "λ of the advantage estimation")
    clip: float = setting(0.15, "how far the probability ratio may leave 1")
    entropy_bonus: float = setting(0.01, "weight of the policy's entropy")
    value_weight: float = setting(0.25, "weight of the squared value error")
    max_gradient: float = setting(0.5, "norm at which gradients are cut")


class PPO(Learner):
    title = "PPO (Schulman et al. 2017); rewards clipped to −1, 0, 1; a lost life ends the return"

    def __init__(self, settings: PPOSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.network = ActorCritic(settings.network, observation_shape, actions)
        self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate, eps=1e-5)

    def begin(self, envs, rng) -> None:
        super().begin(envs, rng)
        self.observation = envs.reset()

    def iterate(self) -> Mapping[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * max(1.0 - self.progress, 0.05)
        return self._learn(*self._play())

    @torch.no_grad()
    def _play(self):
        """A rollout: observations (T·N, C, H, W), and actions, log-probabilities, advantages and returns (T·N,)."""
        s, n = self.settings, self.envs.count
        observations = torch.empty((s.rollout, n, *self.observation_shape), dtype=torch.uint8)
        actions = torch.empty((s.rollout, n), dtype=torch.long)
        log_probs, values, rewards = (torch.empty((s.rollout, n)) for _ in range(3))
        ends = torch.empty((s.rollout, n), dtype=torch.bool)
        for t in range(s.rollout):
            logits, value = self.network(observe(self.observation))
            action = softmax_sample(logits, self.rng)
            observations[t], actions[t] = torch.from_numpy(self.observation), torch.from_numpy(action)
            log_probs[t] = F.log_softmax(logits, 1).cpu()[np.arange(n), action]
            values[t] = value.cpu()
            answer = self.envs.step(action)
            self.observation = answer.observation
            rewards[t] = torch.from_numpy(np.sign(answer.reward))
            ends[t] = torch.from_numpy(answer.done | answer.life_lost)
        self.steps += s.rollout * n
        last_value = self.network(observe(self.observation))[1].cpu()
        advantages, returns = gae(rewards, values, last_value, ends, s.gamma, s.lam)
        rollout = (observations, actions, log_probs, advantages, returns)
        return tuple(part.flatten(0, 1).to(device()) for part in rollout)

    def _learn(self, observations, actions, old_log_probs, advantages, returns) -> Mapping[str, float]:
        s, sums, count = self.settings, np.zeros(3), 0
        for _ in range(s.epochs):
            for rows in torch.from_numpy(self.rng.permutation(len(actions))).to(device()).split(s.minibatch):
                logits, values = self.network(observations[rows])
                log_softmax = F.log_softmax(logits, 1)
                log_probs = log_softmax.gather(1, actions[rows, None])[:, 0]
                entropy = -(log_softmax.exp() * log_softmax).sum(1).mean()
                policy_loss = clipped_surrogate(log_probs - old_log_probs[rows], normalised(advantages[rows]), s.clip)
                value_loss = (values - returns[rows]).square().mean()
                loss = policy_loss + s.value_weight * value_loss - s.entropy_bonus * entropy
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), s.max_gradient)
                self.optimizer.step()
                sums += (entropy.item(), policy_loss.item(), value_loss.item())
                count += 1
        return dict(zip(("entropy", "policy_loss", "value_loss"), sums / count))

    @torch.no_grad()
    def policy(self, observation, rng):
        return softmax_sample(self.network(observe(observation))[0], rng)

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]


def clipped_surrogate(log_ratio, advantage, clip: float):
    """The loss whose descent is eq. 7 of Schulman et al. 2017."""
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean()


def normalised(advantage):
    """Mean 0, deviation 1."""
    return (advantage - advantage.mean()) / (advantage.std() + 1e-8)


SETTINGS, LEARNER = PPOSettings, PPO
