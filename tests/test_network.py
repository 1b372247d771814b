"""The network's mathematics: against NumPy, finite differences and gradients; eagerly, traced and in TF1 graphs."""

import numpy as np
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec, PreprocessingSpec
from zoo_gui.agents.layers import apply
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.network import tf
from zoo_gui.analysis import ANALYSES
from zoo_gui.analysis.feature_vis import release
from zoo_gui.types import Unit, ZooError

NETWORKS = {
    "policy": tiny_agents.POLICY, "q": tiny_agents.Q, "dueling": tiny_agents.DUELING,
    "quantiles": tiny_agents.QUANTILES, "c51": tiny_agents.C51,
}  # fmt: skip
NONLINEAR = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "linear": lambda x: x}


@pytest.fixture(scope="module")
def agents():
    return {name: Agent(tiny_agents.card(net), tiny_agents.weights(net)) for name, net in NETWORKS.items()}


@pytest.fixture(params=NETWORKS)
def agent(request, agents):
    """Traced once for the module, handed to each test without edits."""
    agents[request.param].clear_edits()
    return agents[request.param]


def reference(agent, x, edits=()):
    """Every layer by NumPy in float64, written from the definition: {layer: array}; x (h, w, C) in 0–1."""
    edits, layout = dict(edits), agent._layout
    low, high = agent.card.network.input_range
    x, result = low + x.astype(np.float64) * (high - low), {}
    for spec in agent.card.network.layers:
        before = [result[name] for name in layout.sources[spec.name]] or [x]
        value = NONLINEAR[spec.activation](LAYERS[spec.kind](spec, agent, *before))
        for unit, (gain, offset) in edits.items():
            if unit.layer == spec.name:
                value[..., unit.index] = gain * value[..., unit.index] + offset
        result[spec.name] = value
    return result


def convolve(x, kernel, spec):
    if spec.padding == "SAME":
        pads = []
        for length, k, s in zip(x.shape, spec.kernel, spec.stride):
            total = max((-(-length // s) - 1) * s + k - length, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, (*pads, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, spec.kernel, (0, 1))[:: spec.stride[0], :: spec.stride[1]]
    return np.einsum("ijcuv,uvco->ijo", windows, kernel)


def kernel_and_bias(spec, agent):
    return agent.weights[f"{spec.name}/kernel"].astype(np.float64), agent.weights[f"{spec.name}/bias"]


def conv(spec, agent, x):
    kernel, bias = kernel_and_bias(spec, agent)
    return convolve(x, kernel, spec) + bias


def dense(spec, agent, x):
    kernel, bias = kernel_and_bias(spec, agent)
    return x.ravel() @ kernel + bias


def dueling(spec, agent, value, advantage):
    """Number by number: Q[a, q] = V[q] + A[a, q] − mean over a of A[a, q]."""
    result, quantiles = np.empty(len(advantage)), len(value)
    for unit in range(len(advantage)):
        q = unit % quantiles
        result[unit] = value[q] + advantage[unit] - np.mean([advantage[i] for i in range(q, len(advantage), quantiles)])
    return result


def expectation(spec, agent, x):
    each = np.split(x, spec.units)
    if spec.support is None:
        return np.array([part.mean() for part in each])
    low, high = spec.support
    atoms = [low + i * (high - low) / (len(each[0]) - 1) for i in range(len(each[0]))]
    return np.array([np.exp(part) @ atoms / np.exp(part).sum() for part in each])


LAYERS = {"conv": conv, "dense": dense, "dueling": dueling, "expectation": expectation}


def assert_layers(actual, expected):
    assert list(actual) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, atol=2e-5, err_msg=name)


def test_every_layer_is_what_the_definition_says(agent):
    observation = tiny_agents.observation()
    actual = agent.activations(observation)
    assert_layers(actual, reference(agent, observation / 255))
    assert {info.name: info.shape for info in agent.layers} == {name: array.shape for name, array in actual.items()}


def test_a_batch_is_its_observations_one_by_one(agent):
    batch = tiny_agents.observation(count=130)  # more than one chunk
    many = agent.activations(batch)
    for index in (0, 127, 128, 129):
        assert_layers({name: array[index] for name, array in many.items()}, agent.activations(batch[index]))
    assert agent.activations(batch[:0])[agent.layers[0].name].shape == (0, *agent.layers[0].shape)


def test_edits_act_after_the_nonlinearity_and_later_layers_see_them(agent):
    observation = tiny_agents.observation()
    edits = {Unit("conv1", 1): (0.0, 0.5), Unit("conv1", 2): (-2.0, 0.0), Unit(agent.layers[-1].name, 0): (3.0, -1.0)}
    for unit, (gain, offset) in edits.items():
        agent.edit(unit, gain, offset)
    assert agent.edits == edits
    assert_layers(agent.activations(observation), reference(agent, observation / 255, edits))
    assert (agent.activations(observation)["conv1"][..., 1] == 0.5).all()
    agent.edit(Unit("conv1", 2))
    assert Unit("conv1", 2) not in agent.edits
    agent.clear_edits()
    assert_layers(agent.activations(observation), reference(agent, observation / 255))


DUELING = LayerSpec("q", "dueling", source=("value", "advantage"))


def computed(spec, *fed):
    """A layer without weights of these tensors."""
    return apply(spec, list(fed), None, NetworkSpec((spec,)))


def test_dueling_by_hand():
    """Two actions, three quantiles; the numbers are worked out on paper."""
    value, advantage = tf.constant([[1.0, 2.0, 3.0]]), tf.constant([[0.0, 4.0, -1.0, 2.0, 0.0, 5.0]])
    expected = [[0.0, 4.0, 0.0, 2.0, 0.0, 6.0]]  # the advantages' means are 1, 2, 2
    np.testing.assert_allclose(computed(DUELING, value, advantage), expected)
    np.testing.assert_allclose(computed(DUELING, tf.constant([[10.0]]), tf.constant([[1.0, 3.0]])), [[9.0, 11.0]])


def test_expectations_by_hand():
    quantiles = LayerSpec("q", "expectation", units=2)
    np.testing.assert_allclose(computed(quantiles, tf.constant([[0.0, 3.0, 6.0, -1.0, 0.0, -2.0]])), [[3.0, -1.0]])
    c51 = LayerSpec("q", "expectation", units=2, support=(-10.0, 10.0))  # atoms −10, 0, 10
    logits = tf.constant([np.log([0.2, 0.3, 0.5, 0.25, 0.5, 0.25]).astype("f4") + 7])
    np.testing.assert_allclose(computed(c51, logits), [[3.0, 0.0]], atol=1e-5)


@pytest.mark.parametrize("kind, name", [("dueling", "q"), ("quantiles", "quantiles")])
def test_a_dueling_layer_changes_no_difference_between_actions(agents, kind, name):
    """Q(a) − Q(b) is A(a) − A(b), and the mean of Q over the actions is V (Wang et al. 2016)."""
    agents[kind].clear_edits()
    layers = agents[kind].activations(tiny_agents.observation())
    q, advantage = (layers[layer].reshape(3, -1) for layer in (name, "advantage"))
    np.testing.assert_allclose(q - q[0], advantage - advantage[0], atol=1e-5)
    np.testing.assert_allclose(q.mean(0), layers["value"], atol=1e-5)


def targets(agent):
    yield "action", agent._head.name, None
    if agent.has_value:
        yield "value", (agent._value or agent._head).name, 0 if agent._value else None
    for info in agent.layers:
        for index in (0, info.units - 1):
            yield Unit(info.name, index), info.name, index


def test_gradients_are_finite_differences(agent):
    """Central differences of the NumPy reference in float64, along random directions; edits are on."""
    agent.edit(Unit("conv1", 0), 1.5, 0.25)
    observation, rng = tiny_agents.observation(3), np.random.default_rng(0)
    at = reference(agent, observation / 255, agent.edits)
    for target, layer, index in targets(agent):
        index = int(np.argmax(at[layer])) if index is None else index
        position = np.argmax(at[layer][..., index]) if at[layer].ndim == 3 else None
        gradient = agent.gradients(observation, target)
        assert gradient.shape == agent.observation_shape and gradient.dtype == np.float32
        for _ in range(3):
            direction, h = rng.normal(size=observation.shape), 1e-6
            inputs = (observation / 255 + sign * h * direction for sign in (1, -1))
            sides = [reference(agent, x, agent.edits)[layer][..., index] for x in inputs]
            values = [side if position is None else side.ravel()[position] for side in sides]
            numeric = (values[0] - values[1]) / (2 * h)
            assert np.sum(gradient * direction) == pytest.approx(numeric, rel=1e-3, abs=1e-4), target


def test_the_gradient_of_a_given_action_is_that_units(agent):
    observation, head = tiny_agents.observation(), agent._head
    scores = agent.activations(observation)[head.name]
    for action in range(head.units):
        given = agent.gradients(observation, "action", action)
        np.testing.assert_array_equal(given, agent.gradients(observation, Unit(head.name, action)))
    np.testing.assert_array_equal(
        agent.gradients(observation, "action"), agent.gradients(observation, "action", int(scores.argmax()))
    )


def test_gradients_trace_once_for_each_layer(agent):
    observation = tiny_agents.observation()
    agent.gradients(observation, Unit("conv1", 0))
    before = len(agent._network._functions)
    for index in range(3):
        agent.gradients(observation, Unit("conv1", index))
        agent.edit(Unit("conv1", index), 0.5)
    assert len(agent._network._functions) == before


RECEPTIVE = {
    "valid": [((4, 5), (2, 3), "VALID"), ((3, 2), (1, 2), "VALID")],
    "same": [((5, 4), (2, 3), "SAME"), ((3, 3), (2, 1), "SAME"), ((2, 3), (1, 1), "SAME")],
    "mixed": [((8, 8), (4, 4), "SAME"), ((2, 3), (1, 2), "VALID"), ((3, 1), (1, 1), "SAME")],
}


@pytest.mark.parametrize("kind", RECEPTIVE)
@pytest.mark.parametrize("size", [(31, 28), (24, 25)])
def test_receptive_fields_are_where_gradients_are(kind, size):
    """In a network whose weights are all ones, the pixels of non-zero gradient are the box, cut at the border."""
    specs = [LayerSpec(f"c{i}", "conv", 1, k, s, p) for i, (k, s, p) in enumerate(RECEPTIVE[kind])]
    network = NetworkSpec((*specs, LayerSpec("q", "dense", units=3, role="q")))
    spec = PreprocessingSpec(size=size, stack=1)
    ones = {name: np.ones(shape, "f4") for name, shape in Layout(network, spec.observation_shape).shapes.items()}
    agent = Agent(tiny_agents.card(network, preprocessing=spec), ones)
    for info in agent.layers[:-1]:
        height, width, _ = info.shape
        x = tf.ones((height * width, *size, 1))  # one copy for each position of the map
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = agent.taps(x)[info.name]
        each = tf.reshape(tf.eye(height * width), maps.shape)
        gradient = tape.gradient(maps, x, each).numpy().reshape(height, width, *size)
        for row, column in np.ndindex(height, width):
            top, left, tall, wide = info.receptive_field.box(row, column)
            expected = np.zeros(size, bool)
            expected[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)] = True
            np.testing.assert_array_equal(gradient[row, column] != 0, expected, f"{info.name} {row} {column}")


def test_taps_agree_everywhere(agent):
    """Eagerly, inside tf.function, and inside a graph of TensorFlow 1, before and after the non-linearity."""
    observation = tiny_agents.observation()
    x = (observation[None] / 255).astype(np.float32)
    expected = reference(agent, observation / 255)
    for pre in (False, True):
        eager = {name: value.numpy()[0] for name, value in agent.taps(tf.constant(x), pre).items()}
        traced = tf.function(agent.taps)(tf.constant(x), pre)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            place = tf.compat.v1.placeholder(tf.float32, (None, *agent.observation_shape))
            graph = session.run(agent.taps(place, pre), {place: x})
        for name in expected:
            np.testing.assert_allclose(traced[name][0], eager[name], atol=1e-5)
            np.testing.assert_allclose(graph[name][0], eager[name], atol=1e-5)
            activation = {spec.name: spec.activation for spec in agent.card.network.layers}[name]
            value = NONLINEAR[activation](eager[name]) if pre else eager[name]
            np.testing.assert_allclose(value, expected[name], atol=2e-5)


def test_taps_are_differentiable_and_leave_edits_out(agent):
    agent.edit(Unit("conv1", 0), 0.0, 100.0)
    observation = tiny_agents.observation()
    x = tf.constant((observation[None] / 255).astype(np.float32))
    head = agent._head.name
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = agent.taps(x)[head][0, 1]
    agent.clear_edits()
    np.testing.assert_allclose(tape.gradient(score, x)[0], agent.gradients(observation, "action", 1), atol=1e-5)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        place = tf.compat.v1.placeholder(tf.float32, x.shape)
        gradient = session.run(tf.gradients(agent.taps(place)[head][0, 1], place), {place: x.numpy()})[0][0]
    np.testing.assert_allclose(gradient, agent.gradients(observation, "action", 1), atol=1e-5)


def test_bad_targets_and_observations_are_sentences(agent):
    observation = tiny_agents.observation()
    for call, words in (
        (lambda: agent.gradients(observation, Unit("conv9", 0)), "no layer “conv9”"),
        (lambda: agent.gradients(observation, Unit("conv1", 99)), "units 0 to"),
        (lambda: agent.gradients(observation, "mood"), "choose action, value or a unit"),
        (lambda: agent.gradients(observation, "action", -1), "not a unit"),
        (lambda: agent.edit(Unit("conv1", 0), float("nan")), "finite"),
        (lambda: agent.activations(observation[:-1]), "observes 20×18×2"),
        (lambda: agent.activations(observation / 255), "not float64"),
    ):
        with pytest.raises(ZooError, match=words):
            call()


HEAD_UNITS = [("dueling", "q:1"), ("quantiles", "q:2"), ("quantiles", "quantiles:5"), ("c51", "q:0")]


@pytest.mark.parametrize("name, unit", HEAD_UNITS)
def test_analyses_reach_through_the_heads(agents, name, unit):
    """Feature visualization by Lucid raises the unit; attribution explains it."""
    agents[name].clear_edits()
    found = list(ANALYSES["feature_vis"](agents[name], unit=unit, steps=40, use_cache=False))
    release()
    images = [progress.result for progress in found if progress.result is not None]
    assert images[-1].activation > images[0].activation
    (progress,) = ANALYSES["attribution"](agents[name], observation=tiny_agents.observation(), target=unit)
    assert progress.result.scale > 0
