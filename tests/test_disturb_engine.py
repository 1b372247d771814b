"""Disturbances in the engine's process, driven as the window drives them: they act on the moment on screen, exactly."""

import numpy as np
import pytest
from engine_rig import advance, begin, loaded

from zoo_gui.play.disturbance import Disturbance
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player

AGENT = "ppo/Breakout/1"


@pytest.fixture(scope="module")
def shared_rig():
    yield from loaded(AGENT)


@pytest.fixture
def rig(shared_rig):
    """The engine, paused at the first step of seed 7."""
    shared_rig.host.send("disturb", lane=0, disturbance={}, number=0)
    begin(shared_rig)
    shared_rig.steps.clear(), shared_rig.summaries.clear(), shared_rig.seen.clear()
    return shared_rig


def disturb(rig, number, lane=0, **levels):
    """As the session does: where a network must be built first, it is asked again when it is there."""
    command = ("disturb", {"lane": lane, "disturbance": levels, "number": number})
    rig.feed.intervene(command)
    turns = [0]

    def answered():
        ready = [event for event in rig.seen_kind("disturbance_ready") if event[1:] == (lane, number)]
        if ready:
            rig.seen.clear()
            rig.feed.intervene(command)
        turns[0] += 1
        step = rig.feed.steps[lane]
        return step is not None and step.edited == bool(levels) and turns[0] > 3

    rig.until(answered)


SIGHTS = {"observation_noise": 0.1}, {"brightness": 0.2, "contrast": 0.5}, {"occlusion": 0.2}


@pytest.mark.parametrize("levels", SIGHTS)
def test_noise_acts_on_the_moment_on_screen_and_comes_off_exactly(rig, levels):
    advance(rig, 12)
    before, tick = rig.feed.steps[0], rig.feed.tick
    disturb(rig, 1, **levels)
    step = rig.feed.steps[0]
    assert rig.feed.tick == tick and step.edited
    np.testing.assert_array_equal(step.frame, before.frame)
    assert not np.array_equal(step.observation, before.observation)  # what is shown is what the network saw
    assert not np.array_equal(step.decision.scores, before.decision.scores)
    disturb(rig, 0)
    np.testing.assert_array_equal(rig.feed.steps[0].observation, before.observation)
    np.testing.assert_array_equal(rig.feed.steps[0].decision.flat, before.decision.flat)


def test_the_window_shows_what_a_headless_player_does_under_the_same_disturbance(rig):
    levels = {"observation_noise": 0.05, "action_noise": 0.2, "sticky": 0.3, "frame_drop": 0.2, "latency": 2}
    disturb(rig, 3, **levels)
    rig.feed.restart("restart", seed=7)
    rig.until(lambda: rig.feed.tick == 0 and rig.feed.steps[0].edited)
    rig.steps.clear(), rig.summaries.clear()
    for tick in range(1, 16):
        rig.feed.step_once()
        rig.until(lambda tick=tick: rig.feed.tick == tick)
    player = Player(Emulator("breakout"), _agent(), seed=7)
    player.disturbance = Disturbance(**levels)
    player.step()
    for (live,), summary in zip(rig.steps, rig.summaries, strict=True):
        wanted = player.step()
        np.testing.assert_array_equal(live.frame, wanted.frame)
        np.testing.assert_array_equal(live.decision.flat, wanted.decision.flat)
        assert live.decision.action == wanted.decision.action == summary.action and summary.disturbance == 3


def test_a_change_while_the_game_runs_goes_back_to_what_is_on_screen(rig):
    """Steps that the engine made ahead under the old level are taken back: levels change from one tick to the next."""
    disturb(rig, 1, occlusion=0.1)
    rig.summaries.clear()
    rig.feed.play()
    rig.until(lambda: rig.feed.tick >= 6)
    rig.feed.intervene(("disturb", {"lane": 0, "disturbance": {"occlusion": 0.3}, "number": 2}))
    changed = rig.feed.tick + 1
    rig.until(lambda: rig.feed.tick >= changed + 6)
    rig.feed.pause()
    numbers = [summary.disturbance for summary in rig.summaries]
    assert numbers == [1] * (changed - 1) + [2] * (len(numbers) - changed + 1) and {1, 2} == set(numbers)
    assert [summary.number for summary in rig.summaries] == list(range(1, len(numbers) + 1))


def test_going_back_finds_the_disturbed_game_as_it_was(rig):
    disturb(rig, 5, sticky=0.5, action_noise=0.3)
    rig.steps.clear()
    for tick in range(1, 13):
        rig.feed.step_once()
        rig.until(lambda tick=tick: rig.feed.tick == tick)
    before = [step for (step,) in rig.steps]
    disturb(rig, 0)
    for wanted in (before[9], before[4]):
        rig.feed.restart("seek", lane=0, moment=wanted.moment)
        rig.until(lambda wanted=wanted: rig.feed.tick == 0 and rig.feed.steps[0].moment == wanted.moment)
        step = rig.feed.steps[0]
        np.testing.assert_array_equal(step.frame, wanted.frame)
        np.testing.assert_array_equal(step.ram, wanted.ram)
        assert not step.edited and wanted.edited


def test_noise_on_the_weights_is_built_beside_the_game_and_edits_stay(rig):
    advance(rig, 8)
    before = rig.feed.steps[0]
    rig.feed.intervene(("edit", {"lane": 0, "unit": ("conv1", 3), "gain": 0.0, "offset": 0.0}))
    rig.until(lambda: rig.feed.steps[0].edited)
    edited = rig.feed.steps[0].decision.flat
    rig.feed.intervene(("disturb", {"lane": 0, "disturbance": {"parameter_noise": 0.05}, "number": 4}))
    rig.until(lambda: rig.seen_kind("disturbance_ready"))
    np.testing.assert_array_equal(rig.feed.steps[0].decision.flat, edited)  # until it is there nothing changes
    disturb(rig, 4, parameter_noise=0.05)
    rig.until(lambda: not np.array_equal(rig.feed.steps[0].decision.flat, edited))
    noisy = rig.feed.steps[0].decision
    assert not noisy.activations["conv1"][..., 3].any() and noisy.activations["conv1"].any()
    np.testing.assert_array_equal(rig.feed.steps[0].observation, before.observation)
    rig.feed.intervene(("disturb", {"lane": 0, "disturbance": {}, "number": 0}), ("clear_edits", {"lane": 0}))
    rig.until(lambda: not rig.feed.steps[0].edited)
    np.testing.assert_array_equal(rig.feed.steps[0].decision.flat, before.decision.flat)


def test_what_cannot_be_is_one_sentence_and_nothing_changes(rig):
    rig.feed.intervene(("disturb", {"lane": 0, "disturbance": {"sticky": 2.0}, "number": 9}))
    rig.until(lambda: rig.seen_kind("disturbance_refused"))
    event = rig.seen_kind("disturbance_refused")[0]
    assert event[1:3] == (0, 9) and "Sticky actions cannot be 2" in event[3] and not rig.feed.steps[0].edited


def _agent():
    from zoo_gui.agents.agent import Agent

    return Agent.load(AGENT)
