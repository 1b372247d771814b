#!/usr/bin/env python3
"""Write resources/minimal_actions.toml: ALE's minimal action set of every game that has a ROM here."""

from pathlib import Path

import ale_py

from zoo_gui.play import games

ROOT = Path(__file__).resolve().parent.parent


def table(ids: list[str] | None = None) -> dict[str, str]:
    """{game as cards spell it: names in ALE's order}, of these ALE ids, by default of all."""
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    result = {}
    for game in ids or games.names():
        ale = ale_py.ALEInterface()
        ale.loadROM(games.rom_path(game))
        result[games.identity(game)] = " ".join(action.name for action in ale.getMinimalActionSet())
    return result


if __name__ == "__main__":
    lines = [f'{game} = "{names}"\n' for game, names in sorted(table().items())]
    head = "# ALE's minimal action sets, in order. Written by tools/minimal_actions.py.\n"
    (ROOT / "resources" / "minimal_actions.toml").write_text(head + "".join(lines), encoding="utf-8")
