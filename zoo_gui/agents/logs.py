"""How a run was trained: log and checkpoints, in the shapes of Such et al. 2019, the Atari zoo. No TensorFlow.

Two files beside a run's card:

``log.json``: a list of entries, one for each stretch of the training, oldest first. frames: emulator frames so far;
time: seconds of training so far; score: mean of the games that ended in that stretch; policy_entropy: nats; games: how
many ended. Any further numbers may follow.

``checkpoints.json``: a list of {criteria: a tag, best_checkpoint: the checkpoint that met it first, or null}, where a
checkpoint is {fname, initial, final, frames, time, score, policy_entropy}: fname from the run's folder on; initial and
final 1 for the untrained and for the last agent, else 0; the rest as in the log.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from pathlib import Path
from typing import Any

from zoo_gui.agents import catalogue
from zoo_gui.agents.card import Card
from zoo_gui.types import ZooError

LOG_FILE = "log.json"
CHECKPOINTS_FILE = "checkpoints.json"
LOG_KEYS = ("frames", "time", "score", "policy_entropy", "games")
CHECKPOINT_KEYS = ("fname", "initial", "final", "frames", "time", "score", "policy_entropy")
MAX_BYTES = 64 << 20


def get_log(algo: str, game: str, run: int | str) -> list[dict[str, Any]]:
    """The entries of a run's training log: every one has the same keys, LOG_KEYS among them, None where unknown.

    game: in any spelling of the catalogue's, or Gym's (``SeaquestNoFrameskip-v4``). Raises ZooError.
    """
    entry = _run(algo, game, run)
    return read_log(entry.path.parent, entry.id)


def get_checkpoint_info(algo: str, game: str, run: int | str) -> list[dict[str, Any]]:
    """A run's checkpoints: [{criteria, best_checkpoint: {CHECKPOINT_KEYS …} or None}]. Raises ZooError."""
    entry = _run(algo, game, run)
    return read_checkpoints(entry.path.parent, entry.id)


def available_tags(algo: str, game: str, run: int | str) -> dict[str, dict[str, Any]]:
    """{tag: its checkpoint} of those agents of a run that the zoo holds, in the order of their training.

    The last agent's tag is ``final``. What no list of checkpoints says is taken from the agent's card: time then from
    its minutes or hours, score from its evaluation. Raises ZooError for an unknown run or a damaged list.
    """
    final = _run(algo, game, run)
    folder, infos = final.path.parent, {}
    if (folder / CHECKPOINTS_FILE).exists():
        infos = {item["criteria"].casefold(): item["best_checkpoint"] for item in read_checkpoints(folder, final.id)}
    key = (final.algorithm, final.game, final.run)
    here = catalogue.entries((catalogue.EMBEDDED, catalogue.FOLDER))
    entries = [entry for entry in here if (entry.algorithm, entry.game, entry.run) == key]
    tags = {entry.tag or catalogue.FINAL: entry for entry in entries}
    return {tag: infos.get(tag.casefold()) or _of_card(entry, folder) for tag, entry in tags.items()}


def read_log(folder: Path, name: str = "") -> list[dict[str, Any]]:
    """``get_log`` of the run in ``folder``; ``name``: what errors call it."""
    path = folder / LOG_FILE
    entries = [_entry(item, path, LOG_KEYS) for item in _read(path, f"{name or folder}", "a training log")]
    keys = dict.fromkeys(key for entry in entries for key in entry)
    return [{key: entry.get(key) for key in keys} for entry in entries]


def read_checkpoints(folder: Path, name: str = "") -> list[dict[str, Any]]:
    """``get_checkpoint_info`` of the run in ``folder``; ``name``: what errors call it."""
    path = folder / CHECKPOINTS_FILE
    items = _read(path, f"{name or folder}", "a list of checkpoints")
    for item in items:
        _require(isinstance(item, dict) and isinstance(item.get("criteria"), str), path, "an item has no “criteria”")
        info = item.get("best_checkpoint")
        item["best_checkpoint"] = None if info is None else _entry(info, path, CHECKPOINT_KEYS)
    return items


def _run(algo: str, game: str, run: int | str) -> catalogue.Entry:
    """The catalogue's entry of a run's last agent."""
    game = re.sub(r"(NoFrameskip)?-v\d+$", "", game.strip().removeprefix("ALE/"))
    entry = catalogue.find(f"{algo.strip()}/{game}/{run}")
    if entry.path is None:
        raise ZooError(f"{entry.id} has no log on this machine: only agents that are here have one.")
    return entry


def _read(path: Path, name: str, what: str) -> list:
    """The list in a JSON file. Raises ZooError: there is none, it cannot be read, or it is no list."""
    try:
        _require(path.stat().st_size <= MAX_BYTES, path, f"it is larger than {MAX_BYTES >> 20} MiB")
        items = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except FileNotFoundError as error:
        raise ZooError(
            f"{name} was imported without {what}: choose an agent that tools/train made, they have one."
        ) from error
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # JSON's and UTF-8's own errors are ValueErrors
        raise ZooError(f"{path} is damaged, get the file again: it is not JSON ({error}).") from error
    _require(isinstance(items, list), path, "it is not a list")
    return items


def _entry(item: Any, path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """An entry with all of ``keys``; frames and time must be there, and numbers where numbers belong."""
    _require(isinstance(item, dict), path, "an entry is not an object")
    entry = {key: item.get(key) for key in keys} | item
    for key in keys:
        value = entry[key]
        if key == "fname":
            _require(value is None or isinstance(value, str), path, "“fname” is not a text")
            continue
        holds = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf
        holds = holds or (value is None and key not in ("frames", "time"))
        _require(holds, path, f"“{key}” is {reprlib.repr(value)}, no number")
    return entry


def _of_card(entry: catalogue.Entry, folder: Path) -> dict[str, Any]:
    """A checkpoint's facts as far as its card knows them."""
    card = Card.read(entry.path)
    weights = entry.path.parent / card.weights.file
    minutes, hours = card.training.minutes, card.training.hours
    seconds = 60 * minutes if minutes is not None else 3600 * hours if hours is not None else None
    return {
        "fname": str(weights.relative_to(folder)) if weights.is_relative_to(folder) else str(weights),
        "initial": int(entry.tag == "initial"),
        "final": int(not entry.tag),
        "frames": entry.frames,
        "time": seconds,
        "score": entry.score,
        "policy_entropy": None,
    }


def _require(holds: bool, path: Path, fault: str) -> None:
    if not holds:
        raise ZooError(f"{path} is damaged, get the file again: {fault}.")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
