"""Each agent's game, with score and lives, a map of what is explained over it, and what the selected unit sees."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.overlays import FRAMES, Live
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.base import PANELS, Panel, Part
from zoo_gui.widgets.game_cell import GameCell, lines, picture_size
from zoo_gui.widgets.parts import of_boxes
from zoo_gui.widgets.items import Canvas

QRectF = QtCore.QRectF

MARGIN, GAP = 5, 10
SMALLEST_BOX = 4  # screen pixels: a shorter drag is a slip


def best_grid(count: int, width: float, height: float, head: float) -> int:
    """Columns that make ``count`` pictures largest, each under a heading; side by side when that is as good."""
    def size(columns: int) -> float:
        rows = -(-count // columns)
        across = (width - GAP * (columns - 1)) / columns
        down = (height - GAP * (rows - 1)) / rows - head
        return round(picture_size(across, down)[0], 3)

    return max(range(1, count + 1), key=lambda columns: (size(columns), columns))


@PANELS.register("game")
class GamePanel(Panel):
    """The screen as a television shows it. The context menu says how the frames of a map become one picture, and
    whether signs are shown. A drag with Shift chooses a region to ask about: ``Session.choose_region``."""

    title = "Game"
    area = "left"
    about = ("Each agent's game as its player would see it on a television, with score, lives, and what is "
             "explained laid over it.")

    def build(self) -> QtWidgets.QWidget:
        self._canvas = canvas = Canvas()
        canvas.setAccessibleName("The games")
        canvas.view.boxing = "shift"
        canvas.view.boxed.connect(lambda box, done: self._guard(self._draw_box, box, done))
        canvas.resized.connect(lambda: self._guard(self._arrange))
        canvas.clicked.connect(lambda _, double: canvas.view.show_whole() if double else None)
        self._make_menu(canvas)
        self._live = Live(self.session)
        self._cells: dict[int, GameCell] = {}
        self._shown: tuple[LaneInfo, ...] | None = None
        return canvas

    def _make_menu(self, canvas: Canvas) -> None:
        self._signs = QtGui.QAction("Signs in the map: magenta for, cyan against", canvas, checkable=True)
        self._signs.triggered.connect(lambda on: self.session.set_view(saliency_signs=on))
        canvas.view.actions.append(self._signs)
        group = QtGui.QActionGroup(canvas)
        self._frames = {}
        for choice, text in FRAMES.items():
            words = "Each frame, in Network input" if choice == "each" else text
            action = self._frames[choice] = group.addAction(f"Map: {words[0].lower()}{words[1:]}")
            action.setCheckable(True)
            action.triggered.connect(partial(self._choose_frames, choice))
            canvas.view.actions.append(action)
        self._uncover = QtGui.QAction("Uncover what is covered", canvas)
        self._uncover.triggered.connect(lambda: self._guard(self._uncover_all))
        canvas.view.actions.append(self._uncover)

    def _choose_frames(self, choice: str, _checked: bool = True) -> None:
        self.session.set_view(saliency_frames=choice)

    def _uncover_all(self) -> None:
        for lane in list(self.session.covers):
            self.session.set_cover(lane, None)

    def named_parts(self) -> list[Part]:
        rows = []
        for cell in list(self._cells.values())[:1]:
            rows = [
                (cell.score.box, "score", "The reward of this episode so far."),
                (cell.more.box, "lives, episode, who plays", "What else there is to say about the game."),
                (cell.picture.box, "the game's screen", "Every frame of it at game speed and below."),
            ]
            for item, name, words in (
                (cell.field, "what the selected unit sees", "Its receptive field, where it is strongest now."),
                (cell.cover, "covered", "The agent does not see this."),
                (cell.bar, "colours of the map", "What the map over the game means: weak to strong."),
            ):
                if item.isVisible():
                    rows.append((item.box, name, words))
        return of_boxes(self, self._canvas, rows)

    # -- what the session says ----------------------------------------------------------------------------------
    def _connect(self) -> None:
        super()._connect()
        session = self.session
        session.attributed.connect(lambda lane, record: self._guard(self._on_attributed, lane, record))
        session.rewound.connect(lambda: self._live.rewind())
        session.saliency_changed.connect(lambda _: self._guard(self._begin))
        session.saliency_method_changed.connect(lambda _: self._guard(self._begin))
        session.cover_changed.connect(lambda *_: self._guard(self._show_covers))
        session.region_changed.connect(lambda region: self._guard(self._show_region, region))

    def show_look(self, look) -> None:
        self._repaint()

    def set_lanes(self, lanes) -> None:
        if lanes == self._shown:
            return
        self._shown = lanes
        self._canvas.clear_items()
        self._cells = {info.lane: GameCell(info, self._canvas) for info in lanes}
        if self.session.selected is not None:
            self.show_unit(*self.session.selected)
        self._arrange()
        self._begin()
        self._show_covers()
        self._show_region(self.session.region)

    def show_step(self, lane, step, summaries) -> None:
        cell = self._cells.get(lane)
        if cell is None:
            return
        cell.show_numbers(step, self._played(lane))
        if cell.show_saliency(step, self._live.of(cell.info, step), self.session.view):
            cell.refresh()
        cell.show_field(step)

    def _played(self, lane: int) -> str:
        """What the driver of this lane's game does, a name of ``naming.MEANINGS``; "" where nobody else drives it."""
        driver = self.session.driver
        step = None if driver is None or driver == lane else self.session.last_step(driver)
        names = () if step is None else self.session.lanes[driver].meanings
        return names[step.decision.action] if step is not None and step.decision.action < len(names) else ""

    def show_frame(self, lane, frame) -> None:
        if lane in self._cells:
            self._cells[lane].show_frame(frame)

    def show_unit(self, lane, unit) -> None:
        for cell in self._cells.values():
            cell.unit = unit if cell.info.lane == lane else None
            cell.show_field(self.session.last_step(cell.info.lane))

    def show_view(self, view) -> None:
        self._signs.setChecked(view["saliency_signs"])
        self._frames[view["saliency_frames"]].setChecked(True)
        self._repaint()

    def _on_attributed(self, lane: int, record) -> None:
        self._live.take(lane, record)
        step = self.session.last_step(lane)
        if self.is_seen and step is not None:
            self.show_step(lane, step, [])

    def _begin(self) -> None:
        """Another question is asked: old answers go."""
        self._live.begin()
        session = self.session
        for lane, cell in self._cells.items():
            if lane >= len(session.lanes):
                continue  # out of sight, the cells are those of the lanes before
            target = session.saliency
            cell.begin_saliency(session.saliency_fault(lane, target, session.saliency_method) if target else "")
        self._repaint()

    def _show_covers(self) -> None:
        self._uncover.setVisible(bool(self.session.covers))
        for lane, cell in self._cells.items():
            cell.show_cover(self.session.covers.get(lane))

    def _show_region(self, region) -> None:
        for lane, cell in self._cells.items():
            cell.show_region(region[1] if region is not None and region[0] == lane else None)

    def _draw_box(self, box: QRectF, done: bool) -> None:
        """A drag with Shift: the game that it begins in is the one that is meant."""
        start, box = box.topLeft(), box.normalized()
        for lane, cell in self._cells.items():
            if not cell.picture.box.contains(start):
                continue
            found = cell.draw_box(box)
            if done:
                large = box.width() >= SMALLEST_BOX and box.height() >= SMALLEST_BOX
                self.session.choose_region(lane, found if large else None)
            return

    def _repaint(self) -> None:
        """Show each lane's last step anew: the settings changed."""
        for lane, cell in self._cells.items():
            step = self.session.last_step(lane)
            if step is not None:
                self.show_step(lane, step, [])
                cell.refresh()

    def _arrange(self) -> None:
        if not self._cells:
            return
        width, height = (size - 2 * MARGIN for size in self._canvas.extent)
        columns = best_grid(len(self._cells), width, height, lines())
        rows = -(-len(self._cells) // columns)
        across, down = (width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows
        for place, cell in enumerate(self._cells.values()):
            row, column = divmod(place, columns)
            cell.place(MARGIN + column * (across + GAP), MARGIN + row * (down + GAP), across, down)
            cell.show_field(self.session.last_step(cell.info.lane))
