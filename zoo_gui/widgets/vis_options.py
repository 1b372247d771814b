"""How an input is looked for: the options of feature visualization, as the inspector and Patterns show them."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.controls import Decimal, Quiet, Whole, button, check, role

SETTLE_MS = 250  # a value that is turned starts the search anew at most this often


class Choice(NamedTuple):
    """An option with names to choose from; the first is the default. values: what the analysis calls them."""

    label: str
    names: tuple[str, ...]
    values: tuple
    tip: str


class Amount(NamedTuple):
    """An option that is a number, whole where ``step`` is."""

    label: str
    default: float
    low: float
    high: float
    step: float
    tip: str


class Flag(NamedTuple):
    """An option that is on or off; off is the default."""

    label: str
    tip: str


DIVERSITY = 1.0  # what several answers begin with: being alike costs as much as the target gives
WEIGHT = "Weight of this penalty, relative to the activation; 0: none."
OPTIONS: dict[str, Choice | Amount | Flag] = {
    "parameterization": Choice(
        "Image as", ("Fourier", "pixels", "pyramid", "CPPN"), ("fft", "pixel", "pyramid", "cppn"),
        "What Adam changes: Fourier coefficients (all frequencies learn alike), pixels, a pyramid of resolutions, or a "
        "small network that paints by coordinates (CPPN, always smooth)."),
    "transforms": Choice(
        "Transforms", ("robust", "jitter", "none"), ("robust", "jitter", "none"),
        "What happens to the picture before each look: padding, jitter, scale and rotation; jitter of one pixel; or "
        "nothing, which lets noise through."),
    "objective": Choice(
        "Aim", ("neuron", "channel"), ("neuron", "channel"),
        "Neuron: the map's centre. Channel: the mean over all positions."),
    "pre_activation": Choice(
        "Pre-act.", ("auto", "on", "off"), ("auto", True, False),
        "Pre-activation: climb what stands before the rectifier, which has a gradient also while the unit is silent. "
        "Auto: where there is a rectifier."),
    "start": Choice(
        "Start from", ("noise", "this moment"), (None, "observation"),
        "Begin at grey noise, or at what the network sees now: what would have to change for the unit to fire?"),
    "steps": Amount("Steps", 256, 1, 4096, 64, "How long to climb."),
    "seed": Amount("Seed", 0, 0, 2**31 - 1, 1, "Of the noise: the same seed gives the same picture."),
    "count": Amount("Answers", 1, 1, 4, 1, "How many pictures at once: a unit may look for more than one thing."),
    "diversity": Amount("Diversity", 0.0, 0.0, 1000.0, 0.25,
                        "How strongly several answers are pushed apart (Lucid's diversity term)."),
    "l1": Amount("L1", 0.0, 0.0, 1000.0, 0.1, f"Against bright pixels: much of the picture goes black. {WEIGHT}"),
    "l2": Amount("L2", 0.0, 0.0, 1000.0, 0.1, f"Against bright pixels, the brightest above all. {WEIGHT}"),
    "tv": Amount("Variation", 0.0, 0.0, 1000.0, 0.1, f"Total variation: against edges. {WEIGHT}"),
    "blur": Amount("Blur", 0.0, 0.0, 1000.0, 0.1, f"Against what a blur would take away. {WEIGHT}"),
    "only_current": Flag("only the newest frame", "Change the newest frame alone; the past is black, or that of the "
                         "moment it starts from."),
}  # fmt: skip


class VisOptions(QtWidgets.QWidget):
    """Rows of two options each. ``changed``: somebody set one, and let it rest."""

    changed = QtCore.Signal()

    def __init__(self, names: tuple[str, ...] = tuple(OPTIONS), **defaults: float):
        """names: which of OPTIONS; defaults: of amounts, where another analysis has its own."""
        super().__init__()
        amounts = {name: option.default for name, option in OPTIONS.items() if isinstance(option, Amount)}
        self._defaults = amounts | defaults
        self.widgets: dict[str, QtWidgets.QWidget] = {}
        self._settle = QtCore.QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.changed)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(5)
        grid.setVerticalSpacing(2)
        role(self, "caption")
        flags = [name for name in names if isinstance(OPTIONS[name], Flag)]
        pairs = [name for name in names if name not in flags]
        for place, name in enumerate(pairs):
            self._add(grid, *divmod(place, 2), name)
        below = (len(pairs) + 1) // 2
        for place, name in enumerate(flags):
            self._add(grid, below + place, 0, name)
        self.reset_button = button("Defaults", "All options as they were made.", self.reset)
        grid.addWidget(self.reset_button, below, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)

    def _add(self, grid: QtWidgets.QGridLayout, row: int, column: int, name: str) -> None:
        option = OPTIONS[name]
        if isinstance(option, Flag):
            widget = check(option.label, option.tip, self._touched)
            grid.addWidget(widget, row, 0, 1, 3)
        else:
            widget = self._combo(option) if isinstance(option, Choice) else self._spin(name, option)
            label = QtWidgets.QLabel(option.label)
            label.setBuddy(widget)
            label.setToolTip(option.tip)
            grid.addWidget(label, row, 2 * column)
            grid.addWidget(widget, row, 2 * column + 1)
        widget.setToolTip(option.tip)
        widget.setAccessibleName(option.label)
        self.widgets[name] = widget

    def _combo(self, option: Choice) -> QtWidgets.QComboBox:
        combo = Quiet(option.names)
        combo.activated.connect(self._touched)
        return combo

    def _spin(self, name: str, option: Amount) -> QtWidgets.QAbstractSpinBox:
        whole = isinstance(option.step, int)
        spin = Whole() if whole else Decimal()
        if not whole:
            spin.setDecimals(6)
        spin.setRange(option.low, option.high)
        spin.setSingleStep(option.step)
        spin.setValue(self._defaults[name])
        spin.setKeyboardTracking(False)
        spin.setMinimumWidth(50)
        spin.valueChanged.connect(partial(self._on_amount, name))
        spin.lineEdit().returnPressed.connect(spin.clearFocus)  # letters are shortcuts again
        return spin

    def _on_amount(self, name: str, value: float) -> None:
        """A number was set; several answers are pushed apart from the start, for else they are one answer."""
        diversity = self.widgets.get("diversity")
        if name == "count" and diversity is not None and (value > 1) != (diversity.value() > 0):
            blocked = diversity.blockSignals(True)
            diversity.setValue(DIVERSITY if value > 1 else 0.0)
            diversity.blockSignals(blocked)
        self._touched()

    def values(self) -> dict[str, Any]:
        """What differs from the defaults, as the analysis calls it; ``start`` may be "observation"."""
        found = {}
        for name, widget in self.widgets.items():
            option = OPTIONS[name]
            if isinstance(option, Flag):
                value, default = widget.isChecked(), False
            elif isinstance(option, Choice):
                value, default = option.values[widget.currentIndex()], option.values[0]
            else:
                value, default = widget.value(), self._defaults[name]
            if value != default:
                found[name] = value
        return found

    def reset(self) -> None:
        """Back to the defaults."""
        before = self.values()
        for name, widget in self.widgets.items():
            blocked = widget.blockSignals(True)
            if isinstance(OPTIONS[name], Flag):
                widget.setChecked(False)
            elif isinstance(OPTIONS[name], Choice):
                widget.setCurrentIndex(0)
            else:
                widget.setValue(self._defaults[name])
            widget.blockSignals(blocked)
        if before:
            self._touched()

    def _touched(self, *_value) -> None:
        self._settle.start()

    @property
    def unsettled(self) -> bool:
        """Whether ``changed`` is about to come."""
        return self._settle.isActive()
