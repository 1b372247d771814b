"""Notes and bookmarks, what of them outlives a crash; and the way from a link to the window."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import notebook
from zoo_gui.notebook import Notebook
from zoo_gui.restoring import Restorer
from zoo_gui.types import Progress, Unit
from zoo_gui.views import Place, View
from zoo_gui.widgets.notes import NotesPanel

MARK = {"link": "ppo/Breakout/1?seed=3&step=9", "label": "here", "place": "step 9, seed 3", "picture": "", "notes": [],
        "moment": 9}  # fmt: skip


class Session(FakeSession):
    """Loads at once, and says at once where it is."""

    finished = QtCore.Signal(str)
    engine_died = QtCore.Signal()
    notes: tuple[str, ...] = ()

    def __init__(self, *lanes):
        super().__init__(lanes)
        self.edits, self.disturbances, self.feed = {}, {}, SimpleNamespace(tick=0)

    def __getattr__(self, name):
        if name not in ("pause", "play", "seek", "cancel", "remove_lane", "set_speed", "set_player"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, args))

    def load(self, agent_id, lane, **options):
        self.calls.append(("load", (agent_id, lane, options)))
        self.loading = {f"load {agent_id}": agent_id}
        return f"load {agent_id}"

    def loaded(self, *infos):
        self.loading = {}
        self.set_lanes(*infos)
        for info in infos:
            self.give_step(info.lane, fake_step(info))

    def go_to(self, places, driver):
        self.calls.append(("go_to", (places, driver)))
        return "journey"

    def where(self):
        return "where"


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
    saved, opened = QtCore.Signal(str), QtCore.Signal(str)


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
    assert session.called("play") and session.saliency == "action" and not window.restorer.errand.going


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
    assert panel.text() == "written since\n\nas far as I came" and panel.bookmarks() == [MARK]
    qtbot.waitUntil(lambda: not own.with_name("999999999.json").exists())
    qtbot.waitUntil(own.is_file)
    assert json.loads(own.read_text())["bookmarks"] == [MARK]
    window.saved.saved.emit("a.zoo")  # now it is in a session's file: nothing is to be offered
    later.close()
    assert not own.exists()


def test_pictures_are_small(window):
    text = notebook._picture(np.zeros((210, 160, 3), np.uint8))
    assert 50 < len(text) < 5000
