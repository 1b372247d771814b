"""What the actor-critics share: playing a rollout, and what of them is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import torch
from torch.nn import functional as F

from training.learner import Learner, Settings, softmax_sample
from training.networks import ActorCritic, device, observe


@dataclass(frozen=True)
class Rollout:
    """T steps of N games, on the device; the reward and the end are what the step's action led to.

    observation: uint8 (T, N, C, H, W). action: int64 (T, N). logits: (T, N, A) and value: (T, N), of the network that
    played. reward: (T, N), clipped to −1, 0, 1. end: bool (T, N), the game or a life was over. last_observation: uint8
    (N, C, H, W), after the last step.
    """

    observation: torch.Tensor
    action: torch.Tensor
    logits: torch.Tensor
    value: torch.Tensor
    reward: torch.Tensor
    end: torch.Tensor
    last_observation: torch.Tensor


class ActorCriticLearner(Learner):
    """A learner with a policy and a value, which plays ``settings.rollout`` steps in each game between updates."""

    rule = "sample"

    def __init__(self, settings: Settings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.network = ActorCritic(settings.network, observation_shape, actions)
        self.optimizer: torch.optim.Optimizer

    def begin(self, envs, rng) -> None:
        super().begin(envs, rng)
        self.observation = envs.reset()

    @torch.no_grad()
    def play(self, network: torch.nn.Module) -> Rollout:
        """A rollout in which ``network`` draws the actions."""
        steps, count = self.settings.rollout, self.envs.count
        # what the network computes stays on the device, which is waited for only once a step: for the actions
        observation = torch.empty((steps, count, *self.observation_shape), dtype=torch.uint8, device=device())
        logits = torch.empty((steps, count, self.actions), device=device())
        value = torch.empty((steps, count), device=device())
        action, reward = np.empty((steps, count), np.int64), np.empty((steps, count), np.float32)
        end = np.empty((steps, count), bool)
        for t in range(steps):
            observation[t] = observe(self.observation)
            logits[t], value[t] = network(observation[t])
            action[t] = softmax_sample(logits[t], self.rng)
            answer = self.envs.step(action[t])
            self.observation = answer.observation
            reward[t], end[t] = np.sign(answer.reward), answer.done | answer.life_lost
        self.steps += steps * count
        return Rollout(
            observation, observe(action), logits, value, observe(reward), observe(end), observe(self.observation)
        )

    def descend(self, loss: torch.Tensor, max_gradient: float) -> None:
        """One step of the optimizer."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), max_gradient)
        self.optimizer.step()

    def set_learning_rate(self, least: float = 0.05) -> None:
        """The setting, falling linearly over the run to ``least`` of it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * max(1.0 - self.progress, least)

    @torch.no_grad()
    def policy(self, observation, rng):
        return softmax_sample(self.network(observe(observation))[0], rng)

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]


def log_prob_and_entropy(logits: torch.Tensor, action: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """log π(a|s), of the shape of ``action``, and the mean entropy in nats; logits (…, A)."""
    log_softmax = F.log_softmax(logits, -1)
    entropy = -(log_softmax.exp() * log_softmax).sum(-1).mean()
    return log_softmax.gather(-1, action[..., None])[..., 0], entropy
