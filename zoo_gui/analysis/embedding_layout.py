"""From features of states to a map of them: principal components, then the plane, space by space.

Whatever many numbers a state has are first reduced to 50 principal components, as van der Maaten & Hinton 2008 (section
4.2) and the Atari Zoo did. Features are read in parts: of wide layers the axes come from as many states as may be held
at once, evenly spread, and all others are projected on them.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Generator, Hashable, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis.embedding_process import Helper
from zoo_gui.analysis.embedding_record import BITS, METHODS, WHATS, Embedding, Space, made
from zoo_gui.analysis.recorded import one_core
from zoo_gui.registry import unknown
from zoo_gui.types import Progress, ZooError

LEAST = 20
"""States that a map is made of, at least."""
MOST_NUMBERS = 1 << 26
"""Features that are held at once: 256 MB."""
PIECE = 1 << 22
"""Features that are projected between two words of progress."""
NEIGHBOURS = {"umap": 15, "pacmap": 10}
"""What the methods' authors take."""
PACKAGES = {"umap": ("umap", "umap-learn"), "pacmap": ("pacmap", "zoo_gui[pacmap]")}
COLUMNS = ("time", "episode", "score", "action", "value", "reward", "lives", "seed")


@dataclass(frozen=True)
class Plan:
    """How states are laid out. method: of METHODS. perplexity, iterations: of t-SNE; the Atari Zoo took 30, and 1,000
    iterations for layers, 3,000 for RAM. neighbours: of UMAP and PaCMAP, 0: as their authors do, 15 and 10.
    components: principal components that the plane is made of. random_state: the same, the same map.

    Raises ZooError for what makes no sense, or a method that is not installed.
    """

    method: str = "tsne"
    perplexity: float = 30.0
    neighbours: int = 0
    components: int = 50
    iterations: int = 1000
    random_state: int = 0

    def __post_init__(self):
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        module, package = PACKAGES.get(self.method, ("", ""))
        if module and importlib.util.find_spec(module) is None:
            raise ZooError(f"{METHODS[self.method]} is not installed: run pip install '{package}', or choose another "
                           "method.")  # fmt: skip
        if not 1 <= self.perplexity <= 1000:
            raise ZooError("The perplexity must be a number from 1 to 1000; 30 is usual.")
        if not 250 <= self.iterations <= 100_000:
            raise ZooError("iterations must be from 250, which t-SNE begins with, to 100,000.")
        if not 2 <= self.components <= 1000:
            raise ZooError("components must be from 2 to 1000; 50 is usual.")
        if self.neighbours and not 2 <= self.neighbours <= 1000:
            raise ZooError("neighbours must be from 2 to 1000, or 0 for what the method's authors take.")
        if not 0 <= self.random_state < 2**32:
            raise ZooError("The random state must be a whole number from 0 to below 2³².")

    def fitted(self, count: int) -> tuple["Plan", str]:
        """What can be done with so many states, and a sentence where that is not what was asked."""
        if self.method == "tsne" and self.perplexity > (count - 1) / 3:
            fits = (count - 1) / 3
            return replace(self, perplexity=fits), (f"{count} states are too few for a perplexity of "
                                                    f"{self.perplexity:g}: {fits:.3g} was taken.")  # fmt: skip
        wanted = self.neighbours or NEIGHBOURS.get(self.method, 0)
        if wanted >= count / 2:
            fits = max(2, count // 3)
            return replace(self, neighbours=fits), (f"{count} states are too few for {wanted} neighbours: {fits} were "
                                                    "taken.")  # fmt: skip
        return replace(self, neighbours=wanted), ""

    @property
    def options(self) -> dict[str, Any]:
        """What ``embedding_work.layout`` takes."""
        names = ("perplexity", "iterations") if self.method == "tsne" else ("neighbours",)
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class States:
    """States of one agent whose features can be read.

    lane: place among the agents. space: equal for states that can be laid out together. width: numbers of a state.
    moments: (n,) int64 ids. columns: {name of COLUMNS: (n,)}. read: of places (m,) in order, their features in parts,
    each (…, width) float32.
    """

    lane: int
    space: Hashable
    width: int
    moments: np.ndarray
    columns: Mapping[str, np.ndarray]
    read: Callable[[np.ndarray], Iterator[np.ndarray]]

    def __len__(self) -> int:
        return len(self.moments)


def known_what(what: str) -> str:
    """What is embedded by its name; ``bits`` is short for RAM bits."""
    return BITS if what in ("bits", "ram_bits", "ram-bits") else what


def lay_out(
    states: Sequence[States], agents: Sequence[str], what: str, plan: Plan, *, apart: str = "agent",
    seeds: Sequence[int] = (), remarks: Sequence[str] = (),
) -> Iterator[Progress]:  # fmt: skip
    """The last Progress has the Embedding; one before, where another method than PCA is at work, has its first two
    principal components (``preliminary``).

    agents: labels. apart: what has a space of its own, in a word. seeds: for the caption. Raises ZooError: too few
    states, states that are all the same, a helper that fails.
    """
    began = time.monotonic()
    keys = list(dict.fromkeys(one.space for one in states))
    groups = [[one for one in states if one.space == key] for key in keys]
    with Helper() as helper:
        found, total = [], sum(len(one) for one in states)
        for number, group in enumerate(groups):
            work = _scores(group, plan, helper)
            scores = yield from _scaled(work, number / len(groups) * 35, 35 / len(groups), _title(what))
            found.append(scores)
        smallest = min(int(good.sum()) for _, _, good in found)
        plan, remark = plan.fitted(smallest)
        lost = total - sum(int(good.sum()) for _, _, good in found)
        told = [*remarks, remark, f"{lost:,} states were left out: a feature of them is no number." if lost else ""]
        board = _Board(groups, found, agents, what, plan, apart, seeds, tuple(filter(None, told)), keys)
        flat = [_plane(scores) for scores, _, _ in found]
        if plan.method != "pca":
            yield Progress(35, 100, f"{METHODS[plan.method]} begins", board.record(flat, preliminary=True))
            for number, (scores, _, _) in enumerate(found):
                work = helper.ask("layout", scores=scores, method=plan.method, seed=plan.random_state, **plan.options)
                flat[number] = yield from _listened(work, plan.method, number, len(found))
    record = board.record(flat, seconds=time.monotonic() - began)
    yield Progress(100, 100, record.caption, record)


def _title(what: str) -> str:
    return WHATS.get(what, f"layer {what}")


def _plane(scores: np.ndarray) -> np.ndarray:
    """(n, 2): the first two principal components; 0 where there is no second."""
    return np.pad(scores[:, :2], ((0, 0), (0, max(0, 2 - scores.shape[1]))))


def _scaled(work: Generator, start: float, width: float, label: str) -> Generator[Progress, None, Any]:
    """Progress of a part of the work, which says shares from 0 to 1; its result."""
    while True:
        try:
            share = next(work)
        except StopIteration as end:
            return end.value
        yield Progress(int(start + width * share), 100, f"reading {label}")


def _listened(work: Generator, method: str, number: int, count: int) -> Generator[Progress, None, np.ndarray]:
    """Progress of what the helper lays out; its points."""
    begun, title = time.monotonic(), METHODS[method]
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            return end.value
        words = f"{title}: iteration {done:,} of {total:,}" if total else f"{title}: {time.monotonic() - begun:.0f} s"
        if method == "umap":  # numba's machine code of it is not kept
            words += " (compiling it takes half a minute)"
        share = done / total if total else 0.0
        yield Progress(int(35 + 65 * (number + share) / count), 100, words)


def _scores(
    group: Sequence[States], plan: Plan, helper: Helper
) -> Generator[float, None, tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]]:
    """((n, K) float32, the axes, (N,) bool which of the group's states these are)."""
    width, total = group[0].width, sum(len(one) for one in group)
    if total < LEAST:
        raise ZooError(f"{total} states are too few for a map, at least {LEAST} are needed: let the agent play on, or "
                       "choose a rollout.")  # fmt: skip
    chosen = np.unique(np.linspace(0, total - 1, min(total, max(LEAST, MOST_NUMBERS // width))).astype(int))
    sample = np.empty((len(chosen), width), np.float32)
    filled = 0
    for part in _read(group, chosen):
        sample[filled : filled + len(part)] = part
        filled += len(part)
        yield 0.7 * filled / len(chosen)
    good = np.isfinite(sample).all(1)
    if good.sum() < LEAST:
        raise ZooError("Hardly a state of these has features that are all numbers: the network gives nan or infinity "
                       "there; choose another layer.")  # fmt: skip
    work = helper.ask("axes", features=sample if good.all() else sample[good], components=plan.components,
                      seed=plan.random_state)  # fmt: skip
    axes = yield from _waited(work, 0.75)
    if not len(axes["components"]):
        raise ZooError("All these states are the same in what is looked at, so that there is nothing to lay out: let "
                       "the agent play on, or choose something else.")  # fmt: skip
    parts = [sample[start : start + step] for step in [max(1, PIECE // width)] for start in range(0, filled, step)]
    if len(chosen) < total:
        del sample
        parts = _read(group, np.arange(total))
    scores, done = np.empty((total, len(axes["components"])), np.float32), 0
    for part in parts:
        with one_core():
            scores[done : done + len(part)] = (part - axes["mean"]) @ axes["components"].T
        done += len(part)
        yield 0.75 + 0.25 * done / total
    good = np.isfinite(scores).all(1)
    return scores[good], axes, good


def _waited(work: Generator, share: float) -> Generator[float, None, Any]:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        yield share


def _read(group: Sequence[States], places: np.ndarray) -> Iterator[np.ndarray]:
    """Features of places in the group's states one after the other, in parts."""
    start = 0
    for one in group:
        own = places[(places >= start) & (places < start + len(one))] - start
        if len(own):
            yield from one.read(own)
        start += len(one)


class _Board:
    """What every Embedding of one piece of work has in common."""

    def __init__(self, groups: Sequence[Sequence[States]], found: Sequence[tuple], agents: Sequence[str], what: str,
                 plan: Plan, apart: str, seeds: Sequence[int], remarks: tuple[str, ...], keys: list):  # fmt: skip
        members = [one for group in groups for one in group]
        good = np.concatenate([part for _, _, part in found])
        ends = np.cumsum([0, *(len(scores) for scores, _, _ in found)])
        spaces = {one.lane: keys.index(one.space) for one in members}
        self._plan = plan
        self._told = {
            "lanes": np.concatenate([np.full(len(one), one.lane) for one in members])[good],
            "moments": np.concatenate([one.moments for one in members])[good],
            "columns": {name: np.concatenate([np.asarray(one.columns[name], float) for one in members])[good]
                        for name in COLUMNS},
            "agents": tuple(agents), "what": what, "remarks": remarks,
            "spaces": tuple(spaces.get(lane, 0) for lane in range(len(agents))),
            "settings": asdict(plan) | {"apart": apart, "seeds": [int(seed) for seed in seeds]},
            "parts": tuple(
                Space(axes["mean"], axes["components"], axes["explained"], scores, np.arange(start, end))
                for (scores, axes, _), start, end in zip(found, ends[:-1], ends[1:])
            ),
        }  # fmt: skip

    def record(self, flat: Sequence[np.ndarray], preliminary: bool = False, seconds: float = 0.0) -> Embedding:
        """The Embedding with these points of each space."""
        method = "pca" if preliminary else self._plan.method
        return made(np.concatenate(flat), method=method, preliminary=preliminary, seconds=seconds, **self._told)
