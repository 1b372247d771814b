"""How a recording is made: what, how large, how often, as what. No Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_gui.types import ZooError

SHOWN = "shown"
SIZES = {SHOWN: None, "720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440), "2160p": (3840, 2160)}
"""Name of a size → (width, height); as shown: the size on the screen."""
SIZE_NAMES = {SHOWN: "As on screen", "720p": "1280 × 720 (720p)", "1080p": "1920 × 1080 (1080p)",
              "1440p": "2560 × 1440 (1440p)", "2160p": "3840 × 2160 (4K)"}  # fmt: skip
RATES = (30, 60)
FORMATS = {"mp4": "H.264 film (.mp4)", "gif": "GIF, 20 pictures a second", "png": "Numbered PNG pictures in a folder"}
QUALITIES = {"high": "high", "good": "good", "small": "small files"}
CAPTIONS = ("agent", "action", "reward", "score", "keys")
"""What may be written under the picture."""
WINDOW = "window"
RING_SECONDS = (10, 120)
_REGION = re.compile(r"(-?\d+),(-?\d+),(\d+),(\d+)")


@dataclass(frozen=True)
class Recording:
    """what: ``window``, a panel's name, or a region of the window ``x,y,width,height``. size: a key of SIZES. form: of
    FORMATS. crisp: other sizes than the screen's are drawn anew, which costs time; else they are enlarged. captions:
    some of CAPTIONS. pointer: whether the mouse pointer is in the picture. path: None: named after the moment."""

    what: str = WINDOW
    size: str = SHOWN
    fps: int = 30
    form: str = "mp4"
    quality: str = "good"
    crisp: bool = True
    captions: tuple[str, ...] = ()
    pointer: bool = True
    path: Path | None = None

    @property
    def region(self) -> tuple[int, int, int, int] | None:
        """(x, y, width, height) in the window, None where it is no region."""
        found = _REGION.fullmatch(self.what.replace(" ", ""))
        return tuple(map(int, found.groups())) if found else None

    @property
    def pixels(self) -> tuple[int, int] | None:
        """(width, height), None: as shown."""
        return SIZES[self.size]

    def checked(self, panels: Any) -> "Recording":
        """Itself, if it can be: ``panels`` are the names of those there are. Raises ZooError."""
        if self.size not in SIZES:
            raise ZooError(f"“{self.size}” is no size of a recording: choose {_listed(SIZES)}.")
        if self.fps not in RATES:
            raise ZooError(f"{self.fps} pictures a second cannot be recorded: choose {_listed(RATES)}.")
        if self.form not in FORMATS:
            raise ZooError(f"“{self.form}” is no format of a recording: choose {_listed(FORMATS)}.")
        if unknown := [name for name in self.captions if name not in CAPTIONS]:
            raise ZooError(f"“{unknown[0]}” is no caption: choose among {_listed(CAPTIONS)}.")
        if self.region is not None and min(self.region[2:]) < 16:
            raise ZooError("A region to record is at least 16 pixels wide and high: x,y,width,height.")
        if self.region is None and self.what != WINDOW and self.what not in panels:
            raise ZooError(f"“{self.what}” is neither the window nor a panel nor x,y,width,height: panels are "
                           f"{', '.join(panels)}.")  # fmt: skip
        return self

    @classmethod
    def of_settings(cls, settings: Any) -> "Recording":
        """As the person chose it last."""
        names = ("what", "size", "fps", "form", "quality", "crisp", "pointer")
        chosen = {name: settings.get(f"record/{name}") for name in names}
        captions = tuple(name for name in settings.get("record/captions") if name in CAPTIONS)
        return cls(**chosen, captions=captions)

    def keep(self, settings: Any) -> None:
        """Remember it. What was recorded is remembered where it is still there the next day: the window or a panel."""
        for name in ("size", "fps", "form", "quality", "crisp", "pointer"):
            settings.set(f"record/{name}", getattr(self, name))
        settings.set("record/captions", list(self.captions))
        settings.set("record/what", WINDOW if self.region else self.what)


def _listed(names: Any) -> str:
    *most, last = map(str, names)
    return f"{', '.join(most)} or {last}"


def clock(seconds: float, size: int) -> str:
    """How long and how large, for the status bar: ``1:05 · 12.3 MB``."""
    whole = int(seconds)
    hours = f"{whole // 3600}:{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    large = f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
    return f"{hours}:{whole % 60:02d} · {large}"
