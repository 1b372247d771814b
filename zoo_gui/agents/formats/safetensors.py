"""The native format: safetensors, a JSON header and raw numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo_gui.agents.formats import FORMATS
from zoo_gui.types import ZooError


NUMPY_TYPES = {"F16", "F32", "F64", "BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"}


@FORMATS.register("safetensors")
def read(path: Path) -> dict[str, np.ndarray]:
    """{name: array} in the file's own float type. Raises ZooError for a truncated or damaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return {name: _array(file, name, path) for name in file.keys()}
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise ZooError(f"The weights {path} are damaged or not safetensors: get the file again ({error}).") from error


def _array(file, name: str, path: Path) -> np.ndarray:
    """One tensor; refuses number types that NumPy has only when other packages happen to be imported."""
    kind = file.get_slice(name).get_dtype()
    if kind not in NUMPY_TYPES:
        raise ZooError(f"The weights {path} hold {kind} numbers in {name}: save them as float16 or float32.")
    return file.get_tensor(name)
