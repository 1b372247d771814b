"""ALE games: ids, human-readable titles and ROM files; ``naming`` has the actions. Does not import ALE.

An id is ALE's own (``space_invaders``), a title is what the box said (``Space Invaders``).
"""

from __future__ import annotations

import importlib.util
import os
import re
from functools import lru_cache
from pathlib import Path

from zoo_gui.registry import near_names
from zoo_gui.types import ZooError

ROMS_VARIABLE = "ALE_ROMS_DIR"
"""The environment variable with which ALE, and so we, look for ROM files in another folder."""

TITLES: dict[str, str] = {
    "adventure": "Adventure",
    "air_raid": "Air Raid",
    "alien": "Alien",
    "amidar": "Amidar",
    "assault": "Assault",
    "asterix": "Asterix",
    "asteroids": "Asteroids",
    "atlantis": "Atlantis",
    "atlantis2": "Atlantis II",
    "backgammon": "Backgammon",
    "bank_heist": "Bank Heist",
    "basic_math": "BASIC Math",
    "battle_zone": "Battlezone",
    "beam_rider": "Beamrider",
    "berzerk": "Berzerk",
    "blackjack": "Blackjack",
    "bowling": "Bowling",
    "boxing": "Boxing",
    "breakout": "Breakout",
    "carnival": "Carnival",
    "casino": "Casino",
    "centipede": "Centipede",
    "chopper_command": "Chopper Command",
    "combat": "Combat",
    "crazy_climber": "Crazy Climber",
    "crossbow": "Crossbow",
    "darkchambers": "Dark Chambers",
    "defender": "Defender",
    "demon_attack": "Demon Attack",
    "donkey_kong": "Donkey Kong",
    "double_dunk": "Double Dunk",
    "earthworld": "Swordquest: EarthWorld",
    "elevator_action": "Elevator Action",
    "enduro": "Enduro",
    "entombed": "Entombed",
    "et": "E.T. the Extra-Terrestrial",
    "fishing_derby": "Fishing Derby",
    "flag_capture": "Flag Capture",
    "freeway": "Freeway",
    "frogger": "Frogger",
    "frostbite": "Frostbite",
    "galaxian": "Galaxian",
    "gopher": "Gopher",
    "gravitar": "Gravitar",
    "hangman": "Hangman",
    "haunted_house": "Haunted House",
    "hero": "H.E.R.O.",
    "human_cannonball": "Human Cannonball",
    "ice_hockey": "Ice Hockey",
    "jamesbond": "James Bond 007",
    "journey_escape": "Journey Escape",
    "joust": "Joust",
    "kaboom": "Kaboom!",
    "kangaroo": "Kangaroo",
    "keystone_kapers": "Keystone Kapers",
    "king_kong": "King Kong",
    "klax": "Klax",
    "koolaid": "Kool-Aid Man",
    "krull": "Krull",
    "kung_fu_master": "Kung-Fu Master",
    "laser_gates": "Laser Gates",
    "lost_luggage": "Lost Luggage",
    "mario_bros": "Mario Bros.",
    "maze_craze": "Maze Craze",
    "miniature_golf": "Miniature Golf",
    "montezuma_revenge": "Montezuma's Revenge",
    "mr_do": "Mr. Do!",
    "ms_pacman": "Ms. Pac-Man",
    "name_this_game": "Name This Game",
    "othello": "Othello",
    "pacman": "Pac-Man",
    "phoenix": "Phoenix",
    "pitfall": "Pitfall!",
    "pitfall2": "Pitfall II: Lost Caverns",
    "pong": "Pong",
    "pooyan": "Pooyan",
    "private_eye": "Private Eye",
    "qbert": "Q*bert",
    "riverraid": "River Raid",
    "road_runner": "Road Runner",
    "robotank": "Robot Tank",
    "seaquest": "Seaquest",
    "sir_lancelot": "Sir Lancelot",
    "skiing": "Skiing",
    "solaris": "Solaris",
    "space_invaders": "Space Invaders",
    "space_war": "Space War",
    "star_gunner": "Stargunner",
    "superman": "Superman",
    "surround": "Surround",
    "tennis": "Tennis",
    "tetris": "Tetris",
    "tic_tac_toe_3d": "3-D Tic-Tac-Toe",
    "time_pilot": "Time Pilot",
    "trondead": "TRON: Deadly Discs",
    "turmoil": "Turmoil",
    "tutankham": "Tutankham",
    "up_n_down": "Up 'n Down",
    "venture": "Venture",
    "video_checkers": "Video Checkers",
    "video_chess": "Video Chess",
    "video_cube": "Atari Video Cube",
    "video_pinball": "Video Pinball",
    "warlords": "Warlords",
    "wizard_of_wor": "Wizard of Wor",
    "word_zapper": "Word Zapper",
    "yars_revenge": "Yars' Revenge",
    "zaxxon": "Zaxxon",
}
"""Every game that ALE knows."""

TWO_PLAYERS = frozenset({"combat", "joust", "maze_craze", "warlords"})
"""Games that ALE runs for two or more players only: loading one for a single player ends the whole process."""

_ENVIRONMENT_SUFFIX = re.compile(r"(-ram)?(NoFrameskip|Deterministic)?(-ram)?(-v\d+)?$", re.IGNORECASE)


def title(game: str) -> str:
    """The human-readable name of an id: ``qbert`` → ``Q*bert``. An id that is not ALE's is only spelled out."""
    return TITLES.get(game) or game.replace("_", " ").title()


def identity(game: str) -> str:
    """The game as agents' ids spell it, of any spelling: ``space_invaders`` → ``SpaceInvaders``. Raises ZooError."""
    return "".join(part.capitalize() for part in find(game).split("_"))


def find(text: str) -> str:
    """The id of a game in any spelling: an id, a title, ``SpaceInvaders``, ``ALE/Pong-v5``, ``PongNoFrameskip-v4``.

    The game need not have a ROM (see ``rom_path``). Raises ZooError with near names.
    """
    bare = _ENVIRONMENT_SUFFIX.sub("", text.strip().rpartition("/")[2])
    game = _keys().get(_fold(bare)) or _keys().get(_fold(text))
    if game is None:
        near = near_names(bare, [*TITLES.values(), *TITLES])
        near = list(dict.fromkeys(title(name) if name in TITLES else name for name in near))
        hint = f"Did you mean {' or '.join(near)}?" if near else "“Breakout” is one, for example."
        raise ZooError(f"There is no game “{text}”. {hint}")
    return game


def names() -> list[str]:
    """Ids of the games that can be played here, in order: ALE plays them with one player and has their ROM."""
    return [game for game in sorted(TITLES) if game not in TWO_PLAYERS and _rom_file(game).is_file()]


def rom_path(game: str) -> Path:
    """The ROM file of an id. Raises ZooError for a game without a ROM and for a game that needs two players."""
    if game in TWO_PLAYERS:
        raise ZooError(f"{title(game)} is played by two or more people, which is not supported: choose another game.")
    path = _rom_file(game)
    if not path.is_file():
        raise ZooError(
            f"{title(game)} has no ROM file here ({path} is missing): install ale-py 0.9 or newer, which brings the "
            f"ROMs, or set {ROMS_VARIABLE} to a folder that holds {path.name}."
        )
    return path


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    """Folded spelling → id."""
    return {_fold(name): game for game, name in TITLES.items()} | {_fold(game): game for game in TITLES}


def _rom_file(game: str) -> Path:
    """Where the ROM of ``game`` is or would be. ale_py's own look-up prints to stdout, hence not used."""
    folder = os.environ.get(ROMS_VARIABLE)
    return (Path(folder) if folder else _bundled_roms()) / f"{game}.bin"


@lru_cache(maxsize=1)
def _bundled_roms() -> Path:
    spec = importlib.util.find_spec("ale_py")
    if spec is None or spec.origin is None:
        raise ZooError("ale-py, which emulates the games, is not installed: run pip install ale-py.")
    return Path(spec.origin).parent / "roms"
