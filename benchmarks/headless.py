"""Headless play: zoo_gui's Player beside the bare loop and beside what people write by hand, in one run.

    python benchmarks/headless.py [seconds]

bare loop: ALE, OpenCV's resize and one traced TensorFlow function that returns only the logits; no records, no
activations. Gymnasium: AtariPreprocessing and FrameStackObservation around the ``ALE/…-v5`` environment, with the same
traced function. Figures are agent steps a second on one core; the ratio is ours over each.
"""

from __future__ import annotations

import sys
import time
from typing import Callable

import numpy as np

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player

AGENT = "distill/Breakout/1"


def rate(step: Callable[[], None], seconds: float) -> float:
    """Calls a second, after a warm-up."""
    for _ in range(50):
        step()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return count / (time.perf_counter() - start)


def logits_only(agent: Agent) -> Callable[[np.ndarray], np.ndarray]:
    """The agent's network as someone in a hurry would trace it: observation in, logits out."""
    tf = configure_tensorflow()

    @tf.function(input_signature=[tf.TensorSpec((1, *agent.observation_shape), tf.uint8)])
    def run(observation):
        return agent.taps(tf.cast(observation, tf.float32) / 255.0)["policy"]

    return lambda observation: run(observation[None]).numpy()[0]


def bare_loop(agent: Agent) -> Callable[[], None]:
    import cv2

    emulator, network = Emulator("breakout"), logits_only(agent)
    codes = [emulator.code(name) for name in agent.action_names]
    stack = np.zeros(agent.observation_shape, np.uint8)
    grays = np.zeros((2, emulator.height, emulator.width), np.uint8)
    rng = np.random.default_rng(0)

    def step() -> None:
        nonlocal stack
        scores = network(stack)
        weights = np.exp(scores - scores.max())
        action = codes[rng.choice(len(codes), p=weights / weights.sum())]
        for frame in range(4):
            emulator.act(action)
            if frame >= 2:
                emulator.screen_gray(grays[frame - 2])
        newest = cv2.resize(grays.max(0), (84, 84), interpolation=cv2.INTER_AREA)
        stack = np.concatenate([stack[..., 1:], newest[..., None]], -1)
        if emulator.game_over:
            emulator.reset()

    return step


def gymnasium_loop(agent: Agent) -> Callable[[], None]:
    import ale_py
    import gymnasium

    gymnasium.register_envs(ale_py)
    environment = gymnasium.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.0)
    environment = gymnasium.wrappers.AtariPreprocessing(environment, noop_max=30, frame_skip=4)
    environment = gymnasium.wrappers.FrameStackObservation(environment, 4)
    network, rng = logits_only(agent), np.random.default_rng(0)
    observation, _ = environment.reset(seed=0)

    def step() -> None:
        nonlocal observation
        scores = network(np.ascontiguousarray(np.moveaxis(observation, 0, -1)))
        weights = np.exp(scores - scores.max())
        observation, _, terminated, truncated, _ = environment.step(rng.choice(len(scores), p=weights / weights.sum()))
        if terminated or truncated:
            observation, _ = environment.reset()

    return step


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    agent = Agent.load(AGENT)
    ours = rate(Player(Emulator("breakout"), agent, seed=0).step, seconds)
    print(f"zoo_gui Player, all activations  {ours:8.0f} steps/s")
    for name, make in (("bare loop, logits only", bare_loop), ("Gymnasium, logits only", gymnasium_loop)):
        theirs = rate(make(agent), seconds)
        print(f"{name:32} {theirs:8.0f} steps/s   ours / theirs {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
