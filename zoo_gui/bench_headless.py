"""A child of ``zoo-gui bench``: agents play without a window, as ``zoo-gui play`` does."""

from __future__ import annotations

import json
import sys
import time


def main(seconds: float, agents: list[str]) -> None:
    """Print one line of JSON: headless_steps_per_second, summed over the agents, which take turns."""
    from zoo_gui.engine.loading import load_lane

    lanes = [next(load_lane(agent, {"seed": 1}, lambda text: None)) for agent in agents]
    for lane in lanes:
        for _ in range(100):
            lane.player.step()
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for lane in lanes:
            lane.player.step()
            steps += 1
    print(json.dumps({"headless_steps_per_second": steps / elapsed}))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
