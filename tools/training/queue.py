"""The queue: a list of runs in TOML, worked through one after the other; resumable, and safe to start several times.

    [[run]]
    algorithm = "ppo"
    game = "Pong"
    seed = 1
    steps = 4_000_000       # and any other setting of the algorithm
    keep = ["initial"]      # the earlier stages that the zoo gets, by default all that the run tagged

Each worker takes the first run that is neither finished nor being trained by another one, so two workers on two cores
share a list. A run that fails is reported and left; the rest goes on.
"""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Iterator

from training import algorithms
from training.cli import command_line, follow
from training.learner import Settings
from training.run import Run
from zoo_gui.backports import tomllib
from zoo_gui.play import games
from zoo_gui.registry import near_names
from zoo_gui.types import ZooError


@dataclass(frozen=True)
class Job:
    """One entry of the list. keep: earlier stages to export, None for all."""

    algorithm: str
    game: str
    settings: Settings
    keep: tuple[str, ...] | None = None

    def folder(self, runs: Path) -> Path:
        return runs / self.algorithm / self.game / str(self.settings.seed)


def read(path: Path) -> list[Job]:
    """The list. Raises ZooError with the fault and where it is."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ZooError(f"The queue {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ZooError(f"The queue {path} is not valid TOML: {error}.") from error
    jobs = []
    for number, row in enumerate(table.get("run", []), start=1):
        try:
            jobs.append(_job(dict(row)))
        except ZooError as error:
            raise ZooError(f"Run {number} of the queue {path}: {error}") from error
    return jobs


def _job(row: dict[str, Any]) -> Job:
    algorithm, game, keep = row.pop("algorithm", ""), row.pop("game", ""), row.pop("keep", None)
    if keep is not None and not (isinstance(keep, list) and all(isinstance(name, str) for name in keep)):
        raise ZooError(f"“keep” must be a list of stages, such as [\"initial\"], not {keep!r}.")
    settings = algorithms.find(algorithm).SETTINGS
    known = {field.name: type(field.default) for field in fields(settings)}
    for key, value in row.items():
        if key not in known:
            near = near_names(key, known, 1)
            raise ZooError(f"{algorithm} has no setting “{key}”" + (f" (did you mean {near[0]}?)." if near else "."))
        if isinstance(value, bool) != (known[key] is bool) or not isinstance(value, (known[key], int)):
            raise ZooError(f"“{key}” must be of type {known[key].__name__}, not {value!r}.")
    values = {key: known[key](value) for key, value in row.items()}
    return Job(algorithm, games.identity(game), settings(**values), keep if keep is None else tuple(keep))


def work(path: Path, runs: Path, export: bool = True) -> int:
    """Train whatever is not done yet; returns 1 where a run failed. The list is read again after each run."""
    failed: set[Path] = set()
    while True:
        for job in read(path):
            folder = job.folder(runs)
            if folder in failed:
                continue
            try:
                if _advance(job, folder, export):
                    break
            except Busy:
                continue
            except Exception as error:  # one bad run must not end a night's work
                failed.add(folder)
                tell(f"{folder} failed: {error}")
                if not isinstance(error, ZooError):
                    traceback.print_exc()
        else:
            return int(bool(failed))


class Busy(Exception):
    """Another worker has the run."""


def _advance(job: Job, folder: Path, export: bool) -> bool:
    """Train the job to its end; False where nothing was left to do. Raises Busy, ZooError."""
    command = command_line(job.algorithm, job.game, job.settings)
    run = Run.create(folder, job.algorithm, job.game, job.settings, command)
    done = (not export or run.facts.get("exported")) and run.facts["finished"]
    if done:
        return False
    if run.busy():
        raise Busy
    tell(f"{command}: from {run.facts['steps']:,} agent steps")
    follow(run)
    if export:
        from training.export import export as export_run

        tell(f"{folder}: {export_run(run, tags=job.keep)}")
        run.mark_exported()
    return True


def status(runs: Path) -> Iterator[str]:
    """A line per run: how far, how long, the last score."""
    for path in sorted(runs.glob("*/*/*/run.json")):
        run = Run.open(path.parent)
        facts, log = run.facts, run.log()
        scores = [entry["score"] for entry in log if entry["score"] is not None]
        state = "finished" if facts["finished"] else "training" if run.busy() else "waiting"
        steps = log[-1]["steps"] if log else 0
        score = f"{scores[-1]:9.1f}" if scores else "        –"
        hours = (log[-1]["time"] if log else 0.0) / 3600
        name = "/".join(path.parts[-4:-1])
        yield f"{name:24} {state:9} {steps:>11,} of {run.settings.steps:>11,} steps  {hours:5.2f} h  score {score}"


def tell(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
