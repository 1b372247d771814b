"""What grouping a layer's units gives: the record, and how it is drawn, tabled and saved. No scikit-learn here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo_gui import factors
from zoo_gui.types import LayerInfo

SHEET = 4
"""Top moments of each group that come with their frames."""


@dataclass(frozen=True)
class GroupMoment:
    """A moment in which a group is strong. moment: its id. strength: the group's largest there. map: (h, w) float32,
    its strength at each position; (1, 1) of a layer without positions. frame: (H, W, 3) uint8, the screen."""

    moment: int
    episode: int
    index: int
    strength: float
    map: np.ndarray
    frame: np.ndarray


@dataclass(frozen=True)
class Groups:
    """Groups of a layer's units that are active together: K factors of its activations, or of its attributions.

    layer: whose units; info: that layer. of: ``activations``, or the target whose attributions were factored.
    directions: (K, units) float32, not negative, of length 1; strongest group first.
    kernel: (units, K) float32: strengths are max(0, activations · kernel), see ``agents.groups.kernel_of``.
    shares: (K,) float32, ⟨X, s_k d_k⟩ / ‖X‖²: how much of what was factored each group accounts for; together 1 − error
    where the factors have settled. error: ‖X − Σ s d‖² / ‖X‖², the unexplained part (0–1).
    agreement: (K,) float32, Pearson correlation of a group's strength as the network gives it (``kernel``) with the
    factor's own, over what was factored; nan where either is constant.
    levels: (K,) float32, the 99.5th percentile of the strength where it is not 0, for displays; rest: the same of what
    no group explains. names: by their strongest units. colours: (K, 3) uint8 RGB.
    top: for each group its strongest moments, at most SHEET, from different stretches of play.
    moments, samples: how many moments were used, and how many rows (positions of maps) were factored. steps:
    iterations. screen, frame_box, observation: as in LaneInfo, to put maps onto frames. title: of the agent. seed: of
    the choice.
    """

    layer: str
    info: LayerInfo
    of: str
    directions: np.ndarray
    kernel: np.ndarray
    shares: np.ndarray
    error: float
    agreement: np.ndarray
    levels: np.ndarray
    rest: float
    names: tuple[str, ...]
    colours: np.ndarray
    top: tuple[tuple[GroupMoment, ...], ...]
    moments: int
    samples: int
    steps: int
    seed: int
    screen: tuple[int, int]
    observation: tuple[int, int]
    frame_box: tuple[int, int, int, int] | None = None
    title: str = ""

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.directions)

    @property
    def letters(self) -> str:
        """A letter for each: colour is never alone."""
        return factors.LETTERS[: self.count]

    def strongest(self, group: int, count: int = 5) -> list[tuple[int, float]]:
        """The units with the largest weights in a group, largest first, with their weights; none of 0."""
        weights = self.directions[group]
        order = np.argsort(-weights, kind="stable")[:count]
        return [(int(unit), float(weights[unit])) for unit in order if weights[unit] > 0]

    def strengths(self, activations: np.ndarray) -> np.ndarray:
        """(…, K) float32, of activations (…, units) of the layer."""
        return factors.strengths(activations, self.kernel)

    def picture(self, group: int, found: GroupMoment) -> np.ndarray:
        """(H, W, 3) uint8: a top moment's frame under the group's colour."""
        box = factors.on_screen(self.info, self.observation, self.screen, self.frame_box)
        level = max(float(self.levels[group]), 1e-12)
        return factors.overlay(found.frame, found.map[..., None] / level, self.colours[group : group + 1], box)

    def draw(self, figure: Any) -> None:
        """A row for each group: letter, name and share, its strongest moments with its map over them."""
        columns = max(1, *(len(row) for row in self.top))
        figure.set_size_inches(2.2 + 1.5 * columns, 0.6 + 1.3 * self.count)
        axes = figure.subplots(self.count, columns + 1, squeeze=False, width_ratios=[1.3, *[1] * columns])
        for axis in axes.ravel():
            axis.set_axis_off()
        for group, row in enumerate(axes):
            colour = self.colours[group] / 255
            row[0].text(0.02, 0.72, self.letters[group], color="black", fontsize=12, fontweight="bold",
                        bbox={"facecolor": colour, "edgecolor": "black", "boxstyle": "round"})  # fmt: skip
            row[0].text(0.02, 0.34, f"{self.names[group]}\n{self.shares[group]:.1%} explained", fontsize=7)
            for axis, found in zip(row[1:], self.top[group]):
                axis.imshow(self.picture(group, found), aspect=3 / 4 * self.screen[1] / self.screen[0])
                words = f"game {found.episode + 1}, step {found.index} · {found.strength:.3g}"
                axis.set_title(words, fontsize=6, pad=2)
        figure.suptitle(f"{self.title} · {self.layer}: groups of {self.of} · {self.error:.1%} unexplained", fontsize=8)

    def table(self) -> list[dict[str, Any]]:
        """A row for each group, and one for what is left."""
        rows = [
            {
                "group": self.letters[k], "name": self.names[k], "layer": self.layer, "of": self.of,
                "share": float(self.shares[k]), "agreement": float(self.agreement[k]),
                "units": " ".join(f"{unit}:{weight:.3f}" for unit, weight in self.strongest(k)),
                "moments": " ".join(str(found.moment) for found in self.top[k]),
            }
            for k in range(self.count)
        ]  # fmt: skip
        return [*rows, {"group": "", "name": "unexplained", "layer": self.layer, "of": self.of, "share": self.error}]

    def arrays(self) -> dict[str, np.ndarray]:
        """``directions``, ``kernel``, ``shares``, ``agreement``, ``error``, ``colours``, ``names``, ``layer`` and
        ``top_moments`` (−1: none)."""
        top = np.full((self.count, SHEET), -1, np.int64)
        for row, found in zip(top, self.top):
            row[: len(found)] = [one.moment for one in found]
        return {
            "directions": self.directions, "kernel": self.kernel, "shares": self.shares, "agreement": self.agreement,
            "error": np.float64(self.error), "colours": self.colours, "names": np.array(self.names),
            "layer": np.array(self.layer), "top_moments": top,
        }  # fmt: skip
