"""The colours and type sizes of the window, by what they are for. No Qt: ``theme`` tells the toolkit.

A widget that paints asks ``current()`` when it paints; text and frames are better left to the style sheet, by the
property ``role`` (``theme.ROLES``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """One theme: colours as ``#rrggbb``.

    background: of the window; base: of pictures, lists and fields; raised: of buttons and titles; border: of frames.
    text, dim: words, and words that are less important; accent: what is chosen; on_accent: words on it; link, heading.
    warning, error, good: signs of a state, also as words; mark: drawn over games and maps, which are dark in any theme.
    """

    name: str
    background: str
    base: str
    raised: str
    border: str
    text: str
    dim: str
    accent: str
    on_accent: str
    link: str
    heading: str
    warning: str
    error: str
    good: str
    mark: str


DARK = Tokens(
    name="dark", background="#1b1d21", base="#131518", raised="#2b2f35", border="#4a4f57", text="#e6e6e6",
    dim="#9a9fa6", accent="#3d7fc4", on_accent="#ffffff", link="#6fb1f2", heading="#8cc4f5", warning="#f0c04c",
    error="#ff8a7a", good="#7fd1a5", mark="#ffd866",
)  # fmt: skip

_current = DARK


def current() -> Tokens:
    """The theme in use."""
    return _current


def use(tokens: Tokens) -> None:
    """Make it the theme in use; ``theme.apply`` calls this, and tells the panels."""
    global _current
    _current = tokens
