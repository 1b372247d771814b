"""Evolution strategies (Salimans et al. 2017): Gaussian steps around one policy, weighed by how well they played.

In place of the paper's weight decay, which keeps the noise large beside the weights, their scale is held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import torch

from training.learner import setting
from training.networks import device
from training.population import Evolution, EvolutionSettings, noise, rescale


@dataclass(frozen=True)
class ESSettings(EvolutionSettings):
    pairs: int = setting(24, "mirrored pairs of candidates in a generation")
    sigma: float = setting(0.3, "deviation of the noise; weights start with deviation 1")
    learning_rate: float = setting(0.2, "of Adam")


class ES(Evolution):
    title = "Evolution strategies (Salimans et al. 2017); mirrored noise, centred ranks, Adam, normalised layers"

    def __init__(self, settings: ESSettings, observation_shape, actions: int):
        super().__init__(settings, observation_shape, actions)
        self.optimizer = torch.optim.Adam([self.vector], settings.learning_rate)

    def iterate(self) -> Mapping[str, float]:
        """One generation."""
        s = self.settings
        seeds = [int(seed) for seed in self.rng.integers(2**63, size=s.pairs)]

        def candidate(i: int) -> torch.Tensor:
            sign = 1 if i < s.pairs else -1
            return self.vector + sign * s.sigma * noise(seeds[i % s.pairs], len(self.vector))

        fitness, steps = self.arena.fitness(candidate, 2 * s.pairs, s.episodes)
        self.steps += steps
        gradient = estimate(centred_ranks(fitness), seeds, s.sigma, len(self.vector))
        self.vector.grad = -gradient
        self.optimizer.step()
        rescale(self.vector, self.network)
        self.express()
        return {"fitness": float(fitness.mean()), "best": float(fitness.max()), "gradient": float(gradient.norm())}

    def state(self) -> dict[str, Any]:
        return {**super().state(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.optimizer.load_state_dict(state["optimizer"])


def centred_ranks(fitness: np.ndarray) -> np.ndarray:
    """The worst becomes −½, the best ½, the rest lies evenly between (Salimans et al., section 2.1); equal fitness gets
    equal ranks."""
    _, inverse, counts = np.unique(fitness, return_inverse=True, return_counts=True)
    # the mean place of each run of equals
    places = np.cumsum(counts) - (counts + 1) / 2
    return places[inverse] / (len(fitness) - 1) - 0.5


def estimate(weights: np.ndarray, seeds: list[int], sigma: float, size: int) -> torch.Tensor:
    """The gradient of the expected weight (Salimans et al., eq. 1, mirrored), float32 (size,).

    weights: (2P,), of the candidates + ε_i, then of − ε_i. g = 1/(2Pσ) Σ_i (w_i − w_{P+i}) ε_i
    """
    pairs = len(seeds)
    gradient = torch.zeros(size, device=device())
    for seed, weight in zip(seeds, weights[:pairs] - weights[pairs:]):
        gradient += float(weight) * noise(seed, size)
    return gradient / (2 * pairs * sigma)


SETTINGS, LEARNER = ESSettings, ES
