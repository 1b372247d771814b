"""Which algorithm played this state? Splits that share no game, a classifier that finds what is there and nothing else,
and the numbers of the record against scikit-learn's."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import f1_score

from zoo_gui.analysis import classifier
from zoo_gui.analysis.distinct_record import Distinct, Trial
from zoo_gui.cli import main
from zoo_gui.lab import Experiment, kind_of
from zoo_gui.lab.kinds import distinct
from zoo_gui.types import ZooError


def marked(count, classes, rng):
    """Noise frames with a bright spot whose row says the class: (frames, labels)."""
    labels = rng.integers(0, classes, count)
    frames = rng.integers(0, 60, (count, 14, 14)).astype(np.uint8)
    for shift in (0, 1):
        frames[np.arange(count), 2 + 4 * labels + shift, 6:9] = 255
    return frames, labels


@pytest.fixture(scope="module")
def told_apart():
    """What the classifier says of marked frames with their labels, and with shuffled ones."""
    rng = np.random.default_rng(3)
    frames, labels = marked(700, 3, rng)
    how = classifier.Training(batch=16, seed=5)
    shuffled = rng.permutation(labels[:500])
    guesses = [classifier.classified(frames[:500], told, frames[500:], 3, how) for told in (labels[:500], shuffled)]
    return labels[500:], *guesses


def test_what_separates_is_found(told_apart):
    truth, guess, _ = told_apart
    assert np.mean(truth == guess) > 0.9


def test_shuffled_labels_are_near_chance(told_apart):
    """200 frames at a third: a standard deviation is 3.3 %."""
    truth, _, guess = told_apart
    assert abs(np.mean(truth == guess) - 1 / 3) < 0.15


def test_the_same_seed_trains_the_same():
    frames, labels = marked(60, 2, np.random.default_rng(0))
    noise = np.random.default_rng(1).integers(0, 255, (40, 14, 14)).astype(np.uint8)
    first, second = (classifier.classified(frames, labels, noise, 2, classifier.Training(seed=1)) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("frames, asked", [(np.zeros((0, 14, 14), np.uint8), 1), (np.zeros((3, 4, 4), np.uint8), 3)])
def test_nothing_to_learn_is_said(frames, asked):
    with pytest.raises(ZooError, match="[Ff]rames"):
        classifier.classified(frames, np.zeros(len(frames), int), frames[:asked], 2)


def layout():
    """Labels, runs and seeds of three classes, the second with two runs, three seeds each, ten frames a rollout."""
    players = [(0, 0), (1, 0), (1, 1), (2, 0)]
    rollouts = [(*player, seed) for player in players for seed in (4, 7, 9)]
    return np.repeat(np.array(rollouts), 10, axis=0).T


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_the_fair_split_shares_no_game_and_no_training(fold):
    labels, runs, seeds = layout()
    train, test = classifier.by_game(labels, runs, seeds, fold)
    assert set(seeds[train]).isdisjoint(seeds[test])
    several = labels == 1
    assert set(runs[train][several[train]]).isdisjoint(runs[test][several[test]])
    assert set(labels[train]) == set(labels[test]) == {0, 1, 2}
    assert set(seeds[test]) == {(4, 7, 9)[fold]}


def test_one_seed_cannot_be_split_by_game():
    labels, runs, _ = layout()
    with pytest.raises(ZooError, match="two seeds"):
        classifier.by_game(labels, runs, np.zeros(len(labels), int), 0)


def test_the_papers_split_leaks_neighbours():
    """Nearly every frame that is held out has a neighbour in time among the others: 1 − 0.2² of them."""
    train, test = classifier.at_random(2000, 0.2, np.random.default_rng(0))
    assert len(test) == 400 and not set(train) & set(test)
    known = set(train)
    assert np.mean([frame - 1 in known or frame + 1 in known for frame in test]) > 0.9


def test_classes_are_evened():
    labels = np.array([0] * 50 + [1] * 7 + [2] * 20)
    chosen = classifier.evened(labels, np.random.default_rng(0))
    assert np.bincount(labels[chosen]).tolist() == [7, 7, 7] and len(set(chosen)) == 21


def test_copies_are_counted():
    frames = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((1, 3, 3), np.uint8)
    assert classifier.copies(frames[:3], frames[1:]) == 0.5


def trial(name, truth, guess):
    truth, guess = np.array(truth), np.array(guess)
    return Trial(name, truth, guess, np.arange(len(truth)) // 3, (30,), 0.1, 3)


def test_numbers_of_the_record():
    truth, guess = [0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, 1, 0, 0, 0]
    found = trial("fair", truth, guess)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 3, 0], [3, 0, 0]]
    assert found.f1 == pytest.approx(f1_score(truth, guess, average=None, zero_division=0))
    assert found.f1 == pytest.approx([2 * 0.4 * (2 / 3) / (0.4 + 2 / 3), 6 / 7, 0])
    assert found.accuracy == pytest.approx(5 / 9)
    assert found.interval.value == pytest.approx(5 / 9) and found.interval.n == 3
    assert found.interval.low < 5 / 9 < found.interval.high


def test_the_record_draws_tables_and_says_what_others_found():
    trials = tuple(trial(name, [0, 1, 2] * 4, [0, 1, 1] * 4) for name in ("paper", "fair", "fair, shuffled"))
    asked = {"agents": 3, "seeds": 2, "steps": 100, "every": 1, "size": 42, "epochs": 1}
    record = Distinct("Seaquest", ("A2C", "DQN", "GA"), trials, asked)
    figure = Figure()
    record.draw(figure)
    assert len(figure.axes) == 3
    for word in ("3 agents", "2 seeds", "100 steps", "1 epoch", "Chance 33%"):
        assert word in record.caption
    assert any("0.88" in text and "Such et al. 2019" in text for text in record.sentences)
    rows = record.table()
    assert len(rows) == 3 * 4 and rows[1]["said DQN"] == 0 and rows[3]["said DQN"] == 4
    assert record.arrays()["fair/confusion"].shape == (3, 3)


class Spec:
    stack, observation_range = 2, (-1.0, 1.0)


def test_the_newest_frame_is_the_last_channels_in_0_to_255():
    observation = np.zeros((8, 8, 2), np.float32)
    observation[..., 0], observation[..., 1] = 1.0, -1.0
    observation[:4, :, 1] = 1.0
    frame = distinct.newest(observation, Spec, 4)
    assert frame.dtype == np.uint8 and frame[:2].min() == 255 and frame[2:].max() == 0


AGENTS = ("a2c/Breakout/1", "distill/Breakout/1", "distill/Breakout/2", "random/Breakout")


def test_cells_of_an_experiment():
    asked = Experiment("distinct", AGENTS, (0, 1), settings={"steps": 10})
    cells = asked.cells
    plays = [cell for cell in cells if cell.settings["part"] == "play"]
    assert len(plays) == 8 and {cell.settings["agent"] for cell in plays} == set(AGENTS)
    trials = [cell.settings["trial"] for cell in cells if cell.settings["part"] == "train"]
    assert trials == ["paper", "fair", "fair", "paper, shuffled", "fair, shuffled", "preprocessing"]
    players = [(one["class"], one["run"]) for one in cells[-1].settings["players"]]
    assert players == [("A2C", 0), ("Distilled", 0), ("Distilled", 1), ("Random", 0)]


@pytest.mark.parametrize(
    "agents, settings, seeds, words",
    [
        (("a2c/Breakout/1", "ppo/Pong/1"), {}, (0, 1), "different games"),
        (("distill/Breakout/1", "distill/Breakout/2"), {}, (0, 1), "All of these are Distilled"),
        (("a2c/Breakout/1", "random/Breakout"), {}, (0,), "two seeds"),
        (("a2c/Breakout/1", "random/Breakout"), {"protocol": "pape"}, (0, 1), "paper"),
        (("a2c/Breakout/1", "random/Breakout"), {"size": 4}, (0, 1), "size must be"),
    ],
)
def test_what_makes_no_sense_is_said(agents, settings, seeds, words):
    with pytest.raises(ZooError, match=words):
        len(Experiment("distinct", agents, seeds, settings=settings).cells)


def test_a_rollouts_frames_are_the_same_again():
    kind = kind_of("distinct")
    asked = Experiment("distinct", AGENTS, (0, 1), settings={"steps": 6, "size": 21})
    cell = next(cell for cell in asked.cells if cell.settings["agent"] == AGENTS[0])
    found = kind.compute(cell)
    assert found["own"].shape == found["shared"].shape == (6, 21, 21) and found["own"].dtype == np.uint8
    again = distinct._play.__wrapped__(*(cell.settings[key] for key in ("agent", "agent_hash", "game", "seed", "steps",
                                                                        "every", "size", "sticky")), False)  # fmt: skip
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_the_command_plays_trains_and_says(tmp_path, capsys):
    output = tmp_path / "found.csv"
    command = ["distinct", "a2c/Breakout/1", "random/Breakout", "--steps", "24", "--seeds", "0,1", "--size", "10",
               "--no-controls", "--workers", "1", "--folder", str(tmp_path / "lab"), "--output", str(output), "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["finished"] == told["cells"] == 4 + 3 and "chance: 50.0%." in told["sentences"]
    assert output.read_text().splitlines()[1].startswith("trial,class,precision")  # below where it comes from
    assert main(["distinct", "a2c/Breakout/1"]) == 2
    assert "two or more" in capsys.readouterr().err
