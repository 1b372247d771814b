"""The inspector's weights: a kernel per input frame, or per strongest incoming unit, all in one signed scale."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtWidgets

from zoo_gui.imaging import TABLE_SIZE, colourise, lut
from zoo_gui.scales import number
from zoo_gui.widgets.controls import heading
from zoo_gui.widgets.inspector_tab import UnitTab
from zoo_gui.widgets.pictures import Strip, Tile, frame_names


class WeightsTab(UnitTab):
    """The weights into the unit; a click on an incoming unit selects it."""

    name = "weights"
    title = "Weights"

    def build(self, column: QtWidgets.QVBoxLayout) -> None:
        self.heading = heading("Weights")
        self.strip = Strip()
        self.strip.setAccessibleName("Weights into this unit")
        self.strip.chosen.connect(lambda unit: self._guard(self._select, unit))
        self.strip.said.connect(self.session.hover)
        self.bar.hide()  # it takes no time
        for widget in (self.heading, self.strip, self.said):
            column.addWidget(widget)

    def ask(self) -> None:
        self.job.start("weights", self.info.lane, unit=self.unit)

    def take(self, progress) -> None:
        weights = progress.result
        if weights is None or weights.unit != self.unit:
            return
        colormap = self.session.view["signed_colormap"]
        tiles = weight_tiles(weights, colormap)
        depth = weights.kernel.shape[:2]
        self.strip.show_tiles(tiles, 150 if weights.source is None else 64 if depth != (1, 1) else 20)
        self.strip.set_scale(lut(colormap, TABLE_SIZE, 1.0, True), weights.scale)
        self.strip.set_stale(False)
        bias = number(weights.bias).replace("-", "−")
        if weights.source is None:
            self.heading.setText("Weights on each frame")
            self.said.setText(f"bias {bias}")
        else:
            self.heading.setText(f"Weights from {weights.source}: the {len(tiles)} strongest of "
                                 f"{weights.kernel.shape[-1]}")
            words = "weight" if depth == (1, 1) else "norm"
            self.said.setText(f"numbers: {words} · bias {bias} · click one to inspect it")

    def mark_stale(self) -> None:
        self.strip.set_stale(bool(self.strip.tiles))
        self.said.setText("stale: these are the previous unit's weights" if self.strip.tiles else "")

    def show_failure(self, sentence: str) -> None:
        self.forget()
        super().show_failure(sentence)

    def forget(self) -> None:
        self.strip.show_tiles([])
        self.strip.set_stale(False)
        self.heading.setText("Weights")  # no longer the previous unit's

    def _select(self, unit) -> None:
        if self.info is not None:
            self.session.select(self.info.lane, unit)


def weight_tiles(weights, colormap: str) -> list[Tile]:
    """A UnitWeights as tiles in one signed scale: a kernel per input frame, or per strongest incoming unit."""
    table, kernel, scale = lut(colormap, TABLE_SIZE, 1.0, True), weights.kernel, weights.scale
    if weights.source is None:
        names = frame_names(kernel.shape[-1])
        return [Tile(colourise(np.ascontiguousarray(kernel[..., index]), table, scale, True), name,
                     tip=f"weights on frame {name}, strongest ±{number(float(np.abs(kernel[..., index]).max()))}")
                for index, name in enumerate(names)]
    single = kernel.shape[:2] == (1, 1)
    tiles = []
    for unit, strength in weights.top:
        pixels = colourise(np.ascontiguousarray(kernel[..., unit.index]), table, scale, True)
        text = number(strength).replace("-", "−")
        tiles.append(Tile(pixels, f"{unit.index} · {text}", unit,
                          f"{'weight' if single else 'norm of the weights'} from {unit}: {text}; click to inspect it"))
    return tiles
