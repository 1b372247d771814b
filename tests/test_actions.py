import dataclasses

import numpy as np
import pytest
from fakes import BREAKOUT, FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtGui

from zoo_gui import tokens
from zoo_gui.types import Decision, LayerInfo, Unit
from zoo_gui.widgets.actions import ActionsPanel, Scale, number

EIGHTEEN = BREAKOUT[:2] + ("UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT", "UPFIRE",
                           "RIGHTFIRE", "LEFTFIRE", "DOWNFIRE", "UPRIGHTFIRE", "UPLEFTFIRE", "DOWNRIGHTFIRE",
                           "DOWNLEFTFIRE")


@pytest.fixture
def make(qtbot):
    def shown(*lanes, size=(330, 220)):
        session = FakeSession(lanes)
        panel = ActionsPanel(session)
        put_up(qtbot, panel, size)
        return session, panel
    yield shown


def decided(info, scores, action=0, value=None):
    decision = Decision(action, np.array(scores, np.float32), info.scores_kind, value)
    return fake_step(info, decision=decision)


def at_row(panel, lane, row):
    """Widget position of a row's bar."""
    column = panel.item.columns[lane]
    return panel.view.mapFromScene(panel.item.mapToScene(column.look.bar(column.row(row + 2)).center()))


def bar_pixels(panel, lane, row):
    """How many pixels of an action's bar have the filled colour, and the bar's width."""
    image = panel.view.viewport().grab().toImage()
    column = panel.item.columns[lane]
    bar = column.look.bar(column.row(row + 2))
    y = round(bar.center().y())
    colours = [image.pixelColor(x, y).name() for x in range(round(bar.left()), round(bar.right()))]
    wanted = (column.look.colour.name(), column.look.faded.name())
    return sum(colour in wanted for colour in colours), len(colours)


def test_bars_are_as_long_as_the_probabilities(make):
    info = fake_lane()
    session, panel = make(info)
    probabilities = np.array([0.5, 0.25, 0.2, 0.05])
    session.give_step(0, decided(info, np.log(probabilities), action=1))
    for row, probability in enumerate(probabilities):
        filled, width = bar_pixels(panel, 0, row)
        assert filled / width == pytest.approx(probability, abs=0.03)


def test_q_bars_span_the_range_seen_so_far_and_share_it_between_lanes_of_a_game(make):
    lanes = fake_lane(0, "small"), fake_lane(1, "small")
    session, panel = make(*lanes, size=(600, 220))
    session.give_step(0, decided(lanes[0], [1.0, 2.0, 3.0, 2.0], 2, 3.0))
    session.give_step(1, decided(lanes[1], [5.0, 4.0, 3.0, 3.0], 0, 5.0))
    filled, width = bar_pixels(panel, 0, 2)
    assert filled / width == pytest.approx(0.5, abs=0.05)
    filled, width = bar_pixels(panel, 1, 0)
    assert filled / width > 0.95


def test_the_chosen_action_is_marked_by_more_than_colour(make):
    info = fake_lane()
    session, panel = make(info)
    session.give_step(0, decided(info, [0, 0, 0, 0], action=2))

    def ink(row):  # the mark's column, left of the name
        column = panel.item.columns[0]
        rect = column.row(row + 2)
        image = panel.view.viewport().grab().toImage().convertToFormat(4)
        base = QtGui.QColor(tokens.current().base).rgb()
        return sum(image.pixel(x, y) != base for x in range(round(rect.left()), round(rect.left() + 8))
                   for y in range(round(rect.top()) + 2, round(rect.bottom()) - 2))
    assert ink(2) > 10 and ink(0) == ink(1) == ink(3) == 0


def test_a_click_selects_the_output_unit_and_the_mouse_names_it(make, qtbot):
    info = fake_lane()
    session, panel = make(info)
    session.give_step(0, decided(info, [0.0, 1.0, 2.0, 3.0], 3, 1.5))
    panel.grab()
    qtbot.mouseClick(panel.view.viewport(), QtCore.Qt.LeftButton, pos=at_row(panel, 0, 2))
    assert session.called("select") == [(0, Unit("logits", 2))]
    qtbot.mouseMove(panel.view.viewport(), at_row(panel, 0, 1))
    qtbot.wait(20)  # pyqtgraph drops moves that come faster than 100 a second
    qtbot.mouseMove(panel.view.viewport(), at_row(panel, 0, 3))
    said = "Nature · Breakout · run 1: left, probability 0.644, logit 3.000, chosen"
    qtbot.waitUntil(lambda: (said,) in session.called("hover"))
    qtbot.mouseClick(panel.view.viewport(), QtCore.Qt.LeftButton, pos=at_row(panel, 0, -1))
    assert session.called("select")[-1] == (0, Unit("value", 0))


def test_eighteen_actions_fit_into_300_pixels(make):
    lanes = [dataclasses.replace(fake_lane(lane), action_names=EIGHTEEN) for lane in (0, 1)]
    session, panel = make(*lanes, size=(420, 300))
    for info in lanes:
        session.give_step(info.lane, decided(info, np.linspace(-2, 2, 18), 17, 0.5))
    panel.grab()
    for column in panel.item.columns:
        assert column.row(19).bottom() <= panel.item.rect().bottom()
        assert column.look.pixels >= 9 and column.look.bar(column.row(3)).width() > 30


def test_a_player_without_network_has_no_bars(make):
    info = fake_lane(0, None)
    session, panel = make(info)
    session.give_step(0, fake_step(info))
    panel.grab()
    assert not panel.failed and panel.item.columns[0].unit(0) is None
    assert bar_pixels(panel, 0, 0)[0] == 0


def test_agreement_is_shown_with_two_lanes_only(make):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    session.status_changed.emit({"agree": 0.734, "agree_steps": 1234})
    assert panel.agreement.isVisible() and panel.agreement.text() == "Actions agree: 73% of 1,234 steps"
    session.set_lanes(fake_lane(0))
    assert not panel.agreement.isVisible()


def test_scale_widens_at_once_and_narrows_slowly():
    scale = Scale(with_zero=False)
    scale.widen(1.0, 3.0)
    assert (scale.fraction(1.0), scale.fraction(2.0), scale.fraction(9.0)) == (0.0, 0.5, 1.0)
    scale.widen(2.0, 2.0)
    assert 1.0 < scale.low < 1.01 and 2.99 < scale.high < 3.0
    scale.widen(-1.0, 4.0)
    assert (scale.low, scale.high) == (-1.0, 4.0)


def test_numbers_keep_their_width():
    assert [number(x) for x in (0.5, -1.234, 123.456)] == ["0.50", "−1.23", "123.5"]


def test_the_value_row_says_what_its_number_is(make):
    """Max Q of a Q agent, unless the network has a state value of its own (a dueling one)."""
    small = fake_lane(0, "small")
    dueling = fake_lane(1, layers=(LayerInfo("value", (1,), "value", True), LayerInfo("q", (4,), "q", True)))
    dueling = dataclasses.replace(dueling, scores_kind="q")
    session, panel = make(small, dueling, fake_lane(2))
    for lane in session.lanes:
        session.give_step(lane.lane, decided(lane, [1.0, 2.0, 3.0, 4.0], value=2.5))
    assert [column.describe(-1).rsplit(": ")[-1] for column in panel.item.columns] == [
        "max Q 2.500", "value 2.500", "value 2.500"
    ]  # fmt: skip
