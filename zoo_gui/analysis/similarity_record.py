"""What comparing layers gives: the records, and how they are drawn, tabled and saved. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

METHODS = {"cka": "linear CKA", "debiased": "linear CKA, debiased", "svcca": "SVCCA"}
"""Method → what people read."""


@dataclass(frozen=True)
class Similarity:
    """How alike each layer of one agent is to each of another's, at the same moments.

    method: of METHODS. titles: of the two agents. layers: their layers' names, in their networks' order. values:
    (La, Lb) float64, 1: the same but for rotation and scale; nan where it is not computed yet, or a layer never varies.
    chance, chance_95: the same shape, mean and 95th percentile of what the method gives where one side's moments are
    moved in time. p_value: share of these moves that give as much, the true one counted among them. kept: for each
    side, by layer, the directions that SVCCA kept and the share of the variance that they hold; () of other methods.
    n: moments. shifts: moves in time for each pair. remarks: sentences about layers that cannot be compared.
    """

    method: str
    titles: tuple[str, str]
    layers: tuple[tuple[str, ...], tuple[str, ...]]
    values: np.ndarray
    chance: np.ndarray
    chance_95: np.ndarray
    p_value: np.ndarray
    n: int
    shifts: int
    kept: tuple[tuple[tuple[int, float], ...], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every pair that can be compared is."""
        return self.computed == self.values.size

    @property
    def computed(self) -> int:
        """Pairs that are computed; those that cannot be are counted, with p_value 1."""
        return int(np.isfinite(self.p_value).sum())

    @property
    def sentence(self) -> str:
        """In words."""
        words = f"{METHODS[self.method]} at {self.n:,} moments"
        if not np.isfinite(self.values).any():
            return f"{words}: nothing to compare yet." if not self.complete else f"{words}: no layer varies."
        row, column = np.unravel_index(np.nanargmax(self.values), self.values.shape)
        return (
            f"{words}: most alike are {self.layers[0][row]} and {self.layers[1][column]}, "
            f"{self.values[row, column]:.2f} (by chance {self.chance[row, column]:.2f})."
        )

    def most_similar(self, layer: str, side: int = 0) -> tuple[str, float] | None:
        """The other agent's layer that is most like this one of agent ``side``, and how much; None where none is known.
        """
        values = self.values if side == 0 else self.values.T
        row = values[self.layers[side].index(layer)] if layer in self.layers[side] else np.zeros(0)
        if not np.isfinite(row).any():
            return None
        best = int(np.nanargmax(row))
        return self.layers[1 - side][best], float(row[best])

    def draw(self, figure: Any) -> None:
        """A heat map with numbers; what is not above chance in brackets."""
        rows, columns = self.values.shape
        figure.set_size_inches(max(4.6, 2.4 + 0.62 * columns), max(3.2, 1.7 + 0.4 * rows))
        axis = figure.subplots()
        picture = axis.imshow(np.clip(self.values, 0, 1), cmap="viridis", vmin=0, vmax=1, aspect="auto")
        for row, column in np.argwhere(np.isfinite(self.values)):
            value = self.values[row, column]
            text = f"{value:.2f}" if self.p_value[row, column] <= 0.05 else f"({value:.2f})"
            colour = "black" if value > 0.6 else "white"
            axis.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
        axis.set_xticks(range(columns), self.layers[1], rotation=45, ha="right", fontsize=8)
        axis.set_yticks(range(rows), self.layers[0], fontsize=8)
        axis.set_xlabel(self.titles[1], fontsize=8)
        axis.set_ylabel(self.titles[0], fontsize=8)
        figure.colorbar(picture, ax=axis, label=f"{METHODS[self.method]}  (brackets: p > 0.05)")
        axis.set_title("\n".join((self.sentence, *self.remarks)), fontsize=7, wrap=True)

    def table(self) -> list[dict[str, Any]]:
        """A row for each pair of layers."""
        return [
            {
                "agent": self.titles[0], "layer": name, "other_agent": self.titles[1], "other_layer": other,
                "method": self.method, "similarity": float(self.values[row, column]),
                "chance": float(self.chance[row, column]), "chance_95": float(self.chance_95[row, column]),
                "p_value": float(self.p_value[row, column]), "moments": self.n,
            }
            for row, name in enumerate(self.layers[0]) for column, other in enumerate(self.layers[1])
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """values, chance, chance_95, p_value (La, Lb); layers, other_layers, titles, method, n; directions and
        explained of each side where SVCCA kept some (``other_directions`` …)."""
        found = {
            "values": self.values, "chance": self.chance, "chance_95": self.chance_95, "p_value": self.p_value,
            "layers": np.array(self.layers[0]), "other_layers": np.array(self.layers[1]),
            "titles": np.array(self.titles), "method": np.array(self.method), "n": np.int64(self.n),
        }  # fmt: skip
        for prefix, kept in zip(("", "other_"), self.kept):
            found[f"{prefix}directions"] = np.array([count for count, _ in kept], np.int64)
            found[f"{prefix}explained"] = np.array([share for _, share in kept])
        return found
