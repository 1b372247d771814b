"""Cues in the window: a list is opened, stepped through with a remote's keys, made in a dialog, rehearsed."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import cues
from zoo_gui.cue_files import CueFiles
from zoo_gui.cues import CueList, caption
from zoo_gui.views import View
from zoo_gui.widgets.cue_editor import CueEditor

FILTER = "Cues (*.toml)"
Qt = QtCore.Qt


class CaptionBar(QtWidgets.QToolBar):
    """A cue's caption below the panels, in large type; at the right what comes next, in small. A tool bar takes room of
    its own, so that it hides nothing."""

    def __init__(self):
        super().__init__("Captions")
        self.setObjectName("captions")
        self.setMovable(False)
        self.text, self.next = QtWidgets.QLabel(), QtWidgets.QLabel()
        self.text.setProperty("role", "sign")
        self.next.setProperty("role", "dim")
        self.next.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
        page = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(page)
        row.setContentsMargins(14, 4, 14, 6)
        row.setSpacing(24)
        for label, share in ((self.text, 3), (self.next, 1)):
            label.setTextFormat(Qt.PlainText)
            label.setWordWrap(True)
            row.addWidget(label, share)
        self.addWidget(page)


class CueShow(QtCore.QObject):
    """The cues of a window. ``list`` is a CueList, ``at`` the number of the cue that is shown, or is on its way, from
    0; -1: none yet. Which one is chosen in the dialog is the dialog's matter."""

    def __init__(self, window):
        super().__init__(window)
        self.window, self.session, self.settings = window, window.session, window.settings
        self.list, self.at, self.notes = CueList(), -1, []
        self.files = CueFiles(self)
        self.editor: CueEditor | None = None
        self._bar: CaptionBar | None = None
        self._way: View | None = None  # the cue's view that is on its way, as it was when it began
        self._gone = False  # the cue that is shown was taken out of the list: ``at`` is the one before
        self._starts = False  # presenting begins when the list is there
        self._trial: tuple[float, list[str]] | None = None  # since when it is rehearsed, what failed
        self._unsaved = False
        self._lists, self._saving = 0, -1  # how many lists there were; which of them is written now
        self.files.read.connect(self._on_read)
        self.files.written.connect(self._on_written)
        self.files.checked.connect(self._on_checked)
        self.files.left.connect(self._on_left)
        self.files.failed.connect(partial(self.session.message.emit, "error"))
        window.presenter.cues = self
        window.presenter.changed.connect(self._on_presenting)
        window.restorer.shows.connect(self._on_shows)
        window.restorer.stopped.connect(self._on_stopped)
        window.restorer.arrived.connect(self._on_arrived)
        window.restorer.given_up.connect(self._on_given_up)
        window.layouts.arranged.connect(self._show_caption)
        window.installEventFilter(self)
        window.commands.parts.append(self)
        self.files.find()

    @property
    def has_cues(self) -> bool:
        return bool(self.list.cues)

    # -- files --------------------------------------------------------------------------------------------------
    def open(self, path: str | Path, present: bool = False) -> None:
        """Read a list; ``present``: begin to present it."""
        self._starts = present
        self.files.open(Path(path).expanduser().absolute())

    def take(self, found: CueList, present: bool = False) -> None:
        """A list that was read already."""
        self._starts = present
        self._on_read(found)

    def _on_read(self, found: CueList) -> None:
        self.settings.set("present/cues", str(found.path))
        self._replace_list(found)
        self.files.keep(())
        self.files.check(found.cues)
        if self._starts:
            self._starts = False
            self.window.presenter.enter()
        elif self.window.presenter.is_on:
            self.go(0)
        else:
            self.session.message.emit("info", f"{_count(found.cues)} of {found.name}: F5 begins, Page Down leads on.")

    def _replace_list(self, found: CueList) -> None:
        """Another list; one that was not saved is put aside."""
        if self._unsaved and self.has_cues:
            views = self.list.cues
            sentence = f"{_count(views, 'unsaved ')} made room for {found.name}."
            self._offer(sentence, self.files.put_aside(views), views)
        self._unsaved = self._gone = False
        self._trial = self._way = None
        self._lists += 1
        self.list, self.at, self.notes = found, -1, []
        self._tell(0)
        self._show_caption()

    def _on_left(self, found: tuple[Path, tuple[View, ...]]) -> None:
        path, views = found
        self._offer(f"An earlier sitting left {_count(views, 'unsaved ')}.", path, views)

    def _offer(self, sentence: str, path: Path, views: tuple[View, ...]) -> None:
        self.window.banner.show_message("info", sentence, ("Bring them back", lambda: self._bring(path, views)))

    def _bring(self, path: Path, views: tuple[View, ...]) -> None:
        """What was not saved is the list, as it was."""
        self._replace_list(CueList(views))
        self._unsaved = True
        self.files.keep(views, instead=path)
        self.do_edit_cues()

    def _on_written(self, saved: CueList) -> None:
        self.settings.set("present/cues", str(saved.path))
        if self._saving == self._lists:  # no other list took its place meanwhile
            self._unsaved = saved.cues != self.list.cues
            self.list = replace(self.list, path=saved.path)
            self.files.keep(self._kept())
            self._tell()
        self.session.message.emit("info", f"Saved {saved.path}")

    def _kept(self) -> tuple[View, ...]:
        """The cues that are in no file of the person's."""
        return self.list.cues if self._unsaved else ()

    def _on_checked(self, doubts: list[str]) -> None:
        """In the dialog, and in one sentence; the talk goes on without those cues."""
        self.notes = doubts
        self._tell()
        if doubts:
            more = f" So it is with {len(doubts) - 1} more: Shift+F5 lists them." if len(doubts) > 1 else ""
            self.session.message.emit("warning", doubts[0] + more)

    # -- stepping -----------------------------------------------------------------------------------------------
    def go(self, number: int) -> None:
        """Show a cue; before the first and after the last there is none. A rehearsal ends."""
        if 0 <= number < len(self.list.cues):
            self._trial = None
            self._go(number)

    def _go(self, number: int) -> None:
        self.at, self._way, self._gone = number, self.list.cues[number], False
        self.window.presenter.end_asides()
        self._show_caption()
        self._tell(number)
        self.window.restorer.show(self._way)

    def _load_ahead(self) -> None:
        """The agents of the cue that comes next are loaded while this one is talked about."""
        follows = self.list.cues[self.at + 1 : self.at + 2] if self.window.presenter.is_on else ()
        self.session.load_ahead([asked for view in follows for asked in self.window.restorer.missing(view)])

    def do_next_cue(self) -> None:
        self.go(self.at + 1)

    def do_previous_cue(self) -> None:
        self.go(self.at - 1)

    def do_first_cue(self) -> None:
        self.go(0)

    def do_last_cue(self) -> None:
        self.go(len(self.list.cues) - 1)

    def _set_hint(self, on: bool) -> None:
        self.settings.set("present/hint", on)
        self._show_caption()

    def _on_presenting(self, on: bool) -> None:
        if on and self.has_cues:
            self.go(max(self.at, 0))
        elif self.has_cues:
            self._load_ahead()
        self._show_caption()

    def _show_caption(self) -> None:
        """Also after each change of the layout, which hides tool bars that it does not know."""
        count = len(self.list.cues)
        shown = self.window.presenter.is_on and count and (self._gone or 0 <= self.at)
        if not shown:
            if self._bar is not None:
                self.window.removeToolBar(self._bar)
                self._bar.deleteLater()
                self._bar = None
            return
        if self._bar is None:
            self._bar = CaptionBar()
            self.window.addToolBar(Qt.BottomToolBarArea, self._bar)
        text = "" if self._gone else self.list.cues[self.at].text
        self._bar.text.setText(text)
        told = "the last" if self.at + 1 >= count else f"next: {caption(self.list.cues[self.at + 1])}"
        hint = self.settings.get("present/hint")
        told = f"{self.at + 1}/{count} · {told}" if hint else ""
        self._bar.next.setText(f"… {told}" if self._way is not None else told)
        self._bar.setVisible(bool(text) or hint)

    # -- the dialog ---------------------------------------------------------------------------------------------
    def do_edit_cues(self) -> None:
        if self.editor is None:
            self.editor = CueEditor(self.settings.get("present/hint"), self.window)
            for signal, does in (
                ("added", self._add), ("replaced", self._replace), ("moved", self._move), ("removed", self._remove),
                ("renamed", self._rename), ("gone", self.go), ("opened", self._ask_open), ("saved", self._ask_save),
                ("rehearsed", self.rehearse), ("hinted", self._set_hint),
            ):  # fmt: skip
                getattr(self.editor, signal).connect(does)
            self._tell(max(self.at, 0))
        else:
            self._tell()
        self.editor.show()
        self.editor.raise_()
        self.editor.activateWindow()

    def _tell(self, row: int | None = None) -> None:
        """The dialog, if it is open. row: that is chosen from now on; None: as it is."""
        if self.editor is not None:
            row = self.editor.row if row is None else row
            self.editor.show_cues(self.list.name, [caption(view) for view in self.list.cues], row, self.notes)

    def _change(self, views: list[View], row: int, at: int) -> None:
        """The person changed the list: ``row`` is chosen, what is on screen is number ``at`` now."""
        self.notes, self._unsaved = [], True
        self.list, self.at = replace(self.list, cues=tuple(views)), at
        self.files.keep(self._kept())
        self._tell(row)
        self._show_caption()

    def _add(self) -> None:
        self.window.restorer.current(self._added)

    def _added(self, view: View, notes: tuple[str, ...]) -> None:
        """Behind the one that is chosen."""
        views, row = list(self.list.cues), self.editor.row + 1 if self.list.cues else 0
        views.insert(row, replace(view, play=self.session.running))
        self._change(views, row, self.at + (row <= self.at))
        self.editor.list.editItem(self.editor.list.item(row))  # its caption is what is wanted next
        self._warn(notes)

    def _warn(self, notes: tuple[str, ...]) -> None:
        if notes:
            self.session.message.emit(
                "warning", f"The cue leads to this step without what led here: {'; '.join(notes)}.")

    def _replace(self, row: int) -> None:
        self.window.restorer.current(partial(self._replaced, row))

    def _replaced(self, row: int, view: View, notes: tuple[str, ...]) -> None:
        views = list(self.list.cues)
        if row < len(views):
            views[row] = replace(view, play=self.session.running, text=views[row].text)
            self._change(views, row, self.at)
            self._warn(notes)

    def _move(self, row: int, by: int) -> None:
        views = list(self.list.cues)
        if 0 <= row + by < len(views):
            views[row], views[row + by] = views[row + by], views[row]
            moved = {row: row + by, row + by: row}
            self._change(views, row + by, moved.get(self.at, self.at))

    def _remove(self, row: int) -> None:
        views = list(self.list.cues)
        del views[row]
        self._gone = self._gone or row == self.at
        self._change(views, min(row, len(views) - 1), self.at - (row <= self.at))

    def _rename(self, row: int, text: str) -> None:
        views = list(self.list.cues)
        views[row] = replace(views[row], text=" ".join(text.split())[:500])
        self._change(views, row, self.at)

    def _ask_open(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self.editor, "A list of cues", self._folder(), FILTER)
        if path:
            self.open(path)

    def _ask_save(self) -> None:
        path, _ = QtWidgets.QFileDialog.getSaveFileName(self.editor, "Save the cues", self._folder(), FILTER)
        if path:
            self._saving = self._lists
            self.files.save(self.list.cues, Path(path if Path(path).suffix else path + cues.SUFFIX))

    def _folder(self) -> str:
        return str(self.list.path or self.settings.get("present/cues") or "talk.toml")

    # -- rehearsing ---------------------------------------------------------------------------------------------
    def rehearse(self) -> None:
        """Show one cue after the other; a sentence says how it went."""
        if self.has_cues:
            self._trial = time.monotonic(), []
            self._go(0)

    def _on_shows(self, view: View) -> None:
        """Something else than the cue is to be seen: a link, a bookmark."""
        if view is not self._way:
            self._trial = self._way = None
            self._show_caption()

    def _on_stopped(self, _view: View) -> None:
        """The person does not want it, or nobody is there to play it."""
        if self._trial is not None:
            self._end_trial()
            self.session.message.emit("info", "The rehearsal was ended.")

    def _on_arrived(self, view: View) -> None:
        self._end(view, "")

    def _on_given_up(self, view: View) -> None:
        self._end(view, "could not be shown")

    def _end(self, view: View, fault: str) -> None:
        """The way to a view is at its end, by a cue or by anything else."""
        if view is not self._way:
            return
        self._way = None
        self._show_caption()
        self._load_ahead()
        if self._trial is not None:
            if fault:
                self._trial[1].append(f"Cue {self.at + 1} {fault}.")
            if self.at + 1 < len(self.list.cues):  # in a turn of its own: others are still to hear of this one
                QtCore.QTimer.singleShot(0, partial(self._try_next, self._trial))
            else:
                self._conclude(*self._trial)

    def _try_next(self, trial: tuple[float, list[str]]) -> None:
        if trial is not self._trial:  # something else was done meanwhile
            return
        if self.at + 1 < len(self.list.cues):
            self._go(self.at + 1)
        else:  # the rest was removed
            self._conclude(*trial)

    def _conclude(self, since: float, faults: list[str]) -> None:
        self.notes = faults
        self._end_trial()
        self._tell()
        whole = f"{_count(self.list.cues)} in {time.monotonic() - since:.0f} s"
        self.session.message.emit("warning" if faults else "info",
                                  f"Rehearsed {whole}: {' '.join(faults) or 'all can be shown.'}")

    def _end_trial(self) -> None:
        """The talk begins with the first cue all the same."""
        self._trial = None
        if not self.window.presenter.is_on:
            self.at, self._gone = -1, False

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Close:
            self.files.close_with(self._kept())
        return False


def _count(views: tuple[View, ...], what: str = "") -> str:
    return f"{len(views)} {what}cues" if len(views) > 1 else f"1 {what}cue"
