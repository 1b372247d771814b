"""The status bar: what the mouse is over at the left, the running figures at the right, each in a field of its own."""

from __future__ import annotations

from typing import Callable, NamedTuple

from pyqtgraph.Qt import QtCore, QtWidgets
from zoo_gui.widgets.controls import Fitted, fit, keyed, mark, role

STATES = {"running": "▶ running", "paused": "❚❚ paused", "stale": "⚠ stale", "loading": "… loading",
          "stopped": "■ stopped"}
SPEEDS = {0.25: "¼×", 0.5: "½×", None: "max"}


def _speed(speed: float | None) -> str:
    return SPEEDS.get(speed) or f"{speed:g}×"


def _rate(unit: str) -> Callable[[float], str]:
    return lambda value: f"{value:,.0f} {unit}"


class Field(NamedTuple):
    """One figure: the status key, how it is written, its longest text (which sets the width), what it means.

    optional: the field is hidden while the key is missing, None or False. command: whose keys its words name.
    """

    key: str
    write: Callable[[object], str]
    longest: str
    tip: str
    optional: bool = False
    alarm: bool = False
    command: str = ""


FIELDS = (
    Field("intervention", lambda words: words.upper() if isinstance(words, str) else "INTERVENTION ON", "EDITED",
          "A unit's gain or offset is changed: what you see is not the trained network.", optional=True, alarm=True),
    Field("steady", lambda _: "◐ steady", "◐ steady",
          "Flicker-reducing display: of each two game frames the brighter pixels are shown, not the frames "
          "themselves. What agents see, and what is computed, stays as it is",
          optional=True, alarm=True, command="toggle_steady"),
    Field("recording", lambda text: f"● REC {text}", "● REC 00:00 · 000.0 MB",
          "Time recorded so far, and how large the file is. Not in the film.", optional=True, alarm=True),
    Field("ring", lambda seconds: f"⟲ {seconds} s", "⟲ 120 s",
          "So many of the last seconds are kept all the time, and can be saved as a film", optional=True,
          command="save_last"),
    Field("download", lambda share: f"⬇ {share}", "⬇ 0000.0 MB", "An agent is being downloaded.", optional=True),
    Field("agree", lambda share: f"agree {share:.0%}", "agree 100%",
          "Share of the steps on which all agents chose the same action.", optional=True),
    Field("state", lambda state: STATES.get(state, str(state)), "❚❚ paused ",
          "Stale: what is shown belongs to an earlier moment, because the process that plays does not answer."),
    Field("speed", _speed, "max", "Speed of play: 1× is 60 game frames a second, max as fast as it goes."),
    Field("game_fps", _rate("game fps"), "00,000 game fps", "Game frames shown in a second; 60 at 1×."),
    Field("ui_fps", _rate("UI fps"), "000 UI fps", "Times a second that the window was painted."),
    Field("steps_per_second", _rate("steps/s"), "0,000 steps/s", "Agent steps a second, of one agent."),
    Field("inference_ms", lambda ms: f"{ms:.1f} ms net", "00.0 ms net",
          "Time the networks took for the newest step, all agents together: one call returns every layer."),
    Field("dropped", _rate("dropped"), "000 dropped",
          "Game frames that should have been shown and were not.", optional=True),
    Field("seed", lambda seed: f"seed {seed}", "seed 0000", "The same seed gives the same episode."),
    Field("device", str, "CPU", "What the network runs on."),
)


FIRST_TO_GO = ("device", "inference_ms", "ui_fps", "steps_per_second", "game_fps")
GAP = 7  # pixels between two figures, about


class StatusBar(QtWidgets.QStatusBar):
    """Follows ``session.status_changed`` and ``session.hovered``."""

    def __init__(self, session, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._status: dict = {}
        self._hovered = ""
        self.said = Fitted()
        self.said.setTextInteractionFlags(QtCore.Qt.NoTextInteraction)
        self.addWidget(self.said, 1)
        self.setMinimumWidth(1)  # what has no room is left out
        self.fields = {field.key: self._make(field) for field in FIELDS}
        session.status_changed.connect(self.show_status)
        session.hovered.connect(self.show_hovered)
        self.show_status(dict(getattr(session, "status", {})))

    def _make(self, field: Field) -> QtWidgets.QLabel:
        label = QtWidgets.QLabel("–")
        fit(label, field.longest, 8, strong=field.alarm, grows=True)
        role(label, "caption")
        label.setAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
        label.setToolTip(field.tip)
        if field.command:
            keyed(label, field.command, field.tip)
        label.setAccessibleName(field.key.replace("_", " "))
        if field.alarm:
            mark(role(label, "warning"), "strong", True)
        self.addPermanentWidget(label)
        label.setVisible(not field.optional)
        return label

    def show_status(self, status: dict) -> None:
        """Take the figures that the dict has; others stay."""
        self._status.update(status)
        for field in FIELDS:
            value, label = self._status.get(field.key), self.fields[field.key]
            absent = value is None and not (field.key == "speed" and "speed" in self._status)
            label.setText("–" if absent else field.write(value))
            if field.optional:
                label.setVisible(not absent and value is not False)
        state = self._status.get("state")
        alarming = state in ("stale", "stopped")
        mark(role(self.fields["state"], "warning" if alarming else "caption"), "strong", alarming)
        self._make_room()
        self._show_said()

    def _make_room(self) -> None:
        """Leave out what matters least where not all figures have room; tool tips and panels say them too."""
        shown = [field for field in FIELDS if not field.optional or not self.fields[field.key].isHidden()]
        widths = {field.key: self.fields[field.key].sizeHint().width() + GAP for field in shown}
        room = self.width() - 2 * GAP
        for field in shown:
            widths[field.key] = max(widths[field.key], self.fields[field.key].minimumWidth() + GAP)
        for key in FIRST_TO_GO:
            self.fields[key].setVisible(sum(widths.values()) <= room)
            if sum(widths.values()) > room:
                widths.pop(key)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._make_room()

    def show_hovered(self, text: str) -> None:
        """What the mouse is over; an empty text when it is over nothing."""
        self._hovered = text
        self._show_said()

    def _show_said(self) -> None:
        loading = self._status.get("loading") if self._status.get("state") == "loading" else None
        self.said.say(self._hovered or loading or "")
