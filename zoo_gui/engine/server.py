"""The engine's process: steps all lanes under one clock and runs analyses beside them.

Three threads: the main one steps the lanes, one reads commands, one (Streams) runs jobs, among them the loading of
agents. Commands are ``(name, keywords)``, events ``(name, …)``; see ``Server`` for the commands and
``zoo_gui.engine.host`` for the events.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator

from zoo_gui.engine.shared import SLOTS, UNLIMITED
from zoo_gui.types import CardNeeded, Progress, Step, Unit, ZooError
from zoo_gui.workers import Streams, lower_priority

if TYPE_CHECKING:  # the front end imports this module to start it, and must not pay for the emulator
    from zoo_gui.engine.lane import Lane
    from zoo_gui.engine.why import Explainer

log = logging.getLogger(__name__)

#: When the lanes run as fast as they go, the time in seconds between two steps whose arrays are passed on; and with
#: saliency, which costs as much as a step or two.
SHOW_EVERY, SHOW_EVERY_WITH_SALIENCY = 0.0165, 0.033
#: Lanes whose layers are made ready for feature visualization: more would not fit into its pool of graphs.
WARM_LANES = 2


def main(connection) -> None:
    """Entry of the engine's process, which ends when the front end says so or is gone."""
    logging.basicConfig(level=os.environ.get("ZOO_GUI_LOG", "ERROR"), stream=sys.stderr)
    # Graph building in the job thread holds the interpreter lock; a short switch interval keeps the steps on time.
    sys.setswitchinterval(0.0005)
    lower_priority(4)
    Server(connection).run()
    # No tidying up of interpreter and libraries: it takes a second, and what is frozen (see do_place) cannot be.
    connection.close()
    os._exit(0)


class Server:
    """Owns the lanes. Each method named ``do_…`` is a command; all run in the main thread, between two ticks."""

    def __init__(self, connection):
        self._connection = connection
        self._send_lock = threading.Lock()
        self._changed = threading.Condition()
        self._commands: deque[tuple[str, dict[str, Any]]] = deque()
        self._closing = False
        self.lanes: list[Lane] = []
        self.epoch = self.tick = self.granted = 0
        self.moment = 0  # steps since the engine started: what the lanes' moments are called
        self.all_frames, self._shown_at = True, 0.0
        self._explainer: Explainer | None = None  # imported when it is wanted
        self._prepared: dict[str, Any] = {}
        self._jobs = Streams(self._deliver, niceness=10)
        self._loader = Streams(self._deliver_load, name="zoo_gui loader")

    def run(self) -> None:
        """Serve until closed."""
        threading.Thread(target=self._read, name="zoo_gui commands", daemon=True).start()
        while not self._closing:
            self._obey()
            if self._may_step():
                self._guarded_tick()
            else:
                with self._changed:
                    if not self._commands and not self._closing:
                        # With credit left the reader is behind: look again shortly. Otherwise a command wakes us.
                        self._changed.wait(0.002 if self._has_credit() else 1.0)
        self._jobs.close(2.0)
        self._loader.close(0.1)
        self._drop_memory()

    # -- messages -----------------------------------------------------------------------------------------------
    def _read(self) -> None:
        while True:
            try:
                command = self._connection.recv()
            except (EOFError, OSError):
                command = ("close", {})
            with self._changed:
                self._commands.append(command)
                self._changed.notify()
            if command[0] == "close":
                return

    def send(self, *event: Any) -> None:
        """Tell the front end; when it is gone, end."""
        try:
            with self._send_lock:
                self._connection.send(event)
        except (OSError, ValueError):
            self._closing = True

    def _obey(self) -> None:
        while self._commands:
            name, keywords = self._commands.popleft()
            try:
                getattr(self, f"do_{name}")(**keywords)
            except ZooError as error:
                self.send("error", str(error))
            except Exception as error:
                log.exception("command %s failed", name)
                self.send("error", f"{name.capitalize()} failed ({type(error).__name__}: {error}).")

    def _deliver(self, key: str, kind: str, payload: Any) -> None:
        self.send(kind, key, payload)

    # -- stepping -----------------------------------------------------------------------------------------------
    def _has_credit(self) -> bool:
        return bool(self.lanes) and (self.granted == UNLIMITED or self.tick < self.granted)

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
        show = self._due()
        for i, lane in enumerate(self.lanes):
            if show:
                lane.remember(self.tick)
            step, summary = lane.step(self.moment, self.all_frames and show, self._explain(i) if show else None)
            # The summary goes first: whoever sees the step must find its row.
            lane.shared.write_summary(self.epoch, self.tick, summary)
            if show:
                lane.shared.write_step(self.epoch, self.tick, step)
                self._offer(i, step)
        self.tick += 1
        self.moment += 1

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
        explainer.offer(lane, Moment(step.moment, player.agent, step.observation, player.state_before, decision.action,
                                     decision.activations))  # fmt: skip

    def _forget_maps(self, lanes_too: bool = False) -> None:
        if self._explainer is not None:
            self._explainer.forget(lanes_too)

    # -- commands: clock ----------------------------------------------------------------------------------------
    def do_grant(self, upto: int, epoch: int) -> None:
        """Allow steps before tick ``upto`` (UNLIMITED: as fast as it goes)."""
        if epoch == self.epoch:
            self.granted = upto

    def do_hold(self, epoch: int) -> None:
        """End unpaced running with one more step whose arrays are passed on, so what is shown is where we are."""
        if self.lanes:
            self.granted = self.tick + 1
        self.send("held", self.tick, epoch)

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
                self.tick = to
                for lane in self.lanes:
                    lane.moments.forget_after(self.moment)
        self.granted = self.tick
        self.send("rewound", epoch, self.tick)

    def do_show(self, all_frames: bool) -> None:
        """Whether steps carry all emulator frames or only the one that the agent saw."""
        self.all_frames = all_frames

    # -- commands: lanes ----------------------------------------------------------------------------------------
    def do_load(self, key: str, lane: int | None, agent_id: str, options: dict[str, Any]) -> None:
        """Load an agent (in the loader's thread) into a lane, or into a new one when ``lane`` is None."""
        self._loader.start(key, lambda: self._load(key, lane, agent_id, options))

    def _load(self, key: str, lane: int | None, agent_id: str, options: dict[str, Any]) -> Iterator[tuple]:
        from zoo_gui.engine.loading import load_lane

        try:
            for result in load_lane(agent_id, options, lambda text: self.send("loading", text)):
                yield lane, result
        except CardNeeded as error:
            self.send("card_needed", key, error.path)

    def _deliver_load(self, key: str, kind: str, payload: Any) -> None:
        if kind == "progress" and isinstance(payload[1], Progress):
            self.send("progress", key, payload[1])
        elif kind == "progress":
            with self._changed:
                self._commands.append(("place", {"key": key, "lane": payload[0], "loaded": payload[1]}))
                self._changed.notify()
        elif kind == "failed":
            self.send("load_failed", key, payload)

    def do_place(self, key: str, lane: int | None, loaded: Lane) -> None:
        """Put a loaded lane in its column; all lanes start their game anew so that the clock is one."""
        if lane is None or lane >= len(self.lanes):
            self.lanes.append(loaded)
        else:
            self.lanes[lane] = loaded
        self._announce(key)
        # A full garbage collection while a graph is built would hold the interpreter lock for 0.3 s: what exists now
        # is here to stay, and need not be looked at again.
        gc.collect()
        gc.freeze()
        self._warm()

    def _warm(self) -> None:
        """Build the graphs of feature visualization for the first lanes, when nothing else is to be done."""
        from zoo_gui.analysis import ANALYSES

        make = ANALYSES["prepare_feature_vis"]
        for i, lane in enumerate(self.lanes[:WARM_LANES]):
            if lane.player.agent is not None:
                self._jobs.start(f"prepare {i}", partial(make, lane.player.agent), background=True)

    def do_remove(self, lane: int) -> None:
        del self.lanes[lane]
        self._announce("")

    def _announce(self, key: str) -> None:
        self._drop_memory()
        # Epochs of the front end count by ones, ours by thousands: the two never name different things alike.
        self.epoch = (self.epoch // 1000 + 1) * 1000
        self.tick = self.granted = 0
        self._forget_maps(lanes_too=True)
        for lane in self.lanes:
            lane.player.restart()
            lane.number = 0
            lane.forget()
        described = [(lane.info(i), lane.share(i).name) for i, lane in enumerate(self.lanes)]
        self.send("lanes", key, self.epoch, described, self._device())

    def _device(self) -> str:
        if not any(lane.player.agent for lane in self.lanes):
            return ""
        from zoo_gui.agents.backend import device_name

        return device_name()

    def _drop_memory(self) -> None:
        for lane in self.lanes:
            if lane.shared is not None:
                lane.shared.close(unlink=False)
                lane.shared = None

    def do_restart(self, epoch: int, seed: int | None) -> None:
        """Start all games anew, at tick 0 of ``epoch``."""
        if epoch >= self.epoch:
            for lane in self.lanes:
                lane.player.restart(seed)
                lane.number = 0
                lane.forget()
            self._begin(epoch)

    def do_next_episode(self, epoch: int) -> None:
        if epoch >= self.epoch:
            for lane in self.lanes:
                lane.player.next_episode()
                lane.forget()
            self._begin(epoch)

    def do_seek(self, epoch: int, lane: int, moment: int, source: str = "session", settings: tuple = ()) -> None:
        """Go on from a moment, at tick 0 of ``epoch``: of the sitting, where every lane that has it goes there, or of a
        lane's rollout of these settings."""
        if epoch < self.epoch:
            return
        if source == "session":
            found = [one.seek(one.moments, moment) for one in self.lanes]
        else:
            rollout = self.lanes[lane].rollouts.get(settings)
            found = [rollout is not None and self.lanes[lane].seek(rollout, moment)]
        self._begin(epoch)
        if not any(found):
            self.send("error", "This moment is no longer kept: the newest are, some minutes of play.")

    def _begin(self, epoch: int) -> None:
        self.epoch, self.tick, self.granted = epoch, 0, 0
        self._forget_maps()
        self.send("rewound", epoch, 0)

    # -- commands: who plays, and how ---------------------------------------------------------------------------
    def do_player(self, lane: int, kind: str) -> None:
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
        explainer.offer(lane, Moment(moment, one.player.agent, *seen), urgent=True)

    def do_cover(self, lane: int, box: tuple[int, int, int, int] | None, fill: str = "mean") -> None:
        """Cover a part of what a lane's agent sees, in observation pixels; None: it sees all again."""
        from zoo_gui.play.cover import checked

        player = self.lanes[lane].player
        if box is not None and player.agent is None:
            raise ZooError("This player sees nothing that could be covered: open an agent first.")
        player.cover = None if box is None else checked(box, player.agent.observation_shape, fill)

    def do_pins(self, lane: int, units: tuple[Unit, ...]) -> None:
        if lane < len(self.lanes):
            self.lanes[lane].pins = tuple(Unit(*unit) for unit in units)

    def do_edit(self, lane: int, unit: Unit, gain: float, offset: float) -> None:
        self.lanes[lane].player.agent.edit(Unit(*unit), gain, offset)

    def do_clear_edits(self, lane: int) -> None:
        self.lanes[lane].player.agent.clear_edits()

    # -- commands: groups of units ------------------------------------------------------------------------------
    def do_add_groups(
        self, key: str, lane: int, layer: str, directions: Any, called: str = "", unit_names: tuple[str, ...] = ()
    ) -> None:
        """Prepare a lane's agent with one more layer, of that name, under a key: see ``regroup``. The event ``prepared``
        asks the front end for ``swap``, since only it knows what is on screen."""
        from zoo_gui.engine.regroup import added

        self._regroup(key, lane, added(layer, directions, called, tuple(unit_names)))

    def do_remove_groups(self, key: str, lane: int, layer: str) -> None:
        """The same without a layer of groups."""
        from zoo_gui.engine.regroup import removed

        self._regroup(key, lane, removed(layer))

    def _regroup(self, key: str, lane: int, change: Callable) -> None:
        from zoo_gui.engine.regroup import prepare

        one = self.lanes[lane] if lane < len(self.lanes) else None
        if one is None or one.player.agent is None:
            raise ZooError("This player has no network whose units could be grouped: open an agent first.")

        def ready(found: Any) -> None:
            self._prepared[key] = found
            self.send("prepared", key)

        self._jobs.start(key, lambda: prepare(one, one.moments.freeze(), change, ready))

    def do_swap(self, key: str, epoch: int, to: int | None) -> None:
        """Go on from tick ``to``, None: from where the lanes are, with the agent prepared under that key; same game."""
        from zoo_gui.engine.regroup import install

        found = self._prepared.pop(key, None)
        if found is None or found.lane not in self.lanes or epoch < self.epoch:
            self.send("error", "The agents changed before their units were grouped: do it again.")
            return
        if to is not None:
            self.do_rewind(to, epoch)
        install(found)
        self._forget_maps(lanes_too=True)
        place = self.lanes.index(found.lane)
        found.lane.shared.close(unlink=False)
        found.lane.share(place)
        described = [(lane.info(i), lane.shared.name) for i, lane in enumerate(self.lanes)]
        self.send("swapped", self.epoch, self.tick, described)
        self._warm()

    def do_name_units(self, lane: int, layer: str, names: tuple[str, ...]) -> None:
        self.lanes[lane].player.agent.name_units(layer, names)

    # -- commands: jobs -----------------------------------------------------------------------------------------
    def do_run(self, key: str, analysis: str, lane: int | None, parameters: dict[str, Any]) -> None:
        """Start an analysis of a lane's agent, or without a lane one of the TASKS, under a key; a running job of that
        key is superseded. The parameter ``moments``, where there is one, is ``"session"``: those of the sitting, or the
        (steps, seed) of a rollout, which is played first unless it was before. ``save_to``: a file to write the result to.
        ``at``: a moment of the sitting, of which the ``state`` before it is given where the network has a memory.
        """
        from zoo_gui.analysis import ANALYSES
        from zoo_gui.analysis.export import written
        from zoo_gui.engine.tasks import TASKS

        if lane is None:
            self._jobs.start(key, lambda: TASKS[analysis](**parameters))
            return
        agent = self.lanes[lane].player.agent if lane < len(self.lanes) else None
        if agent is None:
            raise ZooError("This player has no network to analyse: open an agent first.")
        make, one, path = ANALYSES[analysis], self.lanes[lane], parameters.pop("save_to", None)
        parameters.update(one.memory_before(parameters.pop("at", None)))
        if parameters.get("moments") == "session":
            parameters["moments"] = one.moments.freeze()
            job = partial(make, agent, **parameters)
        elif "moments" in parameters:
            job = partial(one.with_rollout, make, parameters.pop("moments"), parameters)
        else:
            job = partial(make, agent, **parameters)
        self._jobs.start(key, job if path is None else partial(written, job, path))

    def do_cancel(self, key: str) -> None:
        self._jobs.cancel(key)
        self._loader.cancel(key)

    def do_crash(self) -> None:
        """End at once without a word, as a crash would: for tests of what the front end then does."""
        os._exit(70)

    def do_close(self) -> None:
        self._closing = True
