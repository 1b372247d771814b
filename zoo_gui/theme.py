"""How the window looks: a dark palette in which activations stand out, and pyqtgraph told the same."""

from __future__ import annotations

import pyqtgraph as pg
from pyqtgraph.Qt import QtGui, QtWidgets

BACKGROUND, BASE, TEXT, DIM, ACCENT = "#1b1d21", "#131518", "#e6e6e6", "#9a9fa6", "#3d7fc4"

_STYLE = f"""
QMainWindow::separator {{ background: {BASE}; width: 4px; height: 4px; }}
QMainWindow::separator:hover {{ background: {ACCENT}; }}
QDockWidget {{ titlebar-close-icon: none; font-size: 11px; }}
QDockWidget::title {{ background: #25282d; padding: 3px 6px; }}
QToolBar {{ border: none; spacing: 3px; padding: 2px; }}
QToolTip {{ color: {TEXT}; background: #2b2f35; border: 1px solid #4a4f57; }}
QTabBar::tab {{ padding: 3px 10px; }}
QMainWindow > QTabBar {{ font-size: 11px; }}
QMainWindow > QTabBar::tab {{ padding: 3px 4px; }}
"""


def apply(application: QtWidgets.QApplication) -> None:
    """Set the style, palette and pyqtgraph's defaults. Call once, before any widget exists."""
    application.setStyle("Fusion")
    palette, role = QtGui.QPalette(), QtGui.QPalette
    for kind, colour in (
        (role.Window, BACKGROUND), (role.Base, BASE), (role.AlternateBase, "#202328"), (role.Button, "#2b2f35"),
        (role.WindowText, TEXT), (role.Text, TEXT), (role.ButtonText, TEXT), (role.ToolTipText, TEXT),
        (role.ToolTipBase, "#2b2f35"), (role.Highlight, ACCENT), (role.HighlightedText, "#ffffff"),
        (role.Link, "#6fb1f2"), (role.PlaceholderText, DIM),
    ):
        palette.setColor(kind, QtGui.QColor(colour))
    for kind in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QtGui.QPalette.Disabled, kind, QtGui.QColor("#6b7078"))
    application.setPalette(palette)
    application.setStyleSheet(_STYLE)
    # OpenGL is slower than raster painting wherever it is emulated; antialiasing costs more than it shows here.
    pg.setConfigOptions(background=BASE, foreground=TEXT, antialias=False, useOpenGL=False, imageAxisOrder="row-major")
