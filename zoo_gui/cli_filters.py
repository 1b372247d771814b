"""``zoo-gui filters``: a layer's weights as pictures, and how much the first layer looks at the past."""

from __future__ import annotations

import argparse
import json

from zoo_gui import cli_moments
from zoo_gui.types import ZooError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    parser.add_argument("--layer", default="", metavar="LAYER", help="whose filters (the first layer with weights)")
    parser.add_argument("--temporal-bias", action="store_true",
                        help="instead, how much the first layer weighs each frame, against the newest")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="write the result; .png .svg .pdf .csv .json .npz say what")


def run(options: argparse.Namespace) -> int:
    """Read the weights, print and write what was asked for. Raises ZooError."""
    from zoo_gui.analysis.export import check
    from zoo_gui.analysis.filters import filters_of, temporal_bias_of

    if options.output:
        check(options.output)
    if options.temporal_bias and options.layer:
        raise ZooError("The temporal bias is of the layer that reads the observation: leave --layer out.")
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(options.agent)
    found = temporal_bias_of(agent) if options.temporal_bias else filters_of(agent, options.layer)
    cli_moments.write(found, options, [agent])
    if options.json:
        print(json.dumps({"layer": found.layer, "rows": found.table(), "output": options.output}))
        return 0
    print(f"{agent.title}: {found.layer}")
    if options.temporal_bias:
        print("  ".join(f"{name} {bias:.2f}" for name, bias in zip(found.names, found.frames)))
    else:
        height, width, channels, units = found.kernel.shape
        print(f"{units} filters of {height}×{width} over {channels} {'frames' if found.frames else 'inputs'}, "
              f"weights up to ±{found.scale:.3g}")  # fmt: skip
        for unit in range(units):
            best = found.strongest(unit, 3) if not found.frames else range(channels)
            print(f"  {unit:4}  " + "  ".join(f"{found.input_name(int(c))} {found.norms[c, unit]:.3f}" for c in best))
    if options.output:
        print(f"written: {options.output}")
    return 0
