"""Running figures of a sitting: rates for the status bar, and how often the agents agree. No Qt."""

from __future__ import annotations

import math
import time
from collections import deque


class Rates:
    """Frames and steps a second over the last two seconds, and the inference time of the newest steps."""

    WINDOW = 2.0

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        self._frames: deque[float] = deque(maxlen=1000)
        self._paints: deque[float] = deque(maxlen=1000)
        self._steps: deque[tuple[float, int]] = deque(maxlen=1000)
        self._inference: dict[int, float] = {}

    def shown(self, now: float) -> None:
        """A new game frame went on screen at ``now`` (seconds)."""
        self._frames.append(now)

    def painted(self, now: float) -> None:
        """The window painted the game."""
        self._paints.append(now)

    def stepped(self, count: int, inference_ms: float, lane: int) -> None:
        """A lane made steps."""
        if lane == 0:
            self._steps.append((time.perf_counter(), count))
        self._inference[lane] = inference_ms

    def figures(self, now: float) -> dict:
        """game_fps: game frames shown a second; ui_fps: paints a second; steps_per_second of one lane;
        inference_ms: sum over lanes of the newest call; None where none is known."""
        since = now - self.WINDOW
        known = [ms for ms in self._inference.values() if not math.isnan(ms)]
        return {
            "game_fps": _rate([t for t in self._frames if t > since]),
            "ui_fps": _rate([t for t in self._paints if t > since]),
            "steps_per_second": sum(n for t, n in self._steps if t > since) / self.WINDOW,
            "inference_ms": sum(known) if known else None,
        }


def _rate(times: list[float]) -> float:
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0


class Agreement:
    """On how many ticks of the shared clock all agents chose the same action, by name, since the start."""

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        self.steps = self.same = 0

    def add(self, actions: list[list[str]]) -> None:
        """``actions[lane]`` holds the lane's action names for the same ticks."""
        for chosen in zip(*actions):
            self.steps += 1
            self.same += len(set(chosen)) == 1

    @property
    def fraction(self) -> float | None:
        return self.same / self.steps if self.steps else None
