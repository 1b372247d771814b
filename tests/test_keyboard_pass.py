"""The main job without a mouse: open, play, select, inspect, explain, set another beside, record, quit."""

from __future__ import annotations

from hands import Hands
from pyqtgraph.Qt import QtCore, QtWidgets
from test_app import make_window

from zoo_gui.types import Unit


class Patience:
    """What Hands need of a sitting, by pytest-qt's clock."""

    def __init__(self, qtbot, window):
        self.qtbot, self.window, self.session, self.panels = qtbot, window, window.session, window.panels

    def wait(self, holds) -> None:
        self.qtbot.waitUntil(lambda: bool(holds()), timeout=60_000)

    def rest(self, seconds: float) -> None:
        self.qtbot.wait(int(seconds * 1000))


def test_the_main_job_by_keys_alone(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_GUI_RECORDINGS", str(tmp_path))
    window = make_window(qtbot)
    session = window.session
    person = Patience(qtbot, window)
    hands = Hands(person)
    QtWidgets.QApplication.setActiveWindow(window)

    hands.choose_agent("Ctrl+O", "ppo breakout")
    assert [info.agent_id.split("@")[0] for info in session.lanes] == ["ppo/Breakout/1"]
    if not session.running:
        hands.key("Space")
    person.wait(lambda: len(session.history(0)) > 5)

    hands.key("Ctrl+G")
    assert QtWidgets.QApplication.focusWidget() is window.panels["inspector"].entry
    hands.type("conv2:17")
    hands.key("Return")
    assert session.selected == (0, Unit("conv2", 17))
    window.panels["activations"].setFocus(QtCore.Qt.TabFocusReason)
    hands.key("Right")  # the arrows move the selection there
    assert session.selected == (0, Unit("conv2", 18))

    hands.key("B")
    assert session.saliency == "action"
    hands.choose_agent("Ctrl+Shift+O", "a2c breakout")
    assert len(session.lanes) == 2

    saved: list[str] = []
    window.capture.saved.connect(saved.append)
    hands.key("F9")
    assert window.capture.is_recording
    person.rest(0.5)
    hands.key("F9")
    person.wait(lambda: saved)
    assert saved[0].endswith(".mp4")

    hands.key("Ctrl+Q")
    assert not window.isVisible()
