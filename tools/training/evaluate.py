"""Evaluation: the first game of each of many played side by side, so that short games do not count more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

from training.envs import FRAME_SKIP, LONGEST_GAME, AtariEnvs, Envs

SEED = 2**30
"""Of the games of every evaluation, so that agents are compared in the same ones."""
Policy = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""uint8 (N, C, H, W), random numbers → actions (N,)."""


@dataclass(frozen=True)
class Evaluation:
    """What an agent scored.

    scores: (N,) unclipped, one per game. lengths: (N,) in agent steps. protocol: in words, less how actions are picked.
    """

    scores: tuple[float, ...]
    lengths: tuple[int, ...]
    protocol: str

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))


def evaluate(
    policy: Policy,
    game: str,
    episodes: int = 30,
    sticky: float = 0.0,
    seed: int = SEED,
    make_envs: Callable[..., Envs] = AtariEnvs,
) -> Evaluation:
    """Play ``episodes`` games side by side, each until it first ends or is cut off after LONGEST_GAME emulator frames.

    sticky: the probability that the emulator repeats the previous action, 0 for the protocol of no-op starts alone.
    Games that are over cost no more decisions: the emulator plays no-op in them. Raises ZooError without a ROM.
    """
    envs, rng = make_envs(game, episodes, seed, sticky=sticky), np.random.default_rng(seed)
    scores, lengths = np.zeros(episodes), np.zeros(episodes, int)
    actions, live = np.zeros(episodes, int), np.arange(episodes)
    observation = envs.reset()
    while len(live):
        actions[live] = policy(observation[live], rng)
        answer = envs.step(actions)
        observation = answer.observation
        scores[live] += answer.reward[live]
        lengths[live] += 1
        actions[live[answer.done[live]]] = 0
        live = live[~answer.done[live]]
    cut = int((lengths * FRAME_SKIP >= LONGEST_GAME).sum())
    return Evaluation(tuple(scores.tolist()), tuple(lengths.tolist()), protocol(sticky, cut))


def protocol(sticky: float, cut: int) -> str:
    """The protocol in words; cut: how many games reached the longest."""
    stickiness = f"{sticky:g} sticky actions" if sticky else "no sticky actions"
    reached = {0: "none of them reached"}.get(cut, f"{cut} of them reached")
    return (
        f"{stickiness}, FIRE and up to 30 no-ops at reset, life loss ends nothing; the first game of each of several "
        f"side by side, at most {LONGEST_GAME:,} emulator frames long, which {reached}"
    )
