"""The wizard that asks what a file does not say: real clicks, and what it asks the engine."""

import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtTest, QtWidgets

from zoo_gui.types import CardReport, GuessRow, Preview
from zoo_gui.widgets.card_previews import TELLING, leader
from zoo_gui.widgets.card_wizard import CardWizard


def row(key, value, options=(), confidence=0.9, needed=False, unsure=False, chosen=False):
    return GuessRow(key, key.title(), value, confidence, "so it is", tuple(options), needed, unsure, chosen)


def report(*rows, card="format = 1"):
    return CardReport("/x/agent.pt", "PyTorch", rows, ("conv1  conv  32",), card, ())


ORDER = row("network.frame_order", "oldest-first", ["newest-first"], 0.4, unsure=True)
GAME = row("game", "", ["Pong", "Breakout"], 0.0, needed=True, unsure=True)


@pytest.fixture
def wizard(qtbot):
    made = CardWizard("/x/agent.pt")
    made.setAttribute(QtCore.Qt.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.asks = []
    made.asked.connect(lambda task, parameters: made.asks.append((task, parameters)))
    made.show()
    return made


def preview(name, gained=0.0, steps=TELLING, **more):
    return Preview(name, np.full((210, 160, 3), 90, np.uint8), steps=steps, gained=gained, **more)


def test_it_asks_reads_and_lets_choose(wizard, qtbot):
    wizard.start()
    assert wizard.asks == [("draft", {"path": "/x/agent.pt", "choices": {}})]
    wizard.show_report(report(ORDER, row("run", "1")))
    assert wizard.table.rowCount() == 2 and wizard.save.isEnabled()
    assert "Unsure: Network.Frame_Order" in wizard.status.text()
    qtbot.waitUntil(lambda: wizard.asks[-1][0] == "preview")
    assert wizard.asks[-1][1]["about"] == "network.frame_order"
    wizard.show_previews((preview("oldest-first", 1.0), preview("newest-first", 9.0)))
    tile = wizard.previews.tiles["newest-first"]
    assert tile.score.text() == "9  – ahead" and "ahead" not in wizard.previews.tiles["oldest-first"].score.text()
    assert tile.screen.pixmap().width() > 100
    QtTest.QTest.mouseClick(tile.button, QtCore.Qt.LeftButton)
    assert wizard.asks[-1] == ("draft", {"path": "/x/agent.pt", "choices": {"network.frame_order": "newest-first"}})


def test_a_value_may_be_typed_and_taken_back(wizard):
    wizard.show_report(report(GAME, card=""))
    assert not wizard.save.isEnabled() and "Missing: Game" in wizard.status.text()
    box = wizard.table.cellWidget(0, 1)
    assert [box.itemText(i) for i in range(box.count())] == ["Pong", "Breakout"] and box.currentText() == ""
    QtTest.QTest.keyClicks(box.lineEdit(), "Seaquest")
    QtTest.QTest.keyClick(box.lineEdit(), QtCore.Qt.Key_Return)
    assert wizard.choices == {"game": "Seaquest"} and wizard.isVisible()
    wizard.choose("game", " ")
    assert wizard.choices == {}


def test_the_card_is_saved_and_the_agent_opened(wizard, qtbot):
    wizard.show_report(report(ORDER))
    opened, stopped = [], []
    wizard.opened.connect(opened.append)
    wizard.stopped.connect(lambda: stopped.append(True))
    QtTest.QTest.mouseClick(wizard.save, QtCore.Qt.LeftButton)
    assert wizard.asks[-1][0] == "save_card" and stopped
    wizard.show_saved("/x/agent.pt.card.toml")
    assert opened == ["/x/agent.pt"] and not wizard.isVisible()


def test_faults_are_said(wizard):
    wizard.show_fault("agent.pt is damaged: get it again.")
    assert "cannot be opened" in wizard.heading.text() and "damaged" in wizard.status.text()
    assert not wizard.save.isEnabled()
    wizard.show_report(report(ORDER))
    wizard.show_previews((preview("a", fault="It lacks conv1."), preview("b")))
    assert wizard.previews.tiles["a"].screen.text() == "cannot play"
    assert wizard.previews.tiles["a"].screen.toolTip() == "It lacks conv1."


def test_names_of_files_are_not_markup(qtbot):
    wizard = CardWizard("/x/<b>bold<i>.pt")
    wizard.setAttribute(QtCore.Qt.WA_DeleteOnClose, False)
    qtbot.addWidget(wizard)
    assert "&lt;b&gt;bold" in wizard.heading.text()
    assert wizard.findChildren(QtWidgets.QComboBox) == []


@pytest.mark.parametrize(
    "previews, name",
    [
        ([preview("a", 3.0), preview("b", 5.0)], "b"),
        ([preview("a", 3.0), preview("b", 3.0)], None),
        ([preview("a", 3.0, steps=9), preview("b", 5.0)], None),
        ([preview("a", 3.0, fault="no"), preview("b", 1.0)], "b"),
        ([preview("a", 3.0)], None),
        ([], None),
    ],
)
def test_who_is_ahead(previews, name):
    assert leader(tuple(previews)) == name
