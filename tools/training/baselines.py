"""The yardsticks of a game: random play, the best constant action and a person, kept in resources/baselines.toml.

    tools/train baselines Breakout Pong      # measures these games and updates the file
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import numpy as np
import tomli_w
from tqdm import tqdm

from training.envs import LONGEST_GAME, AtariEnvs, Envs
from training.population import play
from zoo_gui.backports import tomllib
from zoo_gui.play import games
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

FILE = "baselines.toml"
STICKY = {"noop": 0.0, "sticky": 0.25}
"""The two protocols: the probability that the emulator repeats the previous action."""
SCREENED, FINALISTS = 5, 2
"""Games that each action plays first, and how many of the best then play the games that count."""
COPIES = 8
"""Games side by side: one thread plays them all, so more would only idle when the list runs out."""
RANDOM = -1
HUMAN_SOURCE = "Mnih et al. 2015, “Human-level control through deep reinforcement learning”, Extended Data Table 2"
# fmt: off
HUMAN = {
    "Alien": 6875, "Amidar": 1676, "Assault": 1496, "Asterix": 8503, "Asteroids": 13157, "Atlantis": 29028,
    "BankHeist": 734.4, "BattleZone": 37800, "BeamRider": 5775, "Bowling": 154.8, "Boxing": 4.3, "Breakout": 31.8,
    "Centipede": 11963, "ChopperCommand": 9882, "CrazyClimber": 35411, "DemonAttack": 3401, "DoubleDunk": -15.5,
    "Enduro": 309.6, "FishingDerby": 5.5, "Freeway": 29.6, "Frostbite": 4335, "Gopher": 2321, "Gravitar": 2672,
    "Hero": 25763, "IceHockey": 0.9, "Jamesbond": 406.7, "Kangaroo": 3035, "Krull": 2395, "KungFuMaster": 22736,
    "MontezumaRevenge": 4367, "MsPacman": 15693, "NameThisGame": 4076, "Pong": 9.3, "PrivateEye": 69571,
    "Qbert": 13455, "Riverraid": 13513, "RoadRunner": 7845, "Robotank": 11.9, "Seaquest": 20182,
    "SpaceInvaders": 1652, "StarGunner": 10250, "Tennis": -8.9, "TimePilot": 5925, "Tutankham": 167.6,
    "UpNDown": 9082, "Venture": 1188, "VideoPinball": 17298, "WizardOfWor": 4757, "Zaxxon": 9173,
}
# fmt: on
"""The 49 games of the paper: the mean of a professional tester."""


@dataclass(frozen=True)
class Yardstick:
    """Means of whole games under one protocol, with the standard error of each mean.

    random: actions drawn uniformly at every agent step. constant: always ``action``, the best of all such players.
    """

    random: float
    random_error: float
    constant: float
    constant_error: float
    action: str
    episodes: int
    protocol: str


@dataclass(frozen=True)
class Baselines:
    """noop: no-op starts without sticky actions; sticky: with. human: None where nobody measured it."""

    noop: Yardstick
    sticky: Yardstick
    human: float | None = None
    human_source: str = ""


def read(game: str, path: Path | None = None) -> Baselines:
    """The yardsticks of a game. Raises ZooError where none were measured."""
    name, path = games.identity(game), path or resource_path(FILE)
    table = _read(path).get(name)
    if table is None:
        raise ZooError(f"{name} has no baselines yet: measure them with tools/train baselines {name}.")
    try:
        return Baselines(**{key: Yardstick(**value) if key in STICKY else value for key, value in table.items()})
    except TypeError as error:
        raise _damaged(path, error) from error


def measure(
    game: str,
    episodes: int = 30,
    make: Callable[[float], Envs] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Baselines:
    """Play a game at random and with every constant action, under both protocols.

    make(sticky) → the games; by default Atari's. progress is called after every game.
    """
    make = make or (lambda sticky: AtariEnvs(game, COPIES, seed=0, sticky=sticky))
    found = {
        name: yardstick(make(sticky), episodes, protocol(sticky, episodes), progress) for name, sticky in STICKY.items()
    }
    name = games.identity(game)
    return Baselines(**found, human=HUMAN.get(name), human_source=HUMAN_SOURCE if name in HUMAN else "")


def protocol(sticky: float, episodes: int) -> str:
    return (
        f"{episodes} games; no-op starts of up to 30 frames and FIRE at reset; {sticky or 'no'} sticky actions; a lost "
        f"life ends nothing; cut after {LONGEST_GAME:,} emulator frames. Every constant action plays {SCREENED} games, "
        f"the best, at most {FINALISTS}, play {episodes} more, which count"
    )


def yardstick(envs: Envs, episodes: int, text: str, progress: Callable[[], None] = lambda: None) -> Yardstick:
    """Random play and the best constant action in these games.

    Taking the best of several means flatters it a little: an agent has to be that much better.
    """
    everyone = range(len(envs.action_names))
    screened = means(envs, dict.fromkeys(everyone, SCREENED), progress)
    best = finalists(screened)
    final = means(envs, dict.fromkeys((RANDOM, *best), episodes), progress)
    winner = max(best, key=lambda action: final[action][0])
    return Yardstick(*final[RANDOM], *final[winner], envs.action_names[winner], episodes, text)


def finalists(screened: Mapping[int, tuple[float, float]]) -> list[int]:
    """The best actions by {action: (mean, standard error)}, at most FINALISTS, without those that
    are behind the first by more than chance explains: players that do nothing play the longest games."""
    first, *others = sorted(screened, key=lambda action: -screened[action][0])[:FINALISTS]
    reach = screened[first][0] - 2 * screened[first][1]
    return [first, *(action for action in others if screened[action][0] + 2 * screened[action][1] >= reach)]


def means(envs: Envs, players: Mapping[int, int], progress: Callable[[], None]) -> dict[int, tuple[float, float]]:
    """Let constant actions (or RANDOM) play so many games each: mean score and its standard error."""
    rng = np.random.default_rng(0)
    player = np.repeat(list(players), list(players.values()))

    def act(observation: np.ndarray, playing: np.ndarray) -> np.ndarray:
        action = np.where(playing >= 0, player[playing], 0)
        return np.where(action == RANDOM, rng.integers(len(envs.action_names), size=envs.count), action)

    score = play(envs, len(player), act, lambda env, game: progress()).score
    of = {action: score[player == action] for action in players}
    return {action: (float(s.mean()), float(s.std(ddof=1) / len(s) ** 0.5)) for action, s in of.items()}


def update(path: Path, game: str, baselines: Baselines) -> None:
    """Put a game into the file, in the order of the alphabet."""
    table = {key: value for key, value in asdict(baselines).items() if value is not None}
    table = {key: _rounded(value) if key in STICKY else value for key, value in table.items()}
    tables = (_read(path) if path.exists() else {}) | {games.identity(game): table}
    partial = path.with_suffix(".partial")
    partial.write_bytes(tomli_w.dumps(dict(sorted(tables.items()))).encode())
    os.replace(partial, path)


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ZooError:
    return ZooError(f"{path} cannot be read ({error}): take the file from the project again.")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tools/train baselines", description=__doc__.splitlines()[0])
    parser.add_argument("games", nargs="+", metavar="GAME")
    parser.add_argument("--episodes", type=int, default=30, help="games that count (30)")
    arguments = parser.parse_args(argv)
    path = resource_path() / FILE
    for game in [games.find(text) for text in arguments.games]:
        with tqdm(desc=games.identity(game), unit=" games", mininterval=1) as bar:
            measured = measure(game, arguments.episodes, progress=bar.update)
        update(path, game, measured)
        for name in STICKY:
            stick = getattr(measured, name)
            print(f"  {name:6} random {stick.random:8.1f} ± {stick.random_error:<6.1f}"
                  f"always {stick.action} {stick.constant:.1f} ± {stick.constant_error:.1f}")  # fmt: skip


if __name__ == "__main__":
    try:
        main()
    except ZooError as error:
        raise SystemExit(str(error)) from None
