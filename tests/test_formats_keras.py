"""Keras 1 to 3 and Chainer's HDF5: genuine files give the outputs that Keras gave, old ones the same as new; hostile
and damaged ones give a sentence."""

import base64
import io
import json
import marshal
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from stranger_files import check_fuzzed, forward, garbled, observation, role, softmax

from zoo_gui.agents.reading import hdf5
from zoo_gui.agents.formats import read_checkpoint, recognise
from zoo_gui.agents.inference import arrays
from zoo_gui.agents.reading.keras_config import read_model
from zoo_gui.types import ZooError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "agents"
MODELS = ("plain", "two_heads", "channels_first", "turned", "dueling", "gru", "gru_before", "lstm")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory) -> Path:
    """A folder of files that Keras 3 wrote, and what it computed: see ``keras_files``."""
    folder = tmp_path_factory.mktemp("keras")
    script = Path(__file__).with_name("keras_files.py")
    result = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", MODELS)
def test_genuine_models_compute_what_keras_computed(genuine, name, suffix):
    checkpoint = read_checkpoint(genuine / f"{name}{suffix}")
    outputs = np.load(genuine / f"{name}.npz")
    layers = forward(checkpoint, outputs["frames"])
    assert checkpoint.format == {".keras": "keras-zip", ".h5": "keras-hdf5"}[suffix]
    head = role(checkpoint, "logits" if name in ("plain", "two_heads") else "q")
    found = softmax(layers[head]) if name in ("plain", "two_heads") else layers[head]
    np.testing.assert_allclose(found, outputs["output0"], rtol=1e-4, atol=1e-5)
    if name == "two_heads":
        np.testing.assert_allclose(layers[role(checkpoint, "value")], outputs["output1"], rtol=1e-4)
    assert checkpoint.facts["input_axes"] == ("HWC" if outputs["frames"].shape == checkpoint.facts["input_shape"] or
                                              checkpoint.facts["input_shape"][-1] == 4 else "CHW")  # fmt: skip
    assert checkpoint.facts["scaled_inside"] == (name in ("plain", "dueling"))
    assert not any("optimizer" in array for array in checkpoint.arrays)


def test_weights_of_keras_3_alone(genuine):
    checkpoint = read_checkpoint(genuine / "plain.weights.h5")
    assert checkpoint.network is None
    assert checkpoint.convention == "tensorflow"
    assert [name for name in checkpoint.arrays if "conv2d" in name] == [
        "layers/conv2d/vars/0", "layers/conv2d/vars/1", "layers/conv2d_1/vars/0"]  # fmt: skip


def layer(kind, **config):
    """An entry of a Keras config."""
    return {"class_name": kind, "config": config}


def write_layers(group, arrays, **attributes):
    """Keras 2's groups: {layer: [(name of the weight, array)]}."""
    group.attrs["layer_names"] = [name.encode() for name in arrays]
    for key, value in attributes.items():
        group.attrs[key] = value
    for name, weights in arrays.items():
        inner = group.create_group(name)
        inner.attrs["weight_names"] = [weight.encode() for weight, _ in weights]
        for weight, array in weights:
            inner.create_dataset(weight, data=array.astype(np.float32))


CONV, DENSE = RNG.normal(0, 0.1, (4, 4, 4, 3)), RNG.normal(0, 0.1, (4 * 4 * 3, 5))
BIAS, OUT = RNG.normal(0, 1, 3), RNG.normal(0, 1, 5)


def keras_2(path, backend=b"tensorflow", kernel=CONV, order="channels_last", dense=DENSE):
    """A model of Keras 2.0: its list of layers is by itself, its texts are bytes."""
    shape = [None, 4, 18, 18] if order == "channels_first" else [None, 18, 18, 4]
    config = layer("Sequential")
    config["config"] = [
        layer("Conv2D", name="conv2d_1", batch_input_shape=shape, filters=3, kernel_size=[4, 4], strides=[4, 4],
              padding="valid", data_format=order, activation="relu", use_bias=True),
        layer("Flatten", name="flatten_1"),
        layer("Dense", name="dense_1", units=5, activation="linear", use_bias=True),
    ]  # fmt: skip
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["training_config"] = json.dumps({"loss": "a_loss_of_the_author"}).encode()
        file.attrs["keras_version"], file.attrs["backend"] = b"2.0.8", backend
        write_layers(file.create_group("model_weights"), {
            "conv2d_1": [("conv2d_1/kernel:0", kernel), ("conv2d_1/bias:0", BIAS)], "flatten_1": [],
            "dense_1": [("dense_1/kernel:0", dense), ("dense_1/bias:0", OUT)],
        })  # fmt: skip
        file.create_group("optimizer_weights").create_dataset("Adam/m_0", data=CONV)
    return path


def keras_1(path, order="tf", kernel=CONV, dense=DENSE, backend=None, full=True):
    """The same model by Keras 1."""
    shape = [None, 4, 18, 18] if order == "th" else [None, 18, 18, 4]
    config = layer("Sequential")
    config["config"] = [
        layer("Convolution2D", name="convolution2d_1", batch_input_shape=shape, nb_filter=3, nb_row=4, nb_col=4,
              subsample=[4, 4], border_mode="valid", dim_ordering=order, activation="relu", bias=True),
        layer("Flatten", name="flatten_1"),
        layer("Dense", name="dense_1", output_dim=5, activation="linear", bias=True, input_dim=None),
    ]  # fmt: skip
    with h5py.File(path, "w") as file:
        if backend:
            file.attrs["backend"] = backend
        if full:
            file.attrs["model_config"] = json.dumps(config)
        write_layers(file.create_group("model_weights") if full else file, {
            "convolution2d_1": [("convolution2d_1_W", kernel), ("convolution2d_1_b", BIAS)], "flatten_1": [],
            "dense_1": [("dense_1_W", dense), ("dense_1_b", OUT)],
        })  # fmt: skip
    return path


def test_keras_1_and_2_and_every_backend_compute_the_same(tmp_path):
    frames = observation((18, 18, 4))
    expected = forward(read_checkpoint(keras_2(tmp_path / "two.h5")), frames)["dense_1"]
    chw = DENSE.reshape(4, 4, 3, 5).transpose(2, 0, 1, 3).reshape(-1, 5)
    oihw = CONV.transpose(3, 2, 0, 1)
    same = {
        "Keras 1": keras_1(tmp_path / "a.h5"),
        "Keras 1, Theano": keras_1(tmp_path / "b.h5", "th", oihw[:, :, ::-1, ::-1], chw, "theano"),
        "Keras 1, Theano's order": keras_1(tmp_path / "c.h5", "th", oihw, chw, "tensorflow"),
        "Keras 2, Theano": keras_2(tmp_path / "d.h5", b"theano", CONV[::-1, ::-1]),
        "Keras 2, channels first": keras_2(tmp_path / "e.h5", b"tensorflow", CONV, "channels_first", chw),
    }
    for name, path in same.items():
        checkpoint = read_checkpoint(path)
        np.testing.assert_allclose(forward(checkpoint, frames)["dense_1"], expected, rtol=1e-4, err_msg=name)
        assert checkpoint.network.flatten == ("CHW" if name.endswith(("1, Theano", "order", "first")) else "HWC")
    assert read_checkpoint(same["Keras 1, Theano"]).convention == "theano"
    assert "mirrored" in read_checkpoint(same["Keras 2, Theano"]).remarks[0]
    unsaid = read_checkpoint(keras_1(tmp_path / "f.h5", "th", oihw, chw))
    assert unsaid.convention == "theano" and "does not say" in unsaid.remarks[0]


def test_weights_of_keras_1_and_2_alone(tmp_path):
    checkpoint = read_checkpoint(keras_1(tmp_path / "a.h5", full=False))
    assert checkpoint.network is None
    assert list(checkpoint.arrays) == ["convolution2d_1/convolution2d_1_W", "convolution2d_1/convolution2d_1_b",
                                       "dense_1/dense_1_W", "dense_1/dense_1_b"]  # fmt: skip
    assert checkpoint.facts["layers"] == ["convolution2d_1", "flatten_1", "dense_1"]


def test_weights_of_tf_keras_alone_are_in_the_order_of_its_numbers(tmp_path):
    """Its first layer of a kind has no number: conv2d, conv2d_1, …, and the alphabet would put it last."""
    convs = {f"conv2d_{number}" if number else "conv2d": (4, 8, 16, 32)[number : number + 2] for number in range(3)}
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        write_layers(file, {name: [(f"{name}/kernel:0", np.zeros((3, 3, *channels))),
                                   (f"{name}/bias:0", np.zeros(channels[1]))] for name, channels in convs.items()})
    checkpoint = read_checkpoint(tmp_path / "weights.h5")
    found = arrays.find(checkpoint.arrays, checkpoint.convention).modules
    assert [(module.inputs, module.outputs) for module in found] == [(4, 8), (8, 16), (16, 32)]


def test_long_lists_are_split_over_attributes(tmp_path):
    with h5py.File(tmp_path / "long.h5", "w") as file:
        names = [f"dense_{number}" for number in range(30)]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [n.encode() for n in names[:20]], names[20:]
        for name in names:
            file.create_dataset(f"{name}/{name}/kernel:0", data=np.zeros((2, 2), np.float32))
            file[name].attrs["weight_names"] = [f"{name}/kernel:0".encode()]
    assert read_checkpoint(tmp_path / "long.h5").facts["layers"] == names


def keras_1_lstm():
    """Keras 1's LSTM: four gates (i, c, f, o) of three arrays each."""
    config = layer("Sequential")
    config["config"] = [
        layer("Flatten", name="flatten_1", batch_input_shape=[None, 1, 3, 2, 1]),
        layer("LSTM", name="lstm_1", output_dim=2, activation="tanh", inner_activation="sigmoid", stateful=True),
        layer("Dense", name="dense_1", output_dim=4, activation="softmax"),
    ]  # fmt: skip
    gates = {gate: [(f"lstm_1_{part}_{gate}", RNG.normal(0, 1, shape)) for part, shape in
                    (("W", (6, 2)), ("U", (2, 2)), ("b", (2,)))] for gate in "icfo"}  # fmt: skip
    return config, gates


def test_lstm_of_keras_1(tmp_path):
    config, gates = keras_1_lstm()
    with h5py.File(tmp_path / "lstm.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        write_layers(file.create_group("model_weights"), {
            "flatten_1": [], "lstm_1": sum(gates.values(), []),
            "dense_1": [("dense_1_W", np.eye(2, 4)), ("dense_1_b", np.zeros(4))],
        })  # fmt: skip
    checkpoint = read_checkpoint(tmp_path / "lstm.h5")
    frames = observation((3, 2, 1))
    x = frames.ravel() / 255
    i, c, f, o = (x @ gates[gate][0][1] + gates[gate][2][1] for gate in "icfo")
    state = np.tanh(c) / (1 + np.exp(-i))
    np.testing.assert_allclose(forward(checkpoint, frames)["lstm_1"], np.tanh(state) / (1 + np.exp(-o)), rtol=1e-4)
    assert checkpoint.facts["stateful"] and not checkpoint.remarks


@pytest.mark.parametrize("kind, gates", [("LSTM", 4), ("GRU", 3)])
def test_cudnn_layers_are_put_into_the_plain_order(tmp_path, kind, gates):
    """Keras 2 turns plain to cuDNN by ``kernel.T.reshape(kernel.shape)`` for each gate."""
    kernel, recurrent = (RNG.normal(0, 1, (rows, 2 * gates)) for rows in (6, 2))
    bias = RNG.normal(0, 1, (2, 2 * gates))
    theirs = {
        "kernel": np.hstack([block.T.reshape(block.shape) for block in np.hsplit(kernel, gates)]),
        "recurrent_kernel": np.hstack([block.T for block in np.hsplit(recurrent, gates)]), "bias": bias.ravel(),
    }  # fmt: skip
    config = layer("Sequential", layers=[
        layer("Reshape", name="reshape_1", batch_input_shape=[None, 3, 2, 1], target_shape=[1, 6]),
        layer(f"CuDNN{kind}", name="memory", units=2, stateful=True), layer("Dense", name="out", units=3),
    ])  # fmt: skip
    with h5py.File(tmp_path / "cudnn.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        write_layers(file.create_group("model_weights"), {
            "reshape_1": [], "memory": [(f"memory/{name}:0", array) for name, array in theirs.items()],
            "out": [("out/kernel:0", np.eye(2, 3)), ("out/bias:0", np.zeros(3))],
        })  # fmt: skip
    checkpoint = read_checkpoint(tmp_path / "cudnn.h5")
    found = [checkpoint.arrays[checkpoint.names[f"memory/{part}"]] for part in theirs]
    np.testing.assert_allclose(found[0], kernel, rtol=1e-6)
    np.testing.assert_allclose(found[1], recurrent, rtol=1e-6)
    np.testing.assert_allclose(found[2], bias.sum(0) if kind == "LSTM" else bias, rtol=1e-5, atol=1e-6)
    assert "cuDNN" in checkpoint.remarks[-1]
    assert checkpoint.network.layers[0].reset_after
    forward(checkpoint, observation((3, 2, 1)))


def functional(*layers, outputs):
    """A functional model of Keras 2: layers as (class, name, config, names of those that feed it)."""
    entries = [{"class_name": kind, "name": name, "config": {"name": name, **config},
                "inbound_nodes": [[[fed, 0, 0, {}] for fed in inbound]] if inbound else []}
               for kind, name, config, inbound in layers]  # fmt: skip
    return {"class_name": "Model", "config": {
        "layers": entries, "input_layers": [["frames", 0, 0]], "output_layers": [[name, 0, 0] for name in outputs]}}


FRAMES = ("InputLayer", "frames", {"batch_input_shape": [None, 8, 8, 2]}, [])
CODE = base64.b64encode(marshal.dumps(compile("import os; os.abort()", "x", "exec"))).decode()
LAMBDA = {"function": [CODE, None, None], "function_type": "lambda"}


@pytest.fixture
def no_code(monkeypatch):
    """Whoever decodes the bytes of a Lambda fails."""
    def fail(*_):
        raise AssertionError("code of the file was decoded")

    monkeypatch.setattr(marshal, "loads", fail)


def test_lambdas_are_guessed_by_where_they_stand_and_never_decoded(no_code):
    model = read_model(functional(
        FRAMES, ("Lambda", "scaled", LAMBDA, ["frames"]), ("Flatten", "flat", {}, ["scaled"]),
        ("Dense", "hidden", {"units": 4, "activation": "relu"}, ["flat"]),
        ("Dense", "value", {"units": 1}, ["hidden"]), ("Dense", "advantage", {"units": 3}, ["hidden"]),
        ("Lambda", "centred", LAMBDA, ["advantage"]), ("Add", "q", {}, ["value", "centred"]), outputs=["q"],
    ))  # fmt: skip
    assert model.network.layers[-1].kind == "dueling"
    assert model.network.layers[-1].source == ("value", "advantage")
    assert model.network.input_range == (0.0, 1.0) and model.facts["scaled_inside"]
    assert sum("never run" in remark for remark in model.remarks) == 2
    last = read_model(functional(
        FRAMES, ("Flatten", "flat", {}, ["frames"]), ("Dense", "hidden", {"units": 4}, ["flat"]),
        ("Lambda", "secret", LAMBDA, ["hidden"]), outputs=["secret"],
    ))  # fmt: skip
    assert last.network is None and "secret" in last.remarks[-1]


@pytest.mark.parametrize("order", ["value + (advantage − mean)", "(value + advantage) − mean"])
def test_dueling_of_tensorflow_operators(order):
    """tf.keras writes arithmetic as TFOpLambda, with what it is fed among the settings."""
    def operator(name, function, *arguments, **settings):
        first, *rest = arguments
        settings |= {"y": [rest[0], 0, 0]} if rest else {}
        return {"class_name": "TFOpLambda", "name": name, "config": {"name": name, "function": function},
                "inbound_nodes": [[first, 0, 0, settings]]}  # fmt: skip

    model = functional(FRAMES, ("Flatten", "flat", {}, ["frames"]), ("Dense", "value", {"units": 1}, ["flat"]),
                       ("Dense", "advantage", {"units": 3}, ["flat"]), outputs=["q"])  # fmt: skip
    mean = operator("mean", "math.reduce_mean", "advantage", axis=1, keepdims=True)
    if order.startswith("value"):
        rest = [operator("centred", "math.subtract", "advantage", "mean"),
                operator("q", "__operators__.add", "value", "centred")]  # fmt: skip
    else:
        rest = [operator("sum", "__operators__.add", "value", "advantage"),
                operator("q", "math.subtract", "sum", "mean")]  # fmt: skip
    model["config"]["layers"] += [mean, *rest]
    found = read_model(model).network
    assert [(layer.kind, layer.source) for layer in found.layers][-1] == ("dueling", ("value", "advantage"))
    # two layers read the observation, which a card says by a layer that gives it on
    assert found.layers[0].kind == "activation" and found.layers[1].source is None


def test_a_probability_is_the_logits_of_two_actions():
    model = read_model(layer("Sequential", layers=[
        layer("Reshape", name="map", batch_input_shape=[None, 64], target_shape=[8, 8, 1]),
        layer("Flatten", name="flat"), layer("Dense", name="up", units=1, activation="sigmoid")]))  # fmt: skip
    assert [(entry.kind, entry.activation, entry.role) for entry in model.network.layers] == [
        ("dense", "linear", ""), ("complement", "linear", "logits")]  # fmt: skip
    assert model.facts["input_shape"] == [8, 8, 1]


UNREADABLE = {
    "swish": [layer("Reshape", name="r", target_shape=[1, 128]),
              layer("LSTM", name="m", units=2, recurrent_activation="swish")],
    "Noisy": [layer("Flatten", name="f"), layer("NoisyDense", name="n", units=3)],
    "dilated": [layer("Conv2D", name="c", filters=2, kernel_size=[3, 3], dilation_rate=[2, 2])],
    "mish": [layer("Conv2D", name="c", filters=2, kernel_size=[3, 3], activation="mish")],
    "alone": [layer("BatchNormalization", name="b", axis=-1, scale=False)],
    "turns": [layer("Permute", name="p", dims=[2, 1, 3])],
    "softmax inside": [layer("Conv2D", name="c", filters=2, kernel_size=[3, 3], activation="softmax"),
                       layer("Flatten", name="f"), layer("Dense", name="d", units=3)],
    "lacks": [layer("Conv2D", name="c", kernel_size=[3, 3])],
    "pads": [layer("ZeroPadding2D", name="z", padding=[1, 1]), layer("Flatten", name="f"),
             layer("Dense", name="d", units=2)],
}  # fmt: skip


@pytest.mark.parametrize("word", UNREADABLE)
def test_what_a_card_cannot_say_is_said_in_a_sentence(word):
    entries = [layer("InputLayer", batch_input_shape=[None, 8, 8, 2], name="frames"), *UNREADABLE[word]]
    model = read_model(layer("Sequential", layers=entries))
    assert model.network is None
    assert word in model.remarks[-1] and model.remarks[-1].endswith(".")


@pytest.mark.parametrize("config", [
    None, [], "x", 3, {}, {"class_name": 3}, {"class_name": "Sequential", "config": None},
    {"class_name": "Sequential", "config": [None]}, {"class_name": "Sequential", "config": {"layers": [{}]}},
    {"class_name": "Model", "config": {"layers": [], "input_layers": 3, "output_layers": {}}},
    functional(FRAMES, ("Add", "a", {}, ["b"]), ("Add", "b", {}, ["a"]), outputs=["a"]),
    {"class_name": "Sequential", "config": {"layers": [layer("Dense", name="d", units=3)] * 3000}},
])  # fmt: skip
def test_nonsense_is_no_network(config):
    model = read_model(config)
    assert model.network is None and model.remarks


def test_a_model_nested_in_itself_is_refused():
    config = layer("Sequential", layers=[layer("Dense", name="d", units=3)])
    for _ in range(30):
        config = layer("Sequential", name="s", layers=[config])
    assert read_model(config).network is None
    deep = json.loads("[" * 900 + "]" * 900)
    assert read_model({"class_name": "Sequential", "config": {"layers": deep}}).network is None


def test_fuzzed_descriptions_never_raise():
    rng = np.random.default_rng(1)
    text = json.dumps(functional(
        FRAMES, ("Conv2D", "c", {"filters": 2, "kernel_size": [3, 3], "padding": "same"}, ["frames"]),
        ("Flatten", "flat", {}, ["c"]), ("Dense", "v", {"units": 1}, ["flat"]), ("Dense", "p", {"units": 3}, ["flat"]),
        ("Add", "q", {}, ["v", "p"]), outputs=["q", "v"]))  # fmt: skip
    values = [None, -1, 1e400, "x", [], {}, [[]], True, 10**30]

    def changed(tree):
        if rng.random() < 0.04:
            return values[int(rng.integers(len(values)))]
        if isinstance(tree, dict):
            return {key: changed(value) for key, value in tree.items() if rng.random() > 0.02}
        return [changed(value) for value in tree] if isinstance(tree, list) else tree

    for _ in range(400):
        model = read_model(changed(json.loads(text)))
        assert model.network is not None or model.remarks


def test_chainers_hdf5(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # from a stranger's folder nothing is imported
    (tmp_path / "json.py").write_text("raise SystemExit('code of a stranger')")
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.create_dataset("conv1/W", data=np.zeros((3, 2, 4, 4), np.float32), compression="gzip")
        file.create_dataset("conv1/b", data=np.zeros(3, np.float32))
    checkpoint = read_checkpoint(tmp_path / "model.h5")
    assert checkpoint.convention == "pytorch" and list(checkpoint.arrays) == ["conv1/W", "conv1/b"]
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file.create_dataset("theta", data=np.zeros(30, ">f8"))
        file.create_dataset("name", data="Breakout")
    checkpoint = read_checkpoint(tmp_path / "own.h5")
    assert checkpoint.convention == "" and checkpoint.arrays["theta"].dtype == np.float64
    assert "name" in checkpoint.remarks[0]


def external_link(file):
    file["conv"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file):
    file["real"] = np.zeros(3)
    file["conv"] = h5py.SoftLink("/real")


def external_storage(file):
    file.create_dataset("conv", (8,), "u1", external=[("/etc/passwd", 0, 8)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("conv", layout)


def fill_bomb(file):
    file.create_dataset("conv", (1 << 15, 1 << 13), "f4", chunks=(64, 64))


def many_bombs(file):
    for number in range(40):
        file.create_dataset(f"conv{number}", (1 << 21,), "f4", chunks=(1 << 10,))


def chunk_bomb(file):
    file.create_dataset("conv", (4,), "f4", chunks=(1 << 27,), maxshape=(None,), compression="gzip")


def huge(file):
    file.create_dataset("conv", (1 << 40, 1 << 20), "f4", chunks=(1, 64))


def cycle(file):
    inner = file.create_group("a").create_group("b")
    inner["again"] = file["a"]


def deep(file):
    file.create_group("/".join("g" * 100))


def strange_filter(file):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(file.id, b"conv", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4,)), properties)


def objects(file):
    file.create_dataset("conv", (3,), h5py.ref_dtype)
    file.create_dataset("texts", (2,), h5py.string_dtype())
    file.create_dataset("ragged", (2,), h5py.vlen_dtype(np.float32))
    file.create_dataset("records", (2,), [("a", "f4"), ("b", "i4")])


HOSTILE = (external_link, soft_link, external_storage, virtual, fill_bomb, many_bombs, chunk_bomb, huge, cycle, deep,
           strange_filter, objects)  # fmt: skip


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_hostile_hdf5_is_refused(tmp_path, make):
    path = tmp_path / "hostile.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(ZooError, match="hostile.h5") as caught:
        read_checkpoint(path)
    assert str(caught.value).count(".") <= 4


def test_hostile_attributes_are_passed_over(tmp_path):
    path = keras_2(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = "[" * 100_000
        file.attrs.create("vast", np.zeros(60_000, "u1"), dtype="u1")
        file.attrs.create("reference", file["model_weights"].ref, dtype=h5py.ref_dtype)
    checkpoint = read_checkpoint(path)
    assert checkpoint.network is None and len(checkpoint.arrays) == 4 and checkpoint.remarks


def keras_archive(path, weights=True, **members):
    """A .keras file of one dense layer, members added or replaced."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.zeros((128, 3), np.float32))
        file.create_dataset("layers/dense/vars/1", data=np.zeros(3, np.float32))
    config = layer("Sequential", layers=[layer("InputLayer", batch_shape=[None, 8, 8, 2], name="i"),
                                         layer("Flatten", name="f"), layer("Dense", name="q", units=3)])  # fmt: skip
    parts = {"config.json": json.dumps(config), "metadata.json": "{}", "model.weights.h5": buffer.getvalue()} | members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_keras_archive(tmp_path):
    path = keras_archive(tmp_path / "a.keras")
    assert recognise(path).name == "keras-zip"
    assert read_checkpoint(path).names == {"q/kernel": "layers/dense/vars/0", "q/bias": "layers/dense/vars/1"}
    renamed = path.rename(tmp_path / "renamed.bin")
    assert recognise(renamed).name == "keras-zip"


@pytest.mark.parametrize("members", [
    {"../outside": "x"}, {"zeros": bytes(64 << 20)}, {"model.weights.h5": b"no HDF5"}, {"model.weights.h5": b""},
], ids=["traversal", "bomb", "garbage", "empty"])  # fmt: skip
def test_hostile_keras_archives(tmp_path, members):
    path = keras_archive(tmp_path / "a.keras", **members)
    with pytest.raises(ZooError, match="a.keras"):
        read_checkpoint(path, "keras-zip")


def test_keras_archive_with_a_damaged_description(tmp_path):
    path = keras_archive(tmp_path / "a.keras", **{"config.json": "[" * 5000, "metadata.json": "3"})
    checkpoint = read_checkpoint(path)
    assert checkpoint.network is None and len(checkpoint.arrays) == 2 and checkpoint.remarks


FUZZ = """
import signal, sys
from pathlib import Path
from zoo_gui.agents.reading.hdf5_walk import read
from zoo_gui.types import ZooError

for path in sorted(Path(sys.argv[1]).iterdir())[int(sys.argv[2]):]:
    signal.setitimer(signal.ITIMER_PROF, 2)
    try:
        print(len(read(path).arrays), flush=True)
    except ZooError as error:
        assert path.name in str(error)
        print("refused", flush=True)
"""


def test_fuzzed_hdf5(tmp_path):
    """Garbled files give arrays or a sentence; what makes HDF5's library loop or crash does so in another process."""
    folder = tmp_path / "garbled"
    folder.mkdir()
    count, results, crashes = 300, [], []
    for number, data in enumerate(garbled(keras_2(tmp_path / "a.h5").read_bytes(), count)):
        (folder / f"{number:04}.h5").write_bytes(data)
    while len(results) + len(crashes) < count:
        done = subprocess.run([sys.executable, "-c", FUZZ, str(folder), str(len(results) + len(crashes))],
                              cwd=Path(__file__).parents[1], capture_output=True, text=True)  # fmt: skip
        results += done.stdout.split()
        if done.returncode:
            assert done.returncode < 0, done.stderr
            crashes.append(sorted(folder.iterdir())[len(results) + len(crashes)])
    assert results.count("refused") > 50 and results.count("5") > 20
    for path in crashes[:2]:
        with pytest.raises(ZooError, match=path.name):
            read_checkpoint(path)


def test_reading_without_end_and_crashes_are_sentences(tmp_path, monkeypatch):
    path = keras_2(tmp_path / "a.h5")
    monkeypatch.setattr(hdf5, "SECONDS", 0)
    with pytest.raises(ZooError, match=r"a\.h5 takes too long"):
        read_checkpoint(path)
    monkeypatch.undo()
    for code, said, words in ((-signal.SIGSEGV, b"", r"a\.h5 is damaged"), (1, b"x\nNo h5py", "No h5py")):
        done = subprocess.CompletedProcess([], code, b"", said)
        monkeypatch.setattr(hdf5.subprocess, "run", lambda *_, done=done, **__: done)
        with pytest.raises(ZooError, match=words):
            read_checkpoint(path)


def test_fuzzed_keras_archives(tmp_path):
    path = keras_archive(tmp_path / "a.keras")
    check_fuzzed(path.read_bytes(), tmp_path / "fuzzed.keras", "keras-zip", 24)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/agents is not there")
def test_real_files():
    (path,) = SHARED.glob("Alexander-H-Liu*/pretrained_model/pg_model.h5")
    checkpoint = read_checkpoint(path)
    golden = np.load(SHARED / "_golden" / "golden_alexliu_pong.npz")
    assert [layer.kind for layer in checkpoint.network.layers] == ["conv", "conv", "dense"]
    assert [layer.kernel for layer in checkpoint.network.layers[:2]] == [(9, 9), (9, 9)]
    assert checkpoint.facts["input_shape"] == [80, 80, 1]
    assert golden["s0_logits"].shape == (1, checkpoint.network.layers[-1].units)
    for path in SHARED.glob("rlcode*/3-atari/1-breakout/save_model/*.h5"):
        checkpoint = read_checkpoint(path)
        assert [array.shape for array in checkpoint.arrays.values()] == [
            (8, 8, 4, 16), (16,), (4, 4, 16, 32), (32,), (2592, 256), (256,), (256, 3), (3,)]  # fmt: skip
        assert checkpoint.facts["layers"] == ["input_1", "conv2d_1", "conv2d_2", "flatten_1", "dense_1", "dense_2"]
