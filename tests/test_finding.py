"""Finding things: the palette, own keys, labels of everything, pages in the window, the tour."""

from __future__ import annotations

import dataclasses
import logging
import random
import threading
from types import SimpleNamespace

import pytest
from fakes import fake_lane
from PyQt5 import sip
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from zoo_gui import palette_entries, placing, shortcuts, tokens
from zoo_gui.app import MainWindow
from zoo_gui.fuzzy import Query, Text
from zoo_gui.history import History
from zoo_gui.keymap import Keymap, apply_own, own_row, plain, row_name
from zoo_gui.pages import read, resolve
from zoo_gui.placing import Wanted
from zoo_gui.session import Session
from zoo_gui.settings import Settings, docs_path
from zoo_gui.shortcuts import ACTIVATIONS, HUMAN, OWN, TABLE, Shortcut
from zoo_gui.tour import STOPS
from zoo_gui.types import Unit
from zoo_gui.widgets.base import PANELS

Qt = QtCore.Qt


@pytest.fixture(autouse=True)
def first_keys():
    """The keys of another test are not this one's."""
    yield
    shortcuts.use(TABLE)


@pytest.fixture
def window(qtbot):
    """A window without an engine, with one lane that has a network."""
    session = Session()
    window = MainWindow(session, Settings())
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    qtbot.waitExposed(window)
    session._histories, session._pending = [History()], [[]]
    session.lanes = (fake_lane(),)
    session.lanes_changed.emit(session.lanes)
    window.activateWindow()
    yield window
    window.close()


def press(key, modifier=Qt.NoModifier):
    """A key as a person presses it: to whatever has the keyboard."""
    target = QtWidgets.QApplication.focusWidget() or QtWidgets.QApplication.activeWindow()
    QtTest.QTest.keyClick(target, key, modifier)


def write(text):
    QtTest.QTest.keyClicks(QtWidgets.QApplication.focusWidget(), text)


# -- which one is meant ---------------------------------------------------------------------------------------------
TITLES = ("Play or pause", "Panel: Actions", "Panel: Activations", "Open PPO · Breakout · run 1", "Next colour map",
          "Explain by: Grad-CAM", "Open the wall: many small games at once")  # fmt: skip


@pytest.mark.parametrize(("typed", "best"), [
    ("pause", 0), ("pau", 0), ("activ", 2), ("act pan", 1), ("brk ppo", 3), ("breakout", 3), ("ncm", 4), ("gradcam", 5),
    ("wall", 6), ("games small", 6),
])
def test_a_few_letters_find_what_is_meant(typed, best):
    scores = [match.score if (match := Query(typed).match(Text.of(title))) else -1.0 for title in TITLES]
    assert scores.index(max(scores)) == best and scores[best] > 0


@pytest.mark.parametrize("typed", ["xyz", "pause wall", "ralna", "conv3:12"])
def test_letters_that_stand_anywhere_find_nothing(typed):
    assert not any(Query(typed).match(Text.of(title)) for title in TITLES)


def test_matched_letters_are_those_of_the_word():
    match = Query("map").match(Text.of("Next colour map"))
    assert "".join("Next colour map"[letter] for letter in match.letters) == "map"
    assert Query("shown").match(Text.of("Panel: Game", "what is shown")).letters == ()


# -- places of labels -----------------------------------------------------------------------------------------------
def test_labels_are_apart_and_whole_and_near():
    dice = random.Random(1)
    bounds = (0, 0, 1280, 720)
    wanted = [Wanted((dice.randrange(1100), dice.randrange(600), 120, 60), ((140, 60), (90, 22)), n % 3 == 0)
              for n in range(60)]
    boxes = placing.place(wanted, bounds, [(0, 0, 1280, 30)])
    assert all(boxes)
    for n, box in enumerate(boxes):
        assert box[0] >= 0 and box[1] >= 30 and box[0] + box[2] <= 1280 and box[1] + box[3] <= 720
        assert not any(placing.overlap(box, other, placing.GAP) for other in boxes[:n])
    alone = placing.place([Wanted((500, 300, 50, 50), ((80, 20),))], bounds)[0]
    assert placing.overlap(alone, (500, 300, 50, 50))
    assert placing.place([Wanted((0, 0, 5, 5), ((50, 50),))], (0, 0, 40, 40)) == [None]


# -- own keys -------------------------------------------------------------------------------------------------------
SMALL = (Shortcut("one", ("A", "F2"), "", ""), Shortcut("two", ("B",), "", ""),
         Shortcut("two", ("Left",), "", "", ACTIVATIONS), Shortcut("go", ("B",), "", "", HUMAN))  # fmt: skip


def keys_of(table):
    return {row_name(row): row.keys for row in table}


def test_own_keys_are_taken_from_others_of_the_context_only():
    table, faults = apply_own({"one": ["B"], "two/activations": ["Up"]}, SMALL)
    assert not faults
    assert keys_of(table) == {"one": ("B",), "two": (), "two/activations": ("Up",), "go/human": ("B",)}
    assert shortcuts.conflicts(table) == []


@pytest.mark.parametrize("own", [
    {"three": ["A"]}, {"one": "A"}, {"one": [3]}, {"one": ["Ctrl+Nonsense"]}, {"one": ["A, B"]}, {"one": [""]},
])
def test_broken_entries_are_dropped_with_a_sentence(own):
    table, faults = apply_own(own, SMALL)
    assert table == SMALL and len(faults) == 1


def test_what_only_the_palette_has_may_have_a_key():
    table, faults = apply_own({"palette panel wall": ["B"], "palette menu Look Dark": []}, SMALL)
    assert not faults and keys_of(table)["palette panel wall"] == ("B",) and keys_of(table)["two"] == ()
    assert table[-1].text == "Panel wall" and len(table) == len(SMALL) + 1  # without a key it is no row
    assert apply_own({"palette panel wall": ["Ctrl+Nonsense"]}, SMALL)[0] == SMALL
    assert own_row("palette menu Look Dark").text == "Look Dark"


def test_two_own_rows_cannot_have_one_key():
    table, faults = apply_own({"one": ["Z"], "two": ["Z", "Y"]}, SMALL)
    assert keys_of(table)["one"] == ("Z",) and keys_of(table)["two"] == ("Y",) and "Z" in faults[0]


def test_keys_are_kept_given_back_and_told(own_folders, caplog):
    settings = Settings()
    settings.set("keys/own", {"nothing": ["A"], "zoo": ["Ctrl+K"]})
    with caplog.at_level(logging.WARNING):
        keymap = Keymap(settings)
    assert "nothing" in caplog.text and keymap.row("zoo").keys == ("Ctrl+K",)
    told = []
    keymap.changed.connect(lambda: told.append(1))
    assert keymap.owners("wall", ("Ctrl+K",))["Ctrl+K"].command == "zoo"
    keymap.assign("wall", ("Ctrl+K",))
    assert keymap.row("zoo").keys == () and settings.get("keys/own") == {"zoo": [], "wall": ["Ctrl+K"]}
    assert shortcuts.key_of("wall") == "Ctrl+K" and "(Ctrl+K)" in shortcuts.tip("wall", "Games")
    keymap.reset("zoo")
    assert keymap.row("zoo").keys == ("Ctrl+B",) and keymap.is_own("wall") and not keymap.is_own("zoo")
    keymap.reset_all()
    assert settings.get("keys/own") == {} and shortcuts.current() == TABLE and len(told) == 3


# -- pages ----------------------------------------------------------------------------------------------------------
def test_panels_say_what_their_pages_say():
    pages = {name: read(f"panels/{name}.md") for name in PANELS.discover()}
    there = {name: page for name, page in pages.items() if not page.fault}  # test_docs says that none is missing
    assert len(there) > 20
    for name, page in there.items():
        assert PANELS[name].about == page.text.splitlines()[2], name
        assert page.title == PANELS[name].title


def test_pages_have_their_pictures_and_no_directives():
    page = read("panels/game.md")
    assert all(not picture.isNull() for picture in page.pictures.values()) and page.pictures
    assert "```{" not in read("index.md").text and "TensorFlow" not in read("index.md").fault
    assert "Python" in read("about").text and "doctor" in read("about").text


@pytest.mark.parametrize("name", ["no_such.md", "../setup.md", "panels", ""])
def test_a_missing_page_is_one_sentence(name):
    assert read(name).text == "" and read(name).fault.endswith(".")


@pytest.mark.parametrize(("base", "link", "page"), [
    ("panels/game.md", "layer.md", ("panels/layer.md", "")), ("panels/game.md", "../a/b.png", ("a/b.png", "")),
    ("panels/game.md", "../units.md#search", ("units.md", "search")), ("units.md", "#search", ("units.md", "search")),
    ("units.md", "../README.md", ("", "")),
])  # fmt: skip
def test_where_links_lead(base, link, page):
    assert resolve(base, link) == page


# -- in the window: three windows for all of it, for each of them takes its time ------------------------------------
def test_the_palette_does_everything_by_keys(window, qtbot, monkeypatch):
    palette_by_keys(window)
    catalogue_in_the_palette(window, qtbot, monkeypatch)
    every_control_says_what_it_does(window)


def test_what_lies_over_the_window_gives_back_what_it_took(window, qtbot):
    the_keyboard_goes_back_where_it_was(window)
    a_large_seed_has_its_field(window)
    the_layers_key_closes_nothing_else(window)


def test_new_keys_and_words_at_titles(window, qtbot, monkeypatch):
    menus_name_own_keys(window)
    own_layouts_stand_once_and_menus_may_be_filled_anew(window)
    thousands_of_lines_read_the_keys_once(window, monkeypatch)
    words_name_the_keys_that_hold(window)
    window.keymap.reset_all()
    new_keys_are_heard_and_shown_at_once(window, qtbot, monkeypatch)
    a_key_for_what_has_none(window, qtbot)
    titles_say_what_panels_show(window, qtbot)


def test_everything_is_named_and_the_tour_shows_it(window, qtbot, monkeypatch):
    everything_is_named_and_leads_to_its_page(window, qtbot)
    names_follow_what_is_on_screen(window, qtbot)
    tour_waits_for_real_acts(window, qtbot, monkeypatch)


def palette_by_keys(window):
    session, palette = window.session, window.finding.palette
    press(Qt.Key_P, Qt.ControlModifier | Qt.ShiftModifier)
    assert palette.isVisible() and palette.field.hasFocus()
    titles = {found.entry.title for found in palette.model.rows}
    assert {row.text for row in TABLE if row.when != HUMAN and not row.command.startswith("move_")} <= titles
    write("conv3:12")
    press(Qt.Key_Return)
    assert session.selected == (0, Unit("conv3", 12)) and not palette.isVisible()

    press(Qt.Key_P, Qt.ControlModifier | Qt.ShiftModifier)
    write("remove agent")
    assert palette.current().title == "Remove the last agent" and "one agent" in palette.said.text()
    press(Qt.Key_Return)
    assert palette.isVisible()  # grey: nothing happens
    palette.field.clear()
    write("colour map grey")
    press(Qt.Key_Return)
    assert session.view["colormap"] == "grey"

    palette.open()
    assert palette.model.rows[0].entry.title.startswith("Colour map: Grey")  # what was done last comes first
    write("panel wall")
    press(Qt.Key_Down)
    press(Qt.Key_Up)
    press(Qt.Key_Return)
    assert window.panels["wall"].is_seen
    palette.open("conv3:99")
    assert palette.current().why_not == "conv3 has the units 0 to 63."
    press(Qt.Key_Escape)
    assert not palette.isVisible()
    assert window.settings.get("palette/recent")[:2] == ["panel wall", "menu Colour map Grey"]


def catalogue_in_the_palette(window, qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(window, "open_agent", lambda agent, beside=False: opened.append((agent, beside)))
    palette = window.finding.palette
    palette.open("seaq ppo")
    qtbot.waitUntil(lambda: bool(palette.model.rows), timeout=20_000)
    assert len(palette._agents) > 1000
    agent = palette.current().more
    press(Qt.Key_Return, Qt.ControlModifier)
    assert opened == [(agent, True)] and "Seaquest" in agent


def the_keyboard_goes_back_where_it_was(window):
    window.show_panel("activations")
    panel = window.panels["activations"]
    panel.setFocus()
    before = QtWidgets.QApplication.focusWidget()
    for close in (lambda: press(Qt.Key_Escape), lambda: (write("labels: off"), press(Qt.Key_Return))):
        window.finding.palette.open()
        close()
        assert not window.finding.palette.isVisible() and QtWidgets.QApplication.focusWidget() is before
    window.finding.palette.open()
    window.toolbar.seed.setFocus()
    assert not window.finding.palette.isVisible() and window.toolbar.seed.hasFocus()


def a_large_seed_has_its_field(window):
    session, field, asked = window.session, window.toolbar.seed, []
    window.setFocus()
    session.lanes = (dataclasses.replace(session.lanes[0], seed=3_000_000_000),)
    session.lanes_changed.emit(session.lanes)
    assert field.value() == 3_000_000_000
    session.restart = asked.append
    field.setFocus()
    for text, seed in ((str(2**63 - 1), 2**63 - 1), (str(2**63), 2**63 // 10), ("", 2**63 // 10), ("7-", 7)):
        field.selectAll()
        press(Qt.Key_Delete)
        write(text)
        press(Qt.Key_Return)
        assert field.value() == seed and asked[-1] == seed
        field.setFocus()
    press(Qt.Key_Up)
    assert field.text() == "8"
    window.setFocus()


def the_layers_key_closes_nothing_else(window):
    session, wanted = window.session, []
    session.view["enlarged"], session.set_view = "conv2", lambda **changes: wanted.append(changes)
    window.finding.open_page("index.md")
    window.commands.call("enlarge_layer")
    assert wanted == [{"enlarged": None}] and window.finding.reader.isVisible()
    session.view["enlarged"] = None
    del session.set_view
    window.finding.close_reader()


def new_keys_are_heard_and_shown_at_once(window, qtbot, monkeypatch):
    saved, save = [], Settings.save
    monkeypatch.setattr(Settings, "save", lambda settings: saved.append(threading.current_thread()) or save(settings))
    press(Qt.Key_Comma, Qt.ControlModifier)
    dialog = next(widget for widget in window.findChildren(QtWidgets.QDialog) if widget.isVisible())
    QtTest.QTest.keyClicks(dialog.search, "browse")
    QtTest.QTest.keyClick(dialog.search, Qt.Key_Return)
    QtTest.QTest.keyClick(dialog.catcher, Qt.Key_Control, Qt.ControlModifier)  # on its way to …
    QtTest.QTest.keyClick(dialog.catcher, Qt.Key_G)
    assert "“The wall: many small games at once” now" in dialog.catcher.text()
    assert window.keymap.row("zoo").keys == ("Ctrl+B",)  # named first
    QtTest.QTest.mouseClick(dialog.yes, Qt.LeftButton)
    assert window.keymap.row("zoo").keys == ("G",) and window.keymap.row("wall").keys == ()
    dialog.reset_all()
    assert (dialog.yes.text(), dialog.no.text()) == ("Reset all", "Leave them")
    dialog.change()
    QtTest.QTest.keyClick(dialog.catcher, Qt.Key_R)  # another question, with its own answers
    assert (dialog.yes.text(), dialog.no.text()) == ("Take it", "Leave it there") and dialog.yes.isVisible()
    dialog.change()
    QtTest.QTest.keyClick(dialog.catcher, Qt.Key_F, Qt.AltModifier)
    assert dialog.catcher.text().startswith("Alt+F opens the menu File")
    dialog.change()
    QtTest.QTest.keyClick(dialog.catcher, Qt.Key_Escape)
    assert window.keymap.row("zoo").keys == ("G",)
    dialog.accept()

    texts = {action.property("command"): action.text() for action in window.findChildren(QtWidgets.QAction)}
    assert texts["zoo"].endswith("\tG") and "\t" not in texts["wall"]
    window.show_panel("activations")
    window.panels["activations"].setFocus()
    press(Qt.Key_G)
    assert window.panels["zoo"].is_seen and not window.panels["wall"].is_seen
    qtbot.waitUntil(lambda: Settings().get("keys/own") == {"zoo": ["G"], "wall": []})
    assert saved and all(thread is not threading.main_thread() for thread in saved)


def a_key_for_what_has_none(window, qtbot):
    """A panel, a setting, a menu's entry: all that the palette has can be given a key."""
    session, said = window.session, []
    window.finding.do_keyboard_settings()
    dialog = next(widget for widget in window.findChildren(QtWidgets.QDialog) if widget.isVisible())
    for words, key in (("speed 2×", Qt.Key_F2), ("panel notes", Qt.Key_F3), ("hide panel game", Qt.Key_F4)):
        dialog.search.setText(words)
        dialog.change()
        QtTest.QTest.keyClick(dialog.catcher, key, Qt.ControlModifier)
    assert "“Hide panel: Game” is now on Ctrl+F4" in dialog.catcher.text()
    dialog.accept()
    qtbot.waitUntil(lambda: not window.findChildren(QtWidgets.QDialog))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.panels["activations"].setFocus()
    press(Qt.Key_F2, Qt.ControlModifier)
    press(Qt.Key_F3, Qt.ControlModifier)
    assert session.speed == 2.0 and window.panels["notes"].is_seen
    session.message.connect(lambda level, words: said.append(words))
    press(Qt.Key_F2, Qt.ControlModifier)
    assert said == ["Speed: 2×: It is so already."]
    asked = []
    session.load = lambda agent, lane: asked.append(agent)
    window.commands.call("palette open a2c/Pong/2")  # none of the newest few
    assert asked == ["a2c/Pong/2"]
    window.finding.palette.open("speed 2×")
    assert window.finding.palette.current().keys == ("Ctrl+F2",)
    press(Qt.Key_Escape)
    assert "Speed: 2×" in shortcuts.markdown(window.keymap.table)
    qtbot.waitUntil(lambda: "palette Speed 2×" in Settings().get("keys/own"))
    assert Keymap(Settings()).row("palette Speed 2×").keys == ("Ctrl+F2",)  # the next time, too


def menu_named(window, *titles):
    menu = window.menuBar()
    for title in titles:
        menu = next(action.menu() for action in menu.actions() if plain(action.text()) == title)
        menu.aboutToShow.emit()
    return {plain(action.text()): action.text().partition("\t")[2] for action in menu.actions()}


def menus_name_own_keys(window):
    """Also those that are filled anew when they are looked at."""
    window.layouts.save_as("Mine")
    window.settings.set("play/agents", ["ppo/Pong/1"])
    given = {"menu Help All pages": "F10", "menu Colour map Grey": "Ctrl+F7", "layout Mine": "Ctrl+F6",
             "menu Layout Save as…": "Ctrl+F8", "open ppo/Pong/1": "Ctrl+F9"}
    for id, key in given.items():
        window.keymap.assign(OWN + id, (key,))
    assert menu_named(window, "Help")["All pages"] == "F10"
    assert menu_named(window, "View", "Colour map")["Grey"] == "Ctrl+F7"
    layouts = menu_named(window, "View", "Layout")
    assert (layouts["Mine"], layouts["Save as…"]) == ("Ctrl+F6", "Ctrl+F8")
    assert menu_named(window, "Agents", "Recent")["ppo/Pong/1"] == "Ctrl+F9"
    window.keymap.assign(OWN + "menu Help All pages", ())
    assert menu_named(window, "Help")["All pages"] == ""


def words_name_the_keys_that_hold(window):
    panels, session = window.panels, window.session
    bar, said = panels["compare"].bar, []
    session.message.connect(lambda level, words: said.append(words))
    tips = {"explain_moment": panels["why"].question.explain, "share_input": bar.inputs["own"],
            "previous_apart": panels["compare"].earlier, "full_speed": panels["robustness"].speed_button,
            "toggle_steady": window.statusBar().fields["steady"], "save_last": window.statusBar().fields["ring"]}
    for n, (command, widget) in enumerate(tips.items(), 1):
        window.keymap.assign(command, (f"Ctrl+Alt+{n}",))
        assert widget.toolTip().endswith(f" (Ctrl+Alt+{n})") and widget.toolTip().count("(") == 1
    window.keymap.assign("hold_unit", ("Ctrl+Alt+8",))
    window.commands.call("hold_unit")
    assert "Ctrl+Alt+8" in said[-1]
    window.keymap.assign("move_up", ("Ctrl+Alt+9",))
    session.select(0, Unit("conv1", 0))
    assert "Ctrl+Alt+9 j k l" in panels["activations"].named_parts()[-1].sentence


def own_layouts_stand_once_and_menus_may_be_filled_anew(window):
    lines = palette_entries.gather(window)
    assert [line.title for line in lines if "Mine" in line.title] == ["Layout: Mine (now)", "Layout: Delete “Mine”"]
    delete = next(line for line in lines if line.title == "Layout: Delete “Mine”")
    menu_named(window, "View", "Layout")  # looked at since: its actions are others
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
    delete.run()
    assert "Mine" not in window.layouts.names()
    said = []
    window.session.message.connect(lambda level, words: said.append(words))
    delete.run()
    assert said[0] == "Delete “Mine”: it is not there now."


def thousands_of_lines_read_the_keys_once(window, monkeypatch):
    read = []
    monkeypatch.setattr(palette_entries, "by_command", lambda: read.append(1) or shortcuts.by_command())
    shortcuts.use((*shortcuts.current(), own_row("palette open a/1", keys=("F12",))))
    agents = [SimpleNamespace(id=f"a/{n}", title=str(n), is_here=True, status="") for n in range(20)]
    made = palette_entries.agents(window, agents)
    assert made[1].keys == ("F12",) and not made[2].keys and len(read) == 1


def everything_is_named_and_leads_to_its_page(window, qtbot):
    press(Qt.Key_F1, Qt.ShiftModifier)
    labels = window.finding.labels
    signs = {sign.text(): sign for sign in labels.signs}
    seen = {panel.title for panel in window.panels.values() if panel.is_seen}
    assert seen and seen | {"Toolbar", "seed", "conv1: 32 maps, a tile each"} <= set(signs)
    boxes = [sign.geometry() for sign in labels.signs]
    assert all(window.rect().contains(box) for box in boxes)
    assert not any(box.intersects(other) for n, box in enumerate(boxes) for other in boxes[:n])
    pages = {sign.named.page for sign in labels.signs}
    assert len(pages) > 5 and all(docs_path(*page.split("/")).is_file() for page in pages)
    for panel in window.panels.values():
        assert isinstance(panel.named_parts(), list)
    press(Qt.Key_Tab)
    assert QtWidgets.QApplication.focusWidget() is labels.signs[1]
    press(Qt.Key_Escape)
    assert not labels.isVisible()

    press(Qt.Key_F1, Qt.ShiftModifier)
    next(sign for sign in labels.signs if sign.text() == "Activations").click()
    reader = window.finding.reader
    qtbot.waitUntil(lambda: reader.title.text() == "Activations")
    assert not labels.isVisible() and reader.view.toPlainText().startswith("Activations")
    reader.view.anchorClicked.emit(QtCore.QUrl("layer.md"))
    qtbot.waitUntil(lambda: reader.title.text() == "Layer")
    press(Qt.Key_Left, Qt.AltModifier)
    qtbot.waitUntil(lambda: reader.title.text() == "Activations")
    bar = reader.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    share = reader.view.share
    assert share > 0.3
    window.theme.type_size = tokens.type_size() + 3
    qtbot.waitUntil(lambda: bar.value() > 0 and reader.view.share == pytest.approx(share, abs=0.02))
    reader.open("panels/layer.md")
    qtbot.waitUntil(lambda: reader.title.text() == "Layer")
    assert bar.value() == 0
    reader.go_back()
    qtbot.waitUntil(lambda: reader.title.text() == "Activations")
    assert reader.view.share == pytest.approx(share, abs=0.02)
    window.commands.call("normal_type")
    reader.view.setFocus()
    labelled = window.session.view["labels"]
    press(Qt.Key_8)  # letters and digits stay shortcuts while one reads
    assert window.session.view["labels"] != labelled
    press(Qt.Key_Escape)
    assert not reader.isVisible()


def names_follow_what_is_on_screen(window, qtbot):
    labels = window.finding.labels
    window.layouts.apply("Inspect")
    labels.open()
    seen = {panel.title for panel in window.panels.values() if panel.is_seen}
    window.layouts.apply("Lab")

    def follow():
        now = {panel.title for panel in window.panels.values() if panel.is_seen}
        titles = {panel.title for panel in window.panels.values()}
        return now != seen and {sign.text() for sign in labels.signs} & titles == now
    qtbot.waitUntil(follow)
    assert labels.isAncestorOf(QtWidgets.QApplication.focusWidget())
    window.session.set_view(gamma=0.7)
    assert labels._again.isActive()
    gone = QtWidgets.QPushButton(window)
    for part, opened in ((labels, labels.open), (window.finding.reader, lambda: window.finding.open_page("index.md"))):
        gone = QtWidgets.QPushButton(window)
        part.close_()
        gone.show()
        gone.setFocus()
        opened()
        sip.delete(gone)
        part.close_()
    assert not labels._again.isActive() and window.hasFocus()
    window.layouts.apply("Inspect")


def titles_say_what_panels_show(window, qtbot):
    dock = window.docks["game"]
    at = QtCore.QPoint(30, 6)
    for place, shown in ((at, True), (QtCore.QPoint(30, dock.height() // 2), False)):
        window.finding.titles._card = None
        event = QtGui.QHelpEvent(QtCore.QEvent.ToolTip, place, dock.mapToGlobal(place))
        QtWidgets.QApplication.sendEvent(dock, event)
        assert (window.finding.titles.card is not None) == shown
    QtWidgets.QApplication.sendEvent(dock, QtGui.QHelpEvent(QtCore.QEvent.ToolTip, at, dock.mapToGlobal(at)))
    card = window.finding.titles.card
    assert window.panels["game"].about in card.label.text() and window.rect().contains(card.geometry())
    card.label.linkActivated.emit("more")
    qtbot.waitUntil(lambda: window.finding.reader.title.text() == "Game")


def tour_waits_for_real_acts(window, qtbot, monkeypatch):
    session, tour = window.session, window.finding.tour
    window.finding.offer_tour()
    session.stepped.emit(0, None, [])
    assert not tour.running  # nobody sits before an offscreen window
    monkeypatch.setattr(QtGui.QGuiApplication, "platformName", staticmethod(lambda: "xcb"))
    window.finding.offer_tour()
    session.stepped.emit(0, None, [])
    tour._onwards.setInterval(0)
    assert tour.at == 0 and window.settings.get("tour/seen") and window.rect().contains(tour.bubble.geometry())
    height = tour.bubble.height()
    window.theme.type_size = tokens.type_size() + 4
    qtbot.waitUntil(lambda: tour.bubble.height() > height)
    window.commands.call("next_theme")
    assert tokens.current().heading in tour.bubble.text.text()
    window.commands.call("next_theme")
    window.commands.call("normal_type")
    press(Qt.Key_Space)
    qtbot.waitUntil(lambda: tour.at == 1)
    session.select(0, Unit("conv1", 3))
    qtbot.waitUntil(lambda: tour.at == 2)
    press(Qt.Key_L)
    qtbot.waitUntil(lambda: tour.at == 3)
    press(Qt.Key_B)
    qtbot.waitUntil(lambda: tour.at == 4)
    tour.bubble.back.click()
    assert tour.at == 3
    press(Qt.Key_Return)
    press(Qt.Key_Return)
    assert not tour.running and not tour.bubble.isVisible()
    window.finding.start_tour()
    press(Qt.Key_Escape)
    assert not tour.running and len(STOPS) == 5
    window.finding._offered = False
    window.finding.offer_tour()
    session.stepped.emit(0, None, [])
    assert not tour.running  # it was seen


def every_control_says_what_it_does(window):
    kinds = (QtWidgets.QAbstractButton, QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox, QtWidgets.QLineEdit)
    parts_of_others = (QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox, QtWidgets.QLineEdit, QtWidgets.QTabBar,
                       QtWidgets.QAbstractItemView)  # fmt: skip
    silent = []
    for root in (window.toolbar, *window.panels.values()):
        for control in root.findChildren(kinds):
            own = not isinstance(control.parentWidget(), parts_of_others) and not control.objectName().startswith("qt_")
            if own and control.isVisible() and not control.toolTip():
                silent.append(f"{type(root).__name__}: {type(control).__name__} {control.accessibleName()}")
    assert not silent
