from pathlib import Path
from types import SimpleNamespace

import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from zoo_gui import shortcuts
from zoo_gui.keys import Keys
from zoo_gui.naming import action_symbol, readable_action
from zoo_gui.shortcuts import ACTIVATIONS, ANYWHERE, HUMAN, TABLE, Shortcut

Qt = QtCore.Qt
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


# -- a person who plays ---------------------------------------------------------------------------------------------
@pytest.fixture
def desk(qtbot):
    """A window with a panel, a field and words, and what Keys makes of its keys: the stick, the commands."""
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    page, desk = QtWidgets.QWidget(), SimpleNamespace(window=window, stick=[], called=[], contexts=[HUMAN])
    column = QtWidgets.QVBoxLayout(page)
    desk.panel, desk.field, desk.words = QtWidgets.QFrame(), QtWidgets.QLineEdit(), QtWidgets.QLabel("some words")
    desk.panel.setFocusPolicy(Qt.StrongFocus)
    desk.words.setTextInteractionFlags(Qt.TextSelectableByMouse)
    for widget in (desk.panel, desk.field, desk.words):
        column.addWidget(widget)
    window.setCentralWidget(page)
    window.show()
    window.activateWindow()
    desk.keys = Keys(window, lambda: desk.contexts, desk.called.append, lambda pressed: desk.stick.append(set(pressed)))
    desk.keys.look_who_plays()
    desk.panel.setFocus()
    return desk


def hold(desk, *keys):
    for key in keys:
        QtTest.QTest.keyPress(desk.panel, key)
    assert desk.stick[-1] == {{Qt.Key_Left: "LEFT", Qt.Key_Up: "UP"}[key] for key in keys}


def test_a_key_that_is_let_go_is_let_go_whatever_else_is_down(desk):
    hold(desk, Qt.Key_Left, Qt.Key_Up)
    QtTest.QTest.keyRelease(desk.panel, Qt.Key_Left, Qt.ShiftModifier)
    assert desk.stick[-1] == {"UP"}
    desk.contexts = []  # somebody else's turn
    QtTest.QTest.keyRelease(desk.panel, Qt.Key_Up)
    assert desk.stick[-1] == set() and not desk.called


def test_nothing_is_held_after_another_has_played(desk):
    hold(desk, Qt.Key_Left)
    desk.contexts = []
    desk.keys.look_who_plays()
    assert desk.stick[-1] == set()
    desk.contexts = [HUMAN]
    desk.keys.look_who_plays()
    hold(desk, Qt.Key_Up)


def test_menus_dialogs_and_fields_take_the_keys_that_were_held(desk, qtbot):
    menu, dialog = QtWidgets.QMenu(desk.window), QtWidgets.QDialog(desk.window)
    menu.addAction("words")
    for way_out, back in ((lambda: menu.popup(desk.window.pos()), menu.close), (dialog.open, dialog.close),
                          (desk.field.setFocus, lambda: None)):
        hold(desk, Qt.Key_Left)
        way_out()
        assert desk.stick[-1] == set()
        back()
        desk.window.activateWindow()
        desk.panel.setFocus()


def test_marked_words_are_what_is_copied(desk):
    desk.contexts = []
    desk.words.setFocus()
    QtTest.QTest.keyClick(desk.words, Qt.Key_C, Qt.ControlModifier)
    assert desk.called == ["copy"]
    desk.words.setSelection(0, 4)
    QtTest.QTest.keyClick(desk.words, Qt.Key_C, Qt.ControlModifier)
    assert desk.called == ["copy"] and QtWidgets.QApplication.clipboard().text() == "some"
