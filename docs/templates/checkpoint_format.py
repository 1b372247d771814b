"""A checkpoint format in one file: JSON, {"fc/kernel": [[…], …], …}, as a small experiment might write it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from zoo_gui.agents.formats import MAYBE, NO, Checkpoint, register
from zoo_gui.agents.reading.limits import Budget
from zoo_gui.types import ZooError

LARGEST = 64 << 20  # bytes: as text, numbers take ten times the room


def recognises(path: Path, head: bytes) -> int:
    """By its content and its name; any JSON object begins like this, hence never SURE."""
    return MAYBE if path.suffix == ".json" and head.lstrip()[:1] == b"{" else NO


@register("json", title="JSON", suffixes=(".json",), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """A file is untrusted: read what it says, run nothing of it, and keep within limits. Raises ZooError."""
    if path.stat().st_size > LARGEST:
        raise ZooError(f"The weights {path} are over {LARGEST >> 20} MB of JSON: save them as safetensors.")
    budget = Budget(path)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        arrays = {str(name): np.asarray(value, np.float32) for name, value in told.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ZooError(f"The weights {path} are not a JSON object of arrays: get the file again.") from error
    for name, array in arrays.items():
        budget.take(array.shape, 4, name)
    return Checkpoint("json", arrays, convention="tensorflow")
