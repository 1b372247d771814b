"""Cues in the window: a list is opened, stepped through with a remote's keys, made in a dialog, rehearsed."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import cues
from zoo_gui.cues import CueList, caption
from zoo_gui.errands import Errands
from zoo_gui.views import View
from zoo_gui.widgets.cue_editor import CueEditor

OPEN, SAVE, CHECK = "open cues", "save cues", "check cues"
FILTER = "Cues (*.toml)"
Qt = QtCore.Qt


class CueFiles(Errands):
    """Lists of cues on disk. read: a CueList. written: a CueList. checked: sentences on what cannot be shown."""

    name = "zoo_gui cues"
    read = QtCore.Signal(object)
    written = QtCore.Signal(object)
    checked = QtCore.Signal(object)

    def open(self, path: Path) -> None:
        """Read a file."""
        self.send(OPEN, lambda: iter([cues.read(path)]))

    def save(self, views: tuple[View, ...], path: Path) -> None:
        """Write a file."""
        self.send(SAVE, lambda: iter([cues.write(views, path)]))

    def check(self, views: tuple[View, ...]) -> None:
        """Find out which cannot be shown."""
        self.send(CHECK, lambda: iter([cues.doubts(views)]))

    def on_result(self, key: str, payload: Any) -> None:
        {OPEN: self.read, SAVE: self.written, CHECK: self.checked}[key].emit(payload)


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
    """The cues of a window. ``list`` is a CueList, ``at`` the number of the cue that is shown, from 0; -1: none yet."""

    def __init__(self, window):
        super().__init__(window)
        self.window, self.session, self.settings = window, window.session, window.settings
        self.list, self.at, self.notes = CueList(), -1, []
        self.files = CueFiles(self)
        self.editor: CueEditor | None = None
        self._bar: CaptionBar | None = None
        self._busy = False  # the cue is on its way
        self._starts = False  # presenting begins when the list is there
        self._trial: tuple[int, float, list[str]] | None = None  # the cue that is rehearsed, since when, what failed
        self.files.read.connect(self._on_read)
        self.files.written.connect(self._on_written)
        self.files.checked.connect(self._on_checked)
        self.files.failed.connect(partial(self.session.message.emit, "error"))
        window.presenter.cues = self
        window.presenter.changed.connect(self._on_presenting)
        window.restorer.arrived.connect(self._on_arrived)
        window.restorer.given_up.connect(self._on_given_up)
        window.layouts.arranged.connect(self._show_caption)
        window.installEventFilter(self)
        window.commands.parts.append(self)

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
        self._take(found, -1)
        self.files.check(found.cues)
        if self._starts:
            self._starts = False
            self.window.presenter.enter()
        elif self.window.presenter.is_on:
            self.go(0)
        else:
            count = f"{len(found.cues)} cues" if len(found.cues) > 1 else "1 cue"
            self.session.message.emit("info", f"{count} of {found.name}: F5 begins, Page Down leads on.")

    def _on_written(self, saved: CueList) -> None:
        self.settings.set("present/cues", str(saved.path))
        self.list = replace(self.list, path=saved.path)
        self._tell()
        self.session.message.emit("info", f"Saved {saved.path}")

    def _on_checked(self, doubts: list[str]) -> None:
        """In the dialog, and in one sentence; the talk goes on without those cues."""
        self.notes = doubts
        self._tell()
        if doubts:
            more = f" So it is with {len(doubts) - 1} more: Shift+F5 lists them." if len(doubts) > 1 else ""
            self.session.message.emit("warning", doubts[0] + more)

    def _take(self, found: CueList, at: int) -> None:
        self.list, self.at = found, at
        self._tell()
        self._show_caption()

    # -- stepping -----------------------------------------------------------------------------------------------
    def go(self, number: int) -> None:
        """Show a cue; before the first and after the last there is none."""
        if not 0 <= number < len(self.list.cues):
            return
        self.at, self._busy = number, True
        self.window.presenter.end_asides()
        self._show_caption()
        self._tell()
        self.window.restorer.show(self.list.cues[number])

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
        shown = self.window.presenter.is_on and 0 <= self.at < len(self.list.cues)
        if not shown:
            if self._bar is not None:
                self.window.removeToolBar(self._bar)
                self._bar.deleteLater()
                self._bar = None
            return
        if self._bar is None:
            self._bar = CaptionBar()
            self.window.addToolBar(Qt.BottomToolBarArea, self._bar)
        view, last = self.list.cues[self.at], self.at + 1 == len(self.list.cues)
        self._bar.text.setText(view.text)
        told = "the last" if last else f"next: {caption(self.list.cues[self.at + 1])}"
        hint = self.settings.get("present/hint")
        told = f"{self.at + 1}/{len(self.list.cues)} · {told}" if hint else ""
        self._bar.next.setText(f"… {told}" if self._busy else told)
        self._bar.setVisible(bool(view.text) or hint)

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
        self._tell()
        self.editor.show()
        self.editor.raise_()
        self.editor.activateWindow()

    def _tell(self) -> None:
        if self.editor is not None:
            row = self.at if self.at >= 0 else self.editor.row
            self.editor.show_cues(self.list.name, [caption(view) for view in self.list.cues], row, self.notes)

    def _change(self, views: list[View], at: int) -> None:
        self.notes = []
        self._take(replace(self.list, cues=tuple(views)), at)

    def _add(self) -> None:
        self.window.restorer.current(self._added)

    def _added(self, view: View, notes: tuple[str, ...]) -> None:
        """Behind the one that is chosen."""
        views, row = list(self.list.cues), self.editor.row + 1 if self.list.cues else 0
        views.insert(row, replace(view, play=self.session.running))
        self._change(views, row)
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
            self._change(views, row)
            self._warn(notes)

    def _move(self, row: int, by: int) -> None:
        views = list(self.list.cues)
        if 0 <= row + by < len(views):
            views[row], views[row + by] = views[row + by], views[row]
            self._change(views, row + by)

    def _remove(self, row: int) -> None:
        views = list(self.list.cues)
        del views[row]
        self._change(views, min(row, len(views) - 1))

    def _rename(self, row: int, text: str) -> None:
        views = list(self.list.cues)
        views[row] = replace(views[row], text=" ".join(text.split())[:500])
        self._change(views, row)

    def _ask_open(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self.editor, "A list of cues", self._folder(), FILTER)
        if path:
            self.open(path)

    def _ask_save(self) -> None:
        path, _ = QtWidgets.QFileDialog.getSaveFileName(self.editor, "Save the cues", self._folder(), FILTER)
        if path:
            self.files.save(self.list.cues, Path(path if Path(path).suffix else path + cues.SUFFIX))

    def _folder(self) -> str:
        return str(self.list.path or self.settings.get("present/cues") or "talk.toml")

    # -- rehearsing ---------------------------------------------------------------------------------------------
    def rehearse(self) -> None:
        """Show one cue after the other; a sentence says how it went."""
        if self.has_cues:
            self._trial = 0, time.monotonic(), []
            self.go(0)

    def _on_arrived(self, view: View) -> None:
        self._end(view, "")

    def _on_given_up(self, view: View) -> None:
        self._end(view, "could not be shown")

    def _end(self, view: View, fault: str) -> None:
        """The way to a view is at its end, by a cue or by anything else."""
        if 0 <= self.at < len(self.list.cues) and view is self.list.cues[self.at]:
            self._busy = False
            self._show_caption()
            self._load_ahead()
        self._tried(view, fault)

    def _tried(self, view: View, fault: str) -> None:
        if self._trial is None or view is not self.list.cues[self._trial[0]]:
            return
        number, since, faults = self._trial
        if fault:
            faults.append(f"Cue {number + 1} {fault}.")
        if number + 1 < len(self.list.cues):
            self._trial = number + 1, since, faults
            QtCore.QTimer.singleShot(0, partial(self.go, number + 1))
            return
        self._trial, self.notes = None, faults
        self._tell()
        whole = f"{len(self.list.cues)} cues in {time.monotonic() - since:.0f} s"
        self.session.message.emit("warning" if faults else "info",
                                  f"Rehearsed {whole}: {' '.join(faults) or 'all can be shown.'}")

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Close:
            self.files.close()
        return False
