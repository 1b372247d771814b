"""What an attribution method is asked: a target at one observation, as a weighted sum of activations. No TensorFlow.

The sum is fixed by the observation that is explained: of a channel it is the position where it is largest there, of the
"best" action the one that is best there. Every method explains this one number, so their answers can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping

import numpy as np

from zoo_gui.analysis.targets import BEST, Target, Term
from zoo_gui.types import LayerInfo, ZooError

BATCH = 24
"""Observations that are computed at a time, so that nobody waits: 5 to 20 ms on one core."""


@dataclass(frozen=True)
class Answer:
    """What a method found: map (h, w, C) or (h, w, 1), and where it has them, the ``values`` of a ``layer`` and the
    completeness ``error`` (see ``attribution_record.Attribution``)."""

    map: np.ndarray
    layer: str = ""
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    error: float | None = None


@dataclass(frozen=True)
class Question:
    """``target`` of ``agent`` at ``observation`` (h, w, C), with the recurrent ``state`` before it, (S,) or None.

    activations: {layer: array} there. action: the index that ``action`` means.
    """

    agent: Any
    observation: np.ndarray
    target: Target
    activations: Mapping[str, np.ndarray]
    state: np.ndarray | None = None
    action: int | None = None

    def seeds(self, own_map: bool = False) -> dict[str, np.ndarray]:
        """{layer: float32 like its activations}: the weights of the sum. own_map: a channel without a position counts
        at every position, with its own activation there as the weight, as DeepVis seeds its back-projections (Yosinski
        et al. 2015, arXiv:1506.06579); else where it is largest."""
        found: dict[str, np.ndarray] = {}
        for term in self.target.terms:
            seed = term.weight * term_seed(term, self.activations[term.layer], own_map)
            found[term.layer] = found.get(term.layer, 0) + seed
        return {layer: np.asarray(seed, np.float32) for layer, seed in found.items()}

    @property
    def score(self) -> float:
        """The sum at the observation."""
        return float(sum(np.vdot(seed, self.activations[layer]) for layer, seed in self.seeds().items()))

    @property
    def black(self) -> float:
        """The darkest value of an observation's pixel."""
        return float(self.agent.observation_range[0])

    def activations_of(self, observations: np.ndarray, layers: Iterable[str] = ()) -> dict[str, np.ndarray]:
        """{layer: (N, …)} at other observations (N, h, w, C), with the same state before each; layers: only these."""
        memory = {}
        if self.state is not None and len(self.state):
            memory["state"] = np.repeat(np.asarray(self.state, np.float32)[None], len(observations), 0)
        return self.agent.activations(np.ascontiguousarray(observations, np.float32), layers=tuple(layers), **memory)

    def scores_of(self, activations: Mapping[str, np.ndarray]) -> np.ndarray:
        """(N,) float64: the sum at those activations."""
        return score_rows(self.seeds(), activations)

    def slopes(self, observations: np.ndarray, seeds: Mapping[str, np.ndarray], **settings: Any):
        """See ``Agent.slopes``; with this question's state."""
        return self.agent.slopes(np.asarray(observations, np.float32), seeds, self.state, **settings)


def score_rows(seeds: Mapping[str, np.ndarray], activations: Mapping[str, np.ndarray]) -> np.ndarray:
    """(N,) float64: Σ seed · activation of each row of {layer: (N, …)}."""
    return sum(
        activations[layer].reshape(len(activations[layer]), -1).astype(np.float64) @ seed.ravel().astype(np.float64)
        for layer, seed in seeds.items()
    )


def term_seed(term: Term, activation: np.ndarray, own_map: bool = False) -> np.ndarray:
    """The weights of one term on its layer's activations, (H, W, C) or (N,), without the term's own weight.

    A whole layer is weighed with its own activations: the score is its squared length, as in DeepDream. Raises ZooError
    for a cosine, which is no sum of activations.
    """
    if term.cosine:
        raise ZooError("A cosine is not a sum of activations: ask for the direction without it.")
    seed = np.zeros_like(activation)
    if term.direction is not None:
        direction = np.asarray(term.direction, np.float32)
        seed[_place(term, activation @ direction)] = direction
    elif term.index is None:
        seed = np.array(activation)
    else:
        index = best(activation) if term.index == BEST else term.index
        column = activation[..., index]
        if own_map and term.position is None and activation.ndim == 3:
            seed[..., index] = column
        else:
            seed[(*_place(term, column), index)] = 1.0
    return seed


def best(activation: np.ndarray) -> int:
    """The unit that is largest anywhere."""
    return int(activation.reshape(-1, activation.shape[-1]).max(0).argmax())


def _place(term: Term, values: np.ndarray) -> tuple[int, ...]:
    if term.position is not None:
        return tuple(term.position)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(values)), np.shape(values)))


def in_slices(count: int, size: int = BATCH) -> Iterator[slice]:
    """Slices of so many rows."""
    for start in range(0, count, size):
        yield slice(start, min(count, start + size))


def over_observation(layer_map: np.ndarray, info: LayerInfo, shape: tuple[int, ...]) -> np.ndarray:
    """A layer's map (H, W) over the observation (h, w), float32: bilinear between the centres of what its positions
    see; beyond the outermost centres, as there. A dense layer has one position, which sees everything."""
    import cv2

    field_ = info.receptive_field
    if len(info.shape) != 3:
        return np.full(shape[:2], float(np.sum(layer_map)), np.float32)
    if field_ is None:
        return cv2.resize(np.asarray(layer_map, np.float32), shape[1::-1], interpolation=cv2.INTER_LINEAR)
    axes = [
        (np.arange(length) - field_.start[axis] - (field_.size[axis] - 1) / 2) / field_.stride[axis]
        for axis, length in enumerate(shape[:2])
    ]
    return on_grid(layer_map, *axes)


def on_grid(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(len(rows), len(columns)) float32: bilinear readings of a grid (H, W) at fractional rows and columns; outside,
    as at its border."""
    import cv2

    columns, rows = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return cv2.remap(np.asarray(values, np.float32), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
