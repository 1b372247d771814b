"""How a player came to each of its moments: what was taken, step by step, and under which circumstances. From an
episode's beginning, which a seed and a number say, every moment can so be played anew, in another process too.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, NamedTuple

from zoo_gui.play.cover import Cover
from zoo_gui.play.disturbance import Disturbance
from zoo_gui.play.disturbed import REST
from zoo_gui.play.played import Played
from zoo_gui.types import Step, Unit, ZooError
from zoo_gui.views import Change

BEGINS, JOINED, ELSEWHERE = -1, -2, -3
"""In place of the moment before: the episode begins; it came to where another player stood; nobody knows."""
_HIDDEN = -10


class Under(NamedTuple):
    """What a step was taken under. edits: ((layer, index), gain, offset), sorted."""

    seed: int
    controller: str
    edits: tuple[tuple[tuple[str, int], float, float], ...] = ()
    cover: Cover | None = None
    disturbance: Disturbance = REST


class Taken(NamedTuple):
    """One step. after: the number of the step before, or one of the words above. action: an index; watched: another
    player's step was followed, so the action was none; played: what the emulator was told."""

    after: int
    under: Under
    episode: int
    index: int
    action: int
    watched: bool
    played: Played


def under(player: Any) -> Under:
    """The circumstances of the player's coming step."""
    agent = player.agent
    edits = tuple(sorted((tuple(unit), *change) for unit, change in agent.edits.items())) if agent is not None else ()
    return Under(player.seed, player.controller, edits, player.cover, player.disturbance)


def put_under(player: Any, wanted: Under) -> None:
    """Have the player's coming step taken under these circumstances, but for the seed. Raises ZooError."""
    if player.controller != wanted.controller:
        player.controller = wanted.controller
    player.cover = wanted.cover
    if player.disturbance != wanted.disturbance:
        player.disturbance = wanted.disturbance
    if player.agent is not None and under(player).edits != wanted.edits:
        player.agent.clear_edits()
        for unit, gain, offset in wanted.edits:
            player.agent.edit(Unit(*unit), gain, offset)


class Path:
    """The steps of one player in a sitting by the ids of its moments; those that are no moments of it (of a rollout
    that was gone to, or taken otherwise than the moment that was looked at) have negative numbers. at: the one after
    which the player stands."""

    def __init__(self, keeps: int):
        """keeps: how many moments there are at most; steps that lead to none of them are dropped."""
        self.taken: dict[int, Taken] = {}
        self.at, self._keeps, self._hidden, self._last = BEGINS, keeps, _HIDDEN, None

    def took(self, player: Any, step: Step, number: int | None, watched: bool) -> None:
        """The player made a step. number: the moment's id, None: it is none."""
        now = under(player)
        self._last = now = self._last if self._last == now else now
        after = BEGINS if step.index == 0 else self.at
        made = Taken(after, now, step.episode, step.index, step.decision.action, watched, player.played)
        self.at = self._enter(made) if number is None else number
        self.taken[self.at] = made

    def again(self, player: Any, step: Step, number: int, watched: bool) -> None:
        """The player made a step at a moment that it went back to, and that is kept as it was."""
        kept = self.taken.get(number)
        if kept is None:
            self.at = ELSEWHERE
        elif (watched, under(player), step.decision.action) == (kept.watched, kept.under, kept.action):
            self.at = number
        else:
            self.at = kept.after
            self.took(player, step, None, watched)

    def _enter(self, made: Taken) -> int:
        self._hidden -= 1
        self.taken[self._hidden] = made
        return self._hidden

    def before(self, number: int) -> None:
        """The player went to where it was before a moment of the sitting."""
        self.at = self.taken[number].after if number in self.taken else ELSEWHERE

    def come_by(self, moments: Any, row: int, seed: int) -> None:
        """The player went to where it was before a row of a rollout, which was played unchanged from that seed."""
        episode, actions = moments.column("episode"), moments.column("action")
        index, watched = moments.column("index"), moments.column("watched")
        first, self.at = row - int(index[row]), BEGINS
        told = [moments.played(one) for one in range(first, row)] if first >= 0 else [None]
        if any(played is None for played in told):
            self.at = ELSEWHERE
            return
        now = Under(seed, "agent")
        for one, played in zip(range(first, row), told):
            self.at = self._enter(Taken(self.at, now, int(episode[one]), int(index[one]), int(actions[one]),
                                        bool(watched[one]), played))  # fmt: skip

    def trim(self, ids: Any) -> None:
        """Drop the steps that lead to none of these moments, once there are many. ids: increasing."""
        if len(self.taken) < self._keeps + self._keeps // 4 + 64:
            return
        needed: set[int] = set()
        for number in (self.at, *map(int, ids)):
            while number in self.taken and number not in needed:
                needed.add(number)
                number = self.taken[number].after
        self.taken = {number: made for number, made in self.taken.items() if number in needed}

    def way(self, number: int) -> list[int]:
        """The steps of the episode up to a number, in order; the first's ``after`` says what was before."""
        return list(way(self.taken, number))[::-1]


def way(taken: Mapping[int, Taken], number: int) -> Iterator[int]:
    """A step's number, that of the one before, and so on, to the episode's beginning or as far as it is known."""
    seen: set[int] = set()
    while number in taken and number not in seen:
        seen.add(number)
        yield number
        number = taken[number].after


def edited_layers(taken: Mapping[int, Taken]) -> set[str]:
    """The layers of which units were edited at any of these steps."""
    unders = {id(made.under): made.under for made in taken.values()}  # many steps share one
    return {layer for under in unders.values() for (layer, _), _, _ in under.edits}


def changes_of(unders: list[Under]) -> tuple[Change, ...]:
    """What was changed in an episode, step by step, as changes that came one after another and stayed. Raises ZooError
    where something was taken back or changed again."""
    found: dict[Any, Change] = {}
    before = Under(0, "")
    for index, now in enumerate(unders):
        if now is before:
            continue
        said = {("edit", unit): Change("edit", (unit, gain, offset), index) for unit, gain, offset in now.edits}
        if now.cover is not None:
            said["cover"] = Change("cover", (tuple(now.cover.box), now.cover.fill), index)
        if now.disturbance.on:
            levels = {name: getattr(now.disturbance, name) for name in now.disturbance.on}
            if "parameter_noise" in levels:
                levels["parameter_layers"] = now.disturbance.parameter_layers
            said["disturb"] = Change("disturb", tuple(sorted(levels.items())), index)
        if any(key not in said or said[key].value != change.value for key, change in found.items()):
            raise ZooError("what was changed in this game was changed again later")
        found |= {key: change for key, change in said.items() if key not in found}
        before = now
    return tuple(found.values())
