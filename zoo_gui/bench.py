"""``zoo-gui bench``, ``bench explorer``, ``compare`` and ``lab``: how fast it is, measured on this machine now.

The first: playing, headless and in the window, from one run. The second: the questions asked of units and decisions,
headless beside the originals' own code, and in the window beside the running game. The third: two agents compared.
The fourth: rollouts and experiments.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import Iterator

from zoo_gui import display
from zoo_gui.types import ZooError

#: Agents of the runs with 1, 2 and 4 players; all of the larger (Nature) network, so the figures are the slow ones.
AGENTS = ("distill/Breakout/1", "distill/Breakout/2", "distill/Seaquest/1", "distill/Qbert/1")
SCREEN = (1600, 900)
EXPLORER = ("attribution", "feature_vis", "explorer_window")
"""Children that measure the explorer: maps, feature visualization, and both and more in the window."""


def run_explorer(arguments: argparse.Namespace) -> dict:
    """The explorer's figures, of one Nature agent. Raises ZooError when a run fails."""
    seconds = float(arguments.seconds or 5.0)
    figures: dict = {}
    with screen() as where:
        for kind in EXPLORER:
            row = child(kind, 1, seconds)
            figures |= {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}
    return {**figures, "screen": where, "cores": os.cpu_count(), "seconds": seconds}


def run_compare(arguments: argparse.Namespace) -> dict:
    """What comparing Nature agents takes: two without a window, two and four in it, whose figures end in _2 and _4.
    Raises ZooError when a run fails."""
    seconds = float(arguments.seconds or 5.0)
    figures = child("compare", 2, seconds)
    with screen() as where:
        for count in (2, 4):
            figures |= {f"{key}_{count}": value for key, value in child("compare_window", count, seconds).items()}
    figures = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
    return {**figures, "screen": where, "cores": os.cpu_count(), "seconds": seconds}


def run_lab(arguments: argparse.Namespace) -> dict:
    """Rollouts beside the bare loop, experiments in several processes beside a plain loop. Raises ZooError."""
    seconds = float(arguments.seconds or 20.0)
    figures = {key: round(value, 3) if isinstance(value, float) else value
               for key, value in child("lab", 1, seconds, limit=3600).items()}  # fmt: skip
    return {**figures, "agent": AGENTS[0], "cores": os.cpu_count(), "seconds": seconds}


def run(arguments: argparse.Namespace) -> dict:
    """All figures of issue and README, for each number of agents: {key: {"1": …, "2": …, "4": …}}.

    Headless and live rates are agent steps a second, summed over the agents. Raises ZooError when a run fails.
    """
    counts = [int(count) for count in str(arguments.agents or "1,2,4").split(",")]
    seconds = float(arguments.seconds or 6.0)
    figures: dict[str, dict] = {}
    with screen() as where:
        for count in counts:
            headless = child("headless", count, seconds)
            window = child("window", count, seconds)
            row = {**headless, **window}
            row["live_over_headless"] = row["live_steps_per_second"] / row["headless_steps_per_second"]
            for key, value in row.items():
                figures.setdefault(key, {})[str(count)] = round(value, 3) if isinstance(value, float) else value
    return {**figures, "screen": where, "cores": os.cpu_count(), "seconds": seconds}


def child(kind: str, count: int, seconds: float, limit: float = 600) -> dict:
    """Measure in a process of its own, as a user would start one; limit: seconds in which it must end."""
    if not 1 <= count <= len(AGENTS):
        raise ZooError(f"The bench plays 1 to {len(AGENTS)} agents, not {count}.")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "ZOO_GUI_CONFIG": f"{folder}/settings.json", "ZOO_GUI_CACHE": f"{folder}/cache",
            "ZOO_GUI_BENCH_START": repr(time.time()),
        }
        command = [sys.executable, "-m", f"zoo_gui.bench_{kind}", str(seconds), *AGENTS[:count]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        print(done.stderr, file=sys.stderr)
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ZooError(f"The {kind} bench with {count} agents ended with code {done.returncode}: {last}")
    return json.loads(lines[-1])


@contextmanager
def screen(size: tuple[int, int] = SCREEN) -> Iterator[str]:
    """A screen to measure on: the present one, else a virtual one (Xvfb), else Qt's offscreen platform."""
    if display.has_display():
        yield os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM", "screen")
        return
    if not shutil.which("Xvfb"):
        print("Xvfb is not installed: measuring with Qt's offscreen platform instead.", file=sys.stderr)
        with _environment(QT_QPA_PLATFORM="offscreen"):
            yield "offscreen"
        return
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp"],
        pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise ZooError("Xvfb, the virtual screen, did not start: run “Xvfb :99” to see why.")
        with _environment(DISPLAY=f":{number}"):
            yield f"Xvfb {size[0]}x{size[1]}"
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
