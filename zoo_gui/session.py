"""The state of one sitting, and the bus between the engine and the panels: data goes down by signal, intent comes up
by method. The only QObject that outlives a panel; QtCore only."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, NamedTuple

from pyqtgraph.Qt import QtCore

from zoo_gui.engine.feed import FRAMES_PER_SECOND, Feed, Shown
from zoo_gui.engine.host import EngineHost
from zoo_gui.engine.shared import MAX_PINS
from zoo_gui.history import History
from zoo_gui.library import Library
from zoo_gui.marks import interventions
from zoo_gui.naming import MEANINGS
from zoo_gui.session_travel import Travelling
from zoo_gui.settings import KEYS
from zoo_gui.shelf import Shelf
from zoo_gui.tally import Agreement, Rates
from zoo_gui.types import LaneInfo, Step, Unit, ZooError

log = logging.getLogger(__name__)

MAX_LANES = 4
#: Panels other than the game are redrawn at most this often, in seconds, when steps come faster.
STEP_INTERVAL = 0.033
#: How activations are drawn: the settings under ``view/``, and the layer that is shown enlarged.
VIEW = {key.removeprefix("view/"): row.default for key, row in KEYS.items() if key.startswith("view/")}
VIEW["enlarged"] = None
SALIENCY_TARGETS = (None, "action", "value", "advantage", "unit")


class Pin(NamedTuple):
    """A unit whose activation is plotted."""

    lane: int
    unit: Unit


class Session(Travelling):
    """See docs/architecture.md for the signals and methods; all of them belong to the UI thread."""

    #: Length of a turn of the clock in milliseconds, about.
    TURN_MS = 16

    stepped = QtCore.Signal(int, object, object)
    frame_shown = QtCore.Signal(int, object)
    status_changed = QtCore.Signal(dict)
    running_changed = QtCore.Signal(bool)
    speed_changed = QtCore.Signal(object)
    view_changed = QtCore.Signal(dict)
    hovered = QtCore.Signal(str)
    _event = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.lanes: tuple[LaneInfo, ...] = ()
        self.selected: tuple[int, Unit] | None = None
        self.pins: list[Pin] = []
        self.edits: dict[tuple[int, Unit], tuple[float, float]] = {}
        self.view = dict(VIEW)
        self.status: dict[str, Any] = {"state": "loading", "recording": None}
        self.rates, self.agreement = Rates(), Agreement()
        self._histories: list[History] = []
        self._requests: dict[str, tuple[int | None, str, dict]] = {}
        self._pending: list[list] = []
        self._emitted = self._status_at = 0.0
        self._play_when_ready, self._loads = True, 0
        self._closed = self._fresh = False
        self.library, self.shelf = Library(self), Shelf(self)
        self._event.connect(self._on_event, QtCore.Qt.QueuedConnection)
        self.feed = Feed(self._send)
        self._host = EngineHost(self._event.emit)
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_tick)
        self._turn_due = 0.0

    # -- life ---------------------------------------------------------------------------------------------------
    def start_engine(self) -> None:
        """Start the process that plays; returns at once."""
        self._host.start()
        self._timer.start(0)

    def close(self) -> None:
        """Stop the clock and the engine. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._timer.stop()
            self.library.close()
            self.shelf.close()
            self._host.close()
            self.feed.close()

    def _renew_engine(self) -> None:
        """A new process in place of one that died."""
        self._requests.clear()  # of the engine that died: nobody will end them
        self._host.close()
        self._host = EngineHost(self._event.emit)
        self.start_engine()

    def _send(self, name: str, **keywords: Any) -> None:
        self._host.send(name, **keywords)

    @property
    def engine(self) -> EngineHost:
        """The handle of the engine's process."""
        return self._host

    # -- intent: agents -----------------------------------------------------------------------------------------
    def load(self, agent_id: str, lane: int | None = 0, **options: Any) -> str:
        """Load an agent into a lane (None: a new lane); its key in ``loading``. options: seed, game, player, sticky,
        disturbance ({name: level}). Failure is a message."""
        if not self._has_room(lane, MAX_LANES):
            self.message.emit("warning", f"{MAX_LANES} agents are the most; remove one first.")
            return ""
        self._loads += 1
        key = f"load {self._loads} {agent_id}"
        if "disturbance" in options:
            self._coming[key] = options.pop("disturbance")
        self._requests[key] = (lane, agent_id, options)
        self._set_state("loading")
        self._send("load", key=key, lane=lane, agent_id=agent_id, options=options)
        self.loading_changed.emit(self.loading)
        return key

    def add_agent(self, agent_id: str, **options: Any) -> None:
        """Put another agent beside the others, with the first one's seed."""
        if self.lanes:
            options.setdefault("seed", self.lanes[0].seed)
        self.load(agent_id, None, **options)

    def remove_lane(self, lane: int) -> None:
        """Take a lane away; the last one stays."""
        if len(self.lanes) > 1 and lane < len(self.lanes):
            self._send("remove", lane=lane)

    def last_step(self, lane: int) -> Step | None:
        """The step on screen."""
        return self.feed.steps[lane] if lane < len(self.feed.steps) else None

    def history(self, lane: int) -> History:
        """The numbers of every step of this lane so far."""
        return self._histories[lane]

    # -- intent: clock ------------------------------------------------------------------------------------------
    @property
    def running(self) -> bool:
        return self.feed.running

    @property
    def speed(self) -> float | None:
        """1.0 is real time, None as fast as it goes."""
        return self.feed.speed

    def play(self) -> None:
        self._play_when_ready = True
        self.feed.play()
        self._set_running(True)

    def pause(self) -> None:
        self._play_when_ready = False
        if self.feed.pause():
            self._show_frames()
        self._set_running(False)
        self._flush()
        self._ask_for_maps()

    def toggle(self) -> None:
        self.pause() if self.running else self.play()

    def step_once(self) -> None:
        """Show the next agent step and pause there."""
        self.pause()
        self.feed.step_once()

    def set_speed(self, speed: float | None) -> None:
        """1.0 is real time, None as fast as it goes; what is beyond the feed's SLOWEST and FASTEST is that."""
        self.feed.set_speed(speed)
        self.rates.reset()
        self.speed_changed.emit(self.speed)
        self._update_status()

    def restart(self, seed: int | None = None) -> None:
        """Start all games anew, from ``seed`` or each lane's own."""
        self._forget_numbers()
        if seed is not None:
            self.lanes = tuple(replace(info, seed=seed) for info in self.lanes)
        self.feed.restart("restart", seed=seed)

    def next_episode(self) -> None:
        self._forget_numbers()
        self.feed.restart("next_episode")

    def seek(self, lane: int, moment: int, source: str | tuple[int, int] = "session") -> None:
        """Show a moment again, and pause there: of the sitting so far, or of the lane's rollout of (steps, seed)."""
        self.pause()
        if source == "session":
            self.feed.restart("seek", lane=lane, moment=moment)
        else:
            self.feed.restart("seek", lane=lane, moment=moment, source="rollout", settings=tuple(source))

    # -- intent: who plays --------------------------------------------------------------------------------------
    def set_player(self, lane: int, kind: str) -> None:
        """``agent``, ``random`` or ``human``."""
        if kind == "agent" and not self.lanes[lane].layers:
            self.message.emit("warning", "This player has no network: it plays at random or by hand.")
            return
        lanes = list(self.lanes)
        lanes[lane] = replace(lanes[lane], player=kind)
        self.lanes = tuple(lanes)
        self.feed.immediate = any(info.player == "human" for info in self.lanes)
        self.feed.intervene(("player", {"lane": lane, "kind": kind}))
        self.lanes_changed.emit(self.lanes)

    def set_human_action(self, lane: int, index: int) -> None:
        """What the person's keys say now, as an index into the lane's action names."""
        self._send("human_action", lane=lane, index=index)

    # -- intent: units ------------------------------------------------------------------------------------------
    def select(self, lane: int, unit: Unit | None) -> None:
        """Select a unit of a lane (None: nothing)."""
        if unit is not None:
            try:
                unit = Unit.parse(str(unit), self.lanes[lane].layers)
            except (ZooError, IndexError) as error:
                self.message.emit("warning", str(error))
                return
        self.selected = None if unit is None else (lane, unit)
        self.unit_selected.emit(lane, unit)
        if self.saliency == "unit":
            self.set_saliency("unit")

    def hover(self, text: str) -> None:
        self.hovered.emit(text)

    def pin(self, lane: int, unit: Unit) -> None:
        """Plot a unit's activation from now on; at most MAX_PINS a lane."""
        units = [pin.unit for pin in self.pins if pin.lane == lane]
        if unit in units:
            return
        if len(units) >= MAX_PINS:
            self.message.emit("warning", f"{MAX_PINS} pinned units are the most; unpin one first.")
            return
        self.pins.append(Pin(lane, Unit(*unit)))
        self._send_pins(lane)

    def unpin(self, lane: int, unit: Unit) -> None:
        self.pins = [pin for pin in self.pins if pin != (lane, unit)]
        self._histories[lane].forget_pin(unit)
        self._send_pins(lane)

    def _send_pins(self, lane: int) -> None:
        units = tuple(tuple(pin.unit) for pin in self.pins if pin.lane == lane)
        self.feed.intervene(("pins", {"lane": lane, "units": units}))
        self.pins_changed.emit(list(self.pins))

    def edit(self, lane: int, unit: Unit, gain: float = 1.0, offset: float = 0.0) -> None:
        """Change a unit: activation becomes gain · activation + offset; acts on the moment on screen."""
        self.edits[lane, Unit(*unit)] = (gain, offset)
        if (gain, offset) == (1.0, 0.0):
            del self.edits[lane, Unit(*unit)]
        self.feed.intervene(("edit", {"lane": lane, "unit": tuple(unit), "gain": gain, "offset": offset}))
        self._update_status()

    def clear_edits(self) -> None:
        """Take back all changes in all lanes: of units, what is covered, what disturbs."""
        for lane in list(self.covers):
            self.set_cover(lane, None)
        self.set_disturbance(None, {})
        self.edits.clear()
        self.feed.intervene(*(("clear_edits", {"lane": info.lane}) for info in self.lanes if info.layers))
        self._update_status()

    def set_view(self, **changes: Any) -> None:
        """Change how activations are drawn; the keys are those of VIEW."""
        unknown = set(changes) - set(VIEW)
        if unknown:
            raise ValueError(f"unknown view settings: {sorted(unknown)}")
        self.view.update(changes)
        self.view_changed.emit(dict(self.view))

    # -- intent: jobs -------------------------------------------------------------------------------------------
    def run(self, key: str, analysis: str, lane: int | None, **parameters: Any) -> None:
        """Start an analysis in the engine (without a lane one of ``engine.tasks``); one of that key is superseded."""
        self._send("run", key=key, analysis=analysis, lane=lane, parameters=parameters)

    def cancel(self, key: str) -> None:
        """End a job, or the loading of an agent; what was downloaded of it is kept for the next time."""
        self._send("cancel", key=key)
        if key in self._requests:
            self._end_request(key)
            self._set_state(("running" if self.running else "paused") if self.lanes else "stopped")

    # -- the tick -----------------------------------------------------------------------------------------------
    def _on_tick(self) -> None:
        now = time.perf_counter()
        self._plan_turn(now)
        shown = self.feed.update(now)
        if shown.frame_changed:
            self._show_frames()
            self.rates.shown(now)
        if self._closed:  # by whoever was shown that frame
            return
        self._note(shown)
        self._end_recording()
        if shown.stepped:
            self._set_state("running" if self.running else "paused")
            self._ask_for_maps()
        if now - self._emitted >= STEP_INTERVAL or not self.running:
            self._flush(now)
        if now - self._status_at >= 0.5:
            self._status_at = now
            self._update_status()

    def _plan_turn(self, now: float) -> None:
        """Turns come 60 times a second on average, though a timer counts in whole milliseconds."""
        # Up to two turns that came late are made up for, so that the game keeps its pace.
        self._turn_due = max(self._turn_due + 1.0 / FRAMES_PER_SECOND, now - 2.0 / FRAMES_PER_SECOND)
        self._timer.start(max(1, round((self._turn_due - now) * 1000.0)))

    def _show_frames(self) -> None:
        for lane in range(len(self.lanes)):
            frame = self.feed.frame(lane)
            if frame is not None:
                self.frame_shown.emit(lane, frame)

    def _note(self, shown: Shown) -> None:
        """Count every step, drawn or not."""
        actions = []
        for lane, rows in enumerate(shown.summaries):
            if rows:
                summaries = [summary for _, summary in rows]
                units = tuple(pin.unit for pin in self.pins if pin.lane == lane)
                self._histories[lane].append(summaries, units)
                self._pending[lane] += summaries
                self._count_scores(lane, summaries)
                self.rates.stepped(len(summaries), summaries[-1].inference_ms, lane)
            names = self.lanes[lane].action_names  # what it did, of agents that see one game what it would do, greedily
            actions.append([MEANINGS[one.choice] if one.choice >= 0 else names[one.action] for _, one in rows])
        if len(actions) > 1:
            self.agreement.add(actions)
        self._fresh = self._fresh or shown.stepped

    def _flush(self, now: float = 0.0) -> None:
        """Hand the newest step and all summaries since the last time to the panels."""
        if not self._fresh:
            return
        self._fresh, self._emitted = False, now
        for lane, summaries in enumerate(self._pending):
            step = self.feed.steps[lane]
            if step is not None:
                self._pending[lane] = []
                self.stepped.emit(lane, step, summaries)

    def _forget_numbers(self) -> None:
        self._histories = [History() for _ in self.lanes]
        self._pending = [[] for _ in self.lanes]
        self.rates.reset()
        self.agreement.reset()
        self.scores.cut()

    # -- status -------------------------------------------------------------------------------------------------
    def _set_running(self, running: bool) -> None:
        self.rates.reset()
        if self.lanes:
            self._set_state("running" if running else "paused")
        self.running_changed.emit(running)

    def _set_state(self, state: str) -> None:
        if self.status.get("state") != state:
            self.status["state"] = state
            self.stale_changed.emit(state in ("loading", "stopped"))
            self._update_status()

    def _update_status(self) -> None:
        first = self.lanes[0] if self.lanes else None
        self.status.update(
            self.rates.figures(time.perf_counter()), seed=first.seed if first else None, speed=self.speed,
            agree=self.agreement.fraction, agree_steps=self.agreement.steps,
            intervention=" · ".join(mark.words for mark in interventions(self)) or False,
        )
        self.status_changed.emit(dict(self.status))

    def set_recording(self, text: str | None) -> None:
        """What the status bar says of a running recording; None: none runs."""
        self.status["recording"] = text
        self._update_status()
