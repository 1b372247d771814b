"""Maps over the running games: cheap methods within each step, slow ones in a thread of their own beside the game."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from zoo_gui.analysis.attribution import answer, ask
from zoo_gui.analysis.attribution_record import LiveMap
from zoo_gui.analysis.methods import LIGHT, MEDIUM, Method, method_of
from zoo_gui.types import Decision, Unit, ZooError, read_only
from zoo_gui.workers import lower_priority

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wish:
    """What is asked of every lane: a target as text, a method, its options."""

    target: str
    method: Method
    options: dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """What a lane's agent saw and did: all that an explanation needs. activations: None where they are not known."""

    number: int
    agent: Any
    observation: np.ndarray
    state: np.ndarray
    action: int
    activations: Any = None


class Explainer:
    """Explains lanes' decisions. ``send(*event)`` reaches the front end: ``("attributed", lane, LiveMap)``, and once
    for each wish that a lane's network cannot serve ``("notice", sentence)``.

    ``wish`` is set by the main thread; the thread takes the newest moment of each lane in turn, and gives up a map that
    is no longer wanted between two slices of some 10 ms.
    """

    def __init__(self, send: Callable[..., None]):
        self._send = send
        self.wish: Wish | None = None
        self._told: set[int] = set()
        self._changed = threading.Condition()
        self._version = 0
        self._waiting: dict[int, Moment] = {}
        self._urgent: set[int] = set()
        self._doing: tuple[int, int, int] | None = None  # lane, moment, version
        self._last: dict[int, int] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def set(self, target: str | tuple | None, method: str, options: dict[str, Any] | None) -> None:
        """Explain this from now on; None: nothing. Raises ZooError for a method or options that do not exist."""
        text = str(Unit(*target)) if isinstance(target, tuple) else target
        chosen = method_of(method)
        self.wish = None if text is None else Wish(text, chosen, chosen.settings(options or {}))
        self.forget(lanes_too=True)

    def forget(self, lanes_too: bool = False) -> None:
        """Give up what is being made: the games have gone elsewhere. lanes_too: and the lanes are others."""
        with self._changed:
            if lanes_too:
                self._told.clear()
            self._version += 1
            self._waiting.clear()
            self._urgent.clear()
            self._last.clear()

    def close(self) -> None:
        """Give up what is being made, and end the thread."""
        self.forget()
        with self._changed:
            self._closed, thread = True, self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def in_step(self, leisurely: bool) -> bool:
        """Whether maps are made within the steps. leisurely: there is time for a MEDIUM method, as up to twice the
        game's speed."""
        return self.wish is not None and self.wish.method.cost in ((LIGHT, MEDIUM) if leisurely else (LIGHT,))

    def function(self, lane: int) -> Callable[[Any, np.ndarray, np.ndarray, Decision], np.ndarray | None]:
        """(agent, observation, state, decision) → the map of a lane's step, (h, w, C) or (h, w, 1) float32, or None."""
        wish = self.wish

        def explain(agent: Any, observation: np.ndarray, state: np.ndarray, decision: Decision) -> np.ndarray | None:
            if lane in self._told:
                return None
            try:
                return explained(agent, observation, state, decision, wish)
            except ZooError as error:
                self._tell(lane, str(error))
                return None

        return explain

    def offer(self, lane: int, moment: Moment, urgent: bool = False) -> None:
        """Explain this moment of a lane beside the game, when its turn comes, unless a newer one is offered first.

        urgent: it is on screen and stays there: begin at once, and before any of the steps ahead of the screen, which
        the engine may still be making.
        """
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="zoo_gui maps", daemon=True)
                self._thread.start()
            doing = lane, moment.number, self._version
            if lane in self._told or self._last.get(lane) == moment.number or self._doing == doing:
                return
            if urgent:
                self._urgent.add(lane)
            elif lane in self._urgent:
                return
            self._waiting[lane] = moment
            if urgent and self._doing is not None and self._doing[0] == lane:
                self._version += 1
            self._changed.notify()

    # -- the thread ---------------------------------------------------------------------------------------------
    def _run(self) -> None:
        lower_priority(10)
        while True:
            with self._changed:
                self._doing = None
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                lane = next(iter(self._waiting))  # the lanes take turns: what is offered again goes to the end
                moment, version, wish = self._waiting.pop(lane), self._version, self.wish
                self._doing = lane, moment.number, version
                self._urgent.discard(lane)
            if wish is not None:
                self._make(lane, moment, wish, version)

    def _make(self, lane: int, moment: Moment, wish: Wish, version: int) -> None:
        begun = time.perf_counter()
        try:
            found = self._finished(moment, wish, version)
        except ZooError as error:
            self._tell(lane, str(error))
            return
        except Exception as error:
            log.exception("a map failed")
            self._tell(lane, f"{wish.method.title} failed ({type(error).__name__}: {error}).")
            return
        with self._changed:
            if found is None or version != self._version:
                return
            self._last[lane] = moment.number
        made = LiveMap(moment.number, wish.method.name, wish.target, found, wish.method.signed,
                       float(np.abs(found).max()), time.perf_counter() - begun)  # fmt: skip
        self._send("attributed", lane, made)

    def _finished(self, moment: Moment, wish: Wish, version: int) -> np.ndarray | None:
        """The map, or None where it is no longer wanted."""
        question = ask(
            moment.agent, moment.observation, wish.target, wish.method,
            state=moment.state, action=moment.action, activations=moment.activations,
        )  # fmt: skip
        steps = answer(question, wish.method, wish.options)
        try:
            while version == self._version:
                next(steps)
                time.sleep(0)  # whoever steps the games goes first
        except StopIteration as end:
            return read_only(np.ascontiguousarray(end.value.map, np.float32))
        return None

    def _tell(self, lane: int, sentence: str) -> None:
        if lane not in self._told:
            self._told.add(lane)
            self._send("notice", sentence)


def explained(agent: Any, observation: np.ndarray, state: np.ndarray, decision: Decision, wish: Wish) -> np.ndarray:
    """The map of a decision, at once. Raises ZooError."""
    question = ask(
        agent, observation, wish.target, wish.method,
        state=state, action=decision.action, activations=decision.activations,
    )  # fmt: skip
    steps = answer(question, wish.method, wish.options)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return read_only(np.ascontiguousarray(end.value.map, np.float32))
