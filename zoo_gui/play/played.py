"""What an emulator was told, frame by frame: by it another emulator comes to the same state, bit for bit, and another
agent sees the same game through its own preprocessing.

A step's bytes are ALE's action numbers, one an emulator frame, with marks between them that say what the player who
drove made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.naming import listed
from zoo_gui.types import ZooError

RESET, LOOK, DROP, BEGIN, PUSH = 255, 254, 253, 252, 251
"""Marks: the game starts anew; its screen is an episode's first; the frames of an action end without an observation; as
the first of a new stack; as the newest of the stack."""
ACTIONS = 18
LONGEST = 10_000
"""Bytes of an opening or an advance: some ten seconds of emulation, far more than any card asks for."""


@dataclass(frozen=True)
class Played:
    """One agent step. opening: what was played before the agent looked, empty but at an episode's beginning; advance:
    what was played after it. terminated, truncated: as in Step. episode: its number. skips: the driver's frame skip,
    (least, most)."""

    opening: bytes
    advance: bytes
    terminated: bool
    truncated: bool
    episode: int
    skips: tuple[int, int]

    @property
    def begins(self) -> bool:
        """Whether the game starts anew with this step."""
        return RESET in self.opening


def stretches(told: bytes) -> Iterator[tuple[bytes, int | None]]:
    """(action numbers, the mark that ends them or None) of a step's bytes, in order."""
    start = 0
    for place, number in enumerate(told):
        if number >= PUSH:
            yield told[start:place], number
            start = place + 1
    if start < len(told):
        yield told[start:], None


@dataclass(frozen=True)
class Recording:
    """A game that was played, to be seen again by any agent. game: ALE's id. steps: the first begins an episode."""

    game: str
    steps: tuple[Played, ...]

    def arrays(self) -> dict[str, np.ndarray]:
        """As a rollout's file keeps it: ``played`` uint8, the bytes of all openings and advances; ``played_ends``
        (N, 2) int64, where each ends; ``played_facts`` (N, 5) int64: terminated, truncated, episode, least and most
        skip; ``played_game``, the id in UTF-8 bytes."""
        told, facts = [], []  # no list of tuples: after thousands of them Python looks for cycles, for 0.3 s
        for step in self.steps:
            told += [step.opening, step.advance]
            facts += [step.terminated, step.truncated, step.episode, *step.skips]
        return {
            "played": np.frombuffer(b"".join(told), np.uint8),
            "played_ends": np.cumsum([len(part) for part in told], dtype=np.int64).reshape(-1, 2),
            "played_facts": np.array(facts, np.int64).reshape(-1, 5),
            "played_game": np.frombuffer(self.game.encode(), np.uint8),
        }  # fmt: skip

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], source: Any = "This rollout") -> "Recording":
        """What ``arrays`` gives. source: what a sentence calls where they are from. Raises ZooError for arrays that are
        missing, or say what nobody can have played: they may come from anyone."""
        if "played" not in arrays:
            raise ZooError(
                f"{source} does not say what was played frame by frame, so other agents cannot see the same game: "
                "record it anew with “zoo-gui rollout”."
            )
        if "played_game" not in arrays:
            raise ZooError(f"{source} is damaged where it says what was played: record it anew.")
        steps = played_of_arrays(arrays, source)
        if not steps[0].begins:
            raise ZooError(f"{source} does not begin with a game's beginning, so it cannot be played again.")
        return cls(bytes(arrays["played_game"]).decode(errors="replace"), tuple(steps))


def played_of_arrays(arrays: Mapping[str, np.ndarray], source: Any) -> list[Played]:
    """The steps that ``Recording.arrays`` tells of. Raises ZooError for what nobody can have played."""
    if not _sound(arrays):
        raise ZooError(f"{source} is damaged where it says what was played: record it anew.")
    told, ends, facts = arrays["played"].tobytes(), arrays["played_ends"], arrays["played_facts"]
    steps, start = [], 0
    for (middle, end), (terminated, truncated, episode, least, most) in zip(ends.tolist(), facts.tolist()):
        opening, advance = told[start:middle], told[middle:end]
        steps.append(Played(opening, advance, bool(terminated), bool(truncated), episode, (least, most)))
        start = end
    return steps


def _sound(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays say what somebody can have played, in steps that end within seconds."""
    if not {"played_ends", "played_facts"} <= set(arrays):
        return False
    told, ends, facts = (np.asarray(arrays[name]) for name in ("played", "played_ends", "played_facts"))
    if ends.shape[1:] != (2,) or facts.shape != (len(ends), 5) or not len(ends):
        return False
    lengths = np.diff(ends.ravel(), prepend=0)
    skips = facts[:, 3:]
    return bool(
        (lengths >= 0).all() and lengths.max() <= LONGEST and ends[-1, 1] == len(told)
        and ((told < ACTIONS) | (told >= PUSH)).all()
        and (1 <= skips[:, 0]).all() and (skips[:, 0] <= skips[:, 1]).all() and (skips <= 255).all()
    )  # fmt: skip


def same_game(games: Sequence[str], titles: Sequence[str]) -> None:
    """Raise ZooError where agents that are to see the same input play different games. titles: of the games."""
    if len(set(games)) > 1:
        raise ZooError(f"{listed(dict.fromkeys(titles))} are different games: agents see the same input only in one "
                       "and the same game.")  # fmt: skip
