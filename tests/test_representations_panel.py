"""The Representations panel over a session that records what is asked, with records of real analyses of tiny agents;
and what of them the rest of the window shows: counterparts in the activations and in the inspector."""

from dataclasses import dataclass, replace

import compared
import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step, put_up
from pyqtgraph.Qt import QtCore, QtTest

from zoo_gui.agents.entry import Entry
from zoo_gui.analysis.matching import matching
from zoo_gui.analysis.similarity import similarity
from zoo_gui.analysis.stages_record import Stages
from zoo_gui.types import Progress, Unit
from zoo_gui.widgets.activations import ActivationsPanel
from zoo_gui.widgets.inspector_counterparts import CounterpartLine
from zoo_gui.widgets.layer import LayerPanel
from zoo_gui.widgets.representations import ROLLOUT, SITTING, RepresentationsPanel
from zoo_gui.widgets.representations_map import Grid, HeatMap

Qt = QtCore.Qt


class Library(QtCore.QObject):
    entries_read = QtCore.Signal(object)
    reads = 0

    def read(self):
        self.reads += 1


class Session(FakeSession):
    def __init__(self, lanes=()):
        super().__init__(lanes)
        self.library = Library(self)


@dataclass
class Pair:
    """Two agents, the second the first with its channels in another order, and what the analyses say of them."""

    lanes: tuple
    order: np.ndarray
    similar: list
    matched: list


@pytest.fixture(scope="module")
def pair():
    agent = compared.agent()
    other, order = compared.permuted(agent)
    seen = compared.moments(agent, 60)
    lanes = tuple(
        replace(fake_lane(lane, layers=agent.layers, observation=agent.observation_shape), agent_id=name, title=name)
        for lane, name in enumerate(("ppo/Breakout/1", "a2c/Breakout/1"))
    )
    records = [list(make((agent, other), moments=(seen, seen))) for make in (similarity, matching)]
    return Pair(lanes, order, *records)


@pytest.fixture
def shown(qtbot, pair):
    """(session, panel) with the pair's lanes."""
    session = Session(pair.lanes)
    panel = RepresentationsPanel(session)
    put_up(qtbot, panel, (560, 420))
    return session, panel


def click(widget, position=None):
    QtTest.QTest.mouseClick(widget, Qt.LeftButton, Qt.NoModifier, position or widget.rect().center())


def ask(session, tab, records, name="run_together"):
    """Press the tab's button; the engine answers with these."""
    click(tab.start_button)
    key, analysis, lane, asked = session.called(name)[-1]
    for progress in records:
        session.progressed.emit(key, progress)
    session.finished.emit(key)
    return analysis, lane, asked


def choose(combo, text):
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def test_the_map_fills_as_layers_become_known(shown, pair):
    session, panel = shown
    tab = panel.layers
    click(tab.start_button)
    key, analysis, lanes, asked = session.called("run_together")[-1]
    assert (analysis, lanes, asked) == ("similarity", (0, 1), {"moments": (2000, 0), "method": "cka"})
    assert tab.bar.isVisible() and tab.cancel_button.isEnabled() and not tab.start_button.isEnabled()
    partial = [progress for progress in pair.similar if progress.result is not None][0]
    session.progressed.emit(key, partial)
    unknown = np.isnan(partial.result.p_value)
    assert unknown.any() and not unknown.all()
    for row, column in np.argwhere(unknown):
        assert tab.map.grid.text(row, column) == "" and "not known yet" in tab.map.grid.describe(row, column)
    session.progressed.emit(key, pair.similar[-1])
    session.finished.emit(key)
    grid = tab.map.grid
    assert grid.rows == grid.columns == tuple(layer.name for layer in pair.lanes[0].layers)
    for place in range(len(grid.rows)):
        assert grid.text(place, place) == "1.00" and "p 0.0" in grid.describe(place, place)
    assert f"at {pair.similar[-1].result.n} moments" in tab.said.text() and not tab.bar.isVisible()
    assert grid.row_title.startswith("A ") and grid.column_title.startswith("B ") and tab.save_button.isEnabled()


def test_cells_say_when_chance_does_as_well_and_when_nothing_can_be_said():
    numbers = np.array([[0.9, 0.2], [np.nan, np.nan]])
    grid = Grid(("a", "b"), ("c", "d"), numbers, numbers / 2, numbers, np.array([[0.01, 0.4], [1.0, np.nan]]),
                measure="linear CKA")  # fmt: skip
    assert [grid.text(row, column) for row in (0, 1) for column in (0, 1)] == ["0.90", "(0.20)", "–", ""]
    assert "no more than chance" in grid.describe(0, 1) and "by chance 0.10" in grid.describe(0, 1)
    assert "never varies" in grid.describe(1, 0) and "no more" not in grid.describe(0, 0)


@pytest.mark.parametrize("size", [(560, 420), (240, 160)])
def test_a_map_of_many_layers_is_painted_and_hit_at_any_size(qtbot, size):
    count, chosen = 14, []
    table = np.linspace(0, 1, count * count).reshape(count, count)
    table[3, 4] = np.nan
    found = HeatMap()
    qtbot.addWidget(found)
    found.resize(*size)
    names = tuple(f"layer_with_a_long_name_{place}" for place in range(count))
    found.show_grid(Grid(tuple(name[-6:] for name in names), names, table, table, table, np.zeros_like(table)))
    found.chosen.connect(lambda *cell: chosen.append(cell))
    found.grab()
    for cell in ((0, 0), (13, 2), (13, 13)):
        box = found.cell_box(*cell)
        assert found.rect().contains(box.toAlignedRect().adjusted(1, 1, -1, -1))
        click(found, box.center().toPoint())
        assert chosen[-1] == cell
    for key in (Qt.Key_Left, Qt.Key_Up, Qt.Key_Down, Qt.Key_Down, Qt.Key_Return):
        QtTest.QTest.keyClick(found, key)
    assert chosen[-1] == (13, 12)
    bright, dark = (found.grab().toImage().pixelColor(found.cell_box(*cell).topLeft().toPoint() + QtCore.QPoint(2, 2))
                    for cell in ((13, 13), (0, 0)))  # fmt: skip
    assert bright.lightness() > dark.lightness()


def test_a_cell_chooses_layers_to_match_and_selects_the_first(shown, pair):
    session, panel = shown
    ask(session, panel.layers, pair.similar)
    panel.layers.map.chosen.emit(1, 0)
    first, second = (layer.name for layer in pair.lanes[0].layers[:2])
    assert session.selected == (0, Unit(second, 0)) and panel.layers.map.marked == (1, 0)
    assert panel.units.parameters() == {"layer": second, "other_layer": first}
    choose(panel.units.layers[0], "all layers")
    assert panel.units.parameters() == {"layer": "", "other_layer": ""} and not panel.units.layers[1].isEnabled()


def test_matches_are_listed_and_known_in_the_whole_window(shown, pair):
    session, panel = shown
    panel.tabs.setCurrentWidget(panel.units)
    tab = panel.units
    changed = []
    session.counterparts_changed.connect(lambda: changed.append(1))
    analysis, lanes, asked = ask(session, tab, pair.matched)
    assert (analysis, lanes) == ("matching", (0, 1)) and asked["layer"] == ""
    model = tab.table.model()
    assert len(model.rows) == sum(layer.units for layer in pair.lanes[0].layers) and changed
    layer = pair.lanes[0].layers[0].name
    known = pair.matched[-1].result
    for place, original in enumerate(pair.order):
        found = session.counterparts_of(0, Unit(layer, int(original)))
        if found:
            assert found[0].lane == 1 and found[0].unit == Unit(layer, place) and found[0].r == pytest.approx(1)
            assert session.counterparts_of(1, Unit(layer, place))[0].unit == Unit(layer, int(original))
    rows = {row.unit: row for row in model.rows}
    left = known.pairings[0].sides[0].left_out
    assert any(row.best is not None and row.r > 0.99 for row in model.rows)
    assert all((rows[Unit(layer, index)].best is None) == out for index, out in enumerate(left))
    tab.table.chosen.emit(Unit(layer, 0))
    assert session.selected == (0, Unit(layer, 0))
    choose(tab.side, tab.side.itemText(1))
    tab.table.chosen.emit(Unit(layer, 1))
    assert session.selected == (1, Unit(layer, 1))
    tab.table.pinned.emit(Unit(layer, int(np.flatnonzero(~known.pairings[0].sides[1].left_out)[0])))
    assert session.selected[0] == 0


def test_sorting_puts_what_is_unknown_last(shown, pair):
    session, panel = shown
    ask(session, panel.units, pair.matched)
    model = panel.units.table.model()
    for column, order in ((2, Qt.DescendingOrder), (2, Qt.AscendingOrder), (1, Qt.AscendingOrder)):
        model.sort(column, order)
        values = [model.columns[column].value(row) for row in model.rows]
        known = [value for value in values if value is not None and value == value]
        assert known == sorted(known, reverse=order == Qt.DescendingOrder)
        assert all(value is None or value != value for value in values[len(known):])


def test_what_is_chosen_anew_or_gone_makes_what_is_shown_stale(shown, pair):
    session, panel = shown
    tab = panel.layers
    ask(session, tab, pair.similar)
    assert "stale" not in tab.said.text()
    choose(tab.method, "SVCCA")
    assert tab.said.text().startswith("stale: press Compare")
    choose(tab.method, "CKA")
    choose(panel.source, SITTING)
    assert "stale" in tab.said.text() and not panel.steps.isVisible()
    choose(panel.source, ROLLOUT)
    assert "stale" not in tab.said.text()
    one, other = pair.lanes
    session.set_lanes(replace(one, input="watches"), replace(other, input="drives"))
    assert "stale" not in tab.said.text()  # who drives does not matter
    session.set_lanes(one, replace(other, agent_id="ppo/Breakout/2"))
    assert "replaced since" in tab.said.text() and not tab.save_button.isEnabled()
    session.set_lanes(one, other)  # of the same name; it may be another all the same
    assert "replaced since" in tab.said.text()
    ask(session, tab, pair.similar)
    assert "stale" not in tab.said.text()


def test_an_answer_about_an_agent_that_left_is_dropped(shown, pair):
    session, panel = shown
    click(panel.units.start_button)
    key = session.called("run_together")[-1][0]
    one, other = pair.lanes
    session.set_lanes(one, replace(other, agent_id="ppo/Breakout/2"))
    session.progressed.emit(key, pair.matched[-1])
    assert panel.units.result is None and session.called("cancel") == [(key,)]
    layer = pair.matched[-1].result.pairings[0].layers[0]
    assert all(session.counterparts_of(0, Unit(layer, index)) == () for index in range(len(pair.order)))


def test_without_two_agents_of_one_game_a_sentence_says_what_to_do(shown, pair):
    session, panel = shown
    session.set_lanes(pair.lanes[0])
    assert "Two agents" in panel.layers.said.text() and not panel.layers.start_button.isEnabled()
    session.set_lanes(pair.lanes[0], replace(pair.lanes[1], game="Pong"))
    assert "Breakout and Pong are different games" in panel.layers.said.text()
    session.set_lanes(*pair.lanes)
    click(panel.layers.start_button)
    session.failed.emit(session.called("run_together")[-1][0], "12 moments in common are too few.")
    assert panel.layers.said.text() == "12 moments in common are too few." and panel.layers.start_button.isEnabled()


def test_of_three_agents_any_two_are_compared(shown, pair):
    session, panel = shown
    third = replace(pair.lanes[0], lane=2, agent_id="dqn/Breakout/1", title="DQN")
    assert not panel.first.isVisible()
    session.set_lanes(*pair.lanes, third)
    assert panel.first.isVisible() and panel.second.currentData() == 1
    choose(panel.second, "C  DQN")
    ask(session, panel.layers, pair.similar)
    assert session.called("run_together")[-1][2] == (0, 2)
    choose(panel.first, "C  DQN")  # the same twice: they change places
    assert (panel.first.currentData(), panel.second.currentData()) == (2, 0)
    session.set_lanes(pair.lanes[0], replace(third, lane=1))  # B was removed
    assert (panel.first.currentData(), panel.second.currentData()) == (1, 0)


# -- stages -------------------------------------------------------------------------------------------------------
def entries(pair):
    run = [("initial", 0, 0.5), ("1.0M", 1_000_000, 2.6), ("", 10_000_000, 25.7)]
    ids = [f"ppo/Breakout/1{'@' if tag else ''}{tag}" for tag, *_ in run]
    mine = [Entry(id, "ppo", "Breakout", 1, tag, None, "PPO", score, frames=frames)
            for id, (tag, frames, score) in zip(ids, run)]  # fmt: skip
    return [Entry("a2c/Breakout/1", "a2c", "Breakout", 1, "", None, "A2C"), *mine]


@pytest.fixture
def stages(shown, pair):
    session, panel = shown
    session.set_lanes(pair.lanes[0])
    panel.tabs.setCurrentWidget(panel.stages)
    assert session.library.reads == 1
    session.library.entries_read.emit(entries(pair))
    return session, panel.stages


def test_the_slider_has_a_runs_stages_and_loads_one_when_it_rests(stages, pair, qtbot):
    session, tab = stages
    assert (tab.slider.minimum(), tab.slider.maximum(), tab.slider.value()) == (0, 2, 2)
    assert "final" in tab.stage.text() and "25.7" in tab.stage.text()
    tab.slider.setValue(1)
    tab.slider.setValue(0)
    qtbot.waitUntil(lambda: bool(session.called("add_agent")), timeout=5000)
    assert session.called("add_agent") == [("ppo/Breakout/1@initial",)] and "loading" in tab.stage.text()
    second = replace(pair.lanes[1], agent_id="ppo/Breakout/1@initial")
    session.set_lanes(pair.lanes[0], second)
    assert tab.slider.value() == 0 and tab.stage.text().startswith("B is initial")
    session.loading = {"load 2": "x"}
    tab.slider.setValue(1)
    qtbot.wait(900)
    assert not session.called("load")  # one at a time
    session.loading = {}
    qtbot.waitUntil(lambda: bool(session.called("load")), timeout=5000)
    assert session.called("load")[0][:2] == ("ppo/Breakout/1@1.0M", 1)
    session.loading_changed.emit({})  # it failed
    assert tab.slider.value() == 0


def test_the_chart_is_layers_by_stages_and_a_cell_goes_to_one(stages, pair):
    session, tab = stages
    layers = tuple(layer.name for layer in pair.lanes[0].layers)
    values = np.random.default_rng(0).uniform(0.2, 1, (3, len(layers)))
    record = Stages("cka", "PPO", ("initial", "1.0M", "final"), ("a", "b", "c"), np.array([0, 1, 10.0]),
                    np.array([0.5, 2.6, np.nan]), layers, values, values / 3, values / 2,
                    np.full(values.shape, 0.01), 60)  # fmt: skip
    analysis, lane, _ = ask(session, tab, [Progress(1, 1, "", record)], "run")
    assert (analysis, lane) == ("training", 0)
    assert tab.map.grid.rows == layers and tab.map.grid.columns == ("initial\n0.5", "1.0M\n2.6", "final")
    np.testing.assert_array_equal(tab.map.grid.values, values.T)
    tab.map.chosen.emit(0, 1)
    assert tab.slider.value() == 1


def test_a_run_without_stages_names_some_that_have(shown, pair):
    session, panel = shown
    session.set_lanes(pair.lanes[1])
    panel.tabs.setCurrentWidget(panel.stages)
    session.library.entries_read.emit(entries(pair))
    assert not panel.stages.slider.isVisible() and not panel.stages.start_button.isEnabled()
    assert "ppo/Breakout/1" in panel.stages.said.text()


# -- counterparts elsewhere ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [ActivationsPanel, LayerPanel])
def test_a_selected_units_counterpart_is_lit(qtbot, pair, kind):
    session = FakeSession(pair.lanes)
    panel = kind(session)
    put_up(qtbot, panel, (700, 500))
    for info in pair.lanes:
        session.give_step(info.lane, fake_step(info))
    matched = pair.matched[-1].result
    layer = matched.pairings[0].layers[0]
    index = int(np.flatnonzero(~matched.pairings[0].sides[0].left_out)[0])
    session.select(0, Unit(layer, index))
    assert not _lights(panel)
    session.set_counterparts((0, 1), matched)
    qtbot.wait(20)
    (light,) = _lights(panel)
    other = session.counterparts_of(0, Unit(layer, index))[0]
    item = panel._cells[1, layer].item if kind is ActivationsPanel else panel._plots[1].item
    assert light.box == item.tile_box(other.unit.index) and "goes with A" in light.toolTip()
    session.select(1, other.unit)
    (light,) = _lights(panel)
    assert "goes with B" in light.toolTip()
    session.set_counterparts((0, 1), None)
    assert not _lights(panel) and not panel.failed


def _lights(panel):
    lights = [light for light, _ in panel._lights] if isinstance(panel, ActivationsPanel) else [
        plot.light for plot in panel._plots.values()]  # fmt: skip
    return [light for light in lights if light.isVisible()]


def test_the_inspectors_line_names_counterparts_and_goes_there(qtbot, pair):
    session = FakeSession(pair.lanes)
    line, gone = CounterpartLine(session), []
    qtbot.addWidget(line)
    line.chosen.connect(lambda lane, unit: gone.append((lane, unit)))
    matched = pair.matched[-1].result
    layer = matched.pairings[0].layers[0]
    unit = Unit(layer, int(np.flatnonzero(~matched.pairings[0].sides[0].left_out)[0]))
    line.show_unit((0, unit))
    assert line.isHidden()
    session.set_counterparts((0, 1), matched)
    line.again()
    other = session.counterparts_of(0, unit)[0]
    assert f"B: {other.unit}" in line.text() and "r 1.00" in line.text() and not line.isHidden()
    line.linkActivated.emit(f"1:{other.unit}")
    assert gone == [(1, other.unit)]
