"""The command ``zoo-gui``. Imports Qt and TensorFlow only in the commands that need them.

Exit codes: 0, 2 after an error (one sentence on stderr; with ``--json`` an object with ``error`` on stdout), 130 after
Ctrl+C.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
import time
from typing import Any, NoReturn, Sequence

from zoo_gui import (
    __version__,
    cli_about,
    cli_card,
    cli_compare,
    cli_desktop,
    cli_curves,
    cli_distinct,
    cli_doctor,
    cli_embed,
    cli_explain,
    cli_filters,
    cli_grid,
    cli_groups,
    cli_movie,
    cli_lab,
    cli_open,
    cli_patches,
    cli_rollout,
    cli_scores,
    cli_search,
    cli_sweep,
    cli_verify,
    cli_vis,
    cli_zoo,
)
from zoo_gui.provenance import note_command, provenance
from zoo_gui.types import ZooError

FRAMES_PER_SECOND = 60
PIXEL = (5, 3)
"""(width, height) of a game pixel in videos: a television of the time showed them 12:7."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    # TensorFlow's start-up notes would be all that a person sees of it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        options = _parser().parse_args(_with_command(arguments))
        note_command(shlex.join(["zoo-gui", *arguments]))
        return options.run(options)
    except ZooError as error:
        if as_json:
            print(json.dumps({"error": str(error)}, ensure_ascii=False))
        else:
            print(f"zoo-gui: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of a pipe, as in “zoo-gui list | head”, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        note_command("")  # what a notebook makes later is not this command's


def entry() -> NoReturn:
    """The console command. Ends without tidying up the interpreter: Qt, TensorFlow and ALE each have been seen to crash
    when their libraries are unloaded, and all files are closed by now."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ZooError(f"{message[:1].upper()}{message[1:]}; run “{self.prog} --help” to see the options.")


def _with_command(arguments: list[str]) -> list[str]:
    """``gui`` is the command where none is named; ``--json`` may stand before the command."""
    first = next((argument for argument in arguments if argument != "--json"), None)
    if first in COMMANDS:
        return [first, *(argument for i, argument in enumerate(arguments) if i != arguments.index(first))]
    return arguments if first in ("-h", "--help", "--version") else ["gui", *arguments]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="zoo-gui", description="Watch agents think: play, look inside, compare.")
    parser.add_argument("--version", action="version", version=f"zoo-gui {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for name, (add_options, run, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        command.add_argument("--json", action="store_true", help="print the result as one JSON object or list")
        command.set_defaults(run=run)
        add_options(command)
    return parser


def _gui_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agents", nargs="*", metavar="AGENT", help="id (ppo/Breakout/1, random/Pong) or path, "
                        "up to 4; or one link or saved session")  # fmt: skip
    _common_options(parser)
    parser.add_argument("--speed", type=_speed, metavar="X", help="1 is 60 emulator frames a second; max: no limit")
    parser.add_argument("--player", choices=("agent", "random", "human"), help="who plays")
    parser.add_argument("--select", metavar="UNIT", help="select a unit, for example conv2:17")
    parser.add_argument("--saliency", metavar="TARGET", help="what to explain on the game: action, value, advantage, "
                        "unit (the selected one), off, or any other, for example action:LEFT")  # fmt: skip
    parser.add_argument("--saliency-method", metavar="NAME", help="by which method: gradient, gradcam, sarfa, …")
    parser.add_argument("--screenshot", metavar="FILE", help="save a picture after --after-steps and end")
    parser.add_argument("--record", metavar="FILE", help="record from the start: .mp4, .gif, or a folder for numbered "
                        "pictures")  # fmt: skip
    parser.add_argument("--record-size", metavar="SIZE", help="shown, 720p, 1080p, 1440p or 2160p, whatever the "
                        "window's size")  # fmt: skip
    parser.add_argument("--record-fps", type=int, metavar="N", help="pictures a second: 30 or 60")
    parser.add_argument("--record-what", metavar="WHAT", help="window, a panel's name, or x,y,width,height of the "
                        "window")  # fmt: skip
    parser.add_argument("--record-captions", metavar="LIST", help="below the picture: some of agent,action,reward,"
                        "score,keys")  # fmt: skip
    parser.add_argument("--after-steps", type=_count, metavar="N", help="end after N agent steps")
    parser.add_argument("--layout", choices=("reset",), help="forget the saved layout")
    parser.add_argument("--lab", metavar="FOLDER", help="show a result folder of the lab")
    parser.add_argument("--cues", metavar="FILE", help="open a list of cues: what a talk shows, view after view")
    parser.add_argument("--present", action="store_true", help="begin in presenter mode")


def _play_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1, random/Pong) or path")
    _common_options(parser)
    parser.add_argument("--episodes", type=_count, metavar="N", help="how many games; without --steps 1")
    parser.add_argument("--steps", type=_count, metavar="N", help="end after N agent steps")
    parser.add_argument("--video", metavar="FILE", help="record the game to an mp4, 60 frames a second")


def _common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=_seed, metavar="S", help="whole number from 0; the same seed, the same game")
    parser.add_argument("--game", metavar="GAME", help="another game than the agent's")
    parser.add_argument("--sticky", type=_probability, metavar="P", help="probability that an action is repeated")


def _bench_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("play", "explorer", "compare", "lab"), default="play",
                        help="playing (the default), questions asked of units and decisions, two agents compared, or "
                        "rollouts and experiments")  # fmt: skip
    parser.add_argument("--agents", default="1,2,4", metavar="N,…", help="for how many agents (1,2,4)")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long to measure each")


def _gui(options: argparse.Namespace) -> int:
    from zoo_gui.launch import run

    # What it prints for people is not the result.
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        code = run(options)
    if options.json:
        print(json.dumps({"agents": options.agents, "screenshot": options.screenshot, "recording": options.record}))
    return code


def _bench(options: argparse.Namespace) -> int:
    from zoo_gui import bench

    measure = {"play": bench.run, "explorer": bench.run_explorer, "compare": bench.run_compare,
               "lab": bench.run_lab}[options.what]  # fmt: skip
    figures = measure(options)
    if options.json:
        print(json.dumps(figures, indent=1))
        return 0
    for name, value in figures.items():
        by_count = value.items() if isinstance(value, dict) else [("", value)]
        print(f"{name.replace('_', ' '):30}", "   ".join(f"{count}: {v}" if count else f"{v}" for count, v in by_count))
    return 0


def _play(options: argparse.Namespace) -> int:
    if options.episodes is None and options.steps is None:
        options.episodes = 1
    result = _played(options)
    if options.json:
        print(json.dumps(result))
        return 0
    for episode in result["episodes"]:
        end = "" if episode["complete"] else ", not to its end"
        print(f"seed {episode['seed']}: {episode['return']:g} in {episode['steps']} steps{end}")
    mean, rate = result["mean_return"], result["steps_per_second"]
    print(f"mean {'–' if mean is None else format(mean, 'g')}, {rate:.0f} steps a second")
    return 0


def _played(options: argparse.Namespace) -> dict[str, Any]:
    """Play without a window; mean_return is over complete games, None without one.

    steps_per_second leaves out loading and the first step, in which the network is traced.
    """
    from zoo_gui.agents import catalogue
    from zoo_gui.play.player import play

    entry = catalogue.fetched(options.agent)
    agent = None
    if entry.weights is not None:
        from zoo_gui.agents.agent import Agent

        agent = Agent.load(options.agent)
    seed, game = options.seed or 0, options.game or entry.game
    episodes: list[dict[str, Any]] = []
    steps = play(agent, game, seed=seed, episodes=options.episodes, steps=options.steps, sticky=options.sticky,
                 all_frames=options.video is not None)  # fmt: skip
    count, begun = 0, 0.0
    about = provenance([agent or entry.id], what=f"A film of {entry.title} at play", game=game, seed=seed)
    with _film(options.video, about) as show, _progress(options) as advance:
        for step in steps:
            if step.index == 0:
                episodes.append({"return": 0.0, "steps": 0, "seed": seed + step.episode, "complete": False})
            row = episodes[-1]
            row.update({"return": row["return"] + step.reward, "steps": row["steps"] + 1, "complete": step.done})
            show(step.frames)
            advance(step.done)
            begun = begun or time.perf_counter()
            count += 1
        rate = (count - 1) / (time.perf_counter() - begun)
    returns = [row["return"] for row in episodes if row["complete"]]
    mean = sum(returns) / len(returns) if returns else None
    result = {"agent": entry.id, "game": game, "episodes": episodes, "mean_return": mean}
    return {**result, "steps_per_second": round(rate, 1)}


@contextlib.contextmanager
def _film(path: str | None, about: dict[str, Any]):
    """A function that records emulator frames, (S, H, W, 3) RGB; the file is complete afterwards."""
    if path is None:
        yield lambda frames: None
        return
    import cv2

    from zoo_gui.play.video import Mp4Writer

    writer = None

    def show(frames) -> None:
        nonlocal writer
        size = frames.shape[2] * PIXEL[0], frames.shape[1] * PIXEL[1]
        writer = writer or Mp4Writer(path, size, FRAMES_PER_SECOND, about=about)
        for frame in frames:
            picture = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2BGRA), size, interpolation=cv2.INTER_NEAREST)
            writer.write(picture, wait=True)

    try:
        yield show
    finally:
        if writer is not None:
            writer.close()


@contextlib.contextmanager
def _progress(options: argparse.Namespace):
    """A function to call after every step; draws a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    by_step = options.steps is not None
    total, unit = (options.steps, " steps") if by_step else (options.episodes, " games")
    with tqdm(total=total, unit=unit, disable=None, leave=False) as bar:
        yield lambda done: bar.update(1 if by_step else done)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 30 and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from 0 to {2**63 - 1}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from 1")
    return int(text)


def _probability(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0.0 <= float(text) < 1.0:
            return float(text)
    raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0 to below 1")


def _speed(text: str) -> float | str:
    with contextlib.suppress(ValueError):
        if text == "max" or 0.0 < float(text) < float("inf"):
            return text if text == "max" else float(text)
    raise argparse.ArgumentTypeError(f"“{text}” is neither a number above 0 nor max")


COMMANDS = {
    "gui": (_gui_options, _gui, "open the window (the command where none is named)"),
    "open": (cli_open.add_options, cli_open.run, "open a link to a view, or a saved session"),
    "list": (cli_zoo.list_options, cli_zoo.run_list, "list the agents there are"),
    "fetch": (cli_zoo.fetch_options, cli_zoo.run_fetch, "download agents that others publish"),
    "play": (_play_options, _play, "play games without a window and print the scores"),
    "card": (cli_card.add_options, cli_card.run, "say what a weights file is, and make its agent card"),
    "rollout": (cli_rollout.add_options, cli_rollout.run, "play, record everything and write the zoo's .npz file"),
    "verify": (cli_verify.add_options, cli_verify.run, "compare an agent with what its card says it does"),
    "compare": (cli_compare.add_options, cli_compare.run, "say what agents see and do differently, as a report"),
    "patches": (cli_patches.add_options, cli_patches.run, "show at what a unit fires"),
    "search": (cli_search.search_options, cli_search.run_search, "find the units that fire when something happens"),
    "probe": (cli_search.probe_options, cli_search.run_probe, "read the game's memory off the layers"),
    "grid": (cli_grid.add_options, cli_grid.run, "film many agents at their games, side by side"),
    "movie": (cli_movie.add_options, cli_movie.run, "film a game beside what every layer makes of it"),
    "groups": (cli_groups.add_options, cli_groups.run, "find the units of a layer that act together"),
    "filters": (cli_filters.add_options, cli_filters.run, "show a layer's weights, and how it weighs past frames"),
    "explain": (cli_explain.add_options, cli_explain.run, "say what a decision, the value or a unit depends on"),
    "vis": (cli_vis.add_options, cli_vis.run, "show what units look for, as optimised observations"),
    "desktop": (cli_desktop.add_options, cli_desktop.run, "put the program into the desktop's menu"),
    "about": (cli_about.add_options, cli_about.run, "say where a saved figure, table or film comes from"),
    "doctor": (cli_doctor.add_options, cli_doctor.run, "say whether everything is here that the program needs"),
    "scores": (cli_scores.add_options, cli_scores.run, "say how well agents play, beside people and published numbers"),
    "sweep": (cli_sweep.add_options, cli_sweep.run, "say how well agents stand noise and other disturbances"),
    "curves": (cli_curves.add_options, cli_curves.run, "draw how trainings went, from their logs"),
    "embed": (cli_embed.add_options, cli_embed.run, "lay the states that agents meet out in a map"),
    "distinct": (cli_distinct.add_options, cli_distinct.run, "tell which algorithm played a state, by a classifier"),
    "lab": (cli_lab.add_options, cli_lab.run, "run experiments from files, on all cores or on a cluster"),
    "bench": (_bench_options, _bench, "measure how fast it is on this machine"),
}
"""Name → (adds its options, runs it, one line of help)."""
