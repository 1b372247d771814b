"""The numbers behind a panel, and that they are those on screen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from zoo_gui.history import History
from zoo_gui.panel_export import NUMBERS, numbers_of
from zoo_gui.types import Decision, Step, StepSummary, Unit

ACTIVATIONS = {"conv1": np.arange(8, dtype=np.float32).reshape(2, 2, 2), "fc": np.array([0.1, -1.0], np.float32)}


@pytest.fixture
def session():
    decision = Decision(1, np.array([0.0, 1.0], np.float32), "logits", 2.5, ACTIVATIONS)
    screen, seen = np.zeros((210, 160, 3), np.uint8), np.ones((84, 84, 4), np.uint8)
    step = Step("agent", 0, 7, screen, screen[None], seen, np.zeros(128, np.uint8), decision, 1.0, 3.0, 5, False, False)
    history = History()
    history.append([StepSummary(n, 0, n, 1, float(n == 2), 0.0, 0.5, 1.0, 0.7, 5, False, 2.0) for n in range(4)])
    lane = SimpleNamespace(lane=0, action_names=("NOOP", "LEFT"))
    return SimpleNamespace(lanes=(lane,), last_step=lambda lane: step, history=lambda lane: history, pins=[],
                           selected=(0, Unit("conv1", 1)), edits={(0, Unit("conv1", 1)): (0.0, 2.0)})  # fmt: skip


def test_the_numbers_are_those_of_the_moment_on_screen(session):
    rows, arrays = numbers_of("actions", session)
    assert [(row["agent"], row["action"], row["chosen"]) for row in rows] == [("A", "NOOP", False), ("A", "LEFT", True)]
    assert sum(row["probability"] for row in rows) == pytest.approx(1) and arrays["A_value"] == 2.5
    rows, arrays = numbers_of("activations", session)
    assert len(rows) == 4 and rows[1] == {"agent": "A", "layer": "conv1", "unit": 1, "mean": 4.0, "largest": 7.0}
    assert np.array_equal(arrays["A_conv1"], ACTIVATIONS["conv1"])
    rows, arrays = numbers_of("observation", session)
    assert rows == [] and arrays["A_observation"].shape == (84, 84, 4)
    rows, arrays = numbers_of("inspector", session)
    assert rows[0]["unit"] == "conv1:1" and rows[0]["offset"] == 2.0
    assert arrays["A_conv1_1"].tolist() == [[1, 3], [5, 7]]
    rows, arrays = numbers_of("plots", session)
    assert [row["reward"] for row in rows] == [0, 0, 1, 0] and arrays["A_entropy"].shape == (4,)
    rows, arrays = numbers_of("game", session)
    assert rows[0]["score"] == 3.0 and arrays["A_frame"].shape == (210, 160, 3)
    assert numbers_of("zoo", session) == ([], {})


def test_before_the_first_step_there_is_nothing(session):
    session.last_step = lambda lane: None
    assert all(numbers_of(name, session) == ([], {}) for name in NUMBERS)
