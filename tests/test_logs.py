"""Logs and checkpoints of runs: the original zoo's shapes, and one sentence for what is missing or damaged."""

import json
import subprocess
import sys

import pytest
import tiny_agents

from zoo_gui.agents import catalogue, logs
from zoo_gui.agents.card import Scores, Training
from zoo_gui.types import ZooError

LOG = [
    {"frames": 524288, "time": 95.5, "score": None, "policy_entropy": 1.38, "games": 0, "loss": 0.25},
    {"frames": 1048576, "time": 190, "score": 3.5, "policy_entropy": 1.1, "games": 12},
]
FIRST = {"fname": "1.6M/weights.safetensors", "initial": 0, "final": 0, "frames": 1.6e6, "time": 600.0, "score": 4.0,
         "policy_entropy": 0.9}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of tiny/Breakout/1, which holds the last agent and the tag 1.6M."""
    monkeypatch.setattr(catalogue, "resource_path", lambda *parts: tmp_path.joinpath(*parts))
    folder = tmp_path / "agents" / "tiny" / "Breakout" / "1"
    training = Training(steps=1_000_000, minutes=30.0)
    tiny_agents.write(folder, training=training, scores=Scores(mean=20.0))
    tiny_agents.write(folder / "1.6M", tag="1.6M", training=Training(steps=400_000, hours=0.25))
    return folder


def write(folder, name, content):
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("game", ["Breakout", "breakout", "BreakoutNoFrameskip-v4", "ALE/Breakout-v5"])
def test_a_log_has_the_same_keys_in_every_entry(folder, game):
    """As the original's readers expect: they take the columns from the first entry."""
    write(folder, "log.json", LOG)
    found = logs.get_log("tiny", game, 1)
    assert found == [LOG[0], LOG[1] | {"loss": None}]
    assert all(set(entry) >= set(logs.LOG_KEYS) for entry in found)


def test_an_empty_log_is_a_log(folder):
    write(folder, "log.json", [])
    assert logs.get_log("tiny", "Breakout", "1") == []


def test_a_value_learner_has_no_entropy(folder):
    write(folder, "log.json", [{"frames": 4, "time": 0.1}])
    assert logs.get_log("tiny", "Breakout", 1) == [
        {"frames": 4, "time": 0.1, "score": None, "policy_entropy": None, "games": None}
    ]


def test_checkpoints_are_the_originals(folder):
    write(folder, "checkpoints.json", [{"criteria": "1.6M", "best_checkpoint": FIRST},
                                       {"criteria": "Human", "best_checkpoint": None}])  # fmt: skip
    first, human = logs.get_checkpoint_info("tiny", "Breakout", 1)
    assert first == {"criteria": "1.6M", "best_checkpoint": FIRST} and tuple(FIRST) == logs.CHECKPOINT_KEYS
    assert human == {"criteria": "Human", "best_checkpoint": None}


def test_available_tags_are_those_that_can_be_loaded(folder):
    """From the list of checkpoints where it knows the tag, else from the card."""
    final = {"fname": "weights.safetensors", "initial": 0, "final": 1, "frames": 4_000_000, "time": 1800.0,
             "score": 20.0, "policy_entropy": None}  # fmt: skip
    from_card = final | {"fname": "1.6M/weights.safetensors", "final": 0, "frames": 1_600_000, "time": 900.0}
    from_card["score"] = 1.5
    assert logs.available_tags("tiny", "Breakout", 1) == {"1.6M": from_card, "final": final}
    write(folder, "checkpoints.json", [{"criteria": "1.6M", "best_checkpoint": FIRST},
                                       {"criteria": "400M", "best_checkpoint": FIRST}])  # fmt: skip
    found = logs.available_tags("tiny", "Breakout", 1)
    assert found == {"1.6M": FIRST, "final": final} and list(found) == ["1.6M", "final"]
    for tag in found:
        assert catalogue.find(f"tiny/Breakout/1@{tag}").path.is_file()


def test_agents_that_were_imported_have_tags_but_no_log():
    assert list(logs.available_tags("ppo", "Breakout", 1)) == ["final"]
    with pytest.raises(ZooError, match="ppo/Breakout/1 was imported without a training log"):
        logs.get_log("ppo", "Breakout", 1)
    with pytest.raises(ZooError, match="ppo/Breakout/1 was imported without a list of checkpoints"):
        logs.get_checkpoint_info("ppo", "Breakout", 1)


def test_unknown_runs_say_near_names():
    for ask in (logs.get_log, logs.get_checkpoint_info, logs.available_tags):
        with pytest.raises(ZooError, match="ppo/Breakout/1"):
            ask("ppo", "Brekout", 1)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "not JSON"),
        ("[{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('[{"frames": NaN, "time": 0}]', "NaN is no number"),
        ("{}", "not a list"),
        ("[1]", "not an object"),
        ('[{"time": 1}]', "“frames” is None"),
        ('[{"frames": 1, "time": "2 h"}]', "“time” is '2 h'"),
        ('[{"frames": true, "time": 0}]', "“frames” is True"),
        ('[{"frames": 1e999, "time": 0}]', "“frames” is inf"),
        ('[{"frames": 1, "time": 0, "score": [1]}]', "“score” is"),
    ],
)
def test_a_damaged_log_is_one_sentence(folder, text, words):
    (folder / "log.json").write_text(text)
    with pytest.raises(ZooError, match="log.json is damaged, get the file again") as caught:
        logs.get_log("tiny", "Breakout", 1)
    assert words in str(caught.value) and str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "content",
    [
        [{"best_checkpoint": None}],
        [{"criteria": 3, "best_checkpoint": None}],
        ["1.6M"],
        [{"criteria": "1.6M", "best_checkpoint": []}],
        [{"criteria": "1.6M", "best_checkpoint": FIRST | {"fname": 7}}],
        [{"criteria": "1.6M", "best_checkpoint": {"fname": "x"}}],
    ],
)
def test_damaged_checkpoints_are_one_sentence(folder, content):
    write(folder, "checkpoints.json", content)
    for ask in (logs.get_checkpoint_info, logs.available_tags):
        with pytest.raises(ZooError, match="checkpoints.json is damaged"):
            ask("tiny", "Breakout", 1)


def test_files_that_cannot_be_read(folder, monkeypatch):
    (folder / "log.json").mkdir()
    with pytest.raises(ZooError, match="cannot be read"):
        logs.get_log("tiny", "Breakout", 1)
    (folder / "log.json").rmdir()
    (folder / "log.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ZooError, match="damaged"):
        logs.get_log("tiny", "Breakout", 1)
    monkeypatch.setattr(logs, "MAX_BYTES", 1)
    with pytest.raises(ZooError, match="larger"):
        logs.get_log("tiny", "Breakout", 1)


def test_reading_logs_needs_no_tensorflow():
    code = "import sys; from zoo_gui.agents import logs; logs.available_tags('ppo', 'Pong', 1)"
    code += "; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
