"""Result folders in the window: real folders, a real thread that reads them, real clicks."""

import dataclasses
import json

import numpy as np
import pytest
from fakes import FakeSession, fake_lane
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import shelf as shelves
from zoo_gui.lab import Cell, Experiment
from zoo_gui.lab.folder import Folder
from zoo_gui.shelf import Shelf
from zoo_gui.types import ZooError
from zoo_gui.widgets.lab import LabPanel

Qt = QtCore.Qt
AGENTS = ("random/Breakout", "random/Pong")


@dataclasses.dataclass(frozen=True)
class Record:
    """What a sweep's result has: a figure, a table, numbers, a caption."""

    rows: tuple = ()
    caption: str = "Mean of 2 games an agent and level (2 seeds)."

    def table(self):
        return [dict(zip(("agent", "seed", "disturbance", "level", "score"), row)) for row in self.rows]

    def arrays(self):
        return {"score": np.array([row[-1] for row in self.rows])}

    def draw(self, figure):
        figure.set_size_inches(4, 2)
        figure.subplots().plot([row[-1] for row in self.rows])


ROWS = (("random/Breakout", 0, "sticky", 0.0, 12.0), ("random/Breakout", 1, "sticky", 0.25, 3.5),
        ("random/Pong", 1, "sticky", 0.25, float("nan")), ("none", 1, "sticky", 0.25, -20.0))  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    experiment = Experiment("scores", AGENTS, seeds=(0, 1), title="Sticky <actions>", settings={"limit": 3})
    with Folder.held(tmp_path / "sticky", experiment) as made:
        made.write_result(Record(ROWS))
    return made


class LabSession(FakeSession):
    def __init__(self, *args):
        super().__init__(*args)
        self.shelf = Shelf(self)


@pytest.fixture
def panel(qtbot):
    session = LabSession((fake_lane(),))
    made = LabPanel(session)
    qtbot.addWidget(made)
    made.resize(700, 560)
    made.show()
    yield made
    session.shelf.close()


def opened(panel, folder, qtbot):
    with qtbot.waitSignal(panel.session.shelf.opened, timeout=10_000):
        panel.open(str(folder.path))
    return panel


def click(table, row, qtbot, double=False, modifier=Qt.NoModifier):
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.LeftButton, modifier, place)
    if double:
        qtbot.mouseDClick(table.viewport(), Qt.LeftButton, modifier, place)


def texts(table, column):
    model = table.model()
    return [model.data(model.index(row, column)) for row in range(model.rowCount())]


def test_a_folder_shows_its_figure_its_caption_and_its_numbers(panel, folder, qtbot):
    opened(panel, folder, qtbot)
    assert "Sticky &lt;actions&gt;" in panel.said.text() and "2 agents · 2 seeds" in panel.said.text()
    assert panel.caption.text() == Record.caption and panel.figure.image.width() > panel.figure.image.height() > 100
    assert texts(panel.numbers, 0) == [row[0] for row in ROWS] and texts(panel.numbers, 4) == ["12", "3.5", "–", "−20"]
    assert [panel.tabs.tabText(i) for i in range(panel.tabs.count())] == ["Numbers (4)", "Provenance"]
    box = panel.figure.box
    assert box.width() > 200 and abs(box.width() / box.height() - 2) < 0.05 and panel.figure.rect().contains(box)


def test_a_click_on_a_column_sorts_and_what_is_missing_comes_last(panel, folder, qtbot):
    opened(panel, folder, qtbot)
    header = panel.numbers.horizontalHeader()
    place = QtCore.QPoint(header.sectionViewportPosition(4) + 8, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.LeftButton, pos=place)
    assert texts(panel.numbers, 4) == ["−20", "3.5", "12", "–"]
    qtbot.mouseClick(header.viewport(), Qt.LeftButton, pos=place)
    assert texts(panel.numbers, 4) == ["12", "3.5", "−20", "–"]
    qtbot.mouseClick(panel.copy_button, Qt.LeftButton)
    lines = QtWidgets.QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[3:] == ["level", "score"] and lines[1].split("\t")[-1] == "12" and len(lines) == 5


def test_a_row_opens_its_agent_with_its_seed_and_its_level(panel, folder, qtbot):
    opened(panel, folder, qtbot)
    wanted = []
    panel.wanted.connect(lambda *args: wanted.append(args))
    click(panel.numbers, 1, qtbot)
    assert panel.link_bar.isVisible() and "random/Breakout, seed 1, sticky 0.25" in panel.link_words.text()
    qtbot.mouseClick(panel.watch_button, Qt.LeftButton)
    qtbot.mouseClick(panel.beside_button, Qt.LeftButton)
    options = {"seed": 1, "disturbance": {"sticky": 0.25}}
    assert wanted == [("random/Breakout", beside, options) for beside in (False, True)]
    click(panel.numbers, 2, qtbot, double=True)
    qtbot.keyClick(panel.numbers, Qt.Key_Return, Qt.ShiftModifier)
    assert wanted[2:] == [("random/Pong", beside, options) for beside in (False, True)]
    click(panel.numbers, 3, qtbot, double=True)
    assert len(wanted) == 4 and not panel.link_bar.isVisible()


def test_failed_cells_are_listed(panel, folder, qtbot):
    cells = [Cell("scores", f"random/Pong · seed {seed}", {"agent": "random/Pong", "seed": seed}) for seed in (0, 1)]
    folder.write("cells.json", json.dumps([{"key": cell.key, "name": cell.name} for cell in cells]))
    folder.write("failures.json", json.dumps({cells[1].key: {"sentence": "It has no legs."}}))
    opened(panel, folder, qtbot)
    assert panel.tabs.tabText(1) == "Failed (1)" and "1 failed" in panel.said.text()
    assert (texts(panel.failures, 0), texts(panel.failures, 1)) == (["random/Pong · seed 1"], ["It has no legs."])


def test_a_folder_of_something_else_is_one_sentence_and_what_was_open_stays(panel, folder, qtbot, tmp_path):
    opened(panel, folder, qtbot)
    with qtbot.waitSignal(panel.session.shelf.refused, timeout=10_000):
        panel.open(str(tmp_path))
    assert "experiment.toml" in panel.said.text() and panel.numbers.model().rowCount() == 4


@pytest.mark.parametrize("name, content", [("result.png", b"no picture"), ("result.csv", b"\xff\xfe\x00"),
                                           ("provenance.json", b"[1"), ("failures.json", b"{")])  # fmt: skip
def test_a_damaged_part_counts_as_missing(folder, name, content):
    (folder.path / name).write_bytes(content)
    found = shelves.read(folder.path)
    assert (found.figure is None) == (name == "result.png") and (not found.rows) == (name == "result.csv")


def test_a_damaged_experiment_is_refused(folder):
    (folder.path / "experiment.toml").write_text("kind = ")
    with pytest.raises(ZooError, match="experiment"):
        shelves.read(folder.path)


def test_the_numbers_are_saved_as_they_are(panel, folder, qtbot, tmp_path, monkeypatch):
    opened(panel, folder, qtbot)
    to = tmp_path / "numbers.csv"
    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", lambda *a, **k: (str(to), ""))
    with qtbot.waitSignal(panel.session.shelf.copied, timeout=10_000):
        qtbot.mouseClick(panel.save_button, Qt.LeftButton)
    assert to.read_bytes() == (folder.path / "result.csv").read_bytes()
    with qtbot.waitSignal(panel.session.shelf.copied, timeout=10_000):  # over itself
        panel.session.shelf.copy_numbers(str(folder.path), str(folder.path / "result.csv"))
    with qtbot.waitSignal(panel.session.shelf.failed, timeout=10_000) as said:
        panel.session.shelf.copy_numbers(str(folder.path), str(tmp_path / "none" / "numbers.csv"))
    assert "cannot be written" in said.args[0]


def test_what_is_dropped_is_sorted_out(panel, folder, qtbot, tmp_path):
    with qtbot.waitSignal(panel.session.shelf.sorted_out, timeout=10_000) as sorted_out:
        panel.session.shelf.sort_out([str(tmp_path), str(folder.path), "hf:a/b"])
    assert sorted_out.args == [[str(folder.path)], [str(tmp_path), "hf:a/b"]]


def test_a_click_on_the_figure_gives_it_a_window(panel, folder, qtbot):
    opened(panel, folder, qtbot)
    qtbot.mouseClick(panel.figure, Qt.LeftButton, pos=panel.figure.box.center())
    window = panel._window
    assert window.isVisible() and window.windowTitle() == "Sticky <actions>"
    window.close()


def test_recent_folders_and_runs_without_a_name_are_offered(panel, folder, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_GUI_CACHE", str(tmp_path))
    with Folder.held(tmp_path / "experiments" / "x1", Experiment("scores", AGENTS, title="A run")):
        pass
    panel.set_recent([str(folder.path)])
    with qtbot.waitSignal(panel.session.shelf.listed, timeout=10_000):
        QtCore.QTimer.singleShot(0, lambda: panel.recent_menu.popup(panel.mapToGlobal(QtCore.QPoint(0, 0))))
    texts = [action.text() for action in panel.recent_menu.actions() if not action.isSeparator()]
    assert len(texts) == 2 and texts[0].endswith("sticky") and texts[1] == "A run"
    with qtbot.waitSignal(panel.session.shelf.opened, timeout=10_000):
        panel.recent_menu.actions()[-1].trigger()
    panel.recent_menu.close()
    assert "A run" in panel.said.text()
