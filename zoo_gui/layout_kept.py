"""What is kept of layouts, as text that may come from anyone: settings of other versions, sessions of other people."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

from zoo_gui.layout_plans import NAMES

VERSION = 1
"""What another version kept is not used: the layout starts as it is planned."""
LARGEST = 200_000
"""Characters of a state that is taken from elsewhere."""


class Snapshot(NamedTuple):
    """What ``Layouts.release`` brings back."""

    current: str
    agents: int
    state: str
    maximised: str | None
    brought: set[str]
    marks: tuple[str | None, str, str]


class State(NamedTuple):
    """An arrangement that can be made anew. base: the program's layout that ``layout`` was made from; agents: how many
    there were; state: base64 of what the toolkit saves."""

    layout: str
    base: str
    agents: int
    state: str

    def text(self) -> str:
        """From which ``read_state`` makes an equal one."""
        return json.dumps({"version": VERSION, **self._asdict()})


def read_state(text: str) -> State | None:
    """None where the text is no state, or one of another version."""
    try:
        told = json.loads(text) if len(text) <= LARGEST else {}
        state = State(*(told[name] for name in State._fields))
        sound = told["version"] == VERSION and state.base in NAMES and state.agents in (1, 2, 3, 4)
        return state if sound and isinstance(state.layout, str) and decoded(state.state) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def is_sound(own) -> bool:
    """Whether settings hold a layout of a person's own here."""
    return (isinstance(own, dict) and own.get("base") in NAMES and isinstance(own.get("states"), dict)
            and all(isinstance(state, str) for state in own["states"].values()))  # fmt: skip


def decoded(text: str) -> bytes:
    """What base64 text stands for; nothing for text that is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        return b""
