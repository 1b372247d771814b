"""How a network's layers became what they are: the record, and how it is drawn, tabled and saved. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo_gui.analysis.similarity_record import METHODS


@dataclass(frozen=True)
class Stages:
    """Each layer at each stage of a training, compared with the same layer of the last stage at the same moments.

    method: of METHODS. title: of the last stage's agent. tags, titles: of the stages, in the order of training.
    frames: (S,) float64, million emulator frames of training, nan unknown; scores: (S,) float64, mean of the card, nan
    unknown. layers: of the last stage. values, chance, chance_95, p_value: (S, L) float64, as in Similarity; nan where
    a layer is not computed yet, never varies, or is not there. n: moments. remarks: sentences on what is missing.
    """

    method: str
    title: str
    tags: tuple[str, ...]
    titles: tuple[str, ...]
    frames: np.ndarray
    scores: np.ndarray
    layers: tuple[str, ...]
    values: np.ndarray
    chance: np.ndarray
    chance_95: np.ndarray
    p_value: np.ndarray
    n: int
    remarks: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """In words: which layer was nearest to its end at the first stage, and which farthest."""
        first = self.values[0]
        words = f"{METHODS[self.method]} with the last stage at {self.n:,} moments"
        if not np.isfinite(first).any():
            return f"{words}."
        near, far = int(np.nanargmax(first)), int(np.nanargmin(first))
        return (
            f"{words}: at {self.tags[0]} {self.layers[near]} is nearest to its end ({first[near]:.2f}), "
            f"{self.layers[far]} farthest ({first[far]:.2f})."
        )

    def draw(self, figure: Any) -> None:
        """A line for each layer over the stages, what chance gives dotted in its colour; the score below, where known.
        """
        scored = bool(np.isfinite(self.scores).any())
        figure.set_size_inches(max(4.8, 2.2 + 0.9 * len(self.tags)), 3.6 + 1.2 * scored)
        axes = figure.subplots(2 if scored else 1, 1, squeeze=False, sharex=True, height_ratios=[3, 1][: 1 + scored])
        axis, places = axes[0, 0], np.arange(len(self.tags))
        for number, name in enumerate(self.layers):
            colour, marker = f"C{number % 10}", "osD^vPX*<>"[number % 10]
            axis.plot(places, self.values[:, number], color=colour, marker=marker, label=name, linewidth=1.4)
            axis.plot(places, self.chance[:, number], color=colour, linestyle=":", linewidth=0.9)
        axis.set_ylim(min(0.0, np.nanmin(self.values, initial=0.0)) - 0.02, 1.03)
        axis.set_ylabel(f"{METHODS[self.method]} with {self.tags[-1]}", fontsize=8)
        axis.legend(fontsize=7, title="dotted: by chance", title_fontsize=6)
        if scored:
            axes[1, 0].plot(places, self.scores, color="black", marker="o", linewidth=1.2)
            axes[1, 0].set_ylabel("score", fontsize=8)
        axes[-1, 0].set_xticks(places, self.tags, fontsize=8)
        axes[-1, 0].set_xlabel("stage of training (millions of emulator frames)", fontsize=8)
        axis.set_title("\n".join((self.title, self.sentence, *self.remarks)), fontsize=7, wrap=True)

    def table(self) -> list[dict[str, Any]]:
        """A row for each stage and layer."""
        return [
            {
                "stage": tag, "million_frames": float(self.frames[row]), "score": float(self.scores[row]),
                "layer": name, "method": self.method, "similarity": float(self.values[row, column]),
                "chance": float(self.chance[row, column]), "chance_95": float(self.chance_95[row, column]),
                "p_value": float(self.p_value[row, column]), "moments": self.n,
            }
            for row, tag in enumerate(self.tags) for column, name in enumerate(self.layers)
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """values, chance, chance_95, p_value (S, L); frames, scores, tags (S,); layers, method, n."""
        return {
            "values": self.values, "chance": self.chance, "chance_95": self.chance_95, "p_value": self.p_value,
            "frames": self.frames, "scores": self.scores, "tags": np.array(self.tags),
            "layers": np.array(self.layers), "method": np.array(self.method), "n": np.int64(self.n),
        }  # fmt: skip
