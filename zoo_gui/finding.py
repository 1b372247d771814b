"""Finding things in the window: the palette and what belongs to it. One object, made by the window."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore

from zoo_gui.keymap import KeyedWords
from zoo_gui.keys_dialog import KeysDialog
from zoo_gui.palette import Palette
from zoo_gui.types import ZooError


class Finding(QtCore.QObject):
    """Adds its commands to the window's; makes each part when it is first asked for."""

    def __init__(self, window):
        super().__init__(window)
        self.window = window
        self._palette: Palette | None = None
        KeyedWords(window, window.keymap)
        window.keymap.changed.connect(window.keys.read)
        window.commands.parts.append(self)

    @property
    def palette(self) -> Palette:
        """The command palette."""
        if self._palette is None:
            self._palette = Palette(self.window)
        return self._palette

    def do_palette(self) -> None:
        self.palette.toggle()

    def do_keyboard_settings(self) -> None:
        dialog = KeysDialog(self.window, self.window.keymap)
        dialog.finished.connect(self._keep_settings)
        dialog.open()

    def _keep_settings(self, *_result) -> None:
        """Keys that were changed hold also after a crash."""
        try:
            self.window.settings.save()
        except ZooError as error:
            self.window.session.message.emit("warning", str(error))
