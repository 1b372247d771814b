"""What others published about games: scores, and how well players were told apart (``resources/published.toml``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from zoo_gui.backports import tomllib
from zoo_gui.play import games
from zoo_gui.settings import resource_path


@dataclass(frozen=True)
class Published:
    """A number of someone else's. name: of the algorithm. source: short; where: under which conditions; full: which
    publication."""

    name: str
    value: float
    source: str
    where: str
    full: str

    @property
    def label(self) -> str:
        """``DQN, Mnih et al. 2015``."""
        return f"{self.name}, {self.source}"


def scores(game: str) -> tuple[Published, ...]:
    """Mean scores in a game, named in any spelling; none where the file has none."""
    table = _file()["scores"].get(games.identity(game), {})
    return tuple(_published(name, value, source) for source, row in table.items() for name, value in row.items())


def distinctiveness(game: str) -> Published | None:
    """The mean F1 with which Such et al. 2019 told seven algorithms apart in a game; None where they say none."""
    table = _file()["distinctiveness"]
    value = table.get(games.identity(game))
    return None if value is None else _published("mean F1", value, table["source"])


def _published(name: str, value: float, source: str) -> Published:
    told = _file()["sources"][source]
    return Published(name, float(value), told["title"], told["where"], told["full"])


@functools.cache
def _file() -> dict[str, Any]:
    return tomllib.loads(resource_path("published.toml").read_text(encoding="utf-8"))
