"""Presenter mode: few panels, large type, no chrome, the whole screen; and what a speaker points with.

Leaving brings back exactly what was. All marks are children of the window, so that recordings have them.
"""

from __future__ import annotations

import time
from functools import partial
from typing import NamedTuple

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import tokens
from zoo_gui.pressed import sequence
from zoo_gui.shortcuts import CUES, DRAWING, PRESENTING, by_command, spelled
from zoo_gui.stage_held import Held
from zoo_gui.stage_marks import Black, Laser, Lens, Spotlight

LAYOUT = "Talk"
MESSAGE_MS = 8000
"""After which a message goes while presenting."""
GROWTH = ((1280, 1.25), (1920, 1.5), (3840, 2.2))
"""How much larger the type is while presenting, by the width of the window in pixels."""


class Before(NamedTuple):
    """What the window was like."""

    geometry: QtCore.QByteArray
    full_screen: bool
    type_size: float
    laser: bool
    spotlight: bool


class Presenter(QtCore.QObject):
    """Presenter mode of a window. ``changed(on)``: it began or ended."""

    changed = QtCore.Signal(bool)

    def __init__(self, window):
        super().__init__(window)
        self.window, self.session, self.settings = window, window.session, window.settings
        self.laser, self.black, self.held = Laser(window), Black(window), Held(window)
        self.lens, self.spotlight = Lens(window), Spotlight(window, self._said)
        self._double_press = DoublePress(window)
        self.cues = None  # a list of cues that is loaded, with ``room`` pixels of caption: cue_show.CueShow
        self._before: Before | None = None
        self._goes_on = False
        self._type = self._until = 0.0
        self._left_in = ""
        self._had_focus: QtWidgets.QWidget | None = None
        self.held.ended.connect(self._on_let_go)
        self.session.running_changed.connect(self._on_running)
        self.session.message.connect(self._on_message)
        window.layouts.arranged.connect(self._hide_chrome)
        window.installEventFilter(self)
        window.commands.parts.append(self)

    @property
    def is_on(self) -> bool:
        return self._before is not None

    @property
    def contexts(self) -> list[str]:
        """Those of the shortcut table that hold now, the most specific first."""
        found = [DRAWING] if self.held.isVisible() else []
        if self.is_on:
            found += [CUES] if self.cues is not None and self.cues.has_cues else []
            found.append(PRESENTING)
        return found

    # -- the mode -----------------------------------------------------------------------------------------------
    def enter(self) -> None:
        """Begin: the Talk layout, until a cue names another."""
        if self.is_on:
            return
        window, self._until = self.window, 0.0
        full = window.isFullScreen()
        self._before = Before(window.saveGeometry(), full, self.settings.get("look/type"), self.laser.is_on,
                              self.spotlight.is_on)
        window.layouts.hold()
        window.setUpdatesEnabled(False)
        window.layouts.apply(LAYOUT)
        self._hide_chrome()
        if not full:
            window.showFullScreen()
        self._enlarge_type()
        window.setUpdatesEnabled(True)
        self.laser.switch(self.settings.get("present/laser") or self.laser.is_on)
        self.spotlight.switch(self.settings.get("present/spotlight") or self.spotlight.is_on)
        self._double_press.switch(True)
        self.changed.emit(True)

    def leave(self) -> None:
        """End, and put everything back."""
        if not self.is_on:
            return
        before, self._before = self._before, None
        window = self.window
        self.end_asides()
        self.settings.set("present/laser", self.laser.is_on)
        self.settings.set("present/spotlight", self.spotlight.is_on)
        self.laser.switch(before.laser)
        self.spotlight.switch(before.spotlight)
        self._double_press.switch(False)
        self.changed.emit(False)
        window.setUpdatesEnabled(False)
        self._put_type_back(before.type_size)
        for dock in window.docks.values():
            empty = dock.titleBarWidget()
            dock.setTitleBarWidget(None)
            if empty is not None:  # the dock would keep it
                empty.deleteLater()
        window.menuBar().show()
        window.statusBar().show()
        if not before.full_screen:
            window.showNormal()
            window.restoreGeometry(before.geometry)
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.LayoutRequest)  # else they come after, and resize
        window.layouts.release()
        window.setUpdatesEnabled(True)
        self._until, self._left_in = time.monotonic() + 1.0, window.layouts.current

    def _hide_chrome(self) -> None:
        """Also after each change of the layout, which brings tool bars back."""
        if not self.is_on:
            return
        self.window.menuBar().hide()
        self.window.statusBar().hide()
        self.window.toolbar.hide()
        for dock in self.window.docks.values():
            if dock.titleBarWidget() is None:
                dock.setTitleBarWidget(QtWidgets.QWidget(dock))

    def _enlarge_type(self) -> None:
        size = self.settings.get("present/type")
        if not size:
            size = tokens.type_size() * growth(self.window.width())
        self.window.theme.type_size = min(round(size), tokens.LARGEST)
        self._type = tokens.type_size()

    def _put_type_back(self, size: float) -> None:
        """``size``: the setting as it was; 0 is the desktop's. What was chosen while presenting is for next time."""
        if tokens.type_size() != self._type:
            self.settings.set("present/type", tokens.type_size())
        if size:
            self.window.theme.type_size = size
        else:
            self.window.commands.call("normal_type")
            self.session.hover("")

    def end_asides(self) -> None:
        """No black screen, no held picture and no magnifier any more."""
        self.black.switch(False)
        self.held.hide()
        self.lens.switch(False)

    # -- the held picture ---------------------------------------------------------------------------------------
    def _hold(self) -> None:
        self._goes_on = self.session.running
        self._had_focus = QtWidgets.QApplication.focusWidget()
        if self._goes_on:
            self.session.pause()
        laser = self.laser.isVisible()
        self.laser.hide()  # which goes on over the picture, and must not be in it
        self.held.hold()
        if laser:
            self.laser.follow()

    def _on_let_go(self) -> None:
        if self._had_focus is not None and self._had_focus.isVisible():
            self._had_focus.setFocus()
        self._had_focus = None
        if self._goes_on:
            self._goes_on = False
            self.session.play()

    def _on_running(self, running: bool) -> None:
        """Somebody had the game go on: what it does is to be seen."""
        if running and self.held.isVisible():
            self._goes_on = False
            self.held.hide()

    def _on_message(self, level: str, sentence: str) -> None:
        """While presenting no sentence stays until somebody closes it."""
        if self.is_on:
            QtCore.QTimer.singleShot(MESSAGE_MS, partial(self._dismiss, sentence))

    def _dismiss(self, sentence: str) -> None:
        shown = self.window.banner.shown
        if self.is_on and shown is not None and shown.sentence == sentence:
            self.window.banner.dismiss()

    # -- commands -----------------------------------------------------------------------------------------------
    def do_present(self) -> None:
        self.leave() if self.is_on else self.enter()

    def do_leave_presenter(self) -> None:
        """Esc takes back one thing at a time."""
        if self.black.isVisible():
            self.black.switch(False)
        elif self.lens.is_on:
            self.lens.switch(False)
        elif self.window.layouts.maximised:
            self.window.layouts.maximise(self.window.layouts.maximised)
        else:
            self.leave()

    def do_black_screen(self) -> None:
        self.black.switch(not self.black.isVisible())

    def do_laser(self) -> None:
        self.laser.switch(not self.laser.is_on)

    def do_magnifier(self) -> None:
        self.lens.switch(not self.lens.is_on)

    def do_spotlight(self) -> None:
        self.spotlight.switch(not self.spotlight.is_on)

    def do_hold_picture(self) -> None:
        self.held.hide() if self.held.isVisible() else self._hold()

    def do_let_go(self) -> None:
        self.held.hide()

    def do_draw_1(self) -> None:
        self.held.choose(0)

    def do_draw_2(self) -> None:
        self.held.choose(1)

    def do_draw_3(self) -> None:
        self.held.choose(2)

    def do_draw_4(self) -> None:
        self.held.choose(3)

    def do_draw_undo(self) -> None:
        self.held.undo()

    def do_draw_clear(self) -> None:
        self.held.clear()

    # -- events -------------------------------------------------------------------------------------------------
    def _said(self, event) -> tuple[str, str] | None:
        """The key and what it does; None for a key that is no command, and for those that lead through the talk."""
        command = self.window.keys.command_of(event)
        rows = by_command().get(command, ()) if command else ()
        if not rows or rows[0].group == "Presenting":
            return None
        return spelled(sequence(event)), rows[0].text.partition(":")[0]

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if kind == QtCore.QEvent.Close:
            self.leave()  # what is remembered is the window as it was before
            self.laser.switch(False)
            self.lens.switch(False)
            self.spotlight.switch(False)
        elif kind == QtCore.QEvent.Resize:
            if time.monotonic() < self._until:  # a window manager takes its time: the docks get their sizes only now
                QtCore.QTimer.singleShot(0, self._release_again)
            for cover in (self.black, self.held):
                if cover.isVisible():
                    cover.setGeometry(self.window.rect())
        return False

    def _release_again(self) -> None:
        """Unless the person has gone on meanwhile: to another layout, or to presenting again."""
        if not self.is_on and self.window.layouts.current == self._left_in:
            self.window.layouts.release()


def growth(width: int) -> float:
    """How much larger the type is in a window of this width: between the rows of GROWTH in proportion."""
    if width <= GROWTH[0][0]:
        return GROWTH[0][1]
    for (narrow, less), (wide, more) in zip(GROWTH, GROWTH[1:]):
        if width <= wide:
            return less + (more - less) * (width - narrow) / (wide - narrow)
    return GROWTH[-1][1]


class DoublePress(QtCore.QObject):
    """While presenting, Ctrl and a double press give a panel the whole window, or all panels again."""

    def __init__(self, window):
        super().__init__(window)
        self._window = window

    def switch(self, on: bool) -> None:
        """Listen, or not."""
        application = QtWidgets.QApplication.instance()
        (application.installEventFilter if on else application.removeEventFilter)(self)

    def eventFilter(self, watched, event) -> bool:
        if event.type() != QtCore.QEvent.MouseButtonDblClick or not event.modifiers() & QtCore.Qt.ControlModifier:
            return False
        if not isinstance(watched, QtWidgets.QWidget) or watched.window() is not self._window:
            return False
        layouts = self._window.layouts
        name = layouts.maximised or layouts.panel_at(event.globalPos())
        if name is not None:
            layouts.maximise(name)
        return name is not None
