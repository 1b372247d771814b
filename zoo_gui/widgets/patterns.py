"""Pattern mode: what every unit of a layer looks for, as a grid of optimised images (DeepVis Toolbox's `s`)."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import TABLE_SIZE, lut
from zoo_gui.naming import lane_letter
from zoo_gui.scales import number
from zoo_gui.tokens import pixels
from zoo_gui.types import LaneInfo, LayerInfo, Unit
from zoo_gui.widgets.base import PANELS, Job, Panel, Part
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.controls import Quiet, button, check, keyed, role, toggle
from zoo_gui.widgets.inks import Ink, line_height
from zoo_gui.widgets.items import Canvas
from zoo_gui.widgets.parts import of_widgets
from zoo_gui.widgets.patterns_grid import PatternsGrid
from zoo_gui.widgets.saving import Saver
from zoo_gui.widgets.vis_options import VisOptions

SHOWN = {
    "newest": ("Newest", "The newest frame of each image."),
    "difference": ("Difference", "Newest minus oldest frame, signed, all tiles in one scale."),
    "motion": ("Motion", "The frames as films in a loop."),
}
OPTIONS = ("parameterization", "transforms", "objective", "pre_activation", "steps", "seed", "l1", "l2", "tv", "blur",
           "only_current")  # fmt: skip
STEPS = 128  # for each unit; a picture of one unit takes more
SETTLE_MS = 300  # after scrolling, before what is in sight now goes first
AHEAD = 16  # units: tiles that are among the next so many are not worth a new start
FILES = (".png", ".svg", ".pdf", ".npz", ".csv", ".json")
HINT = "Start optimises an image for every unit of the layer, those in sight first."


@PANELS.register("patterns")
class PatternsPanel(Panel):
    """Computes while it is seen, after the person asked for it once, until Cancel; the layer is the selected unit's."""

    title = "Patterns"
    area = "centre"
    about = "What every unit of a layer looks for, as a grid of optimised images."

    # -- building -----------------------------------------------------------------------------------------------
    def build(self) -> QtWidgets.QWidget:
        self.wanted, self._shown, self._total = False, None, 0
        self._queue: tuple[int, ...] = ()
        self._share = 0.0  # of the running job
        self._followed: tuple[int, Unit] | None = None  # the selection that the layer was last taken from
        self._listed: tuple | None = None
        content = QtWidgets.QWidget()
        content.setMinimumWidth(260)  # behind another panel it must not widen that one
        self.job = Job(self.session, "patterns")
        self.saver = Saver(self.session, "patterns", content)
        self.grid = PatternsGrid()
        self.grid.chosen.connect(lambda unit: self._guard(self._select, unit))
        self.grid.said.connect(self.session.hover)
        self._settle = QtCore.QTimer(content)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(lambda: self._guard(self._reorder))
        self.grid.scrolled.connect(lambda: self.job.running and self._settle.start())
        self.options = VisOptions(OPTIONS, steps=STEPS)
        self.options.hide()
        self.options.changed.connect(lambda: self._guard(self._on_options))
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(6, 5, 4, 2)
        column.setSpacing(4)
        column.addLayout(self._make_first_row())
        column.addWidget(self.options)
        column.addLayout(self._make_second_row())
        for widget in (self.bar, self.said):
            column.addWidget(widget)
        column.addWidget(self.grid, 1)
        self.saver.said.connect(self.said.setText)
        return content

    def _make_first_row(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        self.layer = Quiet(())
        self.layer.setAccessibleName("Layer")
        self.layer.setToolTip("Whose units are shown; it follows the selection.")
        self.layer.activated.connect(lambda _: self._guard(self._on_layer))
        self.start_button = button("Start", "", partial(self._guard, self.start))
        keyed(self.start_button, "patterns", HINT.rstrip("."))
        self.cancel_button = button("Cancel", "Stop here and keep what is finished.",
                                    partial(self._guard, self.cancel))
        self.options_button = toggle("Options", "How the images are looked for.", self._toggle_options)
        self.save_button = button("Save…", "Save what is finished: a numbered contact sheet (PNG, SVG, PDF), the "
                                  "images' numbers (NPZ) or a table.", partial(self._guard, self._on_save))
        row.addWidget(self.layer, 1)
        for made in (self.start_button, self.cancel_button):
            row.addWidget(made)
        row.addStretch(1)
        for made in (self.options_button, self.save_button):
            row.addWidget(made)
        return row

    def _make_second_row(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(2)
        group = QtWidgets.QButtonGroup(self)
        self.show_buttons = {}
        for what, (words, tip) in SHOWN.items():
            made = self.show_buttons[what] = toggle(words, tip, partial(self._guard, self.show_as, what))
            group.addButton(made)
            row.addWidget(made)
        self.show_buttons["newest"].setChecked(True)
        self.play = check("Play", "Whether films move. They never flash more than three times a second.",
                          lambda on: self.session.set_view(motion=on))
        self._scale = Canvas()
        self._scale.setMinimumSize(0, 0)
        self._scale.setFocusPolicy(QtCore.Qt.NoFocus)
        self._scale_bar = self._scale.add(ColourBar(Ink(0.8)))
        self._scale_bar.set_box(QtCore.QRectF(0, 0, 150, 18))
        self.said = QtWidgets.QLabel()
        role(self.said, "caption")
        self.said.setWordWrap(True)
        self.said.setAccessibleName("Patterns: what is being done")
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Patterns: progress")
        for widget in (self.play, self._scale):
            row.addWidget(widget)
        row.addStretch(1)
        return row

    def named_parts(self) -> list[Part]:
        return of_widgets(
            self,
            (self.layer, "which layer", "The layer whose units are optimised."),
            (self.start_button, "begin", "Optimises an image for every unit, those in sight first."),
            (self.grid, "a tile for each unit", "What would excite the unit most."),
        )

    # -- what the session says ----------------------------------------------------------------------------------
    def _connect(self) -> None:
        super()._connect()
        self.session.finished.connect(lambda key: self.is_seen and self._guard(self._on_finished, key))

    def show_look(self, look) -> None:
        self._scale.setFixedSize(pixels(150), line_height() + 4)

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        self._follow()

    def show_unit(self, lane: int, unit: Unit | None) -> None:
        self._follow()

    def show_view(self, view: dict) -> None:
        self.play.setChecked(bool(view.get("motion", True)))
        self.grid.set_playing(self.play.isChecked())
        if view["signed_colormap"] != self.grid.colormap:
            self.show_as(self.grid.show_as)

    def show_progress(self, key: str, progress) -> None:
        if not self.job.owns(key):
            return
        result = progress.result
        self._share = progress.done / max(1, progress.total)
        if result is not None:
            if self.grid.stale:
                self._empty()
            if len(result.units):
                self.grid.put(result.units, result.images, result.activations)
        self._refresh()
        count = len(self.grid.units.images)
        idle = result is None and not progress.done  # the layer is being prepared
        self.said.setText(progress.label if idle else f"{count} of {self._total} units")

    def show_failure(self, key: str, sentence: str) -> None:
        if self.job.owns(key):
            self.job.ended()
            self.wanted = False
            self.said.setText(sentence)
            self._refresh()

    def _on_finished(self, key: str) -> None:
        if self.job.owns(key):
            self.job.ended()
            self._refresh()
            self.said.setText(f"all {self._total} units" if not self._missing() else self.said.text())

    # -- jobs ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Pattern mode: compute what is missing, now and for each layer that is chosen, until ``cancel``."""
        self.wanted = True
        self._resume()

    def cancel(self) -> None:
        """Stop, and start nothing by itself any more."""
        self.wanted = False
        self.job.stop()
        self.said.setText(f"cancelled · {len(self.grid.units.images)} of {self._total} units")
        self._refresh()

    def _resume(self) -> None:
        """Start the job if it is wanted, seen and not finished."""
        if not (self.wanted and self.is_seen and self._shown) or self.job.running:
            return
        missing = self._missing()
        if missing:
            lane, _, layer = self._shown
            self._queue, self._share = tuple(missing), 0.0
            self.job.start("patterns", lane, layer=layer.name, units=self._queue, **self._parameters())
            self.said.setText("starting …")
        self._refresh()

    def _parameters(self) -> dict:
        values = self.options.values()
        return {"steps": STEPS} | values

    def _missing(self) -> list[int]:
        """Units without an image, in order of visibility: in sight, below, above."""
        sight = self.grid.visible_units()
        first, last = (sight[0], sight[-1]) if sight else (0, -1)
        order = [*range(first, last + 1), *range(last + 1, self._total), *range(first)]
        have = {} if self.grid.stale else self.grid.units.images
        return [unit for unit in order if unit not in have]

    def _reorder(self) -> None:
        """After scrolling: what is in sight goes first, unless its turn is near anyway."""
        if not self.job.running or not self.is_seen:
            return
        waiting = [unit for unit in self._queue if unit not in self.grid.units.images]
        sight = [unit for unit in self.grid.visible_units() if unit not in self.grid.units.images]
        if not set(sight) <= set(waiting[: len(sight) + AHEAD]):
            self.job.stop()
            self._resume()

    def _pause(self) -> None:
        """Nobody looks."""
        self._settle.stop()
        self.job.stop()
        self.grid.stop()

    def _catch_up(self) -> None:
        super()._catch_up()
        self._guard(self._resume)

    def rest(self) -> None:
        self._pause()

    # -- showing ------------------------------------------------------------------------------------------------
    def _lane(self) -> LaneInfo | None:
        """The selected unit's lane, or the first with a network."""
        selected = self.session.selected
        lanes = [info for info in self.lanes if info.layers]
        chosen = [info for info in lanes if selected is not None and info.lane == selected[0]]
        return next(iter(chosen or lanes), None)

    def _follow(self) -> None:
        """Show the layer of the selected unit; without one what was shown, or the last convolution."""
        info, selected = self._lane(), self.session.selected
        if info is None:
            self._show(None, None)
            self.said.setText("There is no network to look into: open an agent first.")
            return
        kept = self._shown[2].name if self._shown is not None else ""
        moved = selected is not None and selected != self._followed
        layer = info.layer(selected[1].layer) if moved else info.layer(kept)
        convolutions = [layer for layer in info.layers if layer.kind == "conv"]
        self._followed = selected
        self._show(info, layer or (convolutions or list(info.layers))[-1])
        is_here = selected is not None and (info.lane, self._shown[2].name) == (selected[0], selected[1].layer)
        self.grid.set_selected(selected[1].index if is_here else None)

    def _show(self, info: LaneInfo | None, layer: LayerInfo | None) -> None:
        """Another layer or agent: its tiles, empty; the same: nothing."""
        self._list_layers(info, layer)
        shown = None if info is None else (info.lane, info.agent_id, layer)
        if shown == self._shown:
            return
        self.job.stop()
        self._shown = shown
        self._empty()
        self.said.setText(HINT)
        self._refresh()
        self._resume()

    def _list_layers(self, info: LaneInfo | None, layer: LayerInfo | None) -> None:
        """What there is to choose from."""
        letter = f"{lane_letter(info.lane)} " if info is not None and len(self.lanes) > 1 else ""
        layers = () if info is None else info.layers
        rows = tuple((f"{letter}{each.name} · {each.units} units", each.name) for each in layers)
        if rows != self._listed:
            self._listed = rows
            self.layer.clear()
            for text, name in rows:
                self.layer.addItem(text, name)
        self.layer.setCurrentIndex(self.layer.findData(layer.name) if layer is not None else -1)

    def _empty(self) -> None:
        """Empty tiles for the layer."""
        info = self._lane() if self._shown is not None else None
        layer = self._shown[2] if self._shown is not None else None
        self._total = layer.units if layer is not None else 0
        if info is None:
            self.grid.set_layer("", 0)
        else:
            self.grid.set_layer(layer.name, layer.units, info.observation_shape[:2], info.frame_channels)

    def show_as(self, what: str) -> None:
        """``newest``, ``difference`` or ``motion``."""
        self.grid.show_images_as(what, self.session.view["signed_colormap"])
        self.show_buttons[what].setChecked(True)
        self._refresh()

    def _refresh(self) -> None:
        """Buttons, bar and colour bar as things are."""
        count = len(self.grid.units.images)
        running = round(100 * self._share * len(self._queue)) if self.job.running else 0
        before = self._total - len(self._queue) if self.job.running else 0 if self.grid.stale else count
        self.bar.setMaximum(max(1, 100 * self._total))
        self.bar.setValue(100 * before + running)
        missing = count < self._total or self.grid.stale
        self.start_button.setEnabled(self._shown is not None and missing and not self.job.running)
        self.cancel_button.setEnabled(self.job.running)
        self.save_button.setEnabled(count > 0 and not self.grid.stale)
        self.play.setVisible(self.grid.show_as == "motion")
        self._scale.setVisible(self.grid.show_as == "difference" and count > 0)
        if self._scale.isVisible():
            high = number(self.grid.level)
            self._scale_bar.set_table(lut(self.grid.colormap, TABLE_SIZE, 1.0, True))
            self._scale_bar.set_levels(f"−{high}", high)

    # -- what the person does -----------------------------------------------------------------------------------
    def _select(self, unit: int) -> None:
        if self._shown is not None:
            self.session.select(self._shown[0], Unit(self._shown[2].name, unit))

    def _on_layer(self) -> None:
        info = self._lane()
        if info is not None:
            self._show(info, info.layer(self.layer.currentData()))
            self._follow()

    def _on_options(self) -> None:
        self.job.stop()
        self.grid.set_stale(bool(self.grid.units.images))
        self.said.setText("stale: these were made with other options")
        self._refresh()
        self._resume()

    def _toggle_options(self) -> None:
        self.options.setVisible(self.options_button.isChecked())

    def _on_save(self) -> None:
        if self._shown is not None:
            lane, _, layer = self._shown
            title = next(info.title for info in self.lanes if info.lane == lane)
            self.saver.ask(f"{title} {layer.name} patterns", FILES, "patterns", lane, layer=layer.name,
                           units=tuple(sorted(self.grid.units.images)), **self._parameters())
