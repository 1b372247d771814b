"""Stable-Baselines3 and sb3-contrib: a zip with JSON ``data`` and the policy's ``policy.pth``."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.reading.baselines_data import SavedData, read_data, versions
from zoo_gui.agents.reading.baselines_network import Unknown, baselines3
from zoo_gui.agents.formats import NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.inert import Name
from zoo_gui.agents.reading.inert_search import find_arrays
from zoo_gui.agents.reading.limits import read_member
from zoo_gui.agents.reading.torch_files import read_content
from zoo_gui.types import ZooError

KNOWN_EXTRACTORS = ("NatureCNN", "FlattenExtractor")


def recognises(path: Path, head: bytes) -> int:
    """An archive with both members."""
    if head[:4] != b"PK\3\4":
        return NO
    try:
        with path.open("rb") as file:
            return SURE if {"data", "policy.pth"} <= set(open_zip(file, path).namelist()) else NO
    except (ZooError, OSError):
        return NO


@register("stable-baselines3", title="Stable-Baselines3", suffixes=(".zip",), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """All arrays of the policy, and its network where it is one of the library's own policies for images or vectors.

    facts: ``algorithm`` (as RL Zoo names it: a2c, ppo, dqn, qrdqn, trpo, ppo_lstm, ppo_mask, ars), ``policy`` (its
    class), ``actions`` (how many), ``observation_shape``, ``frame_stack``, ``epsilon`` (of the end of exploration),
    ``versions``, ``values`` (the plain rest). Nothing that is pickled in the zip is run. Raises ZooError.
    """
    try:
        with path.open("rb") as file:
            archive = open_zip(file, path)
            missing = {"data", "policy.pth"} - set(archive.namelist())
            if missing:
                raise ZooError(f"{path.name} is not of Stable-Baselines3: there is no {' and no '.join(missing)}.")
            return _checkpoint(archive, path)
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error


def _checkpoint(archive: zipfile.ZipFile, path: Path) -> Checkpoint:
    data = read_data(archive, path)
    content = read_content(io.BytesIO(read_member(archive, "policy.pth", path)), path)
    found = find_arrays(content.thing, path, whole=True)
    if not found.arrays:
        raise ZooError(f"{path.name} holds a policy without arrays: it was saved from a model that was never set up.")
    facts = _facts(data, found.arrays) | {"versions": versions(archive, path)}
    remarks = list(found.remarks)
    network, names = None, {}
    try:
        network, names = _network(data, found.arrays)
    except Unknown as error:
        remarks.append(f"The network was not recognised: {error}.")
    return Checkpoint("stable-baselines3", found.arrays, "pytorch", network, names, facts, tuple(remarks))


def _network(data: SavedData, arrays: Mapping[str, np.ndarray]):
    extractor = data.arguments.get("features_extractor_class")
    if isinstance(extractor, Name) and extractor.name not in KNOWN_EXTRACTORS:
        raise Unknown(f"its features extractor is {extractor}, of the author's own")
    if data.activation is None:
        raise Unknown("its activation_fn is one that cards have no word for")
    options = data.arguments.get("features_extractor_kwargs")
    scaled = data.arguments.get("normalize_images", True) is not False
    if isinstance(options, dict) and options.get("normalized_image"):
        scaled = False
    images = any(".cnn." in name for name in arrays)
    return baselines3(arrays, data.actions or _counted(arrays), data.activation, images, scaled)


def _counted(arrays: Mapping[str, np.ndarray]) -> int | None:
    """The number of actions by the output layer."""
    for name in ("action_net.bias", "q_net.q_net.0.bias"):
        if name in arrays:
            return arrays[name].size
    return None


def _facts(data: SavedData, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    actions = data.actions or _counted(arrays)
    facts: dict[str, Any] = {"framework": "Stable-Baselines3", "algorithm": _algorithm(data, arrays)}
    for key, value in (("policy", data.policy), ("actions", actions), ("observation_kind", data.kind)):
        if value:
            facts[key] = value
    if data.shape:
        facts["observation_shape"] = list(data.shape)
        channels = min(data.shape) if len(data.shape) == 3 else 0
        if channels and channels % 3:  # a multiple of three may be colours
            facts["frame_stack"] = channels
    epsilon = data.values.get("exploration_final_eps")
    if isinstance(epsilon, float):
        facts["epsilon"] = epsilon
    return facts | {"values": dict(data.values)}


def _algorithm(data: SavedData, arrays: Mapping[str, np.ndarray]) -> str:
    """As RL Zoo names it, by the policy's module, then by the hyperparameters that only one algorithm has."""
    values, policy = data.values, data.policy
    if "lstm_actor.weight_ih_l0" in arrays:
        return "ppo_lstm"
    if any(name.startswith("quantile_net.") for name in arrays):
        return "qrdqn"
    if any(name.startswith("q_net.") for name in arrays):
        return "dqn"
    if ".ars." in policy or "delta_std" in values:
        return "ars"
    if "actor.mu.weight" in arrays or any(name.startswith("critic.qf0") for name in arrays):
        return next((name for name in ("sac", "td3", "tqc", "crossq") if f".{name}." in policy), "td3")
    if ".maskable." in policy:
        return "ppo_mask"
    if "cg_max_steps" in values:
        return "trpo"
    return "ppo" if "n_epochs" in values or "clip_range" in values else "a2c"
