"""``zoo-gui sweep``: how well do agents stand noise and other disturbances?"""

from __future__ import annotations

import argparse
import json
from typing import Any

from zoo_gui import cli_lab, cli_moments
from zoo_gui.types import ZooError

EPISODES = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agents", nargs="*", metavar="AGENT", help="ids (ppo/Breakout/1) or paths")
    parser.add_argument("--list", action="store_true", help="say which disturbances there are")
    parser.add_argument("--disturbance", default="observation_noise", metavar="NAME", help="what gets harder "
                        "(observation_noise)")  # fmt: skip
    parser.add_argument("--levels", nargs="+", type=_levels, metavar="X", help="how much; undisturbed play comes with "
                        "them (as --list says)")  # fmt: skip
    parser.add_argument("--episodes", type=cli_moments.count, default=EPISODES, metavar="N", help="games of each agent "
                        f"at each level, the same seeds at all ({EPISODES})")  # fmt: skip
    parser.add_argument("--seed", type=cli_moments.number, default=0, metavar="S", help="of the first game; the "
                        "others follow (0)")  # fmt: skip
    parser.add_argument("--parameter-layers", metavar="WHICH", help="whose weights: convolutions, as in the paper, or "
                        "all (convolutions)")  # fmt: skip
    parser.add_argument("--limit", type=cli_moments.count, metavar="N", help="agent steps after which a game is ended; "
                        "it counts with what it has scored (20000)")  # fmt: skip
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agents'")
    parser.add_argument("--sticky", type=cli_moments.probability, metavar="P",
                        help="probability that an action is repeated at an emulator frame, in all games (as the cards "
                        "say)")  # fmt: skip
    parser.add_argument("--title", default="", metavar="TEXT", help="of the experiment")
    cli_lab.add_run_options(parser)


def run(options: argparse.Namespace) -> int:
    """Play, print and write. Raises ZooError."""
    if options.list:
        return _list(options)
    if not options.agents:
        raise ZooError("Name the agents that are to be disturbed; --list says by what.")
    if options.parameter_layers and options.disturbance != "parameter_noise":
        raise ZooError("--parameter-layers is for --disturbance parameter_noise.")
    from zoo_gui.lab import Experiment

    asked: dict[str, Any] = {"disturbance": options.disturbance, "sticky": options.sticky, "game": options.game,
                             "parameter_layers": options.parameter_layers, "limit": options.limit}  # fmt: skip
    if options.levels:
        asked["levels"] = tuple(level for part in options.levels for level in part)
    seeds = tuple(range(options.seed, options.seed + options.episodes))
    experiment = Experiment("sweep", tuple(options.agents), seeds, options.title,
                            {name: value for name, value in asked.items() if value is not None})  # fmt: skip
    outcome = cli_lab.run_experiment(experiment, options)
    record = outcome.record
    if options.json:
        told = {**cli_lab.told(outcome, options.output), "areas": cli_lab.plain(record.areas()),
                "remarks": record.remarks}  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return 0
    cli_lab.print_table([{"agent": curve.agent.id, "level": level, "score": raw.text, "own": own.text,
                          "best": best.text, "n": raw.n, "ended": cut}
                         for curve in record.curves for level, raw, own, best, cut
                         in zip(record.levels, curve.raw, curve.own, curve.best, curve.cut)])  # fmt: skip
    print("\nArea under the normalised curve: 1 as good as undisturbed at every level, 0 random play")
    cli_lab.print_table(record.areas())
    print(f"\n{record.caption}\neverything: {outcome.folder}")
    if options.output:
        print(f"written: {options.output}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from zoo_gui.play.disturbance import DISTURBANCES

    rows = [{"name": name, "unit": about.unit, "levels": ", ".join(f"{level:g}" for level in about.levels),
             "what": about.words} for name, about in DISTURBANCES.items()]  # fmt: skip
    if options.json:
        print(json.dumps([{**row, "levels": about.levels, "rest": about.rest}
                          for row, about in zip(rows, DISTURBANCES.values())], ensure_ascii=False))  # fmt: skip
    else:
        cli_lab.print_table(rows)
    return 0


def _levels(text: str) -> list[float]:
    """One number, or several with commas."""
    try:
        return [float(part) for part in text.split(",") if part]
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number") from None
