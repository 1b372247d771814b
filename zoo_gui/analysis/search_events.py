"""What units are searched by: things that happen in a game, as one truth or number for each moment.

    reward, reward:positive, reward:negative     what the action of the moment earns
    life lost, episode end                       what it leads to
    action:LEFT, action:3                        what it is
    value jump                                   the value changes by far more than it usually does
    ram:49 changes, ram:49=3, ram:49             of the emulator's 128 bytes one changes, is 3; its number
    region:top,left,height,width                 a part of the screen changes, in screen pixels
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Iterator

import numpy as np

from zoo_gui.analysis.recorded import runs
from zoo_gui.play.moments import Moments
from zoo_gui.registry import near_names
from zoo_gui.types import Progress, ZooError

REWARDS = {"": (np.not_equal, "a reward comes"), "positive": (np.greater, "a positive reward comes"),
           "negative": (np.less, "a negative reward comes")}  # fmt: skip
JUMP = 6.0
"""A value jumps where its change is so many standard deviations above the usual, both robust: median and MAD."""
CHANGE = 1.0
"""Grey levels (0–255) by which a region's pixels change on average."""
KINDS = ("reward", "reward:positive", "reward:negative", "life lost", "episode end", "action:NAME", "value jump",
         "ram:BYTE changes", "ram:BYTE=VALUE", "ram:BYTE", "region:top,left,height,width")  # fmt: skip
_RAM = re.compile(r"^ram:\s*(\d+)\s*(changes|=\s*(\d+))?$")
_REGION = re.compile(r"^region:\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)$")


@dataclass(frozen=True)
class Event:
    """text: as it was asked for. words: what happens, to follow “when”. values: (n,) bool, or float64 of a number whose
    size is in question."""

    text: str
    words: str
    values: np.ndarray

    @property
    def is_number(self) -> bool:
        return self.values.dtype != bool


def find(text: str, agent: Any, moments: Moments, rows: np.ndarray) -> Iterator[Progress]:
    """Read an event off the moments of ``rows``; the last Progress has the Event. Raises ZooError."""
    make = _reader(text.strip(), agent, moments)
    event = None
    for event in make(rows):
        if isinstance(event, Progress):
            yield event
    yield Progress(1, 1, text, Event(text.strip(), *event))


def _reader(text: str, agent: Any, moments: Moments) -> Callable[[np.ndarray], Iterator]:
    """What reads it: a generator of Progress and, last, (words, values)."""
    word, _, rest = text.partition(":")
    if text in ("reward", "reward:positive", "reward:negative"):
        return lambda rows: iter([_reward(rest, moments, rows)])
    if text in ("life lost", "episode end"):
        return lambda rows: iter([_life(moments, rows) if text == "life lost" else _end(moments, rows)])
    if text == "value jump":
        return lambda rows: iter([_jump(agent, moments, rows)])
    if word == "action":
        action = _action(rest.strip(), moments)
        name = moments.action_names[action]
        return lambda rows: iter([(f"the action is {name}", moments.column("action")[rows] == action)])
    if ram := _RAM.match(text):
        return lambda rows: iter([_ram(moments, rows, int(ram[1]), ram[2] or "", ram[3])])
    if region := _REGION.match(text):
        return lambda rows: _region(moments, rows, tuple(map(int, region.groups())))
    raise ZooError(f"“{text}” is nothing that units can be searched by: choose {', '.join(KINDS[:-1])} or {KINDS[-1]}.")


def _reward(sign: str, moments: Moments, rows: np.ndarray) -> tuple[str, np.ndarray]:
    compare, words = REWARDS[sign]
    return words, compare(moments.column("reward")[rows], 0)


def _life(moments: Moments, rows: np.ndarray) -> tuple[str, np.ndarray]:
    """The moment whose action costs a life: the next moment has one less, or it was the last one of the game."""
    lives = moments.column("lives")[rows]
    if not lives.any():
        raise ZooError("This game has no lives: search by “episode end” instead.")
    lost = np.zeros(len(rows), bool)
    lost[:-1] = (np.diff(lives) < 0) & _follows(moments, rows)
    return "a life is lost", lost | ((lives == 1) & moments.column("done")[rows])


def _end(moments: Moments, rows: np.ndarray) -> tuple[str, np.ndarray]:
    return "the episode ends", moments.column("done")[rows]


def _jump(agent: Any, moments: Moments, rows: np.ndarray) -> tuple[str, np.ndarray]:
    value = moments.column("value")[rows]
    if not np.isfinite(value).any():
        raise ZooError(f"{agent.title} has no value head: search by a reward or an action instead.")
    change = np.abs(_changes(value, moments, rows))
    known = change[np.isfinite(change)]
    if not len(known):
        return "the value jumps", np.zeros(len(rows), bool)
    middle = np.median(known)
    limit = middle + JUMP * 1.4826 * np.median(np.abs(known - middle))
    return f"the value jumps by more than {limit:.3g}", change > limit


def _ram(moments: Moments, rows: np.ndarray, byte: int, what: str, value: str | None) -> tuple[str, np.ndarray]:
    if byte > 127:
        raise ZooError(f"There is no RAM byte {byte}: the console has 128, 0 to 127.")
    if value is not None and int(value) > 255:
        raise ZooError(f"A RAM byte cannot be {value}: it is 0 to 255.")
    numbers = moments.column("ram")[rows][:, byte].astype(float)
    if what == "changes":
        return f"RAM byte {byte} changes", np.nan_to_num(_changes(numbers, moments, rows)) != 0
    if value is not None:
        return f"RAM byte {byte} is {int(value)}", numbers == int(value)
    if not np.ptp(numbers):
        raise ZooError(f"RAM byte {byte} is {numbers[0]:g} in all {len(rows):,} moments: nothing can go with it.")
    return f"RAM byte {byte}", numbers


def _region(moments: Moments, rows: np.ndarray, box: tuple[int, int, int, int]) -> Iterator:
    top, left, height, width = box
    high, wide = moments.screen
    if not (height and width) or top + height > high or left + width > wide:
        raise ZooError(f"The region {top},{left},{height},{width} leaves the screen of {high}×{wide} pixels: it is "
                       "top, left, height, width.")  # fmt: skip
    change, before = np.full(len(rows), np.nan), None
    follows = np.concatenate([[False], _follows(moments, rows)]) if len(rows) else np.zeros(0, bool)
    for place, row in enumerate(rows):
        part = moments.frame(int(row))[top : top + height, left : left + width].astype(np.int16)
        if follows[place]:
            change[place] = np.abs(part - before).mean()
        before = part
        if place % 64 == 0:
            yield Progress(place, len(rows), f"reading screens: {place:,} of {len(rows):,}")
    yield f"the screen at {top},{left},{height},{width} changes", np.nan_to_num(change) > CHANGE


def _follows(moments: Moments, rows: np.ndarray) -> np.ndarray:
    """(n − 1,) bool: whether each moment is the agent step after the one before."""
    return np.diff(runs(moments, rows)) == 0


def _changes(numbers: np.ndarray, moments: Moments, rows: np.ndarray) -> np.ndarray:
    """(n,) each number less the one before, nan where that is unknown."""
    change = np.full(len(rows), np.nan)
    change[1:] = np.where(_follows(moments, rows), np.diff(numbers), np.nan)
    return change


def _action(text: str, moments: Moments) -> int:
    names = [name.upper() for name in moments.action_names]
    if text.isdigit() and int(text) < len(names):
        return int(text)
    if text.upper() in names:
        return names.index(text.upper())
    near = near_names(text, moments.action_names) or moments.action_names
    raise ZooError(f"There is no action “{text}”: choose {', '.join(near)}, or a number below {len(names)}.")
