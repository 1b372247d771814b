"""What analyses of many moments share: which of them count, which follow each other, and every unit's peak in them."""

from __future__ import annotations

import functools
import sys
from contextlib import AbstractContextManager
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.play.moments import Moments
from zoo_gui.types import LayerInfo, Progress, ZooError

BATCH = 32
"""Observations that are run through a network between two words of progress."""


def one_core() -> AbstractContextManager:
    """Linear algebra on one core meanwhile: beside a running game several wait for each other more than they help."""
    return _libraries("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")


@functools.cache
def _libraries(with_scipy: bool) -> Any:
    """The libraries of linear algebra that are loaded: finding them takes 40 ms. SciPy brings one of its own."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def usable(moments: Moments) -> np.ndarray:
    """(n,) int64: rows that were not taken under an intervention and whose every frame is of their episode. Before that
    the stack holds filler, which many agents answer with activations many times the usual: it would be all that is
    found. Raises ZooError where there are none."""
    rows = np.flatnonzero(~moments.column("edited"))
    if not len(moments):
        raise ZooError("There are no moments yet: let the agent play for a while, or choose a rollout.")
    if not len(rows):
        raise ZooError("All these moments were taken under an intervention: undo it and play on, or choose a rollout.")
    frames = moments.observation_shape[2] // moments.frame_channels
    rows = rows[moments.column("index")[rows] >= frames - 1]
    if not len(rows):
        raise ZooError(f"A game has just begun: let the agent play until all {frames} frames that it sees are of it.")
    return rows


def runs(moments: Moments, rows: np.ndarray) -> np.ndarray:
    """(n,) int: moments of equal numbers follow each other step by step. A sitting has more runs than episodes: a
    person goes back, starts anew, changes a unit and undoes it."""
    episode, index = moments.column("episode")[rows], moments.column("index")[rows]
    breaks = (np.diff(episode) != 0) | (np.diff(index) != 1)
    return np.concatenate([[0], np.cumsum(breaks)]) if len(rows) else np.zeros(0, int)


def chosen_layers(agent: Any, layers: Sequence[str] | str) -> tuple[LayerInfo, ...]:
    """The layers of these names, () all of the network's own: groups of units repeat what they are made of, and are
    looked at where they are named. Raises ZooError for a layer that the network has not."""
    names = (layers,) if isinstance(layers, str) else tuple(layers)
    known = {info.name: info for info in agent.layers}
    missing = next((name for name in names if name not in known), None)
    if missing is not None:
        raise ZooError(f"There is no layer “{missing}”: this network has {', '.join(known)}.")
    return tuple(known[name] for name in names) if names else tuple(
        info for info in agent.layers if not info.groups_of
    )


def peaks(
    agent: Any, moments: Moments, rows: np.ndarray, layers: Sequence[LayerInfo]
) -> Iterator[Progress]:
    """The last Progress has {layer: ((n, units) float32, (n, units) int64 or None)}: each unit's largest activation and
    its place in the map, as ``Moments.peaks`` and ``places``. They are read off where they were kept, and computed
    anew for a layer that the agent got since (a group of units)."""
    kept = {info.name for info in moments.layers}
    found: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
    for info in layers:
        if info.name in kept:
            places = moments.places(info.name)
            found[info.name] = moments.peaks(info.name)[rows], None if places is None else places[rows]
    late = [info for info in layers if info.name not in kept]
    if late:
        yield from _computed(agent, moments, rows, late, found)
    yield Progress(len(rows), len(rows), "peaks", found)


def _computed(
    agent: Any, moments: Moments, rows: np.ndarray, layers: list[LayerInfo], found: dict
) -> Iterator[Progress]:
    values = {info.name: np.zeros((len(rows), info.units), np.float32) for info in layers}
    places = {info.name: np.zeros((len(rows), info.units), np.int64) for info in layers if len(info.shape) == 3}
    states = moments.column("state")[rows]
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        memory = {"state": states[part]} if states.shape[1] else {}
        computed = agent.activations(moments.observations(rows[part]), **memory)
        for info in layers:
            flat = computed[info.name].reshape(len(rows[part]), -1, info.units)
            values[info.name][part] = flat.max(1)
            if info.name in places:
                places[info.name][part] = flat.argmax(1)
        yield Progress(start, len(rows), f"computing {layers[0].name}: {start:,} of {len(rows):,} moments")
    found.update({info.name: (values[info.name], places.get(info.name)) for info in layers})
