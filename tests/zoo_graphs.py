"""Small frozen graphs with the node names of the zoo's seven families, written with TensorFlow 1's own functions.

Each is what the family's authors' code builds (their operations, layouts and shapes), with few channels and random
weights: ``write("a2c", path)``, ``definition("a2c")``. Names: docs of the original's model_maker.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo_gui.agents.backend import configure_tensorflow

tf = configure_tensorflow()
v1 = tf.compat.v1
CHANNELS, HIDDEN, ATOMS = (4, 5, 6), 7, 5
KERNELS, STRIDES = (8, 4, 3), (4, 2, 1)


class Maker:
    """Constants with random numbers, called as the frozen files call them: ``weights`` and ``weights/read``."""

    def __init__(self, seed: int):
        self._rng = np.random.default_rng(seed)

    def weight(self, name, shape):
        fan = np.prod([n for n in shape[:-1] if n > 1])
        value = (self._rng.normal(size=shape) / np.sqrt(fan + 1)).astype("f4")
        return tf.identity(v1.constant(value, name=name), name=f"{name}/read")

    def conv(self, x, scope, channels, kernel, stride, names=("weights", "biases"), padding="SAME", order="NHWC"):
        """A convolution and its bias, as slim writes them."""
        before = x.shape[1 if order == "NCHW" else 3]
        strides = [1, 1, stride, stride] if order == "NCHW" else [1, stride, stride, 1]
        weights = self.weight(f"{scope}/{names[0]}", (kernel, kernel, before, channels))
        y = v1.nn.conv2d(x, weights, strides=strides, padding=padding, data_format=order, name=f"{scope}/Conv2D")
        return v1.nn.bias_add(y, self.weight(f"{scope}/{names[1]}", (channels,)), order, name=f"{scope}/BiasAdd")

    def dense(self, x, scope, units, names=("weights", "biases")):
        weights = self.weight(f"{scope}/{names[0]}", (x.shape[-1], units))
        y = tf.matmul(x, weights, name=f"{scope}/MatMul")
        return v1.nn.bias_add(y, self.weight(f"{scope}/{names[1]}", (units,)), name=f"{scope}/BiasAdd")


def flattened(x, name):
    """slim.flatten: the batch's length is read while the graph runs."""
    batch = v1.strided_slice(
        tf.shape(x, name=f"{name}/Shape"), [0], [1], [1], shrink_axis_mask=1, name=f"{name}/strided_slice"
    )
    return tf.reshape(
        x, tf.stack([batch, int(np.prod(x.shape[1:]))], name=f"{name}/Reshape/shape"), name=f"{name}/Reshape"
    )


def a2c(make, actions, size):
    x = y = v1.placeholder(tf.float32, (None, *size, 4), name="X_t")
    for i in range(3):
        y = tf.nn.relu(
            make.conv(y, f"a2c/conv{i + 1}", CHANNELS[i], KERNELS[i], STRIDES[i]), name=f"a2c/conv{i + 1}/Relu"
        )
    y = tf.nn.relu(make.dense(flattened(y, "a2c/Flatten"), "a2c/fc", HIDDEN), name="a2c/fc/Relu")
    logits = make.dense(y, "a2c/policy", actions)
    make.dense(y, "a2c/value", 1)
    noise = tf.random.uniform(tf.shape(logits))
    tf.argmax(logits - tf.math.log(-tf.math.log(noise)), 1, name="a2c/action")
    return x


def patches(make, x, scope, channels, kernel, stride):
    """Uber's convolution for several policies at once, (P, N, H, W, C): patches times each policy's weights."""
    before = int(x.shape[-1])
    weights = tf.reshape(
        make.weight(f"{scope}/w", (1, kernel, kernel, before, channels)), [-1, kernel * kernel * before, channels]
    )
    flat = tf.reshape(x, (-1, *x.shape[2:]))
    cut = tf.image.extract_patches(flat, [1, kernel, kernel, 1], [1, stride, stride, 1], [1, 1, 1, 1], "SAME")
    final = (tf.shape(x)[0], tf.shape(x)[1], cut.shape[1], cut.shape[2], channels)
    rows = tf.reshape(cut, [tf.shape(x)[0], -1, kernel * kernel * before])
    y = tf.reshape(tf.matmul(rows, weights), final)
    return y + make.weight(f"{scope}/b", (1, 1, 1, 1, channels))


def many_dense(make, x, scope, units):
    y = tf.matmul(x, make.weight(f"{scope}/w", (1, x.shape[-1], units)))
    return y + make.weight(f"{scope}/b", (1, 1, units))


def evolved(make, actions, size, scopes, activations, last):
    """The networks of GA and ES: a batch of policies in front of the batch of observations."""
    x = v1.placeholder(tf.float32, (None, *size, 4), name="X_t")
    y = tf.expand_dims(x, 0)
    for i in range(3):
        y = tf.nn.relu(patches(make, y, scopes[i], CHANNELS[i], KERNELS[i], STRIDES[i]), name=activations[i])
        y.set_shape((1, None, *y.shape[2:]))
    y = tf.reshape(y, [-1, tf.shape(y)[1], int(np.prod(y.shape[2:]))])
    y = tf.nn.relu(many_dense(make, y, scopes[3], HIDDEN), name=activations[3])
    tf.identity(many_dense(make, y, scopes[4], actions), name=last)
    return x


def ga(make, actions, size):
    scopes = [f"ga/{name}" for name in ("conv1", "conv2", "conv3", "fc", "out")]
    return evolved(make, actions, size, scopes, [f"{scope}/relu" for scope in scopes], "ga/out/signal")


def es(make, actions, size):
    scopes = [f"es/layer{i}/conv{i}" for i in (1, 2, 3)] + ["es/layer4/fc", "es/layer5/out"]
    return evolved(make, actions, size, scopes, [f"es/layer{i}/Relu" for i in (1, 2, 3, 4)], "es/layer5/out/out")


def apex(make, actions, size):
    scope = "deepq/q_func"
    x = v1.placeholder(tf.float32, (None, *size, 4), name="X_t")
    y = tf.transpose(x, (0, 3, 1, 2), name=f"{scope}/transpose")
    for i, suffix in enumerate(("", "_1", "_2")):
        name = f"{scope}/convnet/Conv{suffix}"
        y = make.conv(y, name, CHANNELS[i], KERNELS[i], STRIDES[i], order="NCHW")
        with v1.device("/device:GPU:0"):
            y = tf.nn.relu(y, name=f"{name}/Relu")
    y = flattened(y, f"{scope}/convnet/Flatten")
    streams = {}
    for stream, units in (("action_value", actions), ("state_value", 1)):
        hidden = tf.nn.relu(make.dense(y, f"{scope}/{stream}/fully_connected", HIDDEN), name=f"{scope}/{stream}/Relu")
        streams[stream] = make.dense(hidden, f"{scope}/{stream}/fully_connected_1", units)
    advantage = streams["action_value"] - tf.reduce_mean(streams["action_value"], 1, keepdims=True)
    tf.argmax(tf.add(streams["state_value"], advantage, name=f"{scope}/q_values"), 1)
    return x


def impala(make, actions, size):
    scope = "agent_1/agent/unroll"
    frames = v1.placeholder(tf.uint8, (None, None, *size, 4), name="frames")  # T × B
    merged = tf.reshape(frames, (-1, *size, 4), name=f"{scope}/batch_apply/Reshape")
    x = y = tf.divide(tf.cast(merged, tf.float32), 255.0, name=f"{scope}/batch_apply/truediv")
    for i, suffix in enumerate(("", "_1", "_2")):
        y = make.conv(y, f"agent/batch_apply/convnet/conv_2d{suffix}", CHANNELS[i], KERNELS[i], STRIDES[i], ("w", "b"))
        y = tf.nn.relu(y, name=f"{scope}/batch_apply/convnet/Relu{suffix}")
    y = flattened(y, f"{scope}/batch_apply/batch_flatten")
    y = tf.nn.relu(make.dense(y, "agent/batch_apply/linear", HIDDEN, ("w", "b")), name=f"{scope}/batch_apply/Relu")
    y = tf.reshape(y, (1, -1, HIDDEN), name=f"{scope}/batch_apply/Reshape_1")
    core = tf.reshape(y, (-1, HIDDEN), name=f"{scope}/batch_apply_1/Reshape")
    for name, units in (("policy_logits", actions), ("baseline", 1)):
        y = tf.matmul(core, make.weight(f"agent/batch_apply_1/{name}/w", (HIDDEN, units)))
        y = tf.add(y, make.weight(f"agent/batch_apply_1/{name}/b", (units,)), name=f"{scope}/batch_apply_1/{name}/add")
        if units > 1:
            v1.multinomial(y, 1, name=f"{scope}/batch_apply_1/multinomial/Multinomial")
    return x


def dopamine(make, actions, size):
    state = v1.placeholder(tf.uint8, (1, *size, 4), name="state_ph")
    x = tf.cast(state, tf.float32, name="Online/Cast")
    y = tf.divide(x, 255.0, name="Online/div")
    for i, suffix in enumerate(("", "_1", "_2")):
        y = make.conv(y, f"Online/Conv{suffix}", CHANNELS[i], KERNELS[i], STRIDES[i])
        y = tf.nn.relu(y, name=f"Online/Conv{suffix}/Relu")
    y = tf.nn.relu(
        make.dense(flattened(y, "Online/Flatten"), "Online/fully_connected", HIDDEN), name="Online/fully_connected/Relu"
    )
    return x, make.dense(y, "Online/fully_connected_1", actions)


def dqn(make, actions, size):
    x, q = dopamine(make, actions, size)
    tf.argmax(q, axis=1, name="ArgMax")
    return x


def rainbow(make, actions, size):
    x, y = dopamine(make, actions * ATOMS, size)
    p = tf.nn.softmax(tf.reshape(y, (-1, actions, ATOMS), name="Online/Reshape"), name="Online/Softmax")
    support = v1.constant(np.linspace(-10, 10, ATOMS).astype("f4"), name="linspace")
    tf.argmax(tf.reduce_sum(tf.multiply(support, p, name="Online/mul"), 2, name="Online/Sum"), 1, name="ArgMax")
    return x


FAMILIES = {"a2c": a2c, "ga": ga, "es": es, "apex": apex, "impala": impala, "dqn": dqn, "rainbow": rainbow}


def definition(family: str, actions: int = 6, size: tuple[int, int] = (84, 84), seed: int = 0):
    """The family's GraphDef for observations of ``size`` × 4 frames."""
    with tf.Graph().as_default() as graph:
        FAMILIES[family](Maker(seed), actions, size)
        return graph.as_graph_def(add_shapes=False)


def write(family: str, path: Path, actions: int = 6, size: tuple[int, int] = (84, 84), seed: int = 0) -> Path:
    """Write the family's frozen graph; gives the path."""
    path.write_bytes(definition(family, actions, size, seed).SerializeToString())
    return path
