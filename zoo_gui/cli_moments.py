"""What commands about many moments share: the agent, its play that is looked through, bars, the result as a file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from zoo_gui.types import Progress, ZooError

if TYPE_CHECKING:
    from zoo_gui.agents.agent import Agent
    from zoo_gui.play.moments import Moments


def add_options(parser: argparse.ArgumentParser) -> None:
    """The agent, how long it plays, and where the result goes."""
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    parser.add_argument("--steps", type=count, default=2500, metavar="N", help="agent steps to look through (2500)")
    parser.add_argument("--seed", type=number, default=0, metavar="S", help="the same seed, the same result (0)")
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agent's")
    parser.add_argument("--output", metavar="FILE", help="write the result; .png .svg .pdf .csv .json .npz say what")


def play(options: argparse.Namespace) -> tuple["Agent", "Moments"]:
    """Load the agent and let it play, under a bar on a terminal; a bad name of --output is found before. Raises
    ZooError."""
    from zoo_gui.agents import catalogue
    from zoo_gui.analysis.export import check

    if options.output:
        check(options.output)
    entry = catalogue.fetched(options.agent)
    if entry.card is None and entry.path is None:
        raise ZooError(f"“{entry.id}” is a player without a network: it has no units to ask about.")
    from zoo_gui.agents.agent import Agent
    from zoo_gui.play.moments import record

    agent = Agent.load(options.agent)
    options.loaded = [agent]
    return agent, watched(record(agent, steps=options.steps, seed=options.seed, game=options.game))


def watched(steps: Iterator[Progress]) -> Any:
    """The last result of a generator of Progress, with a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    from zoo_gui.analysis import latest

    result = None
    with tqdm(total=1, disable=None, leave=False, bar_format="{desc} {percentage:3.0f}% {bar}") as bar:
        for progress in steps:
            bar.total = max(1, progress.total)
            bar.set_description_str(progress.label, refresh=False)
            bar.update(progress.done - bar.n)
            result = latest(result, progress)
    return result


def write(result: Any, options: argparse.Namespace, agents: Sequence[Any] = ()) -> None:
    """Write the result to --output, where that was given. agents: whom it is about. Raises ZooError."""
    if options.output:
        from zoo_gui.analysis.export import write as export

        export(result, options.output, about(result, options, agents))


def about(result: Any, options: argparse.Namespace, agents: Sequence[Any] = ()) -> dict[str, Any]:
    """What a command's file says of where it comes from."""
    from zoo_gui.analysis.export import what_of
    from zoo_gui.provenance import provenance, simple

    asked = {key: value for key, value in vars(options).items() if key not in ("json", "output", "run") and value}
    agents = agents or asked.pop("loaded", None)
    return provenance(agents or asked.get("agents") or filter(None, [asked.get("agent")]), what=what_of(result),
                      seed=asked.get("seed"), settings=simple(asked))  # fmt: skip


def number(text: str, least: int = 0) -> int:
    """A whole number from 0, for argparse."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from {least}")
    return int(text)


def count(text: str) -> int:
    """A whole number from 1, for argparse."""
    return number(text, 1)


def probability(text: str) -> float:
    """From 0 to below 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1.0:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0 to below 1")
    return value
