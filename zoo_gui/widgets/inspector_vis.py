"""The inspector's feature visualization: the input frames that excite the unit, forming as one watches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import TABLE_SIZE, colourise, lut
from zoo_gui.scales import number
from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.controls import button, check, role, toggle
from zoo_gui.widgets.inspector_tab import UnitTab
from zoo_gui.widgets.items import line_height
from zoo_gui.widgets.pictures import GAP, Film, Strip, Tile, change, change_level, frame_tiles, frames_of
from zoo_gui.widgets.saving import Saver
from zoo_gui.widgets.vis_options import VisOptions

VIEWS = {
    "frames": ("Frames", "All frames of the network's input, oldest first."),
    "motion": ("Motion", "The frames as a film in a loop: what moves how."),
    "difference": ("Difference", "Newest minus oldest frame, signed: what appears and what goes."),
}
LARGEST_FILM, LARGEST_CHANGE, LARGEST_OF_FOUR, LARGEST_IN_TWO_ROWS = 220, 200, 140, 190
BELOW = 72  # screen pixels of what is under the pictures: bar, two lines of words, buttons
FILES = (".png", ".svg", ".pdf", ".npz", ".csv", ".json")


class VisTab(UnitTab):
    """Pictures of an earlier unit are dimmed and named, never shown as current.

    The line at the top holds the unit; another target typed there stays until the selection moves.
    """

    name = "feature_vis"
    title = "Looks for"

    # -- building -----------------------------------------------------------------------------------------------
    def build(self, column: QtWidgets.QVBoxLayout) -> None:
        self.view, self._result, self._pictured, self._again = "frames", None, "", 0
        self._asked: dict[str, Any] = {}
        self.saver = Saver(self.session, self.name, self)
        self.saver.said.connect(self.said.setText)
        column.addLayout(self._make_target())
        self.options = VisOptions()
        self.options.hide()
        self.options.changed.connect(lambda: self._guard(self.restart))
        column.addWidget(self.options)
        column.addLayout(self._make_views())
        self.strip, self.film, self.change = Strip(), Film(), Strip(2)
        tip = ("An input that Lucid optimised to excite this unit (Olah et al. 2017). Greys are not stretched; the "
               "search begins at mid-grey.")
        for strip, (words, more) in zip((self.strip, self.film, self.change), VIEWS.values()):
            strip.setToolTip(f"{tip} {more}")
            strip.setAccessibleName(f"What the unit looks for: {words.lower()}")
            column.addWidget(strip)
        for widget in (self.bar, self.said):
            column.addWidget(widget)
        column.addLayout(self._make_buttons())
        self.show_view("frames")

    def _make_target(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        self.target = QtWidgets.QLineEdit()
        self.target.setAccessibleName("Target")
        self.target.setFocusPolicy(QtCore.Qt.StrongFocus)
        role(self.target, "caption")
        self.target.setToolTip("What to excite, Enter starts. The unit; or action:LEFT, value, layer:conv3, "
                               "conv2:17@4,5, and sums: action:LEFT - action:RIGHT")
        self.target.returnPressed.connect(lambda: self._guard(self._on_target))
        self.options_button = toggle("Options", "How the picture is looked for.", self._toggle_options)
        label = QtWidgets.QLabel("Target")
        role(label, "caption")
        label.setBuddy(self.target)
        row.addWidget(label)
        row.addWidget(self.target, 1)
        row.addWidget(self.options_button)
        return row

    def _make_views(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(2)
        self.view_buttons = {}
        group = QtWidgets.QButtonGroup(self)
        for view, (words, tip) in VIEWS.items():
            made = toggle(words, tip, partial(self._guard, self.show_view, view))
            self.view_buttons[view] = made
            group.addButton(made)
            row.addWidget(made)
        row.addStretch(1)
        self.play = check("Play", "Whether films move. They never flash more than three times a second.",
                          lambda on: self.session.set_view(motion=on))
        row.addWidget(self.play)
        return row

    def _make_buttons(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        self.again_button = button("Start again", "Optimise anew from other noise: features that come back are the "
                                   "unit's.", lambda: self._guard(self._on_again))
        self.cancel_button = button("Cancel", "Stop here and keep the picture as it is.",
                                    lambda: self._guard(self.cancel))
        self.save_button = button("Save…", "Save the pictures (PNG, SVG, PDF), the numbers (NPZ) or a table.",
                                  lambda: self._guard(self._on_save))
        for made in (self.again_button, self.cancel_button):
            row.addWidget(made)
        row.addStretch(1)
        row.addWidget(self.save_button)
        return row

    # -- what the panel says ------------------------------------------------------------------------------------
    def set_unit(self, info: LaneInfo, unit: Unit) -> None:
        self._again = 0
        self.target.setText(str(unit))
        super().set_unit(info, unit)

    def ask(self) -> None:
        text = self.target.text().strip()
        about = {"unit": self.unit} if text in ("", str(self.unit)) else {"target": text}
        values = self.options.values()
        if self._again:
            values["seed"] = values.get("seed", 0) + self._again
        if "start" in values and (start := self._observation()) is not None:
            values["start"] = start
        else:
            values.pop("start", None)
        self._asked = about | values
        self.job.start("feature_vis", self.info.lane, **self._asked)

    @property
    def wanted(self) -> str:
        """What is being asked about, as text."""
        return self.target.text().strip() or str(self.unit)

    def take(self, progress) -> None:
        result = progress.result
        if result is None:  # the layer is being prepared
            self.said.setText(f"{self._stale_words}{progress.label}")
            return
        self._result, self._pictured = result, self.wanted
        self._draw()
        for strip in self._strips:
            strip.set_stale(False)
        self.said.setText(self._words(result))

    def _words(self, result) -> str:
        before = " before the rectifier" if result.pre_activation else ""
        how_far = f"step {result.step} of {result.total}"
        if result.from_cache:
            how_far = f"from cache · {result.total} steps"
        values = ", ".join(number(float(value)) for value in result.activations)
        what = "" if self._pictured == str(self.unit) else f"{self._pictured} · "
        seed = f" · seed {self._asked['seed']}" if "seed" in self._asked else ""
        return f"{what}{how_far} · activation{before} {values}{seed}".replace("-", "−")

    def mark_stale(self) -> None:
        for strip in self._strips:
            strip.set_stale(bool(self._pictured))
        earlier = bool(self._pictured) and self._pictured != self.wanted
        self.said.setText(f"{self._stale_words}{f'{self.wanted} is ' if earlier else ''}starting …")

    @property
    def _stale_words(self) -> str:
        """Whose the dimmed pictures are."""
        if not self.strip.stale:
            return ""
        return f"stale: this is {self._pictured}{', made otherwise' if self._pictured == self.wanted else ''}; "

    def show_failure(self, sentence: str) -> None:
        super().show_failure(f"{sentence} Stale: this is {self._pictured}." if self.strip.stale else sentence)

    def forget(self) -> None:
        self._result, self._pictured = None, ""
        self.target.setText("")
        self._draw()
        for strip in self._strips:
            strip.set_stale(False)

    def refresh(self) -> None:
        self.cancel_button.setEnabled(self.job.running)
        self.again_button.setEnabled(self.unit is not None)
        self.save_button.setEnabled(self._result is not None and not self.strip.stale)
        still = self.info is not None and self.info.observation_shape[2] <= self.info.frame_channels
        for view in ("motion", "difference"):
            self.view_buttons[view].setEnabled(not still)
        if still and self.view != "frames":
            self.show_view("frames")
        self.play.setChecked(self._plays)
        self.film.set_playing(self._plays)

    # -- showing ------------------------------------------------------------------------------------------------
    @property
    def _strips(self) -> tuple[Strip, ...]:
        return self.strip, self.film, self.change

    @property
    def _plays(self) -> bool:
        return bool(self.session.view.get("motion", True))

    def show_view(self, view: str) -> None:
        """``frames``, ``motion`` or ``difference``."""
        self.view = view
        self.view_buttons[view].setChecked(True)
        self.play.setVisible(view == "motion")
        for name, strip in zip(VIEWS, self._strips):
            strip.setVisible(name == view)
        self._draw()

    def _draw(self) -> None:
        """Draw the view that is shown."""
        result, channels = self._result, self.info.frame_channels if self.info is not None else 1
        images = [] if result is None else list(result.images)
        if self.view == "frames":
            self._draw_frames(images, channels)
        elif self.view == "motion":
            words = self._answers(images)
            self.film.show_films([frames_of(image, channels) for image in images], words,
                                 LARGEST_FILM if len(images) < 2 else LARGEST_OF_FOUR)
        else:
            self._draw_changes([change(image, channels) for image in images])

    def _draw_frames(self, images: list[np.ndarray], channels: int) -> None:
        """A row an answer; a single one in two rows where these have room for larger pictures."""
        tiles: list[Tile] = []
        for image, words in zip(images, self._answers(images)):
            row = frame_tiles(image, channels)
            tiles += [row[0]._replace(caption=" · ".join(filter(None, (words, row[0].caption)))), *row[1:]]
        across = len(tiles) // len(images) if tiles else 4
        if len(images) == 1 and across > 2:
            half = (across + 1) // 2
            high = min(self._room() // 2, self.width() // half - GAP, LARGEST_IN_TWO_ROWS)
            if high > self.width() // across:
                self.strip.show_tiles(tiles, high, half)
                return
        self.strip.show_tiles(tiles, 150, max(1, across))

    def _room(self) -> int:
        """How much height two rows of pictures have without scrolling, less their captions."""
        place = self.parentWidget()
        return 0 if place is None else place.height() - self.strip.y() - BELOW - 2 * (line_height() + 4)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if self.view == "frames" and self._result is not None and event.size() != event.oldSize():
            self._draw()

    def _draw_changes(self, changes: list[np.ndarray]) -> None:
        level = change_level(changes)
        table = lut(self.session.view["signed_colormap"], TABLE_SIZE, 1.0, True)
        many = len(changes) > 1
        tiles = [Tile(colourise(values, table, level, True), words or "newest − oldest")
                 for values, words in zip(changes, self._answers(changes))]
        self.change.show_tiles(tiles, LARGEST_OF_FOUR if many else LARGEST_CHANGE, 2 if many else 1)
        if tiles:
            self.change.set_scale(table, level)

    @staticmethod
    def _answers(images: list) -> list[str]:
        """Captions that tell several answers apart."""
        return [f"answer {place}" for place in range(1, len(images) + 1)] if len(images) > 1 else [""] * len(images)

    # -- what the person does -----------------------------------------------------------------------------------
    def _toggle_options(self) -> None:
        self.options.setVisible(self.options_button.isChecked())

    def _on_target(self) -> None:
        self.target.clearFocus()  # letters are shortcuts again
        if self.unit is not None:
            if not self.target.text().strip():
                self.target.setText(str(self.unit))
            self.restart()

    def _on_again(self) -> None:
        self._again += 1
        self.restart()

    def _on_save(self) -> None:
        if self.info is not None and self._asked:
            self.saver.ask(f"{self.info.title} {self.wanted}", FILES, "feature_vis", self.info.lane, **self._asked)

    def _observation(self) -> np.ndarray | None:
        """What the network sees now, (h, w, C) float32 in 0–1; None before the first step."""
        step = self.session.last_step(self.info.lane)
        if step is None or step.observation.shape != self.info.observation_shape:
            return None
        low, high = self.info.observation_range
        return np.clip((step.observation.astype(np.float32) - low) / (high - low), 0, 1)
