"""How each family of the zoo spells the games' names."""

from __future__ import annotations

from zoo_gui.play import games
from zoo_gui.registry import unknown

SPELLINGS = {
    "canonical": lambda game: f"{games.identity(game)}NoFrameskip-v4",
    "a2c": lambda game: f"{games.identity(game)}NoFrameskip-v4",
    "es": games.find,
    "apex": games.find,
    "dopamine": games.identity,
}
"""{mode: its spelling of a game}: SpaceInvadersNoFrameskip-v4, space_invaders, SpaceInvaders."""


def translate_game_name(inp_name: str, inp_mode: str, out_mode: str) -> str:
    """The name in another family's spelling; the input may be in any, whatever ``inp_mode`` says. Raises ZooError."""
    for mode in (inp_mode, out_mode):
        if mode not in SPELLINGS:
            raise unknown("spelling", mode, SPELLINGS)
    return SPELLINGS[out_mode](inp_name)
