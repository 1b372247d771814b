"""Films of a game beside what its network makes of it.

    python -m zoo_gui.atari_zoo.activation_movie --algo rainbow --environment Pong --run_id 1 --output pong.mp4
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from zoo_gui.atari_zoo.clips import Canvas, Clip
from zoo_gui.atari_zoo.utils import conv_activations_to_canvas, fc_activations_to_canvas
from zoo_gui.types import ZooError

SIZE, COLUMN, TOP, GAP, LETTERS = (550, 1000), 350, 25, 50, 20
GAME = (50, 580)
"""The zoo's composition: the game lower left, the layers under each other in a column to the right."""
CONV1, CONV, DENSE, OUTPUT = 1.5, 2.0, 0.5, 1.5
"""How much the layers' tiles are enlarged."""


def MakeClipDict(m: Any) -> dict[str, Clip]:
    """{a layer's name, "observations" or "frames": its clip} of a model's rollout."""
    observations = m.get_observations()
    activations = m.activations(observations)
    clips = {row["name"]: _clip(m, activations[row["name"]]) for row in m.layers}
    return {**clips, "observations": _clip(m, observations), "frames": Clip.of(m.get_frames())}


def side_by_side_clips(clip1: Clip, clip2: Clip) -> Clip:
    """Two clips beside each other, each in the middle of the height; as long as the second."""
    width, height = clip1.size[0] + clip2.size[0], max(clip1.size[1], clip2.size[1])
    canvas = Canvas((width, height))
    for clip, x in ((clip1, 0), (clip2, clip1.size[0])):
        canvas.add(clip, x, (height - clip.size[1]) / 2)
    return canvas.clip().subclip(0, clip2.duration)


def MakeActivationVideoOneLayer(m: Any, layer_no: int, out_file: str | Path | None = None) -> Clip:
    """The game beside one layer; out_file: the mp4 to write. Raises ZooError."""
    clips = MakeClipDict(m)
    clip = side_by_side_clips(clips["frames"], clips[m.layers[layer_no]["name"]].resize(_scales(m.layers)[layer_no]))
    return _written(clip, out_file)


def MakeActivationVideo(m: Any, video_fn: str | Path | None = None) -> Clip:
    """The game beside its observation and all layers; video_fn: the mp4 to write. Raises ZooError."""
    clips = MakeClipDict(m)
    names = [("obs", clips["observations"])]
    for number, (row, scale) in enumerate(zip(m.layers, _scales(m.layers)), 1):
        label = "output" if row is m.layers[-1] else f"conv{number}" if row["type"] == "conv" else "fc"
        names.append((label, clips[row["name"]].resize(scale)))
    height = TOP + sum(clip.size[1] + GAP for _, clip in names)
    canvas, y = Canvas((SIZE[0], max(SIZE[1], height))), TOP
    for label, clip in names:
        canvas.write(label, COLUMN - 5 * len(label), y - LETTERS - 3, LETTERS)
        canvas.add(clip, COLUMN - clip.size[0] / 2, y)
        y += clip.size[1] + GAP
    canvas.add(clips["frames"], *GAME)
    return _written(canvas.clip(), video_fn)


def _scales(layers: list[Mapping[str, Any]]) -> list[float]:
    kinds = [row["type"] for row in layers[:-1]]
    scales = [CONV if kind == "conv" else DENSE for kind in kinds]
    if "conv" in kinds[:1]:
        scales[0] = CONV1
    return [*scales, OUTPUT]


def _clip(m: Any, values: np.ndarray) -> Clip:
    """Maps, each channel in its own range over the whole rollout, or units, in one range at each moment."""
    if values.ndim == 4:
        scaling = values.max((0, 1, 2)), values.min((0, 1, 2))
        draw = functools.partial(conv_activations_to_canvas, m, scaling=scaling)
    else:
        draw = functools.partial(fc_activations_to_canvas, m)
    height, width = draw(values[0]).shape[:2]
    return Clip((width, height), len(values), lambda i: np.uint8(draw(values[i]) * 255))


def _written(clip: Clip, path: str | Path | None) -> Clip:
    if path is not None:
        clip.write_videofile(path)
    return clip


def main(arguments: list[str] | None = None) -> int:
    """The command line; 2 after an error, which is one sentence."""
    from zoo_gui.atari_zoo.model_maker import MakeAtariModel

    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--algo", default="ga")
    parser.add_argument("--environment", default="SeaquestNoFrameskip-v4")
    parser.add_argument("--run_id", type=int, default=1)
    parser.add_argument("--tag", default="final")
    parser.add_argument("--output", default="output.mp4")
    options = parser.parse_args(arguments)
    try:
        model = MakeAtariModel(options.algo, options.environment, options.run_id, options.tag)()
        MakeActivationVideo(model, options.output)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"written: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
