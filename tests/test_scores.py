"""Score tables: levels and interquartile means by hand, cards without playing, published numbers, the command."""

import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from zoo_gui.analysis import published
from zoo_gui.analysis.score_record import CARDS, ScoreRow, ScoreTable, of_cards
from zoo_gui.analysis.score_yardsticks import LITERATURE, MEASURED, Yardsticks, yardsticks
from zoo_gui.cli import main
from zoo_gui.types import ZooError

KNOWN = Yardsticks(10.0, 15.0, "FIRE", 110.0, MEASURED)


def row(agent="a", scores=(60.0, 60.0), algorithm="PPO", game="Breakout", known=KNOWN, **facts):
    return ScoreRow(agent, algorithm, game, tuple(scores), known, **facts)


def test_scores_are_normalised_between_random_play_and_a_person():
    assert KNOWN.normalised(60) == 0.5 and KNOWN.normalised(10) == 0 and KNOWN.normalised(110) == 1
    assert KNOWN.normalised(0) == -0.1
    for unknown in (Yardsticks(), Yardsticks(random=1.0), Yardsticks(human=1.0), Yardsticks(random=2.0, human=2.0)):
        assert math.isnan(unknown.normalised(5))


def test_an_interval_stays_in_order_where_a_person_is_worse_than_random_play():
    level = row(scores=(1.0, 2.0, 3.0), known=Yardsticks(random=0.0, human=-10.0)).normalised
    assert level.value == pytest.approx(-0.2) and level.low < level.value < level.high


def test_the_interquartile_mean_leaves_a_quarter_out_at_either_end():
    found = row(scores=(0.0, 10.0, 20.0, 1000.0))
    assert found.score.value == 257.5 and found.iqm.value == 15.0
    assert found.score.low <= found.score.value <= found.score.high


def test_few_games():
    assert math.isnan(row(scores=()).score.value)
    assert math.isnan(row(scores=(5.0,)).score.low) and row(scores=(5.0,)).score.value == 5
    assert row(scores=(), only_mean=7.0).score.value == 7


def test_sums_are_over_games_and_runs():
    """Four runs of two games: levels 0, 0.5, 1 and 9, of which the middle two count."""
    rows = [row("a", (10.0, 10.0)), row("b", (60.0, 60.0)), row("c", (110.0, 110.0), game="Pong"),
            row("d", (910.0, 910.0), game="Pong"), row("e", (60.0,), algorithm="DQN")]  # fmt: skip
    (total,) = ScoreTable(tuple(rows)).sums
    assert total.algorithm == "PPO" and total.runs == {"Breakout": 2, "Pong": 2}
    assert total.score.value == pytest.approx(0.75) and total.score.low < 0.75 < total.score.high


def test_yardsticks_are_of_the_conditions():
    assert yardsticks("breakout").random == 1.067 and yardsticks("Breakout", sticky=0.25).random == 1.1
    assert yardsticks("Breakout").source == MEASURED and yardsticks("Breakout").constant_action == "LEFT"
    assert yardsticks("Zaxxon") == Yardsticks(32.5, None, "", 9173, LITERATURE)


def test_what_others_published():
    names = [one.label for one in published.scores("seaquest")]
    assert "DQN, Dopamine" in names and "DQN, Mnih et al. 2015" in names
    assert next(one.value for one in published.scores("Seaquest") if one.label == "Rainbow, Dopamine") == 9820
    assert published.distinctiveness("Seaquest").value == 0.88 and published.distinctiveness("Pong") is None
    assert published.scores("Surround") == ()
    assert all(one.where and one.full for game in ("Pong", "Zaxxon") for one in published.scores(game))


def test_remarks_say_what_the_numbers_hide():
    found = ScoreTable((row("a", (14.0, 15.0, 16.0), cut=2), row("b", (50.0, 60.0, 70.0))))
    assert found.remarks[0] == "a: 2 games did not come to an end and do not count."
    assert found.remarks[1].startswith("a is not clearly better than FIRE") and len(found.remarks) == 2


def test_the_table_and_the_figure_have_others_beside_ours():
    found = ScoreTable((row("a", (60.0, 70.0)), row("b", (1.0, 2.0), game="Zaxxon", known=Yardsticks())))
    kinds = [one["kind"] for one in found.table()]
    assert kinds.count("played now") == 2 and kinds.count("published") == 6
    theirs = next(one for one in found.table() if one["agent"] == "DQN, Mnih et al. 2015")
    assert theirs["human_normalised"] == pytest.approx((401.2 - 10) / 100)
    figure = Figure()
    found.draw(figure)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["a", "DQN, Mnih et al. 2015"] and "Diamonds" in found.caption
    alone = ScoreTable(found.rows, with_published=False)
    assert all(one["kind"] == "played now" for one in alone.table()) and "Diamonds" not in alone.caption
    assert found.arrays()["scores/a"].tolist() == [60, 70] and len(found.arrays()["mean"]) == 2


def test_cards_say_scores_without_playing():
    found = of_cards(["a2c/Breakout/1", "random/Breakout", "distill/Qbert/1"])
    assert [one.agent for one in found.rows] == ["a2c/Breakout/1", "distill/Qbert/1"]
    first = found.rows[0]
    assert first.source == CARDS and first.score.value == pytest.approx(np.mean(first.scores))
    assert first.normalised.value == pytest.approx((93.7333 - 1.067) / (31.8 - 1.067), abs=1e-3)
    with pytest.raises(ZooError, match="No card has a score"):
        of_cards(["random/Breakout"])


def test_the_command_plays_and_reads(tmp_path, capsys):
    command = ["scores", "random/Pong", "--games", "2", "--limit", "3000", "--workers", "1", "--json",
               "--folder", str(tmp_path / "lab"), "--output", str(tmp_path / "scores.json")]  # fmt: skip
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["finished"] == 2 and told["table"][0]["n"] == 2 and -21 <= told["table"][0]["mean"] <= -15
    assert json.loads((tmp_path / "scores.json").read_text())["rows"][0]["human"] == 9.3
    assert main(["scores", "--from-cards"]) == 0
    assert "ga/SpaceInvaders/1 is not clearly better than FIRE" in capsys.readouterr().out
    assert main(["scores", "--from-cards", "--games", "3"]) == 2 and main(["scores"]) == 2
    assert "leave out --games" in capsys.readouterr().err
