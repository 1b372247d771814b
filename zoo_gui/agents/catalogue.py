"""Which agents there are, by id: ``algorithm/Game/run`` and ``/tag``. No TensorFlow.

``random/<Game>`` is an id as well: a player without a network.
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from pathlib import Path

from zoo_gui.agents.card import CARD_FILE, Card
from zoo_gui.registry import unknown
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)
DEFAULT = "distill/Breakout/2"
RANDOM = "random"


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue.

    path: the card, None for a player without a network. score, random_score, human_score: mean game scores, None where
    unknown. description: a few lines for people.
    """

    id: str
    algorithm: str
    game: str
    run: int
    tag: str
    path: Path | None
    title: str
    score: float | None = None
    random_score: float | None = None
    human_score: float | None = None
    description: str = ""


def entries() -> list[Entry]:
    """The agents that ship with the program, sorted by id; a faulty card is left out with a warning in the log."""
    found = []
    root = resource_path("agents")
    for pattern in ("*/*/*", "*/*/*/*"):
        for path in root.glob(f"{pattern}/{CARD_FILE}"):
            try:
                found.append(_entry(path))
            except ZooError as error:
                log.warning("%s", error)
    return sorted(found, key=lambda entry: (entry.algorithm, entry.game, entry.run, entry.tag))


def default_id() -> str:
    """The agent that a window without arguments opens on: it plays far above people, and Breakout needs no words."""
    return DEFAULT


def find(id_or_path: str) -> Entry:
    """The entry of an id in any letter case, or of a path: a folder with a card, the card, or weights beside it.

    Raises ZooError: unknown id (with near names), or a path without a card.
    """
    text = str(id_or_path).strip()
    parts = text.strip("/").split("/")
    if len(parts) == 2 and parts[0].casefold() == RANDOM:
        return _random(parts[1])
    path = Path(text).expanduser()
    looks_like_path = text.startswith(("/", ".", "~")) or path.suffix in (".toml", ".safetensors")
    if not looks_like_path:
        known = {entry.id.casefold(): entry for entry in entries()}
        if text.strip("/").casefold() in known:
            return known[text.strip("/").casefold()]
        if not text or not path.exists():
            raise unknown("agent", text, [entry.id for entry in known.values()])
    return _entry(_card_at(path), str(id_or_path))


def _card_at(path: Path) -> Path:
    """The card that a path means."""
    if not path.exists():
        raise ZooError(f"There is no file or folder {path}: name an agent of the catalogue, or a card's path.")
    if path.suffix == ".toml":
        return path
    card = (path if path.is_dir() else path.parent) / CARD_FILE
    if not card.is_file():
        raise ZooError(f"{path} has no card: put {CARD_FILE}, which describes the agent, beside its weights.")
    if path.is_file() and Card.read(card).weights.file != path.name:
        raise ZooError(f"The card {card} describes other weights than {path.name}: open {card.parent} instead.")
    return card


def _entry(path: Path, name: str = "") -> Entry:
    """The row of a card: ``name`` is the path that it was asked for by, "" for one of the catalogue."""
    card = Card.read(path)
    return Entry(
        id=name or card.id,
        algorithm=card.algorithm,
        game=card.game,
        run=card.run,
        tag=card.tag,
        path=path,
        title=card.full_title,
        score=card.scores.mean,
        random_score=card.scores.random,
        human_score=card.scores.human,
        description=card.description,
    )


def _random(game: str) -> Entry:
    """A player that draws its actions. The games are known to the layer above, hence the late look-up by name."""
    games = importlib.import_module("zoo_gui.play.games")
    rom = games.find(game)
    name = "".join(part.capitalize() for part in rom.split("_"))
    return Entry(
        id=f"{RANDOM}/{name}",
        algorithm=RANDOM,
        game=name,
        run=0,
        tag="",
        path=None,
        title=f"Random · {games.title(rom)}",
        description="Draws every action uniformly, whatever it sees.",
    )
