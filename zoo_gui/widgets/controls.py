"""Small controls that panels share: buttons, choices and numbers that leave the letters to the shortcuts."""

from __future__ import annotations

from typing import Callable

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.shortcuts import tip as tip_of


def role(widget: QtWidgets.QWidget, name: str) -> QtWidgets.QWidget:
    """Give a widget one of ``theme.ROLES``, also in place of another; returns the widget."""
    return mark(widget, "role", name)


def mark(widget: QtWidgets.QWidget, name: str, value) -> QtWidgets.QWidget:
    """Give a widget a property that the style sheet knows (``strong``, ``lane``); returns the widget."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
    return widget


class _Fitting(QtCore.QObject):
    """Keeps a widget as wide as a text is in its type."""

    def __init__(self, widget: QtWidgets.QWidget, sample: str, extra: int, strong: bool, grows: bool):
        super().__init__(widget)
        self._sample, self._extra, self._strong, self._grows = sample, extra, strong, grows
        widget.installEventFilter(self)
        self._fit(widget)

    def _fit(self, widget: QtWidgets.QWidget) -> None:
        font = QtGui.QFont(widget.font())
        font.setBold(font.bold() or self._strong)
        width = QtGui.QFontMetrics(font).horizontalAdvance(self._sample) + self._extra
        if widget.minimumWidth() != width:
            widget.setMinimumWidth(width) if self._grows else widget.setFixedWidth(width)

    def eventFilter(self, watched, event) -> bool:
        if event.type() in (QtCore.QEvent.FontChange, QtCore.QEvent.StyleChange, QtCore.QEvent.Polish):
            self._fit(watched)
        return False


def fit(
    widget: QtWidgets.QWidget, sample: str, extra: int = 14, strong: bool = False, grows: bool = False
) -> QtWidgets.QWidget:
    """Make a widget as wide as the text ``sample``, whatever the type size; returns the widget.

    extra: pixels beside the text. strong: leave room for bold type. grows: it may be wider.
    """
    _Fitting(widget, sample, extra, strong, grows)
    return widget


class _Rows(QtCore.QObject):
    """Keeps a table's rows as high as its letters."""

    def __init__(self, table: QtWidgets.QTableView, lines: int, extra: int, least: int):
        super().__init__(table)
        self._lines, self._extra, self._least = lines, extra, least
        table.installEventFilter(self)
        self._fit(table)

    def _fit(self, table: QtWidgets.QTableView) -> None:
        height = max(self._least, self._lines * table.fontMetrics().height()) + self._extra
        if table.verticalHeader().defaultSectionSize() != height:
            table.verticalHeader().setDefaultSectionSize(height)

    def eventFilter(self, watched, event) -> bool:
        if event.type() in (QtCore.QEvent.FontChange, QtCore.QEvent.StyleChange, QtCore.QEvent.Polish):
            self._fit(watched)
        return False


def fit_rows(table: QtWidgets.QTableView, lines: int = 1, extra: int = 4, least: int = 0) -> None:
    """Make a table's rows so many lines high, at least ``least`` pixels, whatever the type size."""
    _Rows(table, lines, extra, least)


def column_of(widget: QtWidgets.QWidget) -> QtWidgets.QScrollArea:
    """A widget that scrolls up and down where it is higher than its place.

    The bar has its room also where it is not needed: pictures whose height follows their width would else grow when it
    goes, which brings it back, for ever.
    """
    area = QtWidgets.QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QtWidgets.QFrame.NoFrame)
    area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOff)
    area.setVerticalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOn)
    role(area.verticalScrollBar(), "slim")
    area.setFocusPolicy(QtCore.Qt.NoFocus)
    area.setWidget(widget)
    return area


def heading(text: str) -> QtWidgets.QLabel:
    """A section's title."""
    return role(QtWidgets.QLabel(text), "heading")


class Fitted(QtWidgets.QLabel):
    """Words in one line that are never cut in the middle of a letter: the longest of several ways to say it that fits,
    the shortest with … where none does. The longest is for screen readers and, where it is not seen, for the mouse."""

    def __init__(self, tip: str = ""):
        super().__init__()
        self.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Preferred)
        self.setTextFormat(QtCore.Qt.PlainText)
        self._ways, self._tip = ("",), tip

    def say(self, *ways: str) -> None:
        """The ways to say it, the longest first."""
        if ways != self._ways:
            self._ways = ways
            self._choose()

    @property
    def whole(self) -> str:
        """The longest of them."""
        return self._ways[0]

    def _choose(self) -> None:
        metrics, room = self.fontMetrics(), self.contentsRect().width()
        fitting = next((way for way in self._ways if metrics.horizontalAdvance(way) <= room), None)
        if fitting is None:
            fitting = metrics.elidedText(self._ways[-1], QtCore.Qt.ElideRight, room)
        if fitting != self.text():
            self.setText(fitting)
        cut = self.whole if fitting != self.whole else ""
        self.setToolTip("\n".join(filter(None, (cut, self._tip))))
        self.setAccessibleName(self.whole)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._choose()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QtCore.QEvent.FontChange, QtCore.QEvent.StyleChange):
            self._choose()


def button(text: str, tip: str, clicked: Callable[[], None]) -> QtWidgets.QPushButton:
    """A small push button; ``tip``: its words for the mouse."""
    made = QtWidgets.QPushButton(text)
    role(made, "caption")
    made.setAutoDefault(False)
    made.setToolTip(tip)
    if not any(map(str.isalpha, text)):
        made.setAccessibleName(tip.partition(" (")[0].rstrip("."))  # a sign alone is not read out
    made.clicked.connect(lambda *_: clicked())
    return made


def toggle(text: str, tip: str, clicked: Callable[[], None]) -> QtWidgets.QPushButton:
    """A button that stays down, underlined."""
    made = button(text, tip, clicked)
    made.setCheckable(True)
    role(made, "toggle")
    return made


def keyed(widget: QtWidgets.QWidget, command: str, sentence: str) -> None:
    """Words for the mouse of what stands for a command of the shortcut table: they name its keys, as these are now."""
    widget.setProperty("command", command)
    widget.setProperty("tip", sentence)
    widget.setToolTip(tip_of(command, sentence))


def check(text: str, tip: str, clicked: Callable[[bool], None]) -> QtWidgets.QCheckBox:
    """A box to tick, with small words."""
    made = QtWidgets.QCheckBox(text)
    role(made, "caption")
    made.setFocusPolicy(QtCore.Qt.TabFocus)  # a click leaves the focus, and the letters, where they are
    made.setToolTip(tip)
    made.clicked.connect(clicked)
    return made


class Quiet(QtWidgets.QComboBox):
    """A choice that the wheel scrolls past and that takes no letters: as the toolbar's, they stay shortcuts."""

    def __init__(self, names: tuple[str, ...]):
        super().__init__()
        self.addItems(names)
        role(self, "caption")
        self.setFocusPolicy(QtCore.Qt.TabFocus)
        self.setSizeAdjustPolicy(self.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)

    def wheelEvent(self, event) -> None:
        event.ignore()

    def showPopup(self) -> None:
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 24)  # its entries may be wider than itself
        super().showPopup()


class Decimal(QtWidgets.QDoubleSpinBox):
    """A number without needless noughts, that the wheel changes only when it has the focus."""

    def textFromValue(self, value: float) -> str:
        return f"{value:g}"

    def wheelEvent(self, event) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class Whole(QtWidgets.QSpinBox):
    """The same for whole numbers."""

    def wheelEvent(self, event) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


def still(plot, owner: QtWidgets.QWidget) -> None:
    """A pyqtgraph PlotItem that is only looked at: no menu, buttons or dragging. Its menu, made anyhow and without a
    parent, goes with ``owner``; it would outlive the window."""
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(False, False)
    plot.ctrlMenu.setParent(owner, plot.ctrlMenu.windowFlags())
