"""Lists of cues: as files that people write, in the dialog, stepped through with a remote's keys, rehearsed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import FakeSession
from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui import cli, cue_files, cue_show, cues
from zoo_gui.cue_show import CueShow
from zoo_gui.settings import Settings
from zoo_gui.shortcuts import CUES, TABLE
from zoo_gui.types import Unit, ZooError
from zoo_gui.views import View

TALK = """
[[cue]]
caption = "It  was never told the rules"
agents = ["distill/Breakout/1"]
seed = 3
step = 420
layout = "Talk"
unit = "conv2:17"
saliency = "action"
method = "gradcam"
speed = 0.5
running = true

[[cue]]
caption = "Two that learnt apart"
agents = ["distill/Breakout/1", "a2c/Breakout/1"]
b.seed = 4
speed = "max"
edit = ["conv1:3*0", "conv1:4*2@30"]

[[cue]]
link = "random/Pong?seed=2&step=10"
caption = "By chance"
"""


def written(tmp_path, text: str) -> Path:
    path = tmp_path / "talk.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_that_people_write(tmp_path):
    found = cues.read(written(tmp_path, TALK))
    first, second, third = found.cues
    assert first == View(("distill/Breakout/1",), seed=3, step=420, layout="Talk", unit=Unit("conv2", 17), speed=0.5,
                         saliency="action", method="gradcam", play=True, text="It was never told the rules")
    assert second.place(1).seed == 4 and second.place(0).seed == 0 and len(second.changes) == 2
    assert third == View(("random/Pong",), seed=2, step=10, text="By chance")
    assert cues.write(found.cues, tmp_path / "new" / "again.toml").cues == found.cues
    again, links = cues.read(tmp_path / "new" / "again.toml").cues, [view.link() for view in found.cues]
    assert [view.link() for view in again] == links, "what is written is read as the same"
    assert "running = true" in (tmp_path / "new" / "again.toml").read_text()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["again.toml"]


@pytest.mark.parametrize(("text", "says"), (
    ("cue = 3", "a [[cue]] for each"), ("", "a [[cue]] for each"), ("[[cue", "no list of cues"),
    ('[[cue]]\nagents = []', "Cue 1 of .*it needs 1 to 4 agents"), ("[[cue]]\nagents = [1]", "1 to 4 agents"),
    ('[[cue]]\nagents = "a/b/1"\nsteps = 3', "no key of a link “steps”"),
    ('[[cue]]\nagents = "a/b/1"\nseed = -3', "Cue 1 .*whole number"),
    ('[[cue]]\nagents = "a/b/1"\nseed = 1979-05-27', "neither text nor a number"),
    ('[[cue]]\nagents = "a/b/1"\n[[cue]]\nlink = "a/b/1?seed=x"', "Cue 2"),
    ('[[cue]]\nlink = "a/b/1"\nseed = 2', "only a caption"), ('[[cue]]\nagents = "a/b/1"\ncaption = 3', "not text"),
    ('[[cue]]\nlink = "a/b/1"\nrunning = true', "it has running"),
    ('[[cue]]\nagents = "a/b/1"\nseed = 0x' + "f" * 5000, "Cue 1 .*too large"),
    ('[[cue]]\nagents = "a/b/1"\nseed = [[0x' + "f" * 5000 + "]]", "Cue 1 .*too large"),
    ("[[cue]]\nagents = 'a'\n" * 201, "200 are the most"), ("#" * 500_000, "larger than"),
))  # fmt: skip
def test_a_bad_file_is_one_sentence(tmp_path, text, says):
    with pytest.raises(ZooError, match=says.replace("[[", r"\[\[").replace("]]", r"\]\]")) as caught:
        cues.read(written(tmp_path, text))
    assert "\n" not in str(caught.value) and str(caught.value).endswith((".", "?"))


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(ZooError, match="cannot be read"):
        cues.read(tmp_path / "nowhere.toml")
    with pytest.raises(ZooError, match="cannot be saved"):
        cues.write((View(("random/Pong",)),), written(tmp_path, "") / "below a file.toml")


def test_a_failed_write_leaves_nothing_and_others_may_read_what_was_written(tmp_path, monkeypatch):
    path, cue = tmp_path / "talk.toml", View(("random/Pong",))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ZooError, match="No space left"):
        patch.setattr(cues.os, "replace", full)
        cues.write((cue,), path)
    with pytest.raises(ZooError, match="letters that no file"):
        cues.write((View(("/a\udcff",)),), path)
    assert list(tmp_path.iterdir()) == []
    cues.write((cue,), path)
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_bad_file_on_the_command_line(tmp_path, capsys):
    assert cli.main(["--cues", str(tmp_path / "nowhere.toml"), "--present"]) == 2
    assert "nowhere.toml cannot be read" in capsys.readouterr().err


def test_what_cannot_be_shown_is_told_before_the_talk():
    views = [View(("random/Pong",)), View(("nobody/Pong/1", "nobody/Pong/1")), View(("distill/Breakout/1",))]
    (said,) = cues.doubts(views)
    assert said.startswith("Cue 2 cannot be shown: ") and said.count("nobody") == 1


# -- in the window ----------------------------------------------------------------------------------------------------
class Restorer(QtCore.QObject):
    shows, stopped = QtCore.Signal(object), QtCore.Signal(object)
    arrived, given_up = QtCore.Signal(object), QtCore.Signal(object)

    def __init__(self):
        super().__init__()
        self.shown, self.view = [], View(("random/Pong",), step=7)
        self.missing = lambda view: [(agent, {}) for agent in view.agents if agent != "distill/Breakout/1"]

    def show(self, view):
        self.shows.emit(view)
        self.shown.append(view)

    def cancel(self):
        self.stopped.emit(self.shown[-1])
        self.given_up.emit(self.shown[-1])

    def current(self, told):
        told(self.view, ())


class Presenter(QtCore.QObject):
    changed = QtCore.Signal(bool)
    is_on = False

    def enter(self):
        self.is_on = True
        self.changed.emit(True)

    def leave(self):
        self.is_on = False
        self.changed.emit(False)

    def end_asides(self):
        pass


class Layouts(QtCore.QObject):
    arranged = QtCore.Signal()


@pytest.fixture
def show(qtbot):
    window = QtWidgets.QMainWindow()
    window.session, window.settings, window.commands = FakeSession(), Settings(), SimpleNamespace(parts=[])
    window.offers = []
    window.banner = SimpleNamespace(show_message=lambda *message: window.offers.append(message))
    window.restorer, window.presenter, window.layouts = Restorer(), Presenter(), Layouts()
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    show = CueShow(window)
    show.said = []
    window.session.message.connect(lambda level, sentence: show.said.append(sentence))
    yield show
    show.files.close()


def opened(show, qtbot, tmp_path, **options):
    with qtbot.waitSignal(show.files.checked, timeout=20_000):
        show.open(written(tmp_path, TALK), **options)
    return show.window.restorer.shown


def ahead(show):
    """The agents that the session was last told to have ready."""
    return [agent for agent, _ in show.window.session.called("load_ahead")[-1][0]]


def test_a_remote_leads_through_the_talk(show, qtbot, tmp_path):
    commands = {row.command for row in TABLE if row.when == CUES}
    assert commands == {"next_cue", "previous_cue", "first_cue", "last_cue"}
    shown = opened(show, qtbot, tmp_path)
    assert shown == [] and "3 cues of talk.toml" in show.said[0] and show._bar is None
    show.window.presenter.enter()
    assert shown == [show.list.cues[0]]
    assert show._bar.text.text() == "It was never told the rules"
    assert show._bar.next.text() == "… 1/3 · next: Two that learnt apart", "on its way"
    show.window.restorer.arrived.emit(shown[0])
    assert show._bar.next.text() == "1/3 · next: Two that learnt apart"
    assert ahead(show) == ["a2c/Breakout/1"], "what the next cue lacks is loaded meanwhile"
    for command in ("next_cue", "next_cue", "next_cue", "previous_cue", "first_cue", "previous_cue", "last_cue"):
        getattr(show, f"do_{command}")()
    assert [show.list.cues.index(view) for view in shown] == [0, 1, 2, 1, 0, 2], "none after the last"
    show.window.restorer.given_up.emit(shown[-1])
    assert show._bar.next.text() == "3/3 · the last" and ahead(show) == []
    show._bar.hide()
    show.window.layouts.arranged.emit()
    assert show._bar.isVisible(), "another layout hides no caption"
    show._set_hint(False)
    assert show._bar.next.text() == "" and not show.settings.get("present/hint")
    show.do_first_cue()
    show.window.restorer.arrived.emit(shown[-1])
    assert ahead(show)
    show.window.presenter.leave()
    assert show._bar is None and ahead(show) == []
    show.at = 2
    show.window.presenter.enter()
    assert shown[-1] == show.list.cues[2], "where it was left"


def test_a_talk_begins_at_once_and_goes_on_past_what_is_missing(show, qtbot, tmp_path):
    text = TALK.replace('"a2c/Breakout/1"', '"nobody/Breakout/1"')
    with qtbot.waitSignal(show.files.checked, timeout=20_000):
        show.open(written(tmp_path, text), present=True)
    assert show.window.presenter.is_on and show.at == 0
    assert [sentence for sentence in show.said if sentence.startswith("Cue 2 cannot be shown")]
    show.do_next_cue()
    show.window.restorer.given_up.emit(show.list.cues[1])
    show.do_next_cue()
    assert show.at == 2
    show.open(tmp_path / "nowhere.toml")
    qtbot.waitUntil(lambda: any("cannot be read" in sentence for sentence in show.said))
    assert show.has_cues, "what was open stays"


def test_making_a_list(show, qtbot, tmp_path, monkeypatch):
    show.do_edit_cues()
    editor = show.editor
    assert editor.said.isVisible() and not editor.save.isEnabled()
    editor.add.click()
    show.window.restorer.view = View(("distill/Breakout/1",), seed=1)
    show.session.running = True
    editor.add.click()
    assert [view.play for view in show.list.cues] == [False, True] and editor.row == 1
    editor.list.item(1).setText("  The  second ")
    assert show.list.cues[1].text == "The second"
    _, rename, replace, up, down, remove = editor.of_row
    assert rename.isEnabled() and not down.isEnabled()
    up.click()
    assert show.list.cues[0].text == "The second" and editor.row == 0
    show.window.restorer.view = View(("random/Pong",), seed=9)
    replace.click()
    assert show.list.cues[0] == View(("random/Pong",), seed=9, play=True, text="The second")
    editor.list.itemActivated.emit(editor.list.item(1))
    assert show.window.restorer.shown == [show.list.cues[1]]
    target = str(tmp_path / "made")
    monkeypatch.setattr(cue_show.QtWidgets.QFileDialog, "getSaveFileName", lambda *a: (target, ""))
    with qtbot.waitSignal(show.files.written):
        editor.save.click()
    assert cues.read(tmp_path / "made.toml").cues == show.list.cues and "made.toml" in editor.windowTitle()
    remove.click()
    remove.click()
    assert not show.has_cues and editor.said.isVisible()
    monkeypatch.setattr(cue_show.QtWidgets.QFileDialog, "getOpenFileName", lambda *a: (target + ".toml", ""))
    with qtbot.waitSignal(show.files.checked, timeout=20_000):
        editor.opened.emit()
    assert len(show.list.cues) == 2
    editor.close()


def test_a_rehearsal_shows_all_and_says_which_failed(show, qtbot, tmp_path):
    shown = opened(show, qtbot, tmp_path)
    show.rehearse()
    restorer = show.window.restorer
    restorer.arrived.emit(shown[0])
    qtbot.waitUntil(lambda: len(shown) == 2)
    restorer.given_up.emit(shown[1])
    qtbot.waitUntil(lambda: len(shown) == 3)
    restorer.arrived.emit(View(("random/Pong",)))  # of somebody else's
    restorer.arrived.emit(shown[2])
    assert show.said[-1].startswith("Rehearsed 3 cues in ") and show.said[-1].endswith("Cue 2 could not be shown.")
    assert show.notes == ["Cue 2 could not be shown."]


def begun(show, qtbot, tmp_path):
    """A rehearsal that is at the second cue."""
    shown = opened(show, qtbot, tmp_path)
    show.rehearse()
    show.window.restorer.arrived.emit(shown[0])
    qtbot.waitUntil(lambda: len(shown) == 2)
    return shown


def test_a_rehearsal_ends_with_whatever_else_is_done(show, qtbot, tmp_path):
    restorer = show.window.restorer
    ends = (show.do_next_cue, restorer.cancel, lambda: show.take(show.list),
            lambda: restorer.show(View(("random/Pong",), seed=5)))  # fmt: skip
    for end in ends:
        shown = begun(show, qtbot, tmp_path)
        end()
        count = len(shown)
        restorer.arrived.emit(shown[-1])
        qtbot.wait(20)
        assert len(shown) == count and show._trial is None and not show.notes
        shown.clear()
    begun(show, qtbot, tmp_path)
    show.do_edit_cues()
    for _ in range(3):
        show.editor.removed.emit(0)
    restorer.arrived.emit(restorer.shown[-1])
    qtbot.waitUntil(lambda: show._trial is None)
    assert show.said[-1].startswith("Rehearsed ")


def test_a_talk_begins_with_the_first_cue_whatever_was_edited_or_rehearsed(show, qtbot, tmp_path):
    shown = begun(show, qtbot, tmp_path)
    show.window.restorer.arrived.emit(shown[1])
    qtbot.waitUntil(lambda: len(shown) == 3)
    show.window.restorer.arrived.emit(shown[-1])
    qtbot.waitUntil(lambda: show._trial is None)
    show.do_edit_cues()
    show.editor.add.click()
    show.window.presenter.enter()
    assert shown[-1] == show.list.cues[0]


def test_editing_another_cue_leaves_the_one_on_screen(show, qtbot, tmp_path):
    shown = opened(show, qtbot, tmp_path)
    show.window.presenter.enter()
    show.do_next_cue()
    show.do_edit_cues()
    assert show.editor.row == 1
    show.editor.renamed.emit(2, "By luck")
    assert show._bar.text.text() == "Two that learnt apart" and show.editor.row == 2
    show.editor.replaced.emit(1)  # while it is on its way
    assert show._bar.next.text().startswith("… 2/3")
    show.window.restorer.arrived.emit(shown[-1])
    assert show._bar.next.text() == "2/3 · next: By luck"
    show.editor.moved.emit(0, 1)
    assert show._bar.text.text() == "Two that learnt apart" and show._bar.next.text().startswith("1/3")
    show.editor.removed.emit(0)
    assert show._bar.text.text() == ""
    show.do_next_cue()
    assert shown[-1].text == "It was never told the rules"


def test_cues_that_were_not_saved_are_offered(show, qtbot, tmp_path):
    show.do_edit_cues()
    show.editor.add.click()
    made = show.list.cues
    qtbot.waitUntil(lambda: cue_files._own().is_file())  # through a crash too
    opened(show, qtbot, tmp_path)
    level, sentence, (words, bring) = show.window.offers[-1]
    assert sentence == "1 unsaved cue made room for talk.toml."
    qtbot.waitUntil(lambda: cue_files._own(1).is_file() and not cue_files._own().exists())
    bring()
    assert show.list.cues == made and len(show.window.offers) == 1, "the other list is in its file"
    qtbot.waitUntil(lambda: cue_files._own().is_file() and not cue_files._own(1).exists())
    show.window.close()
    assert cues.read(cue_files._own()).cues == made
    cue_files._own().rename(cue_files._own().with_name("999999999.toml"))  # of a process that is no more
    (path, views), = cue_files._left()
    show._on_left((path, views))
    assert views == made and show.window.offers[-1][1] == "An earlier sitting left 1 unsaved cue."


def test_cues_that_were_saved_are_kept_nowhere_else(show, qtbot, tmp_path, monkeypatch):
    show.do_edit_cues()
    show.editor.add.click()
    qtbot.waitUntil(lambda: cue_files._own().is_file())
    monkeypatch.setattr(cue_show.QtWidgets.QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / "made"), ""))
    with qtbot.waitSignal(show.files.written):
        show.editor.save.click()
    qtbot.waitUntil(lambda: not cue_files._own().exists())
    opened(show, qtbot, tmp_path)
    assert not show.window.offers
