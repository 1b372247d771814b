"""What maps claim, put to the test: random weights, deletion and insertion, and covers."""

import cv2
import numpy as np
import pytest
import tiny_agents
from test_attribution import PLANTED, REGION, made

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES, export, run
from zoo_gui.analysis.sanity import similarity, ssim
from zoo_gui.play.cover import FILLS, Cover, checked, covered
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import ZooError

BOX = (8, 5, 4, 4)


@pytest.fixture(scope="module")
def policy():
    return made(tiny_agents.POLICY)


@pytest.fixture(scope="module")
def planted():
    """Q of LEFT is the mean of one region, the others are constant; LEFT is best where it is bright."""
    kernel = np.zeros((*tiny_agents.OBSERVATION, 3), np.float32)
    kernel[(*REGION, slice(None), 1)] = 1 / 8
    bias = np.array([1, -1, 1.5], np.float32)
    return made(PLANTED, **{"q/kernel": kernel.reshape(-1, 3), "q/bias": bias})


def bright():
    x = np.full(tiny_agents.OBSERVATION, 40, np.uint8)
    x[REGION] = 250
    return x


def test_random_weights_change_a_gradient_and_expose_an_edge_detector(policy, tmp_path):
    """The edges of the picture look like an explanation and know nothing of the network."""
    x = tiny_agents.observation()
    steps = [p.result for p in ANALYSES["sanity"](policy, observation=x, target="value") if p.result is not None]
    assert [len(step.layers) for step in steps] == [1, 2, 3, 4, 5] and steps[0].layers == ("value",)
    last = steps[-1]
    assert last.layers[-1] == "conv1" and last.passed and last.correlations[-1] < 0.7
    assert last.maps.shape == (5, 20, 18) and steps[0].passed is None
    export.write(last, tmp_path / "sanity.png")

    def edges(agent, observation):
        return cv2.Laplacian(observation[..., -1].astype(np.float32), cv2.CV_32F)

    found = run("sanity", policy, observation=x, method=edges)
    assert found.passed is False and found.correlations[-1] == pytest.approx(1) and "hardly" in found.sentence


def test_a_layer_at_a_time_is_random(policy):
    """The policy's map does not change before its own branch is random, and the agent itself never does."""
    x, before = tiny_agents.observation(), policy.weights["conv1/kernel"].copy()
    found = run("sanity", policy, observation=x, target="action:LEFT")
    assert found.correlations[0] == pytest.approx(1)  # value: not on the way
    assert found.correlations[1] < 1
    np.testing.assert_array_equal(policy.weights["conv1/kernel"], before)


def test_similarity_of_pictures():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 30, 30))
    assert similarity(one, 3 * one) == pytest.approx((1, 1)) and similarity(one, -one)[0] == pytest.approx(1)
    assert abs(similarity(one, other)[0]) < 0.1 and ssim(one, other) < 0.2
    assert similarity(one, np.zeros((30, 30))) == (0.0, 0.0)


def test_deletion_and_insertion_of_a_planted_network(planted, tmp_path):
    """The right map takes all there is with the region's pixels; random orders take it evenly."""
    found = run("faithfulness", planted, observation=bright(), target="action:LEFT", fill="black", points=36)
    needed = 16 / 360  # the region's part of the pixels: two of 36 steps hold it
    full = found.deletion[0]
    assert full == pytest.approx(-1 + 32 / 8 * 250 / 255, abs=1e-4)
    assert (found.deletion[found.fractions > needed] == pytest.approx(-1, abs=1e-5))
    assert found.insertion[found.fractions > needed] == pytest.approx(full, abs=1e-5)
    evenly = full + (-1 - full) * found.fractions
    np.testing.assert_allclose(found.random_deletion, evenly, atol=0.6)
    assert found.areas["deletion"] < -0.8 < found.areas["random_deletion"] < found.areas["insertion"]
    assert "better than chance both ways" in found.sentence
    chosen = np.exp([1, full, 1.5])
    assert found.deletion_probability[0] == pytest.approx(chosen[1] / chosen.sum(), abs=1e-4)
    wrong = np.ones((20, 18), np.float32)
    wrong[REGION] = 0
    asked = {"observation": bright(), "target": "action:LEFT", "fill": "black"}
    worse = run("faithfulness", planted, attribution_map=wrong, **asked)
    assert "no better than chance" in worse.sentence
    for ending in ("png", "csv"):
        export.write(found, tmp_path / f"curves.{ending}")


def test_a_cover_over_what_is_read_beside_places_elsewhere(planted, tmp_path):
    found = run("cover", planted, observation=bright(), box=BOX, fill="black")
    assert (found.action_before, found.action_after) == (1, 2) and "right becomes the best action" in found.sentence
    assert found.change == pytest.approx(32 / 8 * 250 / 255, abs=1e-4)
    assert found.controls.shape == (64, 1, 4) and not found.control_changes.any() and found.share == 1 / 65
    for top, left, height, width in found.controls[:, 0]:
        assert top >= 12 or top + height <= 8 or left >= 9 or left + width <= 5
    elsewhere = run("cover", planted, observation=bright(), boxes=((0, 0, 3, 3), (15, 10, 2, 2)))
    assert elsewhere.change == 0 and elsewhere.share == 1.0 and elsewhere.action_after == 1
    whole = run("cover", planted, observation=bright(), box=(0, 0, 20, 18), controls=4)
    assert whole.control_changes == pytest.approx(whole.change)
    export.write(found, tmp_path / "cover.png")


def test_what_covers():
    x = np.zeros((10, 10, 2), np.uint8)
    x[..., 0], x[..., 1] = 100, 40
    x[2:5, 2:5] = 250
    results = {fill: covered(x, Cover((2, 2, 3, 3), fill))[2:5, 2:5] for fill in FILLS}
    for fill in ("mean", "background"):
        assert (results[fill] == [100, 40]).all()
    assert not results["black"].any() and results["blur"].min() > 40 and results["blur"].max() < 250
    assert (x[2:5, 2:5] == 250).all()
    negative = covered(x.astype(np.float32) - 128, Cover((2, 2, 3, 3), "black"), black=-128)
    assert (negative[2:5, 2:5] == -128).all() and negative.dtype == np.float32


@pytest.mark.parametrize("box, words", [((8, 5, 20, 4), "does not fit"), ((-1, 0, 2, 2), "does not fit"),
                                        ((1, 1, 0, 2), "does not fit"), ((1, 2), "four whole numbers")])  # fmt: skip
def test_boxes_that_do_not_fit_are_sentences(planted, box, words):
    with pytest.raises(ZooError, match=words):
        run("cover", planted, observation=bright(), box=box)
    with pytest.raises(ZooError, match="filled with mean"):
        checked((0, 0, 2, 2), (20, 18, 2), "pink")


def test_a_player_under_a_cover_and_without_it_again():
    """The agent sees the cover in all frames, the step says so, and a snapshot replays to the bit once it is gone."""
    player = Player(Emulator("breakout"), Agent.load("ppo/Breakout/1"), seed=3)
    for _ in range(20):
        player.step()
    start = player.snapshot()
    plain = [player.step() for _ in range(5)]
    player.restore(start)
    player.cover = Cover((20, 10, 30, 30), "black")
    step = player.step()
    assert step.edited and not step.observation[20:50, 10:40].any() and not step.observation.flags.writeable
    outside = np.ones((84, 84), bool)
    outside[20:50, 10:40] = False
    np.testing.assert_array_equal(step.observation[outside], plain[0].observation[outside])
    player.cover = None
    player.restore(start)
    for wanted in plain:
        step = player.step()
        assert not step.edited
        np.testing.assert_array_equal(step.observation, wanted.observation)
        np.testing.assert_array_equal(step.decision.flat, wanted.decision.flat)
