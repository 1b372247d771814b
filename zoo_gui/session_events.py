"""What the engine says, and what the session makes of it: the half of Session that listens. QtCore only."""

from __future__ import annotations

import logging
from typing import Any

from pyqtgraph.Qt import QtCore

from zoo_gui.types import Unit

log = logging.getLogger(__name__)


class EngineEvents(QtCore.QObject):
    """One method an event, ``_on_<event>``; all run in the UI thread. ``engine.host`` lists the events."""

    progressed = QtCore.Signal(str, object)
    finished = QtCore.Signal(str)
    failed = QtCore.Signal(str, str)
    lanes_changed = QtCore.Signal(object)
    unit_selected = QtCore.Signal(int, object)
    pins_changed = QtCore.Signal(object)
    message = QtCore.Signal(str, str)
    stale_changed = QtCore.Signal(bool)
    engine_died = QtCore.Signal()
    loading_changed = QtCore.Signal(object)
    card_needed = QtCore.Signal(str)
    attributed = QtCore.Signal(int, object)
    rewound = QtCore.Signal()
    _new_engine = False  # one took a dead one's place, and knows nothing of what was chosen

    @property
    def loading(self) -> dict[str, str]:
        """{key: agent id} of what is being loaded, maybe downloaded; ``cancel(key)`` ends it."""
        return {key: request[1] for key, request in self._requests.items()}

    def _has_room(self, lane: int | None, most: int) -> bool:
        """Whether there are no more lanes than this once all that is on its way has arrived, and this load too."""
        asked = [there for there, *_ in self._requests.values()] + [lane]
        new = {there for there in asked if there is not None and there >= len(self.lanes)}
        adds = lane is None or lane in new
        return not adds or len(self.lanes) + asked.count(None) + len(new) <= most

    def _on_event(self, event: tuple) -> None:
        if self._closed:
            return
        getattr(self, f"_on_{event[0]}")(*event[1:])

    def _on_lanes(self, key: str, epoch: int, described: list, device: str) -> None:
        moved, new = self._moves(key, [info for info, _ in described])
        self._end_request(key)
        self.lanes = tuple(info for info, _ in described)
        if self._new_engine:
            self._new_engine = False
            self._send("saliency", **self._saliency_wish())
        self.feed.attach(epoch, described)
        self.feed.immediate = any(info.player == "human" for info in self.lanes)
        self.status["device"] = self.status.get("device", "") if device is None else device
        self._forget_numbers()
        self._carry_over(moved, new)
        self._carry_disturbances(moved, new, self._coming.pop(key, None))
        self.lanes_changed.emit(self.lanes)
        if self._play_when_ready:
            self.play()

    def _moves(self, key: str, infos: list) -> tuple[dict[int, int], set[int]]:
        """({lane before: lane now}, the lanes that were loaded anew), as the key of the change tells."""
        before, asked = list(range(len(self.lanes))), self._requests.get(key)
        if key.startswith("remove "):
            del before[int(key.split()[1])]
        moved = {old: lane for lane, old in enumerate(before) if lane < len(infos)}
        new = {lane for lane in range(len(infos)) if asked is not None and asked[0] == lane or lane >= len(before)}
        # one that was cancelled too late is not among the requests any more
        new |= {lane for old, lane in moved.items() if self.lanes[old].agent_id != infos[lane].agent_id}
        return moved, new

    def _carry_over(self, moved: dict[int, int], new: set[int]) -> None:
        """Pins, edits, covers and the selection go where their lanes went, while their units are there. Edits are of a
        network: what is loaded anew, the same agent too, has none."""
        def goes(lane: int, unit: Unit) -> bool:
            layer = self.lanes[moved[lane]].layer(unit.layer) if lane in moved else None
            return layer is not None and unit.index < layer.units

        self.pins = [pin._replace(lane=moved[pin.lane]) for pin in self.pins if goes(*pin)]
        for lane in range(len(self.lanes)):
            self._send("pins", lane=lane, units=tuple(tuple(pin.unit) for pin in self.pins if pin.lane == lane))
        for lane in {moved.get(lane) for lane, _ in self.edits} & new:
            self._send("clear_edits", lane=lane)  # one that was made while the other agent took its place
        self.edits = {(moved[lane], unit): change for (lane, unit), change in self.edits.items()
                      if goes(lane, unit) and moved[lane] not in new}  # fmt: skip
        self.pins_changed.emit(list(self.pins))
        self._carry_covers(moved, new)
        self.choose_region(0, None)
        if self.selected is not None:
            (lane, unit), stays = self.selected, goes(*self.selected)
            self.selected = (moved[lane], unit) if stays else None
            if not stays and self.saliency == "unit":
                self.set_saliency(None)
            if not stays or moved[lane] != lane:
                self.unit_selected.emit(moved[lane] if stays else lane, unit if stays else None)

    def _on_loading(self, text: str) -> None:
        self.status["loading"] = text
        self._set_state("loading")

    def _on_load_failed(self, key: str, sentence: str) -> None:
        self._end_request(key)
        self._set_state(("running" if self.running else "paused") if self.lanes else "stopped")
        self.message.emit("error", sentence)

    def _on_card_needed(self, key: str, path: str) -> None:
        """A file that says too little: whoever listens asks the person, and loads it then."""
        self._end_request(key)
        self._set_state(("running" if self.running else "paused") if self.lanes else "stopped")
        self.card_needed.emit(path)

    def _end_request(self, key: str) -> bool:
        """An agent is loaded, or will not be; False where the key is not one of those that are being loaded."""
        ended = self._requests.pop(key, None) is not None
        self.status["download"] = None
        self.loading_changed.emit(self.loading)
        return ended

    def _on_rewound(self, epoch: int, tick: int) -> None:
        """The engine went back; the steps of the new epoch follow by themselves."""
        self.rewound.emit()

    def _on_held(self, tick: int, epoch: int) -> None:
        self.feed.held(tick, epoch)

    def _on_progress(self, key: str, payload: Any) -> None:
        if key in self._requests:  # an agent is being downloaded
            share = f"{payload.done / payload.total:.0%}" if payload.total else f"{payload.done / 1e6:.1f} MB"
            self.status["download"] = share
            self.status["loading"] = f"Downloading {payload.label}"
        self.progressed.emit(key, payload)

    def _on_finished(self, key: str, _payload: Any) -> None:
        self.finished.emit(key)

    def _on_failed(self, key: str, sentence: str) -> None:
        self.failed.emit(key, sentence)

    def _on_error(self, sentence: str) -> None:
        self.message.emit("error", sentence)

    def _on_notice(self, sentence: str) -> None:
        self.message.emit("warning", sentence)

    def _on_attributed(self, lane: int, record: Any) -> None:
        """A map that was made beside the game; one of an earlier target or method comes too late."""
        wanted = self._saliency_target(self.saliency), self.saliency_method
        if (record.target, record.method) == wanted and lane < len(self.lanes):
            self.attributed.emit(lane, record)

    def _on_stopped(self, sentence: str) -> None:
        self.feed.running = False
        self._set_running(False)
        self._set_state("stopped")
        self.message.emit("error", sentence)

    def _on_died(self, exit_code: int | None) -> None:
        self._new_engine = True
        self.feed.running = False
        self._set_running(False)
        self._set_state("stopped")
        self.stale_changed.emit(True)
        log.error("the engine ended with exit code %s", exit_code)
        self.engine_died.emit()
