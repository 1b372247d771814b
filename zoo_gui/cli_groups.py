"""``zoo-gui groups``: which units of a layer act together?"""

from __future__ import annotations

import argparse
import json

from zoo_gui import cli_moments


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    cli_moments.add_options(parser)
    parser.add_argument("--layer", required=True, metavar="LAYER", help="whose units, for example conv3")
    parser.add_argument("--count", type=cli_moments.count, default=6, metavar="N", help="how many groups, 2 to 16 (6)")
    parser.add_argument("--of", default="activations", metavar="WHAT",
                        help="activations, or whose attributions to the layer: value, action, action:LEFT, a unit "
                        "(activations)")  # fmt: skip
    parser.add_argument("--samples", type=cli_moments.count, metavar="N", help="moments used (1000; attributions 256)")


def run(options: argparse.Namespace) -> int:
    """Play, group, print a row for each group. Raises ZooError."""
    agent, moments = cli_moments.play(options)
    from zoo_gui.analysis.groups import groups

    found = cli_moments.watched(groups(agent, moments=moments, layer=options.layer, count=options.count, of=options.of,
                                       seed=options.seed, samples=options.samples))  # fmt: skip
    cli_moments.write(found, options, [agent])
    if options.json:
        print(json.dumps({"layer": found.layer, "of": found.of, "unexplained": found.error, "moments": found.moments,
                          "groups": found.table()[:-1], "output": options.output}))  # fmt: skip
        return 0
    print(f"{agent.title}: {found.count} groups of {found.layer} by {found.of}, {found.moments:,} moments")
    for group in range(found.count):
        units = ", ".join(f"{unit} {weight:.2f}" for unit, weight in found.strongest(group))
        print(f"  {found.letters[group]}  {found.shares[group]:6.1%}  units {units}")
    print(f"     {found.error:6.1%}  unexplained")
    if options.output:
        print(f"written: {options.output}")
    return 0
