"""A lane's agent with one more layer of groups, or one less, while its game goes on.

Two halves: ``prepare`` runs as a job beside the game, since the moments of the sitting must be looked at again;
``install`` runs between two ticks, and takes the game on with the other agent. See ``agents.groups``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterator

from zoo_gui.types import Progress, ZooError

if TYPE_CHECKING:
    from zoo_gui.engine.lane import Lane
    from zoo_gui.play.moments import Moments


@dataclass(frozen=True)
class Prepared:
    """What takes the place of a lane's agent. base: the agent that it was made from; moments: the sitting's so far,
    with the units of the new one."""

    lane: "Lane"
    base: Any
    agent: Any
    moments: "Moments"


def added(layer: str, directions: Any, name: str, unit_names: tuple[str, ...]) -> Callable[[Any], Any]:
    """An agent → the same with groups of a layer's units; see ``Agent.with_groups``."""
    return lambda agent: agent.with_groups(layer, directions, name, unit_names)


def removed(layer: str) -> Callable[[Any], Any]:
    """An agent → the same without a layer of groups."""
    return lambda agent: agent.without_groups(layer)


def prepare(
    lane: "Lane", moments: "Moments", change: Callable[[Any], Any], ready: Callable[[Prepared], None]
) -> Iterator[Progress]:
    """Make the other agent, trace it, and find its units' peaks in the moments; ``ready`` gets what came of it.

    moments: frozen. Raises ZooError where the change cannot be.
    """
    base = lane.player.agent
    agent = change(base)
    yield Progress(0, 1, "building the network")
    if len(moments):
        agent.activations(moments.observation(0))  # traced here, not in the game's thread
    yield Progress(0, 1, "looking at the moments so far")
    for progress in moments.for_agent(agent):
        if progress.result is None:
            yield progress
    ready(Prepared(lane, base, agent, progress.result))
    yield Progress(1, 1, "ready", None)


def install(found: Prepared) -> None:
    """Let a lane go on with the prepared agent: the same game, moments, edits and pins. Raises ZooError where another
    agent was put there meanwhile."""
    lane, before = found.lane, found.lane.player.agent
    if before is not found.base:
        raise ZooError("Another agent plays here by now: group its units instead.")
    agent = found.agent
    agent.clear_edits()
    there = {info.name for info in agent.layers}
    for unit, (gain, offset) in before.edits.items():
        if unit.layer in there:
            agent.edit(unit, gain, offset)
    *_, last = lane.moments.for_agent(agent, found.moments)
    lane.moments = last.result
    lane.player.agent = lane.moments.agent = agent
    lane.pins = tuple(unit for unit in lane.pins if unit.layer in there)
