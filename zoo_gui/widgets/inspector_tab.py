"""What the inspector's tabs have in common: a unit, one job that answers about it, and how far that is."""

from __future__ import annotations

from typing import Callable

from pyqtgraph.Qt import QtWidgets

from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.base import Job
from zoo_gui.widgets.controls import role


class UnitTab(QtWidgets.QWidget):
    """A tab answers about one unit while it is seen, and not before.

    The panel calls ``set_unit`` when the selection moves, ``begin`` when the tab is seen (it starts the job unless the
    answer is there) and ``pause`` when it is not (a running job ends; what it has stays). ``guard(method, *args)``
    calls a method so that an exception becomes the panel's failure page.
    """

    name = ""
    title = ""

    def __init__(self, session, guard: Callable):
        super().__init__()
        self.session, self._guard = session, guard
        self.info: LaneInfo | None = None
        self.unit: Unit | None = None
        self.job = Job(session, self.name)
        self.answered = False
        self.said = QtWidgets.QLabel(self)
        self.said.setWordWrap(True)
        role(self.said, "caption")
        self.said.setAccessibleName(f"{self.title}: what is being done")
        self.bar = QtWidgets.QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(f"{self.title}: progress")
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(2, 5, 2, 2)
        column.setSpacing(3)
        self.build(column)
        column.addStretch(1)

    # -- for subclasses -----------------------------------------------------------------------------------------
    def build(self, column: QtWidgets.QVBoxLayout) -> None:
        """Make the content."""
        raise NotImplementedError

    def ask(self) -> None:
        """Start the job for ``unit`` of ``info``'s lane, by ``job.start``."""
        raise NotImplementedError

    def take(self, progress) -> None:
        """A record of the running job."""
        raise NotImplementedError

    def mark_stale(self) -> None:
        """What is shown belongs to an earlier unit, or to earlier wishes."""

    def forget(self) -> None:
        """Show nothing."""

    def refresh(self) -> None:
        """``answered``, ``unit`` or the job changed: say so in buttons and the bar."""

    # -- what the panel says ------------------------------------------------------------------------------------
    def set_unit(self, info: LaneInfo, unit: Unit) -> None:
        """Another unit: what is shown is stale until the tab has begun and the first record comes."""
        self.info, self.unit = info, unit
        self.restart(now=False)

    def begin(self) -> None:
        """The tab is seen."""
        if self.unit is not None and not self.answered and not self.job.running:
            self.ask()
            self.refresh()

    def pause(self) -> None:
        """The tab is not seen any more."""
        self.job.stop()
        self.refresh()

    def restart(self, now: bool = True) -> None:
        """Ask anew: at once, or when ``begin`` is called."""
        self.job.stop()
        self.answered = False
        self.bar.setValue(0)
        self.mark_stale()
        if now and self.unit is not None:
            self.ask()
        self.refresh()

    def cancel(self) -> None:
        """The person wants no more of it; what is there stays, and is not asked for again by itself."""
        if self.job.running:
            self.job.stop()
            self.answered = True
            self.said.setText("cancelled · " + self.said.text())
            self.refresh()

    def clear(self) -> None:
        """Nothing is selected, or nobody looks."""
        self.job.stop()
        self.info = self.unit = None
        self.answered = False
        self.said.setText("")
        self.bar.setValue(0)
        self.forget()
        self.refresh()

    def show_progress(self, progress) -> None:
        """A record of this tab's job."""
        self.bar.setMaximum(max(progress.total, 1))
        self.bar.setValue(progress.done)
        self.take(progress)
        self.refresh()

    def show_finished(self) -> None:
        """The job ended by itself."""
        self.job.ended()
        self.answered = True
        self.refresh()

    def show_failure(self, sentence: str) -> None:
        """The job failed."""
        self.job.ended()
        self.answered = True
        self.said.setText(sentence)
        self.refresh()
