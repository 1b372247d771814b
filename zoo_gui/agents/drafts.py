"""A draft: a card for a stranger's file, as far as the file, its path and presets say, and what is still to be said.

``draft(path)`` reads and infers; ``with_choice`` says one thing and infers the rest anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo_gui.agents import card_rules
from zoo_gui.agents.card import ActionSpec, Card, WeightsSpec
from zoo_gui.agents.formats import Checkpoint, read_checkpoint
from zoo_gui.agents.inference import overrides
from zoo_gui.agents.inference.board import KNOWN, Guess
from zoo_gui.agents.inference.deduce import Deduced, deduce
from zoo_gui.agents.network_spec import NetworkSpec
from zoo_gui.backports import file_digest
from zoo_gui.types import ZooError

__all__ = ["KNOWN", "Draft", "Guess", "draft"]
TEXTS = ("title", "description", "credit", "licence", "url", "tag")
"""Keys of a card that are said as they are."""
INFERRED = ("preset", "geometry", "outputs", "game", "algorithm", "run", "preprocessing")
TABLES = ("network.", "preprocessing.", "actions.", "weights.names.", "weights.convention")


@dataclass(frozen=True)
class Draft:
    """card: valid, None where something necessary is not known. guesses: see ``Guess``. unknown: keys of guesses that
    are too unsure (below KNOWN), the necessary first. network, names: as far as found out, also where there is no card.
    unused: {array of the file: why no layer has it}. remarks: sentences. choices: what was said."""

    path: Path
    checkpoint: Checkpoint = field(repr=False)
    sha256: str
    card: Card | None
    guesses: tuple[Guess, ...]
    network: NetworkSpec | None
    names: Mapping[str, str]
    unused: Mapping[str, str]
    remarks: tuple[str, ...]
    choices: Mapping[str, Any]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Keys that somebody should say."""
        unsure = [guess for guess in self.guesses if not guess.known]
        return tuple(guess.key for guess in sorted(unsure, key=lambda guess: not guess.needed))

    @property
    def confidence(self) -> float:
        """How sure the least sure guess is, 0–1; 0 without a card."""
        return min((guess.confidence for guess in self.guesses), default=0.0) if self.card else 0.0

    def guess(self, key: str) -> Guess | None:
        """The guess of that key, or None."""
        return next((guess for guess in self.guesses if guess.key == key), None)

    def with_choice(self, key: str, value: Any) -> "Draft":
        """A draft in which ``key`` has this value; None takes back what was said. Raises ZooError for a key or value
        that makes no sense."""
        _check(key, value)
        choices = {other: said for other, said in self.choices.items() if other != key}
        if value is not None:
            choices[key] = value
        return _make(self.path, self.checkpoint, self.sha256, choices)


def draft(path: Path | str, format: str = "", choices: Mapping[str, Any] | None = None) -> Draft:
    """Read a file and infer its card. format: a name in FORMATS, by default found out.

    Raises ZooError for a file that cannot be read, and for choices that make no sense.
    """
    path = Path(path)
    checkpoint = read_checkpoint(path, format)
    for key, value in (choices or {}).items():
        _check(key, value)
    return _make(path, checkpoint, _digest(path), dict(choices or {}))


def _digest(path: Path) -> str:
    if path.is_dir():
        return ""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _check(key: str, value: Any) -> None:
    """Raise ZooError for a key that does not exist, and a value that it cannot have."""
    if value is not None:
        overrides.check(key, value)
    if key not in INFERRED and key not in TEXTS and not key.startswith(TABLES):
        raise ZooError(
            f"“{key}” cannot be said: it is one of {', '.join((*INFERRED, *TEXTS))}, or a key of the card's tables "
            "as network.KEY, preprocessing.KEY or actions.KEY."
        )


def _make(path: Path, checkpoint: Checkpoint, sha256: str, choices: Mapping[str, Any]) -> Draft:
    deduced = deduce(path, checkpoint, choices)
    card, fault = _card(path, checkpoint, sha256, deduced, choices)
    remarks = [*deduced.remarks, *filter(None, (deduced.refused, fault))]
    return Draft(path, checkpoint, sha256, card, tuple(deduced.board.guesses.values()), deduced.network, deduced.names,
                 deduced.unused, tuple(remarks), choices)  # fmt: skip


def _card(
    path: Path, checkpoint: Checkpoint, sha256: str, deduced: Deduced, choices: Mapping[str, Any]
) -> tuple[Card | None, str]:
    """(the card, ""), or (None, why not where that is not plain from the guesses)."""
    complete = deduced.network and deduced.preprocessing and deduced.game and deduced.action_names
    if not complete or deduced.refused:
        return None, ""
    names = dict(deduced.names)
    convention = deduced.convention if deduced.convention != checkpoint.convention else ""
    weights = WeightsSpec(path.name, sha256, checkpoint.format, convention, names)
    texts = {key: str(deduced.board.settled[key]) for key in TEXTS if key in deduced.board.settled}
    texts |= {key: str(choices[key]) for key in TEXTS if key in choices}
    card = Card(
        card_rules.FORMAT, deduced.algorithm or "unknown", deduced.game, deduced.run, deduced.network,
        deduced.preprocessing, ActionSpec(deduced.action_names, deduced.rule, deduced.epsilon), weights, **texts,
    )  # fmt: skip
    run = deduced.board.guesses.get("run")
    if not card.title and not (run is not None and (run.chosen or run.confidence > KNOWN)):
        card = replace(card, title=card.titled(path.stem))
    fault = card_rules.fault(card) or _misfit(card, checkpoint)
    return (None, f"No card yet: {fault}.") if fault else (card, "")


def _misfit(card: Card, checkpoint: Checkpoint) -> str | None:
    """Why the card's network does not fit the file's arrays, if so."""
    from zoo_gui.agents.assemble import assemble
    from zoo_gui.agents.layout import Layout

    if card.network.is_graph:
        return None
    try:
        layout = Layout(card.network, card.preprocessing.observation_shape)
        assemble(layout, checkpoint.arrays, card.weights.names, card.weights.convention or checkpoint.convention,
                 card.weights.file)  # fmt: skip
    except ZooError as error:
        return str(error).rstrip(".")
    return None
