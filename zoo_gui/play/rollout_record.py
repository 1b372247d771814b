"""What a rollout keeps while it is played, and the arrays that it gives of it afterwards."""

from __future__ import annotations

import array
import math
from typing import Any, Callable, Iterator, Mapping

import cv2
import numpy as np

from zoo_gui.agents.reading import limits
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.moment_columns import follows
from zoo_gui.play.played import Played, Recording
from zoo_gui.types import Step, ZooError, read_only

MAX_STREAMLINED = 10_000_000
RESERVED = 256 << 20
"""Bytes of an array that are asked for at once: more than the screens of the zoo's 2,501 steps."""
WHOLE = ("observations", "frames", "ram", "representation")
"""What a streamlined rollout does without."""


class Record:
    """The rows so far, in arrays that grow.

    Screens are kept as ALE's colour numbers, of observations only the newest frame where the others are those before
    it: a fifth of what both are in the zoo's files. Memory that is touched for the first time is what recording costs.
    """

    def __init__(self, agent: Any, emulator: Emulator, layer: str, recipe: Any):
        """agent: of whom ``seen`` is what it last decided on. layer: the one that is the representation."""
        self._layer, self._unit, self._emulator = layer, agent.unit, emulator
        width = next(info.size for info in agent.layers if info.name == layer)
        floating = recipe.observation_noise > 0 or agent.card.preprocessing.is_float
        kinds = {
            "frames": (emulator.screen_shape[:2], np.uint8), "ram": ((128,), np.uint8),
            "representation": ((width,), np.float32),
        }  # fmt: skip
        rows = 0 if recipe.streamline else recipe.min_frames + 1
        # noise is drawn anew for each observation, so that none has frames of the one before
        stack = 1 if recipe.observation_noise > 0 else agent.card.preprocessing.stack
        observed = agent.observation_shape, np.float32 if floating else np.uint8, rows
        self._columns = {"observations": _Stacks(*observed, stack) if stack > 1 else _Column(*observed)}
        self._columns |= {name: _Column(shape, dtype, rows) for name, (shape, dtype) in kinds.items()}
        real, whole = np.float64, np.int64
        self._numbers = {
            "score": _Numbers(real), "actions": _Numbers(whole), "rewards": _Numbers(real),
            "values": _Numbers(np.float32), "lives": _Numbers(whole), "episode": _Numbers(whole),
            "ends": _Numbers(np.bool_),
        }  # fmt: skip
        self._streamline, self._played = recipe.streamline, []
        self.rows, self.returns, self.complete = 0, [], []

    def capacity(self, recipe: Any) -> int:
        """The most steps to play. Raises ZooError where the recipe asks for more than a file may hold."""
        most = MAX_STREAMLINED
        if not self._streamline:
            of_file = {"observations": 4, "frames": 3}  # float32, in colour
            sizes = [math.prod(column.shape) * of_file.get(name, column.itemsize)
                     for name, column in self._columns.items()]  # fmt: skip
            sizes += [numbers.itemsize for numbers in self._numbers.values()]
            most = min(limits.MAX_TOTAL_BYTES // sum(sizes), limits.MAX_ARRAY_BYTES // max(sizes)) - 1
        if max(recipe.max_frames or 0, recipe.min_frames) > most:
            raise ZooError(f"At most {most:,} steps of this agent can be recorded: ask for fewer, or for scores only "
                           "(streamline).")  # fmt: skip
        return most if recipe.max_frames is None else recipe.max_frames

    def add(self, step: Step, seen: np.ndarray, screen: np.ndarray | None, played: Played, cut: bool) -> None:
        """The next row. seen: what was decided on; screen: (H, W) colour numbers; ``cut``: its episode ends here
        although the game goes on."""
        self._played.append(played)
        decision, numbers, ends = step.decision, self._numbers, step.done or cut
        numbers["score"].add(step.episode_return)
        numbers["actions"].add(decision.action)
        numbers["rewards"].add(step.reward)
        numbers["values"].add(math.nan if decision.value is None else decision.value)
        numbers["lives"].add(step.lives)
        numbers["episode"].add(step.episode)
        numbers["ends"].add(ends)
        if not self._streamline:
            columns = self._columns
            columns["observations"].add(seen)
            columns["frames"].add(screen)
            columns["ram"].add(step.ram)
            columns["representation"].add(decision.activations[self._layer].ravel())
        self.rows += 1
        if ends:
            self.returns.append(step.episode_return + step.reward)
            self.complete.append(step.done)

    def label(self) -> str:
        """For people: how many episodes so far."""
        count = len(self.returns)
        return f"{self.rows:,} steps, {count} episode{'' if count == 1 else 's'}"

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Every array of a Rollout, read-only. Nothing can be added afterwards."""
        found = {name: column.finish() for name, column in {**self._columns, **self._numbers}.items()}
        returns, complete = np.array(self.returns, np.float64), np.array(self.complete, np.bool_)
        found |= {"ep_rewards": returns, "ep_complete": complete}
        found |= Recording(self._emulator.game, tuple(self._played)).arrays()
        return Kept(found, self._unit, self._emulator.palette[:, :3].copy())


class _Column:
    """An array that rows are added to; it grows in place, for copies of half a gigabyte are slow.

    rows: how many come at least; memory that is asked for at once costs nothing before it is used, and growing does.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any, rows: int):
        self.shape, self.itemsize, self._count = tuple(shape), np.dtype(dtype).itemsize, 0
        most = RESERVED // (math.prod(self.shape) * self.itemsize)
        self._array = np.empty((max(64, min(rows, most)), *shape), dtype)

    def add(self, row: Any) -> None:
        if self._count == len(self._array):
            self._array.resize((2 * self._count, *self.shape), refcheck=False)
        self._array[self._count] = row
        self._count += 1

    def finish(self) -> np.ndarray:
        """The rows, without what was kept for more."""
        self._array.resize((self._count, *self.shape), refcheck=False)
        return self._array


class _Stacks:
    """A column of observations (h, w, C), of which a frame that came with the row before is not kept again."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, rows: int, stack: int):
        """stack: how many frames the C channels are."""
        self.shape, self.itemsize, self._new = tuple(shape), np.dtype(dtype).itemsize, shape[-1] // stack
        self._newest = _Column((*shape[:-1], self._new), dtype, rows)
        self._whole: dict[int, np.ndarray] = {}
        self._count, self._last = 0, None

    def add(self, seen: np.ndarray) -> None:
        if self._last is None or not follows(seen, self._last, self._new):
            self._whole[self._count] = seen  # observations never change later
        self._newest.add(seen[..., -self._new :])
        self._count, self._last = self._count + 1, seen

    def finish(self) -> Callable[[], np.ndarray]:
        """What puts the observations together, (N, h, w, C)."""
        newest, whole, new, shape = self._newest.finish(), self._whole, self._new, self.shape

        def together() -> np.ndarray:
            found = np.empty((len(newest), *shape), newest.dtype)
            for row, observation in enumerate(found):
                if row in whole:
                    observation[...] = whole[row]
                else:
                    observation[..., :-new] = found[row - 1][..., new:]
                    observation[..., -new:] = newest[row]
            return found

        return together


class _Numbers:
    """A column of single numbers: an item of NumPy's takes ten times as long to set as this to append."""

    def __init__(self, dtype: Any):
        self._dtype = np.dtype(dtype)
        self.itemsize = self._dtype.itemsize
        self._array = array.array({"f": "f", "d": "d", "?": "b"}.get(self._dtype.char, "q"))
        self.add = self._array.append

    def finish(self) -> np.ndarray:
        """(N,): the numbers."""
        return np.array(self._array, self._dtype)


class Kept(Mapping):
    """Arrays as they were recorded, given as the zoo's files have them: observations in 0–1, screens in colour.

    unit: what of the observations is 1. palette: (256, 3) uint8, the colours of the screens' numbers.
    """

    def __init__(self, arrays: dict[str, Any], unit: float, palette: np.ndarray):
        """arrays: by name, or what makes them when they are asked for."""
        self._arrays, self.unit, self.palette = arrays, unit, palette
        self._coloured: np.ndarray | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        array = self.raw(name)
        if name == "frames":  # kept: whoever reads one frame after the other asks for all of them each time
            if self._coloured is None:
                self._coloured = read_only(coloured(array, self.palette))
            return self._coloured
        return read_only(scaled(array, self.unit)) if name == "observations" else array

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def raw(self, name: str) -> np.ndarray:
        """The array as it was recorded: screens as colour numbers, observations as the agent had them."""
        array = self._arrays[name]
        if callable(array):
            array = self._arrays[name] = array()
        return read_only(array)

    def converted(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """What makes rows of ``raw(name)`` those of this mapping."""
        if name == "observations":
            return lambda rows: scaled(rows, self.unit)
        return (lambda rows: coloured(rows, self.palette)) if name == "frames" else lambda rows: rows


def coloured(numbers: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 of screens (N, H, W) as colour numbers; palette: (256, 3) uint8. A fifth of NumPy's time."""
    found = np.empty((*numbers.shape, 3), np.uint8)
    tables = [np.ascontiguousarray(table) for table in palette.T]
    for screen, picture in zip(numbers, found):
        cv2.merge([cv2.LUT(screen, table) for table in tables], picture)
    return found


def scaled(array: np.ndarray, unit: float) -> np.ndarray:
    """Observations as they are recorded: float32, 1 for ``unit``."""
    return np.divide(array, np.float32(unit), dtype=np.float32)
