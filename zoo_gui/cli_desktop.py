"""``zoo-gui desktop``: puts the program into the menu of the person's desktop, or takes it out again.

Freedesktop's rules: Desktop Entry Specification 1.5, Icon Theme Specification 0.13.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from zoo_gui.types import ZooError

ENTRY = """[Desktop Entry]
Type=Application
Version=1.5
Name=zoo_gui
GenericName=Agent viewer
Comment=Watch an agent think: play, look inside, compare
Exec={command} gui %F
Icon={icon}
Terminal=false
Categories=Science;Education;ArtificialIntelligence;
Keywords=reinforcement learning;Atari;neural network;interpretability;
StartupWMClass=zoo_gui
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's option."""
    parser.add_argument("--remove", action="store_true", help="take it out of the menu again")


def run(options: argparse.Namespace) -> int:
    """Write or remove the two files of this person, and say where they are. Raises ZooError."""
    places = entry_path(), icon_path()
    try:
        if options.remove:
            there = [path for path in places if path.exists()]
            for path in there:
                path.unlink()
        else:
            install(*places)
    except OSError as error:
        raise ZooError(f"{error.filename} cannot be written: {error.strerror}.") from error
    if options.json:
        print(json.dumps({"entry": str(places[0]), "icon": str(places[1]), "installed": not options.remove}))
    elif options.remove:
        print("zoo_gui is out of the menu." if there else "zoo_gui was not in the menu.")
    else:
        print(f"zoo_gui is in the menu ({places[0]}); “zoo-gui desktop --remove” takes it out.")
    return 0


def install(entry: Path, icon: Path) -> None:
    """Write the menu's entry, which starts the command that runs now, and its icon. Raises OSError."""
    from zoo_gui.settings import resource_path

    for path in (entry, icon):
        path.parent.mkdir(parents=True, exist_ok=True)
    icon.write_bytes(resource_path("icons", "zoo_gui.svg").read_bytes())
    entry.write_text(ENTRY.format(command=_command(), icon=icon), encoding="utf-8")


def entry_path() -> Path:
    """Where the menu looks for this person's entries."""
    return _data() / "applications" / "zoo_gui.desktop"


def icon_path() -> Path:
    """Where it looks for their icons."""
    return _data() / "icons" / "hicolor" / "scalable" / "apps" / "zoo_gui.svg"


def _data() -> Path:
    named = os.environ.get("XDG_DATA_HOME", "").strip()
    return Path(named) if named else Path.home() / ".local" / "share"


def _command() -> str:
    """The command of this environment, quoted as the specification wants it; else Python with the module."""
    beside = Path(sys.executable).parent / "zoo-gui"
    found = beside if beside.exists() else shutil.which("zoo-gui")
    words = [str(found)] if found else [sys.executable, "-m", "zoo_gui"]
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """A word of Exec: in quotes, with what these hold escaped twice (once for the key, once for the quotes)."""
    for character in "\\\"`$":
        word = word.replace(character, f"\\\\{character}" if character != "\\" else "\\\\\\\\")
    return '"' + word.replace("%", "%%") + '"'
