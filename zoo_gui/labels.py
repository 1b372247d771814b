"""*What am I looking at?*: every part of the window named where it is; a name leads to its page."""

from __future__ import annotations

from typing import Callable, NamedTuple

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import placing, tokens
from zoo_gui.pressed import give_back
from zoo_gui.placing import Wanted
from zoo_gui.widgets.status import FIELDS

Qt = QtCore.Qt
SENTENCE = 230  # pixels of width of a panel's sentence, at plain type
PAD = 6
HINT = "What am I looking at? A name leads to its page · Tab goes from one to the next · Esc closes"
#: What the fields of the status bar are called; a sentence of theirs is their tooltip.
FIELD_NAMES = {
    "intervention": "something is changed", "recording": "recording", "download": "download", "agree": "agreement",
    "state": "plays or pauses", "speed": "speed", "game_fps": "game's pace", "ui_fps": "window's pace",
    "steps_per_second": "decisions", "inference_ms": "network's time", "dropped": "frames lost", "seed": "seed",
    "device": "computed on", "steady": "less flicker", "ring": "last seconds",
}  # fmt: skip


class Named(NamedTuple):
    """A part of the screen. box: in the window's pixels. page: of the documentation. whole: a panel or the like, whose
    sentence is shown where there is room. within: the name is best in it."""

    box: QtCore.QRect
    name: str
    sentence: str
    page: str
    whole: bool = False
    within: bool = False


def parts_of(window) -> list[Named]:
    """What is on screen now: panels first, then the window's own parts, then the panels' parts."""
    return [*_panels(window), *_window(window), *_panel_parts(window), *_fields(window), *_marks(window)]


def _seen(window) -> list[str]:
    return [name for name, panel in window.panels.items() if panel.is_seen and panel.window() is window]


def _box(window, widget: QtWidgets.QWidget) -> QtCore.QRect:
    return QtCore.QRect(widget.mapTo(window, QtCore.QPoint()), widget.size())


def _panels(window) -> list[Named]:
    named = [Named(_box(window, window.docks[name]), window.panels[name].title, window.panels[name].about,
                   f"panels/{name}.md", True, True) for name in _seen(window)]
    return sorted(named, key=lambda one: one.box.width() * one.box.height())  # the small ones have the choice


def _panel_parts(window) -> list[Named]:
    named = []
    for name in _seen(window):
        panel = window.panels[name]
        if panel.failed:
            continue
        corner = panel.mapTo(window, QtCore.QPoint())
        named += [Named(part.box.translated(corner), part.name, part.sentence, f"panels/{name}.md")
                  for part in panel.named_parts()]
    return named


def _window(window) -> list[Named]:
    rows = [(window.toolbar, "Toolbar", "Play, the speed and seed of the game, who plays, what is explained.",
             "getting_started.md", False, True)]
    corner = window.menuBar().cornerWidget()
    if corner is not None:
        rows.append((corner, "Layouts", "Which panels are shown, and where.", "layouts.md", False, True))
    for bar in window.findChildren(QtWidgets.QTabBar, options=Qt.FindDirectChildrenOnly):
        if bar.count() > 1 and not bar.visibleRegion().isEmpty():
            rows.append((bar, "more panels behind these tabs", "A click brings one to the front.", "panels/index.md"))
    return [Named(_box(window, widget), *words) for widget, *words in rows if widget.isVisible()]


def _fields(window) -> list[Named]:
    bar = window.statusBar()
    if not bar.isVisible():
        return []
    fields = {field.key: bar.fields[field.key] for field in FIELDS}
    return [Named(_box(window, field), FIELD_NAMES.get(key, key), field.toolTip(), "finding.md")
            for key, field in fields.items() if field.isVisible()]


def _marks(window) -> list[Named]:
    """What titles say of panels: paused, edited, drawn smaller …"""
    signs = window.signs.labels
    return [Named(_box(window, signs[name]), "mark", signs[name].accessibleName(), "provenance.md")
            for name in _seen(window) if name in signs and signs[name].isVisible()]


class Sign(QtWidgets.QAbstractButton):
    """One label; the sentence is below the name where it has room."""

    def __init__(self, named: Named, parent: QtWidgets.QWidget, chosen: Callable[[], None]):
        super().__init__(parent)
        self.named = named
        self.setText(named.name)
        self.setAccessibleName(named.name)
        self.setAccessibleDescription(named.sentence)
        self.setToolTip(named.sentence)
        self.setCursor(Qt.PointingHandCursor)
        self.setFocusPolicy(Qt.StrongFocus)
        self.clicked.connect(chosen)
        self._bold = QtGui.QFont(self.font())
        self._bold.setBold(True)
        self.whole = False

    def sizes(self) -> tuple[tuple[int, int], ...]:
        """From the one with the sentence to the name alone."""
        name = QtGui.QFontMetrics(self._bold if self.named.whole else self.font())
        words = QtGui.QFontMetrics(self.font())
        short = name.horizontalAdvance(self.named.name) + 2 * PAD, name.height() + PAD
        if not self.named.whole:
            return (short,)
        sizes = []
        scale = words.height() / 15
        for width in (SENTENCE, SENTENCE * 0.75, SENTENCE * 1.5):
            room = QtCore.QRect(0, 0, max(int(width * scale), short[0]) - 2 * PAD, 2000)
            box = words.boundingRect(room, int(Qt.TextWordWrap), self.named.sentence)
            sizes.append((room.width() + 2 * PAD, name.height() + box.height() + PAD + 4))
        return (*sizes, short)

    def put(self, box: placing.Box) -> None:
        """Take this place; whether the sentence is shown follows from its height."""
        self.whole = self.named.whole and (box[2], box[3]) != self.sizes()[-1]
        self.setGeometry(*box)

    def paintEvent(self, event) -> None:
        painter, look = QtGui.QPainter(self), tokens.current()
        at = self.underMouse() or self.hasFocus()
        painter.setPen(QtGui.QPen(QtGui.QColor(look.link if at else look.border), 2 if at else 1))
        painter.setBrush(QtGui.QColor(look.raised if self.named.whole else look.background))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        box = self.rect().adjusted(PAD, PAD // 2, -PAD, -PAD // 2)
        painter.setFont(self._bold if self.named.whole else self.font())
        painter.setPen(QtGui.QColor(look.heading if self.named.whole else look.text))
        painter.drawText(box, int(Qt.AlignTop | Qt.AlignHCenter), self.named.name)
        if self.whole:
            top = QtGui.QFontMetrics(self._bold).height()
            painter.setFont(self.font())
            painter.setPen(QtGui.QColor(look.text))
            painter.drawText(box.adjusted(0, top + 2, 0, 2), int(Qt.TextWordWrap | Qt.AlignTop), self.named.sentence)

    def enterEvent(self, event) -> None:
        super().enterEvent(event)
        self.parentWidget().update()
        self.update()

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.parentWidget().update()
        self.update()

    def focusInEvent(self, event) -> None:
        super().focusInEvent(event)
        self.parentWidget().update()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays among the labels: what lies below them is not to be worked now."""
        signs = self.parentWidget().signs
        signs[(signs.index(self) + (1 if forward else -1)) % len(signs)].setFocus()
        return True

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class Labels(QtWidgets.QWidget):
    """Lies over the window while it is open; Esc, its key again or a click beside the names closes it."""

    def __init__(self, window, open_page: Callable[[str], None]):
        super().__init__(window)
        self._window, self._open_page = window, open_page
        self._before: QtWidgets.QWidget | None = None
        self.setAccessibleName("What am I looking at?")
        self.signs: list[Sign] = []
        self._again = QtCore.QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(50)
        self._again.timeout.connect(self._name_again)
        for changed in (window.layouts.arranged, window.theme.changed, window.session.lanes_changed,
                        window.session.view_changed):
            changed.connect(self._on_changed)
        window.installEventFilter(self)
        self.hide()

    def toggle(self) -> None:
        """Show or hide."""
        self.close_() if self.isVisible() else self.open()

    def open(self) -> None:
        """Name what is on screen now."""
        self._before = QtWidgets.QApplication.focusWidget()
        self.setGeometry(self._window.rect())
        self._arrange()
        self.show()
        self.raise_()
        if self.signs:
            self.signs[0].setFocus()
        QtWidgets.QApplication.instance().installEventFilter(self)

    def close_(self) -> None:
        """Hide it; the keyboard is whose it was before."""
        QtWidgets.QApplication.instance().removeEventFilter(self)
        self._again.stop()
        self.hide()
        self._clear()
        before, self._before = self._before, None
        give_back(before, self._window)

    def _clear(self) -> None:
        for sign in self.signs:
            sign.hide()
            sign.deleteLater()
        self.signs = []

    def _on_changed(self, *_changed) -> None:
        """Other things are on screen, or elsewhere: a moment later it is known where."""
        if self.isVisible():
            self._again.start()

    def _name_again(self) -> None:
        """Name what is on screen now; the keyboard stays at the name where it is."""
        at = next((n for n, sign in enumerate(self.signs) if sign.hasFocus()), None)
        name = self.signs[at].text() if at is not None else ""
        self._arrange()
        if at is not None and self.signs:
            next((sign for sign in self.signs if sign.text() == name), self.signs[0]).setFocus()
        self.raise_()

    def _arrange(self) -> None:
        """Make a label for each part and find their places."""
        self._clear()
        for named in parts_of(self._window):
            self.signs.append(Sign(named, self, lambda _=False, page=named.page: self._choose(page)))
        metrics = self.fontMetrics()
        width = min(metrics.horizontalAdvance(HINT) + 4 * PAD, self.width() - 8)
        self._hint = (self.width() - width) // 2, 1, width, metrics.height() + PAD
        wanted = [Wanted(_numbers(sign.named.box), sign.sizes(), sign.named.within) for sign in self.signs]
        status = self._window.statusBar()  # which stays free: its figures are short, and would be hidden by their names
        taken = [self._hint, _numbers(_box(self._window, status))] if status.isVisible() else [self._hint]
        boxes = placing.place(wanted, (2, 2, self.width() - 4, self.height() - 4), taken)
        for sign, box in zip(list(self.signs), boxes):
            if box is None:
                self.signs.remove(sign)
                sign.deleteLater()
            else:
                sign.put(box)
                sign.show()
        self.update()

    def _choose(self, page: str) -> None:
        self.close_()
        self._open_page(page)

    def paintEvent(self, event) -> None:
        painter, look = QtGui.QPainter(self), tokens.current()
        veil = QtGui.QColor(look.base)
        veil.setAlpha(120)
        painter.fillRect(self.rect(), veil)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        for sign in self.signs:
            box, at = sign.named.box, sign.underMouse() or sign.hasFocus()
            colour = QtGui.QColor(look.link if at else look.heading if sign.named.whole else look.dim)
            painter.setPen(QtGui.QPen(colour, 3 if at else 2 if sign.named.whole else 1))
            painter.drawRect(box.adjusted(1, 1, -2, -2))
            if not sign.named.whole and not sign.geometry().intersects(box):
                painter.drawLine(_nearest(sign.geometry(), box.center()), _nearest(box, sign.geometry().center()))
        painter.setPen(QtGui.QColor(look.border))
        painter.setBrush(QtGui.QColor(look.raised))
        hint = QtCore.QRect(*self._hint)
        painter.drawRect(hint)
        painter.setPen(QtGui.QColor(look.text))
        painter.drawText(hint, int(Qt.AlignCenter), painter.fontMetrics().elidedText(HINT, Qt.ElideRight, hint.width()))

    def mousePressEvent(self, event) -> None:
        self.close_()

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if watched is self._window and kind == QtCore.QEvent.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
            self._again.start()
        elif kind == QtCore.QEvent.KeyPress and self.isVisible() and event.key() == Qt.Key_Escape:
            if isinstance(watched, QtWidgets.QWidget) and watched.window() is self._window:
                self.close_()
                return True
        return False


def _numbers(box: QtCore.QRect) -> placing.Box:
    return box.x(), box.y(), box.width(), box.height()


def _nearest(box: QtCore.QRect, point: QtCore.QPoint) -> QtCore.QPoint:
    """The point of a box that is nearest to another."""
    return QtCore.QPoint(min(max(point.x(), box.left()), box.right()), min(max(point.y(), box.top()), box.bottom()))
