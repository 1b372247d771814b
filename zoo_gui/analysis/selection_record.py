"""What is common to chosen moments: the record, and how it is drawn, tabled and saved. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple

import numpy as np

from zoo_gui.naming import readable_action
from zoo_gui.types import Unit

DRAWN_UNITS = 12


class UnitEffect(NamedTuple):
    """A unit inside and outside of the chosen moments. effect: Cohen's d. inside, outside: its mean activations."""

    unit: Unit
    effect: float
    inside: float
    outside: float


@dataclass(frozen=True)
class Selection:
    """Moments of one agent that were chosen, beside the other moments of it that could have been.

    title: of the agent. inside, outside: how many moments. lost: chosen ones that are no longer kept. episodes, runs:
    in how many games the chosen ones lie, and in how many stretches of consecutive moments: these, rather than the
    moments, are what is independent.
    mean, mean_outside: (h, w, C) float32 in 0–1, oldest frame first, the mean of what the network saw. pictured: of how
    many moments these means are. frame_channels: of each frame, 3 where it is in colour.
    action_names; actions, actions_outside: (A,) int, how often each was done.
    numbers: {``value``, ``reward``, ``episode_return``: (mean inside, mean outside)}, nan where undefined.
    layers: names; effects, means, means_outside: {layer: (units,) float64}: Cohen's d between inside and outside, nan
    for a unit that never varies, and the means of its activation, of a map its largest.
    """

    title: str
    inside: int
    outside: int
    lost: int
    episodes: int
    runs: int
    mean: np.ndarray
    mean_outside: np.ndarray
    pictured: tuple[int, int]
    frame_channels: int
    action_names: tuple[str, ...]
    actions: np.ndarray
    actions_outside: np.ndarray
    numbers: Mapping[str, tuple[float, float]]
    layers: tuple[str, ...]
    effects: Mapping[str, np.ndarray]
    means: Mapping[str, np.ndarray]
    means_outside: Mapping[str, np.ndarray]

    @property
    def sentence(self) -> str:
        """In words."""
        lost = f" {self.lost:,} more are no longer kept." if self.lost else ""
        games = f"{self.episodes:,} {'game' if self.episodes == 1 else 'games'}"
        stretches = f"{self.runs:,} {'stretch' if self.runs == 1 else 'stretches'}"
        return f"{self.inside:,} of {self.inside + self.outside:,} moments, {stretches} of {games}.{lost}"

    def strongest(self, count: int, layer: str = "") -> tuple[UnitEffect, ...]:
        """Up to so many units of a layer, "" of all, that differ most, in either direction; the most first."""
        names = (layer,) if layer else self.layers
        found = [
            UnitEffect(Unit(name, int(index)), *(float(part[name][index]) for part in parts))
            for name in names for parts in [(self.effects, self.means, self.means_outside)]
            for index in np.flatnonzero(~np.isnan(self.effects[name]))
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda one: (-abs(one.effect), names.index(one.unit.layer), one.unit.index)))[
            :count
        ]

    def table(self) -> list[dict[str, Any]]:
        """One row for each unit."""
        return [
            {"layer": name, "unit": index, "effect": float(self.effects[name][index]),
             "mean_inside": float(self.means[name][index]), "mean_outside": float(self.means_outside[name][index]),
             "moments_inside": self.inside, "moments_outside": self.outside}
            for name in self.layers for index in range(len(self.effects[name]))
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, by name."""
        found = {
            "mean_input": self.mean, "mean_input_outside": self.mean_outside, "actions": self.actions,
            "actions_outside": self.actions_outside, "action_names": np.array(self.action_names),
            "moments": np.array([self.inside, self.outside, self.lost]),
        }  # fmt: skip
        for name in self.layers:
            found |= {f"effect_{name}": self.effects[name], f"mean_{name}": self.means[name],
                      f"mean_outside_{name}": self.means_outside[name]}  # fmt: skip
        return found

    def draw(self, figure: Any) -> None:
        """The mean input inside, outside and their difference; the actions; the units that differ most."""
        figure.set_size_inches(9.0, 5.2)
        figure.suptitle(f"{self.title}: {self.sentence}", fontsize=9)
        above, below = figure.subfigures(2, 1, height_ratios=(1, 1.25))
        newest, rest = (part[..., -self.frame_channels :] for part in (self.mean, self.mean_outside))
        for axis, picture, words in zip(above.subplots(1, 3), (newest, rest, newest - rest),
                                        ("mean input of these", "of the others", "difference")):  # fmt: skip
            axis.set_axis_off()
            axis.set_title(words, fontsize=8)
            if words == "difference":
                flat = picture.mean(-1)
                level = max(16 / 255, float(np.abs(flat).max(initial=0)))
                shown = axis.imshow(flat, cmap="PuOr_r", vmin=-level, vmax=level)
                above.colorbar(shown, ax=axis, shrink=0.8)
            else:
                axis.imshow(picture if self.frame_channels == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=1)
        bars, units = below.subplots(1, 2)
        self._draw_actions(bars)
        self._draw_units(units)

    def _draw_actions(self, axis: Any) -> None:
        places = np.arange(len(self.action_names))
        for shift, counts, colour, hatch, words in (
            (-0.2, self.actions, "#0072B2", "", "these"), (0.2, self.actions_outside, "#BBBBBB", "///", "the others"),
        ):  # fmt: skip
            axis.barh(places + shift, counts / max(1, counts.sum()), 0.4, color=colour, hatch=hatch, label=words)
        axis.set_yticks(places, [readable_action(name) for name in self.action_names], fontsize=7)
        axis.invert_yaxis()
        axis.set_xlabel("share of the moments", fontsize=8)
        axis.legend(fontsize=7)

    def _draw_units(self, axis: Any) -> None:
        best = self.strongest(DRAWN_UNITS)
        places = np.arange(len(best))
        shown = [np.clip(one.effect, -10, 10) for one in best]
        axis.barh(places, shown, color=["#E69F00" if value > 0 else "#0072B2" for value in shown])
        axis.set_yticks(places, [str(one.unit) for one in best], fontsize=7)
        axis.invert_yaxis()
        axis.axvline(0, color="black", linewidth=0.6)
        axis.set_xlabel("Cohen's d of the activation, these less the others", fontsize=8)
