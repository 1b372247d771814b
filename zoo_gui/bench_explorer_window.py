"""A child of ``zoo-gui bench explorer``: the questions, asked in the real window while the game runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any, Iterator

from zoo_gui.bench_window import Driver
from zoo_gui.types import Unit

LIVE = ("gradient", "guided", "gradcam", "integrated")
"""Methods whose maps are made within the steps."""
BESIDE = ("greydanus", "sarfa", "occlusion")
"""Methods whose maps are made beside the game."""
STEPS = 256
PATIENCE = 150.0  # seconds for one answer: a layer's patterns on a busy machine


class ExplorerDriver(Driver):
    """Asks for maps, visualizations, patterns, patches and a search; the game goes on at its own speed meanwhile."""

    def __init__(self, *arguments: Any):
        self._records: list[tuple[float, str, Any]] = []
        self._ended: dict[str, float] = {}
        self._maps = 0
        super().__init__(*arguments)
        self.session.progressed.connect(lambda key, one: self._records.append((time.perf_counter(), key, one)))
        self.session.finished.connect(self._on_finished)
        self.session.failed.connect(self._on_failed)
        self.session.attributed.connect(self._on_map)

    def _on_finished(self, key: str) -> None:
        self._ended[key] = time.perf_counter()

    def _on_failed(self, key: str, sentence: str) -> None:
        raise SystemExit(f"{key}: {sentence}")

    def _on_map(self, lane: int, record: Any) -> None:
        self._maps += 1

    def _run(self) -> Iterator[float]:
        while self._first_step is None:
            yield 0.05
        while len(self.session.history(0)) < 60:
            yield 0.1
        yield 12.0  # the layers are made ready for feature visualization in the meantime, as a person's would be
        yield from self._overlays()
        yield from self._visualization()
        yield from self._patterns()
        yield from self._moments()

    def _overlays(self) -> Iterator[float]:
        """Frames and maps a second with each method over the game."""
        for method in LIVE + BESIDE:
            self.session.set_saliency("action", method)
            yield 2.0  # the first map traces its function
            steps, self._maps = self._count(), 0
            self.watch.clear()
            start = time.perf_counter()
            yield self.seconds
            elapsed, figures = time.perf_counter() - start, self.watch.figures()
            self.result[f"{method}_ui_fps"] = figures["ui_fps"]
            self.result[f"{method}_frame_interval_p99_ms"] = figures["frame_interval_p99_ms"]
            made = self._maps if method in BESIDE else self._count() - steps
            self.result[f"{method}_maps_per_second"] = made / elapsed
        self.session.set_speed(None)
        for method in ("gradient",):
            self.session.set_saliency("action", method)
            yield 1.0
            steps, start = self._count(), time.perf_counter()
            yield self.seconds
            self.result[f"{method}_steps_per_second_at_full_speed"] = (self._count() - steps) / (
                time.perf_counter() - start
            )
        self.session.set_speed(1.0)
        self.session.set_saliency(None)
        yield 1.0

    def _visualization(self) -> Iterator[float]:
        """One channel by Lucid beside the running game: until the first picture, and until it is done."""
        convolutions = [layer for layer in self.session.lanes[0].layers if layer.kind == "conv"]
        firsts, wholes = [], []
        for number, layer in enumerate(convolutions):
            for index in (3, 5):
                asked = time.perf_counter()
                key = f"bench vis {number} {index}"
                unit = Unit(layer.name, index)
                self.session.run(key, "feature_vis", 0, unit=unit, steps=STEPS, use_cache=False)
                yield from self._until(key)
                pictures = [at for at, of, one in self._records if of == key and one.result is not None]
                firsts.append((pictures[0] - asked) * 1000.0)
                wholes.append(self._ended[key] - asked)
        self.result["first_picture_ms"] = max(firsts)
        self.result["visualization_256_steps_seconds"] = max(wholes)

    def _patterns(self) -> Iterator[float]:
        """A layer of 64 as optimised images, beside the running game."""
        layer = next(layer for layer in self.session.lanes[0].layers if layer.units == 64)
        self.watch.clear()
        asked, key = time.perf_counter(), "bench patterns"
        self.session.run(key, "patterns", 0, layer=layer.name, use_cache=False)
        yield from self._until(key)
        self.result["patterns_of_64_seconds"] = self._ended[key] - asked
        self.result["patterns_ui_fps"] = self.watch.figures()["ui_fps"]

    def _moments(self) -> Iterator[float]:
        """A rollout of 2,500 steps and the first unit's patches; then any other unit's; then a search of all units."""
        for name, analysis, parameters in (
            ("rollout_and_patches_seconds", "patches", {"unit": Unit("conv2", 7)}),
            ("patches_of_another_unit_seconds", "patches", {"unit": Unit("conv3", 11)}),
            ("search_seconds", "unit_search", {"event": "reward"}),
        ):
            asked = time.perf_counter()
            self.session.run(name, analysis, 0, moments=(2500, 1), **parameters)
            yield from self._until(name)
            self.result[name] = self._ended[name] - asked

    def _until(self, key: str) -> Iterator[float]:
        start = time.perf_counter()
        while key not in self._ended:
            if time.perf_counter() - start > PATIENCE:
                raise SystemExit(f"{key} took more than {PATIENCE:g} s")
            yield 0.01


def main(seconds: float, agents: list[str]) -> None:
    """Print one line of JSON with the figures."""
    from zoo_gui.launch import Sitting

    started = float(os.environ.get("ZOO_GUI_BENCH_START", time.time()))
    sitting = Sitting(argparse.Namespace(seed=1, layout="reset"), agents, unattended=False)
    driver = ExplorerDriver(sitting, len(agents), seconds, started)
    sitting.run()
    print(json.dumps(driver.result), flush=True)
    os._exit(0)  # as the console command does (see cli.entry)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
