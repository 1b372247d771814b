"""The networks of Stable-Baselines 2 and 3, as layers, from the names of their arrays.

Sources: stable_baselines3/common/{policies,torch_layers}.py, stable_baselines3/dqn/policies.py, sb3_contrib's
qrdqn/policies.py, common/recurrent/policies.py and ars/policies.py; stable_baselines/common/policies.py and
deepq/policies.py of Stable-Baselines 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Mapping

import numpy as np

from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec

STRIDES = (4, 2, 1)
"""Of NatureCNN's convolutions (Mnih et al. 2015), whose kernels the arrays themselves show."""

LSTM_PARTS = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih", "recurrent_bias": "bias_hh"}
"""Ours and PyTorch's."""


class Unknown(Exception):
    """The network is not one that can be told from names; the text says why."""


@dataclass
class Builder:
    """Layers as they are added, and where the file keeps their arrays.

    arrays: of the file. outputs: the axis of a dense kernel that counts outputs. weight, bias: how those end.
    """

    arrays: Mapping[str, np.ndarray]
    outputs: int = 0
    weight: str = ".weight"
    bias: str = ".bias"
    layers: list[LayerSpec] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def has(self, prefix: str) -> bool:
        """Whether there is a layer of that name in the file."""
        return prefix + self.weight in self.arrays

    def add(self, prefix: str, name: str, kind: str, source: str | None, **settings: Any) -> str:
        """A layer with a kernel and perhaps a bias; gives its name."""
        self.names[f"{name}/kernel"] = prefix + self.weight
        biased = prefix + self.bias in self.arrays
        if biased:
            self.names[f"{name}/bias"] = prefix + self.bias
        self.layers.append(LayerSpec(name, kind, source=source, bias=biased, **settings))
        return name

    def convs(self, prefixes: list[str], names: list[str]) -> str:
        """NatureCNN's convolutions: kernels from the arrays, strides 4, 2, 1, no padding, ReLU; the last one's name."""
        source = None
        for prefix, name, stride in zip(prefixes, names, STRIDES):
            shape = self.kernel(prefix, 4)
            filters, size = (shape[0], shape[2:]) if self.outputs == 0 else (shape[3], shape[:2])
            settings = {"filters": filters, "kernel": tuple(size), "stride": (stride, stride), "activation": "relu"}
            source = self.add(prefix, name, "conv", source, **settings)
        return source

    def dense(self, prefix: str, name: str, source: str | None, activation: str = "linear", role: str = "") -> str:
        """A dense layer; gives its name."""
        units = self.kernel(prefix, 2)[self.outputs]
        return self.add(prefix, name, "dense", source, units=units, activation=activation, role=role)

    def chain(self, prefix: str, name: str, source: str | None, activation: str) -> str | None:
        """The dense layers prefix.0, prefix.2, … one after the other; gives the last one's name, or the source."""
        for number, each in enumerate(self.numbered(prefix), 1):
            source = self.dense(each, f"{name}{number}", source, activation)
        return source

    def lstm(self, prefix: str, name: str, source: str | None) -> str:
        """PyTorch's LSTM, of one layer or several on top of each other; gives the last one's name."""
        level = 0
        while f"{prefix}.weight_ih_l{level}" in self.arrays:
            each = name if level == 0 else f"{name}_{level + 1}"
            self.names |= {f"{each}/{ours}": f"{prefix}.{theirs}_l{level}" for ours, theirs in LSTM_PARTS.items()}
            units = self.arrays[f"{prefix}.weight_hh_l{level}"].shape[-1]
            self.layers.append(LayerSpec(each, "lstm", units=units, source=source))
            source, level = each, level + 1
        return source

    def numbered(self, prefix: str) -> list[str]:
        """prefix.0, prefix.2, … that have arrays, in order."""
        pattern = re.compile(re.escape(prefix) + r"\.(\d{1,4})" + re.escape(self.weight))
        found = sorted(int(match[1]) for match in map(pattern.fullmatch, self.arrays) if match)
        return [f"{prefix}.{number}" for number in found]

    def kernel(self, prefix: str, rank: int) -> tuple[int, ...]:
        """The shape of a layer's kernel."""
        shape = self.arrays[prefix + self.weight].shape if self.has(prefix) else ()
        if len(shape) != rank:
            raise Unknown(f"{prefix} has not the shape that Stable-Baselines gives it")
        return shape


def baselines3(
    arrays: Mapping[str, np.ndarray], actions: int | None, activation: str, images: bool, scaled: bool
) -> tuple[NetworkSpec, dict[str, str]]:
    """Layers and {our name: the file's name} of a policy of Stable-Baselines3 or sb3-contrib.

    actions: how many, where known. activation: of the layers behind the features, "" for the default. images: whether
    observations are images, which scaled divides by 255. Raises Unknown.
    """
    build = Builder(arrays)
    if any(name.startswith("quantile_net.") for name in arrays):
        _quantiles(build, actions, activation or "relu")
    elif any(name.startswith("q_net.") for name in arrays):
        features = _features(build, "q_net.features_extractor", "")
        _outputs(build, "q_net.q_net", "fc_q", features, activation or "relu", "q")
    elif build.numbered("action_net"):
        _outputs(build, "action_net", "fc", None, activation or "relu", "logits")
    elif build.has("action_net"):
        _actor_critic(build, activation or "tanh")
    else:
        raise Unknown("its policy is none of Stable-Baselines3's for Atari")
    scale = (0.0, 1.0) if images and scaled else (0.0, 255.0)
    return NetworkSpec(tuple(build.layers), flatten="CHW", input_range=scale), build.names


def _features(build: Builder, prefix: str, suffix: str) -> str | None:
    """NatureCNN, or nothing where observations are vectors; gives the features' name."""
    inside = [name for name in build.arrays if name.startswith(f"{prefix}.")]
    if not inside:
        return None
    convs = build.numbered(f"{prefix}.cnn")
    wanted = {f"{each}.{part}" for each in (*convs, f"{prefix}.linear.0") for part in ("weight", "bias")}
    if len(convs) != len(STRIDES) or set(inside) - wanted or not build.has(f"{prefix}.linear.0"):
        raise Unknown("its features extractor is not NatureCNN")
    last = build.convs(convs, [f"conv{number}{suffix}" for number in (1, 2, 3)])
    return build.dense(f"{prefix}.linear.0", f"fc{suffix}", last, "relu")


def _outputs(build: Builder, prefix: str, name: str, source: str | None, activation: str, role: str) -> str:
    """Hidden layers and the output of a perceptron prefix.0, prefix.2, …"""
    *hidden, last = build.numbered(prefix) or [prefix]
    for number, each in enumerate(hidden, 1):
        source = build.dense(each, f"{name}{number}", source, activation)
    return build.dense(last, role, source, role="" if role == "quantiles" else role)


def _quantiles(build: Builder, actions: int | None, activation: str) -> None:
    """QR-DQN: unit q · A + a is quantile q of action a (``view(-1, n_quantiles, n_actions)``)."""
    features = _features(build, "quantile_net.features_extractor", "")
    name = _outputs(build, "quantile_net.quantile_net", "fc_q", features, activation, "quantiles")
    units = build.layers[-1].units
    if actions is None or units % actions:
        raise Unknown("it does not say how many actions it has")
    build.layers.append(LayerSpec("q", "expectation", units=actions, role="q", source=name, atoms_first=True))


def _actor_critic(build: Builder, activation: str) -> None:
    """A2C, PPO, TRPO and their recurrent and masked kin."""
    actor, critic = _actor_critic_features(build)
    if "lstm_actor.weight_ih_l0" in build.arrays:
        memory = build.lstm("lstm_actor", "lstm", actor)
        if "lstm_critic.weight_ih_l0" in build.arrays:
            critic = build.lstm("lstm_critic", "lstm_critic", critic)
        elif build.has("critic"):
            critic = build.dense("critic", "fc_critic", critic)
        else:
            critic = memory
        actor = memory
    shared = build.chain("mlp_extractor.shared_net", "fc_shared", actor, activation)
    actor, critic = shared, shared if build.numbered("mlp_extractor.shared_net") else critic
    actor = build.chain("mlp_extractor.policy_net", "fc_policy", actor, activation)
    critic = build.chain("mlp_extractor.value_net", "fc_value", critic, activation)
    build.dense("action_net", "logits", actor, role="logits")
    build.dense("value_net", "value", critic, role="value")
    _one_input(build)


def _actor_critic_features(build: Builder) -> tuple[str | None, str | None]:
    """The actor's and the critic's features: one and the same, unless their arrays differ.

    Versions since 2.0 save the shared extractor three times; share_features_extractor=False fills the copies apart.
    """
    pairs = [(name, "vf" + name[2:]) for name in build.arrays if name.startswith("pi_features_extractor.")]
    apart = any(two in build.arrays and not np.array_equal(build.arrays[one], build.arrays[two]) for one, two in pairs)
    if apart:
        return _features(build, "pi_features_extractor", ""), _features(build, "vf_features_extractor", "_critic")
    features = _features(build, "features_extractor" if not pairs else "pi_features_extractor", "")
    return features, features


def _one_input(build: Builder) -> None:
    """Where actor and critic both read the observation, it is a layer, for only the first may have none before it."""
    if any(layer.source is None for layer in build.layers[1:]):
        fed = (replace(layer, source=layer.source or "observation") for layer in build.layers)
        build.layers = [LayerSpec("observation", "activation"), *fed]


def baselines2(arrays: Mapping[str, np.ndarray]) -> tuple[NetworkSpec, dict[str, str]]:
    """Layers and names of a CnnPolicy or CnnLstmPolicy of Stable-Baselines 2. Raises Unknown."""
    build = Builder(arrays, outputs=1, weight="/w:0", bias="/b:0")
    if build.has("model/c1"):
        features = _nature_2(build, "model")
        if "model/lstm1/wx:0" in arrays:
            features = _lstm_2(build, features)
        build.dense("model/pi", "logits", features, role="logits")
        build.dense("model/vf", "value", features, role="value")
    elif build.has("deepq/model/action_value/c1"):
        _q_2(build, _nature_2(build, "deepq/model/action_value"))
    else:
        raise Unknown("its policy is not the CnnPolicy of Stable-Baselines 2")
    return NetworkSpec(tuple(build.layers), flatten="HWC"), build.names


def _nature_2(build: Builder, scope: str) -> str:
    last = build.convs([f"{scope}/c{number}" for number in (1, 2, 3)], ["conv1", "conv2", "conv3"])
    return build.dense(f"{scope}/fc1", "fc", last, "relu")


def _lstm_2(build: Builder, features: str) -> str:
    """Gates in, forget, out, candidate (stable_baselines.common.tf_layers.lstm)."""
    if "model/lstm1/gx:0" in build.arrays:
        raise Unknown("its LSTM normalises its layers")
    parts = {"kernel": "wx", "recurrent_kernel": "wh", "bias": "b"}
    build.names |= {f"lstm/{ours}": f"model/lstm1/{theirs}:0" for ours, theirs in parts.items()}
    units = build.arrays["model/lstm1/wh:0"].shape[0]
    build.layers.append(LayerSpec("lstm", "lstm", units=units, source=features, gates="ifog"))
    return "lstm"


def _q_2(build: Builder, features: str) -> None:
    """Q-values, by default from a value and advantages."""
    build.weight, build.bias = "/weights:0", "/biases:0"
    advantage, value = "deepq/model/action_value", "deepq/model/state_value"
    if any("LayerNorm" in name for name in build.arrays):
        raise Unknown("its Q network normalises its layers")
    if not build.has(f"{value}/fully_connected"):
        build.dense(f"{advantage}/fully_connected", "q", features, role="q")
        return
    name, number, source = f"{value}/fully_connected", 0, features
    while build.has(f"{value}/fully_connected_{number + 1}"):
        source = build.dense(name, f"fc_value{number + 1}", source, "relu")
        number += 1
        name = f"{value}/fully_connected_{number}"
    build.dense(name, "state_value", source)
    build.dense(f"{advantage}/fully_connected", "advantage", features)
    build.layers.append(LayerSpec("q", "dueling", source=("state_value", "advantage"), role="q"))
