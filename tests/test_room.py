"""Words and panels in places that are too small for them: nothing is cut, nothing makes the window larger."""

from __future__ import annotations

import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.widgets.colour_bar import ColourBar
from zoo_gui.widgets.controls import Fitted
from zoo_gui.widgets.inks import tick_font
from zoo_gui.widgets.plots_chart import StepsAxis, columns_for, least_size
from zoo_gui.widgets.room import Room, only_front


def content_of(least, floor=(0, 0)):
    content, part = QtWidgets.QWidget(), QtWidgets.QWidget()
    part.setMinimumSize(*least)
    content.setMinimumSize(*floor)
    column = QtWidgets.QVBoxLayout(content)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(part)
    return content, part


@pytest.mark.parametrize(("size", "bars"), [((400, 300), (False, False)), ((400, 150), (True, False)),
                                            ((200, 300), (False, True)), ((200, 150), (True, True))])  # fmt: skip
def test_a_place_that_is_too_small_scrolls(qtbot, size, bars):
    content, part = content_of((300, 200))
    room = Room(content)
    qtbot.addWidget(room)
    room.resize(*size)
    room.show()
    qtbot.waitExposed(room)
    assert (room.verticalScrollBar().maximum() > 0, room.horizontalScrollBar().maximum() > 0) == bars
    assert part.width() >= 300 and part.height() >= 200
    part.setMinimumHeight(900)  # it comes to need more
    qtbot.waitUntil(lambda: room.widget().height() == 900 and room.verticalScrollBar().maximum() > 0)


def test_a_place_asks_for_what_its_content_says_and_never_for_much(qtbot):
    for least, floor, asked in (((900, 700), (0, 0), (300, 200)), ((900, 700), (240, 160), (240, 160)),
                                ((90, 70), (0, 0), (90, 70))):  # fmt: skip
        room = Room(content_of(least, floor)[0])
        qtbot.addWidget(room)
        assert room.minimumSizeHint() == QtCore.QSize(*asked)


def test_tabs_ask_for_what_the_page_in_front_needs(qtbot):
    tabs = QtWidgets.QTabWidget()
    qtbot.addWidget(tabs)
    for height in (50, 500):
        tabs.addTab(content_of((50, height))[0], str(height))
    only_front(tabs)
    small = tabs.minimumSizeHint().height()
    tabs.setCurrentIndex(1)
    assert small < 200 and tabs.minimumSizeHint().height() > 500


def test_words_that_fit_are_said(qtbot):
    label = Fitted("A tip.")
    qtbot.addWidget(label)
    ways = "90 of the last 120 steps", "90 of 120 steps", "90 of 120"
    label.say(*ways)
    label.show()
    widths = [label.fontMetrics().horizontalAdvance(way) for way in ways]
    for way, width in zip(ways, widths):
        label.resize(width + 1, 20)
        assert label.text() == way and label.accessibleName() == ways[0]
        assert label.toolTip() == ("A tip." if way == ways[0] else f"{ways[0]}\nA tip.")
    label.resize(widths[-1] - 12, 20)
    assert label.text().endswith("…") and label.text() != ways[-1]
    label.resize(widths[0] + 1, 20)
    label.say("no steps yet")
    assert label.text() == "no steps yet" and label.toolTip() == "A tip."


@pytest.mark.parametrize("size", [60, 150, 600])
@pytest.mark.parametrize("span", [7, 300, 10_000])
def test_numbers_along_time_stand_apart(qapp, size, span):
    (step, first), = StepsAxis("bottom").tickSpacing(0, span, size)
    widest = QtGui.QFontMetricsF(tick_font()).horizontalAdvance(str(span))
    assert first == 0 and step * size / span > widest


def test_plots_are_no_narrower_than_their_numbers_need(qapp):
    assert columns_for(5, 600, 60) == 5 and columns_for(5, 600, 60, least=250) == 2
    assert columns_for(5, 100, 60, least=250) == 1 and columns_for(0, 100, 60, least=250) == 1
    assert all(side > 0 for side in least_size())


def test_a_colour_bar_without_room_says_its_level_once(qapp):
    bar = ColourBar("text")
    bar.set_levels("−0.25", "0.25")
    assert bar.least_width() >= QtGui.QFontMetricsF(bar._font).horizontalAdvance("−0.250.25") + 16
    pictures = []
    for width in (bar.least_width(), bar.least_width() - 30):
        bar.set_box(QtCore.QRectF(0, 0, width, 16))
        picture = QtGui.QImage(120, 16, QtGui.QImage.Format_RGB32)
        picture.fill(QtCore.Qt.black)
        painter = QtGui.QPainter(picture)
        bar.paint(painter, None)
        painter.end()
        pictures.append([any(picture.pixelColor(x, y).lightness() > 60 for y in range(16)) for x in range(120)])
    assert pictures[0][:12].count(True) > 3 and not any(pictures[1][:8])  # the low level stands left, or not at all
