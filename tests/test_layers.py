"""Every kind of layer against PyTorch's own, or against arithmetic; and a file's arrays brought into our order."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.assemble import assemble
from zoo_gui.agents.card import ActionSpec, Card, LayerSpec, NetworkSpec, PreprocessingSpec, WeightsSpec
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.network import NO_STATE, Network, tf
from zoo_gui.types import Unit, ZooError

SHAPE = (11, 9, 2)
HEAD = LayerSpec("policy", "dense", units=3, role="logits")


def card(*layers: LayerSpec, names=None, convention="pytorch", shape=SHAPE, **network) -> Card:
    """A card of these layers and a head, whose file is PyTorch's."""
    network = NetworkSpec((*layers, HEAD), **{"flatten": "CHW", **network})
    made = Card(
        format=1, algorithm="tiny", game="Pong", run=1, network=network,
        preprocessing=PreprocessingSpec(size=shape[:2], stack=shape[2]),
        actions=ActionSpec(("NOOP", "UP", "DOWN"), "argmax"),
        weights=WeightsSpec("w.pt", convention=convention, names=names or {}),
    )  # fmt: skip
    return Card.parse(made.to_toml())  # what cannot be written on a card does not count


def observation(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def agreed(module: nn.Module, made: Card, arrays: dict, tolerance=1e-5) -> Agent:
    """Assert that the agent's scores are the module's for some observations; gives the agent."""
    agent = Agent(made, arrays)
    module.eval()
    for seed in range(3):
        seen = observation(seed, agent.observation_shape)
        with torch.no_grad():
            expected = module(torch.from_numpy(seen.transpose(2, 0, 1)[None] / np.float32(255))).numpy()[0]
        scores = agent.decide(seen, np.random.default_rng(0)).scores
        np.testing.assert_allclose(scores, expected, atol=tolerance * np.abs(expected).max())
    return agent


def named(module: nn.Module, **ours: str) -> tuple[dict, dict]:
    """(arrays of the state dict, names): ours gives {our layer: the module's path}."""
    parts = {
        "kernel": "weight", "bias": "bias", "scale": "weight", "offset": "bias", "mean": "running_mean",
        "variance": "running_var",
    }  # fmt: skip
    arrays = {key: value.numpy() for key, value in module.state_dict().items()}
    pairs = ((f"{layer}/{part}", f"{path}.{theirs}") for layer, path in ours.items() for part, theirs in parts.items())
    return arrays, {name: path for name, path in pairs if path in arrays}


def randomised(module: nn.Module) -> nn.Module:
    """Batch norms that have seen something, and no zero biases."""
    torch.manual_seed(1)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) * 0.4 + (0.3 if tensor.ndim == 1 else -0.2))
    return module


@pytest.mark.parametrize(
    "padding, pads", [((1, 2), (1, 2)), ((0, 0), "VALID"), ((2, 2), (2, 2, 2, 2)), ((1, 1), (1, 1))]
)
def test_convolutions_with_padding(padding, pads):
    module = nn.Sequential(nn.Conv2d(2, 4, 3, 2, padding), nn.ELU(), nn.Flatten(), nn.LazyLinear(3))
    module(torch.zeros(1, 2, 11, 9))
    randomised(module)
    arrays, names = named(module, conv="0", policy="3")
    conv = LayerSpec("conv", "conv", filters=4, kernel=(3, 3), stride=(2, 2), padding=pads, activation="elu")
    agent = agreed(module, card(conv, names=names), arrays)
    field = agent.layers[0].receptive_field
    assert (field.size, field.stride, field.start) == ((3, 3), (2, 2), (-padding[0], -padding[1]))


def test_norms_pools_and_residuals():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.pool = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.MaxPool2d(3, 2, 1)
            self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.layer, self.out = nn.LayerNorm([4, 6, 5]), nn.Linear(120, 3)

        def forward(self, x):
            x = self.pool(self.norm(self.conv(x)))
            x = x + self.two(torch.relu(self.one(torch.relu(x))))
            return self.out(torch.nn.functional.leaky_relu(self.layer(x), 0.2).flatten(1))

    module = randomised(Net())
    arrays, names = named(module, conv="conv", norm="norm", one="one", two="two", layer="layer", policy="out")
    made = card(
        LayerSpec("conv", "conv", filters=4, kernel=(3, 3), padding=(1, 1)),
        LayerSpec("norm", "batchnorm"),
        LayerSpec("pool", "maxpool", kernel=(3, 3), stride=(2, 2), padding=(1, 1)),
        LayerSpec("bent", "activation", activation="relu"),
        LayerSpec("one", "conv", filters=4, kernel=(3, 3), padding="SAME", activation="relu"),
        LayerSpec("two", "conv", filters=4, kernel=(3, 3), padding="SAME", bias=False),
        LayerSpec("sum", "add", source=("pool", "two")),
        LayerSpec("layer", "layernorm", over="all", activation="leaky_relu", slope=0.2),
        names=names,
    )  # fmt: skip
    agent = agreed(module, made, arrays, 3e-5)
    assert agent.layers[6].receptive_field.size == (13, 13)  # 3 of the convolution, 5 after the pool, then 4 a block
    assert [info.shape for info in agent.layers[:3]] == [(11, 9, 4), (11, 9, 4), (6, 5, 4)]


def test_averages_leave_padding_out_and_means_take_all():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.out = nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.Linear(2, 3)

        def forward(self, x):
            return self.out(self.pool(x).mean((2, 3)))

    module = randomised(Net())
    arrays, names = named(module, policy="out")
    pool = LayerSpec("pool", "avgpool", kernel=(3, 3), stride=(2, 2), padding=(1, 1))
    agreed(module, card(pool, LayerSpec("mean", "mean"), names=names), arrays)


class Recurrent(nn.Module):
    """A convolution, a cell and a head, as baby-a3c and others have them."""

    def __init__(self, cell):
        super().__init__()
        self.conv, self.cell, self.out = nn.Conv2d(2, 4, 3, 2), cell(4 * 5 * 4, 6), nn.Linear(6, 3)

    def forward(self, x, state):
        state = self.cell(torch.relu(self.conv(x)).flatten(1), state)
        return self.out(state[0] if isinstance(state, tuple) else state), state


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_memory_over_an_episode(kind):
    module = randomised(Recurrent(nn.GRUCell if kind == "gru" else nn.LSTMCell))
    arrays, names = named(module, conv="conv", policy="out")
    names |= {"cell/kernel": "cell.weight_ih", "cell/recurrent_kernel": "cell.weight_hh", "cell/bias": "cell.bias_ih",
              "cell/recurrent_bias": "cell.bias_hh"}  # fmt: skip
    conv = LayerSpec("conv", "conv", filters=4, kernel=(3, 3), stride=(2, 2), activation="relu")
    agent = Agent(card(conv, LayerSpec("cell", kind, units=6), names=names), arrays)
    state, theirs, rng = agent.initial_state, None, np.random.default_rng(0)
    assert state.shape == (6 if kind == "gru" else 12,) and not state.any()
    for step in range(4):
        seen = observation(step)
        with torch.no_grad():
            expected, theirs = module(torch.from_numpy(seen.transpose(2, 0, 1)[None] / np.float32(255)), theirs)
        before = state
        decision = agent.decide(seen, rng, state)
        state = decision.state
        np.testing.assert_allclose(decision.scores, expected.numpy()[0], atol=2e-5)
        hidden = theirs if kind == "gru" else torch.cat(theirs, 1)
        np.testing.assert_allclose(state, hidden.numpy()[0], atol=2e-5)
        np.testing.assert_array_equal(agent.activations(seen, before)["cell"], state[:6])
    batch = agent.activations(np.stack([observation(3)] * 2), np.stack([before, agent.initial_state]))
    np.testing.assert_allclose(batch["policy"][0], decision.scores, atol=1e-5)
    assert not np.allclose(batch["policy"][1], decision.scores, atol=1e-4)
    moved = np.clip(observation(3).astype("f4") + np.eye(11, 9)[..., None] * [0, 20], 0, 255).astype("f4")
    slope = agent.gradients(observation(3), Unit("policy", 1), state=before)
    predicted = (slope * (moved - observation(3)) / 255).sum()
    measured = agent.decide(moved, rng, before).scores[1] - decision.scores[1]
    assert measured == pytest.approx(predicted, rel=0.2)
    agent.edit(Unit("cell", 2), 0.0, 0.25)
    assert agent.decide(seen, rng, before).state[2] == 0.25


def test_keras_cells_and_tensorflow_1():
    """Gates in other orders, one kernel for input and state, one array for both biases, reset before the product."""
    rng = np.random.default_rng(3)
    layout = Layout(NetworkSpec((LayerSpec("cell", "gru", units=4), HEAD)), (1, 1, 5))
    ours = {name: rng.normal(size=shape).astype("f4") for name, shape in layout.shapes.items()}
    r, z, n = np.split(np.arange(12), 3)
    keras = np.concatenate([z, r, n])
    arrays = {"k": ours["cell/kernel"][:, keras], "u": ours["cell/recurrent_kernel"][:, keras],
              "b": np.stack([ours["cell/bias"], ours["cell/recurrent_bias"]])[:, keras],
              "p": ours["policy/kernel"], "q": ours["policy/bias"]}  # fmt: skip
    names = {"cell/kernel": "k", "cell/recurrent_kernel": "u", "cell/bias": "b", "policy/kernel": "p",
             "policy/bias": "q"}  # fmt: skip
    found = assemble(layout, arrays, names, "tensorflow", "w")
    assert all(np.array_equal(found[name], ours[name]) for name in ours)

    spec = LayerSpec("cell", "lstm", units=4, gates="igfo", forget_bias=1.0)
    layout = Layout(NetworkSpec((spec, HEAD)), (1, 1, 5))
    ours = {name: rng.normal(size=shape).astype("f4") for name, shape in layout.shapes.items()}
    i, f, g, o = np.split(np.arange(16), 4)
    order = np.concatenate([i, g, f, o])
    joined = np.concatenate([ours["cell/kernel"], ours["cell/recurrent_kernel"]])[:, order]
    arrays = {"k": joined, "b": ours["cell/bias"][order], "p": ours["policy/kernel"], "q": ours["policy/bias"]}
    names = {"cell/kernel": "k", "cell/recurrent_kernel": "k", "cell/bias": "b", "policy/kernel": "p",
             "policy/bias": "q"}  # fmt: skip
    found = assemble(layout, arrays, names, "tensorflow", "w")
    assert all(np.array_equal(found[name], ours[name]) for name in ours if name != "cell/recurrent_bias")
    assert not found["cell/recurrent_bias"].any()
    interleaved = dataclasses.replace(spec, gates="gifo interleaved")
    layout = Layout(NetworkSpec((interleaved, HEAD)), (1, 1, 5))
    each = ours["cell/bias"].reshape(4, 4)[[2, 0, 1, 3]].T.ravel()  # unit by unit: g, i, f, o
    arrays |= {"k": ours["cell/kernel"], "u": ours["cell/recurrent_kernel"], "b": each}
    names |= {"cell/recurrent_kernel": "u"}
    assert np.array_equal(assemble(layout, arrays, names, "tensorflow", "w")["cell/bias"], ours["cell/bias"])


def test_reset_before_the_product():
    """Cho et al. 2014, by hand: one unit, one input, weights that make each gate plain."""
    spec = LayerSpec("cell", "gru", units=1, reset_after=False)
    network = NetworkSpec((spec, HEAD))
    layout = Layout(network, (1, 1, 1))
    weights = {name: np.ones(shape, "f4") for name, shape in layout.shapes.items()}
    state, x = 0.5, 1.0
    gate = 1 / (1 + np.exp(-(x + 1 + state + 1)))
    candidate = np.tanh(x + 1 + gate * state + 1)
    after = Network(layout, weights).run(np.full((1, 1, 1), 255, np.uint8), np.array([state], "f4"))[-1]
    assert after == pytest.approx((1 - gate) * candidate + gate * state, abs=1e-6)


@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_newest_frame_first(kind):
    """A network trained on frames newest first gives the same scores for observations that are oldest first."""
    first = nn.Conv2d(2, 4, 3) if kind == "conv" else nn.Sequential(nn.Flatten(), nn.Linear(11 * 9 * 2, 4))
    module = nn.Sequential(first, nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    module(torch.zeros(1, 2, 11, 9))
    randomised(module)
    arrays, names = named(module, first="0" if kind == "conv" else "0.1", policy="3")
    spec = LayerSpec("first", "conv", filters=4, kernel=(3, 3), activation="relu")
    spec = spec if kind == "conv" else LayerSpec("first", "dense", units=4, activation="relu")
    agent = Agent(card(spec, names=names, frame_order="newest-first"), arrays)
    seen = observation()
    newest_first = seen[..., ::-1].transpose(2, 0, 1)[None] / np.float32(255)
    with torch.no_grad():
        expected = module(torch.from_numpy(np.ascontiguousarray(newest_first))).numpy()[0]
    np.testing.assert_allclose(agent.decide(seen, np.random.default_rng(0)).scores, expected, atol=1e-5)


def test_quantiles_in_the_other_order_and_implicit_ones():
    """Stable-Baselines3 keeps (quantiles, actions); IQN multiplies features by an embedding of each fraction."""

    class Implicit(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.phi = nn.Conv2d(2, 4, 3, 2), nn.Linear(7, 80)
            self.fc, self.q = nn.Linear(80, 5), nn.Linear(5, 3)

        def forward(self, x):
            features = torch.relu(self.conv(x)).flatten(1)
            tau = (torch.arange(8) + 0.5) / 8
            embedded = torch.relu(self.phi(torch.cos(torch.pi * tau[:, None] * torch.arange(1, 8))))
            return self.q(torch.relu(self.fc(features[:, None] * embedded))).mean(1)

    module = randomised(Implicit())
    arrays, names = named(module, conv="conv", embedding="phi", fc="fc", each="q")
    conv = LayerSpec("conv", "conv", filters=4, kernel=(3, 3), stride=(2, 2), activation="relu")
    layers = (
        conv,
        LayerSpec("features", "flatten"),
        LayerSpec("cosines", "cosine", units=7, quantiles=8, first=1),
        LayerSpec("embedding", "conv", filters=80, activation="relu"),
        LayerSpec("product", "multiply", source=("features", "embedding")),
        LayerSpec("fc", "conv", filters=5, activation="relu"),
        LayerSpec("each", "conv", filters=3),
        LayerSpec("q", "mean", role="q"),
    )
    made = card(conv, names=names)
    agreed(module, made.replaced(network=dataclasses.replace(made.network, layers=layers)), arrays, 1e-4)

    flat = nn.Sequential(nn.Flatten(), nn.Linear(198, 12))
    randomised(flat)
    arrays, names = named(flat, atoms="1")
    layers = (LayerSpec("atoms", "dense", units=12), LayerSpec("q", "expectation", units=3, role="q", atoms_first=True))

    class Mean(nn.Module):
        def forward(self, x):
            return flat(x).reshape(-1, 4, 3).mean(1)

    made = card(names=names)
    agreed(Mean(), made.replaced(network=dataclasses.replace(made.network, layers=layers)), arrays)


def test_one_probability_is_two_logits():
    layers = LayerSpec("z", "dense", units=1), LayerSpec("both", "complement", role="logits")
    layout = Layout(NetworkSpec(layers), SHAPE)
    weights = {name: np.full(shape, 0.01, "f4") for name, shape in layout.shapes.items()}
    z, *both = Network(layout, weights).run(observation(), NO_STATE)
    assert both == [z, 0.0]


def test_differences_are_seen_as_they_are():
    """Of frame differences the canonical 0–1 is −255–255; gradients are per such unit."""
    made = card(names={"policy/kernel": "w", "policy/bias": "b"}, shape=(4, 3, 1))
    made = made.replaced(preprocessing=dataclasses.replace(made.preprocessing, difference=True))
    agent = Agent(made, {"w": np.arange(36, dtype="f4").reshape(3, 12), "b": np.zeros(3, "f4")})
    seen = np.zeros((4, 3, 1), "f4")
    seen[1, 2] = -255.0
    assert agent.decide(seen, np.random.default_rng(0)).scores.tolist() == [-5.0, -17.0, -29.0]
    tapped = agent.taps(tf.constant((seen[None] + 255) / 510))["policy"][0]
    np.testing.assert_allclose(tapped, [-5.0, -17.0, -29.0], atol=1e-4)
    # d score / d (value / 255) is 5, and 0–1 spans two of these
    assert agent.gradients(seen, Unit("policy", 0))[1, 2, 0] == 10.0


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(names={"policy/kernel": "weigth", "policy/bias": "b"}), "did you mean weight"),
        (dict(names={"policy/kernel": "weight", "policy/bias": "none"}), "there is no array none"),
        (dict(names={"policy/kernel": "weight", "policy/bias": "weight"}), "policy/bias should be 3, but is 3×198"),
        (dict(names={"policy/kernel": "weight", "policy/bias": "b"}, convention="tensorflow"), "should be 198×3"),
    ],
)
def test_what_does_not_fit_is_named(changes, words):
    arrays = {"weight": np.zeros((3, 198), "f4"), "b": np.zeros((3, 1), "f4")}
    with pytest.raises(ZooError, match=words):
        Agent(card(**changes), arrays, source="w.pt")


def test_a_bias_kept_as_a_column_and_arrays_that_are_joined():
    arrays = {"one": np.ones((1, 198), "f4"), "two": np.zeros((2, 198), "f4"), "b": np.arange(3.0).reshape(3, 1)}
    agent = Agent(card(names={"policy/kernel": ["one", "two"], "policy/bias": "b"}), arrays)
    scores = agent.decide(np.full(SHAPE, 255, np.uint8), np.random.default_rng(0)).scores
    np.testing.assert_allclose(scores, [198.0, 1.0, 2.0], rtol=1e-6)


def test_hard_gates():
    """Keras 1 and 2: the gates are straight lines cut at 0 and 1; of one unit by hand."""
    spec = LayerSpec("cell", "lstm", units=1, gate_activation="hard_sigmoid")
    layout = Layout(NetworkSpec((spec, HEAD)), (1, 1, 1))
    weights = {name: np.full(shape, 0.5, "f4") for name, shape in layout.shapes.items()}
    hidden, cell = 0.2, -0.4
    total = 0.5 * 1.0 + 0.5 + 0.5 * hidden + 0.5  # of every gate
    gate = 0.2 * total + 0.5
    cell = gate * cell + gate * np.tanh(total)
    after = Network(layout, weights).run(np.full((1, 1, 1), 255, np.uint8), np.array([hidden, -0.4], "f4"))[-2:]
    np.testing.assert_allclose(after, [gate * np.tanh(cell), cell], atol=1e-6)
