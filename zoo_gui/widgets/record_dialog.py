"""The recording options: what, how large, as what, with which captions; and the last seconds, kept all the time."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.recording import (
    CAPTIONS,
    FORMATS,
    QUALITIES,
    RATES,
    RING_SECONDS,
    SHOWN,
    SIZE_NAMES,
    WINDOW,
    Recording,
)
from zoo_gui.shortcuts import key_of
from zoo_gui.widgets.controls import role

Qt = QtCore.Qt
DRAG = "A region of the window: drag it …"
CRISP = "Draw words and lines anew at that size (sharp, takes more time)"


class RecordDialog(QtWidgets.QDialog):
    """``wanted(Recording, begin)``: the person chose; begin says whether to record at once. ``asked(Recording)``: what
    the disk has room for is to be said by ``set_note``. ``dragging(Recording)``: a region is to be dragged."""

    wanted = QtCore.Signal(object, bool)
    asked = QtCore.Signal(object)
    dragging = QtCore.Signal(object)

    def __init__(self, options: Recording, panels: dict[str, str], ring: int | None, ring_seconds: int, parent=None):
        """panels: {name: title} of those on screen. ring: seconds that are kept, None: none are."""
        super().__init__(parent)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle("Record")
        self._base, form = options, QtWidgets.QFormLayout()
        self.what = self._combo({WINDOW: "The window", **{name: f"Panel: {title}" for name, title in panels.items()}},
                                options.what, "What is recorded")  # fmt: skip
        if options.region:
            self.what.addItem(f"Region {options.what}", options.what)
            self.what.setCurrentIndex(self.what.count() - 1)
        self.what.addItem(DRAG, DRAG)
        self.size_ = self._combo(SIZE_NAMES, options.size, "Size of the film")
        self.crisp = QtWidgets.QCheckBox(CRISP)
        self.crisp.setChecked(options.crisp)
        self.fps = self._combo({rate: f"{rate} pictures a second" for rate in RATES}, options.fps, "Pictures a second")
        self.form_ = self._combo(FORMATS, options.form, "Format")
        self.quality = self._combo(QUALITIES, options.quality, "Quality")
        for text, widget in (("&What", self.what), ("&Size", self.size_), ("", self.crisp), ("&Rate", self.fps),
                             ("&Format", self.form_), ("&Quality", self.quality)):  # fmt: skip
            form.addRow(text, widget)
        self.captions = {name: QtWidgets.QCheckBox(name) for name in CAPTIONS}
        row = QtWidgets.QHBoxLayout()
        for name, box in self.captions.items():
            box.setChecked(name in options.captions)
            row.addWidget(box)
        form.addRow("Captions below", row)
        self.pointer = QtWidgets.QCheckBox("The mouse pointer is in the picture")
        self.pointer.setChecked(options.pointer)
        form.addRow("", self.pointer)
        form.addRow("", self._make_ring(ring is not None, ring_seconds))
        self.note = role(QtWidgets.QLabel(), "dim")
        self.note.setWordWrap(True)
        self.note.setMinimumHeight(2 * self.note.fontMetrics().height())
        column = QtWidgets.QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.note)
        column.addWidget(self._make_buttons())
        for combo in (self.what, self.size_, self.fps, self.form_, self.quality):
            combo.activated.connect(self._on_changed)
        self._on_changed()

    def _make_ring(self, kept: bool, seconds: int) -> QtWidgets.QHBoxLayout:
        self.ring = QtWidgets.QCheckBox(f"Keep the last seconds all the time; {key_of('save_last')} saves them")
        self.ring.setChecked(kept)
        self.seconds = QtWidgets.QSpinBox()
        self.seconds.setRange(*RING_SECONDS)
        self.seconds.setSuffix(" s")
        self.seconds.setValue(seconds)
        self.seconds.setAccessibleName("How many seconds are kept")
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self.ring, 1)
        row.addWidget(self.seconds)
        return row

    def _make_buttons(self) -> QtWidgets.QDialogButtonBox:
        buttons = QtWidgets.QDialogButtonBox()
        self.begin = buttons.addButton("● Record", buttons.AcceptRole)
        self.keep = buttons.addButton("Keep settings", buttons.ApplyRole)
        buttons.addButton(buttons.Cancel)
        self.begin.setDefault(True)
        self.begin.clicked.connect(lambda: self._choose(True))
        self.keep.clicked.connect(lambda: self._choose(False))
        buttons.rejected.connect(self.reject)
        return buttons

    def _combo(self, names: dict, chosen, accessible: str) -> QtWidgets.QComboBox:
        combo = QtWidgets.QComboBox()
        for value, name in names.items():
            combo.addItem(name, value)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        combo.setAccessibleName(accessible)
        return combo

    def chosen(self) -> Recording:
        """What is set now."""
        what = self.what.currentData()
        return Recording(
            what=self._base.what if what == DRAG else what, size=self.size_.currentData(), fps=self.fps.currentData(),
            form=self.form_.currentData(), quality=self.quality.currentData(), crisp=self.crisp.isChecked(),
            captions=tuple(name for name, box in self.captions.items() if box.isChecked()),
            pointer=self.pointer.isChecked(),
        )  # fmt: skip

    def set_note(self, text: str) -> None:
        """What the disk has room for, or what is to be known of this choice."""
        self.note.setText(text)

    def _on_changed(self, *_) -> None:
        self.crisp.setEnabled(self.size_.currentData() != SHOWN)
        self.quality.setEnabled(self.form_.currentData() == "mp4")
        if self.what.currentData() == DRAG:
            self.dragging.emit(self.chosen())
            self.close()
            return
        self.asked.emit(self.chosen())

    def _choose(self, begin: bool) -> None:
        self.wanted.emit(self.chosen(), begin)
        self.accept()
