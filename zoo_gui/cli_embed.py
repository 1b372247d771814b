"""``zoo-gui embed``: a map of the states that agents meet, of their RAM, of what they see or of a layer."""

from __future__ import annotations

import argparse
import json

from zoo_gui import cli_lab, cli_moments


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agents", nargs="+", metavar="AGENT", help="ids (ppo/Breakout/1, random/Breakout) or paths")
    parser.add_argument("--what", default="ram", metavar="WHAT", help="ram: its 128 bytes; bits: its 1,024 bits; "
                        "observations; or a layer’s name (ram)")  # fmt: skip
    parser.add_argument("--method", default="tsne", metavar="M", help="tsne, umap, pacmap or pca; each of 50 principal "
                        "components (tsne)")  # fmt: skip
    parser.add_argument("--steps", type=cli_moments.count, default=2500, metavar="N", help="agent steps of each "
                        "rollout (2500)")  # fmt: skip
    parser.add_argument("--seeds", type=_seeds, default=(0,), metavar="S,…", help="of the games (0)")
    parser.add_argument("--perplexity", type=float, default=30.0, metavar="P", help="of t-SNE (30)")
    parser.add_argument("--neighbours", type=cli_moments.number, default=0, metavar="N", help="of UMAP (15) and PaCMAP "
                        "(10)")  # fmt: skip
    parser.add_argument("--components", type=cli_moments.count, default=50, metavar="K", help="principal components "
                        "that the map is made of (50)")  # fmt: skip
    parser.add_argument("--iterations", type=cli_moments.count, default=1000, metavar="N", help="of t-SNE (1000)")
    parser.add_argument("--random-state", type=cli_moments.number, default=0, metavar="S", help="of the method (0)")
    parser.add_argument("--colour", dest="colours", action="append", default=[], metavar="BY", help="score, time, "
                        "action, value, agent, reward, lives, episode or seed; may be repeated (those that tell "
                        "most)")  # fmt: skip
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agents'")
    cli_lab.add_run_options(parser)


def run(options: argparse.Namespace) -> int:
    """Make the experiment, run it and say what came out. Raises ZooError."""
    from zoo_gui.lab import Experiment
    from zoo_gui.lab.kinds.embed import settings_of

    experiment = Experiment("embed", tuple(options.agents), options.seeds, settings=settings_of(options))
    outcome = cli_lab.run_experiment(experiment, options)
    found = outcome.record
    if options.json:
        told = cli_lab.told(outcome, options.output) | {
            "states": len(found.points), "joint": found.joint, "seconds": found.seconds, "remarks": list(found.remarks),
            "explained": [float(part.explained.sum()) for part in found.parts], "table": [],
        }  # fmt: skip
        print(json.dumps(cli_lab.plain(told), ensure_ascii=False))
        return 0
    for text in (found.caption, *found.remarks):
        print(text)
    print(f"everything: {outcome.folder}")
    if options.output:
        print(f"written: {options.output}")
    return 0


def _seeds(text: str) -> tuple[int, ...]:
    """``0,1,2`` for argparse."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"“{text}” is no list of whole numbers from 0, such as 0,1,2")
    return tuple(int(part) for part in parts)
