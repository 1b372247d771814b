"""A child of ``zoo-gui bench explorer``: feature visualization beside Lucid's own renderer, in one run.

Milliseconds to the first image in a warm session; seconds for 256 steps of one channel; seconds for a
layer of 64 (``patterns``, 128 steps each) and units a second; seconds that ``lucid.optvis.render.render_vis`` takes for
one unit with the same steps, parameterisation and transforms, built anew for each unit as it does; and how many times
as fast a unit is here, one by one and in batches. Nothing is taken from the cache.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

STEPS, LAYER_STEPS, ROUNDS = 256, 128, 3


def measure(name: str) -> dict[str, float]:
    """The figures; the agent's first convolution with 64 channels is drawn."""
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(name)
    layer = next(info for info in agent.layers if info.kind == "conv" and info.units == 64).name
    first, whole = one_by_one(agent, layer)
    of_layer = layer_of_64(agent, layer)
    lucid_long, lucid_short = (statistics.median(lucid_alone(agent, layer, n, unit) for unit in range(ROUNDS))
                               for n in (STEPS, LAYER_STEPS))  # fmt: skip
    return {
        "first_image_ms": round(1000 * first, 1),
        "channel_256_steps_seconds": round(whole, 2),
        "layer_of_64_seconds": round(of_layer, 1),
        "units_per_second": round(64 / of_layer, 2),
        "lucid_256_steps_seconds": round(lucid_long, 2),
        "lucid_128_steps_seconds": round(lucid_short, 2),
        "times_as_fast_one_by_one": round(lucid_long / whole, 2),
        "times_as_fast_in_batches": round(lucid_short / (of_layer / 64), 2),
    }


def one_by_one(agent: Any, layer: str) -> tuple[float, float]:
    """Medians, warm: seconds to the first image, and to the last of STEPS steps."""
    from zoo_gui.analysis.feature_vis import feature_vis, prepare

    prepare(agent, layer)
    firsts, wholes = [], []
    for unit in range(ROUNDS):
        begun = time.perf_counter()
        records = feature_vis(agent, unit=f"{layer}:{unit}", steps=STEPS, use_cache=False)
        next(records)
        firsts.append(time.perf_counter() - begun)
        for _ in records:
            pass
        wholes.append(time.perf_counter() - begun)
    return statistics.median(firsts), statistics.median(wholes)


def layer_of_64(agent: Any, layer: str) -> float:
    """Seconds for all units of the layer, the building of the graph included."""
    from zoo_gui.analysis.patterns import patterns

    begun = time.perf_counter()
    for _ in patterns(agent, layer=layer, steps=LAYER_STEPS, use_cache=False):
        pass
    return time.perf_counter() - begun


def lucid_alone(agent: Any, layer: str, steps: int, unit: int) -> float:
    """Seconds for one unit by Lucid's ``render_vis``: the centre of the channel, before its rectifier."""
    from zoo_gui.agents.backend import configure_tensorflow
    from zoo_gui.analysis import lucid_adapter, vis_transforms

    v1 = configure_tensorflow().compat.v1
    lucid = lucid_adapter.optvis()

    class Model:
        """The agent as Lucid's models are."""

        labels = None

        def import_graph(self, t_input: Any, scope: str, forget_xy_shape: bool) -> None:
            v1.identity(agent.taps(t_input, pre=True)[layer], name=f"{scope}/{layer}")

    shape = agent.observation_shape
    begun = time.perf_counter()
    lucid.render.render_vis(
        Model(), lucid.objectives.neuron(layer, unit),
        lambda: lucid.param.to_valid_rgb(lucid.param.fft_image([1, *shape]), decorrelate=False, sigmoid=True),
        optimizer=v1.train.AdamOptimizer(0.02), transforms=vis_transforms.build(lucid.transform, "robust", shape),
        thresholds=(steps - 1,), verbose=False,
    )  # fmt: skip
    return time.perf_counter() - begun


def main(seconds: float, agents: list[str]) -> None:
    """Print one line of JSON with the figures."""
    print(json.dumps(measure(agents[0])))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
