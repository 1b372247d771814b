"""``zoo-gui patches``: at what does a unit fire?"""

from __future__ import annotations

import argparse
import json

from zoo_gui import cli_moments


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    cli_moments.add_options(parser)
    parser.add_argument("--unit", required=True, metavar="UNIT", help="for example conv2:17")
    parser.add_argument("--which", choices=("top", "bottom", "random"), default="top", help="where it is largest (top)")
    parser.add_argument("--k", type=cli_moments.count, default=9, metavar="N", help="how many (9)")
    parser.add_argument("--apart", type=cli_moments.count, default=10, metavar="N",
                        help="agent steps between two of one game (10)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Play, look the unit up, print a row for each patch. Raises ZooError."""
    agent, moments = cli_moments.play(options)
    from zoo_gui.analysis.patches import patches

    found = cli_moments.watched(patches(agent, unit=options.unit, moments=moments, which=options.which, k=options.k,
                                        seed=options.seed, apart=options.apart))  # fmt: skip
    cli_moments.write(found, options, [agent])
    if options.json:
        print(json.dumps({"sentence": found.sentence, "patches": found.table(), "output": options.output}))
        return 0
    print(found.sentence if str(found.unit) in found.sentence else f"{found.unit}: {found.sentence}")
    for row in found.table():
        box = ",".join(str(row[name]) for name in ("top", "left", "height", "width"))
        print(f"{row['rank']:4}  {row['activation']:10.4g}  game {row['episode'] + 1}, step {row['index']:5}  at {box}")
    if options.output:
        print(f"written: {options.output}")
    return 0
