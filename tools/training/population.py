"""A population of policies that play side by side: each game has the weights of its own candidate.

What evolution strategies and the genetic algorithm share: how a vector of numbers becomes a network, and the games of a
generation. No gradient is ever computed.

An argmax policy with random weights plays one action for ever: what changes on an Atari screen is little beside what
stays, so the largest logit is the same in every observation. Salimans et al. 2017 (section 2.2) therefore normalise
every layer over a fixed batch of observations ("virtual batch normalisation"). So does ``express``, once for each
candidate and into its weights: what plays, and what is exported, is a plain network. Layers lose their scale by it, so
every weight of a vector starts with variance 1 and one σ fits all layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from training.envs import Envs
from training.learner import Learner, Settings, setting
from training.networks import Body, device, has_bfloat16, observe

REFERENCE, REFERENCE_STEPS = 64, 256
"""Observations in the batch that layers are normalised over; agent steps of random play in each game to choose from."""


class Policy(nn.Module):
    """A body and action logits: uint8 (N, C, H, W) → float32 (N, A). ``argmax`` of them is the action."""

    def __init__(self, kind: str, observation_shape: tuple[int, int, int], actions: int):
        super().__init__()
        self.body = Body(kind, observation_shape)
        self.policy = nn.Linear(self.body.width, actions)
        self.requires_grad_(False)
        self.to(device())

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return self.policy(self.body(observation))

    def layers(self) -> list[nn.Module]:
        """In the order of computation."""
        return [*(getattr(self.body, name) for name in self.body.convs), self.body.fc, self.policy]


def first_vector(policy: Policy) -> torch.Tensor:
    """Weights of variance 1 and no biases, float32 (D,), in the order of ``policy.parameters()``; torch's numbers."""
    parts = [torch.randn(p.shape) if p.dim() > 1 else torch.zeros(p.shape) for p in policy.parameters()]
    return nn.utils.parameters_to_vector(parts).to(device())


def rescale(vector: torch.Tensor, policy: Policy) -> None:
    """Give every layer's weights mean square 1 again, in place. ``express`` ignores their scale, so that it would only
    grow, and the noise that is added to them shrink beside it."""
    place = 0
    for p in policy.parameters():
        part = vector[place : place + p.numel()]
        place += p.numel()
        if p.dim() > 1:
            part /= part.square().mean().sqrt()


def noise(seed: int, size: int) -> torch.Tensor:
    """Standard normal numbers, float32 (size,): always the same for a seed, so that only the seed need be kept."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(device())


@torch.no_grad()
def express(vector: torch.Tensor, policy: Policy, reference: torch.Tensor | None) -> Policy:
    """Write a vector's network into ``policy``: over ``reference`` (uint8 (R, C, H, W)), what each unit (of a
    convolution: each filter) gets has mean 0 and variance 1 before its bias is added.

    w ← w / s and b ← b − m / s, with m and s the mean and the deviation of w · x (Ioffe & Szegedy 2015, without γ).
    Before there is a reference, s is the root of the number of inputs and m = 0.
    """
    nn.utils.vector_to_parameters(vector, policy.parameters())
    if reference is None:
        for layer in policy.layers():
            layer.weight.data = layer.weight / layer.weight[0].numel() ** 0.5
            layer.bias.data = layer.bias.clone()
        return policy
    x = reference.float() / 255
    for layer in policy.layers():
        if isinstance(layer, nn.Linear):
            x = x.flatten(1)
            y, shape = F.linear(x, layer.weight), (1, -1)
        else:
            y, shape = F.conv2d(x, layer.weight, None, layer.stride), (1, -1, 1, 1)
        over = [axis for axis in range(y.dim()) if axis != 1]
        # the small number stands for units that get the same from every observation
        mean, deviation = y.mean(over), (y.var(over, correction=0) + 1e-4).sqrt()
        # new tensors: the old ones are views of ``vector``
        layer.weight.data = layer.weight / deviation.reshape(-1, *[1] * (layer.weight.dim() - 1))
        layer.bias.data = layer.bias - mean / deviation
        x = F.relu(y / deviation.reshape(shape) + layer.bias.reshape(shape))
    return policy


class SideBySide:
    """N policies of one shape, each for its own game: one grouped convolution or batched product a layer.

    On one processor thread this was measured at twice the speed of a loop over the games, in bfloat16 where there are
    instructions for it; the logits are computed in float32, as in the networks of the other algorithms.
    """

    def __init__(self, policy: Policy, count: int):
        self.count = count
        self.strides = [layer.stride for layer in policy.layers() if isinstance(layer, nn.Conv2d)]
        self.low = torch.bfloat16 if has_bfloat16() else torch.float32
        layers = policy.layers()
        types = [self.low] * (len(layers) - 1) + [torch.float32]
        self.weights, self.biases = (
            [torch.stack([getattr(layer, name)] * count).to(t) for layer, t in zip(layers, types)]
            for name in ("weight", "bias")
        )

    def load(self, slot: int, policy: Policy) -> None:
        """Give game ``slot`` these weights."""
        for number, layer in enumerate(policy.layers()):
            # observations enter as 0–255, which is exact in bfloat16
            self.weights[number][slot] = layer.weight * (1 / 255) if number == 0 else layer.weight
            self.biases[number][slot] = layer.bias

    @torch.no_grad()
    def __call__(self, observation: np.ndarray) -> torch.Tensor:
        """Row i of uint8 (N, C, H, W) through policy i: logits, float32 (N, A)."""
        x = torch.from_numpy(observation).to(device(), self.low)
        if self.strides:
            x = x.flatten(0, 1)[None]
            for weight, bias, stride in zip(self.weights, self.biases, self.strides):
                x = F.relu_(F.conv2d(x, weight.flatten(0, 1), bias.flatten(), stride, groups=self.count))
        x = x.reshape(self.count, 1, -1)
        for number in range(len(self.strides), len(self.weights)):
            weight, bias = self.weights[number], self.biases[number]
            x = torch.baddbmm(bias[:, None], x.to(weight.dtype), weight.transpose(1, 2))
            x = F.relu_(x) if number < len(self.weights) - 1 else x
        return x[:, 0]


@dataclass(frozen=True)
class Played:
    """What the games of a list came to. score: float64 (G,), unclipped. steps: int (G,), agent steps."""

    score: np.ndarray
    steps: np.ndarray


def play(
    envs: Envs,
    games: int,
    act: Callable[[np.ndarray, np.ndarray], np.ndarray],
    enter: Callable[[int, int], None] = lambda env, game: None,
    longest: int | None = None,
) -> Played:
    """Play games 0 … ``games`` − 1, each once: where one ends, the next begins.

    The list is fixed beforehand and every game on it counts, so short games are not favoured. act(observations
    (N, C, H, W), games (N,)) → actions (N,), the game −1 in an env that has none; enter(env, game) is called before a
    game's first step. A game is left after ``longest`` steps with the score so far; its env plays it to its end without
    counting before it takes up another.
    """
    score, steps = np.zeros(games), np.zeros(games, int)
    playing, waiting = np.full(envs.count, -1), iter(range(games))

    def take(env: int) -> None:
        playing[env] = next(waiting, -1)
        if playing[env] >= 0:
            enter(env, int(playing[env]))

    observation = envs.reset()
    for env in range(envs.count):
        take(env)
    while (playing >= 0).any():
        answer = envs.step(act(observation, playing))
        observation, active = answer.observation, np.flatnonzero(playing >= 0)
        score[playing[active]] += answer.reward[active]
        steps[playing[active]] += 1
        if longest is not None:
            playing[active[steps[playing[active]] >= longest]] = -1
        for env in np.flatnonzero(answer.done):
            take(int(env))
    return Played(score, steps)


@dataclass(frozen=True)
class EvolutionSettings(Settings):
    """What both algorithms share."""

    network: str = setting("slim", "slim, small, nature or tiny")
    episodes: int = setting(1, "games of each candidate")
    longest: int = setting(6750, "agent steps after which a game is left, with the score so far")


class Evolution(Learner):
    """A learner whose agent is one vector of numbers, changed by what became of candidates near it.

    vector: float32 (D,), of the agent: ``network`` expresses it. Between generations that is all there is of it.
    """

    rule = "argmax"

    def __init__(self, settings: EvolutionSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.network = Policy(settings.network, observation_shape, actions)
        self.vector = first_vector(self.network)
        self.reference: torch.Tensor | None = None
        self.express()

    def begin(self, envs, rng) -> None:
        super().begin(envs, rng)
        if self.reference is None:
            self.reference, steps = observe_random_play(envs, rng)
            self.steps += steps
        scratch = Policy(self.settings.network, self.observation_shape, self.actions)
        self.arena = Arena(scratch, envs, self.reference, self.settings.longest)
        self.express()

    def express(self) -> None:
        """Let ``network`` be what the vector says."""
        express(self.vector, self.network, self.reference)

    @torch.no_grad()
    def policy(self, observation, rng):
        return self.network(observe(observation)).argmax(1).cpu().numpy()

    def state(self) -> dict:
        return {"vector": self.vector, "reference": self.reference, "steps": self.steps}

    def restore(self, state: Mapping) -> None:
        self.vector.copy_(state["vector"])
        self.steps = state["steps"]
        if state["reference"] is not None:
            self.reference = state["reference"].to(device())
            self.express()


class Arena:
    """Where candidates are tried: the games, a network for each, and the reference observations."""

    def __init__(self, policy: Policy, envs: Envs, reference: torch.Tensor, longest: int):
        self.policy, self.envs, self.reference, self.longest = policy, envs, reference, longest
        self.side_by_side = SideBySide(policy, envs.count)

    def fitness(self, vector: Callable[[int], torch.Tensor], candidates: int, episodes: int) -> tuple[np.ndarray, int]:
        """Mean score of candidates 0 … P − 1 over so many games, float64 (P,), and the agent steps played.

        vector(i) → (D,) is asked for when candidate i begins a game, so that a population needs no memory.
        """

        held = -1

        def enter(env: int, game: int) -> None:
            nonlocal held
            if held != game // episodes:
                held = game // episodes
                express(vector(held), self.policy, self.reference)
            self.side_by_side.load(env, self.policy)

        def act(observation: np.ndarray, playing: np.ndarray) -> np.ndarray:
            return self.side_by_side(observation).argmax(1).cpu().numpy()

        played = play(self.envs, candidates * episodes, act, enter, self.longest)
        return played.score.reshape(candidates, episodes).mean(1), int(played.steps.sum())


def observe_random_play(envs: Envs, rng: np.random.Generator) -> tuple[torch.Tensor, int]:
    """Observations from all over random play, uint8 (REFERENCE, C, H, W), and the agent steps played for them."""
    chosen = np.sort(rng.choice(REFERENCE_STEPS * envs.count, REFERENCE, replace=False))
    observation, rows = envs.reset(), []
    for step in range(REFERENCE_STEPS):
        rows += [observation[i % envs.count] for i in chosen if i // envs.count == step]
        observation = envs.step(rng.integers(len(envs.action_names), size=envs.count)).observation
    return torch.from_numpy(np.stack(rows)).to(device()), REFERENCE_STEPS * envs.count
