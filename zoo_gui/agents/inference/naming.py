"""Game, environment id, algorithm and run of an agent, from its path and what its file says of itself."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALGORITHMS = (
    ("recurrentppo", "ppo"), ("ppolstm", "ppo"), ("ppo2", "ppo"), ("ppo", "ppo"), ("acktr", "acktr"), ("trpo", "trpo"),
    ("a2c", "a2c"), ("a3c", "a3c"), ("ga3c", "a3c"), ("acer", "acer"), ("impala", "impala"), ("monobeast", "impala"),
    ("polybeast", "impala"), ("cleanba", "impala"), ("vtrace", "impala"), ("apex", "apex"), ("fullrainbow", "rainbow"),
    ("rainbow", "rainbow"), ("categoricaldqn", "c51"), ("c51", "c51"), ("qrdqn", "qrdqn"), ("quantile", "qrdqn"),
    ("implicitquantile", "iqn"), ("iqn", "iqn"), ("fqf", "fqf"), ("duelingddqn", "dueling"), ("duelingdqn", "dueling"),
    ("dueling", "dueling"), ("doubledqn", "ddqn"), ("ddqn", "ddqn"), ("mdqn", "mdqn"), ("munchausen", "mdqn"),
    ("drqn", "drqn"), ("r2d2", "r2d2"), ("pqn", "pqn"), ("qdagger", "qdagger"), ("dqn", "dqn"), ("dql", "dqn"),
    ("deepq", "dqn"), ("reinforce", "reinforce"), ("policygradient", "reinforce"), ("pg", "reinforce"),
    ("vpg", "reinforce"), ("actorcritic", "a2c"), ("evolutionstrategies", "es"), ("es", "es"), ("ga", "ga"),
)  # fmt: skip
"""Folded word → our name of the algorithm."""
SHORT = 3
"""Words of fewer letters count only where they stand alone."""
DEPTH = 5
"""Folders of a path that may speak of the agent; those above are the person's own."""
FACT_KEYS = ("env_id", "env", "env_name", "environment", "game", "game_name", "env_spec", "task")
ALGORITHM_KEYS = ("algorithm", "algo", "exp_name", "agent", "method", "policy_class", "class", "classes", "model_class")
_RUNS = (
    r"^model(\d{1,2})_", r"-v\d_(\d{1,3})$", r"seed[_-]?(\d{1,4})(?!\d)", r"__(\d{1,4})__", r"^(\d{1,2})$",
    r"run[_-]?(\d{1,3})(?!\d)",
)  # fmt: skip
_ENV = re.compile(r"(?P<game>[A-Za-z0-9_]+?)(?:-ram)?(?P<kind>NoFrameskip|Deterministic)?-v(?P<version>[0-5])(?![0-9])")
_WORDS = frozenset(
    {"casino", "combat", "hero", "defender", "superman", "turmoil", "venture", "solaris", "alien", "surround"}
)
"""Names of games that are common words: less sure in a path."""


@dataclass(frozen=True)
class Clue:
    """A value, how sure it is (0–1), and why."""

    value: Any
    confidence: float
    reason: str


@dataclass(frozen=True)
class Clues:
    """What path and facts say, each list best first. environments: gym ids as (kind, version): ("NoFrameskip", 4)."""

    games: tuple[Clue, ...] = ()
    environments: tuple[Clue, ...] = ()
    algorithms: tuple[Clue, ...] = ()
    runs: tuple[Clue, ...] = ()


def clues(path: Path, facts: Mapping[str, Any]) -> Clues:
    """What the file's path and facts say of game, environment, algorithm and run."""
    texts = list(_texts(path, facts))
    return Clues(
        games=_best(clue for text, sure, where in texts for clue in _games(text, sure, where)),
        environments=_best(clue for text, sure, where in texts for clue in _environments(text, sure, where)),
        algorithms=_best(clue for text, sure, where in texts for clue in _algorithms(text, sure, where)),
        runs=_best(clue for text, sure, where in texts for clue in _runs(text, sure, where)),
    )


def game_identity(text: str) -> str:
    """A game as cards spell it: ``SpaceInvaders``. Raises ZooError. Games are known to a layer above: late look-up."""
    return importlib.import_module("zoo_gui.play.games").identity(text)


def _texts(path: Path, facts: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    """(text, how much it counts, where it stands)."""
    for key, value in _plain(facts, 0):
        if key.lower() in FACT_KEYS:
            yield value[:200], 0.97, f"the file says {key} = {value[:60]}"
        elif key.lower() in ALGORITHM_KEYS:
            yield value[:200], 0.9, f"the file says {key} = {value[:60]}"
    path = path.absolute()
    for depth, part in enumerate([path.name, *(parent.name for parent in path.parents)][:DEPTH]):
        yield part, 0.95 - 0.04 * depth, f"“{part}” in its path"


def _plain(facts: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    """Texts of the facts and of tables in them, by key."""
    for key, value in facts.items():
        if isinstance(value, str):
            yield str(key), value
        elif isinstance(value, Mapping) and depth < 4 and key not in ("modules", "sources"):
            yield from _plain(value, depth + 1)
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
            yield str(key), " ".join(str(item) for item in value[:8])


def _best(found: Iterator[Clue]) -> tuple[Clue, ...]:
    """Each value once, the surest first."""
    by_value: dict[Any, Clue] = {}
    for clue in found:
        if clue.value not in by_value or by_value[clue.value].confidence < clue.confidence:
            by_value[clue.value] = clue
    return tuple(sorted(by_value.values(), key=lambda clue: -clue.confidence))


def _pieces(text: str) -> list[str]:
    """Lower-case words and numbers: ``SpaceInvadersNoFrameskip-v4`` → space, invaders, no, frameskip, v, 4."""
    return [piece.lower() for piece in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)]


def _runs_of(pieces: list[str], most: int = 4) -> Iterator[str]:
    """Every join of up to ``most`` neighbouring words, the longest first."""
    for count in range(most, 0, -1):
        for start in range(len(pieces) - count + 1):
            yield "".join(pieces[start : start + count])


def _games(text: str, sure: float, where: str) -> Iterator[Clue]:
    games = importlib.import_module("zoo_gui.play.games")
    names = [(name, game) for game in games.TITLES for name in (game, games.TITLES[game])]
    keys = {re.sub(r"[^a-z0-9]", "", name.casefold()): game for name, game in names}
    taken = ""
    for joined in _runs_of(_pieces(text)):
        if joined in keys and joined not in taken and len(joined) > 2:
            taken += joined + " "
            factor = 0.8 if joined in _WORDS and not _ENV.search(text) else 1.0
            yield Clue(games.identity(keys[joined]), sure * factor, where)
    folded = re.sub(r"[^a-z0-9]", "", text.casefold())
    for key, game in keys.items():
        if not taken and len(key) > SHORT + 1 and key in folded:
            yield Clue(games.identity(game), sure * 0.75, where)


def _environments(text: str, sure: float, where: str) -> Iterator[Clue]:
    games = importlib.import_module("zoo_gui.play.games")
    keys = {re.sub(r"[^a-z0-9]", "", game) for game in games.TITLES}
    for match in _ENV.finditer(text):
        joined = list(_runs_of(_pieces(match["game"])))
        if any(name in keys for name in joined):
            yield Clue((match["kind"] or "", int(match["version"])), sure, where)


def _algorithms(text: str, sure: float, where: str) -> Iterator[Clue]:
    known = dict(ALGORITHMS)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    pieces = [piece.lower() for piece in re.findall(r"[A-Za-z]+\d*[a-z]*|\d+", spaced)]
    taken = ""
    for joined in _runs_of(pieces, 3):
        name = known.get(joined)
        if name and joined not in taken:
            taken += joined + " "
            yield Clue(name, sure * (0.6 if len(joined) < SHORT else 0.95), where)
    folded = re.sub(r"[^a-z0-9]", "", text.casefold())
    for word, name in ALGORITHMS:
        if not taken and len(word) > SHORT and word in folded:
            taken = word
            yield Clue(name, sure * 0.8, where)


def _runs(text: str, sure: float, where: str) -> Iterator[Clue]:
    for pattern in _RUNS:
        match = re.search(pattern, text)
        if match:
            yield Clue(int(match[1]), sure * 0.6, where)
