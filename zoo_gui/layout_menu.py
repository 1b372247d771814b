"""How a person gets at the layouts: a menu, and a row of buttons in the menu bar's corner."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.layout_plans import NAMES, PURPOSES
from zoo_gui.shortcuts import by_command, tip

MENU_PADDING = 22
"""Pixels that a menu bar's title takes beside its words, about."""


class LayoutMenu(QtWidgets.QMenu):
    """The layouts by name, the present one checked; save, delete and reset."""

    def __init__(self, window, parent: QtWidgets.QWidget | None = None):
        super().__init__("Layout", parent or window)
        self._window, self._layouts = window, window.layouts
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """As it is now."""
        self.clear()
        layouts = self._layouts
        for number, name in enumerate(layouts.names(), 1):
            action = self._entry(name.replace("&", "&&"), f"layout_{number}" if name in NAMES else "")
            action.triggered.connect(partial(layouts.apply, name))
            action.setToolTip(PURPOSES.get(name, "A layout of your own"))
            action.setCheckable(True)
            action.setChecked(name == layouts.current)
            if number == len(NAMES):
                self.addSeparator()
        self.addSeparator()
        self._entry("Save as…").triggered.connect(lambda: ask_name(layouts))
        for name in filter(layouts.is_own, layouts.names()):
            self._entry(f"Delete “{name}”".replace("&", "&&")).triggered.connect(partial(layouts.delete, name))
        self.addSeparator()
        for text, command in (("Reset this layout", "reset_layout"), ("Next", "next_layout"),
                              ("Before", "previous_layout")):
            self._entry(text, command).triggered.connect(partial(self._window.commands.call, command))
        # not the panel under the mouse, as by the key: there is the menu
        self._entry("Maximise the panel in focus", "maximise_panel").triggered.connect(layouts.maximise_focused)

    def _entry(self, text: str, command: str = "") -> QtWidgets.QAction:
        key = _key(command) if command else ""
        action = self.addAction(f"{text}\t{key}" if key else text)
        action.setProperty("command", command)  # the palette has it once, and its key stays what it is now
        return action


class LayoutSwitch(QtWidgets.QWidget):
    """A button for each of the program's layouts, the present one pressed, and one with the whole menu; in a window
    that has no room for them all, only the latter, which then says the name."""

    def __init__(self, window):
        super().__init__(window)
        self._window, self._layouts = window, window.layouts
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(1)
        self.buttons: dict[str, QtWidgets.QToolButton] = {}
        for number, name in enumerate(NAMES, 1):
            button = self.buttons[name] = self._button(name, f"{PURPOSES[name]}", f"layout_{number}")
            button.setCheckable(True)
            button.clicked.connect(partial(self._choose, name))
            row.addWidget(button)
        self.more = self._button("", "Layouts: your own, save, delete, reset", "")
        self.more.setPopupMode(QtWidgets.QToolButton.InstantPopup)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self.more.setMenu(LayoutMenu(window, self.more))
        row.addWidget(self.more)
        self._layouts.changed.connect(self.show_current)
        window.installEventFilter(self)
        self.show_current()

    def _button(self, text: str, purpose: str, command: str) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setText(text)
        button.setAutoRaise(True)
        button.setFocusPolicy(QtCore.Qt.TabFocus)
        button.setAccessibleName(f"Layout {text}" if text else "Layouts")
        sentence = purpose[:1].upper() + purpose[1:]
        if command:
            button.setProperty("command", command)
            button.setProperty("tip", sentence)
            sentence = tip(command, sentence)
        button.setToolTip(sentence)
        return button

    def _choose(self, name: str) -> None:
        self._layouts.apply(name)
        self.show_current()  # a press on the present one must not release it

    def show_current(self, *_changed) -> None:
        """Press the present one's button."""
        current, fits = self._layouts.current, self._fits()
        for name, button in self.buttons.items():
            button.setChecked(name == current)
            button.setVisible(fits)
        self.more.setText("▾" if fits and current in NAMES else f"{current} ▾")
        self.adjustSize()
        bar = self._window.menuBar()
        resized = QtGui.QResizeEvent(bar.size(), bar.size())
        QtWidgets.QApplication.postEvent(bar, resized)  # it gives the corner its place

    def _fits(self) -> bool:
        metrics, bar = self.fontMetrics(), self._window.menuBar()
        menus = sum(metrics.horizontalAdvance(action.text()) + MENU_PADDING for action in bar.actions())
        buttons = sum(button.sizeHint().width() + 1 for button in self.buttons.values())
        return menus + buttons + self.more.sizeHint().width() + 20 <= self._window.width()

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Resize:
            self.show_current()
        return False

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.FontChange:
            self.show_current()


def ask_name(layouts) -> None:
    """Ask under which name the present arrangement is to be kept."""
    dialog = QtWidgets.QInputDialog(layouts.window)
    dialog.setAttribute(QtCore.Qt.WA_DeleteOnClose)
    dialog.setWindowTitle("Save the layout")
    dialog.setLabelText("Name of this layout")
    dialog.setTextValue(layouts.current if layouts.is_own(layouts.current) else "")
    dialog.textValueSelected.connect(layouts.save_as)
    dialog.open()


def _key(command: str) -> str:
    """The first key of a command; "" where it has none."""
    return next((key for row in by_command().get(command, ()) for key in row.keys), "")
