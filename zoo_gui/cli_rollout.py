"""``zoo-gui rollout``: play an agent, undisturbed or under noise, and write what it saw and did in the zoo's format."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo_gui.types import ZooError

if TYPE_CHECKING:
    from zoo_gui.play.rollout import Recipe, Rollout


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options; counts are agent steps, as everywhere in the zoo."""
    parser.add_argument("agent", metavar="AGENT", help="id (a2c/Breakout/1, rainbow/Pong/1@initial) or path")
    parser.add_argument("--output", metavar="NAME", help="write NAME_rollout.npz, or NAME where it ends in .npz")
    parser.add_argument("--steps", type=_count, metavar="N", help="exactly N agent steps")
    parser.add_argument("--max-frames", type=_count, metavar="N", help="cut the game after N agent steps (2500)")
    parser.add_argument("--min-frames", type=_number, metavar="N", help="play on until more than N agent steps (2500)")
    parser.add_argument("--episodes", type=_count, metavar="N", help="at least N games; alone, these to their ends")
    parser.add_argument("--seed", type=_number, default=0, metavar="S", help="the same seed, the same rollout (0)")
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agent's")
    parser.add_argument("--action-noise", type=_probability, default=0.0, metavar="P",
                        help="probability of a random action instead")  # fmt: skip
    parser.add_argument("--parameter-noise", type=_deviation, default=0.0, metavar="SD",
                        help="standard deviation of noise on the convolutions' kernels")  # fmt: skip
    parser.add_argument("--observation-noise", type=_deviation, default=0.0, metavar="SD",
                        help="standard deviation of noise on the input, which is 0 to 1")  # fmt: skip
    parser.add_argument("--sticky", type=_probability, default=0.0, metavar="P",
                        help="probability that the agent's last action is repeated")  # fmt: skip
    parser.add_argument("--streamline", action="store_true", help="record scores and rewards only")


def run(options: argparse.Namespace) -> int:
    """Play, write the file and print a summary. Raises ZooError."""
    from zoo_gui.play.rollout import Recipe

    names = ("steps", "max_frames", "min_frames", "episodes", "seed", "game", "action_noise", "parameter_noise",
             "observation_noise", "sticky", "streamline")  # fmt: skip
    recipe = Recipe.of(**{name: getattr(options, name) for name in names})
    path = _target(options.output) if options.output else None
    rollout = _played(options.agent, recipe)
    if path is not None:
        from zoo_gui.play.rollout_files import save

        save(rollout, path)
    summary = {**_summary(rollout), "output": path and str(path)}
    if options.json:
        print(json.dumps(summary))
        return 0
    mean = "–" if summary["mean_return"] is None else f"{summary['mean_return']:g}"
    whole = f"{summary['complete']} of {summary['episodes']} episodes to their ends"
    print(f"{rollout.agent}: {summary['steps']:,} steps, {whole}, mean return {mean}")
    print(f"written: {path}" if path else "kept for the notebooks' m.get_… (--output writes a file as well)")
    return 0


def _played(name: str, recipe: "Recipe") -> "Rollout":
    """The rollout, from the cache or played under a progress bar, which shows where stderr is a terminal."""
    from tqdm import tqdm

    from zoo_gui.agents import catalogue
    from zoo_gui.agents.card import Card
    from zoo_gui.play.rollout_cache import collected

    entry = catalogue.fetched(name)
    if entry.weights is None:
        raise ZooError(f"“{entry.id}” is a player without a network: there is nothing to record but a game.")
    from zoo_gui.agents.agent import Agent

    agent = Agent.of_file(entry.card or Card.read(entry.path), entry.weights, entry.id)
    result = None
    with tqdm(total=None, unit=" steps", disable=None, leave=False) as bar:
        for progress in collected(agent, recipe):
            bar.total, result = progress.total, progress.result
            bar.set_postfix_str(progress.label, refresh=False)
            bar.update(progress.done - bar.n)
    return result


def _summary(rollout: "Rollout") -> dict[str, Any]:
    returns, complete = rollout.ep_rewards, rollout["ep_complete"]
    whole = returns[complete]
    return {
        "agent": rollout.agent,
        "steps": len(rollout),
        "episodes": len(returns),
        "complete": int(complete.sum()),
        "episode_returns": returns.tolist(),
        "mean_return": float(whole.mean()) if len(whole) else None,
        **rollout.recipe.asdict(),
    }


def _target(text: str) -> Path:
    """The file to write, tried before a long game is played for it."""
    from zoo_gui.play.rollout_files import with_suffix
    from zoo_gui.settings import writable_dir

    path = with_suffix(text)
    if path.is_dir():
        raise ZooError(f"{path} is a folder: name the file to write.")
    writable_dir(path.parent, "folder")
    return path


def _number(text: str, least: int = 0) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from {least}")
    return int(text)


def _count(text: str) -> int:
    return _number(text, 1)


def _probability(text: str) -> float:
    return _real(text, 1.0, "“{}” is not a number from 0 to 1")


def _deviation(text: str) -> float:
    return _real(text, 1e6, "“{}” is not a number from 0")


def _real(text: str, most: float, fault: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= most:
        raise argparse.ArgumentTypeError(fault.format(text))
    return value
