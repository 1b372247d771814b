"""The trainers: agent steps a second of each algorithm on one core, beside the bare emulator loop of the same run.

    PYTHONPATH=tools python benchmarks/trainers.py [seconds] [algorithm …]

bare loop: AtariVectorEnv with 16 games and random actions, no network. In bfloat16 where the processor has it: the last
line compares a gradient of 256 observations through Nature's network in bfloat16 with the same in float32.
Value learners begin to learn at once here, as in all but the first minutes of a run.
"""

from __future__ import annotations

import dataclasses
import sys
import time

import numpy as np
import torch
from training import algorithms, networks
from training.envs import AtariEnvs
from training.export import in_float32

GAME = "Breakout"
LEFT_OUT = ("distill",)
"""Its speed is that of its teacher."""


def bare_loop(seconds: float) -> float:
    """Agent steps a second without an agent."""
    envs, rng = AtariEnvs(GAME, 16, seed=0), np.random.default_rng(0)
    envs.reset()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        envs.step(rng.integers(len(envs.action_names), size=16))
        count += 16
    return count / (time.perf_counter() - start)


def trainer(name: str, network: str, seconds: float) -> float:
    """Agent steps a second of an algorithm with its own settings."""
    module = algorithms.find(name)
    settings = dataclasses.replace(module.SETTINGS(), network=network)
    if hasattr(settings, "learning_starts"):
        settings = dataclasses.replace(settings, learning_starts=1_000)
    envs = AtariEnvs(GAME, settings.envs, seed=0)
    learner = module.LEARNER(settings, envs.observation_shape, len(envs.action_names))
    learner.segment = 0
    learner.begin(envs, np.random.default_rng(0))
    learner.iterate()  # the first is slower: memory is taken, kernels are chosen
    if hasattr(settings, "learning_starts"):
        learner.iterate()
    before, start = learner.steps, time.perf_counter()
    while time.perf_counter() - start < seconds:
        learner.iterate()
    return (learner.steps - before) / (time.perf_counter() - start)


def gradient_ms(seconds: float) -> float:
    """Milliseconds of forward and backward of 256 observations through Nature's network."""
    network = networks.ActorCritic("nature", (4, 84, 84), 6)
    observation = networks.observe(np.random.default_rng(0).integers(0, 255, (256, 4, 84, 84), dtype=np.uint8))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds or not count:
        logits, value = network(observation)
        (logits.square().mean() + value.square().mean()).backward()
        count += 1
    return (time.perf_counter() - start) / count * 1e3


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    names = sys.argv[2:] or [name for name in algorithms.NAMES if name not in LEFT_OUT]
    torch.manual_seed(0)
    bare = bare_loop(seconds)
    print(f"{'bare loop':10}        {bare:7.0f} agent steps a second")
    for name in names:
        for network in ("small", "nature"):
            rate = trainer(name, network, seconds)
            line = f"{name:10} {network:6} {rate:7.0f} agent steps a second   {rate / bare:.2f} of the bare loop"
            print(line, flush=True)
    if networks.has_bfloat16():
        low = gradient_ms(seconds / 2)
        with in_float32():
            full = gradient_ms(seconds / 2)
        ratio = full / low
        print(f"gradient of 256, Nature's network: bfloat16 {low:.1f} ms, float32 {full:.1f} ms: {ratio:.2f} times")


if __name__ == "__main__":
    main()
