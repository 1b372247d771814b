"""A layer's filters as pictures, and how much the first layer looks at the past. Read off the weights; no TensorFlow.

``temporal_bias`` is the measure of Such et al. 2019, "An Atari Model Zoo for Analyzing, Visualizing, and Comparing Deep
Reinforcement Learning Agents" (arXiv:1812.07069), §S2: the mean squared weight of the first convolution for each frame
of the input, over that for the present frame. Dann et al. 2019 use the same of DQN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.weights import sources
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError, read_only

MOST_INPUTS = 8
"""Input channels of a deeper layer that ``draw`` shows for each unit: those with the largest norm."""
TILE, LABEL = 0.5, 0.13
"""Inches: how wide a filter is drawn, and how high the line above it."""
WIDER = 1.5
"""Width of the drawing by its height, about."""


@dataclass(frozen=True)
class Filters:
    """The weights into every unit of a layer; arrays float32, read-only.

    source: the layer that feeds it, None: the observation. kernel: (kh, kw, C, units) of a convolution; of a dense
    layer that reads a map the weights for each position and channel of it. frames: how many frames the C channels are,
    oldest first, where source is None, else 0. norms: (C, units), L2 norm of the part that reads one input channel
    (Erhan et al. 2009). scale: the largest magnitude in ``kernel``: draw it from −scale to scale.
    """

    layer: str
    source: str | None
    kernel: np.ndarray
    frames: int
    norms: np.ndarray
    scale: float

    @property
    def units(self) -> int:
        """Number of units."""
        return self.kernel.shape[-1]

    def input_name(self, channel: int) -> str:
        """What an input channel is: ``conv1:17``, or a frame: ``t``, ``t−3``; of colour ``t−3 green``."""
        if not self.frames:
            return f"{self.source}:{channel}"
        each = self.kernel.shape[2] // self.frames
        frame, colour = divmod(channel, each)
        name = frame_name(frame, self.frames)
        return name if each == 1 else f"{name} {('red', 'green', 'blue')[colour] if each == 3 else colour}"

    def strongest(self, unit: int, count: int = MOST_INPUTS) -> np.ndarray:
        """(n,) the input channels to show of a unit: all where there are few, else those of largest norm first."""
        channels = self.kernel.shape[2]
        if self.frames or channels <= count:
            return np.arange(channels)
        return np.argsort(-self.norms[:, unit], kind="stable")[:count]

    def draw(self, figure: Any) -> None:
        """A row of pictures for each unit, one for each frame or for its strongest inputs; units below and beside each
        other; one scale."""
        shown = [self.strongest(unit) for unit in range(self.units)]
        columns, (kh, kw) = len(shown[0]), self.kernel.shape[:2]
        label, gap = -(-LABEL * kw // TILE), max(1, kw // 8)  # in weights, as the pictures are
        down, across = kh + label, kw + gap
        blocks = min(self.units, max(1, round((WIDER * self.units * down / (columns * across)) ** 0.5)))
        rows = -(-self.units // blocks)
        # One picture of all: an axis for each of a thousand filters would take a minute.
        sheet = np.full((int(rows * down), blocks * columns * across), np.nan, np.float32)
        figure.set_size_inches(1.4 + sheet.shape[1] * TILE / kw, 0.8 + sheet.shape[0] * TILE / kw)
        axis = figure.subplots()
        axis.set_axis_off()
        for unit, channels in enumerate(shown):
            block, row = divmod(unit, rows)
            for place, channel in enumerate(channels):
                top, left = int(row * down + label), (block * columns + place) * across
                sheet[top : top + kh, left : left + kw] = self.kernel[:, :, channel, unit]
                title = self.input_name(int(channel)) if row == 0 or not self.frames else ""
                title = f"{unit}  {title}" if place == 0 else title
                text = axis.text(left - 0.5, top - 0.5, title, fontsize=4.5, va="bottom", parse_math=False)
                text.set_in_layout(False)  # to measure thousands would take most of the time
        image = axis.imshow(sheet, "RdBu_r", vmin=-self.scale, vmax=self.scale, interpolation="nearest")
        figure.suptitle(f"{self.layer}: weights by {'frame' if self.frames else 'input'}", fontsize=8)
        figure.colorbar(image, ax=axis, shrink=0.4, aspect=30).ax.tick_params(labelsize=6)

    def table(self) -> list[dict[str, Any]]:
        """A row for each unit and input channel: the norm, mean, smallest and largest weight."""
        return [
            {
                "unit": f"{self.layer}:{unit}", "input": self.input_name(channel),
                "norm": float(self.norms[channel, unit]), "mean": float(part.mean()),
                "smallest": float(part.min()), "largest": float(part.max()),
            }
            for unit in range(self.units)
            for channel in range(self.kernel.shape[2])
            for part in [self.kernel[:, :, channel, unit]]
        ]  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """``kernel`` and ``norms``."""
        return {"kernel": self.kernel, "norms": self.norms}


@dataclass(frozen=True)
class TemporalBias:
    """How much the layer that reads the observation weighs each frame.

    frames: (F,) float32, the mean squared weight of each frame over that of the newest, which is 1; oldest first.
    squares: (F,) float32, the means themselves. title: of the agent.
    """

    layer: str
    frames: np.ndarray
    squares: np.ndarray
    title: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """``t−3`` to ``t``."""
        return tuple(frame_name(frame, len(self.frames)) for frame in range(len(self.frames)))

    def draw(self, figure: Any) -> None:
        """A bar for each frame."""
        figure.set_size_inches(3.2, 2.4)
        axis = figure.subplots()
        bars = axis.bar(self.names, self.frames, color="#4C78A8")
        axis.bar_label(bars, fmt="%.2f", fontsize=8)
        axis.axhline(1.0, color="0.5", linewidth=0.8)
        axis.set_ylabel("mean squared weight / newest")
        axis.set_title(f"{self.title} · {self.layer}".strip(" ·"), fontsize=9)

    def table(self) -> list[dict[str, Any]]:
        """A row for each frame."""
        return [
            {"agent": self.title, "layer": self.layer, "frame": name, "bias": float(bias), "mean_square": float(square)}
            for name, bias, square in zip(self.names, self.frames, self.squares)
        ]

    def arrays(self) -> dict[str, np.ndarray]:
        """``frames`` and ``squares``."""
        return {"frames": self.frames, "squares": self.squares}


def frame_name(frame: int, count: int) -> str:
    """The name of a frame of the stack, 0 being the oldest: ``t−3`` … ``t``."""
    return "t" if frame == count - 1 else f"t−{count - 1 - frame}"


@ANALYSES.register("filters")
def filters(agent: Any, *, layer: str = "") -> Iterator[Progress]:
    """The weights into every unit of a layer (by default the first that has any), as Filters.

    agent: ``weights``, ``layers``, ``sources`` and ``observation_shape`` as of ``agents.Agent``. Raises ZooError: an
    unknown layer, one without weights of its own, or one whose weights are no pictures.
    """
    yield Progress(1, 1, f"filters of {layer or 'the first layer'}", filters_of(agent, layer))


def filters_of(agent: Any, layer: str = "") -> Filters:
    """The same, at once."""
    fed = sources(agent)
    layer = layer or next(iter(fed), "")
    names = [info.name for info in agent.layers]
    if layer not in names:
        raise unknown("layer", layer, names)
    pictured = [name for name in fed if _picture_shape(agent, name, fed[name]) is not None]
    if layer not in fed:
        raise ZooError(f"{layer} has no weights of its own: choose {', '.join(pictured) or 'another agent'}.")
    shape = _picture_shape(agent, layer, fed[layer])
    if shape is None:
        raise ZooError(
            f"{layer} reads {fed[layer]}, which has no positions: its weights are single numbers and no pictures; "
            f"choose {', '.join(pictured) or 'another agent'}."
        )
    frames = _frame_count(agent, shape[2]) if fed[layer] is None else 0
    kernel = np.array(_kernel(agent, layer).reshape(*shape, -1), np.float32)
    kernel = _oldest_first(agent, kernel, frames) if frames else kernel
    norms = np.sqrt(np.square(kernel).sum((0, 1)))
    return Filters(layer, fed[layer], read_only(kernel), frames, read_only(norms), float(np.abs(kernel).max()))


@ANALYSES.register("temporal_bias")
def temporal_bias(agent: Any) -> Iterator[Progress]:
    """How much the first layer weighs each frame of the observation, as TemporalBias.

    The mean of w² over positions, units and a frame's colours, over that of the newest frame (Such et al. 2019, §S2).
    Raises ZooError where the observation is a single frame, or no layer with weights reads it.
    """
    yield Progress(1, 1, "temporal bias", temporal_bias_of(agent))


def temporal_bias_of(agent: Any) -> TemporalBias:
    """The same, at once."""
    layer = next((name for name, source in sources(agent).items() if source is None), None)
    title = getattr(agent, "title", "")
    if layer is None:
        raise ZooError(f"No layer of {title or 'this network'} with weights of its own reads the observation.")
    channels = agent.observation_shape[2]
    count = _frame_count(agent, channels)
    if count < 2:
        raise ZooError(f"{title or 'This agent'} sees a single frame: there is no past to weigh.")
    kernel = _kernel(agent, layer).astype(np.float64)
    kernel = kernel.reshape(-1, 1, channels, kernel.shape[-1])  # rows of a dense kernel: H, W, C
    by_frame = np.moveaxis(_oldest_first(agent, kernel, count), 2, 0).reshape(count, -1)
    squares = np.square(by_frame).mean(1)
    if squares[-1] == 0:
        raise ZooError(f"{layer} does not read the newest frame at all: nothing can be set against it.")
    relative = (squares / squares[-1]).astype(np.float32)
    return TemporalBias(layer, read_only(relative), read_only(squares.astype(np.float32)), title)


def _frame_count(agent: Any, channels: int) -> int:
    """How many frames the observation stacks: each has three channels where it is in colour."""
    card = getattr(agent, "card", None)
    return card.preprocessing.stack if card is not None else channels


def _oldest_first(agent: Any, kernel: np.ndarray, frames: int) -> np.ndarray:
    """A kernel (kh, kw, C, units) that reads the observation, oldest frame first: that of a file's own graph may have
    the newest first, as its input is turned round for it."""
    card = getattr(agent, "card", None)
    if card is None or not card.network.is_graph or card.network.frame_order != "newest-first":
        return kernel
    height, width, channels, units = kernel.shape
    each = kernel.reshape(height, width, frames, channels // frames, units)
    return np.ascontiguousarray(each[:, :, ::-1].reshape(kernel.shape))


def _kernel(agent: Any, layer: str) -> np.ndarray:
    """A layer's weights; of one with memory those of the candidate for its new state, which stand third."""
    kernel = agent.weights[f"{layer}/kernel"]
    if f"{layer}/recurrent_kernel" not in agent.weights:
        return kernel
    units = next(info.units for info in agent.layers if info.name == layer)
    return kernel[..., 2 * units : 3 * units]


def _picture_shape(agent: Any, layer: str, source: str | None) -> tuple[int, int, int] | None:
    """(kh, kw, C) of the picture of each of a layer's units; None where the weights are single numbers."""
    kernel = agent.weights[f"{layer}/kernel"]
    if kernel.ndim == 4:
        return kernel.shape[:3]
    shape = agent.observation_shape if source is None else next(i.shape for i in agent.layers if i.name == source)
    return tuple(shape) if len(shape) == 3 else None
