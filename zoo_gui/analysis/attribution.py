"""What in the observation does a decision or a unit depend on? The gradient with respect to the observation, as a map.

Simonyan, Vedaldi and Zisserman 2013, "Deep Inside Convolutional Networks" (arXiv:1312.6034), §3: the derivative of a
score by each pixel, at one image. For game-playing agents: Wang et al. 2016, "Dueling network architectures"
(arXiv:1511.06581). It says what a small change of a pixel would do, not what the agent "looks at": Atrey et al. 2020
(arXiv:1912.05743). No TensorFlow here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator

import cv2
import numpy as np

from zoo_gui import imaging
from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.registry import unknown
from zoo_gui.types import Unit, ZooError, read_only

MODES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "largest": imaging.saliency_map,
    "newest": lambda gradient: gradient[..., -1],
    "sum": lambda gradient: gradient.sum(-1),
}
"""How (h, w, C) becomes (h, w): ``largest`` magnitude over the frames, never negative (Simonyan et al. take it over
colours); the ``newest`` frame, signed; the signed ``sum``: the effect of changing all frames alike."""
SIGNED_MODES = ("newest", "sum")


@dataclass(frozen=True)
class GradientMap:
    """The gradient of ``target`` (``action``, ``value`` or a unit's name) at one observation; arrays are read-only.

    gradient: (h, w, C) float32, per observation unit (0–1), oldest frame first. map: (h, w) float32 by ``mode``,
    smoothed. scale: its largest magnitude (0 where the target does not depend on the observation at all).
    """

    target: str
    mode: str
    gradient: np.ndarray
    map: np.ndarray
    scale: float

    @property
    def signed(self) -> bool:
        """Whether the map has a sign, hence a diverging colour map."""
        return self.mode in SIGNED_MODES


def flatten(gradient: np.ndarray, mode: str = "largest", smoothing: float = 0.0) -> np.ndarray:
    """(h, w, C) gradient to a (h, w) float32 map; smoothing: sigma of a Gaussian over it, in observation pixels.

    Raises ZooError for a mode that is not in MODES or a smoothing that is not a number from 0.
    """
    if mode not in MODES:
        raise unknown("way to flatten a gradient", mode, MODES)
    if not 0 <= smoothing < float("inf"):
        raise ZooError(f"The smoothing must be a number from 0, not {smoothing}.")
    flat = np.array(MODES[mode](gradient), np.float32)
    return cv2.GaussianBlur(flat, (0, 0), smoothing) if smoothing else flat


@ANALYSES.register("gradient")
def gradient(
    agent: Any,
    *,
    observation: np.ndarray,
    target: Unit | str = "action",
    action: int | None = None,
    mode: str = "largest",
    smoothing: float = 0.0,
) -> Iterator[Progress]:
    """The gradient of ``target`` at one ``observation``, uint8 (h, w, C): one Progress with a GradientMap.

    target: ``action`` (the logit or Q of ``action``, None: of the best one), ``value``, or a unit (``conv2:17``: of a
    channel, at the position where it is largest). mode, smoothing: see ``flatten``. Raises ZooError.
    """
    if isinstance(target, str) and ":" in target:
        target = Unit.parse(target, agent.layers)
    raw = agent.gradients(np.ascontiguousarray(observation), target, action)
    flat = flatten(raw, mode, smoothing)
    name = target if isinstance(target, str) else str(Unit(*target))
    result = GradientMap(name, mode, read_only(np.array(raw)), read_only(flat), float(np.abs(flat).max()))
    yield Progress(1, 1, f"gradient of {name}", result)
