"""Writes genuine Keras 3 files: ``python keras_files.py FOLDER``, a process of its own, for Keras brings its backend.

For each model: NAME.keras, NAME.h5 (the format of Keras 2), NAME.weights.h5, and NAME.npz with an observation (h, w, C)
of bytes and the outputs for it.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers, ops

RNG = np.random.default_rng(0)


def plain():
    """What most agents are: a policy, with what scales inside and norms."""
    return keras.Sequential([
        layers.Input((20, 18, 4)),
        layers.Rescaling(1 / 127.5, -1.0),
        layers.Conv2D(6, (5, 4), strides=(2, 3), padding="same", activation="relu"),
        layers.Dropout(0.5),
        layers.Conv2D(5, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(7, activation="elu"),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def two_heads():
    """An observation of channels first that is turned about, as keras-rl does; policy and value."""
    frames = keras.Input((4, 20, 18), name="frames")
    x = layers.Permute((2, 3, 1))(frames)
    x = layers.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = layers.Conv2D(6, 5, strides=2)(x)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="tanh")(x)
    policy = layers.Dense(3, activation="softmax", name="policy out")(x)
    value = layers.Dense(1, name="value")(x)
    return keras.Model(frames, [policy, value])


def channels_first():
    """Maps kept channels first, flattened in that order; a skip; a norm of channels; two towers that meet."""
    frames = keras.Input((4, 20, 18))
    first = layers.Conv2D(4, 3, padding="same", data_format="channels_first", activation="relu")(frames)
    second = layers.Conv2D(4, 3, padding="same", data_format="channels_first")(first)
    second = layers.BatchNormalization(axis=1)(second)
    x = layers.Activation("relu")(layers.add([first, second]))
    x = layers.AveragePooling2D(2, data_format="channels_first")(x)
    left = layers.Dense(6, activation="relu")(layers.Flatten(data_format="channels_last")(x))
    right = layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    return keras.Model(frames, layers.Dense(5)(layers.concatenate([left, right])))


def turned():
    """Maps kept channels first, which Keras turns about to flatten them."""
    return keras.Sequential([
        layers.Input((4, 20, 18)), layers.Conv2D(3, 4, strides=4, data_format="channels_first", activation="silu"),
        layers.Flatten(data_format="channels_first"), layers.Dense(3),
    ])  # fmt: skip


def dueling():
    """A nested encoder called once, operators for the dueling, a mask of actions as keras-DQN tutorials have it."""
    encoder = keras.Sequential([
        layers.Input((20, 18, 4)), layers.Conv2D(4, 4, strides=3, activation="relu"), layers.BatchNormalization(),
        layers.Flatten(), layers.Dense(9),
    ], name="encoder")  # fmt: skip
    frames, mask = keras.Input((20, 18, 4)), keras.Input((3,))
    x = layers.LayerNormalization()(encoder(frames / 255.0))
    value, advantage = layers.Dense(1)(x), layers.Dense(3)(x)
    q = value + (advantage - ops.mean(advantage, axis=1, keepdims=True))
    return keras.Model([frames, mask], layers.multiply([q, mask]))


def recurrent(cell):
    """Frames through the same convolution, then memory."""
    return keras.Sequential([
        layers.Input((1, 20, 18, 4)), layers.TimeDistributed(layers.Conv2D(3, 4, strides=4, activation="relu")),
        layers.TimeDistributed(layers.Flatten()), cell, layers.Dense(3),
    ])  # fmt: skip


MODELS = {
    "plain": plain, "two_heads": two_heads, "channels_first": channels_first, "turned": turned,
    "dueling": dueling,
    "gru": lambda: recurrent(layers.GRU(5)), "gru_before": lambda: recurrent(layers.GRU(5, reset_after=False)),
    "lstm": lambda: recurrent(layers.LSTM(5)),
}  # fmt: skip


def main(folder):
    """Write all of them, with random weights and statistics."""
    for name, make in MODELS.items():
        model = make()
        for weight in model.weights:
            values = RNG.normal(0, 0.3, weight.shape)
            weight.assign(np.abs(values) + 0.3 if "variance" in weight.path else values)
        model.compile(optimizer="adam", loss="mse")
        frames = RNG.integers(0, 256, (20, 18, 4), dtype=np.uint8)
        x = frames.astype(np.float32) if name in ("plain", "dueling") else frames.astype(np.float32) / 255
        shape = model.inputs[0].shape
        x = x.transpose(2, 0, 1) if shape[1] == 4 else x
        inputs = [x.reshape(1, *shape[1:]), *([np.ones((1, 3), np.float32)] if name == "dueling" else [])]
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        outputs = {f"output{number}": ops.convert_to_numpy(output)[0] for number, output in enumerate(outputs)}
        np.savez(f"{folder}/{name}.npz", frames=frames, **outputs)
        for suffix in (".keras", ".h5"):
            model.save(f"{folder}/{name}{suffix}")
        model.save_weights(f"{folder}/{name}.weights.h5")


if __name__ == "__main__":
    main(sys.argv[1])
