"""Jobs of the engine that need no agent in a lane: what is this file, which guess is right, keep the card; small games
on the wall."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from zoo_gui.analysis import Progress
from zoo_gui.backports import tomllib
from zoo_gui.engine.wall import wall_task
from zoo_gui.types import CardReport, GuessRow, ZooError

MOST_PREVIEWS = 6
LABELS = {
    "preset": "Made by the program",
    "game": "Game",
    "algorithm": "Algorithm",
    "run": "Run",
    "outputs": "What the outputs are",
    "geometry": "Size of the input, strides and padding",
    "actions.names": "Action of each output",
    "actions.rule": "How an action is picked",
    "actions.epsilon": "Share of random actions",
    "network.convs": "Non-linearity after convolutions",
    "network.hidden": "Non-linearity after dense layers",
    "network.flatten": "Order in which dense layers read a map",
    "network.frame_order": "Order of the frames",
    "network.input_range": "What black and white become",
    "preprocessing": "Preprocessing",
    "preprocessing.sticky": "Sticky actions",
}


def draft_task(path: str, choices: Mapping[str, str]) -> Iterator[Progress]:
    """One Progress with the CardReport of a file, given what was said: {key: value as text}. Raises ZooError."""
    yield Progress(1, 1, "read", report(_draft(path, choices)))


def preview_task(path: str, choices: Mapping[str, str], about: str, steps: int = 3000) -> Iterator[Progress]:
    """Play each plausible value of ``about``, others as chosen or guessed: Progress with a tuple of Preview, named by
    the values' texts, the likeliest first. Raises ZooError, also where no value makes a whole card."""
    from zoo_gui.analysis.card_preview import card_preview

    found = _draft(path, choices)
    guess = found.guess(about)
    if guess is None:
        raise ZooError(f"There is nothing to try about “{about}” in {Path(path).name}.")
    cards = {}
    for value in [guess.value, *guess.alternatives][: 2 * MOST_PREVIEWS]:
        card = None if value is None else found.with_choice(about, value).card
        if card is not None and len(cards) < MOST_PREVIEWS:
            cards.setdefault(text_of(value), card)
    if not cards:
        raise ZooError("No value of this makes a whole card yet: say first what is marked as missing.")
    yield from card_preview(Path(path), cards, steps=steps)


def save_task(path: str, choices: Mapping[str, str]) -> Iterator[Progress]:
    """Keep the card of a file; one Progress with the card's path as text. Raises ZooError."""
    from zoo_gui.agents.card_saving import save_card

    found = _draft(path, choices)
    if found.card is None:
        raise ZooError(f"There is no card of {Path(path).name} yet: {', '.join(found.unknown)} must be said.")
    yield Progress(1, 1, "saved", str(save_card(found.card, Path(path))))


def write_task(result: Any, save_to: str, about: Mapping[str, Any] | None = None) -> Iterator[Progress]:
    """Write a result that is shown to a file, as it is, with what it says of itself: what took a minute is not computed
    again, and of a sitting that went on it would come out otherwise. One Progress. Raises ZooError."""
    from zoo_gui.analysis import export

    yield Progress(1, 1, f"saved {export.write(result, save_to, about)}")


TASKS: dict[str, Callable[..., Iterator[Progress]]] = {
    "draft": draft_task, "preview": preview_task, "save_card": save_task, "wall": wall_task, "write": write_task,
}  # fmt: skip


def report(found: Any) -> CardReport:
    """A Draft for people."""
    from zoo_gui.agents.formats import FORMATS

    rows = tuple(
        GuessRow(
            key=guess.key,
            label=LABELS.get(guess.key, guess.key),
            value=text_of(guess.value),
            confidence=guess.confidence,
            reason=guess.reason,
            options=tuple(dict.fromkeys(text_of(value) for value in guess.alternatives)),
            needed=guess.needed,
            unsure=not guess.known,
            chosen=guess.chosen,
        )
        for guess in found.guesses
    )
    return CardReport(
        path=str(found.path),
        format=FORMATS[found.checkpoint.format].title,
        guesses=tuple(sorted(rows, key=lambda row: (not row.unsure, not row.needed))),
        network=_network_lines(found.network),
        card=found.card.to_toml() if found.card else "",
        remarks=found.remarks,
    )


def text_of(value: Any) -> str:
    """A value as a person would write it: texts bare, lists as on a card."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(text_of(item) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def value_of(text: str, known: list[Any]) -> Any:
    """The value that a text means: one of ``known`` that is written so, else as on a card, else the text itself."""
    for value in known:
        if text_of(value) == text.strip():
            return value
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _draft(path: str, choices: Mapping[str, str]):
    """The draft of a file with these choices, in the order in which they were made."""
    from zoo_gui.agents.drafts import draft

    found = draft(Path(path))
    for key, text in choices.items():
        guess = found.guess(key)
        known = [] if guess is None else [guess.value, *guess.alternatives]
        found = found.with_choice(key, value_of(text, known))
    return found


def _network_lines(network: Any) -> tuple[str, ...]:
    if network is None:
        return ()
    lines = []
    for spec in network.layers:
        size = f"{spec.filters} × {spec.kernel[0]}×{spec.kernel[1]} / {spec.stride[0]}" if spec.filters else spec.units
        bend = "" if spec.activation == "linear" else spec.activation
        parts = (spec.name, spec.kind, str(size or ""), bend, spec.role)
        lines.append("  ".join(filter(None, parts)))
    return tuple(lines)
