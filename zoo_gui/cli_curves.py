"""``zoo-gui curves``: how trainings went, from their logs."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from zoo_gui import cli_lab, cli_moments
from zoo_gui.types import ZooError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="ALGORITHM/GAME/RUN or an agent's id, or a log: .json "
                        "in the zoo's shape, .jsonl of tools/train")  # fmt: skip
    parser.add_argument("--x", choices=("frames", "steps", "hours"), default="frames", help="emulator frames, agent "
                        "steps or hours of training (frames)")  # fmt: skip
    parser.add_argument("--smooth", type=_share, default=0.05, metavar="SHARE", help="of the training that a point of "
                        "the line is the mean of; 0: none (0.05)")  # fmt: skip
    parser.add_argument("--entropy", action="store_true", help="draw the policies' entropies as well")
    parser.add_argument("--output", metavar="FILE", help="write it: .png .svg .pdf a figure, .csv .json each row, .npz")


def run(options: argparse.Namespace) -> int:
    """Read, average, print and write. Raises ZooError."""
    from zoo_gui.analysis import export, training_logs
    from zoo_gui.analysis.curves import curves

    if options.output:
        export.check(options.output)
    found = curves([training_logs.read(name) for name in dict.fromkeys(options.runs)], options.x, options.smooth)
    if options.entropy and not found.entropies:
        raise ZooError("None of these logs has entropies: leave --entropy out.")
    found = dataclasses.replace(found, with_entropy=options.entropy)
    if options.output:
        export.write(found, options.output, cli_moments.about(found, options))
    if options.json:
        print(json.dumps(cli_lab.plain(_told(found, options.output)), ensure_ascii=False))
        return 0
    cli_lab.print_table(found.summary())
    for text in (*found.remarks, found.caption, f"written: {options.output}" if options.output else ""):
        if text:
            print(text)
    return 0


def _told(found: Any, output: str | None) -> dict[str, Any]:
    return {"runs": found.summary(), "remarks": found.remarks, "caption": found.caption, "output": output}


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0 to 1")
    return value
