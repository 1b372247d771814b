"""Observation pipelines as data: from the emulator's screens to what a network sees.

The steps, in order: pixel-wise maximum of the last emulator frames of an action (Atari sprites flicker); crop and
resize, or the card's own ``transforms``; difference; running normalisation; stack. The defaults are those of ale-py's
AtariVectorEnv, bit for bit; they descend from Mnih et al. 2015, "Human-level control through deep reinforcement
learning".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Sequence

import cv2
import numpy as np

from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play import resizing, transforms
from zoo_gui.play.emulator import Emulator
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError, read_only

LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
"""ITU-R BT.601 weights of R, G and B: grey from RGB."""
SOURCES = ("ale", "luma")
"""Where grey comes from: ALE's grey palette, or BT.601 luma of the RGB screen, rounded."""
MERGED_CHANNELS = 128
"""The most that OpenCV's merge takes."""


class Running(NamedTuple):
    """Running sums over the frames of an episode, not yet corrected for their start: of means and of deviations."""

    mean: float = 0.0
    deviation: float = 0.0
    frames: int = 0


@dataclass(frozen=True)
class PipelineState:
    """A snapshot of a Pipeline between two actions; arrays are read-only.

    stack: the frames, oldest first, each (h, w) or (h, w, 3). frame: the newest before differencing and normalisation;
    screen: the action's last one, (H, W) or (H, W, 3) uint8; each None where this pipeline needs none.
    """

    stack: tuple[np.ndarray, ...]
    frame: np.ndarray | None = None
    screen: np.ndarray | None = None
    running: Running = Running()


class Pipeline:
    """Carries a PreprocessingSpec out for one screen size.

    The Player gives it screens with ``grab`` and ends each action with ``push``, ``begin`` or ``drop``; ``observation``
    is what the network sees. frame_box: (top, left, height, width) of the observation on the screen, in screen pixels.
    """

    def __init__(self, spec: PreprocessingSpec, screen: tuple[int, int]):
        """screen: (H, W). Raises ZooError for an unknown method, a crop outside the screen, an impossible transform."""
        self.spec, self.screen = spec, screen
        self._from_rgb, self._functions, box = _plan(spec, screen)
        self.frame_box = tuple(round(number) for number in box)
        self._type = np.dtype(np.float32 if spec.is_float else np.uint8)
        shape = (*screen, 3) if self._from_rgb else screen
        self._buffers = [np.empty(shape, np.uint8) for _ in range(spec.max_last)]
        self._grabbed = 0
        self._stack: deque[np.ndarray] = deque(maxlen=spec.stack)
        self._observation = read_only(np.zeros(spec.observation_shape, self._type))
        self._frame: np.ndarray | None = None
        self._last_screen: np.ndarray | None = None
        self._running = Running()

    @property
    def observation(self) -> np.ndarray:
        """(h, w, C) uint8, or float32 where ``spec.is_float``; read-only, oldest frame first; RGB frames take three
        channels each. Never changed later."""
        return self._observation

    def grab(self, emulator: Emulator) -> None:
        """Take the emulator's screen as one of the last ``max_last`` of this action."""
        buffer = self._buffers[self._grabbed % len(self._buffers)]
        (emulator.screen_rgb if self._from_rgb else emulator.screen_gray)(buffer)
        self._grabbed += 1

    def reset(self, emulator: Emulator) -> None:
        """Begin an episode with the emulator's screen, as if nothing had been before."""
        self._grabbed, self._last_screen, self._running = 0, None, Running()
        self.grab(emulator)
        self.begin()

    def begin(self) -> None:
        """End an action: its maximum is the first frame of a new stack, whose rest is black or repeats it."""
        self._frame = None
        first = self._finished()
        fill = first if self.spec.stack_init == "repeat" else read_only(np.zeros_like(first))
        self._stack.extend([fill] * (self.spec.stack - 1))
        self._append(first)

    def push(self, screens: Sequence[np.ndarray] = ()) -> None:
        """End an action: its maximum is the newest frame of the stack.

        screens: the action's last emulator frames, (H, W) or (H, W, 3) uint8 as the spec asks; by default those taken
        by ``grab`` since the last action.
        """
        for screen in screens:
            self._buffers[self._grabbed % len(self._buffers)][...] = screen
            self._grabbed += 1
        self._append(self._finished())

    def drop(self) -> None:
        """End an action that gives no observation."""
        self._maximum()

    def snapshot(self) -> PipelineState:
        """What the next observations depend on, between two actions."""
        return PipelineState(tuple(self._stack), self._frame, self._last_screen, self._running)

    def restore(self, state: PipelineState) -> None:
        """Go back to a ``snapshot``. Raises ZooError when it does not fit this pipeline."""
        alike = all(frame.shape[:2] == self.spec.size and frame.dtype == self._type for frame in state.stack)
        if len(state.stack) != self.spec.stack or not alike:
            raise ZooError("This snapshot was made with another preprocessing: load the agent it was made with.")
        self._grabbed = 0
        self._frame, self._last_screen, self._running = state.frame, state.screen, state.running
        self._stack.extend(state.stack[:-1])
        self._append(state.stack[-1])

    def _maximum(self) -> np.ndarray:
        """The pixel-wise maximum of the grabbed screens, in a buffer that is used again; forgets them."""
        count, self._grabbed = min(self._grabbed, len(self._buffers)), 0
        newest, before = self._buffers[0], self._last_screen
        if self.spec.over_previous:
            self._last_screen = read_only(self._buffers[count - 1].copy())
        for other in self._buffers[1:count]:
            np.maximum(newest, other, out=newest)
        if before is not None:
            np.maximum(newest, before, out=newest)
        return newest

    def _finished(self) -> np.ndarray:
        """The grabbed screens as one (h, w) or (h, w, 3) frame of the observation; forgets them."""
        screen = frame = self._maximum()
        for function in self._functions:
            frame = function(frame)
        if self.spec.difference:
            before, self._frame = self._frame, read_only(frame.astype(np.float32))
            frame = np.zeros_like(self._frame) if before is None else self._frame - before
        if self.spec.running is not None:
            frame = self._normalised(frame)
        if frame is screen or frame.base is not None or frame.dtype != self._type:
            frame = frame.astype(self._type)  # a copy: the buffers are used again
        return read_only(frame)

    def _normalised(self, frame: np.ndarray) -> np.ndarray:
        """The frame under the running mean and deviation, to which it counts itself; sums as NumPy has them."""
        decay, (mean, deviation, frames) = self.spec.running, self._running
        mean = mean * decay + float(frame.mean()) * (1 - decay)
        deviation = deviation * decay + float(frame.std()) * (1 - decay)
        self._running = Running(mean, deviation, frames + 1)
        corrected = 1 - decay ** (frames + 1)
        return (frame - mean / corrected) / (deviation / corrected + 1e-8)

    def _append(self, frame: np.ndarray) -> None:
        self._stack.append(frame)
        few = self.spec.observation_shape[2] <= MERGED_CHANNELS
        merged = cv2.merge(list(self._stack)) if few else np.dstack(self._stack)
        self._observation = read_only(merged.reshape(self.spec.observation_shape))


class Plan(NamedTuple):
    """Whether screens are taken in colour, what is done to them, and where on the screen the result lies."""

    from_rgb: bool
    functions: tuple[transforms.Function, ...]
    box: tuple[float, float, float, float]


def _plan(spec: PreprocessingSpec, screen: tuple[int, int]) -> Plan:
    """How to carry a spec out. Raises ZooError."""
    if not spec.transforms:
        return _plain_plan(spec, screen)
    first = spec.transforms[0]
    from_ale = first.op == "grey" and first.method == "ale"
    steps = spec.transforms[1:] if from_ale else spec.transforms
    compiled = transforms.compiled(steps, np.zeros(screen if from_ale else (*screen, 3), np.uint8))
    wanted = (*spec.size, 3) if spec.color == "rgb" else spec.size
    if compiled.frame.shape != wanted:
        got, asked = ("×".join(map(str, shape)) for shape in (compiled.frame.shape, wanted))
        raise ZooError(f"The preprocessing's transforms make frames of {got}, but color and size say {asked}.")
    return Plan(not from_ale, compiled.functions, compiled.box)


def _plain_plan(spec: PreprocessingSpec, screen: tuple[int, int]) -> Plan:
    """Without transforms: crop, grey, resize."""
    if spec.color == "gray" and spec.source not in SOURCES:
        raise unknown("source of grey", spec.source, SOURCES)
    method, box = resizing.find(spec.resize), _box(spec.crop, screen)
    top, left, height, width = box
    luma = spec.color == "gray" and spec.source == "luma"
    functions = []
    if spec.crop is not None:
        functions.append(lambda frame: frame[top : top + height, left : left + width])
    if luma:
        functions.append(partial(cv2.transform, m=LUMA))
    if (height, width) != spec.size or spec.is_float:
        functions.append(lambda frame: method(frame, spec.size))
    return Plan(spec.color == "rgb" or luma, tuple(functions), box)


def _box(crop: tuple[int, int, int, int] | None, screen: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the observation on the screen, in screen pixels."""
    if crop is None:
        return (0, 0, *screen)
    top, left, height, width = crop
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > screen[0] or left + width > screen[1]:
        raise ZooError(
            f"The preprocessing crops {height}×{width} pixels from row {top}, column {left}, but the screen has only "
            f"{screen[0]}×{screen[1]}: correct “crop” in the card."
        )
    return (top, left, height, width)
