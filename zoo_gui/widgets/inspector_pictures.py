"""The inspector's picture of now: the unit's map (or bar) with its live value."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.imaging import colourise
from zoo_gui.scales import LayerPicture, number
from zoo_gui.tokens import pixels
from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.inks import Ink, hue
from zoo_gui.widgets.items import BoxItem, Canvas, Outline, PixelItem, TextLine, line_height

QRectF, Qt = QtCore.QRectF, QtCore.Qt


WIDEST = 240  # pixels that a line of words may make the picture wide


class LevelBar(BoxItem):
    """A horizontal bar from zero to a value in the range −high … high, or 0 … high."""

    def __init__(self, ink, trough):
        super().__init__()
        self._ink, self._trough = ink, trough
        self._share, self._zero = 0.0, 0.0

    def set_value(self, value: float, high: float, signed: bool) -> None:
        high = high if high > 1e-12 else 1.0
        low = -high if signed else 0.0
        self._zero = -low / (high - low)
        self._share = min(max((value - low) / (high - low), 0.0), 1.0)
        self.update()

    def paint(self, painter, option, widget=None) -> None:
        ink = hue(self._ink)
        painter.fillRect(self.box, hue(self._trough))
        zero, end = (self.box.left() + share * self.box.width() for share in (self._zero, self._share))
        painter.fillRect(QRectF(min(zero, end), self.box.top(), max(abs(end - zero), 1), self.box.height()), ink)
        painter.fillRect(QRectF(zero - 0.5, self.box.top() - 3, 1, self.box.height() + 6), ink)


class UnitView(Canvas):
    """The unit's activation now: a convolution's map with its strongest position framed, or a dense unit's bar."""

    def __init__(self):
        super().__init__()
        self.setMinimumSize(130, 150)
        self.setSizePolicy(QtWidgets.QSizePolicy.Fixed, QtWidgets.QSizePolicy.Expanding)
        self.set_look()
        self._map = self.add(PixelItem())
        self._frame = self.add(Outline(width=1.5), 2)
        self._level = self.add(LevelBar(Ink(), Ink(0.15)))
        self._bar = self.add(ColourBar(Ink(0.8)), 1)
        self._value = self.add(TextLine(Ink(), points=17, bold=True, align=Qt.AlignHCenter), 1)
        self._where, self._mean = (self.add(TextLine(Ink(0.8), align=Qt.AlignHCenter), 1) for _ in range(2))
        self._shape: tuple[int, ...] = ()
        self.peak: tuple[int, int] | None = None
        self.resized.connect(self._arrange)

    def set_look(self) -> None:
        """As wide as the words in it; large ones stand in two lines."""
        self._folded = pixels(180) > WIDEST
        self.setFixedWidth(pixels(118 if self._folded else 180))

    def show_unit(self, picture: LayerPicture, index: int, view: dict) -> float:
        """Draw the unit's newest activation; returns the value in large (a map's maximum)."""
        info, values = picture.info, picture.values[..., index]
        level = picture.scale.level(picture.boost(view))
        high = float(level if level.ndim == 0 else level[index])
        is_map = values.ndim == 2
        if info.shape != self._shape:
            self._shape = info.shape
            self._arrange()
        for item in (self._map, self._frame, self._bar):
            item.setVisible(is_map)
        self._level.setVisible(not is_map)
        if is_map:
            table = picture.table(view)
            self._map.set_pixels(colourise(values, table, high, info.signed))
            self._bar.set_table(table)
            self._bar.set_levels(f"−{number(high)}" if info.signed else "0", number(high))
            self._frame_peak(values)
            value = float(values.max())
            silent = not values.any()
            self._frame.setVisible(not silent)
            self._say("silent everywhere" if silent else f"max at {self.peak[0]}, {self.peak[1]}",
                      "" if silent else f"mean {number(values.mean())}")
        else:
            value = float(values)
            self._level.set_value(value, high, info.signed)
            self._say(f"of {'±' if info.signed else ''}{number(high)},", "the layer's scale", " ")
        self._value.set_text(number(value).replace("-", "−"))
        return value

    def _say(self, first: str, second: str, between: str = " · ") -> None:
        self._where.set_text(first if self._folded or not second else f"{first}{between}{second}")
        self._mean.set_text(second if self._folded else "")

    def _frame_peak(self, values: np.ndarray) -> None:
        row, column = (int(part) for part in np.unravel_index(values.argmax(), values.shape))
        self.peak = row, column
        box = self._map.box
        height, width = box.height() / values.shape[0], box.width() / values.shape[1]
        self._frame.set_box(QRectF(box.left() + column * width, box.top() + row * height, width, height))

    def _arrange(self) -> None:
        width, height = self.extent
        text, large = line_height(), line_height(17)
        self._value.set_box(QRectF(0, 0, width, large))
        self._where.set_box(QRectF(0, large, width, text))
        self._mean.set_box(QRectF(0, large + text, width, text))
        large += text if self._folded else 0
        if len(self._shape) != 3:
            self._level.set_box(QRectF(10, large + text + 12, width - 20, 18))
            return
        room = height - large - 2 * text - 12
        scale = min((width - 4) / self._shape[1], room / self._shape[0])
        across, down = self._shape[1] * scale, self._shape[0] * scale
        top = large + text + 4
        self._map.set_box(QRectF((width - across) / 2, top, across, down))
        long = min(max(across, self._bar.least_width(False) + 8), width)
        self._bar.set_box(QRectF((width - long) / 2, top + down + 4, long, text))
