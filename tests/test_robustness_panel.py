"""The Robustness panel and the scores it shows: real clicks and keys, steps of a sitting, exact tallies."""

import pytest
from fakes import FakeSession, fake_lane, fake_step, fake_summary
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.play.disturbance import DISTURBANCES, LAYERS
from zoo_gui.score_tally import Scores
from zoo_gui.widgets.robustness import RobustnessPanel
from zoo_gui.widgets.robustness_chart import apart
from zoo_gui.widgets.robustness_rows import SETTLE_MS, Scale

Qt = QtCore.Qt
WHO = ("ppo/Breakout/1", "Breakout")
LEVELS = {0: (), 1: (("sticky", 0.25),), 2: (("latency", 2), ("sticky", 0.25)), 3: (("sticky", 0.5),)}


class RobustSession(FakeSession):
    """What the panel asks of the session, besides."""

    disturbance_changed = QtCore.Signal(int, object)
    speed_changed = QtCore.Signal(object)

    def __init__(self, lanes=()):
        super().__init__(lanes)
        self.disturbances, self.scores = {}, Scores()

    def disturbance_kinds(self):
        return DISTURBANCES

    def parameter_layers(self):
        return LAYERS

    def levels_of(self, number):
        return LEVELS[number]

    def who(self, lane):
        return self.lanes[lane].agent_id, self.lanes[lane].game

    def set_disturbance(self, lane, levels):
        self.calls.append(("set_disturbance", (lane, dict(levels))))
        on = {name: levels[name] for name, about in DISTURBANCES.items() if levels.get(name, about.rest) != about.rest}
        self.disturbances.pop(lane, None)
        if on:
            self.disturbances[lane] = on
        self.disturbance_changed.emit(lane, on)


def steps(numbers, first=0, episode=0, reward=1.0, done=True):
    """An episode's summaries, whose steps had these numbers of disturbances."""
    info = fake_lane()
    found = []
    for place, number in enumerate(numbers):
        step = fake_step(info, index=first + place, episode=episode, reward=reward,
                         episode_return=reward * (first + place))  # fmt: skip
        found.append(fake_summary(step)._replace(disturbance=number, done=done and place == len(numbers) - 1))
    return found


@pytest.fixture
def panel(qtbot):
    made = RobustnessPanel(RobustSession((fake_lane(0), fake_lane(1, "small"))))
    qtbot.addWidget(made)
    made.resize(760, 480)
    made.show()
    return made


def asked(panel, qtbot):
    qtbot.wait(SETTLE_MS + 40)
    found = panel.session.called("set_disturbance")
    panel.session.calls.clear()
    return found


def test_who_was_alone_was_not_chosen(qtbot):
    first = fake_lane(0)
    panel = RobustnessPanel(RobustSession((first,)))
    qtbot.addWidget(panel)
    panel.show()
    assert panel.targets[0].isChecked()
    qtbot.mouseClick(panel.targets[0], Qt.LeftButton)
    panel.session.set_lanes(first, fake_lane(1, "small"))
    assert panel.targets[None].isChecked() and panel._aimed == [0, 1]
    qtbot.mouseClick(panel.targets[1], Qt.LeftButton)
    assert panel._aimed == [1]


# -- sliders --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", DISTURBANCES)
def test_every_level_of_a_sweep_has_its_place_on_the_slider(name):
    about, scale = DISTURBANCES[name], Scale(DISTURBANCES[name])
    places = [scale.place(level) for level in about.levels]
    assert places == sorted(set(places)) and 0 <= places[0] and places[-1] <= 1
    assert [scale.level(place) for place in places] == pytest.approx(about.levels, rel=0.02)
    assert scale.level(scale.place(about.rest)) == about.rest
    assert scale.level(0.0) == about.low and scale.level(1.0) == pytest.approx(about.high)


def test_a_slider_disturbs_all_agents_and_a_number_only_the_one_that_is_aimed_at(panel, qtbot):
    row = panel.rows.rows["sticky"]
    row.slider.setFocus()
    for _ in range(3):
        qtbot.keyClick(row.slider, Qt.Key_PageUp)
    level = row.level
    assert 0.2 < level < 0.5
    assert asked(panel, qtbot) == [(0, {"sticky": level}), (1, {"sticky": level})]
    qtbot.mouseClick(panel.targets[1], Qt.LeftButton)
    spin = panel.rows.rows["latency"].spin
    spin.selectAll()
    qtbot.keyClicks(spin, "3")
    qtbot.keyClick(spin, Qt.Key_Return)
    assert asked(panel, qtbot) == [(1, {"sticky": level, "latency": 3.0})]
    qtbot.mouseClick(panel.targets[None], Qt.LeftButton)
    assert "differently" in panel.said.text()
    qtbot.mouseClick(panel.reset_button, Qt.LeftButton)
    assert asked(panel, qtbot) == [(0, {}), (1, {})] and row.level == 0.0 and not panel.reset_button.isEnabled()


def test_a_dragged_slider_asks_no_more_often_than_the_game_can_follow(panel, qtbot):
    row = panel.rows.rows["observation_noise"]
    qtbot.mouseClick(panel.targets[0], Qt.LeftButton)
    for position in range(1, 120):
        row.slider.setValue(position)
    assert asked(panel, qtbot) == [(0, {"observation_noise": row.level})]


def test_a_click_on_the_groove_goes_there(panel, qtbot):
    slider = panel.rows.rows["brightness"].slider
    qtbot.mouseClick(slider, Qt.LeftButton, pos=QtCore.QPoint(round(0.9 * slider.width()), slider.height() // 2))
    assert 0.6 < panel.rows.rows["brightness"].level < 1.0


def test_noise_on_weights_says_of_which(panel, qtbot):
    panel.rows.layers.setCurrentText("all")
    panel.rows.rows["parameter_noise"].spin.setValue(0.02)
    assert asked(panel, qtbot)[0] == (0, {"parameter_noise": 0.02, "parameter_layers": "all"})
    panel.rows.layers.activated.emit(0)
    panel.rows.layers.setCurrentIndex(0)


def test_levels_that_were_set_elsewhere_are_shown(panel):
    panel.session.set_disturbance(0, {"contrast": 0.5})
    assert panel.rows.rows["contrast"].level == 0.5 and panel.rows.rows["contrast"].spin.text() == "0.5"
    panel.session.set_lanes(fake_lane(0, None))
    panel.rows.choose("contrast")
    assert "no network" in panel.said.text()
    panel.rows.choose("sticky")
    assert "no network" not in panel.said.text()


def test_full_speed_is_one_click(panel, qtbot):
    qtbot.mouseClick(panel.speed_button, Qt.LeftButton)
    assert panel.session.called("set_speed") == [(None,)]


# -- scores ---------------------------------------------------------------------------------------------------------
def test_an_episode_counts_at_the_level_of_all_its_steps():
    scores = Scores()
    scores.note(0, WHO, steps([0] * 5), LEVELS, True)
    scores.note(0, WHO, steps([0, 1, 1, 1], episode=1), LEVELS, True)  # changed while its first step was on screen
    scores.note(0, WHO, steps([1, 1, 1, 3], episode=2), LEVELS, True)  # changed within
    scores.note(0, WHO, steps([2, 2, 2], episode=3), LEVELS, True)
    scores.note(0, WHO, steps([1, 1], episode=4), LEVELS, False)  # a unit was edited
    assert scores.of(WHO, "sticky") == {None: [5.0], 0.25: [4.0]} and scores.of(WHO, "latency") == {None: [5.0]}
    assert scores.of(("ga/Pong/1", "Pong"), "sticky") == {}


def test_steps_that_do_not_follow_are_no_whole_episode():
    scores = Scores()
    scores.note(0, WHO, steps([0] * 3, done=False), LEVELS, True)
    scores.note(0, WHO, steps([0] * 3, first=8), LEVELS, True)  # sought
    scores.note(0, WHO, steps([0] * 2, done=False), LEVELS, True)
    scores.cut()
    scores.note(0, WHO, steps([0] * 2, first=2), LEVELS, True)
    assert scores.episodes == []


def test_points_a_step_count_every_step_at_its_own_level():
    scores = Scores()
    scores.note(0, WHO, steps([0, 0, 1, 1, 1, 3], reward=0.5), LEVELS, True)
    assert scores.pace(WHO, "sticky") == {None: (500.0, 2), 0.25: (500.0, 3), 0.5: (500.0, 1)}


def give(panel, lane, summaries):
    session = panel.session
    session.scores.note(lane, session.who(lane), summaries, LEVELS, True)
    session.history(lane).append(summaries)
    session.stepped.emit(lane, fake_step(session.lanes[lane]), summaries)


def test_means_by_level_are_drawn_written_and_copied(panel, qtbot):
    panel.rows.choose("sticky")
    for episode, count in enumerate((8, 6, 4)):
        give(panel, 0, steps([0] * count, episode=episode))
    give(panel, 0, steps([3] * 2, episode=3))
    give(panel, 1, steps([1] * 5, episode=0))
    panel._redraw()
    first, second = panel._columns()
    assert [(one.level, one.scores, one.words) for one in first.levels] == [
        (0.0, (8.0, 6.0, 4.0), "n 3"), (0.5, (2.0,), "n 1")]  # fmt: skip
    assert first.clean == 6.0 and second.clean is None and [one.level for one in second.levels] == [0.25]
    assert [words for _, words in panel._course(0).changes] == ["0.5"]
    drawn = [item.getData() for item in panel.levels.getPlotItem().listDataItems()]
    assert any(list(ys) == [6.0, 2.0] for _, ys in drawn)
    qtbot.mouseClick(panel.copy_button, Qt.LeftButton)
    lines = QtWidgets.QApplication.clipboard().text().splitlines()
    assert "nature/Breakout/1,Breakout,sticky,0,3,6,18,1000" in lines and len(lines) == 4
    qtbot.mouseClick(panel.forget_button, Qt.LeftButton)
    assert panel._columns()[0].levels == ()


def test_labels_that_would_lie_on_each_other_are_set_apart(panel):
    panel.rows.choose("sticky")
    for lane in (0, 1):
        give(panel, lane, steps([1] * 5))
    panel._redraw()
    *marks, first, second = panel.levels._taken
    assert len(marks) == 2 and not first.intersects(second)
    assert not any(label.intersects(mark) for label in (first, second) for mark in marks)


def test_levels_that_a_slider_passed_are_not_written():
    assert apart([(10, "0.1"), (11, "0.2"), (12, "0.3"), (60, "0.2"), (61, "none")], 5) == [(12, "0.3"), (61, "none")]
    assert apart([], 5) == []
