"""A child of ``zoo-gui bench explorer``: what a map costs, method by method, and how much batches gain.

Greydanus et al.'s maps, stride 5, are compared with their loop: every mask blurred by SciPy and passed through the
network by itself, eagerly as their program ran, and through ``decide``, a traced call, as fast as one pass can be here.
Their program runs the loop once for the policy and once for the value; here one set of passes gives both.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import run
from zoo_gui.play.player import play

CASES = {
    "gradient": ("gradient", {}), "guided": ("guided", {}), "gradcam": ("gradcam", {}),
    "integrated_16": ("integrated", {}), "integrated_layer_16": ("integrated_layer", {}),
    "smoothgrad_16": ("smoothgrad", {}), "occlusion": ("occlusion", {}), "greydanus_stride_5": ("greydanus", {}),
    "greydanus_stride_10": ("greydanus", {"stride": 10}), "sarfa_stride_5": ("sarfa", {}),
}  # fmt: skip


def best(call: Callable[[], object], seconds: float) -> float:
    """Milliseconds, the best within that time, after one call that traces."""
    call()
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
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


def main(seconds: float, agents: list[str]) -> None:
    """Print one line of JSON with the figures: milliseconds a map, the best within a while, and the ratios."""
    import tensorflow as tf

    agent = Agent.load(agents[0])
    *_, step = play(agent, seed=0, steps=60)
    x, rng = step.observation, np.random.default_rng(0)
    head = next(info.name for info in agent.layers if info.kind in ("logits", "q"))
    figures = {}
    for name, (method, options) in CASES.items():
        ask = partial(run, "attribution", agent, observation=x, method=method, **options)
        figures[f"{name}_ms"] = best(ask, seconds / 5)
    passes = {
        "traced": lambda changed: agent.decide(changed, rng).scores,
        "eager": lambda changed: agent.taps(tf.constant(changed[None] / np.float32(255.0)))[head].numpy()[0],
    }
    for name, scores in passes.items():
        slow = best(partial(one_by_one, x, scores), 0.0)
        figures[f"one_mask_at_a_time_{name}_ms"] = slow
        figures[f"times_as_fast_as_one_mask_at_a_time_{name}"] = slow / figures["greydanus_stride_5_ms"]
    both = best(partial(run, "policy_and_value", agent, observation=x), seconds / 5)
    loops = best(lambda: [one_by_one(x, passes["eager"]) for _ in ("policy", "value")], 0.0)
    figures |= {"policy_and_value_ms": both, "policy_and_value_by_their_loops_ms": loops,
                "times_as_fast_as_their_loops": loops / both}  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
