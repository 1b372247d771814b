"""The wall: many agents at their games at once, live and small; a click opens one."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.widgets.base import PANELS, Job, Panel
from zoo_gui.widgets.controls import Quiet, role, toggle
from zoo_gui.widgets.wall_grid import Tile, WallGrid

MOST = 16
"""Games at once."""
BEST, CHOSEN = "The best of each game", "Chosen in the zoo"
READING = "Reading the zoo …"
NOTHING_CHOSEN = "Nothing is chosen: select an agent in the zoo, and choose “Show on the wall” in its menu."


@PANELS.register("wall")
class WallPanel(Panel):
    """Plays only while somebody looks. ``opened(id, beside)``: the person chose an agent, as in the zoo."""

    title = "Wall"
    area = "centre"
    about = "Many agents at their games at once, small and live."
    opened = QtCore.Signal(str, bool)

    def _connect(self) -> None:
        super()._connect()
        self.session.library.entries_read.connect(lambda entries: self._guard(self.set_entries, entries))
        self.session.finished.connect(self._on_finished)

    def build(self) -> QtWidgets.QWidget:
        self.job = Job(self.session, "wall")
        self.entries: list = getattr(self, "entries", [])
        self.chosen: list[str] = getattr(self, "chosen", [])
        self._asked = self._by_hand = False
        self._pace = ""
        self.choice = Quiet(())
        self.choice.setAccessibleName("Which agents")
        self.choice.setToolTip("Whose games are on the wall: all agents of a game, the best of each, or your own")
        self.choice.setMinimumContentsLength(20)
        self.choice.activated.connect(self._choose)
        self.stages = toggle("Stages", "Also what the agents were at earlier stages of their training", self.restart)
        self.chance = toggle("Random", "Also a player that draws its actions", self.restart)
        self.state = QtWidgets.QLabel()
        role(self.state, "caption")
        self.grid = WallGrid()
        self.grid.opened.connect(self.opened)
        self.grid.removed.connect(self.remove)
        self.grid.said.connect(self.session.hover)
        self.empty = QtWidgets.QLabel(READING)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(QtCore.Qt.AlignCenter)
        bar = QtWidgets.QHBoxLayout()
        bar.setContentsMargins(6, 4, 6, 0)
        for widget in (self.choice, self.stages, self.chance):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self.state)
        content = QtWidgets.QWidget()
        content.setMinimumSize(240, 160)
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(bar)
        column.addWidget(self.grid, 1)
        column.addWidget(self.empty, 1)
        self._fill_choice()
        return content

    # -- which agents -------------------------------------------------------------------------------------------
    def set_entries(self, entries: list) -> None:
        """What the catalogue has."""
        if [entry.id for entry in entries if entry.is_here] == [entry.id for entry in self.entries if entry.is_here]:
            return
        self.entries = entries
        self._fill_choice()
        if self.is_seen:
            self.restart()

    def add(self, agent_id: str) -> None:
        """Put an agent among those that were chosen, and show these."""
        if agent_id in self.chosen:
            self.session.message.emit("info", "This agent is on the wall already.")
        elif len(self.chosen) >= MOST:
            self.session.message.emit("warning", f"{MOST} games are the most on the wall; take one off first.")
        else:
            self.chosen.append(agent_id)
        self._fill_choice()
        self.choice.setCurrentText(CHOSEN)
        self._choose(self.choice.currentIndex())

    def _choose(self, _index: int) -> None:
        """The person chose whose games are shown."""
        self._by_hand = True
        self.restart()

    def remove(self, agent_id: str) -> None:
        """Take a chosen agent off."""
        if agent_id in self.chosen:
            self.chosen.remove(agent_id)
            self.restart()

    def _fill_choice(self) -> None:
        """The games that agents at hand play; at first the game that is played in the window."""
        before = self.choice.currentText()
        games = sorted({entry.game for entry in self.entries if entry.is_here and entry.game})
        self.choice.clear()
        self.choice.addItems([*games, BEST, CHOSEN])
        ours = {_plain(game): game for game in games}
        first = next((ours[_plain(info.game)] for info in self.lanes if _plain(info.game) in ours), BEST)
        self.choice.setCurrentText(before if self._by_hand and self.choice.findText(before) >= 0 else first)

    def wanted(self) -> list[Tile]:
        """A tile for each agent that is to play, and more than fit where there are more."""
        what = self.choice.currentText()
        known = {entry.id: entry for entry in self.entries}
        if what == CHOSEN:
            return [_tile(known[id]) if id in known else Tile(id, id, "") for id in self.chosen]
        stages = self.stages.isChecked() and what != BEST
        here = [entry for entry in self.entries if entry.is_here and (stages or not entry.tag)]
        if what == BEST:
            best: dict[str, object] = {}
            for entry in sorted(here, key=lambda entry: entry.score if entry.score is not None else float("-inf")):
                best[entry.game] = entry
            return [_tile(best[game]) for game in sorted(best)]
        found = [_tile(entry) for entry in here if entry.game == what]
        return found[: MOST - 1] + [Tile(f"random/{what}", "Random", what)] if self.chance.isChecked() else found

    # -- playing ------------------------------------------------------------------------------------------------
    def restart(self) -> None:
        """Show what is chosen now, where somebody looks."""
        what = self.choice.currentText()
        for button in (self.stages, self.chance):
            button.setEnabled(what not in (BEST, CHOSEN))
        self.job.stop()
        self._pace = ""
        tiles = self.wanted()
        self._left_out = max(0, len(tiles) - MOST)
        self.grid.may_remove = what == CHOSEN
        self.grid.set_tiles(tiles[:MOST])
        self.grid.setVisible(bool(tiles))
        self.empty.setVisible(not tiles)
        self.empty.setText(READING if not self.entries else NOTHING_CHOSEN if what == CHOSEN else "No agent is here.")
        if tiles and self.is_seen:
            agents = tuple(tile.agent for tile in tiles[:MOST])
            self.job.start("wall", None, agents=agents)
        self._say()

    def show_progress(self, key: str, progress) -> None:
        if not self.job.owns(key):
            return
        loading = progress.done < progress.total
        self._pace = f"loading {progress.done} of {progress.total}" if loading else progress.label
        self.grid.take(progress.result)
        self._say()

    def show_failure(self, key: str, sentence: str) -> None:
        if self.job.owns(key):
            self.job.ended()
            self._pace = sentence
            self._say()

    def _on_finished(self, key: str) -> None:
        if self.job.owns(key):
            self.job.ended()
            self._pace = "no agent can play"
            self._say()

    def _say(self) -> None:
        count = len(self.grid.tiles)
        parts = [f"{count} game{'s' * (count != 1)}" if count else "", self._pace]
        parts += [f"{self._left_out} more do not fit"] if self._left_out else []
        text = " · ".join(filter(None, parts))
        if text != self.state.text():
            self.state.setText(text)

    # -- whether somebody looks ---------------------------------------------------------------------------------
    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._begin_when_seen()

    def seen_changed(self, seen: bool) -> None:
        super().seen_changed(seen)
        self._begin_when_seen()

    def _begin_when_seen(self) -> None:
        """A dock that is made behind another one is shown for a moment."""
        QtCore.QTimer.singleShot(0, self._begin)

    def _begin(self) -> None:
        if not self.is_seen or self.failed:
            return
        if not self._asked:
            self._asked = True
            self.session.library.read()
        if not self.job.running:
            self._guard(self.restart)

    def rest(self) -> None:
        """The games stop where they are; they go on when somebody looks again."""
        self.job.stop()


def _tile(entry) -> Tile:
    title, _, words = entry.title.partition(" · ")
    return Tile(entry.id, title, words or entry.game)


def _plain(game: str) -> str:
    return "".join(filter(str.isalnum, game)).casefold()
