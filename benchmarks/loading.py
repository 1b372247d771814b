"""How long it takes to open an agent once TensorFlow is up: its card, its weights, the network, the first decision.

    python benchmarks/loading.py [FILE …]

FILE: any checkpoint, with a card or without; by default the largest agents of the embedded zoo. For each: what was
found out about the file (a draft), loading, and the first decision, which traces the network; in seconds, and as a
multiple of just reading the file's bytes and their SHA-256.
"""

from __future__ import annotations

import hashlib
import sys
import time

import numpy as np

from zoo_gui.agents import catalogue
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.backend import configure_tensorflow


def timed(what) -> tuple[float, object]:
    """(seconds, result)."""
    start = time.perf_counter()
    result = what()
    return time.perf_counter() - start, result


def measure(name: str) -> None:
    """Print one line."""
    find, entry = timed(lambda: catalogue.find(name))
    path = entry.weights or entry.path.parent
    bare, _ = timed(lambda: hashlib.sha256(path.read_bytes()).hexdigest())
    load, agent = timed(lambda: Agent.load(name))
    seen = np.zeros(agent.observation_shape, np.float32 if agent.card.preprocessing.is_float else np.uint8)
    first, _ = timed(lambda: agent.decide(seen, np.random.default_rng(0)))
    total = find + load + first
    numbers = sum(array.size for array in agent.weights.values())
    print(f"{name[-34:]:34} {numbers / 1e6:5.2f} M weights   found {find:.3f}   loaded {load:.3f}   "
          f"first decision {first:.3f}   together {total:.2f} s   {total / bare:.0f} × reading it")  # fmt: skip


def main() -> None:
    """Measure what the command line names."""
    names = sys.argv[1:] or ["distill/Breakout/2", "a2c/Breakout/1", "rainbow/Pong/1"]
    configure_tensorflow()
    measure(names[0])  # the first one pays for what TensorFlow does once
    for name in names:
        measure(name)


if __name__ == "__main__":
    main()
