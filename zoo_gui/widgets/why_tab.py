"""What the tests of the Why panel have in common: a question, one job that answers, and the answer as a file."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyqtgraph.Qt import QtWidgets

from zoo_gui.types import LaneInfo, Step
from zoo_gui.widgets.base import Job, where
from zoo_gui.widgets.saving import Saver

FILES = (".png", ".svg", ".pdf", ".npz", ".csv", ".json")


class Asked(NamedTuple):
    """What is explained: a step of a lane, and the target as analyses read it and in words."""

    info: LaneInfo
    step: Step
    target: str
    words: str

    @property
    def lane(self) -> int:
        return self.info.lane

    def parameters(self, *wanted: str) -> dict[str, Any]:
        """What every analysis of this moment is given, and the ``wanted`` ones among target and action."""
        given = {"observation": self.step.observation}
        if self.step.moment >= 0:
            given["at"] = self.step.moment
        every = {"target": self.target, "action": self.step.decision.action}
        return {**given, **{name: every[name] for name in wanted}}

    def name(self, what: str) -> str:
        """A file's name for an answer."""
        return f"{what} {self.info.agent_id} {self.target} episode {self.step.episode + 1} step {self.step.index}"


class WhyTab(QtWidgets.QWidget):
    """One test. The panel hands over the question by ``set_question`` and what the engine says by ``progressed`` and
    ``ended``; what is shown answers ``answered``, which may be an earlier question."""

    name = title = ""

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.job, self.saver = Job(session, f"why {self.name}"), Saver(session, f"why {self.name}", self)
        self.asked: Asked | None = None
        self.answered: Asked | None = None
        self.result: Any = None
        self._running: tuple[Asked | None, dict] = (None, {})
        self._parameters: dict[str, Any] = {}

    # -- for subclasses -----------------------------------------------------------------------------------------
    def parameters(self) -> dict[str, Any] | None:
        """What the analysis of this name is asked; None where something is missing, which is then said."""
        raise NotImplementedError

    def take(self, progress) -> None:
        """A record of the running job; a result is in ``result`` already."""
        raise NotImplementedError

    def show_state(self, sentence: str = "") -> None:
        """Another question, the job began or ended, the answer is stale. sentence: why the job failed."""
        raise NotImplementedError

    # -- what the panel calls -----------------------------------------------------------------------------------
    def set_question(self, asked: Asked | None) -> None:
        """Another question: a running test is of the earlier one and ends."""
        self.stop()
        self.asked = asked
        self.show_state()

    def start(self) -> None:
        """Run the test of this question."""
        parameters = self.parameters()
        if parameters is not None:
            self._running = self.asked, parameters
            self.job.start(self.name, self.asked.lane, **parameters)
            self.show_state()

    def stop(self) -> None:
        """End a running test; what is there stays."""
        self.job.stop()
        self.show_state()

    def progressed(self, key: str, progress) -> None:
        """A record of some job: taken if it is the running one's."""
        if self.job.owns(key):
            if progress.result is not None:
                self.result, (self.answered, self._parameters) = progress.result, self._running
            self.take(progress)

    def ended(self, key: str, sentence: str = "") -> None:
        """Some job ended. sentence: why it failed."""
        if self.job.owns(key):
            self.job.ended()
            self.show_state(sentence)

    @property
    def stale(self) -> bool:
        """Whether what is shown answers an earlier question."""
        return self.result is not None and self.answered is not self.asked

    def save(self) -> None:
        """Ask for a file; the engine answers what is shown once more and writes it."""
        if self.answered is None:
            return
        here = where(self.answered.info, self.session.lanes)
        if here is None:
            title = self.answered.info.title
            self.session.message.emit("warning", f"{title} is no longer open: open it and ask again.")
            return
        self.saver.ask(self.answered.name(self.title.lower()), FILES, self.name, here.lane, **self._parameters)
