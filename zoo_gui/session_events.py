"""What the engine says, and what the session makes of it: the half of Session that listens. QtCore only."""

from __future__ import annotations

import logging
from typing import Any

from pyqtgraph.Qt import QtCore

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

    @property
    def loading(self) -> dict[str, str]:
        """{key: agent id} of what is being loaded, maybe downloaded; ``cancel(key)`` ends it."""
        return {key: request[1] for key, request in self._requests.items()}

    def _on_event(self, event: tuple) -> None:
        if self._closed:
            return
        getattr(self, f"_on_{event[0]}")(*event[1:])

    def _on_lanes(self, key: str, epoch: int, described: list, device: str) -> None:
        self._end_request(key)
        same = len(described) == len(self.lanes)
        self.lanes = tuple(info for info, _ in described)
        self.feed.attach(epoch, described)
        self.feed.immediate = any(info.player == "human" for info in self.lanes)
        self.status["device"] = device
        self._forget_numbers()
        self._drop_what_is_gone(same)
        self.lanes_changed.emit(self.lanes)
        if self._play_when_ready:
            self.play()

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
        self.feed.running = False
        self._set_running(False)
        self._set_state("stopped")
        self.stale_changed.emit(True)
        log.error("the engine ended with exit code %s", exit_code)
        self.engine_died.emit()
