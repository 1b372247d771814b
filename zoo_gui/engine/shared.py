"""Steps through shared memory: one lane's slots and summary rows, written by the engine and read by the front end.

Both rings have one writer and one reader and never overwrite what is unread, so no lock is needed: the writer fills
a slot and then advances ``written``; the reader copies a slot out and then advances ``read``.
"""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import shared_memory

import numpy as np

from zoo_gui.types import Decision, LaneInfo, Step, StepSummary, read_only

SLOTS = 8
ROWS = 16384
MAX_PINS = 8
#: A grant of steps without end: as fast as it goes.
UNLIMITED = -1

_PLAYERS = ("agent", "random", "human")
_HEADER = np.dtype([
    ("epoch", "i8"), ("tick", "i8"), ("player", "i8"), ("episode", "i8"), ("index", "i8"), ("action", "i8"),
    ("lives", "i8"), ("terminated", "i8"), ("truncated", "i8"), ("edited", "i8"), ("frames", "i8"),
    ("saliency", "i8"), ("has_activations", "i8"), ("moment", "i8"), ("reward", "f8"), ("episode_return", "f8"),
    ("value", "f8"),
])
_NUMBERS = len(StepSummary._fields) - 1
_ROW = np.dtype([("epoch", "i8"), ("tick", "i8"), ("summary", "f8", (_NUMBERS,)), ("pinned", "f8", (MAX_PINS,))])


@dataclass(frozen=True)
class Tick:
    """A step with its place: ``epoch`` counts the front end's interventions, ``tick`` the shared clock."""

    epoch: int
    tick: int
    step: Step


class SharedLane:
    """One lane's shared memory. The engine creates it; the front end attaches by ``name``."""

    def __init__(self, info: LaneInfo, name: str | None = None):
        self.info = info
        plan, size = _plan(info)
        self._memory = shared_memory.SharedMemory(name=name, create=name is None, size=size)
        self.name = self._memory.name
        self._arrays = {
            key: np.ndarray(shape, dtype, self._memory.buf, offset) for key, (offset, shape, dtype) in plan.items()
        }
        self._cursor = self._arrays["cursor"]  # slots written, slots read, rows written, rows read
        if name is None:
            self._cursor[:] = 0

    # -- writer (engine) ----------------------------------------------------------------------------------------
    @property
    def free_slots(self) -> int:
        """How many steps can be written before the reader catches up."""
        return SLOTS - int(self._cursor[0] - self._cursor[1])

    def write_step(self, epoch: int, tick: int, step: Step) -> None:
        """Copy a step into the next slot. Raises BufferError when all slots are unread."""
        if self.free_slots <= 0:
            raise BufferError("all step slots are unread")
        slot = int(self._cursor[0]) % SLOTS
        arrays, decision = self._arrays, step.decision
        arrays["frames"][slot, :len(step.frames)] = step.frames
        arrays["ram"][slot] = step.ram
        if step.observation.size:
            arrays["observation"][slot] = _shown(step.observation, arrays["observation"].dtype)
        if decision.flat.size:
            arrays["flat"][slot] = decision.flat
            arrays["scores"][slot] = decision.scores
        if step.saliency is not None:
            arrays["saliency"][slot, ..., :step.saliency.shape[-1]] = step.saliency
        arrays["header"][slot] = (
            epoch, tick, _PLAYERS.index(step.player), step.episode, step.index, decision.action, step.lives,
            step.terminated, step.truncated, step.edited, len(step.frames),
            0 if step.saliency is None else step.saliency.shape[-1],
            decision.flat.size > 0, step.moment, step.reward, step.episode_return,
            np.nan if decision.value is None else decision.value,
        )
        self._cursor[0] += 1

    def write_summary(self, epoch: int, tick: int, summary: StepSummary) -> bool:
        """Append a summary row; False when the reader has fallen ROWS behind (the row is then lost)."""
        if self._cursor[2] - self._cursor[3] >= ROWS:
            return False
        row = self._arrays["rows"][int(self._cursor[2]) % ROWS]
        row["epoch"], row["tick"], row["summary"] = epoch, tick, summary[:-1]
        row["pinned"][:len(summary.pinned)] = summary.pinned
        row["pinned"][len(summary.pinned):] = np.nan
        self._cursor[2] += 1
        return True

    # -- reader (front end) -------------------------------------------------------------------------------------
    @property
    def waiting(self) -> int:
        """Number of steps written and not yet read."""
        return int(self._cursor[0] - self._cursor[1])

    def peek(self) -> tuple[int, int] | None:
        """(epoch, tick) of the oldest unread step, or None."""
        if not self.waiting:
            return None
        header = self._arrays["header"][int(self._cursor[1]) % SLOTS]
        return int(header["epoch"]), int(header["tick"])

    def skip_step(self) -> None:
        """Drop the oldest unread step."""
        self._cursor[1] += 1

    def read_step(self) -> Tick:
        """Copy the oldest unread step out and free its slot."""
        slot = int(self._cursor[1]) % SLOTS
        header = self._arrays["header"][slot].copy()
        frames = read_only(self._arrays["frames"][slot, :header["frames"]].copy())
        step = Step(
            player=_PLAYERS[header["player"]], episode=int(header["episode"]), index=int(header["index"]),
            frame=frames[0], frames=frames,
            observation=read_only(self._arrays["observation"][slot].copy()),
            ram=read_only(self._arrays["ram"][slot].copy()),
            decision=self._read_decision(slot, header),
            reward=float(header["reward"]), episode_return=float(header["episode_return"]),
            lives=int(header["lives"]), terminated=bool(header["terminated"]), truncated=bool(header["truncated"]),
            saliency=self._read_saliency(slot, int(header["saliency"])),
            edited=bool(header["edited"]), moment=int(header["moment"]),
        )
        self._cursor[1] += 1
        return Tick(int(header["epoch"]), int(header["tick"]), step)

    def _read_saliency(self, slot: int, channels: int) -> np.ndarray | None:
        """The map, of as many channels as it has; None where there are none."""
        return read_only(self._arrays["saliency"][slot, ..., :channels].copy()) if channels else None

    def _read_decision(self, slot: int, header) -> Decision:
        value = None if np.isnan(header["value"]) else float(header["value"])
        if not header["has_activations"]:
            return Decision(int(header["action"]), value=value)
        flat = read_only(self._arrays["flat"][slot].copy())
        return Decision(
            action=int(header["action"]), scores=read_only(self._arrays["scores"][slot].copy()),
            scores_kind=self.info.scores_kind, value=value, activations=split_layers(flat, self.info), flat=flat,
        )

    def read_summaries(self, epoch: int, last_tick: int) -> list[tuple[int, StepSummary]]:
        """(tick, summary) of the unread rows of an epoch up to a tick; later ones stay, those of old epochs go."""
        found = []
        while self._cursor[3] < self._cursor[2]:
            row = self._arrays["rows"][int(self._cursor[3]) % ROWS]
            if row["epoch"] > epoch or (row["epoch"] == epoch and row["tick"] > last_tick):
                break
            if row["epoch"] == epoch:
                found.append((int(row["tick"]), _summary(row)))
            self._cursor[3] += 1
        return found

    def close(self, unlink: bool) -> None:
        """Let go of the memory; ``unlink`` (once, by the engine's side or after its death) frees it."""
        self._arrays, self._cursor = {}, None
        self._memory.close()
        if unlink:
            try:
                self._memory.unlink()
            except FileNotFoundError:
                pass


def split_layers(flat: np.ndarray, info: LaneInfo) -> dict[str, np.ndarray]:
    """Views of the flat activation vector, one a layer, in LayerInfo.shape."""
    views, offset = {}, 0
    for layer in info.layers:
        views[layer.name] = flat[offset:offset + layer.size].reshape(layer.shape)
        offset += layer.size
    return views


_WHOLE = {"number", "episode", "index", "action", "lives", "moment", "choice", "disturbance"}


def _shown(observation: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An observation as it is shown: fractions of a disturbed one become bytes where those of the game are bytes."""
    if dtype == np.uint8 and observation.dtype != np.uint8:
        return np.clip(np.rint(observation), 0, 255).astype(np.uint8)
    return observation


def _summary(row) -> StepSummary:
    values = dict(zip(StepSummary._fields, row["summary"].tolist()))
    values |= {name: int(values[name]) for name in _WHOLE}
    return StepSummary(**values | {"done": bool(values["done"]), "pinned": tuple(row["pinned"].tolist())})


def _plan(info: LaneInfo) -> tuple[dict[str, tuple[int, tuple[int, ...], np.dtype]], int]:
    """{array: (offset, shape, dtype)} and the total size in bytes; each array starts on a 64-byte line."""
    shapes = {
        "cursor": ((4,), np.int64),
        "header": ((SLOTS,), _HEADER),
        "rows": ((ROWS,), _ROW),
        "frames": ((SLOTS, max(1, info.frame_skip), *info.screen, 3), np.uint8),
        "observation": ((SLOTS, *info.observation_shape), info.observation_dtype),
        "ram": ((SLOTS, 128), np.uint8),
        "scores": ((SLOTS, len(info.action_names)), np.float32),
        "flat": ((SLOTS, sum(layer.size for layer in info.layers)), np.float32),
        "saliency": ((SLOTS, *info.observation_shape), np.float32),
    }
    plan, offset = {}, 0
    for key, (shape, dtype) in shapes.items():
        plan[key] = (offset, shape, np.dtype(dtype))
        offset += -(-int(np.prod(shape)) * np.dtype(dtype).itemsize // 64) * 64
    return plan, offset
