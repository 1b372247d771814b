"""The status bar, the message bar and the help overlay."""

from dataclasses import replace

import pytest
from fakes import FakeSession, fake_lane
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import shortcuts
from zoo_gui.keys import Keys
from zoo_gui.shortcuts import TABLE, by_group, compact
from zoo_gui.tally import Rates
from zoo_gui.widgets import banner as banner_module
from zoo_gui.widgets.banner import Banner
from zoo_gui.widgets.help import HelpOverlay, share_out, shown
from zoo_gui.widgets.status import FIELDS, StatusBar

FIGURES = dict(game_fps=59.7, ui_fps=60.2, inference_ms=1.26, steps_per_second=14.9, seed=7, device="CPU",
               state="running", speed=1.0)


@pytest.fixture
def session(qapp):
    return FakeSession((fake_lane(),))


@pytest.fixture
def status(session, qtbot):
    bar = StatusBar(session)
    qtbot.addWidget(bar)
    bar.resize(1500, 24)
    bar.show()
    return bar


def test_figures_are_written_with_their_units(session, status):
    session.status_changed.emit(FIGURES)
    texts = {key: label.text() for key, label in status.fields.items() if label.isVisible()}
    assert texts == {"state": "▶ running", "speed": "1×", "game_fps": "60 game fps", "ui_fps": "60 UI fps",
                     "steps_per_second": "15 steps/s", "inference_ms": "1.3 ms net", "seed": "seed 7", "device": "CPU"}
    session.status_changed.emit({"speed": None, "state": "paused"})
    assert status.fields["speed"].text() == "max" and status.fields["seed"].text() == "seed 7"


def test_fields_keep_their_place_while_numbers_change(session, status, qtbot):
    session.status_changed.emit(FIGURES)
    qtbot.wait(1)
    before = {key: label.geometry() for key, label in status.fields.items()}
    session.status_changed.emit(dict(FIGURES, game_fps=7.1, steps_per_second=9876.0, inference_ms=12.3, ui_fps=144.0,
                                     speed=0.25, state="paused"))
    qtbot.wait(1)
    assert {key: label.geometry() for key, label in status.fields.items()} == before


def test_optional_figures_come_and_go(session, status):
    optional = ("intervention", "recording", "agree", "dropped")
    session.status_changed.emit(dict(FIGURES, intervention=False, recording=None, agree=None))
    assert not any(status.fields[key].isVisible() for key in optional)
    session.status_changed.emit({"intervention": True, "recording": "0:12", "agree": 0.734, "dropped": 3})
    texts = [status.fields[key].text() for key in optional]
    assert texts == ["INTERVENTION ON", "● REC 0:12", "agree 73%", "3 dropped"]
    assert all(status.fields[key].isVisible() for key in optional)


def test_what_the_mouse_is_over_stands_left_and_loading_where_nothing_is(session, status):
    session.status_changed.emit({"state": "loading", "loading": "Loading ppo/Breakout/1"})
    assert status.said.text() == "Loading ppo/Breakout/1"
    session.hovered.emit("conv2:17 = 0.8")
    assert status.said.text() == "conv2:17 = 0.8"
    session.status_changed.emit({"state": "running"})
    session.hovered.emit("")
    assert status.said.text() == ""


def test_words_that_have_no_room_end_with_dots_and_are_whole_for_the_mouse(session, status):
    words = "conv3:12 at row 3, column 4 = 0.8 " * 20
    session.hovered.emit(words)
    assert status.said.text().endswith("…") and status.said.toolTip() == words == status.said.accessibleName()


def test_every_field_is_explained(status):
    assert "(Shift+M)" in status.fields["steady"].toolTip() and "(Shift+F9)" in status.fields["ring"].toolTip()
    for field in FIELDS:
        assert len(status.fields[field.key].toolTip()) > 10
        assert status.fields[field.key].accessibleName()


@pytest.fixture
def banner(session, qtbot, monkeypatch):
    monkeypatch.setattr(banner_module, "INFO_MS", 60)
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    strip = QtWidgets.QToolBar()
    bar = Banner(session)
    strip.addWidget(bar)
    window.addToolBar(strip)
    window.resize(800, 300)
    window.show()
    qtbot.waitExposed(window)
    yield bar  # which keeps the window alive


def click(qtbot, button):
    qtbot.mouseClick(button, QtCore.Qt.LeftButton)


def test_news_go_by_themselves_and_take_the_bar_with_them(session, banner, qtbot):
    assert not banner.isVisible() and not banner.parent().isVisible()
    session.message.emit("info", "Saved it.")
    assert banner.isVisible() and banner.text.text() == "Saved it." and "Info" in banner.sign.text()
    qtbot.waitUntil(lambda: not banner.isVisible())
    assert not banner.parent().isVisible()


def test_errors_stay_until_closed_and_come_first(session, banner, qtbot):
    session.message.emit("info", "Saved it.")
    session.message.emit("error", "No such agent.")
    session.message.emit("error", "No such agent.")
    session.message.emit("warning", "Odd.")
    assert (banner.text.text(), banner.waiting.text()) == ("No such agent.", "1 of 3")
    qtbot.wait(120)
    assert banner.text.text() == "No such agent."
    click(qtbot, banner.closing)
    assert banner.text.text() == "Odd." and banner.waiting.text() == "1 of 2"
    click(qtbot, banner.closing)
    assert banner.text.text() == "Saved it."
    qtbot.waitUntil(lambda: not banner.isVisible())


def test_a_sentence_keeps_its_time_and_old_news_are_none(session, banner, monkeypatch):
    now, begun = [0.0], []
    monkeypatch.setattr(banner_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(banner._timer, "start", lambda: begun.append(banner.shown.sentence))
    session.message.emit("info", "Saved it.")
    session.message.emit("info", "And this.")
    assert banner.text.text() == "Saved it." and begun == ["Saved it."]
    session.message.emit("error", "It ended.")
    now[0] = 30.0
    session.message.emit("info", "Something newer.")
    banner.show_message("info", "An offer.", ("Yes", lambda: None))
    now[0] = 80.0
    banner.dismiss()
    assert banner.text.text() == "Something newer." and banner.waiting.text() == "1 of 2"
    now[0] = 500.0
    banner.show_message("warning", "Odd.")
    banner.dismiss()
    assert banner.text.text() == "An offer."
    banner.dismiss()


def test_the_button_acts_once_and_closes(banner, qtbot):
    done = []
    banner.show_message("error", "It ended.", ("Restart", lambda: done.append(1)))
    assert banner.action.isVisible() and banner.action.text() == "Restart"
    click(qtbot, banner.action)
    assert done == [1] and not banner.isVisible()
    banner.show_message("warning", "Plain <b>text</b>.")
    assert not banner.action.isVisible() and banner.text.textFormat() == QtCore.Qt.PlainText
    click(qtbot, banner.closing)


def test_the_bar_is_as_high_as_its_sentence(session, banner, qtbot):
    session.message.emit("error", "Short.")
    qtbot.wait(1)
    one_line = banner.height()
    assert one_line < 50
    session.message.emit("error", "Long. " * 60)
    click(qtbot, banner.closing)
    qtbot.wait(1)
    assert banner.text.height() >= banner.text.heightForWidth(banner.text.width()) and banner.height() > one_line


def test_an_empty_bar_that_a_layout_brings_back_hides_again(banner):
    banner.parent().show()
    assert not banner.parent().isVisible()


@pytest.fixture
def overlay(qtbot):
    window = QtWidgets.QWidget()
    qtbot.addWidget(window)
    window.resize(1600, 900)
    window.show()
    qtbot.waitExposed(window)
    overlay = HelpOverlay(window)
    overlay.toggle()
    yield overlay  # which keeps the window alive


@pytest.mark.parametrize("key", [QtCore.Qt.Key_Escape, QtCore.Qt.Key_H, QtCore.Qt.Key_Question, QtCore.Qt.Key_F1])
def test_help_is_closed_by_keys(overlay, qtbot, key):
    assert overlay.isVisible()
    qtbot.keyClick(overlay, key)
    assert not overlay.isVisible()
    overlay.toggle()
    assert overlay.isVisible()


def test_help_is_closed_by_the_keys_that_help_has_now(overlay, qtbot):
    keys = {"help": ("F3",), "cycle_saliency": ("H",)}
    shortcuts.use(tuple(replace(row, keys=keys.get(row.command, row.keys)) for row in TABLE))
    try:
        qtbot.keyClick(overlay, QtCore.Qt.Key_H)
        assert overlay.isVisible()
        qtbot.keyClick(overlay, QtCore.Qt.Key_F3)
        assert not overlay.isVisible()
    finally:
        shortcuts.use(TABLE)


def test_help_takes_the_keyboard_scrolls_by_it_and_gives_it_back(overlay, qtbot):
    window = overlay.parentWidget()
    overlay.hide()
    window.resize(700, 300)
    buttons = [QtWidgets.QPushButton(text, window) for text in ("first", "second")]
    for button in buttons:
        button.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    buttons[1].setFocus()
    overlay.toggle()
    called, bar = [], overlay._area.verticalScrollBar()
    keys = Keys(window, list, called.append, lambda pressed: None)
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    places = []
    for key in (QtCore.Qt.Key_Down, QtCore.Qt.Key_Space, QtCore.Qt.Key_PageDown, QtCore.Qt.Key_End, QtCore.Qt.Key_Home,
                QtCore.Qt.Key_Q, QtCore.Qt.Key_R, QtCore.Qt.Key_Tab):
        qtbot.keyClick(overlay, key)
        places.append(bar.value())
    assert 0 < places[0] < places[1] < places[2] <= places[3] == bar.maximum() and not any(places[4:])
    assert overlay.hasFocus() and not called
    qtbot.keyClick(overlay, QtCore.Qt.Key_S, QtCore.Qt.ControlModifier)
    assert called == ["screenshot"]
    qtbot.keyClick(overlay, QtCore.Qt.Key_Escape)
    assert buttons[1].hasFocus() and not overlay.isVisible()
    overlay.toggle()
    buttons[0].setFocus()  # something that was asked for with Ctrl, and is to be seen
    assert not overlay.isVisible() and buttons[0].hasFocus()
    window.removeEventFilter(keys)


def test_help_is_closed_by_a_click_and_follows_the_window(overlay, qtbot):
    overlay.parentWidget().resize(900, 700)
    assert overlay.geometry() == overlay.parentWidget().rect()
    label = next(label for label in overlay.findChildren(QtWidgets.QLabel) if label.text() == "Play or pause")
    qtbot.mouseClick(label, QtCore.Qt.LeftButton)
    assert not overlay.isVisible()


def test_help_says_every_command_within_a_large_window(overlay):
    words = [label.text() for label in overlay.findChildren(QtWidgets.QLabel)]
    for rows in by_group(shown()).values():
        assert {text for _, text in compact(rows)} <= set(words)
    assert not overlay._area.verticalScrollBar().isVisible()
    assert not overlay._area.horizontalScrollBar().isVisible()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_columns_hold_every_group_once_in_order(count):
    columns = share_out(by_group(), count)
    assert len(columns) == count and all(columns)
    assert [group for column in columns for group in column] == list(by_group())


@pytest.mark.parametrize(("times", "shown"), [((1.5, float("nan")), "1.5 ms net"), ((float("nan"),), "–")])
def test_players_without_a_network_take_no_time(status, times, shown):
    rates = Rates()
    for lane, milliseconds in enumerate(times):
        rates.stepped(1, milliseconds, lane)
    status.show_status(rates.figures(0.0))
    assert status.fields["inference_ms"].text() == shown
