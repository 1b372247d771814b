"""The marks of ``marks`` at the panels: at the right of a panel's title, or in its corner where titles are hidden."""

from __future__ import annotations

import time

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import marks
from zoo_gui.marks import PAUSED, SKIPPING, SMALLER, Mark
from zoo_gui.widgets.controls import role
from zoo_gui.widgets.items import Canvas, PixelItem

MARKED = ("game", "observation", "actions", "activations", "layer", "plots", "inspector")
"""Panels that show the present moment."""
ONLY_GAME = (PAUSED, SKIPPING)
"""What is said once: the game stands, or runs too fast."""
BUTTONS = 36  # pixels of a title's buttons at its right
LEAST_TITLE = 12
LOOK_SECONDS = 2.0


class MarkSigns(QtCore.QObject):
    """Keeps a label at each panel of MARKED; ``marks_of(name)``: what it says."""

    def __init__(self, window):
        super().__init__(window)
        self._window = window
        self._smaller: dict[str, tuple[float, bool]] = {}
        self._texts: dict[str, tuple[str, str, str]] = {}  # in words, with the least weighty as signs, all as signs
        self.labels: dict[str, QtWidgets.QLabel] = {}
        for name in MARKED:
            if name in window.docks:
                label = role(QtWidgets.QLabel(window.docks[name]), "warning")
                label.setAttribute(QtCore.Qt.WA_TransparentForMouseEvents)
                label.hide()
                self.labels[name] = label
                window.docks[name].installEventFilter(self)
        window.session.status_changed.connect(lambda _status: self.update())
        window.session.stale_changed.connect(lambda _stale: self.update())

    def marks_of(self, name: str) -> tuple[Mark, ...]:
        """What holds of a panel now."""
        found = [mark for mark in marks.marks(self._window.session) if name == "game" or mark.key not in ONLY_GAME]
        if self._is_smaller(name):
            found.append(Mark(SMALLER, "drawn smaller"))
        return tuple(found)

    def update(self) -> None:
        """Say at each panel in sight what holds of it."""
        for name, label in self.labels.items():
            if not self._window.panels[name].is_seen:
                continue
            found = self.marks_of(name)
            signs = [marks.SIGNS[mark.key] for mark in found]
            brief = (sign if mark.key == SMALLER else mark.text for mark, sign in zip(found, signs))
            texts = "  ".join(mark.text for mark in found), "  ".join(brief), " ".join(signs)
            if texts != self._texts.get(name):
                self._texts[name] = texts
                label.setText(texts[0])
                label.setAccessibleName(" ".join(marks.SENTENCES[mark.key] for mark in found))
                self._window.panels[name].setAccessibleDescription(label.accessibleName())
            self._place(name)

    def _place(self, name: str) -> None:
        """In the title, else over the panel's lower right corner, where it is as brief as can be; shortened to signs
        where there is little room."""
        dock, label, panel = self._window.docks[name], self.labels[name], self._window.panels[name]
        texts = self._texts.get(name, ("", "", ""))
        label.setVisible(bool(texts[0]))
        if not texts[0]:
            return
        title = panel.geometry().top()
        wanted = texts[0] if title >= LEAST_TITLE else texts[1]
        words = dock.fontMetrics().horizontalAdvance(dock.windowTitle()) + 24 if title >= LEAST_TITLE else 0
        room = max(0, dock.width() - words - (BUTTONS if title >= LEAST_TITLE else 0))
        fits = label.fontMetrics().horizontalAdvance(wanted) + 2 <= room
        label.setText(wanted if fits else texts[2])
        label.adjustSize()
        width, height = label.sizeHint().width(), label.sizeHint().height()
        label.setAutoFillBackground(title < LEAST_TITLE)  # over a picture, not over a title
        if title >= LEAST_TITLE:
            width = min(width, room)
            label.setGeometry(dock.width() - BUTTONS - width, 1, width, title - 2)
        else:
            width = min(width, dock.width())
            label.setGeometry(dock.width() - width, dock.height() - height, width, height)
        label.raise_()

    def _is_smaller(self, name: str) -> bool:
        """Whether a picture of the panel has fewer pixels on screen than of its own; looked at now and then."""
        at, found = self._smaller.get(name, (0.0, False))
        if time.monotonic() - at > LOOK_SECONDS:
            found = drawn_smaller(self._window.panels[name])
            self._smaller[name] = time.monotonic(), found
        return found

    def eventFilter(self, watched, event) -> bool:
        if event.type() in (QtCore.QEvent.Resize, QtCore.QEvent.LayoutRequest):
            self._smaller.pop(watched.objectName(), None)
            self._place(watched.objectName())
        return False


def drawn_smaller(panel: QtWidgets.QWidget) -> bool:
    """Whether any picture in sight is drawn with fewer pixels than it has."""
    ratio = panel.devicePixelRatioF()
    for canvas in panel.findChildren(Canvas):
        if not canvas.isVisible():
            continue
        for item in canvas.scene().items():
            if isinstance(item, PixelItem) and item.isVisible() and item.pixels is not None:
                height, width = item.pixels.shape[:2]
                box = item.box
                if box.width() * ratio < width - 0.5 or box.height() * ratio < height - 0.5:
                    return True
    return False
