"""A run: one algorithm, game and seed in a folder of its own, with its log, its checkpoints and its tagged weights.

    run.json        what it is: algorithm, game, settings, command, commit, versions; how far it is
    log.jsonl       one entry per stretch of the training
    checkpoint.pt   all that the next segment depends on; replaced at the end of each
    tags/NAME.pt    weights to keep: initial, some in between named by emulator frames (1.6M), final
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import numpy as np
import torch

from training import algorithms
from training.envs import FRAME_SKIP, LONGEST_GAME, AtariEnvs, Envs, Recorded
from training.learner import Learner, Settings
from training.networks import gpu
from zoo_gui.types import ZooError

ROOT = Path(__file__).resolve().parents[2]
LOG_STRETCHES = 8
"""Entries of the log in each segment."""


@dataclass(frozen=True)
class Report:
    """Where the training is. steps: agent steps so far; score: mean of the games that ended lately, or None."""

    steps: int
    total: int
    score: float | None
    numbers: Mapping[str, float]


class Run:
    """A run's folder. Use ``create`` or ``open``, then ``train``.

    make_envs(count, seed): the games; by default those of Atari. Everything random in segment k is drawn from
    (seed, k): see ``learner``. threads: how many play the games of Atari, which changes nothing but the time.
    """

    def __init__(
        self, folder: Path, facts: dict[str, Any], make_envs: Callable[[int, int], Envs] | None = None, threads: int = 1
    ):
        self.folder, self.facts = folder, facts
        self.algorithm, self.game = facts["algorithm"], facts["game"]
        self.module = algorithms.find(self.algorithm)
        self.settings: Settings = self.module.SETTINGS(**facts["settings"])
        # evolution may leave games early: they are cut off there, not played to their end without counting
        longest = min(LONGEST_GAME, getattr(self.settings, "longest", LONGEST_GAME) * FRAME_SKIP)
        self._make_envs = make_envs or (
            lambda count, seed: AtariEnvs(self.game, count, seed, longest=longest, threads=threads)
        )

    @classmethod
    def create(cls, folder: Path, algorithm: str, game: str, settings: Settings, command: str = "", **options) -> Run:
        """Begin a run, or take up the one that is there. Raises ZooError where that one has other settings."""
        if (folder / "run.json").exists():
            run = cls.open(folder, **options)
            if (run.algorithm, run.game, run.settings) != (algorithm, game, settings):
                raise ZooError(f"{folder} holds {run.difference(algorithm, game, settings)}: choose another --seed or "
                               "--folder, or delete it to begin anew.")  # fmt: skip
            return run
        facts = {
            "algorithm": algorithm, "game": game, "settings": dataclasses.asdict(settings), "command": command,
            "commit": commit(), "library": f"PyTorch {torch.__version__}", "gpu": gpu(), "steps": 0, "seconds": 0.0,
            "cpu_seconds": 0.0, "finished": False,
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, facts, **options)
        run._write_facts()
        return run

    @classmethod
    def open(cls, folder: Path, **options) -> Run:
        """A run that was begun. Raises ZooError where there is none or it cannot be read."""
        try:
            facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            return cls(folder, facts, **options)
        except OSError as error:
            raise ZooError(f"{folder} is no run: it has no run.json that can be read ({error.strerror}).") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ZooError(f"{folder / 'run.json'} is damaged: delete the folder to begin the run anew.") from error

    def difference(self, algorithm: str, game: str, settings: Settings) -> str:
        """In words, what this run is that the given one is not."""
        if (self.algorithm, self.game) != (algorithm, game):
            return f"a run of {self.algorithm} on {self.game}"
        mine, theirs = dataclasses.asdict(self.settings), dataclasses.asdict(settings)
        return "a run with " + ", ".join(f"{key} {mine[key]}" for key in mine if mine[key] != theirs[key])

    def train(self) -> Iterator[Report]:
        """Train from the last checkpoint to the end, a report per iteration. Raises ZooError (another process is at it,
        a full disk, a damaged checkpoint); whatever happens, the last checkpoint stays whole."""
        if self.facts["finished"]:
            return
        with self._locked():
            learner, segment = self._resumed()
            while learner.steps < self.settings.steps:
                yield from self._segment(learner, segment)
                segment += 1
                self._save(learner, segment)
            self._write_facts(finished=True)

    def learner(self, tag: str | None = None) -> Learner:
        """A learner as the last checkpoint left it, or with the weights of a tag."""
        if tag is None:
            return self._resumed()[0]
        learner = self._new_learner()
        learner.network.load_state_dict(load(self.tags()[tag])["network"])
        return learner

    def tags(self) -> dict[str, Path]:
        """Tagged weights by name, in the order of training."""
        found = {path.stem: path for path in (self.folder / "tags").glob("*.pt")}
        order = {"initial": -1.0, "final": float("inf")}
        return dict(sorted(found.items(), key=lambda item: order.get(item[0]) or float(item[0].rstrip("M"))))

    def log(self) -> list[dict[str, Any]]:
        """The entries so far: steps, frames, time (s), score (mean or None), games, and the algorithm's numbers."""
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        entries = []
        for line in lines:
            with contextlib.suppress(ValueError):  # the last line may be cut off where the machine went down
                entries.append(json.loads(line))
        return entries

    def busy(self) -> bool:
        """Whether a process is training in the folder."""
        try:
            with self._locked():
                return False
        except ZooError:
            return True

    def mark_exported(self) -> None:
        """Note that the run has become an animal of the zoo."""
        self._write_facts(exported=True)

    def _segment(self, learner: Learner, segment: int) -> Iterator[Report]:
        """Play and learn until the segment's steps are done; writes the log."""
        s = self.settings
        end = min((segment + 1) * s.segment, s.steps)
        random_numbers = np.random.SeedSequence([s.seed, segment, 1])
        torch.manual_seed(int(random_numbers.generate_state(1, np.uint64)[0] >> 1))
        envs = Recorded(self._envs(segment))
        learner.segment = segment
        learner.begin(envs, np.random.default_rng(random_numbers))
        begun, cpu_begun = time.monotonic(), time.process_time()
        # an iteration may be longer than a segment: then the next has none
        self.seconds, self.cpu_seconds = self.facts["seconds"], self.facts["cpu_seconds"]
        stretch = Stretch()
        while learner.steps < end:
            numbers = learner.iterate()
            stretch.add(numbers)
            score = np.mean([score for score, _ in envs.finished[-30:]]) if envs.finished else None
            yield Report(learner.steps, s.steps, score, numbers)
            self.seconds = self.facts["seconds"] + time.monotonic() - begun
            self.cpu_seconds = self.facts["cpu_seconds"] + time.process_time() - cpu_begun
            if learner.steps >= min(stretch.end(learner.steps, segment, s), end):
                self._log(learner.steps, envs, stretch)
                stretch = Stretch(stretch.number + 1, len(envs.finished))

    def _envs(self, segment: int) -> Envs:
        """The games of a segment as they begin, the same at every call."""
        seed = np.random.SeedSequence([self.settings.seed, segment]).generate_state(1)[0]
        return self._make_envs(self.settings.envs, int(seed))

    def _log(self, steps: int, envs: Recorded, stretch: Stretch) -> None:
        games = envs.finished[stretch.games_before :]
        entry = {
            "steps": steps, "frames": steps * FRAME_SKIP, "time": round(self.seconds, 1), "games": len(games),
            "score": round(float(np.mean([score for score, _ in games])), 3) if games else None,
            "game_steps": round(float(np.mean([length for _, length in games])), 1) if games else None,
            **{key: float(f"{value:.5g}") for key, value in stretch.means().items()},
        }  # fmt: skip
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def _new_learner(self) -> Learner:
        torch.manual_seed(self.settings.seed)
        envs = self._make_envs(1, 0)
        learner = self.module.LEARNER(self.settings, envs.observation_shape, len(envs.action_names))
        learner.make_envs = self._envs
        if "action_names" not in self.facts:
            shape = list(envs.observation_shape)
            self._write_facts(action_names=list(envs.action_names), observation_shape=shape)
        return learner

    def _resumed(self) -> tuple[Learner, int]:
        """The learner and the number of the segment that is next."""
        learner, path = self._new_learner(), self.folder / "checkpoint.pt"
        if not path.exists():
            self._save_tag("initial", learner)
            (self.folder / "log.jsonl").unlink(missing_ok=True)
            return learner, 0
        state = load(path)
        learner.restore(state["learner"])
        self.facts |= {key: state[key] for key in ("steps", "seconds", "cpu_seconds")}
        kept = [json.dumps(entry) + "\n" for entry in self.log() if entry["steps"] <= learner.steps]
        (self.folder / "log.jsonl").write_text("".join(kept), encoding="utf-8")
        return learner, state["segment"]

    def _save(self, learner: Learner, segment: int) -> None:
        """The end of a segment: checkpoint, facts, and tagged weights where one is due."""
        before, s = self.facts["steps"], self.settings
        progress = {"steps": learner.steps, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        self.facts |= progress
        if learner.steps >= s.steps:
            self._save_tag("final", learner)
        elif any(before < part * s.steps <= learner.steps for part in map(float, s.tags.split(","))):
            self._save_tag(f"{learner.steps * FRAME_SKIP / 1e6:.1f}M", learner)
        save({"learner": learner.state(), "segment": segment, **progress}, self.folder / "checkpoint.pt")
        self._write_facts()

    def _save_tag(self, name: str, learner: Learner) -> None:
        facts = {"steps": learner.steps, "seconds": self.facts["seconds"]}
        save({"network": learner.network.state_dict(), **facts}, self.folder / "tags" / f"{name}.pt")

    def _write_facts(self, **changes: Any) -> None:
        self.facts |= changes
        write(self.folder / "run.json", lambda path: path.write_text(json.dumps(self.facts, indent=1) + "\n"))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self.folder / "lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ZooError(f"Another process is training in {self.folder}: let it finish, or stop it.") from error
            yield


class Stretch:
    """The iterations between two entries of the log."""

    def __init__(self, number: int = 1, games_before: int = 0):
        self.number, self.games_before = number, games_before
        self._numbers: list[Mapping[str, float]] = []

    def end(self, steps: int, segment: int, settings: Settings) -> int:
        """The agent step at which it ends; a late iteration ends several at once."""
        length = settings.segment / LOG_STRETCHES
        return int(segment * settings.segment + self.number * length)

    def add(self, numbers: Mapping[str, float]) -> None:
        self._numbers.append(numbers)

    def means(self) -> dict[str, float]:
        keys = dict.fromkeys(key for numbers in self._numbers for key in numbers)
        return {key: float(np.mean([row[key] for row in self._numbers if key in row])) for key in keys}


def commit() -> str:
    """The commit that is checked out, with ``+`` where the trainers differ from it; "" outside git."""
    git = ["git", "-C", str(ROOT)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changes = [*git, "status", "--porcelain", "--untracked-files=no", "tools/training"]
        changed = subprocess.run(changes, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "")


def save(state: Mapping[str, Any], path: Path) -> None:
    """Tensors, numbers and texts to a file, whole or not at all. Raises ZooError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, lambda temporary: torch.save(state, temporary))


def load(path: Path) -> dict[str, Any]:
    """What ``save`` wrote; runs no code of the file. Raises ZooError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no one class for what may be wrong with a file
        raise ZooError(f"{path} cannot be read: delete it to begin from what was saved before, or anew.") from error


def write(path: Path, writer: Callable[[Path], Any]) -> None:
    """Write beside the file and put it in its place when it is whole. Raises ZooError."""
    temporary = path.with_name(path.name + ".part")
    try:
        writer(temporary)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ZooError(f"{path} cannot be written: {reason}; what was saved before is whole.") from error
