"""Unit search: the planted units are found, noise is not, and what is held out is."""

import json

import numpy as np
import planted
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.analysis import run
from zoo_gui.analysis.export import write
from zoo_gui.analysis.search_statistics import GAP, Split, Trial, p_values, shifted, split
from zoo_gui.cli import main
from zoo_gui.play.moments import Moments, recorded
from zoo_gui.types import Unit, ZooError

LAGS = (-2, -1, 0, 1, 2)


@pytest.fixture(scope="module")
def agent():
    return planted.agent()


@pytest.fixture(scope="module")
def play(agent):
    return planted.play(agent)


def test_the_planted_units_come_first(agent, play):
    reward = run("unit_search", agent, moments=play.moments, event="reward")
    first = reward.found[0]
    assert first.unit == Unit("conv1", planted.UNIT) and first.p_value < 0.01 and first.direction == 1
    assert first.held_out > 0.7 and first.lag in (-1, 0, 1) and first.at_event > first.otherwise
    assert first.auc == pytest.approx((first.held_out + 1) / 2) and reward.by == "episodes"
    assert reward.events == 30 == len(reward.examples) and "30 of 414 moments" in reward.sentence
    assert (play.moments.column("reward")[list(reward.examples)] == 1).all()
    for event, effect in ((f"ram:{planted.BYTE}=8", 0.95), (f"ram:{planted.BYTE}", 0.95)):
        found = run("unit_search", agent, moments=play.moments, event=event, layers=("conv1", "fc"))
        assert found.found[0].unit == Unit("fc", planted.COUNTER) and found.found[0].lag == 0
        assert found.found[0].held_out > effect and found.found[0].p_value < 0.01
    hidden = run("unit_search", agent, moments=play.moments, event=f"ram:{planted.BYTE + 1}")
    assert min(found.p_value for found in hidden.found) > 0.05 and hidden.is_number


def test_events_are_what_they_say(agent, play, monkeypatch):
    def moments_of(event):
        found = run("unit_search", agent, moments=play.moments, event=event, layers=("fc",), shifts=1)
        return found.events, found.examples

    number = play.number.reshape(6, -1)[:, 1:]  # without the moment at which one of the two frames is filler
    assert moments_of(f"ram:{planted.BYTE} changes")[0] == int((np.diff(number) != 0).sum())
    assert moments_of("episode end")[1] == (69, 139, 209, 279, 349, 419)
    action = play.moments.column("action")
    assert moments_of("action:LEFT") == moments_of("action:1") and moments_of("action:LEFT")[0] == (action == 1).sum()
    bar = f"region:{2 * planted.BAR[0]},{2 * planted.BAR[1]},2,16"
    changed, _ = moments_of(bar)
    assert changed >= moments_of(f"ram:{planted.BYTE} changes")[0]  # some sprites stand there as well
    value = play.moments.column("value").reshape(6, -1)[:, 1:]
    change = np.abs(np.diff(value)).ravel()
    monkeypatch.setattr("zoo_gui.analysis.search_events.JUMP", 1.0)
    limit = np.median(change) + 1.4826 * np.median(np.abs(change - np.median(change)))
    assert (change > limit).sum() >= 3 and moments_of("value jump")[0] == (change > limit).sum()


@pytest.mark.parametrize("event, words", [
    ("reward:negative", "never happens"), ("life lost", "never happens"), ("ram:128", "no RAM byte 128"),
    ("ram:3=256", "cannot be 256"), ("ram:3", "nothing can go with it"), ("ram:3=0", "nearly all"), ("action:UP", "UP"),
    ("region:0,0,9,99", "leaves the screen"), ("joy", "nothing that units can be searched by"),
])  # fmt: skip
def test_what_cannot_be_searched_is_said(agent, play, event, words):
    with pytest.raises(ZooError, match=words):
        run("unit_search", agent, moments=play.moments, event=event)


def _noise(rng, n, units):
    """Activations as slow as those of a game: first-order autoregressive."""
    values = np.zeros((n, units))
    steps = rng.standard_normal((n, units))
    for t in range(1, n):
        values[t] = 0.9 * values[t - 1] + steps[t]
    return values


def test_noise_is_found_about_as_often_as_it_should_be():
    rng = np.random.default_rng(0)
    half, segment = np.repeat([0, 1, 0, 1], 200), np.repeat(np.arange(4), 200)
    alone, best = [], []
    for number in range(24):
        event = _noise(rng, 800, 1)[:, 0] > 1.5  # it lasts, as the activations do
        trial = Trial(event, Split(half, segment, "episodes", (2, 2)), LAGS)
        list(trial.prepare(99, number))
        scores = trial.score(_noise(rng, 800, 40))
        corrected, each = p_values(scores.direction * scores.held_out, scores.null)
        alone += each.tolist()
        best.append(corrected.min())
    assert 0.03 < np.mean(np.array(alone) <= 0.05) < 0.07
    assert np.mean(np.array(best) <= 0.05) < 0.17  # 1 in 20 is expected, of 24


def test_what_holds_only_where_it_was_chosen_is_not_an_effect():
    rng = np.random.default_rng(1)
    half, segment = np.repeat([0, 1], 300), np.repeat([0, 1], 300)
    event = rng.random(600) < 0.1
    noise = rng.standard_normal((600, 2))
    noise[:, 0] += 5 * event * (half == 0)
    noise[:, 1] += 5 * np.roll(event, 2)
    trial = Trial(event, Split(half, segment, "episodes", (1, 1)), LAGS)
    list(trial.prepare(199, 0))
    scores = trial.score(noise)
    assert scores.effect[0] > 0.9 and abs(scores.held_out[0]) < 0.3
    assert scores.effect[1] > 0.9 and scores.held_out[1] > 0.9 and scores.lag[1] == 2
    p, _ = p_values(scores.direction * scores.held_out, scores.null)
    assert p[0] > 0.05 and p[1] <= 0.02


def test_the_effect_is_the_share_of_pairs():
    event = np.array([1, 0, 0, 1, 0, 1, 0, 0, 1, 0], bool)
    values = np.array([3.0, 1, 2, 2, 3, 5, 0, 1, 1, 4])[:, None]
    trial = Trial(np.tile(event, 2), Split(np.repeat([0, 1], 10), np.repeat([0, 1], 10), "episodes", (1, 1)), (0,))
    list(trial.prepare(1, 0))
    pairs = values[event] - values[~event].T
    assert trial.score(np.tile(values, (2, 1))).held_out[0] == pytest.approx(np.sign(pairs).mean())


def _moments(lengths):
    kept = Moments((), ("A",), (2, 2))
    count = sum(lengths)
    episode = np.repeat(np.arange(len(lengths)), lengths)
    index = np.concatenate([np.arange(length) for length in lengths])
    kept.column = lambda name, rows=slice(None): {"episode": episode, "index": index}[name][rows]
    return kept, np.arange(count)


def test_halves_share_no_episode_or_else_have_gaps():
    moments, rows = _moments([200, 150, 100, 250, 80])
    event = np.random.default_rng(0).random(780) < 0.1
    division = split(moments, rows, event)
    assert division.by == "episodes" and sum(division.counts) == 5
    episode = moments.column("episode")
    assert all(len(np.unique(division.half[episode == number])) == 1 for number in range(5))
    shares = [event[division.half == number].sum() for number in (0, 1)]
    assert min(shares) > 0.35 * event.sum()
    moments, rows = _moments([900])
    division = split(moments, rows, np.zeros(900))
    assert division.by == "blocks" and (division.half == -1).any()
    kept = np.flatnonzero(division.half >= 0)
    turns = np.flatnonzero(np.diff(division.half[kept]) != 0)
    assert (kept[turns + 1] - kept[turns] > GAP).all()


def test_a_shift_keeps_each_stretch_to_itself():
    segment = np.repeat([0, 1, 2], [5, 1, 7])
    source = shifted(segment, 50, np.random.default_rng(0))
    for row in source:
        for number in range(3):
            inside = np.flatnonzero(segment == number)
            np.testing.assert_array_equal(np.sort(row[inside]), inside)
            assert set(np.diff(row[inside])) <= {1, 1 - len(inside)}


def test_a_network_with_memory():
    spec = NetworkSpec(
        (
            LayerSpec("conv1", "conv", filters=3, kernel=(5, 4), stride=(2, 3), padding="SAME", activation="relu"),
            LayerSpec("memory", "gru", units=6),
            LayerSpec("policy", "dense", units=3, role="logits"),
        )
    )
    agent = Agent(tiny_agents.card(spec), tiny_agents.weights(spec))
    moments = recorded(agent, steps=150, game="Breakout")
    patch = run("patches", agent, unit="memory:4", moments=moments, k=3).found[0]
    assert patch.activation == moments.peak(Unit("memory", 4)).max() and patch.box == (0, 0, 20, 18)
    assert len(run("unit_search", agent, moments=moments, event="action:LEFT", shifts=5).found) == 12
    assert "memory" in run("probes", agent, moments=moments, shifts=3).layers


def test_files_and_command_line(agent, play, tmp_path, capsys):
    found = run("unit_search", agent, moments=play.moments, event="reward", shifts=20)
    for ending in (".png", ".csv", ".json", ".npz"):
        assert write(found, tmp_path / f"x{ending}").stat().st_size > 100
    arguments = ["search", "ppo/Breakout/1", "--steps", "200", "--event", "action:RIGHT", "--layer", "fc"]
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["rows"]) == 256 and "RIGHT" in answer["sentence"]
    assert main(["search", "ppo/Breakout/1", "--steps", "60", "--redundancy", "--layer", "conv1"]) == 0
    assert "units in 57 moments" in capsys.readouterr().out
    assert main(["search", "ppo/Breakout/1", "--steps", "30", "--event", "joy"]) == 2
