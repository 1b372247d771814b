"""Disturbances: each does what it says, and a disturbed game comes again bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.play.disturbance import (
    DISTURBANCES,
    NOISE,
    Disturbance,
    Scale,
    occluded,
    parameter_rng,
    relit,
    with_parameter_noise,
)
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.moments import Moments, go_back, keep, of_player
from zoo_gui.play.player import Player
from zoo_gui.play.rollout import Recipe, collect
from zoo_gui.types import Unit, ZooError

MEMORY = NetworkSpec((
    LayerSpec("conv1", "conv", filters=4, kernel=(4, 4), stride=(4, 4), activation="relu"),
    LayerSpec("memory", "lstm", units=5),
    LayerSpec("policy", "dense", units=3, role="logits"),
))  # fmt: skip
MANY = Disturbance(observation_noise=0.1, parameter_noise=0.02, action_noise=0.2, sticky=0.3, frame_drop=0.4,
                   brightness=0.1, contrast=0.7, occlusion=0.1, latency=2)  # fmt: skip


@pytest.fixture(scope="module")
def agent():
    return Agent(tiny_agents.card(), tiny_agents.weights())


@pytest.fixture(scope="module")
def remembering():
    return Agent(tiny_agents.card(MEMORY), tiny_agents.weights(MEMORY))


def player_of(agent, disturbance=None, seed=0, **settings):
    player = Player(Emulator("Breakout"), agent, seed=seed, **settings)
    if disturbance is not None:
        player.disturbance = disturbance
    return player


def told(step):
    """What must be equal where two steps are the same."""
    decision = step.decision
    return (step.frame.tobytes(), step.observation.dtype, step.observation.tobytes(), decision.action,
            decision.flat.tobytes(), decision.state.tobytes(), step.reward, step.episode, step.index)  # fmt: skip


def played(player, count):
    return [told(player.step()) for _ in range(count)]


# -- what each does ------------------------------------------------------------------------------------------
def test_at_rest_nothing_changes(agent):
    plain, rested = player_of(agent), player_of(agent, Disturbance(parameter_layers="all"))
    steps = [player.step() for player in (plain, rested) for _ in range(25)]
    assert list(map(told, steps[:25])) == list(map(told, steps[25:]))
    assert not any(step.edited for step in steps) and rested.deciding is agent
    assert steps[0].observation.dtype == np.uint8


def test_observation_noise_is_normal_new_at_each_step_and_not_clipped(agent):
    player = player_of(agent, Disturbance(observation_noise=0.2))
    noises = []
    for index in range(30):
        step = player.step()
        clean = player.undisturbed
        noises.append((step.observation - clean) / 255)
        drawn = np.random.default_rng([0, NOISE, 0, index, 0]).standard_normal(clean.shape, np.float32)
        np.testing.assert_array_equal(step.observation, drawn * np.float32(0.2 * 255.0) + clean)
        assert step.observation.dtype == np.float32 and step.edited
    noise = np.array(noises)
    assert abs(noise.std() - 0.2) < 0.005 and abs(noise.mean()) < 0.005
    assert abs(np.corrcoef(noise[3].ravel(), noise[4].ravel())[0, 1]) < 0.12
    assert step.observation.min() < 0


def test_light_is_a_line_through_mid_grey_clipped():
    grey, scale = np.array([[[0, 100, 128, 255]]], np.uint8), Scale()
    np.testing.assert_array_equal(relit(grey, scale, 0.1, 1.0), [[[26, 126, 154, 255]]])  # + 25.5, half to even
    np.testing.assert_array_equal(relit(grey, scale, 0.0, 0.5), [[[64, 114, 128, 191]]])
    np.testing.assert_array_equal(relit(grey, scale, -1.0, 4.0), [[[0, 0, 0, 255]]])
    np.testing.assert_array_equal(relit(grey, scale, 0.0, 0.0), np.full_like(grey, 128))
    change = np.array([[[-255.0, 0.0, 200.0]]], np.float32)  # a difference of frames: mid-grey is 0
    np.testing.assert_array_equal(relit(change, Scale(-255.0, 255.0, 255.0), 0.1, 2.0), [[[-255.0, 25.5, 255.0]]])
    normalised = np.array([[[-1.0, 6.0]]], np.float32)  # what lies beyond the range that is shown stays
    np.testing.assert_allclose(relit(normalised, Scale(-4.0, 4.0, 1.0), 0.5, 1.0), [[[-0.5, 6.0]]])


def test_the_rectangle_has_its_share_and_lies_anywhere():
    observation, rng = np.zeros((84, 80, 2), np.uint8), np.random.default_rng(0)
    corners = []
    for _ in range(200):
        covered = occluded(observation, 0.1, rng, Scale()) == 128
        rows, columns = np.nonzero(covered.any((1, 2)))[0], np.nonzero(covered.any((0, 2)))[0]
        assert covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert abs(covered.mean() - 0.1) < 0.005
        corners.append((rows[0], columns[0]))
    assert min(corners)[0] == 0 and max(corners)[0] == 84 - 27 and {0, 80 - 25} <= {right for _, right in corners}
    assert (occluded(observation, 1.0, rng, Scale()) == 128).all() and not observation.any()


def test_the_rectangle_moves_with_the_episode_only(agent):
    player = player_of(agent, Disturbance(occlusion=0.2))
    places = []
    for _ in range(2):
        for _ in range(3):
            changed = player.step().observation != player.undisturbed
            places.append(tuple(np.argwhere(changed.any(-1))[0]))
        player.next_episode()
    assert len(set(places[:3])) == len(set(places[3:])) == 1 and places[0] != places[3]


def test_a_dropped_frame_shows_the_last_observation(agent):
    player = player_of(agent, Disturbance(frame_drop=0.5, observation_noise=0.05))
    seen = [player.step().observation for _ in range(40)]
    again = [np.array_equal(one, other) for one, other in zip(seen[1:], seen)]
    assert 0.3 < np.mean(again) < 0.7
    always = player_of(agent, Disturbance(frame_drop=1.0))
    assert len({always.step().observation.tobytes() for _ in range(5)}) == 1
    always.next_episode()
    assert always.step().observation.any()  # the first of an episode is always new


def test_late_actions_are_those_wanted_before(agent):
    player = player_of(agent, Disturbance(latency=3))
    wanted, done = [], []
    for _ in range(20):
        done.append(player.step().decision.action)
        wanted.append(player.disturbed.wanted)
    assert done == [0, 0, 0, *wanted[:-3]] and len(set(wanted)) > 1
    player.next_episode()
    assert player.step().decision.action == 0


def test_noise_on_actions_has_its_probability_and_sticking_comes_after_it(agent):
    player = player_of(agent, Disturbance(action_noise=0.5), controller="human")
    actions = [player.step().decision.action for _ in range(150)]  # the person always wants action 0
    assert abs(np.mean(np.array(actions) != 0) - 0.5 * 2 / 3) < 0.12
    player = player_of(agent, Disturbance(sticky=1.0, action_noise=1.0))
    actions = [player.step().decision.action for _ in range(10)]
    assert len(set(actions)) == 1
    player = player_of(agent, Disturbance(sticky=0.4), controller="human")
    wanted, done = [], []
    for number in range(150):
        player.human_action = number % 3
        done.append(player.step().decision.action)
        wanted.append(player.disturbed.wanted)
    kept = [now == before for now, before, want in zip(done[1:], done, wanted[1:]) if want != before]
    assert abs(np.mean(kept) - 0.4) < 0.16


def test_noise_on_weights_is_drawn_once_a_seed_as_a_rollout_draws_it(agent):
    player = player_of(agent, Disturbance(parameter_noise=0.1), seed=4)
    expected = with_parameter_noise(agent, 0.1, parameter_rng(4))
    noisy = player.deciding
    assert noisy is player.deciding and noisy.hash == expected.hash != agent.hash
    np.testing.assert_array_equal(noisy.weights["fc/kernel"], agent.weights["fc/kernel"])
    *_, last = collect(agent, Recipe.of(seed=4, steps=3, parameter_noise=0.1))
    flat = last.result.representation[0]
    np.testing.assert_allclose(player.step().decision.activations["fc"], flat, atol=1e-6)
    player.restart(5)
    assert player.deciding.hash != noisy.hash
    player.disturbance = Disturbance(parameter_noise=0.1, parameter_layers="all")
    full = player.deciding
    kernels = with_parameter_noise(agent, 0.1, parameter_rng(5))
    np.testing.assert_array_equal(full.weights["conv1/kernel"], kernels.weights["conv1/kernel"])
    changed = {name for name in agent.weights if not np.array_equal(full.weights[name], agent.weights[name])}
    assert changed == set(agent.weights)


def test_edits_act_on_the_noisy_network_too(agent):
    player = player_of(agent, Disturbance(parameter_noise=0.1))
    agent.edit(Unit("fc", 2), 0.0, 7.0)
    try:
        assert player.step().decision.activations["fc"][2] == 7.0
    finally:
        agent.clear_edits()
    assert player.step().decision.activations["fc"][2] != 7.0


@pytest.mark.parametrize(
    "settings", [{"observation_noise": -0.1}, {"sticky": 1.5}, {"latency": 1.5}, {"latency": 1000}, {"brightness": -2},
                 {"contrast": float("nan")}, {"parameter_layers": "some"}])  # fmt: skip
def test_levels_that_make_no_sense_are_one_sentence(settings):
    with pytest.raises(ZooError):
        Disturbance(**settings)


def test_what_cannot_be_disturbed_is_refused_and_changes_nothing(agent):
    flat = NetworkSpec((LayerSpec("policy", "dense", units=3, role="logits"),))
    player = player_of(Agent(tiny_agents.card(flat), tiny_agents.weights(flat)))
    with pytest.raises(ZooError, match="no convolutions"):
        player.disturbance = Disturbance(parameter_noise=0.1)
    assert not player.disturbance.on
    with pytest.raises(ZooError, match="sticky"):
        Disturbance().with_level("stick", 1)


def test_every_disturbance_has_levels_that_can_be_asked_for():
    for name, about in DISTURBANCES.items():
        assert about.rest in about.levels and not Disturbance().with_level(name, about.rest).on
        for level in (*about.levels, about.low, about.high):
            asked = Disturbance().with_level(name, level)
            assert asked.on == ((name,) if level != about.rest else ())
            assert not asked.on or f"{level:g}" in asked.words


# -- a disturbed game comes again ----------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["agent", "remembering"])
def test_the_same_seed_gives_the_same_disturbed_game(who, request):
    agent = request.getfixturevalue(who)
    first, again, other = (played(player_of(agent, MANY, seed), 20) for seed in (1, 1, 2))
    assert first == again and first != other


@pytest.mark.parametrize("who", ["agent", "remembering"])
def test_a_snapshot_is_gone_back_to_exactly(who, request):
    player = player_of(request.getfixturevalue(who), MANY)
    played(player, 7)
    kept = player.snapshot()
    after = played(player, 12)
    player.restart(9)
    played(player, 3)
    player.restore(kept)
    assert played(player, 12) == after


def recorded(player, count, every=8):
    found, steps = of_player(player), []
    for number in range(count):
        key = player.snapshot() if number % every == 0 else None
        steps.append(player.step())
        keep(found, player, steps[-1], number, key)
        if number == 23:  # where the next key is
            player.next_episode()
    return found, steps


@pytest.mark.parametrize("who", ["agent", "remembering"])
def test_the_way_back_to_a_disturbed_moment_is_exact(who, request):
    agent = request.getfixturevalue(who)
    found, steps = recorded(player_of(agent, MANY, seed=3), 45)
    for row in (0, 5, 13, 44):
        np.testing.assert_array_equal(found.observation(row), steps[row].observation)
    player = player_of(agent, MANY, seed=3)
    for number in (22, 7, 24, 8, 31):
        assert go_back(player, found, number)
        assert [told(player.step()) for _ in range(2)] == [told(step) for step in steps[number : number + 2]]


def test_the_way_back_is_that_of_the_moment_whatever_disturbs_now(agent):
    asked = replace(MANY, parameter_noise=0.0)
    found, steps = recorded(player_of(agent, asked, seed=3), 24)
    player = player_of(agent, Disturbance(latency=5, brightness=0.5), seed=3)
    assert go_back(player, found, 22)
    player.disturbance = asked
    assert [told(player.step()) for _ in range(2)] == list(map(told, steps[22:]))


def test_moments_keep_noise_without_keeping_its_numbers(agent):
    sizes = []
    for disturbance in (Disturbance(), Disturbance(observation_noise=0.3)):
        found, _ = recorded(player_of(agent, disturbance, seed=3), 20)
        assert isinstance(found, Moments)
        sizes.append(sum(len(packed) for _, packed in found._seen))
    assert sizes[1] < 1.5 * sizes[0]


def test_who_watches_sees_disturbed_but_does_nothing(agent):
    driver, watcher = player_of(agent), player_of(agent, replace(MANY, parameter_noise=0.0))
    for _ in range(10):
        first = driver.step()
        step = watcher.step(follow=driver.played)
        assert np.array_equal(first.frame, step.frame) and step.observation.dtype == np.float32
        assert step.decision.action == watcher.disturbed.wanted


@pytest.mark.parametrize("changes", [{"difference": True}, {"running": 0.99}])
def test_agents_with_other_ranges_are_disturbed_in_their_own_units(changes):
    spec = replace(tiny_agents.card().preprocessing, **changes)
    agent = Agent(tiny_agents.card(preprocessing=spec), tiny_agents.weights())
    unit = 1.0 if "running" in changes else 255.0
    player = player_of(agent, Disturbance(observation_noise=0.1, occlusion=0.5), seed=2)
    for _ in range(4):
        step = player.step()
    change = step.observation - player.undisturbed
    hidden = np.random.default_rng([2, NOISE, 0, 0, 4]).random(2)  # where the rectangle is
    top, left = int(hidden[0] * (20 - 14 + 1)), int(hidden[1] * (18 - 13 + 1))
    grey = step.observation[top : top + 14, left : left + 13]
    assert abs(grey.mean()) < 0.02 * unit and abs(grey.std() - 0.1 * unit) < 0.015 * unit
    assert step.observation.dtype == np.float32 and np.isfinite(change).all()
    assert len(set(played(player_of(agent, MANY, seed=2), 6))) == 6
