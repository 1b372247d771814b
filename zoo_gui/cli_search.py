"""``zoo-gui search`` and ``zoo-gui probe``: which units fire when something happens; what a layer knows of the game."""

from __future__ import annotations

import argparse
import json
from typing import Any

from zoo_gui import cli_moments

SHOWN = 20


def search_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``search``."""
    cli_moments.add_options(parser)
    _layer_option(parser)
    parser.add_argument("--event", default="reward", metavar="EVENT",
                        help="reward[:positive|:negative], “life lost”, “episode end”, action:LEFT, “value jump”, "
                        "“ram:49 changes”, ram:49=3, ram:49, region:top,left,height,width (reward)")  # fmt: skip
    parser.add_argument("--shifts", type=cli_moments.count, default=200, metavar="N", help="shifts of time (200)")
    parser.add_argument("--redundancy", action="store_true",
                        help="instead: units that are dead, alike, or predicted by others")  # fmt: skip


def probe_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``probe``."""
    cli_moments.add_options(parser)
    _layer_option(parser)
    parser.add_argument("--bytes", type=_bytes, default=(), metavar="N,…", help="of the 128 of RAM (all that vary)")
    parser.add_argument("--shifts", type=cli_moments.count, default=60, metavar="N", help="shifts of time (60)")


def run_search(options: argparse.Namespace) -> int:
    """Play, search, print the units. Raises ZooError."""
    agent, moments = cli_moments.play(options)
    if options.redundancy:
        from zoo_gui.analysis.redundancy import redundancy

        found = cli_moments.watched(redundancy(agent, moments=moments, layers=options.layer))
        return _tell(found, options, "{finding:10} {unit:12} {r2:>6} {with}")
    from zoo_gui.analysis.search import unit_search

    found = cli_moments.watched(unit_search(agent, moments=moments, event=options.event, layers=options.layer,
                                            shifts=options.shifts, seed=options.seed))  # fmt: skip
    line = "{unit:12} held-out {held_out:>6}  (chosen {effect:>6})  AUC {auc:>5}  p {p_value:>6}  lag {lag:>2}"
    return _tell(found, options, line, SHOWN)


def run_probe(options: argparse.Namespace) -> int:
    """Play, probe, print R² of every byte and layer. Raises ZooError."""
    agent, moments = cli_moments.play(options)
    from zoo_gui.analysis.probes import probes

    found = cli_moments.watched(probes(agent, moments=moments, layers=options.layer, bytes=options.bytes,
                                       shifts=options.shifts, seed=options.seed))  # fmt: skip
    line = "{layer:14} byte {byte:3}  R² {r2:>6}  (chance {chance:>6})  p {p_value:>6}"
    return _tell(found, options, line)


def _tell(found: Any, options: argparse.Namespace, line: str, most: int | None = None) -> int:
    """Write and print a result: its sentence, and a line for each row of its table."""
    cli_moments.write(found, options)
    rows = found.table()
    if options.json:
        plain = [{name: None if value != value else value for name, value in row.items()} for row in rows]
        print(json.dumps({"sentence": found.sentence, "rows": plain, "output": options.output}))
        return 0
    print(found.sentence)
    for row in rows[:most]:
        print(line.format(**{name: _short(value) for name, value in row.items()}).rstrip())
    if most is not None and len(rows) > most:
        print(f"and {len(rows) - most:,} more: --json or --output FILE.csv have them all")
    if options.output:
        print(f"written: {options.output}")
    return 0


def _short(value: Any) -> Any:
    if value is None:
        return ""
    return ("–" if value != value else f"{value:.3f}") if isinstance(value, float) else value


def _layer_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layer", action="append", default=[], metavar="NAME", help="only this one; may be repeated")


def _bytes(text: str) -> tuple[int, ...]:
    return tuple(cli_moments.number(part.strip()) for part in text.split(","))
