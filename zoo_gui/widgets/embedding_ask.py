"""What is to be embedded: the choices above the scatter."""

from __future__ import annotations

from typing import Any, Callable

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.ask_tab import rollout_boxes
from zoo_gui.widgets.controls import Quiet, button

WHATS = {"RAM bytes": "ram", "RAM bits": "ram bits", "observations": "observations"}
METHODS = {"t-SNE": "tsne", "UMAP": "umap", "PaCMAP": "pacmap", "PCA": "pca"}
SITTING, ROLLOUT = "this sitting", "a rollout"
EVERYBODY = "all agents"
STEPS, MOST_STEPS = 2500, 10_000
TIPS = {
    "what": "What makes two moments alike: the console's memory, what the network sees, or what a layer makes of it.",
    "method": "How they are laid out: PCA turns and projects; t-SNE, UMAP and PaCMAP keep neighbours together.",
    "who": "Whose moments: of all agents in one map, or of one.",
    "source": "At which moments: those of this sitting so far, or a rollout that each agent plays, recorded once. "
              "Moments under an intervention are left out.",
}  # fmt: skip


class AskBar(QtWidgets.QToolBar):
    """``changed``: something else is chosen. What does not fit is folded behind a » button."""

    changed = QtCore.Signal()

    def __init__(self, start: Callable[[], None], cancel: Callable[[], None]):
        super().__init__()
        self.what, self.method = Quiet(tuple(WHATS)), Quiet(tuple(METHODS))
        self.who, self.source = Quiet((EVERYBODY,)), Quiet((SITTING, ROLLOUT))
        self.steps, self.seed = rollout_boxes(
            STEPS, MOST_STEPS, ("Moments of each agent", "Seed of the rollout"),
            "where they are not those of the sitting", self._on_change,
        )  # fmt: skip
        for box in (self.steps, self.seed):
            box.setButtonSymbols(QtWidgets.QAbstractSpinBox.NoButtons)  # arrows and the wheel do: room is scarce
        self.start = button("Run", "Lay the moments out; alike ones come to lie together.", start)
        self.cancel = button("Cancel", "Stop here; what is shown stays.", cancel)
        self.save = button("Save…", "Save what is shown: a figure, a table or the numbers.", lambda: None)
        self._actions: dict[QtWidgets.QWidget, QtWidgets.QAction] = {}
        for combo, name, width in ((self.what, "what", 9), (self.method, "method", 6), (self.who, "who", 8),
                                   (self.source, "source", 8)):  # fmt: skip
            combo.setMinimumContentsLength(width)
            combo.setToolTip(TIPS[name])
            combo.setAccessibleName({"who": "Whose moments", "source": "Moments"}.get(name, name.capitalize()))
            combo.activated.connect(lambda _: self._on_change())
        self.source.setCurrentIndex(1)
        for widget in (self.start, self.cancel, self.what, self.method, self.who, self.source, self.steps, self.seed):
            self._actions[widget] = self.addWidget(widget)
        self.show_running(False)

    def set_lanes(self, able: tuple[LaneInfo, ...]) -> None:
        """The lanes whose agents have a network; what was chosen stays where it can."""
        chosen, what = self.who.currentData(), self.what.currentText()
        self.who.clear()
        self.who.addItem(EVERYBODY, None)
        for info in able:
            self.who.addItem(f"{lane_letter(info.lane)}  {info.title}", info.lane)
        self.who.setCurrentIndex(max(0, self.who.findData(chosen)))
        self._actions[self.who].setVisible(len(able) > 1)
        self._able = able
        self._list_layers(what)

    def _list_layers(self, before: str) -> None:
        """Layers that all asked agents have; each agent's is a map of its own."""
        infos = [info for info in self._able if info.lane in self.lanes]
        common = [layer.name for layer in (infos[0].layers if infos else ())
                  if all(info.layer(layer.name) is not None for info in infos)]  # fmt: skip
        names = [*WHATS, *common]
        if [self.what.itemText(place) for place in range(self.what.count())] != names:
            self.what.clear()
            self.what.addItems(names)
        self.what.setCurrentIndex(max(0, self.what.findText(before)))

    @property
    def lanes(self) -> tuple[int, ...]:
        """Those that are asked about."""
        one = self.who.currentData()
        return tuple(info.lane for info in self._able if one is None or info.lane == one)

    def parameters(self) -> dict[str, Any]:
        """Of the analysis: moments, what, method, and how many moments of each agent at most."""
        rollout = self.source.currentText() == ROLLOUT
        what = self.what.currentText()
        return {"moments": (self.steps.value(), self.seed.value()) if rollout else "session",
                "what": WHATS.get(what, what), "method": METHODS[self.method.currentText()],
                "count": self.steps.value()}  # fmt: skip

    def show_running(self, running: bool, able: bool = True, kept: bool = False) -> None:
        """Which buttons there are. able: something can be asked; kept: something can be saved."""
        self._actions[self.start].setVisible(not running)
        self._actions[self.cancel].setVisible(running)
        self.start.setEnabled(able)
        self.save.setEnabled(kept)

    def _on_change(self) -> None:
        rollout = self.source.currentText() == ROLLOUT
        self._actions[self.seed].setVisible(rollout)
        self.steps.setSuffix(" steps" if rollout else " at most")
        self._list_layers(self.what.currentText())
        self.changed.emit()

    _able: tuple[LaneInfo, ...] = ()
