"""The command ``card``, and its documentation."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from zoo_gui import cli_card
from zoo_gui.agents import card_saving, drafts, presets, presets_preprocessing, tables
from zoo_gui.agents.card import Card
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec, Transform
from zoo_gui.backports import tomllib
from zoo_gui.cli import main

DOCS = Path(__file__).resolve().parents[1] / "docs" / "cards.md"


@pytest.fixture
def file(tmp_path):
    """A small actor-critic as an .npz of PyTorch's arrays."""
    shapes = {"conv1": (16, 4, 8, 8), "conv2": (32, 16, 4, 4), "fc": (256, 2592), "actor": (4, 256), "critic": (1, 256)}
    found = {}
    for name, shape in shapes.items():
        found |= {f"{name}.weight": np.zeros(shape, np.float32), f"{name}.bias": np.zeros(shape[0], np.float32)}
    path = tmp_path / "model.npz"
    np.savez(path, **found)
    return path


def test_json_only_reports(file, capsys):
    assert main(["card", str(file), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["format"] == "numpy" and len(report["sha256"]) == 64 and report["card"] is None
    assert {"name": "conv1.weight", "shape": [16, 4, 8, 8], "dtype": "float32"} in report["arrays"]
    assert report["unknown"][0] == "game" and report["confidence"] == 0
    assert [layer["name"] for layer in report["network"]["layers"]] == ["conv1", "conv2", "fc", "policy", "value"]
    assert report["names"]["policy/kernel"] == "actor.weight"
    keys = {"key", "value", "confidence", "reason", "alternatives", "needed"}
    assert all(set(guess) == keys and 0 <= guess["confidence"] <= 1 for guess in report["guesses"])
    assert [path.name for path in file.parent.iterdir()] == ["model.npz"]
    assert main(["card", str(file), "--json", "--set", "game=breakout"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert Card.parse(report["card"]).game == "Breakout" and report["confidence"] > 0


def test_text_says_what_to_say(file, capsys):
    assert main(["card", str(file)]) == 0
    text = capsys.readouterr().out
    for part in ("conv1.weight", "16×4×8×8", "stride 4×4", "→ logits", "--set game=Breakout or ",
                 "There is no card yet."):  # fmt: skip
        assert part in text
    assert main(["card", str(file), "--set", "game=Breakout", "--set", "preprocessing=baselines"]) == 0
    assert "--write keeps it" in capsys.readouterr().out


def test_write(file, capsys, monkeypatch, own_folders):
    assert main(["card", str(file), "--write"]) == 2
    assert "lacks game" in capsys.readouterr().err
    options = ["card", str(file), "--set", "game=Breakout", "--set", "actions.rule=argmax", "--write"]
    assert main(options) == 0
    beside = file.with_name("model.npz.card.toml")
    card = Card.read(beside)
    assert (card.game, card.actions.rule, card.weights.file) == ("Breakout", "argmax", "model.npz")
    assert card.weights.sha256 == drafts.draft(file).sha256
    assert card.full_title == "model · A2C · Breakout"  # of which run nobody knows: agents must be told apart
    said = drafts.draft(file, choices={"game": "Breakout", "algorithm": "ppo", "run": 3})
    assert said.card.full_title == "PPO · Breakout · run 3"
    beside.unlink()
    write = card_saving._write

    def no_room(path, card):
        if path == beside:
            raise PermissionError(13, "Permission denied")
        write(path, card)

    monkeypatch.setattr(card_saving, "_write", no_room)
    assert main(options) == 0
    out = capsys.readouterr().out
    assert "cannot be written" in out and card.weights.sha256 in out
    assert not beside.exists()


@pytest.mark.parametrize("arguments, sentence", [
    (["nowhere.pt"], "nowhere.pt"), ([__file__], "no format"), (["FILE", "--set", "game"], "says nothing"),
    (["FILE", "--set", "colour=red"], "cannot be said"), (["FILE", "--format", "pytroch"], "pytorch"),
    (["FILE", "--json", "--write"], "only reports"),
    (["FILE", "--set", "preprocessing.size=[84]"], "two whole numbers"),
])  # fmt: skip
def test_errors_are_sentences(file, arguments, sentence, capsys):
    arguments = [str(file) if argument == "FILE" else argument for argument in arguments]
    assert main(["card", *arguments]) == 2
    out, err = capsys.readouterr()
    assert sentence in (json.loads(out)["error"] if "--json" in arguments else err)


def test_questions_on_a_terminal(file, capsys, monkeypatch):
    answers = iter(["nonsense", "Breakout", "", "2", EOFError])
    asked = []

    def answer(prompt):
        asked.append(prompt)
        value = next(answers, EOFError)
        if value is EOFError:
            raise EOFError
        return value

    terminal = type("Terminal", (), {"isatty": lambda self: True})()
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("builtins.input", answer)
    assert main(["card", str(file), "--write"]) == 0
    out = capsys.readouterr().out
    assert "There is no game" in out and "game?" in out and len(asked) >= 2
    assert Card.read(file.with_name("model.npz.card.toml")).game == "Breakout"


@pytest.mark.parametrize("text, value", [
    ("[84, 84]", [84, 84]), ("0.25", 0.25), ("Pong", "Pong"), ("true", True), ("newest-first", "newest-first"),
    ("“", "“"), ("", ""),
])  # fmt: skip
def test_values_as_people_type_them(text, value):
    assert cli_card.parse(text) == value


def blocks():
    return re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def test_every_block_of_the_documentation_is_right():
    """Whole cards are valid cards; other blocks are layers that a card could have."""
    assert sum(block.startswith("format = 1") for block in blocks()) == 3
    for block in blocks():
        if block.startswith("format = 1"):
            Card.parse(block, "docs/cards.md")
        else:
            tables.build(NetworkSpec, tomllib.loads(block)["network"], "network", "docs/cards.md")


REAL = {
    "model.pth": "ak811_dqn_pong", "breakout_a3c_5_actor.h5": "rlcode_a3c_breakout_5", "model.80.tar": "greydanus_pong",
}  # fmt: skip


def test_the_worked_examples_describe_real_agents():
    """Those of ../shared/agents, whose outputs test_real_agents compares."""
    for block in (block for block in blocks() if block.startswith("format = 1")):
        card = Card.parse(block)
        real = Card.read(Path(__file__).parent / "cards" / f"{REAL[card.weights.file]}.toml")
        shapes = [
            sorted(repr(dataclasses.replace(layer, name="", source=None)) for layer in each.network.layers)
            for each in (card, real)
        ]
        assert shapes[0] == shapes[1] and card.actions == real.actions
        free = {"max_episode_frames": 1, "sticky": 0.0, "fire_on_reset": True}
        ours, theirs = (dataclasses.replace(each.preprocessing, **free) for each in (card, real))
        assert ours == theirs
        assert sorted(card.weights.names.values()) == sorted(real.weights.names.values())


def test_the_documentation_names_every_key_and_preset():
    text = DOCS.read_text(encoding="utf-8")
    for cls in (Card, LayerSpec, NetworkSpec, PreprocessingSpec, Transform):
        for field in cls.__dataclass_fields__.values():
            assert f"`{field.metadata.get('key', field.name)}`" in text, (cls.__name__, field.name)
    for name in presets_preprocessing.names():
        assert f"`{name}`" in text, name
    for preset in presets.presets():
        assert f"`{preset.name}`" in text, preset.name
