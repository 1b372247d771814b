"""Do two agents represent the game alike? Every layer of one against every layer of the other, at the same moments.

The measures are those of ``similarity_measures``: linear CKA (Kornblith et al. 2019) and SVCCA (Raghu et al. 2017). A
map counts with every number in it, flattened: through Gram matrices of moments by moments that is exact whatever its
size. SVCCA takes its directions from the same matrices, so that no map is averaged over its positions either.
"""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, observed
from zoo_gui.analysis.recorded import chosen_layers, one_core
from zoo_gui.analysis.similarity_measures import Alignment, Features, Subspace, shifts_of, subspace
from zoo_gui.analysis.similarity_record import METHODS, Similarity
from zoo_gui.play.moments import Moments
from zoo_gui.registry import unknown
from zoo_gui.types import LayerInfo, ZooError, read_only

__all__ = ["METHODS", "Similarity", "similarity"]

MOMENTS = 2000
MOST_MOMENTS = 5000
"""A Gram matrix of so many moments takes 100 MB."""
SUBSPACE_SHIFTS = 20
"""SVCCA is computed anew for each shift in time; CKA has all shifts at once."""
AT_ONCE = 2


@ANALYSES.register("similarity")
def similarity(
    agents: Sequence[Any],
    *,
    moments: Sequence[Moments],
    method: str = "cka",
    count: int = MOMENTS,
    layers: Sequence[str] = (),
    other_layers: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[Progress]:
    """All layers of one agent against all of another; each Progress that has a result has a Similarity, in which what
    is not computed yet is nan; the last one's is whole. Small layers come first.

    agents: two, or one twice. moments: of each, of the same moments (``play.together``), or one for agents that see
    alike. method: ``cka``, ``debiased`` (CKA) or ``svcca``. count: moments that are used, evenly spread over those
    without an intervention and with full stacks of frames. layers, other_layers: of the first and the second, () all
    but groups. seed: of the shifts in time that SVCCA's chance level comes from. At most 256 MB of activations are
    held at once, and for each layer a matrix of count² numbers. Raises ZooError: agents of different games, an unknown
    layer or method, too few or too many moments.
    """
    check(method, count)
    agents, moments = observed.asked(agents, moments)
    if len(agents) > 2:
        raise ZooError(f"Layers are compared between two agents, not {len(agents)}: choose two.")
    infos = [chosen_layers(agent, names) for agent, names in zip(agents, (layers, other_layers))]
    rows = observed.rows_of(moments, count)
    lags = shifts_of(len(rows[0]), SUBSPACE_SHIFTS if method == "svcca" else None, seed)
    board = Board(method, agents, infos, len(rows[0]), len(lags))
    known: dict[str, Any] = {}
    for side in (0, 1):
        same = side and agents[0].hash == agents[1].hash and moments[0] is moments[1]
        found = _known(known, infos[1]) if same else sides(agents[side], moments[side], rows[side], infos[side], method)
        for done, label, ready in found:
            percent = int(50 * side + 50 * done)
            if ready is None:
                yield Progress(percent, 100, f"{agents[side].title}: {label}")
                continue
            name, part = ready
            board.keep(side, name, part)
            if not side:
                known[name] = part
                continue
            for other, own in known.items():
                for values in at_shifts(own, part, lags):
                    if values is None:
                        yield Progress(percent, 100, f"comparing {other} and {name}")
                board.fill(other, name, *values)
            yield Progress(percent, 100, f"compared {name}", board.result())
    yield Progress(100, 100, "compared", board.result())


def check(method: str, count: int) -> None:
    """Raise ZooError for a method that there is not, or more moments than matrices of them can be held."""
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if count > MOST_MOMENTS:
        raise ZooError(f"{count} moments are too many to compare layers by: give at most {MOST_MOMENTS:,}.")


def _known(known: dict[str, Any], infos: Sequence[LayerInfo]) -> Iterator[tuple]:
    """What ``sides`` gives, of an agent compared with itself: nothing is computed twice."""
    for done, info in enumerate(infos):
        if info.name in known:
            yield done / len(infos), "known", (info.name, known[info.name])


def sides(
    agent: Any, moments: Moments, rows: np.ndarray, infos: Sequence[LayerInfo], method: str
) -> Iterator[tuple[float, str, tuple[str, Any] | None]]:
    """(share that is done, words, None or (layer, its side of the comparison)), the smallest layers first.

    A layer of more numbers than may be held is computed in slices of its features, each in a pass of its own.
    """
    sizes = {
        (info.name, start): len(rows) * min(width, info.size - start)
        for info in infos
        for width in [max(1, observed.MOST_NUMBERS // len(rows))]
        for start in range(0, info.size, width)
    }
    waiting = {info.name: sum(name == info.name for name, _ in sizes) for info in infos}
    features: dict[str, Features] = {}
    whole, done = sum(sizes.values()), 0
    for keys in observed.passes(sizes, observed.MOST_NUMBERS):
        mine = sum(sizes[key] for key in keys)
        wanted = {key: (key[0], _slice(key[1], sizes[key] // len(rows))) for key in keys}
        for progress in observed.activations(agent, moments, rows, wanted):
            part = 0.5 * mine * progress.done / progress.total
            yield (done + part) / whole, progress.label, None
        found, summed = progress.result, 0
        for key in keys:
            values = found.pop(key)
            of = features.setdefault(key[0], Features(len(rows)))
            work = of.add(values)
            while _step(work):
                yield (done + 0.5 * (mine + summed)) / whole, f"reading {key[0]}", None
            summed += sizes[key]
            waiting[key[0]] -= 1
            if not waiting[key[0]]:
                for side in _side(features.pop(key[0]), method):
                    ready = None if side is None else (key[0], side)
                    yield (done + 0.5 * (mine + summed)) / whole, f"reading {key[0]}", ready
        done += mine


def _slice(start: int, width: int):
    return lambda values: values.reshape(len(values), -1)[:, start : start + width]


def _step(work: Iterator[None]) -> bool:
    """Do the next piece on one core; whether there was one."""
    with one_core():
        return next(work, StopIteration) is not StopIteration


def _side(features: Features, method: str) -> Iterator[Any]:
    """What is kept of a layer, the last; None between pieces of work."""
    if method != "svcca":
        yield Alignment(features, method == "debiased")
        return
    work = subspace(features)
    while True:
        with one_core():
            side = next(work, StopIteration)
        if side is StopIteration:
            return
        yield side


def at_shifts(own: Any, other: Any, lags: np.ndarray) -> Iterator[tuple[float, np.ndarray] | None]:
    """(similarity, (S,) of it at the shifts in time), the last; None between pieces of work."""
    if isinstance(own, Alignment):
        values = own.against(other)
        yield float(values[0]), values[lags]
        return
    null = np.empty(len(lags))
    for start in range(0, len(lags), AT_ONCE):
        with one_core():
            for place in range(start, min(start + AT_ONCE, len(lags))):
                null[place] = own.against(other, int(lags[place]))
        yield None
    yield own.against(other), null


def summary(value: float, null: np.ndarray) -> tuple[float, float, float, float]:
    """(value, mean and 95th percentile by chance, p); nan and p = 1 where there is no value."""
    if not np.isfinite(value):
        return np.nan, np.nan, np.nan, 1.0
    return value, float(null.mean()), float(np.percentile(null, 95)), (1 + (null >= value).sum()) / (1 + len(null))


class Board:
    """The Similarity as far as it is computed."""

    def __init__(self, method: str, agents: Sequence[Any], infos: Sequence[Sequence[LayerInfo]], n: int, shifts: int):
        self._settings = {"method": method, "titles": tuple(agent.title for agent in agents), "n": n, "shifts": shifts}
        self._layers = tuple(tuple(info.name for info in part) for part in infos)
        self._grids = np.full((4, *map(len, self._layers)), np.nan)
        self._sides: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def keep(self, side: int, layer: str, part: Any) -> None:
        """Note what there is to say about a layer."""
        kept = (part.basis.shape[1], part.explained) if isinstance(part, Subspace) else ()
        self._sides[side][layer] = (varies(part), *kept)

    def fill(self, layer: str, other: str, value: float, null: np.ndarray) -> None:
        """Enter a pair."""
        self._grids[:, self._layers[0].index(layer), self._layers[1].index(other)] = summary(value, null)

    def result(self) -> Similarity:
        """As it is now."""
        values, chance, chance_95, p_value = (read_only(grid.copy()) for grid in self._grids)
        counted = ()
        if self._settings["method"] == "svcca":
            counted = tuple(
                tuple(self._sides[side][name][1:] if name in self._sides[side] else (0, 0.0) for name in names)
                for side, names in enumerate(self._layers)
            )
        remarks = []
        for title, names, known in zip(self._settings["titles"], self._layers, self._sides):
            remarks.append(never_varied(title, [name for name in names if name in known and not known[name][0]]))
        return Similarity(
            layers=self._layers, values=values, chance=chance, chance_95=chance_95, p_value=p_value, kept=counted,
            remarks=tuple(dict.fromkeys(filter(None, remarks))), **self._settings,
        )  # fmt: skip


def varies(part: Any) -> bool:
    """Whether a side's layer varied at all."""
    return bool(part.basis.shape[1]) if isinstance(part, Subspace) else part.varies


def never_varied(title: str, layers: Sequence[str]) -> str:
    """A sentence about layers without similarity, "" without any."""
    if not layers:
        return ""
    return f"{', '.join(layers)} of {title} gave the same at every moment, and so cannot be compared."
