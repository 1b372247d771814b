"""Finished feature visualizations on disk: one safetensors file each, under ``cache_dir()/feature_vis``.

A cache may lose things but never breaks anything: what cannot be read is computed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from zoo_gui import settings

MAX_FILES = 2000  # about 230 MB of four 84×84 frames each
log = logging.getLogger(__name__)


def folder() -> Path:
    """Where the files lie; not created here."""
    return settings.cache_dir() / "feature_vis"


def path_for(key: Mapping[str, Any]) -> Path:
    """The file of a visualization; ``key`` holds everything that its result depends on (JSON values)."""
    text = json.dumps(dict(key), sort_keys=True)
    return folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.safetensors"


def load(key: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[np.ndarray, float] | None:
    """(image float32 of ``shape`` in 0–1, activation) as stored; None where there is none, or none that is whole."""
    from safetensors.numpy import load as parse

    path = path_for(key)
    try:
        tensors = parse(path.read_bytes())
        image, activation = tensors["image"], float(tensors["activation"][0])
        whole = image.shape == tuple(shape) and image.dtype == np.float32 and np.isfinite(activation)
        if whole and bool(((image >= 0) & (image <= 1)).all()):
            os.utime(path)  # the least recently used go first
            return image, activation
        raise ValueError("not a feature visualization of this observation shape")
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        log.warning("The cached feature visualization %s cannot be used (%s): it is computed again.", path, error)
        return None


def store(key: Mapping[str, Any], image: np.ndarray, activation: float) -> str:
    """Write the result; returns "" or a sentence that says why it could not be kept. Never raises."""
    from safetensors.numpy import save

    path, temporary = path_for(key), ""
    tensors = {"image": np.ascontiguousarray(image, np.float32), "activation": np.array([activation], np.float64)}
    about = {name: json.dumps(value) for name, value in key.items()}  # says what the file is, for people
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(save(tensors, about))
        os.replace(temporary, path)
        _prune(path.parent)
        return ""
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        sentence = f"The feature visualization could not be kept in {path.parent} ({error.strerror})."
        log.warning("%s", sentence)
        return sentence


def _prune(place: Path) -> None:
    """Remove the least recently used files beyond MAX_FILES."""
    files = list(place.glob("*.safetensors"))
    if len(files) > MAX_FILES:
        for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)[: len(files) - MAX_FILES]:
            path.unlink(missing_ok=True)
