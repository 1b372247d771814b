"""How fast named pipelines are, beside the default and beside Gymnasium's own wrappers, in one run.

    python benchmarks/preprocessing.py [seconds]

whole: an agent step with a trivial agent: four emulator frames, two of them taken, the observation. alone: the
observation from two screens. Figures are observations a second on one core,
of the best of some rounds; the ratio is over the default's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from headless import rate

from zoo_gui.agents import presets_preprocessing as presets
from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.play.preprocessing import Pipeline
from zoo_gui.types import Decision

NAMES = ("ale-vector", "zoo-tf", "zoo-np", "sb3")
ROUNDS = 8


class Chance:
    """Presses buttons by chance, so that all time is the emulator's and the pipeline's."""

    def __init__(self, spec: PreprocessingSpec, emulator: Emulator):
        self.card = SimpleNamespace(preprocessing=spec, game=emulator.game)
        self.action_names, self.edits = emulator.minimal_actions, {}

    def decide(self, observation: np.ndarray, rng: np.random.Generator) -> Decision:
        return Decision(int(rng.integers(len(self.action_names))))


def whole(spec: PreprocessingSpec) -> Callable[[], object]:
    emulator = Emulator("breakout")
    return Player(emulator, Chance(spec, emulator), seed=0).step


def alone(spec: PreprocessingSpec) -> Callable[[], None]:
    emulator = Emulator("breakout")
    pipeline = Pipeline(spec, (emulator.height, emulator.width))
    pipeline.reset(emulator)

    def push() -> None:
        pipeline.grab(emulator)
        pipeline.grab(emulator)
        pipeline.push()

    return push


def gymnasium_loop() -> Callable[[], None]:
    import ale_py
    import gymnasium

    gymnasium.register_envs(ale_py)
    environment = gymnasium.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.0)
    environment = gymnasium.wrappers.AtariPreprocessing(environment, noop_max=30, frame_skip=4)
    environment = gymnasium.wrappers.FrameStackObservation(environment, 4)
    rng = np.random.default_rng(0)
    environment.reset(seed=0)

    def step() -> None:
        observation, _, terminated, truncated, _ = environment.step(int(rng.integers(4)))
        np.ascontiguousarray(np.moveaxis(observation, 0, -1))  # what a network is given
        if terminated or truncated:
            environment.reset()

    return step


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    steps = {("Gymnasium", "whole"): gymnasium_loop()}
    steps |= {(name, kind.__name__): kind(presets.named(name)) for name in NAMES for kind in (whole, alone)}
    best = dict.fromkeys(steps, 0.0)
    for _ in range(ROUNDS):  # in turn, so that what else the machine does hits all alike
        for key, step in steps.items():
            best[key] = max(best[key], rate(step, seconds / ROUNDS))
    for name in NAMES:
        mine, bare = best[name, "whole"], best[name, "alone"]
        print(
            f"{name:12} whole {mine:7.0f}/s   × default {mine / best[NAMES[0], 'whole']:.2f}   "
            f"× Gymnasium {mine / best['Gymnasium', 'whole']:.2f}   "
            f"alone {bare:7.0f}/s   × default {bare / best[NAMES[0], 'alone']:.2f}"
        )
    print(f"{'Gymnasium':12} whole {best['Gymnasium', 'whole']:7.0f}/s   AtariPreprocessing and FrameStackObservation")


if __name__ == "__main__":
    main()
