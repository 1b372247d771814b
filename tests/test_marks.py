"""What is marked as not being what it seems, and where that is said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.mark_signs import MarkSigns, drawn_smaller
from zoo_gui.marks import SENTENCES, SIGNS, Mark, interventions, marks
from zoo_gui.types import Unit
from zoo_gui.widgets.items import Canvas, PixelItem


class Sitting(QtCore.QObject):
    """What marks are read from."""

    status_changed = QtCore.Signal(dict)
    stale_changed = QtCore.Signal(bool)

    def __init__(self, lanes: int = 1):
        super().__init__()
        self.lanes = tuple(SimpleNamespace(lane=lane) for lane in range(lanes))
        self.status, self.speed = {"state": "running"}, 1.0
        self.edits, self.covers, self.disturbances, self.edited = {}, {}, {}, False

    def last_step(self, lane: int):
        return SimpleNamespace(edited=self.edited)


def words(session) -> list[str]:
    return [mark.words for mark in marks(session)]


def test_what_holds_is_said_in_words():
    session = Sitting()
    assert words(session) == []
    session.speed = 4.0
    assert words(session) == ["4×: not every frame is shown"]
    session.status["state"] = "paused"
    assert words(session) == ["paused"]
    session.status["state"] = "stopped"
    session.edits[0, Unit("conv2", 17)] = (0.0, 0.0)
    session.disturbances[0] = {"noise": 0.1}
    assert words(session) == ["stale", "edited", "disturbed"]
    session.edits.clear()
    session.disturbances.clear()
    session.status["state"], session.speed, session.edited = "running", None, True
    assert words(session) == ["full speed: not every frame is shown", "was edited"]
    assert set(SIGNS) == set(SENTENCES)
    empty = Sitting(0)
    empty.status["state"] = "loading"
    assert words(empty) == []


def test_of_several_agents_it_is_said_of_which():
    session = Sitting(3)
    session.edits = {(0, Unit("fc", 1)): (2.0, 0.0), (2, Unit("fc", 1)): (2.0, 0.0)}
    session.covers[1] = object()
    assert [mark.words for mark in interventions(session)] == ["edited in A, C", "covered in B"]
    assert Mark("edited", "edited in A").text == "✎ edited in A"


class Shown(QtWidgets.QWidget):
    """A panel with one picture."""

    title, is_seen = "Network input", True

    def __init__(self):
        super().__init__()
        self.canvas = Canvas(self)
        self.canvas.setGeometry(0, 0, 300, 200)
        self.picture = self.canvas.add(PixelItem(QtCore.QRectF(0, 0, 200, 150)))
        self.picture.set_pixels(np.zeros((84, 84), np.uint32))


@pytest.fixture
def window(qtbot):
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    window.session, window.docks, window.panels = Sitting(), {}, {}
    for name in ("game", "observation"):
        dock = QtWidgets.QDockWidget(name.title(), window)
        dock.setObjectName(name)
        window.panels[name] = Shown()
        dock.setWidget(window.panels[name])
        window.addDockWidget(QtCore.Qt.LeftDockWidgetArea, dock)
        window.docks[name] = dock
    window.resize(700, 500)
    window.signs = MarkSigns(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_titles_say_it_where_the_panel_is(window):
    labels = window.signs.labels
    window.session.status_changed.emit({})
    assert all(label.isHidden() for label in labels.values())
    window.session.status["state"] = "paused"
    window.session.edits[0, Unit("fc", 1)] = (0.0, 0.0)
    window.session.status_changed.emit({})
    assert labels["game"].text() == "❚❚ paused  ✎ edited" and labels["observation"].text() == "✎ edited"
    assert labels["game"].geometry().bottom() < window.panels["game"].geometry().top() + 1
    assert "not the trained network" in labels["game"].accessibleName()
    window.docks["game"].setTitleBarWidget(QtWidgets.QWidget())  # as on stage
    QtWidgets.QApplication.processEvents()
    window.signs.update()
    assert labels["game"].isVisible() and labels["game"].geometry().bottom() == window.docks["game"].height() - 1
    window.session.edits.clear()
    window.session.status["state"] = "running"
    window.session.status_changed.emit({})
    assert all(label.isHidden() for label in labels.values())


def test_a_picture_with_fewer_pixels_than_its_own_is_marked(window):
    panel = window.panels["observation"]
    assert not drawn_smaller(panel)
    panel.picture.set_box(QtCore.QRectF(0, 0, 60, 45))
    assert drawn_smaller(panel)
    window.signs._smaller.clear()
    window.signs.update()
    assert window.signs.labels["observation"].text() == "▽ drawn smaller"
