"""Points of an embedding as colours, and what the colours mean; and the cloud of points as a picture. No Qt.

Colours stay apart for colour-blind eyes: viridis for amounts, Okabe and Ito's for kinds, of which the seven most
frequent have one of their own. Whose a point is its shape says as well.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from zoo_gui.imaging import lut
from zoo_gui.naming import LANE_COLOURS, MEANINGS, action_symbol, lane_letter, readable_action
from zoo_gui.scales import number

COLOURINGS = {
    "score so far": "score", "time in the game": "time", "action": "action", "value": "value", "agent": "agent",
    "reward": "reward", "lives": "lives", "episode": "episode",
}  # fmt: skip
"""In words → the Embedding's column."""
KINDS = (0xE69F00, 0x56B4E9, 0x3FC79A, 0xF0E442, 0xE08AB8, 0xE8692E, 0x7C8CFF)
"""Okabe & Ito's, in tints that stand out on the dark ground."""
OTHER, UNKNOWN = 0x8E939B, 0x5A5F67
WHOLE = ("lives", "episode", "reward")  # kinds, where there are few of them
FAINT, BRIGHT = 0.22, 1.0
"""The part of viridis that is used: its darkest colours are lost on the ground."""
PERCENTILES = 1, 99
SHAPES = ("disc", "square", "triangle", "diamond")
SIGNS = ("●", "■", "▲", "◆")
FADED = 0.2
SHORT = 7  # letters: actions with longer names are signs in the legend


class Kind(NamedTuple):
    """An entry of the legend. colour: RGB32. rows: (N,) bool, its points. sign: of its shape."""

    text: str
    tip: str
    colour: int
    rows: np.ndarray
    sign: str = SIGNS[0]


class Colouring(NamedTuple):
    """What points look like. colours: (N,) uint32 RGB32. kinds: the legend, or () where there is a bar. table: (256,)
    uint32 of the bar, from ``low`` to ``high``; None without one."""

    colours: np.ndarray
    kinds: tuple[Kind, ...] = ()
    table: np.ndarray | None = None
    low: str = ""
    high: str = ""


def letter(lane: int | None) -> str:
    """What an agent is called: by its lane, None where it is not here any more."""
    return "gone" if lane is None else lane_letter(lane)


def colouring(embedding: Any, name: str, lanes: tuple[int | None, ...]) -> Colouring:
    """An Embedding's points by one of COLOURINGS. lanes: of its agents, for letters and colours; None: gone."""
    values = np.asarray(embedding.column(name), np.float64)
    if name == "agent":
        names = {place: letter(lane) for place, lane in enumerate(lanes)}
        shown = {place: OTHER if lane is None else int(LANE_COLOURS[lane % 4][1:], 16)
                 for place, lane in enumerate(lanes)}  # fmt: skip
        signs = {place: SIGNS[place % 4] for place in names}
        return _kinds(values, names, dict(enumerate(embedding.agents)), shown, signs)
    if name == "action":
        known = [int(value) for value in np.unique(values[values >= 0])]
        values = np.where(values >= 0, values, np.nan)
        names = {place: readable_action(MEANINGS[place]) for place in known}
        short = {place: name if len(name) < SHORT else action_symbol(MEANINGS[place]) for place, name in names.items()}
        return _kinds(values, short, names)
    found = np.unique(values[np.isfinite(values)])
    if name in WHOLE and len(found) <= len(KINDS):
        return _kinds(values, {value: _counted(name, value) for value in found}, {})
    return _scale(values, name)


def _counted(name: str, value: float) -> str:
    if name == "episode":
        return f"{int(value) + 1}"
    return f"{value:+g}".replace("-", "−") if name == "reward" and value else f"{value:g}"


def _kinds(
    values: np.ndarray, texts: dict, tips: dict, colours: dict | None = None, signs: dict | None = None
) -> Colouring:
    """Each value of ``texts`` in a colour of its own, the rarest together where there are too many."""
    frequent = sorted(texts, key=lambda value: -int((values == value).sum()))
    own = sorted(frequent[: len(KINDS) if len(frequent) <= len(KINDS) else len(KINDS) - 1])
    rest = [value for value in texts if value not in own]
    chosen = colours or dict(zip(own, KINDS))
    drawn, kinds = np.full(len(values), UNKNOWN, np.uint32), []
    for value in own:
        rows = values == value
        drawn[rows] = chosen[value]
        tip = f"{tips.get(value, texts[value])}: {rows.sum():,} moments; a click selects them."
        kinds.append(Kind(texts[value], tip, chosen[value], rows, (signs or {}).get(value, SIGNS[0])))
    for text, rows, colour in (
        (f"{len(rest)} others", np.isin(values, rest), OTHER), ("unknown", np.isnan(values), UNKNOWN),
    ):  # fmt: skip
        if rows.any():
            drawn[rows] = colour
            named = ", ".join(str(tips.get(value, texts[value])) for value in rest) if colour == OTHER else text
            kinds.append(Kind(text, f"{named}: {rows.sum():,} moments; a click selects them.", colour, rows))
    return Colouring(drawn, tuple(kinds))


def _scale(values: np.ndarray, name: str) -> Colouring:
    """Amounts in viridis; what is rare and far out at either end has the end's colour."""
    known = np.isfinite(values)
    colours = np.full(len(values), UNKNOWN, np.uint32)
    if not known.any():
        return Colouring(colours, (Kind("unknown", "This agent gives no such number.", UNKNOWN, ~known),))
    low, high = (np.percentile(values[known], part) for part in PERCENTILES) if name == "value" else (
        values[known].min(), values[known].max())  # fmt: skip
    whole = lut("viridis", 512)
    table = np.ascontiguousarray(whole[np.linspace(FAINT * 511, BRIGHT * 511, 256).astype(int)])
    share = np.clip((values[known] - low) / (high - low or 1.0), 0, 1)
    colours[known] = table[(share * 255).astype(int)]
    more = 1 if name == "episode" else 0
    beyond = ("≤ " if values[known].min() < low else "", "≥ " if values[known].max() > high else "")
    return Colouring(colours, (), table, *(beyond[side] + _amount(value + more)
                                           for side, value in enumerate((low, high))))  # fmt: skip


def _amount(value: float) -> str:
    return (f"{int(value):,}" if value == int(value) else number(value)).replace("-", "−")


# -- the cloud ----------------------------------------------------------------------------------------------------
def stamp(shape: str, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """((K, 2) int places (down, right) around a point, (K,) float32 how much of each pixel is covered)."""
    reach, fine = math.ceil(radius) + 1, 8
    steps = (np.arange(-reach * fine, (reach + 1) * fine) + 0.5) / fine - 0.5
    down, right = np.meshgrid(steps, steps, indexing="ij")
    inside = {
        "disc": down**2 + right**2 <= radius**2,
        "square": np.maximum(abs(down), abs(right)) <= 0.86 * radius,
        "triangle": (down <= 0.75 * radius) & (2.0 * abs(right) <= down + 1.2 * radius),
        "diamond": abs(down) + abs(right) <= 1.25 * radius,
    }[shape]
    size = 2 * reach + 1
    cover = inside.reshape(size, fine, size, fine).mean((1, 3)).astype(np.float32)
    places = np.argwhere(cover > 0.12)
    return places - reach, cover[tuple(places.T)]


def mixed(colours: np.ndarray, ground: int, share: np.ndarray | float) -> np.ndarray:
    """RGB32 colours over a ground, at so much of each: uint32 of the broadcast shape."""
    found = np.uint32(0)
    for shift in (16, 8, 0):
        one = (colours.astype(np.int64) >> shift & 255).astype(np.float32)
        under = float(ground >> shift & 255)
        found = found | (np.rint(under + (one - under) * share).astype(np.uint32) << np.uint32(shift))
    return found | np.uint32(0xFF000000)


def cloud(
    places: np.ndarray, colours: np.ndarray, shapes: np.ndarray, size: tuple[int, int], ground: int, radius: float,
    faded: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """The points as a picture, (H, W) uint32 RGB32.

    places: (N, 2) float, (x, y) in pixels of it. colours: (N,) uint32. shapes: (N,) int, places in SHAPES. faded: (N,)
    bool, points that lie pale under the others. A point lies over those before it in a fixed random order, so that no
    time or kind hides another.
    """
    height, width = size
    margin = math.ceil(radius) + 2
    canvas = np.full((height + 2 * margin) * (width + 2 * margin), ground | 0xFF000000, np.uint32)
    cells = np.floor(np.nan_to_num(places, nan=-1e6)).astype(np.int64)
    seen = (cells >= -1).all(1) & (cells[:, 0] <= width) & (cells[:, 1] <= height)
    order = np.random.default_rng(0).permutation(len(places))
    order = order[seen[order]]
    if faded is not None:
        order = np.concatenate([order[faded[order]], order[~faded[order]]])
        colours = np.where(faded, mixed(colours, ground, FADED), colours)
    base = (cells[:, 1] + margin) * (width + 2 * margin) + cells[:, 0] + margin
    for part in np.array_split(order, 12 if len(np.unique(shapes)) > 1 else 1):  # so that no shape hides another
        for shape in np.unique(shapes[part]):
            rows = part[shapes[part] == shape]
            around, cover = stamp(SHAPES[shape], radius)
            where = base[rows, None] + (around @ [width + 2 * margin, 1])[None]
            canvas[where.ravel()] = mixed(colours[rows, None], ground, cover[None]).ravel()
    picture = canvas.reshape(height + 2 * margin, width + 2 * margin)
    return np.ascontiguousarray(picture[margin : margin + height, margin : margin + width])


def within(places: np.ndarray, path: np.ndarray) -> np.ndarray:
    """(N,) bool: which of (N, 2) places lie inside the closed path of (E, 2) corners, by the even-odd rule."""
    inside = np.zeros(len(places), bool)
    x, y = places.T
    for (x0, y0), (x1, y1) in zip(path, np.roll(path, -1, axis=0)):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
