"""What does a layer know of the game? Linear probes (Alain & Bengio 2016) from its activations to the bytes of the
console's memory; for Atari agents and RAM labels Anand et al. 2019.

A probe says that a byte can be read off a layer by one weighted sum, not that the network uses it. So that the number
means something, it is of held-out play, stands beside what the same probe reads off the byte shifted in time, beside
what can be read off the observation itself, and beside how well the byte's own value a step before says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.recorded import chosen_layers, one_core, runs, usable
from zoo_gui.analysis.search_statistics import Split, shifted, split
from zoo_gui.play.moments import Moments
from zoo_gui.types import ZooError

OBSERVATION = "observation"
FEATURES = 2048
COLUMNS = 256
"""Targets, true and shifted, that are fitted between two words of progress."""
MOST = 1000
"""Moments that probes are fitted and tested with: neighbours say nearly the same."""
BATCH = 32
ALPHAS = np.array([0.01, 0.1, 1.0, 10.0, 100.0], np.float32)


class Probe(NamedTuple):
    """One byte read off one layer. r2: held-out, 1: exactly, 0: no better than the mean of the fitted half, below it:
    worse. chance: the 95th percentile of r2 of the byte shifted in time. p_value: share of shifts that are read as
    well, corrected for the number of bytes by their rate of false discoveries (Benjamini & Hochberg 1995). previous: R²
    of the byte's value one agent step before, without any network."""

    layer: str
    byte: int
    r2: float
    chance: float
    p_value: float
    previous: float


@dataclass(frozen=True)
class Probes:
    """rows: of every layer, the observation first, and every byte. layers, bytes: their order. features: {layer: how
    its numbers were brought to those of the probe}. sentence: what was held out. moments: how many were used."""

    rows: tuple[Probe, ...]
    layers: tuple[str, ...]
    bytes: tuple[int, ...]
    features: dict[str, str]
    sentence: str
    moments: int

    def grid(self, name: str = "r2") -> np.ndarray:
        """(layers, bytes) of one field."""
        return np.array([getattr(row, name) for row in self.rows]).reshape(len(self.layers), len(self.bytes))

    def table(self) -> list[dict[str, Any]]:
        """One row for each layer and byte."""
        return [row._asdict() for row in self.rows]

    def arrays(self) -> dict[str, np.ndarray]:
        """r2, chance, p_value, previous (layers, bytes); layers, bytes."""
        grids = {name: self.grid(name) for name in ("r2", "chance", "p_value", "previous")}
        return {**grids, "layers": np.array(self.layers), "bytes": np.array(self.bytes)}

    def draw(self, figure: Any) -> None:
        """R² of every byte from every layer; a dot where chance does as well."""
        figure.set_size_inches(max(5.0, 2 + 0.26 * len(self.bytes)), 1.8 + 0.32 * len(self.layers))
        axis = figure.subplots()
        picture = axis.imshow(np.clip(self.grid(), 0, 1), cmap="viridis", vmin=0, vmax=1, aspect="auto")
        doubtful = np.argwhere(self.grid("p_value") > 0.05)
        axis.plot(doubtful[:, 1], doubtful[:, 0], ".", color="white", markersize=4)
        axis.set_xticks(range(len(self.bytes)), self.bytes, rotation=90, fontsize=7)
        axis.set_yticks(range(len(self.layers)), self.layers, fontsize=8)
        axis.set_xlabel("RAM byte (dot: p > 0.05)")
        figure.colorbar(picture, ax=axis, label="held-out R²")
        axis.set_title(self.sentence, fontsize=8, wrap=True)


@ANALYSES.register("probes")
def probes(
    agent: Any,
    *,
    moments: Moments,
    layers: Sequence[str] = (),
    bytes: Sequence[int] = (),
    shifts: int = 60,
    seed: int = 0,
) -> Iterator[Progress]:
    """Linear probes of RAM bytes from layers; the last Progress has Probes.

    layers: () all but groups; the observation always comes with them. bytes: () all that vary. At most 1,000 moments
    are used, evenly taken of those without intervention and with a full stack of frames. Maps are averaged over squares
    of positions until at most 2,048 numbers are left. Ridge regression on scaled numbers, its penalty chosen within the
    fitted half; each half is
    predicted once from the other. shifts: of time, by ``seed``. Raises ZooError: an unknown layer, no such byte, or
    none that varies.
    """
    rows, infos = usable(moments), chosen_layers(agent, layers)
    agent = agent.with_weights({}) if getattr(agent, "edits", None) else agent  # what was recorded was not edited
    division = split(moments, rows, np.zeros(len(rows)))
    used, ram = _evenly(division), moments.column("ram")[rows]
    chosen, still = _bytes(ram, tuple(bytes), division, used)
    order = np.concatenate([np.arange(len(rows))[None], shifted(division.segment, shifts, np.random.default_rng(seed))])
    targets = ram[:, chosen].astype(np.float32)[order[:, used]]  # (1 + shifts, n, bytes)
    names = (OBSERVATION, *(info.name for info in infos))
    numbers: dict[str, np.ndarray] = {}
    for progress in _numbers(agent, moments, rows[used], names):
        if progress.result is None:
            yield progress
    numbers, features = progress.result
    previous, found = _previous(ram[:, chosen].astype(float), runs(moments, rows)), []
    for number, name in enumerate(names):
        score = None
        with one_core():
            for score in _scores(numbers.pop(name), targets, division.half[used]):
                if score is None:
                    yield Progress(number, len(names), f"probing {name}")
        found += _rows(name, chosen, score, previous)
    sentence = _sentence(division, len(used), len(chosen), shifts, still)
    result = Probes(tuple(found), names, tuple(chosen), features, sentence, len(used))
    yield Progress(len(names), len(names), sentence, result)


def _evenly(division: Split) -> np.ndarray:
    inside = np.flatnonzero(division.half >= 0)
    return inside[np.linspace(0, len(inside) - 1, min(len(inside), MOST)).round().astype(int)]


def _bytes(ram: np.ndarray, wanted: tuple[int, ...], division: Split, used: np.ndarray) -> tuple[list[int], list[int]]:
    """Those that vary in both halves, and those that were asked for and do not."""
    wrong = next((byte for byte in wanted if not 0 <= byte <= 127), None)
    if wrong is not None:
        raise ZooError(f"There is no RAM byte {wrong}: the console has 128, 0 to 127.")
    halves = [ram[used][division.half[used] == number] for number in (0, 1)]
    varies = np.all([(half != half[:1]).any(0) for half in halves], axis=0)  # an empty half: nothing does
    chosen = [int(byte) for byte in (wanted or range(128)) if varies[byte]]
    if not chosen:
        which = "None of the bytes" if not wanted else "Not one of these bytes"
        raise ZooError(f"{which} varies in both halves of these {len(ram):,} moments: record more steps.")
    return chosen, [byte for byte in wanted if not varies[byte]]


def _numbers(agent: Any, moments: Moments, rows: np.ndarray, names: Sequence[str]) -> Iterator[Progress]:
    """The last Progress has ({name: (n, features) float32}, {name: how, in words})."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    features: dict[str, str] = {}
    states = moments.column("state")[rows]
    for start in range(0, len(rows), BATCH):
        yield Progress(start, len(rows), f"computing layers: {start:,} of {len(rows):,} moments")
        part = slice(start, start + BATCH)
        memory = {"state": states[part]} if states.shape[1] else {}
        seen = moments.observations(rows[part])
        computed = {OBSERVATION: seen, **agent.activations(seen, **memory)}
        for name in names:
            values, features[name] = pooled(computed[name])
            parts[name].append(values)
    yield Progress(1, 1, "", ({name: np.concatenate(found) for name, found in parts.items()}, features))


def pooled(values: np.ndarray) -> tuple[np.ndarray, str]:
    """((n, features) float32, how in words): of maps (n, H, W, C) means over squares, so small that at most FEATURES
    are left; of (n, units) as they are."""
    values = np.asarray(values, np.float32)
    if values.ndim == 2:
        return values, f"{values.shape[1]:,} unit{'s' if values.shape[1] > 1 else ''}"
    height, width, channels = values.shape[1:]
    side = next((n for n in range(1, max(height, width)) if -(-height // n) * -(-width // n) * channels <= FEATURES),
                max(height, width))  # fmt: skip
    if side > 1:
        for axis, length in ((1, height), (2, width)):
            starts = np.arange(0, length, side)
            sizes = np.diff([*starts, length]).astype(np.float32)
            shape = [-1 if a == axis else 1 for a in range(4)]
            values = np.add.reduceat(values, starts, axis) / sizes.reshape(shape)
    count = values[0].size
    means = f", means over {side}×{side}" if side > 1 else ""
    return values.reshape(len(values), -1), f"{count:,} numbers of a map of {height}×{width}×{channels}{means}"


def _scores(numbers: np.ndarray, targets: np.ndarray, half: np.ndarray) -> Iterator:
    """Yields None between two pieces of work, last (1 + shifts, bytes): held-out R², pooled over both halves."""
    goal = targets.transpose(1, 0, 2).reshape(len(half), -1)
    left, whole = np.zeros(goal.shape[1]), np.zeros(goal.shape[1])
    for held in (0, 1):
        fit, test = np.flatnonzero(half == 1 - held), np.flatnonzero(half == held)
        known, asked = _scaled(numbers[fit], numbers[test])
        inner, outer = [], Ridge(known, asked)
        yield None
        first = np.arange(len(fit)) < len(fit) // 2
        for part in (first, ~first):
            inner.append((Ridge(known[part], known[~part]), fit[part], fit[~part]))
            yield None
        for start in range(0, goal.shape[1], COLUMNS):
            columns = slice(start, start + COLUMNS)
            some = goal[:, columns]
            errors = np.stack([sum(np.square(some[ask] - ridge.guess(some[know], alpha)).sum(0)
                                   for ridge, know, ask in inner) for alpha in ALPHAS])  # fmt: skip
            guess = outer.guess(some[fit], ALPHAS[errors.argmin(0)])
            left[columns] += np.square(some[test] - guess).sum(0)
            whole[columns] += np.square(some[test] - some[fit].mean(0)).sum(0)
            yield None
    yield (1 - left / np.maximum(whole, 1e-9)).reshape(targets.shape[0], targets.shape[2])


def _scaled(fit: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both less the fitted half's mean, over the square root of its deviations (Pareto scaling; van den Berg et al.
    2006). What fires rarely keeps a say, without counting for more than all else where it fires in held-out play."""
    mean, deviation = fit.mean(0), fit.std(0)
    alive = deviation > 1e-6 * max(float(deviation.max(initial=0)), 1e-30)
    scale = np.sqrt(deviation[alive] * (deviation[alive].mean() if alive.any() else 1))
    return tuple((part[:, alive] - mean[alive]) / scale for part in (fit, test))


class Ridge:
    """Ridge regressions with an intercept from ``known`` (n, features), of which ``asked`` (m, features) are to be
    guessed: by one eigendecomposition for every penalty, of features or, where there are more of these, of moments
    (the dual: Saunders et al. 1998, eq. 13)."""

    def __init__(self, known: np.ndarray, asked: np.ndarray):
        from scipy.linalg import eigh

        mean, size = known.mean(0), np.float32(max(1, known.shape[1]) ** 0.5)
        known, asked = (known - mean) / size, (asked - mean) / size
        dual = known.shape[1] > known.shape[0]
        self._values, vectors = eigh(known @ known.T if dual else known.T @ known, check_finite=False, driver="evd")
        self._turn = vectors.T if dual else (known @ vectors).T
        self._asked = asked @ (known.T @ vectors if dual else vectors)

    def guess(self, goal: np.ndarray, alpha: np.ndarray | np.float32) -> np.ndarray:
        """(m, targets), from (n, targets). alpha: the penalty, or each target's; of numbers whose squares sum to 1."""
        mean = goal.mean(0)
        turned = self._turn @ (goal - mean)
        return self._asked @ (turned / (np.maximum(self._values, 0)[:, None] + alpha)) + mean


def _rows(name: str, chosen: list[int], score: np.ndarray, previous: np.ndarray) -> list[Probe]:
    from scipy.stats import false_discovery_control

    shuffled = score[1:]
    p = (1 + (shuffled >= score[0]).sum(0)) / (1 + len(shuffled))
    p = false_discovery_control(p)
    chance = np.quantile(shuffled, 0.95, axis=0)
    return [Probe(name, byte, float(score[0, i]), float(chance[i]), float(p[i]), float(previous[i]))
            for i, byte in enumerate(chosen)]  # fmt: skip


def _previous(numbers: np.ndarray, run: np.ndarray) -> np.ndarray:
    """(bytes,) R² of each byte's value a step before."""
    follows = np.flatnonzero(np.diff(run) == 0) + 1
    now, before = numbers[follows], numbers[follows - 1]
    whole = np.square(now - now.mean(0)).sum(0) if len(now) else np.zeros(numbers.shape[1])
    return 1 - np.divide(np.square(now - before).sum(0), whole, out=np.ones_like(whole), where=whole > 0)


def _sentence(division: Split, moments: int, bytes_: int, shifts: int, still: list[int]) -> str:
    halves = f"two halves of {moments:,} moments ({' and '.join(map(str, division.counts))} {division.by}"
    gaps = ", with gaps between)" if division.by == "blocks" else ")"
    rest = f" Byte {', '.join(map(str, still))} does not vary in both." if still else ""
    return (f"{bytes_} RAM bytes: R² is held-out, each of {halves}{gaps} is predicted from the other; p is against "
            f"{shifts} shifts of time.{rest}")  # fmt: skip
