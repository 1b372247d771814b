"""What lies over a picture of the game: a map of what is explained, of which frame, of which moment. No Qt.

A map comes as an attribution method gives it, (h, w, C) with one plane for each channel of the observation, oldest
frame first, or (h, w, 1) for all frames together. A picture takes one number a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from zoo_gui.imaging import NEGATIVE, POSITIVE, bgra, blend, brightness, lut, rgb32, saliency_map, veil
from zoo_gui.types import LaneInfo, Step, read_only

FRAMES = {
    "sum": "Sum of the frames", "largest": "Largest of the frames", "newest": "Newest frame", "each": "Each frame",
}  # fmt: skip
"""How the frames of a map become one picture: ``sum``, what changing all frames alike does; ``largest``, at each pixel
the frame that counts most there (Simonyan et al. 2013 take it over colours); ``newest``; or ``each`` in its own."""
BLUR = 1.0
"""Sigma in observation pixels of what is drawn: single pixels of a gradient are noise to the eye."""
FRESH, FORGOTTEN = 1, 60
"""Steps: a map as old as FRESH is drawn in full, and fades from there until it is no longer drawn."""
TARGETS = {"action": "chosen action", "value": "value", "advantage": "advantage", "unit": "selected unit"}


@dataclass(frozen=True)
class Overlay:
    """A map over a lane's game. map: (h, w, F) float32, one plane a frame, oldest first, or a single one for all.
    signed: whether negative numbers mean something. method, target: in words. moment: of the step that is explained; -1
    where there are none, which then is the step on screen."""

    map: np.ndarray
    signed: bool
    method: str = ""
    target: str = ""
    moment: int = -1

    @property
    def frames(self) -> int:
        """Number of frames that have a plane of their own: 1 where all share one."""
        return self.map.shape[-1]

    def age(self, moment: int) -> int | None:
        """Steps between the moment that is explained and the one on screen; None where that is the earlier one."""
        return _age(self.moment, moment)


def overlay(values: np.ndarray, signed: bool, frame_channels: int = 1, **words) -> Overlay:
    """The Overlay of a map (h, w, C) or (h, w, 1); of a colour frame's channels the one of largest magnitude counts.

    words: fields of Overlay. Numbers that are not finite show as 0.
    """
    values = np.nan_to_num(np.asarray(values, np.float32), posinf=0.0, neginf=0.0)
    if frame_channels > 1 and values.shape[-1] > 1:
        parts = np.split(values, values.shape[-1] // frame_channels, axis=-1)
        values = np.stack([saliency_map(part, True) for part in parts], axis=-1)
    return Overlay(values if signed else np.abs(values), signed, **words)


def flat(shown: Overlay, frames: str = "sum", blur: float = BLUR) -> np.ndarray:
    """(h, w) float32 of an overlay: ``sum``, ``largest`` or ``newest`` of its frames (``each`` is drawn as ``sum``)."""
    if frames == "largest":
        plane = saliency_map(shown.map, shown.signed)
    elif frames == "newest":
        plane = shown.map[..., -1]
    else:
        plane = shown.map.sum(-1)
    return _smooth(plane, blur)


def planes(shown: Overlay, blur: float = BLUR) -> list[np.ndarray]:
    """(h, w) float32 of each frame, oldest first."""
    return [_smooth(shown.map[..., frame], blur) for frame in range(shown.frames)]


def pictured(shown: Overlay, frames: str) -> list[np.ndarray]:
    """(h, w) float32 of each picture that ``frames``, a key of FRAMES, wants: one, or one a frame."""
    return planes(shown) if frames == "each" else [flat(shown, frames)]


def over(observation: np.ndarray, plane: np.ndarray, high: float, frame: int = -1, channels: int = 1,
         levels: tuple[float, float] = (0.0, 255.0), opacity: float = 0.7) -> np.ndarray:
    """A frame of an observation (h, w, C) under a map (h, w): (h, w, 4) uint8 BGRA.

    high: of the map, in full colour. frame: counted from the newest, −1. channels: of each frame. levels: what black
    and white are in the observation.
    """
    first = observation.shape[-1] + frame * channels
    seen = brightness(np.ascontiguousarray(observation[..., first:first + channels]), *levels)
    picture = bgra(lut("grey")[seen[..., 0]]) if channels == 1 else rgb32(seen)
    return blend(picture, veil(weights(plane, high), plane.shape, opacity))


def high_end(plane: np.ndarray) -> float:
    """The 99.5th percentile of the magnitude: single pixels may go beyond full colour, so that the rest can be seen."""
    place = int(0.995 * (plane.size - 1))
    return float(np.partition(np.abs(plane), place, axis=None)[place])


def weights(plane: np.ndarray, high: float) -> np.ndarray:
    """Values to −1 … 1 for ``imaging.veil``, ``high`` to 1, as the root of the magnitude: what is faint still shows."""
    return np.sign(plane) * np.sqrt(np.minimum(np.abs(plane) / (high or 1.0), 1.0), dtype=np.float32)


@lru_cache
def colours(signed: bool) -> np.ndarray:
    """(256,) uint32 RGB32 of a veil over black, from its low to its high end, for a colour bar; read-only."""
    value = np.linspace(-1.0 if signed else 0.0, 1.0, 256)[:, None]
    rgb = np.rint(np.where(value < 0, NEGATIVE, POSITIVE) * np.sqrt(np.abs(value))).astype(np.uint32)
    return read_only(np.uint32(0xFF000000) | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2])


def fading(age: int | None) -> float:
    """What is left of an overlay's opacity at that age in steps: 1 … 0.3, and 0 from FORGOTTEN on."""
    if age is None or age >= FORGOTTEN:
        return 0.0
    return 1.0 - 0.7 * max(0, age - FRESH) / (FORGOTTEN - FRESH)


def age_words(age: int | None) -> str:
    """``of this moment``, ``1 step ago``, ``3 steps ago``."""
    if age is None:
        return "of another moment"
    return "of this moment" if age == 0 else f"{age} step{'s' if age > 1 else ''} ago"


def target_words(target: str | None, unit: object = None) -> str:
    """A target as people read it: ``action`` is the chosen one; ``unit`` the selected one, which is named."""
    if target == "unit" and unit is not None:
        return str(unit)
    return TARGETS.get(target or "", target or "")


def _age(explained: int, shown: int) -> int | None:
    if explained < 0 or shown < 0:
        return 0
    return shown - explained if shown >= explained else None


def _smooth(plane: np.ndarray, blur: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), blur) if blur else plane


class Live:
    """The map of each lane of a session that is nearest to what is on screen: of the step itself, or the newest that
    came beside the game (``LiveMap``) of a moment that is not ahead of it: the engine is, by some steps.

    After the question changed, ``begin`` forgets what answered the old one. A moment that is played once more under a
    change, and another episode, are not what was explained.
    """

    KEPT = 12

    def __init__(self, session: Any):
        self._session = session
        self._beside: dict[int, dict[int, Any]] = {}
        self._old: dict[int, Step | None] = {}
        self._shown: dict[int, Step] = {}

    def begin(self) -> None:
        """Another target or method: the steps on screen still answer the old question."""
        self._beside.clear()
        self._old = {info.lane: self._session.last_step(info.lane) for info in self._session.lanes}

    def rewind(self) -> None:
        """What the engine had made ahead of the screen is taken back: those moments come again, maybe otherwise."""
        for lane, kept in self._beside.items():
            shown = self._shown.get(lane)
            for moment in [one for one in kept if shown is not None and one > shown.moment]:
                del kept[moment]

    def take(self, lane: int, record: Any) -> None:
        """A map that was made beside the game."""
        kept = self._beside.setdefault(lane, {})
        kept[record.moment] = record
        for moment in sorted(kept)[:-self.KEPT]:
            del kept[moment]

    def of(self, info: LaneInfo, step: Step) -> Overlay | None:
        """What to lay over this step; its ``age`` says how old it is."""
        session = self._session
        self._follow(info.lane, step)
        if session.saliency is None:
            return None
        method = next(one for one in session.saliency_methods() if one.name == session.saliency_method)
        unit = session.selected[1] if session.selected is not None else None
        words = {"method": method.title, "target": target_words(session.saliency, unit)}
        if step.saliency is not None and step is not self._old.get(info.lane):
            values = step.saliency if method.per_frame else step.saliency[..., :1]
            return overlay(values, method.signed, info.frame_channels, moment=step.moment, **words)
        kept = self._beside.get(info.lane, {})
        moment = max((one for one in kept if fading(_age(one, step.moment)) > 0.0), default=None)
        if moment is None:
            return None
        record = kept[moment]
        return overlay(record.map, record.signed, info.frame_channels, moment=moment, **words)

    def _follow(self, lane: int, step: Step) -> None:
        """Forget maps of what this step shows to be over, or to be played otherwise."""
        before, kept = self._shown.get(lane), self._beside.get(lane, {})
        self._shown[lane] = step
        if before is None or before is step:
            return
        if before.episode != step.episode or before.index > step.index:
            over = [moment for moment in kept if moment != step.moment]
        elif before.moment == step.moment and not np.array_equal(before.decision.flat, step.decision.flat):
            over = [moment for moment in kept if moment >= step.moment]
        else:
            return
        for moment in over:
            del kept[moment]
