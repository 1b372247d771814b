"""Two themes that can be read, type of any size, and a window that can be used by keys and by ear."""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeSession, fake_lane
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets
from test_app import make_window

from zoo_gui import appearance, naming, theme, tokens
from zoo_gui.settings import Settings
from zoo_gui.widgets.actions import ActionsPanel
from zoo_gui.widgets.banner import Banner
from zoo_gui.widgets.game import GamePanel
from zoo_gui.widgets.inks import Ink
from zoo_gui.widgets.observation import ObservationPanel
from zoo_gui.widgets.plots import PlotsPanel
from zoo_gui.widgets.status import StatusBar

Qt = QtCore.Qt
SOURCES = Path(theme.__file__).parent
GROUNDS = ("background", "base", "raised", "alternate")
WORDS = ("text", "dim", "heading", "link", "warning", "error", "good", "about")
BOTH = pytest.mark.parametrize("look", tokens.THEMES.values(), ids=list(tokens.THEMES))


# -- contrast, by WCAG 2.1's formula --------------------------------------------------------------------------------
def linear(colour) -> np.ndarray:
    parts = np.array(QtGui.QColor(colour).getRgbF()[:3])
    return np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one, other) -> float:
    bright, dark = sorted((float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_formula_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the usual example of just too little


@BOTH
def test_every_text_can_be_read_on_every_ground(look):
    poor = [f"{word} on {ground}: {contrast(getattr(look, word), getattr(look, ground)):.2f}"
            for word in WORDS for ground in GROUNDS if contrast(getattr(look, word), getattr(look, ground)) < 4.5]
    poor += [f"lane {lane} on {ground}" for lane, colour in enumerate(look.lanes) for ground in GROUNDS
             if contrast(colour, getattr(look, ground)) < 4.5]  # fmt: skip
    poor += [f"the ground on lane {n}" for n, colour in enumerate(look.lanes) if contrast(look.base, colour) < 4.5]
    assert not poor
    assert contrast(look.on_accent, look.accent) >= 4.5
    assert min(contrast(look.mark, "#000000"), contrast(tokens.DARK.warning, "#000000")) >= 4.5  # over games


@BOTH
def test_what_is_no_text_and_what_is_off_is_seen(look):
    assert not [(name, ground) for name in ("disabled", "control", "accent") for ground in GROUNDS
                if contrast(getattr(look, name), getattr(look, ground)) < 3]  # fmt: skip


@BOTH
def test_the_palette_is_that_of_the_theme(look, qapp):
    made, role = theme.palette(look), QtGui.QPalette
    for words, ground in ((role.WindowText, role.Window), (role.Text, role.Base), (role.ButtonText, role.Button),
                          (role.Text, role.AlternateBase), (role.HighlightedText, role.Highlight),
                          (role.ToolTipText, role.ToolTipBase), (role.PlaceholderText, role.Base)):  # fmt: skip
        assert contrast(made.color(words), made.color(ground)) >= 4.5
        assert contrast(made.color(role.Disabled, role.WindowText), made.color(role.Disabled, ground)) >= 3 \
            or ground == role.Highlight  # fmt: skip


# Machado, Oliveira & Fernandes 2009, severity 1, for linear RGB
BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    f = np.cbrt(xyz / (0.9505, 1.0, 1.089))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@BOTH
@pytest.mark.parametrize("eyes", BLIND)
def test_agents_stay_apart_for_colour_blind_eyes(look, eyes):
    seen = [lab(np.array(BLIND[eyes]) @ linear(colour)) for colour in look.lanes]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 10


def test_files_have_the_lanes_colours_of_the_dark_theme():
    assert naming.LANE_COLOURS == tokens.DARK.lanes


# -- no colour and no size of type of its own ----------------------------------------------------------------------
FIXED = re.compile(r"#[0-9a-fA-F]{6}\b|\bQColor\(\s*[\"'\d]|Qt\.(black|white|gray|darkGray|red|green|yellow|blue)\b"
                   r"|setPixelSize|font-size: *\d|setPointSize\(\d|rgba?\(\s*\d")  # fmt: skip
MAY = {
    "tokens.py": "here they are",
    "camera.py": "draws a mouse pointer into films, black and white as a desktop's",
    "captions.py": "writes under films, as high as they are, whatever the window's theme",
    "stage_marks.py": "marks over anything: black with white rims; and the black screen",
    "widgets/inks.py": "black and white, for marks on pictures of any colour",
    "widgets/embedding_colours.py": "no Qt",
    "naming.py": "the colours of figures in files",
}


def test_no_widget_has_a_colour_or_a_size_of_type_of_its_own():
    files = [*SOURCES.glob("widgets/*.py"), *(path for path in SOURCES.glob("*.py") if "pyqtgraph" in path.read_text())]
    found = [f"{path.relative_to(SOURCES)}:{number}: {line.strip()}" for path in files
             if str(path.relative_to(SOURCES)) not in MAY
             for number, line in enumerate(path.read_text().splitlines(), 1) if FIXED.search(line)]  # fmt: skip
    assert not found, "\n".join(found)


# -- switching ------------------------------------------------------------------------------------------------------
@pytest.fixture
def dark_again(qapp):
    yield
    tokens.use_steady(False)
    theme.apply(qapp, tokens.DARK, tokens.NORMAL)


def lightness(widget) -> float:
    """Of the widget's corner."""
    return widget.grab(QtCore.QRect(0, 0, 8, 8)).toImage().pixelColor(2, 2).lightness()


class SmallWindow(QtWidgets.QMainWindow):
    """Some of the panels, and the themes: each switch of the whole window takes a second and a half."""

    def __init__(self, *kinds):
        super().__init__()
        self.session, self.settings = FakeSession((fake_lane(), fake_lane(1, "small"))), Settings()
        self.session.status = {}
        self.commands = SimpleNamespace(parts=[], call=lambda name: getattr(self.theme, f"do_{name}")())
        self.theme = theme.Theme(self)
        self.panels = {number: kind(self.session) for number, kind in enumerate(kinds)}
        pages = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(pages)
        for panel in self.panels.values():
            column.addWidget(panel)
        self.setCentralWidget(pages)
        self.setStatusBar(StatusBar(self.session))
        self.resize(900, 1600)


def test_a_running_window_takes_another_theme_type_and_display(qtbot, dark_again):
    window = SmallWindow(GamePanel, ActionsPanel, PlotsPanel, ObservationPanel)
    qtbot.addWidget(window)
    window.show()
    check_switching(window)
    check_type(window)
    check_desktop(window)
    check_steady(window)


def check_switching(window):
    dark = [lightness(panel) for panel in window.panels.values()]
    window.commands.call("next_theme")
    light = [lightness(panel) for panel in window.panels.values()]
    assert max(dark) < 80 < 200 < min(light), (dark, light)
    assert window.settings.get("look/theme") == "light" and Ink()().name() == tokens.LIGHT.text
    window.commands.call("next_theme")
    assert [lightness(panel) for panel in window.panels.values()] == dark


def check_type(window):
    """It grows and shrinks within its bounds, and comes back."""
    box = window.panels[2].window_box
    high = box.sizeHint().height()
    window.theme.type_size = 19.5
    window.commands.call("larger_type")
    assert window.theme.type_size == tokens.LARGEST == QtWidgets.QApplication.font().pointSizeF()
    assert box.sizeHint().height() > 1.6 * high
    window.theme.type_size = 5.5
    window.commands.call("smaller_type")
    assert window.theme.type_size == tokens.SMALLEST
    window.commands.call("normal_type")
    assert window.theme.type_size == tokens.NORMAL and window.settings.get("look/type") == 0


def check_desktop(window):
    """It is followed unless the person chose."""
    window.theme.apply("system")
    assert (window.theme.chosen, tokens.current().name) == ("system", "dark")  # nobody says anything here
    system = window.theme._system
    system._take(2)
    assert tokens.current().name == "light"
    window.theme.apply("dark")
    system._take(1)
    system._take(2)
    assert tokens.current().name == "dark"
    window.theme.apply("system")
    assert tokens.current().name == "light"


def check_steady(window):
    """The steady display is kept, and said."""
    field = window.statusBar().fields["steady"]
    assert not field.isVisible()
    window.commands.call("toggle_steady")
    assert tokens.steady() and window.settings.get("look/steady") and field.isVisible() and "steady" in field.text()
    window.commands.call("toggle_steady")
    assert not tokens.steady() and not field.isVisible()


def test_what_the_desktop_says():
    assert [appearance.scheme(value) for value in (0, 1, 2, 3, "1", None)] == [None, "dark", "light", None, None, None]


# -- less flicker ---------------------------------------------------------------------------------------------------
def test_the_steady_display_shows_the_brighter_of_two_frames(qtbot, dark_again):
    session = FakeSession((fake_lane(),))
    panel = GamePanel(session)
    qtbot.addWidget(panel)
    panel.show()
    one, other = np.zeros((2, 210, 160, 3), np.uint8)
    one[:100], other[100:] = 200, 90  # each shows what the other does not

    def shown(frame):
        panel.show_frame(0, frame)
        return panel._cells[0].picture.pixels[[50, 150], 10, 0].tolist()

    assert [shown(one), shown(other)] == [[200, 0], [0, 90]]
    tokens.use_steady(True)
    assert [shown(one), shown(other), shown(one)] == [[200, 0], [200, 90], [200, 90]]
    panel.look_changed(tokens.current())  # painted again, it is no other frame
    assert panel._cells[0].picture.pixels[[50, 150], 10, 0].tolist() == [200, 90]


# -- by keys and by ear ---------------------------------------------------------------------------------------------
USED = (
    QtWidgets.QAbstractButton, QtWidgets.QComboBox, QtWidgets.QLineEdit, QtWidgets.QAbstractSpinBox,
    QtWidgets.QAbstractSlider, QtWidgets.QAbstractItemView, QtWidgets.QTextEdit, QtWidgets.QPlainTextEdit,
)  # fmt: skip
INNER = (QtWidgets.QScrollBar, QtWidgets.QHeaderView)


def used(within) -> list:
    """What a person works with, less what belongs to another control."""
    found = [child for child in within.findChildren(QtWidgets.QWidget)
             if isinstance(child, USED) and not isinstance(child, INNER) and child.window() is within.window()]
    inside = (QtWidgets.QComboBox, QtWidgets.QTabBar, QtWidgets.QDockWidget, QtWidgets.QLineEdit, QtWidgets.QMenuBar,
              QtWidgets.QAbstractItemView, Banner)  # fmt: skip
    return [child for child in found if child.objectName() not in ("qt_spinbox_lineedit", "qt_toolbar_ext_button")
            and not isinstance(child.parentWidget(), inside)]  # fmt: skip


def name_of(widget) -> str:
    """What a screen reader says."""
    labels = (label for label in widget.window().findChildren(QtWidgets.QLabel) if label.buddy() is widget)
    return widget.accessibleName() or getattr(widget, "text", str)() or getattr(widget, "placeholderText", str)() \
        or next((label.text() for label in labels), "")  # fmt: skip


def described(widget) -> str:
    return f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}: {name_of(widget) or widget.toolTip()!r}"


def test_every_control_has_a_name_and_tab_comes_to_it(qtbot):
    window = make_window(qtbot, start=False)
    for panel in window.panels.values():
        panel.lanes = window.session.lanes = (fake_lane(0), fake_lane(1, "small"))
        panel._guard(panel.set_lanes, panel.lanes)
        assert not panel.failed, panel.title
    controls = [*used(window), *(view for view in window.findChildren(QtWidgets.QGraphicsView)
                                 if view.focusPolicy() & Qt.TabFocus)]  # fmt: skip
    nameless = [described(one) for one in controls if not re.search(r"\w", name_of(one))]
    unreached = [described(one) for one in controls
                 if not one.focusPolicy() & Qt.TabFocus and not re.search(r"\(.+\)", one.toolTip())]  # tells its key
    assert not nameless, "\n".join(nameless)
    assert not unreached, "\n".join(unreached)
    check_tab(window)


def check_tab(window):
    """Round the window and back to where it began; the frame is around what has the focus; Enter presses."""
    QtWidgets.QApplication.setActiveWindow(window)
    window.setFocus()
    passed = []
    for _ in range(len(window.focus.stops()) + 1):
        QtTest.QTest.keyClick(QtWidgets.QApplication.focusWidget(), Qt.Key_Tab)
        passed.append(QtWidgets.QApplication.focusWidget())
    assert passed[0] is passed[-1] and len(set(passed)) == len(passed) - 1 == len(window.focus.stops())
    assert window.toolbar.isAncestorOf(passed[0])
    docks = [dock for one in passed for name, dock in window.docks.items() if dock.isAncestorOf(one)]
    columns = [(dock.x(), dock.y()) for dock in docks]
    assert columns[:-1] == sorted(columns[:-1]) and len(set(docks)) > 3
    QtTest.QTest.keyClick(passed[-1], Qt.Key_Tab, Qt.ShiftModifier)
    assert QtWidgets.QApplication.focusWidget() is passed[-2]
    ring = window.focus._ring
    assert ring.isVisible() and ring.around is passed[-2]
    switch = window.panels["plots"].buttons["reward"]
    switch.setFocus(Qt.TabFocusReason)
    for key in (Qt.Key_Return, Qt.Key_Space):
        was = switch.isChecked()
        QtTest.QTest.keyClick(switch, key)
        assert switch.isChecked() != was
    assert not window.session.running  # Space was the button's
    QtTest.QTest.mouseClick(window.panels["game"], Qt.LeftButton)
    window.setFocus(Qt.MouseFocusReason)
    assert not ring.isVisible()


def test_widgets_out_of_sight_take_over_a_switch_when_they_are_shown_or_soon_after_it(qtbot, dark_again):
    window = SmallWindow()
    tabs = QtWidgets.QTabWidget()
    pages = [QtWidgets.QPushButton("as large as its type") for _ in range(3)]
    for page in pages:
        page.setProperty("role", "heading")
        tabs.addTab(page, "")
    window.setCentralWidget(tabs)
    qtbot.addWidget(window)
    window.show()
    small = [page.font().pointSizeF() for page in pages]
    window.theme.type_size = 14
    assert [page.font().pointSizeF() for page in pages] == [14, *small[1:]]
    tabs.setCurrentIndex(1)
    assert pages[1].font().pointSizeF() == 14 and pages[1].palette().buttonText().color().name() == tokens.DARK.heading
    window.theme.apply("light")  # while the third is asleep still
    qtbot.waitUntil(lambda: not window.theme._sleepers._beds)
    for page in pages:
        assert page.font().pointSizeF() == 14, page
        assert page.palette().buttonText().color().name() == tokens.LIGHT.heading, page
        assert not page.testAttribute(Qt.WA_SetStyle) and page.testAttribute(Qt.WA_WState_Polished)


def test_a_toolbar_that_was_out_of_sight_asks_again_how_much_room_there_is(qtbot, dark_again, monkeypatch):
    window = make_window(qtbot, start=False)
    qtbot.wait(100)
    shared = []
    monkeypatch.setattr(window.toolbar, "_share_out", shared.append)
    window.toolbar.hide()  # as while presenting, in larger type
    window.toolbar.show()
    qtbot.wait(50)
    assert shared == [window.toolbar.width()]
