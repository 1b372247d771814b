"""An agent against its card: outputs, score, and the sentences that say so."""

import dataclasses
import json

import numpy as np
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import GoldenSpec, Scores
from zoo_gui.analysis.verify import Verification, golden_error, verify
from zoo_gui.cli import main
from zoo_gui.types import ZooError


@pytest.fixture
def agent():
    card = tiny_agents.card(rule="argmax")
    short = dataclasses.replace(card.preprocessing, max_episode_frames=80)
    return Agent(card.replaced(preprocessing=short), tiny_agents.weights())


def golden(path, agent, change=0.0, **arrays):
    seen = tiny_agents.observation(count=4)
    scores = np.stack([agent.decide(one, np.random.default_rng(0)).scores for one in seen])
    np.savez(path, **({"observation": seen, "scores": scores + change} | arrays))
    return path


def test_outputs_are_compared_relative_to_the_largest(tmp_path, agent):
    assert golden_error(agent, golden(tmp_path / "same.npz", agent)) < 1e-6
    scores = np.load(tmp_path / "same.npz")["scores"]
    largest = np.abs(scores + 0.5).max()
    assert golden_error(agent, golden(tmp_path / "off.npz", agent, 0.5)) == pytest.approx(0.5 / largest, rel=1e-4)


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"scores": np.zeros((4, 2))}, "scores for 2 actions"),
        ({"scores": np.zeros((3, 3))}, "4 observations, 3 scores"),
        ({"observation": np.zeros((4, 5, 5, 1), np.uint8)}, "observes"),
        ({"scores": np.array([None])}, "cannot be read"),
    ],
)
def test_a_golden_file_of_another_agent_is_one_sentence(tmp_path, agent, arrays, words):
    with pytest.raises(ZooError, match=words):
        golden_error(agent, golden(tmp_path / "g.npz", agent, **arrays))


def test_missing_and_damaged_golden_files(tmp_path, agent):
    with pytest.raises(ZooError, match="cannot be read"):
        golden_error(agent, tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes(golden(tmp_path / "g.npz", agent).read_bytes()[:300])
    with pytest.raises(ZooError, match="cannot be read"):
        golden_error(agent, tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", scores=np.zeros(3))
    with pytest.raises(ZooError, match="no array “observation”"):
        golden_error(agent, tmp_path / "other.npz")


def test_games_are_played_with_the_cards_rules(tmp_path, agent):
    card = agent.card.replaced(golden=GoldenSpec("g.npz"))
    agent = Agent(card, tiny_agents.weights())
    golden(tmp_path / "g.npz", agent)
    progress = list(verify(agent, episodes=3, seed=5, folder=tmp_path))
    found = progress[-1].result
    assert progress[-1].complete and len(found.returns) == 3 and found.golden_agrees
    assert [p.done for p in progress] == sorted(p.done for p in progress)
    assert found.mean == np.mean(found.returns)
    assert list(verify(agent, episodes=3, seed=5))[-1].result.returns == found.returns
    assert list(verify(agent, episodes=0, folder=tmp_path))[-1].result.mean is None


def verification(**changes):
    parts = dict(agent="a", golden_error=None, golden_tolerance=1e-4, returns=(10.0, 12.0, 14.0), mean=12.0, error=1.15,
                 published=13.0, published_error=1.0, protocol="ten games", random=1.0)  # fmt: skip
    return Verification(**(parts | changes))


@pytest.mark.parametrize(
    "changes, agrees, words",
    [
        ({}, True, "agrees with the published 13.0 (ten games)"),
        ({"published": 17.0}, False, "does NOT agree"),
        ({"published": None}, True, "no published score"),
        ({"golden_error": 2e-4}, False, "beyond the 1e-04"),
        ({"golden_error": 2e-6}, True, "within the 1e-04"),
        ({"returns": (), "mean": None}, True, "no published outputs"),
    ],
)
def test_verdicts(changes, agrees, words):
    found = verification(**changes)
    assert found.agrees is agrees and any(words in sentence for sentence in found.sentences)


def test_the_command(tmp_path, capsys):
    tiny_agents.write(tmp_path, rule="argmax", scores=Scores(mean=-7.0, episodes=3, scores=(-7.0, -7.0, -7.0)))
    assert main(["verify", str(tmp_path), "--episodes", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agrees"] is True
    text = (tmp_path / "card.toml").read_text().replace("max_episode_frames = 108000", "max_episode_frames = 60")
    (tmp_path / "card.toml").write_text(text)
    assert main(["verify", str(tmp_path), "--episodes", "2"]) == 1
    assert "does NOT agree with the published -7.0" in capsys.readouterr().out
    assert main(["verify", "none/Pong/1"]) == 2
