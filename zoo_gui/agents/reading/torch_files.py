"""The containers that ``torch.save`` has written since 2017, without PyTorch: zip, the legacy stream, the first tar.

Each gives the pickled object with its storages; what lies in those is read only when it is asked for.
Source: torch/serialization.py and torch/csrc/jit/serialization of PyTorch 0.1 to 2.13.
"""

from __future__ import annotations

import io
import struct
import tarfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.reading.inert import FAULTS, Inert, Machine, Name, constructor, load
from zoo_gui.agents.reading.inert_torch import TORCH_TYPES, Storage, Tensor, storage_kind
from zoo_gui.agents.reading.inert_values import whole_numbers
from zoo_gui.agents.reading.limits import read_member
from zoo_gui.types import ZooError

MAGIC = 0x1950A86A20F9469CFC6C
MAGIC_BYTES = MAGIC.to_bytes(10, "little")
TAR_MEMBERS = ("sys_info", "pickle", "tensors", "storages")
MAX_PICKLE = 128 << 20
"""Of the pickle of a container that keeps its numbers elsewhere."""
MAX_SOURCES = 20
MAX_CODE = 4 << 20
"""Of all the text of a TorchScript."""
_OTHER_SIZES = {"ComplexFloatStorage": 8, "ComplexDoubleStorage": 16, "ComplexHalfStorage": 4, "QInt32Storage": 4}


@dataclass
class Content:
    """thing: what was saved. container: ``zip``, ``TorchScript``, ``legacy`` or ``tar``. sources: {class: its Python
    text} that the file carries, for people to read. code: {Python module: text} of a TorchScript."""

    thing: Any
    container: str
    sources: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)


def is_tar(head: bytes) -> bool:
    """Whether a file begins as the first PyTorch's tar archive."""
    return head[:100].rstrip(b"\0").decode("latin-1") in TAR_MEMBERS


def read_content(file: BinaryIO, path: Path, depth: int = 0) -> Content:
    """What is in a file that is open and stays so: an ``io.BytesIO``, a file (of a zip) or an ``mmap``.

    Raises ZooError for a damaged file or one that asks for too much.
    """
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    try:
        if head[:2] == b"PK":
            return _Zip(file, path, depth).content()
        if is_tar(head):
            return _Tar(file, path, depth).content()
        return _Legacy(file, path, depth).content()
    except (*FAULTS, struct.error, tarfile.TarError) as error:
        raise ZooError(f"{path.name} is damaged: it ends too early or is garbled ({str(error)[:100]}).") from error


class _Container:
    """What the three have in common: storages by key, and what pickles say of them."""

    def __init__(self, file: BinaryIO, path: Path, depth: int):
        self.file, self.path, self.depth = file, path, depth
        self.storages: dict[str, Storage] = {}
        self.sources: dict[str, str] = {}

    def class_with_source(self, kind: Any, source: Any) -> Any:
        """A module's class, which old files save with its Python text."""
        if isinstance(kind, Name) and isinstance(source, str) and len(self.sources) < MAX_SOURCES:
            if not kind.module.startswith("torch.nn."):
                self.sources[str(kind)] = source[:20_000]
        return kind

    def refer(self, identity: Any) -> Any:
        """A storage, ("storage", class, key, place, count, view), or a class, ("module", class, file, its text)."""
        if not isinstance(identity, tuple) or not identity:
            raise ValueError("a reference to nothing")
        if identity[0] == "module":
            return self.class_with_source(identity[1], identity[-1])
        if identity[0] != "storage":
            raise ValueError("a reference to something unknown")
        kind, key, count = storage_kind(identity[1]), identity[2], identity[4]
        if not isinstance(count, int) or not 0 <= count < 2**48:
            raise ValueError("a storage of absurd size")
        if not isinstance(key, (str, int)) or len(str(key)) > 100:
            raise ValueError("a storage without a key")
        storage = self.storages.get(str(key))
        if storage is None:
            storage = self.storages[str(key)] = self.storage(str(key), kind, count)
        view = identity[5] if len(identity) > 5 else None
        return storage if view is None else self.view(storage, view)

    def storage(self, key: str, kind: str, count: int) -> Storage:
        """A storage that is met for the first time."""
        return Storage(kind, count)

    def view(self, root: Storage, view: Any) -> Storage:
        """A part of a storage: (key, offset, count)."""
        _, offset, count = view
        return _part(root, offset, count)

    def at(self, start: int, size: int) -> bytes:
        """Bytes of the file. Raises ZooError where it ends before."""
        self.file.seek(start)
        data = self.file.read(size)
        if len(data) != size:
            raise ZooError(f"{self.path.name} is damaged: it ends too early. Get the file again.")
        return data


def _part(root: Storage, offset: Any, count: Any) -> Storage:
    offset, count = whole_numbers((offset, count))
    if offset < 0 or count < 0 or offset + count > root.count:
        raise ValueError("a part outside its storage")
    size = _item_size(root.kind)
    return Storage(
        root.kind, count, lambda: memoryview(root.bytes())[offset * size : (offset + count) * size], root.order
    )


def _item_size(kind: str) -> int:
    return TORCH_TYPES[kind][0].itemsize if kind in TORCH_TYPES else _OTHER_SIZES.get(kind, 1)


class _Zip(_Container):
    """PyTorch 1.6 and later: data.pkl, data/KEY; TorchScript's has code beside it, which is not looked at."""

    def content(self) -> Content:
        self.archive = open_zip(self.file, self.path)
        names = self.archive.namelist()
        pickles = sorted((n for n in names if n.split("/")[-1] == "data.pkl"), key=lambda name: name.count("/"))
        if not pickles:
            old = any(name.endswith("model.json") for name in names)
            what = "of a TorchScript older than PyTorch 1.4" if old else "without data.pkl"
            raise ZooError(f"{self.path.name} is an archive {what}: save the model's state_dict() with torch.save.")
        self.prefix = pickles[0].removesuffix("data.pkl")
        self.names = set(names)
        order = f"{self.prefix}byteorder"
        big = order in self.names and read_member(self.archive, order, self.path).strip() == b"big"
        self.order = ">" if big else "<"
        if self.archive.getinfo(pickles[0]).file_size > MAX_PICKLE:
            raise ZooError(f"{self.path.name} is refused: its pickle is larger than {MAX_PICKLE >> 20} MiB.")
        data = read_member(self.archive, pickles[0], self.path)
        thing = load(io.BytesIO(data), self.path, self.refer, self.depth)
        if f"{self.prefix}constants.pkl" in self.names:
            return Content(thing, "TorchScript", self.sources, self._code())
        return Content(thing, "zip", self.sources)

    def _code(self) -> dict[str, str]:
        """The text of a TorchScript's classes."""
        code, folder, left = {}, f"{self.prefix}code/", MAX_CODE
        for member in self.archive.infolist():
            name = member.filename
            if name.startswith(folder) and name.endswith(".py") and member.file_size <= left:
                left -= member.file_size + 100
                text = read_member(self.archive, name, self.path).decode("utf-8", "replace")
                code[name[len(folder) : -len(".py")].replace("/", ".")] = text
        return code

    def storage(self, key: str, kind: str, count: int) -> Storage:
        name = f"{self.prefix}data/{key}"
        if name not in self.names:
            raise ValueError(f"its numbers {key[:40]} are missing")
        if self.archive.getinfo(name).file_size < count * _item_size(kind):
            raise ValueError(f"its numbers {key[:40]} are cut")
        return Storage(kind, count, partial(read_member, self.archive, name, self.path), self.order)


class _Legacy(_Container):
    """PyTorch 0.1.11 to 1.5, and ``_use_new_zipfile_serialization=False``: five pickles, then the storages."""

    def content(self) -> Content:
        magic, _, _ = (load(self.file, self.path) for _ in range(3))
        if magic != MAGIC:
            raise ZooError(f"{self.path.name} is not a PyTorch file: it should begin with PyTorch's number.")
        thing = load(self.file, self.path, self.refer, self.depth)
        keys = load(self.file, self.path)
        place = self.file.tell()
        for key in keys if isinstance(keys, list) else ():
            storage = self.storages.get(str(key) if isinstance(key, (str, int)) else "")
            count = int.from_bytes(self.at(place, 8), "little", signed=True)
            if storage is None or count != storage.count or storage.load is not None:
                raise ValueError("its storages are not those of its pickle")
            size = count * _item_size(storage.kind)
            storage.load = partial(self.at, place + 8, size)
            place += 8 + size
        return Content(thing, "legacy", self.sources)


class _Tar(_Container):
    """PyTorch before 0.1.11: a tar archive of the storages, the tensors (views of them) and the pickle (of those)."""

    def content(self) -> Content:
        parts = self._parts()
        if not {"storages", "tensors", "pickle"} <= parts.keys():
            raise ZooError(f"{self.path.name} is a tar archive, but not PyTorch's: unpack it and open the file.")
        objects: dict[int, Any] = {}
        self._storages(parts["storages"], objects)
        self._tensors(parts["tensors"], objects)

        def refer(identity: Any) -> Any:
            if isinstance(identity, tuple):
                return self.class_with_source(identity[0], identity[-1])
            return objects[int(identity)]

        thing = load(io.BytesIO(self.at(*parts["pickle"])), self.path, refer, self.depth)
        return Content(thing, "tar", self.sources)

    def _parts(self) -> dict[str, tuple[int, int]]:
        """{member: (where it begins, bytes)}."""
        parts = {}
        with tarfile.open(fileobj=self.file, mode="r:") as tar:
            for _, member in zip(range(16), tar):
                if member.isreg() and not member.issparse():
                    parts[member.name] = (member.offset_data, member.size)
        return parts

    def _storages(self, part: tuple[int, int], objects: dict[int, Any]) -> None:
        """A count; for each its (key, place, class), length and numbers; then (key, root, offset, length) of parts."""
        start, size = part
        data = io.BytesIO(self.at(start, size))
        for _ in range(_count(load(data, self.path))):
            key, _, kind = load(data, self.path)
            count = int.from_bytes(data.read(8), "little", signed=True)
            begin, kind = data.tell(), storage_kind(kind)
            if count < 0 or begin + count * _item_size(kind) > size:
                raise ValueError("its numbers are cut")
            objects[int(key)] = Storage(kind, count, partial(self.at, start + begin, count * _item_size(kind)))
            data.seek(begin + count * _item_size(kind))
        for key, root, offset, count in load(data, self.path):
            objects[int(key)] = _part(objects[int(root)], offset, count)

    def _tensors(self, part: tuple[int, int], objects: dict[int, Any]) -> None:
        """A count; for each its (key, storage, class), its rank in 8 bytes, lengths, strides and offset."""
        data = io.BytesIO(self.at(*part))
        for _ in range(_count(load(data, self.path))):
            key, storage, _ = load(data, self.path)
            rank = struct.unpack("<ii", data.read(8))[0]
            if not 0 <= rank <= 64:
                raise ValueError("a tensor of absurd rank")
            numbers = struct.unpack(f"<{2 * rank + 1}q", data.read(16 * rank + 8))
            objects[int(key)] = Tensor(_storage(objects[int(storage)]), numbers[-1], numbers[:rank], numbers[rank:-1])


def _storage(thing: Any) -> Storage:
    if not isinstance(thing, Storage):
        raise ValueError("a tensor without numbers")
    return thing


def _count(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number < 100_000:
        raise ValueError("an absurd number of parts")
    return number


@constructor("torch.storage._load_from_bytes")
def _nested(machine: Machine, args: tuple) -> Inert | Any:
    """Plain pickles of tensors hold, for each storage, what ``torch.save`` writes of it."""
    if not isinstance(args[0], bytes):
        return NotImplemented
    machine.copy(len(args[0]))
    machine.spend(1000)
    return read_content(io.BytesIO(args[0]), machine.path, machine.depth + 1).thing
