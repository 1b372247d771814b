"""One module per checkpoint format: a file to named arrays. No TensorFlow, and no code of the file ever runs.

A reader is registered under the file's suffix: ``@FORMATS.register("safetensors") def read(path) -> dict``. It gives
{name: float array}, names and layouts as the file has them, and raises ZooError for a file it cannot read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable

import numpy as np

from zoo_gui.registry import Registry
from zoo_gui.types import ZooError

Reader = Callable[[Path], dict[str, np.ndarray]]
FORMATS: Registry[Reader] = Registry("checkpoint format", "zoo_gui.agents.formats", "zoo_gui.formats")
MAX_BYTES = 2 << 30


def read_weights(path: Path, format: str = "", sha256: str = "") -> dict[str, np.ndarray]:
    """The arrays of a checkpoint, read by ``format`` (default: the suffix), after checking size and SHA-256.

    Raises ZooError for a file that is missing, over 2 GiB, not the one that the digest names, or damaged.
    """
    reader = FORMATS[format or path.suffix.lstrip(".")]
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ZooError(
                f"The weights {path} are too large: {size >> 20} MiB, where {MAX_BYTES >> 20} MiB is the limit."
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ZooError(f"The weights {path} are missing: put the file beside its card.") from error
    except OSError as error:
        raise ZooError(f"The weights {path} cannot be read: {error.strerror}.") from error
    if sha256 and digest != sha256.lower():
        raise ZooError(
            f"The weights {path} are not those of the card (their SHA-256 differs): get the file again, it is damaged "
            "or belongs to another agent."
        )
    return reader(path)
