"""``zoo-gui verify``: does an agent do what its card says?"""

from __future__ import annotations

import argparse
import dataclasses
import json

DIFFERS = 1
"""The exit code where the agent is not what its card describes."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    parser.add_argument("--episodes", type=int, default=10, metavar="N", help="games to play (10); 0: outputs only")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="whole number from 0")


def run(options: argparse.Namespace) -> int:
    """Play, compare, report; 1 where something does not agree. Raises ZooError."""
    from tqdm import tqdm

    from zoo_gui.agents import catalogue
    from zoo_gui.agents.agent import Agent
    from zoo_gui.analysis.verify import verify
    from zoo_gui.types import ZooError

    if options.episodes < 0 or options.seed < 0:
        raise ZooError("The number of games and the seed count from 0.")
    entry = catalogue.find(options.agent)
    agent = Agent.load(options.agent)
    folder = entry.path.parent if entry.path else None
    with tqdm(total=options.episodes, unit=" games", disable=None, leave=False) as bar:
        for progress in verify(agent, episodes=options.episodes, seed=options.seed, folder=folder):
            bar.update(min(progress.done, options.episodes) - bar.n)
    found = progress.result
    if options.json:
        verdicts = {name: getattr(found, name) for name in ("golden_agrees", "score_agrees", "agrees")}
        print(json.dumps({**dataclasses.asdict(found), **verdicts}))
    else:
        print(agent.title)
        for sentence in found.sentences:
            print(sentence)
    return 0 if found.agrees else DIFFERS
