"""docs/bring_your_own.md: its two files are made, and what it says to type is typed."""

from __future__ import annotations

import importlib.util
import io
import re
import shlex
from pathlib import Path

import hostile_pickles as hostile
import numpy as np
import pytest
import torch
from test_formats_baselines import CNN, PPO, pickled_space
from torch import nn

from zoo_gui.agents.agent import Agent
from zoo_gui.cli import main

DOCS = Path(__file__).resolve().parents[1] / "docs"
TYPED = re.findall(r"^zoo-gui (card|verify) (.*?)(?:\s+#.*)?$", (DOCS / "bring_your_own.md").read_text(), re.MULTILINE)


def example(name: str):
    """A file of docs/examples as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def type_lines(file: str) -> None:
    """Type every ``zoo-gui card`` and ``zoo-gui verify`` that the page has about a file; of games one."""
    lines = [(command, shlex.split(words)) for command, words in TYPED if words.split()[0] == file]
    assert [command for command, _ in lines] == ["card", "card", "verify"] and "--write" in lines[1][1]
    for command, words in lines:
        words = [*words[:-1], "1"] if "--episodes" in words else words
        assert main([command, *words]) == 0


def assert_it_answers_like(module: nn.Module, file: str) -> None:
    agent = Agent.load(file)
    observation = np.random.default_rng(0).integers(0, 256, (84, 84, 4), np.uint8)
    with torch.no_grad():
        expected = module(torch.from_numpy(observation.transpose(2, 0, 1)[None]).float())
    scores = agent.decide(observation, np.random.default_rng(0)).scores
    np.testing.assert_allclose(scores, expected[0].numpy(), rtol=1e-4, atol=1e-4)


def test_a_network_of_ones_own_in_pytorch(tmp_path, monkeypatch, capsys):
    own = example("own_pytorch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["own_pytorch.py", "mine.pth", "--steps", "96", "--epochs", "1"])
    own.main()
    type_lines("mine.pth")
    said = capsys.readouterr().out
    assert "conv2   conv   32   4×4 stride 2×2 VALID" in said and "Score: " in said
    player = own.Player()
    player.load_state_dict(torch.load("mine.pth"))
    assert_it_answers_like(player, "mine.pth")


class Policy(nn.Module):
    """Stable-Baselines3's ActorCriticCnnPolicy for four frames of 84×84."""

    def __init__(self):
        super().__init__()
        self.features_extractor = nn.Module()
        self.features_extractor.cnn = nn.Sequential(
            nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3, 1), nn.ReLU(),
            nn.Flatten(),
        )  # fmt: skip
        self.features_extractor.linear = nn.Sequential(nn.Linear(3136, 512), nn.ReLU())
        self.action_net, self.value_net = nn.Linear(512, 4), nn.Linear(512, 1)

    def forward(self, x):
        extractor = self.features_extractor
        return self.action_net(extractor.linear(extractor.cnn(x / 255.0)))


def test_a_stable_baselines3_model(tmp_path, monkeypatch, capsys):
    """Of the file that the example's ``model.save`` writes, made here without the library."""
    torch.manual_seed(0)
    policy, weights = Policy(), io.BytesIO()
    torch.save(policy.state_dict(), weights)
    table = {"policy_class": hostile.serialised(hostile.name(*CNN.rsplit(".", 1))), **PPO, "num_timesteps": 1000,
             "observation_space": pickled_space((4, 84, 84))["observation_space"]}  # fmt: skip
    (tmp_path / "mine.zip").write_bytes(hostile.sb3_zip(weights.getvalue(), table, system_info__txt=b"- OS: Linux\n"))
    monkeypatch.chdir(tmp_path)
    type_lines("mine.zip")
    assert "sb3-policy" in capsys.readouterr().out
    assert_it_answers_like(policy, "mine.zip")


CALLS = (r"nn\.\w+\([\d*\s,=a-z]*\)", r"\w+=[\d.e-]+", r"(?:PPO|make_atari_env)\(\"[\w-]+\"", r"model\.(?:save|learn)")


@pytest.mark.parametrize("name, begins", [("own_pytorch", "class Player"), ("own_sb3", "games = Vec")])
def test_the_page_shows_what_the_examples_hold(name, begins):
    """Every call that the page shows stands in the file."""
    source = "".join((DOCS / "examples" / f"{name}.py").read_text().split())
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "bring_your_own.md").read_text(), re.DOTALL)
    (shown,) = (block for block in blocks if block.startswith(begins))
    calls = [call for pattern in CALLS for call in re.findall(pattern, shown)]
    assert len(calls) > 5
    assert not [call for call in calls if "".join(call.split()) not in source]
