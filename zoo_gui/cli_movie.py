"""``zoo-gui movie``: a game beside what every layer of the network makes of it, as a film."""

from __future__ import annotations

import argparse
import json

from zoo_gui import cli_films
from zoo_gui.provenance import provenance
from zoo_gui.types import ZooError

LAYOUTS = ("ours", "original")
SIZES = {"720": (1280, 720), "1080": (1920, 1080)}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    parser.add_argument("--layout", choices=LAYOUTS, default="ours", help="ours: the game large, all layers as in the "
                        "window; original: the Atari Zoo's white sheet (ours)")  # fmt: skip
    parser.add_argument("--steps", type=cli_films.count, default=600, metavar="N", help="agent steps (600)")
    parser.add_argument("--seed", type=cli_films.number, default=0, metavar="S", help="of the game (0)")
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agent's")
    parser.add_argument("--size", choices=tuple(SIZES), default="720", help="height of our layout (720)")
    parser.add_argument("--fps", type=cli_films.count, metavar="N", help="pictures a second (60; of a .gif 20)")
    parser.add_argument("--output", required=True, metavar="FILE", help="the film: .mp4 or .gif")


def run(options: argparse.Namespace) -> int:
    """Load, play and write; prints where the film is. Raises ZooError."""
    from zoo_gui.play import film

    path = film.check(options.output)
    fps = options.fps or film.RATES[path.suffix.lower()][0]
    if fps not in film.RATES[path.suffix.lower()]:
        raise ZooError(f"{fps} pictures a second do not suit {path.name}: choose one of "
                       f"{', '.join(map(str, film.RATES[path.suffix.lower()]))}.")  # fmt: skip
    agent = _loaded(options.agent)
    settings = {"steps": options.steps, "seed": options.seed, "game": options.game}
    if options.layout == "original":
        from zoo_gui.atari_zoo.activation_movie import OriginalMovie as Movie
    else:
        from zoo_gui.play.movie import Movie

        settings |= {"size": SIZES[options.size], "fps": fps}
    movie = Movie(agent, **settings)
    about = provenance([agent], what=f"A film of {agent.title} beside what its layers make of it",
                       game=options.game, seed=options.seed, settings={"steps": options.steps, "fps": fps})  # fmt: skip
    shot = film.Film(path, movie.size, fps, about)
    code = cli_films.shoot(shot, movie.pictures(), movie.count)
    told = {"output": str(shot.path), "agent": agent.name, "layout": options.layout, "steps": movie.steps_shown,
            "seconds": round(shot.seconds, 3), "size": list(shot.size), "fps": fps, "layers": len(agent.layers)}
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        steps = f"{movie.steps_shown:,} steps"
        print(f"written: {shot.path} ({shot.seconds:.0f} s, {shot.size[0]}×{shot.size[1]}, {steps})")
    return code


def _loaded(name: str):
    """The Agent. Raises ZooError."""
    from zoo_gui.agents import catalogue

    entry = catalogue.fetched(name)
    if entry.card is None and entry.path is None:
        raise ZooError(f"“{entry.id}” is a player without a network: there is nothing to film but a game "
                       "(zoo-gui play AGENT --video FILE).")  # fmt: skip
    from zoo_gui.agents.agent import Agent

    return Agent.load(name)
