"""A mouse for panel tests."""

from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

Qt = QtCore.Qt


def drag_pixels(viewport, places, modifier=Qt.NoModifier):
    """Real mouse events along places; QTest's moves carry no button."""
    def send(kind, place, button, buttons):
        event = QtGui.QMouseEvent(kind, QtCore.QPointF(place), QtCore.QPointF(viewport.mapToGlobal(place)), button,
                                  buttons, modifier)  # fmt: skip
        QtWidgets.QApplication.sendEvent(viewport, event)

    QtTest.QTest.mouseMove(viewport, places[0])
    send(QtCore.QEvent.MouseButtonPress, places[0], Qt.LeftButton, Qt.LeftButton)
    for place in places:
        QtTest.QTest.qWait(15)  # pyqtgraph takes no more than some moves a second
        send(QtCore.QEvent.MouseMove, place, Qt.NoButton, Qt.LeftButton)
    send(QtCore.QEvent.MouseButtonRelease, places[-1], Qt.LeftButton, Qt.NoButton)
