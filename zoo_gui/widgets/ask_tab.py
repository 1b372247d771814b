"""A tab of a panel that asks one analysis: started, cancelled, saved, and what was found shown below. Its widgets."""

from __future__ import annotations

from typing import Any, Callable

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.base import Job
from zoo_gui.widgets.controls import Whole, button, role
from zoo_gui.widgets.saving import Saver


LEAST_STEPS = 100


def rollout_boxes(
    steps: int, most: int, names: tuple[str, str], where: str, changed: Callable[[], None]
) -> tuple[Whole, Whole]:
    """The boxes for a rollout's steps and its seed. names: of the two, for people; where: what the rollout is for."""
    boxes = Whole(), Whole()
    boxes[0].setRange(LEAST_STEPS, most)
    boxes[0].setSingleStep(500)
    boxes[0].setValue(steps)
    boxes[0].setSuffix(" steps")
    boxes[1].setRange(0, 999_999)
    boxes[1].setPrefix("seed ")
    for box, name in zip(boxes, names):
        role(box, "caption")
        box.setFocusPolicy(QtCore.Qt.StrongFocus)
        box.setAccessibleName(name)
        box.setToolTip(f"{name}, {where}")
        box.valueChanged.connect(lambda _: changed())
    return boxes


class AskTab(QtWidgets.QWidget):
    """Subclasses name the analysis, make ``content`` and say what starting, cancelling and saving do; they call
    ``lay_out`` at the end of their own ``__init__``.

    guard: calls a method so that what goes wrong is shown by the panel. key: of the job. result, asked: what is shown,
    and what was asked for it.
    """

    analysis, title, start_words, start_tip, hint = "", "", "Start", "", ""
    cancel_tip = "Stop here."

    def __init__(self, session, guard: Callable, key: str):
        super().__init__()
        self.session, self._guard = session, guard
        self.result: Any = None
        self.asked: dict[str, Any] = {}
        self.job, self.saver = Job(session, key), Saver(session, key, self)
        self.start_button = button(self.start_words, self.start_tip or self.hint, lambda: guard(self.start))
        self.cancel_button = button("Cancel", self.cancel_tip, lambda: guard(self.cancel))
        self.save_button = button("Save…", "Save what is shown: a figure, a table or the numbers.",
                                  lambda: guard(self.save))  # fmt: skip
        self.said = QtWidgets.QLabel(self.hint)
        role(self.said, "caption")
        self.said.setWordWrap(True)
        self.said.setAccessibleName(f"{self.title}: what was found")
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(f"{self.title}: progress")
        self.saver.said.connect(self.said.setText)

    def lay_out(self) -> None:
        """Put the widgets in their places, ``content`` below them."""
        self.controls = QtWidgets.QHBoxLayout()
        self.controls.setSpacing(4)
        self.column = QtWidgets.QVBoxLayout(self)
        self.column.setContentsMargins(2, 4, 2, 0)
        self.column.setSpacing(3)
        self.column.addLayout(self.controls)
        content = self.content()
        for widget in (self.bar, self.said):
            self.column.addWidget(widget)
        self.column.addWidget(content, 1)
        for widget in (self.start_button, self.cancel_button):
            self.controls.addWidget(widget)
        self.controls.addStretch(1)
        self.controls.addWidget(self.save_button)
        self.refresh()

    # -- for subclasses -----------------------------------------------------------------------------------------
    def content(self) -> QtWidgets.QWidget:
        """Make what shows the result; before the buttons are put into ``controls``, which may get more."""
        raise NotImplementedError

    def start(self) -> None:
        """Ask, with the choices of now."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Ask no further."""
        raise NotImplementedError

    def save(self) -> None:
        """Ask for a file, and save what is shown."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Buttons and bar as the job stands."""
        raise NotImplementedError

    def check_stale(self) -> None:
        """Say whether what is shown is what is chosen."""
        raise NotImplementedError

    def show_stale(self, stale: bool) -> None:
        """Dim what is shown, or not."""

    # -- what the panel says ------------------------------------------------------------------------------------
    def finished(self, key: str) -> None:
        """A job ended well."""
        if self.job.owns(key):
            self.job.ended()
            self.check_stale()
