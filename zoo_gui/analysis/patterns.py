"""What does every unit of a layer look for? Optimised observations of a whole layer, many at once.

As ``feature_vis`` makes one, with fewer steps and several units in each step of Adam. Importing this module imports
neither TensorFlow nor Lucid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo_gui.analysis import vis_figures
from zoo_gui.types import read_only


@dataclass(frozen=True)
class Patterns:
    """Optimised images of a layer's units. A record on the way holds only what is new since the one before.

    units: whose images these are. images: (n, h, w, C) float32 in 0–1, oldest frame first, read-only.
    activations: (n,) float64, each unit's at its image without transforms (see FeatureVis).
    done: all units finished so far, this record's included, in the order in which they were finished.
    steps: of Adam for each unit. pre_activation: whether the activations are before the non-linearity.
    frame_channels: of each frame in an image. agent: the agent's id or path.
    """

    layer: str
    units: tuple[int, ...]
    images: np.ndarray
    activations: np.ndarray
    done: tuple[int, ...]
    steps: int = 0
    pre_activation: bool = False
    frame_channels: int = 1
    agent: str = ""

    def after(self, earlier: "Patterns | None") -> "Patterns":
        """This record and an earlier one of the same run as one."""
        if earlier is None:
            return self
        return Patterns(
            self.layer, earlier.units + self.units, read_only(np.concatenate([earlier.images, self.images])),
            read_only(np.concatenate([earlier.activations, self.activations])), self.done, self.steps,
            self.pre_activation, self.frame_channels, self.agent,
        )  # fmt: skip

    def draw(self, figure: Any, show: str = "newest") -> None:
        """Fill a matplotlib Figure with a numbered contact sheet, by the units' numbers. Raises ZooError.

        show: ``newest`` frame, all ``frames`` side by side, or the ``difference`` newest − oldest.
        """
        order = np.argsort(self.units)
        heading = f"{self.agent} · {self.layer} · {self.steps} steps"
        numbers = [self.units[i] for i in order]
        vis_figures.draw_sheet(figure, self.images[order], numbers, self.frame_channels, heading, show)

    def table(self) -> list[dict[str, Any]]:
        """One row for each unit, by number."""
        rows = [
            {"agent": self.agent, "unit": f"{self.layer}:{unit}", "steps": self.steps, "activation": float(value),
             "pre_activation": self.pre_activation}
            for unit, value in sorted(zip(self.units, self.activations))
        ]  # fmt: skip
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """``units`` (n,), ``images`` (n, h, w, C) and ``activations`` (n,)."""
        return {"units": np.array(self.units, int), "images": self.images, "activations": self.activations}
