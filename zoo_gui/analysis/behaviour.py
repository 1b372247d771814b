"""What do agents do when left to play? Actions, scores and lengths of games, and where in the game's memory they come.

Each agent plays its own games, with its own preprocessing and rule of action, all from the same seeds: game e is what
seed + e plays first, so that each can be watched again alone. Scores are unclipped returns of whole games; intervals
are bootstrapped (``behaviour_statistics``). Several agents of one algorithm are summed up as rliable does: the
interquartile mean of human-normalised scores over games and runs (Agarwal et al. 2021, arXiv:2108.13264).
"""

from __future__ import annotations

import functools
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis import behaviour_statistics as statistics
from zoo_gui.analysis.behaviour_record import Aggregate, Behaviour, GamesOf
from zoo_gui.analysis.contestants import Contestant, contestants
from zoo_gui.backports import tomllib
from zoo_gui.play import games
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import MEANINGS, Meaning
from zoo_gui.play.player import Player
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError, read_only

__all__ = ["Aggregate", "Behaviour", "GamesOf", "behaviour", "yardsticks"]

EPISODES, LIMIT = 5, 20_000
MOST_STEPS = 2_000_000
"""Agent steps of one agent: the memory of each is kept, 128 bytes."""
WORD_EVERY = 25
"""Steps between two words of progress: a job that is no longer wanted ends there."""


@ANALYSES.register("behaviour")
def behaviour(
    agents: Sequence[Any],
    *,
    episodes: int = EPISODES,
    seed: int = 0,
    limit: int = LIMIT,
    game: str = "",
    sticky: float | None = None,
) -> Iterator[Progress]:
    """Let each agent play ``episodes`` games; Progress with a Behaviour of what there is after every game.

    agents: Agents, and for players without a network their ids (``random/Breakout``) or None. limit: agent steps after
    which a game is cut: its actions and memory count, its score and length do not. game: another than the agents' own.
    sticky: probability that an action is repeated, None: as each card says. Raises ZooError.
    """
    who = contestants(agents, game)
    if episodes < 1 or limit < 1 or episodes * limit > MOST_STEPS:
        raise ZooError(
            f"{episodes} games of up to {limit:,} steps cannot be played: give at least 1 of either, and no more than "
            f"{MOST_STEPS:,} steps in all."
        )
    asked = {"episodes": episodes, "seed": seed, "limit": limit, "sticky": sticky}
    played: list[GamesOf] = []
    for agent, one in zip(agents, who):
        network = None if isinstance(agent, str) else agent
        player = Player(Emulator(one.game), network, seed=seed, sticky=sticky)
        record = _Record(one, player, yardsticks(one.game, agents, player.sticky))
        for episode in range(episodes):
            done = len(played) * episodes + episode
            for step in _game(record, player, seed + episode, limit):
                label = f"{one.letter} plays game {episode + 1} of {episodes}: step {step:,}"
                yield Progress(done, len(who) * episodes, label)
            found = _result([*played, record.games(seed)], asked)
            yield Progress(done + 1, len(who) * episodes, f"{one.letter} has played {episode + 1}", found)
        played.append(record.games(seed))


class _Record:
    """An agent's games so far."""

    def __init__(self, one: Contestant, player: Player, known: tuple[float | None, float | None]):
        self.agent, self.known = one, known
        self.place = Meaning(player.emulator.minimal_actions, player.action_names).indices
        self.actions = np.zeros(len(MEANINGS), np.int64)
        self.ram: list[np.ndarray] = []
        self.rows: list[tuple[int, float, int, int, bool]] = []

    def games(self, seed: int) -> GamesOf:
        """The record of them."""
        seeds, scores, lengths, frames, complete = (read_only(np.array(column)) for column in zip(*self.rows))
        whole = scores[complete].astype(float)
        random, human = self.known
        return GamesOf(
            agent=self.agent, seeds=seeds, scores=read_only(scores.astype(float)), lengths=lengths, frames=frames,
            complete=complete, actions=read_only(self.actions.copy()),
            coverage=statistics.coverage(np.stack(self.ram)), mean=statistics.estimate(whole, np.mean, seed),
            median=statistics.estimate(whole, np.median, seed),
            length=statistics.estimate(lengths[complete], np.mean, seed), random=random, human=human,
        )  # fmt: skip


def _game(record: _Record, player: Player, seed: int, limit: int) -> Iterator[int]:
    """Play one game and note it; the number of steps so far, now and then."""
    player.restart(seed)
    total, ended = 0.0, False
    for count in range(1, limit + 1):
        step = player.step(pictures=False)
        record.ram.append(step.ram)
        record.actions[record.place[step.decision.action]] += 1
        total += step.reward
        ended = step.terminated or step.truncated
        if ended:
            break
        if count % WORD_EVERY == 0:
            yield count
    record.rows.append((seed, total, count, player.emulator.frame_number, ended))


def _result(played: list[GamesOf], asked: dict[str, Any]) -> Behaviour:
    own = [one.agent.game for one in played]
    shares, overlap, compared = statistics.overlaps([one.coverage for one in played], own)
    apart = statistics.divergences(np.stack([one.histogram for one in played]), own)
    return Behaviour(
        games=tuple(played), meanings=MEANINGS, divergences=read_only(apart), shares=read_only(shares),
        overlap=read_only(overlap), compared=read_only(compared), aggregates=_aggregates(played, asked["seed"]),
        asked=asked, remarks=_remarks(played, asked),
        intervals=f"{statistics.CONFIDENCE:.0%} {statistics.METHOD} bootstrap, {statistics.RESAMPLES:,} resamples",
    )  # fmt: skip


def _aggregates(played: Sequence[GamesOf], seed: int) -> tuple[Aggregate, ...]:
    """Of each algorithm with several agents whose scores can be normalised."""
    found = []
    for algorithm in dict.fromkeys(one.agent.algorithm for one in played):
        mine = [one for one in played if one.agent.algorithm == algorithm]
        levels: dict[str, dict[str, float]] = {}
        for one in mine:
            level = one.normalised(one.mean.value)
            if np.isfinite(level):  # the same agent twice is one run
                levels.setdefault(one.agent.game, {})[one.agent.hash] = level
        runs = {game: len(by_run) for game, by_run in levels.items()}
        if sum(runs.values()) < 2:
            continue
        single = [game for game, count in runs.items() if count < 2]
        why = f"one run of {', '.join(single)}: how runs differ is unknown there" if single else ""
        strata = [list(by_run.values()) for by_run in levels.values()]
        found.append(Aggregate(algorithm, runs, statistics.stratified_iqm(strata, seed), why))
    return tuple(found)


def _remarks(played: Sequence[GamesOf], asked: dict[str, Any]) -> tuple[str, ...]:
    """What a reader of the numbers must know."""
    found = []
    for one in played:
        name, whole = one.agent.letter, int(one.complete.sum())
        if not whole:
            found.append(f"No game of {name} came to its end within {asked['limit']:,} steps: it has no score.")
            continue
        if whole < len(one.complete):
            found.append(f"{len(one.complete) - whole} of {len(one.complete)} games of {name} were cut after "
                         f"{asked['limit']:,} steps and do not count in scores and lengths.")  # fmt: skip
        if whole == 1:
            found.append(f"{name} finished one game: there is no interval of one number.")
        elif np.ptp(one.scores[one.complete]) == 0:
            found.append(f"All {whole} games of {name} scored the same: its interval says nothing.")
    for agent in (one.agent for one in played if one.agent.edits):
        found.append(f"{agent.letter} was played with {agent.edits} unit{'' if agent.edits == 1 else 's'} changed.")
    if len({one.agent.game for one in played}) > 1:
        found.append("Agents of different games are not set against each other in actions and memory, only scores "
                     "against random play and a person.")  # fmt: skip
    return tuple(found)


def yardsticks(game: str, agents: Sequence[Any] = (), sticky: float = 0.0) -> tuple[float | None, float | None]:
    """(random, human) mean scores in a game, None where nobody measured them: those measured for the zoo, with sticky
    actions where ``sticky`` is not 0; else what the card of one of the ``agents`` says."""
    name = games.identity(game)
    table = _baselines().get(name)
    if table is not None:
        return table["sticky" if sticky else "noop"]["random"], table.get("human")
    cards = [agent.card for agent in agents if hasattr(agent, "card") and games.identity(agent.card.game) == name]
    said = next((card.scores for card in cards if card.scores.random is not None), None)
    return (None, None) if said is None else (said.random, said.human)


@functools.cache
def _baselines() -> dict[str, Any]:
    return tomllib.loads(resource_path("baselines.toml").read_text(encoding="utf-8"))
