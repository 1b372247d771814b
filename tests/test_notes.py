"""Notes and bookmarks, what of them outlives a crash and an opened session; the way from a link to the window."""

import base64
import json
import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import leftovers, notebook, saved
from zoo_gui.engine.saving import Opened
from zoo_gui.notebook import Notebook
from zoo_gui.restoring import Restorer
from zoo_gui.saved import SavedSessions
from zoo_gui.settings import Settings
from zoo_gui.types import Progress, Unit, ZooError
from zoo_gui.views import Place, View
from zoo_gui.widgets.notes import NotesPanel

MARK = {"link": "ppo/Breakout/1?seed=3&step=9", "label": "here", "place": "step 9, seed 3", "picture": "", "notes": [],
        "moment": 9}  # fmt: skip


class Session(FakeSession):
    """Loads at once, and says at once where it is."""

    finished = QtCore.Signal(str)
    engine_died = QtCore.Signal()
    moments_forgotten = QtCore.Signal()
    notes: tuple[str, ...] = ()
    fault = ""  # why a link's changes cannot be made

    def __init__(self, *lanes):
        super().__init__(lanes)
        self.edits, self.disturbances, self.feed = {}, {}, SimpleNamespace(tick=0)
        self.placed = {}

    def __getattr__(self, name):
        if name not in ("pause", "play", "seek", "cancel", "remove_lane", "set_speed", "set_player"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, args))

    def load(self, agent_id, lane, **options):
        self.calls.append(("load", (agent_id, lane, options)))
        self.loading = {f"load {agent_id}": agent_id}
        return f"load {agent_id}"

    def loaded(self, *infos):
        self.placed |= self.loading
        self.loading = {}
        self.set_lanes(*infos)
        for info in infos:
            self.give_step(info.lane, fake_step(info))

    def go_to(self, places, driver):
        if self.fault:
            raise ZooError(self.fault)
        self.calls.append(("go_to", (places, driver)))
        return "journey"

    def where(self):
        return "where"

    def open_session(self, path, anyway):
        return "open session"

    def save_session(self, path, told, window, weights):
        return "save session"

    def adopt(self, changes):
        self.calls.append(("adopt", (changes,)))


@pytest.fixture
def window(qapp):
    made = QtWidgets.QMainWindow()
    lane = fake_lane(0)
    made.session = Session(lane)
    made.panels = {"notes": NotesPanel(made.session)}
    made.docks, made.commands = {"notes": None}, SimpleNamespace(parts=[])
    made.layouts = SimpleNamespace(current="Inspect", apply=lambda name: made.session.calls.append(("layout", (name,))))
    made.show_panel = lambda name: made.session.calls.append(("panel", (name,)))
    made.shown = []
    made.banner = SimpleNamespace(show_message=lambda *message: made.shown.append(message))
    made.saved = Saved(made)
    made.session.give_step(0, fake_step(lane))
    made.restorer = Restorer(made)
    made.books = []
    yield made
    for book in made.books:
        book.close()
    made.panels["notes"].deleteLater()
    made.deleteLater()


def opened(window):
    window.books.append(Notebook(window))
    return window.books[-1]


def named(lane, agent_id):
    return replace(fake_lane(lane), agent_id=agent_id)


class Saved(QtCore.QObject):
    saved, replacing = QtCore.Signal(str, object), QtCore.Signal(object, object)

    def stop_opening(self):
        self.parent().session.calls.append(("stop_opening", ()))


# -- links ----------------------------------------------------------------------------------------------------------
def test_a_link_loads_what_is_missing_goes_there_and_selects(qtbot, window):
    session = window.session
    arrived = []
    window.restorer.arrived.connect(arrived.append)
    view = View.of_link("a/1+b/1?seed=3&step=9&b.unit=fc:3&saliency=action&layout=Talk&speed=max&play=1&b.seed=4")
    window.restorer.show(view)
    assert session.called("load") == [("a/1", 0, {"seed": 3})]
    session.loaded(named(0, "a/1"))
    qtbot.waitUntil(lambda: len(session.called("load")) == 2)
    assert session.called("load")[1] == ("b/1", None, {"seed": 4})
    session.loaded(named(0, "a/1"), named(1, "b/1"))
    qtbot.waitUntil(lambda: bool(session.called("go_to")))
    assert session.called("go_to") == [([Place(3, 0, 9), Place(4, 0, 9)], None)]
    session.progressed.emit("journey", Progress(1, 1, "there", ("not quite",)))
    session.finished.emit("journey")
    assert arrived == [view] and session.called("select") == [(1, Unit("fc", 3))]
    assert session.called("set_speed") == [(None,)] and session.called("layout") == [("Talk",)]
    assert session.called("play") and session.saliency == "action" and not going(window.restorer.errand)


def test_a_later_link_takes_the_place_of_an_earlier_and_a_wrong_one_is_a_sentence(qtbot, window):
    session, said, left = window.session, [], []
    session.message.connect(lambda level, sentence: said.append(sentence))
    window.restorer.given_up.connect(left.append)
    session.loaded(named(0, "a/1"))
    window.restorer.open("a/1?seed=1")
    window.restorer.open("a/1?seed=2")
    assert [places[0].seed for places, _ in session.called("go_to")] == [1, 2]
    assert session.called("cancel") == [("journey",)]
    session.failed.emit("journey", "It is not there.")
    assert said == ["It is not there."] and len(left) == 1
    window.restorer.open("a/1?sed=2")
    assert "“sed”" in said[-1]
    window.restorer.open("nobody/1?seed=2")
    session.loading = {}
    session.loading_changed.emit({})  # it could not be loaded, as the session has said
    qtbot.waitUntil(lambda: len(left) == 2)


def going(errand):
    """Whether there is something that the button in the status bar would end."""
    return errand._stopped is not None


def heard(signal):
    found = []
    signal.connect(lambda *told: found.append(told[-1]))
    return found


def test_what_is_superseded_does_not_come_later(qtbot, window):
    session, left = window.session, heard(window.restorer.given_up)
    window.restorer.open("a/1?seed=1")
    window.restorer.open("b/1?seed=2")
    assert session.called("cancel") == [("load a/1",)] and session.called("load")[-1] == ("b/1", 0, {"seed": 2})
    session.loading = {}
    session.set_lanes(fake_lane(0))  # infos made anew, as another lane's coming makes them: the load failed
    qtbot.waitUntil(lambda: len(left) == 1)
    assert window.restorer.missing(left[0]) == [("b/1", {})]


def test_a_change_that_cannot_be_made_is_a_sentence(window):
    session, left, said = window.session, heard(window.restorer.given_up), heard(window.session.message)
    session.loaded(named(0, "a/1"))
    session.fault = "There is no layer “nolayer”."
    window.restorer.open("a/1?edit=nolayer:3*0")
    assert said == [session.fault] and len(left) == 1 and not going(window.restorer.errand)


def test_a_step_that_comes_late_or_never(qtbot, window):
    session, restorer = window.session, window.restorer
    arrived, left, stopped = (heard(one) for one in (restorer.arrived, restorer.given_up, restorer.stopped))
    info = named(0, "a/1")
    session.set_lanes(info)
    restorer.open("a/1?step=3")
    session.finished.emit("journey")
    assert not arrived
    session.give_step(0, fake_step(info))
    qtbot.waitUntil(lambda: len(arrived) == 1)
    session.set_lanes(info)
    restorer.open("a/1?step=4")
    session.finished.emit("journey")
    session.status["state"] = "stopped"
    session.stale_changed.emit(True)
    assert len(left) == len(stopped) == 1 and not going(restorer.errand)
    restorer.current(lambda *view: None)
    session.failed.emit("where", "Nobody knows.")
    restorer.current(lambda *view: None)
    session.engine_died.emit()
    assert not restorer._asked


def test_a_view_that_no_link_says_is_a_sentence(window):
    session, told, said = window.session, [], heard(window.session.message)
    for agent_id, words in (("/a\udcff/x.zip", "no link can carry"), ("/x" * 5000, "too long")):
        session.loaded(named(0, agent_id))
        window.restorer.current(lambda *view: told.append(view))
        session.progressed.emit("where", Progress(1, 1, "there", ((Place(3, 1, 40),), ())))
        assert words in said[-1] and not told


def test_the_view_on_screen_as_a_link(window):
    session, told = window.session, []
    session.loaded(named(0, "a/1"))
    session.select(0, Unit("conv2", 7))
    window.restorer.current(lambda *view: told.append(view))
    session.progressed.emit("where", Progress(1, 1, "there", ((Place(3, 1, 40),), ("a person played",))))
    view, notes = told[0]
    assert view.link() == "a/1?seed=3&episode=1&step=40&unit=conv2:7&layout=Inspect&speed=1"
    assert notes == ("a person played",)


# -- bookmarks ------------------------------------------------------------------------------------------------------
def test_a_bookmark_is_added_renamed_and_gone_to(qtbot, window):
    session, panel = window.session, window.panels["notes"]
    book = opened(window)
    book.do_bookmark()
    session.progressed.emit("where", Progress(1, 1, "there", ((Place(3, 0, 1234),), ())))
    assert panel.list.item(0).text().startswith("step 1,234, seed 3")
    panel.list.item(0).setText("the first brick\nwhatever")
    (kept,) = panel.bookmarks()
    assert kept["label"] == "the first brick" and View.of_link(kept["link"]).step == 1234
    assert panel.list.item(0).text() == f"the first brick\n{kept['place']}" and not panel.list.item(0).icon().isNull()
    moment = session.last_step(0).moment
    panel.opened.emit(kept)
    assert session.called("seek") == [(0, moment)]
    session.edits[0, Unit("fc", 1)] = (0.0, 0.0)  # then the moment would not be what it was
    panel.opened.emit(kept)
    assert len(session.called("seek")) == 1 and session.called("go_to")


def test_nonsense_from_a_file_is_left_out(window):
    panel = window.panels["notes"]
    wrong = [None, [], {}, {**MARK, "moment": "9"}, {**MARK, "picture": "é"}, {**MARK, "notes": [1]},
             {**MARK, "link": "x" * 10_000}]  # fmt: skip
    panel.restore(7, [*wrong, MARK])
    assert panel.text() == "" and panel.bookmarks() == [MARK]
    panel.restore("# é", None)
    assert panel.text() == "# é" and panel.bookmarks() == []


def test_a_picture_that_would_take_all_memory_is_not_unpacked(window, monkeypatch):
    unpacked = []
    monkeypatch.setattr(QtGui.QPixmap, "loadFromData", lambda self, data, kind: bool(unpacked.append(data)))
    panel = window.panels["notes"]
    small = base64.b64decode(notebook._picture(np.zeros((210, 160, 3), np.uint8)))
    wrong = [small[:16] + struct.pack(">II", *sides) + small[24:] for sides in ((12000, 48), (48, 257), (0, 48))]
    marks = [{**MARK, "picture": base64.b64encode(data).decode()} for data in (*wrong, b"BM" + small[2:], small[:24])]
    panel.restore("", [*marks, mark := {**MARK, "picture": base64.b64encode(small).decode()}])
    assert panel.bookmarks() == [mark] and unpacked == [small]


def test_a_crash_loses_nothing(qtbot, window):
    panel, book = window.panels["notes"], opened(window)
    panel.field.setPlainText("as far as I came")
    panel.restore(panel.text(), [MARK])
    book.keep()
    own = notebook._own_path()
    qtbot.waitUntil(own.is_file)
    own.rename(own.with_name("999999999.json"))  # of a process that is no more
    window.shown.clear()
    panel.restore("written since", [])
    later = opened(window)
    qtbot.waitUntil(lambda: bool(window.shown))
    level, sentence, (words, bring) = window.shown[0]
    assert sentence == "An earlier sitting left notes and 1 bookmark."
    bring()
    elsewhere = {**MARK, "moment": notebook.NOWHERE}  # moments of this sitting have the same ids
    assert panel.text() == "written since\n\nas far as I came" and panel.bookmarks() == [elsewhere]
    qtbot.waitUntil(lambda: not own.with_name("999999999.json").exists())
    qtbot.waitUntil(own.is_file)
    assert json.loads(own.read_text())["bookmarks"] == [elsewhere]
    notes, bookmarks = later.kept()
    window.saved.saved.emit("a.zoo", {"notes": notes, "bookmarks": bookmarks})  # nothing is to be offered any more
    qtbot.waitUntil(lambda: not own.exists())
    later.close()
    assert not own.exists()


def test_moments_of_another_engine_are_gone_to_by_their_links(window):
    session, panel, book = window.session, window.panels["notes"], opened(window)
    session.give_step(0, fake_step(session.lanes[0], moment=40))
    for seed in (3, 4):
        book.do_bookmark()
        session.progressed.emit("where", Progress(1, 1, "there", ((Place(seed, 0, 9),), ())))
        if seed == 3:
            session.moments_forgotten.emit()
    before, now = panel.bookmarks()
    assert before["moment"] == now["moment"] == 40, "an engine that is new counts from 0 again"
    assert [one["moment"] for one in book.kept()[1]] == [notebook.NOWHERE, 40]
    panel.opened.emit(before)
    assert not session.called("seek") and session.called("load") + session.called("go_to")
    panel.opened.emit(now)
    assert session.called("seek") == [(0, 40)] and session.called("stop_opening")


def full(*_):
    raise ZooError("The disk is full.")


def test_what_has_no_room_is_said_and_kept(qtbot, window, monkeypatch):
    said, panel, book = heard(window.session.message), window.panels["notes"], opened(window)
    panel.field.setPlainText("x" * 150_000)
    path = leftovers.own("notes", ".json").with_name("999999999.json")
    leftovers.write(path, json.dumps({"notes": "y" * 150_000, "bookmarks": []}))
    book.send(notebook.FIND, notebook._left)
    qtbot.waitUntil(lambda: bool(window.shown))
    with monkeypatch.context() as patch:
        patch.setattr(notebook.leftovers, "write", full)
        window.shown[0][2][1]()
        qtbot.waitUntil(lambda: said[-1] == "The disk is full.")
    assert path.is_file() and "no room for all" in said[-2]
    book.on_result(notebook.FIND, (path, json.loads(path.read_text())))
    window.shown[-1][2][1]()
    qtbot.waitUntil(lambda: not path.is_file())
    assert "y" * 150_000 in path.with_suffix(".kept").read_text()


def test_whose_the_left_ones_are():
    folder = leftovers.own("notes", ".json").parent
    ours = [leftovers.own("notes", ".json").name, leftovers.own("notes", ".json", 2).name]
    for name in (*ours, "1.json", "1-ab.json", "²-a.json", "999999999-ab.json", f"{notebook.os.getpid()}-another.json"):
        leftovers.write(folder / name, "x")
    found = {path.name for path in leftovers.left("notes", ".json")}
    assert found == {"999999999-ab.json", f"{notebook.os.getpid()}-another.json"}


# -- sessions -------------------------------------------------------------------------------------------------------
@pytest.fixture
def sitting(window, monkeypatch):
    """The window with what saves and opens sessions."""
    monkeypatch.setattr(saved, "of_session", lambda *_, **__: {})
    window.settings, window.session.region = Settings(), None
    window.layouts.state, window.layouts.restore_state = lambda: "", lambda text: None
    window.saved = SavedSessions(window)
    window.notebook = opened(window)
    return window


def place_session(window, **kept):
    window.saved.open(Path("a.zoo"))
    window.session.progressed.emit("open session", Progress(1, 1, "opened", Opened(kept, (), True, 5, ())))


def test_opening_a_session_loses_no_notes(qtbot, sitting):
    panel, mark = sitting.panels["notes"], {**MARK, "moment": 2}
    panel.restore("not saved", [MARK])
    place_session(sitting, notes="the session's", bookmarks=[mark])
    assert panel.text() == "the session's" and panel.bookmarks() == sitting.notebook.kept()[1] == [mark]
    sitting.session.moments_forgotten.emit()
    assert sitting.notebook.kept()[1] == [{**mark, "moment": notebook.NOWHERE}]
    level, sentence, (words, bring) = sitting.shown[-1]
    assert "Notes and 1 bookmark that were not saved" in sentence
    aside = leftovers.own("notes", ".json", 1)
    qtbot.waitUntil(aside.is_file)  # through a crash too
    place_session(sitting, notes="another's", bookmarks=[])
    assert len(sitting.shown) == 1, "what is as it was saved is not put aside"
    panel.restore("another's", [{**MARK, "moment": 77}])
    bring()
    assert panel.text() == "another's\n\nnot saved" and len(panel.bookmarks()) == 1, "what is in both comes once"
    qtbot.waitUntil(lambda: not aside.exists())
    assert "not saved" in notebook._own_path().read_text()


def test_what_is_written_while_a_session_is_saved_is_kept(qtbot, sitting, tmp_path):
    panel, said = sitting.panels["notes"], heard(sitting.session.message)
    panel.field.setPlainText("before")
    sitting.saved.save(tmp_path / "a.zoo")
    assert going(sitting.saved.writing)
    panel.field.setPlainText("before and meanwhile")
    sitting.session.progressed.emit("save session", Progress(1, 1, "saved", str(tmp_path / "a.zoo")))
    assert said[-1].startswith("Saved ") and not going(sitting.saved.writing)
    sitting.notebook.close()
    assert "before and meanwhile" in notebook._own_path().read_text()


def test_a_link_gives_up_a_session_that_is_being_opened(sitting, tmp_path):
    session = sitting.session
    sitting.saved.save(tmp_path / "a.zoo")
    sitting.saved.open(tmp_path / "b.zoo")
    sitting.restorer.open("a/1?seed=2")
    assert ("open session",) in session.called("cancel") and going(sitting.restorer.errand)
    session.progressed.emit("open session", Progress(1, 1, "opened", Opened({"speed": 2.0}, (), True, 5, ())))
    assert not session.called("adopt") and not session.called("set_speed")
    session.failed.emit("save session", "The disk is full.")
    assert going(sitting.restorer.errand) and not going(sitting.saved.writing)


def test_a_session_in_which_nothing_was_on_has_nothing_on(sitting):
    session = sitting.session
    session.saliency = "action"
    session.select(0, Unit("fc", 1))
    pins = [[-1, "fc:1"], [0, "fc:2"]]
    place_session(sitting, speed=None, saliency=None, method="gradient", selected=None, pins=pins)
    assert session.called("set_speed") == [(None,)] and session.saliency is None and session.selected is None
    assert session.called("pin") == [(0, Unit("fc", 2))]


def test_pictures_are_small(window):
    text = notebook._picture(np.zeros((210, 160, 3), np.uint8))
    assert 50 < len(text) < 5000
