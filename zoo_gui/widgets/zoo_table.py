"""The catalogue as a table: what the zoo panel and the dialog that opens an agent have in common."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets
from zoo_gui.tokens import pixels
from zoo_gui.widgets.controls import fit_rows
from zoo_gui.widgets.inks import hue

Qt = QtCore.Qt
AGENT, SCORE, FRAMES, LICENCE, SOURCE, STATUS = range(6)
COLUMNS = {
    "Agent": "Title and id, which is what to call it on the command line",
    "Score": "Mean score of whole games; the bar is (score − random play) / (person − random play), its line a person. "
    "Coloured and slanted where no better than a player that sees nothing",
    "Trained": "Emulator frames of training (M: million)",
    "Licence": "What its author allows; unknown where nothing stands",
    "From": "Who publishes it",
    "Status": "Whether it is on this machine. A click on a running download cancels it",
}
WIDTHS = (0, 178, 56, 70, 74, 100)
"""Pixels where the type is normal; the first column takes the rest."""
SOURCE_NAMES = {
    "embedded": "Built in", "folder": "Your folders", "url": "Web", "zoo": "Atari Zoo", "dopamine": "Dopamine",
    "huggingface": "Hugging Face",
}  # fmt: skip
FINAL = "final"
PICTURE = QtCore.QSize(96, 126)
SMALL = QtCore.QSize(29, 38)
MAX_SIDE = 1024
FULL_BAR = 1.5
"""The level at which the bar of a score is full; 1 is a person."""
ENTRY = Qt.UserRole


class ZooModel(QtCore.QAbstractTableModel):
    """Rows of the catalogue, those that the filter leaves, in the order asked for.

    Filtering and sorting are done here on plain lists: a proxy model would call Python for every row and comparison.
    ``picture_wanted(entry)``: a row is seen whose picture has not been read.
    """

    picture_wanted = QtCore.Signal(object)

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.entries: list = []
        self.shown: list = []
        self._haystack: dict[str, str] = {}
        self._filter: tuple[tuple[str, ...], dict[str, str], bool] = ((), {}, False)
        self._order = (-1, Qt.AscendingOrder)
        self._pictures: dict[str, QtGui.QPixmap | None] = {}
        self._loading: dict[str, tuple[str, float | None]] = {}

    # -- content ------------------------------------------------------------------------------------------------
    def set_entries(self, entries: list) -> None:
        """Show these catalogue entries."""
        self.entries = entries
        self._haystack = {
            e.id: f"{e.id} {e.title} {e.game} {e.algorithm_title} {tag_of(e)} {e.source} {e.status}".casefold()
            for e in entries
        }
        self._arrange()

    def set_filter(self, text: str, here: bool = False, **exactly: str) -> None:
        """Leave the rows that hold all words of the text and have exactly these fields ("": any)."""
        self._filter = tuple(text.casefold().split()), {key: value for key, value in exactly.items() if value}, here
        self._arrange()

    def sort(self, column: int, order=Qt.AscendingOrder) -> None:
        """By a column; −1: the catalogue's own order. What is not known comes last."""
        self._order = (column, order)
        self._arrange()

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are in another order than the catalogue's."""
        return self._order[0] >= 0

    def _arrange(self) -> None:
        words, exactly, here = self._filter
        self.beginResetModel()
        rows = [e for e in self.entries if not here or e.is_here]
        for key, value in exactly.items():
            rows = [e for e in rows if (tag_of(e) if key == "tag" else getattr(e, key)) == value]
        if words:
            hay = self._haystack
            rows = [e for e in rows if all(word in hay[e.id] for word in words)]
        column, order = self._order
        if column in SORT_KEYS:
            known = [e for e in rows if SORT_KEYS[column](e) is not None]
            unknown = [e for e in rows if SORT_KEYS[column](e) is None]
            rows = sorted(known, key=SORT_KEYS[column], reverse=order == Qt.DescendingOrder) + unknown
        self.shown = rows
        self.endResetModel()

    def row_of(self, id: str | None) -> int:
        """The row that shows an agent, −1 where none does."""
        return next((row for row, entry in enumerate(self.shown) if entry.id == id), -1)

    def set_picture(self, id: str, pixmap: QtGui.QPixmap | None) -> None:
        """The picture of an agent."""
        self._pictures[id] = pixmap
        self._redraw([id], AGENT)

    def picture(self, entry) -> QtGui.QPixmap | None:
        """The picture of an agent; asks for it where it has one that was not read."""
        if entry.thumbnail is not None and entry.id not in self._pictures:
            self._pictures[entry.id] = None
            self.picture_wanted.emit(entry)
        return self._pictures.get(entry.id)

    def set_loading(self, loading: dict[str, tuple[str, float | None]]) -> None:
        """{id: (what is being done, how much of it 0–1)} of agents that are on their way."""
        changed = set(loading) | set(self._loading)
        self._loading = dict(loading)
        self._redraw(changed, STATUS)

    def loading(self, id: str) -> tuple[str, float | None] | None:
        """What is being done with an agent that is on its way."""
        return self._loading.get(id)

    def _redraw(self, ids, column: int) -> None:
        for row, entry in enumerate(self.shown):
            if entry.id in ids:
                index = self.index(row, column)
                self.dataChanged.emit(index, index)

    # -- Qt's questions -----------------------------------------------------------------------------------------
    def rowCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.shown)

    def columnCount(self, parent=None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation, role=Qt.DisplayRole):
        if orientation == Qt.Horizontal and role in (Qt.DisplayRole, Qt.ToolTipRole):
            return list(COLUMNS.items())[section][role == Qt.ToolTipRole]
        return None

    def data(self, index, role=Qt.DisplayRole):
        entry = self.shown[index.row()]
        if role == ENTRY:
            return entry
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return self._text(entry, index.column())
        if role == Qt.ToolTipRole:
            return _tip(entry, index.column())
        return None

    def _text(self, entry, column: int) -> str:
        if column == STATUS:
            return self._loading[entry.id][0] if entry.id in self._loading else status_text(entry)
        return (entry.title, number(entry.score), frames_text(entry.frames), entry.licence,
                SOURCE_NAMES.get(entry.source, entry.source))[column]  # fmt: skip


SORT_KEYS = {
    AGENT: lambda e: (e.game, e.algorithm, e.run, e.frames or 0, e.id),
    SCORE: lambda e: e.level,
    FRAMES: lambda e: e.frames,
    LICENCE: lambda e: e.licence or None,
    SOURCE: lambda e: e.source,
    STATUS: lambda e: (not e.is_here, e.status, e.size or 0),
}
"""column: what it is sorted by; scores of different games compare only as levels between random play and a person."""


def tag_of(entry) -> str:
    """The stage of an agent's training; the last one of a run has no tag of its own."""
    return entry.tag or FINAL


def number(value: float | None) -> str:
    """A score, "" where it is unknown."""
    return "" if value is None else (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}".removesuffix(".0"))


def frames_text(frames: int | None) -> str:
    """Emulator frames in millions."""
    return "" if frames is None else f"{frames / 1e6:,.1f} M".replace(".0 M", " M")


def status_text(entry) -> str:
    """Where the agent is, with the size of what is to be downloaded."""
    return f"{entry.status}, {entry.size / 1e6:.1f} MB" if entry.size and not entry.is_here else entry.status


def yardsticks(entry, all: bool = True) -> str:
    """Scores that stand beside the agent's; not ``all``: as many as have room in a table."""
    constant = entry.constant_score if all else None
    rows = (("random", entry.random_score), ("constant", constant), ("person", entry.human_score))
    return " · ".join(f"{name} {number(value)}" for name, value in rows if value is not None)


def _tip(entry, column: int) -> str | None:
    if column == AGENT:
        return f"{entry.id}\n{entry.title}"
    if column == SCORE:
        return entry.remark or (f"{number(entry.score)} ({yardsticks(entry)})" if entry.score is not None else None)
    return {STATUS: status_text(entry), LICENCE: entry.licence}.get(column)


class AgentDelegate(QtWidgets.QStyledItemDelegate):
    """Picture, title and, below it, the id."""

    def paint(self, painter, option, index) -> None:
        box, colour, dim = _ground(painter, option)
        entry = index.data(ENTRY)
        picture = index.model().picture(entry)
        room = QtCore.QRect(box.left(), box.top(), SMALL.width(), box.height())
        if picture is not None:
            small = picture.size().scaled(SMALL, Qt.KeepAspectRatio)
            at = QtCore.QRect(QtCore.QPoint(0, 0), small)
            at.moveCenter(room.center())
            painter.drawPixmap(at, picture)
        words = box.adjusted(room.width() + 8, 0, 0, 0)
        _two_lines(painter, words, entry.title, entry.id, colour, dim, bold=True)
        painter.restore()


class ScoreDelegate(QtWidgets.QStyledItemDelegate):
    """The score and a bar beside it, below them random play's and a person's."""

    def paint(self, painter, option, index) -> None:
        box, colour, dim = _ground(painter, option)
        entry = index.data(ENTRY)
        beside = yardsticks(entry, all=False)
        if entry.score is None:
            _two_lines(painter, box, "", beside, colour, dim)
        else:
            poor = bool(entry.remark)
            ink = hue("warning") if poor else colour
            _two_lines(painter, box, number(entry.score), beside, ink, dim, bold=True, italic=poor)
            if entry.level is not None:
                self._bar(painter, box, entry.level, colour, option.palette)
        painter.restore()

    @staticmethod
    def _bar(painter, box: QtCore.QRect, level: float, colour, palette) -> None:
        height = box.height() // 2
        track = QtCore.QRectF(box.left() + pixels(70), box.top() + height / 2 - 2, max(20, box.width() - pixels(74)), 5)
        painter.fillRect(track, palette.alternateBase())
        filled = QtCore.QRectF(track)
        filled.setWidth(track.width() * min(1.0, max(0.0, level / FULL_BAR)))
        painter.fillRect(filled, hue("link"))
        person = track.left() + track.width() / FULL_BAR
        painter.fillRect(QtCore.QRectF(person, track.top() - 3, 1, track.height() + 6), colour)


class StatusDelegate(QtWidgets.QStyledItemDelegate):
    """Whether the agent is here; while it is on its way, how far and how to stop it."""

    def paint(self, painter, option, index) -> None:
        box, colour, dim = _ground(painter, option)
        entry = index.data(ENTRY)
        loading = index.model().loading(entry.id)
        if loading is None:
            ready = entry.is_here or entry.status == "to download"
            painter.setPen(dim if ready else hue("warning"))
            painter.drawText(box, int(Qt.AlignVCenter | Qt.AlignLeft | Qt.TextWordWrap), status_text(entry))
        else:
            text, share = loading
            _two_lines(painter, box.adjusted(0, -3, 0, -3), text, "✕ cancel", colour, dim)
            track = QtCore.QRectF(box.left(), box.bottom() - 3, box.width(), 3)
            painter.fillRect(track, option.palette.alternateBase())
            if share is not None:
                track.setWidth(track.width() * share)
                painter.fillRect(track, hue("link"))
        painter.restore()


def _ground(painter, option) -> tuple[QtCore.QRect, QtGui.QColor, QtGui.QColor]:
    """Paint the background of a cell, and give its inside, the text's colour and one that is dimmer.

    The painter is saved: restore it at the end.
    """
    painter.save()
    selected = bool(option.state & QtWidgets.QStyle.State_Selected)
    if selected:
        painter.fillRect(option.rect, option.palette.highlight())
    colour = option.palette.color(QtGui.QPalette.HighlightedText if selected else QtGui.QPalette.Text)
    dim = colour if selected else hue("dim")
    painter.setClipRect(option.rect)
    return option.rect.adjusted(6, 3, -6, -3), colour, dim


def _two_lines(painter, box, first: str, second: str, colour, dim, bold: bool = False, italic: bool = False) -> None:
    font = QtGui.QFont(painter.font())
    size = font.pointSizeF()
    half = box.height() // 2
    for line, (text, ink) in enumerate(((first, colour), (second, dim))):
        font.setBold(bold and line == 0)
        font.setItalic(italic and line == 0)
        font.setPointSizeF(size if line == 0 else size * 0.9)
        painter.setFont(font)
        painter.setPen(ink)
        cut = QtGui.QFontMetrics(font).elidedText(text, Qt.ElideRight, box.width())
        place = QtCore.QRect(box.left(), box.top() + line * half, box.width(), half)
        painter.drawText(place, int(Qt.AlignVCenter), cut)


class WordsDelegate(QtWidgets.QStyledItemDelegate):
    """A few words, on two lines where one is too short."""

    def paint(self, painter, option, index) -> None:
        box, colour, _ = _ground(painter, option)
        painter.setPen(colour)
        font = QtGui.QFont(painter.font())
        font.setPointSizeF(font.pointSizeF() * 0.9)
        painter.setFont(font)
        metrics, text = QtGui.QFontMetrics(font), index.data()
        words = text.split()
        if len(words) > 2 or any(metrics.horizontalAdvance(word) > box.width() for word in words):
            text = metrics.elidedText(text, Qt.ElideRight, box.width())
        painter.drawText(box, int(Qt.AlignVCenter | Qt.AlignLeft | Qt.TextWordWrap), text)
        painter.restore()


class Table(QtWidgets.QTableView):
    """Says when a row is chosen: ``chosen(beside)`` by Enter or a double click, with Shift beside the others.

    ``cancelled()``: a click on the status of the row that is on its way.
    """

    chosen = QtCore.Signal(bool)
    cancelled = QtCore.Signal()

    def __init__(self, model: ZooModel):
        super().__init__()
        self.setModel(model)
        self.setSelectionBehavior(self.SelectRows)
        self.setSelectionMode(self.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setVerticalScrollMode(self.ScrollPerPixel)
        self.setHorizontalScrollMode(self.ScrollPerPixel)
        self.setWordWrap(False)
        self.setAccessibleName("Agents")
        self._delegates = {AGENT: AgentDelegate(self), SCORE: ScoreDelegate(self), STATUS: StatusDelegate(self)}
        self._delegates |= {column: WordsDelegate(self) for column in (FRAMES, LICENCE, SOURCE)}
        for column, delegate in self._delegates.items():
            self.setItemDelegateForColumn(column, delegate)
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QtWidgets.QHeaderView.Fixed)
        fit_rows(self, 2, 8, SMALL.height())
        header.setHighlightSections(False)
        header.setSortIndicator(-1, Qt.AscendingOrder)
        header.setMinimumSectionSize(48)
        header.setSectionResizeMode(AGENT, QtWidgets.QHeaderView.Stretch)
        self.setSortingEnabled(True)
        self.set_look()

    def set_look(self) -> None:
        """Columns as wide as the type needs."""
        for column, width in enumerate(WIDTHS[1:], 1):
            self.setColumnWidth(column, pixels(width))

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter):
            self.chosen.emit(bool(event.modifiers() & Qt.ShiftModifier))
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event) -> None:
        if event.button() == Qt.LeftButton and self.indexAt(event.pos()).isValid():
            self.chosen.emit(bool(event.modifiers() & Qt.ShiftModifier))

    def mouseReleaseEvent(self, event) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.pos())
        if index.isValid() and index.column() == STATUS and self.model().loading(index.data(ENTRY).id):
            self.cancelled.emit()


def decoded(png: bytes) -> QtGui.QPixmap | None:
    """A thumbnail; None for what is no PNG, or one too large to be a thumbnail."""
    buffer = QtCore.QBuffer()
    buffer.setData(png)
    buffer.open(QtCore.QIODevice.ReadOnly)
    reader = QtGui.QImageReader(buffer, b"png")
    size = reader.size()
    if not size.isValid() or max(size.width(), size.height()) > MAX_SIDE:
        return None
    image = reader.read()
    if image.isNull():
        return None
    return QtGui.QPixmap.fromImage(image.scaled(PICTURE, Qt.KeepAspectRatio, Qt.SmoothTransformation))
