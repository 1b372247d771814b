"""Where the running games are in an embedding: each lane's newest state placed among the known ones, with a trail."""

from __future__ import annotations

from collections import deque
from typing import Any, Mapping

import numpy as np

from zoo_gui.naming import lane_letter
from zoo_gui.types import Step
from zoo_gui.widgets.embedding_scatter import Dot

TRAIL = 24
LONGEST_GAP = 30  # agent steps between two dots that a line joins
FAR = 4.0  # usual distances to the nearest known state, beyond which a place says little
LASTING = 9  # dots whose distance from what is known counts
GAP = (np.nan, np.nan)


def features(what: str, step: Step) -> np.ndarray | None:
    """(1, F) float32: a step's state as ``Embedding.place`` takes it; None where the step does not have that. what:
    ``ram``, ``ram bits``, ``observations`` or a layer. The same as ``analysis.embedding_record.features_of``."""
    if what == "ram bits":
        values = np.unpackbits(np.ascontiguousarray(step.ram, np.uint8))
    else:
        known = {"ram": step.ram, "observations": step.observation}
        values = known[what] if what in known else step.decision.activations.get(what)
    if values is None or not np.size(values):
        return None
    return np.asarray(values, np.float32).reshape(1, -1)


class Live:
    """``follow`` an embedding, ``take`` steps as they come, ``place`` the newest: that is when it costs something."""

    def __init__(self):
        self.embedding: Any = None
        self._place_of: dict[int, int] = {}
        self._newest: dict[int, Step] = {}
        self._trails: dict[int, deque] = {}
        self._last: dict[int, tuple[int, int]] = {}
        self._far: dict[int, deque] = {}
        self.missing: dict[int, str] = {}

    def follow(self, embedding: Any, place_of: Mapping[int, int]) -> None:
        """place_of: {lane: place in the embedding's agents} of the lanes whose agent plays still."""
        if embedding is not self.embedding or dict(place_of) != self._place_of:
            self._trails.clear()
            self._far.clear()
            self._last.clear()
            self.missing.clear()
        self.embedding, self._place_of = embedding, dict(place_of)

    def take(self, lane: int, step: Step) -> None:
        """A lane's newest step."""
        self._newest[lane] = step

    @property
    def waiting(self) -> bool:
        """Whether there are steps that were not placed yet."""
        return self.embedding is not None and any(lane in self._place_of for lane in self._newest)

    def place(self) -> tuple[Dot, ...]:
        """The dots, newest steps taken in."""
        newest, self._newest = self._newest, {}
        for lane, step in newest.items():
            if self.embedding is not None and lane in self._place_of:
                self._add(lane, step)
        found = []
        for lane, trail in self._trails.items():
            space = self.embedding.spaces[self._place_of[lane]]
            sure = bool(np.median(self._far[lane]) <= FAR)  # of several, so that it does not flicker
            found.append(Dot(lane, np.array(trail, np.float64), space, sure))
        return tuple(found)

    def _add(self, lane: int, step: Step) -> None:
        values = features(self.embedding.what, step)
        if values is None:
            self.missing[lane] = f"no dot for {lane_letter(lane)}: its steps have no {self.embedding.what} now"
            self._trails.pop(lane, None)
            return
        self.missing.pop(lane, None)
        points, far = self.embedding.locate(values, self._place_of[lane])
        trail = self._trails.setdefault(lane, deque(maxlen=TRAIL))
        episode, index = self._last.get(lane, (step.episode, step.index))
        if trail and not (episode == step.episode and 0 <= step.index - index <= LONGEST_GAP):
            trail.append(GAP)
        trail.append(tuple(points[0]))
        self._far.setdefault(lane, deque(maxlen=LASTING)).append(float(far[0]))
        self._last[lane] = step.episode, step.index
