#!/usr/bin/env python3
"""How long t-SNE of 2,500 states takes here, beside the same call of scikit-learn alone on one core; and PaCMAP.

    python benchmarks/embedding.py [AGENT] [STATES] [METHOD …]

RAM of a rollout, to 50 principal components, to the plane: as ``zoo-gui embed`` does it, without the rollout. Seconds
on the clock, and of a core (``cpu``), which say more where other work is going on; the ratio is of these.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import finish
from zoo_gui.analysis.embedding import embedding
from zoo_gui.play.moments import recorded


def used() -> float:
    """Seconds of a core that this process and those that it has ended took so far."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def alone(ram: np.ndarray) -> tuple[float, float]:
    """Seconds of scikit-learn's PCA and t-SNE on one core: on the clock, and of the core."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    begun, before = time.perf_counter(), used()
    with threadpool_limits(1):
        TSNE(perplexity=30, random_state=0).fit_transform(PCA(50, random_state=0).fit_transform(ram.astype(np.float32)))
    return time.perf_counter() - begun, used() - before


def main(name: str = "ppo/Breakout/1", states: str = "2500", *methods: str) -> None:
    """Print the figures as JSON."""
    moments = recorded(Agent.load(name), steps=int(states) + 100)
    agent, figures = moments.agent, {"agent": name}
    for method in methods or ("tsne", "pacmap"):
        begun = last = time.perf_counter()
        before = used()
        first, longest = None, 0.0
        for progress in embedding(agent, moments=moments, method=method, count=int(states)):
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
            first = now - begun if first is None and progress.result is not None else first
        figures |= {"states": len(progress.result.points), f"{method}_s": round(last - begun, 2),
                    f"{method}_cpu_s": round(used() - before, 2),
                    f"{method}_first_s": round(first, 2), f"{method}_longest_ms": round(1e3 * longest, 1)}  # fmt: skip
    found = finish(embedding(agent, moments=moments, method="pca", count=int(states)))
    rows = [moments.row_of(int(number)) for number in found.moments]
    ram = moments.column("ram")[rows]
    one, begun = ram[:1].astype(np.float32), time.perf_counter()
    for _ in range(100):
        found.place(one)
    figures["place_ms"] = round((time.perf_counter() - begun) * 10, 3)
    if "tsne_s" in figures:
        figures["sklearn_s"], figures["sklearn_cpu_s"] = (round(value, 2) for value in alone(ram))
        figures["ratio"] = round(figures["tsne_cpu_s"] / figures["sklearn_cpu_s"], 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
