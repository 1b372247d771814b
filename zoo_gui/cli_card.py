"""``zoo-gui card``: what a stranger's file is, what its agent card would say, and what is still to be said."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo_gui.backports import tomllib
from zoo_gui.types import ZooError

if TYPE_CHECKING:
    from zoo_gui.agents.drafts import Draft
    from zoo_gui.agents.inference.board import Guess

SHOWN = 6
"""Alternatives that a question lists."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", metavar="FILE", help="a weights file of any format, or a folder that is one")
    text = "say what cannot be found out: game=Pong, preprocessing=baselines, actions.rule=argmax …"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="choices", help=text)
    parser.add_argument("--format", default="", metavar="NAME", help="the file's format, where it is not recognised")
    parser.add_argument("--write", action="store_true", help="keep the card beside the file, or among your own cards")


def run(options: argparse.Namespace) -> int:
    """Report; ask where there is a person; write where that is wanted. Raises ZooError."""
    from zoo_gui.agents.drafts import draft
    from zoo_gui.agents.inference import report

    if options.json and options.write:
        raise ZooError("--json only reports: leave it out to write the card, or --write out to report.")
    path = Path(options.file)
    if not path.exists():
        raise ZooError(f"There is no file {path}: zoo-gui card takes an agent's weights file, or a folder that is one.")
    if options.format:
        _check_format(options.format)
    found = draft(path, options.format, dict(_choice(text) for text in options.choices))
    if options.json:
        print(json.dumps(report.as_data(found), indent=1, ensure_ascii=False))
        return 0
    print(report.as_text(found), end="")
    if sys.stdin.isatty() and found.unknown:
        found = _asked(found)
    if options.write:
        _write(found, path)
    return 0


def _check_format(name: str) -> None:
    from zoo_gui.agents.formats import FORMATS

    FORMATS[name]  # raises with near names


def _choice(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ZooError(f"“{text}” says nothing: write --set KEY=VALUE, for example --set game=Pong.")
    return key.strip(), parse(value)


def parse(text: str) -> Any:
    """A value as a person types it: as on a card ([84, 84], 0.25, true), else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _asked(found: "Draft") -> "Draft":
    """The draft after questions on the terminal; an empty answer keeps the guess, Ctrl+D ends the questions."""
    print("\nAn empty answer keeps what is guessed; Ctrl+D ends the questions.")
    answered: set[str] = set()
    while True:
        key = next((key for key in found.unknown if key not in answered), None)
        if key is None:
            return found
        answered.add(key)
        try:
            found = _ask(found, found.guess(key))
        except EOFError:
            print()
            return found


def _ask(found: "Draft", guess: "Guess") -> "Draft":
    from zoo_gui.agents.inference import report

    options = [value for value in (guess.value, *guess.alternatives) if value is not None][:SHOWN]
    print(f"\n{guess.key}?")
    for number, value in enumerate(options, 1):
        print(f"  {number}  {report.literal(value)}")
    while True:
        answer = input("> ").strip()
        if not answer:
            return found
        value = options[int(answer) - 1] if answer.isdigit() and 0 < int(answer) <= len(options) else parse(answer)
        try:
            return found.with_choice(guess.key, value)
        except ZooError as error:
            print(error)


def _write(found: "Draft", path: Path) -> None:
    from zoo_gui.agents.card_saving import save_card

    if found.card is None:
        missing = [guess.key for guess in found.guesses if guess.needed and guess.value is None]
        why = f"it lacks {', '.join(missing)} (say --set {missing[0]}=…)" if missing else " ".join(found.remarks)
        raise ZooError(f"There is no card of {path.name} yet: {why.rstrip('.') or 'no network was found in it'}.")
    written = save_card(found.card, path)
    beside = path.with_name(f"{path.name}.card.toml")
    if written != beside:
        print(f"{beside.parent} cannot be written, so the card is kept among your own.")
    print(f"Written: {written}")
