"""Rainbow (Hessel et al. 2018) with two changes: its distribution of returns is learned by quantile regression (Dabney
et al. 2018) in place of C51, and it explores by ε-greedy in place of noisy layers.

What remains on top of DQN: 3-step returns, double Q-learning, dueling heads, prioritised replay.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from training.dqn import DQN, DQNSettings, Prioritised
from training.learner import setting
from training.networks import observe
from training.replay import Batch
from training.values import DuelingQuantiles, quantile_huber


@dataclass(frozen=True)
class RainbowSettings(DQNSettings):
    double: bool = setting(True, "the trained network picks the action that the target network values")
    quantiles: int = setting(51, "of each action's return")
    alpha: float = setting(0.5, "exponent of the priorities: 0 samples uniformly")
    beta: float = setting(0.4, "exponent of the importance weights; grows linearly to 1")


class Rainbow(Prioritised, DQN):
    title = (
        "Rainbow-like (Hessel et al. 2018): quantile regression (Dabney et al. 2018), 3-step returns, double, dueling, "
        "prioritised replay, ε-greedy; rewards clipped to −1, 0, 1; a lost life ends the return"
    )

    def make_network(self):
        return DuelingQuantiles(self.settings.network, self.observation_shape, self.actions, self.settings.quantiles)

    def losses(self, batch: Batch):
        """Quantile Huber loss, the same as priority (as Rainbow takes its own loss), and Q(s, a), (B,)."""
        rows = torch.arange(len(batch.action), device=batch.action.device)
        quantiles = self.network(batch.observation)[rows, batch.action]
        with torch.no_grad():
            following = self.target(batch.following)
            chooser = self.network(batch.following) if self.settings.double else following
            best = chooser.mean(2).argmax(1)
            targets = batch.reward[:, None] + batch.discount[:, None] * following[rows, best]
        losses = quantile_huber(quantiles, targets)
        return losses, losses.detach(), quantiles.detach().mean(1)

    @torch.no_grad()
    def q_values(self, network, observation):
        """Q is the mean over the quantiles."""
        return network(observe(observation)).mean(2).cpu().numpy()


SETTINGS, LEARNER = RainbowSettings, Rainbow
