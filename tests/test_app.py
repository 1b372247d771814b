"""The whole window with a real agent in a real game, driven by clicks and keys."""

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtWidgets
from pytestqt.exceptions import TimeoutError as QtTimeout

from zoo_gui import capture as capture_module
from zoo_gui.app import MainWindow
from zoo_gui.layouts import SETTLED_MS
from zoo_gui.session import Session
from zoo_gui.settings import Settings
from zoo_gui.types import Unit

AGENT = "ppo/Breakout/1"
Qt = QtCore.Qt


def make_window(qtbot, agents=(), start=True):
    session = Session()
    if start:
        session.start_engine()
    window = MainWindow(session, Settings())
    qtbot.addWidget(window)
    for lane, agent in enumerate(agents):
        session.load(agent, lane, seed=5)
    window.show()
    qtbot.waitExposed(window)
    if agents:
        qtbot.waitUntil(lambda: len(session.lanes) == len(agents) and session.last_step(0) is not None, timeout=40_000)
    return window


def press(window, key, modifier=Qt.NoModifier, target=None):
    """A key as a person presses it: to the widget that has the focus."""
    from pyqtgraph.Qt import QtTest

    QtTest.QTest.keyClick(target or window, key, modifier)


def run_to(qtbot, session, number):
    qtbot.waitUntil(lambda: len(session.history(0)) > number, timeout=20_000)


def test_watching_clicking_and_pausing(qtbot):
    window = make_window(qtbot, [AGENT])
    session = window.session
    run_to(qtbot, session, 20)
    assert session.running and session.status["state"] == "running"

    press(window, Qt.Key_Space)
    assert not session.running
    number = session.history(0).column("number")[-1]
    qtbot.wait(200)
    assert session.history(0).column("number")[-1] == number
    press(window, Qt.Key_Period)
    qtbot.waitUntil(lambda: session.history(0).column("number")[-1] == number + 1)

    panel = window.panels["activations"]
    click_unit(qtbot, panel, 0, Unit("conv2", 9))
    assert session.selected == (0, Unit("conv2", 9))
    with qtbot.waitSignal(session.progressed, timeout=120_000, check_params_cb=is_picture_of(Unit("conv2", 9))):
        pass
    press(window, Qt.Key_L)
    assert session.selected == (0, Unit("conv2", 10))

    press(window, Qt.Key_B)
    qtbot.waitUntil(lambda: session.last_step(0).saliency is not None)
    press(window, Qt.Key_T)
    assert session.view["gamma"] == 0.3
    press(window, Qt.Key_Plus)
    assert session.speed == 2.0
    press(window, Qt.Key_H)
    assert window.help.isVisible()
    press(window, Qt.Key_H)
    assert not window.help.isVisible()
    assert not any(panel.failed for panel in window.panels.values())
    window.close()


def click_unit(qtbot, panel, lane, unit):
    cell = panel._cells[lane, unit.layer]
    canvas = panel._canvas
    position = canvas.mapFromScene(cell.item.mapToScene(cell.item.tile_box(unit.index).center()))
    qtbot.mouseClick(canvas.viewport(), Qt.LeftButton, pos=position)


def is_picture_of(unit):
    def check(key, progress):
        return key.startswith("feature_vis ") and progress.result is not None and progress.result.unit == unit

    return check


def test_why_by_keys_and_toolbar_and_a_cover_in_the_game(qtbot):
    window = make_window(qtbot, [AGENT])
    session, toolbar, cell = window.session, window.toolbar, window.panels["game"]._cells[0]
    assert not toolbar.findChild(QtWidgets.QToolButton, "qt_toolbar_ext_button").isVisible()
    wide = toolbar.method.width()
    window.resize(1280, window.height())
    button = toolbar.findChild(QtWidgets.QToolButton, "qt_toolbar_ext_button")
    # the choices give way before the buttons do
    qtbot.waitUntil(lambda: toolbar.method.width() < wide and not button.isVisible())
    press(window, Qt.Key_B)
    assert (session.saliency, toolbar.saliency.currentText()) == ("action", "Chosen action")
    press(window, Qt.Key_N)
    assert session.saliency_method == "gradient_input" and toolbar.method.currentText() == "Gradient × input"
    qtbot.waitUntil(lambda: cell.caption.text == "Gradient × input · chosen action", timeout=10_000)
    session.set_saliency("action:LEFT - action:RIGHT", "occlusion")  # is made beside the game
    assert toolbar.saliency.currentText() == "action:LEFT - action:RIGHT"
    words = "Occlusion · action:LEFT - action:RIGHT"
    qtbot.waitUntil(lambda: cell.caption.text.endswith(words), timeout=20_000)
    press(window, Qt.Key_Space)
    qtbot.waitUntil(lambda: cell.caption.text == words, timeout=20_000)  # paused: of this very moment
    session.select(0, Unit("conv2", 3))
    press(window, Qt.Key_D)
    press(window, Qt.Key_L)
    assert session.saliency == "conv2:3" and session.selected[1] == Unit("conv2", 4)

    press(window, Qt.Key_W)
    why = window.panels["why"]
    qtbot.waitUntil(lambda: all(tile.record is not None for tile in why.grid.tiles.values()), timeout=120_000)
    assert {tile.record.target for tile in why.grid.tiles.values()} == {"action"}
    seen = session.last_step(0).observation
    session.set_cover(0, (60, 10, 20, 60), "black")
    qtbot.waitUntil(lambda: not session.last_step(0).observation[60:80, 10:70].any(), timeout=10_000)
    assert session.last_step(0).edited and session.status["intervention"] and cell.cover.isVisible()
    session.choose_region(0, (60, 10, 20, 60))
    press(window, Qt.Key_Escape)  # forgets the region that was chosen; what is covered stays so
    assert session.region is None and session.covers and session.selected is not None
    press(window, Qt.Key_E, Qt.ControlModifier)
    qtbot.waitUntil(lambda: np.array_equal(session.last_step(0).observation, seen), timeout=10_000)
    assert not session.status["intervention"] and not cell.cover.isVisible()
    assert not any(panel.failed for panel in window.panels.values())
    window.close()


def test_pattern_mode_has_its_key(qtbot):
    window = make_window(qtbot, start=False)
    patterns, activations = window.panels["patterns"], window.panels["activations"]
    press(window, Qt.Key_S)
    qtbot.waitUntil(lambda: patterns.is_seen and patterns.wanted)
    press(window, Qt.Key_S)
    qtbot.waitUntil(lambda: activations.is_seen and not patterns.is_seen)
    window.close()


def test_two_agents_one_clock_and_the_engine_may_die(qtbot, caplog):
    window = make_window(qtbot, [AGENT, "random/Pong"])
    session = window.session
    run_to(qtbot, session, 15)
    assert [info.game for info in session.lanes] == ["Breakout", "Pong"]
    assert abs(len(session.history(0)) - len(session.history(1))) == 0
    assert session.agreement.steps > 10
    session.set_saliency("action", "gradient")
    with qtbot.waitSignal(session.engine_died, timeout=10_000):
        session.engine.send("crash")
    assert window.banner.isVisible() and "Restart" in window.banner.action.text()
    assert session.status["state"] == "stopped" and window.isVisible()
    window.banner.action.click()
    qtbot.waitUntil(lambda: session.status["state"] == "running" and len(session.history(0)) > 3, timeout=40_000)
    assert [info.agent_id for info in session.lanes] == [AGENT, "random/Pong"]
    assert session.last_step(0).saliency is not None and session.last_step(1).saliency is None
    window.show_panel("search")
    session.remove_lane(1)
    qtbot.waitUntil(lambda: len(session.lanes) == 1)
    qtbot.wait(50)
    assert window.panels["search"].is_seen and not window.panels["activations"].is_seen
    window.close()


def test_what_fails_at_closing_keeps_nothing_else_from_it(qtbot, monkeypatch, caplog):
    window, closed = make_window(qtbot, start=False), []

    def fail(*_):
        raise ValueError("no such setting")

    monkeypatch.setattr(window.settings, "set", fail)
    for name in ("notebook", "capture", "session"):
        part = getattr(window, name)
        monkeypatch.setattr(part, "close", lambda part=part, close=part.close: closed.append(part) or close())
    window.close()
    assert closed == [window.notebook, window.capture, window.session] and "did not close" in caplog.text
    caplog.clear()


def test_a_person_plays(qtbot):
    window = make_window(qtbot, [AGENT])
    session = window.session
    session.set_player(0, "human")
    names = session.lanes[0].action_names
    from pyqtgraph.Qt import QtTest

    QtTest.QTest.keyPress(window, Qt.Key_Right)
    qtbot.waitUntil(lambda: names[session.last_step(0).decision.action] == "RIGHT", timeout=10_000)
    QtTest.QTest.keyRelease(window, Qt.Key_Right)
    qtbot.waitUntil(lambda: names[session.last_step(0).decision.action] == "NOOP", timeout=10_000)
    assert session.last_step(0).player == "human" and session.running
    window.close()


def test_pictures_and_films(qtbot, own_folders):
    window = make_window(qtbot, [AGENT])
    run_to(qtbot, window.session, 5)
    with qtbot.waitSignal(window.capture.saved, timeout=10_000) as saved:
        press(window, Qt.Key_S, Qt.ControlModifier)
    image = _read_png(saved.args[0])
    assert image.shape[:2] == (window.height(), window.width()) and image.std() > 10
    press(window, Qt.Key_C, Qt.ControlModifier)
    assert QtWidgets.QApplication.clipboard().image().width() == window.width()

    press(window, Qt.Key_R, Qt.ControlModifier)
    qtbot.waitUntil(lambda: window.session.status["recording"] is not None, timeout=10_000)
    qtbot.wait(1200)
    with qtbot.waitSignal(window.capture.saved, timeout=20_000) as saved:
        press(window, Qt.Key_R, Qt.ControlModifier)
    frames, rate, size = _read_film(saved.args[0])
    assert rate == capture_module.FPS and frames >= 20
    assert size == (window.width() // 2 * 2, window.height() // 2 * 2)
    window.close()


def test_a_recording_that_runs_when_the_window_closes_is_kept(qtbot, own_folders):
    window = make_window(qtbot, [AGENT])
    window.capture.start(window.panels["game"])
    qtbot.waitUntil(lambda: window.session.status["recording"] is not None, timeout=10_000)
    qtbot.wait(700)
    window.close()
    (film,) = (own_folders / "recordings").glob("*.mp4")
    assert _read_film(film)[0] >= 10


def test_an_unwritable_folder_is_one_sentence(qtbot, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_GUI_RECORDINGS", str(tmp_path / "file" / "folder"))
    window = make_window(qtbot, start=False)
    for start in (lambda: window.capture.screenshot(window), lambda: window.capture.start(window)):
        with qtbot.waitSignal(window.capture.failed, timeout=10_000) as failed:
            start()
        assert "cannot be written" in failed.args[0]
    assert not window.capture.is_recording
    window.close()


def test_the_layout_is_kept_and_can_be_reset(qtbot):
    window = make_window(qtbot, start=False)
    qtbot.wait(2 * SETTLED_MS)  # what changes before is the docks finding their sizes
    window.docks["plots"].close()
    window.session.set_view(gamma=0.7, contrast="channel")
    window.close()
    again = make_window(qtbot, start=False)
    assert again.docks["plots"].isHidden()
    assert (again.session.view["gamma"], again.session.view["contrast"]) == (0.7, "channel")
    press(again, Qt.Key_L, Qt.ControlModifier)
    assert not again.docks["plots"].isHidden()
    again.close()


@pytest.mark.parametrize("broken", ["show_step", "set_lanes"])
def test_a_panel_that_breaks_says_so_and_the_game_goes_on(qtbot, monkeypatch, caplog, broken):
    window = make_window(qtbot, [AGENT])
    panel = window.panels["actions"]

    def fail(*arguments):
        raise RuntimeError("deliberately")

    monkeypatch.setattr(panel, broken, fail)
    if broken == "set_lanes":
        window.session.lanes_changed.emit(window.session.lanes)
    qtbot.waitUntil(lambda: panel.failed, timeout=5_000)
    labels = [label.text() for label in panel.findChildren(QtWidgets.QLabel)]
    assert any("deliberately" in text and "Reload" in text for text in labels)
    number = len(window.session.history(0))
    run_to(qtbot, window.session, number + 5)
    monkeypatch.undo()
    panel.findChild(QtWidgets.QPushButton).click()
    assert not panel.failed
    caplog.clear()  # its record of the exception would keep the window alive
    window.close()


def test_an_unknown_agent_is_a_sentence_in_the_window(qtbot):
    window = make_window(qtbot, [AGENT])
    with qtbot.waitSignal(window.session.message, timeout=10_000) as said:
        window.session.load("ppo/Braekout/1")
    assert said.args[0] == "error" and "ppo/Breakout/1" in said.args[1]
    run_to(qtbot, window.session, len(window.session.history(0)) + 5)
    window.close()


def test_closing_at_once_leaves_nothing(qtbot):
    window = make_window(qtbot)
    window.session.load(AGENT)
    window.close()
    with pytest.raises(QtTimeout):
        qtbot.waitUntil(lambda: bool(window.session.lanes), timeout=300)


def _read_png(path):
    import cv2

    return cv2.imread(str(path))


def _read_film(path):
    import cv2

    film = cv2.VideoCapture(str(path))
    frames = 0
    while film.read()[0]:
        frames += 1
    size = (int(film.get(cv2.CAP_PROP_FRAME_WIDTH)), int(film.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    rate = film.get(cv2.CAP_PROP_FPS)
    film.release()
    return frames, np.round(rate, 3), size
