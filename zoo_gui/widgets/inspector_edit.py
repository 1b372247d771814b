"""The inspector's control of an intervention: gain and offset of one unit."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

LARGEST_GAIN = 3.0
SETTLE_MS = 50  # a slider that is dragged changes the network at most this often


class EditBar(QtWidgets.QWidget):
    """Emits ``edited(gain, offset)``: activation becomes gain · activation + offset, after the non-linearity."""

    edited = QtCore.Signal(float, float)
    cleared = QtCore.Signal()

    def __init__(self):
        super().__init__()
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        self.slider = QtWidgets.QSlider(QtCore.Qt.Horizontal)
        self.slider.setRange(0, round(100 * LARGEST_GAIN))
        self.slider.setValue(100)
        self.slider.setTickInterval(100)
        self.slider.setTickPosition(QtWidgets.QSlider.TicksBelow)
        self.slider.setAccessibleName("Gain")
        self.slider.setToolTip("0 silences the unit, 1 leaves it as trained, 3 makes it three times as strong.")
        self.gain = self._spin("Gain", 0.0, LARGEST_GAIN, 0.1, 1.0)
        self.offset = self._spin("Offset", -100.0, 100.0, 0.1, 0.0)
        self.offset.setToolTip("Added to the unit's activation; with gain 0 it clamps the unit to this value.")
        self.ablate = QtWidgets.QPushButton("Ablate")
        self.ablate.setToolTip("Gain 0, offset 0: the unit says nothing.")
        self.reset = QtWidgets.QPushButton("Reset")
        self.reset.setToolTip("Back to the trained unit.")
        self.others = QtWidgets.QPushButton()
        self.others.setFlat(True)
        self.others.setToolTip("Units that are changed stay changed when another is selected.")
        grid.addWidget(QtWidgets.QLabel("Gain"), 0, 0)
        grid.addWidget(self.slider, 0, 1, 1, 3)
        grid.addWidget(self.gain, 0, 4)
        grid.addWidget(QtWidgets.QLabel("Offset"), 1, 0)
        for place, widget in ((1, self.offset), (3, self.ablate), (4, self.reset)):
            grid.addWidget(widget, 1, place)
        grid.setColumnStretch(2, 1)
        grid.addWidget(self.others, 2, 0, 1, 5, QtCore.Qt.AlignLeft)
        for button in (self.ablate, self.reset, self.others):
            button.setAutoDefault(False)
        self._settle = QtCore.QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._emit)
        self.slider.valueChanged.connect(lambda value: self.gain.setValue(value / 100))
        self.gain.valueChanged.connect(self._on_gain)
        self.offset.valueChanged.connect(lambda _: self._start())
        self.ablate.clicked.connect(lambda: self._set_now(0.0, 0.0))
        self.reset.clicked.connect(lambda: self._set_now(1.0, 0.0))
        self.others.clicked.connect(self.cleared)
        self.show_edit(1.0, 0.0, 0)

    @staticmethod
    def _spin(name: str, low: float, high: float, step: float, value: float) -> QtWidgets.QDoubleSpinBox:
        spin = QtWidgets.QDoubleSpinBox()
        spin.setRange(low, high)
        spin.setSingleStep(step)
        spin.setDecimals(2)
        spin.setValue(value)
        spin.setAccessibleName(name)
        spin.setToolTip(f"{name} of the unit: activation becomes gain · activation + offset while the agent plays")
        spin.setKeyboardTracking(False)
        return spin

    def show_edit(self, gain: float, offset: float, others: int) -> None:
        """Show a unit's present state without emitting; ``others``: how many other units are changed."""
        self._settle.stop()
        for widget, value in ((self.slider, round(100 * gain)), (self.gain, gain), (self.offset, offset)):
            widget.blockSignals(True)
            widget.setValue(value)
            widget.blockSignals(False)
        self.reset.setEnabled((gain, offset) != (1.0, 0.0))
        self.others.setVisible(others > 0)
        self.others.setText(f"{others} other unit{'s are' if others > 1 else ' is'} changed: undo all")

    @property
    def busy(self) -> bool:
        """Whether someone is changing something right now: what is shown is then ahead of the session."""
        return self._settle.isActive() or self.slider.isSliderDown() or self.gain.hasFocus() or self.offset.hasFocus()

    def stop(self) -> None:
        """Apply what a slider that was just moved asks for."""
        if self._settle.isActive():
            self._settle.stop()
            self._emit()

    def _on_gain(self, gain: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(100 * gain))
        self.slider.blockSignals(False)
        self._start()

    def _set_now(self, gain: float, offset: float) -> None:
        for widget, value in ((self.gain, gain), (self.offset, offset)):
            widget.setValue(value)
        self._settle.stop()
        self._emit()

    def _start(self) -> None:
        if not self._settle.isActive():
            self._settle.start()

    def _emit(self) -> None:
        self.edited.emit(self.gain.value(), self.offset.value())
