"""Pages of the documentation, read in a thread with their pictures, and one about the program."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Iterator, NamedTuple

from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui import settings
from zoo_gui.errands import Errands
from zoo_gui.types import ZooError

ABOUT = "about"
#: Pictures are kept no wider, in pixels: enough for the reader on a screen of twice the density.
WIDEST = 1400
PARTS = ("PyQt5", "pyqtgraph", "numpy", "tensorflow", "ale-py", "gymnasium", "lucid")
_DIRECTIVE = re.compile(r"^```\{[^}]*\}[^\n]*\n.*?^```[ \t]*$\n?", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r"^```\{include\}\s*(\S+)\s*\n```[ \t]*$", re.MULTILINE)
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


class Page(NamedTuple):
    """name: its place below docs, ``panels/game.md``. pictures: by the name that the text has for them. fault: why
    there is no text, in a sentence."""

    name: str
    text: str
    pictures: dict[str, QtGui.QImage]
    fault: str = ""

    @property
    def title(self) -> str:
        """Its first heading."""
        found = re.search(r"^#\s+(.+)$", self.text, re.MULTILINE)
        return found[1].strip() if found else self.name


def resolve(base: str, link: str) -> tuple[str, str]:
    """(page, heading) that a link on a page leads to; a page "" is outside the documentation."""
    target, _, heading = link.partition("#")
    if not target:
        return base, heading
    parts: list[str] = [] if target.startswith("/") else base.split("/")[:-1]
    for part in target.strip("/").split("/"):
        if part == ".." and not parts:
            return "", heading
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts), heading


def read(name: str) -> Page:
    """A page; what is missing is said in its ``fault``."""
    if name == ABOUT:
        return Page(name, _about(), {})
    try:
        path = settings.docs_path(*name.split("/"))
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError, ZooError):
        return Page(name, "", {}, f"The page {name} is not installed here: it is among the program's sources, in docs.")
    text = _DIRECTIVE.sub("", _INCLUDE.sub(lambda found: _included(path, found[1]), text))
    pictures = {link: _picture(path.parent / link) for link in _PICTURE.findall(text)}
    return Page(name, text, {link: picture for link, picture in pictures.items() if picture is not None})


def _included(page: Path, link: str) -> str:
    try:
        return (page.parent / link).read_text(encoding="utf-8")
    except OSError:
        return ""


def _picture(path: Path) -> QtGui.QImage | None:
    reader = QtGui.QImageReader(str(path))
    size = reader.size()
    if size.width() > WIDEST:
        reader.setScaledSize(size.scaled(WIDEST, size.height(), QtCore.Qt.KeepAspectRatio))
    picture = reader.read()
    return None if picture.isNull() else picture


def _about() -> str:
    """The page about the program, as Markdown."""
    from zoo_gui import __version__

    versions = [("Python", _python()), *((name, _version(name)) for name in PARTS)]
    folders = (("settings", settings.config_path()), ("recordings and pictures", settings.recordings_dir()),
               ("cache", settings.cache_dir()))  # fmt: skip
    runs_on = "\n".join(f"| {name} | {version} |" for name, version in versions)
    keeps = "\n".join(f"| {what} | `{path}` |" for what, path in folders)
    return f"""# About zoo_gui

Version {__version__}. Watch an agent think: load, play, analyse and compare game-playing agents.
Free under the MIT licence.

## What it runs on

| part | version |
|---|---|
{runs_on}

## Where it keeps things

| what | where |
|---|---|
{keeps}

When something does not work, `zoo-gui doctor` on a terminal looks at all of this and says what to do.

[All pages](index.md)
"""


def _python() -> str:
    import platform

    return platform.python_version()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


class Pages(Errands):
    """Ask with ``want``; ``page_read`` has the Page."""

    page_read = QtCore.Signal(object)
    name = "zoo_gui pages"

    def want(self, name: str) -> None:
        """Read a page; one that was asked for before and is not there yet is not wanted any more."""
        self.send("page", lambda: _reading(name))

    def on_result(self, key: str, payload: Page) -> None:
        self.page_read.emit(payload)


def _reading(name: str) -> Iterator[Page]:
    yield read(name)
