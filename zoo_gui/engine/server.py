"""The engine's process: steps all lanes under one clock and runs analyses beside them.

Three threads: the main one steps the lanes, one reads commands, one (Streams) runs jobs, among them the loading of
agents. Commands are ``(name, keywords)``, events ``(name, …)``; see ``Server`` for the commands and
``zoo_gui.engine.host`` for the events.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator

from zoo_gui.engine.saving import Saving
from zoo_gui.provenance import agent_row, provenance, simple
from zoo_gui.types import CardNeeded, Progress, ZooError
from zoo_gui.workers import Streams, lower_priority

if TYPE_CHECKING:  # the front end imports this module to start it, and must not pay for the emulator
    from zoo_gui.engine.lane import Lane

log = logging.getLogger(__name__)

#: Lanes whose layers are made ready for feature visualization: more would not fit into its pool of graphs.
WARM_LANES = 2


def main(connection) -> None:
    """Entry of the engine's process, which ends when the front end says so or is gone."""
    logging.basicConfig(level=os.environ.get("ZOO_GUI_LOG", "ERROR"), stream=sys.stderr)
    # Ctrl+C in a terminal goes to all its processes: the window's closes this one in its own time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Graph building in the job thread holds the interpreter lock; a short switch interval keeps the steps on time.
    sys.setswitchinterval(0.0005)
    lower_priority(4)
    Server(connection).run()
    # No tidying up of interpreter and libraries: it takes a second, and what is frozen (see do_place) cannot be.
    connection.close()
    os._exit(0)


class Server(Saving):
    """Talks to the front end, loads agents and runs jobs. Each method ``do_…`` is a command, as those of the classes
    that this one is made of."""

    def __init__(self, connection):
        super().__init__()
        self._connection = connection
        self._send_lock = threading.Lock()
        self._changed = threading.Condition()
        self._commands: deque[tuple[str, dict[str, Any]]] = deque()
        self._closing = False
        self._prepared: dict[str, Any] = {}
        self._ahead: Any = None  # made when first wanted: it needs the emulator
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
                self.obeying(name)
                getattr(self, f"do_{name}")(**keywords)
            except ZooError as error:
                self.send("error", str(error))
            except Exception as error:
                log.exception("command %s failed", name)
                self.send("error", f"{name.capitalize()} failed ({type(error).__name__}: {error}).")

    def _later(self, name: str, **keywords: Any) -> None:
        with self._changed:
            self._commands.append((name, keywords))
            self._changed.notify()

    def _deliver(self, key: str, kind: str, payload: Any) -> None:
        self.send(kind, key, payload)

    # -- commands: lanes ----------------------------------------------------------------------------------------
    def do_load(self, key: str, lane: int | None, agent_id: str, options: dict[str, Any]) -> None:
        """Load an agent (in the loader's thread) into a lane, or into a new one when ``lane`` is None."""
        self._loader.start(key, lambda: self._load(key, lane, agent_id, options))

    def _load(self, key: str, lane: int | None, agent_id: str, options: dict[str, Any]) -> Iterator[tuple]:
        from zoo_gui.engine.loading import load_lane

        try:
            ready = None if self._ahead is None else self._ahead.take(agent_id, options)
            if ready is not None:
                yield lane, ready
                return
            for result in load_lane(agent_id, options, lambda text: self.send("loading", text)):
                yield lane, result
        except CardNeeded as error:
            self.send("card_needed", key, error.path)

    def do_load_ahead(self, wanted: list[tuple[str, dict[str, Any]]]) -> None:
        """Have these agents ready for when they are loaded, and no others: (id, options without the seed)."""
        from zoo_gui.engine.ahead import Ahead

        if self._ahead is None:
            self._ahead = Ahead()
        self._loader.start("ahead", partial(self._ahead.fill, wanted))

    def _deliver_load(self, key: str, kind: str, payload: Any) -> None:
        if key == "ahead":
            return
        if kind == "progress" and isinstance(payload[1], Progress):
            self.send("progress", key, payload[1])
        elif kind == "progress":
            self._later("place", key=key, lane=payload[0], loaded=payload[1])
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
        if lane < len(self.lanes) > 1:
            del self.lanes[lane]
            self._announce(f"remove {lane}")

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
        if (fault := self.game.revise(self.lanes)):
            self.send("notice", fault)
        self.send("lanes", key, self.epoch, self.described(share=True), self._device())

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

    # -- commands: groups of units ------------------------------------------------------------------------------
    def do_add_groups(
        self, key: str, lane: int, layer: str, directions: Any, called: str = "", unit_names: tuple[str, ...] = ()
    ) -> None:
        """Prepare a lane's agent with one more layer of that name, under a key: see ``regroup``. The event ``prepared``
        asks the front end for ``swap``, since only it knows what is on screen."""
        from zoo_gui.engine.regroup import added, known

        there = self.lanes[lane] if lane < len(self.lanes) else None
        gone = [one.name for one in known(there) if not one.there] if there is not None else []
        self._regroup(key, lane, added(layer, directions, called, tuple(unit_names), gone))

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
        found.lane.shared.close(unlink=False)
        found.lane.share(self.described()[self.lanes.index(found.lane)][0])
        self.send("swapped", self.epoch, self.tick, self.described())
        self._warm()

    def do_name_units(self, lane: int, layer: str, names: tuple[str, ...]) -> None:
        if (agent := self._agent(lane)) is not None:
            agent.name_units(layer, names)

    # -- commands: jobs -----------------------------------------------------------------------------------------
    def do_run(
        self, key: str, analysis: str, lane: int | tuple[int, ...] | None, parameters: dict[str, Any]
    ) -> None:
        """Start an analysis of a lane's agent, or of several lanes', or without one of the TASKS, under a key; a
        running job of that key is superseded. The parameter ``moments``, where there is one, is ``"session"``: those of
        the sitting, or the (steps, seed) of a rollout, which is played first unless it was before. ``save_to``: a file
        for the result. ``at``: a moment of the sitting, of which the ``state`` before it is given where the network has
        a memory.
        """
        try:
            self._jobs.start(key, self._job(analysis, lane, parameters))
        except ZooError as error:  # whoever waits for that key must hear of it
            self.send("failed", key, str(error))

    def _job(
        self, analysis: str, lane: int | tuple[int, ...] | None, parameters: dict[str, Any]
    ) -> Callable[[], Iterator]:
        """What to run. Raises ZooError."""
        from zoo_gui.analysis import ANALYSES
        from zoo_gui.analysis.export import written
        from zoo_gui.engine.tasks import TASKS

        if lane is None:
            return partial(TASKS[analysis], **parameters)
        if isinstance(lane, tuple):
            path = parameters.pop("save_to", None)
            job = self.job_of_several(ANALYSES[analysis], lane, parameters)
            return job if path is None else partial(written, job, path, self._about(analysis, lane, parameters))
        agent = self._agent(lane)
        if agent is None:
            raise ZooError("This player has no network to analyse: open an agent first.")
        make, one, path = ANALYSES[analysis], self.lanes[lane], parameters.pop("save_to", None)
        about = None if path is None else self._about(analysis, (lane,), parameters)
        parameters.update(one.memory_before(parameters.pop("at", None)))
        if parameters.get("moments") == "session":
            parameters["moments"] = one.moments.freeze()
            job = partial(make, agent, **parameters)
        elif "moments" in parameters:
            job = partial(one.with_rollout, make, parameters.pop("moments"), parameters)
        else:
            job = partial(make, agent, **parameters)
        return job if path is None else partial(written, job, path, about)

    def _about(self, analysis: str, lanes: tuple[int, ...], parameters: dict[str, Any]) -> dict[str, Any]:
        """What a file with that result says of where it comes from."""
        rows = []
        for lane in lanes:
            player, agent = self.lanes[lane].player, self._agent(lane)
            row = {"id": self.lanes[lane].agent_id} if agent is None else agent_row(agent)
            rows.append({**row, "game": player.emulator.game, "seed": player.seed})
        return provenance(rows, what=f"The analysis {analysis}", settings=simple(parameters))

    def do_cancel(self, key: str) -> None:
        self._jobs.cancel(key)
        self._loader.cancel(key)
        self.stop_travelling(key)

    def do_crash(self) -> None:
        """End at once without a word, as a crash would: for tests of what the front end then does."""
        os._exit(70)

    def do_close(self) -> None:
        self._closing = True
