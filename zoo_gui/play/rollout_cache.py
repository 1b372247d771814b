"""Rollouts that were played once, on disk under ``cache_dir()/rollouts``; the least recently used go first.

A cache may lose things but never breaks anything: a file that is not whole is made again. Two programs that want the
same rollout at once both play it, and one of the equal files stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from zoo_gui import settings
from zoo_gui.play import rollout_files
from zoo_gui.play.rollout import Recipe, Rollout, collect
from zoo_gui.types import Progress, ZooError

MAX_BYTES = 4 << 30
"""Of all files together: some 300 rollouts of 2,501 steps."""
ABANDONED = 86400  # seconds after which a half-written file is nobody's
VERSION = 1  # raise it when the same recipe gives another rollout
log = logging.getLogger(__name__)


def folder() -> Path:
    """Where the files lie; not created here."""
    return settings.cache_dir() / "rollouts"


def path_for(agent: Any, recipe: Recipe) -> Path:
    """The file of an agent's rollout: named by the agent's hash and rule, the recipe and this cache's version."""
    card = agent.card
    key = [agent.hash, card.game, card.actions.names, card.actions.rule, card.actions.epsilon, recipe.asdict(), VERSION]
    return folder() / f"{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:40]}.npz"


def load(agent: Any, recipe: Recipe) -> Rollout | None:
    """The kept rollout, its arrays still on disk; None where there is none, or none that can be read."""
    path = path_for(agent, recipe)
    if not path.exists():
        return None
    try:
        kept = rollout_files.load(path)
        if kept.agent_hash != agent.hash or kept.recipe != recipe:
            raise ZooError(f"{path.name} is the rollout of another agent.")
        os.utime(path)  # the least recently used go first
        return kept
    except (ZooError, OSError) as error:
        _forget(path, error)
        return None


def collected(agent: Any, recipe: Recipe) -> Iterator[Progress]:
    """``rollout.collect``, or one record with what was kept; a rollout that was played to its end is kept."""
    if agent.edits:  # what is kept is about agents as they are
        yield from collect(agent, recipe)
        return
    kept = load(agent, recipe)
    if kept is not None:
        yield Progress(len(kept), len(kept), "from the cache", kept)
        return
    for progress in collect(agent, recipe):
        if progress.result is not None:
            store(agent, progress.result)
        yield progress


def column(agent: Any, recipe: Recipe, name: str, play: Any = None) -> np.ndarray:
    """One array of a rollout, from disk where it is kept and whole, else played.

    play: what runs a generator of Progress to its end and returns the result, for example with a progress bar.
    """
    kept = None if agent.edits else load(agent, recipe)
    if kept is not None:
        try:
            return kept[name]
        except ZooError as error:
            _forget(path_for(agent, recipe), error)
    rollout = (play or last)(collected(agent, recipe))
    return np.array(rollout[name])


def last(progress: Iterator[Progress]) -> Rollout:
    """The result of a generator that is run to its end."""
    result = None
    for record in progress:
        result = record.result
    return result


def store(agent: Any, rollout: Rollout) -> str:
    """Keep a rollout; returns "" or a sentence that says why it could not be kept. Never raises."""
    path = path_for(agent, rollout.recipe)
    try:
        rollout_files.save(rollout, path, compact=True)
        _prune(path)
        return ""
    except (ZooError, OSError) as error:
        sentence = f"The rollout could not be kept: {error}"
        log.warning("%s", sentence)
        return sentence


def _forget(path: Path, error: Exception) -> None:
    log.warning("The kept rollout %s cannot be used (%s): it is played again.", path, error)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _prune(newest: Path) -> None:
    """Remove the least recently used files beyond MAX_BYTES, never the newest; and what an ended program left half."""
    for path in newest.parent.glob("*.part"):
        if time.time() - path.stat().st_mtime > ABANDONED:
            path.unlink(missing_ok=True)
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in newest.parent.glob("*.npz"))
    total = sum(size for _, size, _ in files)
    for _, size, path in files:
        if total <= MAX_BYTES:
            break
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size
