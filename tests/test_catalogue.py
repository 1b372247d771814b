"""The catalogue: ids, paths and near names; and that what ships is whole."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tiny_agents
from safetensors.numpy import save_file

from zoo_gui.agents import catalogue, catalogue_files
from zoo_gui.agents.fetching import sources
from zoo_gui.agents.card import Card, Scores, Training
from zoo_gui.agents.entry import Entry
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.agents.layout import Layout
from zoo_gui.settings import Settings, config_path, resource_path
from zoo_gui.types import CardNeeded, ZooError

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
    assert entry.path.parent == resource_path("agents", *id.replace("@", "/").split("/"))
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
    lonely = tmp_path / "lonely.safetensors"
    save_file({"a": np.zeros(1)}, lonely)
    with pytest.raises(CardNeeded) as asked:
        catalogue.find(str(lonely))
    assert asked.value.path == str(lonely)
    (tmp_path / "notes.pt").write_text("no weights at all")
    with pytest.raises(ZooError, match="^notes.pt is "):
        catalogue.find(str(tmp_path / "notes.pt"))


def test_a_faulty_card_does_not_spoil_the_list(tmp_path, monkeypatch, caplog):
    tiny_agents.write(tmp_path / "agents" / "tiny" / "Breakout" / "1")
    tiny_agents.write(tmp_path / "agents" / "tiny" / "Breakout" / "1" / "1HR", tag="1HR")
    bad = tmp_path / "agents" / "tiny" / "Pong" / "1" / "card.toml"
    bad.parent.mkdir(parents=True)
    bad.write_text("format = 9")
    monkeypatch.setattr(catalogue, "resource_path", lambda *parts: tmp_path.joinpath(*parts))
    assert [entry.id for entry in catalogue.entries()] == ["tiny/Breakout/1@1HR", "tiny/Breakout/1"]
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
        ("tiny/Breakout/1@1.6m", "tiny/Breakout/1@1.6M"),
        ("tiny/Breakout/1/1.6M", "tiny/Breakout/1@1.6M"),
    ],
)
def test_tags_in_ids(zoo, text, id):
    zoo()
    zoo("1.6M", 400_000)
    assert catalogue.find(text).id == id


def test_unknown_tags_say_near_names(zoo):
    zoo()
    zoo("initial", 0)
    with pytest.raises(ZooError, match="tiny/Breakout/1@initial"):
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


# -- what others publish --------------------------------------------------------------------------------------------
SHIPPED = sorted(resource_path("catalogue").glob("*.toml"))
ALL = catalogue.entries()
AGENTS = Path(__file__).resolve().parents[2] / "shared" / "agents"


def test_the_publications():
    count = Counter((entry.source, entry.status) for entry in ALL)
    assert count["zoo", "not reachable since 2020"] == 5 * 55 * 3 and count["zoo", "to download"] == 55 * (3 + 5)
    assert count["dopamine", "to download"] == 4 * 60 * 5 + 5 * 6 * 5
    assert count["huggingface", "to download"] == 4 * 9 + 12 + 57 * 3
    assert count["embedded", "ready"] == len(IDS) and len({entry.id.casefold() for entry in ALL}) == len(ALL)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_is_sound(path):
    file = sources.parse(path)
    assert file.listed or file.yardsticks
    for entry in file.listed:
        assert entry.source in sources.SOURCES and all(url.startswith("https://") for url in entry.urls)
        assert "{" not in "".join((entry.id, *entry.urls, entry.preset)) and entry.description


def test_every_preset_that_a_row_names_exists():
    known = {path.stem for path in resource_path("presets").glob("*.toml")}
    assert {entry.preset for entry in ALL if entry.preset} <= known


@pytest.mark.parametrize("id, url", [
    ("zoo:a2c/Breakout/1", "https://dgqeqexrlnkvd.cloudfront.net/zoo/a2c/BreakoutNoFrameskip-v4/model1_final.pb"),
    ("impala/Seaquest/2@1HR", "https://dgqeqexrlnkvd.cloudfront.net/zoo/impala/SeaquestNoFrameskip-v4/model2_1HR.pb"),
    ("rainbow/Seaquest/4", "https://storage.googleapis.com/download-dopamine-rl/lucid/rainbow/Seaquest/4/graph_def.pb"),
    ("dqn/Pong/3/final", "https://storage.googleapis.com/download-dopamine-rl/lucid/dqn/Pong/3/graph_def.pb"),
    ("dopamine:IQN/yarsrevenge/5",
     "https://storage.googleapis.com/download-dopamine-rl/lucid/iqn/YarsRevenge/5/tf_ckpt-199.index"),
    ("dopamine:quantile/Qbert/5@jax", "https://storage.googleapis.com/download-dopamine-rl/jax/quantile/Qbert/5/ckpt.199"),
    ("hf:sb3/qrdqn-PongNoFrameskip-v4",
     "https://huggingface.co/sb3/qrdqn-PongNoFrameskip-v4/resolve/main/qrdqn-PongNoFrameskip-v4.zip"),
    ("hf:cleanrl/PongNoFrameskip-v4-c51_atari_jax-seed1",
     "https://huggingface.co/cleanrl/PongNoFrameskip-v4-c51_atari_jax-seed1/resolve/main/c51_atari_jax.cleanrl_model"),
])  # fmt: skip
def test_addresses_by_rule(id, url):
    entry = catalogue.find(id)
    assert entry.urls[0] == url and entry.path is None and entry.weights is None and not entry.is_here


def test_an_id_that_the_program_has_is_told_from_the_zoos():
    entry = next(entry for entry in ALL if entry.id == "zoo:a2c/Breakout/1")
    assert "a2c/Breakout/1 is an agent of the program" in entry.remark
    assert catalogue.find("a2c/Breakout/1").source == "embedded"
    assert catalogue.find("zoo:rainbow/Pong/2").id == "rainbow/Pong/2"


def test_published_rows_have_yardsticks():
    entry = catalogue.find("dopamine:rainbow/Seaquest/1")
    assert (entry.score, entry.random_score, entry.human_score, entry.frames) == (9820, 68.4, 20182, 200_000_000)


@pytest.mark.skipif(not AGENTS.is_dir(), reason="../shared is not here")
def test_the_digests_of_single_agents_are_those_of_the_files():
    known = {digest for entry in ALL for digest in entry.hashes if digest}
    text = "".join(path.read_text() for path in AGENTS.glob("*/README.md"))
    assert len(known) == 12 and all(digest in text for digest in known)


# -- a person's own -------------------------------------------------------------------------------------------------
def own_catalogue(text: str, name: str = "mine") -> Path:
    path = config_path().parent / "catalogue" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


ROW = """format = 1
[[agents]]
id = "x/Pong/1"
algorithm = "x"
game = "Pong"
urls = "https://h/a"
"""


def test_a_catalogue_of_ones_own():
    path = own_catalogue(ROW)
    assert catalogue.find("X/pong/1@final").urls == ("https://h/a",)
    path.write_text(ROW.replace("https://h/a", "https://h/longer"))
    assert catalogue.find("x/Pong/1").urls == ("https://h/longer",)  # read again when it changed
    path.unlink()
    with pytest.raises(ZooError):
        catalogue.find("x/Pong/1")


@pytest.mark.parametrize("text, words", [
    ("format = 2", "format = 1"), ("format = ", "cannot be read"), ("format = 1\nagents = 3", "list of tables"),
    ("format = 1\nagents = [3]", "must be a table"), (ROW + "licens = 'MIT'", "did you mean licence"),
    (ROW + "source = 'moon'", "none of embedded"), (ROW.replace("https:", "file:"), "not an https address"),
    (ROW.replace("https://h/a", "../x"), "not an https address"),
    (ROW.replace("x/Pong/1", "../Pong"), "algorithm/Game/run"),
    (ROW + "sha256 = 'abc'", "64 hexadecimal"), (ROW + "run = 'one'", "a whole number"),
    (ROW.replace("urls", "url"), "urls"), (ROW + f"run = {list(range(30_000))}", "30000 agents at once"),
    ("format = 1\n[yardsticks.Pong]\nrandom = 'x'", "numbers"),
])  # fmt: skip
def test_a_faulty_catalogue_is_left_out_with_a_sentence(caplog, text, words):
    path = own_catalogue(text)
    with pytest.raises(ZooError, match=words) as caught:
        sources.parse(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value) and "valid card" not in str(caught.value)
    assert len(catalogue.entries()) == len(ALL) and str(path) in caplog.text


def test_a_catalogue_that_is_too_large(monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 10)
    with pytest.raises(ZooError, match="split it"):
        sources.parse(own_catalogue(ROW))


@pytest.fixture
def mine(tmp_path):
    """A folder of the person's that the settings name."""
    folder = tmp_path / "mine"
    folder.mkdir()
    kept = Settings()
    kept.set("zoo/folders", [str(folder), str(tmp_path / "gone")])
    kept.save()
    return folder


def of_folder() -> list[Entry]:
    return [entry for entry in catalogue.entries() if entry.source == "folder"]


def test_agents_in_ones_own_folders(mine):
    tiny_agents.write(mine / "a" / "deep" / "down", run=7)
    tiny_agents.write(mine / "b", game="Pong")
    (mine / "b" / "card.toml").rename(mine / "b" / "other.card.toml")
    (mine / "b" / "notes.toml").write_text("x = 1")
    found = of_folder()
    assert [entry.id for entry in found] == ["tiny/Breakout/7", "tiny/Pong/1"]
    assert catalogue.find("tiny/pong/1").path == mine / "b" / "other.card.toml"
    assert all(entry.is_here and entry.weights.is_file() for entry in found)


def test_two_agents_of_one_id(mine):
    tiny_agents.write(mine / "a", algorithm="ppo")
    tiny_agents.write(mine / "b", algorithm="ppo")
    paths = [str(mine / name / "card.toml") for name in "ab"]
    found = of_folder()
    assert [entry.id for entry in found] == paths
    assert all("ppo/Breakout/1 is an agent of the program" in entry.remark for entry in found)
    assert catalogue.find("ppo/Breakout/1").source == "embedded" and catalogue.find(paths[1]).path == Path(paths[1])


def test_a_folder_is_searched_within_bounds(mine, monkeypatch, caplog):
    tiny_agents.write(mine / "/".join("abcdefgh"))
    tiny_agents.write(mine / ".hidden")
    (mine / "loop").symlink_to(mine)
    assert of_folder() == []
    for name in "abc":
        tiny_agents.write(mine / name, run=ord(name))
    monkeypatch.setattr(catalogue_files, "MAX_CARDS", 2)
    assert len(of_folder()) == 2 and "not all are listed" in caplog.text


def test_cards_are_read_once_and_again_when_they_change(mine, monkeypatch):
    tiny_agents.write(mine / "a", run=1)
    of_folder()
    read, reads = Card.read.__func__, []
    monkeypatch.setattr(Card, "read", classmethod(lambda cls, path: reads.append(path) or read(cls, path)))
    (entry,) = of_folder()
    assert reads == [] and entry.weights == mine / "a" / "weights.safetensors" and entry.score == 1.5
    tiny_agents.write(mine / "a", run=23)
    assert [entry.run for entry in of_folder()] == [23] and reads == [mine / "a" / "card.toml"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1, "rows": []}', "VERSION"])
def test_a_damaged_index_is_made_anew(mine, text):
    from zoo_gui import __version__
    from zoo_gui.settings import cache_dir

    tiny_agents.write(mine / "a")
    before = catalogue.entries()
    path = cache_dir() / catalogue_files.INDEX_FILE
    rows = json.loads(path.read_text())["rows"]
    broken = {key: [state, {"nonsense": 1}] for key, (state, _) in rows.items()}
    path.write_text(json.dumps({"version": __version__, "rows": broken}) if text == "VERSION" else text)
    assert catalogue.entries() == before


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_GUI_CACHE", str(tmp_path / "file"))
    assert catalogue.entries() == ALL


# -- which card describes a file ------------------------------------------------------------------------------------
@pytest.fixture
def weights(tmp_path):
    """A weights file alone in a folder."""
    tiny_agents.write(tmp_path / "folder")
    (tmp_path / "folder" / "card.toml").unlink()
    path = tmp_path / "folder" / "weights.safetensors"
    return path.rename(path.with_name("model.80.tar"))


def card(path: Path, **changes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tiny_agents.card(**changes).to_toml())
    return path


def test_a_files_card_in_order(weights, monkeypatch):
    import hashlib

    from zoo_gui.agents.card import WeightsSpec

    described = []

    def describe(path):
        described.append(path)
        return Entry("x", "tiny", "Breakout", 1, "", None, "drafted", source="folder", weights=path,
                     card=tiny_agents.card())  # fmt: skip

    monkeypatch.setattr(catalogue, "draft_entry", describe)
    entry = catalogue.find(str(weights))
    assert described == [weights] and (entry.id, entry.weights, entry.source) == (str(weights), weights, "folder")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    names = [
        config_path().parent / "cards" / f"{digest}.toml", weights.with_name("card.toml"),
        weights.with_name("model.80.card.toml"), weights.with_name("model.80.tar.card.toml"),
    ]  # fmt: skip
    for path in names:  # each is preferred to those before
        card(path, weights=WeightsSpec("model.80.tar", digest))
        entry = catalogue.find(str(weights))
        assert (entry.path, entry.weights, entry.id) == (path, weights, str(weights))
    assert len(described) == 1


def test_a_card_toml_of_another_file_does_not_count(weights):
    card(weights.with_name("card.toml"))
    with pytest.raises(CardNeeded):
        catalogue.find(str(weights))
    card(weights.with_name("model.80.tar.card.toml"))
    assert catalogue.find(str(weights)).weights == weights


def test_folders(weights):
    with pytest.raises(ZooError, match="has no card"):
        catalogue.find(str(weights.parent))
    card(weights.with_name("model.80.tar.card.toml"))
    assert catalogue.find(str(weights.parent)).path == weights.with_name("model.80.tar.card.toml")
    card(weights.with_name("b.card.toml"))
    with pytest.raises(ZooError, match="holds 2 agents"):
        catalogue.find(str(weights.parent))


def test_addresses_of_files_on_this_machine(tmp_path):
    tiny_agents.write(tmp_path / "a b")
    entry = catalogue.find(f"file://{tmp_path}/a%20b")
    assert entry.path == tmp_path / "a b" / "card.toml"


def test_a_checkpoint_by_its_prefix(tmp_path):
    (tmp_path / "tf_ckpt-199.index").write_bytes(b"x")
    card(tmp_path / "tf_ckpt-199.card.toml")
    assert catalogue.find(str(tmp_path / "tf_ckpt-199")).weights == tmp_path / "tf_ckpt-199.index"


def test_what_is_neither_file_nor_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(ZooError, match="neither a file nor a folder"):
        catalogue.find(str(tmp_path / "pipe.pt"))
