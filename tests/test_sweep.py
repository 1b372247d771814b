"""Sweeps: what is normalised is what the paper says, and a cell's game depends on nothing but its settings."""

import json

import numpy as np
import pytest
import tiny_agents
from matplotlib.figure import Figure

from zoo_gui import cli, lab
from zoo_gui.analysis.behaviour_statistics import estimate
from zoo_gui.analysis.contestants import Contestant
from zoo_gui.analysis.sweep_record import Played, swept
from zoo_gui.analysis.sweep_statistics import area, places, share
from zoo_gui.lab.kinds.sweep import SweepKind, SweepSettings
from zoo_gui.play.disturbance import DISTURBANCES, Disturbance
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import ZooError

LEVELS = (0.0, 0.1, 0.4)


# -- the numbers ---------------------------------------------------------------------------------------------
def test_a_share_lies_between_random_and_clean_play():
    clean, scores = [10.0, 14.0], [4.0, 8.0]
    found = share(scores, clean, random=2.0)
    assert found.value == pytest.approx((6 - 2) / (12 - 2)) and found.n == 2
    # two pairs: both games from the first, both from the second, or one of each
    assert (found.low, found.high) == (pytest.approx(2 / 8), pytest.approx(6 / 12))
    assert share(clean, clean, 2.0)[:3] == (1.0, 1.0, 1.0)  # by itself, always 1
    assert share([2.0, 2.0], clean, 2.0).value == 0.0
    one = share([4.0], [10.0], 2.0)
    assert one.value == 0.25 and np.isnan(one.low)
    assert np.isnan(share(scores, [1.0, 2.0], 2.0).value)  # no better than random
    doubtful = share(scores, [1.0, 14.0], 2.0)  # a quarter of the resamples has no clean score above random
    assert doubtful.value == pytest.approx(4 / 5.5) and np.isnan(doubtful.low)


def test_the_interval_of_a_share_is_the_bootstraps():
    rng = np.random.default_rng(0)
    clean = rng.normal(20, 2, 40)
    scores = clean / 2 + rng.normal(0, 1, 40)
    found = share(scores, clean, 0.0)
    ratios = []
    for _ in range(4000):
        rows = rng.integers(0, 40, 40)
        ratios.append(scores[rows].mean() / clean[rows].mean())
    np.testing.assert_allclose((found.low, found.high), np.quantile(ratios, (0.025, 0.975)), atol=0.003)
    assert share(scores, clean, 0.0) == found


def test_the_area_is_that_of_trapezoids_over_the_axis():
    clean = np.array([10.0, 10.0])
    scores = np.array([clean, clean / 2, [0.0, 0.0]])
    assert area(scores, clean, 0.0, [0.0, 1.0, 4.0]).value == pytest.approx((0.75 * 1 + 0.25 * 3) / 4)
    assert area(scores[:1].repeat(3, 0), clean, 0.0, [0.0, 1.0, 4.0])[:3] == pytest.approx((1.0, 1.0, 1.0))
    np.testing.assert_allclose(area(scores, [8.0, 12.0], 0.0, [0.0, 1.0, 4.0])[1:3], ((3.75 / 12), (3.75 / 8)))


def test_wide_levels_stand_on_a_logarithmic_axis_with_zero_one_step_left():
    at, logarithmic = places([0.0, 0.01, 0.1, 1.0])
    assert logarithmic
    np.testing.assert_allclose(at, [-3.0, -2.0, -1.0, 0.0])
    for levels in ((0.0, 0.1, 0.25, 0.5), (-1.0, 0.01, 0.1, 1.0), (0.0, 0.01, 1.0)):
        at, logarithmic = places(levels)
        assert not logarithmic and tuple(at) == levels


# -- the record ----------------------------------------------------------------------------------------------
def played(letter, scores, game="Breakout", random=(1.0, 3.0), cut=()):
    """An agent's games; scores: {level: of the seeds 0, 1, …}."""
    by_game = {(level, seed): one for level, row in scores.items() for seed, one in enumerate(row)}
    agent = Contestant(letter, f"x/{letter}", f"Title {letter}", "hash", game, "x")
    return Played(agent, by_game, {key: key in cut for key in by_game}, np.array(random))


GOOD = {0.0: (12.0, 12.0), 0.1: (6.0, 8.0), 0.4: (2.0, 2.0)}
BETTER = {0.0: (20.0, 24.0), 0.1: (12.0, 12.0), 0.4: (2.0, 4.0)}


def test_curves_are_raw_by_own_and_by_the_best():
    found = swept("observation_noise", LEVELS, [played("A", GOOD), played("B", BETTER)], (0, 1), 100)
    first, second = found.curves
    assert [one.value for one in first.raw] == [12.0, 7.0, 2.0] and first.raw[1] == estimate([6.0, 8.0])
    np.testing.assert_allclose([one.value for one in first.own], [1.0, 0.5, 0.0])
    np.testing.assert_allclose([one.value for one in first.best], [0.5, 0.25, 0.0])
    np.testing.assert_allclose([one.value for one in second.own], [1.0, 0.5, 0.05])
    assert second.own == second.best
    assert first.area.value == pytest.approx((0.75 * 0.1 + 0.25 * 0.3) / 0.4)
    assert [row["agent"] for row in found.areas()] == ["x/B", "x/A"]
    arrays = found.arrays()
    assert arrays["scores"].shape == (2, 3, 2) and arrays["own"].shape == (2, 3, 3)
    np.testing.assert_array_equal(arrays["scores"][1, 2], [2.0, 4.0])
    assert len(found.table()) == 6 and found.table()[1]["best"] == pytest.approx(0.25)


def test_who_is_no_better_than_random_is_not_normalised_and_it_is_said():
    bad = dict.fromkeys(LEVELS, (2.0, 2.0))
    unsure = {0.0: (0.0, 6.0), 0.1: (1.0, 1.0), 0.4: (1.0, 1.0)}
    found = swept("observation_noise", LEVELS, [played("A", GOOD), played("B", bad), played("C", unsure)], (0, 1), 100)
    assert np.isnan([one.value for one in found.curves[1].own + found.curves[1].best]).all()
    assert found.curves[1].raw[0].value == 2.0
    assert "B (Title B) is not normalised: undisturbed it scores 2" in found.caption
    assert "C is hardly better than random play" in found.caption
    assert found.curves[0].best[0].value == 1.0


def test_missing_and_ended_games_are_said_and_the_rest_is_there():
    some = {0.0: (12.0, 16.0, 8.0), 0.1: (6.0, 8.0), 0.4: (2.0,)}
    found = swept("latency", (0, 0.1, 0.4), [played("A", some, cut=[(0.1, 1)])], (0, 1, 2), 70, missing=3)
    curve = found.curves[0]
    assert [one.n for one in curve.raw] == [3, 2, 1]
    assert curve.own[1].value == pytest.approx((7 - 2) / (14 - 2)) and curve.own[1].n == 2  # pairs of equal seeds
    assert curve.area.n == 1
    assert "1 of A" in found.caption and "70 agent steps" in found.caption and "3 games are missing" in found.caption
    nothing = swept("latency", (0, 1), [played("A", {})], (0,), 70)
    assert np.isnan(nothing.curves[0].raw[0].value) and nothing.table()


def test_the_caption_says_n_seeds_and_levels_and_the_figure_says_who():
    agents = [played("A", GOOD), played("B", BETTER), played("C", GOOD, game="Pong")]
    found = swept("parameter_noise", LEVELS, agents, (0, 1), 100, "all")
    for said in ("n = 2 games", "seeds 0–1", "0, 0.1, 0.4", "of all weights", "Breakout: 0 is random play (2, 2 gam"):
        assert said in found.caption
    figure = Figure(layout="constrained")
    found.draw(figure)
    lines = [line for axis in figure.axes for line in axis.get_lines() if line.get_label().startswith(("A", "B", "C"))]
    looks = {(line.get_label(), line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(figure.axes) == 6 and len(lines) == 9 and len(looks) == 3
    texts = [text.get_text() for part in figure.subfigs for legend in part.legends for text in legend.get_texts()]
    assert texts[0].startswith("A  Title A") and "area 0.38" in texts[0]


# -- the cells -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agents") / "tiny"
    tiny_agents.write(folder)
    return str(folder)


def experiment_of(agent, **settings):
    asked = {"disturbance": "sticky", "levels": [0.5], "limit": 12, "random_games": 2, **settings}
    return lab.Experiment("sweep", (agent,), (0, 1), settings=asked)


def test_a_cell_is_the_game_of_a_disturbed_player_whatever_was_computed_before(agent):
    cells, kind = experiment_of(agent, disturbance="latency", levels=[2]).cells, SweepKind()
    assert [cell.settings.get("level") for cell in cells] == [None, 0, 0, 2, 2]
    forward = [kind.compute(cell) for cell in cells]
    backward = [kind.compute(cell) for cell in reversed(cells)][::-1]
    for one, other in zip(forward, backward):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    player = Player(Emulator("Breakout"), lab.players.player_of(cells[4].settings), seed=1)
    player.disturbance = Disturbance(latency=2)
    steps = [player.step() for _ in range(12)]
    assert forward[4]["scores"][0] == steps[-1].episode_return + steps[-1].reward
    assert forward[4]["steps"].tolist() == [12] and not forward[4]["complete"][0]
    assert forward[0]["scores"].shape == (2,)


def test_sweeps_that_differ_in_what_they_play_share_the_rest(agent):
    keys = {cell.key for cell in experiment_of(agent).cells}
    wider = {cell.key for cell in experiment_of(agent, levels=[0.25, 0.5]).cells}
    other = {cell.key for cell in experiment_of(agent, sticky=0.25).cells}
    assert keys < wider and not keys & other
    noise = {name: experiment_of(agent, disturbance="parameter_noise", parameter_layers=name) for name in
             ("convolutions", "all")}  # fmt: skip
    assert len({cell.key for one in noise.values() for cell in one.cells}) == 1 + 2 * 4  # random play is the same


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"disturbance": "noise"}, "no disturbance"),
        ({"disturbance": "sticky", "levels": (2.0,)}, "Sticky actions"),
        ({"levels": (0.1, 0.1)}, "twice"),
        ({"limit": 0}, "limit"),
        ({"parameter_layers": "some"}, "parameter_layers"),
    ],
)
def test_settings_that_make_no_sense_are_one_sentence(settings, said):
    with pytest.raises(ZooError, match=said):
        SweepSettings(**settings)


def test_the_command_plays_prints_and_writes(agent, tmp_path, capsys):
    out = tmp_path / "sweep.csv"
    arguments = ["sweep", agent, "--disturbance", "sticky", "--levels", "0.5,0.9", "--episodes", "2", "--limit", "10",
                 "--workers", "1", "--folder", str(tmp_path / "f"), "--output", str(out), "--json"]  # fmt: skip
    assert cli.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["finished"] == told["cells"] == 1 + 3 * 2
    assert [row["level"] for row in told["table"]] == [0.0, 0.5, 0.9]
    assert out.read_text().splitlines()[1].startswith("agent,game,level") and (tmp_path / "f" / "result.png").is_file()
    assert cli.main(["sweep", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in DISTURBANCES)
    assert cli.main(["sweep"]) == 2 and "Name the agents" in capsys.readouterr().err
