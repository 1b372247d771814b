"""The catalogue: ids, paths and near names; and that what ships is whole."""

import subprocess
import sys

import numpy as np
import pytest
import tiny_agents
from safetensors.numpy import save_file

from zoo_gui.agents import catalogue
from zoo_gui.agents.card import Card
from zoo_gui.agents.formats import read_weights
from zoo_gui.agents.layout import Layout
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

IDS = [entry.id for entry in catalogue.entries()]


def test_what_ships():
    assert set(IDS) >= {"ppo/Breakout/1", "ppo/Pong/1", "distill/Seaquest/1", "distill/Qbert/1", "distill/Breakout/2"}
    assert len(IDS) == len(set(IDS)) == len(list(resource_path("agents").rglob("card.toml")))


@pytest.mark.parametrize("id", IDS)
def test_each_shipped_agent_is_whole_and_tells_its_story(id):
    entry = catalogue.find(id)
    card = Card.read(entry.path)
    weights = read_weights(entry.path.parent / card.weights.file, sha256=card.weights.sha256)
    Layout(card.network, card.preprocessing.observation_shape).check(weights, id)
    assert entry.path.parent == resource_path("agents", *id.split("/"))
    assert entry.score > entry.random_score and entry.description and card.credit and card.licence
    assert card.scores.episodes >= 7 and card.scores.protocol and card.training.method
    if scores := card.scores.scores:
        assert np.mean(scores) == pytest.approx(card.scores.mean) and len(scores) == card.scores.episodes
    if card.algorithm == "distill":
        assert card.training.teacher and "student" in card.description and "MIT" in card.credit


def test_the_default_plays_well():
    entry = catalogue.find(catalogue.default_id())
    assert entry.score > entry.human_score


@pytest.mark.parametrize("text", ["PPO/breakout/1", " ppo/Breakout/1/ ", "ppo/Breakout/1"])
def test_ids_in_any_case(text):
    assert catalogue.find(text).id == "ppo/Breakout/1"


@pytest.mark.parametrize("text, near", [("ppo/Brekout/1", "ppo/Breakout/1"), ("distil/Pong/2", "distill/Pong/2")])
def test_unknown_ids_say_near_names(text, near):
    with pytest.raises(ZooError, match=f"no agent “{text}”.*{near}"):
        catalogue.find(text)


@pytest.mark.parametrize("text", ["", "/", "a/b/c/d/e", "ppo", "no such thing", "../nowhere", "x.toml", "/dev/null"])
def test_anything_else_is_a_sentence_too(text):
    with pytest.raises(ZooError):
        catalogue.find(text)


def test_paths(tmp_path, monkeypatch):
    tiny_agents.write(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for text in ("mine", "./mine", "mine/card.toml", "mine/weights.safetensors", str(tmp_path / "mine")):
        entry = catalogue.find(text)
        assert (entry.id, entry.game, entry.score) == (text, "Breakout", 1.5)


def test_paths_without_a_card(tmp_path):
    with pytest.raises(ZooError, match="has no card"):
        catalogue.find(str(tmp_path))
    save_file({"a": np.zeros(1)}, tmp_path / "lonely.safetensors")
    with pytest.raises(ZooError, match="has no card"):
        catalogue.find(str(tmp_path / "lonely.safetensors"))
    tiny_agents.write(tmp_path)
    with pytest.raises(ZooError, match="describes other weights"):
        catalogue.find(str(tmp_path / "lonely.safetensors"))


def test_a_faulty_card_does_not_spoil_the_list(tmp_path, monkeypatch, caplog):
    tiny_agents.write(tmp_path / "agents" / "tiny" / "Breakout" / "1")
    tiny_agents.write(tmp_path / "agents" / "tiny" / "Breakout" / "1" / "1HR", tag="1HR")
    bad = tmp_path / "agents" / "tiny" / "Pong" / "1" / "card.toml"
    bad.parent.mkdir(parents=True)
    bad.write_text("format = 9")
    monkeypatch.setattr(catalogue, "resource_path", lambda *parts: tmp_path.joinpath(*parts))
    assert [entry.id for entry in catalogue.entries()] == ["tiny/Breakout/1", "tiny/Breakout/1/1HR"]
    assert str(bad) in caplog.text


def test_random_players():
    entry = catalogue.find("Random/space_invaders")
    assert (entry.id, entry.game, entry.path) == ("random/SpaceInvaders", "SpaceInvaders", None)
    assert catalogue.find(entry.id) == entry
    with pytest.raises(ZooError, match="reakout"):
        catalogue.find("random/Brekout")


def test_listing_needs_no_tensorflow():
    code = "import sys; from zoo_gui.agents import catalogue; catalogue.entries(); print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
