from pathlib import Path

import pytest
from pyqtgraph.Qt import QtGui

from zoo_gui import shortcuts
from zoo_gui.naming import action_symbol, readable_action
from zoo_gui.shortcuts import ACTIVATIONS, ANYWHERE, HUMAN, TABLE, Shortcut

PAGE = Path(__file__).parent.parent / "docs" / "keyboard.md"


def test_no_key_means_two_things_in_one_context():
    assert shortcuts.conflicts() == []


def test_conflicts_are_found():
    table = (
        Shortcut("one", ("A", "Left"), "", ""), Shortcut("two", ("a",), "", ""),
        Shortcut("three", ("Left",), "", "", ACTIVATIONS), Shortcut("four", ("X",), "", "", "nowhere"),
    )
    found = shortcuts.conflicts(table)
    assert len(found) == 2 and "nowhere" in found[0] and "one and two" in found[1]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.command}-{row.when}")
def test_every_key_is_one_that_qt_knows(row, qapp):
    for key in row.keys:
        sequence = QtGui.QKeySequence(key)
        assert sequence.count() == 1 and sequence.toString() == key


def test_keys_as_the_brief_and_deepvis_have_them():
    def command(key, when=ANYWHERE):
        return next(row.command for row in TABLE if row.when == when and key in row.keys)

    assert command("Space") == command("F") == "toggle"
    assert [command(key) for key in "IJKL"] == ["move_up", "move_left", "move_down", "move_right"]
    assert command("Shift+L") == "move_right_3" and command("Right", ACTIVATIONS) == "move_right"
    assert command("Right") == "step" and command("Right", HUMAN) == "game_right"
    assert command("Space", HUMAN) == "game_fire"
    assert [command(key) for key in ("U", "O", "T", "Shift+T", "Z", "8", "H", "Q", "Esc")] == [
        "previous_layer", "next_layer", "cycle_gamma", "cycle_boost", "enlarge_layer", "toggle_labels", "help", "quit",
        "escape"]
    assert [command(key) for key in ("F11", "Ctrl+O", "Ctrl+Q", "Ctrl+S", "?")] == [
        "full_screen", "open_agent", "quit", "screenshot", "help"]


def test_the_page_is_current():
    page = PAGE.read_text(encoding="utf-8")
    assert page == shortcuts.markdown(), "run python -m zoo_gui.shortcuts > docs/keyboard.md"


def test_reading_rows_lose_no_key():
    for when in (ANYWHERE, ACTIVATIONS, HUMAN):
        table = tuple(row for row in TABLE if row.when == when)
        read = [key for keys, _ in shortcuts.compact(table) for key in keys]
        assert sorted(read) == sorted(shortcuts.spelled(key) for row in table for key in row.keys)


@pytest.mark.parametrize("key,text", [("Shift+Up", "Shift+↑"), ("F", "f"), ("Shift+T", "Shift+T"), ("+", "+"),
                                      ("-", "−"), ("PgDown", "Page Down"), ("F11", "F11"),
                                      ("Ctrl+Shift+O", "Ctrl+Shift+O")])
def test_keys_are_spelled_for_people(key, text):
    assert shortcuts.spelled(key) == text


@pytest.mark.parametrize("name,readable,symbol", [
    ("NOOP", "no-op", "·"), ("FIRE", "fire", "●"), ("UP", "up", "↑"), ("UPRIGHT", "up-right", "↗"),
    ("DOWNLEFTFIRE", "down-left + fire", "↙●"), ("RIGHTFIRE", "right + fire", "→●"),
    ("TORQUE_UP", "torque up", "torque up"),
    ("", "", ""),
])
def test_action_names(name, readable, symbol):
    assert readable_action(name) == readable and action_symbol(name) == symbol
