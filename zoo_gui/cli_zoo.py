"""``zoo-gui list`` and ``zoo-gui fetch``: which agents there are, and getting those that others publish."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING

from zoo_gui.types import ZooError

if TYPE_CHECKING:
    from zoo_gui.agents.entry import Entry


def list_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``zoo-gui list``."""
    parser.add_argument("--game", metavar="GAME", help="only agents of this game")
    parser.add_argument("--algorithm", metavar="NAME", help="only agents of this algorithm, for example ppo")
    parser.add_argument("--source", metavar="NAME", help="only from here: embedded, folder, url, zoo, dopamine, "
                        "huggingface")  # fmt: skip
    parser.add_argument("--tag", metavar="TAG", help="only this stage of training: initial, 1.6M, … or final")
    parser.add_argument("--all", action="store_true", help="also those that would have to be downloaded")


def fetch_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``zoo-gui fetch``."""
    parser.add_argument("ids", nargs="+", metavar="ID", help="id (dopamine:dqn/Pong/1, hf:sb3/ppo-PongNoFrameskip-v4) "
                        "or address (https://…/agent.zip)")  # fmt: skip


def run_list(options: argparse.Namespace) -> int:
    """Print the agents, one a line; those elsewhere are only counted unless they are asked for."""
    from zoo_gui.agents import catalogue

    entries = catalogue.entries()
    found = [entry for entry in entries if _wanted(entry, options)]
    if options.json:
        print(json.dumps([entry.row() for entry in found], indent=1, ensure_ascii=False))
        return 0
    asked = options.all or any((options.game, options.algorithm, options.source, options.tag))
    shown = found if asked else [entry for entry in found if entry.is_here]
    if not shown:
        raise ZooError(_nothing(entries, options))
    width = max(len(entry.id) for entry in shown)
    for entry in shown:
        print(_line(entry, width))
    rest = Counter((entry.source, entry.status) for entry in found if entry not in shown) if not asked else {}
    for (source, status), count in rest.items():
        print(f"{count} more of {source} {'can be downloaded' if status == 'to download' else f'are {status}'}: "
              f"zoo-gui list --source {source}")  # fmt: skip
    print("random/GAME, for example random/Pong, plays any game without a network.")
    return 0


def _wanted(entry: Entry, options: argparse.Namespace) -> bool:
    def plain(text: str) -> str:
        return "".join(filter(str.isalnum, text)).casefold()

    return (
        (options.game is None or plain(options.game) == plain(entry.game))
        and (options.algorithm is None or plain(options.algorithm) == plain(entry.algorithm))
        and (options.source is None or options.source.casefold() == entry.source)
        and (options.tag is None or options.tag.casefold() == (entry.tag or "final").casefold())
    )


def _nothing(entries: list[Entry], options: argparse.Namespace) -> str:
    """Why nothing is listed, with near names."""
    from zoo_gui.registry import near_names

    for key in ("game", "algorithm", "source"):
        asked = getattr(options, key)
        there = sorted({getattr(entry, key) for entry in entries} - {""})
        if asked and asked.casefold() not in [name.casefold() for name in there]:
            near = near_names(asked, there)
            return f"No agent has the {key} “{asked}”." + (f" Did you mean {' or '.join(near)}?" if near else "")
    return "No agent is listed that is all of this: leave out one of the filters."


def _line(entry: Entry, width: int) -> str:
    from zoo_gui.agents.entry import figure

    yardsticks = (("random", entry.random_score), ("constant", entry.constant_score), ("human", entry.human_score))
    known = ", ".join(f"{name} {figure(score)}" for name, score in yardsticks if score is not None)
    score = "" if entry.score is None else f"   score {figure(entry.score)}"
    known = f" ({known})" if known and score else ""
    remark = f"   {entry.remark}" if entry.remark else ""
    status = "" if entry.is_here else f"   [{entry.status}]"
    return f"{entry.id:{width}}   {entry.title}{score}{known}{status}{remark}"


def run_fetch(options: argparse.Namespace) -> int:
    """Download agents; prints where each lies."""
    from zoo_gui.agents import catalogue

    found = []
    for id in options.ids:
        entry = catalogue.find(id)
        if entry.weights is None and entry.is_here:
            raise ZooError(f"“{entry.id}” is a player without a network: there is nothing to fetch.")
        found.append(entry)
    rows = [_fetched_row(entry) for entry in found]
    if options.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    for row in rows:
        print(f"{row['id']}: {row['weights']}" + (f" ({row['remark']})" if row["remark"] else ""))
    return 0


def _fetched_row(entry: Entry) -> dict[str, str | None]:
    """Where an agent's files lie now; remark: why they cannot be opened yet."""
    from zoo_gui.agents import catalogue

    got = _fetched(entry)
    row = {"id": got.id, "weights": str(got.weights), "card": None, "remark": ""}
    try:
        path = catalogue.find(got.id).path
    except ZooError as error:
        return {**row, "remark": str(error)}
    return {**row, "card": path and str(path)}


def _fetched(entry: Entry) -> Entry:
    """The entry with its files on disk, after a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    from zoo_gui.agents import catalogue

    name = None
    with tqdm(unit="B", unit_scale=True, disable=None, leave=False, desc=entry.id) as bar:
        for progress in catalogue.fetch_files(entry):
            if progress.result is not None:
                return progress.result
            if progress.label != name:
                name = progress.label
                bar.reset()
            bar.total = progress.total or None
            bar.update(progress.done - bar.n)
    raise AssertionError("a download ended without a result")
