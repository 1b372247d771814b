"""A lane's agent with one more layer of groups, or one less, while its game goes on.

Two halves: ``prepare`` runs as a job beside the game, since the moments of the sitting must be looked at again;
``install`` runs between two ticks, and takes the game on with the other agent. See ``agents.groups``.

A saved session keeps these layers too: ``known`` says which, ``give`` and ``take_away`` bring them to another lane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Collection, Iterator, Sequence

from zoo_gui.agents.groups import Grouping, groupings_of, unused_name
from zoo_gui.play.paths import edited_layers
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


def added(
    layer: str, directions: Any, name: str, unit_names: tuple[str, ...], gone: Collection[str] = ()
) -> Callable[[Any], Any]:
    """An agent → the same with groups of a layer's units; see ``Agent.with_groups``. gone: names of layers that were
    taken away: they are not given again, so that what was done to their units can be told apart."""

    def change(agent: Any) -> Any:
        if name in gone:
            raise ZooError(f"{name} was another layer of groups, and its units were changed: choose another name.")
        called = name or unused_name(layer, [*(info.name for info in agent.layers), *gone])
        return agent.with_groups(layer, directions, called, unit_names)

    return change


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
    lane.groups = {one.name: one for one in known(lane)}
    lane.pins = tuple(unit for unit in lane.pins if unit.layer in there)


def known(lane: "Lane") -> tuple[Grouping, ...]:
    """The layers of groups that a lane's agent has, and those that it had when a kept step was taken with their units
    edited."""
    if lane.player.agent is None:
        return ()
    there, edited = groupings_of(lane.player.agent), edited_layers(lane.path.taken)
    gone = (one for name, one in lane.groups.items() if name not in there and name in edited)
    return (*there.values(), *(replace(one, there=False) for one in gone))


def give(lane: "Lane", groups: Sequence[Grouping]) -> list[str]:
    """Give these layers to a lane that has not played yet; sentences on those that its agent cannot have."""
    from zoo_gui.play.moments import of_player

    faults, agent = [], lane.player.agent
    if agent is None or not groups:
        return faults
    for one in groups:
        try:
            agent = agent.with_groups(one.layer, one.directions, one.name, one.unit_names, one.kernel)
        except ZooError as error:
            faults.append(f"{lane.title} cannot have the groups {one.name}: {error}")
    lane.player.agent, lane.groups = agent, groupings_of(agent)
    lane.moments = of_player(lane.player)
    return faults


def take_away(lane: "Lane", names: Collection[str]) -> None:
    """Take layers of groups from a lane's agent; the moments stay, without their units."""
    agent = lane.player.agent
    names = [info.name for info in agent.layers if info.groups_of and info.name in names] if agent is not None else []
    if names:
        for name in names:
            agent = agent.without_groups(name)
        *_, last = lane.moments.for_agent(agent)
        lane.moments = last.result
        lane.player.agent = lane.moments.agent = agent
        lane.groups = {one.name: one for one in known(lane)}
