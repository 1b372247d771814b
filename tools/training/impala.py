"""IMPALA (Espeholt et al. 2018): actors play with older weights than the learner's, and V-trace corrects for it.

The paper's actors run on other machines and lag behind by however long the network takes. Here they play in the same
process with weights that are fetched every so many updates: the lag is a setting, and a run can be repeated exactly.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Mapping

import torch

from training.learner import Settings, numbers, setting
from training.returns import vtrace
from training.rollouts import ActorCriticLearner, log_prob_and_entropy


@dataclass(frozen=True)
class ImpalaSettings(Settings):
    rollout: int = setting(10, "agent steps of each game in one unroll")
    fetch: int = setting(4, "updates after which the actors fetch the learner's weights")
    learning_rate: float = setting(7e-4, "of RMSprop; falls linearly to a twentieth")
    gamma: float = setting(0.99, "discount")
    rho_bar: float = setting(1.0, "where the importance weights of the errors are cut")
    c_bar: float = setting(1.0, "where the importance weights of the traces are cut")
    entropy_bonus: float = setting(0.01, "weight of the policy's entropy")
    value_weight: float = setting(0.25, "weight of the squared value error")
    max_gradient: float = setting(0.5, "norm at which gradients are cut")


class Impala(ActorCriticLearner):
    title = "IMPALA (Espeholt et al. 2018), V-trace; rewards clipped to −1, 0, 1; a lost life ends the return"

    def __init__(self, settings: ImpalaSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.actor = copy.deepcopy(self.network).requires_grad_(False)
        self.updates = 0
        self.optimizer = torch.optim.RMSprop(self.network.parameters(), settings.learning_rate, alpha=0.99, eps=1e-5)

    def iterate(self) -> Mapping[str, float]:
        self.set_learning_rate()
        if self.updates % self.settings.fetch == 0:
            self.actor.load_state_dict(self.network.state_dict())
        s, rollout = self.settings, self.play(self.actor)
        behaviour_log_prob, _ = log_prob_and_entropy(rollout.logits, rollout.action)
        observations = torch.cat([rollout.observation, rollout.last_observation[None]])
        logits, value = (part.unflatten(0, observations.shape[:2]) for part in self.network(observations.flatten(0, 1)))
        log_prob, entropy = log_prob_and_entropy(logits[:-1], rollout.action)
        log_ratio = (log_prob - behaviour_log_prob).detach()
        fixed = value.detach()
        trace = vtrace(log_ratio, rollout.reward, fixed[:-1], fixed[-1], rollout.end, s.gamma, s.rho_bar, s.c_bar)
        policy_loss = -(log_prob * trace.advantage).mean()
        value_loss = (value[:-1] - trace.value).square().mean()
        self.descend(policy_loss + s.value_weight * value_loss - s.entropy_bonus * entropy, s.max_gradient)
        self.updates += 1
        # how far apart actor and learner were: the estimate of KL(μ‖π) on what was played
        return numbers(
            entropy=entropy, policy_loss=policy_loss, value_loss=value_loss, actor_divergence=-log_ratio.mean()
        )

    def state(self) -> dict[str, Any]:
        return {**super().state(), "actor": self.actor.state_dict(), "updates": self.updates}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.actor.load_state_dict(state["actor"])
        self.updates = state["updates"]


SETTINGS, LEARNER = ImpalaSettings, Impala
