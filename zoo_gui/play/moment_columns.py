"""The columns of ``moments.Moments``: what is kept of each step as numbers, and how observations follow each other."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from zoo_gui.types import Step


def follows(observation: np.ndarray, last: np.ndarray, new: int) -> bool:
    """Whether all but the newest ``new`` channels of an observation are the last one's newest."""
    if observation.shape[-1] <= new:
        return False
    packed = observation.dtype == np.uint8 and observation.strides[-1] == last.strides[-1] == 1
    if packed and observation.shape[-1] == 4 and new == 1 and sys.byteorder == "little":
        # the usual stack, ten times as fast: a pixel's four bytes are one number, the oldest frame its lowest
        words, before = observation.view(np.uint32), last.view(np.uint32)
        return bool(((words & 0xFFFFFF) == before >> 8).all())
    return np.array_equal(observation[..., :-new], last[..., new:])


def columns(units: int, maps: int, actions: int, state: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """{column: (shape of a row, dtype)}. units: of all layers; maps: of those that are maps; state: its size."""
    whole = dict.fromkeys(("id", "episode", "index", "action", "lives"), ((), np.int64))
    real = dict.fromkeys(("reward", "episode_return", "value", "entropy"), ((), np.float64))
    flags = dict.fromkeys(("done", "edited", "watched"), ((), np.bool_))
    wide = {"ram": ((128,), np.uint8), "scores": ((actions,), np.float32), "state": ((state,), np.float32)}
    return whole | real | flags | wide | {"peaks": ((units,), np.float32), "places": ((maps,), np.uint16)}


def values(step: Step, number: int, watched: bool) -> dict[str, Any]:
    """What a step puts into the columns of one number; and its RAM and scores."""
    decision = step.decision
    values = {
        "id": number, "episode": step.episode, "index": step.index, "action": decision.action, "lives": step.lives,
        "reward": step.reward, "episode_return": step.episode_return, "entropy": decision.entropy, "done": step.done,
        "value": math.nan if decision.value is None else decision.value, "edited": step.edited, "ram": step.ram,
        "watched": watched,
    }  # fmt: skip
    if decision.scores.size:
        values["scores"] = decision.scores
    return values
