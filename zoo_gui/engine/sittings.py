"""Lanes to a saved session and back: what of them goes into the file, and how they are played anew from it, with every
step compared with what it was.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.agents.groups import Grouping
from zoo_gui.engine.lane import Lane
from zoo_gui.engine.one_game import gather
from zoo_gui.engine.regroup import give, known, take_away
from zoo_gui.play.bundles import LARGEST_WEIGHTS, MOST_GROUPINGS, SCREEN_EVERY, Bundle, LaneRecord, sum_of
from zoo_gui.play.moments import Moments
from zoo_gui.play.paths import BEGINS, ELSEWHERE, JOINED, Path, Taken, edited_layers, put_under, under, way
from zoo_gui.provenance import provenance
from zoo_gui.types import Progress, StepSummary, ZooError

CLOSE = 1e-3
"""Scores that differ by less are the same network on another processor or another TensorFlow."""
SAVED_WITH = "It was saved with"
_PART = re.compile(r"\.(index|meta|data-\d+-of-\d+)$|^checkpoint$|^saved_model\.pb$")
"""Names of files that are a part of a TensorFlow checkpoint or model."""


# -- saving ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Kept:
    """A lane as it was when saving began. left_out: why its weights are not saved though they were to be, else ""."""

    facts: dict[str, Any]
    moments: Moments
    taken: Mapping[int, Taken]
    weights: FilePath | None
    groups: tuple[Grouping, ...]
    left_out: str = ""


def kept(lane: Lane, shown: int, weights: bool) -> Kept:
    """A lane now, for another thread. shown: the id of the moment on screen. weights: whether they are to be saved."""
    agent, player = lane.loaded, lane.player
    facts = {
        "id": lane.agent_id, "title": lane.title, "game": player.emulator.game, "rom": "", "asked": dict(lane.asked),
        "player": player.controller, "hash": agent.hash if agent else "", "card": agent.card.to_toml() if agent else "",
        "actions": list(player.action_names), "at": shown if shown in lane.path.taken else None,
    }  # fmt: skip
    file = lane.file if weights and agent is not None else None
    why = _unfit(file, agent.card.weights.format) if file is not None else ""
    left_out = f"The session was saved without the weights of {lane.title}: {why}. " if why else ""
    left_out += "Where this agent is not, only its game will be seen." if why else ""
    return Kept(facts, lane.moments.freeze(), dict(lane.path.taken), None if why else file, known(lane), left_out)


def _unfit(file: FilePath, format: str) -> str:
    """Why weights cannot be in a session, which has one file of an agent; "" where they can."""
    if not file.exists():
        return f"{file} is not there any more"
    parts = file.is_dir() or format in ("saved-model", "orbax") or _PART.search(file.name) is not None
    # an early TensorFlow's checkpoint may be one file
    if parts or format == "tensorflow-checkpoint" and file.with_name(f"{file.name}.index").exists():
        return "they are several files, and one of an agent is the most"
    size = file.stat().st_size
    if size > LARGEST_WEIGHTS:
        return f"they are {size >> 20:,} MiB, and {LARGEST_WEIGHTS >> 20} MiB is the most"
    return ""


def recorded(one: Kept) -> Iterator[Progress]:
    """The last Progress has the LaneRecord."""
    moments = one.moments
    ids = [number for number in moments.column("id").tolist() if number in one.taken]
    taken: dict[int, Taken] = {}
    for number in ids:
        chain = []
        for before in way(one.taken, number):
            if before in taken:
                break
            chain.append(before)
        taken |= {before: one.taken[before] for before in reversed(chain)}
    # what a step followed and is not kept any more
    taken = {number: made if made.after in taken or made.after < 0 and made.after >= ELSEWHERE
             else made._replace(after=ELSEWHERE) for number, made in taken.items()}  # fmt: skip
    sums, decided, ram, scores = {}, {}, moments.column("ram"), moments.column("scores")
    for row, number in enumerate(moments.column("id").tolist()):
        if number in taken:
            screen = sum_of(moments.frame(row).tobytes()) if number % SCREEN_EVERY == 0 else 0
            sums[number] = sum_of(ram[row].tobytes()), screen
            if moments.layers:
                decided[number] = scores[row]
        if row % 64 == 0:
            yield Progress(row, len(moments), f"gathering {one.facts['title']}")
    facts = {**one.facts, "rom": rom_sum(one.facts["game"])}
    facts["at"] = facts["at"] if facts["at"] in taken else None
    try:
        weights = one.weights.read_bytes() if one.weights is not None else b""
    except OSError as error:
        raise ZooError(f"The weights {one.weights} cannot be read ({error.strerror}): save the session without "
                       "weights.") from error  # fmt: skip
    edited = edited_layers(taken)
    groups = tuple(group for group in one.groups if group.there or group.name in edited)[:MOST_GROUPINGS]
    yield Progress(1, 1, "gathered", LaneRecord(facts, taken, sums, decided, weights, groups))


def rom_sum(game: str) -> str:
    """MD5, hex, of a game's ROM: as ALE names ROMs. Raises ZooError."""
    from zoo_gui.play.games import rom_path

    return hashlib.md5(rom_path(game).read_bytes(), usedforsecurity=False).hexdigest()


# -- what differs before anything is played -------------------------------------------------------------------------
def differences(lanes: Sequence[Lane], bundle: Bundle) -> list[str]:
    """What is not as it was where the session was saved: sentences, the weightiest first. Without them all is equal."""
    found = []
    for lane, record in zip(lanes, bundle.lanes):
        facts, agent = record.facts, lane.loaded
        if facts["hash"] and agent is None:
            found.append(f"{facts['title']} is not here: its game is shown, but not what it thought.")
        elif agent is not None and agent.hash != facts["hash"]:
            found.append(f"{facts['title']} is another agent here than it was then, though it is called the same.")
        if rom_sum(lane.player.emulator.game) != facts["rom"]:
            found.append(f"The ROM of {lane.player.emulator.title} is another one here.")
    here, then = _versions(provenance()), _versions(bundle.told)
    found += [f"{SAVED_WITH} {name} {then[name]}, here is {here.get(name, 'none')}."
              for name in then if then[name] != here.get(name)]  # fmt: skip
    return list(dict.fromkeys(found))


def grave(found: Sequence[str]) -> list[str]:
    """Of these differences those that make it another session: other agents, other ROMs; not only other versions."""
    return [sentence for sentence in found if not sentence.startswith(SAVED_WITH)]


def _versions(told: Mapping[str, Any]) -> dict[str, str]:
    versions = told.get("versions")
    found = {str(name): str(version)[:40] for name, version in versions.items()} if isinstance(versions, dict) else {}
    name, _, version = str(told.get("made_by", ""))[:60].partition(" ")
    return {**({name: version} if version else {}), **dict(sorted(found.items())[:8])}


# -- playing it anew ------------------------------------------------------------------------------------------------
@dataclass
class LaneReport:
    """How a lane's steps compare. world, decision: the first step, (episode, index), at which the game was not as it
    was, or the agent would not do what it did; None: none. far: the greatest difference between two scores."""

    title: str
    steps: int = 0
    world: tuple[int, int] | None = None
    decision: tuple[int, int] | None = None
    far: float = 0.0
    checked: int = 0

    def row(self) -> dict[str, Any]:
        """As plain data."""
        return {"title": self.title, "steps": self.steps, "checked": self.checked, "game_differs_at": self.world,
                "decision_differs_at": self.decision, "greatest_difference": self.far}  # fmt: skip


@dataclass
class Report:
    """notes: sentences on what could not be played as it was."""

    lanes: list[LaneReport]
    notes: list[str] = field(default_factory=list)
    summaries: list[list[StepSummary]] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether all came again bit for bit, decisions too."""
        return not self.notes and all(not (one.world or one.decision or one.far) for one in self.lanes)

    @property
    def sentences(self) -> list[str]:
        """What differs, for people."""
        found = list(self.notes)
        for one in self.lanes:
            if one.world is not None:
                found.append(f"The game of {one.title} is not as it was from step {_at(one.world)} on.")
            if one.decision is not None:
                found.append(f"{one.title} decides otherwise at step {_at(one.decision)}; the actions shown are those "
                             "that it took then.")  # fmt: skip
            elif one.far:
                why = "another processor or TensorFlow" if one.far < CLOSE else "another network"
                found.append(f"Scores of {one.title} differ by {one.far:.1g} at most, as {why} gives them; its actions "
                             "are the same.")  # fmt: skip
        return found


def _at(place: tuple[int, int]) -> str:
    return f"{place[1]:,}" + (f" of game {place[0] + 1}" if place[0] else "")


def played_anew(bundle: Bundle, lanes: Sequence[Lane]) -> Iterator[Progress]:
    """Play what a session has, with fresh lanes of its agents; the last Progress has the Report, and the lanes have the
    moments with their ids, and stand where they stood. A lane without the network that it had then watches its own
    game."""
    replay = _Replay(bundle, lanes)
    numbers = sorted({number for record in bundle.lanes for number in record.taken if number >= 0})
    for done, number in enumerate(numbers):
        told = Progress(done, len(numbers), f"{done:,} of {len(numbers):,} steps")
        for extra in replay.play(number):  # steps that only lead to it: they may be very many
            if extra % 4 == 0:
                yield told
        if done % 4 == 0:
            yield told
    replay.end()
    yield Progress(1, 1, "played", replay.report)


class _Replay:
    def __init__(self, bundle: Bundle, lanes: Sequence[Lane]):
        self.bundle, self.lanes = bundle, list(lanes)
        self.report = Report([LaneReport(record.facts["title"]) for record in bundle.lanes],
                             summaries=[[] for _ in lanes])  # fmt: skip
        self._blind = [bool(record.facts["hash"]) and lane.player.agent is None
                       for record, lane in zip(bundle.lanes, lanes)]  # fmt: skip
        self._names: list[dict[int, int]] = [{} for _ in lanes]  # numbers of the file → those of the lane's path
        for record, lane, blind in zip(bundle.lanes, lanes, self._blind):
            if not blind and list(lane.player.action_names) != list(record.facts["actions"]):
                raise ZooError(f"{record.facts['title']} has other actions here than it had then: it is another agent.")
            for fault in give(lane, record.groups):
                self._note(fault)
            lane.player.restart(0)
            lane.path = Path(max(lane.moments.capacity, len(record.taken)))
            lane.forget()
            lane.path.at = ELSEWHERE

    def play(self, number: int) -> Iterator[int]:
        """All lanes' steps of that id; yields after each step that has no id, their count so far, so that whoever waits
        can stop it."""
        due = [(i, record.taken[number]) for i, record in enumerate(self.bundle.lanes) if number in record.taken]
        for i, made in due:
            if made.after != JOINED:
                yield from self._place(i, made)
        leads = next((i for i, made in due if made.after != JOINED), None)
        for i, made in due:
            if made.after == JOINED:
                yield from self._join(i, made, leads)
        for i, made in sorted(due, key=lambda one: one[1].watched):
            self._step(i, number, made)

    def _place(self, i: int, made: Taken) -> Iterator[int]:
        """Bring a lane to where it was before a step."""
        lane, record, names = self.lanes[i], self.bundle.lanes[i], self._names[i]
        chain, after = [], made.after
        while after >= 0 or after < ELSEWHERE:
            if names.get(after) == lane.path.at or after in names and after >= 0:
                break
            chain.append(after)
            after = record.taken[after].after
        if after in (BEGINS, ELSEWHERE, JOINED):
            first = record.taken[chain[-1]] if chain else made
            yield from self._begin(i, first, known=after == BEGINS)
        elif names[after] != lane.path.at:
            lane.seek(lane.moments, after)
            self._pass_by(i, record.taken[after], after)
        for done, before in enumerate(reversed(chain), 1):
            self._pass_by(i, record.taken[before], None)
            names[before] = lane.path.at
            yield done

    def _pass_by(self, i: int, made: Taken, number: int | None) -> None:
        seen = self._seen(i, made)
        self._put_under(i, seen)
        self.lanes[i].pass_by(seen._replace(under=under(self.lanes[i].player)), number)

    def _put_under(self, i: int, taken: Taken) -> None:
        """The circumstances of a step, as far as there are such here."""
        try:
            put_under(self.lanes[i].player, taken.under)
        except ZooError as error:  # an edit of a layer that the agent does not have here
            self._note(f"{self.lanes[i].title}: {error} The step is played without that.")

    def _begin(self, i: int, made: Taken, known: bool) -> Iterator[int]:
        """Begin the episode of a step, and play up to it by the agent's own decisions where nobody knows better."""
        lane, player = self.lanes[i], self.lanes[i].player
        player.restart(made.under.seed)
        player.begin(made.episode)
        lane.forget()
        if known:
            return
        self._note(f"What led to step {made.index:,} of {lane.title}'s game is not in the file: it was played by the "
                   "agent's own decisions.")  # fmt: skip
        for done in range(1, made.index + 1):
            if player.step(pictures=False).done:  # its own decisions lead nowhere near that step
                break
            yield done
        lane.path.at = ELSEWHERE

    def _join(self, i: int, made: Taken, leads: int | None) -> Iterator[int]:
        lanes = self.lanes
        # only a made-up file has agents of two games in one; the emulator would not survive the other's state
        if leads is None or lanes[leads].player.emulator.game != lanes[i].player.emulator.game:
            yield from self._begin(i, made, known=False)
        else:
            gather(self.lanes[leads], [self.lanes[leads], self.lanes[i]])

    def _seen(self, i: int, made: Taken) -> Taken:
        """A step as this lane can take it: without its network it follows what was played."""
        if not self._blind[i]:
            return made
        return made._replace(watched=True, under=made.under._replace(controller="random", edits=(), cover=None))

    def _step(self, i: int, number: int, made: Taken) -> None:
        lane, record, report = self.lanes[i], self.bundle.lanes[i], self.report.lanes[i]
        taken = self._seen(i, made)
        self._put_under(i, taken)
        watched = taken.watched
        step, summary = lane.step(number, False, None, taken.played if watched else None,
                                  None if watched else taken.action)  # fmt: skip
        self._names[i][number] = lane.path.at
        self.report.summaries[i].append(summary)
        report.steps += 1
        ram, screen = record.sums.get(number, (0, 0))
        report.checked += bool(ram)
        same = (step.episode, step.index) == (made.episode, made.index) and ram in (0, sum_of(step.ram.tobytes()))
        if report.world is None and not (same and screen in (0, sum_of(step.frame.tobytes()))):
            report.world = made.episode, made.index
        scores = record.scores.get(number)
        if scores is not None and step.decision.scores.size and report.world is None:
            report.far = max(report.far, float(np.abs(step.decision.scores - scores).max()))
            differs = lane.player.wanted != made.action if made.under.controller == "agent" else False
            if report.decision is None and differs and not made.under.disturbance.on:
                report.decision = made.episode, made.index

    def _note(self, sentence: str) -> None:
        if sentence not in self.report.notes and len(self.report.notes) < 8:
            self.report.notes.append(sentence)

    def end(self) -> None:
        """Have the lanes stand before the step that was on screen."""
        for i, (lane, record) in enumerate(zip(self.lanes, self.bundle.lanes)):
            at = record.facts["at"]
            if at is None or at not in self._names[i] or at < 0:
                at = max((number for number in record.taken if number >= 0), default=None)
            gone = {group.name for group in record.groups if not group.there}
            if at is None:
                take_away(lane, gone)
                continue
            lane.seek(lane.moments, at)
            take_away(lane, gone)
            now = self._seen(i, record.taken[at]).under
            now = now._replace(edits=tuple(edit for edit in now.edits if edit[0][0] not in gone))
            try:
                put_under(lane.player, now)
            except ZooError as error:
                self._note(f"{lane.title}: {error}")
            chance = record.facts["player"] == "agent" and lane.player.agent is None
            lane.player.controller = "random" if chance else record.facts["player"]
