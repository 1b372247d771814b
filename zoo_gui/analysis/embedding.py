"""A map of the states that agents meet: what they are like, laid out in the plane so that like lies beside like.

As the Atari Zoo did (Such et al. 2019, section 4.3): RAM, or a layer's activations, to 50 principal components, then
t-SNE; and by what came after it. RAM and observations of one game are one space, in which agents and runs lie together.
A layer's units mean something else in every network, so that each agent's layer is a space, and a map, of its own.
"""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.embedding_layout import Plan, States, known_what, lay_out
from zoo_gui.analysis.embedding_record import BITS, METHODS, OBSERVATIONS, RAM, WHATS, Embedding, flattened
from zoo_gui.analysis.observed import pipeline
from zoo_gui.analysis.recorded import BATCH, chosen_layers, usable
from zoo_gui.play import games as known_games
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import Meaning
from zoo_gui.play.moments import Moments
from zoo_gui.types import ZooError

__all__ = ["METHODS", "WHATS", "Embedding", "Plan", "embedding"]

COUNT = 2500
"""States of each agent: a rollout of the Atari Zoo."""
MOST = 20_000
AT_ONCE = 4096
APART = {RAM: "game", BITS: "game", OBSERVATIONS: "way of seeing the game"}


@ANALYSES.register("embedding")
def embedding(
    agents: Sequence[Any], *, moments: Sequence[Moments], what: str = RAM, method: str = "tsne", count: int = COUNT,
    perplexity: float = 30.0, neighbours: int | None = None, components: int = 50, iterations: int = 1000,
    seed: int = 0, games: Sequence[str] = (), seeds: Sequence[int] = (), titles: Sequence[str] = (),
) -> Iterator[Progress]:  # fmt: skip
    """Lay states out in the plane; the last Progress has an Embedding, an earlier one a preliminary one.

    agents: Agents, None for a player without a network, whose RAM can be embedded; or one Agent. moments: of each, each
    of its own game or all of one. what: ``ram``, ``ram bits``, ``observations`` or a layer, flattened. method and the
    rest: see ``Plan``. count: states of each agent at most, evenly spread over those without an intervention and with
    full stacks of frames. games, seeds, titles: of each of ``moments``, where they are not the agents'. States that an
    agent saw while another played count once. Raises ZooError.
    """
    plan = Plan(method, perplexity, neighbours or 0, components, iterations, seed)
    agents = tuple(agents) if isinstance(agents, (list, tuple)) else (agents,)
    moments = (moments,) if isinstance(moments, Moments) else tuple(moments)
    if not agents or len(moments) != len(agents):
        raise ZooError(f"{len(agents)} agents need moments of each: {len(moments)} were given.")
    if not 1 <= count <= MOST:
        raise ZooError(f"{count} states of an agent cannot be laid out: give a number from 1 to {MOST:,}.")
    plain = [agent.with_weights({}) if getattr(agent, "edits", None) else agent for agent in agents]
    played = [games[k] if k < len(games) else _game(agent) for k, agent in enumerate(agents)]
    what = known_what(what)
    widths = [size_of(what, agent) for agent in plain]
    rows = _rows(what, moments)
    states = []
    for k, (agent, own) in enumerate(zip(plain, moments)):
        yield Progress(k, len(plain), "looking for states")
        chosen = rows[k]
        if len(chosen) > count:
            chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, count).astype(int))]
        if len(chosen):
            told = columns(own, chosen, played[k], seeds[k] if k < len(seeds) else -1)
            space = space_of(what, agent, played[k])
            states.append(States(k, space, widths[k], own.column("id")[chosen], told, reader(what, agent, own, chosen)))
    labels = [titles[k] if k < len(titles) else _label(agent, played[k]) for k, agent in enumerate(agents)]
    remarks = [f"{label} only watched: its states are those of the agent that played." for label, part in
               zip(labels, rows) if not len(part)]  # fmt: skip
    said = sorted({int(number) for number in seeds if number >= 0})
    yield from lay_out(states, labels, what, plan, apart=APART.get(what, "agent"), seeds=said, remarks=remarks)


def space_of(what: str, agent: Any, game: str) -> str:
    """What states are laid out together: those of one game; observations of one pipeline; a layer of one network."""
    if what in (RAM, BITS):
        return known_games.identity(game)
    return f"{known_games.identity(game)} {pipeline(agent)}" if what == OBSERVATIONS else agent.hash


def columns(moments: Moments, rows: np.ndarray, game: str, seed: int) -> dict[str, np.ndarray]:
    """{name: (n,)}: what an Embedding's points can be coloured by, of these rows."""
    meaning = Meaning(Emulator(game).minimal_actions, moments.action_names).indices
    names = {"time": "index", "score": "episode_return", "episode": "episode", "value": "value", "reward": "reward",
             "lives": "lives"}  # fmt: skip
    found = {name: moments.column(column)[rows] for name, column in names.items()}
    return found | {"action": meaning[moments.column("action")[rows]], "seed": np.full(len(rows), seed)}


def reader(what: str, agent: Any, moments: Moments, rows: np.ndarray) -> Any:
    """``States.read`` of these rows."""

    def read(places: np.ndarray) -> Iterator[np.ndarray]:
        ram, step = moments.column("ram"), AT_ONCE if what in (RAM, BITS) else BATCH
        memory = moments.column("state")
        for start in range(0, len(places), step):
            part = rows[places[start : start + step]]
            if what in (RAM, BITS):
                yield flattened(what, ram[part])
            elif what == OBSERVATIONS:
                yield flattened(what, moments.observations(part))
            else:
                state = {"state": memory[part]} if memory.shape[1] else {}
                found = agent.activations(moments.observations(part), layers=(what,), **state)
                yield flattened(what, found[what])

    return read


def size_of(what: str, agent: Any) -> int:
    """Numbers of a state. Raises ZooError for what this agent has not."""
    if what in (RAM, BITS):
        return 128 if what == RAM else 1024
    if agent is None:
        raise ZooError("A player without a network sees nothing: of it only the RAM can be embedded.")
    if what == OBSERVATIONS:
        return int(np.prod(agent.observation_shape))
    if what not in {info.name for info in agent.layers}:
        names = ", ".join(info.name for info in agent.layers)
        raise ZooError(f"There is no “{what}” to embed: choose ram, bits, observations, or a layer of {agent.title}: "
                       f"{names}.")  # fmt: skip
    return chosen_layers(agent, what)[0].size


def _rows(what: str, moments: Sequence[Moments]) -> list[np.ndarray]:
    """Of each the rows that count. A state that was watched while another agent met it is that one's."""
    rows = [usable(one) for one in moments]
    if what not in (RAM, BITS, OBSERVATIONS) or len(moments) < 2:
        return rows
    met: set[tuple[int, bytes]] = set()
    order = sorted(range(len(rows)), key=lambda k: moments[k].column("watched")[rows[k]].mean())
    for k in order:
        ids, ram, watched = (moments[k].column(name)[rows[k]] for name in ("id", "ram", "watched"))
        known = [(int(number), bytes(state)) for number, state in zip(ids, ram)]
        new = np.array([not seen or one not in met for one, seen in zip(known, watched)], bool)
        met.update(known)
        rows[k] = rows[k][new]
    return rows


def _game(agent: Any) -> str:
    if agent is None:
        raise ZooError("Name the game that the player without a network plays.")
    return agent.card.game


def _label(agent: Any, game: str) -> str:
    return f"Random · {known_games.title(known_games.find(game))}" if agent is None else agent.title
