"""At which moments would these agents do different things, and how different are they there?

All see the same game, each through its own pipeline (``play.together``), and say what they would do. Choices are
greedy, the action of the largest score, whatever the agents' own rules draw, and are matched by what they mean in the
game (``play.meaning``); ``play.agreement`` has the measure. Moments that follow each other are alike: n of them are far
fewer than n independent ones, so no interval is given. No TensorFlow here.
"""

from __future__ import annotations

import itertools
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.contestants import contestants, with_network
from zoo_gui.analysis.disagreement_record import Disagreement, Event
from zoo_gui.play.agreement import apart
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import MEANINGS, Meaning
from zoo_gui.play.moments import Moments
from zoo_gui.play.played import same_game
from zoo_gui.play.together import aligned
from zoo_gui.types import ZooError, read_only

__all__ = ["Disagreement", "Event", "disagreement", "kappa"]

APART = 15
"""Agent steps between two events of one game, at least: a second at frame skip 4."""
EVENTS = 200
"""That are kept, the strongest."""


@ANALYSES.register("disagreement")
def disagreement(
    agents: Sequence[Any], *, moments: Sequence[Moments], game: str = "", events: int = EVENTS
) -> Iterator[Progress]:
    """Compare what the agents would do at the moments that all of them have seen; the last Progress has a Disagreement.

    agents: two or more, or one several times. moments: of each, as ``record_together`` gives them. game: by default the
    agents' own. events: how many disagreements are listed at most. Raises ZooError: a player without a network, agents
    of different games, moments that are not of one game.
    """
    if len(agents) < 2:
        raise ZooError("Two agents are compared: give two or more, or the same one twice.")
    who = contestants(agents, game)
    with_network(agents, "comparing decisions")
    same_game([one.game for one in who], [one.game for one in who])
    if len(moments) != len(agents):
        raise ZooError(f"{len(agents)} agents need moments of each: {len(moments)} were given. Record them together.")
    rows = aligned(moments)
    used = Emulator(who[0].game).minimal_actions
    known = [Meaning(used, agent.action_names) for agent in agents]
    scores = [one.column("scores")[part] for one, part in zip(moments, rows)]
    pairs = tuple(itertools.combinations(range(len(agents)), 2))
    measures = []
    for done, (a, b) in enumerate(pairs):
        yield Progress(done, len(pairs), f"comparing {who[a].letter} and {who[b].letter}")
        measures.append(apart(known[a], scores[a], who[a].kind, known[b], scores[b], who[b].kind))
    choices = np.stack([meaning.choice(part) for meaning, part in zip(known, scores)])
    columns = {name: moments[0].column(name)[rows[0]] for name in ("id", "episode", "index")}
    measures, differs = np.stack(measures), np.stack([choices[a] != choices[b] for a, b in pairs])
    found = Disagreement(
        agents=who, pairs=pairs, moments=read_only(columns["id"]), episode=read_only(columns["episode"]),
        index=read_only(columns["index"]), choices=read_only(choices), measures=read_only(measures),
        differs=read_only(differs), **_matrices(choices, pairs, measures), driver=_driver(moments, rows),
        events=_events(columns, measures, differs & (columns["index"] >= _filler(moments)), events),
    )  # fmt: skip
    yield Progress(len(pairs), len(pairs), f"{len(rows[0]):,} moments compared", found)


def _matrices(choices: np.ndarray, pairs: Sequence[tuple[int, int]], measures: np.ndarray) -> dict[str, np.ndarray]:
    count = len(choices)
    agreement, beyond, distance = np.ones((count, count)), np.ones((count, count)), np.zeros((count, count))
    for place in range(count):
        beyond[place, place] = kappa(choices[place], choices[place])
    for (a, b), values in zip(pairs, measures):
        agreement[a, b] = agreement[b, a] = (choices[a] == choices[b]).mean()
        beyond[a, b] = beyond[b, a] = kappa(choices[a], choices[b])
        distance[a, b] = distance[b, a] = values.mean()
    return {"agreement": read_only(agreement), "kappa": read_only(beyond), "distance": read_only(distance)}


def kappa(one: np.ndarray, other: np.ndarray) -> float:
    """Cohen's κ of choices (n,), as places in MEANINGS: (p − c) / (1 − c), with p the part that is equal and c the part
    that would be by chance, each choosing as often as it does. nan where c is 1: both always choose the same.

    Cohen 1960, "A Coefficient of Agreement for Nominal Scales".
    """
    shares = [np.bincount(choices, minlength=len(MEANINGS)) / len(choices) for choices in (one, other)]
    chance = float(shares[0] @ shares[1])
    return float("nan") if chance >= 1 else float(((one == other).mean() - chance) / (1 - chance))


def _events(columns: dict[str, np.ndarray], measures: np.ndarray, differs: np.ndarray, most: int) -> tuple[Event, ...]:
    """Moments at which choices differ, the largest measure first; of those within APART steps only the largest."""
    height = np.where(differs, measures, -1.0)
    pair, best = height.argmax(0), height.max(0)
    episode, index = columns["episode"], columns["index"]
    free = best >= 0
    found: list[Event] = []
    for row in np.argsort(-best, kind="stable"):
        if len(found) == most or best[row] < 0:
            break
        if free[row]:
            free &= (episode != episode[row]) | (np.abs(index - index[row]) >= APART)
            found.append(Event(int(columns["id"][row]), int(episode[row]), int(index[row]), int(row), int(pair[row]),
                               float(best[row])))  # fmt: skip
    return tuple(found)


def _filler(moments: Sequence[Moments]) -> int:
    """Steps of an episode until every agent's stack holds frames of it alone: before that all see mostly filler, which
    makes poor examples."""
    return max(max(1, one.observation_shape[2] // one.frame_channels) for one in moments) - 1


def _driver(moments: Sequence[Moments], rows: Sequence[np.ndarray]) -> int:
    drove = [place for place, (one, part) in enumerate(zip(moments, rows)) if not one.column("watched")[part].any()]
    return drove[0] if len(drove) == 1 else -1
