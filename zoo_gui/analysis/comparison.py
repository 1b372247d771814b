"""What do several agents see and do differently? All comparisons at once, for a command, a report or a notebook.

One of them plays and all of them watch (``play.together``): where do they part (``disagreement``), and do their layers
and units say the same (``similarity``, ``matching``)? Then each plays its own games (``behaviour``), and the weights of
the first layers say how each weighs the past (``biases``). Agents of different games have no moments in common: then
only what is of each by itself is found, and a sentence says so.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import itertools
import platform
from typing import Any, Iterator, Sequence

from zoo_gui import __version__
from zoo_gui.analysis import ANALYSES, Progress, latest
from zoo_gui.analysis.behaviour import EPISODES, LIMIT, behaviour
from zoo_gui.analysis.biases import biases_of
from zoo_gui.analysis.comparison_record import Comparison
from zoo_gui.analysis.contestants import Contestant, contestants
from zoo_gui.analysis.disagreement import disagreement
from zoo_gui.analysis.partings import partings
from zoo_gui.play.moments import Moments
from zoo_gui.play.together import record_together
from zoo_gui.types import ZooError

__all__ = ["Comparison", "comparison", "why_apart"]

STEPS, PARTINGS = 2000, 6
MOST_TOGETHER = 4
"""Agents that watch the same game: their moments are all held at once."""
PACKAGES = ("tensorflow", "ale-py", "numpy", "scipy")


@ANALYSES.register("comparison")
def comparison(
    agents: Sequence[Any],
    *,
    steps: int = STEPS,
    episodes: int = EPISODES,
    seed: int = 0,
    driver: int = 0,
    method: str = "cka",
    game: str = "",
    sticky: float | None = None,
    limit: int = LIMIT,
    shown: int = PARTINGS,
    moments: Sequence[Moments] = (),
) -> Iterator[Progress]:
    """Compare two agents or more; a Progress with a Comparison of what there is after each part.

    agents: as ``behaviour`` takes them. steps: agent steps of the game that all see, driven by the agent at place
    ``driver``; 0: none. moments: of each, in place of that game. episodes, limit, sticky: of the games of its own that
    each plays, see ``behaviour``; 0 episodes: none. method: of ``similarity``. game: another than the agents' own.
    shown: disagreements of which frames and maps are kept. Raises ZooError.
    """
    if len(agents) < 2:
        raise ZooError("Two agents are compared: give two or more, or the same one twice.")
    who = contestants(agents, game)
    if not 0 <= driver < len(who):
        raise ZooError(f"There is no agent {driver} to drive: there are {len(who)}, from 0.")
    asked = {"steps": len(moments[0]) if moments else steps, "moments": "given" if moments else "played",
             "episodes": episodes, "seed": seed, "driver": driver, "method": method, "limit": limit,
             "sticky": sticky}  # fmt: skip
    why = "" if moments else why_apart(agents, who) or ("No common game was asked for." if not steps else "")
    found = Comparison(who, asked, why=why, versions=versions())
    plan = _Plan(shared=not why, own=episodes > 0, pairs=len(who) * (len(who) - 1) // 2)
    if not why:
        if not moments:
            game_of_all = record_together(agents, steps=steps, seed=seed, driver=driver, game=game, sticky=sticky)
            moments = yield from plan.run("record", game_of_all)
        found = yield from _together(agents, moments, found, plan, shown)
    if episodes:
        games = behaviour(agents, episodes=episodes, seed=seed, limit=limit, game=game, sticky=sticky)
        for progress in plan.steps("behaviour", games):
            if progress.result is not None:
                found = dataclasses.replace(found, behaviour=progress.result)
                progress = dataclasses.replace(progress, result=found)
            yield progress
    found = dataclasses.replace(found, biases=biases_of(agents, who))
    yield Progress(100, 100, f"{len(who)} agents compared", found)


def _together(
    agents: Sequence[Any], moments: Sequence[Moments], found: Comparison, plan: "_Plan", shown: int
) -> Iterator[Progress]:
    """What comes of moments that all agents have seen; returns the Comparison with it."""
    game = found.agents[0].game
    parted = yield from plan.run("disagreement", disagreement(agents, moments=moments, game=game))
    found = dataclasses.replace(found, disagreement=parted)
    pictures = yield from plan.run("partings", partings(agents, moments, parted, shown))
    found = dataclasses.replace(found, partings=pictures)
    yield Progress(plan.done, 100, "compared choices", found)
    for pair in itertools.combinations(range(len(agents)), 2):
        two, seen = [agents[place] for place in pair], [moments[place] for place in pair]
        for part, parameters in (("similarity", {"method": found.asked["method"]}), ("matching", {})):
            try:
                one = yield from plan.run(part, ANALYSES[part](two, moments=seen, **parameters))
            except ZooError as error:  # what one pair lacks, others may have
                found = dataclasses.replace(found, remarks=(*found.remarks, f"{found.name(pair)}: {error}"))
                continue
            name = {"similarity": "similarities", "matching": "matchings"}[part]
            found = dataclasses.replace(found, **{name: {**getattr(found, name), pair: one}})
        yield Progress(plan.done, 100, f"compared {found.name(pair)}", found)
    return found


class _Plan:
    """How much of the whole each part is, in per cent: of the parts that there will be."""

    WEIGHTS = {"record": 30.0, "disagreement": 1.0, "partings": 4.0, "similarity": 20.0, "matching": 5.0}

    def __init__(self, shared: bool, own: bool, pairs: int):
        weights = dict(self.WEIGHTS) if shared else {}
        if own:
            weights["behaviour"] = 40.0
        for name in ("similarity", "matching"):
            if name in weights:
                weights[name] *= pairs
        whole = sum(weights.values()) or 1.0
        self._share = {name: 100 * weight / whole for name, weight in weights.items()}
        for name in ("similarity", "matching"):
            if name in self._share:
                self._share[name] /= pairs
        self._before = 0.0

    @property
    def done(self) -> int:
        """Per cent that is done."""
        return min(99, int(self._before))

    def steps(self, part: str, records: Iterator[Progress]) -> Iterator[Progress]:
        """The records of a part, counted as parts of the whole."""
        share = self._share.get(part, 0.0)
        for progress in records:
            inside = progress.done / progress.total if progress.total else 0.0
            yield Progress(min(99, int(self._before + share * inside)), 100, progress.label, progress.result)
        self._before += share

    def run(self, part: str, records: Iterator[Progress]) -> Iterator[Progress]:
        """The records of a part, without what it has so far; returns its result."""
        result = None
        try:
            for progress in self.steps(part, records):
                result = latest(result, progress)
                yield dataclasses.replace(progress, result=None)
        except ZooError:
            self._before += self._share.get(part, 0.0)
            raise
        return result


def why_apart(agents: Sequence[Any], who: Sequence[Contestant]) -> str:
    """Why these cannot see the same moments, a sentence; "" where they can."""
    if any(agent is None or isinstance(agent, str) for agent in agents):
        return "A player without a network decides nothing by what it sees: only behaviour is compared."
    named = dict.fromkeys(one.game for one in who)
    if len(named) > 1:
        games = " and ".join(named)
        return f"{games} are different games: these agents see nothing in common, only what each does is compared."
    if len(agents) > MOST_TOGETHER:
        return f"At most {MOST_TOGETHER} agents watch one game, these are {len(agents)}: only behaviour is compared."
    return ""


def versions() -> dict[str, str]:
    """What computed it: {name: version}."""
    found = {"zoo_gui": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # TensorFlow has builds of other names
            continue
    return found
