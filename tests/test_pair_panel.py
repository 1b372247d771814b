"""Side by side: which two units are shown, one scale and their difference, what is asked of the engine and when."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import NATURE, FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtTest

from zoo_gui.analysis.feature_vis import FeatureVis
from zoo_gui.analysis.matching_record import Counterpart
from zoo_gui.analysis.patches import Patch, Patches
from zoo_gui.imaging import TABLE_SIZE, lut
from zoo_gui.types import Progress, Unit, read_only
from zoo_gui.widgets.pair import ALONE, NOTHING, PairPanel
from zoo_gui.widgets.pair_live import NO_SALIENCY
from zoo_gui.widgets.pair_view import DIFFERENCE, LEFT, RIGHT, Cell, PairGrid, Picture

Qt = QtCore.Qt
CONV = Unit("conv2", 3)


class Matched:
    """conv2:i goes with conv3:i + 1 of the other."""

    def counterpart(self, unit, side=0, one_to_one=False):
        if unit.layer != ("conv2", "conv3")[side]:
            return None
        return Counterpart(Unit(("conv3", "conv2")[side], unit.index + (1 if side == 0 else -1)), 0.87, 0.2, False)


@pytest.fixture
def shown(qtbot):
    """make(*lanes) → (session, panel)."""

    def make(*lanes):
        session = FakeSession(lanes)
        session.input = "shared"
        panel = PairPanel(session)
        put_up(qtbot, panel, (600, 430))
        for info in lanes:
            session.give_step(info.lane, fake_step(info, moment=7))
        panel.settle()
        return session, panel

    return make


def two(network="nature", **changes):
    return fake_lane(0), replace(fake_lane(1, network, **changes), agent_id="a2c/Breakout/1")


def give(session, panel, moments, seed=1, **changes):
    for info, moment in zip(session.lanes, moments):
        session.give_step(info.lane, fake_step(info, seed, moment=moment, index=20, **changes))
    panel.settle()


def jobs(session, qtbot, count=4):
    """The (key, analysis, lane, parameters) that were asked, once the selection rests."""
    qtbot.waitUntil(lambda: len(session.called("run")) >= count, timeout=5000)
    return session.called("run")[-count:]


def words(panel, row, column):
    return panel.grid.cells[row][column].words.text


def vis(unit, seed, step=256):
    image = read_only(np.random.default_rng(seed).uniform(0, 1, (84, 84, 4)).astype(np.float32))
    return FeatureVis(unit, str(unit), step, 256, image, image[None], 3.5, np.array([3.5]), True)


def patches(unit, moments):
    found = tuple(
        Patch(moment, 0, moment, 1.5, (2, 2), (0, 0, 20, 20), np.full((20, 20, 4), moment % 256, np.uint8),
              np.zeros((210, 160, 3), np.uint8), (0.0, 0.0, 40.0, 40.0)) for moment in moments
    )  # fmt: skip
    return Patches(unit, "top", found, "in 200 moments", 200, 10)


def test_what_to_do_is_said_until_two_units_can_be_shown(shown):
    session, panel = shown(fake_lane(0))
    assert panel.grid.hint.text.startswith(ALONE) and "Ctrl+Shift+O" in panel.grid.hint.text
    assert panel.grid.hint.isVisible()
    session.set_lanes(*two())
    assert panel.grid.hint.text == NOTHING
    session.set_lanes(fake_lane(0), replace(fake_lane(1), layers=NATURE[:1]))
    session.select(0, CONV)
    assert "has no conv2:3" in panel.grid.hint.text and "Match in Representations" in panel.grid.hint.text
    session.set_lanes(*two())
    assert not panel.grid.hint.isVisible() and panel.sides[RIGHT][1] == CONV and "not matched" in panel.said.text()


def test_the_counterpart_of_a_matching_stands_beside_and_columns_are_the_lanes(shown):
    session, panel = shown(*two())
    session.set_counterparts((0, 1), Matched())
    session.select(0, CONV)
    assert [(info.lane, unit) for info, unit in panel.sides] == [(0, CONV), (1, Unit("conv3", 4))]
    assert "r 0.87, no more than chance" in panel.said.text()
    session.select(1, Unit("conv3", 9))
    assert [(info.lane, unit) for info, unit in panel.sides] == [(0, Unit("conv2", 8)), (1, Unit("conv3", 9))]
    assert "9×9 and 7×7" in words(panel, "now", DIFFERENCE)
    session.set_counterparts((0, 1), None)
    assert panel.sides[LEFT][1] == Unit("conv3", 9)
    assert panel.grid.heads[LEFT].text.startswith("A  conv3:9") and panel.grid.heads[DIFFERENCE].text == "A − B"


def test_activations_have_one_scale_and_their_difference(shown):
    session, panel = shown(*two())
    session.select(0, CONV)
    give(session, panel, (8, 8))
    planes = [session.last_step(lane).decision.activations["conv2"][..., 3] for lane in (0, 1)]
    cells = panel.grid.cells["now"]
    left, right, change = (cell.pictures[0].pixels for cell in cells)
    level = {}  # equal colours mean equal numbers, in both
    for pixels, plane in zip((left, right), planes):
        for colour, value in zip(pixels.ravel(), plane.ravel()):
            low, high = level.get(colour, (value, value))
            level[colour] = min(low, value), max(high, value)
    assert max(high - low for low, high in level.values()) < 0.05 * max(plane.max() for plane in planes)
    apart = planes[0] - planes[1]
    middle = lut(session.view["signed_colormap"], TABLE_SIZE, 1.0, True)[TABLE_SIZE // 2]
    assert (apart == 0).any() and set(change[apart == 0]) == {middle}
    assert len({middle, change.ravel()[apart.argmax()], change.ravel()[apart.argmin()]}) == 3
    assert "max" in words(panel, "now", LEFT) and "different moments" not in words(panel, "now", DIFFERENCE)


def test_a_difference_of_two_moments_waits_or_says_so(shown):
    session, panel = shown(*two())
    session.select(0, CONV)
    give(session, panel, (8, 8))
    before = panel.grid.cells["now"][LEFT].pictures[0].pixels
    info = session.lanes[0]
    session.give_step(0, fake_step(info, 5, moment=9, index=21))
    panel.settle()
    assert panel.grid.cells["now"][LEFT].pictures[0].pixels is before  # B is not there yet
    session.give_step(1, fake_step(session.lanes[1], 5, moment=9, index=21))
    panel.settle()
    assert panel.grid.cells["now"][LEFT].pictures[0].pixels is not before
    session.input = "own"
    give(session, panel, (10, 44))
    assert "different moments" in words(panel, "now", DIFFERENCE)


def test_neurons_are_colours_with_their_number(shown):
    session, panel = shown(*two())
    session.select(0, Unit("fc", 5))
    give(session, panel, (8, 8))
    value = session.last_step(0).decision.activations["fc"][5]
    assert panel.grid.cells["now"][LEFT].pictures[0].pixels.shape == (1, 1)
    assert words(panel, "now", LEFT) == f"{value:.3g}"


@pytest.mark.parametrize("observation, same", [((84, 84, 4), True), ((105, 80, 1), False)])
def test_saliency_has_one_scale_and_a_difference_where_inputs_are_of_one_size(shown, observation, same):
    session, panel = shown(*two(observation=observation))
    session.select(0, CONV)
    assert words(panel, "saliency", LEFT) == NO_SALIENCY
    session.set_saliency("action")
    give(session, panel, (8, 8), saliency=True)
    cells = panel.grid.cells["saliency"]
    assert [len(cell.pictures) for cell in cells] == [1, 1, int(same)]
    assert cells[LEFT].pictures[0].pixels.shape == (84, 84, 4) and panel.grid.bars["saliency"].isVisible()
    low, high = panel.grid.bars["saliency"].levels
    assert low == f"−{high}" and float(high) > 0
    assert ("No difference" in words(panel, "saliency", DIFFERENCE)) != same
    session.set_saliency(None)
    give(session, panel, (9, 9))
    assert words(panel, "saliency", LEFT) == NO_SALIENCY and not panel.grid.bars["saliency"].isVisible()


def test_pictures_and_moments_are_asked_for_both_once_the_selection_rests(shown, qtbot):
    session, panel = shown(*two())
    session.set_counterparts((0, 1), Matched())
    session.select(0, Unit("conv2", 9))
    session.select(0, CONV)
    asked = {(analysis, lane): parameters for _, analysis, lane, parameters in jobs(session, qtbot)}
    assert asked[("feature_vis", 0)] == {"unit": CONV} and asked[("feature_vis", 1)] == {"unit": Unit("conv3", 4)}
    assert asked[("patches", 1)] == {"unit": Unit("conv3", 4), "k": 4, "moments": "session"}
    assert len(session.called("run")) == 4
    keys = {(analysis, lane): key for key, analysis, lane, _ in session.called("run")}
    session.progressed.emit(keys["feature_vis", 0], Progress(1, 2, "", vis(CONV, 1, 100)))
    assert "step 100 of 256" in words(panel, "vis", LEFT) and panel.grid.cells["vis"][DIFFERENCE].empty
    session.progressed.emit(keys["feature_vis", 1], Progress(2, 2, "", vis(Unit("conv3", 4), 2)))
    assert panel.grid.cells["vis"][DIFFERENCE].pictures[0].pixels.shape == (84, 84)
    session.progressed.emit(keys["patches", 0], Progress(1, 1, "", patches(CONV, (40, 80, 120, 160))))
    session.progressed.emit(keys["patches", 1], Progress(1, 1, "", patches(Unit("conv3", 4), (44, 300, 165))))
    assert "2 of 4 moments" in words(panel, "patches", DIFFERENCE)
    cell = panel.grid.cells["patches"][RIGHT]
    place = panel.grid.mapFromScene(panel.grid.view.mapViewToScene(cell.items[1].box.center()))
    QtTest.QTest.mouseClick(panel.grid.viewport(), Qt.LeftButton, Qt.NoModifier, place)
    assert session.called("seek") == [(1, 300, "session")]


def test_a_failure_is_said_in_its_place_and_refresh_asks_again(shown, qtbot):
    session, panel = shown(*two())
    session.select(0, CONV)
    keys = {(analysis, lane): key for key, analysis, lane, _ in jobs(session, qtbot)}
    session.failed.emit(keys["patches", 0], "There are only 3 moments: let it play on.")
    assert "only 3 moments" in words(panel, "patches", LEFT)
    panel.again.click()
    again = [lane for _, analysis, lane, _ in session.called("run")[4:] if analysis == "patches"]
    assert again == [0, 1]
    session.progressed.emit(keys["patches", 1], Progress(1, 1, "", patches(CONV, (40,))))
    assert panel.grid.cells["patches"][RIGHT].empty  # late: that question is over


def test_jobs_end_when_nobody_looks_and_what_was_found_is_kept(shown, qtbot):
    session, panel = shown(*two())
    session.select(0, CONV)
    keys = {(analysis, lane): key for key, analysis, lane, _ in jobs(session, qtbot)}
    session.progressed.emit(keys["feature_vis", 0], Progress(1, 1, "", vis(CONV, 1)))
    session.finished.emit(keys["feature_vis", 0])
    panel.hide()
    assert {key for (key,) in session.called("cancel")} == set(keys.values()) - {keys["feature_vis", 0]}
    panel.show()
    qtbot.waitUntil(lambda: len(session.called("run")) == 7, timeout=5000)
    assert [analysis for _, analysis, _, _ in session.called("run")[4:]] == ["feature_vis", "patches", "patches"]


def test_who_drives_changes_nothing_and_another_agent_everything(shown, qtbot):
    session, panel = shown(*two())
    session.select(0, CONV)
    jobs(session, qtbot)
    one, other = session.lanes
    session.set_lanes(replace(one, input="watches"), replace(other, input="drives"))
    assert not session.called("cancel") and panel.sides[LEFT][0].input == "watches"
    session.set_lanes(one, replace(other, agent_id="dqn/Breakout/1"))
    assert len(session.called("cancel")) == 4 and panel.sides[RIGHT][0].agent_id == "dqn/Breakout/1"


def test_of_three_agents_the_person_says_which_stands_beside(shown):
    session, panel = shown(*two(), replace(fake_lane(2), agent_id="dqn/Breakout/1"))
    session.select(1, CONV)
    assert panel.beside.isVisible() and [info.lane for info, _ in panel.sides] == [0, 1]
    panel.beside.setCurrentIndex(panel.beside.findData(2))
    panel.beside.activated.emit(panel.beside.currentIndex())
    assert [info.lane for info, _ in panel.sides] == [1, 2]


@pytest.mark.parametrize("size, pictures", [((190, 66), 1), ((190, 66), 4), ((60, 90), 2), ((400, 300), 1)])
def test_pictures_and_words_of_a_cell_lie_within_it_and_apart(qtbot, size, pictures):
    grid = PairGrid()
    qtbot.addWidget(grid)
    cell = Cell(grid)
    cell.place(QtCore.QRectF(10, 20, *size))
    cell.show([Picture(np.zeros((20, 20), np.uint32))] * pictures, "0.685 · 0.635")
    boxes = [item.box for item in cell.items]
    for box in (*boxes, cell.words.box):
        assert cell.box.adjusted(-0.5, -0.5, 0.5, 0.5).contains(box) and box.width() > 5
    assert not any(box.intersects(cell.words.box) for box in boxes)
    assert not any(one.intersects(other) for one in boxes for other in boxes if one is not other)
