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

MAX_FILES = 4000  # about 450 MB of four 84×84 frames each: every unit of six small networks
log = logging.getLogger(__name__)


def folder() -> Path:
    """Where the files lie; not created here."""
    return settings.cache_dir() / "feature_vis"


def path_for(key: Mapping[str, Any]) -> Path:
    """The file of a visualization; ``key`` holds everything that its result depends on (JSON values)."""
    text = json.dumps(dict(key), sort_keys=True)
    return folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.safetensors"


def load(key: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """(images float32 of ``shape`` (n, h, w, C) in 0–1, activations (n,) float64) as stored; None where there are
    none, or none that are whole."""
    from safetensors.numpy import load as parse

    path = path_for(key)
    try:
        tensors = parse(path.read_bytes())
        images, activations = tensors["images"], tensors["activations"]
        whole = images.shape == tuple(shape) and images.dtype == np.float32 and activations.shape == images.shape[:1]
        if whole and bool(((images >= 0) & (images <= 1)).all() and np.isfinite(activations).all()):
            os.utime(path)  # the least recently used go first
            return images, activations.astype(np.float64)
        raise ValueError("not a feature visualization of this observation shape")
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        log.warning("The cached feature visualization %s cannot be used (%s): it is computed again.", path, error)
        return None


def store(key: Mapping[str, Any], images: np.ndarray, activations: np.ndarray) -> str:
    """Write the result, as ``load`` gives it; returns "" or a sentence that says why it could not be kept. Never
    raises."""
    from safetensors.numpy import save

    path, temporary = path_for(key), ""
    tensors = {
        "images": np.ascontiguousarray(images, np.float32), "activations": np.array(activations, np.float64),
    }  # fmt: skip
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
    names = [name for name in os.listdir(place) if name.endswith(".safetensors")]
    if len(names) > MAX_FILES:
        paths = sorted((place / name for name in names), key=lambda path: path.stat().st_mtime_ns)
        for path in paths[: len(names) - MAX_FILES]:
            path.unlink(missing_ok=True)
