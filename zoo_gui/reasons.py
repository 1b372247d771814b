"""Why a command cannot do anything just now, in a sentence: the palette greys it and says so.

A part of the window that adds commands may have methods ``why_not_<command>() -> str`` too, which come first.
"""

from __future__ import annotations

from zoo_gui.shortcuts import ACTIVATIONS, ANYWHERE, HUMAN, OWN, WHEN, by_command

NEEDS_AGENT = frozenset(("toggle", "step", "restart", "next_episode", "switch_player", "add_agent", "agent_card"))
NEEDS_NETWORK = frozenset((
    "goto_unit", "previous_layer", "next_layer", "enlarge_layer", "patterns", "cycle_saliency", "cycle_method",
    "explain_moment",
))  # fmt: skip
NEEDS_TWO = frozenset(("remove_agent", "next_apart", "previous_apart"))
NEEDS_UNIT = frozenset(("hold_unit",))


def why_not(window, command: str) -> str:
    """"" where the command can do something."""
    for part in window.commands.parts:
        asked = getattr(part, f"why_not_{command}", None)
        if asked is not None:
            return asked()
    session = window.session
    lanes = session.lanes
    if command in NEEDS_AGENT | NEEDS_NETWORK | NEEDS_TWO and not lanes:
        return "No agent is open yet."
    if (command in NEEDS_NETWORK or command.startswith("move_")) and not any(info.layers for info in lanes):
        return "This player has no network to look into."
    if command in NEEDS_TWO and len(lanes) < 2:
        return "There is one agent only: add another first."
    if command.startswith("take_over_") and int(command[-1]) > max(2, len(lanes)):
        return f"There is no agent {'ABCD'[int(command[-1]) - 1]}: add one first."
    if command in NEEDS_UNIT and session.selected is None:
        return "Select a unit first."
    if command == "clear_edits" and not (session.edits or session.covers or session.disturbances):
        return "Nothing is edited, covered or disturbed."
    return _wrong_context(window, command)


def _wrong_context(window, command: str) -> str:
    """A command that is there in some contexts only, say while cues are stepped through."""
    rows = by_command().get(command, ())
    contexts = {row.when for row in rows}
    if not rows or contexts & {ANYWHERE, ACTIVATIONS} or contexts & set(window.contexts()):
        return ""
    return f"Only {WHEN[rows[0].when]}."


def can_be_called(command: str) -> bool:
    """The stick's directions are keys to be held, and nothing that is done once; the palette's own it has already."""
    return not command.startswith(OWN) and any(row.when != HUMAN for row in by_command().get(command, ()))
