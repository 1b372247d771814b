"""Which agents there are, by id: ``algorithm/Game/run`` and ``/tag``. No TensorFlow.

A run's last agent has no tag; those of earlier stages have: ``initial``, or millions of emulator frames (``1.6M``).
``run@tag`` is understood as ``run/tag``, and the tag ``final`` as none. ``random/<Game>`` is an id as well: a player
without a network.
"""

from __future__ import annotations

import importlib
import logging
import math
from dataclasses import dataclass
from pathlib import Path

from zoo_gui.agents.card import ALGORITHM_TITLES, CARD_FILE, Card, Scores
from zoo_gui.registry import unknown
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)
DEFAULT = "distill/Breakout/2"
RANDOM = "random"
FINAL = "final"
"""What the tag of a run's last agent, "", is called where a name is needed."""
THUMBNAIL_FILE = "thumbnail.png"
MAX_THUMBNAIL_BYTES = 1 << 18


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue.

    path: the card, None for a player without a network. score, random_score, constant_score (of the best constant
    action, ``constant_action``), human_score: mean game scores, None where unknown. frames: emulator frames of
    training. description: a few lines for people. remark: a sentence where the agent is no better than a player that
    sees nothing, else "". thumbnail: a small PNG beside the card, or None.
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
    algorithm_title: str = ""
    constant_score: float | None = None
    constant_action: str = ""
    frames: int | None = None
    remark: str = ""
    thumbnail: Path | None = None


def entries() -> list[Entry]:
    """The agents that ship with the program, sorted by algorithm, game and run, a run's in the order of its training.

    A faulty card is left out with a warning in the log.
    """
    found = []
    root = resource_path("agents")
    for pattern in ("*/*/*", "*/*/*/*"):
        for path in root.glob(f"{pattern}/{CARD_FILE}"):
            try:
                found.append(_entry(path))
            except ZooError as error:
                log.warning("%s", error)
    return sorted(found, key=lambda entry: (entry.algorithm, entry.game, entry.run, *_stage(entry)))


def _stage(entry: Entry) -> tuple[int, float, str]:
    """Sorts the agents of one run: the untrained one, the tags by frames, the last one."""
    if entry.tag == "initial" or not entry.tag:
        return (0 if entry.tag else 2), 0.0, ""
    return 1, math.inf if entry.frames is None else entry.frames, entry.tag


def default_id() -> str:
    """The agent that a window without arguments opens on: it plays far above people, and Breakout needs no words."""
    return DEFAULT


def find(id_or_path: str) -> Entry:
    """The entry of an id in any letter case, or of a path: a folder with a card, the card, or weights beside it.

    Also ``run@tag``, and ``run/final`` or ``run@final`` for the run itself.

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
        id = text.strip("/").casefold().replace("@", "/")
        for name in (id, id.removesuffix(f"/{FINAL}")):
            if name in known:
                return known[name]
        if not text or not path.exists():
            raise unknown("agent", text, [entry.id for entry in known.values()])
    return _entry(_card_at(path), str(id_or_path))


def read_thumbnail(entry: Entry) -> bytes | None:
    """The PNG of an entry's thumbnail, not checked; None without one that can be read, or above 256 KiB."""
    try:
        if entry.thumbnail is None or entry.thumbnail.stat().st_size > MAX_THUMBNAIL_BYTES:
            return None
        return entry.thumbnail.read_bytes()
    except OSError as error:
        log.warning("The thumbnail %s cannot be read: %s.", entry.thumbnail, error.strerror)
        return None


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
    thumbnail = path.parent / THUMBNAIL_FILE
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
        algorithm_title=card.algorithm_title,
        constant_score=card.scores.constant,
        constant_action=card.scores.constant_action,
        frames=card.frames,
        remark=_remark(card.scores),
        thumbnail=thumbnail if thumbnail.is_file() else None,
    )


def _remark(scores: Scores) -> str:
    """What must be said of an agent that is no better than a player that sees nothing; "" of one that is better."""
    if scores.better_than_constant is False:
        action = scores.constant_action
        doing = f"pressing {action} all the time" if action else "the best constant action"
        doing = "doing nothing" if action == "NOOP" else doing
        return f"Not better than {doing} ({figure(scores.constant)})."
    if scores.better_than_random is False:
        return f"Not better than random play ({figure(scores.random)})."
    return ""


def figure(score: float) -> str:
    """A score for people: one decimal, none where it is zero."""
    return f"{score:,.1f}".removesuffix(".0")


def _random(game: str) -> Entry:
    """A player that draws its actions. The games are known to the layer above, hence the late look-up by name."""
    games = importlib.import_module("zoo_gui.play.games")
    rom = games.find(game)
    name = games.identity(rom)
    return Entry(
        id=f"{RANDOM}/{name}",
        algorithm=RANDOM,
        game=name,
        run=0,
        tag="",
        path=None,
        title=f"Random · {games.title(rom)}",
        description="Draws every action uniformly, whatever it sees.",
        algorithm_title=ALGORITHM_TITLES[RANDOM],
    )
