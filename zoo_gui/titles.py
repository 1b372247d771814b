"""What a panel shows, said at its title: a card with a sentence and the way to the panel's page."""

from __future__ import annotations

from typing import Callable

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens

WIDTH, NEAR = 340, 14  # pixels
LOOK_MS = 150


class TitleCard(QtWidgets.QFrame):
    """A card that stays while the mouse is on it or on what it is about: a tooltip goes before one can click in it."""

    def __init__(self, window: QtWidgets.QWidget, more: Callable[[], None]):
        super().__init__(window)
        self._about = QtCore.QRect()
        self.label = QtWidgets.QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(QtCore.Qt.RichText)
        self.label.setFixedWidth(WIDTH)
        self.label.linkActivated.connect(lambda _link: (self.hide(), more()))
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.addWidget(self.label)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self.hide()

    def show_at(self, about: QtCore.QRect, title: str, sentence: str) -> None:
        """about: where the title is, on the screen."""
        self._about = about
        look = tokens.current()
        self.label.setText(f'<b>{title}</b><br>{sentence} <a style="color: {look.link}" href="more">More</a>')
        self.adjustSize()
        window = self.parentWidget()
        corner = window.mapFromGlobal(about.bottomLeft()) + QtCore.QPoint(4, 3)
        left = max(4, min(corner.x(), window.width() - self.width() - 4))
        top = corner.y() if corner.y() + self.height() < window.height() - 4 else (
            window.mapFromGlobal(about.topLeft()).y() - self.height() - 3)
        self.move(left, max(4, top))
        self.show()
        self.raise_()
        self._timer.start()

    def _look(self) -> None:
        """Go when the mouse has gone."""
        at = QtGui.QCursor.pos()
        card = QtCore.QRect(self.mapToGlobal(QtCore.QPoint()), self.size()).adjusted(-NEAR, -NEAR, NEAR, NEAR)
        if not self._about.contains(at) and not card.contains(at):
            self.hide()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # a window that is minimised comes back
            self._timer.stop()

    def paintEvent(self, event) -> None:
        painter, look = QtGui.QPainter(self), tokens.current()
        painter.setPen(QtGui.QColor(look.border))
        painter.setBrush(QtGui.QColor(look.raised))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class TitleCards(QtCore.QObject):
    """Shows the card at titles of docks and at their tabs. (A dock's own tooltip would be that of all its contents.)

    open_page: called with the panel's registry name.
    """

    def __init__(self, window, open_page: Callable[[str], None]):
        super().__init__(window)
        self._window, self._open_page = window, open_page
        self._card: TitleCard | None = None
        for dock in window.docks.values():
            dock.installEventFilter(self)
        for bar in window.findChildren(QtWidgets.QTabBar, options=QtCore.Qt.FindDirectChildrenOnly):
            bar.installEventFilter(self)
        window.installEventFilter(self)

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if watched is self._window:
            if kind == QtCore.QEvent.ChildPolished and isinstance(event.child(), QtWidgets.QTabBar):
                event.child().installEventFilter(self)  # docks are tabbed when they are dropped on each other
        elif kind == QtCore.QEvent.ToolTip:
            if isinstance(watched, QtWidgets.QTabBar):
                return self._at_tab(watched, event.pos())
            return self._at_title(watched, event.globalPos())
        return False

    def _at_tab(self, bar: QtWidgets.QTabBar, position: QtCore.QPoint) -> bool:
        index = bar.tabAt(position)
        name = next((name for name, dock in self._window.docks.items()
                     if index >= 0 and dock.windowTitle() == bar.tabText(index)), None)  # fmt: skip
        if name is None:
            return False
        box = bar.tabRect(index)
        self._show(name, QtCore.QRect(bar.mapToGlobal(box.topLeft()), box.size()), bar.window())
        return True

    def _at_title(self, dock: QtWidgets.QDockWidget, position: QtCore.QPoint) -> bool:
        inside = dock.mapFromGlobal(position)
        if dock.widget() is None or not 0 <= inside.y() < dock.widget().y():
            return False
        box = QtCore.QRect(dock.mapToGlobal(QtCore.QPoint()), QtCore.QSize(dock.width(), dock.widget().y()))
        self._show(dock.objectName(), box, dock.window())
        return True

    def _show(self, name: str, box: QtCore.QRect, window: QtWidgets.QWidget) -> None:
        panel = self._window.panels[name]
        if self._card is not None:
            self._card.deleteLater()
        self._card = TitleCard(window, lambda: self._open_page(name))
        self._card.show_at(box, panel.title, panel.about)

    @property
    def card(self) -> TitleCard | None:
        """The one that was shown last."""
        return self._card
