"""The command palette: a field over the window, and under it whatever is meant by what is typed."""

from __future__ import annotations

from typing import NamedTuple

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import palette_entries, tokens
from zoo_gui.pressed import give_back
from zoo_gui.fuzzy import Query
from zoo_gui.palette_entries import Entry

Qt = QtCore.Qt
RECENT = 20
#: What having been done lately counts, beside at most 115 for letters that fit.
RECENT_BONUS = 25.0
#: What being grey costs.
GREY = 18.0
#: Agents are thousands and commands a hundred: at equal fit the command is meant.
AGENT_COST = 6.0
#: Those that are at hand come before those that have to be fetched.
FAR_COST = 12.0
WIDTH, MARGIN, ROWS, PAD = 760, 24, 12, 10
MOST = 300  # lines that are listed


class Found(NamedTuple):
    """One line of the list."""

    entry: Entry
    letters: tuple[int, ...]


def rank(entries: list[Entry], typed: str, recent: list[str]) -> list[Found]:
    """The entries that fit, the best first; without anything typed all but agents, what was done lately first."""
    query, places = Query(typed), {id: place for place, id in enumerate(recent)}
    scored = []
    for number, entry in enumerate(entries):
        match = query.match(entry.text)
        is_agent = entry.group in (palette_entries.AGENT, palette_entries.FAR)
        if match is None or (not query.words and is_agent):
            continue
        score = match.score if query.words else 0.0
        if entry.id in places:
            score += RECENT_BONUS * (1.0 - 0.5 * places[entry.id] / RECENT)
        score -= GREY * bool(entry.why_not) * bool(query.words) + AGENT_COST * is_agent
        score -= FAR_COST * (entry.group == palette_entries.FAR)
        scored.append((-score, number, Found(entry, match.letters)))
    scored.sort(key=lambda row: row[:2])
    seen: set[str] = set()
    return [found for *_, found in scored if not (found.entry.id in seen or seen.add(found.entry.id))][:MOST]


class FoundModel(QtCore.QAbstractListModel):
    """The lines; ``rows`` has them."""

    def __init__(self, parent: QtCore.QObject):
        super().__init__(parent)
        self.rows: list[Found] = []

    def rowCount(self, parent: QtCore.QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index, role=Qt.DisplayRole):
        entry = self.rows[index.row()].entry
        if role == Qt.DisplayRole:
            return entry.title
        if role in (Qt.AccessibleTextRole, Qt.AccessibleDescriptionRole):
            return ", ".join(part for part in (entry.title, entry.group, *entry.keys, entry.why_not) if part)
        return None

    def show(self, rows: list[Found]) -> None:
        """Take these lines instead."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()


class FoundDelegate(QtWidgets.QStyledItemDelegate):
    """Paints a line: the title with its matched letters, words beside it, its group, and its keys as caps."""

    def sizeHint(self, option, index) -> QtCore.QSize:
        return QtCore.QSize(0, option.fontMetrics.height() + PAD)

    def paint(self, painter: QtGui.QPainter, option, index) -> None:
        found, look = index.model().rows[index.row()], tokens.current()
        entry, chosen = found.entry, bool(option.state & QtWidgets.QStyle.State_Selected)
        painter.save()
        if chosen:
            painter.fillRect(option.rect, QtGui.QColor(look.raised))
            painter.fillRect(QtCore.QRect(option.rect.topLeft(), QtCore.QSize(3, option.rect.height())),
                             QtGui.QColor(look.accent))  # fmt: skip
        box = option.rect.adjusted(PAD, 0, -PAD, 0)
        box.setRight(self._paint_keys(painter, option, box, entry, look))
        box.setRight(self._paint_right(painter, option, box, entry.group, look.dim))
        used = self._paint_title(painter, option, box, found, look)
        rest = box.adjusted(used + 14, 0, 0, 0)
        more = entry.why_not or entry.more
        if rest.width() > 60 and more:
            painter.setPen(QtGui.QColor(look.dim))
            words = option.fontMetrics.elidedText(more, Qt.ElideRight, rest.width())
            painter.drawText(rest, int(Qt.AlignVCenter | Qt.AlignLeft), words)
        painter.restore()

    @staticmethod
    def _paint_right(painter, option, box: QtCore.QRect, text: str, colour: str) -> int:
        """Returns where what stands further left ends."""
        painter.setPen(QtGui.QColor(colour))
        painter.setFont(option.font)
        painter.drawText(box, int(Qt.AlignVCenter | Qt.AlignRight), text)
        return box.right() - option.fontMetrics.horizontalAdvance(text) - 14

    @staticmethod
    def _paint_keys(painter, option, box: QtCore.QRect, entry: Entry, look) -> int:
        right = box.right()
        painter.setFont(option.font)
        for key in reversed(entry.keys):
            width = option.fontMetrics.horizontalAdvance(key) + 10
            cap = QtCore.QRect(right - width, box.top() + 3, width, box.height() - 6)
            painter.setPen(QtGui.QColor(look.border))
            painter.setBrush(QtGui.QColor(look.base))
            painter.drawRoundedRect(cap, 3, 3)
            painter.setPen(QtGui.QColor(look.dim if entry.why_not else look.text))
            painter.drawText(cap, int(Qt.AlignCenter), key)
            right = cap.left() - 5
        return right - 8 if entry.keys else right

    @staticmethod
    def _paint_title(painter, option, box: QtCore.QRect, found: Found, look) -> int:
        """Returns the width that it took."""
        title, letters = found.entry.title, set(found.letters)
        plain, marked = QtGui.QFont(option.font), QtGui.QFont(option.font)
        marked.setBold(True)
        colour = QtGui.QColor(look.dim if found.entry.why_not else look.text)
        x, at = box.left(), 0
        while at < len(title):
            end = at + 1
            while end < len(title) and (end in letters) == (at in letters):
                end += 1
            bold = at in letters
            painter.setFont(marked if bold else plain)
            painter.setPen(QtGui.QColor(look.heading) if bold and not found.entry.why_not else colour)
            metrics = QtGui.QFontMetrics(marked if bold else plain)
            room = box.right() - x
            part = title[at:end] if metrics.horizontalAdvance(title[at:end]) <= room else metrics.elidedText(
                title[at:end], Qt.ElideRight, room)
            painter.drawText(QtCore.QRect(x, box.top(), room, box.height()), int(Qt.AlignVCenter), part)
            x, at = x + metrics.horizontalAdvance(part), end
            if part.endswith("…"):
                break
        painter.setFont(plain)
        return x - box.left()


class Palette(QtWidgets.QFrame):
    """Over its window while it is open. Up and Down choose, Enter does it, Ctrl+Enter opens an agent beside the others,
    Esc closes; it closes too when something else gets the keyboard."""

    def __init__(self, window):
        super().__init__(window)
        self._window = window
        self._entries: list[Entry] = []
        self._agents: list[Entry] = []
        self._catalogue: list | None = None
        self._asked = False
        self._before: QtWidgets.QWidget | None = None
        self.setObjectName("palette")
        self.setAccessibleName("Command palette")
        self.field = QtWidgets.QLineEdit()
        self.field.setPlaceholderText("What do you want? A command, panel, agent, setting, page, or a unit as conv3:12")
        self.field.setAccessibleName("Find a command")
        self.field.setAcceptDrops(False)
        self.field.textEdited.connect(self._on_typed)
        self.field.installEventFilter(self)
        self.model = FoundModel(self)
        self.list = QtWidgets.QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(FoundDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.setFrameShape(QtWidgets.QFrame.NoFrame)
        self.list.setAccessibleName("What was found")
        self.list.clicked.connect(lambda index: self._do(index.row()))
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.said = QtWidgets.QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.PlainText)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(6)
        for widget in (self.field, self.list, self.said):
            column.addWidget(widget)
        window.session.library.entries_read.connect(self._on_entries)
        window.installEventFilter(self)
        self.hide()

    # -- opening and closing ------------------------------------------------------------------------------------
    def open(self, typed: str = "") -> None:
        """Show it, with this typed already."""
        self._before = QtWidgets.QApplication.focusWidget()
        self._entries = palette_entries.gather(self._window)
        self._take_catalogue()
        if not self._asked:
            self._asked = True
            self._window.session.library.read()
        self._place()
        self.field.setText(typed)
        self._on_typed()
        self.show()
        self.raise_()
        self.field.setFocus()

    def close_(self) -> None:
        """Hide it; the keyboard is whose it was before."""
        before, self._before = self._before, None  # to hide it takes its focus, which is heard below
        if self.isVisible():
            self.hide()
            give_back(before, self._window)

    def toggle(self) -> None:
        """Open it, or close it."""
        self.close_() if self.isVisible() else self.open()

    def _place(self) -> None:
        width = min(WIDTH * max(1.0, self.fontInfo().pixelSize() / 13), self._window.width() - 2 * MARGIN)
        row, top = self.list.fontMetrics().height() + PAD, min(72, self._window.height() // 10)
        around = self.field.sizeHint().height() + self.said.fontMetrics().height()
        around += 2 * PAD + 2 * self.layout().spacing()
        rows = max(3, min(ROWS, (self._window.height() - top - MARGIN - around) // row))
        self.list.setFixedHeight(rows * row)  # no line is cut
        self.setGeometry(int(self._window.width() - width) // 2, top, int(width), rows * row + around)

    # -- finding ------------------------------------------------------------------------------------------------
    def _on_entries(self, entries: list) -> None:
        self._catalogue = entries
        if self.isVisible():
            self._take_catalogue()
            self._on_typed()

    def _take_catalogue(self) -> None:
        """Make lines of the agents when somebody looks: they are thousands."""
        if self._catalogue is not None:
            self._agents, self._catalogue = palette_entries.agents(self._window, self._catalogue), None

    def _on_typed(self, *_typed) -> None:
        typed = self.field.text()
        units = [Found(entry, ()) for entry in palette_entries.units(self._window, typed)]
        recent = self._window.settings.get("palette/recent")
        found = [*units, *rank([*self._entries, *self._agents], typed, recent)]
        self.model.show(found)
        if found:
            self.list.setCurrentIndex(self.model.index(0))
            self.list.scrollToTop()
        else:
            self._on_current()

    def _on_current(self, *_indexes) -> None:
        entry = self.current()
        if entry is None:
            text = "Nothing here goes by these letters: fewer of them find more."
        elif entry.why_not:
            text = entry.why_not
        else:
            text = "Enter: do it" + ("    Ctrl+Enter: open it beside the others" if entry.beside else "")
            text += f"    {len(self.model.rows)} found" if self.field.text() else "    Esc: close"
        self.said.setText(text)

    def current(self) -> Entry | None:
        """The line that Enter would do."""
        row = self.list.currentIndex().row()
        return self.model.rows[row].entry if 0 <= row < len(self.model.rows) else None

    # -- doing --------------------------------------------------------------------------------------------------
    def _do(self, row: int, beside: bool = False) -> None:
        if not 0 <= row < len(self.model.rows):
            return
        entry = self.model.rows[row].entry
        if entry.why_not:
            return  # the line below says why
        self.close_()
        recent = [entry.id, *self._window.settings.get("palette/recent")]
        self._window.settings.set("palette/recent", list(dict.fromkeys(recent))[:RECENT])
        (entry.beside if beside and entry.beside else entry.run)()

    def _move(self, by: int) -> None:
        count = len(self.model.rows)
        if count:
            row = self.list.currentIndex().row()
            at = (row + by) % count if abs(by) == 1 else max(0, min(row + by, count - 1))
            self.list.setCurrentIndex(self.model.index(at))

    def _on_key(self, key: int, modifiers) -> bool:
        steps = {Qt.Key_Down: 1, Qt.Key_Up: -1, Qt.Key_PageDown: ROWS, Qt.Key_PageUp: -ROWS}
        if key in steps:
            self._move(steps[key])
        elif key in (Qt.Key_Return, Qt.Key_Enter):
            self._do(self.list.currentIndex().row(), bool(modifiers & Qt.ControlModifier))
        elif key == Qt.Key_Escape:
            self.close_()
        else:
            return key in (Qt.Key_Tab, Qt.Key_Backtab)
        return True

    # -- events -------------------------------------------------------------------------------------------------
    def eventFilter(self, watched, event) -> bool:
        kind = event.type()
        if watched is self._window:
            if kind == QtCore.QEvent.Resize and self.isVisible():
                self._place()
            return False
        if kind == QtCore.QEvent.KeyPress:
            return self._on_key(event.key(), event.modifiers())
        if kind == QtCore.QEvent.FocusOut and event.reason() not in (Qt.PopupFocusReason, Qt.ActiveWindowFocusReason):
            self._before = None  # who has the keyboard now keeps it
            self.hide()
        return False

    def paintEvent(self, event) -> None:
        painter, look = QtGui.QPainter(self), tokens.current()
        painter.setPen(QtGui.QColor(look.border))
        painter.setBrush(QtGui.QColor(look.background))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
