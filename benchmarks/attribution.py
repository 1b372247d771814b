"""What a map costs, method by method, and how much batches gain over one mask at a time.

    python benchmarks/attribution.py [agent] [repeats]

Milliseconds a map, the best of some repeats after one that traces. The last lines compare Greydanus et al.'s map,
stride 5, with their loop: every mask blurred by SciPy and passed through the network by itself, through ``decide`` (a
traced call, as fast as one pass can be here) and eagerly (as their program ran).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import run
from zoo_gui.play.player import play

CASES = {
    "gradient": ("gradient", {}), "guided": ("guided", {}), "Grad-CAM": ("gradcam", {}),
    "integrated gradients ×16": ("integrated", {}), "to a layer ×16": ("integrated_layer", {}),
    "SmoothGrad ×16": ("smoothgrad", {}), "occlusion 9/5": ("occlusion", {}),
    "Greydanus stride 5": ("greydanus", {}), "Greydanus stride 10": ("greydanus", {"stride": 10}),
    "SARFA stride 5": ("sarfa", {}),
}  # fmt: skip


def best(call: Callable[[], object], repeats: int) -> float:
    """Milliseconds, the best of so many."""
    call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return 1e3 * min(times)


def one_by_one(observation: np.ndarray, scores: Callable[[np.ndarray], np.ndarray], stride: int = 5) -> np.ndarray:
    """The authors' loop over masks, unbatched: the scores' changes at each place."""
    x = observation.astype(np.float32)
    own, result = scores(x), []
    for row in range(0, x.shape[0], stride):
        for column in range(0, x.shape[1], stride):
            rows, columns = np.ogrid[-row : x.shape[0] - row, -column : x.shape[1] - column]
            mask = gaussian_filter((rows**2 + columns**2 <= 1).astype(np.float32), 5)
            mask = (mask / mask.max())[..., None]
            changed = x * (1 - mask) + gaussian_filter(x, (3, 3, 0)) * mask
            result.append(0.5 * ((own - scores(changed.astype(np.float32))) ** 2).sum())
    return np.array(result)


def main(name: str = "distill/Breakout/1", repeats: int = 5) -> None:
    """Print the figures of one agent."""
    import tensorflow as tf

    agent = Agent.load(name)
    *_, step = play(agent, seed=0, steps=60)
    x, rng = step.observation, np.random.default_rng(0)
    head = next(info.name for info in agent.layers if info.kind in ("logits", "q"))
    print(f"{agent.title}, {len(step.decision.flat):,} activations; ms a map")
    figures = {}
    for title, (method, options) in CASES.items():
        figures[title] = best(lambda: run("attribution", agent, observation=x, method=method, **options), repeats)  # noqa: B023
        print(f"{title:26} {figures[title]:8.1f}")
    eager = {
        "decide": lambda changed: agent.decide(changed, rng).scores,
        "eagerly": lambda changed: agent.taps(tf.constant(changed[None] / 255.0))[head].numpy()[0],
    }
    for title, scores in eager.items():
        slow = best(lambda: one_by_one(x, scores), 1)  # noqa: B023
        print(f"one mask at a time, {title:9}  {slow:6.0f}   ratio {slow / figures['Greydanus stride 5']:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:2], *(int(text) for text in sys.argv[2:3]))
