"""Small controls that panels share: buttons, choices and numbers that leave the letters to the shortcuts."""

from __future__ import annotations

from typing import Callable

from pyqtgraph.Qt import QtCore, QtWidgets

SMALL = "font-size: 11px"
WRONG = "color: #F2A06E; font-size: 11px"
_BUTTON = "QPushButton { font-size: 11px; padding: 2px 8px }"
#: As the plots' switches: what is on is underlined.
_TOGGLE = """
QPushButton { font-size: 11px; padding: 2px 8px; border: none; border-bottom: 2px solid transparent; }
QPushButton:!checked { color: rgba(160, 165, 172, 200); }
QPushButton:checked { color: palette(text); background: palette(button); border-bottom-color: palette(highlight); }
QPushButton:disabled { color: rgba(107, 112, 120, 160); }
QPushButton:focus { border-bottom-color: palette(text); }"""
_CHECK = """
QCheckBox { font-size: 11px; spacing: 5px; }
QCheckBox::indicator { width: 11px; height: 11px; border: 1px solid #8a9099; border-radius: 2px; }
QCheckBox::indicator:checked { background: palette(highlight); border-color: palette(text); }"""


_SLIM = """
QScrollBar:vertical { width: 9px; background: transparent; margin: 0; }
QScrollBar::handle:vertical { background: #4a4f57; border-radius: 3px; min-height: 24px; margin: 1px; }
QScrollBar::handle:vertical:hover { background: #6b7078; }
QScrollBar::handle:vertical:disabled { background: transparent; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }"""


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
    area.verticalScrollBar().setStyleSheet(_SLIM)
    area.setFocusPolicy(QtCore.Qt.NoFocus)
    area.setWidget(widget)
    return area


def heading(text: str) -> QtWidgets.QLabel:
    """A section's title."""
    label = QtWidgets.QLabel(text)
    label.setStyleSheet("font-weight: bold; font-size: 12px; padding-top: 4px")
    return label


def button(text: str, tip: str, clicked: Callable[[], None]) -> QtWidgets.QPushButton:
    """A small push button; ``tip``: its words for the mouse."""
    made = QtWidgets.QPushButton(text)
    made.setStyleSheet(_BUTTON)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    made.clicked.connect(lambda *_: clicked())
    return made


def toggle(text: str, tip: str, clicked: Callable[[], None]) -> QtWidgets.QPushButton:
    """A button that stays down, underlined."""
    made = button(text, tip, clicked)
    made.setCheckable(True)
    made.setStyleSheet(_TOGGLE)
    return made


def check(text: str, tip: str, clicked: Callable[[bool], None]) -> QtWidgets.QCheckBox:
    """A box to tick, which is seen on the dark ground."""
    made = QtWidgets.QCheckBox(text)
    made.setStyleSheet(_CHECK)
    made.setFocusPolicy(QtCore.Qt.NoFocus)  # as the toolbar's controls: letters stay shortcuts
    made.setToolTip(tip)
    made.clicked.connect(clicked)
    return made


class Quiet(QtWidgets.QComboBox):
    """A choice that the wheel scrolls past and that takes no letters: as the toolbar's, they stay shortcuts."""

    def __init__(self, names: tuple[str, ...]):
        super().__init__()
        self.addItems(names)
        self.setStyleSheet(SMALL)
        self.setFocusPolicy(QtCore.Qt.NoFocus)
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
