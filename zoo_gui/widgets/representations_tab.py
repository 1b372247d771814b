"""What the tabs of Representations have in common: one analysis of lanes' agents, started, cancelled, saved, shown."""

from __future__ import annotations

from typing import Any, Callable

from zoo_gui.shortcuts import tip
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.ask_tab import AskTab
from zoo_gui.widgets.base import where

FILES = (".png", ".svg", ".csv", ".npz", ".pdf", ".json")
CHANGED = "The agents were changed meanwhile: ask again."


def moved(infos: tuple[LaneInfo, ...], lanes: tuple[LaneInfo, ...]) -> tuple[LaneInfo, ...] | None:
    """The lanes in which these agents play now; None where one of them is gone."""
    here = [where(info, lanes) for info in infos]
    whole = None not in here and len({info.lane for info in here}) == len(infos)
    return tuple(here) if whole else None


class PairTab(AskTab):
    """Subclasses name the analysis, make ``content``, say what to ask with ``parameters`` and ``show_result`` it.

    infos: of the lanes that would be asked about. result, of, asked: what is shown, of which lanes, and what was asked.
    guard: calls a method so that what goes wrong is shown by the panel. moments: says which are chosen.
    """

    start_words, cancel_tip = "Compare", "Stop here; what is known stays."
    files = FILES

    def __init__(self, session, guard: Callable, moments: Callable[[], Any]):
        super().__init__(session, guard, self.analysis)
        self._moments = moments
        self.infos: tuple[LaneInfo, ...] = ()
        self.of: tuple[LaneInfo, ...] = ()
        self._asking: tuple[tuple[LaneInfo, ...], dict[str, Any]] = ((), {})
        self._gone = False
        self.lay_out()

    # -- for subclasses -----------------------------------------------------------------------------------------
    def parameters(self) -> dict[str, Any]:
        """Of the analysis, without its moments."""
        return {}

    def show_result(self) -> None:
        """Show ``result``; None: nothing."""
        raise NotImplementedError

    def lane_of(self, infos: tuple[LaneInfo, ...]) -> int | tuple[int, ...]:
        """What the session is asked to run the analysis for."""
        return tuple(info.lane for info in infos)

    def fault(self) -> str:
        """Why nothing can be asked now, as a sentence; "" where it can."""
        if len(self.infos) < 2:
            return f"{tip('add_agent', 'Two agents with networks are needed: open another one beside this')}."
        first, second = self.infos
        if first.game != second.game:
            return f"{first.game} and {second.game} are different games: only agents of one see the same moments."
        return ""

    def words(self) -> str:
        """About the result, below the controls."""
        return self.result.sentence

    def suggestion(self) -> str:
        """A file's name for what is shown."""
        return f"{self.title} " + " and ".join(info.title for info in self.of)

    def joined(self, result: Any) -> Any:
        """A record of the running job, with those before."""
        return result

    # -- what the panel says ------------------------------------------------------------------------------------
    def set_infos(self, infos: tuple[LaneInfo, ...], lanes: tuple[LaneInfo, ...]) -> None:
        """Ask about these from now on; ``lanes``: all that there are."""
        self.infos = infos
        if self.of:
            here = moved(self.of, lanes)
            self._gone, self.of = self._gone or here is None, here or self.of
        if self.job.running:
            here = moved(self._asking[0], lanes)
            if here is None:
                self.job.stop()
                self.said.setText(CHANGED)
                self.refresh()
                return
            self._asking = here, self._asking[1]
        self.check_stale()

    def progressed(self, key: str, progress) -> None:
        if not self.job.owns(key):
            return
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.done)
        if progress.result is None:
            earlier = "stale: this answers an earlier question; " if self._is_stale() else ""
            self.said.setText(earlier + progress.label)
            return
        fresh = self.asked is not self._asking[1]
        self.result = progress.result if fresh else self.joined(progress.result)
        (self.of, self.asked), self._gone = self._asking, False
        self.show_result()
        self.said.setText(f"{progress.done * 100 // max(1, progress.total)} % · {progress.label}")
        self.refresh()

    def failed(self, key: str, sentence: str) -> None:
        if self.job.owns(key):
            self.job.ended()
            self.check_stale()
            stale = " What is shown is an earlier answer." if self.result is not None else ""
            self.said.setText(sentence + stale)

    # -- jobs ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Ask, with the choices of now."""
        if self.fault():
            self.said.setText(self.fault())
            return
        self._asking = self.infos, self._wanted()
        self.bar.setRange(0, 0)
        self.said.setText("looking …")
        self.job.start(self.analysis, self.lane_of(self.infos), **self._asking[1])
        self.show_stale(self.result is not None)
        self.refresh()

    def cancel(self) -> None:
        self.job.stop()
        self.check_stale()
        self.said.setText("Cancelled. " + (self.hint if self.result is None else self.said.text()))

    def check_stale(self) -> None:
        """Something else is chosen than what is shown, or an agent of it is gone."""
        if not self.job.running:
            if self.result is None:
                self.said.setText(self.fault() or self.hint)
            else:
                stale = self._is_stale()
                self.show_stale(bool(stale))
                self.said.setText(stale + self.words())
        self.refresh()

    def _is_stale(self) -> str:
        """Why what is shown is not what is chosen, as a sentence; "" where it is, or nothing is."""
        if self.result is None:
            return ""
        if self._gone:
            return "stale: an agent of this was replaced since. "
        same = [info.lane for info in self.of] == [info.lane for info in self.infos]
        return "" if same and self.asked == self._wanted() else (
            f"stale: press {self.start_words} for what is chosen now. ")

    def _wanted(self) -> dict[str, Any]:
        return {"moments": self._moments(), **self.parameters()}

    def refresh(self) -> None:
        running = self.job.running
        self.start_button.setEnabled(not self.fault() and not running)
        self.cancel_button.setEnabled(running)
        self.save_button.setEnabled(self.result is not None and not running and not self._gone)
        self.bar.setVisible(running)

    def save(self) -> None:
        if self.result is not None and not self._gone:
            self.saver.ask(self.suggestion(), self.files, self.analysis, self.lane_of(self.of), **self.asked)
