"""One agent's preprocessing at any moment of a game whose driver decides at another rhythm.

An agent of frame skip 4 that watches one of frame skip 3 is asked every third frame what it would do, and must then see
the frames that are 4, 8 and 12 old: of no fixed rhythm. So its pipeline is kept once for each rhythm that can be due.
"""

from __future__ import annotations

import math
from typing import Iterable

import numpy as np

from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.preprocessing import Pipeline, PipelineState


class Phases:
    """Pipelines of one spec that are pushed at different frames, so that at each frame asked about one has just been.

    skip: the agent's frame skip. spans: numbers of frames between two questions, all that may occur.
    """

    def __init__(self, spec: PreprocessingSpec, screen: tuple[int, int], skip: int, spans: Iterable[int]):
        self.skip, self.spans = skip, set(spans)
        self.grain = math.gcd(skip, *self.spans)
        self._last = spec.max_last
        self._pipelines = [Pipeline(spec, screen) for _ in range(skip // self.grain)]
        self._frames = 0

    def start(self, state: PipelineState) -> None:
        """Go on from this one observation, whatever the rhythm: right again once the stack has filled anew."""
        self._frames = 0
        for pipeline in self._pipelines:
            pipeline.restore(state)

    def reset(self, emulator: Emulator) -> None:
        """An episode begins with the emulator's screen."""
        self._frames = 0
        for pipeline in self._pipelines:
            pipeline.reset(emulator)

    def frame(self, emulator: Emulator) -> None:
        """The emulator has played one frame more."""
        self._frames += 1
        for place, pipeline in enumerate(self._pipelines):
            left = (place * self.grain - self._frames) % self.skip
            if left < self._last:
                pipeline.grab(emulator)
            if left == 0:
                pipeline.push()

    @property
    def due(self) -> Pipeline:
        """The pipeline that was pushed at this frame; between two rhythms, the last that was."""
        return self._pipelines[self._frames // self.grain % len(self._pipelines)]

    @property
    def observation(self) -> np.ndarray:
        """What the agent sees now, as ``Pipeline.observation``."""
        return self.due.observation

    def snapshot(self) -> tuple[int, tuple[PipelineState, ...]]:
        """What the next observations depend on, between two questions."""
        return self._frames, tuple(pipeline.snapshot() for pipeline in self._pipelines)

    def restore(self, state: tuple[int, tuple[PipelineState, ...]]) -> None:
        """Go back to a ``snapshot``."""
        self._frames, states = state
        for pipeline, one in zip(self._pipelines, states):
            pipeline.restore(one)
