"""Files that TensorFlow writes: frozen graphs, checkpoints of both generations, SavedModels; and hostile ones."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import zoo_graphs
from test_graph import baselines, images, made, saved
from zoo_graphs import Maker, tf, v1

from zoo_gui.agents.graphs import graph_def, graph_ops
from zoo_gui.agents.formats import SURE, recognise, saved_model, tensorflow_checkpoint, tensorflow_graph
from zoo_gui.agents.graphs.graph_nodes import Graph
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec
from zoo_gui.agents.reading.tensor_bundle import Bundle
from zoo_gui.types import ZooError

SMALL = (12, 12, 4)


def network(x, scope, reader=v1.get_variable):
    """A small Q network of variables."""
    with v1.variable_scope(scope):
        y = tf.cast(x, tf.float32) / 255.0
        conv = tf.nn.conv2d(y, reader("Conv/weights", (3, 3, 4, 5)), 2, "SAME", name="Conv/Conv2D")
        y = tf.nn.relu(conv + reader("Conv/biases", (5,)), name="Conv/Relu")
        y = tf.reshape(y, (-1, 180))
        y = tf.matmul(y, reader("fully_connected/weights", (180, 3), use_resource=True), name="fully_connected/MatMul")
        return tf.add(y, reader("fully_connected/biases", (3,)), name="fully_connected/add")


@pytest.fixture(scope="module")
def dopamine(tmp_path_factory):
    """A folder with a checkpoint as Dopamine's agents leave it, in both of TensorFlow 1's formats; its Q-values."""
    folder = tmp_path_factory.mktemp("dopamine")
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(0)
        x = v1.placeholder(tf.uint8, (1, *SMALL), name="state_ph")
        q = network(x, "Online")
        tf.argmax(q, 1)
        network(x, "Target")
        loss = tf.reduce_mean(q**2)
        step = v1.train.get_or_create_global_step()
        v1.train.RMSPropOptimizer(0.1, momentum=0.1).minimize(loss, global_step=step)
        v1.train.AdamOptimizer().minimize(loss)
        tf.train.ExponentialMovingAverage(0.9).apply(v1.trainable_variables()[:2])
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "tf_ckpt-199"))
        v1.train.Saver(write_version=v1.train.SaverDef.V1).save(
            session, str(folder / "old.ckpt"), write_meta_graph=False
        )
        arrays = {variable.op.name: session.run(variable) for variable in v1.global_variables("Online")}
        values = session.run(q, {x: images(1, SMALL)})
    return folder, arrays, values


WEIGHTS = [
    "Online/Conv/weights", "Online/Conv/biases", "Online/fully_connected/weights", "Online/fully_connected/biases"
]  # fmt: skip


@pytest.mark.parametrize(
    "name", [".", "checkpoint", "tf_ckpt-199.index", "tf_ckpt-199.meta", "tf_ckpt-199.data-00000-of-00001"]
)
def test_a_checkpoint_is_known_by_any_of_its_files(dopamine, name):
    folder, arrays, values = dopamine
    path = folder / name
    assert recognise(path).name == "tensorflow-checkpoint"
    checkpoint = tensorflow_checkpoint.read(path)
    assert list(checkpoint.arrays) == WEIGHTS and checkpoint.convention == "tensorflow"
    for key in WEIGHTS:
        assert np.array_equal(checkpoint.arrays[key], arrays[key])
    assert checkpoint.facts["numbers"] == {"global_step": 0}
    said = " ".join(checkpoint.remarks)
    assert "optimizer" in said and "target network" in said
    # the graph beside it, with the variables' numbers inside
    assert checkpoint.facts["graph"] == "tf_ckpt-199.meta"
    assert checkpoint.names["Conv/kernel"] == "Online/Conv/weights"
    running = made(checkpoint, SMALL)
    flat = running.run(images(1, SMALL)[0])
    np.testing.assert_allclose(flat[running.layout.activations["fully_connected"]], values[0], rtol=1e-4, atol=1e-5)


def test_a_prefix_and_the_first_format_in_one_file(dopamine):
    folder, arrays, _ = dopamine
    assert list(tensorflow_checkpoint.read(folder / "tf_ckpt-199").arrays) == WEIGHTS
    assert recognise(folder / "old.ckpt").name == "tensorflow-checkpoint"
    old = tensorflow_checkpoint.read(folder / "old.ckpt")
    assert list(old.arrays) == WEIGHTS and old.graph is None
    for key in WEIGHTS:
        assert np.array_equal(old.arrays[key], arrays[key])


def test_the_list_of_checkpoints_leads_nowhere_else(dopamine, tmp_path):
    """A ``checkpoint`` file holds its author's paths: only the name counts, beside it."""
    folder, _, _ = dopamine
    for path in folder.glob("tf_ckpt-199.*"):
        shutil.copy(path, tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(tmp_path / "tf_ckpt-199.index", outside / "other.index")
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{outside}/other"\n')
    assert tensorflow_checkpoint.find_index(tmp_path) == tmp_path / "tf_ckpt-199.index"
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/home/author/run 1/tf_ckpt-199"\n')
    assert tensorflow_checkpoint.find_index(tmp_path / "checkpoint") == tmp_path / "tf_ckpt-199.index"
    (tmp_path / "tf_ckpt-199.data-00000-of-00001").unlink()
    with pytest.raises(ZooError, match="data-00000-of-00001 is missing"):
        tensorflow_checkpoint.read(tmp_path)


class Model(tf.Module):
    """Layers in a list, two of them called the same, a function within a function."""

    def __init__(self):
        super().__init__(name="net")
        rng = np.random.default_rng(0)
        self.layers = [tf.Variable(rng.normal(size=(3, 3, 4, 4)).astype("f4") / 6) for _ in range(11)]
        self.head = tf.Variable(rng.normal(size=(576, 3)).astype("f4") / 24, name="dense/kernel")

    @tf.function
    def body(self, y, weights):
        return tf.nn.relu(tf.nn.conv2d(y, weights, 1, "SAME"))

    @tf.function(input_signature=[tf.TensorSpec((None, *SMALL), tf.uint8)])
    def __call__(self, x):
        y = tf.cast(x, tf.float32) / 255.0
        for weights in self.layers:
            y = self.body(y, weights)
        return {"q_values": tf.matmul(tf.reshape(y, (-1, 576)), self.head)}


def test_object_based_checkpoints(tmp_path):
    model = Model()
    slots = tf.train.Checkpoint(optimizer=tf.Module())
    slots.optimizer.momentum = tf.Variable(np.ones((3, 3), "f4"))
    path = tf.train.Checkpoint(net=model, optimizer=slots.optimizer, step=tf.Variable(7)).save(str(tmp_path / "ckpt"))
    checkpoint = tensorflow_checkpoint.read(tmp_path)
    names = [f"net/layers/{i}" for i in range(11)]
    assert list(checkpoint.arrays) == ["net/head", *names]  # ten after nine
    assert np.array_equal(checkpoint.arrays["net/layers/10"], model.layers[10].numpy())
    assert checkpoint.facts["numbers"]["step"] == 7 and "optimizer" in checkpoint.remarks[0]
    model.layers = model.layers[:1]  # now every variable has a name of its own
    path = tf.train.Checkpoint(net=model).write(str(tmp_path / "alone"))
    named = tensorflow_checkpoint.read(tmp_path / "alone.index")
    assert set(named.arrays) == {"Variable", "dense/kernel"} and path.endswith("alone")


def test_saved_model_of_tensorflow_2(tmp_path):
    model = Model()
    tf.saved_model.save(model, str(tmp_path), signatures=model.__call__)
    for path in (tmp_path, tmp_path / "saved_model.pb"):
        assert recognise(path).name == "saved-model"
    checkpoint = saved_model.read(tmp_path)
    assert np.array_equal(checkpoint.arrays["layers/10"], model.layers[10].numpy())
    layers = checkpoint.network.layers
    assert len(layers) == 12 and layers[-1].role == "q" and checkpoint.network.input_range == (0.0, 255.0)
    assert checkpoint.names[f"{layers[10].name}/kernel"] == "layers/10"
    running = made(checkpoint, SMALL)
    values = model(images(2, SMALL))["q_values"]
    got = running.run_batch(images(2, SMALL))[:, running.layout.activations[layers[-1].name]]
    np.testing.assert_allclose(got, values, rtol=1e-3, atol=1e-5)
    (tmp_path / "variables/variables.index").unlink()
    with pytest.raises(ZooError, match="has no weights"):
        saved_model.read(tmp_path)


def test_saved_model_of_tensorflow_1(tmp_path):
    folder = tmp_path / "saved"
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.uint8, (None, *SMALL), name="obs")
        q = network(x, "model")
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.predict_signature_def({"obs": x}, {"q": q})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
        values = session.run(q, {x: images(1, SMALL)})
    checkpoint = saved_model.read(folder)
    assert checkpoint.facts["signatures"]["serving_default"]["inputs"] == {"obs": [-1, *SMALL]}
    assert checkpoint.names["Conv/kernel"] == "model/Conv/weights"
    running = made(checkpoint, SMALL)
    flat = running.run(images(1, SMALL)[0])
    np.testing.assert_allclose(flat[running.layout.activations["fully_connected"]], values[0], rtol=1e-4, atol=1e-5)


def keras_metadata():
    """What Keras 2 leaves beside a SavedModel: layers as JSON, tuples in its own way."""

    def layer(kind, name, **config):
        return {"class_name": kind, "config": {"name": name, "dtype": "float32", **config}}

    pair = {"class_name": "__tuple__", "items": [3, 3]}
    layers = [
        layer("InputLayer", "input_1", batch_input_shape={"class_name": "__tuple__", "items": [None, *SMALL]}),
        layer("Conv2D", "conv2d", filters=4, kernel_size=pair, strides={"class_name": "__tuple__", "items": [2, 2]},
              padding="same", activation="relu", use_bias=True, data_format="channels_last"),
        layer("Flatten", "flatten", data_format="channels_last"),
        layer("Dense", "dense", units=3, activation="linear", use_bias=True),
    ]  # fmt: skip
    text = json.dumps(
        {"class_name": "Sequential", "name": "sequential", "config": {"name": "sequential", "layers": layers}}
    )
    message = graph_def.new("KerasMetadata")
    message.nodes.add(node_id=0, node_path="root", identifier="_tf_keras_sequential", metadata=text)
    message.nodes.add(node_id=1, node_path="root.layer-0", identifier="_tf_keras_layer", metadata="{}")
    return message.SerializeToString()


def test_saved_model_with_the_description_of_keras(tmp_path):
    model = tf.Module()
    model.kernel = tf.Variable(np.ones((3, 3, 4, 4), "f4"), name="conv2d/kernel")
    model.bias = tf.Variable(np.zeros(4, "f4"), name="conv2d/bias")
    model.dense = tf.Variable(np.ones((144, 3), "f4"), name="dense/kernel")
    model.dense_bias = tf.Variable(np.zeros(3, "f4"), name="dense/bias")
    tf.saved_model.save(model, str(tmp_path))
    (tmp_path / "keras_metadata.pb").write_bytes(keras_metadata())
    checkpoint = saved_model.read(tmp_path)
    assert [(layer.name, layer.kind) for layer in checkpoint.network.layers] == [("conv2d", "conv"), ("dense", "dense")]
    assert checkpoint.network.layers[0].stride == (2, 2) and checkpoint.names["dense/bias"] == "dense/bias"
    (tmp_path / "keras_metadata.pb").write_bytes(keras_metadata()[:-40])
    assert saved_model.read(tmp_path).network is None  # a damaged help is no help, and no harm


# ---- what may run, and what is damaged


def with_side_effect(make, add):
    """A network whose output depends on what ``add`` puts in its way."""
    x = v1.placeholder(tf.float32, (None, *SMALL), name="in")
    y = tf.nn.relu(make.conv(x, "c1", 4, 3, 2), name="c1/Relu")
    q = make.dense(tf.reshape(y, (-1, 144)), "q", 3)
    tf.identity(add(q), name="end")


EFFECTS = {
    "ReadFile": lambda q: q + tf.strings.to_number(tf.io.read_file("/etc/passwd")),
    "WriteFile": lambda q: q,
    "EagerPyFunc": lambda q: tf.py_function(lambda x: x, [q], tf.float32),
    "PyFunc": lambda q: v1.py_func(lambda x: x, [q], tf.float32),
    "Print": lambda q: v1.Print(q, [q]),
    "Where": lambda q: tf.cast(tf.where(q > 0), tf.float32),
}


@pytest.mark.parametrize("op", EFFECTS)
def test_operations_that_are_more_than_numbers_are_named_and_refused(tmp_path, op):
    """They are refused where the network depends on them, and are never run elsewhere."""

    def build(make):
        with_side_effect(make, EFFECTS[op])
        tf.io.write_file(str(tmp_path / "written"), "harm")

    checkpoint = saved(build, tmp_path / "graph.pb")  # beside the network: pruned
    assert made(checkpoint, SMALL).run(images(1, SMALL)[0]).size
    assert not (tmp_path / "written").exists()
    if op != "WriteFile":
        spec = NetworkSpec((LayerSpec("end", "graph", node="end"),), input="in")
        with pytest.raises(ZooError, match=f"refused: its graph needs the operation {op}"):
            made(checkpoint, SMALL, spec)


def test_a_refused_operation_within_a_known_family_is_refused_on_reading(tmp_path):
    path = zoo_graphs.write("a2c", tmp_path / "a2c.pb", size=SMALL[:2])
    definition = v1.GraphDef.FromString(path.read_bytes())
    for node in definition.node:
        if node.name == "a2c/conv2/Relu":
            node.op = "Py_harmless"
    path.write_bytes(definition.SerializeToString())
    with pytest.raises(ZooError, match="Py_harmless"):
        tensorflow_graph.read(path)


def test_graphs_without_values_and_with_loops_say_so(tmp_path):
    with tf.Graph().as_default() as graph:
        network(v1.placeholder(tf.uint8, (None, *SMALL), name="in"), "net")
        (tmp_path / "open.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(ZooError, match="open.pb is not frozen: its variable"):
        tensorflow_graph.read(tmp_path / "open.pb")

    def loop(make):
        x = v1.placeholder(tf.float32, (None, *SMALL), name="in")
        v1.disable_control_flow_v2()
        try:
            y = v1.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2.0), (0, x))[1]
        finally:
            v1.enable_control_flow_v2()
        make.dense(tf.reshape(make.conv(y, "c1", 4, 3, 2), (-1, 144)), "q", 3)

    checkpoint = saved(loop, tmp_path / "loop.pb")
    assert checkpoint.network is None and "loops" in checkpoint.remarks[-1]
    spec = NetworkSpec((LayerSpec("q", "graph", node="q/BiasAdd"),), input="in")
    with pytest.raises(ZooError, match="its graph loops"):
        made(checkpoint, SMALL, spec)


def function_graph(calls):
    """A graph whose functions call as ``calls`` ({name: [called]}) says."""
    graph = graph_def.new("Graph")
    graph.node.add(name="in", op="Placeholder")
    graph.node.add(name="call", op="f0").input.append("in")
    for name, called in calls.items():
        function = graph.library.function.add()
        function.signature.name = name
        function.signature.input_arg.add(name="x")
        function.signature.output_arg.add(name="y")
        before = "x"
        for i, other in enumerate(called):
            function.node_def.add(name=f"n{i}", op=other).input.append(before)
            before = f"n{i}:y:0"
        function.ret.add(key="y", value=before)
    return graph.SerializeToString()


@pytest.mark.parametrize(
    "calls",
    [{"f0": ["f0"]}, {"f0": ["f1"], "f1": ["f0"]}, {f"f{i}": [f"f{i + 1}"] * 9 for i in range(20)} | {"f20": ["Relu"]}],
    ids=["itself", "circle", "bomb"],
)
def test_functions_without_end_are_refused(tmp_path, calls):
    (tmp_path / "functions.pb").write_bytes(function_graph(calls))
    with pytest.raises(ZooError, match="refused"):
        tensorflow_graph.read(tmp_path / "functions.pb")


def constant_of(shape, content=b"", values=()):
    graph = graph_def.new("Graph")
    node = graph.node.add(name="w", op="Const")
    node.attr.add(key="dtype").value.type = 1
    tensor = node.attr.add(key="value").value.tensor
    tensor.dtype = 1
    for length in shape:
        tensor.tensor_shape.dim.add(size=length)
    tensor.tensor_content = content
    tensor.float_val.extend(values)
    return graph.SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        constant_of((1 << 40, 1 << 20)), constant_of((-5, 3)), constant_of((2, 3), b"1234"), constant_of((1,) * 30),
        constant_of((30_000, 30_000), values=(1.0,)), constant_of((1,), values=(1.0, 2.0)),
        b"\n\x08\n\x01a\x12\x03Add" * 200_000,
    ],
    ids=["huge", "negative", "short", "rank", "filled", "long", "nodes"],
)  # fmt: skip
def test_absurd_constants_and_graphs_are_refused(tmp_path, data):
    (tmp_path / "absurd.pb").write_bytes(data)
    with pytest.raises(ZooError, match="absurd.pb"):
        tensorflow_graph.read(tmp_path / "absurd.pb")


def test_a_graph_is_known_by_its_content(tmp_path):
    path = zoo_graphs.write("dqn", tmp_path / "no_suffix", size=SMALL[:2])
    assert tensorflow_graph.recognises(path, path.read_bytes()[:4096]) == SURE
    assert recognise(path).name == "tensorflow-graph"
    for data in (b"PK\x03\x04" + b"0" * 99, b"{}", b"\x80\x02}q\x00.", b"\n", b"\x08\x07\x12\x07pytorch", b"\x00" * 64):
        assert not tensorflow_graph.kind_of(data)
    (tmp_path / "empty.pb").write_bytes(b"\x0a\x00")
    with pytest.raises(ZooError):
        tensorflow_graph.read(tmp_path / "empty.pb")


def survives(read, path):
    """A checkpoint or one sentence, nothing else."""
    try:
        return read(path)
    except ZooError as error:
        assert str(error) and "\n" not in str(error) and len(str(error)) < 600
        return None


def damaged(data, seed):
    """Bytes flipped, cut out, doubled or cut off."""
    rng = np.random.default_rng(seed)
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 8))):
        # where names and lengths are, at the beginning and anywhere
        place = int(rng.integers(0, min(len(data), 400) if rng.random() < 0.5 else len(data)))
        data[place] = int(rng.integers(0, 256)) if rng.random() < 0.7 else data[place] ^ (1 << int(rng.integers(0, 8)))
    kind = rng.integers(0, 4)
    start, length = int(rng.integers(0, len(data))), int(rng.integers(1, 64))
    if kind == 1:
        del data[start : start + length]
    elif kind == 2:
        data[start:start] = data[start : start + length]
    elif kind == 3:
        del data[start:]
    return bytes(data)


def test_damaged_graphs_give_a_graph_or_a_sentence(tmp_path):
    path = tmp_path / "damaged.pb"
    for family in ("a2c", "ga"):
        data = zoo_graphs.definition(family, size=SMALL[:2]).SerializeToString()
        for seed in range(60):
            path.write_bytes(damaged(data, seed))
            checkpoint = survives(tensorflow_graph.read, path)
            if checkpoint is not None and checkpoint.network is not None and seed % 6 == 0:
                survives(lambda _, checkpoint=checkpoint: made(checkpoint, SMALL), path)


def test_damaged_checkpoints_give_arrays_or_a_sentence(dopamine, tmp_path):
    folder, _, _ = dopamine
    for path in folder.glob("tf_ckpt-199.*"):
        shutil.copy(path, tmp_path)
    for name, seeds in (("tf_ckpt-199.index", 60), ("tf_ckpt-199.meta", 12)):
        data = (tmp_path / name).read_bytes()
        for seed in range(seeds):
            (tmp_path / name).write_bytes(damaged(data, seed))
            survives(tensorflow_checkpoint.read, tmp_path / "tf_ckpt-199.index")
        (tmp_path / name).write_bytes(data)
    old = (folder / "old.ckpt").read_bytes()
    for seed in range(20):
        (tmp_path / "old.ckpt").write_bytes(damaged(old, seed))
        survives(tensorflow_checkpoint.read, tmp_path / "old.ckpt")
    data = tmp_path / "tf_ckpt-199.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-100])
    with pytest.raises(ZooError, match="cut short"):
        Bundle(tmp_path / "tf_ckpt-199.index").arrays(lambda name: True)


def test_damaged_saved_models_give_something_or_a_sentence(tmp_path):
    model = Model()
    model.layers = model.layers[:1]
    tf.saved_model.save(model, str(tmp_path), signatures=model.__call__)
    data = (tmp_path / "saved_model.pb").read_bytes()
    for seed in range(40):
        (tmp_path / "saved_model.pb").write_bytes(damaged(data, seed))
        survives(saved_model.read, tmp_path)


def test_meta_graphs_alone_are_read_as_graphs(tmp_path):
    """A .meta without its checkpoint: frozen ones open, others say what is missing."""
    with tf.Graph().as_default():
        baselines(Maker(0))
        v1.train.export_meta_graph(str(tmp_path / "frozen.meta"))
    assert recognise(tmp_path / "frozen.meta").name == "tensorflow-graph"
    checkpoint = tensorflow_graph.read(tmp_path / "frozen.meta")
    assert [spec.name for spec in checkpoint.network.layers] == ["c1", "c2", "c3", "fc1", "pi", "vf"]
    assert Graph.parse(checkpoint.graph, "graph").nodes["model/Ob"].op == "Placeholder"


def mutated(definition, seed):
    """A valid file of a nonsensical graph: operations, inputs, attributes, shapes and types exchanged."""
    rng = np.random.default_rng(seed)
    ops = sorted(graph_ops.ALLOWED)
    for _ in range(int(rng.integers(1, 4))):
        node = definition.node[int(rng.integers(len(definition.node)))]
        kind = rng.integers(6)
        keys = sorted(node.attr)
        if kind == 0:
            node.op = ops[int(rng.integers(len(ops)))]
        elif kind == 1 and node.input:
            other = definition.node[int(rng.integers(len(definition.node)))].name
            node.input[int(rng.integers(len(node.input)))] = other + (":1" if rng.random() < 0.2 else "")
        elif kind == 2 and keys:
            del node.attr[keys[int(rng.integers(len(keys)))]]
        elif kind == 3 and keys:
            value = node.attr[keys[int(rng.integers(len(keys)))]]
            if value.WhichOneof("value") == "list" and value.list.i:
                value.list.i[int(rng.integers(len(value.list.i)))] = int(rng.choice([-7, 0, 3, 1 << 40]))
            else:
                value.CopyFrom(v1.AttrValue(i=int(rng.choice([-1, 0, 1 << 33]))))
        elif kind == 4 and "value" in keys:
            dims = node.attr["value"].tensor.tensor_shape.dim
            if dims:
                dims[int(rng.integers(len(dims)))].size = int(rng.choice([-1, 0, 2, 1 << 20]))
        elif kind == 5:
            node.attr["T" if "T" in keys else "dtype"].type = int(rng.integers(0, 26))
    return definition


def test_nonsensical_graphs_run_or_are_refused(tmp_path):
    path = tmp_path / "nonsense.pb"
    for family in ("apex", "rainbow"):
        for seed in range(25):
            path.write_bytes(mutated(zoo_graphs.definition(family, size=SMALL[:2]), seed).SerializeToString())
            checkpoint = survives(tensorflow_graph.read, path)
            if checkpoint is not None and checkpoint.network is not None:
                survives(lambda _, checkpoint=checkpoint: made(checkpoint, SMALL).run(images(1, SMALL)[0]), path)
