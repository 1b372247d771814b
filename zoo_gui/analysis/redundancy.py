"""Which units say nothing, or nothing that others do not say?

Four questions of each layer, about its units' peaks in many moments: who never fires; who is never off; who rises and
falls as another one does; and whom the other units of the layer predict together, by ridge regression in play that the
regression was not fitted to. Of a map only its largest activation is compared: two channels that agree on how much may
still differ on where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.recorded import chosen_layers, one_core, peaks, usable
from zoo_gui.analysis.search_statistics import split
from zoo_gui.play.moments import Moments
from zoo_gui.types import LayerInfo, Unit

SILENT = 1e-3
"""Of the layer's largest activation: a rectified unit that never exceeds it is dead."""
STILL = 0.01
"""A unit whose values stay within this share of its largest magnitude does not change."""
ALIKE = 0.99
PREDICTED = 0.95
LEAST_FIRING = 10
"""Moments: units that fire at fewer are not compared, since two that fire once together are perfectly correlated."""
RIDGE = 1e-3


class Predicted(NamedTuple):
    """A unit that the others of its layer predict: r2 held-out, 1: exactly."""

    unit: Unit
    r2: float


@dataclass(frozen=True)
class Redundancy:
    """dead: units that never fire, or without rectifier never change. never_off: that fire at every moment, so that
    their rectifier does nothing; of maps and units without rectifier: whose peak hardly changes. duplicates: groups of
    units of one layer, each correlated above 0.99, up to sign, with another of its group. redundant: units that the
    others of their layer predict. rare: units that fire too rarely to be compared. layers: {name: units}."""

    dead: tuple[Unit, ...]
    never_off: tuple[Unit, ...]
    duplicates: tuple[tuple[Unit, ...], ...]
    redundant: tuple[Predicted, ...]
    rare: tuple[Unit, ...]
    layers: dict[str, int]
    moments: int
    sentence: str

    def table(self) -> list[dict[str, Any]]:
        """One row for each finding: unit, finding, r2, with."""
        rows = [{"unit": str(unit), "finding": "dead"} for unit in self.dead]
        rows += [{"unit": str(unit), "finding": "never off"} for unit in self.never_off]
        rows += [{"unit": str(unit), "finding": "rare"} for unit in self.rare]
        rows += [{"unit": str(unit), "finding": "duplicate", "with": " ".join(str(o) for o in group if o != unit)}
                 for group in self.duplicates for unit in group]  # fmt: skip
        rows += [{"unit": str(unit), "finding": "redundant", "r2": r2} for unit, r2 in self.redundant]
        return [{"unit": "", "finding": "", "with": "", "r2": None} | row for row in rows]

    def draw(self, figure: Any) -> None:
        """How many units of each layer there are of each kind."""
        kinds = {"dead": self.dead, "never off": self.never_off, "rare": self.rare,
                 "duplicate": [unit for group in self.duplicates for unit in group],
                 "redundant": [row.unit for row in self.redundant]}  # fmt: skip
        figure.set_size_inches(6.4, 1.4 + 0.7 * len(self.layers))
        axis = figure.subplots()
        names, height = list(self.layers), 0.8 / len(kinds)
        for number, (kind, units) in enumerate(kinds.items()):
            shares = [sum(unit.layer == name for unit in units) / self.layers[name] for name in names]
            axis.barh(np.arange(len(names)) + number * height, shares, height, label=kind)
        axis.set_yticks(np.arange(len(names)) + 0.4 - height / 2, [f"{n} ({c})" for n, c in self.layers.items()])
        axis.set_xlim(0, 1)
        axis.set_xlabel("share of the layer’s units")
        axis.invert_yaxis()
        axis.legend(fontsize=7)
        axis.set_title(self.sentence, fontsize=8, wrap=True)


@ANALYSES.register("redundancy")
def redundancy(agent: Any, *, moments: Moments, layers: Sequence[str] = ()) -> Iterator[Progress]:
    """Dead, never changing, duplicate and predictable units; the last Progress has a Redundancy. layers: () all but
    groups.

    Moments under an intervention, or without a full stack of frames, are left out. Raises ZooError: an unknown layer,
    or no usable moment.
    """
    rows, infos = usable(moments), chosen_layers(agent, layers)
    for progress in peaks(agent, moments, rows, infos):
        if progress.result is None:
            yield progress
    measured = progress.result
    division = split(moments, rows, np.zeros(len(rows)))
    halves = [np.flatnonzero(division.half == number) for number in (0, 1)]
    found: dict[str, list] = {"dead": [], "never_off": [], "duplicates": [], "redundant": [], "rare": []}
    for number, info in enumerate(infos):
        yield Progress(number, len(infos), f"comparing {info.name}")
        with one_core():
            compared = _of_layer(info, measured[info.name][0], halves)
        for kind, units in compared.items():
            found[kind] += units
    counts = {info.name: info.units for info in infos}
    sentence = _sentence(found, sum(counts.values()), len(rows), division.by)
    result = Redundancy(**{kind: tuple(units) for kind, units in found.items()}, layers=counts, moments=len(rows),
                        sentence=sentence)  # fmt: skip
    yield Progress(len(infos), len(infos), sentence, result)


def _of_layer(info: LayerInfo, values: np.ndarray, halves: list[np.ndarray]) -> dict[str, list]:
    unit = lambda index: Unit(info.name, int(index))  # noqa: E731
    magnitude, spread = np.abs(values).max(0), np.ptp(values, axis=0)
    still = spread <= STILL * magnitude
    if info.signed:
        dead = spread <= 1e-6 * magnitude
        rare = np.zeros(info.units, bool)
    else:
        dead = values.max(0) <= SILENT * max(0.0, float(values.max(initial=0)))
        rare = ~dead & ((values > 0).sum(0) < LEAST_FIRING)
    never_off = still & ~dead
    if not info.signed and len(info.shape) == 1:
        never_off |= (values > 0).all(0) & ~dead
    compared = np.flatnonzero(~dead & ~rare & ~still)
    found = {"dead": [unit(i) for i in np.flatnonzero(dead)], "rare": [unit(i) for i in np.flatnonzero(rare)],
             "never_off": [unit(i) for i in np.flatnonzero(never_off)]}  # fmt: skip
    groups = duplicates(values[:, compared])
    found["duplicates"] = [tuple(unit(compared[i]) for i in group) for group in groups]
    scores = predicted(values[:, compared], *halves)
    found["redundant"] = [Predicted(unit(compared[i]), float(scores[i])) for i in np.argsort(-scores)
                          if scores[i] > PREDICTED]  # fmt: skip
    return found


def duplicates(values: np.ndarray, alike: float = ALIKE) -> list[list[int]]:
    """Groups of columns of (n, U) that are connected by correlations of at least that magnitude, larger ones first."""
    from scipy.sparse.csgraph import connected_components

    if values.shape[1] < 2 or len(values) < 2:
        return []
    count, label = connected_components(np.abs(np.corrcoef(values, rowvar=False)) >= alike, directed=False)
    groups = [np.flatnonzero(label == number).tolist() for number in range(count)]
    return sorted((group for group in groups if len(group) > 1), key=lambda group: (-len(group), group))


def predicted(values: np.ndarray, fit: np.ndarray, held: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """(U,) held-out R² of each column of (n, U) from all others, by ridge regression fitted at the rows ``fit``.

    All U regressions at once: with M = XᵀX / n + ridge · 1 of standardised columns, the coefficients of column j are
    −M⁻¹ₖⱼ / M⁻¹ⱼⱼ (the regressions in a precision matrix; Meinshausen & Bühlmann 2006, eq. 2).
    """
    units = values.shape[1]
    if units < 2 or len(fit) < 2 or len(held) < 2:
        return np.zeros(units)
    mean, deviation = values[fit].mean(0, dtype=float), values[fit].std(0, dtype=float)
    scaled = (values - mean) / np.where(deviation > 0, deviation, 1)
    inverse = np.linalg.inv(scaled[fit].T @ scaled[fit] / len(fit) + ridge * np.eye(units))
    coefficients = -inverse / np.diag(inverse)
    np.fill_diagonal(coefficients, 0)
    test = scaled[held]
    rest = np.square(test - test @ coefficients).sum(0)
    whole = np.square(test - test.mean(0)).sum(0)
    return 1 - np.divide(rest, whole, out=np.full(units, np.inf), where=whole > 0)


def _sentence(found: dict[str, list], units: int, moments: int, by: str) -> str:
    alike = sum(len(group) for group in found["duplicates"])
    groups = len(found["duplicates"])
    return (
        f"Of {units:,} units in {moments:,} moments {len(found['dead'])} are dead and {len(found['never_off'])} never "
        f"off; {alike} are duplicates, in {groups} group{'' if groups == 1 else 's'}; {len(found['redundant'])} are "
        f"predicted by the others of their layer in held-out {by}; {len(found['rare'])} fire too rarely to tell."
    )
