"""The Why panel: what is asked, what is shown of the answers, the tests of a claim, and files."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_agents
from fakes import FakeSession, fake_lane, fake_step, put_up
from matplotlib.figure import Figure
from mouse import drag_pixels
from pyqtgraph.Qt import QtCore, QtTest

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import run
from zoo_gui.analysis.attribution_record import Attribution, CoverTest, Faithfulness, Sanity
from zoo_gui.analysis.methods import METHODS
from zoo_gui.engine.lane import Lane
from zoo_gui.types import Progress, Unit, ZooError
from zoo_gui.widgets import saving
from zoo_gui.widgets.why import WhyPanel
from zoo_gui.widgets.why_question import KINDS

Qt = QtCore.Qt
FOUR = ("gradient", "integrated", "gradcam", "sarfa")


@pytest.fixture
def make(qtbot):
    def shown(*lanes, size=(720, 620), moment=40, running=False):
        session = FakeSession(lanes)
        session.running = running
        panel = WhyPanel(session)
        put_up(qtbot, panel, size)
        for name, check in panel.question.checks.items():
            check.setChecked(name in FOUR)
        for info in lanes:
            session.give_step(info.lane, fake_step(info, moment, moment=moment, index=moment))
        if not running:
            panel.explain()
        return session, panel
    return shown


def maps(session):
    """(key, lane, parameters) of the newest question."""
    key, _, lane, parameters = [call for call in session.called("run") if call[1] == "attributions"][-1]
    return key, lane, parameters


def attribution(method, observation, target="action", seed=0):
    known = METHODS[method]
    shape = (*observation.shape[:2], observation.shape[2] if known.per_frame else 1)
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    values = values if known.signed else np.abs(values)
    return Attribution(method, known.title, target, observation, values, known.signed, float(np.abs(values).max()),
                       seconds=0.012, score=1.5)  # fmt: skip


def answer(session, *methods, key=None, seed=0):
    """The engine answers the newest question."""
    newest, _, parameters = maps(session)
    for method in methods:
        record = attribution(method, parameters["observation"], seed=seed)
        session.progressed.emit(key or newest, Progress(1, 1, method, record))


def choose(panel, kind, *actions):
    panel.question.kind.setCurrentIndex(list(KINDS).index(kind))
    for box, index in zip(panel.question.actions, actions):
        box.setCurrentIndex(index)
    panel.question.kind.activated.emit(panel.question.kind.currentIndex())
    panel._soon.stop()
    panel.explain()


def drag(panel, item, start, end):
    """Drag over a picture between two places given as parts of it; returns what was chosen, in observation pixels."""
    canvas = panel.grid
    viewport = canvas.viewport()
    places = [canvas.mapFromScene(item.mapToScene(QtCore.QPointF(item.box.x() + x * item.box.width(),
                                                                 item.box.y() + y * item.box.height())))
              for x, y in (start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)]
    drag_pixels(viewport, places)


# -- what is asked --------------------------------------------------------------------------------------------------
def test_a_paused_moment_is_explained_by_itself_and_a_running_one_at_the_button(make, qtbot):
    session, panel = make(fake_lane(0), running=True)
    assert not session.called("run") and "Pause the game" in panel.grid.hint.text
    session.running = False
    session.running_changed.emit(False)
    qtbot.waitUntil(lambda: bool(session.called("run")), timeout=3000)
    _, lane, parameters = maps(session)
    step = session.last_step(0)
    assert lane == 0 and parameters["observation"] is step.observation
    assert parameters["target"] == "action" and parameters["action"] == step.decision.action
    assert parameters["at"] == 40 and set(parameters["methods"]) == set(FOUR)
    count = len(session.called("run"))
    session.give_step(0, step)  # the same moment, drawn anew: not asked again
    panel.explain()
    assert len(session.called("run")) == count
    session.running = True
    session.give_step(0, fake_step(session.lanes[0], 9, moment=43, index=43))
    qtbot.wait(250)
    assert len(session.called("run")) == count
    panel.question.explain.click()
    assert maps(session)[2]["at"] == 43


@pytest.mark.parametrize("kind, actions, target", [
    ("action", (3,), "action:LEFT"), ("value", (), "value"), ("advantage", (2,), "advantage:RIGHT"),
    ("difference", (3, 2), "action:LEFT - action:RIGHT"), ("unit", (), "conv2:17"),
])
def test_every_kind_of_question_can_be_asked(make, kind, actions, target):
    session, panel = make(fake_lane(0))
    session.select(0, Unit("conv2", 17))
    choose(panel, kind, *actions)
    assert maps(session)[2]["target"] == target
    sarfa = panel.grid.tiles["sarfa"].words.text
    assert ("SARFA explains one action" in sarfa) == (kind != "action")
    assert ("sarfa" in maps(session)[2]["methods"]) == (kind == "action")


def test_a_typed_target_and_what_is_wrong_with_it(make):
    session, panel = make(fake_lane(0))
    choose(panel, "typed")
    assert "type what is to be explained" in panel.grid.hint.text
    panel.question.entry.setFocus()
    QtTest.QTest.keyClicks(panel.question.entry, "conv2:17 + 0.5*fc:3")
    QtTest.QTest.keyClick(panel.question.entry, Qt.Key_Return)
    panel.explain()
    assert maps(session)[2]["target"] == "conv2:17 + 0.5*fc:3"
    panel.question.entry.setText("conv2:999")
    panel.explain()
    assert "conv2 has units 0 to 63" in panel.grid.hint.text and not panel.failed
    choose(panel, "unit")
    assert "Select a unit" in panel.grid.hint.text


def test_one_agent_at_a_time_the_selected_units(make):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    assert panel.question.lane_box.isVisible() and maps(session)[1] == 0
    session.select(1, Unit("conv1", 3))
    panel.explain()
    assert maps(session)[1] == 1 and maps(session)[2]["observation"] is session.last_step(1).observation
    session.set_lanes(fake_lane(0))
    assert panel.asked is None and not panel.question.lane_box.isVisible()
    session.set_lanes(fake_lane(0, None))
    assert "no network" in panel.grid.hint.text and not panel.failed


# -- what is shown --------------------------------------------------------------------------------------------------
def test_answers_are_shown_late_ones_are_dropped_and_old_ones_are_dimmed(make):
    session, panel = make(fake_lane(0))
    old = maps(session)[0]
    answer(session, "gradient")
    tile = panel.grid.tiles["gradient"]
    assert tile.record is not None and not tile.stale and panel.grid.tiles["gradcam"].record is None
    assert tile.bar.levels[0].startswith("−")
    before = tile.items[0].pixels
    session.give_step(0, fake_step(session.lanes[0], 7, moment=41, index=41))
    panel.explain()
    assert tile.stale
    answer(session, "gradient", key=old, seed=5)  # of the moment before
    assert tile.stale and tile.items[0].pixels is before
    wrong = attribution("gradient", np.zeros((84, 84, 4), np.uint8))
    session.progressed.emit(maps(session)[0], Progress(1, 1, "", wrong))
    assert tile.stale
    answer(session, "gradient", "gradcam")
    assert not tile.stale and panel.grid.tiles["gradcam"].bar.levels[0] == "0"
    session.finished.emit(maps(session)[0])
    assert not panel.question.cancel.isEnabled()


def test_while_the_game_goes_on_the_panel_says_of_which_moment_it_is(make):
    session, panel = make(fake_lane(0))
    answer(session, *FOUR)
    assert "episode 1, step 40" in panel.question.status.text() and not panel.grid.stale
    session.running = True
    session.give_step(0, fake_step(session.lanes[0], 3, moment=43, index=43))
    panel.settle()
    assert panel.question.status.text().startswith("⚠ 3 steps ago") and panel.grid.stale
    panel.question.explain.click()
    assert "step 43" in panel.question.status.text() and not panel.grid.stale


def test_the_map_over_a_frame_is_that_frames(make):
    session, panel = make(fake_lane(0))
    key, _, parameters = maps(session)
    record = attribution("gradient", parameters["observation"])
    values = np.zeros((84, 84, 4), np.float32)
    values[20:30, 50:60, 1] = 5.0
    values[60:70, 10:20, 3] = -5.0
    session.progressed.emit(key, Progress(1, 1, "", dataclasses.replace(record, map=values, scale=5.0)))
    tile = panel.grid.tiles["gradient"]
    assert len(tile.seen) == 1
    session.set_view(saliency_frames="each")
    assert [index for index, item in enumerate(tile.items) if item.isVisible()] == [0, 1, 2, 3]
    colour = [item.pixels[..., 2].astype(int) - item.pixels[..., 1] for item in tile.items]  # red − green
    assert colour[1][25, 55] > 60 and colour[3][65, 15] < -60
    assert not colour[0].any() and not colour[2].any() and not colour[1][65, 15] and not colour[3][25, 55]
    answer(session, "gradcam")  # has one map for all frames
    assert len(panel.grid.tiles["gradcam"].seen) == 1
    panel.question.frames.activated.emit(2)
    assert session.view["saliency_frames"] == "newest" and len(tile.seen) == 1
    shown = tile.items[0].pixels[..., 2].astype(int) - tile.items[0].pixels[..., 1]
    assert shown[65, 15] < -60 and not shown[25, 55]


def test_a_click_puts_a_methods_map_over_the_game(make):
    session, panel = make(fake_lane(0))
    answer(session, *FOUR)
    item = panel.grid.tiles["gradcam"].items[0]
    place = panel.grid.mapFromScene(item.mapToScene(item.box.center()))
    QtTest.QTest.mouseClick(panel.grid.viewport(), Qt.LeftButton, Qt.NoModifier, place)
    assert session.called("set_saliency") == [("action", "gradcam")]
    assert panel.grid.tiles["gradcam"].frame.isVisible() and not panel.grid.tiles["gradient"].frame.isVisible()
    assert panel.sanity.method.currentText() == "Grad-CAM"
    session.set_saliency(None)
    assert not panel.grid.tiles["gradcam"].frame.isVisible()


def test_jobs_end_when_nobody_looks_and_the_question_is_asked_again(make, qtbot):
    session, panel = make(fake_lane(0))
    key = maps(session)[0]
    panel.hide()
    assert (key,) in session.called("cancel")
    panel.show()
    qtbot.waitUntil(lambda: maps(session)[0] != key, timeout=3000)
    session.failed.emit(maps(session)[0], "The maps failed.")
    assert panel.question.said.text() == "The maps failed." and not panel.question.cancel.isEnabled()


# -- a region -------------------------------------------------------------------------------------------------------
def cover_test(observation, box, kind="logits"):
    before, after = np.array([0.1, 0.2, 0.6, 0.1], np.float32), np.array([0.1, 0.5, 0.3, 0.1], np.float32)
    names = ("NOOP", "FIRE", "RIGHT", "LEFT")
    return CoverTest(observation, observation, (box,), "mean", names, kind, before, after, 2, 1, 1.5,
                     0.25, 0.3, np.zeros((8, 1, 4), np.int64), np.linspace(0, 0.1, 8).astype(np.float32),
                     np.full(8, 2), 1 / 9, "Covering it changes the action from right to fire.")  # fmt: skip


def test_a_dragged_region_is_tested_then_covered_in_the_game_and_uncovered(make):
    session, panel = make(fake_lane(0))
    answer(session, *FOUR)
    drag(panel, panel.grid.tiles["gradcam"].items[0], (0.252, 0.502), (0.495, 0.745))
    box = (42, 21, 21, 21)
    assert session.called("choose_region")[-1] == (0, box)
    key, analysis, lane, parameters = session.called("run")[-1]
    assert (analysis, lane, parameters["boxes"], parameters["fill"]) == ("cover", 0, (box,), "mean")
    assert parameters["observation"] is session.last_step(0).observation and "target" not in parameters
    assert "Rows 42–62, columns 21–41" in panel.cover.said.text()
    assert panel.tabs.currentWidget() is panel.cover
    result = cover_test(parameters["observation"], box)
    session.progressed.emit(key, Progress(1, 1, "", result))
    texts = [[panel.cover.table.item(row, column).text() for column in range(4)] for row in range(5)]
    assert texts[1] == ["fire", "0.2", "0.5", "+0.3"] and texts[2][0] == "right"
    assert texts[4] == ["value", "1.5", "0.25", "−1.25"]
    bold = {(row, column) for row in range(5) for column in range(4)
            if panel.cover.table.item(row, column).font().bold()}
    assert bold == {(result.action_before, 1), (result.action_after, 2)}
    assert panel.cover.said.text() == result.sentence and panel.cover.line.value() == pytest.approx(0.3)
    assert session.called("set_cover") == []  # looking changes nothing
    panel.cover.cover_button.click()
    assert session.called("set_cover") == [(0, box, "mean")]
    panel.cover.uncover_button.click()
    assert session.called("set_cover")[-1][:2] == (0, None) and not panel.cover.uncover_button.isEnabled()


def test_a_region_of_another_agents_game_is_tested_at_its_moment_on_screen(make, qtbot):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    session.choose_region(1, (10, 10, 5, 5))
    qtbot.waitUntil(lambda: session.called("run")[-1][1] == "cover", timeout=3000)
    key, _, lane, parameters = session.called("run")[-1]
    assert lane == 1 and parameters["observation"] is session.last_step(1).observation
    session.choose_region(1, (30, 10, 5, 5))
    session.progressed.emit(key, Progress(1, 1, "", cover_test(parameters["observation"], (10, 10, 5, 5), "q")))
    assert panel.cover.result is None and "testing" in panel.cover.said.text()  # late: of the region before
    session.choose_region(1, None)
    assert not panel.cover.cover_button.isEnabled() and panel.cover.result is None


# -- tests of a map -------------------------------------------------------------------------------------------------
def test_sanity_runs_and_shows_the_cascade_and_its_verdict(make):
    session, panel = make(fake_lane(0))
    panel.tabs.setCurrentWidget(panel.sanity)
    panel.sanity.choose("gradcam")
    panel.sanity.run.click()
    key, analysis, lane, parameters = session.called("run")[-1]
    assert (analysis, parameters["method"], parameters["target"]) == ("sanity", "gradcam", "action")
    planes = np.random.default_rng(0).random((3, 84, 84)).astype(np.float32)
    made = Sanity("gradcam", "Grad-CAM", "action", False, parameters["observation"], planes[0], ("logits", "fc"),
                  planes[1:], np.array([0.6, -0.1]), np.array([0.5, 0.1]), 2, True, "It depends on the weights.")
    session.progressed.emit(key, Progress(1, 2, "", made))
    words = [tile.caption for tile in panel.sanity.strip.tiles]
    assert words == ["trained", "logits 0.60", "fc −0.10"]
    assert panel.sanity.said.text() == "It depends on the weights."
    session.finished.emit(key)
    assert panel.sanity.save_button.isEnabled() and "earlier" not in panel.sanity.about.text()
    choose(panel, "value")
    assert panel.sanity.about.text().startswith("⚠ of an earlier question: Grad-CAM of the chosen action")
    choose(panel, "value")
    panel.sanity.choose("sarfa")
    count = len(session.called("run"))
    panel.sanity.run.click()
    assert "SARFA explains one action" in panel.sanity.said.text() and len(session.called("run")) == count


def test_deletion_and_insertion_are_drawn_beside_the_random_order(make):
    session, panel = make(fake_lane(0))
    panel.tabs.setCurrentWidget(panel.faithfulness)
    panel.faithfulness.run.click()
    key, analysis, _, parameters = session.called("run")[-1]
    assert analysis == "faithfulness" and parameters["method"] == "gradient"
    fractions = np.linspace(0, 1, 5)
    curves = {name: np.full(5, place, float) for place, name in enumerate((
        "deletion", "insertion", "random_deletion", "random_insertion", "deletion_probability", "insertion_probability",
        "random_deletion_probability", "random_insertion_probability"))}
    made = Faithfulness("gradient", "Gradient", "action", "mean", np.zeros((84, 84), np.float32), 1, fractions,
                        **curves, areas={}, sentence="Better than chance.")  # fmt: skip
    session.progressed.emit(key, Progress(1, 1, "", made))
    shown = panel.faithfulness.curves
    assert shown["deletion"].yData[0] == 0 and shown["random_insertion"].yData[0] == 3
    panel.faithfulness.quantity.setCurrentIndex(1)
    panel.faithfulness.quantity.activated.emit(1)
    assert shown["deletion"].yData[0] == 4 and panel.faithfulness.said.text() == "Better than chance."


def test_what_is_shown_can_be_saved(make, monkeypatch):
    session, panel = make(fake_lane(0))
    asked = []

    def path(parent, suggestion, endings):
        asked.append(suggestion)
        return "/tmp/out.png"

    monkeypatch.setattr(saving, "ask_path", path)
    panel.question.save.click()
    _, analysis, lane, parameters = session.called("run")[-1]
    assert analysis == "attribution_grid" and parameters["save_to"] == "/tmp/out.png" and parameters["frames"] == "sum"
    assert parameters["observation"] is panel.asked.step.observation and "step 40" in asked[0]
    panel.sanity.run.click()
    key, _, _, wanted = session.called("run")[-1]
    planes = np.zeros((1, 84, 84), np.float32)
    made = Sanity("gradient", "Gradient", "action", True, wanted["observation"], planes[0], ("fc",), planes,
                  np.zeros(1), np.zeros(1), 1, False, "It shows edges.")  # fmt: skip
    session.progressed.emit(key, Progress(1, 1, "", made))
    session.finished.emit(key)
    choose(panel, "value")  # the file is of what is shown, not of what is asked now
    panel.sanity.save_button.click()
    _, analysis, _, parameters = session.called("run")[-1]
    assert analysis == "sanity" and parameters["target"] == "action" and parameters["save_to"] == "/tmp/out.png"
    count, said = len(session.called("run")), []
    session.message.connect(lambda level, sentence: said.append(sentence))
    session.lanes = (fake_lane(0, "small"),)  # whose map would be written into that file
    panel.sanity.save()
    assert len(session.called("run")) == count and "no longer open" in said[0]


def test_a_recurrent_network_is_asked_with_what_it_remembered_before_the_moment():
    def lane(size):
        state = np.arange(6, dtype=np.float32).reshape(3, 2)
        moments = SimpleNamespace(row_of={7: 0, 8: 1, 9: 2}.get, column=lambda name: {"state": state}[name])
        player = SimpleNamespace(agent=SimpleNamespace(initial_state=np.zeros(size, np.float32)))
        return SimpleNamespace(player=player, moments=moments)

    np.testing.assert_array_equal(Lane.memory_before(lane(2), 8)["state"], [2, 3])
    assert Lane.memory_before(lane(0), 8) == {} == Lane.memory_before(lane(2), None)
    with pytest.raises(ZooError, match="no longer kept"):
        Lane.memory_before(lane(2), 99)


@pytest.mark.parametrize("frames, pictures", [("sum", 3), ("each", 5)])
def test_the_grid_is_written_as_it_is_shown(frames, pictures):
    agent = Agent(tiny_agents.card(), tiny_agents.weights())
    observation = tiny_agents.observation()
    made = run("attribution_grid", agent, observation=observation, target="value", frames=frames,
               methods=("gradient", "gradient_input", "gradcam"))  # fmt: skip
    figure = Figure()
    made.draw(figure)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == pictures
    assert [axis.get_title() for axis in shown if axis.get_title()] == ["Gradient", "Gradient × input", "Grad-CAM"]
    np.testing.assert_allclose(made.arrays()["gradient"], agent.gradients(observation, "value"), rtol=1e-4, atol=1e-6)
    assert made.arrays()["gradcam"].shape == (20, 18, 1) and len(made.table()) == 5
    with pytest.raises(ZooError, match="largest"):
        run("attribution_grid", agent, observation=observation, frames="largst")


@pytest.mark.parametrize("size", [(720, 620), (300, 200)])
def test_it_fits_and_breaks_at_no_size(make, size):
    session, panel = make(fake_lane(0), fake_lane(1, "small"), size=size)
    answer(session, *FOUR)
    session.set_view(saliency_frames="each", saliency_signs=False)
    panel.grab()
    assert not panel.failed
    for tile in panel.grid.tiles.values():
        assert all(panel.grid.extent[0] >= item.box.right() for item in tile.seen)
    tile = panel.grid.tiles["integrated"]
    whole = tile.name.text_width("Integrated gradients") <= tile.box.width()
    assert tile.name.text == ("Integrated gradients" if whole else "Integrated")
    assert tile.name.toolTip() == "Integrated gradients"
