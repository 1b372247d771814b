"""Weights of a unit: arranged so that they reproduce what the network computes."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES
from zoo_gui.analysis.weights import sources, unit_weights
from zoo_gui.types import Unit, ZooError


@pytest.fixture(scope="module")
def agent():
    return Agent.load("ppo/Breakout/1")


@pytest.fixture(scope="module")
def layers(agent):
    """({layer: before}, {layer: after the non-linearity, None: the observation}) for one random observation."""
    x = np.random.default_rng(0).random((1, *agent.observation_shape), np.float32)
    before, after = (agent.taps(tf.constant(x), pre=pre) for pre in (True, False))
    before, after = ({name: tensor.numpy()[0] for name, tensor in taps.items()} for taps in (before, after))
    return before, {**after, None: x[0]}


def test_who_feeds_whom(agent):
    assert sources(agent) == {"conv1": None, "conv2": "conv1", "fc": "conv2", "policy": "fc", "value": "fc"}


@pytest.mark.parametrize("unit", ["conv1:3", "conv2:17", "fc:100", "policy:2", "value:0"])
def test_weights_reproduce_the_unit(agent, layers, unit):
    """bias + Σ kernel · input, at the second position of a map, is the unit before its non-linearity."""
    unit = Unit.parse(unit, agent.layers)
    found = unit_weights(agent, unit)
    before, after = layers
    value, source = before[unit.layer], after[found.source]
    if source.ndim == 1:
        source = source[None, None]
    height, width, channels = found.kernel.shape
    row = column = 0
    if value.ndim == 3:
        spec = next(spec for spec in agent.card.network.layers if spec.name == unit.layer)
        row, column, value = spec.stride[0], 2 * spec.stride[1], value[1, 2]
    patch = source[row : row + height, column : column + width]
    assert patch.shape == found.kernel.shape
    assert found.bias + float((patch * found.kernel).sum()) == pytest.approx(float(value[unit.index]), abs=1e-3)


def test_norms_add_up(agent):
    for unit in (Unit("conv1", 0), Unit("conv2", 5), Unit("fc", 9)):
        found = unit_weights(agent, unit)
        total = np.square(found.kernel).sum()
        assert np.square(found.position_norms).sum() == pytest.approx(total, rel=1e-4)
        assert np.square(found.input_norms).sum() == pytest.approx(total, rel=1e-4)
        assert found.position_norms.shape == found.kernel.shape[:2]
        assert found.scale == np.abs(found.kernel).max()
        assert not found.kernel.flags.writeable


def test_a_dense_unit_after_a_map_has_a_weight_for_each_position(agent):
    shape = next(info.shape for info in agent.layers if info.name == "conv2")
    assert unit_weights(agent, Unit("fc", 3)).kernel.shape == shape


def test_strongest_inputs_come_first(agent):
    assert unit_weights(agent, Unit("conv1", 0)).top == ()
    norms = unit_weights(agent, Unit("conv2", 4), top=5)
    assert len(norms.top) == 5 and all(unit.layer == "conv1" for unit, _ in norms.top)
    assert [strength for _, strength in norms.top] == sorted(norms.input_norms.tolist(), reverse=True)[:5]
    signed = unit_weights(agent, Unit("policy", 1), top=256)
    strengths = np.array([strength for _, strength in signed.top])
    assert (np.diff(np.abs(strengths)) <= 0).all() and strengths.min() < 0 < strengths.max()
    assert all(strength == agent.weights["policy/kernel"][unit.index, 1] for unit, strength in signed.top)


@pytest.mark.parametrize(
    "network, unit, words",
    [
        (tiny_agents.DUELING, "q:1", "value + advantage − the mean of advantage over the actions"),
        (tiny_agents.QUANTILES, "q:2", "the mean of 4 units of quantiles"),
        (tiny_agents.QUANTILES, "state_value:0", "the mean of 4 units of value"),
        (tiny_agents.C51, "q:0", "the softmax of 5 units of atoms, the logits of returns from -2 to 3"),
    ],
)
def test_layers_without_weights_say_what_they_compute(network, unit, words):
    agent = Agent(tiny_agents.card(network, "argmax"), tiny_agents.weights(network))
    with pytest.raises(ZooError, match="has no weights of its own") as caught:
        next(ANALYSES["weights"](agent, unit=unit))
    assert words in str(caught.value)
    fed = {"conv1": None, "fc": "conv1", "value": "fc", "advantage": "fc", "atoms": "conv1"}
    assert sources(agent) == {name: fed[name] for name in sources(agent)} and unit.split(":")[0] not in sources(agent)
    assert unit_weights(agent, Unit(list(sources(agent))[-1], 0)).source == list(sources(agent).values())[-1]


def test_the_analysis(agent):
    (progress,) = ANALYSES["weights"](agent, unit="conv2:7", top=2)
    assert progress.complete and progress.result.unit == Unit("conv2", 7) and len(progress.result.top) == 2
    with pytest.raises(ZooError, match="conv9"):
        next(ANALYSES["weights"](agent, unit="conv9:0"))
