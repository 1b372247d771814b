"""One module per checkpoint format: a file to named arrays. No TensorFlow, and no code of the file ever runs.

A reader is ``@register("pytorch", title="PyTorch", suffixes=(".pt", …), recognises=…) def read(path) -> Checkpoint``.
It keeps within the limits of ``limits`` and raises ZooError, one sentence, for a file that it cannot read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np

from zoo_gui.agents.network_spec import NetworkSpec
from zoo_gui.backports import file_digest
from zoo_gui.registry import Registry
from zoo_gui.types import ZooError

HEAD = 4096
"""Bytes from the beginning of a file that ``Format.recognises`` gets."""
NO, MAYBE, SURE = 0, 1, 2
MAX_BYTES = 2 << 30


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    format: a name in FORMATS. arrays: {the file's name: array}, numbers only, names and layouts as the file has them,
    in the file's order. convention: how kernels are ordered, ``pytorch`` (OIHW, (out, in)), ``tensorflow`` (HWIO, (in,
    out)), "" where the file may be either. network: what the file itself says of the network's structure, None where it
    says nothing; names: {our name: the file's, or several} for it (``WeightsSpec.names``). facts: what else it says,
    plain data (game, algorithm, versions, hyperparameters, the number of actions). remarks: sentences on what was
    passed over.
    graph: the bytes of a TensorFlow GraphDef with its weights inside, where the file is one.
    """

    format: str
    arrays: Mapping[str, np.ndarray]
    convention: str = ""
    network: NetworkSpec | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    graph: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Format:
    """A checkpoint format: see ``register``."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Path, bytes], int]
    read: Callable[[Path], Checkpoint]


FORMATS: Registry[Format] = Registry("checkpoint format", "zoo_gui.agents.formats", "zoo_gui.formats")


def register(name: str, *, title: str, suffixes: tuple[str, ...], recognises: Callable[[Path, bytes], int]) -> Callable:
    """Decorator: the reader of a format.

    title: for people. suffixes: of file names, with the point. recognises: (path, its first 4096 bytes) to NO, MAYBE
    or SURE, quickly; of a folder the bytes are empty. A suffix alone is never more than MAYBE: names lie.
    """

    def enter(read: Callable[[Path], Checkpoint]) -> Callable[[Path], Checkpoint]:
        FORMATS.register(name)(Format(name, title, suffixes, recognises, read))
        return read

    return enter


def recognise(path: Path) -> Format:
    """The format of a file or folder, by its content, then by its suffix. Raises ZooError where none fits."""
    try:
        head = b""
        if not path.is_dir():
            with path.open("rb") as file:
                head = file.read(HEAD)
    except FileNotFoundError as error:
        raise ZooError(f"There is no file or folder {path}.") from error
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    if not head and not path.is_dir():
        raise ZooError(f"{path} is empty: get the file again.")
    formats = [format for _, format in FORMATS.items()]
    rank = {format.name: (format.recognises(path, head), path.name.endswith(format.suffixes)) for format in formats}
    best = max(formats, key=lambda format: rank[format.name])
    if rank[best.name][0] == NO:
        titles = ", ".join(format.title for format in formats)
        raise ZooError(f"{path.name} is in no format that can be read: it should be one of {titles}.")
    return best


def read_checkpoint(path: Path, format: str = "", sha256: str = "") -> Checkpoint:
    """What a checkpoint holds, read by ``format`` (default: found out), after checking size and SHA-256.

    path: a file, a folder, or what the names of a TensorFlow checkpoint's files begin with.
    Raises ZooError for a file that is missing, over 2 GiB, not the one that the digest names, or damaged.
    """
    if not path.exists() and Path(f"{path}.index").exists():
        path = Path(f"{path}.index")
    check_file(path, sha256)
    found = FORMATS[format] if format else recognise(path)
    return found.read(path)


def check_file(path: Path, sha256: str = "") -> None:
    """Raise ZooError unless the file is there, of a bearable size and, where given, of that SHA-256."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ZooError(
                f"The weights {path} are too large: {size >> 20} MiB, where {MAX_BYTES >> 20} MiB is the limit."
            )
        if not sha256:
            return
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ZooError(f"The weights {path} are missing: put the file beside its card.") from error
    except OSError as error:
        raise ZooError(f"The weights {path} cannot be read: {error.strerror}.") from error
    if digest != sha256.lower():
        raise ZooError(
            f"The weights {path} are not those of the card (their SHA-256 differs): get the file again, it is damaged "
            "or belongs to another agent."
        )
