"""Agents that are loaded before they are asked for, so that a talk's next cue need not wait: in the loader's thread."""

from __future__ import annotations

import logging
from typing import Any, Iterator, Sequence

from zoo_gui.agents import catalogue
from zoo_gui.engine.lane import Lane
from zoo_gui.engine.loading import load_lane
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)

Wanted = Sequence[tuple[str, dict[str, Any]]]
"""(agent id, options of ``load_lane`` without the seed)."""


class Ahead:
    """Lanes that are ready to be placed. One that is taken is gone from here: each lane has a game of its own."""

    def __init__(self):
        self._ready: list[tuple[tuple, tuple, Lane]] = []  # what was asked, the files as they were, the lane

    def fill(self, wanted: Wanted) -> Iterator[None]:
        """Load what is wanted and not here, and drop the rest; yields after each. What must be downloaded or cannot be
        loaded is left to when somebody asks for it, and then hears why."""
        spare, self._ready = self._ready, []
        for agent_id, options in wanted:
            found = _pop(spare, _question(agent_id, options))
            if found is not None:
                self._ready.append(found)
        there = [question for question, *_ in self._ready]
        for agent_id, options in wanted:
            question = _question(agent_id, options)
            if question in there:
                there.remove(question)
                continue
            try:
                files = _files(agent_id)
                if files is not None:
                    *_, lane = load_lane(agent_id, options, lambda _: None)
                    self._ready.append((question, files, lane))
            except ZooError as error:
                log.info("not loaded ahead: %s", error)
            yield

    def take(self, agent_id: str, options: dict[str, Any]) -> Lane | None:
        """The lane that was loaded for this, with the seed that ``options`` say; None without one, or where its files
        are others now. Raises ZooError as ``load_lane`` does where the agent is gone."""
        found = _pop(self._ready, _question(agent_id, options))
        if found is None or found[1] != _files(agent_id):
            return None
        lane = found[2]
        lane.player.restart(int(options.get("seed") or 0))
        return lane


def _question(agent_id: str, options: dict[str, Any]) -> tuple:
    said = {name: value for name, value in options.items() if name != "seed" and value not in (None, "")}
    return agent_id, tuple(sorted(said.items()))


def _pop(rows: list[tuple], question: tuple) -> tuple | None:
    place = next((place for place, row in enumerate(rows) if row[0] == question), None)
    return None if place is None else rows.pop(place)


def _files(agent_id: str) -> tuple | None:
    """What tells whether an agent's files were changed; None for one that must be downloaded. Raises ZooError."""
    entry = catalogue.find(agent_id)
    if not entry.is_here:
        return None
    try:
        states = [path.stat() for path in (entry.path, entry.weights) if path is not None]
    except OSError as error:
        raise ZooError(f"The files of {agent_id} cannot be read ({error.strerror}).") from error
    return tuple((state.st_mtime_ns, state.st_size) for state in states)
