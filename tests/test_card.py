"""Cards and weight files: what is written is read back, and each fault is one sentence that names it."""

import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import tiny_agents
from safetensors.numpy import save_file

from zoo_gui.agents.card import Card, LayerSpec, Measurement, NetworkSpec, Scores, Training
from zoo_gui.agents.formats import FORMATS, read_checkpoint
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.presets_preprocessing import named
from zoo_gui.types import ZooError

TEXT = tiny_agents.card().to_toml()


NETWORKS = {"policy": tiny_agents.POLICY, "q": tiny_agents.Q, "dueling": tiny_agents.DUELING,
            "quantiles": tiny_agents.QUANTILES, "c51": tiny_agents.C51}  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_round_trip(network):
    card = tiny_agents.card(network, description='"quoted" \\ ü\n\x7f', tag="10HR")
    assert Card.parse(card.to_toml()) == card


def test_id_and_title():
    card = tiny_agents.card(algorithm="ppo", game="SpaceInvaders", run=3, tag="10HR")
    assert card.id == "ppo/SpaceInvaders/3@10HR"
    assert card.full_title == "PPO 10HR · Space Invaders · run 3"
    assert replace(card, title="Other").full_title == "Other"
    titles = {name: replace(card, algorithm=name).algorithm_title for name in ("apex", "impala", "ga", "mine")}
    assert titles == {"apex": "Ape-X", "impala": "IMPALA", "ga": "GA", "mine": "mine"}


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("format = 1", "format = 2", "format"),
        ("format = 1\n", "", "“format” is missing"),
        ("frame_skip", "frame_skp", "did you mean frame_skip"),
        ('game = "Breakout"', 'game = "Break out"', "without spaces"),
        ("run = 1", 'run = "1"', "“run” must be a whole number"),
        ("run = 1", "run = true", "“run” must be a whole number"),
        ("size = [20, 18]", "size = [20]", "list of 2 values"),
        ("filters = 3", "filters = 0", "filters is 0"),
        ('padding = "SAME"', 'padding = "HALF"', "neither VALID nor SAME"),
        ('activation = "relu"', 'activation = "rely"', "activation “rely”"),
        ('from = "fc"', 'from = "fc9"', "no earlier layer"),
        ('name = "conv2"', 'name = "conv1"', "used twice"),
        ('name = "conv2"', 'name = "a/b"', "layer a/b"),
        ('role = "logits"', 'role = "value"', "exactly one"),
        ('"RIGHT"]', '"RIGHT", "UP"]', "3 units but actions.names has 4"),
        ('rule = "sample"', 'rule = "dice"', "actions.rule"),
        ('file = "weights.safetensors"', 'file = "../weights.safetensors"', "without folders"),
        ("0" * 64, "abc", "64 hexadecimal"),
        ("stack = 2", "stack = 0", "below its least"),
        ("max_last = 2", "max_last = 9", "more than frame_skip"),
        ("sticky = 0.0", "sticky = nan", "“preprocessing.sticky” must be a number"),
        ("[actions]", "[actions", "not a valid card"),
    ],
)
def test_a_fault_is_one_sentence_that_names_it(old, new, words):
    assert old in TEXT
    with pytest.raises(ZooError) as caught:
        Card.parse(TEXT.replace(old, new, 1), "x/card.toml")
    message = str(caught.value)
    assert words in message and message.startswith("x/card.toml is not a valid card") and message.endswith(".")


HEADS = """
[[network.layers]]
name = "fc"
kind = "dense"
units = 6

[[network.layers]]
name = "value"
kind = "dense"
units = 2

[[network.layers]]
name = "advantage"
kind = "dense"
units = 6
from = ["fc"]

[[network.layers]]
name = "both"
kind = "dueling"
from = ["value", "advantage"]

[[network.layers]]
name = "q"
kind = "expectation"
units = 3
support = [-1.0, 1.0]
role = "q"

[preprocessing]
"""


def with_heads(old="", new=""):
    """The text of a card with a dueling and a distributional head, changed at one place."""
    before, after = TEXT.split("\n[[network.layers]]", 1)[0], TEXT.split("[preprocessing]\n", 1)[1]
    assert old in HEADS
    return before + "\n" + HEADS.replace(old, new, 1) + after


def test_heads_without_weights_are_layers():
    card = Card.parse(with_heads())
    assert card.network.units() == {"fc": 6, "value": 2, "advantage": 6, "both": 6, "q": 3}
    assert {layer.name: fed for layer, fed in card.network.wired()}["both"] == ("value", "advantage")
    layout = Layout(card.network, tiny_agents.OBSERVATION)
    assert not [name for name in layout.shapes if name.startswith(("both", "q"))]
    assert {info.name: (info.shape, info.kind) for info in layout.layers} == {
        "fc": ((6,), "dense"), "value": ((2,), "dense"), "advantage": ((6,), "dense"), "both": ((6,), "dense"),
        "q": ((3,), "q"),
    }  # fmt: skip
    assert Card.parse(with_heads('kind = "dueling"', 'kind = "dueling"\nunits = 6')).network.units()["both"] == 6


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('["value", "advantage"]', '["value"]', "reads two layers"),
        ('["value", "advantage"]', '"value"', "reads two layers"),
        ('["value", "advantage"]', '["value", "advantage", "fc"]', "reads two layers"),
        ('["value", "advantage"]', '["value", "later"]', "names later, which is no earlier layer"),
        ('["value", "advantage"]', "[]", "an empty list"),
        ('["value", "advantage"]', '["value", 1]', "must be a text"),
        ("units = 2", "units = 4", "advantage has 6 units, which must be a multiple of the 4 of value"),
        ('kind = "dueling"', 'kind = "dueling"\nunits = 5', "leave units out"),
        ('kind = "dueling"', 'kind = "dueling"\nactivation = "relu"', "not to dueling"),
        ('kind = "dueling"', 'kind = "duelling"', "none of conv, dense, batchnorm"),
        ('["fc"]', '["fc", "value"]', "a dense layer reads one layer"),
        ("units = 3\n", "units = 4\n", "both has 6 units, which must be a multiple of units, 4"),
        ("units = 3\n", "", "units is 0"),
        ("units = 3\n", "units = 6\n", "two or more atoms"),
        ("[-1.0, 1.0]", "[1.0, 1.0]", "support must be"),
        ("[-1.0, 1.0]", "[1.0]", "list of 2 values"),
        ('support = [-1.0, 1.0]\n', 'from = ["value", "both"]\n', "an expectation layer reads one layer"),
        ('["fc"]', '["fc"]\nsupport = [0, 1]', "support belongs to an expectation"),
        ('kind = "dense"\nunits = 2', 'kind = "dense"\nunits = 2\nrole = "value"', "one layer of one unit"),
        ('name = "value"\nkind = "dense"\nunits = 2', 'name = "value"\nkind = "conv"\nfilters = 2\nfrom = "fc"',
         "dueling reads dense layers, and value is a map"),
    ],
)  # fmt: skip
def test_faults_of_heads_are_sentences(old, new, words):
    with pytest.raises(ZooError, match="x/card.toml is not a valid card") as caught:
        Card.parse(with_heads(old, new), "x/card.toml")
    assert words in str(caught.value)


def test_better_than_a_yardstick_is_a_test_at_five_percent():
    scores = (10.0, 12.0, 14.0, 16.0, 18.0)  # mean 14, standard error √2
    measured = Measurement(14.0, 5, "p", scores, random=1.0, constant=11.6)
    assert measured.better_than_random and measured.better_than_constant  # 14 − 1.64 · 1.414 = 11.68
    assert replace(measured, constant=11.7).better_than_constant is False
    assert replace(measured, constant=11.7, scores=()).better_than_constant is True  # the bare mean
    assert replace(measured, constant=14.0, scores=(14.0,)).better_than_constant is False
    assert replace(measured, constant=None).better_than_constant is None
    assert Scores(constant=3.0).better_than_constant is None and Scores(mean=3.0, constant=3.0).better_than(2.9)


def test_training_and_yardsticks_are_written_and_read():
    training = Training(
        "PPO", steps=400_000, hours=0.7, seed=1, command="tools/train ppo Breakout", commit="e398951",
        library="PyTorch 2.13.0", settings={"envs": 16},
    )  # fmt: skip
    sticky = Measurement(9.0, 30, "sticky", random=1.2, constant=3.0, constant_action="LEFT")
    scores = Scores(mean=10.0, random=1.0, constant=2.0, constant_action="RIGHT", also=(sticky,))
    card = Card.parse(tiny_agents.card(training=training, scores=scores, tag="1.6M").to_toml())
    assert (card.training, card.scores, card.id) == (training, scores, "tiny/Breakout/1@1.6M")
    assert card.frames == 1_600_000 and tiny_agents.card().frames is None


@pytest.mark.parametrize("tag", ["1.6M", "initial", "400M", "10HR", "1B"])
def test_tags(tag):
    assert Card.parse(tiny_agents.card(tag=tag).to_toml()).tag == tag


@pytest.mark.parametrize("tag", [".", "..", ".6M", "a/b", "a b", "1@2", "../x"])
def test_tags_that_are_no_folder_names(tag):
    with pytest.raises(ZooError, match="without spaces or slashes"):
        Card.parse(tiny_agents.card(tag=tag).to_toml())


def test_unreadable_cards(tmp_path):
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "card.toml"):
        with pytest.raises(ZooError, match="cannot be read"):
            Card.read(path)
    (tmp_path / "card.toml").write_bytes(b"#" * (1 << 21))
    with pytest.raises(ZooError, match="larger"):
        Card.read(tmp_path / "card.toml")


def layers(*specs):
    return NetworkSpec((*specs, LayerSpec("q", "dense", units=3, role="q")))


@pytest.mark.parametrize(
    "network, words",
    [
        (layers(LayerSpec("c", "conv", filters=2, kernel=(21, 3))), "larger than"),
        (layers(LayerSpec("d", "dense", units=4), LayerSpec("c", "conv", filters=2)), "fed by a dense layer"),
        (layers(LayerSpec("d", "dense", units=1 << 30)), "too large"),
    ],
)
def test_a_network_that_cannot_be_is_refused(network, words):
    with pytest.raises(ZooError, match=words):
        Layout(network, tiny_agents.OBSERVATION)


def test_weights_that_contradict_the_card():
    layout, good = Layout(tiny_agents.POLICY, tiny_agents.OBSERVATION), tiny_agents.weights()
    layout.check(good, "w")
    short = {name: array for name, array in good.items() if name != "fc/bias"}
    for bad, words in (
        (short, "lacks fc/bias"),
        (good | {"x": good["fc/bias"]}, "does not mention its x"),
        (good | {"fc/bias": np.zeros(7, "f4")}, "fc/bias should be 6, but is 7"),
        (good | {"fc/bias": np.full(6, np.nan, "f4")}, "not finite"),
        (good | {"fc/bias": np.zeros(6, np.int32)}, "not finite numbers"),
    ):
        with pytest.raises(ZooError, match=words):
            layout.check(bad, "w")


def test_chw_rows_are_reordered():
    """A dense layer over a map must give the same from a file in PyTorch's order."""
    layout = Layout(replace(tiny_agents.POLICY, flatten="CHW"), tiny_agents.OBSERVATION)
    weights = tiny_agents.weights()
    map_ = np.random.default_rng(0).normal(size=layout.info("conv2").shape)
    expected = map_.transpose(2, 0, 1).ravel() @ weights["fc/kernel"]
    np.testing.assert_allclose(map_.ravel() @ layout.canonical(weights)["fc/kernel"], expected, rtol=1e-5)


def test_safetensors_keep_values_and_types(tmp_path):
    arrays = {"a/kernel": np.arange(6, dtype="f2").reshape(2, 3), "a/bias": np.ones(3, "f4")}
    save_file(arrays, tmp_path / "w.safetensors")
    read = read_checkpoint(tmp_path / "w.safetensors").arrays
    assert {name: (array.dtype, array.tolist()) for name, array in read.items()} == {
        name: (array.dtype, array.tolist()) for name, array in arrays.items()
    }


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(tiny_agents.weights(), path)
    return path


def bad_bytes(data: bytes) -> dict[str, bytes]:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    return {
        "empty": b"",
        "cut header": data[:20],
        "cut data": data[:-1],
        "too much data": data + b"\0",
        "huge header": struct.pack("<Q", 1 << 60) + data[8:],
        "huge array": struct.pack("<Q", len(header)) + header,
        "pickle": b"\x80\x04cos\nsystem\n",
        "text": b"not weights at all " * 9,
    }


@pytest.mark.parametrize("fault", sorted(bad_bytes(b"")))
def test_damaged_files_are_one_sentence(good, fault):
    good.write_bytes(bad_bytes(good.read_bytes())[fault])
    with pytest.raises(ZooError, match="damaged or not safetensors|is empty"):
        read_checkpoint(good, "" if good.stat().st_size == 0 else "safetensors")


def test_numbers_that_numpy_lacks_are_named(good):
    header = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    good.write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0")
    with pytest.raises(ZooError, match="hold BF16 numbers in a"):
        read_checkpoint(good)


def test_missing_foreign_and_unknown_files(good, tmp_path):
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    assert read_checkpoint(good, sha256=digest.upper())
    with pytest.raises(ZooError, match="SHA-256 differs"):
        read_checkpoint(good, sha256="0" * 64)
    with pytest.raises(ZooError, match="missing"):
        read_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(ZooError, match="cannot be read|are damaged"):
        read_checkpoint(tmp_path, "safetensors")
    with pytest.raises(ZooError, match="no checkpoint format “safetensor”.*safetensors"):
        read_checkpoint(good, "safetensor")


def test_too_large_a_file_is_refused_unread(good, monkeypatch):
    monkeypatch.setattr("zoo_gui.agents.formats.MAX_BYTES", 100)
    with pytest.raises(ZooError, match="too large"):
        read_checkpoint(good)


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_refuses_rubbish(name, tmp_path):
    path = tmp_path / f"rubbish.{name}"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(ZooError):
        read_checkpoint(path)


def test_a_named_pipeline_is_spelt_out_and_may_be_changed():
    before, after = TEXT.split("[preprocessing]\n", 1)
    rest = "[actions]" + after.split("[actions]", 1)[1]
    text = f'{before}[preprocessing]\npreset = "sb3"\nsize = [20, 18]\nstack = 2\n\n{rest}'
    card = Card.parse(text)
    assert card.preprocessing == replace(named("sb3"), size=(20, 18), stack=2)
    assert Card.parse(card.to_toml()) == card and "preset" not in card.to_toml()
    with pytest.raises(ZooError, match="not a valid card: There is no preprocessing “sb4”.*sb3"):
        Card.parse(text.replace('"sb3"', '"sb4"'))
