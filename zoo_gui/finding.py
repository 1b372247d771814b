"""Finding things in the window: the palette, the keys, the pages and what belongs to them. One object, made by the
window."""

from __future__ import annotations

from functools import partial
from typing import Any, Iterator

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import palette_entries
from zoo_gui.errands import Errands
from zoo_gui.keymap import KeyedWords, own_row
from zoo_gui.keys_dialog import KeysDialog
from zoo_gui.labels import Labels
from zoo_gui.pages import ABOUT
from zoo_gui.palette import Palette
from zoo_gui.reader import INDEX, Reader
from zoo_gui.titles import TitleCards
from zoo_gui.tour import Tour
from zoo_gui.settings import Settings

#: Pages that have an entry of their own in the Help menu.
PAGES = (("Getting started", "getting_started.md"), ("Keyboard", "keyboard.md"))


class Saver(Errands):
    """Writes settings in a thread: a disk may take its time."""

    name = "zoo_gui settings"

    def save(self, settings: Settings) -> None:
        """Write them as they are now."""
        self.send("save", partial(_saving, settings.snapshot()))

    def on_result(self, key: str, payload: Any) -> None:
        """It is done."""


def _saving(settings: Settings) -> Iterator[None]:
    settings.save()
    yield


class Finding(QtCore.QObject):
    """Adds its commands to the window's, and its entries to the Help menu; makes each part when it is asked for."""

    def __init__(self, window):
        super().__init__(window)
        self.window = window
        self._palette: Palette | None = None
        self._reader: Reader | None = None
        self._labels: Labels | None = None
        self._tour: Tour | None = None
        self._offered = False
        self.saver = Saver(self)
        self.saver.failed.connect(partial(window.session.message.emit, "warning"))
        KeyedWords(window, window.keymap)
        window.keymap.changed.connect(window.keys.read)
        window.session.lanes_changed.connect(window.keys.look_who_plays)
        window.commands.parts.append(self)
        window.installEventFilter(self)
        self.titles = TitleCards(window, self.open_panel_page)
        self._fill_menu()

    def _fill_menu(self) -> None:
        bar = self.window.menuBar()
        menu = next(action.menu() for action in bar.actions() if action.text().replace("&", "") == "Help")
        for words, page in PAGES:
            menu.addAction(words, partial(self.open_page, page))
        panels = menu.addMenu("Panels and their pages")
        for name, panel in self.window.panels.items():
            panels.addAction(panel.title, partial(self.open_panel_page, name)).setStatusTip(panel.about)
        menu.addAction("All pages", partial(self.open_page, INDEX))
        menu.addAction("Take the tour", self.start_tour)
        menu.addSeparator()
        menu.addAction("About zoo_gui", partial(self.open_page, ABOUT))

    # -- the palette and the keys -------------------------------------------------------------------------------
    @property
    def palette(self) -> Palette:
        """The command palette."""
        if self._palette is None:
            self._palette = Palette(self.window)
        return self._palette

    def do_palette(self) -> None:
        self.palette.toggle()

    def do_entry(self, id: str) -> None:
        """Do what only the palette has, for the person gave it a key; a sentence where that cannot be."""
        if id.startswith("open "):  # of thousands of agents only the newest few are entries
            self.window.open_agent(id.removeprefix("open "))
            return
        entry = palette_entries.of_id(self.window, id)
        if entry is None or entry.why_not:
            reason = entry.why_not if entry else "It is not there now."
            self.window.session.message.emit("info", f"{entry.title if entry else own_row(id).text}: {reason}")
        else:
            entry.run()

    def do_keyboard_settings(self) -> None:
        dialog = KeysDialog(self.window, self.window.keymap, palette_entries.keyless(self.window))
        dialog.finished.connect(self._keep_settings)
        dialog.open()

    def _keep_settings(self, *_result) -> None:
        """Keys that were changed hold also after a crash."""
        self.saver.save(self.window.settings)

    # -- what am I looking at? ----------------------------------------------------------------------------------
    @property
    def labels(self) -> Labels:
        """The names of all parts of the window."""
        if self._labels is None:
            self._labels = Labels(self.window, self.open_page)
        return self._labels

    def do_labels(self) -> None:
        self.labels.toggle()

    # -- the tour -----------------------------------------------------------------------------------------------
    @property
    def tour(self) -> Tour:
        """The five steps for whoever comes first."""
        if self._tour is None:
            self._tour = Tour(self.window)
            self.window.presenter.changed.connect(lambda on: self._tour.end() if on else None)
        return self._tour

    def start_tour(self) -> None:
        """Show it, if there is an agent to show it on."""
        session = self.window.session
        if not session.lanes or not session.lanes[0].layers:
            session.message.emit("info", "The tour needs an agent with a network: open one first, as ppo/Breakout/1.")
            return
        self.window.settings.set("tour/seen", True)
        self.tour.start()

    def offer_tour(self) -> None:
        """Show it once in a person's life, when the first agent plays; never where nobody sits before a screen."""
        unseen = QtGui.QGuiApplication.platformName() in ("offscreen", "minimal")
        if not unseen and not self._offered and not self.window.settings.get("tour/seen"):
            self._offered = True
            self.window.session.stepped.connect(self._on_first_step)

    def _on_first_step(self, *_step) -> None:
        self.window.session.stepped.disconnect(self._on_first_step)
        if self.window.session.lanes[0].layers and not self._presenting():
            self.start_tour()

    def _presenting(self) -> bool:
        return "presenting" in self.window.contexts()

    # -- pages --------------------------------------------------------------------------------------------------
    @property
    def reader(self) -> Reader:
        """The pages at the window's right."""
        if self._reader is None:
            self._reader = Reader(self.window)
        return self._reader

    def open_page(self, name: str) -> None:
        """Show a page of the documentation, by its place below docs."""
        self.reader.open(name)

    def close_reader(self) -> bool:
        """Close the pages; whether they were open."""
        was_open = self._reader is not None and self._reader.isVisible()
        if was_open:
            self._reader.close_()
        return was_open

    def open_panel_page(self, name: str) -> None:
        """Show a panel's page, by its registry name."""
        self.open_page(f"panels/{name}.md")

    # -- events -------------------------------------------------------------------------------------------------
    def eventFilter(self, watched: QtWidgets.QWidget, event: QtCore.QEvent) -> bool:
        if event.type() == QtCore.QEvent.Close:
            self.saver.close()  # before the window saves what is newer
            if self._reader is not None:
                self._reader.pages.close()
        return False
