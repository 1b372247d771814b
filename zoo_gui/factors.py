"""Groups of units as they are shown: letters and colours, strengths from activations, and the overlay on the game.

A *group* is a direction in the units of a layer, a factor of its activations (``analysis.groups``). No Qt.
"""

from __future__ import annotations

import cv2
import numpy as np

from zoo_gui.types import LayerInfo

LETTERS = "ABCDEFGHIJKLMNOP"
#: Okabe and Ito 2008 without black, then Tol's muted scheme: made to stay apart for colour-blind eyes. Beyond seven
#: that cannot be promised, so that a group always has its letter as well.
COLOURS = (
    "E69F00", "56B4E9", "009E73", "F0E442", "0072B2", "D55E00", "CC79A7",
    "88CCEE", "DDCC77", "882255", "44AA99", "CC6677", "999933", "AA4499", "117733", "332288",
)  # fmt: skip
GREY = (190, 190, 190)
"""Of what no group explains."""


def colours(count: int) -> np.ndarray:
    """(count, 3) uint8 RGB, up to 16 apart."""
    rgb = [[int(text[i : i + 2], 16) for i in (0, 2, 4)] for text in COLOURS[:count]]
    return np.array(rgb, np.uint8).reshape(-1, 3)


def strengths(activations: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(…, K) float32: how strong each group is, of activations (…, units) and the groups' kernel (units, K)."""
    return np.maximum(activations @ kernel, 0.0)


def residual(activations: np.ndarray, found: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(…) float32: the length of what the groups leave unexplained, ‖a − Σ s·d‖, at each position.

    found: their strengths there, (…, K). directions: (K, units).
    """
    return np.linalg.norm(activations - found @ directions, axis=-1).astype(np.float32)


def map_box(layer: LayerInfo, observation: tuple[int, int]) -> tuple[float, float, float, float]:
    """(top, left, height, width) in observation pixels of a layer's map: each position's cell is centred on what it
    sees, and one stride wide. A layer without positions has the whole observation."""
    field = layer.receptive_field
    if field is None or len(layer.shape) != 3:
        return (0.0, 0.0, float(observation[0]), float(observation[1]))
    top, left = (field.start[i] + (field.size[i] - field.stride[i]) / 2 for i in (0, 1))
    return (top, left, float(layer.shape[0] * field.stride[0]), float(layer.shape[1] * field.stride[1]))


def on_screen(
    layer: LayerInfo,
    observation: tuple[int, int],
    screen: tuple[int, int],
    inside: tuple[int, int, int, int] | None = None,
) -> tuple[int, int, int, int]:
    """The same in screen pixels, rounded; it may reach beyond the screen. inside: as in LaneInfo.frame_box."""
    above, before, high, wide = inside or (0, 0, *screen)
    down, across = high / observation[0], wide / observation[1]
    top, left, height, width = map_box(layer, observation)
    return (round(above + top * down), round(before + left * across), round(height * down), round(width * across))


def overlay(
    picture: np.ndarray,
    found: np.ndarray,
    palette: np.ndarray,
    box: tuple[int, int, int, int],
    opacity: float = 0.65,
    rest: np.ndarray | None = None,
) -> np.ndarray:
    """(H, W, 3) uint8: the picture under the groups' colours.

    found: (h, w, K), 0–1: where each group is strong; their colours mix by strength, and opacity grows with the
    strongest up to ``opacity``. palette: (K, 3) RGB. box: where the map lies on the picture, (top, left, height,
    width), possibly beyond its edges. rest: (h, w), 0–1, what no group explains: in grey.
    """
    found, tones = np.clip(found, 0.0, 1.0), np.asarray(palette, np.float32)
    if rest is not None:
        found = np.concatenate([found, np.clip(rest, 0.0, 1.0)[..., None]], -1)
        tones = np.concatenate([tones, np.array([GREY], np.float32)])
    total = found.sum(-1, keepdims=True)
    colour = (found @ tones) / np.maximum(total, 1e-6)
    alpha = found.max(-1, keepdims=True) * np.float32(opacity)
    whole = _placed(np.concatenate([colour * alpha, alpha], -1).astype(np.float32), picture.shape[:2], box)
    return np.rint(picture * (1.0 - whole[..., 3:]) + whole[..., :3]).clip(0, 255).astype(np.uint8)


def _placed(cells: np.ndarray, shape: tuple[int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    """(h, w, n) cells stretched over the part ``box`` of an empty (H, W, n) picture."""
    top, left, height, width = box
    part = cv2.resize(cells, (max(1, width), max(1, height)), interpolation=cv2.INTER_LINEAR)
    whole = np.zeros((*shape, cells.shape[-1]), np.float32)
    target = whole[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    source = part[max(0, -top) :, max(0, -left) :][: target.shape[0], : target.shape[1]]
    target[: source.shape[0], : source.shape[1]] = source
    return whole
