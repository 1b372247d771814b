"""Choosing an agent by mouse and keyboard."""

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.agents import catalogue
from zoo_gui.widgets.agent_dialog import AgentDialog


def make(qtbot):
    dialog = AgentDialog("Open an agent")
    qtbot.addWidget(dialog)
    dialog.set_entries(catalogue.entries())
    dialog.show()
    return dialog


def visible(dialog):
    return [dialog.table.item(row, 6).text() for row in range(dialog.table.rowCount())
            if not dialog.table.isRowHidden(row)]


def test_search_opens_what_is_seen(qtbot):
    dialog = make(qtbot)
    assert len(visible(dialog)) == len(catalogue.entries()) and dialog.selected_id() == catalogue.entries()[0].id
    qtbot.keyClicks(dialog.search, "ppo break")
    assert visible(dialog) == ["ppo/Breakout/1"] and "PPO" in dialog.description.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        qtbot.keyClick(dialog.search, QtCore.Qt.Key_Return)
    assert chosen.args == ["ppo/Breakout/1"]


def test_nothing_found_opens_nothing(qtbot):
    dialog = make(qtbot)
    qtbot.keyClicks(dialog.search, "no such agent")
    assert visible(dialog) == [] and dialog.selected_id() is None
    opened = []
    dialog.chosen.connect(opened.append)
    button = dialog.findChild(QtWidgets.QDialogButtonBox).button(QtWidgets.QDialogButtonBox.Open)
    qtbot.mouseClick(button, QtCore.Qt.LeftButton)
    assert opened == [] and "No agent" in dialog.description.text()
    dialog.search.clear()
    assert dialog.selected_id() is not None
    dialog.reject()
