"""Settings that survive a sitting, and where files live: resources, cache, recordings. No Qt.

Environment variables move things: ``ZOO_GUI_CONFIG`` the settings file, ``ZOO_GUI_CACHE`` and ``ZOO_GUI_RECORDINGS``
the folders.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import platformdirs

from zoo_gui.types import ZooError

APP = "zoo_gui"
VERSION = 1
FREE_PREFIX = "panel/"
log = logging.getLogger(__name__)


def resource_path(*parts: str) -> Path:
    """A file or folder among the resources that ship with the program.

    In a wheel the top-level ``resources`` folder is the package ``zoo_gui.resources``; a checkout or an editable
    install has it beside the package instead. Raises ZooError when there are no resources at all.
    """
    return _shipped("resources", parts)


def docs_path(*parts: str) -> Path:
    """A page of the documentation, or a picture of one: ``docs_path("panels", "game.md")``.

    An install has every page and the panels' pictures, a checkout everything. The file need not be there. Raises
    ZooError when there are no pages at all.
    """
    return _shipped("docs", parts)


def _shipped(folder: str, parts: tuple[str, ...]) -> Path:
    """What lies in this folder: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for root in (package / folder, package.parent / folder):
        if root.is_dir():
            return root.joinpath(*parts)
    raise ZooError(f"The program's {folder} folder is missing: install zoo_gui again.")


def config_path() -> Path:
    """The settings file."""
    return _from_environment("ZOO_GUI_CONFIG") or platformdirs.user_config_path(APP, appauthor=False) / "settings.json"


def cache_dir() -> Path:
    """Where results that can be computed again are kept; not created here (see ``writable_dir``)."""
    return _from_environment("ZOO_GUI_CACHE") or platformdirs.user_cache_path(APP, appauthor=False)


def recordings_dir() -> Path:
    """Where recordings and screenshots go: ``zoo_gui`` in the videos folder, else ``zoo_gui recordings`` in home."""
    videos = platformdirs.user_videos_path()
    default = videos / APP if videos.is_dir() else Path.home() / "zoo_gui recordings"
    return _from_environment("ZOO_GUI_RECORDINGS") or default


def writable_dir(path: Path, purpose: str) -> Path:
    """``path``, created if need be and tried; ``purpose`` names it in the error, for example "recordings folder".

    Raises ZooError when it cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ZooError(f"The {purpose} {path} cannot be written ({error.strerror}): choose another one.") from error
    return path


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name, "").strip()
    return Path(value).expanduser().absolute() if value else None


@dataclass(frozen=True)
class Key:
    """What a setting may hold: values of the default's type (whole numbers pass as floats), within the bounds.

    choices: the only allowed values, if given. low, high: inclusive bounds of numbers. optional: None is allowed.
    """

    default: Any
    choices: tuple = ()
    low: float = -math.inf
    high: float = math.inf
    optional: bool = False

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` may be stored."""
        if value is None:
            return self.optional
        if self.choices and value not in self.choices:
            return False
        return _same_type(value, self.default) and _within(value, self.low, self.high)


KEYS: Mapping[str, Key] = {
    "window/geometry": Key(""),  # base64 of what the window toolkit saves
    "window/layouts": Key({}),  # by name and number of agents, of Inspect by number alone: base64 again
    "window/own_layouts": Key({}),  # the person's: {name: {"base": that it was made from, "states": {number: base64}}}
    "window/layout": Key("Inspect"),  # the present one
    "present/laser": Key(False),  # whether presenting begins with it
    "present/spotlight": Key(False),
    "present/type": Key(0.0, low=0.0, high=20.0),  # points while presenting; 0: larger than else, by the window's width
    "present/hint": Key(True),  # whether the next cue is announced
    "present/cues": Key(""),  # the file of cues that was opened last
    "play/agents": Key([]),  # ids or paths that were opened last, the newest first
    "play/seed": Key(0, low=0),
    "play/speed": Key(1.0, low=0.01, high=1000.0, optional=True),  # 1: real time
    "keys/own": Key({}),  # {command: [keys]}, of those that the person changed; see keymap
    "palette/recent": Key([]),  # what the command palette did last, the newest first
    "tour/seen": Key(False),  # whether the first-run tour was shown
    "zoo/folders": Key([]),  # searched for agents, beside those of the program
    "session/folder": Key(""),  # where one was saved last
    "lab/folders": Key([]),  # result folders that were opened last, the newest first
    "zoo/mirror": Key(""),  # an URL prefix that stands for the hosts of published agents
    "look/theme": Key("system", choices=("system", "dark", "light")),
    "look/type": Key(0.0, low=0.0, high=20.0),  # points of plain text, 5 to 20; 0: as on this desktop
    "look/steady": Key(False),  # whether games are shown as the brighter of each two frames
    "record/what": Key("window"),  # or a panel's name
    "record/size": Key("shown", choices=("shown", "720p", "1080p", "1440p", "2160p")),
    "record/fps": Key(30, choices=(30, 60)),
    "record/form": Key("mp4", choices=("mp4", "gif", "png")),
    "record/quality": Key("good", choices=("high", "good", "small")),
    "record/crisp": Key(True),  # other sizes than the screen's are drawn anew
    "record/captions": Key([]),
    "record/pointer": Key(True),
    "record/ring": Key(False),  # whether the last seconds are kept all the time
    "record/ring_seconds": Key(30, low=10, high=120),
    "view/colormap": Key("viridis"),
    "view/signed_colormap": Key("CET-D4"),
    "view/gamma": Key(0.5, low=0.05, high=20.0),
    "view/contrast": Key("layer", choices=("layer", "channel")),
    "view/scale": Key("running", choices=("running", "locked", "frame")),
    "view/labels": Key(True),
    "view/saliency_opacity": Key(0.6, low=0.0, high=1.0),
    "view/saliency_frames": Key("sum", choices=("sum", "largest", "newest", "each")),  # of the stack, as one picture
    "view/saliency_signs": Key(True),  # whether what speaks against it has a colour of its own
    "view/boost": Key(0.0, low=0.0, high=1.0),
    "view/motion": Key(True),  # whether optimised frames play as films
}
"""Every setting of the program. A panel keeps its own under ``panel/<name>/<key>``: any JSON value."""


class Settings:
    """One versioned JSON file of settings; see KEYS for the names.

    Reading never fails: an unreadable file is copied to ``settings.json.bak`` and the defaults apply; a single bad key
    or value is dropped with a warning in the log. ``save`` writes atomically.
    """

    def __init__(self, path: Path | None = None):
        self.path = Path(path) if path else config_path()
        self._values: dict[str, Any] = {}
        for key, value in self._read().items():
            try:
                self.set(key, value)
            except ValueError as error:
                log.warning("Setting dropped from %s: %s", self.path, error)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``: of a ``panel/…`` key, ``default`` also where the stored value is of another type.

        Raises KeyError for a name that is neither in KEYS nor under ``panel/``.
        """
        if key.startswith(FREE_PREFIX):
            value = self._values.get(key, default)
            return value if default is None or value is None or _same_type(value, default) else default
        value = self._values.get(key, KEYS[key].default)
        return list(value) if isinstance(value, list) else value

    def set(self, key: str, value: Any) -> None:
        """Change a value in memory; ``save`` keeps it. Raises ValueError for a bad key or value."""
        if key.startswith(FREE_PREFIX):
            if not _is_json(value):
                raise ValueError(f"{key} cannot hold {value!r}: it is not JSON")
        elif key not in KEYS:
            raise ValueError(f"there is no setting {key!r}")
        elif not KEYS[key].accepts(value):
            raise ValueError(f"{key} cannot hold {value!r}")
        self._values[key] = value

    def reset(self, prefix: str = "") -> None:
        """Back to the defaults, for the keys that start with ``prefix``."""
        self._values = {key: value for key, value in self._values.items() if not key.startswith(prefix)}

    def snapshot(self) -> "Settings":
        """The same as they are now, for a thread that writes them while this one's go on changing."""
        found = copy.copy(self)
        found._values = dict(self._values)
        return found

    def save(self) -> None:
        """Write the file, wholly or not at all. Raises ZooError where that is impossible."""
        text = json.dumps({"version": VERSION, "values": self._values}, indent=1, sort_keys=True)
        scratch = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.path.parent, delete=False) as file:
                scratch = file.name
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, self.path)
        except OSError as error:
            if scratch:
                Path(scratch).unlink(missing_ok=True)
            raise ZooError(
                f"The settings cannot be saved in {self.path} ({error.strerror}): "
                "make it writable, or name another file in ZOO_GUI_CONFIG."
            ) from error

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            version, values = data["version"], data["values"]
            if not isinstance(values, dict):
                raise TypeError("values is not a table")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self._keep_copy(f"cannot be read ({type(error).__name__})")
            return {}
        if version != VERSION:
            self._keep_copy(f"is of version {version!r}, not {VERSION}")
        return values

    def _keep_copy(self, reason: str) -> None:
        """Copy the file beside itself before a later ``save`` replaces it."""
        copy = self.path.with_name(self.path.name + ".bak")
        try:
            shutil.copyfile(self.path, copy)
            kept = f"a copy is kept in {copy}"
        except OSError:
            kept = "no copy of it could be made"
        log.warning("The settings file %s %s: defaults apply where need be; %s.", self.path, reason, kept)


def _same_type(value: Any, like: Any) -> bool:
    """Whether a value may stand for ``like``: same JSON type; a list holds strings; an int may stand for a float."""
    if isinstance(like, bool) or isinstance(value, bool):
        return isinstance(like, bool) and isinstance(value, bool)
    if isinstance(like, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, (int, float) if isinstance(like, float) else type(like))


def _within(value: Any, low: float, high: float) -> bool:
    return not isinstance(value, (int, float)) or low <= value <= high


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
