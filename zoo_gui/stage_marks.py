"""What is drawn over the window for an audience: a laser dot, a magnifier, rings of clicks, caps of keys, black.

Each is a small child of the window that lets the mouse through, so that a recording has it too, and so that moving it
has Qt paint nothing but the two places where it was and is.
"""

from __future__ import annotations

import time

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.tokens import current

FRAME_MS = 16
RING_MS, CAP_MS = 450, 1600
Qt = QtCore.Qt


class Mark(QtWidgets.QWidget):
    """Something that lies over the window and is not there for the mouse."""

    def __init__(self, window: QtWidgets.QWidget, size: QtCore.QSize | None = None):
        super().__init__(window)
        for attribute in (Qt.WA_TransparentForMouseEvents, Qt.WA_NoSystemBackground, Qt.WA_TranslucentBackground):
            self.setAttribute(attribute)
        self.setFocusPolicy(Qt.NoFocus)
        if size is not None:
            self.resize(size)
        self.hide()

    def put(self, centre: QtCore.QPoint) -> None:
        """Show it around a place of the window."""
        self.move(centre.x() - self.width() // 2, centre.y() - self.height() // 2)
        if not self.isVisible():
            self.show()
            self.raise_()


class Laser(Mark):
    """A dot that follows the mouse while it is over the window, in place of the pointer."""

    SIZE = 46

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window, QtCore.QSize(self.SIZE, self.SIZE))
        self._blank = False
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.follow)
        self._dot = QtGui.QPixmap()

    @property
    def is_on(self) -> bool:
        return self._timer.isActive()

    def switch(self, on: bool) -> None:
        """Turn it on or off."""
        if on:
            self._dot = self._painted()
            self._timer.start()
            self.follow()
        else:
            self._timer.stop()
            self.hide()
            self._set_blank(False)

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QtCore.QEvent.PaletteChange, QtCore.QEvent.StyleChange) and self.is_on:
            self._dot = self._painted()  # in the new theme's colour

    def follow(self) -> None:
        """Go where the mouse is. Asked for by a clock: widgets tell of moves only where somebody tracks them."""
        window = self.parentWidget()
        place = window.mapFromGlobal(QtGui.QCursor.pos())
        inside = window.rect().contains(place) and window.isActiveWindow()
        self._set_blank(inside)
        if inside:
            self.put(place)
        elif self.isVisible():
            self.hide()

    def _set_blank(self, blank: bool) -> None:
        if blank != self._blank:
            self._blank = blank
            if blank:
                QtWidgets.QApplication.setOverrideCursor(Qt.BlankCursor)
            else:
                QtWidgets.QApplication.restoreOverrideCursor()

    def _painted(self) -> QtGui.QPixmap:
        """A bright core with a dark rim, so that it is seen on any ground, in a glow."""
        ratio = self.devicePixelRatioF()
        dot = QtGui.QPixmap(round(self.SIZE * ratio), round(self.SIZE * ratio))
        dot.setDevicePixelRatio(ratio)
        dot.fill(Qt.transparent)
        painter = QtGui.QPainter(dot)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        middle = QtCore.QPointF(self.SIZE / 2, self.SIZE / 2)
        glow, colour = QtGui.QRadialGradient(middle, self.SIZE / 2), QtGui.QColor(current().about)
        for at, alpha in ((0.0, 230), (0.35, 130), (1.0, 0)):
            shade = QtGui.QColor(colour)
            shade.setAlpha(alpha)
            glow.setColorAt(at, shade)
        painter.setPen(Qt.NoPen)
        painter.setBrush(glow)
        painter.drawEllipse(middle, self.SIZE / 2, self.SIZE / 2)
        painter.setPen(QtGui.QPen(Qt.black, 1.5))
        painter.setBrush(Qt.white)
        painter.drawEllipse(middle, 5.5, 5.5)
        painter.end()
        return dot

    def paintEvent(self, event) -> None:
        QtGui.QPainter(self).drawPixmap(0, 0, self._dot)


class Lens(Mark):
    """What is around the mouse, larger, beside it: drawn anew from the widgets, so that it lives as they do."""

    PART, TIMES, GAP, TURN_MS = QtCore.QSize(200, 140), 2, 24, 50

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window, self.PART * self.TIMES)
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        self._picture = QtGui.QPixmap()
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(self.TURN_MS)
        self._timer.timeout.connect(self.follow)

    @property
    def is_on(self) -> bool:
        return self._timer.isActive()

    def switch(self, on: bool) -> None:
        """Turn it on or off."""
        if on:
            self._timer.start()
            self.follow()
        else:
            self._timer.stop()
            self.hide()

    def follow(self) -> None:
        """Show what is around the mouse now."""
        window = self.parentWidget()
        place = window.mapFromGlobal(QtGui.QCursor.pos())
        if not (window.rect().contains(place) and window.isActiveWindow()):
            self.hide()
            return
        part = QtCore.QRect(QtCore.QPoint(0, 0), self.PART)
        part.moveCenter(place)
        part.moveLeft(max(0, min(part.left(), window.width() - part.width())))
        part.moveTop(max(0, min(part.top(), window.height() - part.height())))
        self.setGeometry(self._beside(part))
        ratio = self.devicePixelRatioF()
        self._picture = QtGui.QPixmap(part.size() * ratio)
        self._picture.setDevicePixelRatio(ratio)
        window.render(self._picture, QtCore.QPoint(), QtGui.QRegion(part))
        self.show()
        self.raise_()
        self.update()

    def _beside(self, part: QtCore.QRect) -> QtCore.QRect:
        """Where it does not lie over what it shows: below, else above; at the side that has room."""
        window, size = self.parentWidget().size(), self.PART * self.TIMES
        left = max(0, min(part.center().x() - size.width() // 2, window.width() - size.width()))
        top = part.bottom() + self.GAP
        if top + size.height() > window.height():
            top = part.top() - self.GAP - size.height()
        if top < 0:  # a low window
            top = max(0, min(part.center().y() - size.height() // 2, window.height() - size.height()))
            right = part.right() + self.GAP
            left = right if right + size.width() <= window.width() else part.left() - self.GAP - size.width()
        return QtCore.QRect(QtCore.QPoint(left, top), size)

    def paintEvent(self, event) -> None:
        painter = QtGui.QPainter(self)
        painter.drawPixmap(self.rect(), self._picture)
        for colour, inset in ((Qt.black, 0), (QtGui.QColor(current().mark), 2)):
            painter.setPen(QtGui.QPen(colour, 2))
            painter.drawRect(self.rect().adjusted(inset + 1, inset + 1, -inset - 2, -inset - 2))


class Ring(Mark):
    """Where the mouse was pressed: a ring that opens and fades; dashed for another button than the left one."""

    SIZE = 84

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window, QtCore.QSize(self.SIZE, self.SIZE))
        self._began, self._dashed = 0.0, False
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._go_on)

    def press(self, place: QtCore.QPoint, button: int) -> None:
        """Open around a place of the window."""
        self._began, self._dashed = time.perf_counter(), button != Qt.LeftButton
        self.put(place)
        self._timer.start()

    def _go_on(self) -> None:
        if time.perf_counter() - self._began > RING_MS / 1000:
            self.hide()
        else:
            self.update()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # a window that is minimised comes back
            self._timer.stop()

    def paintEvent(self, event) -> None:
        share = min(1.0, (time.perf_counter() - self._began) * 1000 / RING_MS)
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        painter.setOpacity(1.0 - 0.8 * share)
        radius = 9 + (self.SIZE / 2 - 13) * share
        middle = QtCore.QPointF(self.width() / 2, self.height() / 2)
        for colour, width in ((Qt.black, 6.0), (QtGui.QColor(current().mark), 3.0)):
            painter.setPen(QtGui.QPen(colour, width, Qt.DashLine if self._dashed else Qt.SolidLine))
            painter.drawEllipse(middle, radius, radius)


class Cap(QtWidgets.QFrame):
    """The key that was pressed and what it does, at the bottom of the window for a moment."""

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WA_StyledBackground)
        self.setObjectName("cap")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(14, 8, 16, 8)
        row.setSpacing(12)
        self.key, self.text = QtWidgets.QLabel(), QtWidgets.QLabel()
        for label in (self.key, self.text):
            label.setTextFormat(Qt.PlainText)
            row.addWidget(label)
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CAP_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, key: str, text: str, above: int = 0) -> None:
        """Show a key; ``above``: pixels at the bottom that are taken."""
        look, size = current(), self.window().font().pointSizeF() * 1.5
        self.setStyleSheet(
            f"#cap {{ background: {look.raised}; border: 1px solid {look.control}; border-radius: 8px; }}"
            f"#cap QLabel {{ font-size: {size:.1f}pt; color: {look.text}; }}"
        )
        self.key.setStyleSheet(f"background: {look.base}; border: 1px solid {look.control}; border-radius: 5px; "
                               "padding: 1px 9px; font-weight: bold;")
        self.key.setText(key)
        self.text.setText(text)
        self.adjustSize()
        window = self.parentWidget()
        self.move((window.width() - self.width()) // 2, window.height() - self.height() - 26 - above)
        self.show()
        self.raise_()
        self._timer.start()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # a window that is minimised comes back
            self._timer.stop()


class Black(QtWidgets.QWidget):
    """The black screen; a press ends it."""

    def __init__(self, window: QtWidgets.QWidget):
        super().__init__(window)
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        self.setCursor(Qt.BlankCursor)
        self.setAccessibleName("Black screen")
        self.hide()

    def switch(self, on: bool) -> None:
        """Cover the window, or uncover it."""
        if on:
            self.setGeometry(self.parentWidget().rect())
            self.raise_()
        self.setVisible(on)

    def mousePressEvent(self, event) -> None:
        self.hide()

    def paintEvent(self, event) -> None:
        QtGui.QPainter(self).fillRect(event.rect(), Qt.black)


class Spotlight(QtCore.QObject):
    """While it is on, rings show clicks and caps show keys. ``said(event)`` gives (key, what it does) or None."""

    def __init__(self, window: QtWidgets.QWidget, said):
        super().__init__(window)
        self._window, self._said = window, said
        self.rings = [Ring(window) for _ in range(3)]  # a double press has two at a time
        self.cap = Cap(window)
        self.is_on, self._last = False, None

    def switch(self, on: bool) -> None:
        """Turn it on or off."""
        application = QtWidgets.QApplication.instance()
        if on != self.is_on:
            (application.installEventFilter if on else application.removeEventFilter)(self)
        self.is_on = on
        if not on:
            for mark in (*self.rings, self.cap):
                mark.hide()

    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if kind in (QtCore.QEvent.MouseButtonPress, QtCore.QEvent.MouseButtonDblClick):
            self._press(watched, event)
        elif kind == QtCore.QEvent.KeyPress and self._is_inside(watched) and not event.isAutoRepeat():
            said = self._said(event)
            if said is not None:
                self.cap.say(*said)
        return False

    def _is_inside(self, watched) -> bool:
        return isinstance(watched, QtWidgets.QWidget) and watched.window() is self._window

    def _press(self, watched, event) -> None:
        # one press comes again to each parent of a widget that does not take it
        this = event.timestamp(), event.globalPos()
        if self._is_inside(watched) and this != self._last:
            self._last = this
            self.rings.append(self.rings.pop(0))
            self.rings[-1].press(self._window.mapFromGlobal(event.globalPos()), event.button())
