"""The one table of keyboard shortcuts: menus, the help overlay and docs/keyboard.md are made from it. No Qt.

The letters are DeepVis Toolbox's where it has the function (its ``bindings.py``), the rest is what the desktop expects.
A key may mean different things in different contexts; the most specific one that holds wins:

- ``human``: a person plays. Arrows and Space go to the game.
- ``activations``: the activations panel has the keyboard focus. Arrows move the selection.
- ``drawing``: a picture is held and drawn on. ``cues``, ``presenting``: a talk is given, with cues or without.
- ``anywhere``: everywhere else in the window, except while text is typed into a field.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from zoo_gui.layout_plans import NAMES as LAYOUTS

ANYWHERE, ACTIVATIONS, HUMAN = "anywhere", "activations", "human"
PRESENTING, CUES, DRAWING = "presenting", "cues", "drawing"
WHEN = {ANYWHERE: "", ACTIVATIONS: "with the activations in focus", HUMAN: "while a person plays",
        PRESENTING: "while presenting", CUES: "while presenting cues", DRAWING: "while the picture is held"}
OWN = "palette "
"""How commands begin that only the palette has, a panel, a setting, an agent; the person may give them keys."""
SAID = (ACTIVATIONS, PRESENTING, CUES, DRAWING)
"""Contexts that lists of keys name; people who play have a list of their own."""


@dataclass(frozen=True)
class Shortcut:
    """One command and its keys.

    command: name that the window maps to a method. keys: Qt key sequences in portable text (``Ctrl+Shift+O``), the
    first is shown in menus; there may be none. text: what it does. when: context, a key of WHEN.
    """

    command: str
    keys: tuple[str, ...]
    text: str
    group: str
    when: str = ANYWHERE


def _moves(when: str, keys: tuple[str, str, str, str]) -> tuple[Shortcut, ...]:
    """Eight shortcuts that move the selection: up, left, down, right by one, and with Shift by three."""
    ways = ("up", "left", "down", "right")
    return tuple(
        Shortcut(f"move_{way}{suffix}", (shift + key,), f"Move the selection {way}{by}", "Selection", when)
        for shift, suffix, by in (("", "", ""), ("Shift+", "_3", " by 3"))
        for way, key in zip(ways, keys)
    )


TABLE: tuple[Shortcut, ...] = (
    Shortcut("toggle", ("Space", "F"), "Play or pause", "Playback"),
    Shortcut("step", ("Right", "."), "Single step", "Playback"),
    Shortcut("restart", ("R",), "Restart the game with the same seed", "Playback"),
    Shortcut("next_episode", ("E", "PgDown"), "Next episode", "Playback"),
    Shortcut("faster", ("+", "="), "Faster", "Playback"),
    Shortcut("slower", ("-",), "Slower", "Playback"),
    Shortcut("normal_speed", ("1",), "Game speed (1×)", "Playback"),
    Shortcut("full_speed", ("0",), "As fast as it goes", "Playback"),
    Shortcut("zoo", ("Ctrl+B",), "Browse the zoo", "Players"),
    Shortcut("wall", ("G",), "The wall: many small games at once", "Players"),
    Shortcut("open_agent", ("Ctrl+O",), "Open an agent", "Players"),
    Shortcut("agent_card", ("Ctrl+I",), "What is this file? Its card, and what was guessed", "Players"),
    Shortcut("add_agent", ("Ctrl+Shift+O",), "Add an agent beside it", "Players"),
    Shortcut("remove_agent", ("Ctrl+Shift+W",), "Remove the last agent", "Players"),
    Shortcut("switch_player", ("P",), "Who plays: agent → random → person", "Players"),
    Shortcut("share_input", ("V",), "All see one game, or each its own again", "Comparing"),
    *(Shortcut(f"take_over_{lane + 1}", (f"Ctrl+{lane + 1}",), f"{letter} drives from this moment on, the others watch",
               "Comparing") for lane, letter in enumerate("ABCD")),
    Shortcut("replay_game", ("Shift+V",), "Show all a game that was played", "Comparing"),
    Shortcut("next_apart", ("]", "Ctrl+Right"), "Next disagreement", "Comparing"),
    Shortcut("previous_apart", ("[", "Ctrl+Left"), "Disagreement before", "Comparing"),
    Shortcut("game_up", ("Up",), "Up", "Playing yourself", HUMAN),
    Shortcut("game_left", ("Left",), "Left", "Playing yourself", HUMAN),
    Shortcut("game_down", ("Down",), "Down", "Playing yourself", HUMAN),
    Shortcut("game_right", ("Right",), "Right", "Playing yourself", HUMAN),
    Shortcut("game_fire", ("Space",), "Fire", "Playing yourself", HUMAN),
    *_moves(ANYWHERE, ("I", "J", "K", "L")),
    *_moves(ACTIVATIONS, ("Up", "Left", "Down", "Right")),
    Shortcut("previous_layer", ("U",), "Previous layer", "Selection"),
    Shortcut("next_layer", ("O",), "Next layer", "Selection"),
    Shortcut("goto_unit", ("Ctrl+G",), "Type a unit, for example conv2:17", "Selection"),
    Shortcut("clear_edits", ("Ctrl+E",), "Undo all changes: nothing edited, covered or disturbed", "Selection"),
    Shortcut("escape", ("Esc",), "Back: close help, the enlarged layer, the chosen region, the selection", "Selection"),
    Shortcut("enlarge_layer", ("Z",), "Enlarge the layer", "View"),
    Shortcut("patterns", ("S",), "Pattern mode: the layer as optimised images", "View"),
    Shortcut("cycle_saliency", ("B", "A"), "Explain: off → action → value → advantage → unit", "Why"),
    Shortcut("cycle_method", ("N",), "Next method to explain by", "Why"),
    Shortcut("hold_unit", ("D",), "Keep explaining this unit while others are selected, or follow again", "Why"),
    Shortcut("embedding", ("X",), "Embedding: alike moments beside each other", "Why"),
    Shortcut("explain_moment", ("W",), "Why? Explain the moment on screen", "Why"),
    Shortcut("cycle_gamma", ("T",), "Gamma: 1 → 0.7 → 0.5 → 0.3", "View"),
    Shortcut("cycle_boost", ("Shift+T",), "Boost each channel: 0 → 0.3 → 0.5 → 0.8 → 1", "View"),
    Shortcut("toggle_contrast", ("C",), "Contrast per layer or per channel", "View"),
    Shortcut("cycle_scale", ("Y",), "Scale: running → locked → each frame's own", "View"),
    Shortcut("cycle_colormap", ("M",), "Next colour map", "View"),
    Shortcut("toggle_labels", ("8",), "Labels on or off", "View"),
    Shortcut("toggle_steady", ("Shift+M",), "Less flicker: games as the brighter of each two frames", "View"),
    Shortcut("robustness", ("Shift+X",), "Robustness: disturb the running game, and see the score fall", "Why"),
    Shortcut("open_results", ("Ctrl+Shift+E",), "Open a result folder of the lab", "View"),
    Shortcut("next_theme", ("Ctrl+Shift+T",), "Dark or light", "Window"),
    Shortcut("larger_type", ("Ctrl++", "Ctrl+="), "Larger type", "Window"),
    Shortcut("smaller_type", ("Ctrl+-",), "Smaller type", "Window"),
    Shortcut("normal_type", ("Ctrl+0",), "Type as on this desktop", "Window"),
    Shortcut("save_session", ("Ctrl+Shift+S",), "Save the session: what was played, and the window", "Session"),
    Shortcut("open_session", ("Ctrl+Alt+O",), "Open a saved session", "Session"),
    Shortcut("bookmark", ("Ctrl+D",), "Bookmark this moment", "Session"),
    Shortcut("copy_link", ("Ctrl+Shift+C",), "Copy a link to what is on screen", "Session"),
    Shortcut("open_link", ("Ctrl+Shift+L",), "Open a link", "Session"),
    Shortcut("full_screen", ("F11",), "Full screen", "Window"),
    *(Shortcut(f"layout_{number}", (f"Alt+{number}",), f"Layout {name}", "Layouts")
      for number, name in enumerate(LAYOUTS, 1)),
    Shortcut("next_layout", ("Alt+Shift+PgDown",), "Next layout", "Layouts"),
    Shortcut("previous_layout", ("Alt+Shift+PgUp",), "Layout before", "Layouts"),
    Shortcut("reset_layout", ("Ctrl+L",), "Reset the layout", "Layouts"),
    Shortcut("present", ("F5",), "Presenter mode, or back", "Presenting"),
    Shortcut("edit_cues", ("Shift+F5",), "Cues: what a talk shows, one view after the other", "Presenting"),
    Shortcut("next_cue", ("PgDown", "Right"), "Next cue", "Presenting", CUES),
    Shortcut("previous_cue", ("PgUp", "Left"), "Cue before", "Presenting", CUES),
    Shortcut("first_cue", ("Home",), "First cue", "Presenting", CUES),
    Shortcut("last_cue", ("End",), "Last cue", "Presenting", CUES),
    Shortcut("hold_picture", ("F6",), "Hold the picture to draw on it, or let it go", "Presenting"),
    Shortcut("laser", ("F7",), "Laser pointer on or off", "Presenting"),
    Shortcut("magnifier", ("Shift+F7",), "Magnifier on or off", "Presenting"),
    Shortcut("spotlight", ("F8",), "Spotlight of clicks and keys on or off", "Presenting"),
    Shortcut("leave_presenter", ("Esc",), "Back, at last out of presenter mode", "Presenting", PRESENTING),
    Shortcut("black_screen", ("B", "."), "Black screen, or back", "Presenting", PRESENTING),
    *(Shortcut(f"draw_{number}", (str(number),), f"Draw in {colour}", "Presenting", DRAWING)
      for number, colour in enumerate(("yellow", "blue", "green", "pink"), 1)),
    Shortcut("draw_undo", ("Ctrl+Z", "Backspace"), "Take the last line back", "Presenting", DRAWING),
    Shortcut("draw_clear", ("Del", "C"), "Take all lines back", "Presenting", DRAWING),
    Shortcut("let_go", ("Esc",), "Let the picture go", "Presenting", DRAWING),
    Shortcut("maximise_panel", ("Ctrl+Shift+M",), "Give the panel under the mouse the whole window, or all again",
             "Layouts"),
    Shortcut("palette", ("Ctrl+Shift+P",), "Command palette: find anything, and do it", "Window"),
    Shortcut("keyboard_settings", ("Ctrl+,",), "Keyboard settings: find a key, change it", "Window"),
    Shortcut("labels", ("Shift+F1",), "What am I looking at? Every part is named", "Window"),
    Shortcut("help", ("H", "?", "F1"), "This help", "Window"),
    Shortcut("quit", ("Ctrl+Q", "Q"), "Quit", "Window"),
    Shortcut("record", ("Ctrl+R", "F9"), "Start or stop recording", "Capture"),
    Shortcut("record_options", ("Ctrl+Shift+R",), "Recording options: what, how large, as what", "Capture"),
    Shortcut("save_last", ("Shift+F9",), "Save the last seconds as a film", "Capture"),
    Shortcut("screenshot", ("Ctrl+S",), "Save a picture (PNG)", "Capture"),
    Shortcut("copy", ("Ctrl+C",), "Copy the picture to the clipboard", "Capture"),
)


_current = TABLE


def current() -> tuple[Shortcut, ...]:
    """The table with the person's own keys: what holds now. TABLE has the keys that it began with."""
    return _current


def use(table: tuple[Shortcut, ...]) -> None:
    """Make it the table that holds; ``keymap.Keymap`` calls this, and tells the window."""
    global _current
    _current = table


def tip(command: str, sentence: str) -> str:
    """Words for the mouse: the sentence, and the keys that do it now."""
    keys = [spelled(key) for row in by_command().get(command, ()) if row.when == ANYWHERE for key in row.keys]
    return f"{sentence} ({', '.join(keys)})" if keys else sentence


def first_key(command: str) -> str:
    """The first key of a command, as menus show it; "" where it has none."""
    return next((key for row in by_command().get(command, ()) for key in row.keys), "")


def key_of(command: str) -> str:
    """The same as people read it."""
    return spelled(first_key(command)) if first_key(command) else "its entry in the menus"


def by_command(table: tuple[Shortcut, ...] | None = None) -> dict[str, tuple[Shortcut, ...]]:
    """Every command with its shortcuts; a command may have different keys in different contexts.

    table: None for the one that holds now.
    """
    commands = defaultdict(list)
    for shortcut in _current if table is None else table:
        commands[shortcut.command].append(shortcut)
    return {command: tuple(shortcuts) for command, shortcuts in commands.items()}


def by_group(table: tuple[Shortcut, ...] | None = None) -> dict[str, tuple[Shortcut, ...]]:
    """Every group with its shortcuts, in the table's order; table: None for the one that holds now."""
    groups = defaultdict(list)
    for shortcut in _current if table is None else table:
        groups[shortcut.group].append(shortcut)
    return {group: tuple(shortcuts) for group, shortcuts in groups.items()}


def conflicts(table: tuple[Shortcut, ...] = TABLE) -> list[str]:
    """One sentence for each key that means two things in one context, and for each unknown context; [] is sound."""
    found = [f"{row.command} has the unknown context “{row.when}”" for row in table if row.when not in WHEN]
    owners: dict[tuple[str, str], str] = {}
    for row in table:
        for key in row.keys:
            other = owners.setdefault((key.casefold(), row.when), row.command)
            if other != row.command:
                found.append(f"{key} is both {other} and {row.command} ({row.when})")
    return found


_SPELLED = {"Up": "↑", "Left": "←", "Down": "↓", "Right": "→", "PgDown": "Page Down", "PgUp": "Page Up", "-": "−"}


def spelled(key: str) -> str:
    """A key sequence as people read it: ``Shift+Up`` → ``Shift+↑``."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    if len(last) == 1 and last.isalpha() and not modifiers:
        return last.lower()  # plain letters in lower case, as on the caps of DeepVis' help: no Shift is meant
    return "+".join([*modifiers, _SPELLED.get(last, last)])


def _stem(command: str) -> str:
    """A numbered command without its number: ``take_over_2`` → ``take_over``; those that move by three keep theirs."""
    stem, _, number = command.rpartition("_")
    return stem if number.isdigit() and not command.startswith(("move_", OWN)) else command


def _joined(texts: list[str]) -> str:
    """Sentences that differ in some words as one that names them all: ``Layout Talk, Lab``."""
    words = [text.split() for text in texts]
    shortest = min(map(len, words))
    begin = next((n for n in range(shortest) if len({row[n] for row in words}) > 1), shortest)
    end = next((n for n in range(shortest - begin) if len({row[-1 - n] for row in words}) > 1), shortest - begin)
    differ = ", ".join(" ".join(row[begin:len(row) - end]) for row in words)
    return " ".join([*words[0][:begin], differ, *words[0][len(words[0]) - end:]]) if len(texts) > 1 else texts[0]


def compact(table: tuple[Shortcut, ...]) -> list[tuple[tuple[str, ...], str]]:
    """(keys, text) rows for reading: the four directions of one move, and of the stick, become one row, and so do
    commands that are numbered."""
    rows: dict[tuple[str, str], list[str]] = {}
    numbered = defaultdict(list)
    for row in table:
        if row.keys:
            numbered[_stem(row.command), row.when].append(row.text)
    for row in table:
        if not row.keys:  # it had none at first, or the person took them away
            continue
        text = row.text
        for way in (" up", " left", " down", " right"):
            if row.command.startswith("move_"):
                text = text.replace(way, "")
        if row.command in ("game_up", "game_left", "game_down", "game_right"):
            text = "Move"
        if _stem(row.command) != row.command:
            text = _joined(numbered[_stem(row.command), row.when])
        rows.setdefault((text, row.when), []).extend(row.keys)
    return [
        (tuple(spelled(key) for key in keys), f"{text}, {WHEN[when]}" if when in SAID else text)
        for (text, when), keys in rows.items()
    ]


def markdown(table: tuple[Shortcut, ...] = TABLE) -> str:
    """The page docs/keyboard.md."""
    lines = [
        "# Keyboard",
        "",
        "Made from the table in `zoo_gui/shortcuts.py` by `python -m zoo_gui.shortcuts > docs/keyboard.md`; in the",
        "window, `h` shows the same.",
        "",
        "Letters are those of the DeepVis Toolbox where it has the function: `b` and `n` choose what is explained over",
        "the game and by which method, `d` holds a unit's explanation while others are looked at, `s`",
        "is pattern mode. Its `9` (pictures made before) has no counterpart: pictures form as one watches; `m` is the",
        "colour map.",
        "",
        "While a person plays, the arrows and Space go to the game (`f` still pauses). When the activations panel has",
        "the keyboard focus, the arrows move the selection; else → is a single step. `i j k l` always move it.",
    ]
    for group, shortcuts in by_group(table).items():
        lines += ["", f"## {group}", "", "| Keys | |", "|---|---|"]
        lines += [f"| {' '.join(f'`{key}`' for key in keys)} | {text} |" for keys, text in compact(shortcuts)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
