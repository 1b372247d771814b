"""Captions under a recorded picture: who plays, what it does, what that earns, and which keys were pressed."""

from __future__ import annotations

import time
from typing import Any

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.naming import lane_letter, readable_action
from zoo_gui.shortcuts import spelled
from zoo_gui.tokens import DARK

HELD = 1.2
"""Seconds for which a reward and a key stay: a step alone is too short to be read."""
SHARE, LEAST = 0.045, 26
"""Of the picture's height for the captions; pixels at least."""
GROUND, TEXT, DIM = (QtGui.QColor(name) for name in (DARK.base, DARK.text, DARK.dim))  # of films, in any theme
MODIFIERS = (QtCore.Qt.Key_Shift, QtCore.Qt.Key_Control, QtCore.Qt.Key_Alt, QtCore.Qt.Key_AltGr, QtCore.Qt.Key_Meta)


def height(of_picture: int) -> int:
    """Pixels that captions take of a picture's height."""
    return max(LEAST, round(of_picture * SHARE)) // 2 * 2


class Captions(QtCore.QObject):
    """Follows the session, and the keyboard where keys are wanted. wanted: some of ``recording.CAPTIONS``."""

    def __init__(self, session, wanted: tuple[str, ...], parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.session, self.wanted = session, wanted
        self._rewards: dict[int, tuple[float, float]] = {}
        self._steps: dict[int, Any] = {}
        self._on_lanes()
        self._key, self._key_at = "", 0.0
        self._painted: tuple[str, str] | None = None
        session.stepped.connect(self._on_stepped)
        session.lanes_changed.connect(self._on_lanes)
        if "keys" in wanted:
            QtWidgets.QApplication.instance().installEventFilter(self)

    def close(self) -> None:
        """Follow nothing any more."""
        self.session.stepped.disconnect(self._on_stepped)
        self.session.lanes_changed.disconnect(self._on_lanes)
        QtWidgets.QApplication.instance().removeEventFilter(self)
        self.deleteLater()

    def _on_lanes(self, lanes=None) -> None:
        """Other agents: what those before them did is not theirs, and their actions may be fewer."""
        self._rewards.clear()
        self._steps = {info.lane: self.session.last_step(info.lane) for info in self.session.lanes}  # as panels show it

    def _on_stepped(self, lane: int, step, summaries) -> None:
        self._steps[lane] = step
        reward = sum(summary.reward for summary in summaries)
        if reward:
            self._rewards[lane] = reward, time.monotonic()

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.KeyPress and watched.isWidgetType() and event.key() not in MODIFIERS:
            keys = QtGui.QKeySequence(int(event.modifiers() & ~QtCore.Qt.KeypadModifier) | event.key())
            self._key, self._key_at = spelled(keys.toString()), time.monotonic()
        return False

    def words(self, now: float | None = None) -> tuple[str, str]:
        """What stands at the left and at the right."""
        now = time.monotonic() if now is None else now
        lanes = [self._lane(info, now) for info in self.session.lanes]
        return "     ".join(filter(None, lanes)), self._key if now - self._key_at < HELD else ""

    def _lane(self, info, now: float) -> str:
        step, parts = self._steps.get(info.lane), []
        if len(self.session.lanes) > 1:
            parts.append(lane_letter(info.lane))
        if "agent" in self.wanted:
            parts.append(info.title)
        if step is None or not set(self.wanted) & {"agent", "action", "reward", "score"}:
            return "  ".join(parts) if "agent" in self.wanted else ""
        if "action" in self.wanted:
            parts.append(readable_action(info.action_names[step.decision.action]))
        reward, at = self._rewards.get(info.lane, (0.0, 0.0))
        if "reward" in self.wanted:
            parts.append(f"reward {reward:+g}" if now - at < HELD else "reward 0")
        if "score" in self.wanted:
            parts.append(f"score {step.episode_return:g}")
        return "  ·  ".join(parts)

    def paint(self, image: QtGui.QImage) -> None:
        """Write them over an image, where they changed."""
        words = self.words()
        if words == self._painted or image.isNull():
            return
        self._painted = words
        image.fill(GROUND)
        painter = QtGui.QPainter(image)
        font = QtGui.QFont()
        font.setPixelSize(max(10, round(image.height() * 0.55)))
        painter.setFont(font)
        metrics, margin = painter.fontMetrics(), image.height() // 3
        left, right = words
        room = image.width() - 2 * margin - (metrics.horizontalAdvance(right) + 2 * margin if right else 0)
        box = QtCore.QRect(margin, 0, image.width() - 2 * margin, image.height())
        painter.setPen(TEXT)
        painter.drawText(box, QtCore.Qt.AlignVCenter, metrics.elidedText(left, QtCore.Qt.ElideRight, room))
        if right:
            width = metrics.horizontalAdvance(right) + margin
            key = QtCore.QRect(image.width() - margin - width, 3, width, image.height() - 6)
            painter.setPen(DIM)
            painter.drawRoundedRect(key, 4, 4)
            painter.setPen(TEXT)
            painter.drawText(key, QtCore.Qt.AlignCenter, right)
        painter.end()
