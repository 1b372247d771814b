"""The inspector's line about the selected unit's counterparts in other agents; a click goes there."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import tokens
from zoo_gui.naming import lane_letter
from zoo_gui.types import Unit
from zoo_gui.widgets.controls import role
from zoo_gui.widgets.lights import correlation, sureness


class CounterpartLine(QtWidgets.QLabel):
    """Hidden while nothing was matched. ``chosen(lane, unit)``: the person wants to go to a counterpart."""

    chosen = QtCore.Signal(int, object)

    def __init__(self, session):
        super().__init__()
        self.session = session
        self._of: tuple[int, Unit] | None = None
        role(self, "caption")
        self.setWordWrap(True)
        self.setTextFormat(QtCore.Qt.RichText)
        self.setTextInteractionFlags(QtCore.Qt.LinksAccessibleByMouse | QtCore.Qt.LinksAccessibleByKeyboard)
        self.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.setAccessibleName("Counterparts in other agents")
        self.setToolTip("What the other agent's unit does goes with what this one does, as units were matched in "
                        "Representations. A click selects it.")
        self.linkActivated.connect(self._go)
        self.hide()

    def show_unit(self, of: tuple[int, Unit] | None) -> None:
        """The counterparts of this lane's unit; None: of nothing."""
        self._of = of
        found = () if of is None else self.session.counterparts_of(*of)
        parts = []
        for facing in found:
            doubt = f", {sureness(facing)}" if sureness(facing) else ""
            link = (f'<a style="color: {tokens.current().mark}" href="{facing.lane}:{facing.unit}">'
                    f"{lane_letter(facing.lane)}: {facing.unit}</a>")
            parts.append(f"{link} (r {correlation(facing.r)}{doubt})")
        self.setText("goes with " + " · ".join(parts) if parts else "")
        self.setVisible(bool(parts))

    def again(self) -> None:
        """Units were matched, or that was forgotten."""
        self.show_unit(self._of)

    def _go(self, link: str) -> None:
        lane, _, name = link.partition(":")
        layer, _, index = name.rpartition(":")
        self.chosen.emit(int(lane), Unit(layer, int(index)))
