"""Layers as data → TensorFlow: one traced function that returns every layer, and the gradients of any unit.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

from typing import Callable, Mapping

import numpy as np

from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.agents.card import LayerSpec
from zoo_gui.agents.layout import Layout
from zoo_gui.types import read_only

tf = configure_tensorflow()
NONLINEARITIES: dict[str, Callable] = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.01),
    "elu": tf.nn.elu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
}
BATCH = 128


class Network:
    """A network's weights and its traced functions.

    layout: shapes and slices. weights: {name: float32 array} as ``Layout.shapes`` says. Both stay as they are; what
    changes from call to call are the gains and offsets, one of each per unit in ``layout.units`` order: they act after
    the non-linearity, y = gain · a + offset, and what follows sees y.
    """

    def __init__(self, layout: Layout, weights: Mapping[str, np.ndarray]):
        self.layout, self.weights = layout, weights
        self._tensors = {name: tf.constant(array) for name, array in weights.items()}
        self._functions: dict[object, Callable] = {}
        self.set_edits(np.ones(layout.unit_count, np.float32), np.zeros(layout.unit_count, np.float32))

    def set_edits(self, gains: np.ndarray, offsets: np.ndarray) -> None:
        """Use these gains and offsets, (unit_count,) float32 each, from the next call on; no retrace."""
        self._edits = tf.constant(gains, tf.float32), tf.constant(offsets, tf.float32)

    def run(self, observation: np.ndarray) -> np.ndarray:
        """Every layer for one uint8 observation (h, w, C): (layout.size,) float32, read-only, layers in order."""
        function = self._functions.get("run") or self._trace_run("run", 1)
        return read_only(function(tf.constant(observation[None]), *self._edits).numpy())

    def run_batch(self, observations: np.ndarray) -> np.ndarray:
        """Every layer for uint8 observations (N, h, w, C): (N, layout.size) float32, computed 128 at a time."""
        function = self._functions.get("batch") or self._trace_run("batch", None)
        result = np.empty((len(observations), self.layout.size), np.float32)
        for start in range(0, len(observations), BATCH):
            part = slice(start, start + BATCH)
            result[part] = function(tf.constant(observations[part]), *self._edits).numpy()
        return result

    def gradient(self, observation: np.ndarray, layer: str, index: int | None) -> np.ndarray:
        """d target / d observation in 0–1 units, (h, w, C) float32, for one uint8 observation (h, w, C).

        The target is unit ``index`` of ``layer`` after its non-linearity and edit: a neuron's activation, or a
        channel's activation at the position where it is largest (the first of equals). ``index`` None: the unit of
        that layer with the largest activation. Traced once for each layer.
        """
        key = ("gradient", layer)
        function = self._functions.get(key) or self._trace_gradient(key, layer)
        index = tf.constant(-1 if index is None else index, tf.int32)
        return function(tf.constant(observation[None]), *self._edits, index).numpy()

    def taps(self, x, pre: bool = False) -> dict:
        """{layer: tensor} for a float32 tensor x (N, h, w, C) in 0–1, differentiable; without edits.

        pre: before the non-linearity. Works eagerly, inside ``tf.function`` and inside a ``tf.Graph`` of TensorFlow 1:
        there the weights become constants of that graph.
        """
        eager = tf.compat.v1.executing_eagerly_outside_functions()
        weights = self._tensors if eager else {name: tf.constant(array) for name, array in self.weights.items()}
        before, after = self._forward(x, weights)
        return before if pre else after

    def _forward(self, x, weights: Mapping, gains=None, offsets=None) -> tuple[dict, dict]:
        """({layer: tensor before}, {layer: tensor after the non-linearity and edit})."""
        low, high = self.layout.network.input_range
        if (low, high) != (0.0, 1.0):
            x = low + x * (high - low)
        if gains is not None:  # one split costs less than a slice for each layer
            counts = [info.units for info in self.layout.layers]
            gains, offsets = (dict(zip(self.layout.units, tf.split(edit, counts))) for edit in (gains, offsets))
        before, after = {}, {}
        for spec in self.layout.network.layers:
            fed = [after[name] for name in self.layout.sources[spec.name]] or [x]
            value = _apply(spec, fed, weights)
            before[spec.name] = value
            value = NONLINEARITIES[spec.activation](value)
            if gains is not None:
                value = value * gains[spec.name] + offsets[spec.name]
            after[spec.name] = value
        return before, after

    def _signature(self, batch: int | None) -> list:
        edits = tf.TensorSpec((self.layout.unit_count,), tf.float32)
        return [tf.TensorSpec((batch, *self.layout.observation_shape), tf.uint8), edits, edits]

    def _trace_run(self, key: object, batch: int | None) -> Callable:
        """Trace the function (observations, gains, offsets) → all layers: (size,) for batch 1, else (N, size)."""

        def run(observations, gains, offsets):
            x = tf.cast(observations, tf.float32) / 255.0
            _, layers = self._forward(x, self._tensors, gains, offsets)
            if batch == 1:
                return tf.concat([tf.reshape(value, [-1]) for value in layers.values()], 0)
            sizes = {info.name: info.size for info in self.layout.layers}
            return tf.concat([tf.reshape(value, [-1, sizes[name]]) for name, value in layers.items()], 1)

        return self._keep(key, run, self._signature(batch))

    def _trace_gradient(self, key: object, layer: str) -> Callable:
        """Trace (observation, gains, offsets, unit index or −1) → gradient of that unit of ``layer``."""

        def gradient(observation, gains, offsets, index):
            x = tf.cast(observation, tf.float32) / 255.0
            _, layers = self._forward(x, self._tensors, gains, offsets)
            values = tf.reshape(layers[layer], [-1, self.layout.info(layer).units])  # (positions, units)
            best = tf.argmax(tf.reduce_max(values, 0), output_type=tf.int32)
            column = tf.gather(values, tf.where(index < 0, best, index), axis=1)
            return tf.gradients(tf.gather(column, tf.argmax(column)), x)[0][0]

        return self._keep(key, gradient, [*self._signature(1), tf.TensorSpec((), tf.int32)])

    def _keep(self, key: object, function: Callable, signature: list) -> Callable:
        """The concrete function, kept: calling it directly skips tf.function's dispatch (0.3 ms)."""
        with tf.init_scope():
            self._functions[key] = tf.function(function, signature, autograph=False).get_concrete_function()
        return self._functions[key]


def _apply(spec: LayerSpec, fed: list, weights: Mapping):
    """A layer before its non-linearity, of the tensors that feed it."""
    if spec.kind == "dueling":
        return _dueling(*fed)
    x = fed[0]
    if spec.kind == "expectation":
        return _expectation(x, spec)
    kernel, bias = weights[f"{spec.name}/kernel"], weights[f"{spec.name}/bias"]
    if spec.kind == "conv":
        return tf.nn.bias_add(tf.nn.conv2d(x, kernel, spec.stride, spec.padding), bias)
    if x.shape.rank != 2:
        x = tf.reshape(x, [-1, kernel.shape[0]])
    return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def _dueling(value, advantage):
    """value (N, Q), advantage (N, A·Q) → (N, A·Q): Wang et al. 2016, eq. 9, for each of the Q numbers by itself."""
    quantiles, units = value.shape[-1], advantage.shape[-1]
    advantage = tf.reshape(advantage, [-1, units // quantiles, quantiles])
    q = value[:, None] + advantage - tf.reduce_mean(advantage, 1, keepdims=True)
    return tf.reshape(q, [-1, units])


def _expectation(x, spec: LayerSpec):
    """(N, A·Q) → (N, A): the mean of Q quantiles, or the mean return under the softmax of Q logits."""
    x = tf.reshape(x, [-1, spec.units, x.shape[-1] // spec.units])
    if spec.support is None:
        return tf.reduce_mean(x, -1)
    atoms = np.linspace(*spec.support, x.shape[-1]).astype(np.float32)
    return tf.reduce_sum(tf.nn.softmax(x) * atoms, -1)
