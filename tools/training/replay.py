"""Replay memory (Mnih et al. 2015) of N games in step: n-step transitions, uniform or prioritised sampling.

Only the newest plane of each observation is kept; the stacks are rebuilt on sampling. A checkpoint holds no frames at
all: the games are exact, so the actions and the numbers of the segments are enough to play them again.

The memory is a ring of rows, one for each step of the N games. A place in it is row · N + game.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

import numpy as np
import torch

from training.envs import Answer, Envs
from training.networks import device, observe
from zoo_gui.types import ZooError


@dataclass(frozen=True)
class Batch:
    """B transitions s, a → R, s′ over n steps, on the device.

    observation, following: uint8 (B, C, H, W), s and s′. action: int64 (B,). reward: float32 (B,), Σ γ^k r_k up to the
    end of the return. discount: float32 (B,), γ^n, or 0 where the return ended in between. weight: float32 (B,),
    importance weights. place: int64 (B,) NumPy, for ``Replay.update``.
    """

    observation: torch.Tensor
    action: torch.Tensor
    reward: torch.Tensor
    discount: torch.Tensor
    following: torch.Tensor
    weight: torch.Tensor
    place: np.ndarray


@dataclass
class Segment:
    """What was played between two checkpoints: its number, the count of rows before it, actions uint8 (N,) per row."""

    number: int
    first: int
    actions: list[np.ndarray] = field(default_factory=list)


class Replay:
    """The newest ``capacity`` agent steps of N games, sampled uniformly.

    Observations are stacks of the C newest planes, zeros before a game's first. Raises ZooError where too few fit.
    """

    def __init__(self, capacity: int, games: int, observation_shape: tuple[int, int, int], n_step: int, gamma: float):
        self.planes, *plane = observation_shape
        self.games, self.n_step, self.gamma = games, n_step, gamma
        self.rows = capacity // games
        if self.rows < self.planes + n_step + 1:
            least = (self.planes + n_step + 1) * games
            raise ZooError(f"A replay memory of {capacity} steps is too small for {games} games: take {least} or more.")
        # NumPy's zeros take no memory before they are written, unlike PyTorch's
        self.frames = torch.from_numpy(np.zeros((self.rows * games, *plane), np.uint8)).to(device())
        self.actions = np.zeros((self.rows, games), np.uint8)
        self.rewards = np.zeros((self.rows, games), np.int8)
        self.ends = np.zeros((self.rows, games), bool)
        self.ages = np.zeros((self.rows, games), np.uint8)
        """Planes of the same game before this one, at most C − 1."""
        self.ready = np.zeros(self.rows, bool)
        """Rows that may be sampled: s_{t+n} is known, and no plane of the stack was overwritten."""
        self.added = 0
        """Rows added so far, also those that were overwritten."""
        self.segments: list[Segment] = []

    def begin(self, segment: int) -> None:
        """All games begin anew: no stack and no return reaches over this border."""
        self._forget()
        self.segments.append(Segment(segment, self.added))
        self._new_game = np.ones(self.games, bool)

    def add(self, observation: np.ndarray, action: np.ndarray, answer: Answer) -> int | None:
        """One step of all games: uint8 (N, C, H, W), the actions (N,), what the games answered.

        Returns the row that may be sampled from now on, if one does: the step n steps ago.
        """
        row, segment = self.added % self.rows, self.segments[-1]
        self._retire((row + self.planes - 1) % self.rows)
        self.frames[row * self.games : (row + 1) * self.games] = observe(observation[:, -1])
        self.actions[row] = action
        self.rewards[row] = np.sign(answer.reward)
        self.ends[row] = answer.done | answer.life_lost
        older = np.minimum(self.ages[row - 1] + 1, self.planes - 1)
        self.ages[row] = np.where(self._new_game, 0, older)
        self._new_game = answer.done
        segment.actions.append(self.actions[row].copy())
        self.added += 1
        if len(segment.actions) <= self.n_step:
            return None
        complete = (row - self.n_step) % self.rows
        self._admit(complete)
        return complete

    def sample(self, size: int, rng: np.random.Generator, progress: float = 0.0) -> Batch:
        """Transitions of random places; ``progress`` (0–1) of the run is what schedules depend on."""
        rows = rng.choice(np.flatnonzero(self.ready), size)
        return self.batch(rows * self.games + rng.integers(self.games, size=size), np.ones(size, np.float32))

    def update(self, place: np.ndarray, priority: torch.Tensor) -> None:
        """Tell how wrong the network was at these places: nothing to uniform sampling."""

    def batch(self, place: np.ndarray, weight: np.ndarray) -> Batch:
        """The transitions that begin at these places (B,)."""
        row, game = np.divmod(place, self.games)
        reward, discount = self.returns(row, game)
        return Batch(
            observation=self.stacks(row, game),
            action=observe(self.actions[row, game].astype(np.int64)),
            reward=observe(reward),
            discount=observe(discount),
            following=self.stacks((row + self.n_step) % self.rows, game),
            weight=observe(weight.astype(np.float32)),
            place=place,
        )

    def stacks(self, row: np.ndarray, game: np.ndarray) -> torch.Tensor:
        """Observations uint8 (B, C, H, W) on the device as the games gave them, channels last in memory: the networks
        convert that to floats four times faster."""
        back = np.arange(self.planes)[::-1, None]
        places = (row - back) % self.rows * self.games + game
        missing = back > self.ages[row, game]
        frames, shape = self.frames, (len(row), *self.frames.shape[1:], self.planes)
        stacks = torch.empty(shape, dtype=torch.uint8, device=frames.device)
        if frames.is_cuda:
            places, missing = observe(places), observe(missing)
        else:  # NumPy copies rows five times faster than PyTorch does on a processor
            frames, stacks = frames.numpy(), stacks.numpy()
        for number in range(self.planes):
            plane = frames[places[number]]
            plane[missing[number]] = 0
            stacks[..., number] = plane
        return torch.as_tensor(stacks).permute(0, 3, 1, 2)

    def returns(self, row: np.ndarray, game: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Σ γ^k r_{t+k} for k < n up to the end of the return, and γ^n or, where it ended, 0; float32 (B,) each."""
        total, discount = np.zeros(len(row), np.float32), np.ones(len(row), np.float32)
        for k in range(self.n_step):
            at = (row + k) % self.rows
            total += discount * self.rewards[at, game]
            discount *= np.float32(self.gamma) * ~self.ends[at, game]
        return total, discount

    def state(self) -> dict[str, Any]:
        """For the checkpoint: the actions of all segments of which a frame is still here."""
        self._forget()
        segments = [
            {"number": s.number, "first": s.first, "actions": torch.from_numpy(np.array(s.actions))}
            for s in self.segments
            if s.actions
        ]
        return {"segments": segments}

    def restore(self, state: Mapping[str, Any], make_envs: Callable[[int], Envs]) -> None:
        """Fill the empty memory by playing the segments of ``state()`` again."""
        for saved in state["segments"]:
            envs = make_envs(saved["number"])
            self.added = saved["first"]
            observation = envs.reset()
            self.begin(saved["number"])
            for action in saved["actions"].numpy():
                answer = envs.step(action)
                self.add(observation, action, answer)
                observation = answer.observation

    def _admit(self, row: int) -> None:
        self.ready[row] = True

    def _retire(self, row: int) -> None:
        self.ready[row] = False

    def _forget(self) -> None:
        oldest = self.added - self.rows
        self.segments = [s for s in self.segments if s.first + len(s.actions) > oldest]


class PrioritisedReplay(Replay):
    """Proportional prioritised sampling (Schaul et al. 2016, section 3.3): P(i) ∝ p_i^α.

    New transitions get the largest priority so far. Importance weights (N·P(i))^−β, divided by the largest of the
    batch; β grows linearly to 1 over the run.
    """

    def __init__(self, *args, alpha: float, beta: float):
        super().__init__(*args)
        self.alpha, self.beta = alpha, beta
        self.tree = SumTree(self.rows * self.games)
        self.largest = 1.0

    def sample(self, size: int, rng: np.random.Generator, progress: float = 0.0) -> Batch:
        # one place from each of B equal parts of the mass: the same expectation, less variance (appendix B.2.1)
        mass = (np.arange(size) + rng.random(size)) * (self.tree.total / size)
        place = self.tree.find(mass)
        probability = self.tree[place] / self.tree.total
        count = self.ready.sum() * self.games
        weight = (count * probability) ** -(self.beta + (1 - self.beta) * progress)
        return self.batch(place, weight / weight.max())

    def update(self, place: np.ndarray, priority: torch.Tensor) -> None:
        """New priorities (B,) ≥ 0, before α."""
        # a transition without error must still be seen again
        priority = priority.cpu().numpy().astype(np.float64) + 1e-6
        self.largest = max(self.largest, float(priority.max()))
        self.tree[place] = priority**self.alpha

    def state(self) -> dict[str, Any]:
        priorities = torch.from_numpy(self.tree[np.arange(self.rows * self.games)])
        return {**super().state(), "priorities": priorities, "largest": self.largest}

    def restore(self, state: Mapping[str, Any], make_envs: Callable[[int], Envs]) -> None:
        super().restore(state, make_envs)
        self.tree[np.arange(self.rows * self.games)] = state["priorities"].numpy()
        self.largest = state["largest"]

    def _admit(self, row: int) -> None:
        super()._admit(row)
        self.tree[self._places(row)] = self.largest**self.alpha

    def _retire(self, row: int) -> None:
        super()._retire(row)
        self.tree[self._places(row)] = 0.0

    def _places(self, row: int) -> np.ndarray:
        return np.arange(row * self.games, (row + 1) * self.games)


class SumTree:
    """Numbers ≥ 0 in the leaves of a binary tree whose nodes hold the sums below them: O(log n) to set and to sample.

    Node 1 is the root, the children of node i are 2i and 2i + 1; all operations take arrays.
    """

    def __init__(self, size: int):
        self.leaves = 1 << (size - 1).bit_length()
        self.nodes = np.zeros(2 * self.leaves)

    @property
    def total(self) -> float:
        return self.nodes[1]

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        return self.nodes[index + self.leaves]

    def __setitem__(self, index: np.ndarray, value: np.ndarray | float) -> None:
        node = index + self.leaves
        self.nodes[node] = value
        while node[0] > 1:
            node = node >> 1
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1]

    def find(self, mass: np.ndarray) -> np.ndarray:
        """For each 0 ≤ mass < total the leaf in which the cumulative sum exceeds it; never one that holds 0."""
        node = np.ones(len(mass), np.int64)
        while node[0] < self.leaves:
            node *= 2
            left = self.nodes[node]
            # the second condition is for sums that rounding made a little too large
            right = (mass >= left) & (self.nodes[node + 1] > 0)
            mass = mass - left * right
            node += right
        return node - self.leaves
