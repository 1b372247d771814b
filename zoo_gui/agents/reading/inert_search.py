"""What an inert object holds: its arrays by name, the settings of its PyTorch modules, and its plain values."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from zoo_gui.agents.reading.inert import Name, Record
from zoo_gui.agents.reading.inert_torch import Tensor
from zoo_gui.agents.reading.inert_values import NumpyArray, Unreadable
from zoo_gui.agents.reading.limits import MAX_DEPTH, Budget
from zoo_gui.types import ZooError

MAX_NODES = 50_000
"""Containers that are looked into; a network has some hundred."""
MAX_LIST = 256
"""Items of a list above which it is data, not layers."""
MAX_VALUES = 2_000
MAX_TEXT = 2_000
OPTIMISER = re.compile(r"(?i)(.*_)?optim(izer|iser)?s?(_.*)?|opt|opt_state|.*_opt|.*_opt_state|amp|scaler|.*_scheduler")
MEMORY = re.compile(r"(?i)(.*_)?(replay|rollouts?|experiences?)(_.*)?|memory|replay(buffer|memory)|rolloutstorage")
_ARRAYS = (Tensor, NumpyArray, Unreadable)
_PRIVATE = {"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training", "dump_patches"}


@dataclass
class Found:
    """arrays: {name: array}. modules: {dotted path: what a PyTorch module was made with}. inside: where in the file the
    network lay, ``model_state_dict``, which its names leave out; "" where they are complete. classes: of the objects
    that hold arrays. remarks: sentences on what was passed over. pytorch: whether any array is a tensor."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    inside: str = ""
    classes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    pytorch: bool = False


@dataclass
class _Group:
    """Arrays of one state dict, module or object. place: how one gets to it. network: whether it may be a network."""

    place: tuple[str, ...]
    kind: str
    arrays: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def network(self) -> bool:
        """Modules are; so are dictionaries with dotted names or several matrices."""
        matrices = sum(len(getattr(array, "shape", ())) > 1 for array in self.arrays.values())
        dotted = any("." in name for name in self.arrays)
        return self.kind == "module" or self.kind == "dict" and (matrices > 1 or dotted)


def find_arrays(root: Any, path: Path, separator: str = ".", whole: bool = False) -> Found:
    """The arrays in an object of ``inert.load``, in its order, under the names that people know them by.

    Those of a PyTorch module are called as in its ``state_dict()``, those of a dictionary by its keys, joined by
    ``separator``. Where the file holds one network among other things, its names leave out the way to it
    (``Found.inside``), unless ``whole``. Optimisers and replay memories are left out, with a remark. Raises ZooError
    for an array that is damaged, of an unreadable type or too large, and for objects nested beyond sense.
    """
    search = _Search(path)
    search.visit(root, (), None, 0)
    groups = [group for group in search.groups.values() if group.arrays]
    networks = [group for group in groups if group.network]
    stripped = networks[0].place if len(networks) == 1 and not whole else _common([g.place for g in networks], whole)
    found = Found(inside=".".join(stripped), remarks=search.remarks)
    budget = Budget(path)
    for group in groups:
        start = group.place[len(stripped):] if group.network else group.place  # fmt: skip
        for name, array in group.arrays.items():
            if not array_shape(array) and group.kind == "dict" and not group.network:
                continue  # a number: see plain_values
            full = _unused(separator.join((*start, name)), found.arrays)
            found.arrays[full] = _numbers(array, budget, full, path)
            found.pytorch |= isinstance(array, Tensor)
        for name, settings in group.modules.items():
            found.modules[separator.join(filter(None, (*start, name)))] = settings
    found.classes = list(search.classes)
    return found


def array_shape(array: Any) -> tuple[int, ...]:
    """The shape of an array that is not read yet."""
    return tuple(getattr(array, "shape", (1,)))


def _numbers(array: Any, budget: Budget, name: str, path: Path) -> np.ndarray:
    return array if isinstance(array, np.ndarray) else array.array(budget, name, path)


def _common(places: list[tuple[str, ...]], whole: bool) -> tuple[str, ...]:
    """What several networks' places begin with."""
    common: list[str] = []
    for parts in () if whole else zip(*places):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return tuple(common)


def _unused(name: str, names: Any) -> str:
    """The name, or the name with a number where it is taken (keys 1 and "1")."""
    number, candidate = 2, name
    while candidate in names:
        candidate, number = f"{name}~{number}", number + 1
    return candidate


class _Search:
    """One walk over the objects."""

    def __init__(self, path: Path):
        self.path = path
        self.groups: dict[tuple[tuple[str, ...], str], _Group] = {}
        self.remarks: list[str] = []
        self.classes: dict[str, None] = {}
        self.nodes = 0
        self._open: set[int] = set()

    def visit(self, thing: Any, place: tuple[str, ...], holder: _Group | None, depth: int) -> None:
        """Enter what is at ``place``; ``holder`` is the group of the container that it is in."""
        if isinstance(thing, _ARRAYS):
            self._enter(thing, place, holder)
        if not isinstance(thing, (dict, list, tuple, Record)) or not thing:
            return
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ZooError(f"{self.path.name} is refused: its objects are nested beyond sense; save the weights alone.")
        if depth > MAX_DEPTH or id(thing) in self._open:  # cycles are usual: a layer that knows its parent
            return
        self._open.add(id(thing))
        if is_module(thing):
            group = self._group(place, "module", thing.class_name)
            self._module(thing, (), group, depth)
        else:
            self._container(thing, place, depth)
        self._open.discard(id(thing))

    def _group(self, place: tuple[str, ...], kind: str, class_name: str = "") -> _Group:
        if class_name:
            self.classes[class_name] = None
        return self.groups.setdefault((place, kind), _Group(place, kind))

    def _enter(self, array: Any, place: tuple[str, ...], holder: _Group | None) -> None:
        if isinstance(array, NumpyArray) and not array.numeric:
            self._remark(f"{'.'.join(place) or 'An array'} holds texts or objects, not numbers, and was passed over.")
            return
        holder = holder or self._group((), "dict")
        name = place[len(holder.place):] or ("array",)  # fmt: skip
        holder.arrays[_unused(".".join(name), holder.arrays)] = array

    def _remark(self, sentence: str) -> None:
        if len(self.remarks) < 20 and sentence not in self.remarks:
            self.remarks.append(sentence[:300])

    def _container(self, thing: Any, place: tuple[str, ...], depth: int) -> None:
        if isinstance(thing, (list, tuple)) and len(thing) > MAX_LIST:
            if any(isinstance(item, _ARRAYS) for item in thing[:MAX_LIST]):
                self._remark(f"A list of {len(thing)} items was passed over ({'.'.join(place)}).")
            return
        if is_optimiser(thing):
            self._remark(f"The optimiser's state was left out ({'.'.join(place) or 'the whole file'}).")
            return
        kind = "record" if isinstance(thing, Record) else "list" if isinstance(thing, (list, tuple)) else "dict"
        holder = self._group(place, kind)
        for name, child in children(thing):
            if name and self._left_out(name, child):
                continue
            if isinstance(child, _ARRAYS) and isinstance(thing, Record):
                self.classes[thing.class_name] = None
            self.visit(child, (*place, name) if name else place, holder, depth + 1)
        count = thing.attributes.get("count") if kind == "record" else None
        if isinstance(count, (int, float)) and {"mean", "var"} <= holder.arrays.keys():
            holder.arrays["count"] = np.array(float(count))  # of a running mean

    def _left_out(self, name: str, child: Any) -> bool:
        """Whether this is the state of an optimiser or a memory of experience."""
        if not isinstance(child, (dict, list, tuple, Record)) or not child or is_module(child):
            return False
        if OPTIMISER.fullmatch(name):
            self._remark(f"The optimiser's state was left out ({name}).")
            return True
        if MEMORY.fullmatch(name) and not _has_module(child):
            self._remark(f"A memory of experience was left out ({name}).")
            return True
        return False

    def _module(self, module: Record, place: tuple[str, ...], group: _Group, depth: int) -> None:
        """A PyTorch module: its parameters, its buffers, then its modules, as ``Module.state_dict`` goes."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ZooError(f"{self.path.name} is refused: its modules are nested beyond sense.")
        parts = module.attributes
        group.modules[".".join(place)] = _settings(module)
        passing = parts.get("_non_persistent_buffers_set")
        for kind in ("_parameters", "_buffers"):
            for name, array in _items(parts.get(kind)):
                if kind == "_buffers" and isinstance(passing, (list, tuple)) and name in passing:
                    continue
                if isinstance(array, _ARRAYS):
                    group.arrays[".".join((*place, name))] = array
        for name, child in _items(parts.get("_modules")):
            if is_module(child):
                self._module(child, (*place, name), group, depth + 1)
        if not place:
            self._networks_beside(parts, group, depth)

    def _networks_beside(self, parts: dict, group: _Group, depth: int) -> None:
        """Arrays that a module keeps as plain attributes, a running mean: they are in no state_dict."""
        for name, child in parts.items():
            if isinstance(child, Record) and "mean" in child.attributes and isinstance(name, str):
                self.visit(child, (*group.place, name), None, depth + 1)


def is_module(thing: Any) -> bool:
    """Whether it is a PyTorch module."""
    return isinstance(thing, Record) and {"_parameters", "_modules"} <= thing.attributes.keys()


def is_optimiser(thing: Any) -> bool:
    """Whether it is a PyTorch optimiser, or its state."""
    if isinstance(thing, Record):
        return thing.module.startswith("torch.optim") or "param_groups" in thing.attributes
    return isinstance(thing, dict) and {"state", "param_groups"} <= thing.keys()


def _has_module(thing: Any) -> bool:
    return isinstance(thing, Record) and any(is_module(child) for _, child in children(thing))


def children(thing: Any) -> Iterator[tuple[str, Any]]:
    """(name, what it holds) of a container; the name is "" where it adds nothing: {"_dict": …} of a FrozenDict."""
    if isinstance(thing, dict):
        yield from _items(thing)
        return
    if isinstance(thing, (list, tuple)):
        yield from _numbered(thing)
        return
    if not isinstance(thing, Record):
        return
    for name, child in _items(thing.attributes):
        yield "" if name == "_dict" else name, child
    for key, child in thing.entries:
        yield (key if isinstance(key, str) else str(key) if isinstance(key, (int, Name)) else "?")[:200], child
    inner = [child for child in thing.args if isinstance(child, (dict, list, tuple, Record, *_ARRAYS))]
    if len(inner) == 1:
        yield "", inner[0]
    else:
        yield from _numbered(inner)
    yield from _numbered(thing.items)
    if not isinstance(thing.state, (dict, tuple)) and isinstance(thing.state, (list, Record)):
        yield "state", thing.state


def _items(table: Any) -> Iterator[tuple[str, Any]]:
    """The pairs of a dictionary, keys as texts."""
    if isinstance(table, Record):  # an OrderedDict of a class of its own
        yield from ((str(key)[:200], value) for key, value in table.entries if isinstance(key, (str, int)))
    elif isinstance(table, dict):
        for key, value in table.items():
            yield (key if isinstance(key, str) else repr(key) if isinstance(key, bytes) else str(key))[:200], value


def _numbered(things: Any) -> Iterator[tuple[str, Any]]:
    """Items by number, or by class where that tells them apart: RunningMeanStd."""
    names = Counter(thing.name for thing in things if isinstance(thing, Record))
    for index, thing in enumerate(things):
        alone = isinstance(thing, Record) and names[thing.name] == 1
        yield thing.name[:80].rsplit(".", 1)[-1] if alone else str(index), thing


def _settings(module: Record) -> dict[str, Any]:
    """What a module was made with, plain: {"class": "Conv2d", "stride": [4, 4], …}."""
    settings: dict[str, Any] = {"class": module.name[:80]}
    for name, value in module.attributes.items():
        if not isinstance(name, str) or name in _PRIVATE or len(settings) > 40:
            continue
        if isinstance(value, (tuple, list)) and len(value) <= 8 and all(map(_is_scalar, value)):
            settings[name[:80]] = [_scalar(item) for item in value]
        elif isinstance(value, Name):
            settings[name[:80]] = str(value)
        elif value is not None and _is_scalar(value):
            settings[name[:80]] = _scalar(value)
    return settings


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, float)) or isinstance(value, int) and value.bit_length() < 64


def _scalar(value: Any) -> Any:
    return value[:MAX_TEXT] if isinstance(value, str) else value


def plain_values(thing: Any, path: Path) -> Any:
    """The numbers, texts, lists and tables in an object, as plain data; without arrays, optimisers and what is large.

    The attributes of an object (an argparse.Namespace) are a table, a class is its name.
    """
    return _Plain(path).of(thing, 0)


class _Plain:
    def __init__(self, path: Path):
        self.path, self.left = path, MAX_VALUES

    def of(self, thing: Any, depth: int) -> Any:
        """Plain data, or None where nothing plain is in it."""
        self.left -= 1
        if self.left < 0 or depth > 6:
            return None
        if _is_scalar(thing):
            return _scalar(thing)
        if isinstance(thing, Name):
            return str(thing)
        if isinstance(thing, (NumpyArray, Tensor)):
            return self._number(thing)
        if isinstance(thing, (list, tuple)):
            items = [self.of(item, depth + 1) for item in thing[:100]]
            return items if any(item is not None for item in items) else None
        if is_module(thing) or is_optimiser(thing) or not isinstance(thing, (dict, Record)):
            return None
        table = {}
        parts = [(name, child) for name, child in itertools.islice(children(thing), MAX_VALUES)]
        weights = any(isinstance(child, _ARRAYS) and len(array_shape(child)) > 0 for _, child in parts)
        for name, child in parts:
            if weights and isinstance(child, _ARRAYS) or OPTIMISER.fullmatch(name) and not _is_scalar(child):
                continue
            value = self.of(child, depth + 1)
            if value is not None and (name or isinstance(value, dict)):
                table.update({name: value} if name else value)
        return table or (thing.class_name if isinstance(thing, Record) else None)

    def _number(self, array: Any) -> Any:
        """A number that lies there as an array."""
        if array_shape(array) not in ((), (1,)) or isinstance(array, NumpyArray) and not array.numeric:
            return None
        try:
            return array.array(Budget(self.path), "of one number", self.path).item()
        except ZooError:
            return None
