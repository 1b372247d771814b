"""``zoo-gui distinct``: which algorithm played this state? A classifier by the paper's protocol and by a fair one."""

from __future__ import annotations

import argparse
import json
from typing import Any

from zoo_gui import cli_lab, cli_moments
from zoo_gui.types import ZooError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agents", nargs="+", metavar="AGENT", help="two or more of one game: ids (ppo/Breakout/1, "
                        "random/Breakout) or paths; agents of one algorithm are its runs")  # fmt: skip
    parser.add_argument("--protocol", choices=("paper", "fair", "both"), default="both", help="paper: frames held out "
                        "at random; fair: whole games, one preprocessing for all (both)")  # fmt: skip
    parser.add_argument("--steps", type=cli_moments.count, default=2500, metavar="N", help="agent steps of each "
                        "rollout (2500)")  # fmt: skip
    parser.add_argument("--seeds", type=seeds, default=(0, 1, 2), metavar="S,…", help="of the games (0,1,2)")
    parser.add_argument("--size", type=cli_moments.count, default=42, metavar="PX", help="pixels a side of what is "
                        "looked at; 84 is the paper's, and ten times slower (42)")  # fmt: skip
    parser.add_argument("--every", type=cli_moments.count, default=1, metavar="N", help="look at every N-th frame (1)")
    parser.add_argument("--epochs", type=cli_moments.count, default=1, metavar="N", help="times through the frames (1)")
    parser.add_argument("--classes", choices=("algorithm", "agent"), default="algorithm", help="what is told apart "
                        "(algorithm)")  # fmt: skip
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agents'")
    parser.add_argument("--no-controls", action="store_true", help="leave out shuffled labels and random play")
    cli_lab.add_run_options(parser)


def run(options: argparse.Namespace) -> int:
    """Make the experiment, run it and say what came out. Raises ZooError."""
    from zoo_gui.lab import Experiment

    if len(options.agents) < 2:
        raise ZooError("One agent cannot be told apart from itself: name two or more of one game.")
    names = ("protocol", "steps", "size", "every", "epochs", "classes", "game")
    asked = {name: getattr(options, name) for name in names}
    experiment = Experiment("distinct", tuple(options.agents), options.seeds,
                            settings={**asked, "controls": not options.no_controls})  # fmt: skip
    outcome = cli_lab.run_experiment(experiment, options)
    found = outcome.record
    if options.json:
        print(json.dumps({**cli_lab.told(outcome, options.output), "sentences": found.sentences}, ensure_ascii=False))
        return 0
    for name in ("paper", "fair"):
        if found.trial(name) is not None:
            print_confusion(found, name)
    print("\n".join(found.sentences))
    print(found.caption)
    print(f"everything: {outcome.folder}")
    if options.output:
        print(f"written: {options.output}")
    return 0


def print_confusion(found: Any, name: str) -> None:
    """A protocol's confusions with each class's F1."""
    trial = found.trial(name)
    print(f"{name}: rows who it was, columns who was said")
    cli_lab.print_table([{"": own, **{other: int(n) for other, n in zip(found.classes, row)}, "F1": float(f1)}
                         for own, row, f1 in zip(found.classes, trial.confusion, trial.f1)])  # fmt: skip


def seeds(text: str) -> tuple[int, ...]:
    """``0,1,2`` for argparse."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"“{text}” is no list of whole numbers from 0, such as 0,1,2")
    return tuple(int(part) for part in parts)

