"""One row of the catalogue. No TensorFlow."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo_gui.agents.card import Card

EMBEDDED, FOLDER, URL, ZOO, DOPAMINE, HUGGINGFACE = "embedded", "folder", "url", "zoo", "dopamine", "huggingface"
SOURCES = (EMBEDDED, FOLDER, URL, ZOO, DOPAMINE, HUGGINGFACE)
READY, REMOTE = "ready", "to download"
PREFIXES = {HUGGINGFACE: "hf"}
"""What stands before the colon of an id, where that is not the source's name."""


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue.

    path: the card, None where there is none on disk: of a player without a network, of a file that is still to be
    downloaded, and of one whose card is ``card``. score, random_score, constant_score (of the best constant action,
    ``constant_action``), human_score: mean game scores, None where unknown. frames: emulator frames of training.
    description: a few lines for people. remark: a sentence where the agent is no better than a player that sees
    nothing or its id is not what it could be, else "". thumbnail: a small PNG beside the card, or None.

    source: one of SOURCES. licence: SPDX where it has such a name, "" unknown. status: READY, REMOTE, or why it cannot
    be had. weights: the file on disk, None while it must be downloaded. card: of an agent whose card is no file.
    urls: where its files are, the weights first; hashes: their SHA-256, "" unknown. size: bytes of the weights.
    format: a name in FORMATS, "": found out. preset: which description fits the file, "": found out.
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
    source: str = EMBEDDED
    licence: str = ""
    status: str = READY
    weights: Path | None = None
    card: Card | None = dataclasses.field(default=None, repr=False)
    urls: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    size: int | None = None
    format: str = ""
    preset: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it can be opened without a download."""
        return self.status == READY

    @property
    def level(self) -> float | None:
        """(score − random) / (human − random): 0 random play, 1 a person; None where one of them is unknown."""
        if None in (self.score, self.random_score, self.human_score) or self.human_score == self.random_score:
            return None
        return (self.score - self.random_score) / (self.human_score - self.random_score)

    @property
    def qualified_id(self) -> str:
        """The id with its source in front: what it is called where another agent has the plain one."""
        return self.id if ":" in self.id else f"{PREFIXES.get(self.source, self.source)}:{self.id}"

    def row(self) -> dict[str, Any]:
        """Plain data for JSON: paths are texts, what is unknown is None."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "card"}
        return {key: str(value) if isinstance(value, Path) else value for key, value in fields.items()}


def spaced(game: str) -> str:
    """A game's name for people: SpaceInvaders → Space Invaders."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", game)


def figure(score: float) -> str:
    """A score for people: one decimal, none where it is zero."""
    return f"{score:,.1f}".removesuffix(".0")
