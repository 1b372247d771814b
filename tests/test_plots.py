import dataclasses

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.types import StepSummary, Unit
from zoo_gui.widgets.plots import PlotsPanel, short_titles
from zoo_gui.widgets.plots_chart import columns_for, fitted, runs, stems, thin, ticks

UNIT = Unit("conv2", 17)


@pytest.fixture
def make(qtbot):
    def shown(*lanes, size=(900, 300), pins=()):
        session = FakeSession(lanes)
        for lane in pins:
            session.pin(lane, UNIT)
        panel = PlotsPanel(session)
        put_up(qtbot, panel, size)
        return session, panel
    yield shown


def give(session, lane, count, start=0, **columns):
    """``count`` steps with the given columns (functions of the step number)."""
    pins = tuple(pin.unit for pin in session.pins if pin.lane == lane)
    standard = dict(episode=lambda i: i // 100, index=lambda i: i % 100, action=lambda i: i // 10 % 4,
                    reward=lambda i: 0.0, episode_return=lambda i: float(i),
                    value=lambda i: np.sin(i / 9), best_score=lambda i: 40.0 + i % 3,
                    entropy=lambda i: 0.5, lives=lambda i: 3, done=lambda i: False, inference_ms=lambda i: 1.0)
    made = {**standard, **columns}
    summaries = [StepSummary(i, *(made[name](i) for name in standard), pinned=tuple(float(i % 5) for _ in pins))
                 for i in range(start, start + count)]
    session.history(lane).append(summaries, pins)
    session.stepped.emit(lane, fake_step(session.lanes[lane]), summaries)


def chart(panel, key):
    return next(chart for chart in panel._charts if chart.quantity.key == key)


def drawn(panel, qtbot, key, lane=0):
    """The curve of a lane once the panel has redrawn."""
    qtbot.waitUntil(lambda: not panel._timer.isActive())
    return chart(panel, key).curves[lane].getData()


def test_every_step_of_the_window_is_drawn_whatever_arrived_at_once(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 250)
    x, y = drawn(panel, qtbot, "value")
    assert np.array_equal(x, np.arange(250)) and np.allclose(y, np.sin(np.arange(250) / 9))
    give(session, 0, 200, 250)
    x, _ = drawn(panel, qtbot, "value")
    low, high = chart(panel, "value").box.viewRange()[0]
    assert x[-1] == 449 and low - 1 <= x[0] <= low and 450 <= high <= 456 and high - low == pytest.approx(300)


def test_the_last_step_before_a_pause_is_drawn(make, qtbot):
    session, panel = make(fake_lane())
    for number in range(40):
        give(session, 0, 1, number)
    assert drawn(panel, qtbot, "return")[0][-1] == 39


def test_rewards_are_stems_and_episodes_are_bounded(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 250, reward=lambda i: 2.0 if i in (7, 90) else 0.0)
    x, y = drawn(panel, qtbot, "reward")
    assert x.tolist() == [7, 7, 90, 90] and y.tolist() == [0, 2, 0, 2]
    xs, ys = chart(panel, "reward").boundaries[0].getData()
    assert xs.tolist() == [100, 100, 200, 200]
    assert ys.tolist() == pytest.approx(list(chart(panel, "reward").box.viewRange()[1]) * 2)


def test_actions_are_rows_with_their_names(make, qtbot):
    session, panel = make(fake_lane(), size=(900, 500))
    give(session, 0, 40)
    x, y = drawn(panel, qtbot, "action")
    assert x.tolist() == [0, 10, 10, 20, 20, 30, 30, 40] and y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    labels = chart(panel, "action").left._tickLevels
    assert labels == [[(0, "no-op"), (1, "fire"), (2, "right"), (3, "left")]]


def test_two_lanes_differ_by_line_style_too_and_q_agents_show_their_largest_q(make, qtbot):
    session, panel = make(fake_lane(0), fake_lane(1, "small"))
    give(session, 0, 50)
    give(session, 1, 50)
    assert drawn(panel, qtbot, "value", 1)[1].min() >= 40
    curves = chart(panel, "value").curves
    assert curves[0].opts["pen"].style() != curves[1].opts["pen"].style()
    assert not np.isfinite(drawn(panel, qtbot, "entropy", 1)[1]).any()
    assert "Nature" in panel.legend.text() and "Small" in panel.legend.text()
    assert panel.buttons["value"].text() == "Value / max Q"


def test_a_pinned_unit_gets_a_plot_and_a_button(make, qtbot):
    session, panel = make(fake_lane(0), fake_lane(1))
    give(session, 0, 10)
    give(session, 1, 10)
    assert str(UNIT) not in panel.buttons
    session.pin(1, UNIT)
    give(session, 1, 10, 10)
    x, y = drawn(panel, qtbot, str(UNIT), 1)
    assert list(chart(panel, str(UNIT)).curves) == [1]
    assert not np.isfinite(y[:10]).any() and y[10:].tolist() == [0, 1, 2, 3, 4] * 2
    session.unpin(1, UNIT)
    assert str(UNIT) not in panel.buttons and len(panel._charts) == 5


def test_buttons_choose_what_is_shown(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 10)
    qtbot.mouseClick(panel.buttons["entropy"], QtCore.Qt.LeftButton)
    assert [chart.quantity.key for chart in panel._charts] == ["reward", "return", "value", "action"]
    qtbot.mouseClick(panel.buttons["entropy"], QtCore.Qt.LeftButton)
    assert len(panel._charts) == 5


def test_what_no_agent_has_cannot_be_chosen(make):
    session, panel = make(fake_lane(0, "small"))
    assert not panel.buttons["entropy"].isEnabled() and panel.buttons["value"].text() == "Max Q"
    session.set_lanes(dataclasses.replace(fake_lane(), has_value=False))
    assert not panel.buttons["value"].isEnabled() and panel.buttons["entropy"].isEnabled()
    assert [chart.quantity.key for chart in panel._charts] == ["reward", "return", "entropy", "action"]


def test_plots_of_a_row_are_equally_wide(make, qtbot):
    session, panel = make(fake_lane(0), fake_lane(1), pins=(0,), size=(700, 220))
    give(session, 0, 20)
    drawn(panel, qtbot, "value")
    widths = [chart.box.width() for chart in panel._charts]
    assert max(widths) - min(widths) <= 2


def test_zooming_one_plot_moves_all_and_stops_following(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 600)
    drawn(panel, qtbot, "value")
    box = chart(panel, "value").box
    box.setMouseEnabled(x=True, y=False)
    box.scaleBy(x=0.5, center=(450, 0))
    box.sigRangeChangedManually.emit(box.mouseEnabled())
    assert not panel.live.isChecked()
    x, _ = drawn(panel, qtbot, "return")
    view = chart(panel, "return").box.viewRange()[0]
    assert view == pytest.approx(box.viewRange()[0]) and x[0] <= view[0] + 1 and x[-1] >= view[1] - 1 and len(x) < 160
    give(session, 0, 100, 600)
    drawn(panel, qtbot, "value")
    assert chart(panel, "value").box.viewRange()[0] == pytest.approx(view)
    panel.live.setChecked(True)
    assert drawn(panel, qtbot, "value")[0][-1] == 699


def test_seconds_follow_from_the_frame_skip(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 30)
    panel.scale_box.setCurrentIndex(1)
    drawn(panel, qtbot, "value")
    assert chart(panel, "value").bottom.scale == pytest.approx(4 / 60)


def test_the_mouse_names_step_and_value(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 300)
    drawn(panel, qtbot, "return")
    plot = chart(panel, "action").box
    panel._say_values(plot.mapViewToScene(QtCore.QPointF(25.5, 1)))
    assert session.called("hover")[-1] == ("step 25 · Action: right",)
    plot = chart(panel, "return").box
    panel._say_values(plot.mapViewToScene(QtCore.QPointF(25.5, 1)))
    assert session.called("hover")[-1] == ("step 25 · Return: 25",)


def test_visible_numbers_are_copied_as_csv(make, qtbot):
    second = fake_lane(1, "small")
    session, panel = make(fake_lane(0), dataclasses.replace(second, title=f'{second.title}, "late"'))
    give(session, 0, 3)
    give(session, 1, 2, reward=lambda i: 4.0)
    drawn(panel, qtbot, "value")
    lines = panel.numbers().splitlines()
    assert lines[0] == "lane,agent,step,reward,return,value,entropy,action" and len(lines) == 6
    assert lines[2] == 'A,Nature · Breakout · run 1,1,0,1,0.110882629,0.5,NOOP'
    assert lines[5] == 'B,"Small · Breakout · run 1, ""late""",1,4,1,41,nan,NOOP'
    position = chart(panel, "value").box.mapViewToScene(QtCore.QPointF(50, 0.5))
    qtbot.mouseClick(panel.layout_view.viewport(), QtCore.Qt.RightButton, pos=panel.layout_view.mapFromScene(position))
    menu = next(child for child in panel.layout_view.children() if child.inherits("QMenu"))
    next(action for action in menu.actions() if "CSV" in action.text()).trigger()
    assert QtWidgets.QApplication.clipboard().text() == panel.numbers()
    menu.close()


def test_a_hidden_panel_draws_nothing_and_catches_up(make, qtbot):
    session, panel = make(fake_lane())
    give(session, 0, 20)
    drawn(panel, qtbot, "value")
    panel.hide()
    give(session, 0, 20, 20)
    assert not panel._timer.isActive() and len(chart(panel, "value").curves[0].getData()[0]) == 20
    session._last[0] = fake_step(session.lanes[0])
    panel.show()
    assert len(drawn(panel, qtbot, "value")[0]) == 40


def test_lanes_that_change_and_no_lanes_at_all(make, qtbot):
    session, panel = make(fake_lane(), pins=(0,))
    give(session, 0, 20)
    session.set_lanes(fake_lane(0, None), fake_lane(1, "small", game="Pong"))
    give(session, 0, 5, value=lambda i: np.nan)
    give(session, 1, 5)
    drawn(panel, qtbot, "value")
    session.set_lanes()
    qtbot.waitUntil(lambda: not panel._timer.isActive())
    assert not panel.failed and not panel._charts


def test_stems_and_runs():
    x = np.arange(5.0)
    assert [part.tolist() for part in stems(x, np.array([0, 1, np.nan, -2, 0]))] == [[1, 1, 3, 3], [0, 1, 0, -2]]
    assert [part.tolist() for part in runs(x, np.array([2.0, 2, 1, 1, 1]))] == [[0, 2, 2, 5], [2, 2, 1, 1]]
    assert runs(x[:0], x[:0])[0].size == 0


def test_thinning_keeps_extremes_and_order_and_does_not_shimmer():
    rng = np.random.default_rng(0)
    y = rng.normal(size=10_000)
    y[[1234, 7777]] = 50, -60
    x = np.arange(10_000.0)
    xs, ys = thin(x, y, 600)
    assert len(xs) <= 600 and (np.diff(xs) >= 0).all() and ys.max() == 50 and ys.min() == -60
    assert np.array_equal(y[xs.astype(int)], ys)
    later = set(zip(*thin(x[7:], y[7:], 600)))
    inner = {point for point in zip(xs, ys) if 100 < point[0] < 9900}
    assert inner <= later
    assert thin(x[:500], y[:500], 600)[0].size == 500
    assert np.isnan(thin(x, np.full(10_000, np.nan), 600)[1]).all()


def test_ranges_stand_still_while_they_serve():
    first = fitted(2.0, 8.0, (0.0, 1.0))
    assert first[0] < 2 and first[1] > 8
    assert fitted(3.0, 7.0, first) == first
    assert fitted(4.9, 5.1, first) != first
    assert fitted(np.nan, np.nan, first) == first
    assert fitted(5.0, 5.0, (0.0, 1.0))[0] < 5 < fitted(5.0, 5.0, (0.0, 1.0))[1]


@pytest.mark.parametrize("low,high,count", [
    (0, 1, 2), (-0.1, 1.1, 3), (113.0, 870.0, 4), (-3e-4, 5e-4, 3), (2.0, 2.1, 2)])
def test_ticks_are_few_round_and_inside(low, high, count):
    made = ticks(low, high, count)
    numbers = [number for number, _ in made]
    assert 2 <= len(numbers) <= count + 3 and all(low - 1e-9 <= number <= high + 1e-9 for number in numbers)
    assert all(float(text.replace("−", "-")) == pytest.approx(number, abs=1e-12) for number, text in made)


def test_plots_are_spread_by_the_shape_of_the_panel():
    assert columns_for(5, 1600, 130) == 5 and columns_for(5, 300, 600) == 1 and columns_for(6, 900, 300) in (2, 3)
    assert columns_for(0, 300, 300) == 1


def test_legend_names_only_what_differs():
    assert short_titles(["PPO · Breakout · run 1", "Distill · Breakout · run 1"]) == ["PPO", "Distill"]
    assert short_titles(["A · B", "A · B"]) == ["", ""] and short_titles([]) == []


def test_new_steps_are_seen_on_screen_in_every_plot_also_while_no_axis_moves(make, qtbot):
    session, panel = make(fake_lane(), size=(670, 220))
    viewport = panel.layout_view.viewport()

    class Watch(QtCore.QObject):
        def eventFilter(self, watched, event):
            if event.type() == QtCore.QEvent.Paint:
                painted.append(event.region().boundingRect())
            return False

    watch, painted = Watch(), []
    viewport.installEventFilter(watch)
    for start in range(0, 60, 10):  # far from the end of the window: the view stands still
        give(session, 0, 10, start)
        drawn(panel, qtbot, "value")
        qtbot.wait(20)
        seen, painted = painted, []
    assert any(region.contains(viewport.rect().adjusted(4, 4, -4, -4)) for region in seen)
