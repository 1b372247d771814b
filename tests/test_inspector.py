"""The inspector: selection, tabs and their jobs, stale pictures, pins, interventions; driven by clicks and keys."""

import dataclasses

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.analysis.feature_vis import FeatureVis
from zoo_gui.analysis.patches import Patch, Patches
from zoo_gui.analysis.weights import UnitWeights
from zoo_gui.types import Progress, Unit
from zoo_gui.widgets.inspector import InspectorPanel
from zoo_gui.widgets.inspector_trace import Recent
from zoo_gui.widgets.pictures import change, change_level, film_fps, shown_frame
from zoo_gui.widgets.vis_options import DIVERSITY

LOOKS, FIRED, WEIGHTS = range(3)
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
        return [(args[1], args[2], args[3].get("unit")) for args in self.called("run")]

    def answer(self, *records):
        """Records of the job that was started last."""
        key = self.called("run")[-1][0]
        for record in records:
            self.progressed.emit(key, record)
        return key

    def finish(self, *records):
        """The same, and it ends."""
        self.finished.emit(self.answer(*records))


@pytest.fixture
def make(qtbot):
    def shown(*lanes):
        session = Session(*(lanes or (fake_lane(),)))
        panel = InspectorPanel(session)
        put_up(qtbot, panel, (440, 800))
        for info in session.lanes:
            session.give_step(info.lane, fake_step(info, 1))
        return session, panel
    yield shown


def vis(unit, step=10, total=256, level=0.25, from_cache=False, count=1, target=None):
    image = np.full((84, 84, 4), level, np.float32) + np.arange(4, dtype=np.float32) / 8
    images, values = np.stack([image] * count), np.arange(count) + 2.5
    result = FeatureVis(unit, target or str(unit), step, total, image, images, 2.5, values, True, from_cache)
    return Progress(step, total, f"{target or unit}: step {step} of {total}", result)


def kernel(unit, source, shape, top=()):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    norms = np.square(values).sum((0, 1)) ** 0.5
    scale = float(np.abs(values).max())
    return Progress(1, 1, "", UnitWeights(unit, source, values, 0.5, scale, values[..., 0], norms, top))


def patches(unit, count=9, which="top"):
    pixels = np.full((20, 20, 4), 200, np.uint8)
    found = tuple(Patch(100 + n, 1, 40 * n, 9.0 - n, (3, 4), (24, 32, 20, 20), pixels,
                        np.zeros((210, 160, 3), np.uint8), (60.0, 60.0, 38.0, 50.0)) for n in range(count))
    sentence = "the top 9 of 2,500 moments." if count else f"{unit} never fires in these 30 moments: nothing to show."
    return Progress(1, 1, "", Patches(unit, which, found, sentence, 2500, 10))


def click(qtbot, widget):
    qtbot.mouseClick(widget, QtCore.Qt.LeftButton)


def type_unit(qtbot, panel, text):
    panel.focus_entry()
    qtbot.keyClicks(panel.entry, text)
    qtbot.keyClick(panel.entry, QtCore.Qt.Key_Return)


def open_tab(qtbot, panel, index):
    bar = panel.tabs.tabBar()
    qtbot.mouseClick(bar, QtCore.Qt.LeftButton, pos=bar.tabRect(index).center())


def click_tile(qtbot, strip, index):
    strip.grab()
    qtbot.mouseClick(strip.viewport(), QtCore.Qt.LeftButton, pos=strip.tile_box(index).center().toPoint())


def choose(combo, index):
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


# -- tabs and their jobs ------------------------------------------------------------------------------------------
def test_a_selection_starts_the_job_of_the_tab_that_is_seen_at_once(make):
    session, panel = make()
    assert not session.called("run")
    session.select(0, CONV)
    assert session.jobs() == [("feature_vis", 0, CONV)]
    assert "conv2:17 · channel · Nature" in panel.heading.text() and "sees 20×20 pixels" in panel.kind.text()
    session.select(0, CONV)
    assert len(session.jobs()) == 1


def test_another_tab_starts_its_own_job_and_ends_the_other(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    first = session.answer(vis(CONV, 40))
    open_tab(qtbot, panel, WEIGHTS)
    assert session.called("cancel") == [(first,)]
    assert session.jobs()[1:] == [("weights", 0, CONV)]
    session.finish(kernel(CONV, "conv1", (4, 4, 32), ((Unit("conv1", 3), 2.0),)))
    open_tab(qtbot, panel, FIRED)
    assert session.jobs()[2:] == [("patches", 0, CONV)]
    open_tab(qtbot, panel, WEIGHTS)
    assert len(session.jobs()) == 3  # its answer is there
    open_tab(qtbot, panel, LOOKS)
    assert session.jobs()[3:] == [("feature_vis", 0, CONV)]  # it was not finished
    session.select(0, NEXT)
    qtbot.waitUntil(lambda: session.jobs()[4:] == [("feature_vis", 0, NEXT)])


def test_key_repeat_waits_and_only_the_last_unit_is_computed(make, qtbot):
    session, panel = make()
    for index in range(5):
        session.select(0, Unit("conv2", index))
    assert session.jobs() == [("feature_vis", 0, Unit("conv2", 0))]
    qtbot.waitUntil(lambda: len(session.jobs()) > 1)
    assert session.jobs()[1:] == [("feature_vis", 0, Unit("conv2", 4))]
    qtbot.wait(150)
    assert len(session.jobs()) == 2


def test_nothing_runs_while_hidden(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    panel.hide()
    assert session.called("cancel") == [(session.called("run")[0][0],)]
    runs = len(session.jobs())
    session.select(0, NEXT)
    assert len(session.jobs()) == runs
    panel.show()
    qtbot.waitUntil(lambda: session.jobs()[-1] == ("feature_vis", 0, NEXT))
    panel.seen_changed(False)  # another dock of its place came to the front
    assert len(session.called("cancel")) == 2
    panel.seen_changed(True)
    qtbot.waitUntil(lambda: len(session.jobs()) == 3)
    panel.hide()  # as docks are moved about: shown again, and only then in front
    panel.seen_changed(False)
    panel.show()
    panel.seen_changed(True)
    qtbot.waitUntil(lambda: len(session.jobs()) == 4)


def test_a_panel_made_hidden_runs_nothing(qtbot):
    session = Session(fake_lane())
    session.selected = (0, CONV)
    panel = InspectorPanel(session)
    qtbot.addWidget(panel)
    assert not session.called("run")


def test_results_of_another_unit_are_dropped_and_old_pictures_are_shown_as_stale(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    late = session.answer(vis(CONV))
    session.select(0, NEXT)
    assert panel.vis.strip.stale and "stale: this is conv2:17" in panel.vis.said.text()
    qtbot.waitUntil(lambda: len(session.jobs()) == 2)
    session.progressed.emit(late, vis(CONV, 50, level=0.0))
    assert panel.vis.strip.stale and panel.vis.bar.value() == 0
    session.answer(Progress(0, 256, "conv2:18: preparing conv2", None))
    assert "preparing conv2" in panel.vis.said.text() and "stale" in panel.vis.said.text()
    session.answer(vis(NEXT, 1))
    assert not panel.vis.strip.stale and "step 1 of 256" in panel.vis.said.text()
    open_tab(qtbot, panel, WEIGHTS)
    session.finish(kernel(NEXT, "conv1", (4, 4, 32), ((Unit("conv1", 3), 2.0),)))
    session.select(0, CONV)
    assert panel.weights.strip.stale and "stale" in panel.weights.said.text()


def test_another_agent_of_the_same_layers_gets_no_picture_of_the_one_before(make, qtbot):
    session, panel = make(fake_lane(0))
    session.select(0, CONV)
    late = session.answer(vis(CONV, 40))
    session.set_lanes(fake_lane(0, game="Pong"))
    qtbot.waitUntil(lambda: len(session.jobs()) == 2)
    session.progressed.emit(late, vis(CONV, 41))
    assert not panel.vis.strip.tiles and panel.vis.said.text() == "starting …"


def test_failures_are_one_sentence_in_their_place(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    session.failed.emit("something else", "No.")
    session.failed.emit(session.answer(vis(CONV)), "No gradient reaches conv2:17.")
    assert panel.vis.said.text() == "No gradient reaches conv2:17." and not panel.vis.cancel_button.isEnabled()
    for tab, index in ((panel.weights, WEIGHTS), (panel.patches, FIRED)):
        open_tab(qtbot, panel, index)
        session.failed.emit(session.called("run")[-1][0], "Not this.")
        assert tab.said.text() == "Not this." and not tab.strip.tiles
    assert panel.weights.heading.text() == "Weights" and not panel.failed


# -- what it looks for --------------------------------------------------------------------------------------------
def test_the_picture_forms_frame_by_frame_as_grey_as_it_is(make):
    session, panel = make()
    session.select(0, CONV)
    session.answer(vis(CONV))
    assert [tile.caption for tile in panel.vis.strip.tiles] == ["t−3", "t−2", "t−1", "t"]
    greys = [int(tile.pixels[0, 0]) & 0xFF for tile in panel.vis.strip.tiles]
    assert greys == pytest.approx([64, 96, 128, 159], abs=1)
    assert panel.vis.bar.value() == 10 and panel.vis.bar.maximum() == 256
    assert "step 10 of 256 · activation before the rectifier 2.5" in panel.vis.said.text()
    session.finish(vis(CONV, 256, from_cache=True))
    assert "from cache" in panel.vis.said.text() and not panel.vis.cancel_button.isEnabled()


def test_stale_pictures_fade_into_the_ground(make):
    session, panel = make()
    session.select(0, CONV)
    session.answer(vis(CONV, level=0.6))

    def contrast():
        ground = panel.vis.strip.ground().lightness()
        place = panel.vis.strip.tile_box(0).center().toPoint()
        return abs(panel.vis.strip.grab().toImage().pixelColor(place).lightness() - ground)
    fresh = contrast()
    session.select(0, NEXT)
    assert contrast() < 0.5 * fresh


def test_the_film_plays_holds_the_newest_frame_and_stops_when_asked_or_hidden(make, qtbot):
    session, panel = make()
    tab, film = panel.vis, panel.vis.film
    session.select(0, CONV)
    session.finish(vis(CONV, 256))
    assert not film.moving
    click(qtbot, tab.view_buttons["motion"])
    assert film.isVisible() and film.moving and not tab.strip.isVisible()
    seen = []
    for _ in range(7):
        seen.append(film.frame)
        film._next()
    assert seen == [0, 1, 2, 3, 3, 3, 0]
    click(qtbot, tab.play)
    assert session.view["motion"] is False and not film.moving and film.frame == 3
    click(qtbot, tab.play)
    assert film.moving
    open_tab(qtbot, panel, WEIGHTS)
    assert not film.moving


@pytest.mark.parametrize("frames", range(2, 13))
def test_no_film_flashes_more_than_three_times_a_second(frames):
    second = film_fps(frames)
    shown = [shown_frame(tick, frames) for tick in range(10 * second)]
    changes = np.diff(shown) != 0  # were each a change from dark to bright or back, two would be a flash
    assert max(changes[at:at + second].sum() for at in range(len(changes) - second)) <= 6


def test_the_difference_is_signed_with_its_scale(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    session.finish(vis(CONV, 256))
    click(qtbot, panel.vis.view_buttons["difference"])
    assert panel.vis.change.isVisible() and panel.vis.change._bar.levels == ("−0.375", "0.375")
    image = np.zeros((84, 84, 4), np.float32)
    image[:42, :, 0], image[42:, :, 3] = 1.0, 0.5
    values = change(image)
    assert values[0, 0] == -1.0 and values[50, 50] == 0.5 and change_level([values]) == 1.0


def test_an_agent_of_one_frame_has_neither_film_nor_difference(make):
    session, panel = make(fake_lane(0, observation=(84, 84, 1)))
    session.select(0, CONV)
    enabled = {name: button.isEnabled() for name, button in panel.vis.view_buttons.items()}
    assert enabled == {"frames": True, "motion": False, "difference": False}


def test_cancel_and_start_again(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    key = session.answer(vis(CONV, 40))
    click(qtbot, panel.vis.cancel_button)
    assert session.called("cancel")[-1] == (key,)
    assert panel.vis.said.text().startswith("cancelled · step 40") and not panel.vis.strip.stale
    open_tab(qtbot, panel, WEIGHTS)
    open_tab(qtbot, panel, LOOKS)
    assert session.jobs()[-1][0] == "weights"  # what was cancelled is not asked for again by itself
    click(qtbot, panel.vis.again_button)
    assert session.called("run")[-1][3] == {"unit": CONV, "seed": 1}
    click(qtbot, panel.vis.again_button)
    assert session.called("run")[-1][3]["seed"] == 2
    assert panel.vis.cancel_button.isEnabled() and panel.vis.strip.stale


def test_pictures_find_their_size_at_any_height(make, qtbot):
    """They follow the width, which a bar that comes and goes would change for ever."""
    session, panel = make()
    session.select(0, CONV)
    session.finish(vis(CONV, 256))
    click(qtbot, panel.vis.options_button)
    widths = set()
    for height in range(600, 1000, 5):
        panel.resize(400, height)
        QtWidgets.QApplication.processEvents()
        widths.add(panel.vis.strip.width())
    assert len(widths) == 1


def test_frames_stand_in_two_rows_where_they_are_larger_so(make):
    session, panel = make()
    session.select(0, CONV)
    session.finish(vis(CONV, 256))

    def tops():
        QtWidgets.QApplication.processEvents()
        return sorted({panel.vis.strip.tile_box(index).top() for index in range(4)})
    panel.resize(440, 1000)
    assert len(tops()) == 2 and panel.vis.strip.tile_box(0).width() > 440 / 4
    panel.resize(440, 520)
    panel.vis.refresh()
    panel.vis._draw()
    assert len(tops()) == 1


def test_options_travel_to_the_analysis(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    tab = panel.vis
    click(qtbot, tab.options_button)
    assert tab.options.isVisible()
    widgets = tab.options.widgets
    choose(widgets["parameterization"], 3)
    choose(widgets["transforms"], 2)
    choose(widgets["pre_activation"], 2)
    click(qtbot, widgets["only_current"])
    widgets["steps"].setValue(40)
    widgets["tv"].setValue(0.5)
    widgets["count"].setValue(4)
    qtbot.waitUntil(lambda: len(session.jobs()) == 2)
    assert session.called("run")[-1][3] == {
        "unit": CONV, "parameterization": "cppn", "transforms": "none", "pre_activation": False, "only_current": True,
        "steps": 40, "tv": 0.5, "count": 4, "diversity": DIVERSITY,
    }
    session.finish(vis(CONV, 40, 40, count=4))
    assert len(tab.strip.tiles) == 16 and tab.strip.tiles[4].caption == "answer 2 · t−3"
    assert "2.5, 3.5, 4.5, 5.5" in tab.said.text()
    click(qtbot, tab.options.reset_button)
    qtbot.waitUntil(lambda: len(session.jobs()) == 3)
    assert session.called("run")[-1][3] == {"unit": CONV}


def test_it_may_start_from_the_moment_on_screen(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    choose(panel.vis.options.widgets["start"], 1)
    qtbot.waitUntil(lambda: len(session.jobs()) == 2)
    start = session.called("run")[-1][3]["start"]
    assert start.dtype == np.float32 and np.allclose(start * 255, session.last_step(0).observation)


def test_another_target_stays_until_the_selection_moves(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    tab = panel.vis
    session.finish(vis(CONV, 256))
    assert tab.target.text() == "conv2:17"
    tab.target.setFocus()
    tab.target.selectAll()
    qtbot.keyClicks(tab.target, "action:LEFT - action:RIGHT")
    qtbot.keyClick(tab.target, QtCore.Qt.Key_Return)
    assert not tab.target.hasFocus() and tab.strip.stale and "stale: this is conv2:17" in tab.said.text()
    assert session.called("run")[-1][3] == {"target": "action:LEFT - action:RIGHT"}
    session.answer(vis(None, 20, target="action:LEFT - action:RIGHT"))
    assert "action:LEFT − action:RIGHT · step 20" in tab.said.text() and not tab.strip.stale
    click(qtbot, tab.again_button)
    assert session.called("run")[-1][3] == {"target": "action:LEFT - action:RIGHT", "seed": 1}
    session.failed.emit(session.called("run")[-1][0], "There is no action “LEFFT”: choose LEFT.")
    assert tab.said.text() == "There is no action “LEFFT”: choose LEFT. Stale: this is action:LEFT - action:RIGHT."
    session.select(0, NEXT)
    assert tab.target.text() == "conv2:18"
    qtbot.waitUntil(lambda: session.jobs()[-1] == ("feature_vis", 0, NEXT))


def test_saving_runs_the_same_once_more_into_a_file(make, qtbot, monkeypatch, tmp_path):
    session, panel = make()
    session.select(0, CONV)
    assert not panel.vis.save_button.isEnabled()
    session.finish(vis(CONV, 256))
    asked = []

    def name(parent, title, suggestion, filters):
        asked.append(suggestion)
        return str(tmp_path / "picture"), "Vector graphics (*.svg)"
    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", name)
    click(qtbot, panel.vis.save_button)
    assert asked[0].endswith("Nature - Breakout - run 1 conv2-17.png")
    key, analysis, lane, parameters = session.called("run")[-1]
    assert (analysis, lane, parameters) == ("feature_vis", 0, {"unit": CONV, "save_to": str(tmp_path / "picture.svg")})
    session.progressed.emit(key, vis(NEXT, 3))
    assert panel.vis.strip.tiles and "saving: conv2:18" in panel.vis.said.text()  # its records are nobody's picture
    with qtbot.waitSignal(session.message) as said:
        session.finished.emit(key)
    assert said.args == ["info", f"Saved {tmp_path / 'picture.svg'}"]


# -- when it fired ------------------------------------------------------------------------------------------------
def test_a_click_on_a_patch_goes_to_its_moment(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    open_tab(qtbot, panel, FIRED)
    tab = panel.patches
    assert session.called("run")[-1][3] == {"unit": CONV, "which": "top", "moments": "session"}
    session.finish(patches(CONV))
    assert [tile.caption for tile in tab.strip.tiles] == [f"{9 - n}" for n in range(9)]
    assert "The top 9 of 2,500 moments." in tab.said.text() and tab.strip.tiles[0].pixels.shape == (20, 20)
    click_tile(qtbot, tab.strip, 4)
    assert session.called("seek") == [(0, 104, "session")]
    tab.strip._on_point(tab.strip.tile_box(4).center())
    assert session.called("hover")[-1][0].startswith("conv2:17 = 5 · game 2, step 160 · moment 104")


def test_patches_of_a_rollout_lead_into_that_rollout(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    open_tab(qtbot, panel, FIRED)
    tab = panel.patches
    session.finish(patches(CONV))
    choose(tab.moments, 1)
    choose(tab.which, 1)
    assert session.called("run")[-1][3] == {"unit": CONV, "which": "bottom", "moments": (2500, 0)}
    click_tile(qtbot, tab.strip, 0)
    assert tab.strip.stale and not session.called("seek")  # they answer an earlier question
    session.answer(Progress(500, 2500, "recording: 500 of 2,500 steps", None))
    assert "recording: 500" in tab.said.text() and tab.bar.isVisible() and tab.bar.value() == 500
    session.finish(patches(CONV, which="bottom"))
    assert not tab.bar.isVisible()
    click_tile(qtbot, tab.strip, 0)
    assert session.called("seek") == [(0, 100, (2500, 0))]


def test_patches_in_context_show_the_screen_with_the_field_framed(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    open_tab(qtbot, panel, FIRED)
    session.finish(patches(CONV))
    click(qtbot, panel.patches.context)
    strip = panel.patches.strip
    assert strip.tiles[0].pixels.shape == (210, 160, 4) and strip.tiles[0].box == (60.0, 60.0, 38.0, 50.0)
    picture, frame = strip.tile_box(0), strip._frames[0]
    assert picture.width() / picture.height() == pytest.approx(4 / 3)
    assert frame.isVisible() and frame.box.left() - picture.left() == pytest.approx(60 / 160 * picture.width())
    click(qtbot, panel.patches.context)
    assert not frame.isVisible()


def test_a_unit_that_never_fired_says_so_and_refresh_looks_again(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    open_tab(qtbot, panel, FIRED)
    tab = panel.patches
    assert not tab.refresh_button.isEnabled()
    session.finish(patches(CONV, 0))
    assert "never fires" in tab.said.text() and not tab.strip.tiles and not tab.save_button.isEnabled()
    click(qtbot, tab.refresh_button)
    assert session.jobs()[-1] == ("patches", 0, CONV) and len(session.jobs()) == 3
    click(qtbot, tab.cancel_button)
    assert session.called("cancel")[-1] == (session.called("run")[-1][0],) and "cancelled" in tab.said.text()


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


def test_weights_of_the_first_layer_are_one_kernel_a_frame(make, qtbot):
    session, panel = make()
    unit = Unit("conv1", 3)
    open_tab(qtbot, panel, WEIGHTS)
    session.select(0, unit)
    session.finish(kernel(unit, None, (8, 8, 4)))
    assert [tile.caption for tile in panel.weights.strip.tiles] == ["t−3", "t−2", "t−1", "t"]
    assert all(tile.pixels.shape == (8, 8) for tile in panel.weights.strip.tiles)


def test_a_click_on_a_strong_input_walks_there(make, qtbot):
    session, panel = make()
    session.select(0, CONV)
    open_tab(qtbot, panel, WEIGHTS)
    top = tuple((Unit("conv1", index), 3.0 - index) for index in (1, 2, 5))
    session.finish(kernel(CONV, "conv1", (4, 4, 32), top))
    assert "3 strongest of 32" in panel.weights.heading.text()
    click_tile(qtbot, panel.weights.strip, 1)
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


def test_deselecting_ends_the_job(make):
    session, panel = make()
    session.select(0, CONV)
    session.answer(vis(CONV))
    session.select(0, None)
    assert session.called("cancel") == [(session.called("run")[0][0],)]
    assert panel._pages.currentIndex() == 0 and not panel.vis.strip.tiles


def test_the_second_lane_is_named(make):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    session.select(1, Unit("q", 2))
    assert "B Small" in panel.heading.text() and "action: right" in panel.kind.text()
    assert session.jobs()[-1] == ("feature_vis", 1, Unit("q", 2))
