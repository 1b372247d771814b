"""The zoo in the window: what is read when, what opens where, downloads, files dropped on the window, recent agents."""

import hashlib
from pathlib import Path

import pytest
import tiny_agents
from fakes import FakeSession
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from test_agent_dialog import ELSEWHERE, STAGES, png
from web import Page, Web

from zoo_gui import library as library_module
from zoo_gui.agents import catalogue
from zoo_gui.agents.fetching import transfer
from zoo_gui.app import MainWindow, dropped_ids
from zoo_gui.engine import server as server_module
from zoo_gui.library import Library
from zoo_gui.menus import RecentMenu, _shortened
from zoo_gui.session import Session
from zoo_gui.settings import Settings, config_path
from zoo_gui.types import Progress
from zoo_gui.widgets.zoo import ZooPanel

Qt = QtCore.Qt


class FakeLibrary(QtCore.QObject):
    entries_read = QtCore.Signal(object)
    thumbnail_read = QtCore.Signal(str, object)

    def __init__(self):
        super().__init__()
        self.reads, self.wanted = 0, []

    def read(self):
        self.reads += 1

    def want_thumbnail(self, entry):
        self.wanted.append(entry.id)


class ZooSession(FakeSession):
    loading_changed = QtCore.Signal(object)

    def __init__(self):
        super().__init__()
        self.library = FakeLibrary()


@pytest.fixture
def panel(qtbot):
    panel = ZooPanel(ZooSession())
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.session.library.reads == 1)
    panel.session.library.entries_read.emit([*STAGES, *ELSEWHERE])
    return panel


def row(panel, id):
    panel.browser.table.selectRow(panel.browser.model.row_of(id))


def test_the_catalogue_is_read_when_somebody_looks(qtbot):
    panel = ZooPanel(ZooSession())
    qtbot.addWidget(panel)
    panel._behind = True
    panel.show()
    qtbot.wait(20)
    assert panel.session.library.reads == 0
    panel.seen_changed(True)
    qtbot.waitUntil(lambda: panel.session.library.reads == 1)
    panel.seen_changed(False)
    panel.seen_changed(True)
    qtbot.wait(20)
    assert panel.session.library.reads == 1


def test_opening(panel, qtbot):
    opened = []
    panel.opened.connect(lambda *args: opened.append(args))
    row(panel, "a2c/Pong/1")
    qtbot.keyClick(panel.browser.table, Qt.Key_Return)
    qtbot.keyClick(panel.browser.table, Qt.Key_Enter, Qt.ShiftModifier)
    buttons = {button.text(): button for button in panel.findChildren(QtWidgets.QPushButton)}
    buttons["Open"].click()
    buttons["Open beside"].click()
    assert opened == [("a2c/Pong/1", beside) for beside in (False, True, False, True)]
    buttons["Read again"].click()
    assert panel.session.library.reads == 2


def test_pictures_are_asked_for_as_they_are_seen(panel):
    panel.grab()
    library = panel.session.library
    assert set(library.wanted) == {entry.id for entry in STAGES if entry.thumbnail}
    library.thumbnail_read.emit("a2c/Pong/1", png())
    assert panel.browser.model.picture(STAGES[2]) is not None


def test_a_download_is_shown_and_can_be_cancelled(panel, qtbot):
    session, model, id = panel.session, panel.browser.model, "dopamine:dqn/Pong/1"
    session.loading_changed.emit({"load 1": id})
    assert model.loading(id) == ("loading …", None)
    session.progressed.emit("load 1", Progress(0, 0, "x"))
    assert model.loading(id) == ("0.0 MB", None)
    session.progressed.emit("load 1", Progress(3_000_000, 12_000_000, "x"))
    assert model.loading(id) == ("3.0 of 12.0 MB", 0.25)
    session.progressed.emit("another job", Progress(1, 2))
    row(panel, id)
    place = panel.browser.table.visualRect(model.index(model.row_of(id), 5)).center()
    qtbot.mouseClick(panel.browser.table.viewport(), Qt.LeftButton, pos=place)
    assert session.called("cancel") == [("load 1",)]
    session.loading_changed.emit({})
    assert model.loading(id) is None and session.library.reads == 2


def test_what_was_loaded_without_a_download_changes_no_row(panel):
    panel.session.loading_changed.emit({"load 1": "a2c/Pong/1"})
    panel.session.loading_changed.emit({})
    assert panel.session.library.reads == 1


# -- the library ----------------------------------------------------------------------------------------------------
@pytest.fixture
def library(qtbot):
    library = Library()
    yield library
    library.close()


def test_the_library_reads_in_its_own_thread(library, qtbot):
    with qtbot.waitSignal(library.entries_read, timeout=10_000) as read:
        library.read()
    assert read.args[0] == catalogue.entries()
    entry = next(entry for entry in read.args[0] if entry.thumbnail)
    with qtbot.waitSignal(library.thumbnail_read) as picture:
        library.want_thumbnail(entry)
    assert picture.args == [entry.id, catalogue.read_thumbnail(entry)]


def test_many_pictures_come_one_after_the_other(library, qtbot, monkeypatch):
    monkeypatch.setattr(catalogue, "read_thumbnail", lambda entry: None if entry.id == "apex/Qbert/1" else b"png")
    got = []
    library.thumbnail_read.connect(lambda id, data: got.append(id))
    for entry in STAGES * 20:
        library.want_thumbnail(entry)
    qtbot.waitUntil(lambda: len(got) == 60)
    library.want_thumbnail(STAGES[0])
    qtbot.waitUntil(lambda: len(got) == 61)


def test_the_persons_folders_come_second_for_they_take_time(monkeypatch):
    monkeypatch.setattr(catalogue, "entries", lambda only=None: [1, 2] if only is None else [1])
    assert list(library_module._entries()) == [[1], [1, 2]]
    monkeypatch.setattr(catalogue, "entries", lambda only=None: [1])
    assert list(library_module._entries()) == [[1]]


def test_a_catalogue_that_cannot_be_read_is_a_sentence(library, qtbot, monkeypatch):
    monkeypatch.setattr(catalogue, "entries", lambda only=None: 1 / 0)
    with qtbot.waitSignal(library.failed) as said:
        library.read()
    assert "ZeroDivisionError" in said.args[0]


def test_after_closing_nothing_comes(library, qtbot):
    library.close()
    library.read()
    library.want_thumbnail(STAGES[0])
    library.close()


# -- the window -----------------------------------------------------------------------------------------------------
@pytest.fixture
def window(qtbot):
    """A window without an engine; what it asks the engine for is kept in ``sent``."""
    window = MainWindow(Session(), Settings())
    window.sent = []
    window.session._send = lambda name, **keywords: window.sent.append((name, keywords))
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


def loads(window):
    return [(keywords["agent_id"], keywords["lane"]) for name, keywords in window.sent if name == "load"]


def mime(*urls, text="") -> QtCore.QMimeData:
    data = QtCore.QMimeData()
    if urls:
        data.setUrls([QtCore.QUrl(url) for url in urls])
    if text:
        data.setText(text)
    return data


def drop(window, data, target=None) -> bool:
    """Drag over a widget and let go, as Qt delivers it; whether it was taken."""
    target = target or window
    at = QtCore.QPoint(5, 5)
    application = QtWidgets.QApplication.instance()
    for kind in (QtGui.QDragEnterEvent, QtGui.QDropEvent):
        event = kind(at, Qt.CopyAction | Qt.MoveAction, data, Qt.LeftButton, Qt.NoModifier)
        event.ignore()
        application.sendEvent(target, event)
        if not event.isAccepted():
            return False
    return True


@pytest.mark.parametrize("data, ids", [
    (mime("file:///a/b.pt"), ["/a/b.pt"]),
    (mime("file:///a%20b/", "https://h/x.zip"), ["/a b/", "https://h/x.zip"]),
    (mime(text="https://h/x.zip"), ["https://h/x.zip"]),
    (mime(text="hf:sb3/ppo-PongNoFrameskip-v4"), ["hf:sb3/ppo-PongNoFrameskip-v4"]),
    (mime(text="some words"), []), (mime("data:text/plain,x"), []), (mime(), []),
])  # fmt: skip
def test_what_can_be_dropped(data, ids):
    assert dropped_ids(data) == ids


def test_a_dropped_file_opens(window, tmp_path):
    assert drop(window, mime(f"file://{tmp_path}/agent.pt"))
    assert loads(window) == [(f"{tmp_path}/agent.pt", 0)]
    assert not drop(window, mime(text="nothing of ours")) and len(loads(window)) == 1


def test_several_files_stand_side_by_side_up_to_four(window, qtbot):
    with qtbot.waitSignal(window.session.message) as said:
        drop(window, mime(*(f"file:///agent{n}.pt" for n in range(6))))
    assert loads(window) == [("/agent0.pt", 0), ("/agent1.pt", None), ("/agent2.pt", None), ("/agent3.pt", None)]
    assert said.args[0] == "warning" and "2 were not opened" in said.args[1]


def test_files_can_be_dropped_on_any_panel(window):
    """Also on graphics views, which offer drags to their scenes, and on fields, which would take a path as text."""
    for name, panel in window.panels.items():
        window.show_panel(name)
        views = panel.findChildren(QtWidgets.QAbstractScrollArea)
        for widget in [panel, *(view.viewport() for view in views), *panel.findChildren(QtWidgets.QLineEdit)]:
            if widget.window() is not window:  # the list of a combo box
                continue
            window.sent.clear()
            assert drop(window, mime("file:///a.pt"), widget) and loads(window) == [("/a.pt", 0)], f"{name}: {widget}"


def test_the_panel_opens_in_the_active_column_or_beside(window):
    window.show_panel("zoo")
    panel = window.panels["zoo"]
    panel.opened.emit("ppo/Pong/1", False)
    panel.opened.emit("ppo/Breakout/1", True)
    assert loads(window) == [("ppo/Pong/1", 0), ("ppo/Breakout/1", None)]


def test_the_zoo_is_a_tab_that_is_not_in_front(window, qtbot):
    qtbot.wait(50)
    assert window.docks["zoo"] in window.tabifiedDockWidgets(window.docks["activations"])
    assert not window.panels["zoo"].is_seen and window.panels["activations"].is_seen
    window.commands.call("zoo")
    qtbot.waitUntil(lambda: window.panels["zoo"].is_seen)
    qtbot.waitUntil(lambda: len(window.panels["zoo"].browser.model.shown) > 2000, timeout=10_000)
    assert window.focusWidget() is window.panels["zoo"].browser.search


def test_a_layout_from_before_the_zoo_still_applies(window, qtbot):
    dock = window.docks["zoo"]
    window.removeDockWidget(dock)
    window.layouts._kept[window.layouts._key] = window_state(window)
    window.layouts._apply()
    assert window.dockWidgetArea(dock) != Qt.NoDockWidgetArea
    assert dock in window.tabifiedDockWidgets(window.docks["activations"])


def window_state(window) -> str:
    import base64

    other = QtWidgets.QMainWindow()
    for name in ("game", "activations"):
        dock = QtWidgets.QDockWidget(other)
        dock.setObjectName(name)
        other.addDockWidget(Qt.LeftDockWidgetArea, dock)
    return base64.b64encode(bytes(other.saveState(1))).decode()


def test_letters_are_commands_until_the_search_is_clicked(window, qtbot):
    window.show_panel("zoo")
    qtbot.wait(20)
    assert not isinstance(window.focusWidget(), (QtWidgets.QLineEdit, QtWidgets.QComboBox))


def test_a_folder_of_the_persons_is_listed(window, qtbot, tmp_path, monkeypatch):
    tiny_agents.write(tmp_path / "mine" / "one")
    monkeypatch.setattr(QtWidgets.QFileDialog, "getExistingDirectory", lambda *a, **k: str(tmp_path / "mine"))
    got = []
    window.session.library.entries_read.connect(got.append)
    window.panels["zoo"].folder_wanted.emit()
    qtbot.waitUntil(lambda: any(entry.source == "folder" for entries in got for entry in entries), timeout=10_000)
    assert Settings().get("zoo/folders") == [str(tmp_path / "mine")]


def test_recent_agents_that_are_gone_are_grey_with_the_reason(window, qtbot, tmp_path):
    here = tmp_path / "here.pt"
    here.write_bytes(b"x")
    ids = ["ppo/Pong/1", str(here), str(tmp_path / "gone.pt"), str(tmp_path / "no" / "x.pt"), "https://h/x.zip"]
    window.settings.set("play/agents", ids)
    menu = window.menuBar().findChild(RecentMenu)
    menu.aboutToShow.emit()
    qtbot.waitUntil(lambda: not all(action.isEnabled() for action in menu.actions()))
    assert [action.isEnabled() for action in menu.actions()] == [True, True, False, False, True]
    assert "the file is gone" in menu.actions()[2].text() and "its folder is gone" in menu.actions()[3].text()
    menu.actions()[0].trigger()
    assert loads(window) == [("ppo/Pong/1", 0)]


def test_nothing_recent(window):
    menu = window.menuBar().findChild(RecentMenu)
    menu.aboutToShow.emit()
    assert [action.isEnabled() for action in menu.actions()] == [False]


def test_long_paths_are_shortened_in_menus():
    assert _shortened("ppo/Pong/1") == "ppo/Pong/1"
    assert _shortened("/home/somebody/" + "x" * 60 + "/a/b&c/d.pt") == "…/a/b&&c/d.pt"


def test_cancelling_a_load_ends_it_here_and_in_the_engine(window):
    session = window.session
    session.load("dopamine:dqn/Pong/1")
    ((key, id),) = session.loading.items()
    assert id == "dopamine:dqn/Pong/1"
    session._on_progress(key, Progress(1_000_000, 4_000_000, "DQN · Pong"))
    assert session.status["download"] == "25%" and "DQN · Pong" in session.status["loading"]
    session._on_progress(key, Progress(1_000_000, 0, "DQN · Pong"))
    assert session.status["download"] == "1.0 MB"
    session.cancel(key)
    assert session.loading == {} and session.status["download"] is None
    assert ("cancel", {"key": key}) in window.sent and session.status["state"] == "stopped"


# -- the engine -----------------------------------------------------------------------------------------------------
@pytest.fixture
def web(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ZOO_GUI_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    web = Web()
    yield web
    web.close()


def test_the_engine_downloads_before_it_loads_and_can_be_told_to_stop(web, tmp_path, monkeypatch):
    """The server in this process, without its main loop: what it would send is kept."""
    card = tiny_agents.write(tmp_path)
    data = (tmp_path / "weights.safetensors").read_bytes()
    cards = config_path().parent / "cards"
    cards.mkdir(parents=True)
    (cards / f"{hashlib.sha256(data).hexdigest()}.toml").write_text(card.to_toml())
    web.pages["/slow.safetensors"] = Page(data, pause=0.2)
    sent = []
    server = server_module.Server(None)
    monkeypatch.setattr(server, "send", lambda *event: sent.append(event))
    from zoo_gui.engine.loading import load_lane

    job = load_lane(f"{web.url}/slow.safetensors", {}, lambda text: None)
    first = next(job)
    assert isinstance(first, Progress) and first.result is None
    job.close()
    web.pages["/slow.safetensors"].pause = 0.0
    *_, lane = load_lane(f"{web.url}/slow.safetensors", {}, lambda text: None)
    assert lane.agent_id == f"{web.url}/slow.safetensors" and lane.player.agent.card.algorithm == "tiny"
    server._deliver_load("load 1", "progress", (0, first))
    assert sent == [("progress", "load 1", first)]
    server.do_cancel("load 1")
    server._jobs.close()
    server._loader.close()


def test_a_download_that_fails_says_why_in_the_load(web, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    from zoo_gui.engine.loading import load_lane

    with pytest.raises(Exception, match="no such file.*At hand is"):
        list(load_lane(f"{web.url}/gone.pt", {}, lambda text: None))


def test_widgets_know_nothing_of_files():
    source = Path(library_module.__file__).parent / "widgets"
    for name in ("zoo.py", "zoo_browser.py", "zoo_table.py"):
        assert "open(" not in (source / name).read_text().replace("buffer.open(", "")


def test_tags_are_filtered_by_themselves(panel):
    browser = panel.browser
    tags = [browser.tag.itemText(i) for i in range(browser.tag.count())]
    assert tags[:2] == ["All tags", "final"] and "initial" in tags
    browser.tag.setCurrentText("initial")
    assert [entry.tag for entry in browser.model.shown] == ["initial"]
    browser.tag.setCurrentText("final")
    assert browser.model.shown and not any(entry.tag for entry in browser.model.shown)
