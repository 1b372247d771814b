"""Pattern mode: what is computed first, what is dropped, what is shown; driven by real clicks and keys."""

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.analysis.patterns import Patterns
from zoo_gui.types import Progress, Unit
from zoo_gui.widgets.patterns import HINT, PatternsPanel


class Session(FakeSession):
    def jobs(self):
        return [args[3] for args in self.called("run")]

    def answer(self, units, layer="conv2", level=0.5, key=None):
        """A record of the job that was started last: images of these units, as bright as their number."""
        images = np.full((len(units), 84, 84, 4), level, np.float32)
        images[..., 3] += 0.001 * np.array(units, np.float32)[:, None, None]
        result = Patterns(layer, tuple(units), images, np.array(units, float), tuple(units))
        key = key or self.called("run")[-1][0]
        self.progressed.emit(key, Progress(len(units), len(self.jobs()[-1]["units"]), "", result))
        return key


@pytest.fixture
def make(qtbot):
    def shown(*lanes):
        session = Session(lanes or (fake_lane(),))
        panel = PatternsPanel(session)
        put_up(qtbot, panel, (700, 480))
        for info in session.lanes:
            session.give_step(info.lane, fake_step(info, 1))
        return session, panel

    return shown


def click(qtbot, widget):
    qtbot.mouseClick(widget, QtCore.Qt.LeftButton)


def choose(combo, index):
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_nothing_is_computed_before_somebody_asks(make, qtbot):
    session, panel = make()
    session.select(0, Unit("conv2", 17))
    assert not session.called("run") and panel.said.text() == HINT
    assert panel.layer.currentText() == "conv2 · 64 units" and panel.grid.selected == 17
    click(qtbot, panel.start_button)
    assert session.called("run")[-1][1:3] == ("patterns", 0)
    assert session.jobs()[-1]["layer"] == "conv2" and session.jobs()[-1]["steps"] == 128
    assert sorted(session.jobs()[-1]["units"]) == list(range(64))
    assert not panel.start_button.isEnabled() and panel.cancel_button.isEnabled()


def test_tiles_in_sight_come_first_and_after_scrolling_what_is_in_sight_then(make, qtbot):
    session, panel = make(fake_lane(0))
    session.select(0, Unit("fc", 200))  # the tile is brought into sight
    click(qtbot, panel.start_button)
    sight = panel.grid.visible_units()
    assert 200 in sight and sight[0] > 0 and list(session.jobs()[-1]["units"][: len(sight)]) == sight
    assert session.jobs()[-1]["units"][-1] == sight[0] - 1
    session.answer(sight, "fc")
    panel.grid.verticalScrollBar().setValue(0)
    qtbot.waitUntil(lambda: len(session.jobs()) == 2)
    assert session.jobs()[-1]["units"][:8] == tuple(range(8))
    assert not set(sight) & set(session.jobs()[-1]["units"])  # they are there
    panel.grid.verticalScrollBar().setValue(40)
    qtbot.wait(400)
    assert len(session.jobs()) == 2  # those come soon anyway


def test_tiles_appear_as_they_come_and_a_click_selects(make, qtbot):
    session, panel = make()
    session.select(0, Unit("conv2", 17))
    panel.start()
    session.answer([3, 5])
    assert panel.said.text() == "2 of 64 units" and panel.bar.value() == 200 and panel.bar.maximum() == 6400
    grid = panel.grid
    assert grid.picture(4) is None and grid.picture(5).pixelColor(9, 9).red() == pytest.approx(0.505 * 255, abs=1)
    place = grid.visualRect(grid.units.index(5)).center()
    qtbot.mouseClick(grid.viewport(), QtCore.Qt.LeftButton, pos=place)
    assert session.selected == (0, Unit("conv2", 5)) and grid.selected == 5
    qtbot.mouseMove(grid.viewport(), place)
    grid.entered.emit(grid.units.index(5))
    assert session.called("hover")[-1][0].startswith("conv2:5 · activation 5")
    image = grid.viewport().grab().toImage()
    corner = grid.visualRect(grid.units.index(5)).topLeft() + QtCore.QPoint(2, 2)
    assert image.pixelColor(corner).lightness() > 240  # the outline


def test_finished_and_cancelled_are_said(make, qtbot):
    session, panel = make()
    panel.start()
    session.answer(range(10), "conv3")
    click(qtbot, panel.cancel_button)
    assert session.called("cancel") == [(session.called("run")[0][0],)]
    assert panel.said.text() == "cancelled · 10 of 64 units" and not panel.wanted
    panel.hide()
    panel.show()
    assert len(session.jobs()) == 1
    click(qtbot, panel.start_button)
    assert len(session.jobs()[-1]["units"]) == 54
    session.finished.emit(session.answer(range(10, 64), "conv3"))
    assert panel.said.text() == "all 64 units" and not panel.cancel_button.isEnabled()
    panel.start()
    assert len(session.jobs()) == 2  # nothing is missing


def test_the_layer_follows_the_selection_and_may_be_chosen(make, qtbot):
    session, panel = make()
    assert panel.layer.currentData() == "conv3"  # the last convolution
    choose(panel.layer, 0)
    assert panel.grid.units.count == 32 and not session.called("run")
    panel.start()
    first = session.answer([1, 2], "conv1")
    session.select(0, Unit("conv2", 3))
    assert panel.layer.currentData() == "conv2" and not panel.grid.units.images
    assert session.called("cancel")[-1] == (first,) and session.jobs()[-1]["layer"] == "conv2"
    session.answer([7], "conv1", key=first)
    assert not panel.grid.units.images  # late
    choose(panel.layer, 0)
    session.select(0, Unit("conv2", 3))
    assert panel.layer.currentData() == "conv1"  # the same selection again moves nothing
    session.select(0, Unit("conv2", 4))
    assert panel.layer.currentData() == "conv2"


def test_another_agent_begins_with_empty_tiles(make):
    session, panel = make(fake_lane(0))
    panel.start()
    late = session.answer([1, 2], "conv3")
    session.set_lanes(fake_lane(0, game="Pong"))
    assert not panel.grid.units.images and len(session.jobs()) == 2
    session.answer([3], "conv3", key=late)
    assert not panel.grid.units.images
    session.set_lanes(fake_lane(0, None))
    assert panel.grid.units.count == 0 and "no network" in panel.said.text() and not panel.start_button.isEnabled()


def test_the_selected_lane_is_asked_and_named(make):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    assert panel.layer.currentText() == "A conv3 · 64 units"
    session.select(1, Unit("conv2", 3))
    panel.start()
    assert session.called("run")[-1][2] == 1 and panel.layer.currentText() == "B conv2 · 16 units"


def test_it_computes_only_while_it_is_seen(make):
    session, panel = make()
    panel.seen_changed(False)
    panel.start()
    assert not session.called("run")
    panel.seen_changed(True)
    assert len(session.jobs()) == 1
    panel.seen_changed(False)
    assert len(session.called("cancel")) == 1
    panel.seen_changed(True)
    assert len(session.jobs()) == 2
    panel.hide()
    assert len(session.called("cancel")) == 2


def test_other_options_make_stale_tiles_until_the_first_new_one(make, qtbot):
    session, panel = make()
    panel.start()
    session.answer([1, 2], "conv3")
    click(qtbot, panel.options_button)
    panel.options.widgets["steps"].setValue(64)
    qtbot.waitUntil(lambda: len(session.jobs()) == 2)
    assert session.jobs()[-1]["steps"] == 64 and set(session.jobs()[-1]["units"]) == set(range(64))
    assert panel.grid.stale and not panel.save_button.isEnabled()
    session.answer([5], "conv3")
    assert not panel.grid.stale and set(panel.grid.units.images) == {5}


def test_newest_difference_and_motion(make, qtbot):
    session, panel = make()
    grid = panel.grid
    panel.start()
    session.answer([0, 60], "conv3", level=0.25)
    assert not panel._scale.isVisible()
    click(qtbot, panel.show_buttons["difference"])
    assert panel._scale_bar.levels == ("−0.0627", "0.0627") or float(panel._scale_bar.levels[1]) >= 0.0588
    assert grid.picture(60).pixelColor(5, 5) != grid.picture(0).pixelColor(5, 5)
    assert not grid.moving
    click(qtbot, panel.show_buttons["motion"])
    assert grid.moving and panel.play.isVisible()
    shown = []
    for _ in range(4):
        shown.append(grid.picture(60).pixelColor(5, 5).red())
        grid._next()
    assert shown[0] == shown[1] == shown[2] == 64 and shown[3] == pytest.approx(64 + 15, abs=1)
    click(qtbot, panel.play)
    assert session.view["motion"] is False and not grid.moving and grid.picture(60).pixelColor(5, 5).red() > 70
    click(qtbot, panel.play)
    panel.hide()
    assert not grid.moving


def test_a_failure_is_a_sentence_and_ends_the_mode(make):
    session, panel = make()
    panel.start()
    session.failed.emit(session.called("run")[-1][0], "No gradient reaches conv3.")
    assert panel.said.text() == "No gradient reaches conv3." and panel.start_button.isEnabled() and not panel.wanted


def test_saving_asks_for_what_is_finished(make, qtbot, monkeypatch, tmp_path):
    session, panel = make()
    panel.start()
    session.answer([4, 2], "conv3")
    path = str(tmp_path / "sheet.png")
    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", lambda *_: (path, "Picture (*.png)"))
    click(qtbot, panel.save_button)
    assert session.jobs()[-1] == {"layer": "conv3", "units": (2, 4), "steps": 128, "save_to": path}
    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    click(qtbot, panel.save_button)
    assert len(session.jobs()) == 2  # the person changed their mind
