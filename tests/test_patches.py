"""Patches: what a unit fired at, one an event, cut by what it sees; and whether it sees just that."""

import json

import numpy as np
import planted
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.analysis import run
from zoo_gui.analysis.export import write
from zoo_gui.analysis.patches import cut, one_per_event
from zoo_gui.cli import main
from zoo_gui.types import Unit, ZooError


@pytest.fixture(scope="module")
def agent():
    return planted.agent()


@pytest.fixture(scope="module")
def play(agent):
    return planted.play(agent, episodes=4)


@pytest.mark.parametrize("padding", planted.PADDINGS, ids=str)
def test_the_planted_unit_shows_its_sprite_once_an_event(padding):
    agent = planted.agent(padding)
    play = planted.play(agent, episodes=2)
    found = run("patches", agent, unit=("conv1", planted.UNIT), moments=play.moments, k=10).found
    assert len({patch.moment // 3 for patch in found}) == len(found)
    moments = [patch.moment for patch in found]
    shown = play.sprite[moments]
    assert (shown >= 0).all()  # all ten sprites, each once
    for patch, (top, left) in zip(found, shown):
        assert patch.box == (top, left, 3, 3)
        np.testing.assert_array_equal(patch.pixels[..., 1], planted.SPRITE)
        assert patch.screen_box == (2 * left, 2 * top, 6, 6)
        x, y, width, height = (int(number) for number in patch.screen_box)
        np.testing.assert_array_equal(patch.frame[y : y + height : 2, x : x + width : 2, 0], planted.SPRITE)
    near = [(a, b) for a in found for b in found if a is not b and a.episode == b.episode]
    assert all(abs(a.index - b.index) >= 10 for a, b in near)


def test_top_bottom_and_random_of_a_dense_unit(agent, play):
    unit = Unit("fc", planted.COUNTER)
    peaks = play.moments.peak(unit)
    top, bottom = (run("patches", agent, unit=unit, moments=play.moments, which=which, k=5)
                   for which in ("top", "bottom"))  # fmt: skip
    assert top.found[0].activation == peaks.max() and bottom.found[0].activation == peaks.min()
    assert [patch.activation for patch in top.found] == sorted((p.activation for p in top.found), reverse=True)
    assert {patch.box for patch in top.found} == {(0, 0, 20, 20)} and top.found[0].place is None
    np.testing.assert_array_equal(top.found[0].pixels, play.moments.observation(top.found[0].moment))
    one, same, other = (run("patches", agent, unit=unit, moments=play.moments, which="random", k=5, seed=seed).found
                        for seed in (1, 1, 2))  # fmt: skip
    assert [p.moment for p in one] == [p.moment for p in same] != [p.moment for p in other]
    assert [p.moment for p in one] == sorted(p.moment for p in one)


def test_edited_moments_are_left_out_and_what_is_not_there_is_said(agent):
    play = planted.play(agent, episodes=1, edited=slice(0, 40))
    found = run("patches", agent, unit="conv1:7", moments=play.moments, k=30, apart=1)
    assert all(patch.moment >= 40 for patch in found.found) and found.moments == 30
    few = run("patches", agent, unit="conv1:7", moments=play.moments, k=9)
    assert 0 < len(few.found) < 9 and "only" in few.sentence
    dead = agent.with_weights({"conv1/kernel": np.zeros_like(agent.weights["conv1/kernel"]),
                               "conv1/bias": np.zeros(planted.CHANNELS, np.float32)})  # fmt: skip
    silent = run("patches", dead, unit="conv1:7", moments=planted.play(dead, episodes=1, length=60).moments, k=3)
    assert silent.found == () and "never fires" in silent.sentence
    with pytest.raises(ZooError, match="cannot come from 30 moments"):
        run("patches", agent, unit="conv1:7", moments=play.moments, k=31)
    with pytest.raises(ZooError, match="under an intervention"):
        run("patches", agent, unit="conv1:7", moments=planted.play(agent, 1, 60, edited=slice(0, 60)).moments)
    with pytest.raises(ZooError, match="choice of patches"):
        run("patches", agent, unit="conv1:7", moments=play.moments, which="best")


def test_filler_of_a_games_beginning_is_no_answer_and_groups_only_where_named(agent, play):
    moments = run("patches", agent, unit="fc:0", moments=play.moments, which="random", k=200, apart=1)
    assert moments.moments == 4 * 69 and min(patch.index for patch in moments.found) == 1
    with pytest.raises(ZooError, match="just begun"):
        run("patches", agent, unit="fc:0", moments=planted.play(agent, 1, 60, edited=slice(1, 60)).moments, k=1)
    grouped = agent.with_groups("fc", np.eye(planted.HIDDEN, dtype="f4")[:2])
    assert "fc_groups" not in run("redundancy", grouped, moments=play.moments).layers
    assert "fc_groups" in run("redundancy", grouped, moments=play.moments, layers=["fc_groups"]).layers


def test_one_per_event_counts_steps_within_an_episode():
    episode, index = np.array([0, 0, 0, 0, 1, 0]), np.array([0, 5, 9, 10, 3, 10])
    assert one_per_event(range(6), episode, index, 9, 10) == [0, 3, 4]  # the last is the fourth, seen again
    assert one_per_event([2, 0, 1, 3], episode, index, 2, 5) == [2, 0]
    assert one_per_event(range(6), episode, index, 9, 1) == [0, 1, 2, 3, 4]


def test_what_lies_outside_is_black():
    picture = np.arange(1, 13, dtype=np.uint8).reshape(3, 4, 1)
    np.testing.assert_array_equal(cut(picture, (-1, -2, 3, 4))[..., 0], [[0, 0, 0, 0], [0, 0, 1, 2], [0, 0, 5, 6]])
    np.testing.assert_array_equal(cut(picture, (2, 3, 2, 2))[..., 0], [[12, 0], [0, 0]])
    assert not cut(picture, (-9, 0, 3, 3)).any() and not cut(picture, (0, 9, 3, 3)).any()


def _network(padding, stride):
    return NetworkSpec(
        (
            LayerSpec("conv1", "conv", filters=3, kernel=(5, 4), stride=stride, padding=padding, activation="tanh"),
            LayerSpec("pool", "maxpool", kernel=(2, 2), stride=(2, 1)),
            LayerSpec("conv2", "conv", filters=2, kernel=(3, 3), stride=(2, 1), padding=padding, activation="tanh"),
            LayerSpec("policy", "dense", units=3, role="logits"),
        )
    )


@pytest.mark.parametrize("padding, stride", [("SAME", (2, 3)), ("VALID", (1, 2)), ((2, 1, 1, 2), (2, 2))], ids=str)
def test_a_box_is_where_the_gradient_is(padding, stride):
    import tensorflow as tf

    network = _network(padding, stride)
    agent = Agent(tiny_agents.card(network), tiny_agents.weights(network))
    x = tf.constant(tiny_agents.observation(1, count=12) / np.float32(255))
    for name in ("conv1", "conv2"):
        info = next(info for info in agent.layers if info.name == name)
        rows, columns = info.shape[:2]
        for row, column in {(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1), (0, columns - 1)}:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(agent.taps(x)[name][:, row, column])
            seen = np.abs(tape.gradient(y, x).numpy()).sum((0, 3)) > 0
            top, left, height, width = info.receptive_field.box(row, column)
            box = np.zeros_like(seen)
            box[max(0, top) : top + height, max(0, left) : left + width] = True
            assert not (seen & ~box).any()  # nothing outside, and its edges are reached
            for axis in (0, 1):
                np.testing.assert_array_equal(seen.any(axis), box.any(axis))


def test_files_and_command_line(agent, play, tmp_path, capsys):
    found = run("patches", agent, unit="conv1:7", moments=play.moments, k=7)
    for ending in (".png", ".csv", ".json", ".npz"):
        assert write(found, tmp_path / f"x{ending}").stat().st_size > 100
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays["pixels"].shape == (7, 3, 3, 2) and arrays["frames"].shape == (7, 40, 40, 3)
    assert main(["patches", "ppo/Breakout/1", "--unit", "conv2:3", "--steps", "60", "--k", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["patches"]) == 2
    for arguments, words in (
        (["ppo/Breakout/1", "--unit", "conv9:3"], "no layer"), (["random/Pong", "--unit", "fc:1"], "without a network"),
        (["ppo/Breakout/1", "--unit", "fc:1", "--output", "x.bmp"], "must end in"),
    ):  # fmt: skip
        assert main(["patches", *arguments, "--steps", "30"]) == 2
        assert words in capsys.readouterr().err
