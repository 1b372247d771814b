"""Results of the lab: an experiment's folder, opened again; its figure, its numbers, and the way back to its agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.base import PANELS, Panel
from zoo_gui.widgets.controls import button, role
from zoo_gui.widgets.lab_table import NumbersTable, Picture
from zoo_gui.widgets.saving import ask_path

Qt = QtCore.Qt
HINT = ("Nothing is open. A result folder is what <code>zoo-gui sweep</code>, <code>zoo-gui embed</code> and the other "
        "commands of the lab write with <code>--folder</code>: drop one on the window, or open it here.")  # fmt: skip
BESIDE, ABOVE = 0.55, 0.66
"""The figure's share of the panel, where the numbers stand beside it, and where they stand below."""


@PANELS.register("lab")
class LabPanel(Panel):
    """One folder at a time. ``wanted(agent, beside, options)``: a row's agent is to be opened, options as those of
    ``Session.load``. ``folder_wanted``: the person wants to choose a folder."""

    title = "Lab"
    area = "centre"
    about = ("Results of experiments, opened again: the figure, the numbers, and from each row the way back to "
             "its agent and game.")
    wanted = QtCore.Signal(str, bool, object)
    folder_wanted = QtCore.Signal()

    def _connect(self) -> None:
        super()._connect()
        shelf = self.session.shelf
        shelf.opened.connect(lambda found: self._guard(self.show_folder, found))
        shelf.listed.connect(lambda found: self._guard(self._add_runs, found))
        shelf.refused.connect(lambda path, why: self._guard(self.refuse, path, why))

    def build(self) -> QtWidgets.QWidget:
        self.shelved: Any = None
        self._window: QtWidgets.QWidget | None = None
        self._recent: list[str] = getattr(self, "_recent", [])
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        column.addLayout(self._make_bar())
        self.said = QtWidgets.QLabel(HINT)
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.RichText)
        column.addWidget(self.said)
        self.pages = QtWidgets.QSplitter(Qt.Horizontal)
        self.pages.setChildrenCollapsible(False)
        self.pages.addWidget(self._make_figure())
        self.pages.addWidget(self._make_numbers())
        self.pages.hide()
        column.addWidget(self.pages, 1)
        column.addStretch(0)
        self.link_bar = self._make_link_bar()
        column.addWidget(self.link_bar)
        return content

    def _make_bar(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        self.open_button = button("Open …", "A result folder that the lab wrote; or drop one on the window.",
                                  self.folder_wanted.emit)
        self.recent_button = button("Recent", "Folders that were opened before.", lambda: None)
        self.recent_menu = QtWidgets.QMenu(self.recent_button)
        self.recent_button.setMenu(self.recent_menu)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.again_button = button("Read again", "The folder may have more finished cells by now.", self._again)
        self.copy_button = button("Copy", "The numbers for a spreadsheet, as they are sorted now.", self._copy)
        self.save_button = button("Save CSV …", "The numbers as a file.", self._save)
        for made in (self.open_button, self.recent_button, self.again_button):
            row.addWidget(made)
        row.addStretch(1)
        for made in (self.copy_button, self.save_button):
            row.addWidget(made)
        self._enable()
        return row

    def _make_figure(self) -> QtWidgets.QWidget:
        page = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        self.figure = Picture("Figure of the result")
        self.figure.setToolTip("Click for the figure in a window of its own.")
        self.figure.pressed.connect(self._enlarge)
        self.caption = QtWidgets.QLabel()
        self.caption.setWordWrap(True)
        self.caption.setTextInteractionFlags(Qt.TextSelectableByMouse)
        role(self.caption, "caption")
        column.addWidget(self.figure, 1)
        column.addWidget(self.caption)
        return page

    def _make_numbers(self) -> QtWidgets.QTabWidget:
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setFocusPolicy(Qt.TabFocus)
        self.numbers = NumbersTable("Numbers of the result")
        self.failures = NumbersTable("Cells that failed")
        self.facts = NumbersTable("Where the result comes from")
        self.numbers.pointed.connect(lambda row: self._guard(self._point, row))
        self.numbers.opened.connect(lambda row, beside: self._guard(self._open_row, row, beside))
        for table in (self.numbers, self.failures, self.facts):  # those that have no page yet, too, go with the panel
            table.setParent(self.tabs)
            table.hide()
        return self.tabs

    def _make_link_bar(self) -> QtWidgets.QWidget:
        bar = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(bar)
        row.setContentsMargins(0, 0, 0, 0)
        self.link_words = QtWidgets.QLabel()
        role(self.link_words, "caption")
        self.link_words.setMinimumWidth(60)
        self.watch_button = button("Watch it", "In place of the active agent (Enter, or a double click on the row)",
                                   lambda: self._open_row(self.numbers.row, False))
        self.beside_button = button("Beside the others", "On one clock (Shift+Enter)",
                                    lambda: self._open_row(self.numbers.row, True))
        row.addWidget(self.link_words, 1)
        row.addWidget(self.watch_button)
        row.addWidget(self.beside_button)
        bar.hide()
        return bar

    # -- a folder -----------------------------------------------------------------------------------------------
    def open(self, path: str) -> None:
        """Read a folder, and show it when it is read."""
        self.said.setText(f"Reading {_plain(path)} …")
        self.said.show()
        self.session.shelf.open(path)

    def refuse(self, path: str, why: str) -> None:
        """A folder could not be read: what was open stays."""
        self.said.setText(_plain(why))
        self.said.show()

    def show_folder(self, found: Any) -> None:
        """Show what a folder says."""
        self.shelved, told = found, found.summary
        state = _state(found)
        words = f"<b>{_plain(told.title)}</b> &nbsp; {_plain(_about(told))}"
        self.said.setText(f"{words}<br>{_plain(state)}" if state else words)
        self.said.show()
        self.pages.show()
        self.figure.show_image(found.figure)
        self.figure.setVisible(found.figure is not None)
        self.caption.setText(told.caption)
        self.numbers.show_rows(told.columns, found.rows)
        self.failures.show_rows(("cell", "why"), told.failures)
        self.facts.show_rows(("what", "where it comes from"), found.facts)
        self.tabs.clear()
        self.tabs.addTab(self.numbers, f"Numbers ({len(found.rows) + found.cut:,})")
        if told.failures:
            self.tabs.addTab(self.failures, f"Failed ({len(told.failures):,})")
        self.tabs.addTab(self.facts, "Provenance")
        self._enable()
        self._turn()

    def set_recent(self, paths: Sequence[str]) -> None:
        """Folders that were opened before, the newest first."""
        self._recent = list(paths)

    def _fill_recent(self) -> None:
        """The folders that were opened; those of the cache follow when they are found."""
        self.recent_menu.clear()
        for path in self._recent:
            self._offer(path, _short(path))
        if not self._recent:
            self.recent_menu.addAction("No folder was opened yet").setEnabled(False)
        self.session.shelf.list()

    def _offer(self, path: str, words: str) -> None:
        action = self.recent_menu.addAction(words.replace("&", "&&"))
        action.setToolTip(path)
        action.triggered.connect(lambda _checked: self.open(path))

    def _add_runs(self, found: list[tuple[str, str]]) -> None:
        """Experiments that were run without a folder's name."""
        new = [(path, title) for path, title in found if path not in self._recent]
        if new and self.recent_menu.isVisible():
            self.recent_menu.addSection("Run without --folder")
            for path, title in new:
                self._offer(path, title)

    def _enable(self) -> None:
        there = self.shelved is not None
        self.again_button.setEnabled(there)
        for made in (self.copy_button, self.save_button):
            made.setEnabled(there and bool(self.shelved.rows))

    def _again(self) -> None:
        self.open(str(self.shelved.path))

    def _copy(self) -> None:
        QtWidgets.QApplication.clipboard().setText(self.numbers.model().text())
        self.session.message.emit("info", f"Copied {len(self.shelved.rows):,} rows.")

    def _save(self) -> None:
        path = ask_path(self, self.shelved.summary.title, (".csv",))
        if path:
            self.session.shelf.copy_numbers(str(self.shelved.path), path)

    # -- to the agents ------------------------------------------------------------------------------------------
    def _point(self, row: tuple[Any, ...] | None) -> None:
        """A row was chosen: say what it is about."""
        link = None if row is None or self.shelved is None else self.shelved.link(row)
        self.link_bar.setVisible(link is not None)
        if link is not None:
            self.link_words.setText(f"This row: {link_words(link)}")
            self.link_words.setToolTip(link_words(link))

    def _open_row(self, row: tuple[Any, ...] | None, beside: bool) -> None:
        link = None if row is None else self.shelved.link(row)
        if link is not None:
            self.wanted.emit(link.agent, beside, dict(link.options))
        elif row is not None:
            self.session.message.emit("info", "This row names no agent that could be opened.")

    # -- looks --------------------------------------------------------------------------------------------------
    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if not self.failed:
            self._turn()

    def _turn(self) -> None:
        """Figure and numbers side by side, or one above the other: as makes the figure larger."""
        width, height, found = self.pages.width(), self.pages.height(), self.shelved
        if found is None:
            return
        aside = True
        if found.figure is None:
            self.pages.setSizes([1, 10_000])
        else:
            size, words = found.figure.size(), self.caption.heightForWidth
            beside = min(width * BESIDE / size.width(), (height - words(round(width * BESIDE))) / size.height())
            above = min(width / size.width(), (height * ABOVE - words(width)) / size.height())
            aside = beside >= above
            share = BESIDE if aside else ABOVE
            self.pages.setSizes([round(10_000 * share), round(10_000 * (1 - share))])
        self.pages.setOrientation(Qt.Horizontal if aside else Qt.Vertical)

    def _enlarge(self) -> None:
        """The figure in a window of its own, in its own size where the screen has room."""
        window = QtWidgets.QDialog(self, Qt.Window)
        window.setAttribute(Qt.WA_DeleteOnClose)
        window.setWindowTitle(self.shelved.summary.title)
        picture = Picture("Figure of the result")
        picture.show_image(self.figure.image)
        picture.pressed.connect(window.close)
        column = QtWidgets.QVBoxLayout(window)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(picture)
        room = QtWidgets.QApplication.primaryScreen().availableSize() * 0.9
        size = self.figure.image.size()
        window.resize(size if size.width() <= room.width() and size.height() <= room.height()
                      else size.scaled(room, Qt.KeepAspectRatio))
        window.show()
        self._window = window


def link_words(link: Any) -> str:
    """``ppo/Breakout/1, seed 3, observation noise 0.1``."""
    levels = link.options.get("disturbance", {})
    level = [f"{name.replace('_', ' ')} {value:g}" for name, value in levels.items() if not isinstance(value, str)]
    return ", ".join([link.agent, f"seed {link.options['seed']}", *level])


def _about(told: Any) -> str:
    asked = told.experiment
    agents = f"{len(asked.agents)} agents" if len(asked.agents) > 1 else asked.agents[0]
    seeds = f"{len(asked.seeds)} seeds" if len(asked.seeds) > 1 else f"seed {asked.seeds[0]}"
    return f"{asked.kind} · {agents} · {seeds} · {_short(str(told.path))}"


def _state(found: Any) -> str:
    """What is missing in a folder, in a sentence; "" where nothing is."""
    said, told = [], found.summary
    if told.failures or told.missing:
        said.append(f"{told.state}.")
    elif not found.rows and found.figure is None:
        said.append("There is no result yet: the experiment was stopped before its end.")
    if told.missing:
        said.append("Run it again in this folder to go on: what is finished stays.")
    if found.cut:
        said.append(f"The first {len(found.rows):,} rows are shown; {found.cut:,} more are in result.csv.")
    return " ".join(said)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(path: str) -> str:
    """A path's last two folders."""
    parts = Path(path).parts
    return path if len(path) <= 40 or len(parts) <= 3 else "…/" + "/".join(parts[-2:])
