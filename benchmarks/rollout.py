#!/usr/bin/env python3
"""How long a rollout takes to play, write and read, and how large it is.

    python benchmarks/rollout.py [AGENT] [STEPS]
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

from zoo_gui.agents.agent import Agent
from zoo_gui.play import rollout, rollout_cache, rollout_files


@contextlib.contextmanager
def timed(figures: dict, name: str) -> Iterator[None]:
    """Note the seconds that the block takes."""
    begun = time.perf_counter()
    yield
    figures[name] = round(time.perf_counter() - begun, 2)


def main(name: str = "a2c/Breakout/1", steps: str = "2501") -> None:
    """Print the figures as JSON."""
    agent, figures = Agent.load(name), {"agent": name, "steps": int(steps)}
    rollout_cache.last(rollout.collect(agent, steps=5))  # the network is traced
    with timed(figures, "play_s"):
        played = rollout_cache.last(rollout.collect(agent, steps=int(steps)))
    with tempfile.TemporaryDirectory() as folder:
        for kind, options in (("zoo", {}), ("cache", {"compact": True})):
            path = Path(folder) / f"{kind}.npz"
            with timed(figures, f"save_{kind}_s"):
                rollout_files.save(played, path, **options)
            figures[f"{kind}_mb"] = round(path.stat().st_size / 1e6, 1)
            for array in ("observations", "frames", "ram"):
                with timed(figures, f"read_{kind}_{array}_s"):
                    rollout_files.load(path)[array]
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
