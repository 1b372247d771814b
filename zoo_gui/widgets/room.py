"""A place for a panel's content: where it is smaller than the content needs, the content scrolls, so that nothing is
squeezed or cut, and no panel makes the window larger than the screen."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

Qt = QtCore.Qt
LEAST = QtCore.QSize(300, 200)
"""What a place asks for at most, where its content says nothing smaller."""


class Room(QtWidgets.QScrollArea):
    """Holds one widget, as large as the place or as its layout needs. The widget's own minimum size, if it has one, is
    what the place asks for: a panel behind another must not widen that one."""

    def __init__(self, content: QtWidgets.QWidget):
        super().__init__()
        self._floor = content.minimumSize()
        if content.layout() is not None:
            content.setMinimumSize(0, 0)
        self.setFrameShape(QtWidgets.QFrame.NoFrame)
        self.setFocusPolicy(Qt.NoFocus)
        for bar in (self.verticalScrollBar(), self.horizontalScrollBar()):
            bar.setProperty("role", "slim")
        self.setWidget(content)
        self._fit()

    @property
    def needs(self) -> QtCore.QSize:
        """The least size of the content in which nothing is cut."""
        content = self.widget()
        layout = content.layout()
        if layout is None:
            return content.minimumSize()
        least = layout.totalMinimumSize()
        labels = (layout.itemAt(place).widget() for place in range(layout.count()))
        for label in labels:  # whose least height is that of one line
            if isinstance(label, QtWidgets.QLabel) and label.wordWrap() and not label.isHidden():
                more = label.heightForWidth(label.width()) - label.minimumSizeHint().height()
                least.setHeight(least.height() + max(0, more))
        return least.expandedTo(content.minimumSize())

    def _fit(self) -> None:
        place, needs = self.maximumViewportSize(), self.needs
        if needs.height() > place.height():
            place.setWidth(place.width() - self.verticalScrollBar().sizeHint().width())
        if needs.width() > place.width():
            place.setHeight(place.height() - self.horizontalScrollBar().sizeHint().height())
        self.widget().resize(place.expandedTo(needs))

    def minimumSizeHint(self) -> QtCore.QSize:
        content = self.widget()
        hint = content.minimumSizeHint().boundedTo(LEAST)
        floor = self._floor
        return QtCore.QSize(floor.width() or hint.width(), floor.height() or hint.height())

    def sizeHint(self) -> QtCore.QSize:
        return self.widget().sizeHint()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event) -> bool:
        found = super().event(event)
        if event.type() == QtCore.QEvent.LayoutRequest and self.widget() is not None:
            self._fit()
        return found


def only_front(tabs: QtWidgets.QTabWidget) -> None:
    """Have tabs ask for as much room as the page in front needs, and not for the largest of all."""

    def share(front: int) -> None:
        for place in range(tabs.count()):
            one = QtWidgets.QSizePolicy.Preferred if place == front else QtWidgets.QSizePolicy.Ignored
            tabs.widget(place).setSizePolicy(one, one)

    tabs.currentChanged.connect(share)
    share(tabs.currentIndex())
