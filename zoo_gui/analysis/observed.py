"""What several agents make of the same moments: which moments that are, and their layers' activations there.

Each agent sees a moment through its own pipeline, so each has ``Moments`` of its own (``play.together``); agents that
see alike may share one. Activations are computed anew, by the agents without their edits: of what was recorded only the
peaks were kept.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Hashable, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis.recorded import BATCH, usable
from zoo_gui.play import games
from zoo_gui.play.moments import Moments
from zoo_gui.play.together import aligned
from zoo_gui.types import Progress, ZooError

LEAST_MOMENTS = 20
RULES_OF_PLAY = {
    "noop_max": 0, "fire_on_reset": False, "terminal_on_life_loss": False, "sticky": 0.0, "max_episode_frames": 0,
    "opening": "", "reset_actions": (), "life_actions": None,
}  # fmt: skip
"""What of a preprocessing is about how a game is begun, played and ended, and not about how it is seen."""
MOST_NUMBERS = 1 << 26
"""Activations of one agent that are held at once, 256 MB of float32: more layers are computed in several passes."""


def asked(agents: Sequence[Any], moments: Sequence[Moments] | Moments) -> tuple[tuple, tuple[Moments, ...]]:
    """(agents without edits, Moments of each). moments: one for each agent, or one for all that see alike.

    Raises ZooError: fewer than two agents, a player without a network, different games, Moments that are not theirs.
    """
    agents = tuple(agents)
    if len(agents) < 2:
        raise ZooError("Two agents are compared: give two, or the same one twice.")
    if any(agent is None for agent in agents):
        raise ZooError("A player without a network has no layers to compare: choose agents with one.")
    first = agents[0]
    for agent in agents[1:]:
        if games.identity(agent.card.game) != games.identity(first.card.game):
            raise ZooError(
                f"{first.title} plays {first.card.game} and {agent.title} {agent.card.game}: only agents of one game "
                "see the same moments."
            )
    given = (moments,) * len(agents) if isinstance(moments, Moments) else tuple(moments)
    if len(given) != len(agents):
        raise ZooError(f"{len(agents)} agents need moments of each: {len(given)} were given. Record them together.")
    for agent, own in zip(agents, given):
        _check_sees(agent, own, shared=sum(own is other for other in given) > 1)
    plain = [agent.with_weights({}) if getattr(agent, "edits", None) else agent for agent in agents]
    return tuple(plain), given


def _check_sees(agent: Any, moments: Moments, shared: bool) -> None:
    """Raise ZooError where these moments do not hold what the agent would have seen."""
    maker = moments.agent
    fits = tuple(moments.observation_shape) == tuple(agent.observation_shape)
    if fits and shared and maker is not None:
        fits = pipeline(maker) == pipeline(agent)
    if not fits:
        raise ZooError(
            f"{agent.title} sees the game through another pipeline than these moments were recorded with: record the "
            "agents together."
        )
    if shared and len(agent.initial_state) and maker is not None and maker.hash != agent.hash:
        raise ZooError(f"{agent.title} has a memory of its own, which these moments do not hold: record them together.")


def pipeline(agent: Any) -> Any:
    """An agent's preprocessing, as far as it changes what is seen of a game."""
    return dataclasses.replace(agent.card.preprocessing, **RULES_OF_PLAY)


def rows_of(moments: Sequence[Moments], count: int, least: int = LEAST_MOMENTS) -> tuple[np.ndarray, ...]:
    """(n,) int64 for each: rows that are the same moments, in order; at most ``count``, evenly spread over all those at
    which no intervention was on and every agent's stack of frames was full. Raises ZooError for fewer than ``least``.
    """
    if count < least or count != int(count):
        raise ZooError(f"{count} moments are too few to compare agents by: give a whole number from {least}.")
    rows = aligned(moments)
    common = np.ones(len(rows[0]), bool)
    for own, part in zip(moments, rows):
        common &= np.isin(part, usable(own))
    places = np.flatnonzero(common)
    if len(places) < least:
        raise ZooError(
            f"{len(places)} moments in common are too few to compare agents by, at least {least} are needed: let them "
            "play on, or choose a rollout."
        )
    chosen = places[np.unique(np.linspace(0, len(places) - 1, min(int(count), len(places))).round().astype(int))]
    return tuple(part[chosen] for part in rows)


def passes(sizes: Mapping[Hashable, int], most: int) -> list[list[Hashable]]:
    """The keys in groups of at most ``most`` numbers together, the smallest first; a larger one is by itself."""
    groups: list[list[Hashable]] = []
    room = -1
    for key in sorted(sizes, key=lambda key: sizes[key]):
        if sizes[key] > room:
            groups.append([])
            room = most
        groups[-1].append(key)
        room -= sizes[key]
    return groups


def activations(
    agent: Any, moments: Moments, rows: np.ndarray, wanted: Mapping[Hashable, tuple[str, Callable]]
) -> Iterator[Progress]:
    """The last Progress has {key: (n, …) float32}, what ``wanted`` says: {key: (layer, what is kept of its (m, *shape)
    activations as (m, …))}. The others say how many of the rows are done."""
    names = tuple(dict.fromkeys(layer for layer, _ in wanted.values()))
    states = moments.column("state")[rows]
    found: dict[Hashable, np.ndarray] = {}
    for start in range(0, len(rows), BATCH):
        yield Progress(start, len(rows), f"looking at moment {start:,} of {len(rows):,}")
        part = slice(start, start + BATCH)
        memory = {"state": states[part]} if states.shape[1] else {}
        computed = agent.activations(moments.observations(rows[part]), layers=names, **memory)
        for key, (layer, keep) in wanted.items():
            kept = keep(computed[layer])
            if key not in found:
                found[key] = np.empty((len(rows), *kept.shape[1:]), np.float32)
            found[key][part] = kept
    yield Progress(len(rows), len(rows), "activations", found)
