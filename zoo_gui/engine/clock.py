"""The engine's clock: steps all lanes together, a few ticks ahead of what is shown, and goes back or on as told.

Commands that bear on the next step are here; ``server`` has those that load agents and run jobs.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Callable

from zoo_gui.engine.shared import SLOTS, UNLIMITED
from zoo_gui.types import Step, Unit, ZooError

if TYPE_CHECKING:  # the front end imports this module to start it, and must not pay for the emulator
    from zoo_gui.engine.lane import Lane
    from zoo_gui.engine.why import Explainer

log = logging.getLogger(__name__)

#: When the lanes run as fast as they go, the time in seconds between two steps whose arrays are passed on; and with
#: saliency, which costs as much as a step or two.
SHOW_EVERY, SHOW_EVERY_WITH_SALIENCY = 0.0165, 0.033


class Clock:
    """The lanes under one clock. Each method ``do_…`` is a command; all run in the main thread, between two ticks.

    epoch, tick: where the lanes are; granted: up to which tick they may step. moment: steps since the engine started,
    what the lanes' moments are called. all_frames: whether steps carry every emulator frame. game: whose input they
    see.
    """

    def __init__(self):
        self.lanes: list[Lane] = []
        self.epoch = self.tick = self.granted = self.moment = 0
        self.all_frames, self._shown_at = True, 0.0
        from zoo_gui.engine.one_game import OneGame

        self.game = OneGame()
        self._explainer: Explainer | None = None  # imported when it is wanted

    def send(self, *event: Any) -> None:
        """Tell the front end."""
        raise NotImplementedError

    def _changed_input(self) -> None:
        """Tell the front end that the lanes see another game."""
        raise NotImplementedError

    # -- stepping -----------------------------------------------------------------------------------------------
    def _has_credit(self) -> bool:
        return bool(self.lanes) and not self.game.ended and (self.granted == UNLIMITED or self.tick < self.granted)

    def _may_step(self) -> bool:
        if not self._has_credit():
            return False
        # Unpaced, a step without a free slot is simply not shown; paced, every step is.
        return self.granted == UNLIMITED or self._free_slots() > 0

    def _free_slots(self) -> int:
        return min(lane.shared.free_slots for lane in self.lanes)

    def _guarded_tick(self) -> None:
        try:
            self._step_all()
        except Exception as error:
            log.exception("a step failed")
            self.granted = self.tick
            sentence = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
            self.send("stopped", f"The game stopped at a step that failed ({sentence}). Restart to go on.")

    def _step_all(self) -> None:
        show, made = self._due() or (self.game.ends and self._free_slots() > 0), {}
        for i in self.game.order(self.lanes):
            lane = self.lanes[i]
            if show:
                lane.remember(self.tick)
            explain = self._explain(i) if show else None
            made[i] = lane.step(self.moment, self.all_frames and show, explain, self.game.follow(lane))
        for i, (step, summary) in enumerate(self.game.measured(self.lanes, [made[i] for i in sorted(made)])):
            # The summary goes first: whoever sees the step must find its row.
            self.lanes[i].shared.write_summary(self.epoch, self.tick, summary)
            if show:
                self.lanes[i].shared.write_step(self.epoch, self.tick, step)
                self._offer(i, step)
        self.game.stepped(made[0][0].moment)
        self.tick += 1
        self.moment += 1
        if self.game.ended:
            self.send("recording_ended", self.epoch, self.tick - 1)

    def _due(self) -> bool:
        """Whether the coming step's arrays are passed on."""
        if self.granted != UNLIMITED:
            return True
        now = time.perf_counter()
        free = self._free_slots()
        # A slot stays free for the step that a pause shows, and who has not read the last step needs no newer one yet.
        explains = self._explainer is not None and self._explainer.in_step(self.all_frames)
        pause = SHOW_EVERY_WITH_SALIENCY if explains else SHOW_EVERY
        if free < SLOTS - 1 or now - self._shown_at < pause:
            return False
        self._shown_at = now
        return True

    # -- why ----------------------------------------------------------------------------------------------------
    def _explain(self, lane: int) -> Callable | None:
        """What makes the map of a lane's coming step, where it is made within the step."""
        if self._explainer is None or not self._explainer.in_step(self.all_frames):
            return None
        return self._explainer.function(lane)

    def _offer(self, lane: int, step: Step) -> None:
        """Have a step explained beside the game, where its method is too slow for the step itself."""
        explainer, player = self._explainer, self.lanes[lane].player
        if explainer is None or explainer.wish is None or explainer.in_step(self.all_frames) or player.agent is None:
            return
        from zoo_gui.engine.why import Moment

        decision = step.decision
        explainer.offer(lane, Moment(step.moment, player.deciding, step.observation, player.state_before,
                                     decision.action, decision.activations))  # fmt: skip

    def _forget_maps(self, lanes_too: bool = False) -> None:
        if self._explainer is not None:
            self._explainer.forget(lanes_too)

    # -- commands: clock ----------------------------------------------------------------------------------------
    def do_grant(self, upto: int, epoch: int) -> None:
        """Allow steps before tick ``upto`` (UNLIMITED: as fast as it goes)."""
        if epoch == self.epoch:
            self.granted = upto
            if self.game.ended and upto > self.tick:
                self.send("recording_ended", self.epoch, self.tick - 1)

    def do_hold(self, epoch: int) -> None:
        """End unpaced running with one more step whose arrays are passed on, so what is shown is where we are; at a
        recording's end the last one was."""
        if self.lanes:
            self.granted = self.tick + 1
        self.send("held", self.tick - 1 if self.game.ended else self.tick, epoch)

    def do_rewind(self, to: int, epoch: int) -> None:
        """Start epoch ``epoch`` at tick ``to``: what was stepped ahead of the front end is taken back."""
        if epoch < self.epoch:
            return
        self.epoch = epoch
        self._forget_maps()
        if to < self.tick:
            rewound = [lane.rewind(to) for lane in self.lanes]
            if rewound and all(rewound):
                self.moment -= self.tick - to
                self.game.went_back(self.tick - to)
                self.tick = to
                for lane in self.lanes:
                    lane.moments.forget_after(self.moment)
        self.granted = self.tick
        self.send("rewound", epoch, self.tick)

    def do_show(self, all_frames: bool) -> None:
        """Whether steps carry all emulator frames or only the one that the agent saw."""
        self.all_frames = all_frames

    def do_restart(self, epoch: int, seed: int | None) -> None:
        """Start all games anew, at tick 0 of ``epoch``."""
        if epoch >= self.epoch:
            for lane in self.lanes:
                lane.player.restart(seed)
                lane.number = 0
                lane.forget()
            self.game.begin()
            self._begin(epoch)

    def do_next_episode(self, epoch: int) -> None:
        if epoch >= self.epoch:
            for lane in self.lanes:
                lane.player.next_episode()
                lane.forget()
            self.game.begin(next_game=True)
            self._begin(epoch)

    def do_seek(self, epoch: int, lane: int, moment: int, source: str = "session", settings: tuple = ()) -> None:
        """Go on from a moment, at tick 0 of ``epoch``: of the sitting, where every lane that has it goes there, or of a
        lane's rollout of these settings."""
        if epoch < self.epoch:
            return
        if source == "session":
            went = [one for one in self.lanes if one.seek(one.moments, moment)]
        else:
            together = self.lanes if "together" in settings else [self.lanes[lane]]
            went = [one for one in together if settings in one.rollouts and one.seek(one.rollouts[settings], moment)]
        mode = self.game.mode
        self.game.sought(self.lanes, went, moment if source == "session" else None)
        self._begin(epoch)
        if self.game.mode != mode:
            self._changed_input()
        if not went:
            self.send("error", "This moment is no longer kept: the newest are, some minutes of play.")

    def _begin(self, epoch: int) -> None:
        self.epoch, self.tick, self.granted = epoch, 0, 0
        self._forget_maps()
        self.send("rewound", epoch, 0)

    # -- commands: who plays, and how ---------------------------------------------------------------------------
    def do_player(self, lane: int, kind: str) -> None:
        if lane < len(self.lanes):
            self.lanes[lane].player.controller = kind

    def do_human_action(self, lane: int, index: int) -> None:
        if lane < len(self.lanes):
            self.lanes[lane].player.human_action = index

    def do_saliency(self, target: str | Unit | None, method: str = "gradient", options: dict | None = None) -> None:
        """Explain this from the next step on, None: nothing. target: as ``analysis.targets`` reads it."""
        if self._explainer is None:
            from zoo_gui.engine.why import Explainer

            self._explainer = Explainer(self.send)
        self._explainer.set(target, method, options)

    def do_explain(self, lane: int, moment: int) -> None:
        """Make the map of a moment of the sitting, which is on screen, where its method is too slow for the steps."""
        explainer, one = self._explainer, self.lanes[lane] if lane < len(self.lanes) else None
        row = None if one is None else one.moments.row_of(moment)
        if row is None or explainer is None or explainer.wish is None or explainer.in_step(self.all_frames):
            return
        from zoo_gui.engine.why import Moment

        seen = one.moments.observation(row), one.moments.column("state")[row], int(one.moments.column("action")[row])
        explainer.offer(lane, Moment(moment, one.player.deciding, *seen), urgent=True)

    def do_cover(self, lane: int, box: tuple[int, int, int, int] | None, fill: str = "mean") -> None:
        """Cover a part of what a lane's agent sees, in observation pixels; None: it sees all again."""
        from zoo_gui.play.cover import checked

        if lane >= len(self.lanes):
            return
        player = self.lanes[lane].player
        if box is not None and player.agent is None:
            raise ZooError("This player sees nothing that could be covered: open an agent first.")
        player.cover = None if box is None else checked(box, player.agent.observation_shape, fill)

    def do_pins(self, lane: int, units: tuple[Unit, ...]) -> None:
        if lane < len(self.lanes):
            self.lanes[lane].pins = tuple(Unit(*unit) for unit in units)

    def do_edit(self, lane: int, unit: Unit, gain: float, offset: float) -> None:
        if (agent := self._agent(lane)) is not None:
            agent.edit(Unit(*unit), gain, offset)

    def do_clear_edits(self, lane: int) -> None:
        if (agent := self._agent(lane)) is not None:
            agent.clear_edits()

    def _agent(self, lane: int) -> Any:
        """A lane's network; None where it has none, or is gone: commands may come after what they were meant for."""
        return self.lanes[lane].player.agent if lane < len(self.lanes) else None
