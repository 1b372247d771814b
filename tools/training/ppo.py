"""Proximal policy optimisation (Schulman et al. 2017) with generalised advantage estimation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import torch

from training.learner import Settings, numbers, setting
from training.networks import device
from training.returns import gae
from training.rollouts import ActorCriticLearner, Rollout, log_prob_and_entropy


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


class PPO(ActorCriticLearner):
    title = "PPO (Schulman et al. 2017); rewards clipped to −1, 0, 1; a lost life ends the return"

    def __init__(self, settings: PPOSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate, eps=1e-5)

    def iterate(self) -> Mapping[str, float]:
        self.set_learning_rate()
        return self._learn(self.play(self.network))

    def _learn(self, rollout: Rollout) -> Mapping[str, float]:
        s, logged = self.settings, []
        with torch.no_grad():
            last_value = self.network(rollout.last_observation)[1]
            advantage, target = gae(rollout.reward, rollout.value, last_value, rollout.end, s.gamma, s.lam)
            old_log_prob, _ = log_prob_and_entropy(rollout.logits, rollout.action)
        batch = (rollout.observation, rollout.action, old_log_prob, advantage, target)
        batch = [part.flatten(0, 1) for part in batch]
        for _ in range(s.epochs):
            order = torch.from_numpy(self.rng.permutation(len(batch[0]))).to(device())
            for rows in order.split(s.minibatch):
                observation, action, old_log_prob, advantage, target = (part[rows] for part in batch)
                logits, value = self.network(observation)
                log_prob, entropy = log_prob_and_entropy(logits, action)
                policy_loss = clipped_surrogate(log_prob - old_log_prob, normalised(advantage), s.clip)
                value_loss = (value - target).square().mean()
                loss = policy_loss + s.value_weight * value_loss - s.entropy_bonus * entropy
                self.descend(loss, s.max_gradient)
                logged.append(torch.stack([entropy, policy_loss, value_loss]).detach())
        entropy, policy_loss, value_loss = torch.stack(logged).mean(0)
        return numbers(entropy=entropy, policy_loss=policy_loss, value_loss=value_loss)


def clipped_surrogate(log_ratio: torch.Tensor, advantage: torch.Tensor, clip: float) -> torch.Tensor:
    """The loss whose descent climbs eq. 7 of Schulman et al. 2017."""
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean()


def normalised(advantage: torch.Tensor) -> torch.Tensor:
    """Mean 0, deviation 1."""
    return (advantage - advantage.mean()) / (advantage.std() + 1e-8)


SETTINGS, LEARNER = PPOSettings, PPO
