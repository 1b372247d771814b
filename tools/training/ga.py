"""The deep genetic algorithm (Such et al. 2017): the best of a generation live on and change by Gaussian mutations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import torch

from training.learner import setting
from training.networks import device
from training.population import Evolution, EvolutionSettings, noise


@dataclass(frozen=True)
class GASettings(EvolutionSettings):
    population: int = setting(48, "candidates in a generation")
    parents: int = setting(8, "how many of them have children, beside the elite")
    contenders: int = setting(3, "the best candidates, which play for the place of the elite")
    extra_episodes: int = setting(8, "games that each contender plays for it")
    sigma: float = setting(0.1, "deviation of a mutation; weights start with deviation 1")


class GA(Evolution):
    """``vector`` is the elite."""

    title = "Deep genetic algorithm (Such et al. 2017); truncation selection, one elite, normalised layers"

    def __init__(self, settings: GASettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.elite_score, self.elite_trials = 0.0, 0
        self.parents: list[torch.Tensor] = []

    def iterate(self) -> Mapping[str, float]:
        """One generation: children play, the best become parents, the best of the best the elite."""
        s = self.settings
        brood = self._brood()
        fitness, steps = self.arena.fitness(brood.__getitem__, len(brood), s.episodes)
        ranking = best(fitness, s.parents)
        parents = [brood[i] for i in ranking]
        more = self._challenge(parents[: s.contenders])
        self.parents, self.steps = parents, self.steps + steps + more
        self.express()
        return {"fitness": float(fitness.mean()), "best": float(fitness.max()), "elite": self.elite_score}

    def _brood(self) -> "Brood":
        """The candidates of this generation: at first random vectors, then children of the elite and the parents."""
        s = self.settings
        seeds = self.rng.integers(2**63, size=s.population)
        if not self.parents:
            return Brood([torch.zeros_like(self.vector)], np.zeros(s.population, int), seeds, 1.0)
        pool = [self.vector, *self.parents]
        return Brood(pool, self.rng.integers(len(pool), size=s.population), seeds, s.sigma)

    def _challenge(self, contenders: list[torch.Tensor]) -> int:
        """Let the elite and its contenders play on; the best mean is the elite. Returns the agent steps played.

        The elite's mean is over all games that it ever played for its place, so that luck does not keep it there.
        """
        s = self.settings
        rivals = [*contenders, self.vector]
        scores, steps = self.arena.fitness(rivals.__getitem__, len(rivals), s.extra_episodes)
        of_elite = (self.elite_score * self.elite_trials + scores[-1]) / (self.elite_trials + 1)
        self.elite_score, self.elite_trials = float(of_elite), self.elite_trials + 1
        challenger = int(scores[:-1].argmax())
        if scores[challenger] > self.elite_score:
            self.vector, self.elite_score, self.elite_trials = rivals[challenger], float(scores[challenger]), 1
        return steps

    def state(self) -> dict[str, Any]:
        names = ("elite_score", "elite_trials", "parents")
        return {**super().state(), **{name: getattr(self, name) for name in names}}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.elite_score, self.elite_trials = state["elite_score"], state["elite_trials"]
        self.parents = [parent.to(device()) for parent in state["parents"]]


class Brood:
    """Children as parent, seed and σ: the vectors are made anew each time that they are asked for."""

    def __init__(self, parents: list[torch.Tensor], of: np.ndarray, seeds: np.ndarray, sigma: float):
        self.parents, self.of, self.seeds, self.sigma = parents, of, seeds, sigma

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, child: int) -> torch.Tensor:
        """A parent plus σ times the noise of the child's seed (Such et al., eq. 1), float32 (D,)."""
        parent = self.parents[self.of[child]]
        return parent + self.sigma * noise(int(self.seeds[child]), len(parent))


def best(fitness: np.ndarray, count: int) -> list[int]:
    """The places of the ``count`` largest, the best first; of equals the earlier (truncation selection)."""
    return [int(i) for i in np.argsort(-fitness, kind="stable")[:count]]


SETTINGS, LEARNER = GASettings, GA
