"""Attribution by change: cover or blur places, and see what the network makes of it. Generators as in
``attribution_gradients``; they yield after every slice of some 10 ms. No TensorFlow."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis import targets
from zoo_gui.analysis.question import Answer, Question, on_grid, score_rows
from zoo_gui.types import ZooError

Steps = Iterator[tuple[int, int]]
CORES = min(2, os.cpu_count() or 1)
SLICE = 48
"""Observations at a time: larger slices are computed faster, of a Nature network in 10 to 15 ms."""
MOST_KEPT = 64 << 20
"""Bytes of the masks of one stride, of which a few are kept."""
MASK_SIGMA, BLUR_SIGMA = 5.0, 3.0
"""Greydanus et al. 2018: a disc of 5 pixels, blurred with the first; the frame is blurred with the second."""


def occlusion(question: Question, options: dict[str, Any]) -> Steps:
    """How much the target loses when a box of ``size`` covers the place in all frames: of each pixel, the mean over the
    boxes that cover it (Zeiler & Fergus 2013, arXiv:1311.2901, §4.2)."""
    size, stride = options["size"], options["stride"]
    if stride > size:
        raise ZooError(f"A stride of {stride} leaves gaps between boxes of {size} pixels: make it {size} or less.")
    x = question.observation.astype(np.float32)
    boxes = _boxes(x.shape[:2], size, stride)
    filling, seeds = _filling(question, options["box"]), question.seeds()
    lost, count = np.zeros(x.shape[:2]), np.zeros(x.shape[:2])

    def scores_of(part: slice) -> np.ndarray:
        many = np.repeat(x[None], part.stop - part.start, 0)
        for one, (rows, columns) in zip(many, boxes[part]):
            one[rows, columns] = filling
        return score_rows(seeds, question.activations_of(many, seeds))

    for part, scores in side_by_side(scores_of, len(boxes)):
        yield part.start, len(boxes)
        for (rows, columns), score in zip(boxes[part], scores):
            lost[rows, columns] += question.score - score
            count[rows, columns] += 1
    return Answer((lost / np.maximum(count, 1)).astype(np.float32)[..., None])


def greydanus(question: Question, options: dict[str, Any]) -> Steps:
    """½ ‖π(x) − π(x′)‖² with x′ = x (1 − M) + blur(x) M for a mask M at each place, π the logits or Q-values where the
    target is ``action``; of any other target its own number (Greydanus et al. 2018, arXiv:1711.00138, eq. 2 to 4)."""
    (found,) = yield from greydanus_maps([question], options)
    return found


def greydanus_maps(questions: Sequence[Question], options: dict[str, Any]) -> Steps:
    """``greydanus`` of several targets at one observation, from one set of passes: an Answer of each."""
    changes = [_change(question) for question in questions]
    layers = {layer for layers, _ in changes for layer in layers}

    def columns(activations: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.stack([change(activations) for _, change in changes], 1)

    grids = yield from _blurred(questions[0], options, layers, columns)
    return [Answer(grid) for grid in grids]


def _change(question: Question) -> tuple[Iterable[str], Callable[[Mapping[str, np.ndarray]], np.ndarray]]:
    """The layers that a target reads, and the function from their activations (N, …) to ½ ‖change‖² (N,)."""
    whole = question.target.text == "action"
    head = targets.head(question.agent).name if whole else ""
    seeds = {} if whole else question.seeds()

    def numbers(activations: Mapping[str, np.ndarray]) -> np.ndarray:
        return activations[head].astype(np.float64) if whole else score_rows(seeds, activations)[:, None]

    own = numbers({name: array[None] for name, array in question.activations.items()})
    return [head] if whole else seeds, lambda found: 0.5 * ((own - numbers(found)) ** 2).sum(1)


def sarfa(question: Question, options: dict[str, Any]) -> Steps:
    """2 K ΔP / (K + ΔP) of one action, at places blurred as Greydanus et al. do: ``sarfa_scores`` (Puri et al. 2020,
    arXiv:1912.12191)."""
    head = targets.head(question.agent).name
    own = question.activations[head].astype(np.float64)
    index = question.target.terms[0].index
    action = int(own.argmax()) if index == targets.BEST else index
    scores = lambda found: sarfa_scores(own, found[head], action)[:, None]  # noqa: E731
    (grid,) = yield from _blurred(question, options, [head], scores)
    return Answer(grid)


def sarfa_scores(before: np.ndarray, after: np.ndarray, action: int) -> np.ndarray:
    """(N,) of scores (A,) before and (N, A) after a change: 2 K ΔP / (K + ΔP), 0 where the action does not lose.

    ΔP = P(before)[action] − P(after)[action], P the softmax of all scores; K = 1 / (1 + KL(P_rem(after) ‖
    P_rem(before))), P_rem the softmax of the others' scores: small where the change moves the other actions about.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    others = np.arange(len(before)) != action
    lost = _softmax(before)[action] - _softmax(after)[:, action]
    if others.any():
        new, old = _log_softmax(after[:, others]), _log_softmax(before[others])
        divergence = (np.exp(new) * (new - old)).sum(1)
    else:
        divergence = np.zeros(len(after))
    relevant = 1.0 / (1.0 + np.maximum(divergence, 0.0))
    return np.where(lost > 0, 2 * relevant * lost / (relevant + np.maximum(lost, 0.0)), 0.0)


def side_by_side(compute: Callable[[slice], np.ndarray], count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """(slice, its result) of all slices of ``count`` rows in their order, on two cores where there are two."""
    first, *slices = _shares(count)
    yield first, compute(first)  # by itself: a function that is not traced yet must not be traced twice
    waiting = deque()
    with ThreadPoolExecutor(CORES, "zoo_gui maps") as pool:
        for part in slices:
            waiting.append((part, pool.submit(compute, part)))
            if len(waiting) > CORES:
                part, future = waiting.popleft()
                yield part, future.result()
        while waiting:
            part, future = waiting.popleft()
            yield part, future.result()


def _shares(count: int) -> list[slice]:
    """One row, then slices of some SLICE rows, as many for each core and of one size, so that none waits at the end."""
    rounds = max(1, round((count - 1) / (CORES * SLICE)))
    ends = np.linspace(1, count, rounds * CORES + 1).astype(int).tolist()
    return [slice(0, 1), *(slice(*pair) for pair in zip(ends, ends[1:]) if pair[0] < pair[1])]


@lru_cache(maxsize=4)
def _lines(height: int, width: int, stride: int) -> tuple[np.ndarray, ...]:
    """Places along both sides, and of what masks are made: (rows, columns, tall (R, height) twice, wide (C, width)
    twice); the mask of a place is tall ⊗ wide + tall ⊗ wide of the first and of the second, over its maximum."""
    from scipy.ndimage import gaussian_filter1d

    rows, columns = np.arange(0, height, stride), np.arange(0, width, stride)

    def lines(places: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        point = (np.arange(length) == places[:, None]).astype(float)
        three = (np.abs(np.arange(length) - places[:, None]) <= 1).astype(float)
        return tuple(gaussian_filter1d(line, MASK_SIGMA, axis=1) for line in (point, three))

    (tall1, tall3), (wide1, wide3) = lines(rows, height), lines(columns, width)
    return rows, columns, tall3 - tall1, tall1, wide1, wide3


@lru_cache(maxsize=4)
def masks(height: int, width: int, stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, columns, masks (n, height, width) float32 with maximum 1, row by row): a disc of 5 pixels around each
    place, blurred with MASK_SIGMA, reflecting at the border, as the authors' code does with SciPy.

    The disc (a cross of five) is a column of three and a row of three less the middle, so each mask is three outer
    products of blurred lines: the same numbers, in a hundredth of the time.
    """
    rows, columns, *_ = _lines(height, width, stride)
    return rows, columns, _masks_of(height, width, stride, np.arange(len(rows) * len(columns)))


def _masks_of(height: int, width: int, stride: int, places: np.ndarray) -> np.ndarray:
    """Those of ``masks`` at these places."""
    _, columns, tall, tall1, wide1, wide3 = _lines(height, width, stride)
    a, b = np.divmod(places, len(columns))
    found = np.einsum("ph,pw->phw", tall[a], wide1[b]) + np.einsum("ph,pw->phw", tall1[a], wide3[b])
    found /= found.max((1, 2), keepdims=True)
    return found.astype(np.float32)


def _masker(height: int, width: int, stride: int) -> Callable[[np.ndarray], np.ndarray]:
    """Places → their masks. Of a fine stride, all masks of which would be gigabytes, they are made as they are asked
    for; else once."""
    rows, columns, *_ = _lines(height, width, stride)
    if 4 * len(rows) * len(columns) * height * width > MOST_KEPT:
        return partial(_masks_of, height, width, stride)
    return masks(height, width, stride)[2].__getitem__


def blurred(observation: np.ndarray, channels: int) -> np.ndarray:
    """(h, w, C) float32: the last ``channels`` blurred by BLUR_SIGMA, the others as they are."""
    from scipy.ndimage import gaussian_filter

    result = observation.astype(np.float32)
    newest = result[..., -channels:]
    result[..., -channels:] = gaussian_filter(newest, (BLUR_SIGMA, BLUR_SIGMA, 0))
    return result


def _blurred(question: Question, options: dict[str, Any], layers: Iterable[str], score: Any) -> Steps:
    """Each column of ``score`` (N, T), of the layers' activations with each place blurred, as (h, w, 1): bilinear
    between the places."""
    x = question.observation.astype(np.float32)
    rows, columns, tall, tall1, wide1, wide3 = _lines(*x.shape[:2], options["stride"])
    patches = _masker(*x.shape[:2], options["stride"])
    newest = 3 if question.agent.card.preprocessing.color == "rgb" else 1
    change = blurred(x, newest if options["frames"] == "newest" else x.shape[-1]) - x
    # where blur leaves all as it was the score is that of no change (not by @: BLAS's threads spin on after it)
    changed = np.any(change, -1).astype(float)
    reached = sum(np.einsum("aw,bw->ab", np.einsum("ah,hw->aw", one, changed), other)
                  for one, other in ((tall, wide1), (tall1, wide3)))  # fmt: skip
    altering = np.flatnonzero(reached)

    def scores_of(part: slice) -> np.ndarray:
        return score(question.activations_of(x + patches(altering[part])[..., None] * change, layers))

    unchanged = score({name: question.activations[name][None] for name in layers})
    scores = np.repeat(unchanged, reached.size, 0)
    for part, found in side_by_side(scores_of, len(altering)):
        yield part.start, len(altering)
        scores[altering[part]] = found
    axes = [np.arange(length) / options["stride"] for length in x.shape[:2]]
    return [on_grid(column.reshape(len(rows), len(columns)), *axes)[..., None] for column in scores.T]


def _boxes(shape: tuple[int, int], size: int, stride: int) -> list[tuple[slice, slice]]:
    """Boxes around places ``stride`` apart, cut at the border; together they cover everything."""
    sides = []
    for length in shape:
        starts = [*range(-(size // 2), length, stride)]
        sides.append([slice(max(0, start), min(length, start + size)) for start in starts if start + size > 0])
    return [(rows, columns) for rows in sides[0] for columns in sides[1]]


def _filling(question: Question, fill: str) -> Any:
    """What covers: a number, or (C,)."""
    low, high = question.agent.observation_range
    if fill == "mean":
        return question.observation.reshape(-1, question.observation.shape[-1]).mean(0)
    return (low + high) / 2 if fill == "grey" else low


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(_log_softmax(scores))
