"""A list of cues: what a talk shows, one view after the other, in a TOML file that people can write. No Qt.

Each ``[[cue]]`` has ``agents`` and what else a link may say (``views``), by the same keys; ``caption`` is what the
audience reads, ``running`` whether the game goes on from there. ``link`` may stand for all of it but the caption.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterable, Iterator

import tomli_w

from zoo_gui.backports import tomllib
from zoo_gui.types import ZooError
from zoo_gui.views import CHANGES, View

MOST = 200
"""Cues in a list."""
LARGEST = 400_000
"""Bytes of a file."""
RENAMED = {"text": "caption", "play": "running"}
"""Keys of a link that have plainer names in a list of cues."""
SUFFIX = ".toml"


@dataclass(frozen=True)
class CueList:
    """The views of a talk, in order. path: the file they came from or went to."""

    cues: tuple[View, ...] = ()
    path: Path | None = None

    @property
    def name(self) -> str:
        """For people."""
        return self.path.name if self.path else "cues without a file yet"


def caption(view: View) -> str:
    """What a cue is called: its caption, or what it shows."""
    return view.text or " and ".join(view.agents)


def read(path: Path) -> CueList:
    """Raises ZooError: one sentence on the first thing that is wrong."""
    try:
        if path.stat().st_size > LARGEST:
            raise ZooError(f"{path} is no list of cues: it is larger than {LARGEST // 1000} kB.")
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ZooError(f"The list of cues {path} cannot be read ({error.strerror}): check its name.") from error
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path} is no list of cues: {_line(str(error))}.") from error
    rows = told.get("cue")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ZooError(f"{path} is no list of cues: it needs a [[cue]] for each, with agents = [\"ppo/Breakout/1\"].")
    if len(rows) > MOST:
        raise ZooError(f"{path} has {len(rows)} cues; {MOST} are the most.")
    return CueList(tuple(_view(row, number, path) for number, row in enumerate(rows, 1)), path)


def write(cues: Iterable[View], path: Path) -> CueList:
    """Write the file, wholly or not at all. Raises ZooError where that is impossible."""
    cues = tuple(cues)
    scratch = path.with_name(f".{secrets.token_hex(8)}{SUFFIX}")
    try:
        data = text_of(cues).encode("utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("xb") as file:  # not by mkstemp: what it makes others may not read
            file.write(data)
        os.replace(scratch, path)
    except UnicodeEncodeError as error:
        raise ZooError("The cues cannot be saved: an agent's name has letters that no file can carry.") from error
    except OSError as error:
        raise ZooError(f"The cues cannot be saved as {path} ({error.strerror}): choose another place.") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()
    return CueList(cues, path)


def text_of(cues: Iterable[View]) -> str:
    """What ``write`` writes."""
    return ("# Cues for zoo-gui --cues FILE --present; docs/presenting.md says what each line means.\n\n"
            + tomli_w.dumps({"cue": [_row(view) for view in cues]}))  # fmt: skip


def doubts(cues: Iterable[View]) -> list[str]:
    """One sentence for each cue that cannot be shown without a network, as far as can be said without trying. Reads
    the catalogue: not for the window's own thread."""
    from zoo_gui.agents import catalogue

    reasons: dict[str, str] = {}
    found = []
    for number, view in enumerate(cues, 1):
        for agent in view.agents:
            if agent not in reasons:
                try:
                    reasons[agent] = "" if catalogue.find(agent).is_here else f"{agent} is still to be downloaded"
                except ZooError as error:
                    reasons[agent] = str(error).rstrip(".")
        wrong = [reasons[agent] for agent in view.agents if reasons[agent]]
        found += [_ended(f"Cue {number} cannot be shown: {'; '.join(dict.fromkeys(wrong))}")] if wrong else []
    return found


# -- one cue --------------------------------------------------------------------------------------------------------
def _view(row: dict[str, Any], number: int, path: Path) -> View:
    try:
        row, said = dict(row), ""
        for link, plain in RENAMED.items():
            if plain in row:
                row[link] = row.pop(plain)
        said = row.pop("text", "")
        if not isinstance(said, str):
            raise ZooError("its caption is not text")
        text = " ".join(said.split())
        if "link" in row:
            view, rest = View.of_link(str(row.pop("link"))), sorted(RENAMED.get(key, key) for key in row)
            if rest:
                raise ZooError(f"beside its link it has {', '.join(rest)}: only a caption can be added")
            return replace(view, text=text or view.text)
        agents = row.pop("agents", None)
        agents = [agents] if isinstance(agents, str) else agents
        if not (isinstance(agents, list) and 1 <= len(agents) <= 4 and all(isinstance(one, str) for one in agents)):
            raise ZooError('it needs 1 to 4 agents, agents = ["ppo/Breakout/1"]')
        return replace(View.of_values(tuple(agents), list(_pairs(row))), text=text)
    except ZooError as error:
        raise ZooError(_ended(f"Cue {number} of {path} is wrong: {_line(str(error))}")) from error
    except ValueError as error:  # TOML may say numbers, 0xfff…, that Python does not write in digits
        raise ZooError(f"Cue {number} of {path} is wrong: a number in it is too large.") from error


def _pairs(row: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """As in a link: ``b.seed = 4`` is of one agent, a list says one thing several times."""
    for key, value in row.items():
        if isinstance(value, dict) and not before:
            yield from _pairs(value, f"{key}.")
            continue
        for one in value if isinstance(value, list) else [value]:
            yield before + key, _text(one)


def _text(value: Any) -> str:
    """A value as it stands in a link."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ZooError(f"“{value}” is neither text nor a number")


def _row(view: View) -> dict[str, Any]:
    """From which ``_view`` makes an equal view."""
    row: dict[str, Any] = {"caption": view.text} if view.text else {}
    row["agents"] = list(view.agents)
    for key, value in view.pairs():
        name = key.rpartition(".")[2]
        if name == "text":
            continue
        plain = value == "1" if name == "play" else _value(value) if name not in (*CHANGES, "game", "unit") else value
        if name in CHANGES and key in row:
            row[key] = [*(row[key] if isinstance(row[key], list) else [row[key]]), plain]
        else:
            row[RENAMED.get(key, key)] = plain
    return row


def _value(text: str) -> Any:
    """A number where the text is one just so."""
    for kind in (int, float):
        try:
            if str(kind(text)) == text:
                return kind(text)
        except ValueError:
            continue
    return text


def _line(text: str) -> str:
    """As a part of a sentence."""
    return " ".join(text.split()).rstrip(".")[:300]


def _ended(text: str) -> str:
    """A sentence has an end; “Did you mean …?” has one."""
    return text if text.endswith("?") else f"{text}."
