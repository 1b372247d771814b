"""Agents of the zoo are evaluated as they are loaded, and their cards hold what was measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from training import export, reevaluate
from training.evaluate import Evaluation

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import Card
from zoo_gui.types import ZooError

ANIMAL = Path(__file__).resolve().parent.parent / "resources" / "agents" / "ppo" / "Breakout" / "1"


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(ANIMAL, tmp_path / "animal"))


def test_actions_are_matched_by_meaning_and_drawn_by_the_rule(folder):
    agent = Agent.load(str(folder))
    loaded = reevaluate.Loaded(agent)
    loaded.plays_in(tuple(reversed(agent.action_names)))
    observation = np.random.default_rng(0).integers(0, 255, (1, 4, 84, 84), dtype=np.uint8).repeat(3000, 0)
    frequency = np.bincount(loaded.policy(observation, np.random.default_rng(1)), minlength=4) / 3000
    logits = agent.activations(observation[:1].transpose(0, 2, 3, 1))["policy"][0]
    softmax = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(frequency[::-1], softmax, atol=0.03)


def test_the_card_holds_what_was_measured(folder, monkeypatch):
    played = []

    def evaluate(policy, game, episodes, sticky):
        played.append((game, episodes, sticky))
        return Evaluation((20.0, 30.0), (10, 20), f"{sticky} sticky actions")

    monkeypatch.setattr(export, "evaluate", evaluate)
    before = Card.read(folder / "card.toml")
    card = reevaluate.reevaluate(folder, episodes=2)
    assert sorted(played) == [("Breakout", 2, 0.0), ("Breakout", 2, 0.25)]
    assert (card.scores.mean, card.scores.episodes, card.scores.scores) == (25.0, 2, (20.0, 30.0))
    assert card.scores.also[0].mean == 25.0 and "0.25" in card.scores.also[0].protocol
    assert card.scores.constant is not None and card.scores.human == before.scores.human
    assert card.replaced(scores=before.scores) == before


def test_an_agent_with_another_pipeline_is_left_alone(folder):
    path = folder / "card.toml"
    text = path.read_text().replace("max_last = 2", "max_last = 1")
    path.write_text(text)
    with pytest.raises(ZooError, match="another pipeline"):
        reevaluate.reevaluate(folder)
    assert path.read_text() == text


def test_an_action_that_the_game_lacks_is_said(folder):
    with pytest.raises(ZooError, match="actions that the game lacks: LEFT"):
        reevaluate.Loaded(Agent.load(str(folder))).plays_in(("NOOP", "FIRE", "RIGHT"))
