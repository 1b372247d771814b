"""Where a card that was made for a stranger's file is kept. No TensorFlow."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from zoo_gui.agents.card import Card
from zoo_gui.agents.catalogue_files import own_cards_dir
from zoo_gui.types import ZooError


def save_card(card: Card, file: Path) -> Path:
    """Write the card as NAME.card.toml beside ``file``; where that folder cannot be written, into the person's own
    cards, under the SHA-256 of the file. Gives the path. Raises ZooError where neither can be written."""
    beside = file.with_name(f"{file.name}.card.toml")
    try:
        _write(beside, card)
        return beside
    except OSError:
        own = own_cards_dir() / f"{card.weights.sha256}.toml"
    try:
        _write(own, card)
    except OSError as error:
        raise ZooError(f"The card can be written neither to {beside} nor to {own} ({error.strerror}).") from error
    return own


def _write(path: Path, card: Card) -> None:
    """Wholly or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = None
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            scratch = file.name
            file.write(card.to_toml())
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except OSError:
        if scratch:
            Path(scratch).unlink(missing_ok=True)
        raise
