"""The Compare and Moment panels: real clicks and keys; what they say when there is nothing to compare; the whole
window with two agents at one game."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step
from pyqtgraph.Qt import QtCore, QtWidgets
from test_app import make_window, press

from zoo_gui import tokens
from zoo_gui.analysis.attribution_record import Attribution
from zoo_gui.naming import MEANINGS
from zoo_gui.types import Decision, Progress, StepSummary
from zoo_gui.widgets.actions import ActionsPanel
from zoo_gui.widgets.compare import ComparePanel
from zoo_gui.widgets.game import GamePanel
from zoo_gui.widgets.moment import MomentPanel
from zoo_gui.widgets.moment_view import Seen, best_columns, parted

Qt = QtCore.Qt
LEFT, RIGHT = MEANINGS.index("LEFT"), MEANINGS.index("RIGHT")


@pytest.fixture
def session(qapp):
    return FakeSession(tuple(replace(fake_lane(lane), input="drives" if lane == 0 else "watches") for lane in range(2)))


@pytest.fixture
def panel(session, qtbot):
    session.input, session.driver = "shared", 0
    made = ComparePanel(session)
    qtbot.addWidget(made)
    made.resize(600, 230)
    made.show()
    return made


def see(session, choices, far, first=0, lanes=2):
    """Moments that all lanes see: choices of the lanes, and how far lane 0 is from each other."""
    for k, (chosen, distance) in enumerate(zip(choices, far)):
        for info in session.lanes[:lanes]:
            apart = {f"apart_{other}": distance for other in range(lanes) if other != info.lane}
            row = StepSummary(first + k, 0, first + k, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 5, False, 1.0, first + k,
                              chosen[info.lane], **apart)  # fmt: skip
            session.history(info.lane).append([row])
    show(session, first + len(far) - 1)


def show(session, moment, count=0):
    for info in session.lanes:
        session.give_step(info.lane, fake_step(info, 3, index=moment, moment=moment), count)


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.LeftButton)


def redrawn(panel, qtbot):
    qtbot.waitUntil(lambda: not panel._timer.isActive() and not panel._count_soon.isActive())
    QtWidgets.QApplication.processEvents()  # what is beside the strip may have got another width


def test_one_agent_is_told_how_to_open_another(panel, session, qtbot):
    wanted = []
    panel.command.connect(wanted.append)
    session.set_lanes(fake_lane())
    redrawn(panel, qtbot)
    assert not panel.bar.isVisible() and "two agents" in panel.strip.hint and not panel.report.isEnabled()
    click(qtbot, panel.add)
    assert wanted == ["add_agent"] and not panel.jump(1)
    session.set_lanes(fake_lane(), fake_lane(1, game="Pong"))
    redrawn(panel, qtbot)
    assert "Breakout and Pong are different games" in panel.strip.hint


def test_whose_game_and_who_drives_are_asked_of_the_session_and_shown_as_they_are(panel, session, qtbot):
    bar = panel.bar
    assert bar.inputs["shared"].isChecked() and bar.drivers[0].isChecked() and not bar.drivers[2].isVisible()
    click(qtbot, bar.drivers[1])
    assert session.called("share") == [(1,)]
    assert bar.drivers[0].isChecked() and not bar.drivers[1].isChecked()  # until it is so
    session.driver = 1
    session.lanes_changed.emit(session.lanes)
    assert bar.drivers[1].isChecked() and panel.pairs == ((1, 0),)
    click(qtbot, bar.inputs["own"])
    assert session.called("own_games") == [()] and bar.inputs["shared"].isChecked()
    session.input, session.driver = "own", None
    session.lanes_changed.emit(session.lanes)
    click(qtbot, bar.inputs["shared"])
    assert session.called("share") == [(1,), (0,)]


def test_a_replay_is_chosen_read_cancelled_and_its_failure_said(panel, session, qtbot, tmp_path):
    said = []
    session.message.connect(lambda level, text: said.append((level, text)))

    def opened():
        click(qtbot, panel.bar.inputs["replay"])
        return panel.findChild(QtWidgets.QDialog)

    dialog = opened()
    click(qtbot, dialog.ok)
    assert session.called("replay")[-1] == (0, "session") and panel.cancel.isVisible()
    session.progressed.emit("replay 1", Progress(10, 40, "playing"))
    assert panel.said.text() == "playing (25%)"
    click(qtbot, panel.cancel)
    assert session.called("cancel") == [("replay 1",)] and not panel.cancel.isVisible()
    qtbot.waitUntil(lambda: panel.findChild(QtWidgets.QDialog) is None)
    dialog = opened()
    dialog.agent.setCurrentIndex(1)
    dialog.seed.setValue(3)
    assert dialog.rollout.isChecked()
    click(qtbot, dialog.ok)
    assert session.called("replay")[-1] == (1, (2000, 3))
    session.failed.emit("replay 1", "There is no rollout in this file.")
    assert said == [("error", "There is no rollout in this file.")] and not panel.cancel.isVisible()
    qtbot.waitUntil(lambda: panel.findChild(QtWidgets.QDialog) is None)
    dialog = opened()
    dialog.file.setChecked(True)
    assert not dialog.ok.isEnabled()
    dialog.path.setText(str(tmp_path / "a_rollout.npz"))
    click(qtbot, dialog.ok)
    assert session.called("replay")[-1] == (0, tmp_path / "a_rollout.npz")


def test_the_strip_is_drawn_hovered_clicked_and_zoomed(panel, session, qtbot):
    see(session, [(LEFT, LEFT), (LEFT, RIGHT)] * 30, [0.0, 0.5] * 30)
    redrawn(panel, qtbot)
    strip = panel.strip
    assert strip.range == (0.0, 60.0) and panel.said.text() == "n = 60 moments · Jensen–Shannon, bits"
    picture = strip.grab().toImage()
    box = strip.row_box(0)

    def colour(place, y):
        return picture.pixelColor(round(strip.x_of(place)), y)

    ground, mark = tokens.current().base, tokens.current().text
    assert (colour(31, box.top() + 2).name(), colour(30, box.top() + 2).name()) == (mark, ground)
    assert (colour(31, box.bottom() - 3).name(), colour(30, box.bottom() - 3).name()) == ("#e69f00", ground)
    place = QtCore.QPoint(round(strip.x_of(31)), box.center().y())
    qtbot.mouseMove(strip, place)
    assert session.called("hover")[-1][0].startswith("A left · B right · 0.50 bits apart · step 31")
    qtbot.mouseClick(strip, Qt.LeftButton, pos=place)
    assert session.called("seek") == [(0, 31)]
    wheel(strip, place, 5)
    low, high = strip.range
    assert high - low < 30 and low < 31 < high and "of 60 moments" not in panel.said.text()
    qtbot.mouseDClick(strip, Qt.LeftButton, pos=place)
    assert strip.range == (0.0, 60.0)


def wheel(widget, place, turns):
    from pyqtgraph.Qt import QtGui

    event = QtGui.QWheelEvent(QtCore.QPointF(place), QtCore.QPointF(widget.mapToGlobal(place)), QtCore.QPoint(),
                              QtCore.QPoint(0, 120 * turns), Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False)
    QtWidgets.QApplication.sendEvent(widget, event)


def test_jumps_go_from_disagreement_to_disagreement_whether_or_not_they_are_on_screen_yet(panel, session, qtbot):
    same, other = (LEFT, LEFT), (LEFT, RIGHT)
    see(session, [same, other, other, same, other, same, same], [0.0, 0.3, 0.6, 0.1, 0.2, 0.9, 0.0])
    assert panel.jump(-1) and panel.jump(-1)  # the second before the first is on screen
    assert [args[1] for args in session.called("seek")] == [4, 1]
    show(session, 1)
    assert not panel.jump(-1) and panel.jump(1)
    panel.kind.setCurrentText("far apart: 0.5 or more")
    show(session, 4)
    for way, wanted in ((1, 5), (-1, 2)):
        assert panel.jump(way) and session.called("seek")[-1][1] == wanted
        show(session, wanted)
    show(session, 6)
    said = []
    session.message.connect(lambda level, text: said.append(text))
    assert not panel.jump(1) and said == ["There is no later moment so far apart yet: let the game go on (Space)."]


def test_the_table_counts_and_a_cell_chooses_a_pair(panel, session, qtbot):
    session.set_lanes(*(fake_lane(lane) for lane in range(3)))
    see(session, [(LEFT, LEFT, RIGHT), (LEFT, RIGHT, RIGHT), (LEFT, LEFT, LEFT), (RIGHT, LEFT, LEFT)],
        [0.5, 0.25, 0.0, 1.0], lanes=3)  # fmt: skip
    redrawn(panel, qtbot)
    table = panel.matrix
    assert table.number(0, 1) == 0.5 and table.number(1, 2) == 0.75 and table.number(1, 0) == pytest.approx(0.4375)
    assert table.number(1, 1) is None and "75.0% of 4 moments" in table.words(1, 2)
    assert panel.strip.pairs == ((0, 1), (0, 2))
    place = table.cell_box(2, 1).center().toPoint()
    qtbot.mouseClick(table, Qt.LeftButton, pos=place)
    assert panel.strip.pairs == ((1, 2),)
    assert panel.jump(-1) and session.called("seek")[-1] == (0, 0)
    qtbot.mouseClick(table, Qt.LeftButton, pos=place)
    assert panel.strip.pairs == ((0, 1), (0, 2))


def test_a_report_asks_where_and_runs_the_comparison(panel, session, qtbot, monkeypatch, tmp_path):
    path, said = str(tmp_path / "report.html"), []
    session.message.connect(lambda level, text: said.append((level, text)))
    monkeypatch.setattr("zoo_gui.widgets.compare.ask_path", lambda *_: path)
    see(session, [(LEFT, RIGHT)] * 3, [0.5] * 3)
    redrawn(panel, qtbot)
    panel.report.menu().aboutToShow.emit()
    played, sitting = panel.report.menu().actions()
    assert sitting.isEnabled() and "3 moments" in sitting.text()
    sitting.trigger()
    key, analysis, lanes, parameters = session.called("run_together")[-1]
    assert (analysis, lanes, parameters) == ("comparison", (0, 1), {"save_to": path, "moments": "session"})
    session.progressed.emit(key, Progress(1, 4, "similarity"))
    assert panel.said.text() == "similarity (25%)" and not panel.report.isEnabled()
    session.finished.emit(key)
    assert said == [("info", f"Saved {path}")] and panel.report.isEnabled()
    played.trigger()
    key, *_, parameters = session.called("run_together")[-1]
    assert parameters == {"save_to": path}
    click(qtbot, panel.cancel)
    assert session.called("cancel") == [(key,)]
    played.trigger()
    session.failed.emit(session.called("run_together")[-1][0], "The disk is full.")
    assert said[-1] == ("error", "The disk is full.")


# -- the moment -------------------------------------------------------------------------------------------------
def decided(scores, kind="logits", action=None):
    scores = np.asarray(scores, np.float32)
    return Decision(int(scores.argmax()) if action is None else action, scores, kind)


def test_decisions_are_matched_by_meaning():
    info = replace(fake_lane(), action_names=("NOOP", "UP", "RIGHT", "UPRIGHT"),
                   meanings=("NOOP", "NOOP", "RIGHT", "RIGHT"))  # fmt: skip
    seen = Seen.of(info, fake_step(info, decision=decided(np.log([0.1, 0.2, 0.3, 0.4]), action=1)))
    assert seen.scores[MEANINGS.index("NOOP")] == pytest.approx(0.3)
    assert seen.scores[RIGHT] == pytest.approx(0.7) and np.isnan(seen.scores[LEFT])
    assert seen.choice == RIGHT and seen.words == "right (drew no-op)"
    q = Seen.of(replace(info, scores_kind="q"), fake_step(info, decision=decided([1.0, 3.0, 2.0, 5.0], "q")))
    assert q.values[RIGHT] == 1.0 and q.values[0] == 0.0 and q.scores[RIGHT] == 5.0 and q.scores[0] == 3.0
    assert not parted([seen, q]) and parted([seen, seen._replace(choice=0)])


def test_maps_lie_where_they_are_largest():
    for count, width, height in ((1, 500, 300), (3, 560, 250), (5, 560, 280), (4, 300, 500)):
        columns, tall = best_columns(count, width, height, 15)
        rows = -(-count // columns)
        assert 1 <= columns <= count and rows * (tall + 8) <= height + 1e-6
        assert columns * (tall - 15) * 4 / 3 + (columns - 1) * 8 <= width + 1e-6


@pytest.fixture
def moment(session, qtbot):
    session.input, session.driver = "shared", 0
    made = MomentPanel(session)
    qtbot.addWidget(made)
    made.resize(600, 420)
    made.show()
    return made


def together(session, seed=1, moment=7, **changes):
    """All lanes at one moment, paused."""
    ram = np.arange(128, dtype=np.uint8)
    for info in session.lanes:
        session.give_step(info.lane, fake_step(info, seed, moment=moment, ram=ram, **changes), 0)


def attribution(values, info):
    return Attribution(
        "gradient", "Gradient", "action", np.zeros(info.observation_shape, np.uint8), values.astype(np.float32), True,
        float(np.abs(values).max()),
    )  # fmt: skip


def test_a_paused_moment_is_shown_with_all_decisions_and_maps(moment, session, qtbot):
    together(session)
    qtbot.waitUntil(lambda: len(session.called("run")) == 2)
    keys = []
    for lane, (key, analysis, asked, parameters) in enumerate(session.called("run")):
        step = session.last_step(lane)
        assert (analysis, asked) == ("attribution", lane)
        assert (parameters["target"], parameters["method"]) == ("action", "gradient")
        assert parameters["at"] == 7 and parameters["action"] == step.decision.scores.argmax()
        np.testing.assert_array_equal(parameters["observation"], step.observation)
        keys.append(key)
    assert moment.cancel.isVisible()
    rng = np.random.default_rng(0)
    for lane, key in enumerate(keys):
        values = rng.normal(size=(84, 84, 4)) * (1.0, 50.0)[lane]
        session.progressed.emit(key, Progress(1, 1, "", attribution(values, session.lanes[lane])))
        session.finished.emit(key)
    view = moment.view
    assert not moment.cancel.isVisible() and set(view.tiles) == {0, 1, "difference"}
    for plane in view.planes.values():  # one scale means the same for both
        assert np.abs(plane).sum() == pytest.approx(1.0, rel=1e-3)
    click(qtbot, moment.shares)
    assert view.planes[1].std() > 20 * view.planes[0].std()
    moment.difference.setCurrentIndex(moment.difference.count() - 1)
    moment.difference.activated.emit(moment.difference.currentIndex())
    assert set(view.tiles) == {0, 1}


def test_networks_that_see_other_sizes_have_no_difference_but_both_maps(moment, session, qtbot):
    session.set_lanes(fake_lane(0), fake_lane(1, "small", observation=(80, 80, 2)))
    together(session)
    qtbot.waitUntil(lambda: len(session.called("run")) == 2)
    for info, (key, *_) in zip(session.lanes, session.called("run")):
        values = np.random.default_rng(0).normal(size=info.observation_shape)
        session.progressed.emit(key, Progress(1, 1, "", attribution(values, info)))
    assert set(moment.view.tiles) == {0, 1} and len(moment.view.planes) == 2


def test_what_there_is_to_do_is_said_where_there_is_no_moment(moment, session, qtbot):
    for info in session.lanes:
        session.give_step(info.lane, fake_step(info, 1, moment=3), 0)  # each its own game
    qtbot.waitUntil(lambda: "press v" in moment.view.hint.text)
    assert not session.called("run")
    session.set_lanes(fake_lane())
    qtbot.waitUntil(lambda: "two agents" in moment.view.hint.text)
    session.running = True
    session.set_lanes(fake_lane(), fake_lane(1))
    session.running_changed.emit(True)
    assert "Pause" in moment.view.hint.text or "two agents" in moment.view.hint.text


def test_a_moment_that_is_left_is_dimmed_and_a_failure_is_said_in_its_place(moment, session, qtbot):
    together(session)
    qtbot.waitUntil(lambda: len(session.called("run")) == 2)
    session.failed.emit(session.called("run")[0][0], "This network cannot be explained so.")
    assert moment.view.tiles[0].words.text == "This network cannot be explained so."
    session.running = True
    session.running_changed.emit(True)
    assert moment.view.stale and len(session.called("cancel")) == 1  # the other's job
    session.running = False
    session.running_changed.emit(False)
    together(session, seed=2, moment=9)
    qtbot.waitUntil(lambda: len(session.called("run")) == 4)
    assert not moment.view.stale
    moment.hide()
    assert len(session.called("cancel")) == 3
    moment.show()
    qtbot.waitUntil(lambda: len(session.called("run")) == 6)  # nobody had looked: asked again


# -- beside the games -------------------------------------------------------------------------------------------
def test_games_and_actions_say_who_acts_and_what_the_others_would_do(session, qtbot):
    session.input, session.driver = "shared", 0
    game, actions = GamePanel(session), ActionsPanel(session)
    for one, size in ((game, (620, 300)), (actions, (620, 260))):
        qtbot.addWidget(one)
        one.resize(*size)
        one.show()
    for lane, scores in ((0, [0, 0, 3, 0]), (1, [0, 0, 0, 3])):  # right, left
        info = session.lanes[lane]
        session.give_step(lane, fake_step(info, decision=decided(scores), player="agent"), 0)
    cells = game._cells
    assert (cells[0].badge.text, cells[1].badge.text) == ("A drives", "B watches")
    assert cells[0].more.text.startswith("does right ·") and cells[1].more.text.startswith("would do left ≠")
    columns = actions.item.columns
    assert columns[1].describe(3).endswith("would be chosen") and columns[1].describe(2).endswith(", played")
    assert columns[0].describe(2).endswith(", chosen")
    game.resize(230, 190)
    session.give_step(1, fake_step(session.lanes[1], decision=decided([0, 0, 0, 3])), 0)
    assert "drives" in cells[0].badge.text and "≠" in cells[1].more.text + cells[1].caption.text
    session.set_lanes(fake_lane(0), fake_lane(1))
    session.driver = None
    session.give_step(0, fake_step(session.lanes[0]), 0)
    assert game._cells[0].badge.text == "" and "agent plays" in game._cells[0].more.text


# -- the whole --------------------------------------------------------------------------------------------------
def test_two_agents_share_a_game_part_and_change_the_wheel(qtbot):
    window = make_window(qtbot, ["ppo/Breakout/1", "a2c/Breakout/1"])
    session, panel = window.session, window.panels["compare"]
    press(window, Qt.Key_V)
    qtbot.waitUntil(lambda: session.input == "shared" and len(session.history(0)) > 60, timeout=30_000)
    qtbot.waitUntil(lambda: panel.is_seen and len(panel.track) > 30, timeout=30_000)
    press(window, Qt.Key_BracketLeft)
    assert not session.running
    qtbot.waitUntil(lambda: panel._target is None)
    place = panel.track.place(session.last_step(0).moment)
    assert place in panel.track.partings([(0, 1)])
    first, second = (session.last_step(lane) for lane in (0, 1))
    np.testing.assert_array_equal(first.ram, second.ram)
    chosen = [info.meanings[int(step.decision.scores.argmax())] for info, step in zip(session.lanes, (first, second))]
    assert chosen[0] != chosen[1] and chosen == [MEANINGS[panel.track.choice(lane, place)] for lane in (0, 1)]
    moment = window.panels["moment"]
    assert moment.is_seen
    qtbot.waitUntil(lambda: set(moment.records) == {0, 1} and set(moment.view.planes) == {0, 1}, timeout=30_000)
    qtbot.mouseClick(panel.bar.drivers[1], Qt.LeftButton)
    qtbot.waitUntil(lambda: session.driver == 1 and session.last_step(1) is not None, timeout=10_000)
    np.testing.assert_array_equal(session.last_step(1).ram, first.ram)
    cells = window.panels["game"]._cells
    qtbot.waitUntil(lambda: cells[1].badge.text == "B drives" and cells[0].badge.text == "A watches")
    assert cells[0].more.text.startswith("would") or "≠" in cells[0].more.text
    before = session.history(0).appended
    press(window, Qt.Key_Space)
    qtbot.waitUntil(lambda: session.history(0).appended > before + 10, timeout=20_000)
    np.testing.assert_array_equal(session.last_step(0).ram, session.last_step(1).ram)
    window.close()
