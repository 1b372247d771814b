"""Human-readable names and the lanes' identities: one place, so that every panel says and colours the same. No Qt."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIRECTIONS = {"UP": "↑", "RIGHT": "→", "LEFT": "←", "DOWN": "↓",
               "UPRIGHT": "↗", "UPLEFT": "↖", "DOWNRIGHT": "↘", "DOWNLEFT": "↙"}
_ACTION = re.compile(r"(UP|DOWN)?(RIGHT|LEFT)?(FIRE)?")

MEANINGS = (
    "NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT", "UPFIRE", "RIGHTFIRE",
    "LEFTFIRE", "DOWNFIRE", "UPRIGHTFIRE", "UPLEFTFIRE", "DOWNRIGHTFIRE", "DOWNLEFTFIRE",
)  # fmt: skip
"""All that an action can mean, in ALE's order."""

# Okabe & Ito's palette, in the tints that keep 4.5:1 on a dark ground; letters and line styles say the same without
# colour (WCAG 1.4.1).
LANE_COLOURS = ("#56B4E9", "#E69F00", "#3FC79A", "#E08AB8")
LANE_LETTERS = ("A", "B", "C", "D")


def readable_action(name: str) -> str:
    """``UPRIGHTFIRE`` → ``up-right + fire``, ``NOOP`` → ``no-op``; other names in lower case, as they are."""
    match = _ACTION.fullmatch(name)
    if name and match:
        vertical, horizontal, fire = match.groups()
        direction = "-".join(part.lower() for part in (vertical, horizontal) if part)
        return " + ".join(part for part in (direction, "fire" if fire else "") if part)
    return "no-op" if name == "NOOP" else name.lower().replace("_", " ")


def action_symbol(name: str) -> str:
    """The same in one or two characters, for tight axes: ``↗●`` (● is fire, · no-op); else the readable name."""
    match = _ACTION.fullmatch(name)
    if name and match:
        vertical, horizontal, fire = match.groups()
        direction = (vertical or "") + (horizontal or "")
        return _DIRECTIONS.get(direction, "") + ("●" if fire else "")
    return "·" if name == "NOOP" else readable_action(name)


def listed(words: Iterable[str]) -> str:
    """``Breakout, Pong and Qbert``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def lane_colour(lane: int) -> str:
    """Colour of a lane as ``#RRGGBB``."""
    return LANE_COLOURS[lane % len(LANE_COLOURS)]


def lane_letter(lane: int) -> str:
    """Letter of a lane: A, B, C, D."""
    return LANE_LETTERS[lane % len(LANE_LETTERS)]
