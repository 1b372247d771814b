"""What a window shows, as the toolkit has it in memory already: to copy that costs a millisecond, to draw it anew some
twenty.

Qt keeps each window's picture in a ``QBackingStore``. PyQt does not hand it out, so its address is asked of Qt's
library itself, at the moment of use and on platforms where the picture is known to be an image in memory. Elsewhere, or
where the library does not answer, ``shown`` gives None, and who asked draws the window anew.
"""

from __future__ import annotations

import ctypes
import logging
from functools import lru_cache
from typing import Callable

import numpy as np
import pyqtgraph.Qt
from pyqtgraph.Qt import QtGui, QtWidgets

log = logging.getLogger(__name__)

PLATFORMS = ("xcb", "offscreen")
"""Those of which the sources say, and tests see, that the picture is a QImage of four bytes for each pixel."""
_LIBRARY, _SYMBOL = "libQt5Widgets.so.5", "_ZNK7QWidget12backingStoreEv"


def shown(window: QtWidgets.QWidget) -> np.ndarray | None:
    """(H, W, 4) uint8 BGRA of a top-level widget as it is on screen, in the screen's own pixels; to be copied at once,
    for the toolkit goes on painting there. None where it cannot be had: not on screen, another platform."""
    address = _address_of()
    if address is None or not window.isWindow() or not window.isVisible() or window.isMinimized():
        return None
    handle = window.windowHandle()
    if handle is None or not handle.isExposed():
        return None
    sip = pyqtgraph.Qt.sip
    store = address(sip.unwrapinstance(window))
    if not store:
        return None
    image = sip.cast(sip.wrapinstance(store, QtGui.QBackingStore).paintDevice(), QtGui.QImage)
    if image.depth() != 32 or image.isNull():
        return None
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()]


@lru_cache(maxsize=1)
def _address_of() -> Callable[[int], int] | None:
    """QWidget::backingStore of the library that this process has loaded."""
    if QtGui.QGuiApplication.platformName() not in PLATFORMS or not hasattr(pyqtgraph.Qt, "sip"):
        return None
    try:
        found = getattr(ctypes.CDLL(_LIBRARY), _SYMBOL)
    except (OSError, AttributeError) as error:
        log.info("windows are drawn anew for films: %s", error)
        return None
    found.restype, found.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return found
