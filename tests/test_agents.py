"""Agents: action rules, decisions, hashes, loading; and the shipped ones against golden numbers of the originals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_agents

from zoo_gui.agents import heads
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, LayerSpec, NetworkSpec
from zoo_gui.types import Unit, ZooError

ZOO = Path(__file__).resolve().parents[2] / "shared" / "zoo"
SCORES = np.array([1.0, 3.0, 2.0, -1.0], np.float32)


def draws(rule, count, epsilon=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([heads.choose(rule, SCORES, rng, epsilon) for _ in range(count)])


def test_sampling_follows_the_softmax():
    counts = np.bincount(draws("sample", 20000), minlength=4)
    expected = np.exp(SCORES) / np.exp(SCORES).sum() * counts.sum()
    assert ((counts - expected) ** 2 / expected).sum() < 16.27  # chi-square, 3 degrees of freedom, p = 0.001


@pytest.mark.parametrize("rule", heads.RULES)
def test_the_same_generator_gives_the_same_actions(rule):
    np.testing.assert_array_equal(draws(rule, 200, 0.3), draws(rule, 200, 0.3))


def test_sampling_is_inverse_transform():
    """Written out: the first action whose cumulative probability exceeds the draw. Pins recorded games."""
    rng, cumulative = np.random.default_rng(5), np.cumsum(np.exp(SCORES.astype(float) - 3))
    expected = [int(np.argmax(cumulative > rng.random() * cumulative[-1])) for _ in range(500)]
    np.testing.assert_array_equal(draws("sample", 500, seed=5), expected)


def test_sampling_bears_extreme_scores():
    rng = np.random.default_rng(0)
    for scores in ([1e30, 0.0, -1e30], [-1e4, -1e4], [0.0], [88.0, 800.0]):
        scores = np.array(scores, np.float32)
        assert heads.sample(scores, rng) in np.flatnonzero(scores == scores.max())


def test_greedy_rules():
    assert (draws("argmax", 5) == 1).all()
    assert heads.argmax(np.array([2.0, 2.0]), None) == 0
    assert (draws("epsilon", 50, 0.0) == 1).all()
    counts = np.bincount(draws("epsilon", 4000, 0.4), minlength=4)
    assert abs(counts[1] / 4000 - 0.7) < 0.03 and (abs(counts[[0, 2, 3]] / 4000 - 0.1) < 0.03).all()


@pytest.fixture(scope="module")
def policy():
    return Agent(tiny_agents.card(), tiny_agents.weights())


@pytest.fixture(scope="module")
def q_agent():
    return Agent(tiny_agents.card(tiny_agents.Q, "argmax"), tiny_agents.weights(tiny_agents.Q))


def test_a_decision_is_one_consistent_record(policy):
    decision = policy.decide(tiny_agents.observation(), np.random.default_rng(0))
    assert list(decision.activations) == [info.name for info in policy.layers]
    flat = np.concatenate([array.ravel() for array in decision.activations.values()])
    np.testing.assert_array_equal(decision.flat, flat)
    np.testing.assert_array_equal(decision.scores, decision.activations["policy"])
    assert decision.value == decision.activations["value"][0] and decision.scores_kind == "logits"
    assert 0 <= decision.action < 3 and decision.flat.dtype == np.float32
    for array in (decision.flat, decision.scores, *decision.activations.values()):
        assert not array.flags.writeable


def test_an_earlier_decision_is_not_overwritten(policy):
    rng = np.random.default_rng(0)
    first = policy.decide(tiny_agents.observation(0), rng)
    kept = first.flat.copy()
    policy.decide(tiny_agents.observation(1), rng)
    np.testing.assert_array_equal(first.flat, kept)


def test_equal_seeds_decide_equally(policy):
    runs = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        decisions = [policy.decide(tiny_agents.observation(i), rng) for i in range(20)]
        runs.append([(decision.action, decision.flat.tobytes()) for decision in decisions])
    assert runs[0] == runs[1]


def test_a_q_agent_takes_the_best_and_its_value_is_max_q(q_agent):
    decision = q_agent.decide(tiny_agents.observation(), np.random.default_rng(0))
    assert decision.action == decision.scores.argmax() and decision.value == decision.scores.max()
    assert (q_agent.scores_kind, q_agent.has_value, decision.scores_kind) == ("q", True, "q")


def test_a_dueling_quantile_agent_plays_like_any_other(tmp_path):
    """From its file: greedy and ε-greedy decisions, its state value, and an edit that works through the heads."""
    tiny_agents.write(tmp_path, tiny_agents.QUANTILES, actions=ActionSpec(("NOOP", "LEFT", "RIGHT"), "epsilon", 0.5))
    agent, observation = Agent.load(str(tmp_path)), tiny_agents.observation()
    decisions = [agent.decide(observation, np.random.default_rng(seed)) for seed in range(200)]
    first = decisions[0]
    assert (agent.scores_kind, agent.has_value, first.scores.shape) == ("q", True, (3,))
    assert first.value == first.activations["state_value"][0]
    np.testing.assert_allclose(first.scores, first.activations["quantiles"].reshape(3, 4).mean(1), atol=1e-6)
    counts = np.bincount([decision.action for decision in decisions], minlength=3) / 200
    assert counts[first.scores.argmax()] == pytest.approx(2 / 3, abs=0.1) and (counts > 0.05).all()
    worst = int(first.scores.argmin())
    for quantile in range(4):
        agent.edit(Unit("advantage", 4 * worst + quantile), 0.0, 100.0)
    edited = agent.decide(observation, np.random.default_rng(0))
    assert edited.scores.argmax() == worst and edited.scores[worst] > 60
    np.testing.assert_allclose(edited.activations["value"], first.activations["value"])
    greedy = Agent(replace(agent.card, actions=ActionSpec(("NOOP", "LEFT", "RIGHT"), "argmax")), agent.weights)
    assert greedy.decide(observation, None).action == first.scores.argmax()


def test_a_dueling_agent_explains_its_value_and_its_action():
    agent = Agent(tiny_agents.card(tiny_agents.DUELING, "argmax"), tiny_agents.weights(tiny_agents.DUELING))
    observation = tiny_agents.observation()
    decision = agent.decide(observation, None)
    assert decision.value == decision.activations["value"][0] == pytest.approx(decision.scores.mean(), abs=1e-5)
    value = agent.gradients(observation, "value")
    np.testing.assert_array_equal(value, agent.gradients(observation, Unit("value", 0)))
    each = [agent.gradients(observation, "action", action) for action in range(3)]
    np.testing.assert_allclose(np.mean(each, 0), value, atol=1e-6)


def test_clamping_an_output_changes_the_choice(q_agent):
    worst = int(q_agent.decide(tiny_agents.observation(), None).scores.argmin())
    q_agent.edit(Unit("q", worst), 0.0, 1e6)
    try:
        assert q_agent.decide(tiny_agents.observation(), None).action == worst
    finally:
        q_agent.clear_edits()


def test_a_policy_without_a_value_head_says_so():
    network = NetworkSpec((LayerSpec("policy", "dense", units=3, role="logits"),))
    agent = Agent(tiny_agents.card(network), tiny_agents.weights(network))
    assert agent.decide(tiny_agents.observation(), np.random.default_rng(0)).value is None and not agent.has_value
    with pytest.raises(ZooError, match="no value head"):
        agent.gradients(tiny_agents.observation(), "value")


def test_the_hash_changes_with_what_makes_behaviour_and_nothing_else(policy):
    weights, card = tiny_agents.weights(), tiny_agents.card()
    assert Agent(replace(card, title="x", description="y"), weights).hash == policy.hash
    changed = weights | {"fc/bias": weights["fc/bias"] + np.float32(1e-3)}
    skip = replace(card, preprocessing=replace(card.preprocessing, frame_skip=3))
    scaled = replace(card, network=replace(card.network, input_range=(0.0, 255.0)))
    hashes = {policy.hash, Agent(card, changed).hash, Agent(skip, weights).hash, Agent(scaled, weights).hash}
    assert len(hashes) == 4


HASHES = {  # as they were before cards knew dueling layers and expectations
    "ppo/Breakout/1": "c94e7878708f75129154f0799fe4e9a36ebb73fc47631a592150ca01276e1236",
    "distill/Qbert/1": "6a66a64db12620bf96b5fbf4e370471110fbd9de5236a9f8d858290ad93db780",
}


@pytest.mark.parametrize("id", HASHES)
def test_hashes_of_shipped_agents_stay(id):
    assert Agent.load(id).hash == HASHES[id]


def test_the_hash_knows_how_heads_are_wired():
    network, weights = tiny_agents.C51, tiny_agents.weights(tiny_agents.C51)
    wider = replace(network, layers=(*network.layers[:-1], replace(network.layers[-1], support=(-2.0, 4.0))))
    mean = replace(network, layers=(*network.layers[:-1], replace(network.layers[-1], support=None)))
    assert len({Agent(tiny_agents.card(net, "argmax"), weights).hash for net in (network, wider, mean)}) == 3


def test_weights_cannot_be_changed_by_accident(policy):
    with pytest.raises(ValueError):
        policy.weights["fc/bias"][0] = 1
    with pytest.raises(TypeError):
        policy.weights["fc/bias"] = None


def test_loading_from_a_folder_and_its_faults(tmp_path):
    tiny_agents.write(tmp_path / "good")
    agent = Agent.load(str(tmp_path / "good"))
    assert agent.name == str(tmp_path / "good") and agent.title == "tiny · Breakout · run 1"
    assert agent.observation_shape == tiny_agents.OBSERVATION and agent.action_names == ("NOOP", "LEFT", "RIGHT")
    (tmp_path / "good" / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(ZooError, match="SHA-256"):
        Agent.load(str(tmp_path / "good"))
    (tmp_path / "good" / "weights.safetensors").unlink()
    with pytest.raises(ZooError, match="missing"):
        Agent.load(str(tmp_path / "good"))
    tiny_agents.write(tmp_path / "wrong")
    card = tmp_path / "wrong" / "card.toml"
    card.write_text(card.read_text().replace("units = 6", "units = 7"))
    with pytest.raises(ZooError, match="contradicts its weights .*fc/kernel should be"):
        Agent.load(str(tmp_path / "wrong"))
    with pytest.raises(ZooError, match="Did you mean"):
        Agent.load("ppo/Brekout/1")


def test_a_random_player_is_no_agent():
    with pytest.raises(ZooError, match="without a network"):
        Agent.load("random/Breakout")


ORIGINALS = {
    "ppo/Breakout/1": "ppo/ppo_breakout",
    "distill/Seaquest/1": "distill/distill_seaquest_1", "distill/Breakout/2": "distill/distill_breakout_2",
}  # fmt: skip


def original_scores(path, observation):
    """The outputs of the original file by NumPy, in its own PyTorch layout: [(A,) logits, (1,) value …]."""
    with np.load(path) as file:
        arrays = {name: file[name].astype(np.float64) for name in file}
    body = sorted({int(name.split(".")[1]) for name in arrays if name.startswith("body.")})
    x, strides = observation.transpose(2, 0, 1) / 255, iter((4, 2, 1))
    for index in body:
        kernel, bias = arrays[f"body.{index}.weight"], arrays[f"body.{index}.bias"]
        if kernel.ndim == 4:
            s = next(strides)
            windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], (1, 2))[:, ::s, ::s]
            x = np.maximum(np.einsum("cijuv,ocuv->oij", windows, kernel) + bias[:, None, None], 0)
        else:
            x = np.maximum(kernel @ x.ravel() + bias, 0)
    count = sum(name.startswith("outs.") for name in arrays) // 2
    return [arrays[f"outs.{i}.weight"] @ x + arrays[f"outs.{i}.bias"] for i in range(count)]


@pytest.mark.skipif(not ZOO.is_dir(), reason="the original animals are not beside the project (../shared/zoo)")
@pytest.mark.parametrize("id", ORIGINALS)
def test_shipped_agents_compute_what_the_originals_did(id):
    agent = Agent.load(id)
    observation = np.random.default_rng(0).integers(0, 256, (84, 84, 4), dtype=np.uint8)
    decision = agent.decide(observation, np.random.default_rng(0))
    expected = original_scores(ZOO / f"{ORIGINALS[id]}.npz", observation)
    np.testing.assert_allclose(decision.scores, expected[0], rtol=1e-4, atol=1e-4)
    assert (decision.value is None) == (len(expected) == 1)
    if len(expected) == 2:
        assert decision.value == pytest.approx(expected[1][0], abs=1e-4)


GOLDEN = {  # the first outputs (policy, then value) of the original files at ``ramp``, by ``original_scores``
    "distill/Breakout/1": [-7.5913, -8.6236, -4.9708, 9.6243],
    "distill/Breakout/2": [-7.5076, -15.2581, -27.0591, 3.5582],
    "distill/Pong/1": [1.7559, -10.2803, -15.3124, 18.6273, -22.6455, 12.3309],
    "distill/Pong/2": [1.2979, -4.2916, -4.3524, 8.9346, -7.7529, 2.2873],
    "distill/Qbert/1": [-4.5265, -15.8801, 0.4302, -10.6062, 5.964, 0.4596],
    "distill/Seaquest/1": [0.5824, 0.8901, -1.3888, -0.7408, -0.2511, 0.6954],
    "ppo/Breakout/1": [-5.099, -32.244, -1.3971, 33.4864, 2.1931],
}


@pytest.mark.parametrize("id", GOLDEN)
def test_golden_outputs(id):
    ramp = np.arange(84)[:, None, None] * 7 + np.arange(84)[None, :, None] * 13 + np.arange(4) * 50
    activations = Agent.load(id).activations((ramp % 256).astype(np.uint8))
    heads_ = np.concatenate([activations[name] for name in ("policy", "value") if name in activations])
    np.testing.assert_allclose(heads_[:6], GOLDEN[id], rtol=1e-4, atol=2e-4)


def test_of_a_batch_some_layers_alone_are_what_they_are_among_all():
    agent = Agent.load("ppo/Breakout/1")
    seen = np.random.default_rng(0).integers(0, 256, (3, *agent.observation_shape), np.uint8)
    names = [agent.layers[-1].name, agent.layers[1].name]
    some, all_of_them = agent.activations(seen, layers=names), agent.activations(seen)
    assert set(some) == set(names)
    for name in names:
        np.testing.assert_allclose(some[name], all_of_them[name], atol=1e-5)
