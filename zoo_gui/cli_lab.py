"""``zoo-gui lab``: experiments from files, on all cores or on a cluster; and what all commands of the lab share."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from zoo_gui import cli_moments
from zoo_gui.types import Progress, ZooError

if TYPE_CHECKING:
    from zoo_gui.lab import Experiment, FolderSummary, Outcome

CACHED = "experiments"
SHOWN_FAILURES = 20
SHOWN_ROWS = 60
"""Rows of a table that are printed: a map of states has thousands, which are in the folder's result.csv."""


# -- what commands of the lab share ---------------------------------------------------------------------------------
def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Where an experiment is kept, who computes it, and where its result goes."""
    parser.add_argument("--folder", metavar="DIR", help="keep everything here: the experiment, each finished cell, "
                        "numbers and figure; run again, it goes on where it ended (a folder in the cache)")  # fmt: skip
    parser.add_argument("--workers", type=cli_moments.count, metavar="N", help="how many processes compute (one for "
                        "each core, fewer for few cells)")  # fmt: skip
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help="let a Dask cluster compute: "
                        "tcp://host:8786")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="write the result; .png .svg .pdf .csv .json .npz say what")


def run_experiment(experiment: "Experiment", options: argparse.Namespace) -> "Outcome":
    """Run an experiment as ``add_run_options`` says, under a bar on a terminal, and write --output.

    Failures are listed on stderr. Raises ZooError, also where no cell could be computed; KeyboardInterrupt at Ctrl+C,
    after a sentence about what is kept.
    """
    from zoo_gui import lab
    from zoo_gui.analysis import export
    from zoo_gui.lab import folder as folder_module

    if options.output:
        export.check(options.output)
    if options.workers and options.scheduler:
        raise ZooError("A cluster has workers of its own: give either --workers or --scheduler.")
    folder = Path(options.folder) if options.folder else cached_folder(experiment)
    progress = None
    try:
        steps = lab.run(experiment, folder, workers=options.workers, scheduler=options.scheduler)
        progress = _watched(steps)
    except KeyboardInterrupt:
        print(f"\nStopped: what is finished is kept in {folder}, and the same command goes on from there.",
              file=sys.stderr)  # fmt: skip
        raise
    outcome = progress.result
    _list_failures([(cell.name, sentence) for cell, sentence in outcome.failures.items()], outcome.total)
    if outcome.record is None:
        raise ZooError(f"None of the {outcome.total} cells could be computed, see above; {folder} lists them.")
    if options.output:
        agents = folder_module.agent_rows(experiment)
        export.write(outcome.record, options.output, cli_moments.about(outcome.record, options, agents))
    return outcome


def cached_folder(experiment: "Experiment") -> Path:
    """Where an experiment is kept that was given no folder: the same for the same cells."""
    import hashlib

    from zoo_gui import settings

    told = "\n".join([experiment.toml(), *(cell.key for cell in experiment.cells)])
    return settings.cache_dir() / CACHED / f"{experiment.kind}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def told(outcome: "Outcome", output: str | None = None) -> dict[str, Any]:
    """An experiment's end as a JSON object: folder, counts, failures, table, caption."""
    record = outcome.record
    return {"folder": str(outcome.folder), "cells": outcome.total, "finished": outcome.finished,
            "failures": {cell.name: sentence for cell, sentence in outcome.failures.items()},
            "table": plain(record.table()) if hasattr(record, "table") else [],
            "caption": getattr(record, "caption", ""), "output": output}  # fmt: skip


def report(outcome: "Outcome", options: argparse.Namespace) -> None:
    """Print an experiment's end: as JSON with --json, else its table, its caption and where everything is."""
    if options.json:
        print(json.dumps(told(outcome, options.output), ensure_ascii=False))
        return
    if hasattr(outcome.record, "table"):
        print_table(outcome.record.table())
    print(getattr(outcome.record, "caption", ""))
    print(f"everything: {outcome.folder}")
    if options.output:
        print(f"written: {options.output}")


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows in columns: numbers to the right with four digits, what is unknown as a dash."""
    if not rows:
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[name.replace("_", " ") for name in columns]]
    more, rows = len(rows) - SHOWN_ROWS, rows[:SHOWN_ROWS]
    lines += [[_text(row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    texts = [any(isinstance(row.get(name), str) and row[name] for row in rows) for name in columns]
    pads = [str.ljust if is_text else str.rjust for is_text in texts]
    for line in lines:
        print("  ".join(pad(text, width) for pad, text, width in zip(pads, line, widths)).rstrip())
    if more > 0:
        print(f"and {more:,} rows more: the folder’s result.csv has all")


def plain(value: Any) -> Any:
    """The same as JSON has it: no NumPy, and null for what is no number."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    value = value.tolist() if hasattr(value, "tolist") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _watched(steps: Any) -> Progress:
    """The last record of a run, with a bar on stderr where that is a terminal."""
    from contextlib import closing

    from tqdm import tqdm

    last = Progress(0, 1)
    form = "{n_fmt}/{total_fmt} cells {bar} {desc}"
    with closing(steps), tqdm(total=1, disable=None, leave=False, bar_format=form) as bar:
        for last in steps:
            bar.total, bar.n = max(1, last.total), last.done
            bar.set_description_str(last.label, refresh=True)
    return last


def _list_failures(failures: Sequence[tuple[str, str]], total: int) -> None:
    for name, sentence in failures[:SHOWN_FAILURES]:
        print(f"{name}: {sentence}", file=sys.stderr)
    if failures:
        more = len(failures) - SHOWN_FAILURES
        rest = f" ({more} more are in the folder's failures.json)" if more > 0 else ""
        print(f"{len(failures)} of {total} cells failed{rest}; the others are kept, and these are tried again when it "
              "is run again.", file=sys.stderr)  # fmt: skip


def _text(value: Any) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return value if isinstance(value, str) else f"{value:.4g}" if isinstance(value, float) else str(value)


# -- zoo-gui lab ----------------------------------------------------------------------------------------------------
def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(metavar="run|show", required=True, dest="action")
    text = "run an experiment from a file, or go on with one in a folder"
    run_parser = actions.add_parser("run", help=text, description=f"{text.capitalize()}.")
    run_parser.add_argument("file", metavar="FILE", help="the experiment, a .toml file, or its folder")
    add_run_options(run_parser)
    text = "say what is in an experiment's folder"
    show_parser = actions.add_parser("show", help=text, description=f"{text.capitalize()}.")
    show_parser.add_argument("folder", metavar="FOLDER", help="an experiment's folder")
    for action in (run_parser, show_parser):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run or show an experiment. Raises ZooError."""
    if options.action == "show":
        return _show(options)
    from zoo_gui.lab import Experiment
    from zoo_gui.lab.folder import read_experiment

    path = Path(options.file)
    if path.is_dir():
        experiment, folder = read_experiment(path), path
    else:
        experiment, folder = Experiment.read(path), path.with_suffix("")
        if folder == path:
            folder = path.with_name(f"{path.name} results")
    options.folder = options.folder or folder
    report(run_experiment(experiment, options), options)
    return 0


def _show(options: argparse.Namespace) -> int:
    from zoo_gui.lab import read_summary

    found = read_summary(options.folder)
    if options.json:
        print(json.dumps(_shown(found), ensure_ascii=False))
        return 0
    asked = found.experiment
    print(f"{found.title}\n{asked.kind} of {', '.join(asked.agents)}; seeds {', '.join(map(str, asked.seeds))}")
    print(found.state + (f"; last run {found.when}" if found.when else ""))
    for name, sentence in found.failures[:SHOWN_FAILURES]:
        print(f"  {name}: {sentence}")
    print_table(found.rows)
    if found.caption:
        print(found.caption)
    if found.figure is not None:
        print(f"figure: {found.path / 'result.png'}")
    return 0


def _shown(found: "FolderSummary") -> dict[str, Any]:
    from zoo_gui.agents import tables

    asked = found.experiment
    return {"folder": str(found.path), "title": found.title, "kind": asked.kind, "agents": asked.agents,
            "seeds": asked.seeds, "settings": tables.dump(asked.settings, full=True), "cells": len(found.names),
            "finished": len(found.finished), "failures": dict(found.failures), "missing": found.missing,
            "table": plain(found.rows), "caption": found.caption, "when": found.when, "versions": found.versions,
            "agent_hashes": found.agents,
            "figure": None if found.figure is None else str(found.path / "result.png")}  # fmt: skip
