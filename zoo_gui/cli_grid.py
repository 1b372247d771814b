"""``zoo-gui grid``: many agents at their games, side by side, as one film."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from zoo_gui import cli_films
from zoo_gui.provenance import provenance

if TYPE_CHECKING:
    from zoo_gui.play.grid_plan import Plan

ENDINGS = ("next", "hold")
ROWS = ("auto", "runs", "tags", "games", "none")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agents", nargs="*", metavar="AGENT", help="ids, paths, or patterns: “ppo/Breakout/*” are all "
                        "runs, “ppo/Pong/1@*” all stages of one (quote them)")  # fmt: skip
    for name, example in (("algorithms", "a2c,ppo"), ("games", "Breakout,Pong"), ("tags", "initial,final")):
        parser.add_argument(f"--{name}", type=_names, default=(), metavar="A,B", help=f"only these, for example "
                            f"{example}; what does not exist stays an empty tile")  # fmt: skip
    parser.add_argument("--runs", type=_runs, default=(), metavar="1,2", help="only these runs")
    parser.add_argument("--rows", choices=ROWS, default="auto", help="what stands under each other; columns are what "
                        "differs otherwise; none: in turn (auto: what there are several of)")  # fmt: skip
    parser.add_argument("--columns", type=cli_films.count, default=0, metavar="N", help="of --rows none")
    parser.add_argument("--tile", type=cli_films.count, default=0, metavar="PIXELS", help="width of a game (as fills "
                        "1920×1080)")  # fmt: skip
    parser.add_argument("--seconds", type=cli_films.seconds, default=30.0, metavar="S", help="length of the film (30)")
    parser.add_argument("--fps", type=cli_films.count, metavar="N", help="pictures a second (60; of a .gif 20)")
    parser.add_argument("--speed", type=cli_films.factor, default=1.0, metavar="X", help="1 is as fast as people play")
    parser.add_argument("--ends", choices=ENDINGS, default="next", help="after a game's end: the next one, or its last "
                        "picture (next)")  # fmt: skip
    parser.add_argument("--seed", type=cli_films.number, default=0, metavar="S", help="of all games (0)")
    parser.add_argument("--fetch", action="store_true", help="download what a pattern names and is not here")
    parser.add_argument("--output", required=True, metavar="FILE", help="the film: .mp4 or .gif")


def run(options: argparse.Namespace) -> int:
    """Find, load, play and write; prints where the film is. Raises ZooError."""
    from zoo_gui.play import film, grid, grid_plan
    from zoo_gui.types import ZooError

    path = film.check(options.output)
    if not (options.agents or options.algorithms or options.games or options.runs or options.tags):
        raise ZooError("Name the agents of the grid: for example zoo-gui grid “ppo/Breakout/*”, or --games Breakout.")
    plan = grid_plan.plan(grid_plan.Wanted(
        tuple(options.agents), options.algorithms, options.games, options.runs, options.tags, options.rows,
        options.columns, options.fetch))  # fmt: skip
    players, faults = _players(plan, options)
    made = grid.Grid(plan, players, faults, tile=options.tile, ending=options.ends)
    fps = options.fps or film.RATES[path.suffix.lower()][0]
    count = max(1, round(options.seconds * fps))
    about = provenance([name for name in plan.agents if name], what="A film of agents at their games, side by side",
                       seed=options.seed, settings={"speed": options.speed, "fps": fps})  # fmt: skip
    shot = film.Film(path, made.size, fps, about)
    code = cli_films.shoot(shot, made.pictures(count, fps, options.speed), count)
    _tell(made, shot, options)
    return code


def _players(plan: "Plan", options: argparse.Namespace) -> Any:
    """The players, loaded under a bar on a terminal."""
    from tqdm import tqdm

    from zoo_gui.play import grid

    with tqdm(total=len(plan.agents), unit=" agents", disable=None, leave=False) as bar:

        def told(agent: str) -> None:
            bar.set_description_str(agent)
            bar.update(1)

        return grid.players_of(plan, options.seed, told)


def _tell(made: Any, shot: Any, options: argparse.Namespace) -> None:
    rows = made.results()
    if options.json:
        print(json.dumps({"output": str(shot.path), "seconds": round(shot.seconds, 3), "size": list(shot.size),
                          "fps": shot.fps, "tiles": rows}, ensure_ascii=False))  # fmt: skip
        return
    for row in rows:
        if row["fault"] and row["agent"]:
            print(f"{row['agent']}: {row['fault']}", file=sys.stderr)
    print(f"written: {shot.path} ({shot.seconds:.0f} s, {shot.size[0]}×{shot.size[1]}, {len(made.games)} games)")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _runs(text: str) -> tuple[int, ...]:
    return tuple(cli_films.number(part.strip()) for part in text.split(","))
