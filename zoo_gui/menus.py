"""The menus and the toolbar, made from the shortcut table, the panels and the games."""

from __future__ import annotations

from functools import partial

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from zoo_gui.commands import COLORMAPS, PLAYERS, SCALES, SPEED_NAMES, SPEEDS
from zoo_gui.keymap import write_keys
from zoo_gui.layout_menu import LayoutMenu, LayoutSwitch
from zoo_gui.shortcuts import by_command
from zoo_gui.tokens import pixels
from zoo_gui.widgets.controls import fit, keyed

SALIENCY = (("Off", None), ("Chosen action", "action"), ("Value", "value"), ("Advantage", "advantage"),
            ("Selected unit", "unit"))  # fmt: skip
OTHER = "Other…"
MOST_SEED = 2**63 - 1  # as in a link
SPARE = 20  # pixels, where the type is normal, kept for what buttons say at other times: Pause, Stop
PLAYER_NAMES = {"agent": "Agent", "random": "Random", "human": "You"}
LEVELS = 4  # of brevity
NARROW = 122  # of a combo whose entries are longer than its room in a narrow window's toolbar

MENUS = (
    ("&File", ("save_session open_session - bookmark copy_link open_link - "
               "open_results - screenshot copy record record_options save_last - quit")),
    ("&Agents", "zoo wall open_agent add_agent remove_agent agent_card -"),
    ("&Play", "toggle step restart next_episode - slower faster normal_speed full_speed - switch_player"),
    ("&Compare", "share_input replay_game take_over_1 take_over_2 take_over_3 take_over_4 - previous_apart next_apart"),
    ("&Unit", "goto_unit previous_layer next_layer enlarge_layer patterns - clear_edits"),
    ("Wh&y", "explain_moment - cycle_saliency cycle_method hold_unit - embedding robustness"),
    ("&View", "toggle_labels toggle_contrast cycle_gamma cycle_boost - full_screen"),
    ("P&resent", "present edit_cues - hold_picture laser magnifier spotlight"),
    ("&Help", "help keyboard_settings palette labels -"),
)


def command_action(window, command: str) -> QtWidgets.QAction:
    """A menu entry for a command. Its key is shown as text only: ``keys.Keys`` is what hears it."""
    action = QtWidgets.QAction(by_command()[command][0].text, window)
    action.setProperty("command", command)
    write_keys(action, command)
    action.triggered.connect(partial(window.commands.call, command))
    return action


def fill(window) -> None:
    """Make the menu bar."""
    bar = window.menuBar()
    menus = {}
    for title, commands in MENUS:
        menu = menus[title] = bar.addMenu(title)
        for command in commands.split():
            if command == "-":
                menu.addSeparator()
            else:
                menu.addAction(command_action(window, command))
    menus["&Agents"].addMenu(RecentMenu(window, bar))
    view = menus["&View"]
    first = view.actions()[0]
    for title, key, values in (("Colour map", "colormap", COLORMAPS), ("Scale", "scale", SCALES)):
        view.insertMenu(first, _choice_menu(window, title, key, values))
    view.insertMenu(first, window.theme.menu(view))
    panels = QtWidgets.QMenu("Panels", view)
    for dock in window.docks.values():
        panels.addAction(dock.toggleViewAction())
    view.insertMenu(first, panels)
    view.insertMenu(first, LayoutMenu(window))
    bar.setCornerWidget(LayoutSwitch(window))


class RecentMenu(QtWidgets.QMenu):
    """The agents that were opened last; a file that is gone stays, grey, with the reason."""

    def __init__(self, window, parent: QtWidgets.QWidget):
        super().__init__("Recent", parent)
        self._window = window
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)
        window.session.library.checked.connect(self._on_checked)

    def _fill(self) -> None:
        self.clear()
        ids = self._window.settings.get("play/agents")
        for agent_id in ids:
            action = self.addAction(_shortened(agent_id), partial(self._window.replace_agent, agent_id))
            action.setData(agent_id)
            action.setToolTip(agent_id)
        if not ids:
            self.addAction("Nothing was opened yet").setEnabled(False)
        self._window.session.library.check(ids)

    def _on_checked(self, reasons: dict[str, str]) -> None:
        for action in self.actions():
            reason = reasons.get(action.data())
            if reason:
                action.setEnabled(False)
                action.setText(f"{_shortened(action.data())}   ({reason})")


def _shortened(agent_id: str) -> str:
    """An id as it is; of a path the last folders, for menus have no room for it all."""
    parts = agent_id.split("/")
    text = f"…/{'/'.join(parts[-3:])}" if len(agent_id) > 60 and len(parts) > 4 else agent_id
    return text.replace("&", "&&")


def _choice_menu(window, title: str, key: str, values: tuple) -> QtWidgets.QMenu:
    menu = QtWidgets.QMenu(title, window)
    group = QtWidgets.QActionGroup(menu)
    for value in values:
        action = group.addAction(menu.addAction(str(value).capitalize()))
        action.setCheckable(True)
        action.triggered.connect(partial(window.session.set_view, **{key: value}))
    menu.aboutToShow.connect(partial(_check_current, window, menu, key, values))
    return menu


def _check_current(window, menu: QtWidgets.QMenu, key: str, values: tuple) -> None:
    for action, value in zip(menu.actions(), values):
        action.setChecked(window.session.view[key] == value)


def dock_menu(window, dock: QtWidgets.QDockWidget) -> QtWidgets.QMenu:
    """What a right click on a panel's title offers."""
    menu = QtWidgets.QMenu(dock)
    menu.setAttribute(QtCore.Qt.WA_DeleteOnClose)
    menu.addAction("Save a picture of this panel", partial(window.capture.screenshot, dock))
    menu.addAction("Save its picture and data …", partial(window.exports.save, dock.objectName()))
    menu.addAction("Copy a picture of this panel", partial(window.capture.copy, dock))
    recording = window.capture.is_recording
    text = "Stop recording" if recording else "Record this panel"
    menu.addAction(text, partial(window.toggle_recording, dock.widget()))
    menu.addSeparator()
    menu.addAction("What this panel shows", partial(window.finding.open_panel_page, dock.objectName()))
    menu.addAction("Hide", dock.close)
    return menu


class SeedField(QtWidgets.QAbstractSpinBox):
    """A whole number from 0, as large as a link's: Qt's own field of whole numbers ends at 2³¹ − 1."""

    def __init__(self):
        super().__init__()
        self.setValue(0)
        self.editingFinished.connect(self._take)

    def value(self) -> int:
        """The number that was entered last."""
        return self._value

    def setValue(self, value: int) -> None:
        self._value = value
        self.lineEdit().setText(str(value))

    def _take(self) -> None:
        text = self.lineEdit().text()
        self.setValue(int(text) if text else self._value)

    def validate(self, text: str, position: int):
        fits = text.isascii() and text.isdigit() and len(text) < 30 and int(text) <= MOST_SEED
        state = QtGui.QValidator.Acceptable if fits else QtGui.QValidator.Invalid
        return state if text else QtGui.QValidator.Intermediate, text, position

    def stepBy(self, steps: int) -> None:
        self._take()
        self.setValue(min(max(self._value + steps, 0), MOST_SEED))

    def stepEnabled(self):
        return self.StepUpEnabled | self.StepDownEnabled


class Toolbar(QtWidgets.QToolBar):
    """The commands that are used all the time, and what they are set to now."""

    def __init__(self, window):
        super().__init__("Toolbar")
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.window_, self.session = window, window.session
        self._elastic: list[tuple[QtWidgets.QComboBox, int]] = []  # with their least widths
        self._level, self._words, self._names = 0, {}, []  # signs instead of words, and names beside fields
        self.toggle = self._button("toggle", "▶ Play")
        self._button("step", "❙▶ Step")
        self._button("restart", "↺ Restart")
        self._button("next_episode", "▶❙ Next")
        self.addSeparator()
        self.speed = self._combo("Speed", SPEED_NAMES, self._set_speed)
        keyed(self.speed, "faster", "How fast the game is played: 1× is 60 frames a second, max all it can; faster")
        self.seed = SeedField()
        fit(self.seed, "00000", 30)
        self.seed.setToolTip("Seed: the same seed gives the same episode. Enter restarts with it.")
        self.seed.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.seed.editingFinished.connect(self._set_seed)
        self._labelled("Seed", self.seed)
        self.player = self._combo("Player", [PLAYER_NAMES[kind] for kind in PLAYERS], self._set_player)
        keyed(self.player, "switch_player", "Who plays the active column's game: the agent, chance, or you")
        self.saliency = self._combo("Explain", [*(name for name, _ in SALIENCY), OTHER], self._set_saliency, NARROW)
        keyed(self.saliency, "cycle_saliency", "What the map over the game explains; Other…: any action or unit")
        methods = self.session.saliency_methods()
        self.method = self._combo("by", [method.title for method in methods], self._set_method, NARROW)
        keyed(self.method, "cycle_method", "The method that makes the map over the game")
        self.method.setAccessibleName("Method")
        for index, method in enumerate(methods):
            self.method.setItemData(index, f"{method.text} {method.source}.", QtCore.Qt.ToolTipRole)
        self.addSeparator()
        self._button("open_agent", "Open")
        self._button("add_agent", "Add")
        self.addSeparator()
        self._button("screenshot", "Picture")
        self.record = self._button("record", "● Record")
        self.session.running_changed.connect(self._on_running)
        self.session.speed_changed.connect(self._on_speed)
        self.session.lanes_changed.connect(self._on_lanes)
        self.session.status_changed.connect(self._on_lanes)  # the seed
        self.session.unit_selected.connect(self._on_lanes)
        self.session.saliency_changed.connect(self._on_saliency)
        self.session.saliency_method_changed.connect(self._on_method)
        self._on_running(False)
        self._on_speed(self.session.speed)
        self._on_method(self.session.saliency_method)

    def _button(self, command: str, text: str) -> QtWidgets.QAction:
        row = by_command()[command][0]
        action = self.addAction(text)
        if " " in text:  # a sign, and words
            self._words[action] = text
        action.setProperty("command", command)
        action.setProperty("tip", row.text)
        write_keys(action, command)
        action.triggered.connect(partial(self.window_.commands.call, command))
        button = self.widgetForAction(action)
        button.setFocusPolicy(QtCore.Qt.TabFocus)
        button.setAccessibleName(row.text)
        return action

    def resizeEvent(self, event) -> None:
        """Room that is left goes to the combos that could not say everything, the last of them first."""
        self._share_out(event.size().width())
        super().resizeEvent(event)

    def showEvent(self, event) -> None:
        """Out of sight the buttons slept through another type size: they know what room they need a turn later."""
        super().showEvent(event)
        QtCore.QTimer.singleShot(0, self.set_look)

    def set_look(self) -> None:
        """Another type size."""
        self._share_out(self.width())

    def _share_out(self, width: int) -> None:
        """In a window that is narrow for its letters, first buttons are signs alone, then fields have no names beside
        them, then choices are narrower."""
        for level in range(LEVELS):
            self._set_level(level)
            room = width - self.sizeHint().width() + sum(combo.width() for combo, _ in self._elastic)
            room -= sum(pixels(self._least(least)) for _, least in self._elastic)
            if room >= 0:
                break
        room -= pixels(SPARE)
        for combo, least in reversed(self._elastic):
            whole = combo.sizeHint().width()
            more = max(0, min(room, whole - pixels(self._least(least))))
            room -= more
            combo.view().setMinimumWidth(whole)
            combo.setFixedWidth(pixels(self._least(least)) + more)

    def _least(self, usual: int) -> int:
        """Of a choice's width, where the type is normal."""
        return usual if self._level < LEVELS - 1 else round(0.6 * usual)

    def _set_level(self, level: int) -> None:
        if level == self._level:
            return
        self._level = level
        for action, words in self._words.items():
            self._write(action, words)
        for action in self._names:
            action.setVisible(level < 2)
        self.layout().invalidate()

    def _write(self, action: QtWidgets.QAction, words: str) -> None:
        """A button's words, which begin with a sign, or the sign alone."""
        self._words[action] = words
        action.setText(words.split(" ")[0] if self._level else words)

    def _labelled(self, text: str, widget: QtWidgets.QWidget) -> None:
        label = QtWidgets.QLabel(f" {text} ")
        label.setBuddy(widget)
        widget.setAccessibleName(text)
        self._names.append(self.addWidget(label))
        self.addWidget(widget)

    def _combo(self, text: str, choices, chosen, width: int | None = None) -> QtWidgets.QComboBox:
        combo = QtWidgets.QComboBox()
        combo.addItems(choices)
        if width is not None:
            combo.setFixedWidth(pixels(width))
            self._elastic.append((combo, width))
        combo.setFocusPolicy(QtCore.Qt.TabFocus)
        combo.activated.connect(chosen)
        self._labelled(text, combo)
        return combo

    # -- intent -------------------------------------------------------------------------------------------------
    def _set_speed(self, index: int) -> None:
        self.session.set_speed(SPEEDS[index])

    def _set_seed(self) -> None:
        self.seed.clearFocus()
        if self.session.lanes and self.seed.value() != self.session.lanes[0].seed:
            self.session.restart(self.seed.value())

    def _set_player(self, index: int) -> None:
        if self.session.lanes:
            self.session.set_player(self.window_.active_lane, PLAYERS[index])
            self._on_lanes()

    def _set_saliency(self, index: int) -> None:
        if index < len(SALIENCY):
            self.session.set_saliency(SALIENCY[index][1])
            return
        if self.saliency.itemText(index) != OTHER:  # what was typed last
            self.session.set_saliency(self.saliency.itemText(index))
            return
        self._on_saliency(self.session.saliency)  # until something is typed
        dialog = QtWidgets.QInputDialog(self)
        dialog.setAttribute(QtCore.Qt.WA_DeleteOnClose)
        dialog.setWindowTitle("Explain")
        dialog.setLabelText("A unit, an action, or a sum or difference of these, for example\n"
                            "conv2:17    action:LEFT    action:LEFT - action:RIGHT    advantage:FIRE")
        dialog.setTextValue(self.session.saliency or "")
        dialog.textValueSelected.connect(self._set_typed)
        dialog.open()

    def _set_typed(self, text: str) -> None:
        lane = self.window_.active_lane
        fault = self.session.saliency_fault(lane, text, "gradient") if lane < len(self.session.lanes) else ""
        if fault:
            self.session.message.emit("warning", fault)
        elif text.strip():
            self.session.set_saliency(text.strip())

    def _set_method(self, index: int) -> None:
        method = self.session.saliency_methods()[index]
        self.session.set_saliency(self.session.saliency or "action", method.name)

    # -- state --------------------------------------------------------------------------------------------------
    def _on_running(self, running: bool) -> None:
        self._write(self.toggle, "❚❚ Pause" if running else "▶ Play")
        self._share_out(self.width())

    def _on_speed(self, speed: float | None) -> None:
        if speed in SPEEDS:
            self.speed.setCurrentIndex(SPEEDS.index(speed))

    def _on_lanes(self, *_changed) -> None:
        lanes, active = self.session.lanes, self.window_.active_lane
        if active < len(lanes):
            self.player.setCurrentIndex(PLAYERS.index(lanes[active].player))
            if not self.seed.hasFocus():
                self.seed.setValue(lanes[0].seed)

    def _on_saliency(self, target: str | None) -> None:
        targets = [value for _, value in SALIENCY]
        if target not in targets:
            if self.saliency.count() > len(SALIENCY) + 1:
                self.saliency.removeItem(len(SALIENCY))
            self.saliency.insertItem(len(SALIENCY), target)
        self.saliency.setCurrentIndex(targets.index(target) if target in targets else len(SALIENCY))

    def _on_method(self, name: str) -> None:
        self.method.setCurrentIndex([method.name for method in self.session.saliency_methods()].index(name))

    def set_recording(self, running: bool) -> None:
        """Show whether a recording runs."""
        self._write(self.record, "■ Stop" if running else "● Record")
