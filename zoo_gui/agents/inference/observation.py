"""The observation pipeline: a named one as the preset, the environment's id or the framework suggests, made to fit."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zoo_gui.agents import tables
from zoo_gui.agents.formats import Checkpoint
from zoo_gui.agents.inference.board import Board
from zoo_gui.agents.inference.naming import Clue, Clues
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec

COLOURS = 3


@dataclass(frozen=True)
class Input:
    """What the first layer takes. size: (height, width) of a map, None where nothing says it; channels: of a map, 0 for
    a network without convolutions, whose vector is then so long."""

    size: tuple[int, int] | None
    channels: int
    vector: int = 0

    @property
    def is_small(self) -> bool:
        """Whether it is too little for a picture."""
        return not self.channels and 0 < self.vector < 400


def pipeline(board: Board, taken: Input, clues: Clues, checkpoint: Checkpoint) -> PreprocessingSpec | None:
    """The pipeline, with the size and the number of frames that the network takes; None where no size fits it.

    Raises ZooError for a pipeline, key or value that a person chose and that does not exist.
    """
    if taken.is_small:
        return None
    named = board.settled.get("preprocessing", {})
    preset = dict(named) if isinstance(named, Mapping) else {"preset": named}
    board.settled = {**board.settled, "preprocessing": preset.get("preset")}
    name = board.decide("preprocessing", _named(clues, checkpoint))
    board.settled = {**board.settled, "preprocessing": preset}
    spec = importlib.import_module("zoo_gui.agents.presets_preprocessing").named(str(name))
    own = {key: value for key, value in preset.items() if key != "preset"}
    if name == preset.get("preset") or "preset" not in preset:
        spec = _changed(spec, own)
    spec = _shaped(board, spec, taken, own)
    if spec is None:
        return None
    prefix = "preprocessing."
    said = {key[len(prefix) :]: value for key, value in board.choices.items() if key.startswith(prefix)}
    return _changed(_sticky(board, spec, clues, said), said)


def is_flax(checkpoint: Checkpoint) -> bool:
    """Whether JAX's libraries made the file."""
    named = re.search(r"Flax|JAX|Haiku", str(checkpoint.facts.get("framework", "")))
    return bool(named) or checkpoint.format.startswith(("flax", "orbax"))


def _named(clues: Clues, checkpoint: Checkpoint) -> list[Clue]:
    """Named pipelines, by the environment's id, then by the framework."""
    found = []
    told = checkpoint.facts.get("preprocessing")
    if isinstance(told, str):
        family = checkpoint.facts.get("family", "agents")
        found.append(Clue(told, 0.97, f"its names are those of the Atari Zoo's {family}"))
    if "Stable-Baselines" in str(checkpoint.facts.get("framework", "")):
        name = "sb3" if checkpoint.format.endswith("3") else "baselines-vec"
        found.append(Clue(name, 0.85, "its framework wraps so"))
    for clue in clues.environments:
        kind, version = clue.value
        why = f"the environment {kind or 'id'}-v{version} ({clue.reason})"
        if kind == "NoFrameskip":
            found.append(Clue("baselines", 0.7, f"{why}: people wrap it as OpenAI Baselines do"))
        elif version == 5:
            found += [Clue("gymnasium", 0.55, why), Clue("baselines", 0.3, why)]
        elif kind == "Deterministic":
            found += [Clue("gym-deterministic-v4", 0.6, why)]
        else:
            found += [Clue("gym-v0" if version == 0 else "gym-v4", 0.6, why)]
    keras = checkpoint.format.startswith("keras")
    usual = {"gym-deterministic-v4": 0.3} if keras else {"baselines": 0.45}
    if is_flax(checkpoint):
        usual = {"dopamine": 0.4}
    everyone = {"baselines": 0.3, "gymnasium": 0.2, "dopamine": 0.1, "gym-v4": 0.08, "gym-deterministic-v4": 0.08}
    for name, often in {**everyone, **usual}.items():
        found.append(Clue(name, often, "usual for files of this kind"))
    best: dict[str, Clue] = {}
    for clue in found:
        if clue.value not in best or clue.confidence > best[clue.value].confidence:
            best[clue.value] = clue
    return list(best.values())


def _changed(spec: PreprocessingSpec, changes: Mapping[str, Any]) -> PreprocessingSpec:
    """The pipeline with other values. Raises ZooError for a key or value that it cannot have."""
    if not changes:
        return spec
    table = tables.dump(spec, full=True) | {key: value for key, value in changes.items() if value is not None}
    return tables.build(PreprocessingSpec, _plain(table), "preprocessing", "This choice")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _shaped(board: Board, spec: PreprocessingSpec, taken: Input, own: Mapping[str, Any]) -> PreprocessingSpec | None:
    """The pipeline with the network's size and number of frames."""
    size, channels = taken.size, taken.channels
    if taken.vector:
        size, channels = _flat(taken.vector, own)
    if size is None:
        return None
    spec = resized(spec, size)
    if spec.color == "rgb" and channels % COLOURS:
        spec = replace(spec, color="gray")
    if channels % COLOURS == 0 and channels and "color" not in own and spec.color != "rgb":
        sure = 0.85 if channels in (3, 9, 12) else 0.3
        clues = [Clue("rgb", sure, f"{channels} input channels"), Clue("gray", 0.4, f"{channels} input channels")]
        color = board.decide("preprocessing.color", clues)
        if color == "rgb":
            spec = replace(spec, color="rgb", transforms=tuple(t for t in spec.transforms if t.op != "grey"))
    elif spec.color == "rgb" and "color" in own and channels % COLOURS:
        return None
    each = COLOURS if spec.color == "rgb" else 1
    return replace(spec, stack=max(1, channels // each))


def _flat(vector: int, own: Mapping[str, Any]) -> tuple[tuple[int, int] | None, int]:
    """(size, channels) of a network that reads the observation as one vector."""
    if "size" in own:
        size = tuple(own["size"])
        return size, max(1, vector // math.prod(size))
    for side in (80, 84, 42, 64, 40, 32, 96, 160):
        for channels in (1, 4, 2, 3):
            if side * side * channels == vector:
                return (side, side), channels
    return None, 0


def resized(spec: PreprocessingSpec, size: tuple[int, int]) -> PreprocessingSpec:
    """The pipeline with another size: of its last resizing too, where it has transforms."""
    if tuple(spec.size) == tuple(size):
        return spec
    transforms = list(spec.transforms)
    for i in range(len(transforms) - 1, -1, -1):
        if transforms[i].op == "resize":
            transforms[i] = replace(transforms[i], size=tuple(size))
            break
    return replace(spec, size=tuple(size), transforms=tuple(transforms))


def _sticky(board: Board, spec: PreprocessingSpec, clues: Clues, said: Mapping[str, Any]) -> PreprocessingSpec:
    """Sticky actions of Gym's -v0 and ALE's -v5, where the pipeline was guessed from the environment's id."""
    guess = board.guesses["preprocessing"]
    settled = guess.chosen or guess.value == board.given("preprocessing.preset") or "sticky" in said
    if settled or guess.value not in ("gymnasium", "gym-deterministic-v4") or not clues.environments:
        return spec
    kind, version = clues.environments[0].value
    has = version in (0, 5)
    why = f"{kind or 'the environment'}-v{version} {'has' if has else 'has no'} sticky actions"
    return replace(spec, sticky=float(board.decide("preprocessing.sticky", [Clue(0.25 if has else 0.0, 0.8, why)])))
