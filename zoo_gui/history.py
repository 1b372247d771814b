"""What every step of a sitting left in numbers, per lane: the source of the plots."""

from __future__ import annotations

import numpy as np

from zoo_gui.types import StepSummary, Unit

COLUMNS = StepSummary._fields[:-1]


class History:
    """The last ``capacity`` steps as NumPy columns; memory is allocated once, so a long sitting stays flat.

    ``column(name)`` for the names in COLUMNS and ``pinned(unit)`` give float64 arrays, oldest step first, all of the
    same length; a pinned unit is nan at steps before it was pinned.
    """

    def __init__(self, capacity: int = 20_000):
        self._rows = np.full((2 * capacity, len(COLUMNS)), np.nan)
        self._pins: dict[Unit, np.ndarray] = {}
        self._capacity, self._end, self._gone = capacity, 0, 0

    def __len__(self) -> int:
        return min(self._end, self._capacity)

    @property
    def appended(self) -> int:
        """How many steps there were, those that are no longer kept among them."""
        return self._gone + self._end

    def append(self, summaries: list[StepSummary], pins: tuple[Unit, ...] = ()) -> None:
        """Add steps; ``pins`` names the units behind each summary's ``pinned`` values."""
        for summary in summaries:
            if self._end == len(self._rows):
                self._compact()
            self._rows[self._end] = summary[:-1]
            for unit, value in zip(pins, summary.pinned):
                if unit not in self._pins:
                    self._pins[unit] = np.full(len(self._rows), np.nan)
                self._pins[unit][self._end] = value
            self._end += 1

    def _compact(self) -> None:
        """Move the newest half to the front; amortised, appending costs O(1)."""
        keep = self._capacity
        for array in (self._rows, *self._pins.values()):
            array[:keep] = array[-keep:].copy()
            array[keep:] = np.nan
        self._gone += self._end - keep
        self._end = keep

    def column(self, name: str, last: int | None = None) -> np.ndarray:
        """One column of the newest ``last`` steps (default: all kept)."""
        return self._rows[self._start(last):self._end, COLUMNS.index(name)]

    def pinned(self, unit: Unit, last: int | None = None) -> np.ndarray:
        """Activation of a unit while it was pinned (nan otherwise)."""
        if unit not in self._pins:
            return np.full(self._end - self._start(last), np.nan)
        return self._pins[unit][self._start(last):self._end]

    def forget_pin(self, unit: Unit) -> None:
        self._pins.pop(unit, None)

    def _start(self, last: int | None) -> int:
        return max(0, self._end - min(len(self), len(self) if last is None else last))
