"""Whether this desktop is dark or light, and when that changes.

Qt 5 does not know. The desktop portal says it (``org.freedesktop.appearance``, over D-Bus); else the palette that the
platform gave the application, where it is not just the style's own; else nobody says anything, and dark it is.
"""

from __future__ import annotations

import importlib
import logging
import os

from pyqtgraph.Qt import QT_LIB, QtCore, QtWidgets

try:
    QtDBus = importlib.import_module(f"{QT_LIB}.QtDBus")
except ImportError:  # a build of Qt without it
    QtDBus = None

log = logging.getLogger(__name__)

SERVICE, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
INTERFACE, SPACE, KEY = "org.freedesktop.portal.Settings", "org.freedesktop.appearance", "color-scheme"
DEFAULT = "dark"


def scheme(value) -> str | None:
    """What the portal's number means: 1 dark, 2 light; 0 and all else: no preference."""
    return {1: "dark", 2: "light"}.get(value) if isinstance(value, int) else None


def of_palette(application: QtWidgets.QApplication) -> str | None:
    """What the platform's palette is like; None where it is the style's own, which says nothing about the desktop."""
    ground = application.palette().window().color()
    if ground == application.style().standardPalette().window().color():
        return None
    return "dark" if ground.lightness() < 128 else "light"


def has_bus() -> bool:
    """Whether a session bus is there already: none is started for this."""
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS")) or os.path.exists(f"/run/user/{os.getuid()}/bus")


class Appearance(QtCore.QObject):
    """``name``: ``dark`` or ``light``; ``changed`` when the desktop says so later. Make it before our palette."""

    changed = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        application = QtWidgets.QApplication.instance()
        self._palette = of_palette(application) if application.property("look") is None else None
        self._portal: str | None = None
        if application.platformName() not in ("offscreen", "minimal") and QtDBus and has_bus():
            self._ask()

    @property
    def name(self) -> str:
        return self._portal or self._palette or DEFAULT

    def _ask(self) -> None:
        """Ask the portal, and listen to it. Nothing here waits: an answer that never comes changes nothing."""
        bus = QtDBus.QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        bus.connect(SERVICE, PATH, INTERFACE, "SettingChanged", self._on_change)
        call = QtDBus.QDBusMessage.createMethodCall(SERVICE, PATH, INTERFACE, "Read")
        call.setArguments([SPACE, KEY])
        self._watcher = QtDBus.QDBusPendingCallWatcher(bus.asyncCall(call), self)
        self._watcher.finished.connect(self._on_answer)

    def _on_answer(self, watcher) -> None:
        reply = QtDBus.QDBusPendingReply(watcher)
        if reply.isError():  # no portal, or none that knows
            log.info("the desktop does not say whether it is light or dark: %s", reply.error().message())
        else:
            self._take(reply.value())

    @QtCore.Slot(QtDBus.QDBusMessage if QtDBus else object)
    def _on_change(self, message) -> None:
        space, key, value = message.arguments()
        if (space, key) == (SPACE, KEY):
            self._take(value)

    def _take(self, value) -> None:
        while hasattr(value, "variant"):  # the older call wraps its answer twice
            value = value.variant()
        before, self._portal = self.name, scheme(value)
        if self.name != before:
            self.changed.emit()
