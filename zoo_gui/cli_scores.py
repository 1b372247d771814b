"""``zoo-gui scores``: how well agents play, beside random play, a constant action, a person, and published numbers."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from zoo_gui import cli_lab, cli_moments
from zoo_gui.types import ZooError

COLUMNS = ("agent", "game", "mean", "low", "high", "iqm", "n", "random", "constant", "human", "human_normalised")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agents", nargs="*", metavar="AGENT", help="ids (ppo/Breakout/1, random/Breakout) or paths; "
                        "with --from-cards all that the program brings along")  # fmt: skip
    parser.add_argument("--from-cards", action="store_true", help="do not play: what the agents' cards say")
    parser.add_argument("--games", type=cli_moments.count, metavar="N", help="games of each agent (10)")
    parser.add_argument("--seed", type=cli_moments.number, default=0, metavar="S", help="of the first game; the "
                        "others follow (0)")  # fmt: skip
    parser.add_argument("--sticky", type=cli_moments.probability, metavar="P",
                        help="probability that actions repeat (as cards say)")  # fmt: skip
    parser.add_argument("--limit", type=cli_moments.count, metavar="N", help="agent steps after which a game is cut "
                        "and does not count (20000)")  # fmt: skip
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agents'")
    parser.add_argument("--only-ours", action="store_true", help="leave out what others published")
    cli_lab.add_run_options(parser)


def run(options: argparse.Namespace) -> int:
    """Play, or read the cards; print and write. Raises ZooError."""
    if options.from_cards:
        return _from_cards(options)
    if not options.agents:
        raise ZooError("Name agents to play, or ask for what all cards say with --from-cards.")
    from zoo_gui.lab import Experiment

    asked: dict[str, Any] = {"sticky": options.sticky, "game": options.game, "published": not options.only_ours}
    if options.limit:
        asked["limit"] = options.limit
    seeds = tuple(range(options.seed, options.seed + (options.games or 10)))
    experiment = Experiment("scores", tuple(options.agents), seeds,
                            settings={key: value for key, value in asked.items() if value is not None})  # fmt: skip
    outcome = cli_lab.run_experiment(experiment, options)
    if options.json:
        told = {**cli_lab.told(outcome, options.output), "remarks": outcome.record.remarks}
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print(outcome.record, options.output)
        print(f"everything: {outcome.folder}")
    return 0


def _from_cards(options: argparse.Namespace) -> int:
    from zoo_gui.agents import catalogue
    from zoo_gui.analysis import export
    from zoo_gui.analysis.score_record import of_cards

    for name in ("games", "sticky", "limit", "game", "folder", "workers", "scheduler"):
        if getattr(options, name):
            raise ZooError(f"Cards are read and nobody plays: leave out --{name}, or --from-cards.")
    if options.output:
        export.check(options.output)
    names = options.agents or [entry.id for entry in catalogue.entries((catalogue.EMBEDDED,)) if not entry.tag]
    found = dataclasses.replace(of_cards(names), with_published=not options.only_ours)
    if options.output:
        export.write(found, options.output, cli_moments.about(found, options))
    if options.json:
        told = {"table": cli_lab.plain(found.table()), "caption": found.caption, "remarks": found.remarks}
        print(json.dumps({**told, "output": options.output}, ensure_ascii=False))
    else:
        _print(found, options.output)
    return 0


def _print(found: Any, output: str | None) -> None:
    cli_lab.print_table([{name: _short(row.get(name)) for name in COLUMNS} for row in found.table()])
    for text in (*found.remarks, found.caption, f"written: {output}" if output else ""):
        if text:
            print(text)


def _short(value: Any) -> Any:
    """Thousands without decimals, where four digits would be 1.3e+04."""
    return round(value) if isinstance(value, float) and abs(value) >= 1000 else value
