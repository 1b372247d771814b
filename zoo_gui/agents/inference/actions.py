"""What a network's outputs do: ALE's names of actions, for the game and the number of outputs."""

from __future__ import annotations

from functools import lru_cache

from zoo_gui.agents.inference.naming import Clue
from zoo_gui.backports import tomllib
from zoo_gui.settings import resource_path

ALL = (
    "NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT", "UPFIRE", "RIGHTFIRE",
    "LEFTFIRE", "DOWNFIRE", "UPRIGHTFIRE", "UPLEFTFIRE", "DOWNRIGHTFIRE", "DOWNLEFTFIRE",
)  # fmt: skip
"""ALE's full action set, in its order."""
OFTEN = (
    "Breakout", "Pong", "SpaceInvaders", "Seaquest", "Qbert", "BeamRider", "Enduro", "MsPacman", "Asteroids",
    "RoadRunner", "Freeway", "Boxing", "Asterix", "MontezumaRevenge",
)  # fmt: skip
"""Games that agents are published for most often."""
PADDLES = ("Breakout", "Pong")
"""Games of which people often keep two or three of the actions."""


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    """{game as cards spell it: names of its minimal set}; ``tools/minimal_actions.py`` writes the file."""
    table = tomllib.loads(resource_path("minimal_actions.toml").read_text(encoding="utf-8"))
    return {game: tuple(names.split()) for game, names in table.items()}


def minimal(game: str) -> tuple[str, ...]:
    """ALE's minimal action set of a game as cards spell it; () for a game that is not known."""
    return _table().get(game, ())


def counts(game: str) -> tuple[int, ...]:
    """Numbers of actions that an agent of this game may have, likeliest first; without a game of any."""
    if game:
        return tuple(dict.fromkeys(filter(None, (len(minimal(game)), len(ALL)))))
    return (6, 18, 4, 9, 3, 14, 8, 10, 7, 5)


def games_with(count: int) -> tuple[str, ...]:
    """Games whose minimal set has so many actions, those that people train on most first; all of them for 18."""
    fitting = [game for game in _table() if count in (len(minimal(game)), len(ALL))]
    return tuple(sorted(fitting, key=lambda game: (OFTEN.index(game) if game in OFTEN else len(OFTEN), game)))


def candidates(game: str, count: int) -> list[Clue]:
    """What ``count`` outputs may mean in a game, likeliest first; each value a tuple of names."""
    least = minimal(game)
    found = []
    if least and len(least) == count:
        found.append(Clue(least, 0.95, f"{game} has {count} actions in ALE's minimal set"))
    if count == len(ALL):
        found.append(Clue(ALL, 0.97, "18 outputs are ALE's full action set"))
    if game in PADDLES and count == 3:
        found.append(Clue(least[1:4], 0.6, "three outputs are often the actions 1, 2 and 3"))
        found.append(Clue((least[0], *least[2:4]), 0.3, "or no-op, right and left"))
    if game in PADDLES and count == 2:
        found.append(Clue(least[2:4], 0.75, "two outputs are often the actions 2 and 3, right (up in Pong) and left"))
    if count < len(least) and not found:
        found.append(Clue(least[:count], 0.3, f"the first {count} of the {len(least)} actions of {game}"))
    if not least and count <= len(ALL) and not found:
        found.append(Clue(ALL[:count], 0.1, "the game is not known: the first actions of ALE's full set"))
    return found
