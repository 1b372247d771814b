"""The native format: safetensors, a JSON header and raw numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo_gui.agents.formats import FORMATS
from zoo_gui.types import ZooError


@FORMATS.register("safetensors")
def read(path: Path) -> dict[str, np.ndarray]:
    """{name: array} in the file's own float type. Raises ZooError for a truncated or damaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise ZooError(f"The weights {path} are damaged or not safetensors: get the file again ({error}).") from error
