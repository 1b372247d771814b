"""Where the window's panels are: layouts by name, those of the program and the person's own, by number of agents."""

from __future__ import annotations

import base64
import logging
from functools import partialmethod

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.layout_kept import VERSION, Snapshot, State, decoded, is_sound, read_state
from zoo_gui.layout_plans import EVERY, NAMES, Plan, plan
from zoo_gui.widgets.base import laid_out_anew

log = logging.getLogger(__name__)

SETTLED_MS = 100
"""After a change, until the docks have their sizes."""
LONGEST = 32
"""Characters of a layout's name."""


class Layouts(QtCore.QObject):
    """The layouts of a window. ``current`` is the name of the present one; ``changed(name)`` says that it is another,
    or that the names are others. ``restore`` at the start, ``save`` at the end.

    What a person changes is kept for each layout and number of agents: what suits one does not suit four. A panel that
    a command brings goes again with the next layout; one that the person shows stays.
    """

    changed = QtCore.Signal(str)
    arranged = QtCore.Signal()  # docks and tool bars are where a layout has them

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        self.window = window
        self.current = NAMES[0]
        self.maximised: str | None = None  # a panel that has the window to itself
        self._held: Snapshot | None = None
        self._count = 1
        self._default_state: str | None = None  # None: not settled yet
        self._kept: dict[str, str] = {}
        self._lent: dict[str, str] = {}  # arrangements that came with a session: not the person's, and not kept
        self._own: dict[str, dict] = {}
        self._brought: set[str] = set()
        self._without = self._with = ""  # states before panels were brought, and since
        self._before = ""
        window.commands.parts.append(self)
        window.session.lanes_changed.connect(self._on_lanes)

    # -- a sitting ----------------------------------------------------------------------------------------------
    def restore(self) -> None:
        """The window as the person left it."""
        settings = self.window.settings
        self._kept = {key: state for key, state in settings.get("window/layouts").items() if isinstance(state, str)}
        self._own = {name: own for name, own in settings.get("window/own_layouts").items() if is_sound(own)}
        name = settings.get("window/layout")
        self.current = name if name in self.names() else NAMES[0]
        if geometry := settings.get("window/geometry"):
            self.window.restoreGeometry(decoded(geometry))
        self._apply()

    def save(self) -> None:
        """Tell the settings."""
        self._keep()
        settings = self.window.settings
        settings.set("window/layout", self._held.current if self._held else self.current)
        if self._held is None:
            settings.set("window/geometry", base64.b64encode(bytes(self.window.saveGeometry())).decode())
        settings.set("window/layouts", self._kept)
        settings.set("window/own_layouts", self._own)

    def _on_lanes(self, lanes) -> None:
        if not lanes or len(lanes) == self._count:
            return
        in_front = [name for name, panel in self.window.panels.items() if panel.is_seen]
        brought = self._brought & set(in_front)
        self._keep()
        self._count = len(lanes)
        with laid_out_anew():
            self._apply()
            for name in in_front:  # what is looked at stays in front of its tabs
                if name in brought:
                    self.show_panel(name)
                elif not self.window.docks[name].isHidden():
                    self.window.docks[name].raise_()

    # -- which --------------------------------------------------------------------------------------------------
    def names(self) -> list[str]:
        """Those of the program, then the person's own."""
        return [*NAMES, *sorted(self._own, key=str.casefold)]

    def is_own(self, name: str) -> bool:
        """Whether the person made it."""
        return name in self._own

    def apply(self, name: str) -> None:
        """Switch to a layout, as the person left it. An unknown name is a message."""
        known = {one.casefold(): one for one in self.names()}
        if name.casefold() not in known:
            self.window.session.message.emit("warning", f"There is no layout “{name}”: {', '.join(self.names())}.")
            return
        self._keep()
        self.current = known[name.casefold()]
        self._lent.pop(self._key, None)
        self._apply()
        self.changed.emit(self.current)

    def step(self, by: int) -> None:
        """The next layout, or the one before."""
        names = self.names()
        self.apply(names[(names.index(self.current) + by) % len(names)])

    def save_as(self, name: str) -> None:
        """Keep the present arrangement as a layout of the person's own; one of that name is replaced."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST or name.casefold() in {one.casefold() for one in NAMES}:
            self.window.session.message.emit(
                "warning", f"A layout of your own needs a name of at most {LONGEST} characters that is none of "
                f"{', '.join(NAMES)}.")  # fmt: skip
            return
        name = next((own for own in self._own if own.casefold() == name.casefold()), name)
        base = self._base(self.current)
        self._unmaximise()
        self._brought.clear()
        old = self._own.get(name, {"base": base, "states": {}})
        self._own[name] = {"base": old["base"], "states": {**old["states"], str(self._count): self._state()}}
        self.current = name
        self._kept.pop(self._key, None)
        self._default_state = self._state()
        self.changed.emit(name)

    def delete(self, name: str) -> None:
        """Forget one of the person's own; where it is the present one, the layout that it was made from follows."""
        if not self.is_own(name):
            self.window.session.message.emit("warning", f"“{name}” is no layout of your own: it stays.")
            return
        base = self._base(name)
        del self._own[name]
        self._kept = {key: state for key, state in self._kept.items() if key.rpartition("/")[0] != name}
        if name == self.current:
            self.current = base
            self._apply()
        self.changed.emit(self.current)

    def reset(self) -> None:
        """The present layout as it was made, for this number of agents."""
        self._kept.pop(self._key, None)
        self._lent.pop(self._key, None)
        self._apply()

    # -- as text ------------------------------------------------------------------------------------------------
    def state(self) -> str:
        """What ``restore_state`` takes, here or in another sitting."""
        return State(self.current, self._base(self.current), self._count, self._whole_state()).text()

    def restore_state(self, text: str) -> bool:
        """Arrange the window as it was, for now: what the person keeps for that layout comes back when they choose it.
        False where the text is no state, or one of another version."""
        told = read_state(text)
        if told is None:
            return False
        self._keep()
        if told.agents == self._count and not self.window.restoreState(decoded(told.state), VERSION):
            return False
        self.current = told.layout if told.layout in self.names() else told.base
        self._lent[self._key_of(self.current, told.agents)] = told.state
        self._apply()
        self.changed.emit(self.current)
        return True

    # -- for a while --------------------------------------------------------------------------------------------
    def hold(self) -> None:
        """Remember how the window is; until ``release`` changes are for the moment, and not kept."""
        held = Snapshot(self.current, self._count, self._whole_state(), self.maximised, set(self._brought),
                        (self._default_state, self._with, self._without))
        self._keep()
        self._held = self._last_held = held

    def release(self) -> None:
        """As it was; called again, once more."""
        self._held, held = None, self._last_held
        self._lent.clear()
        self.current = held.current if held.current in self.names() else NAMES[0]
        if held.agents != self._count:
            self._apply()
        else:
            self.maximised = None
            self._restore(held.state)
            self._brought = set(held.brought)
            self._default_state, self._with, self._without = held.marks
            if held.maximised:
                self.maximise(held.maximised)
        self.changed.emit(self.current)

    # -- commands -----------------------------------------------------------------------------------------------
    def do_reset_layout(self) -> None:
        self.reset()

    do_layout_1 = partialmethod(apply, NAMES[0])
    do_layout_2 = partialmethod(apply, NAMES[1])
    do_layout_3 = partialmethod(apply, NAMES[2])
    do_layout_4 = partialmethod(apply, NAMES[3])
    do_layout_5 = partialmethod(apply, NAMES[4])

    def do_next_layout(self) -> None:
        self.step(+1)

    def do_previous_layout(self) -> None:
        self.step(-1)

    def do_maximise_panel(self) -> None:
        self._maximise_or_say(self.panel_at(QtGui.QCursor.pos()) or self._focused(),
                              "Put the mouse over the panel that is to fill the window.")  # fmt: skip

    def maximise_focused(self) -> None:
        """Give the panel in focus the whole window; where one has it: all panels again."""
        self._maximise_or_say(self._focused(), "Click into the panel that is to fill the window.")

    def _maximise_or_say(self, name: str | None, sentence: str) -> None:
        name = self.maximised or name
        if name is None:
            self.window.session.message.emit("info", sentence)
        else:
            self.maximise(name)

    # -- one panel ----------------------------------------------------------------------------------------------
    def show_panel(self, name: str) -> None:
        """Bring a panel to the front; one that the layout hides becomes a tab of its area."""
        dock = self.window.docks[name]
        if self.maximised not in (None, name):
            self._unmaximise()
        brings = dock.isHidden()
        if brings and not self._brought:
            self._without = self._state()
        dock.show()
        dock.raise_()
        if brings:
            self._brought.add(name)
            QtCore.QTimer.singleShot(SETTLED_MS, self._note_brought)

    def _note_brought(self) -> None:
        self._with = self._whole_state()

    def panel_at(self, place: QtCore.QPoint) -> str | None:
        """The panel that is seen at a place of the screen."""
        for name, dock in self.window.docks.items():
            if self.window.panels[name].is_seen and dock.rect().contains(dock.mapFromGlobal(place)):
                return name
        return None

    def _focused(self) -> str | None:
        focus = QtWidgets.QApplication.focusWidget()
        return next((name for name, dock in self.window.docks.items() if focus and dock.isAncestorOf(focus)), None)

    def maximise(self, name: str) -> None:
        """Give a panel the whole window; again: back."""
        again = self.maximised == name
        self._unmaximise()
        if again or self.window.docks[name].isFloating():
            return
        self._before = self._state()
        self.maximised = name
        for other, dock in self.window.docks.items():
            if other != name and not dock.isFloating():
                dock.hide()
        self.window.docks[name].show()
        self.window.layout().activate()

    def _unmaximise(self) -> None:
        if self.maximised:
            self.maximised = None
            self._restore(self._before)
            self.arranged.emit()

    def _restore(self, state: str) -> None:
        with laid_out_anew():
            self.window.restoreState(decoded(state), VERSION)

    # -- arranging ----------------------------------------------------------------------------------------------
    @property
    def _key(self) -> str:
        return self._key_of(self.current, self._count)

    @staticmethod
    def _key_of(name: str, agents: int) -> str:
        """Inspect is under the number alone, as when it was the only one."""
        return str(agents) if name == NAMES[0] else f"{name}/{agents}"

    def _base(self, name: str) -> str:
        return self._own[name]["base"] if name in self._own else name

    def _apply(self) -> None:
        self.maximised = None
        self._brought.clear()
        with laid_out_anew():
            self._lay_out()
        self.arranged.emit()

    def _lay_out(self) -> None:
        own = self._own.get(self.current, {}).get("states", {}).get(str(self._count))
        for stored, is_kept in ((self._lent.get(self._key), False), (self._kept.get(self._key), True), (own, False)):
            if stored and self.window.restoreState(decoded(stored), VERSION):
                self._place_new()
                self._default_state = "" if is_kept else None
                if not is_kept:
                    QtCore.QTimer.singleShot(SETTLED_MS, self._note_default)
                break
        else:
            self._arrange(plan(self._base(self.current), self._count))

    def _place_new(self) -> None:
        """Panels that did not exist yet when this layout was kept."""
        now = plan(self._base(self.current), self._count)
        for name, dock in self.window.docks.items():
            if self.window.dockWidgetArea(dock) == QtCore.Qt.NoDockWidgetArea and not dock.isFloating():
                beside = self._host(now, name)
                self.window.tabifyDockWidget(beside, dock)
                dock.setVisible(self._shows(now, name))
                beside.raise_()
                log.info("the panel %s is new in this layout", name)

    def _host(self, wanted: Plan, name: str) -> QtWidgets.QDockWidget:
        """Beside which a panel goes that the plan does not name."""
        return self.window.docks[wanted.hosts.get(self.window.panels[name].area, wanted.hosts["centre"])]

    @staticmethod
    def _shows(wanted: Plan, name: str) -> bool:
        """A panel that no layout knows, somebody's own, is among those of Inspect."""
        return name in wanted.named or wanted.strangers and name not in EVERY

    def _arrange(self, wanted: Plan) -> None:
        window, docks = self.window, self.window.docks
        for dock in docks.values():
            if dock.isFloating():
                dock.setFloating(False)
            window.removeDockWidget(dock)
        cells = [[[docks[name] for name in cell.panels if name in docks] for cell in column.cells]
                 for column in wanted.columns]  # fmt: skip
        fronts = [[there[0] for there in column] for column in cells]
        for column in fronts:
            window.addDockWidget(QtCore.Qt.LeftDockWidgetArea, column[0])
        for first, second in zip(fronts, fronts[1:]):
            window.splitDockWidget(first[0], second[0], QtCore.Qt.Horizontal)
        for column in fronts:
            for upper, lower in zip(column, column[1:]):
                window.splitDockWidget(upper, lower, QtCore.Qt.Vertical)
        for there in (there for column in cells for there in column):
            for dock in there[1:]:
                window.tabifyDockWidget(there[0], dock)
        for name in docks.keys() - wanted.named:
            window.tabifyDockWidget(self._host(wanted, name), docks[name])
        for name, dock in docks.items():
            dock.setVisible(self._shows(wanted, name))
        for dock in (dock for column in fronts for dock in column):
            dock.raise_()
        self._share_out(wanted, fronts)

    def _share_out(self, wanted: Plan, fronts: list[list[QtWidgets.QDockWidget]]) -> None:
        """Give the columns their widths and the cells their heights."""
        window = self.window
        window.resizeDocks([column[0] for column in fronts],
                           [window.width() * column.share // 100 for column in wanted.columns], QtCore.Qt.Horizontal)
        for column, docks in zip(wanted.columns, fronts):
            window.resizeDocks(docks, [window.height() * cell.share // 100 for cell in column.cells],
                               QtCore.Qt.Vertical)
        window.layout().activate()  # sizes alone would wait for something else to change
        # What it is when it has settled counts as nobody's choice.
        self._default_state = None
        QtCore.QTimer.singleShot(SETTLED_MS, self._note_default)

    def _note_default(self) -> None:
        self._default_state = self._without if self._brought else self._whole_state()

    def _whole_state(self) -> str:
        """Of all panels, also where one has the window to itself now."""
        return self._before if self.maximised else self._state()

    def _state(self) -> str:
        return base64.b64encode(bytes(self.window.saveState(VERSION))).decode()

    def _keep(self) -> None:
        """Remember the arrangement if the person changed it."""
        if self._held is not None:
            return
        self._unmaximise()
        state = self._state()
        if self._brought and state == self._with:
            state = self._without
        elif self._brought:
            for name in self._brought:
                self.window.docks[name].hide()
            state = self._state()
        if self._default_state is not None and state != self._default_state:
            self._kept[self._key] = state
            self._lent.pop(self._key, None)
