"""Gradients as maps: what each mode means, and that the analysis gives the agent's own gradient."""

import numpy as np
import pytest

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES
from zoo_gui.analysis.attribution import MODES, flatten
from zoo_gui.types import Unit, ZooError


@pytest.fixture(scope="module")
def agent():
    return Agent.load("ppo/Breakout/1")


@pytest.fixture(scope="module")
def observation(agent):
    return np.random.default_rng(0).integers(0, 256, agent.observation_shape, np.uint8)


def only(generator):
    (progress,) = generator
    assert progress.complete
    return progress.result


def test_what_each_mode_shows():
    gradient = np.zeros((3, 4, 2), np.float32)
    gradient[0, 0] = [-5, 2]
    gradient[1, 1] = [1, 3]
    gradient[2, 2] = [4, -4]
    expected = {"largest": (5, 3, 4), "newest": (2, 3, -4), "sum": (-3, 4, 0)}
    assert set(expected) == set(MODES)
    for mode, values in expected.items():
        flat = flatten(gradient, mode)
        assert flat.shape == (3, 4) and flat.dtype == np.float32
        assert (flat[0, 0], flat[1, 1], flat[2, 2]) == values
        assert np.count_nonzero(flat) == np.count_nonzero(values)


def test_a_single_frame_is_its_own_map_and_stays_untouched():
    gradient = np.random.default_rng(0).standard_normal((5, 5, 1)).astype(np.float32)
    flat = flatten(gradient, "newest")
    np.testing.assert_array_equal(flat, gradient[..., 0])
    assert not np.shares_memory(flat, gradient)


def test_smoothing_spreads_and_keeps_the_sum():
    gradient = np.zeros((31, 31, 4), np.float32)
    gradient[15, 15, 3] = -1
    flat = flatten(gradient, "newest", 2.0)
    assert flat.sum() == pytest.approx(-1, abs=1e-3) and flat[15, 15] == flat.min() > -0.1


def test_wrong_modes_and_smoothing_are_refused():
    gradient = np.zeros((3, 3, 1), np.float32)
    with pytest.raises(ZooError, match="largest"):
        flatten(gradient, "larges")
    for smoothing in (-1, float("nan"), float("inf")):
        with pytest.raises(ZooError, match="smoothing"):
            flatten(gradient, "largest", smoothing)


@pytest.mark.parametrize("target", ["action", "value", "conv2:3", Unit("fc", 5)])
def test_the_analysis_gives_the_agents_gradient(agent, observation, target):
    result = only(ANALYSES["gradient"](agent, observation=observation, target=target, mode="sum"))
    unit = Unit.parse(target, agent.layers) if isinstance(target, str) and ":" in target else target
    expected = agent.gradients(observation, unit)
    np.testing.assert_array_equal(result.gradient, expected)
    np.testing.assert_allclose(result.map, expected.sum(-1), atol=1e-6)
    assert result.scale == np.abs(result.map).max() and result.signed
    assert result.target == (target if isinstance(target, str) else str(target))
    assert not result.map.flags.writeable and not result.gradient.flags.writeable


def test_the_sum_is_the_effect_of_brightening_all_frames(agent, observation):
    """Against finite differences: the value changes by map · ε where pixel (r, c) brightens by ε in every frame.

    A byte is a coarse step, so central differences of four units in 255 are taken where the network is nearly linear.
    """
    grey = np.clip(observation, 8, 247)
    result = only(ANALYSES["gradient"](agent, observation=grey, target="value", mode="sum"))
    value = lambda image: float(agent.activations(image)["value"][0])  # noqa: E731
    rows, columns = np.unravel_index(np.argsort(-np.abs(result.map), axis=None)[:12], result.map.shape)
    measured = []
    for row, column in zip(rows, columns):
        brighter, darker = grey.copy(), grey.copy()
        brighter[row, column] += 2
        darker[row, column] -= 2
        measured.append((value(brighter) - value(darker)) / (4 / 255))
    error = np.abs(np.array(measured) - result.map[rows, columns]) / np.abs(result.map[rows, columns])
    assert np.median(error) < 0.05


def test_unknown_targets_are_one_sentence(agent, observation):
    for target in ("conv9:0", "conv1:999", "reward"):
        with pytest.raises(ZooError):
            next(ANALYSES["gradient"](agent, observation=observation, target=target))
