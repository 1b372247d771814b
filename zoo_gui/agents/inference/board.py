"""Where guesses are made: for each key the person's choice, else the preset's value, else the likeliest candidate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo_gui.agents.inference.naming import Clue

KNOWN = 0.5
"""A value that is less sure than this counts as unknown."""


def hashable(value: Any) -> Any:
    """Lists, as TOML has them, become tuples."""
    return tuple(hashable(item) for item in value) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True)
class Guess:
    """key: of the card, dotted, or of the inference (``preset``, ``geometry``, ``outputs``). value: None where nothing
    is plausible. confidence: 0–1. reason: a phrase. alternatives: other values, likelier first. needed: whether there
    can be no card without it. chosen: whether a person said it."""

    key: str
    value: Any
    confidence: float
    reason: str
    alternatives: tuple[Any, ...] = ()
    needed: bool = False
    chosen: bool = False

    @property
    def known(self) -> bool:
        """Whether it is sure enough not to ask."""
        return self.value is not None and self.confidence >= KNOWN


@dataclass
class Board:
    """choices: {key: value} that a person made. settled: the preset's tables; preset: its name; sure: of it, 0–1."""

    choices: Mapping[str, Any]
    settled: Mapping[str, Any] = field(default_factory=dict)
    preset: str = ""
    sure: float = 0.0
    guesses: dict[str, Guess] = field(default_factory=dict)

    def decide(
        self, key: str, candidates: Iterable[Clue] = (), *, needed: bool = False, told: Clue | None = None
    ) -> Any:
        """The value of a key; enters the guess. candidates: values with how sure they are, in any order. told: what the
        file itself says, which knows better than a preset."""
        ranked = sorted([*candidates, *([told] if told else [])], key=lambda clue: -clue.confidence)
        values = list(dict.fromkeys(clue.value for clue in ranked))
        given = None if told else hashable(self.given("network.outputs" if key == "outputs" else key))
        if key in self.choices:
            said = hashable(self.choices[key])
            others = tuple(value for value in values if value != said)
            guess = Guess(key, said, 1.0, "you said so", others, needed, True)
        elif given is not None:
            others = tuple(value for value in values if value != given)
            guess = Guess(key, given, self.confidence(key), f"preset {self.preset}", others, needed)
        elif ranked:
            best = ranked[0]
            guess = Guess(key, best.value, best.confidence, best.reason, tuple(values[1:]), needed)
        else:
            guess = Guess(key, None, 0.0, "nothing in the file or its path says it", (), needed)
        self.guesses[key] = guess
        return guess.value

    def given(self, key: str) -> Any:
        """The preset's value of a dotted key, None without one."""
        value: Any = self.settled
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if not isinstance(value, Mapping) else None

    def confidence(self, key: str) -> float:
        """How sure the preset is of a key: its own figure for it or for its table, times how sure it is of the file."""
        own = self.settled.get("confidence", {})
        return self.sure * own.get(key, own.get(key.split(".")[0], 1.0))
