"""What the person asks of a decision, and the cover on what an agent sees: the part of Session for it. QtCore only."""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import QtCore

from zoo_gui.analysis import methods
from zoo_gui.play import cover
from zoo_gui.session_events import EngineEvents
from zoo_gui.types import ZooError


class Why(EngineEvents):
    """saliency: the target that is explained over the game, None: nothing. saliency_method, saliency_options: how.
    covers: {lane: Cover}. region: (lane, box) of what is asked about, None: nothing."""

    saliency_changed = QtCore.Signal(object)
    saliency_method_changed = QtCore.Signal(str)
    cover_changed = QtCore.Signal(int, object)
    region_changed = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.saliency: str | None = None
        self.saliency_method = "gradient"
        self.saliency_options: dict[str, Any] = methods.METHODS["gradient"].defaults
        self.covers: dict[int, cover.Cover] = {}
        self.region: tuple[int, tuple[int, int, int, int]] | None = None
        self._cover_of: dict[int, str] = {}

    def saliency_methods(self) -> tuple[methods.Method, ...]:
        """The ways to explain, in the order in which they are offered; ``saliency_fault`` says which can."""
        return tuple(methods.METHODS.values())

    def saliency_fault(self, lane: int, target: str, method: str) -> str:
        """Why a method cannot explain a target of a lane's network, as a sentence; "" where it can."""
        return methods.why_not(method, self._saliency_target(target) or "action", self.lanes[lane])

    def set_saliency(self, target: str | None, method: str | None = None, **options: Any) -> None:
        """None, ``action`` (the chosen one), ``value``, ``unit`` (the selected one), or any text that names a target
        (``advantage``, ``action:LEFT - action:RIGHT``, ``conv2:17``); by ``method`` with its options, None: as now.

        LIGHT and MEDIUM methods' maps come in ``Step.saliency``; those of the others, and of MEDIUM ones above twice
        the game's speed, by the signal ``attributed``, as many a second as there is time for.
        """
        try:
            chosen = methods.method_of(method or self.saliency_method)
            options = chosen.settings(options if method else {**self.saliency_options, **options})
        except ZooError as error:
            self.message.emit("warning", str(error))
            return
        if target == "unit" and self.selected is None:
            self.message.emit("info", "Click a unit first: its saliency is then shown on the game.")
            target = None
        changed = (chosen.name, options) != (self.saliency_method, self.saliency_options)
        self.saliency, self.saliency_method, self.saliency_options = target, chosen.name, options
        self.feed.intervene(("saliency", self._saliency_wish()))
        if changed:
            self.saliency_method_changed.emit(chosen.name)
        self.saliency_changed.emit(target)

    def _saliency_wish(self) -> dict[str, Any]:
        """What is explained, as the engine's command ``saliency`` takes it."""
        return {"target": self._saliency_target(self.saliency), "method": self.saliency_method,
                "options": self.saliency_options}  # fmt: skip

    def _saliency_target(self, target: str | None) -> str | None:
        """The target as the engine takes it: ``unit`` means the selected one."""
        return target if target != "unit" else str(self.selected[1]) if self.selected is not None else None

    def choose_region(self, lane: int, box: tuple[int, int, int, int] | None) -> None:
        """Choose a part of what a lane's agent sees, to ask about it: (top, left, height, width) in observation pixels;
        None: no part. It changes nothing in the game."""
        self.region = None if box is None else (lane, tuple(box))
        self.region_changed.emit(self.region)

    def _ask_for_maps(self) -> None:
        """Have the moment on screen explained, where it stays there and its map does not come with the step."""
        if self.saliency is None or self.running:
            return
        for lane in range(len(self.lanes)):
            step = self.last_step(lane)
            if step is not None and step.saliency is None and step.moment >= 0 and self.lanes[lane].layers:
                self._send("explain", lane=lane, moment=step.moment)

    def set_cover(self, lane: int, box: tuple[int, int, int, int] | None, fill: str = "mean") -> None:
        """Cover (top, left, height, width), in observation pixels, in all frames that the lane's agent sees; None takes
        the cover away. Acts on the moment on screen. fill: ``mean``, ``black``, ``blur`` or ``background``."""
        try:
            found = None if box is None else cover.checked(box, self.lanes[lane].observation_shape, fill)
        except ZooError as error:
            self.message.emit("warning", str(error))
            return
        if found == self.covers.get(lane):
            return
        self.feed.intervene(("cover", {"lane": lane, "box": found and found.box, "fill": fill}))
        self._note_cover(lane, found)
        self._update_status()

    def _note_cover(self, lane: int, found: cover.Cover | None) -> None:
        """A lane's cover is this one now."""
        self.covers.pop(lane, None)
        if found is not None:
            self.covers[lane], self._cover_of[lane] = found, self.lanes[lane].agent_id
        self.cover_changed.emit(lane, found)

    def _carry_covers(self, moved: dict[int, int], new: set[int]) -> None:
        """After the lanes changed: covers go where their lanes went, and stay when the same agent is loaded anew."""
        before, agents = self.covers, self._cover_of
        kept = {moved[lane]: lane for lane in before
                if lane in moved and agents[lane] == self.lanes[moved[lane]].agent_id}  # fmt: skip
        self.covers = {now: before[was] for now, was in kept.items()}
        self._cover_of = {now: agents[was] for now, was in kept.items()}
        for lane in sorted(self.covers.keys() & new):
            box, fill = self.covers[lane]
            self.feed.intervene(("cover", {"lane": lane, "box": box, "fill": fill}))
        for lane in sorted(before.keys() | self.covers.keys()):
            if before.get(lane) != self.covers.get(lane) and lane < len(self.lanes):
                self.cover_changed.emit(lane, self.covers.get(lane))
