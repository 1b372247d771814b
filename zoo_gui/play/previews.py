"""How agents play, seen from afar: screens and scores of several games at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoo_gui.play.screens import steady
from zoo_gui.types import Preview, Step, read_only


def nothing() -> np.ndarray:
    """The screen of a game that has not begun."""
    return read_only(np.zeros((0, 0, 3), np.uint8))


def after(preview: Preview, step: Step) -> Preview:
    """The preview after one more step: its screen, without flicker where the step has all its frames."""
    gained = step.episode_return + step.reward
    now = replace(preview, frame=read_only(steady(step.frames)), steps=preview.steps + 1, gained=gained)
    if not step.done:
        return now
    total = (preview.mean or 0.0) * preview.games + gained
    games = preview.games + 1
    return replace(now, games=games, mean=total / games, gained=0.0)
