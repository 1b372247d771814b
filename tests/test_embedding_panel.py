"""The Embedding panel over a session that records what is asked, with a real Embedding of planted states."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from zoo_gui.analysis.embedding_record import METHODS, WHATS, Space, features_of, made
from zoo_gui.analysis.selection import MomentPicture
from zoo_gui.analysis.selection_record import Selection
from zoo_gui.keys import Keys
from zoo_gui.naming import MEANINGS
from zoo_gui.types import Progress, Unit
from zoo_gui.widgets import embedding_ask, embedding_scatter
from zoo_gui.widgets.embedding import HINT, NOBODY, EmbeddingPanel
from zoo_gui.widgets.embedding_colours import COLOURINGS, KINDS, SIGNS, UNKNOWN, cloud, colouring, within
from zoo_gui.widgets.embedding_hover import NO_WAY
from zoo_gui.widgets.embedding_live import features

Qt = QtCore.Qt
COUNT = 60  # moments of each agent
LEFT, RIGHT = MEANINGS.index("LEFT"), MEANINGS.index("RIGHT")


def ram_of(place):
    """A console's memory that only its first byte tells apart."""
    ram = np.zeros(128, np.uint8)
    ram[0] = 4 * place
    return ram


def planted(agents=("one",), spaces=None, what="ram", **changes):
    """Each agent's states on a circle, agent k with radius k + 1, of the RAM of ``ram_of``."""
    count, turn = len(agents), np.linspace(0, 2 * np.pi, COUNT, endpoint=False)
    points = np.concatenate([(k + 1) * np.stack([np.cos(turn), np.sin(turn)], 1) for k in range(count)])
    lanes, own = np.repeat(np.arange(count), COUNT), np.tile(np.arange(COUNT), count)
    states = np.stack([ram_of(place) for place in range(COUNT)]).astype("f4")
    spaces = spaces or (0,) * count
    axis = np.zeros((1, 128), "f4")
    axis[0, 0] = 1
    parts = []
    for space in sorted(set(spaces)):
        rows = np.flatnonzero(np.asarray(spaces)[lanes] == space)
        parts.append(Space(states.mean(0), axis, np.ones(1), ((states - states.mean(0)) @ axis.T)[own[rows]], rows))
    columns = {
        "time": own % 20, "episode": own // 20, "score": own // 10, "action": np.where(own % 3 == 0, LEFT, RIGHT),
        "value": np.where(lanes == 0, own / 10 - 2.0, np.nan), "reward": (own % 10 == 0) * 1.0, "lives": own * 0 + 3,
        "seed": own * 0 - 1,
    }  # fmt: skip
    told = {"lanes": lanes, "agents": tuple(agents), "moments": 100 + own, "columns": columns, "what": what,
            "method": "pca", "settings": {"seeds": [0]}, "parts": tuple(parts), "spaces": spaces}  # fmt: skip
    return made(points, **{**told, **changes})


LANES = tuple(replace(fake_lane(lane), agent_id=f"ppo/Breakout/{lane + 1}", title=f"PPO {lane + 1}") for lane in (0, 1))


@pytest.fixture
def shown(qtbot):
    """(session, panel) with two agents."""
    session = FakeSession(LANES)
    panel = EmbeddingPanel(session)
    put_up(qtbot, panel, (760, 420))
    return session, panel


def click(widget, position=None, modifier=Qt.NoModifier):
    QtTest.QTest.mouseClick(widget, Qt.LeftButton, modifier, position or widget.rect().center())


def choose(combo, text):
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def settle():
    """A toolbar shows and hides what is in it with its next layout."""
    QtWidgets.QApplication.processEvents()


def run(session, panel, *results, finish=True):
    """Press Run; the engine answers with these. What was asked: (analysis, lanes, parameters)."""
    click(panel.bar.start)
    key, *asked = session.called("run_together")[-1]
    for number, result in enumerate(results, 1):
        session.progressed.emit(key, Progress(number, len(results), "laid out", result))
    if finish:
        session.finished.emit(key)
    return asked


def move(scatter, position):
    """The mouse goes there, over the widget."""
    for way in (QtCore.QPoint(1, 1), QtCore.QPoint(0, 0)):
        QtTest.QTest.mouseMove(scatter.viewport(), position + way)
        QtWidgets.QApplication.processEvents()


def drag(scatter, corners, modifier=Qt.ShiftModifier):
    """A drag along these places, in the widget's pixels."""
    view = scatter.viewport()
    QtTest.QTest.mousePress(view, Qt.LeftButton, modifier, corners[0])
    for one, other in zip(corners, corners[1:]):
        for part in np.linspace(0, 1, 4)[1:]:
            place = one + (other - one) * float(part)
            QtTest.QTest.qWait(12)  # pyqtgraph leaves out what comes faster than 100 times a second
            QtWidgets.QApplication.sendEvent(view, QtGui.QMouseEvent(
                QtCore.QEvent.MouseMove, QtCore.QPointF(place), QtCore.QPointF(view.mapToGlobal(place)), Qt.NoButton,
                Qt.LeftButton, modifier))  # fmt: skip
    QtTest.QTest.mouseRelease(view, Qt.LeftButton, modifier, corners[-1])


def around(scatter, points, margin=12):
    """The corners of a box around these points, as a lasso goes."""
    places = [scatter.in_window(point) for point in points]
    left, right = min(p.x() for p in places) - margin, max(p.x() for p in places) + margin
    top, bottom = min(p.y() for p in places) - margin, max(p.y() for p in places) + margin
    return [QtCore.QPoint(*corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]


# -- asking ---------------------------------------------------------------------------------------------------------
def test_what_is_chosen_is_asked(shown):
    session, panel = shown
    assert panel.scatter.hint == HINT and not panel.said.whole
    analysis, lanes, asked = run(session, panel, planted(("one", "two")))
    assert (analysis, lanes) == ("embedding", (0, 1))
    assert asked == {"moments": (2500, 0), "what": "ram", "method": "tsne", "count": 2500}
    choose(panel.bar.source, embedding_ask.SITTING)
    choose(panel.bar.who, "B  PPO 2")
    choose(panel.bar.what, "conv2")
    choose(panel.bar.method, "UMAP")
    settle()
    assert panel.said.whole.startswith("stale: press Run") and not panel.bar.seed.isVisible()
    _, lanes, asked = run(session, panel, planted(("two",)))
    assert lanes == (1,) and asked == {"moments": "session", "what": "conv2", "method": "umap", "count": 2500}
    assert panel.said.whole.startswith("60 states of two") and "stale" not in panel.said.whole


def test_choices_are_those_that_the_analysis_knows(shown):
    assert set(embedding_ask.WHATS.values()) == set(WHATS) and set(embedding_ask.METHODS.values()) == set(METHODS)
    session, panel = shown
    session.set_lanes(LANES[0], fake_lane(1, "small"))
    names = [panel.bar.what.itemText(place) for place in range(panel.bar.what.count())]
    assert names == [*embedding_ask.WHATS, "conv1", "conv2", "fc"]  # of different sizes: each has a map of its own
    session.set_lanes(fake_lane(0, None))
    assert panel.said.whole == NOBODY and not panel.bar.start.isEnabled()


def test_partial_results_are_shown_late_ones_dropped(shown):
    session, panel = shown
    choose(panel.bar.who, "A  PPO 1")
    run(session, panel, planted(preliminary=True), finish=False)
    settle()
    assert panel.scatter.embedding.preliminary and panel.progress.isVisible() and panel.bar.cancel.isVisible()
    key = session.called("run_together")[-1][0]
    panel.scatter.select(np.arange(COUNT) < 5)
    session.progressed.emit(key, Progress(2, 2, "laid out", planted()))
    assert panel.scatter.selected.sum() == 5  # the same moments: what was chosen stays
    click(panel.bar.cancel)
    assert session.called("cancel")[-1] == (key,) and panel.said.whole.startswith("Cancelled. ")
    session.progressed.emit(key, Progress(2, 2, "", planted(("late",))))
    settle()
    assert panel.result.agents == ("one",) and panel.bar.start.isVisible() and not panel.progress.isVisible()


def test_a_failure_is_a_sentence(shown):
    session, panel = shown
    click(panel.bar.start)
    session.failed.emit(session.called("run_together")[-1][0], "12 moments are too few.")
    settle()
    assert panel.said.whole == "12 moments are too few." and panel.bar.start.isVisible()


# -- what is drawn ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", COLOURINGS.values())
def test_every_colouring_has_a_legend_that_says_what_is_drawn(name):
    found = colouring(planted(("one", "two")), name, (0, 1))
    assert len(found.colours) == 2 * COUNT
    if found.kinds:
        assert sum(int(kind.rows.sum()) for kind in found.kinds) == 2 * COUNT
        for kind in found.kinds:
            assert (found.colours[kind.rows] == kind.colour).all()
    else:
        assert found.table is not None and found.low and found.high
    if name == "value":  # the second agent gives none
        assert (found.colours[COUNT:] == UNKNOWN).all() and (found.colours[:COUNT] != UNKNOWN).all()
    if name == "agent":
        assert [kind.sign for kind in found.kinds] == list(SIGNS[:2])


def test_rare_actions_share_one_colour():
    actions = np.repeat(np.arange(12), 5)
    columns = dict(planted().columns, action=actions)
    found = colouring(planted(columns=columns), "action", (0,))
    assert len(found.kinds) == len(KINDS) and found.kinds[-1].text == "6 others" and found.kinds[-1].rows.sum() == 30
    assert len({kind.colour for kind in found.kinds}) == len(KINDS)


def test_points_are_painted_where_they_lie_the_chosen_ones_over_the_others():
    places = np.array([[20.5, 10.5], [21.5, 10.5], [5.5, 5.5], [np.nan, 3]])
    colours = np.array([0xFF0000, 0x00FF00, 0x0000FF, 0xFFFFFF], np.uint32)
    faded = np.array([True, False, True, True])
    picture = cloud(places, colours, np.zeros(4, int), (30, 40), 0, 3.0) & 0xFFFFFF
    assert picture[5, 5] == 0x0000FF and picture.shape == (30, 40) and not (picture == 0xFFFFFF).any()
    picture = cloud(places, colours, np.arange(4), (30, 40), 0, 3.0, faded) & 0xFFFFFF
    assert picture[10, 20] == picture[10, 22] == 0x00FF00
    assert 0 < picture[5, 5] < 0x0000FF


def test_a_lasso_holds_what_lies_inside_by_the_even_odd_rule():
    places = np.array([[1, 1], [5, 5], [9, 1], [np.nan, 0]], float)
    square = np.array([[0, 0], [6, 0], [6, 6], [0, 6]], float)
    assert within(places, square).tolist() == [True, True, False, False]
    notched = np.array([[0, 0], [10, 0], [10, 2], [6, 2], [6, 6], [4, 6], [4, 2], [0, 2]], float)
    assert within(places, notched).tolist() == [True, True, True, False]


def test_all_points_are_in_sight_and_maps_that_are_apart_lie_apart(shown):
    session, panel = shown
    run(session, panel, planted(("one", "two")))
    scatter = panel.scatter
    corner = np.array(scatter.extent)
    assert (scatter.places > 0).all() and (scatter.places < corner).all()
    up = int(scatter.embedding.points[:, 1].argmax())
    assert scatter.places[up, 1] == scatter.places[:, 1].min()
    run(session, panel, planted(("one", "two"), spaces=(0, 1)))
    assert scatter.places[:COUNT, 0].max() < corner[0] / 2 < scatter.places[COUNT:, 0].min()
    panel.grab()
    assert not panel.failed


def test_ten_thousand_points_are_painted_once_and_not_at_every_dot(shown, monkeypatch):
    session, panel = shown
    many = 10_000
    big = planted()
    rows = np.arange(many) % COUNT
    columns = {name: values[rows] for name, values in big.columns.items()}
    run(session, panel, made(np.random.default_rng(0).normal(size=(many, 2)), lanes=np.zeros(many, int),
                             moments=np.arange(many), columns=columns, agents=("one",), what="ram", method="pca",
                             settings={}, parts=big.parts, spaces=(0,)))  # fmt: skip
    made_pictures = []
    monkeypatch.setattr(embedding_scatter, "cloud", lambda *values: made_pictures.append(1) or cloud(*values))
    panel.grab()
    before = len(made_pictures)
    for place in range(3):
        session.give_step(0, fake_step(LANES[0], index=place, ram=ram_of(place)))
        panel._place_dots()
        panel.grab()
    assert len(made_pictures) == before and panel.scatter.dots


# -- one moment -------------------------------------------------------------------------------------------------------
def test_pointing_shows_the_moment_and_a_click_goes_there(shown, qtbot):
    session, panel = shown
    choose(panel.bar.source, embedding_ask.SITTING)
    run(session, panel, planted(("one", "two")))
    point = COUNT + 7
    move(panel.scatter, panel.scatter.in_window(point))
    card = panel.hover.card
    assert card.isVisible() and card.picture is None
    assert card.lines == ("B · right", "game 1, step 7", "score 0")
    qtbot.waitUntil(lambda: bool(session.called("run")), timeout=5000)
    key, analysis, lane, asked = session.called("run")[-1]
    assert (analysis, lane, asked) == ("moment_picture", 1, {"moments": "session", "moment": 107})
    frame = np.full((210, 160, 3), 77, np.uint8)
    session.progressed.emit(key, Progress(1, 1, "", MomentPicture(107, frame)))
    session.finished.emit(key)
    assert card.picture is frame
    click(panel.scatter.viewport(), panel.scatter.in_window(point))
    assert session.called("seek") == [(1, 107, "session")]
    move(panel.scatter, QtCore.QPoint(2, 2))
    assert not card.isVisible()
    move(panel.scatter, panel.scatter.in_window(point))
    assert card.picture is frame and len(session.called("run")) == 1  # it is known


def test_a_late_picture_is_of_another_moment_and_not_shown(shown, qtbot):
    session, panel = shown
    run(session, panel, planted(("one", "two")))
    move(panel.scatter, panel.scatter.in_window(3))
    qtbot.waitUntil(lambda: bool(session.called("run")), timeout=5000)
    key = session.called("run")[-1][0]
    move(panel.scatter, panel.scatter.in_window(33))
    session.progressed.emit(key, Progress(1, 1, "", MomentPicture(103, np.zeros((210, 160, 3), np.uint8))))
    assert panel.hover.card.picture is None and panel.hover.card.lines[1] == "game 2, step 13"
    qtbot.waitUntil(lambda: len(session.called("run")) > 1, timeout=5000)
    session.failed.emit(session.called("run")[-1][0], "This moment is no longer kept.")
    assert panel.hover.card.waiting == "This moment is no longer kept."


def test_the_keys_go_through_time_and_to_neighbours(shown):
    session, panel = shown
    run(session, panel, planted(("one", "two")))
    scatter = panel.scatter
    scatter.setFocus()
    for key in (Qt.Key_Home, Qt.Key_Right, Qt.Key_Right, Qt.Key_Left):
        QtTest.QTest.keyClick(scatter, key)
    assert scatter.marked == 1 and panel.hover.card.isVisible()
    height = scatter.places[scatter.marked, 1]
    QtTest.QTest.keyClick(scatter, Qt.Key_Up)
    assert scatter.places[scatter.marked, 1] < height
    QtTest.QTest.keyClick(scatter, Qt.Key_Return)
    assert session.called("seek")[-1][1:] == (100 + scatter.marked % COUNT, (2500, 0))
    QtTest.QTest.keyClick(scatter, Qt.Key_Home)
    for _ in range(3):
        QtTest.QTest.keyClick(scatter, Qt.Key_Right, Qt.ShiftModifier)
    assert np.flatnonzero(scatter.selected).tolist() == list(range(scatter.marked - 3, scatter.marked + 1))
    QtTest.QTest.keyClick(scatter, Qt.Key_Escape)
    assert scatter.selected is None


def test_the_window_leaves_the_scatter_its_keys(shown, qtbot):
    session, panel = shown
    called = []
    keys = Keys(panel, list, called.append, lambda pressed: None)
    run(session, panel, planted())
    panel.activateWindow()
    panel.scatter.setFocus()
    qtbot.waitUntil(lambda: QtWidgets.QApplication.focusWidget() is panel.scatter, timeout=5000)
    QtTest.QTest.keyClick(panel.scatter, Qt.Key_Right)
    QtTest.QTest.keyClick(panel.scatter, Qt.Key_Right)
    assert not called and panel.scatter.marked == 1
    QtTest.QTest.keyClick(panel.scatter, Qt.Key_Escape)  # nothing is chosen: it means what it means elsewhere
    QtTest.QTest.keyClick(panel.scatter, Qt.Key_R)
    assert called == ["escape", "restart"]
    QtWidgets.QApplication.instance().removeEventFilter(keys)


# -- many moments -----------------------------------------------------------------------------------------------------
def a_selection(layers=LANES[0].layers, inside=9, outside=51):
    rng = np.random.default_rng(0)
    means = {info.name: rng.uniform(0, 1, info.units) for info in layers}
    return Selection(
        "PPO 1", inside, outside, 0, 2, 3, rng.uniform(0, 1, (84, 84, 4)).astype("f4"),
        rng.uniform(0, 1, (84, 84, 4)).astype("f4"), (inside, outside), 1, LANES[0].action_names,
        np.array([0, 0, inside, 0]), np.array([1, 0, 0, outside - 1]), {"value": (1.0, 2.0), "reward": (0.0, 0.1),
        "episode_return": (3.0, 4.0)}, tuple(means), {name: rng.normal(size=len(part)) for name, part in means.items()},
        means, means,
    )  # fmt: skip


def summarised(session, qtbot, count):
    """Wait for the questions about a selection; {lane: (key, parameters)}."""
    def asked():
        return [call for call in session.called("run") if call[1] == "selection_summary"]
    qtbot.waitUntil(lambda: len(asked()) >= count, timeout=5000)
    return {lane: (key, parameters) for key, _, lane, parameters in asked()[-count:]}


def test_a_lasso_chooses_moments_and_says_what_they_have_in_common(shown, qtbot):
    session, panel = shown
    run(session, panel, planted(("one", "two")))
    scatter = panel.scatter
    inner = [point for point in range(COUNT) if scatter.embedding.points[point, 0] > 0.9]
    drag(scatter, around(scatter, inner, 6))
    chosen = np.flatnonzero(scatter.selected)
    assert set(inner) <= set(chosen) and len(chosen) < COUNT and not session.called("seek")
    asked = summarised(session, qtbot, len(np.unique(scatter.embedding.lanes[chosen])))
    key, parameters = asked[0]
    assert sorted(parameters["inside"]) == sorted(100 + chosen[chosen < COUNT]) and parameters["moments"] == (2500, 0)
    assert len(parameters["inside"]) + len(parameters["outside"]) == COUNT
    section = panel.side.sections[0]
    session.progressed.emit(key, Progress(1, 4, "looking at the others"))
    assert section.said.text() == "looking at the others"
    result = a_selection()
    session.progressed.emit(key, Progress(4, 4, "", result))
    session.finished.emit(key)
    assert section.said.text() == result.sentence and len(section.strip.tiles) == 3
    assert [row[0] for row in section.actions.rows] == ["no-op", "right", "left"] and section.actions.rows[1][1] == 1.0
    best = result.strongest(1, "conv2")[0]
    wanted = next(made for made in section.findChildren(QtWidgets.QPushButton)
                  if made.accessibleName() == f"Select {best.unit}")  # fmt: skip
    click(wanted)
    assert session.selected == (0, Unit(*best.unit))
    panel.grab()
    click(panel.clear)
    assert scatter.selected is None and not panel.side.isVisible() and not panel.failed


def test_the_button_makes_every_drag_a_lasso_and_ctrl_adds(shown, qtbot):
    session, panel = shown
    choose(panel.bar.who, "A  PPO 1")
    run(session, panel, planted())
    scatter = panel.scatter
    drag(scatter, around(scatter, [0, 1]), Qt.NoModifier)
    assert scatter.selected is None
    click(panel.whole)
    click(panel.lasso)
    drag(scatter, around(scatter, [0, 1]), Qt.NoModifier)
    few = scatter.selected.copy()
    assert few[[0, 1]].all()
    panel._on_lasso(np.arange(COUNT) == 30, True)
    assert scatter.selected.sum() == few.sum() + 1
    panel._on_lasso(np.zeros(COUNT, bool), False)
    assert scatter.selected is None


def test_a_kind_in_the_legend_chooses_its_moments_and_earlier_answers_are_dropped(shown, qtbot):
    session, panel = shown
    choose(panel.bar.who, "A  PPO 1")
    run(session, panel, planted())
    choose(panel.colour, "action")
    box, kind = panel.legend._boxes[1]
    click(panel.legend, box.center().toPoint())
    assert (panel.scatter.selected == kind.rows).all() and kind.rows.sum() == 20
    old = summarised(session, qtbot, 1)[0][0]
    click(panel.legend, panel.legend._boxes[0][0].center().toPoint())
    session.progressed.emit(old, Progress(1, 1, "", a_selection()))
    assert panel.side.sections[0].result is None and panel.scatter.selected.sum() == 40


# -- the running games ------------------------------------------------------------------------------------------------
def test_a_steps_state_is_what_the_map_is_made_of():
    step = fake_step(LANES[0], seed=3)
    for what in (*WHATS, "conv1", "fc"):
        wanted = features_of(what, ram=step.ram, observation=step.observation, activations=step.decision.activations)
        np.testing.assert_array_equal(features(what, step), wanted)
    assert features("conv9", step) is None


def test_the_running_games_move_as_dots(shown, qtbot):
    session, panel = shown
    run(session, panel, planted(("one", "two")))
    for place in range(4):
        for lane in (0, 1):
            session.give_step(lane, fake_step(LANES[lane], index=place, ram=ram_of(10 + place)))
        qtbot.waitUntil(lambda: not panel._dot_soon.isActive(), timeout=5000)
    dots = {dot.lane: dot for dot in panel.scatter.dots}
    assert set(dots) == {0, 1} and len(dots[0].trail) > 1 and dots[0].sure
    np.testing.assert_allclose(dots[1].trail[-1], panel.result.place(ram_of(13)[None].astype("f4"), 1)[0], atol=1e-5)
    assert panel.dots_said.text() == ""
    session.give_step(0, fake_step(LANES[0], index=2, ram=ram_of(20)))  # it went back: no line joins that
    qtbot.waitUntil(lambda: not panel._dot_soon.isActive(), timeout=5000)
    trail = next(dot.trail for dot in panel.scatter.dots if dot.lane == 0)
    assert np.isnan(trail[-2]).all() and not np.isnan(trail[-1]).any()
    panel.grab()


def test_a_state_unlike_all_others_has_a_dashed_dot(shown, qtbot):
    session, panel = shown
    run(session, panel, planted(("one", "two")))
    strange = ram_of(0) + np.uint8(0)
    strange[0] = 255
    for index, ram in enumerate([ram_of(3), *[strange] * 2]):
        session.give_step(0, fake_step(LANES[0], index=index, ram=ram))
        qtbot.waitUntil(lambda: not panel._dot_soon.isActive(), timeout=5000)
    (dot,) = panel.scatter.dots
    assert not dot.sure and panel.dots_said.text() == "A dashed: unlike any state here"
    panel.grab()


def test_it_is_said_why_there_is_no_dot(shown, qtbot):
    session, panel = shown
    choose(panel.bar.who, "A  PPO 1")
    run(session, panel, planted(what="conv1", parts=(Space(np.zeros(12800), np.eye(1, 12800, dtype="f4"), np.ones(1),
                                                           np.arange(COUNT, dtype="f4")[:, None], np.arange(COUNT)),)))
    step = fake_step(LANES[0])
    session.give_step(0, replace(step, decision=replace(step.decision, activations={})))
    qtbot.waitUntil(lambda: not panel._dot_soon.isActive(), timeout=5000)
    assert panel.dots_said.text() == "no dot for B: it was not embedded; no dot for A: its steps have no conv1 now"
    assert not panel.scatter.dots
    session.give_step(0, step)
    qtbot.waitUntil(lambda: not panel._dot_soon.isActive(), timeout=5000)
    assert [dot.lane for dot in panel.scatter.dots] == [0]


# -- agents that go ---------------------------------------------------------------------------------------------------
def test_an_agent_that_is_gone_is_said_to_be_and_not_gone_to(shown, qtbot):
    session, panel = shown
    heard = []
    session.message.connect(lambda level, text: heard.append(text))
    run(session, panel, planted(("one", "two")))
    panel._choose(panel.result.columns["reward"] > 0)
    choose(panel.colour, "agent")
    assert panel.legend.words == "A 60, B 60"
    session.set_lanes(replace(LANES[1], lane=0))  # A was removed
    assert panel.legend.words == "gone 60, A 60" and list(panel.side.sections) == [1]
    assert panel.side.sections[1].info.lane == 0
    assert panel.said.whole.startswith("stale: one is not here any more")
    panel._go(5)
    assert heard == [NO_WAY] and not session.called("seek")
    panel._go(COUNT + 5)
    assert session.called("seek") == [(0, 105, (2500, 0))]
    settle()
    move(panel.scatter, panel.scatter.in_window(5))
    assert panel.hover.card.waiting == NO_WAY
    session.set_lanes(fake_lane(0, game="Pong"))
    assert panel.scatter.stale and "one and two are not here" in panel.said.whole
    panel.grab()


def test_a_map_that_is_being_made_of_an_agent_that_goes_is_given_up(shown):
    session, panel = shown
    click(panel.bar.start)
    key = session.called("run_together")[-1][0]
    session.set_lanes(LANES[0])
    assert session.called("cancel") == [(key,)] and "changed meanwhile" in panel.said.whole
    session.progressed.emit(key, Progress(1, 1, "", planted(("one", "two"))))
    assert panel.result is None


# -- saving -----------------------------------------------------------------------------------------------------------
def test_what_is_shown_is_saved_and_not_made_again(shown, qtbot, monkeypatch, tmp_path):
    session, panel = shown
    choose(panel.bar.who, "A  PPO 1")
    run(session, panel, planted())
    choose(panel.colour, "action")
    monkeypatch.setattr("zoo_gui.widgets.saving.ask_path", lambda *_: str(tmp_path / "map.png"))
    click(panel.legend, panel.legend._boxes[0][0].center().toPoint())
    key, _ = summarised(session, qtbot, 1)[0]
    session.progressed.emit(key, Progress(1, 1, "", a_selection()))
    panel._fill_menu()
    assert [action.text() for action in panel.menu.actions()] == ["the embedding …", "the chosen moments of A …"]
    panel.menu.actions()[0].trigger()
    _, analysis, lane, parameters = session.called("run")[-1]
    assert (analysis, lane) == ("write", None) and parameters["result"].colours == ("action",)
    np.testing.assert_array_equal(parameters["result"].points, panel.result.points)
    panel.menu.actions()[1].trigger()
    assert session.called("run")[-1][3]["result"].title == "PPO 1"


def test_a_result_is_written_by_the_engine(tmp_path):
    from zoo_gui.engine.tasks import TASKS
    path = tmp_path / "map.csv"
    records = list(TASKS["write"](result=planted(), save_to=str(path)))
    assert len(path.read_text().splitlines()) == COUNT + 2 and "saved" in records[-1].label
