"""Moments: what was recorded is what was played, and the way back to each is exact."""

import itertools

import numpy as np
import pytest

from zoo_gui.agents.agent import Agent
from zoo_gui.play import moments as moments_module
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.moments import Moments, go_back, of_player, record, recorded
from zoo_gui.play.player import Player, play
from zoo_gui.types import Decision, LayerInfo, Step, Unit, ZooError

AGENT = "ppo/Breakout/1"


@pytest.fixture(scope="module")
def agent():
    return Agent.load(AGENT)


@pytest.fixture(scope="module")
def found(agent):
    return recorded(agent, steps=120, seed=3)


def test_every_column_is_what_was_played(agent, found):
    steps = list(itertools.islice(_steps(agent, seed=3), 120))
    assert len(found) == 120
    np.testing.assert_array_equal(found.column("id"), np.arange(120))
    np.testing.assert_array_equal(found.column("action"), [step.decision.action for step in steps])
    np.testing.assert_array_equal(found.column("reward"), [step.reward for step in steps])
    np.testing.assert_array_equal(found.column("ram"), [step.ram for step in steps])
    np.testing.assert_array_equal(found.column("scores"), [step.decision.scores for step in steps])
    np.testing.assert_allclose(found.column("value"), [step.decision.value for step in steps], rtol=1e-6)
    for row in (0, 1, 2, 3, 50, 119):
        np.testing.assert_array_equal(found.frame(row), steps[row].frame)
        np.testing.assert_array_equal(found.observation(row), steps[row].observation)
    for info in agent.layers:
        values = np.array([step.decision.activations[info.name] for step in steps])
        flat = values.reshape(120, -1, info.units)
        np.testing.assert_array_equal(found.peaks(info.name), flat.max(1))
        places = found.places(info.name)
        if len(info.shape) == 3:
            np.testing.assert_array_equal(places, flat.argmax(1))
        else:
            assert places is None
    again = found.activations(agent, [5, 70], ["conv1"])["conv1"]
    np.testing.assert_allclose(again, [steps[5].decision.activations["conv1"], steps[70].decision.activations["conv1"]],
                               atol=1e-5)  # fmt: skip
    np.testing.assert_array_equal(found.peak(Unit("conv2", 3)), found.peaks("conv2")[:, 3])


def _steps(agent, seed):
    player = Player(Emulator(agent.card.game), agent, seed=seed)
    while True:
        yield player.step()


def test_the_way_back_is_exact(agent, found):
    steps = list(itertools.islice(_steps(agent, seed=3), 120))
    player = Player(Emulator(agent.card.game), agent, seed=9)
    for number in (97, 16, 33, 0, 119):
        assert go_back(player, found, number)
        for wanted in steps[number : number + 3]:
            step = player.step()
            np.testing.assert_array_equal(step.frame, wanted.frame)
            np.testing.assert_array_equal(step.observation, wanted.observation)
            assert step.decision.action == wanted.decision.action
    assert not go_back(player, found, 500)


def test_the_way_back_is_exact_where_a_person_played(agent):
    player = Player(Emulator("Breakout"), agent, seed=1)
    kept, steps = of_player(player), []
    rng = np.random.default_rng(0)
    for number in range(40):
        player.controller = "human" if number % 3 else "agent"
        player.human_action = int(rng.integers(4))
        key = player.snapshot() if number == 0 else None
        steps.append(player.step())
        kept.add(steps[-1], number, player.screen_codes, player.emulator.palette, player.state_before, key)
    player.controller = "agent"
    assert go_back(player, kept, 39)
    np.testing.assert_array_equal(player.step().frame, steps[39].frame)


def _synthetic(count, capacity=moments_module.CAPACITY, forget=None):
    kept = Moments((LayerInfo("fc", (2,), "dense"),), ("A",), (4, 4), (2, 2, 3), capacity=capacity)
    rng, frames = np.random.default_rng(0), np.zeros((2, 2, 3), np.uint8)
    seen = []
    for number in range(count):
        fresh = rng.integers(0, 255, (2, 2, 1), np.uint8)
        frames = np.concatenate([frames[..., 1:], fresh], -1)
        decision = Decision(0, np.zeros(1, np.float32), activations={"fc": np.full(2, number, np.float32)})
        screen = np.full((4, 4), number % 256, np.uint8)
        step = Step("agent", 0, number, screen, screen, frames, np.zeros(128, np.uint8), decision, 0.0, 0.0, 0, False,
                    False)  # fmt: skip
        seen.append(frames)
        kept.add(step, number, screen, np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1))
        if forget and number == forget[0]:
            kept.forget_after(forget[1])
    return kept, seen


def test_the_oldest_go_and_what_is_left_stays_readable():
    kept, seen = _synthetic(4000, capacity=1024)
    assert 1024 <= len(kept) < 1024 + 512
    first = int(kept.column("id")[0])
    assert kept.row_of(first - 1) is None and kept.row_of(first) == 0 and kept.row_of(3999) == len(kept) - 1
    for row in (0, 1, 2, 3, 511, 512, len(kept) - 1):
        np.testing.assert_array_equal(kept.observation(row), seen[first + row])
        assert (kept.frame(row) == (first + row) % 256).all()


def test_what_the_engine_takes_back_is_forgotten_and_a_frozen_copy_keeps_it():
    kept, seen = _synthetic(1030)
    frozen = kept.freeze()
    kept.forget_after(1020)
    assert len(kept) == 1020 and len(frozen) == 1030
    fresh, _ = _synthetic(1)
    step = Step("agent", 0, 0, np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8), seen[5], np.zeros(128, np.uint8),
                Decision(0, np.zeros(1, np.float32), activations={"fc": np.full(2, -7, np.float32)}), 1.0, 0.0, 0,
                False, False)  # fmt: skip
    kept.add(step, 1020, np.zeros((4, 4), np.uint8), np.zeros((256, 4), np.uint8))
    np.testing.assert_array_equal(kept.peaks("fc")[-2:, 0], [1019, -7])
    np.testing.assert_array_equal(kept.observation(1020), seen[5])
    np.testing.assert_array_equal(frozen.peaks("fc")[:, 0], np.arange(1030))
    np.testing.assert_array_equal(frozen.observation(1029), seen[1029])
    kept.forget_after(512)
    assert len(kept) == 512 and (kept.peaks("fc")[:, 0] == np.arange(512)).all()


def test_sentences():
    kept, _ = _synthetic(3)
    with pytest.raises(ZooError, match="no layer “conv9”"):
        kept.peaks("conv9")
    with pytest.raises(ZooError, match="cannot be recorded"):
        next(record(None, steps=0))


def test_empty_moments_have_empty_columns():
    kept, _ = _synthetic(0)
    assert kept.column("ram").shape == (0, 128) and kept.peaks("fc").shape == (0, 2) and kept.row_of(0) is None
    assert kept.observations([]).shape == (0, 2, 2, 3)


def test_without_a_network_there_are_screens_and_numbers():
    player = Player(Emulator("Pong"))
    kept = of_player(player)
    step = player.step()
    kept.add(step, 0, player.screen_codes, player.emulator.palette)
    np.testing.assert_array_equal(kept.frame(0), step.frame)
    assert list(play(game="Pong", steps=1))[0].player == "random"
