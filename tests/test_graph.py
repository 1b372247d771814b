"""Networks that run as their file's graph: against TensorFlow's own session and finite differences; their limits."""

from __future__ import annotations

import numpy as np
import pytest
import zoo_graphs
from zoo_graphs import CHANNELS, HIDDEN, Maker, flattened, tf, v1

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, Card, LayerSpec, NetworkSpec, PreprocessingSpec, WeightsSpec
from zoo_gui.agents.formats import tensorflow_graph
from zoo_gui.agents.graphs.graph import GraphLayout, GraphNetwork
from zoo_gui.types import ReceptiveField, Unit, ZooError

FIELDS = {
    "conv1": ReceptiveField((8, 8), (4, 4), (-2, -2)),
    "conv2": ReceptiveField((20, 20), (8, 8), (-6, -6)),
    "conv3": ReceptiveField((36, 36), (8, 8), (-14, -14)),
}
OUTPUTS = {
    "a2c": {"policy": "logits", "value": "value"}, "impala": {"policy": "logits", "value": "value"},
    "ga": {"out": "logits"}, "es": {"out": "logits"}, "apex": {"q_values": "q"}, "dqn": {"q": "q"},
    "rainbow": {"q": "q"},
}  # fmt: skip


def made(checkpoint, shape=(84, 84, 4), network=None) -> GraphNetwork:
    """The network of a checkpoint's graph for observations of that shape."""
    card = Card(
        1, "test", "Breakout", 1, network or checkpoint.network, PreprocessingSpec(size=shape[:2], stack=shape[2]),
        ActionSpec(("NOOP",) * 6, "argmax"), WeightsSpec("graph.pb"),
    )  # fmt: skip
    layout = GraphLayout(card, checkpoint.graph, "graph.pb")
    return GraphNetwork(layout)


def saved(build, path, **options):
    """What the reader makes of the graph that ``build(maker)`` writes."""
    with tf.Graph().as_default() as graph:
        build(Maker(0), **options)
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return tensorflow_graph.read(path)


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    return {f: tensorflow_graph.read(zoo_graphs.write(f, folder / f"{f}.pb")) for f in zoo_graphs.FAMILIES}


@pytest.fixture(scope="module")
def networks(families):
    return {family: made(checkpoint) for family, checkpoint in families.items()}


def images(count=2, shape=(84, 84, 4), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def session(definition, feed, tensors):
    """The tensors as TensorFlow computes them from the graph, wherever it was placed."""
    for node in definition.node:
        node.device = ""
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as running:
        tf.import_graph_def(definition, name="")
        return running.run([f"{name}:0" for name in tensors], feed)


def reference_definition(family):
    """The family's graph; Ape-X's for a CPU, which knows no NCHW: the same numbers in a graph of NHWC."""
    if family != "apex":
        return zoo_graphs.definition(family)
    original = zoo_graphs.tf.transpose
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf, "transpose", lambda x, order, name=None: tf.identity(x, name=name))
        conv, flat = Maker.conv, zoo_graphs.flattened
        patch.setattr(Maker, "conv", lambda *args, order="NHWC", **more: conv(*args, **more))
        patch.setattr(zoo_graphs, "flattened", lambda x, name: flat(original(x, (0, 3, 1, 2)), name))
        return zoo_graphs.definition(family)


@pytest.mark.parametrize("family", zoo_graphs.FAMILIES)
def test_family_is_recognised_and_gives_what_tensorflow_gives(families, networks, family):
    checkpoint, network = families[family], networks[family]
    assert checkpoint.facts["family"] == family and checkpoint.facts["actions"] == 6
    roles = {spec.name: spec.role for spec in checkpoint.network.layers if spec.role}
    assert roles == OUTPUTS[family]
    observations = images()
    low, high = checkpoint.network.input_range
    feed = {f"{checkpoint.network.input}:0": (observations[:1] / 255.0 * (high - low) + low).astype("f4")}
    nodes = [spec.node for spec in checkpoint.network.layers]
    expected = session(reference_definition(family), feed, nodes)
    flat = network.run(observations[0])
    for info, values in zip(network.layout.layers, expected):
        got = flat[network.layout.activations[info.name]]
        np.testing.assert_allclose(got, values.ravel(), rtol=1e-4, atol=1e-5, err_msg=info.name)
        shapes = {"conv1": (21, 21, CHANNELS[0]), "conv2": (11, 11, CHANNELS[1]), "conv3": (11, 11, CHANNELS[2])}
        assert info.shape == shapes.get(info.name, info.shape) and info.receptive_field == FIELDS.get(info.name)
        assert info.kind == (roles.get(info.name) or ("conv" if info.name in shapes else "dense"))
    assert network.layout.batched
    batch = network.run_batch(observations)
    np.testing.assert_allclose(batch, [flat, network.run(observations[1])], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", zoo_graphs.FAMILIES)
def test_gradients_agree_with_finite_differences(networks, family):
    network = networks[family]
    observation, rng = images(1)[0].astype(np.float32), np.random.default_rng(1)
    head = network.layout.role("logits", "q")
    slope = network.gradient(observation, head.name, 2)
    place = network.layout.activations[head.name].start + 2
    for _ in range(3):
        direction = rng.normal(size=observation.shape).astype("f4")
        step = 0.25  # of 255
        ends = [network.run(observation + sign * step * direction)[place] for sign in (1, -1)]
        expected = (ends[0] - ends[1]) / (2 * step / 255)
        assert np.isclose((slope * direction).sum(), expected, rtol=0.05, atol=0.05 * np.abs(slope).sum() ** 0.5)


@pytest.mark.parametrize("family", ["a2c", "ga", "apex", "rainbow"])
def test_an_edit_is_seen_by_what_follows(networks, family):
    network = networks[family]
    layout, observation = network.layout, images(1)[0]
    plain = network.run(observation)
    gains, offsets = np.ones(layout.unit_count, "f4"), np.zeros(layout.unit_count, "f4")
    unit = layout.units["conv2"].start + 3
    gains[unit], offsets[unit] = 0.0, 2.5
    network.set_edits(gains, offsets)
    edited, batch = network.run(observation), network.run_batch(images())
    network.set_edits(np.ones_like(gains), np.zeros_like(offsets))
    maps = edited[layout.activations["conv2"]].reshape(layout.info("conv2").shape)
    before = plain[layout.activations["conv2"]].reshape(maps.shape)
    assert (maps[..., 3] == 2.5).all() and np.array_equal(maps[..., :3], before[..., :3])
    assert np.array_equal(edited[layout.activations["conv1"]], plain[layout.activations["conv1"]])
    assert not np.allclose(edited[layout.activations["conv3"]], plain[layout.activations["conv3"]])
    np.testing.assert_allclose(batch[0], edited, rtol=1e-4, atol=1e-5)
    assert np.array_equal(network.run(observation), plain)


@pytest.mark.parametrize("family", ["impala", "apex", "es"])
def test_taps_eagerly_and_in_a_graph(networks, family):
    network, x = networks[family], images() / np.float32(255)
    eager = network.taps(tf.constant(x))
    before = network.taps(tf.constant(x), pre=True)
    flat = network.run_batch(images())
    for info in network.layout.layers:
        np.testing.assert_allclose(
            eager[info.name],
            flat[:, network.layout.activations[info.name]].reshape(-1, *info.shape),
            rtol=1e-4,
            atol=1e-5,
        )
    assert (before["conv1"].numpy() < 0).any()
    np.testing.assert_allclose(np.maximum(before["conv1"], 0), eager["conv1"], rtol=1e-5, atol=1e-6)
    traced = tf.function(lambda x: network.taps(x)["conv3"])(tf.constant(x))
    np.testing.assert_allclose(traced, eager["conv3"], rtol=1e-4, atol=1e-5)
    with tf.Graph().as_default(), v1.Session() as running:
        image = v1.placeholder(tf.float32, (None, 84, 84, 4))
        conv = network.taps(image)["conv3"]
        slope = v1.gradients(tf.reduce_sum(conv), image)[0]
        values, slopes = running.run([conv, slope], {image: x})
    np.testing.assert_allclose(values, eager["conv3"], rtol=1e-4, atol=1e-5)
    assert np.abs(slopes).sum() > 0


def test_weights_are_shown_in_our_order_and_can_be_replaced(families, networks):
    maps = families["apex"].arrays
    for family in ("a2c", "ga"):
        network, arrays = networks[family], families[family].arrays
        name = families[family].names["conv2/kernel"]
        assert np.array_equal(network.weights["conv2/kernel"], np.squeeze(arrays[name]))
        changed = network.weights["conv2/kernel"] + 0.5
        other = GraphNetwork(network.layout, {"conv2/kernel": changed})
        part = network.layout.activations
        one, two = network.run(images(1)[0]), other.run(images(1)[0])
        assert np.array_equal(one[part["conv1"]], two[part["conv1"]])
        assert not np.allclose(one[part["conv2"]], two[part["conv2"]])
    # Ape-X flattens maps channel by channel: our rows are positions first
    own = networks["apex"].weights["state_value/kernel"]
    theirs = maps["deepq/q_func/state_value/fully_connected/weights"]
    assert np.array_equal(own.reshape(11, 11, CHANNELS[2], HIDDEN).transpose(2, 0, 1, 3).reshape(theirs.shape), theirs)
    again = GraphNetwork(networks["apex"].layout, {"state_value/kernel": own})
    assert np.array_equal(again.run(images(1)[0]), networks["apex"].run(images(1)[0]))
    with pytest.raises(ZooError, match="no weights"):
        GraphNetwork(networks["a2c"].layout, {"conv2/kernel": own})


def baselines(make):
    """OpenAI baselines' A2C as it stands in a frozen graph: bytes in, /255 inside, a loss and gradients beside it."""
    y = tf.cast(v1.placeholder(tf.uint8, (None, 84, 84, 4), name="model/Ob"), tf.float32) / 255.0
    for i, (kernel, stride) in enumerate(((8, 4), (4, 2), (3, 1))):
        y = make.conv(y, f"model/c{i + 1}", CHANNELS[i], kernel, stride, ("w", "b"), "VALID")
        y = tf.nn.relu(y, name="model/Relu")
    y = tf.nn.relu(make.dense(tf.reshape(y, [-1, 7 * 7 * CHANNELS[2]]), "model/fc1", HIDDEN), name="model/Relu_3")
    pi, _ = make.dense(y, "model/pi", 4, ("w", "b")), make.dense(y, "model/vf", 1, ("w", "b"))
    tf.argmax(pi - tf.math.log(-tf.math.log(tf.random.uniform(tf.shape(pi)))), axis=-1)
    chosen, gain = v1.placeholder(tf.int32, (None,)), v1.placeholder(tf.float32, (None,))
    loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(logits=pi, labels=chosen) * gain)
    v1.gradients(loss, [pi, y])


def test_layers_of_an_unknown_graph_are_found_by_walking(tmp_path):
    checkpoint = saved(baselines, tmp_path / "model.pb")
    layers = [(spec.name, spec.node, spec.role) for spec in checkpoint.network.layers]
    assert [layer[0] for layer in layers] == ["c1", "c2", "c3", "fc1", "pi", "vf"]
    assert layers[4] == ("pi", "model/pi/BiasAdd", "logits") and layers[5][2] == "value"
    assert checkpoint.network.input == "model/Ob" and checkpoint.network.input_range == (0.0, 255.0)
    assert checkpoint.facts["inputs"][0] == {"name": "model/Ob", "dtype": "uint8", "shape": [-1, 84, 84, 4]}
    assert checkpoint.facts["actions"] == 4 and checkpoint.names["c3/kernel"] == "model/c3/w"
    network = made(checkpoint)
    assert network.layout.info("c3").receptive_field == ReceptiveField((36, 36), (8, 8), (0, 0))
    assert np.abs(network.gradient(images(1)[0], "pi", None)).sum() > 0  # through the cast of bytes
    (expected,) = session(v1.GraphDef.FromString(checkpoint.graph), {"model/Ob:0": images(1)}, ["model/pi/BiasAdd"])
    np.testing.assert_allclose(
        network.run(images(1)[0])[network.layout.activations["pi"]], expected[0], rtol=1e-4, atol=1e-5
    )


def conditional(make):
    """Dropout behind tf.cond, a memory that nobody feeds, a value without its axis, and max pooling."""
    x = v1.placeholder(tf.float32, (None, 42, 42, 2), name="obs")
    memory = v1.placeholder(tf.float32, (None, 6), name="state")
    training = v1.placeholder(tf.bool, (), name="is_training")
    y = tf.nn.max_pool(tf.nn.elu(make.conv(x, "l1", 4, 3, 2)), 2, 2, "SAME", name="pool")
    v1.disable_control_flow_v2()
    try:
        y = v1.cond(training, lambda: v1.nn.dropout(y, rate=0.5), lambda: tf.identity(y))
    finally:
        v1.enable_control_flow_v2()
    y = tf.tanh(make.dense(tf.concat([flattened(y, "f"), memory], 1), "h", 6))
    make.dense(y, "actor", 3)
    tf.squeeze(make.dense(y, "critic", 1), 1, name="v")


def test_conditions_other_inputs_and_squeezed_values(tmp_path):
    checkpoint = saved(conditional, tmp_path / "cond.pb")
    assert (
        checkpoint.remarks[0] == "Its other inputs are given zeros: is_training, state."
        and "random" in checkpoint.remarks[1]
    )
    layers = (
        LayerSpec("pool", "graph", node="pool"), LayerSpec("h", "graph", node="h/BiasAdd"),
        LayerSpec("actor", "graph", node="actor/BiasAdd", role="logits"),
        LayerSpec("critic", "graph", node="v:0", role="value", source="h"),
    )  # fmt: skip
    network = made(checkpoint, (42, 42, 2), NetworkSpec(layers, input="obs:0"))
    assert network.layout.info("critic").shape == (1,)
    assert network.layout.info("pool").receptive_field == ReceptiveField((5, 5), (4, 4), (0, 0))
    observation = images(1, (42, 42, 2))
    feed = {"obs:0": observation / np.float32(255), "state:0": np.zeros((1, 6), "f4"), "is_training:0": False}
    expected = session(v1.GraphDef.FromString(checkpoint.graph), feed, ["pool", "actor/BiasAdd", "v"])
    flat = network.run(observation[0])
    for name, values in zip(("pool", "actor", "critic"), expected):
        np.testing.assert_allclose(flat[network.layout.activations[name]], values.ravel(), rtol=1e-4, atol=1e-5)


def pytorch_like(make):
    """NCHW from the input on, as converters write it, with batch norm and padding."""
    x = v1.placeholder(tf.float32, (1, 4, 20, 20), name="in")
    y = tf.pad(x, [[0, 0], [0, 0], [1, 1], [1, 1]])
    y = make.conv(y, "c1", 4, 3, 2, order="NCHW", padding="VALID")
    numbers = [v1.constant(np.linspace(0.5, 1.5, 4).astype("f4")) for _ in range(4)]
    y = v1.nn.fused_batch_norm(y, *numbers, is_training=False, data_format="NCHW")[0]
    y = tf.nn.relu(y, name="c1/Relu")
    make.dense(tf.reshape(y, (1, -1)), "q", 6)


def test_channels_first_input_and_batch_norm(tmp_path):
    checkpoint = saved(pytorch_like, tmp_path / "nchw.pb")
    assert checkpoint.network.input_layout == "NCHW"
    network = made(checkpoint, (20, 20, 4))
    info = network.layout.info("c1")
    assert info.shape == (10, 10, 4) and info.receptive_field == ReceptiveField((3, 3), (2, 2), (-1, -1))
    x = images(1, (20, 20, 4))[0] / 255.0
    kernel, bias = network.weights["c1/kernel"], network.weights["c1/bias"]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))[::2, ::2]
    numbers = np.linspace(0.5, 1.5, 4)
    conv = np.einsum("ijcuv,uvco->ijo", windows, kernel) + bias
    conv = np.maximum((conv - numbers) / np.sqrt(numbers + 1e-3) * numbers + numbers, 0)
    flat = network.run(images(1, (20, 20, 4))[0])
    np.testing.assert_allclose(flat[network.layout.activations["c1"]].reshape(10, 10, 4), conv, rtol=1e-3, atol=1e-4)
    q = conv.transpose(2, 0, 1).ravel() @ checkpoint.arrays["q/weights"] + checkpoint.arrays["q/biases"]
    np.testing.assert_allclose(flat[network.layout.activations["q"]], q, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(network.run_batch(images(3, (20, 20, 4)))[0], flat, rtol=1e-4, atol=1e-4)


def mixing(make):
    """A graph for single images: what it gives depends on the whole batch."""
    x = v1.placeholder(tf.float32, (1, 12, 12, 4), name="in")
    y = make.conv(x, "c1", 3, 3, 2)
    y = tf.nn.relu(y - tf.reduce_mean(y), name="c1/Relu")
    make.dense(tf.reshape(y, (1, 108)), "q", 6)


def test_a_graph_for_one_observation_gets_one_at_a_time(tmp_path):
    network = made(saved(mixing, tmp_path / "one.pb"), (12, 12, 4))
    assert not network.layout.batched
    observations = images(3, (12, 12, 4))
    alone = [network.run(observation) for observation in observations]
    np.testing.assert_array_equal(network.run_batch(observations), alone)
    layers = network.taps(tf.constant(observations / np.float32(255)))
    np.testing.assert_allclose(layers["q"], np.array(alone)[:, network.layout.activations["q"]], rtol=1e-4, atol=1e-4)


def test_newest_frame_first(tmp_path):
    checkpoint = saved(pytorch_like, tmp_path / "order.pb")
    spec = checkpoint.network
    reversed_spec = NetworkSpec(
        spec.layers, input=spec.input, input_layout=spec.input_layout, frame_order="newest-first"
    )
    observation = images(1, (20, 20, 4))[0]
    one, two = made(checkpoint, (20, 20, 4)), made(checkpoint, (20, 20, 4), reversed_spec)
    np.testing.assert_allclose(one.run(observation), two.run(observation[..., ::-1]), rtol=1e-5, atol=1e-5)


def test_attributes_and_types_of_old_and_odd_graphs(tmp_path):
    """Attributes that this TensorFlow does not know are passed over; half and double precision are computed as such."""
    for dtype in ("f2", "f8"):

        def build(make, dtype=dtype):
            x = v1.placeholder(np.dtype(dtype), (None, 16, 16, 4), name="in")
            kernel = v1.constant(np.random.default_rng(0).normal(size=(3, 3, 4, 4)).astype(dtype))
            y = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME"), name="c/Relu")
            weights = v1.constant(np.random.default_rng(1).normal(size=(256, 3)).astype(dtype) / 16)
            tf.matmul(tf.reshape(y, (-1, 256)), weights, name="q/MatMul")

        path = tmp_path / f"{dtype}.pb"
        saved(build, path)
        definition = v1.GraphDef.FromString(path.read_bytes())
        for node in definition.node:
            node.attr["_removed_long_ago"].b = True
            if node.op == "Conv2D":
                node.attr["an_attribute_of_tomorrow"].s = b"x"
        path.write_bytes(definition.SerializeToString())
        network = made(tensorflow_graph.read(path), (16, 16, 4))
        assert network.run(images(1, (16, 16, 4))[0]).dtype == np.float32
        assert np.abs(network.gradient(images(1, (16, 16, 4))[0], network.layout.layers[-1].name, 0)).sum() > 0


def sliced_weights(make):
    """GA's names as others write them: weights of several policies of which the first is taken, an input in bytes."""
    x = v1.placeholder(tf.uint8, (None, 84, 84, 4), name="X_t")
    y = tf.cast(x, tf.float32) / 255.0
    for i in range(3):
        shape = (2, (8, 4, 3)[i], (8, 4, 3)[i], y.shape[-1], CHANNELS[i])
        y = tf.nn.conv2d(y, make.weight(f"ga/conv{i + 1}/w", shape)[0], (4, 2, 1)[i], "SAME")
        y = tf.nn.relu(y, name=f"ga/conv{i + 1}/relu")
    y = tf.nn.relu(make.dense(tf.reshape(y, (-1, 726)), "ga/fc", HIDDEN), name="ga/fc/relu")
    tf.identity(make.dense(y, "ga/out", 6), name="ga/out/signal")


def turned_maps(make):
    """Ape-X's names over convolutions of NHWC whose activations are turned to NCHW."""
    x = y = v1.placeholder(tf.float32, (None, 4, 84, 84), name="X_t")
    for i, suffix in enumerate(("", "_1", "_2")):
        name = f"deepq/q_func/convnet/Conv{suffix}"
        y = make.conv(tf.transpose(y, (0, 2, 3, 1)), name, CHANNELS[i], (8, 4, 3)[i], (4, 2, 1)[i])
        y = tf.nn.relu(tf.transpose(y, (0, 3, 1, 2)), name=f"{name}/Relu")
    flat = tf.reshape(y, (-1, 726))
    hidden = tf.nn.relu(make.dense(flat, "deepq/q_func/state_value/fc", HIDDEN), name="deepq/q_func/state_value/Relu")
    tf.add(make.dense(hidden, "deepq/q_func/fc", 6), 0.0, name="deepq/q_func/q_values")
    return x


def test_the_same_names_over_other_operations(tmp_path):
    checkpoint = saved(sliced_weights, tmp_path / "ga.pb")
    assert checkpoint.facts["family"] == "ga" and checkpoint.network.input_range == (0.0, 255.0)
    running = made(checkpoint)
    assert np.array_equal(running.weights["conv2/kernel"], checkpoint.arrays["ga/conv2/w"][0])
    assert [running.layout.info(name).receptive_field for name in FIELDS] == list(FIELDS.values())
    checkpoint = saved(turned_maps, tmp_path / "apex.pb")
    assert checkpoint.facts["family"] == "apex" and checkpoint.network.input_layout == "NCHW"
    running = made(checkpoint)
    assert running.layout.info("conv3").shape == (11, 11, CHANNELS[2])
    assert [running.layout.info(name).receptive_field for name in FIELDS] == list(FIELDS.values())
    turned = images(1).transpose(0, 3, 1, 2) / np.float32(255)
    nodes = [spec.node for spec in checkpoint.network.layers]
    expected = session(v1.GraphDef.FromString(checkpoint.graph), {"X_t:0": turned}, nodes)
    flat = running.run(images(1)[0])
    for info, values in zip(running.layout.layers, expected):
        values = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values
        np.testing.assert_allclose(flat[running.layout.activations[info.name]], values.ravel(), rtol=1e-4, atol=1e-5)


def test_an_agent_of_a_graph(tmp_path, families):
    """Card, graph and agent together: what the window and notebooks call."""
    zoo_graphs.write("rainbow", tmp_path / "graph.pb")
    card = Card(
        1, "rainbow", "Breakout", 1, families["rainbow"].network, PreprocessingSpec(),
        ActionSpec(("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN"), "argmax"), WeightsSpec("graph.pb"),
    )  # fmt: skip
    (tmp_path / "card.toml").write_text(card.to_toml(), encoding="utf-8")
    agent = Agent.load(str(tmp_path))
    decision = agent.decide(images(1)[0], np.random.default_rng(0))
    assert agent.scores_kind == "q" and decision.action == decision.scores.argmax() and len(decision.scores) == 6
    assert agent.gradients(images(1)[0], "action").shape == (84, 84, 4)
    agent.edit(Unit("c51", 3), gain=0.0, offset=4.0)
    assert not np.array_equal(agent.decide(images(1)[0], np.random.default_rng(0)).scores, decision.scores)
    noisy = agent.with_weights({"conv1/kernel": agent.weights["conv1/kernel"] * 1.5})
    assert noisy.hash != agent.hash
    assert not np.array_equal(noisy.activations(images(1)[0])["conv1"], decision.activations["conv1"])


def test_contradictions_between_card_and_graph_are_sentences(families, tmp_path):
    checkpoint = families["a2c"]
    spec = checkpoint.network
    with pytest.raises(ZooError, match="reads 84×84×4, and the preprocessing makes 80×80×4"):
        made(checkpoint, (80, 80, 4))
    with pytest.raises(ZooError, match="no node “a2c/nowhere”"):
        made(checkpoint, network=NetworkSpec((LayerSpec("x", "graph", node="a2c/nowhere"),), input="X_t"))
    twice = (*spec.layers, LayerSpec("again", "graph", node="a2c/fc/Relu:0"))
    with pytest.raises(ZooError, match="two layers"):
        made(checkpoint, network=NetworkSpec(twice, input="X_t"))
    with pytest.raises(ZooError, match="no tensor “a2c/fc/Relu:3”"):
        made(checkpoint, network=NetworkSpec((LayerSpec("x", "graph", node="a2c/fc/Relu:3"),), input="X_t"))
    with pytest.raises(ZooError, match="conv1 is an output, but a map"):
        made(
            checkpoint,
            network=NetworkSpec((LayerSpec("conv1", "graph", node="a2c/conv1/Relu", role="q"),), input="X_t"),
        )


def hostile_sizes():
    """Graphs that would take all memory or time where they were run."""

    def fill(make, x):
        return tf.fill([1 << 15, 1 << 15], 1.0) + tf.reduce_sum(x)

    def tile(make, x):
        return tf.tile(tf.reshape(x, (-1, 12 * 12 * 4)), [1, 1 << 20])

    def unknown(make, x):
        return tf.fill([tf.cast(tf.reduce_sum(x), tf.int32)], 1.0)

    def products(make, x):
        y = tf.fill([4000, 4000], 0.1) + tf.reduce_sum(x)
        for _ in range(3):
            y = tf.matmul(y, tf.fill([4000, 4000], 0.1))
        return y

    def constant(make, x):
        return tf.matmul(tf.reshape(x, (-1, 576)), tf.fill([576, 1 << 24], 0.5))

    return {f.__name__: f for f in (fill, tile, unknown, products, constant)}


@pytest.mark.parametrize("name", hostile_sizes())
def test_graphs_that_take_too_much_are_refused_before_they_run(tmp_path, name):
    def build(make):
        x = v1.placeholder(tf.float32, (None, 12, 12, 4), name="in")
        y = make.dense(flattened(x, "f"), "q", 6)
        tf.add(tf.reduce_sum(hostile_sizes()[name](make, x)), y, name="end")

    checkpoint = saved(build, tmp_path / "big.pb")
    network = NetworkSpec((LayerSpec("q", "graph", node="end"),), input="in")
    with pytest.raises(ZooError, match="graph.pb (is refused|cannot be run)"):
        made(checkpoint, (12, 12, 4), network)


def test_slopes_of_a_graph_are_its_gradients(networks):
    """By the observation, by a hidden layer and with that layer replaced; and the rules change its rectifiers."""
    network = networks["a2c"]
    x = images(2).astype(np.float32)
    info = next(info for info in network.layout.layers if info.kind == "logits")
    hidden = next(info for info in network.layout.layers if len(info.shape) == 3)
    seed = {info.name: np.eye(info.units, dtype="f4")[1]}
    scores, slopes = network.slopes(x, seed)
    for row in range(2):
        np.testing.assert_allclose(slopes[row], network.gradient(images(2)[row], info.name, 1), atol=1e-5)
    own = network.run_batch(images(2))[:, network.layout.activations[hidden.name]].reshape(2, *hidden.shape)
    replaced, by = network.slopes(x, seed, layer=hidden.name, values=own)
    np.testing.assert_allclose(replaced, scores, rtol=1e-4)
    np.testing.assert_allclose(by, network.slopes(x, seed, layer=hidden.name)[1], atol=1e-5)
    step = np.random.default_rng(0).normal(size=by.shape).astype("f4") * 1e-3
    moved = network.slopes(x, seed, layer=hidden.name, values=own + step)[0] - scores
    np.testing.assert_allclose(moved, (by * step).reshape(2, -1).sum(1), rtol=0.1, atol=1e-4)
    assert network.rectifies and not np.allclose(network.slopes(x, seed, rule="guided")[1], slopes)
