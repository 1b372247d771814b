"""A panel that stopped stands in the window as its page says it: nothing else touches what it no longer has."""

import pytest
from fakes import fake_lane
from pyqtgraph.Qt import QtTest, QtWidgets

from zoo_gui.app import MainWindow
from zoo_gui.engine.shared import SharedLane
from zoo_gui.session import Session
from zoo_gui.settings import Settings
from zoo_gui.types import Unit

MEMORY = []


@pytest.fixture
def opened(qtbot):
    """opened(): the program's window over a session whose engine says only what a test has it say. Kept by the test
    alone, which lets it go."""
    sessions = []

    def make():
        session = Session()
        session.feed._send = session._send = lambda name, **keywords: None
        sessions.append(session)
        window = MainWindow(session, Settings())
        qtbot.addWidget(window)
        window.show()
        return window

    yield make
    while sessions:
        sessions.pop().close()
    while MEMORY:
        MEMORY.pop().close(unlink=False)


def lanes(window, *agents):
    infos = [fake_lane(lane, agent) for lane, agent in enumerate(agents)]
    shared = [SharedLane(info) for info in infos]
    MEMORY.extend(shared)
    window.epoch = getattr(window, "epoch", 0) + 1000
    window.session._on_lanes("", window.epoch, [(info, one.name) for info, one in zip(infos, shared)], "CPU")


def turn(window):
    for _ in range(3):
        QtTest.QTest.qWait(20)


def test_the_window_goes_on_around_panels_that_stopped_and_they_can_be_built_anew(opened):
    window = opened()
    lanes(window, "nature", "small")
    window.panels["notes"].field.setPlainText("what I saw")
    names = list(window.panels)
    for name in names:
        window.show_panel(name)
        turn(window)
        assert not window.panels[name].failed, name
        window.panels[name]._fail(RuntimeError("as if"))
    for name in names:
        window.show_panel(name)
        window.finding.labels.toggle()
        window.finding.labels.toggle()
        window.docks[name].close()
    lanes(window, "small")
    window.session.select(0, Unit("conv1", 2))
    window.session.set_saliency("action")
    window.session.set_view(gamma=0.5)
    for size in ((1280, 720), (1600, 900)):
        window.resize(*size)
        turn(window)
    for layout in ("Compare", "Explore", "Inspect"):
        window.layouts.apply(layout)
        turn(window)
    window.theme.type_size = 12
    turn(window)
    for name in names:
        window.show_panel(name)
        panel = window.panels[name]
        assert panel.failed, name
        panel.findChild(QtWidgets.QPushButton).click()
        turn(window)
        assert not panel.failed and panel.is_seen, name
    assert window.panels["notes"].field.toPlainText() == "what I saw"


def test_a_recording_can_ask_every_widget_for_its_pointer(opened):
    window = opened()
    lanes(window, "nature", "small")
    for widget in window.findChildren(QtWidgets.QWidget):
        assert widget.cursor().shape() >= 0, widget


def test_who_wants_something_of_a_panel_that_stopped_gets_it_built_anew(opened):
    window = opened()
    lanes(window, "nature")
    notes = window.panels["notes"]
    notes.restore("mine", [])
    for name in ("notes", "lab", "wall", "activations"):
        window.panels[name]._fail(RuntimeError("as if"))
    assert notes.text() == "mine" and notes.bookmarks() == []
    window.put_on_wall("random/Pong")
    window.results.open("nowhere")
    window.commands.call("move_right")
    notes.restore(notes.text() + " too", [])
    assert not any(window.panels[name].failed for name in ("notes", "lab", "wall", "activations"))
    assert notes.field.toPlainText() == "mine too"
