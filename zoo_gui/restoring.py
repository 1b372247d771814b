"""From a View to the window: agents loaded, their games at the step, selection, overlay, layout and speed as it says;
and back, the view that is on screen.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Callable

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.errand_bar import Errand
from zoo_gui.types import ZooError
from zoo_gui.views import Place, View, is_link

Told = Callable[[View, tuple[str, ...]], None]
"""(the view, sentences' ends on what it does not say)."""
ARRIVED = "arrived"
"""In place of a journey's key: its step only has to come on screen."""


class Restorer(QtCore.QObject):
    """``show(view)`` restores, ``current(told)`` asks for the view on screen. A later ``show`` takes an earlier one's
    place. shows: the way to a view begins, and what else is on its way is given up. arrived: it is on screen.
    given_up: it is not, and a message says why. stopped: comes before that where it was the person, or the engine
    ended."""

    shows = QtCore.Signal(object)
    arrived = QtCore.Signal(object)
    given_up = QtCore.Signal(object)
    stopped = QtCore.Signal(object)

    def __init__(self, window):
        """window: the MainWindow."""
        super().__init__(window)
        self.window, self.session = window, window.session
        self.errand = Errand()
        window.statusBar().addPermanentWidget(self.errand)
        self.view: View | None = None
        self._load = self._journey = ""
        self._next = 0
        self._ids: dict[str, str] = {}  # what a link calls an agent → its id, once it was loaded
        self._asked: dict[str, Told] = {}
        self.session.lanes_changed.connect(self._later)
        self.session.loading_changed.connect(self._later)
        self.session.progressed.connect(self._on_progress)
        self.session.finished.connect(self._on_finished)
        self.session.failed.connect(self._on_failed)
        self.session.engine_died.connect(self._on_died)
        self.session.stepped.connect(self._on_stepped)
        self.session.stale_changed.connect(self._on_stale)
        window.commands.parts.append(self)

    # -- to the window ------------------------------------------------------------------------------------------
    def open(self, text: str) -> None:
        """Show what a link says; a link that says nothing sensible is a message."""
        try:
            self.show(View.of_link(text))
        except ZooError as error:
            self.session.message.emit("warning", str(error))

    def show(self, view: View) -> None:
        """Restore a view: it loads what is not loaded, goes to the step, and waits there unless ``play`` is set."""
        self.shows.emit(view)
        self._forget()
        self.view, self._next = view, 0
        what = view.text or " and ".join(view.agents)
        self.errand.begin(f"Opening {what if len(what) < 60 else what[:59] + '…'}", self.cancel)
        self.session.pause()
        self._go_on()

    def cancel(self) -> None:
        """Stay where the way has led so far."""
        if self.view is not None:
            self.stopped.emit(self.view)
            self._give_up()

    def _forget(self) -> None:
        """Nothing is on its way; an agent that comes after all would take the screen from what is shown next."""
        if self._load in self.session.loading:
            self.session.cancel(self._load)
        if self._journey not in ("", ARRIVED):
            self.session.cancel(self._journey)
        self.view, self._load, self._journey = None, "", ""
        self.errand.end()

    def _give_up(self) -> None:
        view = self.view
        self._forget()
        if view is not None:
            self.given_up.emit(view)

    def _on_died(self) -> None:
        self._asked.clear()  # nobody will answer
        self.cancel()

    def _on_stale(self, stale: bool) -> None:
        """Where the engine cannot step, the step does not come; the session has said so."""
        if stale and self._journey and self.session.status.get("state") == "stopped":
            self.cancel()

    def _later(self, *_: Any) -> None:
        if self.view is not None:
            QtCore.QTimer.singleShot(0, self._go_on)

    def _go_on(self) -> None:
        """The next thing to be done until the agents are there; then the journey begins."""
        view, session = self.view, self.session
        if view is None or self._journey or self._load and self._load in session.loading:
            return
        if self._load:
            if not self._arrived_in(self._next):
                if self._load in session.placed:  # else the session has said why
                    session.message.emit("warning", "The agents changed before the link was there: open it again.")
                self._give_up()
                return
            self._load = ""
            self._next += 1
        while self._next < len(view.agents) and self._is_loaded(view, self._next):
            self._next += 1
        if self._next < len(view.agents):
            place, lane = view.place(self._next), self._next if self._next < len(session.lanes) else None
            self._load = session.load(view.agents[self._next], lane, seed=place.seed, **_options(place))
            if not self._load:  # there is no room, as the session has said
                self._give_up()
        elif len(session.lanes) > len(view.agents):
            session.remove_lane(len(session.lanes) - 1)  # then the lanes change, and this goes on
        else:
            self._set_out()

    def missing(self, view: View) -> list[tuple[str, dict[str, Any]]]:
        """What ``show`` would have to load for a view now: (agent id, options but the seed)."""
        return [(agent, _options(view.place(lane))) for lane, agent in enumerate(view.agents)
                if not self._is_loaded(view, lane)]

    def _is_loaded(self, view: View, lane: int) -> bool:
        if lane >= len(self.session.lanes):
            return False
        info, place, agent = self.session.lanes[lane], view.place(lane), view.agents[lane]
        asked = dict(info.asked)
        return (
            self._ids.get(agent, agent) == info.agent_id
            and _plain(asked.get("game")) == _plain(place.game) and asked.get("sticky") == place.sticky
        )  # fmt: skip

    def _arrived_in(self, lane: int) -> bool:
        """Whether what was loaded took its place."""
        if self._load not in self.session.placed:
            return False
        self._ids[self.view.agents[lane]] = self.session.placed[self._load]
        return self._is_loaded(self.view, lane)

    def _set_out(self) -> None:
        """The agents are there: the layout is made, and their games go to their steps."""
        view, window = self.view, self.window
        if view.layout and view.layout != window.layouts.current:
            window.layouts.apply(view.layout)
        if view.panel in window.docks:
            window.show_panel(view.panel)
        places = [view.place(lane) for lane in range(len(view.agents))]
        try:
            self._journey = self.session.go_to(places, view.driver if view.input == "shared" else None)
        except ZooError as error:
            self.session.message.emit("warning", str(error))
            self._give_up()

    def _on_progress(self, key: str, payload: Any) -> None:
        if key in self._asked:
            told = self._asked.pop(key)
            try:
                view = self._viewed(*payload.result)
            except ZooError as error:  # no link says it
                self.session.message.emit("warning", str(error))
                return
            told(*view)
        elif key and key == self._journey:
            self.errand.tell(f"Playing to the step: {payload.label}", payload.done, payload.total)
            for note in payload.result or ():
                self.session.message.emit("warning", note)

    def _on_failed(self, key: str, sentence: str) -> None:
        if self._asked.pop(key, None) is not None:
            self.session.message.emit("warning", sentence)
        elif key and key == self._journey:
            self.session.message.emit("warning", sentence)
            self._journey = ""
            self._give_up()

    def _on_finished(self, key: str) -> None:
        if key and key == self._journey:
            self._journey = ARRIVED
            self._settle()

    def _on_stepped(self, *_: Any) -> None:
        if self._journey == ARRIVED:  # in a turn of its own: panels that come later are still to be shown this step
            QtCore.QTimer.singleShot(0, self._settle)

    def _settle(self) -> None:
        """Once the step is on screen, what is looked at there."""
        view, session = self.view, self.session
        if self._journey != ARRIVED:
            return
        if any(session.last_step(info.lane) is None for info in session.lanes) or session.feed.tick < 0:
            return  # it is asked again at the next step
        self._forget()
        for lane in range(len(view.agents)):
            if view.place(lane).player == "human":
                session.set_player(lane, "human")
        if view.unit is not None:
            session.select(view.lane, view.unit)
        if view.saliency or view.method:
            target = view.saliency or session.saliency
            session.set_saliency(None if target == "off" else target, view.method or None)
        if view.speed is not None:
            session.set_speed(None if math.isinf(view.speed) else view.speed)
        if view.play:
            session.play()
        self.arrived.emit(view)

    # -- from the window ----------------------------------------------------------------------------------------
    def current(self, told: Told) -> None:
        """Call ``told(view, notes)`` with the view on screen, once the engine has answered. notes: why its link does
        not lead to just this moment, phrases; () where it does."""
        if not self.session.lanes:
            self.session.message.emit("info", "There is nothing on screen yet that a link could lead to.")
            return
        self._asked[self.session.where()] = told

    def _viewed(self, places: tuple[Place, ...], notes: tuple[str, ...]) -> tuple[View, tuple[str, ...]]:
        session = self.session
        lane, unit = session.selected if session.selected is not None else (0, None)
        front = [name for name, panel in self.window.panels.items() if panel.area == "centre" and panel.is_seen]
        humans = [info.lane for info in session.lanes if info.player == "human" and info.input != "watches"]
        places = tuple(replace(place, player="human") if lane in humans and not notes else place
                       for lane, place in enumerate(places))  # fmt: skip
        view = View(
            tuple(info.agent_id for info in session.lanes), own=dict(enumerate(places)), unit=unit, lane=lane,
            saliency=session.saliency or "", method=session.saliency_method if session.saliency else "",
            layout=self.window.layouts.current, speed=math.inf if session.speed is None else session.speed,
            panel=front[0] if front and front != ["activations"] else "",
            input="shared" if session.input == "shared" else "own", driver=session.driver or 0,
        )  # fmt: skip
        return View.of_link(view.link()), notes  # what all agents have in common is said once

    # -- commands -----------------------------------------------------------------------------------------------
    def do_copy_link(self) -> None:
        self.session.pause()
        self.current(self._copy)

    def _copy(self, view: View, notes: tuple[str, ...]) -> None:
        QtWidgets.QApplication.clipboard().setText(view.link())
        if notes:
            self.session.message.emit(
                "warning", f"The link is copied, but leads to this step without what led here: {'; '.join(notes)}. "
                "Save the session to keep it all.")  # fmt: skip
        else:
            self.session.message.emit("info", f"Copied, leads just here: {view.link()}")

    def do_open_link(self) -> None:
        text = QtWidgets.QApplication.clipboard().text().strip()
        dialog = QtWidgets.QInputDialog(self.window)
        dialog.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        dialog.setWindowTitle("Open a link")
        dialog.setLabelText("A link, for example ppo/Breakout/1?seed=3&step=420&unit=conv2:12")
        dialog.setTextValue(text if is_link(text) else "")
        dialog.resize(640, dialog.sizeHint().height())
        dialog.textValueSelected.connect(lambda asked: asked.strip() and self.open(asked))
        dialog.open()


def _options(place: Place) -> dict[str, Any]:
    """What a lane is loaded with, but the seed."""
    return {key: value for key in ("game", "sticky") if (value := getattr(place, key)) not in (None, "")}


def _plain(game: str | None) -> str:
    """A game's name whatever its spelling."""
    return "".join(letter for letter in (game or "").casefold() if letter.isalnum())
