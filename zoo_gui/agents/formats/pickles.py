"""Plain pickles of arrays: NumPy's (Karpathy's Pong), joblib's, Dopamine's in JAX, Haiku's, PyTorch's by pickle."""

from __future__ import annotations

import bz2
import io
import lzma
import mmap
import re
import zlib
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from zoo_gui.agents.reading import torch_files
from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.formats.pytorch import nothing_found, object_facts
from zoo_gui.agents.reading.inert import FAULTS, OPCODES, Source, load
from zoo_gui.agents.reading.inert_search import Found, find_arrays
from zoo_gui.agents.reading.limits import MAX_RATIO, SMALL
from zoo_gui.types import ZooError

SUFFIXES = (".pkl", ".pickle", ".p", ".pck", ".pk", ".save", ".joblib", ".pkl.gz", ".pickle.gz", ".dump", ".gz")
MAX_UNPACKED = 512 << 20
MAX_OBJECTS = 16
"""Pickles one after the other in one file."""
ONLINE = ("online_params", "online_network_params", "online_network")
"""Where Dopamine's agents keep the network that acts."""
_KERNEL = re.compile(r".*/(kernel|kernel_mu)|.*(linear|conv2_?d|mlp|/~)[^/]*/(.*/)?w")
"""How Flax and Dopamine's noisy layers call a kernel, and Haiku, whose w is that of a layer of its own names."""
_VARIABLE = re.compile(r".*/[\w.]+:0")
"""A variable of TensorFlow 1, as OpenAI's baselines pickle them."""
_PARAMETER = re.compile(r"(.*\.)?(weight|weight_[ih]h(_l\d+)?)")
"""A parameter of PyTorch, as RLlib pickles them in NumPy's arrays."""
_PACKED = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"x\x01", "zlib"), (b"x\x5e", "zlib"),
           (b"x\x9c", "zlib"), (b"x\xda", "zlib"))  # fmt: skip
_UNPACKERS = {
    "gzip": lambda: zlib.decompressobj(31), "zlib": zlib.decompressobj, "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=128 << 20),
}  # fmt: skip
MANY = 20
"""Opcodes in a row that no text has by chance."""
_FIRST = b"(])}cl"
"""What a pickle without a protocol number begins with, when a container is in it."""


def recognises(path: Path, head: bytes) -> int:
    """A protocol number and an opcode, or, of Python 2's text protocol, several opcodes; perhaps compressed."""
    if torch_files.MAGIC_BYTES in head[:40]:
        return NO
    packing = _packing(head)
    if packing:
        if not path.name.endswith(SUFFIXES):
            return NO
        try:
            head = _UNPACKERS[packing]().decompress(head, 4096)
        except (zlib.error, OSError, lzma.LZMAError, ValueError, EOFError):
            return NO
    if head[:1] == b"\x80" and 2 <= head[1] <= 5 and head[2:3] in OPCODES:
        return SURE
    named = path.name.endswith(SUFFIXES)
    if head[:1] in _FIRST and _opcodes(head) >= (4 if named else MANY):
        return SURE if named else MAYBE
    return NO


def _packing(head: bytes) -> str:
    return next((name for magic, name in _PACKED if head.startswith(magic)), "")


def _opcodes(head: bytes) -> int:
    """How many opcodes can be read at the beginning, up to MANY."""
    source = io.BytesIO(head)
    for count in range(MANY):
        code = source.read(1)
        if code == b".":
            return MANY if count else 0
        try:
            reader = OPCODES[code][0]
            reader and reader(source)
        except FAULTS:
            return count
    return MANY


@register("pickle", title="pickle", suffixes=SUFFIXES, recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Arrays under the keys that lead to them; of Dopamine's checkpoints only the network that acts, as
    ``params/Conv_0/kernel``.

    convention: ``pytorch`` where tensors are in it, ``tensorflow`` where kernels are called as Flax and Haiku do (HWIO,
    (in, out)). facts: as of ``pytorch``; ``framework``, ``steps`` and ``algorithm`` where they can be told. Raises
    ZooError for a damaged file, one without arrays, and one that asks for too much.
    """
    try:
        with path.open("rb") as file:
            packing = _packing(file.read(8))
            file.seek(0)
            if packing:
                return _checkpoint(path, io.BytesIO(_unpacked(file.read(), packing, path)))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
                return _checkpoint(path, pages)
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read: {error}.") from error


def _unpacked(data: bytes, packing: str, path: Path) -> bytes:
    """The bytes of a compressed file, within limits."""
    most = min(MAX_UNPACKED, max(SMALL, MAX_RATIO * len(data)))
    unpacker = _UNPACKERS[packing]()
    try:
        unpacked = unpacker.decompress(data, most + 1)
    except (zlib.error, OSError, lzma.LZMAError, ValueError, EOFError, MemoryError) as error:
        raise ZooError(f"{path.name} is damaged: it cannot be unpacked ({error}). Get the file again.") from error
    if len(unpacked) > most:
        raise ZooError(f"{path.name} is refused: it unpacks to more than {most >> 20} MiB.")
    if not unpacker.eof:
        raise ZooError(f"{path.name} is damaged: it ends too early. Get the file again.")
    return unpacked


def _checkpoint(path: Path, source: Source) -> Checkpoint:
    thing, remarks = _objects(path, source)
    online = _online(thing)
    if online is not None:
        found = find_arrays(online, path, "/", whole=True)
    else:
        found = find_arrays(thing, path, "/", whole=True)
        if not _flax(found):
            found = find_arrays(thing, path)
    if not found.arrays:
        raise ZooError(_no_arrays(thing, found, path))
    facts = object_facts(thing, found, path) | _dopamine(thing, online, found)
    return Checkpoint("pickle", found.arrays, _convention(found), facts=facts, remarks=tuple(found.remarks + remarks))


def _convention(found: Found) -> str:
    if found.pytorch or any(map(_PARAMETER.fullmatch, found.arrays)):
        return "pytorch"
    return "tensorflow" if _flax(found) or any(map(_VARIABLE.fullmatch, found.arrays)) else ""


def _objects(path: Path, source: Source) -> tuple[Any, list[str]]:
    """What is in the file: one object, or a list of those that were written one after the other."""
    things, remarks = [load(source, path)], []
    while len(things) < MAX_OBJECTS:
        place = source.tell()
        if not source.read(1):
            break
        source.seek(place)
        try:
            things.append(load(source, path))
        except ZooError:
            remarks.append("What follows the first objects in the file was passed over.")
            break
    return (_worker(things[0], path) if len(things) == 1 else things), remarks


def _worker(thing: Any, path: Path) -> Any:
    """RLlib's checkpoints before Ray 2.0 hold the worker's state as a pickle in the pickle."""
    if isinstance(thing, dict) and isinstance(thing.get("worker"), bytes):
        return {**thing, "worker": load(io.BytesIO(thing["worker"]), path, depth=1)}
    return thing


def _online(thing: Any) -> Any:
    """The parameters of the network that acts, of a Dopamine checkpoint."""
    keys = (key for key in ONLINE if isinstance(thing, dict) and thing.get(key) is not None)
    return next((thing[key] for key in keys), None)


def _flax(found: Found) -> bool:
    """Whether arrays are called as Flax and Haiku call them: layer/kernel."""
    return not found.pytorch and any(_KERNEL.fullmatch(name) for name in found.arrays)


def _no_arrays(thing: Any, found: Found, path: Path) -> str:
    if isinstance(thing, dict) and {"training_steps", "current_iteration"} & thing.keys():
        return (
            f"{path.name} holds the counters of a Dopamine run, not its weights: open the tf_ckpt-… files beside it."
        )
    return nothing_found(found, path)


def _dopamine(thing: Any, online: Any, found: Found) -> dict[str, Any]:
    """What a Dopamine checkpoint says of its agent."""
    if online is None:
        return {"framework": "Flax or Haiku"} if _flax(found) else {}
    facts: dict[str, Any] = {"framework": "Dopamine (JAX)"}
    steps = thing.get("training_steps")
    if isinstance(steps, int):
        facts["steps"] = steps
    algorithm = _algorithm(found.arrays)
    return facts | ({"algorithm": algorithm} if algorithm else {})


def _algorithm(arrays: Mapping[str, np.ndarray]) -> str:
    """The agent by its names and sizes: dopamine/jax/networks.py.

    IQN's first dense layer reads 64 cosines; 51 atoms are of C51 and Rainbow, 200 quantiles of QR-DQN; only the full
    Rainbow has noisy layers.
    """
    if any("kernel_mu" in name or "NoisyNetwork" in name for name in arrays):
        return "rainbow"
    kernels = [array for name, array in arrays.items() if name.endswith("/kernel") and array.ndim == 2]
    if not kernels:
        return ""
    if any(kernel.shape[0] == 64 and kernel.shape[1] > 512 for kernel in kernels):
        return "iqn"
    outputs = kernels[-1].shape[1]
    if outputs <= 18:
        return "dqn"
    return "rainbow" if outputs % 51 == 0 else "qrdqn" if outputs % 200 == 0 else ""
