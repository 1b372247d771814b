"""Which unit of another agent does what this one does? Units of two layers, matched by how their activations correlate.

Li et al. 2016, "Convergent learning: do different neural networks learn the same representations?": Pearson's
correlation over the same moments; for each unit the best match, and one to one the matching of the largest sum (the
assignment problem; Crouse 2016 in SciPy). Channels of two maps of one spatial shape are correlated over moments and
positions, so that they must agree on where as well; other maps by their largest activation in each moment.

Of many units one always fits somehow, the more so as neighbouring moments are alike. So each unit's best match is
compared with the best matches that it has where the other agent's moments are moved in time (``similarity_measures``):
the choice of the best among many is made there as well. Fourier transforms give the correlations at every shift.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, observed
from zoo_gui.analysis.matching_record import NOBODY, Counterpart, Matching, Pairing, Side
from zoo_gui.analysis.recorded import chosen_layers, one_core
from zoo_gui.analysis.redundancy import LEAST_FIRING
from zoo_gui.analysis.similarity_measures import STILL, shifts_of
from zoo_gui.play.moments import Moments
from zoo_gui.types import LayerInfo, ZooError, read_only

__all__ = ["Counterpart", "Matching", "Pairing", "layer_pairs", "matching"]

MOMENTS, MOST_MOMENTS = 2000, 5000
MOST_SAMPLES = 1 << 18
"""Moments times positions of a map: of larger ones some positions are drawn, the same of both agents."""
PIECE = 1 << 22
"""Numbers that are transformed between two words of progress: about 50 ms."""
ASSIGNED = 20
"""Shifts in time that are also matched one to one."""


@ANALYSES.register("matching")
def matching(
    agents: Sequence[Any],
    *,
    moments: Sequence[Moments],
    layer: str = "",
    other_layer: str = "",
    pairs: Sequence[tuple[str, str]] = (),
    count: int = MOMENTS,
    seed: int = 0,
) -> Iterator[Progress]:
    """Counterparts of units; each Progress that has a result has a Matching with what is new, first without chance,
    the last one's is whole.

    agents, moments, count: as ``similarity`` takes them. layer, other_layer: of the first and of the second agent;
    layer alone: with the one that ``layer_pairs`` puts beside it. pairs: several (layer, other layer). Nothing said:
    all of ``layer_pairs``. seed: of the positions that are drawn of maps with more than 262,144 moments times
    positions. Units that never vary, or that a rectifier lets fire in fewer than 10 moments, are left out. Raises
    ZooError.
    """
    if count > MOST_MOMENTS:
        raise ZooError(f"{count} moments are too many to match units by: give at most {MOST_MOMENTS:,}.")
    agents, moments = observed.asked(agents, moments)
    if len(agents) > 2:
        raise ZooError(f"Units are matched between two agents, not {len(agents)}: choose two.")
    infos = _pairs(agents, layer, other_layer, pairs)
    rows = observed.rows_of(moments, count)
    n = len(rows[0])
    record = Matching(
        tuple(agent.title for agent in agents), n, tuple((own.name, other.name) for own, other in infos), ()
    )
    lags = shifts_of(n)
    plans = {number: _plan(pair, moments, n, seed) for number, pair in enumerate(infos)}
    found: dict[int, Pairing] = {}
    yield Progress(0, 100, "preparing")
    for module in ("scipy.optimize", "scipy.stats"):
        importlib.import_module(module)
    groups = observed.passes({number: n * plan.width for number, plan in plans.items()}, observed.MOST_NUMBERS)
    for place, numbers in enumerate(groups):
        chosen = {number: (plans[number], infos[number]) for number in sorted(numbers)}
        for done, label, number, pairing in _matched(agents, moments, rows, chosen, lags):
            percent = int(100 * (place + done) / len(groups))
            if pairing is None:
                yield Progress(percent, 100, label)
                continue
            found[number] = pairing
            yield Progress(percent, 100, label, replace(record, pairings=(pairing,)))
    whole = replace(record, pairings=tuple(found[number] for number in sorted(found)))
    yield Progress(100, 100, whole.sentence, whole)


def _matched(
    agents: Sequence[Any], moments: Sequence[Moments], rows: Sequence[np.ndarray], chosen: Mapping[int, tuple],
    lags: np.ndarray,
) -> Iterator[tuple[float, str, int, Pairing | None]]:  # fmt: skip
    """(share that is done, words, number of the pair, its Pairing or None) of pairs that are held at once, first all
    without chance. chosen: {number: (Plan, infos)}."""
    known: list[dict[int, np.ndarray]] = []
    for side, agent in enumerate(agents):
        wanted = {number: (infos[side].name, plan.keep[side]) for number, (plan, infos) in chosen.items()}
        for progress in observed.activations(agent, moments[side], rows[side], wanted):
            yield 0.2 * (side + progress.done / progress.total), f"{agent.title}: {progress.label}", -1, None
        known.append(progress.result)
    pending = {}
    for number, (plan, infos) in chosen.items():
        with one_core():
            pending[number] = Correlated(plan, infos, *(values.pop(number) for values in known))
            pairing = pending[number].pairing()
        yield 0.4, f"matched {infos[0].name}", number, pairing
    for place, (number, one) in enumerate(pending.items()):
        name = chosen[number][1][0].name
        for done in one.by_chance(lags):
            yield 0.4 + 0.6 * (place + done) / len(pending), f"{name}: what chance does", number, None
        yield 0.4 + 0.6 * (place + 1) / len(pending), f"compared {name} with chance", number, one.pairing()


def layer_pairs(agent: Any, other: Any) -> tuple[tuple[str, str], ...]:
    """(layer, other agent's layer) that go together, in the first network's order: those of one name that are both maps
    or both not; of the others those of one kind (maps, dense ones, scores, values) by order. Without groups."""
    own, others = (chosen_layers(one, ()) for one in (agent, other))
    named = {info.name: info for info in others}
    found = {info.name: info.name for info in own
             if info.name in named and len(named[info.name].shape) == len(info.shape)}  # fmt: skip
    left: dict[str, list[str]] = {}
    for info in others:
        if info.name not in found.values():
            left.setdefault(_family(info), []).append(info.name)
    for info in own:
        if info.name not in found and left.get(_family(info)):
            found[info.name] = left[_family(info)].pop(0)
    return tuple((info.name, found[info.name]) for info in own if info.name in found)


def _family(info: LayerInfo) -> str:
    if len(info.shape) == 3:
        return "maps"
    return {"logits": "scores", "q": "scores", "value": "value"}.get(info.kind, "dense")


def _pairs(
    agents: Sequence[Any], layer: str, other_layer: str, pairs: Sequence[tuple[str, str]]
) -> list[tuple[LayerInfo, LayerInfo]]:
    """The pairs of layers that are asked for. Raises ZooError."""
    if layer and other_layer:
        pairs = [(layer, other_layer)]
    elif layer or other_layer:
        side, name = (0, layer) if layer else (1, other_layer)
        chosen_layers(agents[side], name)
        pairs = [pair for pair in layer_pairs(*agents) if pair[side] == name]
        if not pairs:
            raise ZooError(f"{agents[1 - side].title} has no layer that goes with {name}: say which one is meant.")
    pairs = list(dict.fromkeys(tuple(pair) for pair in pairs or layer_pairs(*agents)))
    if not pairs:
        raise ZooError("These networks have no layers that go together: say which two are meant.")
    return [tuple(chosen_layers(agent, name)[0] for agent, name in zip(agents, pair)) for pair in pairs]


class Plan(NamedTuple):
    """What of two layers is correlated. keep: for each, its (m, *shape) as (m, positions · units). positions: how many
    of a moment. width: numbers of a moment, of both. over: in words."""

    keep: tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
    positions: int
    width: int
    over: str


def _plan(pair: tuple[LayerInfo, LayerInfo], moments: Sequence[Moments], n: int, seed: int) -> Plan:
    maps = all(len(info.shape) == 3 for info in pair)
    same = maps and pair[0].shape[:2] == pair[1].shape[:2] and moments[0].frame_box == moments[1].frame_box
    if not same:
        return Plan((_peaks, _peaks), 1, sum(info.units for info in pair), "moments")
    every = pair[0].shape[0] * pair[0].shape[1]
    count = max(1, min(every, MOST_SAMPLES // n))
    places = np.sort(np.random.default_rng(seed).choice(every, count, replace=False))

    def at_places(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(values), every, -1)[:, places].reshape(len(values), -1)

    width = count * sum(info.units for info in pair)
    return Plan((at_places, at_places), count, width, "moments and positions")


def _peaks(values: np.ndarray) -> np.ndarray:
    """Each unit's largest activation in a moment."""
    return values.reshape(len(values), -1, values.shape[-1]).max(1)


class Correlated:
    """Two layers' units, correlated at the moments as they were, and as chance has it."""

    def __init__(self, plan: Plan, pair: tuple[LayerInfo, LayerInfo], *values: np.ndarray):
        """values: of each layer, (n, positions · units)."""
        self._plan, self._pair, self._n = plan, pair, len(values[0])
        prepared = [_standardised(part, plan.positions, info) for part, info in zip(values, pair)]
        self._live = [live for _, live in prepared]
        self._columns = [columns for columns, _ in prepared]
        self._r = self._shifted(0)
        self._null: list[np.ndarray] | None = None
        self._by_chance: list[float] = []

    def _shifted(self, lag: int) -> np.ndarray:
        """(live units, live units) correlations where the other's moment i + lag stands beside moment i."""
        first, second = self._columns
        cut, moved = (self._n - lag) * self._plan.positions, lag * self._plan.positions
        found = first[:cut].T @ second[moved:]
        if lag:
            found += first[cut:].T @ second[:moved]
        return np.clip(found, -1.0, 1.0)

    def by_chance(self, lags: np.ndarray) -> Iterator[float]:
        """Compute the chance level at these shifts; yields the share that is done."""
        self._null = [np.full((len(lags), size), -1.0, np.float32) for size in self._r.shape]
        if not self._r.size:
            return
        first, second = (columns.reshape(self._n, self._plan.positions, -1) for columns in self._columns)
        units = self._r.shape[0]
        width = max(1, PIECE // (self._n * self._r.shape[1]))
        for start in range(0, units, width):
            mine = slice(start, start + width)
            for found in _cross_spectrum(first[:, :, mine], second):
                spectrum = found
                yield start / units
            r = np.fft.irfft(spectrum, self._n, axis=0)[lags]  # (shifts, own units of this part, the other's)
            self._null[0][:, mine] = r.max(2)
            np.maximum(self._null[1], r.max(1), out=self._null[1])
            yield min(1.0, (start + width) / units)
        for lag in lags[:: max(1, len(lags) // ASSIGNED)]:
            with one_core():
                r = self._shifted(int(lag))
            self._by_chance.append(float(r[_assigned(r)].mean()))
            yield 1.0

    def pairing(self) -> Pairing:
        """As it is known now."""
        correlations = np.full([info.units for info in self._pair], np.nan, np.float32)
        correlations[np.ix_(*self._live)] = self._r
        pairs = _assigned(self._r)
        sides = tuple(
            self._side(number, self._r if number == 0 else self._r.T, pairs[number], pairs[1 - number])
            for number in (0, 1)
        )
        shifts = len(self._null[0]) if self._null else 0
        return Pairing(
            tuple(info.name for info in self._pair), self._plan.over, self._n * self._plan.positions,
            read_only(correlations), sides, float(np.mean(self._by_chance)) if self._by_chance else float("nan"),
            shifts,
        )  # fmt: skip

    def _side(self, number: int, r: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> Side:
        """r: (own live units, the other's). mine, theirs: which of these are partners one to one."""
        live, others = self._live[number], self._live[1 - number]
        units = self._pair[number].units
        left_out = np.ones(units, bool)
        left_out[live] = False
        found: dict[str, np.ndarray] = {"left_out": left_out}
        for name in ("r", "one_r", "p_value", "q_value", "one_p_value", "one_q_value", "chance", "chance_95"):
            found[name] = np.full(units, np.nan)
        for name in ("best", "one"):
            found[name] = np.full(units, NOBODY, np.int64)
        if r.size:
            found["best"][live], found["r"][live] = others[r.argmax(1)], r.max(1)
            found["one"][live[mine]], found["one_r"][live[mine]] = others[theirs], r[mine, theirs]
            if self._null:
                null = self._null[number]
                found["chance"][live], found["chance_95"][live] = null.mean(0), np.percentile(null, 95, axis=0)
                _test(found, "", live, null)
                _test(found, "one_", live[mine], null[:, mine])
        return Side(**{name: read_only(values) for name, values in found.items()})


def _cross_spectrum(first: np.ndarray, second: np.ndarray) -> Iterator[np.ndarray]:
    """The last is (frequencies, C, C') complex64: whose inverse transform is Σ over moments and positions of first
    (n, P, C) at moment i times second (n, P, C') at i + shift, for every shift. The others are what it is so far."""
    n, positions, units = first.shape
    total = np.zeros((n // 2 + 1, units, second.shape[2]), np.complex64)
    width = max(1, PIECE // (n * (units + second.shape[2])))
    for start in range(0, positions, width):
        part = slice(start, start + width)
        with one_core():
            one, other = (np.fft.rfft(values[:, part], axis=0) for values in (first, second))
            total += np.matmul(one.conj().transpose(0, 2, 1), other)
        yield total


def _test(found: dict[str, np.ndarray], prefix: str, units: np.ndarray, null: np.ndarray) -> None:
    """Enter the p- and q-values of these units' correlations beside (shifts, units) best ones by chance."""
    from scipy.stats import false_discovery_control

    p = (1 + (null >= found[f"{prefix}r"][units].astype(np.float32)).sum(0)) / (1 + len(null))
    found[f"{prefix}p_value"][units] = p
    found[f"{prefix}q_value"][units] = false_discovery_control(p)


def _assigned(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) of the one-to-one matching of the largest sum."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(r, maximize=True)


def _standardised(values: np.ndarray, positions: int, info: LayerInfo) -> tuple[np.ndarray, np.ndarray]:
    """((samples, live units) float32 of mean 0 and length 1, in place of the values; which units these are): a unit is
    live that varies, and, where a rectifier silences it, fires in LEAST_FIRING moments."""
    per_moment = values.reshape(len(values), positions, info.units)
    flat = per_moment.reshape(-1, info.units)
    squares = np.einsum("nc,nc->c", flat, flat, dtype=np.float64)
    live = np.ones(info.units, bool)
    if not info.signed:
        live &= (per_moment.max(1) > 0).sum(0) >= LEAST_FIRING
    flat -= flat.mean(0, dtype=np.float64).astype(np.float32)
    lengths = np.sqrt(np.einsum("nc,nc->c", flat, flat, dtype=np.float64))
    live &= lengths**2 > STILL * squares
    chosen = np.flatnonzero(live)
    flat = flat if live.all() else np.ascontiguousarray(flat[:, chosen])
    flat /= lengths[chosen].astype(np.float32)
    return flat, chosen
