"""Stable-Baselines 2 and 3: zips as the libraries write them, imitated small, and the networks that they describe."""

from __future__ import annotations

import io
import json
from pathlib import Path

import hostile_pickles as hostile
import numpy as np
import pytest
import torch
from torch import nn

from zoo_gui.agents.assemble import assemble
from zoo_gui.agents.card_rules import _check_layers
from zoo_gui.agents.formats import Checkpoint, recognise, stable_baselines2, stable_baselines3
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.network import Network
from zoo_gui.types import ZooError

AGENTS = Path(__file__).resolve().parents[2] / "shared" / "agents"
needs_agents = pytest.mark.skipif(not AGENTS.is_dir(), reason="the real agents are not beside the project (../shared)")
CNN = "stable_baselines3.common.policies.ActorCriticCnnPolicy"
DQN = "stable_baselines3.dqn.policies.CnnPolicy"
RECURRENT = "sb3_contrib.common.recurrent.policies.RecurrentActorCriticCnnPolicy"
SIZE, ACTIONS, QUANTILES = 36, 5, 7


class NatureCNN(nn.Module):
    """As stable_baselines3.common.torch_layers has it, with few features."""

    def __init__(self, features: int = 16):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(4, 3, 8, 4), nn.ReLU(), nn.Conv2d(3, 5, 4, 2), nn.ReLU(), nn.Conv2d(5, 6, 3, 1), nn.ReLU(),
            nn.Flatten(),
        )  # fmt: skip
        self.linear = nn.Sequential(nn.Linear(6, features), nn.ReLU())

    def forward(self, x):
        return self.linear(self.cnn(x))


def perceptron(inputs: int, sizes: list[int], activation=nn.Tanh, output: int = 0) -> nn.Sequential:
    layers: list[nn.Module] = []
    for units in sizes:
        layers += [nn.Linear(inputs, units), activation()]
        inputs = units
    return nn.Sequential(*layers, *([nn.Linear(inputs, output)] if output else []))


class ActorCritic(nn.Module):
    """ActorCriticPolicy: features, perhaps LSTMs, hidden layers, heads."""

    def __init__(self, pi=(), vf=(), apart=False, copies=True, memory="", shared=(), activation=nn.Tanh):
        super().__init__()
        self.features_extractor = NatureCNN()
        if copies or apart:
            self.pi_features_extractor = self.features_extractor
            self.vf_features_extractor = NatureCNN() if apart else self.features_extractor
        self.memory, units = memory, 16
        if memory:
            self.lstm_actor, units = nn.LSTM(16, 8, num_layers=2), 8
            if memory == "both":
                self.lstm_critic = nn.LSTM(16, 8)
            elif memory == "linear":
                self.critic = nn.Linear(16, 8)
        self.mlp_extractor = nn.Module()
        if shared:
            self.mlp_extractor.shared_net = perceptron(units, list(shared), activation)
            units = shared[-1]
        self.mlp_extractor.policy_net = perceptron(units, list(pi), activation)
        self.mlp_extractor.value_net = perceptron(units, list(vf), activation)
        self.action_net = nn.Linear(pi[-1] if pi else units, ACTIONS)
        self.value_net = nn.Linear(vf[-1] if vf else units, 1)

    def forward(self, x):
        actor = getattr(self, "pi_features_extractor", self.features_extractor)(x)
        critic = getattr(self, "vf_features_extractor", self.features_extractor)(x)
        if self.memory:
            features = critic
            actor = critic = self.lstm_actor(actor[None])[0][0]
            if self.memory == "both":
                critic = self.lstm_critic(features[None])[0][0]
            elif self.memory == "linear":
                critic = self.critic(features)
        if hasattr(self.mlp_extractor, "shared_net"):
            actor = critic = self.mlp_extractor.shared_net(actor)
        actor, critic = self.mlp_extractor.policy_net(actor), self.mlp_extractor.value_net(critic)
        return self.action_net(actor), self.value_net(critic)


class QPolicy(nn.Module):
    """DQNPolicy or QRDQNPolicy, with its target."""

    def __init__(self, name: str, hidden=(), outputs: int = ACTIONS):
        super().__init__()
        self.kind = name
        for each in (name, f"{name}_target"):
            part = nn.Module()
            part.features_extractor = NatureCNN()
            setattr(part, name, perceptron(16, list(hidden), nn.ReLU, outputs))
            setattr(self, each, part)

    def forward(self, x):
        part = getattr(self, self.kind)
        out = getattr(part, self.kind)(part.features_extractor(x))
        return (out.view(-1, QUANTILES, ACTIONS).mean(1) if self.kind == "quantile_net" else out,)


def pickled_space(shape=(4, SIZE, SIZE)) -> dict[str, dict]:
    """The two spaces as gymnasium's are saved."""
    dtype = np.dtype(np.uint8)
    low = np.zeros(shape, np.uint8)
    box = hostile.body({"dtype": dtype, "_shape": shape, "low": low, "high": low + 255, "_np_random": None})
    count = hostile.body({"n": np.int64(ACTIONS), "start": np.int64(0), "_shape": (), "dtype": np.dtype(np.int64)})
    return {
        "observation_space": hostile.serialised(hostile.record("gymnasium.spaces.box", "Box", box)),
        "action_space": hostile.serialised(hostile.record("gymnasium.spaces.discrete", "Discrete", count)),
    }


def sb3(path: Path, policy: nn.Module, module: str, kwargs: bytes = b"}", **data) -> Checkpoint:
    """The zip of a policy, read."""
    buffer = io.BytesIO()
    torch.save(policy.state_dict(), buffer)
    table = {
        "policy_class": hostile.serialised(hostile.name(*module.rsplit(".", 1))),
        "policy_kwargs": hostile.serialised(kwargs), "num_timesteps": 10_000_000, "_last_obs": None, **pickled_space(),
    } | data  # fmt: skip
    path.write_bytes(hostile.sb3_zip(buffer.getvalue(), table, system_info__txt=b"- OS: Linux\n- PyTorch: 2.1.0\n"))
    assert recognise(path).name == "stable-baselines3"
    return stable_baselines3.read(path)


def answers(checkpoint: Checkpoint, observation: np.ndarray) -> dict[str, np.ndarray]:
    """{role: output} of our network."""
    network = checkpoint.network
    assert _check_layers(type("Card", (), {"network": network})) is None
    layout = Layout(network, observation.shape)
    weights = assemble(layout, checkpoint.arrays, checkpoint.names, checkpoint.convention, "the file")
    run = Network(layout, layout.canonical(weights)).run
    state = (np.zeros(layout.state_size, np.float32),) if layout.state_size else ()
    flat = run(observation, *state)
    outputs = (info for info in layout.layers if info.kind in ("logits", "q", "value"))
    return {info.kind: flat[layout.activations[info.name]] for info in outputs}


RELU = b"}" + hostile.text("activation_fn") + hostile.name("torch.nn.modules.activation", "ReLU") + b"s"
PPO = {"n_epochs": 4, "clip_range": hostile.serialised(b"N"), "vf_coef": 0.5}
POLICIES = {
    "A2C before version 2": (lambda: ActorCritic(copies=False), CNN, b"}", {}, "a2c"),
    "A2C": (ActorCritic, CNN, b"}", {"vf_coef": 0.25}, "a2c"),
    "PPO with hidden layers": (
        lambda: ActorCritic((9, 8), (7,), activation=nn.ReLU), CNN, RELU, PPO, "ppo"),
    "PPO with tanh": (lambda: ActorCritic((9,), (7, 6)), CNN, b"}", PPO, "ppo"),
    "PPO with shared layers": (
        lambda: ActorCritic((9,), (), shared=(11,)), CNN, b"}", PPO, "ppo"),
    "PPO with features apart": (
        lambda: ActorCritic(apart=True), CNN, b"}", PPO, "ppo"),
    "TRPO": (ActorCritic, CNN, b"}", {"cg_max_steps": 15}, "trpo"),
    "RecurrentPPO": (
        lambda: ActorCritic(memory="both"), RECURRENT, b"}",
        PPO, "ppo_lstm"),
    "RecurrentPPO of one memory": (
        lambda: ActorCritic(memory="one"), RECURRENT, b"}",
        PPO, "ppo_lstm"),
    "RecurrentPPO of an actor's memory": (
        lambda: ActorCritic(memory="linear"), RECURRENT,
        b"}", PPO, "ppo_lstm"),
    "MaskablePPO": (
        ActorCritic, "sb3_contrib.common.maskable.policies.MaskableActorCriticCnnPolicy", b"}", PPO, "ppo_mask"),
    "DQN": (lambda: QPolicy("q_net"), DQN, b"}", {"exploration_final_eps": 0.01}, "dqn"),
    "DQN with a hidden layer": (lambda: QPolicy("q_net", (8,)), DQN, b"}", {}, "dqn"),
    "QR-DQN": (
        lambda: QPolicy("quantile_net", outputs=QUANTILES * ACTIONS), "sb3_contrib.qrdqn.policies.CnnPolicy",
        hostile.body({"n_quantiles": QUANTILES}), {}, "qrdqn"),
}  # fmt: skip


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_answers_as_its_library_computes(tmp_path, name):
    torch.manual_seed(3)
    make, module, kwargs, data, algorithm = POLICIES[name]
    policy = make()
    checkpoint = sb3(tmp_path / "agent.zip", policy, module, kwargs, **data)
    assert checkpoint.facts["algorithm"] == algorithm
    assert checkpoint.facts["policy"] == module
    assert checkpoint.facts["actions"] == ACTIONS
    assert checkpoint.facts["observation_shape"] == [4, SIZE, SIZE]
    assert checkpoint.facts["frame_stack"] == 4
    assert checkpoint.facts["versions"] == {"Stable-Baselines3": "2.3.2", "OS": "Linux", "PyTorch": "2.1.0"}
    assert checkpoint.facts["values"]["num_timesteps"] == 10_000_000
    assert list(checkpoint.arrays) == list(policy.state_dict())
    observation = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 4), np.uint8)
    got = answers(checkpoint, observation)
    with torch.no_grad():
        expected = policy(torch.from_numpy(observation).permute(2, 0, 1)[None] / 255.0)
    for role, tensor in zip(("logits", "value") if len(expected) == 2 else ("q",), expected):
        np.testing.assert_allclose(got[role], tensor[0].numpy(), rtol=1e-4, atol=1e-5)


def test_images_that_are_not_normalised(tmp_path):
    checkpoint = sb3(tmp_path / "a.zip", ActorCritic(), CNN,
                     hostile.body({"normalize_images": False}))  # fmt: skip
    assert checkpoint.network.input_range == (0.0, 255.0)


@pytest.mark.parametrize("kwargs", [
    b"}" + hostile.text("features_extractor_class") + hostile.name("impala", "ImpalaCNN") + b"s",
    b"}" + hostile.text("activation_fn") + hostile.name("torch.nn.modules.activation", "Hardswish") + b"s",
])  # fmt: skip
def test_what_a_card_cannot_say_is_left_to_the_person(tmp_path, kwargs):
    checkpoint = sb3(tmp_path / "a.zip", ActorCritic(), CNN, kwargs)
    assert checkpoint.network is None
    assert "not recognised" in checkpoint.remarks[0]
    assert checkpoint.arrays


def test_an_extractor_of_the_authors_own_is_not_taken_for_naturecnn(tmp_path):
    policy = ActorCritic(copies=False)
    policy.features_extractor.cnn.append(nn.Conv2d(1, 1, 1))
    assert sb3(tmp_path / "a.zip", policy, CNN).network is None


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff\xfe", b'{"policy_class": 3, "action_space": []}', b"[" * 200_000])
def test_damaged_data_is_refused_or_done_without(tmp_path, data):
    buffer = io.BytesIO()
    torch.save(ActorCritic().state_dict(), buffer)
    path = tmp_path / "a.zip"
    path.write_bytes(hostile.zip_of({"data": data, "policy.pth": buffer.getvalue()}))
    try:
        assert stable_baselines3.read(path).facts["actions"] == ACTIONS  # by the output layer
    except ZooError as error:
        assert "a.zip is damaged" in str(error)


@needs_agents
@pytest.mark.parametrize("algorithm, layers, actions", [
    ("ppo", "observation fc_policy1 fc_policy2 fc_value1 fc_value2 logits value", 2), ("dqn", "fc_q1 fc_q2 q", 2),
])  # fmt: skip
def test_real_zips(algorithm, layers, actions):
    path = AGENTS / f"DLR-RM_rl-trained-agents/{algorithm}/CartPole-v1_1/CartPole-v1.zip"
    assert recognise(path).name == "stable-baselines3"
    checkpoint = stable_baselines3.read(path)
    assert checkpoint.facts["algorithm"] == algorithm
    assert checkpoint.facts["actions"] == actions
    assert checkpoint.facts["observation_shape"] == [4]
    assert checkpoint.facts["versions"]["Stable-Baselines3"] == "1.0rc0"
    network = {layer.name: layer for layer in checkpoint.network.layers}
    assert " ".join(network) == layers
    hidden = network[layers.split()[-1].replace("value", "fc_value1").replace("q", "fc_q1")]
    assert (hidden.units, hidden.activation) == ((64, "tanh") if algorithm == "ppo" else (256, "relu"))


@needs_agents
def test_the_real_cartpole_agents_balance_a_leaning_pole():
    """A pole that falls to the right asks for a push to the right, in every agent that can play."""
    for algorithm in ("ppo", "dqn"):
        path = AGENTS / f"DLR-RM_rl-trained-agents/{algorithm}/CartPole-v1_1/CartPole-v1.zip"
        checkpoint = stable_baselines3.read(path)
        for lean, action in ((0.1, 1), (-0.1, 0)):
            observation = np.array([0, 0, lean, 5 * lean], np.float32).reshape(1, 1, 4)
            got = answers(checkpoint, observation)
            assert np.argmax(got.get("logits", got.get("q"))) == action


# Stable-Baselines 2


def nature_2(scope: str) -> dict[str, np.ndarray]:
    """Variables of stable_baselines.common.policies.nature_cnn, small."""
    generator = np.random.default_rng(5)
    shapes = {"c1": (8, 8, 4, 3), "c2": (4, 4, 3, 5), "c3": (3, 3, 5, 6), "fc1": (6, 10)}
    variables = {}
    for name, shape in shapes.items():
        variables[f"{scope}/{name}/w:0"] = generator.standard_normal(shape).astype(np.float32) / 10
        bias = (1, shape[-1], 1, 1) if len(shape) == 4 else (shape[-1],)
        variables[f"{scope}/{name}/b:0"] = generator.standard_normal(bias).astype(np.float32)
    return variables


def dense_2(name: str, inputs: int, units: int, ends=("w", "b")) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(len(name) + units)
    return {
        f"{name}/{ends[0]}:0": generator.standard_normal((inputs, units)).astype(np.float32),
        f"{name}/{ends[1]}:0": generator.standard_normal(units).astype(np.float32),
    }


def sb2(path: Path, variables: dict[str, np.ndarray]) -> Checkpoint:
    parameters = io.BytesIO()
    np.savez(parameters, **variables)
    data = {"policy": hostile.serialised(hostile.name("stable_baselines.common.policies", "CnnPolicy")), "gamma": 0.99}
    parts = {"data": json.dumps(data | pickled_space((SIZE, SIZE, 4))).encode(), "parameters": parameters.getvalue()}
    path.write_bytes(hostile.zip_of(parts | {"parameter_list": json.dumps(list(variables)).encode()}))
    assert recognise(path).name == "stable-baselines"
    return stable_baselines2.read(path)


def test_an_actor_critic_of_version_2(tmp_path):
    variables = nature_2("model") | dense_2("model/vf", 10, 1) | dense_2("model/pi", 10, ACTIONS)
    checkpoint = sb2(tmp_path / "ppo2.zip", variables)
    assert list(checkpoint.arrays) == list(variables)
    assert checkpoint.convention == "tensorflow"
    assert checkpoint.facts["actions"] == ACTIONS
    observation = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 4), np.uint8)
    x = torch.from_numpy(observation).permute(2, 0, 1)[None] / 255.0
    with torch.no_grad():
        for name, stride in (("c1", 4), ("c2", 2), ("c3", 1)):
            kernel = torch.from_numpy(variables[f"model/{name}/w:0"]).permute(3, 2, 0, 1)
            bias = torch.from_numpy(variables[f"model/{name}/b:0"]).flatten()
            x = torch.relu(nn.functional.conv2d(x, kernel, bias, stride))
        x = x.permute(0, 2, 3, 1).flatten().numpy()
    x = np.maximum(x @ variables["model/fc1/w:0"] + variables["model/fc1/b:0"], 0)
    expected = x @ variables["model/pi/w:0"] + variables["model/pi/b:0"]
    np.testing.assert_allclose(answers(checkpoint, observation)["logits"], expected, rtol=1e-4, atol=1e-4)


def test_a_memory_of_version_2(tmp_path):
    lstm = {f"model/lstm1/{name}:0": np.zeros(shape, np.float32)
            for name, shape in (("wx", (10, 32)), ("wh", (8, 32)), ("b", (32,)))}  # fmt: skip
    variables = nature_2("model") | lstm | dense_2("model/vf", 8, 1) | dense_2("model/pi", 8, ACTIONS)
    network = sb2(tmp_path / "a2c.zip", variables).network
    assert [(layer.name, layer.units, layer.gates) for layer in network.layers if layer.kind == "lstm"] == [
        ("lstm", 8, "ifog")
    ]


def test_a_dueling_network_of_version_2(tmp_path):
    ends = ("weights", "biases")
    head = "deepq/model/state_value/fully_connected"
    variables = (
        nature_2("deepq/model/action_value") | dense_2("deepq/model/action_value/fully_connected", 10, ACTIONS, ends)
        | dense_2(head, 10, 8, ends) | dense_2(f"{head}_1", 8, 7, ends) | dense_2(f"{head}_2", 7, 1, ends)
    )  # fmt: skip
    checkpoint = sb2(tmp_path / "dqn.zip", variables)
    assert checkpoint.facts["algorithm"] == "dqn"
    assert " ".join(layer.name for layer in checkpoint.network.layers) == (
        "conv1 conv2 conv3 fc fc_value1 fc_value2 state_value advantage q"
    )
    got = answers(checkpoint, np.full((SIZE, SIZE, 4), 128, np.uint8))
    assert got["q"].shape == (ACTIONS,)


def test_another_policy_of_version_2_gives_its_arrays(tmp_path):
    checkpoint = sb2(tmp_path / "mlp.zip", dense_2("model/pi_fc0", 4, 8) | dense_2("model/pi", 8, 2))
    assert checkpoint.network is None and len(checkpoint.arrays) == 4


def test_parameters_of_objects_are_refused(tmp_path):
    with pytest.raises(ZooError, match="texts or objects"):
        sb2(tmp_path / "a.zip", {"model/pi/w:0": np.array([{}, None], object)})
