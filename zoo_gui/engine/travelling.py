"""Going to a step of a seed's game: played from the episode's beginning as fast as it goes, so it is that moment bit
for bit; and saying by which seed and step the moment on screen is reached.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Sequence

from zoo_gui.engine.comparing import Comparing
from zoo_gui.types import Progress, Unit, ZooError
from zoo_gui.views import Change, Place

if TYPE_CHECKING:
    from zoo_gui.engine.lane import Lane

log = logging.getLogger(__name__)

TELL_EVERY = 0.1
"""Seconds between two reports of how far a journey is."""
ENDING = frozenset((
    "restart", "next_episode", "seek", "share", "own", "swap", "place", "remove", "place_recording", "player", "cover",
    "edit", "clear_edits", "disturb", "go_to", "place_session",
))  # fmt: skip
"""Commands that change what is played, or where it is: a journey that is under way ends there."""


class Journey:
    """Lanes on their way to a step each. left: how many steps each has still to go. notes: sentences on what was not
    as it was asked for."""

    def __init__(self, key: str, epoch: int, lanes: Sequence[Lane], places: Sequence[Place]):
        self.key, self.epoch, self.lanes, self.places = key, epoch, list(lanes), list(places)
        self.left = [place.step or 0 for place in places]
        self.total = max(self.left)
        self.notes: list[str] = []
        self.told = 0.0
        self._due = [sorted(place.changes, key=lambda one: one.start) for place in places]

    @property
    def going(self) -> list[int]:
        """The lanes that make the coming step: those that have farthest to go, so that all arrive with one step."""
        most = max(self.left)
        return [i for i, left in enumerate(self.left) if left == most and most > 0]

    def prepare(self, i: int) -> None:
        """Make the changes that hold from a lane's coming step on. Raises ZooError."""
        player, due = self.lanes[i].player, self._due[i]
        while due and due[0].start <= player.place[1]:
            _make(player, due.pop(0))

    def leave(self) -> None:
        """It ends before its step: the changes that were still to come are made, since the window says so."""
        for lane, due in zip(self.lanes, self._due):
            try:
                while due:
                    _make(lane.player, due.pop(0))
            except ZooError as error:
                log.warning("a change was not made: %s", error)

    def end_early(self, i: int, message: str) -> None:
        """A lane's game is over."""
        self.left[i] = 0
        self.notes.append(message)


def _make(player: Any, change: Change) -> None:
    from zoo_gui.play.cover import checked
    from zoo_gui.play.disturbance import Disturbance

    if change.kind != "disturb" and player.agent is None:
        raise ZooError("The link changes an agent's network, but this player has none.")
    if change.kind == "edit":
        unit, gain, offset = change.value
        player.agent.edit(Unit.parse(f"{unit[0]}:{unit[1]}", player.agent.layers), gain, offset)
    elif change.kind == "cover":
        player.cover = checked(change.value[0], player.agent.observation_shape, change.value[1])
    else:
        player.disturbance = Disturbance(**dict(change.value))


class Travelling(Comparing):
    """The part of Server for it. Commands run in the main thread, between two ticks."""

    def __init__(self):
        super().__init__()
        self._journey: Journey | None = None

    # -- going --------------------------------------------------------------------------------------------------
    def do_go_to(
        self, epoch: int, key: str, places: Sequence[Place], numbers: Sequence[int], driver: int | None = None
    ) -> None:
        """Have every lane go to its place, at tick 0 of ``epoch``; the last Progress under that key has sentences on
        what was not as asked for. numbers: of what disturbs each lane. driver: the lane whose game all see, None: each
        plays its own. What was changed, covered or disturbed before is not any more."""
        if epoch < self.epoch or len(places) != len(self.lanes):  # whoever waits for that key must hear of it
            self.send("failed", key, "The agents changed before the link was there: open it again.")
            return
        before = self._input()
        try:
            self._set_out(epoch, key, places, driver)
            for lane, number in zip(self.lanes, numbers):
                lane.disturbance = number
        except ZooError as error:
            self._journey = None
            self.send("failed", key, str(error))
        self._begin(epoch)
        if self._input() != before:
            self._changed_input()
        else:  # what is on screen stays there until the new step comes
            self.send("swapped", self.epoch, self.tick, self.described())

    def _input(self) -> tuple:
        """Whose game each lane sees, and at what rhythm."""
        return self.game.frame_skip, *(self.game.role(lane) for lane in self.lanes)

    def _set_out(self, epoch: int, key: str, places: Sequence[Place], driver: int | None) -> None:
        from zoo_gui.play.paths import Under, put_under

        for lane, place in zip(self.lanes, places):
            chance = place.player == "random" or lane.player.agent is None
            put_under(lane.player, Under(place.seed, "random" if chance else "agent"))
            lane.player.restart(place.seed)
            lane.player.begin(place.episode)
            lane.number = 0
            lane.forget()
        self.game.own()
        if driver is not None:
            self.game.share_from_beginning(self.lanes, self.lanes[driver])
            at = places[driver]  # where those that watch are is the driver's matter
            places = [replace(place, episode=at.episode, step=at.step) for place in places]
        self._journey = Journey(key, epoch, self.lanes, places)

    def _may_step(self) -> bool:
        return self._journey is not None or super()._may_step()

    def _guarded_tick(self) -> None:
        journey = self._journey
        if journey is None:
            super()._guarded_tick()
            return
        try:
            self._travel(journey)
        except Exception as error:
            self._journey = None
            sentence = str(error)
            if not isinstance(error, ZooError):
                log.exception("a step failed on the way")
                sentence = f"The game stopped at a step that failed ({type(error).__name__}: {error})."
            self.send("failed", journey.key, sentence)

    def _travel(self, journey: Journey) -> None:
        going = journey.going
        for i in going or range(len(self.lanes)):
            journey.prepare(i)
        if not going:
            self._journey = None
            self.send("progress", journey.key, Progress(1, 1, "there", tuple(journey.notes)))
            self.send("finished", journey.key, None)
            return
        made = {}
        for i in (i for i in self.game.order(self.lanes) if i in going):
            lane = self.lanes[i]
            made[i] = lane.step(self.moment, False, None, self.game.follow(lane))
            journey.left[i] -= 1
        steps = [made[i] for i in sorted(made)]
        if len(made) == len(self.lanes):
            steps = self.game.measured(self.lanes, steps)
        for i, (step, summary) in zip(sorted(made), steps):
            self.lanes[i].shared.write_summary(self.epoch, 0, summary)
            if step.done and journey.left[i]:
                self._end_of_game(journey, i, step.index)
        self.moment += 1
        if time.monotonic() - journey.told > TELL_EVERY:
            journey.told, done = time.monotonic(), journey.total - max(journey.left)
            self.send("progress", journey.key, Progress(done, journey.total, f"{done:,} of {journey.total:,} steps"))

    def _end_of_game(self, journey: Journey, i: int, last: int) -> None:
        """The game was over before the step: stand before its last one."""
        lane, asked = self.lanes[i], journey.places[i].step
        lane.seek(lane.moments, self.moment)
        whose = "" if len(self.lanes) == 1 or self.game.mode == "shared" else f" of {lane.title}"
        if self.game.mode == "shared" and journey.notes:  # it is one game, and it was said
            journey.left[i] = 0
        else:
            journey.end_early(i, f"Step {asked:,} is not there: this game{whose} ends with step {last:,}, shown here.")

    def obeying(self, name: str) -> None:
        """A command comes: one that leads elsewhere ends the journey."""
        if self._journey is not None and name in ENDING:
            journey, self._journey = self._journey, None
            journey.leave()
            sentence = "The way to the link's step was left, because something else was done meanwhile."
            self.send("failed", journey.key, sentence)

    def stop_travelling(self, key: str) -> None:
        """Stay where the lanes are."""
        if self._journey is not None and self._journey.key == key:
            journey, self._journey = self._journey, None
            journey.leave()

    # -- saying where -------------------------------------------------------------------------------------------
    def do_where(self, key: str, moments: Sequence[int]) -> None:
        """Say, under a key, by which places the lanes come to these moments: a Progress with (places, notes)."""
        found, notes = [], []
        try:
            for lane, moment in zip(self.lanes, moments):
                place, note = self._place(lane, moment)
                found.append(place)
                notes += [note] if note and note not in notes else []
        except Exception as error:
            log.exception("a moment's way was not found")
            sentence = f"The way to this moment was not found ({type(error).__name__}: {error})."
            self.send("failed", key, str(error) if isinstance(error, ZooError) else sentence)
            return
        if self.game.mode == "replay":
            notes = ["the game on screen is a recording, which only a saved session can bring back"]
        self.send("progress", key, Progress(1, 1, "there", (tuple(found), tuple(notes))))
        self.send("finished", key, None)

    def _place(self, lane: Lane, moment: int) -> tuple[Place, str]:
        """Where a moment is, and what of it a place does not say."""
        from zoo_gui.play.paths import BEGINS, changes_of

        taken, player, asked = lane.path.taken, lane.player, dict(lane.asked)
        base = Place(player.seed, *player.place, asked.get("game", ""), asked.get("sticky"))
        if moment not in taken:
            return base, "this moment is not kept any more"
        steps = [taken[number] for number in lane.path.way(moment)]
        now, watches = steps[-1], self.game.role(lane) == "watches"
        base = Place(now.under.seed, now.episode, now.index, base.game, base.sticky)
        players = {step.under.controller for step in steps if not step.watched} - ({"agent"} if player.agent else set())
        note, changes = "", ()
        if steps[0].after != BEGINS or len(steps) != now.index + 1:
            note = "what was before is not kept" if not watches else f"{lane.title} came to this game later"
        elif any(step.watched != watches for step in steps):
            note = "another agent drove for a part of this game"
        elif len({step.under.controller for step in steps}) > 1 or "human" in players:
            note = "a person played, or the player changed"
        else:
            try:
                changes = changes_of([step.under for step in steps])
            except ZooError as error:
                note = str(error)
            if any(change.kind == "edit" and change.value[0][0] in lane.groups for change in changes):
                note, changes = "a group of units was changed", ()
        chosen = "random" if players == {"random"} and player.agent is not None and not note else ""
        return Place(base.seed, base.episode, base.step, base.game, base.sticky, chosen, changes), note
