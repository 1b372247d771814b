"""The inspector: selection, jobs, stale pictures, pins, interventions; driven by real clicks and keys."""

import dataclasses
from collections import namedtuple

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step
from pyqtgraph.Qt import QtCore

from zoo_gui.types import Unit
from zoo_gui.widgets import inspector
from zoo_gui.widgets.inspector import InspectorPanel
from zoo_gui.widgets.inspector_trace import Recent

Progress = namedtuple("Progress", "done total label result")
Vis = namedtuple("Vis", "unit step total image activation from_cache")
Weights = namedtuple("Weights", "unit source kernel bias scale top")
CONV, NEXT, DENSE = Unit("conv2", 17), Unit("conv2", 18), Unit("fc", 100)


class Session(FakeSession):
    def __init__(self, *lanes):
        super().__init__(lanes)
        self.edits = {}

    def edit(self, lane, unit, gain=1.0, offset=0.0):
        self.calls.append(("edit", (lane, unit, gain, offset)))
        self.edits[lane, unit] = (gain, offset)

    def clear_edits(self):
        self.calls.append(("clear_edits", ()))
        self.edits.clear()

    def jobs(self):
        return [(args[0], args[2], args[3]["unit"]) for args in self.called("run")]


@pytest.fixture
def make(qtbot):
    kept = []  # a panel without a parent lives as long as its last reference

    def shown(*lanes):
        session = Session(*(lanes or (fake_lane(),)))
        panel = InspectorPanel(session)
        qtbot.addWidget(panel)
        kept.append(panel)
        panel.resize(440, 800)
        panel.show()
        qtbot.waitExposed(panel)
        for info in session.lanes:
            session.give_step(info.lane, fake_step(info, 1))
        return session, panel
    yield shown


def vis(unit, step=10, total=256, level=0.25, from_cache=False):
    image = np.full((84, 84, 4), level, np.float32) + np.arange(4, dtype=np.float32) / 8
    return Progress(step, total, f"{unit}: step {step} of {total}", Vis(unit, step, total, image, 2.5, from_cache))


def kernel(unit, source, shape, top=()):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Progress(1, 1, "", Weights(unit, source, values, 0.5, float(np.abs(values).max()), top))


def click(qtbot, widget):
    qtbot.mouseClick(widget, QtCore.Qt.LeftButton)


def type_unit(qtbot, panel, text):
    panel.focus_entry()
    qtbot.keyClicks(panel.entry, text)
    qtbot.keyClick(panel.entry, QtCore.Qt.Key_Return)


def test_a_selection_starts_its_jobs_at_once(make):
    session, panel = make()
    assert not session.called("run")
    session.select(0, CONV)
    assert session.jobs() == [("feature_vis", 0, CONV), ("weights", 0, CONV)]
    assert "conv2:17 · channel · Nature" in panel.heading.text() and "sees 20×20 pixels" in panel.about.text()
    session.select(0, CONV)
    assert len(session.jobs()) == 2


def test_key_repeat_waits_and_only_the_last_unit_is_computed(make, qtbot):
    session, panel = make()
    for index in range(5):
        session.select(0, Unit("conv2", index))
    assert session.jobs() == [("feature_vis", 0, Unit("conv2", 0)), ("weights", 0, Unit("conv2", 0))]
    qtbot.waitUntil(lambda: len(session.jobs()) > 2)
    assert session.jobs()[2:] == [("feature_vis", 0, Unit("conv2", 4)), ("weights", 0, Unit("conv2", 4))]
    qtbot.wait(150)
    assert len(session.jobs()) == 4


def test_the_picture_forms_frame_by_frame_as_grey_as_it_is(make):
    session, panel = make()
    session.select(0, CONV)
    session.progressed.emit("feature_vis", vis(CONV))
    assert [tile.caption for tile in panel.vis.strip.tiles] == ["t−3", "t−2", "t−1", "t"]
    greys = [int(tile.pixels[0, 0]) & 0xFF for tile in panel.vis.strip.tiles]
    assert greys == pytest.approx([64, 96, 128, 159], abs=1)
    assert panel.vis.bar.value() == 10 and panel.vis.bar.maximum() == 256
    assert "step 10 of 256 · activation 2.5" in panel.vis.said.text()
    session.progressed.emit("feature_vis", vis(CONV, 256, from_cache=True))
    assert "from cache" in panel.vis.said.text() and not panel.vis.cancel_button.isEnabled()


def test_results_of_another_unit_are_dropped_and_old_pictures_are_shown_as_stale(make):
    session, panel = make()
    session.select(0, CONV)
    session.progressed.emit("feature_vis", vis(CONV))
    session.progressed.emit("weights", kernel(CONV, "conv1", (4, 4, 32), ((Unit("conv1", 3), 2.0),)))
    session.select(0, NEXT)
    assert panel.vis.strip.stale and "stale: this is conv2:17" in panel.vis.said.text() and panel.weights.stale
    session.progressed.emit("feature_vis", vis(CONV, 50, level=0.0))
    session.progressed.emit("weights", kernel(CONV, "conv1", (4, 4, 32)))
    assert panel.vis.strip.stale and panel.vis.bar.value() == 0 and panel.weights.stale
    session.progressed.emit("feature_vis", Progress(0, 256, "conv2:18: preparing conv2", None))
    assert "preparing conv2" in panel.vis.said.text() and "stale" in panel.vis.said.text()
    session.progressed.emit("feature_vis", vis(NEXT, 1))
    assert not panel.vis.strip.stale and "step 1 of 256" in panel.vis.said.text()


def test_stale_pictures_fade_into_the_ground(make):
    session, panel = make()
    session.select(0, CONV)
    session.progressed.emit("feature_vis", vis(CONV, level=0.6))

    def contrast():
        ground = panel.vis.strip.ground().lightness()
        return abs(panel.vis.strip.grab().toImage().pixelColor(20, 20).lightness() - ground)
    fresh = contrast()
    session.select(0, NEXT)
    assert contrast() < 0.5 * fresh


def test_nothing_runs_while_hidden(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    panel.hide()
    assert {args[0] for args in session.called("cancel")} == {"feature_vis", "weights"}
    runs = len(session.jobs())
    session.select(0, NEXT)
    assert len(session.jobs()) == runs
    panel.show()
    qtbot.waitUntil(lambda: session.jobs()[-1] == ("weights", 0, NEXT))


def test_a_panel_made_hidden_runs_nothing(qtbot):
    session = Session(fake_lane())
    session.selected = (0, CONV)
    panel = InspectorPanel(session)
    qtbot.addWidget(panel)
    assert not session.called("run")


def test_failures_are_one_sentence_in_their_place(make):
    session, panel = make()
    session.select(0, CONV)
    session.failed.emit("feature_vis", "No gradient reaches conv2:17.")
    session.failed.emit("weights", "No weights.")
    session.failed.emit("something else", "No.")
    assert panel.vis.said.text() == "No gradient reaches conv2:17." and not panel.vis.running
    assert panel.weights_said.text() == "No weights." and panel.weights_title.text() == "Weights"
    assert not panel.failed


def test_cancel_and_start_again(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    session.progressed.emit("feature_vis", vis(CONV, 40))
    click(qtbot, panel.vis.cancel_button)
    assert session.called("cancel")[-1] == ("feature_vis",)
    assert panel.vis.said.text().startswith("cancelled · step 40") and not panel.vis.strip.stale
    click(qtbot, panel.vis.again_button)
    assert session.called("run")[-1][3] == {"unit": CONV, "seed": 1}
    click(qtbot, panel.vis.again_button)
    assert session.called("run")[-1][3]["seed"] == 2
    assert panel.vis.running


def test_typing_a_unit_selects_it_and_gives_the_keys_back(make, qtbot):
    session, panel = make()
    type_unit(qtbot, panel, "conv2:17")
    assert session.selected == (0, CONV) and not panel.entry.hasFocus() and not panel.wrong.isVisible()


@pytest.mark.parametrize("text,words", [("conf2:1", "conv1, conv2"), ("conv2:64", "0 to 63"), ("17", "conv2:17")])
def test_typing_nonsense_is_answered_in_place(make, qtbot, text, words):
    session, panel = make()
    type_unit(qtbot, panel, text)
    assert panel.wrong.isVisible() and words in panel.wrong.text() and session.selected is None
    qtbot.keyClicks(panel.entry, "x")
    assert not panel.wrong.isVisible()


def test_typing_without_a_network_says_so(make, qtbot):
    session, panel = make(fake_lane(0, None))
    type_unit(qtbot, panel, "conv2:1")
    assert "no network" in panel.wrong.text()


def test_arrows_move_within_the_layer_and_wrap(make, qtbot):
    session, panel = make()
    session.select(0, Unit("conv2", 63))
    click(qtbot, panel.next)
    assert session.selected == (0, Unit("conv2", 0))
    click(qtbot, panel.previous)
    assert session.selected == (0, Unit("conv2", 63))


def test_pin_and_unpin(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    click(qtbot, panel.pin_button)
    assert session.called("pin") == [(0, CONV)] and panel.pin_button.text() == "Unpin"
    session.select(0, NEXT)
    assert panel.pin_button.text() == "Pin" and not panel.pin_button.isChecked()
    session.select(0, CONV)
    click(qtbot, panel.pin_button)
    assert session.called("unpin") == [(0, CONV)]


def test_gain_slider_ablate_reset_and_offset(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    bar = panel.edit_bar
    for value in (120, 150, 250):
        bar.slider.setValue(value)
    qtbot.waitUntil(lambda: bool(session.called("edit")))
    assert session.called("edit") == [(0, CONV, 2.5, 0.0)]
    click(qtbot, bar.ablate)
    assert session.called("edit")[-1] == (0, CONV, 0.0, 0.0) and bar.slider.value() == 0
    bar.offset.setValue(1.5)
    qtbot.waitUntil(lambda: session.called("edit")[-1] == (0, CONV, 0.0, 1.5))
    click(qtbot, bar.reset)
    assert session.called("edit")[-1] == (0, CONV, 1.0, 0.0) and not bar.reset.isEnabled()


def test_a_change_goes_to_the_unit_it_was_made_for_and_is_shown_again(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    panel.edit_bar.slider.setValue(30)
    session.select(0, NEXT)
    assert session.called("edit") == [(0, CONV, 0.3, 0.0)]
    assert panel.edit_bar.gain.value() == 1.0 and "1 other unit is changed" in panel.edit_bar.others.text()
    session.select(0, CONV)
    assert panel.edit_bar.gain.value() == pytest.approx(0.3)
    session.select(0, NEXT)
    click(qtbot, panel.edit_bar.others)
    assert session.called("clear_edits") and not panel.edit_bar.others.isVisible()


def test_the_map_shows_its_strongest_position_and_the_dense_unit_its_value(make):
    session, panel = make()
    session.select(0, CONV)
    values = session.last_step(0).decision.activations["conv2"][..., 17]
    assert panel.unit_view.peak == np.unravel_index(values.argmax(), values.shape)
    assert panel.unit_view._value.text == f"{values.max():.3g}"
    assert panel.unit_view._map.pixels.shape[:2] == (9, 9)
    session.select(0, DENSE)
    value = session.last_step(0).decision.activations["fc"][100]
    assert panel.unit_view._value.text == f"{value:.3g}" and not panel.unit_view._map.isVisible()


def test_a_silent_map_has_no_strongest_position(make):
    session, panel = make()
    step = fake_step(session.lanes[0], 5)
    maps = {**step.decision.activations, "conv2": np.zeros((9, 9, 64), np.float32)}
    session.select(0, CONV)
    assert panel.unit_view._frame.isVisible()
    session.give_step(0, dataclasses.replace(step, decision=dataclasses.replace(step.decision, activations=maps)))
    assert not panel.unit_view._frame.isVisible() and panel.unit_view._where.text == "silent everywhere"


def test_the_past_of_a_unit_is_there_when_it_is_selected(make):
    session, panel = make()
    info = session.lanes[0]
    steps = [fake_step(info, seed) for seed in range(2, 8)]
    for step in steps:
        session.give_step(0, step)
    session.select(0, CONV)
    x, y = panel.recent_plot.curve.getData()
    assert y[1:] == pytest.approx([step.decision.activations["conv2"][..., 17].max() for step in steps])
    assert x[-1] == 0 and np.diff(x) == pytest.approx(4 / 60) and panel.recent_plot.said.text() == "last 7 steps"


def test_missing_steps_are_admitted_and_a_pinned_unit_has_none_missing(make):
    session, panel = make()
    session.select(0, CONV)
    session.give_step(0, fake_step(session.lanes[0], 3), count=10)
    assert panel.recent_plot.said.text() == "2 of the last 11 steps"
    session.set_lanes(fake_lane())
    session.pin(0, CONV)
    session.give_step(0, fake_step(session.lanes[0], 3), count=10)
    assert panel.recent_plot.said.text() == "last 10 steps"


def test_recent_forgets_what_is_older_than_its_window_and_restarts():
    info = fake_lane(0, "small")
    recent = Recent(info)

    def highs(value):
        return [np.full(layer.units, value, np.float32) for layer in info.layers]
    for at in range(0, 400, 2):
        recent.add(at, highs(at))
    numbers, values = recent.of(Unit("fc", 5))
    assert recent.window == 150 and numbers[0] > 398 - 150 and np.array_equal(numbers, values)
    recent.add(398, highs(7.0))
    assert recent.of(Unit("q", 3))[1][-1] == 7.0 and len(recent.of(Unit("q", 3))[0]) == len(numbers)
    recent.add(0, highs(1.0))
    assert recent.of(Unit("conv1", 0))[0].tolist() == [0]


def test_weights_of_the_first_layer_are_one_kernel_a_frame(make):
    session, panel = make()
    unit = Unit("conv1", 3)
    session.select(0, unit)
    session.progressed.emit("weights", kernel(unit, None, (8, 8, 4)))
    assert [tile.caption for tile in panel.weights.tiles] == ["t−3", "t−2", "t−1", "t"]
    assert all(tile.pixels.shape == (8, 8) for tile in panel.weights.tiles)


def test_a_click_on_a_strong_input_walks_there(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    top = tuple((Unit("conv1", index), 3.0 - index) for index in (1, 2, 5))
    session.progressed.emit("weights", kernel(CONV, "conv1", (4, 4, 32), top))
    assert "3 strongest of 32" in panel.weights_title.text()
    panel.grab()
    position = panel.weights._pictures[1].box.center().toPoint()
    qtbot.mouseClick(panel.weights.viewport(), QtCore.Qt.LeftButton, pos=position)
    assert session.selected == (0, Unit("conv1", 2))


def test_another_agent_in_the_lane_starts_over(make):
    session, panel = make(fake_lane(0))
    session.select(0, CONV)
    runs = len(session.jobs())
    other = fake_lane(0, game="Pong")
    session.set_lanes(other)
    assert len(session.jobs()) > runs or panel._wait.isActive()
    session.selected = None
    session.set_lanes(fake_lane(0, None))
    assert panel._current is None and panel._pages.currentIndex() == 0 and not panel.failed


def test_deselecting_ends_the_jobs(make):
    session, panel = make()
    session.select(0, CONV)
    session.select(0, None)
    assert {args[0] for args in session.called("cancel")} == {"feature_vis", "weights"}
    assert panel._pages.currentIndex() == 0 and not panel.vis.strip.tiles


def test_the_second_lane_is_named(make):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    session.select(1, Unit("q", 2))
    assert "B Small" in panel.heading.text() and "action: right" in panel.about.text()
    assert inspector.JOBS and session.jobs()[-1] == ("weights", 1, Unit("q", 2))
