"""PyTorch's files and pickles of arrays: every age, nothing run, everything named as its authors know it."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import warnings
import zlib
from collections import OrderedDict, defaultdict
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import hostile_pickles as hostile
import numpy as np
import pytest
import torch
from torch import nn

from zoo_gui.agents.formats import pickles, pytorch, recognise
from zoo_gui.types import ZooError

AGENTS = Path(__file__).resolve().parents[2] / "shared" / "agents"
needs_agents = pytest.mark.skipif(not AGENTS.is_dir(), reason="the real agents are not beside the project (../shared)")


class Net(nn.Module):
    """Every kind of entry that a state_dict has."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(2, 3, 4, 2, padding=1), nn.BatchNorm2d(3), nn.ReLU())
        self.fc = nn.Linear(12, 5, bias=False)
        self.memory = nn.LSTM(5, 4)
        self.head = nn.Linear(4, 2)
        self.again = self.head
        self.register_buffer("mean", torch.arange(3.0))
        self.register_buffer("passing", torch.zeros(2), persistent=False)

    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x / 255.0), 1))


class RunningMeanStd:
    """As OpenAI's baselines have it."""

    def __init__(self):
        self.mean, self.var, self.count = np.zeros((1, 2, 2)), np.ones((1, 2, 2)), 1e-4


class Optimizer:
    """What PyTorch's have in common, without the seconds that importing them takes."""

    def __init__(self):
        self.state, self.param_groups = {0: torch.zeros(3, 3)}, [{"lr": 1e-4}]


class Agent:
    """An object that holds a network, its optimiser and what it has seen."""

    def __init__(self):
        self.policy, self.gamma, self.env_name = Net(), 0.99, "PongNoFrameskip-v4"
        self.optimizer = Optimizer()
        self.replay_buffer = [np.zeros((84, 84), np.uint8)] * 3


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def saved(path: Path, thing, legacy: bool = False, protocol: int = 2) -> Path:
    torch.save(thing, path, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    return path


def assert_holds(arrays, state: dict, prefix: str = "") -> None:
    """The arrays are those of a state_dict, in its order."""
    assert list(arrays) == [prefix + name for name in state]
    for name, tensor in state.items():
        np.testing.assert_array_equal(arrays[prefix + name], tensor.detach().numpy(), err_msg=name)
        assert arrays[prefix + name].dtype == tensor.detach().numpy().dtype


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_state_dict(tmp_path, net, legacy, protocol):
    path = saved(tmp_path / "weights.tar", net.state_dict(), legacy, protocol)
    assert recognise(path).name == "pytorch"
    checkpoint = pytorch.read(path)
    assert_holds(checkpoint.arrays, net.state_dict())
    assert checkpoint.convention == "pytorch"
    assert checkpoint.facts["container"] == ("legacy" if legacy else "zip")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_module_is_named_as_its_state_dict_and_says_its_settings(tmp_path, net, legacy):
    checkpoint = pytorch.read(saved(tmp_path / "model.pt", net, legacy))
    assert_holds(checkpoint.arrays, net.state_dict())
    modules = checkpoint.facts["modules"]
    assert modules["conv.0"]["class"] == "Conv2d"
    assert (modules["conv.0"]["stride"], modules["conv.0"]["padding"]) == ([2, 2], [1, 1])
    assert list(modules)[:5] == ["", "conv", "conv.0", "conv.1", "conv.2"]
    assert modules["conv.1"]["eps"] == net.conv[1].eps
    assert checkpoint.facts["classes"] == [f"{__name__}.Net"]


@pytest.mark.parametrize("legacy", [False, True])
def test_a_network_among_other_things_keeps_its_own_names(tmp_path, net, legacy):
    moments = {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(3, 2, 4, 4)}}
    thing = {
        "epoch": 7, "model_state_dict": net.state_dict(),
        "optimizer_state_dict": {"state": moments, "param_groups": [{"lr": 1e-4, "params": [0]}]},
        "args": SimpleNamespace(env_name="ALE/Pong-v5", lr=1e-3), "best": np.float64(3.5), "loss": torch.tensor(0.25),
        "scores": [1.0, 2.0],
    }  # fmt: skip
    checkpoint = pytorch.read(saved(tmp_path / "checkpoint.pth.tar", thing, legacy))
    assert_holds(checkpoint.arrays, net.state_dict())
    assert checkpoint.facts["inside"] == "model_state_dict"
    assert checkpoint.facts["environment"] == "ALE/Pong-v5"
    values = checkpoint.facts["values"]
    assert (values["epoch"], values["best"], values["loss"], values["scores"]) == (7, 3.5, 0.25, [1.0, 2.0])
    assert values["args"] == {"env_name": "ALE/Pong-v5", "lr": 1e-3}
    assert any("optimizer_state_dict" in remark for remark in checkpoint.remarks)


def test_several_networks_keep_the_names_that_tell_them_apart(tmp_path, net):
    thing = {"run": {"policy_net": net.state_dict(), "target_net": net.state_dict()}, "steps": 10}
    arrays = pytorch.read(saved(tmp_path / "dqn.pt", thing)).arrays
    assert list(arrays) == [f"{part}.{name}" for part in ("policy_net", "target_net") for name in net.state_dict()]


def test_a_module_in_a_list_with_a_running_mean(tmp_path, net):
    arrays = pytorch.read(saved(tmp_path / "PongNoFrameskip-v4.pt", [net, RunningMeanStd()])).arrays
    assert_holds({name: arrays[name] for name in net.state_dict()}, net.state_dict())
    assert arrays["RunningMeanStd.mean"].shape == (1, 2, 2)
    assert float(arrays["RunningMeanStd.count"]) == 1e-4


def test_an_agent_object_gives_its_network_alone(tmp_path):
    torch.manual_seed(1)
    agent = Agent()
    checkpoint = pytorch.read(saved(tmp_path / "agent.pt", agent))
    assert_holds(checkpoint.arrays, agent.policy.state_dict())
    assert checkpoint.facts["environment"] == "PongNoFrameskip-v4"
    assert len(checkpoint.remarks) == 2


def test_a_pair_of_networks_is_told_apart_by_number(tmp_path, net):
    arrays = pytorch.read(saved(tmp_path / "ppo.cleanrl_model", (net.state_dict(), net.state_dict()))).arrays
    assert list(arrays) == [f"{number}.{name}" for number in (0, 1) for name in net.state_dict()]


def test_an_optimisers_file_says_so(tmp_path):
    state = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": []}
    with pytest.raises(ZooError, match="optimiser, not a network"):
        pytorch.read(saved(tmp_path / "optimizer.pt", state))


def test_a_class_that_was_pickled_with_its_code(tmp_path):
    """A network defined in a notebook or a function, saved with cloudpickle: its code is inside, and is not run."""
    ran = []

    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(1, 2, 3, 2), nn.Linear(4, 2))

        def __setstate__(self, state):
            ran.append(True)

    network = Local()
    Local.__module__ = "__main__"
    (tmp_path / "a.pkl").write_bytes(cloudpickle.dumps(network))
    torch.save(network, tmp_path / "b.pt", pickle_module=cloudpickle)
    for reader, name in ((pickles, "a.pkl"), (pytorch, "b.pt")):
        checkpoint = reader.read(tmp_path / name)
        assert_holds(checkpoint.arrays, network.state_dict())
        assert checkpoint.facts["classes"][0].startswith("__main__.")
        assert checkpoint.facts["modules"]["net.0"]["stride"] == [2, 2]
    assert not ran


@pytest.mark.parametrize("legacy", [False, True])
def test_views_and_number_types(tmp_path, legacy):
    base = torch.arange(24, dtype=torch.float32)
    state = {
        "a.whole": base, "a.part": base[4:12].view(2, 4), "a.turned": base.view(4, 6).t(),
        "a.same": base[3].expand(2, 5), "a.step": base[::3], "a.half": base.half(), "a.double": base.double(),
        "a.long": base.long(),
        "a.bytes": base.byte(), "a.truth": base > 3, "a.none": base[:0], "a.one": base[5],
    }  # fmt: skip
    arrays = pytorch.read(saved(tmp_path / "views.pt", state, legacy)).arrays
    assert_holds(arrays, state)
    assert not arrays["a.part"].flags.writeable


def test_bfloat16_becomes_float32(tmp_path):
    tensor = torch.randn(3, 4).bfloat16()
    arrays = pytorch.read(saved(tmp_path / "b.pt", {"fc.weight": tensor})).arrays
    np.testing.assert_array_equal(arrays["fc.weight"], tensor.float().numpy())


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.complex64])
def test_numbers_without_a_counterpart_are_refused(tmp_path, kind):
    path = saved(tmp_path / "odd.pt", {"fc.weight": torch.zeros(2, 2, dtype=kind)})
    with pytest.raises(ZooError, match="fc.weight; save it as float32"):
        pytorch.read(path)


def test_a_parallel_module_keeps_its_prefix(tmp_path, net):
    path = saved(tmp_path / "parallel.pt", nn.DataParallel(net).state_dict())
    assert_holds(pytorch.read(path).arrays, net.state_dict(), "module.")


@pytest.mark.parametrize("traced", [False, True])
def test_torchscript_is_read_but_not_run(tmp_path, net, traced):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch advises against writing such files
        part = nn.Sequential(net.conv, nn.Flatten(), net.fc)
        script = torch.jit.trace(part, torch.zeros(1, 2, 4, 4)) if traced else torch.jit.script(part)
        torch.jit.save(script, tmp_path / "script.pt")
    checkpoint = pytorch.read(tmp_path / "script.pt")
    arrays = {name: array for name, array in checkpoint.arrays.items() if "num_batches" not in name}
    state = {name: tensor for name, tensor in part.state_dict().items() if "num_batches" not in name}
    assert_holds(arrays, state)
    conv = checkpoint.facts["modules"]["0.0"]
    assert (conv["class"], conv["stride"], conv["padding"]) == ("Conv2d", [2, 2], [1, 1])
    assert checkpoint.facts["container"] == "TorchScript"


def ancient_tar(arrays: dict[str, np.ndarray]) -> bytes:
    """What PyTorch 0.1.10 wrote of a state_dict: its storages, then tensors that view them, both by number."""
    storages, tensors, references = pickle.dumps(len(arrays), 2), pickle.dumps(len(arrays), 2), []
    for number, (name, array) in enumerate(arrays.items(), 10):
        kind = hostile.name("torch", "FloatStorage")
        storages += hostile.whole(b"(" + hostile.body(number) + hostile.body("cpu") + kind + b"t")
        storages += struct.pack("<q", array.size) + array.astype("<f4").tobytes()
        tensors += hostile.whole(
            b"(" + hostile.body(number + 100) + hostile.body(number) + hostile.name("torch", "FloatTensor") + b"t"
        )
        strides = [stride // 4 for stride in array.strides]
        tensors += struct.pack(f"<ii{2 * array.ndim + 1}q", array.ndim, 0, *array.shape, *strides, 0)
        references.append(hostile.text(name) + hostile.body(str(number + 100)) + b"Q")
    storages += pickle.dumps([(500, 10, 0, 1)], 2)
    state = hostile.name("collections", "OrderedDict") + b")R(" + b"".join(references) + b"u"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:", format=tarfile.PAX_FORMAT) as tar:
        parts = {"pickle": hostile.whole(state), "tensors": tensors, "storages": storages}
        for name, data in {"sys_info": pickle.dumps({}, 2), **parts}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def test_the_first_pytorchs_tar(tmp_path):
    arrays = {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "fc.bias": np.ones(2, np.float32)}
    path = tmp_path / "old.pth"
    path.write_bytes(ancient_tar(arrays))
    assert recognise(path).name == "pytorch"
    read = pytorch.read(path)
    assert read.facts["container"] == "tar"
    assert list(read.arrays) == list(arrays)
    np.testing.assert_array_equal(read.arrays["fc.weight"], arrays["fc.weight"])
    # PyTorch itself still reads such files
    torch_state = torch.load(path, weights_only=False)
    np.testing.assert_array_equal(torch_state["fc.weight"].numpy(), arrays["fc.weight"])


# Plain pickles


WEIGHTS = {"W1": np.random.default_rng(0).standard_normal((4, 6)), "W2": np.arange(4, dtype=np.float32)}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("suffix", [".p", ".pkl", ".pkl.gz"])
def test_arrays_pickled_by_hand(tmp_path, protocol, suffix):
    data = pickle.dumps(WEIGHTS, protocol)
    path = tmp_path / f"save{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    assert recognise(path).name == "pickle"
    checkpoint = pickles.read(path)
    assert list(checkpoint.arrays) == ["W1", "W2"]
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(checkpoint.arrays[name], array)
        assert checkpoint.arrays[name].dtype == array.dtype


def python2_array(array: np.ndarray) -> bytes:
    """Opcodes of Python 2's text protocol, in which bytes are texts with escapes."""
    shape = "".join(f"I{length}\n" for length in array.shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(" + shape.encode()
        + f"tcnumpy\ndtype\n(S'{array.dtype.str[1:]}'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS".encode()
        + repr(array.tobytes())[1:].encode() + b"\ntb"
    )  # fmt: skip


def test_a_pickle_of_python_2(tmp_path):
    """Karpathy's Pong: pickle.dump(model, open('save.p', 'wb')) under Python 2."""
    path = tmp_path / "save.p"
    entries = b"".join(b"S'" + name.encode() + b"'\n" + python2_array(array) + b"s" for name, array in WEIGHTS.items())
    path.write_bytes(b"(dp0\n" + entries + b".")
    assert recognise(path).name == "pickle"
    arrays = pickles.read(path).arrays
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_other_orders_of_bytes_and_axes(tmp_path):
    kernel = WEIGHTS["W1"]
    things = {"big": kernel.astype(">f8"), "columns": np.asfortranarray(kernel), "half": np.float16([1, 2])}
    for protocol in (2, 5):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(things, protocol))
        arrays = pickles.read(tmp_path / "a.pkl").arrays
        for name, array in things.items():
            np.testing.assert_array_equal(arrays[name], array)
            assert arrays[name].dtype.isnative


def test_objects_of_unknown_classes_are_looked_into(tmp_path):
    layers = [{"w": WEIGHTS["W1"], "b": WEIGHTS["W2"]}, {"w": WEIGHTS["W1"]}]
    network = hostile.record("agents.dqn", "Network", hostile.body({"layers": layers, "lr": 0.5}))
    (tmp_path / "net.pkl").write_bytes(hostile.whole(network))
    checkpoint = pickles.read(tmp_path / "net.pkl")
    assert list(checkpoint.arrays) == ["layers.0.w", "layers.0.b", "layers.1.w"]
    assert checkpoint.convention == ""
    assert checkpoint.facts["values"]["lr"] == 0.5


def test_haikus_layers(tmp_path):
    params = {"net/~/conv2_d": {"w": np.zeros((8, 8, 4, 2)), "b": np.zeros(2)}, "net/~/linear": {"w": np.zeros((8, 3))}}
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(params))
    checkpoint = pickles.read(tmp_path / "params.pkl")
    assert list(checkpoint.arrays) == ["net/~/conv2_d/w", "net/~/conv2_d/b", "net/~/linear/w"]
    assert checkpoint.convention == "tensorflow"


def test_tensors_pickled_without_torch_save(tmp_path, net):
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"state": net.state_dict(), "score": 3}))
    checkpoint = pickles.read(tmp_path / "net.pkl")
    assert checkpoint.convention == "pytorch"
    assert_holds(checkpoint.arrays, net.state_dict())
    (tmp_path / "whole.pkl").write_bytes(pickle.dumps(net))
    assert_holds(pickles.read(tmp_path / "whole.pkl").arrays, net.state_dict())


def test_rllibs_pickle_in_a_pickle(tmp_path):
    weights = {"_convs.0._model.1.weight": np.zeros((16, 4, 8, 8), np.float32), "_logits.weight": np.zeros((6, 8))}
    state = {"weights": weights, "global_timestep": 5, "_optimizer_variables": [{"state": {}, "param_groups": [{}]}]}
    worker = pickle.dumps({"state": {"default_policy": state}, "filters": {}})
    (tmp_path / "checkpoint-100").write_bytes(pickle.dumps({"worker": worker, "train_exec_impl": None}))
    checkpoint = recognise(tmp_path / "checkpoint-100").read(tmp_path / "checkpoint-100")
    assert list(checkpoint.arrays) == list(weights)
    assert checkpoint.convention == "pytorch"


def test_openai_baselines_variables(tmp_path):
    variables = {"ppo2_model/pi/c1/w:0": np.zeros((8, 8, 4, 32)), "ppo2_model/pi/w:0": np.zeros((512, 4))}
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(variables))
    checkpoint = pickles.read(tmp_path / "model.pkl")
    assert (list(checkpoint.arrays), checkpoint.convention) == (list(variables), "tensorflow")


def jax_array(array: np.ndarray) -> bytes:
    """How JAX pickles its arrays."""
    function, args, state = array.__reduce__()
    made = hostile.name(function.__module__, function.__name__), hostile.body(args), hostile.body(state)
    return hostile.call("jax._src.array", "_reconstruct_array", *made, hostile.body({"weak_type": False}))


def dopamine(frozen: bool, outputs: int = 6) -> tuple[bytes, dict[str, np.ndarray]]:
    """A checkpoint of Dopamine's JAX agents, and its online network."""
    generator = np.random.default_rng(1)
    shapes = {"Conv_0": (8, 8, 4, 2), "Dense_0": (12, 5), "Dense_1": (5, outputs)}
    expected, layers = {}, b"}("
    for name, shape in shapes.items():
        parts = {"kernel": generator.standard_normal(shape, np.float32), "bias": np.zeros(shape[-1], np.float32)}
        expected |= {f"params/{name}/{part}": array for part, array in parts.items()}
        inner = b"}(" + b"".join(hostile.text(part) + jax_array(array) for part, array in parts.items()) + b"u"
        layers += hostile.text(name) + inner
    params = b"}" + hostile.text("params") + layers + b"us"
    if frozen:
        params = hostile.call("flax.core.frozen_dict", "FrozenDict", params)
    moment = hostile.call("optax._src.transform", "ScaleByAdamState", jax_array(np.zeros(())), params, params)
    bundle = {
        "state": hostile.body(np.zeros((1, 84, 84, 4), np.uint8)), "training_steps": hostile.body(250_000),
        "online_params": params, "optimizer_state": moment, "target_params": params, "current_iteration": b"K\xc7",
    }  # fmt: skip
    return hostile.whole(b"}(" + b"".join(hostile.text(k) + v for k, v in bundle.items()) + b"u", 4), expected


@pytest.mark.parametrize("frozen", [False, True])
def test_dopamines_jax_checkpoints_give_the_network_that_acts(tmp_path, frozen):
    data, expected = dopamine(frozen)
    path = tmp_path / "ckpt.199"
    path.write_bytes(data)
    assert recognise(path).name == "pickle"
    checkpoint = pickles.read(path)
    assert list(checkpoint.arrays) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(checkpoint.arrays[name], array)
    assert checkpoint.convention == "tensorflow"
    assert checkpoint.facts["steps"] == 250_000
    assert checkpoint.facts["algorithm"] == "dqn"


@pytest.mark.parametrize("outputs, algorithm", [(6 * 51, "rainbow"), (6 * 200, "qrdqn"), (18, "dqn")])
def test_dopamines_agents_are_told_apart_by_their_outputs(tmp_path, outputs, algorithm):
    (tmp_path / "ckpt.1").write_bytes(dopamine(True, outputs)[0])
    assert pickles.read(tmp_path / "ckpt.1").facts["algorithm"] == algorithm


def test_dopamines_counters_say_where_the_weights_are(tmp_path):
    (tmp_path / "ckpt.199").write_bytes(pickle.dumps({"state": 1, "training_steps": 3, "current_iteration": 199}))
    with pytest.raises(ZooError, match="tf_ckpt"):
        pickles.read(tmp_path / "ckpt.199")


@pytest.mark.parametrize("compressed", [False, True])
def test_joblibs_arrays_lie_in_the_stream(tmp_path, compressed):
    def wrapped(array: np.ndarray, padding: int) -> bytes:
        dtype = hostile.body(array.dtype)
        state = {"shape": hostile.body(array.shape), "order": hostile.body("C"), "dtype": dtype, "allow_mmap": b"\x88",
                 "numpy_array_alignment_bytes": b"K\x10"}  # fmt: skip
        opcodes = b"}(" + b"".join(hostile.text(key) + value for key, value in state.items()) + b"u"
        made = hostile.record("joblib.numpy_pickle", "NumpyArrayWrapper", opcodes)
        return made + bytes([padding]) + b"\xff" * padding + array.tobytes()

    data = hostile.whole(b"}(" + b"".join(hostile.text(k) + wrapped(v, 7) for k, v in WEIGHTS.items()) + b"u")
    path = tmp_path / "model.joblib"
    path.write_bytes(zlib.compress(data) if compressed else data)
    assert recognise(path).name == "pickle"
    for name, array in pickles.read(path).arrays.items():
        np.testing.assert_array_equal(array, WEIGHTS[name])


def test_several_objects_one_after_the_other(tmp_path):
    (tmp_path / "layers.pkl").write_bytes(b"".join(pickle.dumps(array) for array in WEIGHTS.values()))
    assert [array.shape for array in pickles.read(tmp_path / "layers.pkl").arrays.values()] == [(4, 6), (4,)]


def test_ordinary_containers(tmp_path):
    inner = defaultdict(list, {"w": WEIGHTS["W1"]})
    thing = OrderedDict(a=inner, s={1, 2}, f=frozenset({3}), c=1 + 2j, b=bytearray(b"x"))
    for protocol in range(6):
        (tmp_path / "c.pkl").write_bytes(pickle.dumps(thing, protocol))
        checkpoint = pickles.read(tmp_path / "c.pkl")
        np.testing.assert_array_equal(checkpoint.arrays["a.w"], WEIGHTS["W1"])
        assert sorted(checkpoint.facts["values"]["s"]) == [1, 2]


def test_texts_are_not_taken_for_pickles(tmp_path):
    for name, text in {"notes.txt": "(see the notes)\n", "a.json": '{"a": [1, 2]}', "list.pkl": "[1, 2]\n"}.items():
        (tmp_path / name).write_text(text)
        assert pickles.recognises(tmp_path / name, text.encode()) == 0


# The real agents


PACKT = "PacktPublishing_Hands-On-Intelligent-Agents-with-OpenAI-Gym/ch6/trained_models/"
BABY = "conv1 conv2 conv3 conv4 critic_linear actor_linear"
IKOSTRIKOV = "ikostrikov_pytorch-a2c-ppo-acktr-gail/trained_models/"
REAL = {
    IKOSTRIKOV + "a2c/BreakoutNoFrameskip-v4.pt": (
        "base.main.0 base.main.2 base.main.4 base.main.7 base.critic_linear dist.linear", (4, 512), 32 * 7 * 7),
    "dhruvsreenivas_pytorch-a2c-trpo-ppo-acktr-gail/trained_models/ppo/PongNoFrameskip-v4.pt": (
        "base.actor.0 base.actor.2 base.actor.4 base.actor.7 base.critic dist_layer.linear", (6, 512), 32 * 7 * 7),
    "ak811_pong-dqn/models/best_model.pth": ("conv.0 conv.2 conv.4 fc.0 fc.2", (6, 256), 3136),
    PACKT + "DQL_SpaceInvadersNoFrameskip-v4.ptm": ("layer1.0 layer2.0 layer3.0 out", (6, 3136), 3136),
    "greydanus_baby-a3c/pong-v4/model.80.tar": (BABY, (6, 256), 800),
    "greydanus_baby-a3c/breakout-v4/model.80.tar": (BABY, (4, 256), 800),
}  # fmt: skip
"""File → layers, shape of the last, inputs of the first layer after the convolutions; as the READMEs say."""


@needs_agents
@pytest.mark.parametrize("file", REAL, ids=lambda file: "/".join(file.split("/")[::2]))
def test_real_files_give_the_names_of_their_readmes(file):
    layers, last, flat = REAL[file]
    assert recognise(AGENTS / file).name == "pytorch"
    arrays = pytorch.read(AGENTS / file).arrays
    kernels = [name.removesuffix(".weight") for name in arrays if name.endswith(".weight")]
    assert kernels == layers.split()
    assert arrays[f"{kernels[-1]}.weight"].shape == last
    assert any(array.ndim == 2 and array.shape[1] == flat for array in arrays.values())
    assert all(np.isfinite(array).all() for array in arrays.values())


@needs_agents
def test_the_real_acktr_file_keeps_its_split_biases_and_settings():
    checkpoint = pytorch.read(AGENTS / IKOSTRIKOV / "acktr/PongNoFrameskip-v4.pt")
    assert checkpoint.arrays["ab1.bias"].shape == (32, 1)
    assert checkpoint.arrays["ab_fc3.bias"].shape == (6, 1)
    assert checkpoint.facts["modules"]["conv3"]["stride"] == [1, 1]
    assert "class CNNPolicy" in checkpoint.facts["sources"]["model.CNNPolicy"]


@needs_agents
def test_the_real_gru_is_there_and_the_running_mean_and_the_best_reward():
    arrays = pytorch.read(AGENTS / "greydanus_baby-a3c/pong-v4/model.80.tar").arrays
    assert arrays["gru.weight_ih"].shape == (768, 800)
    dhruv, packt = (next(AGENTS.glob(pattern)) for pattern in ("dhruv*/*/ppo/*.pt", "Packt*/*/*/*.ptm"))
    assert pytorch.read(dhruv).arrays["RunningMeanStd.var"].shape == (1, 84, 84)
    assert pytorch.read(packt).facts["values"]["best_reward"] == 1375.0
