"""A small agent with random weights and the interface that analyses use (docs/architecture.md, agents)."""

import hashlib

import numpy as np

from zoo_gui.types import LayerInfo, Unit


class StandIn:
    """conv1 (ReLU) → conv2 (ReLU) → fc (ReLU) → logits, value; input (h, w, C); weights from ``seed``."""

    def __init__(self, seed: int = 0, shape: tuple[int, int, int] = (20, 20, 4), channels: int = 6, hidden: int = 12):
        h, w, c = shape
        out = lambda n: ((n - 4) // 2 + 1 - 3) + 1  # noqa: E731
        self.observation_shape, self.name = shape, "stand-in"
        self.map1 = ((h - 4) // 2 + 1, (w - 4) // 2 + 1, channels)
        self.map2 = (out(h), out(w), 2 * channels)
        rng = np.random.default_rng(seed)
        draw = lambda *s: (rng.standard_normal(s) / np.sqrt(np.prod(s[:-1]))).astype(np.float32)  # noqa: E731
        self.weights = {
            "conv1/kernel": draw(4, 4, c, channels),
            "conv2/kernel": draw(3, 3, channels, 2 * channels),
            "fc/kernel": draw(int(np.prod(self.map2)), hidden),
            "logits/kernel": draw(hidden, 3),
            "value/kernel": draw(hidden, 1),
        }
        for name in list(self.weights):
            bias = name.replace("kernel", "bias")
            self.weights[bias] = 0.1 * draw(self.weights[name].shape[-1])
        self.layers = (
            LayerInfo("conv1", self.map1, "conv"),
            LayerInfo("conv2", self.map2, "conv"),
            LayerInfo("fc", (hidden,), "dense"),
            LayerInfo("logits", (3,), "logits", signed=True),
            LayerInfo("value", (1,), "value", signed=True),
        )
        self.hash = hashlib.sha256(b"".join(value.tobytes() for value in self.weights.values())).hexdigest()

    def taps(self, x, pre: bool = False):
        import tensorflow as tf

        w, out = self.weights, {}

        def keep(name, y, rectified):
            a = tf.nn.relu(y) if rectified else y
            out[name] = y if pre else a
            return a

        y = keep("conv1", tf.nn.conv2d(x, w["conv1/kernel"], 2, "VALID") + w["conv1/bias"], True)
        y = keep("conv2", tf.nn.conv2d(y, w["conv2/kernel"], 1, "VALID") + w["conv2/bias"], True)
        y = keep("fc", tf.reshape(y, [-1, w["fc/kernel"].shape[0]]) @ w["fc/kernel"] + w["fc/bias"], True)
        keep("logits", y @ w["logits/kernel"] + w["logits/bias"], False)
        keep("value", y @ w["value/kernel"] + w["value/bias"], False)
        return out

    def gradients(self, observation, target, action=None):
        import tensorflow as tf

        x = tf.constant(observation[None] / np.float32(255))
        with tf.GradientTape() as tape:
            tape.watch(x)
            layers = self.taps(x)
            if target == "value":
                y = layers["value"][0, 0]
            elif target == "action":
                y = layers["logits"][0, int(np.argmax(layers["logits"])) if action is None else action]
            else:
                y = tf.reduce_max(layers[Unit(*target).layer][..., target[1]])
        return tape.gradient(y, x).numpy()[0]
