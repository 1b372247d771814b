"""The message bar at the top of the window: one sentence at a time, never a dialog in the way."""

from __future__ import annotations

import time
from typing import Callable, NamedTuple

from pyqtgraph.Qt import QtCore, QtWidgets
from zoo_gui.widgets.controls import mark

LEVELS = {  # level: (rank, sign); the sign and the word say it without colour
    "error": (0, "✖"),
    "warning": (1, "⚠"),
    "info": (2, "ℹ"),
}
INFO_MS = 6000
STALE = 60.0
"""Seconds after which news that had to wait are none any more."""


class Message(NamedTuple):
    """A sentence and, optionally, a button: (label, what it calls). since: of time.monotonic, when it came."""

    level: str
    sentence: str
    action: tuple[str, Callable[[], object]] | None = None
    since: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether it goes by itself: an offer waits for an answer."""
        return self.level == "info" and self.action is None


class Banner(QtWidgets.QFrame):
    """Shows ``session.message``; hidden while there is none.

    Errors come before warnings before news, each in order of arrival. News go by themselves after 6 s, and are dropped
    where they had to wait for a minute; the rest stays until it is closed or its button is pressed. The same sentence
    is not queued twice. In a QToolBar the banner hides and shows that bar.
    """

    def __init__(self, session, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("banner")
        self._queue: list[Message] = []
        self._timed: Message | None = None
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(10, 5, 6, 5)
        self.sign, self.text = QtWidgets.QLabel(), QtWidgets.QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(QtCore.Qt.PlainText)
        self.text.setTextInteractionFlags(QtCore.Qt.TextSelectableByMouse)
        self.text.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Preferred)
        self.waiting = QtWidgets.QLabel()
        self.waiting.setToolTip("More messages wait.")
        self.action = QtWidgets.QPushButton()
        self.action.clicked.connect(self._act)
        self.closing = QtWidgets.QToolButton()
        self.closing.setText("✕")
        self.closing.setAutoRaise(True)
        self.closing.setFocusPolicy(QtCore.Qt.TabFocus)
        self.closing.setToolTip("Close this message")
        self.closing.setAccessibleName("Close this message")
        self.closing.clicked.connect(self.dismiss)
        for widget, stretch in ((self.sign, 0), (self.text, 1), (self.waiting, 0), (self.action, 0), (self.closing, 0)):
            row.addWidget(widget, stretch)
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INFO_MS)
        self._timer.timeout.connect(self.dismiss)
        session.message.connect(self.show_message)
        self._show_first()

    def show_message(self, level: str, sentence: str, action: tuple[str, Callable] | None = None) -> None:
        """Queue a message; ``level`` is info, warning or error (an unknown one counts as warning)."""
        message = Message(level if level in LEVELS else "warning", sentence, action, time.monotonic())
        if any(waiting[:2] == message[:2] for waiting in self._queue):
            return
        self._queue.append(message)
        # an offer stays until it is answered, so what goes away by itself goes before it
        self._queue.sort(key=lambda one: (LEVELS[one.level][0], one.level == "info" and one.action is not None))
        self._show_first()

    def dismiss(self) -> None:
        """Drop the message that is shown; the next one follows."""
        if self._queue:
            self._queue.pop(0)
        self._show_first()

    @property
    def shown(self) -> Message | None:
        """The message on screen."""
        return self._queue[0] if self._queue else None

    def _act(self) -> None:
        message = self.shown
        self.dismiss()
        if message is not None and message.action is not None:
            message.action[1]()

    def _drop_old_news(self) -> None:
        old = time.monotonic() - STALE
        self._queue = [one for one in self._queue if one is self._timed or not one.passes or one.since >= old]

    def _show_first(self) -> None:
        self._drop_old_news()
        message = self.shown
        if message is not None:
            self.sign.setText(f"{LEVELS[message.level][1]} {message.level.title()}")
            for widget in (self, self.sign):
                mark(widget, "level", message.level)
            self.text.setText(message.sentence)
            self.waiting.setText(f"1 of {len(self._queue)}" if len(self._queue) > 1 else "")
            self.action.setVisible(message.action is not None)
            self.action.setText(message.action[0] if message.action else "")
        if message is not self._timed:  # what is shown has its time, whatever comes meanwhile
            self._timed = message
            self._timer.start() if message is not None and message.passes else self._timer.stop()
        self._set_shown(message is not None)
        self.setMaximumHeight(max(self.layout().heightForWidth(max(self.width(), 200)), 24))
        self.updateGeometry()

    def _set_shown(self, shown: bool) -> None:
        bar = self.parent()
        if isinstance(bar, QtWidgets.QToolBar):
            for action in bar.actions():  # a tool bar's widgets are shown and hidden by their actions
                if bar.widgetForAction(action) is self:
                    action.setVisible(shown)
            bar.setVisible(shown)
        self.setVisible(shown)

    def sizeHint(self) -> QtCore.QSize:
        """As high as the sentence needs at the width of the window; a wrapping label alone asks for a square."""
        width = max(self.window().width() - 30, 200)
        return QtCore.QSize(width, self.layout().heightForWidth(width))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.setMaximumHeight(max(self.layout().heightForWidth(self.width()), 24))

    def event(self, event) -> bool:
        if event.type() == QtCore.QEvent.ParentChange and isinstance(self.parent(), QtWidgets.QToolBar):
            self.parent().installEventFilter(self)
            self.parent().setVisible(self.shown is not None)
        return super().event(event)

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Show and self.shown is None:
            watched.hide()  # a restored layout brings back an empty bar
        return False
