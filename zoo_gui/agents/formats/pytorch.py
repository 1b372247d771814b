"""What ``torch.save`` wrote, of every age: state dictionaries, dictionaries of them, whole modules, TorchScript."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any

from zoo_gui.agents.reading.archives import open_zip
from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.inert_search import Found, find_arrays, plain_values
from zoo_gui.agents.reading.torch_files import MAGIC_BYTES, Content, is_tar, read_content
from zoo_gui.agents.reading.torch_scripts import script_modules, script_sources
from zoo_gui.types import ZooError

SUFFIXES = (
    ".pt", ".pth", ".ptm", ".th", ".tar", ".pkl", ".bin", ".cleanrl_model", ".ckpt", ".dat", ".model", ".pyt", ".torch",
)  # fmt: skip
TELLING = (".pt", ".pth", ".ptm", ".th", ".pyt", ".torch")
"""Names that only PyTorch's files have."""
ENVIRONMENT = re.compile(r"(ALE/)?[A-Z][A-Za-z0-9]*(-ram|-ramNoFrameskip|-ramDeterministic)?-v\d")


def recognises(path: Path, head: bytes) -> int:
    """The first pickle is PyTorch's number; or an archive with data.pkl; or the first PyTorch's tar archive."""
    if MAGIC_BYTES in head[:40] or is_tar(head):
        return SURE
    if head[:4] == b"PK\3\4":
        first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        if first.split(b"/")[-1] == b"data.pkl" or _has_pickle(path):
            return SURE
    return MAYBE if path.suffix in TELLING else NO


def _has_pickle(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return any(name.split("/")[-1] == "data.pkl" for name in open_zip(file, path).namelist())
    except (ZooError, OSError):
        return False


@register("pytorch", title="PyTorch", suffixes=SUFFIXES, recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Names as in the ``state_dict()`` of what was saved; kernels (out, in, height, width) and (out, in).

    facts: ``values``, the plain values beside the arrays; ``modules``, {dotted path: class, stride, padding, …} where
    the modules themselves were pickled or scripted; ``classes`` of objects; ``sources``, {class: text of its code} that
    old files and TorchScript carry; ``container``; ``inside``, the key under which the network lay; ``environment``
    where a value is one's name. Raises ZooError for a damaged file, one without arrays, and one that asks for too much.
    """
    try:
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                return _checkpoint(path, read_content(file, path))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
                return _checkpoint(path, read_content(pages, path))
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read: {error}.") from error


def _checkpoint(path: Path, content: Content) -> Checkpoint:
    found = find_arrays(content.thing, path)
    if not found.arrays:
        raise ZooError(nothing_found(found, path))
    facts = object_facts(content.thing, found, path) | {"container": content.container}
    if content.code:
        facts["modules"] = script_modules(content.thing, content.code)
        facts.pop("values", None)  # what a TorchScript keeps besides are flags of its modules
    sources = content.sources | script_sources(content.thing, content.code)
    if sources:
        facts["sources"] = sources
    return Checkpoint("pytorch", found.arrays, "pytorch", facts=facts, remarks=tuple(found.remarks))


def nothing_found(found: Found, path: Path) -> str:
    """The sentence for a file without arrays."""
    if any("optimiser" in remark for remark in found.remarks):
        return f"{path.name} holds the state of an optimiser, not a network: open the model's own file."
    return f"{path.name} holds no arrays of a network: save them with torch.save(model.state_dict()) or numpy.savez."


def object_facts(thing: Any, found: Found, path: Path) -> dict[str, Any]:
    """What an object says beside its arrays: see ``read``."""
    facts: dict[str, Any] = {}
    values = plain_values(thing, path)
    if isinstance(values, dict):
        facts["values"] = values
        environment = next(_environments(values, 0), None)
        if environment:
            facts["environment"] = environment
    for key in ("modules", "classes", "inside"):
        if getattr(found, key):
            facts[key] = getattr(found, key)
    return facts


def _environments(value: Any, depth: int):
    """Texts that are names of Gym environments."""
    if isinstance(value, str) and len(value) < 80 and ENVIRONMENT.fullmatch(value):
        yield value
    elif isinstance(value, (dict, list)) and depth < 6:
        for child in value.values() if isinstance(value, dict) else value:
            yield from _environments(child, depth + 1)
