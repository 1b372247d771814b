"""``zoo-gui compare``: what do agents see and do differently? Numbers, and a report that needs nothing else."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from zoo_gui import cli_moments
from zoo_gui.naming import listed
from zoo_gui.types import ZooError

STEPS, EPISODES, LIMIT = 2000, 5, 20_000
QUICK = {"steps": 300, "episodes": 1, "limit": 2000}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agents", nargs="+", metavar="AGENT", help="two or more ids (ppo/Breakout/1) or paths; "
                        "random/GAME where only behaviour is asked for")  # fmt: skip
    parser.add_argument("--steps", type=cli_moments.number, metavar="N", help="agent steps of the game that all see; "
                        f"0: none ({STEPS})")  # fmt: skip
    parser.add_argument("--episodes", type=cli_moments.number, metavar="N", help="games of its own that each plays; "
                        f"0: none ({EPISODES})")  # fmt: skip
    parser.add_argument("--limit", type=cli_moments.count, metavar="N", help="agent steps after which one of these is "
                        f"cut ({LIMIT})")  # fmt: skip
    parser.add_argument("--seed", type=cli_moments.number, default=0, metavar="S", help="of all games (0)")
    parser.add_argument("--driver", default="A", metavar="WHO", help="who plays the game that all see: A is the first "
                        "agent, B the second; or its id (A)")  # fmt: skip
    parser.add_argument("--method", default="cka", metavar="M", help="how layers are compared: cka, debiased, svcca "
                        "(cka)")  # fmt: skip
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agents'")
    parser.add_argument("--sticky", type=cli_moments.probability, metavar="P",
                        help="probability that an action is repeated")  # fmt: skip
    parser.add_argument("--shared", action="store_true", help="refuse agents that cannot see the same game, where "
                        "otherwise only what each does by itself is compared")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a first look: "
                        + ", ".join(f"--{name} {value}" for name, value in QUICK.items()))  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="write it: .html a report with everything in it; .csv .json a "
                        "row for each agent; .npz all numbers; .png .svg .pdf one figure")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Check everything that can be, load, compare, print and write. Raises ZooError."""
    from zoo_gui.agents import catalogue

    if len(options.agents) < 2:
        raise ZooError("One agent is no comparison: name two or more, for example zoo-gui compare A B, or one twice.")
    if options.output:
        _check(options.output)
    driver = _driver(options.driver, options.agents)
    for name, otherwise in (("steps", STEPS), ("episodes", EPISODES), ("limit", LIMIT)):
        if getattr(options, name) is None:
            setattr(options, name, QUICK[name] if options.quick else otherwise)
    if not options.steps and not options.episodes:
        raise ZooError("With no steps and no episodes there is nothing to compare: leave one of the two out.")
    _known_method(options.method)
    entries = [catalogue.find(name) for name in options.agents]
    if options.shared:
        _shared(entries, options)
    found = _compared(entries, options, driver)
    if options.output:
        cli_moments.write(found, options)
    if options.json:
        print(json.dumps(_plain(_summary(found, options.output)), ensure_ascii=False))
    else:
        _print(found)
        if options.output:
            print(f"written: {options.output}")
    return 0


def _compared(entries: list, options: argparse.Namespace, driver: int) -> Any:
    """Load the agents and compare them, under a bar on a terminal."""
    from zoo_gui.agents import catalogue
    from zoo_gui.analysis.comparison import comparison

    known: dict[str, Any] = {}
    for entry, name in zip(entries, options.agents):
        if name in known:
            continue
        if entry.algorithm == catalogue.RANDOM and entry.path is None and entry.card is None:
            known[name] = entry.id
        else:
            from zoo_gui.agents.agent import Agent

            known[name] = Agent.load(name)
    agents = options.loaded = [known[name] for name in options.agents]
    return cli_moments.watched(comparison(
        agents, steps=options.steps, episodes=options.episodes, seed=options.seed, driver=driver,
        method=options.method, game=options.game, sticky=options.sticky, limit=options.limit))  # fmt: skip


def _check(path: str) -> None:
    """Raise ZooError where nothing can be written to a path."""
    from zoo_gui.analysis import export

    ending = Path(path).suffix.lower()
    if ending not in export.KINDS | export.REPORTS:
        raise ZooError(f"“{path}” must end in .html, {', '.join(list(export.KINDS)[:-1])} or .npz: that says what to "
                       "write.")  # fmt: skip
    export.writable(path)


def _driver(text: str, agents: list[str]) -> int:
    """The place of who drives. Raises ZooError."""
    if text in agents:
        return agents.index(text)
    letters = [chr(ord("A") + place) for place in range(len(agents))]
    if text.upper() in letters:
        return letters.index(text.upper())
    raise ZooError(f"“{text}” is none of the agents: --driver takes {', '.join(letters)}, or an id as it is given.")


def _known_method(name: str) -> None:
    from zoo_gui.analysis.similarity_record import METHODS
    from zoo_gui.registry import unknown

    if name not in METHODS:
        raise unknown("method", name, METHODS)


def _shared(entries: list, options: argparse.Namespace) -> None:
    """Raise ZooError where these agents cannot see the same game."""
    from zoo_gui.agents import catalogue
    from zoo_gui.play import games

    played = dict.fromkeys(games.identity(options.game or entry.game) for entry in entries)
    if len(played) > 1:
        raise ZooError(f"{listed(played)} are different games: agents see the same input only in one and the "
                       "same game.")  # fmt: skip
    idle = next((entry.id for entry in entries if entry.algorithm == catalogue.RANDOM and entry.path is None), None)
    if idle is not None:
        raise ZooError(f"“{idle}” is a player without a network: it decides nothing by what it sees.")


def _summary(found: Any, output: str | None) -> dict[str, Any]:
    pairs = found.disagreement.pair_table() if found.disagreement is not None else []
    events = found.disagreement.table()[:20] if found.disagreement is not None else []
    remarks = [*found.remarks, *(found.behaviour.remarks if found.behaviour is not None else ())]
    layers = {found.name(pair): one.sentence for pair, one in found.similarities.items()}
    units = {found.name(pair): one.sentence for pair, one in found.matchings.items()}
    return {"agents": found.table(), "pairs": pairs, "disagreements": events, "layers": layers, "units": units,
            "why": found.why, "remarks": remarks, "sentences": found.sentences, "settings": dict(found.asked),
            "versions": dict(found.versions), "output": output}  # fmt: skip


def _plain(value: Any) -> Any:
    """The same without NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _print(found: Any) -> None:
    for one in found.agents:
        print(f"{one.label}  ({one.id})")
    for text in (found.why, *found.sentences, *found.remarks):
        if text:
            print(text)
    if found.behaviour is None:
        return
    print(f"{'':2} {'score':>24} {'median':>24} {'steps a game':>24}   most frequent actions")
    from zoo_gui.naming import readable_action

    for games in found.behaviour.games:
        order = sorted(zip(games.histogram, found.behaviour.meanings), reverse=True)[:3]
        most = ", ".join(f"{readable_action(name)} {part:.0%}" for part, name in order if part)
        print(f"{games.agent.letter:2} {games.mean.text:>24} {games.median.text:>24} {games.length.text:>24}   {most}")
    for remark in found.behaviour.remarks:
        print(remark)
