"""A child of ``zoo-gui bench compare``: what it takes to compare the representations of two Nature networks.

All pairs of their layers over 2,000 moments that both see, by each measure; then their units matched. Times begin with
the observations: activations are computed within them, and networks traced.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Iterator

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES, Progress, finish
from zoo_gui.play.together import record_together

MOMENTS = 2000
SPARE = 100
"""Steps that are played besides: at the beginning of a game the stack of frames is not full."""


def timed(name: str, records: Iterator[Progress]) -> tuple[dict[str, float], Any]:
    """({"name_s": to the end, "name_first_s": to the first partial result, "name_longest_ms": the longest time between
    two words of progress}, the last result)."""
    begun = last = time.perf_counter()
    first, longest = None, 0.0
    for progress in records:
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        if first is None and progress.result is not None:
            first = now - begun
    figures = {f"{name}_s": last - begun, f"{name}_first_s": first, f"{name}_longest_ms": 1e3 * longest}
    return figures, progress.result


def main(names: list[str]) -> None:
    """Print one line of JSON with the figures of two agents."""
    agents = [Agent.load(name) for name in names[:2]]
    moments = finish(record_together(agents, steps=MOMENTS + SPARE, seed=0))
    figures: dict[str, Any] = {}
    for method in ("cka", "svcca"):
        measured, found = timed(method, ANALYSES["similarity"](agents, moments=moments, method=method, count=MOMENTS))
        figures |= measured
    measured, _ = timed("matching", ANALYSES["matching"](agents, moments=moments, count=MOMENTS))
    print(json.dumps({**figures, **measured, "layer_pairs": found.values.size, "moments": found.n}))


if __name__ == "__main__":
    main(sys.argv[2:])  # the first is for how long, which these take as long as they take
