"""One layer in TensorFlow: from the tensors that feed it to what it gives, before its non-linearity.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

from typing import Callable, Mapping

import numpy as np

from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.agents.layout import pads
from zoo_gui.agents.network_spec import LayerSpec

tf = configure_tensorflow()
NONLINEARITIES: dict[str, Callable] = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
    "gelu": lambda x: tf.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: tf.nn.gelu(x, approximate=True),
    "silu": lambda x: x * tf.sigmoid(x),
    "softplus": tf.math.softplus,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
}

GATES: dict[str, Callable] = {
    "sigmoid": tf.sigmoid,
    "hard_sigmoid": lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0),
}


def activate(spec: LayerSpec, x, hook=None):
    """The layer's non-linearity, or what a ``slopes.Hook`` has in its place."""
    if hook is not None and hook.rectifier(spec.activation) is not None:
        return hook.rectifier(spec.activation)(x)
    if spec.activation == "leaky_relu":
        return tf.nn.leaky_relu(x, spec.slope)
    return NONLINEARITIES[spec.activation](x)


class Weights:
    """A layer's arrays by part; None for a part that it does not have."""

    def __init__(self, tensors: Mapping, layer: str):
        self._tensors, self._layer = tensors, layer

    def __getitem__(self, part: str):
        return self._tensors.get(f"{self._layer}/{part}")


def apply(spec: LayerSpec, fed: list, weights: Weights, network):
    """A layer without memory, before its non-linearity. fed: tensors (N, H, W, C) or (N, units)."""
    return _APPLY[spec.kind](spec, fed, weights, network)


def grouped(x, kernel):
    """How strong each group is along x, (N, H, W, C) or (N, units), before its rectifier: x · kernel, the last axis."""
    return tf.nn.conv2d(x, kernel, 1, "VALID") if x.shape.rank == 4 else tf.matmul(x, kernel)


def ungrouped(strengths, directions):
    """Σ s_k d_k of strengths (…, K) and directions (K, units): what they are in the layer's own units."""
    return grouped(strengths, directions[None, None] if strengths.shape.rank == 4 else directions)


def recur(spec: LayerSpec, x, state, weights: Weights) -> tuple:
    """One step of a layer with memory: (its output h' (N, units), the state after (N, S)); state (N, S) before."""
    return (_gru if spec.kind == "gru" else _lstm)(spec, _rows(x), state, weights)


def _rows(x):
    """A map as a vector in H, W, C order: the rows of kernels are in that order."""
    if x.shape.rank == 2:
        return x
    return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])


def _conv(spec, fed, weights, network):
    x = tf.nn.conv2d(fed[0], weights["kernel"], spec.stride, _padding(spec, fed[0]))
    return tf.nn.bias_add(x, weights["bias"]) if spec.bias else x


def _dense(spec, fed, weights, network):
    x = tf.matmul(_rows(fed[0]), weights["kernel"])
    return tf.nn.bias_add(x, weights["bias"]) if spec.bias else x


def _padding(spec: LayerSpec, x):
    """The padding as TensorFlow's convolution takes it."""
    if isinstance(spec.padding, str):
        return spec.padding
    top, bottom, left, right = pads(spec, tuple(x.shape[1:]))
    return [[0, 0], [top, bottom], [left, right], [0, 0]]


def _pool(spec, fed, weights, network):
    """Max or mean of each window; padding never wins a maximum and never counts for a mean."""
    x, kind = fed[0], "MAX" if spec.kind == "maxpool" else "AVG"
    if isinstance(spec.padding, str):
        return tf.nn.pool(x, spec.kernel, kind, spec.stride, spec.padding)
    top, bottom, left, right = pads(spec, tuple(x.shape[1:]))
    edges = [[0, 0], [top, bottom], [left, right], [0, 0]]
    if kind == "MAX":
        return tf.nn.pool(tf.pad(x, edges, constant_values=x.dtype.min), spec.kernel, kind, spec.stride, "VALID")
    total = tf.nn.pool(tf.pad(x, edges), spec.kernel, kind, spec.stride, "VALID")
    return total / tf.nn.pool(tf.pad(tf.ones_like(x[:1, ..., :1]), edges), spec.kernel, kind, spec.stride, "VALID")


def _batchnorm(spec, fed, weights, network):
    factor = tf.math.rsqrt(weights["variance"] + spec.epsilon)
    x = (fed[0] - weights["mean"]) * factor
    return x * weights["scale"] + weights["offset"] if spec.bias else x


def _layernorm(spec, fed, weights, network):
    axes = list(range(1, fed[0].shape.rank)) if spec.over == "all" else [-1]
    mean, variance = tf.nn.moments(fed[0], axes, keepdims=True)
    x = (fed[0] - mean) * tf.math.rsqrt(variance + spec.epsilon)
    return x * weights["scale"] + weights["offset"] if spec.bias else x


def _same_rank(fed: list) -> list:
    """A vector beside maps becomes a map of one position."""
    rank = max(x.shape.rank for x in fed)
    return [x if x.shape.rank == rank else x[:, None, None, :] for x in fed]


def _add(spec, fed, weights, network):
    return sum(_same_rank(fed)[1:], _same_rank(fed)[0])


def _multiply(spec, fed, weights, network):
    result, *others = _same_rank(fed)
    for other in others:
        result = result * other
    return result


def _flatten(spec, fed, weights, network):
    """In the file's order, whose kernels and products behind it know no other."""
    x = tf.transpose(fed[0], (0, 3, 1, 2)) if network.flatten == "CHW" and fed[0].shape.rank == 4 else fed[0]
    return _rows(x)


def _dueling(spec, fed, weights, network):
    """value (N, Q), advantage (N, A·Q) → (N, A·Q): Wang et al. 2016, eq. 9, for each of the Q numbers by itself."""
    value, advantage = fed
    quantiles, units = value.shape[-1], advantage.shape[-1]
    advantage = tf.reshape(advantage, [-1, units // quantiles, quantiles])
    if spec.centre != "none":
        centre = tf.reduce_mean if spec.centre == "mean" else tf.reduce_max
        advantage = advantage - centre(advantage, 1, keepdims=True)
    return tf.reshape(value[:, None] + advantage, [-1, units])


def _expectation(spec, fed, weights, network):
    """(N, A·Q) → (N, A): the mean of Q quantiles, or the mean return under the softmax of Q logits."""
    count = fed[0].shape[-1] // spec.units
    if spec.atoms_first:
        x = tf.transpose(tf.reshape(fed[0], [-1, count, spec.units]), (0, 2, 1))
    else:
        x = tf.reshape(fed[0], [-1, spec.units, count])
    if spec.support is None:
        return tf.reduce_mean(x, -1)
    atoms = np.linspace(*spec.support, count).astype(np.float32)
    return tf.reduce_sum(tf.nn.softmax(x) * atoms, -1)


def _cosine(spec, fed, weights, network):
    """(1, T, n) constants for each observation: cos(π i τ)."""
    fractions = (np.arange(spec.quantiles) + 0.5) / spec.quantiles
    table = np.cos(np.pi * np.outer(fractions, np.arange(spec.first, spec.first + spec.units)))
    ones = tf.ones_like(_rows(fed[0])[:, :1])[:, None, None, :]
    return ones * tf.constant(table[None, None].astype(np.float32))


def _gru(spec, x, state, weights):
    """Cho et al. 2014; with reset_after as in cuDNN. Gates in the order r, z, n."""
    gate = GATES[spec.gate_activation]
    inside = tf.split(_affine(x, weights["kernel"], weights["bias"]), 3, -1)
    kernel, bias = weights["recurrent_kernel"], weights["recurrent_bias"]
    if spec.reset_after:
        memory = tf.split(_affine(state, kernel, bias), 3, -1)
        reset, update = (gate(a + b) for a, b in zip(inside[:2], memory[:2]))
        candidate = tf.tanh(inside[2] + reset * memory[2])
    else:
        biases = [None] * 3 if bias is None else tf.split(bias, 3, -1)
        kernels = tf.split(kernel, 3, -1)
        reset, update = (gate(inside[i] + _affine(state, kernels[i], biases[i])) for i in range(2))
        candidate = tf.tanh(inside[2] + _affine(reset * state, kernels[2], biases[2]))
    after = (1.0 - update) * candidate + update * state
    return after, after


def _lstm(spec, x, state, weights):
    """Hochreiter & Schmidhuber 1997 with a forget gate. Gates in the order i, f, g, o; the state is h, then c."""
    gate, (hidden, cell) = GATES[spec.gate_activation], tf.split(state, 2, -1)
    total = _affine(x, weights["kernel"], weights["bias"])
    total += _affine(hidden, weights["recurrent_kernel"], weights["recurrent_bias"])
    into, forget, candidate, out = tf.split(total, 4, -1)
    cell = gate(forget + spec.forget_bias) * cell + gate(into) * tf.tanh(candidate)
    hidden = gate(out) * tf.tanh(cell)
    return hidden, tf.concat([hidden, cell], -1)


def _affine(x, kernel, bias):
    result = tf.matmul(x, kernel)
    return result if bias is None else result + bias


_APPLY: dict[str, Callable] = {
    "conv": _conv,
    "dense": _dense,
    "batchnorm": _batchnorm,
    "layernorm": _layernorm,
    "activation": lambda spec, fed, weights, network: fed[0],
    "add": _add,
    "multiply": _multiply,
    "concat": lambda spec, fed, weights, network: tf.concat(fed, -1),
    "flatten": _flatten,
    "maxpool": _pool,
    "avgpool": _pool,
    "mean": lambda spec, fed, weights, network: tf.reduce_mean(fed[0], list(range(1, fed[0].shape.rank - 1))),
    "dueling": _dueling,
    "expectation": _expectation,
    "cosine": _cosine,
    "complement": lambda spec, fed, weights, network: tf.concat([fed[0], tf.zeros_like(fed[0])], -1),
}
