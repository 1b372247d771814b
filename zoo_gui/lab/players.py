"""The agents that cells name: loaded once in each process, and known by what they are, not by what they are called."""

from __future__ import annotations

import functools
from typing import Any, Mapping

from zoo_gui.types import ZooError

KEPT = 8  # a traced network takes some 20 MB


def named(agent_id: str) -> dict[str, str]:
    """What a cell's settings say of an agent: ``agent``, ``agent_hash`` ("" for a player without a network), ``game``
    (its own). Raises ZooError for an agent that cannot be loaded."""
    agent, game = _loaded(agent_id)
    return {"agent": agent_id, "agent_hash": "" if agent is None else agent.hash, "game": game}


def player_of(settings: Mapping[str, Any]) -> Any:
    """The Agent that a cell's settings name; None for a player without a network.

    Raises ZooError where this machine has another one under that name: its numbers would be another agent's.
    """
    agent, _ = _loaded(settings["agent"])
    found = "" if agent is None else agent.hash
    if found != settings["agent_hash"]:
        raise ZooError(f"“{settings['agent']}” is another agent here than where the experiment was begun: copy its "
                       "files to this machine, or begin anew in another folder.")  # fmt: skip
    return agent


@functools.lru_cache(KEPT)
def _loaded(agent_id: str) -> tuple[Any, str]:
    from zoo_gui.agents import catalogue

    entry = catalogue.fetched(agent_id)
    if entry.card is None and entry.path is None:
        return None, entry.game
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(agent_id)
    return agent, agent.card.game
