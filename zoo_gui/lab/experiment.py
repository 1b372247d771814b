"""What an experiment is: a file that says what is asked of which agents, and the cells that it consists of.

    kind = "sweep"
    title = "Noise on what agents see, Breakout"
    agents = ["ppo/Breakout/1", "distill/Breakout/1", "random/Breakout"]
    seeds = [0, 1, 2]

    [settings]
    levels = [0.0, 0.05, 0.1]

A cell is the smallest part that is computed, kept and repeated by itself. What it gives depends on nothing but its
settings: not on who computes it, nor on what was computed before.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping, Protocol, Sequence

import numpy as np

from zoo_gui.agents import tables
from zoo_gui.backports import tomllib
from zoo_gui.registry import Registry
from zoo_gui.types import Progress, ZooError

KINDS: Registry = Registry("kind of experiment", "zoo_gui.lab.kinds", "zoo_gui.experiments")


@dataclass(frozen=True)
class Cell:
    """A part of an experiment. name: for people. settings: plain data (texts, numbers, lists, tables), all that its
    numbers depend on; where an agent plays, with the keys ``agent`` (its id) and ``agent_hash`` (``Agent.hash``)."""

    kind: str
    name: str
    settings: Mapping[str, Any]

    def __hash__(self) -> int:  # tables have none
        return hash(self.key)

    @functools.cached_property
    def key(self) -> str:
        """The cell's name as a file: readable, and different for different settings."""
        version = KINDS[self.kind].version
        told = json.dumps([self.kind, version, self.settings], sort_keys=True, default=_plain)
        words = re.sub(r"[^A-Za-z0-9.]+", "-", self.name).strip("-")[:60]
        return f"{words}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


class Results(Protocol):
    """{cell: its arrays} of the cells that are done, read when asked for. ``failures``: {cell: sentence}."""

    failures: Mapping[Cell, str]

    def __getitem__(self, cell: Cell) -> Mapping[str, np.ndarray]: ...
    def __contains__(self, cell: object) -> bool: ...
    def __iter__(self) -> Iterator[Cell]: ...
    def __len__(self) -> int: ...


class Kind(Protocol):
    """What a file in ``lab/kinds`` registers: a class that needs nothing to be made.

    settings: a frozen dataclass; its fields are the keys of the file's table ``[settings]``, with their defaults.
    version: to be raised where the same settings give other numbers than before.
    """

    settings: type
    version: int

    def cells(self, experiment: "Experiment") -> Sequence[Cell]:
        """All cells, in the order in which they are best computed. Raises ZooError where they make no sense."""

    def compute(self, cell: Cell) -> Mapping[str, np.ndarray]:
        """A cell's arrays, in whichever process. Raises ZooError; the other cells go on."""

    def result(self, experiment: "Experiment", cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        """What the cells say together: the last record's result has ``table()``, ``arrays()``, ``draw(figure)`` as
        ``analysis.export`` takes them, and ``caption``, a text that says n, seeds and levels. Cells may be missing."""


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises ZooError with near names."""
    return KINDS[name]()


@dataclass(frozen=True)
class Experiment:
    """What is asked. agents: ids or paths. seeds: of the games. settings: of the kind, an instance of its dataclass."""

    kind: str
    agents: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    title: str = ""
    settings: Any = None

    def __post_init__(self):
        if self.settings is None or isinstance(self.settings, Mapping):
            made = tables.build(KINDS[self.kind].settings, self.settings or {}, "settings", "this", "experiment")
            object.__setattr__(self, "settings", made)
        for name in ("agents", "seeds"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.agents:
            raise ZooError("This experiment has no agents: name one or more.")
        if not self.seeds or any(not isinstance(seed, int) or seed < 0 for seed in self.seeds):
            raise ZooError("An experiment's seeds are whole numbers from 0, at least one.")
        if len(set(self.seeds)) < len(self.seeds) or len(set(self.agents)) < len(self.agents):
            raise ZooError("An agent or a seed stands twice in this experiment: name each once.")

    @classmethod
    def read(cls, path: str | Path) -> "Experiment":
        """The experiment of a TOML file. Raises ZooError that says what is wrong in it."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ZooError(f"{path} cannot be read: {reason}.") from error
        try:
            return cls.of_table(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ZooError(f"{path} is not a valid experiment: {error}.") from error
        except ZooError as error:
            raise ZooError(f"{path}: {error}") from error

    @classmethod
    def of_table(cls, table: Mapping[str, Any]) -> "Experiment":
        """The experiment of a file's top table. Raises ZooError."""
        told = tables.build(_File, table, "", "this", "experiment")
        return cls(told.kind, told.agents, told.seeds, told.title, told.settings)

    def toml(self) -> str:
        """The text of the file, every setting in it."""
        told = _File(self.kind, self.agents, self.seeds, self.title, tables.dump(self.settings, full=True))
        return tables.toml(tables.dump(told, full=True))

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells. Raises ZooError."""
        found = tuple(kind_of(self.kind).cells(self))
        if len({cell.key for cell in found}) < len(found):
            raise ZooError("Two cells of this experiment are the same: a level, an agent or a seed stands in it twice.")
        return found


@dataclass(frozen=True)
class _File:
    """The file's top table."""

    kind: str
    agents: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    title: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} is no plain data")
