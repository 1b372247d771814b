"""The Groups and Filters panels with real clicks, over a session that records what is asked of it."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import NATURE, FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtTest, QtWidgets
from zoo_gui import factors
from zoo_gui.agents.groups import kernel_of
from zoo_gui.analysis.filters import Filters, TemporalBias
from zoo_gui.analysis.groups_record import GroupMoment, Groups
from zoo_gui.types import LayerInfo, Progress, Unit
from zoo_gui.widgets.filters import FiltersPanel
from zoo_gui.widgets.groups import GroupsPanel

Qt = QtCore.Qt


def some_groups(layer="conv3", count=3):
    info = next(one for one in NATURE if one.name == layer)
    directions = np.eye(info.units, dtype=np.float32)[[7, 3, 9][:count]]
    is_map = len(info.shape) == 3
    plane = np.full(info.shape[:2] if is_map else (1, 1), 0.5, np.float32)
    frame = np.zeros((210, 160, 3), np.uint8)
    top = tuple((GroupMoment(40 + k, 0, 40 + k, 2.0, plane, frame),) for k in range(count))
    return Groups(
        layer, info, "activations", directions, kernel_of(directions), np.full(count, 0.2, np.float32), 0.4,
        np.ones(count, np.float32), np.ones(count, np.float32), 1.0, ("7", "3", "9")[:count], factors.colours(count),
        top, 200, 5000, 20, 0, (210, 160), (84, 84),
    )  # fmt: skip


def click(widget, position=None):
    QtTest.QTest.mouseClick(widget, Qt.LeftButton, Qt.NoModifier, position or widget.rect().center())


@pytest.fixture
def shown(qtbot):
    """make(panel class, lanes) → (session, panel)."""

    def make(kind, *lanes):
        session = FakeSession(lanes)
        panel = kind(session)
        put_up(qtbot, panel, (900, 600))
        return session, panel

    return make


def with_groups(lane, count=3, names=()):
    info = LayerInfo("conv3_groups", (7, 7, count), "conv", False, lane.layer("conv3").receptive_field, names, "conv3")
    return replace(lane, layers=(*lane.layers, info))


def found(session, panel, result):
    key, analysis, lane, asked = session.called("run")[-1]
    assert analysis == "groups"
    session.progressed.emit(key, Progress(100, 100, "done", result))
    return asked


def test_groups_are_asked_for_shown_over_the_game_and_become_units(shown, qtbot):
    session, panel = shown(GroupsPanel, fake_lane())
    assert panel.layer.currentText() == "conv3" and panel.start_button.isEnabled() and not panel.save_button.isEnabled()
    session.give_step(0, fake_step(session.lanes[0]))
    panel.settle()
    panel.count.setValue(3)
    click(panel.start_button)
    session.progressed.emit(session.called("run")[-1][0], Progress(40, 100, "factoring: 30.0% unexplained"))
    assert panel.said.text() == "factoring: 30.0% unexplained" and panel.cancel_button.isEnabled()
    asked = found(session, panel, some_groups())
    assert asked == {"layer": "conv3", "count": 3, "of": "activations", "moments": "session"}
    assert "60% explained, 40% not" in panel.said.text() and [row.letter.text() for row in panel.rows] == list("ABC")
    assert not panel.failed
    _see_them_live(session, panel)
    QtTest.QTest.keyClicks(panel.rows[1].name, "ball")
    QtTest.QTest.keyClick(panel.rows[1].name, Qt.Key_Return)
    click(panel.rows[1].letter)  # no unit yet: it becomes one, and is then selected
    lane, groups, _, names = session.called("add_groups")[-1]
    assert lane == 0 and groups is panel.result and names == ("", "ball", "")
    session.set_lanes(with_groups(session.lanes[0]))
    qtbot.waitUntil(lambda: session.selected == (0, Unit("conv3_groups", 1)))
    assert panel.layer_name == "conv3_groups" and panel.layer.findText("conv3_groups") < 0
    click(panel.rows[2].letter)
    assert session.selected == (0, Unit("conv3_groups", 2))
    panel.rows[0].name.setText("paddle")
    panel.rows[0].name.editingFinished.emit()
    assert session.called("name_units")[-1] == (0, "conv3_groups", ("paddle", "ball", ""))
    strip = panel.rows[0].sheet
    click(strip.viewport(), strip.mapFromScene(strip.view.mapViewToScene(strip.tile_box(0).center())))
    assert session.called("seek")[-1] == (0, 40, "session")
    click(panel.remove_button)
    assert session.called("remove_groups") == [(0, "conv3_groups")]
    session.set_lanes(fake_lane())
    assert not panel.layer_name and panel.result is not None and panel.use_button.isEnabled()


def _see_them_live(session, panel):
    """The picture has each group's colour where its unit is strong; hovering a row shows it alone."""
    info = session.lanes[0]
    step = fake_step(info, 1, frame=np.zeros((210, 160, 3), np.uint8))
    values = np.zeros((7, 7, 64), np.float32)
    values[1, 1, 7], values[5, 5, 3] = 1.0, 1.0
    decision = replace(step.decision, activations={**step.decision.activations, "conv3": values})
    session.give_step(0, replace(step, decision=decision))
    panel.settle()

    def colour(row, column):
        """The first group's place: its cell is centred on what it sees."""
        y, x = (int((14 + 4 + 8 * place) * size / 84) for place, size in ((row, 210), (column, 160)))
        return panel.live.picture.pixels[y, x, 2::-1].astype(int)

    orange, blue = (panel.result.colours[k].astype(int) for k in (0, 1))
    assert np.abs(colour(1, 1) - 0.65 * orange).max() < 40 and np.abs(colour(5, 5) - 0.65 * blue).max() < 40
    QtWidgets.QApplication.sendEvent(panel.rows[0], QtCore.QEvent(QtCore.QEvent.Leave))
    panel.rows[1].pointed.emit(1)
    assert colour(1, 1).max() == 0 and colour(5, 5).max() > 60
    panel.rows[1].pointed.emit(None)
    assert colour(1, 1).max() > 60
    click(panel.overlay_button)
    assert panel.live.picture.pixels[..., :3].max() == 0
    click(panel.overlay_button)


def test_late_and_failed_answers_and_an_agent_that_goes(shown):
    session, panel = shown(GroupsPanel, fake_lane())
    click(panel.start_button)
    first = session.called("run")[-1][0]
    click(panel.cancel_button)
    assert session.called("cancel")[-1] == (first,)
    session.progressed.emit(first, Progress(1, 1, "late", some_groups()))
    assert panel.result is None
    click(panel.start_button)
    session.failed.emit(session.called("run")[-1][0], "5 moments are too few.")
    assert panel.said.text() == "5 moments are too few." and panel.start_button.isEnabled()
    click(panel.start_button)
    found(session, panel, some_groups())
    assert panel.result is not None
    session.set_lanes(replace(fake_lane(), agent_id="other/Breakout/1"))
    assert panel.result is None and not panel.rows and "gone" in panel.said.text()
    session.set_lanes(fake_lane(network=None))
    assert not panel.start_button.isEnabled() and not panel.failed


def test_groups_go_with_their_agent_when_another_is_removed(shown):
    one, other = fake_lane(0), fake_lane(1, "small", layers=NATURE)
    session, panel = shown(GroupsPanel, one, other)
    panel.lane.setCurrentIndex(1)
    panel.lane.activated.emit(1)
    click(panel.start_button)
    found(session, panel, some_groups())
    session.set_lanes(replace(other, lane=0))
    assert panel.result is not None and panel.lane.currentData() == 0 and "60% explained" in panel.said.text()
    session.give_step(0, fake_step(session.lanes[0], 2))
    panel.settle()
    panel.rows[1].pointed.emit(1)
    assert panel.live.caption.text == "only B, the row under the mouse"
    panel.rows[1].pointed.emit(None)
    assert "all groups" in panel.live.caption.text
    session.set_lanes(fake_lane(network=None))
    assert panel.live.picture.pixels[..., :3].max() == 0 and not panel.live.caption.text  # not the game of one gone


def test_a_dense_layers_groups_have_their_letters_in_the_corner(shown):
    session, panel = shown(GroupsPanel, fake_lane())
    session.give_step(0, fake_step(session.lanes[0]))
    panel.layer.setCurrentText("fc")
    click(panel.start_button)
    found(session, panel, some_groups("fc"))
    session.give_step(0, fake_step(session.lanes[0], 2))
    panel.settle()
    assert not panel.failed and len(panel.rows) == 3


def a_filter(layer="conv1", source=None, channels=4, units=32):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 4, channels, units)).astype(np.float32)
    norms = np.sqrt((kernel**2).sum((0, 1)))
    return Filters(layer, source, kernel, channels if source is None else 0, norms, float(np.abs(kernel).max()))


def test_filters_select_units_and_every_agents_bias_is_shown(shown):
    session, panel = shown(FiltersPanel, fake_lane(0), fake_lane(1, "small"))
    keys = {(analysis, lane): key for key, analysis, lane, _ in session.called("run")}
    assert {("filters", 0), ("temporal_bias", 0), ("temporal_bias", 1)} <= set(keys)
    session.progressed.emit(keys["filters", 0], Progress(1, 1, "", a_filter()))
    assert "32 filters of 4×4 over frames t−3 to t" in panel.said.text()
    bias = TemporalBias("conv1", np.float32([0.2, 0.3, 0.5, 1]), np.float32([1, 2, 3, 4]))
    session.progressed.emit(keys["temporal_bias", 0], Progress(1, 1, "", bias))
    session.failed.emit(keys["temporal_bias", 1], "It sees a single frame.")
    assert "t−3 0.20" in panel.bars.accessibleDescription() and "single frame" in panel.bars.accessibleDescription()
    panel.bars.grab()  # painted without a fault
    place = panel.grid.mapFromScene(panel.grid.view.mapViewToScene(panel.grid.place_of(5).center()))
    click(panel.grid.viewport(), place)
    assert session.selected == (0, Unit("conv1", 5))
    QtTest.QTest.mouseMove(panel.grid.viewport(), place)
    before = panel.grid._item.pixels.copy()
    click(panel.own)
    assert not np.array_equal(before, panel.grid._item.pixels)
    panel.layer.setCurrentText("conv3")
    panel.layer.activated.emit(panel.layer.currentIndex())
    key, _, _, asked = session.called("run")[-1]
    assert asked == {"layer": "conv3"}
    session.progressed.emit(keys["filters", 0], Progress(1, 1, "", a_filter("conv2", "conv1")))  # late
    assert panel.result.layer == "conv1"
    session.progressed.emit(key, Progress(1, 1, "", a_filter("conv3", "conv2", 64, 64)))
    assert "the 8 of largest norm" in panel.said.text()
    panel.layer.setCurrentText("logits")
    panel.layer.activated.emit(panel.layer.currentIndex())
    session.failed.emit(session.called("run")[-1][0], "logits has no pictures.")
    assert panel.said.text() == "logits has no pictures." and not panel.save_button.isEnabled() and not panel.failed


def test_filters_that_came_out_of_sight_are_asked_for_again(shown):
    session, panel = shown(FiltersPanel, fake_lane())
    first = session.called("run")[0][0]
    panel.seen_changed(False)
    session.progressed.emit(first, Progress(1, 1, "", a_filter()))
    panel.seen_changed(True)
    assert panel.result is None
    keys = {analysis: key for key, analysis, _, _ in session.called("run")}
    session.progressed.emit(keys["filters"], Progress(1, 1, "", a_filter()))
    session.failed.emit(keys["temporal_bias"], "It sees a single frame.")
    asked = len(session.called("run"))
    panel.seen_changed(True)
    assert panel.result.layer == "conv1" and len(session.called("run")) == asked


def test_filters_of_an_agent_go_with_it(shown):
    session, panel = shown(FiltersPanel, fake_lane(0))
    key = [key for key, analysis, *_ in session.called("run") if analysis == "filters"][-1]
    session.progressed.emit(key, Progress(1, 1, "", a_filter()))
    assert panel.result is not None
    session.set_lanes(fake_lane(0, "small"))
    assert panel.result is None and not panel.save_button.isEnabled() and "reading" in panel.said.text()


def test_a_late_bias_of_an_earlier_agent_is_dropped(shown):
    session, panel = shown(FiltersPanel, fake_lane(0))
    late = next(key for key, analysis, *_ in session.called("run") if analysis == "temporal_bias")
    session.set_lanes(fake_lane(0, "small"))
    bias = TemporalBias("conv1", np.float32([0.2, 0.3, 0.5, 1]), np.float32([1, 2, 3, 4]))
    session.progressed.emit(late, Progress(1, 1, "", bias))
    assert not panel._bias


def test_groups_that_are_found_out_of_sight_are_shown_later(shown):
    session, panel = shown(GroupsPanel, fake_lane())
    click(panel.start_button)
    panel.seen_changed(False)
    found(session, panel, some_groups())
    panel.seen_changed(True)
    assert panel.result.count == 3 and panel.start_button.isEnabled() and not panel.cancel_button.isEnabled()
    click(panel.start_button)
    panel.seen_changed(False)
    session.failed.emit(session.called("run")[-1][0], "There are too few moments.")
    panel.seen_changed(True)
    assert panel.said.text() == "There are too few moments." and panel.start_button.isEnabled()
