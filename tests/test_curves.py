"""Training curves: odd logs put right, smoothing and averages against numbers worked out by hand."""

import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from zoo_gui.analysis import curves as module
from zoo_gui.analysis import training_logs
from zoo_gui.analysis.curves import averaged, curves, smoothed
from zoo_gui.cli import main
from zoo_gui.types import ZooError


def rows(*entries):
    """Rows of (frames, time, score, games)."""
    return [dict(zip(("frames", "time", "score", "games"), entry)) for entry in entries]


def log(*entries, label="A2C · run 1", algorithm="A2C", game="Breakout", **facts):
    return training_logs.columns(rows(*entries), label, algorithm, game, **facts)


# -- odd logs ---------------------------------------------------------------------------------------------------------
def test_a_log_of_one_row_is_a_point():
    found = curves([log((4_000_000, 3600, 2.5, 3))])
    assert found.scores[0].x.tolist() == [4.0] and found.scores[0].smooth.tolist() == [2.5]
    figure = Figure()
    found.draw(figure)
    assert "1 row" not in found.caption and figure.axes


def test_an_empty_log_and_one_without_scores_are_said():
    with pytest.raises(ZooError, match="empty"):
        log()
    with pytest.raises(ZooError, match="no score"):
        log((1000, 1, None, 0), (2000, 2, math.nan, 0))


def test_rows_without_numbers_are_left_out_or_unknown():
    found = log((1000, 1, 5.0, 2), (None, 2, 6.0, 2), (3000, 3, math.nan, 2), (4000, 4, 8.0, None))
    assert found.frames.tolist() == [1000, 3000, 4000] and found.games.tolist() == [2, 2, 1]
    assert np.isnan(found.score[1]) and "1 row without frames" in found.remarks[0]


def test_a_training_taken_up_again_replaces_what_was_thrown_away():
    found = log((1000, 10, 1.0, 1), (2000, 20, 2.0, 1), (3000, 30, 3.0, 1), (2000, 40, 20.0, 1), (2500, 50, 25.0, 1))
    assert found.frames.tolist() == [1000, 2000, 2500] and found.score.tolist() == [1, 20, 25]
    assert "2 rows of what was thrown away" in found.remarks[0]


def test_pauses_and_new_clocks_are_no_training():
    """Gaps of over three hours, as the original has it, and a clock that begins anew."""
    found = log((1, 0, 1.0, 1), (2, 100, 1.0, 1), (3, 100 + 20_000, 1.0, 1), (4, 20_200, 1.0, 1), (5, 50, 1.0, 1),
                (6, 80, 1.0, 1))  # fmt: skip
    assert found.seconds.tolist() == [0, 100, 100, 200, 200, 230] and "2 pauses" in found.remarks[0]


@pytest.mark.parametrize("text", ["[1, 2", "{}", "[3]", ""])
def test_a_file_that_is_no_log_is_said(tmp_path, text):
    path = tmp_path / "log.json"
    path.write_text(text)
    with pytest.raises(ZooError, match="no training log"):
        training_logs.read(str(path))


def test_logs_of_ours_in_training(tmp_path):
    folder = tmp_path / "3"
    folder.mkdir()
    (folder / "log.jsonl").write_text('{"frames": 4000, "time": 2, "score": 1.5, "games": 2, "entropy": 0.5}\n\n')
    (folder / "run.json").write_text(json.dumps({"algorithm": "ppo", "game": "pong"}))
    found = training_logs.read(str(folder / "log.jsonl"))
    assert (found.label, found.game, found.entropy.tolist()) == ("PPO · run 3", "Pong", [0.5])
    assert found.human == 9.3


# -- mathematics ------------------------------------------------------------------------------------------------------
def test_smoothing_weighs_games_within_the_window():
    x, y, games = np.array([0.0, 1.0, 2.0, 5.0]), np.array([1.0, 4.0, 10.0, 7.0]), np.array([1.0, 2.0, 1.0, 5.0])
    assert smoothed(x, y, games, 2.0) == pytest.approx([(1 + 8) / 3, (1 + 8 + 10) / 4, (8 + 10) / 3, 7])
    assert smoothed(x, y, games, 0.0) == pytest.approx(y)


def test_averages_are_linear_between_rows_and_never_beyond_them():
    first = (np.array([0.0, 2.0, 4.0]), np.array([0.0, 2.0, 4.0]))
    second = (np.array([1.0, 3.0]), np.array([5.0, 9.0]))
    x, mean, low, high = averaged([first, second])
    assert x.tolist() == [1, 2, 3]
    assert mean == pytest.approx([(1 + 5) / 2, (2 + 7) / 2, (3 + 9) / 2])
    # two runs drawn with replacement: a quarter of the draws is the first alone, a quarter the second
    assert low == pytest.approx([1, 2, 3]) and high == pytest.approx([5, 7, 9])


def test_runs_without_a_stretch_in_common_are_not_averaged():
    apart = [(np.array([0.0, 1.0]), np.zeros(2)), (np.array([2.0, 3.0]), np.zeros(2))]
    assert averaged(apart) is None
    found = curves([log((1e6, 1, 1.0, 1), (2e6, 2, 1.0, 1)), log((3e6, 1, 1.0, 1), (4e6, 2, 1.0, 1), label="other")])
    assert not found.averages and "no stretch in common" in found.remarks[0]


def test_the_same_runs_have_an_interval_of_no_width():
    one = (np.array([0.0, 1.0]), np.array([3.0, 6.0]))
    _, mean, low, high = averaged([one, one, one])
    assert low == pytest.approx(mean) and high == pytest.approx(mean)


def test_runs_of_an_algorithm_are_averaged_game_by_game():
    other = {"label": "A2C · run 2"}
    found = curves([log((0, 0, 1.0, 1), (2e6, 7200, 3.0, 1)), log((0, 0, 3.0, 1), (2e6, 3600, 5.0, 1), **other),
                    log((0, 0, 3.0, 1), game="Pong", **other)], smooth=0.0)  # fmt: skip
    assert [(one.game, one.n) for one in found.averages] == [("Breakout", 2)]
    assert found.averages[0].mean == pytest.approx([2, 4])
    assert "averages over 2 runs" in found.caption
    figure = Figure()
    found.draw(figure)
    assert [axis.get_title() for axis in figure.axes] == ["Breakout", "Pong"]


@pytest.mark.parametrize("axis, expected", [("frames", [4.0, 8.0]), ("steps", [2.0, 4.0]), ("hours", [0.5, 1.0])])
def test_axes(axis, expected):
    found = curves([log((4e6, 1800, 1.0, 1), (8e6, 3600, 2.0, 1), frame_skip=2)], axis)
    assert found.scores[0].x.tolist() == expected


def test_hours_are_asked_of_logs_that_have_none():
    with pytest.raises(ZooError, match="hours"):
        curves([log((4e6, None, 1.0, 1))], "hours")
    with pytest.raises(ZooError, match="no axis"):
        curves([log((4e6, 1, 1.0, 1))], "days")


# -- the command ------------------------------------------------------------------------------------------------------
def test_the_command_reads_agents_and_files(tmp_path, capsys):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(rows((1e6, 60, 1.0, 4), (2e6, 120, 2.0, 4))))
    output = tmp_path / "curves.csv"
    assert main(["curves", "ppo/Pong/1@1.5M", str(path), "--entropy", "--output", str(output), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["rows"] for row in told["runs"]] == [193, 2] and told["runs"][0]["checkpoints"] == 4
    comment, _, *numbers = output.read_text().splitlines()  # where it comes from, then the columns' names
    assert comment.startswith("# zoo_gui") and len(numbers) == 193 + 2
    figure = tmp_path / "curves.svg"
    assert main(["curves", "ga/SpaceInvaders/1", "--output", str(figure)]) == 0
    assert "beyond the axis: human 1,652" in figure.read_text() and "random 141.8" in figure.read_text()


def test_the_command_says_what_is_missing(capsys):
    assert main(["curves", "distill/Pong/1"]) == 2
    assert "without a training log" in capsys.readouterr().err
    assert main(["curves", "ga/SpaceInvaders/1", "--entropy"]) == 2
    assert "has entropies" in capsys.readouterr().err


def test_the_axis_never_draws_more_than_it_needs():
    """A long log is averaged on a fixed number of places."""
    x = np.linspace(0, 1, 1000)
    places, *_ = averaged([(x, x), (x, x)])
    assert len(places) == module.POINTS
