"""The native format: safetensors, a JSON header and raw numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.limits import Budget
from zoo_gui.types import ZooError

NUMPY_TYPES = {"F16", "F32", "F64", "BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"}


def recognises(path: Path, head: bytes) -> int:
    """Eight bytes of length, then a JSON object."""
    if len(head) > 9 and int.from_bytes(head[:8], "little") < 100 << 20 and head[8:9] == b"{":
        return SURE
    return MAYBE if path.suffix == ".safetensors" else NO


@register("safetensors", title="safetensors", suffixes=(".safetensors",), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """{name: array} in the file's own float type. Raises ZooError for a truncated or damaged file."""
    from safetensors import SafetensorError, safe_open

    budget = Budget(path)
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: _array(file, name, path, budget) for name in file.keys()}
            facts = dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise ZooError(f"The weights {path} are damaged or not safetensors: get the file again ({error}).") from error
    return Checkpoint("safetensors", arrays, facts=facts)


def _array(file, name: str, path: Path, budget: Budget) -> np.ndarray:
    """One tensor; refuses number types that NumPy has only when other packages happen to be imported."""
    part = file.get_slice(name)
    if part.get_dtype() not in NUMPY_TYPES:
        kind = part.get_dtype()
        raise ZooError(f"The weights {path} hold {kind} numbers in {name}: save them as float16 or float32.")
    budget.take(part.get_shape(), 8, name)
    return file.get_tensor(name)
