"""The Search panel: real clicks, results of the shapes that the analyses give, and what it says when there are none."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSession, fake_lane
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.analysis.probes import Probe, Probes
from zoo_gui.analysis.redundancy import Predicted, Redundancy
from zoo_gui.analysis.search import FoundUnit, UnitSearch
from zoo_gui.types import Progress, Unit
from zoo_gui.widgets.search import SearchPanel

Qt = QtCore.Qt


@pytest.fixture
def session(qapp):
    return FakeSession((fake_lane(),))


@pytest.fixture
def panel(session, qtbot):
    made = SearchPanel(session)
    qtbot.addWidget(made)
    made.resize(760, 420)
    made.show()
    return made


def _found(count=40):
    rng = np.random.default_rng(0)
    rows = tuple(
        FoundUnit(Unit("conv2" if i % 2 else "fc", i), 0.5, 0.9 - i * 0.02, 0.9, 1.0, 0.005 if i < 10 else 0.4, 0.1, 1,
                  int(rng.integers(-2, 3)), 2.0 * i, 1.0) for i in range(count)
    )  # fmt: skip
    return UnitSearch("reward", "In 12 of 2,500 moments a reward comes.", 2500, 12, rows, (30, 90, 400))


def _answer(panel, session, tab, result):
    session.progressed.emit(tab.job.key, Progress(1, 1, "", result))
    session.finished.emit(tab.job.key)


def _click(qtbot, button):
    qtbot.mouseClick(button, Qt.LeftButton)


def _searched(panel, session, qtbot):
    _click(qtbot, panel.search.start_button)
    _answer(panel, session, panel.search, _found())
    return panel.search


def _click_row(qtbot, table, row, double=False):
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.LeftButton, pos=place)
    if double:
        qtbot.mouseDClick(table.viewport(), Qt.LeftButton, pos=place)


def test_a_search_is_run_cancelled_and_shown(panel, session, qtbot):
    tab = panel.search
    assert tab.start_button.isEnabled() and not tab.cancel_button.isEnabled() and not tab.save_button.isEnabled()
    _click(qtbot, tab.start_button)
    key, analysis, lane, parameters = _ran(session)
    assert (analysis, lane, parameters) == ("unit_search", 0, {"event": "reward", "moments": (2500, 0)})
    assert tab.cancel_button.isEnabled() and tab.bar.isVisible()
    session.progressed.emit(key, Progress(100, 2500, "playing: 100 of 2,500 steps"))
    assert "playing" in tab.said.text() and tab.bar.value() == 100
    _click(qtbot, tab.cancel_button)
    assert session.called("cancel") == [(key,)] and tab.said.text().startswith("Cancelled")
    session.progressed.emit(key, Progress(1, 1, "", _found()))
    assert tab.table.model().rowCount() == 0  # a late answer
    _searched(panel, session, qtbot)
    assert tab.table.model().rowCount() == 40 and tab.said.text() == "In 12 of 2,500 moments a reward comes."
    assert tab.save_button.isEnabled() and not tab.bar.isVisible()


def _ran(session):
    (args, parameters) = session.called("run")[-1][:-1], session.called("run")[-1][-1]
    return (*args, parameters)


def test_a_click_selects_enter_selects_and_a_double_click_pins(panel, session, qtbot):
    table = _searched(panel, session, qtbot).table
    _click_row(qtbot, table, 2)
    assert session.called("select")[-1] == (0, Unit("fc", 2))
    qtbot.keyClick(table, Qt.Key_Down)
    qtbot.keyClick(table, Qt.Key_Return)
    assert session.called("select")[-1] == (0, Unit("conv2", 3))
    _click_row(qtbot, table, 1, double=True)
    assert session.called("pin") == [(0, Unit("conv2", 1))]
    session.select(0, Unit("fc", 4))
    assert table.currentIndex().row() == 4


def test_what_was_found_goes_with_its_agent_and_not_to_another(session, panel, qtbot):
    one, other = fake_lane(0), fake_lane(1, "small")
    session.set_lanes(one, other)
    panel.agent.setCurrentIndex(1)
    panel.agent.activated.emit(1)
    tab = _searched(panel, session, qtbot)
    _click(qtbot, tab.start_button)
    key = session.called("run")[-1][0]
    session.set_lanes(replace(other, lane=0))  # the first was removed while the second's units are searched
    assert panel.info.lane == 0 and tab.job.owns(key) and tab.table.model().rowCount() == 40
    session.progressed.emit(key, Progress(1, 1, "", _found(30)))
    session.finished.emit(key)
    assert tab.table.model().rowCount() == 30
    _click_row(qtbot, tab.table, 0)
    assert session.called("select")[-1][0] == 0
    _click(qtbot, tab.start_button)
    late = session.called("run")[-1][0]
    session.set_lanes(one)  # another agent takes the lane
    session.progressed.emit(late, Progress(1, 1, "", _found()))
    assert panel.info == one and tab.result is None and not tab.job.running and tab.start_button.isEnabled()


def test_columns_sort_and_layers_filter(panel, session, qtbot):
    tab = _searched(panel, session, qtbot)
    header = tab.table.horizontalHeader()
    column = 7  # Fires at
    place = QtCore.QPoint(header.sectionViewportPosition(column) + 10, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.LeftButton, pos=place)
    qtbot.mouseClick(header.viewport(), Qt.LeftButton, pos=place)
    firsts = [tab.table.model().rows[i].at_event for i in (0, 1, 39)]
    assert firsts == sorted(firsts, reverse=header.sortIndicatorOrder() == Qt.DescendingOrder)
    tab.layer.setCurrentText("fc")
    tab.layer.activated.emit(tab.layer.currentIndex())
    assert {row.unit.layer for row in tab.table.model().rows} == {"fc"} and tab.table.model().rowCount() == 20


def test_another_choice_makes_the_answer_stale_and_the_fields_follow_the_event(panel, session, qtbot):
    tab = _searched(panel, session, qtbot)
    event = tab.event
    assert not any(field.isVisible() for field in event.fields.values())
    event.choose("RAM byte … is …")
    assert event.byte.isVisible() and event.value.isVisible() and not event.action.isVisible()
    event.byte.setValue(49)
    event.value.setValue(3)
    assert event.text == "ram:49=3" and tab.said.text().startswith("stale") and tab.table.model().stale
    event.choose("a reward comes")
    assert not tab.table.model().stale and not tab.said.text().startswith("stale")
    event.choose("the action is …")
    event.action.setCurrentText("LEFT")
    assert event.text == "action:LEFT"
    panel.moments.setCurrentText("this sitting")
    _click(qtbot, tab.start_button)
    assert _ran(session)[-1] == {"event": "action:LEFT", "moments": "session"}


def test_a_region_is_typed_or_dragged_over_the_game(panel, session, qtbot):
    tab = panel.search
    tab.event.choose("a region changes")
    _click(qtbot, tab.start_button)
    assert not session.called("run") and "top, left" in tab.said.text()
    session.region_changed.emit((0, (0, 0, 42, 84)))
    assert tab.event.text == "region:0,0,105,160"
    tab.event.region.setText("5, 30, 20, 60")
    assert tab.event.text == "region:5,30,20,60"


def test_examples_are_shown_in_the_game(panel, session, qtbot):
    tab = panel.search
    assert not tab.later.isEnabled()
    _searched(panel, session, qtbot)
    for wanted in (30, 90, 400, 30):
        _click(qtbot, tab.later)
        assert session.called("seek")[-1] == (0, wanted, (2500, 0))
    _click(qtbot, tab.earlier)
    assert session.called("seek")[-1][1] == 400 and tab.example.text() == "example 3 of 3"


def test_a_failure_is_said_in_words_and_another_agent_takes_the_answer_away(panel, session, qtbot):
    tab = _searched(panel, session, qtbot)
    _click(qtbot, tab.start_button)
    session.failed.emit(tab.job.key, "In these 2,500 moments it never happens that a reward comes.")
    assert "never happens" in tab.said.text() and tab.table.model().rowCount() == 0 and tab.start_button.isEnabled()
    _searched(panel, session, qtbot)
    session.set_lanes(replace(fake_lane(), player="human"))
    assert tab.table.model().rowCount() == 40  # the same agent, whoever plays
    session.set_lanes(replace(fake_lane(), agent_id="another"))
    assert tab.table.model().rowCount() == 0 and tab.said.text() == tab.hint
    session.set_lanes(fake_lane(network=None))
    assert "no network" in tab.said.text() and not tab.start_button.isEnabled()


def test_a_search_goes_on_out_of_sight(panel, session, qtbot):
    _click(qtbot, panel.search.start_button)
    panel.hide()
    _answer(panel, session, panel.search, _found())
    panel.show()
    assert panel.search.table.model().rowCount() == 40


def test_saving_asks_where_and_runs_the_same_question(panel, session, qtbot, monkeypatch, tmp_path):
    tab = _searched(panel, session, qtbot)
    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "x.csv"), ""))
    _click(qtbot, tab.save_button)
    parameters = _ran(session)[-1]
    assert parameters == {"event": "reward", "moments": (2500, 0), "save_to": str(tmp_path / "x.csv")}


def test_dead_and_duplicate_units(panel, session, qtbot):
    tab = panel.redundancy
    panel.tabs.setCurrentWidget(tab)
    _click(qtbot, tab.start_button)
    group = (Unit("fc", 1), Unit("fc", 2))
    result = Redundancy((Unit("fc", 9),), (), (group,), (Predicted(Unit("conv1", 3), 0.97),), (), {"fc": 12}, 2500,
                        "Of 12 units …")  # fmt: skip
    _answer(panel, session, tab, result)
    model = tab.table.model()
    texts = [[model.index(row, column).data() for column in range(4)] for row in range(model.rowCount())]
    assert texts == [["fc:9", "dead", "–", "–"], ["fc:1", "duplicate", "–", "fc:2"], ["fc:2", "duplicate", "–", "fc:1"],
                     ["conv1:3", "redundant", "0.970", "–"]]  # fmt: skip
    _click_row(qtbot, tab.table, 3)
    assert session.called("select")[-1] == (0, Unit("conv1", 3))


def test_probes(panel, session, qtbot):
    tab = panel.probes
    panel.tabs.setCurrentWidget(tab)
    tab.bytes.setText("49, x")
    _click(qtbot, tab.start_button)
    assert not session.called("run") and "numbers from 0 to 127" in tab.said.text()
    tab.bytes.setText("49, 50")
    _click(qtbot, tab.start_button)
    assert _ran(session)[-1] == {"bytes": (49, 50), "moments": (2500, 0)}
    rows = tuple(Probe(layer, byte, r2, 0.01, p, 0.9) for layer, byte, r2, p in
                 (("observation", 49, 0.9, 0.01), ("observation", 50, -0.3, 1.0), ("fc", 49, 0.05, 0.4),
                  ("fc", 50, 1.0, 0.02)))  # fmt: skip
    features = {"observation": "1,764 numbers", "fc": "12 units"}
    _answer(panel, session, tab, Probes(rows, ("observation", "fc"), (49, 50), features, "2 RAM bytes", 1000))
    model = tab.table.model()
    assert [[model.index(r, c).data() for c in (0, 1)] for r in (0, 1)] == [[".90", "(<0)"], ["(.05)", "1.00"]]
    assert "byte 49" in model.index(0, 0).data(Qt.ToolTipRole)


def test_it_is_drawn(panel, session, qtbot):
    _searched(panel, session, qtbot)
    picture = panel.grab().toImage()
    assert picture.width() > 100 and not panel.failed
