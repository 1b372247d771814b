"""``zoo-gui explain``: why does an agent do that? Maps of one moment by any method, and tests of what they claim."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, Iterator

from zoo_gui import cli_moments
from zoo_gui.types import Progress, ZooError

if TYPE_CHECKING:
    import numpy as np

    from zoo_gui.agents.agent import Agent


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    parser.add_argument("--target", default="action", metavar="T",
                        help="action, action:LEFT, value, advantage, conv2:17, sums of these (action)")  # fmt: skip
    parser.add_argument("--method", metavar="M", help="gradient, guided, greydanus … (gradient)")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of the method: stride=10")
    parser.add_argument("--all", action="store_true", help="every method that can answer")
    parser.add_argument("--both", action="store_true",
                        help="what the policy and what the value look at, in two colours (greydanus)")  # fmt: skip
    parser.add_argument("--step", type=cli_moments.number, default=100, metavar="N", help="step of the game (100)")
    parser.add_argument("--seed", type=cli_moments.number, default=0, metavar="S", help="of the game (0)")
    parser.add_argument("--game", default="", metavar="GAME", help="another game than the agent's")
    parser.add_argument("--moment-from", metavar="FILE#ROW", help="a row of a rollout's .npz in place of --step")
    parser.add_argument("--sanity", action="store_true", help="make the weights random, layer by layer")
    parser.add_argument("--faithfulness", action="store_true", help="delete and insert pixels in the map's order")
    parser.add_argument("--cover", metavar="T,L,H,W", help="cover a box: top, left, height, width (observation pixels)")
    parser.add_argument("--fill", default="mean", metavar="F", help="what covers: mean, black, blur, background (mean)")
    parser.add_argument("--output", metavar="FILE", help="write the result; .png .svg .pdf .csv .json .npz say what")


def run(options: argparse.Namespace) -> int:
    """Find the moment, ask, and print or write the answer. Raises ZooError."""
    from zoo_gui.analysis.export import check, write

    jobs = [name for name in ("all", "both", "sanity", "faithfulness", "cover") if getattr(options, name)]
    if len(jobs) > 1:
        raise ZooError(f"--{' and --'.join(jobs)} are different questions: ask one at a time.")
    if options.both and options.method not in (None, "greydanus"):
        raise ZooError("--both is made by greydanus, which blurs once for policy and value: leave --method out.")
    if options.output:
        check(options.output)
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(options.agent)
    seen = _found(agent, options)
    *_, answer = [one.result for one in _bar(_job(agent, options, jobs, seen)) if one.result is not None]
    results = answer.found if options.all or options.both else [answer]
    rows = [_row(result) for result in results]
    if options.output:
        write(answer, options.output, cli_moments.about(answer, options, [agent]))
    if options.json:
        print(json.dumps({"agent": agent.name, "results": rows, "output": options.output}, ensure_ascii=False))
    else:
        for result in results:
            print(_sentence(result))
        if options.output:
            print(f"written: {options.output}")
    return 0


def _job(agent: "Agent", options: argparse.Namespace, jobs: list[str], seen: dict[str, Any]) -> Iterator[Progress]:
    """The analysis that was asked for, of what the agent ``seen``."""
    from zoo_gui.analysis import ANALYSES
    from zoo_gui.analysis.methods import method_of

    if options.cover:
        seen.pop("action")
        return ANALYSES["cover"](agent, box=_box(options.cover), fill=options.fill, seed=options.seed, **seen)
    if options.all:
        return ANALYSES["attribution_grid"](agent, target=options.target, **seen)
    given, method = _given(options.option), options.method or "gradient"
    if options.both:
        return ANALYSES["policy_and_value"](agent, **seen, **given)
    method_of(method).settings(given)
    asked = {"target": options.target, "method": method, **seen, **given}
    if jobs:
        asked["seed"] = options.seed
    if options.faithfulness:
        asked["fill"] = options.fill
    return ANALYSES[jobs[0] if jobs else "attribution"](agent, **asked)


def _found(agent: "Agent", options: argparse.Namespace) -> dict[str, Any]:
    """{observation, state, action} of a row of a file, or of a step of a game."""
    if options.moment_from:
        return _of_file(agent, options.moment_from)
    from zoo_gui.play.emulator import Emulator
    from zoo_gui.play.player import Player

    player = Player(Emulator(options.game or agent.card.game), agent, seed=options.seed)
    for _ in range(options.step + 1):
        step = player.step()
    return {"observation": step.observation, "state": player.state_before, "action": step.decision.action}


def _of_file(agent: "Agent", text: str) -> dict[str, Any]:
    """The observation and the action in one row of a rollout. Raises ZooError."""
    import numpy as np

    from zoo_gui.play.rollout import unit
    from zoo_gui.play.rollout_files import load

    path, _, row = text.rpartition("#")
    if not path or not row.isdecimal():
        raise ZooError(f"“{text}” names no moment: write FILE.npz#ROW, for example play_rollout.npz#120.")
    if agent.initial_state.size:
        raise ZooError("A rollout's file does not hold what a recurrent network remembered: use --step and --seed.")
    rollout = load(path)
    if "observations" not in rollout or int(row) >= len(rollout):
        has = f"rows 0 to {len(rollout) - 1}" if "observations" in rollout else "no observations"
        raise ZooError(f"{path} has {has}: there is no row {row} to explain.")
    seen = np.asarray(rollout["observations"][int(row)], np.float32) * unit(agent)
    action = int(rollout["actions"][int(row)]) if "actions" in rollout else None
    return {"observation": seen if agent.card.preprocessing.is_float else np.rint(seen).astype(np.uint8), "state": None,
            "action": action}  # fmt: skip


def _bar(steps: Iterator[Progress]) -> Iterator[Progress]:
    """The same records, with a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    with tqdm(total=1, disable=None, leave=False, bar_format="{desc} {percentage:3.0f}% {bar}") as bar:
        for progress in steps:
            bar.total = max(1, progress.total)
            bar.set_description_str(progress.label, refresh=False)
            bar.update(progress.done - bar.n)
            yield progress


def _given(texts: list[str]) -> dict[str, str]:
    found = dict(text.partition("=")[::2] for text in texts)
    if not all(found) or "" in found.values():
        raise ZooError("An option of a method is written NAME=VALUE, for example --option stride=10.")
    return found


def _box(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise ZooError(f"“{text}” is no box: write top,left,height,width in its pixels, for example 60,10,8,12.")
    return tuple(int(part) for part in parts)


def _row(result: Any) -> dict[str, Any]:
    """The numbers of a result that fit into JSON."""
    if hasattr(result, "control_changes"):
        return {"sentence": result.sentence, "change": result.change, "share": result.share,
                "before": result.before.tolist(), "after": result.after.tolist(),
                "action_before": result.action_before, "action_after": result.action_after}  # fmt: skip
    row = {"method": result.method, "target": result.target}
    if hasattr(result, "areas"):
        return {**row, "sentence": result.sentence, "areas": dict(result.areas)}
    if hasattr(result, "correlations"):
        return {**row, "sentence": result.sentence, "passed": result.passed, "layers": result.table()}
    return {**row, "score": result.score, "scale": result.scale, "signed": result.signed, "error": result.error,
            "seconds": result.seconds, "layer": result.layer, "rows": result.table()}  # fmt: skip


def _sentence(result: Any) -> str:
    if hasattr(result, "sentence"):
        return result.sentence
    if not result.scale:
        return f"{result.title:28} of {result.target} ({result.score:.3g}): nowhere, the map is all zero"
    row, column = (int(i) for i in _peak(result.flat))
    error = "" if result.error is None else f", the sum off by {result.error:+.1%}"
    return (
        f"{result.title:28} of {result.target} ({result.score:.3g}): most at row {row}, column {column}{error}, "
        f"{result.seconds * 1000:.0f} ms"
    )


def _peak(plane: "np.ndarray") -> tuple[int, int]:
    import numpy as np

    return np.unravel_index(int(np.abs(plane).argmax()), plane.shape)
