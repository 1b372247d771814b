"""The parts of observations that excite a unit most.

A unit's patch is what it sees: receptive fields under SAME padding begin at 4i − 2, 8i − 6 and 8i − 14 in the zoo's
three convolutions (Araujo et al. 2019), where the zoo cut 2 and 4 pixels beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np

from zoo_gui.analysis.patches import cut
from zoo_gui.types import ReceptiveField

FIELDS = ((8, 4, 2), (20, 8, 6), (36, 8, 14))
"""(size, stride, padding at the beginning under SAME) of a unit's receptive field in each of the zoo's convolutions."""


def build_model_get_act(
    algo: str,
    env: str,
    run_id: int = 1,
    tag: str | None = "final",
    local: bool | str | Path = False,
    which_layer: int = 2,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(observations, activations of ``layers[which_layer]``, frames) of a model's rollout: (N, 84, 84, 4), (N, H, W, C)
    or (N, units), (N, 210, 160, 3). Raises ZooError."""
    from zoo_gui.atari_zoo.model_maker import MakeAtariModel

    model = MakeAtariModel(algo, env, run_id, tag, local)()
    observations = model.get_observations()
    return observations, model.activations(observations)[model.layers[which_layer]["name"]], model.get_frames()


def plot_topN_patches(
    activations: np.ndarray,
    observations: np.ndarray,
    which_filter: int = 38,
    which_layer: int = 2,
    which: str = "top",
    n: int = 3,
    plot: bool = True,
    model: Any = None,
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """(patches, numbers of the observations, (top, left) corners) where a unit is largest, smallest or at random.

    which: ``top``, ``bot`` or ``rand``. Of each observation the position where the map is largest counts, the first of
    equals. Patches are of the newest frame, (n, size, size), zero outside the observation; of a dense layer whole
    observations, (n, h, w, C). model: for networks other than the zoo's, whose layer says what its units see.
    """
    values = activations[..., which_filter]
    largest = values.reshape(len(values), -1).max(1)
    order = np.argsort(largest, kind="stable")
    if which.startswith("rand"):
        picks = np.random.choice(len(largest), n)
    elif which.startswith(("top", "bot")):
        picks = order[::-1][:n] if which.startswith("top") else order[:n]
    else:
        raise ValueError(f"which is {which!r}: choose top, bot or rand")
    if activations.ndim == 2:
        patches, corners = observations[picks], [(0, 0)] * len(picks)
    else:
        field = receptive_field(observations.shape[1], values.shape[1], which_layer, model)
        places = [np.unravel_index(values[pick].argmax(), values[pick].shape) for pick in picks]
        boxes = [field.box(*place) for place in places]
        patches = np.array([patch(observations[pick], box)[..., -1] for pick, box in zip(picks, boxes)])
        corners = [(int(box[0]), int(box[1])) for box in boxes]
    if plot:
        _plot(values[picks], patches)
    return patches, picks, corners


def receptive_field(size: int, positions: int, which_layer: int, model: Any = None) -> ReceptiveField:
    """What a convolution's units see of observations of ``size`` pixels, where its map has so many positions."""
    if model is not None:
        name = model.layers[which_layer]["name"]
        ours = next(layer for layer, node in model.nodes.items() if node == name)
        return next(info.receptive_field for info in model.agent.layers if info.name == ours)
    width, stride, before = FIELDS[which_layer]
    same = positions == -(-size // stride)
    return ReceptiveField((width, width), (stride, stride), (-before, -before) if same else (0, 0))


def patch(observation: np.ndarray, box: Sequence[int]) -> np.ndarray:
    """A part (height, width, C) of an observation (h, w, C); box: (top, left, height, width), which may lie outside."""
    return cut(observation, box)


def _plot(maps: np.ndarray, patches: np.ndarray) -> None:
    """One figure: above the maps or values, below the patches."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(2, len(patches), figsize=(3 * len(patches), 6), squeeze=False)
    for column, (values, part) in enumerate(zip(maps, patches)):
        axes[0, column].imshow(np.atleast_2d(values))
        axes[0, column].set_title(f"{values.max():.3g}")
        axes[1, column].imshow(part if part.ndim == 2 else part[..., -1], cmap="gray")
