"""Films of a game beside what its network makes of it.

    python -m zoo_gui.atari_zoo.activation_movie --algo rainbow --environment Pong --run_id 1 --output pong.mp4
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui import imaging
from zoo_gui.atari_zoo.clips import Canvas, Clip
from zoo_gui.atari_zoo.utils import conv_activations_to_canvas, fc_activations_to_canvas
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import Step, ZooError

SIZE, COLUMN, TOP, GAP, LETTERS = (550, 1000), 350, 25, 50, 20
GAME = (50, 580)
"""The zoo's composition: the game lower left, the layers under each other in a column to the right."""
WIDEST, BESIDE = 400, 270
"""Pixels of a column, with the layers in the middle; and of a layer that may stand beside the game."""
OBSERVATION = "observations"
OUTPUTS = {"logits": "output", "q": "output", "value": "value"}
"""What the zoo wrote over the last layers, by their kind."""
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
    return _written(composition(names, clips["frames"]).clip(), video_fn)


def composition(parts: Sequence[tuple[str, Clip]], game: Clip) -> Canvas:
    """The zoo's sheet: [(words, clip)] under each other, the game lower left. Where there are more than fit, the sheet
    has further columns to the right."""
    columns, y = [[]], TOP
    for label, clip in parts:
        if columns[-1] and y + clip.size[1] > SIZE[1]:
            columns.append([])
            y = TOP
        columns[-1].append((label, clip, y))
        y += clip.size[1] + GAP
    lowest = max(clip.size[1] + y for column in columns for _, clip, y in column)
    canvas = Canvas((SIZE[0] + WIDEST * (len(columns) - 1), max(SIZE[1], lowest + TOP)))
    for number, column in enumerate(columns):
        middle = COLUMN + number * WIDEST
        for label, clip, y in column:
            canvas.write(label, middle - 5 * len(label), y - LETTERS - 3, LETTERS)
            canvas.add(clip, middle - clip.size[0] / 2, y)
    canvas.add(game, *GAME)
    return canvas


class OriginalMovie:
    """The zoo's film of any agent, made picture by picture: each is one agent step, as there. The game is played twice,
    first for the range of each channel over all of it. size: (width, height). count: how many pictures there will be.
    steps_shown: so far."""

    def __init__(self, agent: Any, *, steps: int = 600, seed: int = 0, game: str = ""):
        """agent: an Agent. game: by default the agent's. Raises ZooError."""
        self._agent, self._seed, self._game = agent, seed, game or agent.card.game
        self.count, self.steps_shown = steps, 0
        self._now: Step = self._player().step()
        self._ranges: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._film = self._composed().clip()
        self.size = self._film.size

    def pictures(self) -> Iterator[np.ndarray]:
        """uint8 BGRA (H, W, 4)."""
        player = self._player()
        for _ in range(self.count):
            step = player.step()
            for name, values in [(OBSERVATION, step.observation), *step.decision.activations.items()]:
                self._widen(name, values)
        player = self._player()
        for _ in range(self.count):
            self._now = player.step()
            self.steps_shown += 1
            yield imaging.rgb32(self._film.picture(0))

    def _player(self) -> Player:
        return Player(Emulator(self._game), self._agent, seed=self._seed)

    def _widen(self, name: str, values: np.ndarray) -> None:
        if values.ndim == 3:
            high, low = values.max((0, 1)), values.min((0, 1))
            if name in self._ranges:
                high, low = np.maximum(high, self._ranges[name][0]), np.minimum(low, self._ranges[name][1])
            self._ranges[name] = high, low

    def _composed(self) -> Canvas:
        """The sheet, whose clips show the step of now."""
        rows = [{"name": info.name, "type": "conv" if len(info.shape) == 3 else "dense"} for info in self._agent.layers]
        dense = [info for info in self._agent.layers if info.kind == "dense"]
        parts, convs = [("obs", self._clip_of(OBSERVATION, 1.0))], 0
        for info, scale in zip(self._agent.layers, _scales(rows)):
            convs += len(info.shape) == 3
            words = f"conv{convs}" if len(info.shape) == 3 else OUTPUTS.get(info.kind, "fc")
            if len(info.shape) == 1 and (len(dense) > 1 and info in dense):
                words = info.name
            scale = scale if info.kind not in OUTPUTS else OUTPUT
            parts.append((words, self._clip_of(info.name, scale)))
        game = Clip(self._now.frame.shape[1::-1], 1, lambda _: self._now.frame)
        return composition(parts, game)

    def _clip_of(self, name: str, scale: float) -> Clip:
        """A layer's or the observation's film, no wider than its place."""

        def draw(_index: int = 0) -> np.ndarray:
            values = self._now.observation if name == OBSERVATION else self._now.decision.activations[name]
            if values.ndim == 1:
                return np.uint8(fc_activations_to_canvas(None, values) * 255)
            return np.uint8(conv_activations_to_canvas(None, values, scaling=self._ranges.get(name)) * 255)

        high, wide = draw().shape[:2]
        most = WIDEST - 10 if name == OBSERVATION else BESIDE
        return Clip((wide, high), 1, draw).resize(min(scale, most / wide))


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
