"""The catalogue: ids, paths and near names; and that what ships is whole."""

import subprocess
import sys

import numpy as np
import pytest
import tiny_agents
from safetensors.numpy import save_file

from zoo_gui.agents import catalogue
from zoo_gui.agents.card import Card, Scores, Training
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.agents.layout import Layout
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

IDS = [entry.id for entry in catalogue.entries([catalogue.EMBEDDED])]


def test_what_ships():
    assert set(IDS) >= {"ppo/Breakout/1", "ppo/Pong/1", "distill/Seaquest/1", "distill/Qbert/1", "distill/Breakout/2"}
    assert len(IDS) == len(set(IDS)) == len(list(resource_path("agents").rglob("card.toml")))


@pytest.mark.parametrize("id", IDS)
def test_each_shipped_agent_is_whole_and_tells_its_story(id):
    entry = catalogue.find(id)
    card = Card.read(entry.path)
    weights = read_checkpoint(entry.path.parent / card.weights.file, sha256=card.weights.sha256).arrays
    Layout(card.network, card.preprocessing.observation_shape).check(weights, id)
    assert entry.path.parent == resource_path("agents", *id.split("/"))
    assert entry.description and card.credit and card.licence
    assert entry.remark or entry.score > entry.random_score
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
    assert [entry.id for entry in catalogue.entries()] == ["tiny/Breakout/1/1HR", "tiny/Breakout/1"]
    assert str(bad) in caplog.text


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A zoo of one's own: ``zoo(tag, steps=…, …)`` puts an agent of run 1 into it; gives the agent's folder."""
    monkeypatch.setattr(catalogue, "resource_path", lambda *parts: tmp_path.joinpath(*parts))

    def put(tag="", steps=None, **changes):
        folder = tmp_path.joinpath("agents", "tiny", "Breakout", "1", *filter(None, [tag]))
        tiny_agents.write(folder, tag=tag, **{"training": Training(steps=steps), **changes})
        return folder

    return put


def test_tags_stand_in_the_order_of_training(zoo):
    zoo("", 4_000_000)
    for tag, steps in (("13.2M", 3_300_000), ("1.6M", 400_000), ("initial", 0), ("1HR", None)):
        zoo(tag, steps)
    found = catalogue.entries()
    assert [entry.tag for entry in found] == ["initial", "1.6M", "13.2M", "1HR", ""]
    assert [entry.frames for entry in found] == [0, 1_600_000, 13_200_000, None, 16_000_000]
    assert found[1].title == "tiny 1.6M · Breakout · run 1"


@pytest.mark.parametrize(
    "text, id",
    [
        ("tiny/Breakout/1/final", "tiny/Breakout/1"),
        ("tiny/Breakout/1@final", "tiny/Breakout/1"),
        ("TINY/breakout/1@Final", "tiny/Breakout/1"),
        ("tiny/Breakout/1@1.6m", "tiny/Breakout/1/1.6M"),
        ("tiny/Breakout/1/1.6M", "tiny/Breakout/1/1.6M"),
    ],
)
def test_tags_in_ids(zoo, text, id):
    zoo()
    zoo("1.6M", 400_000)
    assert catalogue.find(text).id == id


def test_unknown_tags_say_near_names(zoo):
    zoo()
    zoo("initial", 0)
    with pytest.raises(ZooError, match="tiny/Breakout/1/initial"):
        catalogue.find("tiny/Breakout/1@intial")
    with pytest.raises(ZooError):
        catalogue.find("tiny/Breakout/final")


@pytest.mark.parametrize(
    "scores, remark",
    [
        (Scores(30.0, constant=21.3, constant_action="UP"), ""),
        (Scores(21.3, constant=21.3, constant_action="UP"), "Not better than pressing UP all the time (21.3)."),
        (Scores(25, scores=(5, 45), constant=20, constant_action="NOOP"), "Not better than doing nothing (20)."),
        (Scores(1.0, constant=2000.0), "Not better than the best constant action (2,000)."),
        (Scores(-20.4, random=-20.4, constant=-21.0), "Not better than random play (-20.4)."),
        (Scores(5.0), ""),
        (Scores(), ""),
    ],
)
def test_an_agent_that_is_not_better_says_so(zoo, scores, remark):
    zoo(scores=scores)
    (entry,) = catalogue.entries()
    assert (entry.remark, entry.constant_score) == (remark, scores.constant)


def test_thumbnails(zoo, caplog):
    folder = zoo()
    assert catalogue.entries()[0].thumbnail is None and catalogue.read_thumbnail(catalogue.entries()[0]) is None
    path = folder / "thumbnail.png"
    path.write_bytes(b"png")
    (entry,) = catalogue.entries()
    assert entry.thumbnail == path and catalogue.read_thumbnail(entry) == b"png"
    path.write_bytes(b"x" * ((1 << 18) + 1))
    assert catalogue.read_thumbnail(entry) is None
    path.unlink()
    assert catalogue.read_thumbnail(entry) is None and "cannot be read" in caplog.text


def test_random_players():
    entry = catalogue.find("Random/space_invaders")
    assert (entry.id, entry.game, entry.path) == ("random/SpaceInvaders", "SpaceInvaders", None)
    assert catalogue.find(entry.id) == entry
    with pytest.raises(ZooError, match="reakout"):
        catalogue.find("random/Brekout")


def test_listing_needs_no_tensorflow():
    code = "import sys; from zoo_gui.agents import catalogue; catalogue.entries(); print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
