"""What every panel is: a widget that follows the session and never takes the window down with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.registry import Registry
from zoo_gui.tokens import Tokens, current
from zoo_gui.types import LaneInfo, Step, StepSummary, Unit
from zoo_gui.widgets.room import Room

log = logging.getLogger(__name__)

#: How many lanes a panel draws in one turn of the clock.
LANES_A_TURN = 2

PANELS: Registry = Registry("panel", "zoo_gui.widgets", "zoo_gui.panels")


class Job:
    """The one analysis of its kind that a panel has running in the engine.

    Each start has a key of its own, so that what an earlier one still had to say is known as late: ``owns(key)``.
    """

    def __init__(self, session, name: str):
        self.session, self.name, self.running = session, name, False
        self._starts = 0

    @property
    def key(self) -> str:
        """Of the newest start."""
        return f"{self.name} {self._starts}"

    def owns(self, key: str) -> bool:
        """Whether a signal with this key is of the running job."""
        return self.running and key == self.key

    def start(self, analysis: str, lane: int | tuple[int, ...], **parameters: Any) -> None:
        """Run an analysis of a lane's agent, or one of several lanes' agents; an earlier one ends. The parameters are
        those of ``Session.run`` or ``Session.run_together``."""
        self.stop()
        self._starts += 1
        self.running = True
        run = self.session.run_together if isinstance(lane, tuple) else self.session.run
        run(self.key, analysis, lane, **parameters)

    def stop(self) -> None:
        """End it, if it runs."""
        if self.running:
            self.running = False
            self.session.cancel(self.key)

    def ended(self) -> None:
        """It finished or failed."""
        self.running = False


def where(info: LaneInfo | None, lanes: tuple[LaneInfo, ...]) -> LaneInfo | None:
    """The lane in which this one's agent plays its game now: its own, or further left where one before it was removed;
    None where it is gone."""
    same = [] if info is None else [
        one for one in lanes if (one.agent_id, one.game) == (info.agent_id, info.game) and one.lane <= info.lane]
    return same[-1] if same else None


def relook(widget: QtWidgets.QWidget) -> None:
    """Have all that is painted inside a widget take the present theme and type: grounds, axes, canvases, and widgets
    with a method ``set_type`` or ``set_look``.

    A view's ground is its property ``ground``, a name of ``tokens.Tokens``; without one it stays as it is.
    """
    look = current()
    children = widget.findChildren(QtWidgets.QWidget)  # once: it looks at all that is there
    for child in children:
        if hasattr(child, "set_type"):
            child.set_type()
            child.updateGeometry()
            child.update()
        if hasattr(child, "set_look"):
            child.set_look()
    for view in (child for child in children if isinstance(child, pg.GraphicsView)):
        if view.property("ground"):
            view.setBackground(getattr(look, view.property("ground")))
        if hasattr(view, "look_changed"):
            view.look_changed()
        for item in view.scene().items():
            if isinstance(item, pg.AxisItem):
                item.setPen(look.control)
                item.setTextPen(look.text)
            elif isinstance(item, pg.LabelItem):
                item.setText(item.text, color=look.text)
        view.viewport().update()


class Part(NamedTuple):
    """A part of a panel: where it is, in the panel's pixels, what it is called, and a sentence about it."""

    box: QtCore.QRect
    name: str
    sentence: str = ""


@contextmanager
def laid_out_anew() -> Iterator[None]:
    """In it panels are shown and raised until each is in its place: those that are in sight in passing do not catch up
    with the session for it, which took half of the time."""
    if Panel.late is not None:
        yield
        return
    Panel.late = late = {}
    try:
        yield
    finally:
        Panel.late = None
        for panel in late:
            panel.arrive()


class Panel(QtWidgets.QWidget):
    """A panel shows all lanes side by side, in columns.

    Subclasses set ``title``, ``about`` (one sentence: what it shows; the first of its page, docs/panels/<name>.md) and
    ``area`` (``left``, ``centre``, ``right``, ``bottom``), make their content in ``build`` and override the ``show_…``
    methods they need, and ``named_parts`` where its parts need names. Nothing is called while the panel is hidden; when
    it is shown again it gets the lanes, the selection and each lane's last step. An exception in any of these is shown
    in place of the content, with a button that builds it anew; the rest of the window goes on.
    """

    title = ""
    about = ""
    area = "centre"
    #: Turns of the clock between a step and this panel's drawing of it: panels that are not the first to be looked at
    #: draw while the next emulator frames are shown, so that no turn has to draw everything.
    turns_late = 0
    #: Whether what the panel asked for goes on while nobody sees it: it then hears of lanes, progress and failures too,
    #: since it must know whose agents the answer is about.
    asks_on = False
    #: While panels are laid out anew those that came into sight, in their order; else None. Of all panels.
    late: dict[Panel, None] | None = None

    def __init__(self, session, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.session = session
        self.lanes: tuple[LaneInfo, ...] = ()
        self._content: QtWidgets.QWidget | None = None
        self._room: Room | None = None
        self._broken = self._behind = self._look_owed = False
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._late: dict[int, tuple[Step, list[StepSummary]]] = {}
        self._late_timer = QtCore.QTimer(self)
        self._late_timer.setSingleShot(True)
        self._late_timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._late_timer.timeout.connect(self._show_late)
        self._connect()
        self._rebuild()

    # -- for subclasses -----------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        """Make and return the content; called once, and again on Reload (forget everything held before)."""
        raise NotImplementedError

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        """The players changed: their number, networks or games. ``self.lanes`` is already the new tuple."""

    def show_step(self, lane: int, step: Step, summaries: list[StepSummary]) -> None:
        """A lane's newest step, and the summaries of all steps since the last call (at least the newest's)."""

    def show_frame(self, lane: int, frame) -> None:
        """The emulator frame to show now, (H, W, 3) uint8; up to 60 times a second."""

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        """The selection moved (None: nothing is selected)."""

    def show_progress(self, key: str, progress) -> None:
        """A job yielded ``analysis.Progress``."""

    def show_failure(self, key: str, sentence: str) -> None:
        """A job failed."""

    def show_view(self, view: dict) -> None:
        """The view settings (colour map, gamma, contrast, scale …) changed."""

    def show_look(self, look: Tokens) -> None:
        """The theme or the type size changed, or the content is new; also called while hidden. Canvases and plots know
        already."""

    def named_parts(self) -> list[Part]:
        """What of it *What am I looking at?* names, as it is on screen now; the first are the most important."""
        return []

    def rest(self) -> None:
        """Nobody looks any more: the panel was hidden, or went behind another tab. Jobs for the eye may end."""

    # -- machinery ----------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        session = self.session
        session.lanes_changed.connect(self._on_lanes_changed)
        session.stepped.connect(self._on_stepped)
        session.frame_shown.connect(self._on_frame_shown)
        session.unit_selected.connect(self._on_unit_selected)
        session.progressed.connect(self._on_progressed)
        session.failed.connect(self._on_failed)
        session.view_changed.connect(self._on_view_changed)

    def _rebuild(self) -> None:
        self._broken = False
        self._set_content(None)
        try:
            self._set_content(self.build())
        except Exception as error:
            self._fail(error)
            return
        self._guard(self.show_look, current())
        self._catch_up()

    def _set_content(self, content: QtWidgets.QWidget | None) -> None:
        if self._room is not None:
            self._layout.removeWidget(self._room)
            self._room.hide()
            self._room.deleteLater()
        self._content, self._room = content, None if content is None else Room(content)
        if content is not None:
            self._layout.addWidget(self._room)

    def _catch_up(self) -> None:
        if self._look_owed and self.is_seen:
            self.look_changed(current())
        self.lanes = self.session.lanes
        self._guard(self.set_lanes, self.lanes)
        self._guard(self.show_view, dict(self.session.view))
        if self.session.selected is not None:
            self._guard(self.show_unit, *self.session.selected)
        for info in self.lanes:
            step = self.session.last_step(info.lane)
            if step is not None:
                self._guard(self.show_step, info.lane, step, [])
                self._guard(self.show_frame, info.lane, step.frame)

    def _guard(self, method, *args) -> None:
        """Call, and turn an exception into this panel's failure page."""
        if self._broken:
            return
        try:
            method(*args)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        log.exception("panel %s failed", type(self).__name__)
        self._broken = True
        page = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(page)
        column.addStretch()
        label = QtWidgets.QLabel(
            f"The {self.title or type(self).__name__} panel stopped: {type(error).__name__}: {error}. "
            "The game goes on; Reload builds the panel anew."
        )
        label.setWordWrap(True)
        label.setAlignment(QtCore.Qt.AlignCenter)
        button = QtWidgets.QPushButton("Reload")
        button.clicked.connect(self._rebuild)
        column.addWidget(label)
        column.addWidget(button, alignment=QtCore.Qt.AlignCenter)
        column.addStretch()
        self._set_content(page)

    def mend(self) -> None:
        """Build a panel anew that stopped, for somebody who wants something of it."""
        if self._broken:
            self._rebuild()

    @property
    def failed(self) -> bool:
        """Whether the failure page is shown."""
        return self._broken

    @property
    def is_seen(self) -> bool:
        """Whether the panel is on screen: Qt counts a dock behind another tab as visible too."""
        return self.isVisible() and not self._behind

    def seen_changed(self, seen: bool) -> None:
        """The dock came to the front of its tabs, or went behind (``QDockWidget.visibilityChanged``)."""
        self._behind = not seen
        if seen:
            self._appear()
        else:
            self._guard(self.rest)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._appear()

    def _appear(self) -> None:
        if Panel.late is None:
            self._catch_up()
        else:
            Panel.late[self] = None

    def arrive(self) -> None:
        """The panels are in their places: catch up with the session, if this one is in sight there."""
        if self.is_seen:
            self._catch_up()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._guard(self.rest)

    def _on_lanes_changed(self, lanes) -> None:
        self.lanes = lanes
        self._late.clear()
        if self.is_seen or self.asks_on:
            self._guard(self.set_lanes, lanes)

    def _on_stepped(self, lane: int, step, summaries) -> None:
        if not self.is_seen:
            return
        turns = self.turns_late or lane // LANES_A_TURN
        delay = turns * getattr(self.session, "TURN_MS", 0)
        if not delay:
            self._guard(self.show_step, lane, step, summaries)
            return
        self._late[lane] = step, self._late.get(lane, (None, []))[1] + summaries
        if not self._late_timer.isActive():
            self._late_timer.start(delay)

    def settle(self) -> None:
        """Draw now what was to be drawn in a later turn, so that all panels show one moment."""
        self._late_timer.stop()
        self._show_late()

    def _show_late(self) -> None:
        late, self._late = self._late, {}
        if self.is_seen:
            for lane, (step, summaries) in late.items():
                if lane < len(self.lanes):
                    self._guard(self.show_step, lane, step, summaries)

    def _on_frame_shown(self, lane: int, frame) -> None:
        if self.is_seen:
            self._guard(self.show_frame, lane, frame)

    def _on_unit_selected(self, lane: int, unit) -> None:
        if self.is_seen:
            self._guard(self.show_unit, lane, unit)

    def _on_progressed(self, key: str, progress) -> None:
        if self.is_seen or self.asks_on:
            self._guard(self.show_progress, key, progress)

    def _on_failed(self, key: str, sentence: str) -> None:
        if self.is_seen or self.asks_on:
            self._guard(self.show_failure, key, sentence)

    def look_changed(self, look: Tokens) -> None:
        """Take over another theme or type size; a panel that nobody sees does it when it is shown."""
        self._look_owed = not self.is_seen
        if self._look_owed:
            return
        self._guard(relook, self)
        self._guard(self.show_look, look)
        self.update()

    def _on_view_changed(self, view) -> None:
        if self.is_seen:
            self._guard(self.show_view, view)
