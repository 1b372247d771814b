"""Derivatives of what a network's layers say, by the observation or by a layer between: what attribution is made of.

A *seed* is an array like a layer's activations; the question is Σ seed · activation over the layers that have one, and
the answer its derivative. Three rules say how a rectifier passes a derivative back:

    plain    where it was active: the true derivative
    deconv   where the derivative is positive (Zeiler & Fergus 2013, "Visualizing and Understanding Convolutional
             Networks", arXiv:1311.2901, §2.1)
    guided   where both hold (Springenberg et al. 2014, "Striving for Simplicity", arXiv:1412.6806, eq. in §3.4)

Importing this module imports TensorFlow.
"""

from __future__ import annotations

from typing import Any, Callable

from zoo_gui.agents.backend import configure_tensorflow

tf = configure_tensorflow()
RULES = ("plain", "guided", "deconv")
RECTIFIERS = {"relu": float("inf"), "relu6": 6.0}
"""Activation → where it saturates."""
RECTIFIER_OPS = {"Relu": "relu", "Relu6": "relu6"}
"""The same as operations of a file's graph."""


def rectifier(kind: str, rule: str) -> Callable[[Any], Any]:
    """relu or relu6 whose derivative follows ``guided`` or ``deconv``."""
    top = RECTIFIERS[kind]

    @tf.custom_gradient
    def rectified(x):
        y = tf.clip_by_value(x, 0.0, top) if top < float("inf") else tf.nn.relu(x)

        def back(upstream):
            passed = tf.nn.relu(upstream)
            if rule == "guided":
                passed = tf.where((x > 0) & (x < top), passed, tf.zeros_like(passed))
            return passed

        return y, back

    return rectified


class Hook:
    """What a forward pass does differently: the rectifiers' rule, and the layer that the derivative is taken by.

    layer: its name, "" for the observation. values: in place of that layer's activations, (N, …), None: its own.
    by: the layer's tensor, once the pass is built.
    """

    def __init__(self, rule: str = "plain", layer: str = "", values: Any = None):
        self.layer, self.values, self.by = layer, values, None
        self._rectifiers = {} if rule == "plain" else {kind: rectifier(kind, rule) for kind in RECTIFIERS}

    def rectifier(self, kind: str) -> Callable[[Any], Any] | None:
        """The function in place of that activation, or None where it stays."""
        return self._rectifiers.get(kind)

    def seen(self, layer: str, value: Any) -> Any:
        """What follows sees of a layer's activations."""
        if layer != self.layer:
            return value
        self.by = tf.identity(value) if self.values is None else self.values
        return self.by


def traced(
    network: Any, layers: tuple[str, ...], rule: str, layer: str, replaced: bool, batch: int | None
) -> tuple[Callable, list]:
    """The function (observations (N, h, w, C) float32, gains, offsets[, states][, values], one seed for each of
    ``layers``) → (Σ seed · activation (N,), its derivative by the observation in 0–1 units or by ``layer``), and its
    signature."""
    layout = network.layout
    low, high = network.observation_range

    def slopes(observations, gains, offsets, *rest):
        rest = list(rest)
        state = [rest.pop(0)] if layout.state_size else []
        hook = Hook(rule, layer, rest.pop(0) if replaced else None)
        x = observations / 255.0
        _, after, _ = network._forward(x, network._tensors, gains, offsets, *state, hook=hook)
        parts = [tf.reshape(after[name] * seed, [-1, layout.info(name).size]) for name, seed in zip(layers, rest)]
        scores = tf.add_n([tf.reduce_sum(part, 1) for part in parts])
        by = hook.by if layer else x
        slope = tf.gradients(scores, by)[0]
        slope = tf.zeros_like(by) if slope is None else slope  # a constant layer depends on nothing
        return scores, slope if layer else slope * ((high - low) / 255.0)

    extra = [tf.TensorSpec((batch, *layout.info(layer).shape), tf.float32)] if replaced else []
    seeds = [tf.TensorSpec(layout.info(name).shape, tf.float32) for name in layers]
    return slopes, [*network._signature(batch, "float32"), *extra, *seeds]
