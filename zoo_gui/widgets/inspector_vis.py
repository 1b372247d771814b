"""The inspector's feature visualization: the input frames that excite the unit, forming as one watches."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.scales import number
from zoo_gui.types import Unit
from zoo_gui.widgets.inspector_pictures import Strip, frame_tiles

SMALL = "font-size: 11px"


def heading(text: str) -> QtWidgets.QLabel:
    """A section's title."""
    label = QtWidgets.QLabel(text)
    label.setStyleSheet("font-weight: bold; font-size: 12px; padding-top: 4px")
    return label


class FeatureVisBox(QtWidgets.QWidget):
    """Shows the progress records of one job; pictures of an earlier unit are dimmed and named, never shown as current.

    ``again``: start anew from other noise; ``cancelled``: stop here.
    """

    again = QtCore.Signal()
    cancelled = QtCore.Signal()

    def __init__(self):
        super().__init__()
        self.unit: Unit | None = None
        self.running = False
        self._pictured: Unit | None = None
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        top = QtWidgets.QHBoxLayout()
        self.again_button, self.cancel_button = QtWidgets.QPushButton("Start again"), QtWidgets.QPushButton("Cancel")
        self.again_button.setToolTip("Optimise anew from other noise: features that come back are the unit's.")
        self.cancel_button.setToolTip("Stop here and keep the picture as it is.")
        top.addWidget(heading("What it looks for"))
        top.addStretch(1)
        for button, signal in ((self.again_button, self.again), (self.cancel_button, self.cancelled)):
            button.setStyleSheet(SMALL)
            button.setAutoDefault(False)
            button.clicked.connect(signal)
            top.addWidget(button)
        self.strip = Strip()
        self.strip.setToolTip("An input that Lucid optimised to excite this unit (Olah et al. 2017), one picture a "
                              "frame of the network's input. Greys are not stretched; the search begins at mid-grey.")
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.said = QtWidgets.QLabel()
        self.said.setWordWrap(True)
        self.said.setStyleSheet(SMALL)
        column.addLayout(top)
        for widget in (self.strip, self.bar, self.said):
            column.addWidget(widget)
        self._show_running(False)

    def begin(self, unit: Unit) -> None:
        """A job for ``unit`` was asked for."""
        self.unit = unit
        self.bar.setValue(0)
        earlier = self._pictured is not None and self._pictured != unit
        self.strip.set_stale(self._pictured is not None)
        self.said.setText(f"stale: this is {self._pictured}; {unit} is starting …" if earlier else "starting …")
        self._show_running(True)

    def take(self, progress) -> None:
        """A progress record with a FeatureVis or, while the layer is prepared, without; others' are dropped."""
        result = progress.result
        if result is None:
            if self.unit is not None and self.running and progress.label.startswith(f"{self.unit}:"):
                stale = f"stale: this is {self._pictured}; " if self.strip.stale else ""
                self.said.setText(stale + progress.label)
            return
        if result.unit != self.unit:
            return
        self._pictured = self.unit
        self.strip.show_tiles(frame_tiles(result.image))
        self.strip.set_stale(False)
        self.bar.setMaximum(max(result.total, 1))
        self.bar.setValue(result.step)
        before = " before the rectifier" if getattr(result, "pre_activation", False) else ""
        text = f"step {result.step} of {result.total} · activation{before} {number(result.activation)}"
        if result.from_cache:
            text = f"from cache · {result.total} steps · activation{before} {number(result.activation)}"
        self.said.setText(text.replace("-", "−"))
        self._show_running(result.step < result.total and not result.from_cache)

    def stop(self, sentence: str = "") -> None:
        """The job ended before it was done; ``sentence``: why, where it failed."""
        if self.running and not sentence:
            sentence = "cancelled · " + self.said.text()
        if sentence:
            self.said.setText(sentence)
        self._show_running(False)

    def clear(self) -> None:
        """Forget everything."""
        self.unit = self._pictured = None
        self.strip.show_tiles([])
        self.strip.set_stale(False)
        self.said.setText("")
        self.bar.setValue(0)
        self._show_running(False)

    def _show_running(self, running: bool) -> None:
        self.running = running
        self.cancel_button.setEnabled(running)
        self.again_button.setEnabled(self.unit is not None)
