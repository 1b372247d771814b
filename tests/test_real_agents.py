"""Agents of other people, as they saved them: each computes what an independent forward pass said.

The cards in ``cards`` were written from each author's README; ``slow/score_real_agents.py`` plays them.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import Card
from zoo_gui.agents.drafts import draft
from zoo_gui.agents.formats import read_checkpoint

CARDS = Path(__file__).parent / "cards"
AGENTS = Path(__file__).parents[2] / "shared" / "agents"
pytestmark = pytest.mark.skipif(not AGENTS.exists(), reason="other people's agents (../shared/agents) are not here")
PACKT = "PacktPublishing_Hands-On-Intelligent-Agents-with-OpenAI-Gym"
REAL = {  # card: (its file, golden vectors)
    "ikostrikov_a2c_breakout": (
        "ikostrikov_pytorch-a2c-ppo-acktr-gail/trained_models/a2c/BreakoutNoFrameskip-v4.pt", "ikost_a2c_breakout"),
    "ikostrikov_acktr_pong": (
        "ikostrikov_pytorch-a2c-ppo-acktr-gail/trained_models/acktr/PongNoFrameskip-v4.pt", "ikost_acktr_pong"),
    "dhruvsreenivas_ppo_pong": (
        "dhruvsreenivas_pytorch-a2c-trpo-ppo-acktr-gail/trained_models/ppo/PongNoFrameskip-v4.pt", "dhruv_ppo_pong"),
    "greydanus_pong": ("greydanus_baby-a3c/pong-v4/model.80.tar", "baby_pong"),
    "greydanus_breakout": ("greydanus_baby-a3c/breakout-v4/model.80.tar", "baby_breakout"),
    "ak811_dqn_pong": ("ak811_pong-dqn/models/best_model.pth", "ak811_dqn_pong"),
    "packt_dqn_spaceinvaders": (
        f"{PACKT}/ch6/trained_models/DQL_SpaceInvadersNoFrameskip-v4.ptm", "packt_dql_spaceinvaders"),
    "rlcode_a3c_breakout_5": (
        "rlcode_reinforcement-learning/3-atari/1-breakout/save_model/breakout_a3c_5_actor.h5", "rlcode_a3c5_breakout"),
    "rlcode_a3c_breakout_4": (
        "rlcode_reinforcement-learning/3-atari/1-breakout/save_model/breakout_a3c_4_actor.h5", None),
    "rlcode_a3c_breakout_1": (
        "rlcode_reinforcement-learning/3-atari/1-breakout/save_model/breakout_a3c_1_actor.h5", None),
    "alexliu_reinforce_pong": (
        "Alexander-H-Liu_Policy-Gradient-and-Actor-Critic-Keras/pretrained_model/pg_model.h5", "alexliu_pong"),
    "chainer_a3c_breakout": (
        "chainer_chainerrl-visualizer/examples/a3c_breakout/parameters/model.npz", "chainerviz_breakout"),
}  # fmt: skip
GOLDEN = [name for name, (_, golden) in REAL.items() if golden]
TOLERANCE = 1e-4


def golden_moments(name: str, agent: Agent):
    """(observation in 0–255 units and our order of frames, the golden arrays) of three moments of a real game."""
    arrays = np.load(AGENTS / "_golden" / f"golden_{REAL[name][1]}.npz")
    low, high = agent.card.network.input_range
    for moment in range(3):
        rows = {key.partition("_")[2]: arrays[key] for key in arrays.files if key.startswith(f"s{moment}_")}
        seen = rows["input"][0].transpose(1, 2, 0)
        if agent.card.network.frame_order == "newest-first":
            seen = seen[..., ::-1]
        yield np.ascontiguousarray((seen - low) / (high - low) * 255, np.float32), rows


def close(found, expected):
    return np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_outputs(name):
    import tensorflow as tf

    agent = Agent.of_file(Card.read(CARDS / f"{name}.toml"), AGENTS / REAL[name][0])
    for seen, rows in golden_moments(name, agent):
        state = rows["h_in"][0] if "h_in" in rows else None
        decision = agent.decide(seen, np.random.default_rng(0), state)
        assert close(decision.scores, rows["logits"][0])
        if state is not None:
            assert close(decision.state, rows["h_out"][0])
        low, high = agent.observation_range
        tapped = agent.taps(tf.constant((seen[None] - low) / (high - low)), pre=True)["conv1"][0]
        assert close(tapped.numpy(), rows["conv1_pre"][0].transpose(1, 2, 0))


@pytest.mark.parametrize("name", list(REAL))
def test_each_plays(name):
    """What the emulator shows, through the author's preprocessing, is what the network was trained on."""
    from zoo_gui.play.player import play

    agent = Agent.of_file(Card.read(CARDS / f"{name}.toml"), AGENTS / REAL[name][0])
    steps = list(play(agent, steps=40, seed=1))
    seen = steps[-1].observation
    assert seen.shape == agent.observation_shape and len({step.decision.action for step in steps}) > 1
    if REAL[name][1]:
        golden = np.concatenate([moment.ravel() for moment, _ in golden_moments(name, agent)])
        assert seen.min() >= agent.observation_range[0] and seen.max() <= agent.observation_range[1]
        if not agent.card.preprocessing.is_float:  # bytes then, bytes now
            assert np.abs(golden - golden.round()).max() < 1e-2


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_the_container_of_stable_baselines3(algorithm):
    """Agents of CartPole, which no emulator here plays: against the forward pass in NumPy that balanced the pole."""
    path = AGENTS / f"DLR-RM_rl-trained-agents/{algorithm}/CartPole-v1_1/CartPole-v1.zip"
    agent = Agent.of_file(Card.read(CARDS / f"sb3_{algorithm}_cartpole.toml"), path)
    arrays = read_checkpoint(path).arrays
    seen = np.random.default_rng(0).normal(size=4).astype("f4")
    paths, bend = {
        "ppo": (["mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"], np.tanh),
        "dqn": (["q_net.q_net.0", "q_net.q_net.2", "q_net.q_net.4"], lambda x: np.maximum(x, 0)),
    }[algorithm]
    x = seen
    for layer in paths:
        x = arrays[f"{layer}.weight"] @ x + arrays[f"{layer}.bias"]
        x = x if layer == paths[-1] else bend(x)
    assert close(agent.decide(seen.reshape(1, 4, 1), np.random.default_rng(0)).scores, x)
    assert agent.has_value and agent.scores_kind == ("logits" if algorithm == "ppo" else "q")


@pytest.mark.parametrize("name", list(REAL))
def test_a_draft_is_the_card_that_the_readme_gives(name):
    """With no help from anybody the file is understood as its author meant it."""
    found, card = draft(AGENTS / REAL[name][0]).card, Card.read(CARDS / f"{name}.toml")
    agent, expected = Agent.of_file(found, AGENTS / REAL[name][0]), Agent.of_file(card, AGENTS / REAL[name][0])
    assert (found.game, found.actions) == (card.game, card.actions)
    rng = np.random.default_rng(0)
    low, high = expected.observation_range
    for _ in range(3):
        seen = rng.uniform(low, high, expected.observation_shape).astype("f4")
        assert close(agent.decide(seen, rng).scores, expected.decide(seen, rng).scores)
    rules = {f.name for f in dataclasses.fields(card.preprocessing)} - {"max_episode_frames", "sticky", "fire_on_reset"}
    assert {rule: getattr(found.preprocessing, rule) for rule in rules} == {
        rule: getattr(card.preprocessing, rule) for rule in rules
    }


@pytest.mark.parametrize("name", list(REAL))
def test_the_format_is_found_and_nothing_of_it_runs(name):
    checkpoint = read_checkpoint(AGENTS / REAL[name][0])
    assert checkpoint.format in ("pytorch", "keras-hdf5", "numpy") and len(checkpoint.arrays) >= 6
