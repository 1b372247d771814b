"""How fast named pipelines are, beside the default and beside Gymnasium's own wrappers, in one run.

    python benchmarks/preprocessing.py [seconds]

whole: an agent step with a trivial agent: four emulator frames, two of them taken, the observation. alone: the
observation from two screens. Figures are observations a second on one core; the ratio is over the default's.
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
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    theirs = rate(gymnasium_loop(), seconds)
    defaults: list[float] = []
    for name in NAMES:
        rates = [rate(make(presets.named(name)), seconds) for make in (whole, alone)]
        defaults = defaults or rates
        ratios = [mine / default for mine, default in zip(rates, defaults)]
        print(
            f"{name:12} whole {rates[0]:7.0f}/s   × default {ratios[0]:.2f}   × Gymnasium {rates[0] / theirs:.2f}   "
            f"alone {rates[1]:7.0f}/s   × default {ratios[1]:.2f}"
        )
    print(f"{'Gymnasium':12} whole {theirs:7.0f}/s   AtariPreprocessing and FrameStackObservation")


if __name__ == "__main__":
    main()
