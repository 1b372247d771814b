"""The command ``tools/train``: one command per algorithm, and ``queue``, ``status``, ``export`` and ``baselines``.

Exit codes: 0, 2 after an error (one sentence on stderr), 130 after Ctrl+C.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
from pathlib import Path
from typing import NoReturn, Sequence

from training import algorithms
from training.run import ROOT, Run
from zoo_gui.play import games
from zoo_gui.types import ZooError

RUNS = ROOT / "runs"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's; returns the exit code."""
    try:
        options = _parser().parse_args(argv)
        return options.act(options)
    except ZooError as error:
        print(f"tools/train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from the last checkpoint.", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ZooError(f"{message[:1].upper()}{message[1:]}; run “{self.prog} --help” to see the options.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tools/train", description="Train agents for the zoo, evaluate them and put them into it.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, act, text: str) -> argparse.ArgumentParser:
        described = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        described.set_defaults(act=act)
        return described

    for name in algorithms.NAMES:
        module = algorithms.find(name)
        train = command(name, _train, f"train with {module.LEARNER.title.partition(';')[0]}")
        train.set_defaults(algorithm=name)
        train.add_argument("game", metavar="GAME", help="Pong, Breakout, …")
        train.add_argument("--folder", type=Path, help="the run's folder (runs/ALGORITHM/GAME/SEED)")
        train.add_argument("--threads", type=_positive, default=1, metavar="N",
                           help="processor threads that play the games; the result is the same (1)")  # fmt: skip
        _add_settings(train, module.SETTINGS)
    queue = command("queue", _queue, "work through the list of runs that make the zoo, each resumed where it was")
    queue.add_argument("list", nargs="?", type=Path, default=ROOT / "tools" / "queue.toml", help="(tools/queue.toml)")
    queue.add_argument("--runs", type=Path, default=RUNS, help="folder of the runs (runs)")
    queue.add_argument("--no-export", action="store_true", help="train only; do not evaluate and export what is done")
    status = command("status", _status, "how far the runs are")
    status.add_argument("--runs", type=Path, default=RUNS, help="folder of the runs (runs)")
    export = command("export", _export, "evaluate a finished run and put it into resources/agents")
    export.add_argument("run", type=Path, help="the run's folder")
    export.add_argument("--tags", metavar="TAGS", help="earlier stages to keep, as initial,1.6M; none for none (all)")
    export.add_argument("--unfinished", action="store_true", help="also a run that is not done; its card says so")
    evaluate = command("evaluate", _evaluate, "evaluate agents of the zoo anew and write their scores into their cards")
    evaluate.add_argument("ids", nargs="+", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    evaluate.add_argument("--episodes", type=_count, default=30, metavar="N", help="games of each protocol (30)")
    baselines = command("baselines", _baselines, "measure random play and every constant action")
    baselines.add_argument("games", nargs="+", metavar="GAME")
    baselines.add_argument("--episodes", type=_count, default=30, metavar="N", help="games that count (30)")
    return parser


def _add_settings(parser: argparse.ArgumentParser, settings: type) -> None:
    """An option for each field of the settings."""
    for field in dataclasses.fields(settings):
        kind = type(field.default)
        convert = _boolean if kind is bool else _count if kind is int else kind
        text = f"{field.metadata.get('help', '')} ({field.default})".replace("%", "%%")
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=convert, default=field.default, help=text,
                            metavar=kind.__name__.upper())  # fmt: skip


def _count(text: str) -> int:
    """A whole number, also as 2e6."""
    try:
        number = float(text)
        if number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"“{text}” is not a whole number")


def _positive(text: str) -> int:
    """A whole number of 1 or more."""
    number = _count(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is less than 1")
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"“{text}” is neither true nor false")
    return text.lower() == "true"


def _train(options: argparse.Namespace) -> int:
    module, game = algorithms.find(options.algorithm), games.identity(options.game)
    values = {field.name: getattr(options, field.name) for field in dataclasses.fields(module.SETTINGS)}
    settings = module.SETTINGS(**values)
    folder = options.folder or RUNS / options.algorithm / game / str(settings.seed)
    command = command_line(options.algorithm, game, settings)
    run = Run.create(folder, options.algorithm, game, settings, command, threads=options.threads)
    follow(run)
    print(f"Done: {folder}. “tools/train export {folder}” evaluates it and puts it into the zoo.", file=sys.stderr)
    return 0


def command_line(algorithm: str, game: str, settings) -> str:
    """The command that makes this run, without what is a default."""
    changed = [
        f"--{field.name.replace('_', '-')} {getattr(settings, field.name)}"
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != field.default
    ]
    return " ".join(["tools/train", algorithm, game, *changed])


def follow(run: Run) -> None:
    """Train to the end behind a progress bar, which stays silent where there is no terminal."""
    from tqdm import tqdm

    with tqdm(total=run.settings.steps, unit=" steps", unit_scale=True, disable=None, dynamic_ncols=True,
              desc=f"{run.algorithm} {run.game} {run.settings.seed}") as bar:  # fmt: skip
        for report in run.train():
            bar.update(report.steps - bar.n)
            if report.score is not None:
                bar.set_postfix_str(f"score {report.score:.1f}")


def _queue(options: argparse.Namespace) -> int:
    from training.queue import work

    yield_to_others()
    return work(options.list, options.runs, export=not options.no_export)


def yield_to_others() -> None:
    """Take the lowest priority for this process."""
    os.nice(19)
    # Linux may weigh whole sessions against each other, and then only this number counts; it is that of all in the
    # session, so a terminal's is left alone
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text("19")


def _status(options: argparse.Namespace) -> int:
    from training.queue import status

    for line in status(options.runs):
        print(line)
    return 0


def _export(options: argparse.Namespace) -> int:
    from training.export import export

    tags = None if options.tags is None else [tag for tag in options.tags.split(",") if tag not in ("", "none")]
    run = Run.open(options.run)
    print(export(run, tags=tags, unfinished=options.unfinished))
    if run.facts["finished"]:
        run.mark_exported()  # the queue need not do it again
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from training.reevaluate import main as reevaluate

    reevaluate(options.ids, options.episodes)
    return 0


def _baselines(options: argparse.Namespace) -> int:
    from training.baselines import main as measure

    measure([*options.games, "--episodes", str(options.episodes)])
    return 0
