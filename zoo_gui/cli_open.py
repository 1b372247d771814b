"""``zoo-gui open``: a link or a saved session in the window; of a session also only whether it replays."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from zoo_gui.types import ZooError
from zoo_gui.views import View, is_session


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="LINK|FILE.zoo", help="a link, ppo/Breakout/1?seed=3&step=420, or a session")
    parser.add_argument("--check", action="store_true", help="of a session: play it anew without a window and say "
                        "whether it is what it was; the exit code is 1 where it is not")  # fmt: skip
    parser.add_argument("--anyway", action="store_true", help="of a session: also where agents or ROMs differ")


def run(options: argparse.Namespace) -> int:
    """Open it; returns the exit code. Raises ZooError."""
    session = is_session(options.what)
    if options.check:
        if not session:
            raise ZooError("Only a saved session (FILE.zoo) can be checked: a link says nothing to compare with.")
        return _check(Path(options.what).expanduser(), options.json)
    from zoo_gui.launch import run as launch

    return launch(argparse.Namespace(agents=[options.what] if session else _named(options.what), anyway=options.anyway))


def _named(link: str) -> list[str]:
    """A link as ``zoo-gui`` alone takes it: its agents, or what cannot be taken for one agent's address or path. Raises
    ZooError."""
    view = View.of_link(link)
    return [view.link()] if "?" in link else list(view.agents)


def _check(path: Path, as_json: bool) -> int:
    """Play a session anew and print how it compares."""
    from tqdm import tqdm

    from zoo_gui.engine.saving import agent_of
    from zoo_gui.engine.sittings import differences, grave, played_anew
    from zoo_gui.play.bundles import read

    bundle = read(path)
    lanes = [agent_of(record) for record in bundle.lanes]
    found = differences(lanes, bundle)
    with tqdm(total=0, unit=" steps", disable=True if as_json else None, leave=False) as bar:
        for progress in played_anew(bundle, lanes):
            bar.total, bar.n = progress.total, progress.done
            bar.refresh()
    report = progress.result
    exact = report.exact and not grave(found)
    if as_json:
        print(json.dumps({
            "session": str(path), "exact": exact, "lanes": [one.row() for one in report.lanes],
            "differences": found, "sentences": report.sentences,
        }, ensure_ascii=False))  # fmt: skip
    else:
        _print(path, report, exact, found)
    return 0 if exact else 1


def _print(path: Path, report: Any, exact: bool, found: list[str]) -> None:
    for one in report.lanes:
        print(f"{one.title}: {one.steps:,} steps played anew, {one.checked:,} compared")
    for sentence in [*report.sentences, *found]:
        print(sentence)
    words = "each step is what it was, bit for bit" if exact else "it is not what it was"
    print(f"{path.name}: {words}.")
