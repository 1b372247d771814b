"""Can a map be trusted? It must depend on the weights, and what it calls important must matter when it is gone."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import overlays
from zoo_gui.tokens import current, points
from zoo_gui.widgets.controls import Fitted, column_of, still
from zoo_gui.widgets.inks import tick_font
from zoo_gui.widgets.pictures import Strip, Tile
from zoo_gui.widgets.why_grid import over
from zoo_gui.widgets.why_question import button, combo
from zoo_gui.widgets.why_tab import WhyTab

CURVES = (("deletion", "Deletion: as more of the pixels go · grey: in random order"),
          ("insertion", "Insertion: as more of the pixels come · grey: in random order"))  # fmt: skip
SANITY_TIP = (
    "The weights are replaced by random ones, layer by layer from the outputs down (Adebayo et al. 2018). A map that "
    "stays the same does not explain this network: it shows edges."
)


class CheckTab(WhyTab):
    """A row with the method, Run, Cancel and Save…; below it what was found, and one sentence."""

    tip = ""
    key = ""  # how to read what is shown

    def __init__(self, session):
        super().__init__(session)
        self._methods = session.saliency_methods()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 2)
        column.setSpacing(3)
        row = QtWidgets.QHBoxLayout()
        self.method = combo((method.title for method in self._methods), "Whose map is tested.", "Method")
        whole = self.method.sizeHint().width()  # where there is room; else it would widen its column of the window
        self.method.setSizeAdjustPolicy(QtWidgets.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.method.setMinimumContentsLength(8)
        self.method.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        self.method.setMaximumWidth(whole)
        self.method.view().setMinimumWidth(whole)
        self.run = button("Run", self.tip, self.start)
        self.cancel = button("Cancel", "Stop; what is there stays.", self.stop)
        self.save_button = button("Save…", "As a figure, a table or numbers.", self.save)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setMinimumWidth(30)
        self.bar.setMaximumWidth(160)
        for widget in (self.method, *self.extras(), self.run, self.cancel, self.save_button, self.bar):
            row.addWidget(widget)
        row.addStretch(1)
        self.about, self.said = Fitted(), QtWidgets.QLabel(self.tip)
        self.said.setWordWrap(True)
        column.addLayout(row)
        column.addWidget(self.about)
        column.addWidget(self.content(), 1)
        column.addWidget(self.said)
        self.show_state()

    # -- for subclasses -----------------------------------------------------------------------------------------
    def extras(self) -> list[QtWidgets.QWidget]:
        """More choices beside the method."""
        return []

    def content(self) -> QtWidgets.QWidget:
        """What shows the result."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the result."""
        raise NotImplementedError

    # -- a test -------------------------------------------------------------------------------------------------
    def parameters(self) -> dict[str, Any] | None:
        if self.asked is None:
            self.said.setText("Explain a moment first.")
            return None
        method = self._methods[self.method.currentIndex()].name
        fault = self.session.saliency_fault(self.asked.lane, self.asked.target, method)
        if fault:
            self.said.setText(fault)
            return None
        return {"method": method, **self.asked.parameters("target", "action")}

    def take(self, progress) -> None:
        self.bar.setMaximum(max(1, progress.total))
        self.bar.setValue(progress.done)
        if progress.result is not None:
            self.draw()
        self.show_state(getattr(progress.result, "sentence", "") or progress.label)

    def show_state(self, sentence: str = "") -> None:
        self.bar.setVisible(self.job.running)
        self.cancel.setEnabled(self.job.running)
        self.save_button.setEnabled(self.result is not None and not self.job.running)
        words = ""
        if self.result is not None:
            of = f"{self.result.title} of {self.answered.words}, step {self.answered.step.index}"
            words = f"⚠ of an earlier question: {of}{self.key}" if self.stale else f"{of}{self.key}"
        self.about.say(words)
        if sentence:
            self.said.setText(sentence)

    def choose(self, method: str) -> None:
        """Test this method's map next."""
        self.method.setCurrentIndex([one.name for one in self._methods].index(method))


class SanityTab(CheckTab):
    """The map as trained, and as ever more layers become random."""

    name, title = "sanity", "Sanity"
    tip = SANITY_TIP
    key = " · from left to right ever more layers random; rank correlation with the trained map"

    def content(self) -> QtWidgets.QWidget:
        self.strip = Strip()
        self.strip.setAccessibleName("Maps as layers become random")
        self.strip.said.connect(self.session.hover)
        return column_of(self.strip)

    def draw(self) -> None:
        result, info = self.result, self.answered.info
        maps = [overlays.flat(overlays.overlay(plane[..., None], result.signed))
                for plane in (result.original, *result.maps)]  # fmt: skip
        words = ["trained"] + [f"{layer} {rank:.2f}".replace("-", "−")
                               for layer, rank in zip(result.layers, result.correlations.tolist())]  # fmt: skip
        tips = ["The map of the trained network."] + [
            f"{layer} and all layers above it are random: rank correlation with the trained network's map {rank:.2f}, "
            f"structural similarity {same:.2f} (1: the same picture)".replace("-", "−")
            for layer, rank, same in zip(result.layers, result.correlations.tolist(), result.similarities.tolist())]
        tiles = [Tile(over(result.observation, info, plane, overlays.high_end(plane)), word, tip=tip)
                 for plane, word, tip in zip(maps, words, tips)]  # fmt: skip
        self.strip.show_tiles(tiles, 130, max(4, result.total + 1))


class FaithfulnessTab(CheckTab):
    """The target's score along the way, beside random orders of the same pixels."""

    name, title = "faithfulness", "Deletion and insertion"
    tip = ("Pixels are filled, or put back, in the order of the map (Petsiuk et al. 2018); the grey line is the mean "
           "over random orders. A map that finds what matters drops faster, and rises faster, than the grey line.")

    def extras(self) -> list[QtWidgets.QWidget]:
        self.quantity = combo(("Score", "Probability"), "The target's own number, or the explained action's "
                              "probability (softmax of the scores).", "Quantity")  # fmt: skip
        self.quantity.activated.connect(lambda _: self.result is not None and self.draw())
        return [self.quantity]

    def content(self) -> QtWidgets.QWidget:
        self.plots = pg.GraphicsLayoutWidget()
        self.plots.setBackground(current().background)
        self.plots.setProperty("ground", "background")
        self.plots.setMinimumHeight(110)
        self.plots.setAccessibleName("Deletion and insertion")
        self.plots.setFocusPolicy(QtCore.Qt.NoFocus)
        self.curves: dict[str, pg.PlotDataItem] = {}
        for place, (name, title) in enumerate(CURVES):
            plot = self.plots.addPlot(row=0, col=place, title=title)
            still(plot, self.plots)
            self.curves[f"random_{name}"] = plot.plot()
            self.curves[name] = plot.plot()
        self.set_look()
        return self.plots

    def set_look(self) -> None:
        """Take the colours and letters of the present theme and type."""
        look = current()
        for plot, (name, title) in zip(self.plots.ci.items, CURVES):
            plot.setTitle(title, size=f"{points(8):.1f}pt", color=look.text)
            for side in ("left", "bottom"):
                plot.getAxis(side).setStyle(tickFont=tick_font())
            self.curves[name].setPen(pg.mkPen(look.about, width=2))
            self.curves[f"random_{name}"].setPen(pg.mkPen(look.dim, width=1.5, style=QtCore.Qt.DashLine))

    def draw(self) -> None:
        ending = "_probability" if self.quantity.currentIndex() else ""
        for name, curve in self.curves.items():
            curve.setData(self.result.fractions, getattr(self.result, name + ending))
