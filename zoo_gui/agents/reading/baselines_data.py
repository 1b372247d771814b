"""What a zip of Stable-Baselines (2 and 3) says of its agent in its member ``data``, and NumPy arrays in members."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from zoo_gui.agents.reading.inert import FAULTS, Name, Record, load
from zoo_gui.agents.reading.inert_search import plain_values
from zoo_gui.agents.reading.inert_values import NumpyArray
from zoo_gui.agents.reading.limits import NUMBERS, Budget, read_member
from zoo_gui.types import ZooError

MAX_DATA = 64 << 20
MAX_SERIALISED = 16 << 20
SERIALISED = ":serialized:"
ACTIVATIONS = {
    "ReLU": "relu", "Tanh": "tanh", "ELU": "elu", "LeakyReLU": "leaky_relu", "Sigmoid": "sigmoid", "SELU": "selu",
    "SiLU": "silu", "GELU": "gelu", "Softplus": "softplus", "ReLU6": "relu6", "Identity": "linear", "relu": "relu",
    "tanh": "tanh", "elu": "elu", "leaky_relu": "leaky_relu", "sigmoid": "sigmoid",
}  # fmt: skip
"""PyTorch's class, or TensorFlow's function, to a card's word."""
NOT_FACTS = ("_last_obs", "_last_episode_starts", "_last_original_obs", "_last_dones", "ep_info_buffer", "__doc__")


@dataclass(frozen=True)
class SavedData:
    """values: what of it is plain, with its own keys. policy: the policy's class, ``module.Class``. arguments: of the
    policy (policy_kwargs), classes as Name. shape: of the observation space; kind: its number type. actions: how many;
    None where the file does not say."""

    values: Mapping[str, Any] = field(default_factory=dict)
    policy: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    kind: str = ""
    actions: int | None = None

    @property
    def activation(self) -> str | None:
        """A card's word for the policy's activation_fn, "" where it is the default, None where cards have none."""
        function = self.arguments.get("activation_fn", self.arguments.get("act_fun"))
        if function is None:
            return ""
        name = function.name if isinstance(function, (Name, Record)) else str(function).split("'")[-2:][0]
        return ACTIVATIONS.get(name.split(".")[-1])


def read_data(archive: zipfile.ZipFile, path: Path) -> SavedData:
    """The member ``data``: JSON, and pickles of what JSON lacks, which are read as inert records. Raises ZooError."""
    if archive.getinfo("data").file_size > MAX_DATA:
        raise ZooError(f"{path.name} is refused: its data is larger than {MAX_DATA >> 20} MiB.")
    try:
        data = json.loads(read_member(archive, "data", path))
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path.name} is damaged: its member data is not JSON ({str(error)[:100]}).") from error
    if not isinstance(data, dict):
        raise ZooError(f"{path.name} is damaged: its member data is not a table.")
    arguments = _arguments(data.get("policy_kwargs"), path)
    policy = _opened(data, "policy_class" if "policy_class" in data else "policy", path)
    return SavedData(
        values=_plain(data, path),
        policy=str(policy) if isinstance(policy, Name) else "",
        arguments=arguments,
        shape=_shape(data, path),
        kind=_kind(data, path),
        actions=_actions(data, path),
    )


def _opened(data: Mapping[str, Any], key: str, path: Path) -> Any:
    """What is pickled under a key, as inert records; None where nothing is, or nothing that can be read."""
    entry = data.get(key)
    text = entry.get(SERIALISED) if isinstance(entry, dict) else None
    if not isinstance(text, str) or len(text) > MAX_SERIALISED:
        return None
    try:
        return load(io.BytesIO(base64.b64decode(text)), path)
    except (ZooError, ValueError):
        return None  # the arrays may be whole


def _arguments(entry: Any, path: Path) -> dict[str, Any]:
    opened = _opened({"": entry}, "", path)
    table = opened if isinstance(opened, dict) else entry if isinstance(entry, dict) else {}
    return {str(key): value for key, value in table.items() if not str(key).startswith(":")}


def _plain(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Numbers, texts, lists; of what is pickled only what JSON shows of it."""
    kept = {key: value for key, value in data.items() if key not in NOT_FACTS}
    for key, value in kept.items():
        if isinstance(value, dict) and SERIALISED in value:
            kept[key] = _spelt(value)
    plain = plain_values({key: value for key, value in kept.items() if value not in (None, {})}, path)
    return plain if isinstance(plain, dict) else {}


def _spelt(entry: dict[str, Any]) -> Any:
    """The parts of a pickled entry that JSON shows, but neither its base64 nor Python's addresses of functions."""
    shown = {key: value for key, value in entry.items() if not key.startswith(("_", ":"))}
    texts = {key: str(value) for key, value in shown.items()}
    return {key: value for key, value in shown.items() if texts[key][:1] != "<" and len(texts[key]) < 500} or None


def _space(data: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    """The attributes of a space."""
    entry = data.get(key)
    opened = _opened(data, key, path)
    shown = dict(entry) if isinstance(entry, dict) else {}
    return shown | (opened.attributes if isinstance(opened, Record) else {})


def _shape(data: Mapping[str, Any], path: Path) -> tuple[int, ...] | None:
    space = _space(data, "observation_space", path)
    low = space.get("low")
    for shape in (space.get("_shape"), space.get("shape"), low.shape if isinstance(low, NumpyArray) else None):
        if isinstance(shape, (list, tuple)) and 0 < len(shape) <= 4 and all(type(n) is int and n > 0 for n in shape):
            return tuple(shape)
    return None


def _kind(data: Mapping[str, Any], path: Path) -> str:
    kind = _space(data, "observation_space", path).get("dtype")
    code = getattr(kind, "code", kind)
    return {"u1": "uint8", "f4": "float32", "f8": "float64"}.get(code, code) if isinstance(code, str) else ""


def _actions(data: Mapping[str, Any], path: Path) -> int | None:
    count = _space(data, "action_space", path).get("n")
    if isinstance(count, str) and count.isdigit() and len(count) < 6:
        count = int(count)
    return count if isinstance(count, int) and 0 < count < 10_000 else None


def versions(archive: zipfile.ZipFile, path: Path) -> dict[str, str]:
    """{library: version} that the zip was written with."""
    found = {}
    names = set(archive.namelist())
    if "_stable_baselines3_version" in names:
        text = read_member(archive, "_stable_baselines3_version", path)[:40]
        found["Stable-Baselines3"] = text.decode("ascii", "replace").strip()
    if "system_info.txt" in names and archive.getinfo("system_info.txt").file_size < 1 << 16:
        for line in read_member(archive, "system_info.txt", path).decode("utf-8", "replace").splitlines()[:40]:
            library, _, version = line.removeprefix("- ").partition(": ")
            if version:
                found[library[:40]] = version.strip()[:120]
    return found


def read_npy(data: bytes, budget: Budget, name: str, path: Path) -> np.ndarray:
    """The array of an ``.npy`` member, read-only. Raises ZooError for a damaged one, or one of objects."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
        if dtype.kind not in NUMBERS:
            raise ZooError(f"{path.name} holds texts or objects in {name[:80]}, where weights should be.")
        budget.take(shape, dtype.itemsize, name)
        array = np.ndarray(shape, dtype, data, file.tell(), order="F" if fortran else "C")
    except (*FAULTS, SyntaxError) as error:
        raise ZooError(f"{path.name} is damaged: its array {name[:80]} cannot be read ({str(error)[:100]}).") from error
    array = array.astype(dtype.newbyteorder("="), copy=False)
    array.flags.writeable = False
    return array
