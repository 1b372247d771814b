"""What every algorithm is: settings, and a learner that plays and learns in turns.

An algorithm's module holds ``SETTINGS`` (a frozen dataclass derived from ``Settings``) and ``LEARNER`` (a class derived
from ``Learner``). Training is cut into segments of a fixed number of agent steps. Each begins new games and new random
numbers, drawn from (seed, number of the segment) alone, and ends in a checkpoint: a run that is taken up again after an
interruption therefore does exactly what it would have done without one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Mapping

import numpy as np
import torch

from training.envs import Envs


def setting(default: Any, text: str) -> Any:
    """A field of the settings with the text that the command line shows."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Settings:
    """What all algorithms share."""

    steps: int = setting(2_000_000, "agent steps in all (an agent step is 4 emulator frames)")
    seed: int = setting(1, "also the number of the run")
    envs: int = setting(16, "games played side by side")
    network: str = setting("small", "small, nature or tiny")
    segment: int = setting(125_000, "agent steps between checkpoints, at which all games begin anew")
    tags: str = setting("0.1,0.4", "parts of the run, 0–1, after which the weights are kept besides the first and last")


class Learner:
    """One run of an algorithm. ``begin`` a segment, then ``iterate`` until it is over.

    network: what is trained. steps: agent steps so far, over all segments.
    """

    title: ClassVar[str]
    """The algorithm and its source, for the card."""
    rule: ClassVar[str] = "sample"
    """How the trained agent picks an action: ``sample`` | ``argmax`` | ``epsilon`` (with ``epsilon``)."""
    epsilon: ClassVar[float] = 0.0

    def __init__(self, settings: Settings, observation_shape: tuple[int, int, int], actions: int):
        self.settings, self.actions = settings, actions
        self.observation_shape = observation_shape
        self.steps = 0
        self.network: torch.nn.Module
        self.envs: Envs
        self.rng: np.random.Generator
        self.segment: int
        """The number of the segment; set before ``begin``."""
        self.make_envs: Callable[[int], Envs]
        """The games of a segment as they began; set before ``restore``, for what must be played again."""

    def begin(self, envs: Envs, rng: np.random.Generator) -> None:
        """New games, new random numbers (torch's were seeded just before)."""
        self.envs, self.rng = envs, rng

    def iterate(self) -> Mapping[str, float]:
        """Play some steps and learn from them; numbers for the log (``entropy`` in nats, ``loss`` …)."""
        raise NotImplementedError

    def policy(self, observation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Actions (N,) as the finished agent picks them, for the evaluation."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Everything that the next segment depends on: tensors, numbers and texts in dicts and lists."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state()`` of a learner with the same settings."""
        raise NotImplementedError

    @property
    def progress(self) -> float:
        """How much of the run is done, 0–1: what schedules depend on."""
        return min(1.0, self.steps / self.settings.steps)


def numbers(**tensors: torch.Tensor) -> dict[str, float]:
    """Tensors of one number each as numbers for the log, fetched from the device together."""
    return dict(zip(tensors, torch.stack([tensor.detach().float() for tensor in tensors.values()]).tolist()))


def softmax_sample(logits: torch.Tensor, rng: np.random.Generator) -> np.ndarray:
    """One action per row of logits, by the Gumbel-max trick."""
    gumbel = rng.gumbel(size=tuple(logits.shape))
    return (logits.detach().float().cpu().numpy() + gumbel).argmax(1)
