"""The wall: small games in the engine, and the panel that shows them."""

import dataclasses

import numpy as np
import pytest
from fakes import fake_lane
from pyqtgraph.Qt import QtCore, QtGui, QtTest
from test_agent_dialog import entry as untitled
from test_agent_dialog import remote
from test_zoo_panel import ZooSession

from zoo_gui.agents import catalogue
from zoo_gui.engine import wall
from zoo_gui.engine.tasks import TASKS
from zoo_gui.types import Preview, Progress, ZooError
from zoo_gui.widgets import wall as wall_panel
from zoo_gui.widgets.wall import WallPanel
from zoo_gui.widgets.zoo import ZooPanel
from zoo_gui.workers import Later

Qt = QtCore.Qt


def entry(id, tag="", *, title, **changes):
    return dataclasses.replace(untitled(id, tag, **changes), title=title)


ENTRIES = [
    entry("a2c/Breakout/1@initial", "initial", title="A2C initial · Breakout · run 1"),
    entry("a2c/Breakout/1", title="A2C · Breakout · run 1", score=90.0),
    entry("ppo/Breakout/1", title="PPO · Breakout · run 1", score=25.0),
    entry("ppo/Pong/1", title="PPO · Pong · run 1"),
    remote("dqn/Breakout/1"),
]


# -- the engine's part ------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def nothing_kept():
    wall._kept.clear()
    yield
    wall._kept.clear()


def turns(task, steps, *names):
    """{name: the newest Preview} once each of these has played so many steps."""
    latest = {}
    for progress in task:
        if isinstance(progress, Progress):
            latest |= {preview.name: preview for preview in progress.result}
            if all(latest[name].steps >= steps for name in names):
                return latest


def test_games_are_played_and_agents_that_cannot_say_why(monkeypatch):
    fetched = []
    find = catalogue.find
    monkeypatch.setattr(catalogue, "find", lambda id: ENTRIES[-1] if id == "dqn/Breakout/1" else find(id))
    monkeypatch.setattr(catalogue, "fetch", lambda entry: fetched.append(entry))
    task = TASKS["wall"](["random/Pong", "dqn/Breakout/1", "no/such/1", "random/Breakout"])
    latest = turns(task, 2, "random/Pong", "random/Breakout")
    assert "Not on this machine" in latest["dqn/Breakout/1"].fault and "no agent" in latest["no/such/1"].fault.lower()
    for name in ("random/Pong", "random/Breakout"):
        assert latest[name].frame.shape == (210, 160, 3) and not latest[name].fault
    assert not fetched, "nothing is downloaded without being asked for"


def test_games_keep_the_pace_of_people(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(wall.time, "monotonic", lambda: now[0])
    task, steps = wall.wall_task(["random/Pong", "random/Breakout"]), 0
    for progress in task:
        if isinstance(progress, Later):
            now[0] += progress.seconds
        else:
            steps += sum(preview.steps > 0 for preview in progress.result)
        if now[0] >= 102.0:
            break
    assert steps == pytest.approx(2 * 2.0 * 60 / 4, abs=3), "two games, two seconds, four frames a step"


def test_the_pace_is_what_was_measured(monkeypatch):
    now, pace = [10.0], wall.Pace()
    monkeypatch.setattr(wall.time, "monotonic", lambda: now[0])
    for _ in range(200):
        pace.count(0.05, games=2)
        now[0] += 0.05  # each of two games plays half a second in a second
    assert pace.words == "0.5 of real time"
    pace.count(0.05, games=3)
    assert pace.words == "", "of other games nothing is known yet"


def test_whoever_looks_again_finds_the_games_going_on():
    task = wall.wall_task(["random/Pong"])
    before = turns(task, 3, "random/Pong")["random/Pong"]
    task.close()
    again = wall.wall_task(["random/Pong", "random/Breakout"])
    first = next(again).result
    assert [preview.steps for preview in first] == [before.steps, 0] and before.steps > 1
    assert next(wall.wall_task(["random/Pong"], seed=1)).result[0].steps == 0


def test_too_many_games_are_slowed_down_so_that_the_one_in_front_goes_on():
    seats = [wall.Seat(str(number), 0) for number in range(10)]
    for seat in seats:
        seat.player, seat.cost = type("P", (), {"frame_skip": 4}), 0.01
    rate = wall._rate(seats)
    assert rate == pytest.approx(0.5 / (10 * 0.01 * 15)) and wall._rate(seats[:2]) == 1.0
    with pytest.raises(ZooError, match="17 games do not fit"):
        next(wall.wall_task([f"random/{number}" for number in range(17)]))
    with pytest.raises(ZooError, match="0 games"):
        next(wall.wall_task([]))


# -- the panel --------------------------------------------------------------------------------------------------------
@pytest.fixture
def panel(qtbot):
    session = ZooSession()
    panel = WallPanel(session)
    session.set_lanes(fake_lane(0))
    qtbot.addWidget(panel)
    panel.resize(600, 400)
    panel.show()
    qtbot.waitUntil(lambda: session.library.reads == 1)
    session.library.entries_read.emit(ENTRIES)
    return panel


def asked(panel) -> tuple:
    """The agents of the newest job."""
    key, task, lane, parameters = panel.session.called("run")[-1]
    assert (key, task, lane) == (panel.job.key, "wall", None)
    return parameters["agents"]


def give(panel, *names, colour=(10, 200, 30), fault="", done=2, **changes):
    frame = np.full((210, 160, 3), colour, np.uint8)
    previews = tuple(Preview(name, frame, steps=9, fault=fault, **changes) for name in names)
    panel.session.progressed.emit(panel.job.key, Progress(done, 2, "real time", previews))


def test_at_first_the_game_in_the_window_plays_on_the_wall(panel):
    assert panel.choice.currentText() == "Breakout" and asked(panel) == ("a2c/Breakout/1", "ppo/Breakout/1")
    panel.stages.click()
    assert asked(panel) == ("a2c/Breakout/1@initial", "a2c/Breakout/1", "ppo/Breakout/1")
    panel.chance.click()
    assert asked(panel)[-1] == "random/Breakout"
    panel.choice.setCurrentText(wall_panel.BEST)
    panel.choice.activated.emit(0)
    assert asked(panel) == ("a2c/Breakout/1", "ppo/Pong/1") and not panel.stages.isEnabled()
    panel.session.library.entries_read.emit(ENTRIES[1:])
    assert panel.choice.currentText() == wall_panel.BEST, "what a person chose stays"


def test_tiles_show_their_games_scores_and_faults(panel, qtbot):
    give(panel, "a2c/Breakout/1", gained=34.0, games=2, mean=12.5)
    give(panel, "ppo/Breakout/1", fault="It is damaged.")
    first, second = panel.grid.tiles
    assert (first.score, first.mean, first.title) == ("34", "mean of 2: 12.5", "A2C")
    assert "It is damaged." in second.said and panel.state.text() == "2 games · real time"
    picture = panel.grid.grab().toImage()
    centre = panel.grid.box(0).center()
    assert QtGui.QColor(picture.pixel(int(centre.x()), int(centre.y()))).getRgb()[:3] == (10, 200, 30)
    corner = panel.grid.box(1).topLeft().toPoint() + QtCore.QPoint(3, 3)
    assert QtGui.QColor(picture.pixel(corner)).name() == "#131518"


def test_late_news_of_another_wall_is_dropped(panel):
    old = panel.job.key
    panel.restart()
    panel.session.progressed.emit(old, Progress(1, 1, "late", (Preview("ppo/Breakout/1", np.zeros((210, 160, 3))),)))
    assert panel.grid.tiles[1].preview is None and "late" not in panel.state.text()


def test_a_click_opens_and_keys_do_as_well(panel, qtbot):
    opened = []
    panel.opened.connect(lambda *what: opened.append(what))
    grid = panel.grid
    QtTest.QTest.mouseClick(grid, Qt.LeftButton, Qt.NoModifier, grid.box(1).center().toPoint())
    QtTest.QTest.mouseClick(grid, Qt.LeftButton, Qt.NoModifier, QtCore.QPoint(1, 1))
    assert opened == [("ppo/Breakout/1", False)] and "PPO" in grid.accessibleDescription()
    QtTest.QTest.keyClick(grid, Qt.Key_Left)
    QtTest.QTest.keyClick(grid, Qt.Key_Return, Qt.ShiftModifier)
    QtTest.QTest.keyClick(grid, Qt.Key_Left)
    QtTest.QTest.keyClick(grid, Qt.Key_Return)
    assert opened[1:] == [("a2c/Breakout/1", True), ("a2c/Breakout/1", False)]
    QtTest.QTest.keyClick(grid, Qt.Key_Delete)
    assert len(grid.tiles) == 2, "only chosen ones can be taken off"


def test_games_stop_when_nobody_looks_and_go_on(panel, qtbot):
    key = panel.job.key
    panel.seen_changed(False)
    assert panel.session.called("cancel") == [({"key": key},)] or panel.session.called("cancel") == [(key,)]
    assert not panel.job.running
    runs = len(panel.session.called("run"))
    panel.seen_changed(True)
    qtbot.waitUntil(lambda: len(panel.session.called("run")) == runs + 1)
    assert panel.job.running


def test_what_was_seen_last_stays_until_there_is_news(panel):
    give(panel, "a2c/Breakout/1", gained=7.0)
    give(panel, "ppo/Breakout/1", fault="It is damaged.")
    panel.stages.click()
    assert [tile.score for tile in panel.grid.tiles] == ["", "7", ""] and panel.grid.tiles[2].preview is None


def test_agents_of_the_zoo_can_be_put_on_and_taken_off(panel):
    panel.choice.setCurrentText(wall_panel.CHOSEN)
    panel.choice.activated.emit(0)
    assert panel.empty.isVisible() and "Nothing is chosen" in panel.empty.text() and not panel.job.running
    for id in ("dqn/Breakout/1", "ppo/Pong/1", "ppo/Pong/1"):
        panel.add(id)
    assert asked(panel) == ("dqn/Breakout/1", "ppo/Pong/1") and panel.grid.isVisible()
    panel.grid.setFocus()
    QtTest.QTest.keyClick(panel.grid, Qt.Key_Delete)
    assert asked(panel) == ("ppo/Pong/1",) and [tile.agent for tile in panel.grid.tiles] == ["ppo/Pong/1"]


def test_more_agents_than_fit_are_counted(panel):
    many = [entry(f"ppo/Breakout/{run}", title=f"PPO · Breakout · run {run}") for run in range(1, 20)]
    panel.session.library.entries_read.emit(many)
    assert len(asked(panel)) == 16 and "3 more do not fit" in panel.state.text()
    boxes = [panel.grid.box(place) for place in range(16)]
    inside = QtCore.QRectF(panel.grid.rect())
    assert all(inside.contains(box) for box in boxes)
    assert not any(one.intersects(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_a_wall_that_failed_or_ended_says_so(panel):
    panel.session.failed.emit(panel.job.key, "The engine has no room.")
    assert not panel.job.running and "The engine has no room." in panel.state.text()
    panel.restart()
    panel.session.finished.emit(panel.job.key)
    assert "no agent can play" in panel.state.text()


def test_the_zoo_offers_the_wall(qtbot):
    zoo = ZooPanel(ZooSession())
    qtbot.addWidget(zoo)
    zoo.show()
    zoo.session.library.entries_read.emit(ENTRIES)
    zoo.browser.table.selectRow(zoo.browser.model.row_of("ppo/Pong/1"))
    walled = []
    zoo.walled.connect(walled.append)
    zoo.browser._show_menu(QtCore.QPoint(5, 5))
    menu = next(child for child in zoo.browser.children() if child.metaObject().className() == "QMenu")
    next(action for action in menu.actions() if action.text() == "Show on the wall").trigger()
    menu.close()
    assert walled == ["ppo/Pong/1"]
