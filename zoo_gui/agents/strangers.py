"""A file that has no card, as a row of the catalogue: described by what can be found out about it. No TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from zoo_gui.agents.drafts import Draft, draft
from zoo_gui.agents.entry import FOLDER, Entry
from zoo_gui.types import CardNeeded

CHOICES = ("preset", "game", "algorithm", "run", "tag", "licence")
"""What a row of the catalogue may say of a file before it is read."""


def describe(path: Path, known: Mapping[str, Any] | None = None) -> Entry:
    """The row of a file, with the card that was drafted for it.

    known: what is known beforehand, {"preset", "format", "game", …}. Raises ZooError where the file cannot be read, and
    CardNeeded where something necessary does not follow from it.
    """
    known = known or {}
    found = draft(path, known.get("format", ""), {key: known[key] for key in CHOICES if key in known})
    doubtful = [guess for guess in found.guesses if guess.needed and not guess.known]
    if found.card is None or doubtful:
        raise CardNeeded(_question(found), str(path))
    card = found.card
    return Entry(
        id=card.id, algorithm=card.algorithm, game=card.game, run=card.run, tag=card.tag, path=None,
        title=card.full_title, description=card.description, algorithm_title=card.algorithm_title, source=FOLDER,
        licence=card.licence, weights=path, card=card, format=card.weights.format, remark=_doubt(found),
    )  # fmt: skip


def _question(found: Draft) -> str:
    """What must be said before the file can be opened, in a sentence."""
    unknown = [key for key in found.unknown if found.guess(key) is not None and found.guess(key).needed]
    name = found.path.name
    if not unknown:
        reason = found.remarks[-1].rstrip(".") if found.remarks else "its network was not understood"
        return f"{name} cannot be opened yet: {reason}; see what was found out with “zoo-gui card {name}”."
    missing = ", ".join(unknown)
    return (
        f"{name} does not say everything about its agent: {missing} must be known; say it with “zoo-gui card "
        f"{name} --set {unknown[0]}=… --write”, or open the file in the window, which asks."
    )


def _doubt(found: Draft) -> str:
    """What was guessed and is not sure, in a sentence; "" where everything is plain."""
    if not found.unknown:
        return ""
    return f"Guessed, and not surely: {', '.join(found.unknown)}; see “zoo-gui card {found.path.name}”."
