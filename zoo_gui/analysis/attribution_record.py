"""The answers of attribution methods: a map of the observation, and how to draw and write it. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import numpy as np


@dataclass(frozen=True)
class Attribution:
    """What one method says of one target at one observation; arrays are read-only.

    method: its name in METHODS; title: for people. target: as a person would write it. observation: (h, w, C), what was
    explained. map: float32, (h, w, C) with one map for each channel of the observation, oldest frame first, or
    (h, w, 1) for all frames together. signed: whether negative numbers mean something. scale: the largest magnitude in
    ``map``, 0 where nothing depends on the observation. options: all of the method's. seconds: what it took. score: the
    target's value at the observation, nan where the method has no single one. layer, values: of a method that looks at
    a layer, its name and what each of its activations adds, float32 (H, W, C) or (N,). error: of integrated gradients,
    their sum less the difference in the target that they should add up to, as a part of the larger of the two; None of
    other methods. action: the index of the action that is explained, None where none is.
    """

    method: str
    title: str
    target: str
    observation: np.ndarray
    map: np.ndarray
    signed: bool
    scale: float
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    score: float = float("nan")
    layer: str = ""
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    error: float | None = None
    action: int | None = None

    @property
    def flat(self) -> np.ndarray:
        """(h, w) float32: the sum over the map's channels where it is signed, else the largest of them."""
        return self.map.sum(-1) if self.signed else self.map.max(-1)

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: the observation's frames with the map over each, and a colour bar."""
        from zoo_gui.analysis.attribution_drawing import draw_attribution

        draw_attribution(figure, self)

    def table(self) -> list[dict[str, Any]]:
        """One row for each channel of the map: its sum, its largest magnitude, and where that is."""
        rows = []
        for channel in range(self.map.shape[-1]):
            part = self.map[..., channel]
            row, column = np.unravel_index(int(np.abs(part).argmax()), part.shape)
            rows.append({
                "method": self.method, "target": self.target, "channel": channel if self.map.shape[-1] > 1 else "all",
                "sum": float(part.sum()), "largest": float(part[row, column]), "row": int(row), "column": int(column),
                "score": self.score, "error": self.error, "seconds": round(self.seconds, 4),
            })  # fmt: skip
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """The map, the observation, and the layer's own numbers where the method has them."""
        found = {"map": self.map, "observation": self.observation, "score": np.float64(self.score)}
        if self.values.size:
            found["values"] = self.values
        return found


@dataclass(frozen=True)
class LiveMap:
    """A map that came beside the running game: of the moment with that id, for the lane's saliency. map, signed, scale:
    as in Attribution. seconds: what it took."""

    moment: int
    method: str
    target: str
    map: np.ndarray
    signed: bool
    scale: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Sanity:
    """How a method's map changes as the network's weights are replaced by random ones, from the outputs down.

    layers: of which the weights are random, in the order in which they became so; row i of ``maps`` (n, h, w), of
    ``correlations`` (Spearman's, of the magnitudes' ranks) and of ``similarities`` (SSIM, 1: the same picture) is what
    the map is with layers[: i + 1] random, beside ``original`` (h, w). total: how many layers there will be. passed:
    whether the map depends on the weights, None before the end. sentence: for people.
    """

    method: str
    title: str
    target: str
    signed: bool
    observation: np.ndarray
    original: np.ndarray
    layers: tuple[str, ...]
    maps: np.ndarray
    correlations: np.ndarray
    similarities: np.ndarray
    total: int
    passed: bool | None = None
    sentence: str = ""

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: the map as trained and after each layer."""
        from zoo_gui.analysis.attribution_drawing import draw_sanity

        draw_sanity(figure, self)

    def table(self) -> list[dict[str, Any]]:
        """One row for each layer that was randomised."""
        rows = zip(self.layers, self.correlations.tolist(), self.similarities.tolist())
        return [{"layer": layer, "rank correlation": one, "ssim": other} for layer, one, other in rows]

    def arrays(self) -> dict[str, np.ndarray]:
        """The maps and the two numbers of each."""
        return {"original": self.original, "maps": self.maps, "layers": np.array(self.layers),
                "correlations": self.correlations, "similarities": self.similarities}  # fmt: skip


@dataclass(frozen=True)
class Faithfulness:
    """What becomes of the target when the pixels that a map calls important go first, or come first.

    fractions: (n,) of the pixels, 0 to 1. deletion, insertion: (n,) the target's score when that part is filled, or
    when only that part is there. random_deletion, random_insertion: (n,) the mean over random orders of the same
    pixels. *_probability: the same of the explained action's probability (softmax of the scores). areas: {curve: the
    mean of its score along the way}: a good map has a small deletion and a large insertion, beside the random order's.
    """

    method: str
    title: str
    target: str
    fill: str
    map: np.ndarray
    action: int
    fractions: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray
    deletion_probability: np.ndarray
    insertion_probability: np.ndarray
    random_deletion_probability: np.ndarray
    random_insertion_probability: np.ndarray
    areas: Mapping[str, float]
    sentence: str

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: the curves of the score and of the probability."""
        from zoo_gui.analysis.attribution_drawing import draw_faithfulness

        draw_faithfulness(figure, self)

    def arrays(self) -> dict[str, np.ndarray]:
        """The curves, by their names."""
        names = [f"{random}{way}{kind}" for random in ("", "random_") for way in ("deletion", "insertion")
                 for kind in ("", "_probability")]  # fmt: skip
        return {"fractions": self.fractions, "map": self.map, **{name: getattr(self, name) for name in names}}

    def table(self) -> list[dict[str, Any]]:
        """One row for each fraction."""
        curves = {name: array for name, array in self.arrays().items() if name != "map"}
        return [dict(zip(curves, row)) for row in zip(*(array.tolist() for array in curves.values()))]


@dataclass(frozen=True)
class CoverTest:
    """A claim put to the test: what the agent would do with a region covered, beside regions of its size elsewhere.

    boxes: (top, left, height, width) each, in observation pixels. before, after: (A,) float32, probabilities of a
    policy or Q-values. action_before, action_after: the likeliest action. value_before, value_after: nan without one.
    change: how much the covered region changes the agent: the total variation distance of two policies (0 to 1), of a Q
    agent the largest change of a Q-value. controls: (n, boxes, 4) int64, the same boxes at random places;
    control_changes: (n,), and control_actions: (n,) the likeliest action with each. share: of the controls that change
    it at least as much, (count + 1) / (n + 1): small where the region matters more than chance. sentence: for people.
    """

    observation: np.ndarray
    covered: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]
    fill: str
    action_names: tuple[str, ...]
    scores_kind: str
    before: np.ndarray
    after: np.ndarray
    action_before: int
    action_after: int
    value_before: float
    value_after: float
    change: float
    controls: np.ndarray
    control_changes: np.ndarray
    control_actions: np.ndarray
    share: float
    sentence: str

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: what was covered, the actions before and after, and the controls' changes."""
        from zoo_gui.analysis.attribution_drawing import draw_cover

        draw_cover(figure, self)

    def table(self) -> list[dict[str, Any]]:
        """One row for each action: before and after."""
        name = "q" if self.scores_kind == "q" else "probability"
        return [{"action": action, f"{name} before": float(a), f"{name} after": float(b)}
                for action, a, b in zip(self.action_names, self.before, self.after)]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """The observation, covered and not, and all changes."""
        return {"observation": self.observation, "covered": self.covered, "boxes": np.array(self.boxes),
                "before": self.before, "after": self.after, "controls": self.controls,
                "control_changes": self.control_changes}  # fmt: skip
