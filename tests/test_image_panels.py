import dataclasses

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step, put_up
from mouse import drag_pixels
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from zoo_gui.analysis.attribution_record import LiveMap
from zoo_gui.analysis.methods import METHODS
from zoo_gui.imaging import NEGATIVE, POSITIVE, lut
from zoo_gui.scales import Vitality
from zoo_gui.types import LayerInfo, ReceptiveField, Unit
from zoo_gui.widgets.activations import ActivationsPanel
from zoo_gui.widgets.controls import column_of
from zoo_gui.widgets.game import GamePanel
from zoo_gui.widgets.items import MosaicItem
from zoo_gui.widgets.layer import LayerPanel
from zoo_gui.widgets.observation import ObservationPanel
from zoo_gui.widgets.pictures import Film, Strip, Tile

PANELS = (ActivationsPanel, GamePanel, ObservationPanel, LayerPanel)
Qt = QtCore.Qt

ODD = (  # SAME padding, one input frame, a tanh layer, one unit
    LayerInfo("first", (10, 10, 16), "conv", False, ReceptiveField((8, 8), (4, 4), (-3, -3))),
    LayerInfo("hidden", (37,), "dense", True),
    LayerInfo("value", (1,), "value", True),
)
LANES = {
    "one": (fake_lane(0),),
    "two": (fake_lane(0), fake_lane(1, "small")),
    "four": (fake_lane(0), fake_lane(1), fake_lane(2, None), fake_lane(3, "small", game="Pong", screen=(250, 160))),
    "without network": (fake_lane(0, None),),
    "odd": (fake_lane(0, layers=ODD, observation=(40, 40, 1)),),
}


@pytest.fixture
def make(qtbot):
    def shown(kind, *lanes, size=(700, 600), steps=2):
        session = FakeSession(lanes)
        panel = kind(session)
        put_up(qtbot, panel, size)
        for index in range(steps):
            for lane in lanes:
                session.give_step(lane.lane, fake_step(lane, index, index=index))
        QtWidgets.QApplication.processEvents()
        return session, panel
    return shown


def grabbed(widget):
    """The widget's picture, (H, W, 3) uint8 RGB."""
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format_RGB32)
    memory = image.constBits().asstring(image.byteCount())
    return np.frombuffer(memory, np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]


def at(view, item, position):
    """Widget position of a position in an item's coordinates."""
    return view.mapFromScene(item.mapToScene(position))


def tile_centre(panel, lane, layer, unit):
    item = panel._cells[lane, layer].item
    return at(panel._canvas, item, item.tile_box(unit).center())


def left_click(widget, position):
    QtTest.QTest.mouseMove(widget, position)
    QtTest.QTest.mouseClick(widget, Qt.LeftButton, Qt.NoModifier, position)


@pytest.mark.parametrize("lanes", LANES.values(), ids=LANES)
@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("size", [(900, 700), (260, 180), (60, 40)])
def test_every_panel_draws_every_kind_of_lane(make, kind, lanes, size):
    session, panel = make(kind, *lanes, size=size)
    session.select(0, Unit("conv1", 3))
    session.select(0, None)
    session.set_view(contrast="channel", gamma=0.5, scale="locked", labels=False, boost=0.3)
    session.give_step(0, fake_step(lanes[0], 9, saliency=True))
    picture = grabbed(panel)
    assert not panel.failed
    assert np.ptp(picture) > 30


@pytest.mark.parametrize("kind", PANELS)
def test_lanes_come_and_go(make, kind):
    session, panel = make(kind, *LANES["one"])
    session.select(0, Unit("conv3", 3))
    for name in ("four", "odd", "without network", "two"):
        session.selected = None
        session.set_lanes(*LANES[name])
        for lane in LANES[name]:
            session.give_step(lane.lane, fake_step(lane))
        grabbed(panel)
        assert not panel.failed
    session.set_lanes()
    grabbed(panel)
    assert not panel.failed


@pytest.mark.parametrize("kind", PANELS)
def test_an_exception_is_said_in_the_panel_and_reload_mends_it(make, kind, monkeypatch, caplog):
    session, panel = make(kind, *LANES["two"])
    with monkeypatch.context() as broken:
        broken.setattr(kind, "show_step", lambda *_: 1 / 0)
        session.give_step(0, fake_step(session.lanes[0], 5))
        assert panel.failed
    panel.findChild(QtWidgets.QPushButton).click()
    QtWidgets.QApplication.processEvents()
    session.give_step(0, fake_step(session.lanes[0], 6))
    assert not panel.failed and np.ptp(grabbed(panel)) > 30
    caplog.clear()  # its traceback holds the panel


@pytest.mark.parametrize("kind", PANELS)
def test_broken_numbers_do_no_harm(make, kind):
    session, panel = make(kind, *LANES["one"])
    step = fake_step(session.lanes[0], 3, saliency=True)
    for values in step.decision.activations.values():
        values.flat[0] = np.nan
        values.flat[-1] = np.inf
    step.saliency[...] = np.nan
    session.give_step(0, step)
    grabbed(panel)
    assert not panel.failed


# -- activations ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lanes, lane, layer, unit", [
    ("one", 0, "conv1", 31), ("one", 0, "fc", 300), ("one", 0, "logits", 2), ("two", 1, "conv2", 5),
    ("four", 1, "conv3", 63), ("four", 3, "q", 3), ("odd", 0, "first", 15),
])
def test_a_click_on_a_tile_selects_its_unit(make, lanes, lane, layer, unit):
    session, panel = make(ActivationsPanel, *LANES[lanes], size=(900, 800))
    left_click(panel._canvas.viewport(), tile_centre(panel, lane, layer, unit))
    assert session.selected == (lane, Unit(layer, unit))
    outline = panel._outline
    assert outline.isVisible() and outline.box == panel._cells[lane, layer].item.tile_box(unit)


def test_hovering_names_unit_and_value_and_follows_the_step(make):
    session, panel = make(ActivationsPanel, *LANES["one"], size=(900, 800))
    item = panel._cells[0, "conv2"].item
    tile = item.tile_box(17)
    inside = QtCore.QPointF(tile.x() + 3.5 * tile.width() / 9, tile.y() + 6.5 * tile.height() / 9)
    QtTest.QTest.mouseMove(panel._canvas.viewport(), at(panel._canvas, item, inside))
    for seed in (1, 4):
        if seed == 4:
            session.give_step(0, fake_step(session.lanes[0], seed))
        values = session.last_step(0).decision.activations["conv2"]
        (text,) = session.called("hover")[-1]
        here, largest = values[6, 3, 17], values[..., 17].max()
        assert text.startswith(f"conv2:17 at row 6, column 3 = {here:.3g} · max {largest:.3g}")
    QtCore.QCoreApplication.sendEvent(panel._canvas, QtCore.QEvent(QtCore.QEvent.Leave))
    assert session.called("hover")[-1] == ("",)


@pytest.mark.parametrize("gamma", [1.0, 0.5])
def test_a_tile_shows_its_channel_in_the_colours_of_the_map(make, gamma):
    session, panel = make(ActivationsPanel, *LANES["one"], size=(900, 800), steps=0)
    session.set_view(gamma=gamma, scale="frame")
    session.give_step(0, fake_step(session.lanes[0], 2))
    values = session.last_step(0).decision.activations["conv2"]
    item, picture = panel._cells[0, "conv2"].item, grabbed(panel._canvas)
    table = lut("viridis", 1024, gamma)
    for unit in (0, 17, 63):
        tile = item.tile_box(unit)
        for row, column in ((1, 2), (4, 4), (7, 6)):
            across, down = tile.width() / 9, tile.height() / 9
            place = QtCore.QPointF(tile.x() + (column + 0.5) * across, tile.y() + (row + 0.5) * down)
            pixel = at(panel._canvas, item, place)
            colour = int(table[int(values[row, column, unit] / values.max() * 1023 + 0.5)])
            expected = [colour >> 16 & 255, colour >> 8 & 255, colour & 255]
            np.testing.assert_allclose(picture[pixel.y(), pixel.x()], expected, atol=2)


def test_contrast_per_channel_gives_every_channel_its_full_range(make):
    session, panel = make(ActivationsPanel, *LANES["one"], steps=1)
    cell = panel._cells[0, "conv3"]
    assert cell.bar.levels[1] != "own max"
    session.set_view(contrast="channel")
    assert cell.bar.levels == ("0", "own max")
    colours, values = cell.picture.colours(session.view), cell.picture.values
    for unit in (0, 30, 63):
        strongest = np.unravel_index(values[..., unit].argmax(), (7, 7))
        assert colours[(*strongest, unit)] == lut("viridis", 1024)[-1]


def test_lanes_are_aligned_row_by_row_and_the_panel_is_used(make):
    _, panel = make(ActivationsPanel, *LANES["four"], size=(900, 800))
    cells = panel._cells
    for layer in ("conv1", "conv2", "fc"):
        assert len({cells[lane, layer].item.box.top() for lane in (0, 1, 3)}) == 1
    assert cells[0, "logits"].item.box.top() == cells[3, "q"].item.box.top()
    boxes = [cell.item.box for cell in cells.values()]
    for i, box in enumerate(boxes):
        assert 0 <= box.left() and box.right() <= 900 and box.bottom() <= 800
        assert not any(box.intersects(other) for other in boxes[i + 1:])
    used = sum(cells[0, name].item.box.height() for name in ("conv1", "conv2", "conv3", "fc"))
    assert used > 0.6 * 800


def test_the_second_agent_of_a_game_shares_the_colour_bar(make):
    session, panel = make(ActivationsPanel, fake_lane(0), fake_lane(1))
    assert panel._cells[1, "conv1"].shares and panel._cells[1, "conv1"].bar.text == "same scale"
    step = fake_step(session.lanes[1], 5, index=5)
    step.decision.activations["conv1"][0, 0, 0] = 40.0
    session.give_step(1, step)
    session.give_step(0, fake_step(session.lanes[0], 5, index=5))
    assert float(panel._cells[0, "conv1"].bar.levels[1]) == pytest.approx(40, rel=0.01)


def test_arrow_keys_walk_through_the_mosaics(make):
    session, panel = make(ActivationsPanel, *LANES["two"], size=(900, 800))
    session.select(0, Unit("conv1", 0))
    QtTest.QTest.keyClick(panel, Qt.Key_Right)
    assert session.selected == (0, Unit("conv1", 1))
    columns = panel._cells[0, "conv1"].item.mosaic.columns
    QtTest.QTest.keyClick(panel, Qt.Key_Down)
    assert session.selected == (0, Unit("conv1", 1 + columns))
    for _ in range(panel._cells[0, "conv1"].item.mosaic.rows - 1):
        QtTest.QTest.keyClick(panel, Qt.Key_Down)
    assert session.selected[1].layer == "conv2"
    QtTest.QTest.keyClick(panel, Qt.Key_Up)
    lane, unit = session.selected
    cell = panel._cells[0, "conv1"]
    assert (lane, unit.layer) == (0, "conv1") and unit.index // columns == cell.item.mosaic.rows - 1
    session.select(0, Unit("conv1", 0))
    QtTest.QTest.keyClick(panel, Qt.Key_Up)
    assert session.selected == (0, Unit("conv1", 0))
    panel.move_layer(3)
    assert session.selected == (0, Unit("fc", 0))


def test_the_first_arrow_selects_something(make):
    session, panel = make(ActivationsPanel, *LANES["one"])
    panel.move_selection(1, 0)
    assert session.selected == (0, Unit("conv1", 0))
    without, empty = make(ActivationsPanel, *LANES["without network"])
    empty.move_selection(1, 0)
    empty.move_layer(1)
    assert without.selected is None


def test_double_click_and_z_enlarge_a_layer(make):
    session, panel = make(ActivationsPanel, *LANES["one"])
    viewport, place = panel._canvas.viewport(), tile_centre(panel, 0, "conv3", 9)
    left_click(viewport, place)
    QtTest.QTest.mouseDClick(viewport, Qt.LeftButton, Qt.NoModifier, place)
    QtTest.QTest.mouseRelease(viewport, Qt.LeftButton, Qt.NoModifier, place)
    assert session.view["enlarged"] == "conv3"
    QtTest.QTest.keyClick(panel, Qt.Key_Z)
    assert session.view["enlarged"] is None
    QtTest.QTest.keyClick(panel, Qt.Key_Z)
    assert session.view["enlarged"] == "conv3"


def test_dead_and_saturated_units_are_marked_and_named(make):
    session, panel = make(ActivationsPanel, *LANES["one"], size=(900, 800), steps=0)
    lane = session.lanes[0]
    for seed in range(Vitality.PATIENCE + 20):
        step = fake_step(lane, seed % 7, index=seed + 3)
        step.decision.activations["conv2"][..., 5] = 0
        step.decision.activations["conv2"][..., 6] += 0.1
        session.give_step(0, step)
    before = grabbed(panel._canvas)
    item = panel._cells[0, "conv2"].item
    tile = item.tile_box(5)
    area = before[int(tile.top()) + 3:int(tile.bottom()) - 3, int(tile.left()) + 3:int(tile.right()) - 3].reshape(-1, 3)
    dark = lut("viridis")[0]
    assert any(abs(int(p[1]) - int(dark >> 8 & 255)) > 60 for p in area)  # the cross on an all-zero map
    for unit, word in ((5, "dead"), (6, "saturated")):
        QtTest.QTest.mouseMove(panel._canvas.viewport(), tile_centre(panel, 0, "conv2", unit))
        QtTest.QTest.qWait(15)
        panel._point(panel._canvas.view.mapSceneToView(panel._canvas.mapToScene(tile_centre(panel, 0, "conv2", unit))))
        assert word in session.called("hover")[-1][0]


def test_the_wheel_zooms_and_a_double_click_beside_the_layers_resets(make):
    session, panel = make(ActivationsPanel, *LANES["one"])
    view, viewport = panel._canvas.view, panel._canvas.viewport()
    whole = view.viewRect()
    place = QtCore.QPointF(tile_centre(panel, 0, "conv1", 3))
    event = QtGui.QWheelEvent(place, viewport.mapToGlobal(place.toPoint()) + QtCore.QPointF(), QtCore.QPoint(),
                              QtCore.QPoint(0, 480), Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False)
    QtWidgets.QApplication.sendEvent(viewport, event)
    assert view.viewRect().width() < 0.8 * whole.width()
    left_click(viewport, tile_centre(panel, 0, "conv1", 3))
    assert session.selected == (0, Unit("conv1", 3))
    panel._click(QtCore.QPointF(-5, -5), True)
    assert view.viewRect().width() == pytest.approx(whole.width(), rel=0.01)


def test_a_hidden_panel_draws_nothing_and_catches_up(make):
    session, panel = make(ActivationsPanel, *LANES["one"])
    panel.hide()
    session.give_step(0, fake_step(session.lanes[0], 8))
    cell = panel._cells[0, "conv1"]
    assert cell.picture.values is not session.last_step(0).decision.activations["conv1"]
    panel.show()
    assert cell.picture.values is session.last_step(0).decision.activations["conv1"]


# -- game -----------------------------------------------------------------------------------------------------------
def test_the_frame_is_shown_as_it_is_in_a_television_aspect(make):
    session, panel = make(GamePanel, *LANES["one"], size=(640, 560))
    frame = session.last_step(0).frame
    box, picture = panel._cells[0].picture.box, grabbed(panel._canvas)
    assert box.width() / box.height() == pytest.approx(4 / 3, rel=0.01)
    for row, column in ((0, 0), (100, 80), (209, 159)):
        x = int(box.x() + (column + 0.5) * box.width() / 160)
        y = int(box.y() + (row + 0.5) * box.height() / 210)
        np.testing.assert_array_equal(picture[y, x], frame[row, column])


def test_score_lives_and_player_are_said(make):
    session, panel = make(GamePanel, *LANES["one"])
    session.give_step(0, fake_step(session.lanes[0], 1, episode_return=42.0, lives=1, episode=2, player="human"))
    cell = panel._cells[0]
    assert cell.score.text == "42" and cell.more.text == "1 life · episode 3 · you play"
    session.give_step(0, fake_step(session.lanes[0], 1, lives=0))
    assert "li" not in cell.more.text.split("·")[0]


def test_saliency_lies_over_the_frame_and_goes_when_switched_off(make):
    session, panel = make(GamePanel, *LANES["one"], size=(640, 560))
    session.saliency = "action"
    gradient = np.zeros((84, 84, 4), np.float32)
    gradient[40:44, 20:24, 1] = -2.0
    black = np.zeros((210, 160, 3), np.uint8)
    step = fake_step(session.lanes[0], saliency=True)
    session.give_step(0, dataclasses.replace(step, saliency=gradient, frame=black))
    pixels = panel._cells[0].picture.pixels
    np.testing.assert_allclose(pixels[105, 42, 2::-1], 0.6 * np.array(NEGATIVE), atol=8)
    assert not pixels[10, 10, :3].any()
    assert panel._cells[0].caption.text == "Gradient · chosen action"
    session.set_view(saliency_opacity=0.2, saliency_signs=False)
    np.testing.assert_allclose(panel._cells[0].picture.pixels[105, 42, 2::-1], 0.2 * np.array(POSITIVE), atol=8)
    session.give_step(0, dataclasses.replace(step, saliency=None, frame=black))
    assert not panel._cells[0].picture.pixels[..., :3].any() and panel._cells[0].caption.text == ""


def test_a_game_out_of_sight_hears_of_a_question_when_an_agent_is_gone(make):
    session, panel = make(GamePanel, fake_lane(0), fake_lane(1))
    panel.hide()
    session.set_lanes(fake_lane(0))
    session.saliency = "unit"
    session.saliency_changed.emit("unit")
    assert not panel.failed
    panel.show()
    assert list(panel._cells) == [0]


def live_map(info, moment, values=None, method="occlusion"):
    values = np.zeros((*info.observation_shape[:2], 1), np.float32) if values is None else values
    return LiveMap(moment, method, "action", values, METHODS[method].signed, float(np.abs(values).max()), 0.1)


def test_a_map_from_beside_the_game_lies_where_the_observation_does_and_says_its_age(make):
    info = dataclasses.replace(fake_lane(0), frame_box=(35, 0, 160, 160))
    session, panel = make(GamePanel, info, size=(640, 560), steps=0)
    session.set_saliency("action", "occlusion")
    black = np.zeros((210, 160, 3), np.uint8)
    session.give_step(0, fake_step(info, moment=40, frame=black))
    cell = panel._cells[0]
    assert not cell.picture.pixels[..., :3].any() and cell.caption.text == ""
    values = np.zeros((84, 84, 1), np.float32)
    values[40:50, 20:30] = 3.0
    session.attributed.emit(0, live_map(info, 40, values))
    pixels = cell.picture.pixels.astype(int)
    row, column = 35 + round(45 / 84 * 160), round(25 / 84 * 160)
    np.testing.assert_allclose(pixels[row, column, 2::-1], 0.6 * np.array(POSITIVE), atol=8)
    assert not pixels[:34, :, :3].any() and not pixels[196:, :, :3].any()
    assert not pixels[round(45 / 84 * 210) - 15, column, :3].any()  # where an observation of the whole screen has it
    assert cell.caption.text == "Occlusion · chosen action" and cell.bar.isVisible()
    session.give_step(0, fake_step(info, moment=43, frame=black))
    assert cell.caption.text == "3 steps ago · Occlusion · chosen action"
    faded = cell.picture.pixels[row, column, 2]
    assert 0 < faded < pixels[row, column, 2]
    session.give_step(0, fake_step(info, moment=120, frame=black))
    assert not cell.picture.pixels[..., :3].any() and "Occlusion" not in cell.caption.text  # too old to be shown
    session.attributed.emit(0, live_map(info, 119, values))
    session.give_step(0, fake_step(info, moment=30, frame=black))  # gone back: the maps are of the future
    assert not cell.picture.pixels[..., :3].any()


def test_a_map_that_is_ahead_of_the_screen_waits_and_one_of_a_moment_played_otherwise_goes(make):
    info = fake_lane(0)
    session, panel = make(GamePanel, info, steps=0)
    session.set_saliency("action", "occlusion")
    values, cell = np.ones((84, 84, 1), np.float32), panel._cells[0]
    step = fake_step(info, moment=40, index=40)
    session.give_step(0, step)
    for moment in (38, 40, 43):  # the engine is some steps ahead of the screen
        session.attributed.emit(0, live_map(info, moment, values))
    assert cell.caption.text == "Occlusion · chosen action"
    session.give_step(0, fake_step(info, moment=42, index=42))
    assert cell.caption.text == "2 steps ago · Occlusion · chosen action"
    session.give_step(0, fake_step(info, moment=43, index=43))
    assert cell.caption.text == "Occlusion · chosen action"
    session.give_step(0, fake_step(info, 9, moment=43, index=43, edited=True))  # a unit was changed meanwhile
    assert cell.caption.text == "3 steps ago · Occlusion · chosen action"
    session.give_step(0, fake_step(info, 1, moment=44, index=0, episode=1))
    assert cell.caption.text == ""


def test_another_question_takes_the_old_answer_away(make):
    session, panel = make(GamePanel, *LANES["one"], steps=0)
    session.set_saliency("action", "gradient")
    info = session.lanes[0]
    session.give_step(0, fake_step(info, moment=1, saliency=True))
    cell = panel._cells[0]
    assert cell.caption.text == "Gradient · chosen action"
    session.set_saliency("value", "guided")  # the step on screen still carries the gradient of the action
    assert cell.caption.text == "" and not cell.bar.isVisible()
    session.give_step(0, fake_step(info, 1, moment=1, saliency=True))
    assert cell.caption.text == "Guided backpropagation · value"
    session.set_saliency("value", "sarfa")
    assert "no map: SARFA explains one action" in cell.caption.text


def test_an_unsigned_map_has_one_hue_and_a_scale_from_zero(make):
    session, panel = make(GamePanel, *LANES["one"], steps=0)
    session.set_saliency("action", "gradcam")
    saliency = np.ones((84, 84, 1), np.float32)
    session.give_step(0, fake_step(session.lanes[0], moment=1, saliency=False))
    session.give_step(0, dataclasses.replace(fake_step(session.lanes[0], moment=2), saliency=saliency))
    assert panel._cells[0].bar.levels == ("0", "1")
    session.set_saliency("action", "gradient")
    session.give_step(0, fake_step(session.lanes[0], 3, moment=3, saliency=True))
    assert panel._cells[0].bar.levels[0].startswith("−")
    session.set_view(saliency_signs=False)
    assert panel._cells[0].bar.levels[0] == "0"


@pytest.mark.parametrize("frame_box, wanted", [(None, (42, 21, 21, 21)), ((35, 0, 160, 160), (37, 21, 28, 21))])
def test_a_drag_with_shift_chooses_the_observations_pixels_under_it(make, frame_box, wanted):
    info = dataclasses.replace(fake_lane(0), frame_box=frame_box)
    session, panel = make(GamePanel, info, fake_lane(1), size=(900, 400))
    cell, canvas = panel._cells[0], panel._canvas
    box = cell.picture.box
    places = [at(canvas, cell.picture, QtCore.QPointF(box.x() + x * box.width(), box.y() + y * box.height()))
              for x, y in ((0.253, 0.503), (0.4, 0.6), (0.498, 0.748))]
    whole = canvas.view.viewRect()
    drag_pixels(canvas.viewport(), places, Qt.ShiftModifier)
    assert session.region == (0, wanted) and canvas.view.viewRect() == whole
    assert cell.region.isVisible() and not panel._cells[1].region.isVisible()
    session.set_cover(0, wanted, "mean")
    assert cell.cover.isVisible() and cell.cover_label.text == "covered: mean"
    assert cell.cover.box == cell.region.box and not panel._cells[1].cover.isVisible()
    panel._uncover.trigger()
    assert not cell.cover.isVisible() and cell.cover_label.text == ""
    count = len(session.called("choose_region"))
    drag_pixels(canvas.viewport(), places)  # without Shift it is no box
    assert len(session.called("choose_region")) == count


def test_each_frames_map_lies_over_its_frame_in_the_input(make):
    session, panel = make(ObservationPanel, *LANES["one"], size=(600, 150), steps=0)
    session.set_view(saliency_frames="each")
    session.set_saliency("action", "gradient")
    saliency = np.zeros((84, 84, 4), np.float32)
    saliency[30:40, 30:40, 1] = 4.0
    step = fake_step(session.lanes[0], moment=5, observation=np.zeros((84, 84, 4), np.uint8))
    session.give_step(0, dataclasses.replace(step, saliency=saliency))
    tiles = panel._tiles[0].tiles
    lit = [bool(tile.picture.pixels[..., :3].any()) for tile in tiles[:4]]
    assert lit == [False, True, False, False] and tiles[1].label.text == "t−2 · map"
    assert tiles[1].picture.pixels[35, 35, 2] > 100 and not tiles[1].picture.pixels[60, 60, :3].any()
    session.set_saliency("action", "occlusion")
    session.attributed.emit(0, live_map(session.lanes[0], 3, np.ones((84, 84, 1), np.float32)))
    assert [tile.label.text for tile in tiles[:4]] == ["t−3", "t−2", "t−1", "t · 2 steps ago"]
    session.set_view(saliency_frames="sum")
    assert tiles[3].label.text == "t" and not tiles[3].picture.pixels[..., :3].any()


def test_what_the_selected_unit_sees_is_outlined_where_it_is_strongest(make):
    session, panel = make(GamePanel, *LANES["two"], size=(640, 400))
    step = fake_step(session.lanes[0])
    values = step.decision.activations["conv1"]
    values[5, 12, 7] = 50.0
    session.give_step(0, step)
    session.select(0, Unit("conv1", 7))
    cell, frame = panel._cells[0], panel._cells[0].picture.box
    assert cell.field.isVisible() and not panel._cells[1].field.isVisible()
    assert cell.field.box.x() == pytest.approx(frame.x() + 48 / 84 * frame.width())
    assert cell.field.box.y() == pytest.approx(frame.y() + 20 / 84 * frame.height())
    assert cell.field.box.width() == pytest.approx(8 / 84 * frame.width())
    assert cell.label.text == "conv1:7 = 50"
    session.set_lanes(*LANES["one"])  # an agent is taken away: the selection stays
    session.give_step(0, step)
    cell = panel._cells[0]
    assert cell.field.isVisible()
    session.select(0, Unit("fc", 3))
    assert not cell.field.isVisible() and "whole screen" in cell.caption.text
    session.select(0, None)
    assert cell.caption.text == ""


# -- network input --------------------------------------------------------------------------------------------------
def test_the_stack_is_shown_oldest_first_with_its_change(make):
    session, panel = make(ObservationPanel, *LANES["one"], size=(600, 150))
    tiles, observation = panel._tiles[0].tiles, session.last_step(0).observation
    assert [tile.name for tile in tiles] == ["t−3", "t−2", "t−1", "t", "Δ"]
    assert [tile.picture.box.x() for tile in tiles] == sorted(tile.picture.box.x() for tile in tiles)
    for i, tile in enumerate(tiles[:4]):
        np.testing.assert_allclose(tile.picture.pixels[..., 1].astype(int), observation[..., i], atol=2)
    change = observation[..., 3].astype(int) - observation[..., 2]
    blue, red = (tiles[4].picture.pixels[..., i].astype(int) for i in (0, 2))
    assert (red - blue)[change > 100].min() > 0 > (red - blue)[change < -100].max()


def test_the_choice_of_tiles(make):
    session, panel = make(ObservationPanel, *LANES["two"])
    actions = {action.text(): action for action in panel._canvas.view.actions}
    actions["Difference"].trigger()
    assert [tile.name for tile in panel._tiles[1].tiles] == ["Δ"]
    actions["Frames"].trigger()
    assert [tile.name for tile in panel._tiles[0].tiles] == ["t−3", "t−2", "t−1", "t"]
    assert panel._tiles[0].tiles[0].picture.pixels is not None


def test_one_frame_has_no_change(make):
    _, panel = make(ObservationPanel, *LANES["odd"])
    panel.choose("difference")
    assert [tile.name for tile in panel._tiles[0].tiles] == ["t"]


def test_hovering_the_input_names_the_pixel(make):
    session, panel = make(ObservationPanel, *LANES["one"], size=(600, 150))
    item = panel._tiles[0].tiles[1].picture
    place = QtCore.QPointF(item.box.x() + 10.5 * item.box.width() / 84, item.box.y() + 20.5 * item.box.height() / 84)
    panel._point(place)
    value = session.last_step(0).observation[20, 10, 1]
    assert session.called("hover")[-1] == (f"input t−2 at row 20, column 10 = {value}",)


def test_differences_show_zero_as_mid_grey_and_hovering_says_the_true_value(make):
    info = dataclasses.replace(fake_lane(0, observation=(80, 80, 1)), observation_range=(-255.0, 255.0),
                               observation_dtype="float32")  # fmt: skip
    session, panel = make(ObservationPanel, info, size=(600, 400), steps=0)
    observation = np.zeros((80, 80, 1), np.float32)
    observation[0, 0], observation[0, 1], observation[2, 3] = 255, -255, -37.25
    session.give_step(0, fake_step(info, observation=observation))
    picture = panel._tiles[0].tiles[0].picture
    shown = picture.pixels[..., 1].astype(int)
    assert abs(shown[40, 40] - 127.5) <= 1 and shown[0, 0] == 255 and shown[0, 1] == 0
    box = picture.box
    panel._point(QtCore.QPointF(box.x() + 3.5 * box.width() / 80, box.y() + 2.5 * box.height() / 80))
    assert session.called("hover")[-1] == ("input t at row 2, column 3 = -37.25",)


def test_colour_frames_are_shown_in_colour(make):
    info = dataclasses.replace(fake_lane(0, observation=(50, 40, 6)), frame_channels=3)
    session, panel = make(ObservationPanel, info, size=(600, 400))
    tiles, observation = panel._tiles[0].tiles, session.last_step(0).observation
    assert [tile.name for tile in tiles] == ["t−1", "t", "Δ"]
    np.testing.assert_array_equal(tiles[1].picture.pixels[..., 2::-1], observation[..., 3:])
    np.testing.assert_array_equal(tiles[0].picture.pixels[..., 2::-1], observation[..., :3])
    box = tiles[1].picture.box
    panel._point(QtCore.QPointF(box.x() + 0.5 * box.width() / 40, box.y() + 0.5 * box.height() / 50))
    values = ", ".join(map(str, observation[0, 0, 3:]))
    assert session.called("hover")[-1] == (f"input t at row 0, column 0 = {values}",)


# -- one layer ------------------------------------------------------------------------------------------------------
def settle(qtbot, panel):
    qtbot.waitUntil(lambda: not panel._refit.isActive())
    QtWidgets.QApplication.processEvents()


def test_the_enlarged_layer_fills_the_panel_and_a_click_selects(make, qtbot):
    session, panel = make(LayerPanel, *LANES["two"], size=(900, 600))
    session.set_view(enlarged="conv2")
    settle(qtbot, panel)
    assert {plot.picture.info.name for plot in panel._plots.values()} == {"conv2"}
    graphics = panel._graphics
    grabbed(panel)  # pyqtgraph moves what is on the plots when it paints
    for lane, unit in ((0, 17), (1, 5)):
        item = panel._plots[lane].item
        left_click(graphics.viewport(), at(graphics, item, item.tile_box(unit).center()))
        assert session.selected == (lane, Unit("conv2", unit))
    assert panel._plots[1].outline.isVisible() and not panel._plots[0].outline.isVisible()


@pytest.mark.parametrize("lanes", ["two", "four"])
def test_plots_lie_within_a_small_windows_panel(make, qtbot, lanes):
    _, panel = make(LayerPanel, *LANES[lanes], size=(600, 430))
    settle(qtbot, panel)
    grabbed(panel)
    graphics = panel._graphics
    for plot in panel._plots.values():
        assert graphics.rect().contains(graphics.mapFromScene(plot.plot.sceneBoundingRect()).boundingRect())


def test_without_an_enlarged_layer_the_selected_units_is_shown(make, qtbot):
    session, panel = make(LayerPanel, *LANES["two"])
    assert panel.layer_name == "conv1"
    session.select(0, Unit("fc", 8))
    settle(qtbot, panel)
    assert panel._plots[0].picture.info.name == "fc" and panel._plots[0].outline.isVisible()
    session.select(0, Unit("conv3", 8))
    settle(qtbot, panel)
    assert list(panel._plots) == [0]  # the other agent has no conv3, and the panel says so
    session.set_view(enlarged="logits")
    settle(qtbot, panel)
    assert panel._plots[0].picture.info.name == "logits"


def test_axes_name_units_and_the_colour_bar_follows_the_scale(make, qtbot):
    session, panel = make(LayerPanel, *LANES["one"], size=(900, 600))
    settle(qtbot, panel)
    plot = panel._plots[0]
    ticks = plot.plot.getAxis("left")._tickLevels[0]
    columns = plot.item.mosaic.columns
    assert [text for _, text in ticks] == [str(row * columns) for row in range(plot.item.mosaic.rows)]
    level = float(plot.picture.scale.level())
    assert plot.bar.levels() == (0.0, pytest.approx(level, rel=0.03))


def test_panels_that_show_the_same_layer_agree(make, qtbot):
    session, panel = make(ActivationsPanel, *LANES["one"])
    other = LayerPanel(session)
    qtbot.addWidget(other)
    other.show()
    settle(qtbot, other)
    session.give_step(0, fake_step(session.lanes[0], 6))
    assert other._plots[0].picture is panel._cells[0, "conv1"].picture
    assert isinstance(other._plots[0].item, MosaicItem)


@pytest.mark.parametrize("kind", [ActivationsPanel, LayerPanel])
def test_a_panel_that_was_out_of_sight_while_agents_changed_shows_the_books_pictures(make, qtbot, kind):
    """Another panel told the shared book of agents that this one never saw."""
    session, panel = make(kind, *LANES["one"])
    info = session.lanes[0]
    for lanes in ((dataclasses.replace(info, agent_id="another"),), (info,)):
        panel._book.set_lanes(lanes)
    panel.set_lanes(session.lanes)
    step = fake_step(info, 9)
    session.give_step(0, step)
    shown = panel._cells[0, "conv1"] if kind is ActivationsPanel else panel._plots[0]
    assert shown.picture.values is step.decision.activations["conv1"]


# -- small pictures -------------------------------------------------------------------------------------------------
def put_in_column(qtbot, strip):
    """As panels have it: in a column that scrolls, with the keyboard."""
    column = column_of(strip)
    qtbot.addWidget(column)
    column.resize(300, 300)
    column.show()
    column.activateWindow()
    qtbot.waitUntil(column.isActiveWindow)
    strip.setFocus(Qt.TabFocusReason)
    return column


def test_the_keys_stay_at_a_tile_that_is_there_and_their_frame_around_it(qtbot):
    strip, picture, chosen = Strip(2), np.zeros((8, 8), np.uint32), []
    strip.chosen.connect(chosen.append)
    strip.show_tiles([Tile(picture, str(n), choice=n) for n in range(4)])
    column = put_in_column(qtbot, strip)
    for _ in range(3):
        QtTest.QTest.keyClick(strip, Qt.Key_Right)
    assert strip._at.box == strip.tile_box(3)
    strip.show_tiles([Tile(picture, str(n), choice=n) for n in range(2)], columns=1)
    assert strip._at.isVisible() and strip._at.box == strip.tile_box(1)
    column.resize(150, 300)
    assert strip._at.box == strip.tile_box(1)
    QtTest.QTest.keyClick(strip, Qt.Key_Return)
    assert chosen == [1]
    strip.show_tiles([])
    assert not strip._at.isVisible()


def test_a_film_can_have_the_keyboard_and_lose_it(qtbot):
    film = Film()
    film.show_films([[np.zeros((8, 8), np.uint32)] * 4], [""])
    column = put_in_column(qtbot, film)
    film.set_playing(False)
    assert film.frame == 3 and not film.moving
    film.clearFocus()
    assert column.isVisible()
