"""The reader: pages of the documentation at the window's right, while the game goes on."""

from __future__ import annotations

import re

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui import tokens
from zoo_gui.pressed import give_back
from zoo_gui.pages import Page, Pages, resolve

Qt = QtCore.Qt
SHARE, LEAST, MOST = 0.46, 440, 900  # of the window's width; pixels
INDEX = "index.md"


class PageView(QtWidgets.QTextBrowser):
    """Shows one Page; links are for ``anchorClicked``."""

    left = QtCore.Signal()
    own_keys = ("Up", "Down", "Left", "Right", "PgUp", "PgDown", "Home", "End", "Esc", "Return", "Enter", "Ctrl+C",
                "Ctrl+A", "Ctrl+Home", "Ctrl+End")  # fmt: skip

    def __init__(self):
        super().__init__()
        self.setOpenLinks(False)
        self.setFrameShape(QtWidgets.QFrame.NoFrame)
        self.setAccessibleName("Page")
        self._page: Page | None = None
        self.share = 0.0  # how far down the page one is, 0 to 1: it holds for any size of letters
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_laid_out)
        self._headings: dict[str, int] = {}

    def shows(self, name: str) -> bool:
        """Whether this page is there by now."""
        return self._page is not None and self._page.name == name

    def _on_scrolled(self, value: int) -> None:
        if most := self.verticalScrollBar().maximum():
            self.share = value / most

    def _on_laid_out(self, _least: int, most: int) -> None:
        """Letters of another size, or a narrower window: one goes on reading where one was."""
        self.verticalScrollBar().setValue(round(self.share * most))

    def show_page(self, page: Page, heading: str = "", share: float = 0.0) -> None:
        """Show it, from a heading on, else from so far down."""
        self._page = page
        text = page.text or f"# Not here\n\n{page.fault}\n\n[All pages](index.md)"
        self.setMarkdown(text)
        self._style()
        self._fit()
        if heading in self._headings:
            self._scroll_to(self._headings[heading])
        else:
            self.share = share
            self.document().size()  # lays all of it out, so that its height is known
            self._on_laid_out(0, self.verticalScrollBar().maximum())

    def loadResource(self, kind: int, name: QtCore.QUrl):
        """Pictures come with the page: nothing is read here."""
        return self._page.pictures.get(name.toString()) if self._page is not None else None

    def _style(self) -> None:
        """Room around paragraphs and in tables; and where the headings are."""
        self._headings = {}
        document = self.document()
        document.setDocumentMargin(14)
        block = document.begin()
        while block.isValid():
            level = block.blockFormat().headingLevel()
            if level:
                self._headings[slug(block.text())] = block.position()
                form = QtGui.QTextCharFormat()
                form.setForeground(QtGui.QColor(tokens.current().heading))
                cursor = QtGui.QTextCursor(block)
                cursor.select(QtGui.QTextCursor.BlockUnderCursor)
                cursor.mergeCharFormat(form)
            block = block.next()
        for table in _tables(document.rootFrame()):
            form = table.format()
            form.setBorder(0)
            form.setCellPadding(4)
            form.setCellSpacing(0)
            table.setFormat(form)

    def _fit(self) -> None:
        """Pictures no wider than the page."""
        if self._page is None:
            return
        room = self.viewport().width() - 2 * int(self.document().documentMargin()) - 4
        block = self.document().begin()
        while block.isValid():
            pieces = block.begin()
            while not pieces.atEnd():
                piece = pieces.fragment()
                if piece.charFormat().isImageFormat():
                    self._fit_picture(piece, room)
                pieces += 1
            block = block.next()

    def _fit_picture(self, piece, room: int) -> None:
        form = piece.charFormat().toImageFormat()
        picture = self._page.pictures.get(form.name())
        if picture is None:
            return
        width = min(room, picture.width())
        form.setWidth(width)
        form.setHeight(width * picture.height() / picture.width())
        cursor = self.textCursor()
        cursor.setPosition(piece.position())
        cursor.setPosition(piece.position() + piece.length(), QtGui.QTextCursor.KeepAnchor)
        cursor.setCharFormat(form)

    def _scroll_to(self, position: int) -> None:
        cursor = self.textCursor()
        cursor.setPosition(position)
        self.setTextCursor(cursor)
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + self.cursorRect().top() - 10)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _tables(frame: QtGui.QTextFrame):
    for child in frame.childFrames():
        if isinstance(child, QtGui.QTextTable):
            yield child
        yield from _tables(child)


def slug(heading: str) -> str:
    """What a link calls a heading: ``How to use it`` → ``how-to-use-it``."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


class Reader(QtWidgets.QFrame):
    """Lies over the right of its window. Links between pages work, others open the browser; Esc closes, Alt+Left goes
    back."""

    def __init__(self, window: QtWidgets.QMainWindow):
        super().__init__(window)
        self._window = window
        self._past: list[tuple[str, float]] = []  # with how far down one was
        self._next: list[tuple[str, float]] = []
        self._name, self._heading, self._share = "", "", 0.0
        self._before: QtWidgets.QWidget | None = None
        self.setAutoFillBackground(True)
        self.setFrameShape(QtWidgets.QFrame.StyledPanel)
        self.setAccessibleName("Help pages")
        self.pages = Pages(self)
        self.pages.page_read.connect(self._on_page)
        self.view = PageView()
        self.view.anchorClicked.connect(self._on_link)
        self.view.left.connect(self.close_)
        self.title = QtWidgets.QLabel()
        self.title.setProperty("role", "heading")
        row = QtWidgets.QHBoxLayout()
        row.setContentsMargins(6, 4, 6, 4)
        self.back = self._button("◀", "Back to the page before (Alt+Left)", self.go_back)
        self.forth = self._button("▶", "The page that you came back from (Alt+Right)", self.go_forth)
        self.home = self._button("All pages", "The list of all pages", lambda: self.open(INDEX))
        self.closing = self._button("✕", "Close this (Esc)", self.close_)
        for widget in (self.back, self.forth, self.home):
            row.addWidget(widget)
        row.addSpacing(8)
        row.addWidget(self.title, 1)
        row.addWidget(self.closing)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        for keys, act in (("Alt+Left", self.go_back), ("Alt+Right", self.go_forth)):
            shortcut = QtWidgets.QShortcut(QtGui.QKeySequence(keys), self)
            shortcut.setContext(Qt.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        window.installEventFilter(self)
        window.theme.changed.connect(self.show_look)
        self.hide()

    def _button(self, text: str, tip: str, clicked) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setText(text)
        button.setAutoRaise(True)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(lambda *_: clicked())
        return button

    # -- going about --------------------------------------------------------------------------------------------
    def open(self, name: str, heading: str = "") -> None:
        """Show a page, by its place below docs; it comes when it is read."""
        if self._name and self.isVisible() and name != self._name:
            self._past.append(self._place_of_reading())
            self._next.clear()
        self._go(name, heading)

    def go_back(self) -> None:
        """The page before."""
        if self._past:
            self._next.append(self._place_of_reading())
            name, share = self._past.pop()
            self._go(name, share=share)

    def go_forth(self) -> None:
        """The page that was come back from."""
        if self._next:
            self._past.append(self._place_of_reading())
            name, share = self._next.pop()
            self._go(name, share=share)

    def _place_of_reading(self) -> tuple[str, float]:
        """The page, and how far down it one is; of a page that is still being read, where one will be."""
        return self._name, self.view.share if self.view.shows(self._name) else self._share

    def _go(self, name: str, heading: str = "", share: float = 0.0) -> None:
        self._name, self._heading, self._share = name, heading, share
        self.back.setEnabled(bool(self._past))
        self.forth.setEnabled(bool(self._next))
        self.pages.want(name)
        if not self.isVisible():
            self._before = QtWidgets.QApplication.focusWidget()
            self._place()
            self.show()
        self.raise_()
        self.view.setFocus()

    def close_(self) -> None:
        """Hide it; the keyboard is whose it was before."""
        had = self.isAncestorOf(QtWidgets.QApplication.focusWidget() or self._window)
        self.hide()
        before, self._before = self._before, None
        if had:
            give_back(before, self._window)

    def _on_page(self, page: Page) -> None:
        if page.name == self._name:
            self.title.setText(page.title)
            self.view.show_page(page, self._heading, self._share)

    def _on_link(self, url: QtCore.QUrl) -> None:
        if url.scheme() in ("http", "https", "mailto"):
            QtGui.QDesktopServices.openUrl(url)
            return
        name, heading = resolve(self._name, url.toString())
        if name.endswith(".md"):
            self.open(name, heading)
        else:
            words = f"{url.toString()} is among the program's sources, not its pages."
            self._window.session.message.emit("info", words)

    # -- place --------------------------------------------------------------------------------------------------
    def _place(self) -> None:
        window = self._window
        width = int(min(max(window.width() * SHARE, LEAST), MOST, window.width() - 20))
        top = window.toolbar.geometry().bottom() + 1 if window.toolbar.isVisible() else 0
        status = window.statusBar()
        bottom = status.geometry().top() if status.isVisible() else window.height()
        self.setGeometry(window.width() - width, top, width, bottom - top)

    def show_look(self, *_look) -> None:
        """Another theme or type size: the page is laid out anew, and one goes on reading where one was."""
        if self._name and self.isVisible():
            if self.view.shows(self._name):
                self._heading, self._share = "", self.view.share
            self.pages.want(self._name)

    def eventFilter(self, watched, event) -> bool:
        if event.type() == QtCore.QEvent.Resize and self.isVisible():
            self._place()
        return False
