"""The first-run tour: five steps beside the real widgets, each of which waits for the person to do it, or for Next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens
from zoo_gui.shortcuts import first_key, spelled

Qt = QtCore.Qt
WIDTH, GAP, PAD = 320, 16, 12  # pixels
DONE_MS = 1200
_TYPING = (QtWidgets.QLineEdit, QtWidgets.QTextEdit, QtWidgets.QPlainTextEdit, QtWidgets.QAbstractSpinBox)


@dataclass(frozen=True)
class Stop:
    """One step. text: ``{toggle}`` and the like stand for that command's key. panel: is brought to the front. about:
    what is outlined, the first of it is what the bubble stands beside. acted: whether the person did it, given the
    window and what ``before`` said when the step began."""

    title: str
    text: str
    panel: str
    about: Callable[[object], list[QtWidgets.QWidget]]
    before: Callable[[object], object]
    acted: Callable[[object, object], bool]
    praise: str


def _button(window, command: str) -> list[QtWidgets.QWidget]:
    """The toolbar's button of a command, where there is room for it."""
    return [button for button in window.toolbar.findChildren(QtWidgets.QToolButton) if button.isVisible()
            and button.defaultAction() is not None and button.defaultAction().property("command") == command]


STOPS = (
    Stop("An agent plays", "This is the game, as the agent plays it by itself, at the speed of the console. Pause it: "
         "press {toggle}, or click the button in the toolbar. The same lets it play on.", "game",
         lambda window: [window.docks["game"], *_button(window, "toggle")], lambda window: window.session.running,
         lambda window, before: window.session.running != before, "So it goes, and again the same way."),
    Stop("What goes on inside", "Every layer of its network, as it is at this moment: each tile is a unit, bright "
         "where it is strong. Click any tile.", "activations", lambda window: [window.docks["activations"]],
         lambda window: window.session.selected,
         lambda window, before: window.session.selected not in (None, before), "That unit is selected now."),
    Stop("One unit", "This panel is about the selected unit. The picture that forms below is what the unit looks for: "
         "what would excite it most. Look at a neighbour: press {move_right} or {move_left}.", "inspector",
         lambda window: [window.docks["inspector"]], lambda window: window.session.selected,
         lambda window, before: window.session.selected not in (None, before), "Every unit can be asked like that."),
    Stop("Why did it do that?", "Press {cycle_saliency}: a map over the game shows what the chosen action depends on. "
         "Again, and it is the value, then the selected unit; {cycle_method} takes another method.", "game",
         lambda window: [window.docks["game"]], lambda window: window.session.saliency,
         lambda window, before: window.session.saliency not in (None, before), "Bright is what the decision hangs on."),
    Stop("Two at once, and a film of it", "{add_agent} puts another agent beside this one, under one clock: all panels "
         "show both. {record} records what you see. And whatever you look for: {palette} finds it, {labels} names what "
         "is on screen, {help} has the keys.", "game",
         lambda window: [*(_button(window, "add_agent") or [window.toolbar]), *_button(window, "record")],
         lambda window: len(window.session.lanes),
         lambda window, before: len(window.session.lanes) > before or window.capture.is_recording,
         "That was the tour. Help has it again."),
)  # fmt: skip


class _Keys(dict):
    """Keys of commands, for ``str.format_map``."""

    def __missing__(self, command: str) -> str:
        return spelled(first_key(command)) or "(no key)"


class Frame(QtWidgets.QWidget):
    """Outlines what the step is about, and points at it; the mouse goes through it."""

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.boxes: list[QtCore.QRect] = []
        self.tail: tuple[QtCore.QPoint, QtCore.QPoint] | None = None

    def paintEvent(self, event) -> None:
        painter, look = QtGui.QPainter(self), tokens.current()
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        painter.setPen(QtGui.QPen(QtGui.QColor(look.link), 3))
        for box in self.boxes:
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 4, 4)
        if self.tail is not None:
            start, end = (QtCore.QPointF(point) for point in self.tail)
            painter.drawLine(start, end)
            line = QtCore.QLineF(end, start)
            painter.setBrush(QtGui.QColor(look.link))
            head = [end]
            for turn in (25, -25):
                side = QtCore.QLineF(line)
                side.setLength(12)
                side.setAngle(line.angle() + turn)
                head.append(side.p2())
            painter.drawPolygon(QtGui.QPolygonF(head))


class Bubble(QtWidgets.QFrame):
    """The words of a step, and where to go from it."""

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAccessibleName("Tour")
        self.count, self.title, self.text = (QtWidgets.QLabel() for _ in range(3))
        self.count.setProperty("role", "dim")
        self.title.setProperty("strong", True)
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.RichText)
        self.skip, self.back, self.next = (QtWidgets.QPushButton(text) for text in ("Skip", "Back", "Next"))
        for button, tip in ((self.skip, "End the tour (Esc); Help has it again"), (self.back, "The step before"),
                            (self.next, "The next step (Enter)")):
            button.setFocusPolicy(Qt.TabFocus)
            button.setAutoDefault(False)
            button.setToolTip(tip)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self.skip)
        row.addStretch()
        row.addWidget(self.back)
        row.addWidget(self.next)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        for widget in (self.count, self.title, self.text):
            column.addWidget(widget)
        column.addLayout(row)

    def say(self, count: str, title: str, text: str) -> None:
        """Show these words, as large as they need."""
        self.count.setText(count)
        self.title.setText(title)
        self.text.setText(text)
        width = max(WIDTH, self.fontMetrics().averageCharWidth() * 46)
        self.text.setFixedWidth(min(width, self.parentWidget().width() - 2 * PAD - 8))
        self.adjustSize()

    def paintEvent(self, event) -> None:
        painter, look = QtGui.QPainter(self), tokens.current()
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        painter.setPen(QtGui.QPen(QtGui.QColor(look.link), 2))
        painter.setBrush(QtGui.QColor(look.raised))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 6, 6)


class Tour(QtCore.QObject):
    """Esc or Skip ends it, Enter or Next goes on, everything else stays the window's."""

    def __init__(self, window):
        super().__init__(window)
        self._window = window
        self.at = -1
        self._before: object = None
        self._praised = False
        self._words = ""
        self.frame, self.bubble = Frame(window), Bubble(window)
        self.bubble.skip.clicked.connect(lambda *_: self.end())
        self.bubble.back.clicked.connect(lambda *_: self._go(self.at - 1))
        self.bubble.next.clicked.connect(lambda *_: self._go(self.at + 1))
        self._look = QtCore.QTimer(self)
        self._look.setInterval(150)
        self._look.timeout.connect(self._on_look)
        self._onwards = QtCore.QTimer(self)
        self._onwards.setSingleShot(True)
        self._onwards.setInterval(DONE_MS)
        self._onwards.timeout.connect(lambda: self._go(self.at + 1))
        self.frame.hide()
        self.bubble.hide()
        window.theme.changed.connect(self._on_theme)

    @property
    def running(self) -> bool:
        """Whether a step is shown."""
        return self.at >= 0

    def start(self) -> None:
        """From the first step on."""
        if not self.running:
            QtWidgets.QApplication.instance().installEventFilter(self)
            self._look.start()
        self._go(0)

    def end(self) -> None:
        """Take it all away."""
        if self.running:
            QtWidgets.QApplication.instance().removeEventFilter(self)
            self._look.stop()
            self._onwards.stop()
            self.at = -1
            self.frame.hide()
            self.bubble.hide()

    def _go(self, at: int) -> None:
        self._onwards.stop()
        if at >= len(STOPS):
            self.end()
            return
        self.at, self._praised = max(0, at), False
        stop = STOPS[self.at]
        self._window.show_panel(stop.panel)
        self._before = stop.before(self._window)
        self._say(stop.text)
        self.bubble.back.setEnabled(self.at > 0)
        self.bubble.next.setText("Next" if self.at < len(STOPS) - 1 else "Done")
        self.frame.show()
        self.bubble.show()
        self._place()

    def _say(self, text: str) -> None:
        self._words = text
        stop, look = STOPS[self.at], tokens.current()
        key = _Keys()
        words = text.replace("{", f'<b style="color: {look.heading}">{{').replace("}", "}</b>").format_map(key)
        self.bubble.say(f"Tour: {self.at + 1} of {len(STOPS)}", stop.title, words)

    def _on_theme(self, *_look) -> None:
        """Other colours, or letters of another size: the same words anew."""
        if self.running:
            self._say(self._words)
            self._place()
            self.frame.update()

    # -- following the person -----------------------------------------------------------------------------------
    def _on_look(self) -> None:
        """Whether it was done; and where things are now, for panels may have been moved."""
        stop = STOPS[self.at]
        if not self._praised and stop.acted(self._window, self._before):
            self._praised = True
            self._say(f"✓ {stop.praise}")
            self._onwards.start()
        self._place()

    def _place(self) -> None:
        window = self._window
        boxes = [_box(window, widget) for widget in STOPS[self.at].about(window) if widget.isVisible()]
        boxes = boxes or [window.rect().adjusted(4, 4, -4, -4)]
        bubble = QtCore.QRect(QtCore.QPoint(), self.bubble.size())
        corner = beside(boxes[0], bubble.size(), window.rect())
        bubble.moveTo(corner)
        tail = None
        if not bubble.intersects(boxes[0]):
            tail = _edge(bubble, boxes[0].center()), _edge(boxes[0], bubble.center())
        if (boxes, tail, corner) != (self.frame.boxes, self.frame.tail, self.bubble.pos()):
            self.frame.boxes, self.frame.tail = boxes, tail
            self.frame.setGeometry(window.rect())
            self.frame.update()
            self.bubble.move(corner)
            self.frame.raise_()
            self.bubble.raise_()

    def eventFilter(self, watched, event) -> bool:
        if event.type() != QtCore.QEvent.KeyPress or event.key() not in (Qt.Key_Escape, Qt.Key_Return, Qt.Key_Enter):
            return False
        focus, application = QtWidgets.QApplication.focusWidget(), QtWidgets.QApplication
        if (not isinstance(watched, QtWidgets.QWidget) or watched.window() is not self._window
                or application.activePopupWidget() or application.activeModalWidget() or isinstance(focus, _TYPING)):
            return False
        if event.key() == Qt.Key_Escape:
            self.end()
        elif isinstance(focus, QtWidgets.QPushButton) and self.bubble.isAncestorOf(focus):
            focus.click()
        else:
            self._go(self.at + 1)
        return True


def beside(about: QtCore.QRect, size: QtCore.QSize, bounds: QtCore.QRect) -> QtCore.QPoint:
    """Where a bubble is best: beside what it is about, right, left, below or above; else in a corner of it."""
    middle = about.center() - QtCore.QPoint(size.width() // 2, size.height() // 2)
    for corner in (
        QtCore.QPoint(about.right() + GAP, middle.y()), QtCore.QPoint(about.left() - GAP - size.width(), middle.y()),
        QtCore.QPoint(middle.x(), about.bottom() + GAP), QtCore.QPoint(middle.x(), about.top() - GAP - size.height()),
    ):
        box = QtCore.QRect(corner, size)
        if corner.x() == middle.x():
            box.moveLeft(min(max(box.left(), bounds.left() + 4), bounds.right() - size.width() - 4))
        else:
            box.moveTop(min(max(box.top(), bounds.top() + 4), bounds.bottom() - size.height() - 4))
        if bounds.contains(box) and not box.intersects(about):
            return box.topLeft()
    return QtCore.QPoint(max(4, min(about.right(), bounds.right()) - size.width() - GAP),
                         max(4, min(about.bottom(), bounds.bottom()) - size.height() - GAP))


def _box(window, widget: QtWidgets.QWidget) -> QtCore.QRect:
    return QtCore.QRect(widget.mapTo(window, QtCore.QPoint()), widget.size()) if widget.window() is window else (
        window.rect().adjusted(4, 4, -4, -4))


def _edge(box: QtCore.QRect, point: QtCore.QPoint) -> QtCore.QPoint:
    """The point of a box that is nearest to another."""
    return QtCore.QPoint(min(max(point.x(), box.left()), box.right()), min(max(point.y(), box.top()), box.bottom()))
