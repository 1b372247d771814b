"""At what did a unit fire? The parts of observations where it was largest, smallest, or at random (Zeiler & Fergus
2014, fig. 2; for Atari agents Such et al. 2019, who took one from each frame, so that neighbours repeat each other).

One patch an *event*: of moments that lie fewer than ``apart`` agent steps from each other in one episode only the best
is taken (non-maximum suppression in time), else nine patches are nine neighbours of one moment. A patch is cut exactly
by the unit's receptive field (Araujo et al. 2019) around the position where its map is largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.recorded import peaks, usable
from zoo_gui.imaging import brightness, observation_to_screen
from zoo_gui.play.moments import Moments
from zoo_gui.registry import unknown
from zoo_gui.types import LayerInfo, Unit, ZooError, read_only

WHICH = ("top", "bottom", "random")
APART = 10
"""Agent steps between two events, 40 emulator frames: a ball's flight past one place is one event."""
COLUMNS = 5
PIXEL_HEIGHT = 0.6
"""Of a screen pixel of width 1, as a television of the time showed it."""


@dataclass(frozen=True)
class Patch:
    """One moment at which a unit was looked up; arrays read-only.

    moment: its id. episode, index: which agent step that was. activation: the unit's, of a map its largest.
    place: (row, column) of that in the map, None for a unit without a map. box: (top, left, height, width) in
    observation pixels of what the unit sees from there; it may lie partly outside. pixels: (height, width, C) uint8,
    that part of the observation as a picture, 0 outside; C as in the observation, oldest frame first.
    frame: (H, W, 3) uint8, the screen. screen_box: (x, y, width, height) in screen pixels of ``box``, cut at the
    screen's edges.
    """

    moment: int
    episode: int
    index: int
    activation: float
    place: tuple[int, int] | None
    box: tuple[int, int, int, int]
    pixels: np.ndarray
    frame: np.ndarray
    screen_box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Patches:
    """Where a unit was looked up, the most extreme first (of ``random`` in the order of the game).

    which: ``top``, ``bottom`` or ``random``. sentence: what was looked through, and why there are fewer than asked for.
    moments: how many were looked through. apart: agent steps. frame_channels: of each frame in ``pixels``, 3 in colour.
    """

    unit: Unit
    which: str
    found: tuple[Patch, ...]
    sentence: str
    moments: int
    apart: int
    frame_channels: int = 1

    def table(self) -> list[dict[str, Any]]:
        """One row for each patch."""
        boxes = ("top", "left", "height", "width"), ("screen_x", "screen_y", "screen_width", "screen_height")
        return [
            {
                "unit": str(self.unit), "which": self.which, "rank": rank, "moment": patch.moment,
                "episode": patch.episode, "index": patch.index, "activation": patch.activation,
                "row": patch.place and patch.place[0], "column": patch.place and patch.place[1],
                **dict(zip(boxes[0], patch.box)), **dict(zip(boxes[1], patch.screen_box)),
            }
            for rank, patch in enumerate(self.found, 1)
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """moment, episode, index, activation (n,); box, screen_box (n, 4); pixels (n, height, width, C); frames."""
        found = self.found
        numbers = {name: np.array([getattr(patch, name) for patch in found])
                   for name in ("moment", "episode", "index", "activation", "box", "screen_box")}  # fmt: skip
        pictures = {"pixels": [patch.pixels for patch in found], "frames": [patch.frame for patch in found]}
        return numbers | {name: np.array(parts, np.uint8) for name, parts in pictures.items()}

    def draw(self, figure: Any) -> None:
        """Each patch, newest frame, above the screen it is from, with what the unit saw marked."""
        across = min(COLUMNS, max(1, len(self.found)))
        down = -(-max(1, len(self.found)) // across)
        figure.set_size_inches(1.5 * across + 0.4, 3.4 * down + 0.6)
        figure.suptitle(f"{self.unit}: {self.sentence}", fontsize=8, wrap=True)
        axes = figure.subplots(2 * down, across, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for number, patch in enumerate(self.found):
            row, column = divmod(number, across)
            newest = patch.pixels[..., -self.frame_channels :]
            grey = {} if newest.shape[-1] == 3 else {"cmap": "gray", "vmin": 0, "vmax": 255}
            axes[2 * row, column].imshow(newest if newest.shape[-1] == 3 else newest[..., 0], **grey)
            axes[2 * row, column].set_title(f"{patch.activation:.3g}", fontsize=8)
            below = axes[2 * row + 1, column]
            below.imshow(patch.frame, aspect=PIXEL_HEIGHT)
            below.set_title(f"game {patch.episode + 1}, step {patch.index}", fontsize=6)
            x, y, width, height = patch.screen_box
            below.add_patch(_rectangle(x - 0.5, y - 0.5, width, height))


@ANALYSES.register("patches")
def patches(
    agent: Any,
    *,
    unit: Unit | str,
    moments: Moments,
    which: str = "top",
    k: int = 9,
    seed: int = 0,
    apart: int = APART,
) -> Iterator[Progress]:
    """Up to ``k`` Patches of ``unit`` in these moments; the last Progress has them.

    which: ``top``, ``bottom`` or ``random`` (drawn evenly from the moments, by ``seed``). Two of one episode lie at
    least ``apart`` agent steps from each other, 1: every moment counts. Moments under an intervention, and those at
    which the stack of frames is not yet full, are left out. A rectified unit's top are moments at which it fired, so
    there may be fewer, or none: the sentence says so. Where a map is silent everywhere, as at the bottom of most, no
    position is its largest: one is drawn by ``seed``.
    Raises ZooError: no such unit, ``which`` or layer, ``k`` above the number of moments, or none of them usable.
    """
    unit = Unit.parse(unit if isinstance(unit, str) else str(Unit(*unit)), agent.layers)
    info = next(info for info in agent.layers if info.name == unit.layer)
    if which not in WHICH:
        raise unknown("choice of patches", which, WHICH)
    rows = usable(moments)
    if k < 1 or apart < 1:
        raise ZooError(f"{k} patches, {apart} steps apart, cannot be found: give whole numbers from 1.")
    if k > len(rows):
        raise ZooError(f"{k} patches cannot come from {len(rows):,} moments: ask for fewer, or record more steps.")
    for progress in peaks(agent, moments, rows, (info,)):
        if progress.result is None:
            yield progress
    values, places = progress.result[info.name]
    rng = np.random.default_rng(seed)
    picks = _picks(values[:, unit.index], moments, rows, which, k, apart, rng, info.signed)
    at = None if places is None else places[:, unit.index]
    found = tuple(_patch(agent, moments, info, int(rows[i]), float(values[i, unit.index]),
                         None if at is None else int(at[i]), rng) for i in picks)  # fmt: skip
    sentence = _sentence(unit, which, k, apart, values[:, unit.index], len(found), info.signed)
    result = Patches(unit, which, found, sentence, len(rows), apart, moments.frame_channels)
    yield Progress(1, 1, f"{len(found)} patches of {unit}", result)


def one_per_event(order: Sequence[int] | np.ndarray, episode: np.ndarray, index: np.ndarray, k: int,
                  apart: int) -> list[int]:  # fmt: skip
    """The first ``k`` of ``order`` of which no two lie fewer than ``apart`` steps from each other in one episode.

    Episodes of equal numbers are one, also where a person went back and played again: the same moment is not two.
    """
    picks: list[int] = []
    taken: dict[int, list[int]] = {}
    for place in order:
        near = taken.setdefault(int(episode[place]), [])
        if all(abs(int(index[place]) - other) >= apart for other in near):
            near.append(int(index[place]))
            picks.append(int(place))
            if len(picks) == k:
                break
    return picks


def _picks(values: np.ndarray, moments: Moments, rows: np.ndarray, which: str, k: int, apart: int,
           rng: np.random.Generator, signed: bool) -> list[int]:  # fmt: skip
    """Which of ``rows``; equals come in an order drawn by ``rng``."""
    if _is_silent(values, signed):
        return []
    shuffled = rng.permutation(len(values))
    if which == "random":
        order = shuffled
    else:
        ranked = np.argsort(values[shuffled] if which == "bottom" else -values[shuffled], kind="stable")
        order = shuffled[ranked]
    if which == "top" and not signed:
        order = order[values[order] > 0]
    picks = one_per_event(order, moments.column("episode")[rows], moments.column("index")[rows], k, apart)
    return sorted(picks) if which == "random" else picks


def _is_silent(values: np.ndarray, signed: bool) -> bool:
    return bool(np.ptp(values) == 0) if signed else not (values > 0).any()


def _sentence(unit: Unit, which: str, k: int, apart: int, values: np.ndarray, found: int, signed: bool) -> str:
    count = f"{len(values):,} moments"
    if _is_silent(values, signed):
        what = f"stays at {values[0]:.3g}" if signed else "never fires"
        return f"{unit} {what} in these {count}: there is nothing to show."
    if found == k:
        return f"the {which} {k} of {count}, at least {apart} agent steps apart."
    if which == "top" and not signed:
        return f"{unit} fires at only {found} {'event' if found == 1 else 'events'} in these {count}."
    return f"only {found} of these {count} lie at least {apart} agent steps apart."


def _patch(agent: Any, moments: Moments, info: LayerInfo, row: int, value: float, flat: int | None,
           rng: np.random.Generator) -> Patch:  # fmt: skip
    height, width, _ = agent.observation_shape
    place = None
    if flat is not None:
        silent = value == 0 and not info.signed
        flat = int(rng.integers(info.shape[0] * info.shape[1])) if silent else flat
        place = divmod(flat, info.shape[1])
    field = info.receptive_field
    box = (0, 0, height, width) if place is None or field is None else tuple(int(n) for n in field.box(*place))
    seen = brightness(moments.observation(row), *agent.observation_range)
    screen_box = observation_to_screen(box, (height, width), moments.screen, moments.frame_box)
    columns = {name: int(moments.column(name)[row]) for name in ("id", "episode", "index")}
    return Patch(columns["id"], columns["episode"], columns["index"], value, place, box, read_only(cut(seen, box)),
                 read_only(moments.frame(row)), tuple(float(number) for number in screen_box))  # fmt: skip


def cut(picture: np.ndarray, box: Sequence[int]) -> np.ndarray:
    """A copy of a part (height, width, C) of a picture (h, w, C); box: (top, left, height, width); 0 outside."""
    top, left, height, width = box
    part = np.zeros((height, width, picture.shape[2]), picture.dtype)
    inside = picture[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    down, across = max(0, -top), max(0, -left)
    part[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return part


def _rectangle(x: float, y: float, width: float, height: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, fill=False, edgecolor="#ffd23f", linewidth=1.2)
