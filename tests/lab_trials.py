"""A kind of experiment whose cells fail, wait and kill their process as they are told; without agents.

Worker processes find it as those of strangers are found, by the entry point of a package that is installed.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from zoo_gui.lab.experiment import KINDS, Cell, Experiment
from zoo_gui.types import Progress, ZooError

computed: list[str] = []
"""Names of the cells that this process computed."""
hashes: dict[str, str] = {}
"""{agent: hash}, where it is not that of all."""


@dataclass(frozen=True)
class Settings:
    """fail, die, stop: places of cells that fail while the file ``fail_while`` is there, kill their process, or raise
    KeyboardInterrupt as Ctrl+C does. seconds: that each takes."""

    count: int = 6
    seconds: float = 0.0
    fail: tuple[int, ...] = ()
    die: tuple[int, ...] = ()
    stop: tuple[int, ...] = ()
    fail_while: str = "/"


@dataclass(frozen=True)
class Sums:
    """What the cells say together."""

    sums: np.ndarray

    @property
    def caption(self) -> str:
        return f"{len(self.sums)} cells"

    def table(self) -> list[dict]:
        return [{"cell": f"cell {place}", "sum": float(value)} for place, value in enumerate(self.sums)]

    def arrays(self) -> dict[str, np.ndarray]:
        return {"sums": self.sums}

    def draw(self, figure) -> None:
        figure.subplots().plot(self.sums)


@KINDS.register("trial")
class Trial:
    settings, version = Settings, 1

    def cells(self, experiment: Experiment) -> list[Cell]:
        asked = experiment.settings
        return [
            Cell("trial", f"cell {place}", {
                "place": place, "seed": experiment.seeds[0], "seconds": asked.seconds, "fail_while": asked.fail_while,
                "agent": experiment.agents[0], "agent_hash": hashes.get(experiment.agents[0], "a"),
                **{what: place in getattr(asked, what) for what in ("fail", "die", "stop")},
            })
            for place in range(asked.count)
        ]  # fmt: skip

    def compute(self, cell: Cell) -> dict[str, np.ndarray]:
        asked = cell.settings
        time.sleep(asked["seconds"])
        computed.append(cell.name)
        if asked["fail"] and Path(asked["fail_while"]).exists():
            raise ZooError("This cell fails.")
        if asked["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if asked["stop"]:
            raise KeyboardInterrupt
        return {"x": np.random.default_rng([asked["seed"], asked["place"]]).standard_normal((20, 10))}

    def result(self, experiment, cells, results):
        sums = np.array([results[cell]["x"].sum() for cell in cells if cell in results])
        yield Progress(1, 1, "sums", Sums(sums))


# other tests do not see it, however often this module is imported
KINDS._things.pop("trial")


@pytest.fixture
def trials(tmp_path_factory, monkeypatch) -> None:
    """The kind ``trial``, here and in the workers that the test starts."""
    monkeypatch.setitem(KINDS._things, "trial", Trial)
    package = tmp_path_factory.mktemp("packages") / "lab_trials-1.dist-info"
    package.mkdir()
    (package / "entry_points.txt").write_text("[zoo_gui.experiments]\ntrial = lab_trial_kind\n")
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-trials\nVersion: 1\n")
    (package.parent / "lab_trial_kind.py").write_text(
        "import lab_trials\nfrom zoo_gui.lab.experiment import KINDS\nKINDS._things['trial'] = lab_trials.Trial\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    computed.clear()
    hashes.clear()


def trial(**settings) -> Experiment:
    """An experiment of that kind."""
    return Experiment("trial", ("an agent",), (3,), settings=settings)
