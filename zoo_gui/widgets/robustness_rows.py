"""Sliders over the levels of disturbances: one row each, with the exact number beside it."""

from __future__ import annotations

import math
from typing import Any, Mapping

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.controls import Decimal, Quiet, fit, mark, role, toggle

Qt = QtCore.Qt
POSITIONS = 200
"""Of a slider."""
NEAR = 1.2 / POSITIONS
SETTLE_MS = 80  # a slider that is dragged changes the game at most this often
DECADE = 15.0
"""From this ratio of greatest to smallest level on, equal steps of a slider are equal factors."""


class Scale:
    """Between a level and its place on a slider, 0 to 1, which is also its place on a chart's axis.

    A level whose rest is the lowest and whose levels span decades goes by factors, behind its rest at 0; one that has
    its rest in between goes from low to rest and from rest to high, each half of the way.
    """

    def __init__(self, about: Any):
        self.low, self.rest, self.high = float(about.low), float(about.rest), float(about.high)
        self.whole = all(float(level).is_integer() for level in about.levels)
        self.levels = tuple(float(level) for level in about.levels)
        above = sorted(level for level in about.levels if level > self.rest)
        self.least = above[0] / 4 if above else self.high
        self.by_factors = self.rest == self.low and not self.whole and self.high / above[0] >= DECADE

    def place(self, level: float) -> float:
        """Where a level lies; those beyond the ends at the ends."""
        level = min(max(level, self.low), self.high)
        if self.by_factors:
            if level <= self.rest:
                return 0.0
            first = 1 / POSITIONS
            return max(first, first + (1 - first) * math.log(level / self.least) / math.log(self.high / self.least))
        if self.low < self.rest < self.high:
            low, high = (self.low, self.rest) if level <= self.rest else (self.rest, self.high)
            return 0.5 * (level - low) / (high - low) + (0.5 if level > self.rest else 0.0)
        return (level - self.low) / (self.high - self.low)

    def level(self, place: float) -> float:
        """The level at a place: that of a sweep where one is near, else in two digits."""
        near = min(self.levels, key=lambda level: abs(self.place(level) - place))
        if abs(self.place(near) - place) <= NEAR:
            return near
        if self.by_factors:
            first = 1 / POSITIONS
            if place < first / 2:
                return self.rest
            return _rounded(self.least * (self.high / self.least) ** max(0.0, (place - first) / (1 - first)))
        if self.low < self.rest < self.high:
            below = place <= 0.5
            low, high = (self.low, self.rest) if below else (self.rest, self.high)
            level = low + (2 * place if below else 2 * place - 1) * (high - low)
        else:
            level = self.low + place * (self.high - self.low)
        return float(round(level)) if self.whole else round(level, 2)


def _rounded(level: float) -> float:
    return round(level, 1 - math.floor(math.log10(level)))


class LevelSlider(QtWidgets.QSlider):
    """A slider that keeps the arrows while it has the focus, and that the wheel does not touch."""

    own_keys = frozenset(("Left", "Right", "Up", "Down", "PgUp", "PgDown", "Home", "End"))

    def wheelEvent(self, event) -> None:
        event.ignore()

    def mousePressEvent(self, event) -> None:
        """A click on the groove goes there, and not a page towards it."""
        super().mousePressEvent(event)
        if event.button() == Qt.LeftButton and not self.isSliderDown():
            style = self.style()
            option = QtWidgets.QStyleOptionSlider()
            self.initStyleOption(option)
            handle = style.subControlRect(style.CC_Slider, option, style.SC_SliderHandle, self).width()
            self.setValue(style.sliderValueFromPosition(
                self.minimum(), self.maximum(), event.pos().x() - handle // 2, self.width() - handle))


class LevelRow(QtCore.QObject):
    """One disturbance: name, slider, number. ``moved(name, level)``: the person changed it; ``chosen(name)``: its name
    was clicked, or it was changed."""

    moved = QtCore.Signal(str, object)
    chosen = QtCore.Signal(str)

    def __init__(self, name: str, about: Any, parent: QtWidgets.QWidget):
        super().__init__(parent)
        self.name, self.about, self.scale = name, about, Scale(about)
        self.title = toggle(about.title, f"{about.title}: {about.words}.", lambda: self.chosen.emit(name))
        self.title.setFocusPolicy(Qt.TabFocus)
        self.title.setStyleSheet("QPushButton { text-align: left; padding: 2px 4px }")
        fit(self.title, "Observation noise", 12, strong=True)
        self.slider = LevelSlider(Qt.Horizontal)
        steps = round(self.scale.high - self.scale.low) if self.scale.whole else POSITIONS
        self.slider.setRange(0, steps)
        self.slider.setPageStep(max(1, steps // 10))
        self.slider.setMinimumWidth(60)
        self.slider.setAccessibleName(about.title)
        self.slider.setToolTip(f"{about.title} ({about.unit}): {about.words}.")
        self.spin = self._make_spin()
        self._settle = QtCore.QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(lambda: self.moved.emit(name, self.level))
        self.slider.valueChanged.connect(self._on_slider)
        self.spin.valueChanged.connect(self._on_spin)
        self.show_level(about.rest)

    def _make_spin(self) -> Decimal:
        about, spin = self.about, Decimal()
        spin.setDecimals(0 if self.scale.whole else 4)
        spin.setRange(min(0.0, about.low), about.most if math.isfinite(about.most) else 20 * about.high)
        if self.scale.whole:
            spin.setSingleStep(1)
        else:
            spin.setStepType(spin.AdaptiveDecimalStepType)
        spin.setKeyboardTracking(False)
        role(spin, "caption")
        fit(spin, "0.0000", 32, strong=True)
        spin.setAccessibleName(f"{about.title}, {about.unit}")
        spin.setToolTip(f"Exactly, in {about.unit}; at rest {about.rest:g}.")
        return spin

    @property
    def level(self) -> float:
        return self.spin.value()

    @property
    def busy(self) -> bool:
        """Whether the person is changing it now: what is shown is then ahead of the session."""
        return self._settle.isActive() or self.slider.isSliderDown()

    def show_level(self, level: float) -> None:
        """Show a level without asking for it."""
        for widget, value in ((self.spin, level), (self.slider, self._position(level))):
            widget.blockSignals(True)
            widget.setValue(value)
            widget.blockSignals(False)
        self._mark()

    def _position(self, level: float) -> int:
        return round(self.scale.place(level) * self.slider.maximum())

    def _mark(self) -> None:
        for widget in (self.title, self.spin):
            mark(widget, "strong", self.level != self.about.rest)

    def _on_slider(self, position: int) -> None:
        self.spin.blockSignals(True)
        self.spin.setValue(self.scale.level(position / self.slider.maximum()))
        self.spin.blockSignals(False)
        self._start()

    def _on_spin(self, level: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(self._position(level))
        self.slider.blockSignals(False)
        self._start()

    def _start(self) -> None:
        self._mark()
        self.chosen.emit(self.name)
        if not self._settle.isActive():
            self._settle.start()


class LevelRows(QtWidgets.QWidget):
    """All disturbances. ``moved(name, value)``, ``chosen(name)`` as those of the rows; the name ``parameter_layers``
    says whose weights have noise."""

    moved = QtCore.Signal(str, object)
    chosen = QtCore.Signal(str)

    def __init__(self, kinds: Mapping[str, Any], layers: tuple[str, ...]):
        super().__init__()
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        self.rows: dict[str, LevelRow] = {}
        self.layers = Quiet(layers)
        self.layers.setAccessibleName("Noise on the weights of")
        self.layers.setToolTip("Whose weights have noise: the kernels of the convolutions, as in the paper, or all.")
        self.layers.activated.connect(lambda index: self.moved.emit("parameter_layers", layers[index]))
        for name, about in kinds.items():
            line = grid.rowCount()
            row = self.rows[name] = LevelRow(name, about, self)
            row.moved.connect(self.moved)
            row.chosen.connect(self.choose)
            for column, widget in enumerate((row.title, row.slider, row.spin)):
                grid.addWidget(widget, line, column)
            if name == "parameter_noise":
                label = QtWidgets.QLabel("of")
                role(label, "caption")
                grid.addWidget(label, line + 1, 0, Qt.AlignRight)
                grid.addWidget(self.layers, line + 1, 1, 1, 2)
        self.name = next(iter(self.rows))
        self.choose(self.name)

    def choose(self, name: str) -> None:
        """The chart is to be of this one."""
        for row in self.rows.values():
            row.title.setChecked(row.name == name)
        self.name = name
        self.chosen.emit(name)

    def focus(self) -> None:
        """The chosen slider takes the arrows."""
        self.rows[self.name].slider.setFocus(Qt.ShortcutFocusReason)

    def show_levels(self, levels: Mapping[str, Any]) -> None:
        """Show what is on; what the person is changing right now stays."""
        for name, row in self.rows.items():
            if not row.busy:
                row.show_level(levels.get(name, row.about.rest))
        if "parameter_layers" in levels:
            self.layers.setCurrentText(levels["parameter_layers"])
