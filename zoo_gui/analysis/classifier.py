"""Which player produced this frame? The classifier of Such et al. 2019 (S1.3) and two ways to hold frames out.

Such et al., "An Atari Model Zoo for Analyzing, Visualizing, and Comparing Deep Reinforcement Learning Agents"
(arXiv:1812.07069). The network: two convolutions, 3×3, 16 and 32 filters, a hidden layer of 128 units, all rectified,
and a softmax; Adam (Kingma and Ba 2015) at 0.001 on cross-entropy, batches of 32, once through the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo_gui.types import ZooError

FILTERS, KERNEL, HIDDEN = (16, 32), 3, 128
RATE, BETAS, EPSILON = 0.001, (0.9, 0.999), 1e-7
BATCH, PREDICTED = 32, 256
SMALLEST = 2 * (KERNEL - 1) + 1
"""Pixels a side from which the two convolutions leave something."""


@dataclass(frozen=True)
class Training:
    """How long: epochs over the frames in batches of ``batch``. seed: of the first weights and the frames' order."""

    epochs: int = 1
    batch: int = BATCH
    seed: int = 0


def classified(
    frames: np.ndarray, labels: np.ndarray, asked: np.ndarray, classes: int, how: Training | None = None
) -> np.ndarray:
    """Train on frames (N, h, w) uint8 with labels (N,) int in 0 … classes − 1; the classes (M,) int64 that the network
    gives to the frames ``asked`` (M, h, w).

    On one kind of processor the same numbers each time: weights and order are drawn by NumPy from the seed, and
    TensorFlow is left nothing to draw. Raises ZooError for frames that are too small, and where there are none.
    """
    how = how or Training()
    if not len(frames) or not len(asked):
        raise ZooError("There are no frames to train on, or none to ask about: play more steps or with more seeds.")
    if min(frames.shape[1:]) < SMALLEST:
        raise ZooError(f"Frames of {frames.shape[1]}×{frames.shape[2]} pixels are too small: {SMALLEST} is the least.")
    rng = np.random.default_rng(how.seed)
    network = _Network(frames.shape[1:], classes, rng)
    for _ in range(how.epochs):
        order = rng.permutation(len(frames))
        for start in range(0, len(order), how.batch):
            part = order[start : start + how.batch]
            network.learn(frames[part], labels[part].astype(np.int32))
    parts = [network.classes(asked[start : start + PREDICTED]) for start in range(0, len(asked), PREDICTED)]
    return np.concatenate(parts).astype(np.int64)


class _Network:
    """Weights and Adam's moments, and two traced functions: learn(frames, labels), classes(frames)."""

    def __init__(self, size: tuple[int, ...], classes: int, rng: np.random.Generator):
        from zoo_gui.agents.backend import configure_tensorflow

        self._tf = tf = configure_tensorflow()
        height, width = (side - 2 * (KERNEL - 1) for side in size)
        flat = height * width * FILTERS[1]
        shapes = [(KERNEL, KERNEL, 1, FILTERS[0]), (KERNEL, KERNEL, *FILTERS), (flat, HIDDEN), (HIDDEN, classes)]
        first = [array for shape in shapes for array in (_glorot(shape, rng), np.zeros(shape[-1], np.float32))]
        self._weights = [tf.Variable(array) for array in first]
        self._moments = [(tf.Variable(np.zeros_like(a)), tf.Variable(np.zeros_like(a))) for a in first]
        self._steps = tf.Variable(0.0)
        seen = tf.TensorSpec((None, *size), tf.uint8)
        self.learn = tf.function(self._learn, input_signature=[seen, tf.TensorSpec((None,), tf.int32)])
        asked = tf.function(lambda frames: tf.argmax(self._logits(frames), 1), input_signature=[seen])
        self.classes = lambda frames: asked(frames).numpy()

    def _logits(self, frames: Any) -> Any:
        tf, weights = self._tf, self._weights
        x = tf.cast(frames, tf.float32)[..., None] / 255.0
        x = tf.nn.relu(tf.nn.conv2d(x, weights[0], 1, "VALID") + weights[1])
        x = tf.nn.relu(tf.nn.conv2d(x, weights[2], 1, "VALID") + weights[3])
        x = tf.nn.relu(tf.reshape(x, (-1, weights[4].shape[0])) @ weights[4] + weights[5])
        return x @ weights[6] + weights[7]

    def _learn(self, frames: Any, labels: Any) -> None:
        tf = self._tf
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self._logits(frames))
            loss = tf.reduce_mean(losses)
        self._steps.assign_add(1.0)
        powers = [beta**self._steps for beta in BETAS]
        for weight, (mean, square), slope in zip(self._weights, self._moments, tape.gradient(loss, self._weights)):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=mean.handle, v=square.handle, beta1_power=powers[0], beta2_power=powers[1],
                lr=RATE, beta1=BETAS[0], beta2=BETAS[1], epsilon=EPSILON, grad=slope)  # fmt: skip


def _glorot(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform weights of variance 2 / (fan in + fan out): Glorot and Bengio 2010, what Keras takes by itself."""
    field = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


# -- what is held out -------------------------------------------------------------------------------------------------
def at_random(count: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(train, test): indices of ``count`` frames, ``share`` of them held out whatever game they are from: the paper's.

    Games move little in a step, so nearly every frame that is held out has its neighbours among the others.
    """
    order = rng.permutation(count)
    cut = count - round(count * share)
    return np.sort(order[:cut]), np.sort(order[cut:])


def by_game(labels: np.ndarray, runs: np.ndarray, seeds: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """(train, test): indices, split so that no game, and where a class has several trainings no training, is in both.

    labels, runs, seeds: (N,) int, of each frame: its class; which of the class's trainings (0, 1, …) produced the
    player; the seed of its games. Fold f holds out the f-th seed, and of classes with several runs run f modulo their
    number; frames that have the one but not the other are in neither part. Raises ZooError where there is one seed.
    """
    known = np.unique(seeds)
    if len(known) < 2:
        raise ZooError("Whole games can only be held out where there are two seeds or more: name them with --seeds.")
    other_seed = seeds == known[fold % len(known)]
    several = np.array([runs[labels == label].max(initial=0) for label in range(int(labels.max()) + 1)]) + 1
    count = several[labels]
    other_run = runs == fold % count
    alone = count == 1
    return np.flatnonzero(~other_seed & (alone | ~other_run)), np.flatnonzero(other_seed & (alone | other_run))


def evened(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices (sorted) of as many frames of each class that occurs as the rarest has, drawn at random: so chance is one
    in the number of classes, and no class is guessed for being frequent."""
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    least = min(map(len, groups))
    return np.sort(np.concatenate([rng.choice(group, least, replace=False) for group in groups]))


def copies(known: np.ndarray, asked: np.ndarray) -> float:
    """The share of the frames ``asked`` (M, h, w) that stand, pixel for pixel, among the frames ``known`` (N, h, w)."""
    seen = {frame.tobytes() for frame in known}
    return float(np.mean([frame.tobytes() in seen for frame in asked])) if len(asked) else float("nan")
