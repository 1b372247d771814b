"""Where the window's panels are: the default arrangement, and what a person made of it, by number of agents."""

from __future__ import annotations

import base64
import logging

from pyqtgraph.Qt import QtCore, QtWidgets

log = logging.getLogger(__name__)

#: Shares of the window's width for the left, centre and right docks, by number of agents.
SHARES = {1: (27, 45, 28), 2: (33, 42, 25), 3: (37, 40, 23), 4: (38, 40, 22)}
#: Shares of its height for the game, the network's input and the actions.
ROWS = {1: (52, 20, 28), 2: (38, 20, 42), 3: (50, 20, 30), 4: (52, 16, 32)}
#: Panels in the order in which each area has them; others come last.
ORDER = (
    "game", "observation", "actions", "activations", "layer", "moment", "pair", "representations", "why", "patterns",
    "groups", "filters", "search", "robustness", "zoo", "wall", "lab", "inspector", "plots", "compare",
)  # fmt: skip
VERSION = 1


class Layouts(QtCore.QObject):
    """Arranges the docks of a window; ``restore`` at the start, ``save`` at the end."""

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        self.window = window
        self._count = 1
        self._default_state = ""
        self._kept: dict[str, str] = {}
        window.commands.parts.append(self)
        window.session.lanes_changed.connect(self._on_lanes)

    # -- a sitting ----------------------------------------------------------------------------------------------
    def restore(self) -> None:
        """A layout is kept for each number of agents: what suits one does not suit four."""
        settings = self.window.settings
        self._kept = dict(settings.get("window/layouts"))
        if geometry := settings.get("window/geometry"):
            self.window.restoreGeometry(decoded(geometry))
        self._apply()

    def save(self) -> None:
        """Tell the settings."""
        self._keep()
        settings = self.window.settings
        settings.set("window/geometry", base64.b64encode(bytes(self.window.saveGeometry())).decode())
        settings.set("window/layouts", self._kept)

    def _on_lanes(self, lanes) -> None:
        if not lanes or len(lanes) == self._count:
            return
        self._keep()
        self._count = len(lanes)
        in_front = [name for name, panel in self.window.panels.items() if panel.is_seen]
        self._apply()
        for name in in_front:  # what is looked at stays in front of its tabs
            if not self.window.docks[name].isHidden():
                self.window.docks[name].raise_()

    # -- commands -----------------------------------------------------------------------------------------------
    def do_reset_layout(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to the default arrangement, with every panel shown, for this number of agents."""
        self._kept.pop(self._key, None)
        self._arrange()

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self.window.docks[name].show()
        self.window.docks[name].raise_()

    # -- arranging ----------------------------------------------------------------------------------------------
    def _arrange(self) -> None:
        """The default layout: game, input and output left; activations over plots; the inspector right."""
        window, docks = self.window, self.window.docks
        areas: dict[str, list[QtWidgets.QDockWidget]] = {"left": [], "centre": [], "right": [], "bottom": []}
        for name in sorted(docks, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)):
            dock = docks[name]
            dock.setFloating(False)
            window.removeDockWidget(dock)
            areas[window.panels[name].area].append(dock)
        columns = [there[0] for area in ("left", "centre", "right") if (there := areas[area])]
        for dock in columns:
            window.addDockWidget(QtCore.Qt.LeftDockWidgetArea, dock)
        for first, second in zip(columns, columns[1:]):
            window.splitDockWidget(first, second, QtCore.Qt.Horizontal)
        for upper, lower in zip(areas["left"], areas["left"][1:]):
            window.splitDockWidget(upper, lower, QtCore.Qt.Vertical)
        for dock in areas["bottom"][:1]:
            window.splitDockWidget(areas["centre"][0], dock, QtCore.Qt.Vertical)
        for area in ("centre", "right", "bottom"):
            for dock in areas[area][1:]:
                window.tabifyDockWidget(areas[area][0], dock)
        for dock in docks.values():
            dock.show()
        for dock in (*columns, *areas["bottom"][:1]):
            dock.raise_()
        self._share_out()

    def _share_out(self) -> None:
        """Give the columns their widths and the rows their heights for the present number of agents."""
        self._default_state = ""
        shares, rows = SHARES[self._count], ROWS[self._count]
        window, docks = self.window, self.window.docks
        for names, parts, whole, way in (
            (("game", "activations", "inspector"), shares, window.width(), QtCore.Qt.Horizontal),
            (("game", "observation", "actions"), rows, window.height(), QtCore.Qt.Vertical),
            (("activations", "plots"), (70, 30), window.height(), QtCore.Qt.Vertical),
        ):
            there = [(docks[name], whole * part // 100) for name, part in zip(names, parts) if name in docks]
            window.resizeDocks([dock for dock, _ in there], [size for _, size in there], way)
        # The layout settles with the next turn of the event loop; what it is then counts as nobody's choice.
        QtCore.QTimer.singleShot(0, self._note_default)

    def _note_default(self) -> None:
        self._default_state = self._state()

    def _state(self) -> str:
        return base64.b64encode(bytes(self.window.saveState(VERSION))).decode()

    @property
    def _key(self) -> str:
        return str(self._count)

    def _apply(self) -> None:
        window, stored = self.window, self._kept.get(self._key)
        if not (isinstance(stored, str) and window.restoreState(decoded(stored), VERSION)):
            self._arrange()
            return
        for name, dock in window.docks.items():  # a panel that did not exist yet when this layout was kept
            if window.dockWidgetArea(dock) == QtCore.Qt.NoDockWidgetArea and not dock.isFloating():
                beside = window.docks["plots" if window.panels[name].area == "bottom" else "activations"]
                window.tabifyDockWidget(beside, dock)
                beside.raise_()
                log.info("the panel %s is new in this layout", name)

    def _keep(self) -> None:
        """Remember the arrangement if the person changed it."""
        state = self._state()
        if state != self._default_state:
            self._kept[self._key] = state


def decoded(text: str) -> bytes:
    """What base64 text stands for; nothing for text that is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
