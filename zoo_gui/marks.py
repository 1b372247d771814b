"""What keeps a picture from being what it seems: stale, paused, edited, covered, disturbed, or with frames left out. In
words and signs, one way for the status bar, the panels' titles and what files say of themselves. No Qt."""

from __future__ import annotations

from typing import Any, Iterable, NamedTuple

from zoo_gui.naming import lane_letter

STALE, PAUSED, EDITED, COVERED, DISTURBED, WAS_EDITED, SKIPPING, SMALLER = (
    "stale", "paused", "edited", "covered", "disturbed", "was edited", "skipping", "smaller")  # fmt: skip
SIGNS = {STALE: "⚠", PAUSED: "❚❚", EDITED: "✎", COVERED: "▦", DISTURBED: "≈", WAS_EDITED: "✎", SKIPPING: "»",
         SMALLER: "▽"}  # fmt: skip
SENTENCES = {
    STALE: "What is shown belongs to an earlier moment: the process that plays does not answer, or loads.",
    PAUSED: "The game stands still.",
    EDITED: "A unit's gain or offset is changed: this is not the trained network.",
    COVERED: "A part of what the agent sees is covered.",
    DISTURBED: "The agent plays under a disturbance.",
    WAS_EDITED: "This moment was played under an intervention that is no longer on.",
    SKIPPING: "The game runs faster than it can be shown: frames are left out.",
    SMALLER: "A picture is drawn with fewer pixels than it has: single ones may be missing.",
}
INTERVENTIONS = (EDITED, COVERED, DISTURBED)


class Mark(NamedTuple):
    """key: one of the names above. words: with whom it is about, where there are several."""

    key: str
    words: str

    @property
    def text(self) -> str:
        """With its sign."""
        return f"{SIGNS[self.key]} {self.words}"


def marks(session: Any) -> tuple[Mark, ...]:
    """Those that hold now, of a Session."""
    state, found = session.status.get("state"), []
    if state in ("stale", "loading", "stopped") and session.lanes:  # else nothing is shown
        found.append(Mark(STALE, STALE))
    if state == "paused":
        found.append(Mark(PAUSED, PAUSED))
    elif state == "running" and (session.speed is None or session.speed > 1):
        speed = "full speed" if session.speed is None else f"{session.speed:g}×"
        found.append(Mark(SKIPPING, f"{speed}: not every frame is shown"))
    changed = interventions(session)
    found += changed
    steps = {info.lane: session.last_step(info.lane) for info in session.lanes}
    before = [lane for lane, step in steps.items() if step is not None and step.edited]
    if before and not changed:
        found.append(Mark(WAS_EDITED, _of(session, WAS_EDITED, before)))
    return tuple(found)


def interventions(session: Any) -> tuple[Mark, ...]:
    """What a person has changed, and takes back by *Undo all changes*."""
    lanes = {EDITED: {lane for lane, _ in session.edits}, COVERED: set(session.covers),
             DISTURBED: set(session.disturbances)}  # fmt: skip
    return tuple(Mark(key, _of(session, key, lanes[key])) for key in INTERVENTIONS if lanes[key])


def _of(session: Any, word: str, lanes: Iterable[int]) -> str:
    """``edited``; of several agents ``edited in A``."""
    return word if len(session.lanes) < 2 else f"{word} in {', '.join(lane_letter(lane) for lane in sorted(lanes))}"
