"""Whether a window can be opened here, found out before Qt is asked: Qt ends the process when it cannot. No Qt."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import socket
import sys
from pathlib import Path

from zoo_gui.types import ZooError

#: Debian's and Ubuntu's packages with what PyQt5's wheel expects of the system.
QT_PACKAGES = (
    "libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 "
    "fonts-dejavu-core"
)


def has_display() -> bool:
    """Whether a screen is there to open a window on (a chosen Qt platform plugin counts as one)."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM", "") not in ("", "xcb"):
        return True
    if os.environ.get("DISPLAY"):
        return _x_answers(os.environ["DISPLAY"])
    return bool(os.environ.get("WAYLAND_DISPLAY"))


def _x_answers(display: str) -> bool:
    """Whether an X server listens at a display name such as ``:0`` or ``host:1.0``."""
    found = re.fullmatch(r"(?:unix/?)?([^:]*):(\d+)(?:\.\d+)?", display)
    if not found:
        return False
    host, number = found[1], int(found[2])
    try:
        if host in ("", "unix"):
            return _connects(socket.AF_UNIX, f"/tmp/.X11-unix/X{number}") or _connects(
                socket.AF_UNIX, f"\0/tmp/.X11-unix/X{number}"
            )
        with socket.create_connection((host, 6000 + number), timeout=2.0):
            return True
    except OSError:
        return False


def _connects(family: int, address: str) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def check_libraries(platform: str) -> None:
    """Raise ZooError, naming the library and the cure, when Qt's platform plugin could not be loaded."""
    if not sys.platform.startswith("linux"):
        return
    spec = importlib.util.find_spec("PyQt5")
    if spec is None or spec.origin is None:
        raise ZooError("PyQt5 is not installed: run “pip install PyQt5”.")
    plugin = Path(spec.origin).parent / "Qt5" / "plugins" / "platforms" / f"libq{platform}.so"
    if not plugin.exists():
        return
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        library = str(error).split(":")[0]
        raise ZooError(
            f"Qt cannot open a window because the system library {library} is missing: install it, on Debian or "
            f"Ubuntu with “apt install {QT_PACKAGES}”."
        ) from None


def desktop_dpi() -> float | None:
    """The dots an inch that the desktop on this X screen asks for (``Xft.dpi``; 144 stands for 150 %), None where none
    does: what the screen says of its size in millimetres is no wish of anybody's."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XResourceManagerString.restype = ctypes.c_char_p
        screen = ctypes.c_void_p(x11.XOpenDisplay(None))
        if not screen:
            return None
        text = (x11.XResourceManagerString(screen) or b"").decode(errors="replace")
        x11.XCloseDisplay(screen)
    except (OSError, AttributeError):
        return None
    found = re.search(r"^Xft\.dpi:\s*(\d+(?:\.\d+)?)", text, re.MULTILINE)
    return float(found[1]) if found else None
