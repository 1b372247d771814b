"""Several methods' answers to one question as one result: a figure as the window shows it, a table, the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui import overlays
from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.attribution import attributions
from zoo_gui.analysis.attribution_record import Attribution
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError

COLUMNS = 4


@dataclass(frozen=True)
class AttributionGrid:
    """found: the answers, of one target at one observation. frames: how the frames of a map become one picture, a key
    of ``overlays.FRAMES``. frame_channels, observation_range: of the observation, as in LaneInfo."""

    found: tuple[Attribution, ...]
    frames: str = "sum"
    frame_channels: int = 1
    observation_range: tuple[float, float] = (0.0, 255.0)

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: each method's map over the newest frame, or over each (``frames`` is ``each``)."""
        drawn = [self._pictures(record) for record in self.found]
        each = self.frames == "each"
        columns = max(len(pictures) for pictures, _ in drawn) if each else min(COLUMNS, len(drawn))
        rows = len(drawn) if each else -(-len(drawn) // columns)
        figure.set_size_inches(2.3 * columns + 0.6, 2.4 * rows + 0.5)
        axes = figure.subplots(rows, columns, squeeze=False)
        for axis in axes.ravel():
            axis.set_axis_off()
        for place, (record, (pictures, high)) in enumerate(zip(self.found, drawn)):
            mine = axes[place] if each else axes.ravel()[place:place + 1]
            for axis, picture in zip(mine, pictures):
                axis.imshow(picture)
            mine[0].set_title(record.title, fontsize=9)
            self._bar(figure, mine, record.signed, high)
        first = self.found[0]
        figure.suptitle(f"{first.target} = {first.score:.3g}" if np.isfinite(first.score) else first.target, fontsize=9)

    def _pictures(self, record: Attribution) -> tuple[list[np.ndarray], float]:
        """(h, w, 3) uint8 RGB each, and what full colour stands for."""
        shown = overlays.overlay(record.map, record.signed, self.frame_channels)
        planes = overlays.pictured(shown, self.frames)
        high = max(overlays.high_end(plane) for plane in planes)
        pictures = [overlays.over(record.observation, plane, high, frame - len(planes), self.frame_channels,
                                  self.observation_range) for frame, plane in enumerate(planes)]  # fmt: skip
        return [picture[..., 2::-1] for picture in pictures], high

    def _bar(self, figure: Any, axes: Any, signed: bool, high: float) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import ListedColormap, Normalize

        table = overlays.colours(signed).view(np.uint8).reshape(-1, 4)[:, 2::-1] / 255
        scale = Normalize(-high if signed else 0.0, high or 1.0)
        bar = figure.colorbar(ScalarMappable(scale, ListedColormap(table)), ax=list(axes), shrink=0.7, aspect=12)
        bar.ax.tick_params(labelsize=6)

    def table(self) -> list[dict[str, Any]]:
        """The rows of all answers."""
        return [row for record in self.found for row in record.table()]

    def arrays(self) -> dict[str, np.ndarray]:
        """The observation, and each method's map by its name."""
        return {"observation": self.found[0].observation, **{record.method: record.map for record in self.found}}


@ANALYSES.register("attribution_grid")
def attribution_grid(
    agent: Any, *, observation: np.ndarray, methods: Sequence[str] = (), frames: str = "sum", **question: Any
) -> Iterator[Progress]:
    """``attributions`` with all answers in one AttributionGrid, which the last Progress has.

    frames: as in ``AttributionGrid``. Raises ZooError, as ``attributions`` does, and for other frames.
    """
    if frames not in overlays.FRAMES:
        raise unknown("way to show frames", frames, overlays.FRAMES)
    found, progress = [], Progress(0, 1)
    for progress in attributions(agent, observation=observation, methods=methods, **question):
        if progress.result is not None:
            found.append(progress.result)
        yield Progress(progress.done, progress.total + 1, progress.label)
    if not found:
        raise ZooError("No method can answer this of this network: ask for an action, the value or a unit.")
    spec = agent.card.preprocessing
    channels = 3 if spec.color == "rgb" else 1
    made = AttributionGrid(tuple(found), frames, channels, tuple(agent.observation_range))
    yield Progress(progress.total + 1, progress.total + 1, "all methods", made)
