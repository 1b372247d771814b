"""A child of ``zoo-gui bench lab``: rollouts beside the bare loop that they are made of, cells beside a plain loop.

Rollouts and the bare loop take turns, a few hundred steps each, and are compared by the processor time that they take:
what else runs on the machine counts little then. Cells are compared by the clock, as whoever waits for them would.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import deque
from typing import Any, Callable, Iterator

import cv2
import numpy as np

from zoo_gui import lab
from zoo_gui.agents import heads
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.play import rollout
from zoo_gui.play.emulator import Emulator

TURN, TURNS = 150, 10
"""Steps of a turn, and turns of each: what is recorded of them takes 0.2 GB."""
WORKERS = (1, 2, 4)
CELL_STEPS = 200


def bare(agent: Agent) -> Iterator[int]:
    """The least that playing takes, endlessly: ALE for four frames, the maximum of the last two in grey, resized and
    stacked; every layer of the network in one traced function, compiled where ours is and called as TensorFlow's pages
    say; an action drawn. Yields the steps so far."""
    spec, emulator = agent.card.preprocessing, Emulator(agent.card.game)
    codes, rng, ale = [emulator.code(name) for name in agent.action_names], np.random.default_rng(0), emulator._ale
    screens = [np.empty((emulator.height, emulator.width), np.uint8) for _ in range(2)]
    stack = deque([np.zeros(spec.size, np.uint8)] * spec.stack, maxlen=spec.stack)
    network, head, steps = traced(agent), agent._head.name, 0
    scores = next(slice(start, start + layer.size) for start, layer in _places(agent) if layer.name == head)
    while True:
        action = heads.choose(agent.card.actions.rule, network(cv2.merge(list(stack)))[scores], rng,
                              agent.card.actions.epsilon)  # fmt: skip
        for frame in range(spec.frame_skip):
            ale.act(codes[action])
            if frame >= spec.frame_skip - 2:
                ale.getScreenGrayscale(screens[frame - spec.frame_skip])
        if ale.game_over():
            ale.reset_game()
        newest = cv2.resize(np.maximum(*screens), spec.size[::-1], interpolation=cv2.INTER_AREA)
        stack.append(newest)
        steps += 1
        yield steps


def traced(agent: Agent) -> Callable[[np.ndarray], np.ndarray]:
    """Observation (h, w, C) uint8 → every layer, flat."""
    tf = configure_tensorflow()
    signature = [tf.TensorSpec((1, *agent.observation_shape), tf.uint8)]

    @tf.function(input_signature=signature, autograph=False, jit_compile=agent._network._is_large or None)
    def run(observation):
        layers = agent.taps(tf.cast(observation, tf.float32) / 255.0)
        return tf.concat([tf.reshape(value, [-1]) for value in layers.values()], 0)

    return lambda observation: run(observation[None]).numpy()


def _places(agent: Agent) -> Iterator[tuple[int, Any]]:
    """(where a layer begins in the flat activations, the layer)."""
    start = 0
    for layer in agent.layers:
        yield start, layer
        start += layer.size


def rollouts(agent: Agent) -> dict[str, float]:
    """Steps a second of processor time of the bare loop, and rollouts' share of it; the seconds of 2,500 steps."""

    def recorded(streamline: bool) -> Iterator[int]:
        for progress in rollout.collect(agent, steps=TURN * (TURNS + 2) + 500, streamline=streamline):
            yield progress.done

    lab.finish(rollout.collect(agent, steps=5))
    begun = time.perf_counter()
    lab.finish(rollout.collect(agent, steps=2500))  # first: a virtual machine gives memory slowly, the first time
    whole = time.perf_counter() - begun
    players = {"bare": bare(agent), "streamlined": recorded(True), "full": recorded(False)}
    times: dict[str, list[float]] = {name: [] for name in players}
    done = dict.fromkeys(players, 0)
    for turn in range(TURNS + 1):
        for name, steps in players.items():
            begun, target, first = time.process_time(), done[name] + TURN, done[name]
            while done[name] < target:
                done[name] = next(steps)
            if turn:  # in the first, networks are traced and emulators booted
                times[name].append((time.process_time() - begun) / (done[name] - first))
    shares = {name: statistics.median(a / b for a, b in zip(times["bare"], times[name])) for name in times}
    return {"bare_steps_per_cpu_second": 1 / statistics.median(times["bare"]),
            "streamlined_over_bare": shares["streamlined"], "rollout_over_bare": shares["full"],
            "rollout_of_2500_steps_s": whole}  # fmt: skip


def cells(name: str, seconds: float) -> dict[str, float]:
    """Cells a second of a plain loop, and of the lab with 1, 2 and 4 workers after their start, which takes start_s."""

    def experiment(count: int) -> lab.Experiment:
        return lab.Experiment("scores", (name,), tuple(range(count)), settings={"limit": CELL_STEPS})

    kind = lab.kind_of("scores")
    kind.compute(experiment(1).cells[0])
    begun = time.perf_counter()
    kind.compute(experiment(1).cells[0])
    count = max(16, int(seconds / (time.perf_counter() - begun)))
    begun = time.perf_counter()
    for cell in experiment(count).cells:
        kind.compute(cell)
    figures = {"cells": count, "cells_per_second_plain": count / (time.perf_counter() - begun)}
    for workers in WORKERS:
        started, rate = _timed(experiment(count), workers)
        figures |= {f"cells_per_second_{workers}": rate, f"start_s_{workers}": started}
    return figures


def _timed(experiment: lab.Experiment, workers: int) -> tuple[float, float]:
    """(seconds until each worker had a cell or two, cells a second from then to the last)."""
    begun, moments = time.perf_counter(), {}
    with tempfile.TemporaryDirectory() as folder:
        for progress in lab.run(experiment, folder, workers=workers):
            moments.setdefault(progress.done, time.perf_counter() - begun)
    early, last = 2 * workers if workers > 1 else 0, max(moments)
    early = min(done for done in moments if done >= early)
    return moments[early], (last - early) / (moments[last] - moments[early])


def main(seconds: float, names: list[str]) -> None:
    """Print one line of JSON."""
    agent = Agent.load(names[0])
    print(json.dumps({**rollouts(agent), **cells(names[0], seconds)}))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
