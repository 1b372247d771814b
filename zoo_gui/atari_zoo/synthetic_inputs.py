"""Observations that excite a unit, made by Lucid: the zoo's high-level interface. Imports TensorFlow and Lucid.

Differences from the zoo's, which were defects: ``make_regularization`` uses L1 where L1 is asked for, the cosine
objectives mind the order of axes the right way round, a unit that its rectifier silences gets a gradient all the same
(Lucid's ``redirected_relu_grad``), and ``seed`` makes a result repeatable.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import lucid_adapter
from zoo_gui.atari_zoo.graphs import tensorflow as tf
from zoo_gui.atari_zoo.graphs import v1
from zoo_gui.atari_zoo.model_maker import MakeAtariModel
from zoo_gui.types import ZooError

_lucid = lucid_adapter.optvis()
objectives, transform, render = _lucid.objectives, _lucid.transform, _lucid.render
wrap_objective = objectives.wrap_objective
POSITION = 5
"""Row and column of the unit that ``direction_neuroncossim`` looks at."""

# -- what is optimised -----------------------------------------------------------------------------------------------


def image(shape: Sequence[int], add_noise: bool = False) -> Any:
    """Pixels (1, h, w, C) in 0–1 that begin as grey with a little normal noise, much of it with ``add_noise``."""
    return tf.sigmoid(_lucid.param.spatial.naive(list(shape), sd=0.5 if add_noise else 0.01))


def only_current_frame(shape: Sequence[int]) -> Any:
    """The same, but only the newest frame can change: those before are black."""
    shape = list(shape)
    past = tf.zeros([*shape[:-1], shape[-1] - 1])
    return tf.concat([past, image([*shape[:-1], 1])], -1)


def composite_activation(x: Any) -> Any:
    """Arctangent and its square, each with a mean square of 1 for normal x: (…, C) to (…, 2C)."""
    x = tf.atan(x)
    return tf.concat([x / 0.67, x * x / 0.6], -1)


def composite_activation_unbiased(x: Any) -> Any:
    """The same with a mean of 0 in both halves."""
    x = tf.atan(x)
    return tf.concat([x / 0.67, (x * x - 0.45) / 0.396], -1)


def relu_normalized(x: Any) -> Any:
    """A rectifier whose output has a mean of 0 and a variance of 1 for normal x."""
    return (tf.nn.relu(x) - 0.40) / 0.58


def image_cppn(
    size: int,
    num_output_channels: int = 1,
    num_hidden_channels: int = 24,
    num_layers: int = 8,
    activation_fn: Callable = composite_activation,
    normalize: bool = False,
) -> Any:
    """(1, size, size, channels) in 0–1, painted by a small network from each pixel's coordinates (Mordvintsev et al.
    2018, "Differentiable Image Parameterizations"); its weights are what is optimised."""
    line = tf.linspace(-np.float32(3**0.5), np.float32(3**0.5), size)  # standard deviation 1
    x = tf.stack(tf.meshgrid(line, line), -1)[None]
    for _ in range(num_layers):
        x = _mixed(x, num_hidden_channels, v1.random_normal([int(x.shape[-1]), num_hidden_channels]))
        if normalize:
            mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
            x = (x - mean) * tf.math.rsqrt(variance + 1e-6)
        x = activation_fn(x)
    return tf.sigmoid(_mixed(x, num_output_channels, tf.zeros([int(x.shape[-1]), num_output_channels])))


def _mixed(x: Any, channels: int, begin: Any) -> Any:
    """A layer over the channels of each pixel; ``begin`` is scaled so that variances stay."""
    kernel = v1.Variable(begin / np.sqrt(int(x.shape[-1])))
    return tf.tensordot(x, kernel, 1) + v1.Variable(tf.zeros([channels]))


def cppn_default_f() -> Any:
    """The zoo's CPPN: four frames of 84 × 84."""
    return image_cppn(84, 4, 16, 8, relu_normalized, normalize=True)


# -- what it is optimised for ----------------------------------------------------------------------------------------


def _last(values: Any, ordering: str) -> Any:
    """Maps with their channels last."""
    return tf.transpose(values, (0, 2, 3, 1)) if ordering == "NCHW" and values.shape.rank == 4 else values


@wrap_objective
def channel(layer: str, n_channel: int, ordering: str = "NHWC") -> Callable:
    """The mean of a channel, whatever the order of the graph's axes."""
    return lambda T: tf.reduce_mean(_last(T(layer), ordering)[..., n_channel])


@wrap_objective
def L2c(
    layer: str = "input", constant: float = 0, epsilon: float = 1e-6, batch: Any = None, channel: int = 0
) -> Callable:
    """The L2 norm of one channel less a constant: as a penalty, of one frame of the input."""

    def norm(T: Callable) -> Any:
        values = T(layer) if batch is None else T(layer)[batch]
        return tf.sqrt(epsilon + tf.reduce_sum((values[..., channel] - constant) ** 2))

    return norm


def _cosine(values: Any, direction: Any) -> Any:
    direction = tf.constant(np.ravel(direction), tf.float32)
    lengths = tf.norm(values, axis=-1) * tf.norm(direction)
    return tf.reduce_mean(tf.math.divide_no_nan(tf.reduce_sum(values * direction, -1), lengths))


@wrap_objective
def direction_cossim(layer: str, vec: Any, ordering: str = "NHWC") -> Callable:
    """The mean cosine between ``vec`` (C,) and the channels at each position."""
    return lambda T: _cosine(_last(T(layer), ordering), vec)


@wrap_objective
def direction_neuroncossim(layer: str, vec: Any, ordering: str = "NHWC") -> Callable:
    """The cosine between ``vec`` (C,) and the channels at position (5, 5)."""
    return lambda T: _cosine(_last(T(layer), ordering)[:, POSITION, POSITION], vec)


@wrap_objective
def all_activation(layer: str, batch: Any = None) -> Callable:
    """The mean of a layer."""
    return lambda T: tf.reduce_mean(T(layer) if batch is None else T(layer)[batch])


def make_regularization(L1: float = 0.0, L2: float = 0.0, TV: float = 0.0) -> Any:
    """Penalties on the input to add to an objective: of its L1 and L2 norm and its total variation."""
    return -L1 * objectives.L1() - L2 * objectives.L2() - TV * objectives.total_variation()


# -- optimising ------------------------------------------------------------------------------------------------------


def visualize_neuron(
    algo: str = "apex",
    env: str = "SeaquestNoFrameskip-v4",
    run_id: int = 1,
    tag: str | None = "final",
    param_f: Callable = lambda: image([1, 84, 84, 4]),
    do_render: bool = False,
    transforms: Sequence[Callable] | None = None,
    layer_no: int = 0,
    neuron: int = 0,
    regularization: Any = 0,
    local: Any = False,
    **params: Any,
) -> np.ndarray:
    """(1, 84, 84, 4) in 0–1 that excites unit ``neuron`` of ``layers[layer_no]``. params: of ``optimize_input``.

    transforms: by default jitter of three pixels. Raises ZooError.
    """
    model = MakeAtariModel(algo, env, run_id, tag, local)()
    layer = model.layers[layer_no]
    if not 0 <= neuron < layer["size"]:
        raise ZooError(f"{layer['name']} has units 0 to {layer['size'] - 1}, not {neuron}.")
    model.load_graphdef()
    wanted = channel(layer["name"], neuron, ordering=model.channel_order)
    transforms = [transform.jitter(3)] if transforms is None else list(transforms)
    return optimize_input(wanted + regularization, model, param_f, transforms, do_render=do_render, **params)


def optimize_input(
    obj: Any,
    model: Any,
    param_f: Callable,
    transforms: Sequence[Callable],
    lr: float = 0.05,
    step_n: int = 512,
    num_output_channels: int = 4,
    do_render: bool = False,
    out_name: str = "out",
    seed: int | None = None,
) -> np.ndarray:
    """The image (1, h, w, C) after ``step_n`` steps of Adam, without transforms. Ctrl+C ends it early.

    do_render: write ``{out_name}.mp4`` of how it forms, its frames under each other (the newest alone where
    num_output_channels is 1), and ``{out_name}.npy`` with the image.
    """
    pictures = []
    with _seeded(seed), v1.Graph().as_default(), v1.Session() as session:
        if seed is not None:
            v1.set_random_seed(seed)
        T = render.make_vis_T(model, obj, param_f, v1.train.AdamOptimizer(lr), list(transforms), True)
        session.run(v1.global_variables_initializer())
        with contextlib.suppress(KeyboardInterrupt):
            for _ in range(step_n):
                _, picture = session.run([T("vis_op"), T("input")])
                if do_render:
                    pictures.append(_film(picture[0], num_output_channels))
        result = session.run(T("input"))
    if do_render:
        _write(pictures, result, Path(out_name))
    return result


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Lucid's random numbers, NumPy's for the first image and TensorFlow's for transforms, made repeatable."""
    if seed is None:
        yield
        return
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def _film(picture: np.ndarray, channels: int) -> np.ndarray:
    """An image (h, w, C) in 0–1 as (H, w, 3) bytes: its frames under each other, the oldest above."""
    parts = [picture[..., -1]] if channels == 1 else list(np.moveaxis(picture, -1, 0))
    stack = np.concatenate(parts)
    stack = (stack - stack.min()) / ((stack.max() - stack.min()) or 1.0)
    return np.repeat(np.uint8(stack * 255)[..., None], 3, -1)


def _write(pictures: list[np.ndarray], result: np.ndarray, name: Path) -> None:
    from zoo_gui.atari_zoo.clips import Clip

    Clip.of(pictures).write_videofile(name.with_name(f"{name.name}.mp4"))
    np.save(name.with_name(f"{name.name}.npy"), result)
