"""The colours and type sizes of the window, by what they are for. No Qt: ``theme`` tells the toolkit.

A widget that paints asks ``current()`` when it paints; text and frames are better left to the style sheet, by the
property ``role`` (``theme.ROLES``). Text and ground are 4.5:1 or more, what is not text 3:1: tested.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Points of the type size for which widths and heights in this program are written down.
NORMAL = 9.0
SMALLEST, LARGEST = 5.0, 20.0


@dataclass(frozen=True)
class Tokens:
    """One theme: colours as ``#rrggbb``.

    background: of the window; base: of pictures, lists and fields; raised: of buttons and titles; alternate: of every
    other row of a table; border: of frames that only divide; control: rims of what can be used, and lines of charts.
    text, dim: words, and words that are less important; disabled: words of what cannot be used now; accent: what is
    chosen; on_accent: words on it; link, heading.
    warning, error, good: signs of a state, also as words; mark: drawn over games and maps, which are dark in any theme.
    lanes: the four agents' colours, also as words; about: of what is asked about in a chart of "this against chance".
    """

    name: str
    background: str
    base: str
    raised: str
    alternate: str
    border: str
    control: str
    text: str
    dim: str
    disabled: str
    accent: str
    on_accent: str
    link: str
    heading: str
    warning: str
    error: str
    good: str
    mark: str
    about: str
    lanes: tuple[str, str, str, str]


# The lanes are Okabe & Ito's palette in the tints that keep 4.5:1 on each ground; letters and line styles say the same
# without colour (WCAG 1.4.1).
DARK = Tokens(
    name="dark", background="#1b1d21", base="#131518", raised="#2a2e34", alternate="#202328", border="#4a4f57",
    control="#7d848e", text="#e6e6e6", dim="#a3a8af", disabled="#7f868f", accent="#3979bc", on_accent="#ffffff",
    link="#6fb1f2", heading="#8cc4f5", warning="#f0c04c", error="#ff8a7a", good="#7fd1a5", mark="#ffd866",
    about="#ff6fcf", lanes=("#56B4E9", "#E69F00", "#3FC79A", "#E08AB8"),
)  # fmt: skip
LIGHT = Tokens(
    name="light", background="#f2f3f5", base="#ffffff", raised="#e3e6ea", alternate="#f7f8fa", border="#b4bac2",
    control="#757c86", text="#1a1c20", dim="#4f565f", disabled="#757c86", accent="#1f66b0", on_accent="#ffffff",
    link="#0b5cad", heading="#0b4f8f", warning="#7d5200", error="#b3261e", good="#17693f", mark="#ffd866",
    about="#b0127b", lanes=("#0069A6", "#8F5500", "#00734F", "#A33D7C"),
)  # fmt: skip
THEMES = {tokens.name: tokens for tokens in (DARK, LIGHT)}

_current, _size, _steady = DARK, NORMAL, False


def current() -> Tokens:
    """The theme in use."""
    return _current


def use(tokens: Tokens, size: float | None = None) -> None:
    """Make it the theme in use, and ``size`` the type size in points; ``theme`` calls this, and tells the panels."""
    global _current, _size
    _current = tokens
    _size = _size if size is None else min(max(float(size), SMALLEST), LARGEST)


def use_steady(on: bool) -> None:
    """Whether games are shown as the brighter of each two frames."""
    global _steady
    _steady = on


def steady() -> bool:
    """The flicker-reducing display is on."""
    return _steady


def type_size() -> float:
    """Points of plain text."""
    return _size


def points(of_normal: float) -> float:
    """Points, at the present type size, of text that has so many where the type is ``NORMAL``."""
    return of_normal * _size / NORMAL


def pixels(of_normal: float) -> int:
    """Whole pixels of a size that grows with the type, from what it is where the type is ``NORMAL``."""
    return max(1, round(of_normal * _size / NORMAL))
