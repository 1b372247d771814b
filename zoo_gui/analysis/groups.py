"""Which units of a layer act together? Its activations, or its attributions, as a few non-negative factors.

Non-negative matrix factorization (Lee and Seung 1999) of a layer's values at many positions and moments, X ≈ S D with
S, D ≥ 0: each row of D is a *group* of units, S says how strong it is where. Olah et al. 2018, "The building blocks of
interpretability", group activations so; Hilton et al. 2020, "Understanding RL vision", attributions: their positive and
negative parts side by side as rows, so that a group says which units act together, for or against.

Attributions are integrated gradients to the layer (Sundararajan et al. 2017; Hilton et al.): a · mean over α of
d target / d a at α a, α at the midpoints of ten equal parts of 0–1; they sum to about the difference in the target that
the layer makes against a silent one. A channel as target counts as the sum over its map.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any, Iterator

import numpy as np

from zoo_gui import factors
from zoo_gui.analysis import ANALYSES, Progress, recorded, targets
from zoo_gui.analysis.groups_record import SHEET, GroupMoment, Groups
from zoo_gui.types import LayerInfo, ZooError, read_only

__all__ = ["GroupMoment", "Groups", "groups"]

FEWEST, MOST = 2, 16
MOMENTS, MOMENTS_ATTRIBUTED = 1000, 256
"""Moments that are used where nothing is said: attributions cost ten backward passes each."""
LEAST_MOMENTS = 20
STEPS = 10
"""Points of the path of integrated gradients, as in the original."""
BATCH = 32
MOST_ROWS, MOST_NUMBERS = 20_000, 1 << 24
"""Rows that are factored, and activations that are held."""
ITERATIONS, CHUNK, SETTLED = 300, 2, 2e-5
"""At most so many iterations, so many between two words; it ends where one lowers the error by less than this part."""
APART = 30
"""Agent steps between two moments of a group's sheet, at least."""


@ANALYSES.register("groups")
def groups(
    agent: Any,
    *,
    moments: Any,
    layer: str,
    count: int = 6,
    of: str = "activations",
    seed: int = 0,
    samples: int | None = None,
) -> Iterator[Progress]:
    """Factor a layer into ``count`` (2–16) groups of units; the last Progress has Groups.

    moments: a ``play.moments.Moments``; those under an intervention are left out, and the first of each episode, until
    the stack of frames is full. of: ``activations``, or a target
    (``analysis.targets``) whose attributions to the layer are factored: ``value``, ``action``, ``action:LEFT``.
    samples: moments that are used, drawn at random with ``seed``. The same moments and seed give the same groups.
    Raises ZooError: a layer that may be negative (factor attributions then), fewer active units than groups, too few
    moments, a target that the layer does not feed.
    """
    info = _checked_layer(agent, layer, of)
    if not FEWEST <= count <= MOST or count != int(count):
        raise ZooError(f"A layer has {FEWEST} to {MOST} groups, not {count}: give a whole number between them.")
    rng = np.random.default_rng(seed)
    rows = _chosen(moments, info, samples or (MOMENTS if of == "activations" else MOMENTS_ATTRIBUTED), rng)
    found = yield from _activations(agent, moments, rows, info, of)
    values = found["values"]
    if of != "activations":
        parts = yield from _attributions(agent, moments, rows, info, found, of)
        values = np.concatenate([np.maximum(parts, 0.0), np.maximum(-parts, 0.0)])
    factored = _rows(values, info, count, rng)
    strengths, directions, steps = yield from _factors(factored, count, seed)
    result = _result(agent, info, of, seed, found["values"], factored, strengths, directions, steps)
    sheets = yield from _sheets(moments, rows, result.strengths(found["values"]))
    result = dataclasses.replace(result, top=sheets, screen=tuple(moments.screen), frame_box=moments.frame_box)
    yield Progress(100, 100, f"{count} groups of {layer}", result)


def _checked_layer(agent: Any, layer: str, of: str) -> LayerInfo:
    (info,) = recorded.chosen_layers(agent, layer)
    if info.groups_of:
        raise ZooError(f"{layer} is made of groups itself: group {info.groups_of}.")
    if info.signed and of == "activations":
        raise ZooError(
            f"{layer} may be negative, and groups are sums of what is not: group its attributions, of value or action."
        )
    if info.units < FEWEST:
        raise ZooError(f"{layer} has one unit: there is nothing to group.")
    if of != "activations":
        _check_target(agent, layer, targets.parse(of, agent))
    return info


def _check_target(agent: Any, layer: str, target: targets.Target) -> None:
    """Raise ZooError where the target does not depend on the layer."""
    fed, waiting = set(), list(target.layers)
    while waiting:
        name = waiting.pop()
        sources = agent.sources.get(name, ()) if not agent.card.network.is_graph else ()
        waiting += [source for source in sources if source not in fed]
        fed |= set(sources)
    if layer not in fed and not agent.card.network.is_graph:
        raise ZooError(f"{target.text} does not depend on {layer}: choose a layer before it.")


def _chosen(moments: Any, info: LayerInfo, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of the moments that are used, in order."""
    rows = recorded.usable(moments)
    if len(rows) < LEAST_MOMENTS:
        raise ZooError(
            f"{len(rows)} moments are too few to group units by: let the agent play on, or choose a rollout."
        )
    most = max(LEAST_MOMENTS, min(int(samples), MOST_NUMBERS // info.size))
    return np.sort(rng.choice(rows, min(most, len(rows)), replace=False))


def _activations(agent: Any, moments: Any, rows: np.ndarray, info: LayerInfo, of: str) -> Iterator[Progress]:
    """{"values": (n, *shape) of the layer, and those of each layer that the target reads}."""
    names = () if of == "activations" else targets.parse(of, agent).layers
    found: dict[str, list[np.ndarray]] = {"values": [], **{name: [] for name in names}}
    for start in range(0, len(rows), BATCH):
        yield Progress(30 * start // len(rows), 100, f"looking at moment {start:,} of {len(rows):,}", None)
        computed = _computed(agent, moments, rows[start : start + BATCH])
        found["values"].append(computed[info.name].copy())
        for name in names:
            found[name].append(computed[name].copy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _computed(agent: Any, moments: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    states = moments.column("state")[rows]
    return agent.activations(moments.observations(rows), **({"state": states} if states.shape[1] else {}))


def _attributions(
    agent: Any, moments: Any, rows: np.ndarray, info: LayerInfo, found: dict[str, np.ndarray], of: str
) -> Iterator[Progress]:
    """(n, *shape) float32, signed: integrated gradients of the target to the layer."""
    target, total = targets.parse(of, agent), np.zeros_like(found["values"])
    seeds = _seeds(target, agent, found)
    states = moments.column("state")[rows]
    done = 0
    for seed, members in seeds:
        for start in range(0, len(members), BATCH):
            part = members[start : start + BATCH]
            yield Progress(30 + 40 * done // len(rows), 100, f"attributing {of}: {done:,} of {len(rows):,}", None)
            observations = moments.observations(rows[part]).astype(np.float32)
            values = found["values"][part]
            memory = {"state": states[part]} if states.shape[1] else {}
            for step in range(STEPS):
                _, slope = agent.slopes(observations, seed, layer=info.name,
                                        values=values * np.float32((step + 0.5) / STEPS), **memory)  # fmt: skip
                total[part] += values * slope / STEPS
                if step % 2:
                    yield Progress(30 + 40 * done // len(rows), 100, f"attributing {of}", None)
            done += len(part)
    if not total.any():
        raise ZooError(f"{of} does not depend on {info.name} at any of these moments: choose another layer or target.")
    return total


def _seeds(
    target: targets.Target, agent: Any, found: dict[str, np.ndarray]
) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """(the target as a weighted sum of activations, as ``Agent.slopes`` takes it; indices of the moments it is so at).

    Which unit is the best one differs from moment to moment.
    """
    infos = {info.name: info for info in agent.layers}
    count = len(found["values"])
    best = [
        found[term.layer].reshape(count, -1, infos[term.layer].units).max(1).argmax(1) if term.index == targets.BEST
        else np.zeros(count, int) for term in target.terms
    ]  # fmt: skip
    choices, which = np.unique(np.stack(best, 1), axis=0, return_inverse=True)
    made = []
    for number, choice in enumerate(choices):
        seeds = {name: np.zeros(infos[name].shape, np.float32) for name in target.layers}
        for term, index in zip(target.terms, choice):
            seeds[term.layer] += _seed(term, infos[term.layer], int(index))
        made.append((seeds, np.flatnonzero(which.ravel() == number)))
    return made


def _seed(term: targets.Term, info: LayerInfo, best: int) -> np.ndarray:
    """What each activation of a term's layer counts."""
    if term.cosine:
        raise ZooError("A cosine has no attributions: group by a unit, a direction, value or action.")
    along = np.ones(info.units, np.float32)
    if term.direction is not None:
        along = np.array(term.direction, np.float32)
    elif term.index is not None:
        along = np.eye(info.units, dtype=np.float32)[best if term.index == targets.BEST else term.index]
    seed = np.zeros(info.shape, np.float32)
    place = (...,) if term.position is None else (*term.position, slice(None))
    seed[place] = term.weight * along
    return seed


def _rows(values: np.ndarray, info: LayerInfo, count: int, rng: np.random.Generator) -> np.ndarray:
    """(rows, units) to factor: positions at which anything is active, at most MOST_ROWS. Raises ZooError."""
    flat = values.reshape(-1, info.units)
    active = int((flat > 0).any(0).sum())
    if active < count:
        raise ZooError(
            f"{active} of the {info.units} units of {info.name} were ever active: ask for fewer groups than that, or "
            "use other moments."
        )
    flat = flat[flat.any(1)]
    if len(flat) > MOST_ROWS:
        flat = flat[np.sort(rng.choice(len(flat), MOST_ROWS, replace=False))]
    if len(flat) < count:
        raise ZooError(f"{info.name} was active in {len(flat)} places, too few for {count} groups: use other moments.")
    return np.ascontiguousarray(flat, np.float32)


def _factors(rows: np.ndarray, count: int, seed: int) -> Iterator[Progress]:
    """(strengths (n, K), directions (K, units) of length 1, iterations): scikit-learn's coordinate descent, begun from
    the singular vectors (Boutsidis and Gallopoulos 2008), a few iterations at a time."""
    for module in ("scipy.sparse.linalg", "sklearn.utils", "sklearn.base", "sklearn.decomposition"):
        yield Progress(70, 100, "preparing", None)  # its first import takes a second or more
        importlib.import_module(module)
    from sklearn.decomposition import non_negative_factorization
    from threadpoolctl import threadpool_limits

    # values of about 1, so that what scikit-learn adds against division by 0 does not count
    size = np.float32(np.sqrt(np.square(rows, dtype=np.float64).mean()))
    scaled, total = rows / size, float(np.square(rows / size, dtype=np.float64).sum())
    settings = {"n_components": count, "solver": "cd", "tol": 0.0, "max_iter": CHUNK, "random_state": seed}
    every = scaled[:: max(1, len(scaled) // 4000)]  # to begin with
    with threadpool_limits(1, "blas"):  # the game runs beside it
        _, directions, _ = non_negative_factorization(every, init="nndsvda", **settings)
    strengths = factors.strengths(scaled, directions.T / np.maximum(np.square(directions).sum(1), 1e-12))
    error, done = np.inf, 0
    while done < ITERATIONS:
        with threadpool_limits(1, "blas"):
            strengths, directions, _ = non_negative_factorization(
                scaled, W=strengths, H=directions, init="custom", **settings
            )
            now = float(np.square(scaled - strengths @ directions, dtype=np.float64).sum()) / total
        done += CHUNK
        yield Progress(70 + 29 * done // ITERATIONS, 100, f"factoring: {now:.1%} unexplained", None)
        if error - now < SETTLED * CHUNK * max(now, 1e-3):
            break
        error = now
    lengths = np.linalg.norm(directions, axis=1)
    if not lengths.all():
        raise ZooError(f"Fewer than {count} groups explain all there is: ask for {int((lengths > 0).sum())} or fewer.")
    return strengths * lengths * size, directions / lengths[:, None], done


def _result(
    agent: Any, info: LayerInfo, of: str, seed: int, values: np.ndarray,
    factored: np.ndarray, strengths: np.ndarray, directions: np.ndarray, steps: int,
) -> Groups:  # fmt: skip
    """What follows from the factors, strongest first; without the moments. values: (n, *shape) of the layer."""
    from zoo_gui.agents.groups import kernel_of

    total = float(np.square(factored, dtype=np.float64).sum())
    shares = ((factored @ directions.T) * strengths).sum(0, dtype=np.float64) / total
    order = np.argsort(-shares, kind="stable")
    shares, directions, strengths = shares[order], directions[order].astype(np.float32), strengths[:, order]
    error = float(np.square(factored - strengths @ directions, dtype=np.float64).sum()) / total
    kernel = kernel_of(directions)
    projected = factors.strengths(factored, kernel)
    agreement = np.array([_correlation(projected[:, k], strengths[:, k]) for k in range(len(shares))], np.float32)
    some = values[:: max(1, len(values) // 200)]
    maps = factors.strengths(some, kernel)  # (n, …, K)
    levels = np.array([_level(maps[..., k]) for k in range(len(shares))], np.float32)
    rest = _level(factors.residual(some, maps, directions))
    names = tuple(" + ".join(str(unit) for unit in np.argsort(-row, kind="stable")[:3] if row[unit] > 0.1 * row.max())
                  for row in directions)  # fmt: skip
    return Groups(
        info.name, info, of, read_only(directions), read_only(kernel), read_only(shares.astype(np.float32)), error,
        read_only(agreement), read_only(levels), rest, names, read_only(factors.colours(len(shares))),
        (), len(values), len(factored), steps, seed, (0, 0), tuple(agent.observation_shape[:2]), None, agent.title,
    )  # fmt: skip


def _sheets(moments: Any, rows: np.ndarray, maps: np.ndarray) -> Iterator[Progress]:
    """Each group's strongest moments, APART from each other: a tuple of GroupMoment for each. maps: (n, …, K)."""
    peaks = maps.reshape(len(maps), -1, maps.shape[-1]).max(1)
    ids, episodes, indices = (moments.column(name)[rows] for name in ("id", "episode", "index"))
    sheets = []
    for group in range(maps.shape[-1]):
        yield Progress(99, 100, "the strongest moments", None)
        found: list[int] = []
        for row in np.argsort(-peaks[:, group], kind="stable"):
            if len(found) == SHEET or peaks[row, group] <= 0:
                break
            if all(abs(int(ids[row]) - int(ids[other])) >= APART for other in found):
                found.append(int(row))
        sheets.append(tuple(
            GroupMoment(int(ids[row]), int(episodes[row]), int(indices[row]), float(peaks[row, group]),
                        read_only(np.array(maps[row, ..., group], np.float32, ndmin=2)),
                        read_only(moments.frame(int(rows[row]))))
            for row in found
        ))  # fmt: skip
    return tuple(sheets)


def _level(values: np.ndarray) -> float:
    """What full colour stands for: the 99.5th percentile of what is above 0."""
    above = values[values > 0]
    return float(np.percentile(above, 99.5)) if above.size else 0.0


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's; nan where either is constant."""
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    size = np.sqrt(np.square(a).sum() * np.square(b).sum())
    return float((a * b).sum() / size) if size > 0 else float("nan")
