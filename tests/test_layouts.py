"""Layouts by name: what each shows, what a person changes is kept for each and by number of agents; old settings."""

import base64
import json
from types import SimpleNamespace

import pytest
from fakes import FakeSession, fake_lane
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.layout_menu import LayoutMenu, LayoutSwitch
from zoo_gui.layout_plans import NAMES, PURPOSES, plan
from zoo_gui.layouts import Layouts
from zoo_gui.settings import Settings
from zoo_gui.widgets.base import PANELS, laid_out_anew


class PlainPanel(QtWidgets.QWidget):
    """Nothing to see, where a panel would be."""

    def __init__(self, area: str):
        super().__init__()
        self.area, self.behind = area, False

    @property
    def is_seen(self) -> bool:
        return self.isVisible() and not self.behind


class PlainWindow(QtWidgets.QMainWindow):
    """The docks of the window, around nothing: ten times as fast to make."""

    def __init__(self):
        super().__init__()
        self.session, self.settings = FakeSession(), Settings()
        self.commands = SimpleNamespace(parts=[], call=self.call)
        self.setDockNestingEnabled(True)
        centre = QtWidgets.QWidget()
        centre.setMaximumSize(0, 0)
        self.setCentralWidget(centre)
        self.panels, self.docks = {}, {}
        for name, kind in PANELS.discover().items():
            panel, dock = PlainPanel(kind.area), QtWidgets.QDockWidget(name, self)
            dock.setObjectName(name)
            dock.setWidget(panel)
            dock.visibilityChanged.connect(lambda seen, panel=panel: setattr(panel, "behind", not seen))
            self.panels[name], self.docks[name] = panel, dock
        self.layouts = Layouts(self)
        self.menuBar().addMenu("&File")
        self.menuBar().setCornerWidget(LayoutSwitch(self))
        self.resize(1280, 720)
        self.layouts.restore()

    def call(self, command: str) -> None:
        getattr(self.layouts, f"do_{command}")()

    def show_panel(self, name: str) -> None:
        self.layouts.show_panel(name)

    def end(self) -> None:
        self.layouts.save()
        self.settings.save()
        self.close()


def make(qtbot) -> PlainWindow:
    window = PlainWindow()
    qtbot.addWidget(window)
    window.show()
    settle(qtbot)
    return window


@pytest.fixture
def window(qtbot):
    return make(qtbot)


def settle(qtbot) -> None:
    qtbot.wait(130)


def seen(window) -> set[str]:
    return {name for name, panel in window.panels.items() if panel.is_seen}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("agents", (1, 2, 3, 4))
def test_plans_name_panels_that_exist_and_share_out_everything(name, agents):
    made, known = plan(name, agents), set(PANELS.discover())
    panels = [panel for column in made.columns for cell in column.cells for panel in cell.panels]
    assert len(panels) == len(set(panels)) and set(panels) <= known
    assert sum(column.share for column in made.columns) == 100
    assert all(sum(cell.share for cell in column.cells) == 100 for column in made.columns)
    assert set(made.hosts) == {"left", "centre", "right", "bottom"} and set(made.hosts.values()) <= made.named
    assert name in PURPOSES


def test_each_layout_shows_its_panels_and_commands_bring_the_others(window, qtbot):
    fronts = {name: {cell.panels[0] for column in plan(name, 1).columns for cell in column.cells} for name in NAMES}
    assert seen(window) == fronts["Inspect"] and window.layouts.current == "Inspect"
    assert not window.docks["zoo"].isHidden() and window.docks["lab"].isHidden()
    for number, name in enumerate(NAMES, 1):
        window.commands.call(f"layout_{number}")
        assert window.layouts.current == name and seen(window) == fronts[name]
    widths = {name: window.docks[name].width() for name in fronts["Talk"]}
    assert widths["game"] > widths["activations"] > widths["inspector"]
    settle(qtbot)
    window.show_panel("why")  # which Talk does not have
    assert window.docks["why"] in window.tabifiedDockWidgets(window.docks["activations"])
    assert seen(window) == {"game", "why", "inspector"}
    settle(qtbot)
    window.commands.call("next_layout")
    assert window.layouts.current == "Inspect"
    window.commands.call("previous_layout")
    assert window.layouts.current == "Talk" and seen(window) == fronts["Talk"], "what a command brought has gone again"
    assert not window.layouts._kept, "nothing was changed by the person"


def test_a_panel_that_no_layout_knows_is_among_those_of_inspect(qtbot, monkeypatch):
    monkeypatch.setattr(PANELS, "_things", {**PANELS.discover()._things, "mine": type("Mine", (), {"area": "nowhere"})})
    window = make(qtbot)
    assert not window.docks["mine"].isHidden()
    assert window.docks["mine"] in window.tabifiedDockWidgets(window.docks["activations"])
    window.layouts.apply("Talk")
    assert window.docks["mine"].isHidden()


def test_what_is_changed_is_kept_by_layout_and_number_of_agents(window, qtbot):
    layouts = window.layouts
    layouts.apply("compare")
    settle(qtbot)
    window.docks["actions"].close()
    layouts.apply("Inspect")
    assert "actions" in seen(window)
    layouts.apply("Compare")
    assert window.docks["actions"].isHidden()
    window.session.lanes_changed.emit((fake_lane(0), fake_lane(1)))
    assert not window.docks["actions"].isHidden(), "as planned for two agents"
    settle(qtbot)
    window.session.lanes_changed.emit((fake_lane(0),))
    assert window.docks["actions"].isHidden()
    window.commands.call("reset_layout")
    assert "activations" not in seen(window) and "actions" in seen(window)


def test_layouts_of_ones_own_survive_a_sitting(window, qtbot):
    layouts = window.layouts
    said = []
    window.session.message.connect(lambda level, sentence: said.append(sentence))
    layouts.apply("Talk")
    settle(qtbot)
    window.docks["inspector"].close()
    layouts.save_as("  My   talk ")
    assert layouts.current == "My talk" and layouts.names() == [*NAMES, "My talk"]
    layouts.save_as("talk")
    assert "none of Inspect" in said.pop() and layouts.current == "My talk"
    window.end()
    again = make(qtbot)
    assert again.layouts.current == "My talk" and seen(again) == {"game", "activations"}
    again.docks["inspector"].show()
    settle(qtbot)
    again.commands.call("reset_layout")
    assert seen(again) == {"game", "activations"}
    menu = LayoutMenu(again)
    menu.fill()
    checked = [action.text() for action in menu.actions() if action.isChecked()]
    assert checked == ["My talk"]
    next(action for action in menu.actions() if action.text().startswith("Delete")).trigger()
    assert again.layouts.current == "Talk" and again.layouts.names() == list(NAMES)
    again.layouts.delete("Talk")
    assert again.layouts.names() == list(NAMES)
    again.layouts.apply("nowhere")
    assert again.layouts.current == "Talk"


def test_settings_of_before_there_were_names_and_damaged_ones(qtbot):
    settings = Settings()
    other = QtWidgets.QMainWindow()
    for name in ("game", "activations"):
        dock = QtWidgets.QDockWidget(other)
        dock.setObjectName(name)
        other.addDockWidget(QtCore.Qt.LeftDockWidgetArea, dock)
    state = base64.b64encode(bytes(other.saveState(1))).decode()
    settings.set("window/layouts", {"1": state, "2": "no state", "Talk/1": 7})
    settings.set("window/own_layouts", {"a": 3, "b": {"base": "nothing", "states": {}}})
    settings.set("window/layout", "gone")
    settings.save()
    window = make(qtbot)
    assert window.layouts.current == "Inspect" and window.layouts.names() == list(NAMES)
    assert window.docks["zoo"] in window.tabifiedDockWidgets(window.docks["activations"])
    window.session.lanes_changed.emit((fake_lane(0), fake_lane(1)))
    assert "observation" in seen(window)


def test_one_panel_has_the_window_and_gives_it_back(window, qtbot):
    before = seen(window)
    window.layouts.maximise("game")
    assert seen(window) == {"game"} and window.docks["game"].width() > 1200
    window.layouts.maximise("game")
    assert seen(window) == before
    window.layouts.maximise("game")
    window.show_panel("why")
    assert "why" in seen(window) and "observation" in seen(window)
    window.layouts.maximise("why")
    window.layouts.apply("Talk")
    assert seen(window) == {"game", "activations", "inspector"}
    place = window.docks["game"].mapToGlobal(window.docks["game"].rect().center())
    assert window.layouts.panel_at(place) == "game" and window.layouts.panel_at(QtCore.QPoint(-5, -5)) is None


def test_a_state_as_text(window, qtbot):
    layouts = window.layouts
    layouts.apply("Compare")
    settle(qtbot)
    window.docks["actions"].close()
    layouts.save_as("mine")
    text = layouts.state()
    layouts.delete("mine")
    layouts.apply("Lab")
    assert layouts.restore_state(text)
    assert layouts.current == "Compare", "a name that is not known here: the layout that it was made from"
    assert window.docks["actions"].isHidden() and "moment" in seen(window)
    told = json.loads(text)
    for bad in ("", "{", "[]", "null", json.dumps({**told, "version": 2}), json.dumps({**told, "base": "no"}),
                json.dumps({**told, "state": 3}), json.dumps({**told, "agents": 9}),
                json.dumps({**told, "layout": []}), "x" * 300_000):
        assert not layouts.restore_state(bad)
    assert layouts.current == "Compare"
    assert not layouts.restore_state(json.dumps({**told, "state": "AAAA", "agents": 1})), "no state to the toolkit"


def test_a_sessions_arrangement_does_not_replace_ones_own(window, qtbot):
    layouts = window.layouts
    layouts.apply("Compare")
    settle(qtbot)
    text = layouts.state()
    window.docks["actions"].close()
    layouts.apply("Lab")
    kept = dict(layouts._kept)
    assert layouts.restore_state(text) and not window.docks["actions"].isHidden()
    settle(qtbot)
    layouts.save()
    assert layouts._kept == kept
    layouts.apply("Compare")
    assert window.docks["actions"].isHidden(), "as the person left it"


def test_names_that_differ_in_large_letters_only_are_one(window, qtbot):
    layouts = window.layouts
    layouts.save_as("Mine")
    layouts.save_as("mine")
    assert [name for name in layouts.names() if layouts.is_own(name)] == ["Mine"]
    layouts.save_as("Mine/1 more")
    layouts._kept["Mine/1 more/1"] = "x"
    layouts.delete("Mine")
    assert layouts._kept["Mine/1 more/1"] == "x"


def test_the_menu_gives_the_window_to_the_panel_in_focus(window, qtbot, monkeypatch):
    monkeypatch.setattr(window.layouts, "panel_at", lambda place: "game")  # beneath the menu
    monkeypatch.setattr(window.layouts, "_focused", lambda: "activations")
    menu = LayoutMenu(window, window)
    menu.fill()
    next(action for action in menu.actions() if action.text().startswith("Maximise")).trigger()
    assert window.layouts.maximised == "activations"


def test_the_switch_has_room_or_says_the_name(window, qtbot):
    switch = window.menuBar().cornerWidget()
    assert isinstance(switch, LayoutSwitch)
    switch.buttons["Lab"].click()
    assert window.layouts.current == "Lab" and switch.buttons["Lab"].isChecked()
    switch.buttons["Lab"].click()
    assert switch.buttons["Lab"].isChecked() and not switch.buttons["Talk"].isChecked()
    assert switch.buttons["Lab"].isVisible()
    switch._fits = lambda: False
    switch.show_current()
    assert not switch.buttons["Lab"].isVisible() and switch.more.text() == "Lab ▾"


def test_panels_that_are_in_sight_in_passing_do_not_catch_up(qtbot):
    kind = PANELS.discover()["actions"]

    class Counting(kind):
        def set_lanes(self, lanes):
            super().set_lanes(lanes)
            counted.append(self)

    counted, session = [], FakeSession((fake_lane(0),))
    stays, passes = Counting(session), Counting(session)
    for panel in (stays, passes):
        qtbot.addWidget(panel)
    counted.clear()
    with laid_out_anew():
        for panel in (stays, passes, stays):
            panel.hide()
            panel.show()
        with laid_out_anew():  # a layout within a layout
            passes.hide()
        assert counted == []
    assert counted == [stays]
    passes.show()
    assert counted == [stays, passes]
