"""What several agents would do at the same moments, as a sitting goes on: the numbers behind the strip. No Qt."""

from __future__ import annotations

from itertools import combinations
from typing import Sequence

import numpy as np

from zoo_gui.history import History

CAPACITY = 20_000


class Track:
    """The newest ``capacity`` moments that lanes saw together, each once, oldest first.

    A *place* counts them from the first there ever was; those from ``first`` to ``end`` are kept. What was seen again
    after going back is not counted again. ``together``, ``equal`` and ``far``, (lanes, lanes) float64, are over all
    moments: how many both lanes judged, in how many of them their greedy choices mean the same, and the sum of how far
    apart they were.
    """

    def __init__(self, capacity: int = CAPACITY):
        self._capacity = capacity
        self._of: tuple[History, ...] = ()
        self._begin(())

    def _begin(self, histories: tuple[History, ...]) -> None:
        lanes, size = len(histories), 2 * self._capacity
        self._of, self._read, self._newest = histories, 0, -1
        self.pairs = tuple(combinations(range(lanes), 2))
        self._first = self._end = self._gone = 0
        self._moments, self._numbers = np.zeros((2, size), np.int64)
        self._episodes, self._indices = np.zeros((2, size), np.int32)
        self._choices = np.zeros((lanes, size), np.int8)
        self._apart = np.zeros((len(self.pairs), size), np.float32)
        self.together, self.equal, self.far = np.zeros((3, lanes, lanes))

    # -- taking in ----------------------------------------------------------------------------------------------
    def read(self, histories: Sequence[History]) -> bool:
        """Take what is new in the lanes' histories; whether there was anything. Other histories: begin anew."""
        histories = tuple(histories)
        if len(histories) != len(self._of) or any(a is not b for a, b in zip(histories, self._of)):
            self._begin(histories)
        if len(histories) < 2:
            return False
        upto = min(history.appended for history in histories)
        start = max(self._read, *(history.appended - len(history) for history in histories))
        self._read = max(upto, self._read)
        return start < upto and self._take(start, upto)

    def _take(self, start: int, upto: int) -> bool:
        def column(lane: int, name: str) -> np.ndarray:
            history = self._of[lane]
            before = history.appended - len(history)
            return history.column(name)[start - before:upto - before]

        lanes = range(len(self._of))
        moments = np.stack([column(lane, "moment") for lane in lanes])
        choices = np.stack([column(lane, "choice") for lane in lanes])
        largest = np.maximum.accumulate(np.concatenate([[self._newest], moments[0]]))
        kept = (moments == moments[0]).all(0) & ((choices >= 0).sum(0) >= 2) & (moments[0] > largest[:-1])
        self._newest = int(largest[-1])
        count = int(kept.sum())
        if not count:
            return False
        if count > self._capacity:
            kept &= np.cumsum(kept) > count - self._capacity
            count = self._capacity
        if self._end + count > self._moments.size:
            self._compact()
        new = slice(self._end, self._end + count)
        self._end += count
        self._moments[new], self._choices[:, new] = moments[0][kept], choices[:, kept]
        for name, array in (("number", self._numbers), ("episode", self._episodes), ("index", self._indices)):
            array[new] = column(0, name)[kept]
        for place, (i, j) in enumerate(self.pairs):
            self._apart[place, new] = column(i, f"apart_{j}")[kept]
        self._first = max(self._first, self._end - self._capacity)
        self._count(new)
        return True

    def _count(self, new: slice) -> None:
        for place, (i, j) in enumerate(self.pairs):
            apart, one, other = self._apart[place, new], self._choices[i, new], self._choices[j, new]
            both = (one >= 0) & (other >= 0) & np.isfinite(apart)
            for a, b in ((i, j), (j, i)):
                self.together[a, b] += both.sum()
                self.equal[a, b] += (both & (one == other)).sum()
                self.far[a, b] += apart[both].sum(dtype=np.float64)

    def _compact(self) -> None:
        """Move what is kept to the front; amortised, a moment costs O(1)."""
        kept = self._end - self._first
        flat = (self._moments, self._numbers, self._episodes, self._indices)
        for array in (*flat, *self._choices, *self._apart):
            array[:kept] = array[self._first:self._end].copy()
        self._gone += self._first
        self._first, self._end = 0, kept

    # -- giving out ---------------------------------------------------------------------------------------------
    @property
    def first(self) -> int:
        """The oldest place that is kept."""
        return self._gone + self._first

    @property
    def end(self) -> int:
        """One beyond the newest place."""
        return self._gone + self._end

    def __len__(self) -> int:
        return self._end - self._first

    def moment(self, place: int) -> int:
        """The id of the moment at a place."""
        return int(self._moments[place - self._gone])

    def when(self, place: int) -> tuple[int, int, int]:
        """(step since the beginning, episode, step in the episode) of a place."""
        at = place - self._gone
        return int(self._numbers[at]), int(self._episodes[at]), int(self._indices[at])

    def choice(self, lane: int, place: int) -> int:
        """What a lane would do greedily, a place in ``naming.MEANINGS``; −1 unknown."""
        return int(self._choices[lane, place - self._gone])

    def apart(self, pair: tuple[int, int], place: int) -> float:
        """How far apart two lanes' decisions are, 0 to 1, or nan."""
        return float(self._apart[self.pairs.index(pair), place - self._gone])

    def place(self, moment: int) -> int | None:
        """Where a moment is, None: not here."""
        found = self.before(moment + 1)
        return found if found >= self.first and self.moment(found) == moment else None

    def before(self, moment: int) -> int:
        """The place of the newest moment earlier than one; ``first`` − 1 where there is none."""
        return self.first + int(np.searchsorted(self._moments[self._first:self._end], moment)) - 1

    def begins(self, start: int, stop: int) -> np.ndarray:
        """(stop − start,) bool: which places do not follow on the one before in the same episode."""
        low, high = start - self._gone, stop - self._gone
        rows = slice(max(low - 1, self._first), high)
        follows = (np.diff(self._moments[rows]) == 1) & (np.diff(self._episodes[rows]) == 0)
        return ~follows if low > self._first else np.concatenate([[True], ~follows])[:high - low]

    def columns(self, pair: tuple[int, int], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What fits into columns of a picture: of each the largest distance and the mean, (n,) float32, nan where none
        is known, and in what part of it the choices differ, (n,) float64. edges: (n + 1,) places, rising; a column has
        at least the one it begins at."""
        low, high = int(edges[0]) - self._gone, max(int(edges[-1]) - self._gone, int(edges[-2]) - self._gone + 1)
        starts = np.asarray(edges[:-1], np.int64) - int(edges[0])
        i, j = pair
        one, other = self._choices[i, low:high], self._choices[j, low:high]
        apart = self._apart[self.pairs.index(pair), low:high]
        differs = (one != other) & (one >= 0) & (other >= 0)
        known = np.isfinite(apart)
        count = np.add.reduceat(known.astype(np.float32), starts)
        total = np.add.reduceat(np.where(known, apart, np.float32(0)), starts)
        mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
        share = np.add.reduceat(differs.astype(np.float64), starts) / np.add.reduceat(np.ones(len(apart)), starts)
        return np.fmax.reduceat(apart, starts), mean, share

    def peak(self, pair: tuple[int, int], start: int, stop: int) -> int:
        """The place of the largest distance from ``start`` to before ``stop``; among equal ones where choices differ,
        then the first."""
        low, high = start - self._gone, max(stop, start + 1) - self._gone
        i, j = pair
        apart = np.nan_to_num(self._apart[self.pairs.index(pair), low:high], nan=-1.0)
        differs = self._choices[i, low:high] != self._choices[j, low:high]
        return start + int(np.argmax(np.round(apart.astype(np.float64), 6) + 1e-7 * differs))

    def partings(self, pairs: Sequence[tuple[int, int]], least: float | None = None) -> np.ndarray:
        """Places to go to, rising, (n,) int64: where a run of different choices of one of the pairs begins; with
        ``least`` the largest distance of each run of at least that."""
        kept = slice(self._first, self._end)
        far = np.zeros(len(self), np.float32)
        on = np.zeros(len(self), bool)
        for i, j in pairs:
            one, other = self._choices[i, kept], self._choices[j, kept]
            on |= (one != other) & (one >= 0) & (other >= 0)
            far = np.fmax(far, self._apart[self.pairs.index((i, j)), kept])
        if least is not None:
            on = far >= least
        if not on.any():
            return np.zeros(0, np.int64)
        starts = on & (~np.concatenate([[False], on[:-1]]) | self.begins(self.first, self.end))
        if least is None:
            return self.first + np.flatnonzero(starts)
        rows = np.flatnonzero(on)
        run = np.cumsum(starts)[rows]
        order = np.lexsort((rows, -far[rows], run))
        _, firsts = np.unique(run[order], return_index=True)
        return self.first + np.sort(rows[order][firsts])
