"""The help overlay: the shortcut table over the window, in columns."""

from __future__ import annotations

from html import escape

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import shortcuts
from zoo_gui.pressed import comes_to, give_back, is_plain, sequence
from zoo_gui.shortcuts import CUES, DRAWING, PRESENTING, by_group, compact, spelled
from zoo_gui.tokens import current, pixels, type_size

COLUMN_WIDTH = 340  # pixels where the type is normal
LETTERS = 27  # of a line, about
Qt = QtCore.Qt
_SLIDER = QtWidgets.QAbstractSlider
SCROLLING = {  # what a key does to the scroll bar
    Qt.Key_Up: _SLIDER.SliderSingleStepSub, Qt.Key_Down: _SLIDER.SliderSingleStepAdd, Qt.Key_Space:
    _SLIDER.SliderPageStepAdd, Qt.Key_PageUp: _SLIDER.SliderPageStepSub, Qt.Key_PageDown: _SLIDER.SliderPageStepAdd,
    Qt.Key_Home: _SLIDER.SliderToMinimum, Qt.Key_End: _SLIDER.SliderToMaximum,
}  # fmt: skip
KEPT_OPEN = (Qt.PopupFocusReason, Qt.ActiveWindowFocusReason, Qt.MenuBarFocusReason)


class HelpOverlay(QtWidgets.QWidget):
    """Covers its parent while shown; Esc, the keys of help, a click, or another part that takes the keyboard closes it.

    Plain keys scroll, or do nothing: what they would do below is not seen.
    """

    def __init__(self, parent: QtWidgets.QWidget):
        super().__init__(parent)
        self.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.setAccessibleName("Keyboard help")
        self._made: tuple = ()
        self._before: QtWidgets.QWidget | None = None
        outer = QtWidgets.QVBoxLayout(self)
        outer.setContentsMargins(24, 24, 24, 24)
        self._area = QtWidgets.QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QtWidgets.QFrame.NoFrame)
        self._area.setFocusPolicy(QtCore.Qt.NoFocus)
        self._area.viewport().installEventFilter(self)
        outer.addWidget(self._area)
        parent.installEventFilter(self)
        self.setGeometry(parent.rect())
        self.hide()

    def toggle(self) -> None:
        """Show or hide."""
        self.setVisible(not self.isVisible())

    # -- content ------------------------------------------------------------------------------------------------
    def _fill(self) -> None:
        count = min(max(self.width() // pixels(COLUMN_WIDTH), 1), 4)
        contexts = tuple(getattr(self.window(), "contexts", tuple)())
        made = count, current().name, type_size(), shortcuts.current(), contexts
        if made == self._made:
            return
        self._made = made
        page = QtWidgets.QWidget()
        page.setObjectName("page")
        page.setStyleSheet("#page { background: transparent; }")
        column = QtWidgets.QVBoxLayout(page)
        title = QtWidgets.QLabel("Keyboard")
        title.setProperty("role", "sign")
        search, anything = (spelled(shortcuts.first_key(name)) for name in ("keyboard_settings", "palette"))
        hint = QtWidgets.QLabel(
            f"Esc or a click closes this. {search} finds keys and changes them, {anything} does whatever you type. The "
            "letters are DeepVis Toolbox's where it has the function. While a person plays, arrows and Space go to the "
            "game. While you present, there are more keys: open this then.")  # fmt: skip
        hint.setWordWrap(True)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(36)
        for groups in share_out(by_group(shown(contexts)), count):
            row.addWidget(self._table(groups), 1, QtCore.Qt.AlignTop)
        for item in (title, hint):
            column.addWidget(item)
        column.addSpacing(10)
        column.addLayout(row)
        column.addStretch()
        self._area.setWidget(page)
        self._area.viewport().setAutoFillBackground(False)

    def _table(self, groups: dict) -> QtWidgets.QWidget:
        table = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        for group, rows in groups.items():
            heading = QtWidgets.QLabel(group)
            heading.setProperty("role", "heading")
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for keys, text in compact(rows):
                line = grid.rowCount()
                grid.addWidget(self._keys(keys), line, 0, QtCore.Qt.AlignRight | QtCore.Qt.AlignTop)
                words = QtWidgets.QLabel(text)
                words.setWordWrap(True)
                grid.addWidget(words, line, 1, QtCore.Qt.AlignTop)
        return table

    @staticmethod
    def _keys(keys: tuple[str, ...]) -> QtWidgets.QLabel:
        """Key caps; a shared modifier is written once: Shift + i j k l."""
        modifiers = {key.rpartition("+")[0] for key in keys if len(key) > 1}
        shared = modifiers.pop() if len(keys) > 2 and len(modifiers) == 1 else ""
        caps = [key.removeprefix(shared + "+").lower() if shared else key for key in keys]
        look = current()
        style = f"background-color: {look.raised}; color: {look.text}; font-family: monospace"
        html = "&nbsp;".join(f'<span style="{style}">&nbsp;{escape(cap)}&nbsp;</span>' for cap in caps)
        label = QtWidgets.QLabel(f"{escape(shared)} + {html}" if shared else html)
        label.setTextFormat(QtCore.Qt.RichText)
        label.setTextInteractionFlags(QtCore.Qt.NoTextInteraction)
        return label

    # -- events -------------------------------------------------------------------------------------------------
    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.setGeometry(self.parentWidget().rect())
        self._fill()
        self.raise_()
        self._before = QtWidgets.QApplication.focusWidget()
        self.setFocus()
        # The window hears its shortcuts in a filter of its own: while help is open, ours comes first.
        QtWidgets.QApplication.instance().installEventFilter(self)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if self.isVisible():
            self._fill()

    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        ground = QtGui.QColor(current().base)
        ground.setAlpha(240)
        painter.fillRect(self.rect(), ground)

    def mousePressEvent(self, event) -> None:
        self.hide()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        QtWidgets.QApplication.instance().removeEventFilter(self)
        before, self._before = self._before, None
        if self.hasFocus():  # or Qt gives it to the first button there is
            give_back(before, self.parentWidget())

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if event.reason() not in KEPT_OPEN:
            self.hide()

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if kind == QtCore.QEvent.Resize and watched is self.parentWidget():
            self.setGeometry(watched.rect())
        elif kind == QtCore.QEvent.MouseButtonPress and watched is self._area.viewport():
            self.hide()
        elif kind == QtCore.QEvent.KeyPress and self.isVisible() and comes_to(watched, self.window()):
            return self._take(event)
        return False

    def _take(self, event) -> bool:
        text = sequence(event)
        if text == "Esc" or any(text in row.keys for row in shortcuts.by_command().get("help", ())):
            self.hide()
        elif event.key() in SCROLLING and not event.modifiers() & ~Qt.KeypadModifier:
            self._area.verticalScrollBar().triggerAction(SCROLLING[event.key()])
        else:
            return is_plain(event)
        return True


def shown(contexts: tuple[str, ...] = ()) -> tuple[shortcuts.Shortcut, ...]:
    """The rows of the table less those that count only while presenting, where that is not so now."""
    absent = {PRESENTING, CUES, DRAWING} - set(contexts)
    return tuple(row for row in shortcuts.current() if row.when not in absent)


def share_out(groups: dict, count: int) -> list[dict]:
    """The groups, in order, over ``count`` columns of about equal height."""
    heights = {group: 1.6 + sum(1.0 + len(text) // LETTERS * 0.75 for _, text in compact(rows))
               for group, rows in groups.items()}  # fmt: skip
    least, most = max(heights.values()), sum(heights.values())
    while most - least > 0.1:  # the lowest height at which so many columns do
        middle = (least + most) / 2
        least, most = (least, middle) if len(_filled(groups, heights, middle)) <= count else (middle, most)
    columns = _filled(groups, heights, most)
    while len(columns) < count:  # a column more than is needed takes the last group of the longest
        longest = max((column for column in columns if len(column) > 1), key=len)
        at = columns.index(longest)
        last = list(longest)[-1]
        columns.insert(at + 1, {last: longest.pop(last)})
    return columns


def _filled(groups: dict, heights: dict[str, float], height: float) -> list[dict]:
    """The groups in columns that are no higher than this."""
    columns: list[dict] = [{}]
    filled = 0.0
    for group, rows in groups.items():
        if columns[-1] and filled + heights[group] > height:
            columns.append({})
            filled = 0.0
        columns[-1][group] = rows
        filled += heights[group]
    return columns
