"""Choosing an agent by mouse and keyboard."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.agents import catalogue
from zoo_gui.agents.catalogue import Entry
from zoo_gui.app import MainWindow, _read_entries
from zoo_gui.session import Session
from zoo_gui.settings import Settings
from zoo_gui.widgets.agent_dialog import COLUMNS, AgentDialog


def entry(id: str, tag: str = "", **changes) -> Entry:
    algorithm, game, run = id.split("/")[:3]
    parts = dict(algorithm_title=algorithm.upper(), score=10.0, random_score=1.5, thumbnail=Path("thumbnail.png"))
    return Entry(id, algorithm, game, int(run), tag, Path("card.toml"), f"{algorithm} {game}", **(parts | changes))


STAGES = [
    entry("a2c/Pong/1/initial", "initial", remark="Not better than doing nothing (21)."),
    entry("a2c/Pong/1/1.6M", "1.6M"),
    entry("a2c/Pong/1", constant_score=2.5),
    entry("apex/Qbert/1", algorithm_title="Ape-X", thumbnail=None),
]


@pytest.fixture
def make(qtbot):
    """A dialog that is shown with these entries, by default those of the zoo."""

    def make(entries=None):
        dialog = AgentDialog("Open an agent")
        qtbot.addWidget(dialog)
        dialog.set_entries(catalogue.entries() if entries is None else entries)
        dialog.show()
        return dialog

    return make


def visible(dialog):
    return [row[-1] for row in cells(dialog)]


def cells(dialog):
    rows = [row for row in range(dialog.table.rowCount()) if not dialog.table.isRowHidden(row)]
    return [[dialog.table.item(row, column).text() for column in range(len(COLUMNS))] for row in rows]


def png(colour=(0, 0, 255), size=(105, 80)) -> bytes:
    return cv2.imencode(".png", np.full((*size, 3), colour, np.uint8))[1].tobytes()


def test_search_opens_what_is_seen(make, qtbot):
    dialog = make()
    assert len(visible(dialog)) == len(catalogue.entries())
    assert dialog.selected_id() == next(entry.id for entry in catalogue.entries() if not entry.tag)
    qtbot.keyClicks(dialog.search, "ppo break final 1")
    assert visible(dialog) == ["ppo/Breakout/1"] and "PPO" in dialog.description.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        qtbot.keyClick(dialog.search, QtCore.Qt.Key_Return)
    assert chosen.args == ["ppo/Breakout/1"]


def test_nothing_found_opens_nothing(make, qtbot):
    dialog = make(STAGES)
    dialog.table.selectRow(0)
    qtbot.keyClicks(dialog.search, "no such agent")
    assert visible(dialog) == [] and dialog.selected_id() is None
    opened = []
    dialog.chosen.connect(opened.append)
    button = dialog.findChild(QtWidgets.QDialogButtonBox).button(QtWidgets.QDialogButtonBox.Open)
    qtbot.mouseClick(button, QtCore.Qt.LeftButton)
    assert opened == [] and "No agent" in dialog.description.text() and not dialog.remark.isVisible()
    dialog.search.clear()
    assert dialog.selected_id() is not None
    dialog.reject()


def test_rows_say_algorithm_stage_and_yardsticks(make):
    first, second, third, fourth = cells(make(STAGES))
    assert first == ["Pong", "A2C", "1", "initial", "10.0", "1.5", "", "", "a2c/Pong/1/initial"]
    assert (second[3], third[3], third[6], fourth[1]) == ("1.6M", "final", "2.5", "Ape-X")


def test_a_trained_agent_is_selected_first_not_an_early_stage(make, qtbot):
    dialog = make(STAGES)
    assert dialog.selected_id() == "a2c/Pong/1"
    qtbot.keyClicks(dialog.search, "1.6M")
    assert dialog.selected_id() == "a2c/Pong/1/1.6M"
    dialog.search.setText("pong")
    assert dialog.selected_id() == "a2c/Pong/1/1.6M"  # still seen, so it stays


def test_an_agent_that_is_not_better_says_so(make):
    dialog = make(STAGES)
    assert not dialog.remark.isVisible()
    dialog.table.selectRow(0)
    assert dialog.remark.isVisible() and dialog.remark.text() == STAGES[0].remark
    score = dialog.table.item(0, 4)
    assert score.toolTip() == STAGES[0].remark and score.font().italic()
    assert not dialog.table.item(1, 4).font().italic()
    dialog.table.selectRow(1)
    assert not dialog.remark.isVisible()


def test_thumbnails_come_later_and_belong_to_their_agents(make):
    dialog = make(STAGES)
    assert dialog.thumbnail.isVisible() and not dialog.thumbnail.pixmap()
    dialog.set_thumbnail("a2c/Pong/1", png((0, 0, 255)))
    dialog.set_thumbnail("a2c/Pong/1/1.6M", png((0, 255, 0)))
    image = dialog.thumbnail.pixmap().toImage()
    assert image.pixelColor(5, 5).name() == "#ff0000" and (image.width(), image.height()) == (96, 126)
    dialog.table.selectRow(1)
    assert dialog.thumbnail.pixmap().toImage().pixelColor(5, 5).name() == "#00ff00"
    dialog.table.selectRow(3)
    assert not dialog.thumbnail.pixmap()


@pytest.mark.parametrize("data", [b"", b"rubbish", png()[:60], png(size=(1, 2000)), b"\xff\xd8\xff\xe0 a jpeg"])
def test_what_is_no_thumbnail_is_not_shown(make, data):
    dialog = make(STAGES)
    dialog.set_thumbnail("a2c/Pong/1", data)
    assert not dialog.thumbnail.pixmap() and dialog.selected_id() == "a2c/Pong/1"


def test_without_any_thumbnail_there_is_no_room_for_one(make):
    assert not make(STAGES[3:]).thumbnail.isVisible()


def test_cards_are_shown_as_plain_text(make):
    dialog = make([entry("a2c/Pong/1", description="<img src='x'> <b>bold</b>")])
    assert dialog.description.textFormat() == QtCore.Qt.PlainText


def test_the_window_reads_the_list_first_and_then_the_thumbnails(monkeypatch):
    found = [entry("a2c/Pong/1"), entry("ga/Pong/1")]
    monkeypatch.setattr(catalogue, "entries", lambda: found)
    monkeypatch.setattr(catalogue, "read_thumbnail", lambda entry: b"png" if entry.algorithm == "ga" else None)
    assert list(_read_entries()) == [found, ("ga/Pong/1", b"png")]


def test_closing_the_dialog_while_it_is_still_being_filled_is_no_error(qtbot, monkeypatch):
    monkeypatch.setattr(catalogue, "entries", lambda: STAGES)
    monkeypatch.setattr(catalogue, "read_thumbnail", lambda entry: png())
    window = MainWindow(Session(), Settings())
    qtbot.addWidget(window)
    window.choose_agent(add=False)
    dialog = window.findChild(AgentDialog)
    qtbot.waitUntil(lambda: bool(dialog.thumbnail.pixmap()))
    assert len(visible(dialog)) == len(STAGES)
    dialog.reject()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
    window._on_entries("entries", "progress", STAGES)
    window._on_entries("entries", "progress", ("a2c/Pong/1", png()))
    assert window.findChild(AgentDialog) is None
    window.close()
