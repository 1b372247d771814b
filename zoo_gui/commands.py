"""What each command of the shortcut table does. Menus, toolbar and keys all end here."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore

from zoo_gui.naming import lane_letter
from zoo_gui.session import SALIENCY_TARGETS
from zoo_gui.shortcuts import OWN, key_of

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, None)
SPEED_NAMES = ("¼×", "½×", "1×", "2×", "4×", "8×", "max")
PLAYERS = ("agent", "random", "human")
GAMMAS = (1.0, 0.7, 0.5, 0.3)
BOOSTS = (0.0, 0.3, 0.5, 0.8, 1.0)
SCALES = ("running", "locked", "frame")
EMBEDDING_ROOM = 340  # pixels of height
COLORMAPS = ("viridis", "cividis", "magma", "grey")


def after(values: tuple, current):
    """The value after ``current``, round and round; the first when ``current`` is none of them."""
    return values[(values.index(current) + 1) % len(values)] if current in values else values[0]


class Commands(QtCore.QObject):
    """One method a command, ``do_<command>``; ``call(name)`` runs it.

    parts: further objects with such methods, each about one matter; a part of the window adds itself.
    """

    def __init__(self, window):
        super().__init__(window)
        self.window, self.session = window, window.session
        self._held: str | None = None
        self._apart_shown = False
        self.parts: list[QtCore.QObject] = [self]

    def call(self, name: str) -> None:
        """Run a command of the table."""
        if name.startswith("move_"):
            self._move(name.removeprefix("move_"))
            return
        if name.startswith(OWN):
            self.window.finding.do_entry(name.removeprefix(OWN))
            return
        method = f"do_{name}"
        getattr(next(part for part in self.parts if hasattr(part, method)), method)()

    # -- playback -----------------------------------------------------------------------------------------------
    def do_toggle(self) -> None:
        self.session.toggle()

    def do_step(self) -> None:
        self.session.step_once()

    def do_restart(self) -> None:
        self.session.restart()

    def do_next_episode(self) -> None:
        self.session.next_episode()

    def do_faster(self) -> None:
        self._change_speed(+1)

    def do_slower(self) -> None:
        self._change_speed(-1)

    def _change_speed(self, by: int) -> None:
        at = SPEEDS.index(self.session.speed) if self.session.speed in SPEEDS else 2
        self.session.set_speed(SPEEDS[max(0, min(at + by, len(SPEEDS) - 1))])

    def do_normal_speed(self) -> None:
        self.session.set_speed(1.0)

    def do_full_speed(self) -> None:
        self.session.set_speed(None)

    # -- players ------------------------------------------------------------------------------------------------
    def do_zoo(self) -> None:
        self.window.show_panel("zoo")
        self._panel("zoo").focus_search()

    def do_wall(self) -> None:
        self.window.show_panel("wall")
        self._panel("wall").grid.setFocus()

    def do_open_agent(self) -> None:
        self.window.choose_agent(add=False)

    def do_add_agent(self) -> None:
        self.window.choose_agent(add=True)

    def do_agent_card(self) -> None:
        self.window.wizards.open_active()

    def do_remove_agent(self) -> None:
        self.session.remove_lane(len(self.session.lanes) - 1)

    def do_switch_player(self) -> None:
        lane = self.window.active_lane
        if lane < len(self.session.lanes):
            info = self.session.lanes[lane]
            players = PLAYERS if info.layers else PLAYERS[1:]
            self.session.set_player(lane, after(players, info.player))

    # -- comparing ----------------------------------------------------------------------------------------------
    def do_share_input(self) -> None:
        session = self.session
        if session.input == "shared":
            session.own_games()
        else:
            self.window.show_panel("compare")
            session.share(0)

    def do_take_over_1(self) -> None:
        self._take_over(0)

    def do_take_over_2(self) -> None:
        self._take_over(1)

    def do_take_over_3(self) -> None:
        self._take_over(2)

    def do_take_over_4(self) -> None:
        self._take_over(3)

    def _take_over(self, lane: int) -> None:
        if lane < max(2, len(self.session.lanes)):
            if self.session.input != "shared":
                self.window.show_panel("compare")
            self.session.share(lane)
        else:
            self.session.message.emit("info", f"There is no agent {lane_letter(lane)}: add one first.")

    def do_replay_game(self) -> None:
        self.window.show_panel("compare")
        self._panel("compare").ask_replay()

    def do_next_apart(self) -> None:
        self._go_apart(1)

    def do_previous_apart(self) -> None:
        self._go_apart(-1)

    def _go_apart(self, way: int) -> None:
        """A disagreement, with both decisions and maps; later ones leave in front what the person put there."""
        if self._panel("compare").jump(way) and not self._apart_shown:
            self._apart_shown = True
            self.window.show_panel("moment")

    # -- selection ----------------------------------------------------------------------------------------------
    def _move(self, way: str) -> None:
        direction, _, by = way.partition("_")
        length = int(by or 1)
        dx, dy = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[direction]
        self._panel("activations").move_selection(dx * length, dy * length)

    def do_previous_layer(self) -> None:
        self._panel("activations").move_layer(-1)

    def do_next_layer(self) -> None:
        self._panel("activations").move_layer(+1)

    def do_goto_unit(self) -> None:
        self.window.show_panel("inspector")
        self._panel("inspector").focus_entry()

    def do_escape(self) -> None:
        if self.window.finding.close_reader():
            return
        if self.window.isFullScreen():
            self.do_full_screen()
        elif self.session.view["enlarged"]:
            self.session.set_view(enlarged=None)
        elif self.session.region is not None:
            self.session.choose_region(self.session.region[0], None)
        elif self.session.selected:
            self.session.select(self.session.selected[0], None)

    # -- view ---------------------------------------------------------------------------------------------------
    def do_enlarge_layer(self) -> None:
        if self.session.view["enlarged"]:
            self.session.set_view(enlarged=None)
            return
        lanes = [info for info in self.session.lanes if info.layers]
        if lanes:
            layer = self.session.selected[1].layer if self.session.selected else lanes[0].layers[0].name
            self.session.set_view(enlarged=layer)

    def do_patterns(self) -> None:
        """Pattern mode; where it is on already, back to the activations."""
        panel = self._panel("patterns")
        if panel.is_seen and panel.wanted:
            self.window.show_panel("activations")
        else:
            self.window.show_panel("patterns")
            QtCore.QTimer.singleShot(0, panel.start)  # when it has its place, so that it knows which tiles are in sight

    def do_cycle_saliency(self) -> None:
        targets = SALIENCY_TARGETS if self.session.selected else SALIENCY_TARGETS[:-1]
        self.session.set_saliency(after(tuple(filter(self._explainable, targets)), self.session.saliency))

    def _explainable(self, target: str | None) -> bool:
        """Whether the active agent's network has that."""
        lane = self.window.active_lane
        known = target is not None and lane < len(self.session.lanes)
        return not known or not self.session.saliency_fault(lane, target, "gradient")

    def do_cycle_method(self) -> None:
        """The next method that can explain this; where nothing is explained, the chosen action by the present one."""
        session, lane = self.session, self.window.active_lane
        if session.saliency is None:
            session.set_saliency("action")
            return
        names = tuple(method.name for method in session.saliency_methods() if lane >= len(session.lanes)
                      or not session.saliency_fault(lane, session.saliency, method.name))  # fmt: skip
        if names:
            session.set_saliency(session.saliency, after(names, session.saliency_method))

    def do_hold_unit(self) -> None:
        """DeepVis' d: the unit that is explained stays while others are selected; again, and it follows."""
        session = self.session
        if session.selected is None:
            words = f"Select a unit first: {key_of('hold_unit')} then keeps its map while others are selected."
            session.message.emit("info", words)
        elif session.saliency is not None and session.saliency == self._held:
            session.set_saliency("unit")
        else:
            self._held = str(session.selected[1])
            session.set_saliency(self._held)
            again = f"{key_of('hold_unit')}: follow the selection again"
            session.hover(f"the map stays that of {session.selected[1]}; {again}")

    def do_explain_moment(self) -> None:
        self.window.show_panel("why")
        self._panel("why").explain()

    def do_robustness(self) -> None:
        self.window.show_panel("robustness")
        self._panel("robustness").rows.focus()

    def do_open_results(self) -> None:
        self.window.show_panel("lab")
        self.window.results.ask()

    def do_embedding(self) -> None:
        self.window.show_panel("embedding")
        dock, room = self.window.docks["embedding"], min(EMBEDDING_ROOM, self.window.height() // 2)
        if not dock.isFloating() and dock.height() < room:  # a strip below the activations is too little for a map
            self.window.resizeDocks([dock], [room], QtCore.Qt.Vertical)
        self._panel("embedding").scatter.setFocus()

    def do_cycle_gamma(self) -> None:
        self._cycle("gamma", GAMMAS)

    def do_cycle_boost(self) -> None:
        self._cycle("boost", BOOSTS)

    def do_toggle_contrast(self) -> None:
        self._cycle("contrast", ("layer", "channel"))

    def do_cycle_scale(self) -> None:
        self._cycle("scale", SCALES)

    def do_cycle_colormap(self) -> None:
        self._cycle("colormap", COLORMAPS)

    def do_toggle_labels(self) -> None:
        self._cycle("labels", (True, False))

    def _cycle(self, key: str, values: tuple) -> None:
        value = after(values, self.session.view[key])
        self.session.set_view(**{key: value})
        self.session.hover(f"{key.replace('colormap', 'colour map')}: {value}")

    # -- window -------------------------------------------------------------------------------------------------
    def do_full_screen(self) -> None:
        self.window.showNormal() if self.window.isFullScreen() else self.window.showFullScreen()

    def do_help(self) -> None:
        self.window.toggle_help()

    def do_quit(self) -> None:
        self.window.close()

    def do_clear_edits(self) -> None:
        self.session.clear_edits()

    # -- capture ------------------------------------------------------------------------------------------------
    def do_record(self) -> None:
        self.window.toggle_recording(self.window)

    def do_screenshot(self) -> None:
        self.window.capture.screenshot(self.window)

    def do_copy(self) -> None:
        self.window.capture.copy(self.window)
        self.session.message.emit("info", "The picture is on the clipboard.")

    def _panel(self, name: str):
        panel = self.window.panels[name]
        panel.mend()
        return panel
