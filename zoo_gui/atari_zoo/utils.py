"""Pictures of weights and activations, films of games, sessions: the zoo's helpers with our own drawing.

Canvases are float (H, W, 3) in 0–1: grey tiles between red gutters, as the zoo's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from zoo_gui import imaging
from zoo_gui.atari_zoo.clips import Canvas, Clip


def get_session() -> Any:
    """A new TensorFlow 1 session on a new default graph. Close it when done."""
    from zoo_gui.atari_zoo.graphs import get_session

    return get_session()


# -- pictures ---------------------------------------------------------------------------------------------------------


def conv_weights_to_canvas(w: np.ndarray) -> np.ndarray:
    """A kernel (height, width, in, out) as a picture: one row for each output channel, one column for each input
    channel (of the first layer: frame, oldest first); black is the smallest weight, white the largest."""
    height, width, inputs, outputs = w.shape
    tiles = _unit(w).transpose(0, 1, 3, 2).reshape(height, width, outputs * inputs)
    return np.repeat(np.pad(imaging.tile(np.ascontiguousarray(tiles), inputs), 1)[..., None], 3, axis=2)


def visualize_conv_w(w: np.ndarray, title: str | None = None, subsample: int | None = None) -> None:
    """Show ``conv_weights_to_canvas`` in matplotlib's current axes; subsample: only so many output channels."""
    from matplotlib import pyplot

    pyplot.imshow(conv_weights_to_canvas(w[..., :subsample]))
    if title:
        pyplot.title(title, fontsize=20)


def get_activation_scaling(model: Any, act: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(largest, smallest) value of each channel over maps (N, …) as the model's graph has them."""
    act = model.canonical_activation_representation(act)
    return act.max((0, 1, 2)), act.min((0, 1, 2))


def conv_activations_to_canvas(
    model: Any, act: np.ndarray, scale: int = 1, padding: int = 1, width: int = 8, idx: int = 0, scaling: Any = None
) -> np.ndarray:
    """Maps (H, W, C), or number ``idx`` of a batch as the model's graph has it, ``width`` channels a row.

    scaling: what ``get_activation_scaling`` gives, so that each channel keeps its own range; else all share one.
    """
    if act.ndim == 4:
        act = model.canonical_activation_representation(act)[idx]
    if scaling is None:
        tiles = _unit(act)
    else:
        high, low = scaling
        tiles = np.clip((act - low) / (high - low + 1e-8), 0, 1)
    return _red_canvas(tiles, min(width, act.shape[-1]), padding, scale)


def fc_activations_to_canvas(
    m: Any, act: np.ndarray, scale: int = 8, padding: int = 1, width: int = 32, idx: int = 0
) -> np.ndarray:
    """Units (N,), or number ``idx`` of a batch, as cells of ``scale`` pixels, ``width`` a row."""
    act = _unit(act[idx] if act.ndim == 2 else act)
    cells = np.broadcast_to(act, (scale, scale, len(act)))
    return _red_canvas(cells, min(width, len(act)), padding, 1)


def _red_canvas(tiles: np.ndarray, columns: int, padding: int, scale: int) -> np.ndarray:
    """Tiles (h, w, C) in 0–1 beside and under each other with red between and around them."""
    tiles = np.ascontiguousarray(tiles, np.float64)
    grey = np.pad(imaging.tile(tiles, columns, padding, fill=-1.0), padding, constant_values=-1.0)
    canvas = np.where(grey[..., None] < 0, [1.0, 0.0, 0.0], np.abs(grey)[..., None])
    return canvas.repeat(scale, 0).repeat(scale, 1)


def _unit(array: np.ndarray) -> np.ndarray:
    """Smallest to 0, largest to 1; what is constant to 0."""
    low, high = float(array.min()), float(array.max())
    return (array.astype(np.float64) - low) / ((high - low) or 1.0)


# -- films ------------------------------------------------------------------------------------------------------------


def MakeVideo(m: Any, fps: float = 60.0, skip: int = 1, video_fn: str | Path = "./tmp.mp4") -> Path:
    """Write a model's rollout as an mp4, every ``skip``-th frame of it. Raises ZooError."""
    return Clip.of(m.get_frames()[::skip], fps).write_videofile(video_fn)


def movie_grid(
    clip_dict: Mapping[tuple[int, int], Clip],
    x_labels: Sequence[str] | None,
    y_labels: Sequence[str] | None,
    grid_sz_x: int,
    grid_sz_y: int,
    label_padding: int = 50,
    padding: int = 5,
    label_fontsize: int = 20,
) -> Clip:
    """Clips beside and under each other, {(column, row): Clip} of one size, with words above and to the left."""
    width, height = next(iter(clip_dict.values())).size
    step_x, step_y = width + padding, height + padding
    canvas = Canvas((label_padding + step_x * grid_sz_x, label_padding + step_y * grid_sz_y))
    for (column, row), clip in clip_dict.items():
        canvas.add(clip, label_padding + column * step_x, label_padding + row * step_y)
    for column, text in enumerate(x_labels or ()):
        canvas.write(str(text), label_padding + column * step_x, label_padding / 2, label_fontsize)
    for row, text in enumerate(y_labels or ()):
        canvas.write(str(text), 0, label_padding + row * step_y + step_y / 2, label_fontsize)
    return canvas.clip()


def rollout_grid(
    env: str,
    algos: Sequence[str],
    run_ids: Sequence[int],
    tag: str = "final",
    clip_resize: float = 0.5,
    label_fontsize: int = 20,
    out_fn: str | Path | None = "composite.mp4",
    video_cache: str = ".",
    length: float | None = None,
    local: Any = False,
) -> tuple[Clip, dict[tuple[str, int], Clip]]:
    """Games of several algorithms (columns) and runs (rows) side by side: (the film, {(algorithm, run): its clip}).

    out_fn: the mp4 to write, or None. length: seconds of it. The games are played where nobody has; video_cache, where
    the zoo looked for films, means nothing here. Raises ZooError.
    """
    from zoo_gui.atari_zoo.model_maker import MakeAtariModel

    clips = {}
    for algo in algos:
        for run in run_ids:
            model = MakeAtariModel(algo, env, run, tag, local)()
            clips[algo, run] = Clip.of(model.get_frames()).resize(clip_resize)
    places = {(algos.index(algo), run_ids.index(run)): clip for (algo, run), clip in clips.items()}
    grid = movie_grid(places, algos, [f"R{run}" for run in run_ids], len(algos), len(run_ids),
                      label_fontsize=label_fontsize).subclip(0, length)  # fmt: skip
    if out_fn is not None:
        grid.write_videofile(out_fn)
    return grid, clips
