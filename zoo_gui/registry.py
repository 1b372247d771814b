"""Named things that a new file adds: panels, checkpoint formats, analyses."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Callable, Generic, Iterable, Iterator, TypeVar

from zoo_gui.types import ZooError

T = TypeVar("T")


def near_names(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Up to ``count`` of ``known`` that resemble ``name``, best first, whatever the letter case."""
    folded = {candidate.casefold(): candidate for candidate in known}
    return [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, count, cutoff=0.4)]


def unknown(kind: str, name: str, known: Iterable[str]) -> ZooError:
    """The error for a name that does not exist: says near names."""
    near = near_names(name, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return ZooError(f"There is no {kind} “{name}”.{hint}")


class Registry(Generic[T]):
    """A mapping from names to things, filled by a decorator in the module that defines each.

    kind: the word for one of them in messages; package: whose modules ``discover`` imports; group: entry points of
    outsiders.
    """

    def __init__(self, kind: str, package: str, group: str):
        self.kind, self.package, self.group = kind, package, group
        self._things: dict[str, T] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: enter the thing under ``name``. Raises ValueError when the name is taken."""

        def enter(thing: T) -> T:
            if name in self._things:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._things[name] = thing
            return thing

        return enter

    def discover(self) -> "Registry[T]":
        """Import the package's modules, then the entry points of installed packages; once."""
        if not self._discovered:
            self._discovered = True
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__, self.package + "."):
                importlib.import_module(module.name)
            for point in entry_points(group=self.group):
                point.load()
        return self

    def __getitem__(self, name: str) -> T:
        self.discover()
        if name not in self._things:
            raise unknown(self.kind, name, self._things)
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.discover()._things)

    def __len__(self) -> int:
        return len(self.discover()._things)

    def items(self) -> list[tuple[str, T]]:
        """(name, thing) in order of registration."""
        return list(self.discover()._things.items())
