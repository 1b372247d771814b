"""Where the parts of a panel are, for *What am I looking at?*: from widgets, and from what is painted on a canvas."""

from __future__ import annotations

from typing import Iterable

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.base import Part


def of_widgets(panel: QtWidgets.QWidget, *rows: tuple[QtWidgets.QWidget, str, str]) -> list[Part]:
    """Those that are seen, of (widget, name, sentence)."""
    return [Part(QtCore.QRect(widget.mapTo(panel, QtCore.QPoint()), widget.size()), name, sentence)
            for widget, name, sentence in rows if widget.isVisible() and not widget.visibleRegion().isEmpty()]


def of_boxes(panel: QtWidgets.QWidget, canvas, rows: Iterable[tuple[QtCore.QRectF, str, str]]) -> list[Part]:
    """Those that have a place on an ``items.Canvas``, of (box in canvas positions, name, sentence)."""
    corner = canvas.viewport().mapTo(panel, QtCore.QPoint())
    view = canvas.view
    parts = []
    for box, name, sentence in rows:
        if box.width() > 2 and box.height() > 2:
            on_scene = view.mapRectFromItem(view.childGroup, box)
            parts.append(Part(canvas.mapFromScene(on_scene).boundingRect().translated(corner), name, sentence))
    return parts


def of_outputs(panel: QtWidgets.QWidget, view, item) -> list[Part]:
    """Of the Actions panel: the first agent's value, its bars and its numbers, and where the choice is marked."""
    column = next((column for column in item.columns if column.decision is not None), None)
    if column is None:
        return []
    corner = view.viewport().mapTo(panel, QtCore.QPoint())
    kind = "Q-value" if column.is_q else "probability"

    def part(box: QtCore.QRectF, name: str, sentence: str) -> Part:
        return Part(view.mapFromScene(item.mapRectToScene(box)).boundingRect().translated(corner), name, sentence)

    value, last = column.row(1), column.row(len(column.names) + 1)
    bars = column.row(2).united(last)
    chosen = column.row(column.decision.action + 2)
    left, right = (QtCore.QRectF(box) for box in (chosen, bars))
    left.setRight(chosen.left() + chosen.width() * 0.2)
    right.setLeft(bars.left() + bars.width() * 0.72)
    return [
        part(value, column.value_name, "How good the network thinks this moment is."),
        part(bars, f"a bar for each action: its {kind}", f"How long a bar is says the action's {kind}."),
        part(left, "▶ the chosen one", "The action that the agent takes at this moment."),
        part(right, "the same in numbers", f"The {kind}" + ("." if column.is_q else ", and the logit beside it.")),
    ]
