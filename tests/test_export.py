"""From a run to an animal: what is exported computes what was trained, or nothing is exported; how it is evaluated."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import zoo_table
from PIL import Image
from training import animals, baselines, clips, export, networks, population, ppo, values
from training.envs import Answer, AtariEnvs
from training.evaluate import evaluate
from training.run import Run

from zoo_gui.agents import logs
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, Card, PreprocessingSpec, Scores
from zoo_gui.types import ZooError

SHAPE, ACTIONS = (4, 84, 84), 6
YARDSTICK = baselines.Yardstick(-20.0, 0.1, 9.0, 0.1, "RIGHT", 30, "test")


class CountdownEnvs:
    """Game i ends after i + 1 steps and then again and again; each step is worth 1. It looks like Pong's noise."""

    action_names, observation_shape = ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"), SHAPE

    def __init__(self, game: str, count: int, seed: int, sticky: float = 0.0):
        self.count, self.made_with = count, (game, seed, sticky)
        self.actions: list[np.ndarray] = []
        self._rng = np.random.default_rng(seed)

    def reset(self) -> np.ndarray:
        self._left = np.arange(self.count) + 1
        return self._observation()

    def step(self, actions: np.ndarray) -> Answer:
        self.actions.append(actions.copy())
        self._left -= 1
        done = self._left == 0
        self._left[done] = 1
        return Answer(self._observation(), np.ones(self.count, np.float32), done, np.zeros(self.count, bool))

    def _observation(self) -> np.ndarray:
        return self._rng.integers(0, 256, (self.count, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module", autouse=True)
def quick_games():
    """Evaluations in games of a few steps, beside yardsticks that these do not reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "evaluate", functools.partial(evaluate, make_envs=CountdownEnvs))
        patch.setattr(baselines, "read", lambda game: baselines.Baselines(YARDSTICK, YARDSTICK, 9.3, "test"))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A finished run of PPO, far too short to learn."""
    settings = ppo.PPOSettings(steps=128, envs=4, segment=64, rollout=8, minibatch=32, epochs=1, tags="0.5")
    command, folder = "tools/train ppo Pong --steps 128", tmp_path_factory.mktemp("run")
    make = functools.partial(CountdownEnvs, "Pong")
    run = Run.create(folder, "ppo", "Pong", settings, command, make_envs=make)
    for _ in run.train():
        pass
    return run


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    """The folder of its animal, with two earlier stages."""
    agents = tmp_path_factory.mktemp("resources") / "agents"
    made = export.export(run, episodes=3, tag_episodes=2, agents=agents, docs=None)
    assert made.tags == ("initial", "0.0M") and made.card.id in str(made) and not made.warnings
    return agents / "ppo" / "Pong" / "1"


def observed(count: int = 16) -> np.ndarray:
    """Random observations, uint8 (N, C, H, W)."""
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def test_exported_agent_gives_the_logits_of_the_trained_network(run, exported):
    for tag, folder in (("final", exported), ("initial", exported / "initial")):
        network = run.learner(tag).network.float()
        rounded = {name: tensor.half().float() for name, tensor in network.state_dict().items()}
        network.load_state_dict(rounded)
        with torch.no_grad(), export.in_float32():
            logits, value = network(torch.from_numpy(observed()))
        given = Agent.load(str(folder)).activations(np.ascontiguousarray(observed().transpose(0, 2, 3, 1)))
        np.testing.assert_allclose(given["policy"], logits, atol=1e-5)
        np.testing.assert_allclose(given["value"][:, 0], value, atol=1e-4)


def test_a_card_names_the_gpu(run, monkeypatch):
    words = functools.partial(export.description, run, run.learner("final"), Scores(mean=20.0), "", None)
    assert "hours of one processor core." in words() and "GPU" not in export.library(run)
    monkeypatch.setitem(run.facts, "gpu", "NVIDIA H200")
    assert "hours of processor cores beside a GPU." in words() and export.library(run).endswith("on one NVIDIA H200")


def test_card_says_how_the_agent_came_to_be_and_what_it_scores(run, exported):
    card = Card.read(exported / "card.toml")
    assert (card.training.steps, card.training.seed, card.training.command) == (128, 1, run.facts["command"])
    assert card.training.commit == run.facts["commit"] and "PyTorch" in card.training.library
    assert card.actions.names == ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")
    assert card.scores.episodes == len(card.scores.scores) == 3
    assert "no sticky" in card.scores.protocol and "0.25 sticky" in card.scores.also[0].protocol
    assert card.licence and card.credit
    assert (exported / card.weights.file).stat().st_mode & 0o044, "others may not read the weights"


def test_description_says_when_a_constant_action_is_as_good(exported):
    assert Card.read(exported / "card.toml").description.endswith("It is not better than always pressing RIGHT.")
    initial = Card.read(exported / "initial" / "card.toml")
    assert initial.id == "ppo/Pong/1@initial" and "untrained" in initial.description and initial.training.steps == 0


def test_log_and_checkpoints_have_the_zoos_shape(exported):
    log = logs.read_log(exported)
    assert set(logs.LOG_KEYS) <= set(log[0])
    assert [entry["frames"] for entry in log] == sorted(entry["frames"] for entry in log)
    assert [entry["initial"] for entry in log] == [1] + [0] * (len(log) - 1) and log[-1]["final"] == 1
    assert all(isinstance(entry["policy_entropy"], float) for entry in log[1:])
    checkpoints = {item["criteria"]: item["best_checkpoint"] for item in logs.read_checkpoints(exported)}
    assert list(checkpoints) == ["initial", "0.0M", "final"]
    assert [info["frames"] for info in checkpoints.values()] == [0, 256, 512]
    for info in checkpoints.values():
        assert (exported / info["fname"]).is_file() and set(info) == set(logs.CHECKPOINT_KEYS)


def test_wrong_conversion_is_caught_and_leaves_nothing(run, tmp_path, monkeypatch):
    """Rows of the first dense kernel left in PyTorch's order: every shape is right, every number is wrong."""
    monkeypatch.setattr(animals, "dense_kernel", lambda kernel, before: kernel.T)
    before = set(run.folder.rglob("*"))
    with pytest.raises(ZooError, match="not the trained one: its layer fc"):
        export.export(run, agents=tmp_path / "agents", docs=None)
    assert not (tmp_path / "agents").exists() and set(run.folder.rglob("*")) == before


def test_export_replaces_what_was_there_and_draws_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "record", functools.partial(clips.record, steps=100))
    old = tmp_path / "agents" / "ppo" / "Pong" / "1"
    old.mkdir(parents=True)
    (old / "old.txt").write_text("of the agent before")
    export.export(run, tags=[], episodes=1, agents=tmp_path / "agents", docs=tmp_path / "docs")
    assert sorted(path.name for path in old.iterdir()) == [
        "card.toml", "checkpoints.json", "log.json", "thumbnail.png", "weights.safetensors",
    ]  # fmt: skip
    page = (tmp_path / "docs" / "zoo.md").read_text()
    assert "`ppo/Pong/1`" in page and "**not better than always pressing RIGHT**" in page
    for source in re.findall(r'src="([^"]+)"', page):
        assert (tmp_path / "docs" / source).is_file()


def test_what_cannot_be_exported_is_said(run, tmp_path):
    with pytest.raises(ZooError, match="no earlier stage “9M”: choose from initial"):
        export.export(run, tags=["9M"], agents=tmp_path, docs=None)
    begun = Run.create(tmp_path / "run", "ppo", "Pong", run.settings, "tools/train ppo Pong")
    with pytest.raises(ZooError, match="is not finished: go on with “tools/train ppo Pong”"):
        export.export(begun, agents=tmp_path, docs=None)


NETWORKS = {
    "policy and value": networks.ActorCritic,
    "policy alone": population.Policy,
    "q": values.QNetwork,
    "dueling": values.DuelingQNetwork,
    "dueling quantiles": lambda *shape: values.DuelingQuantiles(*shape, quantiles=5),
}


BODIES = [("policy and value", "nature"), ("policy and value", "tiny")]


@pytest.mark.parametrize(("heads", "kind"), [(heads, "small") for heads in NETWORKS] + BODIES)
def test_every_network_is_converted_exactly(tmp_path, heads, kind):
    torch.manual_seed(0)
    network = NETWORKS[heads](kind, SHAPE, ACTIONS)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    learner = SimpleNamespace(network=network, settings=SimpleNamespace(network=kind), actions=ACTIONS)
    arrays, spec = export.half(network), export.describe(learner)
    actions = ActionSpec(tuple("NOOP FIRE RIGHT LEFT RIGHTFIRE LEFTFIRE".split()), "argmax")
    animals.write(
        tmp_path, animals.convert(arrays, spec, (84, 84, 4), export.module_names(arrays)), algorithm="test",
        game="Pong", run=1, network=spec, preprocessing=PreprocessingSpec(), actions=actions,
    )  # fmt: skip
    export.prove(tmp_path, learner, observed())
    with torch.no_grad():
        network.body.fc.bias += 1.0
    with pytest.raises(ZooError, match="layer fc"):
        export.prove(tmp_path, learner, observed())


def test_evaluation_counts_the_first_game_of_each():
    made: list[CountdownEnvs] = []

    def make(*arguments, **options):
        made.append(CountdownEnvs(*arguments, **options))
        return made[0]

    asked = []
    found = evaluate(lambda seen, rng: asked.append(len(seen)) or np.ones(len(seen), int), "Pong", 5, 0.25, 7, make)
    assert found.scores == (1.0, 2.0, 3.0, 4.0, 5.0) and found.lengths == (1, 2, 3, 4, 5) and found.mean == 3.0
    assert made[0].made_with == ("Pong", 7, 0.25) and "0.25 sticky actions" in found.protocol
    assert asked == [5, 4, 3, 2, 1], "games that are over cost no decisions"
    np.testing.assert_array_equal(made[0].actions[-1], [0, 0, 0, 0, 1])


def test_evaluation_plays_the_same_games_for_the_same_seed():
    def play():
        short = functools.partial(AtariEnvs, longest=200)
        return evaluate(lambda seen, rng: rng.integers(4, size=len(seen)), "Breakout", 2, 0.25, 1, short)

    first = play()
    assert first == play() and first.lengths == (50, 50)


def test_shortfall_needs_more_than_chance():
    """Mean 10, standard error 1: 1.64 of them below is 8.36."""
    scores = dict(mean=10.0, scores=(9.0, 11.0), episodes=2)
    assert animals.shortfall(Scores(**scores, random=2.0, constant=8.3, constant_action="UP")) == ""
    assert animals.shortfall(Scores(**scores, constant=8.4, constant_action="UP")).endswith("always pressing UP")
    assert animals.shortfall(Scores(**scores, constant=8.4, constant_action="NOOP")).endswith("doing nothing")
    assert animals.shortfall(Scores(**scores, random=8.4)).endswith("random play")
    assert animals.shortfall(Scores(**scores)) == ""


def test_clip_shows_the_stretch_with_most_points():
    rewards = np.zeros(100)
    assert clips.telling(rewards, 20) == 40, "where nothing is won, the middle"
    rewards[[70, 72, 75]], rewards[5], rewards[30:50] = 1, 50, -1
    assert 56 <= clips.telling(rewards, 20) <= 70, "points lost are not shown, and large ones count as one"
    assert clips.telling(np.zeros(7), 20) == 0


def test_clip_and_thumbnail_are_small(tmp_path, monkeypatch):
    frames = np.random.default_rng(0).integers(0, 256, (8, 210, 160, 3), dtype=np.uint8)
    clips.write_thumbnail(tmp_path / "thumbnail.png", frames[0])
    clips.write_clip(tmp_path / "clip.gif", frames[:4])
    with Image.open(tmp_path / "thumbnail.png") as thumbnail, Image.open(tmp_path / "clip.gif") as clip:
        assert thumbnail.size == (96, 126) and clip.size == (160, 210) and clip.n_frames == 4
    clips.write_clip(tmp_path / "clip.gif", frames)  # noise: each picture has 40 kB
    assert (tmp_path / "clip.gif").stat().st_size <= clips.MAX_BYTES
    monkeypatch.setattr(clips, "MAX_BYTES", 1000)
    with pytest.raises(ZooError, match="cannot be made small enough"):
        clips.write_clip(tmp_path / "clip.gif", frames)
    assert not (tmp_path / "clip.gif").exists()


def test_page_of_the_zoo_is_up_to_date():
    """Otherwise run tools/zoo_table.py."""
    for name, text in zoo_table.files().items():
        assert (zoo_table.DOCS / name).read_text(encoding="utf-8") == text, f"run tools/zoo_table.py: {name}"


def test_every_animal_has_a_thumbnail_and_a_clip():
    """Otherwise run python -m training.clips in tools/."""
    zoo = zoo_table.read()
    pictures = zoo_table.DOCS / zoo_table.IMAGES
    expected = {zoo_table.picture(animal.card, kind) for animal in zoo for kind in ("gif", "svg")}
    assert {zoo_table.picture(animal.card, "gif") for animal in zoo} <= {path.name for path in pictures.iterdir()}
    assert all((animal.folder / "thumbnail.png").is_file() for animal in zoo)
    assert {path.name for path in pictures.iterdir()} <= expected, "pictures of animals that are gone"
    assert sum(path.stat().st_size for path in pictures.iterdir()) < 8_000_000


def test_the_zoo_keeps_its_budget():
    resources = [path for path in zoo_table.AGENTS.parent.rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in resources) <= export.FILE_BUDGET
    assert sum(path.stat().st_size for path in resources) <= export.ZOO_BUDGET


def test_too_large_a_zoo_is_said(tmp_path, monkeypatch):
    (tmp_path / "agents" / "new").mkdir(parents=True)
    (tmp_path / "agents" / "new" / "weights.safetensors").write_bytes(bytes(2000))
    assert not list(export.over_budget(tmp_path / "agents" / "new", tmp_path))
    monkeypatch.setattr(export, "FILE_BUDGET", 1000)
    monkeypatch.setattr(export, "ZOO_BUDGET", 1999)
    file, total = export.over_budget(tmp_path / "agents" / "new", tmp_path)
    assert "weights.safetensors" in file and "fewer tags" in total


def test_curve_is_drawn_from_the_log(tmp_path):
    text = zoo_table.draw([(0.0, -20.0), (1.0, 0.0), (2.0, 20.0)], random=-20.0)
    line = re.findall(r'points="([^"]+)"', text)
    assert len(line) == 2, "random play and the agent"
    places = [tuple(map(float, point.split(","))) for point in line[1].split()]
    heights = [y for _, y in places]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2])
    assert "−20" in text and "2.0 M frames" in text
    entries = [{"frames": 1e6, "time": 1, "score": None}, {"frames": 2e6, "time": 2, "score": 3.5}]
    (tmp_path / "log.json").write_text(json.dumps(entries))
    animal = SimpleNamespace(folder=tmp_path, card=SimpleNamespace(id="test"))
    assert zoo_table.curve(animal) == [(2.0, 3.5)]


def test_a_student_names_its_teacher_and_whose_it_is(run):
    settings = SimpleNamespace(teacher="distill/Pong/1")
    said = export.credit(SimpleNamespace(settings=settings))
    assert said.startswith(animals.CREDIT) and "distill/Pong/1" in said and "Kostrikov" in said
    assert export.credit(run) == animals.CREDIT
