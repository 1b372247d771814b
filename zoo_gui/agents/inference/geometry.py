"""Strides, paddings and the input's size that fit a chain of convolutions to the layer that reads its last map.

Shapes of arrays say how large kernels are, not how they move. What the first dense (or recurrent) layer reads has
height · width · channels rows: of the plausible movements over plausible inputs few give that number.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIZES: Mapping[tuple[int, int], float] = {
    (84, 84): 1.0, (80, 80): 0.25, (42, 42): 0.15, (64, 64): 0.10, (96, 96): 0.05, (105, 80): 0.04, (110, 84): 0.02,
    (210, 160): 0.05, (105, 105): 0.01, (100, 100): 0.01, (128, 128): 0.02, (88, 88): 0.01, (72, 72): 0.01,
    (160, 160): 0.02, (82, 82): 0.01, (40, 40): 0.02, (75, 80): 0.01, (94, 94): 0.005, (36, 36): 0.005,
}  # fmt: skip
"""(height, width) of observations that people use → how often, beside 84×84."""
STRIDES: Mapping[int, Mapping[int, float]] = {
    1: {1: 1.0}, 2: {2: 0.6, 1: 0.4}, 3: {1: 0.6, 2: 0.4}, 4: {2: 0.93, 1: 0.05, 4: 0.02}, 5: {2: 0.6, 1: 0.3, 3: 0.05,
    5: 0.05}, 6: {3: 0.5, 2: 0.4, 4: 0.1}, 7: {2: 0.5, 3: 0.3, 4: 0.2}, 8: {4: 0.95, 2: 0.04, 8: 0.01},
    9: {4: 0.7, 2: 0.3}, 10: {4: 0.5, 5: 0.5}, 11: {4: 0.8, 5: 0.2},
}  # fmt: skip
"""Kernel → stride → how often."""
UNLIKE, ODD = 0.3, 0.06
"""Factors for each layer that is padded in another way than the one before it: of another kernel, of the same kernel;
the second also for another stride with the same kernel."""
KEPT = 24
"""Ways kept for each size of a map: those that come last never win."""
DEEP = 5
"""Layers above which fewer are kept, and no unusual sizes are tried."""


@dataclass(frozen=True)
class Pool:
    """A pooling layer after a convolution."""

    kernel: int = 2
    stride: int = 2
    padding: str | int = 0


@dataclass(frozen=True)
class Move:
    """How one convolution moves: stride and padding, each both ways; pool: what follows it."""

    stride: int | tuple[int, int]
    padding: str | int | tuple[int, int]
    pool: Pool | None = None

    def __str__(self) -> str:
        pad = "" if self.padding in (0, "VALID") else f" pad {self.padding}"
        return f"stride {_short(self.stride)}{pad}{' + max pool' if self.pool else ''}"


@dataclass(frozen=True)
class Fit:
    """One way that fits. size: of the observation; map: of the last map, both (height, width). prior: how usual."""

    size: tuple[int, int]
    moves: tuple[Move, ...]
    map: tuple[int, int]
    prior: float

    def __str__(self) -> str:
        return f"{self.size[0]}×{self.size[1]}: {', '.join(map(str, self.moves))}"


def _short(value: int | tuple[int, int]) -> str:
    pair = (value, value) if isinstance(value, int) else value
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}×{pair[1]}"


def length(size: int, kernel: int, stride: int, padding: str | int) -> int:
    """How long an axis is after a convolution or pooling; below 1 where the kernel is too large."""
    if padding == "SAME":
        return -(-size // stride)
    pad = 0 if padding == "VALID" else int(padding)
    return (size + 2 * pad - kernel) // stride + 1


def fits(
    kernels: Sequence[tuple[int, int]],
    positions: int | None,
    *,
    torch: bool = True,
    known: Sequence[Move | None] = (),
    pools: Sequence[Pool | None] = (),
    sizes: Mapping[tuple[int, int], float] | None = None,
) -> list[Fit]:
    """Ways for convolutions of these (vertical, horizontal) kernels to end in a map of ``positions``, best first.

    positions: height × width of the last map, None where nothing says it. torch: whether padding is in numbers of
    zeros (PyTorch, Chainer) or VALID and SAME (TensorFlow, Keras, Flax). known: the moves that the file itself tells.
    pools: pooling layers that are known to follow. sizes: {observation size: prior}. Empty where nothing fits.
    """
    known = list(known) or [None] * len(kernels)
    pools = list(pools) or [None] * len(kernels)
    found = _all_fits(kernels, positions, torch, known, pools, sizes or SIZES)
    if not any(pools) and not any(known) and positions is not None:
        halving = [Pool(2, 2, 0 if torch else "VALID")] * len(kernels)
        ones = _all_fits(kernels, positions, torch, known, halving, sizes or SIZES)
        found += [Fit(fit.size, fit.moves, fit.map, fit.prior * 0.02) for fit in ones
                  if all(move.stride == 1 for move in fit.moves)]  # fmt: skip
    if not found and sizes is None and len(kernels) <= DEEP:
        squares = {(side, side): 0.001 for side in range(16, 225)}
        found = _all_fits(kernels, positions, torch, known, pools, squares)
    return sorted(found, key=lambda fit: -fit.prior)


def _all_fits(kernels, positions, torch, known, pools, sizes) -> list[Fit]:
    """Every way that was kept: layer by layer, for all sizes at once, the best for each size of a map."""
    maps = {size: [(prior, size, ())] for size, prior in sizes.items()}
    small = len(kernels) > 2 and all(max(kernel) == 3 for kernel in kernels)
    kept = KEPT if len(kernels) <= DEEP and len(sizes) <= len(SIZES) else KEPT // 6
    for kernel, move, pool in zip(kernels, known, pools, strict=True):
        after: dict[tuple[int, int], list] = {}
        options = [(1.0, move)] if move else _options(kernel, torch, small)
        options = [(weight, Move(option.stride, option.padding, pool or option.pool)) for weight, option in options]
        for size, ways in maps.items():
            for weight, option in options:
                new = _after(size, kernel, option)
                if min(new) >= 1:
                    rows = [(w * weight * _alike(moves, option, kernels), start, (*moves, option))
                            for w, start, moves in ways]  # fmt: skip
                    after.setdefault(new, []).extend(rows)
        maps = {new: heapq.nlargest(kept, ways, key=lambda way: way[0]) for new, ways in after.items()}
    ends = [end for end in maps if positions is None or end[0] * end[1] == positions]
    return [Fit(size, moves, end, weight) for end in ends for weight, size, moves in maps[end]]


def _after(size: tuple[int, int], kernel: tuple[int, int], move: Move) -> tuple[int, int]:
    strides = (move.stride,) * 2 if isinstance(move.stride, int) else move.stride
    pads = move.padding if isinstance(move.padding, tuple) else (move.padding,) * 2
    new = tuple(length(*axis) for axis in zip(size, kernel, strides, pads))
    if move.pool:
        new = tuple(length(side, move.pool.kernel, move.pool.stride, move.pool.padding) for side in new)
    return new


def _options(kernel: tuple[int, int], torch: bool, small: bool) -> list[tuple[float, Move]]:
    """Plausible moves with how often. small: whether all kernels are 3×3, as of OpenAI's universe-starter-agent, whose
    descendants halve the map in each layer."""
    size = max(kernel)
    strides = STRIDES.get(size, {max(1, size // 2): 0.6, size: 0.2, 1: 0.2})
    if small:
        strides = {2: 0.6, 1: 0.4}
    if torch:
        # A 3×3 kernel with one row of zeros around it is as usual as without.
        pads = {0: 0.4, 1: 0.58} if small else {0: 0.62, 1: 0.36} if size == 3 else {0: 0.85, 1: 0.06, 2: 0.05}
        if size // 2 not in pads:
            pads[size // 2] = 0.04
    else:
        pads = {"VALID": 0.6, "SAME": 0.4}
    return [(often * share, Move(stride, pad)) for stride, often in strides.items() for pad, share in pads.items()]


def _alike(moves: tuple[Move, ...], move: Move, kernels: Sequence[tuple[int, int]]) -> float:
    """A factor below 1 for a layer that is unlike the one before it."""
    if not moves:
        return 1.0
    before, same = moves[-1], kernels[len(moves)] == kernels[len(moves) - 1]
    factor = 1.0 if before.padding == move.padding else ODD if same else UNLIKE
    one, other = (step.stride if isinstance(step.stride, int) else max(step.stride) for step in (before, move))
    if one == other:
        return factor * (ODD if other >= 4 else 1.0)  # a map that shrinks to a sixteenth at once
    return factor * (1.0 if not same else UNLIKE if one > other and max(kernels[0]) > 3 else ODD)
