"""Policy distillation (Rusu et al. 2015) with DAgger collection (Ross et al. 2011): a student learns what a teacher
would do in the games that the student plays. Far cheaper than learning from rewards, which it never sees.

The teacher is any agent of the zoo, or a card's path. A student is not a run of its teacher's algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from training.learner import Learner, Settings, setting, softmax_sample
from training.networks import Body, device, observe, orthogonal
from training.replay import Replay
from zoo_gui.types import ZooError

Teacher = Callable[[np.ndarray], np.ndarray]
"""Observations uint8 (N, C, H, W) → logits float32 (N, A) over the games' actions."""
LEAST_LOGIT = -30.0
"""Of an action that the teacher does not have."""
ROUND = 400
"""Steps of each game between rounds of gradients."""


@dataclass(frozen=True)
class DistillSettings(Settings):
    steps: int = setting(320_000, "agent steps in all, each a sample")
    segment: int = setting(64_000, "agent steps between checkpoints, at which all games begin anew")
    network: str = setting("nature", "small, nature or tiny")
    teacher: str = setting("", "id of an agent of the zoo, or the path of its card")
    temperature: float = setting(1.0, "by which the teacher's scores are divided; for Q-values 0.01 as in the paper")
    teacher_plays: int = setting(20_000, "agent steps over which the teacher's share of the games falls from 1 to 0")
    fire_after_life: int = setting(0, "steps after a lost life in which the label is FIRE (3: Breakout's next ball)")
    capacity: int = setting(120_000, "newest samples that are learned from")
    replay_ratio: float = setting(2.4, "samples learned from for each agent step")
    batch: int = setting(256, "samples in one gradient")
    learning_rate: float = setting(1e-3, "of Adam; falls linearly to 3 %")


class Student(nn.Module):
    """uint8 (N, C, H, W) → logits (N, A)."""

    def __init__(self, kind: str, observation_shape: tuple[int, int, int], actions: int):
        super().__init__()
        self.body = Body(kind, observation_shape)
        self.policy = nn.Linear(self.body.width, actions)
        orthogonal(self.body, 2**0.5)
        orthogonal(self.policy, 0.1)
        self.to(device(), memory_format=torch.channels_last)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return self.policy(self.body(observation))


class Distill(Learner):
    title = "Policy distillation (Rusu et al. 2015) with DAgger collection (Ross et al. 2011)"
    rule = "sample"

    def __init__(self, settings: DistillSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.network = Student(settings.network, observation_shape, actions)
        self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate, eps=1e-5)
        self.replay = Replay(settings.capacity, settings.envs, observation_shape, n_step=1, gamma=1.0)
        self.labels = np.zeros((self.replay.rows, settings.envs, actions), np.float16)
        self.teacher: Teacher | None = None
        self.updates = 0

    def begin(self, envs, rng) -> None:
        super().begin(envs, rng)
        self.teacher = self.teacher or load_teacher(self.settings.teacher, envs.action_names)
        self.fire = envs.action_names.index("FIRE") if "FIRE" in envs.action_names else None
        self.observation = envs.reset()
        self.replay.begin(self.segment)
        self.teacher_drives = rng.random(envs.count) < self.teacher_share
        self.since_life = np.full(envs.count, self.settings.fire_after_life)

    @property
    def teacher_share(self) -> float:
        """The probability that the teacher plays a game that begins now."""
        return max(0.0, 1.0 - self.steps / max(self.settings.teacher_plays, 1))

    def iterate(self) -> Mapping[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * max(1.0 - self.progress, 0.03)
        for _ in range(min(ROUND, max(1, self.settings.segment // self.envs.count))):
            self._play()
        losses = []
        while self.updates < self.steps * self.settings.replay_ratio / self.settings.batch:
            losses.append(self._learn())
        return {"kl": float(np.mean(losses))} if losses else {}

    def _play(self) -> None:
        """One step of each game, labelled by the teacher."""
        label = self.teacher(self.observation) / self.settings.temperature
        if self.fire is not None:
            waiting = self.since_life < self.settings.fire_after_life
            label[waiting] = LEAST_LOGIT
            label[waiting, self.fire] = 0.0
        label = F.log_softmax(torch.from_numpy(label), 1).clamp(min=LEAST_LOGIT)
        with torch.no_grad():
            own = self.network(observe(self.observation)).cpu()
        drives = torch.from_numpy(self.teacher_drives)[:, None]
        action = softmax_sample(torch.where(drives, label, own), self.rng)
        answer = self.envs.step(action)
        self.labels[self.replay.added % self.replay.rows] = label.numpy()
        self.replay.add(self.observation, action, answer)
        self.since_life = np.where(answer.life_lost, 0, self.since_life + 1)
        new_drives = self.rng.random(self.envs.count) < self.teacher_share
        self.teacher_drives = np.where(answer.done, new_drives, self.teacher_drives)
        self.observation = answer.observation
        self.steps += self.envs.count

    def _learn(self) -> float:
        """One gradient of the mean KL divergence from the teacher to the student; its value in nats."""
        batch = self.replay.sample(self.settings.batch, self.rng)
        row, game = np.divmod(batch.place, self.replay.games)
        label = observe(self.labels[row, game].astype(np.float32))
        own = F.log_softmax(self.network(batch.observation), 1)
        loss = F.kl_div(own, label, log_target=True, reduction="batchmean")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.updates += 1
        return loss.item()

    @torch.no_grad()
    def policy(self, observation, rng):
        return softmax_sample(self.network(observe(observation)), rng)

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "steps": self.steps,
            "updates": self.updates, "replay": self.replay.state(), "labels": torch.from_numpy(self.labels.copy()),
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.replay.restore(state["replay"], self.make_envs)
        self.labels = state["labels"].numpy().copy()
        self.steps, self.updates = state["steps"], state["updates"]


def load_teacher(name: str, action_names: tuple[str, ...]) -> Teacher:
    """An agent of the zoo as a teacher; its actions are matched by their meaning.

    Raises ZooError: no such agent, another observation than the trainers' games give, or an action the game lacks.
    """
    from zoo_gui.agents.agent import Agent
    from zoo_gui.agents.card import PreprocessingSpec

    if not name:
        raise ZooError("Distillation needs a teacher: name one with --teacher, for example distill/Breakout/2.")
    agent = Agent.load(name)
    mine, needed = agent.card.preprocessing, PreprocessingSpec()
    seen = ("frame_skip", "max_last", "color", "source", "crop", "size", "resize", "stack")
    if any(getattr(mine, part) != getattr(needed, part) for part in seen):
        raise ZooError(f"{name} sees the game through another pipeline than the trainers' games: take another teacher.")
    missing = set(agent.action_names) - set(action_names)
    if missing:
        raise ZooError(f"{name} knows actions that the game lacks ({', '.join(sorted(missing))}): take another.")
    head = next(layer.name for layer in agent.card.network.layers if layer.role in ("logits", "q"))
    columns = [action_names.index(action) for action in agent.action_names]

    def teacher(observation: np.ndarray) -> np.ndarray:
        logits = np.full((len(observation), len(action_names)), LEAST_LOGIT, np.float32)
        logits[:, columns] = agent.activations(observation.transpose(0, 2, 3, 1))[head]
        return logits

    return teacher


SETTINGS, LEARNER = DistillSettings, Distill
