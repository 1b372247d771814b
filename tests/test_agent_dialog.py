"""Choosing an agent by mouse and keyboard: the dialog, and the browser that the zoo panel shares with it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.agents import catalogue
from zoo_gui.agents.entry import Entry
from zoo_gui.app import MainWindow
from zoo_gui.session import Session
from zoo_gui.settings import Settings
from zoo_gui.widgets.agent_dialog import AgentDialog
from zoo_gui.widgets.zoo_table import (
    FRAMES, LICENCE, SCORE, SOURCE, STATUS, frames_text, number, status_text, yardsticks,
)  # fmt: skip

Qt = QtCore.Qt


def entry(id: str, tag: str = "", **changes) -> Entry:
    algorithm, game, run = id.split(":")[-1].split("@")[0].split("/")[:3]
    parts = dict(algorithm_title=algorithm.upper(), score=10.0, random_score=1.5, thumbnail=Path("thumbnail.png"))
    return Entry(id, algorithm, game, int(run), tag, Path("card.toml"), f"{algorithm} {game}", **(parts | changes))


def remote(id: str, **changes) -> Entry:
    parts = dict(source="dopamine", status="to download", thumbnail=None, score=None)
    return entry(id, **(parts | changes))


STAGES = [
    entry("a2c/Pong/1@initial", "initial", remark="Not better than doing nothing (21)."),
    entry("a2c/Pong/1@1.6M", "1.6M"),
    entry("a2c/Pong/1", constant_score=2.5, human_score=20.0),
    entry("apex/Qbert/1", algorithm_title="Ape-X", thumbnail=None),
]
ELSEWHERE = [
    remote("dopamine:dqn/Pong/1", size=13_400_000),
    remote("zoo:a2c/Pong/1", source="zoo", status="not reachable since 2020"),
]


@pytest.fixture
def make(qtbot):
    """A dialog that is shown with these entries, by default those of the zoo."""
    kept = []  # or a collection of garbage while it is painted destroys it: no window owns it here

    def make(entries=None):
        dialog = AgentDialog("Open an agent")
        qtbot.addWidget(dialog)
        kept.append(dialog)
        dialog.set_entries(catalogue.entries() if entries is None else entries)
        dialog.show()
        return dialog

    yield make
    kept.clear()


def visible(dialog):
    return [entry.id for entry in dialog.browser.model.shown]


def cells(dialog, row):
    model = dialog.browser.model
    return [model.index(row, column).data() for column in range(model.columnCount())]


def select(dialog, row):
    dialog.browser.table.selectRow(row)


def png(colour=(0, 0, 255), size=(105, 80)) -> bytes:
    return cv2.imencode(".png", np.full((*size, 3), colour, np.uint8))[1].tobytes()


def test_search_opens_what_is_seen(make, qtbot):
    dialog = make()
    browser = dialog.browser
    assert len(visible(dialog)) == len(catalogue.entries()) > 2000
    assert browser.selected_id() == next(entry.id for entry in catalogue.entries() if not entry.tag)
    qtbot.keyClicks(browser.search, "ppo break final 1 embedded")
    assert visible(dialog) == ["ppo/Breakout/1"] and "PPO" in browser.description.text()
    assert browser.count.text().startswith("1 of ")
    with qtbot.waitSignal(dialog.chosen) as chosen:
        qtbot.keyClick(browser.search, Qt.Key_Return)
    assert chosen.args == ["ppo/Breakout/1"]


def test_nothing_found_opens_nothing(make, qtbot):
    dialog = make(STAGES)
    browser = dialog.browser
    select(dialog, 0)
    qtbot.keyClicks(browser.search, "no such agent")
    assert visible(dialog) == [] and browser.selected_id() is None
    opened = []
    dialog.chosen.connect(opened.append)
    button = dialog.findChild(QtWidgets.QDialogButtonBox).button(QtWidgets.QDialogButtonBox.Open)
    qtbot.mouseClick(button, Qt.LeftButton)
    assert opened == [] and "No agent" in browser.description.text() and not browser.remark.isVisible()
    browser.search.clear()
    assert browser.selected_id() is not None
    dialog.reject()


def test_rows_say_score_frames_licence_and_status(make):
    dialog = make([entry("a2c/Pong/1", frames=10_000_000, licence="MIT"), *ELSEWHERE])
    first, second, third = (cells(dialog, row) for row in range(3))
    assert (first[SCORE], first[FRAMES], first[LICENCE], first[SOURCE]) == ("10", "10 M", "MIT", "Built in")
    assert (first[STATUS], second[STATUS], third[STATUS]) == (
        "ready", "to download, 13.4 MB", "not reachable since 2020")  # fmt: skip
    assert (second[SCORE], second[FRAMES], second[SOURCE]) == ("", "", "Dopamine")


def test_numbers_for_people():
    assert [number(x) for x in (None, 0.5, 21.0, -20.37, 853980.2)] == ["", "0.5", "21", "-20.4", "853,980"]
    assert [frames_text(x) for x in (None, 0, 1_600_000, 200_000_000)] == ["", "0 M", "1.6 M", "200 M"]
    assert yardsticks(STAGES[2]) == "random 1.5 · constant 2.5 · person 20"
    assert yardsticks(STAGES[2], all=False) == "random 1.5 · person 20"
    assert status_text(ELSEWHERE[0]) == "to download, 13.4 MB"


def test_levels_compare_games():
    assert entry("a/B/1", score=30, random_score=10, human_score=50).level == 0.5
    assert entry("a/B/1", score=30, random_score=10).level is None
    assert entry("a/B/1", score=30, random_score=10, human_score=10).level is None


def test_filters_by_game_algorithm_source_and_what_is_here(make):
    dialog = make([*STAGES, *ELSEWHERE])
    browser = dialog.browser
    titles = [browser.algorithm.itemText(i) for i in range(browser.algorithm.count())]
    assert titles == ["All algorithms", "A2C", "Ape-X", "DQN"]
    browser.game.setCurrentIndex(browser.game.findData("Qbert"))
    assert visible(dialog) == ["apex/Qbert/1"]
    browser.game.setCurrentIndex(0)
    browser.algorithm.setCurrentIndex(browser.algorithm.findData("a2c"))
    assert len(visible(dialog)) == 4
    browser.here.setChecked(True)
    assert len(visible(dialog)) == 3
    browser.algorithm.setCurrentIndex(0)
    browser.here.setChecked(False)
    browser.source.setCurrentIndex(browser.source.findData("zoo"))
    assert visible(dialog) == ["zoo:a2c/Pong/1"]
    browser.set_entries([*STAGES, *ELSEWHERE, remote("dopamine:c51/Pong/1")])
    assert visible(dialog) == ["zoo:a2c/Pong/1"]  # reading again changes no filter


def test_sorting(make):
    rows = [entry("a/Pong/1", score=5, human_score=10), entry("b/Alien/1", score=9, human_score=10), *ELSEWHERE]
    dialog = make(rows)
    table = dialog.browser.table
    select(dialog, 0)
    table.sortByColumn(SCORE, Qt.DescendingOrder)
    assert visible(dialog) == ["b/Alien/1", "a/Pong/1", *(row.id for row in ELSEWHERE)]
    assert dialog.browser.selected_id() == "a/Pong/1"
    table.sortByColumn(SCORE, Qt.AscendingOrder)
    assert visible(dialog)[:2] == ["a/Pong/1", "b/Alien/1"]
    for column in range(6):
        table.sortByColumn(column, Qt.DescendingOrder)
        assert sorted(visible(dialog)) == sorted(row.id for row in rows)
    table.sortByColumn(-1, Qt.AscendingOrder)
    assert visible(dialog) == [row.id for row in rows]


def test_the_arrows_move_from_the_search_field(make, qtbot):
    dialog = make(STAGES)
    select(dialog, 0)
    qtbot.keyClick(dialog.browser.search, Qt.Key_Down)
    assert dialog.browser.selected_id() == STAGES[1].id
    qtbot.keyClick(dialog.browser.search, Qt.Key_Up)
    assert dialog.browser.selected_id() == STAGES[0].id


def test_enter_and_double_click_open_with_shift_beside(make, qtbot):
    dialog = make(STAGES)
    table, opened = dialog.browser.table, []
    dialog.browser.opened.disconnect()
    dialog.browser.opened.connect(lambda *args: opened.append(args))
    select(dialog, 1)
    qtbot.keyClick(table, Qt.Key_Return)
    qtbot.keyClick(table, Qt.Key_Return, Qt.ShiftModifier)
    qtbot.keyClick(dialog.browser.search, Qt.Key_Return, Qt.ShiftModifier)
    place = table.visualRect(dialog.browser.model.index(1, 0)).center()
    qtbot.mouseDClick(table.viewport(), Qt.LeftButton, pos=place)
    id = STAGES[1].id
    assert opened == [(id, False), (id, True), (id, True), (id, False)]


def test_a_trained_agent_is_selected_first_not_an_early_stage(make, qtbot):
    dialog = make(STAGES)
    assert dialog.browser.selected_id() == "a2c/Pong/1"
    qtbot.keyClicks(dialog.browser.search, "1.6M")
    assert dialog.browser.selected_id() == "a2c/Pong/1@1.6M"
    dialog.browser.search.setText("pong")
    assert dialog.browser.selected_id() == "a2c/Pong/1@1.6M"  # still seen, so it stays


def test_an_agent_that_is_not_better_says_so(make):
    dialog = make(STAGES)
    browser = dialog.browser
    assert not browser.remark.isVisible()
    select(dialog, 0)
    assert browser.remark.isVisible() and browser.remark.text() == STAGES[0].remark
    assert browser.model.index(0, SCORE).data(Qt.ToolTipRole) == STAGES[0].remark
    select(dialog, 1)
    assert not browser.remark.isVisible()


def test_pictures_come_later_and_belong_to_their_agents(make, qtbot):
    dialog = make(STAGES)
    browser, wanted = dialog.browser, []
    browser.model._pictures.clear()
    dialog.picture_wanted.connect(wanted.append)
    select(dialog, 1)
    select(dialog, 2)
    assert [entry.id for entry in wanted[:2]] == ["a2c/Pong/1@1.6M", "a2c/Pong/1"]
    dialog.set_thumbnail("a2c/Pong/1", png((0, 0, 255)))
    dialog.set_thumbnail("a2c/Pong/1@1.6M", png((0, 255, 0)))
    assert browser.thumbnail.pixmap().toImage().pixelColor(5, 5).name() == "#ff0000"
    select(dialog, 1)
    assert browser.thumbnail.pixmap().toImage().pixelColor(5, 5).name() == "#00ff00"
    select(dialog, 3)
    assert not browser.thumbnail.isVisible()
    assert len(wanted) == len({entry.id for entry in wanted})  # each is asked for once


@pytest.mark.parametrize("data", [b"", b"rubbish", png()[:60], png(size=(1, 2000)), b"\xff\xd8\xff\xe0 a jpeg"])
def test_what_is_no_picture_is_not_shown(make, data):
    dialog = make(STAGES)
    dialog.set_thumbnail("a2c/Pong/1", data)
    assert not dialog.browser.thumbnail.pixmap() and dialog.browser.selected_id() == "a2c/Pong/1"


def test_cards_are_shown_as_plain_text(make):
    dialog = make([entry("a2c/Pong/1", description="<img src='x'> <b>bold</b>")])
    assert dialog.browser.description.textFormat() == Qt.PlainText


def test_every_cell_can_be_painted(make):
    rows = [*STAGES, *ELSEWHERE, entry("b/Alien/1", score=-5.0, random_score=-10, human_score=0.0, licence="x" * 300)]
    dialog = make(rows)
    dialog.browser.model.set_picture("a2c/Pong/1", None)
    dialog.browser.set_loading({rows[0].id: ("1 of 2 MB", 0.5), rows[1].id: ("loading …", None)})
    assert not dialog.browser.grab().isNull()


def test_closing_the_dialog_while_it_is_still_being_filled_is_no_error(qtbot, monkeypatch):
    monkeypatch.setattr(catalogue, "entries", lambda only=(): STAGES)
    monkeypatch.setattr(catalogue, "read_thumbnail", lambda entry: png())
    window = MainWindow(Session(), Settings())
    qtbot.addWidget(window)
    window.choose_agent(add=False)
    dialog = window.findChild(AgentDialog)
    qtbot.waitUntil(lambda: bool(dialog.browser.thumbnail.pixmap()))
    assert len(visible(dialog)) == len(STAGES)
    dialog.reject()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
    window.session.library.entries_read.emit(STAGES)
    window.session.library.thumbnail_read.emit("a2c/Pong/1", png())
    assert window.findChild(AgentDialog) is None
    window.close()
