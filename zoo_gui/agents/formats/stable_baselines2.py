"""Stable-Baselines 2 (TensorFlow 1): a zip with JSON ``data``, and the arrays as an ``.npz`` in ``parameters``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.reading.baselines_data import read_data, read_npy
from zoo_gui.agents.reading.baselines_network import Unknown, baselines2
from zoo_gui.agents.formats import NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.limits import Budget, read_member
from zoo_gui.types import ZooError

MEMBERS = {"data", "parameters"}


def recognises(path: Path, head: bytes) -> int:
    """An archive with both members."""
    if head[:4] != b"PK\3\4":
        return NO
    try:
        with path.open("rb") as file:
            return SURE if MEMBERS <= set(open_zip(file, path).namelist()) else NO
    except (ZooError, OSError):
        return NO


@register("stable-baselines", title="Stable-Baselines 2", suffixes=(".zip",), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """All variables of the model, and its network where its policy is CnnPolicy or CnnLstmPolicy.

    facts: as of ``stable-baselines3``; ``algorithm`` where the variables tell it. Raises ZooError.
    """
    try:
        with path.open("rb") as file:
            archive = open_zip(file, path)
            if not MEMBERS <= set(archive.namelist()):
                raise ZooError(f"{path.name} is not of Stable-Baselines 2: its data or its parameters are missing.")
            data = read_data(archive, path)
            arrays = _parameters(read_member(archive, "parameters", path), path)
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    if not arrays:
        raise ZooError(f"{path.name} holds no parameters: it was saved from a model that was never set up.")
    facts: dict[str, Any] = {"framework": "Stable-Baselines 2", "values": dict(data.values)}
    if any(name.startswith("deepq/") for name in arrays):
        facts["algorithm"] = "dqn"
    for key, value in (("policy", data.policy), ("actions", data.actions), ("observation_shape", data.shape)):
        if value:
            facts[key] = list(value) if isinstance(value, tuple) else value
    network, names, remarks = None, {}, []
    try:
        network, names = baselines2(arrays)
    except Unknown as error:
        remarks.append(f"The network was not recognised: {error}.")
    return Checkpoint("stable-baselines", arrays, "tensorflow", network, names, facts, tuple(remarks))


def _parameters(data: bytes, path: Path) -> dict[str, Any]:
    """{variable: array} of the ``.npz`` within."""
    budget = Budget(path)
    archive = open_zip(io.BytesIO(data), path)
    members = [name for name in archive.namelist() if name.endswith(".npy")]
    return {
        name.removesuffix(".npy"): read_npy(read_member(archive, name, path), budget, name, path) for name in members
    }
