"""Whose game the lanes see, and analyses of several of them: the part of Session for comparing. QtCore only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore

from zoo_gui.session_groups import Grouping

NEEDS_TWO = "Two agents are needed to compare them: open another one beside this."


class Comparing(Grouping):
    """The lanes' LaneInfo.input says whose game each sees: ``lanes_changed`` tells when that changes."""

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._replays = 0
        self._recording_end: tuple[int, int] | None = None

    @property
    def input(self) -> str:
        """``own``: each lane plays its own game; ``shared``: all see the driver's; ``replay``: one that was played."""
        role = self.lanes[0].input if self.lanes else "own"
        return "shared" if role in ("drives", "watches") else role

    @property
    def driver(self) -> int | None:
        """The lane that acts in a shared game, else None."""
        return next((info.lane for info in self.lanes if info.input == "drives"), None)

    def share(self, driver: int = 0) -> None:
        """Have all lanes see one game, which a lane drives, from the moment on screen; where they do already, that lane
        takes over: the game stays as it is, bit for bit. A message where the lanes play different games."""
        if len(self.lanes) < 2:
            self.message.emit("warning", NEEDS_TWO)
        elif driver < len(self.lanes):
            self.feed.change("share", driver=driver)

    def own_games(self) -> None:
        """Have each lane go on with its own game, from where it is."""
        if self.lanes:
            self.feed.change("own")

    def replay(self, lane: int, source: str | tuple[int, int] | Path = "session") -> str:
        """Have all lanes see, from its beginning, a game that was played: the lane's in the sitting so far, in its
        rollout of (steps, seed), or in a rollout's file; returns the key of the job that reads it."""
        self._replays += 1
        key = f"replay {self._replays}"
        kind = "session" if source == "session" else "file" if isinstance(source, Path) else "rollout"
        settings = () if kind == "session" else str(source) if kind == "file" else tuple(source)
        self._send("replay", key=key, lane=lane, source=kind, settings=settings)
        return key

    def run_together(self, key: str, analysis: str, lanes: tuple[int, ...], **parameters: Any) -> None:
        """Start an analysis of several lanes' agents, as ``run``. moments: ``"session"``, those of the sitting that
        they saw together, or the (steps, seed) of a rollout that the first of them drives."""
        self._send("run", key=key, analysis=analysis, lane=tuple(lanes), parameters=parameters)

    def _on_recording_ended(self, epoch: int, tick: int) -> None:
        self._recording_end = epoch, tick

    def _end_recording(self) -> None:
        """Pause where the recording's last step is on screen."""
        if self._recording_end is None or self.feed.epoch > self._recording_end[0]:
            self._recording_end = None
        elif self.feed.epoch == self._recording_end[0] and self.feed.tick >= self._recording_end[1]:
            self._recording_end = None
            if self.running:
                self.pause()
            self.message.emit("info", "The recording ends here: let an agent take over, or restart it.")
