"""How many emulator frames an action is held."""

from __future__ import annotations

from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.types import ZooError


def frame_skips(spec: PreprocessingSpec, wanted: int | None) -> tuple[int, tuple[int, int]]:
    """(frame skip, (least, most)): what was asked for, else the spec's. Raises ZooError."""
    if wanted is not None or spec.frame_skip_range is None:
        skip = spec.frame_skip if wanted is None else wanted
        return skip, (skip, skip)
    least, most = spec.frame_skip_range
    if not 1 <= least <= most or most != spec.frame_skip:
        raise ZooError(
            f"A frame skip drawn from {least} to {most} cannot be played: the least must be 1 or more, and the most "
            f"what frame_skip says, {spec.frame_skip}."
        )
    return most, (least, most)
