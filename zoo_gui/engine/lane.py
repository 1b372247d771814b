"""One player inside the engine: an agent in its game, its shared memory, pins, recent snapshots and moments."""

from __future__ import annotations

import dataclasses
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

from zoo_gui.agents.groups import Grouping
from zoo_gui.engine.shared import MAX_PINS, SharedLane
from zoo_gui.play.meaning import meanings
from zoo_gui.play.moments import KEY_EVERY, Moments, go_back, keep, of_player, record
from zoo_gui.play.paths import BEGINS, JOINED, Taken, put_under
from zoo_gui.play.paths import Path as Way
from zoo_gui.play.played import Played
from zoo_gui.play.games import title as game_title
from zoo_gui.play.player import Player
from zoo_gui.types import LaneInfo, Step, StepSummary, Unit, ZooError

#: How many ticks back the engine can go: more than it ever runs ahead of the front end.
HISTORY = 16


class Lane:
    """A Player with what the engine keeps beside it. ``number`` counts the steps since the lane's last (re)start.

    moments: of the sitting so far; their ids are the engine's count of steps. rollouts: recorded, by their settings.
    disturbance: the number of what disturbs the player, 0: nothing. path: how the player came to each moment. asked:
    (name, value) of what it was loaded with, other than its own. file: of the weights, where they are one file of the
    person's: agents that come with the program are everywhere. loaded: the agent as it came, without layers of groups;
    groups: those that it has or had, as far as steps were taken with their units edited (``engine.regroup``).
    """

    def __init__(
        self, agent_id: str, title: str, description: str, player: Player, asked: tuple = (), file: Path | None = None
    ):
        self.agent_id, self.title, self.description, self.player = agent_id, title, description, player
        self.asked, self.file, self.loaded = asked, file, player.agent
        self.groups: dict[str, Grouping] = {}
        self.number = self.disturbance = 0
        self.pins: tuple[Unit, ...] = ()
        self.shared: SharedLane | None = None
        self.moments: Moments = of_player(player)
        self.rollouts: dict[tuple, Moments] = {}
        self.path = Way(self.moments.capacity)
        self._snapshots: deque = deque(maxlen=HISTORY)
        self._key_due, self._revisits = True, None

    @property
    def revisits(self) -> int | None:
        """The moment before which the player stands after it went there; None: after the last one."""
        return self._revisits

    def info(self, lane: int, role: str = "own", frame_skip: int | None = None) -> LaneInfo:
        """What the panels need to know, for column ``lane``; role, frame_skip: as in LaneInfo, by default its own."""
        player, agent, spec = self.player, self.player.agent, self.player.preprocessing
        return LaneInfo(
            lane=lane, agent_id=self.agent_id, title=self.title, game=game_title(player.emulator.game),
            layers=agent.layers if agent else (), action_names=player.action_names,
            screen=tuple(player.emulator.screen_shape[:2]),
            observation_shape=agent.observation_shape if agent else (0, 0, 0),
            frame_skip=frame_skip or player.frame_skip, input=role, seed=player.seed, player=player.controller,
            scores_kind=agent.scores_kind if agent else "logits", has_value=agent.has_value if agent else False,
            description=self.description, observation_range=spec.observation_range,
            observation_dtype="float32" if spec.is_float else "uint8",
            frame_channels=3 if spec.color == "rgb" else 1,
            frame_box=player.pipeline.frame_box if player.pipeline else None,
            meanings=meanings(player.emulator.minimal_actions, player.action_names),
            asked=self.asked, agent_hash=agent.hash if agent else "", card_hash=agent.card_hash if agent else "",
        )

    def share(self, info: LaneInfo) -> SharedLane:
        """Make the shared memory that fits this lane; the front end frees it."""
        self.shared = SharedLane(info)
        return self.shared

    def remember(self, tick: int) -> None:
        """Keep the state before the step of ``tick``, so that the engine can go back to it."""
        self._snapshots.append((tick, self.number, self.player.snapshot(), self._revisits, self.path.at))

    def rewind(self, tick: int) -> bool:
        """Restore the state before the step of ``tick``; False when it was not kept."""
        found = next((kept for kept in self._snapshots if kept[0] == tick), None)
        if found is None:
            return False
        self.number, self._revisits, self.path.at = found[1], found[3], found[4]
        self.player.restore(found[2])
        self._key_due = True
        while self._snapshots and self._snapshots[-1][0] >= tick:
            self._snapshots.pop()
        return True

    def forget(self, joined: bool = False) -> None:
        """Drop the kept states: what comes next does not follow from them. joined: the player stands now where another
        one stands; else an episode begins, or the player is brought elsewhere."""
        self._snapshots.clear()
        self._key_due, self._revisits = True, None
        self.path.at = JOINED if joined else BEGINS

    def seek(self, moments: Moments, moment: int) -> bool:
        """Go to where the player was before a moment, of the sitting or of a rollout; False where it is not kept."""
        at = self.path.at
        self.forget()
        found = go_back(self.player, moments, moment)
        self._revisits = moment if found and moments is self.moments else None
        if found and self._revisits is None:
            self.path.come_by(moments, moments.row_of(moment), self.player.seed)
        elif found:
            self.path.before(moment)
        else:
            self.path.at = at
        return found

    def pass_by(self, made: Taken, number: int | None) -> None:
        """Take a step again as it was taken, without keeping it. number: the moment that it is, None: it is none."""
        put_under(self.player, made.under)
        watched = made.watched
        step = self.player.step(follow=made.played if watched else None, forced=None if watched else made.action)
        self._revisits, self._key_due = None, True
        if number is None:
            self.path.took(self.player, step, None, watched)
        else:
            self.path.at = number

    def memory_before(self, moment: int | None) -> dict[str, Any]:
        """{"state": (S,) float32} of a recurrent network before a moment of the sitting; {} for one without memory.
        Raises ZooError where the moment is not kept."""
        if moment is None or not self.player.agent.initial_state.size:
            return {}
        row = self.moments.row_of(moment)
        if row is None:
            raise ZooError("This moment is no longer kept, and with it what the network remembered then.")
        return {"state": self.moments.column("state")[row]}

    def with_rollout(self, analysis: Callable, settings: tuple[int, int], parameters: dict[str, Any]) -> Iterator:
        """An analysis of the moments of a rollout of (steps, seed), played with this lane's game and sticky actions."""
        agent, settings = self.player.agent, tuple(settings)
        if settings not in self.rollouts:
            steps, seed = settings
            unedited = agent.with_weights({}) if agent is not None and agent.edits else agent
            game, sticky = self.player.emulator.game, self.player.sticky
            for progress in record(unedited, steps=steps, seed=seed, game=game, sticky=sticky):
                if progress.result is None:
                    yield progress
                else:
                    self.rollouts = {settings: progress.result}  # the newest is enough: 20 MB for 2,500 steps
        yield from analysis(agent, moments=self.rollouts[settings], **parameters)

    def step(
        self, moment: int, all_frames: bool, explain: Callable | None, follow: Played | None = None,
        forced: int | None = None,
    ) -> tuple[Step, StepSummary]:
        """Advance the player by one agent step, which becomes the moment of that id. explain: what makes its map, see
        ``why.Explainer.function``. follow, forced: see ``Player.step``."""
        key = self.player.snapshot() if self._key_due or moment % KEY_EVERY == 0 else None
        agent = self.player.deciding
        explain = None if explain is None or agent is None else partial(explain, agent)
        step = self.player.step(all_frames=all_frames, saliency=explain, follow=follow, forced=forced)
        if self._revisits is None or step.edited:  # a moment that is only looked at again is known already
            self._revisits = None
            keep(self.moments, self.player, step, moment, key, watched=follow is not None)
            self.path.took(self.player, step, moment, follow is not None)
            self._key_due = False
            if moment % 1024 == 0:
                self.path.trim(self.moments.column("id"))
        else:
            self.path.again(self.player, step, self._revisits, follow is not None)
        step = dataclasses.replace(step, moment=moment if self._revisits is None else self._revisits)
        self._revisits = None
        summary = self.player.summary(step, self.pins[:MAX_PINS])._replace(
            number=self.number, moment=step.moment, disturbance=self.disturbance
        )
        self.number += 1
        return step, summary
