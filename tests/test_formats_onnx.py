"""ONNX: exports of PyTorch and graphs as other exporters write them give the outputs that they compute."""

import sys
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from stranger_files import check_fuzzed, forward, observation, role, softmax
from torch import nn

from zoo_gui.agents.formats import read_checkpoint, recognise
from zoo_gui.types import ZooError

RNG = np.random.default_rng(0)


class ActorCritic(nn.Module):
    """A policy with most of what people put in: /255, padding on one side, norms, pooling, tanh."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(4, 5, 4, 2, padding=1), nn.ReLU(), nn.ZeroPad2d((1, 0, 0, 1)), nn.Conv2d(5, 4, 3, bias=False),
            nn.LeakyReLU(0.2), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Flatten())  # fmt: skip
        self.hidden = nn.Linear(4 * 4 * 4, 8)
        self.policy, self.value = nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x):
        x = torch.tanh(self.hidden(self.features(x / 255.0)))
        return torch.softmax(self.policy(x), 1), self.value(x)


class Dueling(nn.Module):
    """Dueling heads on a map flattened by its shape, channels last at the door."""

    def __init__(self):
        super().__init__()
        self.conv, self.value, self.advantage = nn.Conv2d(4, 3, 5, 3), nn.Linear(90, 1), nn.Linear(90, 4)

    def forward(self, x):
        x = torch.relu(self.conv(x.permute(0, 3, 1, 2)))
        x = x.reshape(x.size(0), -1)
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(1, keepdim=True)


def export(module, path, shape):
    """The module with random statistics, exported by PyTorch."""
    for name, buffer in module.named_buffers():
        if "running" in name:
            buffer.copy_(torch.rand(buffer.shape) + 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no other package is deprecated
        torch.onnx.export(module.eval(), torch.zeros(shape), path, dynamo=False, input_names=["frames"],
                          dynamic_axes={"frames": {0: "batch"}})  # fmt: skip
    return path


def test_pytorchs_export_of_a_policy(tmp_path):
    torch.manual_seed(0)
    module, frames = ActorCritic(), observation((20, 18, 4))
    path = export(module, tmp_path / "policy.onnx", (1, 4, 20, 18))
    checkpoint = read_checkpoint(path)
    assert recognise(path).name == checkpoint.format == "onnx" and checkpoint.convention == "pytorch"
    assert {"hidden.weight", "policy.weight", "value.bias"} <= set(checkpoint.arrays)
    assert checkpoint.network.flatten == "CHW" and checkpoint.facts["input_axes"] == "CHW"
    layers = forward(checkpoint, frames)
    with torch.no_grad():
        policy, value = module(torch.tensor(frames.transpose(2, 0, 1)[None]).float())
    np.testing.assert_allclose(softmax(layers[role(checkpoint, "logits")]), policy[0], rtol=1e-4)
    np.testing.assert_allclose(layers[role(checkpoint, "value")], value[0], rtol=1e-4)


def test_pytorchs_export_of_dueling_heads(tmp_path):
    torch.manual_seed(1)
    module, frames = Dueling(), observation((20, 18, 4))
    checkpoint = read_checkpoint(export(module, tmp_path / "q.onnx", (1, 20, 18, 4)))
    assert checkpoint.network.layers[-1].kind == "dueling" and checkpoint.facts["input_axes"] == "HWC"
    with torch.no_grad():
        q = module(torch.tensor(frames[None]).float() / 255)
    np.testing.assert_allclose(forward(checkpoint, frames)[role(checkpoint, "q")], q[0], rtol=1e-4)


def tensor(name, *shape):
    return numpy_helper.from_array(RNG.normal(0, 0.4, shape).astype(np.float32), name)


def build(nodes, tensors, shape=("batch", 4, 20, 18), outputs=("q",)):
    """A model of nodes (operator, inputs, output, attributes)."""
    made = [helper.make_node(kind, inputs, [output], **attributes) for kind, inputs, output, attributes in nodes]
    frames = helper.make_tensor_value_info("frames", TensorProto.FLOAT, shape)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(made, "policy", [frames], ends, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="test")


def save(tmp_path, model, name="model.onnx"):
    (tmp_path / name).write_bytes(model.SerializeToString())
    return tmp_path / name


def check(tmp_path, model, frames, x):
    """Our network computes what ONNX's own evaluator does; the checkpoint."""
    checkpoint = read_checkpoint(save(tmp_path, model))
    (expected,) = ReferenceEvaluator(model).run(None, {"frames": x})
    np.testing.assert_allclose(forward(checkpoint, frames)[role(checkpoint, "q")], expected[0], rtol=1e-4, atol=1e-5)
    return checkpoint


def test_a_graph_as_tensorflow_exports_it(tmp_path):
    """Channels last outside and first inside, biases added by nodes, matrices from the right, shapes as tensors."""
    nodes = [
        ("Transpose", ["frames"], "t", {"perm": [0, 3, 1, 2]}),
        ("Conv", ["t", "conv/kernel:0"], "c", {"strides": [2, 2], "auto_pad": "SAME_UPPER", "kernel_shape": [5, 5]}),
        ("Add", ["c", "conv/bias:0"], "b", {}), ("Elu", ["b"], "e", {}),
        ("AveragePool", ["e"], "a", {"kernel_shape": [2, 3], "strides": [2, 3]}),
        ("Transpose", ["a"], "back", {"perm": [0, 2, 3, 1]}), ("Reshape", ["back", "shape"], "flat", {}),
        ("MatMul", ["flat", "fc/MatMul/ReadVariableOp:0"], "m", {}), ("Add", ["fc/bias:0", "m"], "d", {}),
        ("Relu", ["d"], "r", {}), ("Gemm", ["r", "out", "end"], "q", {}),
    ]  # fmt: skip
    tensors = [tensor("conv/kernel:0", 3, 4, 5, 5), tensor("conv/bias:0", 1, 3, 1, 1), tensor("fc/bias:0", 6),
               tensor("fc/MatMul/ReadVariableOp:0", 45, 6), tensor("out", 6, 4), tensor("end", 4),
               numpy_helper.from_array(np.asarray([-1, 45]), "shape")]  # fmt: skip
    frames = observation((20, 18, 4))
    model = build(nodes, tensors, ("batch", 20, 18, 4))
    checkpoint = check(tmp_path, model, frames, frames[None].astype(np.float32) / 255)
    assert checkpoint.network.flatten == "HWC"
    assert [layer.name for layer in checkpoint.network.layers][:1] == ["conv"]
    assert checkpoint.arrays["out"].shape == (4, 6)  # brought to (out, in)
    assert "shape" not in checkpoint.arrays


def test_a_skip_two_towers_and_constants(tmp_path):
    nodes = [
        ("Constant", [], "half", {"value": numpy_helper.from_array(np.float32(127.5))}),
        ("Constant", [], "one", {"value_float": 1.0}), ("Div", ["frames", "half"], "s", {}),
        ("Sub", ["s", "one"], "x", {}),
        ("Conv", ["x", "w1", "b1"], "c1", {"pads": [1, 1, 1, 1]}), ("Relu", ["c1"], "r1", {}),
        ("Conv", ["r1", "w2", "b2"], "c2", {"pads": [1, 1, 1, 1]}), ("Add", ["r1", "c2"], "sum", {}),
        ("Relu", ["sum"], "r2", {}), ("GlobalAveragePool", ["r2"], "g", {}), ("Flatten", ["g"], "left", {}),
        ("Flatten", ["r2"], "wide", {}), ("Gemm", ["wide", "w3"], "right", {"transB": 1}),
        ("Concat", ["left", "right"], "both", {"axis": 1}), ("Gemm", ["both", "w4", "b4"], "d", {"transB": 1}),
        ("Sigmoid", ["d"], "q", {}),
    ]  # fmt: skip
    tensors = [tensor("w1", 3, 4, 3, 3), tensor("b1", 3), tensor("w2", 3, 3, 3, 3), tensor("b2", 3),
               tensor("w3", 5, 3 * 20 * 18), tensor("w4", 4, 8), tensor("b4", 4)]  # fmt: skip
    frames = observation((20, 18, 4))
    checkpoint = check(tmp_path, build(nodes, tensors), frames, frames.transpose(2, 0, 1)[None].astype(np.float32))
    assert checkpoint.network.input_range == (-1.0, 1.0)
    assert checkpoint.network.flatten == "CHW"


@pytest.mark.parametrize("kind, inputs, attributes", [
    ("GRU", ["flat", "w", "w"], {"hidden_size": 3}), ("Conv", ["frames", "k"], {"group": 2}),
    ("Conv", ["frames", "k"], {"dilations": [2, 2]}), ("Gemm", ["flat", "w"], {"alpha": 2.0}),
    ("Resize", ["frames"], {}), ("Transpose", ["frames"], {"perm": [0, 1, 3, 2]}), ("Mul", ["flat", "w"], {}),
    ("MaxPool", ["frames"], {"kernel_shape": [2, 2], "ceil_mode": 1}), ("Celu", ["flat"], {}),
    ("MatMul", ["w", "flat"], {}),
])  # fmt: skip
def test_what_a_card_cannot_say_is_a_sentence_that_names_the_operator(tmp_path, kind, inputs, attributes):
    nodes = [("Flatten", ["frames"], "flat", {}), (kind, inputs, "x", attributes), ("Flatten", ["x"], "q", {})]
    checkpoint = read_checkpoint(save(tmp_path, build(nodes, [tensor("w", 1440, 3), tensor("k", 4, 2, 3, 3)])))
    assert checkpoint.network is None and set(checkpoint.arrays) == {"w", "k"}
    assert kind in checkpoint.remarks[-1] and checkpoint.remarks[-1].endswith(".")


def test_facts_and_kinds_of_numbers(tmp_path):
    tensors = [tensor("w", 1440, 3), numpy_helper.from_array(np.ones(3, np.float16), "half"),
               helper.make_tensor("brain", TensorProto.BFLOAT16, [2], [1.5, 2.0]),
               helper.make_tensor("typed", TensorProto.FLOAT, [2], [1.5, 2.0]),
               helper.make_tensor("text", TensorProto.STRING, [1], [b"x"])]  # fmt: skip
    model = build([("Flatten", ["frames"], "flat", {}), ("MatMul", ["flat", "w"], "q", {})], tensors)
    helper.set_model_props(model, {"game": "Breakout"})
    checkpoint = read_checkpoint(save(tmp_path, model))
    assert {name: array.dtype.name for name, array in checkpoint.arrays.items()} == {
        "w": "float32", "half": "float16", "brain": "float32", "typed": "float32"}  # fmt: skip
    np.testing.assert_array_equal(checkpoint.arrays["brain"], [1.5, 2.0])
    assert checkpoint.arrays["w"].shape == (3, 1440)
    assert checkpoint.facts["metadata.game"] == "Breakout" and checkpoint.facts["opset"] == {"ai.onnx": 17}
    assert "text" in checkpoint.remarks[0]


def hostile(change):
    """A good model with its one tensor changed."""
    model = build([("Flatten", ["frames"], "flat", {}), ("MatMul", ["flat", "w"], "q", {})], [tensor("w", 1440, 3)])
    change(model.graph.initializer[0])
    return model


def outside(tensor):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def absurd(tensor):
    tensor.ClearField("raw_data")
    tensor.dims[:] = [1 << 40, 1 << 40]


def negative(tensor):
    tensor.dims[0] = -1440


def short(tensor):
    tensor.raw_data = tensor.raw_data[:-4]


def typed_short(tensor):
    tensor.ClearField("raw_data")
    tensor.float_data[:] = [1.0]


@pytest.mark.parametrize("change", [outside, absurd, negative, short, typed_short], ids=lambda change: change.__name__)
def test_hostile_tensors(tmp_path, change):
    path = save(tmp_path, hostile(change), "hostile.onnx")
    with pytest.raises(ZooError, match="hostile.onnx"):
        read_checkpoint(path, "onnx")


def test_hostile_constants_and_graphs(tmp_path):
    bad = tensor("x", 3)
    outside(bad)
    path = save(tmp_path, build([("Constant", [], "q", {"value": bad})], [tensor("w", 3, 3)]), "hostile.onnx")
    with pytest.raises(ZooError, match="another file"):
        read_checkpoint(path)
    many = build([("Identity", ["frames"], f"x{number}", {}) for number in range(6000)], [tensor("w", 3, 3)])
    with pytest.raises(ZooError, match="6000 nodes"):
        read_checkpoint(save(tmp_path, many, "hostile.onnx"))
    with pytest.raises(ZooError, match="no weights"):
        read_checkpoint(save(tmp_path, build([("Identity", ["frames"], "q", {})], []), "hostile.onnx"))
    looped = build([("Relu", ["q"], "x", {}), ("Relu", ["x"], "q", {})], [tensor("w", 3, 3)])
    assert read_checkpoint(save(tmp_path, looped, "hostile.onnx")).network is None


def test_without_the_package(tmp_path, monkeypatch):
    path = save(tmp_path, hostile(lambda tensor: None))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ZooError, match=r'pip install "zoo-gui\[onnx\]"'):
        read_checkpoint(path)


def test_fuzzed_files(tmp_path):
    torch.manual_seed(0)
    data = export(ActorCritic(), tmp_path / "policy.onnx", (1, 4, 20, 18)).read_bytes()
    assert check_fuzzed(data, tmp_path / "fuzzed.onnx", "onnx", 400) > 20
    assert onnx.load_model_from_string(data).graph.node
