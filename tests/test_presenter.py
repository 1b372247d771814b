"""Presenter mode: what is hidden and comes back just so, and what a speaker points with."""

import pytest
from fakes import fake_lane
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from zoo_gui import theme, tokens
from zoo_gui.app import MainWindow
from zoo_gui.capture import picture
from zoo_gui.presenter import growth
from zoo_gui.session import Session
from zoo_gui.settings import Settings

Qt = QtCore.Qt


@pytest.fixture(scope="module")
def window():
    """One window for all of these: it takes seconds to make."""
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    with pytest.MonkeyPatch.context() as patch:
        theme.apply(application)
        # A style sheet with other sizes takes seconds to reach every widget; that it does is tested with the theme.
        patch.setattr(theme, "apply", lambda application, look, size: tokens.use(look, size))
        window = MainWindow(Session(), Settings())
        window.resize(1280, 720)
        window.show()
        QtTest.QTest.qWait(250)
        yield window
        window.close()
        window.session.close()
        window.deleteLater()
        application.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)


def key(window, *keys):
    for one in keys:
        QtTest.QTest.keyClick(window, one)


def looks(window):
    """All that leaving must bring back."""
    docks = {name: (dock.isHidden(), dock.titleBarWidget()) for name, dock in window.docks.items()}
    chrome = [part.isVisible() for part in (window.menuBar(), window.toolbar, window.statusBar())]
    return (docks, chrome, window.layouts.current, window.layouts.maximised, tokens.type_size(), window.isFullScreen(),
            window.size(), window.settings.get("look/type"),
            {name: window.docks[name].geometry() for name, panel in window.panels.items() if panel.is_seen})


def test_leaving_brings_back_what_was(window):
    window.layouts.apply("Compare")
    window.show_panel("why")
    QtTest.QTest.qWait(130)
    window.layouts.maximise("why")
    before = looks(window)
    key(window, Qt.Key_F5)
    assert window.presenter.is_on and window.isFullScreen() and window.layouts.current == "Talk"
    assert {name for name, panel in window.panels.items() if panel.is_seen} == {"game", "activations", "inspector"}
    assert not any(part.isVisible() for part in (window.menuBar(), window.toolbar, window.statusBar()))
    assert all(dock.titleBarWidget() is not None for dock in window.docks.values())
    assert tokens.type_size() == round(tokens.NORMAL * growth(window.width()))
    key(window, Qt.Key_3)  # nothing: no picture is held
    window.layouts.apply("Lab")
    assert not window.toolbar.isVisible(), "a layout brings no tool bar back"
    window.layouts.maximise("wall")
    key(window, Qt.Key_Escape)
    assert window.presenter.is_on and window.layouts.maximised is None, "one thing at a time"
    key(window, Qt.Key_Escape)
    assert not window.presenter.is_on and looks(window) == before
    assert "Talk/1" not in window.layouts._kept
    key(window, Qt.Key_F5, Qt.Key_F5)
    assert looks(window) == before
    key(window, Qt.Key_F5)
    window.resize(window.width() - 1, window.height())  # as a window manager does, late: it is no end of presenting
    QtTest.QTest.qWait(20)
    assert window.layouts.current == "Talk" and window.layouts._held is not None
    key(window, Qt.Key_F5)
    window.layouts.apply("Explore")  # chosen right after, and not to be taken back
    window.resize(window.width() - 1, window.height())
    QtTest.QTest.qWait(20)
    assert window.layouts.current == "Explore"
    window.resize(1280, 720)
    window.layouts.apply("Inspect")


def test_a_panel_that_is_put_back_is_in_front_of_its_tabs(window):
    dock = window.docks["why"]
    window.show_panel("why")
    dock.setFloating(True)
    window.docks["activations"].raise_()
    QtTest.QTest.qWait(20)
    dock.setFloating(False)
    QtTest.QTest.qWait(20)
    assert window.panels["why"].is_seen
    window.layouts.apply("Inspect")


def test_type_grows_with_the_window():
    assert [growth(width) for width in (800, 1280, 1600, 1920, 3840, 7680)] == [1.25, 1.25, 1.375, 1.5, 2.2, 2.2]


def test_closing_while_presenting_keeps_the_window_of_before(window):
    window.layouts.apply("Explore")
    key(window, Qt.Key_F5)
    window.layouts.save()
    assert window.settings.get("window/layout") == "Explore"
    key(window, Qt.Key_F5)
    window.layouts.apply("Inspect")


def test_messages_go_by_themselves_while_presenting(window):
    key(window, Qt.Key_F5)
    window.session.message.emit("error", "That is not here.")
    window.presenter._dismiss("Something else.")
    assert window.banner.shown.sentence == "That is not here."
    window.presenter._dismiss("That is not here.")
    assert window.banner.shown is None
    key(window, Qt.Key_F5)
    window.session.message.emit("error", "That is not here.")
    window.presenter._dismiss("That is not here.")
    assert window.banner.shown is not None, "else somebody has to read it"
    window.banner.dismiss()


def test_a_black_screen(window):
    key(window, Qt.Key_F5, Qt.Key_B)
    black = window.presenter.black
    assert black.isVisible() and black.size() == window.size()
    image = picture(window)
    assert {image.pixel(x, y) & 0xFFFFFF for x in (0, 300, 700) for y in (0, 200, 500)} == {0}
    key(window, Qt.Key_Period)
    assert not black.isVisible()
    key(window, Qt.Key_Period)
    QtTest.QTest.mouseClick(black, Qt.LeftButton)
    assert not black.isVisible()
    key(window, Qt.Key_F5)


def test_a_held_picture_is_drawn_on(window):
    played = []
    window.session.lanes = (fake_lane(0),)
    window.session.running_changed.connect(played.append)
    window.session.play()
    key(window, Qt.Key_F6)
    held = window.presenter.held
    assert held.isVisible() and held.size() == window.size() and not window.session.running
    before = held.grab().toImage()
    key(window, Qt.Key_2)
    QtTest.QTest.mousePress(held, Qt.LeftButton, pos=QtCore.QPoint(300, 300))
    place = QtCore.QPointF(400, 300)
    move = QtGui.QMouseEvent(QtCore.QEvent.MouseMove, place, Qt.NoButton, Qt.LeftButton, Qt.NoModifier)
    QtWidgets.QApplication.sendEvent(held, move)
    QtTest.QTest.mouseRelease(held, Qt.LeftButton, pos=QtCore.QPoint(400, 300))
    assert held.strokes == 1
    drawn = QtGui.QColor(picture(window).pixel(350, 300))
    assert drawn.name().casefold() == tokens.DARK.lanes[0].casefold(), "a recording has it too"
    QtTest.QTest.mouseClick(held, Qt.LeftButton, pos=QtCore.QPoint(500, 500))
    QtTest.QTest.keyClick(window, Qt.Key_Z, Qt.ControlModifier)
    assert held.strokes == 1
    window.showMinimized()
    window.showNormal()
    assert held.isVisible() and held.strokes == 1 and not window.session.running, "still held when it comes back"
    window.resize(before.size() / before.devicePixelRatio())
    key(window, Qt.Key_C)
    assert held.strokes == 0 and held.grab().toImage() == before.__class__(held.grab().toImage())
    key(window, Qt.Key_Escape)
    assert not held.isVisible() and window.session.running, "the game goes on as it did"
    key(window, Qt.Key_F6, Qt.Key_Space)
    assert not held.isVisible() and window.session.running, "somebody wants to see the game go on"
    window.session.pause()
    key(window, Qt.Key_F6, Qt.Key_F6)
    assert not held.isVisible() and not window.session.running
    window.session.lanes = ()


def test_the_spotlight_shows_clicks_and_what_keys_do(window):
    spotlight = window.presenter.spotlight
    key(window, Qt.Key_F8, Qt.Key_T)
    assert spotlight.cap.isVisible() and (spotlight.cap.key.text(), spotlight.cap.text.text()) == ("t", "Gamma")
    spotlight.cap.hide()
    key(window, Qt.Key_F12)
    assert not spotlight.cap.isVisible(), "a key that does nothing"
    game = window.panels["game"]
    QtTest.QTest.mouseClick(game, Qt.LeftButton, pos=QtCore.QPoint(20, 30))
    shown = [ring for ring in spotlight.rings if ring.isVisible()]
    assert len(shown) == 1, "one press, however many widgets it comes to"
    assert shown[0].geometry().center() - game.mapTo(window, QtCore.QPoint(20, 30)) in (
        QtCore.QPoint(0, 0), QtCore.QPoint(-1, -1))  # fmt: skip
    key(window, Qt.Key_F8)
    assert not spotlight.is_on and not any(ring.isVisible() for ring in spotlight.rings)


def test_the_laser_takes_the_pointers_place(window):
    laser = window.presenter.laser
    window.activateWindow()
    QtGui.QCursor.setPos(window.mapToGlobal(QtCore.QPoint(200, 150)))
    key(window, Qt.Key_F7)
    assert laser.isVisible() and laser.geometry().contains(200, 150)
    assert QtWidgets.QApplication.overrideCursor().shape() == Qt.BlankCursor
    assert QtGui.QColor(picture(window).pixel(200, 150)).lightness() > 200
    key(window, Qt.Key_F7)
    assert not laser.isVisible() and QtWidgets.QApplication.overrideCursor() is None


def test_the_magnifier_shows_what_is_around_the_mouse_beside_it(window):
    lens = window.presenter.lens
    window.activateWindow()
    QtGui.QCursor.setPos(window.mapToGlobal(QtCore.QPoint(200, 150)))
    QtTest.QTest.keyClick(window, Qt.Key_F7, Qt.ShiftModifier)
    assert lens.isVisible() and window.rect().contains(lens.geometry())
    part = QtCore.QRect(QtCore.QPoint(100, 80), lens.PART)
    assert not lens.geometry().intersects(part)
    shown, whole = picture(lens), picture(window)
    places = [(x, y) for x in (20, 77, 150) for y in (9, 99)]
    assert all(shown.pixel(x * 2 + 1, y * 2 + 1) == whole.pixel(100 + x, 80 + y) for x, y in places)
    for x, y in ((2, 2), (1278, 2), (1278, 718), (2, 718), (640, 360)):
        QtGui.QCursor.setPos(window.mapToGlobal(QtCore.QPoint(x, y)))
        lens.follow()
        assert window.rect().contains(lens.geometry()) and not lens.geometry().contains(x, y)
    QtTest.QTest.keyClick(window, Qt.Key_F7, Qt.ShiftModifier)
    assert not lens.isVisible()


def test_ctrl_and_a_double_press_give_a_panel_the_window(window):
    key(window, Qt.Key_F5)
    inner = window.panels["game"].findChildren(QtWidgets.QWidget)[0]
    QtTest.QTest.mouseDClick(inner, Qt.LeftButton, Qt.ControlModifier)
    assert window.layouts.maximised == "game"
    QtTest.QTest.mouseDClick(inner, Qt.LeftButton, Qt.ControlModifier)
    assert window.layouts.maximised is None
    key(window, Qt.Key_F5)
    QtTest.QTest.mouseDClick(inner, Qt.LeftButton, Qt.ControlModifier)
    assert window.layouts.maximised is None, "only while presenting"
