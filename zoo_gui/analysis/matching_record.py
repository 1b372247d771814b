"""What matching units gives: the records, and how they are drawn, tabled and saved. No TensorFlow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoo_gui.types import Unit

SIGNIFICANT = 0.05
"""Share of false discoveries among the units of a layer that are said to have a counterpart."""
NOBODY = -1


class Counterpart(NamedTuple):
    """Another agent's unit that goes with a unit. r: their correlation. p_value: how often a unit as this one has a
    counterpart as good where time is shifted. significant: None while that is not known."""

    unit: Unit
    r: float
    p_value: float
    significant: bool | None


@dataclass(frozen=True)
class Side:
    """The units of one agent's layer, each (C,). best: the other layer's unit with the largest correlation; one: its
    partner in the one-to-one matching; NOBODY where a unit never varies, or nobody is left for it. r, one_r: the
    correlations. p_value, one_p_value: share of shifts in time in which the unit's *best* correlation is as large.
    q_value, one_q_value: these corrected for the number of units by their rate of false discoveries (Benjamini &
    Hochberg 1995). chance, chance_95: mean and 95th percentile of the unit's best correlation by chance. left_out:
    units that never vary, or fire too rarely. All nan where unknown."""

    best: np.ndarray
    r: np.ndarray
    one: np.ndarray
    one_r: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray
    one_p_value: np.ndarray
    one_q_value: np.ndarray
    chance: np.ndarray
    chance_95: np.ndarray
    left_out: np.ndarray

    @property
    def significant(self) -> np.ndarray:
        """(C,) bool: whose best match is beyond chance."""
        return self.q_value <= SIGNIFICANT


@dataclass(frozen=True)
class Pairing:
    """Two layers' units matched. layers: their names. over: what was correlated, ``moments and positions`` of maps of
    one shape, else ``moments``; samples: how many. correlations: (C, C') float32, Pearson's; nan of units that are left
    out. sides: of the first agent's layer and of the second's. by_chance: mean correlation of one-to-one matchings
    where time is shifted. shifts: how many; 0 while chance is not known."""

    layers: tuple[str, str]
    over: str
    samples: int
    correlations: np.ndarray
    sides: tuple[Side, Side]
    by_chance: float
    shifts: int

    @property
    def sentence(self) -> str:
        """In words, of the first agent's layer."""
        side = self.sides[0]
        there = np.isfinite(side.r)
        if not there.any():
            return f"{self.layers[0]} and {self.layers[1]}: no unit varies in both."
        words = f"{self.layers[0]} and {self.layers[1]}: mean r {side.r[there].mean():.2f}"
        if not self.shifts:
            return f"{words}."
        return (
            f"{words}, by chance {side.chance[there].mean():.2f}; {int(side.significant.sum())} of {len(side.r)} units "
            "have a counterpart beyond chance."
        )


@dataclass(frozen=True)
class Matching:
    """Units of one agent's layers and their counterparts in another's. titles: of the agents. n: moments. layers: the
    pairs of layers that were asked for. pairings: those that are new, or all in the last result (``after`` joins them).
    """

    titles: tuple[str, str]
    n: int
    layers: tuple[tuple[str, str], ...]
    pairings: tuple[Pairing, ...]

    def after(self, earlier: "Matching") -> "Matching":
        """With what was known before."""
        joined = {pairing.layers: pairing for pairing in (*earlier.pairings, *self.pairings)}
        return dataclasses.replace(self, pairings=tuple(joined[layers] for layers in self.layers if layers in joined))

    def counterpart(self, unit: Unit, side: int = 0, one_to_one: bool = False) -> Counterpart | None:
        """The other agent's unit that goes with a unit of agent ``side``; None where its layer was not matched, it is
        left out, or nobody is left for it."""
        for pairing in self.pairings:
            own = pairing.sides[side]
            if pairing.layers[side] != unit.layer or not 0 <= unit.index < len(own.best):
                continue
            partner, r, p, q = (
                (own.one, own.one_r, own.one_p_value, own.one_q_value) if one_to_one
                else (own.best, own.r, own.p_value, own.q_value)
            )  # fmt: skip
            if partner[unit.index] == NOBODY:
                return None
            known = bool(q[unit.index] <= SIGNIFICANT) if pairing.shifts else None
            other = Unit(pairing.layers[1 - side], int(partner[unit.index]))
            return Counterpart(other, float(r[unit.index]), float(p[unit.index]), known)
        return None

    @property
    def sentence(self) -> str:
        """In words."""
        sides = [pairing.sides[0] for pairing in self.pairings if pairing.shifts]
        found, units = sum(int(side.significant.sum()) for side in sides), sum(len(side.r) for side in sides)
        if not sides:
            return f"{self.titles[0]} and {self.titles[1]} at {self.n:,} moments: not known yet."
        return (
            f"{found} of {units} units of {self.titles[0]} have a counterpart in {self.titles[1]} beyond chance, at "
            f"{self.n:,} moments ({SIGNIFICANT:.0%} false discoveries)."
        )

    def draw(self, figure: Any) -> None:
        """For each pair of layers the units' correlations, largest first, beside those by chance."""
        columns = max(1, min(3, len(self.pairings)))
        rows = max(1, -(-len(self.pairings) // columns))
        figure.set_size_inches(0.8 + 2.8 * columns, 1.0 + 2.2 * rows)
        axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        for axis, pairing in zip(axes, self.pairings):
            side = pairing.sides[0]
            for values, style, label in (
                (side.r, "-", "best match"), (side.one_r, "--", "one to one"), (side.chance, ":", "by chance"),
                (side.chance_95, "-.", "95 % of chance"),
            ):  # fmt: skip
                values = np.sort(values[np.isfinite(values)])[::-1]
                axis.plot(np.arange(1, len(values) + 1), values, style, label=label, linewidth=1.2)
            axis.set_ylim(min(-0.05, axis.get_ylim()[0]), 1.05)
            axis.set_title(f"{pairing.layers[0]} – {pairing.layers[1]} · {int(side.significant.sum())} of "
                           f"{len(side.r)}", fontsize=7)  # fmt: skip
            axis.tick_params(labelsize=6)
        for axis in axes[len(self.pairings) :]:
            axis.set_axis_off()
        if self.pairings:
            axes[0].legend(fontsize=6)
        figure.supxlabel(f"units of {self.titles[0]}, best first", fontsize=7)
        figure.supylabel(f"correlation with {self.titles[1]}", fontsize=7)
        figure.suptitle(self.sentence, fontsize=7, wrap=True)

    def table(self) -> list[dict[str, Any]]:
        """A row for each unit of both agents."""
        rows = []
        for pairing in self.pairings:
            for number, side in enumerate(pairing.sides):
                layer, other = pairing.layers[number], pairing.layers[1 - number]
                for index in range(len(side.best)):
                    best, one = side.best[index], side.one[index]
                    rows.append({
                        "agent": self.titles[number], "unit": f"{layer}:{index}",
                        "counterpart": "" if best == NOBODY else f"{other}:{best}", "r": float(side.r[index]),
                        "chance_95": float(side.chance_95[index]), "p_value": float(side.p_value[index]),
                        "q_value": float(side.q_value[index]),
                        "one_to_one": "" if one == NOBODY else f"{other}:{one}", "one_r": float(side.one_r[index]),
                        "one_p_value": float(side.one_p_value[index]), "left_out": bool(side.left_out[index]),
                        "over": pairing.over,
                    })  # fmt: skip
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """For each pair of layers, as ``conv1_conv1_…``: correlations (C, C'), and of each side's units, as
        ``conv1_conv1_0_best``, the fields of Side; n, titles."""
        found = {"n": np.int64(self.n), "titles": np.array(self.titles)}
        for pairing in self.pairings:
            name = "_".join(pairing.layers)
            found[f"{name}_correlations"] = pairing.correlations
            for number, side in enumerate(pairing.sides):
                for field in dataclasses.fields(side):
                    found[f"{name}_{number}_{field.name}"] = getattr(side, field.name)
        return found
