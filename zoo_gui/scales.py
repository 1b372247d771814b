"""How a layer's numbers become colours over time: scales shared between lanes, dead units, one picture per layer.

No Qt. Panels that draw the same layer of the same lane share one LayerPicture, so that equal colours mean equal
activations everywhere in the window.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from zoo_gui.imaging import TABLE_SIZE, Hit, colourise, lut
from zoo_gui.types import LaneInfo, LayerInfo, Step

SCALE_MODES = ("running", "locked", "frame")
GROUPS = {"conv": "conv", "dense": "dense", "logits": "output", "q": "output", "value": "value"}


def extremes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of each unit over its map, both (C,) float32: of (H, W, C) or (N,). Not-a-numbers count as 0."""
    flat = values.reshape(-1, values.shape[-1])
    if len(flat) > 1:  # OpenCV's reduction along columns is three times as fast as NumPy's
        low, high = cv2.reduce(flat, 0, cv2.REDUCE_MIN)[0], cv2.reduce(flat, 0, cv2.REDUCE_MAX)[0]
    else:
        low = high = flat[0]
    if not (np.isfinite(high).all() and np.isfinite(low).all()):
        flat = np.nan_to_num(flat, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = flat.min(0), flat.max(0)
    return low, high


class Scale:
    """The level that a layer's full colour stands for, from each unit's largest magnitude of each step.

    Modes: ``running``: the largest so far, halving every ``half_life`` steps; ``frame``: the newest step's own;
    ``locked``: stays as it is (a fresh one first takes the largest of ``WARM_UP`` steps, so that a black first screen
    does not lock it at nothing). Lanes with equal layers share one Scale, each as its own ``source``: then equal
    colours mean equal activations.
    """

    WARM_UP = 30

    def __init__(self, units: int, mode: str = "running", half_life: float = 1000.0):
        self.mode = mode
        self._decay = np.float32(0.5 ** (1.0 / half_life))
        self._largest = np.zeros(units, np.float32)
        self._newest: dict[object, np.ndarray] = {}
        self._updates = 0

    def update(self, magnitudes: np.ndarray, source: object = 0, counts: bool = True) -> None:
        """Take in one step: (C,) largest magnitude of each unit.

        A step that does not count is forgotten with the next; until one counts, it sets the level.
        """
        first = not self._newest or source == next(iter(self._newest))
        self._newest[source] = magnitudes
        if not counts:
            return
        self._updates += first
        if self.mode == "locked" and self._updates > self.WARM_UP:
            return
        if first and self.mode == "running":
            self._largest *= self._decay
        np.maximum(self._largest, magnitudes, out=self._largest)

    def keep_sources(self, sources: set) -> None:
        """Forget the newest step of sources that are gone."""
        self._newest = {source: newest for source, newest in self._newest.items() if source in sources}

    def level(self, boost: float = 0.0) -> np.ndarray:
        """float32: the layer's level, a 0-d array, for ``boost`` 0; each channel's own, (C,), for 1.

        In between it is their geometric mean, weighted. No channel is amplified beyond 1000 times its layer.
        """
        channels = self._largest
        if self._newest and (self.mode == "frame" or not channels.any()):
            channels = np.maximum.reduce(list(self._newest.values()))
        layer = channels.max()
        if boost <= 0:
            return layer
        return layer ** (1 - boost) * np.maximum(channels, layer * 1e-3) ** boost


ALIVE, DEAD, SATURATED = 0, 1, 2


class Vitality:
    """Which units of a layer say nothing, over the steps seen; judged from ``PATIENCE`` steps on.

    dead: a rectified unit that was never above zero, at any position of any step; a unit without rectifier that never
    changed. saturated: never off: a rectified unit that was above zero at every position of every step (its
    rectifier does nothing); a unit without rectifier that stayed within 1 % of its largest magnitude.
    """

    PATIENCE = 250

    def __init__(self, units: int, signed: bool = False):
        self.signed, self.steps = signed, 0
        self.low = np.full(units, np.inf, np.float32)
        self.high = np.full(units, -np.inf, np.float32)

    def update(self, low: np.ndarray, high: np.ndarray) -> None:
        """Take in one step: (C,) smallest and largest value of each unit."""
        self.steps += 1
        np.minimum(self.low, low, out=self.low)
        np.maximum(self.high, high, out=self.high)

    def marks(self) -> np.ndarray:
        """(C,) uint8 of ALIVE, DEAD, SATURATED."""
        marks = np.zeros(len(self.low), np.uint8)
        if self.steps < self.PATIENCE:
            return marks
        if self.signed:
            magnitude = np.maximum(np.abs(self.low), np.abs(self.high))
            spread = self.high - self.low
            marks[spread <= 0.01 * magnitude] = SATURATED
            marks[spread <= 1e-6 * magnitude] = DEAD
        else:
            marks[self.low > 0] = SATURATED
            marks[self.high <= 0] = DEAD
        return marks


STATE_WORDS = {ALIVE: "", DEAD: " · dead so far", SATURATED: " · saturated so far: never off"}


def number(value: float) -> str:
    """A number in three significant digits."""
    return f"{value:.3g}"


class LayerPicture:
    """One layer of one lane as it is drawn: its newest values, scale and dead units, and its colours under a view.

    ``view`` is ``session.view``: colour maps, gamma, contrast, boost.
    """

    def __init__(self, info: LayerInfo, scale: Scale, source: object = 0):
        self.info, self.scale, self.source = info, scale, source
        self.vitality = Vitality(info.units, info.signed)
        self.values: np.ndarray | None = None
        self.high = np.zeros(info.units, np.float32)

    def take(self, values: np.ndarray, edited: bool = False, counts: bool = True) -> None:
        """Take in one step's activations, shape of the layer; the same array again changes nothing.

        ``edited``: an intervention is on, so that the step says nothing about which units are dead. ``counts``:
        whether it moves the scale and tells of dead units at all.
        """
        if values is self.values:
            return
        self.values = values
        low, self.high = extremes(values)
        self.scale.update(np.maximum(np.abs(low), np.abs(self.high)), self.source, counts)
        if counts and not edited:
            self.vitality.update(low, self.high)

    def table(self, view: dict) -> np.ndarray:
        """(TABLE_SIZE,) uint32: the look-up table under a view."""
        name = view["signed_colormap"] if self.info.signed else view["colormap"]
        return lut(name, TABLE_SIZE, view.get("gamma", 1.0), self.info.signed)

    def boost(self, view: dict) -> float:
        """0: one level for the layer; 1: one for each channel."""
        return 1.0 if view.get("contrast") == "channel" else view.get("boost", 0.0)

    def colours(self, view: dict) -> np.ndarray:
        """The newest values as RGB32, uint32 of the layer's shape."""
        return colourise(self.values, self.table(view), self.scale.level(self.boost(view)), self.info.signed)

    def levels(self, view: dict) -> tuple[str, str]:
        """What the ends of the colour bar stand for."""
        high = number(self.scale.level()) if self.boost(view) <= 0 else "own max"
        return (f"−{high}" if self.info.signed else "0"), high

    def describe(self, hit: Hit) -> str:
        """The unit under the cursor: name, value there, largest now."""
        unit = self.info.label(hit.unit)
        if self.values is None:
            return unit
        if len(self.info.shape) == 3:
            value = number(self.values[hit.row, hit.column, hit.unit])
            here = f"{unit} at row {hit.row}, column {hit.column} = {value} · max {number(self.high[hit.unit])}"
        else:
            here = f"{unit} = {number(self.values[hit.unit])}"
        return f"{here} · layer scale {number(self.scale.level())}{STATE_WORDS[self.vitality.marks()[hit.unit]]}"


def stack_is_full(step: Step) -> bool:
    """Whether every frame of the observation is of this episode.

    Before that, the stack holds filler, which many agents answer with activations a hundred times the usual: a scale
    that took them in would leave the rest of the episode dark.
    """
    return step.observation.ndim != 3 or step.index >= step.observation.shape[2] - 1


def layer_keys(layers: tuple[LayerInfo, ...]) -> list[tuple[str, int]]:
    """What pairs layers of different agents, row by row: (group, number in the group), e.g. the second convolution."""
    seen: Counter = Counter()
    keys = []
    for info in layers:
        group = GROUPS.get(info.kind, info.kind)
        keys.append((group, seen[group]))
        seen[group] += 1
    return keys


def pair_rows(lanes: tuple[LaneInfo, ...]) -> list[list[LayerInfo | None]]:
    """Rows of layers that belong beside each other, one entry per lane (None: that agent has no such layer).

    Convolutions are paired with convolutions in order, then dense layers, outputs and values.
    """
    tables = [dict(zip(layer_keys(lane.layers), lane.layers)) for lane in lanes]
    order = list(dict.fromkeys(GROUPS.values()))
    keys = sorted(set().union(*tables), key=lambda key: (order.index(key[0]) if key[0] in order else 99, key[1]))
    return [[table.get(key) for table in tables] for key in keys]


def _same_agent(one: LaneInfo, other: LaneInfo) -> bool:
    return (one.agent_id, one.game, one.seed) == (other.agent_id, other.game, other.seed)


def _alike(one: LayerInfo, other: LayerInfo) -> bool:
    """Whether two layers of one agent are the same but for the names of their units."""
    return replace(one, unit_names=()) == replace(other, unit_names=())


class PictureBook:
    """The LayerPictures of a sitting, by (lane, layer name)."""

    _books: WeakKeyDictionary = WeakKeyDictionary()

    def __init__(self):
        self._lanes: dict[int, LaneInfo] = {}
        self._pictures: dict[tuple[int, str], LayerPicture] = {}
        self._scales: dict[tuple, Scale] = {}

    @classmethod
    def of(cls, session) -> "PictureBook":
        """The one book of a session."""
        return cls._books.setdefault(session, cls())

    def set_lanes(self, lanes: tuple[LaneInfo, ...]) -> None:
        """Layers that a lane's agent keeps keep what is known of them: it may only have got others, or another player.
        Layers alike in game, kind, place and shape share a scale."""
        lanes_now = {info.lane: info for info in lanes}
        if lanes_now == self._lanes:
            return
        kept = {
            (lane, layer.name): layer for lane, info in lanes_now.items() for layer in info.layers
            if lane in self._lanes and _same_agent(self._lanes[lane], info)
        }  # fmt: skip
        self._pictures = {
            key: picture for key, picture in self._pictures.items() if key in kept and _alike(picture.info, kept[key])
        }
        for key, picture in self._pictures.items():
            picture.info = kept[key]  # its units may bear other names
        used = {id(picture.scale) for picture in self._pictures.values()}
        self._scales = {key: scale for key, scale in self._scales.items() if id(scale) in used}
        for info in lanes:
            for key, layer in zip(layer_keys(info.layers), info.layers):
                if (info.lane, layer.name) not in self._pictures:
                    alike = (info.game, layer.kind, key, layer.shape, layer.signed)
                    scale = self._scales.setdefault(alike, Scale(layer.units))
                    self._pictures[info.lane, layer.name] = LayerPicture(layer, scale, info.lane)
        for scale in self._scales.values():
            scale.keep_sources(set(lanes_now))
        self._lanes = lanes_now

    def set_mode(self, mode: str) -> None:
        """Scale mode of every layer."""
        for scale in self._scales.values():
            scale.mode = mode

    def take(self, lane: int, step: Step) -> None:
        """Take in every layer of a step."""
        counts = stack_is_full(step)
        for name, values in step.decision.activations.items():
            picture = self._pictures.get((lane, name))
            if picture is not None and values.shape == picture.info.shape:
                picture.take(values, step.edited, counts)

    def __getitem__(self, key: tuple[int, str]) -> LayerPicture:
        return self._pictures[key]
