"""Layers as data → TensorFlow: one traced function that returns every layer, and the gradients of any unit.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.agents.layers import Weights, activate, apply, grouped, recur, ungrouped
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.slopes import RECTIFIERS, Hook, traced
from zoo_gui.types import read_only

tf = configure_tensorflow()
BATCH, SLOPES_BATCH = 128, 32
LARGE = 100_000
"""Weights from which on XLA pays: it compiles for 0.3 s, and takes a third off a decision of Nature's network."""
NO_STATE = read_only(np.zeros(0, np.float32))


def direct(function: Callable) -> Callable:
    """A concrete function of one result, called with its tensors as they are.

    TensorFlow's own call binds and checks them against the signature each time, for 0.15 to 0.4 ms of a decision's 0.5
    to 1.5. What is called here has no public name; where it is missing, the function itself is called.
    """
    inner = getattr(getattr(function, "_inference_function", None), "call_flat", None)
    if inner is None:
        return function
    captured = tuple(function.captured_inputs)
    return lambda *tensors: inner(*tensors, *captured)[0]


class Sights(threading.local):
    """Tensors for one observation at a time, whose memory is written anew for each call; of each thread its own.

    TensorFlow's own way from NumPy takes 0.04 ms in a loop of its own and 0.2 ms in a game's, this 0.002. A GPU's
    memory is not ours to write, so there the own way is taken.
    """

    ALIGNED = 64
    """Bytes: what TensorFlow's kernels ask of the memory of a tensor."""

    def __init__(self):
        self._kept: dict[tuple, tuple[np.ndarray, Any]] = {}
        self._shared = not tf.config.get_visible_devices("GPU")

    def of(self, observation: np.ndarray) -> Any:
        """(1, h, w, C): the observation (h, w, C) as a tensor, until the next call in this thread."""
        if not self._shared:
            return tf.constant(observation[None])
        key = observation.shape, observation.dtype
        memory, tensor = self._kept.get(key) or self._keep(key)
        memory[0] = observation
        return tensor

    def _keep(self, key: tuple[tuple[int, ...], np.dtype]) -> tuple[np.ndarray, Any]:
        shape, dtype = key
        size = int(np.prod(shape)) * dtype.itemsize
        room = np.zeros(size + self.ALIGNED, np.uint8)
        start = -room.ctypes.data % self.ALIGNED
        memory = room[start : start + size].view(dtype).reshape(1, *shape)
        self._kept[key] = memory, tf.experimental.dlpack.from_dlpack(memory.__dlpack__())
        return self._kept[key]


class Network:
    """A network's weights and its traced functions.

    layout: shapes and slices. weights: {name: float32 array} as ``Layout.shapes`` says. Both stay as they are; what
    changes from call to call are the gains and offsets, one of each per unit in ``layout.units`` order: they act after
    the non-linearity, y = gain · a + offset, and what follows sees y; so does the memory of a recurrent layer.

    Observations are uint8 or float32 in 0–255 units. observation_range: what 0 and 1 of ``taps`` are in these units.
    state: (layout.state_size,) float32, the memory before the observation.
    """

    def __init__(
        self,
        layout: Layout,
        weights: Mapping[str, np.ndarray],
        observation_range: tuple[float, float] = (0.0, 255.0),
    ):
        self.layout, self.weights, self.observation_range = layout, weights, observation_range
        self._tensors = {name: tf.constant(array) for name, array in weights.items()}
        self._functions: dict[object, Callable] = {}
        self._sights = Sights()
        self.set_edits(np.ones(layout.unit_count, np.float32), np.zeros(layout.unit_count, np.float32))

    def set_edits(self, gains: np.ndarray, offsets: np.ndarray) -> None:
        """Use these gains and offsets, (unit_count,) float32 each, from the next call on; no retrace."""
        self._edits = tf.constant(gains, tf.float32), tf.constant(offsets, tf.float32)

    def run(self, observation: np.ndarray, state: np.ndarray = NO_STATE) -> np.ndarray:
        """Every layer for one observation (h, w, C), and the state after it: (layout.size + layout.state_size,)
        float32, read-only, layers in order."""
        key = ("run", observation.dtype)  # a name would be made anew for each step
        function = self._functions.get(key) or self._trace_run(key, 1)
        return read_only(function(self._sights.of(observation), *self._edits, *self._memory(state)).numpy())

    def run_batch(
        self, observations: np.ndarray, states: np.ndarray | None = None, layers: Sequence[str] = ()
    ) -> np.ndarray:
        """Every layer for observations (N, h, w, C): (N, layout.size) float32, computed 128 at a time.

        states: (N, state_size) float32, the memory before each; by default that of an episode's beginning. layers: only
        these, in the network's order, which costs less; () all.
        """
        infos = [info for info in self.layout.layers if info.name in layers or not layers]
        key = ("batch", tuple(info.name for info in infos), observations.dtype)
        function = self._functions.get(key) or self._trace_run(key, None)
        result = np.empty((len(observations), sum(info.size for info in infos)), np.float32)
        if states is None:
            states = np.zeros((len(observations), self.layout.state_size), np.float32)
        for start in range(0, len(observations), BATCH):
            part = slice(start, start + BATCH)
            memory = [tf.constant(states[part], tf.float32)] if self.layout.state_size else []
            result[part] = function(tf.constant(observations[part]), *self._edits, *memory).numpy()
        return result

    def gradient(
        self, observation: np.ndarray, layer: str, index: int | None, state: np.ndarray = NO_STATE
    ) -> np.ndarray:
        """d target / d observation in 0–1 units, (h, w, C) float32, for one observation (h, w, C).

        The target is unit ``index`` of ``layer`` after its non-linearity and edit: a neuron's activation, or a
        channel's activation at the position where it is largest (the first of equals). ``index`` None: the unit of
        that layer with the largest activation. Traced once for each layer.
        """
        key = ("gradient", layer, observation.dtype)
        function = self._functions.get(key) or self._trace_gradient(key, layer)
        index = tf.constant(-1 if index is None else index, tf.int32)
        return function(self._sights.of(observation), *self._edits, *self._memory(state), index).numpy()

    @property
    def rectifies(self) -> bool:
        """Whether there is a rectifier, for which ``slopes`` has rules."""
        return any(spec.activation in RECTIFIERS for spec in self.layout.network.layers)

    def slopes(
        self,
        observations: np.ndarray,
        seeds: Mapping[str, np.ndarray],
        states: np.ndarray | None = None,
        rule: str = "plain",
        layer: str = "",
        values: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(Σ seed · activation (N,), its derivative (N, h, w, C) by the observations in 0–1 units), float32; edits on.

        observations: (N, h, w, C) float32 in their own units. seeds: {layer: float32 like its activations, without N}.
        states: (N, state_size). rule: see ``agents.slopes``. layer: take the derivative by its activations instead,
        (N, *shape); values: and put these, (N, *shape), in their place. Traced once for each set of layers and rule.
        """
        names = tuple(info.name for info in self.layout.layers if info.name in seeds)
        batch = 1 if len(observations) == 1 else None
        key = ("slopes", names, rule, layer, values is not None, batch)
        if key not in self._functions:
            self._keep(key, *traced(self, names, rule, layer, values is not None, batch))
        if states is None:
            states = np.zeros((len(observations), self.layout.state_size), np.float32)
        given = [tf.constant(seeds[name], tf.float32) for name in names]
        scores, slopes = [], []
        for start in range(0, len(observations), SLOPES_BATCH):
            part = slice(start, start + SLOPES_BATCH)
            extra = [tf.constant(states[part], tf.float32)] if self.layout.state_size else []
            extra += [] if values is None else [tf.constant(values[part], tf.float32)]
            score, slope = self._functions[key](
                tf.constant(observations[part], tf.float32), *self._edits, *extra, *given
            )  # fmt: skip
            scores.append(score.numpy())
            slopes.append(slope.numpy())
        return np.concatenate(scores), np.concatenate(slopes)

    def taps(self, x, pre: bool = False) -> dict:
        """{layer: tensor} for a float32 tensor x (N, h, w, C) in 0–1, differentiable; without edits, as an episode
        begins.

        pre: before the non-linearity. Works eagerly, inside ``tf.function`` and inside a ``tf.Graph`` of TensorFlow 1:
        there the weights become constants of that graph.
        """
        eager = tf.compat.v1.executing_eagerly_outside_functions()
        weights = self._tensors if eager else {name: tf.constant(array) for name, array in self.weights.items()}
        low, high = self.observation_range
        if (low, high) != (0.0, 255.0):
            x = (low + x * (high - low)) / 255.0
        before, after, _ = self._forward(x, weights)
        return before if pre else after

    def _forward(
        self, x, weights: Mapping, gains=None, offsets=None, state=None, hook: Hook | None = None
    ) -> tuple[dict, dict, list]:
        """({layer: tensor before}, {layer: tensor after the non-linearity and edit}, states after) of x in 1/255 of
        the observation's units. hook: what is done differently, for derivatives."""
        network, layout = self.layout.network, self.layout
        low, high = network.input_range
        if (low, high) != (0.0, 1.0):
            x = low + x * (high - low)
        if layout.state_size and state is None:
            state = tf.zeros([tf.shape(x)[0], layout.state_size])
        if gains is not None:  # one split costs less than a slice for each layer
            counts = [info.units for info in layout.layers]
            gains, offsets = (dict(zip(layout.units, tf.split(edit, counts))) for edit in (gains, offsets))
        before, after, memory, groups = {}, {}, [], {}
        for spec in network.layers:
            if spec.kind == "groups":
                before[spec.name], after[spec.name] = groups[spec.name]
                continue
            fed = [after[name] for name in layout.sources[spec.name]] or [x]
            parts, kept = Weights(weights, spec.name), None
            if spec.name in layout.states:
                value, kept = recur(spec, fed[0], state[:, layout.states[spec.name]], parts)
            else:
                value = apply(spec, fed, parts, network)
            before[spec.name] = value
            value = activate(spec, value, hook)
            if gains is not None:
                value = value * gains[spec.name] + offsets[spec.name]
            value = self._grouped(spec.name, value, weights, groups, gains, offsets, hook)
            if hook is not None:
                value = hook.seen(spec.name, value)
            after[spec.name] = value
            if kept is not None:  # h as the later layers see it, then the cell of an LSTM
                memory += [value, kept[:, spec.units :]] if spec.kind == "lstm" else [value]
        return before, after, memory

    def _grouped(self, layer: str, value, weights: Mapping, groups: dict, gains=None, offsets=None, hook=None):
        """Put what groups a layer into ``groups``, {name: (before, after)}, and return what follows sees of its value,
        (N, H, W, C) or (N, units): edits of a group act on it (``agents.groups``), the value is else as it was.

        A rectified layer does not fall below 0 by that, or below where an edit of its own units has put it.
        """
        seen = value
        for name in self.layout.groups.get(layer, ()):
            parts = Weights(weights, name)
            strength = grouped(value, parts["kernel"])
            active = tf.nn.relu(strength)
            edited = active if gains is None else active * gains[name] + offsets[name]
            edited = edited if hook is None else hook.seen(name, edited)
            groups[name] = strength, edited
            if gains is not None:
                seen = seen + ungrouped(edited - active, parts["directions"])
        if seen is value or self.layout.info(layer).signed:
            return seen
        return tf.maximum(seen, tf.minimum(value, 0.0))

    def _memory(self, state: np.ndarray) -> list:
        if not self.layout.state_size:
            return []
        return [tf.constant(state[None] if state.size else np.zeros((1, self.layout.state_size)), tf.float32)]

    def _signature(self, batch: int | None, dtype: np.dtype) -> list:
        edits = tf.TensorSpec((self.layout.unit_count,), tf.float32)
        state = [tf.TensorSpec((batch, self.layout.state_size), tf.float32)] if self.layout.state_size else []
        return [tf.TensorSpec((batch, *self.layout.observation_shape), tf.as_dtype(dtype)), edits, edits, *state]

    def _trace_run(self, key: tuple, batch: int | None) -> Callable:
        """Trace the function (observations, gains, offsets[, states]) → all layers: of one observation, flat with the
        state after it; else (N, size)."""

        def run(observations, gains, offsets, *state):  # not state=None: calls would be bound by a slow way round
            x = tf.cast(observations, tf.float32) / 255.0
            _, layers, memory = self._forward(x, self._tensors, gains, offsets, *state)
            if batch == 1:
                return tf.concat([tf.reshape(value, [-1]) for value in (*layers.values(), *memory)], 0)
            return tf.concat([tf.reshape(layers[name], [-1, self.layout.info(name).size]) for name in key[1]], 1)

        fused = batch == 1 and self._is_large
        self._functions[key] = direct(self._keep(key, run, self._signature(batch, key[-1]), fused))
        return self._functions[key]

    def _trace_gradient(self, key: tuple, layer: str) -> Callable:
        """Trace (observation, gains, offsets[, state], unit index or −1) → gradient of that unit of ``layer``."""
        low, high = self.observation_range

        def gradient(observation, gains, offsets, *rest):
            *state, index = rest
            x = tf.cast(observation, tf.float32) / 255.0
            _, layers, _ = self._forward(x, self._tensors, gains, offsets, *state)
            values = tf.reshape(layers[layer], [-1, self.layout.info(layer).units])  # (positions, units)
            best = tf.argmax(tf.reduce_max(values, 0), output_type=tf.int32)
            column = tf.gather(values, tf.where(index < 0, best, index), axis=1)
            slope = tf.gradients(tf.gather(column, tf.argmax(column)), x)[0]
            slope = tf.zeros_like(x) if slope is None else slope  # a constant layer depends on nothing
            return slope[0] * ((high - low) / 255.0)

        signature = [*self._signature(1, key[-1]), tf.TensorSpec((), tf.int32)]
        self._functions[key] = direct(self._keep(key, gradient, signature))
        return self._functions[key]

    @property
    def _is_large(self) -> bool:
        """Whether decisions are compiled by XLA: of large networks without memory, on a CPU. Layers of groups do not
        count: with them the network must round as without."""
        groups = {name for names in self.layout.groups.values() for name in names}
        own = sum(array.size for name, array in self.weights.items() if name.rpartition("/")[0] not in groups)
        return own >= LARGE and not self.layout.state_size and not tf.config.get_visible_devices("GPU")

    def _keep(self, key: object, function: Callable, signature: list, fused: bool = False) -> Callable:
        """The concrete function, kept: calling it directly skips tf.function's dispatch (0.3 ms). fused: by XLA."""
        with tf.init_scope():
            traced_function = tf.function(function, signature, autograph=False, jit_compile=fused or None)
            self._functions[key] = traced_function.get_concrete_function()
        return self._functions[key]
