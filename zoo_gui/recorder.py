"""The window's recordings: the commands, the options' dialog, the clock in the status bar, and the last seconds."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.play import recordings
from zoo_gui.recording import WINDOW, Recording, clock
from zoo_gui.settings import recordings_dir
from zoo_gui.types import ZooError
from zoo_gui.widgets.record_dialog import RecordDialog
from zoo_gui.widgets.region_picker import RegionPicker


class Recorder(QtCore.QObject):
    """Starts and stops ``window.capture`` as the person chose; options are kept in the settings ``record/…``."""

    _noted = QtCore.Signal(str)

    def __init__(self, window):
        super().__init__(window)
        self.window, self.capture, self.settings = window, window.capture, window.settings
        self.options = Recording.of_settings(self.settings)
        self.dialog: RecordDialog | None = None
        window.commands.parts.append(self)
        self.capture.hidden = tuple(window.statusBar().fields[name] for name in ("recording", "ring"))
        self.capture.warned.connect(partial(window.session.message.emit, "warning"))
        self.capture.recording.connect(self._on_recording)
        self.capture.ring_changed.connect(self._on_ring)
        window.session.lanes_changed.connect(self._on_lanes)

    # -- intent -------------------------------------------------------------------------------------------------
    def toggle(self, widget: QtWidgets.QWidget | None = None) -> None:
        """Stop the recording that runs, or begin one as the options say; ``widget``: of that, whatever they say."""
        if self.capture.is_recording:
            self.capture.stop()
        elif widget is None or widget is self.window:
            self.start(self.options)
        else:
            self.start(self._of_panel(self.options, widget))

    def start(self, options: Recording) -> None:
        """Begin; a sentence where that cannot be."""
        try:
            options.checked(self.window.panels)
        except ZooError as error:
            self.window.session.message.emit("warning", str(error))
            return
        whole = options.what == WINDOW or options.region is not None
        # A panel with its title: marks of what is not what it seems stand there.
        self.capture.start(self.window if whole else self.window.docks[options.what], options)

    def _of_panel(self, options: Recording, widget: QtWidgets.QWidget) -> Recording:
        name = next((name for name, panel in self.window.panels.items() if panel is widget), WINDOW)
        return Recording(**{**vars(options), "what": name})

    def do_record_options(self) -> None:
        """The dialog."""
        self._ask(self.options)

    def do_save_last(self) -> None:
        """The last seconds as a film."""
        self.capture.save_ring()

    # -- the dialog ---------------------------------------------------------------------------------------------
    def _ask(self, options: Recording) -> None:
        if self.dialog is not None:
            self.dialog.raise_()
            return
        panels = {name: panel.title for name, panel in self.window.panels.items()
                  if panel.is_seen or name == options.what}  # fmt: skip
        seconds = self.settings.get("record/ring_seconds")
        dialog = self.dialog = RecordDialog(options, panels, seconds if self.settings.get("record/ring") else None,
                                            seconds, self.window)  # fmt: skip
        dialog.wanted.connect(self._on_wanted)
        dialog.asked.connect(self._say_room)
        dialog.dragging.connect(self._drag)
        dialog.destroyed.connect(self._forget_dialog)
        self._noted.connect(dialog.set_note)
        dialog.open()
        self._say_room(dialog.chosen())

    def _forget_dialog(self) -> None:
        self.dialog = None

    def _drag(self, options: Recording) -> None:
        picker = RegionPicker(self.window)
        picker.picked.connect(partial(self._on_region, options))
        picker.left.connect(lambda: QtCore.QTimer.singleShot(0, partial(self._ask, options)))

    def _on_region(self, options: Recording, box: QtCore.QRect) -> None:
        what = ",".join(map(str, box.getRect()))
        self.options = Recording(**{**vars(options), "what": what})
        # when the dialog that led here is gone, and the picker with it
        QtCore.QTimer.singleShot(0, lambda: self._ask(self.options))

    def _on_wanted(self, options: Recording, begin: bool) -> None:
        ring, seconds = self.dialog.ring.isChecked(), self.dialog.seconds.value()
        self.options = options
        options.keep(self.settings)
        changed = ring != self.capture.keeps_last or seconds != self.settings.get("record/ring_seconds")
        self.settings.set("record/ring", ring)
        self.settings.set("record/ring_seconds", seconds)
        if changed:
            self._run_ring()
        if begin and not self.capture.is_recording:
            # the dialog's own window is not to be in the first pictures
            QtCore.QTimer.singleShot(100, lambda: self.start(options))

    def _say_room(self, options: Recording) -> None:
        """How long the disk lasts; looked up by the thread that writes files."""
        ratio = self.window.devicePixelRatioF()
        target = self.window if options.what == WINDOW or options.region else self.window.panels[options.what]
        shown = options.region[2:] if options.region else (target.width(), target.height())
        size = options.pixels or (round(shown[0] * ratio), round(shown[1] * ratio))

        def look():
            fps = recordings.GIF_RATE if options.form == "gif" else options.fps
            seconds = min(recordings.lasts(recordings_dir(), options.form, size, fps), 1e6)
            minutes = max(1, round(seconds / 60))
            room = "for hours" if minutes > 120 else f"for about {minutes} minute{'' if minutes == 1 else 's'}"
            self._noted.emit(f"{size[0]} × {size[1]} pixels. The disk of {recordings_dir()} has room {room} of it.")
            yield None

        self.capture.run("room for a recording", look)

    # -- state --------------------------------------------------------------------------------------------------
    def _on_recording(self, seconds: float | None) -> None:
        text = None if seconds is None else clock(seconds, self.capture.bytes)
        self.window.session.set_recording(text)
        self.window.toolbar.set_recording(seconds is not None)

    def _on_lanes(self, lanes) -> None:
        """The last seconds are kept from the first agent on, where the person wished it."""
        if lanes and self.settings.get("record/ring") and not self.capture.keeps_last:
            self._run_ring()

    def _run_ring(self) -> None:
        if self.settings.get("record/ring"):
            self.capture.start_ring(self.window, self.settings.get("record/ring_seconds"))
        else:
            self.capture.stop_ring()

    def _on_ring(self, kept: bool) -> None:
        seconds = self.settings.get("record/ring_seconds")
        self.window.statusBar().show_status({"ring": seconds if kept else None})
