"""What the command palette offers: everything that the window can do now, gathered from where it stands already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Callable, Iterator

from pyqtgraph.Qt import QtWidgets, isQObjectAlive

from zoo_gui import shortcuts
from zoo_gui.commands import PLAYERS, SPEED_NAMES, SPEEDS
from zoo_gui.fuzzy import Text
from zoo_gui.keymap import plain
from zoo_gui.menus import PLAYER_NAMES, SALIENCY
from zoo_gui.naming import lane_letter
from zoo_gui.reasons import can_be_called, why_not
from zoo_gui.shortcuts import OWN, by_command, spelled
from zoo_gui.types import Unit

#: Switches among the view's settings that no menu has: (key, words for it, [(value, words)]).
SWITCHES = (
    ("labels", "Labels", ((True, "on"), (False, "off"))),
    ("contrast", "Contrast", (("layer", "per layer"), ("channel", "per channel"))),
    ("motion", "Optimised frames play as films", ((True, "on"), (False, "off"))),
    ("saliency_signs", "What speaks against it has a colour of its own", ((True, "on"), (False, "off"))),
    ("saliency_frames", "Frames of the map over the game",
     (("sum", "summed"), ("largest", "the largest"), ("newest", "the newest"), ("each", "each on its own"))),
)  # fmt: skip
#: What people may call it too: (how the title begins, words).
OTHER_WORDS = (
    ("Explain", "saliency attribution heat map"), ("Colour map", "colormap palette"), ("Speed", "fps fast slow"),
    ("Who plays", "player human random"), ("Layout", "arrangement view workspace"), ("Keyboard", "shortcuts rebind"),
    ("Save a picture", "screenshot image"), ("Start or stop recording", "film video movie"),
)  # fmt: skip
#: What the catalogue says of an agent that is fetched when it is opened.
TO_DOWNLOAD = "to download"
#: Groups of agents: those that are at hand, and the others.
AGENT, FAR = "Agent", "Agent elsewhere"
_UNIT = re.compile(r"(?:unit\s+)?([\w./-]*\w)\s*:\s*(\d+)\s*")


@dataclass(frozen=True)
class Entry:
    """One line of the palette.

    id: what it is remembered by. more: words beside the title, searched as well. why_not: the reason why it is grey.
    beside: what Ctrl+Enter does, of an agent.
    """

    id: str
    title: str
    group: str
    run: Callable[[], object]
    more: str = ""
    keys: tuple[str, ...] = ()
    why_not: str = ""
    beside: Callable[[], object] | None = None
    text: Text | None = None


def entry(id: str, title: str, group: str, run: Callable[[], object], more: str = "", **others) -> Entry:
    """An Entry made ready to be found."""
    also = next((words for begin, words in OTHER_WORDS if title.startswith(begin)), "")
    if own := _own_rows().get(OWN + id):
        others["keys"] = tuple(spelled(key) for row in own for key in row.keys)[:2]
    return Entry(id, title, group, run, more, text=Text.of(title, f"{group} {more} {also}"), **others)


class _Own:
    """The rows that only the palette has, found once for each table: lines are thousands."""

    table: tuple = ()
    rows: dict = {}


def _own_rows() -> dict:
    if _Own.table is not shortcuts.current():
        rows = {command: own for command, own in by_command().items() if command.startswith(OWN)}
        _Own.table, _Own.rows = shortcuts.current(), rows
    return _Own.rows


def gather(window) -> list[Entry]:
    """All but the catalogue's agents, those that are used all the time first."""
    return [*_commands(window), *_panels(window), *_layouts(window), *_choices(window), *_recent(window),
            *_layers(window), *_menus(window)]


def keyless(window) -> dict[str, str]:
    """What is no command of the table and may have a key all the same: its command, with words for it."""
    entries = (*_panels(window), *_layouts(window), *_choices(window), *_recent(window), *_layers(window),
               *_menus(window))
    return {OWN + one.id: one.title.removesuffix(" ✓").removesuffix(" (now)") for one in entries}


def of_id(window, id: str) -> Entry | None:
    """What the palette remembers by this, if it is there now."""
    return next((one for one in gather(window) if one.id == id), None)


def _commands(window) -> Iterator[Entry]:
    for command, rows in by_command().items():
        if can_be_called(command):
            keys = tuple(dict.fromkeys(spelled(key) for row in rows for key in row.keys))
            yield entry(f"command {command}", rows[0].text, rows[0].group, partial(window.commands.call, command),
                        keys=keys[:2], why_not=why_not(window, command))


def _panels(window) -> Iterator[Entry]:
    for name, dock in window.docks.items():
        panel = window.panels[name]
        yield entry(f"panel {name}", f"Panel: {panel.title}", "Panel", partial(window.show_panel, name),
                    getattr(panel, "about", ""))
        yield entry(f"hide {name}", f"Hide panel: {panel.title}", "Panel", dock.close,
                    why_not="It is hidden already." if dock.isHidden() else "")


def _layouts(window) -> Iterator[Entry]:
    layouts = getattr(window, "layouts", None)
    commands = {rows[0].text for command, rows in by_command().items() if not command.startswith(OWN)}
    for name in layouts.names() if hasattr(layouts, "names") else ():
        if f"Layout {name}" in commands:
            continue  # with its key
        current = " (now)" if getattr(layouts, "current", None) == name else ""
        yield entry(f"layout {name}", f"Layout: {name}{current}", "Layout", partial(layouts.apply, name))


def _choices(window) -> Iterator[Entry]:
    """Settings with a handful of values; the one that holds says so."""
    session, lanes, active = window.session, window.session.lanes, window.active_lane

    def choice(name: str, words: str, holds: bool, run: Callable[[], object], reason: str = "", more: str = ""):
        reason = reason or ("It is so already." if holds else "")
        return entry(f"{name} {words}", f"{name}: {words}", "Setting", run, more, why_not=reason)

    for key, name, values in SWITCHES:
        for value, words in values:
            yield choice(name, words, session.view.get(key) == value, partial(session.set_view, **{key: value}))
    for speed, words in zip(SPEEDS, SPEED_NAMES):
        yield choice("Speed", words, session.speed == speed, partial(session.set_speed, speed))
    for words, target in SALIENCY:
        fault = session.saliency_fault(active, target, "gradient") if target and active < len(lanes) else ""
        yield choice("Explain", words.lower(), session.saliency == target, partial(session.set_saliency, target), fault)
    for method in session.saliency_methods():
        holds = session.saliency is not None and session.saliency_method == method.name
        run = partial(_explain_by, session, method.name)
        target, fault = session.saliency or "action", "No agent is open yet."
        if active < len(lanes):
            fault = session.saliency_fault(active, target, method.name)
        yield choice("Explain by", method.title, holds, run, fault, method.text)
    for kind in PLAYERS:
        for info in lanes:
            if kind != "agent" or info.layers:
                yield choice(f"Who plays {lane_letter(info.lane)}", PLAYER_NAMES[kind].lower(), info.player == kind,
                             partial(session.set_player, info.lane, kind))


def _explain_by(session, method: str) -> None:
    session.set_saliency(session.saliency or "action", method)


def _recent(window) -> Iterator[Entry]:
    for agent_id in window.settings.get("play/agents"):
        yield entry(f"open {agent_id}", f"Open {agent_id}", "Recent agent", partial(window.open_agent, agent_id),
                    beside=partial(window.open_agent, agent_id, True))


def _layers(window) -> Iterator[Entry]:
    session = window.session
    seen: dict[str, str] = {}
    for info in session.lanes:
        for layer in info.layers:
            seen.setdefault(layer.name, "×".join(map(str, layer.shape)))
    for name, shape in seen.items():
        yield entry(f"layer {name}", f"Enlarge layer {name}", "Layer", partial(session.set_view, enlarged=name),
                    f"{shape}; for one of its units type {name}:0")


def _menus(window) -> Iterator[Entry]:
    """What else stands in the menus: what other parts of the window put there."""
    for top in window.menuBar().actions():
        if top.menu() is not None:
            yield from _menu(window, top.menu(), plain(top.text()), top=True)


def _menu(window, menu: QtWidgets.QMenu, path: str, top: bool = False) -> Iterator[Entry]:
    if path in ("Recent", "Panels"):  # which are there already, with more said
        return
    menu.aboutToShow.emit()  # some are filled, or ticked, when they are looked at
    there = window.layouts.names() if path == "Layout" else ()
    for action in menu.actions():
        words = plain(action.text())
        if action.menu() is not None:
            yield from _menu(window, action.menu(), words)
        elif words and not action.property("command") and action.isVisible() and words not in there:
            title = words if top else f"{path}: {words}"
            tick = " ✓" if action.isCheckable() and action.isChecked() else ""
            yield entry(f"menu {path} {words}", title + tick, path if top else "Menu",
                        partial(_trigger, window, menu, words), action.statusTip(),
                        why_not="" if action.isEnabled() else "It cannot be chosen now.")


def _trigger(window, menu: QtWidgets.QMenu, words: str) -> None:
    """Choose what stands in a menu by these words now: a menu that was filled anew has other actions."""
    if isQObjectAlive(menu):
        menu.aboutToShow.emit()
        for action in menu.actions():
            if plain(action.text()) == words and action.isEnabled():
                action.trigger()
                return
    window.session.message.emit("info", f"{words}: it is not there now.")


def agents(window, entries: list) -> list[Entry]:
    """The catalogue's agents; grey with the reason where they cannot be had."""
    made = []
    for one in entries:
        reason = "" if one.is_here or one.status == TO_DOWNLOAD else f"It is {one.status}."
        made.append(entry(f"open {one.id}", f"Open {one.title}", AGENT if one.is_here else FAR,
                          partial(window.open_agent, one.id), one.id, why_not=reason,
                          beside=partial(window.open_agent, one.id, True)))  # fmt: skip
    return made


def units(window, typed: str) -> list[Entry]:
    """The units that ``conv3:12`` may mean, of the active agent first."""
    found = _UNIT.fullmatch(typed.strip())
    if not found:
        return []
    wanted, index = found[1].lower(), int(found[2])
    lanes = sorted(window.session.lanes, key=lambda info: info.lane != window.active_lane)
    named = [(info, layer) for info in lanes for layer in info.layers]
    same = [(info, layer) for info, layer in named if layer.name.lower() == wanted]
    made = []
    for info, layer in same or [(info, layer) for info, layer in named if wanted in layer.name.lower()]:
        whose = f" of {lane_letter(info.lane)}" if len(lanes) > 1 else ""
        reason = "" if index < layer.units else f"{layer.name} has the units 0 to {layer.units - 1}."
        made.append(entry(f"unit {layer.name}:{index}", f"Select unit {layer.name}:{index}{whose}", "Unit",
                          partial(_select, window, info.lane, Unit(layer.name, index)), info.title, why_not=reason))
    return made


def _select(window, lane: int, unit: Unit) -> None:
    window.session.select(lane, unit)
    window.show_panel("inspector")
