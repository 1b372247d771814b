"""What the Search panel's tabs have in common: one analysis of many moments, started, cancelled, saved, shown."""

from __future__ import annotations

from typing import Any, Callable

from zoo_gui.types import LaneInfo, Unit
from zoo_gui.widgets.ask_tab import AskTab

FILES = (".csv", ".png", ".json", ".npz", ".svg", ".pdf")


class SearchTab(AskTab):
    """Subclasses name the analysis, make ``content``, say what to ask with ``parameters`` and ``show_result`` it.

    guard: calls a method so that what goes wrong is shown by the panel. result, asked: of what is on screen; source: of
    its moments. info: the lane that is asked about.
    """

    files = FILES

    def __init__(self, session, guard: Callable, source: Callable[[], Any]):
        super().__init__(session, guard, f"search {self.analysis}")
        self._source = source
        self.info: LaneInfo | None = None
        self._asking: dict[str, Any] = {}
        self.lay_out()

    # -- for subclasses -----------------------------------------------------------------------------------------
    def parameters(self) -> dict[str, Any] | None:
        """Of the analysis, without its moments; None: not yet, and ``said`` tells why."""
        return {}

    def show_result(self, result: Any) -> None:
        """Show it; None: nothing."""
        raise NotImplementedError

    def show_unit(self, unit: Unit | None) -> None:
        """A unit of the lane was selected."""

    def set_info(self, info: LaneInfo | None, moved: bool = False) -> None:
        """Ask about this lane from now on; what was found of another agent goes. moved: it is the same agent's, whose
        lane has another place now."""
        before, self.info = self.info, info
        if info is None or _who(info) != _who(before) and not moved:
            self.forget(self.hint if info is not None else "This player has no network: there are no units to search.")

    # -- jobs ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Ask, with the choices of now."""
        asked = self._wanted()
        if asked is None or self.info is None:
            return
        self._asking = asked
        self.bar.setRange(0, 0)
        self.said.setText("looking …")
        self.job.start(self.analysis, self.info.lane, **asked)
        self.show_stale(self.result is not None)
        self.refresh()

    def cancel(self) -> None:
        self.job.stop()
        self.check_stale()
        if self.result is None:
            self.said.setText(f"Cancelled. {self.hint}")
        self.refresh()

    def forget(self, words: str) -> None:
        """Show nothing but these words."""
        self.job.stop()
        self.result, self.asked = None, {}
        self.show_result(None)
        self.said.setText(words)
        self.refresh()

    def progressed(self, key: str, progress) -> None:
        if not self.job.owns(key):
            return
        if progress.result is None:
            self.bar.setRange(0, max(1, progress.total))
            self.bar.setValue(progress.done)
            self.said.setText(("stale: this answers an earlier question; " if self.result else "") + progress.label)
            return
        self.result, self.asked = progress.result, self._asking
        self.show_result(self.result)
        self.check_stale()

    def failed(self, key: str, sentence: str) -> None:
        if self.job.owns(key):
            self.job.ended()
            self.forget(sentence)  # what is shown does not answer what was asked

    def check_stale(self) -> None:
        """Something else is chosen than what is shown, or not any more."""
        if self.result is not None and not self.job.running:
            stale = self._wanted(quiet=True) != self.asked
            self.show_stale(stale)
            again = f"stale: press {self.start_words} for what is chosen now. " if stale else ""
            self.said.setText(again + self.result.sentence)
        self.refresh()

    def _wanted(self, quiet: bool = False) -> dict[str, Any] | None:
        before = self.said.text()
        asked = self.parameters()
        if quiet:
            self.said.setText(before)
        return None if asked is None else {"moments": self._source(), **asked}

    def refresh(self) -> None:
        running = self.job.running
        self.start_button.setEnabled(self.info is not None and not running)
        self.cancel_button.setEnabled(running)
        self.save_button.setEnabled(self.result is not None and not running)
        self.bar.setVisible(running)

    def save(self) -> None:
        if self.result is not None and self.info is not None:
            name = f"{self.info.title} {self.suggestion()}"
            self.saver.ask(name, self.files, self.analysis, self.info.lane, **self.asked)

    def suggestion(self) -> str:
        """A file's name for what is shown."""
        return self.title


def _who(info: LaneInfo | None) -> tuple | None:
    """Which agent it is, whoever plays."""
    return info and (info.lane, info.agent_id, info.game)
