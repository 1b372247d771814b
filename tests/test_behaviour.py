"""Behaviour: its numbers against hand-made ones, agents' own games, and what is said where numbers are missing."""

import math
import types

import numpy as np
import pytest
import tiny_agents
from scipy.stats import trim_mean

from zoo_gui import analysis
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, LayerSpec, NetworkSpec
from zoo_gui.analysis import ANALYSES, export
from zoo_gui.analysis import behaviour as module
from zoo_gui.analysis import behaviour_statistics as statistics
from zoo_gui.analysis.biases import biases_of
from zoo_gui.analysis.contestants import contestants
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import MEANINGS
from zoo_gui.play.player import play
from zoo_gui.types import ZooError

SETTINGS = dict(episodes=2, seed=3, limit=30)


def agent_of(names=("NOOP", "LEFT", "RIGHT"), seed=0, **changes):
    """A policy of these actions."""
    layers = tiny_agents.POLICY.layers[:3] + (LayerSpec("policy", "dense", units=len(names), role="logits"),)
    network = NetworkSpec(layers)
    card = tiny_agents.card(network, actions=ActionSpec(names, "sample"), **changes)
    return Agent(card, tiny_agents.weights(network, seed))


@pytest.fixture(scope="module")
def pair():
    """Agents of 3 and of 18 actions."""
    return agent_of(), agent_of(tuple(Emulator("Breakout").all_actions), 1, run=2)


@pytest.fixture(scope="module")
def found(pair):
    return analysis.run("behaviour", [*pair, "random/Breakout"], **SETTINGS)


def test_an_interval_holds_the_mean_and_shrinks_with_more_games():
    rng = np.random.default_rng(0)
    few, many = (statistics.estimate(rng.normal(5, 2, count)) for count in (8, 400))
    for one in (few, many):
        assert one.low < one.value < one.high and abs(one.value - 5) < one.high - one.low
    assert many.high - many.low < 0.3 * (few.high - few.low)
    # by hand: the mean's deviation is s / √n, and 95 % of a normal lie within 1.96 of it
    sample = rng.normal(5, 2, 400)
    wide = 2 * 1.96 * sample.std() / 20
    one = statistics.estimate(sample)
    assert one.high - one.low == pytest.approx(wide, rel=0.05)
    assert statistics.estimate(sample) == one != statistics.estimate(sample, seed=1)


def test_one_game_has_no_interval_and_equal_scores_one_of_no_width():
    one, none, same = (statistics.estimate(values) for values in ([3.0], [], [2.0, 2.0, 2.0]))
    assert one.value == 3 and math.isnan(one.low) and one.text == "3"
    assert math.isnan(none.value) and none.n == 0 and none.text == "–"
    assert same[:3] == (2, 2, 2)
    assert statistics.estimate([-2.0, 1.0, 3.0]).text == "0.6667 (−2 to 3)"
    median = statistics.estimate([1.0, 2.0, 9.0], np.median)
    assert median.value == 2 and (median.low, median.high) == (1, 9)


def test_the_interquartile_mean_by_hand():
    # eight numbers: the two least and the two largest go; (3 + 4 + 5 + 6) / 4
    assert statistics.iqm(np.array([8.0, 1, 2, 3]), np.array([4.0, 5, 6, 100])) == pytest.approx(4.5)
    assert statistics.iqm(np.array([1.0, 2, 3, 4, 50])) == pytest.approx(3.0)  # 5 / 4 is 1 of either end
    rows = np.random.default_rng(0).normal(size=(7, 12))
    np.testing.assert_allclose(statistics.iqm(rows[:, :5], rows[:, 5:]), trim_mean(rows, 0.25, axis=1))


def test_the_stratified_bootstrap_draws_within_each_game():
    # within games nothing varies: however different the games are, neither does the answer
    still = statistics.stratified_iqm([[1.0, 1.0], [9.0, 9.0]])
    assert still[:3] == (5, 5, 5) and still.n == 4
    moving = statistics.stratified_iqm([[0.0, 2.0], [9.0, 9.0]])
    assert moving[:3] == (5.5, 4.5, 5.5)  # of the first game (0, 0), (0, 2) or (2, 2): (0 + 9) / 2 or (2 + 9) / 2
    single = statistics.stratified_iqm([[1.0, 2.0], [3.0]])
    assert single.value == 2 and math.isnan(single.low)


def test_divergences_of_histograms_by_hand():
    rows = np.array([[1.0, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 0]])
    found = statistics.divergences(rows, "aaaa")
    assert found[0, 0] == 0 and found[0, 1] == 1
    # against (¾, ¼): half of log2(4/3), and half of ½ log2(⅔) + ½ log2(2)
    assert found[0, 2] == pytest.approx(0.5 * math.log2(4 / 3) + 0.25 * (math.log2(2 / 3) + 1))
    assert found[0, 2] == found[2, 0] and np.isnan(found[3]).all()
    assert np.isnan(statistics.divergences(rows[:2], "ab")[0, 1])


def test_coverage_of_planted_memory():
    ram = np.zeros((2000, 128), np.uint8)
    ram[:, 7] = np.arange(2000) // 500  # four values
    ram[1500:, 9] = 200
    found = statistics.coverage(ram)
    assert found.steps == 2000 and found.visited().sum() == 128 + 3 + 1
    assert found.values()[7] == 4 and found.values()[9] == 2 and found.values()[0] == 1
    assert found.first[7, 2] == 1000 and found.first[9, 200] == 1500 and found.first[9, 201] == -1
    assert found.distinct == 2  # two in each thousand: 0, 1; then 2, 3 with the other byte's change
    assert found.visited(1000).sum() == 128 + 1
    steps, pairs = found.curve()
    assert steps.tolist() == [1, 501, 1001, 1501, 2000] and pairs.tolist() == [128, 129, 130, 132, 132]
    assert math.isnan(statistics.coverage(ram[:999]).distinct)


def test_overlap_compares_equal_numbers_of_steps():
    short, long = np.zeros((10, 128), np.uint8), np.zeros((40, 128), np.uint8)
    short[:, 0], long[:, 0] = np.arange(10), np.arange(40)
    covers = [statistics.coverage(ram) for ram in (short, long)]
    shares, overlap, steps = statistics.overlaps(covers, "aa")
    assert steps.tolist() == [10, 10] and shares.tolist() == [1, 1] and overlap[0, 1] == 1
    long[:, 0] += 5  # values 5–14 in the first ten steps: five of fifteen are shared
    shares, overlap, _ = statistics.overlaps([covers[0], statistics.coverage(long)], "aa")
    assert overlap[0, 1] == pytest.approx((127 + 5) / (127 + 15)) and shares[0] == pytest.approx((127 + 10) / 142)
    shares, overlap, steps = statistics.overlaps(covers, "ab")
    assert steps.tolist() == [10, 40] and shares.tolist() == [1, 1] and np.isnan(overlap[0, 1])


def test_games_are_those_that_play_plays(pair, found):
    """Counted again from the games themselves."""
    agent, games = pair[0], found.games[0]
    assert games.seeds.tolist() == [3, 4] and games.agent.letter == "A"
    counts = np.zeros(18, int)
    for place, seed in enumerate((3, 4)):
        steps = list(play(agent, seed=seed, steps=30))
        assert games.scores[place] == sum(step.reward for step in steps) and games.lengths[place] == 30
        for step in steps:
            counts[MEANINGS.index(agent.action_names[step.decision.action])] += 1
    assert games.actions.tolist() == counts.tolist() and games.steps == 60
    assert not games.complete.any() and math.isnan(games.mean.value)
    assert games.frames.min() > 4 * 30  # no-ops before the first step are frames too
    assert "No game of A came to its end within 30 steps: it has no score." in found.remarks


def test_agents_of_3_and_of_18_actions_stand_in_one_table(found):
    three, all_of_them, chance = (one.histogram for one in found.games)
    for row in (three, all_of_them, chance):
        assert row.sum() == pytest.approx(1)
    used = {found.meanings[place] for place in np.flatnonzero(all_of_them)}
    # Breakout reads no UP and no DOWN: what 18 actions do is what these say
    assert used <= {"NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"} and len(used) > 2
    assert 0 < found.divergences[0, 1] < 1 and np.allclose(np.diag(found.divergences), 0)
    assert np.allclose(np.diag(found.overlap), 1) and (found.compared == 60).all()


def test_an_agent_against_itself_does_the_same(pair):
    found = analysis.run("behaviour", [pair[0], pair[0]], **SETTINGS)
    assert found.divergences.max() == 0 and found.overlap.min() == 1 and found.shares.tolist() == [1, 1]
    np.testing.assert_array_equal(*(one.scores for one in found.games))


def test_what_there_is_so_far_comes_after_every_game(pair):
    records = list(ANALYSES["behaviour"](pair, **SETTINGS))
    parts = [p.result for p in records if p.result is not None]
    assert [[len(one.seeds) for one in part.games] for part in parts] == [[1], [2], [2, 1], [2, 2]]
    assert [p.done for p in records] == sorted(p.done for p in records) and records[-1].complete
    job = ANALYSES["behaviour"](pair, **SETTINGS)
    assert next(job).result is None  # a word within the first game: there it can be ended
    job.close()


def test_algorithms_are_summed_up_over_games_and_runs():
    def one(algorithm, game, run, score, human=10.0):
        agent = types.SimpleNamespace(algorithm=algorithm, game=game, hash=str(run))
        mean = statistics.Estimate(score, math.nan, math.nan, 1)
        return types.SimpleNamespace(agent=agent, mean=mean, random=0.0, human=human, normalised=lambda x: x / human)

    played = [one("ppo", "Pong", 1, 5.0), one("ppo", "Pong", 2, 10.0), one("ppo", "Breakout", 3, 20.0),
              one("ppo", "Breakout", 4, 30.0), one("dqn", "Pong", 5, 1.0)]  # fmt: skip
    (found,) = module._aggregates(played, 0)
    assert found.games == {"Pong": 2, "Breakout": 2} and not found.why and found.title == "PPO"
    assert found.iqm.value == pytest.approx(1.5) and found.iqm.low < 1.5 < found.iqm.high  # of ½ 1 2 3: 1 and 2
    assert found.sentence.startswith("PPO over Pong × 2, Breakout × 2: interquartile mean 1.5 (")
    (found,) = module._aggregates([*played[:3], played[0]], 0)  # the same agent twice is one run
    assert found.games == {"Pong": 2, "Breakout": 1} and "one run of Breakout" in found.why
    assert math.isnan(found.iqm.low)


def test_yardsticks_are_the_zoos_or_a_cards():
    assert module.yardsticks("breakout") == (1.067, 31.8) and module.yardsticks("Breakout", sticky=0.25)[0] == 1.1
    card = types.SimpleNamespace(game="Tennis", scores=types.SimpleNamespace(random=-23.8, human=-8.9))
    assert module.yardsticks("Tennis", [types.SimpleNamespace(card=card)]) == (-23.8, -8.9)
    assert module.yardsticks("Klax") == (None, None)


def test_agents_of_different_games_are_not_set_against_each_other(pair):
    found = analysis.run("behaviour", [pair[0], None], game="", **SETTINGS | {"episodes": 1})
    assert found.agents[1].id == "random/Breakout"  # a player without a network plays the others' game
    other = analysis.run("behaviour", [pair[0], "random/Pong"], **SETTINGS | {"episodes": 1})
    assert np.isnan(other.divergences[0, 1]) and np.isnan(other.overlap[0, 1])
    assert any("different games" in remark for remark in other.remarks)


def test_a_finished_game_counts_and_one_number_has_no_interval():
    found = analysis.run("behaviour", ["random/Breakout"], episodes=1, seed=0, limit=2000)
    (games,) = found.games
    assert games.complete.all() and games.mean.value == games.scores[0] and math.isnan(games.mean.low)
    assert games.length.value == games.lengths[0] and games.frames_mean == games.frames[0]
    assert found.remarks == ("A finished one game: there is no interval of one number.",)
    assert games.normalised(games.mean.value) == pytest.approx((games.scores[0] - 1.067) / (31.8 - 1.067))


def test_the_bias_of_several_agents_and_why_one_has_none(pair):
    still = tiny_agents.card(preprocessing=tiny_agents.PreprocessingSpec(size=(20, 18), stack=1))
    weights = tiny_agents.weights()
    weights["conv1/kernel"] = weights["conv1/kernel"][:, :, :1]
    agents = [pair[0], Agent(still, weights), "random/Pong"]
    found = biases_of(agents, contestants(agents))
    assert found.names == ("t−1", "t") and found.row(0)[1] == 1 and math.isnan(found.row(1)[0])
    assert found.why[0] == "" and "single frame" in found.why[1] and found.why[2] == "It has no network."
    rows = found.table()
    assert rows[0]["t"] == 1 and rows[1]["why"] and [row["agent"] for row in rows] == ["A", "B", "C"]


def test_records_are_written(found, pair, tmp_path):
    for ending in ("png", "csv", "json", "npz"):
        assert export.write(found, tmp_path / f"b.{ending}").stat().st_size > 200
    assert "NOOP" in (tmp_path / "b.csv").read_text().splitlines()[1]
    with np.load(tmp_path / "b.npz") as arrays:
        assert arrays["actions"].sum(1).tolist() == [60, 60, 60] and arrays["scores"].shape == (3, 2)
    biases = biases_of(pair, contestants(pair))
    for ending in ("svg", "csv", "npz"):
        assert export.write(biases, tmp_path / f"t.{ending}").exists()


def test_refusals_are_sentences(pair):
    for agents, words in (([], "0 agents"), ("random/Pong", "as a list"), (["ppo/Pong/1"], "not loaded"),
                          ([None], "Name the game"), (["random/Pongg"], "Pongg")):  # fmt: skip
        with pytest.raises(ZooError, match=words):
            next(ANALYSES["behaviour"](agents))
    with pytest.raises(ZooError, match="cannot be played"):
        next(ANALYSES["behaviour"](pair, episodes=0))
    with pytest.raises(ZooError, match="cannot be played"):
        next(ANALYSES["behaviour"](pair, episodes=1000, limit=10_000))
