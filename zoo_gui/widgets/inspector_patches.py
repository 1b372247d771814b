"""The inspector's patches: at which moments the unit fired, as the parts of the input that it saw, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyqtgraph.Qt import QtWidgets

from zoo_gui.imaging import lut, rgb32
from zoo_gui.scales import number
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.controls import Quiet, button, role, toggle
from zoo_gui.widgets.inspector_tab import UnitTab
from zoo_gui.widgets.pictures import Strip, Tile
from zoo_gui.widgets.saving import Saver

WHICH = {"top": "Strongest", "bottom": "Weakest", "random": "At random"}
ROLLOUT = (2500, 0)  # steps, seed
SOURCES: dict[str, Any] = {"this sitting": "session", "a rollout of 2,500 steps": ROLLOUT}
FILES = (".png", ".svg", ".pdf", ".csv", ".json", ".npz")
MOMENTS_TIP = (
    "What is looked through: this sitting so far, or games that the agent plays by itself, recorded once. Moments "
    "under an intervention are left out."
)
COLUMNS = 3
LARGEST_CROP, LARGEST_SCREEN = 96, 124
SCREEN_ASPECT = 4 / 3  # as a television shows it


class PatchesTab(UnitTab):
    """Nine moments a unit; a click on one shows that moment again, paused."""

    name = "patches"
    title = "Fired at"

    def build(self, column: QtWidgets.QVBoxLayout) -> None:
        self._result, self._source, self._asked = None, "session", {}
        self.saver = Saver(self.session, self.name, self)
        self.saver.said.connect(self.said.setText)
        self.which, self.moments = Quiet(tuple(WHICH.values())), Quiet(tuple(SOURCES))
        for combo, name, tip in (
            (self.which, "Which moments", "Where the unit was largest, smallest, or moments at random, to compare."),
            (self.moments, "Moments of", MOMENTS_TIP),
        ):
            combo.setToolTip(tip)
            combo.setAccessibleName(name)
            combo.activated.connect(lambda _: self._guard(self.restart))
        self.context = toggle("In context", "The whole screen, with the part that the unit sees framed.",
                              lambda: self._guard(self._draw))
        self.refresh_button = button("Refresh", "Look again: the sitting has gone on.",
                                     lambda: self._guard(self.restart))
        self.cancel_button = button("Cancel", "Stop here.", lambda: self._guard(self.cancel))
        self.save_button = button("Save…", "Save the patches as a picture, a table or numbers.",
                                  lambda: self._guard(self._on_save))
        self.strip = Strip(COLUMNS)
        self.strip.setAccessibleName("Moments at which the unit fired")
        self.strip.chosen.connect(lambda patch: self._guard(self._seek, patch))
        self.strip.said.connect(self.session.hover)
        self.moments.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        column.addLayout(_row(self.which, "of", self.moments))
        column.addLayout(_row(self.context, None, self.refresh_button))
        for widget in (self.bar, self.said, self.strip):
            column.addWidget(widget)
        column.addLayout(_row(self.cancel_button, None, self.save_button))

    # -- what the panel says ------------------------------------------------------------------------------------
    def ask(self) -> None:
        source = list(SOURCES.values())[self.moments.currentIndex()]
        which = list(WHICH)[self.which.currentIndex()]
        self._asked = {"unit": self.unit, "which": which, "moments": source}
        self.job.start("patches", self.info.lane, **self._asked)

    def take(self, progress) -> None:
        result = progress.result
        if result is None:
            self.said.setText(("stale: these are another's; " if self.strip.stale else "") + progress.label)
        elif result.unit == self.unit:
            self._result, self._source = result, self._asked["moments"]
            self._draw()
            self.strip.set_stale(False)
            click = " Click one to go there." if result.found else ""
            self.said.setText(f"{result.sentence[:1].upper()}{result.sentence[1:]}{click}")

    def mark_stale(self) -> None:
        self.strip.set_stale(bool(self.strip.tiles))
        earlier = f"stale: these are {self._result.unit}'s; " if self._result is not None and self.strip.tiles else ""
        self.said.setText(f"{earlier}looking …")

    def show_failure(self, sentence: str) -> None:
        self.forget()  # what is shown does not answer what was asked
        super().show_failure(sentence)

    def forget(self) -> None:
        self._result = None
        self.strip.show_tiles([])
        self.strip.set_stale(False)

    def refresh(self) -> None:
        self.cancel_button.setEnabled(self.job.running)
        self.refresh_button.setEnabled(self.unit is not None and not self.job.running)
        self.save_button.setEnabled(self._result is not None and bool(self._result.found) and not self.strip.stale)
        self.bar.setVisible(self.job.running)

    # -- showing ------------------------------------------------------------------------------------------------
    def _draw(self) -> None:
        result = self._result
        if result is None or self.info is None:
            return
        whole = self.context.isChecked()
        tiles = [patch_tile(patch, result, self.info, whole) for patch in result.found]
        self.strip.show_tiles(tiles, LARGEST_SCREEN if whole else LARGEST_CROP)

    # -- what the person does -----------------------------------------------------------------------------------
    def _seek(self, patch) -> None:
        if self.info is not None:
            self.session.seek(self.info.lane, patch.moment, self._source)

    def _on_save(self) -> None:
        if self.info is not None and self._asked:
            which = WHICH[self._asked["which"]].lower()
            self.saver.ask(f"{self.info.title} {self.unit} {which}", FILES, "patches", self.info.lane, **self._asked)


def patch_tile(patch, result, info: LaneInfo, whole: bool) -> Tile:
    """A Patch as a tile: the newest frame of what the unit saw, or the ``whole`` screen with that part framed."""
    value = number(patch.activation).replace("-", "−")
    tip = (f"{result.unit} = {value} · game {patch.episode + 1}, step {patch.index} · moment {patch.moment} · "
           "click to go there")
    if whole:
        box = None if patch.screen_box[2:] == (info.screen[1], info.screen[0]) else patch.screen_box
        return Tile(rgb32(np.ascontiguousarray(patch.frame)), value, patch, tip, box, SCREEN_ASPECT)
    newest = np.ascontiguousarray(patch.pixels[..., -result.frame_channels:])
    return Tile(rgb32(newest) if newest.shape[-1] == 3 else lut("grey")[newest[..., 0]], value, patch, tip)


def _row(*parts: QtWidgets.QWidget | str | None) -> QtWidgets.QHBoxLayout:
    """Widgets and words beside each other, with a gap at None."""
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(4)
    for part in parts:
        if part is None:
            row.addStretch(1)
        elif isinstance(part, str):
            label = QtWidgets.QLabel(part)
            role(label, "caption")
            row.addWidget(label)
        else:
            row.addWidget(part)
    return row
