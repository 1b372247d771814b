"""How the window looks: two themes, and type of any size, told to the toolkit; ``Theme`` changes them in a running window.

``ROLES``: what the property ``role`` of a widget may be; the style sheet gives its text the size and colour.
"""

from __future__ import annotations

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens as _tokens
from zoo_gui.appearance import Appearance
from zoo_gui.tokens import LARGEST, NORMAL, SMALLEST, THEMES, Tokens
from zoo_gui.widgets.base import Panel

#: caption: small words under and beside things; dim: the same, less important; key: a key's cap; sign: large type.
ROLES = ("heading", "caption", "dim", "warning", "error", "good", "key", "sign")
NAMES = ("system", "dark", "light")


def style_sheet(look: Tokens, size: float) -> str:
    """The application's style sheet; ``size``: points of plain text."""
    small, large = f"{size * 0.92:.2f}pt", f"{size * 1.9:.2f}pt"
    words = "\n".join(f'*[role="{role}"] {{ color: {getattr(look, role)}; font-size: {small}; }}'
                      for role in ("dim", "warning", "error", "good"))  # fmt: skip
    return f"""
QMainWindow::separator {{ background: {look.base}; width: 4px; height: 4px; }}
QMainWindow::separator:hover {{ background: {look.accent}; }}
QDockWidget {{ titlebar-close-icon: none; font-size: {small}; }}
QDockWidget::title {{ background: {look.raised}; padding: 3px 6px; }}
QToolBar {{ border: none; spacing: 3px; padding: 2px; }}
QToolTip {{ color: {look.text}; background: {look.raised}; border: 1px solid {look.control}; }}
QTabBar::tab {{ padding: 3px 10px; }}
QMainWindow > QTabBar {{ font-size: {small}; }}
QMainWindow > QTabBar::tab {{ padding: 3px 4px; }}
*[role="caption"] {{ font-size: {small}; }}
{words}
*[role="heading"] {{ color: {look.heading}; font-weight: bold; font-size: {size:.2f}pt; }}
*[role="sign"] {{ font-size: {large}; font-weight: bold; }}
*[role="key"] {{ background: {look.raised}; color: {look.text}; border: 1px solid {look.control}; border-radius: 3px;
    padding: 0 4px; font-family: monospace; font-size: {small}; }}
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
    application.setStyleSheet(style_sheet(look, size))


class Theme(QtCore.QObject):
    """The look of the running window. ``changed``: the theme or the type size is another; panels were told already.

    ``chosen`` is what the person chose: ``system``, ``dark`` or ``light``; ``tokens.current()`` what came of it.
    """

    changed = QtCore.Signal(object)

    def __init__(self, window):
        super().__init__(window)
        self._window, self._settings = window, window.settings
        application = QtWidgets.QApplication.instance()
        self._system_size, self._system = system_size(application), Appearance(self)
        self._system.changed.connect(self._refresh)
        window.commands.parts.append(self)
        self._refresh()

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
        apply(QtWidgets.QApplication.instance(), look, size)
        if before == (_tokens.current(), _tokens.type_size()):
            return
        for panel in self._window.findChildren(Panel):
            panel.look_changed(look)
        self.changed.emit(look)

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

    def _change_type(self, points: float) -> None:
        self.type_size = points
        self._window.session.hover(f"type: {self.type_size:g} points")


def system_size(application: QtWidgets.QApplication) -> float:
    """Points of plain text on this desktop; where there is none, the size that this program is laid out for."""
    points = application.font().pointSizeF() if application.property("look") is None else _tokens.type_size()
    headless = application.platformName() in ("offscreen", "minimal") or points <= 0
    return NORMAL if headless else min(max(points, SMALLEST), LARGEST)
