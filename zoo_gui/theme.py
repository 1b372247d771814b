"""How the window looks: two themes, and type of any size, told to Qt; ``Theme`` changes them in a running window.

``ROLES``: what the property ``role`` of a widget may be; the style sheet gives its text the size and colour.
"""

from __future__ import annotations

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens as _tokens
from zoo_gui.appearance import Appearance
from zoo_gui.menus import command_action
from zoo_gui.settings import resource_path
from zoo_gui.sleepers import Sleepers
from zoo_gui.tokens import LARGEST, NORMAL, SMALLEST, THEMES, Tokens
from zoo_gui.widgets.base import Panel

#: caption: small words under and beside things; dim: the same, less important; key: a key's cap; sign: large type.
#: toggle: a button that stays down; driver: an agent's button to take over; slim: a scroll bar beside pictures.
ROLES = ("heading", "caption", "dim", "warning", "error", "good", "key", "sign", "toggle", "driver", "slim")
NAMES = {"system": "As the desktop", "dark": "Dark", "light": "Light"}
SIZES = (5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20)


#: Words and buttons of one of the agents, by the property ``lane``.
LANE = """
QLabel[lane="{lane}"], QPushButton[lane="{lane}"]:!checked, QPushButton[lane="{lane}"]:checked {{ color: {colour};
    font-weight: bold; }}
QPushButton[lane="{lane}"][role="driver"] {{ padding: 2px 7px; border-color: {colour}; }}
QPushButton[lane="{lane}"][role="driver"]:checked {{ color: {look.base}; background: {colour}; }}
QPushButton[lane="{lane}"]:disabled {{ color: {look.disabled}; border-color: {look.border}; }}
"""

#: The message bar, by how much its message matters.
LEVEL = """
QFrame#banner[level="{level}"] {{ border-left: 4px solid {colour}; }}
QLabel[level="{level}"] {{ color: {colour}; font-weight: bold; }}
"""


def style_sheet(look: Tokens, size: float) -> str:
    """The application's style sheet; ``size``: points of plain text."""
    small = f"{size * 0.92:.2f}pt"
    return "\n".join((_frame(look, small), _controls(look, size), _words(look, size, small)))


def _frame(look: Tokens, small: str) -> str:
    """The window around the panels, tabs, menus and tables."""
    return f"""
QMainWindow::separator {{ background: {look.base}; width: 4px; height: 4px; }}
QMainWindow::separator:hover {{ background: {look.accent}; }}
QDockWidget {{ titlebar-close-icon: none; font-size: {small}; }}
QDockWidget::title {{ background: {look.raised}; padding: 3px 6px; }}
QToolBar {{ border: none; spacing: 3px; padding: 2px; }}
QToolTip {{ color: {look.text}; background: {look.raised}; border: 1px solid {look.control}; }}
QTabBar::tab {{ padding: 3px 10px; color: {look.dim}; border: none; border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {look.text}; }}
QTabBar::tab:selected {{ color: {look.text}; background: {look.raised}; border-bottom-color: {look.link}; }}
QTabBar:focus::tab:selected {{ border-bottom-color: {look.text}; }}
QTabBar::tab:disabled {{ color: {look.disabled}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {look.border}; }}
QMainWindow > QTabBar {{ font-size: {small}; }}
QMainWindow > QTabBar::tab {{ padding: 3px 5px; }}
QMenu {{ border: 1px solid {look.control}; }}
QHeaderView::section {{ background: {look.raised}; color: {look.text}; border: none;
    border-right: 1px solid {look.border}; padding: 2px 5px; }}
QTableView, QListView, QTreeView, QTextEdit, QPlainTextEdit, QTextBrowser {{ border: 1px solid {look.border}; }}
QTableView:focus, QListView:focus, QTreeView:focus, QTextEdit:focus {{ border-color: {look.link}; }}
QStatusBar::item {{ border: none; }}
"""


def _controls(look: Tokens, size: float) -> str:
    """Fields, choices, buttons, boxes to tick."""
    icon = str(resource_path("icons", "look", look.name)).replace("\\", "/")
    tick = max(9, round(12 * size / NORMAL))
    return f"""
QLineEdit, QAbstractSpinBox, QComboBox, QPushButton {{ border: 1px solid {look.control}; border-radius: 3px; }}
QLineEdit, QAbstractSpinBox {{ background: {look.base}; padding: 1px 3px; }}
QComboBox {{ background: {look.raised}; padding: 1px 1px 1px 5px; }}
QPushButton {{ background: {look.raised}; padding: 3px 10px; }}
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPushButton:focus {{ border-color: {look.link}; }}
QPushButton:hover, QComboBox:hover {{ border-color: {look.text}; }}
QPushButton:pressed {{ background: {look.base}; }}
QPushButton:default {{ border: 2px solid {look.accent}; }}
QPushButton:checked {{ background: {look.accent}; color: {look.on_accent}; }}
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled, QPushButton:disabled {{
    color: {look.disabled}; border-color: {look.border}; background: {look.background}; }}
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0; }}
QComboBox::drop-down {{ border: none; width: {tick + 2}px; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url({icon}-down.svg); width: {tick - 3}px; }}
QAbstractSpinBox::up-arrow {{ image: url({icon}-up.svg); width: {tick - 3}px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: {tick + 2}px; }}
QCheckBox, QRadioButton {{ spacing: 5px; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: {tick - 1}px; height: {tick - 1}px;
    border: 1px solid {look.control}; background: {look.base}; }}
QCheckBox::indicator {{ border-radius: 2px; }}
QRadioButton::indicator {{ border-radius: {(tick + 1) // 2}px; }}
QCheckBox::indicator:checked {{ background: {look.accent}; image: url({icon}-check.svg); }}
QRadioButton::indicator:checked {{ background: {look.accent}; image: url({icon}-dot.svg); }}
QCheckBox:focus, QRadioButton:focus {{ color: {look.link}; }}
"""


def _words(look: Tokens, size: float, small: str) -> str:
    """What properties make of words and buttons: ``role``, ``strong``, ``lane``, ``level``."""
    words = "\n".join(f'*[role="{role}"] {{ color: {getattr(look, role)}; font-size: {small}; }}'
                      for role in ("dim", "warning", "error", "good"))  # fmt: skip
    lanes = "\n".join(LANE.format(lane=lane, colour=colour, look=look) for lane, colour in enumerate(look.lanes))
    levels = "\n".join(LEVEL.format(level=level, colour=getattr(look, name))
                       for level, name in (("error", "error"), ("warning", "warning"), ("info", "link")))  # fmt: skip
    return f"""
*[role="caption"] {{ font-size: {small}; }}
*[strong="true"] {{ font-weight: bold; }}
{lanes}
{words}
QFrame#banner {{ background: {look.raised}; }}
{levels}
QFrame#tile {{ border: 2px solid transparent; }}
QFrame#tile[ahead="true"] {{ border-color: {look.good}; }}
GroupRow[chosen="true"] {{ border: 1px solid {look.text}; }}
*[role="heading"] {{ color: {look.heading}; font-weight: bold; font-size: {size:.2f}pt; padding-top: 4px; }}
*[role="sign"] {{ font-size: {size * 1.9:.2f}pt; font-weight: bold; }}
*[role="key"] {{ background: {look.raised}; color: {look.text}; border: 1px solid {look.control}; border-radius: 3px;
    padding: 0 4px; font-family: monospace; font-size: {small}; }}
QPushButton[role="caption"] {{ padding: 2px 8px; }}
QPushButton[role="toggle"], QToolButton[role="toggle"] {{ font-size: {small}; padding: 2px 8px; border: none;
    border-bottom: 2px solid transparent; border-radius: 0; background: transparent; color: {look.dim}; }}
QToolButton[role="toggle"] {{ padding: 1px 6px; }}
QPushButton[role="toggle"]:hover, QToolButton[role="toggle"]:hover {{ color: {look.text}; }}
QPushButton[role="toggle"]:checked, QToolButton[role="toggle"]:checked {{ color: {look.text};
    background: {look.raised}; border-bottom-color: {look.link}; }}
QPushButton[role="toggle"]:disabled {{ color: {look.disabled}; }}
QPushButton[role="toggle"]:focus {{ border-bottom-color: {look.text}; }}
QScrollBar[role="slim"]:vertical {{ width: 9px; background: transparent; margin: 0; }}
QScrollBar[role="slim"]:horizontal {{ height: 9px; background: transparent; margin: 0; }}
QScrollBar[role="slim"]::handle:horizontal {{ background: {look.control}; border-radius: 3px; min-width: 24px;
    margin: 1px; }}
QScrollBar[role="slim"]::handle:horizontal:hover {{ background: {look.text}; }}
QScrollBar[role="slim"]::handle:vertical {{ background: {look.control}; border-radius: 3px; min-height: 24px;
    margin: 1px; }}
QScrollBar[role="slim"]::handle:vertical:hover {{ background: {look.text}; }}
QScrollBar[role="slim"]::handle:vertical:disabled {{ background: transparent; }}
QScrollBar[role="slim"]::add-line, QScrollBar[role="slim"]::sub-line {{ width: 0; height: 0; }}
QScrollBar[role="slim"]::add-page, QScrollBar[role="slim"]::sub-page {{ background: transparent; }}
"""


def palette(look: Tokens) -> QtGui.QPalette:
    """The toolkit's palette."""
    made, role = QtGui.QPalette(), QtGui.QPalette
    for kind, colour in (
        (role.Window, look.background), (role.Base, look.base), (role.AlternateBase, look.alternate),
        (role.Button, look.raised), (role.WindowText, look.text), (role.Text, look.text), (role.ButtonText, look.text),
        (role.BrightText, look.error), (role.ToolTipText, look.text), (role.ToolTipBase, look.raised),
        (role.Highlight, look.accent), (role.HighlightedText, look.on_accent), (role.Link, look.link),
        (role.LinkVisited, look.link), (role.PlaceholderText, look.dim), (role.Mid, look.border),
        (role.Dark, look.border), (role.Midlight, look.raised), (role.Light, look.raised), (role.Shadow, look.border),
    ):
        made.setColor(kind, QtGui.QColor(colour))
    for kind in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(role.Disabled, kind, QtGui.QColor(look.disabled))
    return made


def apply(application: QtWidgets.QApplication, look: Tokens | None = None, size: float | None = None) -> None:
    """Give the application a theme and type size, at first the dark one; also pyqtgraph's defaults."""
    look = look or _tokens.current()
    _tokens.use(look, size)
    size = _tokens.type_size()
    if application.property("look") == f"{look.name} {size}":
        return
    if application.property("look") is None:
        application.setStyle("Fusion")
    application.setProperty("look", f"{look.name} {size}")
    # OpenGL is slower than raster painting wherever it is emulated; antialiasing costs more than it shows here.
    pg.setConfigOptions(background=look.base, foreground=look.text, antialias=False, useOpenGL=False,
                        imageAxisOrder="row-major")
    font = QtGui.QFont(application.font())
    font.setPointSizeF(size)
    application.setFont(font)
    application.setPalette(palette(look))
    # to leave one style sheet and then take another costs a quarter of going from one to the other: 0.4 s for 0 to 1.6
    application.setStyleSheet("")
    application.setStyleSheet(style_sheet(look, size))


class Theme(QtCore.QObject):
    """The look of the running window. ``changed``: the theme or the type size is another; panels were told already.

    ``chosen`` is what the person chose: ``system``, ``dark`` or ``light``; ``tokens.current()`` what came of it.
    """

    changed = QtCore.Signal(object)

    def __init__(self, window):
        super().__init__(window)
        self._window, self._settings = window, window.settings
        self._sleepers = Sleepers(window)
        application = QtWidgets.QApplication.instance()
        self._system_size, self._system = system_size(application), Appearance(self)
        self._system.changed.connect(self._refresh)
        window.commands.parts.append(self)
        self._refresh()
        self._use_steady()

    @property
    def chosen(self) -> str:
        return self._settings.get("look/theme")

    @property
    def type_size(self) -> float:
        """Points of plain text."""
        return _tokens.type_size()

    @type_size.setter
    def type_size(self, points: float) -> None:
        self._settings.set("look/type", min(max(float(points), SMALLEST), LARGEST))
        self._refresh()

    def apply(self, name: str) -> None:
        """Choose ``dark``, ``light`` or ``system``; what is shown changes at once."""
        self._settings.set("look/theme", name)
        self._refresh()

    def next(self) -> None:
        """The other theme than the one that is seen."""
        self.apply("light" if _tokens.current().name == "dark" else "dark")

    def _refresh(self) -> None:
        name = self.chosen if self.chosen != "system" else self._system.name
        look, size = THEMES[name], self._settings.get("look/type") or self._system_size
        before = _tokens.current(), _tokens.type_size()
        with self._sleepers.asleep():
            apply(QtWidgets.QApplication.instance(), look, size)
        if before == (_tokens.current(), _tokens.type_size()):
            return
        for panel in self._panels():
            panel.look_changed(look)
        for bar in self._window.findChildren(QtWidgets.QToolBar, options=QtCore.Qt.FindDirectChildrenOnly):
            if hasattr(bar, "set_look"):
                bar.set_look()
        self.changed.emit(look)

    def _panels(self) -> list[Panel]:
        """Those of the window; to look for them in it takes long."""
        return list(getattr(self._window, "panels", {}).values())

    def on_seen(self, panel: Panel, seen: bool) -> None:
        """A panel came to the front of its tabs, or went behind: what it slept through it takes over first."""
        if seen:
            self._sleepers.wake(panel)

    # -- menu ---------------------------------------------------------------------------------------------------
    def menu(self, parent: QtWidgets.QWidget) -> QtWidgets.QMenu:
        """What View offers of this: theme, type, flicker."""
        menu = QtWidgets.QMenu("Look", parent)
        themes, types = QtWidgets.QActionGroup(menu), QtWidgets.QActionGroup(menu)
        for name, text in NAMES.items():
            self._choice(menu, themes, text, name, self.apply)
        menu.addAction(command_action(self._window, "next_theme"))
        menu.addSeparator()
        sizes = menu.addMenu("Type")
        for points in SIZES:
            self._choice(sizes, types, f"{points} points", points, self._set_type)
        for command in ("larger_type", "smaller_type", "normal_type"):
            menu.addAction(command_action(self._window, command))
        menu.addSeparator()
        menu.addAction(command_action(self._window, "toggle_steady"))
        menu.aboutToShow.connect(lambda: self._check(themes, self.chosen))
        sizes.aboutToShow.connect(lambda: self._check(types, round(self.type_size)))
        return menu

    @staticmethod
    def _choice(menu: QtWidgets.QMenu, group: QtWidgets.QActionGroup, text: str, value, chosen) -> None:
        action = group.addAction(menu.addAction(text))
        action.setCheckable(True)
        action.setData(value)
        action.triggered.connect(lambda: chosen(value))

    @staticmethod
    def _check(group: QtWidgets.QActionGroup, value) -> None:
        for action in group.actions():
            action.setChecked(action.data() == value)

    def _set_type(self, points: float) -> None:
        self.type_size = points

    # -- commands -----------------------------------------------------------------------------------------------
    def do_next_theme(self) -> None:
        self.next()
        self._window.session.hover(f"theme: {_tokens.current().name}")

    def do_larger_type(self) -> None:
        self._change_type(self.type_size + 1)

    def do_smaller_type(self) -> None:
        self._change_type(self.type_size - 1)

    def do_normal_type(self) -> None:
        self._settings.set("look/type", 0.0)
        self._refresh()
        self._window.session.hover(f"type: {self.type_size:g} points")

    def do_toggle_steady(self) -> None:
        """The flicker-reducing display, for those whom flashes can harm or disturb."""
        self._settings.set("look/steady", not self._settings.get("look/steady"))
        self._use_steady()
        if (game := self._window.panels.get("game")) is not None:  # it alone shows games frame by frame
            game.look_changed(_tokens.current())
        on = _tokens.steady()
        self._window.session.hover("games as the brighter of each two frames" if on else "games frame by frame")

    def _use_steady(self) -> None:
        session = self._window.session
        _tokens.use_steady(self._settings.get("look/steady"))
        session.status["steady"] = _tokens.steady() or None
        session.status_changed.emit(dict(session.status))

    def _change_type(self, points: float) -> None:
        self.type_size = points
        self._window.session.hover(f"type: {self.type_size:g} points")


def system_size(application: QtWidgets.QApplication) -> float:
    """Points of plain text on this desktop; where there is none, the size that this program is laid out for."""
    points = application.font().pointSizeF() if application.property("look") is None else _tokens.type_size()
    headless = application.platformName() in ("offscreen", "minimal") or points <= 0
    return NORMAL if headless else min(max(points, SMALLEST), LARGEST)
