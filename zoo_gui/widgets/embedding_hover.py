"""The moment under the mouse: its numbers at once, its picture as soon as the engine has found it."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np
from pyqtgraph.functions import ndarray_to_qimage
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.imaging import rgb32
from zoo_gui.naming import MEANINGS, readable_action
from zoo_gui.scales import number
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import Job
from zoo_gui.widgets.embedding_colours import letter
from zoo_gui.widgets.embedding_scatter import Scatter
from zoo_gui.widgets.inks import hue
from zoo_gui.widgets.items import letter_font

Qt = QtCore.Qt
PICTURE = 148, 111  # as a television shows it
APART = 16  # pixels between the mouse and the card
NO_WAY = "This moment cannot be gone to: its agent was replaced since. Run it again."
PICTURE_MS, MOST_PICTURES = 40, 200


class Card(QtWidgets.QWidget):
    """The screen at a moment and its numbers; the mouse goes through it. It lies in the window, over everything: the
    scatter may be too small for it."""

    def __init__(self, scatter: QtWidgets.QWidget):
        super().__init__(scatter)
        self._scatter = scatter
        scatter.destroyed.connect(self.deleteLater)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.lines: tuple[str, ...] = ()
        self.waiting = ""
        self.picture: np.ndarray | None = None  # (H, W, 3) uint8
        self._image: QtGui.QImage | None = None
        self.set_type()
        self.hide()

    def set_type(self) -> None:
        self._font = letter_font(8)
        self._line = QtGui.QFontMetrics(self._font).height()

    def show_moment(self, lines: tuple[str, ...], at: QtCore.QPoint) -> None:
        """These words, beside a place of the scatter; the picture is to come."""
        self.lines, self.picture, self._image, self.waiting = lines, None, None, "…"
        if self.parentWidget() is not self._scatter.window():  # a dock may have been let go, or taken in
            self.setParent(self._scatter.window())
        metrics, room = QtGui.QFontMetrics(self._font), self.parentWidget().size()
        at = self._scatter.mapTo(self.parentWidget(), at)
        across = max(PICTURE[0], *(metrics.horizontalAdvance(line) for line in lines)) + 8
        height = PICTURE[1] + self._line * len(lines) + 10
        self.setFixedSize(across, height)
        left = at.x() + APART if at.x() + APART + across <= room.width() else at.x() - APART - across
        self.move(max(0, left), min(max(0, at.y() - height // 2), max(0, room.height() - height)))
        self.show()
        self.raise_()
        self.update()

    def show_picture(self, frame: np.ndarray) -> None:
        """(H, W, 3) uint8."""
        self.picture = frame
        pixels = rgb32(np.ascontiguousarray(frame))
        image = ndarray_to_qimage(pixels, QtGui.QImage.Format_RGB32)
        self._image = image.scaled(*PICTURE, Qt.IgnoreAspectRatio, Qt.FastTransformation)
        self.update()

    def show_waiting(self, words: str) -> None:
        """In place of the picture."""
        self.waiting = words
        self.update()

    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.setFont(self._font)
        painter.fillRect(self.rect(), hue("raised"))
        painter.setPen(hue("control"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        box = QtCore.QRect(4, 4, *PICTURE)
        painter.setPen(hue("text"))
        if self._image is not None:
            painter.drawImage(box.topLeft(), self._image)
        else:
            painter.drawText(box, int(Qt.AlignCenter | Qt.TextWordWrap), self.waiting)
        for place, line in enumerate(self.lines):
            painter.drawText(4, PICTURE[1] + 6 + self._line * (place + 1) - 2, line)


class Hover:
    """Shows the moment of a point; pictures that come late are dropped, those that were seen are kept.

    guard: calls a method so that what goes wrong is shown by the panel.
    """

    def __init__(self, session, scatter: Scatter, guard: Callable):
        self.session, self.scatter = session, scatter
        self.card, self.job = Card(scatter), Job(session, "embedding picture")
        self._result: Any = None
        self._of: tuple[LaneInfo | None, ...] = ()
        self._source: Any = None
        self._pictures: dict[int, np.ndarray] = {}
        self._point = -1
        self._soon = QtCore.QTimer(scatter)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(lambda: guard(self._ask))

    def follow(self, result: Any, of: tuple[LaneInfo | None, ...], source: Any) -> None:
        """The Embedding that is shown; the lanes of its agents, None where one is gone; and whose moments they are:
        ``session``, or a rollout's (steps, seed)."""
        self._result, self._of, self._source = result, of, source

    def forget(self) -> None:
        """It is another embedding."""
        self._pictures.clear()
        self.rest()

    def rest(self) -> None:
        """Nobody points any more."""
        self._soon.stop()
        self.job.stop()
        self.card.hide()

    def info_of(self, point: int) -> LaneInfo | None:
        """The lane that can show a point's moment; None where its agent is gone, or there is no way back."""
        return self._of[int(self._result.lanes[point])] if self._result.moments[point] >= 0 else None

    def point(self, point: int) -> None:
        """Show this one, −1: none."""
        self._soon.stop()
        self.job.stop()
        if point < 0 or self._result is None:
            self.card.hide()
            self.session.hover("")
            return
        lines = self.words(point)
        self.session.hover(" · ".join(lines))
        self.card.show_moment(lines, self.scatter.in_window(point))
        self._point = point
        if point in self._pictures:
            self.card.show_picture(self._pictures[point])
        elif self.info_of(point) is None:
            self.card.show_waiting(NO_WAY)
        else:
            self._soon.start(PICTURE_MS)

    def words(self, point: int) -> tuple[str, str, str]:
        """A moment's numbers, for people."""
        row = {name: float(values[point]) for name, values in self._result.columns.items()}
        info = self._of[int(self._result.lanes[point])]
        whose = letter(None if info is None else info.lane)
        action = readable_action(MEANINGS[int(row["action"])]) if row["action"] >= 0 else "no action"
        numbers = [f"score {row['score']:g}"]
        numbers += [f"value {number(row['value'])}"] if math.isfinite(row["value"]) else []
        numbers += [f"reward {row['reward']:+g}"] if row["reward"] else []
        return (f"{whose} · {action}", f"game {int(row['episode']) + 1}, step {int(row['time']):,}",
                " · ".join(numbers).replace("-", "−"))  # fmt: skip

    def _ask(self) -> None:
        info = self.info_of(self._point)
        if info is not None:
            self.job.start("moment_picture", info.lane, moments=self._source,
                           moment=int(self._result.moments[self._point]))  # fmt: skip

    def take(self, progress) -> None:
        """A record of the job."""
        if progress.result is None:
            self.card.show_waiting(progress.label)
            return
        if len(self._pictures) >= MOST_PICTURES:
            self._pictures.pop(next(iter(self._pictures)))
        self._pictures[self._point] = progress.result.frame
        self.card.show_picture(progress.result.frame)

    def failed(self, sentence: str) -> None:
        """The job found none."""
        self.job.ended()
        self.card.show_waiting(sentence)
