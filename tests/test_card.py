"""Cards and weight files: what is written is read back, and each fault is one sentence that names it."""

import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import tiny_agents
from safetensors.numpy import save_file

from zoo_gui.agents.card import Card, LayerSpec, NetworkSpec
from zoo_gui.agents.formats import FORMATS, read_weights
from zoo_gui.agents.layout import Layout
from zoo_gui.types import ZooError

TEXT = tiny_agents.card().to_toml()


@pytest.mark.parametrize("network", [tiny_agents.POLICY, tiny_agents.Q])
def test_round_trip(network):
    card = tiny_agents.card(network, description='"quoted" \\ ü\n\x7f', tag="10HR")
    assert Card.parse(card.to_toml()) == card


def test_id_and_title():
    card = tiny_agents.card(algorithm="ppo", game="SpaceInvaders", run=3, tag="10HR")
    assert card.id == "ppo/SpaceInvaders/3/10HR"
    assert card.full_title == "PPO · Space Invaders · run 3 · 10HR"
    assert replace(card, title="Other").full_title == "Other"


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
    read = read_weights(tmp_path / "w.safetensors")
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
    with pytest.raises(ZooError, match="damaged or not safetensors"):
        read_weights(good)


def test_numbers_that_numpy_lacks_are_named(good):
    header = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    good.write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0")
    with pytest.raises(ZooError, match="hold BF16 numbers in a"):
        read_weights(good)


def test_missing_foreign_and_unknown_files(good, tmp_path):
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    assert read_weights(good, sha256=digest.upper())
    with pytest.raises(ZooError, match="SHA-256 differs"):
        read_weights(good, sha256="0" * 64)
    with pytest.raises(ZooError, match="missing"):
        read_weights(tmp_path / "none.safetensors")
    with pytest.raises(ZooError, match="cannot be read"):
        read_weights(tmp_path, "safetensors")
    with pytest.raises(ZooError, match="no checkpoint format “safetensor”.*safetensors"):
        read_weights(good, "safetensor")


def test_too_large_a_file_is_refused_unread(good, monkeypatch):
    monkeypatch.setattr("zoo_gui.agents.formats.MAX_BYTES", 100)
    with pytest.raises(ZooError, match="too large"):
        read_weights(good)


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_refuses_rubbish(name, tmp_path):
    path = tmp_path / f"rubbish.{name}"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(ZooError):
        read_weights(path)
