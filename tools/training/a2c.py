"""Advantage actor-critic: the synchronous form of Mnih et al. 2016 (A3C), with n-step returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import torch

from training.learner import Settings, numbers, setting
from training.returns import gae
from training.rollouts import ActorCriticLearner, log_prob_and_entropy


@dataclass(frozen=True)
class A2CSettings(Settings):
    rollout: int = setting(5, "agent steps of each game between updates: the n of the returns")
    learning_rate: float = setting(7e-4, "of RMSprop; falls linearly to a twentieth")
    gamma: float = setting(0.99, "discount")
    lam: float = setting(1.0, "λ of the advantage; 1 is the n-step return")
    entropy_bonus: float = setting(0.01, "weight of the policy's entropy")
    value_weight: float = setting(0.25, "weight of the squared value error")
    max_gradient: float = setting(0.5, "norm at which gradients are cut")


class A2C(ActorCriticLearner):
    title = "A2C (Mnih et al. 2016, synchronous); rewards clipped to −1, 0, 1; a lost life ends the return"

    def __init__(self, settings: A2CSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.optimizer = torch.optim.RMSprop(self.network.parameters(), settings.learning_rate, alpha=0.99, eps=1e-5)

    def iterate(self) -> Mapping[str, float]:
        self.set_learning_rate()
        s, rollout = self.settings, self.play(self.network)
        with torch.no_grad():
            last_value = self.network(rollout.last_observation)[1]
        advantage, target = gae(rollout.reward, rollout.value, last_value, rollout.end, s.gamma, s.lam)
        logits, value = self.network(rollout.observation.flatten(0, 1))
        log_prob, entropy = log_prob_and_entropy(logits, rollout.action.flatten())
        policy_loss = -(log_prob * advantage.flatten()).mean()
        value_loss = (value - target.flatten()).square().mean()
        self.descend(policy_loss + s.value_weight * value_loss - s.entropy_bonus * entropy, s.max_gradient)
        return numbers(entropy=entropy, policy_loss=policy_loss, value_loss=value_loss)


SETTINGS, LEARNER = A2CSettings, A2C
