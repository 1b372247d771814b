"""An analysis in one file: which units of a layer are silent, and for what share of the moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.types import ZooError, read_only


@dataclass(frozen=True)
class Silence:
    """layer: its name. share: (units,) float64 in 0–1, of the moments at which a unit was 0 or less. moments: how many
    they are. ``export.write`` makes files of it by ``table``, ``arrays`` and ``draw``."""

    layer: str
    share: np.ndarray
    moments: int

    def table(self) -> list[dict[str, Any]]:
        return [{"unit": f"{self.layer}:{unit}", "silent": float(share)} for unit, share in enumerate(self.share)]

    def arrays(self) -> dict[str, np.ndarray]:
        return {"share": self.share}

    def draw(self, figure: Any) -> None:
        axis = figure.subplots()
        axis.bar(range(len(self.share)), np.sort(self.share)[::-1])
        axis.set_xlabel(f"units of {self.layer}, the most silent first")
        axis.set_ylabel(f"share of {self.moments:,} moments")


@ANALYSES.register("silence")
def silence(agent: Any, *, layer: str = "", moments: Any) -> Iterator[Progress]:
    """The Silence of a layer, by default the first. moments: a ``play.moments.Moments``. Raises ZooError.

    Yield at least every 50 ms of work: a job that is no longer wanted ends at a yield.
    """
    if not len(moments):
        raise ZooError("There are no moments yet: let the game run for a while.")
    layer = layer or agent.layers[0].name
    peaks = moments.peaks(layer)
    silent = np.zeros(peaks.shape[1])
    for start in range(0, len(peaks), 1000):
        silent += (peaks[start : start + 1000] <= 0).sum(0)
        yield Progress(start, len(peaks), "counting")
    yield Progress(len(peaks), len(peaks), "done", Silence(layer, read_only(silent / len(peaks)), len(peaks)))
